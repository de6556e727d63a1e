"""What two reviews broke: lost answers, cuts, kills and docks that fail at the worst moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.events import ItemStarted, LandingChosen, Phase, PhaseChanged
from controller.flight.landing import COMMITTED_M
from controller.run import RunResult, close_flight, fly_mission
from tests.sim.hamlet import (
    ALTERNATE,
    COMMAND_ACK,
    DOCK,
    MEADOW,
    PLACES,
    START,
    Hamlet,
    Radio,
    alarms,
    answers,
    command_of,
    finished,
    intents,
    live,
    only_flight,
    request,
    until,
    until_phase,
)

JUMP = mavlink.MAV_CMD_DO_SET_MISSION_CURRENT
MISSION_START = mavlink.MAV_CMD_MISSION_START


def landed_on(result: RunResult) -> tuple[str, str]:
    return result.outcome, result.summary.flights[0].landed_on


def deaf_for_answers(command: int, radio: Radio) -> None:
    """Let no answer to this command through."""
    radio.hears = lambda number, frame: number != COMMAND_ACK or command_of(frame) != command


@pytest.mark.parametrize("cut_s", [0.0, 12.0, 45.0])
def test_a_drone_whose_answer_to_the_start_is_lost_keeps_its_airspace_is_followed_and_completes(
    tmp_path: Path, cut_s: float
) -> None:
    async def main(world: Hamlet) -> None:
        def lose(radio: Radio) -> None:
            if cut_s:
                radio.cut(cut_s)
            else:
                deaf_for_answers(MISSION_START, radio)

        world.on_command(MISSION_START, lose)
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, Phase.ARMING)
            while not flying.done():
                assert intents(district) or only_flight(district).ended
                await asyncio.sleep(0.5)
            result = flying.result()
            assert landed_on(result) == ("completed", DOCK)
            assert answers(district, "mission start") == ["unknown"]
            assert [f.outside_reserved_s for f in result.summary.flights] == [0.0]

    live(tmp_path, main)


def test_a_link_that_is_cut_right_after_the_start_loses_neither_airspace_nor_flight(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        def cut_soon(radio: Radio) -> None:
            asyncio.get_running_loop().call_later(0.1, radio.cut, 38.0)

        world.on_command(MISSION_START, cut_soon)
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, Phase.FLYING)
            assert "flight.start-unseen" in alarms(district)
            assert intents(district) == {only_flight(district).id}
            assert landed_on(await flying) == ("completed", DOCK)

    live(tmp_path, main)


@pytest.mark.parametrize("log_is_lost", [False, True])
def test_a_second_launch_of_a_drone_in_the_air_is_refused_and_its_mode_never_changes(
    tmp_path: Path, log_is_lost: bool
) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, Phase.FLYING)
            await asyncio.sleep(5.0)
            await world.kill(district, flying)
        if log_is_lost:
            world.forget()
        modes: set[str] = set()

        async def look() -> None:
            while True:
                modes.add(world.drone.truth.mode.name)
                await asyncio.sleep(0.05)

        looking = asyncio.create_task(look())
        async with world.controller() as district:
            result = await world.fly(district)
            await asyncio.sleep(1.0)
        looking.cancel()
        assert result.outcome == "refused"
        assert modes == {"AUTO"}
        assert not world.drone.truth.landed

    live(tmp_path, main)


async def descending_below(world: Hamlet, height_m: float) -> None:
    """Wait until the drone really is lower than this over the first dock [m]."""
    await until(lambda: world.off_m(PLACES[DOCK]) < 2.0 and world.drone.truth.relative_m < height_m)


def test_a_dock_that_is_taken_under_a_descending_drone_sends_it_back_over_the_dock_and_on_to_the_alternate(
    tmp_path: Path,
) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await descending_below(world, 16.0)
            world.city.poles[DOCK].fail_taken()
            await until(lambda: only_flight(district).phase is not Phase.LANDING)
            while world.drone.truth.relative_m < 35.0:
                assert world.off_m(PLACES[DOCK]) < 3.0  # straight up, over the dock
                await asyncio.sleep(0.1)
            result = await flying
            assert landed_on(result) == ("completed", ALTERNATE)
            assert result.summary.flights[0].outside_reserved_s == 0.0
            assert not result.summary.conflicts
            assert {"dock.not-ready", "flight.diverted"} <= set(alarms(district))
            phases = [r.event.phase for r in district.store.read() if isinstance(r.event, PhaseChanged)]
            assert phases[-4:] == [Phase.HOLDING, Phase.LANDING, Phase.HOLDING, Phase.LANDING]

    live(tmp_path, main)


def test_a_drone_just_above_its_pad_stays_on_its_dock_whatever_the_dock_says(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await descending_below(world, COMMITTED_M - 1.5)
            world.city.poles[DOCK].fail_taken()
            assert landed_on(await flying) == ("completed", DOCK)
            assert "flight.diverted" not in alarms(district)

    live(tmp_path, main)


@pytest.mark.parametrize("cut_s", [0.0, 20.0])
def test_a_jump_that_was_carried_out_though_its_answer_was_lost_is_taken_up_and_not_ordered_again(
    tmp_path: Path, cut_s: float
) -> None:
    async def main(world: Hamlet) -> None:
        def lose(radio: Radio) -> None:
            if cut_s:
                radio.hears = lambda number, frame: False
                asyncio.get_running_loop().call_later(cut_s, radio.mend)
            else:
                deaf_for_answers(JUMP, radio)

        world.on_command(JUMP, lose)
        async with world.controller() as district:
            result = await world.fly(district)
            assert landed_on(result) == ("completed", DOCK)
            assert answers(district, f"land at {DOCK}") == ["unknown"]
            assert "flight.diverted" not in alarms(district)

    live(tmp_path, main)


def test_a_controller_killed_between_the_jump_and_its_record_takes_the_landing_up(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        jumped = asyncio.Event()
        world.on_command(JUMP, lambda radio: jumped.set())
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await jumped.wait()
            await asyncio.sleep(0.03)  # the drone has it
            await world.kill(district, flying)
            assert not [r for r in district.store.read() if isinstance(r.event, LandingChosen)]
        await asyncio.sleep(4.0)
        async with world.controller() as district:
            (result,) = await finished(world, district)
            assert landed_on(result) == ("completed", DOCK)
            assert only_flight(district).landing == DOCK
            assert answers(district, f"land at {DOCK}") == []
            assert answers(district, f"go down to {DOCK}") == ["accepted"]

    live(tmp_path, main)


def test_a_drone_that_is_on_its_way_to_open_ground_by_itself_is_left_alone_by_a_late_controller(
    tmp_path: Path,
) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            flight = await until_phase(district, Phase.FLYING)
            await world.kill(district, flying)
        (ground,) = (option for option in flight.plan.landings if not option.dock)
        late: list[Radio] = []
        world.on_command(JUMP, late.append)
        await until(lambda: world.drone.autopilot.runner.seq >= ground.first_seq)
        async with world.controller() as district:
            (result,) = await finished(world, district)
            assert landed_on(result) == ("completed", MEADOW)
            assert late == []
            assert "flight.diverted" in alarms(district)

    live(tmp_path, main)


@pytest.mark.parametrize(("seen", "codes"), [(Phase.LANDING, []), (Phase.FLYING, ["flight.not-seen"])])
def test_a_controller_that_starts_after_the_landing_says_only_what_somebody_saw(
    tmp_path: Path, seen: Phase, codes: list[str]
) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, seen)
            await asyncio.sleep(2.0)
            assert [r for r in district.store.read() if isinstance(r.event, ItemStarted)]
            await world.kill(district, flying)
        await until(lambda: not world.drone.truth.armed)
        async with world.controller() as district:
            (result,) = await finished(world, district)
            assert result.summary.flights[0].landed_on == MEADOW  # nobody gave it its word in the gate
            assert [reason["code"] for reason in result.reasons] == codes
            assert result.outcome == ("failed" if codes else "completed")
            assert not district.state.unfinished()
            assert not intents(district)

    live(tmp_path, main)


def test_a_pole_that_loses_power_once_the_drone_stands_on_it_raises_an_alarm(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await descending_below(world, 1.0)
            world.city.poles[DOCK].fail_power()
            assert landed_on(await flying) == ("completed", DOCK)
            assert {"dock.not-closed", "pole.silent"} & set(alarms(district))

    live(tmp_path, main)


def test_a_drone_that_is_never_heard_again_holds_its_airspace_until_it_is_given_up_and_then_another_may_fly(
    tmp_path: Path,
) -> None:
    async def main(world: Hamlet) -> None:
        async def other() -> RunResult:
            return await fly_mission(district, request("other"), world.site.file.drones[1], world.given.runs)

        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, Phase.FLYING)
            world.radios[0].cut(1e6)
            await asyncio.sleep(60.0)
            assert (await other()).outcome == "refused"
            lost = await flying
            assert [reason["code"] for reason in lost.reasons] == ["flight.lost"]
            assert {pole.dock.now().reserved_for for pole in world.city.poles.values()} == {""}
            assert not intents(district)
            assert landed_on(await other()) == ("completed", DOCK)

    live(tmp_path, main)


def test_a_flight_whose_drone_is_not_heard_after_a_restart_stays_open_until_a_person_closes_it(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, Phase.FLYING)
            await world.kill(district, flying)
        world.on_radio = lambda radio: radio.cut(1e6)
        async with world.controller() as district:
            (result,) = await finished(world, district)
            assert [reason["code"] for reason in result.reasons] == ["drone.not-heard"]
            assert intents(district) == {only_flight(district).id}
            await close_flight(district, only_flight(district), "found in a tree", world.given.runs)
            assert not intents(district)
            assert not district.state.dock_holders(DOCK)

    live(tmp_path, main)


def test_after_landing_on_another_dock_the_next_mission_starts_from_there(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            assert landed_on(await world.fly(district)) == ("completed", DOCK)
            world.mission = request("back", backwards=True, docks=(START,))
            result = await world.fly(district)
            assert landed_on(result) == ("completed", START)
            assert result.summary.flights[0].outside_reserved_s == 0.0
            home = list(district.state.flights.values())[1].plan.home
            assert (home.lat_deg, home.lon_deg) == pytest.approx(PLACES[DOCK], abs=2e-5)
            assert world.off_m(PLACES[START]) < 1.5

    live(tmp_path, main)
