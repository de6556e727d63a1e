"""What several messages of one instant share: time stamps, attitude, and the place that the drone believes it is at."""

from __future__ import annotations

import math

from sim.drone.autopilot import Autopilot


class Instant:
    """The numbers of one instant, computed when the first message asks and kept until time moves on.

    Angles are in radians, yaw from -pi to pi; heights in metres: `amsl_m` above the sea, `up_m` in the body's frame;
    `at_s` is the instant since boot, `felt_mps2` is the specific force forward, right and down.
    """

    __slots__ = (
        "_autopilot",
        "amsl_m",
        "at_s",
        "boot_ms",
        "boot_us",
        "east_m",
        "felt_mps2",
        "lat_e7",
        "lon_e7",
        "north_m",
        "pitch",
        "pitch_rate",
        "roll",
        "roll_rate",
        "up_m",
        "yaw",
        "yaw_rate",
    )

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot
        self.at_s = -1.0
        self.boot_ms = self.boot_us = self.lat_e7 = self.lon_e7 = 0
        self.roll = self.pitch = self.yaw = self.roll_rate = self.pitch_rate = self.yaw_rate = 0.0
        self.east_m = self.north_m = self.up_m = self.amsl_m = 0.0
        self.felt_mps2 = (0.0, 0.0, 0.0)

    def now(self) -> Instant:
        """The same object, brought up to the autopilot's time."""
        autopilot = self._autopilot
        now_s = autopilot.now_s
        if self.at_s == now_s:
            return self
        self.at_s = now_s
        self.boot_us = round(now_s * 1e6)
        self.boot_ms = round(now_s * 1000.0)
        body = autopilot.body
        self.roll, self.pitch = body.tilt_rad()
        self.yaw = math.radians((body.heading_deg + 180.0) % 360.0 - 180.0)
        axes = body.axes()
        self.roll_rate, self.pitch_rate, self.yaw_rate = body.rates_radps(axes)
        self.felt_mps2 = body.felt_mps2(axes)
        self.east_m, self.north_m, self.up_m = autopilot.believed()
        at = autopilot.frame.latlon(self.east_m, self.north_m)
        self.lat_e7, self.lon_e7 = round(at.lat_deg * 1e7), round(at.lon_deg * 1e7)
        self.amsl_m = self.up_m + autopilot.datum_amsl_m
        return self


def centi(value: float) -> int:
    """Hundredths in 16 bits, held at the ends of their range."""
    hundredths = round(value * 100.0)
    return -32768 if hundredths < -32768 else min(hundredths, 32767)
