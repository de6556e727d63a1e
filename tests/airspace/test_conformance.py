from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from airspace.conformance import (
    GAP_S,
    LEAST_INSIDE_SHARE,
    REACTION_S,
    RECOVERABLE_S,
    Conformance,
    ConformanceTrack,
    conformance,
    off_nominal_around,
)
from airspace.intents import TRANSITIONS, IntentEvent, IntentState
from tests.airspace.shapes import volume

INSIDE = Conformance(0, 0.0, 0.0)
OUTSIDE = Conformance(None, 12.0, None)
ACTIVATED, NONCONFORMING = IntentState.ACTIVATED, IntentState.NONCONFORMING


def tracked(marks: str, step_s: float = 1.0, start_s: float = 0.0) -> ConformanceTrack:
    """A track of one verdict each step: `i` inside, `o` outside, `.` silence."""
    track = ConformanceTrack()
    for number, mark in enumerate(marks):
        if mark != ".":
            track = track.seen(INSIDE if mark == "i" else OUTSIDE, start_s + number * step_s)
    return track


def due(track: ConformanceTrack, state: IntentState, now_s: float) -> IntentEvent | None:
    owed = track.due(state, now_s)
    return None if owed is None else owed.event


# -- one position ------------------------------------------------------------------------------------------------------


def test_inside_the_outline_of_one_and_the_height_band_of_another_is_outside() -> None:
    low_west = volume(box(0, 0, 100, 100), 0.0, 50.0)
    high_east = volume(box(100, 0, 200, 100), 60.0, 100.0)
    verdict = conformance([low_west, high_east], 50.0, 50.0, 80.0, 10.0)
    assert not verdict.inside
    assert verdict.distance_m == pytest.approx(30.0)  # down into the western one; the eastern is 50 m off
    assert conformance([low_west, high_east], 50.0, 50.0, 40.0, 10.0).volume == 0
    assert conformance([low_west, high_east], 150.0, 50.0, 80.0, 10.0).volume == 1


def test_inside_the_place_of_one_and_the_time_of_another_is_outside() -> None:
    early = volume(box(0, 0, 100, 100), start_s=0.0, end_s=50.0)
    late = volume(box(100, 0, 200, 100), start_s=50.0, end_s=100.0)
    verdict = conformance([early, late], 90.0, 50.0, 10.0, 70.0)
    assert not verdict.inside
    assert verdict.distance_m == pytest.approx(10.0)
    assert verdict.time_s == pytest.approx(20.0)


def test_the_distance_out_is_measured_in_space() -> None:
    verdict = conformance([volume()], 103.0, 50.0, 104.0, 10.0)
    assert verdict.distance_m == pytest.approx(5.0)
    assert verdict.time_s is None


def test_with_no_volume_of_that_moment_there_is_a_time_and_no_distance() -> None:
    verdict = conformance([volume(start_s=10.0, end_s=20.0)], 50.0, 50.0, 50.0, 25.0)
    assert (verdict.distance_m, verdict.time_s) == (None, 5.0)
    assert conformance([], 0.0, 0.0, 0.0, 0.0).distance_m is None


@given(*[st.floats(-200.0, 300.0)] * 4)
def test_conformance_is_containment_in_one_volume(x_m: float, y_m: float, z_m: float, at_s: float) -> None:
    volumes = [volume(), volume(box(80, 80, 250, 250), 50.0, 200.0, 90.0, 250.0)]
    verdict = conformance(volumes, x_m, y_m, z_m, at_s)
    assert verdict.inside == any(held.contains(x_m, y_m, z_m, at_s) for held in volumes)
    if verdict.inside:
        assert (verdict.distance_m, verdict.time_s) == (0.0, 0.0)
    off_m = max(-x_m, x_m - 250.0, -y_m, y_m - 250.0, -z_m, z_m - 200.0)
    if verdict.distance_m is not None and off_m > 0.0:
        assert verdict.distance_m >= off_m - 1e-9


def test_a_position_that_is_not_finite_is_an_error_and_no_verdict() -> None:
    with pytest.raises(ValueError, match="not a position"):
        conformance([volume()], math.nan, 0.0, 0.0, 0.0)


# -- time outside ------------------------------------------------------------------------------------------------------


def test_an_excursion_counts_from_the_last_position_inside_until_the_next() -> None:
    track = tracked("iiiooii")
    assert (track.excursions, track.outside_s(6.0), track.longest_s(6.0)) == (1, 3.0, 3.0)
    assert track.inside_s == 3.0
    assert track.inside_share(6.0) == pytest.approx(0.5)
    assert track.farthest_m == 12.0


def test_the_present_excursion_grows_with_the_clock_and_a_past_one_does_not() -> None:
    out = tracked("iio")
    assert [out.excursion_s(now_s) for now_s in (2.0, 5.0, 9.0)] == [1.0, 4.0, 8.0]
    back = tracked("iioi")
    assert [back.excursion_s(now_s) for now_s in (3.0, 50.0)] == [0.0, 0.0]
    assert back.longest_s(50.0) == 2.0


def test_silence_while_inside_is_unknown_and_nobody_is_called_nonconforming_for_it() -> None:
    track = tracked("ii" + "." * 9 + "i")
    assert (track.inside_s, track.unknown_s, track.outside_s(11.0)) == (1.0, 10.0, 0.0)
    assert track.inside_share(11.0) == 1.0
    assert due(track, ACTIVATED, 500.0) is None


def test_an_excursion_after_a_silence_counts_from_where_it_was_seen() -> None:
    track = tracked("ii" + "." * 9 + "o")
    assert (track.outside_since_s, track.unknown_s) == (11.0, 10.0)
    shorter = tracked("ii....o")  # five seconds: no silence yet
    assert (shorter.outside_since_s, shorter.unknown_s) == (1.0, 0.0)
    assert GAP_S == 5.0


def test_silence_while_outside_is_outside() -> None:
    track = tracked("io" + "." * 20 + "i")
    assert (track.outside_s(22.0), track.unknown_s, track.excursions) == (22.0, 0.0, 1)


@pytest.mark.parametrize("at_s", [1.0, 2.0])
def test_a_position_that_is_late_or_came_twice_changes_nothing(at_s: float) -> None:
    track = tracked("iii")
    assert track.seen(OUTSIDE, at_s) is track


marks = st.lists(st.tuples(st.booleans(), st.floats(0.05, 15.0)), min_size=1, max_size=60)


@given(marks)
def test_every_second_is_inside_outside_or_unknown_and_none_is_two_of_them(seen: list[tuple[bool, float]]) -> None:
    track, now_s = ConformanceTrack(), 0.0
    for inside, step_s in seen:
        now_s += step_s
        track = track.seen(INSIDE if inside else OUTSIDE, now_s)
    first_s = seen[0][1]
    assert track.inside_s + track.outside_s(now_s) + track.unknown_s == pytest.approx(now_s - first_s, abs=1e-6)
    assert track.longest_s(now_s) <= track.outside_s(now_s) + 1e-9
    share = track.inside_share(now_s)
    assert share is None or 0.0 <= share <= 1.0


@given(marks)
def test_excursions_are_the_runs_of_positions_outside(seen: list[tuple[bool, float]]) -> None:
    track, now_s, runs, before = ConformanceTrack(), 0.0, 0, True
    longest_seen_s, began_s = 0.0, 0.0
    for inside, step_s in seen:
        now_s += step_s
        track = track.seen(INSIDE if inside else OUTSIDE, now_s)
        if not inside and before:
            runs, began_s = runs + 1, now_s
        if not inside:
            longest_seen_s = max(longest_seen_s, now_s - began_s)
        before = inside
    assert track.excursions == runs
    assert track.longest_s(now_s) >= longest_seen_s - 1e-9  # never shorter than what was seen


@given(marks, st.integers(0, 59))
def test_seeing_one_more_position_outside_never_makes_less_time_outside(
    seen: list[tuple[bool, float]], number: int
) -> None:
    def outside_s(verdicts: list[tuple[bool, float]]) -> float:
        track, now_s = ConformanceTrack(), 0.0
        for inside, step_s in verdicts:
            now_s += step_s
            track = track.seen(INSIDE if inside else OUTSIDE, now_s)
        return track.outside_s(now_s)

    number %= len(seen)
    worse = [*seen[:number], (False, seen[number][1]), *seen[number + 1 :]]
    assert outside_s(worse) >= outside_s(seen) - 1e-9


# -- what is due -------------------------------------------------------------------------------------------------------


def test_leaving_is_due_as_soon_as_it_is_seen_and_to_be_told_within_five_seconds() -> None:
    assert due(tracked("iii"), ACTIVATED, 2.0) is None
    owed = tracked("iiio").due(ACTIVATED, 3.0)
    assert owed is not None
    assert (owed.event, owed.since_s, owed.by_s) == (IntentEvent.LEAVE, 2.0, 3.0 + REACTION_S)


def test_coming_back_is_due_while_nonconforming_and_inside() -> None:
    owed = tracked("iooi").due(NONCONFORMING, 3.0)
    assert owed is not None
    assert (owed.event, owed.since_s, owed.by_s) == (IntentEvent.RETURN, 3.0, 3.0 + REACTION_S)


def test_after_sixty_seconds_outside_the_drone_is_given_up_and_not_before() -> None:
    track = tracked("io")  # outside since 0
    assert due(track, NONCONFORMING, RECOVERABLE_S) is None
    owed = track.due(NONCONFORMING, RECOVERABLE_S + 0.1)
    assert owed is not None
    assert (owed.event, owed.since_s, owed.by_s) == (IntentEvent.GIVE_UP, 60.0, 65.0)


def test_a_second_excursion_has_sixty_seconds_of_its_own() -> None:
    track = tracked("o" * 50 + "i" + "o" * 40)
    assert due(track, NONCONFORMING, 91.0) is None
    assert due(track, NONCONFORMING, 110.5) is IntentEvent.GIVE_UP


def test_a_drone_in_the_air_before_activation_is_nonconforming_even_inside() -> None:
    assert due(tracked("i"), IntentState.ACCEPTED, 0.0) is IntentEvent.LEAVE
    assert due(tracked("o"), IntentState.ACCEPTED, 0.0) is IntentEvent.LEAVE


@pytest.mark.parametrize("state", [IntentState.CONTINGENT, IntentState.ENDED])
@pytest.mark.parametrize("seen", ["i", "o", "oooo"])
def test_where_only_the_end_is_left_nothing_is_due(state: IntentState, seen: str) -> None:
    assert tracked(seen).due(state, 1000.0) is None


@pytest.mark.parametrize("state", IntentState)
def test_before_the_first_position_nothing_is_due(state: IntentState) -> None:
    assert ConformanceTrack().due(state, 1000.0) is None


@given(marks, st.floats(0.0, 200.0), st.sampled_from(IntentState))
def test_whatever_is_due_the_table_allows(seen: list[tuple[bool, float]], later_s: float, state: IntentState) -> None:
    track, now_s = ConformanceTrack(), 0.0
    for inside, step_s in seen:
        now_s += step_s
        track = track.seen(INSIDE if inside else OUTSIDE, now_s)
    owed = track.due(state, now_s + later_s)
    if owed is not None:
        assert (state, owed.event) in TRANSITIONS
        assert owed.since_s <= now_s + later_s
        assert owed.since_s <= owed.by_s


# -- the limits for a flight -------------------------------------------------------------------------------------------


def test_a_flight_within_the_standards_limits_breaches_none() -> None:
    assert tracked("i" * 200 + "o" * 5 + "i" * 200).breaches("flight-1", 404.0) == []


def test_an_excursion_longer_than_ten_seconds_is_a_breach() -> None:
    found = tracked("i" * 500 + "o" * 10 + "i" * 500).breaches("flight-1", 1009.0)
    assert [reason.rule.code for reason in found] == ["conformance.excursion"]
    assert "11.0" in found[0].text("en")
    assert tracked("i" * 500 + "o" * 9 + "i" * 500).breaches("flight-1", 1008.0) == []


def test_more_than_eighteen_excursions_an_hour_are_a_breach() -> None:
    some = "".join("i" * 100 + "o" for _ in range(18)) + "i" * 100
    assert tracked(some).breaches("f", 1917.0) == []
    found = tracked(some + "o" + "i").breaches("f", 1919.0)
    assert [reason.rule.code for reason in found] == ["conformance.excursions"]


def test_less_than_95_percent_inside_is_a_breach() -> None:
    track = tracked("i" * 96 + "o" * 4 + "i")  # 95 s inside, 5 s outside
    assert track.inside_share(100.0) == pytest.approx(LEAST_INSIDE_SHARE)
    assert track.breaches("f", 100.0) == []
    found = tracked("i" * 95 + "o" * 5 + "i").breaches("f", 100.0)
    assert [reason.rule.code for reason in found] == ["conformance.share"]


# -- off-nominal volumes -----------------------------------------------------------------------------------------------


@given(st.floats(0.0, 2 * math.pi), st.floats(0.0, 1.0), st.floats(-1.0, 1.0), st.floats(0.0, 0.999))
def test_an_off_nominal_volume_holds_all_that_can_be_reached(
    bearing: float, speed: float, climb: float, when: float
) -> None:
    held = off_nominal_around(10.0, 20.0, 150.0, 1000.0, speed_mps=15.0, climb_mps=3.0, for_s=60.0)
    gone_s = 60.0 * when
    x_m = 10.0 + 15.0 * speed * gone_s * math.cos(bearing)
    y_m = 20.0 + 15.0 * speed * gone_s * math.sin(bearing)
    assert held.contains(x_m, y_m, 150.0 + 3.0 * climb * gone_s, 1000.0 + gone_s)


def test_an_off_nominal_volume_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no volume"):
        off_nominal_around(0.0, 0.0, 0.0, 0.0, speed_mps=0.0, climb_mps=1.0, for_s=60.0)
