"""What keeps a foreign mission safe without us: its fence and its ways back, the file's own or made here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from airspace.frames import LatLon
from airspace.margins import Margins, grown
from airspace.model import Airspace
from airspace.reasons import Reason, Refused, Words
from airspace.routing import Obstacle, Router
from airspace.zones import Zone
from missions.contingency import UNSURE_M, Contingency, Refuge, Stranded, choose_refuges, pieces, rally_items
from missions.copter import Flight, ReturnPoint
from missions.fence import MOST_CORNERS, fence_items, make_fence
from missions.foreign_items import Bounds
from missions.foreign_rules import (
    FENCE_SHAPE,
    OUTSIDE_FENCE,
    RALLY_BLOCKED,
    RALLY_HEIGHT,
    RETURN_ELSEWHERE,
    RETURN_OUTSIDE_FENCE,
)
from missions.items import Command, MissionItem
from missions.mission_file import MissionFile
from missions.rules import FENCE_CORNERS, FENCE_WRONG, STRANDED
from missions.site import Site

AREA_M = 50_000.0  # around home: farther than any item may lie
LATEST_RETURN_S = 900.0  # after the planned end a return may still be on its way


@dataclass(frozen=True, slots=True)
class Ways:
    """The rally points and whether home counts too; for each leg the longest way back [m]; all ways in plan."""

    rally: tuple[MissionItem, ...]
    with_home: bool
    farthest_m: tuple[float, ...]
    areas: tuple[BaseGeometry, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where and when a flight is judged: `end_s` is its planned end [s UTC]."""

    airspace: Airspace
    bounds: Bounds
    margins: Margins
    start_s: float
    end_s: float

    @property
    def area(self) -> Polygon:
        """Where the flight, its returns and its fence lie, with room to spare, in the local frame [m]."""
        x_m, y_m = self.airspace.frame.xy(self.bounds.home)
        area: Polygon = box(x_m - AREA_M, y_m - AREA_M, x_m + AREA_M, y_m + AREA_M)
        return area

    def zones(self, low_relative_m: float, high_relative_m: float) -> tuple[Zone, ...]:
        """The zones closed between two heights above home [m] from the flight's start until every return has ended."""
        home_m = self.bounds.home_amsl_m + self.bounds.ground.geoid_m
        return self.airspace.closed_in(
            self.area.bounds,
            home_m + low_relative_m - self.margins.vertical_m,
            home_m + high_relative_m + self.margins.vertical_m,
            self.start_s - self.margins.time_s,
            self.end_s + self.margins.time_s + LATEST_RETURN_S,
        )

    def zone_words(self, ids: Sequence[str]) -> Words:
        """The names of zones, as a list in words."""
        names = [self.airspace.zone(id_).name for id_ in ids]
        return Words(", ".join(name.en for name in names), "、".join(name.zh for name in names))


def file_return_points(file: MissionFile, home: LatLon, max_relative_m: float) -> tuple[ReturnPoint, ...]:
    """Home and the file's own rally points, as a return chooses among them; raises `Refused` for impossible heights."""
    wrong = [
        Reason(
            RALLY_HEIGHT,
            f"{file.name} rallyPoints.points[{i}]",
            {"number": i + 1, "relative_m": item.alt_m, "most_m": max_relative_m},
        )
        for i, item in enumerate(file.rally)
        if not 0.0 < item.alt_m < max_relative_m
    ]
    if wrong:
        raise Refused(wrong)
    return (
        ReturnPoint("home", home, 0.0, home=True),
        *(
            ReturnPoint(f"rally {i}", LatLon(item.lat_deg, item.lon_deg), item.alt_m)
            for i, item in enumerate(file.rally, start=1)
        ),
    )


def ways_back(file: MissionFile, flight: Flight, site: Site, around: Surroundings) -> Ways:
    """The rally points with which every straight return is clear; raises `Refused` when there are none.

    The file's own points are taken as they are. Made ones never lie nearer than home to a mission's own return, so
    that it ends where the mission says.
    """
    frame, lateral_m = around.airspace.frame, around.margins.lateral_m
    route = [pieces((step.start[:2], step.end[:2])) for step in flight.steps]
    return_m = max([flight.return_m, *(item.alt_m for item in file.rally)])
    zones = around.zones(flight.return_m, return_m)
    obstacles = [Obstacle(zone.id, zone.volume.outline, lateral_m) for zone in zones]
    router = Router(obstacles, around.area)
    home = Refuge("home", frame.xy(around.bounds.home), home=True)
    if file.rally:
        others = [
            Refuge(f"rally {i}", frame.xy(LatLon(item.lat_deg, item.lon_deg)))
            for i, item in enumerate(file.rally, start=1)
        ]
    else:
        others = _open_ground(flight, site, around)
    found = choose_refuges(list(itertools.chain(*route)), [home, *others], router)
    if isinstance(found, Stranded):
        facts = {
            "place": str(frame.latlon(*found.at)),
            "refuge": found.refuge,
            "zones": around.zone_words(found.blocked_by),
        }
        raise Refused([Reason(STRANDED, file.name, facts)])
    _check_choice(file, flight, found, 1 + len(others))
    away_m = iter(found.farthest_m)
    return Ways(
        rally=file.rally or rally_items(found, frame, flight.return_m),
        with_home=found.includes_home,
        farthest_m=tuple(max(itertools.islice(away_m, len(leg))) for leg in route),
        areas=found.areas,
    )


def _check_choice(file: MissionFile, flight: Flight, found: Contingency, given: int) -> None:
    """The file's own points must all stay, and a mission that returns home must be able to."""
    if file.rally and len(found.refuges) < given:
        kept = {refuge.name for refuge in found.refuges}
        names = ["home", *(f"rally {i}" for i in range(1, len(file.rally) + 1))]
        raise Refused([Reason(RALLY_BLOCKED, file.name, {"points": ", ".join(n for n in names if n not in kept)})])
    landed_at = flight.landed_at
    if landed_at is not None and landed_at.name == "home" and not found.includes_home:
        raise Refused([Reason(RETURN_ELSEWHERE, file.where[flight.landing_seq - 1])])


def _open_ground(flight: Flight, site: Site, around: Surroundings) -> list[Refuge]:
    """The site's open ground that can be landed on from return height and does not draw the mission's own return."""
    frame = around.airspace.frame
    columns = around.zones(-around.bounds.agl_m(0.0), flight.return_m)
    landed_at = flight.landed_at
    found = []
    for ground in site.open_ground:
        at = frame.xy(ground.position)
        disk = grown(Point(at), around.margins.lateral_m)
        if any(zone.volume.outline.intersects(disk) for zone in columns):
            continue
        if landed_at is not None and landed_at.name == "home":
            returns_from = next(step.start[:2] for step in flight.steps if step.leg.seq == flight.landing_seq)
            home_m = LineString([returns_from, frame.xy(around.bounds.home)]).length
            if LineString([returns_from, at]).length <= home_m + UNSURE_M:
                continue
        found.append(Refuge(ground.name, at))
    return found


# -- fences


def fence_for(file: MissionFile, flight: Flight, ways: Ways, around: Surroundings) -> tuple[MissionItem, ...]:
    """The file's own fence when the flight fits into it; one made around the flight when the file has none.

    Raises `Refused` with what lies outside the file's fence, or when no fence that the drone stores holds the flight.
    """
    lateral_m = around.margins.lateral_m
    lines = [
        Point(s.start[:2]) if s.start[:2] == s.end[:2] else LineString([s.start[:2], s.end[:2]]) for s in flight.steps
    ]
    if file.fence:
        _check_own_fence(file, flight, lines, ways, around)
        return file.fence
    everything = [*lines, *ways.areas]
    core = shapely.union_all([grown(line, lateral_m) for line in everything])
    # what is flown over or under cannot be fenced out
    zones = [z.volume.outline for z in around.zones(0.0, flight.highest_m) if not z.volume.outline.intersects(core)]
    try:
        fence = make_fence(everything, zones, lateral_m)
    except ValueError:
        raise Refused([Reason(FENCE_WRONG, file.name)]) from None
    if fence.corners > MOST_CORNERS:
        raise Refused([Reason(FENCE_CORNERS, file.name, {"corners": fence.corners, "limit": MOST_CORNERS})])
    return fence_items(fence, around.airspace.frame)


def _check_own_fence(
    file: MissionFile, flight: Flight, lines: Sequence[LineString | Point], ways: Ways, around: Surroundings
) -> None:
    allowed = _allowed(file, around)
    shapely.prepare(allowed)
    lateral_m = around.margins.lateral_m
    reasons = []
    for seq, group in itertools.groupby(range(len(lines)), key=lambda i: flight.steps[i].leg.seq):
        if not all(allowed.covers(grown(lines[i], lateral_m)) for i in group):
            facts = {"seq": seq, "name": file.items[seq - 1].name, "margin_m": lateral_m}
            reasons.append(Reason(OUTSIDE_FENCE, file.where[seq - 1], facts))
    if not reasons and not all(allowed.covers(area) for area in ways.areas):
        reasons.append(Reason(RETURN_OUTSIDE_FENCE, file.name))
    if reasons:
        raise Refused(reasons)


def _allowed(file: MissionFile, around: Surroundings) -> Polygon | MultiPolygon:
    """Where the file's fence lets the drone be: in all inclusions at once, as ArduPilot has it, and in no exclusion."""
    allowed: Polygon | MultiPolygon = around.area
    at = 0
    while at < len(file.fence):
        item = file.fence[at]
        circle = item.command in (Command.FENCE_CIRCLE_INCLUSION, Command.FENCE_CIRCLE_EXCLUSION)
        group = file.fence[at : at + (1 if circle else int(item.param1))]
        points = [around.airspace.frame.xy(LatLon(corner.lat_deg, corner.lon_deg)) for corner in group]
        included = item.command in (Command.FENCE_POLYGON_INCLUSION, Command.FENCE_CIRCLE_INCLUSION)
        if not circle:
            shape = Polygon(points)
        else:
            shape = Point(points[0]).buffer(item.param1) if included else grown(Point(points[0]), item.param1)
        if not shape.is_valid:
            raise Refused([Reason(FENCE_SHAPE, f"{file.name} geoFence")])
        allowed = allowed.intersection(shape) if included else allowed.difference(shape)
        at += len(group)
    if allowed.is_empty:
        raise Refused([Reason(FENCE_SHAPE, f"{file.name} geoFence")])
    return allowed
