"""The ways between poles and their gateway: a ZeroMQ socket with a key, or a line in memory.

A line carries whole message bodies, in order, and never waits to send. The memory line is for virtual time and for
tests: no stranger can be there, nothing but the loop moves its messages, and 100,000 of them need no file handle.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeAlias

import zmq
import zmq.asyncio

from poles.wire.sockets import QUEUE_PER_PEER, send_now

Body: TypeAlias = bytes | memoryview
Take: TypeAlias = Callable[[str, bytes, Body | None], None]
"""How a gateway takes a message: its sender, who is proven, the route back, and the body if it has one."""


class Line(Protocol):
    """A pole's open way to the gateway."""

    def send(self, body: bytes) -> bool:
        """Send without waiting; False when the gateway is gone or does not read."""
        ...

    async def receive(self) -> bytes:
        """The gateway's next word; waits for ever when none comes."""
        ...

    def close(self) -> None:
        """End the line; what waits to be sent is dropped."""
        ...


class SocketLine:
    """A line over a connected DEALER, which it owns."""

    def __init__(self, socket: zmq.asyncio.Socket) -> None:
        self.socket = socket

    def send(self, body: bytes) -> bool:
        """Send without waiting; False when the gateway is gone or does not read."""
        return send_now(self.socket, [body])

    async def receive(self) -> bytes:
        """The gateway's next word."""
        frames = await self.socket.recv_multipart()
        return frames[-1]

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


class MemoryLine:
    """A line to an `Exchange`; made by `Exchange.call`."""

    def __init__(self, code: str, route: bytes, exchange: Exchange) -> None:
        self.code = code
        self.route = route
        self.unread = 0  # what the gateway has not taken yet
        self.gateway: MemoryGateway | None = None
        self._exchange = exchange
        self._unanswered: list[bytes] = []  # said before anybody listened
        self._heard: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._ended = False

    def answered(self, gateway: MemoryGateway) -> None:
        """A gateway listens: it hears what was said until now."""
        self.gateway = gateway
        for body in self._unanswered:
            gateway.hear(self, body)
        self._unanswered.clear()

    def send(self, body: bytes) -> bool:
        """Send without waiting; False when the gateway is gone or does not read."""
        if self._ended or self.unread >= QUEUE_PER_PEER or len(self._unanswered) >= QUEUE_PER_PEER:
            return False
        if self.gateway is None:
            self._unanswered.append(body)
        else:
            self.gateway.hear(self, body)
        return True

    def hear(self, body: bytes) -> bool:
        """Take a word of the gateway; False when the pole does not read."""
        if len(self._heard) >= QUEUE_PER_PEER:
            return False
        self._heard.append(body)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        return True

    async def receive(self) -> bytes:
        """The gateway's next word."""
        while not self._heard:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._heard.popleft()

    def end(self) -> None:
        """The gateway is gone; what it said can still be heard."""
        self._ended = True

    def close(self) -> None:
        """Leave the exchange."""
        self._ended = True
        self._exchange.leave(self)


class Exchange:
    """Where the poles of one process reach their gateway; one gateway listens at a time.

    Lines that were opened while nobody listened are answered by the next gateway; lines of a gateway that stopped are
    dead, and their poles notice by its silence.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._gateway: MemoryGateway | None = None
        self._unanswered: dict[bytes, MemoryLine] = {}

    def call(self, code: str) -> MemoryLine:
        """A line for the pole with this city code."""
        line = MemoryLine(code, next(self._numbers).to_bytes(8, "big"), self)
        if self._gateway is None:
            self._unanswered[line.route] = line
        else:
            self._gateway.answer(line)
        return line

    def leave(self, line: MemoryLine) -> None:
        """Forget a line."""
        self._unanswered.pop(line.route, None)
        if line.gateway is not None:
            line.gateway.lines.pop(line.route, None)

    def listen(self, take: Take) -> MemoryGateway | None:
        """Answer the lines from now on; None when somebody does already."""
        if self._gateway is not None:
            return None
        self._gateway = MemoryGateway(take)
        waiting, self._unanswered = self._unanswered, {}
        for line in waiting.values():
            self._gateway.answer(line)
        return self._gateway

    def stop(self) -> None:
        """Nobody answers any more."""
        if self._gateway is not None:
            self._gateway.stop()
            self._gateway = None


class MemoryGateway:
    """The answering end of an exchange: hands on what poles say, in order, in the loop's next turn."""

    def __init__(self, take: Take) -> None:
        self.lines: dict[bytes, MemoryLine] = {}
        self._take: Take | None = take
        self._heard: list[tuple[MemoryLine, bytes]] = []

    def answer(self, line: MemoryLine) -> None:
        """Listen to one more line."""
        self.lines[line.route] = line
        line.answered(self)

    def hear(self, line: MemoryLine, body: bytes) -> None:
        """Note what a pole said."""
        if not self._heard:
            asyncio.get_running_loop().call_soon(self._hand_on)
        line.unread += 1
        self._heard.append((line, body))

    def _hand_on(self) -> None:
        heard, self._heard = self._heard, []
        for line, body in heard:
            line.unread -= 1
            if self._take is not None:
                self._take(line.code, line.route, body)

    def send(self, route: bytes, body: bytes) -> bool:
        """Say something to one pole; False when it is gone or does not read."""
        line = self.lines.get(route)
        return line is not None and line.hear(body)

    def drop(self, route: bytes) -> None:
        """Leave one line."""
        line = self.lines.pop(route, None)
        if line is not None:
            line.end()

    def stop(self) -> None:
        """Leave all lines."""
        self._take = None
        for line in self.lines.values():
            line.end()
        self.lines.clear()
