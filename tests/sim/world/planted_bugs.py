"""Bugs to plant in the running program, each as a patch, with the invariants that are meant to find it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

import controller.flight.conduct as conduct
import controller.flight.gates as gates
import controller.flight.launch as launch
import controller.links.mission_transfer as mission_transfer
import missions.planning as planning
import missions.volumes as volumes
from airspace.margins import MarginBreakdown, derive_margins
from airspace.model import Airspace
from airspace.reasons import Words
from airspace.volumes import Volume4D
from airspace.zones import Zone
from controller.events import Phase
from controller.flight.docking import Docking
from controller.flight.gates import Judged, Verdict
from controller.state import FlightState, State
from poles.gateway import Gateway
from poles.gateway.flow import Said
from poles.gateway.ingest import Keep
from poles.protocol import Report
from poles.services import cover

HELD_LONG_S = 5.0
Patch = pytest.MonkeyPatch
PASSED = Judged(Verdict.PASS, Words("as it should be", "正常"))


def fence_off_by_one_leg(patch: Patch) -> None:
    """The fence is laid around all legs but the last one that goes anywhere."""
    fence = planning._fence

    def short(setting: Any, legs: Any, contingency: Any) -> Any:
        last = max(
            i
            for i, leg in enumerate(legs)
            if (leg.start.lat_deg, leg.start.lon_deg) != (leg.end.lat_deg, leg.end.lon_deg)
        )
        return fence(setting, legs[:last], planning._contingency(setting, legs[:last]))

    patch.setattr(planning, "_fence", short)


def acknowledged_before_stored(patch: Patch) -> None:
    """The gateway tells a pole that its report is durable as soon as it is on its way to the store."""
    under_way = set[asyncio.Task[None]]()

    def hasty(keep: Keep) -> Keep:
        async def kept_later(batch: Sequence[Said]) -> None:
            task = asyncio.get_running_loop().create_task(_awaited(keep(batch)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        return kept_later

    _between_gateway_and_store(patch, hasty)


def _between_gateway_and_store(patch: Patch, change: Callable[[Keep], Keep]) -> None:
    init = Gateway.__init__

    def changed(gateway: Gateway, listener: Any, *, keep: Keep, **needs: Any) -> None:
        init(gateway, listener, keep=change(keep), **needs)

    patch.setattr(Gateway, "__init__", changed)


async def _awaited(stored: Awaitable[object]) -> None:
    await stored


def backlog_acknowledged_without_storing(patch: Patch) -> None:
    """Reports that a pole had to hold for a while are acknowledged and never stored; later ones are."""

    def waited(said: Said) -> bool:
        return isinstance(said.message, Report) and said.message.readings[0].held_s > HELD_LONG_S

    def lazy(keep: Keep) -> Keep:
        return lambda batch: keep([said for said in batch if not waited(said)])

    _between_gateway_and_store(patch, lazy)


def interlock_skipped(patch: Patch) -> None:
    """The cover opens on an order in any rain, and stays open in it."""
    step = cover.step

    def dry(state: cover.Cover, event: cover.CoverEvent, around: cover.Surroundings) -> cover.Step:
        if event is cover.CoverEvent.RAIN:
            return cover.Step(state)
        return step(state, event, dataclasses.replace(around, rain_mmph=0.0))

    patch.setattr(cover, "step", dry)


def descent_to_any_dock(patch: Patch) -> None:
    """The landing jump is sent whatever the dock says."""
    patch.setattr(Docking, "_lacking", lambda self, option: ())


def clearing_without_the_last_branch(patch: Patch) -> None:
    """The way to the last dock, its last two volumes, is never compared with the airspace."""
    check = volumes.check_volumes

    def short(flown: Sequence[Any], *rest: Any, **named: Any) -> Any:
        return check(flown[:-2], *rest, **named)

    patch.setattr(volumes, "check_volumes", short)
    patch.setattr(planning, "check_volumes", short)


def reservations_unchecked(patch: Patch) -> None:
    """Airspace that another flight holds counts as free."""
    conflicts = Airspace.conflicts

    def zones_only(self: Airspace, flown: Sequence[Volume4D], **named: Any) -> Any:
        return [conflict for conflict in conflicts(self, flown, **named) if conflict.other_kind == "zone"]

    patch.setattr(Airspace, "conflicts", zones_only)


def wind_gate_open(patch: Patch) -> None:
    """The wind gate passes in any wind."""
    patch.setattr(gates, "_measured_wind", lambda *_: PASSED)


def battery_gate_shut(patch: Patch) -> None:
    """The battery gate passes with no charge: nothing is ever flown."""
    judge_all = gates.judge_all
    shut = Judged(Verdict.FAIL, Words("too little", "不足"))
    patch.setattr(launch, "judge_all", lambda of: judge_all(of) | {"battery": shut})


def battery_gate_open(patch: Patch) -> None:
    """The battery gate passes with any charge."""
    judge_all = gates.judge_all

    def lenient(of: Any) -> dict[str, Judged]:
        return judge_all(of) | {"battery": PASSED}

    patch.setattr(launch, "judge_all", lenient)


def restart_forgets_a_flight(patch: Patch) -> None:
    """A controller that starts does not pick up flights that were on their way."""
    unfinished = State.unfinished

    def forgetful(self: State) -> list[FlightState]:
        return [flight for flight in unfinished(self) if flight.phase is not Phase.FLYING]

    patch.setattr(State, "unfinished", forgetful)


def zone_hours_ignored(patch: Patch) -> None:
    """A zone counts only if it is active when the flight begins."""

    def standing(self: Zone, flown: Sequence[Volume4D]) -> list[Volume4D | None]:
        now_s, held = min(volume.start_s for volume in flown), self.volume
        return [held if held.start_s <= now_s < held.end_s else None for _ in flown]

    patch.setattr(Zone, "standing", standing)
    patch.setattr(
        Zone, "active_during", lambda self, start_s, end_s: self.volume.start_s <= start_s < self.volume.end_s
    )


def second_start_after_a_restart(patch: Patch) -> None:
    """A flight that is picked up in the air is started once more."""
    resumed = conduct._resume

    async def again(district: Any, drone: Any, flight: Any, link: Any) -> None:
        await conduct._meet(district, drone, link)
        await link.command(mavlink.MAV_CMD_MISSION_START)
        await resumed(district, drone, flight, link)

    patch.setattr(conduct, "_resume", again)


def margins_halved(patch: Patch) -> None:
    """Every margin is half of what it should be."""
    derive = derive_margins

    def half(*given: Any, **named: Any) -> MarginBreakdown:
        full = derive(*given, **named)
        halved = {
            name: tuple(dataclasses.replace(term, value=term.value / 2) for term in getattr(full, name))
            for name in ("lateral", "vertical", "time")
        }
        return dataclasses.replace(full, pace=full.pace / 2, **halved)

    patch.setattr(planning, "derive_margins", half)


def gates_not_asked_again(patch: Patch) -> None:
    """The launch gates are asked before the upload only, not before the motors start."""

    async def nothing(of: Any, verdicts: Any) -> None:
        return None

    judge = launch._judge
    patch.setattr(launch, "_judge", lambda of, verdicts: (nothing if _uploaded(of) else judge)(of, verdicts))


def _uploaded(of: Any) -> bool:
    return bool(of.district.state.flights[of.flight].phase is Phase.UPLOADING)


def drone_lent_twice(patch: Patch) -> None:
    """A mission takes a drone that another flight still has."""
    patch.setattr(conduct, "must_be_free", lambda district, drone, flight: None)


def upload_not_compared(patch: Patch) -> None:
    """The last rally point is never sent, and nobody compares what was read back."""
    upload, download = mission_transfer.upload, mission_transfer.download

    async def short(link: Any, items: Sequence[Any], kind: Any) -> Any:
        return await upload(link, items[:-1] if kind.name == "RALLY" else items, kind)

    async def read(link: Any, kind: Any, *, expected: int) -> Any:
        return await download(link, kind, expected=expected - (kind.name == "RALLY"))

    patch.setattr(launch, "upload", short)
    patch.setattr(launch, "download", read)
    patch.setattr(launch, "compare", lambda *_, **__: ())


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """A bug, how it is planted, and the invariants of which one must find it."""

    plant: Callable[[Patch], None]
    found_by: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name."""
        return self.plant.__name__


BUGS = (
    PlantedBug(fence_off_by_one_leg, ("holds-its-plan",)),
    PlantedBug(acknowledged_before_stored, ("acknowledged-is-stored",)),
    PlantedBug(backlog_acknowledged_without_storing, ("acknowledged-is-stored",)),
    PlantedBug(interlock_skipped, ("never-opens-in-rain",)),
    PlantedBug(descent_to_any_dock, ("cover-open-under-drones",)),
    PlantedBug(clearing_without_the_last_branch, ("reservations-apart",)),
    PlantedBug(reservations_unchecked, ("reservations-apart", "kept-apart")),
    PlantedBug(wind_gate_open, ("fit-at-take-off",)),
    PlantedBug(battery_gate_shut, ("missions-are-flown",)),
    PlantedBug(battery_gate_open, ("fit-at-take-off", "charge-at-landing")),
    PlantedBug(restart_forgets_a_flight, ("every-flight-ends",)),
    PlantedBug(zone_hours_ignored, ("reservations-apart", "out-of-blocks")),
    PlantedBug(second_start_after_a_restart, ("one-hand-on-a-drone",)),
    PlantedBug(margins_halved, ("room-around", "in-its-airspace", "kept-apart")),
    PlantedBug(gates_not_asked_again, ("gates-passed",)),
    PlantedBug(drone_lent_twice, ("one-hand-on-a-drone",)),
    PlantedBug(upload_not_compared, ("holds-its-plan",)),
)
