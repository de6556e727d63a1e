"""A scenario in virtual time: the whole city and its controllers in this process, over memory instead of sockets."""

from __future__ import annotations

from pathlib import Path

from airspace.reasons import Lang
from controller.clock import Clock, run, virtual_tempo
from controller.tasks import attended
from sim.world.assembly import WorldSetup, running
from sim.world.days.day import Day
from sim.world.scenarios.figures import Measuring
from sim.world.scenarios.play import DOWN_WITHIN_S, Play, Played
from sim.world.scenarios.scenario import Scenario
from sim.world.truth import until_down
from sim.world.watched import WatchedWorld


def play_virtually(scenario: Scenario, runs: Path, *, lang: Lang = "en") -> Played:
    """Play a scenario in virtual time; run folders and the store go to `runs`, which must be empty.

    Raises `Refused` for a fault that names what this city does not have.
    """

    async def main(clock: Clock) -> Played:
        play = Play(scenario, lang)
        stage = VirtualStage(scenario, runs, clock, play)
        measuring = Measuring(stage)

        async def performed() -> Played:
            played = await play.perform(stage)
            played.truth = await until_down(stage.truth, DOWN_WITHIN_S)
            stage.watch.ended()
            played.figures = measuring.counted()
            played.broken = tuple(f"{one.invariant}: {one.subject} {one.detail}" for one in stage.watch.breaches)
            return played

        async with running(stage):
            looking = [measuring.run()] if scenario.expected.truth else []
            return await attended(performed(), stage.city.run(), stage.watch.run(), *looking)

    return run(main, virtual_tempo(scenario.starts_s))


class VirtualStage(WatchedWorld):
    """A scenario's world in this process, with all its faults on the timeline, as a stage."""

    def __init__(self, scenario: Scenario, runs: Path, clock: Clock, play: Play) -> None:
        seed, minutes = scenario.file.world.seed, scenario.file.world.lasts_s / 60.0
        given = WorldSetup(scenario.city, scenario.path.parent, runs, seed, extra_zones=scenario.zones, shared=True)
        first = scenario.wishes[0].mission if scenario.wishes else None
        super().__init__(given, clock, Day(seed=seed, minutes=minutes, city=scenario.city), first, play.acts)
        self.runs = runs
        self.watch.scene.lay(self.zones())
        for fault in scenario.faults:
            self.timeline.inject(fault)
