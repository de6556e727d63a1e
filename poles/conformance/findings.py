"""What was found of each paragraph: kept, broken, or not to be seen on this client."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from airspace.reasons import Words
from poles.conformance.paragraphs import PARAGRAPHS

SEEN_MOST = 5  # ways in which one paragraph was broken
NOTHING_SEEN = Words("nothing was seen to which it applies", "未出现适用的情形")


class Verdict(StrEnum):
    """How a paragraph stands."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"


@dataclass(slots=True)
class _Seen:
    kept: int = 0
    broken: dict[Words, None] = field(default_factory=dict)
    absent: Words | None = None


class Findings:
    """Collected over all trials. Every paragraph that is named must be of the document's; raises KeyError."""

    def __init__(self) -> None:
        self._seen = {number: _Seen() for number in PARAGRAPHS}

    def kept(self, *paragraphs: str) -> None:
        """The client did as they say."""
        for number in paragraphs:
            self._seen[number].kept += 1

    def broken(self, paragraph: str, what: Words) -> None:
        """The client did not; `what` was seen."""
        seen = self._seen[paragraph].broken
        if len(seen) < SEEN_MOST:
            seen[what] = None

    def judge(self, paragraph: str, right: bool, what: Words) -> bool:
        """Kept or broken; returns which."""
        if right:
            self.kept(paragraph)
        else:
            self.broken(paragraph, what)
        return right

    def absent(self, paragraph: str, why: Words) -> None:
        """The client has nothing to which it applies, or the trial could not be made."""
        self._seen[paragraph].absent = why

    def add(self, other: Findings, name: str) -> None:
        """Take over what a trial of this name found."""
        for number, seen in other._seen.items():
            mine = self._seen[number]
            mine.kept += seen.kept
            mine.absent = mine.absent or seen.absent
            for what in seen.broken:
                self.broken(number, Words(f"{name}: {what.en}", f"{name}：{what.zh}"))

    def verdict(self, paragraph: str) -> Verdict:
        """Fail when it was broken once, pass when it was kept and never broken."""
        seen = self._seen[paragraph]
        if seen.broken:
            return Verdict.FAIL
        return Verdict.PASS if seen.kept else Verdict.NOT_APPLICABLE

    def seen(self, paragraph: str) -> tuple[Words, ...]:
        """What was seen of a broken paragraph, or why it is not applicable; nothing of one that was kept."""
        match self.verdict(paragraph):
            case Verdict.FAIL:
                return tuple(self._seen[paragraph].broken)
            case Verdict.NOT_APPLICABLE:
                return (self._seen[paragraph].absent or NOTHING_SEEN,)
            case _:
                return ()

    @property
    def passes(self) -> bool:
        """Whether nothing was broken, and something was kept."""
        verdicts = [self.verdict(number) for number in self._seen]
        return Verdict.FAIL not in verdicts and Verdict.PASS in verdicts
