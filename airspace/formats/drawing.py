"""Shapes drawn for formats that know fewer of them, and edges for formats that run them another way.

A straight edge in degrees and the geodesic between its ends lie up to L^2 tan(lat) / 8R apart: 1 cm for 850 m at 35
degrees of latitude, 1.4 m for 10 km. Where it matters, points are put on the edge until the two agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from airspace.charted import Corridor
from airspace.formats.chart import Chart
from airspace.formats.outlines import LonLat, Outline, sound
from airspace.frames import GEOD, LocalFrame
from airspace.laying import charted_outline, laid_shape, middle_of

SAME_EDGE_M = 0.01  # IntersectionMinimumPrecisionCm of F3548-21

_Ring = npt.NDArray[np.float64]


def around(corridor: Corridor, where: str) -> Outline:
    """A polygon around a corridor in (longitude, latitude) degrees. Raises `Refused` for one too long to draw."""
    frame = LocalFrame(middle_of(corridor))
    drawn = charted_outline(frame, laid_shape(frame, corridor, where))
    chart = Chart(where)
    outline = sound(chart, [ring.coords for ring in (drawn.exterior, *drawn.interiors)], "")
    chart.refuse()
    assert outline is not None, "refused otherwise"
    return outline


def coordinates_of(outline: Outline) -> list[list[list[list[float]]]]:
    """The polygons of an outline as GeoJSON writes them: [longitude, latitude], rings closed."""
    polygons = getattr(outline, "geoms", [outline])
    return [
        [[[x, y] for x, y in ring.coords] for ring in (polygon.exterior, *polygon.interiors)] for polygon in polygons
    ]


def pieces_of(ring: Sequence[LonLat]) -> list[int]:
    """Into how many pieces each edge of a ring, not closed, must be cut so that it is straight both ways."""
    starts: _Ring = np.array(ring, dtype=np.float64)
    ends = np.roll(starts, -1, axis=0)
    steps = np.remainder(ends - starts + [180.0, 0.0], 360.0) - [180.0, 0.0]
    steps[:, 1] = (ends - starts)[:, 1]
    bearings_deg, _, lengths_m = GEOD.inv(starts[:, 0], starts[:, 1], ends[:, 0], ends[:, 1])
    lon_deg, lat_deg, along_deg = GEOD.fwd(starts[:, 0], starts[:, 1], bearings_deg, np.asarray(lengths_m) / 2)
    middles = starts + steps / 2
    towards_deg, _, apart_m = GEOD.inv(lon_deg, lat_deg, middles[:, 0], middles[:, 1])
    # The middles differ along the edge as well, as degrees of latitude grow towards the poles; that does not matter.
    off_m = np.abs(np.asarray(apart_m) * np.sin(np.radians(np.asarray(towards_deg) - np.asarray(along_deg))))
    return [max(1, math.ceil(math.sqrt(off / SAME_EDGE_M))) for off in off_m.tolist()]


def along_geodesics(ring: Sequence[LonLat], pieces: Sequence[int]) -> list[LonLat]:
    """A ring whose edges are geodesics as one whose edges are straight in degrees."""
    drawn: list[LonLat] = []
    for start, end, count in zip(ring, [*ring[1:], ring[0]], pieces, strict=True):
        drawn.append(start)
        if count > 1:
            drawn += GEOD.npts(*start, *end, count - 1)
    return drawn


def along_degrees(ring: Sequence[LonLat], pieces: Sequence[int]) -> list[LonLat]:
    """A ring whose edges are straight in degrees as one whose edges are geodesics."""
    drawn: list[LonLat] = []
    for start, end, count in zip(ring, [*ring[1:], ring[0]], pieces, strict=True):
        step = ((end[0] - start[0]) / count, (end[1] - start[1]) / count)
        drawn += [(start[0] + i * step[0], start[1] + i * step[1]) for i in range(count)]
    return drawn
