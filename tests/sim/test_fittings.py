"""What hangs on simulated poles: sensors that measure the world, and devices that obey."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import pytest

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Refused
from controller.clock import Clock, run, virtual_tempo
from poles.beside import beside
from poles.gateway import Gateway
from poles.protocol import Alarm, Report, Reported
from poles.services import FUNCTIONS, SERVICES, function_spec
from poles.services.dock_functions import ForFlight, Reserve
from poles.services.gas import Gas
from poles.services.service import settings_from_wire, values_to_wire
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.drone.airframe import Airframe
from sim.drone.battery import Battery
from sim.fittings import FITTINGS, SIMULATED, Outside
from sim.fittings.devices import ChargingPointFitting, SosFitting
from sim.fittings.dock import CHARGER_SAMPLE_S
from sim.fittings.sensors import (
    BridgeFitting,
    CellFitting,
    GasFitting,
    ManholeFitting,
    MeterFitting,
    TunnelFitting,
    WaterLevelFitting,
)
from sim.pole import PoleSite, SimPole
from sim.wind import Wind
from tests.poles.raw_pole import Store, gateway_needs
from tests.poles.services.test_lifeline import codes, of
from tests.poles.test_services import Notes, timed

M = TypeVar("M")
HERE = LatLon(34.75, 113.62)
FRAME = LocalFrame(HERE)
CODE = "410105-LP-000001"


def outside(**changes: Any) -> Outside:
    fields: dict[str, Any] = {
        "rain_mmph": lambda: 0.0,
        "wind_mps": lambda now_s: 3.0,
        "temperature_c": lambda: 20.0,
        "has_mains": lambda: True,
        "power_kw": lambda: 0.5,
    }
    return Outside(**(fields | changes))


def test_every_service_can_hang_on_a_simulated_pole() -> None:
    assert SERVICES.keys() == {*SIMULATED, "keys"}  # simulated poles have no keys of their own


@timed
async def test_calm_sensors_raise_no_alarm_in_an_hour() -> None:
    for name, make in FITTINGS.items():
        fitting = make(outside(), random.Random(1))
        notes = Notes(fitting.service)
        for n in range(round(3600.0 / fitting.every_s)):
            fitting.sample(n * fitting.every_s)
        assert codes(notes) == [], name


@timed
async def test_what_fittings_measure_is_read_on_the_other_side_as_it_was_said() -> None:
    for name, make in FITTINGS.items():
        fitting = make(outside(), random.Random(4))
        fitting.sample(0.0)
        for function in fitting.service.functions:
            said = fitting.service.readings(function)
            raw = msgspec.msgpack.decode(msgspec.msgpack.encode(values_to_wire(said)))
            assert msgspec.convert(raw, type(said)) == said, name
            settings = fitting.service.settings(function)
            if settings is not None:
                raw = msgspec.msgpack.decode(msgspec.msgpack.encode(values_to_wire(settings)))
                assert settings_from_wire(function, fitting.service.spec(function), raw) == settings


@timed
async def test_what_happens_to_a_sensor_is_told() -> None:
    rng = random.Random(2)
    gas = GasFitting(outside(), rng)
    manhole = ManholeFitting(outside(), rng)
    bridge = BridgeFitting(outside(), rng)
    tunnel = TunnelFitting(outside(), rng)
    sos = SosFitting(outside(), rng)
    notes = [Notes(fitting.service) for fitting in (gas, manhole, bridge, tunnel, sos)]
    gas.leak(Gas.CH4, 20_000.0)
    gas.sample(0.0)
    manhole.move(40.0, 0.0)
    bridge.hit(1.5)
    bridge.sample(0.0)
    tunnel.burn()
    for n in range(20):
        tunnel.sample(5.0 * n)
    sos.press()
    assert [codes(each)[0] for each in notes] == [
        "+gas.high",
        "+manhole.moved",
        "+bridge.impact",
        "+tunnel.smoke",
        "+sos.called",
    ]
    tunnel.put_out()
    tunnel.sample(100.0)
    assert "-tunnel.fire" in codes(notes[3])


@timed
async def test_a_softer_bridge_swings_slower() -> None:
    bridge = BridgeFitting(outside(), random.Random(3))
    bridge.sample(0.0)
    before_hz = of(bridge.service, "VibrationSensor", "frequency_hz")
    bridge.soften(0.64)
    bridge.sample(10.0)
    assert of(bridge.service, "VibrationSensor", "frequency_hz") == pytest.approx(0.8 * before_hz, rel=0.01)


@timed
async def test_an_underpass_fills_in_a_cloudburst_and_is_pumped_out() -> None:
    rain = [100.0]
    water = WaterLevelFitting(outside(rain_mmph=lambda: rain[0]), random.Random(1))
    notes = Notes(water.service)
    for n in range(61):
        water.sample(10.0 * n)
    assert water.level_m == pytest.approx(0.5, abs=0.01)
    rain[0] = 0.0
    for n in range(61, 160):
        water.sample(10.0 * n)
    assert codes(notes) == ["+water.high", "-water.high"]


@timed
async def test_a_meter_counts_what_the_pole_takes_and_knows_when_there_is_nothing() -> None:
    mains = [True]
    meter = MeterFitting(outside(has_mains=lambda: mains[0], power_kw=lambda: 1.2), random.Random(1))
    notes = Notes(meter.service)
    for n in range(361):
        meter.sample(10.0 * n)
    assert of(meter.service, "ElectricalMeter", "energy_kwh") == pytest.approx(1.2)
    mains[0] = False
    meter.sample(3620.0)
    meter.door(open_=True)
    assert codes(notes) == ["+supply.lost", "+cabinet.open"]


@timed
async def test_a_modem_hears_the_network_worse_farther_out() -> None:
    margin: list[float | None] = [40.0]
    cell = CellFitting(outside(radio_margin_db=lambda: margin[0]), random.Random(1))
    notes = Notes(cell.service)
    cell.sample(0.0)
    assert of(cell.service, "NetworkCell", "rsrp_dbm") == pytest.approx(-80.0, abs=4.0)
    margin[0] = 2.0
    cell.sample(10.0)
    margin[0] = None
    cell.sample(20.0)
    assert of(cell.service, "NetworkCell", "loss_pct") == 100.0
    assert codes(notes) == ["+cell.poor"]


@timed
async def test_a_vehicle_charges_until_it_is_full() -> None:
    point = ChargingPointFitting(outside(), random.Random(1))
    point.plug_in()
    assert of(point.service, "ChargingPoint", "vehicle").value == "C"
    for n in range(round(9.0 * 360)):
        point.sample(10.0 * n)
    assert of(point.service, "ChargingPoint", "vehicle").value == "B"
    assert of(point.service, "ChargingPoint", "session_kwh") == pytest.approx(30.0, abs=0.02)
    point.leave()
    assert of(point.service, "ChargingPoint", "vehicle").value == "A"


# -- poles that carry them


def told(store: Store, kind: type[M]) -> list[M]:
    """What the pole told of one kind."""
    return [message for _, message in store.told if isinstance(message, kind)]


def sim_pole(clock: Clock, exchange: Exchange, site: PoleSite) -> SimPole:
    return SimPole(
        site,
        wind=Wind(rng=random.Random(1)),
        connection=MemoryConnection(exchange),
        utc_s=clock.utc_s,
        rng=random.Random(2),
    )


@asynccontextmanager
async def reporting(clock: Clock, *services: str) -> AsyncIterator[tuple[SimPole, Gateway, Store]]:
    """A pole with these services that has been speaking to its gateway for ten seconds, and what is kept of it."""
    store, exchange = Store(), Exchange()
    pole = sim_pole(clock, exchange, PoleSite(CODE, HERE, services=services))
    async with Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway, beside(pole.run()):
        await asyncio.sleep(10.0)
        yield pole, gateway, store


def test_alarms_and_readings_of_fittings_reach_the_gateway() -> None:
    async def main(clock: Clock) -> None:
        async with reporting(clock, *FITTINGS, "lamp") as (pole, _, store):
            await asyncio.sleep(20.0)
            sos = pole.fittings["sos"]
            assert isinstance(sos, SosFitting)
            sos.press()
            await asyncio.sleep(100.0)
        (alarm,) = told(store, Alarm)
        assert (alarm.code, alarm.function, alarm.active) == ("sos.called", "EmergencyCall", True)
        functions = {reading.function for report in told(store, Report) for reading in report.readings}
        fitted = {function for fitting in pole.fittings.values() for function in fitting.service.functions}
        assert functions == {*fitted, "LampActuator", "LampMonitor"}
        assert {"GasSensor.ch4", "ElectricalMeter", "TextDisplayActuator", "VibrationSensor"} <= functions

    run(main, virtual_tempo())


ORDERS: dict[str, dict[str, dict[str, Any]]] = {
    "LampActuator": {"override": {"pattern": "landing"}},
    "DroneDock": {
        "reserve": {"flight": "f1"},
        "open": {"flight": "f1"},
        "close": {"flight": "f1"},
        "release": {"flight": "f1"},
        "reset": {},
    },
    "DroneCharger": {"charge": {"flight": "f1"}, "stop": {}, "reset": {}},
    "Camera": {"look": {"preset": "pad"}, "snapshot": {}},
    "Loudspeaker": {"say": {"text": "请让开", "language": "zh"}, "play": {"clip": "siren", "times": 2}, "stop": {}},
    "TextDisplayActuator": {"override": {"state": {"text": "hello", "xPos": 1, "yPos": 0}}},
    "EmergencyCall": {"answer": {}, "end": {}},
    "ChargingPoint": {"disable": {}, "enable": {}},
}
REFUSED = {
    ("DroneDock", "reset"): "dock.cover.no-fault",
    ("DroneCharger", "charge"): "dock.charger.no-drone",
    ("DroneCharger", "reset"): "dock.charger.no-fault",
    ("EmergencyCall", "answer"): "sos.no-call",
    ("EmergencyCall", "end"): "sos.no-call",
}


def test_every_command_of_every_function_is_carried_out_over_the_wire_or_refused_by_its_rule() -> None:
    assert {name: set(orders) for name, orders in ORDERS.items()} == {
        spec.name: set(spec.commands) for spec in FUNCTIONS.values() if spec.commands
    }

    async def main(clock: Clock) -> None:
        async with reporting(clock, "lamp", "dock", *FITTINGS) as (_, gateway, _):
            for function, orders in ORDERS.items():
                for action, parameters in orders.items():
                    outcome = await gateway.command(CODE, function, action, parameters, until="done", deadline_s=60.0)
                    code = REFUSED.get((function, action), "")
                    assert (outcome.accepted, outcome.code) == (not code, code), (function, action, outcome.text())

    run(main, virtual_tempo())


def test_every_functions_settings_can_be_desired_over_the_wire_and_bad_ones_are_refused_with_the_reason() -> None:
    async def main(clock: Clock) -> None:
        async with reporting(clock, *SIMULATED) as (_, gateway, store):
            settable = [reported.function for reported in told(store, Reported)]
            assert {name.partition(".")[0] for name in settable} == {
                spec.name for spec in FUNCTIONS.values() if spec.settings is not None and spec.name != "PoleKeys"
            }
            for function in settable:
                spec = function_spec(function)
                assert spec is not None
                assert spec.settings is not None
                await gateway.supervision.wish(CODE, function, values_to_wire(spec.settings()), "tests")
            await asyncio.sleep(10.0)
            assert list(gateway.supervision.desired.differences(CODE)) == []
            crossed = {"fluidLevelTooHighThreshold": 1.0, "fluidLevelTooLowThreshold": 2.0}
            await gateway.supervision.wish(CODE, "FluidLevelSensor", crossed, "tests")
            await asyncio.sleep(10.0)
            assert [difference.function for difference in gateway.supervision.desired.differences(CODE)]
            last = [reported for reported in told(store, Reported) if reported.function == "FluidLevelSensor"][-1]
            assert last.code == "water.limits-crossed"
            assert "2 m" in last.en

    run(main, virtual_tempo())


def test_a_drone_on_the_pad_is_charged_under_a_closed_cover_and_only_there() -> None:
    async def main(clock: Clock) -> None:
        pole = sim_pole(clock, Exchange(), PoleSite(CODE, HERE))
        battery = Battery(Airframe())
        battery.set_remaining(0.5)
        order = ForFlight(flight="f1")
        with pytest.raises(Refused, match="no-drone"):
            pole.dock.begin("DroneCharger", "charge", order)
        pole.drone_landed(battery=battery)
        assert of(pole.dock, "DroneCharger", "charge_pct") == 50.0
        pole.dock.begin("DroneCharger", "charge", order)
        await asyncio.sleep(600.0)
        assert battery.remaining == pytest.approx(0.5 + 240.0 * 0.9 / 6.0 / 266.0, abs=0.02)
        pole.dock.begin("DroneDock", "reserve", Reserve(flight="f1", purpose="launch"))
        pole.dock.begin("DroneDock", "open", order)
        before = battery.remaining
        await asyncio.sleep(60.0)
        assert battery.remaining == before
        with pytest.raises(Refused, match="not-covered"):
            pole.dock.begin("DroneCharger", "charge", order)
        pole.dock.begin("DroneDock", "close", order)
        await asyncio.sleep(10.0)
        pole.dock.begin("DroneCharger", "charge", order)
        await asyncio.sleep(3600.0)
        assert of(pole.dock, "DroneCharger", "charger").value == "full"
        assert 95.0 <= 100.0 * battery.remaining <= 96.0 + CHARGER_SAMPLE_S

    run(main, virtual_tempo())
