"""The registry of services: one file and one line each."""

from __future__ import annotations

from airspace.reasons import AlarmSpec
from poles.services import (
    base_station,
    bridge,
    camera,
    cell,
    charging_point,
    display,
    dock_functions,
    gas,
    lamp,
    loudspeaker,
    manhole,
    meter,
    pole_keys,
    receiver,
    sos,
    tunnel,
    water_level,
    weather,
)
from poles.services.service import FunctionSpec, Readings, Service, ServiceSpec

SERVICES: dict[str, ServiceSpec] = {
    "weather": weather.SPEC,
    "lamp": lamp.SPEC,
    "dock": dock_functions.SPEC,
    "base_station": base_station.SPEC,
    "receiver": receiver.SPEC,
    "camera": camera.SPEC,
    "loudspeaker": loudspeaker.SPEC,
    "display": display.SPEC,
    "sos": sos.SPEC,
    "charging_point": charging_point.SPEC,
    "cell": cell.SPEC,
    "meter": meter.SPEC,
    "gas": gas.SPEC,
    "water_level": water_level.SPEC,
    "manhole": manhole.SPEC,
    "bridge": bridge.SPEC,
    "tunnel": tunnel.SPEC,
    "keys": pole_keys.SPEC,
}

FUNCTIONS: dict[str, FunctionSpec] = {spec.name: spec for service in SERVICES.values() for spec in service.functions}
ALARM_CODES: dict[str, AlarmSpec] = {code: row for spec in FUNCTIONS.values() for code, row in spec.alarms.items()}


def function_spec(address: str) -> FunctionSpec | None:
    """The type of the function at an address, `Type` or `Type.instance`; absent when the registry has none."""
    return FUNCTIONS.get(address) or FUNCTIONS.get(address.partition(".")[0])


__all__ = [
    "ALARM_CODES",
    "FUNCTIONS",
    "SERVICES",
    "FunctionSpec",
    "Readings",
    "Service",
    "ServiceSpec",
    "function_spec",
]
