"""The camera: unlike the bare autopilot in its simulator, this drone carries one and reports CAMERA_FEEDBACK.

It takes a picture for each DO_DIGICAM_CONTROL (param5 1) and IMAGE_START_CAPTURE, at an interval, and for every so
many metres flown after DO_SET_CAM_TRIGG_DIST.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot
    from sim.drone.items import StoredItem

# what else a mission may ask for: it is kept and passed over, for nothing hangs on the servos and there is no gimbal
KNOWN = frozenset(
    {181, 182, 183, 184, 189, 202, 205, 208, 211, 216, 218, 222, 223, 531, 532, 534, 600, 1000, 2500, 2501}
)


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture: when [s since boot], which, where [m east, north, up] and how the drone was turned [deg]."""

    at_s: float
    number: int
    place: tuple[float, float, float]
    roll_deg: float
    pitch_deg: float
    yaw_deg: float


class Camera:
    """Takes pictures as the mission and commands ask; `photos` wait to be reported."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot
        self.photos: deque[Photo] = deque(maxlen=100)
        self.taken = 0
        self.spacing_m = 0.0
        self._last: tuple[float, float] | None = None
        self._interval_s = 0.0
        self._left = 0
        self._next_s = 0.0

    def do(self, item: StoredItem) -> bool:
        """Carry out a camera item; False for a command that is not about cameras or mounts."""
        match item.command:
            case mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST:
                self.every_m(item.param1, at_once=item.param3 == 1)
            case mavlink.MAV_CMD_DO_DIGICAM_CONTROL:
                # MAVLink's param5 "shoot command" travels in x as a plain number of a command, scaled in an item
                if item.x:
                    self.shoot()
            case mavlink.MAV_CMD_IMAGE_START_CAPTURE:
                self.start(item.param2, int(item.param3))
            case mavlink.MAV_CMD_IMAGE_STOP_CAPTURE:
                self.stop()
            case other:
                return other in KNOWN
        return True

    def every_m(self, spacing_m: float, *, at_once: bool) -> None:
        """Take a picture each time so many metres [m] were flown; 0 ends that."""
        self.spacing_m = max(spacing_m, 0.0)
        e, n, _ = self._autopilot.believed()
        self._last = (e, n)
        if at_once and spacing_m > 0.0:
            self.shoot()

    def start(self, interval_s: float, count: int) -> None:
        """Take `count` pictures (0: until stopped) at an interval [s]; the first now."""
        if count == 1:
            self.shoot()
            return
        self._interval_s = max(interval_s, 0.1)
        self._left = count or -1
        self._next_s = self._autopilot.now_s

    def stop(self) -> None:
        """Take no more pictures at an interval."""
        self._left = 0

    def shoot(self) -> None:
        """Take one picture now."""
        autopilot = self._autopilot
        roll, pitch = autopilot.body.tilt_rad()
        self.taken += 1
        self.photos.append(
            Photo(
                autopilot.now_s,
                self.taken,
                autopilot.believed(),
                math.degrees(roll),
                math.degrees(pitch),
                autopilot.body.heading_deg,
            )
        )

    def step(self) -> None:
        """Take what pictures are due."""
        autopilot = self._autopilot
        if self._left and autopilot.now_s >= self._next_s:
            self._next_s += self._interval_s
            self._left -= 1
            self.shoot()
        if self.spacing_m > 0.0 and autopilot.flying and self._last is not None:
            e, n, _ = autopilot.believed()
            if math.hypot(e - self._last[0], n - self._last[1]) >= self.spacing_m:
                self._last = (e, n)
                self.shoot()
