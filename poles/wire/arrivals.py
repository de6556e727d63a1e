"""Who has come to a ROUTER and says nothing, or bears a name that libzmq has yet to give to somebody else.

A ROUTER names its peers by numbers that it counts up, unless a peer brings a name of its own (ZMQ_ROUTING_ID). libzmq
4.3.5 ends the whole process (an assertion in socket_base.cpp) when the next number is a name that somebody brought, so
a pole that knows it can kill its gateway. And it is known: libzmq takes the first number from rand(), which nobody
seeded, so the first ROUTER of every process begins at 0x6b8b4567. Therefore rand() is seeded by chance before a ROUTER
is made, which leaves guessing in 32 bits; and that takes many connections held for long, which are kept few and short:
a name ahead of the count is found at its first word, and who says no word has to go.
"""

from __future__ import annotations

import ctypes
import secrets
from collections import OrderedDict

import zmq
import zmq.asyncio

from poles.wire.cutting import Link, link_at

SILENT_S = 60.0
NAME_BYTES = 5  # a zero and a number, in libzmq's own names
_NUMBERS = 2**32
_PROBE = "inproc://first-name"


def hide_names() -> None:
    """Let the next ROUTER begin to count where nobody can know."""
    ctypes.CDLL(None).srand(ctypes.c_uint(secrets.randbits(32)))


def first_name(router: zmq.asyncio.Socket, context: zmq.asyncio.Context) -> int:
    """The number at which this ROUTER begins to count, learnt from a peer inside the process; before it is bound."""
    inside: zmq.Socket[bytes] = zmq.Socket.shadow(router.underlying)
    plain: zmq.Context[zmq.Socket[bytes]] = zmq.Context.shadow(context.underlying)
    inside.bind(_PROBE)
    with plain.socket(zmq.DEALER) as probe:
        probe.connect(_PROBE)
        probe.send(b"")
        name = inside.recv_multipart()[0]
    inside.unbind(_PROBE)
    return int.from_bytes(name[1:], "big")


class Arrivals:
    """Counts connections and remembers those that have said nothing yet; `first` is the first number that was given."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._count = 0
        self._silent: OrderedDict[Link, float] = OrderedDict()  # since when [s of the loop]

    def accepted(self, descriptor: int, now_s: float) -> None:
        """A connection was accepted."""
        self._count += 1
        link = link_at(descriptor)
        if link is not None:
            self._silent[link] = now_s

    def spoke(self, link: Link) -> None:
        """A connection has said its first word."""
        self._silent.pop(link, None)

    def silent(self, now_s: float, after_s: float = SILENT_S) -> list[Link]:
        """The connections that have said nothing for so long; they are forgotten here."""
        late: list[Link] = []
        while self._silent and next(iter(self._silent.values())) + after_s <= now_s:
            late.append(self._silent.popitem(last=False)[0])
        return late

    def is_ahead(self, name: bytes) -> bool:
        """Whether a peer's name looks like libzmq's own and was not given by it as yet."""
        if len(name) != NAME_BYTES or name[0] != 0:
            return False
        return (int.from_bytes(name[1:], "big") - self._first) % _NUMBERS > self._count
