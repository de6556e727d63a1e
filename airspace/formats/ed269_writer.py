"""Zones as an ED-269 document: what `ed269.read_ed269` reads back as the same zones, and what is lost on the way.

What ED-269 has no member for, but a zone is not the same without (our id, kind, Chinese words), goes to
`extendedProperties.beichen`, and only where it is not what the reader would conclude by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
from msgspec import structs

from airspace.charted import UNLIMITED, ChartedZone, Circle, Corridor, Layer
from airspace.formats import geozone_rules as rules
from airspace.formats.drawing import around, coordinates_of
from airspace.formats.ed269 import (
    DATUMS,
    FORMAT,
    OWN,
    RESTRICTIONS,
    UNITS_M,
    Authority,
    Kept,
    OwnProperties,
    ReasonName,
    asked,
)
from airspace.formats.geozones import (
    REASON_KINDS,
    fixed_offset_s,
    kind_of,
    rule_of,
)
from airspace.formats.reading import Ids
from airspace.formats.writing import Export
from airspace.frames import Height
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.schedules import ALWAYS, BEGINNING_S, Day, Period, Schedule
from airspace.volumes import FOREVER_S

MOST_IDENTIFIER = 7  # so that country and identifier are an ARINC 424 designator of 10 characters

# Times are written to the microsecond: a period from the one before its start to the one after its end, but for what
# floats add to a whole one.
SAME_US = 1e-3
SHORTEST_S = 2e-6

_RESTRICTION_NAMES = {restriction: name for name, restriction in RESTRICTIONS.items()}
_DATUM_NAMES = {datum: name for name, datum in DATUMS.items()}
_KIND_REASONS = {kind: reason for reason, kind in REASON_KINDS.items() if reason in get_args(ReasonName)}
# Reasons of the kinds that no ED-269 reader concludes; whatever is not here is OTHER.
_MORE_REASONS = {
    "airport": "AIR_TRAFFIC",
    "hospital-pad": "AIR_TRAFFIC",
    "control-zone": "AIR_TRAFFIC",
    "control-area": "AIR_TRAFFIC",
    "aerodrome-traffic": "AIR_TRAFFIC",
    "military": "SENSITIVE",
    "nuclear": "SENSITIVE",
    "hazardous-goods": "SENSITIVE",
    "power": "SENSITIVE",
    "fuel": "SENSITIVE",
    "water-supply": "SENSITIVE",
    "radio": "SENSITIVE",
    "monument": "SENSITIVE",
    "border": "FOREIGN_TERRITORY",
}
# The words that make a schedule one that ED-269 cannot say.
_ZONE_CHANGES = Words("its time zone changes its offset", "时区偏移会变化")
_HOLIDAYS = Words("it has holidays", "含节假日")
_SUN = Words("it follows the sun", "随日出日落变化")


class _Losses:
    """What one export could not carry."""

    def __init__(self) -> None:
        self.reasons: list[Reason] = []

    def add(self, rule: Rule, zone: ChartedZone, **facts: Any) -> None:
        self.reasons.append(Reason(rule, zone.id, {"format": FORMAT, **facts}))


def ed269(
    zones: Iterable[ChartedZone], *, country: str = "", authority: Mapping[str, str] | None = None, title: str = ""
) -> Export:
    """The zones as an ED-269 document, in their order.

    `country` (ISO 3166-1 alpha-3) stands for zones that name none, `authority` (members of an ED-269 authority) for
    zones that name nobody. Zones read from one feature because it needed several schedules become that feature again.
    """
    losses, ids = _Losses(), Ids()
    features: list[dict[str, Any]] = []
    previous: ChartedZone | None = None
    for zone in zones:
        if previous is not None and _continues(zone, previous):
            ids.unused(f"{zone.country}-{features[-1]['identifier']}", "")
            features[-1]["applicability"] += _applicability(zone, losses)
            previous = zone
            continue
        feature = _feature(zone, country, authority, ids, losses)
        previous = zone if feature else None
        features += [feature] if feature else []
    document = {"title": title, "features": features} if title else {"features": features}
    return Export(document, tuple(losses.reasons))


def _kept(zone: ChartedZone) -> Kept | None:
    """What ED-269 said of a zone; None for a zone of another source, and for what somebody wrote there by hand."""
    try:
        return msgspec.convert(zone.extra.get("ed269"), Kept)
    except msgspec.ValidationError:
        return None


def _continues(zone: ChartedZone, previous: ChartedZone) -> bool:
    """Whether two zones are neighbouring parts of one feature."""
    kept, before = _kept(zone), _kept(previous)
    if kept is None or before is None or kept.part is None or before.part is None:
        return False
    follows = kept.part == before.part + 1 and structs.replace(kept, part=before.part) == before
    return follows and replace(zone, id=previous.id, schedule=previous.schedule, extra=previous.extra) == previous


def _identifier(zone: ChartedZone, country: str, kept: Kept | None) -> str:
    """What the zone is called within its country: as it was published, if it still goes by that."""
    if kept is not None:
        stem = f"{country}-{kept.identifier}"
        if zone.id == stem or zone.id.startswith(f"{stem} ("):
            return kept.identifier
    return zone.id.removeprefix(f"{country}-") or zone.id


def _feature(
    zone: ChartedZone,
    country: str,
    authority: Mapping[str, str] | None,
    ids: Ids,
    losses: _Losses,
) -> dict[str, Any] | None:
    home, kept = zone.country or country, _kept(zone)
    if not home:
        losses.add(rules.EXPORT_COUNTRY, zone)
        return None
    try:
        geometry, parts = _geometry(zone, kept.uom if kept else None, losses)
    except Refused as refused:  # a corridor too long to draw, or a height that ED-269 has no datum for
        losses.reasons += refused.reasons
        return None
    identifier = _identifier(zone, home, kept)
    if len(identifier) > MOST_IDENTIFIER and kept is None:
        losses.add(rules.EXPORT_IDENTIFIER, zone, found=identifier, most=MOST_IDENTIFIER)
    for source in zone.extra:
        if source != "ed269" or kept is None:
            losses.add(rules.EXPORT_EXTRA, zone, source=source)
    own = {"uom", "part", "extendedProperties"}
    feature = {name: value for name, value in msgspec.to_builtins(kept or {}).items() if name not in own}
    feature |= {"identifier": identifier, "country": home}
    feature.setdefault("type", "COMMON")
    if "name" in feature or zone.name.en != identifier:
        feature["name"] = zone.name.en
    feature["restriction"] = _RESTRICTION_NAMES[zone.restriction]
    if kept is None:
        feature["reason"] = [_KIND_REASONS.get(zone.kind) or _MORE_REASONS.get(zone.kind, "OTHER")]
        feature["zoneAuthority"] = _authorities(zone, authority, losses)
    feature["applicability"] = _applicability(zone, losses)
    feature["geometry"] = geometry
    properties = _properties(zone, feature, kept.extendedProperties if kept else None, parts, ids)
    if properties is not None:
        feature["extendedProperties"] = properties
    return feature


def _authorities(zone: ChartedZone, given: Mapping[str, str] | None, losses: _Losses) -> list[dict[str, Any]]:
    if zone.authority:
        return [{"name": zone.authority, "purpose": "AUTHORIZATION"}]
    if given is not None:
        return [{**given}]
    losses.add(rules.EXPORT_AUTHORITY, zone)
    return []


def _properties(zone: ChartedZone, feature: Mapping[str, Any], published: Any, parts: list[int], ids: Ids) -> Any:
    """`extendedProperties`: the published ones, and what the reader would not conclude from the feature."""
    reasons = feature.get("reason", ())
    says = feature.get("message") or feature.get("otherReasonInfo") or ""
    rule = rule_of(FORMAT, zone.restriction, reasons, says)
    name = feature.get("name", feature["identifier"])
    authorities = msgspec.convert(feature["zoneAuthority"], list[Authority])
    stem = f"{feature['country']}-{feature['identifier']}"
    wanted = stem if ids.free(stem) == zone.id else zone.id
    ids.unused(wanted, "")
    own = OwnProperties(
        id=zone.id if wanted != stem else None,
        country=None if zone.country else "",
        name_zh=zone.name.zh if zone.name.zh != name else None,
        kind=zone.kind if zone.kind != kind_of(reasons) else None,
        rule=zone.rule.en if zone.rule.en != rule.en else None,
        rule_zh=zone.rule.zh if zone.rule.zh != rule.zh else None,
        authority=zone.authority if zone.authority != asked(authorities) else None,
        parts=parts if any(count > 1 for count in parts) else None,
    )
    kept = msgspec.to_builtins(own)
    if not kept:
        return published
    return {**(published if isinstance(published, Mapping) else {}), OWN: kept}


def _geometry(
    zone: ChartedZone, units: Sequence[str] | None, losses: _Losses
) -> tuple[list[dict[str, Any]], list[int]]:
    """The airspace volumes of a zone, and how many of them each of its layers takes. Raises `Refused`."""
    projections = [_projections(zone, layer, losses) for layer in zone.layers]
    parts = [len(projection) for projection in projections]
    if units is None or len(units) != sum(parts):
        units = ["M"] * sum(parts)
    volumes: list[dict[str, Any]] = []
    for layer, drawn in zip(zone.layers, projections, strict=True):
        for projection in drawn:
            unit = units[len(volumes)]
            lengths = [layer.floor.value_m, layer.ceiling.value_m, projection.get("radius", 0.0)]
            if any(_in_unit(length_m, unit) * UNITS_M[unit] != length_m for length_m in lengths):
                unit = "M"  # it was changed since it was read, to what has no short number of feet
            volumes.append(_volume(zone, layer, projection, unit))
    return volumes, parts


def _volume(zone: ChartedZone, layer: Layer, projection: Mapping[str, Any], unit: str) -> dict[str, Any]:
    projection = {**projection}
    if "radius" in projection:
        projection["radius"] = _in_unit(projection["radius"], unit)
    volume: dict[str, Any] = {"uomDimensions": unit, "lowerLimit": _in_unit(layer.floor.value_m, unit)}
    volume["lowerVerticalReference"] = _reference(zone, layer.floor)
    if layer.ceiling != UNLIMITED:
        volume["upperLimit"] = _in_unit(layer.ceiling.value_m, unit)
    volume["upperVerticalReference"] = _reference(zone, layer.ceiling)
    return {**volume, "horizontalProjection": projection}


def _reference(zone: ChartedZone, height: Height) -> str:
    name = _DATUM_NAMES.get(height.datum)
    if name is None:
        raise Refused([Reason(rules.EXPORT_DATUM, zone.id, {"format": FORMAT, "datum": height.datum})])
    return name


def _in_unit(value_m: float, unit: str) -> float:
    """Metres in a unit, whole numbers as such."""
    value = value_m / UNITS_M[unit] if unit == "M" else round(value_m / UNITS_M[unit], 6)
    return int(value) if float(value).is_integer() else value


def _projections(zone: ChartedZone, layer: Layer, losses: _Losses) -> list[dict[str, Any]]:
    shape = layer.shape
    if isinstance(shape, Circle):
        return [{"type": "Circle", "center": [shape.centre.lon_deg, shape.centre.lat_deg], "radius": shape.radius_m}]
    if isinstance(shape, Corridor):
        shape = around(shape, zone.id)
        losses.add(rules.EXPORT_CORRIDOR, zone)
    return [{"type": "Polygon", "coordinates": rings} for rings in coordinates_of(shape)]


def _applicability(zone: ChartedZone, losses: _Losses) -> list[dict[str, Any]]:
    schedule = zone.schedule
    if schedule == ALWAYS:
        return [{"permanent": "YES"}]
    offset_s, why = _offset(schedule)
    dailies: list[dict[str, Any]] = []
    if why is not None:
        losses.add(rules.EXPORT_SCHEDULE, zone, why=why)
    else:
        dailies = [_daily(period, offset_s) for period in schedule.periods]
    return [_period(window, dailies) for window in schedule.windows]


def _offset(schedule: Schedule) -> tuple[float, Words | None]:
    """The offset [s] that all clock times of a schedule have, or why ED-269 cannot say them."""
    if not schedule.periods:
        return 0.0, None
    if any(edge.event for period in schedule.periods for edge in (period.start, period.end)):
        return 0.0, _SUN
    if schedule.holidays or any(Day.HOLIDAY in period.days for period in schedule.periods):
        return 0.0, _HOLIDAYS
    offset_s = fixed_offset_s(schedule)
    return (0.0, _ZONE_CHANGES) if offset_s is None else (offset_s, None)


def _period(window: tuple[float, float], dailies: list[dict[str, Any]]) -> dict[str, Any]:
    start_s, end_s = window
    if window == (BEGINNING_S, FOREVER_S) and not dailies:
        return {"permanent": "YES"}
    period: dict[str, Any] = {"permanent": "NO"}
    if start_s > BEGINNING_S:
        period["startDateTime"] = _instant_text(start_s)
    if end_s < FOREVER_S:
        period["endDateTime"] = _instant_text(max(end_s, start_s + SHORTEST_S))
    if dailies:
        period["schedule"] = dailies
    return period


def _daily(period: Period, offset_s: float) -> dict[str, Any]:
    days = [day.value for day in Day if day in period.days]
    return {
        "day": days or ["ANY"],
        "startTime": _clock_text(math.floor(period.start.offset_s * 1e6 + SAME_US), offset_s),
        "endTime": _clock_text(math.ceil(period.end.offset_s * 1e6 - SAME_US), offset_s),
    }


def _clock_text(at_us: int, offset_s: float) -> str:
    """Microseconds after midnight as InterUSS's samples write a clock time: 17:00:00.00Z."""
    at = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    sign = "-" if offset_s < 0 else "+"
    hours, minutes = divmod(int(abs(offset_s)) // 60, 60)
    return f"{at:%H:%M:%S}{_fraction(at)}" + (f"{sign}{hours:02}:{minutes:02}" if offset_s else "Z")


def _instant_text(at_s: float) -> str:
    at = datetime.fromtimestamp(at_s, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}{_fraction(at)}Z"


def _fraction(at: datetime) -> str:
    """Hundredths of a second, or microseconds where these are needed."""
    return f".{at:%f}" if at.microsecond % 10_000 else f".{at.microsecond // 10_000:02}"
