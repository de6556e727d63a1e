"""Airspace, landing slots and docks are had together or not at all: each refused in turn, and kills in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from shapely.geometry import Point

from airspace.frames import LatLon
from airspace.intents import IntentState, OperationalIntent
from airspace.volumes import FOREVER_S, Volume4D
from controller.clock import Clock, run, virtual_tempo
from controller.district import District
from controller.events import (
    AnyEvent,
    CommandAnswered,
    DockReserved,
    IntentAccepted,
    Phase,
    PhaseChanged,
    PlanMade,
    Record,
)
from controller.tasks import attended
from poles.services.dock_functions import DOCK, Reserve
from sim.world.assembly import World, WorldSetup, running
from sim.world.days.day import mission_of
from sim.world.succession import Succession
from tests.sim.landings.fates import OTHER, WISHED
from tests.sim.landings.landings import CITY, DRONE, START, WISH

DOCKS = (START, WISHED, OTHER)
Act = Callable[["Claiming", District], None]


@dataclass
class Claiming:
    """One launch; `when` an event comes that it knows, `act` happens once."""

    world: World
    when: Callable[[AnyEvent, int], bool]
    act: Act
    succession: Succession = field(default_factory=Succession)
    events: list[AnyEvent] = field(default_factory=list)
    outcome: str = ""
    codes: tuple[str, ...] = ()
    done: bool = False
    held_after: dict[str, str] = field(default_factory=dict)

    async def play(self) -> None:
        await self.succession.run(self.world, self._work)

    async def _work(self, district: District) -> None:
        def heard(record: Record) -> None:
            self.events.append(record.event)
            count = sum(1 for event in self.events if type(event) is type(record.event))
            if not self.done and self.when(record.event, count):
                self.done = True
                self.act(self, district)

        district.store.listen(heard)
        if not district.state.flights:
            self.outcome, reasons = await self.world.fly_unreported(district, mission_of(WISH), DRONE)
        else:
            for flight in district.state.unfinished():
                self.outcome, reasons = await self.world.finish_unreported(district, flight)
        self.codes = tuple(str(reason["code"]) for reason in reasons)
        await asyncio.sleep(2.0)
        self.held_after = {code: self.world.city.poles[code].dock.now().reserved_for for code in DOCKS}
        assert district.state.unfinished() == []
        assert all(district.state.dock_holders(code) == [] for code in DOCKS)
        assert [intent.id for intent in district.airspace.intents if intent.id != "another"] == []


def claimed(folder: Path, when: Callable[[AnyEvent, int], bool], act: Act) -> Claiming:
    async def main(clock: Clock) -> Claiming:
        world = World(WorldSetup(CITY, folder, folder / "runs", seed=5), clock)
        claiming = Claiming(world, when, act)
        async with running(world):
            await attended(claiming.play(), world.city.run())
        return claiming

    return run(main, virtual_tempo())


def planned(event: AnyEvent, count: int) -> bool:
    return isinstance(event, PlanMade)


def never_flew(claiming: Claiming) -> bool:
    flown = [event for event in claiming.events if isinstance(event, PhaseChanged) and event.phase is Phase.FLYING]
    return not flown


@pytest.mark.parametrize("dock", DOCKS)
def test_when_one_pole_keeps_its_dock_for_another_nothing_is_kept(tmp_path: Path, dock: str) -> None:
    def act(claiming: Claiming, district: District) -> None:
        parameters = Reserve(flight="another", purpose="launch" if dock == START else "land")
        claiming.world.city.poles[dock].dock.begin(DOCK, "reserve", parameters)

    claiming = claimed(tmp_path, planned, act)
    assert claiming.outcome == "refused"
    assert set(claiming.codes) == {"pole.refused"}
    assert never_flew(claiming)
    assert claiming.held_after == {code: "another" if code == dock else "" for code in DOCKS}


@pytest.mark.parametrize("dock", DOCKS)
def test_when_one_pole_does_not_answer_nothing_is_kept_once_it_is_back(tmp_path: Path, dock: str) -> None:
    def act(claiming: Claiming, district: District) -> None:
        pole = claiming.world.city.poles[dock]
        pole.fail_power()
        asyncio.get_running_loop().call_later(14.0, pole.restore_power)

    claiming = claimed(tmp_path, planned, act)
    assert claiming.outcome == "refused"
    assert never_flew(claiming)
    assert claiming.held_after == dict.fromkeys(DOCKS, "")


def test_when_the_airspace_is_taken_meanwhile_no_dock_is_asked_for(tmp_path: Path) -> None:
    def act(claiming: Claiming, district: District) -> None:
        here = district.site.frame.xy(LatLon(34.75, 113.62))
        volume = Volume4D(Point(here).buffer(500.0), -1000.0, 5000.0, 0.0, FOREVER_S)
        another = OperationalIntent("another", priority=0, state=IntentState.ACCEPTED, volumes=(volume,), version=1)
        district.airspace.put_intent(another)

    claiming = claimed(tmp_path, planned, act)
    assert claiming.outcome == "refused"
    assert not [e for e in claiming.events if isinstance(e, IntentAccepted | DockReserved | CommandAnswered)]
    assert claiming.held_after == dict.fromkeys(DOCKS, "")


def test_airspace_and_slots_become_durable_in_one_step(tmp_path: Path) -> None:
    appended: list[tuple[type, ...]] = []

    def act(claiming: Claiming, district: District) -> None:
        append = district.store.append

        async def noted(*events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
            appended.append(tuple(type(event) for event in events))
            return await append(*events, claims_seen=claims_seen)

        setattr(district.store, "append", noted)  # noqa: B010 - a method, replaced on purpose

    claimed(tmp_path, planned, act)
    steps = [kinds for kinds in appended if IntentAccepted in kinds or DockReserved in kinds]
    assert set(steps) == {(IntentAccepted, DockReserved, DockReserved)}


KILLS: list[tuple[type, int]] = [
    (PlanMade, 1),
    (IntentAccepted, 1),
    (DockReserved, 2),
    (PhaseChanged, 1),
    *((CommandAnswered, number) for number in range(1, 7)),  # two to the drone, three reservations, one opening
]


@pytest.mark.parametrize(("kind", "number"), KILLS)
def test_a_controller_killed_at_any_step_of_the_claim_leaves_nothing_kept(
    tmp_path: Path, kind: type, number: int
) -> None:
    claiming = claimed(
        tmp_path,
        lambda event, count: type(event) is kind and count == number,
        lambda claiming, district: claiming.succession.kill(3.0),
    )
    assert never_flew(claiming)
    assert claiming.succession.count == 2
    assert claiming.held_after == dict.fromkeys(DOCKS, "")
