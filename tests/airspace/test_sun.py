from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from astral import Observer
from astral import sun as oracle
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airspace.frames import LatLon
from airspace.sun import CIVIL_TWILIGHT_DEG, DAY_S, RISE_AND_SET_DEG, elevation_deg, rise_s, set_s

HEIGHTS_DEG = [RISE_AND_SET_DEG, CIVIL_TWILIGHT_DEG]

days = st.dates(date(1990, 1, 1), date(2060, 1, 1))
Event = Callable[..., datetime]


def noon_s(day: date, lon_deg: float) -> float:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() - lon_deg * 240


def off_s(mine_s: float, event: Event, place: LatLon, day: date) -> float:
    """How far from astral's event of a day; astral sometimes takes the day beside it for the same one."""
    zone = timezone(timedelta(hours=round(place.lon_deg / 15)))
    theirs_s = event(Observer(place.lat_deg, place.lon_deg), date=day, tzinfo=zone).timestamp()
    turns = round((mine_s - theirs_s) / DAY_S)
    if turns:
        theirs_s = event(
            Observer(place.lat_deg, place.lon_deg), date=day + timedelta(days=turns), tzinfo=zone
        ).timestamp()
        theirs_s += DAY_S * round((mine_s - theirs_s) / DAY_S)
    return abs(mine_s - theirs_s)


def test_the_worked_examples_of_meeus_come_out() -> None:
    """Examples 25.a and 28.a: 13 October 1992, 0 h: declination -7.78507 degrees, equation of time 13 min 42.6 s."""
    midnight_s = datetime(1992, 10, 13, tzinfo=UTC).timestamp()
    assert elevation_deg(LatLon(90.0, 0.0), midnight_s) == pytest.approx(-7.78507, abs=0.001)
    # The sun does not rise at 89 degrees north then, so what is given is its noon; the equation grows 14 s a day.
    noon = rise_s(LatLon(89.0, 0.0), midnight_s + DAY_S / 2)
    assert midnight_s + DAY_S / 2 - noon == pytest.approx(13 * 60 + 42.6 + 7.0, abs=1.5)


@settings(max_examples=120)
@given(st.floats(31.0, 37.0), st.floats(110.0, 117.0), days)
def test_over_henan_the_sun_agrees_with_astral_within_a_minute(lat_deg: float, lon_deg: float, day: date) -> None:
    place, near_s = LatLon(lat_deg, lon_deg), noon_s(day, lon_deg)
    assert off_s(rise_s(place, near_s), oracle.sunrise, place, day) < 60
    assert off_s(set_s(place, near_s), oracle.sunset, place, day) < 60
    assert off_s(rise_s(place, near_s, CIVIL_TWILIGHT_DEG), oracle.dawn, place, day) < 60
    assert off_s(set_s(place, near_s, CIVIL_TWILIGHT_DEG), oracle.dusk, place, day) < 60


@settings(max_examples=150)
@given(st.floats(-60.0, 60.0), st.floats(-180.0, 180.0), days)
def test_up_to_60_degrees_the_sun_agrees_with_astral_within_two_minutes(
    lat_deg: float, lon_deg: float, day: date
) -> None:
    place, near_s = LatLon(lat_deg, lon_deg), noon_s(day, lon_deg)
    assert off_s(rise_s(place, near_s), oracle.sunrise, place, day) < 120
    assert off_s(set_s(place, near_s), oracle.sunset, place, day) < 120


@settings(max_examples=150)
@given(st.floats(-89.9, 89.9), st.floats(-180.0, 180.0), days, st.sampled_from(HEIGHTS_DEG))
@example(-85.23, 0.0, date(2006, 8, 25), CIVIL_TWILIGHT_DEG)  # it only grazes the height
@example(89.08, 0.0, date(2003, 3, 3), CIVIL_TWILIGHT_DEG)
@example(-87.53, 0.0, date(2017, 9, 14), RISE_AND_SET_DEG)
def test_at_rise_and_set_the_sun_is_at_its_height_or_never_there_that_day(
    lat_deg: float, lon_deg: float, day: date, height_deg: float
) -> None:
    place, near_s = LatLon(lat_deg, lon_deg), noon_s(day, lon_deg)
    rise, set_ = rise_s(place, near_s, height_deg), set_s(place, near_s, height_deg)
    assert near_s - DAY_S / 2 - 1200 < rise <= set_ < near_s + DAY_S / 2 + 1200
    for moment, side in ((rise, -1), (set_, 1)):
        if abs(elevation_deg(place, moment) - height_deg) < 0.001:
            continue
        half = [near_s + side * step * 600 for step in range(74)]
        if abs(moment - near_s) > 6 * 3600:  # at midnight: it is above from then to noon
            assert (
                min(elevation_deg(place, at_s) for at_s in half if abs(at_s - near_s) <= abs(moment - near_s))
                > height_deg - 0.02
            )
        else:  # at noon: it never gets there
            assert max(elevation_deg(place, at_s) for at_s in half) < height_deg + 0.02


@settings(max_examples=120)
@given(st.floats(-89.9, 89.9), st.floats(-180.0, 180.0), days, st.sampled_from(HEIGHTS_DEG))
def test_days_and_nights_alternate_without_a_gap_or_an_overlap(
    lat_deg: float, lon_deg: float, day: date, height_deg: float
) -> None:
    place, near_s = LatLon(lat_deg, lon_deg), noon_s(day, lon_deg)
    evening_s, morning_s = set_s(place, near_s, height_deg), rise_s(place, near_s + DAY_S, height_deg)
    assert evening_s <= morning_s
    if morning_s - evening_s < 1.0:
        assert evening_s == morning_s, "a night of the length of a rounding error"


def test_polar_days_are_whole_and_polar_nights_empty() -> None:
    tromso = LatLon(69.65, 18.96)
    summer, winter = (noon_s(day, tromso.lon_deg) for day in (date(2026, 6, 21), date(2026, 12, 21)))
    assert set_s(tromso, summer) - rise_s(tromso, summer) == pytest.approx(DAY_S, abs=60)
    assert set_s(tromso, summer) == rise_s(tromso, summer + DAY_S)
    assert set_s(tromso, winter) == rise_s(tromso, winter)
    assert elevation_deg(tromso, rise_s(tromso, winter)) < RISE_AND_SET_DEG
    # but there is civil twilight at noon
    assert set_s(tromso, winter, CIVIL_TWILIGHT_DEG) - rise_s(tromso, winter, CIVIL_TWILIGHT_DEG) > 2 * 3600


@pytest.mark.parametrize("lat_deg", [90.0, -90.0])
def test_at_the_poles_the_year_is_one_day(lat_deg: float) -> None:
    pole = LatLon(lat_deg, 0.0)
    near = [noon_s(date(2026, month, 15), 0.0) for month in range(1, 13)]
    light = [set_s(pole, near_s) - rise_s(pole, near_s) for near_s in near]
    assert all(length == 0.0 or length == pytest.approx(DAY_S, abs=60) for length in light)
    summer = [i for i, length in enumerate(light, start=1) if length]
    assert summer == ([4, 5, 6, 7, 8, 9] if lat_deg > 0 else [1, 2, 3, 10, 11, 12])


@given(st.floats(-80.0, 80.0), st.floats(-180.0, 180.0), st.floats(0.0, 3.0e9))
def test_the_sun_stands_where_astral_sees_it(lat_deg: float, lon_deg: float, at_s: float) -> None:
    theirs_deg = oracle.elevation(Observer(lat_deg, lon_deg), datetime.fromtimestamp(at_s, UTC), with_refraction=False)
    assert elevation_deg(LatLon(lat_deg, lon_deg), at_s) == pytest.approx(theirs_deg, abs=0.02)


@given(st.floats(-180.0, 180.0), st.floats(-60.0, 60.0), days, st.floats(-43_000.0, 43_000.0))
def test_the_day_taken_is_the_one_whose_noon_is_nearest(
    lon_deg: float, lat_deg: float, day: date, away_s: float
) -> None:
    place, near_s = LatLon(lat_deg, lon_deg), noon_s(day, lon_deg)
    assert rise_s(place, near_s + away_s) == rise_s(place, near_s)


def test_halfway_between_two_noons_no_day_is_taken_twice() -> None:
    place = LatLon(0.0, 180.0)
    days_taken = [rise_s(place, day * DAY_S + DAY_S / 2) for day in range(20_000, 20_020)]
    assert all(later - earlier == pytest.approx(DAY_S, abs=60) for earlier, later in pairwise(days_taken))
