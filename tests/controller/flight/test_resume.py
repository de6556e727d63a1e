from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controller.clock import Clock, run, virtual_tempo
from controller.events import FlightEnded
from controller.flight.mission_source import load_mission
from controller.tasks import attended
from missions.items import Command
from poles.services.cover import Cover
from sim.world import World, running, setup
from tests.sim.hamlet import finished, until

EXAMPLE = Path(__file__).parents[3] / "examples" / "zhengzhou"
START, WISHED, ALTERNATE = "410105-LP-000001", "410105-LP-000003", "410105-LP-000004"


def in_world(runs: Path, main: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    """Run `main` in the example's world, in virtual time."""
    given = setup(EXAMPLE / "city.yaml", runs, seed=5)

    async def with_city(clock: Clock) -> None:
        async with running(World(given, clock, load_mission(EXAMPLE / "pipeline.yaml"))) as world:
            await attended(main(world), world.city.run())

    run(with_city, virtual_tempo())


def store_at_this_moment(world: World, copy: Path) -> None:
    """What a kill would leave of the store right now, in another file."""
    source, target = sqlite3.connect(world.site.file.store), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()


async def killed_after(world: World, moment: Coroutine[Any, Any, None], copy: Path) -> None:
    """Run a controller and let it vanish when a moment has come: nobody hears another word of it."""
    async with world.controller() as district:
        flying = asyncio.create_task(world.fly(district))
        await moment
        assert not flying.done()
        store_at_this_moment(world, copy)
        district.poles = None  # what its cleanup would tell the poles was never said
        flying.cancel()
        await asyncio.wait([flying])
    world.site = replace(world.site, file=msgspec.structs.replace(world.site.file, store=str(copy)))


def landing(world: World) -> bool:
    """Whether the drone has gone through the gate over its dock."""
    autopilot = world.city.drones["drone-1"].autopilot
    return autopilot.lists.mission[autopilot.runner.seq].command == Command.NAV_LAND if autopilot.armed else False


@pytest.mark.parametrize("after_s", [2, 8, 25, 40])
def test_a_controller_killed_before_takeoff_leaves_no_dock_locked_to_the_next_one(tmp_path: Path, after_s: int) -> None:
    async def main(world: World) -> None:
        await killed_after(world, asyncio.sleep(after_s), tmp_path / "killed.db")
        async with world.controller() as district:
            left = await finished(world, district)
            assert [result.outcome for result in left] in ([], ["failed"])
            assert not district.state.unfinished()
            for pole in (WISHED, ALTERNATE, START):
                assert world.city.poles[pole].dock.now().reserved_for == ""
                assert world.city.poles[pole].dock.now().cover is Cover.CLOSED

    in_world(tmp_path, main)


def test_a_controller_killed_while_the_drone_lands_closes_the_dock_over_it_afterwards(tmp_path: Path) -> None:
    async def main(world: World) -> None:
        await killed_after(world, until(lambda: landing(world)), tmp_path / "killed.db")
        await asyncio.sleep(60)
        assert world.city.drones["drone-1"].truth.landed
        async with world.controller() as district:
            (result,) = await finished(world, district)
            (ended,) = [r.event for r in district.store.read() if isinstance(r.event, FlightEnded)]
        assert (result.outcome, ended.landed_on) == ("completed", WISHED)
        docked = world.city.poles[WISHED].dock.now()
        assert (docked.cover, docked.drone_present, docked.reserved_for) == (Cover.CLOSED, True, "")
        assert world.city.poles[ALTERNATE].dock.now().reserved_for == ""

    in_world(tmp_path, main)
