"""Spline waypoints: the Hermite curve that ArduCopter flies, as straight pieces within a stated distance of it.

The curve and its end directions are those of ArduPilot's `SplineCurve` and `AC_WPNav`: positions and directions in
metres, time from 0 to 1, both directions together at most four times as long as the straight line.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

PointM = tuple[float, float, float]
SPLINE_FACTOR = 4.0
STRAY_M = 0.5  # how far the pieces may lie from the curve


def spline_points(start: PointM, end: PointM, start_way: PointM, end_way: PointM) -> tuple[PointM, ...]:
    """Points on the curve from `start` (left out) to `end`; the straight pieces stay within `STRAY_M` of the curve.

    `start_way` and `end_way` are the directions at both ends with their lengths [m]; zero means standing there.
    """
    p0, p1, v0, v1 = (np.asarray(values, dtype=float) for values in (start, end, start_way, end_way))
    span_m = float(np.linalg.norm(p1 - p0))
    if span_m == 0.0:
        return (end,)
    ways_m = float(np.linalg.norm(v0) + np.linalg.norm(v1))
    if ways_m > SPLINE_FACTOR * span_m:
        v0, v1 = v0 * SPLINE_FACTOR * span_m / ways_m, v1 * SPLINE_FACTOR * span_m / ways_m
    square = 3.0 * (p1 - p0) - 2.0 * v0 - v1
    cube = 2.0 * (p0 - p1) + v0 + v1
    # a chord over a step h strays at most max|p''| h^2 / 8, and p'' is linear, so largest at an end
    bend_m = max(_length(2.0 * square), _length(2.0 * square + 6.0 * cube))
    pieces = max(1, math.ceil(math.sqrt(bend_m / (8.0 * STRAY_M))))
    points = [p0 + v0 * t + square * t**2 + cube * t**3 for t in (k / pieces for k in range(1, pieces))]
    return (*((float(p[0]), float(p[1]), float(p[2])) for p in points), end)


def turn_radius_m(before: PointM, at: PointM, after: PointM) -> float:
    """The radius [m] of the circle through three points, infinite on a straight line."""
    a, b, c = math.dist(before, at), math.dist(at, after), math.dist(before, after)
    cross = np.cross(np.subtract(at, before), np.subtract(after, before))
    doubled_area = float(np.linalg.norm(cross))
    return math.inf if doubled_area < 1e-9 else a * b * c / (2.0 * doubled_area)


def _length(vector: npt.NDArray[np.float64]) -> float:
    return float(np.linalg.norm(vector))
