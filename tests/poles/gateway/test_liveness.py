"""Each silence is told once, later than what was promised and within a second of it."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poles.gateway.liveness import AGAIN_S, BACK_GRACE_S, RETURN_S, Back, Liveness
from tests.poles.gateway.watching import Driven, readings_of

TOLD_AFTER_S, TOLD_WITHIN_S = 0.5, 0.75 + 1e-6  # of a broken promise, by a driver that is on time


def test_a_pole_that_says_nothing_is_told_once_within_its_interval_and_a_second() -> None:
    watch = Driven(now_s=1000.03)
    watch.hello("P1", heartbeat_s=5.0)
    watch.until(2000.0)
    ((told_s, silence),) = watch.told
    assert (silence.code, silence.function, silence.every_s) == ("P1", None, 5.0)
    assert 5.5 < told_s - 1000.03 < 6.0
    assert silence.silent_s == pytest.approx(told_s - 1000.03, abs=0.13)
    assert watch.liveness.silent == 1


def test_a_pole_that_keeps_its_promise_is_never_told() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0)
    for beat in range(1, 200):
        watch.until(beat * 5.0 + 0.4 * (beat % 2))  # the network delays every other one
        watch.heard("P1")
    assert watch.told == []


def test_a_live_pole_with_a_dead_sensor_is_seen() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=10.0, LampMonitor=10.0)
    for second in range(1, 100):
        watch.until(float(second))
        watch.report("P1", "LampMonitor")
    assert watch.silences() == [("P1", "WindSensor")]
    assert 10.5 <= watch.told[0][0] <= 11.0


def test_the_silence_of_a_sensor_is_not_told_again_under_a_silent_pole() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=5.0, LampMonitor=2.0, DroneDock=60.0)
    watch.until(500.0)
    assert watch.silences() == [("P1", None)]
    assert watch.told[0][0] <= 3.0  # it promised a word every 2 s


def test_a_sensor_that_was_told_silent_after_its_poles_last_word_is_explained_by_the_poles_silence() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=20.0, WindSensor=9.0, LampMonitor=6.0)
    for second in (4.0, 8.0):  # its last word
        watch.until(second)
        watch.report("P1", "LampMonitor")
    watch.until(100.0)
    assert watch.silences() == [("P1", "WindSensor"), ("P1", None)]
    assert watch.told[-1][1].explains == ("WindSensor",)
    assert not watch.liveness.watches["P1"].functions["WindSensor"].silent


def test_a_sensor_that_was_dead_while_its_pole_still_spoke_is_not_explained_by_the_poles_silence() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=20.0, WindSensor=9.0, LampMonitor=6.0)
    for second in (5.0, 10.0, 15.0):
        watch.until(second)
        watch.report("P1", "LampMonitor")
    watch.until(100.0)
    assert watch.silences() == [("P1", "WindSensor"), ("P1", None)]
    assert watch.told[-1][1].explains == ()


def test_sensors_are_given_a_moment_when_their_pole_is_heard_again() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=10.0)
    watch.until(60.0)
    watch.heard("P1")
    assert watch.back == [(60.0, Back("P1", None))]
    watch.until(60.0 + BACK_GRACE_S)
    watch.report("P1", "WindSensor")
    watch.until(64.0)
    assert watch.silences() == [("P1", None)]


def test_a_sensor_that_is_still_dead_when_its_pole_is_heard_again_is_told_then() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=10.0)
    watch.until(60.0)
    for second in range(60, 70):
        watch.until(float(second))
        watch.heard("P1")
    assert watch.silences() == [("P1", None), ("P1", "WindSensor")]
    assert watch.told[1][0] <= 60.0 + BACK_GRACE_S + 0.75


def test_what_was_told_silent_is_told_back_and_may_fall_silent_again() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=5.0)
    for second in range(1, 20):
        watch.until(float(second))
        watch.heard("P1")
    assert watch.silences() == [("P1", "WindSensor")]
    watch.report("P1", "WindSensor")
    assert watch.back == [(19.0, Back("P1", "WindSensor"))]
    for second in range(20, 100):
        watch.until(float(second))
        watch.report("P1", *(["WindSensor"] if second <= 70 else []))
    assert watch.silences() == [("P1", "WindSensor"), ("P1", "WindSensor")]
    assert 75.5 < watch.told[1][0] <= 76.0


@pytest.mark.parametrize("introduced_anew", [False, True])
def test_a_function_that_breaks_its_promise_all_the_time_is_told_once_a_minute(introduced_anew: bool) -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=0.1)
    for beat in range(1, 800):
        watch.until(beat * 0.25)
        watch.report("P1", *(["WindSensor"] if beat % 4 == 0 else []))
        if introduced_anew and beat % 4 == 0:
            watch.hello("P1", heartbeat_s=5.0, WindSensor=0.1)
    assert watch.silences() == [("P1", "WindSensor")] * 4
    assert all(after_s - before_s >= AGAIN_S for (before_s, _), (after_s, _) in pairwise(watch.told))
    assert [back for _, back in watch.back] == [Back("P1", "WindSensor")] * 4


def test_a_function_that_dies_again_within_the_minute_is_told_then() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=5.0)
    for second in range(1, 100):
        watch.until(float(second))
        watch.report("P1", *(["WindSensor"] if 10 <= second < 20 else []))
    (first_s, _), (again_s, _) = watch.told
    assert AGAIN_S <= again_s - first_s <= AGAIN_S + 0.75


def test_a_dead_sensor_promises_nothing_for_its_pole_any_more() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=1.0)
    for tenth in range(1, 50):
        watch.until(tenth * 0.5)
        watch.heard("P1")
    for beat in range(10):
        watch.until(24.5 + beat * 4.9)
        watch.heard("P1")
    assert watch.silences() == [("P1", "WindSensor")]


def test_a_sensor_slower_than_its_pole_does_not_lengthen_the_poles_promise() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, GasSensor=3600.0)
    watch.until(6.0)
    assert watch.silences() == [("P1", None)]


def test_a_sensor_that_reports_once_an_hour_is_judged_after_an_hour() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=60.0, GasSensor=3600.0)
    for minute in range(1, 70):
        watch.until(minute * 59.0)
        watch.heard("P1")
    assert watch.silences() == [("P1", "GasSensor")]
    assert 3600.5 < watch.told[0][0] <= 3600.75


def test_a_new_hello_with_a_shorter_promise_holds_at_once() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=3600.0)
    watch.until(10.0)
    watch.hello("P1", heartbeat_s=1.0)
    watch.until(12.0)
    assert watch.silences() == [("P1", None)]


def test_a_dead_sensor_stays_told_over_a_reconnect_and_goes_with_its_function() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=1.0)
    for second in range(1, 9):
        watch.until(float(second))
        watch.heard("P1")
    watch.hello("P1", heartbeat_s=5.0, WindSensor=1.0)
    for second in range(9, 20):
        watch.until(float(second))
        watch.heard("P1")
    assert watch.silences().count(("P1", "WindSensor")) == 1
    watch.hello("P1", heartbeat_s=5.0)
    assert watch.back[-1] == (19.0, Back("P1", "WindSensor"))


def test_a_forgotten_pole_is_not_told() -> None:
    watch = Driven()
    watch.hello("P1")
    watch.until(1.0)
    watch.liveness.forget("P1")
    watch.until(100.0)
    assert watch.told == []
    assert len(watch.liveness) == 0


# -- a restart of the gateway ------------------------------------------------------------------------------------------


def test_after_a_restart_poles_have_time_to_come_back_and_who_does_not_is_told_once() -> None:
    watch = Driven(now_s=500.0)
    for code in ("back", "gone"):
        watch.liveness.expect(code, 5.0, watch.now_s)
    watch.until(540.0)
    watch.hello("back", heartbeat_s=5.0)
    for beat in range(40):
        watch.until(540.0 + beat * 5.0)
        watch.heard("back")
    ((told_s, silence),) = watch.told
    assert (silence.code, silence.expected) == ("gone", True)
    assert RETURN_S + 0.5 < told_s - 500.0 <= RETURN_S + 1.0


def test_after_a_restart_what_was_told_before_is_not_told_again_but_its_return_is() -> None:
    watch = Driven(now_s=500.0)
    watch.liveness.expect("dark", 5.0, 500.0, silent=True)
    watch.liveness.expect("half", 5.0, 500.0, silent_functions=["WindSensor"])
    assert watch.liveness.silent == 1
    watch.until(510.0)
    watch.hello("half", heartbeat_s=5.0, WindSensor=5.0, LampMonitor=5.0)
    for second in range(510, 600):
        watch.until(float(second))
        watch.report("half", "LampMonitor")
    assert watch.told == []
    watch.hello("dark")
    watch.report("half", "WindSensor")
    assert [back for _, back in watch.back] == [Back("dark", None), Back("half", "WindSensor")]


def test_a_pole_that_said_when_it_will_be_back_is_silent_only_then() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=5.0)
    watch.until(3.0)
    watch.liveness.expect("P1", 5.0, 3.0, within_s=120.0)
    watch.until(122.0)
    assert watch.told == []
    watch.until(124.0)
    assert watch.silences() == [("P1", None)]


def test_a_gateway_that_stood_still_tells_nobody_silent_for_it() -> None:
    watch = Driven()
    watch.hello("talks", heartbeat_s=5.0)
    watch.hello("gone", heartbeat_s=5.0)
    for second in range(1, 10):
        watch.until(float(second))
        watch.heard("talks", *(["gone"] if second < 8 else []))
    # a minute in which nothing was read; then what waits in the sockets and the watch come in any order
    watch.heard("talks")
    watch.now_s = 69.0
    watch.told += [(69.0, silence) for silence in watch.liveness.advance(69.0)]
    watch.heard("talks")
    assert watch.told == []
    watch.until(72.0)
    watch.heard("talks")
    watch.until(74.0)
    assert watch.silences() == [("gone", None)]


def test_who_is_never_asked_when_to_be_called_is_not_late_for_that() -> None:
    """A watch that always has other work advances again and again, and asks nothing."""
    liveness = Liveness(0.0)
    liveness.introduce("gone", 20.0, {}, 0.0)
    liveness.introduce("talks", 2.0, {}, 0.0)
    told: list[tuple[float, str]] = []
    for twentieth in range(1, 600):
        now_s = twentieth / 20
        if twentieth % 20 == 0:
            liveness.heard("talks", liveness.tick(now_s))
        told += [(now_s, silence.code) for silence in liveness.advance(now_s)]
    ((told_s, code),) = told
    assert code == "gone"
    assert 20.5 < told_s <= 20.8


@pytest.mark.parametrize("way", ["stood still", "was held up"])
def test_the_driver_is_asked_for_as_much_later_as_time_does_not_count(way: str) -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0)
    before_s = watch.liveness.wake_s
    if way == "stood still":
        watch.liveness.tick(before_s + 60.0)
        assert watch.liveness.wake_s == pytest.approx(before_s + 60.0)
    else:
        watch.liveness.hold(0.0, 60.0)
        assert watch.liveness.wake_s == pytest.approx(before_s + 60.0)


def test_what_was_held_for_longer_than_promised_takes_no_silence_back() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=10.0)
    for second in range(1, 16):
        watch.until(float(second))
        watch.heard("P1")
    assert watch.silences() == [("P1", "WindSensor")]
    watch.report("P1", "WindSensor", held_s=3600.0)
    assert watch.back == []
    watch.report("P1", "WindSensor", held_s=9.0)
    assert watch.back == [(15.0, Back("P1", "WindSensor"))]


def test_no_function_is_missed_while_its_pole_empties_its_ring() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0, WindSensor=10.0)
    for second in range(1, 60):
        watch.until(float(second))
        watch.report("P1", "WindSensor", held_s=3600.0)
    assert watch.told == []


def test_time_in_which_the_store_is_held_up_does_not_count() -> None:
    watch = Driven()
    watch.hello("P1", heartbeat_s=5.0)
    watch.until(3.0)
    for held_s in (3.0, 3.25, 10.0, 33.0):
        watch.liveness.hold(3.0, held_s)
    watch.now_s = 33.0
    watch.until(35.0)
    assert watch.told == []
    watch.until(36.0)
    assert 35.5 <= watch.told[0][0] <= 35.75


def test_the_driver_is_told_when_it_must_wake_sooner() -> None:
    sooner: list[float] = []
    liveness = Liveness(0.0, on_sooner=lambda: sooner.append(1.0))
    liveness.introduce("slow", 600.0, {}, 0.0)
    assert len(sooner) == 1
    assert liveness.wake_s > 500
    liveness.introduce("slower", 900.0, {}, 0.0)
    assert len(sooner) == 1
    liveness.introduce("fast", 1.0, {}, 0.0)
    assert len(sooner) == 2
    assert liveness.wake_s <= 1.75


def test_nobody_is_watched_in_an_empty_gateway() -> None:
    liveness = Liveness(0.0)
    assert liveness.wake_s == math.inf
    assert liveness.advance(1e6) == []
    assert liveness.heard("stranger", 0) is None
    assert liveness.reported("stranger", readings_of("WindSensor"), 0) is None


# -- against what anybody can compute ----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    start_s=st.floats(0, 1e6),
    late_s=st.floats(0, 0.2),
    heartbeat_s=st.floats(0.3, 30.0),
    every_s=st.floats(0.3, 90.0),
)
def test_every_silence_is_told_once_and_within_its_bound(
    seed: int, start_s: float, late_s: float, heartbeat_s: float, every_s: float
) -> None:
    rng = random.Random(seed)
    watch = Driven(now_s=start_s, late_s=late_s)
    watch.hello("P1", heartbeat_s, S=every_s)
    last_s = start_s  # of the pole
    silent = False
    expected: list[tuple[str | None, float]] = []  # what must be told, and when its promise broke
    sensor_s, sensor_silent = start_s, False
    for _ in range(30):
        promise_s = min(heartbeat_s, heartbeat_s if sensor_silent else every_s)
        pause_s = promise_s * rng.choice([0.2, 0.7, 0.99, 3.0])
        watch.until(watch.now_s + pause_s)
        if pause_s > promise_s and watch.now_s - last_s > promise_s + TOLD_WITHIN_S + late_s and not silent:
            expected.append((None, last_s + promise_s))
            silent = True
        if abs(watch.now_s - last_s - promise_s - 0.7) < 0.5:
            return  # whether it is told before the next word is a matter of ticks
        watch.report("P1", "S")
        sensor_s, last_s, silent = watch.now_s, watch.now_s, False
    assert [silence.function for _, silence in watch.told] == [function for function, _ in expected]
    for (told_s, _), (_, broken_s) in zip(watch.told, expected, strict=True):
        assert TOLD_AFTER_S < told_s - broken_s <= TOLD_WITHIN_S + late_s
    assert len(watch.back) == len(expected)
    assert sensor_s == last_s
