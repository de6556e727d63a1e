"""10,000 poles at one gateway: the memory for each, and their return after it was killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import linear_regression

import msgspec

from benchmarks.pole_crowd import CROWD, EVERY_S, GATEWAY, Crowd, Done, Host, Step
from benchmarks.pole_load import LoadPole
from benchmarks.rows import Row
from controller.clock import Clock, real_tempo, run, wall_s
from controller.store import open_store
from poles.keys import KeyPair, new_key_pair

POLES = 10_000
COUNTS = (2_500, 5_000, 7_500, 10_000)
CALLED_PER_S = 250.0  # while memory is measured
RETURN_S = 10.0
CITY, CITY_GB = 100_000, 8.0  # goal
PYTHON = (sys.executable, "-m", "benchmarks.pole_crowd")
Process = subprocess.Popen[bytes]


def rss_kb(process: Process) -> int:
    """Memory that a process holds now [kB]."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


def started(role: str, given: msgspec.Struct) -> Process:
    """A process in its role, with what it is given."""
    process = subprocess.Popen([*PYTHON, role], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    _tell(process, given)
    return process


def serving(given: Host) -> Process:
    """A gateway that listens."""
    process = started(GATEWAY, given)
    assert process.stdout is not None
    given.address = process.stdout.readline().decode().strip()
    return process


def played(crowds: Sequence[Process], step: Step) -> Done:
    """What became of a step in all crowds, which play it at the same time."""
    for crowd in crowds:
        _tell(crowd, step)
    done = []
    for crowd in crowds:
        assert crowd.stdout is not None
        done.append(msgspec.json.decode(crowd.stdout.readline(), type=Done))
    return Done(
        sorted(first_s for each in done for first_s in each.first_s),
        sorted(wait_s for each in done for wait_s in each.waits_s),
        sum(each.missing for each in done),
        sum(each.again for each in done),
        sum(each.sent for each in done),
        {code: seq for each in done for code, seq in each.durable.items()},
    )


def _tell(process: Process, given: msgspec.Struct) -> None:
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(given) + b"\n")
    process.stdin.flush()


@contextmanager
def crowds(given: Host, pairs: dict[str, KeyPair], processes: int = 2) -> Iterator[list[Process]]:
    """The poles, in processes that share them evenly; they end with the context."""
    poles = [LoadPole(code, pair.public.decode(), pair.secret.decode()) for code, pair in pairs.items()]
    running = [started(CROWD, Crowd(given.address, given.public, poles[n::processes])) for n in range(processes)]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


def storm_rows(most: int = POLES) -> Iterator[Row]:
    """Memory by count, then the storm."""
    server = new_key_pair()
    pairs = {f"410105-LP-{number:06d}": new_key_pair() for number in range(1, most + 1)}
    allowed = {pair.public.decode(): code for code, pair in pairs.items()}
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "store.db")
        given = Host("tcp://127.0.0.1:0", store, server.public.decode(), server.secret.decode(), allowed)
        gateway = serving(given)
        try:
            with crowds(given, pairs) as running:
                yield from _memory(gateway, running, most)
                since_s = wall_s()
                gateway.kill()
                gateway.wait()
                gateway = serving(given)
                step = Step(upto=most, over_s=RETURN_S, since_s=since_s, lasts_s=EVERY_S, anew=True)
                done = played(running, step)
        finally:
            gateway.kill()
            gateway.wait()
        stored = run(lambda clock: _stored(clock, Path(store)), real_tempo())
    lost = sum(1 for code, seq in done.durable.items() if stored.get(code, 0) < seq)
    yield from _storm(done, lost, most)


def _memory(gateway: Process, running: Sequence[Process], most: int) -> Iterator[Row]:
    held = [(0, rss_kb(gateway))]
    for count in (count * most // POLES for count in COUNTS):
        over_s = (count - held[-1][0]) / CALLED_PER_S
        step = Step(upto=count // len(running), over_s=over_s, since_s=wall_s(), lasts_s=EVERY_S)
        done = played(running, step)
        held.append((count - done.missing, rss_kb(gateway)))
    yield Row(name="connections that those poles had to make anew", value=done.again, unit="")
    slope_kb, _ = linear_regression([count for count, _ in held[1:]], [kb for _, kb in held[1:]])
    yield Row(
        name=f"CURVE connections at once in one process, each reporting every {EVERY_S:.0f} s",
        value=held[-1][0],
        unit="poles",
        goal=most,
        better="higher",
    )
    yield Row(name=f"memory of the gateway with {held[-1][0]} poles", value=held[-1][1] / 1024.0, unit="MB")
    yield Row(name="memory for each further pole", value=slope_kb, unit="kB")
    city_gb = (held[0][1] + slope_kb * CITY) / 1024.0**2
    yield Row(name=f"memory for {CITY} poles by that slope", value=city_gb, unit="GB", goal=CITY_GB)


def _storm(done: Done, lost: int, most: int) -> Iterator[Row]:
    name = f"{most} poles call within {RETURN_S:.0f} s of a kill"
    yield Row(name=f"{name}: reports lost", value=lost, unit="", goal=0.0)
    yield Row(name=f"{name}: poles that did not come", value=done.missing, unit="", goal=0.0)
    for share in (50, 99, 100):
        place = min(len(done.first_s) * share // 100, len(done.first_s) - 1)
        yield Row(name=f"{name}: first report durable after the kill, p{share}", value=done.first_s[place], unit="s")
    for share in (50, 99, 100):
        place = min(len(done.waits_s) * share // 100, len(done.waits_s) - 1)
        yield Row(name=f"{name}: first report durable after its call, p{share}", value=done.waits_s[place], unit="s")


async def _stored(clock: Clock, path: Path) -> dict[str, int]:
    """The last durable number of each pole; the store itself refuses to hold one number twice."""
    async with open_store(path, clock.utc_s) as store:
        return {code: max(boots.values()) for code, boots in store.poles_stored().items()}
