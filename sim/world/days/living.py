"""Living through a day: one controller after another, all missions at their times, and the watch over all of it."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from controller.clock import Clock, run, virtual_tempo
from controller.district import District
from controller.events import AnyEvent, Record
from controller.run import close_flight
from controller.state import FlightState, State
from controller.store import Store
from controller.tasks import attended
from poles.gateway.flow import Said
from sim.faults import Fault
from sim.timeline import Act
from sim.world.assembly import WorldSetup, running
from sim.world.days.day import Day, Death, chart_of, mission_of
from sim.world.invariants import Breach
from sim.world.succession import Operators, Succession
from sim.world.truth import until_down
from sim.world.watched import WatchedWorld

TRIES, AGAIN_S = 2, 240.0  # a refused mission is asked for once more
LOOK_AGAIN_S = 30.0  # for a drone that a new controller does not hear
SEARCHED_AFTER_S = 1200.0  # then a person goes where the drone must be, and closes its flight
HEARD_WITHIN_S = 120.0  # a controller that looks for a drone this long, with its link whole, hears it
QUIET_AFTER_S = 1500.0  # after the last mission any drone is down, by battery if by nothing else
DOWN_S = 3.0


class StuckError(SystemExit):
    """A day used more of the processor than any day that moves on; loops let no other error out of their callbacks."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a day came to: the outcome of each mission, every breach, and a digest of all that was recorded.

    `excused` counts, by invariant, what did not hold for a cause that is nobody's fault.
    """

    seed: int
    outcomes: dict[str, str]
    breaches: tuple[Breach, ...]
    digest: str
    lasted_s: float
    controllers: int
    flown: int
    excused: dict[str, int] = {}

    @property
    def broken(self) -> tuple[str, ...]:
        """The codes of the invariants that were broken, each once, in the order of time."""
        return tuple(dict.fromkeys(breach.invariant for breach in self.breaches))


class DayWorld(WatchedWorld):
    """The world of a day: its store is slow, and its controllers die when the day has it so."""

    def __init__(self, given: WorldSetup, clock: Clock, day: Day) -> None:
        super().__init__(given, clock, day, acts={"controller": Act(self._killed)})
        self.day = day
        self.succession = Succession()
        self._deaths = list(day.deaths)

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[District]:
        """A controller, the next death of the day before it."""
        async with super().controller() as district:
            _Pace(district.store, self, self._deaths.pop(0) if self._deaths else None).install()
            yield district

    def _killed(self, target: str, fault: Fault) -> None:
        self.succession.kill(DOWN_S if fault.for_s is None else fault.for_s)


@dataclass(slots=True)
class _Pace:
    """The store as this day has it: slow, and dead from a certain word on."""

    store: Store
    world: DayWorld
    death: Death | None
    words: int = 0

    def install(self) -> None:
        """Put this in the way of whatever the controller records."""
        store = self.store
        append, keep = store.append, store.keep

        async def kept(batch: Sequence[Said]) -> None:
            await self._trouble()
            await keep(batch)

        async def appended(*events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
            await self._trouble()
            if self.death is not None:
                self.words += 1
                if self.words == self.death.word:
                    if self.death.kept:
                        await append(*events, claims_seen=claims_seen)
                    self.world.succession.kill(self.death.down_s)
                    await asyncio.get_running_loop().create_future()
            return await append(*events, claims_seen=claims_seen)

        setattr(store, "append", appended)  # noqa: B010 - a method, replaced on purpose
        setattr(store, "keep", kept)  # noqa: B010 - the same

    async def _trouble(self) -> None:
        if self.world.day.disk_s:
            await asyncio.sleep(self.world.day.disk_s)
        if self.world.succession.killed:
            await asyncio.get_running_loop().create_future()


class _DayOperators(Operators):
    """The people of a day: they ask for missions, ask again, and go and look for what was lost."""

    def __init__(self, world: DayWorld) -> None:
        super().__init__(wish.name for wish in world.day.missions)
        self.outcomes: dict[str, str] = {}
        self._world = world
        self._wishes = {wish.name: wish for wish in world.day.missions}
        self._tries = Counter[str]()
        self._lost_s: dict[str, float] = {}

    async def ask(self, district: District, name: str) -> None:
        """Ask for a mission at its time, and again when it is refused."""
        wish = self._wishes[name]
        mission = mission_of(wish)
        await asyncio.sleep(max(wish.at_s - self._world.watch.scene.day_s, 0.0))
        while True:
            self._tries[name] += 1
            outcome, reasons = await self._world.fly_unreported(district, mission, wish.drone)
            if outcome != "refused" or self._tries[name] >= TRIES:
                break
            await asyncio.sleep(AGAIN_S)
        self._end(name, outcome)
        self._world.watch.answered(name, outcome, reasons)

    async def pick_up(self, district: District, name: str, flight: FlightState) -> None:
        """Finish a flight; when its drone is not heard for long, search for it."""
        scene = self._world.watch.scene
        while True:
            outcome, _ = await self._world.finish_unreported(district, flight)
            if flight.ended:
                break
            since_s = self._lost_s.setdefault(flight.id, scene.day_s)
            if scene.day_s - since_s > SEARCHED_AFTER_S:
                self._world.watch.searched(flight, scene.day_s - HEARD_WITHIN_S)
                outcome = (await close_flight(district, flight, "found by search", self._world.given.runs)).outcome
                break
            await asyncio.sleep(LOOK_AGAIN_S)
        self._end(name, outcome)

    def _end(self, name: str, outcome: str) -> None:
        self.outcomes[name] = outcome
        self.over[name].set()


def live(day: Day, folder: Path) -> Verdict:
    """Live through a day in virtual time; what the controller keeps is written into `folder`.

    The same day gives the same verdict and the same files in any process. Raises `Refused` for a day that has faults
    which its city does not know. A `StuckError` ends the day, as a crash.
    """
    begun: list[tuple[DayWorld, _DayOperators]] = []
    verdicts: list[Verdict] = []
    given = WorldSetup(
        day.city, folder, folder / "runs", seed=day.seed, link=day.link.quality,
        extra_zones=chart_of(day.zones) if day.zones else None,
    )  # fmt: skip

    async def main(clock: Clock) -> None:
        world = DayWorld(given, clock, day)
        operators = _DayOperators(world)
        begun.append((world, operators))
        try:
            async with running(world):
                for fault in day.happenings:
                    world.timeline.inject(fault)
                await attended(_through(world, operators), world.city.run(), world.watch.run())
        except Exception as error:  # whatever was raised, the day has shown that it can be
            world.watch.crashed(type(error).__name__, "".join(traceback.format_exception(error)[-4:]))
        verdicts.append(_verdict(world, operators))  # while its time still stands

    try:
        run(main, virtual_tempo())
    except StuckError as stuck:
        if not begun:
            raise
        begun[0][0].watch.crashed("StuckError", str(stuck))
        return _verdict(*begun[0])
    return verdicts[0]


async def _through(world: DayWorld, operators: _DayOperators) -> None:
    await world.succession.run(world, operators.work)
    await asyncio.sleep(max(world.day.minutes * 60.0 - world.watch.scene.day_s, 0.0))
    await until_down(world.truth, QUIET_AFTER_S)
    world.watch.ended()


def _verdict(world: DayWorld, operators: _DayOperators) -> Verdict:
    digest, scene = world.watch.digest, world.watch.scene
    for tlog in sorted(world.given.runs.glob("*/*.tlog")):
        digest.update(tlog.name.encode())
        digest.update(tlog.read_bytes())
    return Verdict(
        seed=world.day.seed,
        outcomes={wish.name: _outcome(wish.name, operators, scene.state) for wish in world.day.missions},
        breaches=tuple(world.watch.breaches),
        digest=digest.hexdigest(),
        lasted_s=round(scene.day_s, 3),
        controllers=world.succession.count,
        excused=world.watch.excused,
        flown=sum(1 for flight in scene.state.flights.values() if flight.farthest_item > 0),
    )


def _outcome(mission: str, operators: _DayOperators, state: State) -> str:
    """What the operators were told, or what the log says where a kill kept it from them."""
    if mission in operators.outcomes:
        return operators.outcomes[mission]
    flights = [flight for flight in state.flights.values() if flight.plan.name == mission]
    if not flights:
        return "not flown"
    return ("completed" if flights[-1].completed else "failed") if flights[-1].ended else "open"
