"""SMART_RTL: the way back along the way that was flown, remembered as points and straightened on the way.

As ArduPilot's AP_SmartRTL: a point is kept each SRTL_ACCURACY metres, SRTL_POINTS at most. After every 50 points those
that a straight line misses by less than half the accuracy are dropped (Ramer, Douglas and Peucker); where the way
comes back to itself the loop is cut out, from the newest part on, when room runs short and before the return.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.guides import AlongTrack, GoTo, Guide
from sim.drone.modes import descent
from sim.drone.trajectory import Point, StraightLeg, departure

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot
    from sim.drone.dynamics import Body, Reference

TIDY_AFTER = 50  # points since the last tidying
ROOM_LEFT = 10  # points that are free when loops are cut out
GIVE_UP_S = 15.0
SIMPLIFY_SHARE, PRUNE_SHARE = 0.5, 0.99  # of the accuracy
LAND_FROM_M = 2.0  # so high above the first point the landing begins
SHORTEST_LEG_M = 0.1


def _difference(a: Point, b: Point) -> Point:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _dot(a: Point, b: Point) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _to_segment_m(p: Point, a: Point, b: Point) -> float:
    along, off = _difference(b, a), _difference(p, a)
    size = _dot(along, along)
    t = min(max(_dot(off, along) / size, 0.0), 1.0) if size > 0.0 else 0.0
    return math.dist(off, (along[0] * t, along[1] * t, along[2] * t))


def simplified(points: list[Point], tolerance_m: float) -> list[Point]:
    """The points without those that the straight lines between the others miss by no more than a tolerance [m]."""
    kept = {0, len(points) - 1}
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        worst, off_m = first, tolerance_m
        for i in range(first + 1, last):
            distance = _to_segment_m(points[i], points[first], points[last])
            if distance > off_m:
                worst, off_m = i, distance
        if worst != first:
            kept.add(worst)
            spans += [(first, worst), (worst, last)]
    return [points[i] for i in sorted(kept)]


def nearest_approach(a: Point, b: Point, c: Point, d: Point) -> tuple[float, Point]:
    """How near [m] the segments a-b and c-d come to each other, and the middle between them there.

    Parallel segments give infinity, as in AP_SmartRTL: their neighbours find the loop.
    """
    one, other, between = _difference(b, a), _difference(d, c), _difference(a, c)
    aa, ab, bb = _dot(one, one), _dot(one, other), _dot(other, other)
    determinant = aa * bb - ab * ab
    if abs(determinant) < 1e-9:
        return math.inf, a
    da, db = _dot(one, between), _dot(other, between)
    s = min(max((ab * db - bb * da) / determinant, 0.0), 1.0)
    t = min(max((aa * db - ab * da) / determinant, 0.0), 1.0)
    p = (a[0] + one[0] * s, a[1] + one[1] * s, a[2] + one[2] * s)
    q = (c[0] + other[0] * t, c[1] + other[1] * t, c[2] + other[2] * t)
    return math.dist(p, q), ((p[0] + q[0]) / 2.0, (p[1] + q[1]) / 2.0, (p[2] + q[2]) / 2.0)


def pruned(points: list[Point], near_m: float) -> list[Point]:
    """The points without the loops: where the way comes within `near_m` of itself it goes on from there."""
    way = list(points)
    end = len(way) - 1
    while end >= 3:
        for start in range(1, end - 1):
            distance, middle = nearest_approach(way[end], way[end - 1], way[start - 1], way[start])
            if distance < near_m:
                way[start:end] = [middle]
                end = start
                break
        end -= 1
    return way


class Breadcrumbs:
    """The way flown since arming."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot
        self._points: list[Point] = []
        self._tidied = 0
        self._good_s = self._kept_s = 0.0
        self.active = False

    @property
    def points(self) -> tuple[Point, ...]:
        """The way back, first point first."""
        return tuple(self._points)

    def begin(self, *, position_ok: bool) -> None:
        """The drone is being armed: the way begins here."""
        autopilot = self._autopilot
        self._points.clear()
        self._tidied = 0
        self._good_s = self._kept_s = autopilot.now_s
        self.active = position_ok and autopilot.parameters["SRTL_POINTS"] > 0 and self._accuracy_m > 0.0
        if self.active:
            self._points.append(autopilot.believed())

    def step(self, *, position_ok: bool, following: bool) -> None:
        """Remember where the drone is, several times a second; `following` is the way back being flown."""
        if not self.active or following:
            return
        now = self._autopilot.now_s
        if not position_ok:
            if now - self._good_s > GIVE_UP_S:
                self._give_up("bad position")
            return
        self._good_s = now
        if self.add(self._autopilot.believed()):
            self._kept_s = now
        elif now - self._kept_s > GIVE_UP_S:
            self._give_up("buffer full")

    def add(self, point: Point) -> bool:
        """Keep a point if it is far enough from the last; False when there is no room for it."""
        if self._points and math.dist(self._points[-1], point) < self._accuracy_m:
            return True
        most = min(int(self._autopilot.parameters["SRTL_POINTS"]), 500)
        if most - len(self._points) <= ROOM_LEFT:
            self._points = pruned(simplified(self._points, self._accuracy_m * SIMPLIFY_SHARE), self._near_m)
            self._tidied = len(self._points)
        elif len(self._points) - self._tidied >= TIDY_AFTER:
            self._points = simplified(self._points, self._accuracy_m * SIMPLIFY_SHARE)
            self._tidied = len(self._points)
        if len(self._points) >= most:
            return False
        self._points.append(point)
        return True

    def tidy(self) -> None:
        """Straighten the whole way and cut out every loop, before it is flown back."""
        self._points = pruned(simplified(self._points, self._accuracy_m * SIMPLIFY_SHARE), self._near_m)
        self._tidied = len(self._points)

    def pop(self) -> Point | None:
        """Take the last point."""
        point = self._points.pop() if self._points else None
        self._tidied = min(self._tidied, len(self._points))
        return point

    @property
    def _accuracy_m(self) -> float:
        return self._autopilot.parameters["SRTL_ACCURACY"]

    @property
    def _near_m(self) -> float:
        return self._accuracy_m * PRUNE_SHARE

    def _give_up(self, reason: str) -> None:
        self.active = False
        self._autopilot.say(mavlink.MAV_SEVERITY_WARNING, f"SmartRTL deactivated: {reason}")


class SmartReturn:
    """Fly the breadcrumbs back, then land; `done` never, the ground ends it."""

    def __init__(self, autopilot: Autopilot) -> None:
        self.done = False
        self.landing = False
        self._autopilot = autopilot
        self._crumbs = autopilot.breadcrumbs
        self._crumbs.tidy()
        self._limits = autopilot.limits()
        start, braking = departure(autopilot.reference, self._limits)
        self._target: Point | None = None
        self._next = self._crumbs.pop()
        leg = self._leg(start)
        if leg is None:
            self._guide: Guide = descent(autopilot)
            self.landing = True
            return
        self._track = AlongTrack(leg, self._limits, before=braking)
        self._guide = self._track
        self._join()

    def leave(self) -> None:
        """Another mode takes over: what was not reached is put back."""
        for point in (self._next, self._target):
            if point is not None:
                self._crumbs.add(point)
        self._next = self._target = None

    def step(self, ref: Reference, body: Body, dt: float) -> None:
        """Move the reference on by `dt` seconds."""
        self._guide.step(ref, body, dt)
        if self.landing or not self._guide.done:
            return
        if self._guide is not self._track:  # the height to end at was reached
            return
        self._target = None
        if self._go_on():
            return
        final_m = self._autopilot.parameters["RTL_ALT_FINAL"] / 100.0
        if final_m > 0.0:
            e, n, _ = self._track.track.leg.end
            self._guide = GoTo((e, n, final_m + self._autopilot.home_up_m), self._limits)
            return
        self._guide = descent(self._autopilot)
        self.landing = True

    def _go_on(self) -> bool:
        """Begin with the next leg; False when the way is at its end."""
        track = self._track.track
        if track.after is not None:
            self._target, self._next = self._next, self._crumbs.pop()
            track.shift()
            self._track.done = False
        else:
            leg = self._leg(track.leg.end)
            if leg is None:
                return False
            self._guide = self._track = AlongTrack(leg, self._limits)
        self._join()
        return True

    @staticmethod
    def _place(point: Point, *, last: bool) -> Point:
        """Where a point is flown to; the very first one from above."""
        return (point[0], point[1], point[2] + LAND_FROM_M) if last else point

    def _leg(self, start: Point) -> StraightLeg | None:
        """The leg from a place to the next point that is not at that place already; it becomes the target."""
        while self._next is not None:
            point, self._next = self._next, self._crumbs.pop()
            end = self._place(point, last=self._next is None)
            if math.dist(start, end) > SHORTEST_LEG_M:
                self._target = point
                return StraightLeg(start, end, self._limits)
        return None

    def _join(self) -> None:
        if self._next is not None:
            end = self._place(self._next, last=not self._crumbs.points)
            leg = StraightLeg(self._track.track.leg.end, end, self._limits)
            if leg.profile.length_m > SHORTEST_LEG_M:
                self._track.track.then(leg)
