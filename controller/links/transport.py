"""What carries the bytes of a link: UDP, TCP and serial lines behind three methods.

A transport moves bytes and nothing else. TCP and serial lines that drop come back by themselves until they are closed,
because an ArduPilot that reboots drops its TCP connection and takes its USB port away.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, cast

from controller.links.addresses import Address, cannot_open, parse_address
from controller.links.byte_lines import SerialLine, TcpLine
from controller.links.codec import holds_frame
from controller.links.waiting import LINE_BOUND, Backlog, TransportClosed

__all__ = ["Transport", "TransportClosed", "UdpTransport", "open_transport"]


class Transport(Protocol):
    """One link's way for bytes; the in-memory links of the simulator have the same shape."""

    def send(self, data: bytes) -> None:
        """Hand bytes over without waiting; what cannot be sent now is lost, as on any radio."""
        ...

    async def receive(self) -> bytes:
        """The next bytes that came; raises `TransportClosed` (an `EOFError`) when none will ever come."""
        ...

    def close(self) -> None:
        """End the transport for good; a waiting `receive` raises `TransportClosed`."""
        ...


class UdpTransport(asyncio.DatagramProtocol):
    """Datagrams to one peer: a fixed one (`udpout`), or whoever last sent a valid MAVLink frame (`udp`)."""

    def __init__(self, peer: tuple[Any, ...] | None = None) -> None:
        self._fixed = peer is not None
        self._peer = peer
        self._backlog: Backlog[bytes] = Backlog(LINE_BOUND)
        self._endpoint: asyncio.DatagramTransport | None = None
        self.unsent = 0  # datagrams that had nobody to go to
        self.ignored = 0  # datagrams from strangers

    @property
    def local_address(self) -> tuple[str, int]:
        """The host and port that this end listens on."""
        if self._endpoint is None:
            raise TransportClosed("the socket is not open")
        name = self._endpoint.get_extra_info("sockname")
        return str(name[0]), int(name[1])

    @property
    def overflowed(self) -> int:
        """Datagrams lost because nobody received them in time."""
        return self._backlog.overflowed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio when the socket is bound."""
        self._endpoint = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Called by asyncio: keep what came from the peer; a listening end takes a new peer for a valid frame."""
        if addr != self._peer:
            if self._fixed or not holds_frame(data):
                self.ignored += 1
                return
            self._peer = addr
        self._backlog.put(data)

    def error_received(self, exc: Exception) -> None:
        """Called by asyncio when a datagram bounced; nobody listens there yet, which the heartbeat's age tells."""
        self.unsent += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio when the socket is gone."""
        self._backlog.close()

    def send(self, data: bytes) -> None:
        """Send one datagram to the peer, if there is one."""
        if self._peer is None or self._endpoint is None or self._endpoint.is_closing():
            self.unsent += 1
            return
        self._endpoint.sendto(data, self._peer)

    async def receive(self) -> bytes:
        """The next datagram."""
        return await self._backlog.get()

    def close(self) -> None:
        """Close the socket."""
        if self._endpoint is not None:
            self._endpoint.close()
        self._backlog.close()


async def open_transport(address: str) -> Transport:
    """Open the link at an address such as `udp:0.0.0.0:14550`; raises `Refused` for one that is wrong or taken.

    TCP and serial addresses are opened by the first `receive` and again whenever they drop, so a peer that is not
    there yet is no error.
    """
    parsed = parse_address(address)
    match parsed.scheme:
        case "tcp":
            return TcpLine(parsed)
        case "serial":
            line = SerialLine(parsed)
            line.open()
            return line
        case "udp":
            return await _open_udp(parsed, None)
        case "udpout":
            return await _open_udp(parsed, await _resolve(parsed))


async def _resolve(address: Address) -> tuple[Any, ...]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(address.place, address.number)
    except (OSError, UnicodeError) as error:
        raise cannot_open(address, error) from error
    return tuple(found[0][4])


async def _open_udp(address: Address, peer: tuple[Any, ...] | None) -> UdpTransport:
    loop = asyncio.get_running_loop()
    local: tuple[str, int] = (address.place, address.number)
    if peer is not None:
        local = ("::" if len(peer) == 4 else "0.0.0.0", 0)
    try:
        _, transport = await loop.create_datagram_endpoint(lambda: UdpTransport(peer), local_addr=local)
    except (OSError, UnicodeError) as error:
        raise cannot_open(address, error) from error
    return transport
