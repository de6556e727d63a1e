"""Why not: one shape for every refusal, in the two languages that operators read.

A `Rule` is a sentence that can be broken, with the remedy; a `Reason` is one case of a broken rule, with its facts.
Every room keeps its own rules beside the code that checks them. An alarm says in the same words what people must know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

Lang = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Words:
    """One text in English and in Chinese; `{name}` stands for a fact of the reason that uses it."""

    en: str
    zh: str

    def text(self, lang: Lang, facts: Mapping[str, Any] | None = None) -> str:
        """The text in one language with the facts filled in; a fact that is itself `Words` is translated too."""
        template = self.zh if lang == "zh" else self.en
        if not facts:
            return template
        return template.format(**{k: v.text(lang) if isinstance(v, Words) else v for k, v in facts.items()})


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that must hold: `code` names it for machines, `says` tells how it was broken, `remedy` what to do."""

    code: str
    says: Words
    remedy: Words


class Severity(IntEnum):
    """How much an alarm matters, least first."""

    NOTICE = 1
    CAUTION = 2
    WARNING = 3
    EMERGENCY = 4


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """One row of the alarm table: how much it matters, what it says and the one recommended action."""

    severity: Severity
    words: Words
    action: Words


@dataclass(frozen=True, slots=True)
class Reason:
    """One broken rule: where (file and field, or place) and the facts that its words need.

    `start_s` and `end_s` bound the time of the trouble in UTC seconds, where it has one; `lat_deg` and `lon_deg` give
    its place in CGCS2000.
    """

    rule: Rule
    where: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    start_s: float | None = None
    end_s: float | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None

    def text(self, lang: Lang = "en") -> str:
        """One line: where, what is wrong, the rule's code, what to do."""
        place = f"{self.where}: " if self.where else ""
        says = self.rule.says.text(lang, self.facts)
        remedy = self.rule.remedy.text(lang, self.facts)
        return f"{place}{says} [{self.rule.code}] {remedy}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        """The reason for machines and logs: code, place, time and the line in both languages."""
        row: dict[str, Any] = {
            "code": self.rule.code,
            "where": self.where,
            "en": self.text("en"),
            "zh": self.text("zh"),
        }
        for name in ("start_s", "end_s", "lat_deg", "lon_deg"):
            if getattr(self, name) is not None:
                row[name] = getattr(self, name)
        return row


class Refused(Exception):
    """Something was asked that cannot be done; `reasons` says why, one line each."""

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(reason.text("en") for reason in self.reasons))
