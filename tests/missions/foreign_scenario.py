"""Mission files made on the spot, and where they are planned: level ground with a take-off place in its middle."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import Polygon

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.model import Airspace
from airspace.reasons import Reason, Refused, Words
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zones import Zone
from missions.foreign import plan_mission_file
from missions.items import Command, Frame, MissionItem
from missions.mission_file import FileHome, MissionFile
from missions.plan import Plan
from missions.site import DroneType, Limits, OpenGround, Site

REAL_FILES = Path(__file__).parents[2].parent / "shared" / "data" / "missions"
HOME = LatLon(34.7500, 113.6200)
GROUND = Ground(amsl_m=108.0, geoid_m=-19.4)
FRAME = LocalFrame(HOME)
TAKEOFF_S = 1779066000.0
DRONE = DroneType("quad-4kg", 4.2, 0.60, 0.62, 0.035, 18.0, 266.0, 15.0, 2.5, 1.5, 2.5, 12.0)
SITE = Site("test", GROUND, docks=(), open_ground=(), limits=Limits(max_agl_m=120.0))

TAKEOFF = MissionItem(Command.NAV_TAKEOFF, alt_m=30.0)
RTL = MissionItem(Command.NAV_RETURN_TO_LAUNCH, Frame.MISSION)
LAND = MissionItem(Command.NAV_LAND)


def at(east_m: float, north_m: float) -> LatLon:
    """A place by its distance from home."""
    return FRAME.latlon(east_m, north_m)


def item(
    command: int, east_m: float = 0.0, north_m: float = 0.0, alt_m: float = 30.0, *params: float, **more: Any
) -> MissionItem:
    """An item with a place, and its parameters from the first on."""
    place = at(east_m, north_m)
    p = (*params, 0.0, 0.0, 0.0, 0.0)
    return MissionItem(
        command,
        param1=p[0],
        param2=p[1],
        param3=p[2],
        param4=p[3],
        lat_deg=place.lat_deg,
        lon_deg=place.lon_deg,
        alt_m=alt_m,
        **more,
    )


def waypoint(east_m: float, north_m: float, alt_m: float = 30.0, delay_s: float = 0.0, **more: Any) -> MissionItem:
    return item(Command.NAV_WAYPOINT, east_m, north_m, alt_m, delay_s, **more)


def order(command: int, *params: float, frame: int = Frame.MISSION) -> MissionItem:
    """An item without a place."""
    p = (*params, 0.0, 0.0, 0.0, 0.0)
    return MissionItem(command, frame, param1=p[0], param2=p[1], param3=p[2], param4=p[3])


def mission(*items: MissionItem, **changes: Any) -> MissionFile:
    """A file with these items whose home is the take-off place."""
    file = MissionFile(
        name="test.plan",
        kind="plan",
        home=FileHome(HOME.lat_deg, HOME.lon_deg, GROUND.amsl_m),
        items=items,
        where=tuple(f"test.plan mission.items[{i}]" for i in range(len(items))),
    )
    return replace(file, **changes)


def zone(
    id_: str, ring_m: Sequence[tuple[float, float]], floor_agl_m: float = 0.0, ceiling_agl_m: float = 300.0
) -> Zone:
    """A zone by its corners east and north of home [m]."""
    ground_m = GROUND.amsl_m + GROUND.geoid_m
    volume = Volume4D(Polygon(ring_m), ground_m + floor_agl_m, ground_m + ceiling_agl_m, 0.0, FOREVER_S)
    return Zone(id_, Words(f"block {id_}", f"街区 {id_}"), "no-fly", Words("closed", "关闭"), volume)


def block(
    id_: str, east_m: float, north_m: float, half_m: float, floor_agl_m: float = 0.0, ceiling_agl_m: float = 300.0
) -> Zone:
    """A square zone around a point east and north of home [m]."""
    e, n, h = east_m, north_m, half_m
    return zone(id_, [(e - h, n - h), (e + h, n - h), (e + h, n + h), (e - h, n + h)], floor_agl_m, ceiling_agl_m)


def plan(file: MissionFile, zones: Iterable[Zone] = (), open_ground: Sequence[OpenGround] = (), **changes: Any) -> Plan:
    """The plan of a file among zones."""
    arguments: dict[str, Any] = {
        "site": replace(SITE, open_ground=tuple(open_ground)),
        "airspace": Airspace(FRAME, GROUND, tuple(zones)),
        "drone": DRONE,
        "home": HOME,
        "home_amsl_m": GROUND.amsl_m,
        "takeoff_s": TAKEOFF_S,
    }
    return plan_mission_file(file, **(arguments | changes))


def refused(file: MissionFile, *zones: Zone, **changes: Any) -> tuple[Reason, ...]:
    """Why a file is not planned; every reason must read well in both languages."""
    with pytest.raises(Refused) as caught:
        plan(file, zones, **changes)
    return read_well(caught.value)


def read_well(refusal: Refused) -> tuple[Reason, ...]:
    """The reasons of a refusal, after a look at their words."""
    for reason in refusal.reasons:
        for lang in ("en", "zh"):
            line = reason.text(lang)
            assert not re.search(r"\{[a-z_]+(:[^}]*)?\}", line)
            assert "\n" not in line
            assert reason.rule.remedy.text(lang, reason.facts)
        assert reason.where
    return refusal.reasons


def codes(reasons: Iterable[Reason]) -> list[str]:
    return [reason.rule.code for reason in reasons]


def real_files() -> list[Path]:
    """Every mission file of the shared data; none where there is no shared data."""
    return sorted(path for path in REAL_FILES.rglob("*") if path.is_file()) if REAL_FILES.is_dir() else []


def flown(*items: MissionItem, **changes: Any) -> Plan:
    """The plan of a take-off, the items and a return."""
    return plan(mission(TAKEOFF, *items, RTL), **changes)


def why(*items: MissionItem, **changes: Any) -> list[str]:
    """The codes of the reasons why a take-off, the items and a return are refused."""
    return codes(refused(mission(TAKEOFF, *items, RTL), **changes))


def route(made: Plan) -> list[tuple[int, str, float, float, float]]:
    """Each leg's item, purpose and end: east, north of home and height above it, to the decimetre."""
    found = []
    for leg in made.legs:
        east_m, north_m = FRAME.xy(LatLon(leg.end.lat_deg, leg.end.lon_deg))
        ends = round(east_m, 1), round(north_m, 1), round(leg.end.relative_m, 1)
        found.append((leg.seq, str(leg.purpose), *ends))
    return found
