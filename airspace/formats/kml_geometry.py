"""Shapes and heights of KML placemarks: polygons, a point with a radius, a line with a half width."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from airspace.charted import Shape
from airspace.formats import chart_rules
from airspace.formats import kml_rules as rules
from airspace.formats.chart import NUMBER, Chart, shown
from airspace.formats.chart_fields import HEIGHT_RANGES_M, METRES
from airspace.formats.kml_tree import Element
from airspace.formats.outlines import (
    LARGEST_RADIUS_M,
    LEAST_RADIUS_M,
    MOST_POSITIONS,
    LonLat,
    sound_circle,
    sound_corridor,
    sound_parts,
)
from airspace.frames import Datum, Height
from airspace.reasons import Words

GEOMETRIES = ("Polygon", "Point", "LineString", "LinearRing", "MultiGeometry", "Model")
# What a geometry may hold, so that nothing of an outline is lost unseen.
_SIMPLE = ("extrude", "tessellate", "altitudeMode", "gx:altitudeMode")
MEMBERS: dict[str, tuple[str, ...]] = {
    "Polygon": (*_SIMPLE, "outerBoundaryIs", "innerBoundaryIs"),
    "Point": (*_SIMPLE, "coordinates"),
    "LineString": (*_SIMPLE, "coordinates"),
    "LinearRing": (*_SIMPLE, "coordinates"),
    "MultiGeometry": GEOMETRIES,
    "outerBoundaryIs": ("LinearRing",),
    "innerBoundaryIs": ("LinearRing",),
}
HEIGHT_DATA = ("floor_m", "floor_datum", "ceiling_m", "ceiling_datum")
GROUND = Height(0.0, Datum.AGL)
DATUMS = Words(", ".join(Datum), "、".join(Datum))

# KML's absolute heights count from the sea (EGM96), relative ones from the ground.
MODES = {"absolute": Datum.AMSL, "relativeToGround": Datum.AGL, "clampToGround": None}

_DECIMAL = r"[+-]?\d{1,17}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,3})?"
_NUMBER = re.compile(_DECIMAL, re.ASCII)
_POSITION = re.compile(rf"({_DECIMAL}),({_DECIMAL})(?:,({_DECIMAL})?)?", re.ASCII)


@dataclass(slots=True)
class Drawn:
    """What one placemark draws: rings by polygon, points and lines in (longitude, latitude) degrees, altitudes [m]."""

    polygons: list[list[list[LonLat]]] = field(default_factory=list)
    points: list[LonLat] = field(default_factory=list)
    lines: list[list[LonLat]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    altitudes_m: list[float | None] = field(default_factory=list)
    modes: set[str] = field(default_factory=set)
    extrudes: set[bool] = field(default_factory=set)


def read_drawn(chart: Chart, placemark: Element, at: str) -> Drawn | None:
    """All that a placemark draws, or None with reasons."""
    before = len(chart.reasons)
    drawn = Drawn()
    outer = list(placemark.all(*GEOMETRIES))
    if len(outer) > 1:
        chart.add(rules.REPEATED, f"line {outer[1].line} {outer[1].tag}", found=f"{outer[0].tag}, {outer[1].tag}")
    for geometry in outer:
        _known_only(chart, geometry)
    for geometry in _flat(outer):
        _read_geometry(chart, geometry, drawn)
    if not outer or (len(chart.reasons) == before and not (drawn.polygons or drawn.points or drawn.lines)):
        chart.add(rules.NO_SHAPE, at)
    if len(drawn.altitudes_m) > 2 * MOST_POSITIONS:
        chart.add(chart_rules.TOO_MANY, at, count=f"> {2 * MOST_POSITIONS}", most=MOST_POSITIONS)
    return drawn if len(chart.reasons) == before else None


def _known_only(chart: Chart, element: Element) -> None:
    """A reason for all in a geometry that nobody knows."""
    known = MEMBERS.get(element.tag)
    if known is None:
        return
    for child in element.children:
        if child.tag not in known:
            chart.add(rules.UNKNOWN_ELEMENT, f"line {child.line}", found=child.tag, known=", ".join(known))
        _known_only(chart, child)


def _flat(geometries: list[Element]) -> Iterator[Element]:
    for geometry in geometries:
        if geometry.tag == "MultiGeometry":
            yield from _flat(list(geometry.all(*GEOMETRIES)))
        else:
            yield geometry


def _read_geometry(chart: Chart, geometry: Element, drawn: Drawn) -> None:
    at = f"line {geometry.line} {geometry.tag}"
    foreign = geometry.first("gx:altitudeMode")
    mode = geometry.text_of("altitudeMode") or "clampToGround"
    if foreign is not None or mode not in MODES:
        chart.add(rules.ALTITUDE_MODE, at, found=shown(foreign.text.strip() if foreign is not None else mode))
        return
    drawn.modes.add(mode)
    drawn.extrudes.add(geometry.text_of("extrude") in ("1", "true"))
    if geometry.tag == "Polygon":
        rings = [_ring(chart, boundary, drawn) for boundary in _boundaries(chart, geometry, at)]
        drawn.polygons.append([ring for ring in rings if ring is not None])
        drawn.paths.append(at)
    elif geometry.tag == "Point":
        point = _coordinates(chart, geometry, drawn)
        if point is not None and len(point) != 1:
            chart.add(rules.COORDINATES, at, found=f"{len(point)}")
        drawn.points += point or []
    elif geometry.tag == "LineString":
        line = _coordinates(chart, geometry, drawn)
        drawn.lines += [line] if line is not None else []
    else:
        chart.add(rules.NO_ZONE_SHAPE, at, found=geometry.tag)


def _boundaries(chart: Chart, polygon: Element, at: str) -> list[Element]:
    """The outer boundary and then the inner ones."""
    outer = list(polygon.all("outerBoundaryIs"))
    if len(outer) > 1:
        chart.add(rules.REPEATED, f"line {outer[1].line} outerBoundaryIs", found="outerBoundaryIs")
    if not outer:
        chart.add(chart_rules.MISSING, f"{at} outerBoundaryIs", expected=Words("an outline", "轮廓"))
    return [*outer[:1], *polygon.all("innerBoundaryIs")]


def _ring(chart: Chart, boundary: Element, drawn: Drawn) -> list[LonLat] | None:
    rings = list(boundary.all("LinearRing"))
    if len(rings) != 1:
        at = f"line {boundary.line} {boundary.tag}"
        if rings:
            chart.add(rules.REPEATED, at, found="LinearRing")
        else:
            chart.add(chart_rules.MISSING, f"{at} LinearRing", expected=Words("an outline", "轮廓"))
        return None
    return _coordinates(chart, rings[0], drawn)


def _coordinates(chart: Chart, holder: Element, drawn: Drawn) -> list[LonLat] | None:
    """The positions of one coordinates element; their altitudes go to `drawn`."""
    given = list(holder.all("coordinates"))
    at = f"line {holder.line} {holder.tag}"
    if len(given) != 1:
        rule, facts = (rules.REPEATED, {"found": "coordinates"}) if given else (rules.COORDINATES, {"found": '""'})
        chart.add(rule, at, **facts)
        return None
    at = f"line {given[0].line} coordinates"
    if len(drawn.altitudes_m) > 2 * MOST_POSITIONS:
        return []  # the outline as a whole has too many, which is said once
    tuples = given[0].text.split(maxsplit=MOST_POSITIONS + 2)
    if len(tuples) > MOST_POSITIONS + 1:
        chart.add(chart_rules.TOO_MANY, at, count=f"> {MOST_POSITIONS + 1}", most=MOST_POSITIONS)
        return None
    positions: list[LonLat] = []
    for text in tuples:
        found = _POSITION.fullmatch(text)
        if found is None:
            chart.add(rules.COORDINATES, at, found=shown(text))
            return None
        positions.append((float(found.group(1)), float(found.group(2))))
        drawn.altitudes_m.append(float(found.group(3)) if found.group(3) else None)
    return positions


def read_shape(chart: Chart, drawn: Drawn, data: Mapping[str, str], at: str) -> Shape | None:
    """The shape of a placemark, with `radius_m` or `half_width_m` of its data where it needs one."""
    found = {"Polygon": len(drawn.polygons), "Point": len(drawn.points), "LineString": len(drawn.lines)}
    used = [name for name, count in found.items() if count]
    if len(used) > 1 or len(drawn.points) > 1 or len(drawn.lines) > 1:
        names = ", ".join(f"{count} {name}" for name, count in found.items() if count)
        chart.add(rules.MIXED_SHAPES, at, found=names)
        return None
    for name, owner in (("radius_m", "Point"), ("half_width_m", "LineString")):
        if name in data and owner not in used:
            chart.add(rules.SIZE_UNUSED, f"{at} {name}", found=name, kind=used[0])
            return None
    if drawn.polygons:
        return sound_parts(chart, drawn.polygons, drawn.paths, at)
    name, rule = ("radius_m", rules.NO_RADIUS) if drawn.points else ("half_width_m", rules.NO_WIDTH)
    if name not in data:
        chart.add(rule, at)
        return None
    size_m = _number(chart, data[name].strip(), f"{at} {name}", LEAST_RADIUS_M, LARGEST_RADIUS_M)
    if size_m is None:
        return None
    if drawn.points:
        return sound_circle(chart, drawn.points[0], size_m, at)
    return sound_corridor(chart, drawn.lines[0], size_m, at)


def read_heights(
    chart: Chart, drawn: Drawn, data: Mapping[str, str], at: str, ceiling: Height | None
) -> tuple[Height, Height] | None:
    """Floor and ceiling: from the data when it names any of the four, else from what is drawn.

    An extruded outline stands on the ground and reaches to its highest corner. Where nothing is said, a `ceiling` given
    by whoever imports the chart stands for all, over the ground.
    """
    if any(name in data for name in HEIGHT_DATA):
        floor = _height(chart, data, "floor", at)
        top = _height(chart, data, "ceiling", at)
        return None if floor is None or top is None else (floor, top)
    if len(drawn.modes) > 1:
        chart.add(rules.ALTITUDE_MODE, at, found=", ".join(sorted(drawn.modes)))
        return None
    datum = MODES[next(iter(drawn.modes))]
    altitudes_m = [altitude for altitude in drawn.altitudes_m if altitude is not None]
    if datum is None or not altitudes_m:
        if ceiling is not None:
            return GROUND, ceiling
        chart.add(rules.NO_HEIGHT, at)
        return None
    highest_m = max(altitudes_m)
    if drawn.extrudes != {True}:
        chart.add(rules.SHEET, at, height_m=highest_m)
        return None
    low_m, high_m = HEIGHT_RANGES_M[datum]
    if not low_m <= highest_m <= high_m:
        facts = {"found": f"{highest_m:g}", "low": low_m, "high": high_m, "unit": METRES}
        chart.add(chart_rules.OUT_OF_RANGE, at, **facts)
        return None
    return GROUND, Height(highest_m, datum)


def _height(chart: Chart, data: Mapping[str, str], side: str, at: str) -> Height | None:
    metres, datum = (data[name].strip() if name in data else None for name in (f"{side}_m", f"{side}_datum"))
    for name, value, expected in ((f"{side}_m", metres, METRES), (f"{side}_datum", datum, DATUMS)):
        if value is None:
            chart.add(chart_rules.MISSING, f"{at} {name}", expected=expected)
    if metres is None or datum is None:
        return None
    if datum not in tuple(Datum):
        chart.add(chart_rules.UNKNOWN_VALUE, f"{at} {side}_datum", found=shown(datum), known=", ".join(Datum))
        return None
    value_m = _number(chart, metres, f"{at} {side}_m", *HEIGHT_RANGES_M[Datum(datum)])
    return None if value_m is None else Height(value_m, Datum(datum))


def _number(chart: Chart, text: str, at: str, low: float, high: float) -> float | None:
    if not _NUMBER.fullmatch(text):
        chart.add(rules.DATA, at, found=shown(text), expected=NUMBER)
        return None
    return chart.number(float(text), at, low, high, METRES)
