"""KML and KMZ charts read strictly: a placemark is a zone, or one layer of it.

Read: Polygon (with holes, and several in a MultiGeometry), Point with `radius_m`, LineString with `half_width_m`, and
in ExtendedData what `kml_writer.kml` writes. Heights come from `floor_m`, `floor_datum`, `ceiling_m`, `ceiling_datum`,
else from the altitudes of an extruded outline. TimeSpan is the window of a zone. A placemark of which nothing says what
it is, is taken as prohibited. Positions are WGS 84, taken as CGCS2000 (less than a metre apart; margins count it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from airspace.charted import ChartedZone
from airspace.formats import chart_rules
from airspace.formats import kml_rules as rules
from airspace.formats.chart import Chart
from airspace.formats.kml_placemark import DISPLAY, Part, read_placemark
from airspace.formats.kml_tree import Element, read_tree
from airspace.formats.reading import Ids, Reading
from airspace.frames import Height

CONTAINERS = ("Document", "Folder")
OVERLAYS = ("GroundOverlay", "ScreenOverlay", "PhotoOverlay", "NetworkLinkControl")
KNOWN = (*CONTAINERS, "Placemark", "NetworkLink", "name", "description", "ExtendedData", *OVERLAYS, *DISPLAY)


def read_kml(data: bytes, where: str, *, ceiling: Height | None = None) -> Reading:
    """The zones of a KML or KMZ chart in the order of the file, and every problem found; `where` names the file.

    `ceiling` stands for the heights of placemarks that say nothing of theirs: they reach from the ground to it.
    """
    chart = Chart(where)
    root = read_tree(chart, data)
    if root is None:
        return Reading((), tuple(chart.reasons))
    parts: list[Part] = []
    for placemark in _placemarks(chart, root):
        part = read_placemark(chart, placemark, ceiling)
        if part is not None:
            parts.append(part)
        if chart.gives_up(f"line {placemark.line}"):
            break
    if not parts and not chart.reasons:
        chart.add(rules.NO_ZONES, "")
    zones = _zones(chart, parts)
    return Reading(tuple(zones), tuple(chart.reasons))


def _placemarks(chart: Chart, container: Element) -> Iterator[Element]:
    """The placemarks in a container and in those within it; what may not be there becomes a reason."""
    for child in container.children:
        if child.tag == "Placemark":
            yield child
        elif child.tag in CONTAINERS:
            yield from _placemarks(chart, child)
        elif child.tag == "NetworkLink":
            chart.add(rules.LINKED, f"line {child.line}")
        elif child.tag in ("TimeSpan", "TimeStamp"):
            chart.add(rules.CONTAINER_TIME, f"line {child.line}", found=container.tag)
        elif child.tag not in KNOWN:
            chart.add(rules.UNKNOWN_ELEMENT, f"line {child.line}", found=child.tag, known=", ".join(KNOWN))


def _zones(chart: Chart, parts: list[Part]) -> list[ChartedZone]:
    """The zones that the parts make up, in the order of their first parts; ids come once."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        if part.id is not None:
            groups.setdefault(part.id, []).append(part)
    ids = Ids()
    for zone_id, group in groups.items():
        ids.taken_at(zone_id, group[0].at)
    zones: list[ChartedZone] = []
    for part in parts:
        if part.id is None:
            zones.append(replace(part.zone, id=ids.unused(part.zone.name.en, part.at)))
        elif part is groups[part.id][0]:
            zone = _joined(chart, groups[part.id])
            zones += [zone] if zone is not None else []
    return zones


def _joined(chart: Chart, group: list[Part]) -> ChartedZone | None:
    """The layers of one id as one zone, or None with a reason."""
    first = group[0]
    if all(part.count == 1 for part in group):
        for other in group[1:]:
            chart.add(chart_rules.ID_TAKEN, f"{other.at}.id", id=first.id, first=first.at)
        return first.zone if len(group) == 1 else None
    ordered = sorted(group, key=lambda part: part.number)
    whole = replace(ordered[0].zone, layers=())
    numbers = [part.number for part in ordered]
    is_whole = numbers == list(range(1, first.count + 1)) and all(part.count == first.count for part in group)
    if not is_whole or any(replace(part.zone, layers=()) != whole for part in ordered[1:]):
        found = ", ".join(f"{part.number}/{part.count}" for part in ordered[:20])
        chart.add(rules.LAYER, first.at, id=first.id, found=found)
        return None
    return replace(ordered[0].zone, layers=tuple(layer for part in ordered for layer in part.zone.layers))
