"""The lamp: its program, and orders that override it, among them the pattern that leads a drone to the pad.

TALQ 2.7.1 has the actuator and the monitor of a lamp. It knows no landing pattern: two flashes a second of the light on
the pole's head, steady light on the pad.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.services.overrides import Overridden
from poles.services.service import Function, FunctionSpec, Parameters, Readings, Service, ServiceSpec, Settings
from poles.services.units import Celsius, Hours, Percent, Volts, Watts

NAME = "lamp"
ACTUATOR, MONITOR = "LampActuator", "LampMonitor"
FAILED, LEAKS = "lamp.failed", "lamp.leakage"


class Pattern(StrEnum):
    """How the light is given."""

    STEADY = "steady"
    LANDING = "landing"


class LampReadings(Readings, frozen=True, kw_only=True):
    """The light as it is commanded."""

    level_pct: Annotated[Percent, Meta(description="light given now; 0 is off")] = field(name="actualLightState")
    pattern: Annotated[Pattern, Meta(description="how it is given")] = field(name="pattern")
    overridden: Annotated[bool, Meta(description="an order is in force, not the program")] = field(name="overridden")


class LampSettings(Settings, frozen=True, kw_only=True):
    """What the lamp does by itself."""

    level_pct: Annotated[Percent, Meta(description="light of the program until it asks for another")] = field(
        name="defaultLightState", default=0.0
    )


class Override(Parameters, frozen=True, kw_only=True):
    """Light from now on, whatever the program asks for; with neither given the lamp returns to its program."""

    level_pct: Annotated[Percent, Meta(description="light; 100 for a pattern without a level")] | None = field(
        name="level", default=None
    )
    pattern: Annotated[Pattern, Meta(description="how it is given; steady for a level without a pattern")] | None = None


class LampMonitorReadings(Readings, frozen=True, kw_only=True):
    """The lamp as its gear measures it; a field is absent when the gear cannot tell."""

    failed: Annotated[bool, Meta(description="the lamp gives no light")] = field(name="lampFailure")
    leaks: Annotated[bool, Meta(description="current to earth")] = field(name="leakageDetected")
    hours: Annotated[Hours, Meta(description="in which it gave light")] | None = field(
        name="operatingHours", default=None
    )
    supply_v: Annotated[Volts, Meta(description="at the gear")] | None = field(name="supplyVoltage", default=None)
    power_w: Annotated[Watts, Meta(description="taken now")] | None = field(name="activePower", default=None)
    temperature_c: Annotated[Celsius, Meta(ge=-60.0, le=200.0, description="of the gear")] | None = field(
        name="temperature", default=None
    )


ACTUATOR_SPEC = FunctionSpec(ACTUATOR, LampReadings, {"override": Override}, LampSettings, talq=True)
MONITOR_SPEC = FunctionSpec(
    MONITOR,
    LampMonitorReadings,
    alarms={
        FAILED: AlarmSpec(
            Severity.CAUTION,
            Words("the lamp of {subject} gives no light", "{subject} 的灯具不亮"),
            Words("Have the lamp replaced; no drone lands here at night.", "请安排更换灯具；夜间无人机不在此降落。"),
        ),
        LEAKS: AlarmSpec(
            Severity.EMERGENCY,
            Words("{subject} leaks current to earth", "{subject} 漏电"),
            Words("Cut its supply and keep people away.", "请立即断电并疏散周围人员。"),
        ),
    },
    slow=6.0,
    talq=True,
)
SPEC = ServiceSpec((ACTUATOR_SPEC, MONITOR_SPEC))


class LampHardware(Protocol):
    """The driver of the light."""

    def light(self, pattern: Pattern, level_pct: float) -> None:
        """Give this light from now on."""
        ...


class Lamp(Service):
    """The service over a lamp driver; `program_pct` is the level that the pole's own program asks for."""

    name = NAME

    def __init__(self, hardware: LampHardware, *, program_pct: float = 0.0) -> None:
        steady = LampReadings(level_pct=program_pct, pattern=Pattern.STEADY, overridden=False)
        super().__init__(
            Function(ACTUATOR, ACTUATOR_SPEC, steady),
            Function(MONITOR, MONITOR_SPEC, LampMonitorReadings(failed=False, leaks=False)),
        )
        self._hardware = hardware
        self._light = Overridden((Pattern.STEADY, program_pct))
        self._hardware.light(*self._light.now)

    def program(self, level_pct: float) -> None:
        """The pole's program asks for a new level; an order that is in force still wins."""
        self._light.program = (Pattern.STEADY, level_pct)
        self._show()

    def observe(self, measured: LampMonitorReadings) -> None:
        """Take what the gear measures."""
        self._take(MONITOR, measured)
        self._alarm(MONITOR, FAILED, measured.failed)
        self._alarm(MONITOR, LEAKS, measured.leaks)

    def begin(self, function: str, action: str, parameters: msgspec.Struct) -> None:
        """Override the light or return it to the program; done at once. Raises Refused."""
        match parameters:
            case Override(level_pct=None, pattern=None):
                self._light.override = None
            case Override(level_pct=level, pattern=pattern):
                self._light.override = (pattern or Pattern.STEADY, 100.0 if level is None else level)
            case _:
                super().begin(function, action, parameters)
        self._show()

    def _settle(self, function: str) -> None:
        settings = self.settings(function)
        if isinstance(settings, LampSettings):
            self._light.program = (Pattern.STEADY, settings.level_pct)
            self._show()

    def _show(self) -> None:
        pattern, level_pct = self._light.now
        self._now[ACTUATOR] = LampReadings(level_pct=level_pct, pattern=pattern, overridden=self._light.overridden)
        self._hardware.light(pattern, level_pct)
        self._changed(ACTUATOR)
