"""What poles watch for the city's lifelines: gas, water, manholes, bridges, tunnels, supply and network."""

from __future__ import annotations

import asyncio
import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.reasons import Refused
from controller.clock import Clock, run, virtual_tempo
from poles.protocol import Quality
from poles.services.bridge import Bridge, VibrationReadings, VibrationSettings, strongest_hz
from poles.services.cell import NetworkCell, NetworkCellReadings, NetworkCellSettings
from poles.services.gas import HIGH_PPM, Gas, GasReadings, GasSensor, GasSettings
from poles.services.limits import Limit, RunningMean
from poles.services.manhole import Attitude, Manhole, OrientationSettings, Tolerance
from poles.services.meter import CabinetReadings, Meter, MeterReadings, MeterSettings
from poles.services.tunnel import SmokeSettings, TemperatureSettings, Tunnel
from poles.services.water_level import WaterLevel, WaterLevelReadings, WaterLevelSettings
from tests.poles.test_services import Notes, timed


def of(service: Any, function: str, field: str) -> Any:
    return getattr(service.readings(function), field)


def codes(notes: Notes) -> list[str]:
    """`+code` for each alarm that began, `-code` for each that ended."""
    return [("+" if active else "-") + code for _, code, active in notes.alarms]


# -- limits and means


@given(st.lists(st.floats(-100.0, 100.0), max_size=40), st.floats(-50.0, 50.0), st.booleans())
def test_a_limit_is_broken_beyond_it_and_whole_again_only_clearly_within(
    values: list[float], at: float, upper: bool
) -> None:
    limit, sign = Limit(upper=upper, release=0.1), 1.0 if upper else -1.0
    for value in values:
        before, broken = limit.broken, limit.judge(value, at)
        over = (value - at) * sign
        assert broken == (over > 0.0 or (before and over > -0.1 * abs(at)))
    assert limit.judge(None, at) == limit.broken
    assert not limit.judge(1e9 * sign, None)


@given(st.integers(0, 2**32), st.integers(2, 300))
def test_a_running_mean_agrees_with_its_definition(seed: int, count: int) -> None:
    rng = random.Random(seed)
    times, now = [], 0.0
    for _ in range(count):
        now += rng.choice([1.0, 5.0, 30.0])
        times.append(now)
    values = [rng.uniform(0.0, 50.0) for _ in times]
    mean = RunningMean(600.0)
    for at, value in zip(times, values, strict=True):
        mean.add(at, value)
    first = max(now - 600.0, times[0])
    pieces = [
        (min(b, now) - max(a, first), value) for a, b, value in zip(times, times[1:], values, strict=False) if b > first
    ]
    spanned = math.fsum(length for length, _ in pieces)
    if spanned < 450.0:
        assert mean.mean() is None
    else:
        area = math.fsum(length * value for length, value in pieces)
        assert mean.mean() == pytest.approx(area / spanned)


# -- gas


def test_each_gas_is_a_function_of_its_own_with_its_own_limit() -> None:
    async def main(_: Clock) -> None:
        sensor = GasSensor([Gas.CH4, Gas.CO])
        notes = Notes(sensor)
        assert sensor.functions == ("GasSensor.ch4", "GasSensor.co")
        sensor.observe(Gas.CO, 26.0)
        sensor.observe(Gas.CH4, 26.0)
        assert sensor.readings("GasSensor.co") == GasReadings(gas=Gas.CO, ppm=26.0, too_high=True)
        assert sensor.readings("GasSensor.ch4") == GasReadings(gas=Gas.CH4, ppm=26.0)
        assert notes.alarms == [("GasSensor.co", "gas.high", True)]
        assert notes.facts == [{"gas": Gas.CO, "ppm": 26.0, "limit_ppm": HIGH_PPM[Gas.CO]}]
        sensor.apply("GasSensor.co", GasSettings(high_ppm=50.0))
        assert codes(notes) == ["+gas.high", "-gas.high"]
        with pytest.raises(KeyError):
            sensor.observe(Gas.O3, 1.0)

    run(main, virtual_tempo())


def test_means_of_gas_come_with_time() -> None:
    async def main(_: Clock) -> None:
        sensor = GasSensor([Gas.NO2])
        for minute in range(8 * 60 + 1):
            sensor.observe(Gas.NO2, 0.02 if minute < 7 * 60 else 0.06)
            if minute == 44:
                assert of(sensor, "GasSensor.no2", "mean_1h_ppm") is None
            if minute == 45:
                assert of(sensor, "GasSensor.no2", "mean_1h_ppm") == pytest.approx(0.02)
            await asyncio.sleep(60.0)
        assert of(sensor, "GasSensor.no2", "mean_1h_ppm") == pytest.approx(0.06)
        assert of(sensor, "GasSensor.no2", "mean_8h_ppm") == pytest.approx(0.025)

    run(main, virtual_tempo())


# -- water


@timed
def test_water_that_rises_is_told_once_and_when_it_has_clearly_fallen() -> None:
    water = WaterLevel()
    notes = Notes(water)
    for level_m in (0.1, 0.28, 0.265, 0.28, 0.1):  # a level that trembles about its limit
        water.observe(level_m)
    assert codes(notes) == ["+water.high", "-water.high"]
    water.apply("FluidLevelSensor", WaterLevelSettings(high_m=None, low_m=0.5))
    assert water.readings("FluidLevelSensor") == WaterLevelReadings(level_m=0.1, too_low=True)
    assert codes(notes)[2:] == ["+water.low"]


@timed
def test_a_sensor_over_the_water_measures_down_to_it() -> None:
    water = WaterLevel()
    water.apply("FluidLevelSensor", WaterLevelSettings(sensor_over_bottom_m=4.0))
    water.observe_distance(3.5)
    assert of(water, "FluidLevelSensor", "level_m") == 0.5


@timed
def test_limits_that_cross_are_refused_and_the_old_ones_kept() -> None:
    water, meter = WaterLevel(), Meter()
    with pytest.raises(Refused, match=r"water\.limits-crossed"):
        water.apply("FluidLevelSensor", WaterLevelSettings(high_m=1.0, low_m=1.0))
    with pytest.raises(Refused, match=r"supply\.limits-crossed"):
        meter.apply("ElectricalMeter", MeterSettings(high_v=200.0, low_v=230.0))
    assert water.settings("FluidLevelSensor") == WaterLevelSettings()
    assert meter.settings("ElectricalMeter") == MeterSettings()


# -- manhole


@pytest.mark.parametrize(
    ("roll_deg", "pitch_deg", "moved"), [(0, 9.9, False), (0, 10.1, True), (-10.1, 0, True), (350.5 - 360, 0, False)]
)
@timed
def test_a_cover_that_lies_off_is_told(roll_deg: float, pitch_deg: float, moved: bool) -> None:
    manhole = Manhole()
    notes = Notes(manhole)
    manhole.observe(roll_deg, pitch_deg)
    assert of(manhole, "Orientation", "changed") is moved
    assert codes(notes) == (["+manhole.moved"] if moved else [])


@timed
def test_a_cover_may_lie_as_it_is_told_to() -> None:
    manhole = Manhole()
    manhole.observe(178.0, 20.0)
    settings = OrientationSettings(
        expected=Attitude(roll_deg=-179.0, pitch_deg=15.0), tolerance=Tolerance(roll_deg=4.0, pitch_deg=8.0)
    )
    notes = Notes(manhole)
    manhole.apply("Orientation", settings)
    assert codes(notes) == ["+manhole.moved", "-manhole.moved"]  # the new voice is told first what is wrong
    assert not of(manhole, "Orientation", "changed")


# -- bridge


def swinging(
    hz: float, mps2: float, *, seconds: float = 20.0, rate_hz: float = 50.0
) -> list[tuple[float, float, float]]:
    g = mps2 / 9.80665
    return [(0.001, 0.0, 1.0 + g * math.sin(2.0 * math.pi * hz * n / rate_hz)) for n in range(round(seconds * rate_hz))]


@timed
def test_how_a_bridge_swings() -> None:
    bridge = Bridge()
    notes = Notes(bridge)
    bridge.observe(swinging(2.13, 0.5), 50.0)
    assert of(bridge, "VibrationSensor", "peak_mps2") == pytest.approx(0.5, rel=0.01)
    assert of(bridge, "VibrationSensor", "rms_mps2") == pytest.approx(0.5 / math.sqrt(2.0), rel=0.01)
    assert of(bridge, "VibrationSensor", "frequency_hz") == pytest.approx(2.13, abs=0.005)
    assert of(bridge, "Accelerometer", "total_g") == pytest.approx(0.5 / 9.80665, rel=0.01)
    assert codes(notes) == []
    bridge.observe(swinging(2.13, 0.8), 50.0)
    bridge.apply("VibrationSensor", VibrationSettings(least_hz=2.5))
    assert codes(notes) == ["+bridge.shaken", "+bridge.softer"]
    bridge.observe(swinging(2.7, 0.1), 50.0)
    assert codes(notes)[2:] == ["-bridge.shaken", "-bridge.softer"]


@timed
def test_a_bridge_at_rest_has_no_frequency_and_a_short_window_says_nothing() -> None:
    bridge = Bridge()
    bridge.observe(swinging(2.0, 0.5, seconds=0.2), 50.0)
    assert bridge.readings("VibrationSensor") == VibrationReadings()
    bridge.observe(swinging(2.0, 0.001), 50.0)
    assert of(bridge, "VibrationSensor", "frequency_hz") is None


@timed
def test_a_blow_is_an_impact() -> None:
    bridge = Bridge()
    notes = Notes(bridge)
    window = swinging(2.0, 0.01)
    window[100] = (0.9, -0.3, 1.2)
    bridge.observe(window, 50.0)
    assert of(bridge, "Accelerometer", "x_g") == pytest.approx(0.9, abs=0.01)
    assert of(bridge, "Accelerometer", "impact")
    bridge.observe(swinging(2.0, 0.01), 50.0)
    assert codes(notes) == ["+bridge.impact", "+bridge.shaken", "-bridge.impact", "-bridge.shaken"]


@given(st.floats(0.5, 20.0), st.floats(0.0, 6.2), st.integers(0, 1000))
def test_the_strongest_frequency_is_found_between_the_bins(hz: float, phase: float, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0.0, 0.02, 1000)
    wave = np.sin(2.0 * math.pi * hz * np.arange(1000) / 50.0 + phase)
    assert strongest_hz(wave + noise, 50.0) == pytest.approx(hz, abs=0.02)


# -- tunnel


@timed
def test_smoke_and_heat_in_a_tunnel() -> None:
    tunnel = Tunnel()
    notes = Notes(tunnel)
    tunnel.observe_smoke(0.009)
    tunnel.observe_temperature(49.0)
    assert codes(notes) == []
    tunnel.observe_smoke(0.02)
    tunnel.observe_temperature(55.0)
    tunnel.observe_temperature(300.0)
    assert codes(notes) == ["+tunnel.smoke", "+tunnel.hot", "+tunnel.fire"]
    assert of(tunnel, "SmokeSensor", "detected")
    assert (of(tunnel, "TemperatureSensor", "too_high"), of(tunnel, "TemperatureSensor", "fire")) == (True, True)
    tunnel.apply("SmokeSensor", SmokeSettings(high_per_m=0.05))
    tunnel.apply("TemperatureSensor", TemperatureSettings(high_c=350.0, fire_c=400.0))
    assert codes(notes)[3:] == ["-tunnel.smoke", "-tunnel.hot", "-tunnel.fire"]


# -- supply and cabinet


@timed
def test_the_supply_is_held_against_its_limits_and_no_supply_is_no_low_voltage() -> None:
    meter = Meter()
    notes = Notes(meter)
    for volts in (231.0, 236.0, 230.0, 197.0):
        meter.observe(MeterReadings(supply_v=volts, power_kw=0.4))
    assert codes(notes) == ["+supply.voltage", "-supply.voltage", "+supply.voltage"]
    assert of(meter, "ElectricalMeter", "too_low")
    meter.observe(MeterReadings(supply_v=0.0, lost=True))
    assert sorted(codes(notes)[3:]) == ["+supply.lost", "-supply.voltage"]
    meter.apply("ElectricalMeter", MeterSettings(high_kw=3.0))
    meter.observe(MeterReadings(supply_v=230.0, power_kw=3.5))
    assert sorted(codes(notes)[5:]) == ["+supply.power-high", "-supply.lost"]


@timed
def test_the_cabinet_is_watched() -> None:
    meter = Meter()
    notes = Notes(meter)
    meter.see_cabinet(open_=True, leaks=True)
    meter.see_cabinet(open_=False, leaks=True)
    assert meter.readings("CabinetMonitor") == CabinetReadings(open_=False, leaks=True)
    assert codes(notes) == ["+cabinet.open", "+cabinet.leakage", "-cabinet.open"]


# -- network


@timed
def test_a_poor_network_is_told_by_power_or_by_loss() -> None:
    cell = NetworkCell()
    notes = Notes(cell)
    assert cell.quality("NetworkCell") is Quality.BAD
    cell.observe(NetworkCellReadings(cell_id="460-00-1", rsrp_dbm=-95.0, loss_pct=0.2))
    assert cell.quality("NetworkCell") is Quality.GOOD
    cell.observe(NetworkCellReadings(cell_id="460-00-1", rsrp_dbm=-112.0, loss_pct=0.2))
    cell.observe(NetworkCellReadings(cell_id="460-00-1", rsrp_dbm=-95.0, loss_pct=9.0))
    cell.observe(NetworkCellReadings(cell_id="460-00-1", rsrp_dbm=-95.0, loss_pct=0.0))
    assert codes(notes) == ["+cell.poor", "-cell.poor"]
    cell.apply("NetworkCell", NetworkCellSettings(least_rsrp_dbm=-90.0))
    assert codes(notes)[2:] == ["+cell.poor"]
