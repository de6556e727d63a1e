"""Moving the messages of a ROUTER at the rate of the wire: what lies ready is taken in one turn of the loop.

libzmq's file descriptor is edge-triggered: it tells of news once, and any call on the socket may use that up. So after
each sending, and whenever as much was taken as one turn may, the socket is looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import zmq

AT_ONCE = 256  # messages in a turn; then others of the loop have theirs


class Pump:
    """The two directions of one ROUTER.

    `take(route, frame, whole)` gets each message: the routing id, its last frame, and whether there was only one.
    """

    def __init__(self, socket: zmq.Socket[bytes], take: Callable[[bytes, zmq.Frame, bool], None]) -> None:
        self._socket = socket
        self._take = take
        self._looking = False
        self._failed: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Take messages until cancelled; what `take` raises is raised here."""
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        descriptor = self._socket.getsockopt(zmq.FD)
        loop.add_reader(descriptor, self._drain)
        try:
            self._look_again()
            await self._failed
        finally:
            loop.remove_reader(descriptor)
            self._failed = None

    def send(self, route: bytes, body: bytes) -> bool:
        """Send without waiting; False when the peer is gone or its queue is full."""
        try:
            self._socket.send(route, zmq.SNDMORE | zmq.NOBLOCK)
            self._socket.send(body, zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        finally:
            if not self._looking and self._failed is not None:
                self._look_again()
        return True

    def _look_again(self) -> None:
        self._looking = True
        asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        self._looking = False
        if self._failed is None or self._failed.done():
            return
        receive, take = self._socket.recv, self._take
        try:
            for _ in range(AT_ONCE):
                try:
                    route = receive(zmq.NOBLOCK)
                except zmq.Again:
                    return
                frame = receive(zmq.NOBLOCK, copy=False)
                whole = not frame.more
                while frame.more:
                    frame = receive(zmq.NOBLOCK, copy=False)
                take(route, frame, whole)
        except Exception as error:  # a callback has nobody above it: whoever runs the pump gets it
            if not self._failed.done():
                self._failed.set_exception(error)
            return
        self._look_again()
