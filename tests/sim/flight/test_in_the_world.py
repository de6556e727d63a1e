"""A drone in a world's frame: where it stands, what it strikes, where it lands, and what breaks it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from controller.clock import Clock, run, virtual_tempo
from sim.drone.modes import Mode
from tests.sim.station import (
    HOME,
    HOME_AMSL_M,
    HOME_LAT_DEG,
    HOME_LON_DEG,
    RTL,
    TAKEOFF_20,
    Station,
    airborne,
    begun,
    flown,
    stage,
    waypoint,
    when,
)

EAST_M, NORTH_M = 340.0, -210.0  # where home lies in the world's frame
WORLD = LocalFrame(LocalFrame(LatLon(HOME_LAT_DEG, HOME_LON_DEG)).latlon(-EAST_M, -NORTH_M))


class Block:
    """A plain at a height, with one block on it from 60 to 80 m east of home, as wide as you like."""

    def __init__(self, plain_m: float = 12.0, roof_m: float = 42.0) -> None:
        self._plain_m = plain_m
        self.highest_m = roof_m

    def _inside(self, e_m: float) -> bool:
        return 60.0 <= e_m - EAST_M <= 80.0

    def height_m(self, e_m: float, n_m: float, /) -> float:
        return self.highest_m if self._inside(e_m) else self._plain_m

    def struck(self, e_m: float, n_m: float, u_m: float, /) -> str | None:
        return "block" if self._inside(e_m) and u_m < self.highest_m - 0.01 else None


def in_the_world(clock: Clock, **more: Any) -> Any:
    return stage(clock, frame=WORLD, ground=Block(), **more)


async def fly_east(station: Station, east_m: float, height_m: float) -> None:
    """Send it to a place east of home in GUIDED."""
    message = mavlink.MAVLink_set_position_target_local_ned_message(
        0, 1, 1, 1, 0b110111111000, 0.0, east_m, -height_m, 0, 0, 0, 0, 0, 0, 0, 0
    )
    station.send(message)
    await asyncio.sleep(0.2)


def test_it_stands_on_the_ground_of_the_world_and_says_where_that_is() -> None:
    async def main(clock: Clock) -> None:
        async with in_the_world(clock) as (sim, station):
            body = sim.autopilot.body
            assert (body.e, body.n, body.u) == pytest.approx((EAST_M, NORTH_M, 12.0), abs=0.05)
            assert sim.truth.lat_deg == pytest.approx(HOME_LAT_DEG, abs=1e-7)
            assert sim.truth.relative_m == pytest.approx(0.0)
            for message_id in (32, 33, 49, 242):
                await station.command(512, message_id)
            await asyncio.sleep(0.2)
            origin, home = station.of("GPS_GLOBAL_ORIGIN")[-1], station.of("HOME_POSITION")[-1]
            assert origin.latitude == pytest.approx(HOME_LAT_DEG * 1e7, abs=2)
            assert origin.altitude == round((HOME_AMSL_M + 12.0) * 1000.0)
            assert home.altitude == pytest.approx((HOME_AMSL_M + 12.0) * 1000.0, abs=20)
            local = station.of("LOCAL_POSITION_NED")[-1]
            assert (local.x, local.y, local.z) == pytest.approx((0.0, 0.0, 0.0), abs=0.1)
            assert station.of("GLOBAL_POSITION_INT")[-1].relative_alt == pytest.approx(0, abs=100)

    run(main, virtual_tempo())


def test_a_mission_over_the_block_is_flown_as_anywhere() -> None:
    async def main(clock: Clock) -> None:
        async with in_the_world(clock) as (sim, station):
            await flown(sim, station, [HOME, TAKEOFF_20, waypoint(0, 0, 45), waypoint(120, 0, 45), RTL])
            body = sim.autopilot.body
            assert math.hypot(body.e - EAST_M, body.n - NORTH_M) < 0.3
            assert body.u == 12.0
            assert not [t for t in station.texts() if "Hit block" in t]

    run(main, virtual_tempo())


def test_it_lands_on_a_roof() -> None:
    async def main(clock: Clock) -> None:
        async with in_the_world(clock) as (sim, station):
            await airborne(sim, station, 40.0)
            await fly_east(station, 70.0, 40.0)
            await when(lambda: abs(sim.autopilot.body.e - EAST_M - 70.0) < 0.5)
            await station.command(176, 1, Mode.LAND)
            await when(lambda: not sim.truth.armed)
            assert sim.autopilot.body.u == 42.0
            assert sim.truth.relative_m == pytest.approx(30.0)
            hit = next(t for t in station.texts() if t.startswith("SIM Hit ground"))
            assert float(hit.split()[4]) < 1.6

    run(main, virtual_tempo())


def test_what_it_strikes_ends_its_flight_for_good() -> None:
    async def main(clock: Clock) -> None:
        async with in_the_world(clock) as (sim, station):
            await airborne(sim, station, 20.0)
            await fly_east(station, 150.0, 20.0)
            await when(lambda: not sim.truth.armed)
            await when(lambda: sim.truth.landed)
            await asyncio.sleep(0.1)
            assert "SIM Hit block" in station.texts()
            # it fell down the wall, outside
            assert sim.autopilot.body.u == 12.0
            assert 55.0 < sim.autopilot.body.e - EAST_M < 60.0
            assert any(t.startswith("SIM Hit ground") for t in station.texts())
            await station.command(176, 1, 4)
            assert await station.command(400, 1) == 4
            assert await station.command(400, 1, 2989) == 4
            await asyncio.sleep(0.2)
            assert any("Motors not responding" in t for t in station.texts())

    run(main, virtual_tempo())


def test_with_a_motor_dead_it_tumbles_hits_the_ground_and_is_disarmed_by_the_crash_check() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 80.0)
            failed_s = clock.monotonic_s()
            sim.fail_motor(2)
            await when(lambda: sim.truth.landed)
            fell_s = clock.monotonic_s() - failed_s
            assert math.sqrt(2.0 * 80.0 / 9.81) < fell_s < 12.0
            assert sim.truth.armed
            await when(lambda: not sim.truth.armed)
            assert clock.monotonic_s() - failed_s - fell_s == pytest.approx(2.0, abs=0.3)
            await asyncio.sleep(0.1)
            assert any(t.startswith("Crash: Disarming: AngErr=") for t in station.texts())
            (hit,) = [t for t in station.texts() if t.startswith("SIM Hit ground")]
            assert float(hit.split()[4]) > 10.0
            await station.command(176, 1, 4)
            assert await station.command(400, 1) == 4

    run(main, virtual_tempo())


def test_a_motor_that_died_on_the_ground_throws_it_over_at_take_off_and_the_crash_check_disarms_it() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.fail_motor(3)
            await begun(station, [HOME, TAKEOFF_20, waypoint(80, 60, 20), RTL])
            begun_s = clock.monotonic_s()
            await when(lambda: not sim.truth.armed)
            assert clock.monotonic_s() - begun_s < 10.0
            assert sim.autopilot.body.u == 0.0
            await asyncio.sleep(0.1)
            assert any(t.startswith("Crash: Disarming: AngErr=") for t in station.texts())
            await station.command(176, 1, 4)
            assert await station.command(400, 1) == 4

    run(main, virtual_tempo())


def test_a_healthy_flight_in_a_gale_of_gusts_never_trips_the_crash_check() -> None:
    class Gale:
        def at(self, xy_m: tuple[float, float], height_m: float, t_s: float, /) -> tuple[float, float, float]:
            return 9.0 + 6.0 * math.sin(1.7 * t_s), 5.0 * math.sin(0.9 * t_s), 2.0 * math.sin(2.3 * t_s)

    async def main(clock: Clock) -> None:
        air: Any = Gale()
        async with stage(clock, wind=air) as (sim, station):
            await begun(station, [HOME, TAKEOFF_20, waypoint(80, 60, 20), waypoint(-40, 60, 40), RTL])
            await when(lambda: not sim.truth.armed)
            assert not [t for t in station.texts() if t.startswith("Crash")]
            assert math.hypot(sim.autopilot.body.e, sim.autopilot.body.n) < 1.5

    run(main, virtual_tempo())


def test_an_empty_battery_lets_it_down() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            for name in ("BATT_FS_LOW_ACT", "BATT_FS_CRT_ACT"):
                sim.set_parameter(name, 0)
            await airborne(sim, station, 30.0)
            sim.set_battery(0.0)
            await when(lambda: sim.truth.relative_m < 0.5, 30.0)

    run(main, virtual_tempo())


def test_cold_shortens_the_flight_that_is_left() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station)
            await asyncio.sleep(60.0)
            warm_v, warm_share = sim.autopilot.battery.voltage_v, sim.truth.battery
            sim.set_temperature(-10.0)
            await asyncio.sleep(1.0)
            assert sim.truth.battery < warm_share
            assert sim.autopilot.battery.voltage_v < warm_v - 0.3

    run(main, virtual_tempo())
