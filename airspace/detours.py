"""Ways round what stands against a route: the same places in the same order, with corners between them.

Only what the route meets at its own time is gone round. What the way round meets in its turn, at the times at which it
would be there, is added until nothing is met any more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from shapely.geometry import MultiPoint

from airspace.clearing import Flown, Holder, Question
from airspace.conflicts import Conflict
from airspace.frames import Datum, Height, LatLon, LocalFrame
from airspace.ground.surface import Surface
from airspace.routes import Route, Waypoint
from airspace.routing import Barrier, Obstacle, PointXY, Router

MOST_TRIES = 40
ROOM_M = (
    1.0  # beside the lateral margin: arcs are drawn up to 0.5 % outside it, and corners are rounded to a centimetre
)
OUTWARDS = 1.01
DEGREE_DIGITS = 7


@dataclass(frozen=True, slots=True)
class WayRound:
    """A route with corners around what it met; `left_out` are the numbers of waypoints that lay too close to it."""

    flown: Flown
    left_out: tuple[int, ...]


def way_round(
    route: Route, question: Question, detour_m: float, unasked: frozenset[Holder] = frozenset()
) -> WayRound | None:
    """The route led around all that it meets, within `detour_m` [m] of its places; None when no such way is found.

    Its first and last place are kept, and every other that is not itself too close to what is in the way. What is
    `unasked` is left in its way.
    """
    frame = question.airspace.frame
    places = [frame.xy(waypoint.position) for waypoint in route.waypoints]
    area = MultiPoint(places).envelope.buffer(detour_m, join_style="mitre").envelope
    known: dict[tuple[str, str, int], Obstacle] = {}
    around = WayRound(question.flown(route), ())
    for _ in range(MOST_TRIES):
        found = question.found(around.flown.volumes)
        met = [conflict for conflict in found if (conflict.other_kind, conflict.other_id) not in unasked]
        if not met:
            return around
        fresh = {key: obstacle for key, obstacle in _obstacles(met, question) if key not in known}
        if not fresh:
            return None
        known |= fresh
        led = _led(route, places, Router([*known.values()], area), frame, question.airspace.surface)
        if led is None:
            return None
        around = WayRound(question.flown(led[0]), led[1])
    return None


def _obstacles(met: Sequence[Conflict], question: Question) -> list[tuple[tuple[str, str, int], Obstacle]]:
    away_m = question.margins.margins.lateral_m * OUTWARDS + ROOM_M
    found: list[tuple[tuple[str, str, int], Obstacle]] = []
    for conflict in met:
        outline = conflict.other.outline
        key = (conflict.other_kind, conflict.other_id, hash(outline.wkb))
        found.append((key, Obstacle(f"{key[0]} {key[1]} {key[2]:x}", outline, away_m)))
    return found


def _led(
    route: Route, places: Sequence[PointXY], router: Router, frame: LocalFrame, surface: Surface
) -> tuple[Route, tuple[int, ...]] | None:
    """The route along the router's ways between its places, and which places it leaves out."""
    last = len(places) - 1
    kept = [i for i, place in enumerate(places) if i in (0, last) or not router.blocked_by(place, place)]
    waypoints = [route.waypoints[0]]
    for before, after in pairwise(kept):
        way = router.way(places[before], places[after])
        if isinstance(way, Barrier):
            return None
        corners = [_rounded(frame.latlon(*corner)) for corner in way.points[1:-1]]
        waypoints += _stretch(route, before, after, corners, places, frame, surface)
    if len(kept) == 1 and router.blocked_by(places[0], places[0]):
        return None
    left_out = tuple(i for i in range(len(places)) if i not in kept)
    return replace(route, waypoints=tuple(waypoints)), left_out


def _stretch(
    route: Route,
    before: int,
    after: int,
    corners: Sequence[LatLon],
    places: Sequence[PointXY],
    frame: LocalFrame,
    surface: Surface,
) -> list[Waypoint]:
    """The waypoints after one kept place up to the next, corners at heights on the line between the two."""
    start, end = route.waypoints[before], route.waypoints[after]
    line = [places[before], *(frame.xy(corner) for corner in corners), places[after]]
    lengths = [math.dist(a, b) for a, b in pairwise(line)]
    total_m = math.fsum(lengths)
    pace = _pace_s_per_m(route, before, after, places)
    found: list[Waypoint] = []
    along_m = 0.0
    for corner, length_m in zip([*corners, end.position], lengths, strict=True):
        along_m += length_m
        after_s = None if pace is None else pace * length_m
        if corner is end.position:
            found.append(replace(end, after_s=end.after_s if pace is None else after_s))
        else:
            share = along_m / total_m
            found.append(Waypoint(corner, _height_between(start, end, share, surface), after_s=after_s))
    return found


def _pace_s_per_m(route: Route, before: int, after: int, places: Sequence[PointXY]) -> float | None:
    """How long a metre takes where a plan has timed the stretch; None where the route's own speeds hold."""
    timed = [route.waypoints[i].after_s for i in range(before + 1, after + 1)]
    length_m = math.fsum(math.dist(places[i], places[i + 1]) for i in range(before, after))
    if length_m == 0.0 or any(seconds is None for seconds in timed):
        return None
    return math.fsum(seconds for seconds in timed if seconds is not None) / length_m


def _height_between(start: Waypoint, end: Waypoint, share: float, surface: Surface) -> Height:
    """The height at a share of the way: over the datum of both, or over the ellipsoid when they differ."""
    if start.height.datum is end.height.datum:
        return Height(start.height.value_m + share * (end.height.value_m - start.height.value_m), start.height.datum)
    low_m, high_m = (surface.at(w.position).ellipsoidal_m(w.height) for w in (start, end))
    return Height(low_m + share * (high_m - low_m), Datum.ELLIPSOIDAL)


def _rounded(position: LatLon) -> LatLon:
    return LatLon(round(position.lat_deg, DEGREE_DIGITS), round(position.lon_deg, DEGREE_DIGITS))
