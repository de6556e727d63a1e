"""The ZeroMQ sockets of both sides, with the options that both need, and sending that never waits."""

from __future__ import annotations

import asyncio
from typing import cast

import zmq
import zmq.asyncio

from poles.protocol import MAX_BODY_BYTES

QUEUE_PER_PEER = 256  # messages that wait for one peer that does not read
HEARTBEAT_MS = 5_000  # ZMTP pings find half-open connections
HEARTBEAT_TIMEOUT_MS = 15_000


def router(context: zmq.asyncio.Context) -> zmq.asyncio.Socket:
    """The gateway's socket; a message to nobody is an error there, not a silent loss."""
    socket = _socket(context, zmq.ROUTER)
    socket.set(zmq.ROUTER_MANDATORY, 1)
    return socket


def dealer(context: zmq.asyncio.Context) -> zmq.asyncio.Socket:
    """A pole's socket."""
    return _socket(context, zmq.DEALER)


def send_now(socket: zmq.asyncio.Socket, frames: list[bytes]) -> bool:
    """Send without waiting; False when the peer is gone or its queue is full."""
    # with NOBLOCK the future is done when it is returned
    sent = cast("asyncio.Future[None]", socket.send_multipart(frames, flags=zmq.NOBLOCK))
    return sent.exception() is None


def _socket(context: zmq.asyncio.Context, kind: int) -> zmq.asyncio.Socket:
    socket = context.socket(kind)
    socket.set(zmq.LINGER, 0)
    socket.set(zmq.SNDHWM, QUEUE_PER_PEER)
    socket.set(zmq.MAXMSGSIZE, MAX_BODY_BYTES)
    socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.set(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
    return socket
