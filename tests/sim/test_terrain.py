"""Terrain is asked for as the real autopilot asks, and what comes is not used."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.fence import METRES_PER_DEG
from sim.drone.terrain import block_corner_e7
from tests.sim.station import stage


def test_the_block_is_the_one_that_a_recorded_autopilot_asked_for() -> None:
    # from the flight `square-calm`: at 34.7466 N 113.6253 E, spacing 100 m; it reckons in single precision
    assert block_corner_e7(347466000, 1136253000, 100.0) == pytest.approx((347330294, 1136094413), abs=1)


@given(st.integers(180000000, 530000000), st.integers(740000000, 1349999999), st.sampled_from([30.0, 100.0, 300.0]))
def test_a_place_lies_in_its_block(lat_e7: int, lon_e7: int, spacing_m: float) -> None:
    south_e7, west_e7 = block_corner_e7(lat_e7, lon_e7, spacing_m)
    north_m = (lat_e7 - south_e7) / 1e7 * METRES_PER_DEG
    assert -0.1 <= north_m <= 24 * spacing_m + 0.1
    # the scale of longitudes is that of two different middle latitudes
    assert south_e7 // 10000000 == lat_e7 // 10000000
    assert west_e7 // 10000000 <= lon_e7 // 10000000
    assert lon_e7 - west_e7 <= 10000000


def test_it_asks_every_2_s_whatever_comes_and_not_at_all_without_terrain_enable() -> None:
    # "plus TERRAIN_REQUEST 0.5 Hz"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await station.command(511, 133, 100000)
            await asyncio.sleep(1.0)
            begin = clock.monotonic_s()
            station.send(mavlink.MAVLink_terrain_data_message(347330294, 1136094413, 100, 0, [100] * 16))
            await asyncio.sleep(10.0)
            asked = station.of("TERRAIN_REQUEST", begin)
            assert len(asked) == 5
            assert {(m.lat, m.lon) for m in asked} == {block_corner_e7(347466000, 1136253000, 100.0)}
            assert {(m.grid_spacing, m.mask) for m in asked} == {(100, 2**56 - 1)}
            sim.set_parameter("TERRAIN_ENABLE", 0)
            begin = clock.monotonic_s()
            await asyncio.sleep(5.0)
            assert not station.of("TERRAIN_REQUEST", begin)

    run(main, virtual_tempo())


def test_before_the_first_fix_it_does_not_ask() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock, warm=False) as (_, station):
            await station.command(511, 133, 100000)
            await asyncio.sleep(6.0)
            assert not station.of("TERRAIN_REQUEST")
            await asyncio.sleep(6.0)
            assert len(station.of("TERRAIN_REQUEST")) == pytest.approx(1, abs=1)
            assert station.of("TERRAIN_REQUEST")

    run(main, virtual_tempo())
