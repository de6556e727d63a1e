"""ED-269 documents of UAS zones, read strictly: each zone whole or not at all, with every problem of it.

The shapes follow EUROCAE ED-269 (2020) chapter 8 as `uas_standards.eurocae_ed269` and the published files of member
states have it: `features` or `UASZoneList` of UASZoneVersion, positions as [longitude, latitude] in WGS 84, limits and
radii in the unit of `uomDimensions`. null stands for what is not given. Lengths of texts are not refused: the samples
that InterUSS publishes break them, and nothing here depends on them. `airspace.formats.ed269_writer` is the way back;
what the model has no place for travels in `extra["ed269"]`. A zone's id is its country and identifier, `CHE-LSZB`; it
may be published in several versions, and one version may need several schedules: these are `CHE-LSZB (2)` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs, to_builtins

from airspace.charted import UNLIMITED, ChartedZone, Circle, Layer, Restriction, Source
from airspace.formats import chart_rules
from airspace.formats import geozone_rules as rules
from airspace.formats.chart import Chart, decoded
from airspace.formats.geozones import (
    FOOT_M,
    GROUND,
    Daily,
    Times,
    authority_line,
    kind_of,
    read_layer,
    read_limit,
    read_times,
    read_window,
    rule_of,
    schedules,
)
from airspace.formats.outlines import Outline, sound_circle, sound_parts
from airspace.formats.reading import Ids, Reading
from airspace.formats.wire import NO_ENTRIES, conform
from airspace.frames import Datum, Height
from airspace.reasons import Words
from airspace.schedules import BEGINNING_S, Schedule
from airspace.volumes import FOREVER_S
from airspace.zone_kinds import ZONE_KINDS

FORMAT = "ED-269"
OWN = "beichen"  # the member of extendedProperties that our writer uses

Text = str | None
Id = Annotated[str, Meta(extra={"form": "id"})]
Name = Annotated[str, Meta(extra={"form": "prose"})]
ReasonName = Literal[
    "AIR_TRAFFIC",
    "SENSITIVE",
    "PRIVACY",
    "POPULATION",
    "NATURE",
    "NOISE",
    "FOREIGN_TERRITORY",
    "EMERGENCY",
    "OTHER",
]
YesNo = Literal["YES", "NO"]
Position = tuple[float, float]
Ring = Annotated[list[Position], Meta(min_length=4)]

RESTRICTIONS: dict[str, Restriction] = {
    "PROHIBITED": Restriction.PROHIBITED,
    "REQ_AUTHORISATION": Restriction.AUTHORISATION,
    "CONDITIONAL": Restriction.CONDITIONAL,
    "NO_RESTRICTION": Restriction.NONE,
}
DATUMS: dict[str, Datum] = {"AGL": Datum.AGL, "AMSL": Datum.AMSL}
UNITS_M: dict[str, float] = {"M": 1.0, "FT": FOOT_M}


class Authority(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom to ask, tell or read."""

    name: Text = None
    service: Text = None
    email: Text = None
    contactName: Text = None  # noqa: N815 - the standard's name, as all of this kind below
    siteURL: Text = None  # noqa: N815
    phone: Text = None
    purpose: Literal["AUTHORIZATION", "NOTIFICATION", "INFORMATION"] | None = None
    intervalBefore: Text = None  # noqa: N815


class DailyPeriod(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of some days of the week; times carry their offset from UTC."""

    day: Annotated[
        list[Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN", "ANY"]], Meta(min_length=1, max_length=7)
    ]
    startTime: str  # noqa: N815
    endTime: str  # noqa: N815


class TimePeriod(Struct, frozen=True, forbid_unknown_fields=True):
    """When the zone applies."""

    permanent: YesNo
    startDateTime: Text = None  # noqa: N815
    endDateTime: Text = None  # noqa: N815
    schedule: Annotated[list[DailyPeriod], Meta(min_length=1)] | None = None


class CircleProjection(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="Circle"):
    """A centre as [longitude, latitude] and a radius in the unit of the volume."""

    center: Position
    radius: float


class PolygonProjection(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="Polygon"):
    """Rings of [longitude, latitude], the outer one first, each closed."""

    coordinates: Annotated[list[Ring], Meta(min_length=1)]


class AirspaceVolume(Struct, frozen=True, forbid_unknown_fields=True):
    """One shape between two limits; a limit that is not given is none."""

    uomDimensions: Literal["M", "FT"]  # noqa: N815
    lowerVerticalReference: Literal["AGL", "AMSL"]  # noqa: N815
    upperVerticalReference: Literal["AGL", "AMSL"]  # noqa: N815
    horizontalProjection: CircleProjection | PolygonProjection  # noqa: N815
    lowerLimit: float | None = None  # noqa: N815
    upperLimit: float | None = None  # noqa: N815


class OwnProperties(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What our writer keeps in `extendedProperties` because ED-269 has no place for it.

    `parts` says how many geometries in a row are one layer, whose outline has as many polygons.
    """

    id: Id | None = None
    country: Literal[""] | None = None
    name_zh: Name | None = None
    kind: Name | None = None
    rule: Name | None = None
    rule_zh: Name | None = None
    authority: str | None = None
    parts: list[Annotated[int, Meta(ge=1)]] | None = None


class ZoneVersion(Struct, frozen=True, forbid_unknown_fields=True):
    """A UASZoneVersion."""

    identifier: Id
    country: Annotated[str, Meta(extra={"form": "country"})]
    type: Literal["COMMON", "CUSTOMIZED"]
    restriction: Literal["PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL", "NO_RESTRICTION"]
    applicability: Annotated[list[TimePeriod], Meta(min_length=1)]
    zoneAuthority: list[Authority]  # noqa: N815
    geometry: Annotated[list[AirspaceVolume], Meta(min_length=1)]
    title: Text = None
    name: Name | None = None
    restrictionConditions: str | list[str] | None = None  # noqa: N815
    region: Annotated[int, Meta(ge=0, le=65535)] | None = None
    reason: Annotated[list[ReasonName], Meta(max_length=9)] | None = None
    otherReasonInfo: Text = None  # noqa: N815
    regulationExemption: YesNo | None = None  # noqa: N815
    uSpaceClass: str | list[str] | None = None  # noqa: N815
    message: Text = None
    extendedProperties: Any = None  # noqa: N815


class Features(Struct, frozen=True, forbid_unknown_fields=True):
    """The document as the standard has it."""

    features: list[Any]
    title: Text = None
    description: Text = None


class ZoneList(Struct, frozen=True, forbid_unknown_fields=True):
    """The document as some states publish it."""

    UASZoneList: list[Any]
    formatVersion: Text = None  # noqa: N815
    createdAt: Text = None  # noqa: N815


class Kept(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What `extra["ed269"]` of a zone holds: the members that the model has no place for, as they were.

    `uom` are the units of the geometries where these are not all metres; `part` says which of the zones it is that a
    feature became because it needed several schedules.
    """

    identifier: Id
    type: Literal["COMMON", "CUSTOMIZED"]
    zoneAuthority: list[Authority]  # noqa: N815
    title: Text = None
    name: Name | None = None
    restrictionConditions: str | list[str] | None = None  # noqa: N815
    region: int | None = None
    reason: list[ReasonName] | None = None
    otherReasonInfo: Text = None  # noqa: N815
    regulationExemption: YesNo | None = None  # noqa: N815
    uSpaceClass: str | list[str] | None = None  # noqa: N815
    message: Text = None
    extendedProperties: Any = None  # noqa: N815
    uom: list[Literal["M", "FT"]] | None = None
    part: int | None = None


def read_ed269(data: bytes, where: str) -> Reading:
    """The zones of an ED-269 document in UTF-8; `where` begins the place of every reason."""
    chart = Chart(where)
    document = decoded(chart, data)
    zones: list[ChartedZone] = []
    if not chart.reasons:
        name, features = _features(chart, document)
        ids = Ids()
        for i, feature in enumerate(features):
            if chart.gives_up(f"{name}[{i}]"):
                break
            zones += _read_zone(chart, feature, f"{name}[{i}]", ids)
    if not (zones or chart.reasons):
        chart.add(NO_ENTRIES, "")
    return Reading(tuple(zones), tuple(chart.reasons))


def _features(chart: Chart, document: Any) -> tuple[str, Sequence[Any]]:
    if isinstance(document, Mapping) and "UASZoneList" in document:
        listed = conform(chart, document, ZoneList, "")
        return "UASZoneList", listed.UASZoneList if listed else ()
    published = conform(chart, document, Features, "")
    return "features", published.features if published else ()


def _read_zone(chart: Chart, value: Any, path: str, ids: Ids) -> tuple[ChartedZone, ...]:
    """One zone for each schedule that the feature needs, or none with reasons."""
    before = len(chart.reasons)
    zone = conform(chart, value, ZoneVersion, path)
    if zone is None:
        return ()
    own = _read_own(chart, zone.extendedProperties, f"{path}.extendedProperties")
    when = _read_applicability(chart, zone.applicability, f"{path}.applicability")
    layers = _read_layers(chart, zone.geometry, own.parts, path)
    if len(chart.reasons) > before:
        return ()
    name = zone.name or zone.identifier
    restriction = RESTRICTIONS[zone.restriction]
    rule = rule_of(FORMAT, restriction, zone.reason or (), zone.message or zone.otherReasonInfo or "")
    wanted = own.id or f"{zone.country}-{zone.identifier}"
    return tuple(
        ChartedZone(
            id=ids.unused(wanted, path),
            name=Words(name, own.name_zh or name),
            kind=own.kind or kind_of(zone.reason or ()),
            rule=Words(own.rule or rule.en, own.rule_zh or rule.zh),
            layers=layers,
            restriction=restriction,
            schedule=schedule,
            country=zone.country if own.country is None else own.country,
            authority=asked(zone.zoneAuthority) if own.authority is None else own.authority,
            extra={"ed269": _extra(zone, part, len(when))},
            source=Source(chart.where, path, FORMAT),
        )
        for part, schedule in enumerate(when, 1)
    )


def asked(authorities: Sequence[Authority]) -> str:
    """Who authorises flights in a zone, in one line; the first authority named where none says that it does."""
    for authority in sorted(authorities, key=lambda a: a.purpose != "AUTHORIZATION"):
        return authority_line(
            authority.name,
            authority.service,
            authority.contactName,
            authority.phone,
            authority.email,
            authority.siteURL,
        )
    return ""


def _read_own(chart: Chart, properties: Any, path: str) -> OwnProperties:
    if not isinstance(properties, Mapping) or OWN not in properties:
        return OwnProperties()
    own = conform(chart, properties[OWN], OwnProperties, f"{path}.{OWN}")
    if own is None:
        return OwnProperties()
    if own.kind is not None and own.kind not in ZONE_KINDS:
        chart.add(chart_rules.UNKNOWN_VALUE, f"{path}.{OWN}.kind", found=own.kind, known=", ".join(ZONE_KINDS))
    return own


def _extra(zone: ZoneVersion, part: int, parts: int) -> Any:
    """`Kept` as plain JSON."""
    properties = zone.extendedProperties
    if isinstance(properties, Mapping):
        properties = {name: value for name, value in properties.items() if name != OWN} or None
    units = [volume.uomDimensions for volume in zone.geometry]
    members = structs.asdict(zone)
    kept = {name: members[name] for name in Kept.__struct_fields__ if name in members}
    kept |= {"extendedProperties": properties, "part": part if parts > 1 else None}
    return to_builtins(Kept(**kept, uom=units if "FT" in units else None))


def _read_applicability(chart: Chart, periods: Sequence[TimePeriod], path: str) -> tuple[Schedule, ...]:
    entries = [_read_period(chart, period, f"{path}[{i}]") for i, period in enumerate(periods)]
    known = [entry for entry in entries if entry is not None]
    always = ((BEGINNING_S, FOREVER_S), Times())
    return schedules([always] if always in known else known)


def _read_period(chart: Chart, period: TimePeriod, path: str) -> tuple[tuple[float, float], Times] | None:
    given = {
        name: value
        for name in ("startDateTime", "endDateTime", "schedule")
        if (value := getattr(period, name)) is not None
    }
    if period.permanent == "YES":
        for name in given:
            chart.add(rules.PERMANENT, f"{path}.{name}", name=name)
    elif not given:
        chart.add(rules.NEVER, path)
    window = read_window(chart, period.startDateTime, period.endDateTime, path)
    dailies = [
        Daily(daily.day, daily.startTime, daily.endTime, None, None, f"{path}.schedule[{i}]")
        for i, daily in enumerate(period.schedule or ())
    ]
    times = read_times(chart, dailies, f"{path}.schedule")
    return None if window is None or times is None else (window, times)


def _read_layers(
    chart: Chart, volumes: Sequence[AirspaceVolume], parts: Sequence[int] | None, path: str
) -> tuple[Layer, ...]:
    counts = [1] * len(volumes) if parts is None else parts
    if sum(counts) != len(volumes):
        chart.add(rules.PARTS, f"{path}.extendedProperties.{OWN}.parts", found=str(parts), count=len(volumes))
        return ()
    layers, first = [], 0
    for count in counts:
        layers.append(_read_layer(chart, volumes[first : first + count], f"{path}.geometry", first))
        first += count
    return tuple(layer for layer in layers if layer is not None)


def _read_layer(chart: Chart, volumes: Sequence[AirspaceVolume], path: str, first: int) -> Layer | None:
    volume = volumes[0]
    at = f"{path}[{first}]"
    unit_m = UNITS_M[volume.uomDimensions]
    floor: Height | None = GROUND
    if volume.lowerLimit is not None:
        datum = DATUMS[volume.lowerVerticalReference]
        floor = read_limit(chart, volume.lowerLimit, unit_m, datum, f"{at}.lowerLimit", upper=False)
    ceiling: Height | None = UNLIMITED
    if volume.upperLimit is not None:
        datum = DATUMS[volume.upperVerticalReference]
        ceiling = read_limit(chart, volume.upperLimit, unit_m, datum, f"{at}.upperLimit", upper=True)
    projection = volume.horizontalProjection
    shape: Outline | Circle | None
    if isinstance(projection, CircleProjection):
        shape = sound_circle(chart, projection.center, projection.radius * unit_m, f"{at}.horizontalProjection")
    else:
        shape = _read_outline(chart, volumes, path, first)
    return read_layer(chart, shape, floor, ceiling, at)


def _read_outline(chart: Chart, volumes: Sequence[AirspaceVolume], path: str, first: int) -> Outline | None:
    polygons = [volume.horizontalProjection for volume in volumes]
    rings = [polygon.coordinates for polygon in polygons if isinstance(polygon, PolygonProjection)]
    if len(rings) < len(polygons):
        chart.add(rules.NOT_AN_AREA, f"{path}[{first}]", found="Circle")
        return None
    paths = [f"{path}[{first + i}].horizontalProjection.coordinates" for i in range(len(rings))]
    return sound_parts(chart, rings, paths, paths[0], as_geojson=True)
