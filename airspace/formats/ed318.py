"""ED-318 documents of UAS zones, read strictly: GeoJSON features whose geometries carry their layer.

The shapes follow the JSON schemas that EUROCAE publishes with ED-318 (UASGeoZones/ED-318 on GitHub): whatever these
refuse is refused here, formats of texts included. More is refused where a zone would be guessed at: a geometry without
both limits of its layer, an unknown member of a layer, positions with a height of their own, geometries that enclose
nothing. Members that GeoJSON allows and nobody knows are passed over. Positions are WGS 84 (longitude, latitude).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from airspace.charted import ChartedZone, Circle, Layer, Restriction, Source
from airspace.formats import geozone_rules as rules
from airspace.formats.chart import Chart, decoded
from airspace.formats.geozones import (
    FOOT_M,
    Daily,
    Times,
    authority_line,
    kind_of,
    one_line,
    read_layer,
    read_limit,
    read_times,
    read_window,
    rule_of,
    schedules,
)
from airspace.formats.outlines import Outline, sound, sound_circle, sound_parts
from airspace.formats.reading import Ids, Reading
from airspace.formats.wire import NO_ENTRIES, conform
from airspace.frames import Datum, Height
from airspace.reasons import Words
from airspace.schedules import ALWAYS, Schedule

FORMAT = "ED-318"

Position = tuple[float, float]
Ring = Annotated[list[Position], Meta(min_length=4)]
Box = Annotated[list[float], Meta(min_length=4)] | UnsetType
Instant = Annotated[str, Meta(extra={"form": "date-time"})]
Event = Literal["BMCT", "SR", "SS", "EECT"]
Reference = Literal["AGL", "AMSL", "WGS84"]

RESTRICTIONS: dict[str, Restriction] = {
    "USPACE": Restriction.CONDITIONAL,  # who flies there uses the services of U-space, Regulation (EU) 2021/664 art. 6
    "PROHIBITED": Restriction.PROHIBITED,
    "REQ_AUTHORIZATION": Restriction.AUTHORISATION,
    "CONDITIONAL": Restriction.CONDITIONAL,
    "NO_RESTRICTION": Restriction.NONE,
}
DATUMS: dict[str, Datum] = {"AGL": Datum.AGL, "AMSL": Datum.AMSL, "WGS84": Datum.ELLIPSOIDAL}
UNITS_M: dict[str, float] = {"m": 1.0, "ft": FOOT_M}


class ShortText(Struct, frozen=True):
    """A text in a language."""

    lang: Annotated[str, Meta(max_length=5)]
    text: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET


Texts = list[ShortText]


class VerticalLayer(Struct, frozen=True, forbid_unknown_fields=True):
    """Two limits; the schema asks for none of them, a zone needs both."""

    upper: float
    upperReference: Reference  # noqa: N815 - the standard's name, as all of this kind below
    lower: float
    lowerReference: Reference  # noqa: N815
    uom: Literal["m", "ft"] = "m"


class CircleExtent(Struct, frozen=True, forbid_unknown_fields=True):
    """What makes a Point a circle; the radius is in metres, whatever the unit of the limits."""

    subType: Literal["Circle"]  # noqa: N815
    radius: float


class PointGeometry(Struct, frozen=True, tag_field="type", tag="Point"):
    """The centre of a circle."""

    coordinates: Position
    layer: VerticalLayer
    extent: CircleExtent
    bbox: Box = UNSET


class PolygonGeometry(Struct, frozen=True, tag_field="type", tag="Polygon"):
    """Rings, the outer one first."""

    coordinates: list[Ring]
    layer: VerticalLayer
    bbox: Box = UNSET


class MultiPolygonGeometry(Struct, frozen=True, tag_field="type", tag="MultiPolygon"):
    """Several polygons."""

    coordinates: list[list[Ring]]
    layer: VerticalLayer
    bbox: Box = UNSET


class LineStringGeometry(Struct, frozen=True, tag_field="type", tag="LineString"):
    """A line, which the schema allows and which is refused."""


class MultiPointGeometry(Struct, frozen=True, tag_field="type", tag="MultiPoint"):
    """Points, which the schema allows and which are refused."""


class MultiLineStringGeometry(Struct, frozen=True, tag_field="type", tag="MultiLineString"):
    """Lines, which the schema allows and which are refused."""


Single = (
    PointGeometry
    | PolygonGeometry
    | MultiPolygonGeometry
    | LineStringGeometry
    | MultiPointGeometry
    | MultiLineStringGeometry
)


class Collection(Struct, frozen=True, tag_field="type", tag="GeometryCollection"):
    """One geometry for each layer of the zone."""

    geometries: Annotated[list[Single], Meta(min_length=1)]
    bbox: Box = UNSET


class Authority(Struct, frozen=True, omit_defaults=True):
    """Whom to ask, tell or read."""

    purpose: Literal["AUTHORIZATION", "NOTIFICATION", "INFORMATION"]
    name: Texts = []
    service: Texts = []
    contactName: Texts = []  # noqa: N815
    siteURL: Annotated[str, Meta(extra={"form": "uri"})] | UnsetType = UNSET  # noqa: N815
    email: Annotated[str, Meta(extra={"form": "email"})] | UnsetType = UNSET
    phone: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    intervalBefore: Annotated[str, Meta(extra={"form": "duration"})] | UnsetType = UNSET  # noqa: N815


class DailyPeriod(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of some days of the week, by clock times or events of the sun; an end not given is that of the day."""

    day: Annotated[list[Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN", "ANY"]], Meta(min_length=1)]
    startTime: str | UnsetType = UNSET  # noqa: N815
    startEvent: Event | UnsetType = UNSET  # noqa: N815
    endTime: str | UnsetType = UNSET  # noqa: N815
    endEvent: Event | UnsetType = UNSET  # noqa: N815


class TimePeriod(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When the zone applies."""

    startDateTime: Instant | UnsetType = UNSET  # noqa: N815
    endDateTime: Instant | UnsetType = UNSET  # noqa: N815
    schedule: list[DailyPeriod] = []


class DataSource(Struct, frozen=True):
    """Where the zone's data comes from."""

    creationDate: str | UnsetType = UNSET  # noqa: N815
    updateDateTime: str | UnsetType = UNSET  # noqa: N815
    originator: ShortText | UnsetType = UNSET


class ZoneProperties(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A UASZoneVersion."""

    identifier: Annotated[str, Meta(max_length=7, extra={"form": "id"})]
    country: Annotated[str, Meta(extra={"form": "country"})]
    type: Literal["USPACE", "PROHIBITED", "REQ_AUTHORIZATION", "CONDITIONAL", "NO_RESTRICTION"]
    variant: Literal["COMMON", "CUSTOMIZED"]
    zoneAuthority: Annotated[list[Authority], Meta(min_length=1)]  # noqa: N815
    name: Texts = []
    restrictionConditions: str | UnsetType = UNSET  # noqa: N815
    region: int | UnsetType = UNSET
    reason: Annotated[
        list[
            Literal[
                "AIR_TRAFFIC",
                "SENSITIVE",
                "PRIVACY",
                "POPULATION",
                "NATURE",
                "NOISE",
                "EMERGENCY",
                "DAR",
                "OTHER",
            ]
        ],
        Meta(max_length=9),
    ] = []
    otherReasonInfo: Texts = []  # noqa: N815
    regulationExemption: Literal["YES", "NO"] | UnsetType = UNSET  # noqa: N815
    message: Texts = []
    limitedApplicability: list[TimePeriod] = []  # noqa: N815
    dataSource: DataSource | UnsetType = UNSET  # noqa: N815
    extendedProperties: dict[str, Any] | UnsetType = UNSET  # noqa: N815


class Feature(Struct, frozen=True):
    """One zone; the schema lets properties and geometry be null, which is no zone."""

    type: Literal["Feature"]
    properties: ZoneProperties
    geometry: Single | Collection
    id: float | str | UnsetType = UNSET
    bbox: Box = UNSET


class Metadata(Struct, frozen=True):
    """What the document says of itself."""

    validFrom: Instant | UnsetType = UNSET  # noqa: N815
    validTo: Instant | UnsetType = UNSET  # noqa: N815
    issued: Instant | UnsetType = UNSET
    provider: Texts = []
    description: Texts = []
    otherGeoid: str | UnsetType = UNSET  # noqa: N815
    technicalLimitations: Texts = []  # noqa: N815


class Document(Struct, frozen=True):
    """A FeatureCollection."""

    type: Literal["FeatureCollection"]
    features: list[Any]
    name: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    bbox: Box = UNSET


def read_ed318(data: bytes, where: str) -> Reading:
    """The zones of an ED-318 document in UTF-8; `where` begins the place of every reason.

    A problem of the document itself (its metadata, say) does not hold back the features.
    """
    chart = Chart(where)
    document = decoded(chart, data)
    if chart.reasons:
        return Reading((), tuple(chart.reasons))
    conform(chart, document, Document, "")
    features = document.get("features") if isinstance(document, dict) else None
    zones: list[ChartedZone] = []
    ids = Ids()
    for i, value in enumerate(features if isinstance(features, list) else ()):
        path = f"features[{i}]"
        if chart.gives_up(path):
            break
        feature = conform(chart, value, Feature, path)
        if feature is not None:
            zones += _read_zone(chart, feature, path, ids)
    if not (zones or chart.reasons):
        chart.add(NO_ENTRIES, "")
    return Reading(tuple(zones), tuple(chart.reasons))


def _read_zone(chart: Chart, feature: Feature, path: str, ids: Ids) -> tuple[ChartedZone, ...]:
    """One zone for each schedule that the feature needs, or none with reasons."""
    before = len(chart.reasons)
    zone = feature.properties
    when = _read_applicability(chart, zone.limitedApplicability, f"{path}.properties.limitedApplicability")
    layers = _read_layers(chart, feature.geometry, f"{path}.geometry")
    if len(chart.reasons) > before:
        return ()
    restriction = RESTRICTIONS[zone.type]
    says = _words(zone.message) or _words(zone.otherReasonInfo) or Words("", "")
    rule = Words(
        rule_of(FORMAT, restriction, zone.reason, says.en).en, rule_of(FORMAT, restriction, zone.reason, says.zh).zh
    )
    return tuple(
        ChartedZone(
            id=ids.unused(f"{zone.country}-{zone.identifier}", path),
            name=_words(zone.name) or Words(zone.identifier, zone.identifier),
            kind="u-space" if zone.type == "USPACE" else kind_of(zone.reason),
            rule=rule,
            layers=layers,
            restriction=restriction,
            schedule=schedule,
            country=zone.country,
            authority=_asked(zone.zoneAuthority),
            extra={"ed318": to_builtins(zone)},
            source=Source(chart.where, path, FORMAT),
        )
        for schedule in when
    )


def _words(texts: Sequence[ShortText]) -> Words | None:
    """English and Chinese out of texts in any languages: the first text stands for what is not there."""
    lines = [(short.lang.lower(), one_line(short.text)) for short in texts if short.text is not UNSET]
    said = [(lang, line) for lang, line in lines if line]
    if not said:
        return None
    en = next((line for lang, line in said if lang.startswith("en")), said[0][1])
    return Words(en, next((line for lang, line in said if lang.startswith("zh")), en))


def _asked(authorities: Sequence[Authority]) -> str:
    """Who authorises flights in a zone, in one line; the first authority named where none says that it does."""
    authority = min(authorities, key=lambda a: a.purpose != "AUTHORIZATION")
    names = [_words(texts) for texts in (authority.name, authority.service, authority.contactName)]
    reached = [text for text in (authority.phone, authority.email, authority.siteURL) if text is not UNSET]
    return authority_line(*(words.en for words in names if words), *reached)


def _read_applicability(chart: Chart, periods: Sequence[TimePeriod], path: str) -> tuple[Schedule, ...]:
    if not periods:
        return (ALWAYS,)
    entries = [_read_period(chart, period, f"{path}[{i}]") for i, period in enumerate(periods)]
    return schedules([entry for entry in entries if entry is not None])


def _read_period(chart: Chart, period: TimePeriod, path: str) -> tuple[tuple[float, float], Times] | None:
    window = read_window(chart, _given(period.startDateTime), _given(period.endDateTime), path)
    dailies = [
        Daily(
            daily.day,
            _given(daily.startTime),
            _given(daily.endTime),
            _given(daily.startEvent),
            _given(daily.endEvent),
            f"{path}.schedule[{i}]",
        )
        for i, daily in enumerate(period.schedule)
    ]
    times = read_times(chart, dailies, f"{path}.schedule")
    return None if window is None or times is None else (window, times)


def _given(text: str | UnsetType) -> str | None:
    return None if text is UNSET else text


def _read_layers(chart: Chart, geometry: Single | Collection, path: str) -> tuple[Layer, ...]:
    if isinstance(geometry, Collection):
        parts = [_read_layer(chart, part, f"{path}.geometries[{i}]") for i, part in enumerate(geometry.geometries)]
    else:
        parts = [_read_layer(chart, geometry, path)]
    return tuple(layer for layer in parts if layer is not None)


def _read_layer(chart: Chart, geometry: Single, path: str) -> Layer | None:
    shape: Outline | Circle | None
    at = f"{path}.coordinates"
    match geometry:
        case PointGeometry():
            shape = sound_circle(chart, geometry.coordinates, geometry.extent.radius, path)
        case PolygonGeometry():
            shape = sound(chart, geometry.coordinates, at, as_geojson=True)
        case MultiPolygonGeometry():
            paths = [f"{at}[{i}]" for i in range(len(geometry.coordinates))]
            shape = sound_parts(chart, geometry.coordinates, paths, at, as_geojson=True)
        case _:
            chart.add(rules.NOT_AN_AREA, path, found=geometry.__struct_config__.tag)
            return None
    layer = geometry.layer
    floor = _read_limit(chart, layer, "lower", layer.lower, layer.lowerReference, path)
    ceiling = _read_limit(chart, layer, "upper", layer.upper, layer.upperReference, path)
    return read_layer(chart, shape, floor, ceiling, f"{path}.layer")


def _read_limit(
    chart: Chart, layer: VerticalLayer, name: str, value: float, reference: str, path: str
) -> Height | None:
    datum = DATUMS[reference]
    return read_limit(chart, value, UNITS_M[layer.uom], datum, f"{path}.layer.{name}", upper=name == "upper")
