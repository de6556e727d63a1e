from __future__ import annotations

import re

import pytest

from airspace.ground.clearance import RequiredClearance
from airspace.reasons import Lang
from airspace.remedies import remedies
from controller.explain.text import explanation_text
from tests.airspace.routes import LIMITS
from tests.controller.explain.answers import example_answer


def test_the_blocked_route_is_explained_by_rule_place_time_and_change() -> None:
    answer = example_answer()
    text = explanation_text(answer, remedies(answer, LIMITS), "en")
    assert text.startswith("Route west-east-evening is blocked (2)")
    assert "Interim Regulations art. 33" in text
    assert "ZZ-PAD-1" in text
    assert re.search(r"near 34\.75\d+,113\.62\d+", text)
    assert re.search(r"grid cell N49IB5\d+", text)
    assert "2026-05-18T10:33:28Z to 2026-05-18T10:36:09Z" in text
    assert "clear of it 139 m north-east or 50.9 m higher" in text
    assert re.search(r"^  A  fly around, \d+ m", text, re.MULTILINE)


CHINESE_LAW = re.compile(r"Interim|暂行|《|第\w+条》|GB 4\d+|IB-FS|UOM|Shanghai")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_same_route_is_told_by_the_law_of_another_place_without_a_word_of_the_first(lang: Lang) -> None:
    at_home, abroad = (example_answer(law=law) for law in ("china", "ed269"))
    here, there = (explanation_text(answer, remedies(answer, LIMITS), lang) for answer in (at_home, abroad))
    assert CHINESE_LAW.search(here)
    assert not CHINESE_LAW.search(there)
    assert "ED-269" in there
    assert [one.id for one in abroad.conflicts] == [one.id for one in at_home.conflicts]
    assert not CHINESE_LAW.search("".join(one.reason().text(lang) for one in abroad.conflicts))


def test_every_term_of_the_margins_is_in_the_explanation() -> None:
    answer = example_answer()
    text = explanation_text(answer, (), "en")
    margins = answer.question.margins
    for term in (*margins.lateral, *margins.vertical, *margins.time):
        assert f"{term.words.en} {term.value:.2f}" in text


@pytest.mark.parametrize(("lang", "says"), [("en", "No change of departure"), ("zh", "均无法消除冲突")])
def test_it_is_said_when_nothing_helps(lang: Lang, says: str) -> None:
    assert says in explanation_text(example_answer(), (), lang)


def test_a_chinese_explanation_has_no_english_sentence() -> None:
    answer = example_answer()
    text = explanation_text(answer, remedies(answer, LIMITS), "zh")
    assert text.startswith("航线 west-east-evening 存在冲突（2 处）")
    words = re.sub(r"west-east-evening|rtk-fixed|ZZ-\w+-\d|N49IB5\d+|airspace\.\w+|[0-9TZ:.-]+", "", text)
    assert re.findall(r"[A-Za-z]{3,}", words) == []


def test_a_clear_route_is_told_with_its_margins_and_no_remedy() -> None:
    text = explanation_text(example_answer("clear"), (), "en")
    assert text.startswith("Route west-east-morning is clear")
    assert "lateral 8.95 m" in text
    assert "What would clear it" not in text


def test_a_mast_that_is_too_close_blocks_a_route_and_is_named() -> None:
    answer = example_answer("clear", required=RequiredClearance(30.0, 40.0, 40.0))
    text = explanation_text(answer, remedies(answer, LIMITS), "en")
    assert not answer.free
    assert "Relay mast" in text
    assert "least height over the ground 60.0 m, on leg 1" in text
