"""The weather station: wind, rain, visibility, pressure and temperature at the pole's head.

In TALQ 2.7.1 these are WindSensorFunction (windSpeed, windGust [m/s], windDirection [deg]),
PrecipitationSensorFunction (precipitationRate [mm/h]) and AtmosphericSensorFunction (atmosphericPressure [hPa],
airTemperature [degC]); TALQ has no visibility.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from airspace.reasons import Reason, Refused
from poles.services.service import UNKNOWN_ACTION, ServiceSpec

NAME = "weather"

# WMO-No. 8: the mean wind for aviation is over 2 minutes, the gust is the highest 3 s mean of the last 10 minutes.
MEAN_OVER_S = 120.0
GUST_MEAN_S = 3.0
GUST_OVER_S = 600.0

WindMps = Annotated[float, Meta(ge=0.0, le=90.0)]


class WeatherReadings(msgspec.Struct, frozen=True, kw_only=True):
    """What the station measures; a field is None when the pole has no sensor for it.

    `wind_from_deg` is where the mean wind comes from, clockwise from true north; `head_agl_m` is the height of the
    anemometer above ground [m].
    """

    wind_mean_mps: WindMps | None = None
    wind_gust_mps: WindMps | None = None
    wind_from_deg: Annotated[float, Meta(ge=0.0, le=360.0)] | None = None
    rain_mmph: Annotated[float, Meta(ge=0.0, le=500.0)] | None = None
    visibility_m: Annotated[float, Meta(ge=0.0, le=200_000.0)] | None = None
    pressure_hpa: Annotated[float, Meta(ge=300.0, le=1100.0)] | None = None
    temperature_c: Annotated[float, Meta(ge=-60.0, le=70.0)] | None = None
    head_agl_m: Annotated[float, Meta(ge=0.0, le=200.0)] = 10.0


SPEC = ServiceSpec(WeatherReadings)


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


class Weather:
    """The service: the station's driver calls `sample_wind` about once a second and `observe` when the rest changes."""

    name = NAME

    def __init__(self, *, head_agl_m: float = 10.0) -> None:
        self.on_change: Callable[[], None] = _nobody_listens
        self._wind = WindStatistics()
        self._rest = WeatherReadings(head_agl_m=head_agl_m)

    def sample_wind(self, east_mps: float, north_mps: float) -> None:
        """Take one sample of where the air moves to [m/s]."""
        self._wind.add(asyncio.get_running_loop().time(), east_mps, north_mps)

    def observe(
        self,
        *,
        rain_mmph: float | None = None,
        visibility_m: float | None = None,
        pressure_hpa: float | None = None,
        temperature_c: float | None = None,
    ) -> None:
        """Take the latest of the slow quantities; None says that there is no such reading."""
        self._rest = msgspec.structs.replace(
            self._rest,
            rain_mmph=rain_mmph,
            visibility_m=visibility_m,
            pressure_hpa=pressure_hpa,
            temperature_c=temperature_c,
        )

    def readings(self) -> WeatherReadings:
        """Mean, gust and direction of the last minutes, and the latest of the rest."""
        wind = self._wind.summary()
        if wind is None:
            return self._rest
        mean, gust, from_deg = wind
        return msgspec.structs.replace(
            self._rest,
            wind_mean_mps=round(mean, 2),
            wind_gust_mps=round(gust, 2),
            wind_from_deg=round(from_deg, 1),
        )

    def report_every_s(self, usual_s: float) -> float:
        """As often as is usual on the pole."""
        return usual_s

    def begin(self, action: str, parameters: msgspec.Struct) -> Awaitable[None] | None:
        """A weather station does nothing but measure. Raises Refused."""
        raise Refused([Reason(UNKNOWN_ACTION, "", {"service": NAME, "action": action, "actions": "-"})])


def _nobody_listens() -> None:
    """The listener of a service that no agent drives."""
