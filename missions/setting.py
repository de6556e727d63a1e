"""What a plan is made in: the request with its site, airspace, drone and hour, and what follows from them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from shapely.geometry import LineString, Point, Polygon

from airspace.frames import LatLon, LocalFrame
from airspace.margins import MarginBreakdown
from airspace.model import Airspace
from airspace.reasons import Reason, Rule, Words
from airspace.routing import Obstacle, PointXY, Router
from airspace.zones import Zone
from missions import rules
from missions.contingency import Refuge
from missions.plan import Leg
from missions.request import Request
from missions.shadows import Shadow, shadows
from missions.site import Dock, DroneType, OpenGround, Site
from missions.volumes import leg_line

ZONE_ROOM_M = 3.0  # between a leg's lateral margin and a zone: room for the fence
RETURN_ROOM_M = 2.0  # the same for a straight return; less, so that who keeps clear of a zone can also return past it
SHADOW_ROOM_M = 2.5  # between the two, so that who keeps out of a shadow is not on its very edge
DETOUR_M = 3000.0  # beyond all given places nobody looks for a way
LEAST_CLIMB_M = 2.0
FARTHEST_M = 20_000.0  # from home to any point of a request
WHOSE_REQUEST = Words("the request", "请求")


@dataclass(frozen=True)
class Setting:
    """Everything that planning reads. Heights named relative count from home [m]; `window_s` from take-off [s]."""

    request: Request
    site: Site
    airspace: Airspace
    drone: DroneType
    home: LatLon
    home_amsl_m: float
    docks: tuple[Dock, ...]
    takeoff_s: float
    wind_mps: float
    margins: MarginBreakdown
    window_s: float
    use_docks: bool = True
    refuges: tuple[Refuge, ...] = ()

    @property
    def where(self) -> str:
        """What reasons call this request."""
        return self.request.where or self.request.name

    @property
    def frame(self) -> LocalFrame:
        """The local frame of the airspace."""
        return self.airspace.frame

    @property
    def ground_relative_m(self) -> float:
        """The ground's height above home [m], negative when home is higher."""
        return self.site.ground.amsl_m - self.home_amsl_m

    @property
    def cruise_relative_m(self) -> float:
        """The cruise height above home [m], to the centimetre that an autopilot stores."""
        return round(self.request.height_agl_m + self.ground_relative_m, 2)

    @property
    def home_ellipsoidal_m(self) -> float:
        """Home's height over the ellipsoid [m]."""
        return self.home_amsl_m + self.site.ground.geoid_m

    @property
    def lateral_m(self) -> float:
        """The lateral margin [m]."""
        return self.margins.margins.lateral_m

    @property
    def reserve_fraction(self) -> float:
        """What must be left of the battery: the larger of what the site and the request ask."""
        return max(self.site.limits.reserve_fraction, self.request.reserve_fraction or 0.0)

    @cached_property
    def home_xy(self) -> PointXY:
        """Home, east and north [m]."""
        return self.frame.xy(self.home)

    @cached_property
    def cruise_zones(self) -> tuple[Zone, ...]:
        """The zones that are closed at cruise height in the window, by id."""
        return self._zones(self.cruise_relative_m)

    @cached_property
    def cruise(self) -> Router:
        """Ways at cruise height that keep clear of zones and of what they hide from the refuges."""
        return Router([*self._obstacles(self.cruise_zones, ZONE_ROOM_M), *self._hidden], self.area)

    @cached_property
    def returns(self) -> Router:
        """What is clear for a straight return at cruise height."""
        return Router(self._obstacles(self.cruise_zones, RETURN_ROOM_M), self.area)

    @cached_property
    def shadows(self) -> dict[str, Shadow]:
        """What zones hide from the nearest refuge, by the ids that these shadows have as obstacles."""
        zones = self._obstacles(self.cruise_zones, 0.0)
        found = shadows(self.refuges, zones, self.lateral_m + SHADOW_ROOM_M, self.area) if zones else []
        return {f"{shadow.zone} > {shadow.refuge}": shadow for shadow in found}

    @property
    def _hidden(self) -> list[Obstacle]:
        return [Obstacle(id_, shadow.outline, 0.0) for id_, shadow in self.shadows.items()]

    @cached_property
    def column(self) -> Router:
        """What stands in the way of a climb or a landing: zones from the ground to cruise height."""
        lowest = [0.0, self.ground_relative_m, *(self.ground_relative_m + dock.pad_agl_m for dock in self.docks)]
        return Router(self._obstacles(self._zones(min(lowest)), ZONE_ROOM_M), self.area)

    @cached_property
    def open_ground(self) -> tuple[tuple[OpenGround, PointXY], ...]:
        """The open ground of the site on which one can come down without meeting a zone."""
        places = [(ground, self.frame.xy(ground.position)) for ground in self.site.open_ground]
        return tuple((ground, at) for ground, at in places if not self.column.blocked_by(at, at))

    @cached_property
    def all_refuges(self) -> tuple[Refuge, ...]:
        """Where the drone may come down by itself: home and the open ground."""
        grounds = (Refuge(ground.name, at) for ground, at in self.open_ground)
        return (Refuge("home", self.home_xy, home=True), *grounds)

    def lines(self, legs: Sequence[Leg]) -> list[LineString | Point]:
        """The legs in plan [m]."""
        return [leg_line(leg, self.frame) for leg in legs]

    def deadline_reasons(self, ends_s: float) -> list[Reason]:
        """The refusal of a flight whose last volume ends at UTC second `ends_s`, after the deadline."""
        deadline_s = self.request.deadline_s
        if deadline_s is None or ends_s <= deadline_s:
            return []
        facts = {"ends": _utc(ends_s), "deadline": _utc(deadline_s), "late_s": ends_s - deadline_s}
        return [Reason(rules.TOO_LATE, self.where, facts, end_s=ends_s)]

    def _zones(self, lowest_relative_m: float) -> tuple[Zone, ...]:
        room_m = self.margins.margins.vertical_m
        before_s = self.margins.margins.time_s
        return self.airspace.closed_in(
            self.area.buffer(self.lateral_m + ZONE_ROOM_M, join_style="mitre").bounds,
            self.home_ellipsoidal_m + lowest_relative_m - room_m,
            self.home_ellipsoidal_m + self.cruise_relative_m + room_m,
            self.takeoff_s - before_s,
            self.takeoff_s + self.window_s,
            self.request.permitted,
        )

    def _obstacles(self, zones: Sequence[Zone], room_m: float) -> list[Obstacle]:
        return [Obstacle(zone.id, zone.volume.outline, self.lateral_m + room_m) for zone in zones]

    @cached_property
    def area(self) -> Polygon:
        """Where ways are looked for: around all given places."""
        places = [*self.request.line, self.home, *(dock.position for dock in self.docks)]
        places += [ground.position for ground in self.site.open_ground]
        east, north = zip(*(self.frame.xy(place) for place in places), strict=True)
        low, high = (min(east) - DETOUR_M, min(north) - DETOUR_M), (max(east) + DETOUR_M, max(north) + DETOUR_M)
        return Polygon([low, (high[0], low[1]), high, (low[0], high[1])])


def zone_names(setting: Setting, ids: Sequence[str]) -> Words:
    """Obstacles in words: zones by name and id, and what they hide from a refuge."""
    names = [_obstacle_name(setting, id_) for id_ in ids] or [Words("the edge of the area", "规划区域边界")]
    return Words(", ".join(name.en for name in names), "、".join(name.zh for name in names))


def _obstacle_name(setting: Setting, id_: str) -> Words:
    shadow = setting.shadows.get(id_)
    zone = setting.airspace.zone(shadow.zone if shadow else id_)
    if shadow is None:
        return Words(f"{zone.name.en} ({zone.id})", f"{zone.name.zh}（{zone.id}）")
    return Words(
        f"{zone.name.en} ({zone.id}), which hides {shadow.refuge} from a straight return",
        f"{zone.name.zh}（{zone.id}，遮挡至 {shadow.refuge} 的直线返航）",
    )


def limit_reasons(setting: Setting, docks_free: Sequence[str]) -> list[Reason]:
    """What can be refused before any way is looked for."""
    reasons = [
        *_place_reasons(setting),
        *_height_reasons(setting),
        *_dock_reasons(setting, docks_free),
        *_wind_reasons(setting),
    ]
    request, drone = setting.request, setting.drone
    if request.speed_mps > drone.max_speed_mps:
        facts = {"speed_mps": request.speed_mps, "drone": drone.name, "limit_mps": drone.max_speed_mps}
        reasons.append(_reason(setting, rules.SPEED_LIMIT, "speed_mps", facts))
    if request.not_before_s is not None and setting.takeoff_s < request.not_before_s:
        facts = {"takeoff": _utc(setting.takeoff_s), "not_before": _utc(request.not_before_s)}
        reasons.append(_reason(setting, rules.TOO_EARLY, "when.not_before", facts))
    return reasons


def _place_reasons(setting: Setting) -> list[Reason]:
    places = [(f"line[{i}]", point) for i, point in enumerate(setting.request.line)]
    places += [(f"targets[{i}]", target.position) for i, target in enumerate(setting.request.targets)]
    reasons = []
    for path, place in places:
        far_m = place.distance_m(setting.home)
        if far_m > FARTHEST_M:
            facts = {"place": str(place), "far_km": far_m / 1000.0, "limit_km": FARTHEST_M / 1000.0}
            reasons.append(_reason(setting, rules.TOO_FAR, path, facts))
    return reasons


def _height_reasons(setting: Setting) -> list[Reason]:
    height_m, limit_m = setting.request.height_agl_m, setting.site.limits.max_agl_m
    if height_m >= limit_m:
        return [_reason(setting, rules.HEIGHT_LIMIT, "height_agl_m", {"height_m": height_m, "limit_m": limit_m})]
    if setting.cruise_relative_m < LEAST_CLIMB_M:
        needed_m = LEAST_CLIMB_M - setting.ground_relative_m
        facts = {"height_m": height_m, "least_m": LEAST_CLIMB_M, "needed_m": needed_m}
        return [_reason(setting, rules.HEIGHT_HOME, "height_agl_m", facts)]
    return []


def _dock_reasons(setting: Setting, docks_free: Sequence[str]) -> list[Reason]:
    known = [dock.code for dock in setting.site.docks]
    facts = {"site": setting.site.name, "known": ", ".join(known) or "-"}
    reasons = [
        _reason(setting, rules.DOCK_UNKNOWN, "land", {"code": code, **facts})
        for code in dict.fromkeys((*setting.request.docks, *docks_free))
        if code not in known
    ]
    if not reasons and not docks_free:
        reasons.append(_reason(setting, rules.DOCK_NONE, "land", {}))
    return reasons


def _wind_reasons(setting: Setting) -> list[Reason]:
    limits = [(Words(f"drone type {setting.drone.name}", f"机型 {setting.drone.name} "), setting.drone.max_wind_mps)]
    if setting.request.max_wind_mps is not None:
        limits.append((WHOSE_REQUEST, setting.request.max_wind_mps))
    return [
        _reason(setting, rules.WIND_LIMIT, "", {"wind_mps": setting.wind_mps, "whose": whose, "limit_mps": limit_mps})
        for whose, limit_mps in limits
        if setting.wind_mps > limit_mps
    ]


def _reason(setting: Setting, rule: Rule, path: str, facts: Mapping[str, object]) -> Reason:
    return Reason(rule, f"{setting.where} {path}".rstrip(), facts)


def _utc(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
