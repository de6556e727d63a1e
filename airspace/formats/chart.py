"""JSON charts read strictly: every member is known, there once, and of the right shape, or there is a reason.

A `Chart` collects all that is wrong with a file before anybody is told, so that it can be mended in one go.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from airspace.formats import chart_rules as rules
from airspace.reasons import Reason, Refused, Rule, Words

MOST_BYTES = 64 * 1024 * 1024
MOST_REASONS = 1000  # a list of a million wrong numbers is told by the first of them
DEEPEST = 64

NUMBER = Words("a number", "数值")
TEXT = Words("a text", "文本")
OBJECT = Words("an object", "对象")
LIST = Words("a list", "数组")


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Members(dict[str, Any]):
    """A JSON object that remembers which of its names came twice."""

    repeated: tuple[str, ...] = ()


class Chart:
    """The reasons found so far in one document; `where` is its name."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.reasons: list[Reason] = []

    def add(self, rule: Rule, path: str, **facts: Any) -> None:
        """One more thing that is wrong, at a path such as `features[3].properties.id`."""
        told = {name: _legible(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
        self.reasons.append(Reason(rule, _legible(f"{self.where} {path}".rstrip()), told))

    @property
    def is_full(self) -> bool:
        """Whether more is wrong already than anybody reads."""
        return len(self.reasons) > MOST_REASONS

    def gives_up(self, path: str) -> bool:
        """Whether to read no further, since so much is wrong; that is then told, with the path at which it was."""
        if self.is_full:
            self.add(rules.TOO_MANY_PROBLEMS, path, count=len(self.reasons))
        return self.is_full

    def refuse(self) -> None:
        """Raise `Refused` when anything was found."""
        if self.reasons:
            raise Refused(self.reasons)

    def known_only(self, members: Mapping[str, Any], known: Collection[str], path: str) -> None:
        """A reason for every member that is not known."""
        for name in members:
            if name not in known:
                self.add(rules.UNKNOWN, joined(path, name), known=", ".join(sorted(known)))

    def member(self, members: Mapping[str, Any], name: str, path: str, expected: Words) -> Any:
        """The member of a name, or None with a reason when it is missing or null."""
        value = members.get(name)
        if value is None:
            self.add(rules.MISSING, joined(path, name), expected=expected)
        return value

    def object(self, value: Any, path: str) -> Mapping[str, Any] | None:
        """The value when it is an object, else None with a reason."""
        if isinstance(value, Mapping):
            return value
        self.add(rules.WRONG_SHAPE, path, found=shown(value), expected=OBJECT)
        return None

    def list(self, value: Any, path: str, expected: Words = LIST) -> list[Any] | None:
        """The value when it is a list (or a tuple, in memory), else None with a reason."""
        if isinstance(value, list | tuple):
            return [*value]
        self.add(rules.WRONG_SHAPE, path, found=shown(value), expected=expected)
        return None

    def text(self, value: Any, path: str, expected: Words = TEXT) -> str | None:
        """The value when it is a text with something in it, else None with a reason."""
        if isinstance(value, str) and value.strip() and value.isprintable():
            return value
        self.add(rules.WRONG_SHAPE, path, found=shown(value), expected=expected)
        return None

    def prose(self, value: Any, path: str) -> str | None:
        """The value when it is a text with something to read in it, on one line or several, else None with a reason."""
        if isinstance(value, str) and is_prose(value):
            return value
        self.add(rules.WRONG_SHAPE, path, found=shown(value), expected=TEXT)
        return None

    def number(self, value: Any, path: str, low: float, high: float, unit: Words) -> float | None:
        """The value when it is a finite number in [low, high], else None with a reason."""
        number = finite(value)
        if number is None:
            self.add(rules.WRONG_SHAPE, path, found=shown(value), expected=NUMBER)
            return None
        if not low <= number <= high:
            self.add(rules.OUT_OF_RANGE, path, found=shown(value), low=low, high=high, unit=unit)
            return None
        return number


def is_prose(text: str) -> bool:
    """Whether a text has something to read in it, on one line or several, and nothing that no screen shows."""
    return bool(text.strip()) and not _CONTROL.search(text)


def finite(value: Any) -> float | None:
    """A JSON number as a float; None for anything else, true and false and what no float can hold included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def shown(value: Any) -> str:
    """A value as a reason shows it: JSON, cut short."""
    try:
        text = _legible(json.dumps(value, ensure_ascii=False, default=repr))
    except ValueError:  # an integer of thousands of digits, or a list inside itself
        text = type(value).__name__
    return text if len(text) <= 40 else f"{text[:37]}..."


def _legible(text: str) -> str:
    """The text with halves of surrogate pairs spelt out: JSON can hold them, and no file or terminal takes them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def read_chart(path: Path) -> Members:
    """The object in a JSON file. Raises `Refused` for what cannot be read, is no JSON or repeats a member."""
    chart = Chart(str(path))
    document = decoded(chart, read_bytes(path))
    chart.refuse()
    if not isinstance(document, Members):
        chart.add(rules.WRONG_SHAPE, "", found=shown(document), expected=OBJECT)
        chart.refuse()
    return document  # type: ignore[no-any-return]


def read_bytes(path: Path) -> bytes:
    """What a file holds. Raises `Refused` for one that cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) <= MOST_BYTES:
            return data
        error = f"more than {MOST_BYTES} bytes"
    except OSError as problem:
        error = problem.strerror or "?"
    raise Refused([_unreadable(str(path), error)])


def decoded(chart: Chart, data: bytes) -> Any:
    """The value that JSON text in UTF-8 stands for, or None with reasons: no text, no JSON, members that repeat."""
    repeating: list[Members] = []

    def members(pairs: list[tuple[str, Any]]) -> Members:
        read = _members(pairs)
        if read.repeated:
            repeating.append(read)
        return read

    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=members)
    except UnicodeDecodeError as error:
        chart.reasons.append(_unreadable(chart.where, str(error)))
        return None
    except json.JSONDecodeError as error:
        place = f"{chart.where}:{error.lineno}:{error.colno}"
        chart.reasons.append(Reason(rules.NOT_JSON, place, {"error": error.msg}))
        return None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits; lists in lists in lists
        chart.add(rules.NOT_JSON, "", error=str(error))
        return None
    before = len(chart.reasons)
    for where, name in _repeated(document, "") if repeating else ():
        chart.add(rules.REPEATED, where, name=name)
    return document if len(chart.reasons) == before else None


def _unreadable(where: str, error: str) -> Reason:
    return Reason(rules.UNREADABLE, where, {"error": error, "most_mb": MOST_BYTES // 1024**2})


def _members(pairs: list[tuple[str, Any]]) -> Members:
    members = Members(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        members.repeated = tuple(dict.fromkeys(name for name, _ in pairs if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
    return members


def _repeated(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        return
    if isinstance(value, Members):
        for name in value.repeated:
            yield path, name
        for name, inner in value.items():
            yield from _repeated(inner, joined(path, name), depth + 1)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            if isinstance(inner, list | dict):
                yield from _repeated(inner, f"{path}[{i}]", depth + 1)


def joined(path: str, name: str) -> str:
    """The path of a member of what is at a path."""
    return f"{path}.{name}" if path else name
