"""Planning: from a request to one complete, checked flight, or to every reason why not.

Pure: the same request, site, airspace and drone give the same plan to the byte. The work goes in four steps, each in a
module of its own: where to fly (`ways`), as what mission (`itinerary`), what the drone does by itself (`contingency`,
`fence`), and whether all of it may be flown (`volumes`, `checks`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from airspace.frames import LatLon
from airspace.margins import derive_margins
from airspace.model import Airspace
from airspace.reasons import Reason, Refused
from missions import rules
from missions.checks import Findings, checks_of
from missions.choice import with_refuges
from missions.contingency import Contingency, Stranded, choose_refuges, pieces, rally_items
from missions.corridor import photos
from missions.energy import usable_wh, worst_leg_energy_wh
from missions.fence import MOST_CORNERS, Fence, fence_from_items, fence_items, fence_parameters, make_fence
from missions.itinerary import Itinerary, again_s, timed
from missions.plan import Leg, Place, Plan, PlanVolume, Purpose, Target
from missions.request import Request
from missions.setting import Setting, limit_reasons, zone_names
from missions.site import DroneType, Site
from missions.timing import landing_s, leg_durations_s
from missions.volumes import check_volumes, least_clearance_m, leg_ends_xy, leg_volumes
from missions.ways import Ways, targets_of

HOLD_S = 45.0
FENCE_HEIGHT_ROOM_M = 8.0  # the fence's ceiling above the cruise height, below the site's limit
MOST_ITEMS = 600  # the autopilot has room for 650
FIRST_WINDOW_S = 1800.0


def plan_request(
    request: Request,
    *,
    site: Site,
    airspace: Airspace,
    drone: DroneType,
    home: LatLon,
    home_amsl_m: float,
    docks_free: Sequence[str],
    use_docks: bool = True,
    takeoff_s: float,
    wind_mps: float = 0.0,
    fix: str = "rtk-fixed",
) -> Plan:
    """The plan of a request for a take-off at UTC second `takeoff_s` from `home` [m above mean sea level].

    `docks_free` are the docks to land on by city code, in order of wish; without `use_docks`, for a site that cannot
    speak to its poles, the flight ends on open ground near the first of them. `wind_mps` is the most wind from any
    side and `fix` the kind of position fix (a key of `airspace.margins.FIX_ERRORS_M`). Raises `Refused` with all
    reasons that can be known together.
    """
    setting = Setting(
        request=request,
        site=site,
        airspace=airspace,
        drone=drone,
        home=home,
        home_amsl_m=home_amsl_m,
        docks=tuple(dock for code in dict.fromkeys(docks_free) for dock in site.docks if dock.code == code),
        takeoff_s=takeoff_s,
        wind_mps=wind_mps,
        margins=derive_margins(fix, wind_mps),
        window_s=FIRST_WINDOW_S,
        use_docks=use_docks,
    )
    if reasons := limit_reasons(setting, docks_free):
        raise Refused(reasons)
    while True:
        setting, ways = with_refuges(setting)
        itinerary = _itinerary(setting, ways)
        legs = timed(itinerary, setting.wind_mps)
        volumes = _volumes(setting, legs)
        ends_s = max(volume.end_s for volume in volumes)
        if ends_s <= setting.window_s:
            return _checked(setting, ways, itinerary, legs, volumes)
        # The flight lasts longer than the time for which zones were looked up: go again with all of them.
        setting = replace(setting, window_s=ends_s)


def _checked(
    setting: Setting, ways: Ways, itinerary: Itinerary, legs: tuple[Leg, ...], volumes: tuple[PlanVolume, ...]
) -> Plan:
    """The plan of an itinerary whose volumes end within the setting's window. Raises `Refused`."""
    contingency = _contingency(setting, legs)
    energy_wh = _energy_wh(legs)
    worst_wh = _worst_wh(setting, legs, contingency)
    fence = _fence(setting, legs, contingency)
    targets = targets_of(setting, ways)
    reasons = [
        *_size_reasons(setting, itinerary),
        *_energy_reasons(setting, max(energy_wh, worst_wh)),
        *_time_reasons(setting, volumes),
        *_target_reasons(setting, targets),
        *_airspace_reasons(setting, volumes),
    ]
    if reasons:
        raise Refused(reasons)
    findings = Findings(
        legs=legs,
        volumes=volumes,
        contingency=contingency,
        fence=fence,
        energy_wh=energy_wh,
        worst_wh=worst_wh,
        clearance_m=least_clearance_m(legs, volumes, setting.airspace, setting.takeoff_s, setting.request.permitted),
        targets=targets,
        items=len(itinerary.items),
    )
    return _assembled(setting, ways, itinerary, findings)


def _airspace_reasons(setting: Setting, volumes: Sequence[PlanVolume]) -> list[Reason]:
    request = setting.request
    found = check_volumes(
        volumes, setting.airspace, setting.takeoff_s, permitted=request.permitted, priority=request.priority
    )
    return [conflict.reason(setting.where) for conflict in found]


def _itinerary(setting: Setting, ways: Ways) -> Itinerary:
    itinerary = Itinerary(setting.frame, setting.drone, setting.home, setting.request.speed_mps)
    itinerary.take_off(setting.cruise_relative_m)
    for stretch in ways.corridor.stretches:
        if stretch.purpose is Purpose.SURVEY:
            itinerary.fly(stretch.points[:1], Purpose.TRANSIT)
            itinerary.camera(setting.request.camera.spacing_m)
            itinerary.fly(stretch.points[1:], Purpose.SURVEY)
            itinerary.camera(0.0)
        else:
            itinerary.fly(stretch.points[1:], Purpose.TRANSIT)
    itinerary.fly(ways.to_hold[1:-1], Purpose.APPROACH)
    itinerary.hold(ways.to_hold[-1], HOLD_S if setting.use_docks else 0.0)
    itinerary.land(ways.open_ground.name, ways.to_open_ground, setting.ground_relative_m)
    for dock, way in ways.to_docks if setting.use_docks else ():
        itinerary.land(dock.code, way, setting.ground_relative_m + dock.pad_agl_m, dock.code)
    return itinerary


def _contingency(setting: Setting, legs: Sequence[Leg]) -> Contingency:
    route = [piece for leg in legs for piece in pieces(leg_ends_xy(leg, setting.frame))]
    found = choose_refuges(route, setting.refuges, setting.returns)
    if isinstance(found, Stranded):
        at = setting.frame.latlon(*found.at)
        facts = {"place": str(at), "zones": zone_names(setting, found.blocked_by)}
        raise Refused([Reason(rules.STRANDED, setting.where, facts, lat_deg=at.lat_deg, lon_deg=at.lon_deg)])
    return found


def _branches(legs: Sequence[Leg]) -> list[str]:
    return list(dict.fromkeys(leg.branch for leg in legs if leg.branch))


def _energy_wh(legs: Sequence[Leg]) -> float:
    """Energy of the flight with the whole hold and its costliest branch [Wh]."""
    common_wh = math.fsum(leg.energy_wh for leg in legs if not leg.branch)
    return common_wh + max(math.fsum(leg.energy_wh for leg in legs if leg.branch == name) for name in _branches(legs))


def _worst_wh(setting: Setting, legs: Sequence[Leg], contingency: Contingency) -> float:
    """Energy of the flight that is broken off where that costs most [Wh].

    That is up to there, to the nearest refuge, and down; or to the gate over a dock where no word comes, back to the
    hold, and from there to open ground.
    """
    drone, height_m = setting.drone, setting.cruise_relative_m
    down_wh = worst_leg_energy_wh(
        drone, distance_m=0.0, up_m=0.0, duration_s=landing_s(height_m, drone), wind_mps=setting.wind_mps
    )
    farthest = iter(contingency.farthest_m)
    used_wh: dict[str, float] = {}
    worst_wh = 0.0
    for leg in legs:
        used = used_wh.get(leg.branch, used_wh.get("", 0.0)) + leg.energy_wh
        used_wh[leg.branch] = used
        away_m = max(next(farthest) for _ in pieces(leg_ends_xy(leg, setting.frame)))
        (back_s,) = leg_durations_s(
            [(0.0, 0.0, 0.0), (away_m, 0.0, 0.0)], [setting.request.speed_mps], [True, True], drone
        )
        back_wh = worst_leg_energy_wh(drone, distance_m=away_m, up_m=0.0, duration_s=back_s, wind_mps=setting.wind_mps)
        worst_wh = max(worst_wh, used + back_wh + down_wh)
    return max(worst_wh, _in_vain_wh(setting, legs))


def _in_vain_wh(setting: Setting, legs: Sequence[Leg]) -> float:
    """Energy of a flight to the gate over a dock, back to the hold, and down on open ground [Wh]; 0 without docks."""
    docks = {leg.branch: 0.0 for leg in legs if leg.branch and leg.purpose is Purpose.HOLD}
    if not docks:
        return 0.0
    for leg in legs:
        if leg.branch in docks and leg.purpose is not Purpose.LANDING:
            docks[leg.branch] += leg.energy_wh + _back_wh(setting, leg)
    others = [leg for leg in legs if leg.branch not in docks]
    hold_wh = math.fsum(leg.energy_wh for leg in others if leg.purpose is Purpose.HOLD)
    return max(docks.values()) + hold_wh + math.fsum(leg.energy_wh for leg in others)


def _back_wh(setting: Setting, leg: Leg) -> float:
    """Energy of a leg flown back [Wh]; nothing is waited for on the way back."""
    if leg.purpose is Purpose.HOLD:
        return 0.0
    return worst_leg_energy_wh(
        setting.drone,
        distance_m=math.dist(*leg_ends_xy(leg, setting.frame)),
        up_m=leg.start.relative_m - leg.end.relative_m,
        duration_s=leg.end_s - leg.start_s,
        wind_mps=setting.wind_mps,
    )


def _fence(setting: Setting, legs: Sequence[Leg], contingency: Contingency) -> Fence:
    # each by itself: a union of lines and of triangles as thin as these loses pieces of them
    shapes = [*setting.lines(legs), *contingency.areas]
    outlines = [zone.volume.outline for zone in setting.cruise_zones]
    fence = make_fence(shapes, outlines, setting.lateral_m)
    if fence.corners > MOST_CORNERS:
        facts = {"corners": fence.corners, "limit": MOST_CORNERS}
        raise Refused([Reason(rules.FENCE_CORNERS, setting.where, facts)])
    stored = fence_from_items(fence_items(fence, setting.frame), setting.frame)
    if not (stored.holds(shapes, setting.lateral_m) and stored.keeps_out(outlines)):
        raise Refused([Reason(rules.FENCE_WRONG, setting.where)])
    return fence


def _volumes(setting: Setting, legs: Sequence[Leg]) -> tuple[PlanVolume, ...]:
    hold_again_s = again_s(legs)
    return leg_volumes(
        legs,
        frame=setting.frame,
        home_ellipsoidal_m=setting.home_ellipsoidal_m,
        margins=setting.margins,
        wait_s={leg.branch: HOLD_S + hold_again_s for leg in legs if leg.branch},
        hold_again_s=hold_again_s,
    )


def _size_reasons(setting: Setting, itinerary: Itinerary) -> list[Reason]:
    sizes = (
        (len(itinerary.items), "mission items", MOST_ITEMS),
        (len(itinerary.legs), "legs", setting.site.limits.max_route_legs),
    )
    return [
        Reason(rules.TOO_LONG, setting.where, {"count": count, "what": what, "limit": limit})
        for count, what, limit in sizes
        if count > limit
    ]


def _energy_reasons(setting: Setting, needed_wh: float) -> list[Reason]:
    limit_wh = usable_wh(setting.drone, setting.reserve_fraction)
    if needed_wh <= limit_wh:
        return []
    facts = {
        "needed_wh": needed_wh,
        "usable_wh": limit_wh,
        "reserve": setting.reserve_fraction,
        "parts": int(needed_wh / limit_wh) + 1,
    }
    return [Reason(rules.ENERGY, setting.where, facts)]


def _time_reasons(setting: Setting, volumes: Sequence[PlanVolume]) -> list[Reason]:
    deadline_s = setting.request.deadline_s
    ends_s = setting.takeoff_s + max(volume.end_s for volume in volumes)
    return setting.deadline_reasons(ends_s) if deadline_s is not None and ends_s > deadline_s else []


def _target_reasons(setting: Setting, targets: Sequence[Target]) -> list[Reason]:
    if not targets or any(target.covered for target in targets):
        return []
    facts = {"count": len(targets), "reach_m": setting.request.camera.max_target_distance_m}
    return [Reason(rules.NOTHING_SEEN, setting.where, facts)]


def _assembled(setting: Setting, ways: Ways, itinerary: Itinerary, findings: Findings) -> Plan:
    request, legs = setting.request, findings.legs
    ceiling_m = setting.site.limits.max_agl_m + setting.ground_relative_m
    late_s = {dock.code: HOLD_S for dock in setting.docks}
    return Plan(
        name=request.name,
        title=request.title.en,
        source="request",
        home=Place(legs[0].start.lat_deg, legs[0].start.lon_deg, 0.0),
        home_amsl_m=setting.home_amsl_m,
        geoid_m=setting.site.ground.geoid_m,
        takeoff_s=setting.takeoff_s,
        items=tuple(itinerary.items),
        legs=legs,
        volumes=findings.volumes,
        fence=fence_items(findings.fence, setting.frame),
        rally=rally_items(findings.contingency, setting.frame, setting.cruise_relative_m),
        landings=tuple(sorted(itinerary.landings, key=lambda landing: not landing.dock)),
        hold_seq=itinerary.hold_seq,
        duration_s=round(max(leg.end_s + late_s.get(leg.branch, 0.0) for leg in legs), 3),
        energy_wh=round(findings.energy_wh, 3),
        energy_limit_wh=round(usable_wh(setting.drone, setting.reserve_fraction), 3),
        cruise_mps=request.speed_mps,
        max_relative_m=max(leg.end.relative_m for leg in legs),
        parameters=fence_parameters(
            highest_relative_m=min(setting.cruise_relative_m + FENCE_HEIGHT_ROOM_M, ceiling_m),
            return_relative_m=setting.cruise_relative_m,
            rally_includes_home=findings.contingency.includes_home,
        ),
        targets=findings.targets,
        photos_planned=photos(ways.corridor.stretches, request.camera.spacing_m),
        checks=checks_of(setting, findings),
        min_clearance_m=None if findings.clearance_m is None else round(findings.clearance_m, 2),
        details={
            "title": {"en": request.title.en, "zh": request.title.zh},
            "requested_by": request.requested_by,
            "priority": request.priority,
            "permitted": sorted(request.permitted),
            "wind_mps": setting.wind_mps,
            "hold_s": HOLD_S,
            "photo_spacing_m": request.camera.spacing_m,
            "max_target_distance_m": request.camera.max_target_distance_m,
            "margins": {"en": setting.margins.text("en"), "zh": setting.margins.text("zh")},
            "refuges": [refuge.name for refuge in findings.contingency.refuges],
            "broken_off_worst_wh": round(findings.worst_wh, 3),
            "zones_in_band": [zone.id for zone in setting.cruise_zones],
        },
    )
