"""A pole that floods is slowed and named, one that never reads holds nobody up: neighbours hardly notice either."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles

import pytest

from controller.clock import Clock, cpu_s, run, virtual_tempo, wall_s
from poles.gateway import Gateway
from poles.gateway.flow import BURST_BYTES, BYTES_PER_S, SEVERAL_FRAMES_COST_BYTES, WAITING_PER_POLE, Said
from poles.protocol import Ack, Heartbeat, Welcome, encode
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange, SocketLine
from tests.poles.raw_pole import CODE, OTHER_CODE, RawPole, Store, gateway_needs, hello, raw_pole, report
from tests.poles.town import Town, in_town

QUIET_S = 0.5
NOISY_S = 1.5
# A neighbour's report may wait for a turn of the flooder's messages and no longer. It is counted in CPU of this
# process, which is the gateway's and the neighbour's: a busy machine stretches seconds, and hides with them who waits
# for whom.
TIMES_BEFORE = 5.0
TURN_CPU_S = 0.05
DISK_BYTES_PER_S = 20e6
LONG = {"text": "x" * 1000}

# arguments: address, public and secret key of the pole, the gateway's key, the code, what to do; until it is killed
FLOODER = """
import sys
import time
import zmq
from poles.protocol import Heartbeat, Reading, Report, TimeRequest, encode
from tests.poles.raw_pole import hello

def said(what):
    seq = 0
    while True:
        seq += 1
        if what == "reports":
            values = {"wind_mean_mps": 3.0, "text": "x" * 1000}
            reading = Reading(seq=seq, at_s=1779066000.0, held_s=0.0, function="weather", values=values)
            yield [encode(Report(boot="b1", after=seq - 1, readings=(reading,)))]
        else:
            yield SAID[what]

SAID = {
    "heartbeats": [encode(Heartbeat())],
    "empty messages": [b""],
    "messages of many frames": [b"x" * 100] * 20,
    "never read": [encode(TimeRequest(pole_s=1.0))],
}
address, public, secret, server, code, what = sys.argv[1:]
context = zmq.Context()
socket = context.socket(zmq.DEALER)
socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = (k.encode() for k in (public, secret, server))
socket.linger, socket.rcvhwm, socket.sndhwm = 0, 1, 1000
socket.connect(address)
socket.send(encode(hello(code)))
print("begins", flush=True)
for frames in said(what):
    while what != "never read" and socket.poll(0):
        socket.recv()
    try:
        socket.send_multipart(frames, zmq.NOBLOCK)
    except zmq.Again:
        time.sleep(0.0005)
"""


@asynccontextmanager
async def flooder(town: Town, what: str) -> AsyncIterator[None]:
    """A pole in a process of its own that sends as fast as it can."""
    pair = town.keys[OTHER_CODE]
    keys = (half.decode() for half in (pair.public, pair.secret, town.server.public))
    arguments = [town.gateway.address, *keys, OTHER_CODE, what]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FLOODER, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"begins\n"
        yield
        assert process.returncode is None
    finally:
        process.kill()
        await process.communicate()


@dataclass
class Waits:
    """From a neighbour's report to its acknowledgement, each: what passed, and what this process did meanwhile [s]."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        ordered = sorted(self.wall_s)
        half, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        shown = f"{len(ordered):5} reports, p50 {1000 * half:6.1f} ms, p99 {1000 * late:6.1f} ms"
        return f"{shown}; CPU p90 {1000 * self.late_cpu_s:5.1f} ms"

    @property
    def late_cpu_s(self) -> float:
        """CPU that nine of ten did not see more of."""
        return quantiles(self.cpu_s, n=10)[-1]


async def waited(town: Town, first: int, seconds: float) -> Waits:
    """What a neighbour waits, for some time."""
    found = Waits()
    async with town.pole() as neighbour:
        await neighbour.say(hello(CODE))
        await neighbour.expect(Welcome)
        end_s, seq = wall_s() + seconds, first
        while wall_s() < end_s or len(found.wall_s) < 20:
            begun_s, spent_s = wall_s(), cpu_s()
            await neighbour.say(report(seq))
            while (await neighbour.expect(Ack)).durable_seq < seq:
                pass
            found.wall_s.append(wall_s() - begun_s)
            found.cpu_s.append(cpu_s() - spent_s)
            seq += 1
            await asyncio.sleep(0.01)
    return found


def hardly_notice(before: Waits, during: Waits) -> bool:
    return during.late_cpu_s <= TIMES_BEFORE * before.late_cpu_s + TURN_CPU_S


@pytest.mark.parametrize("what", ["reports", "heartbeats", "empty messages", "messages of many frames"])
def test_a_pole_that_floods_is_slowed_and_named_and_its_neighbours_keep_their_latency(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @in_town
    async def talk(town: Town) -> None:
        before, begun_s = await waited(town, 1, QUIET_S), wall_s()
        async with flooder(town, what):
            during = await waited(town, len(before.wall_s) + 1, NOISY_S)
            async with asyncio.timeout(60.0):  # a loaded machine may take long to flood
                while not town.gateway.statistics().get("floods"):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        with capsys.disabled():
            print("", f"{'a neighbour before':42}{before}", f"{'beside a flood of ' + what:42}{during}", sep="\n")  # noqa: T201 - to be compared
        flooding = [alarm.subject for alarm in town.gateway.supervision.alarms if alarm.code == "pole.flooding"]
        assert flooding == [OTHER_CODE]
        stored = sum(len(str(reading.values)) for reading in town.store.readings(OTHER_CODE))
        assert stored < 2 * BURST_BYTES + (wall_s() - begun_s) * BYTES_PER_S
        assert hardly_notice(before, during)
        sent = len(before.wall_s) + len(during.wall_s)
        assert [reading.seq for reading in town.store.readings(CODE)] == list(range(1, sent + 1))

    talk()


class Disk(Store):
    """A store that takes its time for every byte."""

    async def __call__(self, batch: Sequence[Said]) -> None:
        await asyncio.sleep(sum(len(said.body) for said in batch) / DISK_BYTES_PER_S)
        await super().__call__(batch)


async def longest_wait(neighbour: RawPole, first: int, count: int) -> float:
    """The longest wait of a neighbour for an acknowledgement [s]."""
    loop, longest_s = asyncio.get_running_loop(), 0.0
    for seq in range(first, first + count):
        begun_s = loop.time()
        await neighbour.say(report(seq))
        while (await neighbour.expect(Ack)).durable_seq < seq:
            pass
        longest_s = max(longest_s, loop.time() - begun_s)
        await asyncio.sleep(0.01)
    return longest_s


async def bring_more_than_the_disk_takes(exchange: Exchange, sent: list[int]) -> None:
    line = exchange.call(OTHER_CODE)
    line.send(encode(hello(OTHER_CODE)))
    for seq in itertools.count(1):
        while not line.send(encode(report(seq, values=LONG))):
            await asyncio.sleep(0.001)
            if line.gateway is not None and line.route not in line.gateway.lines:  # it was cut off
                line = exchange.call(OTHER_CODE)
                line.send(encode(hello(OTHER_CODE)))
        sent.append(seq)


def test_however_much_one_pole_brings_its_neighbour_waits_for_one_full_queue_of_it_twice_at_most() -> None:
    async def talk(clock: Clock) -> None:
        exchange, disk, sent = Exchange(), Disk(), list[int]()
        async with (
            Gateway.memory(exchange, **gateway_needs(clock, disk)) as gateway,
            raw_pole(MemoryConnection(exchange), CODE) as neighbour,
        ):
            await neighbour.say(hello())
            await neighbour.expect(Welcome)
            before_s = await longest_wait(neighbour, 1, 50)
            flooding = asyncio.create_task(bring_more_than_the_disk_takes(exchange, sent))
            during_s = await longest_wait(neighbour, 51, 100)
            flooding.cancel()
            assert gateway.flooding == (OTHER_CODE,)
        assert len(sent) > 20 * WAITING_PER_POLE  # what first come, first served would make it wait for
        full_queue_s = WAITING_PER_POLE * len(encode(report(1, values=LONG))) / DISK_BYTES_PER_S
        assert during_s < before_s + 2.5 * full_queue_s

    run(talk, virtual_tempo())


@in_town
async def test_messages_of_several_frames_are_a_flood_too(town: Town) -> None:
    async with town.welcomed() as pole:
        assert isinstance(pole.line, SocketLine)
        for _ in range(BURST_BYTES // SEVERAL_FRAMES_COST_BYTES + 1):
            await pole.line.socket.send_multipart([b"a", b"b"])
        async with asyncio.timeout(5.0):
            while town.gateway.flooding != (CODE,):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)


def test_a_pole_that_never_reads_holds_nobody_up_and_nothing_piles_up_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @in_town
    async def talk(town: Town) -> None:
        before = await waited(town, 1, QUIET_S)
        async with flooder(town, "never read"):
            during = await waited(town, len(before.wall_s) + 1, NOISY_S)
            async with asyncio.timeout(60.0):
                while not town.gateway.statistics().get("not_sent"):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        with capsys.disabled():
            print("", f"{'a neighbour before':42}{before}", f"{'beside a deaf pole':42}{during}", sep="\n")  # noqa: T201 - to be compared
        assert hardly_notice(before, during)
        async with town.welcomed() as neighbour:
            await neighbour.say(Heartbeat())
            assert await neighbour.hear() == Heartbeat()

    talk()
