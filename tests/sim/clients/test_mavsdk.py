"""MAVSDK 4 flies the simulated drone, unchanged: PX4 as it likes it best, ArduCopter as far as it can."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.sim.clients.serving import HOME_AMSL_M, HOME_LAT_DEG, HOME_LON_DEG, PATIENCE_S, serving

pytest.importorskip("mavsdk")

from mavsdk.asyncio import ComponentType, Configuration, Mavsdk
from mavsdk.asyncio.plugins.action import ActionAsync
from mavsdk.asyncio.plugins.mission import MissionAsync
from mavsdk.asyncio.plugins.mission_raw import MissionRawAsync
from mavsdk.asyncio.plugins.param import ParamAsync
from mavsdk.asyncio.plugins.telemetry import TelemetryAsync
from mavsdk.plugins.mission import MissionItem, MissionPlan
from mavsdk.plugins.mission_raw import MissionItem as RawItem

NORTH_DEG = 0.0002  # about 22 m


async def first(stream: AsyncIterator[Any], wanted: Callable[[Any], bool] = lambda value: True) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        async for value in stream:
            if wanted(value):
                return value
    raise AssertionError("the stream ended")


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Any]:
    async with Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION)) as mavsdk:
        await mavsdk.add_any_connection(f"tcpout://{address}")
        system = await mavsdk.first_autopilot(timeout_s=PATIENCE_S)
        assert system is not None
        yield system


def test_mavsdk_flies_a_mission_with_px4() -> None:
    async def fly(address: str) -> None:
        async with connected(address) as system:
            action, telemetry, mission = ActionAsync(system), TelemetryAsync(system), MissionAsync(system)
            assert await first(telemetry.subscribe_health_all_ok(), bool)
            home = await first(telemetry.subscribe_home())
            assert home.latitude_deg == pytest.approx(HOME_LAT_DEG, abs=1e-5)
            assert home.absolute_altitude_m == pytest.approx(HOME_AMSL_M, abs=0.5)
            assert (await first(telemetry.subscribe_battery())).remaining_percent > 95.0
            params = ParamAsync(system)
            assert await params.get_param_int("MAV_SYS_ID") == 1
            await params.set_param_float("MPC_XY_CRUISE", 8.0)
            assert await params.get_param_float("MPC_XY_CRUISE") == pytest.approx(8.0)

            items = [
                MissionItem(HOME_LAT_DEG + n * NORTH_DEG, HOME_LON_DEG, 15.0, speed_m_s=6.0, is_fly_through=True)
                for n in (1, 2)
            ]
            await mission.upload_mission(MissionPlan(items))
            back = (await mission.download_mission()).mission_items
            assert [(i.latitude_deg, i.relative_altitude_m) for i in back] == [
                (pytest.approx(i.latitude_deg, abs=1e-7), 15.0) for i in items
            ]
            await action.set_takeoff_altitude(10.0)
            await action.arm()
            await action.takeoff()
            await first(telemetry.subscribe_position(), lambda at: at.relative_altitude_m > 9.5)
            await mission.start_mission()
            await first(mission.subscribe_mission_progress(), lambda p: p.current == p.total)
            assert await mission.is_mission_finished()
            place = await first(telemetry.subscribe_position())
            assert place.latitude_deg == pytest.approx(items[-1].latitude_deg, abs=3e-5)
            await action.goto_location(HOME_LAT_DEG, HOME_LON_DEG, HOME_AMSL_M + 12.0, math.nan)
            await first(telemetry.subscribe_position(), lambda at: abs(at.latitude_deg - HOME_LAT_DEG) < 1e-5)
            await action.land()
            await first(telemetry.subscribe_armed(), lambda armed: not armed)

    async def fly_again(address: str) -> None:
        async with connected(address) as system:
            action, telemetry = ActionAsync(system), TelemetryAsync(system)
            assert await first(telemetry.subscribe_health_all_ok(), bool)
            await action.arm()
            await action.takeoff()
            await first(telemetry.subscribe_in_air(), bool)

    with serving("--autopilot", "px4", speed=8.0) as drones:
        asyncio.run(fly(drones[0].address))
        asyncio.run(fly_again(drones[0].address))


def test_mavsdk_flies_with_ardupilot() -> None:
    async def fly(address: str) -> None:
        async with connected(address) as system:
            action, telemetry, raw = ActionAsync(system), TelemetryAsync(system), MissionRawAsync(system)
            # an ArduPilot streams nothing until it is asked to
            await telemetry.set_rate_position(5.0)
            await telemetry.set_rate_gps_info(2.0)
            assert (await first(telemetry.subscribe_gps_info())).num_satellites >= 6
            await first(telemetry.subscribe_position(), lambda at: abs(at.latitude_deg - HOME_LAT_DEG) < 1e-5)
            x, y = round(HOME_LAT_DEG * 1e7), round(HOME_LON_DEG * 1e7)
            items = [
                RawItem(0, 0, 16, 1, 1, 0.0, 0.0, 0.0, 0.0, x, y, HOME_AMSL_M, 0),
                RawItem(1, 3, 22, 0, 1, 0.0, 0.0, 0.0, 0.0, 0, 0, 10.0, 0),
                RawItem(2, 3, 16, 0, 1, 0.0, 0.0, 0.0, 0.0, x + 2000, y, 10.0, 0),
            ]
            await raw.upload_mission(items)
            back = await raw.download_mission()
            assert [(i.command, i.x, i.z) for i in back[1:]] == [(i.command, i.x, i.z) for i in items[1:]]
            await action.set_takeoff_altitude(10.0)
            await action.arm()
            await action.takeoff()
            await first(telemetry.subscribe_position(), lambda at: at.relative_altitude_m > 9.5)
            await raw.start_mission()
            await first(telemetry.subscribe_position(), lambda at: at.latitude_deg > HOME_LAT_DEG + 1.8e-4)
            await action.return_to_launch()
            await first(telemetry.subscribe_armed(), lambda armed: not armed)

    with serving(speed=8.0) as drones:
        asyncio.run(fly(drones[0].address))
