import asyncio
import functools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.reasons import Refused, Words
from controller.clock import Clock, run, virtual_tempo
from poles.protocol import Heard, Quality
from poles.services import FUNCTIONS, Service
from poles.services.base_station import BaseStation, BaseStationReadings, BaseStationSettings, Health
from poles.services.lamp import Lamp, LampMonitorReadings, LampReadings, LampSettings, Override, Pattern
from poles.services.service import (
    NoParameters,
    Readings,
    parameters_from_wire,
    settings_from_wire,
    values_to_wire,
)
from poles.services.weather import AirReadings, RainReadings, Weather, WindReadings, WindStatistics


class Notes:
    """A voice that writes down what it is told."""

    def __init__(self, service: Service) -> None:
        self.alarms: list[tuple[str | None, str, bool]] = []
        self.facts: list[Mapping[str, Any]] = []
        self.changes: list[str] = []
        self.progressed: list[float] = []
        self.heard: list[Sequence[Heard]] = []
        self.frames: list[bytes] = []
        service.speak_to(self)

    def changed(self, function: str) -> None:
        self.changes.append(function)

    def alarm(self, code: str, active: bool, function: str | None, facts: Mapping[str, Any]) -> None:
        self.alarms.append((function, code, active))
        self.facts.append(facts)

    def progress(self, function: str, share: float, words: Words | None = None) -> None:
        self.progressed.append(share)

    def observed(self, heard: Sequence[Heard]) -> None:
        self.heard.append(heard)

    def corrections(self, frames: Sequence[bytes]) -> None:
        self.frames += frames


def timed(test: Callable[..., Any]) -> Callable[..., None]:
    """Run a test, which may be a coroutine, in virtual time."""

    @functools.wraps(test)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        async def main(_: Clock) -> None:
            ending = test(*args, **kwargs)
            if ending is not None:
                await ending

        run(main, virtual_tempo())

    return wrapped


class Light:
    def __init__(self) -> None:
        self.shown: list[tuple[Pattern, float]] = []

    def light(self, pattern: Pattern, level_pct: float) -> None:
        self.shown.append((pattern, level_pct))


def test_the_last_override_of_a_lamp_wins_and_an_empty_one_returns_to_the_program() -> None:
    light = Light()
    lamp = Lamp(light, program_pct=40.0)
    for order in (Override(pattern=Pattern.LANDING), Override(level_pct=70.0), Override(level_pct=0.0)):
        lamp.begin("LampActuator", "override", order)
    off = LampReadings(pattern=Pattern.STEADY, level_pct=0.0, overridden=True)
    assert lamp.readings("LampActuator") == off
    lamp.program(30.0)
    lamp.begin("LampActuator", "override", Override())
    on = LampReadings(pattern=Pattern.STEADY, level_pct=30.0, overridden=False)
    assert lamp.readings("LampActuator") == on
    assert light.shown == [
        (Pattern.STEADY, 40.0),
        (Pattern.LANDING, 100.0),
        (Pattern.STEADY, 70.0),
        (Pattern.STEADY, 0.0),
        (Pattern.STEADY, 0.0),
        (Pattern.STEADY, 30.0),
    ]


def test_a_lamps_program_can_be_set_and_an_order_still_wins() -> None:
    lamp = Lamp(Light())
    lamp.begin("LampActuator", "override", Override(level_pct=10.0))
    lamp.apply("LampActuator", LampSettings(level_pct=60.0))
    assert lamp.settings("LampActuator") == LampSettings(level_pct=60.0)
    assert lamp.readings("LampActuator") == LampReadings(level_pct=10.0, pattern=Pattern.STEADY, overridden=True)
    lamp.begin("LampActuator", "override", Override())
    assert lamp.readings("LampActuator") == LampReadings(level_pct=60.0, pattern=Pattern.STEADY, overridden=False)


@timed
def test_a_dead_lamp_says_so_once_and_a_new_voice_is_told_what_is_wrong() -> None:
    lamp = Lamp(Light())
    notes = Notes(lamp)
    for _ in range(2):
        lamp.observe(LampMonitorReadings(failed=True, leaks=False, power_w=0.0))
    assert notes.alarms == [("LampMonitor", "lamp.failed", True)]
    assert notes.changes == ["LampMonitor"]
    assert Notes(lamp).alarms == notes.alarms
    lamp.observe(LampMonitorReadings(failed=False, leaks=True))
    assert notes.alarms == [("LampMonitor", "lamp.failed", True)]


@timed
def test_a_base_station_is_as_healthy_as_it_tracks_satellites() -> None:
    station = BaseStation(lat_deg=34.75, lon_deg=113.6, ellipsoidal_m=80.0)
    notes = Notes(station)
    health, marks = [], []
    for satellites in (24, 20, 7, 0, 9):
        station.track(satellites)
        station.correct([b"\xd3%d" % satellites])
        readings = station.readings("BaseStation")
        assert isinstance(readings, BaseStationReadings)
        health.append(readings.health)
        marks.append(station.quality("BaseStation"))
    assert health == [Health.HEALTHY, Health.HEALTHY, Health.DEGRADED, Health.FAILED, Health.HEALTHY]
    assert marks == [Quality.GOOD, Quality.GOOD, Quality.SUSPECT, Quality.BAD, Quality.GOOD]
    assert [(code, active) for _, code, active in notes.alarms] == [
        ("base-station.degraded", True),
        ("base-station.degraded", False),
        ("base-station.failed", True),
        ("base-station.failed", False),
    ]
    assert notes.frames == [b"\xd324", b"\xd320", b"\xd39"]  # no corrections that nobody may use
    station.apply("BaseStation", BaseStationSettings(min_satellites=12))
    readings = station.readings("BaseStation")
    assert isinstance(readings, BaseStationReadings)
    assert readings.health is Health.DEGRADED
    with pytest.raises(Refused):
        station.begin("BaseStation", "open", NoParameters())


@timed
def test_a_weather_station_without_sensors_says_that_it_has_nothing_to_say() -> None:
    weather = Weather()
    assert weather.readings("WindSensor") == WindReadings()
    assert {weather.quality(function) for function in weather.functions} == {Quality.BAD}


@timed
async def test_a_sensor_whose_driver_falls_silent_does_not_hide_behind_its_last_word() -> None:
    weather = Weather()
    weather.sample_wind(3.0, 0.0)
    weather.observe(rain_mmph=0.0)
    await asyncio.sleep(10.0)
    assert weather.quality("WindSensor") is Quality.GOOD
    await asyncio.sleep(1.0)
    assert [weather.quality(function).value for function in weather.functions[:2]] == ["bad", "good"]
    weather.sample_wind(3.0, 0.0)
    assert weather.quality("WindSensor") is Quality.GOOD
    await asyncio.sleep(120.0)
    assert weather.quality("PrecipitationSensor") is Quality.BAD


def test_a_weather_station_tells_wind_and_the_rest() -> None:
    async def main(_: Clock) -> list[Readings]:
        weather = Weather(head_agl_m=12.0)
        weather.sample_wind(3.0, 0.0)
        weather.observe(rain_mmph=0.4, temperature_c=21.5)
        assert [weather.quality(function).value for function in weather.functions] == ["good", "good", "good", "bad"]
        weather.fail("WindSensor")
        assert weather.quality("WindSensor") is Quality.BAD
        return [weather.readings(function) for function in weather.functions[:3]]

    assert run(main, virtual_tempo()) == [
        WindReadings(wind_mean_mps=3.0, wind_gust_mps=3.0, wind_from_deg=270.0, head_agl_m=12.0),
        RainReadings(rain_mmph=0.4),
        AirReadings(temperature_c=21.5),
    ]


def test_a_sensor_that_fails_is_reported_at_once_and_once() -> None:
    weather = Weather()
    notes = Notes(weather)
    for failed in (True, True, False, False):
        weather.fail("PrecipitationSensor", failed)
    assert notes.changes == ["PrecipitationSensor", "PrecipitationSensor"]


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
    ("kind", "raw"),
    [
        (WindReadings, {"windSpeed": "calm"}),
        (WindReadings, {"windSpeed": -1.0}),
        (WindReadings, {"windSpeed": math.nan}),
        (WindReadings, {"windDirection": 361.0}),
        (AirReadings, {"atmosphericPressure": math.inf}),
        (AirReadings, {"airTemperature": [21]}),
        (LampReadings, {"actualLightState": 50.0}),
    ],
    ids=repr,
)
def test_readings_out_of_their_ranges_are_no_readings(kind: type[Readings], raw: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(raw, kind)


def test_readings_of_a_later_version_are_read_as_far_as_they_are_known() -> None:
    assert msgspec.convert({"precipitationRate": 1, "snow": 3}, RainReadings) == RainReadings(rain_mmph=1.0)


def test_readings_travel_under_the_names_of_the_wire_and_without_what_is_not_known() -> None:
    assert values_to_wire(WindReadings(wind_mean_mps=3.0)) == {"windSpeed": 3.0}


@pytest.mark.parametrize(
    ("function", "action", "raw", "code"),
    [
        ("LampActuator", "explode", {}, "pole.action.unknown"),
        ("LampActuator", "override", {"level": 101}, "pole.action.parameters"),
        ("LampActuator", "override", {"level": math.nan}, "pole.action.parameters"),
        ("LampActuator", "override", {"brightness": 5}, "pole.action.parameters"),
        ("DroneDock", "open", {}, "pole.action.parameters"),
        ("WindSensor", "on", {}, "pole.action.unknown"),
    ],
)
def test_a_wrong_order_is_refused_with_what_is_wrong(
    function: str, action: str, raw: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        parameters_from_wire(function, FUNCTIONS[function], action, raw)
    (reason,) = refused.value.reasons
    assert reason.rule.code == code
    assert function in reason.text("zh")


@pytest.mark.parametrize(
    ("function", "raw", "code"),
    [
        ("WindSensor", {}, "pole.settings.none"),
        ("LampActuator", {"defaultLightState": -1}, "pole.settings.malformed"),
        ("LampActuator", {"colour": 5}, "pole.settings.malformed"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_wrong(function: str, raw: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as refused:
        settings_from_wire(function, FUNCTIONS[function], raw)
    assert refused.value.reasons[0].rule.code == code


def test_settings_that_are_not_given_have_their_defaults() -> None:
    assert settings_from_wire("DroneDock", FUNCTIONS["DroneDock"], {}) == msgspec.convert(
        {"rainLimit": 2.5}, FUNCTIONS["DroneDock"].settings
    )
    with pytest.raises(Refused):
        Weather().apply("WindSensor", LampSettings())
