"""Where the gateway listens: TCP with CURVE, or inside the process; there is no TCP without CURVE.

The two are separate classes on purpose. A listener tells who sent a message: over CURVE the pole whose key ZAP bound to
the connection; inside the process the code that the line was opened for, because no stranger can be there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import zmq
import zmq.asyncio

from airspace.reasons import Refused
from poles.keys import KeyPair
from poles.keys.admission import LOOK_S, Admission
from poles.keys.authenticator import CurveAuthenticator
from poles.keys.paces import Pace, Paces
from poles.wire.arrivals import Arrivals, first_name
from poles.wire.cutting import Link, cut, link_of
from poles.wire.hearing import arrivals_of, descriptor_of, hear
from poles.wire.lines import Exchange, MemoryGateway, Take
from poles.wire.pump import Pump
from poles.wire.sockets import bind, curve_router, not_bound

DOMAIN = "poles"
HANDSHAKES = Pace(at_once=60.0, per_s=0.5)  # of one key; a pole comes again after half a second at the soonest
KEYS_KEPT = 200_000
ENDED_AT_ONCE = 64  # keys that were revoked, in a turn of the loop
LINKS_KEPT = 8  # connections of one key; a pole has one, and another while it makes a new one

Gone: TypeAlias = Callable[[str, list[bytes], bool], None]
"""What is called when a key was revoked: whose it was, the routes of its connections, which lead nowhere now, and
whether the pole is locked out, having no other key."""


class Listener(Protocol):
    """Hears the poles, says who it was, and speaks to them."""

    @property
    def address(self) -> str:
        """Where poles connect to, with the real port once it is open."""
        ...

    def open(self, take: Take, gone: Gone) -> None:
        """Begin to hand messages to `take`, and to tell `gone` whose connections were ended. Raises Refused."""
        ...

    async def serve(self) -> None:
        """What the listener needs done while it is open; runs until cancelled."""
        ...

    def send(self, route: bytes, body: bytes) -> bool:
        """Send without waiting; False when nobody is there or it does not read."""
        ...

    def drop(self, route: bytes) -> None:
        """End one connection; its pole may come again."""
        ...

    def lets_in(self, code: str) -> bool:
        """Whether a pole has a key with which it may come."""
        ...

    def statistics(self) -> dict[str, int]:
        """Counts of who was turned away."""
        ...

    def close(self) -> None:
        """Stop listening; what waits to be sent is dropped."""
        ...


class CurveListener:
    """`tcp://` with CURVE; `admission` says who may come in, at the handshake and for every message after it.

    Port 0 lets the system choose; `address` has the real one after `open`. It owns its ZeroMQ context, because a
    context has one ZAP handler. When a key is revoked its connections are ended within `LOOK_S`: what still comes from
    it is dropped, and not a byte is sent to it. `mark` stands before every route, to tell those of several listeners
    apart.
    """

    def __init__(self, address: str, server_key: KeyPair, admission: Admission, mark: bytes = b"") -> None:
        self.address = address
        self._server_key = server_key
        self._admission = admission
        self._mark = mark
        self._paces = Paces(HANDSHAKES, kept=KEYS_KEPT)
        self._links: dict[bytes, tuple[str, Link | None]] = {}  # route -> whose key it is, and the connection
        self._routes: dict[str, list[bytes]] = {}  # key -> its latest
        self._cut = 0
        self._suspects: dict[bytes, Link] = {}  # names that were ahead of the count when they first spoke
        self._arrivals: Arrivals
        self._accepted: zmq.Socket[bytes]
        self._context: zmq.asyncio.Context | None = None
        self._authenticator: CurveAuthenticator | None = None
        self._socket: zmq.asyncio.Socket
        self._pump: Pump
        self._take: Take
        self._gone: Gone

    def open(self, take: Take, gone: Gone) -> None:
        """Start the ZAP handler, then bind; in this order nobody is ever let in unasked. Raises Refused."""
        self._context = zmq.asyncio.Context()
        self._context.set(zmq.MAX_SOCKETS, 65_536)
        self._authenticator = CurveAuthenticator(self._context, DOMAIN, self._admits)
        self._authenticator.start()
        self._socket, self._take, self._gone = curve_router(self._context, self._server_key, DOMAIN), take, gone
        self._arrivals = Arrivals(first_name(self._socket, self._context))
        self._accepted = arrivals_of(self._socket, self._context)
        self._pump = Pump(zmq.Socket.shadow(self._socket.underlying), self._hand_on)
        try:
            self.address = bind(self._socket, self.address)
        except Refused:
            self.close()
            raise

    async def serve(self) -> None:
        """Answer ZAP requests, hand messages on, and end the connections of keys that were revoked."""
        assert self._authenticator is not None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._authenticator.serve(), name="poles-authenticator")
            tasks.create_task(self._pump.run(), name="poles-receive")
            tasks.create_task(self._look(), name="poles-admission")
            tasks.create_task(self._settle(), name="poles-proofs")
            tasks.create_task(hear(self._accepted, self._count), name="poles-arrivals")

    def _admits(self, key: str) -> bool:
        return self._admission.admits(key) and self._paces.takes(key, asyncio.get_running_loop().time())

    def _count(self, event: Sequence[bytes]) -> None:
        self._arrivals.accepted(descriptor_of(event), asyncio.get_running_loop().time())

    async def _look(self) -> None:
        while True:
            for number, (key, code) in enumerate(self._admission.look(), 1):
                self._gone(code, self._end(key), not self._admission.has_key(code))
                if number % ENDED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            self._send_away()
            await asyncio.sleep(LOOK_S)

    async def _settle(self) -> None:
        while True:
            await self._admission.settle()
            await asyncio.sleep(LOOK_S)

    def _end(self, key: str) -> list[bytes]:
        """End the connections of a key; their routes."""
        routes = self._routes.pop(key, [])
        for route in routes:
            _, link = self._links.pop(route)
            self._cut += link is not None and cut(link)
        return routes

    def _send_away(self) -> None:
        """End the connections that say nothing, and those whose name libzmq may yet give to another."""
        suspects, self._suspects = self._suspects, {}
        # an arrival may be counted a little after its first word
        strange = [link for name, link in suspects.items() if self._arrivals.is_ahead(name)]
        for link in [*strange, *self._arrivals.silent(asyncio.get_running_loop().time())]:
            self._cut += cut(link)

    def _hand_on(self, route: bytes, frame: zmq.Frame, whole: bool) -> None:
        if self._mark:
            route = self._mark + route
        try:
            key = str(frame.get("User-Id"))
        except zmq.ZMQError:
            key = ""
        code = self._admission.codes.get(key)
        if code is None:  # revoked while its connection stood
            link = link_of(frame)
            self._cut += link is not None and cut(link)
            return
        known = self._links.get(route)
        if known is None or known[0] != key:
            self._met(key, route, frame)
        self._take(code, route, frame.bytes if whole else None)

    def _met(self, key: str, route: bytes, frame: zmq.Frame) -> None:
        """The first message of a connection, whose end proves its key by that."""
        link = link_of(frame)
        self._forget(route)  # a name that somebody else had
        self._links[route] = key, link
        routes = self._routes.setdefault(key, [])
        routes.append(route)
        if link is not None:
            self._arrivals.spoke(link)
            name = route[len(self._mark) :]
            if self._arrivals.is_ahead(name):
                self._suspects[name] = link
        if len(routes) > LINKS_KEPT:
            self.drop(routes[0])  # what nobody counts any more nobody could end
            self._forget(routes[0])
        self._admission.used(key)

    def _forget(self, route: bytes) -> None:
        key, _ = self._links.pop(route, ("", None))
        if key:
            self._routes[key].remove(route)

    def send(self, route: bytes, body: bytes) -> bool:
        """Send without waiting; False when nobody is there or it does not read."""
        return self._pump.send(route[len(self._mark) :], body)

    def drop(self, route: bytes) -> None:
        """End one connection; its pole may come again."""
        _, link = self._links.get(route, ("", None))
        self._cut += link is not None and cut(link)

    def lets_in(self, code: str) -> bool:
        """Whether a pole has a key with which it may come."""
        return self._admission.has_key(code)

    def statistics(self) -> dict[str, int]:
        """Handshakes with unknown keys that were turned away, and connections of revoked keys that were ended."""
        refused = self._authenticator.refused_keys if self._authenticator else 0
        return {"keys_refused": refused, "connections_cut": self._cut}

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

    def open(self, take: Take, gone: Gone) -> None:
        """Answer the exchange's lines; nobody is ever sent away. Raises Refused."""
        self._lines = self._exchange.listen(take)
        if self._lines is None:
            raise not_bound(self.address, "another gateway listens")

    async def serve(self) -> None:
        """The loop itself moves the messages."""

    def send(self, route: bytes, body: bytes) -> bool:
        """Send without waiting; False when nobody is there or it does not read."""
        return self._lines is not None and self._lines.send(route, body)

    def drop(self, route: bytes) -> None:
        """End one line; its pole may come again."""
        if self._lines is not None:
            self._lines.drop(route)

    def lets_in(self, code: str) -> bool:
        """Nobody needs a key here."""
        return True

    def statistics(self) -> dict[str, int]:
        """Nobody is turned away here."""
        return {}

    def close(self) -> None:
        """Leave the exchange to another gateway."""
        if self._lines is not None:
            self._exchange.stop()
            self._lines = None
