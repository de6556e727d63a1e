"""A slow judge of plans that shares no code with the planner: it walks every leg in small steps.

It has its own plane (a sphere's equirectangular one around the site, good to 1 dm over 3 km) and its own even-odd rule.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from airspace.zones import Zone
from missions.plan import Leg, Plan

STEP_M = 2.0
RETURNS_EVERY = 5  # steps
METRES_PER_DEG_LAT = 110_926.0  # at 34.75 N on the CGCS2000 ellipsoid
METRES_PER_DEG_LON = 91_573.0


def metres(lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """East and north [m] of 34.75 N, 113.62 E."""
    return (lon_deg - 113.62) * METRES_PER_DEG_LON, (lat_deg - 34.75) * METRES_PER_DEG_LAT


def walk(leg: Leg) -> npt.NDArray[np.float64]:
    """Rows of east, north, height above home, seconds after take-off along a leg."""
    (x0, y0), (x1, y1) = metres(leg.start.lat_deg, leg.start.lon_deg), metres(leg.end.lat_deg, leg.end.lon_deg)
    length_m = math.dist((x0, y0, leg.start.relative_m), (x1, y1, leg.end.relative_m))
    share = np.linspace(0.0, 1.0, 2 + int(length_m / STEP_M))
    start = np.array([x0, y0, leg.start.relative_m, leg.start_s])
    end = np.array([x1, y1, leg.end.relative_m, leg.end_s])
    return np.asarray(start + share[:, None] * (end - start), dtype=np.float64)


def inside(points: npt.NDArray[np.float64], ring: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """The even-odd rule for points (n, 2) and a closed ring (m, 2)."""
    odd = np.zeros(len(points), dtype=bool)
    for (ax, ay), (bx, by) in itertools.pairwise(ring):
        straddles = (ay > points[:, 1]) != (by > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            x_at = ax + (points[:, 1] - ay) / (by - ay) * (bx - ax)
        odd ^= straddles & (points[:, 0] < x_at)
    return odd


def entered(plan: Plan, zones: Iterable[Zone]) -> list[tuple[int, str]]:
    """Every (leg number, zone id) of a leg that is in a zone at some moment."""
    found = []
    home_ellipsoidal_m = plan.home_amsl_m + plan.geoid_m
    for zone in zones:
        parts = zone.volume.outline.geoms if zone.volume.outline.geom_type == "MultiPolygon" else [zone.volume.outline]
        rings = [np.asarray(ring.coords) for part in parts for ring in (part.exterior, *part.interiors)]
        for number, leg in enumerate(plan.legs):
            steps = walk(leg)
            height_m, at_s = home_ellipsoidal_m + steps[:, 2], plan.takeoff_s + steps[:, 3]
            odd = np.zeros(len(steps), dtype=bool)
            for ring in rings:
                odd ^= inside(steps[:, :2], ring)
            odd &= (height_m >= zone.volume.floor_ellipsoidal_m) & (height_m <= zone.volume.ceiling_ellipsoidal_m)
            odd &= (at_s >= zone.volume.start_s) & (at_s < zone.volume.end_s)
            if odd.any():
                found.append((number, zone.id))
    return found


def straight_ways_entered(plan: Plan, zones: Iterable[Zone]) -> list[tuple[int, str]]:
    """Every (leg number, zone id) where flying straight to the nearest rally point or home at return height enters."""
    places = [metres(item.lat_deg, item.lon_deg) for item in plan.rally]
    if plan.parameters["RALLY_INCL_HOME"] == 1.0 or not places:
        places.append(metres(plan.home.lat_deg, plan.home.lon_deg))
    places_m = np.asarray(places)
    height_m = plan.home_amsl_m + plan.geoid_m + plan.parameters["RTL_ALT"] / 100.0
    found = []
    for number, leg in enumerate(plan.legs):
        spots_on_leg = walk(leg)[::RETURNS_EVERY, :2]
        ways = [np.linspace(at, places_m[np.argmin(np.hypot(*(places_m - at).T))], 300) for at in spots_on_leg]
        points = np.concatenate(ways)
        for zone in zones:
            at_height = zone.volume.floor_ellipsoidal_m <= height_m <= zone.volume.ceiling_ellipsoidal_m
            if at_height and inside(points, np.asarray(zone.volume.outline.exterior.coords)).any():
                found.append((number, zone.id))
    return found
