"""A PX4 on a memory link and a plain ground station, in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from controller.clock import Clock, run, virtual_tempo
from sim.drone import SimDrone
from sim.drone.items import StoredItem
from sim.px4.commander import Commander
from sim.px4.modes import Px4Mode
from sim.px4.services import Px4Services
from tests.sim.station import Station, stage, when

NAN = float("nan")
ACCEPTED, REJECTED, DENIED, UNSUPPORTED = 0, 1, 2, 3
ARM, TAKEOFF, LAND, SET_MODE, START, REPOSITION, ORBIT, HOME_MSG = 400, 22, 21, 176, 300, 192, 34, 242
RTL_ITEM = StoredItem(20, 2)
Scene = Callable[[SimDrone, Station], Awaitable[None]]


def play(scene: Scene, **options: Any) -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock, personality="px4", **options) as (sim, station):
            await scene(sim, station)

    run(main, virtual_tempo())


def services(sim: SimDrone) -> Px4Services:
    inside = sim._services
    assert isinstance(inside, Px4Services)
    return inside


def commander(sim: SimDrone) -> Commander:
    return services(sim).commander


def mode(sim: SimDrone) -> Px4Mode:
    return commander(sim).mode


async def set_mode(station: Station, wished: Px4Mode) -> int:
    return await station.command(SET_MODE, 1, wished & 0xFF, wished >> 8)


async def set_float(station: Station, name: str, value: float) -> float:
    return await station.set_parameter(name, value)


async def airborne(sim: SimDrone, station: Station, height_m: float = 20.0) -> None:
    """Arm, take off, and wait until it hovers in LOITER."""
    assert await station.command(ARM, 1) == ACCEPTED
    home_m = sim.autopilot.datum_amsl_m
    assert await station.command(TAKEOFF, 0, 0, 0, NAN, NAN, NAN, home_m + height_m) == ACCEPTED
    await when(lambda: mode(sim) is Px4Mode.LOITER)
    assert abs(sim.truth.relative_m - height_m) < 0.5
