"""The airspace of a plan: each leg's volume with its margins, and whether that airspace is free.

A plan's volumes count seconds from take-off and hold their outlines in degrees, so that a plan stands for itself; for
comparing they become absolute in a local frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import shapely
from shapely.geometry import LineString, Point, Polygon

from airspace.conflicts import Conflict
from airspace.frames import LatLon, LocalFrame
from airspace.margins import MarginBreakdown, swept
from airspace.model import Airspace
from airspace.volumes import Volume4D
from airspace.zones import NO_PERMITS
from missions.plan import NO_LEG, Leg, Plan, PlanVolume, Purpose

RING_DIGITS = 9  # degrees: a tenth of a millimetre
OUTLINES_KEPT = 4_096  # some hundred flights


def leg_volumes(
    legs: Sequence[Leg],
    *,
    frame: LocalFrame,
    home_ellipsoidal_m: float,
    margins: MarginBreakdown,
    wait_s: Mapping[str, float] | None = None,
    hold_again_s: float = 0.0,
) -> tuple[PlanVolume, ...]:
    """One volume for each leg, from the leg's start to its end with the time margin of its end.

    `wait_s` says by branch how much later [s] than planned its legs may be flown, for a branch that begins on a word;
    `hold_again_s` how much later the hold may be flown once more, after a landing that was broken off.
    """
    waits = wait_s or {}

    def late_s(leg: Leg) -> float:
        return hold_again_s if leg.purpose is Purpose.HOLD and not leg.branch else waits.get(leg.branch, 0.0)

    return tuple(
        _leg_volume(index, leg, frame, home_ellipsoidal_m, margins, late_s(leg)) for index, leg in enumerate(legs)
    )


def _leg_volume(
    index: int, leg: Leg, frame: LocalFrame, home_ellipsoidal_m: float, margins: MarginBreakdown, wait_s: float
) -> PlanVolume:
    start_xy, end_xy = leg_ends_xy(leg, frame)
    volume = swept(
        start_xy,
        end_xy,
        home_ellipsoidal_m + min(leg.start.relative_m, leg.end.relative_m),
        home_ellipsoidal_m + max(leg.start.relative_m, leg.end.relative_m),
        leg.start_s,
        leg.end_s + wait_s,
        margins.at(leg.end_s + wait_s),
    )
    return plan_volume(volume, frame, index)


def plan_volume(volume: Volume4D, frame: LocalFrame, leg: int = NO_LEG) -> PlanVolume:
    """A volume of one outline without holes as a plan holds it; `absolute` with a take-off at 0 is the way back."""
    ring = frame.lon_lat_array(shapely.get_coordinates(volume.outline))
    return PlanVolume(
        ring_lon_lat_deg=tuple((round(float(lon), RING_DIGITS), round(float(lat), RING_DIGITS)) for lon, lat in ring),
        floor_ellipsoidal_m=volume.floor_ellipsoidal_m,
        ceiling_ellipsoidal_m=volume.ceiling_ellipsoidal_m,
        start_s=volume.start_s,
        end_s=volume.end_s,
        leg=leg,
    )


def leg_ends_xy(leg: Leg, frame: LocalFrame) -> tuple[tuple[float, float], tuple[float, float]]:
    """Start and end of a leg, east and north [m]."""
    return (
        frame.xy(LatLon(leg.start.lat_deg, leg.start.lon_deg)),
        frame.xy(LatLon(leg.end.lat_deg, leg.end.lon_deg)),
    )


def leg_line(leg: Leg, frame: LocalFrame) -> LineString | Point:
    """A leg in plan; a climb, a hold or a landing on the spot is a point."""
    start_xy, end_xy = leg_ends_xy(leg, frame)
    return Point(start_xy) if start_xy == end_xy else LineString([start_xy, end_xy])


def absolute(volume: PlanVolume, frame: LocalFrame, takeoff_s: float) -> Volume4D:
    """A plan's volume in a local frame, for a take-off at UTC second `takeoff_s`."""
    return Volume4D(
        outline=_laid(volume.ring_lon_lat_deg, frame),
        floor_ellipsoidal_m=volume.floor_ellipsoidal_m,
        ceiling_ellipsoidal_m=volume.ceiling_ellipsoidal_m,
        start_s=takeoff_s + volume.start_s,
        end_s=takeoff_s + volume.end_s,
    )


@lru_cache(maxsize=OUTLINES_KEPT)
def _laid(ring_lon_lat_deg: tuple[tuple[float, float], ...], frame: LocalFrame) -> Polygon:
    """A ring in a local frame: gates, reservations and the log ask for the same ones again and again."""
    outline = Polygon(frame.xy_array(ring_lon_lat_deg))
    shapely.prepare(outline)
    return outline


def check_volumes(
    volumes: Sequence[PlanVolume],
    airspace: Airspace,
    takeoff_s: float,
    *,
    own_id: str = "",
    permitted: frozenset[str] = NO_PERMITS,
    priority: int = 0,
) -> list[Conflict]:
    """Every conflict of a plan's volumes with zones and with intents other than `own_id`, as `Airspace.conflicts`."""
    flown = [absolute(volume, airspace.frame, takeoff_s) for volume in volumes]
    return airspace.conflicts(flown, own_id=own_id, permitted=permitted, priority=priority)


def plan_conflicts(plan: Plan, airspace: Airspace, takeoff_s: float, *, own_id: str = "") -> list[Conflict]:
    """Every conflict of a plan's volumes with zones that it has no leave for and with intents that it must respect."""
    return check_volumes(
        plan.volumes, airspace, takeoff_s, own_id=own_id, permitted=plan.permitted, priority=plan.priority
    )


def least_clearance_m(
    legs: Sequence[Leg],
    volumes: Sequence[PlanVolume],
    airspace: Airspace,
    takeoff_s: float,
    permitted: frozenset[str] = NO_PERMITS,
) -> float | None:
    """The least horizontal distance [m] from any leg's line to a closed zone that shares heights and times with it."""
    found = [
        airspace.clearance_m(
            leg_line(legs[volume.leg], airspace.frame),
            volume.floor_ellipsoidal_m,
            volume.ceiling_ellipsoidal_m,
            takeoff_s + volume.start_s,
            takeoff_s + volume.end_s,
            permitted,
        )
        for volume in volumes
    ]
    return min((distance for distance in found if distance is not None), default=None)
