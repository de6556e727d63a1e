"""The running controller of one district: clock, store, folded state, airspace, poles and drones in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from airspace.conflicts import Conflict
from airspace.intents import IntentState, OperationalIntent
from airspace.model import Airspace
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.rules import by_name
from airspace.volumes import Volume4D
from airspace.zones import Zone
from controller.alarms import ALARMS, Alarm
from controller.clock import Clock
from controller.config import LoadedSite
from controller.events import (
    AlarmRaised,
    AnyEvent,
    FlightEnded,
    IntentAccepted,
    IntentChanged,
    OffNominal,
    PhaseChanged,
    Record,
    ResponseProposed,
)
from controller.flight.phases import allowed
from controller.holder import holder_of
from controller.links.drone import DroneLink
from controller.links.transport import Transport
from controller.pole_picture import Poles
from controller.register.register import Register
from controller.sharing import STALE, Sharing, StaleKnowledgeError
from controller.site_airspace import SiteSurface
from controller.state import FlightState, State
from controller.store import Store, open_store
from controller.traffic_picture import TrafficPicture
from missions.plan import Plan, PlanVolume
from missions.volumes import absolute, plan_conflicts
from poles.gateway.alarms import Told

# The events that change what an intent holds.
OF_INTENTS = (IntentAccepted, IntentChanged, OffNominal, FlightEnded)

UNTOLD = Rule(
    "register.untold",
    Words(
        "the shared register does not say yet what flight {flight} holds",
        "共享登记库尚未记录飞行 {flight} 所占空域",
    ),
    Words(
        "Look at the alarm that says why; it is tried again at every look.",
        "请查看说明原因的告警；每次读取时都会重试。",
    ),
)

Connect = Callable[[str], Awaitable[Transport]]


class Deciding(Protocol):
    """Where people decide on the missions that alarms ask for; see `controller.responses.Responses`."""

    @property
    def open(self) -> tuple[ResponseProposed, ...]:
        """What nobody has decided yet, oldest first."""
        ...

    async def decide(self, response: str, by: str, *, fly: bool) -> str:
        """Fly a proposal or leave it; the run that began. Raises `Refused`."""
        ...


@dataclass(slots=True)
class District:
    """What every part of a flight needs; made by `open_district`."""

    site: LoadedSite
    clock: Clock
    store: Store
    state: State
    airspace: Airspace
    connect: Connect
    sharing: Sharing | None = None
    poles: Poles | None = None
    traffic: TrafficPicture | None = None  # what the poles' receivers hear
    alarm_listeners: list[Callable[[Sequence[Told]], None]] = field(default_factory=list)  # of poles' alarms
    responses: Deciding | None = None  # while they are at work
    links: dict[str, DroneLink] = field(default_factory=dict)  # by drone id, while they are open
    claimed: set[str] = field(default_factory=set)  # drones that a flight of this process works with, by id
    upload_progress: dict[str, tuple[int, int]] = field(default_factory=dict)  # by flight: steps done, steps in all
    # by flight, its volumes as the log has them and as they lie in the frame: they are asked for every second
    laid: dict[str, tuple[tuple[PlanVolume, ...], tuple[Volume4D, ...]]] = field(default_factory=dict)
    # by flight: for what plan, take-off [s UTC] and state of the airspace its conflicts were found, and which
    conflicts: dict[str, tuple[Plan, float, int, list[Conflict]]] = field(default_factory=dict)
    raised: dict[tuple[str, str, str, str], float] = field(default_factory=dict)
    # by flight, the number of the event that the shared register has yet to be told of
    untold: dict[str, int] = field(default_factory=dict)

    async def record(self, *events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
        """Make events durable; the folded state has them when this returns.

        Raises `ClaimsChangedError` as the store does, and `ValueError` for a change of phase that the table forbids.
        """
        for event in events:
            if isinstance(event, PhaseChanged):
                now = self.state.flights[event.flight].phase
                if not allowed(now, event.phase):
                    raise ValueError(f"flight {event.flight} cannot go from {now} to {event.phase}")
        records = await self.store.append(*events, claims_seen=claims_seen)
        if self.sharing is not None:
            claims = {e.flight for e in events if isinstance(e, OF_INTENTS)}
            for flight in sorted(claims):
                await self.settle(flight)
        return records

    async def follow_register(self) -> int:
        """Take in what others changed in the shared register; a number that grows when it changed what may be flown."""
        if self.sharing is None:
            return 0
        try:
            await self.sharing.follow()
        except Refused as refused:
            await self._register_is_behind(refused)
        for flight in sorted(self.untold):
            if not self.sharing.unread:
                await self.settle(flight)
        return self.sharing.news

    async def unseen(self, flight: str) -> tuple[Reason, ...]:
        """Look at the shared register; why a flight cannot be judged by what the model holds then, empty if it can."""
        if self.sharing is None:
            return ()
        await self.follow_register()
        if self.sharing.unread:
            return self.sharing.unread
        try:
            unplaced = await self.sharing.unplaced(self.volumes_of(self.state.flights[flight]))
        except Refused as refused:
            return refused.reasons
        return (*unplaced, *([Reason(UNTOLD, flight, {"flight": flight})] if flight in self.untold else ()))

    async def settle(self, flight: str) -> None:
        """Make the shared register say of a flight what the log says; an alarm says so when it cannot."""
        if self.sharing is None:
            return
        held = self.state.flights.get(flight)
        event = self.untold.setdefault(flight, 0)
        try:
            if held is None:
                await self.sharing.settle(flight, None, 0, ())
            else:
                off_nominal = self._absolute(held.off_nominal)
                await self.sharing.settle(flight, held.intent, held.priority, self.volumes_of(held), off_nominal)
        except StaleKnowledgeError:
            await self._register_is_behind(Refused([Reason(STALE, flight, {"flight": flight})]))
        except Refused as refused:
            await self._register_is_behind(refused)
        else:
            if self.untold.get(flight) == event:  # else more has happened to it meanwhile
                del self.untold[flight]

    async def _register_is_behind(self, refused: Refused) -> None:
        reason = refused.reasons[0]
        why = Words(reason.text("en"), reason.text("zh"))
        await self.alarm(Alarm.REGISTER_BEHIND, self.site.file.name, why=why)

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
        held, laid = self.laid.get(flight.id, ((), ()))
        if held is not flight.volumes:
            laid = self._absolute(flight.volumes)
            self.laid[flight.id] = flight.volumes, laid
        return laid

    def conflicts_of(self, plan: Plan, flight: str) -> list[Conflict]:
        """Every conflict of a flight's plan with the airspace of now, looked for only when one of them has changed."""
        takeoff_s, changes = self.state.flights[flight].takeoff_s, self.airspace.changes
        before = self.conflicts.get(flight)
        if before is not None and before[0] is plan and before[1:3] == (takeoff_s, changes):
            return before[3]
        found = plan_conflicts(plan, self.airspace, takeoff_s, own_id=flight)
        self.conflicts[flight] = plan, takeoff_s, changes, found
        return found

    def _absolute(self, volumes: tuple[PlanVolume, ...]) -> tuple[Volume4D, ...]:
        return tuple(absolute(volume, self.site.frame, 0.0) for volume in volumes)

    def _apply(self, record: Record) -> None:
        self.state.apply(record)
        if isinstance(record.event, FlightEnded):
            self.upload_progress.pop(record.event.flight, None)
        flight = self.state.flights.get(getattr(record.event, "flight", ""))
        if flight is not None and flight.intent is not None:
            self._hold(flight, record)

    def _hold(self, flight: FlightState, record: Record) -> None:
        """Keep the airspace model in step with an intent's events."""
        if flight.intent is None or not isinstance(record.event, OF_INTENTS):
            return
        if self.sharing is not None:
            self.untold[flight.id] = record.seq
        if flight.intent is IntentState.ENDED:
            self.airspace.remove_intent(flight.id)
        else:
            intent = OperationalIntent(
                id=flight.id,
                priority=flight.priority,
                state=flight.intent,
                volumes=self.volumes_of(flight),  # a drone that is given up may still come home on its way
                version=record.seq,
                off_nominal_volumes=self._absolute(flight.off_nominal),
            )
            self.airspace.put_intent(intent)


@asynccontextmanager
async def open_district(
    site: LoadedSite,
    clock: Clock,
    *,
    zones: tuple[Zone, ...],
    connect: Connect,
    durable: Literal["power", "process"] = "power",
    store_path: Path | None = None,
    register: Register | None = None,
    surface: SiteSurface | None = None,
) -> AsyncIterator[District]:
    """Open the store, fold what it holds and keep both in step until the end; poles are joined by `poles`.

    `zones` are the site's own; with a `register` those that it holds are added, its intents too, and the district's
    flights are told there. `surface` is the ground that zones are laid over, the site's level one if not given.
    """
    path = store_path or site.path(site.file.store)
    async with open_store(path, clock.utc_s, durable) as store:
        ground = surface or site.ground
        airspace = Airspace(site.frame, ground, zones, jurisdiction=by_name(site.file.jurisdiction))
        district = District(site, clock, store, State(), airspace, connect)
        for record in store.events():
            district._apply(record)
        store.listen(district._apply, to_poles=False)
        if register is not None:
            district.sharing = Sharing(register, holder_of(path, site.file.name), airspace)
            await district.follow_register()
            if district.sharing.unread:
                raise Refused(district.sharing.unread)
            for flight in sorted({*await district.sharing.own(), *(f.id for f in district.state.unfinished())}):
                await district.settle(flight)
        yield district
