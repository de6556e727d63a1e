"""A gateway that watches raw poles in virtual time, its store, and what it told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from controller.clock import Clock, run, virtual_tempo
from poles.gateway import Gateway
from poles.gateway.alarms import Told
from poles.gateway.memory import Remembered
from poles.gateway.notes import AnyNote
from poles.protocol import Alarm, Capability, Heartbeat, Hello, Reported, Welcome
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from tests.poles.raw_pole import CODE, RawPole, Store, gateway_needs, hello, raw_pole

HEARTBEAT_S = 5.0
WIND = Capability(function="WindSensor", every_s=10.0)
AT: dict[str, Any] = {"after": 0, "at_s": 1779066000.0, "held_s": 0.0, "boot": "b1"}


class Journal(Store):
    """Stands for the controller's store, with the notes; what was told stands beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[Remembered] = []
        self.news: list[tuple[float, str, str, str]] = []

    delay_s = notes_delay_s = 0.0

    async def keep(self, batch: Sequence[Any]) -> None:
        await asyncio.sleep(self.delay_s)
        await self(batch)
        now_s = self.utc_s()
        kept = [said for said in batch if isinstance(said.message, Hello | Alarm | Reported)]
        self.history += [Remembered(now_s, said.code, said.message) for said in kept]

    async def keep_notes(self, notes: Sequence[AnyNote]) -> None:
        await self.open.wait()
        await asyncio.sleep(self.notes_delay_s)
        self.history += [Remembered(self.utc_s(), "", note) for note in notes]

    async def tell(self, told: Sequence[Told]) -> None:
        loop_s = asyncio.get_running_loop().time()
        self.news += [(loop_s, each.news.value, each.alarm.code, each.alarm.subject) for each in told]

    def said(self) -> list[tuple[str, str, str]]:
        return [(news, code, subject) for _, news, code, subject in self.news]

    utc_s: Callable[[], float]


class Scene:
    """A gateway with its store, and raw poles that a test lets speak."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.exchange, self.journal = clock, Exchange(), Journal()
        self.journal.utc_s = clock.utc_s

    def gateway(self, **more: Any) -> Gateway:
        needs = gateway_needs(
            self.clock,
            self.journal,
            keep=self.journal.keep,
            keep_notes=self.journal.keep_notes,
            tell_alarms=self.journal.tell,
            history=list(self.journal.history),
            **more,
        )
        return Gateway.memory(self.exchange, **needs)

    def pole(self, code: str = CODE) -> Any:
        return raw_pole(MemoryConnection(self.exchange), code)

    async def welcomed(self, pole: RawPole, code: str = CODE, **changes: Any) -> None:
        await pole.say(hello(code, heartbeat_s=HEARTBEAT_S, **({"functions": (WIND,)} | changes)))
        await pole.expect(Welcome)


def in_virtual_time(test: Callable[[Scene], Coroutine[None, None, None]]) -> Callable[[], None]:
    async def main(clock: Clock) -> None:
        await test(Scene(clock))

    def wrapped() -> None:
        run(main, virtual_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


async def beats(pole: RawPole, count: int, every_s: float = 4.0) -> None:
    for _ in range(count):
        await pole.say(Heartbeat())
        await asyncio.sleep(every_s)
