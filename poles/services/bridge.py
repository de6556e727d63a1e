"""The bridge that an accelerometer watches: impacts as TALQ 2.7.1's Accelerometer, and how it swings.

TALQ has single accelerations and impacts; for what traffic and wind do to a bridge there is a function of our own,
`VibrationSensor`: root mean square and peak of the vertical acceleration over a window, and the frequency that is
strongest in it. A bridge whose frequency falls has become softer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, cast

import msgspec
import numpy as np
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.services.limits import Limit
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import Gravities, Hertz

NAME = "bridge"
ACCELEROMETER, VIBRATION = "Accelerometer", "VibrationSensor"
IMPACT, SHAKEN, SOFTER = "bridge.impact", "bridge.shaken", "bridge.softer"
G_MPS2 = 9.80665
LEAST_SAMPLES = 16

Acceleration = Annotated[Gravities, Meta(ge=-200.0, le=200.0)]
Swing = Annotated[float, Meta(ge=0.0, le=2000.0, extra={"unit": "MetersPerSecondSquared"})]


class AccelerometerReadings(Readings, frozen=True, kw_only=True):
    """The strongest acceleration of the last window, gravity taken away; absent before the first window."""

    x_g: Annotated[Acceleration, Meta(description="along the bridge")] | None = field(
        name="accelerationX", default=None
    )
    y_g: Annotated[Acceleration, Meta(description="across it")] | None = field(name="accelerationY", default=None)
    z_g: Annotated[Acceleration, Meta(description="upward")] | None = field(name="accelerationZ", default=None)
    total_g: Annotated[Acceleration, Meta(description="its size")] | None = field(name="acceleration", default=None)
    impact: Annotated[bool, Meta(description="it was above the threshold in the last window")] = field(
        name="impactDetected", default=False
    )


class AccelerometerSettings(Settings, frozen=True, kw_only=True):
    """What counts as an impact."""

    impact_g: Annotated[Gravities, Meta(gt=0.0, le=200.0, description="acceleration of an impact")] = field(
        name="impactDetectedAccelerationThreshold", default=0.5
    )


class VibrationReadings(Readings, frozen=True, kw_only=True):
    """How the bridge swings vertically over one window; absent before the first, the frequency also at rest."""

    rms_mps2: Annotated[Swing, Meta(description="root mean square of the vertical acceleration")] | None = field(
        name="verticalAccelerationRms", default=None
    )
    peak_mps2: Annotated[Swing, Meta(description="greatest vertical acceleration")] | None = field(
        name="verticalAccelerationPeak", default=None
    )
    frequency_hz: Annotated[Hertz, Meta(description="strongest in the window")] | None = field(
        name="dominantFrequency", default=None
    )


class VibrationSettings(Settings, frozen=True, kw_only=True):
    """What the swinging is held against; 0.7 m/s2 is where people on it feel unsafe (EN 1990, A2.4.3.2)."""

    most_mps2: Annotated[Swing, Meta(description="peak above which the bridge is too lively")] = field(
        name="verticalAccelerationHighThreshold", default=0.7
    )
    least_hz: Annotated[Hertz, Meta(description="strongest frequency below which it has become softer")] | None = field(
        name="dominantFrequencyLowThreshold", default=None
    )
    rest_mps2: Annotated[Swing, Meta(description="root mean square below which it is at rest")] = field(
        name="restThreshold", default=0.005
    )


ACCELEROMETER_SPEC = FunctionSpec(
    ACCELEROMETER,
    AccelerometerReadings,
    stale_after_s=120.0,
    settings=AccelerometerSettings,
    alarms={
        IMPACT: AlarmSpec(
            Severity.WARNING,
            Words("something hit the bridge at {subject}: {total_g} g", "{subject} 处桥梁受到撞击：{total_g} g"),
            Words(
                "Look through the camera and stop the traffic if it is damaged.",
                "请查看摄像画面，如有损伤立即封闭交通。",
            ),
        ),
    },
    slow=3.0,
    talq=True,
)  # fmt: skip
VIBRATION_SPEC = FunctionSpec(
    VIBRATION,
    VibrationReadings,
    stale_after_s=120.0,
    settings=VibrationSettings,
    alarms={
        SHAKEN: AlarmSpec(
            Severity.WARNING,
            Words("the bridge at {subject} swings with {peak_mps2} m/s2", "{subject} 处桥梁振动达 {peak_mps2} m/s2"),
            Words("Thin the traffic on it and have it looked at.", "请限制桥上交通并安排检查。"),
        ),
        SOFTER: AlarmSpec(
            Severity.WARNING,
            Words(
                "the bridge at {subject} swings at {frequency_hz} Hz only",
                "{subject} 处桥梁主频降至 {frequency_hz} Hz",
            ),
            Words("Have its bearings and its structure inspected.", "请检查支座和结构。"),
        ),
    },
    slow=3.0,
)  # fmt: skip
SPEC = ServiceSpec((ACCELEROMETER_SPEC, VIBRATION_SPEC))


class Bridge(Service):
    """The service; the driver calls `observe` with each window of samples."""

    name = NAME

    def __init__(self) -> None:
        super().__init__(
            Function(ACCELEROMETER, ACCELEROMETER_SPEC, AccelerometerReadings()),
            Function(VIBRATION, VIBRATION_SPEC, VibrationReadings()),
        )
        self._shaken = Limit()
        self._softer = Limit(upper=False, release=0.02)

    def observe(self, samples_g: Sequence[tuple[float, float, float]], rate_hz: float) -> None:
        """Take a window of accelerations along, across and upward [g], sampled evenly; gravity is their mean.

        Windows of less than 16 samples say too little and are not taken.
        """
        if len(samples_g) < LEAST_SAMPLES:
            return
        window = np.asarray(samples_g, dtype=float)
        window -= window.mean(axis=0)
        strongest = window[int(np.argmax((window**2).sum(axis=1)))]
        x_g, y_g, z_g = (float(value) for value in strongest)
        self._take(ACCELEROMETER, AccelerometerReadings(x_g=x_g, y_g=y_g, z_g=z_g, total_g=math.hypot(x_g, y_g, z_g)))
        vertical = window[:, 2] * G_MPS2
        self._take(
            VIBRATION,
            VibrationReadings(
                rms_mps2=float(np.sqrt((vertical**2).mean())),
                peak_mps2=float(np.abs(vertical).max()),
                frequency_hz=strongest_hz(vertical, rate_hz),
            ),
        )

    def _settle(self, function: str) -> None:
        if function == ACCELEROMETER:
            hit = cast("AccelerometerReadings", self._now[ACCELEROMETER])
            impact_g = cast("AccelerometerSettings", self._settings[ACCELEROMETER]).impact_g
            impact = hit.total_g is not None and hit.total_g > impact_g
            self._now[ACCELEROMETER] = msgspec.structs.replace(hit, impact=impact)
            self._alarm(ACCELEROMETER, IMPACT, impact, total_g=_shown(hit.total_g))
            return
        now = cast("VibrationReadings", self._now[VIBRATION])
        settings = cast("VibrationSettings", self._settings[VIBRATION])
        if now.rms_mps2 is not None and now.rms_mps2 < settings.rest_mps2:
            now = self._now[VIBRATION] = msgspec.structs.replace(now, frequency_hz=None)
        shaken = self._shaken.judge(now.peak_mps2, settings.most_mps2)
        softer = self._softer.judge(now.frequency_hz, settings.least_hz)
        self._alarm(VIBRATION, SHAKEN, shaken, peak_mps2=_shown(now.peak_mps2))
        self._alarm(VIBRATION, SOFTER, softer, frequency_hz=_shown(now.frequency_hz))


def _shown(value: float | None) -> float | None:
    """A value as finely as people want to read it."""
    return None if value is None else round(value, 3)


def strongest_hz(samples: np.typing.NDArray[np.float64], rate_hz: float) -> float:
    """The frequency that is strongest in evenly sampled values, between the bins by a parabola through the peak.

    A Hann window keeps a strong frequency out of its neighbours' bins; the parabola is fitted to the logarithms.
    """
    size = len(samples)
    power = np.abs(np.fft.rfft(samples * np.hanning(size))) ** 2
    power[0] = 0.0  # the mean is no vibration
    peak = int(np.argmax(power))
    shift = 0.0
    if 1 < peak < len(power) - 1 and power[peak - 1] > 0.0 and power[peak + 1] > 0.0:
        below, at, above = np.log(power[peak - 1 : peak + 2])
        shift = float(0.5 * (below - above) / (below - 2.0 * at + above))
    return (peak + shift) * rate_hz / size
