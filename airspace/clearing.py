"""May this route be flown? Its swept volumes asked of the airspace, and an answer that says why not and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from airspace.beidou.code import cell_at
from airspace.conflicts import Conflict
from airspace.frames import LatLon
from airspace.ground.clearance import (
    Clearance,
    LaidObstacles,
    RequiredClearance,
    StraightLeg,
    over_swath,
    shortfalls,
)
from airspace.margins import MarginBreakdown
from airspace.model import Airspace
from airspace.reasons import Reason, Refused
from airspace.route_conflicts import RouteConflict, depth_of, route_conflict
from airspace.routes import SAME_PLACE_M, Route, RouteLeg, RoutePiece, Waypoint, legs_of, pieces_of
from airspace.volumes import Volume4D
from airspace.zones import NO_PERMITS

HORIZON_S = 86400.0  # a route is compared with what is there up to a day before and after it
PLACE_LEVEL = 7  # of the BeiDou grid: cells of a quarter of a second of arc, 8 m
STANDING_AGL_M = 2.0  # a waypoint lower than this over the ground stands on it
HIGHEST_DOCK_AGL_M = 30.0  # on a pole

APPROACH_M = 200.0  # how far from its place a take-off or landing goes low: 3 degrees of glide path from 10 m up
ROUNDING = 1e-9  # of a leg: where it is just as high as required it shall not be taken for lower

Holder = tuple[str, str]
"""What a conflict is with: "zone" or "intent", and its id."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a route is asked against: an airspace over its ground, and the room that the flight needs.

    `own_id` is the intent that the route itself holds already, `permitted` the zones (charted ids) that it may enter by
    leave, `priority` its own. `horizon_s` [s] bounds how far in time an answer looks for the end of what is in the way.
    With `obstacles` and what is `required` of a clearance, the ground under every leg is asked as well: a planned line
    keeps what is required, or the flight's own margins where these are wider (`kept`).
    """

    airspace: Airspace
    margins: MarginBreakdown
    own_id: str = ""
    permitted: frozenset[str] = NO_PERMITS
    priority: int = 0
    horizon_s: float = HORIZON_S
    obstacles: LaidObstacles | None = None
    required: RequiredClearance | None = None

    def flown(self, route: Route) -> Flown:
        """The route as it would be flown. Raises `Refused` where the ground under it is not known."""
        legs = legs_of(route, self.airspace.frame, self.airspace.surface)
        return Flown(route, legs, pieces_of(legs, self.margins))

    def found(self, volumes: Sequence[Volume4D]) -> list[Conflict]:
        """Every pair of one of these volumes and a zone or intent that stands against it."""
        return self.airspace.conflicts(volumes, own_id=self.own_id, permitted=self.permitted, priority=self.priority)

    def volumes_of(self, holder: Holder, start_s: float, end_s: float) -> list[Volume4D]:
        """The volumes of a zone or intent that are active within [start_s, end_s), one for each window of time."""
        kind, id_ = holder
        if kind == "zone":
            zone = self.airspace.zone(id_)
            return [replace(zone.volume, start_s=a, end_s=b) for a, b in zone.windows(start_s, end_s)]
        volumes = next(intent.held for intent in self.airspace.intents if intent.id == id_)
        return [volume for volume in volumes if volume.start_s < end_s and start_s < volume.end_s]

    def grounded(self, route: Route) -> frozenset[int]:
        """The numbers of the waypoints at which a route is not in the air.

        Those are the places on the ground, and a first or last place under its neighbour, which is that of a dock.
        """
        agl_m = [self.agl_m(waypoint) for waypoint in route.waypoints]
        found = {i for i, height_m in enumerate(agl_m) if abs(height_m) < STANDING_AGL_M}
        last = len(agl_m) - 1
        for end, neighbour in ((0, 1), (last, last - 1)) if last > 0 else ():
            apart_m = route.waypoints[end].position.distance_m(route.waypoints[neighbour].position)
            if apart_m < SAME_PLACE_M and agl_m[end] < min(agl_m[neighbour], HIGHEST_DOCK_AGL_M):
                found.add(end)
        return frozenset(found)

    def agl_m(self, waypoint: Waypoint) -> float:
        """The height of a waypoint above the ground under it [m]."""
        ground = self.airspace.surface.at(waypoint.position)
        return ground.agl_m(ground.ellipsoidal_m(waypoint.height))

    @property
    def kept(self) -> RequiredClearance | None:
        """What a planned line keeps from ground and obstacles: as required, and never less than the margins."""
        if self.required is None:
            return None
        room = self.margins.margins
        return RequiredClearance(
            max(self.required.terrain_m, room.vertical_m),
            max(self.required.above_m, room.vertical_m),
            max(self.required.beside_m, room.lateral_m),
        )

    def over_ground(self, flown: Flown) -> tuple[LegClearance, ...]:
        """How every leg passes over the ground and over and beside obstacles; empty when nothing is required of it.

        The ground is asked about under the line and within the lateral margin beside it. Take-off and landing come to
        the ground on purpose: near a place on the ground (`_parts`) the line must only not pass under the ground, and
        is told of only where it does. A climb or descent over one place must then be over all ground beside it.
        """
        kept = self.kept
        if kept is None:
            return ()
        surface, frame = self.airspace.surface, self.airspace.frame
        obstacles, grounded = self.obstacles or LaidObstacles(frame), self.grounded(flown.route)
        lateral_m = self.margins.margins.lateral_m
        found: list[LegClearance] = []
        for leg in flown.legs:
            straight = StraightLeg(leg.start_xy, leg.end_xy, leg.start_ellipsoidal_m, leg.end_ellipsoidal_m)
            found += [LegClearance(leg.number, one, kept) for one in obstacles.passed(straight, kept.beside_m)]
            touching = bool(grounded & leg.ends)
            for part, standing in _parts(leg, grounded, kept.terrain_m):
                over = over_swath(part, surface, frame, 0.0 if standing else lateral_m)
                if standing or (touching and leg.length_m == 0.0):
                    deepest_m = min(0.0, *(self.agl_m(flown.route.waypoints[i]) for i in grounded & leg.ends))
                    needed = replace(kept, terrain_m=deepest_m if standing else 0.0)
                    if not shortfalls([over], needed):
                        continue
                else:
                    needed = kept
                found.append(LegClearance(leg.number, over, needed))
        return tuple(found)

    def refusals(self, found: Sequence[LegClearance]) -> tuple[Reason, ...]:
        """A reason for each clearance that falls short of what is needed of it."""
        short = (shortfalls([each.clearance], each.needed, f"leg {each.leg}") for each in found)
        return tuple(reason for reasons in short for reason in reasons)


@dataclass(frozen=True, slots=True)
class LegClearance:
    """How one leg (the number of the waypoint that it leads to) passes over the ground or an obstacle.

    `needed` is what it must keep there.
    """

    leg: int
    clearance: Clearance
    needed: RequiredClearance


@dataclass(frozen=True, slots=True)
class Flown:
    """A route with its legs and the pieces of airspace that they sweep."""

    route: Route
    legs: tuple[RouteLeg, ...]
    pieces: tuple[RoutePiece, ...]

    @property
    def volumes(self) -> tuple[Volume4D, ...]:
        """What the pieces sweep."""
        return tuple(piece.volume for piece in self.pieces)

    @property
    def length_m(self) -> float:
        """Length in plan [m]."""
        return math.fsum(leg.length_m for leg in self.legs)

    @property
    def duration_s(self) -> float:
        """From departure to the end of the last leg [s]."""
        return self.legs[-1].end_s - self.legs[0].start_s if self.legs else 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route meets, zone by zone and intent by intent, in the order in which it meets them.

    `clearances` say how it passes over ground and obstacles, and `too_close` which of these fall short.
    """

    question: Question
    flown: Flown
    conflicts: tuple[RouteConflict, ...]
    clearances: tuple[LegClearance, ...] = ()
    too_close: tuple[Reason, ...] = ()

    @property
    def route(self) -> Route:
        """The route that was asked about."""
        return self.flown.route

    @property
    def free(self) -> bool:
        """Whether nothing stands against the route. One that takes no time is no flight, and is not free."""
        return bool(self.flown.pieces) and not self.conflicts and not self.too_close


def clear(route: Route, question: Question) -> Answer:
    """Whether a route may be flown: all that it meets, where, when, by how much and under which rule.

    Raises `Refused` where the ground under a height above ground is not known.
    """
    flown = question.flown(route)
    groups: dict[Holder, list[Conflict]] = {}
    for conflict in question.found(flown.volumes):
        groups.setdefault((conflict.other_kind, conflict.other_id), []).append(conflict)
    conflicts = [_told(holder, details, flown, question) for holder, details in groups.items()]
    conflicts.sort(key=lambda conflict: (conflict.start_s, conflict.details[0].volume, conflict.kind, conflict.id))
    passed = question.over_ground(flown)
    return Answer(question, flown, tuple(conflicts), passed, question.refusals(passed))


def _parts(leg: RouteLeg, grounded: frozenset[int], up_m: float) -> Iterator[tuple[StraightLeg, bool]]:
    """The parts of a leg, each with whether it is by a place on the ground, where it is taking off or landing.

    That is so until it is `up_m` [m] over that place or `APPROACH_M` [m] from it in plan, whichever comes first. A leg
    between places in the air is whole, and so is one from place to place along the ground, which nobody flies.
    """
    starts, ends = (number in grounded & leg.ends for number in (leg.number - 1, leg.number))
    starts, ends = (starts, ends) if starts != ends or leg.length_m == 0.0 else (False, False)
    rise_m = abs(leg.end_ellipsoidal_m - leg.start_ellipsoidal_m)
    up = up_m / rise_m + ROUNDING if rise_m else math.inf
    away = APPROACH_M / leg.length_m if leg.length_m else math.inf
    share = min(1.0, up, away) if not (starts and ends) else 1.0
    if not starts and not ends:
        yield _part(leg, 0.0, 1.0), False
        return
    yield _part(leg, 0.0 if starts else 1.0 - share, share if starts else 1.0), True
    if share < 1.0:
        yield _part(leg, share if starts else 0.0, 1.0 if starts else 1.0 - share), False


def _part(leg: RouteLeg, from_: float, to: float) -> StraightLeg:
    (x0, y0, start_m, _), (x1, y1, end_m, _) = leg.at(from_), leg.at(to)
    return StraightLeg((x0, y0), (x1, y1), start_m, end_m)


def _told(holder: Holder, details: list[Conflict], flown: Flown, question: Question) -> RouteConflict:
    volumes = flown.volumes
    start_s = min(volume.start_s for volume in volumes) - question.horizon_s
    end_s = max(volume.end_s for volume in volumes) + question.horizon_s
    others = question.volumes_of(holder, start_s, end_s)
    first = min(details, key=lambda detail: (detail.start_s, detail.volume))
    return route_conflict(
        first,
        details,
        legs=flown.legs,
        pieces=flown.pieces,
        grid_code=_grid_code(first.place),
        depth=depth_of(flown.pieces, others, question.margins.margins.lateral_m, question.horizon_s),
    )


def _grid_code(place: LatLon) -> str:
    """The BeiDou grid location code of a place; empty beyond 88 degrees of latitude, where there is none."""
    try:
        return cell_at(place.lat_deg, place.lon_deg, PLACE_LEVEL).code
    except Refused:
        return ""
