"""When a zone is active: validity windows, and in them weekly, daily, sun-bound and holiday periods, expanded lazily.

Times are UTC seconds and intervals half-open. A clock time that a zone's clocks show twice begins a period the first
time and ends it the last time; one that they skip is the moment of the jump. So a period is never shorter than what
the clocks show, and one that lies within the skipped hour is empty that day. Leap seconds do not exist here.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from airspace.frames import LatLon
from airspace.local_time import clock_s, clock_text, date_at, shows_date, time_zone
from airspace.reasons import Lang, Words
from airspace.sun import CIVIL_TWILIGHT_DEG, DAY_S, RISE_AND_SET_DEG, rise_s, set_s
from airspace.volumes import FOREVER_S

BEGINNING_S = 0.0  # 1970-01-01: the start of what has no start
LONGEST_SUN_OFFSET_S = DAY_S / 2

# How far ahead the next change is looked for: more than a year, as the sun of a place has its turn within one.
FARTHEST_LOOK_S = 400 * DAY_S

# Local dates before that of a moment, and after, whose periods may hold it. One of clock times lasts until the end of
# the day after at most, and clocks that go back over midnight show a date again. An event of the sun is up to 24 h
# from noon with its offset, and noon itself up to 12 h from the clocks' where these do not fit the place.
CLOCK_REACH_DAYS = (2, 1)
SUN_REACH_DAYS = (4, 3)
ONE_DAY = timedelta(days=1)
# Dates end with the year 9999; what is asked beyond is not active.
_FIRST_S, _LAST_S = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (2, 9999))


class Day(StrEnum):
    """A day that a period names: a day of the week, or a day that the schedule lists as a holiday."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"
    HOLIDAY = "HOL"


WEEK = tuple(Day)[:7]

DAY_WORDS = {
    Day.MON: Words("Mon", "周一"),
    Day.TUE: Words("Tue", "周二"),
    Day.WED: Words("Wed", "周三"),
    Day.THU: Words("Thu", "周四"),
    Day.FRI: Words("Fri", "周五"),
    Day.SAT: Words("Sat", "周六"),
    Day.SUN: Words("Sun", "周日"),
    Day.HOLIDAY: Words("holidays", "节假日"),
}


class SunEvent(StrEnum):
    """A moment that the sun sets, in the order of a day: twilights are civil, 6 degrees under the horizon."""

    MORNING_TWILIGHT = "BMCT"
    SUNRISE = "SR"
    SUNSET = "SS"
    EVENING_TWILIGHT = "EECT"


SUN_WORDS = {
    SunEvent.MORNING_TWILIGHT: Words("dawn", "民用晨光始"),
    SunEvent.SUNRISE: Words("sunrise", "日出"),
    SunEvent.SUNSET: Words("sunset", "日落"),
    SunEvent.EVENING_TWILIGHT: Words("dusk", "民用昏影终"),
}

EVERY_DAY = Words("daily", "每天")
DAYS_TO = Words("{first}-{last}", "{first}至{last}")
SAME_DAY = Words("{start} to {end}", "{start}至{end}")
NEXT_DAY = Words("{start} to {end} the next day", "{start}至次日{end}")
BEFORE = Words("{minutes} min before {event}", "{event}前 {minutes} 分钟")
AFTER = Words("{minutes} min after {event}", "{event}后 {minutes} 分钟")
WITHOUT_HOLIDAYS = Words(", not on holidays", "（节假日除外）")
ALL_TIMES = Words("at all times", "始终")
ONLY = Words("{periods}; only {windows}", "{periods}；仅限{windows}")
FROM = Words("from {start} {zone}", "{start}（{zone}）起")
UNTIL = Words("until {end} {zone}", "至 {end}（{zone}）止")
BETWEEN = Words("from {start} to {end} {zone}", "{start} 至 {end}（{zone}）")
MORE = Words("{listed} and {count} more", "{listed}等，另有 {count} 个")
MOST_LISTED = 3

ORDER = tuple(SunEvent)
MORNING = ORDER[:2]


@dataclass(frozen=True, slots=True)
class Edge:
    """One end of a period: `offset_s` [s] after local midnight, or after (before, when negative) an event of the sun.

    Raises ValueError for a clock time outside 00:00 to 24:00 and an offset of more than 12 h to the sun.
    """

    offset_s: float
    event: SunEvent | None = None

    def __post_init__(self) -> None:
        low_s, high_s = (0.0, DAY_S) if self.event is None else (-LONGEST_SUN_OFFSET_S, LONGEST_SUN_OFFSET_S)
        if not low_s <= self.offset_s <= high_s:
            raise ValueError(f"an edge {self.offset_s} s from {self.event or 'midnight'} is not within a day")

    def words(self, lang: Lang) -> str:
        """The edge for people: 08:00, sunset, 30 min before sunrise."""
        if self.event is None:
            hours, seconds = divmod(round(self.offset_s), 3600)
            minutes, seconds = divmod(seconds, 60)
            return f"{hours:02d}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")
        event = SUN_WORDS[self.event]
        if self.offset_s == 0.0:
            return event.text(lang)
        template = BEFORE if self.offset_s < 0 else AFTER
        return template.text(lang, {"minutes": f"{abs(self.offset_s) / 60:g}", "event": event})


@dataclass(frozen=True, slots=True)
class Period:
    """A part of each of its days; one that ends at or before its start ends on the day after. No days: every day.

    Between two events of the sun their order in a day decides, not the moment: from sunset to sunrise ends on the day
    after and from sunrise to sunset on the same, and where the sun does not rise the latter is empty. Between a clock
    time and an event the moments of that day decide.
    """

    start: Edge
    end: Edge
    days: frozenset[Day] = frozenset()

    def on(self, day: date, holidays: frozenset[date]) -> bool:
        """Whether it begins on a date: a holiday is its own kind of day."""
        return not self.days or (Day.HOLIDAY if day in holidays else WEEK[day.weekday()]) in self.days

    @property
    def by_the_sun(self) -> bool:
        """Whether the sun sets either end."""
        return self.start.event is not None or self.end.event is not None

    @property
    def later(self) -> bool:
        """Whether it ends on the day after; of a clock time and an event of the sun, only each day can tell."""
        same_kind = (self.start.event is None) == (self.end.event is None)
        return same_kind and _order(self.end) <= _order(self.start)

    def words(self, lang: Lang) -> str:
        """The period for people: Mon-Fri 08:00 to 17:00."""
        named = [day for day in Day if day in self.days]
        runs = [named[:1]]
        for day in named[1:]:
            follows = day is not Day.HOLIDAY and WEEK.index(day) == WEEK.index(runs[-1][-1]) + 1
            runs[-1:] = [[*runs[-1], day]] if follows else [runs[-1], [day]]
        texts = [EVERY_DAY.text(lang)] if not named else [_run_words(run, lang) for run in runs]
        span = NEXT_DAY if self.later else SAME_DAY
        times = span.text(lang, {"start": self.start.words(lang), "end": self.end.words(lang)})
        return f"{('、' if lang == 'zh' else ', ').join(texts)} {times}"

    @property
    def whole(self) -> bool:
        """Whether it leaves nothing out: every day from midnight to midnight."""
        all_days = not self.days or len(self.days) == len(Day)
        return all_days and self.start == Edge(0.0) and self.end in (Edge(0.0), Edge(DAY_S))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Active inside any window [s UTC, half-open] and, where there are periods, inside any of these as well.

    `zone` is the IANA time zone that days and clock times are of. A holiday is its own kind of day: a period for
    Mondays is not active on a Monday that is in `holidays`, unless the period names holidays too or names no days.

    Raises ValueError for no window, for a window that does not end after its start (either would never be active,
    which nobody publishes on purpose) and for a zone that is not known.
    """

    windows: tuple[tuple[float, float], ...] = ((BEGINNING_S, FOREVER_S),)
    periods: tuple[Period, ...] = ()
    zone: str = "UTC"
    holidays: frozenset[date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not self.windows or not all(start_s < end_s for start_s, end_s in self.windows):
            raise ValueError(f"a schedule has windows that end after their start, not {self.windows}")
        time_zone(self.zone)

    def active(self, start_s: float, end_s: float, place: LatLon) -> tuple[tuple[float, float], ...]:
        """The windows [s UTC] within [start_s, end_s) in which it is active at a place: in order, merged, half-open."""
        return tuple(self.spans(start_s, end_s, place))

    def spans(self, start_s: float, end_s: float, place: LatLon) -> Iterator[tuple[float, float]]:
        """What `active` gives, one by one: the next is looked for when it is asked for, however long the range is."""
        if math.isnan(start_s) or math.isnan(end_s):
            raise ValueError("a range of time begins and ends at a time")
        clipped = ((max(start_s, opens_s), min(end_s, closes_s)) for opens_s, closes_s in sorted(self.windows))
        windows = _merged(window for window in clipped if window[0] < window[1])
        if self._whole_days:
            yield from windows
            return
        for window in windows:
            yield from self._periods_in(*window, place)

    def next_active(self, after_s: float, place: LatLon) -> float | None:
        """The first moment [s UTC], `after_s` included, at which it is active.

        None when there is none within `FARTHEST_LOOK_S` of `after_s` or of the opening of a window after it.
        """
        for opens_s, closes_s in sorted(self.windows):
            start_s = max(after_s, opens_s)
            for from_s, _ in self.spans(start_s, min(closes_s, start_s + FARTHEST_LOOK_S), place):
                return from_s
        return None

    def next_inactive(self, after_s: float, place: LatLon) -> float | None:
        """The first moment [s UTC], `after_s` included, at which it is not active.

        None when it is active all through `FARTHEST_LOOK_S`; without periods it is found however far it is.
        """
        end_s = math.inf if self._whole_days else after_s + FARTHEST_LOOK_S
        for from_s, to_s in self.spans(after_s, end_s, place):
            if from_s > after_s:
                break
            return to_s if to_s < end_s else None
        return after_s

    @property
    def _whole_days(self) -> bool:
        """Whether the windows alone decide."""
        return not self.periods or any(period.whole for period in self.periods)

    def words(self, lang: Lang) -> str:
        """The schedule for operators: Mon-Fri 08:00 to 17:00 Asia/Shanghai, not on holidays."""
        periods = ("；" if lang == "zh" else "; ").join(self._period_words(period, lang) for period in self.periods)
        bounded = [window for window in sorted(self.windows) if window[0] > BEGINNING_S or window[1] < FOREVER_S]
        if len(bounded) < len(self.windows):  # one of them leaves nothing out
            return periods or ALL_TIMES.text(lang)
        windows = ("，" if lang == "zh" else ", ").join(self._window_words(*w, lang) for w in bounded[:MOST_LISTED])
        if len(bounded) > MOST_LISTED:
            windows = MORE.text(lang, {"listed": windows, "count": len(bounded) - MOST_LISTED})
        return ONLY.text(lang, {"periods": periods, "windows": windows}) if periods else windows

    def _period_words(self, period: Period, lang: Lang) -> str:
        zoneless = not period.days and period.start.event is not None and period.end.event is not None
        zone = "" if zoneless else f" {self.zone}"
        skips_holidays = self.holidays and period.days and Day.HOLIDAY not in period.days
        return period.words(lang) + zone + (WITHOUT_HOLIDAYS.text(lang) if skips_holidays else "")

    def _window_words(self, start_s: float, end_s: float, lang: Lang) -> str:
        template = UNTIL if start_s <= BEGINNING_S else FROM if end_s >= FOREVER_S else BETWEEN
        zone = time_zone(self.zone)
        start, end = (clock_text(min(max(at_s, _FIRST_S), _LAST_S), zone) for at_s in (start_s, end_s))
        return template.text(lang, {"start": start, "end": end, "zone": self.zone})

    def _periods_in(self, start_s: float, end_s: float, place: LatLon) -> Iterator[tuple[float, float]]:
        """The periods within one window, in order, merged and clipped to it."""
        clipped = (
            (max(start_s, from_s), min(end_s, to_s)) for from_s, to_s in self._occurrences(start_s, end_s, place)
        )
        yield from _merged(span for span in clipped if span[0] < span[1])

    def _occurrences(self, start_s: float, end_s: float, place: LatLon) -> Iterator[tuple[float, float]]:
        """Every time that a period comes on a day that may reach into a range, by start; some may lie outside."""
        start_s, end_s = max(start_s, _FIRST_S), min(end_s, _LAST_S)
        if start_s >= end_s:
            return
        zone = time_zone(self.zone)
        back, ahead = SUN_REACH_DAYS if any(period.by_the_sun for period in self.periods) else CLOCK_REACH_DAYS
        waiting: list[tuple[float, float]] = []
        day, last = date_at(start_s, zone) - back * ONE_DAY, date_at(end_s, zone) + ahead * ONE_DAY
        while day <= last:
            periods = [period for period in self.periods if period.on(day, self.holidays)]
            if periods and shows_date(day, zone):
                for period in periods:
                    heapq.heappush(waiting, self._occurrence(period, day, place))
            day += ONE_DAY
            # what comes on later dates begins after this
            while waiting and waiting[0][0] < clock_s(day - ahead * ONE_DAY, 0.0, zone):
                yield heapq.heappop(waiting)
        while waiting:
            yield heapq.heappop(waiting)

    def _occurrence(self, period: Period, day: date, place: LatLon) -> tuple[float, float]:
        """When a period that begins on a local date starts and ends [s UTC]; empty when it ends first."""
        start_s = self._edge_s(period.start, day, place)
        if (period.start.event is None) == (period.end.event is None):
            return start_s, self._edge_s(period.end, day, place, later=period.later, last=True)
        end_s = self._edge_s(period.end, day, place, last=True)
        return start_s, end_s if start_s < end_s else self._edge_s(period.end, day, place, later=True, last=True)

    def _edge_s(self, edge: Edge, day: date, place: LatLon, *, later: bool = False, last: bool = False) -> float:
        """The moment [s UTC] of an edge on a local date, or on the one after."""
        zone = time_zone(self.zone)
        if edge.event is None:
            return clock_s(day + later * ONE_DAY, edge.offset_s, zone, last=last)
        # A day later for the sun is its next noon, even where clocks skip a date.
        return _sun_s(edge.event, place, clock_s(day, DAY_S / 2, zone) + later * DAY_S) + edge.offset_s


def _sun_s(event: SunEvent, place: LatLon, near_s: float) -> float:
    """The moment [s UTC] of an event on the solar day whose noon is nearest to a moment [s UTC]."""
    twilight = event in (SunEvent.MORNING_TWILIGHT, SunEvent.EVENING_TWILIGHT)
    height_deg = CIVIL_TWILIGHT_DEG if twilight else RISE_AND_SET_DEG
    return (rise_s if event in MORNING else set_s)(place, near_s, height_deg)


def _order(edge: Edge) -> tuple[int, float]:
    """Where in a day an edge is, among edges of its kind."""
    return (0 if edge.event is None else ORDER.index(edge.event), edge.offset_s)


def _run_words(run: list[Day], lang: Lang) -> str:
    first, last = DAY_WORDS[run[0]], DAY_WORDS[run[-1]]
    if len(run) > 2:
        return DAYS_TO.text(lang, {"first": first, "last": last})
    return ("、" if lang == "zh" else ", ").join(DAY_WORDS[day].text(lang) for day in run)


def _merged(spans: Iterator[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Spans in order of their start, with those that overlap or touch made one."""
    held: tuple[float, float] | None = None
    for start_s, end_s in spans:
        if held is not None and start_s <= held[1]:
            held = (held[0], max(held[1], end_s))
            continue
        if held is not None:
            yield held
        held = (start_s, end_s)
    if held is not None:
        yield held


ALWAYS = Schedule()
