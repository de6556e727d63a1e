"""Arcs of OpenAir as corners of a polygon that is never smaller than the arc drawn.

An arc is a piece of a geodesic circle on the CGCS2000 ellipsoid. Seen from inside the zone it bulges out or in: one
that bulges out is drawn by its tangents, one that bulges in by its chords, so that the zone only ever grows. Edges of a
polygon are straight in degrees and bend by up to edge^2 tan(lat) / 8R from the geodesic; the corners stand off the arc
by twice that. What is drawn lies nowhere more than a millimetre inside the arc, and nowhere outside it by more than
0.04 % of the radius plus that stand-off (5 cm for 18 km at 45 degrees of latitude). The ends of an arc stay where they
are, so that what joins it there still does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from airspace.formats.outlines import LonLat
from airspace.frames import GEOD, SEMI_MAJOR_M, LatLon

LONGEST_STEP_DEG = 2.8125  # 128 corners to a circle; tangents then reach 0.03 % beyond it
NEAREST_POLE_DEG = 89.99


@dataclass(frozen=True, slots=True)
class Arc:
    """A piece of a circle from one position to another.

    `start_deg` is the bearing of its start from the centre; `sweep_deg` runs clockwise when positive. Where the ends
    are not equally far from the centre, the radius [m] lies between `least_m` and `most_m`.
    """

    centre: LatLon
    start: LonLat
    end: LonLat
    start_deg: float
    sweep_deg: float
    least_m: float
    most_m: float

    @property
    def steps(self) -> int:
        """How many pieces the arc is drawn in."""
        return max(1, math.ceil(abs(self.sweep_deg) / LONGEST_STEP_DEG))


def bearings_arc(centre: LatLon, radius_m: float, start_deg: float, end_deg: float, *, clockwise: bool) -> Arc | None:
    """The arc from one bearing to another [deg]; None when it goes nowhere. 0 to 360 is the whole circle."""
    sweep_deg = _sweep(start_deg, end_deg, clockwise=clockwise)
    if sweep_deg == 0.0:
        if start_deg == end_deg:
            return None
        sweep_deg = 360.0 if clockwise else -360.0
    start, end = _at(centre, [start_deg, end_deg], radius_m)
    return Arc(centre, start, end, start_deg, sweep_deg, radius_m, radius_m)


def positions_arc(centre: LatLon, start: LatLon, end: LatLon, *, clockwise: bool) -> Arc | None:
    """The arc from one position to another; None when it goes nowhere. Its ends stay where they are given."""
    start_deg, _, start_m = GEOD.inv(centre.lon_deg, centre.lat_deg, start.lon_deg, start.lat_deg)
    end_deg, _, end_m = GEOD.inv(centre.lon_deg, centre.lat_deg, end.lon_deg, end.lat_deg)
    sweep_deg = _sweep(start_deg, end_deg, clockwise=clockwise)
    if sweep_deg == 0.0:
        return None
    ends = ((start.lon_deg, start.lat_deg), (end.lon_deg, end.lat_deg))
    return Arc(centre, *ends, start_deg, sweep_deg, min(start_m, end_m), max(start_m, end_m))


def ring(pieces: Sequence[LonLat | Arc]) -> list[LonLat]:
    """The ring of corners and arcs in (longitude, latitude) degrees, with arcs drawn so that it only ever grows."""
    corners: list[LonLat] = [piece for piece in pieces if not isinstance(piece, Arc)]
    if len(corners) == len(pieces):
        return corners
    coarse: list[LonLat] = []
    for piece in pieces:
        coarse += _coarse(piece) if isinstance(piece, Arc) else [piece]
    is_clockwise = _doubled_area(coarse) < 0.0
    corners = []
    for piece in pieces:
        corners += _drawn(piece, is_clockwise) if isinstance(piece, Arc) else [piece]
    return corners


def _sweep(start_deg: float, end_deg: float, *, clockwise: bool) -> float:
    return (end_deg - start_deg) % 360.0 if clockwise else -((start_deg - end_deg) % 360.0)


def _coarse(arc: Arc) -> list[LonLat]:
    """Enough of the arc to tell which way round it takes the ring."""
    count = max(2, math.ceil(abs(arc.sweep_deg) / 45.0))
    inner = [arc.start_deg + arc.sweep_deg * i / count for i in range(1, count)]
    return [arc.start, *_at(arc.centre, inner, arc.least_m), arc.end]


def _drawn(arc: Arc, is_clockwise: bool) -> list[LonLat]:
    """The arc with both its ends: by tangents when the ring turns the way the arc does, else by chords."""
    step_deg = arc.sweep_deg / arc.steps
    half_rad = math.radians(abs(step_deg)) / 2
    edge_m = 2 * half_rad * arc.most_m
    steepest_deg = min(NEAREST_POLE_DEG, abs(arc.centre.lat_deg) + math.degrees(arc.most_m / SEMI_MAJOR_M))
    stand_off_m = edge_m**2 * math.tan(math.radians(steepest_deg)) / (4 * SEMI_MAJOR_M)
    if (arc.sweep_deg > 0.0) == is_clockwise:
        bearings = [arc.start_deg + step_deg * (i + 0.5) for i in range(arc.steps)]
        away_m = arc.most_m / math.cos(half_rad) + stand_off_m
    else:
        bearings = [arc.start_deg + step_deg * i for i in range(1, arc.steps)]
        away_m = max(arc.least_m - stand_off_m, 0.0)
    return [arc.start, *_at(arc.centre, bearings, away_m), arc.end]


def _at(centre: LatLon, bearings_deg: Sequence[float], away_m: float) -> list[LonLat]:
    count = len(bearings_deg)
    lon, lat, _ = GEOD.fwd(
        np.full(count, centre.lon_deg), np.full(count, centre.lat_deg), np.array(bearings_deg), np.full(count, away_m)
    )
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def _doubled_area(corners: Sequence[LonLat]) -> float:
    """Twice the signed area in square degrees, positive counter-clockwise; longitudes may pass the antimeridian."""
    positions = np.array(corners)
    east = (positions[:, 0] - positions[0, 0] + 180.0) % 360.0 - 180.0
    north = positions[:, 1]
    return float(np.sum(east * np.roll(north, -1) - np.roll(east, -1) * north))
