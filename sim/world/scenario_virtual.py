"""A scenario in virtual time: the whole city and its controllers in this process, over memory instead of sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from airspace.charted import ChartedZone
from airspace.reasons import Lang
from airspace.zones import lay
from controller.clock import Clock, run, virtual_tempo
from controller.district import District
from controller.tasks import attended
from sim.world.assembly import WorldSetup, running
from sim.world.day import Day
from sim.world.figures import Measuring
from sim.world.living import DayWorld
from sim.world.scenario import Scenario
from sim.world.scenario_play import LOOK_S, DroneTruth, Play, Played

DOWN_WITHIN_S = 900.0  # an abandoned drone is down by then, by its battery if by nothing else


class VirtualStage:
    """A watched world in this process as a stage."""

    def __init__(self, world: DayWorld) -> None:
        self.world = world
        self.clock = world.clock
        self.site = world.site
        self.runs = world.given.runs
        self.timeline = world.timeline

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[District]:
        """A controller over memory links."""
        try:
            async with self.world.controller() as district:
                yield district
        finally:
            self.world.watch.stopped()

    def started(self, district: District) -> None:
        """Let the watch compare the store with all that was durable before, and listen to it."""
        self.world.watch.started(district)

    def published(self, zones: Sequence[ChartedZone]) -> None:
        """Let the watch look at zones that have just been published."""
        site = self.world.site
        for charted in zones:
            self.world.watch.scene.lay(lay(charted, site.frame, site.ground), self.clock.utc_s())

    async def kill(self, district: District, work: asyncio.Task[None]) -> None:
        """End a controller's work as SIGKILL would."""
        if not work.done():
            await self.world.kill(district, work)

    def truth(self) -> dict[str, DroneTruth]:
        """How every drone really is now."""
        return {
            name: DroneTruth(drone.truth.landed, drone.truth.armed) for name, drone in self.world.city.drones.items()
        }


def play_virtually(scenario: Scenario, runs: Path, *, lang: Lang = "en") -> Played:
    """Play a scenario in virtual time; run folders and the store go to `runs`, which must be empty.

    Raises `Refused` for a fault that names what this city does not have.
    """

    async def main(clock: Clock) -> Played:
        play = Play(scenario, lang)
        world = _world_of(scenario, runs, clock, play)
        asyncio.get_running_loop().set_exception_handler(world.watch.unhandled)
        stage, measuring = VirtualStage(world), Measuring(world)

        async def performed() -> Played:
            played = await play.perform(stage)
            await _until_down(stage)
            world.watch.ended()
            played.truth = stage.truth()
            played.figures = measuring.counted()
            played.broken = tuple(f"{one.invariant}: {one.subject} {one.detail}" for one in world.watch.breaches)
            return played

        async with running(world):
            looking = [measuring.run()] if scenario.expected.truth else []
            return await attended(performed(), world.city.run(), world.watch.run(), *looking)

    return run(main, virtual_tempo(scenario.starts_s))


async def _until_down(stage: VirtualStage) -> None:
    """Wait until every drone is down with its motors off, as long as that may take."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DOWN_WITHIN_S):
            while any(truth.armed or not truth.landed for truth in stage.truth().values()):  # noqa: ASYNC110 - truth tells nobody
                await asyncio.sleep(LOOK_S)


def _world_of(scenario: Scenario, runs: Path, clock: Clock, play: Play) -> DayWorld:
    seed = scenario.file.world.seed
    minutes = scenario.file.world.lasts_s / 60.0
    given = WorldSetup(scenario.city, scenario.path.parent, runs, seed, extra_zones=scenario.zones, shared=True)
    day = Day(seed=seed, minutes=minutes, city=scenario.city)
    first = scenario.wishes[0].mission if scenario.wishes else None
    world = DayWorld(given, clock, day, first, play.acts)
    world.watch.scene.lay(world.zones())
    for fault in scenario.faults:
        world.timeline.inject(fault)
    return world
