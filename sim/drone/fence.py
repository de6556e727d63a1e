"""The geofence: polygons and circles to stay in or out of, a ceiling, and a circle around home.

Breach types are FENCE_TYPE bits: 1 ceiling, 2 circle around home, 4 polygons (and the circles that were uploaded with
them), 8 floor, which counts from the first time that the drone is above it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sim.drone.items import StoredItem

ALT_MAX, CIRCLE, POLYGON, ALT_MIN = 1, 2, 4, 8
ALL_KINDS = ALT_MAX | CIRCLE | POLYGON | ALT_MIN
NAMES = {ALT_MAX: "Max Alt", CIRCLE: "Circle", POLYGON: "Polygon", ALT_MIN: "Min Alt"}

# metres of a degree of latitude on the WGS84 sphere that ArduPilot uses for short distances
METRES_PER_DEG = 111318.845


RETURN_POINT = 5000  # kept for planes; a copter returns to home or a rally point


class FenceError(ValueError):
    """A fence that the autopilot refuses; the text is what it says."""


@dataclass(frozen=True, slots=True)
class Area:
    """A polygon (three points or more) or a circle (one point and a radius), in (lat, lon) degrees and metres."""

    inside_allowed: bool
    points: tuple[tuple[float, float], ...]
    radius_m: float = 0.0

    def outside_m(self, lat: float, lon: float) -> float:
        """How far [m] a position is on the forbidden side; negative on the allowed side."""
        scale = math.cos(math.radians(lat)) * METRES_PER_DEG
        points = [((b - lon) * scale, (a - lat) * METRES_PER_DEG) for a, b in self.points]
        if self.radius_m > 0.0:
            beyond = math.hypot(*points[0]) - self.radius_m
        else:
            edge = min(_origin_to_edge_m(p, q) for p, q in zip(points, points[1:] + points[:1], strict=True))
            beyond = -edge if _holds_origin(points) else edge
        return beyond if self.inside_allowed else -beyond

    def forbids(self, lat: float, lon: float) -> bool:
        """Whether a position is on the forbidden side: whether `outside_m` is not negative, for less than its price."""
        if self.radius_m > 0.0:
            return self.outside_m(lat, lon) >= 0.0
        scale = math.cos(math.radians(lat)) * METRES_PER_DEG
        inside, points = False, self.points
        a, b = points[-1]
        for c, d in points:
            if (a > lat) != (c > lat):  # only an edge that passes north and south of it has a crossing
                x1, y1, x2, y2 = (
                    (b - lon) * scale,
                    (a - lat) * METRES_PER_DEG,
                    (d - lon) * scale,
                    (c - lat) * METRES_PER_DEG,
                )
                if (x2 - x1) * -y1 / (y2 - y1) + x1 > 0.0:
                    inside = not inside
            a, b = c, d
        return inside is not self.inside_allowed


def _origin_to_edge_m(p: tuple[float, float], q: tuple[float, float]) -> float:
    dx, dy = q[0] - p[0], q[1] - p[1]
    square = dx * dx + dy * dy
    t = 0.0 if square == 0.0 else min(max(-(p[0] * dx + p[1] * dy) / square, 0.0), 1.0)
    return math.hypot(p[0] + t * dx, p[1] + t * dy)


def _holds_origin(points: Sequence[tuple[float, float]]) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True):
        if (y1 > 0.0) != (y2 > 0.0) and (x2 - x1) * -y1 / (y2 - y1) + x1 > 0.0:
            inside = not inside
    return inside


def breach_names(kinds: int) -> str:
    """Kinds of fence as status texts list them."""
    names = [name for bit, name in NAMES.items() if kinds & bit]
    if len(names) == 1:
        return f"{names[0]} fence"
    return f"{', '.join(names[:-1])} and {names[-1]} fences"


class Fence:
    """The uploaded areas and whether they are being broken."""

    def __init__(self) -> None:
        self.items: list[StoredItem] = []
        self.areas: tuple[Area, ...] = ()
        self.breached = 0
        self.breach_count = 0
        self.breach_time_s = 0.0
        self.mitigation = 0
        self.floor_counts = False

    def load(self, items: list[StoredItem]) -> None:
        """Take over a list of items whole; raises `FenceError` and changes nothing when it is not a fence."""
        self.areas = _areas(items)
        self.items = list(items)

    def outside_m(self, lat: float, lon: float) -> float:
        """How far [m] a position is outside all that the uploaded areas allow; negative inside, by the nearest edge."""
        if not self.areas:
            return -math.inf
        keep_in = [area.outside_m(lat, lon) for area in self.areas if area.inside_allowed]
        keep_out = [area.outside_m(lat, lon) for area in self.areas if not area.inside_allowed]
        return max([*keep_in, *keep_out])

    def excess(
        self,
        kinds: int,
        lat: float,
        lon: float,
        relative_m: float,
        from_home_m: float,
        ceiling_m: float,
        floor_m: float,
        radius_m: float,
    ) -> tuple[int, float]:
        """The kinds of fence that a place breaks, and how far [m] it is outside of the worst."""
        broken, worst = 0, 0.0
        if kinds & ALT_MIN and self.floor_counts and relative_m < floor_m:
            broken, worst = broken | ALT_MIN, floor_m - relative_m
        if kinds & ALT_MAX and relative_m > ceiling_m:
            broken, worst = broken | ALT_MAX, max(worst, relative_m - ceiling_m)
        if kinds & CIRCLE and from_home_m > radius_m:
            broken, worst = broken | CIRCLE, max(worst, from_home_m - radius_m)
        if kinds & POLYGON:
            beyond = self.outside_m(lat, lon) if any(area.forbids(lat, lon) for area in self.areas) else 0.0
            if beyond > 0.0:
                broken, worst = broken | POLYGON, max(worst, beyond)
        return broken, worst


def _areas(items: Sequence[StoredItem]) -> tuple[Area, ...]:
    areas: list[Area] = []
    place = 0
    while place < len(items):
        item = items[place]
        if item.command == RETURN_POINT:
            place += 1
            continue
        allowed = item.command in (5001, 5003)
        if item.command in (5003, 5004):
            if item.param1 <= 0.0:
                raise FenceError("Non-positive circle radius")
            areas.append(Area(allowed, ((item.x / 1e7, item.y / 1e7),), item.param1))
            place += 1
            continue
        count = int(item.param1)
        if count < 3:
            raise FenceError(f"Invalid vertex count ({count})")
        ring = items[place : place + count]
        if len(ring) < count or any(v.command != item.command or int(v.param1) != count for v in ring):
            raise FenceError("Incorrect item count")
        areas.append(Area(allowed, tuple((v.x / 1e7, v.y / 1e7) for v in ring)))
        place += count
    return tuple(areas)
