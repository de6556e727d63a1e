"""Commands beside modes and flying as PX4 answers them: home, speed, camera, calibration, storage, restart."""

from __future__ import annotations

import math

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone import SimDrone
from sim.px4.modes import Px4Mode
from tests.sim.px4.scene import (
    ACCEPTED,
    ARM,
    DENIED,
    HOME_MSG,
    NAN,
    ORBIT,
    REJECTED,
    REPOSITION,
    START,
    airborne,
    mode,
    play,
)
from tests.sim.station import HOME_AMSL_M, HOME_LAT_DEG, HOME_LON_DEG, Station, place, when

SPEED, SET_HOME, TERMINATE, RESTART, CALIBRATE, STORAGE, MOTOR_TEST = 178, 179, 185, 246, 241, 245, 209
REQUEST, CAPABILITIES, SHOOT, TRIGGER, CAMERA_FEEDBACK = 512, 520, 203, 206, 180
FLAG = float(mavlink.MAV_DO_REPOSITION_FLAGS_CHANGE_MODE)
UNSET = 2**31 - 1


async def home(station: Station) -> tuple[float, float, float]:
    """Where the drone says that home is: degrees, and metres above the sea."""
    request = mavlink.MAVLink_command_long_message(1, 1, REQUEST, 0, HOME_MSG, 0, 0, 0, 0, 0, 0)
    told = await station.answer("HOME_POSITION", request)
    return told.latitude / 1e7, told.longitude / 1e7, told.altitude / 1e3


def test_home_is_set_to_a_place_or_to_where_it_stands_and_not_to_half_a_place() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        lat, lon = place(30.0, -40.0)
        assert await station.command(SET_HOME, 0, 0, 0, 0, lat / 1e7, lon / 1e7, 104.0, as_int=True) == ACCEPTED
        assert await home(station) == pytest.approx((lat / 1e7, lon / 1e7, 104.0), abs=1e-5)
        assert await station.command(SET_HOME, 0, 0, 0, 0, NAN, lon / 1e7, 104.0) == DENIED
        assert await home(station) == pytest.approx((lat / 1e7, lon / 1e7, 104.0), abs=1e-5)
        assert await station.command(SET_HOME, 1) == ACCEPTED
        here = await home(station)
        assert here[:2] == pytest.approx((HOME_LAT_DEG, HOME_LON_DEG), abs=5e-5)
        assert here[2] == pytest.approx(HOME_AMSL_M, abs=3.0)

    play(scene)


def test_home_cannot_be_set_before_it_is_known() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.command(SET_HOME, 1) == REJECTED

    play(scene, warm=False)


def test_a_speed_is_kept_and_a_nonsensical_one_is_denied() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station)
        assert await station.command(SPEED, 1, 3.0, -1) == ACCEPTED
        lat, lon = place(120.0, 0.0)
        assert await station.command(REPOSITION, -1, FLAG, 0, NAN, lat / 1e7, lon / 1e7, NAN) == ACCEPTED
        await when(lambda: math.hypot(sim.autopilot.body.ve, sim.autopilot.body.vn) > 2.5)
        fastest = 0.0
        for _ in range(40):
            told = await station.answer(
                "VFR_HUD", mavlink.MAVLink_command_long_message(1, 1, REQUEST, 0, 74, 0, 0, 0, 0, 0, 0)
            )
            fastest = max(fastest, told.groundspeed)
        assert fastest < 4.0  # its cruising speed is 5
        assert await station.command(SPEED, 1, 0.0, -1) == DENIED
        assert await station.command(SPEED, 1, -5.0, -1) == DENIED

    play(scene)


@pytest.mark.parametrize("command", [REPOSITION, ORBIT])
def test_a_place_that_is_not_on_earth_is_denied(command: int) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station)
        for lat_deg, lon_deg in ((91.0, 113.0), (34.0, 181.0)):
            assert await station.command(command, 20, FLAG, 0, NAN, lat_deg, lon_deg, 120.0) == DENIED
        assert mode(sim) is Px4Mode.LOITER
        assert abs(sim.truth.relative_m - 20.0) < 0.5

    play(scene)


def test_a_place_that_is_not_given_as_whole_numbers_is_where_it_is() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station)
        higher = mavlink.MAVLink_command_int_message(
            1, 1, 0, REPOSITION, 0, 0, -1, FLAG, 0, NAN, UNSET, UNSET, HOME_AMSL_M + 35.0
        )
        assert (await station.answer("COMMAND_ACK", higher, command=REPOSITION)).result == ACCEPTED
        await when(lambda: sim.truth.relative_m > 34.5)
        body = sim.autopilot.body
        assert math.hypot(body.e, body.n) < 3.0

    play(scene)


def test_calibration_and_storage_are_for_the_ground_and_motors_are_never_tested_from_afar() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.command(CALIBRATE, 1) == ACCEPTED
        assert await station.command(STORAGE, 1) == ACCEPTED
        assert await station.command(MOTOR_TEST, 1, 0, 50, 2) == DENIED
        assert await station.command(ARM, 1) == ACCEPTED
        assert await station.command(CALIBRATE, 1) == REJECTED
        assert await station.command(STORAGE, 1) == REJECTED
        assert await station.command(MOTOR_TEST, 1, 0, 50, 2) == DENIED

    play(scene)


@pytest.mark.parametrize(("wish", "answer"), [(0, ACCEPTED), (2, DENIED), (4, DENIED)])
def test_only_a_restart_of_the_autopilot_or_to_its_boot_loader_restarts_it(wish: int, answer: int) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert mode(sim) is Px4Mode.LOITER
        assert await station.command(RESTART, wish) == answer
        assert mode(sim) is Px4Mode.LOITER  # a restart begins in MANUAL

    play(scene)


def test_a_termination_stops_the_motors_in_the_air() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station)
        assert await station.command(TERMINATE, 0) == ACCEPTED
        assert sim.truth.armed
        assert await station.command(TERMINATE, 1) == ACCEPTED
        assert not sim.truth.armed
        await when(lambda: sim.truth.landed, within_s=10.0)

    play(scene)


def test_a_photo_is_taken_and_told() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station)
        assert await station.command(SHOOT, 0, 0, 0, 0, 1) == ACCEPTED
        await station.until(lambda: station.of("CAMERA_FEEDBACK"))
        assert len(station.of("CAMERA_FEEDBACK")) == 1

    play(scene)


@pytest.mark.parametrize(
    ("target", "answered"), [((1, 1), True), ((1, 0), True), ((0, 1), False), ((0, 0), False), ((1, 190), False)]
)
def test_a_command_is_answered_when_it_is_for_this_system_and_its_autopilot(
    target: tuple[int, int], answered: bool
) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        known = len(station.of("COMMAND_ACK"))
        station.send(mavlink.MAVLink_command_long_message(*target, CALIBRATE, 0, 0, 0, 0, 0, 0, 0, 0))
        station.send(mavlink.MAVLink_command_long_message(1, 1, START, 0, 0, 0, 0, 0, 0, 0, 0))
        await station.until(lambda: any(m.command == START for m in station.of("COMMAND_ACK")))
        commands = [m.command for m in station.of("COMMAND_ACK")[known:]]
        assert commands == ([CALIBRATE, START] if answered else [START])

    play(scene)


def test_everybody_may_ask_what_it_can_do() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        ask = mavlink.MAVLink_command_long_message(0, 0, CAPABILITIES, 0, 1, 0, 0, 0, 0, 0, 0)
        told = await station.answer("AUTOPILOT_VERSION", ask)
        assert told.capabilities & mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_INT
        assert (await station.answer("COMMAND_ACK", ask)).result == ACCEPTED

    play(scene)


def test_an_answer_names_who_asked() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await station.command(STORAGE, 1)
        ack = station.of("COMMAND_ACK")[-1]
        assert (ack.target_system, ack.target_component) == (255, 190)

    play(scene)
