from __future__ import annotations

import asyncio
import random

import pytest

from controller.clock import Clock, real_tempo, run, virtual_tempo
from sim.links import Link, MemoryLink, Quality, UdpLink, memory_link, serve_tcp


async def heard(link: Link, within_s: float) -> list[bytes]:
    got: list[bytes] = []
    try:
        async with asyncio.timeout(within_s):
            while True:
                got.append(await link.receive())
    except TimeoutError:
        return got


def test_memory_delivers_in_order_after_the_latency() -> None:
    async def main(clock: Clock) -> None:
        one, other = memory_link(latency_s=0.25, rng=random.Random(1))
        for i in range(200):
            one.send(bytes([i]))
        assert await other.receive() == b"\x00"
        assert clock.monotonic_s() == pytest.approx(0.25)
        assert await heard(other, 1.0) == [bytes([i]) for i in range(1, 200)]

    run(main, virtual_tempo())


def test_memory_loses_as_many_as_it_was_told() -> None:
    async def main(clock: Clock) -> None:
        one, other = memory_link(loss=0.3, rng=random.Random(1))
        for _ in range(2000):
            one.send(b"x")
        assert len(await heard(other, 1.0)) == pytest.approx(1400, abs=100)
        assert one.lost + len(await heard(other, 0.1)) <= one.sent

    run(main, virtual_tempo())


def test_memory_doubles_as_many_as_it_was_told_and_loses_none_for_it() -> None:
    async def main(clock: Clock) -> None:
        one, other = memory_link(doubled=0.2, rng=random.Random(1))
        for i in range(1000):
            one.send(i.to_bytes(2, "little"))
        got = await heard(other, 1.0)
        assert len(set(got)) == 1000
        assert len(got) == pytest.approx(1200, abs=50)
        assert one.ways[0].doubled == len(got) - 1000
        assert other.ways[1] is one.ways[0]

    run(main, virtual_tempo())


def test_jitter_lets_chunks_overtake_within_its_bounds() -> None:
    async def main(clock: Clock) -> None:
        one, other = memory_link(latency_s=0.1, jitter_s=0.05, rng=random.Random(1))
        sent_s: dict[bytes, float] = {}

        async def send() -> None:
            for i in range(300):
                sent_s[i.to_bytes(2, "little")] = clock.monotonic_s()
                one.send(i.to_bytes(2, "little"))
                await asyncio.sleep(0.01)

        sending = asyncio.create_task(send())
        order, delays = [], []
        for _ in range(300):
            data = await other.receive()
            order.append(int.from_bytes(data, "little"))
            delays.append(clock.monotonic_s() - sent_s[data])
        await sending
        assert sorted(order) == list(range(300)) != order
        assert min(delays) >= 0.1 - 1e-9
        assert max(delays) <= 0.15 + 1e-9
        assert max(delays) - min(delays) > 0.04
        way, _ = one.ways
        assert way.slowest_s == pytest.approx(max(delays))
        assert way.overtaken == sum(number > min(order[n:]) for n, number in enumerate(order)) > 0

    run(main, virtual_tempo())


def test_a_link_carries_as_its_quality_says_at_each_moment() -> None:
    async def main(clock: Clock) -> None:
        one, other = memory_link(rng=random.Random(1))
        place = ["far"]
        one.carry(lambda: Quality(loss=1.0) if place[0] == "far" else Quality(delay_s=0.5))
        one.send(b"out of reach")
        other.send(b"out of reach")
        place[0] = "near"
        began_s = clock.monotonic_s()
        one.send(b"a")
        other.send(b"b")
        assert (await other.receive(), await one.receive()) == (b"a", b"b")
        assert clock.monotonic_s() - began_s == pytest.approx(0.5)
        assert (one.sent, one.lost, other.sent, other.lost) == (2, 1, 2, 1)

    run(main, virtual_tempo())


def test_a_socket_link_carries_as_its_quality_says() -> None:
    async def main(clock: Clock) -> None:
        server = await UdpLink.listen("127.0.0.1", 0)
        client = await UdpLink.to(*server.address)
        client.send(b"hello")
        assert await server.receive() == b"hello"
        server.carry(lambda: Quality(doubled=1.0), random.Random(1))
        client.send(b"in")
        assert [await server.receive(), await server.receive()] == [b"in", b"in"]
        server.send(b"out")
        assert [await client.receive(), await client.receive()] == [b"out", b"out"]
        server.carry(lambda: Quality(loss=1.0), random.Random(1))
        client.send(b"lost")
        assert await heard(server, 0.1) == []
        client.close()
        server.close()

    run(main, real_tempo())


def test_an_outage_is_of_both_directions_and_ends() -> None:
    async def main(clock: Clock) -> None:
        one, other = memory_link(rng=random.Random(1))
        other.cut(True)
        one.send(b"lost")
        other.send(b"lost too")
        one.cut(False)
        one.send(b"found")
        other.send(b"found too")
        assert await heard(other, 1.0) == [b"found"]
        assert await heard(one, 1.0) == [b"found too"]

    run(main, virtual_tempo())


def test_closing_ends_both_sides() -> None:
    async def main(clock: Clock) -> None:
        one, other = memory_link(rng=random.Random(1))
        waiting = asyncio.create_task(other.receive())
        await asyncio.sleep(0.1)
        one.close()
        with pytest.raises(EOFError):
            await waiting
        with pytest.raises(EOFError):
            await one.receive()
        other.send(b"nobody listens")

    run(main, virtual_tempo())


def test_a_link_that_cannot_be_is_refused() -> None:
    for bad in ({"loss": 1.5}, {"latency_s": -1.0}, {"jitter_s": -0.1}, {"doubled": 2.0}, {"loss": float("nan")}):
        with pytest.raises(ValueError, match="makes no link"):
            memory_link(rng=random.Random(1), **bad)
    assert isinstance(memory_link(rng=random.Random(1))[0], MemoryLink)


def test_udp_answers_whoever_spoke_last() -> None:
    async def main(clock: Clock) -> None:
        server = await UdpLink.listen("127.0.0.1", 0)
        server.send(b"nobody knows me")
        first = await UdpLink.to(*server.address)
        second = await UdpLink.to(*server.address)
        first.send(b"first")
        assert await server.receive() == b"first"
        server.send(b"to first")
        assert await first.receive() == b"to first"
        second.send(b"second")
        assert await server.receive() == b"second"
        server.send(b"to second")
        assert await second.receive() == b"to second"
        for link in (first, second, server):
            link.close()
        with pytest.raises(EOFError):
            await server.receive()

    run(main, real_tempo())


def test_tcp_hands_each_client_over() -> None:
    async def main(clock: Clock) -> None:
        clients: asyncio.Queue[Link] = asyncio.Queue()
        server = await serve_tcp("127.0.0.1", 0, clients.put_nowait)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"hello")
        client = await clients.get()
        assert await client.receive() == b"hello"
        client.send(b"welcome")
        assert await reader.readexactly(7) == b"welcome"
        writer.close()
        await writer.wait_closed()
        with pytest.raises(EOFError):
            await client.receive()
        server.close()
        await server.wait_closed()

    run(main, real_tempo())
