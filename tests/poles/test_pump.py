"""The two directions of a ROUTER without a future for each message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from typing import Any

import pytest
import zmq
import zmq.asyncio

from controller.clock import Clock, real_tempo, run
from poles.wire.pump import AT_ONCE, Pump


class Heard:
    """What a pump took."""

    def __init__(self) -> None:
        self.told: list[tuple[bytes, bytes, bool]] = []
        self.more = asyncio.Event()

    def __call__(self, route: bytes, frame: zmq.Frame, whole: bool) -> None:
        self.told.append((route, frame.bytes, whole))
        self.more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5.0):
            while len(self.told) < count:
                self.more.clear()
                await self.more.wait()


def pumped(test: Callable[[zmq.Socket[bytes], zmq.Socket[bytes], Heard, Pump], Awaitable[None]]) -> Callable[[], None]:
    async def main(_: Clock) -> None:
        heard = Heard()
        with sockets() as (router, dealer):
            pump = Pump(router, heard)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(pump.run())
                await test(router, dealer, heard, pump)
                running.cancel()

    def wrapped() -> None:
        run(main, real_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@contextmanager
def sockets() -> Any:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    router.set(zmq.ROUTER_MANDATORY, 1)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    dealer.connect(f"tcp://127.0.0.1:{port}")
    try:
        yield router, dealer
    finally:
        context.destroy(linger=0)


@pumped
async def test_more_than_one_turns_worth_comes_in_order(
    router: zmq.Socket[bytes], dealer: zmq.Socket[bytes], heard: Heard, pump: Pump
) -> None:
    count = 5 * AT_ONCE + 7
    for number in range(count):
        dealer.send(str(number).encode())
    await heard.until(count)
    assert [body for _, body, _ in heard.told] == [str(number).encode() for number in range(count)]
    assert all(whole for _, _, whole in heard.told)


@pumped
async def test_a_message_of_several_frames_is_told_apart(
    router: zmq.Socket[bytes], dealer: zmq.Socket[bytes], heard: Heard, pump: Pump
) -> None:
    dealer.send_multipart([b"one", b"two", b"three"])
    dealer.send(b"whole")
    await heard.until(2)
    assert [(body, whole) for _, body, whole in heard.told] == [(b"three", False), (b"whole", True)]


@pumped
async def test_a_word_that_comes_while_something_is_sent_is_not_missed(
    router: zmq.Socket[bytes], dealer: zmq.Socket[bytes], heard: Heard, pump: Pump
) -> None:
    dealer.send(b"0")
    await heard.until(1)
    for number in range(1, 400):
        # a call on the socket uses up what its descriptor would have told
        dealer.send(str(number).encode())
        assert pump.send(heard.told[0][0], b"answer")
        if number % 7 == 0:
            await asyncio.sleep(0)
    await heard.until(400)
    assert all(dealer.recv() == b"answer" for _ in range(399))


@pumped
async def test_nobody_is_there_is_told_at_once(
    router: zmq.Socket[bytes], dealer: zmq.Socket[bytes], heard: Heard, pump: Pump
) -> None:
    assert not pump.send(b"nobody", b"?")
    dealer.send(b"after it")
    await heard.until(1)


def test_what_the_taker_raises_ends_the_pump() -> None:
    def takes_nothing(route: bytes, frame: zmq.Frame, whole: bool) -> None:
        raise ValueError("not this one")

    async def main(_: Clock) -> None:
        with sockets() as (router, dealer):
            dealer.send(b"x")
            with pytest.raises(ValueError, match="not this one"):
                async with asyncio.timeout(5.0):
                    await Pump(router, takes_nothing).run()

    run(main, real_tempo())
