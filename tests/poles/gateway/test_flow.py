"""Queues and buckets: nobody waits behind another, and who brings too much is slowed and named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poles.gateway.flow import (
    BURST_BYTES,
    BYTES_PER_S,
    SMALL_WINDOW,
    WAITING_BYTES,
    WAITING_PER_POLE,
    WINDOW,
    Flow,
    Peer,
    Said,
)
from poles.protocol import encode
from tests.poles.raw_pole import report


class Named:
    """Who began and ceased to flood, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def __call__(self, code: str, floods: bool) -> None:
        self.told.append((code, floods))


def said(code: str, number: int, size: int = 0) -> Said:
    message = report(number)
    return Said(code, message, bytes(size) if size else encode(message))


def numbers(taken: list[Said]) -> list[tuple[str, int]]:
    return [(each.code, each.message.readings[0].seq) for each in taken]  # type: ignore[union-attr]


def test_poles_are_served_in_turns_and_each_in_its_order() -> None:
    flow, many, few = Flow(Named()), Peer("many", 0.0), Peer("few", 0.0)
    for number in range(1, 6):
        assert flow.put(many, said("many", number))
    assert flow.put(few, said("few", 1))
    assert numbers(flow.take(3)) == [("many", 1), ("few", 1), ("many", 2)]
    assert flow.put(few, said("few", 2))
    assert numbers(flow.take(10)) == [("many", 3), ("few", 2), ("many", 4), ("many", 5)]
    assert not flow.ready


def test_one_pole_cannot_fill_the_memory() -> None:
    flow, peer, other = Flow(Named()), Peer("a", 0.0), Peer("b", 0.0)
    for number in range(1, WAITING_PER_POLE + 1):
        assert flow.put(peer, said("a", number))
    assert not flow.put(peer, said("a", WAITING_PER_POLE + 1))
    assert flow.put(other, said("b", 1))
    assert len(flow.take(WAITING_PER_POLE + 5)) == WAITING_PER_POLE + 1


def test_all_poles_together_cannot_fill_the_memory() -> None:
    flow, size = Flow(Named()), 1024 * 1024
    for number in range(WAITING_BYTES // size):
        assert flow.put(Peer(f"p{number}", 0.0), said(f"p{number}", 1, size))
    late = Peer("late", 0.0)
    assert not flow.put(late, said("late", 1))
    flow.take(1)
    assert flow.put(late, said("late", 1))


def test_who_brings_more_than_its_bucket_holds_is_named_slowed_and_let_go_again() -> None:
    named = Named()
    flow, flooder, neighbour = Flow(named), Peer("flooder", 0.0), Peer("neighbour", 0.0)
    assert flow.window(flooder) == WINDOW
    assert flow.charge(flooder, BURST_BYTES, 0.0)
    assert named.told == []
    assert flow.charge(flooder, BYTES_PER_S, 0.0)
    assert (named.told, flow.flooding) == ([("flooder", True)], ("flooder",))
    assert (flow.window(flooder), flow.window(neighbour)) == (SMALL_WINDOW, WINDOW)
    flow.put(flooder, said("flooder", 1))
    flow.put(neighbour, said("neighbour", 1))
    assert numbers(flow.take(10)) == [("neighbour", 1)]
    assert flow.relieve(0.5) is not None
    assert not flow.ready
    flow.relieve(1.01)  # a second later it owes nothing any more
    assert numbers(flow.take(10)) == [("flooder", 1)]
    assert flow.flooding == ("flooder",)
    assert flow.relieve(1.01 + BURST_BYTES / BYTES_PER_S) is None
    assert named.told == [("flooder", True), ("flooder", False)]
    assert len(flow.flooding) == 0


def test_who_goes_on_all_the_same_is_not_heard_until_its_debt_is_smaller() -> None:
    flow, peer = Flow(Named()), Peer("a", 0.0)
    while flow.charge(peer, 64 * 1024, 0.0):
        pass
    assert peer.left_bytes <= -BURST_BYTES
    assert not flow.charge(peer, 1, 0.0)
    assert flow.charge(peer, 1, 1.0)


@pytest.mark.parametrize("rate_bytes_per_s", [BYTES_PER_S // 2, BYTES_PER_S])
def test_who_keeps_to_the_rate_never_floods(rate_bytes_per_s: int) -> None:
    named = Named()
    flow, peer = Flow(named), Peer("a", 0.0)
    for second in range(1000):
        assert flow.charge(peer, rate_bytes_per_s, float(second))
    assert named.told == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 4), st.integers(1, 3 * BURST_BYTES // 4)),
            st.tuples(st.just("take"), st.integers(1, 5), st.just(0)),
            st.tuples(st.just("wait"), st.integers(1, 40), st.just(0)),
        ),
        max_size=120,
    )
)
def test_whatever_comes_everything_that_was_queued_is_served_once_and_in_order(
    steps: list[tuple[str, int, int]],
) -> None:
    flow, now_s = Flow(Named()), 0.0
    peers = [Peer(str(number), 0.0) for number in range(5)]
    queued: dict[str, list[int]] = {peer.code: [] for peer in peers}
    served: dict[str, list[int]] = {peer.code: [] for peer in peers}

    def serve(most: int) -> None:
        for code, number in numbers(flow.take(most)):
            served[code].append(number)

    for what, which, size in steps:
        if what == "put":
            peer = peers[which]
            number = len(queued[peer.code]) + 1
            if flow.charge(peer, size, now_s) and flow.put(peer, said(peer.code, number)):
                queued[peer.code].append(number)
        elif what == "take":
            serve(which)
        else:
            now_s += which / 10
            flow.relieve(now_s)
    for _ in range(40):
        now_s += 10.0
        flow.relieve(now_s)
        serve(1000)
    assert served == queued
    assert flow.flooding == ()
