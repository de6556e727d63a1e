"""Lines in memory behave as a well-behaved network does: in order, bounded, and silent when nobody is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.wire.lines import Body, Exchange, MemoryGateway
from poles.wire.sockets import QUEUE_PER_PEER

CODE, OTHER = "410105-LP-000001", "410105-LP-000002"


class Ear:
    """A gateway that notes what it hears."""

    def __init__(self, exchange: Exchange) -> None:
        self.heard: list[tuple[str | None, bytes]] = []
        self.routes: list[bytes] = []
        lines = exchange.listen(self._take)
        assert lines is not None
        self.lines: MemoryGateway = lines

    def _take(self, code: str | None, route: bytes, body: Body | None) -> None:
        assert body is not None
        self.heard.append((code, bytes(body)))
        self.routes.append(route)


def in_virtual_time(test: Callable[[Exchange], Coroutine[None, None, None]]) -> Callable[[], None]:
    async def main(clock: Clock) -> None:
        await test(Exchange())

    def wrapped() -> None:
        run(main, virtual_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@in_virtual_time
async def test_words_arrive_in_order_and_with_the_name_of_who_said_them(exchange: Exchange) -> None:
    ear = Ear(exchange)
    one, other = exchange.call(CODE), exchange.call(OTHER)
    for number in range(5):
        assert one.send(bytes([number]))
        assert other.send(bytes([100 + number]))
    assert ear.heard == []  # nothing happens within the turn in which it is said
    await asyncio.sleep(0)
    said = [word for n in range(5) for word in ((CODE, bytes([n])), (OTHER, bytes([100 + n])))]
    assert ear.heard == said
    for number in range(5):
        assert ear.lines.send(ear.routes[0], bytes([number]))
    assert [await one.receive() for _ in range(5)] == [bytes([n]) for n in range(5)]


@in_virtual_time
async def test_what_is_said_before_anybody_listens_is_heard_by_who_comes(exchange: Exchange) -> None:
    early, gone = exchange.call(CODE), exchange.call(OTHER)
    assert early.send(b"a")
    assert early.send(b"b")
    assert gone.send(b"never")
    gone.close()
    ear = Ear(exchange)
    await asyncio.sleep(0)
    assert ear.heard == [(CODE, b"a"), (CODE, b"b")]


@in_virtual_time
async def test_a_line_of_a_gateway_that_stopped_is_dead_and_a_new_one_is_not(exchange: Exchange) -> None:
    first = Ear(exchange)
    line = exchange.call(CODE)
    assert line.send(b"on its way")
    exchange.stop()
    await asyncio.sleep(0)
    assert first.heard == []
    second = Ear(exchange)
    assert not line.send(b"to nobody")
    assert exchange.call(CODE).send(b"again")
    await asyncio.sleep(0)
    assert second.heard == [(CODE, b"again")]
    assert not second.lines.send(line.route, b"to the dead line")


@in_virtual_time
async def test_who_does_not_read_loses_what_does_not_fit_and_is_told_so(exchange: Exchange) -> None:
    ear = Ear(exchange)
    line = exchange.call(CODE)
    assert [line.send(b"x") for _ in range(QUEUE_PER_PEER + 3)].count(False) == 3
    await asyncio.sleep(0)
    assert len(ear.heard) == QUEUE_PER_PEER
    assert line.send(b"there is room again")
    assert [ear.lines.send(line.route, b"y") for _ in range(QUEUE_PER_PEER + 3)].count(False) == 3


@in_virtual_time
async def test_one_gateway_listens_at_a_time(exchange: Exchange) -> None:
    Ear(exchange)
    assert exchange.listen(lambda code, route, body: None) is None


@in_virtual_time
async def test_a_closed_line_takes_nothing_and_is_forgotten(exchange: Exchange) -> None:
    ear = Ear(exchange)
    line = exchange.call(CODE)
    line.close()
    assert not line.send(b"x")
    assert not ear.lines.send(line.route, b"y")
    assert ear.lines.lines == {}


@in_virtual_time
async def test_a_reader_that_gives_up_loses_no_word(exchange: Exchange) -> None:
    ear = Ear(exchange)
    line = exchange.call(CODE)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await line.receive()
    assert ear.lines.send(line.route, b"late")
    assert await line.receive() == b"late"
