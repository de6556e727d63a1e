"""Readiness, arming, modes and commands as observed on the real autopilot (the sentence is quoted in the test)."""

from __future__ import annotations

import asyncio

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.modes import Mode
from tests.sim.station import HOME, TAKEOFF_20, Station, airborne, begun, place, stage, waypoint, when


def last_heartbeat(station: Station) -> tuple[int, int, int]:
    m = [m for m in station.of("HEARTBEAT") if m.get_srcSystem() == 1][-1]
    return m.base_mode, m.custom_mode, m.system_status


def test_it_becomes_ready_step_by_step() -> None:
    # "GPS fix ~10 s, EKF origin/home ~20 s, SYS_STATUS PREARM bit in STABILIZE ~23.5 s, "EKF3 IMU0 is using GPS" ~41 s
    # (EKF flags 0xA7 -> 0x33f)."
    async def main(clock: Clock) -> None:
        async with stage(clock, warm=False) as (_, station):
            start = clock.monotonic_s() - 1.0
            for message in (24, 1, 193, 242):
                await station.command(511, message, 100000)
            await asyncio.sleep(50.0)

            def first(kind: str, condition: str, value: object) -> float:
                for t, m in station.heard:
                    if m.get_type() == kind and eval(condition, {"m": m}) == value:
                        return t - start
                raise AssertionError(f"{kind} never had {condition} {value}")

            assert first("GPS_RAW_INT", "m.fix_type", 6) == pytest.approx(10.0, abs=0.5)
            assert first("HOME_POSITION", "m.altitude", 100000) == pytest.approx(20.0, abs=0.5)
            prearm = "bool(m.onboard_control_sensors_health & 0x10000000)"
            assert first("SYS_STATUS", prearm, True) == pytest.approx(23.5, abs=0.5)
            assert first("EKF_STATUS_REPORT", "m.flags", 0xA7) < 10.0
            assert first("EKF_STATUS_REPORT", "m.flags", 0x33F) == pytest.approx(41.0, abs=0.5)
            fix = station.of("GPS_RAW_INT")[-1]
            assert fix.fix_type == 6
            assert (fix.satellites_visible >= 8, fix.eph < 200, 0 < fix.h_acc < 30) == (True, True, True)

    run(main, virtual_tempo())


def test_arming_too_early_says_why_before_it_refuses() -> None:
    # "before init -> FAILED(4), STATUSTEXT sev 2 "Arm: System not initialised" (text comes before the ACK). GUIDED
    # before EKF position -> FAILED "Arm: Need Position Estimate" (and "PreArm: Need Position Estimate" every 30 s)."
    async def main(clock: Clock) -> None:
        async with stage(clock, warm=False) as (_, station):
            assert await station.command(400, 1) == 4
            kinds = [(m.get_type(), getattr(m, "text", "")) for _, m in station.heard]
            assert kinds.index(("STATUSTEXT", "Arm: System not initialised")) < kinds.index(("COMMAND_ACK", ""))
            assert [m.severity for m in station.of("STATUSTEXT") if m.text.startswith("Arm:")] == [2]
            await asyncio.sleep(25.0)
            assert await station.command(176, 1, 4) == 0
            assert await station.command(400, 1) == 4
            assert "Arm: Need Position Estimate" in station.texts()
            await asyncio.sleep(10.0)
            assert "PreArm: Need Position Estimate" in station.texts()
            await asyncio.sleep(10.0)
            assert await station.command(400, 1) == 0
            await asyncio.sleep(0.1)
            assert "Arming motors" in station.texts()

    run(main, virtual_tempo())


def test_auto_cannot_be_armed_in() -> None:
    # "AUTO with mission -> FAILED "Arm: AUTO mode not armable"; AUTO, no mission -> "Arm: Mode requires mission".
    # param1=5 -> UNSUPPORTED(3)."; "AUTO with no mission: disarmed ACCEPTED (mode becomes 3)"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.command(176, 1, 3) == 0
            assert await station.command(400, 1) == 4
            assert "Arm: Mode requires mission" in station.texts()
            await station.upload([HOME, TAKEOFF_20])
            assert await station.command(400, 1) == 4
            assert "Arm: AUTO mode not armable" in station.texts()
            assert await station.command(400, 5) == 3

    run(main, virtual_tempo())


def test_arming_twice_is_accepted_and_idling_disarms_after_10_s() -> None:
    # "Arm twice / disarm twice -> ACCEPTED."; "Armed on the ground and idle: disarms itself after 10 s (DISARM_DELAY),
    # "Disarming motors". Force arm (param2 2989) ACCEPTED."; "system_status [...] armed on the ground stays 3"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            assert await station.command(176, 1, 4) == 0
            assert [await station.command(400, 1), await station.command(400, 1)] == [0, 0]
            await asyncio.sleep(1.5)
            assert last_heartbeat(station) == (217, 4, 3)
            begin = clock.monotonic_s()
            await when(lambda: not sim.truth.armed, 15.0)
            assert clock.monotonic_s() - begin == pytest.approx(8.5, abs=0.5)
            await asyncio.sleep(0.1)
            assert "Disarming motors" in station.texts()
            assert [await station.command(400, 0), await station.command(400, 0)] == [0, 0]
            assert await station.command(400, 1, 2989) == 0

    run(main, virtual_tempo())


def test_the_heartbeat_says_mode_and_arming() -> None:
    # "HEARTBEAT base_mode 81 disarmed STABILIZE, 89 disarmed GUIDED/AUTO/LAND, 217 armed"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert last_heartbeat(station) == (81, 0, 3)
            for mode in (4, 3, 9):
                assert await station.command(176, 1, mode) == 0
                await asyncio.sleep(1.1)
                assert last_heartbeat(station) == (89, mode, 3)

    run(main, virtual_tempo())


def test_the_system_status_is_of_the_start_the_air_and_a_failsafe() -> None:
    # "base_mode 81 disarmed STABILIZE, 89 disarmed GUIDED/AUTO/LAND, 217 armed; system_status 1 at boot";
    # "FS_GCS_ENABLE=1: heartbeats of sysid 255 stop -> after 4.8 s "GCS Failsafe" sev 4, mode RTL (6), system_status 5"
    async def main(clock: Clock) -> None:
        async with stage(clock, warm=False) as (_, station):
            assert last_heartbeat(station) == (81, 0, 1)
        async with stage(clock) as (sim, station):
            sim.set_parameter("FS_GCS_ENABLE", 1)
            await airborne(sim, station, 20.0)
            await asyncio.sleep(1.1)
            assert last_heartbeat(station) == (217, 4, 4)
            station.beating = False
            await asyncio.sleep(7.0)
            assert last_heartbeat(station) == (217, 6, 5)

    run(main, virtual_tempo())


def test_a_mode_must_exist_and_be_flagged_as_custom() -> None:
    # "DO_SET_MODE(176): good -> ACCEPTED; mode 99 -> FAILED + "No such mode 99"; param1 without CUSTOM flag ->
    # DENIED(2)."; "SET_MODE message (id 11): works, no ack of any kind."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            assert await station.command(176, 1, 99) == 4
            assert "No such mode 99" in station.texts()
            assert await station.command(176, 0, 4) == 2
            acks = len(station.of("COMMAND_ACK"))
            station.send(mavlink.MAVLink_set_mode_message(1, 1, 5))
            await asyncio.sleep(0.5)
            assert sim.truth.mode is Mode.LOITER
            assert len(station.of("COMMAND_ACK")) == acks

    run(main, virtual_tempo())


def test_takeoff_is_only_for_guided_armed_on_the_ground() -> None:
    # "NAV_TAKEOFF(22): disarmed, STABILIZE, negative altitude or already flying -> FAILED(4). GUIDED armed on the
    # ground -> ACCEPTED; repeated on the ground -> ACCEPTED. COMMAND_INT form, disarmed -> DENIED(2). 10 m takes ~9 s."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):

            async def take_off(height: float, *, as_int: bool = False) -> int:
                return await station.command(22, 0, 0, 0, 0, 0, 0, height, as_int=as_int)

            assert await take_off(10) == 4
            assert await take_off(10, as_int=True) == 2
            assert await station.command(400, 1) == 0
            assert await take_off(10) == 4
            assert await station.command(176, 1, 4) == 0
            assert await take_off(-5) == 4
            begin = clock.monotonic_s()
            assert [await take_off(10), await take_off(10)] == [0, 0]
            await when(lambda: sim.truth.relative_m > 9.7, 20.0)
            assert clock.monotonic_s() - begin == pytest.approx(9.0, abs=1.5)
            assert await take_off(10) == 4
            await asyncio.sleep(1.1)
            assert last_heartbeat(station) == (217, 4, 4)

    run(main, virtual_tempo())


def test_disarming_in_the_air_needs_force_and_then_it_falls() -> None:
    # "Disarm in the air -> FAILED(4), stays armed; with param2=21196 -> ACCEPTED, motors stop, falls ("SIM Hit ground
    # at 12.86419 m/s")."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 10.0)
            assert await station.command(400, 0) == 4
            assert sim.truth.armed
            assert await station.command(400, 0, 21196) == 0
            await asyncio.sleep(3.0)
            assert sim.truth.landed
            (text,) = [t for t in station.texts() if t.startswith("SIM Hit ground at")]
            assert 12.0 < float(text.split()[4]) < 14.0

    run(main, virtual_tempo())


@pytest.mark.parametrize("command", [65000, 30999, 42999, 16, 192, 223, 34, 252])
def test_unknown_commands_are_unsupported(command: int) -> None:
    # "Unknown commands (65000, 30999, 42999), NAV_WAYPOINT, DO_REPOSITION as COMMAND_LONG (INT only),
    # DO_ENGINE_CONTROL, DO_ORBIT, OVERRIDE_GOTO, REBOOT with param1=0 -> UNSUPPORTED(3)."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.command(command) == 3
            assert await station.command(246, 0) == 3

    run(main, virtual_tempo())


def test_many_commands_are_accepted_on_the_ground_too() -> None:
    # "DO_CHANGE_SPEED, CONDITION_YAW, DO_SET_HOME, DO_PAUSE_CONTINUE, NAV_LAND (mode 9), NAV_LOITER_UNLIM (5), RTL (6)
    # -> ACCEPTED (also on the ground). DO_AUX_FUNCTION bad option -> FAILED."; "MISSION_START(300) disarmed ->
    # ACCEPTED (no effect)"; "PREFLIGHT_CALIBRATION armed -> FAILED"; "DO_FLIGHTTERMINATION param1=1 -> ACCEPTED
    # (disarms), 0 -> FAILED."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            assert await station.command(178, 1, 5) == 0
            assert await station.command(115, 90, 30) == 0
            assert await station.command(179, 1) == 0
            assert await station.command(176, 1, 4) == 0
            assert await station.command(193, 1) == 0
            assert await station.command(300) == 0
            for command, mode in ((21, 9), (17, 5), (20, 6)):
                assert await station.command(command) == 0
                assert sim.truth.mode == mode
            assert await station.command(218, 9999) == 4
            await station.command(176, 1, 4)
            await station.command(400, 1)
            assert await station.command(241, 1) == 4
            assert "Disarm to allow calibration" in station.texts()
            assert await station.command(185, 0) == 4
            assert await station.command(185, 1) == 0
            assert not sim.truth.armed

    run(main, virtual_tempo())


def test_a_new_home_moves_the_zero_of_relative_heights() -> None:
    # "DO_SET_HOME(current) in flight moves relative_alt's zero (relative_alt -1294 later): frames "relative" follow."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 20.0)
            await station.command(511, 33, 200000)
            await asyncio.sleep(1.0)
            assert station.of("GLOBAL_POSITION_INT")[-1].relative_alt == pytest.approx(20000, abs=400)
            assert await station.command(179, 1) == 0
            await asyncio.sleep(1.0)
            assert station.of("GLOBAL_POSITION_INT")[-1].relative_alt == pytest.approx(0, abs=400)
            assert station.of("HOME_POSITION")[-1].altitude == pytest.approx(120000, abs=400)
            x, y = place(20.0, 0.0)
            assert await station.command(192, -1, 0, 0, 0, x / 1e7, y / 1e7, 10.0, as_int=True) == 0
            await when(lambda: sim.truth.relative_m > 29.7, 60.0)

    run(main, virtual_tempo())


def test_auto_without_a_mission_is_refused_in_flight() -> None:
    # "[AUTO with no mission] flying FAILED + "Mode change to AUTO failed: init failed". MISSION_START(300) [...]
    # flying with no mission -> FAILED."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 10.0)
            assert await station.command(176, 1, 3) == 4
            assert "Mode change to AUTO failed: init failed" in station.texts()
            assert await station.command(300) == 4
            assert sim.truth.mode is Mode.GUIDED

    run(main, virtual_tempo())


def test_a_reboot_keeps_mission_and_parameters() -> None:
    # "REBOOT(246,1): armed/flying -> FAILED; disarmed -> ACCEPTED [...] mission and parameters kept, mode 0."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await begun(station, [HOME, TAKEOFF_20, waypoint(10, 0, 20)])
            assert await station.command(246, 1) == 4
            await station.command(400, 0, 21196)
            await asyncio.sleep(5.0)
            await station.set_parameter("RTL_ALT", 3000)
            assert await station.command(246, 1) == 0
            await asyncio.sleep(2.0)
            assert sim.truth.mode is Mode.STABILIZE
            assert await station.command(400, 1) == 4  # it is not ready yet
            await asyncio.sleep(45.0)
            assert len(await station.download()) == 3
            read = mavlink.MAVLink_param_request_read_message(1, 1, b"RTL_ALT", -1)
            assert (await station.answer("PARAM_VALUE", read, param_id="RTL_ALT")).param_value == 3000.0
            assert await station.command(176, 1, 4) == 0
            assert await station.command(400, 1) == 0

    run(main, virtual_tempo())


def test_guided_flight_goes_where_it_is_sent_and_stops_when_nobody_repeats() -> None:
    # "SET_POSITION_TARGET_GLOBAL_INT obeyed in GUIDED; velocity targets need repeating within 3 s (GUID_TIMEOUT)."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 20.0)
            x, y = place(60.0, 40.0)
            station.send(
                mavlink.MAVLink_set_position_target_global_int_message(
                    0, 1, 1, 6, 0b110111111000, x, y, 30.0, 0, 0, 0, 0, 0, 0, 0, 0
                )
            )
            await asyncio.sleep(30.0)
            body = sim.autopilot.body
            assert (body.e, body.n, body.u) == pytest.approx((60.0, 40.0, 30.0), abs=0.5)
            station.send(
                mavlink.MAVLink_set_position_target_local_ned_message(
                    0, 1, 1, 1, 0b110111000111, 0, 0, 0, 3.0, 0, 0, 0, 0, 0, 0, 0
                )
            )
            await asyncio.sleep(2.8)
            assert body.vn == pytest.approx(3.0, abs=0.4)
            await asyncio.sleep(6.0)
            assert abs(body.vn) < 0.2

    run(main, virtual_tempo())
