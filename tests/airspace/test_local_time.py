from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.local_time import clock_s, clock_text, shows_date, time_zone

HOUR_S = 3600.0


def utc_s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone", "day", "after_midnight_h", "first", "last"),
    [
        ("UTC", date(2026, 5, 18), 8.0, "2026-05-18T08:00", "2026-05-18T08:00"),
        ("Asia/Shanghai", date(2026, 5, 18), 8.0, "2026-05-18T00:00", "2026-05-18T00:00"),
        ("Asia/Shanghai", date(2026, 5, 18), 24.0, "2026-05-18T16:00", "2026-05-18T16:00"),
        ("Asia/Kathmandu", date(2026, 5, 18), 0.0, "2026-05-17T18:15", "2026-05-17T18:15"),
        # Berlin skips 02:00-03:00 on 29 March and shows 02:00-03:00 twice on 25 October.
        ("Europe/Berlin", date(2026, 3, 29), 1.5, "2026-03-29T00:30", "2026-03-29T00:30"),
        ("Europe/Berlin", date(2026, 3, 29), 2.0, "2026-03-29T01:00", "2026-03-29T01:00"),
        ("Europe/Berlin", date(2026, 3, 29), 2.5, "2026-03-29T01:00", "2026-03-29T01:00"),
        ("Europe/Berlin", date(2026, 3, 29), 3.0, "2026-03-29T01:00", "2026-03-29T01:00"),
        ("Europe/Berlin", date(2026, 10, 25), 2.5, "2026-10-25T00:30", "2026-10-25T01:30"),
        ("Europe/Berlin", date(2026, 10, 25), 3.0, "2026-10-25T02:00", "2026-10-25T02:00"),
        # Lord Howe changes by half an hour, Sao Paulo skipped midnight itself, Samoa a whole day.
        ("Australia/Lord_Howe", date(2026, 10, 4), 2.25, "2026-10-03T15:30", "2026-10-03T15:30"),
        ("America/Sao_Paulo", date(2018, 11, 4), 0.0, "2018-11-04T03:00", "2018-11-04T03:00"),
        ("Pacific/Apia", date(2011, 12, 30), 12.0, "2011-12-30T10:00", "2011-12-30T10:00"),
    ],
)
def test_clock_times_are_found_on_days_of_change_too(
    zone: str, day: date, after_midnight_h: float, first: str, last: str
) -> None:
    found = [clock_s(day, after_midnight_h * HOUR_S, time_zone(zone), last=late) for late in (False, True)]
    assert found == [utc_s(first), utc_s(last)]


@given(
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.datetimes(datetime(1995, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - a clock's reading
)
def test_what_a_clock_shows_is_found_again(zone: str, shown: datetime) -> None:
    tz = time_zone(zone)
    shown = shown.replace(second=0, microsecond=0)
    midnight = datetime(shown.year, shown.month, shown.day)  # noqa: DTZ001 - a clock's reading
    first, last = (clock_s(shown.date(), (shown - midnight).total_seconds(), tz, last=late) for late in (False, True))
    assert first <= last
    for moment in (first, last):
        reading = datetime.fromtimestamp(moment, tz).replace(tzinfo=None)
        before = datetime.fromtimestamp(moment - 60, tz).replace(tzinfo=None)
        assert reading == shown or before < shown < reading
    assert clock_text(last, tz) >= shown.strftime("%Y-%m-%d %H:%M")


def test_a_date_that_clocks_skip_is_not_shown() -> None:
    apia = time_zone("Pacific/Apia")
    days = [date(2011, 12, 28) + timedelta(days=i) for i in range(5)]
    assert [day.day for day in days if not shows_date(day, apia)] == [30]


def test_seconds_are_shown_where_there_are_some() -> None:
    shanghai = time_zone("Asia/Shanghai")
    assert clock_text(utc_s("2026-05-18T00:00:00"), shanghai) == "2026-05-18 08:00"
    assert clock_text(utc_s("2026-05-18T00:00:07"), shanghai) == "2026-05-18 08:00:07"


@pytest.mark.parametrize("name", ["", "Asia", "Asia/Zhengzhou", "../etc/passwd", "/etc/localtime", "UTC\0", "CST+8"])
def test_a_zone_that_nobody_knows_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone is called"):
        time_zone(name)
