"""A controller that a test plays by hand against a pole's agent, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from airspace.frames import LatLon
from controller.clock import Clock, run, virtual_tempo
from poles.agent import HEARTBEAT_S, PoleAgent
from poles.agent.ring import Ring
from poles.agent.settings import SettingsStore
from poles.protocol import Ack, AnyMessage, Command, Hello, Report, Welcome, decode, encode
from poles.services.lamp import Lamp, Pattern
from poles.services.weather import Weather
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Body, Exchange, MemoryGateway
from sim.flash import SimFlash
from tests.poles.raw_pole import CODE

M = TypeVar("M")

FUNCTIONS = [
    "WindSensor", "PrecipitationSensor", "AtmosphericSensor", "VisibilitySensor", "LampActuator", "LampMonitor",
]  # fmt: skip


class Light:
    def __init__(self) -> None:
        self.shown: list[Pattern] = []

    def light(self, pattern: Pattern, level_pct: float) -> None:
        self.shown.append(pattern)


class SlowLamp(Lamp):
    """A lamp whose orders take 3 s."""

    def begin(self, function: str, action: str, parameters: Any) -> Awaitable[None] | None:  # type: ignore[override]
        super().begin(function, action, parameters)
        return asyncio.sleep(3.0)


def welcome(boot: str, durable_seq: int = 0) -> Welcome:
    return Welcome(version=1, boot=boot, durable_seq=durable_seq, window=64, utc_s=1779066000.0)


def ack(boot: str, durable_seq: int) -> Ack:
    return Ack(boot=boot, durable_seq=durable_seq, window=64)


async def acknowledge(controller: Controller, boot: str, seq: int) -> None:
    await controller.say(ack(boot, seq))


def functions(report: Report) -> set[str]:
    return {reading.function for reading in report.readings}


@dataclass
class Controller:
    """A gateway that a test plays, a pole's agent that talks to it, and what the pole said beside the heartbeats."""

    clock: Clock
    agent: PoleAgent
    light: Light
    heard: list[AnyMessage] = field(default_factory=list)
    said: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    route: bytes = b""  # of the pole's last word
    lines: MemoryGateway | None = None
    running: asyncio.Task[None] | None = None

    def listen(self, exchange: Exchange) -> None:
        self.lines = exchange.listen(self._take)

    def _take(self, code: str | None, route: bytes, body: Body | None) -> None:
        assert code == CODE
        assert body is not None
        self.route = route
        self.said.put_nowait(bytes(body))

    async def hear(self, kind: type[M], within_s: float = 60.0) -> M:
        """The next message of a kind; others are kept in `heard`."""
        async with asyncio.timeout(within_s):
            while True:
                message = decode(await self.said.get())
                assert message is not None
                if isinstance(message, kind):
                    return message
                self.heard.append(message)

    async def hear_one_of(self, *kinds: type[AnyMessage], within_s: float = 60.0) -> Any:
        """The next message of any of these kinds."""
        async with asyncio.timeout(within_s):
            while not isinstance(message := await self.hear(object), kinds):
                self.heard.append(message)  # type: ignore[arg-type]
        return message

    async def say(self, message: AnyMessage) -> None:
        await self.say_raw(encode(message))

    async def say_raw(self, body: bytes) -> None:
        assert self.lines is not None
        assert self.lines.send(self.route, body)
        await asyncio.sleep(0)

    async def welcome(self, durable_seq: int = 0, utc_s: float | None = None) -> Hello:
        hello = await self.hear(Hello)
        told = welcome(hello.boot, durable_seq)
        await self.say(msgspec.structs.replace(told, utc_s=self.clock.utc_s() if utc_s is None else utc_s))
        return hello

    def order(self, action: str = "override", **changes: Any) -> Command:
        fields: dict[str, Any] = {
            "id": "c1",
            "function": "LampActuator",
            "action": action,
            "parameters": {"pattern": "landing"},
        }
        return Command(**(fields | {"expires_s": self.clock.utc_s() + 10.0} | changes))


@asynccontextmanager
async def playing(
    clock: Clock,
    *,
    lamp: type[Lamp] = Lamp,
    report_every_s: float = 5.0,
    heartbeat_every_s: float = HEARTBEAT_S,
    utc_s: Callable[[], float] | None = None,
    flash: SimFlash | None = None,
    settings: SettingsStore | None = None,
    boot: int = 1,
) -> AsyncIterator[Controller]:
    """A pole that runs, with `utc_s` as its clock and a ring on `flash`; leaving is as a power cut."""
    light = Light()
    exchange = Exchange()
    agent = PoleAgent(
        CODE,
        [Weather(), lamp(light)],
        MemoryConnection(exchange),
        position=LatLon(34.75, 113.6),
        utc_s=utc_s or clock.utc_s,
        rng=random.Random(boot),
        report_every_s=report_every_s,
        heartbeat_every_s=heartbeat_every_s,
        ring=Ring.open(flash) if flash is not None else None,
        settings=settings,
    )
    controller = Controller(clock, agent, light)
    controller.listen(exchange)
    async with asyncio.TaskGroup() as tasks:
        controller.running = running = tasks.create_task(agent.run())
        yield controller
        running.cancel()
    if flash is not None:
        flash.lose_power(random.Random(boot))


def played(test: Callable[[Controller], Coroutine[None, None, None]]) -> Callable[[], None]:
    async def main(clock: Clock) -> None:
        async with playing(clock) as controller:
            await test(controller)

    def wrapped() -> None:
        run(main, virtual_tempo())

    wrapped.__name__ = test.__name__
    return wrapped
