"""Who may bring how much: a bounded queue and a bucket of bytes for each pole, queues served in turns.

A pole that brings more than its bucket holds is slowed: it is told a small window, and what it brings waits in its own
queue until the bucket has filled again; what it brings beyond that is not taken, and it is cut off when it goes on. The
bucket is a token bucket as RFC 2697's committed rate and burst: what a pole needs that empties its whole ring after an
outage is below the burst, and what all its sensors bring is far below the rate.

What waits, waits as the bytes that came: as objects a body can be more than sixty times as large. A pole may have so
much waiting as a share of the room that is left (dynamic thresholds of Choudhury and Hahne, 1998): few poles may use
much of it, many that mean ill can never use it up, and whoever has nothing waiting always finds room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from poles.protocol import Hello, OfEntries

WAITING_PER_POLE = 256  # messages; what does not fit is not taken; the pole sends it again
WAITING_BYTES = 64 * 1024 * 1024  # of all poles together
SHARE = 1 / 64  # of the room that is left, for one pole
WINDOW = 256  # entries that a pole may have under way
SMALL_WINDOW = 8  # of one that floods
BYTES_PER_S = 256 * 1024
BURST_BYTES = 2 * 1024 * 1024
MESSAGE_COSTS_BYTES = 256  # beside its own: to take and answer it is work however small it is
SEVERAL_FRAMES_COST_BYTES = BYTES_PER_S  # of a message that no pole sends
LOOK_S = 0.1  # between two looks at the buckets of those that are slowed


class Said(msgspec.Struct, frozen=True, gc=False):
    """What a pole said and is to be stored: its city code, the message, its bytes, and when it came [s of the loop]."""

    code: str
    message: Hello | OfEntries
    body: bytes
    heard_s: float = 0.0


class Unread(msgspec.Struct, frozen=True, gc=False):
    """What a pole said and nobody has looked into: its city code, the bytes, and when it came [s of the loop]."""

    code: str
    body: bytes
    heard_s: float = 0.0


class Peer:
    """One pole as the gateway serves it: the routing id of its connection, its queue and its bucket."""

    __slots__ = ("code", "dropped", "filled_s", "flooding", "left_bytes", "queue", "route", "waiting_bytes")

    def __init__(self, code: str, now_s: float) -> None:
        self.code = code
        self.route = b""
        self.dropped = b""  # the last connection that was ended because it flooded
        self.queue: deque[Unread] = deque()
        self.waiting_bytes = 0
        self.left_bytes: float = BURST_BYTES
        self.filled_s = now_s
        self.flooding = False


class Flow:
    """The queues and buckets of all poles; `named(code, floods)` is told who begins to flood and who ends."""

    def __init__(self, named: Callable[[str, bool], None]) -> None:
        self._named = named
        self._ready: deque[Peer] = deque()  # those with something to serve, in turns
        self._slowed: dict[str, Peer] = {}  # those with something that must wait for their bucket
        self._flooding: dict[str, Peer] = {}
        self._waiting_bytes = 0

    @property
    def ready(self) -> bool:
        """Whether something can be served now."""
        return bool(self._ready)

    @property
    def flooding(self) -> tuple[str, ...]:
        """The city codes of the poles that are slowed."""
        return tuple(self._flooding)

    def window(self, peer: Peer) -> int:
        """How many entries beyond what is durable the pole may have under way."""
        return SMALL_WINDOW if peer.flooding else WINDOW

    def charge(self, peer: Peer, size: int, now_s: float) -> bool:
        """Take a message's bytes from the bucket; False when the pole owes so much that it is not to be heard."""
        left = peer.left_bytes + (now_s - peer.filled_s) * BYTES_PER_S
        if left > BURST_BYTES:
            left = BURST_BYTES
        peer.filled_s = now_s
        if left <= -BURST_BYTES:
            peer.left_bytes = left
            return False
        peer.left_bytes = left = left - size
        if left < 0 and not peer.flooding:
            peer.flooding = True
            self._flooding[peer.code] = peer
            self._named(peer.code, True)
        return True

    def put(self, peer: Peer, said: Unread) -> bool:
        """Queue a message; False when its pole has too much waiting for the room that all have left."""
        queue, size = peer.queue, len(said.body)
        if len(queue) >= WAITING_PER_POLE or peer.waiting_bytes >= SHARE * (WAITING_BYTES - self._waiting_bytes):
            return False
        if not queue:
            self._line_up(peer)
        queue.append(said)
        peer.waiting_bytes += size
        self._waiting_bytes += size
        return True

    def take(self, most: int, most_bytes: int) -> list[Unread]:
        """Up to so many messages, and bytes but for the last one: one of each pole in turn, each pole's in order."""
        taken: list[Unread] = []
        ready, left_bytes = self._ready, most_bytes
        while ready and left_bytes > 0 and len(taken) < most:
            peer = ready.popleft()
            said = peer.queue.popleft()
            size = len(said.body)
            left_bytes -= size
            peer.waiting_bytes -= size
            taken.append(said)
            if peer.queue:
                self._line_up(peer)
        self._waiting_bytes -= most_bytes - left_bytes
        return taken

    def relieve(self, now_s: float) -> float | None:
        """Serve those again whose bucket has something; the loop's second at which to look again, None when never."""
        if not self._flooding:
            return None
        for code, peer in list(self._flooding.items()):
            self.charge(peer, 0, now_s)
            if peer.left_bytes >= 0 and self._slowed.pop(code, None) is not None:
                self._ready.append(peer)
            if peer.left_bytes >= BURST_BYTES and not peer.queue:
                peer.flooding = False
                del self._flooding[code]
                self._named(code, False)
        return now_s + LOOK_S if self._flooding else None

    def _line_up(self, peer: Peer) -> None:
        if peer.left_bytes < 0:
            self._slowed[peer.code] = peer
        else:
            self._ready.append(peer)
