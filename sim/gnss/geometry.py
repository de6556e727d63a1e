"""How well satellites fix a place: dilution of precision, and how errors of ranges become errors of the place.

The model is the usual one: ranges r = A x with rows (-e, -n, -u, 1) of the unit vectors to the satellites, x the error
of the place in east, north and up and of the clock; Q = inverse(A' A) (Kaplan and Hegarty, Understanding GPS/GNSS,
11.3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 4


@dataclass(frozen=True, slots=True)
class Line:
    """The way to one satellite: azimuth from north and elevation [deg], the unit vector east, north, up, and C/N0.

    `zenith_factor` is how many times a delay of the ionosphere at the zenith the satellite's signal has.
    """

    prn: int
    azimuth_deg: float
    elevation_deg: float
    east: float
    north: float
    up: float
    cn0_dbhz: float
    zenith_factor: float


@dataclass(frozen=True, slots=True)
class Geometry:
    """What a set of satellites gives: dilutions, and the matrices that carry range errors into the place.

    `spread` is the lower triangle L (ee, ne, nn, ue, un, uu) with L L' = the place's part of Q: independent range
    errors of one standard deviation s give place errors s L w with w white. `zenith` is where an error of one metre of
    delay at the zenith, mapped to each satellite's elevation, moves the place (east, north, up).
    """

    count: int
    gdop: float
    pdop: float
    hdop: float
    vdop: float
    tdop: float
    spread: tuple[float, float, float, float, float, float]
    zenith: tuple[float, float, float]


def geometry_of(lines: Sequence[Line]) -> Geometry | None:
    """The geometry of these satellites; None for fewer than four, or when they leave the place open."""
    if len(lines) < LEAST:
        return None
    normal = [[0.0] * 4 for _ in range(4)]
    right = [0.0] * 4
    for line in lines:
        row = (-line.east, -line.north, -line.up, 1.0)
        for i in range(4):
            right[i] += row[i] * line.zenith_factor
            for j in range(4):
                normal[i][j] += row[i] * row[j]
    q = _inverse(normal)
    if q is None:
        return None
    ee, nn, uu, tt = q[0][0], q[1][1], q[2][2], q[3][3]
    if min(ee, nn, uu, tt) <= 0.0:
        return None
    moved = [q[i][0] * right[0] + q[i][1] * right[1] + q[i][2] * right[2] + q[i][3] * right[3] for i in range(3)]
    l_ee = math.sqrt(ee)
    l_ne = q[1][0] / l_ee
    l_nn = math.sqrt(max(nn - l_ne * l_ne, 0.0))
    l_ue = q[2][0] / l_ee
    l_un = (q[2][1] - l_ue * l_ne) / l_nn if l_nn > 0.0 else 0.0
    l_uu = math.sqrt(max(uu - l_ue * l_ue - l_un * l_un, 0.0))
    return Geometry(
        count=len(lines),
        gdop=math.sqrt(ee + nn + uu + tt),
        pdop=math.sqrt(ee + nn + uu),
        hdop=math.sqrt(ee + nn),
        vdop=math.sqrt(uu),
        tdop=math.sqrt(tt),
        spread=(l_ee, l_ne, l_nn, l_ue, l_un, l_uu),
        zenith=(moved[0], moved[1], moved[2]),
    )


def _inverse(matrix: list[list[float]]) -> list[list[float]] | None:
    """Gauss-Jordan with pivoting; None for a matrix that is singular to working precision."""
    size = len(matrix)
    work = [[*row, *(1.0 if i == j else 0.0 for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(work[row][column]))
        if abs(work[pivot][column]) < 1e-9:
            return None
        work[column], work[pivot] = work[pivot], work[column]
        scale = work[column][column]
        work[column] = [value / scale for value in work[column]]
        for row in range(size):
            factor = work[row][column]
            if row != column and factor != 0.0:
                work[row] = [value - factor * base for value, base in zip(work[row], work[column], strict=True)]
    return [row[size:] for row in work]
