"""Shapes of our GeoJSON: geometries with the properties that make circles and corridors of them, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.geometry import mapping

from airspace.charted import Circle, Corridor, Shape
from airspace.formats import chart_rules as rules
from airspace.formats.chart import Chart, finite, shown
from airspace.formats.chart_fields import METRES
from airspace.formats.outlines import (
    LARGEST_RADIUS_M,
    LEAST_RADIUS_M,
    MOST_POSITIONS,
    LonLat,
    Outline,
    sound_circle,
    sound_corridor,
    sound_parts,
)
from airspace.frames import GEOD, LatLon
from airspace.laying import circle_ring
from airspace.reasons import Words

COORDINATES = Words("the coordinates of the geometry", "几何坐标")
GEOMETRY_MEMBERS = ("type", "bbox", "coordinates")
SHAPE_PROPERTIES = ("radius_m", "centre_lon_lat_deg", "half_width_m")
# Which of these properties a geometry of each type may have.
LAYER_SHAPES: dict[str, tuple[str, ...]] = {
    "Polygon": ("radius_m", "centre_lon_lat_deg"),
    "MultiPolygon": (),
    "Point": ("radius_m",),
    "LineString": ("half_width_m",),
}


def read_shape(
    chart: Chart, geometry: Mapping[str, Any], members: Mapping[str, Any], path: str, at: str
) -> Shape | None:
    """The shape of a geometry at `path` with the properties `members` at `at`, or None with reasons."""
    chart.known_only(geometry, GEOMETRY_MEMBERS, path)
    kind = geometry.get("type")
    if not isinstance(kind, str) or kind not in LAYER_SHAPES:
        chart.add(rules.UNKNOWN_VALUE, f"{path}.type", found=shown(kind), known=", ".join(LAYER_SHAPES))
        return None
    before = len(chart.reasons)
    for name in SHAPE_PROPERTIES:
        if members.get(name) is not None and name not in LAYER_SHAPES[kind]:
            chart.add(rules.UNKNOWN, f"{at}.{name}", known=", ".join(LAYER_SHAPES[kind]) or f"no size of a {kind}")
    coordinates = chart.member(geometry, "coordinates", path, COORDINATES)
    if coordinates is None:
        return None
    path = f"{path}.coordinates"
    shape: Shape | None
    if kind == "Point":
        shape = _read_point(chart, coordinates, members, path, at)
    elif kind == "LineString":
        shape = _read_line(chart, coordinates, members, path, at)
    else:
        shape = _read_polygons(chart, kind, coordinates, path)
        if shape is not None and any(members.get(name) is not None for name in LAYER_SHAPES[kind]):
            shape = _read_drawn_circle(chart, shape, members, path, at)
    return shape if len(chart.reasons) == before else None


def _read_point(chart: Chart, coordinates: Any, members: Mapping[str, Any], path: str, at: str) -> Circle | None:
    centre = _position(chart, coordinates, path)
    radius_m = _read_size(chart, members, "radius_m", at)
    return None if centre is None or radius_m is None else sound_circle(chart, centre, radius_m, path)


def _read_line(chart: Chart, coordinates: Any, members: Mapping[str, Any], path: str, at: str) -> Corridor | None:
    line = _positions(chart, coordinates, path)
    half_width_m = _read_size(chart, members, "half_width_m", at)
    return None if line is None or half_width_m is None else sound_corridor(chart, line, half_width_m, path)


def _read_polygons(chart: Chart, kind: str, coordinates: Any, path: str) -> Outline | None:
    parts = [coordinates] if kind == "Polygon" else chart.list(coordinates, path)
    if parts is None:
        return None
    paths = [path] if kind == "Polygon" else [f"{path}[{i}]" for i in range(len(parts))]
    polygons: list[list[list[LonLat]]] = []
    before = len(chart.reasons)
    for part, part_at in zip(parts, paths, strict=True):
        rings = chart.list(part, part_at) or []
        read = [_ring(chart, ring, f"{part_at}[{i}]") for i, ring in enumerate(rings)]
        polygons.append([ring for ring in read if ring is not None])
    if len(chart.reasons) > before:
        return None
    return sound_parts(chart, polygons, paths, path, as_geojson=True)


def _read_drawn_circle(chart: Chart, outline: Outline, members: Mapping[str, Any], path: str, at: str) -> Circle | None:
    """The circle that a polygon is drawn around, when it is."""
    if members.get("centre_lon_lat_deg") is None:
        chart.add(rules.RADIUS_UNUSED, f"{at}.radius_m")
        return None
    centre = _position(chart, members["centre_lon_lat_deg"], f"{at}.centre_lon_lat_deg")
    radius_m = _read_size(chart, members, "radius_m", at)
    if centre is None or radius_m is None:
        return None
    circle = sound_circle(chart, centre, radius_m, f"{at}.centre_lon_lat_deg")
    return circle if circle is not None and _agrees(chart, outline, circle, path) else None


def _agrees(chart: Chart, outline: Outline, circle: Circle, path: str) -> bool:
    """Whether every corner of an outline is where the circle's polygon has its corners."""
    corners = shapely.get_coordinates(outline)
    centre = np.broadcast_to([circle.centre.lon_deg, circle.centre.lat_deg], corners.shape)
    away_m = np.asarray(GEOD.inv(centre[:, 0], centre[:, 1], corners[:, 0], corners[:, 1])[2])
    off_m = np.abs(away_m - circle.radius_m)
    worst = int(np.argmax(off_m))
    if off_m[worst] <= 0.5 + 0.005 * circle.radius_m:
        return True
    place = LatLon(float(corners[worst, 1]), float(corners[worst, 0]))
    facts = {"radius_m": circle.radius_m, "centre": str(circle.centre), "place": str(place)}
    chart.add(rules.CIRCLE_DIFFERS, path, **facts, away_m=float(away_m[worst]))
    return False


def _read_size(chart: Chart, members: Mapping[str, Any], name: str, at: str) -> float | None:
    value = chart.member(members, name, at, METRES)
    return None if value is None else chart.number(value, f"{at}.{name}", LEAST_RADIUS_M, LARGEST_RADIUS_M, METRES)


def _ring(chart: Chart, value: Any, path: str) -> list[LonLat] | None:
    if isinstance(value, list | tuple) and len(value) < 4:  # a whole polygon given as a ring: say that, not its numbers
        chart.add(rules.RING_SHORT, path, count=len(value))
        return None
    return _positions(chart, value, path)


def _positions(chart: Chart, value: Any, path: str) -> list[LonLat] | None:
    values = chart.list(value, path)
    if values is None:
        return None
    if len(values) > MOST_POSITIONS + 1:
        chart.add(rules.TOO_MANY, path, count=len(values), most=MOST_POSITIONS)
        return None
    read = [_position(chart, position, f"{path}[{i}]") for i, position in enumerate(values)]
    whole = [position for position in read if position is not None]
    return whole if len(whole) == len(values) else None


def _position(chart: Chart, value: Any, path: str) -> LonLat | None:
    """[longitude, latitude] in degrees, or None with a reason."""
    if isinstance(value, list | tuple) and len(value) == 2:
        lon_deg, lat_deg = finite(value[0]), finite(value[1])
        if lon_deg is not None and lat_deg is not None and abs(lon_deg) <= 180.0 and abs(lat_deg) <= 90.0:
            return lon_deg, lat_deg
    chart.add(rules.POSITION, path, found=shown(value))
    return None


def geometry_of(shape: Shape) -> dict[str, Any]:
    """The geometry that a shape is written as."""
    if isinstance(shape, Corridor):
        return {"type": "LineString", "coordinates": [[at.lon_deg, at.lat_deg] for at in shape.path]}
    if isinstance(shape, Circle):
        ring = circle_ring(shape)
        if np.ptp(ring[:, 0]) > 180.0:  # over the antimeridian or around a pole
            return {"type": "Point", "coordinates": [shape.centre.lon_deg, shape.centre.lat_deg]}
        return {"type": "Polygon", "coordinates": [[*ring.tolist(), ring[0].tolist()]]}
    drawn = mapping(shape)
    return {"type": drawn["type"], "coordinates": _lists(drawn["coordinates"])}


def shape_members(shape: Shape) -> dict[str, Any]:
    """The properties that a shape needs beside its geometry."""
    if isinstance(shape, Corridor):
        return {"half_width_m": shape.half_width_m}
    if not isinstance(shape, Circle):
        return {}
    members: dict[str, Any] = {"radius_m": shape.radius_m}
    if geometry_of(shape)["type"] == "Polygon":
        members["centre_lon_lat_deg"] = [shape.centre.lon_deg, shape.centre.lat_deg]
    return members


def _lists(value: Any) -> Any:
    return [_lists(inner) for inner in value] if isinstance(value, list | tuple) else value
