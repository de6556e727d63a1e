"""The geofence that the drone keeps by itself: one inclusion polygon around everything it may have to fly, and zones.

The inclusion holds every leg and every contingency way with the lateral margin; it stays out of the zones at its edge,
and zones that lie within it become exclusions. Corners are few, because the autopilot stores 70 fence items in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from airspace.frames import LatLon, LocalFrame
from airspace.margins import grown
from missions.items import Command, Frame, MissionItem
from missions.rings import few_corners, part_with

MOST_CORNERS = 60
ROOM_M = 25.0  # how far beyond what it must hold the fence may stand where no zone is near
ZONE_GAP_M = 1.0  # between the fence and a zone, where there is room for it
POSITION_DIGITS = 7  # degrees: what an autopilot stores
ROUNDING_M = 0.02  # what the last digit can move a corner by, and a little


@dataclass(frozen=True, slots=True)
class Fence:
    """The polygons of a fence in the local frame [m]."""

    inclusion: Polygon
    exclusions: tuple[Polygon, ...] = ()

    @property
    def corners(self) -> int:
        """How many items the fence takes in an autopilot."""
        return sum(len(shape.exterior.coords) - 1 for shape in (self.inclusion, *self.exclusions))

    def holds(self, shapes: Iterable[BaseGeometry], margin_m: float) -> bool:
        """Whether all shapes with the margin around them are allowed by the fence."""
        parts = _grown_each(shapes, margin_m - ROUNDING_M)
        shapely.prepare(self.inclusion)
        return bool(shapely.contains(self.inclusion, parts).all()) and not any(
            shapely.intersects(shape, parts).any() for shape in self.exclusions
        )

    def keeps_out(self, zones: Sequence[Polygon | MultiPolygon]) -> bool:
        """Whether no point that the fence allows lies in a zone, but for what rounding moves."""
        allowed = shapely.difference(self.inclusion, shapely.union_all(list(self.exclusions)))
        return not any(zone.buffer(-ROUNDING_M).intersects(allowed) for zone in zones)


def make_fence(shapes: Sequence[BaseGeometry], zones: Sequence[Polygon | MultiPolygon], margin_m: float) -> Fence:
    """A fence that holds all shapes with `margin_m` [m] around them and keeps out of all zones.

    The shapes, with the margin, must be one piece that touches no zone; raises ValueError when they are not. The
    caller compares `corners` with `MOST_CORNERS`.
    """
    core = _around(shapes, margin_m)
    if not isinstance(core, Polygon):
        raise ValueError("a fence can hold only what is one piece")
    closed = shapely.union_all(list(zones)) if zones else Polygon()
    gap_m = min(ZONE_GAP_M, float(core.distance(closed)) / 3) if zones else ZONE_GAP_M
    if gap_m <= ROUNDING_M:
        raise ValueError("what the fence must hold touches a zone")
    outer = part_with(core.buffer(ROOM_M).difference(closed.buffer(gap_m)), core)
    inclusion = few_corners(Polygon(core.exterior), outer, ROOM_M)
    exclusions = []
    for part in shapely.get_parts(closed.intersection(inclusion)):
        zone = Polygon(part.exterior)
        if zone.area > 0.0 and not core.within(zone):
            exclusions.append(few_corners(zone, part_with(zone.buffer(ROOM_M).difference(core), zone), ROOM_M))
    return Fence(inclusion, tuple(exclusions))


def _around(shapes: Iterable[BaseGeometry], margin_m: float) -> BaseGeometry:
    core: BaseGeometry = shapely.union_all(_grown_each(shapes, margin_m))
    return core


def _grown_each(shapes: Iterable[BaseGeometry], margin_m: float) -> list[BaseGeometry]:
    # One by one: GEOS buffers a collection of overlapping triangles a hundred times slower.
    return [grown(shape, margin_m) for shape in shapes]


def fence_items(fence: Fence, frame: LocalFrame) -> tuple[MissionItem, ...]:
    """The fence as MAVLink items: positions in degrees as an autopilot stores them."""
    items = _polygon_items(Command.FENCE_POLYGON_INCLUSION, fence.inclusion, frame)
    for exclusion in fence.exclusions:
        items += _polygon_items(Command.FENCE_POLYGON_EXCLUSION, exclusion, frame)
    return items


def _polygon_items(command: Command, shape: Polygon, frame: LocalFrame) -> tuple[MissionItem, ...]:
    ring = frame.lon_lat_array(list(shape.exterior.coords)[:-1])
    return tuple(
        MissionItem(
            command=int(command),
            frame=int(Frame.GLOBAL),
            param1=float(len(ring)),
            lat_deg=round(float(lat), POSITION_DIGITS),
            lon_deg=round(float(lon), POSITION_DIGITS),
            autocontinue=False,
        )
        for lon, lat in ring
    )


def fence_from_items(items: Sequence[MissionItem], frame: LocalFrame) -> Fence:
    """A fence of polygons as its items say. Raises ValueError for any other item.

    Of several inclusions ArduPilot keeps the drone in all at once, so their intersection is the fence.
    """
    inclusions: list[Polygon] = []
    exclusions: list[Polygon] = []
    start = 0
    while start < len(items):
        command, count = items[start].command, int(items[start].param1)
        group = items[start : start + count]
        if command not in (Command.FENCE_POLYGON_INCLUSION, Command.FENCE_POLYGON_EXCLUSION) or len(group) < max(
            count, 3
        ):
            raise ValueError(f"fence item {start} does not begin a polygon")
        shape = Polygon([frame.xy(LatLon(item.lat_deg, item.lon_deg)) for item in group])
        (inclusions if command == Command.FENCE_POLYGON_INCLUSION else exclusions).append(shape)
        start += count
    inside_all = shapely.intersection_all(inclusions)
    if not isinstance(inside_all, Polygon) or inside_all.is_empty:
        raise ValueError("the inclusions of a fence must have one common piece")
    return Fence(inside_all, tuple(exclusions))


def fence_parameters(
    *, highest_relative_m: float, return_relative_m: float, rally_includes_home: bool
) -> dict[str, float]:
    """The vehicle's parameters that make this fence and the contingency ways true.

    FENCE_TYPE 5 is height and polygons, without ArduPilot's circle of 150 m around home. RTL_ALT is in cm. A
    RALLY_LIMIT_KM of 0 lets every rally point count, and RTL_CONE_SLOPE 0 keeps a return at its height near the end.
    """
    return {
        "FENCE_TYPE": 5.0,
        "FENCE_ACTION": 1.0,
        "FENCE_ALT_MAX": round(highest_relative_m, 1),
        "RTL_ALT": round(return_relative_m * 100.0),
        "RTL_CONE_SLOPE": 0.0,
        "RALLY_INCL_HOME": 1.0 if rally_includes_home else 0.0,
        "RALLY_LIMIT_KM": 0.0,
    }
