"""How what was seen becomes a verdict, and what people and CI servers read of it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from airspace.reasons import Lang, Words
from poles.conformance import PARAGRAPHS, Findings, Verdict
from poles.conformance.findings import SEEN_MOST
from poles.conformance.results import junit_xml, lines

NO_RING = Words("no ring", "没有环形存储")


def test_a_paragraph_passes_when_it_was_kept_and_never_broken() -> None:
    findings = Findings()
    assert findings.verdict("§4.1") is Verdict.NOT_APPLICABLE
    assert not findings.passes
    findings.kept("§4.1")
    assert findings.verdict("§4.1") is Verdict.PASS
    assert findings.seen("§4.1") == ()
    assert findings.passes
    findings.broken("§4.1", Words("once", "一次"))
    findings.kept("§4.1")
    assert findings.verdict("§4.1") is Verdict.FAIL
    assert findings.seen("§4.1") == (Words("once", "一次"),)
    assert not findings.passes


def test_why_a_paragraph_does_not_apply_is_told_only_while_nothing_was_seen() -> None:
    findings = Findings()
    findings.absent("§5.11", NO_RING)
    assert findings.seen("§5.11") == (NO_RING,)
    findings.kept("§5.11")
    assert findings.seen("§5.11") == ()


def test_a_paragraph_that_is_broken_all_the_time_does_not_fill_the_screen() -> None:
    findings = Findings()
    for n in range(100):
        findings.broken("§5.7", Words(f"way {n}", ""))
        findings.broken("§5.7", Words("way 0", ""))
    assert len(findings.seen("§5.7")) == SEEN_MOST


def test_what_several_trials_found_is_put_together_under_their_names() -> None:
    whole, one, other = Findings(), Findings(), Findings()
    one.kept("§4.1")
    one.absent("§5.11", NO_RING)
    other.broken("§4.1", Words("too early", "过早"))
    whole.add(one, "first")
    whole.add(other, "second")
    assert whole.seen("§4.1") == (Words("second: too early", "second：过早"),)
    assert whole.seen("§5.11") == (NO_RING,)


def test_a_paragraph_that_the_document_has_not_cannot_be_judged() -> None:
    with pytest.raises(KeyError):
        Findings().kept("§99.1")


@pytest.mark.parametrize(
    ("lang", "failed", "seen"), [("en", "1 fail", "quiet for 9 s"), ("zh", "1 项失败", "静默 9 秒")]
)
def test_every_paragraph_has_its_line_and_each_way_to_break_it_one_below(lang: Lang, failed: str, seen: str) -> None:
    findings = Findings()
    findings.kept("§4.1")
    findings.broken("§4.3", Words("quiet for 9 s", "静默 9 秒"))
    text = list(lines(findings, lang))
    assert [line.split()[0] for line in text if line.startswith("§")] == list(PARAGRAPHS)
    below = text[next(n for n, line in enumerate(text) if line.startswith("§4.3")) + 1]
    assert below.strip() == seen
    assert failed in text[-1]


def test_of_single_trials_only_what_they_look_at_is_told() -> None:
    findings = Findings()
    findings.kept("§4.1")
    findings.broken("§4.3", Words("quiet for 9 s", "静默 9 秒"))
    findings.absent("§5.11", NO_RING)
    told = [line.split()[0] for line in lines(findings, "en", ["§5.11", "§6.2"]) if line.startswith("§")]
    assert told == ["§4.1", "§4.3", "§5.11", "§6.2"]
    assert list(lines(findings, "en", ["§5.11", "§6.2"]))[-1] == "1 pass, 1 fail, 2 not applicable"


def test_junit_holds_no_character_that_xml_cannot() -> None:
    findings = Findings()
    findings.broken("§3.7", Words("says \x00\x1b", ""))
    failure = ET.fromstring(junit_xml(findings)).find(".//failure")
    assert failure is not None
    assert failure.text == "says "
