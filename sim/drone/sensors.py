"""What the raw sensors would read: inertial units, magnetometers, barometers. Coarse, for displays and recorders."""

from __future__ import annotations

import math
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.airframe import GRAVITY_MPS2
from sim.drone.autopilot import Autopilot

LEVEL_MGAUSS, DOWN_MGAUSS = 330.0, 420  # the earth's field in Henan
TEMPERATURE_CDEG = 3500


class Sensors:
    """Builds RAW_IMU, SCALED_IMU2 and 3, SCALED_PRESSURE and 2."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot

    def _felt(self) -> tuple[int, int, int, int]:
        """Specific force forward, right and down [mG], all along the rotors' axis, and the turn rate [mrad/s]."""
        body = self._autopilot.body
        lift = GRAVITY_MPS2 if body.on_ground else math.hypot(body.ae, body.an, GRAVITY_MPS2 + body.au)
        return 0, 0, -round(lift / GRAVITY_MPS2 * 1000.0), round(math.radians(body.turn_degps) * 1000.0)

    def _field(self) -> tuple[int, int, int]:
        """The earth's field [mgauss] forward, right and down."""
        heading = math.radians(self._autopilot.body.heading_deg)
        return round(LEVEL_MGAUSS * math.cos(heading)), round(-LEVEL_MGAUSS * math.sin(heading)), DOWN_MGAUSS

    def raw_imu(self) -> Any:
        """RAW_IMU."""
        x, y, z, turn = self._felt()
        boot_us = round(self._autopilot.now_s * 1e6)
        return mavlink.MAVLink_raw_imu_message(boot_us, x, y, z, 0, 0, turn, *self._field(), 0, TEMPERATURE_CDEG)

    def scaled_imu(self, message: Any) -> Any:
        """SCALED_IMU2 or SCALED_IMU3, whose constructor is given."""
        x, y, z, turn = self._felt()
        boot_ms = round(self._autopilot.now_s * 1000.0)
        return message(boot_ms, x, y, z, 0, 0, turn, *self._field(), TEMPERATURE_CDEG)

    def pressure(self, message: Any) -> Any:
        """SCALED_PRESSURE or SCALED_PRESSURE2, whose constructor is given [hPa], by the standard atmosphere."""
        amsl_m = self._autopilot.believed()[2] + self._autopilot.ground_amsl_m
        hectopascals = 1013.25 * max(1.0 - 2.25577e-5 * amsl_m, 0.0) ** 5.25588
        return message(round(self._autopilot.now_s * 1000.0), hectopascals, 0.0, TEMPERATURE_CDEG, 0)
