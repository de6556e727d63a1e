"""Real sockets and a real terminal pair, in real time on this machine."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from airspace.reasons import Refused
from controller.clock import Clock, real_tempo, run, scaled_tempo
from controller.links.addresses import Address
from controller.links.byte_lines import SerialLine, TcpLine
from controller.links.codec import Codec
from controller.links.drone import DroneLink
from controller.links.transport import TransportClosed, UdpTransport, open_transport
from tests.controller.links.autopilot import heartbeat


def frame(mode: int = 0) -> bytes:
    return Codec(source_system=7, source_component=1).encode(heartbeat(mode))


def in_real_time(body: Callable[[Clock], Awaitable[Any]]) -> None:
    async def main(clock: Clock) -> None:
        async with asyncio.timeout(15.0):
            await body(clock)

    run(main, real_tempo())


class Peer(asyncio.DatagramProtocol):
    """A UDP socket of the test's."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[bytes, Any]] = asyncio.Queue()
        self.socket: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self.socket = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.got.put_nowait((data, addr))

    @property
    def port(self) -> int:
        return int(self.socket.get_extra_info("sockname")[1])


async def peer() -> Peer:
    _, made = await asyncio.get_running_loop().create_datagram_endpoint(Peer, local_addr=("127.0.0.1", 0))
    return made


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "does not begin"),
        ("ftp:host:1", "does not begin"),
        ("udp", "two parts"),
        ("udp:14550", "two parts"),
        ("tcp:host:", "two parts"),
        ("tcp:host:port", "port is not a number"),
        ("tcp:host:70000", "port is not a number"),
        ("tcp:host:-1", "port is not a number"),
        ("udpout:host:0", "port 0"),
        ("serial:/dev/ttyUSB0:fast", "baud rate"),
        ("serial:/dev/does-not-exist:57600", "cannot be opened"),
        ("udp:203.0.113.7:14550", "cannot be opened"),
    ],
)
def test_a_bad_address_is_refused_with_what_to_write_instead(address: str, why: str) -> None:
    async def body(clock: Clock) -> None:
        with pytest.raises(Refused, match=why) as caught:
            await open_transport(address)
        (reason,) = caught.value.reasons
        assert reason.text("zh") != reason.text("en")
        assert reason.rule.remedy.en in reason.text("en")

    in_real_time(body)


def test_a_taken_port_is_refused() -> None:
    async def body(clock: Clock) -> None:
        one = await open_transport("udp:127.0.0.1:0")
        assert isinstance(one, UdpTransport)
        with pytest.raises(Refused, match="cannot be opened"):
            await open_transport(f"udp:127.0.0.1:{one.local_address[1]}")
        one.close()

    in_real_time(body)


def test_a_listening_end_answers_the_last_sender_of_valid_frames() -> None:
    async def body(clock: Clock) -> None:
        transport = await open_transport("udp:127.0.0.1:0")
        assert isinstance(transport, UdpTransport)
        drone, stranger = await peer(), await peer()
        transport.send(b"nobody there")
        assert transport.unsent == 1
        drone.socket.sendto(frame(), transport.local_address)
        assert await transport.receive() == frame()
        stranger.socket.sendto(b"not MAVLink at all", transport.local_address)
        stranger.socket.sendto(frame()[:-1] + b"\x00", transport.local_address)
        drone.socket.sendto(b"\xfd any bytes of the peer's", transport.local_address)
        assert await transport.receive() == b"\xfd any bytes of the peer's"
        assert transport.ignored == 2
        transport.send(b"to the drone")
        assert (await drone.got.get())[0] == b"to the drone"
        moved = await peer()  # the drone's modem got a new port
        moved.socket.sendto(frame(4), transport.local_address)
        await transport.receive()
        transport.send(b"to the new port")
        assert (await moved.got.get())[0] == b"to the new port"
        transport.close()
        with pytest.raises(TransportClosed):
            await transport.receive()
        for end in (drone, stranger, moved):
            end.socket.close()

    in_real_time(body)


def test_a_calling_end_speaks_first_and_hears_only_its_peer() -> None:
    async def body(clock: Clock) -> None:
        drone, stranger = await peer(), await peer()
        transport = await open_transport(f"udpout:127.0.0.1:{drone.port}")
        assert isinstance(transport, UdpTransport)
        transport.send(b"hello")
        data, address = await drone.got.get()
        assert data == b"hello"
        stranger.socket.sendto(frame(), ("127.0.0.1", address[1]))
        drone.socket.sendto(frame(4), address)
        assert await transport.receive() == frame(4)
        transport.close()
        drone.socket.close()
        stranger.socket.close()

    in_real_time(body)


class Server:
    """A TCP autopilot: notes its connections and can drop them."""

    def __init__(self) -> None:
        self.writers: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(self, port: int = 0) -> asyncio.Server:
        return await asyncio.start_server(self._client, "127.0.0.1", port)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.put_nowait(writer)
        try:
            while data := await reader.read(4096):
                self.received.put_nowait(data)
        except ConnectionError:
            pass
        finally:
            writer.close()


def test_a_tcp_line_that_drops_comes_back_by_itself_until_closed() -> None:
    async def body(clock: Clock) -> None:
        autopilot = Server()
        server = await autopilot.serve()
        port = server.sockets[0].getsockname()[1]
        line = await open_transport(f"tcp:127.0.0.1:{port}")
        assert isinstance(line, TcpLine)
        async with asyncio.TaskGroup() as tasks:
            for round_ in range(2):
                received = tasks.create_task(line.receive())
                writer = await autopilot.writers.get()
                writer.write(frame(round_))
                assert await received == frame(round_)
                line.send(b"hello")
                assert await autopilot.received.get() == b"hello"
                writer.transport.abort()  # the autopilot reboots
            assert line.connections == 2
        last = asyncio.create_task(line.receive())
        await autopilot.writers.get()
        line.close()
        with pytest.raises(TransportClosed):
            await last
        server.close()
        await server.wait_closed()

    in_real_time(body)


def test_a_tcp_autopilot_that_is_not_there_yet_is_waited_for() -> None:
    async def body(clock: Clock) -> None:
        autopilot = Server()
        server = await autopilot.serve()
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        line = TcpLine(Address("tcp", "127.0.0.1", port))
        line.send(b"lost")
        assert line.unsent == 1
        async with asyncio.TaskGroup() as tasks:
            received = tasks.create_task(line.receive())
            await asyncio.sleep(0.4)
            server = await autopilot.serve(port)
            writer = await autopilot.writers.get()
            writer.write(frame())
            assert await received == frame()
        line.close()
        server.close()
        await server.wait_closed()

    in_real_time(body)


def test_a_tcp_peer_that_vanished_without_a_word_is_called_anew() -> None:
    async def main(clock: Clock) -> None:
        autopilot = Server()
        server = await autopilot.serve()
        line = TcpLine(Address("tcp", "127.0.0.1", server.sockets[0].getsockname()[1]))
        async with asyncio.TaskGroup() as tasks:
            received = tasks.create_task(line.receive())
            await autopilot.writers.get()  # connected, and silent
            writer = await autopilot.writers.get()
            writer.write(frame())
            assert await received == frame()
        assert line.connections == 2
        line.close()
        server.close()
        await server.wait_closed()

    run(main, scaled_tempo(50.0))


def test_a_serial_line_reads_and_writes_without_a_thread() -> None:
    async def body(clock: Clock) -> None:
        autopilot, device = os.openpty()
        tty.setraw(autopilot)
        line = await open_transport(f"serial:{os.ttyname(device)}:57600")
        assert isinstance(line, SerialLine)
        os.write(autopilot, frame())
        assert await line.receive() == frame()
        asyncio.get_running_loop().call_later(0.05, os.write, autopilot, frame(4))
        assert await line.receive() == frame(4)
        line.send(b"hello")
        assert os.read(autopilot, 100) == b"hello"
        line.close()
        with pytest.raises(TransportClosed):
            await line.receive()
        os.close(device)
        os.close(autopilot)

    in_real_time(body)


def test_more_than_a_serial_port_takes_at_once_arrives_whole() -> None:
    async def body(clock: Clock) -> None:
        autopilot, device = os.openpty()
        tty.setraw(autopilot)
        os.set_blocking(autopilot, False)
        line = await open_transport(f"serial:{os.ttyname(device)}:57600")
        sent = b"".join(frame(i) for i in range(2000))
        line.send(sent)
        got = b""
        while len(got) < len(sent):
            await asyncio.sleep(0.001)
            try:
                got += os.read(autopilot, 65536)
            except BlockingIOError:
                continue
        assert got == sent
        line.close()
        os.close(device)
        os.close(autopilot)

    in_real_time(body)


def test_a_serial_port_that_goes_away_is_opened_again_when_it_is_back(tmp_path: Any) -> None:
    async def body(clock: Clock) -> None:
        plug = tmp_path / "ttyACM0"
        autopilot, device = os.openpty()
        tty.setraw(autopilot)
        plug.symlink_to(os.ttyname(device))
        line = await open_transport(f"serial:{plug}:115200")
        assert isinstance(line, SerialLine)
        async with asyncio.TaskGroup() as tasks:
            received = tasks.create_task(line.receive())
            await asyncio.sleep(0.05)
            os.close(device)
            os.close(autopilot)  # unplugged
            plug.unlink()
            await asyncio.sleep(0.1)
            assert not received.done()
            line.send(b"lost")
            autopilot, device = os.openpty()
            tty.setraw(autopilot)
            plug.symlink_to(os.ttyname(device))
            for _ in range(100):  # what comes before the port is open again is lost
                os.write(autopilot, frame())
                await asyncio.sleep(0.05)
                if received.done():
                    break
            assert received.result().startswith(frame())
        assert line.connections == 2
        line.close()
        os.close(device)
        os.close(autopilot)

    in_real_time(body)


def test_a_drone_link_runs_over_udp() -> None:
    async def body(clock: Clock) -> None:
        transport = await open_transport("udp:127.0.0.1:0")
        assert isinstance(transport, UdpTransport)
        drone = await peer()
        async with DroneLink("D1", transport, clock) as link:
            drone.socket.sendto(frame(4), transport.local_address)
            state = await link.wait_for("GUIDED", lambda s: s.mode == "GUIDED", 5.0)
            assert state.system_id == 7
            data, _ = await drone.got.get()
            (message,) = Codec().feed(data)
            assert message.get_type() == "HEARTBEAT"
        drone.socket.close()

    in_real_time(body)
