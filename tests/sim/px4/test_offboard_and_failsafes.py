"""OFFBOARD as a companion computer flies it, and what a PX4 does by itself."""

from __future__ import annotations

import asyncio
import struct

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone import SimDrone
from sim.drone.items import FENCE, StoredItem
from sim.px4.modes import Px4Mode
from tests.sim.px4.scene import ACCEPTED, ARM, REJECTED, REPOSITION, airborne, mode, play, set_mode
from tests.sim.station import HOME_AMSL_M, Station, place, when

POSITION, VELOCITY = 0b110111111000, 0b110111000111
LOCAL_NED, BODY_NED = 1, 8


def setpoint(
    north: float, east: float, up: float, *, mask: int = POSITION, frame: int = LOCAL_NED
) -> mavlink.MAVLink_set_position_target_local_ned_message:
    zero = (0.0,) * 3
    target = (north, east, -up)
    where, how_fast = (target, zero) if mask == POSITION else (zero, target)
    return mavlink.MAVLink_set_position_target_local_ned_message(
        0, 1, 1, frame, mask, *where, *how_fast, 0.0, 0.0, 0.0, 0.0, 0.0
    )


async def streamed(
    station: Station, message: mavlink.MAVLink_set_position_target_local_ned_message, seconds: float
) -> None:
    for _ in range(round(seconds * 10)):
        station.send(message)
        await asyncio.sleep(0.1)


async def put(station: Station, name: str, value: int) -> None:
    number = struct.unpack("<f", struct.pack("<i", value))[0]
    await station.answer("PARAM_VALUE", mavlink.MAVLink_param_set_message(1, 1, name.encode(), number, 6))


def test_offboard_takes_off_flies_to_a_place_and_at_a_velocity() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        there = setpoint(10.0, 5.0, 8.0)
        assert await set_mode(station, Px4Mode.OFFBOARD) == REJECTED
        await streamed(station, there, 1.0)
        assert await set_mode(station, Px4Mode.OFFBOARD) == ACCEPTED
        assert await station.command(ARM, 1) == ACCEPTED
        await streamed(station, there, 30.0)
        assert sim.truth.relative_m == pytest.approx(8.0, abs=0.5)
        x, y = place(5.0, 10.0)
        assert sim.truth.lat_deg == pytest.approx(x / 1e7, abs=1e-5)
        assert sim.truth.lon_deg == pytest.approx(y / 1e7, abs=1e-5)
        await streamed(station, setpoint(2.0, 0.0, 0.0, mask=VELOCITY), 6.0)
        assert sim.truth.north_mps == pytest.approx(2.0, abs=0.3)
        heading_east = setpoint(0.0, 2.0, 0.0, mask=VELOCITY, frame=BODY_NED)
        await streamed(station, heading_east, 1.0)
        assert mode(sim) is Px4Mode.OFFBOARD

    play(scene)


@pytest.mark.parametrize(("action", "then"), [(0, Px4Mode.LAND), (1, Px4Mode.LOITER), (2, Px4Mode.RTL)])
def test_setpoints_that_stop_end_offboard_as_com_obl_act_says(action: int, then: Px4Mode) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await put(station, "COM_OBL_ACT", action)
        await station.set_parameter("COM_OF_LOSS_T", 0.5)
        await airborne(sim, station, 10.0)
        await streamed(station, setpoint(0.0, 0.0, 10.0), 1.0)
        assert await set_mode(station, Px4Mode.OFFBOARD) == ACCEPTED
        await streamed(station, setpoint(0.0, 0.0, 10.0), 2.0)
        assert mode(sim) is Px4Mode.OFFBOARD
        await asyncio.sleep(0.8)
        assert mode(sim) is then
        assert "Failsafe enabled: no offboard" in station.texts()

    play(scene)


def test_a_frame_that_offboard_does_not_take_is_named() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        station.send(setpoint(0.0, 0.0, 5.0, frame=9))
        await asyncio.sleep(0.5)
        words = "SET_POSITION_TARGET_LOCAL_NED coordinate frame 9 unsupported"
        assert "".join(station.texts()[-2:]) == words  # it is longer than one STATUSTEXT
        assert await set_mode(station, Px4Mode.OFFBOARD) == REJECTED

    play(scene)


@pytest.mark.parametrize(("action", "then"), [(0, Px4Mode.LOITER), (2, Px4Mode.RTL), (3, Px4Mode.LAND)])
def test_a_lost_ground_station_is_answered_as_nav_dll_act_says(action: int, then: Px4Mode) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await put(station, "NAV_DLL_ACT", action)
        await airborne(sim, station, 10.0)
        station.beating = False
        await asyncio.sleep(9.0)
        assert mode(sim) is Px4Mode.LOITER
        await asyncio.sleep(3.0)
        assert mode(sim) is then
        assert "Data link lost" in station.texts()
        station.beating = True
        await asyncio.sleep(2.0)
        assert "Data link regained" in station.texts()

    play(scene)


def test_a_battery_that_empties_is_warned_of_then_acted_on() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await put(station, "COM_LOW_BAT_ACT", 3)
        await airborne(sim, station, 10.0)
        sim.set_battery(0.14)
        await asyncio.sleep(1.0)
        assert station.texts()[-1] == "Low battery level! Return advised"
        assert mode(sim) is Px4Mode.LOITER
        sim.set_battery(0.065)
        await asyncio.sleep(1.0)
        assert mode(sim) is Px4Mode.RTL
        sim.set_battery(0.045)
        await asyncio.sleep(1.0)
        assert mode(sim) is Px4Mode.LAND
        assert [t for t in station.texts() if "battery" in t][1:] == [
            "Critical battery level! Returning to launch", "Dangerous battery level! Landing immediately",
        ]  # fmt: skip

    play(scene)


def test_a_battery_that_empties_is_only_told_of_by_default() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station, 10.0)
        sim.set_battery(0.045)
        await asyncio.sleep(1.0)
        assert station.texts()[-1] == "Dangerous battery level! Please land"
        assert mode(sim) is Px4Mode.LOITER

    play(scene)


@pytest.mark.parametrize(("action", "then"), [(1, Px4Mode.POSCTL), (2, Px4Mode.LOITER), (3, Px4Mode.RTL)])
def test_a_fence_that_is_left_is_answered_as_gf_action_says(action: int, then: Px4Mode) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await put(station, "GF_ACTION", action)
        await airborne(sim, station, 10.0)
        assert await set_mode(station, Px4Mode.POSCTL) == ACCEPTED
        x, y = place(200.0, 0.0)
        assert await station.upload([StoredItem(5003, 0, 30.0, x=x, y=y)], FENCE) == 0
        await asyncio.sleep(1.0)
        assert "Geofence violation" in station.texts()
        assert mode(sim) is then

    play(scene)


def test_a_place_beyond_the_fence_is_not_flown_to() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await station.set_parameter("GF_MAX_HOR_DIST", 50.0)
        await airborne(sim, station, 10.0)
        x, y = place(80.0, 0.0)
        there = (x / 1e7, y / 1e7, HOME_AMSL_M + 10.0)
        assert await station.command(REPOSITION, -1, 1, 0, float("nan"), *there, as_int=True) == ACCEPTED
        assert station.texts()[-1] == "Reposition is outside geofence"
        await asyncio.sleep(20.0)
        assert sim.truth.lon_deg == pytest.approx(place(0.0, 0.0)[1] / 1e7, abs=1e-5)

    play(scene)


def test_lost_satellites_end_in_a_landing() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await airborne(sim, station, 10.0)
        sim.set_fix(1)
        await when(lambda: mode(sim) is Px4Mode.LAND)
        await when(lambda: not sim.truth.armed)
        assert not station.of("SYS_STATUS")[-1].onboard_control_sensors_health & mavlink.MAV_SYS_STATUS_SENSOR_GPS

    play(scene)
