"""Living through a day: one controller after another, all missions at their times, and the watch over all of it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from controller.clock import Clock, run, virtual_tempo
from controller.district import District
from controller.events import AnyEvent, Record
from controller.flight.mission_source import Mission
from controller.links.transport import Transport
from controller.run import close_flight
from controller.state import FlightState
from controller.tasks import attended
from poles.gateway.flow import Said
from sim.faults import Fault
from sim.timeline import Act
from sim.world.assembly import World, WorldSetup, running
from sim.world.day import Day, DayMission, Death, chart_of, mission_of
from sim.world.invariants import Breach
from sim.world.scene import Scene
from sim.world.watch import Watch

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


class WatchedLine:
    """A controller's end of a link whose frames the watch sees."""

    def __init__(self, line: Transport, sent: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        self._line = line
        self._sent = sent
        self._closed = closed

    def send(self, data: bytes) -> None:
        """Send a frame."""
        self._sent(data)
        self._line.send(data)

    async def receive(self) -> bytes:
        """The next bytes."""
        return await self._line.receive()

    def close(self) -> None:
        """Close the line."""
        self._closed()
        self._line.close()


class DayWorld(World):
    """The world of a day; its watch hears of every link and frame."""

    def __init__(
        self,
        given: WorldSetup,
        clock: Clock,
        day: Day,
        mission: Mission | None = None,
        acts: Mapping[str, Act] | None = None,
    ) -> None:
        self.killing = asyncio.Event()
        self.down_s = DOWN_S
        super().__init__(given, clock, mission, {"controller": Act(self._killed), **(acts or {})})
        self.open_links: dict[str, int] = {}
        self.watch = Watch(Scene.of(self, day))

    def _killed(self, target: str, fault: Fault) -> None:
        self.down_s = DOWN_S if fault.for_s is None else fault.for_s
        self.killing.set()

    async def connect(self, address: str) -> Transport:
        """A fresh link, watched."""
        drone = address.removeprefix("memory:")
        line = await super().connect(address)
        self.open_links[drone] = self.open_links.get(drone, 0) + 1
        self.watch.connected(drone, self.open_links[drone])

        def closed() -> None:
            self.open_links[drone] -= 1

        return WatchedLine(line, lambda frame: self.watch.sent(drone, frame), closed)


@dataclass(slots=True)
class _Pace:
    """The store as this day has it: slow, and dead from a certain word on."""

    district: District
    day: Day
    death: Death | None
    world: DayWorld
    words: int = 0

    def install(self) -> None:
        """Put this in the way of whatever the controller records."""
        store = self.district.store
        append, keep = store.append, store.keep

        async def trouble() -> None:
            if self.day.disk_s:
                await asyncio.sleep(self.day.disk_s)
            if self.world.killing.is_set():
                await asyncio.get_running_loop().create_future()

        async def kept(batch: Sequence[Said]) -> None:
            await trouble()
            await keep(batch)

        async def appended(*events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
            await trouble()
            if self.death is not None:
                self.words += 1
                if self.words == self.death.word:
                    if self.death.kept:
                        await append(*events, claims_seen=claims_seen)
                    self.world.down_s = self.death.down_s
                    self.world.killing.set()
                    await asyncio.get_running_loop().create_future()
            return await append(*events, claims_seen=claims_seen)

        setattr(store, "append", appended)  # noqa: B010 - a method, replaced on purpose
        setattr(store, "keep", kept)  # noqa: B010 - the same


@dataclass(slots=True)
class _Operators:
    """The people of the day: they ask for missions, ask again, and go and look for what was lost."""

    day: Day
    world: DayWorld
    outcomes: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    lost_s: dict[str, float] = field(default_factory=dict)

    async def work(self, district: District) -> None:
        """With one controller: pick up what was left open, and ask for what is not done, each at its time."""
        async with asyncio.TaskGroup() as group:
            for flight in district.state.unfinished():
                group.create_task(self._pick_up(district, flight), name=f"pick up {flight.id}")
            picked_up = {flight.plan.name for flight in district.state.flights.values()}
            for wish in self.day.missions:
                if wish.name not in self.outcomes and wish.name not in picked_up:
                    group.create_task(self._ask(district, wish), name=f"mission {wish.name}")

    async def _ask(self, district: District, wish: DayMission) -> None:
        mission = mission_of(wish)
        await asyncio.sleep(max(wish.at_s - self.world.watch.scene.day_s, 0.0))
        while True:
            self.tries[wish.name] = self.tries.get(wish.name, 0) + 1
            outcome, reasons = await self.world.conduct(district, mission, wish.drone)
            if outcome != "refused" or self.tries[wish.name] >= TRIES:
                break
            await asyncio.sleep(AGAIN_S)
        self.outcomes[wish.name] = outcome
        self.world.watch.answered(wish.name, outcome, reasons)

    async def _pick_up(self, district: District, flight: FlightState) -> None:
        while True:
            outcome, _ = await self.world.conduct_rest(district, flight)
            if flight.ended:
                break
            since_s = self.lost_s.setdefault(flight.id, self.world.watch.scene.day_s)
            if self.world.watch.scene.day_s - since_s > SEARCHED_AFTER_S:
                self.world.watch.searched(flight, self.world.watch.scene.day_s - HEARD_WITHIN_S)
                outcome = (await close_flight(district, flight, "found by search", self.world.given.runs)).outcome
                break
            await asyncio.sleep(LOOK_AGAIN_S)
        self.outcomes[flight.plan.name] = outcome


def live(day: Day, folder: Path) -> Verdict:
    """Live through a day in virtual time; what the controller keeps is written into `folder`.

    The same day gives the same verdict and the same files in any process. Raises `Refused` for a day that has faults
    which its city does not know. A `StuckError` ends the day, as a crash.
    """
    verdicts: list[Verdict] = []
    begun: list[tuple[Watch, Callable[[], Verdict]]] = []
    given = WorldSetup(
        day.city, folder, folder / "runs", seed=day.seed, link=day.link.quality,
        extra_zones=chart_of(day.zones) if day.zones else None,
    )  # fmt: skip

    async def main(clock: Clock) -> None:
        world = DayWorld(given, clock, day)
        operators = _Operators(day, world)
        controllers = [0]
        begun.append((world.watch, lambda: _verdict(day, world, operators, controllers[0])))
        asyncio.get_running_loop().set_exception_handler(world.watch.unhandled)
        try:
            async with running(world):
                for fault in day.happenings:
                    world.timeline.inject(fault)
                await attended(_through(day, world, operators, controllers), world.city.run(), world.watch.run())
        except Exception as error:  # whatever was raised, the day has shown that it can be
            world.watch.crashed(type(error).__name__, "".join(traceback.format_exception(error)[-4:]))
        verdicts.append(_verdict(day, world, operators, controllers[0]))

    try:
        run(main, virtual_tempo())
    except StuckError as stuck:
        if not begun:
            raise
        watch, verdict = begun[0]
        watch.crashed("StuckError", str(stuck))
        return verdict()
    return verdicts[0]


async def _through(day: Day, world: DayWorld, operators: _Operators, controllers: list[int]) -> None:
    deaths = list(day.deaths)
    while True:
        world.killing.clear()
        async with world.controller() as district:
            controllers[0] += 1
            _Pace(district, day, deaths.pop(0) if deaths else None, world).install()
            world.watch.started(district)
            work = asyncio.create_task(operators.work(district), name="operators")
            killing = asyncio.create_task(world.killing.wait(), name="killing")
            await asyncio.wait([work, killing], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                killing.cancel()
                await work
                break
            await world.kill(district, work)
            world.watch.stopped()
        await asyncio.sleep(world.down_s)
    await _until_quiet(day, world)
    world.watch.ended()


async def _until_quiet(day: Day, world: DayWorld) -> None:
    scene = world.watch.scene
    give_up_s = scene.day_s + QUIET_AFTER_S
    while scene.day_s < day.minutes * 60.0 or (scene.sights and scene.day_s < give_up_s):  # noqa: ASYNC110 - truth tells nobody
        await asyncio.sleep(1.0)


def _verdict(day: Day, world: DayWorld, operators: _Operators, controllers: int) -> Verdict:
    digest = world.watch.digest
    for tlog in sorted(world.given.runs.glob("*/*.tlog")):
        digest.update(tlog.name.encode())
        digest.update(tlog.read_bytes())
    return Verdict(
        seed=day.seed,
        outcomes={wish.name: _outcome(wish, operators, world) for wish in day.missions},
        breaches=tuple(world.watch.breaches),
        digest=digest.hexdigest(),
        lasted_s=round(world.watch.scene.day_s, 3),
        controllers=controllers,
        excused=world.watch.excused,
        flown=sum(1 for flight in world.watch.scene.state.flights.values() if flight.farthest_item > 0),
    )


def _outcome(wish: DayMission, operators: _Operators, world: DayWorld) -> str:
    """What the operators were told, or what the log says where a kill kept it from them."""
    if wish.name in operators.outcomes:
        return operators.outcomes[wish.name]
    flights = [f for f in world.watch.scene.state.flights.values() if f.plan.name == wish.name]
    if not flights:
        return "not flown"
    return ("completed" if flights[-1].completed else "failed") if flights[-1].ended else "open"
