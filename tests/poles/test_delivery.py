"""Outbox and ledger together are the promise: at least once on the wire, once in the store."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poles.ledger import BOOTS_REMEMBERED, Ledger, Verdict
from poles.outbox import Outbox
from poles.protocol import Report
from tests.poles.raw_pole import CODE, report


def put(outbox: Outbox, count: int = 1) -> None:
    for _ in range(count):
        outbox.put(0.0, 0.0, {})


def seqs(reports: list[Report]) -> list[int]:
    return [r.seq for r in reports]


def test_at_most_a_window_is_under_way() -> None:
    outbox = Outbox("b", window=4)
    put(outbox, 10)
    assert seqs(list(outbox.due(0.0))) == [1, 2, 3, 4]
    assert seqs(list(outbox.due(0.0))) == []
    assert outbox.acknowledged(2)
    assert seqs(list(outbox.due(0.0))) == [5, 6]


def test_what_was_under_way_is_sent_again_when_it_is_taken_for_lost() -> None:
    outbox = Outbox("b", window=4)
    put(outbox, 3)
    first = list(outbox.due(0.0))
    outbox.send_again()
    assert list(outbox.due(0.0)) == first


def test_a_report_tells_how_long_it_was_held() -> None:
    outbox = Outbox("b")
    outbox.put(1779066000.0, 10.0, {})
    (sent,) = outbox.due(12.5)
    assert (sent.at_s, sent.held_s) == (1779066000.0, 2.5)


def test_the_oldest_is_dropped_when_there_is_no_room_and_the_store_learns_of_it() -> None:
    outbox, ledger = Outbox("b", capacity=3), Ledger({})
    put(outbox, 5)
    assert (len(outbox), outbox.dropped) == (3, 2)
    first, *_ = outbox.due(0.0)
    assert (first.seq, first.after) == (3, 0)
    assert ledger.judge(CODE, first) is Verdict.NEW
    assert ledger.stored(CODE, first) == 2


@pytest.mark.parametrize("durable", [0, 5, 2**40])
def test_an_acknowledgement_that_says_nothing_new_or_too_much_changes_nothing(durable: int) -> None:
    outbox = Outbox("b")
    put(outbox, 6)
    assert outbox.acknowledged(5)
    assert not outbox.acknowledged(durable)
    assert len(outbox) == 1


def test_a_gateway_that_lost_its_memory_still_takes_what_is_held() -> None:
    outbox, fresh = Outbox("b"), Ledger({})
    put(outbox, 6)
    outbox.acknowledged(4)
    outbox.welcomed(0)
    first, *_ = outbox.due(0.0)
    assert (first.seq, fresh.judge(CODE, first)) == (5, Verdict.NEW)


def test_a_report_is_new_once() -> None:
    ledger = Ledger({})
    assert ledger.judge(CODE, report(1)) is Verdict.NEW
    ledger.stored(CODE, report(1))
    assert ledger.judge(CODE, report(1)) is Verdict.DUPLICATE
    assert ledger.judge(CODE, report(3)) is Verdict.EARLY
    assert ledger.judge(CODE, report(1, boot="b2")) is Verdict.NEW


def test_what_the_store_held_before_is_known() -> None:
    ledger = Ledger({CODE: {"b1": 7}})
    assert ledger.judge(CODE, report(7)) is Verdict.DUPLICATE
    assert ledger.judge(CODE, report(8)) is Verdict.NEW


def test_a_pole_that_boots_without_end_does_not_fill_the_memory() -> None:
    ledger = Ledger({})
    for n in range(3 * BOOTS_REMEMBERED):
        ledger.stored(CODE, report(1, boot=f"b{n}"))
    assert ledger.durable_seq(CODE, f"b{3 * BOOTS_REMEMBERED - 1}") == 1
    assert ledger.durable_seq(CODE, "b0") == 0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 0.6), st.integers(1, 9), st.integers(1, 40))
def test_over_any_bad_line_everything_held_arrives_once_and_in_order(
    seed: int, trouble: float, window: int, capacity: int
) -> None:
    rng = random.Random(seed)
    outbox, stored = Outbox("b", capacity=capacity, window=window), list[int]()
    ledger, dropped = Ledger({}), 0
    for turn in range(200):
        if turn < 60:
            put(outbox, rng.randrange(3))
        bad = rng.random() < trouble and turn < 190
        if bad and rng.random() < 0.3:
            ledger = Ledger({CODE: {"b": stored[-1]}} if stored else {})  # the gateway was killed and started again
            outbox.welcomed(ledger.durable_seq(CODE, "b"))
        if rng.random() < 0.3 or turn >= 190:
            outbox.send_again()
        wire = [r for r in outbox.due(0.0) if not (bad and rng.random() < 0.5)]
        wire += [r for r in wire if bad and rng.random() < 0.5]
        if bad:
            rng.shuffle(wire)
        for arrived in wire:
            if ledger.judge(CODE, arrived) is Verdict.NEW:
                dropped += ledger.stored(CODE, arrived)
                stored.append(arrived.seq)
        if not (bad and rng.random() < 0.5):
            outbox.acknowledged(ledger.durable_seq(CODE, "b"))
    for _ in range(capacity):
        outbox.send_again()
        for arrived in outbox.due(0.0):
            dropped += ledger.stored(CODE, arrived)
            stored.append(arrived.seq)
        outbox.acknowledged(ledger.durable_seq(CODE, "b"))
    assert stored == sorted(set(stored))
    assert len(outbox) == 0
    assert dropped <= outbox.dropped
    total = len(stored) + dropped
    assert total == (stored[-1] if stored else 0)
