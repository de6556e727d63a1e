"""The outbox: in order, at most a window under way, oldest dropped first, and every drop told."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poles.agent.entries import acceptable, of_alarm, of_log, of_observation, of_reading
from poles.agent.outbox import MARK_EVERY, REPORT_BYTES, Outbox
from poles.agent.ring import PAGE_BYTES, Kind, Ring
from poles.protocol import (
    MAX_BODY_BYTES,
    MAX_SEQ,
    Alarm,
    Heard,
    Level,
    Log,
    Observation,
    OfEntries,
    Quality,
    Report,
    Source,
    decode,
    numbers_of,
)
from sim.flash import SimFlash

BODY = of_reading("weather", {"wind_mean_mps": 3.0})


def named_boots() -> itertools.count[int]:
    return itertools.count(1)


def outbox_of(ring: Ring | None = None, *, capacity: int = 10_000, window: int = 32, behind: int = 0) -> Outbox:
    boots = named_boots()
    outbox = Outbox(lambda: f"{next(boots):016x}", capacity=capacity, ring=ring, behind=behind)
    outbox.window = window
    return outbox


def put(outbox: Outbox, count: int = 1, body: bytes = BODY) -> None:
    for _ in range(count):
        outbox.put(Kind.READING, 0.0, 0.0, body)


def due(outbox: Outbox, now_s: float = 0.0, utc_s: float = 0.0) -> list[OfEntries]:
    messages = [decode(body) for body in outbox.due(now_s, utc_s)]
    assert all(isinstance(message, OfEntries) for message in messages)
    return messages  # type: ignore[return-value]


def seqs(messages: list[OfEntries]) -> list[int]:
    return [number for message in messages for number in numbers_of(message)]


class TestOneBoot:
    def test_at_most_a_window_is_under_way(self) -> None:
        outbox = outbox_of(window=4)
        put(outbox, 10)
        assert seqs(due(outbox)) == [1, 2, 3, 4]
        assert seqs(due(outbox)) == []
        assert outbox.acknowledged(outbox.boot, 2)
        assert seqs(due(outbox)) == [5, 6]

    def test_a_smaller_window_takes_nothing_back(self) -> None:
        outbox = outbox_of(window=4)
        put(outbox, 10)
        due(outbox)
        outbox.window = 1
        assert seqs(due(outbox)) == []
        outbox.acknowledged(outbox.boot, 4)
        assert seqs(due(outbox)) == [5]

    def test_of_what_is_sent_again_no_more_goes_out_than_the_window_holds_by_then(self) -> None:
        outbox = outbox_of(window=4)
        put(outbox, 4)
        due(outbox)
        outbox.window = 2
        outbox.send_again()
        assert [(message.after, seqs([message])) for message in due(outbox)] == [(0, [1, 2])]
        outbox.acknowledged(outbox.boot, 2)
        assert [(message.after, seqs([message])) for message in due(outbox)] == [(2, [3, 4])]

    def test_what_was_under_way_is_sent_again_when_it_is_taken_for_lost(self) -> None:
        outbox = outbox_of(window=4)
        put(outbox, 3)
        first = due(outbox)
        assert outbox.under_way
        outbox.send_again()
        assert due(outbox) == first

    def test_a_report_tells_how_long_it_was_held(self) -> None:
        outbox = outbox_of()
        outbox.put(Kind.READING, 1_779_066_000.0, 10.0, BODY)
        (sent,) = due(outbox, now_s=12.5)
        assert isinstance(sent, Report)
        assert (sent.readings[0].at_s, sent.readings[0].held_s) == (1_779_066_000.0, 2.5)

    def test_entries_are_dated_anew_when_the_clock_was_found_wrong(self) -> None:
        outbox = outbox_of()
        outbox.put(Kind.READING, 17.0, 10.0, BODY)
        (body,) = outbox.due(12.5, 0.0, lambda at_s, monotonic_s: 1_779_066_000.0 + monotonic_s)
        sent = decode(body)
        assert isinstance(sent, Report)
        assert (sent.readings[0].at_s, sent.readings[0].held_s) == (1_779_066_010.0, 2.5)

    def test_each_kind_travels_in_its_own_message_and_in_its_place(self) -> None:
        outbox = outbox_of()
        heard = Heard(source=Source.ODID, frame=b"\x0d", age_s=0.5, rssi_dbm=-70.0)
        put(outbox, 2)
        outbox.put(Kind.ALARM, 0.0, 0.0, of_alarm("pole.tilt", True, None, {"tilt_deg": 7.5}))
        outbox.put(Kind.OBSERVATION, 0.0, 0.0, of_observation([heard]))
        outbox.put(Kind.LOG, 0.0, 0.0, of_log(Level.WARNING, "hot"))
        put(outbox, 1, of_reading("weather", {}, Quality.BAD))
        sent = due(outbox)
        assert [type(message) for message in sent] == [Report, Alarm, Observation, Log, Report]
        assert [message.after for message in sent] == [0, 2, 3, 4, 5]
        assert seqs(sent) == [1, 2, 3, 4, 5, 6]
        alarm, observation, log, last = sent[1:]
        assert isinstance(alarm, Alarm)
        assert (alarm.code, alarm.active, alarm.function, alarm.facts) == ("pole.tilt", True, None, {"tilt_deg": 7.5})
        assert isinstance(observation, Observation)
        assert observation.heard == (heard,)
        assert isinstance(log, Log)
        assert (log.level, log.text) == (Level.WARNING, "hot")
        assert isinstance(last, Report)
        assert last.readings[0].quality is Quality.BAD

    def test_no_message_is_longer_than_the_wire_takes(self) -> None:
        outbox = outbox_of(window=1000)
        rng = random.Random(1)
        lengths = [rng.choice((10, 3000, REPORT_BYTES, 60_000)) for _ in range(60)]
        for length in lengths:
            put(outbox, 1, of_reading("x", {"text": "a" * length}))
        bodies = list(outbox.due(0.0, 0.0))
        assert max(map(len, bodies)) <= MAX_BODY_BYTES
        messages = [decode(body) for body in bodies]
        assert seqs([message for message in messages if isinstance(message, Report)]) == list(range(1, 61))

    @pytest.mark.parametrize("durable", [0, 5, 2**40])
    def test_an_acknowledgement_that_says_nothing_new_or_too_much_changes_nothing(self, durable: int) -> None:
        outbox = outbox_of()
        put(outbox, 6)
        assert outbox.acknowledged(outbox.boot, 5)
        assert not outbox.acknowledged(outbox.boot, durable)
        assert not outbox.acknowledged("another", 6)
        assert len(outbox) == 1

    def test_a_gateway_that_lost_its_memory_is_sent_what_is_held(self) -> None:
        outbox = outbox_of()
        put(outbox, 6)
        outbox.acknowledged(outbox.boot, 4)
        outbox.welcomed(outbox.boot, 0)
        (first,) = due(outbox)
        assert (first.after, seqs([first])) == (0, [5, 6])

    def test_the_oldest_is_dropped_when_there_is_no_room(self) -> None:
        outbox = outbox_of(capacity=3)
        put(outbox, 5)
        assert (len(outbox), outbox.dropped, outbox.after) == (3, 2, 2)
        (first,) = due(outbox)
        assert (seqs([first]), first.after) == ([3, 4, 5], 0)

    def test_what_is_dropped_while_it_is_under_way_is_not_sent_again(self) -> None:
        outbox = outbox_of(capacity=3)
        put(outbox, 3)
        due(outbox)
        put(outbox, 2)
        (last,) = due(outbox)
        assert (seqs([last]), last.after) == ([4, 5], 3)

    def test_messages_that_a_gateway_does_not_know_do_not_stop_the_others(self) -> None:
        outbox = outbox_of()
        put(outbox)
        for _ in range(3):
            outbox.put(Kind.OBSERVATION, 0.0, 0.0, of_observation([Heard(source=Source.ODID, frame=b"x", age_s=0.0)]))
        put(outbox)
        due(outbox)
        outbox.not_understood("observation")
        outbox.not_understood("hello")
        sent = due(outbox)
        assert (seqs(sent), [message.after for message in sent]) == ([1, 5], [0])
        assert outbox.dropped == 3

    def test_after_the_last_number_begins_a_new_boot(self) -> None:
        outbox = outbox_of(behind=MAX_SEQ - 2)
        put(outbox, 4)
        assert (outbox.boot, outbox.last_seq) == (f"{2:016x}", 2)
        assert [message.boot for message in due(outbox)] == [f"{1:016x}"]
        assert outbox.acknowledged(f"{1:016x}", MAX_SEQ)
        (second,) = due(outbox)
        assert (second.boot, second.after, seqs([second])) == (f"{2:016x}", 0, [1, 2])

    @pytest.mark.parametrize(
        "values", [{"x": float("nan")}, {"x": "a" * MAX_BODY_BYTES}, {"": 1}, {"x": [[[[[[[[[[]]]]]]]]]]}]
    )
    def test_what_no_gateway_would_take_is_known_beforehand(self, values: dict[str, object]) -> None:
        assert acceptable(Kind.READING, of_reading("weather", {"x": 1.0}))
        assert not acceptable(Kind.READING, of_reading("weather", values))


class TestWithARing:
    def test_what_an_earlier_boot_left_is_sent_first_under_its_own_name(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        for boot in (7, 8):
            before = Outbox(lambda: f"{boot:016x}", ring=Ring.open(flash))  # noqa: B023 - named at once
            before.put(Kind.READING, 1_779_066_000.0, 5.0, BODY)
            before.put(Kind.LOG, 1_779_066_001.0, 6.0, of_log(Level.INFO, "on"))
        outbox = outbox_of(Ring.open(flash))
        put(outbox)
        assert (len(outbox), outbox.earlier) == (5, 4)
        said: list[tuple[str, int, list[int]]] = []
        while len(outbox):
            sent = due(outbox, now_s=3.0, utc_s=1_779_066_100.0)
            said += [(message.boot, message.after, seqs([message])) for message in sent]
            assert outbox.acknowledged(sent[-1].boot, seqs(sent)[-1])
        assert said == [
            (f"{7:016x}", 0, [1]),
            (f"{7:016x}", 1, [2]),
            (f"{8:016x}", 0, [1]),
            (f"{8:016x}", 1, [2]),
            (f"{1:016x}", 0, [1]),
        ]

    def test_entries_of_an_earlier_boot_keep_their_date_and_were_held_since(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        before = outbox_of(Ring.open(flash))
        before.put(Kind.READING, 1_779_066_000.0, 5.0, BODY)
        outbox = Outbox(lambda: f"{9:016x}", ring=Ring.open(flash))
        (body,) = outbox.due(1.0, 1_779_066_060.0, lambda at_s, monotonic_s: 0.0)
        sent = decode(body)
        assert isinstance(sent, Report)
        assert (sent.readings[0].at_s, sent.readings[0].held_s) == (1_779_066_000.0, 60.0)

    @given(st.floats(), st.floats(0.0, 4e9))
    def test_no_date_of_an_earlier_boot_is_too_strange_to_be_sent(self, at_s: float, utc_s: float) -> None:
        flash = SimFlash(PAGE_BYTES)
        outbox_of(Ring.open(flash)).put(Kind.READING, at_s, 5.0, BODY)
        outbox = Outbox(lambda: f"{9:016x}", ring=Ring.open(flash))
        assert seqs(due(outbox, 1.0, utc_s)) == [1]

    def test_the_store_may_hold_more_of_an_earlier_boot_than_the_ring(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        ring = Ring.open(flash)
        before = outbox_of(ring)
        put(before, 2)
        ring.sync()
        put(before, 2)
        due(before)  # all four reach the store, and then the power fails
        flash.lose_power(random.Random(3))
        outbox = Outbox(lambda: f"{9:016x}", ring=Ring.open(flash))
        assert len(outbox) < 4
        assert outbox.acknowledged(f"{1:016x}", 4)
        assert len(outbox) == 0

    def test_a_store_that_has_less_of_an_earlier_boot_is_sent_the_rest_behind_what_it_has(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        before = outbox_of(Ring.open(flash))
        put(before, 10)
        before.acknowledged(before.boot, 5)
        before.close()
        outbox = Outbox(lambda: f"{9:016x}", ring=Ring.open(flash))
        put(outbox, 2)
        assert [message.after for message in due(outbox)] == [5]
        assert outbox.acknowledged(f"{1:016x}", 0)
        assert not outbox.acknowledged(f"{1:016x}", 0)  # that is no news any more
        assert [(message.after, seqs([message])) for message in due(outbox)] == [(0, [6, 7, 8, 9, 10])]
        assert outbox.acknowledged(f"{1:016x}", 10)
        assert [message.boot for message in due(outbox)] == [f"{9:016x}"]

    def test_of_the_current_boot_only_a_welcome_says_that_the_store_has_less(self) -> None:
        outbox = outbox_of()
        put(outbox, 6)
        outbox.acknowledged(outbox.boot, 4)
        assert not outbox.acknowledged(outbox.boot, 2)
        assert [message.after for message in due(outbox)] == [4]
        outbox.welcomed(outbox.boot, 2)
        assert [message.after for message in due(outbox)] == [2]

    def test_an_orderly_end_notes_what_is_acknowledged(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        outbox = outbox_of(Ring.open(flash))
        put(outbox, 5)
        outbox.acknowledged(outbox.boot, 3)
        outbox.close()
        again = Outbox(lambda: f"{9:016x}", ring=Ring.open(flash))
        (sent,) = due(again)
        assert (sent.after, seqs([sent])) == (3, [4, 5])

    def test_acknowledgements_wear_the_flash_little(self) -> None:
        ring = Ring.open(SimFlash(64 * PAGE_BYTES))
        outbox = outbox_of(ring)
        put(outbox, 1000)
        written = ring.written_bytes
        for seq in range(1, 1001):
            outbox.acknowledged(outbox.boot, seq)
        assert ring.written_bytes - written <= (1000 // MARK_EVERY) * 56

    def test_the_oldest_are_dropped_when_the_ring_has_gone_round(self) -> None:
        ring = Ring.open(SimFlash(PAGE_BYTES))
        outbox = outbox_of(ring)
        put(outbox, 100)
        held = len(outbox)
        assert outbox.dropped == 100 - held > 0
        sent = due(outbox)
        assert seqs(sent)[0] == outbox.after + 1 == 101 - held

    def test_what_the_flash_lost_meanwhile_is_dropped_and_told(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        outbox = outbox_of(Ring.open(flash))
        put(outbox, 3)
        second = outbox.streams[0].held[1].place
        flash.flip(8 * second + 100)
        (sent,) = due(outbox)
        assert seqs([sent]) == [1, 3]
        assert outbox.dropped == 1

    def test_an_earlier_boot_that_cannot_be_read_at_all_holds_nobody_up(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        put(outbox_of(Ring.open(flash)), 2)
        outbox = Outbox(lambda: f"{9:016x}", ring=Ring.open(flash))
        for held in outbox.streams[0].held:
            flash.flip(8 * held.place + 100)
        put(outbox, 2)
        assert [(message.boot, seqs([message])) for message in due(outbox)] == [(f"{9:016x}", [1, 2])]

    def test_a_flash_that_fails_costs_nothing_but_the_ring(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        faults: list[OSError] = []
        outbox = Outbox(lambda: f"{9:016x}", ring=Ring.open(flash), capacity=3, on_fault=faults.append)
        put(outbox, 2)
        flash.is_full = True
        put(outbox, 4)
        assert len(faults) == 4
        assert seqs(due(outbox)) == [1, 2, 4, 5, 6]  # memory has room for three
        flash.is_full = False
        put(outbox)
        assert seqs(due(outbox)) == [7]
