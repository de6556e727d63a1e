"""The ZeroMQ sockets of both sides, with the options that both need, and sending that never waits."""

from __future__ import annotations

import asyncio
from typing import cast

import zmq
import zmq.asyncio

from airspace.reasons import Reason, Refused, Rule, Words
from poles.keys.pairs import KeyPair
from poles.protocol import MAX_BODY_BYTES
from poles.wire.arrivals import hide_names

NOT_BOUND = Rule(
    "poles.listen",
    Words("nobody can listen on {address}: {why}", "无法在 {address} 监听：{why}"),
    Words("Choose a free tcp://address:port of this machine.", "请选择本机可用的 tcp://地址:端口。"),
)

BACKLOG = 4096
QUEUE_PER_PEER = 256  # messages that wait for one peer that does not read
HEARTBEAT_MS = 5_000  # a pole's ZMTP pings find half-open connections
HEARTBEAT_TIMEOUT_MS = 15_000
KEEPALIVE_S, KEEPALIVE_AGAIN_S, KEEPALIVE_TIMES = 30, 10, 3  # the gateway's kernel asks silent peers
UNANSWERED_MS = 60_000  # for so long what was sent may stay without the peer's TCP acknowledging it


def router(context: zmq.asyncio.Context) -> zmq.asyncio.Socket:
    """The gateway's socket; a message to nobody is an error there, not a silent loss."""
    socket = _socket(context, zmq.ROUTER)
    socket.set(zmq.ROUTER_MANDATORY, 1)
    return socket


def curve_router(context: zmq.asyncio.Context, key: KeyPair, domain: str) -> zmq.asyncio.Socket:
    """A ROUTER that proves its own key and asks the context's ZAP handler about every other; nobody else gets in.

    It finds half-open connections by TCP's means, for libzmq looks through the timers of all connections whenever a
    ping is answered (`cancel_timer`, 4.3.5): with 10,000 of them that took most of a core.
    """
    hide_names()
    socket = router(context)
    socket.curve_server = True
    socket.curve_secretkey = key.secret
    socket.curve_publickey = key.public
    socket.zap_domain = domain.encode()
    socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
    socket.set(zmq.BACKLOG, BACKLOG)
    socket.set(zmq.TCP_KEEPALIVE, 1)
    socket.set(zmq.TCP_KEEPALIVE_IDLE, KEEPALIVE_S)
    socket.set(zmq.TCP_KEEPALIVE_INTVL, KEEPALIVE_AGAIN_S)
    socket.set(zmq.TCP_KEEPALIVE_CNT, KEEPALIVE_TIMES)
    socket.set(zmq.TCP_MAXRT, UNANSWERED_MS)
    return socket


def bind(socket: zmq.asyncio.Socket, address: str) -> str:
    """Listen at `tcp://host:port`; the address with the real port, where 0 stood for any. Raises Refused."""
    if not address.startswith("tcp://"):
        raise not_bound(address, "it is not a tcp:// address")
    try:
        socket.bind(address)
    except zmq.ZMQError as error:
        raise not_bound(address, error.strerror or str(error)) from None
    return socket.get_string(zmq.LAST_ENDPOINT)


def not_bound(address: str, why: str) -> Refused:
    """What to raise where nobody can listen."""
    return Refused([Reason(NOT_BOUND, "", {"address": address, "why": why})])


def dealer(context: zmq.asyncio.Context) -> zmq.asyncio.Socket:
    """A pole's socket."""
    socket = _socket(context, zmq.DEALER)
    socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.set(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)
    return socket


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
    return socket
