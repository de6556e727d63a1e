"""The properties that zones of a chart share, each read to a value or to None with reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airspace.charted import Restriction
from airspace.formats import chart_rules as rules
from airspace.formats.chart import TEXT, Chart, finite, shown
from airspace.frames import Datum, Height
from airspace.reasons import Words
from airspace.schedules import BEGINNING_S
from airspace.volumes import FOREVER_S
from airspace.zone_kinds import ZONE_KINDS

SAME_HEIGHT_M = 0.01

METRES = Words("metres", "米")
HEIGHT = Words('a height such as {"value_m": 120, "datum": "agl"}', '高度，例如 {"value_m": 120, "datum": "agl"}')
TIME = Words("a time such as 2026-05-18T09:00:00+08:00", "时刻，例如 2026-05-18T09:00:00+08:00")
HEIGHT_MEMBERS = ("value_m", "datum", "ellipsoidal_m")

HEIGHT_RANGES_M: dict[Datum, tuple[float, float]] = {
    Datum.ELLIPSOIDAL: (-600.0, 30_000.0),
    Datum.AMSL: (-500.0, 30_000.0),
    Datum.AGL: (0.0, 30_000.0),
    Datum.PRESSURE: (-500.0, 30_000.0),
}

# Over the ellipsoid a height over the highest ground or the highest level that the weather allows is higher still.
PLACED_RANGE_M = (-2000.0, 50_000.0)

COUNTRY = Words("an ISO 3166-1 alpha-3 code such as CHN", "ISO 3166-1 三字母代码，例如 CHN")
JSON = Words("plain JSON, 32 levels deep at most", "普通 JSON（最多 32 层）")
DEEPEST_EXTRA = 32

_COUNTRY = re.compile(r"[A-Z]{3}", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def read_words(chart: Chart, properties: Mapping[str, Any], name: str, at: str, *, needed: bool = True) -> Words | None:
    """The text `name` with its Chinese twin `name_zh`; the one that is there stands for both."""
    texts: dict[str, str] = {}
    for lang, member in (("en", name), ("zh", f"{name}_zh")):
        if properties.get(member) is not None:
            text = chart.prose(properties[member], f"{at}.{member}")
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


def read_restriction(chart: Chart, properties: Mapping[str, Any], at: str) -> Restriction | None:
    """What a zone asks; closed to everybody where the chart says nothing."""
    value = properties.get("restriction", "prohibited")
    if isinstance(value, str) and value in tuple(Restriction):
        return Restriction(value)
    chart.add(rules.UNKNOWN_VALUE, f"{at}.restriction", found=shown(value), known=", ".join(Restriction))
    return None


def read_country(chart: Chart, properties: Mapping[str, Any], at: str) -> str:
    """An ISO 3166-1 alpha-3 code, or empty."""
    value = properties.get("country", "")
    if isinstance(value, str) and (not value or _COUNTRY.fullmatch(value)):
        return value
    chart.add(rules.WRONG_SHAPE, f"{at}.country", found=shown(value), expected=COUNTRY)
    return ""


def read_extra(chart: Chart, properties: Mapping[str, Any], at: str) -> Mapping[str, Any]:
    """What other formats alone can say: any JSON by their names."""
    value = properties.get("extra")
    extra = {} if value is None else chart.object(value, f"{at}.extra") or {}
    if not _is_json(extra, 0):
        chart.add(rules.WRONG_SHAPE, f"{at}.extra", found=shown(extra), expected=JSON)
    return extra


def _is_json(value: Any, depth: int) -> bool:
    """Whether a value is what JSON can say, not too deep, with no number that is not finite."""
    if isinstance(value, bool | str) or value is None:
        return True
    if isinstance(value, int | float):
        return finite(value) is not None
    if depth >= DEEPEST_EXTRA:
        return False
    if isinstance(value, Mapping):
        return all(isinstance(name, str) and _is_json(inner, depth + 1) for name, inner in value.items())
    return isinstance(value, list | tuple) and all(_is_json(inner, depth + 1) for inner in value)


def read_height(chart: Chart, properties: Mapping[str, Any], name: str, at: str) -> tuple[Height, float | None] | None:
    """A height as the chart gives it, and what the chart says it comes to over the ellipsoid [m]; or None with reasons.

    A height over the ellipsoid that is said to come to something else is refused.
    """
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
    number = chart.number(metres, f"{path}.value_m", *HEIGHT_RANGES_M[Datum(datum)], METRES)
    given = members.get("ellipsoidal_m")
    said_m = None if given is None else chart.number(given, f"{path}.ellipsoidal_m", *PLACED_RANGE_M, METRES)
    if number is None or (given is not None and said_m is None):
        return None
    height = Height(number, Datum(datum))
    if height.datum is Datum.ELLIPSOIDAL and said_m is not None and abs(said_m - number) > SAME_HEIGHT_M:
        chart.add(rules.OTHER_GROUND, f"{path}.ellipsoidal_m", found=said_m, height=str(height), expected=number)
        return None
    return height, said_m


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
