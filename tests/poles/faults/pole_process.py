"""A pole with a ring file, as a process to be killed: FOLDER PORT SEED.

It writes what it made and what it was told into `journal`, each line before anybody else can know of it. Its clock
jumps by hours. At SIGTERM it says bye and ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from random import Random

import zmq.asyncio

from airspace.frames import LatLon
from controller.clock import Clock, run
from poles.agent import PoleAgent
from poles.agent import agent as retrying
from poles.agent.flash import FileFlash
from poles.agent.outbox import Outbox, Stream
from poles.agent.ring import SMALLEST_BYTES, Kind, Ring
from poles.keys import load_key_pair
from poles.protocol import Level
from poles.services.weather import Weather
from poles.wire.connection import CurveConnection
from tests.poles.raw_pole import CODE

JUMPS_S = (0.0, 5 * 3600.0, -7 * 3600.0)


def write_down(outbox: Outbox, journal: int) -> None:
    put, forget = outbox.put, outbox._forget

    def watched_put(kind: Kind, at_s: float, taken_s: float, body: bytes) -> int:
        os.write(journal, f"made {outbox.boot} {outbox.last_seq + 1} {body.hex()}\n".encode())
        return put(kind, at_s, taken_s, body)

    def watched_forget(stream: Stream, durable_seq: int) -> None:
        os.write(journal, f"told {stream.boot} {durable_seq}\n".encode())
        forget(stream, durable_seq)

    setattr(outbox, "put", watched_put)  # noqa: B010 - methods, replaced on purpose
    setattr(outbox, "_forget", watched_forget)  # noqa: B010 - the same


async def main(clock: Clock, folder: Path, port: int, seed: str) -> None:
    rng, jump_s = Random(seed), 0.0
    journal = os.open(folder / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    ring = Ring.open(FileFlash.open(folder / "ring", 16 * SMALLEST_BYTES))
    weather = Weather()
    server = load_key_pair(folder / "keys" / "gateway.key")
    context = zmq.asyncio.Context()
    agent = PoleAgent(
        CODE,
        [weather],
        CurveConnection(context, f"tcp://127.0.0.1:{port}", load_key_pair(folder / "keys" / "pole.key"), server.public),
        position=LatLon(34.7, 113.6),
        utc_s=lambda: clock.utc_s() + jump_s,
        rng=rng,
        report_every_s=0.1,
        heartbeat_every_s=1.0,
        ring=ring,
    )
    write_down(agent._outbox, journal)

    async def chat() -> None:
        nonlocal jump_s
        while True:
            await asyncio.sleep(rng.uniform(0.0, 0.05))
            agent.log(Level.INFO, f"line {rng.random()}")
            weather.sample_wind(rng.uniform(-9.0, 9.0), rng.uniform(-9.0, 9.0))
            if rng.random() < 0.1:
                agent.alarm("pole.tilt", rng.random() < 0.5, None, {"tilt_deg": rng.uniform(0.0, 20.0)})
            if rng.random() < 0.02:
                jump_s = rng.choice(JUMPS_S)

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with asyncio.TaskGroup() as tasks:
        running, chatting = tasks.create_task(agent.run()), tasks.create_task(chat())
        await stop.wait()
        chatting.cancel()
        while agent.unsent > 20:  # noqa: ASYNC110 - there is nothing that tells it
            await asyncio.sleep(0.01)
        await agent.leave("shutdown")
        await running
    ring.close()
    context.destroy(linger=0)


if __name__ == "__main__":
    setattr(retrying, "RETRY_MAX_S", 2.0)  # noqa: B010 - a trial has no minutes to wait for its pole
    run(lambda clock: main(clock, Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
