"""The controller that the kit plays: a listener, what it answers by itself, and what was said to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from airspace.reasons import Refused
from poles.conformance.watcher import Watcher
from poles.protocol import (
    VERSION,
    Ack,
    FromPole,
    Heartbeat,
    Hello,
    OfEntries,
    Refusal,
    Time,
    TimeRequest,
    ToPole,
    Welcome,
    encode,
    numbers_of,
)
from poles.wire.lines import Body
from poles.wire.listener import Listener

M = TypeVar("M", bound=FromPole)

REBIND_S = 5.0


@dataclass(slots=True)
class Manners:
    """What the stage does by itself; a trial changes it as it goes."""

    welcomes: bool = True
    takes: bool = True  # entries into its store
    acknowledges: bool = True
    answers: bool = True  # heartbeats and questions for the time
    window: int = 64
    ahead_s: float = 0.0  # of the right time, the stage's clock
    unknown: set[str] = field(default_factory=set)  # types that it pretends not to know


class Said(NamedTuple):
    """One message of the client: when, over which connection, and what."""

    at_s: float
    route: bytes
    message: FromPole


def nobody_is_sent_away(*_: object) -> None:
    """What hears of connections that the listener ended: here it ends none."""


class Stage:
    """An async context manager. `listen(address)` makes a listener at the address, the first time at `address`."""

    def __init__(
        self,
        listen: Callable[[str], Listener],
        address: str,
        utc_s: Callable[[], float],
        watch: Callable[[Callable[[], float]], Watcher],
    ) -> None:
        self.manners = Manners()
        self.said: list[Said] = []
        self.route = b""  # the latest connection
        self.address = address
        self._listen = listen
        self._utc_s = utc_s
        self.watcher = watch(self.utc_s)
        self._stored: dict[str, int] = {}  # boot -> highest number
        self._changed = asyncio.Event()
        self._listener: Listener | None = None
        self._serving: asyncio.Task[None] | None = None
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Stage:
        await self._tasks.__aenter__()
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
        await self._tasks.__aexit__(None, None, None)

    def utc_s(self) -> float:
        """The stage's clock."""
        return self._utc_s() + self.manners.ahead_s

    async def open(self) -> None:
        """Begin to listen, again where it listened before. Raises Refused."""
        until_s = asyncio.get_running_loop().time() + REBIND_S
        while True:
            listener = self._listen(self.address)
            try:
                listener.open(self._take, nobody_is_sent_away)
                break
            except Refused:
                if asyncio.get_running_loop().time() > until_s:
                    raise
                await asyncio.sleep(0.1)  # the system gives the port back a little later
        self._listener, self.address = listener, listener.address
        self._serving = self._tasks.create_task(listener.serve(), name="conformance-stage")

    async def close(self) -> None:
        """Be gone."""
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])
            self._serving = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.watcher.end()

    def say(self, *messages: ToPole) -> None:
        """Say something on the latest connection."""
        for message in messages:
            self._send(self.route, message)

    def say_raw(self, body: bytes) -> None:
        """Say these bytes on the latest connection."""
        if self._listener is not None:
            self._listener.send(self.route, body)

    def welcome(self) -> None:
        """Answer the latest hello."""
        self._send(self.route, self.welcoming())

    def welcoming(self) -> Welcome:
        """What answers the latest hello."""
        hello = self.hello
        assert hello is not None
        return Welcome(
            version=VERSION,
            boot=hello.boot,
            durable_seq=self.durable_seq(hello.boot),
            window=self.manners.window,
            utc_s=self.utc_s(),
        )

    def acknowledge(self, boot: str) -> None:
        """Say what is stored of a boot."""
        self.say(Ack(boot=boot, durable_seq=self.durable_seq(boot), window=self.manners.window))

    def lose(self, above: int) -> None:
        """Forget what is stored above a number, of every boot, as a store does that comes back from a backup."""
        self._stored = {boot: min(seq, above) for boot, seq in self._stored.items()}

    def durable_seq(self, boot: str) -> int:
        """The highest number that is stored of a boot."""
        return self._stored.get(boot, 0)

    @property
    def hello(self) -> Hello | None:
        """The latest hello on the latest connection."""
        connection = self.watcher.connections.get(self.route)
        return connection.hello if connection is not None else None

    async def hear(
        self,
        kind: type[M],
        within_s: float,
        where: Callable[[M], bool] = lambda message: True,
        *,
        since: int | None = None,
    ) -> tuple[Said, M] | None:
        """The first message of a kind said from `since` on (an index in `said`; now), None when none comes in time."""
        said = await self.next(lambda message: isinstance(message, kind) and where(message), within_s, since=since)
        if said is None:
            return None
        assert isinstance(said.message, kind)
        return said, said.message

    async def next(
        self, where: Callable[[FromPole], bool], within_s: float, *, since: int | None = None
    ) -> Said | None:
        """The first message said from `since` on that fulfils a condition, None when none comes in time."""
        index = len(self.said) if since is None else since
        try:
            async with asyncio.timeout(within_s):
                while True:
                    while index < len(self.said):
                        if where(self.said[index].message):
                            return self.said[index]
                        index += 1
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return None

    def _take(self, code: str | None, route: bytes, body: Body | None) -> None:
        now_s = asyncio.get_running_loop().time()
        message = self.watcher.heard(now_s, route, None if body is None else bytes(body))
        self.route = route
        if message is None:
            return
        self.said.append(Said(now_s, route, message))
        self._changed.set()
        self._answer(route, message)

    def _answer(self, route: bytes, message: FromPole) -> None:
        manners, tag = self.manners, str(message.__struct_config__.tag)
        connection = self.watcher.connections[route]
        match message:
            case Hello():
                if manners.welcomes:
                    self.welcome()
            case _ if connection.hello is None:
                if manners.answers:
                    self._send(
                        route, Refusal(code="pole.hello-first", en="hello first", zh="请先发送 hello", about=tag)
                    )
            case _ if tag in manners.unknown:
                self._send(route, Refusal(code="pole.unknown-message", en="not known here", zh="不支持", about=tag))
            case Heartbeat() if manners.answers:
                self._send(route, message)
            case TimeRequest(pole_s=pole_s) if manners.answers:
                now_s = self.utc_s()
                self._send(route, Time(pole_s=pole_s, received_s=now_s, sent_s=now_s))
            case _ if isinstance(message, OfEntries):
                stored = self.durable_seq(message.boot)
                if manners.takes and message.after <= stored:
                    self._stored[message.boot] = max(stored, numbers_of(message)[-1])
                if manners.acknowledges:
                    self.acknowledge(message.boot)

    def _send(self, route: bytes, message: ToPole) -> None:
        if self._listener is not None and self._listener.send(route, encode(message)):
            self.watcher.told(asyncio.get_running_loop().time(), route, message)
