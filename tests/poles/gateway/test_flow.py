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
    Unread,
)


class Named:
    """Who began and ceased to flood, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def __call__(self, code: str, floods: bool) -> None:
        self.told.append((code, floods))


ALL = WAITING_BYTES  # bytes to take


def said(code: str, number: int, size: int = 100) -> Unread:
    """The number is when it came."""
    return Unread(code, bytes(size), number)


def numbers(taken: list[Unread]) -> list[tuple[str, float]]:
    return [(each.code, each.heard_s) for each in taken]


def test_poles_are_served_in_turns_and_each_in_its_order() -> None:
    flow, many, few = Flow(Named()), Peer("many", 0.0), Peer("few", 0.0)
    for number in range(1, 6):
        assert flow.put(many, said("many", number))
    assert flow.put(few, said("few", 1))
    assert numbers(flow.take(3, ALL)) == [("many", 1), ("few", 1), ("many", 2)]
    assert flow.put(few, said("few", 2))
    assert numbers(flow.take(10, ALL)) == [("many", 3), ("few", 2), ("many", 4), ("many", 5)]
    assert not flow.ready


def test_one_pole_cannot_fill_the_memory() -> None:
    flow, peer, other = Flow(Named()), Peer("a", 0.0), Peer("b", 0.0)
    for number in range(1, WAITING_PER_POLE + 1):
        assert flow.put(peer, said("a", number))
    assert not flow.put(peer, said("a", WAITING_PER_POLE + 1))
    assert flow.put(other, said("b", 1))
    assert len(flow.take(WAITING_PER_POLE + 5, ALL)) == WAITING_PER_POLE + 1


def test_all_poles_together_cannot_fill_the_memory() -> None:
    flow, size = Flow(Named()), 1024 * 1024
    for number in range(WAITING_BYTES // size):
        assert flow.put(Peer(f"p{number}", 0.0), said(f"p{number}", 1, size))
    late = Peer("late", 0.0)
    assert not flow.put(late, said("late", 1))
    flow.take(1, ALL)
    assert flow.put(late, said("late", 1))


@pytest.mark.parametrize(("ill", "share"), [(1, 0.02), (16, 0.22), (64, 0.55), (640, 0.96)])
def test_however_many_fill_the_room_there_is_some_for_every_other(ill: int, share: float) -> None:
    flow, size, waiting = Flow(Named()), 60_000, 0
    many = [Peer(f"ill{number}", 0.0) for number in range(ill)]
    for _ in range(WAITING_PER_POLE):
        for peer in many:
            waiting += size * flow.put(peer, said(peer.code, 1, size))
    assert waiting < share * WAITING_BYTES
    for number in range(50):
        assert flow.put(Peer(f"pole{number}", 0.0), said("pole", 1, 200))
    # and when all is served all have room again
    flow.take(100_000, ALL)
    assert all(flow.put(peer, said(peer.code, 2, 200)) for peer in many)


def test_a_turn_takes_no_more_bytes_than_it_may_but_for_the_last_message() -> None:
    flow, peer = Flow(Named()), Peer("a", 0.0)
    for number in range(10):
        flow.put(peer, said("a", number, 1000))
    assert len(flow.take(100, 2500)) == 3
    assert len(flow.take(100, 2000)) == 2
    assert len(flow.take(4, ALL)) == 4
    assert len(flow.take(100, ALL)) == 1


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
    assert numbers(flow.take(10, ALL)) == [("neighbour", 1)]
    assert flow.relieve(0.5) is not None
    assert not flow.ready
    flow.relieve(1.01)  # a second later it owes nothing any more
    assert numbers(flow.take(10, ALL)) == [("flooder", 1)]
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
    served: dict[str, list[float]] = {peer.code: [] for peer in peers}

    def serve(most: int) -> None:
        for code, number in numbers(flow.take(most, ALL)):
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
