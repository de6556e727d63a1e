from __future__ import annotations

import asyncio

import pytest

from controller.clock import Clock, run, virtual_tempo
from controller.tasks import attended


class Companion:
    """Lives until cancelled, and knows that it was."""

    def __init__(self) -> None:
        self.ended = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def returns(value: int, after_s: float = 1.0) -> int:
    await asyncio.sleep(after_s)
    return value


async def fails(error: BaseException, after_s: float = 1.0) -> int:
    await asyncio.sleep(after_s)
    raise error


async def breaks(error: BaseException, after_s: float = 1.0) -> None:
    await fails(error, after_s)


def test_the_result_is_the_mains_and_companions_end_with_it() -> None:
    async def main(clock: Clock) -> None:
        one, two = Companion(), Companion()
        assert await attended(returns(7), one.run(), two.run()) == 7
        assert (one.ended, two.ended, clock.monotonic_s()) == (True, True, 1.0)
        assert await attended(returns(8)) == 8

    run(main, virtual_tempo())


def test_a_companion_that_is_done_earlier_is_no_trouble() -> None:
    async def done() -> None:
        await asyncio.sleep(0.1)

    async def main(clock: Clock) -> None:
        assert await attended(returns(7), done()) == 7

    run(main, virtual_tempo())


def test_the_mains_error_comes_out_bare_and_ends_the_companions() -> None:
    async def main(clock: Clock) -> None:
        companion = Companion()
        with pytest.raises(KeyError, match="mine"):
            await attended(fails(KeyError("mine")), companion.run())
        assert companion.ended

    run(main, virtual_tempo())


def test_a_companion_that_fails_ends_the_main_and_its_error_comes_out_bare() -> None:
    async def main(clock: Clock) -> None:
        companion = Companion()
        with pytest.raises(KeyError, match="companion's"):
            await attended(returns(7, 60.0), breaks(KeyError("companion's"), 2.0), companion.run())
        assert (companion.ended, clock.monotonic_s()) == (True, 2.0)

    run(main, virtual_tempo())


def test_of_two_errors_the_first_one_comes_out_however_deep_it_was() -> None:
    async def nested() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(breaks(KeyError("first"), 1.0))
            group.create_task(Companion().run())

    async def clumsy() -> int:
        try:
            return await returns(7, 60.0)
        except asyncio.CancelledError:
            raise ValueError("second") from None

    async def main(clock: Clock) -> None:
        with pytest.raises(KeyError, match="first"):
            await attended(clumsy(), nested())

    run(main, virtual_tempo())


def test_cancelling_it_cancels_everything_and_stays_a_cancellation() -> None:
    async def main(clock: Clock) -> None:
        companion = Companion()
        task = asyncio.create_task(attended(returns(7, 60.0), companion.run()))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert companion.ended

    run(main, virtual_tempo())
