"""Controllers follow each other until the work is done, and people ask each of them for what has not begun."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller.clock import Clock, run, virtual_tempo
from controller.district import District
from controller.events import Record, RunStarted
from controller.state import FlightState
from sim.world.succession import Operators, Succession
from sim.world.truth import DroneTruth, until_down


class Sheds:
    """Controllers that are nothing but a number; `log` tells when each began, was killed and ended [s]."""

    def __init__(self, opening_s: float = 0.0) -> None:
        self.log: list[tuple[str, int, float]] = []
        self.opening_s = opening_s
        self._number = 0

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[District]:
        self._number += 1
        number = self._number
        await asyncio.sleep(self.opening_s)
        self._tell("begins", number)
        try:
            yield cast("District", number)
        finally:
            self._tell("ends", number)

    async def kill(self, district: District, work: asyncio.Task[None]) -> None:
        self._tell("is killed", cast("int", district))
        work.cancel()
        await asyncio.wait([work])

    def _tell(self, what: str, number: int) -> None:
        self.log.append((what, number, asyncio.get_running_loop().time()))


def play(main: Callable[[Succession, Sheds], Coroutine[Any, Any, None]], opening_s: float = 0.0) -> None:
    async def beside(clock: Clock) -> None:
        await main(Succession(), Sheds(opening_s))

    run(beside, virtual_tempo())


def later(after_s: float, act: Callable[..., None], *given: float) -> None:
    asyncio.get_running_loop().call_later(after_s, act, *given)


def test_one_that_lives_does_all_the_work() -> None:
    async def main(succession: Succession, sheds: Sheds) -> None:
        async def work(district: District) -> None:
            await asyncio.sleep(7.0)

        await succession.run(sheds, work)
        assert sheds.log == [("begins", 1, 0.0), ("ends", 1, 7.0)]
        assert (succession.count, succession.killed) == (1, False)

    play(main)


def test_another_starts_when_the_time_after_a_kill_is_over_and_begins_the_work_anew() -> None:
    async def main(succession: Succession, sheds: Sheds) -> None:
        worked_s: list[float] = []

        async def work(district: District) -> None:
            began_s = asyncio.get_running_loop().time()
            try:
                await asyncio.sleep(20.0)
            finally:
                worked_s.append(asyncio.get_running_loop().time() - began_s)

        later(5.0, succession.kill, 10.0)
        await succession.run(sheds, work)
        assert sheds.log == [("begins", 1, 0.0), ("is killed", 1, 5.0), ("ends", 1, 5.0), ("begins", 2, 15.0),
                             ("ends", 2, 35.0)]  # fmt: skip
        assert worked_s == [5.0, 20.0]
        assert succession.count == 2

    play(main)


def test_a_kill_while_none_runs_makes_the_time_longer_and_never_shorter() -> None:
    async def main(succession: Succession, sheds: Sheds) -> None:
        async def work(district: District) -> None:
            await asyncio.sleep(2.0)

        later(1.0, succession.kill, 10.0)
        later(4.0, succession.kill, 20.0)
        later(6.0, succession.kill, 1.0)
        await succession.run(sheds, work)
        assert [(what, at_s) for what, number, at_s in sheds.log if number == 2] == [("begins", 24.0), ("ends", 26.0)]

    play(main)


def test_one_that_is_killed_while_it_opens_does_no_work() -> None:
    async def main(succession: Succession, sheds: Sheds) -> None:
        done: list[District] = []

        async def work(district: District) -> None:
            await asyncio.sleep(0.5)
            done.append(district)

        later(1.0, succession.kill, 5.0)
        await succession.run(sheds, work)
        assert [(what, number) for what, number, _ in sheds.log][:2] == [("begins", 1), ("is killed", 1)]
        assert done == [cast("District", 2)]

    play(main, opening_s=2.0)


def test_after_a_kill_for_good_there_is_none() -> None:
    async def main(succession: Succession, sheds: Sheds) -> None:
        async def work(district: District) -> None:
            await asyncio.sleep(100.0)

        later(5.0, succession.kill, math.inf)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10_000.0):
                await succession.run(sheds, work)
        assert succession.count == 1
        assert succession.killed

    play(main)


def test_what_the_work_raises_ends_the_succession() -> None:
    async def main(succession: Succession, sheds: Sheds) -> None:
        async def work(district: District) -> None:
            raise RuntimeError("planted")

        with pytest.raises(RuntimeError, match="planted"):
            await succession.run(sheds, work)
        assert sheds.log == [("begins", 1, 0.0), ("ends", 1, 0.0)]

    play(main)


def test_whoever_is_stopped_kills_what_runs() -> None:
    async def main(succession: Succession, sheds: Sheds) -> None:
        async def work(district: District) -> None:
            await asyncio.sleep(100.0)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.0):
                await succession.run(sheds, work)
        assert sheds.log == [("begins", 1, 0.0), ("is killed", 1, 3.0), ("ends", 1, 3.0)]

    play(main)


class People(Operators):
    """Who write down what they did."""

    def __init__(self, *missions: str) -> None:
        super().__init__(missions)
        self.did: list[tuple[str, str]] = []

    async def ask(self, district: District, name: str) -> None:
        self.did.append(("asked", name))
        self.over[name].set()

    async def pick_up(self, district: District, name: str, flight: FlightState) -> None:
        self.did.append(("picked up", name))
        self.over[name].set()


def found(*flights: tuple[str, bool]) -> District:
    """A district whose log has a flight of each of these missions, ended or not."""
    records = [
        Record(n, 0.0, RunStarted(run=f"run-{n}", name=name, site="", seed=1, tempo="virtual", speed=0.0, zones={}))
        for n, (name, _) in enumerate(flights)
    ]
    known = {
        f"flight-{n}": SimpleNamespace(id=f"flight-{n}", run=f"run-{n}", ended=ended)
        for n, (_, ended) in enumerate(flights)
    }
    state = SimpleNamespace(flights=known, unfinished=lambda: [one for one in known.values() if not one.ended])
    return cast("District", SimpleNamespace(store=SimpleNamespace(read=lambda: records), state=state))


def work(people: People, district: District) -> list[tuple[str, str]]:
    async def beside(clock: Clock) -> None:
        await people.work(district)

    run(beside, virtual_tempo())
    return people.did


def test_what_was_left_open_is_picked_up_and_what_has_not_begun_is_asked_for() -> None:
    people = People("a", "b", "c")
    assert work(people, found(("b", False))) == [("picked up", "b"), ("asked", "a"), ("asked", "c")]


def test_what_has_ended_is_over_though_nobody_could_say_so_and_is_not_asked_for_again() -> None:
    people = People("a", "b")
    assert work(people, found(("a", True))) == [("asked", "b")]
    assert people.over["a"].is_set()


def test_a_mission_that_was_flown_twice_is_what_its_last_flight_is() -> None:
    assert work(People("a"), found(("a", True), ("a", False))) == [("picked up", "a")]


def test_drones_are_waited_for_until_they_are_down_or_for_so_long() -> None:
    async def main(succession: Succession, sheds: Sheds) -> None:
        now_s = asyncio.get_running_loop().time

        def truth() -> dict[str, DroneTruth]:
            return {"early": DroneTruth(True, False), "late": DroneTruth(now_s() > 20.0, now_s() < 25.0)}

        assert await until_down(truth, 900.0) == {"early": DroneTruth(True, False), "late": DroneTruth(True, False)}
        assert 25.0 <= now_s() < 26.0

        def never() -> dict[str, DroneTruth]:
            return {"lost": DroneTruth(False, True)}

        assert await until_down(never, 60.0) == never()
        assert 85.0 <= now_s() < 87.0

    play(main)
