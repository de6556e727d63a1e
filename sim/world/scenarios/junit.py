"""Scenario results as JUnit XML, in the form of the Ant JUnit schema (JUnit.xsd), which CI servers read.

One suite a scenario, one case an expectation. The schema wants times without an offset; they are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from airspace.reasons import Lang
from sim.world.scenarios.judging import UNJUDGED, Judged

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(results: Sequence[Judged], lang: Lang = "en") -> bytes:
    """The whole document; suites and cases in the order of the results."""
    root = ET.Element("testsuites")
    for number, judged in enumerate(results):
        root.append(_suite(number, judged, lang))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(number: int, judged: Judged, lang: Lang) -> ET.Element:
    scenario, checks = judged.scenario, judged.checks
    started = datetime.fromtimestamp(judged.played.start_utc_s, UTC)
    suite = ET.Element(
        "testsuite",
        {
            "id": str(number),
            "package": "beichen.scenarios",
            "name": scenario.name,
            "timestamp": started.strftime("%Y-%m-%dT%H:%M:%S"),
            "hostname": "localhost",
            "tests": str(len(checks)),
            "failures": str(sum(not check.held for check in checks)),
            "errors": "0",
            "time": f"{judged.played.lasted_s:.3f}",
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("title", scenario.title.text(lang)), ("seed", str(scenario.file.world.seed))):
        ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    for check in checks:
        expected, found = _clean(check.expected.text(lang)), _clean(check.found.text(lang))
        name = _clean(check.expected.text("en"))  # by which servers know a case again, in whatever language
        case = ET.SubElement(suite, "testcase", {"name": name, "classname": scenario.name, "time": "0"})
        if not check.held:
            ET.SubElement(case, "failure", {"message": found, "type": "expectation"}).text = f"{expected}: {found}"
    unjudged = [UNJUDGED.text(lang, {"what": words}) for words in judged.unjudged]
    ET.SubElement(suite, "system-out").text = _clean("\n".join([*judged.story(lang), *unjudged]))
    ET.SubElement(suite, "system-err")
    return suite


def _clean(text: str) -> str:
    """The text without characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub("?", text)
