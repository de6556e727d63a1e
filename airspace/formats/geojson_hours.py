"""Hours of our GeoJSON: `active`, the windows of a zone's validity, and `schedule`, its periods within them.

`active` is {"from", "to"} in RFC 3339 with an offset, either of them left out where there is no bound, or a list of
such windows. `schedule` is {"periods": [{"days": ["MON", "HOL"], "start": "07:30", "end": "SS"}], "zone":
"Asia/Shanghai", "holidays": ["2026-10-01"]}: no days are all days; an edge is a clock time (24:00 included), an event
of the sun (BMCT, SR, SS, EECT) or {"event": "SR", "offset_s": -1800}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from airspace.formats import chart_rules as rules
from airspace.formats.chart import Chart, shown
from airspace.formats.chart_fields import TIME, read_time, rfc3339
from airspace.local_time import time_zone
from airspace.reasons import Words
from airspace.schedules import (
    BEGINNING_S,
    LONGEST_SUN_OFFSET_S,
    Day,
    Edge,
    Period,
    Schedule,
    SunEvent,
)
from airspace.volumes import FOREVER_S

SECONDS = Words("seconds", "秒")
MOST_PERIODS = 1000
MOST_HOLIDAYS = 10_000
EDGE = Words(
    'a time such as "07:30", an event such as "SR", or {"event": "SR", "offset_s": -1800}',
    '时刻（如 "07:30"）、日出日落事件（如 "SR"）或 {"event": "SR", "offset_s": -1800}',
)
DATE = Words("a date such as 2026-10-01", "日期，例如 2026-10-01")
ZONE = Words("an IANA time zone such as Asia/Shanghai", "IANA 时区，例如 Asia/Shanghai")

_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def read_hours(chart: Chart, properties: Mapping[str, Any], at: str) -> Schedule | None:
    """When a zone is active; always where the chart says nothing; None with reasons."""
    before = len(chart.reasons)
    windows = _read_windows(chart, properties.get("active"), f"{at}.active")
    members: Mapping[str, Any] | None = {}
    path = f"{at}.schedule"
    if properties.get("schedule") is not None:
        members = chart.object(properties["schedule"], path)
    if members is None:
        return None
    chart.known_only(members, ("periods", "zone", "holidays"), path)
    periods = _read_periods(chart, members.get("periods"), f"{path}.periods")
    zone = _read_zone(chart, members.get("zone"), f"{path}.zone")
    holidays = _read_holidays(chart, members.get("holidays"), f"{path}.holidays")
    if len(chart.reasons) > before:
        return None
    return Schedule(windows, periods, zone, holidays)


def _read_windows(chart: Chart, value: Any, path: str) -> tuple[tuple[float, float], ...]:
    whole = (BEGINNING_S, FOREVER_S)
    if value is None:
        return (whole,)
    if not isinstance(value, list | tuple):
        return (_read_window(chart, value, path),)
    if not value or len(value) > MOST_PERIODS:
        rule, facts = (rules.TOO_MANY, {"count": len(value), "most": MOST_PERIODS}) if value else (rules.MISSING, {})
        chart.add(rule, path, expected=TIME, **facts)
        return (whole,)
    return tuple(_read_window(chart, window, f"{path}[{i}]") for i, window in enumerate(value))


def _read_window(chart: Chart, value: Any, path: str) -> tuple[float, float]:
    """The window of a zone [s UTC]; with reasons nothing usable."""
    whole = (BEGINNING_S, FOREVER_S)
    active = chart.object(value, path)
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


def _read_periods(chart: Chart, value: Any, path: str) -> tuple[Period, ...]:
    values = [] if value is None else chart.list(value, path) or []
    if len(values) > MOST_PERIODS:
        chart.add(rules.TOO_MANY, path, count=len(values), most=MOST_PERIODS)
        return ()
    read = [_read_period(chart, period, f"{path}[{i}]") for i, period in enumerate(values)]
    return tuple(period for period in read if period is not None)


def _read_period(chart: Chart, value: Any, path: str) -> Period | None:
    members = chart.object(value, path)
    if members is None:
        return None
    chart.known_only(members, ("days", "start", "end"), path)
    days = _read_days(chart, members.get("days"), f"{path}.days")
    start = _read_edge(chart, chart.member(members, "start", path, EDGE), f"{path}.start")
    end = _read_edge(chart, chart.member(members, "end", path, EDGE), f"{path}.end")
    return None if start is None or end is None else Period(start, end, days)


def _read_days(chart: Chart, value: Any, path: str) -> frozenset[Day]:
    values = [] if value is None else chart.list(value, path) or []
    days = set()
    for i, day in enumerate(values):
        if isinstance(day, str) and day in tuple(Day):
            days.add(Day(day))
        else:
            chart.add(rules.UNKNOWN_VALUE, f"{path}[{i}]", found=shown(day), known=", ".join(Day))
    return frozenset(days)


def _read_edge(chart: Chart, value: Any, path: str) -> Edge | None:
    if value is None:  # said already
        return None
    if isinstance(value, str):
        clock = _CLOCK.fullmatch(value)
        if clock is not None:
            hours, minutes, seconds = (int(part or 0) for part in clock.groups())
            offset_s = 3600.0 * hours + 60.0 * minutes + seconds
            if minutes < 60 and seconds < 60 and offset_s <= 86400.0:
                return Edge(offset_s)
        elif value in tuple(SunEvent):
            return Edge(0.0, SunEvent(value))
    if isinstance(value, Mapping):
        return _read_offset(chart, value, path)
    chart.add(rules.WRONG_SHAPE, path, found=shown(value), expected=EDGE)
    return None


def _read_offset(chart: Chart, members: Mapping[str, Any], path: str) -> Edge | None:
    """An edge as {"event", "offset_s"}; without an event seconds count from midnight."""
    chart.known_only(members, ("event", "offset_s"), path)
    event = members.get("event")
    if event is not None and not (isinstance(event, str) and event in tuple(SunEvent)):
        chart.add(rules.UNKNOWN_VALUE, f"{path}.event", found=shown(event), known=", ".join(SunEvent))
        return None
    low_s, high_s = (0.0, 86400.0) if event is None else (-LONGEST_SUN_OFFSET_S, LONGEST_SUN_OFFSET_S)
    offset = chart.member(members, "offset_s", path, SECONDS)
    offset_s = None if offset is None else chart.number(offset, f"{path}.offset_s", low_s, high_s, SECONDS)
    return None if offset_s is None else Edge(offset_s, None if event is None else SunEvent(event))


def _read_zone(chart: Chart, value: Any, path: str) -> str:
    if value is None:
        return "UTC"
    if isinstance(value, str):
        try:
            time_zone(value)
        except ValueError:
            pass
        else:
            return value
    chart.add(rules.WRONG_SHAPE, path, found=shown(value), expected=ZONE)
    return "UTC"


def _read_holidays(chart: Chart, value: Any, path: str) -> frozenset[date]:
    values = [] if value is None else chart.list(value, path) or []
    if len(values) > MOST_HOLIDAYS:
        chart.add(rules.TOO_MANY, path, count=len(values), most=MOST_HOLIDAYS)
        return frozenset()
    days = set()
    for i, text in enumerate(values):
        try:
            if not (isinstance(text, str) and _DATE.fullmatch(text)):
                raise ValueError
            days.add(date.fromisoformat(text))
        except ValueError:
            chart.add(rules.WRONG_SHAPE, f"{path}[{i}]", found=shown(text), expected=DATE)
    return frozenset(days)


def hours_members(schedule: Schedule) -> dict[str, Any]:
    """`active` and `schedule` as a chart says them; nothing for what is always active."""
    members: dict[str, Any] = {}
    windows = schedule.windows
    if len(windows) > 1:
        members["active"] = [{"from": rfc3339(start_s), "to": rfc3339(end_s)} for start_s, end_s in windows]
    elif windows != ((BEGINNING_S, FOREVER_S),):
        members["active"] = _window(*windows[0])
    if not schedule.periods and schedule.zone == "UTC" and not schedule.holidays:
        return members
    members["schedule"] = {"periods": [_period(period) for period in schedule.periods], "zone": schedule.zone}
    if schedule.holidays:
        members["schedule"]["holidays"] = sorted(day.isoformat() for day in schedule.holidays)
    return members


def _window(start_s: float, end_s: float) -> dict[str, str]:
    window = {"from": rfc3339(start_s)} if start_s > BEGINNING_S else {}
    return {**window, "to": rfc3339(end_s)} if end_s < FOREVER_S else window


def _period(period: Period) -> dict[str, Any]:
    members = {"start": _edge(period.start), "end": _edge(period.end)}
    return {"days": [str(day) for day in Day if day in period.days], **members} if period.days else members


def _edge(edge: Edge) -> Any:
    if edge.event is not None:
        return {"event": str(edge.event), "offset_s": edge.offset_s} if edge.offset_s else str(edge.event)
    if edge.offset_s % 1.0:
        return {"offset_s": edge.offset_s}
    minutes, seconds = divmod(int(edge.offset_s), 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{clock}:{seconds:02}" if seconds else clock
