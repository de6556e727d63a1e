"""Every command in every state that was observed on the real autopilot: its acknowledgement and its words.

Each row quotes `autopilot-observed.md` or, where that is silent, follows ArduCopter's source (GCS_MAVLink_Copter.cpp).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.modes import Mode
from tests.sim.station import HOME, TAKEOFF_20, Station, airborne, place, stage, waypoint

ACCEPTED, REJECTED_NOW, DENIED, UNSUPPORTED, FAILED, IN_PROGRESS = range(6)
HERE = tuple(v / 1e7 for v in place(20.0, 0.0))


@dataclass(frozen=True)
class Row:
    """A state, a command with its params, and what is answered."""

    state: str  # idle: disarmed STABILIZE; guided; armed: on the ground in GUIDED; air: GUIDED at 15 m
    command: int
    params: tuple[float, ...]
    result: int
    text: str = ""
    as_int: bool = False
    frame: int = 3


ROWS = [
    # arming
    Row("idle", 400, (1,), ACCEPTED, "Arming motors"),
    Row("idle", 400, (5,), UNSUPPORTED),
    Row("idle", 400, (1, 2989), ACCEPTED, "Arming motors"),
    Row("armed", 400, (1,), ACCEPTED),
    Row("idle", 400, (0,), ACCEPTED),
    Row("air", 400, (0,), FAILED),
    Row("air", 400, (0, 21196), ACCEPTED, "Disarming motors"),
    Row("idle", 401, (), ACCEPTED),
    Row("armed", 401, (), REJECTED_NOW),
    # modes
    Row("idle", 176, (1, 99), FAILED, "No such mode 99"),
    Row("idle", 176, (0, 4), DENIED),
    Row("idle", 176, (1, 3), ACCEPTED),
    Row("air", 176, (1, 3), FAILED, "Mode change to AUTO failed: init failed"),
    Row("idle", 21, (), ACCEPTED),
    Row("idle", 17, (), ACCEPTED),
    Row("idle", 20, (), ACCEPTED),
    Row("air", 20, (), ACCEPTED),
    Row("idle", 300, (), ACCEPTED),
    Row("air", 300, (), FAILED),
    Row("idle", 300, (1,), DENIED),
    # take-off
    Row("guided", 22, (0, 0, 0, 0, 0, 0, 10), FAILED),
    Row("guided", 22, (0, 0, 0, 0, 0, 0, 10), DENIED, as_int=True),
    Row("armed", 22, (0, 0, 0, 0, 0, 0, 10), ACCEPTED),
    Row("armed", 22, (0, 0, 0, 0, 0, 0, 10), ACCEPTED, as_int=True),
    Row("armed", 22, (0, 0, 0, 0, 0, 0, 10), DENIED, as_int=True, frame=0),
    Row("armed", 22, (0, 0, 0, 0, 0, 0, -10), FAILED),
    Row("air", 22, (0, 0, 0, 0, 0, 0, 30), FAILED),
    # where to, how fast, which way
    Row("air", 192, (-1, 0, 0, 0, *HERE, 20), ACCEPTED, as_int=True),
    Row("air", 192, (-1, 0, 0, 0, *HERE, 20), UNSUPPORTED),
    Row("air", 192, (-1, 0, 0, 0, 95.0, 0.0, 20), DENIED, as_int=True),
    Row("idle", 192, (-1, 0, 0, 0, *HERE, 20), DENIED, as_int=True),
    Row("idle", 178, (1, 5), ACCEPTED),
    Row("idle", 178, (1, -1), DENIED),
    Row("idle", 178, (4, 5), DENIED),
    Row("idle", 115, (90, 30), ACCEPTED),
    Row("idle", 115, (361, 30), FAILED),
    Row("idle", 115, (90, 30, 1, 2), FAILED),
    Row("idle", 179, (1,), ACCEPTED),
    Row("idle", 179, (0, 0, 0, 0, 95.0, 0.0, 0), DENIED),
    Row("guided", 193, (1,), ACCEPTED),
    Row("guided", 193, (2,), DENIED),
    Row("idle", 193, (0,), FAILED, "Failed to pause"),
    Row("idle", 193, (1,), FAILED, "Failed to resume"),
    Row("air", 195, (0, 0, 0, 0, *HERE, 0), ACCEPTED),
    Row("air", 195, (0, 0, 0, 0, 95.0, 0.0, 0), FAILED),
    Row("air", 197, (), ACCEPTED),
    Row("air", 201, (0, 0, 0, 0, *HERE, 0), ACCEPTED),
    Row("idle", 224, (1,), DENIED),
    Row("idle", 189, (), FAILED, "Mode change to AUTO RTL failed: No landing sequence found"),
    # fence, end of flight, motors
    Row("idle", 207, (1,), ACCEPTED),
    Row("idle", 207, (0,), ACCEPTED),
    Row("idle", 207, (3,), FAILED),
    Row("idle", 185, (0,), FAILED),
    Row("armed", 185, (1,), ACCEPTED, "Disarming motors"),
    Row("idle", 209, (1, 0, 5, 1), ACCEPTED, "starting motor test"),
    Row("idle", 209, (7, 0, 5, 1), FAILED),
    Row("air", 209, (1, 0, 5, 1), FAILED, "Motor Test: vehicle not landed"),
    # the box itself
    Row("idle", 246, (0,), UNSUPPORTED),
    Row("armed", 246, (1,), FAILED),
    Row("idle", 246, (1,), ACCEPTED),
    Row("armed", 241, (1,), FAILED, "Disarm to allow calibration"),
    Row("idle", 241, (1,), ACCEPTED),
    Row("idle", 241, (0, 0, 1), ACCEPTED, "Barometer calibration complete"),
    Row("idle", 241, (), UNSUPPORTED),
    Row("idle", 526, (1, 1), IN_PROGRESS),
    Row("armed", 526, (1, 1), FAILED),
    Row("idle", 526, (1, 0), UNSUPPORTED),
    Row("idle", 183, (9, 1500), ACCEPTED),
    Row("idle", 183, (1, 1500), FAILED),
    Row("idle", 181, (0, 1), FAILED),
    Row("idle", 218, (9999, 2), FAILED),
    Row("idle", 218, (55, 2), ACCEPTED),
    Row("idle", 218, (11, 2), ACCEPTED),
    Row("idle", 218, (11, 3), DENIED),
    # asked for by nobody's autopilot
    *(Row("idle", command, (), UNSUPPORTED) for command in (65000, 30999, 42999, 16, 34, 223, 252, 519, 530)),
    # messages
    Row("idle", 520, (1,), ACCEPTED),
    Row("idle", 410, (), ACCEPTED),
    Row("idle", 512, (242,), ACCEPTED),
    Row("idle", 512, (99999,), FAILED),
    Row("idle", 511, (30, 2000), DENIED, "Requested rate for message ID 30 too fast. Increase SCHED_LOOP_RATE"),
    Row("idle", 511, (12345, 100000), DENIED, "No ap_message for mavlink id (12345)"),
    Row("idle", 510, (99999,), FAILED),
]  # fmt: skip


async def brought(state: str, sim: object, station: Station) -> None:
    if state == "idle":
        return
    if state == "air":
        await airborne(sim, station, 15.0)  # type: ignore[arg-type]
        return
    assert await station.command(176, 1, 4) == ACCEPTED
    if state == "armed":
        assert await station.command(400, 1) == ACCEPTED


@pytest.mark.parametrize("state", ["idle", "guided", "armed", "air"])
def test_a_command_is_answered_as_observed(state: str) -> None:
    async def main(clock: Clock) -> None:
        for row in (row for row in ROWS if row.state == state):
            async with stage(clock) as (sim, station):
                await brought(state, sim, station)
                since_s, begin = clock.monotonic_s(), len(station.heard)
                result = await station.command(row.command, *row.params, as_int=row.as_int, frame=row.frame)
                assert result == row.result, row
                await asyncio.sleep(0.3)
                ack = next(m for m in station.of("COMMAND_ACK", since_s) if m.command == row.command)
                assert (ack.progress, ack.result_param2) == (0, 0)
                assert (ack.target_system, ack.target_component) == (255, 190)
                answers = [m for _, m in station.heard[begin:] if m.get_type() == "COMMAND_ACK"]
                assert len(answers) == 1, row
                if row.text:
                    # a text of 50 characters goes on in the next chunk
                    chunks = [m.text + ("" if len(m.text) == 50 else "\n") for m in station.of("STATUSTEXT", since_s)]
                    assert row.text in "".join(chunks).splitlines(), row

    run(main, virtual_tempo())


def test_only_the_addressed_system_answers() -> None:
    # "Commands to another target sysid -> no answer. target 0/0 -> answered. Right sysid with unknown comp (77) ->
    # executed and ACKed."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):

            def arm(system_id: int, component_id: int) -> None:
                station.send(mavlink.MAVLink_command_long_message(system_id, component_id, 176, 0, 1, 5, 0, 0, 0, 0, 0))

            arm(2, 1)
            await asyncio.sleep(0.5)
            assert not station.of("COMMAND_ACK")
            assert sim.truth.mode is Mode.STABILIZE
            arm(0, 0)
            await asyncio.sleep(0.5)
            assert len(station.of("COMMAND_ACK")) == 1
            arm(1, 77)
            await asyncio.sleep(0.5)
            assert [m.result for m in station.of("COMMAND_ACK")] == [0, 0]

    run(main, virtual_tempo())


def test_what_takes_long_is_in_progress_once_a_second_and_cannot_be_begun_twice() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            begin = clock.monotonic_s()
            assert await station.command(526, 1, 1) == IN_PROGRESS
            assert await station.command(526, 1, 1) == REJECTED_NOW
            await asyncio.sleep(4.0)
            told = [(round(t - begin, 1), m.result) for t, m in station.heard if m.get_type() == "COMMAND_ACK"]
            assert [result for _, result in told] == [IN_PROGRESS, REJECTED_NOW, IN_PROGRESS, IN_PROGRESS, ACCEPTED]
            assert told[-1][0] == pytest.approx(2.5, abs=0.3)
            assert await station.command(526, 1, 1) == IN_PROGRESS

    run(main, virtual_tempo())


def test_a_motor_test_cancels_the_take_off() -> None:
    # "DO_MOTOR_TEST armed just after a takeoff command -> ACCEPTED and cancels the takeoff (vehicle stays on the
    # ground)."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            assert await station.command(176, 1, 4) == ACCEPTED
            assert await station.command(400, 1) == ACCEPTED
            assert await station.command(22, 0, 0, 0, 0, 0, 0, 10) == ACCEPTED
            assert await station.command(209, 1, 0, 5, 2) == ACCEPTED
            await asyncio.sleep(8.0)
            assert sim.truth.landed
            assert sim.truth.relative_m == 0.0
            assert "finished motor test" in station.texts()

    run(main, virtual_tempo())


def test_a_mission_is_held_on_its_leg_and_goes_on() -> None:
    # MISSION_STATE_PAUSED (4) while AUTO is held by DO_PAUSE_CONTINUE; a second pause has nothing to hold
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 20.0)
            assert await station.upload([HOME, TAKEOFF_20, waypoint(0, 300, 20), waypoint(0, 310, 20)]) == ACCEPTED
            assert await station.command(224, 2) == ACCEPTED
            assert await station.command(176, 1, 3) == ACCEPTED
            await station.command(511, 42, 200000)
            await asyncio.sleep(12.0)
            assert await station.command(193, 0) == ACCEPTED
            await asyncio.sleep(8.0)
            held = sim.truth
            assert abs(held.north_mps) < 0.1
            assert station.of("MISSION_CURRENT")[-1].mission_state == 4
            assert sim.truth.mode is Mode.AUTO
            assert await station.command(193, 0) == FAILED
            assert await station.command(193, 1) == ACCEPTED
            await asyncio.sleep(6.0)
            assert sim.truth.north_mps > 3.0
            assert station.of("MISSION_CURRENT")[-1].mission_state == 3
            assert await station.command(193, 1) == FAILED

    run(main, virtual_tempo())


def test_guided_flight_is_held_and_goes_on() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 15.0)
            x, y = place(0.0, 200.0)
            assert await station.command(192, -1, 0, 0, 0, x / 1e7, y / 1e7, 15.0, as_int=True) == ACCEPTED
            await asyncio.sleep(8.0)
            assert await station.command(193, 0) == ACCEPTED
            await asyncio.sleep(8.0)
            assert abs(sim.truth.north_mps) < 0.1
            north = sim.autopilot.body.n
            assert await station.command(193, 1) == ACCEPTED
            await asyncio.sleep(40.0)
            assert sim.autopilot.body.n == pytest.approx(200.0, abs=1.0)
            assert 20.0 < north < 150.0

    run(main, virtual_tempo())


def test_the_drone_turns_towards_a_region_of_interest_and_keeps_looking() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 15.0)
            x, y = place(100.0, 0.0)
            assert await station.command(195, 0, 0, 0, 0, x / 1e7, y / 1e7, 0) == ACCEPTED
            await asyncio.sleep(10.0)
            assert sim.truth.heading_deg == pytest.approx(90.0, abs=2.0)
            x, y = place(100.0, 100.0)
            assert await station.command(192, -1, 0, 0, 0, x / 1e7, y / 1e7, 15.0, as_int=True) == ACCEPTED
            await asyncio.sleep(40.0)
            assert sim.truth.heading_deg == pytest.approx(180.0, abs=3.0)
            assert await station.command(115, 30, 30) == ACCEPTED
            await asyncio.sleep(12.0)
            assert sim.truth.heading_deg == pytest.approx(30.0, abs=2.0)

    run(main, virtual_tempo())


def test_the_landing_sequence_of_a_mission_is_flown_on_request() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 15.0)
            items = [HOME, TAKEOFF_20, waypoint(0, 300, 20), waypoint(0, 0, 15, command=189), waypoint(20, 0, 15)]
            assert await station.upload([*items, waypoint(20, 0, 0, command=21)]) == ACCEPTED
            assert await station.command(189) == ACCEPTED
            assert sim.truth.mode is Mode.AUTO
            await asyncio.sleep(2.0)
            assert "Mission: 4 WP" in station.texts()

    run(main, virtual_tempo())
