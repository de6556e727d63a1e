"""The book of alarms: raised, damped, acknowledged, cleared; lived through or read back, it says the same."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.reasons import AlarmSpec, Severity, Words
from controller.alarms import ALARMS, Alarm
from poles.alarm_table import GATEWAY_ALARMS, POLE_ALARMS, POLE_SILENT, SUPPLY_DOWN, UNKNOWN
from poles.gateway.alarms import FLAP_WINDOW_S, FLAPS, QUIET_S, AlarmBook, Told
from poles.gateway.notes import Condition
from poles.services import ALARM_CODES

SOS = "test.sos"
TABLE = {
    **POLE_ALARMS,
    SOS: AlarmSpec(Severity.EMERGENCY, Words("{subject} calls", "{subject} 求助"), Words("Go", "去")),
}


def began(subject: str = "P1", code: str = POLE_SILENT, **more: Any) -> Condition:
    return Condition(code=code, subject=subject, active=True, **more)


def over(subject: str = "P1", code: str = POLE_SILENT, **more: Any) -> Condition:
    return Condition(code=code, subject=subject, active=False, **more)


def news(told: list[Told]) -> list[str]:
    return [each.news.value for each in told]


def test_an_alarm_is_raised_once_and_cleared_once() -> None:
    book = AlarmBook(TABLE)
    assert news(book.apply(began(facts={"age_s": 5.6}), 100.0)) == ["raised"]
    assert news(book.apply(began(facts={"age_s": 9.0}), 101.0)) == []
    (alarm,) = book
    assert (alarm.id, alarm.raised_s, alarm.spec.severity) == (1, 100.0, Severity.CAUTION)
    assert alarm.text("en") == "pole P1 has been silent for 9 s"
    assert alarm.text("zh") == "灯杆 P1 已 9 秒无消息"
    assert news(book.apply(over(), 110.0)) == ["cleared"]
    assert news(book.apply(over(), 111.0)) == []
    assert list(book) == []


def test_alarms_of_other_poles_codes_and_functions_are_others() -> None:
    book = AlarmBook(TABLE)
    for condition in (began("P1"), began("P2"), began("P1", "pole.implausible", function="A"),
                      began("P1", "pole.implausible", function="B")):  # fmt: skip
        book.apply(condition, 100.0)
    assert len(book) == 4
    assert [alarm.function for alarm in book.of("P1")] == ["", "A", "B"]
    book.apply(over("P1", "pole.implausible", function="A"), 101.0)
    assert [alarm.function for alarm in book.of("P1")] == ["", "B"]
    assert book.of("nobody") == []


def test_the_gravest_comes_first_then_the_oldest() -> None:
    book = AlarmBook(TABLE)
    book.apply(began("P2"), 100.0)
    book.apply(began("P1"), 101.0)
    book.apply(began("G", SUPPLY_DOWN), 102.0)
    book.apply(began("P9", SOS), 103.0)
    assert [alarm.subject for alarm in book] == ["P9", "G", "P2", "P1"]


def test_what_comes_and_goes_is_one_flapping_alarm_until_it_is_quiet() -> None:
    book = AlarmBook(TABLE)
    told: list[str] = []
    for turn in range(20):
        told += news(book.apply(began(), 100.0 + 10.0 * turn))
        told += news(book.apply(over(), 105.0 + 10.0 * turn))
    assert told == ["raised", "cleared"] * (FLAPS - 1) + ["flapping"]
    (alarm,) = book
    assert alarm.flapping
    assert alarm.count == 20
    last_s = 105.0 + 10.0 * 19
    assert book.wake_s == last_s + QUIET_S
    assert book.advance(last_s + QUIET_S - 1) == []
    assert news(book.advance(last_s + QUIET_S)) == ["cleared"]
    assert list(book) == []
    assert book.wake_s == math.inf


def test_what_flapped_and_stays_is_plainly_active_in_the_end() -> None:
    book = AlarmBook(TABLE)
    for turn in range(6):
        book.apply(began(), 100.0 + 10.0 * turn)
        book.apply(over(), 105.0 + 10.0 * turn)
    book.apply(began(), 160.0)
    assert news(book.advance(160.0 + QUIET_S)) == ["steady"]
    (alarm,) = book
    assert not alarm.flapping
    assert news(book.apply(over(), 2000.0)) == ["cleared"]


def test_what_comes_back_now_and_then_does_not_flap() -> None:
    book = AlarmBook(TABLE)
    pause_s = FLAP_WINDOW_S / (FLAPS - 2)
    told = []
    for turn in range(10):
        told += news(book.apply(began(), pause_s * turn))
        told += news(book.apply(over(), pause_s * turn + 1.0))
    assert told == ["raised", "cleared"] * 10


def test_an_emergency_stays_until_somebody_has_seen_it() -> None:
    book = AlarmBook(TABLE)
    assert news(book.apply(began(code=SOS), 100.0)) == ["raised"]
    assert news(book.apply(over(code=SOS), 101.0)) == []
    (alarm,) = book
    assert not alarm.active
    assert news(book.acknowledge(alarm.key, "Li", 110.0)) == ["acknowledged", "cleared"]
    assert (alarm.acknowledged_by, alarm.acknowledged_s) == ("Li", 110.0)
    assert list(book) == []


def test_an_acknowledged_alarm_stays_while_it_is_active_and_nobody_acknowledges_it_twice() -> None:
    book = AlarmBook(TABLE)
    book.apply(began(), 100.0)
    key = (POLE_SILENT, "P1", "")
    assert news(book.acknowledge(key, "Li", 110.0)) == ["acknowledged"]
    assert news(book.acknowledge(key, "Wang", 111.0)) == []
    assert [alarm.acknowledged_by for alarm in book] == ["Li"]
    assert news(book.apply(over(), 120.0)) == ["cleared"]
    assert news(book.acknowledge(key, "Li", 121.0)) == []


def test_an_outage_takes_over_the_alarms_that_it_explains_and_keeps_the_first_ones_number() -> None:
    book = AlarmBook(TABLE)
    book.apply(began("P1"), 100.0)
    book.apply(began("P2"), 101.0)
    cause = began("backhaul:A", SUPPLY_DOWN, facts={"of": 500}, joined=("P1", "P2", "P3"),
                  absorbs=((POLE_SILENT, "P1", ""), (POLE_SILENT, "P2", "")))  # fmt: skip
    assert news(book.apply(cause, 102.0)) == ["explained"]
    (alarm,) = book
    assert (alarm.id, alarm.raised_s, list(alarm.members)) == (1, 100.0, ["P1", "P2", "P3"])
    assert alarm.text("en") == "backhaul:A is down: 3 of its 500 poles are silent so far"
    changed = began("backhaul:A", SUPPLY_DOWN, joined=("P4",), left=("P1", "P2"))
    assert news(book.apply(changed, 103.0)) == ["changed"]
    assert list(alarm.members) == ["P3", "P4"]
    assert news(book.apply(began("P9"), 104.0)) == ["raised"]
    assert [each.id for each in book] == [1, 3]


def test_an_outage_that_flaps_has_the_members_of_its_last_time_only() -> None:
    book = AlarmBook(TABLE)
    for turn in range(FLAPS + 1):
        book.apply(began("backhaul:A", SUPPLY_DOWN, joined=(f"P{turn}",)), 100.0 + turn)
        if turn < FLAPS:
            book.apply(over("backhaul:A", SUPPLY_DOWN), 100.5 + turn)
    (alarm,) = book
    assert alarm.flapping
    assert list(alarm.members) == [f"P{FLAPS}"]


def test_what_a_pole_said_in_an_earlier_boot_is_over_when_it_speaks_of_a_new_one() -> None:
    book = AlarmBook(TABLE)
    book.apply(began("P1", "pole.sensor-faulty", boot="b1"), 100.0)
    book.apply(began("P1"), 101.0)  # the gateway's own
    assert book.of_earlier_boots("P1", "b1") == []
    assert book.of_earlier_boots("P1", "b2") == [over("P1", "pole.sensor-faulty")]
    assert book.of_earlier_boots("P2", "b2") == []


@pytest.mark.parametrize("facts", [{}, {"age_s": "long"}, {"age_s": None, "x": [1]}, {"age_s": {"a": "{b}"}}])
def test_facts_that_do_not_fit_the_words_break_nothing(facts: dict[str, Any]) -> None:
    book = AlarmBook(TABLE)
    book.apply(began(facts=facts), 100.0)
    (alarm,) = book
    for lang in ("en", "zh"):
        assert "P1" in alarm.text(lang)


def test_a_fact_may_have_its_own_chinese() -> None:
    book = AlarmBook(TABLE)
    facts = {"age_s": 10.0, "why": "too bright", "why_zh": "过亮"}
    book.apply(began(code="pole.desired-unmet", function="LampActuator", facts=facts), 100.0)
    (alarm,) = book
    assert "too bright" in alarm.text("en")
    assert "过亮" in alarm.text("zh")


def test_a_code_without_a_row_has_the_row_for_the_unknown() -> None:
    book = AlarmBook(TABLE)
    book.apply(began(code="firmware.invented"), 100.0)
    (alarm,) = book
    assert alarm.spec is TABLE[UNKNOWN]
    assert "firmware.invented" in alarm.text("en")


def test_the_table_is_one() -> None:
    assert set(POLE_ALARMS) <= set(ALARMS)
    assert set(Alarm) <= set(ALARMS)
    assert not set(GATEWAY_ALARMS) & set(ALARM_CODES)
    assert {alarm for alarm in Alarm if alarm in POLE_ALARMS} == {POLE_SILENT}


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_read_back_the_book_says_what_it_said(seed: int) -> None:
    rng = random.Random(seed)
    lived, log, now_s = AlarmBook(TABLE), [], 0.0
    for _ in range(150):
        now_s += rng.choice([0.1, 5.0, 60.0, 700.0])
        subject = rng.choice(["P1", "P2", "backhaul:A"])
        condition = Condition(
            code=rng.choice([POLE_SILENT, SOS, SUPPLY_DOWN]),
            subject=subject,
            active=rng.random() < 0.6,
            joined=tuple(rng.sample(["P1", "P2", "P3"], 1)),
            absorbs=((POLE_SILENT, "P1", ""),) if rng.random() < 0.2 else (),
        )
        log.append((now_s, condition))
        lived.apply(condition, now_s)
        lived.advance(now_s + rng.random() * 0.1)  # asked in between: it changes nothing of what follows
    read = AlarmBook(TABLE)
    for at_s, condition in log:
        read.apply(condition, at_s)
    read.advance(now_s + 0.1)
    lived.advance(now_s + 0.1)
    assert list(read) == list(lived)
    assert all(alarm.flapping or alarm.active or alarm.code == SOS for alarm in read)
