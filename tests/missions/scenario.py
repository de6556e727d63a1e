"""A small site near Zhengzhou for tests of planning, with zones made on the spot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from shapely.geometry import Point, Polygon

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.model import Airspace
from airspace.reasons import Words
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zones import Zone
from missions.plan import Plan
from missions.planning import plan_request
from missions.request import Request, read_request
from missions.site import Dock, DroneType, Limits, OpenGround, Site

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "zhengzhou" / "pipeline.yaml"
CHART = REPOSITORY / "examples" / "zhengzhou" / "airspace.geojson"

TAKEOFF_S = 1779066000.0  # 2026-05-18 09:00 in Zhengzhou
GROUND = Ground(amsl_m=108.0, geoid_m=-19.4)
FRAME = LocalFrame(LatLon(34.75, 113.62))
HOME = LatLon(34.7462, 113.6040)
PRIMARY, ALTERNATE = "410105-LP-000003", "410105-LP-000004"

SITE = Site(
    name="zhengzhou",
    ground=GROUND,
    docks=(
        Dock("410105-LP-000001", HOME),
        Dock(PRIMARY, LatLon(34.7558, 113.6342)),
        Dock(ALTERNATE, LatLon(34.7530, 113.6365)),
    ),
    open_ground=(
        OpenGround("west field", LatLon(34.7478, 113.6090)),
        OpenGround("middle field", LatLon(34.7512, 113.6180)),
        OpenGround("east field", LatLon(34.7545, 113.6300)),
    ),
    limits=Limits(max_agl_m=120.0),
)
DRONE = DroneType("quad-4kg", 4.2, 0.60, 0.62, 0.035, 18.0, 266.0, 15.0, 2.5, 1.5, 2.5, 12.0)


def example() -> Request:
    """The example request."""
    return read_request(EXAMPLE)


def zone(
    id_: str,
    outline: Polygon,
    floor_agl_m: float = 0.0,
    ceiling_agl_m: float = 300.0,
    start_s: float = 0.0,
    end_s: float = FOREVER_S,
) -> Zone:
    """A no-fly zone with its outline in `FRAME` [m]."""
    ground_m = GROUND.amsl_m + GROUND.geoid_m
    volume = Volume4D(outline, ground_m + floor_agl_m, ground_m + ceiling_agl_m, start_s, end_s)
    return Zone(id_, Words(f"block {id_}", f"街区 {id_}"), "no-fly", Words("closed", "关闭"), volume)


def square(at: LatLon, side_m: float) -> Polygon:
    """A square around a place, sides east and north."""
    x, y = FRAME.xy(at)
    h = side_m / 2
    return Polygon([(x - h, y - h), (x + h, y - h), (x + h, y + h), (x - h, y + h)])


def ring(at: LatLon, inner_m: float, outer_m: float) -> Polygon:
    """A closed ring around a place."""
    centre = Point(FRAME.xy(at))
    return Polygon(centre.buffer(outer_m).exterior, [centre.buffer(inner_m).exterior])


def plan(
    request: Request | None = None,
    zones: Iterable[Zone] = (),
    docks_free: Sequence[str] = (PRIMARY, ALTERNATE),
    site: Site = SITE,
    drone: DroneType = DRONE,
    **changes: Any,
) -> Plan:
    """The plan of a request (the example's when none is given) among zones."""
    arguments: dict[str, Any] = {
        "site": site,
        "airspace": Airspace(FRAME, site.ground, zones),
        "drone": drone,
        "home": HOME,
        "home_amsl_m": GROUND.amsl_m,
        "docks_free": docks_free,
        "takeoff_s": TAKEOFF_S,
    }
    return plan_request(request or example(), **(arguments | changes))


def changed(**fields: Any) -> Request:
    """The example request with some fields changed."""
    return replace(example(), **fields)
