from __future__ import annotations

from dataclasses import replace

import pytest

from airspace.frames import LatLon, LocalFrame
from controller.weather_picture import MOST_PLACES, WeatherReading, places_of, wind_near, winds
from poles.gateway.quality import Flag
from poles.gateway.state import Known, PoleState
from poles.services.weather import WindReadings
from tests.controller.flight.scene import plan

MIDDLE = LatLon(34.75, 113.62)
FRAME = LocalFrame(MIDDLE)
NOW_S, OLDEST_S = 1000.0, 980.0


def station(
    code: str, east_m: float, gust_mps: float = 4.0, mean_mps: float = 3.0, age_s: float = 1.0
) -> WeatherReading:
    return WeatherReading(code, FRAME.latlon(east_m, 0.0), mean_mps, gust_mps, 70.0, age_s)


def pole(code: str) -> PoleState:
    return PoleState(code, "b", "f", (), MIDDLE, NOW_S)


def said(gust_mps: float | None = 4.0, taken_s: float = 999.0, **flags: Flag) -> Known:
    values = WindReadings(wind_mean_mps=3.0, wind_gust_mps=gust_mps, wind_from_deg=70.0)
    return Known(values, 0.0, taken_s, flags=flags)


def told(*readings: Known) -> list[str]:
    known = {f"P{n}": reading for n, reading in enumerate(readings)}
    found = winds(known, {code: pole(code) for code in known}, NOW_S, OLDEST_S)
    return [reading.pole for reading in found if not reading.doubted]


def test_a_fresh_and_plausible_station_is_believed() -> None:
    assert told(said()) == ["P0"]


@pytest.mark.parametrize(
    "reading",
    [
        said(taken_s=OLDEST_S - 0.1),
        said(wind_gust_mps=Flag.STUCK),
        said(wind_mean_mps=Flag.DISAGREES),
        said(wind_gust_mps=Flag.JUMPING),
        Known(WindReadings(), 0.0, 999.0),
        Known(WindReadings(wind_mean_mps=3.0), 0.0, 999.0, flags={"": Flag.FAULTY}),
    ],
)
def test_an_old_a_flagged_or_a_silent_one_is_not(reading: Known) -> None:
    assert told(reading, said()) == ["P1"]


@pytest.mark.parametrize("reading", [said(wind_mean_mps=Flag.CLOCK_WRONG), said(wind_mean_mps=Flag.SUSPECT)])
def test_a_wrong_clock_or_a_doubt_of_the_pole_alone_does_not_shut_a_station_out(reading: Known) -> None:
    assert told(reading) == ["P0"]


@pytest.mark.parametrize("flag", [Flag.STUCK, Flag.JUMPING, Flag.DISAGREES, Flag.JUMPING | Flag.DISAGREES])
@pytest.mark.parametrize("name", ["wind_gust_mps", "wind_mean_mps"])
def test_gusts_that_cannot_be_believed_stop_what_calm_neighbours_would_clear(flag: Flag, name: str) -> None:
    known = {"P0": said(), "P1": said(14.0, **{name: flag}), "P2": said()}
    found = winds(known, {code: pole(code) for code in known}, NOW_S, OLDEST_S)
    wind = wind_near(found, [MIDDLE])
    assert wind is not None
    assert (wind.worst.pole, wind.gust_mps, wind.can_clear) == ("P1", 14.0, True)
    assert wind.evidence()["doubted"] == ["P1"]


@pytest.mark.parametrize("flag", [Flag.OUT_OF_RANGE, Flag.FAULTY | Flag.JUMPING])
def test_a_wind_that_cannot_be_stops_nothing(flag: Flag) -> None:
    known = {"P0": said(), "P1": said(74.0, **{"": flag})}
    assert [r.pole for r in winds(known, {code: pole(code) for code in known}, NOW_S, OLDEST_S)] == ["P0"]


def test_a_calm_that_cannot_be_believed_clears_nothing_and_shuts_no_station_out() -> None:
    doubted = [replace(station(f"D{n}", 10.0 * n, 1.0), doubted=True) for n in range(3)]
    alone = wind_near(doubted, [MIDDLE])
    assert alone is not None
    assert not alone.can_clear
    wind = wind_near([*doubted, station("A", 800.0, 6.0), station("B", 900.0)], [MIDDLE])
    assert wind is not None
    assert [each.pole for each in wind.stations] == ["A", "B"]
    assert wind.can_clear


def test_a_doubted_station_counts_only_where_it_is_among_the_nearest() -> None:
    calm = [station(code, 100.0) for code in "ABC"]
    wind = wind_near([*calm, replace(station("D", 5000.0, 30.0), doubted=True)], [MIDDLE])
    assert wind is not None
    assert wind.gust_mps == 4.0


def test_without_a_gust_the_mean_counts() -> None:
    known = {"P0": said(None), "P1": said(9.0)}
    found = winds(known, {code: pole(code) for code in known}, NOW_S, OLDEST_S)
    assert [reading.gust_mps for reading in found] == [3.0, 9.0]


def test_the_nearest_stations_tell_the_wind_and_the_strongest_of_them_counts() -> None:
    stations = [
        station("A", 0.0),
        station("B", 100.0, 7.5, 5.0, 12.0),
        station("C", 300.0, 5.0),
        station("D", 900.0, 20.0),
    ]
    wind = wind_near(stations, [MIDDLE])
    assert wind is not None
    assert [each.pole for each in wind.stations] == ["A", "B", "C"]
    assert (wind.worst.pole, wind.gust_mps, wind.wind_mps) == ("B", 7.5, 5.0)
    assert (wind.age_s, wind.spread_mps) == (12.0, 3.5)
    assert wind.evidence()["spread_mps"] == 3.5
    assert wind.evidence()["oldest_s"] == 12.0


def test_stations_near_any_of_several_places_count_once() -> None:
    stations = [station("A", 0.0), station("B", 10.0), station("C", 20.0), station("D", 5000.0, 9.0)]
    wind = wind_near(stations, [MIDDLE, FRAME.latlon(5000.0, 0.0)])
    assert wind is not None
    assert [each.pole for each in wind.stations] == ["A", "B", "C", "D"]
    assert wind.worst.pole == "D"


def test_without_a_station_there_is_no_wind() -> None:
    assert wind_near([], [MIDDLE]) is None


def test_a_degree_of_longitude_is_shorter_than_one_of_latitude() -> None:
    north = replace(station("N", 0.0), position=LatLon(34.7595, 113.62))
    east = replace(station("E", 0.0), position=LatLon(34.75, 113.6305))  # more degrees, fewer metres
    wind = wind_near([north, east], [MIDDLE], nearest=1)
    assert wind is not None
    assert [each.pole for each in wind.stations] == ["E"]


def test_a_flight_asks_at_its_ends_and_along_its_way() -> None:
    places = places_of(plan())
    assert LatLon(plan().home.lat_deg, plan().home.lon_deg) in places
    assert all(LatLon(o.place.lat_deg, o.place.lon_deg) in places for o in plan().landings)
    assert len(places) <= 1 + len(plan().landings) + MOST_PLACES
