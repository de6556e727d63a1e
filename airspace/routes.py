"""Routes: positions with heights, flown at planned speeds from a departure on; their legs, and the volumes they sweep.

A leg is straight in three dimensions, and a box from its lowest to its highest over all of its time would close far
more airspace than the flight needs. So legs are swept in pieces that are short in time and in height, and each piece
covers its part of the leg with all margins.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from airspace.frames import Height, LatLon, LocalFrame
from airspace.ground.surface import Surface
from airspace.margins import MarginBreakdown, grown_lines
from airspace.routing import PointXY
from airspace.volumes import Volume4D

Moment = tuple[float, float, float, float]
"""Where a flight is when: east, north, ellipsoidal height [m] and UTC second."""

TALLEST_PIECE_M = 5.0  # a piece of a leg rises or falls by no more
SAME_PLACE_M = 0.5
LEAST_LEG_S = 0.001  # seconds since 1970 tell no less apart than a quarter of a microsecond
LONGEST_PIECE_S = 20.0  # and lasts no longer, unless the drone stands still


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A place that a route passes, and how long [s] it stays there.

    `after_s` is how long the way from the waypoint before it takes, where a plan has timed it; None goes by the speeds
    of the route.
    """

    position: LatLon
    height: Height
    hold_s: float = 0.0
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Waypoints joined by straight legs, flown from `departs_s` [s UTC] on at ground speeds [m/s].

    A leg takes as long as the slower of its two movements, along the ground and up or down, takes at its speed. `fix`
    is the kind of position fix that the flight is planned with (a key of `airspace.margins.FIX_ERRORS_M`) and
    `wind_mps` the mean wind. Raises ValueError for what nobody can fly: no waypoint, speeds that are not positive,
    times that are not finite, no time for a way of more than `SAME_PLACE_M` [m].
    """

    name: str
    departs_s: float
    waypoints: tuple[Waypoint, ...]
    speed_mps: float
    climb_mps: float
    descend_mps: float
    fix: str = "rtk-fixed"
    wind_mps: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no legs or never ends."""
        speeds = (self.speed_mps, self.climb_mps, self.descend_mps)
        if not all(math.isfinite(speed) and speed > 0.0 for speed in speeds):
            raise ValueError(f"a route has speeds above 0 m/s, not {speeds}")
        waits = [w.hold_s for w in self.waypoints] + [w.after_s for w in self.waypoints if w.after_s is not None]
        if not self.waypoints or not all(math.isfinite(wait) and wait >= 0.0 for wait in waits):
            raise ValueError("a route has waypoints, and times at and between them that are not negative")
        if not math.isfinite(self.departs_s):
            raise ValueError(f"a route departs at a moment, not at {self.departs_s}")
        for before, after in pairwise(self.waypoints):
            if after.after_s is not None and after.after_s < LEAST_LEG_S and _apart_m(before, after) > SAME_PLACE_M:
                raise ValueError(f"a route takes time from place to place, not {after.after_s} s")

    def departing(self, at_s: float) -> Route:
        """The same route, flown from another moment [s UTC] on."""
        return replace(self, departs_s=at_s)


def _apart_m(one: Waypoint, other: Waypoint) -> float:
    """How far apart two places are [m], in height only where both count from one datum."""
    if one.height.datum is not other.height.datum:
        return one.position.distance_m(other.position)
    return math.hypot(one.position.distance_m(other.position), one.height.value_m - other.height.value_m)


@dataclass(frozen=True, slots=True)
class RouteLeg:
    """A straight movement, or a stay: east and north [m] in a local frame, ellipsoidal heights [m], UTC seconds.

    `number` is the index of the waypoint that the leg leads to, or at which the drone stays.
    """

    number: int
    start_xy: PointXY
    end_xy: PointXY
    start_ellipsoidal_m: float
    end_ellipsoidal_m: float
    start_s: float
    end_s: float

    @property
    def length_m(self) -> float:
        """Length in plan [m]."""
        return math.dist(self.start_xy, self.end_xy)

    @property
    def ends(self) -> frozenset[int]:
        """The numbers of the waypoints at its two ends; one and the same where the drone stays."""
        return frozenset({self.number, self.number if self.stays else max(0, self.number - 1)})

    @property
    def stays(self) -> bool:
        """Whether the drone stands still all the while."""
        return self.start_xy == self.end_xy and self.start_ellipsoidal_m == self.end_ellipsoidal_m

    def at(self, share: float) -> Moment:
        """East, north, ellipsoidal height [m] and UTC second at a share (0 to 1) of the leg."""
        return (
            _between(self.start_xy[0], self.end_xy[0], share),
            _between(self.start_xy[1], self.end_xy[1], share),
            _between(self.start_ellipsoidal_m, self.end_ellipsoidal_m, share),
            _between(self.start_s, self.end_s, share),
        )


@dataclass(frozen=True, slots=True)
class RoutePiece:
    """A part of leg number `leg` (an index into the legs), from one share of it to another, and what it sweeps."""

    leg: int
    start_xy: PointXY
    end_xy: PointXY
    volume: Volume4D


def legs_of(route: Route, frame: LocalFrame, surface: Surface) -> tuple[RouteLeg, ...]:
    """The legs of a route in order, stays included; each begins where and when the one before it ends.

    A stay that takes no time is left out; a way between two places never is, and takes `LEAST_LEG_S` [s] at least.
    Raises `Refused` where the surface does not know the ground that a height needs.
    """
    plan = frame.xy_array([(w.position.lon_deg, w.position.lat_deg) for w in route.waypoints]).tolist()
    heights_m = [surface.at(w.position).ellipsoidal_m(w.height) for w in route.waypoints]
    ends = [((x, y), up_m) for (x, y), up_m in zip(plan, heights_m, strict=True)]
    legs: list[RouteLeg] = []
    now_s = route.departs_s
    for number, waypoint in enumerate(route.waypoints):
        (xy, up_m), (from_xy, from_m) = ends[number], ends[max(0, number - 1)]
        takes_s = waypoint.after_s
        if takes_s is None:
            takes_s = _leg_s(route, math.dist(from_xy, xy), up_m - from_m)
        if (from_xy, from_m) != (xy, up_m):
            takes_s = max(takes_s, LEAST_LEG_S)
        if number > 0 and now_s + takes_s > now_s:
            legs.append(RouteLeg(number, from_xy, xy, from_m, up_m, now_s, now_s + takes_s))
            now_s += takes_s
        if now_s + waypoint.hold_s > now_s:
            legs.append(RouteLeg(number, xy, xy, up_m, up_m, now_s, now_s + waypoint.hold_s))
            now_s += waypoint.hold_s
    return tuple(legs)


def _leg_s(route: Route, across_m: float, up_m: float) -> float:
    vertical_mps = route.climb_mps if up_m > 0.0 else route.descend_mps
    return max(across_m / route.speed_mps, abs(up_m) / vertical_mps)


def pieces_of(legs: Sequence[RouteLeg], margins: MarginBreakdown) -> tuple[RoutePiece, ...]:
    """What the legs sweep with their margins, cut into pieces along every leg.

    The exact body of a flight is, for each moment t of it, all that is within the lateral margin in plan and the
    vertical margin in height of where it is planned to be at t, from t - m(t) until t + m(t), m being the time margin
    for the seconds since departure. Every point of the body is in one of the pieces at its time. A piece covers more
    than the body by at most `TALLEST_PIECE_M` in height, `LONGEST_PIECE_S` in time and 0.5 % of the lateral margin in
    plan. Raises ValueError for margins without a lateral part.
    """
    if not legs:
        return ()
    if not margins.margins.lateral_m > 0.0:
        raise ValueError("a leg without a lateral margin sweeps no volume")
    cuts = [(index, start, end) for index, leg in enumerate(legs) for start, end in _cut(leg)]
    room = margins.margins
    outlines = grown_lines([start[:2] for _, start, _ in cuts], [end[:2] for _, _, end in cuts], room.lateral_m)
    departs_s = legs[0].start_s
    pieces: list[RoutePiece] = []
    for (index, start, end), outline in zip(cuts, outlines, strict=True):
        low_m, high_m = min(start[2], end[2]), max(start[2], end[2])
        early_s = room.time_s + margins.pace * (start[3] - departs_s)
        late_s = room.time_s + margins.pace * (end[3] - departs_s)
        volume = Volume4D(
            outline=outline,
            floor_ellipsoidal_m=low_m - room.vertical_m,
            ceiling_ellipsoidal_m=high_m + room.vertical_m,
            # a margin that grows faster than time itself reaches back farthest from the end
            start_s=min(start[3] - early_s, end[3] - late_s),
            end_s=end[3] + late_s,
        )
        pieces.append(RoutePiece(index, start[:2], end[:2], volume))
    return tuple(pieces)


def _cut(leg: RouteLeg) -> Iterable[tuple[Moment, Moment]]:
    rise_m = abs(leg.end_ellipsoidal_m - leg.start_ellipsoidal_m)
    count = max(1, math.ceil(rise_m / TALLEST_PIECE_M))
    if not leg.stays:
        count = max(count, math.ceil((leg.end_s - leg.start_s) / LONGEST_PIECE_S))
    return pairwise([leg.at(i / count) for i in range(count + 1)])


def _between(start: float, end: float, share: float) -> float:
    return end if share == 1.0 else start + share * (end - start)
