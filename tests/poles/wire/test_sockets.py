"""How the gateway finds a connection whose other end is gone: by its kernel, at no cost to those that stand."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from poles.wire.sockets import KEEPALIVE_AGAIN_S, KEEPALIVE_S, KEEPALIVE_TIMES, UNANSWERED_MS
from tests.poles.town import Town, in_town

WANTED = {
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): KEEPALIVE_S,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): KEEPALIVE_AGAIN_S,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): KEEPALIVE_TIMES,
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): UNANSWERED_MS,
}


def asked_of_accepted(port: int) -> list[dict[tuple[int, int], int]]:
    """What the kernel is to do with each connection of this process that came in at a port."""
    told = []
    for entry in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as found:
            if found.family == socket.AF_INET and found.getsockname()[1] == port and found.getpeername():
                told.append({option: found.getsockopt(*option) for option in WANTED})
    return told


@in_town
async def test_the_kernel_asks_whether_a_silent_pole_is_still_there(town: Town) -> None:
    port = int(town.gateway.address.rpartition(":")[2])
    async with town.welcomed():
        assert asked_of_accepted(port) == [WANTED]
