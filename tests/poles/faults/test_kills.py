"""Gateway and pole as processes that are killed at random moments, over real CURVE through a bad network."""

import asyncio
import random
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.clock import Clock, real_tempo, run
from controller.events import PoleSaid
from poles.agent.flash import FileFlash
from poles.agent.outbox import Outbox
from poles.agent.ring import SMALLEST_BYTES, Ring
from poles.keys import new_key_pair, save_key_pair
from tests.controller.reading import read_store
from tests.poles.faults.journal import Journal, Verdict, judge
from tests.poles.faults.proxy import Proxy, proxied

REPOSITORY = Path(__file__).parents[3]


class Trial:
    """Two processes, what is done to them, and how often."""

    def __init__(self, folder: Path, rng: random.Random, port: int, proxy: Proxy, proxy_port: int) -> None:
        self.folder = folder
        self.rng = rng
        self.port = port
        self.proxy = proxy
        self.proxy_port = proxy_port
        self.tried: Counter[str] = Counter()
        self.gateway: asyncio.subprocess.Process
        self.pole: asyncio.subprocess.Process

    async def start_gateway(self, limit_bytes: int | None = None) -> None:
        more = [] if limit_bytes is None else [str(limit_bytes)]
        self.gateway = await self._start("gateway_process", str(self.port), *more)

    async def start_pole(self) -> None:
        self.pole = await self._start("pole_process", str(self.proxy_port), str(self.rng.random()))

    async def _start(self, module: str, *arguments: str) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", f"tests.poles.faults.{module}", str(self.folder), *arguments]
        return await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY)

    async def kill_gateway(self) -> None:
        await end(self.gateway, signal.SIGKILL)
        await self.start_gateway()

    async def kill_pole(self) -> None:
        await end(self.pole, signal.SIGKILL)
        await self.start_pole()

    async def fill_disk(self) -> None:
        """The gateway's files may grow by a little, and then no more; it ends by itself, or is killed."""
        await end(self.gateway, signal.SIGKILL)
        files = [path.stat().st_size for path in self.folder.glob("store.db*")]
        await self.start_gateway(max(files, default=0) + self.rng.randrange(1, 60_000))
        await asyncio.sleep(self.rng.uniform(1.0, 3.0))
        await self.kill_gateway()

    async def cut(self) -> None:
        self.proxy.cut()

    async def swallow(self) -> None:
        """Half-open: connections stand, and nothing comes through."""
        self.proxy.swallows = True
        await asyncio.sleep(self.rng.uniform(0.0, 2.0))
        self.proxy.swallows = False
        # what a swallowed part belonged to cannot go on: TCP would not do that either
        self.proxy.cut()

    async def slow(self) -> None:
        self.proxy.delay_s = self.rng.choice([0.0, 0.05, 0.4])

    async def suffer(self, kills: int) -> None:
        others = [self.cut, self.swallow, self.slow, self.fill_disk]
        while self.tried["kill_gateway"] + self.tried["kill_pole"] < kills:
            if self.rng.random() < 0.9:  # else it happens to processes that are still starting
                await self.life()
            await asyncio.sleep(self.rng.expovariate(2.0))
            fate = self.rng.choice([self.kill_gateway, self.kill_pole, self.rng.choice(others)])
            self.tried[fate.__name__] += 1
            await fate()
        self.proxy.delay_s = 0.0

    async def life(self) -> None:
        """Return when the pole was told something new, and so both processes and the way between them work."""
        told = self.told()
        try:
            async with asyncio.timeout(100.0):
                while self.told() == told:  # noqa: ASYNC110 - a file of another process
                    await asyncio.sleep(0.02)
        except TimeoutError:
            ended = {"gateway": self.gateway.returncode, "pole": self.pole.returncode}
            raise AssertionError(f"nobody is told anything any more; ended: {ended}, tried: {self.tried}") from None

    def told(self) -> int:
        """How often a pole was told that something is durable."""
        journal = self.folder / "journal"
        return journal.read_text(encoding="ascii").count("told") if journal.exists() else 0

    async def calm_down(self) -> None:
        """Let the pole say what it has, and both end."""
        await self.life()
        await end(self.pole, signal.SIGTERM)
        await end(self.gateway, signal.SIGKILL)


async def end(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(how)
    async with asyncio.timeout(60.0):
        await process.wait()


@asynccontextmanager
async def trial_in(folder: Path, seed: int) -> AsyncIterator[Trial]:
    for name in ("gateway", "pole"):
        save_key_pair(folder / "keys" / f"{name}.key", new_key_pair())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with proxied(port) as (proxy, proxy_port):
        trial = Trial(folder, random.Random(seed), port, proxy, proxy_port)
        await trial.start_gateway()
        await trial.start_pole()
        try:
            yield trial
        finally:
            await end(trial.pole, signal.SIGKILL)
            await end(trial.gateway, signal.SIGKILL)


def try_out(folder: Path, seed: int, kills: int) -> tuple[Counter[str], Verdict]:
    tried: list[Counter[str]] = []

    async def main(clock: Clock) -> None:
        async with trial_in(folder, seed) as trial:
            await trial.suffer(kills)
            await trial.calm_down()
            tried.append(trial.tried)

    run(main, real_tempo())
    journal = journal_of((folder / "journal").read_text(encoding="ascii").splitlines())
    stored = [record.event.message for record in read_store(folder / "store.db") if isinstance(record.event, PoleSaid)]
    ring = Ring.open(FileFlash.open(folder / "ring", 16 * SMALLEST_BYTES))
    left = Outbox(lambda: f"{1:016x}", ring=ring)
    held = [(stream.boot, one.seq) for stream in left.streams for one in stream.held]
    ring.close()
    return tried[0], judge(journal, stored, held, set())


def journal_of(lines: Iterable[str]) -> Journal:
    """What the pole wrote down; the last entry of a boot may have been killed before it was put anywhere."""
    journal = Journal()
    for line in lines:
        what, boot, seq, *body = line.split(" ")
        if what == "made":
            journal.made[boot, int(seq)] = bytes.fromhex(body[0])
        else:
            journal.told[boot] = max(journal.told.get(boot, 0), int(seq))
    last: dict[str, int] = {}
    for boot, number in journal.made:
        last[boot] = max(last.get(boot, 0), number)
    journal.dropped = {entry for entry in last.items() if entry[1] > journal.told.get(entry[0], 0)}
    return journal


@pytest.mark.timeout(240)
def test_processes_that_are_killed_lose_nothing_and_count_nothing_twice(tmp_path: Path) -> None:
    tried, verdict = try_out(tmp_path, 1, 3)
    assert verdict.is_clean, (tried, verdict)
    assert verdict.stored > 50


@pytest.mark.soak
def test_two_hundred_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    total: Counter[str] = Counter()
    stored, broken = 0, []
    for seed in range(8):
        (tmp_path / str(seed)).mkdir()
        tried, verdict = try_out(tmp_path / str(seed), seed, 25)
        total += tried
        stored += verdict.stored
        if not verdict.is_clean:
            broken.append((seed, verdict))
    with capsys.disabled():
        print(f"\n{'fault':<16}{'times':>7}")  # noqa: T201 - the table of the campaign
        for name, count in sorted(total.items()):
            print(f"{name:<16}{count:>7}")  # noqa: T201 - the same
        print(f"entries stored {stored}; trials broken {len(broken)} of 8")  # noqa: T201 - the same
    assert not broken, broken[:3]
