"""The gateway's memory of what is in the store: for each pole and boot the highest durable sequence number."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from poles.protocol import Report

BOOTS_REMEMBERED = 64  # of one pole; a pole that boots more often between two reports of one boot is broken


class Verdict(Enum):
    """What to do with a report."""

    NEW = auto()  # store it
    DUPLICATE = auto()  # in the store already: acknowledge it again
    EARLY = auto()  # what comes before it is missing: not taken, the pole sends again from its last acknowledged


class Ledger:
    """Decides what is new; `stored` says what the store holds: city code -> boot -> highest sequence number."""

    def __init__(self, stored: Mapping[str, Mapping[str, int]]) -> None:
        self._durable = {code: dict(boots) for code, boots in stored.items()}

    def durable_seq(self, code: str, boot: str) -> int:
        """The highest sequence number of the boot in the store, 0 when there is none."""
        return self._durable.get(code, {}).get(boot, 0)

    def judge(self, code: str, report: Report) -> Verdict:
        """Whether the report is new, known, or too early."""
        durable = self.durable_seq(code, report.boot)
        if report.seq <= durable:
            return Verdict.DUPLICATE
        return Verdict.NEW if report.after <= durable else Verdict.EARLY

    def stored(self, code: str, report: Report) -> int:
        """Note that the report is durable now; returns how many before it the pole had to drop."""
        boots = self._durable.setdefault(code, {})
        dropped = report.seq - 1 - boots.pop(report.boot, 0)
        boots[report.boot] = report.seq  # last again in order of age
        while len(boots) > BOOTS_REMEMBERED:
            del boots[next(iter(boots))]
        return dropped
