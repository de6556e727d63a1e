"""The bell: wakes when it rings or when what is waited for is due, and costs nothing between."""

import asyncio
import math

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.agent.bell import Bell


@pytest.mark.parametrize(
    ("due_s", "becomes_s", "told", "woken_s"),
    [
        pytest.param(5.0, 5.0, False, 5.0, id="it comes when it was to come"),
        pytest.param(5.0, 9.0, False, 9.0, id="it moved later meanwhile, and nobody said so"),
        pytest.param(5.0, 3.0, True, 3.0, id="it moved earlier, and somebody said so"),
        pytest.param(math.inf, 7.0, True, 7.0, id="it was never to come, and then somebody named a moment"),
    ],
)
def test_a_bell_wakes_at_the_moment_that_is_due_then(
    due_s: float, becomes_s: float, told: bool, woken_s: float
) -> None:
    async def main(clock: Clock) -> float:
        due = [due_s]
        bell = Bell(lambda: due[0])

        async def move() -> None:
            await asyncio.sleep(1.0)
            due[0] = becomes_s
            if told:
                bell.no_later(becomes_s)

        async with asyncio.TaskGroup() as group:
            group.create_task(move())
            await bell.wait()
            return clock.monotonic_s()

    assert run(main, virtual_tempo()) == woken_s


def test_a_ring_wakes_at_once_and_one_that_nobody_heard_is_remembered() -> None:
    async def main(clock: Clock) -> list[float]:
        bell, woken_s = Bell(lambda: 100.0), list[float]()
        asyncio.get_running_loop().call_later(2.0, bell.ring)
        await bell.wait()
        woken_s.append(clock.monotonic_s())
        bell.ring()
        await asyncio.sleep(3.0)
        await bell.wait()
        woken_s.append(clock.monotonic_s())
        await bell.wait()
        return [*woken_s, clock.monotonic_s()]

    assert run(main, virtual_tempo()) == [2.0, 5.0, 100.0]


def test_a_moment_that_is_named_while_nobody_waits_is_that_of_the_next_wait() -> None:
    async def main(clock: Clock) -> float:
        due = [50.0]
        bell = Bell(lambda: due[0])
        due[0] = 4.0
        bell.no_later(4.0)
        await bell.wait()
        return clock.monotonic_s()

    assert run(main, virtual_tempo()) == 4.0
