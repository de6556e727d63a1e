"""The wind at a place among many stations: the same as by looking at all of them, and few are looked at."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import controller.pole_picture as pole_picture
from airspace.frames import LatLon, LocalFrame
from controller.clock import Clock
from controller.pole_picture import Poles
from controller.weather_picture import WeatherReading, wind_near, winds
from controller.weather_stations import AGAIN_S, FEW
from poles.gateway import Gateway
from poles.gateway.quality import Flag
from poles.gateway.state import Known, PoleState
from poles.services.weather import WindReadings

FRAME = LocalFrame(LatLon(34.75, 113.62))


@dataclass
class Town:
    """A gateway of which only the wind is asked, and a clock that a test moves on."""

    now_s: float = 1000.0
    lag_s: float = 0.0
    poles: dict[str, PoleState] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.picture = Poles(cast("Gateway", self), cast("Clock", self))

    def monotonic_s(self) -> float:
        return self.now_s

    def latest(self, function: str) -> Mapping[str, Known]:
        return self.known

    def says(
        self, code: str, east_m: float, north_m: float, gust_mps: float, age_s: float = 1.0, **flags: Flag
    ) -> None:
        self.poles[code] = PoleState(code, "b", "f", (), FRAME.latlon(east_m, north_m), self.now_s)
        values = WindReadings(wind_mean_mps=gust_mps / 2.0, wind_gust_mps=gust_mps, wind_from_deg=70.0)
        self.known[code] = Known(values, 0.0, self.now_s - age_s, flags=flags)

    def by_all(self, places: list[LatLon]) -> Any:
        return wind_near(winds(self.known, self.poles, self.now_s, self.now_s - 20.0), places)


def filled(rng: random.Random, count: int) -> Town:
    town, bad = Town(), rng.choice((0.0, 0.1, 0.6, 0.99))
    for n in range(count):
        age_s = rng.choice((1.0, 100.0)) if rng.random() < bad else 1.0
        flags = {"wind_gust_mps": rng.choice((Flag.JUMPING, Flag.OUT_OF_RANGE))} if rng.random() < bad else {}
        town.says(f"P{n:04}", rng.uniform(-9e3, 9e3), rng.uniform(-9e3, 9e3), rng.uniform(0.0, 20.0), age_s, **flags)
    return town


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 400), st.integers(1, 4))
def test_the_wind_is_the_same_as_by_looking_at_all_stations(seed: int, count: int, asked: int) -> None:
    rng = random.Random(seed)
    town = filled(rng, count)
    for n in range(4):
        places = [FRAME.latlon(rng.uniform(-1e4, 1e4), rng.uniform(-1e4, 1e4)) for _ in range(asked)]
        assert town.picture.gusts(places) == town.by_all(places)
        if n % 2:
            town.says(f"N{n}", rng.uniform(-9e3, 9e3), 0.0, 15.0)
        else:
            del town.known[rng.choice(sorted(town.known))]
        town.now_s += 0.5


def counted(patch: pytest.MonkeyPatch) -> list[int]:
    looked_at: list[int] = []
    judged: Callable[..., list[WeatherReading]] = winds

    def judging(known: Mapping[str, Known], *rest: Any) -> list[WeatherReading]:
        looked_at.append(len(known))
        return judged(known, *rest)

    patch.setattr(pole_picture, "winds", judging)
    return looked_at


def test_of_five_thousand_stations_few_are_looked_at_though_the_nearest_cannot_be_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at = counted(monkeypatch)
    town = Town()
    for n in range(5000):
        east_m, north_m = n % 100 * 40.0, n // 100 * 40.0
        near = max(east_m, north_m) < 200.0
        town.says(f"P{n}", east_m, north_m, 30.0 if near else 4.0, **({"wind_gust_mps": Flag.JUMPING} if near else {}))
    wind = town.picture.gusts([FRAME.latlon(0.0, 0.0)])
    assert wind is not None
    assert wind.gust_mps == 30.0  # doubted ones may stop a flight
    assert wind.can_clear
    assert sum(looked_at) < 500
    looked_at.clear()
    assert town.picture.wind([FRAME.latlon(3000.0, 1500.0)]) is not None
    assert sum(looked_at) < 200


def test_a_station_that_was_moved_is_found_where_it_stands_after_a_while() -> None:
    town = Town()
    for n in range(2 * FEW):
        town.says(f"P{n}", 5000.0 + n, 0.0, 4.0)
    here = FRAME.latlon(0.0, 0.0)
    assert town.picture.gusts([here]) == town.by_all([here])
    town.says("P7", 1.0, 0.0, 19.0)
    town.now_s += AGAIN_S
    for code, state in list(town.poles.items()):
        east_m, north_m = FRAME.xy(state.position)
        town.says(code, east_m, north_m, 19.0 if code == "P7" else 4.0)
    wind = town.picture.gusts([here])
    assert wind is not None
    assert wind.worst.pole == "P7"
