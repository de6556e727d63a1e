"""Flight modes of ArduCopter by number, and what entering each of them takes.

The pilot's sticks of the simulated drone are centred in flight, so every mode that a pilot would steer holds its place.
"""

from __future__ import annotations

import math
from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING

from sim.drone.guides import AlongTrack, Circle, Descent, GoTo, Guide, Stay, Velocity, stopping_point
from sim.drone.trajectory import Point, StraightLeg

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot
    from sim.drone.dynamics import Body, Reference


BRAKE_MPS2 = 7.5  # BRAKE_MODE_DECEL_RATE
BRAKE_SHARE = 0.8  # of what the largest lean gives, so that the body can follow


class Mode(IntEnum):
    """`custom_mode` of the heartbeat."""

    STABILIZE = 0
    ACRO = 1
    ALT_HOLD = 2
    AUTO = 3
    GUIDED = 4
    LOITER = 5
    RTL = 6
    CIRCLE = 7
    LAND = 9
    DRIFT = 11
    SPORT = 13
    POSHOLD = 16
    BRAKE = 17
    GUIDED_NOGPS = 20
    SMART_RTL = 21

    @property
    def title(self) -> str:
        """What status texts call it."""
        return "SMARTRTL" if self is Mode.SMART_RTL else self.name


CENTRE_HERE = 4  # CIRCLE_OPTIONS bit

# Modes in which the stick is the throttle, modes that may be armed in, and modes that need a position.
MANUAL_THROTTLE = frozenset({Mode.STABILIZE, Mode.ACRO})
ARMABLE = frozenset({Mode.STABILIZE, Mode.ACRO, Mode.ALT_HOLD, Mode.GUIDED, Mode.LOITER, Mode.DRIFT, Mode.SPORT,
                     Mode.POSHOLD, Mode.GUIDED_NOGPS})  # fmt: skip
NEED_POSITION = frozenset({Mode.AUTO, Mode.GUIDED, Mode.LOITER, Mode.RTL, Mode.CIRCLE, Mode.DRIFT, Mode.POSHOLD,
                           Mode.BRAKE, Mode.SMART_RTL})  # fmt: skip
# Modes that the heartbeat flags as guided (MAV_MODE_FLAG_GUIDED_ENABLED); a drone on its way down keeps the flag.
GUIDED_FLAG = frozenset({Mode.AUTO, Mode.GUIDED, Mode.LAND, Mode.RTL, Mode.LOITER, Mode.CIRCLE, Mode.POSHOLD,
                         Mode.BRAKE, Mode.SMART_RTL, Mode.GUIDED_NOGPS})  # fmt: skip


def boot_mode(number: float) -> Mode:
    """The mode of INITIAL_MODE, STABILIZE when that is none."""
    return Mode(int(number)) if int(number) in Mode._value2member_map_ else Mode.STABILIZE


class Return:
    """Return to launch: climb, fly to the nearest of home and the rally points, wait, go down.

    RTL_ALT is the least height of the way back, RTL_CONE_SLOPE lowers it close to the target, RTL_LOIT_TIME is the
    wait, RTL_ALT_FINAL above zero ends the flight hovering there.
    """

    def __init__(self, autopilot: Autopilot, target: Point) -> None:
        self.done = False
        self._autopilot = autopilot
        self._target = target
        body = autopilot.body
        here = stopping_point(body, autopilot.limits())
        parameter = autopilot.parameters
        home_u = autopilot.home_up_m
        least = max(parameter["RTL_ALT"] / 100.0, 2.0) + home_u
        climb = parameter["RTL_CLIMB_MIN"] / 100.0
        distance = ((target[0] - here[0]) ** 2 + (target[1] - here[1]) ** 2) ** 0.5
        height = max(least, target[2], body.u + climb)
        slope = parameter["RTL_CONE_SLOPE"]
        if slope > 0.0:
            height = max(body.u + climb, target[2], min(height, max(distance * slope, 2.0 + home_u)))
        self.height_m = height
        self._stage = "climb"
        self._guide: Guide = GoTo((here[0], here[1], height), autopilot.limits())
        self._wait_s = parameter["RTL_LOIT_TIME"] / 1000.0

    @property
    def landing(self) -> bool:
        """Whether it is on its way down."""
        return self._stage == "land"

    def step(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by `dt` seconds."""
        self._guide.step(ref, body, dt)
        if not self._guide.done:
            return
        autopilot = self._autopilot
        if self._stage == "climb":
            self._stage = "fly"
            speed = autopilot.parameters["RTL_SPEED"] / 100.0
            limits = autopilot.limits(speed) if speed > 0.0 else autopilot.limits()
            end = (self._target[0], self._target[1], self.height_m)
            self._guide = AlongTrack(StraightLeg((ref.pe, ref.pn, ref.pu), end, limits), limits)
        elif self._stage == "fly":
            self._stage = "wait"
            end = (self._target[0], self._target[1], self.height_m)
            self._guide = GoTo(end, autopilot.limits(), self._wait_s)
        elif self._stage == "wait":
            final_m = autopilot.parameters["RTL_ALT_FINAL"] / 100.0
            if final_m > 0.0:
                self._stage = "final"
                end = (self._target[0], self._target[1], final_m + autopilot.home_up_m)
                self._guide = GoTo(end, autopilot.limits())
            else:
                self._stage = "land"
                self._guide = descent(autopilot)


def descent(autopilot: Autopilot) -> Descent:
    """A landing straight down, at LAND_SPEED_HIGH (or WPNAV_SPEED_DN) to LAND_ALT_LOW and then at LAND_SPEED."""
    parameter, limits = autopilot.parameters, autopilot.limits()
    fast = parameter["LAND_SPEED_HIGH"] / 100.0 or limits.down_mps
    slow = max(parameter["LAND_SPEED"] / 100.0, 0.2)
    low = autopilot.home_up_m + max(parameter["LAND_ALT_LOW"] / 100.0, 1.0)
    return Descent(limits, fast_mps=max(fast, slow), slow_mps=slow, low_m=low)


def return_target(autopilot: Autopilot) -> Point:
    """Where RTL goes: the nearest rally point within RALLY_LIMIT_KM, or home when that is nearer or nothing else is.

    RALLY_INCL_HOME 0 leaves home out of the choice as long as a rally point is near enough.
    """
    body = autopilot.body
    home = autopilot.home or autopilot.origin
    best = autopilot.nearest_rally()
    if best is None:
        return home
    from_rally, from_home = (math.hypot(p[0] - body.e, p[1] - body.n) for p in (best, home))
    return home if autopilot.parameters["RALLY_INCL_HOME"] and from_home < from_rally else best


def circling(autopilot: Autopilot) -> Circle:
    """CIRCLE: a point CIRCLE_RADIUS ahead, or here (CIRCLE_OPTIONS bit 2), clockwise at a CIRCLE_RATE above 0."""
    parameter, body = autopilot.parameters, autopilot.body
    radius_m, rate = parameter["CIRCLE_RADIUS"] / 100.0, parameter["CIRCLE_RATE"]
    ahead_m = 0.0 if int(parameter["CIRCLE_OPTIONS"]) & CENTRE_HERE else radius_m
    heading = math.radians(body.heading_deg)
    e, n, u = stopping_point(body, autopilot.limits())
    centre = (e + ahead_m * math.sin(heading), n + ahead_m * math.cos(heading), u)
    return Circle(centre, radius_m, 0.0, rate >= 0.0, autopilot.limits(), max(abs(rate), 0.1))


def guide_for(mode: Mode, autopilot: Autopilot) -> Guide | None:
    """What a mode other than AUTO and SMART_RTL steers for when it is entered in flight."""
    limits = autopilot.limits()
    body = autopilot.body
    if mode is Mode.RTL:
        return Return(autopilot, return_target(autopilot))
    if mode is Mode.LAND:
        return descent(autopilot)
    if mode is Mode.CIRCLE:
        return circling(autopilot)
    if mode is Mode.BRAKE:
        hard = replace(limits, accel_mps2=min(BRAKE_MPS2, BRAKE_SHARE * autopilot.steering.lean_mps2))
        return Velocity(0.0, 0.0, 0.0, hard, math.inf)
    return Stay(body, limits)
