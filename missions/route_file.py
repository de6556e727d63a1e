"""A route written by hand: places with heights and a departure, read from YAML with every problem named by its line.

beichen: 1
kind: route
name: river-crossing
frame: CGCS2000
departs: 2026-05-18T09:00:00+08:00
speed_mps: 8
climb_mps: 2.5
fix: rtk-fixed
wind_mps: 4
waypoints:
  - {lat_deg: 34.7466, lon_deg: 113.6050, height: {value_m: 60, datum: agl}}
  - {lat_deg: 34.7508, lon_deg: 113.6185, height: {value_m: 60, datum: agl}, hold_s: 30}
"""

from __future__ import annotations

import re
from pathlib import Path

from airspace.frames import Datum, Height, LatLon
from airspace.margins import FIX_ERRORS_M
from airspace.reasons import Reason, Refused, Words
from airspace.routes import Route, Waypoint
from missions.request import FRAME_HINTS, LONGEST_STEP_M, NAME, SWAPPED, read_text
from missions.request_fields import CONTRADICTION, MISSING, SYNTAX, Block, Problems, compose

_KIND = re.compile(r"^kind:\s*[\"']?route\b", re.MULTILINE)
MOST_WAYPOINTS = 1000
LONGEST_HOLD_S = 7200.0
LONGEST_LEG_M = LONGEST_STEP_M

_DATUMS = tuple(str(datum) for datum in (Datum.AGL, Datum.AMSL, Datum.ELLIPSOIDAL))
_ROUTE = {
    "beichen": "1",
    "kind": "route",
    "name": "river-crossing",
    "frame": "CGCS2000",
    "departs": "2026-05-18T09:00:00+08:00",
    "speed_mps": "8",
    "climb_mps": "2.5",
    "descend_mps": "1.5",
    "fix": "rtk-fixed",
    "wind_mps": "4",
    "waypoints": "[{lat_deg: 34.7466, lon_deg: 113.6050, height: {value_m: 60, datum: agl}}, …]",
}
_WAYPOINT = {
    "lat_deg": "34.7466",
    "lon_deg": "113.6050",
    "height": "{value_m: 60, datum: agl}",
    "hold_s": "30",
}
_HEIGHT = {"value_m": "60", "datum": "agl"}


def is_route(text: str) -> bool:
    """Whether a YAML text says of itself that it is a route."""
    return _KIND.search(text) is not None


def read_route(path: Path) -> Route:
    """The route in a YAML file. Raises `Refused` with every problem found."""
    return parse_route(read_text(path), str(path))


def parse_route(text: str, where: str) -> Route:
    """The route in a YAML text; `where` names its file in reasons. Raises `Refused` with every problem found."""
    problems = Problems(where)
    node = compose(text, problems)
    route = _route(Block(node, "", _ROUTE, problems)) if node is not None else None
    if problems.reasons or route is None:
        raise Refused(problems.reasons or [Reason(SYNTAX, where, {"problem": "?"})])
    return route


def _route(top: Block) -> Route | None:
    if not top.readable:
        return None
    top.choice("beichen", ["1"])
    top.choice("kind", ["route"])
    top.choice("frame", ["CGCS2000"], FRAME_HINTS)
    name = top.text("name", NAME)
    if not top.has("departs"):
        top.refuse(MISSING, "departs", hint=f"departs: {_ROUTE['departs']}")
    departs_s = top.time("departs")
    speed_mps = top.number("speed_mps", 0.5, 30.0)
    climb_mps = top.number("climb_mps", 0.1, 15.0)
    descend_mps = top.number("descend_mps", 0.1, 15.0, required=False)
    fix = top.choice("fix", tuple(FIX_ERRORS_M))
    wind_mps = top.number("wind_mps", 0.0, 30.0)
    waypoints = _waypoints(top)
    if not (name and departs_s is not None and speed_mps and climb_mps and fix and wind_mps is not None and waypoints):
        return None
    return Route(name, departs_s, waypoints, speed_mps, climb_mps, descend_mps or climb_mps, fix, wind_mps)


def _waypoints(top: Block) -> tuple[Waypoint, ...]:
    waypoints: list[Waypoint] = []
    for block in top.blocks("waypoints", _WAYPOINT, 2, MOST_WAYPOINTS):
        waypoint = _waypoint(block)
        if waypoint is None:
            continue
        if waypoints:
            _refuse_odd_step(block, waypoints[-1], waypoint)
        waypoints.append(waypoint)
    return tuple(waypoints)


def _waypoint(block: Block) -> Waypoint | None:
    lat_deg = block.number("lat_deg", -90.0, 90.0, hint=SWAPPED)
    lon_deg = block.number("lon_deg", -180.0, 180.0)
    hold_s = block.number("hold_s", 0.0, LONGEST_HOLD_S, required=False)
    given = block.block("height", _HEIGHT)
    if given is None:
        return None
    value_m, datum = given.number("value_m", -500.0, 10_000.0), given.choice("datum", _DATUMS)
    if lat_deg is None or lon_deg is None or value_m is None or datum is None:
        return None
    return Waypoint(LatLon(lat_deg, lon_deg), Height(value_m, Datum(datum)), hold_s or 0.0)


def _refuse_odd_step(block: Block, before: Waypoint, after: Waypoint) -> None:
    far_m = after.position.distance_m(before.position)
    if far_m > LONGEST_LEG_M:
        far_km, most_km = far_m / 1000.0, LONGEST_LEG_M / 1000.0
        block.refuse(
            CONTRADICTION,
            "lat_deg",
            what=Words(f"this point is {far_km:.0f} km from the one before it", f"该点距前一点 {far_km:.0f} 公里"),
            remedy=Words(
                f"Correct the position; {most_km:.0f} km is the most.", f"请更正位置；上限为 {most_km:.0f} 公里。"
            ),
        )
    elif (before.position, before.height) == (after.position, after.height):
        block.refuse(
            CONTRADICTION,
            "lat_deg",
            what=Words("this point is the one before it again", "该点与前一点重合"),
            remedy=Words("Remove one of the two, or give hold_s.", "请删除其中之一，或填写 hold_s。"),
        )
