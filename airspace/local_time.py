"""Clock times of a place as UTC seconds, on the days that clocks change as well.

A time that clocks show twice has a first and a last moment; one that they skip is the moment of the jump.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=64)
def time_zone(name: str) -> ZoneInfo:
    """The IANA time zone of a name, such as Asia/Shanghai. Raises ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # unknown, a folder of zones, no name at all
        raise ValueError(f"no time zone is called {name!r}") from error


@lru_cache(maxsize=16384)  # whoever asks for one day asks for it again
def clock_s(day: date, after_midnight_s: float, zone: ZoneInfo, *, last: bool = False) -> float:
    """The first (or last) moment [s UTC] at which clocks show a time, given as seconds after a date's midnight.

    86400 is 24:00, the midnight that ends the date, however long the date is.
    """
    before = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(seconds=after_midnight_s)
    wall_s = (before.replace(tzinfo=UTC) - EPOCH).total_seconds()
    first_s = wall_s - _ahead_s(before)
    last_s = wall_s - _ahead_s(before.replace(fold=1))
    if first_s <= last_s:
        return last_s if last else first_s
    return _jump_s(last_s, first_s, zone)


def shows_date(day: date, zone: ZoneInfo) -> bool:
    """Whether clocks ever show a date: Samoa went from 29 to 31 December in 2011."""
    return clock_s(day, 0.0, zone) < clock_s(day, 86400.0, zone, last=True)


def date_at(at_s: float, zone: ZoneInfo) -> date:
    """The date that clocks show at a moment [s UTC]."""
    return datetime.fromtimestamp(at_s, zone).date()


def clock_text(at_s: float, zone: ZoneInfo) -> str:
    """What calendar and clock show at a moment [s UTC]: 2026-05-18 08:00, with seconds only where there are some."""
    shown = datetime.fromtimestamp(at_s, zone)
    return shown.strftime("%Y-%m-%d %H:%M:%S" if shown.second else "%Y-%m-%d %H:%M")


def _ahead_s(shown: datetime) -> float:
    """How far [s] clocks are ahead of UTC when they show a time; `fold` tells before (0) from after (1) a change."""
    ahead = shown.utcoffset()
    return 0.0 if ahead is None else ahead.total_seconds()


def _jump_s(before_s: float, after_s: float, zone: ZoneInfo) -> float:
    """The moment [s UTC] between two at which clocks skip ahead; they do so on whole seconds."""
    low, high = math.floor(before_s), math.ceil(after_s)
    ahead = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if datetime.fromtimestamp(middle, zone).utcoffset() == ahead else (low, middle)
    return float(high)
