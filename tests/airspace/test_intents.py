from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from airspace.intents import (
    TRANSITIONS,
    IntentConflict,
    IntentEvent,
    IntentState,
    OperationalIntent,
    conformance,
    first_conflict,
    transition,
)
from airspace.reasons import Refused
from tests.airspace.shapes import volume

# The standard's own words: what each state may become. Written apart from the table on purpose.
BECOMES = {
    "accepted": "change accepted, activate activated, leave nonconforming, give-up contingent, end ended",
    "activated": "change activated, leave nonconforming, give-up contingent, end ended",
    "nonconforming": "return activated, give-up contingent, end ended",
    "contingent": "end ended",
    "ended": "",
}
EXPECTED = {
    (state, event): after
    for state, line in BECOMES.items()
    for event, _, after in (pair.strip().partition(" ") for pair in line.split(",") if pair)
}


@pytest.mark.parametrize(("state", "event"), [*product(IntentState, IntentEvent)])
def test_every_pair_of_state_and_event_goes_where_the_standard_says_or_is_refused(
    state: IntentState, event: IntentEvent
) -> None:
    expected = EXPECTED.get((str(state), str(event)))
    if expected is not None:
        assert transition(state, event) == expected
        return
    with pytest.raises(Refused) as refused:
        transition(state, event, "flight-1")
    (reason,) = refused.value.reasons
    assert reason.rule.code == "intent.transition"
    for lang in ("en", "zh"):
        assert all(word in reason.text(lang) for word in ("flight-1", state, event))
        assert all(allowed in reason.text(lang) for s, allowed in EXPECTED if s == state)


def test_every_state_reaches_the_end_and_the_end_is_final() -> None:
    assert all((state, IntentEvent.END) in TRANSITIONS for state in IntentState if state is not IntentState.ENDED)
    assert not [pair for pair in TRANSITIONS if pair[0] is IntentState.ENDED]


def intent(id_: str = "a", start_s: float = 0.0, end_s: float = 100.0) -> OperationalIntent:
    return OperationalIntent(id_, 0, IntentState.ACCEPTED, (volume(start_s=start_s, end_s=end_s),))


def test_each_change_counts_the_version_up_and_keeps_the_airspace() -> None:
    flying = intent().after(IntentEvent.ACTIVATE)
    assert (flying.state, flying.version, flying.volumes) == (IntentState.ACTIVATED, 2, intent().volumes)
    moved = flying.after(IntentEvent.CHANGE, volumes=[volume(box(0, 0, 1, 1))], version=2)
    assert (moved.version, moved.volumes) == (3, (volume(box(0, 0, 1, 1)),))


def test_a_change_made_on_stale_knowledge_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        intent().after(IntentEvent.ACTIVATE).after(IntentEvent.END, version=1)
    assert refused.value.reasons[0].rule.code == "intent.stale"


@pytest.mark.parametrize("state", IntentState)
def test_every_state_but_the_last_holds_its_airspace(state: IntentState) -> None:
    other = OperationalIntent("b", 0, state, (volume(),))
    expected = None if state is IntentState.ENDED else IntentConflict(0, "b", 0)
    assert first_conflict(intent("a"), [other]) == expected
    assert other.holds_airspace == (expected is not None)


def test_the_first_conflict_names_both_volumes() -> None:
    new = OperationalIntent("n", 0, IntentState.ACCEPTED, (volume(box(500, 0, 600, 9)), volume()))
    far = OperationalIntent("far", 0, IntentState.ACCEPTED, (volume(box(900, 0, 901, 9)),))
    near = OperationalIntent("near", 0, IntentState.ACTIVATED, (volume(box(300, 0, 301, 9)), volume(box(50, 0, 60, 9))))
    assert first_conflict(new, [far, near]) == IntentConflict(1, "near", 1)
    assert first_conflict(new, [far]) is None


def test_an_intent_does_not_conflict_with_its_own_earlier_version() -> None:
    assert first_conflict(intent("a"), [intent("a")]) is None


def test_one_after_the_other_in_the_same_place_is_no_conflict() -> None:
    assert first_conflict(intent("a", end_s=50.0), [intent("b", start_s=50.0)]) is None


@given(st.tuples(*[st.floats(-50.0, 150.0)] * 4), st.tuples(*[st.floats(-50.0, 150.0)] * 4))
def test_conflict_is_symmetric(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    a, b = (
        OperationalIntent(name, 0, IntentState.ACCEPTED, (volume(box(x, y, x + 60, y + 60), z, z + 30, t, t + 30),))
        for name, (x, y, z, t) in (("a", one), ("b", other))
    )
    assert (first_conflict(a, [b]) is None) == (first_conflict(b, [a]) is None)


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
