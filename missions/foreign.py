"""Planning the mission files of other ground stations: what they make ArduCopter fly, checked like our own routes.

Nothing in a file is taken on trust: an item that Beichen cannot check or does not fly refuses the whole file, by name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from airspace.frames import LatLon
from airspace.margins import MarginBreakdown, derive_margins
from airspace.model import Airspace
from airspace.reasons import Reason, Refused, Words
from missions.copter import Flight, fly
from missions.energy import usable_wh
from missions.fence import fence_parameters
from missions.foreign_items import Bounds, check_items
from missions.foreign_rules import NO_HOME, NO_HOME_HEIGHT, PLAN_TOO_FAST
from missions.foreign_safety import Surroundings, Ways, fence_for, file_return_points, ways_back
from missions.foreign_timing import timed, worst_broken_off_wh
from missions.items import MissionItem
from missions.mission_file import UNKNOWN_FORMAT, Findings, MissionFile, decoded
from missions.plan import Check, LandingOption, Leg, Place, Plan, PlanVolume
from missions.qgc_plan import looks_like_plan, read_qgc_plan
from missions.rules import ENERGY, WIND_LIMIT
from missions.site import DroneType, Site
from missions.spline import STRAY_M
from missions.stored_items import as_stored
from missions.volumes import check_volumes, least_clearance_m, leg_volumes
from missions.waypoints import looks_like_waypoints, read_waypoints

FENCE_HEIGHT_ROOM_M = 10.0  # between the highest leg and the fence's ceiling, where the height limit leaves it
DEFAULT_SPEED_MPS = 10.0  # ArduCopter's WPNAV_SPEED
PATH_ERROR_M = 2.0


def read_mission_file(data: bytes, name: str) -> MissionFile:
    """A mission file of either format, told apart by its content; raises `Refused` with everything malformed."""
    text = decoded(data, name)
    if looks_like_plan(text):
        return read_qgc_plan(data, name)
    if looks_like_waypoints(text):
        return read_waypoints(data, name)
    found = Findings(name)
    found.add(UNKNOWN_FORMAT)
    raise Refused(found.reasons)


def plan_mission_file(
    file: MissionFile,
    *,
    site: Site,
    airspace: Airspace,
    drone: DroneType,
    home: LatLon | None = None,
    home_amsl_m: float | None = None,
    takeoff_s: float,
    wind_mps: float = 0.0,
) -> Plan:
    """The file's mission as a complete, checked flight from `home`, or from the file's own home when none is given.

    `takeoff_s` is UTC, `wind_mps` a wind of unknown direction. Pure: the same inputs give the same plan. Raises
    `Refused` with every reason that stands on its own.
    """
    bounds = _bounds(file, site, drone, home, home_amsl_m)
    speed_mps = _speed(file, drone)
    if reasons := check_items(file.items, file.where, bounds):
        raise Refused(reasons)
    flight = fly(
        file.items,
        file.where,
        bounds=bounds,
        frame=airspace.frame,
        drone=drone,
        speed_mps=speed_mps,
        return_points=file_return_points(file, bounds.home, bounds.max_agl_m - bounds.agl_m(0.0)),
        most_legs=site.limits.max_route_legs,
    )
    job = _Job(file, site, airspace, drone, bounds, takeoff_s, wind_mps, speed_mps, flight)
    return _planned(job)


@dataclass(frozen=True, slots=True)
class _Job:
    """What planning starts from, once the file's items make one flight."""

    file: MissionFile
    site: Site
    airspace: Airspace
    drone: DroneType
    bounds: Bounds
    takeoff_s: float
    wind_mps: float
    speed_mps: float
    flight: Flight

    @property
    def home_ellipsoidal_m(self) -> float:
        return self.bounds.home_amsl_m + self.site.ground.geoid_m

    @property
    def limit_wh(self) -> float:
        return usable_wh(self.drone, self.site.limits.reserve_fraction)

    @property
    def return_m(self) -> float:
        """The greatest height that a return may climb to, above home [m]: rally points may ask for more."""
        return max([self.flight.return_m, *(item.alt_m for item in self.file.rally)])

    @property
    def moved_m(self) -> float:
        """How far from the file's own home the flight takes off [m]."""
        home = self.file.home
        return self.bounds.home.distance_m(LatLon(home.lat_deg, home.lon_deg)) if home else 0.0

    @property
    def ceiling_m(self) -> float:
        """The site's height limit, above home [m]."""
        return self.bounds.max_agl_m - self.bounds.agl_m(0.0)


@dataclass(frozen=True, slots=True)
class _Findings:
    """What was found of the flight on the way to its plan."""

    legs: tuple[Leg, ...]
    volumes: tuple[PlanVolume, ...]
    margins: MarginBreakdown
    ways: Ways
    fence: tuple[MissionItem, ...]
    energy_wh: float
    worst_wh: float
    clearance_m: float | None


def _planned(job: _Job) -> Plan:
    """The flight timed, its airspace and energy judged, fence and ways back found; raises `Refused` for all of it."""
    legs = timed(job.flight.steps, job.drone, job.wind_mps)
    path_error_m = PATH_ERROR_M + (STRAY_M if job.flight.curved else 0.0)
    margins = derive_margins(wind_mps=job.wind_mps, path_error_m=path_error_m)
    volumes = leg_volumes(legs, frame=job.airspace.frame, home_ellipsoidal_m=job.home_ellipsoidal_m, margins=margins)
    around = Surroundings(job.airspace, job.bounds, margins.margins, job.takeoff_s, job.takeoff_s + legs[-1].end_s)
    reasons = _conflicts(job, legs, volumes, margins)
    energy_wh = worst_wh = math.fsum(leg.energy_wh for leg in legs)
    ways: Ways | None = None
    fence: tuple[MissionItem, ...] = ()
    try:
        ways = ways_back(job.file, job.flight, job.site, around)
        fence = fence_for(job.file, job.flight, ways, around)
    except Refused as refusal:
        reasons += refusal.reasons
    if ways is not None:
        broken_off_wh = worst_broken_off_wh(legs, ways.farthest_m, job.return_m, job.speed_mps, job.drone, job.wind_mps)
        worst_wh = max(energy_wh, broken_off_wh)
    reasons += _limits(job, worst_wh)
    if reasons or ways is None:
        raise Refused(reasons)
    clearance_m = least_clearance_m(legs, volumes, job.airspace, job.takeoff_s)
    return _assembled(job, _Findings(legs, volumes, margins, ways, fence, energy_wh, worst_wh, clearance_m))


def _assembled(job: _Job, found: _Findings) -> Plan:
    file, bounds, flight = job.file, job.bounds, job.flight
    highest_m = max(flight.highest_m, job.return_m)
    parameters = fence_parameters(
        highest_relative_m=min(highest_m + FENCE_HEIGHT_ROOM_M, job.ceiling_m),
        return_relative_m=flight.return_m,
        rally_includes_home=found.ways.with_home,
    )
    return Plan(
        name=PurePath(file.name).stem,
        title=PurePath(file.name).name,
        source=file.kind,
        home=Place(bounds.home.lat_deg, bounds.home.lon_deg, 0.0),
        home_amsl_m=bounds.home_amsl_m,
        geoid_m=job.site.ground.geoid_m,
        takeoff_s=job.takeoff_s,
        items=tuple(as_stored(item) for item in file.items),
        legs=found.legs,
        volumes=found.volumes,
        fence=found.fence,
        rally=found.ways.rally,
        landings=(_landing(flight),),
        hold_seq=0,
        duration_s=found.legs[-1].end_s,
        energy_wh=round(found.energy_wh, 3),
        energy_limit_wh=round(job.limit_wh, 3),
        cruise_mps=job.speed_mps,
        max_relative_m=flight.highest_m,
        parameters=parameters | {"WPNAV_SPEED": round(job.speed_mps * 100.0)},
        photos_planned=round(flight.photos),
        checks=_checks(job, found),
        min_clearance_m=None if found.clearance_m is None else round(found.clearance_m, 2),
        details={
            "file": PurePath(file.name).name,
            "lost": [{"en": words.en, "zh": words.zh} for words in file.lost],
            "wind_mps": job.wind_mps,
            "margins": {"en": found.margins.text("en"), "zh": found.margins.text("zh")},
            "broken_off_worst_wh": round(found.worst_wh, 3),
            "home_moved_m": round(job.moved_m, 1),
            "items_with_ignored_values": [
                seq for seq, item in enumerate(file.items, start=1) if as_stored(item) != item
            ],
        },
    )


def _bounds(file: MissionFile, site: Site, drone: DroneType, home: LatLon | None, home_amsl_m: float | None) -> Bounds:
    if home is None and file.home is not None:
        home = LatLon(file.home.lat_deg, file.home.lon_deg)
    if home_amsl_m is None and file.home is not None:
        home_amsl_m = file.home.amsl_m
    if home is None:
        raise Refused([Reason(NO_HOME, file.name)])
    if home_amsl_m is None:
        raise Refused([Reason(NO_HOME_HEIGHT, file.name)])
    return Bounds(home, home_amsl_m, site.ground, site.limits.max_agl_m, drone.max_speed_mps)


def _speed(file: MissionFile, drone: DroneType) -> float:
    """The speed before the mission orders another: a plan's hover speed, or what ArduCopter flies by itself."""
    if file.hover_mps is None:
        return min(DEFAULT_SPEED_MPS, drone.max_speed_mps)
    if file.hover_mps > drone.max_speed_mps:
        facts = {"speed_mps": file.hover_mps, "most_mps": drone.max_speed_mps}
        raise Refused([Reason(PLAN_TOO_FAST, f"{file.name} mission.hoverSpeed", facts)])
    return file.hover_mps


# -- what is judged


def _conflicts(job: _Job, legs: Sequence[Leg], volumes: Sequence[PlanVolume], margins: MarginBreakdown) -> list[Reason]:
    """Every overlap with a zone or a reservation, the climb to return height from anywhere on the way included."""
    found = check_volumes(volumes, job.airspace, job.takeoff_s)
    known = {(conflict.volume, conflict.other_id) for conflict in found}
    # a return climbs first, from wherever it begins
    ceiling_m = job.home_ellipsoidal_m + job.return_m + margins.margins.vertical_m
    columns = [replace(v, ceiling_ellipsoidal_m=max(v.ceiling_ellipsoidal_m, ceiling_m)) for v in volumes]
    found += [
        conflict
        for conflict in check_volumes(columns, job.airspace, job.takeoff_s)
        if conflict.other_kind == "zone" and (conflict.volume, conflict.other_id) not in known
    ]
    return [conflict.reason(job.file.where[legs[volumes[conflict.volume].leg].seq - 1]) for conflict in found]


def _limits(job: _Job, needed_wh: float) -> list[Reason]:
    reasons = []
    if needed_wh > job.limit_wh:
        facts: dict[str, Any] = {
            "needed_wh": needed_wh,
            "usable_wh": job.limit_wh,
            "reserve": job.site.limits.reserve_fraction,
            "parts": int(needed_wh / job.limit_wh) + 1 if job.limit_wh > 0 else 2,
        }
        reasons.append(Reason(ENERGY, job.file.name, facts))
    if job.wind_mps > job.drone.max_wind_mps:
        whose = Words(f"drone type {job.drone.name}", f"机型 {job.drone.name}")
        facts = {"wind_mps": job.wind_mps, "limit_mps": job.drone.max_wind_mps, "whose": whose}
        reasons.append(Reason(WIND_LIMIT, job.file.name, facts))
    return reasons


def _landing(flight: Flight) -> LandingOption:
    last = flight.steps[-1].leg
    name = flight.landed_at.name if flight.landed_at else "landing"
    return LandingOption(name, flight.landing_seq, last.seq, last.end)


def _checks(job: _Job, found: _Findings) -> tuple[Check, ...]:
    """What was looked at, with the numbers; all of it passed, or there would be no plan."""
    items, gap_m, ways = len(job.file.items), found.clearance_m, found.ways
    high_m, most_m = job.bounds.agl_m(job.flight.highest_m), job.site.limits.max_agl_m
    wind_mps, most_wind_mps = job.wind_mps, job.drone.max_wind_mps
    lateral_m, points, away_m = found.margins.margins.lateral_m, len(ways.rally) + ways.with_home, max(ways.farthest_m)
    near = ("none near", "附近无区域") if gap_m is None else (f"{gap_m:.0f} m", f"{gap_m:.0f} 米")
    own = ("the file's own", "文件自带") if job.file.fence else ("made for it", "自动生成")
    rows = (
        ("items", f"all {items} items are known", f"全部 {items} 个任务项均可识别"),
        (
            "home",
            f"take-off {job.moved_m:.0f} m from the file's home",
            f"起飞点距文件中的起飞点 {job.moved_m:.0f} 米",
        ),
        ("zones", f"least distance to a zone: {near[0]}", f"距区域最小距离：{near[1]}"),
        ("height", f"{high_m:.1f} m above ground, under {most_m:g} m", f"最高离地 {high_m:.1f} 米，低于 {most_m:g} 米"),
        (
            "energy",
            f"{found.worst_wh:.1f} Wh at worst, {job.limit_wh:.1f} Wh may be used",
            f"最多需 {found.worst_wh:.1f} Wh，可用 {job.limit_wh:.1f} Wh",
        ),
        (
            "wind",
            f"{wind_mps:g} m/s, at most {most_wind_mps:g} m/s",
            f"{wind_mps:g} 米/秒，上限 {most_wind_mps:g} 米/秒",
        ),
        (
            "contingency",
            f"{points} places to return to, at most {away_m:.0f} m away and clear of zones",
            f"{points} 个可返回地点，最远 {away_m:.0f} 米，直线航路均无冲突",
        ),
        (
            "fence",
            f"a fence {own[0]} holds the route with {lateral_m:.1f} m to spare",
            f"围栏（{own[1]}）包含航线，余量 {lateral_m:.1f} 米",
        ),
    )
    return tuple(Check(code, True, en, zh) for code, en, zh in rows)
