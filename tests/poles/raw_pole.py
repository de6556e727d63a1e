"""A pole that a test drives word by word, and the things every gateway test needs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import zmq.asyncio

from controller.clock import Clock
from poles.gateway import GatewayNeeds
from poles.gateway.flow import Said
from poles.protocol import (
    VERSION,
    AnyMessage,
    Capability,
    Hello,
    OfEntries,
    Reading,
    Report,
    decode,
    encode,
    numbers_of,
)
from poles.wire.connection import Connection
from poles.wire.lines import Line

M = TypeVar("M")

CODE = "410105-LP-000001"
OTHER_CODE = "410105-LP-000002"
WEATHER = {"precipitationRate": 3.0}


def hello(code: str = CODE, boot: str = "b1", **changes: Any) -> Hello:
    fields: dict[str, Any] = {
        "version": VERSION,
        "code": code,
        "boot": boot,
        "firmware": "test/1",
        "functions": (Capability(function="PrecipitationSensor", every_s=60.0),),
        "lat_deg": 34.75,
        "lon_deg": 113.6,
    }
    return Hello(**(fields | changes))


def reading(seq: int, **changes: Any) -> Reading:
    fields: dict[str, Any] = {
        "seq": seq,
        "at_s": 1779066000.0,
        "held_s": 0.0,
        "function": "PrecipitationSensor",
        "values": WEATHER,
    }
    return Reading(**(fields | changes))


def report(seq: int, boot: str = "b1", after: int | None = None, **changes: Any) -> Report:
    """A report of one reading."""
    return Report(boot=boot, after=seq - 1 if after is None else after, readings=(reading(seq, **changes),))


class Store:
    """Stands for the controller's store: what a gateway was told is durable, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Hello | OfEntries]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, batch: Sequence[Said]) -> None:
        await self.open.wait()
        for said in batch:
            assert decode(said.body) == said.message
        self.told += [(said.code, said.message) for said in batch]

    def reports(self, code: str = CODE) -> list[Report]:
        return [m for c, m in self.told if c == code and isinstance(m, Report)]

    def readings(self, code: str = CODE) -> list[Reading]:
        return [reading for report in self.reports(code) for reading in report.readings]

    def numbers(self, code: str = CODE) -> list[int]:
        """The numbers of all entries of a pole, readings and others."""
        return [n for c, m in self.told if c == code and not isinstance(m, Hello) for n in numbers_of(m)]

    def durable(self) -> Mapping[str, Mapping[str, int]]:
        stored: dict[str, dict[str, int]] = {}
        for code, message in self.told:
            if not isinstance(message, Hello):
                stored.setdefault(code, {})[message.boot] = numbers_of(message)[-1]
        return stored


class RawPole:
    """A line with the protocol's words and nothing that the agent does by itself."""

    def __init__(self, line: Line) -> None:
        self.line = line

    async def say(self, *messages: AnyMessage) -> None:
        for message in messages:
            await self.say_raw(encode(message))

    async def say_raw(self, body: bytes) -> None:
        """Say these bytes, as soon as there is room for them."""
        while not self.line.send(body):  # noqa: ASYNC110 - a line does not tell when there is room again
            await asyncio.sleep(0.001)

    async def hear(self, within_s: float = 5.0) -> AnyMessage | None:
        """The next message, None when there is none in time."""
        try:
            async with asyncio.timeout(within_s):
                return decode(await self.line.receive())
        except TimeoutError:
            return None

    async def expect(self, kind: type[M], within_s: float = 5.0) -> M:
        message = await self.hear(within_s)
        assert isinstance(message, kind), message
        return message


@asynccontextmanager
async def raw_pole(connection: Connection, code: str = CODE) -> AsyncIterator[RawPole]:
    line = connection.open(code)
    try:
        yield RawPole(line)
    finally:
        line.close()


@asynccontextmanager
async def zmq_context() -> AsyncIterator[zmq.asyncio.Context]:
    context = zmq.asyncio.Context()
    try:
        yield context
    finally:
        context.term()


def gateway_needs(clock: Clock, store: Store, **more: Any) -> GatewayNeeds:
    needs = {"keep": store, "utc_s": clock.utc_s, "rng": random.Random(1), "stored": store.durable()} | more
    return cast("GatewayNeeds", needs)
