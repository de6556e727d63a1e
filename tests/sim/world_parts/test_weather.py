"""Rain that moves, what one sees through it, and the warmth of the day."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import LatLon, LocalFrame
from sim.city_file import CityRainCell, CityWeather
from sim.weather.conditions import Weather, seen_through

MIDDLE = LatLon(34.75, 113.62)
FRAME = LocalFrame(MIDDLE)
# by the mean sun over the place
NOON_S = datetime(2026, 5, 18, 12, tzinfo=UTC).timestamp() - MIDDLE.lon_deg / 15.0 * 3600.0


def weather(utc_s: float = NOON_S, **given: object) -> Weather:
    return Weather(CityWeather(**given), FRAME, lambda: utc_s)  # type: ignore[arg-type]


def cell(**given: float) -> CityRainCell:
    whole = {"at_s": 100.0, "lasts_s": 1000.0, "radius_m": 400.0, "rain_mmph": 30.0, "east_mps": 5.0, **given}
    return CityRainCell(lat_deg=MIDDLE.lat_deg, lon_deg=MIDDLE.lon_deg, **whole)


def test_a_shower_moves_over_the_city_and_ends() -> None:
    sky = weather(rain_cells=(cell(),))
    sky.started_s = 5000.0
    at = sky.rain_mmph
    assert at(0.0, 0.0, 5000.0 + 99.0) == 0.0
    assert at(1000.0, 0.0, 5000.0 + 300.0) == pytest.approx(30.0)  # 200 s at 5 m/s
    assert at(1400.0, 0.0, 5000.0 + 300.0) == pytest.approx(30.0 / math.e)
    assert at(1000.0, 2000.0, 5000.0 + 300.0) == 0.0
    assert at(5000.0, 0.0, 5000.0 + 1101.0) == 0.0


def test_a_shower_grows_and_dies_away_within_a_tenth_of_its_life() -> None:
    sky = weather(rain_cells=(cell(east_mps=0.0),))
    assert [sky.rain_mmph(0.0, 0.0, 100.0 + age_s) for age_s in (0.0, 50.0, 100.0, 500.0, 950.0, 1000.0)] == (
        pytest.approx([0.0, 15.0, 30.0, 30.0, 15.0, 0.0])
    )


def test_it_rains_as_hard_as_the_hardest_over_a_place() -> None:
    sky = weather(rain_mmph=4.0, rain_cells=(cell(east_mps=0.0), cell(east_mps=0.0, rain_mmph=10.0)))
    assert sky.rain_mmph(0.0, 0.0, 500.0) == pytest.approx(30.0)
    assert sky.rain_mmph(9000.0, 0.0, 500.0) == 4.0


def test_what_is_set_holds_everywhere_until_it_is_given_back() -> None:
    sky = weather(rain_mmph=4.0, temperature_c=12.0, visibility_m=9000.0)
    sky.set_rain(0.0)
    sky.set_temperature(-8.0)
    sky.set_visibility(150.0)
    now = sky.at(0.0, 0.0, 0.0, 0.0)
    assert (now.rain_mmph, now.temperature_c, now.visibility_m) == (0.0, -8.0, 150.0)
    sky.set_rain(None)
    sky.set_temperature(None)
    sky.set_visibility(None)
    now = sky.at(0.0, 0.0, 0.0, 0.0)
    assert (now.rain_mmph, now.temperature_c) == (4.0, 12.0)
    assert now.visibility_m == pytest.approx(seen_through(4.0, 9000.0))


@pytest.mark.parametrize(("rain_mmph", "db_per_km"), [(1.0, 1.076), (10.0, 5.03), (100.0, 23.54)])
def test_rain_takes_the_light_that_itu_r_p_1814_says(rain_mmph: float, db_per_km: float) -> None:
    """In air that is clear beside, the range is where 5 % of the contrast are left: 13 dB."""
    assert seen_through(rain_mmph, 1e12) == pytest.approx(13.03 / db_per_km * 1000.0, rel=0.01)


@given(st.floats(0.0, 200.0), st.floats(10.0, 1e5))
def test_rain_never_clears_the_air(rain_mmph: float, clear_m: float) -> None:
    assert 0.0 < seen_through(rain_mmph, clear_m) <= clear_m * (1.0 + 1e-12)
    assert seen_through(rain_mmph + 1.0, clear_m) < seen_through(rain_mmph, clear_m)


def test_the_day_is_warmest_at_three_by_the_sun_and_coldest_at_three_in_the_night() -> None:
    given = {"temperature_c": 10.0, "temperature_swing_c": 6.0}
    by_hour = {hour: weather(NOON_S + (hour - 12.0) * 3600.0, **given).temperature_c(0.0) for hour in range(24)}
    assert max(by_hour, key=by_hour.__getitem__) == 15
    assert min(by_hour, key=by_hour.__getitem__) == 3
    assert by_hour[15] == pytest.approx(16.0, abs=0.1)
    assert by_hour[3] == pytest.approx(4.0, abs=0.1)


def test_it_is_colder_and_the_air_thinner_higher_up() -> None:
    low, high = (weather().at(0.0, 0.0, u, 0.0) for u in (0.0, 1000.0))
    assert low.temperature_c - high.temperature_c == pytest.approx(6.5)
    assert 110.0 < low.pressure_hpa - high.pressure_hpa < 116.0  # standard atmosphere: 114 hPa


def test_only_weather_that_varies_needs_to_be_looked_at_again() -> None:
    assert not weather(rain_mmph=3.0).changes
    assert weather(rain_cells=(cell(),)).changes
    assert weather(temperature_swing_c=4.0).changes
