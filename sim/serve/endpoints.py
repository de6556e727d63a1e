"""Where drones are found: one ground station that all send to, and a UDP and a TCP port of its own for each.

The TCP ports lie ten apart, as those of ArduPilot's simulator do.
"""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from airspace.reasons import Reason, Refused, Rule, Words
from sim.links import Link, Quality, SocketLink, UdpLink, serve_tcp

LOOPBACK = "127.0.0.1"
TCP_STRIDE = 10

PORT_TAKEN = Rule(
    "serve.port-taken",
    Words("port {port} ({kind}) is in use by another program", "端口 {port}（{kind}）已被其他程序占用"),
    Words(
        "End that program, or choose other ports with --udp and --tcp.",
        "请结束该程序，或用 --udp、--tcp 另选端口。",
    ),
)


class Attachable(Protocol):
    """A drone as far as links matter: a simulated one or a real autopilot."""

    system_id: int

    def attach(self, link: Link) -> None:
        """Serve one more link."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the drones are found; None leaves a way out, 0 takes whatever port is free.

    `udp` and `tcp` are the first drone's, `gcs` is the address that all of them send to.
    """

    udp: int | None = 14600
    tcp: int | None = 5760
    gcs: tuple[str, int] | None = (LOOPBACK, 14550)

    def of(self, place: int) -> Ports:
        """The ports of one drone."""
        udp = self.udp + place if self.udp else self.udp
        tcp = self.tcp + TCP_STRIDE * place if self.tcp else self.tcp
        return replace(self, udp=udp, tcp=tcp)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one drone is found: its system id and the ports that were opened."""

    system_id: int
    udp: int | None
    tcp: int | None


class Doors:
    """The open ports of some drones; `quality` is the radio between each drone and whoever is connected to it."""

    def __init__(self, quality: Quality, rng: random.Random) -> None:
        self._quality = quality
        self._rng = rng
        self._servers: list[asyncio.Server] = []
        self._links: list[Link] = []

    async def open(self, drones: Sequence[Attachable], ports: Ports) -> list[Endpoint]:
        """Open every drone's ports; raises `Refused` for a port that is taken, and leaves none open then."""
        try:
            return [await self._open(drone, ports.of(place)) for place, drone in enumerate(drones)]
        except Refused:
            self.close()
            raise

    async def _open(self, drone: Attachable, ports: Ports) -> Endpoint:
        udp = tcp = None
        if ports.gcs is not None:
            self._attach(drone, await UdpLink.to(*ports.gcs))
        if ports.udp is not None:
            try:
                link = await UdpLink.listen(LOOPBACK, ports.udp)
            except OSError as error:
                raise _refusal(error, ports.udp, "UDP") from None
            self._attach(drone, link)
            udp = link.address[1]
        if ports.tcp is not None:
            try:
                server = await serve_tcp(LOOPBACK, ports.tcp, lambda link: self._attach(drone, link))
            except OSError as error:
                raise _refusal(error, ports.tcp, "TCP") from None
            self._servers.append(server)
            tcp = int(server.sockets[0].getsockname()[1])
        return Endpoint(drone.system_id, udp, tcp)

    def _attach(self, drone: Attachable, link: Link) -> None:
        if isinstance(link, SocketLink) and self._quality != Quality():
            link.carry(lambda: self._quality, self._rng)
        self._links.append(link)
        drone.attach(link)

    def close(self) -> None:
        """Close every port and every connection."""
        for server in self._servers:
            server.close()
        for link in self._links:
            link.close()
        self._servers.clear()
        self._links.clear()


def _refusal(error: OSError, port: int, kind: str) -> Refused:
    if error.errno not in (errno.EADDRINUSE, errno.EACCES):
        raise error
    return Refused([Reason(PORT_TAKEN, kind, {"port": port, "kind": kind})])
