"""Where the gateway listens: TCP with CURVE, or inside the process; there is no TCP without CURVE.

The two are separate classes on purpose. A listener tells who sent a message: over CURVE the city code that ZAP bound to
the connection's key; inside the process the code that the line was opened for, because no stranger can be there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

import zmq
import zmq.asyncio

from airspace.reasons import Reason, Refused, Rule, Words
from poles.authenticator import DOMAIN, PoleAuthenticator
from poles.keys import KeyPair
from poles.lines import Exchange, MemoryGateway, Take
from poles.sockets import router, send_now

NOT_BOUND = Rule(
    "poles.listen",
    Words("the gateway cannot listen on {address}: {why}", "网关无法在 {address} 监听：{why}"),
    Words("Choose a free tcp://address:port of this machine.", "请选择本机可用的 tcp://地址:端口。"),
)

BACKLOG = 4096
MESSAGES_AT_ONCE = 64


class Listener(Protocol):
    """Hears the poles, says who it was, and speaks to them."""

    address: str

    def open(self, take: Take) -> None:
        """Begin to hand messages to `take`. Raises Refused."""
        ...

    async def serve(self) -> None:
        """What the listener needs done while it is open; runs until cancelled."""
        ...

    def send(self, route: bytes, body: bytes) -> bool:
        """Send without waiting; False when nobody is there or it does not read."""
        ...

    def refused_keys(self) -> int:
        """How many handshakes with unknown keys were turned away."""
        ...

    def close(self) -> None:
        """Stop listening; what waits to be sent is dropped."""
        ...


class CurveListener:
    """`tcp://` with CURVE; `allowed` holds each pole's public key (Z85) and its city code.

    Port 0 lets the system choose; `address` has the real one after `open`. It owns its ZeroMQ context, because a
    context has one ZAP handler.
    """

    def __init__(self, address: str, server_key: KeyPair, allowed: Mapping[bytes, str]) -> None:
        self.address = address
        self._server_key = server_key
        self._allowed = dict(allowed)
        self._context: zmq.asyncio.Context | None = None
        self._authenticator: PoleAuthenticator | None = None
        self._socket: zmq.asyncio.Socket
        self._take: Take

    def open(self, take: Take) -> None:
        """Start the ZAP handler, then bind; in this order nobody is ever let in unasked. Raises Refused."""
        if not self.address.startswith("tcp://"):
            raise _not_bound(self.address, "it is not a tcp:// address")
        self._context = zmq.asyncio.Context()
        self._context.set(zmq.MAX_SOCKETS, 65_536)
        self._authenticator = PoleAuthenticator(self._context, self._allowed)
        self._authenticator.start()
        socket = router(self._context)
        socket.curve_server = True
        socket.curve_secretkey = self._server_key.secret
        socket.curve_publickey = self._server_key.public
        socket.zap_domain = DOMAIN.encode()
        socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
        socket.set(zmq.BACKLOG, BACKLOG)
        try:
            socket.bind(self.address)
        except zmq.ZMQError as error:
            self.close()
            raise _not_bound(self.address, error.strerror or str(error)) from None
        self.address = socket.get_string(zmq.LAST_ENDPOINT)
        self._socket, self._take = socket, take

    async def serve(self) -> None:
        """Answer ZAP requests and hand messages on."""
        assert self._authenticator is not None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._authenticator.serve(), name="poles-authenticator")
            tasks.create_task(self._receive(), name="poles-receive")

    async def _receive(self) -> None:
        at_hand: zmq.Socket[bytes] = zmq.Socket.shadow(self._socket.underlying)
        while True:
            self._hand_on(await self._socket.recv_multipart(copy=False))
            # what lies ready is taken without the cost of a future each, and then others get their turn
            for _ in range(MESSAGES_AT_ONCE):
                try:
                    frames = at_hand.recv_multipart(zmq.NOBLOCK, copy=False)
                except zmq.Again:
                    break
                self._hand_on(frames)
            await asyncio.sleep(0)

    def _hand_on(self, frames: list[zmq.Frame]) -> None:
        self._take(_sender(frames), frames[0].bytes, frames[-1].buffer if len(frames) == 2 else None)

    def send(self, route: bytes, body: bytes) -> bool:
        """Send without waiting; False when nobody is there or it does not read."""
        return send_now(self._socket, [route, body])

    def refused_keys(self) -> int:
        """How many handshakes with unknown keys were turned away."""
        return self._authenticator.refused_keys if self._authenticator else 0

    def close(self) -> None:
        """Close the listener and its context."""
        if self._authenticator is not None:
            self._authenticator.stop()
        if self._context is not None:
            self._context.destroy(linger=0)
            self._context = None


class MemoryListener:
    """At an exchange that the poles of the same process share: for virtual time and for tests."""

    def __init__(self, exchange: Exchange) -> None:
        self.address = "memory:"
        self._exchange = exchange
        self._lines: MemoryGateway | None = None

    def open(self, take: Take) -> None:
        """Answer the exchange's lines. Raises Refused."""
        self._lines = self._exchange.listen(take)
        if self._lines is None:
            raise _not_bound(self.address, "another gateway listens")

    async def serve(self) -> None:
        """The loop itself moves the messages."""

    def send(self, route: bytes, body: bytes) -> bool:
        """Send without waiting; False when nobody is there or it does not read."""
        return self._lines is not None and self._lines.send(route, body)

    def refused_keys(self) -> int:
        """There are no keys here."""
        return 0

    def close(self) -> None:
        """Leave the exchange to another gateway."""
        if self._lines is not None:
            self._exchange.stop()
            self._lines = None


def _sender(frames: list[zmq.Frame]) -> str | None:
    """The city code that ZAP bound to the key of the connection."""
    try:
        code = frames[-1].get("User-Id")
    except zmq.ZMQError:
        return None
    return code if isinstance(code, str) and code else None


def _not_bound(address: str, why: str) -> Refused:
    return Refused([Reason(NOT_BOUND, "", {"address": address, "why": why})])
