"""One KML placemark as one layer of a zone: its name, data, time, shape and heights."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airspace.charted import ChartedZone, Layer, Restriction, Source
from airspace.formats import kml_rules as rules
from airspace.formats.chart import Chart, decoded, shown
from airspace.formats.chart_fields import (
    read_country,
    read_extra,
    read_kind,
    read_restriction,
    read_words,
)
from airspace.formats.geojson_hours import read_hours
from airspace.formats.kml_geometry import GEOMETRIES, HEIGHT_DATA, read_drawn, read_heights, read_shape
from airspace.formats.kml_tree import Element
from airspace.formats.outlines import sound_heights
from airspace.frames import Height
from airspace.reasons import Words
from airspace.zone_kinds import ZONE_KINDS

FORMAT = "kml"
UNKNOWN_KIND = "other"
MOST_MEMBERS = 50_000  # of JSON in one placemark

TEXT_DATA = ("id", "name", "name_zh", "kind", "rule", "rule_zh", "restriction", "country", "authority")
JSON_DATA = ("active", "schedule", "extra")
SHAPE_DATA = ("radius_m", "half_width_m")
OWN_DATA = (*TEXT_DATA, *JSON_DATA, *SHAPE_DATA, *HEIGHT_DATA, "layer", "drawing_of")

# What a feature may hold besides its geometry (OGC 07-147r2, 9.1); none of it changes what a zone is.
DISPLAY = (
    "visibility",
    "open",
    "address",
    "AddressDetails",
    "phoneNumber",
    "Snippet",
    "snippet",
    "LookAt",
    "Camera",
    "styleUrl",
    "Style",
    "StyleMap",
    "Region",
    "Metadata",
    "Schema",
)
KNOWN = ("name", "description", "ExtendedData", "TimeSpan", "TimeStamp", *DISPLAY, *GEOMETRIES)

NUMBERS = Words("a layer number such as 1/3", "层号，例如 1/3")

_LAYER = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})", re.ASCII)
_MOMENT = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_WITH_OFFSET = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,30}))?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """One layer of a zone: the `number`th of `count`; `zone` has this layer alone; `id` is None when none is given."""

    id: str | None
    number: int
    count: int
    zone: ChartedZone
    at: str


def read_placemark(chart: Chart, placemark: Element, ceiling: Height | None) -> Part | None:
    """A layer of a zone; None with reasons, or without any for what only draws a zone that stands elsewhere."""
    before = len(chart.reasons)
    at = f"line {placemark.line} Placemark"
    for child in placemark.children:
        if child.tag not in KNOWN:
            chart.add(rules.UNKNOWN_ELEMENT, f"line {child.line}", found=child.tag, known=", ".join(KNOWN))
    data = _data(chart, placemark)
    if "drawing_of" in data:
        return None
    properties = _properties(chart, placemark, data, at)
    name = read_words(chart, properties, "name", at)
    kind = read_kind(chart, properties, at)
    rule = read_words(chart, properties, "rule", at, needed=False)
    restriction = read_restriction(chart, properties, at)
    schedule = read_hours(chart, properties, at)
    country = read_country(chart, properties, at)
    authority = properties.get("authority", "")
    number, count = _layer(chart, data, at)
    layer = _read_layer(chart, placemark, data, at, ceiling)
    extra = dict(read_extra(chart, properties, at))
    if len(chart.reasons) > before or not (name and kind and schedule and layer):
        return None
    foreign = _foreign(placemark, data, extra)
    zone = ChartedZone(
        id=data.get("id", ""),
        name=name,
        kind=kind,
        rule=rule or ZONE_KINDS[kind],
        layers=(layer,),
        restriction=restriction or Restriction.PROHIBITED,
        schedule=schedule,
        country=country or "",
        authority=authority,
        extra=extra | foreign,
        source=Source(chart.where, at, FORMAT),
    )
    return Part(data.get("id"), number, count, zone, at)


def _read_layer(
    chart: Chart, placemark: Element, data: Mapping[str, str], at: str, ceiling: Height | None
) -> Layer | None:
    drawn = read_drawn(chart, placemark, at)
    if drawn is None:
        return None
    heights = read_heights(chart, drawn, data, at, ceiling)
    shape = read_shape(chart, drawn, data, at)
    if shape is None or heights is None or not sound_heights(chart, *heights, at):
        return None
    return Layer(shape, *heights)


def _data(chart: Chart, placemark: Element) -> dict[str, str]:
    """The texts of ExtendedData by name."""
    data: dict[str, str] = {}
    for holder in placemark.all("ExtendedData"):
        pairs = [(pair, pair.first("value")) for pair in holder.all("Data")]
        for schema in holder.all("SchemaData"):
            pairs += [(pair, pair) for pair in schema.all("SimpleData")]
        for pair, value in pairs:
            name = pair.attributes.get("name", "")
            if name in data:
                chart.add(rules.REPEATED, f"line {pair.line} {pair.tag}", found=shown(name))
            data[name] = _line(value)
    return data


def _line(element: Element | None) -> str:
    """The text of an element as one line: as it is, or with its white space evened out when lines break in it."""
    text = "" if element is None else element.text
    return text if text.isprintable() else " ".join(text.split())


def _properties(chart: Chart, placemark: Element, data: Mapping[str, str], at: str) -> dict[str, Any]:
    """The data as properties of our own charts, so that both are read by the same rules."""
    properties: dict[str, Any] = {name: data[name] for name in TEXT_DATA if name in data}
    for name in JSON_DATA:
        if data.get(name, "").count(",") > MOST_MEMBERS:
            chart.add(rules.TOO_LARGE, f"{at} {name}", most=MOST_MEMBERS, what=Words("members of JSON", "JSON 成员数"))
        elif name in data:
            inner = Chart(f"{chart.where} {at} {name}")
            properties[name] = decoded(inner, data[name].encode())
            chart.reasons += inner.reasons
    if "id" in properties:
        chart.text(properties["id"], f"{at}.id")
    if properties.get("authority"):
        chart.text(properties["authority"], f"{at}.authority")
    properties.setdefault("kind", UNKNOWN_KIND)
    if "name" not in properties:
        name = _line(placemark.first("name"))
        if name or "id" in data:
            properties["name"] = name or data["id"]
    window = _window(chart, placemark)
    if window and "active" not in properties:
        properties["active"] = window
    return properties


def _layer(chart: Chart, data: Mapping[str, str], at: str) -> tuple[int, int]:
    if "layer" not in data:
        return 1, 1
    found = _LAYER.fullmatch(data["layer"])
    if found is None or int(found.group(1)) > int(found.group(2)) or "id" not in data:
        chart.add(rules.DATA, f"{at} layer", found=shown(data["layer"]), expected=NUMBERS)
        return 1, 1
    return int(found.group(1)), int(found.group(2))


def _window(chart: Chart, placemark: Element) -> dict[str, str]:
    """TimeSpan as the window of our own charts; empty where there is none."""
    for stamp in placemark.all("TimeStamp"):
        chart.add(rules.TIME_STAMP, f"line {stamp.line} TimeStamp")
    spans = list(placemark.all("TimeSpan"))
    if len(spans) > 1:
        chart.add(rules.REPEATED, f"line {spans[1].line} TimeSpan", found="TimeSpan")
    window: dict[str, str] = {}
    for name, member in (("begin", "from"), ("end", "to")):
        text = spans[0].text_of(name) if spans else None
        if not text:
            continue
        moment = _moment(text, is_end=name == "end")
        if moment is None:
            chart.add(rules.TIME, f"line {spans[0].line} {name}", found=shown(text))
        else:
            window[member] = moment
    return window


def _moment(text: str, *, is_end: bool) -> str | None:
    """A KML time as RFC 3339; a day, month or year is the whole of it in UTC, so that it ends when the next begins."""
    precise = _WITH_OFFSET.fullmatch(text)
    if precise is not None:
        fraction = f".{precise.group(2)[:6]}" if precise.group(2) else ""
        return f"{precise.group(1)}{fraction}{precise.group(3)}"
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day = found.groups()
    try:
        begin = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
        if not is_end:
            return begin.isoformat()
        if month is None:
            return begin.replace(year=begin.year + 1).isoformat()
        days = calendar.monthrange(begin.year, begin.month)[1] if day is None else 1
        return (begin + timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):  # the 31st of June; the end of the year 9999
        return None


def _foreign(placemark: Element, data: Mapping[str, str], extra: Mapping[str, Any]) -> dict[str, Any]:
    """What other programs wrote that no field of a zone holds, as a member of its `extra`."""
    before = extra.get(FORMAT)
    foreign: dict[str, Any] = dict(before) if isinstance(before, Mapping) else {}
    others = {name: text for name, text in data.items() if name not in OWN_DATA}
    if others:
        foreign["data"] = others
    description = placemark.text_of("description")
    if description:
        foreign["description"] = description
    return {FORMAT: foreign} if others or description else {}
