"""How long flying takes: leg times as ArduCopter flies them, with ramps of limited jerk and slower corners.

The shapes follow ArduCopter's waypoint controller with its default limits. The two constants that theory does not give
(what a corner costs, what take-off and touch-down add) are those of a recorded flight of ArduCopter V4.7.0-dev around a
square with sides of 200 m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from missions.site import DroneType

PointM = tuple[float, float, float]
"""East, north, up [m] in a local frame."""

JERK_MPS3 = 1.0  # WPNAV_JERK
VERTICAL_ACCELERATION_MPS2 = 1.0  # WPNAV_ACCEL_Z
FINAL_DESCENT_MPS = 0.5  # LAND_SPEED
FINAL_DESCENT_BELOW_M = 10.0  # LAND_ALT_LOW
SPOOL_UP_S = 3.0
TOUCHDOWN_S = 1.5
DISARM_S = 2.0
CORNER_EXPONENT = 1.4  # a corner of 90 degrees costs 0.38 of a full stop


def leg_durations_s(
    points_m: Sequence[PointM], speeds_mps: Sequence[float], stops: Sequence[bool], drone: DroneType
) -> tuple[float, ...]:
    """Seconds for each leg between consecutive points; take-off and landing have their own functions.

    `speeds_mps` holds one ground speed for each leg, `stops` for each point whether the vehicle stands there. The first
    and the last point count as stops.
    """
    if not len(points_m) == len(speeds_mps) + 1 == len(stops):
        raise ValueError("a route has one point more than legs, and says of each point whether it is a stop")
    ends = [1.0] * len(points_m)
    for i in range(1, len(points_m) - 1):
        if not stops[i]:
            ends[i] = corner_cost(points_m[i - 1], points_m[i], points_m[i + 1])
    return tuple(
        _leg_s(points_m[i], points_m[i + 1], speeds_mps[i], 0.5 * (ends[i] + ends[i + 1]), drone)
        for i in range(len(speeds_mps))
    )


def corner_cost(before: PointM, at: PointM, after: PointM) -> float:
    """What a corner costs of a full stop: 0 straight on, 1 for turning back or for a leg without horizontal extent."""
    ax, ay, bx, by = at[0] - before[0], at[1] - before[1], after[0] - at[0], after[1] - at[1]
    if math.hypot(ax, ay) < 0.01 or math.hypot(bx, by) < 0.01:
        return 1.0
    turn_rad = abs(math.atan2(ax * by - ay * bx, ax * bx + ay * by))
    return float((turn_rad / math.pi) ** CORNER_EXPONENT)


def takeoff_s(height_m: float, drone: DroneType) -> float:
    """Seconds from the order to start until the vehicle stands `height_m` above the ground."""
    return SPOOL_UP_S + _vertical_s(height_m, drone.climb_mps)


def landing_s(height_m: float, drone: DroneType) -> float:
    """Seconds from standing `height_m` above the ground until the motors have stopped."""
    slow_m = min(height_m, FINAL_DESCENT_BELOW_M)
    fast_s = (height_m - slow_m) / drone.descent_mps
    return fast_s + slow_m / FINAL_DESCENT_MPS + TOUCHDOWN_S + DISARM_S


def _leg_s(start: PointM, end: PointM, speed_mps: float, ramps: float, drone: DroneType) -> float:
    """One leg; `ramps` is the share of a full start and stop that its two ends cost together."""
    across_m, up_m = math.hypot(end[0] - start[0], end[1] - start[1]), end[2] - start[2]
    vertical_mps = drone.climb_mps if up_m > 0.0 else drone.descent_mps
    if across_m < 0.01:
        return _vertical_s(abs(up_m), vertical_mps)
    length_m = math.hypot(across_m, up_m)
    along_mps = min(speed_mps, drone.max_speed_mps) * length_m / across_m
    if up_m != 0.0:
        along_mps = min(along_mps, vertical_mps * length_m / abs(up_m))
    return _ramped_s(length_m, along_mps, drone.acceleration_mps2, ramps)


def _vertical_s(height_m: float, speed_mps: float) -> float:
    return _ramped_s(height_m, speed_mps, VERTICAL_ACCELERATION_MPS2, 1.0)


def _ramp_s(speed_mps: float, acceleration_mps2: float) -> float:
    """Seconds from standing to a speed when acceleration and jerk are limited."""
    if speed_mps * JERK_MPS3 >= acceleration_mps2**2:
        return speed_mps / acceleration_mps2 + acceleration_mps2 / JERK_MPS3
    return 2.0 * math.sqrt(speed_mps / JERK_MPS3)


def _ramped_s(length_m: float, speed_mps: float, acceleration_mps2: float, ramps: float) -> float:
    """Seconds for a length at a speed, or at the highest speed for which the ramps leave room."""
    if length_m <= 0.0:
        return 0.0
    if speed_mps * _ramp_s(speed_mps, acceleration_mps2) * ramps > length_m:
        low, high = 0.0, speed_mps
        for _ in range(50):
            middle = 0.5 * (low + high)
            if middle * _ramp_s(middle, acceleration_mps2) * ramps > length_m:
                high = middle
            else:
                low = middle
        speed_mps = low
    return length_m / speed_mps + ramps * _ramp_s(speed_mps, acceleration_mps2)
