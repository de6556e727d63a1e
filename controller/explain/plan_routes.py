"""The routes of a plan: its common way with each of its landings, timed as the plan times them."""

from __future__ import annotations

import math

from airspace.frames import Datum, Height, LatLon
from airspace.routes import Route, Waypoint
from missions.plan import Leg, Place, Plan

LEAST_MPS = 0.5  # a plan that only climbs has no speed along the ground


def routes_of_plan(plan: Plan, wind_mps: float = 0.0, fix: str = "rtk-fixed") -> tuple[Route, ...]:
    """One route for each landing of a plan, named after plan and landing, in their order; one for a plan without.

    Each leg is flown when the plan says: a landing on a dock begins with the hold, at the earliest word, and the one
    that needs no word after it. The mean wind [m/s] and the kind of fix are those that the plan was made with; it does
    not keep them.
    """
    names = [landing.name for landing in plan.landings] or [""]
    return tuple(_route(plan, name, wind_mps, fix) for name in names)


def _legs_to(plan: Plan, landing: str) -> list[Leg]:
    """The legs of the common way until a landing branches off, and those of the branch."""
    common, branch = ([leg for leg in plan.legs if leg.branch == name] for name in ("", landing))
    if not branch:
        return common
    return [*(leg for leg in common if leg.start_s < branch[0].start_s), *branch]


def _route(plan: Plan, landing: str, wind_mps: float, fix: str) -> Route:
    legs = _legs_to(plan, landing)
    home_ellipsoidal_m = plan.home_amsl_m + plan.geoid_m
    waypoints = [_waypoint(legs[0].start, home_ellipsoidal_m)]
    for leg in legs:
        lasts_s = leg.end_s - leg.start_s
        if leg.start == leg.end:
            before = waypoints[-1]
            waypoints[-1] = Waypoint(before.position, before.height, before.hold_s + lasts_s, before.after_s)
        else:
            waypoints.append(_waypoint(leg.end, home_ellipsoidal_m, lasts_s))
    climbs = [abs(leg.end.relative_m - leg.start.relative_m) / (leg.end_s - leg.start_s) for leg in legs if _rises(leg)]
    fastest_mps = max(climbs, default=LEAST_MPS)
    return Route(
        name=f"{plan.name} > {landing}" if landing else plan.name,
        departs_s=plan.takeoff_s + legs[0].start_s,
        waypoints=tuple(waypoints),
        speed_mps=max(plan.cruise_mps, LEAST_MPS),
        climb_mps=max(fastest_mps, LEAST_MPS),
        descend_mps=max(fastest_mps, LEAST_MPS),
        fix=fix,
        wind_mps=wind_mps,
    )


def _rises(leg: Leg) -> bool:
    return leg.end_s > leg.start_s and not math.isclose(leg.end.relative_m, leg.start.relative_m)


def _waypoint(place: Place, home_ellipsoidal_m: float, after_s: float | None = None) -> Waypoint:
    height = Height(home_ellipsoidal_m + place.relative_m, Datum.ELLIPSOIDAL)
    return Waypoint(LatLon(place.lat_deg, place.lon_deg), height, after_s=after_s)
