"""What libzmq asks and tells is taken as it comes, in order, by whoever owns the task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import zmq
import zmq.asyncio

from controller.clock import Clock, real_tempo, run
from poles.keys import new_key_pair
from poles.wire.connection import RECONNECT_MS, RECONNECT_SPREAD_MS, reconnect_ms
from poles.wire.hearing import arrivals_of, descriptor_of, hear, plain_socket
from tests.poles.raw_pole import zmq_context

ADDRESS = "inproc://here"
MONITOR_KEEPS = 1000  # events that libzmq's end of a monitor holds by default


def in_context(test: Callable[[zmq.asyncio.Context], Coroutine[None, None, None]]) -> Callable[[], None]:
    async def main(clock: Clock) -> None:
        async with zmq_context() as context:
            await test(context)

    def wrapped() -> None:
        run(main, real_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@contextmanager
def two(context: zmq.asyncio.Context, near: int, far: int) -> Any:
    with plain_socket(context, near) as heard, plain_socket(context, far) as said:
        heard.bind(ADDRESS)
        said.connect(ADDRESS)
        yield heard, said


@in_context
async def test_every_message_is_handed_on_in_order_also_what_came_before(context: zmq.asyncio.Context) -> None:
    told: list[Sequence[bytes]] = []
    with two(context, zmq.PAIR, zmq.PAIR) as (heard, said):
        for number in range(100):
            said.send_multipart([b"a", b"%d" % number])
        hearing = asyncio.create_task(hear(heard, told.append))
        for number in range(100, 300):
            said.send_multipart([b"a", b"%d" % number])
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        async with asyncio.timeout(10.0):
            while len(told) < 300:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        hearing.cancel()
        await asyncio.wait([hearing])
        said.send(b"after the end")
        await asyncio.sleep(0.05)
    assert told == [[b"a", b"%d" % number] for number in range(300)]


@in_context
async def test_who_is_asked_may_answer_at_once(context: zmq.asyncio.Context) -> None:
    with two(context, zmq.REP, zmq.REQ) as (heard, said):
        hearing = asyncio.create_task(hear(heard, lambda asked: heard.send(b"yes, " + asked[0])))
        for question in (b"one", b"two", b"three"):
            said.send(question)
            async with asyncio.timeout(5.0):
                while not said.poll(0):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.001)
            assert said.recv() == b"yes, " + question
        hearing.cancel()
        await asyncio.wait([hearing])


@in_context
async def test_what_the_taker_raises_reaches_the_owner(context: zmq.asyncio.Context) -> None:
    def take(frames: Sequence[bytes]) -> None:
        raise ValueError(frames[0])

    with two(context, zmq.PAIR, zmq.PAIR) as (heard, said):
        said.send(b"bad")
        with pytest.raises(ValueError, match="bad"):
            await hear(heard, take)


@in_context
async def test_libzmq_never_waits_until_somebody_reads_of_arrivals(context: zmq.asyncio.Context) -> None:
    told: list[int] = []
    calls = 2 * MONITOR_KEEPS + 100  # as many as both ends of a monitor hold by default, and more
    with context.socket(zmq.ROUTER) as socket, arrivals_of(socket, context) as news:
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        for _ in range(calls):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
        hearing = asyncio.create_task(hear(news, lambda frames: told.append(descriptor_of(frames))))
        async with asyncio.timeout(30.0):
            while len(told) < calls:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        hearing.cancel()
        await asyncio.wait([hearing])
    assert min(told) > 2


def test_the_poles_of_a_district_do_not_knock_all_at_the_same_instant() -> None:
    waits_ms = [reconnect_ms(new_key_pair().public) for _ in range(300)]
    assert min(waits_ms) >= RECONNECT_MS
    assert max(waits_ms) < RECONNECT_MS + RECONNECT_SPREAD_MS
    assert len(set(waits_ms)) > 100
    assert max(waits_ms.count(wait_ms) for wait_ms in set(waits_ms)) < 20
    key = new_key_pair().public
    assert reconnect_ms(key) == reconnect_ms(key)


def test_libzmq_itself_does_not_spread_those_who_have_a_longest_wait() -> None:
    """If this fails, the spread in poles/wire/connection.py may be left to libzmq."""

    def waits_ms() -> list[int]:
        with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
            socket.set(zmq.RECONNECT_IVL, 20)
            socket.set(zmq.RECONNECT_IVL_MAX, 80)
            with socket.get_monitor_socket(zmq.EVENT_CONNECT_RETRIED) as news:
                socket.connect("tcp://127.0.0.1:1")
                found = [descriptor_of(news.recv_multipart()) for _ in range(4)]
                socket.disable_monitor()
        return found

    assert waits_ms() == waits_ms() == [20, 40, 80, 80]
