"""Loss, delay, reorder, duplicates, power cuts, gateways that die, full disks and clocks that jump, in virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from airspace.frames import LatLon
from controller.clock import Clock, run, virtual_tempo
from poles.agent import PoleAgent
from poles.agent.ring import ENTRIES, PAGE_BYTES, Ring
from poles.gateway import Gateway
from poles.gateway.flow import Said
from poles.protocol import Hello, Level, OfEntries, numbers_of
from poles.services.lamp import Lamp
from poles.services.weather import Weather
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.flash import SimFlash
from sim.pole import SimLampHardware
from sim.pole_network import PoleNetwork, Trouble
from tests.poles.faults.journal import Entry, Journal, Verdict, judge
from tests.poles.raw_pole import CODE

LASTS_S = 600.0
CALM_S = 120.0


class Disk:
    """The controller's disk: what was kept outlives a gateway; it may be full, or take its time."""

    def __init__(self) -> None:
        self.kept: list[OfEntries] = []
        self.is_full = False
        self.slow_s = 0.0

    async def keep(self, batch: Sequence[Said]) -> None:
        """All of the batch or nothing."""
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.kept += [said.message for said in batch if not isinstance(said.message, Hello)]

    def stored(self) -> dict[str, dict[str, int]]:
        """What a gateway that starts is told."""
        highest: dict[str, int] = {}
        for message in self.kept:
            highest[message.boot] = max(highest.get(message.boot, 0), numbers_of(message)[-1])
        return {CODE: highest}


class Trial:
    """One pole with a ring, a bad network, a gateway and a disk, and what happens to them by chance."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.rng = random.Random(seed)
        self.flash = SimFlash(64 * PAGE_BYTES)
        self.disk = Disk()
        self.exchange = Exchange()
        self.network = PoleNetwork(MemoryConnection(self.exchange), self.rng)
        self.journal = Journal()
        self.unsynced: set[Entry] = set()
        self.jump_s = 0.0
        self.tried: dict[str, int] = {}
        self.gateway_lives = self.pole_lives = True
        self.gateway_bell, self.pole_bell = asyncio.Event(), asyncio.Event()

    async def be_a_gateway(self) -> None:
        """Gateways one after the other: each ends when it is killed, or when its disk is full."""
        while True:
            self.gateway_bell.clear()
            try:
                async with self.gateway():
                    await self.gateway_bell.wait()
                    raise ConnectionAbortedError
            except* (ConnectionAbortedError, OSError):
                await asyncio.sleep(self.rng.uniform(0.0, 20.0))
                self.disk.is_full = False

    def known(self) -> dict[str, dict[str, int]]:
        """What a gateway that starts is told."""
        return self.disk.stored()

    async def keep(self, batch: Sequence[Said]) -> None:
        """What a gateway does with a batch."""
        await self.disk.keep(batch)

    def chance(self) -> random.Random:
        """What a pole that boots draws its name from."""
        return self.rng

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[Gateway]:
        made = Gateway.memory(
            self.exchange,
            keep=self.keep,
            utc_s=self.clock.utc_s,
            rng=self.rng,
            stored=self.known(),
        )
        async with made as gateway:
            yield gateway

    async def be_a_pole(self) -> None:
        """The pole's boots one after the other, each ended by a power cut."""
        services = [Weather(), Lamp(SimLampHardware())]
        while True:
            self.pole_bell.clear()
            ring = Ring.open(self.flash)
            self.forget_unsynced(ring)
            agent = PoleAgent(
                CODE,
                services,
                self.network,
                position=LatLon(34.7, 113.6),
                utc_s=lambda: self.clock.utc_s() + self.jump_s,
                rng=self.chance(),
                report_every_s=2.0,
                heartbeat_every_s=3.0,
                ring=ring,
            )
            self.journal.watch(agent._outbox)
            self.agent = agent
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(agent.run())
                chatting = tasks.create_task(self.chat(agent))
                await self.pole_bell.wait()
                running.cancel()
                chatting.cancel()
            self.flash.lose_power(self.rng)
            await asyncio.sleep(self.rng.uniform(0.0, 30.0))

    def forget_unsynced(self, ring: Ring) -> None:
        """What a boot made and the ring does not have is nobody's: unless somebody was told that it is durable."""
        found = {(f"{record.boot:016x}", record.seq) for record in ring.found if record.kind in ENTRIES}
        for entry in self.journal.made:
            if entry not in found and entry[1] > self.journal.told.get(entry[0], 0):
                self.unsynced.add(entry)

    async def chat(self, agent: PoleAgent) -> None:
        """Alarms and logs at any moment."""
        while True:
            await asyncio.sleep(self.rng.expovariate(0.5))
            agent.log(Level.INFO, f"line {self.rng.random()}")
            if self.rng.random() < 0.3:
                agent.alarm("pole.tilt", self.rng.random() < 0.5, None, {"tilt_deg": self.rng.uniform(0.0, 20.0)})

    async def suffer(self) -> None:
        """What happens, for `LASTS_S`; then all is calm."""
        fates = [self.lose_power, self.kill_gateway, self.fill_disk, self.jump_clock, self.cut, self.worsen, self.slow]
        until_s = self.clock.monotonic_s() + LASTS_S
        while self.clock.monotonic_s() < until_s:
            await asyncio.sleep(self.rng.expovariate(1 / 8.0))
            fate = self.rng.choice(fates)
            self.tried[fate.__name__] = self.tried.get(fate.__name__, 0) + 1
            await fate()
        self.network.restore()
        self.network.trouble = Trouble()
        self.disk.slow_s = 0.0
        await asyncio.sleep(CALM_S)

    async def lose_power(self) -> None:
        self.pole_bell.set()

    async def kill_gateway(self) -> None:
        self.gateway_bell.set()

    async def fill_disk(self) -> None:
        self.disk.is_full = True

    async def jump_clock(self) -> None:
        self.jump_s = self.rng.choice([0.0, 5 * 3600.0, -7 * 3600.0])

    async def cut(self) -> None:
        self.network.fail()
        await asyncio.sleep(self.rng.uniform(0.0, 25.0))
        self.network.restore()

    async def worsen(self) -> None:
        self.network.trouble = Trouble(
            lost=self.rng.choice([0.0, 0.1, 0.5]),
            doubled=self.rng.choice([0.0, 0.3]),
            longest_s=self.rng.choice([0.0, 0.2, 5.0]),
        )

    async def slow(self) -> None:
        self.disk.slow_s = self.rng.choice([0.0, 0.05, 6.0])


def try_out(seed: int, kind: type[Trial] = Trial) -> tuple[Trial, Verdict]:
    trials: list[Trial] = []

    async def main(clock: Clock) -> None:
        trial = kind(clock, seed)
        trials.append(trial)
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(trial.be_a_gateway()), tasks.create_task(trial.be_a_pole())]
            await trial.suffer()
            for task in working:
                task.cancel()

    run(main, virtual_tempo())
    (trial,) = trials
    held = {(stream.boot, one.seq) for stream in trial.agent._outbox.streams for one in stream.held}
    return trial, judge(trial.journal, trial.disk.kept, held, trial.unsynced)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_acknowledged_is_lost_and_nothing_is_counted_twice(seed: int) -> None:
    trial, verdict = try_out(seed)
    assert verdict.is_clean, (trial.tried, verdict)
    assert verdict.stored > 0.5 * len(trial.journal.made)
    assert len(trial.tried) >= 5


class Forgetful(Trial):
    """A gateway that starts without asking its store what it holds."""

    def known(self) -> dict[str, dict[str, int]]:
        return {}


class Hasty(Trial):
    """A store that says that it has what it has not, when the disk is slow."""

    async def keep(self, batch: Sequence[Said]) -> None:
        if not self.disk.slow_s:
            await self.disk.keep(batch)


class Repeating(Trial):
    """A pole that gives each boot the same name."""

    def chance(self) -> random.Random:
        return random.Random(7)


class Eager(Trial):
    """A pole whose sync comes back before the flash has done it."""

    def forget_unsynced(self, ring: Ring) -> None:
        """It believes that everything was safe."""


@pytest.mark.parametrize(
    ("kind", "broken"), [(Forgetful, "twice"), (Hasty, "acknowledged_lost"), (Repeating, "changed"), (Eager, "lost")]
)
def test_a_fault_of_the_code_itself_is_found(kind: type[Trial], broken: str) -> None:
    found = [getattr(try_out(seed, kind)[1], broken) for seed in range(4)]
    assert any(found)


@pytest.mark.soak
def test_in_two_hundred_trials_neither(capsys: pytest.CaptureFixture[str]) -> None:
    tried: dict[str, int] = {}
    made = stored = 0
    broken: list[tuple[int, Verdict]] = []
    for seed in range(1000, 1200):
        trial, verdict = try_out(seed)
        made, stored = made + len(trial.journal.made), stored + verdict.stored
        for name, count in trial.tried.items():
            tried[name] = tried.get(name, 0) + count
        if not verdict.is_clean:
            broken.append((seed, verdict))
    with capsys.disabled():
        print(f"\n{'fault':<16}{'times':>7}")  # noqa: T201 - the table of the campaign
        for name, count in sorted(tried.items()):
            print(f"{name:<16}{count:>7}")  # noqa: T201 - the same
        print(f"entries made {made}, stored {stored}; trials broken {len(broken)} of 200")  # noqa: T201 - the same
    assert not broken, broken[:3]
