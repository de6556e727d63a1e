"""Where a flight goes: along the line, to the hold near the first dock, and from there to every place to land."""

from __future__ import annotations

import math
from dataclasses import dataclass

from airspace.reasons import Reason, Refused, Words
from airspace.routing import Barrier, PointXY, Way
from missions import rules
from missions.corridor import Corridor, Sighting, corridor, forward_or_back, sight
from missions.plan import Target
from missions.setting import ZONE_ROOM_M, Setting, zone_names
from missions.site import Dock, OpenGround

HOLD_BEFORE_M = 30.0  # the hold lies this far from the dock, along the way to it

SURVEY_END = Words("the end of the survey", "巡查终点")
HOLD = Words("the hold point", "等待点")
HOME = Words("the take-off place", "起飞点")


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways of one flight in plan; each begins where the one before it ends, and the last three at the hold."""

    corridor: Corridor
    to_hold: tuple[PointXY, ...]
    to_docks: tuple[tuple[Dock, tuple[PointXY, ...]], ...]
    open_ground: OpenGround
    to_open_ground: tuple[PointXY, ...]


def find_ways(setting: Setting) -> Ways:
    """The ways around all zones. Raises `Refused` when a place lies in a zone or a way is closed."""
    docks = [(dock, setting.frame.xy(dock.position)) for dock in setting.docks]
    _refuse_closed_places(setting, docks)
    line = forward_or_back(setting.home_xy, [setting.frame.xy(point) for point in setting.request.line], docks[0][1])
    along = corridor(setting.home_xy, line, setting.cruise)
    if isinstance(along, Barrier):
        facts = {"zones": zone_names(setting, along.obstacles)}
        raise Refused([_placed(setting, Reason(rules.LINE_CLOSED, f"{setting.where} line", facts), line[0])])
    end = along.stretches[-1].points[-1]
    first = _way(setting, end, docks[0][1], SURVEY_END, _dock_words(docks[0][0]))
    to_hold, from_hold = _split(first, HOLD_BEFORE_M)
    others = [(dock, _way(setting, to_hold[-1], at, HOLD, _dock_words(dock)).points) for dock, at in docks[1:]]
    ground, to_ground = _nearest_open_ground(setting, to_hold[-1])
    return Ways(along, to_hold, ((docks[0][0], from_hold), *others), ground, to_ground)


def _refuse_closed_places(setting: Setting, docks: list[tuple[Dock, PointXY]]) -> None:
    clearance_m = setting.lateral_m + ZONE_ROOM_M
    places = [(HOME, setting.home_xy), *((_dock_words(dock), at) for dock, at in docks)]
    reasons = []
    for what, at in places:
        if closed_by := setting.column.blocked_by(at, at):
            facts = {
                "what": what,
                "zones": zone_names(setting, closed_by),
                "clearance_m": clearance_m,
            }
            reasons.append(_placed(setting, Reason(rules.CLOSED_PLACE, setting.where, facts), at))
    if reasons:
        raise Refused(reasons)


def _way(setting: Setting, start: PointXY, end: PointXY, start_words: Words, end_words: Words) -> Way:
    way = setting.cruise.way(start, end)
    if isinstance(way, Barrier):
        facts = {"start": start_words, "end": end_words, "zones": zone_names(setting, way.obstacles)}
        raise Refused([_placed(setting, Reason(rules.NO_WAY, setting.where, facts), way.at or end)])
    return way


def _split(way: Way, before_m: float) -> tuple[tuple[PointXY, ...], tuple[PointXY, ...]]:
    """A way cut `before_m` before its end, or at its start when it is shorter than that."""
    points = list(way.points)
    behind: list[PointXY] = [points.pop()]
    left_m = before_m
    while points:
        length_m = math.dist(points[-1], behind[0])
        if length_m > left_m:
            share = left_m / length_m
            (x0, y0), (x1, y1) = behind[0], points[-1]
            cut = (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
            return (*points, cut), (cut, *behind)
        left_m -= length_m
        behind.insert(0, points.pop())
    return (behind[0],), tuple(behind)


def _nearest_open_ground(setting: Setting, hold: PointXY) -> tuple[OpenGround, tuple[PointXY, ...]]:
    """The open ground with the shortest way from the hold; the first by name of those that are equally near."""
    found: list[tuple[float, str, OpenGround, Way]] = []
    for ground, at in sorted(setting.open_ground, key=lambda place: math.dist(hold, place[1])):
        if found and math.dist(hold, at) > min(entry[0] for entry in found):
            break  # no way is shorter than the straight one
        way = setting.cruise.way(hold, at)
        if isinstance(way, Way):
            found.append((way.length_m, ground.name, ground, way))
    if not found:
        facts = {"place": str(setting.frame.latlon(*hold))}
        raise Refused([_placed(setting, Reason(rules.NO_OPEN_GROUND, setting.where, facts), hold)])
    _, _, ground, way = min(found, key=lambda entry: entry[:2])
    return ground, way.points


def _dock_words(dock: Dock) -> Words:
    return Words(f"dock {dock.code}", f"机巢 {dock.code}")


def _placed(setting: Setting, reason: Reason, at: PointXY) -> Reason:
    """The reason with its place on the map."""
    place = setting.frame.latlon(*at)
    return Reason(reason.rule, reason.where, reason.facts, lat_deg=place.lat_deg, lon_deg=place.lon_deg)


def targets_of(setting: Setting, ways: Ways) -> tuple[Target, ...]:
    """The request's targets, and whether the camera comes near enough to each."""
    reach_m = setting.request.camera.max_target_distance_m
    line = [setting.frame.xy(point) for point in setting.request.line]
    targets = []
    for target in setting.request.targets:
        at = target.position
        seen = sight(setting.frame.xy(at), ways.corridor.surveyed, line, setting.cruise)
        covered = seen.distance_m <= reach_m
        why_not = Words("", "") if covered else _why_not(setting, seen)
        targets.append(Target(target.name, at.lat_deg, at.lon_deg, covered, why_not.en, why_not.zh))
    return tuple(targets)


def _why_not(setting: Setting, seen: Sighting) -> Words:
    far_m, reach_m = seen.distance_m, setting.request.camera.max_target_distance_m
    en = f"{far_m:.0f} m from the camera's way, more than {reach_m:g} m"
    zh = f"距拍摄航线 {far_m:.0f} 米，超过 {reach_m:g} 米"
    if seen.kept_off_by:
        zones = zone_names(setting, seen.kept_off_by)
        en, zh = f"{en}; kept off by {zones.en}", f"{zh}；受限于{zones.zh}"
    return Words(en, zh)
