"""Flying a list of mission items in the mind, as ArduCopter's AUTO mode does: which straight pieces come of them.

Positions 0/0 and heights of 0 mean "as it is now"; orders between two navigation items are obeyed as the first one
ends; a DO_JUMP counts its own repeats and never starts counting again; the drone stands at a point when the item after
it is not one that ArduCopter flies through. Curves become straight pieces that stay within `STRAY_M` of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Reason, Refused, Rule
from missions.foreign_commands import NAVIGATION, PLACED, name_of
from missions.foreign_items import Bounds, stays_here
from missions.foreign_rules import (
    AFTER_LANDING,
    CIRCLE_AT_CENTRE,
    CIRCLE_CLIMBS,
    NO_END,
    NO_TAKEOFF,
    NOTHING_FLOWN,
    SECOND_TAKEOFF,
    SPLINE_BEFORE,
    TOO_LONG,
)
from missions.items import Command, MissionItem
from missions.plan import Leg, Place, Purpose
from missions.site import DroneType
from missions.spline import STRAY_M, PointM, spline_points, turn_radius_m
from missions.timing import JERK_MPS3

MOST_COMMANDS = 20_000  # obeyed in one flight, repeats counted; only a mistake has more
EDGE_M = 3.0  # ArduCopter flies to a circle's edge first when it is farther from it than this
CIRCLE_RATE_RADPS = math.radians(20.0)  # CIRCLE_RATE
CORNERING = 0.5  # the share of the acceleration that may go sideways
RTL_HOVER_S = 5.0  # RTL_LOIT_TIME
FLOWN_THROUGH = (Command.NAV_WAYPOINT, Command.NAV_SPLINE_WAYPOINT, Command.NAV_LOITER_TIME)
STILL: PointM = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class ReturnPoint:
    """Where a return may end: a place and the height above home [m] at which the drone comes there at least."""

    name: str
    at: LatLon
    relative_m: float
    home: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of the flight, not timed yet: a leg, its ends [m] in the local frame and how it ends.

    `wait_s` is how long it lasts for a hold; `stands` says whether the drone stops at its end, `smooth` that the next
    piece goes on along the same curve, whatever corner the straight pieces make of it.
    """

    leg: Leg
    start: PointM
    end: PointM
    wait_s: float = 0.0
    stands: bool = True
    smooth: bool = False


@dataclass(slots=True)
class Flight:
    """What a mission makes the drone fly; `return_m` is the height [m above home] of a return."""

    steps: list[Step] = field(default_factory=list)
    landing_seq: int = 0
    landed_at: ReturnPoint | None = None
    return_m: float = 0.0
    photos: float = 0.0
    curved: bool = False

    @property
    def highest_m(self) -> float:
        """The greatest height above home [m]."""
        return max((step.end[2] for step in self.steps), default=0.0)


def fly(
    items: Sequence[MissionItem],
    where: Sequence[str],
    *,
    bounds: Bounds,
    frame: LocalFrame,
    drone: DroneType,
    speed_mps: float,
    return_points: Sequence[ReturnPoint],
    most_legs: int,
) -> Flight:
    """The flight of items that have passed `check_items`; raises `Refused` where their order cannot be flown.

    `speed_mps` is the speed before any order changes it; a return ends at the nearest of `return_points`.
    """
    copter = _Copter(items, where, bounds, frame, drone, speed_mps, return_points, most_legs)
    copter.run()
    return copter.flight


class _Copter:
    def __init__(
        self,
        items: Sequence[MissionItem],
        where: Sequence[str],
        bounds: Bounds,
        frame: LocalFrame,
        drone: DroneType,
        speed_mps: float,
        return_points: Sequence[ReturnPoint],
        most_legs: int,
    ) -> None:
        self.items, self.where, self.bounds, self.frame, self.drone = items, where, bounds, frame, drone
        self.first_speed_mps = self.speed_mps = speed_mps
        self.return_points, self.most_legs = return_points, most_legs
        self.flight = Flight()
        self.jumps_taken = [0] * (len(items) + 1)
        self.seq = 0
        self.place = Place(bounds.home.lat_deg, bounds.home.lon_deg, 0.0)
        self.at: PointM = (*frame.xy(bounds.home), 0.0)
        self.way_in = STILL  # the direction in which the last point is passed; STILL when the drone stands there
        self.camera_m = 0.0
        self.airborne = self.landed = False

    # -- the order of items

    def run(self) -> None:
        seq = 1
        for _ in range(MOST_COMMANDS):
            if seq > len(self.items):
                break
            self.seq = seq
            item = self.items[seq - 1]
            if item.command == Command.DO_JUMP:
                seq = self.jump(seq, item, self.jumps_taken)
                continue
            if item.command in NAVIGATION:
                self.navigate(item)
            else:
                self.obey(item)
            seq += 1
        else:
            self.refuse(TOO_LONG, most=self.most_legs)
        if not self.airborne:
            raise Refused([Reason(NOTHING_FLOWN, self.where[0])])
        if not self.landed:
            self.refuse(NO_END)

    @staticmethod
    def jump(seq: int, item: MissionItem, taken: list[int]) -> int:
        if taken[seq] < item.param2:
            taken[seq] += 1
            return int(item.param1)
        return seq + 1

    def next_navigation(self) -> MissionItem | None:
        """The navigation item that follows the one at hand, jumps included; none when the mission ends."""
        seq, taken = self.seq + 1, list(self.jumps_taken)
        for _ in range(MOST_COMMANDS):
            if seq > len(self.items):
                return None
            item = self.items[seq - 1]
            if item.command == Command.DO_JUMP:
                seq = self.jump(seq, item, taken)
            elif item.command in NAVIGATION:
                return item
            else:
                seq += 1
        return None

    def refuse(self, rule: Rule, **facts: object) -> None:
        name = name_of(self.items[self.seq - 1].command)
        place = {"lat_deg": self.place.lat_deg, "lon_deg": self.place.lon_deg}
        raise Refused([Reason(rule, self.where[self.seq - 1], {"seq": self.seq, "name": name} | facts, **place)])

    # -- orders

    def obey(self, item: MissionItem) -> None:
        match item.command:
            case Command.DO_CHANGE_SPEED if item.param2 > 0:
                self.speed_mps = item.param2
            case Command.DO_SET_CAM_TRIGG_DIST:
                self.camera_m = max(item.param1, 0.0)
                self.flight.photos += float(self.camera_m > 0 and item.param3 == 1)
            case Command.DO_DIGICAM_CONTROL:
                self.flight.photos += float(item.lat_deg == 1)  # parameter 5: shoot
            case Command.IMAGE_START_CAPTURE:
                self.flight.photos += max(item.param3, 1.0)

    @property
    def purpose(self) -> Purpose:
        """What level flight is for: with the camera firing by distance it is a survey."""
        return Purpose.SURVEY if self.camera_m > 0 else Purpose.TRANSIT

    # -- navigation

    def navigate(self, item: MissionItem) -> None:
        if self.landed:
            self.refuse(AFTER_LANDING)
        if item.command == Command.NAV_TAKEOFF:
            if self.airborne:
                self.refuse(SECOND_TAKEOFF)
            self.airborne = True
            self.go(replace(self.place, relative_m=self.bounds.relative_m(item)), Purpose.CLIMB)
            return
        if not self.airborne:
            self.refuse(NO_TAKEOFF)
        match item.command:
            case Command.NAV_WAYPOINT:
                self.waypoint(item)
            case Command.NAV_SPLINE_WAYPOINT:
                self.spline(item)
            case Command.NAV_LOITER_TIME:
                self.go(self.target(item))
                self.wait(item.param1)
            case Command.NAV_DELAY:
                self.wait(item.param1)
            case Command.NAV_LOITER_TURNS:
                self.circle(item)
            case Command.NAV_LAND:
                self.land_item(item)
            case _:
                self.go_back()

    def target(self, item: MissionItem) -> Place:
        """Where an item sends the drone: what it leaves out stays as it is."""
        return self.beyond(item, self.place)

    def beyond(self, item: MissionItem, default: Place) -> Place:
        lat_deg, lon_deg = (default.lat_deg, default.lon_deg) if stays_here(item) else (item.lat_deg, item.lon_deg)
        return Place(lat_deg, lon_deg, self.bounds.relative_m(item) if item.alt_m else default.relative_m)

    def xyz(self, place: Place) -> PointM:
        return (*self.frame.xy(LatLon(place.lat_deg, place.lon_deg)), place.relative_m)

    def step(self, end: Place, end_at: PointM, purpose: Purpose, speed_mps: float, **more: float | bool) -> None:
        leg = Leg(self.seq, purpose, self.place, end, 0.0, 0.0, speed_mps, 0.0)
        self.flight.steps.append(Step(leg, self.at, end_at, **more))  # type: ignore[arg-type]
        if self.camera_m > 0 and purpose is not Purpose.HOLD:
            self.flight.photos += math.dist(self.at[:2], end_at[:2]) / self.camera_m
        self.place, self.at = end, end_at
        if len(self.flight.steps) > self.most_legs:
            self.refuse(TOO_LONG, most=self.most_legs)

    def go(self, end: Place, purpose: Purpose | None = None, *, stands: bool = True) -> None:
        """Straight on to a place, if it is not here."""
        end_at = self.xyz(end)
        self.way_in = STILL
        if end_at == self.at:
            return
        if not stands:
            self.way_in = _minus(end_at, self.at)
        purpose = purpose or self.purpose
        speed_mps = self.drone.climb_mps if purpose is Purpose.CLIMB else self.speed_mps
        self.step(end, end_at, purpose, speed_mps, stands=stands)

    def wait(self, seconds: float) -> None:
        self.way_in = STILL
        if seconds > 0:
            self.step(self.place, self.at, Purpose.HOLD, 0.0, wait_s=seconds)

    def waypoint(self, item: MissionItem) -> None:
        following = self.next_navigation()
        through = item.param1 == 0 and following is not None and following.command in FLOWN_THROUGH
        self.go(self.target(item), stands=not through)
        self.wait(item.param1) if item.param1 > 0 else None

    def spline(self, item: MissionItem) -> None:
        """ArduCopter's curve: in by the way the drone comes, out towards the next item unless it waits here."""
        end = self.target(item)
        end_at, start_at, way_out = self.xyz(end), self.at, STILL
        following = self.next_navigation() if item.param1 == 0 else None
        if following is not None and following.command == Command.NAV_DELAY:
            self.refuse(SPLINE_BEFORE, next=name_of(following.command))
        if following is not None and following.command in PLACED:
            beyond_at = self.xyz(self.beyond(following, end))
            way_out = _minus(beyond_at, start_at if following.command == Command.NAV_SPLINE_WAYPOINT else end_at)
        points = (start_at, *spline_points(start_at, end_at, self.way_in, way_out))
        for i, point in enumerate(points[1:], start=1):
            if point == self.at:
                continue
            radius_m = turn_radius_m(points[i - 1], point, points[i + 1]) if i + 1 < len(points) else math.inf
            slowest_mps = math.sqrt(CORNERING * self.drone.acceleration_mps2 * radius_m)
            last = i == len(points) - 1
            at = end if last else self.place_at(point)
            stands = last and way_out == STILL
            speed_mps = min(self.speed_mps, slowest_mps)
            self.step(at, point, self.purpose, speed_mps, stands=stands, smooth=not last)
        self.flight.curved = True
        self.way_in = way_out
        self.wait(item.param1) if item.param1 > 0 else None

    def circle(self, item: MissionItem) -> None:
        """To the nearest point of the circle, then around; a negative radius turns against the clock."""
        centre = self.target(item)
        cx, cy, cz = self.xyz(centre)
        radius_m = abs(item.param3)
        from_centre_m = math.hypot(self.at[0] - cx, self.at[1] - cy)
        if from_centre_m < 1.0:
            self.refuse(CIRCLE_AT_CENTRE)
        bearing = math.atan2(self.at[0] - cx, self.at[1] - cy)
        if abs(from_centre_m - radius_m) > EDGE_M:
            edge = (cx + radius_m * math.sin(bearing), cy + radius_m * math.cos(bearing), cz)
            self.go(self.place_at(edge))
        else:
            radius_m = from_centre_m
        if abs(self.at[2] - cz) > STRAY_M:
            self.refuse(CIRCLE_CLIMBS, from_m=self.at[2], to_m=cz)
        pieces = max(8, math.ceil(math.pi / math.acos(max(0.0, 1 - STRAY_M / radius_m))))
        sideways_mps = math.sqrt(CORNERING * self.drone.acceleration_mps2 * radius_m)
        speed_mps = min(self.first_speed_mps, CIRCLE_RATE_RADPS * radius_m, sideways_mps)
        turn = math.copysign(2 * math.pi / pieces, item.param3)
        for piece in range(1, pieces * int(item.param1) + 1):
            angle = bearing + turn * piece
            point = (cx + radius_m * math.sin(angle), cy + radius_m * math.cos(angle), self.at[2])
            self.step(self.place_at(point), point, self.purpose, speed_mps, stands=False, smooth=True)
        self.flight.curved = True
        side = math.copysign(1.0, turn)
        self.run_out(side * math.cos(bearing), -side * math.sin(bearing), speed_mps)

    def run_out(self, east: float, north: float, speed_mps: float) -> None:
        """Straight on in a direction until the drone stands: what follows a circle begins where it has stopped."""
        acceleration = self.drone.acceleration_mps2
        run_m = speed_mps**2 / (2 * acceleration) + speed_mps * acceleration / (2 * JERK_MPS3)
        point = (self.at[0] + east * run_m, self.at[1] + north * run_m, self.at[2])
        self.step(self.place_at(point), point, self.purpose, speed_mps)
        self.way_in = STILL

    def place_at(self, point: PointM) -> Place:
        at = self.frame.latlon(point[0], point[1])
        return Place(at.lat_deg, at.lon_deg, point[2])

    # -- the end

    def land_item(self, item: MissionItem) -> None:
        """Level to the place, then straight down, whatever height the item names."""
        over = replace(self.target(item), relative_m=self.place.relative_m)
        first_seq = self.seq
        self.go(over, Purpose.APPROACH)
        at = LatLon(over.lat_deg, over.lon_deg)
        self.flight.return_m = self.flight.highest_m
        self.down(ReturnPoint("landing", at, 0.0, home=at.distance_m(self.bounds.home) < EDGE_M), first_seq)

    def go_back(self) -> None:
        """ArduCopter's return: climb to the return height, straight to the nearest return point, hover, land."""
        here = LatLon(self.place.lat_deg, self.place.lon_deg)
        return_point = min(self.return_points, key=lambda r: (here.distance_m(r.at), not r.home))
        self.flight.return_m = self.flight.highest_m
        height_m = max(self.flight.highest_m, return_point.relative_m)
        self.speed_mps = self.first_speed_mps  # RTL_SPEED 0: the speed of WPNAV_SPEED
        self.go(replace(self.place, relative_m=height_m), Purpose.CLIMB)
        self.go(Place(return_point.at.lat_deg, return_point.at.lon_deg, height_m), Purpose.APPROACH)
        self.wait(RTL_HOVER_S)
        self.down(return_point, self.seq)

    def down(self, return_point: ReturnPoint, first_seq: int) -> None:
        # home is where the drone stood, which may be a dock above the ground; elsewhere the ground is level
        ground_m = 0.0 if return_point.home else -self.bounds.agl_m(0.0)
        end = replace(self.place, relative_m=ground_m)
        self.step(end, (self.at[0], self.at[1], ground_m), Purpose.LANDING, self.drone.descent_mps)
        self.flight.landing_seq, self.flight.landed_at = first_seq, return_point
        self.landed = True


def _minus(a: PointM, b: PointM) -> PointM:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])
