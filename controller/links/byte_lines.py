"""TCP and serial lines that come back by themselves: the reader's `receive` opens, reads and reopens them."""

from __future__ import annotations

import asyncio
import os
import termios

import serial

from controller.links.addresses import Address, cannot_open
from controller.links.waiting import TransportClosed

FIRST_RETRY_S = 0.25
LONGEST_RETRY_S = 5.0
CONNECT_WITHIN_S = 5.0
SILENT_S = 15.0  # a peer that vanished closes nothing; an autopilot's heartbeat comes each second
CHUNK_BYTES = 65536
UNSENT_BOUND_BYTES = 262144  # a peer that reads nothing must not make us grow


class _Retry:
    """The pause before the next try to open a line: doubles up to a bound, and starts again after a success."""

    def __init__(self) -> None:
        self._pause_s = FIRST_RETRY_S
        self._closed = asyncio.Event()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def close(self) -> None:
        self._closed.set()

    def succeeded(self) -> None:
        self._pause_s = FIRST_RETRY_S

    async def pause(self) -> None:
        """Wait before the next try; raises `TransportClosed` when the line was closed meanwhile."""
        pause_s, self._pause_s = self._pause_s, min(self._pause_s * 2, LONGEST_RETRY_S)
        try:
            async with asyncio.timeout(pause_s):
                await self._closed.wait()
        except TimeoutError:
            return
        raise TransportClosed("the line was closed")


class TcpLine:
    """A TCP connection as a client; `connections` counts how often it was opened, `unsent` the sends that were lost."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._retry = _Retry()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.connections = 0
        self.unsent = 0

    def send(self, data: bytes) -> None:
        """Send bytes if the connection stands."""
        if self._streams is None:
            self.unsent += 1
            return
        writer = self._streams[1]
        if writer.is_closing() or writer.transport.get_write_buffer_size() > UNSENT_BOUND_BYTES:
            self.unsent += 1
            return
        writer.write(data)

    async def receive(self) -> bytes:
        """The next bytes; opens the connection when there is none, again and again until closed."""
        while not self._retry.closed:
            if self._streams is None:
                await self._connect()
                continue
            try:
                async with asyncio.timeout(SILENT_S):
                    data = await self._streams[0].read(CHUNK_BYTES)
            except OSError:  # reset, or silent for too long
                data = b""
            if data:
                self._retry.succeeded()
                return data
            self._drop()
            await self._retry.pause()
        raise TransportClosed("the line was closed")

    def close(self) -> None:
        """Hang up and stay so."""
        self._retry.close()
        self._drop()

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                streams = await asyncio.open_connection(self._address.place, self._address.number)
        except (OSError, UnicodeError):  # refused, unreachable, late (TimeoutError is an OSError), or no name at all
            await self._retry.pause()
            return
        self._streams = streams
        self.connections += 1
        if self._retry.closed:
            self._drop()

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


class SerialLine:
    """A serial port read by the event loop itself, without a thread."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._retry = _Retry()
        self._port: serial.Serial | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._unwritten = bytearray()
        self.connections = 0
        self.unsent = 0

    def open(self) -> None:
        """Open the port; raises `Refused` when it cannot be, which only the first time is worth telling a person."""
        try:
            self._open_port()
        except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
            raise cannot_open(self._address, error) from error

    def send(self, data: bytes) -> None:
        """Write bytes now, and what the port does not take now as soon as it does."""
        if self._port is None or len(self._unwritten) > UNSENT_BOUND_BYTES:
            self.unsent += 1
            return
        self._unwritten += data
        self._write()

    async def receive(self) -> bytes:
        """The next bytes; reopens a port that went away until closed."""
        while not self._retry.closed:
            if self._port is None:
                await self._reopen()
                continue
            data = self._read()
            if not data:
                await self._readable()
                data = self._read()
            if data:
                self._retry.succeeded()
                return data
            if not self._retry.closed:  # readable and yet nothing to read: the device went away
                self._drop()
                await self._retry.pause()
        raise TransportClosed("the line was closed")

    def close(self) -> None:
        """Close the port and leave it so."""
        self._retry.close()
        self._drop()

    def _open_port(self) -> None:
        self._port = serial.Serial(self._address.place, self._address.number, timeout=0, write_timeout=0)
        self._unwritten.clear()
        self.connections += 1

    def _read(self) -> bytes:
        if self._port is None:
            return b""
        try:
            return os.read(self._port.fileno(), CHUNK_BYTES)
        except OSError:
            return b""

    async def _reopen(self) -> None:
        try:
            self._open_port()
        except (OSError, ValueError, termios.error):
            await self._retry.pause()

    async def _readable(self) -> None:
        assert self._port is not None
        loop = asyncio.get_running_loop()
        descriptor = self._port.fileno()
        self._waiting = loop.create_future()
        loop.add_reader(descriptor, self._wake)
        try:
            await self._waiting
        finally:
            if self._port is not None:  # when it was dropped meanwhile, the number may belong to another file by now
                loop.remove_reader(descriptor)
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _write(self) -> None:
        if self._port is None:
            return
        loop = asyncio.get_running_loop()
        try:
            written = os.write(self._port.fileno(), self._unwritten)
        except BlockingIOError:
            written = 0
        except OSError:
            self.unsent += 1
            self._unwritten.clear()
            written = 0
        del self._unwritten[:written]
        if self._unwritten:
            loop.add_writer(self._port.fileno(), self._write)
        else:
            loop.remove_writer(self._port.fileno())

    def _drop(self) -> None:
        if self._port is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._port.fileno())
        loop.remove_writer(self._port.fileno())
        self._port.close()
        self._port = None
        self._unwritten.clear()
        self._wake()
