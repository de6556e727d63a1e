"""JSON charts read strictly: every member is known, there once, and of the right shape, or there is a reason.

A `Chart` collects all that is wrong with a file before anybody is told, so that it can be mended in one go.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from airspace.formats import chart_rules as rules
from airspace.reasons import Reason, Refused, Rule, Words

MOST_BYTES = 64 * 1024 * 1024
DEEPEST = 64

NUMBER = Words("a number", "数值")
TEXT = Words("a text", "文本")
OBJECT = Words("an object", "对象")
LIST = Words("a list", "数组")


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
        self.reasons.append(Reason(rule, f"{self.where} {path}".rstrip(), facts))

    def refuse(self) -> None:
        """Raise `Refused` when anything was found."""
        if self.reasons:
            raise Refused(self.reasons)

    def known_only(self, members: Mapping[str, Any], known: Collection[str], path: str) -> None:
        """A reason for every member that is not known."""
        for name in members:
            if name not in known:
                self.add(rules.UNKNOWN, _join(path, name), known=", ".join(sorted(known)))

    def member(self, members: Mapping[str, Any], name: str, path: str, expected: Words) -> Any:
        """The member of a name, or None with a reason when it is missing or null."""
        value = members.get(name)
        if value is None:
            self.add(rules.MISSING, _join(path, name), expected=expected)
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
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except ValueError:  # an integer of thousands of digits, or a list inside itself
        text = type(value).__name__
    return text if len(text) <= 40 else f"{text[:37]}..."


def read_chart(path: Path) -> Members:
    """The object in a JSON file. Raises `Refused` for what cannot be read, is no JSON or repeats a member."""
    chart = Chart(str(path))
    text = _read_text(path, chart)
    try:
        document = json.loads(text, object_pairs_hook=_members)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise Refused([Reason(rules.NOT_JSON, place, {"error": error.msg})]) from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits; lists in lists in lists
        raise Refused([Reason(rules.NOT_JSON, str(path), {"error": str(error)})]) from None
    for where, name in _repeated(document, ""):
        chart.add(rules.REPEATED, where, name=name)
    chart.refuse()
    if not isinstance(document, Members):
        chart.add(rules.WRONG_SHAPE, "", found=shown(document), expected=OBJECT)
        chart.refuse()
    return document  # type: ignore[no-any-return]


def _read_text(path: Path, chart: Chart) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) <= MOST_BYTES:
            return data.decode("utf-8-sig")
        error = f"more than {MOST_BYTES} bytes"
    except (OSError, UnicodeDecodeError) as problem:
        error = problem.strerror or "?" if isinstance(problem, OSError) else str(problem)
    chart.add(rules.UNREADABLE, "", error=error, most_mb=MOST_BYTES // 1024**2)
    raise Refused(chart.reasons)


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
            yield from _repeated(inner, _join(path, name), depth + 1)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            if isinstance(inner, list | dict):
                yield from _repeated(inner, f"{path}[{i}]", depth + 1)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
