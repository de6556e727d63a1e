"""The Python agent as a client under test: a lamp and a wind sensor, told by the environment of §13.3."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import zmq.asyncio

from airspace.frames import LatLon
from airspace.reasons import Refused
from controller.clock import Clock, fresh_seed, run
from poles.agent.agent import PoleAgent
from poles.agent.flash import FileFlash
from poles.agent.ring import SMALLEST_BYTES, Ring
from poles.keys.enrolling import enrol
from poles.keys.pairs import load_key_pair, new_key_pair, save_key_pair
from poles.protocol.enrolment import KnownGateway
from poles.services.lamp import Lamp, Pattern
from poles.services.weather import Weather
from poles.wire.connection import Connection, CurveConnection
from poles.wire.lines import SocketLine


class Light:
    """A lamp that shines for nobody."""

    def light(self, pattern: Pattern, level_pct: float) -> None:
        """Give this light."""


class InTurn:
    """The gateways that enrolment told of: the next one each time."""

    def __init__(self, connections: list[CurveConnection]) -> None:
        self._connections = connections
        self._next = 0

    def open(self, code: str) -> SocketLine:
        connection = self._connections[self._next % len(self._connections)]
        self._next += 1
        return connection.open(code)


def agent_of(
    environment: Mapping[str, str],
    connection: Connection,
    utc_s: Callable[[], float],
    rng: random.Random,
    ring: Ring | None = None,
) -> PoleAgent:
    """The agent as the environment wants it."""
    weather = Weather()
    agent = PoleAgent(
        environment["BEICHEN_CODE"],
        [weather, Lamp(Light())],
        connection,
        position=LatLon(34.75, 113.6),
        utc_s=utc_s,
        rng=rng,
        report_every_s=float(environment["BEICHEN_REPORT_S"]),
        heartbeat_every_s=float(environment["BEICHEN_HEARTBEAT_S"]) / 1.25,
        outbox_capacity=int(environment["BEICHEN_CAPACITY"]),
        ring=ring,
    )
    weather.sample_wind(3.0, 4.0)
    return agent


async def _connection(context: zmq.asyncio.Context) -> Connection:
    file, code = Path(os.environ["BEICHEN_KEY_FILE"]), os.environ["BEICHEN_CODE"]
    if "BEICHEN_DESK" not in os.environ:
        gateways = [(os.environ["BEICHEN_ENDPOINT"], os.environ["BEICHEN_SERVER_KEY"])]
    else:
        save_key_pair(file, new_key_pair())
        desk = KnownGateway(address=os.environ["BEICHEN_DESK"], public_key=os.environ["BEICHEN_DESK_KEY"])
        told = await enrol(context, desk, code, os.environ["BEICHEN_TOKEN"], load_key_pair(file))
        gateways = [(gateway.address, gateway.public_key) for gateway in told.gateways]
    pair = load_key_pair(file)
    return InTurn([CurveConnection(context, address, pair, key.encode()) for address, key in gateways])


async def main(clock: Clock) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    context = zmq.asyncio.Context()
    capacity = int(os.environ["BEICHEN_CAPACITY"])
    ring = None
    if capacity >= 1000:
        ring = Ring.open(FileFlash.open(Path(os.environ["BEICHEN_RING"]), SMALLEST_BYTES))
    rng = random.Random("-".join(str(fresh_seed()) for _ in range(4)))
    agent = agent_of(os.environ, await _connection(context), clock.utc_s, rng, ring)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(agent.run())
        await stop.wait()
        await agent.leave("shutdown")
        await running
    context.destroy(linger=0)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(run(main))
    except Refused as refused:
        sys.exit(str(refused))
