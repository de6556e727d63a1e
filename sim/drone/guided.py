"""GUIDED by SET_POSITION_TARGET: a place, or a velocity that must be repeated within GUID_TIMEOUT."""

from __future__ import annotations

import math
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.guides import GoTo, Velocity
from sim.drone.items import StoredItem
from sim.drone.modes import Mode

HIGHEST_M = 83000.0
IGNORE_POSITION, IGNORE_VELOCITY = 0b111, 0b111000
IGNORE_YAW = 0b10000000000
RELATIVE = frozenset({3, 6})
ABSOLUTE = frozenset({0, 5})


class GuidedService:
    """Obeys SET_POSITION_TARGET_GLOBAL_INT and _LOCAL_NED while in GUIDED flight; there is no acknowledgement."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot

    def handle(self, message: Any) -> bool:
        """Deal with one message if it is a target."""
        kind = message.get_type()
        if kind not in ("SET_POSITION_TARGET_GLOBAL_INT", "SET_POSITION_TARGET_LOCAL_NED"):
            return False
        autopilot = self._autopilot
        if autopilot.mode is not Mode.GUIDED or not autopilot.flying:
            return True
        values = (message.vx, message.vy, message.vz, message.yaw)
        if not all(math.isfinite(v) for v in values):
            return True
        mask = message.type_mask
        if not mask & IGNORE_YAW:
            autopilot.yaw_fixed_deg = math.degrees(message.yaw) % 360.0
        if mask & IGNORE_POSITION == 0:
            self._fly_to(message, kind)
        elif mask & IGNORE_VELOCITY == 0:
            self._fly_at(message)
        return True

    def fly_to_item(self, item: StoredItem) -> bool:
        """Fly to a waypoint that was sent as a MISSION_ITEM with `current` 2; False when that cannot be done now."""
        autopilot = self._autopilot
        if autopilot.mode is not Mode.GUIDED or item.command != mavlink.MAV_CMD_NAV_WAYPOINT:
            return False
        place = (*autopilot.local(item.x / 1e7, item.y / 1e7), autopilot.up_m(item.frame, item.z))
        if not autopilot.flying or (autopilot.fencing.enabled and autopilot.fencing.excess(place)[0]):
            return False
        autopilot.guide = GoTo(place, autopilot.limits())
        return True

    def _fly_to(self, message: Any, kind: str) -> None:
        autopilot = self._autopilot
        if kind == "SET_POSITION_TARGET_LOCAL_NED":
            if message.coordinate_frame != mavlink.MAV_FRAME_LOCAL_NED:
                return
            if not all(abs(v) < HIGHEST_M for v in (message.x, message.y, message.z)):
                return
            e, n, u = autopilot.origin
            place = (e + message.y, n + message.x, u - message.z)
        else:
            frame = message.coordinate_frame
            if frame not in RELATIVE and frame not in ABSOLUTE:
                return
            if (
                abs(message.lat_int) > 900000000
                or abs(message.lon_int) > 1800000000
                or not abs(message.alt) < HIGHEST_M
            ):
                return
            e, n = autopilot.local(message.lat_int / 1e7, message.lon_int / 1e7)
            place = (e, n, autopilot.up_m(frame, message.alt))
        if autopilot.fencing.enabled and autopilot.fencing.excess(place)[0]:
            return
        autopilot.guide = GoTo(place, autopilot.limits())

    def _fly_at(self, message: Any) -> None:
        autopilot, limits = self._autopilot, self._autopilot.limits()
        vn, ve, vu = message.vx, message.vy, -message.vz
        if message.coordinate_frame in (mavlink.MAV_FRAME_BODY_NED, mavlink.MAV_FRAME_BODY_OFFSET_NED):
            heading = math.radians(autopilot.body.heading_deg)
            ve, vn = ve * math.cos(heading) + vn * math.sin(heading), vn * math.cos(heading) - ve * math.sin(heading)
        speed = math.hypot(ve, vn)
        if speed > limits.speed_mps:
            ve, vn = ve * limits.speed_mps / speed, vn * limits.speed_mps / speed
        vu = min(max(vu, -limits.down_mps), limits.up_mps)
        autopilot.guide = Velocity(ve, vn, vu, limits, autopilot.parameters["GUID_TIMEOUT"])
