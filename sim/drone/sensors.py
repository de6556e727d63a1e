"""What the raw sensors would read: inertial units, magnetometers, barometers. Coarse, for displays and recorders."""

from __future__ import annotations

import math
from collections.abc import Callable

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.airframe import GRAVITY_MPS2
from sim.drone.autopilot import Autopilot
from sim.drone.framing import Form, Packed, form
from sim.drone.instant import Instant

LEVEL_MGAUSS, DOWN_MGAUSS = 330.0, 420  # the earth's field in Henan
TEMPERATURE_CDEG = 3500

RAW_IMU = form(mavlink.MAVLINK_MSG_ID_RAW_IMU)
SCALED_IMU2, SCALED_IMU3 = form(mavlink.MAVLINK_MSG_ID_SCALED_IMU2), form(mavlink.MAVLINK_MSG_ID_SCALED_IMU3)
PRESSURE = form(mavlink.MAVLINK_MSG_ID_SCALED_PRESSURE)
PRESSURE2 = form(mavlink.MAVLINK_MSG_ID_SCALED_PRESSURE2)


class Sensors:
    """Builds RAW_IMU, SCALED_IMU2 and 3, SCALED_PRESSURE and 2."""

    def __init__(self, autopilot: Autopilot, instant: Instant) -> None:
        self._autopilot = autopilot
        self._instant = instant
        self._of_s = -1.0
        self._readings: tuple[int, ...] = ()

    def builders(self) -> dict[int, Callable[[], Packed]]:
        """One builder for each message type."""
        return {
            RAW_IMU.id: self.raw_imu,
            SCALED_IMU2.id: lambda: self.scaled_imu(SCALED_IMU2),
            SCALED_IMU3.id: lambda: self.scaled_imu(SCALED_IMU3),
            PRESSURE.id: lambda: self.pressure(PRESSURE),
            PRESSURE2.id: lambda: self.pressure(PRESSURE2),
        }

    def _felt(self) -> tuple[int, ...]:
        """Specific force [mG], turn rates [mrad/s] and the earth's field [mgauss], each forward, right and down."""
        at = self._instant.now()
        if self._of_s != at.at_s:  # three units feel the same
            self._of_s = at.at_s
            forward, right, down = at.felt_mps2
            yaw = math.radians(self._autopilot.body.heading_deg)
            self._readings = (
                round(forward / GRAVITY_MPS2 * 1000.0), round(right / GRAVITY_MPS2 * 1000.0),
                round(down / GRAVITY_MPS2 * 1000.0),
                round(at.roll_rate * 1000.0), round(at.pitch_rate * 1000.0), round(at.yaw_rate * 1000.0),
                round(LEVEL_MGAUSS * math.cos(yaw)), round(-LEVEL_MGAUSS * math.sin(yaw)), DOWN_MGAUSS,
            )  # fmt: skip
        return self._readings

    def raw_imu(self) -> Packed:
        """RAW_IMU."""
        return RAW_IMU, RAW_IMU.payload(self._instant.now().boot_us, *self._felt(), 0, TEMPERATURE_CDEG)

    def scaled_imu(self, kind: Form) -> Packed:
        """SCALED_IMU2 or SCALED_IMU3."""
        return kind, kind.payload(self._instant.now().boot_ms, *self._felt(), TEMPERATURE_CDEG)

    def pressure(self, kind: Form) -> Packed:
        """SCALED_PRESSURE or SCALED_PRESSURE2 [hPa], by the standard atmosphere."""
        at = self._instant.now()
        hectopascals = 1013.25 * max(1.0 - 2.25577e-5 * at.amsl_m, 0.0) ** 5.25588
        return kind, kind.payload(at.boot_ms, hectopascals, 0.0, TEMPERATURE_CDEG, 0)
