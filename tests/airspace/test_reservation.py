from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from airspace.intents import PLANNED_STATES, IntentEvent, IntentState, OperationalIntent
from airspace.reasons import Refused
from airspace.reservation import MayOverlap, NearZone, Reservation, decide, first_overlap, never, unread
from tests.airspace.shapes import FRAME, ZHENGZHOU, volume

SEED = b"a seed of one register"


def higher_first(own: int, other: int) -> bool:
    return own > other


def intent(
    id_: str, x_m: float = 0.0, *, start_s: float = 0.0, priority: int = 0, state: IntentState = IntentState.ACCEPTED
) -> OperationalIntent:
    held = volume(box(x_m, 0.0, x_m + 100.0, 100.0), start_s=start_s, end_s=start_s + 100.0)
    return OperationalIntent(id_, priority, state, (held,))


def decided(
    *new: OperationalIntent,
    standing: tuple[OperationalIntent, ...] = (),
    key: tuple[str, ...] = (),
    zones: Mapping[str, list[NearZone]] | None = None,
    may_overlap: MayOverlap = never,
) -> tuple[OperationalIntent, ...]:
    asked = Reservation(new, frozenset(key))
    return decide(asked, standing, zones or {}, now_s=0.0, seed=SEED, may_overlap=may_overlap)


def refusal(ask: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refused:
        ask()
    return refused.value


def codes(refused: Refused) -> list[str]:
    return [reason.rule.code for reason in refused.reasons]


def test_free_airspace_is_given_with_an_ovn_each() -> None:
    one, other = decided(intent("a"), intent("b", 200.0))
    assert (one.id, other.id) == ("a", "b")
    assert one.ovn
    assert other.ovn
    assert one.ovn != other.ovn


def test_one_conflict_refuses_the_whole_set() -> None:
    refused = refusal(lambda: decided(intent("far", 900.0), intent("new"), standing=decided(intent("old", 50.0))))
    (reason,) = refused.reasons
    assert (reason.rule.code, reason.where, reason.facts["other"]) == ("reservation.conflict", "new", "old")
    assert (reason.start_s, reason.end_s) == (0.0, 100.0)


def test_every_conflict_and_every_fault_is_named_at_once() -> None:
    standing = decided(intent("x"), intent("y", 200.0))
    gone = replace(intent("gone", 900.0), volumes=(volume(box(900, 0, 950, 50), start_s=-50.0, end_s=-1.0),))
    refused = refusal(lambda: decided(intent("a", 50.0), intent("b", 250.0), gone, standing=standing))
    found = [(reason.rule.code, reason.where) for reason in refused.reasons]
    assert sorted(found) == [("intent.past", "gone"), ("reservation.conflict", "a"), ("reservation.conflict", "b")]


def test_a_conflict_names_its_place_where_the_frame_is_known() -> None:
    asked = Reservation((intent("new"),))
    refused = refusal(lambda: decide(asked, decided(intent("old")), {}, now_s=0.0, seed=SEED, frame=FRAME))
    (reason,) = refused.reasons
    assert reason.lat_deg == pytest.approx(ZHENGZHOU.lat_deg + 50.0 / 111_000.0, abs=1e-4)
    assert reason.lon_deg == pytest.approx(ZHENGZHOU.lon_deg + 50.0 / 91_000.0, abs=1e-4)


def test_intents_of_one_set_may_not_conflict_with_each_other() -> None:
    refused = refusal(lambda: decided(intent("a"), intent("b", 50.0)))
    assert codes(refused) == ["reservation.conflict"]


def test_one_after_the_other_in_the_same_place_is_no_conflict() -> None:
    assert decided(intent("b", start_s=100.0), standing=decided(intent("a")))


def test_what_has_ended_holds_nothing() -> None:
    (old,) = decided(intent("old"))
    assert decided(intent("new"), standing=(old.after(IntentEvent.END),))


def test_a_lower_priority_never_goes_over_a_higher_one_and_the_reason_names_it() -> None:
    standing = decided(intent("rescue", priority=9))
    refused = refusal(lambda: decided(intent("photo"), standing=standing, may_overlap=higher_first))
    assert codes(refused) == ["reservation.conflict"]
    assert "9" in refused.reasons[0].text("en")


def test_a_higher_priority_goes_over_a_lower_one_that_it_knows() -> None:
    (low,) = decided(intent("photo"))
    rescue = intent("rescue", priority=9)
    refused = refusal(lambda: decided(rescue, standing=(low,), may_overlap=higher_first))
    assert codes(refused) == ["reservation.unknown-entity"]
    assert unread(refused) == ("photo",)
    assert decided(rescue, standing=(low,), key=(low.ovn,), may_overlap=higher_first)


def test_knowledge_of_an_earlier_version_is_stale() -> None:
    (low,) = decided(intent("photo"))
    (moved,) = decided(low.after(IntentEvent.ACTIVATE), standing=(low,))
    rescue = intent("rescue", priority=9)
    refused = refusal(lambda: decided(rescue, standing=(moved,), key=(low.ovn,), may_overlap=higher_first))
    assert unread(refused) == ("photo",)


def test_equal_priorities_do_not_overlap_by_order_of_priority() -> None:
    refused = refusal(lambda: decided(intent("b"), standing=decided(intent("a")), may_overlap=higher_first))
    assert codes(refused) == ["reservation.conflict"]


def test_zones_near_a_plan_must_be_known_in_their_present_version() -> None:
    zones = {"a": [NearZone("pad", "ovn-2"), NearZone("school", "ovn-3")]}
    refused = refusal(lambda: decided(intent("a"), zones=zones, key=("ovn-1", "ovn-3")))
    assert codes(refused) == ["reservation.unknown-entity"]
    assert unread(refused) == ("pad",)
    assert decided(intent("a"), zones=zones, key=("ovn-2", "ovn-3"))


def test_off_nominal_an_intent_stands_where_the_drone_is_whoever_else_is_there() -> None:
    (other,) = decided(intent("other", 50.0, start_s=200.0))
    (flying,) = decided(intent("a").after(IntentEvent.ACTIVATE), standing=decided(intent("a")))
    around = volume(box(0, 0, 300, 300), start_s=150.0, end_s=400.0)
    out = flying.after(IntentEvent.LEAVE, off_nominal_volumes=[around])
    zones = {"a": [NearZone("pad", "unread")]}
    (accepted,) = decided(out, standing=(flying, other), zones=zones)
    assert accepted.ovn != flying.ovn
    refused = refusal(lambda: decided(intent("new", 100.0, start_s=300.0), standing=(accepted, other)))
    assert codes(refused) == ["reservation.conflict"]


def test_a_change_is_made_on_the_version_that_stands() -> None:
    (first,) = decided(intent("a"))
    change = first.after(IntentEvent.CHANGE, volumes=[volume(box(500, 0, 600, 100))])
    (second,) = decided(change, standing=(first,))
    assert (second.version, second.ovn == first.ovn) == (2, False)
    assert codes(refusal(lambda: decided(change, standing=(second,)))) == ["intent.stale"]


def test_a_changed_intent_does_not_conflict_with_itself_and_does_with_others() -> None:
    first, other = decided(intent("a"), intent("b", 200.0))
    assert decided(first.after(IntentEvent.ACTIVATE), standing=(first, other))
    wider = first.after(IntentEvent.CHANGE, volumes=[volume(box(0, 0, 250, 100))])
    assert codes(refusal(lambda: decided(wider, standing=(first, other)))) == ["reservation.conflict"]


def test_two_intents_may_change_places_in_one_go() -> None:
    one, other = decided(intent("a"), intent("b", 200.0))
    swapped = (
        one.after(IntentEvent.CHANGE, volumes=other.volumes),
        other.after(IntentEvent.CHANGE, volumes=one.volumes),
    )
    assert len(decided(*swapped, standing=(one, other))) == 2
    assert codes(refusal(lambda: decided(swapped[0], standing=(one, other)))) == ["reservation.conflict"]


@pytest.mark.parametrize("state", [state for state in IntentState if state is not IntentState.ACCEPTED])
def test_a_new_intent_begins_as_accepted(state: IntentState) -> None:
    assert "reservation.new" in codes(refusal(lambda: decided(intent("a", state=state))))


def test_a_new_intent_begins_at_version_one() -> None:
    assert codes(refusal(lambda: decided(replace(intent("a"), version=2)))) == ["reservation.new"]


def test_what_has_ended_does_not_come_back() -> None:
    (first,) = decided(intent("a"))
    ended = first.after(IntentEvent.END)
    again = replace(intent("a"), version=ended.version + 1)
    assert codes(refusal(lambda: decided(again, standing=(ended,)))) == ["reservation.succession"]


def test_a_state_that_no_event_leads_to_is_refused() -> None:
    (first,) = decided(intent("a"))
    flying = first.after(IntentEvent.ACTIVATE)
    back = replace(flying, state=IntentState.ACCEPTED, version=3)
    assert codes(refusal(lambda: decided(back, standing=(flying,)))) == ["reservation.succession"]


def test_an_intent_that_lacks_its_volumes_is_refused() -> None:
    assert codes(refusal(lambda: decided(replace(intent("a"), volumes=())))) == ["intent.volumes"]


def test_nothing_and_the_same_twice_are_refused() -> None:
    assert codes(refusal(decided)) == ["reservation.empty"]
    twice = codes(refusal(lambda: decided(intent("a"), intent("a", 500.0))))
    assert twice == ["reservation.twice"]


boxes = st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


def block(id_: str, at: tuple[int, int, int, int], priority: int = 0) -> OperationalIntent:
    x, y, z, t = (50.0 * side for side in at)
    return OperationalIntent(
        id_, priority, IntentState.ACCEPTED, (volume(box(x, y, x + 60, y + 60), z, z + 40, t, t + 60),)
    )


@given(st.lists(st.lists(st.tuples(boxes, st.integers(0, 2)), min_size=1, max_size=3), max_size=12), st.booleans())
def test_whatever_is_asked_in_whatever_order_no_two_accepted_intents_conflict(
    sets: list[list[tuple[tuple[int, int, int, int], int]]], by_priority: bool
) -> None:
    may_overlap = higher_first if by_priority else never
    standing: list[OperationalIntent] = []
    for number, some in enumerate(sets):
        new = tuple(block(f"{number}.{i}", at, priority) for i, (at, priority) in enumerate(some))
        asked = Reservation(new, frozenset(one.ovn for one in standing))
        free = not any(
            first_overlap(one, other) and not may_overlap(one.priority, other.priority)
            for one in new
            for other in standing
        ) and not any(
            first_overlap(one, other)
            and not may_overlap(one.priority, other.priority)
            and not may_overlap(other.priority, one.priority)
            for one, other in combinations(new, 2)
        )
        try:
            standing += decide(asked, standing, {}, now_s=-1.0, seed=SEED, may_overlap=may_overlap)
        except Refused:
            assert not free
        else:
            assert free
    for one, other in combinations(standing, 2):
        assert one.state in PLANNED_STATES
        if first_overlap(one, other):
            assert by_priority
            assert one.priority != other.priority


@given(boxes, boxes)
def test_overlap_is_symmetric(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> None:
    a, b = block("a", one), block("b", other)
    assert bool(first_overlap(a, b)) == bool(first_overlap(b, a))
