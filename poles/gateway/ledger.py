"""The gateway's memory of what is in the store, and on its way there: by pole and boot, the highest entry's number."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from poles.protocol import OfEntries, Report, entries_after

BOOTS_REMEMBERED = 64  # of one pole; a pole that boots more often between two reports of one boot is broken


class Verdict(Enum):
    """Why nothing of a message is taken."""

    DUPLICATE = auto()  # all of it is in the store, or on its way: acknowledge again
    EARLY = auto()  # what comes before it is missing: the pole sends again from its last acknowledged


class Boot:
    """One boot of one pole: entries up to `durable` are in the store, up to `taken` on their way there."""

    __slots__ = ("durable", "taken")

    def __init__(self, durable: int) -> None:
        self.durable = durable
        self.taken = durable

    def take(self, message: OfEntries) -> OfEntries | Verdict:
        """Judge a message; what comes back are its new entries, which count as taken."""
        taken = self.taken
        if type(message) is Report:
            first, last = message.readings[0].seq, message.readings[-1].seq
        else:
            first = last = message.seq  # type: ignore[union-attr]  # a Report was met above
        if last <= taken:
            return Verdict.DUPLICATE
        if message.after > taken:
            return Verdict.EARLY
        self.taken = last
        return message if first > taken else entries_after(message, taken)  # type: ignore[return-value]  # some are new

    def stored(self, last: int, count: int) -> int:
        """Note that so many taken entries up to `last` are durable; returns how many the pole had to drop of them."""
        dropped = last - self.durable - count
        self.durable = last
        return dropped


class Ledger:
    """All boots of all poles; `stored` says what the store holds: city code -> boot -> highest number."""

    def __init__(self, stored: Mapping[str, Mapping[str, int]]) -> None:
        self._boots = {code: {name: Boot(seq) for name, seq in boots.items()} for code, boots in stored.items()}

    def boot(self, code: str, name: str) -> Boot:
        """A boot of a pole, known from now on; when there are too many, the settled one goes that was used longest ago.

        The store forgets in the same order (`controller.pole_log`), so that a restart changes nothing.
        """
        boots = self._boots.setdefault(code, {})
        known = boots.pop(name, None)
        if known is None:
            if len(boots) >= BOOTS_REMEMBERED:
                settled = next((name for name, boot in boots.items() if boot.taken == boot.durable), None)
                if settled is not None:
                    del boots[settled]
            known = Boot(0)
        boots[name] = known
        return known

    def durable_seq(self, code: str, name: str) -> int:
        """The highest number of the boot in the store, 0 when there is none."""
        known = self._boots.get(code, {}).get(name)
        return known.durable if known else 0
