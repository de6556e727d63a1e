"""OFFBOARD: setpoints that a companion computer streams, obeyed while they keep coming (COM_OF_LOSS_T).

SET_POSITION_TARGET_LOCAL_NED in MAV_FRAME_LOCAL_NED and MAV_FRAME_BODY_NED (velocities), and _GLOBAL_INT in the
absolute and relative global frames. Acceleration and attitude setpoints count as signs of life, but nothing flies them.
"""

from __future__ import annotations

import math
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.guides import GoTo, TakeOff, Velocity
from sim.drone.trajectory import Point
from sim.px4.commander import Commander
from sim.px4.failsafe import Px4Failsafe
from sim.px4.modes import Px4Mode

IGNORE_POSITION, IGNORE_VELOCITY, IGNORE_YAW = 0b111, 0b111000, 0b10000000000
HIGHEST_M = 20000.0
LEAVES_GROUND_M = 0.3  # a place that much above the ground is a wish to take off
ABSOLUTE = frozenset({mavlink.MAV_FRAME_GLOBAL, mavlink.MAV_FRAME_GLOBAL_INT})
RELATIVE = frozenset({mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT, mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT_INT})
SETPOINTS = frozenset({
    "SET_POSITION_TARGET_LOCAL_NED", "SET_POSITION_TARGET_GLOBAL_INT", "SET_ATTITUDE_TARGET",
})  # fmt: skip


class OffboardService:
    """Keeps the last setpoint and, in OFFBOARD, flies to it; nothing is acknowledged."""

    def __init__(self, autopilot: Autopilot, commander: Commander) -> None:
        self._autopilot = autopilot
        self._commander = commander

    def handle(self, message: Any) -> bool:
        """Deal with one message if it is a setpoint."""
        kind = message.get_type()
        if kind not in SETPOINTS:
            return False
        autopilot, failsafe = self._autopilot, self._autopilot.failsafe
        if kind == "SET_ATTITUDE_TARGET":
            self._alive(failsafe)
            return True
        if kind == "SET_POSITION_TARGET_LOCAL_NED" and message.coordinate_frame not in (
            mavlink.MAV_FRAME_LOCAL_NED,
            mavlink.MAV_FRAME_BODY_NED,
        ):
            text = f"SET_POSITION_TARGET_LOCAL_NED coordinate frame {message.coordinate_frame} unsupported"
            self._commander.say(mavlink.MAV_SEVERITY_CRITICAL, text)
            return True
        self._alive(failsafe)
        if self._commander.mode is not Px4Mode.OFFBOARD or not autopilot.armed:
            return True
        mask = message.type_mask
        if not mask & IGNORE_YAW and math.isfinite(message.yaw):
            autopilot.yaw_fixed_deg = math.degrees(message.yaw) % 360.0
        body = message.coordinate_frame == mavlink.MAV_FRAME_BODY_NED
        if mask & IGNORE_POSITION == 0 and not body:
            place = self._place(message, kind)
            if place is not None:
                self._fly_to(place)
        elif mask & IGNORE_VELOCITY == 0 and all(math.isfinite(v) for v in (message.vx, message.vy, message.vz)):
            self._fly_at(message.vx, message.vy, -message.vz, body=body)
        return True

    def _alive(self, failsafe: object) -> None:
        if isinstance(failsafe, Px4Failsafe):
            failsafe.offboard_at_s = self._autopilot.now_s

    def _place(self, message: Any, kind: str) -> Point | None:
        autopilot = self._autopilot
        if kind == "SET_POSITION_TARGET_LOCAL_NED":
            if not all(abs(v) < HIGHEST_M for v in (message.x, message.y, message.z)):
                return None
            e, n, u = autopilot.origin
            return e + message.y, n + message.x, u - message.z
        frame = message.coordinate_frame
        on_earth = abs(message.lat_int) <= 900000000 and abs(message.lon_int) <= 1800000000
        if frame not in ABSOLUTE | RELATIVE or not on_earth or not abs(message.alt) < HIGHEST_M:
            return None
        e, n = autopilot.local(message.lat_int / 1e7, message.lon_int / 1e7)
        return e, n, autopilot.up_m(0 if frame in ABSOLUTE else 3, message.alt)

    def _fly_to(self, place: Point) -> None:
        autopilot = self._autopilot
        if autopilot.flying:
            guide = autopilot.guide
            if not (isinstance(guide, GoTo) and guide.point == place):
                autopilot.guide = GoTo(place, autopilot.limits())
        elif place[2] > autopilot.body.u + LEAVES_GROUND_M and not isinstance(autopilot.guide, TakeOff):
            autopilot.take_off(place[2])

    def _fly_at(self, vn: float, ve: float, vu: float, *, body: bool) -> None:
        autopilot, limits = self._autopilot, self._autopilot.limits()
        if not autopilot.flying:
            return
        if body:
            heading = math.radians(autopilot.body.heading_deg)
            ve, vn = ve * math.cos(heading) + vn * math.sin(heading), vn * math.cos(heading) - ve * math.sin(heading)
        size = math.hypot(ve, vn)
        if size > limits.speed_mps:
            ve, vn = ve * limits.speed_mps / size, vn * limits.speed_mps / size
        vu = min(max(vu, -limits.down_mps), limits.up_mps)
        autopilot.guide = Velocity(ve, vn, vu, limits, math.inf)  # the failsafe watches over its age
