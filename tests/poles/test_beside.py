"""Services beside a body: they live exactly as long, and nobody's error is lost or dressed up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.beside import beside


class Service:
    """Something that runs until it is stopped, takes its time to end, and may fail: after a while, or in its end."""

    def __init__(self, fails_after_s: float = 86400.0, *, fails_in_its_end: bool = False) -> None:
        self.fails_after_s = fails_after_s
        self.fails_in_its_end = fails_in_its_end
        self.ended = False

    async def run(self) -> None:
        try:
            await asyncio.sleep(self.fails_after_s)
        finally:
            await asyncio.sleep(0.1)
            self.ended = True
            if self.fails_in_its_end:
                raise OSError("the service failed")
        raise OSError("the service failed")


def in_body(body: Callable[[], None], *services: Service, lasting_s: float = 1.0) -> float:
    """Run a body beside services; the seconds that the body lasted."""

    async def main(clock: Clock) -> float:
        async with beside(*(service.run() for service in services)):
            begun_s = clock.monotonic_s()
            await asyncio.sleep(lasting_s)
            body()
        return clock.monotonic_s() - begun_s

    return run(main, virtual_tempo())


def nothing() -> None:
    pass


def fail() -> None:
    raise LookupError("the body failed")


def test_services_are_stopped_when_the_body_ends_and_are_waited_for() -> None:
    services = Service(), Service()
    assert in_body(nothing, *services) == pytest.approx(1.1)
    assert [service.ended for service in services] == [True, True]


def test_an_error_of_the_body_comes_out_as_it_is_and_stops_the_services() -> None:
    service = Service()
    with pytest.raises(LookupError, match="the body failed") as caught:
        in_body(fail, service)
    assert service.ended
    assert caught.value.__cause__ is None


def test_a_body_s_group_of_errors_is_not_taken_for_that_of_the_services() -> None:
    def several() -> None:
        raise ExceptionGroup("of the body", [LookupError("one"), LookupError("two")])

    with pytest.raises(ExceptionGroup, match="of the body"):
        in_body(several, Service())


def test_a_service_that_fails_ends_the_body_and_lets_other_services_end_in_peace() -> None:
    other = Service()
    with pytest.raises(ExceptionGroup) as caught:
        in_body(fail, Service(0.5), other, lasting_s=86400.0)
    assert [str(error) for error in caught.value.exceptions] == ["the service failed"]
    assert other.ended


def test_both_errors_are_told_when_a_service_fails_because_the_body_did() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        in_body(fail, Service(fails_in_its_end=True))
    assert sorted(str(error) for error in caught.value.exceptions) == ["the body failed", "the service failed"]


@pytest.mark.parametrize("turn_s", [0.1, 0.2, 0.25, 0.5, 1.0])
def test_a_service_that_waits_by_turns_is_stopped_at_the_end_of_a_turn_too(turn_s: float) -> None:
    turns: list[float] = []

    async def by_turns() -> None:
        while True:
            try:
                async with asyncio.timeout(turn_s):
                    await asyncio.sleep(86400.0)
            except TimeoutError:
                turns.append(turn_s)

    async def main(clock: Clock) -> None:
        async with beside(by_turns()):
            await asyncio.sleep(1.0)

    run(main, virtual_tempo())
    assert len(turns) in (round(1.0 / turn_s) - 1, round(1.0 / turn_s))


def test_a_body_that_is_cancelled_is_cancelled_and_its_services_too() -> None:
    service = Service()

    async def main(clock: Clock) -> None:
        async def held() -> None:
            async with beside(service.run()):
                await asyncio.sleep(86400.0)

        task = asyncio.create_task(held())
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main, virtual_tempo())
    assert service.ended
