"""Somebody on the way between a pole and its gateway: hears every byte, and may change, repeat or keep back some."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Meddle = Callable[[bytes], bytes]


def as_it_is(chunk: bytes) -> bytes:
    return chunk


@dataclass
class Tapped:
    """One connection: what the pole said and what the gateway said, as it went over the wire."""

    said: bytearray = field(default_factory=bytearray)
    heard: bytearray = field(default_factory=bytearray)
    end: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Wiretap:
    """A TCP proxy; `meddle` changes what poles say."""

    address: str
    meddle: Meddle = as_it_is
    connections: list[Tapped] = field(default_factory=list)


@asynccontextmanager
async def wiretap(to: str) -> AsyncIterator[Wiretap]:
    host, _, port = to.removeprefix("tcp://").partition(":")
    tap = Wiretap("")
    busy: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        one = Tapped()
        tap.connections.append(one)
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pump(reader, far_writer, one.said, lambda chunk: tap.meddle(chunk)))
                tasks.create_task(_pump(far_reader, writer, one.heard, as_it_is))
        except* OSError:
            pass
        finally:
            one.end.set()
            writer.close()
            far_writer.close()
            busy.discard(task)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    tap.address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield tap
    finally:
        server.close()
        for task in list(busy):
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray, meddle: Meddle) -> None:
    while chunk := await reader.read(65536):
        record += chunk
        writer.write(meddle(chunk))
        await writer.drain()
    writer.close()


async def converse(address: str, *said: bytes, pause_s: float = 0.1) -> bytes:
    """Say bytes on a TCP connection of their own, with pauses between; everything that comes back."""
    host, _, port = address.removeprefix("tcp://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    heard = b""
    try:
        for part in (*said, b"", b""):
            writer.write(part)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    while chunk := await reader.read(65536):
                        heard += chunk
    except ConnectionError:
        pass
    finally:
        writer.close()
    return heard
