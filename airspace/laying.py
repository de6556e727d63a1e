"""Charted shapes and heights laid into a local frame: outlines in metres, heights over the ellipsoid, never too small.

What is drawn with straight edges keeps them straight in degrees, as GeoJSON has it: an edge is cut into pieces of 0.01
degrees, which stay within 3 cm of it below 45 degrees of latitude and within 600 km of the frame's origin. Circles and
corridors are drawn around their true border. Between two points r from the origin the plane's distances are up to
(r/R)^2 / 6 too long (`frames.scale_error`: 0.4 mm in a kilometre at 300 km, 1.5 m at 600 km), so a margin of 20 m flown
at the far end of a province is 3 cm short at most.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import translate
from shapely.geometry import LineString, MultiPolygon, Polygon

from airspace.charted import Circle, Corridor, Layer, Shape
from airspace.frames import GEOD, Datum, Ground, Height, LatLon, LocalFrame, pressure_band_m, scale_error
from airspace.ground.surface import Surface
from airspace.margins import grown
from airspace.reasons import Reason, Refused, Rule, Words

FARTHEST_M = 600_000.0  # a province across, seen from its edge

# An edge is straight in degrees; in the plane it bends by up to edge^2 tan(lat) / 8R. Pieces of 0.01 degrees keep the
# bend under 2 cm below 45 degrees of latitude, and the plane's own bend adds 1 cm at 600 km.
LONGEST_EDGE_DEG = 0.01
LONGEST_EDGE_M = 1000.0

FEWEST_CORNERS = 128  # of a circle: the polygon reaches 0.03 % beyond it
SPARE_M = 0.001  # what the border of a circle or corridor bends between its corners

FAR = Rule(
    "zone.far",
    Words("{place} is {away_km:.0f} km from the site's origin", "{place} 距站点原点 {away_km:.0f} 千米"),
    Words(
        "Check that longitude comes first; a site's chart reaches {most_km:.0f} km at most.",
        "请检查是否经度在前；站点图最远 {most_km:.0f} 千米。",
    ),
)
BENT = Rule(
    "zone.bent",
    Words("once its edges bend the outline is not simple: {why} at {place}", "边线弯曲后轮廓无效：{why}，位于 {place}"),
    Words("Move its edges a little apart there.", "请在该处略微拉开边线。"),
)

NO_GROUND = Rule(
    "zone.no-ground",
    Words("{height} cannot be placed without a ground", "没有地面高程，无法确定 {height} 的位置"),
    Words(
        "Give ellipsoidal_m beside it, or load the chart with a site.", "请同时给出 ellipsoidal_m，或指定站点后加载。"
    ),
)

# What shapely says of an invalid outline, in words.
WHY_NOT_SIMPLE: dict[str, Words] = {
    "Self-intersection": Words("two edges cross", "边线相交"),
    "Ring Self-intersection": Words("a ring touches or crosses itself", "环自相接或自相交"),
    "Hole lies outside shell": Words("a hole lies outside its ring", "孔洞位于外环之外"),
    "Holes are nested": Words("a hole lies inside another", "孔洞相互嵌套"),
    "Nested shells": Words("a part lies inside another", "部分相互嵌套"),
    "Duplicate Rings": Words("two rings are the same", "存在相同的环"),
    "Interior is disconnected": Words("its holes cut it into pieces", "孔洞将其割裂"),
    "Too few points in geometry component": Words("a ring has fewer than three corners", "环的顶点少于三个"),
}


def laid_shape(frame: LocalFrame, shape: Shape, where: str = "") -> Polygon | MultiPolygon:
    """The outline [m] of a charted shape in a local frame.

    Raises `Refused` for a shape that reaches farther than `FARTHEST_M` from the origin.
    """
    if isinstance(shape, Circle):
        return Polygon(_plane(frame, circle_ring(shape), where))
    if isinstance(shape, Corridor):
        line_m = _plane(frame, _dense(shape), where)
        off = scale_error(float(np.hypot(line_m[:, 0], line_m[:, 1]).max()) + shape.half_width_m)
        return grown(LineString(line_m), shape.half_width_m * (1.0 + off) + SPARE_M)
    _plane(frame, shapely.get_coordinates(shape), where)
    bent = shapely.segmentize(_in_one_piece(shape), LONGEST_EDGE_DEG)
    outline: Polygon | MultiPolygon = shapely.transform(bent, frame.xy_array)
    if not outline.is_valid:
        why, x_m, y_m = why_not_simple(outline)
        place = frame.latlon(x_m, y_m)
        raise Refused(
            [Reason(BENT, where, {"why": why, "place": str(place)}, lat_deg=place.lat_deg, lon_deg=place.lon_deg)]
        )
    return outline


def why_not_simple(outline: Polygon | MultiPolygon) -> tuple[Words, float, float]:
    """What is wrong with an outline that is not valid, and where, in its own coordinates."""
    why, _, at = shapely.is_valid_reason(outline).partition("[")
    x, y = (float(part) for part in at.rstrip("]").split())
    return WHY_NOT_SIMPLE.get(why, Words(why, why)), x, y


def charted_outline(frame: LocalFrame, outline_m: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    """An outline in the local frame [m] in (longitude, latitude) degrees, with long edges bent as degrees bend them."""
    bent = shapely.segmentize(outline_m, LONGEST_EDGE_M)
    outline_lon_lat_deg: Polygon | MultiPolygon = shapely.transform(bent, frame.lon_lat_array)
    return outline_lon_lat_deg


def circle_ring(circle: Circle) -> npt.NDArray[np.float64]:
    """The corners of a polygon around a circle in (longitude, latitude) degrees, shape (n, 2), not closed.

    Nothing of the circle is outside; the corners reach 0.03 % beyond it.
    """
    corners = max(FEWEST_CORNERS, math.ceil(2 * math.pi * circle.radius_m / LONGEST_EDGE_M))
    reach_m = circle.radius_m / math.cos(math.pi / corners) + SPARE_M
    bearings_deg = np.linspace(0.0, -360.0, corners, endpoint=False)
    lon_deg, lat_deg, _ = GEOD.fwd(
        np.full(corners, circle.centre.lon_deg),
        np.full(corners, circle.centre.lat_deg),
        bearings_deg,
        np.full(corners, reach_m),
    )
    return np.column_stack([lon_deg, lat_deg])


def middle_of(shape: Shape) -> LatLon:
    """A place in a shape: for what asks where a zone lies, as its sunrise does."""
    if isinstance(shape, Circle):
        return shape.centre
    if isinstance(shape, Corridor):
        return shape.path[len(shape.path) // 2]
    middle = shape.representative_point()
    return LatLon(float(middle.y), float(middle.x))


def laid_heights(layer: Layer, surface: Surface | None, where: str = "") -> tuple[float, float]:
    """Floor and ceiling of a layer over the ellipsoid [m].

    A floor counts from the lowest ground, or the lowest sea, under the shape and a ceiling from the highest; a flight
    level is taken at the edge of the band in which the weather moves it. So a layer is nowhere thinner than its chart
    says. Raises `Refused` where nothing is known of the ground, and for heights over it when there is no surface.
    """
    grounds: tuple[Ground, ...] = ()
    if layer.floor.datum is not Datum.ELLIPSOIDAL or layer.ceiling.datum is not Datum.ELLIPSOIDAL:
        if surface is None:
            height = layer.ceiling if layer.floor.datum is Datum.ELLIPSOIDAL else layer.floor
            raise Refused([Reason(NO_GROUND, where, {"height": str(height)})])
        grounds = surface.under(layer.shape)
    return min(_sides_m(layer.floor, grounds)), max(_sides_m(layer.ceiling, grounds))


def _sides_m(height: Height, grounds: tuple[Ground, ...]) -> list[float]:
    """Where a height can lie over the ellipsoid [m]."""
    if height.datum is Datum.ELLIPSOIDAL:
        return [height.value_m]
    if height.datum is Datum.PRESSURE:
        return [amsl_m + ground.geoid_m for amsl_m in pressure_band_m(height) for ground in grounds]
    return [ground.ellipsoidal_m(height) for ground in grounds]


def _plane(frame: LocalFrame, lon_lat_deg: npt.NDArray[np.float64], where: str) -> npt.NDArray[np.float64]:
    """Positions in the plane [m]; raises `Refused` when one is too far off."""
    try:
        xy_m = frame.xy_array(lon_lat_deg)
        away_m = np.hypot(xy_m[:, 0], xy_m[:, 1])
    except ValueError:  # so far off that the plane has no place for it
        origin = np.broadcast_to([frame.origin.lon_deg, frame.origin.lat_deg], lon_lat_deg.shape)
        away_m = np.asarray(GEOD.inv(origin[:, 0], origin[:, 1], lon_lat_deg[:, 0], lon_lat_deg[:, 1])[2])
    worst = int(np.argmax(away_m))
    if away_m[worst] > FARTHEST_M:
        place = LatLon(float(lon_lat_deg[worst, 1]), float(lon_lat_deg[worst, 0]))
        facts = {"place": str(place), "away_km": float(away_m[worst]) / 1000, "most_km": FARTHEST_M / 1000}
        raise Refused([Reason(FAR, where, facts, lat_deg=place.lat_deg, lon_deg=place.lon_deg)])
    return xy_m


def _dense(corridor: Corridor) -> npt.NDArray[np.float64]:
    """The corridor's path as (longitude, latitude) degrees along its geodesics, a point at least every kilometre."""
    rows: list[tuple[float, float]] = []
    for start, end in zip(corridor.path, corridor.path[1:], strict=False):
        pieces = math.ceil(start.distance_m(end) / LONGEST_EDGE_M)
        between = GEOD.npts(start.lon_deg, start.lat_deg, end.lon_deg, end.lat_deg, pieces - 1) if pieces > 1 else []
        rows += [(start.lon_deg, start.lat_deg), *between]
    last = corridor.path[-1]
    return np.array([*rows, (last.lon_deg, last.lat_deg)], dtype=np.float64)


def _in_one_piece(outline: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    """An outline that was cut at the antimeridian, joined there again; longitudes then run beyond 180 degrees."""
    west_deg, _, east_deg, _ = outline.bounds
    if not isinstance(outline, MultiPolygon) or west_deg > -180.0 or east_deg < 180.0:
        return outline
    parts = [translate(part, xoff=360.0) if part.bounds[2] <= 0.0 else part for part in outline.geoms]
    joined: Polygon | MultiPolygon = shapely.union_all(parts)
    return joined
