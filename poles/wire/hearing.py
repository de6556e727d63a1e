"""Taking every message of a socket as it comes, without a future for each: for libzmq's own questions and news."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from typing import Any, cast

import zmq
import zmq.asyncio

_EVENT = struct.Struct("=HI")  # what happened, and the descriptor that it happened to


async def hear(socket: zmq.Socket[bytes], take: Callable[[Sequence[bytes]], None]) -> None:
    """Hand on each message's frames until cancelled; what `take` raises is raised here. `take` may answer at once."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()

    def look() -> None:
        try:
            while True:
                take(socket.recv_multipart(zmq.NOBLOCK))
        except zmq.Again:
            pass
        except Exception as error:  # a callback has nobody above it: whoever hears gets it
            loop.remove_reader(descriptor)
            failed.set_exception(error)

    descriptor = int(socket.getsockopt(zmq.FD))
    loop.add_reader(descriptor, look)
    loop.call_soon(look)  # what came before tells no more
    try:
        await failed
    finally:
        loop.remove_reader(descriptor)


def plain_socket(context: zmq.asyncio.Context, kind: int) -> zmq.Socket[bytes]:
    """A socket for `hear`, which is closed with its context."""
    # the context must know it, to close it; its types know only sockets of its own class
    socket = cast("zmq.Socket[bytes]", context.socket(kind, socket_class=cast("Any", zmq.Socket)))
    socket.set(zmq.LINGER, 0)
    return socket


def arrivals_of(socket: zmq.asyncio.Socket, context: zmq.asyncio.Context) -> zmq.Socket[bytes]:
    """Where libzmq tells of each connection that the socket accepts.

    The queue has no limit: libzmq's thread would wait for a reader with every connection that it serves.
    """
    address = "inproc://arrivals"
    socket.monitor(address, zmq.EVENT_ACCEPTED)
    news = plain_socket(context, zmq.PAIR)
    news.set(zmq.RCVHWM, 0)
    news.connect(address)
    return news


def descriptor_of(frames: Sequence[bytes]) -> int:
    """The file descriptor of the connection that an event is about."""
    return int(_EVENT.unpack(frames[0])[1])
