"""A small scripted autopilot at MAVLink bytes: it answers what a test taught it and notes all that it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from controller.links.codec import Codec
from controller.links.drone import DroneLink
from controller.links.tlog import TlogWriter
from controller.links.transport import TransportClosed
from tests.controller.links.air import AirEnd, Faults, air

SYSTEM = 7
ZHENGZHOU = (347_500_000, 1_136_500_000)  # 1e-7 deg

Answer = Callable[[Any], None]


class Autopilot:
    """Sends as system 7, component 1 (or as anyone else with `say_as`); answers by message type."""

    def __init__(self, end: AirEnd) -> None:
        self.end = end
        self.received: list[Any] = []
        self.answers: dict[str, Answer] = {}
        self.mode = 0
        self.armed = False
        self.silent = False
        self._codec = Codec(source_system=SYSTEM, source_component=1)

    def say(self, message: Any) -> None:
        if not self.silent:
            self.end.send(self._codec.encode(message))

    def say_as(self, system: int, component: int, message: Any) -> None:
        self.end.send(Codec(source_system=system, source_component=component).encode(message))

    def heartbeat(self) -> None:
        self.say(heartbeat(self.mode, self.armed))

    def ack(self, command: int, result: int = 0, **fields: int) -> None:
        self.say(ack(command, result, **fields))

    def statustext(self, text: str, severity: int = 4) -> None:
        self.say(mavlink.MAVLink_statustext_message(severity, text.encode()))

    def on(self, message_type: str, answer: Answer) -> None:
        self.answers[message_type] = answer

    def got(self, message_type: str) -> list[Any]:
        return [message for message in self.received if message.get_type() == message_type]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat())
            tasks.create_task(self._answer())

    async def _beat(self) -> None:
        while not self.end.closed:
            self.heartbeat()
            await asyncio.sleep(1.0)

    async def _answer(self) -> None:
        while True:
            try:
                data = await self.end.receive()
            except TransportClosed:
                return
            for message in self._codec.feed(data):
                self.received.append(message)
                answer = self.answers.get(message.get_type())
                if answer is not None:
                    answer(message)


def heartbeat(mode: int = 0, armed: bool = False, *, kind: int = 2, autopilot: int = 3) -> Any:
    base_mode = 81 | (128 if armed else 0)
    return mavlink.MAVLink_heartbeat_message(kind, autopilot, base_mode, mode, 3, 3)


def ack(command: int, result: int = 0, *, target: int = 255, component: int = 190, progress: int = 0) -> Any:
    return mavlink.MAVLink_command_ack_message(command, result, progress, 0, target, component)


def position(relative_mm: int = 0, boot_ms: int = 60_000) -> Any:
    lat, lon = ZHENGZHOU
    return mavlink.MAVLink_global_position_int_message(
        boot_ms, lat, lon, 100_000 + relative_mm, relative_mm, 100, 0, -50, 9000
    )


def home() -> Any:
    lat, lon = ZHENGZHOU
    nan = float("nan")
    return mavlink.MAVLink_home_position_message(lat, lon, 100_000, 0, 0, 0, [nan] * 4, 0, 0, 0, 0)


@asynccontextmanager
async def connected(
    clock: Clock,
    faults: Faults | None = None,
    seed: int = 1,
    *,
    system_id: int | None = SYSTEM,
    tlog: TlogWriter | None = None,
) -> AsyncIterator[tuple[DroneLink, Autopilot]]:
    """A running link and the autopilot at its other end."""
    ours, theirs = air(faults, seed)
    autopilot = Autopilot(theirs)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(autopilot.run())
        async with DroneLink("D1", ours, clock, system_id=system_id, tlog=tlog) as link:
            yield link, autopilot
        running.cancel()


def in_virtual_time(
    test: Callable[[DroneLink, Autopilot], Awaitable[Any]], faults: Faults | None = None, seed: int = 1, **options: Any
) -> Any:
    """Run a test body against a scripted autopilot in virtual time."""

    async def main(clock: Clock) -> Any:
        async with connected(clock, faults, seed, **options) as (link, autopilot):
            await link.wait_for("a heartbeat", lambda state: state.heartbeats > 0, 30.0)
            return await test(link, autopilot)

    return run(main, virtual_tempo())
