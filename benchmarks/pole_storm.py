"""10,000 poles at one gateway: the memory and the CPU for each, and their return after it was killed.

Poles and gateway share the machine here, so what the poles' own side costs is told beside what the gateway's does: on
two cores nothing can be back before both are done with their half of 10,000 handshakes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import linear_regression
from typing import NamedTuple

import msgspec

from benchmarks.pole_crowd import CROWD, EVERY_S, FILES_EACH, GATEWAY, Crowd, Done, Host, Step
from benchmarks.pole_load import LoadPole
from benchmarks.rows import Row
from controller.clock import Clock, real_tempo, run, wall_s
from controller.store import open_store
from poles.keys import KeyPair, new_key_pair
from poles.wire.files import allow_files

POLES = 10_000
COUNTS = (2_500, 5_000, 7_500, 10_000)
CALLED_PER_S = 250.0  # while memory is measured
SETTLES_S = 2.0
# A queue of libzmq holds 256 messages in a piece of memory and keeps one piece to spare: after two rounds it has grown.
ROUND = 600
FEW = 250  # poles of each crowd that go so far
RETURN_S = 10.0  # goal
CITY, CITY_GB = 100_000, 8.0  # goal
CROWDS = 2
PYTHON = (sys.executable, "-m", "benchmarks.pole_crowd")
ZMQ_THREAD = "ZMQbg/IO"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
Process = subprocess.Popen[bytes]


def rss_kb(process: Process) -> int:
    """Memory that a process holds now [kB]."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


def spent_s(process: Process, threads: str = "") -> float:
    """CPU of a process so far, or of its threads whose name begins so [s]."""
    ticks = 0
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        name, _, fields = (thread / "stat").read_text(encoding="ascii").partition("(")[2].rpartition(")")
        if name.startswith(threads):
            ticks += sum(int(field) for field in fields.split()[11:13])
    return ticks / TICKS_PER_S


def started(role: str, given: msgspec.Struct) -> Process:
    """A process in its role, with what it is given."""
    process = subprocess.Popen([*PYTHON, role], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    _tell(process, given)
    return process


def serving(given: Host) -> Process:
    """A gateway that listens."""
    process = started(GATEWAY, given)
    given.address = _answer(process).decode().strip()
    return process


def played(crowds: Sequence[Process], step: Step, meanwhile: Callable[[], None] = lambda: None) -> Done:
    """What became of a step in all crowds, which play it at the same time."""
    for crowd in crowds:
        _tell(crowd, step)
    meanwhile()
    done = [msgspec.json.decode(_answer(crowd), type=Done) for crowd in crowds]
    return Done(
        sorted(first_s for each in done for first_s in each.first_s),
        sum(each.missing for each in done),
        sum(each.again for each in done),
        sum(each.spent_s for each in done),
        {code: seq for each in done for code, seq in each.durable.items()},
    )


def _tell(process: Process, given: msgspec.Struct) -> None:
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(given) + b"\n")
    process.stdin.flush()


def _answer(process: Process) -> bytes:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a process of the benchmark ended with {process.wait()}")
    return line


@contextmanager
def crowds(given: Host, pairs: dict[str, KeyPair]) -> Iterator[list[Process]]:
    """The poles, in processes that share them evenly; they end with the context."""
    poles = [LoadPole(code, pair.public.decode(), pair.secret.decode()) for code, pair in pairs.items()]
    running = [started(CROWD, Crowd(given.address, given.public, poles[n::CROWDS])) for n in range(CROWDS)]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


def storm_rows(most: int = POLES) -> Iterator[Row]:
    """Memory by count, what they cost while they stay, then the storm. Raises Refused for want of open files."""
    allow_files(most // CROWDS, at_each=FILES_EACH)
    server = new_key_pair()
    pairs = {f"410105-LP-{number:06d}": new_key_pair() for number in range(1, most + 1)}
    allowed = {pair.public.decode(): code for code, pair in pairs.items()}
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.db"
        given = Host("tcp://127.0.0.1:0", str(store), server.public.decode(), server.secret.decode(), allowed)
        gateways = [serving(given)]
        try:
            with crowds(given, pairs) as running:
                yield from _memory(gateways[0], running, most)
                storm = _storm(gateways, given, running, most)
        finally:
            gateways[-1].kill()
            gateways[-1].wait()
        stored = run(lambda clock: _stored(clock, store), real_tempo())
    lost = sum(1 for code, seq in storm.done.durable.items() if stored.get(code, 0) < seq)
    yield from _storm_rows(storm, lost, most)


def _memory(gateway: Process, running: Sequence[Process], most: int) -> Iterator[Row]:
    held = [(0, rss_kb(gateway))]
    for count in (count * most // POLES for count in COUNTS):
        over_s = (count - held[-1][0]) / CALLED_PER_S
        done = played(running, Step(count // CROWDS, wall_s(), over_s, lasts_s=SETTLES_S))
        held.append((count - done.missing, rss_kb(gateway)))
    came = held[-1][0]
    before_s, since_s = spent_s(gateway), wall_s()
    done = played(running, Step(most // CROWDS, wall_s(), lasts_s=EVERY_S))
    busy = (spent_s(gateway) - before_s) / (wall_s() - since_s)
    yield Row(
        name=f"CURVE connections at once in one process, each reporting every {EVERY_S:.0f} s",
        value=came - done.missing,
        unit="poles",
        goal=most,
        better="higher",
    )
    yield Row(name="connections that those poles had to make anew", value=done.again, unit="")
    yield Row(name=f"CPU of the gateway with {came} poles", value=100.0 * busy, unit="% of a core")
    slope_kb, _ = linear_regression([count for count, _ in held[1:]], [kb for _, kb in held[1:]])
    few = min(FEW, most // CROWDS)
    before_kb = rss_kb(gateway)
    played(running, Step(few, wall_s(), beats=ROUND))
    grown_kb = (rss_kb(gateway) - before_kb) / (few * CROWDS)
    yield Row(name=f"memory of the gateway with {came} poles", value=held[-1][1] / 1024.0, unit="MB")
    yield Row(name="memory for each further pole that has just come", value=slope_kb, unit="kB")
    yield Row(name=f"and after {ROUND} messages each way: libzmq's queues are full-grown", value=grown_kb, unit="kB")
    city_gb = (held[0][1] + (slope_kb + grown_kb) * CITY) / 1024.0**2
    yield Row(name=f"memory for {CITY} poles by these, full-grown", value=city_gb, unit="GB", goal=CITY_GB)


class Storm(NamedTuple):
    """What became of it, when the new gateway listened, and its CPU since: all of it, and of libzmq's own thread."""

    done: Done
    listens_s: float
    gateway_s: float
    handshakes_s: float


def _storm(gateways: list[Process], given: Host, running: Sequence[Process], most: int) -> Storm:
    """Kill the gateway and start another; it is put behind the old one."""
    since_s = wall_s()
    listened: list[tuple[float, float]] = []

    def restart() -> None:
        gateways[-1].kill()
        gateways[-1].wait()
        gateways.append(serving(given))
        listened.append((wall_s() - since_s, spent_s(gateways[-1])))

    done = played(running, Step(most // CROWDS, since_s), restart)
    [(listens_s, before_s)] = listened
    return Storm(done, listens_s, spent_s(gateways[-1]) - before_s, spent_s(gateways[-1], ZMQ_THREAD))


def _storm_rows(storm: Storm, lost: int, most: int) -> Iterator[Row]:
    done, name = storm.done, f"{most} poles come back by themselves after a kill"
    yield Row(name=f"{name}: reports lost", value=lost, unit="", goal=0.0)
    yield Row(name=f"{name}: poles that did not come", value=done.missing, unit="", goal=0.0)
    yield Row(name=f"{name}: the new gateway listens after", value=storm.listens_s, unit="s")
    for share in (50, 99, 100):
        place = min(len(done.first_s) * share // 100, len(done.first_s) - 1)
        goal = RETURN_S if share == 100 else None
        yield Row(name=f"{name}: first new report durable, p{share}", value=done.first_s[place], unit="s", goal=goal)
    came = len(done.first_s)
    yield Row(name=f"{name}: CPU of the gateway for each", value=storm.gateway_s / came * 1e3, unit="ms")
    yield Row(name=f"{name}: of it for CURVE and TCP", value=storm.handshakes_s / came * 1e3, unit="ms")
    yield Row(name=f"{name}: CPU of the poles' side for each", value=done.spent_s / came * 1e3, unit="ms")


async def _stored(clock: Clock, path: Path) -> dict[str, int]:
    """The last durable number of each pole; the store itself refuses to hold one number twice."""
    async with open_store(path, clock.utc_s) as store:
        return {code: max(boots.values()) for code, boots in store.poles_stored().items()}
