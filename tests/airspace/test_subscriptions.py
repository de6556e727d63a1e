from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from airspace.intents import IntentState, OperationalIntent
from airspace.subscriptions import (
    LONGEST_SUBSCRIPTION_S,
    Change,
    Kind,
    Subscription,
    implicit,
    must_hear,
    subscription_faults,
)
from airspace.volumes import Volume4D
from tests.airspace.shapes import volume

BOTH = frozenset(Kind)


def subscription(
    id_: str = "s",
    kinds: frozenset[Kind] = BOTH,
    until_s: float = 1000.0,
    held: Volume4D | None = None,
    index: int = 0,
) -> Subscription:
    return Subscription(id_, f"holder of {id_}", (held or volume(),), kinds, until_s, index)


def change(kind: Kind = Kind.INTENT, id_: str = "i", *volumes: Volume4D) -> Change:
    return Change(kind, id_, volumes or (volume(),))


def heard(changes: list[Change], subscriptions: list[Subscription], now_s: float = 0.0) -> list[tuple[str, str, int]]:
    notices, _ = must_hear(changes, subscriptions, now_s)
    return [(notice.subscription, notice.id, notice.index) for notice in notices]


def test_a_change_in_the_area_is_heard_and_counted() -> None:
    notices, told = must_hear([change()], [subscription(index=6)], 0.0)
    (notice,) = notices
    assert (notice.holder, notice.index, notice.kind, notice.id) == ("holder of s", 7, Kind.INTENT, "i")
    assert {id_: now.index for id_, now in told.items()} == {"s": 7}


def test_several_changes_count_one_by_one() -> None:
    changes = [change(id_="i"), change(id_="j")]
    assert heard(changes, [subscription()]) == [("s", "i", 1), ("s", "j", 2)]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("kinds", [frozenset({Kind.INTENT}), frozenset({Kind.ZONE}), BOTH])
def test_only_what_was_asked_for_is_heard(kind: Kind, kinds: frozenset[Kind]) -> None:
    assert bool(heard([change(kind)], [subscription(kinds=kinds)])) == (kind in kinds)


def test_elsewhere_above_and_at_other_times_nothing_is_heard() -> None:
    aside, above = volume(box(101, 0, 200, 100)), volume(low_m=101.0, high_m=200.0)
    later = volume(start_s=100.0, end_s=200.0)
    assert heard([change(Kind.INTENT, "i", aside, above, later)], [subscription()]) == []


def test_what_leaves_the_area_is_heard_as_what_comes() -> None:
    before, after = volume(), volume(box(500, 0, 600, 100))
    assert heard([change(Kind.INTENT, "i", before, after)], [subscription()]) == [("s", "i", 1)]


def test_a_subscription_that_is_over_hears_nothing() -> None:
    assert heard([change()], [subscription(until_s=50.0)], now_s=50.0) == []
    assert heard([change()], [subscription(until_s=50.1)], now_s=50.0) == [("s", "i", 1)]


def test_an_intent_hears_of_others_in_its_airspace_and_not_of_itself() -> None:
    own = implicit(OperationalIntent("mine", 0, IntentState.ACTIVATED, (volume(),)), "me")
    assert own.until_s == 100.0
    found = heard([change(id_="mine"), change(id_="other"), change(Kind.ZONE, "mine")], [own])
    assert found == [("intent:mine", "other", 1), ("intent:mine", "mine", 2)]


def test_an_ended_intent_hears_nothing() -> None:
    ended = OperationalIntent("mine", 0, IntentState.ENDED, (volume(),))
    assert heard([change()], [implicit(ended, "me")]) == []


@pytest.mark.parametrize("span_s", [1.0, LONGEST_SUBSCRIPTION_S])
def test_a_subscription_may_last_a_day(span_s: float) -> None:
    assert subscription_faults(subscription(until_s=1e6 + span_s), 1e6) == []


@pytest.mark.parametrize("span_s", [-1.0, 0.0, LONGEST_SUBSCRIPTION_S + 1.0])
def test_a_subscription_may_not_last_longer_or_be_over(span_s: float) -> None:
    (fault,) = subscription_faults(subscription(until_s=1e6 + span_s), 1e6)
    assert fault.rule.code == "subscription.span"


def test_a_subscription_to_nothing_or_under_an_intents_name_is_refused() -> None:
    faults = subscription_faults(subscription("intent:x", frozenset()), 0.0)
    assert [fault.rule.code for fault in faults] == ["subscription.deaf", "subscription.name"]


places = st.tuples(st.integers(0, 5), st.integers(0, 5))


def square(place: tuple[int, int]) -> Volume4D:
    x_m, y_m = 90.0 * place[0], 90.0 * place[1]
    return volume(box(x_m, y_m, x_m + 100.0, y_m + 100.0))


@given(st.lists(places, max_size=6), st.lists(places, max_size=6))
def test_everybody_concerned_hears_once_a_change_and_nobody_else(
    changed: list[tuple[int, int]], wished: list[tuple[int, int]]
) -> None:
    changes = [change(Kind.INTENT, f"i{n}", square(place)) for n, place in enumerate(changed)]
    subscriptions = [subscription(f"s{n}", held=square(place)) for n, place in enumerate(wished)]
    expected = [
        (f"s{j}", f"i{i}")
        for i, one in enumerate(changed)
        for j, other in enumerate(wished)
        if max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= 1
    ]
    found = heard(changes, subscriptions)
    assert [(sub, id_) for sub, id_, _ in found] == expected
    for n in range(len(wished)):  # without a gap
        indexes = [index for sub, _, index in found if sub == f"s{n}"]
        assert indexes == [*range(1, len(indexes) + 1)]
