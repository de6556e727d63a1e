"""What bytes travel over between a simulated drone and a ground station: memory, UDP or TCP.

Every link is a pipe of chunks, one chunk being whole MAVLink frames as they were sent. The memory link works in any
tempo; the socket links need a loop that waits.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

PENDING_CHUNKS = 4096  # a reader that stopped loses the oldest chunk beyond this many, as a full socket buffer would


class Link(Protocol):
    """One end of a pipe of bytes."""

    def send(self, data: bytes) -> None:
        """Send a chunk; what cannot be sent is lost without a word, as on the air."""

    async def receive(self) -> bytes:
        """The next chunk; raises `EOFError` when the link is closed for good."""

    def close(self) -> None:
        """Close the link for good."""


class _Inbox:
    """Chunks that have arrived and wait to be read."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=PENDING_CHUNKS)
        self._waiting: asyncio.Future[None] | None = None
        self.closed = False

    def put(self, data: bytes) -> None:
        if not self.closed:
            self._chunks.append(data)
            self._wake()

    def close(self) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> bytes:
        while not self._chunks:
            if self.closed:
                raise EOFError("the link is closed")
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._chunks.popleft()


@dataclass(frozen=True, slots=True)
class Quality:
    """How a link carries: what share of the chunks it loses and doubles, and when the others arrive.

    A chunk arrives `delay_s` after it was sent and up to `jitter_s` later than that, evenly spread, so that jitter lets
    chunks overtake each other. Raises ValueError for what no link can be.
    """

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    doubled: float = 0.0

    def __post_init__(self) -> None:
        shares = 0.0 <= self.loss <= 1.0 and 0.0 <= self.doubled <= 1.0
        if not (shares and self.delay_s >= 0.0 and self.jitter_s >= 0.0):
            raise ValueError(f"{self} makes no link")


class Passage:
    """One direction of a link: chunks go in at `send` and come out at `deliver`, or never.

    `quality` is asked for each chunk; chance is drawn from `rng` only where the quality leaves something to it.
    """

    def __init__(self, deliver: Callable[[bytes], None], quality: Callable[[], Quality], rng: random.Random) -> None:
        self._deliver = deliver
        self._rng = rng
        self._under_way: dict[float, list[bytes]] = {}  # by the loop second of arrival
        self.quality = quality
        self._newest_s = 0.0  # the latest moment at which something that was sent arrives
        self.sent = 0
        self.lost = 0
        self.doubled = 0
        self.overtaken = 0  # how many arrive before one that was sent earlier
        self.slowest_s = 0.0  # the longest that one was on its way

    def send(self, data: bytes) -> None:
        """Send a chunk on its way."""
        self.sent += 1
        quality = self.quality()
        if quality.loss > 0.0 and self._rng.random() < quality.loss:
            self.lost += 1
            return
        self._depart(data, quality)
        if quality.doubled > 0.0 and self._rng.random() < quality.doubled:
            self.doubled += 1
            self._depart(data, quality)

    def _depart(self, data: bytes, quality: Quality) -> None:
        loop = asyncio.get_running_loop()
        way_s = quality.delay_s
        if quality.jitter_s > 0.0:
            way_s += self._rng.random() * quality.jitter_s
        at_s = loop.time() + way_s
        self.slowest_s = max(self.slowest_s, way_s)
        if at_s < self._newest_s:
            self.overtaken += 1
        else:
            self._newest_s = at_s
        # one timer for all that arrives at a moment: the loop runs timers of one moment in any order
        together = self._under_way.get(at_s)
        if together is None:
            self._under_way[at_s] = [data]
            loop.call_at(at_s, self._arrive, at_s)
        else:
            together.append(data)

    def _arrive(self, at_s: float) -> None:
        for data in self._under_way.pop(at_s):
            self._deliver(data)


class MemoryLink:
    """One end of a link in memory."""

    def __init__(self, quality: Quality, rng: random.Random) -> None:
        self.own = quality  # what it carries as until `carry` says otherwise
        self._inbox = _Inbox()
        self._outage = [False]  # shared by both ends
        self._way = Passage(self._inbox.put, lambda: quality, rng)
        self._peer: MemoryLink = self

    def join(self, peer: MemoryLink) -> None:
        """Make this end and `peer` the two ends of one link."""
        self._peer, peer._peer = peer, self
        self._outage = peer._outage
        self._way, peer._way = peer._way, self._way  # each end's way leads into the other's inbox

    @property
    def ways(self) -> tuple[Passage, Passage]:
        """The way out of this end, and the one into it."""
        return self._way, self._peer._way

    @property
    def sent(self) -> int:
        """How many chunks this end has sent."""
        return self._way.sent

    @property
    def lost(self) -> int:
        """How many of them were lost."""
        return self._way.lost

    @property
    def closed(self) -> bool:
        """Whether it is closed for good."""
        return self._inbox.closed

    def carry(self, quality: Callable[[], Quality]) -> None:
        """From now on carry as `quality` says, which is asked for each chunk in both directions."""
        self._way.quality = self._peer._way.quality = quality

    def cut(self, broken: bool) -> None:
        """Begin or end an outage of the whole link: what is sent meanwhile is lost, in both directions."""
        self._outage[0] = broken

    def send(self, data: bytes) -> None:
        """Send a chunk to the other end."""
        if self._outage[0] or self._inbox.closed:
            self._way.sent += 1
            self._way.lost += 1
        else:
            self._way.send(data)

    async def receive(self) -> bytes:
        """The next chunk from the other end."""
        return await self._inbox.get()

    def close(self) -> None:
        """Close both ends; what is on its way is lost."""
        self._inbox.close()
        self._peer._inbox.close()


def memory_link(
    *, latency_s: float = 0.01, jitter_s: float = 0.0, loss: float = 0.0, doubled: float = 0.0, rng: random.Random
) -> tuple[MemoryLink, MemoryLink]:
    """Two joined ends; each chunk meets its `Quality` independently of all others."""
    quality = Quality(loss, latency_s, jitter_s, doubled)
    one, other = MemoryLink(quality, rng), MemoryLink(quality, rng)
    other.join(one)
    return one, other


class SocketLink(ABC):
    """What the links over sockets have in common: the radio that may lie behind the socket."""

    def __init__(self) -> None:
        self._inbox = _Inbox()
        self._broken = False
        self._out: Callable[[bytes], None] = self._transmit
        self._in: Callable[[bytes], None] = self._inbox.put

    def carry(self, quality: Callable[[], Quality], rng: random.Random) -> None:
        """From now on carry as `quality` says, which is asked for each chunk in both directions."""
        self._out, self._in = Passage(self._transmit, quality, rng).send, Passage(self._inbox.put, quality, rng).send

    @property
    def closed(self) -> bool:
        """Whether it is closed for good."""
        return self._inbox.closed

    def cut(self, broken: bool) -> None:
        """Begin or end an outage in both directions; the socket stays open."""
        self._broken = broken

    def send(self, data: bytes) -> None:
        """Send bytes; they are lost when the socket is closed or it is not known yet where to."""
        if not self._broken:
            self._out(data)

    @abstractmethod
    def _transmit(self, data: bytes) -> None:
        """Hand a chunk to the socket."""

    def _arrived(self, data: bytes) -> None:
        if not self._broken:
            self._in(data)

    async def receive(self) -> bytes:
        """The next chunk that arrived."""
        return await self._inbox.get()


class UdpLink(SocketLink, asyncio.DatagramProtocol):
    """MAVLink over UDP, one frame or more a datagram."""

    def __init__(self, peer: tuple[str, int] | None) -> None:
        super().__init__()
        self._peer: Any = peer
        self._transport: asyncio.DatagramTransport | None = None
        self.address: tuple[str, int] = ("", 0)

    @classmethod
    async def to(cls, host: str, port: int) -> UdpLink:
        """A link that sends to a known address at once, as ArduPilot's `udpclient:` does."""
        link = cls((host, port))
        local = ("127.0.0.1", 0) if host in ("127.0.0.1", "localhost") else ("0.0.0.0", 0)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: link, local_addr=local)
        return link

    @classmethod
    async def listen(cls, host: str, port: int) -> UdpLink:
        """A link that answers to whoever spoke last."""
        link = cls(None)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: link, local_addr=(host, port))
        return link

    def connection_made(self, transport: Any) -> None:
        """Called by the loop when the socket is open."""
        self._transport = transport
        host, port = transport.get_extra_info("sockname")[:2]
        self.address = (host, port)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Called by the loop for each datagram."""
        if not self._broken:
            self._peer = addr
        self._arrived(data)

    def error_received(self, exc: Exception) -> None:
        """Called by the loop when nobody listens at the other end; the air would not say so either."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop when the socket is closed."""
        self._inbox.close()

    def _transmit(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing() and self._peer is not None:
            self._transport.sendto(data, self._peer)

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
        self._inbox.close()


class TcpLink(SocketLink, asyncio.Protocol):
    """One accepted TCP connection; chunks are cut anywhere. `on_end` is called when it is gone."""

    def __init__(self, on_client: Callable[[TcpLink], None], on_end: Callable[[TcpLink], None]) -> None:
        super().__init__()
        self._on_client = on_client
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        """Called by the loop when the connection stands."""
        self._transport = transport
        self._on_client(self)

    def data_received(self, data: bytes) -> None:
        """Called by the loop for what arrived."""
        self._arrived(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop when the connection is gone."""
        self._inbox.close()
        self._on_end(self)

    def _transmit(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection after what was sent has left."""
        if self._transport is not None:
            self._transport.close()
        self._inbox.close()


class _Turns:
    """Hands over one connection after the other; who comes meanwhile waits, and what it sends waits with it."""

    def __init__(self, on_client: Callable[[Link], None]) -> None:
        self._on_client = on_client
        self._connected: list[TcpLink] = []

    def come(self, link: TcpLink) -> None:
        """A connection was made."""
        self._connected.append(link)
        if len(self._connected) == 1:
            self._on_client(link)

    def go(self, link: TcpLink) -> None:
        """A connection is gone: the next one's turn, if it was the one that was served."""
        served = self._connected[0] is link
        self._connected.remove(link)
        if served and self._connected:
            self._on_client(self._connected[0])


async def serve_tcp(
    host: str, port: int, on_client: Callable[[Link], None], *, one_at_a_time: bool = False
) -> asyncio.Server:
    """Accept connections and hand each one over as a link; the caller closes the server.

    `one_at_a_time` is ArduPilot's rule: a second client gets nothing until the first has gone, and is served then.
    """
    turns = _Turns(on_client)

    def link() -> TcpLink:
        return TcpLink(turns.come, turns.go) if one_at_a_time else TcpLink(on_client, lambda gone: None)

    return await asyncio.get_running_loop().create_server(link, host, port)
