"""What of a charted zone lies within reach of a place: charts of a country hold much that no flight of a site can meet.

A local frame ends at `airspace.laying.FARTHEST_M`, and zones may be far away or larger than that, as flight information
regions are. What is cut off lies farther than `REACH_M` from the origin, where no flight of the site goes.
"""

from __future__ import annotations

import math
from dataclasses import replace

import shapely
from shapely.geometry import MultiPolygon, Polygon, box

from airspace.charted import ChartedZone, Layer
from airspace.frames import GEOD, LatLon
from airspace.ground.terrain_surface import degrees_outline

REACH_M = 400_000.0  # the corners of a box that reaches so far are still within a frame


def within_reach(zone: ChartedZone, origin: LatLon) -> ChartedZone | None:
    """A zone without what is out of reach of an origin; itself when all is within, None when nothing is."""
    window = _window(origin)
    layers = [cut for layer in zone.layers if (cut := _cut(layer, window)) is not None]
    if not layers:
        return None
    return zone if tuple(layers) == zone.layers else replace(zone, layers=tuple(layers))


def _window(origin: LatLon) -> Polygon | MultiPolygon:
    """All positions within reach, and some more, in (longitude, latitude) degrees."""
    north = min(90.0, GEOD.fwd(origin.lon_deg, origin.lat_deg, 0.0, REACH_M)[1])
    south = max(-90.0, GEOD.fwd(origin.lon_deg, origin.lat_deg, 180.0, REACH_M)[1])
    highest = math.radians(min(89.0, max(abs(north), abs(south))))
    half = min(180.0, math.degrees(REACH_M / (6.35e6 * math.cos(highest))))
    west, east = origin.lon_deg - half, origin.lon_deg + half
    parts = [box(max(west, -180.0), south, min(east, 180.0), north)]
    if west < -180.0:
        parts.append(box(west + 360.0, south, 180.0, north))
    if east > 180.0:
        parts.append(box(-180.0, south, east - 360.0, north))
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _cut(layer: Layer, window: Polygon | MultiPolygon) -> Layer | None:
    outline = degrees_outline(layer.shape)
    if window.contains(outline):
        return layer
    shared = outline.intersection(window)
    parts = [part for part in shapely.get_parts(shared) if isinstance(part, Polygon) and part.area > 0.0]
    if not parts:
        return None
    return replace(layer, shape=parts[0] if len(parts) == 1 else MultiPolygon(parts))
