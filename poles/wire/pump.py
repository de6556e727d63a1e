"""Moving the messages of a ROUTER at the rate of the wire: what lies ready is taken in one turn of the loop.

While messages come, the socket is looked at every `PAUSE_S` and the loop is not woken for each; only when nothing comes
the loop waits for libzmq's file descriptor. That is edge-triggered: it tells of news once, and any call on the socket
may use that up. So after a sending in that state the socket is looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import zmq

AT_ONCE = 256  # messages in a turn; then others of the loop have theirs
PAUSE_S = 0.002
# as plain numbers: an `|` of zmq's own would be worked out for each message, which takes as long as to send it
_NOW = int(zmq.NOBLOCK)
_NOW_AND_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)


class Pump:
    """The two directions of one ROUTER.

    `take(route, frame, whole)` gets each message: the routing id, its last frame, and whether there was only one.
    """

    def __init__(self, socket: zmq.Socket[bytes], take: Callable[[bytes, zmq.Frame, bool], None]) -> None:
        self._socket = socket
        self._take = take
        self._loop: asyncio.AbstractEventLoop
        self._descriptor = -1
        self._next: asyncio.Handle | None = None  # look, when the descriptor is not waited for
        self._failed: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Take messages until cancelled; what `take` raises is raised here."""
        loop = self._loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        self._descriptor = int(self._socket.getsockopt(zmq.FD))
        self._next = loop.call_soon(self._look)
        try:
            await self._failed
        finally:
            self._failed = None
            if self._next is not None:
                self._next.cancel()
            else:
                loop.remove_reader(self._descriptor)

    def send(self, route: bytes, body: bytes) -> bool:
        """Send without waiting; False when the peer is gone or its queue is full."""
        try:
            self._socket.send(route, _NOW_AND_MORE)
            self._socket.send(body, _NOW)
        except zmq.ZMQError:
            return False
        finally:
            if self._next is None and self._failed is not None:
                self._woken()
        return True

    def _woken(self) -> None:
        """There may be news: go over to looking."""
        self._loop.remove_reader(self._descriptor)
        self._next = self._loop.call_soon(self._look)

    def _look(self) -> None:
        if self._failed is None:
            return
        try:
            taken = self._drain()
        except Exception as error:  # a callback has nobody above it: whoever runs the pump gets it
            self._next = None
            self._failed.set_exception(error)
            return
        if taken == AT_ONCE:
            self._next = self._loop.call_soon(self._look)
        elif taken:
            self._next = self._loop.call_later(PAUSE_S, self._look)
        else:
            self._next = None
            self._loop.add_reader(self._descriptor, self._woken)
            if int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:  # it came before anybody waited for it
                self._woken()

    def _drain(self) -> int:
        """Take what lies ready, within limits; how many there were."""
        receive, take = self._socket.recv, self._take
        for count in range(AT_ONCE):
            try:
                route = receive(_NOW)
            except zmq.Again:
                return count
            frame = receive(_NOW, copy=False)
            whole = not frame.more
            while frame.more:
                frame = receive(_NOW, copy=False)
            take(route, frame, whole)
        return AT_ONCE
