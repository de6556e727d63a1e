"""A pole that floods is slowed and named, one that never reads holds nobody up: neighbours hardly notice either."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from controller.clock import wall_s
from poles.gateway.flow import BURST_BYTES, SEVERAL_FRAMES_COST_BYTES
from poles.protocol import Ack, Heartbeat, Welcome
from poles.wire.lines import SocketLine
from tests.poles.raw_pole import CODE, OTHER_CODE, hello, report
from tests.poles.town import Town, in_town

QUIET_S = 1.0
NOISY_S = 2.5
# what a neighbour may wait when two cores are shared with the flooder itself and other tests
PATIENCE_S = 0.5

# arguments: address, public and secret key of the pole, the gateway's key, the code, what to do; until it is killed
FLOODER = """
import sys
import time
import zmq
from poles.protocol import Heartbeat, Reading, Report, TimeRequest, encode
from tests.poles.raw_pole import hello

address, public, secret, server, code, what = sys.argv[1:]
context = zmq.Context()
socket = context.socket(zmq.DEALER)
socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = (k.encode() for k in (public, secret, server))
socket.linger, socket.rcvhwm, socket.sndhwm = 0, 1, 1000
socket.connect(address)
socket.send(encode(hello(code)))
values = {"wind_mean_mps": 3.0, "text": "x" * 1000}
print("begins", flush=True)
seq = 0
while True:
    try:
        if what == "flood":
            seq += 1
            reading = Reading(seq=seq, at_s=1779066000.0, held_s=0.0, function="weather", values=values)
            socket.send(encode(Report(boot="b1", after=seq - 1, readings=(reading,))), zmq.NOBLOCK)
            while socket.poll(0):
                socket.recv()
        else:
            socket.send(encode(TimeRequest(pole_s=1.0)), zmq.NOBLOCK)
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


async def latencies(town: Town, first: int, seconds: float) -> list[float]:
    """From a neighbour's report to its acknowledgement [s], for some time."""
    found: list[float] = []
    async with town.pole() as neighbour:
        await neighbour.say(hello(CODE))
        await neighbour.expect(Welcome)
        end_s, seq = wall_s() + seconds, first
        while wall_s() < end_s:
            begun_s = wall_s()
            await neighbour.say(report(seq))
            while (await neighbour.expect(Ack)).durable_seq < seq:
                pass
            found.append(wall_s() - begun_s)
            seq += 1
            await asyncio.sleep(0.01)
    return found


def shown(what: str, waits: list[float]) -> str:
    ordered = sorted(waits)
    half, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"{what:28} {len(waits):5} reports, p50 {1000 * half:6.1f} ms, p99 {1000 * late:6.1f} ms"


def test_a_pole_that_floods_is_slowed_and_named_and_its_neighbours_keep_their_latency(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @in_town
    async def talk(town: Town) -> None:
        before, begun_s = await latencies(town, 1, QUIET_S), wall_s()
        async with flooder(town, "flood"):
            during = await latencies(town, len(before) + 1, NOISY_S)
            async with asyncio.timeout(20.0):  # a loaded machine may take long to flood
                while not town.gateway.statistics().get("floods"):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
        with capsys.disabled():
            print("", shown("a neighbour before", before), shown("and beside a flooder", during), sep="\n")  # noqa: T201 - to be compared
        flooding = [alarm.subject for alarm in town.gateway.supervision.alarms if alarm.code == "pole.flooding"]
        assert flooding == [OTHER_CODE]
        stored = sum(len(str(reading.values)) for reading in town.store.readings(OTHER_CODE))
        assert stored < 2 * 2**20 + (wall_s() - begun_s) * 2 * 256 * 1024  # burst and rate of its bucket
        assert sorted(during)[len(during) // 2] < PATIENCE_S
        assert [reading.seq for reading in town.store.readings(CODE)] == list(range(1, len(before) + len(during) + 1))

    talk()


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
        before = await latencies(town, 1, QUIET_S)
        async with flooder(town, "never read"):
            during = await latencies(town, len(before) + 1, NOISY_S)
        with capsys.disabled():
            print("", shown("a neighbour before", before), shown("and beside a deaf pole", during), sep="\n")  # noqa: T201 - to be compared
        assert town.gateway.statistics()["not_sent"] > 0
        assert sorted(during)[len(during) // 2] < PATIENCE_S
        async with town.welcomed() as neighbour:
            await neighbour.say(Heartbeat())
            assert await neighbour.hear() == Heartbeat()

    talk()
