"""The water level in a gully, an underpass or a channel, as TALQ 2.7.1's FluidLevelSensor."""

from __future__ import annotations

from typing import Annotated, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Reason, Refused, Rule, Severity, Words
from poles.services.limits import Limit
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import Metres

NAME = "water_level"
FUNCTION = "FluidLevelSensor"
HIGH, LOW = "water.high", "water.low"

CROSSED = Rule(
    "water.limits-crossed",
    Words(
        "the low level {low_m:g} m is not below the high level {high_m:g} m",
        "低水位 {low_m:g} m 不低于高水位 {high_m:g} m",
    ),
    Words("Give the lower threshold the lower value.", "请将较低的值填入下限。"),
)

Level = Annotated[Metres, Meta(ge=-10.0, le=100.0, description="above the bottom")]


class WaterLevelReadings(Readings, frozen=True, kw_only=True):
    """The level of the water over the bottom; absent before the first measurement."""

    level_m: Level | None = field(name="fluidLevel", default=None)
    too_high: Annotated[bool, Meta(description="above its threshold")] = field(name="fluidLevelTooHigh", default=False)
    too_low: Annotated[bool, Meta(description="below its threshold")] = field(name="fluidLevelTooLow", default=False)


class WaterLevelSettings(Settings, frozen=True, kw_only=True):
    """What the level is held against, and where the sensor hangs.

    0.27 m of standing water is where cities close their underpasses to traffic.
    """

    high_m: Level | None = field(name="fluidLevelTooHighThreshold", default=0.27)
    low_m: Level | None = field(name="fluidLevelTooLowThreshold", default=None)
    sensor_over_bottom_m: Annotated[
        Metres, Meta(ge=0.0, le=100.0, description="height of a sensor that looks down on the water")
    ] = field(name="distanceSensorBottom", default=0.0)


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    WaterLevelReadings,
    stale_after_s=120.0,
    settings=WaterLevelSettings,
    alarms={
        HIGH: AlarmSpec(
            Severity.WARNING,
            Words("water at {subject} stands {level_m} m high", "{subject} 处水位达 {level_m} m"),
            Words("Close the road and start the pumps.", "请封闭道路并启动排水泵。"),
        ),
        LOW: AlarmSpec(
            Severity.CAUTION,
            Words("water at {subject} has fallen to {level_m} m", "{subject} 处水位降至 {level_m} m"),
            Words("Look for a leak, or for a sensor that fell dry.", "请排查渗漏，或传感器是否露出水面。"),
        ),
    },
    slow=6.0,
    talq=True,
)
SPEC = ServiceSpec((FUNCTION_SPEC,))


class WaterLevel(Service):
    """The service; the driver calls `observe`, or `observe_distance` when the sensor looks down on the water."""

    name = NAME

    def __init__(self) -> None:
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, WaterLevelReadings()))
        self._high = Limit()
        self._low = Limit(upper=False)

    def observe(self, level_m: float) -> None:
        """Take the level over the bottom [m]."""
        self._take(FUNCTION, WaterLevelReadings(level_m=level_m))

    def observe_distance(self, distance_m: float) -> None:
        """Take the distance from the sensor down to the water [m]."""
        self.observe(self._thresholds.sensor_over_bottom_m - distance_m)

    @property
    def _thresholds(self) -> WaterLevelSettings:
        return cast("WaterLevelSettings", self._settings[FUNCTION])

    def _check(self, function: str, settings: Settings) -> None:
        if not isinstance(settings, WaterLevelSettings) or settings.low_m is None or settings.high_m is None:
            return
        if settings.low_m >= settings.high_m:
            raise Refused([Reason(CROSSED, "", {"low_m": settings.low_m, "high_m": settings.high_m})])

    def _settle(self, function: str) -> None:
        now = cast("WaterLevelReadings", self._now[FUNCTION])
        now = self._now[FUNCTION] = msgspec.structs.replace(
            now,
            too_high=self._high.judge(now.level_m, self._thresholds.high_m),
            too_low=self._low.judge(now.level_m, self._thresholds.low_m),
        )
        self._alarm(FUNCTION, HIGH, now.too_high, level_m=now.level_m)
        self._alarm(FUNCTION, LOW, now.too_low, level_m=now.level_m)
