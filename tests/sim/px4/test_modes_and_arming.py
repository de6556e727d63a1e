"""PX4's modes, arming and commands as a ground station meets them."""

from __future__ import annotations

import asyncio

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone import SimDrone
from sim.px4.modes import NEED_POSITION, Px4Mode, asked_for
from tests.sim.px4.scene import (
    ACCEPTED,
    ARM,
    DENIED,
    LAND,
    NAN,
    ORBIT,
    REJECTED,
    REPOSITION,
    SET_MODE,
    TAKEOFF,
    UNSUPPORTED,
    airborne,
    mode,
    play,
    set_mode,
)
from tests.sim.station import HOME_AMSL_M, Station, place, when

# main mode, sub mode and base mode as pymavlink's own table for PX4 has them
MAVUTIL = {
    "MANUAL": (81, 1, 0), "STABILIZED": (81, 7, 0), "ACRO": (65, 5, 0), "ALTCTL": (81, 2, 0), "POSCTL": (81, 3, 0),
    "LOITER": (29, 4, 3), "MISSION": (29, 4, 4), "RTL": (29, 4, 5), "LAND": (29, 4, 6), "OFFBOARD": (29, 6, 0),
    "TAKEOFF": (29, 4, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(MAVUTIL))
def test_modes_have_the_numbers_that_pymavlink_knows(name: str) -> None:
    base, main, sub = MAVUTIL[name]
    known = Px4Mode[name]
    assert (known.base_mode, known.custom_mode) == (base, main << 16 | sub << 24)
    assert asked_for(base, main, sub) is known


def test_auto_without_a_sub_mode_is_mission_and_flags_alone_name_a_mode() -> None:
    assert asked_for(1, 4, 0) is Px4Mode.MISSION
    assert asked_for(1, 4, 99) is None
    assert asked_for(4, 0, 0) is Px4Mode.MISSION
    assert [asked_for(base, 0, 0) for base in (64, 64 | 16, 64 | 8, 0)] == [
        Px4Mode.MANUAL, Px4Mode.STABILIZED, Px4Mode.POSCTL, None,
    ]  # fmt: skip


def test_a_cold_start_refuses_modes_and_arming_until_there_is_a_position() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert mode(sim) is Px4Mode.MANUAL
        assert await set_mode(station, Px4Mode.LOITER) == REJECTED
        assert await station.command(TAKEOFF, 0, 0, 0, NAN, NAN, NAN, NAN) == REJECTED
        assert "Takeoff denied! Please disarm and retry" in station.texts()
        assert Px4Mode.MANUAL not in NEED_POSITION
        await when(lambda: "Ready for takeoff!" in station.texts())
        await when(lambda: mode(sim) is Px4Mode.LOITER)  # without sticks it waits in Hold
        assert await station.command(ARM, 1) == ACCEPTED

    play(scene, warm=False)


def test_arming_is_told_and_a_drone_that_does_nothing_disarms_itself() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.command(ARM, 1) == ACCEPTED
        assert "Armed by external command" in station.texts()
        assert await station.command(ARM, 1) == ACCEPTED
        assert await station.command(ARM, 0) == ACCEPTED
        assert station.texts()[-1] == "Disarmed by external command"
        assert await station.command(ARM, 7) == UNSUPPORTED
        assert station.texts()[-1] == "Unsupported ARM_DISARM param: 7.000"
        assert await station.command(ARM, 1) == ACCEPTED
        await asyncio.sleep(12.0)
        assert not sim.truth.armed
        assert station.texts()[-1] == "Disarmed by auto preflight disarming"

    play(scene)


def test_disarming_in_the_air_is_refused_unless_forced() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station, 10.0)
        assert await station.command(ARM, 0) == REJECTED
        assert station.texts()[-1] == "Disarming denied! Not landed"
        assert await station.command(ARM, 0, 21196) == ACCEPTED
        await when(lambda: sim.truth.landed)
        assert not sim.truth.armed

    play(scene)


def test_take_off_goes_to_the_height_above_the_sea_or_to_the_least_one_and_then_holds() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station, 15.0)
        assert await station.command(LAND) == ACCEPTED
        await when(lambda: not sim.truth.armed)
        assert {"Takeoff detected", "Landing at current position", "Landing detected", "Disarmed by landing"} <= set(
            station.texts()
        )
        # in LAND it would not arm again: after the landing it waits in Hold
        assert mode(sim) is Px4Mode.LOITER
        assert await set_mode(station, Px4Mode.LAND) == ACCEPTED
        assert await station.command(ARM, 1) == REJECTED
        assert await set_mode(station, Px4Mode.LOITER) == ACCEPTED
        assert await station.command(ARM, 1) == ACCEPTED
        assert await station.command(TAKEOFF, 0, 0, 0, NAN, NAN, NAN, HOME_AMSL_M - 50.0) == ACCEPTED
        assert "Using minimum takeoff altitude: 2.50 m" in station.texts()
        await when(lambda: mode(sim) is Px4Mode.LOITER)
        await asyncio.sleep(5.0)
        assert sim.truth.relative_m == pytest.approx(2.5, abs=0.2)

    play(scene)


def test_a_take_off_ordered_before_arming_happens_when_it_is_armed() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.command(TAKEOFF, 0, 0, 0, NAN, NAN, NAN, HOME_AMSL_M + 8.0) == ACCEPTED
        assert mode(sim) is Px4Mode.TAKEOFF
        assert await station.command(ARM, 1) == ACCEPTED
        await when(lambda: mode(sim) is Px4Mode.LOITER)
        assert sim.truth.relative_m == pytest.approx(8.0, abs=0.4)

    play(scene)


def test_reposition_flies_there_and_needs_hold_or_the_flag() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station)
        x, y = place(30.0, 40.0)
        there = (x / 1e7, y / 1e7, HOME_AMSL_M + 25.0)
        assert await station.command(REPOSITION, -1, 1, 0, NAN, *there, as_int=True) == ACCEPTED
        await when(lambda: abs(sim.truth.relative_m - 25.0) < 0.5 and abs(sim.truth.lat_deg - x / 1e7) < 5e-6)
        # no coordinates: here, and only the height is new
        message = mavlink.MAVLink_command_int_message(
            1, 1, 0, REPOSITION, 0, 0, -1, 1, 0, NAN, 2**31 - 1, 2**31 - 1, HOME_AMSL_M + 30.0
        )
        assert (await station.answer("COMMAND_ACK", message)).result == ACCEPTED
        await when(lambda: abs(sim.truth.relative_m - 30.0) < 0.5)
        assert sim.truth.lat_deg == pytest.approx(x / 1e7, abs=5e-6)
        assert await set_mode(station, Px4Mode.POSCTL) == ACCEPTED
        assert await station.command(REPOSITION, -1, 0, 0, NAN, *there, as_int=True) == ACCEPTED
        assert mode(sim) is Px4Mode.POSCTL  # accepted and, without the flag, passed over
        assert await station.command(REPOSITION, -1, 1, 0, NAN, 91.0, 0.0, 10.0) == DENIED

    play(scene)


def test_an_orbit_is_flown_at_its_radius_and_reported() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station)
        assert await station.command(ORBIT, 15, 3, 0, 0, NAN, NAN, NAN) == ACCEPTED
        assert mode(sim) is Px4Mode.ORBIT
        await asyncio.sleep(30.0)
        status = station.of("ORBIT_EXECUTION_STATUS")[-1]
        assert status.radius == 15.0
        speeds = []
        for _ in range(20):
            await asyncio.sleep(1.0)
            speeds.append((sim.truth.east_mps**2 + sim.truth.north_mps**2) ** 0.5)
        assert min(speeds) > 2.0
        assert await set_mode(station, Px4Mode.LOITER) == ACCEPTED
        count = len(station.of("ORBIT_EXECUTION_STATUS"))
        await asyncio.sleep(3.0)
        assert len(station.of("ORBIT_EXECUTION_STATUS")) <= count + 1

    play(scene)


def test_return_to_launch_climbs_comes_home_and_lands() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station)
        x, y = place(0.0, 90.0)
        assert await station.command(REPOSITION, -1, 1, 0, NAN, x / 1e7, y / 1e7, HOME_AMSL_M + 20, as_int=True) == 0
        await when(lambda: abs(sim.truth.lat_deg - x / 1e7) < 5e-6)
        assert await station.command(20) == ACCEPTED
        assert "Returning to launch" in station.texts()
        await when(lambda: sim.truth.relative_m > 59.0)  # RTL_RETURN_ALT
        await when(lambda: not sim.truth.armed)
        assert sim.truth.lat_deg == pytest.approx(sim.autopilot.frame.origin.lat_deg, abs=1e-5)
        assert mode(sim) is Px4Mode.LOITER  # which waits for what comes next

    play(scene)


def test_who_is_not_meant_does_not_answer_and_what_is_unknown_is_unsupported() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.command(42999) == UNSUPPORTED
        before = len(station.of("COMMAND_ACK"))
        for target in ((0, 0), (1, 77), (9, 1)):
            station.send(mavlink.MAVLink_command_long_message(*target, ARM, 0, 1, 0, 0, 0, 0, 0, 0))
            station.send(mavlink.MAVLink_mission_request_list_message(*target, 0))
            station.send(mavlink.MAVLink_param_request_list_message(*target))
        await asyncio.sleep(1.0)
        assert len(station.of("COMMAND_ACK")) == before
        assert station.of("MISSION_COUNT") == station.of("PARAM_VALUE") == []
        assert not sim.truth.armed

    play(scene)


def test_set_mode_by_message_works_without_an_answer_and_a_bad_auto_mode_is_named() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        station.send(mavlink.MAVLink_set_mode_message(1, 1, Px4Mode.POSCTL.custom_mode))
        await when(lambda: mode(sim) is Px4Mode.POSCTL)
        assert await station.command(SET_MODE, 1, 4, 42) == REJECTED
        assert station.texts()[-1] == "Unsupported auto mode"
        assert await set_mode(station, Px4Mode.OFFBOARD) == REJECTED  # nobody streams setpoints

    play(scene)


def test_the_heartbeat_tells_the_mode_and_the_system_state() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        beat = station.of("HEARTBEAT")[-1]
        assert (beat.autopilot, beat.type) == (mavlink.MAV_AUTOPILOT_PX4, mavlink.MAV_TYPE_QUADROTOR)
        assert (beat.base_mode, beat.custom_mode) == (29, 4 << 16 | 3 << 24)
        assert beat.system_status == mavlink.MAV_STATE_STANDBY
        await station.command(ARM, 1)
        await asyncio.sleep(1.1)
        beat = station.of("HEARTBEAT")[-1]
        assert (beat.base_mode, beat.system_status) == (29 | 128, mavlink.MAV_STATE_ACTIVE)

    play(scene)


def test_a_reboot_is_only_for_the_ground_and_keeps_mission_and_parameters() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.command(246, 0) == ACCEPTED  # nothing asked of the autopilot
        await station.set_parameter("MPC_XY_CRUISE", 7.0)
        await station.command(ARM, 1)
        assert await station.command(246, 1) == DENIED
        await station.command(ARM, 0)
        assert await station.command(246, 1) == ACCEPTED
        await asyncio.sleep(2.0)
        assert mode(sim) is Px4Mode.MANUAL
        read = mavlink.MAVLink_param_request_read_message(1, 1, b"MPC_XY_CRUISE", -1)
        assert (await station.answer("PARAM_VALUE", read)).param_value == 7.0

    play(scene)
