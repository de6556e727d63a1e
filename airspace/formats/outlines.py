"""Outlines of any chart made sound: simple, in range, of a sensible size, cut at the antimeridian; or refused by name.

No local frame is needed: positions are (longitude, latitude) in degrees, areas are geodesic on the CGCS2000 ellipsoid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon, box

from airspace.charted import Circle, Corridor
from airspace.formats import chart_rules as rules
from airspace.formats.chart import Chart
from airspace.frames import GEOD, Height, LatLon
from airspace.laying import LONGEST_EDGE_DEG, LONGEST_EDGE_M, why_not_simple
from airspace.reasons import Words

MOST_POSITIONS = 10_000  # corners of one outline, as many as F3548-21 allows
MOST_BENT_POSITIONS = 100_000
LEAST_AREA_M2 = 1.0
LEAST_RADIUS_M = 1.0
LARGEST_RADIUS_M = 100_000.0

Outline = Polygon | MultiPolygon
LonLat = tuple[float, float]
_Ring = npt.NDArray[np.float64]


def sound(chart: Chart, rings: Sequence[Sequence[LonLat]], path: str, *, as_geojson: bool = False) -> Outline | None:
    """One polygon with its holes in (longitude, latitude) degrees, or None with reasons.

    `rings` holds the outer ring first; a ring may or may not repeat its first position at its end, and positions that
    repeat the one before are dropped. With `as_geojson` every ring must close and reasons name it `path[i]`. An edge
    that jumps by more than 180 degrees of longitude runs over the antimeridian: the outline is split there.
    """
    return sound_parts(chart, [rings], [path], path, as_geojson=as_geojson)


def sound_parts(
    chart: Chart,
    polygons: Sequence[Sequence[Sequence[LonLat]]],
    paths: Sequence[str],
    path: str,
    *,
    as_geojson: bool = False,
) -> Outline | None:
    """Several polygons as one outline, each with its rings as in `sound` and its own path; or None with reasons."""
    if not polygons:
        chart.add(rules.RING_SHORT, path, count=0)
        return None
    before = len(chart.reasons)
    read = [_polygon(chart, rings, at, as_geojson) for rings, at in zip(polygons, paths, strict=True)]
    whole = [polygon for polygon in read if polygon is not None]
    if len(chart.reasons) > before:
        return None
    outline: Outline = whole[0] if len(whole) == 1 else MultiPolygon(whole)
    if not _is_manageable(chart, outline, path) or not _is_simple(chart, outline, path):
        return None
    area_m2 = area_of(outline)
    if area_m2 < LEAST_AREA_M2:
        chart.add(rules.TOO_SMALL, path, area_m2=area_m2)
        return None
    split = _split(outline)
    return split if split is outline or _is_simple(chart, split, path) else None


def sound_circle(chart: Chart, centre: LonLat, radius_m: float, path: str) -> Circle | None:
    """A circle around (longitude, latitude) degrees with a radius [m] between 1 m and 100 km; or None with reasons."""
    sized = _is_sized(chart, radius_m, path)
    if not _is_on_earth(chart, np.array([centre], dtype=np.float64), path) or not sized:
        return None
    return Circle(LatLon(float(centre[1]), float(centre[0])), float(radius_m))


def sound_corridor(chart: Chart, line: Sequence[LonLat], half_width_m: float, path: str) -> Corridor | None:
    """A corridor along (longitude, latitude) degrees, 1 m to 100 km to each side [m]; or None with reasons.

    Positions that repeat the one before are dropped; two must be left. The line may cross itself.
    """
    sized = _is_sized(chart, half_width_m, path)
    positions = _distinct(np.array(line, dtype=np.float64).reshape(-1, 2))
    if len(positions) < 2:
        chart.add(rules.LINE_SHORT, path, count=len(positions))
        return None
    if len(positions) > MOST_POSITIONS:
        chart.add(rules.TOO_MANY, path, count=len(positions), most=MOST_POSITIONS)
        return None
    if not _is_on_earth(chart, positions, path) or not sized:
        return None
    away_m = GEOD.line_length(positions[:, 0], positions[:, 1])
    if away_m / LONGEST_EDGE_M > MOST_BENT_POSITIONS:
        chart.add(rules.TOO_MANY, path, count=int(away_m / LONGEST_EDGE_M), most=MOST_BENT_POSITIONS)
        return None
    return Corridor(tuple(LatLon(lat, lon) for lon, lat in positions.tolist()), float(half_width_m))


def sound_heights(chart: Chart, floor: Height, ceiling: Height, path: str) -> bool:
    """Whether a floor lies under a ceiling, else a reason; of two datums nothing is said before they are laid."""
    if floor.datum is not ceiling.datum or floor < ceiling:
        return True
    rule = rules.FLAT if floor == ceiling else rules.UPSIDE_DOWN
    chart.add(rule, path, floor=str(floor), ceiling=str(ceiling))
    return False


def area_of(outline_lon_lat_deg: Outline) -> float:
    """The geodesic area [m2] of an outline in (longitude, latitude) degrees."""
    turned = shapely.orient_polygons(outline_lon_lat_deg)
    return float(math.fsum(GEOD.geometry_area_perimeter(part)[0] for part in shapely.get_parts(turned)))


def _polygon(chart: Chart, rings: Sequence[Sequence[LonLat]], path: str, as_geojson: bool) -> Polygon | None:
    """One polygon with continuous longitudes, which may run beyond 180 degrees; its rings are not yet compared."""
    if not rings:
        chart.add(rules.RING_SHORT, path, count=0)
        return None
    paths = [f"{path}[{i}]" if as_geojson else f"{path} hole {i}" if i else path for i in range(len(rings))]
    read = [_ring(chart, ring, at, as_geojson) for ring, at in zip(rings, paths, strict=True)]
    whole = [ring for ring in read if ring is not None]
    if len(whole) < len(rings):
        return None
    shell, *holes = whole
    middle_deg = (shell[:, 0].min() + shell[:, 0].max()) / 2
    return Polygon(shell, [_beside(hole, middle_deg) for hole in holes])


def _ring(chart: Chart, positions: Sequence[LonLat], path: str, as_geojson: bool) -> _Ring | None:
    """A ring without repeated positions, its first not repeated at the end, longitudes continuous."""
    if len(positions) > MOST_POSITIONS + 1:
        chart.add(rules.TOO_MANY, path, count=len(positions), most=MOST_POSITIONS)
        return None
    ring = np.array(positions, dtype=np.float64).reshape(-1, 2)
    if as_geojson and len(ring) < 4:
        chart.add(rules.RING_SHORT, path, count=len(ring))
        return None
    if not _is_on_earth(chart, ring, path):
        return None
    if as_geojson and tuple(ring[0]) != tuple(ring[-1]):
        chart.add(rules.RING_OPEN, path, first=str(_place(*ring[0])), last=str(_place(*ring[-1])))
        return None
    ring = _distinct(ring)
    if len(ring) > 1 and tuple(ring[0]) == tuple(ring[-1]):
        ring = ring[:-1]
    if len(ring) < 3:
        chart.add(rules.RING_SHORT, path, count=len(ring))
        return None
    return _unrolled(chart, ring, path)


def _distinct(positions: _Ring) -> _Ring:
    """The positions without those that repeat the one before."""
    if len(positions) < 2:
        return positions
    kept: _Ring = positions[np.concatenate([[True], np.any(positions[1:] != positions[:-1], axis=1)])]
    return kept


def _unrolled(chart: Chart, ring: _Ring, path: str) -> _Ring | None:
    """The ring with 360 degrees added to or taken from what lies beyond the antimeridian, seen from its start."""
    steps = np.diff(np.append(ring[:, 0], ring[0, 0]))
    turns = np.where(steps < -180.0, 1, np.where(steps > 180.0, -1, 0))
    if not turns.any():
        return ring
    if turns.sum() != 0:
        chart.add(rules.AROUND_POLE, path)
        return None
    unrolled = ring.copy()
    unrolled[1:, 0] += 360.0 * np.cumsum(turns[:-1])
    return unrolled


def _beside(hole: _Ring, middle_deg: float) -> _Ring:
    """A hole moved by whole turns to the side of the antimeridian that its shell was unrolled to."""
    hole_middle_deg = (hole[:, 0].min() + hole[:, 0].max()) / 2
    turns = round((middle_deg - hole_middle_deg) / 360.0)
    return hole + np.array([360.0 * turns, 0.0]) if turns else hole


def _split(outline: Outline) -> Outline:
    """What lies beyond the antimeridian brought back to the other side of the map."""
    west_deg, _, east_deg, _ = outline.bounds
    if west_deg >= -180.0 and east_deg <= 180.0:
        return outline
    parts: list[Polygon] = []
    for turn_deg in (-360.0, 0.0, 360.0):
        cut = outline.intersection(box(turn_deg - 180.0, -90.0, turn_deg + 180.0, 90.0))
        here = translate(cut, xoff=-turn_deg)
        parts += [part for part in shapely.get_parts(here) if isinstance(part, Polygon)]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _is_on_earth(chart: Chart, positions: _Ring, path: str) -> bool:
    with np.errstate(invalid="ignore"):
        good = (np.abs(positions[:, 0]) <= 180.0) & (np.abs(positions[:, 1]) <= 90.0)  # false for what is not finite
    if good.all():
        return True
    lon_deg, lat_deg = positions[int(np.argmin(good))]
    chart.add(rules.OFF_EARTH, path, found=f"[{lon_deg:g}, {lat_deg:g}]")
    return False


def _is_sized(chart: Chart, radius_m: float, path: str) -> bool:
    if math.isfinite(radius_m) and LEAST_RADIUS_M <= radius_m <= LARGEST_RADIUS_M:
        return True
    facts = {"found": radius_m, "low": LEAST_RADIUS_M, "high": LARGEST_RADIUS_M, "unit": Words("metres", "米")}
    chart.add(rules.OUT_OF_RANGE, path, **facts)
    return False


def _is_manageable(chart: Chart, outline: Outline, path: str) -> bool:
    parts = shapely.get_parts(outline)
    count = int(shapely.get_num_coordinates(outline)) - sum(1 + len(part.interiors) for part in parts)
    bent = int(count + outline.length / LONGEST_EDGE_DEG)
    if count <= MOST_POSITIONS and bent <= MOST_BENT_POSITIONS:
        return True
    most = MOST_POSITIONS if count > MOST_POSITIONS else MOST_BENT_POSITIONS
    chart.add(rules.TOO_MANY, path, count=count if count > MOST_POSITIONS else bent, most=most)
    return False


def _is_simple(chart: Chart, outline: Outline, path: str) -> bool:
    if outline.is_valid:
        return True
    why, lon_deg, lat_deg = why_not_simple(outline)
    place = _place((lon_deg + 180.0) % 360.0 - 180.0, lat_deg)
    chart.add(rules.CROSSING, path, why=Words(f"{why.en} at {place}", f"{why.zh}，位于 {place}"))
    return False


def _place(lon_deg: float, lat_deg: float) -> LatLon:
    return LatLon(float(lat_deg), float(lon_deg))
