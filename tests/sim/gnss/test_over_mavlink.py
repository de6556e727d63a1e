"""From the antenna on a pole over MAVLink to the fix of a drone, and back in what the drone says."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from controller.clock import Clock, run, virtual_tempo
from controller.corrections import Corrections, Served, rtcm_data
from controller.links.telemetry import DroneState
from poles.beside import beside
from poles.gateway import Gateway
from poles.services.base_station import BaseStationReadings, Health
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.drone import SimDrone
from sim.gnss.interference import Area
from sim.gnss.sky import Sky
from sim.pole import PoleSite, SimPole
from sim.wind import Wind
from tests.poles.raw_pole import Store, gateway_needs
from tests.sim.station import HOME_AMSL_M, HOME_LAT_DEG, HOME_LON_DEG, Station, airborne, stage, when

CODE = "410105-LP-000001"
HOME = LatLon(HOME_LAT_DEG, HOME_LON_DEG)


@asynccontextmanager
async def street(
    clock: Clock, sky: Sky | None = None, *, sends_corrections: bool = False, **needs: Any
) -> AsyncIterator[tuple[Gateway, SimPole]]:
    """One pole with a base station 300 m east of the drones' home, and its gateway."""
    frame, exchange = LocalFrame(HOME), Exchange()
    async with Gateway.memory(exchange, **gateway_needs(clock, Store(), **needs)) as gateway:
        site = PoleSite(CODE, frame.latlon(300.0, 0.0), xy_m=(300.0, 0.0), services=("weather", "lamp", "base_station"))
        pole = SimPole(
            site,
            wind=Wind(rng=random.Random(2)),
            connection=MemoryConnection(exchange),
            utc_s=clock.utc_s,
            rng=random.Random(3),
            sky=sky or Sky(frame, utc_s=clock.utc_s, datum_ellipsoidal_m=HOME_AMSL_M),
            sends_corrections=sends_corrections,
        )
        async with beside(pole.run()):
            await asyncio.sleep(1.0)
            yield gateway, pole


def forwarded(station: Station) -> Callable[[bytes], None]:
    """A ground station passes a base station's messages on to the drone."""
    count = 0

    def send(frame: bytes) -> None:
        nonlocal count
        for message in rtcm_data(frame, count):
            station.send(message)
        count += 1

    return send


def fixes(station: Station) -> list[int]:
    """The kinds of fix that were told, each once for as long as it held."""
    told = [message.fix_type for message in station.of("GPS_RAW_INT")]
    return [kind for n, kind in enumerate(told) if n == 0 or kind != told[n - 1]]


def test_a_poles_corrections_over_mavlink_take_a_drone_to_a_fixed_solution() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station), street(clock) as (_, pole):
            sim.set_corrections(own_network=False)
            await station.command(511, mavlink.MAVLINK_MSG_ID_GPS_RAW_INT, 500_000)
            await station.command(511, mavlink.MAVLINK_MSG_ID_GPS_RTK, 1_000_000)
            await asyncio.sleep(5.0)
            assert fixes(station)[-1] == 3
            assert not station.of("GPS_RTK")
            pole.corrections_out = forwarded(station)
            await asyncio.sleep(60.0)
            assert fixes(station)[-4:] == [3, 4, 5, 6]
            rtk = station.of("GPS_RTK")[-1]
            north, east, _ = (value / 1000.0 for value in (rtk.baseline_a_mm, rtk.baseline_b_mm, rtk.baseline_c_mm))
            assert (north, east) == pytest.approx((0.0, -300.0), abs=0.1)
            assert rtk.iar_num_hypotheses == 1
            assert rtk.nsats == station.of("GPS_RAW_INT")[-1].satellites_visible
            pole.corrections_out = None
            await asyncio.sleep(70.0)
            assert fixes(station)[-3:] == [6, 5, 4]

    run(main, virtual_tempo())


def test_a_poles_corrections_through_gateway_and_controller_take_a_drone_to_a_fixed_solution() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_corrections(own_network=False)
            await station.command(511, mavlink.MAVLINK_MSG_ID_GPS_RAW_INT, 500_000)
            link = SimpleNamespace(state=DroneState(lat_deg=HOME.lat_deg, lon_deg=HOME.lon_deg), send=station.send)
            passing = Corrections({CODE: HOME}, lambda: {"drone": cast("Served", link)}, clock)
            async with street(clock, corrected=passing.take, sends_corrections=True) as (gateway, _):
                await asyncio.sleep(65.0)
                assert passing.counts["sent"] > 50
                assert gateway.statistics()["corrections"] > 50
            assert fixes(station)[-1] == 6

    run(main, virtual_tempo())


def test_a_pole_without_power_sends_nothing() -> None:
    async def main(clock: Clock) -> None:
        async with street(clock) as (_, pole):
            sent: list[bytes] = []
            pole.corrections_out = sent.append
            await asyncio.sleep(10.0)
            assert len(sent) >= 20
            pole.fail_power()
            await asyncio.sleep(1.0)
            before = len(sent)
            await asyncio.sleep(10.0)
            assert len(sent) == before
            pole.restore_power()
            await asyncio.sleep(10.0)
            assert len(sent) > before

    run(main, virtual_tempo())


def test_a_station_is_as_healthy_as_its_sky() -> None:
    async def main(clock: Clock) -> None:
        sky = Sky(LocalFrame(HOME), utc_s=clock.utc_s, datum_ellipsoidal_m=HOME_AMSL_M)
        async with street(clock, sky) as (gateway, _):

            async def health_after(seconds: float) -> tuple[Health, int]:
                await asyncio.sleep(seconds)
                readings = gateway.poles[CODE].values("BaseStation", BaseStationReadings)
                assert readings is not None
                return readings.health, readings.satellites

            health, satellites = await health_after(5.0)
            assert (health, satellites) == (Health.HEALTHY, len(sky.view().lines))
            away = 1800.0  # from a jammer of 1 mW: some satellites are left
            sky.jam(Area(300.0 + away, 0.0, 5000.0), 0.0)
            health, fewer = await health_after(10.0)
            assert 0 < fewer < satellites
            assert health is (Health.HEALTHY if fewer >= 8 else Health.DEGRADED)
            sky.jam(Area(300.0, 0.0, 200.0))
            assert await health_after(10.0) == (Health.FAILED, 0)
            sky.clear()
            assert (await health_after(10.0))[0] is Health.HEALTHY

    run(main, virtual_tempo())


@asynccontextmanager
async def flying(clock: Clock) -> AsyncIterator[tuple[Sky, SimDrone, Station]]:
    """A drone in the air that tells its fix and its place twice a second, under a sky that a test can spoil."""
    sky = Sky(LocalFrame(HOME), utc_s=clock.utc_s, datum_ellipsoidal_m=HOME_AMSL_M)
    async with stage(clock, sky=sky, name="drone-1") as (sim, station):
        for kind in (mavlink.MAVLINK_MSG_ID_GPS_RAW_INT, mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT):
            await station.command(511, kind, 500_000)
        await airborne(sim, station, 15.0)
        yield sky, sim, station


def test_a_drone_without_satellites_over_a_jammer_lands() -> None:
    async def main(clock: Clock) -> None:
        async with flying(clock) as (sky, sim, station):
            sky.jam(Area(0.0, 0.0, 300.0))
            await when(lambda: sim.truth.landed, 120.0)
            assert station.of("GPS_RAW_INT")[-1].fix_type == 1

    run(main, virtual_tempo())


def test_a_spoofed_drone_flies_off_while_it_believes_to_stand_still() -> None:
    async def main(clock: Clock) -> None:
        async with flying(clock) as (sky, sim, station):
            sky.spoof("drone-1", drift_mps=1.0, bearing_deg=90.0, coherent=True)
            await asyncio.sleep(60.0)
            frame = LocalFrame(HOME)
            true_e, true_n = frame.xy(LatLon(sim.truth.lat_deg, sim.truth.lon_deg))
            told = station.of("GLOBAL_POSITION_INT")[-1]
            told_e, told_n = frame.xy(LatLon(told.lat / 1e7, told.lon / 1e7))
            assert math.hypot(told_e, told_n) < 4.0
            assert true_e == pytest.approx(-60.0, abs=8.0)
            assert abs(true_n) < 4.0
            assert fixes(station)[-1] == 6

    run(main, virtual_tempo())


def test_gps_raw_int_has_the_receivers_own_error_and_not_the_estimators() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_fix(3)
            for kind in (mavlink.MAVLINK_MSG_ID_GPS_RAW_INT, mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT):
                await station.command(511, kind, 1_000_000)
            frame, receiver = LocalFrame(HOME), sim.autopilot.receiver
            raw_up, raw_east, differs = [], [], 0
            for _ in range(60):
                await asyncio.sleep(5.0)
                raw, fused = station.of("GPS_RAW_INT")[-1], station.of("GLOBAL_POSITION_INT")[-1]
                east_m, north_m = frame.xy(LatLon(raw.lat / 1e7, raw.lon / 1e7))
                # sent at most a second ago: 40 s of memory let little change since
                assert (east_m, north_m) == pytest.approx(receiver.raw_m[:2], abs=0.6)
                raw_up.append(raw.alt / 1000.0 - HOME_AMSL_M - receiver.raw_m[2])
                raw_east.append(east_m)
                differs += raw.alt != fused.alt
            assert max(map(abs, raw_up)) < 1.5
            assert max(raw_east) - min(raw_east) > 0.2
            assert differs > 50

    run(main, virtual_tempo())
