"""One cause for many silences: a dead mains district, cell or backhaul gateway is one outage with its members.

Poles share supplies: what they hang on, and what that hangs on in turn; the last is the controller's own network, which
all share. When a pole falls silent, each of its supplies is asked: of its poles that were due for a word since it died,
how many are missing (m), and how many came (c)? The moment of its death is the one that explains most (the greatest
likelihood, with `LATE` and `OTHER_WAY` below); a pole fails between its last word and the word that did not come, so
poles that failed at other times do not count. The supply is dead when its death is 20 times as likely as that half of
its poles failed (Wald's sequential test: m ln(0.95/0.5) + c ln(0.05/0.5) >= ln 20, which takes five missing poles and
none that came, or nine and one), or when all its poles are missing, three at least.

Why this is enough: poles that fail for reasons of their own do not choose the same moment. With one failure a month
each, two more of the 500 poles of a gateway falling silent within the 5.75 s in which the first was judged has a
probability of 6e-7 (Poisson, mean 1.1e-3). Some room is left for poles whose supplies are written down wrongly, or that
have another way to be heard. A supply of two poles is never called dead.

Of several supplies that pass, the smallest is taken that explains all: a larger one only when poles that the smaller
one does not hold are missing as well.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from poles.gateway.liveness import TICKS_PER_S, Watch

FEWEST = 3
SURE = math.log(20.0)
MISSING_IF_DEAD = math.log(0.95 / 0.5)
CAME_IF_DEAD = math.log(0.05 / 0.5)
LATE = math.log(0.98 / 0.01)  # a word of a speaking pole is not there though it was due: one in a hundred
OTHER_WAY = math.log(0.02 / 0.99)  # a pole speaks though its supply is dead: one in fifty
MISSING_ENOUGH, CAME_ENOUGH = 32, 16  # to know the share
UNDER_WAY = 2  # ticks for which a word that was due may still be under way
OVER_SHARE = 0.5  # of the members heard again: the supply is back
STRAGGLERS_S = 60.0  # for the others to come back as well, before they are silent for reasons of their own
CONTROLLER = "controller"  # the supply that all poles share


@dataclass(frozen=True, slots=True)
class Alone:
    """A pole is silent for a reason of its own, or for one that it does not share as far as is known."""

    code: str


@dataclass(frozen=True, slots=True)
class NotAlone:
    """A pole that was told alone is heard again."""

    code: str


@dataclass(frozen=True, slots=True)
class Began:
    """A supply is dead, with `of` poles on it; `members` are silent for it so far.

    `absorbed` of them were told alone, and `merged` supplies were told dead for themselves.
    """

    supply: str
    of: int
    members: tuple[str, ...]
    absorbed: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """Poles joined an outage, or are heard again and left it."""

    supply: str
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Over:
    """The supply is back; `still_silent` are told alone from now on."""

    supply: str
    still_silent: tuple[str, ...] = ()


Change = Alone | NotAlone | Began | Changed | Over


@dataclass(slots=True)
class Outage:
    """A dead supply: it died after tick `after` and not later than `until`, as the first member tells."""

    supply: str
    after: int
    until: int
    members: dict[str, None] = field(default_factory=dict)
    returned: int = 0
    over_at: int | None = None

    def explains(self, after: int, until: int) -> bool:
        """Whether a pole that failed between these two ticks may have failed for this."""
        return after <= self.until and until >= self.after

    def judge(self, tick: int) -> None:
        """When enough of its members are heard again, let it be over once the stragglers had their time."""
        if self.over_at is None and self.returned and self.returned >= OVER_SHARE * (self.returned + len(self.members)):
            self.over_at = tick + math.ceil(STRAGGLERS_S * TICKS_PER_S)


@dataclass(slots=True)
class _Supply:
    poles: list[str] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)  # where each stands in the list


class Outages:
    """Finds the common causes; `watches` are those of the liveness, `feeds` says what a supply hangs on itself."""

    def __init__(self, watches: Mapping[str, Watch], feeds: Mapping[str, Iterable[str]] | None = None) -> None:
        self._watches = watches
        self._feeds = {supply: tuple(above) for supply, above in (feeds or {}).items()}
        self._supplies: dict[str, _Supply] = {}
        self._of: dict[str, tuple[str, ...]] = {}  # pole -> all its supplies
        self._open: dict[str, Outage] = {}
        self._in: dict[str, str] = {}  # pole -> the outage that explains its silence
        self._alone: dict[str, tuple[int, int]] = {}

    @property
    def open(self) -> Mapping[str, Outage]:
        """The outages of now, by supply."""
        return self._open

    @property
    def alone(self) -> Iterable[str]:
        """The poles that are silent for reasons of their own."""
        return self._alone.keys()

    def supply_of(self, code: str) -> str | None:
        """The dead supply that explains a pole's silence."""
        return self._in.get(code)

    def place(self, code: str, supplies: Iterable[str]) -> None:
        """Say what a pole hangs on; the supplies of its supplies are added."""
        self.remove(code)
        self._of[code] = tuple(self._closure(supplies))
        for name in self._of[code]:
            supply = self._supplies.setdefault(name, _Supply())
            supply.place[code] = len(supply.poles)
            supply.poles.append(code)

    def remove(self, code: str) -> list[Change]:
        """Forget a pole; an outage whose last member it was is over."""
        for name in self._of.pop(code, ()):
            supply = self._supplies[name]
            spot, last = supply.place.pop(code), supply.poles.pop()
            if last != code:
                supply.poles[spot], supply.place[last] = last, spot
        self._alone.pop(code, None)
        explained_by = self._in.pop(code, None)
        if explained_by is None:
            return []
        members = self._open[explained_by].members
        del members[code]
        return [Changed(explained_by, (), (code,))] if members else [self._end(explained_by)]

    def restore(self, alone: Iterable[str], outages: Mapping[str, Iterable[str]], tick: int) -> None:
        """Take up what the store says: poles told silent alone, and outages with their members."""
        self._alone.update((code, (tick - 1, tick)) for code in alone)
        for supply, members in outages.items():
            outage = self._open[supply] = Outage(supply, tick - 1, tick + 1, dict.fromkeys(members))
            self._in.update(dict.fromkeys(outage.members, supply))

    def silent(self, codes: Iterable[str], tick: int) -> list[Change]:
        """Explain the silences that were judged at this tick."""
        changes: list[Change] = []
        joined: dict[str, list[str]] = {}
        for code in codes:
            watch = self._watches[code]
            after, until = watch.heard, watch.heard + watch.every
            known = self._known(code, after, until)
            if known is not None:
                known.members[code] = None
                self._in[code] = known.supply
                joined.setdefault(known.supply, []).append(code)
            elif (supply := self._dead(code, after, until, tick)) is not None:
                began = self._begin(supply, code, after, until)
                for name in began.merged:
                    joined.pop(name, None)
                changes.append(began)
            else:
                self._alone[code] = (after, until)
                changes.append(Alone(code))
        return list(_told_at_once(changes, joined))

    def back(self, codes: Iterable[str], tick: int) -> list[Change]:
        """Take in that silent poles are heard again."""
        changes: list[Change] = []
        left: dict[str, list[str]] = {}
        for code in codes:
            if self._alone.pop(code, None) is not None:
                changes.append(NotAlone(code))
            elif (name := self._in.pop(code, None)) is not None:
                outage = self._open[name]
                del outage.members[code]
                outage.returned += 1
                left.setdefault(name, []).append(code)
                outage.judge(tick)
        changes += [Changed(name, (), tuple(fewer)) for name, fewer in left.items() if self._open[name].members]
        return changes + [self._end(name) for name in left if not self._open[name].members]

    def advance(self, tick: int) -> list[Change]:
        """End the outages whose supply has been back for long enough."""
        for outage in self._open.values():
            outage.judge(tick)  # of members that were taken away none is waited for
        over = [name for name, outage in self._open.items() if outage.over_at is not None and outage.over_at <= tick]
        changes: list[Change] = []
        for name in over:
            ended = self._end(name)
            changes.append(ended)
            changes += [Alone(code) for code in ended.still_silent]
        return changes

    @property
    def wake_tick(self) -> int | None:
        """The tick at which `advance` is due, None when no outage is about to end."""
        return min((outage.over_at for outage in self._open.values() if outage.over_at is not None), default=None)

    def _closure(self, supplies: Iterable[str]) -> Iterator[str]:
        seen: dict[str, None] = {}
        waiting = [*supplies]
        while waiting:
            name = waiting.pop(0)
            if name not in seen and name != CONTROLLER:
                seen[name] = None
                waiting += self._feeds.get(name, ())
        yield from seen
        yield CONTROLLER

    def _known(self, code: str, after: int, until: int) -> Outage | None:
        for name in self._of.get(code, ()):
            outage = self._open.get(name)
            if outage is not None and outage.explains(after, until):
                return outage
        return None

    def _dead(self, code: str, after: int, until: int, tick: int) -> str | None:
        """The smallest dead supply that explains the silence and all that fell silent with it."""
        best: str | None = None
        for name in sorted(self._of.get(code, ()), key=lambda name: (len(self._supplies[name].poles), name)):
            explained = self._supplies[best].place if best is not None else {}
            # of what a smaller supply does not explain, the pole itself is no part
            if name not in self._open and self._is_dead(name, explained, after, until, tick):
                best = name
        return best

    def _is_dead(self, name: str, explained: Mapping[str, int], after: int, until: int, tick: int) -> bool:
        """Whether so many of the supply's poles that are not explained yet are missing that it must be dead."""
        poles = self._supplies[name].poles
        silent_from, due, heard = self._asked(poles, explained, after, until, tick)
        best, missing, came = -math.inf, 0, 0
        for died in sorted({tick for tick in due if after <= tick <= until}):
            m = bisect_left(silent_from, died) - bisect_left(due, died)
            c = len(heard) - bisect_left(heard, died)
            if (score := m * LATE + c * OTHER_WAY) > best:
                best, missing, came = score, m, c
        if missing == len(poles):
            return missing >= FEWEST
        return missing * MISSING_IF_DEAD + came * CAME_IF_DEAD >= SURE

    def _asked(
        self, poles: list[str], explained: Mapping[str, int], after: int, until: int, tick: int
    ) -> tuple[list[int], list[int], list[int]]:
        """Of the missing when they were heard last and when they were due, and when the others were heard; sorted."""
        silent_from: list[int] = []
        due: list[int] = []
        heard: list[int] = []
        came = 0
        for code in self._spread(poles):
            watch = None if code in explained else self._watches.get(code)
            if watch is None:
                continue
            was_due = watch.heard + watch.every
            if was_due <= tick - UNDER_WAY:
                if was_due >= after and watch.heard <= until:
                    silent_from.append(watch.heard)
                    due.append(was_due)
            elif watch.heard > after:
                heard.append(watch.heard)
                came += watch.heard >= until
            if len(due) >= MISSING_ENOUGH or came >= CAME_ENOUGH:
                break
        return sorted(silent_from), sorted(due), sorted(heard)

    @staticmethod
    def _spread(poles: list[str]) -> Iterator[str]:
        """All of them, neighbours in the list far apart: a part of a supply must not be taken for the whole."""
        count = len(poles)
        step = max(1, round(count * 0.6180339887))
        while math.gcd(step, count) != 1:
            step += 1
        spot = 0
        for _ in range(count):
            yield poles[spot]
            spot = (spot + step) % count

    def _begin(self, supply: str, code: str, after: int, until: int) -> Began:
        poles = self._supplies[supply].place
        outage = Outage(supply, after, until, {code: None})
        merged = [
            name
            for name, other in self._open.items()
            if other.explains(after, until) and all(member in poles for member in other.members)
        ]
        for name in merged:
            outage.members.update(self._open.pop(name).members)
        absorbed = [other for other, (a, u) in self._alone.items() if other in poles and outage.explains(a, u)]
        for other in absorbed:
            outage.members[other] = None
            del self._alone[other]
        self._open[supply] = outage
        self._in.update(dict.fromkeys(outage.members, supply))
        return Began(supply, len(poles), tuple(outage.members), tuple(absorbed), tuple(merged))

    def _end(self, name: str) -> Over:
        still = tuple(self._open.pop(name).members)
        for code in still:
            del self._in[code]
            watch = self._watches.get(code)
            since = watch.heard if watch is not None else 0
            self._alone[code] = (since, since + 1)
        return Over(name, still)


def _told_at_once(changes: Iterable[Change], joined: Mapping[str, list[str]]) -> Iterator[Change]:
    """The changes of one turn: who joins an outage at its beginning is there from its beginning.

    And who was told alone and found the cause in the same turn was never alone.
    """
    changes = list(changes)
    left = {name: tuple(codes) for name, codes in joined.items()}
    absorbed = {code for change in changes if isinstance(change, Began) for code in change.absorbed}
    never = {change.code for change in changes if isinstance(change, Alone) and change.code in absorbed}
    for change in changes:
        if isinstance(change, Began):
            kept = tuple([code for code in change.absorbed if code not in never])
            yield replace(change, members=change.members + left.pop(change.supply, ()), absorbed=kept)
        elif not (isinstance(change, Alone) and change.code in never):
            yield change
    for name, codes in left.items():
        yield Changed(name, codes)
