"""Does a drone keep to its intent? One position against its volumes, and a flight's track with the time outside.

Figures are those of ASTM F3548-21, by their names in it (InterUSS `uas_standards`, astm/f3548/v21/constants.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shapely.geometry import Point

from airspace.intents import IntentEvent, IntentState
from airspace.reasons import Reason, Rule, Words
from airspace.volumes import Volume4D

LONGEST_EXCURSION_S = 10.0  # OiMaxDurationPerExcursionSeconds
MOST_EXCURSIONS_PER_HOUR = 18  # OiMaxExcursionsPerFlightHour
LEAST_INSIDE_SHARE = 0.95  # OiMinConformancePercent
RECOVERABLE_S = 60.0  # MaxRecoverableTimeInNonconformingStateSeconds
REACTION_S = 5.0  # OiMaxUpdateTimeNonconf, OiMaxUpdateTimeContingent and OiMaxUpdateRestoreConf, each in seconds
# A silence that is longer says nothing about where the drone was meanwhile (PosInfoRequestMaxResponseTimeSeconds).
GAP_S = 5.0

EXCURSION_LONG = Rule(
    "conformance.excursion",
    Words(
        "outside for {longest_s:.1f} s at once, and {most_s:g} s is the most",
        "单次偏离 {longest_s:.1f} 秒，上限 {most_s:g} 秒",
    ),
    Words("Plan wider volumes or fly them slower.", "请规划更宽的空域体，或降低飞行速度。"),
)
EXCURSIONS_MANY = Rule(
    "conformance.excursions",
    Words(
        "outside {count} times in {hours:.2f} flight hours, and {most:g} an hour is the most",
        "{hours:.2f} 飞行小时内偏离 {count} 次，上限为每小时 {most:g} 次",
    ),
    Words("Plan wider volumes, or have the navigation looked at.", "请规划更宽的空域体，或检查导航系统。"),
)
INSIDE_LITTLE = Rule(
    "conformance.share",
    Words(
        "inside {share_pct:.1f} % of the time, and {least_pct:g} % is the least",
        "符合时间占 {share_pct:.1f} %，下限为 {least_pct:g} %",
    ),
    Words("Plan wider volumes or longer windows.", "请规划更宽的空域体或更长的时间窗。"),
)


@dataclass(frozen=True, slots=True)
class Conformance:
    """Whether a position at a time is inside one and the same volume.

    `volume` is its index, or None. `distance_m` is 0 inside and otherwise the least distance in space to a volume of
    that moment; None when no volume covers that moment. `time_s` is the least time to a volume that holds the place,
    0 inside; None when no volume ever holds the place.
    """

    volume: int | None
    distance_m: float | None
    time_s: float | None

    @property
    def inside(self) -> bool:
        """Whether the drone keeps to its intent."""
        return self.volume is not None


def conformance(volumes: Sequence[Volume4D], x_m: float, y_m: float, ellipsoidal_m: float, at_s: float) -> Conformance:
    """How a live position [m east, m north, m ellipsoidal, s UTC] relates to the volumes of an intent.

    Being inside the outline of one volume and the height band of another is outside. Raises ValueError for a position
    that is not finite, since that compares as inside nothing and outside nothing.
    """
    if not all(map(math.isfinite, (x_m, y_m, ellipsoidal_m, at_s))):
        raise ValueError(f"not a position: {x_m}, {y_m}, {ellipsoidal_m} at {at_s}")
    for i, volume in enumerate(volumes):
        if volume.contains(x_m, y_m, ellipsoidal_m, at_s):
            return Conformance(i, 0.0, 0.0)
    point = Point(x_m, y_m)
    distance_m: float | None = None
    time_s: float | None = None
    for volume in volumes:
        above_m = max(volume.floor_ellipsoidal_m - ellipsoidal_m, ellipsoidal_m - volume.ceiling_ellipsoidal_m, 0.0)
        off_m = math.hypot(volume.outline.distance(point), above_m)
        off_s = max(volume.start_s - at_s, at_s - volume.end_s, 0.0)
        if volume.start_s <= at_s < volume.end_s:
            distance_m = off_m if distance_m is None else min(distance_m, off_m)
        if off_m == 0.0:
            time_s = off_s if time_s is None else min(time_s, off_s)
    return Conformance(None, distance_m, time_s)


@dataclass(frozen=True, slots=True)
class Due:
    """What must happen to the intent: `event`, owed since `since_s` and to be told to all by `by_s` [UTC s]."""

    event: IntentEvent
    since_s: float
    by_s: float


@dataclass(frozen=True, slots=True)
class ConformanceTrack:
    """How one flight has kept to its volumes so far: a fold over its positions in the air. Times in UTC s, spans in s.

    Time counts as inside between two positions that are inside and no more than `gap_s` apart; as outside from the
    last position inside (when no more than `gap_s` ago, else from the first outside) until the drone is seen inside
    again, silence included. All other time is unknown: it counts in no share, and nobody is called nonconforming
    for having been silent.
    """

    gap_s: float = GAP_S
    first_s: float | None = None
    last_s: float | None = None
    inside_s: float = 0.0
    unknown_s: float = 0.0
    excursions: int = 0
    farthest_m: float = 0.0
    inside_since_s: float | None = None  # where it was seen inside, if it is inside
    outside_since_s: float | None = None  # where the excursion counts from, if there is one
    _seen_outside_s: float = 0.0  # where that excursion was first seen
    _past_outside_s: float = 0.0
    _past_longest_s: float = 0.0

    def seen(self, found: Conformance, at_s: float) -> ConformanceTrack:
        """The track with one more verdict of `conformance`; one that is not later than the last changes nothing."""
        if self.last_s is not None and at_s <= self.last_s:
            return self
        track = replace(
            self,
            first_s=at_s if self.first_s is None else self.first_s,
            last_s=at_s,
            farthest_m=max(self.farthest_m, found.distance_m or 0.0),
        )
        if self.outside_since_s is not None:
            return track._returned(at_s) if found.inside else track
        span_s = at_s - (at_s if self.last_s is None else self.last_s)
        if span_s > self.gap_s:
            track = replace(track, unknown_s=self.unknown_s + span_s)
            span_s = 0.0
        if found.inside:
            since_s = at_s if self.inside_since_s is None else self.inside_since_s
            return replace(track, inside_s=self.inside_s + span_s, inside_since_s=since_s)
        return replace(
            track,
            excursions=self.excursions + 1,
            inside_since_s=None,
            outside_since_s=at_s - span_s,
            _seen_outside_s=at_s,
        )

    def _returned(self, at_s: float) -> ConformanceTrack:
        span_s = self.excursion_s(at_s)
        return replace(
            self,
            inside_since_s=at_s,
            outside_since_s=None,
            _past_outside_s=self._past_outside_s + span_s,
            _past_longest_s=max(self._past_longest_s, span_s),
        )

    def excursion_s(self, now_s: float) -> float:
        """How long the excursion of this moment has lasted; 0 when there is none."""
        return 0.0 if self.outside_since_s is None else max(0.0, now_s - self.outside_since_s)

    def outside_s(self, now_s: float) -> float:
        """All time outside until now."""
        return self._past_outside_s + self.excursion_s(now_s)

    def longest_s(self, now_s: float) -> float:
        """The longest excursion until now, the present one included."""
        return max(self._past_longest_s, self.excursion_s(now_s))

    def inside_share(self, now_s: float) -> float | None:
        """The part of the known time that was inside, 0-1; None while no time is known."""
        known_s = self.inside_s + self.outside_s(now_s)
        return self.inside_s / known_s if known_s > 0.0 else None

    def due(self, state: IntentState, now_s: float) -> Due | None:
        """What an intent in a state owes now, or None.

        A drone in the air under an intent that is not activated is nonconforming wherever it is. Leaving is owed as
        soon as it is seen: the 10 s of `breaches` are no licence. After 60 s outside it is not expected back.
        """
        if self.first_s is None or state in (IntentState.CONTINGENT, IntentState.ENDED):
            return None
        if state is IntentState.NONCONFORMING:
            if self.outside_since_s is None:
                since_s = self.first_s if self.inside_since_s is None else self.inside_since_s
                return Due(IntentEvent.RETURN, since_s, since_s + REACTION_S)
            over_s = self.outside_since_s + RECOVERABLE_S
            return Due(IntentEvent.GIVE_UP, over_s, over_s + REACTION_S) if now_s > over_s else None
        if self.outside_since_s is not None:
            return Due(IntentEvent.LEAVE, self.outside_since_s, self._seen_outside_s + REACTION_S)
        if state is IntentState.ACCEPTED:
            return Due(IntentEvent.LEAVE, self.first_s, self.first_s + REACTION_S)
        return None

    def breaches(self, where: str, now_s: float) -> list[Reason]:
        """Which of the standard's limits for a flight this one has broken until now; for planning better volumes."""
        reasons: list[Reason] = []
        if (longest_s := self.longest_s(now_s)) > LONGEST_EXCURSION_S:
            reasons.append(Reason(EXCURSION_LONG, where, {"longest_s": longest_s, "most_s": LONGEST_EXCURSION_S}))
        hours = (self.inside_s + self.outside_s(now_s) + self.unknown_s) / 3600.0
        # a flight of minutes is held to the allowance of an hour: the figure is a rate, not a ban on a second one
        if self.excursions > MOST_EXCURSIONS_PER_HOUR * max(hours, 1.0):
            facts = {"count": self.excursions, "hours": hours, "most": MOST_EXCURSIONS_PER_HOUR}
            reasons.append(Reason(EXCURSIONS_MANY, where, facts))
        share = self.inside_share(now_s)
        if share is not None and share < LEAST_INSIDE_SHARE:
            facts = {"share_pct": 100.0 * share, "least_pct": 100.0 * LEAST_INSIDE_SHARE}
            reasons.append(Reason(INSIDE_LITTLE, where, facts))
        return reasons


def off_nominal_around(
    x_m: float, y_m: float, ellipsoidal_m: float, at_s: float, *, speed_mps: float, climb_mps: float, for_s: float
) -> Volume4D:
    """Where a drone may be during the next `for_s` [s] when nothing but its greatest speeds [m/s] is known.

    An upright cylinder around a position [m east, m north, m ellipsoidal, s UTC], its outline around the true circle.
    Raises ValueError as `Volume4D` does, and for a radius of nothing.
    """
    radius_m = speed_mps * for_s
    if not radius_m > 0.0:
        raise ValueError(f"a drone that may be anywhere within {radius_m} m has no volume")
    sides = 64
    outline = Point(x_m, y_m).buffer(radius_m / math.cos(math.pi / sides), quad_segs=sides // 4)
    rise_m = climb_mps * for_s
    return Volume4D(outline, ellipsoidal_m - rise_m, ellipsoidal_m + rise_m, at_s, at_s + for_s)
