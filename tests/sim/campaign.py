"""Random days in virtual time: faults, losses and kills of the controller, and what must hold whatever happens."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from airspace.frames import LatLon
from controller.clock import Clock, run, virtual_tempo
from controller.district import District
from controller.events import AnyEvent, Record
from controller.flight.mission_source import load_mission
from controller.run import RunResult
from controller.tasks import attended
from sim.world import World, running, setup

EXAMPLE = Path(__file__).parents[2] / "examples" / "zhengzhou"
FAULTS = (
    "wind=6",
    "wind=9",
    "wind=18",
    "rain=8",
    "battery=62",
    "battery=40",
    "fix=3",
    "dock=taken",
    "dock=taken-in-flight",
    "dock=stuck",
    "pole=silent",
    "link=lost-in-flight",
)
KNOWN_OUTCOMES = {"completed", "refused", "failed", "interrupted"}
QUIET_AFTER_S = 1500.0  # by then any drone is down, by battery if by nothing else


@dataclass(frozen=True, slots=True)
class Day:
    """One random day, made from its seed alone."""

    seed: int
    faults: tuple[str, ...]
    loss: float
    kills_s: tuple[float, ...]

    @classmethod
    def of(cls, seed: int) -> Day:
        """The day of a seed."""
        rng = random.Random(f"day {seed}")
        faults = tuple(sorted(rng.sample(FAULTS, rng.choice((0, 0, 1, 1, 2)))))
        kills = tuple(sorted(rng.uniform(1.0, 520.0) for _ in range(rng.choice((0, 0, 1, 1, 2)))))
        return cls(seed, faults, rng.choice((0.0, 0.0, 0.1, 0.3)), kills)


@dataclass(slots=True)
class Verdict:
    """What a day came to, and every promise that it broke."""

    day: Day
    outcome: str = ""
    broken: list[str] = field(default_factory=list)


def live(day: Day, folder: Path) -> Verdict:
    """Live through one day and look at what must hold."""
    given = replace(setup(EXAMPLE / "city.yaml", folder, seed=day.seed, inject=day.faults), link_loss=day.loss)
    verdict = Verdict(day)

    async def main(clock: Clock) -> None:
        world = World(given, clock, load_mission(EXAMPLE / "pipeline.yaml"))
        async with running(world):
            await attended(_controlled(world, verdict), world.city.run(), _watched(world, verdict))

    run(main, virtual_tempo())
    return verdict


async def _controlled(world: World, verdict: Verdict) -> None:
    results: list[RunResult] = []
    for kill_s in (*verdict.day.kills_s, None):
        async with world.controller() as district:
            work = asyncio.create_task(_work(world, district, results))
            if kill_s is None:
                await work
            else:
                await asyncio.wait([work], timeout=max(kill_s - asyncio.get_running_loop().time(), 0.1))
                await _killed(district, work)
        await asyncio.sleep(3.0)
    verdict.outcome = results[-1].outcome if results else "none"
    await asyncio.sleep(max(QUIET_AFTER_S - asyncio.get_running_loop().time(), 0.0))
    _judge_end(world, verdict, results)


async def _killed(district: District, work: asyncio.Task[None]) -> None:
    """End the work as a SIGKILL would: whatever it still wants to record is not recorded."""

    async def never(*events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
        await asyncio.get_running_loop().create_future()
        raise AssertionError(events)

    setattr(district.store, "append", never)  # noqa: B010 - a method, replaced on purpose
    while not work.done():
        work.cancel()
        await asyncio.sleep(0)


async def _work(world: World, district: District, results: list[RunResult]) -> None:
    if district.state.unfinished():
        results += await world.pick_up(district)
    elif not results:
        results.append(await world.fly(district))


async def _watched(world: World, verdict: Verdict) -> None:
    """Look at the truth twice a second: no drone in a zone, no cover closed on a drone above it."""
    zones = world.zones()
    drone = next(iter(world.city.drones.values()))
    while True:
        truth = drone.truth
        if not truth.landed:
            x_m, y_m = world.site.frame.xy(LatLon(truth.lat_deg, truth.lon_deg))
            height_m = world.site.ground.amsl_m + world.site.ground.geoid_m + truth.relative_m
            for zone in zones:
                if zone.contains(x_m, y_m, height_m, world.clock.utc_s()):
                    verdict.broken.append(f"drone in {zone.id}")
            for pole in world.city.poles.values():
                over = pole.site.has_dock and pole.site.position.distance_m(LatLon(truth.lat_deg, truth.lon_deg)) < 1.5
                if over and truth.relative_m < 10.0 and truth.armed and pole.hardware.opened < 0.99:
                    verdict.broken.append(f"drone at {truth.relative_m:.1f} m over {pole.code} with its cover not open")
        await asyncio.sleep(0.5)


def _judge_end(world: World, verdict: Verdict, results: list[RunResult]) -> None:
    truth = next(iter(world.city.drones.values())).truth
    if truth.armed or not truth.landed:
        verdict.broken.append("the drone is not down and disarmed")
    if not results or results[-1].outcome not in KNOWN_OUTCOMES:
        verdict.broken.append(f"outcome {verdict.outcome}")
    for result in results:
        if result.outcome != "completed" and not result.reasons:
            verdict.broken.append(f"{result.outcome} without a reason")


def table(verdicts: Iterable[Verdict]) -> str:
    """What was tried and what broke, a line for each kind of day."""
    tried: Counter[tuple[str, str]] = Counter()
    broke: Counter[tuple[str, str]] = Counter()
    for verdict in verdicts:
        kind = " + ".join(verdict.day.faults) or "no fault"
        row = (kind, f"{len(verdict.day.kills_s)} kills, loss {verdict.day.loss:.0%}")
        tried[row] += 1
        broke[row] += bool(verdict.broken)
    lines = [f"{'tried':>5} {'broke':>5}  faults"]
    lines += [f"{tried[row]:5d} {broke[row]:5d}  {row[0]}, {row[1]}" for row in sorted(tried)]
    return "\n".join([*lines, f"{tried.total():5d} {broke.total():5d}  in all"])
