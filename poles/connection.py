"""How a pole reaches the gateway: over TCP with its CURVE key, or inside the process.

Like the listener's, the two ways are separate classes: there is no way to connect over TCP without keys.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Protocol

import zmq
import zmq.asyncio

from poles.keys import KeyPair
from poles.sockets import dealer

PARTING_TURNS = 3  # of the loop: their goodbye, our answer, their last word
RECONNECT_MS = 200
RECONNECT_MAX_MS = 5_000


class Connection(Protocol):
    """Makes a connected DEALER as often as the agent needs a new one."""

    def open(self, code: str) -> zmq.asyncio.Socket:
        """A fresh socket for the pole with this city code."""
        ...

    async def close(self, socket: zmq.asyncio.Socket) -> None:
        """Close a socket that `open` made; what waits to be sent is dropped."""
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

    def open(self, code: str) -> zmq.asyncio.Socket:
        """A DEALER that proves its key; the code itself is proven by the register on the other side."""
        socket = dealer(self.context)
        socket.curve_publickey = self.keys.public
        socket.curve_secretkey = self.keys.secret
        socket.curve_serverkey = self.server_public
        socket.set(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.set(zmq.RECONNECT_IVL_MAX, self.reconnect_max_ms)
        socket.connect(self.address)
        return socket

    async def close(self, socket: zmq.asyncio.Socket) -> None:
        """Close the connection."""
        socket.close()


@dataclass(frozen=True, slots=True)
class InprocConnection:
    """To a gateway in the same process and context; the routing id is the city code."""

    context: zmq.asyncio.Context = field(repr=False)
    name: str

    def open(self, code: str) -> zmq.asyncio.Socket:
        """A DEALER that names itself."""
        socket = dealer(self.context)
        socket.set(zmq.ROUTING_ID, code.encode("ascii"))
        socket.connect(f"inproc://{self.name}")
        return socket

    async def close(self, socket: zmq.asyncio.Socket) -> None:
        """Part from the gateway in this thread, then close.

        A plain close leaves the parting to a thread of ZeroMQ, and then the moment from which the gateway knows that
        the pole is gone would differ from run to run.
        """
        try:
            with contextlib.suppress(zmq.ZMQError):  # the gateway was closed before
                socket.disconnect(f"inproc://{self.name}")
            for _ in range(PARTING_TURNS):
                await asyncio.sleep(0)
        except zmq.ZMQError:
            pass  # the gateway was closed first and has parted from us
        finally:
            socket.close()
