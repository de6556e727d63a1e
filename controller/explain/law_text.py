"""What the law asks of a route, as an operator reads it: what forbids it, what is still needed, what nobody said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airspace.conflicts import utc_text
from airspace.local_time import time_zone
from airspace.reasons import Lang, Words
from airspace.rules import Deadline, Finding, Jurisdiction, Status, Verdict
from airspace.rules.jurisdiction import TOO_LATE

HEAD = Words("Law of {place}: {says}", "{place}法规：{says}")
SAYS = {
    Status.FORBIDDEN: Words("not to be flown as planned", "不得按此计划飞行"),
    Status.NEEDED: Words("not yet to be flown", "尚不可飞行"),
    Status.UNKNOWN: Words("not to be judged yet", "尚无法判断"),
    Status.SATISFIED: Words("all that is asked is satisfied", "全部要求已满足"),
}
GROUPS = {
    Status.FORBIDDEN: Words("Forbidden as planned", "不符合要求"),
    Status.NEEDED: Words("Still needed", "尚待办理"),
    Status.UNKNOWN: Words("Not known, and so not satisfied", "情况不明，不视为满足"),
}
SATISFIED = Words(
    "{count} satisfied. This is no legal advice; docs/rules.md says what was read.",
    "{count} 项已满足。以上并非法律意见；依据见 docs/rules.md。",
)
DEADLINES = Words("Deadlines ({zone})", "时限（{zone}）")
LINE = Words("{asks} [{article}]", "{asks}（{article}）")
BY = Words("{what} by {by}", "{what}：最迟 {by}")
CASE = Words("{asks} ({case})", "{asks}（{case}）")


def law_text(law: Jurisdiction, found: Verdict, lang: Lang) -> str:
    """The verdict as lines: what stands in the way by its gravity, the deadlines on clocks of the place, a count."""
    by_status = {status: [one for one in found.findings if one.status is status] for status in Status}
    gravest = next((status for status in GROUPS if by_status[status]), Status.SATISFIED)
    # a deadline that nobody can be late for yet is told below, once
    by_status[Status.UNKNOWN] = [one for one in by_status[Status.UNKNOWN] if one.requirement.code != TOO_LATE.code]
    lines = [HEAD.text(lang, {"place": law.words, "says": SAYS[gravest]})]
    for status, head in GROUPS.items():
        if by_status[status]:
            lines.append(f"  {head.text(lang)}")
            lines += [f"  - {line}" for line in _lines(law, found, by_status[status], lang)]
    if found.deadlines:
        lines.append(f"  {DEADLINES.text(lang, {'zone': law.time_zone})}")
        lines += [f"  - {_deadline(law, one, lang)}" for one in found.deadlines]
    lines.append(f"  {SATISFIED.text(lang, {'count': len(by_status[Status.SATISFIED])})}")
    return "\n".join(lines)


def _lines(law: Jurisdiction, found: Verdict, findings: Sequence[Finding], lang: Lang) -> list[str]:
    """What is asked by which article, and what helps unless all that is missing is a fact; alike ones in one line."""
    asked: dict[tuple[str, str], list[str]] = {}
    for one in findings:
        remedy = "" if one.status is Status.UNKNOWN else one.requirement.remedy.text(lang, one.facts)
        asked.setdefault((one.requirement.article.text(lang), remedy), []).append(_asks(law, found, one, lang))
    comma, end = ("; ", ". ") if lang == "en" else ("；", "。")
    lines: list[str] = []
    for (article, remedy), asks in asked.items():
        line = LINE.text(lang, {"asks": comma.join(asks), "article": article})
        lines.append(f"{line}{end}{remedy}" if remedy else line)
    return lines


def _asks(law: Jurisdiction, found: Verdict, finding: Finding, lang: Lang) -> str:
    """What is asked: with the name by which a case is cleared, and a deadline on clocks of the place."""
    if finding.requirement.code == TOO_LATE.code:
        deadline = next(one for one in found.deadlines if one.code == finding.about)
        return BY.text(lang, {"what": deadline.words, "by": local_text(law, deadline.by_s)})
    asks = finding.requirement.asks.text(lang, finding.facts)
    return CASE.text(lang, {"asks": asks, "case": finding.about}) if finding.about in law.cases else asks


def _deadline(law: Jurisdiction, deadline: Deadline, lang: Lang) -> str:
    by = BY.text(lang, {"what": deadline.words, "by": local_text(law, deadline.by_s)})
    return LINE.text(lang, {"asks": by, "article": deadline.article})


def local_text(law: Jurisdiction, at_s: float) -> str:
    """A UTC second on the clocks of a jurisdiction, to the minute that has begun."""
    return datetime.fromtimestamp(at_s, time_zone(law.time_zone)).strftime("%Y-%m-%d %H:%M")


def law_row(law: Jurisdiction, found: Verdict) -> dict[str, Any]:
    """The verdict for machines, every finding with its status and words."""
    return {
        "jurisdiction": law.name,
        "allowed": found.allowed,
        "drone_class": found.drone_class,
        "needs_application": found.needs_application,
        "findings": [
            {
                "code": one.requirement.code,
                "about": one.about,
                "status": str(one.status),
                "article": _both(one.requirement.article),
                "en": one.text("en"),
                "zh": one.text("zh"),
            }
            for one in found.findings
        ],
        "deadlines": [
            {
                "code": one.code,
                "by": utc_text(one.by_s),
                "local": local_text(law, one.by_s),
                "time_zone": law.time_zone,
                "article": _both(one.article),
                **_both(one.words),
            }
            for one in found.deadlines
        ],
    }


def _both(words: Words) -> dict[str, str]:
    return {"en": words.en, "zh": words.zh}
