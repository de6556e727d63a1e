"""What bytes travel over between a simulated drone and a ground station: memory, UDP or TCP.

Every link is a pipe of chunks, one chunk being whole MAVLink frames as they were sent. The memory link works in any
tempo; the socket links need a loop that waits.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
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


class MemoryLink:
    """One end of a link in memory; chunks arrive in order, `latency_s` after they were sent, or never."""

    def __init__(self, *, latency_s: float, loss: float, rng: random.Random) -> None:
        self._latency_s = latency_s
        self._loss = loss
        self._rng = rng
        self._inbox = _Inbox()
        self._under_way: deque[bytes] = deque()
        self._outage = [False]  # shared by both ends
        self._peer: MemoryLink = self
        self.sent = 0
        self.lost = 0

    def join(self, peer: MemoryLink) -> None:
        """Make this end and `peer` the two ends of one link."""
        self._peer, peer._peer = peer, self
        self._outage = peer._outage

    def cut(self, broken: bool) -> None:
        """Begin or end an outage of the whole link: what is sent meanwhile is lost, in both directions."""
        self._outage[0] = broken

    def send(self, data: bytes) -> None:
        """Send a chunk to the other end."""
        self.sent += 1
        if self._inbox.closed or self._outage[0] or (self._loss > 0.0 and self._rng.random() < self._loss):
            self.lost += 1
            return
        self._under_way.append(data)
        asyncio.get_running_loop().call_later(self._latency_s, self._arrive)

    def _arrive(self) -> None:
        # the loop runs timers of one moment in any order, so each takes what was sent first, not what it was made for
        self._peer._inbox.put(self._under_way.popleft())

    async def receive(self) -> bytes:
        """The next chunk from the other end."""
        return await self._inbox.get()

    def close(self) -> None:
        """Close both ends; what is on its way is lost."""
        self._inbox.close()
        self._peer._inbox.close()


def memory_link(*, latency_s: float = 0.01, loss: float = 0.0, rng: random.Random) -> tuple[MemoryLink, MemoryLink]:
    """Two joined ends; each chunk is lost with probability `loss`, independently."""
    if not 0.0 <= loss <= 1.0 or latency_s < 0.0:
        raise ValueError(f"a loss of {loss} or a latency of {latency_s} s makes no link")
    one = MemoryLink(latency_s=latency_s, loss=loss, rng=rng)
    other = MemoryLink(latency_s=latency_s, loss=loss, rng=rng)
    other.join(one)
    return one, other


class UdpLink(asyncio.DatagramProtocol):
    """MAVLink over UDP, one frame or more a datagram."""

    def __init__(self, peer: tuple[str, int] | None) -> None:
        self._inbox = _Inbox()
        self._peer: Any = peer
        self._transport: asyncio.DatagramTransport | None = None
        self._broken = False
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
            self._inbox.put(data)

    def error_received(self, exc: Exception) -> None:
        """Called by the loop when nobody listens at the other end; the air would not say so either."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop when the socket is closed."""
        self._inbox.close()

    def send(self, data: bytes) -> None:
        """Send one datagram, if it is known where to."""
        if self._broken:
            return
        if self._transport is not None and not self._transport.is_closing() and self._peer is not None:
            self._transport.sendto(data, self._peer)

    def cut(self, broken: bool) -> None:
        """Begin or end an outage in both directions."""
        self._broken = broken

    async def receive(self) -> bytes:
        """The next datagram."""
        return await self._inbox.get()

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
        self._inbox.close()


class TcpLink(asyncio.Protocol):
    """One accepted TCP connection; chunks are cut anywhere."""

    def __init__(self, on_client: Callable[[Link], None]) -> None:
        self._on_client = on_client
        self._inbox = _Inbox()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        """Called by the loop when the connection stands."""
        self._transport = transport
        self._on_client(self)

    def data_received(self, data: bytes) -> None:
        """Called by the loop for what arrived."""
        self._inbox.put(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop when the connection is gone."""
        self._inbox.close()

    def send(self, data: bytes) -> None:
        """Send bytes; they are lost when the connection is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def receive(self) -> bytes:
        """The next bytes."""
        return await self._inbox.get()

    def close(self) -> None:
        """Close the connection after what was sent has left."""
        if self._transport is not None:
            self._transport.close()
        self._inbox.close()


async def serve_tcp(host: str, port: int, on_client: Callable[[Link], None]) -> asyncio.Server:
    """Accept connections and hand each one over as a link; the caller closes the server."""
    return await asyncio.get_running_loop().create_server(lambda: TcpLink(on_client), host, port)
