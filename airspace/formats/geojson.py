"""Our own charts: zones as GeoJSON in CGCS2000, read strictly and written without loss.

A chart is a FeatureCollection. A feature's geometry is a Polygon or MultiPolygon, a Point with `radius_m` (a circle) or
a LineString with `half_width_m` (a corridor of geodesics). Properties: `id`, `name` (`name_zh`), `kind` (a key of
`ZONE_KINDS`), `floor` and `ceiling` as {"value_m", "datum"}, and if wanted `rule` (`rule_zh`), `restriction`,
`active` and `schedule` (see `geojson_hours`), `country`, `authority` and `extra`. A zone of several layers has a
GeometryCollection, and `layers` instead of the properties of one: a list of `floor`, `ceiling`, `radius_m` ... for each
geometry in turn. A circle may also be drawn as a polygon with `radius_m` and `centre_lon_lat_deg`, as `geojson` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from airspace.charted import ChartedZone, Layer, Source
from airspace.formats import chart_rules as rules
from airspace.formats.chart import LIST, TEXT, Chart, decoded, shown
from airspace.formats.chart_fields import (
    read_country,
    read_extra,
    read_height,
    read_kind,
    read_restriction,
    read_words,
)
from airspace.formats.geojson_hours import hours_members, read_hours
from airspace.formats.geojson_shapes import SHAPE_PROPERTIES, geometry_of, read_shape, shape_members
from airspace.formats.outlines import sound_heights
from airspace.formats.reading import Reading
from airspace.frames import Height
from airspace.reasons import Words
from airspace.zone_kinds import ZONE_KINDS

FORMAT = "geojson"

FEATURES = Words("a list of features", "要素数组")
GEOMETRY = Words("a geometry", "几何")
LAYERS = Words("floor, ceiling and so on for each of {count} geometries", "{count} 个几何各自的上下限等")

COLLECTION_MEMBERS = ("type", "name", "crs", "bbox", "features")
FEATURE_MEMBERS = ("type", "id", "bbox", "geometry", "properties")
LAYER_PROPERTIES = ("floor", "ceiling", *SHAPE_PROPERTIES)
ZONE_PROPERTIES = (
    "id",
    "name",
    "name_zh",
    "kind",
    "rule",
    "rule_zh",
    "restriction",
    "active",
    "schedule",
    "country",
    "authority",
    "extra",
)
OWN_FRAMES = ("EPSG:4490", "urn:ogc:def:crs:EPSG::4490", "CGCS2000")

_DATUM = Words("over what it counts", "高程基准")
_OFFSET = Words("the offset from UTC", "时区偏移")
_CEILING = ("ceiling", _DATUM, '"ceiling": {{"value_m": {found}, "datum": "agl" or "amsl"}}')
_FLOOR = ("floor", _DATUM, '"floor": {{"value_m": {found}, "datum": "agl" or "amsl"}}')
_FROM = ("active.from", _OFFSET, '"active": {{"from": "2026-05-18T09:00:00+08:00"}}')
_TO = ("active.to", _OFFSET, '"active": {{"to": "2026-05-18T12:00:00+08:00"}}')
# What fences of other programs call our properties (the first four: OpenUTM's Flight Blender), what these leave open,
# and what to write.
FOREIGN_NAMES: dict[str, tuple[str, Words, str]] = {
    "upper_limit": _CEILING,
    "lower_limit": _FLOOR,
    "start_time": _FROM,
    "end_time": _TO,
    "upperLimit": _CEILING,
    "lowerLimit": _FLOOR,
    "startDateTime": _FROM,
    "endDateTime": _TO,
}

Placed = tuple[float | None, float | None]
"""What a chart says floor and ceiling of a layer come to over the ellipsoid [m], where it says so."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A zone as read, with what is said of its layers over the ellipsoid, and its path in the document."""

    zone: ChartedZone
    placed: tuple[Placed, ...]
    path: str


def read_geojson(data: bytes, where: str) -> Reading:
    """The good zones of a chart, and a reason for each problem; `ellipsoidal_m` of heights is not kept."""
    chart = Chart(where)
    document = decoded(chart, data)
    features = [] if chart.reasons else read_collection(chart, document)
    return Reading(tuple(feature.zone for feature in features), tuple(chart.reasons))


def read_collection(chart: Chart, document: Any) -> list[Feature]:
    """The good features of a FeatureCollection held in memory; what is wrong goes to the chart."""
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
    values = [] if features is None else chart.list(features, "features", FEATURES) or []
    first_at: dict[str, str] = {}
    read: list[Feature] = []
    for i, value in enumerate(values):
        if chart.gives_up(path := f"features[{i}]"):
            break
        feature = _read_feature(chart, value, path, first_at)
        read += [feature] if feature is not None else []
    return read


def _crs_name(crs: Mapping[str, Any]) -> Any:
    properties = crs.get("properties")
    return properties.get("name") if isinstance(properties, Mapping) else None


def _read_feature(chart: Chart, value: Any, path: str, first_at: dict[str, str]) -> Feature | None:
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
    zone_id = _read_id(chart, feature, properties, path, first_at)
    name = read_words(chart, properties, "name", at)
    kind = read_kind(chart, properties, at)
    rule = read_words(chart, properties, "rule", at, needed=False)
    restriction = read_restriction(chart, properties, at)
    schedule = read_hours(chart, properties, at)
    country = read_country(chart, properties, at)
    authority = properties.get("authority", "")
    if authority != "":
        authority = chart.text(authority, f"{at}.authority")
    extra = read_extra(chart, properties, at)
    layers = _read_layers(chart, feature, properties, path)
    if len(chart.reasons) > before or not (zone_id and name and kind and layers and schedule and restriction):
        return None
    zone = ChartedZone(
        id=zone_id,
        name=name,
        kind=kind,
        rule=rule or ZONE_KINDS[kind],
        layers=tuple(layer for layer, _ in layers),
        restriction=restriction,
        schedule=schedule,
        country=country,
        authority=authority,
        extra=extra,
        source=Source(chart.where, path, FORMAT),
    )
    return Feature(zone, tuple(placed for _, placed in layers), path)


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


def _read_layers(
    chart: Chart, feature: Mapping[str, Any], properties: Mapping[str, Any], path: str
) -> list[tuple[Layer, Placed]]:
    """Every layer of a zone; fewer than there are, with reasons."""
    at = f"{path}.properties"
    value = chart.member(feature, "geometry", path, GEOMETRY)
    geometry = chart.object(value, f"{path}.geometry") if value is not None else None
    several = geometry is not None and geometry.get("type") == "GeometryCollection"
    _known_properties(chart, properties, (*ZONE_PROPERTIES, *(("layers",) if several else LAYER_PROPERTIES)), at)
    if geometry is None:
        return []
    if not several:
        layer = _read_layer(chart, geometry, properties, f"{path}.geometry", at)
        return [layer] if layer is not None else []
    chart.known_only(geometry, ("type", "bbox", "geometries"), f"{path}.geometry")
    geometries = _list_in(chart, geometry, "geometries", f"{path}.geometry", LIST)
    count = 0 if geometries is None else len(geometries)
    expected = Words(LAYERS.text("en", {"count": count}), LAYERS.text("zh", {"count": count}))
    layers = _list_in(chart, properties, "layers", at, expected)
    if not geometries or layers is None:
        return []
    if len(layers) != count:
        chart.add(rules.WRONG_SHAPE, f"{at}.layers", found=f"a list of {len(layers)}", expected=expected)
        return []
    read = []
    for i, (inner, members) in enumerate(zip(geometries, layers, strict=True)):
        shape_at, layer_at = f"{path}.geometry.geometries[{i}]", f"{at}.layers[{i}]"
        shape_value, layer_value = chart.object(inner, shape_at), chart.object(members, layer_at)
        if shape_value is not None and layer_value is not None:
            chart.known_only(layer_value, LAYER_PROPERTIES, layer_at)
            read.append(_read_layer(chart, shape_value, layer_value, shape_at, layer_at))
    return [layer for layer in read if layer is not None]


def _known_properties(chart: Chart, properties: Mapping[str, Any], known: tuple[str, ...], at: str) -> None:
    """A reason for every property that is not known, with what to write instead of those that other programs use."""
    for name in [name for name in properties if name in FOREIGN_NAMES]:
        ours, left_open, instead = FOREIGN_NAMES[name]
        found = shown(properties[name])
        chart.add(rules.FOREIGN_NAME, f"{at}.{name}", ours=ours, open=left_open, instead=instead.format(found=found))
    chart.known_only({name: None for name in properties if name not in FOREIGN_NAMES}, known, at)


def _list_in(chart: Chart, members: Mapping[str, Any], name: str, path: str, expected: Words) -> list[Any] | None:
    value = chart.member(members, name, path, expected)
    values = None if value is None else chart.list(value, f"{path}.{name}", expected)
    if values == []:
        chart.add(rules.MISSING, f"{path}.{name}[0]", expected=expected)
    return values


def _read_layer(
    chart: Chart, geometry: Mapping[str, Any], members: Mapping[str, Any], shape_at: str, at: str
) -> tuple[Layer, Placed] | None:
    floor = read_height(chart, members, "floor", at)
    ceiling = read_height(chart, members, "ceiling", at)
    ordered = floor is not None and ceiling is not None and sound_heights(chart, floor[0], ceiling[0], at)
    shape = read_shape(chart, geometry, members, shape_at, at)
    if floor is None or ceiling is None or shape is None or not ordered:
        return None
    return Layer(shape, floor[0], ceiling[0]), (floor[1], ceiling[1])


def geojson(zones: Iterable[ChartedZone], placed: Mapping[str, Sequence[Placed]] | None = None) -> dict[str, Any]:
    """Zones as a FeatureCollection that `read_geojson` reads back equal, whatever they were read from.

    `placed` says by zone id what floor and ceiling of each layer come to over the ellipsoid [m], to be written beside
    them. Times are kept to the microsecond. What is drawn for a circle is a polygon around it, or its centre where the
    polygon would cross the antimeridian.
    """
    placed = placed or {}
    return {"type": "FeatureCollection", "features": [_feature(zone, placed.get(zone.id)) for zone in zones]}


def _feature(zone: ChartedZone, placed: Sequence[Placed] | None) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "id": zone.id,
        "name": zone.name.en,
        "name_zh": zone.name.zh,
        "kind": zone.kind,
        "rule": zone.rule.en,
        "rule_zh": zone.rule.zh,
        "restriction": str(zone.restriction),
        **hours_members(zone.schedule),
    }
    given = {"country": zone.country, "authority": zone.authority, "extra": plain(zone.extra)}
    properties |= {name: value for name, value in given.items() if value}
    sides = placed if placed is not None else repeat((None, None))
    layers = [_layer_members(layer, said) for layer, said in zip(zone.layers, chain(sides), strict=placed is not None)]
    shapes = [geometry_of(layer.shape) for layer in zone.layers]
    if len(layers) == 1:
        properties |= layers[0]
        return {"type": "Feature", "geometry": shapes[0], "properties": properties}
    properties["layers"] = layers
    collection = {"type": "GeometryCollection", "geometries": shapes}
    return {"type": "Feature", "geometry": collection, "properties": properties}


def _layer_members(layer: Layer, placed: Placed) -> dict[str, Any]:
    return {
        "floor": _height_members(layer.floor, placed[0]),
        "ceiling": _height_members(layer.ceiling, placed[1]),
        **shape_members(layer.shape),
    }


def _height_members(height: Height, ellipsoidal_m: float | None) -> dict[str, Any]:
    members = {"value_m": height.value_m, "datum": str(height.datum)}
    return members if ellipsoidal_m is None else {**members, "ellipsoidal_m": ellipsoidal_m}


def plain(value: Any) -> Any:
    """Tuples as lists: what comes out is what JSON would give back."""
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value
