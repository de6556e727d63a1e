"""A TCP way between a pole and its gateway that can be cut, slowed, or swallow everything without saying so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Proxy:
    """Passes connections on to `to_port`; made by `proxied`."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.delay_s = 0.0
        self.swallows = False
        self._ends: dict[asyncio.StreamWriter, None] = {}
        self._stranded: dict[asyncio.StreamWriter, None] = {}

    def cut(self) -> None:
        """Reset every connection there is."""
        for end in list(self._ends):
            end.transport.abort()

    def strand(self) -> None:
        """Every connection that stands is half open from now on, until somebody cuts it: it takes and gives nothing."""
        self._stranded |= self._ends

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to the end of either side."""
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.close()
            return
        if far_writer.get_extra_info("sockname") == far_writer.get_extra_info("peername"):
            far_writer.close()  # on loopback a connection to a free port may meet itself
            writer.close()
            return
        ends = (writer, far_writer)
        self._ends |= dict.fromkeys(ends)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass_on(reader, far_writer))
                tasks.create_task(self._pass_on(far_reader, writer))
        finally:
            for end in ends:
                self._ends.pop(end, None)
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if (
                    not self.swallows and writer not in self._stranded
                ):  # else a half-open connection: taken, and never heard of again
                    writer.write(data)
                    await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxied(to_port: int) -> AsyncIterator[tuple[Proxy, int]]:
    """A proxy and the port at which it listens."""
    proxy = Proxy(to_port)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        proxy.cut()
