"""Outlines of a chart: GeoJSON geometry in (lon, lat) degrees, checked, and laid into the local frame in metres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from airspace.formats import chart_rules as rules
from airspace.formats.chart import Chart, finite, shown
from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Words

FARTHEST_M = 200_000.0  # the plane's scale is 0.05 % long there
MOST_POSITIONS = 10_000  # as F3548-21 allows in one outline
MOST_LAID_POSITIONS = 100_000
LEAST_AREA_M2 = 1.0

# An edge is straight in degrees; in the plane it bends by up to edge^2 tan(lat) / 8R. Pieces of 0.01 degrees keep the
# bend under 2 cm below 45 degrees of latitude.
LONGEST_EDGE_DEG = 0.01
LONGEST_EDGE_M = 1000.0

CIRCLE_SEGMENTS = 32  # per quarter: the polygon reaches 0.03 % beyond the circle
LARGEST_RADIUS_M = 100_000.0

Outline = Polygon | MultiPolygon


@dataclass(frozen=True, slots=True)
class Circle:
    """A centre and a radius [m]."""

    centre: LatLon
    radius_m: float


def disk(frame: LocalFrame, circle: Circle) -> Polygon:
    """The circle in the local frame as a polygon drawn around it: nothing of the circle is outside."""
    reach_m = circle.radius_m / math.cos(math.pi / (4 * CIRCLE_SEGMENTS))
    outline: Polygon = Point(frame.xy(circle.centre)).buffer(reach_m, quad_segs=CIRCLE_SEGMENTS)
    return outline


def laid(frame: LocalFrame, outline_lon_lat_deg: Outline) -> Outline:
    """An outline in (lon, lat) degrees in the local frame [m], with long edges bent as the plane bends them."""
    bent = shapely.segmentize(outline_lon_lat_deg, LONGEST_EDGE_DEG)
    outline_m: Outline = shapely.transform(bent, frame.xy_array)
    return outline_m


def unlaid(frame: LocalFrame, outline_m: Outline) -> Outline:
    """An outline in the local frame [m] in (lon, lat) degrees, again with long edges bent."""
    bent = shapely.segmentize(outline_m, LONGEST_EDGE_M)
    outline_lon_lat_deg: Outline = shapely.transform(bent, frame.lon_lat_array)
    return outline_lon_lat_deg


def read_position(chart: Chart, value: Any, path: str) -> LatLon | None:
    """[longitude, latitude] in degrees, or None with a reason."""
    if isinstance(value, list | tuple) and len(value) == 2:
        lon_deg, lat_deg = finite(value[0]), finite(value[1])
        if lon_deg is not None and lat_deg is not None and abs(lon_deg) <= 180.0 and abs(lat_deg) <= 90.0:
            return LatLon(lat_deg, lon_deg)
    chart.add(rules.POSITION, path, found=shown(value))
    return None


def read_near(chart: Chart, value: Any, path: str, frame: LocalFrame) -> LatLon | None:
    """A position within reach of the local frame, or None with a reason."""
    position = read_position(chart, value, path)
    if position is None or not _all_near(chart, [position], path, frame):
        return None
    return position


def read_polygons(chart: Chart, kind: str, coordinates: Any, path: str, frame: LocalFrame) -> Outline | None:
    """The coordinates of a GeoJSON Polygon or MultiPolygon in (lon, lat) degrees, or None with reasons.

    What comes back is simple, near enough, has an area, and can be laid into the frame.
    """
    parts = [coordinates] if kind == "Polygon" else chart.list(coordinates, path)
    if parts is None:
        return None
    at = [path] if kind == "Polygon" else [f"{path}[{i}]" for i in range(len(parts))]
    if not parts:
        chart.add(rules.RING_SHORT, path, count=0)
        return None
    before = len(chart.reasons)
    polygons = [_read_rings(chart, part, where, frame) for part, where in zip(parts, at, strict=True)]
    if len(chart.reasons) > before:
        return None
    outline = polygons[0] if kind == "Polygon" else MultiPolygon([p for p in polygons if p is not None])
    return outline if outline is not None and _is_sound(chart, outline, path, frame) else None


def agrees_with_circle(chart: Chart, outline: Outline, circle: Circle, path: str) -> bool:
    """Whether every corner of an outline in (lon, lat) degrees is where the circle's polygon has its corners."""
    for lon_deg, lat_deg in shapely.get_coordinates(outline):
        corner = LatLon(float(lat_deg), float(lon_deg))
        away_m = circle.centre.distance_m(corner)
        if abs(away_m - circle.radius_m) > 0.5 + 0.005 * circle.radius_m:
            chart.add(
                rules.CIRCLE_DIFFERS,
                path,
                radius_m=circle.radius_m,
                centre=str(circle.centre),
                place=str(corner),
                away_m=away_m,
            )
            return False
    return True


def _read_rings(chart: Chart, value: Any, path: str, frame: LocalFrame) -> Polygon | None:
    rings = chart.list(value, path)
    if rings is None:
        return None
    if not rings:
        chart.add(rules.RING_SHORT, path, count=0)
        return None
    read = [_read_ring(chart, ring, f"{path}[{i}]", frame) for i, ring in enumerate(rings)]
    whole = [ring for ring in read if ring is not None]
    return Polygon(whole[0], whole[1:]) if len(whole) == len(rings) else None


def _read_ring(chart: Chart, value: Any, path: str, frame: LocalFrame) -> list[tuple[float, float]] | None:
    positions = chart.list(value, path)
    if positions is None:
        return None
    if len(positions) > MOST_POSITIONS:
        chart.add(rules.TOO_MANY, path, count=len(positions), most=MOST_POSITIONS)
        return None
    if len(positions) < 4:
        chart.add(rules.RING_SHORT, path, count=len(positions))
        return None
    before = len(chart.reasons)
    read = [read_position(chart, position, f"{path}[{i}]") for i, position in enumerate(positions)]
    if len(chart.reasons) > before:
        return None
    ring = [position for position in read if position is not None]
    if ring[0] != ring[-1]:
        chart.add(rules.RING_OPEN, path, first=str(ring[0]), last=str(ring[-1]))
        return None
    if not _all_near(chart, ring, path, frame):
        return None
    return [(position.lon_deg, position.lat_deg) for position in ring]


def _all_near(chart: Chart, positions: list[LatLon], path: str, frame: LocalFrame) -> bool:
    away_m = [frame.origin.distance_m(position) for position in positions]
    worst = int(np.argmax(away_m))
    if away_m[worst] <= FARTHEST_M:
        return True
    chart.add(rules.FAR, path, place=str(positions[worst]), away_km=away_m[worst] / 1000, most_km=FARTHEST_M / 1000)
    return False


def _is_sound(chart: Chart, outline: Outline, path: str, frame: LocalFrame) -> bool:
    count = int(shapely.get_num_coordinates(outline) + outline.length / LONGEST_EDGE_DEG)
    if count > MOST_LAID_POSITIONS:
        chart.add(rules.TOO_MANY, path, count=count, most=MOST_LAID_POSITIONS)
        return False
    if not _is_simple(chart, outline, path):
        return False
    plane = laid(frame, outline)
    if plane.area < LEAST_AREA_M2:
        chart.add(rules.TOO_SMALL, path, area_m2=plane.area)
        return False
    return _is_simple(chart, plane, path, frame)


def _is_simple(chart: Chart, outline: BaseGeometry, path: str, frame: LocalFrame | None = None) -> bool:
    if outline.is_valid:
        return True
    why, _, at = shapely.is_valid_reason(outline).partition("[")
    x, y = (float(part) for part in at.rstrip("]").split())
    place = frame.latlon(x, y) if frame else LatLon(y, x)
    words = rules.WHY_NOT_SIMPLE.get(why, Words(why, why))
    chart.add(rules.CROSSING, path, why=Words(f"{words.en} at {place}", f"{words.zh}，位于 {place}"))
    return False
