"""4D volumes: an outline, a floor, a ceiling and a time window, held in one local frame so that they can be compared.

Time windows are half-open, [start, end); outlines and heights are closed: touching counts as overlapping.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import shapely
from shapely.geometry import MultiPolygon, Point, Polygon

HIGHEST_M = 1.0e6  # nothing that flies in the air is higher, nor as deep
FOREVER_S = 4102444800.0  # 2100-01-01: the end of a volume that has no end


@dataclass(frozen=True, slots=True)
class Volume4D:
    """A piece of airspace over a span of time.

    `outline` lies in the local frame [m east, m north]; floor and ceiling are ellipsoidal [m]; times are UTC [s].
    """

    outline: Polygon | MultiPolygon
    floor_ellipsoidal_m: float
    ceiling_ellipsoidal_m: float
    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        """Raise ValueError for what would overlap nothing, or nobody knows what, by accident."""
        sides = (self.floor_ellipsoidal_m, self.ceiling_ellipsoidal_m, self.start_s, self.end_s)
        if not all(map(math.isfinite, sides)):
            raise ValueError(f"a volume has finite heights and times, not {sides}")
        if max(abs(self.floor_ellipsoidal_m), abs(self.ceiling_ellipsoidal_m)) > HIGHEST_M:
            raise ValueError(f"a volume lies within {HIGHEST_M:g} m of the ellipsoid, unlike {sides}")
        if self.outline.is_empty or not self.outline.is_valid:
            raise ValueError(f"a volume has a simple outline: {shapely.is_valid_reason(self.outline)}")
        if self.floor_ellipsoidal_m > self.ceiling_ellipsoidal_m or self.start_s >= self.end_s:
            raise ValueError(f"a volume's floor and start come before its ceiling and end, unlike {sides}")

    @property
    def box(self) -> tuple[float, float, float, float, float, float, float, float]:
        """(x0, y0, z0, t0, x1, y1, z1, t1) in [m, m, m, s]."""
        x0, y0, x1, y1 = self.outline.bounds
        return (x0, y0, self.floor_ellipsoidal_m, self.start_s, x1, y1, self.ceiling_ellipsoidal_m, self.end_s)

    def overlaps(self, other: Volume4D) -> bool:
        """Whether the two share a place at a time: plan, height and time of the same pair together."""
        return (
            self.start_s < other.end_s
            and other.start_s < self.end_s
            and self.floor_ellipsoidal_m <= other.ceiling_ellipsoidal_m
            and other.floor_ellipsoidal_m <= self.ceiling_ellipsoidal_m
            and bool(self.outline.intersects(other.outline))
        )

    def contains(self, x_m: float, y_m: float, ellipsoidal_m: float, at_s: float) -> bool:
        """Whether this one volume holds the point in plan, height and time together."""
        return (
            self.start_s <= at_s < self.end_s
            and self.floor_ellipsoidal_m <= ellipsoidal_m <= self.ceiling_ellipsoidal_m
            and bool(self.outline.covers(Point(x_m, y_m)))
        )
