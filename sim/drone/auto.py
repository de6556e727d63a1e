"""AUTO: the mission, item by item.

A navigation item runs until it is done; the DO and CONDITION items behind it run, one after the other, while the next
navigation item is flown. Waypoints that need no stop are joined. As on the real autopilot MISSION_ITEM_REACHED is
sent once, and when a DO item follows at once only the later one is seen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.guides import AlongTrack, Circle, Guide, Stay, TakeOff
from sim.drone.items import CONDITION, NAV, TAKEOFFS, StoredItem
from sim.drone.modes import Return, descent, return_target
from sim.drone.trajectory import Leg, Limits, Point, SplineLeg, StraightLeg, departure

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot

NONE, NOT_STARTED, ACTIVE, PAUSED, COMPLETE = 1, 2, 3, 4, 5  # MISSION_STATE
JOINABLE = frozenset({16, 17, 19, 82})
SPLINE_FACTOR = 4.0
TAG, DO_JUMP_TAG = 600, 601
MAX_JUMPS = 100  # items looked at in search of the next one, so that jumps in a ring end


class MissionRunner:
    """Where the mission is; `update` moves it on."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot
        self.seq = 0
        self.state = NOT_STARTED
        self.reached: int | None = None  # waits to be sent
        self._waiting_do: list[int] = []
        self._condition_until_s: float | None = None
        self._jumps: dict[int, int] = {}
        self._started_item: StoredItem | None = None
        self._land_leg = False
        self.paused = False

    @property
    def _items(self) -> list[StoredItem]:
        return self._autopilot.lists.mission

    @property
    def total(self) -> int:
        """Items without home."""
        return max(len(self._items) - 1, 0)

    @property
    def wire_state(self) -> int:
        """MISSION_CURRENT.mission_state."""
        if self.total == 0:
            return NONE
        if self.state == ACTIVE and not self._autopilot.in_auto:
            return NOT_STARTED
        return PAUSED if self.paused else self.state

    def begin(self) -> bool:
        """AUTO was entered: start, or go on where it was left; False when there is nothing to fly."""
        if self.total == 0:
            self.state = NOT_STARTED
            return not self._autopilot.armed
        restart = bool(self._autopilot.parameters["MIS_RESTART"])
        if self.state == ACTIVE and 0 < self.seq < len(self._items) and not restart:
            return self._start_nav(self.seq)
        self._jumps.clear()
        start = self.seq if self.state == NOT_STARTED and 0 < self.seq < len(self._items) else 1
        self.state = ACTIVE
        return self._advance_to(start)

    def select(self, seq: int) -> bool:
        """Make an item the current one, at once when AUTO is flying; False when there is no such item."""
        if not 0 <= seq < len(self._items):
            return False
        if seq == 0 or self.state == COMPLETE:
            self._jumps.clear()
        if self._autopilot.in_auto and self._autopilot.armed:
            self.state = ACTIVE
            self._advance_to(max(seq, 1))
        else:
            self.seq = seq
            self.state = NOT_STARTED
        return True

    def reset(self) -> None:
        """The drone has been disarmed: a mission that was under way begins anew next time."""
        if self.state == ACTIVE:
            self.state = NOT_STARTED
            self.seq = 0
        self._waiting_do.clear()
        self._condition_until_s = None
        self.paused = False

    def list_changed(self) -> None:
        """The mission was changed: fly on with the current item as it is now."""
        if self.total == 0:
            if self.state == ACTIVE and self._autopilot.in_auto and self._autopilot.flying:
                self._autopilot.guide = Stay(self._autopilot.body, self._autopilot.limits())
            self.seq, self.state = 0, NOT_STARTED
            self._started_item = None
            return
        if self.state != ACTIVE or not self._autopilot.in_auto:
            if self.seq >= len(self._items):
                self.seq = 0
            if self.state == COMPLETE:
                self.state = NOT_STARTED
            return
        if self.seq < len(self._items) and self._items[self.seq] != self._started_item:
            self._autopilot.say(mavlink.MAV_SEVERITY_CRITICAL, "Auto mission changed, restarted command")
            self._start_nav(self.seq)

    def pause(self) -> bool:
        """Hold on the way to a waypoint; False when it is not on one."""
        autopilot = self._autopilot
        if self.paused or not autopilot.flying or not isinstance(autopilot.guide, AlongTrack) or autopilot.guide.done:
            return False
        autopilot.guide = Stay(autopilot.body, autopilot.limits())
        self.paused = True
        return True

    def resume(self) -> bool:
        """Go on to the waypoint; False when it was not held."""
        if not self.paused:
            return False
        return self._start_nav(self.seq)

    def update(self) -> None:
        """Go on when the present item is done; run what DO items wait."""
        if self.state != ACTIVE or not self._autopilot.in_auto or not self._autopilot.armed:
            return
        self._run_do()
        guide = self._autopilot.guide
        if self.paused or guide is None or not guide.done or not self.seq < len(self._items):
            return
        if self._land_leg:
            self._land_leg = False
            self._autopilot.guide = descent(self._autopilot)
            return
        self._nav_done()

    def landed(self) -> None:
        """The drone stands and is about to disarm: an RTL item is done by that; a LAND item stays as it is."""
        if self.state != ACTIVE or not self._autopilot.in_auto or self.seq >= len(self._items):
            return
        if self._items[self.seq].command == mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH:
            self.reached = self.seq
            self._complete()

    def speed_changed(self) -> None:
        """Fly the present legs at the new speed."""
        guide = self._autopilot.guide
        if isinstance(guide, AlongTrack):
            guide.track.change(self._autopilot.limits())

    def _nav_done(self) -> None:
        item = self._items[self.seq]
        self.reached = self.seq
        if item.command not in TAKEOFFS:
            self._autopilot.say(mavlink.MAV_SEVERITY_INFO, f"Reached command #{self.seq}")
        self._advance_to(self.seq + 1)

    def _complete(self) -> None:
        self.state = COMPLETE
        self.seq = 0
        self._started_item = None

    def _next_nav(self, seq: int, *, count: bool = False) -> tuple[int | None, list[int]]:
        """The first navigation item from `seq` on, and the DO items on the way; `count` uses up the jumps taken."""
        passed: list[int] = []
        for _ in range(MAX_JUMPS):
            if seq >= len(self._items):
                return None, passed
            item = self._items[seq]
            if item.command in NAV:
                return seq, passed
            target = self._jump_target(item)
            if target is not None:
                taken, limit = self._jumps.get(seq, 0), int(item.param2)
                if limit < 0 or taken < limit:
                    if count:
                        self._jumps[seq] = taken + 1
                    seq = max(target, 1)
                    continue
            else:
                passed.append(seq)
            seq += 1
        return None, passed

    def _jump_target(self, item: StoredItem) -> int | None:
        """The item that a jump leads to, behind the last one when there is no such tag; None for what is no jump."""
        if item.command == mavlink.MAV_CMD_DO_JUMP:
            return int(item.param1)
        if item.command != DO_JUMP_TAG:
            return None
        tags = (seq for seq, other in enumerate(self._items) if other.command == TAG and other.param1 == item.param1)
        return next(tags, len(self._items))

    def _advance_to(self, seq: int) -> bool:
        nav, passed = self._next_nav(seq, count=True)
        self._waiting_do = passed
        self._condition_until_s = None
        if nav is None:
            self._run_do()
            self._complete()
            if self._autopilot.flying:
                guide = self._autopilot.guide
                if not (isinstance(guide, AlongTrack) and guide.track.finished):
                    self._autopilot.guide = Stay(self._autopilot.body, self._autopilot.limits())
            return True
        previous = self.seq
        self.seq = nav
        if not self._continue_track(nav, previous):
            self._start_nav(nav)
        self._run_do()
        return True

    def _continue_track(self, nav: int, previous: int) -> bool:
        """Take over the leg that is being turned into already."""
        guide = self._autopilot.guide
        if not isinstance(guide, AlongTrack) or nav == previous or not guide.track.finished:
            return False
        after = guide.track.after
        item = self._items[nav]
        if after is None or item.command not in JOINABLE or self._point(item, after.start) != after.end:
            return False
        self._autopilot.yaw_fixed_deg = None
        guide.track.shift()
        guide.done = False
        guide.hold_s = self._hold_s(item)
        self._announce(nav, item)
        self._join_next(guide, nav)
        return True

    def _announce(self, seq: int, item: StoredItem) -> None:
        self._started_item = item
        self._autopilot.say(mavlink.MAV_SEVERITY_INFO, f"Mission: {seq} {item.name}")

    @staticmethod
    def _hold_s(item: StoredItem) -> float:
        if item.command == mavlink.MAV_CMD_NAV_LOITER_UNLIM:
            return float("inf")
        return item.param1 if item.command in (16, 19, 82) else 0.0

    def _start_nav(self, seq: int) -> bool:
        autopilot, item = self._autopilot, self._items[seq]
        self.seq = seq
        self._land_leg = self.paused = False
        self._announce(seq, item)
        autopilot.yaw_fixed_deg = None
        limits = autopilot.limits()
        if item.command in TAKEOFFS:
            height = autopilot.up_m(item.frame, item.z)
            spool_s = 0.0 if autopilot.flying else autopilot.spool_s
            autopilot.guide = TakeOff(max(height, autopilot.body.u), limits, spool_s)
            return True
        if not autopilot.flying:
            autopilot.guide = None  # on the ground only a takeoff can begin
            return True
        autopilot.guide = self._guide(seq, item, limits)
        return True

    def _guide(self, seq: int, item: StoredItem, limits: Limits) -> Guide:
        autopilot, body, ref = self._autopilot, self._autopilot.body, self._autopilot.reference
        here = (ref.pe, ref.pn, ref.pu)
        match item.command:
            case mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH:
                return Return(autopilot, return_target(autopilot))
            case mavlink.MAV_CMD_NAV_LAND | mavlink.MAV_CMD_NAV_VTOL_LAND:
                if not item.placed:
                    return descent(autopilot)
                self._land_leg = True
                e, n = autopilot.local(item.x / 1e7, item.y / 1e7)
                start, braking = departure(ref, limits)
                return AlongTrack(StraightLeg(start, (e, n, start[2]), limits), limits, before=braking)
            case mavlink.MAV_CMD_NAV_DELAY:
                return Stay(body, limits, max(item.param1, 0.0))
            case mavlink.MAV_CMD_NAV_LOITER_TURNS:
                centre = self._point(item, here)
                radius = abs(item.param3)
                return Circle(centre, radius, item.param1, item.param3 >= 0.0, limits)
            case _:
                start, braking = departure(ref, limits)
                guide = AlongTrack(self._leg(seq, item, start, limits), limits, self._hold_s(item), braking)
                self._join_next(guide, seq)
                return guide

    def _point(self, item: StoredItem, here: Point) -> Point:
        """Where an item is; 0/0 is the place and a height of 0, in any frame, the height of `here`, the end before."""
        e, n = self._autopilot.local(item.x / 1e7, item.y / 1e7) if item.placed else here[:2]
        return e, n, self._autopilot.up_m(item.frame, item.z) if item.z != 0.0 else here[2]

    def _leg(self, seq: int, item: StoredItem, start: Point, limits: Limits) -> Leg:
        end = self._point(item, start)
        if item.command != mavlink.MAV_CMD_NAV_SPLINE_WAYPOINT:
            return StraightLeg(start, end, limits)
        tangents = self._tangent_in(seq, start, end), self._tangent_out(seq, start, end)
        return SplineLeg(start, end, *_bounded(*tangents, math.dist(start, end)), limits)

    def _tangent_in(self, seq: int, start: Point, end: Point) -> Point:
        """The tangent at the start of a spline: along the leg before, nothing from a stop."""
        before = self._items[seq - 1] if seq > 1 else None
        if before is None or before.command not in (16, 82) or before.param1 > 0.0:
            return (0.0, 0.0, 0.0)
        earlier = self._items[seq - 2] if seq > 2 else None
        origin = self._point(earlier, start) if earlier is not None and earlier.placed else start
        return _from_to(origin, end if before.command == mavlink.MAV_CMD_NAV_SPLINE_WAYPOINT else start)

    def _tangent_out(self, seq: int, start: Point, end: Point) -> Point:
        """The tangent at the end of a spline: towards what follows, nothing for a stop."""
        following = self._next_nav(seq + 1)[0]
        item = self._items[following] if following is not None else None
        if item is None or item.command not in JOINABLE or self._items[seq].param1 > 0.0:
            return (0.0, 0.0, 0.0)
        spline = item.command == mavlink.MAV_CMD_NAV_SPLINE_WAYPOINT
        return _from_to(start if spline else end, self._point(item, end))

    def _join_next(self, guide: AlongTrack, seq: int) -> None:
        """Look one item ahead: a waypoint without a stop is joined to the next."""
        item = self._items[seq]
        if item.command not in (16, 82) or guide.hold_s > 0.0:
            return
        following = self._next_nav(seq + 1)[0]
        if following is None or self._items[following].command not in JOINABLE:
            return
        leg = self._leg(following, self._items[following], guide.track.leg.end, guide.track.limits)
        if leg.profile.length_m > 0.1:
            guide.track.then(leg)

    def _run_do(self) -> None:
        while self._waiting_do:
            now = self._autopilot.now_s
            if self._condition_until_s is not None:
                if now < self._condition_until_s:
                    return
                self._condition_until_s = None
            seq = self._waiting_do.pop(0)
            item = self._items[seq] if seq < len(self._items) else None
            if item is None:
                continue
            self._autopilot.say(mavlink.MAV_SEVERITY_INFO, f"Mission: {seq} {item.name}")
            if item.command in CONDITION:
                self._condition_until_s = now + self._autopilot.condition_s(item)
            else:
                self._autopilot.do(item)
            self.reached = seq


def _from_to(a: Point, b: Point) -> Point:
    return b[0] - a[0], b[1] - a[1], b[2] - a[2]


def _bounded(tangent_in: Point, tangent_out: Point, length_m: float) -> tuple[Point, Point]:
    """The tangents made smaller when together they are longer than four legs, as ArduPilot's SplineCurve does."""
    size = math.hypot(*tangent_in) + math.hypot(*tangent_out)
    if size <= SPLINE_FACTOR * length_m:
        return tangent_in, tangent_out
    share = SPLINE_FACTOR * length_m / size
    (ae, an, au), (be, bn, bu) = tangent_in, tangent_out
    return (ae * share, an * share, au * share), (be * share, bn * share, bu * share)
