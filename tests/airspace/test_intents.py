from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from airspace.intents import (
    CARRIES,
    MOST_VERTICES,
    PLAN_HORIZON_S,
    TRANSITIONS,
    IntentEvent,
    IntentState,
    OperationalIntent,
    ovn_of,
    planning_faults,
    transition,
    volume_faults,
)
from airspace.reasons import Reason, Refused
from tests.airspace.shapes import volume

# The standard's own words: what each state may become. Written apart from the table on purpose.
BECOMES = {
    "accepted": "change accepted, activate activated, leave nonconforming, give-up contingent, end ended",
    "activated": "change activated, leave nonconforming, give-up contingent, end ended",
    "nonconforming": "change nonconforming, return activated, give-up contingent, end ended",
    "contingent": "change contingent, end ended",
    "ended": "",
}
EXPECTED = {
    (state, event): after
    for state, line in BECOMES.items()
    for event, _, after in (pair.strip().partition(" ") for pair in line.split(",") if pair)
}
# The API's words on volumes and off-nominal volumes, likewise.
VOLUMES_OF = {"accepted": "v", "activated": "v", "nonconforming": "vo", "contingent": "o", "ended": ""}
SEED = b"a seed of one register"


def codes(reasons: list[Reason]) -> list[str]:
    return [reason.rule.code for reason in reasons]


def intent(id_: str = "a", state: IntentState = IntentState.ACCEPTED) -> OperationalIntent:
    """An intent with just the volumes that its state has."""
    has = VOLUMES_OF[state]
    planned = (volume(),) if "v" in has else ()
    off_nominal = (volume(box(300, 300, 400, 400)),) if "o" in has else ()
    return OperationalIntent(id_, 0, state, planned, off_nominal_volumes=off_nominal)


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


def test_contingent_becomes_nothing_but_ended() -> None:
    after = {end for (start, _), end in TRANSITIONS.items() if start is IntentState.CONTINGENT}
    assert after == {IntentState.CONTINGENT, IntentState.ENDED}


@pytest.mark.parametrize(("state", "event"), [*product(IntentState, IntentEvent)])
def test_after_every_event_an_intent_carries_what_its_state_asks(state: IntentState, event: IntentEvent) -> None:
    if (str(state), str(event)) not in EXPECTED:
        with pytest.raises(Refused):
            intent(state=state).after(event)
        return
    elsewhere = (volume(box(700, 0, 800, 100)),)
    after = intent(state=state).after(event, off_nominal_volumes=elsewhere)
    assert volume_faults(after) == []
    assert after.version == 2
    assert after.off_nominal_volumes == (elsewhere if "o" in VOLUMES_OF[after.state] else ())


@pytest.mark.parametrize("state", IntentState)
@pytest.mark.parametrize("has", ["", "v", "o", "vo"])
def test_each_state_has_exactly_its_own_kinds_of_volumes(state: IntentState, has: str) -> None:
    planned = (volume(),) if "v" in has else ()
    off_nominal = (volume(),) if "o" in has else ()
    faults = volume_faults(OperationalIntent("a", 0, state, planned, off_nominal_volumes=off_nominal))
    assert codes(faults) == ([] if has == VOLUMES_OF[state] else ["intent.volumes"])
    assert CARRIES[state] == ("v" in VOLUMES_OF[state], "o" in VOLUMES_OF[state])


@pytest.mark.parametrize("event", [IntentEvent.LEAVE, IntentEvent.GIVE_UP])
def test_nobody_goes_off_nominal_without_saying_where(event: IntentEvent) -> None:
    with pytest.raises(Refused) as refused:
        intent().after(event)
    assert codes([*refused.value.reasons]) == ["intent.volumes"]


def test_off_nominal_volumes_are_held_with_the_plan_until_the_drone_is_back() -> None:
    around = volume(box(300, 0, 400, 100))
    out = intent(state=IntentState.ACTIVATED).after(IntentEvent.LEAVE, off_nominal_volumes=[around])
    assert out.held == (volume(), around)
    assert out.after(IntentEvent.RETURN).held == (volume(),)
    lost = out.after(IntentEvent.GIVE_UP)
    assert (lost.volumes, lost.held) == ((), (around,))
    assert lost.after(IntentEvent.END).held == ()


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
    assert intent(state=state).holds_airspace == (state is not IntentState.ENDED)
    assert bool(intent(state=state).held) == intent(state=state).holds_airspace


def test_an_intent_that_lies_behind_or_too_far_ahead_is_refused() -> None:
    assert planning_faults(intent(), 0.0) == []
    assert codes(planning_faults(intent(), 100.0)) == ["intent.past"]  # its window is half-open
    assert planning_faults(intent(), 99.9) == []
    assert planning_faults(intent(), -PLAN_HORIZON_S) == []
    assert codes(planning_faults(intent(), -PLAN_HORIZON_S - 0.1)) == ["intent.horizon"]


def test_a_flight_on_its_way_may_have_volumes_behind_it_and_a_new_one_not() -> None:
    two = replace(intent(), volumes=(volume(end_s=50.0), volume(start_s=50.0)))
    assert codes(planning_faults(two, 60.0)) == ["intent.past"]
    assert planning_faults(replace(two, version=2), 60.0) == []
    assert codes(planning_faults(replace(two, version=2), 100.0)) == ["intent.past"]


def test_the_vertices_of_all_volumes_together_have_a_limit() -> None:
    ring = Point(0, 0).buffer(50.0, quad_segs=MOST_VERTICES // 8)  # half of the limit, and the point that closes it
    assert planning_faults(replace(intent(), volumes=(volume(ring),)), 0.0) == []
    assert codes(planning_faults(replace(intent(), volumes=(volume(ring),) * 2), 0.0)) == ["intent.vertices"]


def test_every_change_of_an_intent_changes_its_ovn() -> None:
    first = intent()
    variants = [
        first,
        replace(first, id="b"),
        replace(first, priority=1),
        replace(first, version=2),
        replace(first, state=IntentState.ACTIVATED),
        replace(first, volumes=(volume(high_m=100.5),)),
        replace(first, volumes=(volume(end_s=100.5),)),
        replace(first, volumes=(volume(box(0, 0, 100, 100.0000001)),)),
        replace(first, volumes=(volume(), volume())),
        replace(first, volumes=(), off_nominal_volumes=(volume(),)),
        replace(first, off_nominal_volumes=(volume(),)),
    ]
    ovns = [ovn_of(variant, SEED) for variant in variants]
    assert len(set(ovns)) == len(variants)
    assert all(16 <= len(ovn) <= 128 and ovn.isascii() for ovn in ovns)


def test_an_ovn_is_the_same_for_the_same_and_nobody_tells_it_without_the_seed() -> None:
    assert ovn_of(intent(), SEED) == ovn_of(replace(intent(), ovn="as given before"), SEED)
    assert ovn_of(intent(), SEED) != ovn_of(intent(), b"another seed of a register")


@given(st.lists(st.sampled_from(IntentEvent), max_size=12))
def test_whatever_happens_versions_count_up_and_an_ended_intent_holds_nothing(events: list[IntentEvent]) -> None:
    history = [intent()]
    for event in events:
        try:
            history.append(history[-1].after(event, off_nominal_volumes=[volume(box(9, 9, 10, 10))]))
        except Refused:
            assert (str(history[-1].state), str(event)) not in EXPECTED
    assert [after.version - before.version for before, after in pairwise(history)] == [1] * (len(history) - 1)
    assert all(volume_faults(one) == [] for one in history)
    ends = [one for one in history if one.state is IntentState.ENDED]
    assert ends in ([], history[-1:])
