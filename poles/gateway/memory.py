"""What a gateway must know of the time before its start: a fold over what poles said and what the gateway noted.

The fold so far can be kept as one snapshot, so that a start reads that and what came after it, not all since the first
day. A snapshot is what it was made from: alarms keep their numbers, wishes their ages.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from poles.alarm_table import POLE_ALARMS, UNKNOWN
from poles.gateway.alarms import AlarmBook, KeptAlarms
from poles.gateway.desired import DesiredBook, KeptFunction
from poles.gateway.notes import Acknowledged, AnyNote, Condition, Wished
from poles.protocol.messages import Alarm, Hello, Reported


class Snapshot(msgspec.Struct, frozen=True):
    """The alarms and the wishes as they stood."""

    alarms: KeptAlarms
    functions: list[KeptFunction]


@dataclass(frozen=True, slots=True)
class Remembered:
    """One thing that the store holds: what a pole said, a note, or all before it, as of a UTC second."""

    utc_s: float
    pole: str
    what: Hello | Alarm | Reported | AnyNote | Snapshot


class Memory:
    """The fold itself; `desired` is the book that it shares with who carries wishes out."""

    def __init__(self, desired: DesiredBook | None = None) -> None:
        self.alarms = AlarmBook(POLE_ALARMS)
        self.desired = DesiredBook() if desired is None else desired
        self.functions: dict[str, dict[str, None]] = {}  # of each pole, as its last hello says
        self.heartbeat_s: dict[str, float] = {}
        self._last_s = 0.0

    def remember(self, each: Remembered) -> None:
        """Take in the next thing in the order of the store."""
        self._last_s = max(self._last_s, each.utc_s)
        match each.what:
            case Hello() as hello:
                self.introduced(hello)
            case Alarm() as alarm:
                self.alarms.apply(self.condition(each.pole, alarm), each.utc_s)
            case Reported() as answer:
                self.desired.reported(each.pole, answer, each.utc_s)
            case Condition() as condition:
                self.alarms.apply(condition, each.utc_s)
            case Acknowledged(code=code, subject=subject, function=function, who=who):
                self.alarms.acknowledge((code, subject, function), who, each.utc_s)
            case Wished() as wish:
                self.desired.wished(wish.pole, wish.function, wish.version, wish.settings, wish.by, each.utc_s)
            case Snapshot(alarms=alarms, functions=functions):
                self.alarms.restore(alarms)
                self.desired.restore(functions)

    def introduced(self, hello: Hello) -> None:
        """A pole said what it has."""
        self.heartbeat_s[hello.code] = hello.heartbeat_s
        self.functions[hello.code] = dict.fromkeys(capability.function for capability in hello.functions)

    def forget(self, pole: str) -> None:
        """A pole is not of this district any more."""
        self.heartbeat_s.pop(pole, None)
        self.functions.pop(pole, None)

    def condition(self, pole: str, alarm: Alarm) -> Condition:
        """A pole's own alarm; the names in it are bounded, so that nobody can fill the book."""
        function = alarm.function or ""
        if function not in self.functions.get(pole, {}):
            function = ""
        facts = {**alarm.facts, "code": alarm.code}
        code = alarm.code if alarm.code in POLE_ALARMS else UNKNOWN
        return Condition(code=code, subject=pole, function=function, active=alarm.active, facts=facts, boot=alarm.boot)

    def snapshot(self) -> Snapshot:
        """All but the hellos, of which each pole's last one says it all."""
        return Snapshot(self.alarms.kept(self._last_s), self.desired.kept())
