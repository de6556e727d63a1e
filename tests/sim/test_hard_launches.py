"""What two reviews broke before take-off: gates that close late, homes at wrong heights, Ctrl-C at any moment."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.intents import IntentState
from controller.config import Gates, StatedWind
from controller.district import District
from controller.events import AnyEvent, FlightEnded, GateJudged, IntentAccepted, IntentChanged, Phase, Record
from controller.flight.gates import Launch
from controller.flight.launch import upload_and_verify
from controller.run import fly_mission
from controller.state import State
from controller.virtual_loop import VirtualLoop
from sim.drone.arming import why_not_arm
from sim.drone.autopilot import Autopilot
from sim.drone.items import StoredItem
from tests.sim.hamlet import (
    DOCK,
    MEADOW,
    PLACES,
    START,
    Hamlet,
    answers,
    finished,
    intents,
    live,
    only_flight,
    request,
    until_phase,
)

Trouble = Callable[[Hamlet, Launch], Awaitable[None]]


def closed_gates(district: District) -> set[str]:
    """The gates that did not pass when they were last judged."""
    last = {r.event.gate: r.event for r in district.store.read() if isinstance(r.event, GateJudged)}
    return {gate for gate, event in last.items() if not event.passed}


async def wind_rises(world: Hamlet, launch: Launch) -> None:
    world.city.wind.set_mean(18.0, 70.0)
    await asyncio.sleep(25.0)


async def start_dock_closes(world: Hamlet, launch: Launch) -> None:
    assert launch.district.poles is not None
    await launch.district.poles.ask(START, "DroneDock", "close", 8.0, {"flight": launch.flight})
    await asyncio.sleep(10.0)


async def autopilot_restarts(world: Hamlet, launch: Launch) -> None:
    await launch.link.command(mavlink.MAV_CMD_PREFLIGHT_REBOOT_SHUTDOWN, 1.0)
    await asyncio.sleep(60.0)  # ready to arm again


@pytest.mark.parametrize(
    ("trouble", "gate"),
    [(wind_rises, "wind"), (start_dock_closes, "start-dock"), (autopilot_restarts, "autopilot")],
)
def test_a_gate_that_closes_during_the_upload_keeps_the_motors_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, gate: str
) -> None:
    async def main(world: Hamlet) -> None:
        async def upload(launch: Launch) -> None:
            await upload_and_verify(launch)
            await trouble(world, launch)

        monkeypatch.setattr("controller.flight.conduct.upload_and_verify", upload)
        async with world.controller() as district:
            result = await world.fly(district)
            assert result.outcome == "refused"
            assert gate in closed_gates(district)
            assert answers(district, "arm") == []
            assert not world.drone.truth.armed
            assert not intents(district)

    live(tmp_path, main)


@pytest.mark.parametrize("high_m", [-100.0, -11.0, 11.0, 30.0])
def test_a_drone_that_is_wrong_about_sea_level_is_refused_at_the_gate_of_its_take_off_place(
    tmp_path: Path, high_m: float
) -> None:
    async def main(world: Hamlet) -> None:
        world.drone.autopilot.datum_amsl_m += high_m
        async with world.controller() as district:
            result = await world.fly(district)
            assert result.outcome == "refused"
            (reason,) = result.reasons
            assert "'take-off place' is closed" in reason["en"]
            told = re.search(r"([-+][\d.]+) m from the site's ground", reason["en"])
            assert told is not None
            assert float(told[1]) == pytest.approx(high_m, abs=1.0)  # its barometer wanders
            assert answers(district, "arm") == []

    live(tmp_path, main)


def test_a_drone_that_believes_to_stand_above_the_heights_of_its_request_is_refused_while_planning(
    tmp_path: Path,
) -> None:
    async def main(world: Hamlet) -> None:
        world.drone.autopilot.datum_amsl_m += 100.0
        async with world.controller() as district:
            result = await world.fly(district)
            assert result.outcome == "refused"
            assert [reason["code"] for reason in result.reasons] == ["plan.height-home"]
            assert not district.state.flights

    live(tmp_path, main)


STATED = StatedWind(wind_mps=2.0, stated_by="Li Wei")


@pytest.mark.parametrize(
    ("gates", "missing"),
    [
        (Gates(stated_weather=STATED, stated_open_dock="Li Wei"), ""),
        (Gates(stated_open_dock="Li Wei"), "gates.stated_weather"),
        (Gates(stated_weather=STATED), "gates.stated_open_dock"),
    ],
)
def test_without_a_gateway_a_person_answers_for_wind_and_cover_and_the_flight_ends_on_open_ground(
    tmp_path: Path, gates: Gates, missing: str
) -> None:
    async def main(world: Hamlet) -> None:
        async with world.without_gateway() as district:
            result = await world.fly(district)
            if missing:
                assert result.outcome == "refused"
                assert len(result.reasons) == 1
                assert missing in result.reasons[0]["en"]
                assert missing in result.reasons[0]["zh"]
            else:
                assert result.outcome == "completed"
                assert result.summary.flights[0].landed_on == MEADOW

    live(tmp_path, main, gates=gates)


# from the first word to the drone to the climb: gates until 41.5 s, upload until 45.4 s, in the air from 48 s on
STOPS_S = (0.1, 2.0, 20.01, 20.05, 21.5, 23.03, 30.25, 41.53, 43.0, 45.35, 45.37, 45.45, 45.55, 46.5, 52.0)


@pytest.mark.parametrize("after_s", STOPS_S)
def test_whenever_the_operator_stops_a_launch_no_ended_flight_holds_anything_and_the_next_one_starts(
    tmp_path: Path, after_s: float
) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await asyncio.sleep(after_s)
            flying.cancel()
            await asyncio.wait([flying])
            assert_holds_nothing(district)
            for pole in world.city.poles.values():
                held = pole.dock.now().reserved_for
                assert held in {"", *(flight.id for flight in district.state.unfinished())}
        async with world.controller() as district:
            assert_holds_nothing(district)
            left = await finished(world, district)
            assert not intents(district)
            if any(result.outcome == "completed" for result in left):
                return  # it had taken off, was followed and has landed
            again = len(district.state.flights)
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, Phase.FLYING, again)
            flying.cancel()
            await asyncio.wait([flying])

    live(tmp_path, main)


def assert_holds_nothing(district: District) -> None:
    """No ended flight holds airspace or a dock, neither in memory nor by the log."""
    for state in (district.state, State.fold(district.store.read())):
        open_ids = {flight.id for flight in state.unfinished()}
        assert intents(district) <= open_ids
        for flight in state.flights.values():
            assert not flight.ended or not (flight.docks or flight.volumes)
            assert all(holder.id in open_ids for pole in flight.docks for holder in state.dock_holders(pole))


@pytest.mark.parametrize("wait_s", [3.0, 15.0])
def test_a_drone_that_was_armed_and_disarms_itself_is_found_where_it_stood(tmp_path: Path, wait_s: float) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, Phase.ARMING)
            await asyncio.sleep(0.05)
            flying.cancel()
            await asyncio.wait([flying])
            assert world.drone.truth.armed
            assert not only_flight(district).ended
        await asyncio.sleep(wait_s)
        async with world.controller() as district:
            (result,) = await finished(world, district)
            assert [reason["code"] for reason in result.reasons] == ["flight.interrupted"]
            assert "still where it stood" in result.reasons[0]["en"]
            (ended,) = [r.event for r in district.store.read() if isinstance(r.event, FlightEnded)]
            assert ended.landed_on == ""
            assert not intents(district)

    live(tmp_path, main)


KILLS = [(phase, after_s) for phase in (Phase.GATES, Phase.UPLOADING, Phase.ARMING) for after_s in (0.0, 0.3)]


@pytest.mark.parametrize(("phase", "after_s"), KILLS)
def test_a_controller_killed_during_a_launch_leaves_nothing_held_once_another_has_picked_the_flight_up(
    tmp_path: Path, phase: Phase, after_s: float
) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, phase)
            await asyncio.sleep(after_s)
            await world.kill(district, flying)
        async with world.controller() as district:
            (result,) = await finished(world, district)
            assert result.outcome == ("completed" if world.off_m(PLACES[DOCK]) < 1.5 else "failed")
            assert not district.state.unfinished()
            assert not intents(district)
            docks = [pole.dock.now() for pole in world.city.poles.values()]
            assert {(dock.reserved_for, dock.cover.value) for dock in docks} == {("", "closed")}

    live(tmp_path, main)


def test_a_controller_that_dies_while_it_writes_that_the_drone_flies_finds_it_flying(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            append, writes = district.store.append, asyncio.Event()

            async def dying(*events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
                if any(isinstance(event, IntentChanged) and event.state == "activated" for event in events):
                    writes.set()
                    await asyncio.get_running_loop().create_future()
                return await append(*events, claims_seen=claims_seen)

            setattr(district.store, "append", dying)  # noqa: B010 - a method, replaced on purpose
            flying = asyncio.create_task(world.fly(district))
            await writes.wait()
            await world.kill(district, flying)
        async with world.controller() as district:
            resumed = asyncio.create_task(finished(world, district))
            flight = await until_phase(district, Phase.FLYING)
            assert flight.intent is IntentState.ACTIVATED
            (result,) = await resumed
            assert result.outcome == "completed"

    live(tmp_path, main)


def test_a_reservation_that_is_being_written_when_the_operator_stops_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_a_moment(loop: VirtualLoop, executor: object, work: Callable[..., Any], *given: Any) -> asyncio.Future[Any]:
        """Work as a thread would: done a little later, whether or not anybody still waits for it."""
        done: asyncio.Future[Any] = loop.create_future()

        def finish() -> None:
            outcome = work(*given)
            if not done.cancelled():
                done.set_result(outcome)

        loop.call_later(0.01, finish)
        return done

    monkeypatch.setattr(VirtualLoop, "run_in_executor", in_a_moment)

    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            append = district.store.append

            async def stopped(*events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
                if any(isinstance(event, IntentAccepted) for event in events):
                    asyncio.get_running_loop().call_soon(flying.cancel)
                return await append(*events, claims_seen=claims_seen)

            setattr(district.store, "append", stopped)  # noqa: B010 - a method, replaced on purpose
            flying = asyncio.create_task(world.fly(district))
            await asyncio.wait([flying])
            await asyncio.sleep(1.0)
            kinds = [type(record.event) for record in district.store.read()]
            assert IntentAccepted in kinds
            assert not intents(district)
            assert_holds_nothing(district)
        async with world.controller() as district:
            assert not district.state.unfinished()
            assert not intents(district)

    live(tmp_path, main)


@pytest.mark.parametrize("after_s", [0.0, 22.0, 24.0, 30.0, 38.0, 41.0])
def test_whenever_the_drone_was_switched_on_it_is_told_to_arm_only_when_it_can(tmp_path: Path, after_s: float) -> None:
    async def main(world: Hamlet) -> None:
        await asyncio.sleep(after_s)
        async with world.controller() as district:
            on_open_ground = world.site.file.drones[1]
            flying = asyncio.create_task(fly_mission(district, request(), on_open_ground, world.given.runs))
            await until_phase(district, Phase.FLYING)
            assert answers(district, "arm") == ["accepted"]
            flying.cancel()
            await asyncio.wait([flying])

    live(tmp_path, main)


def test_a_fence_that_an_earlier_flight_left_on_does_not_keep_the_drone_on_the_ground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def why_not(autopilot: Autopilot, *, force: bool) -> list[str]:
        """The real autopilot does not arm outside its fence."""
        outside = autopilot.fencing.enabled and autopilot.fencing.excess(autopilot.believed())[0]
        return ["Vehicle breaching Polygon fence"] if outside else why_not_arm(autopilot, force=force)

    monkeypatch.setattr("sim.drone.autopilot.why_not_arm", why_not)

    async def main(world: Hamlet) -> None:
        autopilot = world.drone.autopilot
        corners = ((34.76, 113.64), (34.762, 113.64), (34.76, 113.642))
        far = [StoredItem(5001, 0, 3.0, x=round(lat * 1e7), y=round(lon * 1e7)) for lat, lon in corners]
        autopilot.lists.fence.load(far)
        autopilot.fencing.switched = True
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, Phase.FLYING)
            assert answers(district, "fence off") == ["accepted"]
            assert autopilot.fencing.enabled  # this flight's own
            flying.cancel()
            await asyncio.wait([flying])

    live(tmp_path, main)
