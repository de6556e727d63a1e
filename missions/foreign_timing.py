"""How long a foreign mission's pieces take and what they cost, to its end and to where a return would end instead."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

from missions.copter import Step
from missions.energy import worst_leg_energy_wh
from missions.plan import Leg, Purpose
from missions.site import DroneType
from missions.timing import PointM, landing_s, leg_durations_s
from missions.timing import takeoff_s as climb_s


def timed(steps: Sequence[Step], drone: DroneType, wind_mps: float) -> tuple[Leg, ...]:
    """The legs with start, end [s after take-off] and energy [Wh]; legs that are flown through are timed together."""
    legs: list[Leg] = []
    start_s = 0.0
    for step, duration_s in zip(steps, _durations_s(steps, drone), strict=True):
        energy_wh = worst_leg_energy_wh(
            drone,
            distance_m=math.dist(step.start[:2], step.end[:2]),
            up_m=step.end[2] - step.start[2],
            duration_s=duration_s,
            wind_mps=wind_mps,
        )
        end_s = start_s + duration_s
        legs.append(replace(step.leg, start_s=round(start_s, 3), end_s=round(end_s, 3), energy_wh=round(energy_wh, 4)))
        start_s = end_s
    return tuple(legs)


def _durations_s(steps: Sequence[Step], drone: DroneType) -> list[float]:
    durations: list[float] = []
    moving: list[Step] = []
    for index, step in enumerate(steps):
        takes_off = index == 0
        if not takes_off and step.leg.purpose not in (Purpose.HOLD, Purpose.LANDING):
            moving.append(step)
            continue
        durations += _moving_s(moving, drone)
        moving = []
        if takes_off:
            durations.append(climb_s(step.end[2], drone))
        elif step.leg.purpose is Purpose.HOLD:
            durations.append(step.wait_s)
        else:
            durations.append(landing_s(step.start[2] - step.end[2], drone))
    return durations


def _moving_s(steps: Sequence[Step], drone: DroneType) -> tuple[float, ...]:
    if not steps:
        return ()
    points = _unrolled(steps)
    stops = [True, *(step.stands for step in steps[:-1]), True]
    return leg_durations_s(points, [step.leg.speed_mps for step in steps], stops, drone)


def _unrolled(steps: Sequence[Step]) -> list[PointM]:
    """The points of a chain of pieces, with every curve stretched out: its small corners cost no time."""
    points = [steps[0].start]
    turned_rad = 0.0
    for before, step in itertools.zip_longest([None, *steps[:-1]], steps):
        east_m, north_m, up_m = (b - a for a, b in zip(step.start, step.end, strict=True))
        course_rad = math.atan2(north_m, east_m)
        if before is not None and before.smooth:
            last_rad = math.atan2(before.end[1] - before.start[1], before.end[0] - before.start[0])
            turned_rad += last_rad - course_rad
        course_rad += turned_rad
        length_m, (x, y, z) = math.hypot(east_m, north_m), points[-1]
        points.append((x + length_m * math.cos(course_rad), y + length_m * math.sin(course_rad), z + up_m))
    return points


def worst_broken_off_wh(
    legs: Sequence[Leg],
    farthest_m: Sequence[float],
    return_m: float,
    speed_mps: float,
    drone: DroneType,
    wind_mps: float,
) -> float:
    """Energy [Wh] of the flight that is broken off where that costs most: a climb to return height, the way, and down.

    `farthest_m` holds for each leg the longest way [m] that a return from it may fly.
    """
    worst_wh = used_wh = 0.0
    down_s = landing_s(return_m, drone)
    down_wh = worst_leg_energy_wh(drone, distance_m=0.0, up_m=0.0, duration_s=down_s, wind_mps=wind_mps)
    for leg, away_m in zip(legs, farthest_m, strict=True):
        used_wh += leg.energy_wh
        up_m = max(return_m - min(leg.start.relative_m, leg.end.relative_m), 0.0)
        points = [(0.0, 0.0, 0.0), (0.0, 0.0, up_m), (away_m, 0.0, up_m)]
        up_s, back_s = leg_durations_s(points, [drone.climb_mps, speed_mps], [True, True, True], drone)
        up_wh = worst_leg_energy_wh(drone, distance_m=0.0, up_m=up_m, duration_s=up_s, wind_mps=wind_mps)
        back_wh = worst_leg_energy_wh(drone, distance_m=away_m, up_m=0.0, duration_s=back_s, wind_mps=wind_mps)
        worst_wh = max(worst_wh, used_wh + up_wh + back_wh + down_wh)
    return worst_wh
