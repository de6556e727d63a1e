"""What Europe's zone formats, ED-269 and ED-318, have in common: times of the week, limits, reasons, identities.

Positions of both are WGS 84 (longitude, latitude) and are taken as CGCS2000 as they are: the difference is below a
metre, and the margins count it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from airspace.charted import UNLIMITED, Layer, Restriction, Shape
from airspace.formats import chart_rules
from airspace.formats import geozone_rules as rules
from airspace.formats.chart import Chart, shown
from airspace.formats.chart_fields import HEIGHT_RANGES_M, METRES, rfc3339
from airspace.formats.outlines import sound_heights
from airspace.frames import Datum, Height
from airspace.local_time import time_zone
from airspace.reasons import Words
from airspace.schedules import BEGINNING_S, Day, Edge, Period, Schedule, SunEvent
from airspace.volumes import FOREVER_S

FOOT_M = 0.3048
DAY_S = 86_400.0
HOUR_S = 3600.0
EASTERNMOST_H, WESTERNMOST_H = 14, -12  # what the IANA database has as Etc/GMT-14 to Etc/GMT+12

# The floor of what has none.
GROUND = Height(0.0, Datum.AGL)

# Which kind a zone is, by the reasons that it gives; of several, the first in this table.
REASON_KINDS: dict[str, str] = {
    "EMERGENCY": "emergency",
    "AIR_TRAFFIC": "air-traffic",
    "SENSITIVE": "sensitive",
    "FOREIGN_TERRITORY": "foreign-territory",
    "DAR": "reconfigured",
    "POPULATION": "population",
    "NATURE": "nature",
    "PRIVACY": "privacy",
    "NOISE": "noise",
    "OTHER": "geozone",
}

RESTRICTION_WORDS: dict[Restriction, Words] = {
    Restriction.PROHIBITED: Words("prohibited", "禁止飞行"),
    Restriction.AUTHORISATION: Words("to be authorised", "须经授权"),
    Restriction.CONDITIONAL: Words("subject to conditions", "有条件飞行"),
    Restriction.NONE: Words("not restricted", "不受限制"),
}

_ZONES_FROM_S = 946_684_800.0  # 2000-01-01
_ZONE_STEP_S = 14 * DAY_S  # no zone keeps an offset for less

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d(?:\.\d{1,9})?))?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Daily:
    """One daily period as both formats give it: texts and events as written, and its path in the document."""

    days: Sequence[str]
    start_time: str | None
    end_time: str | None
    start_event: str | None
    end_event: str | None
    path: str


@dataclass(frozen=True, slots=True)
class _Side:
    """One end of a daily period; `offset_s` [s] is None for an event of the sun and for the border of a day."""

    edge: Edge
    offset_s: float | None


@dataclass(frozen=True, slots=True)
class Times:
    """The periods of a schedule and the time zone that they are of."""

    periods: tuple[Period, ...] = ()
    zone: str = "UTC"


def read_window(chart: Chart, start: str | None, end: str | None, path: str) -> tuple[float, float] | None:
    """A window [s UTC] out of two times, either of which may be missing; or None with reasons.

    What lies before 1970 or after 2100 is without beginning or end.
    """
    start_s = BEGINNING_S if start is None else _read_instant(chart, start, f"{path}.startDateTime")
    end_s = FOREVER_S if end is None else _read_instant(chart, end, f"{path}.endDateTime")
    if start_s is None or end_s is None:
        return None
    if not start_s < end_s:
        chart.add(chart_rules.TIME_ORDER, path, start=rfc3339(start_s), end=rfc3339(end_s))
        return None
    return start_s, end_s


def _read_instant(chart: Chart, text: str, path: str) -> float | None:
    if _INSTANT.fullmatch(text):
        try:
            at_s = datetime.fromisoformat(text.upper()).timestamp()
        except (ValueError, OverflowError):  # the 31st of June
            at_s = None
        if at_s is not None:
            return min(max(at_s, BEGINNING_S), FOREVER_S)
    chart.add(chart_rules.TIME_TEXT, path, found=shown(text))
    return None


def read_times(chart: Chart, dailies: Sequence[Daily], path: str) -> Times | None:
    """Daily periods as one schedule's periods, or None with reasons.

    Where all clock times have one offset in whole hours, days are those of that offset (`Etc/GMT-8` is 8 hours ahead of
    UTC). Otherwise times are turned into UTC and their days with them, which is the same unless the sun is asked.
    """
    before = len(chart.reasons)
    sides = [_read_sides(chart, daily) for daily in dailies]
    days = [_read_days(chart, daily) for daily in dailies]
    if len(chart.reasons) > before:
        return None
    offsets = {side.offset_s for pair in sides if pair for side in pair if side.offset_s is not None}
    one = next(iter(offsets), 0.0) if len(offsets) <= 1 else None
    name = None if one is None else _zone_name(one)
    if name is not None:
        found = [Period(pair[0].edge, pair[1].edge, on) for pair, on in zip(sides, days, strict=True) if pair]
        return Times(tuple(found), name)
    if any(side.edge.event for pair in sides if pair for side in pair):
        chart.add(rules.OFFSETS, path, offsets=_offsets_shown(offsets))
        return None
    moved = [_in_utc(*pair, on) for pair, on in zip(sides, days, strict=True) if pair]
    return Times(tuple(moved))


def _read_sides(chart: Chart, daily: Daily) -> tuple[_Side, _Side] | None:
    start = _read_side(chart, daily.start_time, daily.start_event, 0.0, f"{daily.path}.start")
    end = _read_side(chart, daily.end_time, daily.end_event, DAY_S, f"{daily.path}.end")
    if start is None or end is None:
        return None
    offsets = {side.offset_s for side in (start, end) if side.offset_s is not None}
    if len(offsets) > 1:
        chart.add(rules.OFFSETS, daily.path, offsets=_offsets_shown(offsets))
        return None
    return start, end


def _read_side(chart: Chart, text: str | None, event: str | None, border_s: float, path: str) -> _Side | None:
    """One end of a daily period, whose path lacks its last word; midnight is the one of the two that it borders on."""
    if text is None:
        return _Side(Edge(border_s) if event is None else Edge(0.0, SunEvent(event)), None)
    if event is not None:
        chart.add(rules.TWO_EDGES, f"{path}Time")
        return None
    match = _CLOCK.fullmatch(text)
    if match:
        hours, minutes, seconds, offset = match.groups()
        at_s = int(hours) * HOUR_S + int(minutes) * 60 + float(seconds or 0)
        if int(minutes) < 60 and float(seconds or 0) < 60 and at_s <= DAY_S:
            return _Side(Edge(border_s if at_s in (0.0, DAY_S) else at_s), _offset_s(offset))
    chart.add(rules.CLOCK_TEXT, f"{path}Time", found=shown(text))
    return None


def _offset_s(text: str) -> float:
    if text in "Zz":
        return 0.0
    ahead_s = int(text[1:3]) * HOUR_S + int(text[-2:]) * 60
    return -ahead_s if text[0] == "-" else ahead_s


def _read_days(chart: Chart, daily: Daily) -> frozenset[Day]:
    """The days of a daily period; none stands for every day."""
    if "ANY" in daily.days and len(set(daily.days)) > 1:
        chart.add(rules.ANY_AND_DAYS, f"{daily.path}.day")
    return frozenset(Day(day) for day in daily.days if day != "ANY")


def _zone_name(offset_s: float) -> str | None:
    hours, rest = divmod(offset_s, HOUR_S)
    if rest or not WESTERNMOST_H <= hours <= EASTERNMOST_H:
        return None
    return f"Etc/GMT{-int(hours):+d}" if hours else "UTC"


def _in_utc(start: _Side, end: _Side, days: frozenset[Day]) -> Period:
    """A period of clock times in UTC, its days moved along where midnight lies between."""
    offset_s = start.offset_s if start.offset_s is not None else end.offset_s or 0.0
    lasts_s = end.edge.offset_s - start.edge.offset_s
    lasts_s += DAY_S if lasts_s <= 0 else 0.0
    moved, start_s = divmod(start.edge.offset_s - offset_s, DAY_S)
    end_s = start_s + lasts_s
    week = tuple(Day)[:7]
    on = frozenset(week[(week.index(day) + int(moved)) % 7] for day in days)
    return Period(Edge(start_s), Edge(end_s if end_s <= DAY_S else end_s - DAY_S), on)


def _offsets_shown(offsets: Iterable[float]) -> str:
    return ", ".join(f"{offset_s / HOUR_S:+g} h" for offset_s in sorted(offsets))


def schedules(entries: Sequence[tuple[tuple[float, float], Times]]) -> tuple[Schedule, ...]:
    """Windows, each with its own periods, as schedules: one for each set of periods."""
    windows: dict[Times, list[tuple[float, float]]] = {}
    for window, times in entries:
        windows.setdefault(times, []).append(window)
    return tuple(Schedule(tuple(own), times.periods, times.zone) for times, own in windows.items())


def fixed_offset_s(schedule: Schedule) -> float | None:
    """How far the clocks of a schedule are ahead of UTC [s] in all of its windows; None when that changes.

    What time zones did before 2000 is not asked: no chart that is open at its beginning means it.
    """
    zone = time_zone(schedule.zone)
    found: set[float] = set()
    for start_s, end_s in schedule.windows:
        at_s = max(start_s, _ZONES_FROM_S)
        while True:
            ahead = datetime.fromtimestamp(at_s, zone).utcoffset()
            found.add(ahead.total_seconds() if ahead is not None else 0.0)
            if at_s >= end_s:
                break
            at_s = min(at_s + _ZONE_STEP_S, end_s)
    return found.pop() if len(found) == 1 and max(found) % 60 == 0 else None


def read_limit(chart: Chart, value: float, unit_m: float, datum: Datum, path: str, *, upper: bool) -> Height | None:
    """A limit in metres over its datum, or None with a reason; an upper one beyond 30 km is none."""
    value_m = value * unit_m
    low_m, high_m = HEIGHT_RANGES_M[datum]
    if upper and value_m > high_m:
        return UNLIMITED
    number = chart.number(value_m, path, low_m, high_m, METRES)
    return None if number is None else Height(number, datum)


def read_layer(
    chart: Chart, shape: Shape | None, floor: Height | None, ceiling: Height | None, path: str
) -> Layer | None:
    """A layer out of what was read of it, or None when a part is missing or the floor is not under the ceiling."""
    if shape is None or floor is None or ceiling is None or not sound_heights(chart, floor, ceiling, path):
        return None
    return Layer(shape, floor, ceiling)


def kind_of(reasons: Iterable[str]) -> str:
    """The kind of zone that its reasons make it: a key of `ZONE_KINDS`."""
    given = set(reasons)
    return next((kind for reason, kind in REASON_KINDS.items() if reason in given), "geozone")


def rule_of(standard: str, restriction: Restriction, reasons: Sequence[str], says: str) -> Words:
    """The rule of a zone in words: what it asks, why, and what its publisher says of it."""
    why = f" ({', '.join(reasons)})" if reasons else ""
    why_zh = f"（{'、'.join(reasons)}）" if reasons else ""
    line = one_line(says)
    more, more_zh = (f": {line}", f"：{line}") if line else ("", "")
    asks = RESTRICTION_WORDS[restriction]
    return Words(f"{standard} zone, {asks.en}{why}{more}", f"{standard} 区域，{asks.zh}{why_zh}{more_zh}")


def authority_line(*parts: str | None) -> str:
    """Who is to be asked and how they are reached, in one line of printable characters; empty when nobody knows."""
    texts = dict.fromkeys(one_line(part or "") for part in parts)
    return ", ".join(text for text in texts if text)


def one_line(text: str) -> str:
    """A text on one line of printable characters."""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
