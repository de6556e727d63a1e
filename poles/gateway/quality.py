"""Can a reading be true? Flags for what is stuck, out of range, jumping, or unlike its neighbours.

The limits for weather are those of Zahumenský, Guidelines on Quality Control Procedures for Data from Automatic Weather
Stations (WMO CBS/ET-AWS, 2004; in WMO-No. 488): plausible value, largest step between values of consecutive minutes,
least variability within an hour. Neighbours are compared by the median and the median absolute deviation, which a
minority of broken stations cannot move. Wind is brought to 10 m by the logarithmic law before (WMO-No. 8, vol. I,
chapter 5: roughness 1 m for suburbs and towns); air temperature may differ by distance.

Times are the loop's seconds at which readings were taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag

import msgspec

from airspace.frames import LatLon
from poles.gateway.neighbours import Neighbours
from poles.protocol.messages import Quality

ROUGHNESS_M = 1.0
WIND_AT_M = 10.0
MAD_TO_SIGMA = 1.4826  # for a normal distribution
SIGMAS = 5.0
FRESH_S = 180.0  # a neighbour's value that is older says nothing of now
FEWEST_NEIGHBOURS = 4
FEWEST_READINGS = 10  # before a value can be called stuck
SETTLED = 3  # readings that agree with each other end a jump: it was the weather
STEP_S = 60.0  # for which the limits of steps hold
LONGEST_STEP_S = 600.0  # over which a step tells nothing


class Flag(IntFlag):
    """What is wrong with a value; none: nothing is known against it."""

    STUCK = 1
    OUT_OF_RANGE = 2
    JUMPING = 4
    DISAGREES = 8
    CLOCK_WRONG = 16
    FAULTY = 32  # the pole itself says that the sensor does not work
    SUSPECT = 64  # the pole itself has doubts

    @property
    def names(self) -> tuple[str, ...]:
        """The flags in words for machines."""
        return tuple([flag.name.lower() for flag in Flag if flag in self and flag.name])


UNUSABLE = Flag.STUCK | Flag.OUT_OF_RANGE | Flag.JUMPING | Flag.DISAGREES | Flag.FAULTY
"""With any of these a value decides nothing. A pole's clock does not matter here: ages count from the arrival."""


@dataclass(frozen=True, slots=True)
class Plausible:
    """What is plausible of one quantity, in its own unit.

    `least_change` is what it varies by at least within `least_change_s` (at values from `varies_from` on; below, it may
    be calm). `apart` is by how much neighbours may differ anyhow, `apart_share` by what share of their median, and
    `apart_per_km` by how much more for each kilometre.
    """

    low: float
    high: float
    step: float = math.inf
    least_change: float = 0.0
    least_change_s: float = math.inf
    varies_from: float = -math.inf
    circle: float | None = None
    apart: float = math.inf
    apart_share: float = 0.0
    apart_per_km: float = 0.0
    of_height: bool = False  # wind speeds grow with height


PLAUSIBLE: dict[str, Plausible] = {
    # A mean over 2 minutes that keeps its second decimal for 10 minutes is no wind; an hour's 0.5 m/s holds for it too.
    "wind_mean_mps": Plausible(0, 75, 10, 0.02, 600, varies_from=0.5, apart=5, apart_share=0.8, of_height=True),
    "wind_gust_mps": Plausible(0, 75, 20, apart=8, apart_share=0.8, of_height=True),
    "wind_from_deg": Plausible(0, 360, circle=360.0),
    "rain_mmph": Plausible(0, 400),
    "visibility_m": Plausible(0, 100_000),
    "pressure_hpa": Plausible(500, 1100, 2, 0.1, 3600),
    "temperature_c": Plausible(-80, 60, 3, 0.1, 3600, apart=5, apart_per_km=1),
    "humidity_pct": Plausible(0, 100, 15, 1, 3600),
}


@dataclass(slots=True)
class _Series:
    """What must be remembered of one value's past."""

    accepted: float
    accepted_s: float
    anchor: float
    anchor_s: float
    since_anchor: int = 1
    other: float | None = None  # where it jumped to
    at_other: int = 0


@dataclass(slots=True)
class _Function:
    series: dict[str, _Series] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)  # unflagged, at 10 m
    taken_s: float = -math.inf


NO_FLAGS: Mapping[str, Flag] = {}


class QualityControl:
    """Judges the readings of all poles as they come, each in constant time."""

    def __init__(self) -> None:
        self._fields: dict[type[msgspec.Struct], tuple[str, ...]] = {}
        self._functions: dict[tuple[str, str], _Function] = {}
        self._neighbours: dict[str, Neighbours] = {}  # by function

    def judge(
        self, pole: str, place: LatLon, function: str, values: msgspec.Struct, taken_s: float
    ) -> Mapping[str, Flag]:
        """The flags of a reading by field, unflagged ones left out; of one older than the last nothing is said."""
        fields = self._fields.get(type(values))
        if fields is None:
            fields = self._fields[type(values)] = tuple(n for n in values.__struct_fields__ if n in PLAUSIBLE)
        if not fields:
            return NO_FLAGS
        known = self._functions.get((pole, function))
        if known is None:
            known = self._functions[pole, function] = _Function()
        if taken_s < known.taken_s:
            return NO_FLAGS
        known.taken_s = taken_s
        found: dict[str, Flag] = {}
        head_agl_m = getattr(values, "head_agl_m", WIND_AT_M)
        for name in fields:
            value = getattr(values, name)
            if value is None:
                known.values.pop(name, None)
                continue
            if flags := self._judge(pole, place, function, known, name, float(value), head_agl_m):
                found[name] = flags
        return found or NO_FLAGS

    def forget(self, pole: str) -> None:
        """Forget a pole."""
        for key in [key for key in self._functions if key[0] == pole]:
            del self._functions[key]
        for neighbours in self._neighbours.values():
            neighbours.remove(pole)

    def _judge(
        self, pole: str, place: LatLon, function: str, known: _Function, name: str, value: float, head_agl_m: float
    ) -> Flag:
        rule = PLAUSIBLE[name]
        if not rule.low <= value <= rule.high:
            known.values.pop(name, None)
            return Flag.OUT_OF_RANGE
        series, flags = known.series.get(name), Flag(0)
        if series is None:
            known.series[name] = _Series(value, known.taken_s, value, known.taken_s)
        else:
            flags = _stuck(rule, series, value, known.taken_s) | _jumping(rule, series, value, known.taken_s)
        if not math.isfinite(rule.apart):
            return flags
        level = value * _to_10_m(head_agl_m) if rule.of_height else value
        neighbours = self._neighbours.setdefault(function, Neighbours())
        neighbours.place(pole, place)
        # a value that is wrong for other reasons is no measure for others
        if flags:
            known.values.pop(name, None)
        else:
            known.values[name] = level
        return flags | self._disagreeing(pole, function, rule, name, level, known.taken_s, neighbours)

    def _disagreeing(
        self, pole: str, function: str, rule: Plausible, name: str, level: float, now_s: float, around: Neighbours
    ) -> Flag:
        others: list[float] = []
        distances: list[float] = []
        for other, distance_m in around.nearest(pole):
            theirs = self._functions.get((other, function))
            if theirs is not None and now_s - theirs.taken_s <= FRESH_S and name in theirs.values:
                others.append(theirs.values[name])
                distances.append(distance_m)
        if len(others) < FEWEST_NEIGHBOURS:
            return Flag(0)
        middle = median(others)
        spread = MAD_TO_SIGMA * median([abs(other - middle) for other in others])
        allowed = max(rule.apart, rule.apart_share * abs(middle), SIGMAS * spread)
        allowed += rule.apart_per_km * median(distances) / 1000.0
        return Flag.DISAGREES if abs(level - middle) > allowed else Flag(0)


def median(values: list[float]) -> float:
    """The middle value, or the mean of the two in the middle; of at least one."""
    ordered = sorted(values)
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2.0


def said_by_pole(quality: Quality) -> Flag:
    """The flag for what the pole thinks of its reading itself."""
    return {Quality.GOOD: Flag(0), Quality.SUSPECT: Flag.SUSPECT, Quality.BAD: Flag.FAULTY}[quality]


def _to_10_m(head_agl_m: float) -> float:
    """By what a wind speed at a pole's head is multiplied to be that of 10 m above ground."""
    return math.log(WIND_AT_M / ROUGHNESS_M) / math.log(max(head_agl_m, 2.0 * ROUGHNESS_M) / ROUGHNESS_M)


def _apart(rule: Plausible, one: float, other: float) -> float:
    if rule.circle is None:
        return abs(one - other)
    way = abs(one - other) % rule.circle
    return min(way, rule.circle - way)


def _stuck(rule: Plausible, series: _Series, value: float, taken_s: float) -> Flag:
    if _apart(rule, value, series.anchor) >= rule.least_change or value < rule.varies_from:
        series.anchor, series.anchor_s, series.since_anchor = value, taken_s, 1
        return Flag(0)
    series.since_anchor += 1
    long_enough = taken_s - series.anchor_s >= rule.least_change_s
    return Flag.STUCK if long_enough and series.since_anchor >= FEWEST_READINGS else Flag(0)


def _jumping(rule: Plausible, series: _Series, value: float, taken_s: float) -> Flag:
    passed_s = taken_s - series.accepted_s
    if passed_s > LONGEST_STEP_S or _apart(rule, value, series.accepted) <= rule.step * max(1.0, passed_s / STEP_S):
        series.accepted, series.accepted_s, series.other, series.at_other = value, taken_s, None, 0
        return Flag(0)
    if series.other is not None and _apart(rule, value, series.other) <= rule.step:
        series.at_other += 1
    else:
        series.at_other = 1
    series.other = value
    if series.at_other > SETTLED:
        series.accepted, series.accepted_s, series.other, series.at_other = value, taken_s, None, 0
        return Flag(0)
    return Flag.JUMPING
