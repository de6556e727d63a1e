"""The running controller of one district: clock, store, folded state, airspace, poles and drones in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from airspace.intents import IntentState, OperationalIntent
from airspace.model import Airspace
from airspace.volumes import Volume4D
from airspace.zones import Zone, load_charts
from controller.alarms import ALARMS, Alarm
from controller.clock import Clock
from controller.config import LoadedSite
from controller.events import AlarmRaised, AnyEvent, FlightEnded, IntentAccepted, IntentChanged, PhaseChanged, Record
from controller.flight.phases import allowed
from controller.links.drone import DroneLink
from controller.links.transport import Transport
from controller.pole_picture import Poles
from controller.state import FlightState, State
from controller.store import Store, open_store
from missions.volumes import absolute

Connect = Callable[[str], Awaitable[Transport]]


@dataclass(slots=True)
class District:
    """What every part of a flight needs; made by `open_district`."""

    site: LoadedSite
    clock: Clock
    store: Store
    state: State
    airspace: Airspace
    connect: Connect
    poles: Poles | None = None
    links: dict[str, DroneLink] = field(default_factory=dict)  # by drone id, while they are open
    upload_progress: tuple[int, int] = (0, 0)  # steps done, steps in all
    raised: dict[tuple[str, str, str, str], float] = field(default_factory=dict)

    async def record(self, *events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
        """Make events durable; the folded state has them when this returns.

        Raises `ClaimsChangedError` as the store does, and `ValueError` for a change of phase that the table forbids.
        """
        for event in events:
            if isinstance(event, PhaseChanged):
                now = self.state.flights[event.flight].phase
                if not allowed(now, event.phase):
                    raise ValueError(f"flight {event.flight} cannot go from {now} to {event.phase}")
        return await self.store.append(*events, claims_seen=claims_seen)

    async def alarm(
        self, code: Alarm, subject: str, flight: str = "", again_after_s: float = 60.0, about: str = "", **facts: Any
    ) -> None:
        """Raise a row of the alarm table, once per subject within `again_after_s` seconds.

        `about` tells alarms of one subject apart, as of two zones that a drone has entered.
        """
        key, now = (code.value, subject, flight, about), self.clock.monotonic_s()
        last = self.raised.get(key)
        if last is not None and now - last < again_after_s:
            return
        self.raised[key] = now
        spec, facts = ALARMS[code], {"subject": subject, **facts}
        await self.record(
            AlarmRaised(
                code=code.value,
                subject=subject,
                severity=int(spec.severity),
                en=spec.words.text("en", facts),
                zh=spec.words.text("zh", facts),
                flight=flight,
            )
        )

    def volumes_of(self, flight: FlightState) -> tuple[Volume4D, ...]:
        """The airspace that a flight holds, with absolute times, in the site's frame."""
        return tuple(absolute(volume, self.site.frame, 0.0) for volume in flight.volumes)

    def _apply(self, record: Record) -> None:
        self.state.apply(record)
        flight = self.state.flights.get(getattr(record.event, "flight", ""))
        if flight is not None and flight.intent is not None:
            self._hold(flight, record)

    def _hold(self, flight: FlightState, record: Record) -> None:
        """Keep the airspace model in step with an intent's events."""
        if flight.intent is None or not isinstance(record.event, IntentAccepted | IntentChanged | FlightEnded):
            return
        if flight.intent is IntentState.ENDED:
            self.airspace.remove_intent(flight.id)
        else:
            intent = OperationalIntent(flight.id, flight.priority, flight.intent, self.volumes_of(flight), record.seq)
            self.airspace.put_intent(intent)


def load_site_zones(site: LoadedSite) -> tuple[Zone, ...]:
    """All zones of the site's airspace files; raises `Refused` for any problem in any of them."""
    return load_charts([site.path(name) for name in site.file.airspace], site.frame, site.ground)


@asynccontextmanager
async def open_district(
    site: LoadedSite,
    clock: Clock,
    *,
    zones: tuple[Zone, ...],
    connect: Connect,
    durable: Literal["power", "process"] = "power",
    store_path: Path | None = None,
) -> AsyncIterator[District]:
    """Open the store, fold what it holds and keep both in step until the end; poles are joined by `poles`."""
    path = store_path or site.path(site.file.store)
    async with open_store(path, clock.utc_s, durable) as store:
        airspace = Airspace(site.frame, site.ground, zones)
        district = District(site, clock, store, State(), airspace, connect)
        for record in store.read():
            district._apply(record)
        store.listen(district._apply)
        yield district
