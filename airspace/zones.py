"""Zones: where one may not fly, when and how high; read from GeoJSON charts and written back.

A chart is a FeatureCollection in CGCS2000 of Polygons, MultiPolygons and, with `radius_m`, Points. Properties: `id`,
`name` (`name_zh`), `kind` (a key of `ZONE_KINDS`), `floor` and `ceiling` as {"value_m", "datum"}, and if wanted `rule`
(`rule_zh`) and `active` {"from", "to"}. It is read whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapely.geometry import mapping

from airspace.formats import chart_rules as rules
from airspace.formats.chart import TEXT, Chart, read_chart, shown
from airspace.formats.chart_fields import BEGINNING_S, METRES, read_active, read_height, read_kind, read_words, rfc3339
from airspace.formats.outlines import (
    LARGEST_RADIUS_M,
    Circle,
    Outline,
    agrees_with_circle,
    disk,
    laid,
    read_near,
    read_polygons,
    unlaid,
)
from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from airspace.reasons import Reason, Refused, Words
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zone_kinds import ZONE_KINDS

FEATURES = Words("a list of features", "要素数组")
GEOMETRY = Words("a Polygon, MultiPolygon or Point", "Polygon、MultiPolygon 或 Point")
COORDINATES = Words("the coordinates of the geometry", "几何坐标")

COLLECTION_MEMBERS = ("type", "name", "crs", "bbox", "features")
FEATURE_MEMBERS = ("type", "id", "bbox", "geometry", "properties")
GEOMETRY_MEMBERS = ("type", "bbox", "coordinates")
PROPERTIES = ("id", "name", "name_zh", "kind", "rule", "rule_zh", "floor", "ceiling", "active")
CIRCLE_PROPERTIES = ("radius_m", "centre_lon_lat_deg")
OWN_FRAMES = ("EPSG:4490", "urn:ogc:def:crs:EPSG::4490", "CGCS2000")


@dataclass(frozen=True, slots=True)
class Charted:
    """How the chart drew a zone: its outline in (lon, lat) degrees, its circle if it is one, heights as given."""

    outline_lon_lat_deg: Outline
    circle: Circle | None
    floor: Height
    ceiling: Height


@dataclass(frozen=True, slots=True)
class Zone:
    """A piece of airspace that is closed: `kind` is a key of `ZONE_KINDS`, `rule` says why in words.

    `volume` is what decides; `charted` keeps what the chart said, None for a zone that no chart drew.
    """

    id: str
    name: Words
    kind: str
    rule: Words
    volume: Volume4D
    charted: Charted | None = None


def load_zones(path: Path, frame: LocalFrame, ground: Ground) -> tuple[Zone, ...]:
    """The zones of a GeoJSON file, in the order of the file. Raises `Refused` with every problem found."""
    return parse_zones(read_chart(path), str(path), frame, ground)


def load_charts(paths: Iterable[Path], frame: LocalFrame, ground: Ground) -> tuple[Zone, ...]:
    """The zones of all GeoJSON files of a site, file by file; an id may come once in all of them.

    Raises `Refused` with every problem found in any of the files.
    """
    zones: list[Zone] = []
    reasons: list[Reason] = []
    first_in: dict[str, Path] = {}
    for path in paths:
        try:
            charted = load_zones(path, frame, ground)
        except Refused as refused:
            reasons.extend(refused.reasons)
            continue
        for i, zone in enumerate(charted):
            if zone.id in first_in:
                at = f"{path} features[{i}].properties.id"
                reasons.append(Reason(rules.ID_TAKEN, at, {"id": zone.id, "first": first_in[zone.id]}))
            first_in.setdefault(zone.id, path)
        zones.extend(charted)
    if reasons:
        raise Refused(reasons)
    return tuple(zones)


def parse_zones(document: Mapping[str, Any], where: str, frame: LocalFrame, ground: Ground | None) -> tuple[Zone, ...]:
    """The zones of a GeoJSON FeatureCollection held in memory; `where` begins the place of every reason.

    Without a `ground` every height must carry its `ellipsoidal_m`, as those that `zones_geojson` writes do. Raises
    `Refused` with every problem found.
    """
    chart = Chart(where)
    features = _read_collection(chart, document)
    zones: list[Zone] = []
    first_at: dict[str, str] = {}
    for i, value in enumerate(features):
        path = f"features[{i}]"
        zone = _read_feature(chart, value, path, frame, ground, first_at)
        if zone is not None:
            zones.append(zone)
    chart.refuse()
    return tuple(zones)


def _read_collection(chart: Chart, document: Any) -> list[Any]:
    members = chart.object(document, "")
    if members is None:
        return []
    chart.known_only(members, COLLECTION_MEMBERS, "")
    if members.get("type") != "FeatureCollection":
        chart.add(rules.UNKNOWN_VALUE, "type", found=shown(members.get("type")), known="FeatureCollection")
    crs = members.get("crs")
    if crs is not None and not (isinstance(crs, Mapping) and _crs_name(crs) in OWN_FRAMES):
        chart.add(rules.FOREIGN_FRAME, "crs", found=shown(crs))
    features = chart.member(members, "features", "", FEATURES)
    return [] if features is None else chart.list(features, "features", FEATURES) or []


def _crs_name(crs: Mapping[str, Any]) -> Any:
    properties = crs.get("properties")
    return properties.get("name") if isinstance(properties, Mapping) else None


def _read_feature(
    chart: Chart, value: Any, path: str, frame: LocalFrame, ground: Ground | None, first_at: dict[str, str]
) -> Zone | None:
    """One zone, or None with reasons; `first_at` says which feature has which id so far."""
    feature = chart.object(value, path)
    if feature is None:
        return None
    before = len(chart.reasons)
    chart.known_only(feature, FEATURE_MEMBERS, path)
    if feature.get("type") != "Feature":
        chart.add(rules.UNKNOWN_VALUE, f"{path}.type", found=shown(feature.get("type")), known="Feature")
    given = chart.member(feature, "properties", path, Words("the zone's properties", "区域属性"))
    properties = chart.object(given, f"{path}.properties") if given is not None else None
    if properties is None:
        return None
    at = f"{path}.properties"
    chart.known_only(properties, PROPERTIES + CIRCLE_PROPERTIES, at)
    zone_id = _read_id(chart, feature, properties, path, first_at)
    name = read_words(chart, properties, "name", at)
    kind = read_kind(chart, properties, at)
    rule = read_words(chart, properties, "rule", at, needed=False)
    floor = read_height(chart, properties, "floor", at, ground)
    ceiling = read_height(chart, properties, "ceiling", at, ground)
    start_s, end_s = read_active(chart, properties, at)
    outlines = _read_geometry(chart, feature, properties, path, frame)
    if floor and ceiling and not floor[1] < ceiling[1]:
        chart.add(rules.UPSIDE_DOWN, at, floor=str(floor[0]), ceiling=str(ceiling[0]))
    if len(chart.reasons) > before or not (zone_id and name and kind and floor and ceiling and outlines):
        return None
    outline, outline_lon_lat_deg, circle = outlines
    return Zone(
        id=zone_id,
        name=name,
        kind=kind,
        rule=rule or ZONE_KINDS[kind].rule,
        volume=Volume4D(outline, floor[1], ceiling[1], start_s, end_s),
        charted=Charted(outline_lon_lat_deg, circle, floor[0], ceiling[0]),
    )


def _read_id(
    chart: Chart, feature: Mapping[str, Any], properties: Mapping[str, Any], path: str, first_at: dict[str, str]
) -> str | None:
    at = f"{path}.properties.id"
    value = chart.member(properties, "id", f"{path}.properties", TEXT)
    zone_id = chart.text(value, at) if value is not None else None
    if zone_id is None:
        return None
    if feature.get("id", zone_id) != zone_id:
        chart.add(rules.IDS_DIFFER, f"{path}.id", feature_id=shown(feature["id"]), id=zone_id)
    if zone_id in first_at:
        chart.add(rules.ID_TAKEN, at, id=zone_id, first=first_at[zone_id])
    else:
        first_at[zone_id] = path
    return zone_id


def _read_geometry(
    chart: Chart, feature: Mapping[str, Any], properties: Mapping[str, Any], path: str, frame: LocalFrame
) -> tuple[Outline, Outline, Circle | None] | None:
    """The outline in the local frame, the same in degrees and the circle that it stands for; or None with reasons."""
    value = chart.member(feature, "geometry", path, GEOMETRY)
    at = f"{path}.geometry"
    geometry = chart.object(value, at) if value is not None else None
    if geometry is None:
        return None
    chart.known_only(geometry, GEOMETRY_MEMBERS, at)
    kind = geometry.get("type")
    if kind not in ("Polygon", "MultiPolygon", "Point"):
        chart.add(rules.UNKNOWN_VALUE, f"{at}.type", found=shown(kind), known="Polygon, MultiPolygon, Point")
        return None
    coordinates = chart.member(geometry, "coordinates", at, COORDINATES)
    if coordinates is None:
        return None
    at = f"{at}.coordinates"
    if kind == "Point":
        return _read_point(chart, coordinates, properties, path, frame)
    outline = read_polygons(chart, kind, coordinates, at, frame)
    if properties.get("radius_m") is None and properties.get("centre_lon_lat_deg") is None:
        return None if outline is None else (laid(frame, outline), outline, None)
    circle = _read_drawn_circle(chart, properties, f"{path}.properties", frame)
    if outline is None or circle is None or not agrees_with_circle(chart, outline, circle, at):
        return None
    return disk(frame, circle), outline, circle


def _read_point(
    chart: Chart, coordinates: Any, properties: Mapping[str, Any], path: str, frame: LocalFrame
) -> tuple[Outline, Outline, Circle | None] | None:
    centre = read_near(chart, coordinates, f"{path}.geometry.coordinates", frame)
    radius_m = _read_radius(chart, properties, f"{path}.properties")
    if properties.get("centre_lon_lat_deg") is not None:
        known = ", ".join(sorted((*PROPERTIES, "radius_m")))
        chart.add(rules.UNKNOWN, f"{path}.properties.centre_lon_lat_deg", known=known)
    if centre is None or radius_m is None:
        return None
    circle = Circle(centre, radius_m)
    outline = disk(frame, circle)
    return outline, unlaid(frame, outline), circle


def _read_drawn_circle(chart: Chart, properties: Mapping[str, Any], at: str, frame: LocalFrame) -> Circle | None:
    centre_value = properties.get("centre_lon_lat_deg")
    if centre_value is None:
        chart.add(rules.RADIUS_UNUSED, f"{at}.radius_m")
        return None
    centre = read_near(chart, centre_value, f"{at}.centre_lon_lat_deg", frame)
    radius_m = _read_radius(chart, properties, at)
    return None if centre is None or radius_m is None else Circle(centre, radius_m)


def _read_radius(chart: Chart, properties: Mapping[str, Any], at: str) -> float | None:
    value = chart.member(properties, "radius_m", at, METRES)
    return None if value is None else chart.number(value, f"{at}.radius_m", 1.0, LARGEST_RADIUS_M, METRES)


def zones_geojson(zones: Iterable[Zone], frame: LocalFrame) -> dict[str, Any]:
    """The zones as a GeoJSON FeatureCollection that `parse_zones` reads back, charted ones as equal zones.

    Circles are drawn as polygons and keep `radius_m` and `centre_lon_lat_deg`; each height carries its `ellipsoidal_m`.
    """
    return {"type": "FeatureCollection", "features": [_feature(zone, frame) for zone in zones]}


def _feature(zone: Zone, frame: LocalFrame) -> dict[str, Any]:
    volume = zone.volume
    charted = zone.charted or Charted(
        unlaid(frame, volume.outline),
        None,
        Height(volume.floor_ellipsoidal_m, Datum.ELLIPSOIDAL),
        Height(volume.ceiling_ellipsoidal_m, Datum.ELLIPSOIDAL),
    )
    properties: dict[str, Any] = {
        "id": zone.id,
        "name": zone.name.en,
        "name_zh": zone.name.zh,
        "kind": zone.kind,
        "rule": zone.rule.en,
        "rule_zh": zone.rule.zh,
        "floor": _height(charted.floor, volume.floor_ellipsoidal_m),
        "ceiling": _height(charted.ceiling, volume.ceiling_ellipsoidal_m),
    }
    active = {}
    if volume.start_s > BEGINNING_S:
        active["from"] = rfc3339(volume.start_s)
    if volume.end_s < FOREVER_S:
        active["to"] = rfc3339(volume.end_s)
    if active:
        properties["active"] = active
    if charted.circle is not None:
        centre: LatLon = charted.circle.centre
        properties["radius_m"] = charted.circle.radius_m
        properties["centre_lon_lat_deg"] = [centre.lon_deg, centre.lat_deg]
    return {"type": "Feature", "geometry": _plain(mapping(charted.outline_lon_lat_deg)), "properties": properties}


def _height(height: Height, ellipsoidal_m: float) -> dict[str, Any]:
    return {"value_m": height.value_m, "datum": str(height.datum), "ellipsoidal_m": ellipsoidal_m}


def _plain(value: Any) -> Any:
    """Tuples as lists: what comes out is what JSON would give back."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
