"""The book of alarms: what is active, since when, who has seen it; the same whether lived through or read back.

The book is a fold over *conditions* (something began or is over) and acknowledgements, which are kept in the store. A
pole's own alarms, silences, outages, floods and doubtful readings meet here, each with a row of the alarm table.

Damping, after ANSI/ISA-18.2-2016 (a chattering alarm), with a window that suits poles, which speak once in seconds to
minutes: an alarm that begins for the `FLAPS`th time within `FLAP_WINDOW_S` is flapping. It then stays one open alarm
with a count, and nothing more is told of it, until nothing has changed for `QUIET_S`; then it is over, or plainly
active. An emergency stays open until somebody has acknowledged it, even when it is over.

Times are UTC seconds of the store; conditions must come in their order.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from airspace.reasons import AlarmSpec, Lang, Severity
from poles.alarm_table import UNKNOWN
from poles.gateway.notes import Condition, Key

FLAPS = 4
FLAP_WINDOW_S = 600.0
QUIET_S = 600.0


class News(StrEnum):
    """What there is to tell of an alarm."""

    RAISED = "raised"
    CHANGED = "changed"  # it has other members
    EXPLAINED = "explained"  # it is the cause of what was told before
    FLAPPING = "flapping"
    STEADY = "steady"  # it flapped, and stays active now
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


@dataclass(slots=True)
class OpenAlarm:
    """One alarm as it stands; `id` stays the same from its beginning until it is closed. Times are UTC seconds."""

    id: int
    code: str
    subject: str
    function: str
    spec: AlarmSpec
    raised_s: float
    changed_s: float
    facts: dict[str, Any]
    boot: str = ""
    members: dict[str, None] = field(default_factory=dict)
    active: bool = True
    flapping: bool = False
    count: int = 1
    acknowledged_by: str = ""
    acknowledged_s: float | None = None

    @property
    def key(self) -> Key:
        """What makes it one alarm."""
        return self.code, self.subject, self.function

    def text(self, lang: Lang) -> str:
        """What it says; facts that are missing or of another kind than the words expect cannot break it."""
        facts = {
            **self.facts,
            **({name[:-3]: fact for name, fact in self.facts.items() if name.endswith("_zh")} if lang == "zh" else {}),
            "subject": self.subject,
            "function": self.function,
            "count": len(self.members) or self.count,
            "code": self.facts.get("code", self.code),
        }
        template = self.spec.words.zh if lang == "zh" else self.spec.words.en
        return template.format_map(_Facts(facts))


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of news of an alarm, at a UTC second."""

    news: News
    alarm: OpenAlarm
    at_s: float


class KeptAlarm(msgspec.Struct, frozen=True, array_like=True):
    """An open alarm as it is kept; see `OpenAlarm`."""

    id: int
    code: str
    subject: str
    function: str
    raised_s: float
    changed_s: float
    facts: dict[str, Any]
    boot: str
    members: list[str]
    active: bool
    flapping: bool
    count: int
    acknowledged_by: str
    acknowledged_s: float | None


class KeptAlarms(msgspec.Struct, frozen=True):
    """A book as it is kept: what is open, when what may yet flap began [s UTC], and the last number that was given."""

    alarms: list[KeptAlarm]
    began: list[tuple[Key, list[float]]]
    last_id: int


class AlarmBook:
    """All alarms that are not closed; `table` has a row for every code, and `UNKNOWN` stands in for what has none."""

    def __init__(self, table: Mapping[str, AlarmSpec]) -> None:
        self._table = table
        self._open: dict[Key, OpenAlarm] = {}
        self._by_id: dict[int, OpenAlarm] = {}
        self._of_subject: dict[str, dict[Key, OpenAlarm]] = {}
        self._began: dict[Key, deque[float]] = {}
        self._flapping: dict[Key, OpenAlarm] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[OpenAlarm]:
        """The open alarms, gravest first, then oldest first."""
        yield from sorted(self._open.values(), key=lambda alarm: (-alarm.spec.severity, alarm.raised_s, alarm.id))

    def get(self, code: str, subject: str, function: str = "") -> OpenAlarm | None:
        """The open alarm of this kind, None when there is none."""
        return self._open.get((code, subject, function))

    def by_id(self, id_: int) -> OpenAlarm | None:
        """The open alarm with this number."""
        return self._by_id.get(id_)

    def of(self, subject: str) -> list[OpenAlarm]:
        """The open alarms of a pole or a supply."""
        return list(self._of_subject.get(subject, {}).values())

    @property
    def wake_s(self) -> float:
        """The UTC second at which `advance` has something to tell at the earliest; infinite when nothing flaps."""
        return min((alarm.changed_s + QUIET_S for alarm in self._flapping.values()), default=math.inf)

    def apply(self, condition: Condition, at_s: float) -> list[Told]:
        """Take in a condition as of the store's time; what is to be told."""
        told = self.advance(at_s)
        alarm = self._open.get(condition.key)
        if not condition.active:
            return told + (self._over(alarm, at_s) if alarm is not None and alarm.active else [])
        if alarm is None or not alarm.active:
            return told + self._begin(condition, alarm, at_s)
        alarm.facts.update(condition.facts)
        before = len(alarm.members)
        _change_members(alarm, condition)
        changed = len(alarm.members) != before or bool(condition.left)
        return told + ([Told(News.CHANGED, alarm, at_s)] if changed else [])

    def of_earlier_boots(self, pole: str, boot: str) -> list[Condition]:
        """A pole speaks of a new boot: what it said to be active in an earlier one is over until it says it again."""
        return [
            Condition(code=alarm.code, subject=pole, function=alarm.function, active=False)
            for alarm in self._of_subject.get(pole, {}).values()
            if alarm.active and alarm.boot not in ("", boot)
        ]

    def acknowledge(self, key: Key, who: str, at_s: float) -> list[Told]:
        """Note that somebody has seen an alarm; nothing when it is closed or was acknowledged before."""
        told = self.advance(at_s)
        alarm = self._open.get(key)
        if alarm is None or alarm.acknowledged_s is not None:
            return told
        alarm.acknowledged_by, alarm.acknowledged_s = who, at_s
        told.append(Told(News.ACKNOWLEDGED, alarm, at_s))
        return told if alarm.active or alarm.flapping else [*told, *self._close(alarm, at_s)]

    def advance(self, at_s: float) -> list[Told]:
        """End the flapping of what has been quiet for long enough."""
        told: list[Told] = []
        for alarm in [a for a in self._flapping.values() if a.changed_s + QUIET_S <= at_s]:
            del self._flapping[alarm.key]
            alarm.flapping = False
            quiet_s = alarm.changed_s + QUIET_S
            told += [Told(News.STEADY, alarm, quiet_s)] if alarm.active else self._over(alarm, quiet_s)
        return told

    def kept(self, at_s: float) -> KeptAlarms:
        """The book as of a UTC second at which all of it is known."""
        alarms = [
            KeptAlarm(
                *(alarm.id, alarm.code, alarm.subject, alarm.function, alarm.raised_s, alarm.changed_s, alarm.facts),
                *(alarm.boot, list(alarm.members), alarm.active, alarm.flapping, alarm.count),
                *(alarm.acknowledged_by, alarm.acknowledged_s),
            )
            for alarm in self._open.values()
        ]
        recent = {key: [s for s in times if s + FLAP_WINDOW_S >= at_s] for key, times in self._began.items()}
        return KeptAlarms(alarms, [(key, times) for key, times in recent.items() if times], self._last_id)

    def restore(self, kept: KeptAlarms) -> None:
        """Take up what was kept; the book must be new."""
        for each in kept.alarms:
            self._put(
                OpenAlarm(
                    *(each.id, each.code, each.subject, each.function, self._spec(each.code)),
                    *(each.raised_s, each.changed_s, each.facts, each.boot, dict.fromkeys(each.members)),
                    *(each.active, each.flapping, each.count, each.acknowledged_by, each.acknowledged_s),
                )
            )
        self._began = {key: deque(times, maxlen=FLAPS) for key, times in kept.began}
        self._last_id = kept.last_id

    def _begin(self, condition: Condition, alarm: OpenAlarm | None, at_s: float) -> list[Told]:
        times = self._began.setdefault(condition.key, deque(maxlen=FLAPS))
        times.append(at_s)
        if alarm is None:
            alarm, news = self._made(condition, at_s)
        else:  # it flaps, or nobody has acknowledged that it was
            news = News.RAISED
            alarm.active, alarm.changed_s, alarm.count = True, at_s, alarm.count + 1
            alarm.facts.update(condition.facts)
            alarm.boot = condition.boot
            _change_members(alarm, condition)
        if alarm.flapping:
            return []
        if len(times) == FLAPS and at_s - times[0] <= FLAP_WINDOW_S:
            alarm.flapping, alarm.count = True, max(alarm.count, FLAPS)
            self._flapping[alarm.key] = alarm
            news = News.FLAPPING
        return [Told(news, alarm, at_s)]

    def _made(self, condition: Condition, at_s: float) -> tuple[OpenAlarm, News]:
        """A new alarm; when it is the cause of others, the oldest of them becomes it and keeps its number."""
        absorbed = [self._open[key] for key in condition.absorbs if key in self._open]
        for old in absorbed:
            self._drop(old)
        self._last_id += not absorbed
        id_ = min((old.id for old in absorbed), default=self._last_id)
        alarm = OpenAlarm(
            id=id_,
            code=condition.code,
            subject=condition.subject,
            function=condition.function,
            spec=self._spec(condition.code),
            raised_s=min((old.raised_s for old in absorbed), default=at_s),
            changed_s=at_s,
            facts=dict(condition.facts),
            boot=condition.boot,
        )
        _change_members(alarm, condition)
        self._put(alarm)
        return alarm, News.EXPLAINED if absorbed else News.RAISED

    def _spec(self, code: str) -> AlarmSpec:
        return self._table.get(code) or self._table[UNKNOWN]

    def _put(self, alarm: OpenAlarm) -> None:
        self._open[alarm.key] = self._by_id[alarm.id] = alarm
        self._of_subject.setdefault(alarm.subject, {})[alarm.key] = alarm
        if alarm.flapping:
            self._flapping[alarm.key] = alarm

    def _over(self, alarm: OpenAlarm, at_s: float) -> list[Told]:
        alarm.active, alarm.changed_s = False, at_s
        if alarm.flapping or (alarm.spec.severity is Severity.EMERGENCY and alarm.acknowledged_s is None):
            alarm.members.clear()
            return []
        return self._close(alarm, at_s)

    def _close(self, alarm: OpenAlarm, at_s: float) -> list[Told]:
        self._drop(alarm)
        return [Told(News.CLEARED, alarm, at_s)]

    def _drop(self, alarm: OpenAlarm) -> None:
        del self._open[alarm.key]
        del self._by_id[alarm.id]
        of_subject = self._of_subject[alarm.subject]
        del of_subject[alarm.key]
        if not of_subject:
            del self._of_subject[alarm.subject]
        self._flapping.pop(alarm.key, None)


def _change_members(alarm: OpenAlarm, condition: Condition) -> None:
    alarm.members.update(dict.fromkeys(condition.joined))
    for code in condition.left:
        alarm.members.pop(code, None)


class _Facts(dict[str, Any]):
    """Facts for words: what is missing is a dash, and what does not fit its format is written as it is."""

    def __getitem__(self, name: str) -> _Fact:
        return _Fact(super().get(name, "-"))


class _Fact:
    def __init__(self, value: object) -> None:
        self._value = value

    def __format__(self, spec: str) -> str:
        try:
            return format(self._value, spec)
        except (TypeError, ValueError):
            return str(self._value)
