"""The loop of virtual time: the order of its timers, and what it keeps of asyncio's promises."""

from __future__ import annotations

import asyncio
import gc
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clock import Clock, run, virtual_tempo
from controller.virtual_loop import LOOKS_SPARED, MANY_TIMERS, VirtualLoop

SECONDS = st.sampled_from([1.0, 2.0, 2.5])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SECONDS, st.booleans()), max_size=60), st.integers(0, 3))
def test_timers_of_one_moment_fire_in_the_order_in_which_they_were_set_whatever_else_was_cancelled(
    timers: list[tuple[float, bool]], many: int
) -> None:
    fired: list[tuple[float, int]] = []

    async def main(_: Clock) -> None:
        loop = asyncio.get_running_loop()
        for number, (at_s, lives) in enumerate(timers):
            handle = loop.call_at(at_s, fired.append, (at_s, number))
            for _cancelled in range(many * MANY_TIMERS // 10):
                loop.call_at(at_s, pytest.fail, "cancelled").cancel()
            if not lives:
                handle.cancel()
        await asyncio.sleep(3.0)

    run(main, virtual_tempo())
    assert fired == sorted((at_s, number) for number, (at_s, lives) in enumerate(timers) if lives)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_when_the_collector_ends_a_forgotten_coroutine_changes_no_order() -> None:
    def order(*, early: bool) -> list[int]:
        fired: list[int] = []

        async def main(_: Clock) -> None:
            loop = asyncio.get_running_loop()
            forgotten = [asyncio.sleep(40.0 + number) for number in range(MANY_TIMERS)]
            for coroutine in forgotten:
                coroutine.send(None)  # its timer is set, and goes when the coroutine is closed
            for number in range(MANY_TIMERS // 2):
                loop.call_at(5.0, fired.append, number)
            if early:
                forgotten.clear()
                gc.collect()
            for number in range(MANY_TIMERS // 2, MANY_TIMERS):
                loop.call_at(5.0, fired.append, number)
            await asyncio.sleep(10.0)

        run(main, virtual_tempo())
        return fired

    assert order(early=True) == order(early=False) == list(range(MANY_TIMERS))


def test_cancelled_timers_do_not_pile_up() -> None:
    async def main(_: Clock) -> int:
        loop = cast("VirtualLoop", asyncio.get_running_loop())
        for _round in range(20 * MANY_TIMERS):
            loop.call_later(1000.0, pytest.fail, "cancelled").cancel()
            await asyncio.sleep(0.01)
        return len(loop._timers)

    assert run(main, virtual_tempo()) <= MANY_TIMERS + 2


def test_a_timer_that_has_fired_can_be_cancelled_without_harm() -> None:
    async def main(_: Clock) -> int:
        loop = cast("VirtualLoop", asyncio.get_running_loop())
        handle = loop.call_later(1.0, int)
        await asyncio.sleep(2.0)
        handle.cancel()
        handle.cancel()
        assert handle.cancelled()
        return loop.timers_cancelled

    assert run(main, virtual_tempo()) == 0


def test_a_cancelled_call_is_never_called_and_an_error_of_one_reaches_the_loops_handler() -> None:
    told: list[object] = []

    async def main(_: Clock) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(type(context["exception"])))
        loop.call_soon(pytest.fail, "cancelled").cancel()
        loop.call_soon(int, "no number")
        await asyncio.sleep(1.0)

    run(main, virtual_tempo())
    assert told == [ValueError]


def test_what_a_call_calls_soon_is_for_the_next_turn_and_takes_no_time() -> None:
    async def main(clock: Clock) -> list[str]:
        loop, order = asyncio.get_running_loop(), list[str]()

        def first() -> None:
            order.append("first")
            loop.call_soon(order.append, "third")

        loop.call_soon(first)
        loop.call_soon(order.append, "second")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert clock.monotonic_s() == 0.0
        return order

    assert run(main, virtual_tempo()) == ["first", "second", "third"]


def test_a_closed_loop_takes_no_calls() -> None:
    async def main(_: Clock) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    loop = run(main, virtual_tempo())
    for call in (lambda: loop.call_soon(int), lambda: loop.call_later(1.0, int), lambda: loop.call_at(1.0, int)):
        with pytest.raises(RuntimeError, match="closed"):
            call()


def test_what_another_thread_calls_is_heard_while_timers_run() -> None:
    async def main(_: Clock) -> int:
        heard: list[int] = []
        asyncio.get_running_loop().call_soon_threadsafe(heard.append, 1)
        for _turn in range(2 * LOOKS_SPARED):
            await asyncio.sleep(1.0)
        return len(heard)

    assert run(main, virtual_tempo()) == 1
