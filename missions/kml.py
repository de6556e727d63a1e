"""Plans as KML 2.2 for globe viewers.

All altitudes are absolute: metres above mean sea level, as KML's `absolute` mode means. Legs carry their times, so that
a viewer's time slider plays the flight.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from airspace.formats.kml_elements import add_placemark, add_style, add_text, new_document, written
from missions.geojson import INCLUSIONS, POLYGON_FENCES, fence_groups, rfc3339
from missions.plan import Leg, Place, Plan, Purpose

# KML colours are aabbggrr
STYLES = {
    str(Purpose.CLIMB): ("ffd0d0d0", "3"),
    str(Purpose.TRANSIT): ("ffd0d0d0", "3"),
    str(Purpose.SURVEY): ("ff00d7ff", "4"),
    str(Purpose.APPROACH): ("ffd0d0d0", "3"),
    str(Purpose.HOLD): ("ffd0d0d0", "3"),
    str(Purpose.LANDING): ("ff50c878", "3"),
    "volume": ("40ff9050", "1"),
    "inclusion": ("ff00a000", "2"),
    "exclusion": ("ff0000ff", "2"),
}


def kml_text(plan: Plan) -> str:
    """The plan as the text of a `.kml` file: route by branch, volumes, fence, landings, rally points and targets."""
    root, document = new_document(plan.title or plan.name)
    for style, (colour, width) in STYLES.items():
        add_style(document, style, colour, width, is_filled=style == "volume")
    _points(document, plan)
    branches = list(dict.fromkeys(leg.branch for leg in plan.legs))
    for branch in branches:
        folder = _folder(document, f"route to {branch}" if branch else "route")
        for leg in plan.legs:
            if leg.branch == branch:
                _leg(folder, plan, leg)
    _volumes(document, plan)
    _fence(document, plan)
    return written(root)


def _folder(parent: ET.Element, name: str) -> ET.Element:
    folder = ET.SubElement(parent, "Folder")
    add_text(folder, "name", name)
    return folder


def _at(lon_deg: float, lat_deg: float, amsl_m: float) -> str:
    return f"{lon_deg:.8f},{lat_deg:.8f},{amsl_m:.2f}"


def _shape(parent: ET.Element, tag: str, coordinates: Iterable[str], *, absolute: bool = True) -> ET.Element:
    shape = ET.SubElement(parent, tag)
    add_text(shape, "altitudeMode", "absolute" if absolute else "clampToGround")
    holder = shape
    if tag == "Polygon":
        holder = ET.SubElement(ET.SubElement(shape, "outerBoundaryIs"), "LinearRing")
    add_text(holder, "coordinates", " ".join(coordinates))
    return shape


def _points(document: ET.Element, plan: Plan) -> None:
    def amsl_m(place: Place) -> float:
        return place.relative_m + plan.home_amsl_m

    folder = _folder(document, "places")
    home = plan.home
    _shape(add_placemark(folder, "home"), "Point", [_at(home.lon_deg, home.lat_deg, amsl_m(home))])
    for landing in plan.landings:
        at = landing.place
        mark = add_placemark(folder, f"landing {landing.name}", description=landing.dock)
        _shape(mark, "Point", [_at(at.lon_deg, at.lat_deg, amsl_m(at))])
    for number, item in enumerate(plan.rally, start=1):
        mark = add_placemark(folder, f"rally {number}")
        _shape(mark, "Point", [_at(item.lon_deg, item.lat_deg, item.alt_m + plan.home_amsl_m)])
    for target in plan.targets:
        mark = add_placemark(folder, target.name, description="covered" if target.covered else target.why_not)
        _shape(mark, "Point", [_at(target.lon_deg, target.lat_deg, 0.0)], absolute=False)


def _leg(folder: ET.Element, plan: Plan, leg: Leg) -> None:
    mark = add_placemark(
        folder,
        f"{leg.seq} {leg.purpose}",
        style=str(leg.purpose),
        description=f"{leg.speed_mps:g} m/s, {leg.start.relative_m:g} to {leg.end.relative_m:g} m above take-off",
        begin=rfc3339(plan.takeoff_s + leg.start_s),
        end=rfc3339(plan.takeoff_s + leg.end_s),
    )
    ends = [_at(at.lon_deg, at.lat_deg, at.relative_m + plan.home_amsl_m) for at in (leg.start, leg.end)]
    _shape(mark, "LineString", ends)


def _volumes(document: ET.Element, plan: Plan) -> None:
    """Each volume as its floor and its ceiling."""
    folder = _folder(document, "volumes")
    add_text(folder, "visibility", "0")
    for volume in plan.volumes:
        mark = add_placemark(
            folder,
            f"volume of leg {volume.leg}",
            style="volume",
            begin=rfc3339(plan.takeoff_s + volume.start_s),
            end=rfc3339(plan.takeoff_s + volume.end_s),
        )
        both = ET.SubElement(mark, "MultiGeometry")
        ring = [*volume.ring_lon_lat_deg]
        if ring[0] != ring[-1]:
            ring.append(ring[0])
        for ellipsoidal_m in (volume.floor_ellipsoidal_m, volume.ceiling_ellipsoidal_m):
            _shape(both, "Polygon", [_at(lon, lat, ellipsoidal_m - plan.geoid_m) for lon, lat in ring])


def _fence(document: ET.Element, plan: Plan) -> None:
    folder = _folder(document, "fence")
    for first, group in fence_groups(plan.fence):
        style = "inclusion" if first.command in INCLUSIONS else "exclusion"
        corners = [_at(item.lon_deg, item.lat_deg, 0.0) for item in group]
        if first.command in POLYGON_FENCES:
            closed = itertools.chain(corners, corners[:1])
            _shape(add_placemark(folder, style, style=style), "Polygon", closed, absolute=False)
        else:
            mark = add_placemark(folder, style, style=style, description=f"circle of {first.param1:g} m")
            _shape(mark, "Point", corners, absolute=False)
