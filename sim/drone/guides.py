"""What the vehicle is steering for at the moment: a point, a velocity, a leg, a circle, the way up or the way down.

A guide moves the reference on, a tick at a time, and says when it is done. Points are east, north, up [m] in the
world's frame, heights above its datum.
"""

from __future__ import annotations

import math
from typing import Protocol

from sim.drone.dynamics import Body, Reference
from sim.drone.trajectory import Leg, Limits, Point, Track

BRAKING_SHARE = 0.55  # share of the climb acceleration with which a height is approached
APPROACH_SHARE = 0.65  # share of the level acceleration with which a point is approached
STRAIGHT_M = 3.0  # so near a point level and height are steered on their own
APPROACH_GAIN = 1.0  # [1/s]
VELOCITY_SHAPING = 3.0  # [1/s]
TAKEOFF_DONE_M = 0.05
HELD_JERK = 5.0  # PSC_JERK_XY, PSC_JERK_Z [m/s3]


class Guide(Protocol):
    """Something to steer for."""

    done: bool

    def step(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by `dt` seconds."""


def stopping_speed(distance_m: float, accel: float, gain: float = APPROACH_GAIN) -> float:
    """The speed [m/s] from which a point at a distance can be reached at rest (ArduPilot's sqrt controller)."""
    linear_m = accel / (gain * gain)
    if distance_m <= linear_m:
        return distance_m * gain
    return math.sqrt(2.0 * accel * (distance_m - 0.5 * linear_m))


def shape_level(ref: Reference, want_e: float, want_n: float, accel: float, dt: float) -> None:
    """Bring the horizontal velocity towards a wanted one within an acceleration and the jerk of held flight."""
    ae, an = (want_e - ref.ve) * VELOCITY_SHAPING, (want_n - ref.vn) * VELOCITY_SHAPING
    size = math.hypot(ae, an)
    if size > accel:
        ae, an = ae * accel / size, an * accel / size
    change_e, change_n = ae - ref.ae, an - ref.an
    size = math.hypot(change_e, change_n)
    if size > HELD_JERK * dt:
        change_e, change_n = change_e * HELD_JERK * dt / size, change_n * HELD_JERK * dt / size
    ref.ae += change_e
    ref.an += change_n
    ref.ve += ref.ae * dt
    ref.vn += ref.an * dt
    ref.pe += ref.ve * dt
    ref.pn += ref.vn * dt


def shape_climb(ref: Reference, want_u: float, accel: float, dt: float) -> None:
    """Bring the climb rate towards a wanted one."""
    au = min(max((want_u - ref.vu) * VELOCITY_SHAPING, -accel), accel)
    ref.au += min(max(au - ref.au, -HELD_JERK * dt), HELD_JERK * dt)
    ref.vu += ref.au * dt
    ref.pu += ref.vu * dt


def approach_level(ref: Reference, e: float, n: float, speed: float, accel: float, dt: float) -> float:
    """Fly level towards a point; returns the distance still to go [m]."""
    de, dn = e - ref.pe, n - ref.pn
    distance = math.hypot(de, dn)
    wanted = min(speed, stopping_speed(distance, accel * APPROACH_SHARE))
    if distance > 1e-6:
        shape_level(ref, de / distance * wanted, dn / distance * wanted, accel, dt)
    else:
        shape_level(ref, 0.0, 0.0, accel, dt)
    return distance


def approach_height(ref: Reference, u: float, limits: Limits, dt: float) -> float:
    """Climb or sink towards a height; returns what is still to go [m], positive upwards."""
    rest = u - ref.pu
    fastest = limits.up_mps if rest > 0.0 else limits.down_mps
    wanted = min(fastest, stopping_speed(abs(rest), limits.climb_mps2 * BRAKING_SHARE))
    shape_climb(ref, math.copysign(wanted, rest), limits.climb_mps2, dt)
    return rest


def approach(ref: Reference, point: Point, limits: Limits, dt: float) -> float:
    """Fly straight towards a point, as fast as both the level and the climb allow; returns what is still to go [m].

    Close to it the two are independent, so that what is left of one does not slow the other.
    """
    de, dn, du = point[0] - ref.pe, point[1] - ref.pn, point[2] - ref.pu
    level = math.sqrt(de * de + dn * dn)
    far = math.sqrt(level * level + du * du)
    if far < STRAIGHT_M:
        approach_level(ref, point[0], point[1], limits.speed_mps, limits.accel_mps2, dt)
        approach_height(ref, point[2], limits, dt)
        return far
    steep, flat = abs(du) / far, level / far
    fastest_up = limits.up_mps if du > 0.0 else limits.down_mps
    speed = min(limits.speed_mps / max(flat, 1e-6), fastest_up / max(steep, 1e-6))
    accel = min(limits.accel_mps2 * APPROACH_SHARE / max(flat, 1e-6), limits.climb_mps2 / max(steep, 1e-6))
    speed = min(speed, stopping_speed(far, accel))
    shape_level(ref, de / far * speed, dn / far * speed, limits.accel_mps2, dt)
    shape_climb(ref, du / far * speed, limits.climb_mps2, dt)
    return far


def stopping_point(body: Body, limits: Limits) -> Point:
    """Where the vehicle would come to rest when it brakes now."""
    speed = math.hypot(body.ve, body.vn)
    ahead_s = (speed / limits.accel_mps2 / 2.0 + 0.5) if speed > 0.1 else 0.0
    up = math.copysign(body.vu * body.vu / (2.0 * limits.climb_mps2), body.vu) if abs(body.vu) > 0.1 else 0.0
    return body.e + body.ve * ahead_s, body.n + body.vn * ahead_s, max(body.u + up, body.floor_u)


class GoTo:
    """Fly straight to a point and stay there; `done` when it is reached."""

    def __init__(self, point: Point, limits: Limits, hold_s: float = 0.0) -> None:
        self.point = point
        self.limits = limits
        self.done = False
        self._hold_s = hold_s

    def step(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by `dt` seconds."""
        far = approach(ref, self.point, self.limits, dt)
        if far < self.limits.radius_m:
            self._hold_s -= dt
            self.done = self._hold_s <= 0.0


class Stay(GoTo):
    """Brake and stay where that ends."""

    def __init__(self, body: Body, limits: Limits, hold_s: float = 0.0) -> None:
        super().__init__(stopping_point(body, limits), limits, hold_s)


class Velocity:
    """Fly at a velocity [m/s]; it stops when nobody repeats the wish for `timeout_s`."""

    def __init__(self, ve: float, vn: float, vu: float, limits: Limits, timeout_s: float) -> None:
        self.ve, self.vn, self.vu = ve, vn, vu
        self.limits = limits
        self.done = False
        self.most_mps = self.most_up_mps = math.inf  # what a fence nearby leaves of the speed
        self._left_s = timeout_s

    def step(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by `dt` seconds."""
        self._left_s -= dt
        wanted = (0.0, 0.0, 0.0)
        if self._left_s > 0.0:
            share = min(self.most_mps / max(math.hypot(self.ve, self.vn), 1e-6), 1.0)
            wanted = (self.ve * share, self.vn * share, min(self.vu, self.most_up_mps))
        shape_level(ref, wanted[0], wanted[1], self.limits.accel_mps2, dt)
        shape_climb(ref, wanted[2], self.limits.climb_mps2, dt)
        # without a position to hold, the reference may not run away from a body that cannot follow
        ref.pe += (body.e - ref.pe) * min(dt, 1.0)
        ref.pn += (body.n - ref.pn) * min(dt, 1.0)


class AlongTrack:
    """Fly the legs of a track, then hold at the end for `hold_s`; `done` after that."""

    def __init__(self, leg: Leg, limits: Limits, hold_s: float = 0.0, before: Leg | None = None) -> None:
        self.track = Track(leg, limits, before)
        self.done = False
        self.hold_s = hold_s

    def step(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by `dt` seconds."""
        self.track.advance(ref, body, dt)
        if not self.track.finished or self.done:
            return
        if self.track.after is None:
            end = self.track.leg.end
            if math.hypot(body.e - end[0], body.n - end[1]) > self.track.limits.radius_m:
                return
            self.hold_s -= dt
            self.done = self.hold_s <= 0.0
        else:
            self.done = True


class TakeOff:
    """Straight up to a height, after the motors have spooled up."""

    def __init__(self, height_m: float, limits: Limits, spool_s: float) -> None:
        self.height_m = height_m
        self.limits = limits
        self.spool_s = spool_s
        self.done = False

    def step(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by `dt` seconds."""
        if self.spool_s > 0.0:
            self.spool_s -= dt
            return
        shape_level(ref, 0.0, 0.0, self.limits.accel_mps2, dt)
        rest = approach_height(ref, self.height_m, self.limits, dt)
        self.done = rest < TAKEOFF_DONE_M  # by the target, as ArduCopter: how far off the drone is must not hold it up


class Descent:
    """Straight down to the ground: fast to `low_m`, then at the landing speed; `done` never, the ground ends it."""

    def __init__(self, limits: Limits, *, fast_mps: float, slow_mps: float, low_m: float) -> None:
        self.limits = limits
        self.done = False
        self._fast_mps, self._slow_mps, self._low_m = fast_mps, slow_mps, low_m

    def step(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by `dt` seconds."""
        shape_level(ref, 0.0, 0.0, self.limits.accel_mps2, dt)
        above = body.u - self._low_m
        wanted = max(min(self._fast_mps, stopping_speed(above, self.limits.climb_mps2)), self._slow_mps)
        shape_climb(ref, -(wanted if above > 0.0 else self._slow_mps), self.limits.climb_mps2, dt)
        ref.pu = max(ref.pu, body.u - 1.0)


class Circle:
    """Turns around a point at a radius; `done` after `turns`, never when that is 0.

    `rate_degps` is how fast it turns, as far as the limits let it; without it, a radius in a second.
    """

    def __init__(
        self,
        centre: Point,
        radius_m: float,
        turns: float,
        clockwise: bool,
        limits: Limits,
        rate_degps: float | None = None,
    ) -> None:
        self.centre, self.radius_m, self.limits = centre, radius_m, limits
        self.done = False
        self._sign = 1.0 if clockwise else -1.0
        self._to_turn_rad = 2.0 * math.pi * turns
        wished = max(radius_m, 0.5) * (1.0 if rate_degps is None else math.radians(rate_degps))
        self._speed = min(limits.speed_mps, math.sqrt(limits.corner_mps2 * max(radius_m, 0.5)), wished)
        self._angle: float | None = None
        self._rate = 0.0

    def step(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by `dt` seconds."""
        e, n, u = self.centre
        limits = self.limits
        if self._angle is None:
            angle = math.atan2(ref.pe - e, ref.pn - n)
            at = (e + self.radius_m * math.sin(angle), n + self.radius_m * math.cos(angle))
            far = approach_level(ref, *at, limits.speed_mps, limits.accel_mps2, dt)
            high = approach_height(ref, u, limits, dt)
            if far < 0.5 and abs(high) < limits.radius_m:
                self._angle = angle
            return
        wanted = self._speed / max(self.radius_m, 0.5)
        self._rate = min(wanted, self._rate + wanted * dt / 3.0)
        turned = self._rate * dt
        self._angle += self._sign * turned
        sin, cos, speed = math.sin(self._angle), math.cos(self._angle), self._rate * self.radius_m
        ref.pe, ref.pn = e + self.radius_m * sin, n + self.radius_m * cos
        ref.ve, ref.vn = self._sign * speed * cos, -self._sign * speed * sin
        ref.ae, ref.an = -self._rate * speed * sin, -self._rate * speed * cos
        approach_height(ref, u, limits, dt)
        self._to_turn_rad -= turned
        if self._to_turn_rad <= 0.0 < self._to_turn_rad + turned:
            self.done = True
