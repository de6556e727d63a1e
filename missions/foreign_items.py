"""Each item of a foreign mission by itself: whether it is known, and whether its numbers can be flown.

What depends on the order of items (take-off first, an end, jumps taken) is `missions.copter`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from airspace.frames import Ground, LatLon
from airspace.reasons import Reason, Rule, Words
from missions.foreign_commands import NAVIGATION, NEVER_ENDS, PLACED, name_of, refusal_of
from missions.foreign_rules import (
    AUTOCONTINUE,
    BELOW_GROUND,
    FRAME,
    HEIGHT_ZERO,
    JUMP_TARGET,
    NO_POSITION,
    SPEED_AFTER_DELAY,
    TERRAIN,
    TOO_FAR,
    TOO_FAST,
    TOO_HIGH,
    VALUE,
    VERTICAL_SPEED,
)
from missions.items import Command, Frame, MissionItem
from missions.mission_file import is_on_earth

FARTHEST_M = 20_000.0
LONGEST_WAIT_S = 3600.0
SLOWEST_MPS = 0.2  # ArduCopter ignores a wish for less
RELATIVE_FRAMES = (Frame.GLOBAL_RELATIVE_ALT, Frame.GLOBAL_RELATIVE_ALT_INT)
AMSL_FRAMES = (Frame.GLOBAL, Frame.GLOBAL_INT)
TERRAIN_FRAMES = (Frame.GLOBAL_TERRAIN_ALT, Frame.GLOBAL_TERRAIN_ALT_INT)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What items are judged against: the take-off place and its height, and what drone and rules allow."""

    home: LatLon
    home_amsl_m: float
    ground: Ground
    max_agl_m: float
    max_speed_mps: float

    def agl_m(self, relative_m: float) -> float:
        """Height above ground [m] of a height above home [m]."""
        return relative_m + self.home_amsl_m - self.ground.amsl_m

    def relative_m(self, item: MissionItem) -> float:
        """Height above home [m] of an item with a place, in a relative or absolute frame."""
        return item.alt_m if item.frame in RELATIVE_FRAMES else item.alt_m - self.home_amsl_m


def stays_here(item: MissionItem) -> bool:
    """Whether ArduCopter takes the item's place for 'where the drone is': latitude and longitude are 0."""
    return item.lat_deg == 0.0 and item.lon_deg == 0.0


def check_items(items: Sequence[MissionItem], where: Sequence[str], bounds: Bounds) -> list[Reason]:
    """Everything wrong with single items, in their order."""
    judge = _Judge(items, where, bounds)
    for seq, item in enumerate(items, start=1):
        judge.item(seq, item)
    return judge.reasons


class _Judge:
    def __init__(self, items: Sequence[MissionItem], where: Sequence[str], bounds: Bounds) -> None:
        self.items = items
        self.where = where
        self.bounds = bounds
        self.reasons: list[Reason] = []

    def no(self, seq: int, rule: Rule, **facts: object) -> None:
        name = name_of(self.items[seq - 1].command)
        self.reasons.append(Reason(rule, self.where[seq - 1], {"seq": seq, "name": name} | facts))

    def value(self, seq: int, what: Words, value: float, wanted: Words) -> None:
        self.no(seq, VALUE, what=what, value=f"{value:g}", wanted=wanted)

    def item(self, seq: int, item: MissionItem) -> None:
        if rule := refusal_of(item.command):
            self.no(seq, rule)
            return
        numbers = (item.param1, item.param2, item.param3, item.param4, item.lat_deg, item.lon_deg, item.alt_m)
        if bad := [number for number in numbers if not math.isfinite(number)]:
            self.value(seq, Words("a number", "某个数"), bad[0], Words("finite", "有限数"))
            return
        if item.command in NAVIGATION and not item.autocontinue:
            self.no(seq, AUTOCONTINUE)
        if item.frame in TERRAIN_FRAMES and item.command in PLACED:
            self.no(seq, TERRAIN)
        elif item.frame not in (*RELATIVE_FRAMES, *AMSL_FRAMES, *TERRAIN_FRAMES) and (
            item.frame != Frame.MISSION or item.command in PLACED
        ):
            self.no(seq, FRAME, frame=item.frame)
        elif item.command in PLACED:
            self.place(seq, item)
        self.parameters(seq, item)

    def place(self, seq: int, item: MissionItem) -> None:
        """Position and height of an item that is a place."""
        here = stays_here(item)
        if not is_on_earth(item.lat_deg, item.lon_deg):
            self.value(
                seq,
                Words("the position", "位置"),
                max(abs(item.lat_deg), abs(item.lon_deg)),
                Words("latitude within 90 and longitude within 180 degrees", "纬度不超过 90 度、经度不超过 180 度"),
            )
        elif here and item.command in (Command.NAV_WAYPOINT, Command.NAV_SPLINE_WAYPOINT):
            self.no(seq, NO_POSITION)
        elif not here:
            distance_m = self.bounds.home.distance_m(LatLon(item.lat_deg, item.lon_deg))
            if distance_m > FARTHEST_M:
                self.no(seq, TOO_FAR, km=distance_m / 1000, most_km=FARTHEST_M / 1000)
        # a landing goes down to the ground whatever its height says
        if item.command != Command.NAV_LAND:
            self.height(seq, item, here)

    def height(self, seq: int, item: MissionItem, here: bool) -> None:
        if item.alt_m == 0.0 and item.command != Command.NAV_TAKEOFF:
            if not here:
                self.no(seq, HEIGHT_ZERO)
            return
        relative_m = self.bounds.relative_m(item)
        agl_m = self.bounds.agl_m(relative_m)
        if min(relative_m, agl_m) <= 0.0:
            self.no(seq, BELOW_GROUND, agl_m=agl_m)
        elif agl_m >= self.bounds.max_agl_m:
            self.no(seq, TOO_HIGH, agl_m=agl_m, most_m=self.bounds.max_agl_m)

    def parameters(self, seq: int, item: MissionItem) -> None:
        match item.command:
            case Command.NAV_WAYPOINT | Command.NAV_SPLINE_WAYPOINT | Command.NAV_LOITER_TIME:
                self.wait(seq, item.param1, 0.0)
                # the vehicle stores these in whole seconds
                if item.param1 % 1.0 != 0.0:
                    self.value(seq, Words("the wait", "停留时间"), item.param1, Words("whole seconds", "整秒"))
            case Command.NAV_DELAY:
                # without seconds it waits for a time of day, which a plan that is flown later cannot promise
                self.wait(seq, item.param1, 0.1)
            case Command.NAV_LOITER_TURNS:
                self.turns(seq, item)
            case Command.DO_CHANGE_SPEED:
                self.speed(seq, item)
            case Command.DO_JUMP:
                self.jump(seq, item)

    def wait(self, seq: int, seconds: float, least_s: float) -> None:
        if not least_s <= seconds <= LONGEST_WAIT_S:
            wanted = Words(f"{least_s:g} to {LONGEST_WAIT_S:g} s", f"{least_s:g} 至 {LONGEST_WAIT_S:g} 秒")
            self.value(seq, Words("the wait", "停留时间"), seconds, wanted)

    def turns(self, seq: int, item: MissionItem) -> None:
        """ArduPilot stores turns in a byte, and the radius in a byte of metres or of tens of metres."""
        if not (item.param1 == int(item.param1) and 1 <= item.param1 <= 255):
            wanted = Words("a whole number from 1 to 255", "1 至 255 的整数")
            self.value(seq, Words("the number of turns", "圈数"), item.param1, wanted)
        radius_m = abs(item.param3)
        if not (radius_m == int(radius_m) and (1 <= radius_m <= 255 or (radius_m <= 2550 and radius_m % 10 == 0))) or (
            radius_m == 0
        ):
            wanted = Words(
                "whole metres from 1 to 255, or tens of metres to 2550", "1 至 255 的整米数，或不超过 2550 的整十米数"
            )
            self.value(seq, Words("the radius", "半径"), item.param3, wanted)

    def speed(self, seq: int, item: MissionItem) -> None:
        if item.param1 in (2.0, 3.0):
            self.no(seq, VERTICAL_SPEED)
        elif item.param1 not in (0.0, 1.0):
            self.value(seq, Words("the kind of speed", "速度类型"), item.param1, Words("0 or 1", "0 或 1"))
        elif item.param2 > self.bounds.max_speed_mps:
            self.no(seq, TOO_FAST, speed_mps=item.param2, most_mps=self.bounds.max_speed_mps)
        elif 0.0 < item.param2 < SLOWEST_MPS or (item.param2 <= 0.0 and item.param2 not in (0.0, -1.0)):
            wanted = Words(
                f"at least {SLOWEST_MPS:g} m/s, or -1 for no change", f"至少 {SLOWEST_MPS:g} 米/秒，或 -1 表示不变"
            )
            self.value(seq, Words("the speed", "速度"), item.param2, wanted)
        before = seq - 1
        while before >= 1 and self.items[before - 1].command not in NAVIGATION:
            if self.items[before - 1].command == Command.CONDITION_DELAY:
                self.no(before, SPEED_AFTER_DELAY)
                return
            before -= 1

    def jump(self, seq: int, item: MissionItem) -> None:
        if item.param2 == -1.0:
            self.no(seq, NEVER_ENDS)
        elif not (item.param2 == int(item.param2) and 0 <= item.param2 <= 32767):
            self.value(seq, Words("the number of repeats", "重复次数"), item.param2, Words("0 to 32767", "0 至 32767"))
        if not (item.param1 == int(item.param1) and 1 <= item.param1 <= len(self.items)):
            self.no(seq, JUMP_TARGET, target=f"{item.param1:g}", last=len(self.items))
