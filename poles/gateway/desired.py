"""What the functions of the poles shall be set to, what they are set to, and every difference with its age.

Wishes are versioned and kept in the store; so are the poles' answers (`Reported`). A wish is sent when it is made and
at every Welcome, and repeated ever more rarely until it is answered with its version or a higher one, or until a
sending finds no connection. An answer that says otherwise, or a setting that is changed at the pole later, stays
visible as a difference.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from airspace.reasons import Words
from poles.protocol.messages import Desired, Reported

AGAIN_S = 5.0  # after the first sending; doubled each time
AGAIN_AT_MOST_S = 300.0
MISSING = None


class Status(StrEnum):
    """How a wish stands."""

    MET = "met"
    WAITING = "waiting"  # the pole has not answered it yet
    REFUSED = "refused"  # it said why it cannot
    DIFFERS = "differs"  # it answered, or was changed later, and is set otherwise


@dataclass(frozen=True, slots=True)
class Wish:
    """What one function shall be set to: by whom, since when [s UTC]."""

    version: int
    settings: Mapping[str, Any]
    by: str
    since_s: float


@dataclass(frozen=True, slots=True)
class InForce:
    """What the pole reported last; `code` and `why` when it could not bring all of it about. `since_s` is UTC."""

    version: int
    settings: Mapping[str, Any]
    since_s: float
    code: str = ""
    why: Words | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that is not as desired; `reported` is None when the pole never told it. Ages count from `since_s`."""

    pole: str
    function: str
    setting: str
    desired: Any
    reported: Any
    status: Status
    since_s: float
    code: str = ""
    why: Words | None = None


@dataclass(slots=True)
class _Function:
    wish: Wish | None = None
    in_force: InForce | None = None
    differs_since_s: float | None = None


class KeptFunction(msgspec.Struct, frozen=True, array_like=True):
    """One function as it is kept."""

    pole: str
    function: str
    wish: Wish | None
    in_force: InForce | None
    differs_since_s: float | None


@dataclass(slots=True)
class _Pole:
    functions: dict[str, _Function] = field(default_factory=dict)


class DesiredBook:
    """The fold over wishes and answers; times are UTC seconds of the store."""

    def __init__(self) -> None:
        self._poles: dict[str, _Pole] = {}
        self._unmet: dict[tuple[str, str], None] = {}

    def next_version(self, pole: str, function: str) -> int:
        """The version for the next wish: above all that were made, and all that the pole speaks of."""
        known = self._function(pole, function)
        if known is None:
            return 1
        made = known.wish.version if known.wish else 0
        return max(made, known.in_force.version if known.in_force else 0) + 1

    def wished(self, pole: str, function: str, version: int, settings: Mapping[str, Any], by: str, at_s: float) -> None:
        """Take in a wish that is in the store."""
        known = self._poles.setdefault(pole, _Pole()).functions.setdefault(function, _Function())
        known.wish = Wish(version, dict(settings), by, at_s)
        known.differs_since_s = at_s
        self._unmet[pole, function] = None

    def reported(self, pole: str, answer: Reported, at_s: float) -> None:
        """Take in what a pole reported, once that is in the store."""
        known = self._poles.setdefault(pole, _Pole()).functions.setdefault(answer.function, _Function())
        why = Words(answer.en, answer.zh or answer.en) if answer.code else None
        known.in_force = InForce(answer.version, dict(answer.settings), at_s, answer.code, why)
        if _status(known) is Status.MET:
            known.differs_since_s = None
            self._unmet.pop((pole, answer.function), None)
        elif known.differs_since_s is None:
            known.differs_since_s = at_s
            self._unmet[pole, answer.function] = None

    def kept(self) -> list[KeptFunction]:
        """The whole book."""
        return [
            KeptFunction(pole, function, known.wish, known.in_force, known.differs_since_s)
            for pole, functions in self._poles.items()
            for function, known in functions.functions.items()
        ]

    def restore(self, kept: Iterable[KeptFunction]) -> None:
        """Take up what was kept; the book must be new."""
        for each in kept:
            known = _Function(each.wish, each.in_force, each.differs_since_s)
            self._poles.setdefault(each.pole, _Pole()).functions[each.function] = known
            if known.differs_since_s is not None:
                self._unmet[each.pole, each.function] = None

    def wish(self, pole: str, function: str) -> Wish | None:
        """What the function shall be set to."""
        known = self._function(pole, function)
        return known.wish if known else None

    def in_force(self, pole: str, function: str) -> InForce | None:
        """What the function is set to, as the pole said last."""
        known = self._function(pole, function)
        return known.in_force if known else None

    def status(self, pole: str, function: str) -> Status:
        """How the function's wish stands; met when there is none."""
        known = self._function(pole, function)
        return _status(known) if known else Status.MET

    def since_s(self, pole: str, function: str) -> float | None:
        """Since when [s UTC] the function is not as desired, None when it is."""
        known = self._function(pole, function)
        return known.differs_since_s if known else None

    def functions(self, pole: str) -> Iterator[str]:
        """The functions of a pole that have a wish or an answer."""
        known = self._poles.get(pole)
        yield from known.functions if known else ()

    def unmet(self) -> Iterator[tuple[str, str]]:
        """Every pole and function that is not as desired."""
        yield from self._unmet

    def differences(self, pole: str | None = None) -> Iterator[Difference]:
        """Every setting that is not as desired, of one pole or of all."""
        unmet = list(self._unmet) if pole is None else [(pole, function) for function in self.functions(pole)]
        for code, function in unmet:
            yield from self._differences(code, function)

    def unanswered(self, pole: str) -> list[Desired]:
        """What must be sent to the pole at its Welcome."""
        wishes = [(function, self.waiting(pole, function)) for function in self.functions(pole)]
        return [_message(function, wish) for function, wish in wishes if wish is not None]

    def waiting(self, pole: str, function: str) -> Wish | None:
        """The function's wish while the pole has not answered it."""
        known = self._function(pole, function)
        return known.wish if known and _status(known) is Status.WAITING else None

    def _differences(self, pole: str, function: str) -> Iterator[Difference]:
        known = self._poles[pole].functions[function]
        status = _status(known)
        if status is Status.MET or known.wish is None:
            return
        reported = known.in_force.settings if known.in_force else {}
        answered = known.in_force if status is Status.REFUSED else None
        for name, value in known.wish.settings.items():
            if not _same(value, reported.get(name, MISSING)):
                yield Difference(
                    pole=pole,
                    function=function,
                    setting=name,
                    desired=value,
                    reported=reported.get(name, MISSING),
                    status=status,
                    since_s=known.differs_since_s if known.differs_since_s is not None else known.wish.since_s,
                    code=answered.code if answered else "",
                    why=answered.why if answered else None,
                )

    def _function(self, pole: str, function: str) -> _Function | None:
        known = self._poles.get(pole)
        return known.functions.get(function) if known else None


class Repeats:
    """When to send which wish again; loop seconds."""

    def __init__(self) -> None:
        self._due: list[tuple[float, str, str, int, float]] = []  # due, pole, function, version, pause
        self._next: dict[tuple[str, str], tuple[float, int]] = {}  # due and version of the one that counts

    @property
    def wake_s(self) -> float:
        """The loop's second at which `due` has something, infinite when nothing is to be repeated."""
        return self._due[0][0] if self._due else math.inf

    def sent(self, pole: str, wish: Desired, now_s: float, pause_s: float = AGAIN_S) -> None:
        """A wish was sent to a connected pole; of several sendings the earliest repeat is the only one."""
        due_s, version = self._next.get((pole, wish.function), (math.inf, wish.version))
        if version == wish.version and due_s <= now_s + pause_s:
            return
        self._next[pole, wish.function] = now_s + pause_s, wish.version
        heapq.heappush(self._due, (now_s + pause_s, pole, wish.function, wish.version, pause_s))

    def due(self, book: DesiredBook, now_s: float) -> list[tuple[str, Desired, float]]:
        """What is still unanswered and due: the pole, the wish, and the pause for `sent` when it goes out again."""
        again: list[tuple[str, Desired, float]] = []
        while self._due and self._due[0][0] <= now_s:
            due_s, pole, function, version, pause_s = heapq.heappop(self._due)
            if self._next.get((pole, function)) != (due_s, version):
                continue
            del self._next[pole, function]
            wish = book.waiting(pole, function)
            if wish is not None and wish.version == version:
                again.append((pole, _message(function, wish), min(2 * pause_s, AGAIN_AT_MOST_S)))
        return again


def _message(function: str, wish: Wish) -> Desired:
    return Desired(function=function, version=wish.version, settings=dict(wish.settings))


def _status(known: _Function) -> Status:
    wish, in_force = known.wish, known.in_force
    if wish is None:
        return Status.MET
    if in_force is None or in_force.version < wish.version:
        return Status.WAITING
    if all(_same(value, in_force.settings.get(name, MISSING)) for name, value in wish.settings.items()):
        return Status.MET
    return Status.REFUSED if in_force.code else Status.DIFFERS


def _same(desired: object, reported: object) -> bool:
    """Equal as settings are: a number that went through a pole's 32-bit float is still the same."""
    if isinstance(desired, bool) or isinstance(reported, bool):
        return desired is reported
    if isinstance(desired, int | float) and isinstance(reported, int | float):
        return math.isclose(desired, reported, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(desired, list | tuple) and isinstance(reported, list | tuple):
        return len(desired) == len(reported) and all(map(_same, desired, reported))
    if isinstance(desired, dict) and isinstance(reported, dict):
        return desired.keys() == reported.keys() and all(_same(desired[name], reported[name]) for name in desired)
    return desired == reported
