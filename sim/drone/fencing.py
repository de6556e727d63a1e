"""Whether the fence of one vehicle is watched, and how far outside it a place is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.fence import ALL_KINDS, CIRCLE, POLYGON, breach_names
from sim.drone.trajectory import Point

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot

WHEN_ARMED = 3  # FENCE_AUTOENABLE


class Fencing:
    """The vehicle's fence as its parameters have it; DO_FENCE_ENABLE's `switch` goes before FENCE_ENABLE."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot
        self.switched: bool | None = None  # DO_FENCE_ENABLE, until the parameter changes

    @property
    def enabled(self) -> bool:
        """Whether the fence is watched."""
        return bool(self._autopilot.parameters["FENCE_ENABLE"]) if self.switched is None else self.switched

    @property
    def kinds(self) -> int:
        """The kinds of fence that are set up: FENCE_TYPE without polygons when none was uploaded."""
        set_up = ALL_KINDS if self._autopilot.lists.fence.areas else ALL_KINDS & ~POLYGON
        return int(self._autopilot.parameters["FENCE_TYPE"]) & set_up

    def switch(self, on: bool) -> None:
        """DO_FENCE_ENABLE, until FENCE_ENABLE changes."""
        self.switched = on
        self._autopilot.lists.fence.mitigation = 1 if on else 0

    def armed(self) -> None:
        """Switch it on when the parameters want that at arming."""
        if self._autopilot.parameters["FENCE_AUTOENABLE"] == WHEN_ARMED and self.kinds and not self.enabled:
            self.switch(True)
            self._autopilot.say(mavlink.MAV_SEVERITY_NOTICE, f"{breach_names(self.kinds)} auto-enabled")

    def disarmed(self) -> None:
        """Take back what arming did."""
        if self._autopilot.parameters["FENCE_AUTOENABLE"] == WHEN_ARMED:
            self.switched = None

    def excess(self, place: Point | None = None) -> tuple[int, float]:
        """What kinds of fence a place (the drone's own when None) breaks and how far outside [m] it is."""
        autopilot = self._autopilot
        e, n, u = place or autopilot.believed()
        at = autopilot.frame.latlon(e, n)
        home = autopilot.home or autopilot.origin
        p = autopilot.parameters
        return autopilot.lists.fence.excess(
            int(p["FENCE_TYPE"]),
            at.lat_deg,
            at.lon_deg,
            u - home[2],
            math.hypot(e - home[0], n - home[1]),
            p["FENCE_ALT_MAX"],
            p["FENCE_ALT_MIN"],
            p["FENCE_RADIUS"],
        )

    def beyond_m(self, place: Point) -> float:
        """How far [m] a place is outside the fence's sides; negative inside."""
        autopilot = self._autopilot
        e, n, _ = place
        home = autopilot.home or autopilot.origin
        kinds = int(autopilot.parameters["FENCE_TYPE"])
        radius_m = autopilot.parameters["FENCE_RADIUS"]
        beyond_m = math.hypot(e - home[0], n - home[1]) - radius_m if kinds & CIRCLE else -math.inf
        if kinds & POLYGON:
            at = autopilot.frame.latlon(e, n)
            beyond_m = max(beyond_m, autopilot.lists.fence.outside_m(at.lat_deg, at.lon_deg))
        return beyond_m
