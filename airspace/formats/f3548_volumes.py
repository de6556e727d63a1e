"""Volumes of ASTM F3548-21 as charted volumes and back.

F3548 knows polygons whose edges are geodesics, without holes, and circles, in WGS 84; altitudes are ellipsoidal. Charts
here have edges that are straight in degrees of CGCS2000: where the two differ by more than a centimetre, points are put
on the edge. The height of a place is the same in both frames within 2 mm and is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from airspace.charted import UNLIMITED, Circle, Corridor, Layer, Shape
from airspace.foreign_intents import ChartedVolume
from airspace.formats import chart_rules
from airspace.formats import f3548_rules as rules
from airspace.formats.chart import Chart, shown
from airspace.formats.chart_fields import HEIGHT_RANGES_M, read_time, rfc3339
from airspace.formats.drawing import along_degrees, along_geodesics, around, pieces_of
from airspace.formats.f3548_shapes import Altitude, OpenVolume3D, OpenVolume4D, Point, Time, Volume3D, Volume4D
from airspace.formats.geozones import GROUND
from airspace.formats.outlines import MOST_POSITIONS, LonLat, Outline, sound, sound_circle, sound_heights
from airspace.frames import Datum, Height, LatLon
from airspace.geodesy.epochs import Motion, ReferenceFrame, decimal_year, from_cgcs2000, to_cgcs2000


@dataclass(frozen=True, slots=True)
class Frame:
    """How WGS 84 positions become CGCS2000 ones.

    Without a `motion` they are taken as they are, 0.8 m off in Henan by 2026, which the margins count. `epoch` is the
    decimal year of the positions; None stands for the moment at which each volume begins.
    """

    motion: Motion | None = None
    epoch: float | None = None

    def inwards(self, positions: Sequence[LonLat], at_s: float) -> list[LonLat]:
        """WGS 84 (longitude, latitude) degrees in CGCS2000."""
        return self._moved(positions, at_s, out=False)

    def outwards(self, positions: Sequence[LonLat], at_s: float) -> list[LonLat]:
        """CGCS2000 (longitude, latitude) degrees in WGS 84."""
        return self._moved(positions, at_s, out=True)

    def _moved(self, positions: Sequence[LonLat], at_s: float, *, out: bool) -> list[LonLat]:
        if self.motion is None:
            return [(lon_deg, lat_deg) for lon_deg, lat_deg in positions]
        given = np.array(positions, dtype=np.float64)
        epoch = decimal_year(at_s) if self.epoch is None else self.epoch
        move = from_cgcs2000 if out else to_cgcs2000
        lat_deg, lon_deg, _ = move(
            given[:, 1], given[:, 0], np.zeros(len(given)), epoch, self.motion, ReferenceFrame.WGS84
        )
        return list(zip(lon_deg.tolist(), lat_deg.tolist(), strict=True))


def read_instant(chart: Chart, time: Time, path: str) -> float | None:
    """A time as UTC seconds, or None with a reason: F3548 has them in UTC only."""
    if time.value[-1:] not in ("Z", "z"):
        chart.add(rules.NOT_ZULU, f"{path}.value", found=shown(time.value))
        return None
    return read_time(chart, time.value, f"{path}.value")


def read_volume(
    chart: Chart, volume: Volume4D | OpenVolume4D, span: tuple[float, float], frame: Frame, path: str
) -> ChartedVolume | None:
    """A charted volume, or None with reasons. `span` is the time of the reference [s UTC], which holds all volumes."""
    start_s = span[0] if volume.time_start is None else read_instant(chart, volume.time_start, f"{path}.time_start")
    end_s = span[1] if volume.time_end is None else read_instant(chart, volume.time_end, f"{path}.time_end")
    if start_s is not None and end_s is not None:
        if not start_s < end_s:
            chart.add(chart_rules.TIME_ORDER, path, start=rfc3339(start_s), end=rfc3339(end_s))
        elif start_s < span[0] or end_s > span[1]:
            chart.add(rules.OUT_OF_SPAN, path, start=rfc3339(start_s), end=rfc3339(end_s))
    body = volume.volume
    floor, ceiling = _height(body.altitude_lower, GROUND), _height(body.altitude_upper, UNLIMITED)
    good = sound_heights(chart, floor, ceiling, f"{path}.volume")
    shape = _read_outline(chart, body, frame, span[0] if start_s is None else start_s, f"{path}.volume")
    if shape is None or not good or start_s is None or end_s is None:
        return None
    return ChartedVolume(Layer(shape, floor, ceiling), start_s, end_s)


def _height(altitude: Altitude | None, otherwise: Height) -> Height:
    """A height over the ellipsoid; beyond what anything here reaches, the end of that."""
    if altitude is None:
        return otherwise
    low_m, high_m = HEIGHT_RANGES_M[Datum.ELLIPSOIDAL]
    return Height(min(max(altitude.value, low_m), high_m), Datum.ELLIPSOIDAL)


def _read_outline(
    chart: Chart, volume: Volume3D | OpenVolume3D, frame: Frame, at_s: float, path: str
) -> Circle | Outline | None:
    circle, polygon = volume.outline_circle, volume.outline_polygon
    if (circle is None) == (polygon is None):
        chart.add(rules.ONE_OUTLINE, path, count=0 if circle is None else 2)
        return None
    if circle is not None:
        centre = frame.inwards([(circle.center.lng, circle.center.lat)], at_s)[0]
        return sound_circle(chart, centre, circle.radius.value, f"{path}.outline_circle")
    assert polygon is not None, "one of the two is there"
    at = f"{path}.outline_polygon.vertices"
    if not _all_differ(chart, polygon.vertices, at):
        return None
    ring = frame.inwards([(vertex.lng, vertex.lat) for vertex in polygon.vertices], at_s)
    pieces = pieces_of(ring)
    if sum(pieces) > MOST_POSITIONS:
        chart.add(chart_rules.TOO_MANY, at, count=sum(pieces), most=MOST_POSITIONS)
        return None
    return sound(chart, [along_geodesics(ring, pieces)], at)


def _all_differ(chart: Chart, vertices: Sequence[Point], path: str) -> bool:
    seen: set[tuple[float, float]] = set()
    before = len(chart.reasons)
    for i, vertex in enumerate(vertices):
        if (vertex.lng, vertex.lat) in seen:
            chart.add(rules.VERTEX_TWICE, f"{path}[{i}]", place=str(LatLon(vertex.lat, vertex.lng)))
        seen.add((vertex.lng, vertex.lat))
    return len(chart.reasons) == before


def written(
    shape: Shape, heights_m: tuple[float, float], window: tuple[float, float], frame: Frame, where: str
) -> list[dict[str, Any]]:
    """Volume4D objects of a shape between two ellipsoidal heights [m] in a window [s UTC], one for each polygon.

    Corridors are drawn around and holes are filled. Raises `Refused` for a corridor too long to draw.
    """
    times = {"time_start": _time(window[0]), "time_end": _time(window[1])}
    low, high = (_altitude(height_m) for height_m in heights_m)
    return [
        {"volume": {**outline, "altitude_lower": low, "altitude_upper": high}, **times}
        for outline in _outlines(shape, frame, window[0], where)
    ]


def holes_of(shape: Shape) -> int:
    """How many holes of a shape `written` fills."""
    parts = [] if isinstance(shape, Circle | Corridor) else getattr(shape, "geoms", [shape])
    return sum(len(part.interiors) for part in parts)


def _outlines(shape: Shape, frame: Frame, at_s: float, where: str) -> list[dict[str, Any]]:
    if isinstance(shape, Circle):
        [(lng, lat)] = frame.outwards([(shape.centre.lon_deg, shape.centre.lat_deg)], at_s)
        radius = {"value": shape.radius_m, "units": "M"}
        return [{"outline_circle": {"center": {"lat": lat, "lng": lng}, "radius": radius}}]
    outline = around(shape, where) if isinstance(shape, Corridor) else shape
    rings = [list(part.exterior.coords)[:-1] for part in getattr(outline, "geoms", [outline])]
    drawn = [frame.outwards(along_degrees(ring, pieces_of(ring)), at_s) for ring in rings]
    return [{"outline_polygon": {"vertices": [{"lat": lat, "lng": lng} for lng, lat in ring]}} for ring in drawn]


def _altitude(height_m: float) -> dict[str, Any]:
    return {"value": height_m, "reference": "W84", "units": "M"}


def _time(at_s: float) -> dict[str, Any]:
    text = datetime.fromtimestamp(at_s, UTC).isoformat().removesuffix("+00:00")
    return {"value": f"{text}Z", "format": "RFC3339"}


def span_of(start_s: float, end_s: float) -> dict[str, Any]:
    """The two times of a reference."""
    return {"time_start": _time(start_s), "time_end": _time(end_s)}
