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
EVERY_S = 1.0
COMPARED_EVERY_S = 10.0
COMPARED_AFTER_S = 30.0  # of its first reading: when a gateway was restarted the neighbours are back by then
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


# the same as plain numbers: they are in the way of every reading
STUCK, OUT_OF_RANGE, JUMPING, DISAGREES = (
    int(flag) for flag in (Flag.STUCK, Flag.OUT_OF_RANGE, Flag.JUMPING, Flag.DISAGREES)
)


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
    apart: float = math.inf
    apart_share: float = 0.0
    apart_per_km: float = 0.0
    of_height: bool = False  # wind speeds grow with height

    @property
    def compared(self) -> bool:
        """Whether neighbours are asked."""
        return math.isfinite(self.apart)


PLAUSIBLE: dict[str, Plausible] = {
    # A mean over 2 minutes that keeps its second decimal for 10 minutes is no wind; an hour's 0.5 m/s holds for it too.
    "wind_mean_mps": Plausible(0, 75, 10, 0.02, 600, varies_from=0.5, apart=5, apart_share=0.8, of_height=True),
    "wind_gust_mps": Plausible(0, 75, 20, apart=8, apart_share=0.8, of_height=True),
    "wind_from_deg": Plausible(0, 360),
    "rain_mmph": Plausible(0, 400),
    "visibility_m": Plausible(0, 100_000),
    "pressure_hpa": Plausible(500, 1100, 2, 0.1, 3600),
    "temperature_c": Plausible(-80, 60, 3, 0.1, 3600, apart=5, apart_per_km=1),
    "humidity_pct": Plausible(0, 100, 15, 1, 3600),
}


@dataclass(slots=True)
class _Series:
    """One field of one function: its rule, and what must be remembered of its past."""

    name: str
    rule: Plausible
    compared: bool
    anchor: float = math.nan
    anchor_s: float = 0.0
    since_anchor: int = 0
    accepted: float = math.nan
    accepted_s: float = -math.inf
    other: float = math.nan  # where it jumped to
    at_other: int = 0
    level: float | None = None  # unflagged, at 10 m: what neighbours are compared with
    compare_s: float = math.inf  # not before this second
    disagrees: bool = False


@dataclass(slots=True)
class _Function:
    pole: str
    place: LatLon
    series: tuple[_Series, ...]
    judged_s: float = -math.inf
    flags: Mapping[str, Flag] = field(default_factory=dict)


NO_FLAGS: Mapping[str, Flag] = {}


class QualityControl:
    """Judges the readings of all poles as they come, each in constant time.

    Readings of a function within `EVERY_S` share what was found of the first, and the neighbours are asked every
    `COMPARED_EVERY_S`, first after `COMPARED_AFTER_S`: this is on the way of every reading into the store.
    """

    def __init__(self) -> None:
        self._fields: dict[type[msgspec.Struct], tuple[str, ...]] = {}
        self._functions: dict[tuple[str, str], _Function] = {}
        self._neighbours: dict[str, Neighbours] = {}  # by function

    def judge(
        self, pole: str, place: LatLon, function: str, values: msgspec.Struct, taken_s: float
    ) -> Mapping[str, Flag]:
        """The flags of a reading by field, unflagged ones left out."""
        known = self._functions.get((pole, function))
        if known is None:
            known = self._begun(pole, place, function, type(values), taken_s)
        if taken_s < known.judged_s + EVERY_S:
            return known.flags
        known.judged_s = taken_s
        found: dict[str, Flag] | None = None
        for series in known.series:
            value = getattr(values, series.name)
            if value is None:
                series.level = None
                continue
            bits = _judge_alone(series, value, taken_s)
            if series.compared:
                if known.place is not place:
                    known.place = place
                    self._neighbours[function].place(pole, place)
                height = _to_10_m(getattr(values, "head_agl_m", WIND_AT_M)) if series.rule.of_height else 1.0
                series.level = None if bits else value * height
                if taken_s >= series.compare_s:
                    series.compare_s = taken_s + COMPARED_EVERY_S
                    series.disagrees = self._disagrees(pole, function, series, value * height, taken_s)
                if series.disagrees:
                    bits |= DISAGREES
            if bits:
                found = found or {}
                found[series.name] = Flag(bits)
        known.flags = found or NO_FLAGS
        return known.flags

    def taken_away(self, pole: str, function: str) -> None:
        """Forget one function of a pole."""
        self._functions.pop((pole, function), None)
        if function in self._neighbours:
            self._neighbours[function].remove(pole)
            if not len(self._neighbours[function]):
                del self._neighbours[function]

    def _begun(self, pole: str, place: LatLon, function: str, kind: type[msgspec.Struct], taken_s: float) -> _Function:
        fields = self._fields.get(kind)
        if fields is None:
            fields = self._fields[kind] = tuple(name for name in kind.__struct_fields__ if name in PLAUSIBLE)
        known = _Function(
            pole,
            place,
            tuple(
                _Series(name, PLAUSIBLE[name], PLAUSIBLE[name].compared, compare_s=taken_s + COMPARED_AFTER_S)
                for name in fields
            ),
        )
        if any(series.compared for series in known.series):
            self._neighbours.setdefault(function, Neighbours()).place(pole, place)
        self._functions[pole, function] = known
        return known

    def _disagrees(self, pole: str, function: str, series: _Series, level: float, now_s: float) -> bool:
        others: list[float] = []
        distances: list[float] = []
        for other, distance_m in self._neighbours[function].nearest(pole):
            theirs = self._functions[other, function]
            if now_s - theirs.judged_s <= FRESH_S:
                beside = next((each.level for each in theirs.series if each.name == series.name), None)
                if beside is not None:
                    others.append(beside)
                    distances.append(distance_m)
        if len(others) < FEWEST_NEIGHBOURS:
            return False
        rule, middle = series.rule, median(others)
        spread = MAD_TO_SIGMA * median([abs(other - middle) for other in others])
        allowed = max(rule.apart, rule.apart_share * abs(middle), SIGMAS * spread)
        allowed += rule.apart_per_km * median(distances) / 1000.0
        return abs(level - middle) > allowed


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
    if head_agl_m == WIND_AT_M:
        return 1.0
    return math.log(WIND_AT_M / ROUGHNESS_M) / math.log(max(head_agl_m, 2.0 * ROUGHNESS_M) / ROUGHNESS_M)


def _judge_alone(series: _Series, value: float, taken_s: float) -> int:
    """The flags that a value's own past gives, as bits: a flag is made of them only when there is one."""
    rule = series.rule
    if not rule.low <= value <= rule.high:
        return OUT_OF_RANGE
    bits = 0
    # a comparison with a number that is none yet fails, and what is new is taken as it is
    if abs(value - series.anchor) < rule.least_change and value >= rule.varies_from:
        series.since_anchor += 1
        if taken_s - series.anchor_s >= rule.least_change_s and series.since_anchor >= FEWEST_READINGS:
            bits = STUCK
    else:
        series.anchor, series.anchor_s, series.since_anchor = value, taken_s, 1
    passed_s = taken_s - series.accepted_s
    allowed = rule.step if passed_s <= STEP_S else rule.step * passed_s / STEP_S
    if abs(value - series.accepted) > allowed and passed_s <= LONGEST_STEP_S:
        series.at_other = series.at_other + 1 if abs(value - series.other) <= rule.step else 1
        series.other = value
        if series.at_other <= SETTLED:
            return bits | JUMPING
    series.accepted, series.accepted_s, series.at_other = value, taken_s, 0
    return bits
