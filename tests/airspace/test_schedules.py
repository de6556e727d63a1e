from __future__ import annotations

import math
from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.frames import LatLon
from airspace.schedules import ALWAYS, BEGINNING_S, WEEK, Day, Edge, Period, Schedule, SunEvent
from airspace.sun import CIVIL_TWILIGHT_DEG, RISE_AND_SET_DEG, elevation_deg
from airspace.volumes import FOREVER_S

ZHENGZHOU = LatLon(34.7466, 113.6254)
HOUR_S, DAY_S, STEP_S = 3600.0, 86400.0, 600.0
WORKDAYS = frozenset(WEEK[:5])

Spans = tuple[tuple[float, float], ...]

# Weeks in which something happens: (zone, a UTC moment in it).
WEEKS = [
    ("Asia/Shanghai", "2026-10-01T00:00"),
    ("UTC", "2026-12-31T00:00"),
    ("Europe/Berlin", "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-10-25T01:00"),
    ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("America/Sao_Paulo", "2018-11-04T03:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("Pacific/Kiritimati", "2026-06-01T00:00"),
]


def utc_s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def clock(start_h: float, end_h: float, days: frozenset[Day] = frozenset()) -> Period:
    return Period(Edge(start_h * HOUR_S), Edge(end_h * HOUR_S), days)


def shown(spans: Spans, zone: str = "UTC") -> list[str]:
    tz = ZoneInfo(zone)
    return ["/".join(datetime.fromtimestamp(t, tz).strftime("%d %H:%M") for t in span) for span in spans]


def by_the_clock(schedule: Schedule, start_s: float, end_s: float) -> list[float]:
    """The moments of a range, ten minutes apart, at which a schedule of clock times is active: found by reading clocks.

    A period of a date begins when clocks first show its start or later and ends when they last show its end or before.
    """
    tz = ZoneInfo(schedule.zone)
    count = round((end_s - start_s) / STEP_S) + 2 * 4 * 144
    moments = [start_s - 4 * DAY_S + i * STEP_S for i in range(count)]
    readings = [datetime.fromtimestamp(moment, tz).replace(tzinfo=None) for moment in moments]
    latest = [readings[0]]
    for reading in readings[1:]:
        latest.append(max(latest[-1], reading))
    earliest = [readings[-1]]
    for reading in reversed(readings[:-1]):
        earliest.append(min(earliest[-1], reading))
    earliest.reverse()
    on: set[int] = set()
    for day in sorted({reading.date() for reading in readings}):
        for period in schedule.periods:
            kind = Day.HOLIDAY if day in schedule.holidays else WEEK[day.weekday()]
            if period.days and kind not in period.days:
                continue
            midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a clock's reading
            start = midnight + timedelta(seconds=period.start.offset_s)
            end = midnight + timedelta(seconds=period.end.offset_s)
            if end <= start:
                end += timedelta(days=1)
            first = bisect_left(latest, start)
            last = bisect_left(earliest, end + timedelta(microseconds=1)) - 1  # last shown at or before the end
            if last >= 0 and readings[last] != end:
                last += 1  # the end is skipped: it is the moment of the jump
            on.update(range(first, last))
    windows = schedule.windows
    return [
        moments[i]
        for i in sorted(on)
        if i < count and start_s <= moments[i] < end_s and any(a <= moments[i] < b for a, b in windows)
    ]


edges = st.integers(0, 144).map(lambda tens: Edge(tens * STEP_S))
day_sets = st.frozensets(st.sampled_from(Day), max_size=4)
periods = st.builds(Period, edges, edges, day_sets)


@st.composite
def clock_schedules(draw: st.DrawFn) -> tuple[Schedule, float, float]:
    """A schedule of clock times around something that happens, and a range of up to six days there."""
    zone, about = draw(st.sampled_from(WEEKS))
    middle_s = utc_s(about)
    steps = st.integers(-3 * 144, 3 * 144)
    start, end = sorted((draw(steps), draw(steps)))
    windows: Spans = ((BEGINNING_S, FOREVER_S),)
    if draw(st.booleans()):
        ends = draw(st.lists(st.tuples(steps, st.integers(1, 300)), min_size=1, max_size=3))
        windows = tuple((middle_s + a * STEP_S, middle_s + (a + n) * STEP_S) for a, n in ends)
    day = datetime.fromtimestamp(middle_s, ZoneInfo(zone)).date()
    holidays = draw(st.frozensets(st.integers(-2, 2).map(lambda n: day + timedelta(days=n)), max_size=2))
    held = draw(st.lists(periods, min_size=1, max_size=3))
    schedule = Schedule(windows, tuple(held), zone, holidays)
    return schedule, middle_s + start * STEP_S, middle_s + end * STEP_S


def tidy(spans: Spans) -> bool:
    return all(a < b for a, b in spans) and all(one[1] < other[0] for one, other in pairwise(spans))


@settings(max_examples=120)
@given(clock_schedules())
def test_clock_times_are_active_when_the_clocks_say_so(case: tuple[Schedule, float, float]) -> None:
    schedule, start_s, end_s = case
    spans = schedule.active(start_s, end_s, ZHENGZHOU)
    assert tidy(spans)
    assert all(start_s <= a and b <= end_s for a, b in spans)
    steps = [start_s + i * STEP_S for i in range(round((end_s - start_s) / STEP_S))]
    assert [t for t in steps if any(a <= t < b for a, b in spans)] == by_the_clock(schedule, start_s, end_s)


suns = st.builds(Edge, st.sampled_from([0.0, -1800.0, 1800.0, 43200.0, -43200.0]), st.sampled_from(SunEvent))
any_periods = st.builds(Period, edges | suns, edges | suns, day_sets)
zones = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "Pacific/Apia", "Pacific/Kiritimati"])
places = st.builds(LatLon, st.floats(-90.0, 90.0), st.floats(-180.0, 180.0))
schedules = st.builds(
    lambda held, zone: Schedule(periods=tuple(held), zone=zone), st.lists(any_periods, max_size=3), zones
)
starts_s = st.floats(utc_s("2011-12-20T00:00"), utc_s("2012-01-10T00:00")) | st.floats(1.7e9, 1.9e9)


@settings(max_examples=80)
@given(schedules, places, starts_s, st.floats(0, 4 * DAY_S), st.floats(0, 4 * DAY_S))
def test_two_ranges_side_by_side_give_what_the_whole_gives(
    schedule: Schedule, place: LatLon, start_s: float, first_s: float, second_s: float
) -> None:
    middle_s, end_s = start_s + first_s, start_s + first_s + second_s
    parts = [*schedule.active(start_s, middle_s, place), *schedule.active(middle_s, end_s, place)]
    joined: list[tuple[float, float]] = []
    for span in parts:
        if joined and joined[-1][1] == span[0]:
            joined[-1] = (joined[-1][0], span[1])
        else:
            joined.append(span)
    assert tuple(joined) == schedule.active(start_s, end_s, place)


@settings(max_examples=80)
@given(schedules, places, starts_s)
def test_next_active_and_next_inactive_are_the_first_moments_that_are_so(
    schedule: Schedule, place: LatLon, after_s: float
) -> None:
    week = schedule.active(after_s, after_s + 7 * DAY_S, place)
    if week:
        assert schedule.next_active(after_s, place) == week[0][0]
        free_s = week[0][1] if week[0][0] == after_s else after_s
        if free_s < after_s + 7 * DAY_S:
            assert schedule.next_inactive(after_s, place) == free_s
        elif schedule.periods:
            assert (schedule.next_inactive(after_s, place) or math.inf) >= free_s
    else:
        soonest = schedule.next_active(after_s, place)
        assert soonest is None or soonest >= after_s + 7 * DAY_S
        assert schedule.next_inactive(after_s, place) == after_s


# -- the sun -----------------------------------------------------------------------------------------------------------


@settings(max_examples=80)
@given(places, zones, starts_s, st.sampled_from([True, False]), st.sampled_from([True, False]))
def test_from_sunrise_to_sunset_is_when_the_sun_is_up_at_every_latitude(
    place: LatLon, zone: str, start_s: float, by_day: bool, twilight: bool
) -> None:
    morning, evening = (
        (SunEvent.MORNING_TWILIGHT, SunEvent.EVENING_TWILIGHT) if twilight else (SunEvent.SUNRISE, SunEvent.SUNSET)
    )
    height_deg = CIVIL_TWILIGHT_DEG if twilight else RISE_AND_SET_DEG
    ends = (Edge(0.0, morning), Edge(0.0, evening))
    period = Period(ends[0], ends[1]) if by_day else Period(ends[1], ends[0])
    spans = Schedule(periods=(period,), zone=zone).active(start_s, start_s + 2 * DAY_S, place)
    for i in range(2 * 48):
        at_s = start_s + i * 1800
        above_deg = elevation_deg(place, at_s) - height_deg
        if abs(above_deg) > 0.05:  # a third of a minute at the equator
            assert any(a <= at_s < b for a, b in spans) == ((above_deg > 0) == by_day)


def test_a_day_in_utc_has_the_daylight_of_its_date_in_china() -> None:
    """The sun of 18 May rises over Zhengzhou at 21:20 UTC of the 17th: it is the daylight of a UTC Monday."""
    monday = Period(Edge(0.0, SunEvent.SUNRISE), Edge(0.0, SunEvent.SUNSET), frozenset({Day.MON}))
    spans = Schedule(periods=(monday,)).active(utc_s("2026-05-16T00:00"), utc_s("2026-05-21T00:00"), ZHENGZHOU)
    assert shown(spans) == ["17 21:20/18 11:23"]
    local = Schedule(periods=(monday,), zone="Asia/Shanghai")
    assert local.active(utc_s("2026-05-16T00:00"), utc_s("2026-05-21T00:00"), ZHENGZHOU) == spans


def test_twilight_widens_the_day() -> None:
    start_s, end_s = utc_s("2026-05-17T12:00"), utc_s("2026-05-18T16:00")
    day = Schedule(periods=(Period(Edge(0.0, SunEvent.SUNRISE), Edge(0.0, SunEvent.SUNSET)),))
    light = Schedule(periods=(Period(Edge(0.0, SunEvent.MORNING_TWILIGHT), Edge(0.0, SunEvent.EVENING_TWILIGHT)),))
    ((rise_s, set_s),), ((dawn_s, dusk_s),) = (s.active(start_s, end_s, ZHENGZHOU) for s in (day, light))
    assert 1500 < rise_s - dawn_s < 1900
    assert 1500 < dusk_s - set_s < 1900


def test_a_night_ends_on_the_day_after_and_a_short_day_shrinks_to_nothing() -> None:
    night = Schedule(periods=(Period(Edge(0.0, SunEvent.SUNSET), Edge(0.0, SunEvent.SUNRISE), frozenset({Day.MON})),))
    (span,) = night.active(utc_s("2026-05-16T00:00"), utc_s("2026-05-22T00:00"), ZHENGZHOU)
    assert shown((span,)) == ["18 11:23/18 21:19"]
    # Five hours after sunrise to five hours before sunset: there in summer, not in winter, and never the night between.
    midday = Schedule(periods=(Period(Edge(5 * HOUR_S, SunEvent.SUNRISE), Edge(-5 * HOUR_S, SunEvent.SUNSET)),))
    assert midday.active(utc_s("2026-12-21T00:00"), utc_s("2026-12-23T00:00"), ZHENGZHOU) == ()
    summer = midday.active(utc_s("2026-06-21T00:00"), utc_s("2026-06-22T00:00"), ZHENGZHOU)
    assert sum(b - a for a, b in summer) == pytest.approx(4.5 * HOUR_S, abs=0.2 * HOUR_S)


def test_between_clock_and_sun_the_moments_of_the_day_decide() -> None:
    late = Period(Edge(20 * HOUR_S), Edge(0.0, SunEvent.SUNRISE))
    early = Period(Edge(6 * HOUR_S), Edge(0.0, SunEvent.SUNSET))
    start_s, end_s = utc_s("2026-05-18T00:00"), utc_s("2026-05-18T23:00")
    at = [Schedule(periods=(p,), zone="Asia/Shanghai").active(start_s, end_s, ZHENGZHOU) for p in (late, early)]
    assert shown(at[0], "Asia/Shanghai") == ["18 20:00/19 05:19"]
    assert shown(at[1], "Asia/Shanghai") == ["18 08:00/18 19:23", "19 06:00/19 07:00"]


def test_polar_days_are_whole_and_polar_nights_empty() -> None:
    tromso = LatLon(69.65, 18.96)
    day = Schedule(periods=(Period(Edge(0.0, SunEvent.SUNRISE), Edge(0.0, SunEvent.SUNSET)),), zone="Europe/Oslo")
    summer = (utc_s("2026-06-10T00:00"), utc_s("2026-06-20T00:00"))
    assert day.active(*summer, tromso) == (summer,)
    assert day.active(utc_s("2026-12-10T00:00"), utc_s("2026-12-20T00:00"), tromso) == ()
    night = Schedule(periods=(Period(Edge(0.0, SunEvent.SUNSET), Edge(0.0, SunEvent.SUNRISE)),), zone="Europe/Oslo")
    assert night.active(*summer, tromso) == ()
    assert len(night.active(utc_s("2026-12-10T00:00"), utc_s("2026-12-20T00:00"), tromso)) == 1


# -- days --------------------------------------------------------------------------------------------------------------


def test_working_hours_are_those_of_the_zone_and_not_on_holidays() -> None:
    week = Schedule(
        periods=(clock(8, 17, WORKDAYS),),
        zone="Asia/Shanghai",
        holidays=frozenset({date(2026, 10, 1), date(2026, 10, 2)}),
    )
    spans = week.active(utc_s("2026-09-28T16:00"), utc_s("2026-10-06T16:00"), ZHENGZHOU)
    assert shown(spans, "Asia/Shanghai") == [
        "29 08:00/29 17:00",
        "30 08:00/30 17:00",
        "05 08:00/05 17:00",
        "06 08:00/06 17:00",
    ]


@pytest.mark.parametrize(
    ("days", "active_on"),
    [
        (frozenset({Day.THU}), []),
        (frozenset({Day.THU, Day.HOLIDAY}), [1]),
        (frozenset({Day.HOLIDAY}), [1]),
        (frozenset({Day.FRI, Day.HOLIDAY}), [1, 2]),
        (frozenset(), [30, 1, 2, 3]),
        (frozenset(WEEK), [30, 2, 3]),
    ],
)
def test_a_holiday_is_its_own_kind_of_day(days: frozenset[Day], active_on: list[int]) -> None:
    schedule = Schedule(periods=(clock(8, 9, days),), holidays=frozenset({date(2026, 10, 1)}))
    spans = schedule.active(utc_s("2026-09-30T00:00"), utc_s("2026-10-04T00:00"), ZHENGZHOU)
    assert [datetime.fromtimestamp(a, UTC).day for a, _ in spans] == active_on


def test_a_period_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    friday = Schedule(periods=(clock(22, 6, frozenset({Day.FRI})),), zone="Asia/Shanghai")
    spans = friday.active(utc_s("2026-05-21T00:00"), utc_s("2026-05-25T00:00"), ZHENGZHOU)
    assert shown(spans, "Asia/Shanghai") == ["22 22:00/23 06:00"]
    inside = friday.active(utc_s("2026-05-22T20:00"), utc_s("2026-05-22T21:00"), ZHENGZHOU)
    assert shown(inside, "Asia/Shanghai") == ["23 04:00/23 05:00"]


@pytest.mark.parametrize(
    ("about", "hours", "expected"),
    [
        ("2026-03-29", (1, 4), ["29 01:00/29 04:00"]),  # two hours long
        ("2026-03-29", (2, 3), []),  # skipped
        ("2026-03-29", (2.5, 4), ["29 03:00/29 04:00"]),
        ("2026-03-29", (0, 24), ["29 00:00/30 00:00"]),
        ("2026-10-25", (2, 3), ["25 02:00/25 03:00"]),  # two hours long
        ("2026-10-25", (1, 2.5), ["25 01:00/25 02:30"]),  # until it is half past two for the last time
        ("2026-10-25", (2.5, 4), ["25 02:30/25 04:00"]),  # from the first half past two
    ],
)
def test_hours_of_a_day_of_change_are_never_shorter_than_clocks_show(
    about: str, hours: tuple[float, float], expected: list[str]
) -> None:
    day = frozenset({Day.SUN})
    schedule = Schedule(periods=(clock(*hours, day),), zone="Europe/Berlin")
    spans = schedule.active(utc_s(f"{about}T00:00") - DAY_S, utc_s(f"{about}T00:00") + 2 * DAY_S, ZHENGZHOU)
    assert shown(spans, "Europe/Berlin") == expected
    if about == "2026-10-25":
        assert spans[0][1] - spans[0][0] == (hours[1] - hours[0] + 1) * HOUR_S


# -- ranges and windows ------------------------------------------------------------------------------------------------


def test_always_is_always() -> None:
    assert ALWAYS.active(100.0, 200.0, ZHENGZHOU) == ((100.0, 200.0),)
    assert ALWAYS.active(-5.0, 5.0, ZHENGZHOU) == ((0.0, 5.0),)
    assert ALWAYS.active(200.0, 200.0, ZHENGZHOU) == ALWAYS.active(200.0, 100.0, ZHENGZHOU) == ()
    assert (ALWAYS.next_active(7.0, ZHENGZHOU), ALWAYS.next_inactive(7.0, ZHENGZHOU)) == (7.0, FOREVER_S)
    assert ALWAYS.next_active(FOREVER_S, ZHENGZHOU) is None


def test_windows_in_any_order_are_merged_and_bound_the_periods() -> None:
    windows = ((50_000.0, 60_000.0), (0.0, 10_000.0), (10_000.0, 20_000.0), (55_000.0, 70_000.0))
    assert Schedule(windows).active(-math.inf, math.inf, ZHENGZHOU) == ((0.0, 20_000.0), (50_000.0, 70_000.0))
    daily = Schedule(windows, (clock(2, 15),))
    assert daily.active(-math.inf, math.inf, ZHENGZHOU) == ((7200.0, 20_000.0), (50_000.0, 54_000.0))


@pytest.mark.parametrize("end_h", [0, 24])
@pytest.mark.parametrize("days", [frozenset(), frozenset(Day)])
def test_every_day_from_midnight_to_midnight_is_always(end_h: int, days: frozenset[Day]) -> None:
    schedule = Schedule(periods=(clock(9, 10), clock(0, end_h, days)), zone="Europe/Berlin")
    assert schedule.active(0.0, FOREVER_S, ZHENGZHOU) == ((0.0, FOREVER_S),)
    every_weekday = Schedule(periods=(clock(0, 24, frozenset(WEEK)),), zone="Europe/Berlin")
    assert every_weekday.active(1.7e9, 1.8e9, ZHENGZHOU) == ((1.7e9, 1.8e9),)


def test_a_century_is_answered_as_it_is_asked_for() -> None:
    schedule = Schedule(periods=(Period(Edge(0.0, SunEvent.SUNSET), Edge(0.0, SunEvent.SUNRISE)),))
    first = list(islice(schedule.spans(0.0, math.inf, ZHENGZHOU), 3))
    assert len(first) == 3
    assert tuple(first[:2]) == schedule.active(0.0, 3 * DAY_S, ZHENGZHOU)[:2]
    hourly = Schedule(periods=(clock(8, 9),), zone="Asia/Shanghai")
    assert len(hourly.active(0.0, 10_000 * DAY_S, ZHENGZHOU)) == 10_000


def test_a_holiday_that_never_comes_is_never_active() -> None:
    schedule = Schedule(periods=(clock(0, 24, frozenset({Day.HOLIDAY})),))
    assert schedule.next_active(0.0, ZHENGZHOU) is None
    assert schedule.next_inactive(5.0, ZHENGZHOU) == 5.0


def test_a_window_that_opens_in_years_is_the_next_time() -> None:
    opens_s = utc_s("2040-05-17T20:00")
    schedule = Schedule(((0.0, 100.0), (opens_s, FOREVER_S)), (clock(8, 17),), "Asia/Shanghai")
    assert schedule.next_active(1.7e9, ZHENGZHOU) == utc_s("2040-05-18T00:00")
    assert schedule.next_active(FOREVER_S + 1, ZHENGZHOU) is None


def test_day_and_night_together_have_no_end_in_sight() -> None:
    sunrise, sunset = Edge(0.0, SunEvent.SUNRISE), Edge(0.0, SunEvent.SUNSET)
    schedule = Schedule(periods=(Period(sunrise, sunset), Period(sunset, sunrise)))
    assert schedule.active(1.7e9, 1.71e9, ZHENGZHOU) == ((1.7e9, 1.71e9),)
    assert schedule.next_inactive(1.7e9, ZHENGZHOU) is None


def test_times_without_end_stop_with_the_calendar() -> None:
    schedule = Schedule(((-1e15, 1e15),), (clock(8, 9),))
    assert shown(schedule.active(1e15 - DAY_S, 1e15, ZHENGZHOU)) == []
    first = next(iter(schedule.spans(-math.inf, math.inf, ZHENGZHOU)))
    assert datetime.fromtimestamp(first[0], UTC).year <= 2
    assert schedule.words("en")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_range_is_made_of_times(bad: float) -> None:
    if math.isnan(bad):
        for args in ((bad, 1.0), (1.0, bad)):
            with pytest.raises(ValueError, match="begins and ends at a time"):
                ALWAYS.active(*args, ZHENGZHOU)
    else:
        assert ALWAYS.active(-bad, bad, ZHENGZHOU) == ((BEGINNING_S, FOREVER_S),)


# -- what is no schedule -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "windows", [(), ((5.0, 5.0),), ((0.0, 1.0), (7.0, 6.0)), ((math.nan, 1.0),), ((0.0, math.nan),)]
)
def test_a_schedule_that_would_never_be_active_is_none(windows: Spans) -> None:
    with pytest.raises(ValueError, match="windows that end after their start"):
        Schedule(windows)


def test_a_schedule_of_an_unknown_zone_is_none() -> None:
    with pytest.raises(ValueError, match="no time zone is called"):
        Schedule(zone="Asia/Kaifeng")


@pytest.mark.parametrize(
    ("offset_s", "event"),
    [(-1.0, None), (86401.0, None), (math.nan, None), (43201.0, SunEvent.SUNSET), (-43201.0, SunEvent.SUNRISE)],
)
def test_an_edge_lies_within_a_day(offset_s: float, event: SunEvent | None) -> None:
    with pytest.raises(ValueError, match="not within a day"):
        Edge(offset_s, event)


# -- words -------------------------------------------------------------------------------------------------------------

SHANGHAI_WEEK = Schedule(
    periods=(clock(8, 17, WORKDAYS),), zone="Asia/Shanghai", holidays=frozenset({date(2026, 10, 1)})
)
NIGHTS = Schedule(
    periods=(
        Period(Edge(0.0, SunEvent.SUNSET), Edge(-1800.0, SunEvent.SUNRISE)),
        clock(22.5, 6, frozenset({Day.MON, Day.SAT, Day.HOLIDAY})),
    )
)


@pytest.mark.parametrize(
    ("schedule", "en", "zh"),
    [
        (ALWAYS, "at all times", "始终"),
        (
            SHANGHAI_WEEK,
            "Mon-Fri 08:00 to 17:00 Asia/Shanghai, not on holidays",
            "周一至周五 08:00至17:00 Asia/Shanghai（节假日除外）",
        ),
        (
            NIGHTS,
            "daily sunset to 30 min before sunrise the next day; Mon, Sat, holidays 22:30 to 06:00 the next day UTC",
            "每天 日落至次日日出前 30 分钟；周一、周六、节假日 22:30至次日06:00 UTC",
        ),
        (
            Schedule(((utc_s("2026-05-18T00:00"), FOREVER_S),), zone="Asia/Shanghai"),
            "from 2026-05-18 08:00 Asia/Shanghai",
            "2026-05-18 08:00（Asia/Shanghai）起",
        ),
        (
            Schedule(((0.0, 3600.5),), (Period(Edge(7.0), Edge(600.0, SunEvent.EVENING_TWILIGHT)),)),
            "daily 00:00:07 to 10 min after dusk UTC; only until 1970-01-01 01:00 UTC",
            "每天 00:00:07至民用昏影终后 10 分钟 UTC；仅限至 1970-01-01 01:00（UTC）止",
        ),
        (
            Schedule(tuple((day * DAY_S, FOREVER_S - day) for day in (1, 2, 3, 4))),
            f"{', '.join(f'from 1970-01-0{n} 00:00 to 2099-12-31 23:59:5{11 - n} UTC' for n in (2, 3, 4))} and 1 more",
            f"{'，'.join(f'1970-01-0{n} 00:00 至 2099-12-31 23:59:5{11 - n}（UTC）' for n in (2, 3, 4))}等，另有 1 个",
        ),
    ],
)
def test_a_schedule_reads_as_operators_say_it(schedule: Schedule, en: str, zh: str) -> None:
    assert (schedule.words("en"), schedule.words("zh")) == (en, zh)


@given(schedules)
def test_any_schedule_has_words_in_both_languages(schedule: Schedule) -> None:
    en, zh = schedule.words("en"), schedule.words("zh")
    assert en.isascii()
    assert not zh.isascii()
    assert "{" not in en + zh
