"""When a pole takes a connection for dead: when what it asked is not answered, and never before."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.agent.conversation import PROMISED
from poles.protocol import Hello, Refusal
from tests.poles.agent.by_hand import Controller, playing

LONGEST_WAIT_S = 1.0  # before the next connection, after one welcome or none


def with_heartbeat(promised_s: float, test: Callable[[Controller], Awaitable[None]]) -> None:
    async def main(clock: Clock) -> None:
        async with playing(clock, heartbeat_every_s=promised_s / PROMISED) as controller:
            await test(controller)

    run(main, virtual_tempo())


@pytest.mark.parametrize(("promised_s", "patience_s"), [(1.0, 15.0), (5.0, 15.0), (12.5, 37.5)])
def test_the_first_word_may_take_fifteen_seconds_or_three_heartbeats(promised_s: float, patience_s: float) -> None:
    async def never_answered(controller: Controller) -> None:
        await controller.hear(Hello)
        first = controller.route
        while controller.route == first:
            await controller.hear(Hello)
        assert patience_s <= controller.clock.monotonic_s() <= patience_s + LONGEST_WAIT_S

    with_heartbeat(promised_s, never_answered)


@pytest.mark.parametrize("promised_s", [1.0, 6.0])
def test_after_a_word_it_is_three_heartbeats(promised_s: float) -> None:
    async def falls_silent(controller: Controller) -> None:
        await controller.welcome()
        first, silent_s = controller.route, controller.clock.monotonic_s()
        while controller.route == first:
            await controller.hear(object)
        waited_s = controller.clock.monotonic_s() - silent_s
        assert 3.0 * promised_s <= waited_s <= 3.0 * promised_s + LONGEST_WAIT_S

    with_heartbeat(promised_s, falls_silent)


def test_a_pole_that_is_refused_stays_where_it_is_and_asks_ever_more_seldom() -> None:
    async def refuses(controller: Controller) -> None:
        times: list[float] = []
        routes: set[bytes] = set()
        for _ in range(7):
            await controller.hear(Hello, within_s=70.0)
            times.append(controller.clock.monotonic_s())
            routes.add(controller.route)
            await controller.say(Refusal(code="pole.identity", en="no", zh="否", about="hello"))
        assert [round(after - before) for before, after in itertools.pairwise(times)] == [
            4,
            8,
            16,
            32,
            60,
            60,
        ]
        assert len(routes) == 1

    with_heartbeat(1.0, refuses)


def test_a_refused_pole_whose_next_hello_is_not_answered_comes_over_a_new_connection() -> None:
    async def refuses_once(controller: Controller) -> None:
        await controller.hear(Hello)
        first = controller.route
        await controller.say(Refusal(code="pole.identity", en="no", zh="否", about="hello"))
        await controller.hear(Hello)
        asked_s = controller.clock.monotonic_s()
        while controller.route == first:
            await controller.hear(Hello)
        assert 2.0 <= controller.clock.monotonic_s() - asked_s <= 2.0 + 2.0 * LONGEST_WAIT_S

    with_heartbeat(1.0, refuses_once)
