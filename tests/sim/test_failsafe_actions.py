"""What the drone does by itself, action by action, and how a fence is switched, broken and left again."""

from __future__ import annotations

import asyncio

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.fence import ALT_MAX, ALT_MIN, CIRCLE, POLYGON, breach_names
from sim.drone.modes import Mode
from tests.sim.station import Station, airborne, stage, when


@pytest.mark.parametrize(
    ("action", "mode"),
    [(1, Mode.RTL), (2, Mode.RTL), (3, Mode.SMART_RTL), (4, Mode.SMART_RTL), (5, Mode.LAND), (7, Mode.BRAKE)],
)
def test_a_lost_ground_station_is_acted_on_by_fs_gcs_enable(action: int, mode: Mode) -> None:
    # "FS_GCS_ENABLE=1: heartbeats of sysid 255 stop -> after 4.8 s "GCS Failsafe" sev 4, mode RTL (6), system_status 5;
    # heartbeats back -> "GCS Failsafe Cleared", mode stays RTL."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("FS_GCS_ENABLE", action)
            await airborne(sim, station, 20.0)
            station.beating = False
            await asyncio.sleep(7.0)
            assert sim.truth.mode is mode
            assert "GCS Failsafe" in station.texts()
            station.beating = True
            await asyncio.sleep(2.0)
            assert "GCS Failsafe Cleared" in station.texts()
            assert sim.truth.mode is mode

    run(main, virtual_tempo())


@pytest.mark.parametrize(("action", "mode"), [(3, Mode.RTL), (4, Mode.LAND)])
def test_without_a_way_back_the_next_best_is_done(action: int, mode: Mode) -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("FS_GCS_ENABLE", action)
            sim.set_parameter("SRTL_POINTS", 0)
            await airborne(sim, station, 20.0)
            station.beating = False
            await asyncio.sleep(7.0)
            assert sim.truth.mode is mode

    run(main, virtual_tempo())


@pytest.mark.parametrize(
    ("action", "mode"),
    [(0, Mode.GUIDED), (1, Mode.LAND), (2, Mode.RTL), (3, Mode.SMART_RTL), (4, Mode.SMART_RTL), (7, Mode.BRAKE)],
)
def test_a_low_battery_is_acted_on_after_10_s(action: int, mode: Mode) -> None:
    # "Battery under BATT_LOW_VOLT (BATT_FS_LOW_ACT 2): after 10 s "Battery 1 is low 10.00V used 382 mAh", "Battery
    # Failsafe", RTL."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("BATT_FS_LOW_ACT", action)
            await airborne(sim, station, 20.0)
            sim.set_parameter("BATT_LOW_VOLT", 26.0)
            await asyncio.sleep(9.0)
            assert sim.truth.mode is Mode.GUIDED
            await asyncio.sleep(2.0)
            assert any(text.startswith("Battery 1 is low") for text in station.texts())
            assert sim.truth.mode is mode
            assert ("Battery Failsafe" in station.texts()) is (action != 0)

    run(main, virtual_tempo())


@pytest.mark.parametrize(
    ("action", "thresh", "mode"),
    [(1, 0.8, Mode.LAND), (2, 0.8, Mode.ALT_HOLD), (0, 0.8, Mode.GUIDED), (1, 0.0, Mode.GUIDED)],
)
def test_lost_satellites_are_acted_on_by_fs_ekf_action(action: int, thresh: float, mode: Mode) -> None:
    # "GPS off in GUIDED: fix_type 1, satellites 3; EKF flags 0x25; mode LAND after 8 s."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("FS_EKF_ACTION", action)
            sim.set_parameter("FS_EKF_THRESH", thresh)
            await airborne(sim, station, 20.0)
            sim.set_fix(1)
            await asyncio.sleep(7.0)
            assert sim.truth.mode is Mode.GUIDED
            await asyncio.sleep(3.0)
            assert sim.truth.mode is mode

    run(main, virtual_tempo())


async def rise(sim: object, station: Station, height_m: float) -> None:
    message = mavlink.MAVLink_set_position_target_local_ned_message(
        0, 1, 1, 1, 0b110111111000, 0, 0, -height_m, 0, 0, 0, 0, 0, 0, 0, 0
    )
    station.send(message)


def test_a_broken_floor_counts_from_the_first_time_above_it_and_not_while_landing() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            for name, value in {
                "FENCE_TYPE": ALT_MIN,
                "FENCE_ALT_MIN": 10,
                "FENCE_ACTION": 4,
                "FENCE_ENABLE": 1,
            }.items():
                sim.set_parameter(name, value)
            await station.command(511, 162, 200000)
            await airborne(sim, station, 20.0)
            assert not sim.autopilot.lists.fence.breached
            sim.set_parameter("FENCE_ENABLE", 0)
            await rise(sim, station, 5.0)
            await when(lambda: sim.truth.relative_m < 5.5, 60.0)
            sim.set_parameter("FENCE_ENABLE", 1)
            await asyncio.sleep(1.0)
            assert not sim.autopilot.lists.fence.breached  # switched on below the floor, it waits to be above it
            await rise(sim, station, 25.0)
            await when(lambda: sim.truth.relative_m > 24.0, 60.0)
            assert await station.command(21) == 0
            await when(lambda: not sim.truth.armed, 120.0)
            assert not any("Min Alt" in text for text in station.texts())

    run(main, virtual_tempo())


def test_the_fence_can_come_on_with_arming_and_goes_off_with_disarming() -> None:
    # FENCE_AUTOENABLE 3
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("FENCE_AUTOENABLE", 3)
            assert not sim.autopilot.fencing.enabled
            assert await station.command(176, 1, 4) == 0
            assert await station.command(400, 1) == 0
            assert sim.autopilot.fencing.enabled
            await asyncio.sleep(0.1)
            assert "Max Alt and Circle fences auto-enabled" in station.texts()
            assert await station.command(400, 0) == 0
            assert not sim.autopilot.fencing.enabled

    run(main, virtual_tempo())


def test_whoever_takes_over_from_a_broken_fence_has_10_s() -> None:
    # "A GCS mode change to GUIDED afterwards -> ACCEPTED, "Manual recovery started"."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 20.0)
            for name, value in {"FENCE_TYPE": ALT_MAX, "FENCE_ALT_MAX": 15, "FENCE_ENABLE": 1}.items():
                sim.set_parameter(name, value)
            await asyncio.sleep(1.0)
            assert "Max Alt fence breached" in station.texts()
            assert sim.truth.mode == Mode.RTL
            assert await station.command(176, 1, 4) == 0
            await asyncio.sleep(0.1)
            assert "Manual recovery started" in station.texts()
            sim.set_parameter("FENCE_TYPE", ALT_MAX | CIRCLE)
            sim.set_parameter("FENCE_RADIUS", -5)  # a second fence that is broken at once
            await asyncio.sleep(5.0)
            assert int(sim.truth.mode) == Mode.GUIDED

    run(main, virtual_tempo())


def test_fences_are_named_in_a_row() -> None:
    assert breach_names(POLYGON) == "Polygon fence"
    assert breach_names(ALT_MAX | CIRCLE) == "Max Alt and Circle fences"
    assert breach_names(ALT_MAX | CIRCLE | POLYGON | ALT_MIN) == "Max Alt, Circle, Polygon and Min Alt fences"
