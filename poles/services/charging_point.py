"""The charging point for vehicles at the pole's foot, with the states of IEC 61851-1.

TALQ 2.7.1 has no such function.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Protocol, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Reason, Refused, Rule, Severity, Words
from poles.services.service import (
    Function,
    FunctionSpec,
    NoParameters,
    Readings,
    Service,
    ServiceSpec,
    Settings,
)
from poles.services.units import KilowattHours, Kilowatts

NAME = "charging_point"
FUNCTION = "ChargingPoint"
FAULT, RESIDUAL = "charging-point.fault", "charging-point.residual-current"

BROKEN = Rule(
    "charging-point.broken",
    Words("the charging point has a fault", "充电桩故障"),
    Words("Have it repaired before it is used.", "请检修后再使用。"),
)


class Vehicle(StrEnum):
    """The states of the control pilot."""

    ABSENT = "A"  # no vehicle
    CONNECTED = "B"  # plugged in, not ready
    CHARGING = "C"  # ready, current flows or may flow
    VENTILATED = "D"  # as C, and asks for ventilation
    SHORT = "E"  # pilot shorted or lost
    FAULT = "F"  # the point itself is not available


class ChargingPointReadings(Readings, frozen=True, kw_only=True):
    """The point and what is plugged in."""

    vehicle: Annotated[Vehicle, Meta(description="state of the control pilot, IEC 61851-1")] = field(
        name="vehicleState"
    )
    enabled: Annotated[bool, Meta(description="current may flow")] = field(name="enabled")
    power_kw: Annotated[Kilowatts, Meta(description="into the vehicle")] = field(name="power", default=0.0)
    session_kwh: Annotated[KilowattHours, Meta(description="since the vehicle was plugged in")] = field(
        name="sessionEnergy", default=0.0
    )
    total_kwh: Annotated[KilowattHours, Meta(description="of the point so far")] | None = field(
        name="totalActiveEnergy", default=None
    )
    residual: Annotated[bool, Meta(description="residual current cut it off")] = field(
        name="leakageDetected", default=False
    )


class ChargingPointSettings(Settings, frozen=True, kw_only=True):
    """What vehicles may take; below 6 A nothing flows (IEC 61851-1, annex A)."""

    most_a: Annotated[
        float, Meta(ge=6.0, le=80.0, description="for each phase, as the pilot tells it", extra={"unit": "Amperes"})
    ] = field(name="maxCurrent", default=16.0)


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    ChargingPointReadings,
    {"enable": NoParameters, "disable": NoParameters},
    ChargingPointSettings,
    {
        FAULT: AlarmSpec(
            Severity.CAUTION,
            Words(
                "the charging point of {subject} has a fault: state {vehicle}",
                "{subject} 的充电桩故障：状态 {vehicle}",
            ),
            Words("Have it repaired.", "请安排检修。"),
        ),
        RESIDUAL: AlarmSpec(
            Severity.WARNING,
            Words("residual current cut off the charging point of {subject}", "{subject} 的充电桩因剩余电流跳闸"),
            Words("Keep it off and have vehicle and point looked at.", "请保持断电，并检查车辆与充电桩。"),
        ),
    },
    slow=6.0,
)  # fmt: skip
SPEC = ServiceSpec((FUNCTION_SPEC,))


class ChargingPointHardware(Protocol):
    """The driver of contactor and pilot."""

    def offer(self, current_a: float) -> None:
        """Let vehicles take so much for each phase [A]; 0 opens the contactor."""
        ...


class ChargingPoint(Service):
    """The service over a charging point's driver."""

    name = NAME

    def __init__(self, hardware: ChargingPointHardware) -> None:
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, ChargingPointReadings(vehicle=Vehicle.ABSENT, enabled=True)))
        self._hardware = hardware
        self._settle(FUNCTION)

    def observe(
        self,
        vehicle: Vehicle,
        *,
        power_kw: float = 0.0,
        session_kwh: float = 0.0,
        total_kwh: float | None = None,
        residual: bool = False,
    ) -> None:
        """Take what pilot and meter say; residual current keeps the point off until it is enabled again."""
        before = self._point
        self._take(
            FUNCTION,
            ChargingPointReadings(
                vehicle=vehicle,
                enabled=before.enabled and not residual,
                power_kw=power_kw,
                session_kwh=session_kwh,
                total_kwh=total_kwh,
                residual=residual,
            ),
        )
        self._alarm(FUNCTION, FAULT, vehicle in (Vehicle.SHORT, Vehicle.FAULT), vehicle=vehicle)
        self._alarm(FUNCTION, RESIDUAL, residual)
        if (vehicle, before.enabled) != (before.vehicle, self._point.enabled):
            self._changed(FUNCTION)

    def begin(self, function: str, action: str, parameters: msgspec.Struct) -> None:
        """Let current flow or not; done at once. Raises Refused."""
        if action not in FUNCTION_SPEC.commands:
            super().begin(function, action, parameters)
        broken = self._point.residual or self._point.vehicle in (Vehicle.SHORT, Vehicle.FAULT)
        if action == "enable" and broken:
            raise Refused([Reason(BROKEN)])
        self._note(FUNCTION, enabled=action == "enable")

    @property
    def _point(self) -> ChargingPointReadings:
        return cast("ChargingPointReadings", self._now[FUNCTION])

    def _settle(self, function: str) -> None:
        most_a = cast("ChargingPointSettings", self._settings[FUNCTION]).most_a
        self._hardware.offer(most_a if self._point.enabled else 0.0)
