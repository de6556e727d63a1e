"""What is expected of a scenario, read from text, and looked for in what happened."""

from __future__ import annotations

import operator
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from airspace.reasons import Reason, Rule, Words
from controller.alarms import Alarm
from controller.events import AnyEvent, Record
from controller.report import Summary
from controller.report.summary import FlightSummary

BAD_PATTERN = Rule(
    "scenario.pattern",
    Words("'{text}' is no pattern of an event: {detail}", "“{text}”不是有效的事件条件：{detail}"),
    Words(
        "Write a kind of event and fields of it, as in `command.answered command=arm outcome=accepted`.",
        "请填写事件种类及其字段，例如 `command.answered command=arm outcome=accepted`。",
    ),
)
BAD_FACT = Rule(
    "scenario.fact",
    Words("'{text}' compares none of the figures that there are: {known}", "“{text}”不是对现有数据的比较：{known}"),
    Words("Write it as in `photos >= 20` or `outside_reserved_s <= 0`.", "请按 `photos >= 20` 的格式填写。"),
)
UNKNOWN_ALARM = Rule(
    "scenario.alarm",
    Words("there is no alarm {value}; known: {known}", "没有告警 {value}；已知告警：{known}"),
    Words("Correct the code.", "请更正告警代码。"),
)

KINDS: Mapping[str, type[msgspec.Struct]] = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyEvent)}
FACTS = tuple(
    field.name
    for field in msgspec.structs.fields(FlightSummary)
    if field.type in (int, float) or set(get_args(field.type)) == {float, type(None)}
)
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_FACT = re.compile(r"([a-z0-9_]+)\s*(<=|>=|<|>|=)\s*(-?\d+(?:\.\d+)?)")
MISSION = "mission"  # may stand in a pattern beside the event's own fields


@dataclass(frozen=True, slots=True)
class EventPattern:
    """A kind of event and what its fields are; `mission` narrows it to the flights of one mission."""

    text: str
    kind: type[msgspec.Struct]
    fields: tuple[tuple[str, str], ...]
    mission: str = ""

    def matches(self, event: AnyEvent, mission: str) -> bool:
        """Whether an event of this mission ("" for none) is such a one."""
        if not isinstance(event, self.kind) or self.mission not in ("", mission):
            return False
        return all(_shown(getattr(event, name)) == value for name, value in self.fields)


@dataclass(frozen=True, slots=True)
class FactCheck:
    """A comparison with a figure of a mission's report, or of the simulated truth."""

    text: str
    name: str
    sign: str
    limit: float

    def found(self, summary: Summary | None) -> float | None:
        """The figure of the last flight, None when there is none."""
        if summary is None or not summary.flights:
            return None
        value = getattr(summary.flights[-1], self.name)
        return None if value is None else float(value)

    def holds(self, found: float | None) -> bool:
        """Whether a figure that was found is as it must be."""
        return found is not None and COMPARISONS[self.sign](found, self.limit)


def _shown(value: Any) -> str:
    """A field as it stands in the log: true and false, numbers without needless digits."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def parse_pattern(text: str, where: str, missions: Iterable[str]) -> EventPattern | Reason:
    """A pattern from its text, or why it is none."""
    try:
        kind_name, *fields = shlex.split(text)
    except ValueError as error:
        return Reason(BAD_PATTERN, where, {"text": text, "detail": error})
    kind = KINDS.get(kind_name)
    if kind is None:
        return Reason(BAD_PATTERN, where, {"text": text, "detail": " | ".join(KINDS)})
    given = [field.partition("=") for field in fields]
    known = [*kind.__struct_fields__, MISSION]
    for name, sign, value in given:
        if not sign or name not in known:
            return Reason(BAD_PATTERN, where, {"text": text, "detail": " | ".join(f"{field}=…" for field in known)})
        if name == MISSION and value not in missions:
            return Reason(BAD_PATTERN, where, {"text": text, "detail": " | ".join(f"mission={m}" for m in missions)})
    own = tuple((name, value) for name, _, value in given if name != MISSION)
    return EventPattern(text, kind, own, next((value for name, _, value in given if name == MISSION), ""))


def parse_fact(text: str, where: str, known: tuple[str, ...] = FACTS) -> FactCheck | Reason:
    """A comparison with one of the `known` figures from its text, or why it is none."""
    found = _FACT.fullmatch(text.strip())
    if found is None or found[1] not in known:
        return Reason(BAD_FACT, where, {"text": text, "known": ", ".join(known)})
    return FactCheck(text, found[1], found[2], float(found[3]))


def unknown_alarm(code: str, where: str) -> Reason | None:
    """Why a code is no alarm's, None when it is one."""
    known = [alarm.value for alarm in Alarm]
    return None if code in known else Reason(UNKNOWN_ALARM, where, {"value": code, "known": ", ".join(known)})


def matching(pattern: EventPattern, records: Iterable[Record], missions: Mapping[str, str]) -> list[Record]:
    """The records that a pattern matches; `missions` says which mission a flight or a run belongs to."""
    return [record for record in records if pattern.matches(record.event, mission_of(record.event, missions))]


def mission_of(event: AnyEvent, missions: Mapping[str, str]) -> str:
    """The mission that an event belongs to, "" for those of the whole district."""
    by_flight = missions.get(getattr(event, "flight", ""), "")
    return by_flight or missions.get(getattr(event, "run", ""), "")
