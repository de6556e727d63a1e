"""What cannot be true is flagged, and what is only bad weather is not."""

from __future__ import annotations

import math
import random
from typing import Any

import msgspec
import pytest

from airspace.frames import LatLon, LocalFrame
from poles.gateway.neighbours import NEAREST, WITHIN_M, Neighbours
from poles.gateway.quality import COMPARED_AFTER_S, UNUSABLE, Flag, QualityControl, median

CENTRE = LocalFrame(LatLon(34.75, 113.6))
HERE = LatLon(34.75, 113.6)


class Wind(msgspec.Struct, frozen=True, kw_only=True):
    wind_mean_mps: float | None = None
    wind_gust_mps: float | None = None
    head_agl_m: float = 10.0


class Air(msgspec.Struct, frozen=True, kw_only=True):
    pressure_hpa: float | None = None
    temperature_c: float | None = None


class Lamp(msgspec.Struct, frozen=True, kw_only=True):
    level: float = 0.0


def place(east_m: float, north_m: float) -> LatLon:
    return CENTRE.latlon(east_m, north_m)


class Station:
    """One pole whose readings come every so often."""

    def __init__(self, control: QualityControl | None = None, pole: str = "P1", where: LatLon = HERE) -> None:
        self.control = control or QualityControl()
        self.pole, self.where, self.now_s = pole, where, 1000.0

    def says(self, values: msgspec.Struct, after_s: float = 10.0) -> dict[str, Flag]:
        self.now_s += after_s
        return dict(self.control.judge(self.pole, self.where, "F", values, self.now_s))

    def wind(self, mean_mps: float, after_s: float = 10.0, **more: Any) -> Flag:
        return self.says(Wind(wind_mean_mps=mean_mps, **more), after_s).get("wind_mean_mps", Flag(0))

    def beside_others(self, values: msgspec.Struct, after_s: float = 10.0) -> dict[str, Flag]:
        """The same said again, when it has been there for long enough to be compared with its neighbours."""
        self.says(values, after_s)
        return self.says(values, COMPARED_AFTER_S)


def test_a_wind_that_lives_has_no_flags() -> None:
    rng, station = random.Random(1), Station()
    mean = 4.0
    for _ in range(2000):
        mean = max(0.0, mean + rng.gauss(0.0, 0.1))
        assert station.wind(round(mean, 2)) == Flag(0)


def test_a_wind_that_never_changes_is_stuck_until_it_does() -> None:
    station = Station()
    flags = [station.wind(4.2) for _ in range(100)]
    assert flags[:60] == [Flag(0)] * 60
    assert flags[61:] == [Flag.STUCK] * 39
    assert station.wind(4.3) == Flag(0)


def test_a_calm_is_not_stuck() -> None:
    station = Station()
    assert {station.wind(0.0) for _ in range(1000)} == {Flag(0)}


def test_a_few_far_apart_readings_of_the_same_value_are_not_stuck() -> None:
    station = Station()
    assert {station.wind(4.2, after_s=300.0) for _ in range(5)} == {Flag(0)}


def test_air_that_does_not_change_within_an_hour_is_stuck() -> None:
    station = Station()
    flags = [station.says(Air(temperature_c=21.30 + 0.04 * (n % 2), pressure_hpa=1003.0 + n / 100), 60.0)
             for n in range(90)]  # fmt: skip
    assert flags[59] == {}
    assert flags[61] == {"temperature_c": Flag.STUCK}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (Wind(wind_mean_mps=76.0), "wind_mean_mps"),
        (Wind(wind_gust_mps=80.0), "wind_gust_mps"),
        (Air(pressure_hpa=499.0), "pressure_hpa"),
        (Air(temperature_c=61.0), "temperature_c"),
    ],
)
def test_what_no_weather_brings_about_is_out_of_range(values: msgspec.Struct, field: str) -> None:
    assert Station().says(values) == {field: Flag.OUT_OF_RANGE}


def test_a_jump_is_flagged_and_forgiven_when_the_weather_stays_there() -> None:
    station = Station()
    station.says(Air(temperature_c=20.0))
    flags = [station.says(Air(temperature_c=27.0 + n / 10)).get("temperature_c") for n in range(6)]
    assert flags == [Flag.JUMPING] * 3 + [None] * 3


def test_a_spike_is_flagged_alone() -> None:
    station = Station()
    flags = [station.says(Air(temperature_c=t)).get("temperature_c") for t in (20.0, 20.1, 45.0, 20.2, 20.3)]
    assert flags == [None, None, Flag.JUMPING, None, None]


def test_after_a_long_pause_another_value_is_no_jump() -> None:
    station = Station()
    station.says(Air(temperature_c=20.0))
    assert station.says(Air(temperature_c=31.0), 3600.0) == {}
    assert station.says(Air(temperature_c=42.0), 240.0) == {}  # 3 degrees a minute are allowed


def test_a_late_reading_of_the_past_is_not_judged() -> None:
    station = Station()
    station.says(Air(temperature_c=20.0), 100.0)
    assert station.says(Air(temperature_c=-79.0), -50.0) == {}


def test_what_has_no_limits_has_no_flags() -> None:
    assert Station().says(Lamp(level=1e9)) == {}


def test_an_absent_value_says_nothing() -> None:
    assert Station().says(Wind()) == {}


# -- beside the neighbours ---------------------------------------------------------------------------------------------


def ring(control: QualityControl, values: list[msgspec.Struct], radius_m: float = 400.0) -> list[Station]:
    count = len(values)
    stations = []
    for number, value in enumerate(values):
        angle = 2 * math.pi * number / count
        where = place(radius_m * math.cos(angle), radius_m * math.sin(angle))
        station = Station(control, f"N{number}", where)
        station.says(value)
        stations.append(station)
    return stations


def test_a_station_that_is_alone_in_a_calm_disagrees() -> None:
    control = QualityControl()
    ring(control, [Wind(wind_mean_mps=12.0 + n / 5) for n in range(6)])
    assert Station(control).beside_others(Wind(wind_mean_mps=0.1)) == {"wind_mean_mps": Flag.DISAGREES}
    assert Station(control, "P2").beside_others(Wind(wind_mean_mps=9.0)) == {}


def test_who_has_just_come_is_compared_when_its_neighbours_had_time_to_come_back_too() -> None:
    control = QualityControl()
    ring(control, [Air(temperature_c=20.0)] * 6)
    late = Station(control)
    flags = [late.says(Air(temperature_c=50.0)) for _ in range(4)]
    assert flags == [{}] * 3 + [{"temperature_c": Flag.DISAGREES}]


def test_a_minority_of_broken_neighbours_convinces_nobody() -> None:
    control = QualityControl()
    ring(control, [Air(temperature_c=t) for t in (20.0, 20.5, 19.8, 20.2, 55.0, -40.0, 58.0)])
    assert Station(control).beside_others(Air(temperature_c=20.7)) == {}
    assert Station(control, "P2").beside_others(Air(temperature_c=31.0)) == {"temperature_c": Flag.DISAGREES}


def test_three_neighbours_are_too_few_to_judge() -> None:
    control = QualityControl()
    ring(control, [Air(temperature_c=20.0)] * 3)
    assert Station(control).beside_others(Air(temperature_c=50.0)) == {}


def test_what_neighbours_said_long_ago_says_nothing_of_now() -> None:
    control = QualityControl()
    ring(control, [Air(temperature_c=20.0)] * 6)
    assert Station(control).beside_others(Air(temperature_c=50.0), 1000.0) == {}


def test_flagged_neighbours_are_no_measure() -> None:
    control = QualityControl()
    ring(control, [Air(temperature_c=61.0)] * 6)
    assert Station(control).beside_others(Air(temperature_c=20.0)) == {}


def test_a_low_anemometer_is_compared_as_if_it_stood_as_high() -> None:
    control = QualityControl()
    ring(control, [Wind(wind_mean_mps=20.0, head_agl_m=10.0)] * 6)
    # at 3 m one measures about half of what blows at 10 m
    assert Station(control).beside_others(Wind(wind_mean_mps=2.1, head_agl_m=3.0)) == {}
    assert Station(control, "P2").beside_others(Wind(wind_mean_mps=2.1, head_agl_m=10.0)) == {
        "wind_mean_mps": Flag.DISAGREES
    }


def test_stations_in_the_next_valley_are_not_neighbours() -> None:
    control = QualityControl()
    ring(control, [Air(temperature_c=20.0)] * 6, radius_m=WITHIN_M + 100.0)
    assert Station(control).beside_others(Air(temperature_c=50.0)) == {}


def test_a_forgotten_station_is_no_neighbour() -> None:
    control = QualityControl()
    ring(control, [Air(temperature_c=20.0)] * 4)
    control.taken_away("N0", "F")
    assert Station(control).beside_others(Air(temperature_c=50.0)) == {}


@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_are_those_that_anybody_finds_by_looking_at_all(seed: int) -> None:
    rng, neighbours = random.Random(seed), Neighbours()
    places = {f"P{n}": place(rng.uniform(-9000, 9000), rng.uniform(-9000, 9000)) for n in range(300)}
    for pole, where in places.items():
        neighbours.place(pole, where)
        neighbours.nearest(pole)  # asked while others still come
    for pole in rng.sample(list(places), 40):
        neighbours.remove(pole)
        del places[pole]
    moved = rng.choice(list(places))
    places[moved] = place(0.0, 0.0)
    neighbours.place(moved, places[moved])
    for pole, here in places.items():
        apart = sorted((here.distance_m(there), other) for other, there in places.items() if other != pole)
        expected = [other for distance_m, other in apart if distance_m <= WITHIN_M][:NEAREST]
        assert [other for other, _ in neighbours.nearest(pole)] == expected


def test_who_comes_far_away_changes_nobody_s_neighbours_and_costs_nobody_a_search() -> None:
    neighbours, searched = Neighbours(), []
    found = neighbours._find
    neighbours._find = lambda pole: searched.append(pole) or found(pole)  # type: ignore[method-assign,func-returns-value]
    near = {f"P{n}": place(n % 10 * 100.0, n // 10 * 100.0) for n in range(100)}
    for pole, where in near.items():
        neighbours.place(pole, where)
    before = {pole: neighbours.nearest(pole) for pole in near}
    searched.clear()
    for number in range(200):  # within WITHIN_M of all of them
        neighbours.place(f"Q{number}", place(3000.0 + number % 20 * 50.0, number // 20 * 50.0))
    assert {pole: neighbours.nearest(pole) for pole in near} == before
    assert len(searched) < len(near) / 4  # those at the edge may have looked as far


def test_the_median_is_the_middle() -> None:
    assert median([3.0]) == 3.0
    assert median([9.0, 1.0, 2.0]) == 2.0
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5


def test_flags_have_names_and_a_wrong_clock_alone_does_not_spoil_a_value() -> None:
    assert (Flag.STUCK | Flag.DISAGREES).names == ("stuck", "disagrees")
    assert not Flag.CLOCK_WRONG & UNUSABLE
    assert Flag.FAULTY & UNUSABLE
