"""What was found, for people and for CI servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from airspace.reasons import Lang, Words
from poles.conformance.findings import Findings, Verdict
from poles.conformance.paragraphs import PARAGRAPHS

MARKS = {
    Verdict.PASS: Words("pass", "通过"),
    Verdict.FAIL: Words("FAIL", "失败"),
    Verdict.NOT_APPLICABLE: Words("not applicable", "不适用"),
}
TOTALS = Words(
    "{passed} pass, {failed} fail, {absent} not applicable", "{passed} 项通过，{failed} 项失败，{absent} 项不适用"
)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def rows(findings: Findings, of: Sequence[str] = ()) -> Iterator[tuple[str, Verdict, Words, tuple[Words, ...]]]:
    """Paragraph, verdict, what it asks for, and what was seen; in the document's order.

    Of those that are not applicable only the ones in `of` are told, where it says any: what single trials look at.
    """
    for number, asks in PARAGRAPHS.items():
        if of and number not in of and findings.verdict(number) is Verdict.NOT_APPLICABLE:
            continue
        yield number, findings.verdict(number), asks, findings.seen(number)


def lines(findings: Findings, lang: Lang, of: Sequence[str] = ()) -> Iterator[str]:
    """One line for each paragraph, and one below it for each thing that was seen of it."""
    for number, verdict, asks, seen in rows(findings, of):
        yield f"{number:<7}{MARKS[verdict].text(lang):<16}{asks.text(lang)}"
        yield from (f"{'':<7}  {what.text(lang)}" for what in seen)
    yield TOTALS.text(lang, _totals(findings, of))


def _totals(findings: Findings, of: Sequence[str] = ()) -> dict[str, int]:
    verdicts = [verdict for _, verdict, _, _ in rows(findings, of)]
    return {
        "passed": verdicts.count(Verdict.PASS),
        "failed": verdicts.count(Verdict.FAIL),
        "absent": verdicts.count(Verdict.NOT_APPLICABLE),
    }


def junit_xml(findings: Findings) -> bytes:
    """JUnit XML: one suite, one case for each paragraph."""
    totals = _totals(findings)
    counts = {"tests": len(PARAGRAPHS), "failures": totals["failed"], "skipped": totals["absent"], "errors": 0}
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root, "testsuite", {"name": "poles-protocol", **{name: str(count) for name, count in counts.items()}}
    )
    for number, verdict, asks, seen in rows(findings):
        case = ET.SubElement(
            suite, "testcase", {"classname": "poles-protocol", "name": f"{number} {asks.en}", "time": "0"}
        )
        text = _NOT_XML.sub("", "\n".join(what.en for what in seen))
        if verdict is Verdict.FAIL:
            ET.SubElement(case, "failure", {"message": number, "type": "paragraph"}).text = text
        elif verdict is Verdict.NOT_APPLICABLE:
            ET.SubElement(case, "skipped", {"message": text})
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"
