"""From power-on to ready to arm: what the estimator and the receiver have reached by when.

Seconds since boot as observed on the real autopilot: satellite fix 10, estimator origin and home 20, armable without
a position 23.5, position in use 41.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot

INITIALISED_S = 2.3
ALIGNED_S = 5.8
FIX_S = 10.0
HOME_S = 20.0
PREARM_S = 23.0  # seen within half a second, at the next look
POSITION_S = 41.0
POSITION_LOST_S = 8.0

TEXTS: tuple[tuple[float, str], ...] = (
    (1.5, "Barometer 1 calibration complete"),
    (2.3, "ArduPilot Ready"),
    (2.3, "AHRS: DCM active"),
    (4.3, "EKF3 IMU0 initialised"),
    (4.3, "AHRS: EKF3 active"),
    (5.8, "EKF3 IMU0 tilt alignment complete"),
    (5.8, "EKF3 IMU0 MAG0 initial yaw alignment complete"),
    (9.8, "GPS 1: detected u-blox"),
    (19.8, "EKF3 IMU0 origin set"),
    (41.0, "EKF3 IMU0 is using GPS"),
)

# EKF_STATUS_REPORT.flags as observed: before a position, flying on satellites, satellites lost
EKF_STARTING, EKF_ALIGNED, EKF_POSITION, EKF_LOST = 0x400, 0xA7, 0x33F, 0x25

# SYS_STATUS bits as observed before the checks were passed: a fence that is not enabled is there and well
PREARM, GEOFENCE = mavlink.MAV_SYS_STATUS_PREARM_CHECK, mavlink.MAV_SYS_STATUS_GEOFENCE
GPS = mavlink.MAV_SYS_STATUS_SENSOR_GPS
PRESENT = 1399979055 | PREARM
ENABLED = 1398930479 | PREARM
HEALTH = 1467087919 & ~PREARM


class Readiness:
    """How far the boot has come at `t_s` seconds after power-on; `warm` skips it all."""

    def __init__(self, warm: bool) -> None:
        self._ahead_s = POSITION_S + 1.0 if warm else 0.0
        self._told = len(TEXTS) if warm else 0
        self._lost_since_s: float | None = None
        self.t_s = self._ahead_s

    def step(self, t_s: float, fix_type: int) -> list[str]:
        """Move on to a time; the status texts that are due."""
        self.t_s = t_s + self._ahead_s
        if fix_type >= 3:
            self._lost_since_s = None
        elif self._lost_since_s is None and self.t_s > FIX_S:
            self._lost_since_s = self.t_s
        due = []
        while self._told < len(TEXTS) and TEXTS[self._told][0] <= self.t_s:
            due.append(TEXTS[self._told][1])
            self._told += 1
        return due

    @property
    def initialised(self) -> bool:
        """Whether the autopilot answers to arming at all."""
        return self.t_s >= INITIALISED_S

    @property
    def fixed(self) -> bool:
        """Whether the receiver may have a fix yet."""
        return self.t_s >= FIX_S

    @property
    def home_known(self) -> bool:
        """Whether the estimator has an origin."""
        return self.t_s >= HOME_S

    @property
    def position_lost(self) -> bool:
        """Whether satellites have been missing for so long that the position is no longer trusted."""
        return self._lost_since_s is not None and self.t_s - self._lost_since_s >= POSITION_LOST_S

    @property
    def position_ok(self) -> bool:
        """Whether the estimator navigates by satellites."""
        return self.t_s >= POSITION_S and self._lost_since_s is None

    @property
    def navigable(self) -> bool:
        """Whether the position may still be flown by: also in the first seconds without satellites."""
        return self.t_s >= POSITION_S and not self.position_lost

    @property
    def ekf_flags(self) -> int:
        """EKF_STATUS_REPORT.flags."""
        if self.t_s < ALIGNED_S:
            return EKF_STARTING
        if self.t_s < POSITION_S:
            return EKF_ALIGNED
        return EKF_POSITION if self._lost_since_s is None else EKF_LOST


def sensor_health(autopilot: Autopilot) -> tuple[int, int, int]:
    """SYS_STATUS present, enabled and health bits; PREARM follows the present mode, GEOFENCE whether it is broken."""
    present, enabled, health = PRESENT, ENABLED, HEALTH
    if autopilot.fencing.enabled:
        enabled |= GEOFENCE
        if autopilot.lists.fence.breached:
            health &= ~GEOFENCE
    if autopilot.armed or autopilot.prearm.passed:
        health |= PREARM
    if autopilot.receiver.fix_type < 3:
        health &= ~GPS
    return present, enabled, health
