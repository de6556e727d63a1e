"""What a jurisdiction finds about a flight: requirement by requirement, each with its article, none hidden in a yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airspace.reasons import Lang, Reason, Rule, Words


class Status(StrEnum):
    """How a flight stands to one requirement.

    SATISFIED by facts that are known. NEEDED: something must still be asked for or done. FORBIDDEN: as planned, it may
    not be. UNKNOWN: a fact is missing, which is as good as a no until somebody gives it.
    """

    SATISFIED = "satisfied"
    NEEDED = "needed"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a rule asks: its code, the article (or the field of a format) that asks it, and what helps."""

    code: str
    article: Words
    asks: Words
    remedy: Words


@dataclass(frozen=True, slots=True)
class Finding:
    """How a flight stands to a requirement; `facts` fill the words of the requirement, `about` tells cases apart."""

    requirement: Requirement
    status: Status
    about: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def text(self, lang: Lang = "en") -> str:
        """One line: what is asked, by which article, how the flight stands to it, and what helps where that is bad."""
        asks = self.requirement.asks.text(lang, self.facts)
        line = f"{asks} [{self.requirement.article.text(lang)}] {STATUS_WORDS[self.status].text(lang)}"
        if self.status is Status.SATISFIED:
            return line
        return f"{line} {self.requirement.remedy.text(lang, self.facts)}"

    def reason(self, where: str) -> Reason:
        """The same as a reason, for a finding that stands in the way."""
        facts = {
            "asks": _filled(self.requirement.asks, self.facts),
            "article": self.requirement.article,
            "remedy": _filled(self.requirement.remedy, self.facts),
        }
        return Reason(STATUS_RULES[self.status], f"{where} {self.requirement.code} {self.about}".strip(), facts)


def _filled(words: Words, facts: Mapping[str, Any]) -> Words:
    return Words(words.text("en", facts), words.text("zh", facts))


STATUS_WORDS = {
    Status.SATISFIED: Words("is satisfied.", "已满足。"),
    Status.NEEDED: Words("is still needed.", "尚待办理。"),
    Status.FORBIDDEN: Words("is broken.", "不符合。"),
    Status.UNKNOWN: Words("cannot be judged.", "无法判断。"),
}
_REMEDY = Words("{remedy}", "{remedy}")
STATUS_RULES = {
    Status.NEEDED: Rule(
        "rules.needed", Words("{asks} is still needed, {article}", "{asks}：尚待办理（{article}）"), _REMEDY
    ),
    Status.FORBIDDEN: Rule(
        "rules.forbidden", Words("{asks} is broken, {article}", "{asks}：不符合（{article}）"), _REMEDY
    ),
    Status.UNKNOWN: Rule(
        "rules.unknown", Words("{asks} cannot be judged, {article}", "{asks}：无法判断（{article}）"), _REMEDY
    ),
}


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last moment [UTC s] for something: what `words` say, by which article."""

    code: str
    words: Words
    article: Words
    by_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings of one jurisdiction about one flight, and the deadlines that follow.

    `drone_class` is None while it cannot be told. `needs_application` stays true when the application was granted.
    """

    jurisdiction: str
    drone_class: str | None
    findings: tuple[Finding, ...]
    needs_application: bool
    deadlines: tuple[Deadline, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether nothing stands in the way: every finding is satisfied, and none is merely not known."""
        return all(finding.status is Status.SATISFIED for finding in self.findings)

    def reasons(self, where: str = "") -> tuple[Reason, ...]:
        """A reason for each finding that stands in the way; none when the flight is allowed."""
        return tuple(finding.reason(where) for finding in self.findings if finding.status is not Status.SATISFIED)

    def finding(self, code: str, about: str = "") -> Finding:
        """The finding of a requirement's code. Raises KeyError."""
        for one in self.findings:
            if one.requirement.code == code and (not about or one.about == about):
                return one
        raise KeyError(code)


def must(requirement: Requirement, fact: bool | None, **facts: Any) -> Finding:
    """A requirement that a fact must hold."""
    if fact is None:
        return Finding(requirement, Status.UNKNOWN, facts=facts)
    return Finding(requirement, Status.SATISFIED if fact else Status.FORBIDDEN, facts=facts)


def negated(fact: bool | None) -> bool | None:
    """The opposite of a fact; what is not known stays so."""
    return None if fact is None else not fact


def at_most(value: float | None, most: float) -> bool | None:
    """Whether a figure keeps a limit; one that is no number keeps none."""
    return None if value is None else value <= most


def at_least(value: float | None, least: float) -> bool | None:
    """Whether a figure reaches a limit."""
    return None if value is None else value >= least


def below(value: float | None, limit: float) -> bool | None:
    """Whether a figure stays under a limit that it may not reach."""
    return None if value is None else value < limit


def all_hold(*facts: bool | None) -> bool | None:
    """Whether all of some facts hold: one that fails decides, and after that one that is not known."""
    if any(fact is False for fact in facts):
        return False
    return None if any(fact is None for fact in facts) else True


def either(*facts: bool | None) -> bool | None:
    """Whether any of some facts holds: one that holds decides, and after that one that is not known."""
    return negated(all_hold(*map(negated, facts)))


def granted(requirement: Requirement, reference: str, **facts: Any) -> Finding:
    """A requirement to have asked for something: satisfied by the reference under which it was given."""
    return Finding(requirement, Status.SATISFIED if reference.strip() else Status.NEEDED, facts=facts)
