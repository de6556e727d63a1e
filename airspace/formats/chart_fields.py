"""The properties that zones of a chart share, each read to a value or to None with reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airspace.formats import chart_rules as rules
from airspace.formats.chart import TEXT, Chart, shown
from airspace.frames import Datum, Ground, Height
from airspace.reasons import Words
from airspace.volumes import FOREVER_S
from airspace.zone_kinds import ZONE_KINDS

BEGINNING_S = 0.0  # 1970-01-01: the start of a zone that has no start
SAME_HEIGHT_M = 0.01

METRES = Words("metres", "米")
HEIGHT = Words('a height such as {"value_m": 120, "datum": "agl"}', '高度，例如 {"value_m": 120, "datum": "agl"}')
TIME = Words("a time such as 2026-05-18T09:00:00+08:00", "时刻，例如 2026-05-18T09:00:00+08:00")
HEIGHT_MEMBERS = ("value_m", "datum", "ellipsoidal_m")

HEIGHT_RANGES_M: dict[Datum, tuple[float, float]] = {
    Datum.ELLIPSOIDAL: (-600.0, 30_000.0),
    Datum.AMSL: (-500.0, 30_000.0),
    Datum.AGL: (0.0, 30_000.0),
}

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def read_words(chart: Chart, properties: Mapping[str, Any], name: str, at: str, *, needed: bool = True) -> Words | None:
    """The text `name` with its Chinese twin `name_zh`; the one that is there stands for both."""
    texts: dict[str, str] = {}
    for lang, member in (("en", name), ("zh", f"{name}_zh")):
        if properties.get(member) is not None:
            text = chart.text(properties[member], f"{at}.{member}")
            if text is None:
                return None
            texts[lang] = text
    if not texts:
        if needed:
            chart.add(rules.MISSING, f"{at}.{name}", expected=TEXT)
        return None
    either = next(iter(texts.values()))
    return Words(texts.get("en", either), texts.get("zh", either))


def read_kind(chart: Chart, properties: Mapping[str, Any], at: str) -> str | None:
    """A key of `ZONE_KINDS`."""
    known = ", ".join(ZONE_KINDS)
    kind = chart.member(properties, "kind", at, Words(f"one of: {known}", f"下列之一：{known}"))
    if kind is None:
        return None
    if isinstance(kind, str) and kind in ZONE_KINDS:
        return kind
    chart.add(rules.UNKNOWN_VALUE, f"{at}.kind", found=shown(kind), known=known)
    return None


def read_height(
    chart: Chart, properties: Mapping[str, Any], name: str, at: str, ground: Ground | None
) -> tuple[Height, float] | None:
    """A height as the chart gives it and the same over the ellipsoid [m], or None with reasons."""
    value = chart.member(properties, name, at, HEIGHT)
    members = chart.object(value, f"{at}.{name}") if value is not None else None
    if members is None:
        return None
    path = f"{at}.{name}"
    chart.known_only(members, HEIGHT_MEMBERS, path)
    datum = chart.member(members, "datum", path, Words(", ".join(Datum), "、".join(Datum)))
    metres = chart.member(members, "value_m", path, METRES)
    if datum is None or metres is None:
        return None
    if not (isinstance(datum, str) and datum in tuple(Datum)):
        chart.add(rules.UNKNOWN_VALUE, f"{path}.datum", found=shown(datum), known=", ".join(Datum))
        return None
    low_m, high_m = HEIGHT_RANGES_M[Datum(datum)]
    number = chart.number(metres, f"{path}.value_m", low_m, high_m, METRES)
    if number is None:
        return None
    height = Height(number, Datum(datum))
    return _placed(chart, height, members.get("ellipsoidal_m"), path, ground)


def _placed(chart: Chart, height: Height, given: Any, path: str, ground: Ground | None) -> tuple[Height, float] | None:
    said_m: float | None = None
    if given is not None:
        said_m = chart.number(given, f"{path}.ellipsoidal_m", *HEIGHT_RANGES_M[Datum.ELLIPSOIDAL], METRES)
        if said_m is None:
            return None
    known_m = height.value_m if height.datum is Datum.ELLIPSOIDAL else ground.ellipsoidal_m(height) if ground else None
    if known_m is None:
        if said_m is None:
            chart.add(rules.NO_GROUND, path, height=str(height))
            return None
        return height, said_m
    if said_m is not None and abs(said_m - known_m) > SAME_HEIGHT_M:
        chart.add(rules.OTHER_GROUND, f"{path}.ellipsoidal_m", found=said_m, height=str(height), expected=known_m)
        return None
    return height, known_m


def read_active(chart: Chart, properties: Mapping[str, Any], at: str) -> tuple[float, float]:
    """The window of a zone [s UTC]; the whole time where the chart says nothing, or with reasons nothing usable."""
    whole = BEGINNING_S, FOREVER_S
    if properties.get("active") is None:
        return whole
    path = f"{at}.active"
    active = chart.object(properties["active"], path)
    if active is None:
        return whole
    chart.known_only(active, ("from", "to"), path)
    if active.get("from") is None and active.get("to") is None:
        chart.add(rules.MISSING, f"{path}.from", expected=TIME)
        return whole
    start_s = read_time(chart, active["from"], f"{path}.from") if active.get("from") is not None else BEGINNING_S
    end_s = read_time(chart, active["to"], f"{path}.to") if active.get("to") is not None else FOREVER_S
    if start_s is None or end_s is None:
        return whole
    if not start_s < end_s:
        chart.add(rules.TIME_ORDER, path, start=rfc3339(start_s), end=rfc3339(end_s))
    return start_s, end_s


def read_time(chart: Chart, value: Any, path: str) -> float | None:
    """An RFC 3339 time with its offset as UTC seconds, between 1970 and 2100."""
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        try:
            at_s = datetime.fromisoformat(value.upper()).timestamp()
        except (ValueError, OverflowError):  # the 31st of June
            at_s = -1.0
        if BEGINNING_S <= at_s <= FOREVER_S:
            return at_s
    chart.add(rules.TIME_TEXT, path, found=shown(value))
    return None


def rfc3339(at_s: float) -> str:
    """A UTC second as RFC 3339 writes it, to the microsecond."""
    return datetime.fromtimestamp(at_s, UTC).isoformat()
