"""The weather station: wind, rain, visibility, pressure and temperature at the pole's head.

TALQ 2.7.1 has wind, precipitation and the state of the air; visibility is a function of our own. TALQ counts wind and
rain in whole units; we send what was measured under the same names and in the same units.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Annotated, cast

import msgspec
from msgspec import Meta, field

from poles.protocol import Quality
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec
from poles.services.units import Bearing, Celsius, Hectopascal, Metres, MetresPerSecond, MillimetresPerHour, Percent

NAME = "weather"
WIND, RAIN, AIR, VISIBILITY = "WindSensor", "PrecipitationSensor", "AtmosphericSensor", "VisibilitySensor"

# WMO-No. 8: the mean wind for aviation is over 2 minutes, the gust is the highest 3 s mean of the last 10 minutes.
MEAN_OVER_S = 120.0
GUST_MEAN_S = 3.0
GUST_OVER_S = 600.0

WindMps = Annotated[MetresPerSecond, Meta(ge=0.0, le=90.0)]


class WindReadings(Readings, frozen=True, kw_only=True):
    """Wind by WMO-No. 8; a field is absent before the first sample."""

    wind_mean_mps: Annotated[WindMps, Meta(description="mean over 2 minutes")] | None = field(
        name="windSpeed", default=None
    )
    wind_gust_mps: Annotated[WindMps, Meta(description="highest 3 s mean of 10 minutes")] | None = field(
        name="windGust", default=None
    )
    wind_from_deg: (
        Annotated[Bearing, Meta(description="where the mean wind comes from, clockwise from true north")] | None
    ) = field(name="windDirection", default=None)
    head_agl_m: Annotated[Metres, Meta(ge=0.0, le=200.0, description="height of the sensor above ground")] = field(
        name="sensorHeight", default=10.0
    )


class RainReadings(Readings, frozen=True, kw_only=True):
    """Rain as it falls now; absent when the gauge says nothing."""

    rain_mmph: Annotated[MillimetresPerHour, Meta(description="intensity")] | None = field(
        name="precipitationRate", default=None
    )


class AirReadings(Readings, frozen=True, kw_only=True):
    """The state of the air; a field is absent when the pole has no sensor for it."""

    pressure_hpa: Annotated[Hectopascal, Meta(ge=300.0, le=1100.0, description="at the sensor")] | None = field(
        name="atmosphericPressure", default=None
    )
    temperature_c: Annotated[Celsius, Meta(ge=-60.0, le=70.0, description="in the shade")] | None = field(
        name="airTemperature", default=None
    )
    humidity_pct: Annotated[Percent, Meta(description="relative to water")] | None = field(
        name="relativeHumidity", default=None
    )


class VisibilityReadings(Readings, frozen=True, kw_only=True):
    """Meteorological optical range; absent when the sensor says nothing."""

    visibility_m: Annotated[Metres, Meta(ge=0.0, le=200_000.0, description="meteorological optical range")] | None = (
        field(name="visibility", default=None)
    )


WIND_SPEC = FunctionSpec(WIND, WindReadings, stale_after_s=10.0, talq=True)
RAIN_SPEC = FunctionSpec(RAIN, RainReadings, stale_after_s=120.0, talq=True)
AIR_SPEC = FunctionSpec(AIR, AirReadings, slow=3.0, stale_after_s=300.0, talq=True)
VISIBILITY_SPEC = FunctionSpec(VISIBILITY, VisibilityReadings, slow=3.0, stale_after_s=120.0)
SPEC = ServiceSpec((WIND_SPEC, RAIN_SPEC, AIR_SPEC, VISIBILITY_SPEC))


class WindStatistics:
    """Mean, gust and direction from samples of the wind vector, over the windows of WMO-No. 8."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float, float, float]] = deque()  # second, east, north, speed
        self._latest: deque[tuple[float, float]] = deque()  # second and speed of the last 3 s
        self._gusts: deque[tuple[float, float]] = deque()  # falling 3 s means: the first is the highest

    def add(self, at_s: float, east_mps: float, north_mps: float) -> None:
        """Take one sample of where the air moves to, at a monotonic second; samples come in order."""
        samples, latest, speed_mps = self._samples, self._latest, math.hypot(east_mps, north_mps)
        samples.append((at_s, east_mps, north_mps, speed_mps))
        while samples[0][0] <= at_s - MEAN_OVER_S:
            samples.popleft()
        latest.append((at_s, speed_mps))
        while latest[0][0] <= at_s - GUST_MEAN_S:
            latest.popleft()
        gust = math.fsum([speed for _, speed in latest]) / len(latest)
        while self._gusts and self._gusts[-1][1] <= gust:
            self._gusts.pop()
        self._gusts.append((at_s, gust))
        while self._gusts[0][0] <= at_s - GUST_OVER_S:
            self._gusts.popleft()

    def summary(self) -> tuple[float, float, float] | None:
        """Mean speed [m/s], gust [m/s] and direction of origin [deg], or None before the first sample."""
        if not self._samples:
            return None
        _, easts, norths, speeds = zip(*self._samples, strict=True)
        east, north, mean = (math.fsum(values) / len(values) for values in (easts, norths, speeds))
        return mean, max(self._gusts[0][1], mean), math.degrees(math.atan2(-east, -north)) % 360.0


class Weather(Service):
    """The service: the station's driver calls `sample_wind` about once a second and `observe` when the rest changes."""

    name = NAME

    def __init__(self, *, head_agl_m: float = 10.0) -> None:
        super().__init__(
            Function(WIND, WIND_SPEC, WindReadings(head_agl_m=head_agl_m)),
            Function(RAIN, RAIN_SPEC, RainReadings()),
            Function(AIR, AIR_SPEC, AirReadings()),
            Function(VISIBILITY, VISIBILITY_SPEC, VisibilityReadings()),
        )
        self._wind = WindStatistics()

    def sample_wind(self, east_mps: float, north_mps: float) -> None:
        """Take one sample of where the air moves to [m/s]."""
        now_s = self._measured_s[WIND] = asyncio.get_running_loop().time()
        self._wind.add(now_s, east_mps, north_mps)

    def observe(
        self,
        *,
        rain_mmph: float | None = None,
        visibility_m: float | None = None,
        pressure_hpa: float | None = None,
        temperature_c: float | None = None,
        humidity_pct: float | None = None,
    ) -> None:
        """Take the latest of the slow quantities; None says that there is no such reading."""
        self._take(RAIN, RainReadings(rain_mmph=rain_mmph))
        self._take(AIR, AirReadings(pressure_hpa=pressure_hpa, temperature_c=temperature_c, humidity_pct=humidity_pct))
        self._take(VISIBILITY, VisibilityReadings(visibility_m=visibility_m))

    def readings(self, function: str) -> Readings:
        """Mean, gust and direction of the last minutes, or the latest of the rest."""
        wind = self._wind.summary() if function == WIND else None
        if wind is None:
            return super().readings(function)
        mean, gust, from_deg = wind
        return msgspec.structs.replace(
            cast("WindReadings", super().readings(WIND)),
            wind_mean_mps=round(mean, 2),
            wind_gust_mps=round(gust, 2),
            wind_from_deg=round(from_deg, 1),
        )

    def quality(self, function: str) -> Quality:
        """Bad when the sensor failed, has not measured lately, or there is none."""
        said = self._now[function]
        nothing = function != WIND and all(getattr(said, name) is None for name in said.__struct_fields__)
        return Quality.BAD if nothing else super().quality(function)
