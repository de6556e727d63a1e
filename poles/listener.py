"""Where the gateway listens: TCP with CURVE, or inside the process; there is no TCP without CURVE.

The two are separate classes on purpose. A listener tells who sent a message: over CURVE the city code that ZAP bound to
the connection's key; inside the process the routing id, because no stranger can be there, inproc knows no keys, and
virtual time needs a transport without kernel sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import zmq
import zmq.asyncio

from airspace.reasons import Reason, Refused, Rule, Words
from poles.authenticator import DOMAIN, PoleAuthenticator
from poles.keys import KeyPair
from poles.sockets import router

NOT_BOUND = Rule(
    "poles.listen",
    Words("the gateway cannot listen on {address}: {why}", "网关无法在 {address} 监听：{why}"),
    Words("Choose a free tcp://address:port of this machine.", "请选择本机可用的 tcp://地址:端口。"),
)

BACKLOG = 4096


class Listener(Protocol):
    """A bound ROUTER and the way to tell who sent a message."""

    address: str

    def open(self) -> zmq.asyncio.Socket:
        """Bind and return the socket. Raises Refused."""
        ...

    async def serve(self) -> None:
        """What the listener needs done while it is open; runs until cancelled."""
        ...

    def sender(self, frames: list[zmq.Frame]) -> str | None:
        """The city code of who sent these frames, None when nobody vouches for it."""
        ...

    def refused_keys(self) -> int:
        """How many handshakes with unknown keys were turned away."""
        ...

    def close(self) -> None:
        """Unbind and close; what waits to be sent is dropped."""
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

    def open(self) -> zmq.asyncio.Socket:
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
        return socket

    async def serve(self) -> None:
        """Answer ZAP requests."""
        assert self._authenticator is not None
        await self._authenticator.serve()

    def sender(self, frames: list[zmq.Frame]) -> str | None:
        """The city code that ZAP bound to the key of the connection."""
        try:
            code = frames[-1].get("User-Id")
        except zmq.ZMQError:
            return None
        return code if isinstance(code, str) and code else None

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


class InprocListener:
    """`inproc://` in a context that the poles of the same process share: for virtual time and for tests.

    The routing id is the city code. A pole that comes again takes its routing id over, since its old socket may still
    be closing.
    """

    def __init__(self, context: zmq.asyncio.Context, name: str) -> None:
        self.address = f"inproc://{name}"
        self._context = context
        self._socket: zmq.asyncio.Socket | None = None

    def open(self) -> zmq.asyncio.Socket:
        """Bind. Raises Refused."""
        self._socket = router(self._context)
        self._socket.set(zmq.ROUTER_HANDOVER, 1)
        try:
            self._socket.bind(self.address)
        except zmq.ZMQError as error:
            self._socket.close()
            self._socket = None
            raise _not_bound(self.address, error.strerror or str(error)) from None
        return self._socket

    async def serve(self) -> None:
        """Inside the process nobody has to be let in."""

    def sender(self, frames: list[zmq.Frame]) -> str | None:
        """The routing id of the connection."""
        try:
            return frames[0].bytes.decode("ascii")
        except UnicodeDecodeError:
            return None

    def refused_keys(self) -> int:
        """There are no keys here."""
        return 0

    def close(self) -> None:
        """Give the name free at once, then close."""
        if self._socket is not None:
            self._socket.unbind(self.address)
            self._socket.close()
            self._socket = None


def _not_bound(address: str, why: str) -> Refused:
    return Refused([Reason(NOT_BOUND, "", {"address": address, "why": why})])
