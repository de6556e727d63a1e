"""What of a charted zone lies within reach of a place: charts of a country hold much that no flight of a site can meet.

A local frame ends at `airspace.laying.FARTHEST_M`, and zones may be far away or larger than that, as flight information
regions are. What is cut off lies farther than `REACH_M` from the origin, where no flight of the site goes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon, box

from airspace.charted import ChartedZone, Circle, Layer
from airspace.frames import GEOD, LatLon
from airspace.ground.terrain_surface import degrees_outline
from airspace.laying import circle_ring

REACH_M = 400_000.0
LEAST_RADIUS_M = 6.33e6  # of the ellipsoid's curvature anywhere


def within_reach(zone: ChartedZone, origin: LatLon) -> ChartedZone | None:
    """A zone without what is out of reach of an origin; itself when all is within, None when nothing is."""
    window = _window(origin)
    layers = [cut for layer in zone.layers if (cut := _cut(layer, window)) is not None]
    if not layers:
        return None
    return zone if tuple(layers) == zone.layers else replace(zone, layers=tuple(layers))


@lru_cache(maxsize=8)
def _window(origin: LatLon) -> Polygon | MultiPolygon:
    """All positions within reach, and 0.03 % more, in (longitude, latitude) degrees; a cap where a pole is in reach."""
    north, south = (GEOD.fwd(origin.lon_deg, origin.lat_deg, bearing, REACH_M) for bearing in (0.0, 180.0))
    if abs(origin.lat_deg) + math.degrees(REACH_M / LEAST_RADIUS_M) >= 90.0:
        low_deg, high_deg = (-90.0, north[1]) if origin.lat_deg < 0.0 else (south[1], 90.0)
        cap: Polygon = box(-180.0, low_deg, 180.0, high_deg)
        return cap
    ring = circle_ring(Circle(origin, REACH_M))
    ring[:, 0] = origin.lon_deg + np.mod(ring[:, 0] - origin.lon_deg + 180.0, 360.0) - 180.0  # in one piece
    whole, globe = Polygon(ring), box(-180.0, -90.0, 180.0, 90.0)
    turned = (translate(whole, xoff=by_deg) for by_deg in (-360.0, 0.0, 360.0))
    window: Polygon | MultiPolygon = shapely.union_all([part.intersection(globe) for part in turned])
    shapely.prepare(window)
    return window


def _cut(layer: Layer, window: Polygon | MultiPolygon) -> Layer | None:
    outline = degrees_outline(layer.shape)
    if window.contains(outline):
        return layer
    shared = outline.intersection(window)
    parts = [part for part in shapely.get_parts(shared) if isinstance(part, Polygon) and part.area > 0.0]
    if not parts:
        return None
    return replace(layer, shape=parts[0] if len(parts) == 1 else MultiPolygon(parts))
