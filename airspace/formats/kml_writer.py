"""Zones as KML 2.2, for globe viewers and for `kml.read_kml`, which reads them back equal.

One placemark for each layer; what KML has no element for stands in its ExtendedData. An outline hangs at the ceiling
and reaches to the ground when the floor is there. Circles and corridors are a point and a line to KML, so that each has
a second placemark with its outline, marked `drawing_of`, for people only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from shapely.geometry import Polygon

from airspace.charted import ChartedZone, Circle, Corridor, Layer, Restriction
from airspace.formats.chart import Chart
from airspace.formats.drawing import around
from airspace.formats.geojson import plain
from airspace.formats.geojson_hours import hours_members
from airspace.formats.kml_elements import add_placemark, add_style, add_text, new_document, written
from airspace.formats.outlines import Outline, sound
from airspace.frames import Datum, LatLon
from airspace.laying import circle_ring
from airspace.reasons import Refused

# KML colours are aabbggrr
COLOURS = {
    Restriction.PROHIBITED: "500000ff",
    Restriction.AUTHORISATION: "5000a5ff",
    Restriction.CONDITIONAL: "5000ffff",
    Restriction.NONE: "3050c878",
}
MODES = {Datum.AGL: "relativeToGround", Datum.AMSL: "absolute"}


def kml(zones: Iterable[ChartedZone], title: str = "zones") -> str:
    """The text of a `.kml` file with these zones, coloured by what they ask for."""
    root, document = new_document(title)
    for restriction, colour in COLOURS.items():
        add_style(document, str(restriction), colour, "2", is_filled=True)
    for zone in zones:
        for number, layer in enumerate(zone.layers, start=1):
            _layer(document, zone, layer, number)
    return written(root)


def _layer(document: ET.Element, zone: ChartedZone, layer: Layer, number: int) -> None:
    data = _zone_data(zone)
    if len(zone.layers) > 1:
        data["layer"] = f"{number}/{len(zone.layers)}"
    for side, height in (("floor", layer.floor), ("ceiling", layer.ceiling)):
        data[f"{side}_m"] = repr(height.value_m)
        data[f"{side}_datum"] = str(height.datum)
    if isinstance(layer.shape, Circle):
        data["radius_m"] = repr(layer.shape.radius_m)
    elif isinstance(layer.shape, Corridor):
        data["half_width_m"] = repr(layer.shape.half_width_m)
    mark = _placemark(document, zone, data)
    if isinstance(layer.shape, Circle):
        _points(mark, "Point", [layer.shape.centre])
    elif isinstance(layer.shape, Corridor):
        _points(mark, "LineString", layer.shape.path)
    else:
        _outlines(mark, layer.shape, layer)
    if isinstance(layer.shape, Circle | Corridor):
        drawn = _drawn(layer.shape)
        if drawn is not None:
            _outlines(_placemark(document, zone, {"drawing_of": zone.id}), drawn, layer)


def _zone_data(zone: ChartedZone) -> dict[str, str]:
    """All of a zone but its layers, as texts; what is always so is left out."""
    data = {
        "id": zone.id,
        "name_zh": zone.name.zh,
        "kind": zone.kind,
        "rule": zone.rule.en,
        "rule_zh": zone.rule.zh,
        "restriction": str(zone.restriction),
    }
    data |= {name: text for name, text in (("country", zone.country), ("authority", zone.authority)) if text}
    members = hours_members(zone.schedule)
    if _span(members):
        del members["active"]
    if zone.extra:
        members["extra"] = plain(zone.extra)
    return data | {name: json.dumps(value) for name, value in members.items()}


def _span(members: Mapping[str, object]) -> Mapping[str, str] | None:
    """The one window that a TimeSpan can tell; None when there is none, or more than one."""
    active = members.get("active")
    return active if isinstance(active, Mapping) and active else None


def _placemark(document: ET.Element, zone: ChartedZone, data: Mapping[str, str]) -> ET.Element:
    """A placemark with its time, style and data; its geometry comes last."""
    window = _span(hours_members(zone.schedule)) or {}
    begin, end = window.get("from", ""), window.get("to", "")
    mark = add_placemark(document, zone.name.en, style=str(zone.restriction), begin=begin, end=end)
    extended = ET.SubElement(mark, "ExtendedData")
    for key, text in data.items():
        add_text(ET.SubElement(extended, "Data", name=key), "value", text)
    return mark


def _points(mark: ET.Element, tag: str, positions: Iterable[LatLon]) -> None:
    shape = ET.SubElement(mark, tag)
    add_text(shape, "altitudeMode", "clampToGround")
    add_text(shape, "coordinates", " ".join(f"{at.lon_deg!r},{at.lat_deg!r}" for at in positions))


def _outlines(mark: ET.Element, shape: Outline, layer: Layer) -> None:
    parts = [shape] if isinstance(shape, Polygon) else list(shape.geoms)
    holder = mark if len(parts) == 1 else ET.SubElement(mark, "MultiGeometry")
    mode = MODES.get(layer.ceiling.datum)
    stands = layer.floor.datum is Datum.AGL and layer.floor.value_m <= 0.0
    for part in parts:
        polygon = ET.SubElement(holder, "Polygon")
        if mode is not None:
            add_text(polygon, "extrude", "1" if stands else "0")
        add_text(polygon, "altitudeMode", mode or "clampToGround")
        for tag, ring in [("outerBoundaryIs", part.exterior), *(("innerBoundaryIs", hole) for hole in part.interiors)]:
            height = f",{layer.ceiling.value_m!r}" if mode is not None else ""
            corners = (f"{lon!r},{lat!r}{height}" for lon, lat in ring.coords)
            boundary = ET.SubElement(ET.SubElement(polygon, tag), "LinearRing")
            add_text(boundary, "coordinates", " ".join(corners))


def _drawn(shape: Circle | Corridor) -> Outline | None:
    """The outline of a circle or corridor in degrees, for people; None around a pole, or when too long for a plane."""
    if isinstance(shape, Circle):
        return sound(Chart(""), [[(lon_deg, lat_deg) for lon_deg, lat_deg in circle_ring(shape).tolist()]], "")
    try:
        return around(shape, "")
    except Refused:
        return None
