"""How a pole reaches the gateway: over TCP with its CURVE key, or inside the process.

Like the listener's, the two ways are separate classes: there is no way to connect over TCP without keys.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Protocol

import zmq
import zmq.asyncio

from poles.keys import KeyPair
from poles.wire.lines import Exchange, Line, MemoryLine, SocketLine
from poles.wire.sockets import dealer

RECONNECT_MS = 200
RECONNECT_SPREAD_MS = 400
RECONNECT_MAX_MS = 5_000
POLES_A_CONTEXT = 250  # at most: libzmq looks through the timers of all connections whenever a ping is answered


def reconnect_ms(public_key: bytes) -> int:
    """How long a pole waits before it tries a lost connection again, the first time [ms]; then it doubles.

    libzmq adds no chance of its own where there is a longest wait (`get_new_reconnect_ivl`, 4.3.5): poles with one
    number for all would knock all at the same instants after a restart of the gateway. So the key spreads them.
    """
    return RECONNECT_MS + zlib.crc32(public_key) % RECONNECT_SPREAD_MS


class Connection(Protocol):
    """Opens a line as often as the agent needs a new one."""

    def open(self, code: str) -> Line:
        """A fresh line for the pole with this city code."""
        ...


@dataclass(frozen=True, slots=True)
class CurveConnection:
    """To a gateway at `tcp://`; `server_public` is the gateway's public key (Z85): a pole talks to nobody else.

    The context belongs to the caller. No routing id is set, so no pole can take another's place in the router.
    """

    context: zmq.asyncio.Context = field(repr=False)
    address: str
    keys: KeyPair
    server_public: bytes
    reconnect_max_ms: int = RECONNECT_MAX_MS

    def open(self, code: str) -> SocketLine:
        """A DEALER that proves its key; the code itself is proven by the register on the other side."""
        socket = dealer(self.context)
        socket.curve_publickey = self.keys.public
        socket.curve_secretkey = self.keys.secret
        socket.curve_serverkey = self.server_public
        socket.set(zmq.RECONNECT_IVL, reconnect_ms(self.keys.public))
        socket.set(zmq.RECONNECT_IVL_MAX, self.reconnect_max_ms)
        socket.connect(self.address)
        return SocketLine(socket)


@dataclass(frozen=True, slots=True)
class MemoryConnection:
    """To a gateway in the same process."""

    exchange: Exchange = field(repr=False)

    def open(self, code: str) -> MemoryLine:
        """A line that the exchange knows by the city code."""
        return self.exchange.call(code)
