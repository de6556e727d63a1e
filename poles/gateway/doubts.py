"""Readings that cannot be true, and clocks that are wrong, as conditions: begun and over after a few readings each.

What goes to and fro is noted once a minute at most, or one pole could fill the store with it.

A pole's clock is judged by what it says of fresh readings: its time of taking them and how long it held them, beside
when they arrived. A word may be under way for seconds, so a clock may seem slow; it cannot seem fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from airspace.frames import LatLon
from poles.alarm_table import CLOCK_WRONG, IMPLAUSIBLE, SENSOR_FAULTY
from poles.gateway.notes import Condition
from poles.gateway.quality import UNUSABLE, Flag, QualityControl, said_by_pole
from poles.protocol.messages import Quality, Reading

FAST_S = 2.0
SLOW_S = 10.0
LIVE_S = 60.0  # a reading that was held longer says nothing of the clock
IN_A_ROW = 3
STAYS_S = 60.0  # what was noted, however much speaks against it: an alarm chatters that comes three times in a minute

FAULTY: Mapping[str, Flag] = {"": Flag.FAULTY}


@dataclass(slots=True)
class _Doubt:
    """How many readings in a row speak for a change of what was told."""

    told: bool = False
    against: int = 0
    stays_s: float = -math.inf  # until this second of the loop

    def turned(self, doubted: bool, now_s: float) -> bool:
        """Take one more reading; whether what was told is to change now."""
        self.against = self.against + 1 if doubted != self.told else 0
        if self.against < IN_A_ROW or now_s < self.stays_s:
            return False
        self.told, self.against, self.stays_s = doubted, 0, now_s + STAYS_S
        return True

    def over(self, now_s: float) -> bool:
        """Whether there is nothing left to remember."""
        return not self.told and not self.against and now_s >= self.stays_s


class Doubts:
    """Flags readings; `tell` gets a condition when something is to be told or is over. Loop seconds but for `at_s`.

    `loop_s` is asked for the loop's second when there is a doubt.
    """

    def __init__(self, tell: Callable[[Condition], None], loop_s: Callable[[], float]) -> None:
        self._tell = tell
        self._loop_s = loop_s
        self._control = QualityControl()
        self._doubts: dict[str, dict[tuple[str, str], _Doubt]] = {}  # by pole, then by code and function
        self._wrong_clocks: dict[str, None] = {}

    def restore(self, code: str, subject: str, function: str) -> None:
        """Take up what the store says was told and is not over."""
        if code in (CLOCK_WRONG, IMPLAUSIBLE, SENSOR_FAULTY):
            self._doubts.setdefault(subject, {})[code, function] = _Doubt(told=True)

    def forget(self, pole: str, functions: Iterable[str]) -> None:
        """Forget a pole, which has these functions."""
        for function in functions:
            self._control.taken_away(pole, function)
        self._wrong_clocks.pop(pole, None)
        self._doubts.pop(pole, None)

    def taken_away(self, pole: str, function: str) -> None:
        """Forget a function that the pole has no more."""
        self._control.taken_away(pole, function)
        doubts = self._doubts.get(pole, {})
        for key in [key for key in doubts if key[1] == function]:
            del doubts[key]
        if not doubts:
            self._doubts.pop(pole, None)

    def reported(self, pole: str, readings: Iterable[Reading]) -> None:
        """Take in whether a pole says of its readings that a sensor does not work."""
        doubted = pole in self._doubts
        for reading in readings:
            faulty = reading.quality is Quality.BAD
            if faulty or doubted:
                self._weigh(SENSOR_FAULTY, pole, reading.function, faulty, {})

    def judge(
        self, pole: str, place: LatLon, function: str, values: msgspec.Struct, taken_s: float, quality: Quality
    ) -> Mapping[str, Flag]:
        """The flags of a reading by field; those under "" are of the reading as a whole."""
        if quality is Quality.BAD:
            return FAULTY
        flags = self._control.judge(pole, place, function, values, taken_s)
        if flags or pole in self._doubts:
            self._weigh_values(pole, function, values, flags)
        if quality is Quality.SUSPECT or pole in self._wrong_clocks:
            whole = Flag.CLOCK_WRONG if pole in self._wrong_clocks else Flag(0)
            return {**flags, "": whole | said_by_pole(quality)}
        return flags

    def judge_clock(self, pole: str, at_s: float, taken_utc_s: float, held_s: float) -> None:
        """Take in what a reading says of its pole's clock: by it taken `at_s`, by ours at `taken_utc_s` (both UTC)."""
        if held_s > LIVE_S:
            return
        error_s = at_s - taken_utc_s
        if -SLOW_S <= error_s <= FAST_S:
            if pole in self._wrong_clocks:
                del self._wrong_clocks[pole]
            if pole in self._doubts:
                self._weigh(CLOCK_WRONG, pole, "", False, {})
        else:
            self._wrong_clocks[pole] = None
            self._weigh(CLOCK_WRONG, pole, "", True, {"error_s": round(error_s, 1)})

    def _weigh_values(self, pole: str, function: str, values: msgspec.Struct, flags: Mapping[str, Flag]) -> None:
        worst = next(((name, flag & UNUSABLE) for name, flag in flags.items() if flag & UNUSABLE), None)
        facts: dict[str, object] = {}
        if worst is not None:
            facts = {"field": worst[0], "flags": ", ".join(worst[1].names), "value": getattr(values, worst[0])}
        self._weigh(IMPLAUSIBLE, pole, function, worst is not None, facts)

    def _weigh(self, code: str, pole: str, function: str, doubted: bool, facts: dict[str, object]) -> None:
        doubts = self._doubts.get(pole, {})
        doubt = doubts.get((code, function))
        if doubt is None:
            if not doubted:
                return
            doubt = self._doubts.setdefault(pole, doubts)[code, function] = _Doubt()
        now_s = self._loop_s()
        if doubt.turned(doubted, now_s):
            self._tell(Condition(code=code, subject=pole, function=function, active=doubted, facts=facts))
        if doubt.over(now_s):
            del doubts[code, function]
            if not doubts:
                del self._doubts[pole]
