"""Charted zones in the register: as our GeoJSON features, with the room that each may take, outward."""

from __future__ import annotations

import math
from collections.abc import Iterator
from hashlib import blake2b

import msgspec
import numpy as np
from shapely.geometry import box

from airspace.charted import ChartedZone, Circle, Corridor, Shape
from airspace.formats.geojson import geojson, read_geojson
from airspace.frames import GEOD, LatLon, LocalFrame
from airspace.reasons import Refused
from airspace.volumes import Volume4D

# A zone's heights need the ground under it, which the register does not know: it counts as present at all of them.
LOWEST_M = -1.0e4
HIGHEST_M = 1.0e5
EVERYWHERE_M = 1.0e8  # wider than any frame

STEPS = 32  # of each side of a box of degrees on its way into the plane
OUTWARD = 0.02  # of its size: between two steps the side of a box of 20 degrees bends by less


def feature_of(zone: ChartedZone) -> bytes:
    """The zone as a GeoJSON feature; the same zone gives the same bytes."""
    return msgspec.json.encode(geojson([zone])["features"][0])


def zone_of(feature: bytes, where: str) -> ChartedZone:
    """The zone of a feature. Raises `Refused` with the reader's reasons."""
    reading = read_geojson(b'{"type":"FeatureCollection","features":[' + feature + b"]}", where)
    if reading.reasons:
        raise Refused(reading.reasons)
    return reading.zones[0]


def ovn_of_feature(feature: bytes, batch: int, seed: bytes) -> str:
    """The opaque version number of a zone: changes with what the chart says and with each import."""
    return blake2b(b"%d " % batch + feature, key=seed, digest_size=16).hexdigest()


def extents(zone: ChartedZone, frame: LocalFrame) -> tuple[Volume4D, ...]:
    """Boxes in a frame around all of a zone at all times of its validity: a coarse outward cover, never an answer."""
    windows = zone.schedule.windows
    start_s, end_s = min(start for start, _ in windows), max(end for _, end in windows)
    boxes = dict.fromkeys(bounds for layer in zone.layers for bounds in _bounds_m(layer.shape, frame))
    return tuple(Volume4D(box(*bounds), LOWEST_M, HIGHEST_M, start_s, end_s) for bounds in boxes)


def _bounds_m(shape: Shape, frame: LocalFrame) -> Iterator[tuple[float, float, float, float]]:
    for west, south, east, north in _bounds_deg(shape):
        along = np.linspace(0.0, 1.0, STEPS + 1)
        lon, lat = west + (east - west) * along, south + (north - south) * along
        sides = [(lon, np.full_like(lon, south)), (lon, np.full_like(lon, north))]
        sides += [(np.full_like(lat, west), lat), (np.full_like(lat, east), lat)]
        perimeter = np.concatenate([np.column_stack(side) for side in sides])
        try:
            xy = frame.xy_array(perimeter)
        except ValueError:  # it reaches round the earth
            yield -EVERYWHERE_M, -EVERYWHERE_M, EVERYWHERE_M, EVERYWHERE_M
            continue
        (x0, y0), (x1, y1) = xy.min(axis=0), xy.max(axis=0)
        pad_m = 1.0 + OUTWARD * max(x1 - x0, y1 - y0)
        yield float(x0 - pad_m), float(y0 - pad_m), float(x1 + pad_m), float(y1 + pad_m)


def _bounds_deg(shape: Shape) -> Iterator[tuple[float, float, float, float]]:
    """West, south, east, north [deg] around a shape, part by part where it has parts."""
    match shape:
        case Circle(centre=centre, radius_m=radius_m):
            yield _around([centre], radius_m)
        case Corridor(path=path, half_width_m=half_width_m):
            yield _around(path, half_width_m)
        case _:
            for part in getattr(shape, "geoms", [shape]):
                west, south, east, north = part.bounds
                bulge_deg = _bulge_deg(east - west)
                yield west, max(-90.0, south - bulge_deg), east, min(90.0, north + bulge_deg)


def _around(positions: list[LatLon] | tuple[LatLon, ...], distance_m: float) -> tuple[float, float, float, float]:
    """The degrees around all that is within a distance of geodesics through some positions."""
    lats = [position.lat_deg for position in positions]
    lons = [position.lon_deg for position in positions]
    if max(lons) - min(lons) > 180.0:
        return -180.0, min(lats), 180.0, max(lats)
    bulge_deg = _bulge_deg(max(lons) - min(lons))
    reach_deg = distance_m / 110_000.0  # no degree of latitude is shorter than 110.57 km
    south, north = min(lats) - bulge_deg - reach_deg, max(lats) + bulge_deg + reach_deg
    widest_deg = max(abs(south), abs(north))
    if widest_deg >= 89.0:
        return -180.0, max(-90.0, south), 180.0, min(90.0, north)
    east_m = GEOD.inv(0.0, widest_deg, 1.0, widest_deg)[2]
    return min(lons) - distance_m / east_m, south, max(lons) + distance_m / east_m, north


def _bulge_deg(width_deg: float) -> float:
    """How far north or south [deg] a geodesic between two meridians may reach beyond its ends, at any latitude."""
    return math.degrees(math.radians(width_deg) ** 2 / 8.0)
