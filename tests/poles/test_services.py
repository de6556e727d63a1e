import math
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.reasons import Refused
from controller.clock import Clock, run, virtual_tempo
from poles.services import SERVICES
from poles.services.base_station import BaseStation, Health
from poles.services.lamp import Lamp, LampReadings, On, Pattern
from poles.services.service import NoParameters, parameters_from_wire, readings_from_wire
from poles.services.weather import Weather, WeatherReadings, WindStatistics


class Light:
    def __init__(self) -> None:
        self.shown: list[tuple[Pattern, float]] = []

    def light(self, pattern: Pattern, level_pct: float) -> None:
        self.shown.append((pattern, level_pct))


def test_the_last_override_of_a_lamp_wins_and_an_empty_one_returns_to_the_program() -> None:
    light = Light()
    lamp = Lamp(light, program_pct=40.0)
    for action, parameters in (("landing", NoParameters()), ("on", On(70.0)), ("off", NoParameters())):
        lamp.begin(action, parameters)
    assert lamp.readings() == LampReadings(pattern=Pattern.OFF, level_pct=0.0, overridden=True)
    lamp.program(30.0)
    lamp.begin("program", NoParameters())
    assert lamp.readings() == LampReadings(pattern=Pattern.ON, level_pct=30.0, overridden=False)
    assert light.shown == [
        (Pattern.ON, 40.0),
        (Pattern.LANDING, 100.0),
        (Pattern.ON, 70.0),
        (Pattern.OFF, 0.0),
        (Pattern.OFF, 0.0),
        (Pattern.ON, 30.0),
    ]


def test_a_dead_lamp_says_so() -> None:
    lamp = Lamp(Light())
    lamp.fail(True)
    assert lamp.readings().failed


def test_a_base_station_is_as_healthy_as_it_tracks_satellites() -> None:
    station = BaseStation(lat_deg=34.75, lon_deg=113.6, ellipsoidal_m=80.0)
    changes: list[Health] = []
    station.on_change = lambda: changes.append(station.readings().health)
    for satellites in (24, 20, 7, 0):
        station.track(satellites)
    assert changes == [Health.HEALTHY, Health.DEGRADED, Health.FAILED]
    with pytest.raises(Refused):
        station.begin("open", NoParameters())


def test_a_weather_station_without_sensors_says_nothing() -> None:
    assert Weather().readings() == WeatherReadings()


def test_a_weather_station_tells_wind_and_the_rest() -> None:
    async def main(_: Clock) -> WeatherReadings:
        weather = Weather(head_agl_m=12.0)
        weather.sample_wind(3.0, 0.0)
        weather.observe(rain_mmph=0.4, temperature_c=21.5)
        return weather.readings()

    assert run(main, virtual_tempo()) == WeatherReadings(
        wind_mean_mps=3.0, wind_gust_mps=3.0, wind_from_deg=270.0, rain_mmph=0.4, temperature_c=21.5, head_agl_m=12.0
    )


@pytest.mark.parametrize(("east", "north", "from_deg"), [(0, -1, 0), (-1, 0, 90), (0, 1, 180), (1, 0, 270)])
def test_wind_is_named_by_where_it_comes_from(east: float, north: float, from_deg: float) -> None:
    wind = WindStatistics()
    wind.add(0.0, east, north)
    summary = wind.summary()
    assert summary is not None
    assert summary[2] == pytest.approx(from_deg)


def test_a_gust_is_remembered_for_ten_minutes_and_leaves_the_mean_after_two() -> None:
    wind = WindStatistics()
    seen: dict[int, tuple[float, float, float]] = {}
    for second in range(700):
        wind.add(float(second), 12.0 if 10 <= second < 20 else 4.0, 0.0)
        seen[second] = wind.summary() or (0.0, 0.0, 0.0)
    assert seen[30][0] > 4.0
    assert seen[140][:2] == (4.0, 12.0)
    assert seen[600][1] == 12.0
    assert seen[630][1] == 4.0


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 900))
def test_wind_statistics_agree_with_their_definition(seed: int, seconds: int) -> None:
    rng = random.Random(seed)
    samples = [(float(s), rng.gauss(3, 2), rng.gauss(1, 2)) for s in range(seconds)]
    wind = WindStatistics()
    for sample in samples:
        wind.add(*sample)
    speeds = [math.hypot(e, n) for _, e, n in samples]
    now = samples[-1][0]
    threes = [sum(speeds[max(i - 2, 0) : i + 1]) / len(speeds[max(i - 2, 0) : i + 1]) for i in range(seconds)]
    mean = sum(speeds[-120:]) / len(speeds[-120:])
    gust = max(three for (at, _, _), three in zip(samples, threes, strict=True) if at > now - 600)
    summary = wind.summary()
    assert summary is not None
    assert summary[0] == pytest.approx(mean)
    assert summary[1] == pytest.approx(max(gust, mean))


@pytest.mark.parametrize(
    "raw",
    [
        {"wind_mean_mps": "calm"},
        {"wind_mean_mps": -1.0},
        {"wind_mean_mps": math.nan},
        {"pressure_hpa": math.inf},
        {"wind_from_deg": 361.0},
        {"temperature_c": [21]},
    ],
    ids=repr,
)
def test_readings_out_of_their_ranges_are_no_readings(raw: dict[str, object]) -> None:
    assert readings_from_wire(WeatherReadings, raw) is None


def test_readings_of_a_later_version_are_read_as_far_as_they_are_known() -> None:
    assert readings_from_wire(WeatherReadings, {"rain_mmph": 1, "snow_mmph": 3}) == WeatherReadings(rain_mmph=1.0)


@pytest.mark.parametrize(
    ("service", "action", "raw", "code"),
    [
        ("lamp", "explode", {}, "pole.action.unknown"),
        ("lamp", "on", {"level_pct": 101}, "pole.action.parameters"),
        ("lamp", "on", {"level_pct": math.nan}, "pole.action.parameters"),
        ("lamp", "on", {"level": 5}, "pole.action.parameters"),
        ("dock", "open", {}, "pole.action.parameters"),
        ("weather", "on", {}, "pole.action.unknown"),
    ],
)
def test_a_wrong_order_is_refused_with_what_is_wrong(
    service: str, action: str, raw: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        parameters_from_wire(service, SERVICES[service], action, raw)
    (reason,) = refused.value.reasons
    assert reason.rule.code == code
    assert service in reason.text("zh")


def test_every_line_of_the_registry_is_complete() -> None:
    assert set(SERVICES) == {"weather", "lamp", "dock", "base_station"}
    for spec in SERVICES.values():
        assert msgspec.structs.fields(spec.readings)
        for kind in spec.actions.values():
            assert kind.__struct_config__.forbid_unknown_fields
