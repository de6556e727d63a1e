"""Smoke and heat in a tunnel: a function of our own for smoke, and TALQ 2.7.1's TemperatureSensor for fire by heat.

Smoke is measured as extinction of light. Its limits are those for road tunnels in operation (PIARC 2019R02EN: 0.005 to
0.009 per metre in normal traffic, 0.012 closes the tunnel).
"""

from __future__ import annotations

from typing import Annotated, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.services.limits import Limit
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import Celsius, PerMetre

NAME = "tunnel"
SMOKE, TEMPERATURE = "SmokeSensor", "TemperatureSensor"
SMOKY, HOT, FIRE = "tunnel.smoke", "tunnel.hot", "tunnel.fire"

Warmth = Annotated[Celsius, Meta(ge=-60.0, le=1500.0)]


class SmokeReadings(Readings, frozen=True, kw_only=True):
    """Smoke in the air; absent before the first measurement."""

    extinction_per_m: Annotated[PerMetre, Meta(description="extinction coefficient of light")] | None = field(
        name="extinctionCoefficient", default=None
    )
    detected: Annotated[bool, Meta(description="above its threshold")] = field(name="smokeDetected", default=False)


class SmokeSettings(Settings, frozen=True, kw_only=True):
    """What counts as smoke."""

    high_per_m: Annotated[PerMetre, Meta(description="above it the tunnel is closed")] = field(
        name="extinctionHighThreshold", default=0.012
    )


class TemperatureReadings(Readings, frozen=True, kw_only=True):
    """The air under the tunnel's ceiling; absent before the first measurement."""

    temperature_c: Annotated[Warmth, Meta(description="of the air")] | None = field(name="temperature", default=None)
    too_high: Annotated[bool, Meta(description="above its threshold")] = field(name="temperatureTooHigh", default=False)
    fire: Annotated[bool, Meta(description="so hot that something burns")] = field(name="fireDetected", default=False)


class TemperatureSettings(Settings, frozen=True, kw_only=True):
    """What the air is held against; heat detectors of class A1 answer between 54 and 65 degrees (EN 54-5)."""

    high_c: Annotated[Warmth, Meta(description="above it is too hot")] = field(
        name="temperatureHighThreshold", default=50.0
    )
    fire_c: Annotated[Warmth, Meta(description="above it something burns")] = field(
        name="fireDetectionThreshold", default=60.0
    )


SMOKE_SPEC = FunctionSpec(
    SMOKE,
    SmokeReadings,
    stale_after_s=60.0,
    settings=SmokeSettings,
    alarms={
        SMOKY: AlarmSpec(
            Severity.EMERGENCY,
            Words("smoke in the tunnel at {subject}: extinction {extinction_per_m} per metre",
                  "{subject} 处隧道有烟：消光系数 {extinction_per_m} /m"),
            Words("Close the tunnel, start the fans and call the fire brigade.", "请封闭隧道、启动排烟并呼叫消防。"),
        ),
    },
    slow=2.0,
)  # fmt: skip
TEMPERATURE_SPEC = FunctionSpec(
    TEMPERATURE,
    TemperatureReadings,
    stale_after_s=60.0,
    settings=TemperatureSettings,
    alarms={
        HOT: AlarmSpec(
            Severity.CAUTION,
            Words("the tunnel at {subject} is {temperature_c} °C hot", "{subject} 处隧道温度达 {temperature_c} °C"),
            Words("Start the fans and look for the cause.", "请启动通风并排查原因。"),
        ),
        FIRE: AlarmSpec(
            Severity.EMERGENCY,
            Words("something burns in the tunnel at {subject}: {temperature_c} °C",
                  "{subject} 处隧道起火：{temperature_c} °C"),
            Words("Close the tunnel, start the fans and call the fire brigade.", "请封闭隧道、启动排烟并呼叫消防。"),
        ),
    },
    slow=2.0,
    talq=True,
)  # fmt: skip
SPEC = ServiceSpec((SMOKE_SPEC, TEMPERATURE_SPEC))


class Tunnel(Service):
    """The service; the drivers call `observe_smoke` and `observe_temperature`."""

    name = NAME

    def __init__(self) -> None:
        super().__init__(
            Function(SMOKE, SMOKE_SPEC, SmokeReadings()), Function(TEMPERATURE, TEMPERATURE_SPEC, TemperatureReadings())
        )
        self._smoky = Limit(release=0.2)
        self._hot = Limit()
        self._burning = Limit()

    def observe_smoke(self, extinction_per_m: float) -> None:
        """Take the extinction coefficient of the air [1/m]."""
        self._take(SMOKE, SmokeReadings(extinction_per_m=extinction_per_m))

    def observe_temperature(self, temperature_c: float) -> None:
        """Take the temperature of the air [°C]."""
        self._take(TEMPERATURE, TemperatureReadings(temperature_c=temperature_c))

    def _settle(self, function: str) -> None:
        if function == SMOKE:
            smoke = cast("SmokeReadings", self._now[SMOKE])
            high_per_m = cast("SmokeSettings", self._settings[SMOKE]).high_per_m
            detected = self._smoky.judge(smoke.extinction_per_m, high_per_m)
            self._now[SMOKE] = msgspec.structs.replace(smoke, detected=detected)
            self._alarm(SMOKE, SMOKY, detected, extinction_per_m=smoke.extinction_per_m)
            return
        heat = cast("TemperatureReadings", self._now[TEMPERATURE])
        settings = cast("TemperatureSettings", self._settings[TEMPERATURE])
        hot = self._hot.judge(heat.temperature_c, settings.high_c)
        fire = self._burning.judge(heat.temperature_c, settings.fire_c)
        self._now[TEMPERATURE] = msgspec.structs.replace(heat, too_high=hot, fire=fire)
        self._alarm(TEMPERATURE, HOT, hot, temperature_c=heat.temperature_c)
        self._alarm(TEMPERATURE, FIRE, fire, temperature_c=heat.temperature_c)
