"""Legs flown at jerk-limited speed and joined at corners, as ArduCopter's S-curves are.

Each leg is planned from rest to rest. At a corner that need not be stopped at, the next leg begins while this one is
still slowing down and the two motions are added; it begins as early as the corner keeps within the waypoint radius
and the corner acceleration (AC_WPNav, SCurve::advance_target_along_track).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from sim.drone.dynamics import Body, Reference

Point = tuple[float, float, float]  # east, north, up [m]
Motion = tuple[float, float, float, float, float, float, float, float, float]  # offset, velocity, acceleration

SPLINE_SAMPLES = 64
BRAKING_JERK = 5.0  # PSC_JERK_XY [m/s3]
TURN_PIECES = 5  # of a step in which a turn may begin


@dataclass(frozen=True, slots=True)
class Limits:
    """Speeds [m/s], accelerations [m/s2] and jerk [m/s3] of a leg; `corner_mps2` and `radius_m` bound a corner."""

    speed_mps: float
    up_mps: float
    down_mps: float
    accel_mps2: float
    climb_mps2: float
    jerk_mps3: float
    corner_mps2: float
    radius_m: float


def _change_s(change_mps: float, accel: float, jerk: float) -> tuple[float, float]:
    """Seconds of each jerk phase and of the constant acceleration between them, for a change of speed."""
    if change_mps >= accel * accel / jerk:
        ramp = accel / jerk
        return ramp, change_mps / accel - ramp
    return math.sqrt(change_mps / jerk), 0.0


def _change_m(v0: float, v1: float, accel: float, jerk: float) -> float:
    ramp, flat = _change_s(abs(v1 - v0), accel, jerk)
    return 0.5 * (v0 + v1) * (2.0 * ramp + flat)


class SpeedProfile:
    """Distance, speed and acceleration along a leg over time: up to a speed, along at it, and down to rest.

    The leg starts at `start_mps`; when it is too short to stop from there, it brakes harder than it was allowed to.
    """

    __slots__ = ("_pieces", "_place", "duration_s", "length_m", "speed_mps", "turn_in_s", "turn_out_s")

    def __init__(self, length_m: float, start_mps: float, speed_mps: float, accel: float, jerk: float) -> None:
        while _change_m(start_mps, 0.0, accel, jerk) > max(length_m, 1e-3) * 1.0001 and start_mps > 0.0:
            accel, jerk = accel * 1.2, jerk * 1.44
        low, high = 0.0, speed_mps
        if self._needed_m(start_mps, high, accel, jerk) > length_m:
            for _ in range(40):
                middle = 0.5 * (low + high)
                if self._needed_m(start_mps, middle, accel, jerk) > length_m:
                    high = middle
                else:
                    low = middle
            peak = low
        else:
            peak = high
        self.length_m = length_m
        self.speed_mps = peak
        # time, distance, speed, acceleration at the start of each piece, and its jerk
        self._pieces: list[tuple[float, float, float, float, float]] = []
        self._place = 0
        t, s, v = self._change(0.0, 0.0, start_mps, peak, accel, jerk)
        self.turn_in_s = t
        rest = length_m - s - _change_m(peak, 0.0, accel, jerk)
        if peak > 1e-9 and rest > 0.0:
            self._pieces.append((t, s, v, 0.0, 0.0))
            t, s = t + rest / peak, s + rest
        self.turn_out_s = t
        t, s, v = self._change(t, s, peak, 0.0, accel, jerk)
        self._pieces.append((t, length_m, 0.0, 0.0, 0.0))
        self.duration_s = t

    @staticmethod
    def _needed_m(start: float, peak: float, accel: float, jerk: float) -> float:
        return _change_m(start, peak, accel, jerk) + _change_m(peak, 0.0, accel, jerk)

    def _change(
        self, t: float, s: float, v0: float, v1: float, accel: float, jerk: float
    ) -> tuple[float, float, float]:
        sign = 1.0 if v1 >= v0 else -1.0
        ramp, flat = _change_s(abs(v1 - v0), accel, jerk)
        v, a = v0, 0.0
        for duration, j in ((ramp, sign * jerk), (flat, 0.0), (ramp, -sign * jerk)):
            if duration > 0.0:
                self._pieces.append((t, s, v, a, j))
                s += v * duration + a * duration**2 / 2.0 + j * duration**3 / 6.0
                v += a * duration + j * duration**2 / 2.0
                a += j * duration
                t += duration
        return t, s, v1

    def at(self, t: float) -> tuple[float, float, float]:
        """Distance [m], speed [m/s] and acceleration [m/s2] after `t` seconds."""
        pieces, place = self._pieces, self._place
        if t < pieces[place][0]:
            place = 0
        while place + 1 < len(pieces) and pieces[place + 1][0] <= t:
            place += 1
        self._place = place
        t0, s, v, a, j = pieces[place]
        dt = max(t - t0, 0.0)
        if place == len(pieces) - 1:
            return s, 0.0, 0.0
        return (
            s + dt * (v + dt * (0.5 * a + dt * j / 6.0)),
            v + dt * (a + 0.5 * dt * j),
            a + dt * j,
        )


class Leg(Protocol):
    """A piece of the way with its own clock, `elapsed_s`."""

    start: Point
    end: Point
    elapsed_s: float
    profile: SpeedProfile

    def motion(self, t_s: float) -> Motion:
        """Offset from the start [m], velocity and acceleration after `t_s` seconds."""

    def replan(self, limits: Limits) -> None:
        """Fly the rest within other limits."""


class StraightLeg:
    """A straight line between two points."""

    __slots__ = ("_along_m", "_de", "_dn", "_du", "elapsed_s", "end", "profile", "start")

    def __init__(self, start: Point, end: Point, limits: Limits) -> None:
        self.start, self.end = start, end
        de, dn, du = (b - a for a, b in zip(start, end, strict=True))
        length = math.sqrt(de * de + dn * dn + du * du)
        self._de, self._dn, self._du = (de / length, dn / length, du / length) if length > 1e-6 else (0.0, 0.0, 0.0)
        self.elapsed_s = 0.0
        self._along_m = 0.0
        speed, accel = self._kinematic_limit(limits)
        self.profile = SpeedProfile(length, 0.0, speed, accel, limits.jerk_mps3)

    def _kinematic_limit(self, limits: Limits) -> tuple[float, float]:
        level = math.hypot(self._de, self._dn)
        steep = abs(self._du)
        up = limits.up_mps if self._du > 0.0 else limits.down_mps
        speed, accel = limits.speed_mps, limits.accel_mps2
        if steep > 1e-6:
            speed = min(speed / level, up / steep) if level > 1e-6 else up
            accel = min(accel / level, limits.climb_mps2 / steep) if level > 1e-6 else limits.climb_mps2
        return max(speed, 0.05), accel

    def motion(self, t_s: float) -> Motion:
        """Offset from the start [m], velocity and acceleration after `t_s` seconds."""
        s, v, a = self.profile.at(t_s)
        s += self._along_m
        de, dn, du = self._de, self._dn, self._du
        return s * de, s * dn, s * du, v * de, v * dn, v * du, a * de, a * dn, a * du

    def replan(self, limits: Limits) -> None:
        """Fly the rest within other limits, from the present speed on."""
        s, v, _ = self.profile.at(self.elapsed_s)
        speed, accel = self._kinematic_limit(limits)
        rest = self.profile.length_m - s
        self._along_m += s
        self.elapsed_s = 0.0
        self.profile = SpeedProfile(rest, v, speed, accel, limits.jerk_mps3)


class SplineLeg:
    """A cubic Hermite curve between two points with given end tangents [m], flown no faster than its bends allow."""

    __slots__ = ("_along_m", "_distances", "_points", "_tightest_m", "elapsed_s", "end", "profile", "start")

    def __init__(self, start: Point, end: Point, tangent_in: Point, tangent_out: Point, limits: Limits) -> None:
        self.start, self.end = start, end
        self._points = [
            _hermite(start, end, tangent_in, tangent_out, i / SPLINE_SAMPLES) for i in range(SPLINE_SAMPLES + 1)
        ]
        self._distances = [0.0]
        for a, b in pairwise(self._points):
            self._distances.append(self._distances[-1] + math.dist(a, b))
        self._tightest_m = min(
            (_radius_m(*self._points[i - 1 : i + 2]) for i in range(1, SPLINE_SAMPLES)), default=math.inf
        )
        self.elapsed_s = 0.0
        self._along_m = 0.0
        self.profile = SpeedProfile(self._distances[-1], 0.0, self._speed(limits), limits.accel_mps2, limits.jerk_mps3)

    def _speed(self, limits: Limits) -> float:
        steepest = max(
            (abs(b[2] - a[2]) / max(math.dist(a, b), 1e-6) for a, b in pairwise(self._points)),
            default=0.0,
        )
        bend = math.sqrt(limits.corner_mps2 * self._tightest_m)
        climb = limits.up_mps if self.end[2] > self.start[2] else limits.down_mps
        return max(min(limits.speed_mps, bend, climb / steepest if steepest > 1e-6 else math.inf), 0.1)

    def motion(self, t_s: float) -> Motion:
        """Offset from the start [m], velocity and acceleration after `t_s` seconds."""
        s, v, a = self.profile.at(t_s)
        s += self._along_m
        place = min(max(bisect_right(self._distances, s) - 1, 0), SPLINE_SAMPLES - 1)
        a_point, b_point = self._points[place], self._points[place + 1]
        length = max(self._distances[place + 1] - self._distances[place], 1e-9)
        de, dn, du = ((b - a0) / length for a0, b in zip(a_point, b_point, strict=True))
        over = s - self._distances[place]
        return (
            a_point[0] - self.start[0] + de * over,
            a_point[1] - self.start[1] + dn * over,
            a_point[2] - self.start[2] + du * over,
            v * de,
            v * dn,
            v * du,
            a * de,
            a * dn,
            a * du,
        )

    def replan(self, limits: Limits) -> None:
        """Fly the rest within other limits, from the present speed on."""
        s, v, _ = self.profile.at(self.elapsed_s)
        rest = self.profile.length_m - s
        self._along_m += s
        self.elapsed_s = 0.0
        self.profile = SpeedProfile(rest, v, self._speed(limits), limits.accel_mps2, limits.jerk_mps3)


def _hermite(p0: Point, p1: Point, m0: Point, m1: Point, x: float) -> Point:
    a, b = 2 * x**3 - 3 * x**2 + 1, x**3 - 2 * x**2 + x
    c, d = -2 * x**3 + 3 * x**2, x**3 - x**2
    e, n, u = (a * p0[i] + b * m0[i] + c * p1[i] + d * m1[i] for i in range(3))
    return e, n, u


def _radius_m(a: Point, b: Point, c: Point) -> float:
    """Radius of the circle through three points; infinite when they are in line."""
    ab, bc, ca = math.dist(a, b), math.dist(b, c), math.dist(c, a)
    half = (ab + bc + ca) / 2.0
    area_squared = half * (half - ab) * (half - bc) * (half - ca)
    return math.inf if area_squared <= 1e-12 else ab * bc * ca / (4.0 * math.sqrt(area_squared))


def departure(ref: Reference, limits: Limits) -> tuple[Point, StraightLeg | None]:
    """Where a new leg begins when the old way is left here: the point of rest, and the leg that brakes to it."""
    here = (ref.pe, ref.pn, ref.pu)
    speed = math.sqrt(ref.ve * ref.ve + ref.vn * ref.vn + ref.vu * ref.vu)
    if speed < 0.2:
        return here, None
    length = _change_m(speed, 0.0, limits.accel_mps2, BRAKING_JERK)
    rest = (here[0] + ref.ve / speed * length, here[1] + ref.vn / speed * length, here[2] + ref.vu / speed * length)
    braking = StraightLeg(here, rest, limits)
    braking.profile = SpeedProfile(length, speed, speed, limits.accel_mps2, BRAKING_JERK)
    return rest, braking


class Track:
    """The leg being flown, the rest of the one before and the beginning of the one after."""

    def __init__(self, leg: Leg, limits: Limits, before: Leg | None = None) -> None:
        self.leg = leg
        self.limits = limits
        self.finished = False
        self._before = before
        self._after: Leg | None = None
        self._turning = False

    def then(self, leg: Leg | None) -> None:
        """What comes after the present leg without a stop; None for a stop."""
        if not self._turning:
            self._after = leg

    @property
    def after(self) -> Leg | None:
        """The leg that comes without a stop."""
        return self._after

    def shift(self) -> bool:
        """Make the leg after the present one; False when there is none."""
        if self._after is None:
            return False
        self._before, self.leg, self._after = self.leg, self._after, None
        self._turning = self.finished = False
        return True

    def change(self, limits: Limits) -> None:
        """Fly on within other limits."""
        self.limits = limits
        self.leg.replan(limits)
        if self._after is not None and not self._turning:
            self._after.replan(limits)

    def advance(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by up to `dt` seconds, less when the body lags behind."""
        leg, after = self.leg, self._after
        waits = after is not None and not self._turning
        if waits and after is not None and leg.elapsed_s + dt >= leg.profile.turn_out_s - after.profile.turn_in_s:
            # when the turn begins decides where the corner is cut: a tick of 10 m/s is a metre
            for _ in range(TURN_PIECES):
                self._advance(ref, body, dt / TURN_PIECES)
        else:
            self._advance(ref, body, dt)

    def _advance(self, ref: Reference, body: Body, dt: float) -> None:
        speed = math.sqrt(ref.ve * ref.ve + ref.vn * ref.vn + ref.vu * ref.vu)
        if speed > 0.5:
            along = (body.ve * ref.ve + body.vn * ref.vn + body.vu * ref.vu) / speed
            lag = ((ref.pe - body.e) * ref.ve + (ref.pn - body.n) * ref.vn + (ref.pu - body.u) * ref.vu) / speed
            dt *= min(max(0.05 + (along - max(lag, 0.0)) / speed, 0.1), 1.0)
        leg = self.leg
        leg.elapsed_s += dt
        oe, on, ou, ve, vn, vu, ae, an, au = leg.motion(leg.elapsed_s)
        pe, pn, pu = leg.start[0] + oe, leg.start[1] + on, leg.start[2] + ou
        before = self._before
        if before is not None:
            before.elapsed_s += dt
            if before.elapsed_s >= before.profile.duration_s:
                self._before = None
            else:
                be, bn, bu, bve, bvn, bvu, bae, ban, bau = before.motion(before.elapsed_s)
                pe += be - before.end[0] + before.start[0]
                pn += bn - before.end[1] + before.start[1]
                pu += bu - before.end[2] + before.start[2]
                ve, vn, vu, ae, an, au = ve + bve, vn + bvn, vu + bvu, ae + bae, an + ban, au + bau
        after = self._after
        remaining = leg.profile.duration_s - leg.elapsed_s
        if after is not None:
            if not self._turning and leg.elapsed_s >= leg.profile.turn_out_s - after.profile.turn_in_s:
                self._turning = self._may_turn(after)
            if self._turning:
                after.elapsed_s += dt
                fe, fn, fu, fve, fvn, fvu, fae, fan, fau = after.motion(after.elapsed_s)
                pe, pn, pu = pe + fe, pn + fn, pu + fu
                ve, vn, vu, ae, an, au = ve + fve, vn + fvn, vu + fvu, ae + fae, an + fan, au + fau
                # the nearest step, not the one after: what is reached is told neither early nor late in the mean
                self.finished = after.elapsed_s >= remaining - 0.5 * dt
        if remaining <= 0.0:
            self.finished = True
        ref.pe, ref.pn, ref.pu, ref.ve, ref.vn, ref.vu, ref.ae, ref.an, ref.au = pe, pn, pu, ve, vn, vu, ae, an, au

    def _may_turn(self, after: Leg) -> bool:
        """Whether the middle of the turn, begun now, keeps to the radius, the speed and the corner acceleration."""
        leg = self.leg
        remaining = leg.profile.duration_s - leg.elapsed_s
        if remaining >= after.profile.duration_s * 0.5:
            return False
        half = 0.5 * remaining
        at = leg.elapsed_s + half
        oe, on, ou, ve, vn, _, ae, an, _ = leg.motion(at)
        fe, fn, fu, fve, fvn, _, fae, fan, _ = after.motion(half)
        start, end = leg.start, leg.end
        span_e, span_n, span_u = end[0] - start[0], end[1] - start[1], end[2] - start[2]
        off = math.sqrt((oe - span_e + fe) ** 2 + (on - span_n + fn) ** 2 + (ou - span_u + fu) ** 2)
        slower = min(leg.profile.speed_mps, after.profile.speed_mps)
        return (
            off < self.limits.radius_m
            and math.hypot(ve + fve, vn + fvn) <= slower + 1e-6
            and math.hypot(ae + fae, an + fan) < self.limits.corner_mps2
        )
