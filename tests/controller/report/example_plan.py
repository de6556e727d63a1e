"""A plan near Zhengzhou made up for tests: a gas main to inspect, three zones beside it and three ways to land."""

from __future__ import annotations

import math
from itertools import pairwise

from shapely.geometry import LineString, Point, Polygon, box

from airspace.charted import ChartedZone, Layer
from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from airspace.reasons import Words
from airspace.zone_kinds import ZONE_KINDS
from airspace.zones import Zone, lay
from missions.items import Command, MissionItem
from missions.plan import Check, LandingOption, Leg, Place, Plan, PlanVolume, Purpose, Target

HOME = LatLon(34.7462, 113.6040)
FRAME = LocalFrame(HOME)
GROUND = Ground(amsl_m=108.0, geoid_m=-19.4)
TAKEOFF_S = 1779066120.0  # 2026-05-18 09:02 in China
HEIGHT_M = 45.0
SPEED_MPS = 8.0
HOVER_W = 430.0
SURVEY = ((90.0, 45.0), (640.0, 300.0), (1310.0, 470.0), (2000.0, 780.0), (2650.0, 1000.0))
HOLD = (2740.0, 1040.0)
OPEN, DOCK, ALTERNATE = "open-ground-3", "410105-LP-000003", "410105-LP-000004"
LANDINGS = {OPEN: (2380.0, 920.0), DOCK: (2765.0, 1065.0), ALTERNATE: (2975.0, 755.0)}
OPEN_GROUND = ((458.0, 177.0), (1282.0, 555.0), (2380.0, 920.0))
POLES = {
    "410105-LP-000001": (0.0, 0.0),
    "410105-LP-000002": (1300.0, 620.0),
    DOCK: LANDINGS[DOCK],
    ALTERNATE: LANDINGS[ALTERNATE],
}


def place(xy: tuple[float, float], relative_m: float) -> Place:
    at = FRAME.latlon(*xy)
    return Place(at.lat_deg, at.lon_deg, relative_m)


def zone(zone_id: str, kind: str, name: Words, outline: Polygon, ceiling_m: float, floor_m: float = 0.0) -> Zone:
    """A zone with heights above ground [m]."""
    floor, ceiling = Height(floor_m, Datum.AGL), Height(ceiling_m, Datum.AGL)
    ring = Polygon(FRAME.lon_lat_array(list(outline.exterior.coords)))
    charted = ChartedZone(zone_id, name, kind, ZONE_KINDS[kind], (Layer(ring, floor, ceiling),))
    (laid,) = lay(charted, FRAME, GROUND)
    return laid


def zones() -> tuple[Zone, ...]:
    return (
        zone("airport", "airport", Words("Example airport", "示例机场"), Point(3300, -1200).buffer(1500), 300.0, 60.0),
        zone("pad", "hospital-pad", Words("Hospital pad", "医院起降点"), Point(1000, 760).buffer(150), 120.0),
        zone("block", "no-fly", Words("Works compound", "厂区禁飞区"), box(1650, 120, 2050, 480), 120.0),
    )


def _leg(seq: int, purpose: Purpose, ends: tuple[Place, Place], start_s: float, branch: str = "") -> Leg:
    start, end = ends
    flat_m = math.dist(FRAME.xy(LatLon(start.lat_deg, start.lon_deg)), FRAME.xy(LatLon(end.lat_deg, end.lon_deg)))
    lasts_s = max(flat_m / SPEED_MPS, abs(end.relative_m - start.relative_m) / 2.0)
    lasts_s = 45.0 if purpose is Purpose.HOLD else lasts_s
    energy_wh = lasts_s * HOVER_W / 3600
    return Leg(seq, purpose, start, end, start_s, start_s + lasts_s, SPEED_MPS, energy_wh, branch)


def legs() -> tuple[Leg, ...]:
    """Climb, transit, survey, approach and hold, then the three landing branches."""
    done: list[Leg] = []

    def fly(
        seq: int, purpose: Purpose, start: Place, end: Place, branch: str = "", start_s: float | None = None
    ) -> Leg:
        begins_s = start_s if start_s is not None else (done[-1].end_s if done else 0.0)
        done.append(_leg(seq, purpose, (start, end), begins_s, branch))
        return done[-1]

    route = [place(xy, HEIGHT_M) for xy in (*SURVEY, HOLD)]
    fly(1, Purpose.CLIMB, place((0, 0), 0.0), place((0, 0), HEIGHT_M))
    fly(3, Purpose.TRANSIT, place((0, 0), HEIGHT_M), route[0])
    for number, (start, end) in enumerate(pairwise(route[:-1])):
        fly(5 + number, Purpose.SURVEY, start, end)
    fly(10, Purpose.APPROACH, route[-2], route[-1])
    hold_end_s = fly(11, Purpose.HOLD, route[-1], route[-1]).end_s
    for number, (branch, xy) in enumerate(LANDINGS.items()):
        above = place(xy, HEIGHT_M)
        fly(12 + 2 * number, Purpose.APPROACH, route[-1], above, branch, hold_end_s)
        fly(13 + 2 * number, Purpose.LANDING, above, place(xy, 0.0), branch)
    return tuple(done)


def _volume(number: int, leg: Leg) -> PlanVolume:
    ends = [FRAME.xy(LatLon(p.lat_deg, p.lon_deg)) for p in (leg.start, leg.end)]
    outline = LineString(ends).buffer(25) if ends[0] != ends[1] else Point(ends[0]).buffer(25)
    ring = FRAME.lon_lat_array(list(outline.simplify(0.5).exterior.coords)).tolist()
    base_m = GROUND.amsl_m + GROUND.geoid_m
    low_m, high_m = sorted((leg.start.relative_m, leg.end.relative_m))
    span_s = (leg.start_s - 60, leg.end_s + 120)
    return PlanVolume(tuple((x, y) for x, y in ring), base_m + low_m - 12, base_m + high_m + 12, *span_s, number)


def _item(command: int, xy: tuple[float, float], param1: float = 0.0) -> MissionItem:
    at = FRAME.latlon(*xy)
    return MissionItem(command, param1=param1, lat_deg=at.lat_deg, lon_deg=at.lon_deg)


def plan(title: str = "Gas main inspection, west section") -> Plan:
    flown = legs()
    route = LineString([(0, 0), *SURVEY, HOLD, *LANDINGS.values()])
    hull = route.buffer(90).convex_hull.simplify(20)
    corners = list(hull.exterior.coords)[:-1]
    along = LineString(SURVEY)
    markers = [along.interpolate(along.length * i / 11) for i in range(12)]
    targets = []
    for number, at in enumerate(markers, 1):
        spot = FRAME.latlon(at.x + 3, at.y - 6)
        left_out = number == 7
        why = "inside the hospital pad's zone" if left_out else ""
        targets.append(Target(f"M{number:02d}", spot.lat_deg, spot.lon_deg, not left_out, why))
    options = [
        LandingOption(name, 12 + 2 * i, 13 + 2 * i, place(xy, 0.0), "" if name == OPEN else name)
        for i, (name, xy) in enumerate(LANDINGS.items())
    ]
    checks = (
        Check("zones", True, "clear of all zones, least clearance 118 m", "避开全部管制区，最小间距 118 米"),
        Check("height", True, "45.0 m above ground, limit 120 m", "离地 45.0 米，限高 120 米"),
        Check("energy", True, "67.1 Wh of 186.2 Wh allowed", "67.1 Wh，上限 186.2 Wh"),
        Check("wind", True, "4.2 m/s, limit 10 m/s", "4.2 m/s，限值 10 m/s"),
    )
    return Plan(
        name="pipeline",
        title=title,
        source="request",
        home=place((0, 0), 0.0),
        home_amsl_m=GROUND.amsl_m,
        geoid_m=GROUND.geoid_m,
        takeoff_s=TAKEOFF_S,
        items=tuple(_item(Command.NAV_WAYPOINT, xy) for xy in SURVEY),
        legs=flown,
        volumes=tuple(_volume(number, leg) for number, leg in enumerate(flown)),
        fence=tuple(_item(Command.FENCE_POLYGON_INCLUSION, (x, y), len(corners)) for x, y in corners),
        rally=tuple(_item(Command.RALLY_POINT, xy) for xy in OPEN_GROUND),
        landings=tuple(options),
        hold_seq=11,
        duration_s=max(leg.end_s for leg in flown),
        energy_wh=67.1,
        energy_limit_wh=186.2,
        cruise_mps=SPEED_MPS,
        max_relative_m=HEIGHT_M,
        targets=tuple(targets),
        photos_planned=142,
        checks=checks,
        min_clearance_m=118.0,
        details={"max_target_distance_m": 25.0, "title": {"en": title, "zh": "燃气主管线巡检（西段）"}},
    )
