"""Obstacles: buildings, masts and overhead lines, read from GeoJSON with the height of whatever ground they stand on.

Polygons are buildings, points are masts and line strings are overhead lines whose positions are the pylons. Heights
are taken so that no obstacle is too low: over the highest ground under a building, and for a line the straight chord
between the tops of two pylons, under which every conductor hangs. A line is an obstacle down to the ground.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from airspace.charted import Circle, Corridor, Shape
from airspace.formats import chart_rules as rules
from airspace.formats.chart import LIST, OBJECT, Chart, finite, read_chart, shown
from airspace.formats.chart_fields import HEIGHT_RANGES_M, METRES
from airspace.formats.geojson_shapes import LAYER_SHAPES, read_shape
from airspace.frames import Datum, Height
from airspace.ground.surface import Surface
from airspace.reasons import Reason, Refused, Rule, Words

# The frames that agree with CGCS2000 within a metre, by the end of the names that GeoJSON files give them.
OWN_FRAMES = ("EPSG:4490", "EPSG::4490", "CGCS2000", "CRS84", "EPSG:4326", "EPSG::4326")

LONGEST_SPAN_M = 3000.0  # over the widest rivers; farther apart are places of a route, not pylons

LEAST_HEIGHT_M = 0.1
MOST_HEIGHT_M = 2000.0
MOST_LEVELS = 500.0

_DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,9})?", re.ASCII)

LEVELS = Words("levels", "层")
FEATURES = Words("a list of features", "要素数组")
HEIGHTS = Words("a height in metres, or one for each pylon", "以米为单位的高度，或每座杆塔各一个高度")

PYLONS_DIFFER = Rule(
    "ground.line.pylons",
    Words(
        "{heights} heights are given for a line of {pylons} different pylons",
        "线路有 {pylons} 座不同杆塔，却给出 {heights} 个高度",
    ),
    Words("Give one height for all pylons, or one for each.", "请给出一个通用高度，或每座杆塔各一个高度。"),
)
SPAN_TOO_LONG = Rule(
    "ground.line.span",
    Words(
        "the line goes {span_m:.0f} m from {place} without a pylon; what hangs between is not known",
        "线路自 {place} 起 {span_m:.0f} 米内没有杆塔，其间高度未知",
    ),
    Words("Give the position of every pylon.", "请给出每座杆塔的位置。"),
)
OBSTACLE_ID_TAKEN = Rule(
    "ground.obstacle.id",
    Words("the id {id} is taken by {first}", "标识 {id} 已被 {first} 使用"),
    Words("Give every obstacle an id of its own.", "请为每个障碍物使用唯一标识。"),
)


class ObstacleKind(StrEnum):
    """What an obstacle is."""

    BUILDING = "building"
    MAST = "mast"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands on the ground: its plan and how high it reaches.

    The shape is a polygon for a building, a `Circle` for a mast and a `Corridor` for a line. `tops_ellipsoidal_m` has
    the height of the top [m], for a line at each of its pylons. `base_ellipsoidal_m` is the lowest ground under it [m].
    """

    id: str
    name: str
    kind: ObstacleKind
    shape: Shape
    tops_ellipsoidal_m: tuple[float, ...]
    base_ellipsoidal_m: float

    @property
    def tall_m(self) -> float:
        """How tall it is over the lowest ground under it [m]."""
        return max(self.tops_ellipsoidal_m) - self.base_ellipsoidal_m


@dataclass(frozen=True, slots=True)
class ObstacleFields:
    """Which properties of a file hold what. Raises ValueError for flight levels, which nothing is built to.

    `height` is counted from `datum`. A feature without it may have `levels`, of `level_m` metres each, when that name
    is given. What has no `radius` (masts) or `half_width` (lines, swing of the conductors included) gets the default.
    """

    id: str = "id"
    name: str = "name"
    height: str = "height"
    datum: Datum = Datum.AGL
    levels: str = ""
    level_m: float = 3.5
    radius: str = "radius"
    half_width: str = "half_width"
    default_radius_m: float = 1.0
    default_half_width_m: float = 15.0

    def __post_init__(self) -> None:
        if self.datum is Datum.PRESSURE:
            raise ValueError("no obstacle is as high as a flight level says")


STANDARD_FIELDS = ObstacleFields()


@dataclass(frozen=True, slots=True)
class ObstacleReading:
    """Obstacles that can be trusted, each whole, and every problem found. `where` names file, feature and field."""

    obstacles: tuple[Obstacle, ...]
    reasons: tuple[Reason, ...] = ()


def read_obstacles(path: Path, surface: Surface, fields: ObstacleFields = STANDARD_FIELDS) -> ObstacleReading:
    """The obstacles of a GeoJSON file over a ground. Never raises for what the file holds."""
    try:
        document = read_chart(path)
    except Refused as refused:
        return ObstacleReading((), refused.reasons)
    return parse_obstacles(document, str(path), surface, fields)


def parse_obstacles(
    document: Mapping[str, Any], where: str, surface: Surface, fields: ObstacleFields = STANDARD_FIELDS
) -> ObstacleReading:
    """The obstacles of a GeoJSON FeatureCollection held in memory; `where` begins the place of every reason."""
    chart = Chart(where)
    if document.get("type") != "FeatureCollection":
        chart.add(rules.UNKNOWN_VALUE, "type", found=shown(document.get("type")), known="FeatureCollection")
    crs = document.get("crs")
    if crs is not None and not _is_own(crs):
        chart.add(rules.FOREIGN_FRAME, "crs", found=shown(crs))
    features = chart.member(document, "features", "", FEATURES)
    listed = chart.list(features, "features", FEATURES) if features is not None else None
    if chart.reasons or listed is None:
        return ObstacleReading((), tuple(chart.reasons))
    obstacles: list[Obstacle] = []
    first_at: dict[str, str] = {}
    for i, value in enumerate(listed):
        path = f"features[{i}]"
        obstacle = _read_feature(chart, value, path, surface, fields)
        if obstacle is None:
            continue
        if obstacle.id in first_at:
            at = f"{path}.properties.{fields.id}"
            chart.add(OBSTACLE_ID_TAKEN, at, id=obstacle.id, first=first_at[obstacle.id])
            continue
        first_at[obstacle.id] = path
        obstacles.append(obstacle)
    return ObstacleReading(tuple(obstacles), tuple(chart.reasons))


def _is_own(crs: Any) -> bool:
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    return isinstance(name, str) and name.endswith(OWN_FRAMES)


def _read_feature(chart: Chart, value: Any, path: str, surface: Surface, fields: ObstacleFields) -> Obstacle | None:
    """One obstacle, or None with reasons."""
    feature = chart.object(value, path)
    if feature is None:
        return None
    before = len(chart.reasons)
    given = feature.get("properties")
    properties = chart.object({} if given is None else given, f"{path}.properties")
    geometry_value = chart.member(feature, "geometry", path, OBJECT)
    geometry = chart.object(geometry_value, f"{path}.geometry") if geometry_value is not None else None
    if properties is None or geometry is None:
        return None
    shape = _read_shape(chart, geometry, properties, path, fields)
    heights_m = _read_heights(chart, properties, f"{path}.properties", fields)
    if shape is None or not heights_m or len(chart.reasons) > before:
        return None
    if len(heights_m) > 1 and not (isinstance(shape, Corridor) and len(heights_m) == len(shape.path)):
        pylons = len(shape.path) if isinstance(shape, Corridor) else 1
        chart.add(PYLONS_DIFFER, f"{path}.properties.{fields.height}", heights=len(heights_m), pylons=pylons)
        return None
    if isinstance(shape, Corridor) and not _is_pylons(chart, shape, f"{path}.geometry.coordinates"):
        return None
    try:
        tops_m, base_m = _stood(shape, heights_m, fields.datum, surface)
    except Refused as refused:
        for reason in refused.reasons:
            chart.add(reason.rule, path, **reason.facts)
        return None
    kind = _KINDS.get(type(shape), ObstacleKind.BUILDING)
    name = properties.get(fields.name)
    return Obstacle(
        id=_id_of(feature, properties, path, fields),
        name=name if isinstance(name, str) else "",
        kind=kind,
        shape=shape,
        tops_ellipsoidal_m=tops_m,
        base_ellipsoidal_m=base_m,
    )


_KINDS: Mapping[type, ObstacleKind] = {Circle: ObstacleKind.MAST, Corridor: ObstacleKind.LINE}


def _is_pylons(chart: Chart, line: Corridor, path: str) -> bool:
    for i, (one, other) in enumerate(pairwise(line.path)):
        span_m = one.distance_m(other)
        if span_m > LONGEST_SPAN_M:
            chart.add(SPAN_TOO_LONG, f"{path}[{i}]", span_m=span_m, place=str(one))
            return False
    return True


def _id_of(feature: Mapping[str, Any], properties: Mapping[str, Any], path: str, fields: ObstacleFields) -> str:
    """The id of a feature, or its place in the file where it has none."""
    for value in (properties.get(fields.id), feature.get("id")):
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return path


def _read_shape(
    chart: Chart, geometry: Mapping[str, Any], properties: Mapping[str, Any], path: str, fields: ObstacleFields
) -> Shape | None:
    at = f"{path}.properties"
    members: dict[str, Any] = {}
    for kind, member, name, default_m in (
        ("Point", "radius_m", fields.radius, fields.default_radius_m),
        ("LineString", "half_width_m", fields.half_width, fields.default_half_width_m),
    ):
        if geometry.get("type") == kind:
            size = properties.get(name)
            members[member] = default_m if size is None else _number(size)
    if geometry.get("type") in LAYER_SHAPES and isinstance(geometry.get("coordinates"), list):
        geometry = {**geometry, "coordinates": _without_heights(geometry["coordinates"])}
    return read_shape(chart, geometry, members, f"{path}.geometry", at)


def _without_heights(coordinates: Any) -> Any:
    """Positions of GeoJSON without their third number, which is no height of the obstacle's top."""
    if not isinstance(coordinates, list):
        return coordinates
    if len(coordinates) == 3 and all(finite(number) is not None for number in coordinates):
        return coordinates[:2]
    return [_without_heights(inner) for inner in coordinates]


def _read_heights(chart: Chart, properties: Mapping[str, Any], at: str, fields: ObstacleFields) -> list[float]:
    """The height of the obstacle [m] over its datum, one or one for each pylon; empty with reasons."""
    low_m, high_m = (LEAST_HEIGHT_M, MOST_HEIGHT_M) if fields.datum is Datum.AGL else HEIGHT_RANGES_M[fields.datum]
    value = properties.get(fields.height)
    path = f"{at}.{fields.height}"
    if value is None and fields.levels and properties.get(fields.levels) is not None:
        path = f"{at}.{fields.levels}"
        levels = chart.number(_number(properties[fields.levels]), path, LEAST_HEIGHT_M, MOST_LEVELS, LEVELS)
        return [] if levels is None else [levels * fields.level_m]
    if value is None:
        chart.add(rules.MISSING, path, expected=HEIGHTS)
        return []
    values = chart.list(value, path, LIST) or [] if isinstance(value, list) else [value]
    paths = [f"{path}[{i}]" for i in range(len(values))] if isinstance(value, list) else [path]
    if not values:
        chart.add(rules.WRONG_SHAPE, path, found=shown(value), expected=HEIGHTS)
    read = [chart.number(_number(one), where, low_m, high_m, METRES) for one, where in zip(values, paths, strict=True)]
    return [number for number in read if number is not None] if None not in read else []


def _number(value: Any) -> Any:
    """A number written as text, as OpenStreetMap writes all of them; everything else as it is."""
    return float(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else value


def _stood(shape: Shape, heights_m: list[float], datum: Datum, surface: Surface) -> tuple[tuple[float, ...], float]:
    """The tops over the ellipsoid and the lowest ground under the obstacle [m]. Raises `Refused` for unknown ground."""
    lowest, highest = surface.under(shape)
    base_m = lowest.ellipsoidal_m(Height(0.0, Datum.AGL))
    if isinstance(shape, Corridor):
        heights_m = heights_m * len(shape.path) if len(heights_m) == 1 else heights_m
        grounds = [surface.at(pylon) for pylon in shape.path]
    else:
        grounds = [highest]
    tops = (ground.ellipsoidal_m(Height(h, datum)) for ground, h in zip(grounds, heights_m, strict=True))
    return tuple(tops), base_m
