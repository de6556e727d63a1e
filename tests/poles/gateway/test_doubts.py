"""Doubts are told after a few readings in a row, and taken back after as many good ones."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airspace.frames import LatLon
from controller.clock import cpu_s
from poles.gateway.doubts import FAST_S, IN_A_ROW, LIVE_S, SLOW_S, STAYS_S, Doubts
from poles.gateway.notes import Condition
from poles.gateway.quality import Flag
from poles.protocol import Quality, Reading

HERE = LatLon(34.75, 113.6)
NOON_S = 1779066000.0


class Air(msgspec.Struct, frozen=True, kw_only=True):
    temperature_c: float | None = None


class Lamp(msgspec.Struct, frozen=True, kw_only=True):
    level: float = 0.0


class Scene:
    def __init__(self) -> None:
        self.told: list[Condition] = []
        self.told_s: list[float] = []
        self.doubts = Doubts(self._tell, lambda: self.now_s)
        self.now_s = 0.0

    def _tell(self, condition: Condition) -> None:
        self.told.append(condition)
        self.told_s.append(self.now_s)

    def air(self, temperature_c: float, quality: Quality = Quality.GOOD) -> dict[str, Flag]:
        self.now_s += 10.0
        said = Reading(seq=1, at_s=NOON_S, held_s=0.0, function="Air", values={}, quality=quality)
        self.doubts.reported("P1", [said])
        return dict(self.doubts.judge("P1", HERE, "Air", Air(temperature_c=temperature_c), self.now_s, quality))

    def clock(self, error_s: float, held_s: float = 0.0) -> None:
        self.now_s += 30.0
        self.doubts.judge_clock("P1", NOON_S + error_s, NOON_S, held_s)

    def news(self) -> list[tuple[str, str, bool]]:
        return [(condition.code, condition.function, condition.active) for condition in self.told]


def test_one_implausible_reading_is_flagged_but_not_told() -> None:
    scene = Scene()
    assert scene.air(70.0) == {"temperature_c": Flag.OUT_OF_RANGE}
    assert [scene.air(20.0) for _ in range(5)][-1] == {}
    assert scene.told == []


def test_a_row_of_them_is_told_once_with_what_is_wrong_and_taken_back_after_a_row_of_good_ones() -> None:
    scene = Scene()
    for _ in range(3 * IN_A_ROW):
        scene.air(70.0)
    (condition,) = scene.told
    assert (condition.code, condition.subject, condition.function) == ("pole.implausible", "P1", "Air")
    assert condition.facts == {"field": "temperature_c", "flags": "out_of_range", "value": 70.0}
    for _ in range(10):
        scene.air(20.0)
    assert scene.news() == [("pole.implausible", "Air", True), ("pole.implausible", "Air", False)]


def test_a_sensor_of_which_the_pole_says_that_it_does_not_work_is_told() -> None:
    scene = Scene()
    flags = [scene.air(20.0, Quality.BAD) for _ in range(5)]
    assert flags[0] == {"": Flag.FAULTY}
    scene.air(20.0, Quality.SUSPECT)
    assert scene.news() == [("pole.sensor-faulty", "Air", True)]
    for _ in range(IN_A_ROW):
        scene.air(20.0)
    assert scene.news()[1:] == [("pole.sensor-faulty", "Air", False)]


def test_a_poles_own_doubt_is_passed_on() -> None:
    assert Scene().air(20.0, Quality.SUSPECT) == {"": Flag.SUSPECT}


@pytest.mark.parametrize("error_s", [FAST_S + 0.1, -SLOW_S - 0.1, 3600.0, -86400.0])
def test_a_wrong_clock_is_told_after_a_row_and_marks_what_is_read(error_s: float) -> None:
    scene = Scene()
    for _ in range(IN_A_ROW):
        assert scene.told == []
        scene.clock(error_s)
    (condition,) = scene.told
    assert (condition.code, condition.function, condition.active) == ("pole.clock-wrong", "", True)
    assert condition.facts == {"error_s": pytest.approx(error_s, abs=0.06)}
    assert scene.air(20.0) == {"": Flag.CLOCK_WRONG}
    for _ in range(IN_A_ROW):
        scene.clock(0.0)
    assert scene.air(20.0) == {}
    assert [condition.active for condition in scene.told] == [True, False]


@pytest.mark.parametrize("error_s", [FAST_S - 0.1, -SLOW_S + 0.1, 0.0])
def test_a_clock_is_not_wrong_for_what_the_network_does(error_s: float) -> None:
    scene = Scene()
    for _ in range(10):
        scene.clock(error_s)
    assert scene.told == []


def test_a_reading_that_waited_for_long_says_nothing_of_the_clock() -> None:
    scene = Scene()
    for _ in range(10):
        scene.clock(-3600.0, held_s=LIVE_S + 1.0)
    assert scene.told == []


def test_what_was_told_before_a_restart_is_not_told_again_but_taken_back() -> None:
    scene = Scene()
    scene.doubts.restore("pole.implausible", "P1", "Air")
    scene.doubts.restore("pole.silent", "P1", "")
    for _ in range(5):
        scene.air(70.0)
    assert scene.told == []
    for _ in range(IN_A_ROW):
        scene.air(20.0)
    assert scene.news() == [("pole.implausible", "Air", False)]


@settings(max_examples=200, deadline=None)
@given(
    said=st.lists(st.tuples(st.sampled_from([0.001, 0.4, 7.0, 50.0]), st.booleans(), st.integers(1, 5)), max_size=60),
    lasting=st.booleans(),
)
@example(said=[(0.025, bad, 3) for bad in [True, False] * 30], lasting=True)
def test_what_goes_to_and_fro_is_noted_once_a_minute_and_the_last_word_wins(
    said: list[tuple[float, bool, int]], lasting: bool
) -> None:
    scene = Scene()
    doubted = [(pause_s, bad) for pause_s, bad, times in said for _ in range(times)]
    for pause_s, bad in [*doubted, *[(STAYS_S / 2, lasting)] * IN_A_ROW]:
        scene.now_s += pause_s
        quality = Quality.BAD if bad else Quality.GOOD
        scene.doubts.reported(
            "P1", [Reading(seq=1, at_s=NOON_S, held_s=0.0, function="Air", values={}, quality=quality)]
        )
    told = [condition.active for condition in scene.told]
    assert (told[-1] if told else False) is lasting
    assert told == [number % 2 == 0 for number in range(len(told))]
    assert all(after_s - before_s >= STAYS_S for before_s, after_s in pairwise(scene.told_s))


def forgotten(among: int, count: int = 400) -> float:
    """CPU for forgetting some of so many poles [s]."""
    doubts = Doubts(lambda condition: None, lambda: 0.0)
    for number in range(among):
        doubts.judge(f"P{number}", HERE, "Lamp", Lamp(), 10.0, Quality.GOOD)
    begun_s = cpu_s()
    for number in range(count):
        doubts.forget(f"P{number}", ["Lamp"])
    return cpu_s() - begun_s


def test_a_pole_is_forgotten_as_fast_in_a_city_as_in_a_village() -> None:
    assert forgotten(20_000) < 5 * min(forgotten(400) for _ in range(3)) + 0.005


def test_a_forgotten_pole_begins_anew() -> None:
    scene = Scene()
    for _ in range(IN_A_ROW):
        scene.air(70.0)
        scene.clock(60.0)
    scene.doubts.forget("P1", ["Air"])
    scene.told.clear()
    assert scene.air(20.0) == {}
    for _ in range(IN_A_ROW):
        scene.air(20.0)
    assert scene.told == []
