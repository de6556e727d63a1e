"""PX4's commander and navigator: modes, arming, and what a mode does with the vehicle.

Every mode is flown by one of the autopilot's own (`FLOWN_BY`); here is when PX4 lets it be entered, what it is entered
with, and when one mode gives way to the next: TAKEOFF and a finished MISSION to LOITER, a return in a mission to RTL.
Texts are PX4 1.13's, without the tab at their end that tells a ground station to wait for an event instead: the dialect
has no EVENT message.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.auto import ACTIVE, COMPLETE
from sim.drone.autopilot import Autopilot
from sim.drone.fence import FenceError
from sim.drone.guides import Circle, GoTo
from sim.drone.items import FENCE, MISSION, RALLY, StoredItem
from sim.drone.modes import Mode, guide_for
from sim.drone.trajectory import Point
from sim.px4.items import FlownList, flown
from sim.px4.modes import FLOWN_BY, MAIN_AUTO, NEED_POSITION, Px4Mode
from sim.px4.parameters import Px4Parameters

CRITICAL, INFO = mavlink.MAV_SEVERITY_CRITICAL, mavlink.MAV_SEVERITY_INFO
NOT_LOWER_M = 0.1  # a wished height that much under the least one is raised without a word
# what the vehicle does by itself, as PX4's modes
OWN_DOING = {Mode.LAND: Px4Mode.LAND, Mode.RTL: Px4Mode.RTL, Mode.SMART_RTL: Px4Mode.RTL}


class Commander:
    """The mode PX4 is in and the acts that change it; `flight` is the mission as the vehicle flies it."""

    def __init__(self, autopilot: Autopilot, parameters: Px4Parameters, say: Callable[[int, str], None]) -> None:
        self._autopilot = autopilot
        self._parameters = parameters
        self.say = say
        self.mode = Px4Mode.MANUAL
        self.mission: list[StoredItem] = []
        self.flight = FlownList((), ())
        self.orbit: Circle | None = None
        self.offboard_fresh: Callable[[], bool] = lambda: False
        self._take_off_up_m: float | None = None  # what a take-off that is to come goes to
        self._climbed_to_m = 0.0  # what the last one went to
        self._entering = False
        self._ready = False
        self._was_flying = False
        self._was_armed = False
        self._flew = False  # since it was armed

    def rebooted(self) -> None:
        """Begin anew on the ground."""
        self.mode = Px4Mode.MANUAL
        self._ready = self._was_flying = self._was_armed = False
        self.orbit = self._take_off_up_m = None

    # Modes

    def may_enter(self, mode: Px4Mode) -> bool:
        """Whether PX4 lets a mode be entered now."""
        if mode in NEED_POSITION and not self._autopilot.readiness.navigable:
            return False
        if mode is Px4Mode.OFFBOARD:
            return self.offboard_fresh()
        return mode is not Px4Mode.MISSION or bool(self.mission)

    def enter(self, mode: Px4Mode) -> bool:
        """Change the mode; False when PX4 does not let it be entered."""
        if mode is self.mode:
            return True
        if not self.may_enter(mode):
            return False
        autopilot = self._autopilot
        self._entering = True
        try:
            before, self.mode = self.mode, mode
            if not autopilot.set_mode(FLOWN_BY[mode]):
                self.mode = before
                return False
            if FLOWN_BY[before] is FLOWN_BY[mode]:
                # the autopilot sees no change: it would fly on with what the last mode was at
                autopilot.guide = guide_for(FLOWN_BY[mode], autopilot) if autopilot.flying else None
                autopilot.mode_changed()
        finally:
            self._entering = False
        self.orbit = None
        if mode is Px4Mode.TAKEOFF:
            self._begin_take_off()
        elif mode is Px4Mode.MISSION and autopilot.armed:
            self._begin_mission()
        return True

    def autopilot_changed_mode(self) -> None:
        """The autopilot has entered a mode; when it did so by itself, PX4's mode follows."""
        autopilot = self._autopilot
        if not self._entering and autopilot.mode in OWN_DOING:
            self.mode = OWN_DOING[autopilot.mode]

    def look(self) -> None:
        """See what became of the present mode."""
        autopilot = self._autopilot
        if not self._ready and autopilot.readiness.position_ok:
            self._ready = True
            self.say(INFO, "Ready for takeoff!")
            if self.mode is Px4Mode.MANUAL and not autopilot.armed:
                self.enter(Px4Mode.LOITER)
        self._tell_flight()
        guide, runner = autopilot.guide, autopilot.runner
        if self.mode is Px4Mode.TAKEOFF and autopilot.flying and guide is not None and guide.done:
            self.enter(Px4Mode.LOITER)
            here = autopilot.believed()
            autopilot.guide = GoTo((here[0], here[1], self._climbed_to_m), autopilot.limits())
        elif self.mode is Px4Mode.MISSION and autopilot.flying:
            if runner.state == COMPLETE:
                self.say(INFO, "Mission finished, loitering.")
                self.enter(Px4Mode.LOITER)
            elif runner.state == ACTIVE and self._command_now() == mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH:
                self.enter(Px4Mode.RTL)

    def _command_now(self) -> int | None:
        place = self._autopilot.runner.seq
        return self.flight.items[place].command if 0 < place < len(self.flight.items) else None

    def _tell_flight(self) -> None:
        autopilot = self._autopilot
        if autopilot.flying != self._was_flying:
            self._was_flying = autopilot.flying
            self._flew = True
            self.say(INFO, "Takeoff detected" if autopilot.flying else "Landing detected")
        if self._was_armed and not autopilot.armed:
            self.say(INFO, "Disarmed by landing" if self._flew else "Disarmed by auto preflight disarming")
            self._flight_over()
        self._was_armed = autopilot.armed

    def _flight_over(self) -> None:
        """After a flight that ended in a mode of the autopilot's own wait in LOITER, from which one may arm again."""
        if self._flew and int(self.mode) & 0xFF == MAIN_AUTO:
            self.enter(Px4Mode.LOITER)

    # Arming

    def why_not_arm(self) -> str | None:
        """What arming is refused with, None when it may be armed."""
        autopilot, ready = self._autopilot, self._autopilot.readiness
        if not ready.initialised:
            return "Preflight Fail: System not ready"
        if self.mode in NEED_POSITION and not ready.position_ok:
            return "Preflight Fail: ekf2 missing data"
        if not self._parameters["COM_ARM_WO_GPS"] and not ready.position_ok:
            return "Preflight Fail: Global position required"
        if self._parameters["COM_ARM_MIS_REQ"] and not self.mission:
            return "Arming denied! No valid mission"
        if self._parameters["GF_ACTION"] == 3 and not ready.home_known:
            return "Arming denied: Geofence RTL requires valid home"
        if autopilot.failsafe.battery_critical:
            return "Preflight Fail: low battery"
        if self.mode in (Px4Mode.RTL, Px4Mode.LAND):
            return "Arming denied! Switch to another mode first"
        return None

    def arm(self, by: str, *, force: bool = False) -> bool:
        """Start the motors; False, with a status text, when that is refused."""
        autopilot = self._autopilot
        if autopilot.armed:
            return True
        reason = None if force and autopilot.readiness.initialised else self.why_not_arm()
        if reason is not None:
            self.say(CRITICAL, reason)
            return False
        if not autopilot.arm(force=True):
            return False
        self._was_armed, self._flew = True, False
        self.say(INFO, f"Armed by {by}")
        if self.mode is Px4Mode.TAKEOFF:
            self._begin_take_off()
        elif self.mode is Px4Mode.MISSION:
            self._begin_mission()
        return True

    def disarm(self, by: str, *, force: bool = False) -> bool:
        """Stop the motors; in the air only by force."""
        autopilot = self._autopilot
        if not autopilot.armed:
            return True
        if not autopilot.disarm(force=force):
            self.say(CRITICAL, "Disarming denied! Not landed")
            return False
        self._was_armed = False
        self.say(INFO, f"Disarmed by {by}")
        self._flight_over()
        return True

    # What a mode is entered with

    def take_off(self, amsl_m: float) -> bool:
        """NAV_TAKEOFF: to a height above sea level [m], to MIS_TAKEOFF_ALT above home when that is no number."""
        autopilot = self._autopilot
        least = autopilot.home_up_m + self._parameters["MIS_TAKEOFF_ALT"]
        wished = autopilot.up_m(0, amsl_m) if math.isfinite(amsl_m) else least
        if not math.isfinite(amsl_m) or wished < least - NOT_LOWER_M:
            text = f"Using minimum takeoff altitude: {self._parameters['MIS_TAKEOFF_ALT']:.2f} m"
            self.say(INFO if not math.isfinite(amsl_m) else CRITICAL, text)
        self._take_off_up_m = max(wished, least)
        if self.mode is Px4Mode.TAKEOFF:
            self._begin_take_off()
            return True
        return self.enter(Px4Mode.TAKEOFF)

    def _begin_take_off(self) -> None:
        autopilot = self._autopilot
        if not autopilot.armed:
            return
        up = self._take_off_up_m
        if up is None:
            up = autopilot.home_up_m + self._parameters["MIS_TAKEOFF_ALT"]
        if autopilot.flying:
            here = autopilot.believed()
            if up < here[2]:
                self.say(CRITICAL, "Already higher than takeoff altitude")
                up = here[2]
            autopilot.guide = GoTo((here[0], here[1], up), autopilot.limits())
        else:
            autopilot.take_off(up)
        self._climbed_to_m, self._take_off_up_m = up, None

    def start_mission(self, first: int) -> bool | None:
        """MISSION_START: from an item on, armed when need be; None when there is no such mission or item."""
        if not self.mission:
            self.say(CRITICAL, "Mission start denied! No valid mission")
            return None
        if not -1 <= first < len(self.mission):
            return None
        if first > 0:
            self.select(first)
        if self.enter(Px4Mode.MISSION) and self.arm("mission start"):
            return True
        self.say(CRITICAL, "Mission start denied")
        return False

    def _begin_mission(self) -> None:
        """Let the autopilot leave the ground; in the air a take-off that PX4's list does not have is passed over."""
        autopilot = self._autopilot
        runner = autopilot.runner
        autopilot.start_mission()
        if autopilot.flying and 0 < runner.seq < len(self.flight.origin) and self.flight.origin[runner.seq] == -1:
            runner.select(self.flight.place_of(0))

    def reposition(self, place: Point, speed_mps: float, heading_deg: float | None) -> bool:
        """DO_REPOSITION in LOITER: fly to a place and stay there; ignored on the ground, refused beyond the fence."""
        autopilot = self._autopilot
        if not autopilot.flying or self.mode is not Px4Mode.LOITER:
            return True
        if self.outside_fence(place):
            self.say(CRITICAL, "Reposition is outside geofence")
            return True
        autopilot.guide = GoTo(place, autopilot.limits(speed_mps) if speed_mps > 0.0 else autopilot.limits())
        if heading_deg is not None:
            autopilot.yaw_fixed_deg = heading_deg % 360.0
        return True

    def circle(self, centre: Point, radius_m: float, speed_mps: float) -> bool:
        """DO_ORBIT: fly around a place [m in the body's frame], clockwise when the radius is positive."""
        autopilot = self._autopilot
        if not autopilot.flying or not self.enter(Px4Mode.ORBIT):
            return False
        limits = autopilot.limits(abs(speed_mps)) if speed_mps else autopilot.limits()
        clockwise = radius_m >= 0.0 if speed_mps >= 0.0 else radius_m < 0.0
        self.orbit = autopilot.guide = Circle(centre, max(abs(radius_m), 1.0), 0.0, clockwise, limits)
        return True

    def outside_fence(self, place: Point) -> bool:
        """Whether a place breaks what the fence's list and GF_MAX_* allow, when GF_ACTION is set at all."""
        autopilot, parameter = self._autopilot, self._parameters
        if not parameter["GF_ACTION"] or autopilot.home is None:
            return False
        at = autopilot.frame.latlon(place[0], place[1])
        if autopilot.lists.fence.outside_m(at.lat_deg, at.lon_deg) > 0.0:
            return True
        away = math.hypot(place[0] - autopilot.home[0], place[1] - autopilot.home[1])
        far, high = parameter["GF_MAX_HOR_DIST"], parameter["GF_MAX_VER_DIST"]
        return 0.0 < far < away or 0.0 < high < place[2] - autopilot.home_up_m

    # Lists

    def take(self, kind: int, items: list[StoredItem], current: int) -> bool:
        """A list was uploaded or cleared: fly by it from now on; False when it is no usable fence."""
        autopilot, lists = self._autopilot, self._autopilot.lists
        if kind == FENCE:
            try:
                lists.fence.load(items)
            except FenceError as error:
                self.say(CRITICAL, f"Geofence: {error}")
                return False
        elif kind == RALLY:
            lists.rally[:] = items
        else:
            self.mission = items
            self.flight = flown(items, autopilot, self._parameters["MIS_TAKEOFF_ALT"])
            lists.mission[:] = self.flight.items if items else self.flight.items[:1]
        autopilot.list_changed(kind)
        if kind == MISSION and items and (current >= 0 or not autopilot.flying):
            self.select(max(current, 0))
        return True

    def select(self, seq: int) -> bool:
        """Make an item of PX4's mission the current one."""
        if not 0 <= seq < len(self.mission):
            return False
        if seq == 0 and not self._autopilot.flying:
            return self._autopilot.runner.select(1)  # a take-off that PX4's list does not have comes first
        return self._autopilot.runner.select(self.flight.place_of(seq))

    @property
    def current(self) -> int:
        """The seq of the current item in PX4's mission; the last one when the mission is finished."""
        runner = self._autopilot.runner
        if runner.state == COMPLETE and self.mission:
            return len(self.mission) - 1
        place = runner.seq
        return max(self.flight.origin[place], 0) if 0 <= place < len(self.flight.origin) else 0
