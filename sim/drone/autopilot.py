"""The simulated autopilot: one vehicle's state and what its services share. It knows time only as it is told.

`Progress` moves it on; messages are handled when they arrive, between two steps.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import FARTHEST_M, LatLon, LocalFrame
from sim.drone.airframe import GRAVITY_MPS2, Airframe
from sim.drone.arming import PreArm, why_not_arm
from sim.drone.auto import MissionRunner
from sim.drone.battery import Battery
from sim.drone.camera import Camera
from sim.drone.dynamics import Body, Reference
from sim.drone.failsafe import Failsafe
from sim.drone.fence import METRES_PER_DEG
from sim.drone.fencing import Fencing
from sim.drone.guides import Descent, Guide, Stay, TakeOff
from sim.drone.items import MISSION, StoredItem
from sim.drone.mission_transfer import Lists
from sim.drone.modes import NEED_POSITION, Mode, Return, boot_mode, guide_for
from sim.drone.parameters import Parameters
from sim.drone.readiness import Readiness
from sim.drone.smart_rtl import Breadcrumbs, SmartReturn
from sim.drone.trajectory import Limits, Point
from sim.drone.transmitter import Transmitter
from sim.gnss.receiver import Receiver
from sim.gnss.sky import Sky
from sim.surroundings import Air, Ground

SPOOL_S = 2.4  # from the order to take off until the ground is left
FACE_BUT_ON_RETURN = 2  # WP_YAW_BEHAVIOR
TAKE_OFF_UNASKED = 2  # AUTO_OPTIONS bit
EDGE_M = 0.99 * FARTHEST_M
CLEAR_ON_BOOT = 1  # MIS_OPTIONS bit


@dataclass(frozen=True, slots=True)
class Steering:
    """The level acceleration of the largest lean [m/s2], the fastest turn [deg/s], and whether the nose goes ahead."""

    lean_mps2: float
    slew_degps: float
    along_track: bool


class Autopilot:
    """State of one ArduCopter and the acts that change it."""

    def __init__(
        self,
        *,
        start: LatLon,
        datum_amsl_m: float,
        frame: LocalFrame,
        heading_deg: float,
        system_id: int,
        airframe: Airframe,
        rng: random.Random,
        wind: Air,
        ground: Ground,
        warm: bool,
        sky: Sky,
        name: str = "",
    ) -> None:
        self.airframe = airframe
        self.wind = wind
        self.rng = rng
        self.ground = ground
        self.frame = frame
        self.datum_amsl_m = datum_amsl_m
        self.body = Body(airframe, heading_deg)
        e, n = frame.xy(start)
        self.body.e, self.body.n, self.body.u = self.origin = (e, n, ground.height_m(e, n))
        self.reference = Reference()
        self.reference.heading_deg = heading_deg
        self.battery = Battery(airframe)
        self.receiver = Receiver(random.Random(rng.getrandbits(64)), sky, name=name)
        self.readiness = Readiness(warm)
        self.parameters = Parameters(airframe, system_id, self.battery.capacity_ah)
        self.lists = Lists()
        self.camera = Camera(self)
        self.failsafe = Failsafe(self)
        self.fencing = Fencing(self)
        self.breadcrumbs = Breadcrumbs(self)
        self.prearm = PreArm(self)
        self.transmitter = Transmitter(self)
        self.runner = MissionRunner(self)
        self.boot_s = 0.0  # when it was powered, in the seconds of the wind
        self.now_s = 0.0  # since boot
        self.state_s = 0.0  # the moment that the body's state is of, since boot: the last tick
        self.broken: str | None = None  # what it has struck
        self.mode = Mode.STABILIZE
        self.armed = False
        self.flying = False
        self.falling = False
        self.auto_released = False  # MISSION_START was given
        self.guide: Guide | None = None
        self.home: Point | None = None  # east, north, up [m]
        self.speed_mps: float | None = None  # DO_CHANGE_SPEED
        self.yaw_fixed_deg: float | None = None  # CONDITION_YAW, or towards the region of interest
        self.roi: Point | None = None  # DO_SET_ROI
        self._held: Guide | None = None  # what DO_PAUSE_CONTINUE keeps for later
        self.spool_s = SPOOL_S
        self.veto: Callable[[], str | None] = lambda: None  # why something beside the autopilot forbids arming
        self.say: Callable[[int, str], None] = lambda severity, text: None
        self.home_changed: Callable[[], None] = lambda: None
        self.mode_changed: Callable[[], None] = lambda: None
        self.on_takeoff: list[Callable[[float, float], None]] = []
        self.on_touchdown: list[Callable[[float, float], None]] = []
        self._fast_limits: Limits | None = None
        self._steering: Steering | None = None

    def reboot(self) -> None:
        """Start anew on the ground: lists and parameters stay, all else begins from power-on."""
        self.now_s = self.state_s = 0.0
        self.readiness = Readiness(warm=False)
        self.receiver.restart()
        self.failsafe = Failsafe(self)
        self.breadcrumbs = Breadcrumbs(self)
        self.prearm = PreArm(self)
        self.transmitter = Transmitter(self)
        if int(self.parameters["MIS_OPTIONS"]) & CLEAR_ON_BOOT:
            self.lists.mission.clear()
        self.runner = MissionRunner(self)
        self.mode = boot_mode(self.parameters["INITIAL_MODE"])
        self.guide = self.home = self.fencing.switched = self.speed_mps = self.yaw_fixed_deg = self.roi = None
        self._fast_limits = None

    def watch(self) -> None:
        """Look at what is looked at in every tick: the mission, the camera, what the nose points at."""
        self.runner.update()
        self.camera.step()
        if self.roi is not None:
            e, n, _ = self.believed()
            self.yaw_fixed_deg = math.degrees(math.atan2(self.roi[0] - e, self.roi[1] - n)) % 360.0

    def guard(self) -> None:
        """Look at what is looked at a few times a second: failsafes, and the way back."""
        self.failsafe.step()
        self.breadcrumbs.step(position_ok=self.readiness.position_ok, following=self.mode is Mode.SMART_RTL)

    # Places

    def local(self, lat_deg: float, lon_deg: float) -> tuple[float, float]:
        """East and north [m] of a position; one beyond the local frame is put at its edge as a flat earth has it."""
        try:
            return self.frame.xy(LatLon(lat_deg, lon_deg))
        except ValueError:
            origin = self.frame.origin
            east_deg = (lon_deg - origin.lon_deg) * math.cos(math.radians(origin.lat_deg))
            e, n = east_deg * METRES_PER_DEG, (lat_deg - origin.lat_deg) * METRES_PER_DEG
            share = EDGE_M / math.hypot(e, n)
            return e * share, n * share

    @property
    def home_up_m(self) -> float:
        """Home's height in the body's frame [m]."""
        return self.home[2] if self.home else self.origin[2]

    def up_m(self, frame: int, z: float) -> float:
        """A height in a MAV_FRAME (0 and 5 sea level, else home) in the body's frame [m]."""
        return z - self.datum_amsl_m if frame in (0, 5) else z + self.home_up_m

    def believed(self) -> Point:
        """Where the estimator says the drone is: east, north, up [m]."""
        e, n, u = self.actual()
        return e + self.receiver.e, n + self.receiver.n, u + self.receiver.u

    def actual(self) -> Point:
        """Where the drone is now: east, north, up [m], carried on from the last tick."""
        return self.actual_at(self.now_s)

    def actual_at(self, now_s: float) -> Point:
        """The same at a second since boot that has come meanwhile."""
        body = self.body
        ahead_s = now_s - self.state_s if self.flying or self.falling else 0.0
        return body.e + body.ve * ahead_s, body.n + body.vn * ahead_s, body.u + body.vu * ahead_s

    def home_item(self) -> StoredItem | None:
        """Home as mission item 0."""
        if self.home is None:
            return None
        at = self.frame.latlon(self.home[0], self.home[1])
        amsl = self.datum_amsl_m + self.home[2]
        return StoredItem(16, x=round(at.lat_deg * 1e7), y=round(at.lon_deg * 1e7), z=round(amsl, 2))

    def set_home(self, place: Point) -> None:
        """Move home; heights above home follow."""
        self.home = place
        item = self.home_item()
        if item is not None:
            self.lists.set_home(item)
        self.home_changed()

    # What it is allowed and asked to do

    def limits(self, speed_mps: float | None = None) -> Limits:
        """Speeds and accelerations from the parameters and DO_CHANGE_SPEED."""
        if speed_mps is None and self._fast_limits is not None:
            return self._fast_limits
        p = self.parameters
        speed = speed_mps if speed_mps is not None else self.speed_mps or p["WPNAV_SPEED"] / 100.0
        accel = max(p["WPNAV_ACCEL"] / 100.0, 0.5)
        limits = Limits(
            speed_mps=min(max(speed, 0.2), self.airframe.max_speed_mps),
            up_mps=max(p["WPNAV_SPEED_UP"] / 100.0, 0.1),
            down_mps=max(p["WPNAV_SPEED_DN"] / 100.0, 0.1),
            accel_mps2=accel,
            climb_mps2=max(p["WPNAV_ACCEL_Z"] / 100.0, 0.5),
            jerk_mps3=max(p["WPNAV_JERK"], 0.5),
            corner_mps2=p["WPNAV_ACCEL_C"] / 100.0 or 2.0 * accel,
            radius_m=max(p["WPNAV_RADIUS"] / 100.0, 0.1),
        )
        if speed_mps is None:
            self._fast_limits = limits
        return limits

    def settings_changed(self, name: str = "") -> None:
        """A parameter or the wished speed changed: compute limits anew and fly on within them."""
        self._fast_limits = self._steering = None
        if name == "FENCE_ENABLE":
            self.fencing.switched = None
        if name in ("", "WPNAV_SPEED") and self.in_auto and self.flying:
            self.runner.speed_changed()

    @property
    def in_auto(self) -> bool:
        """Whether the mission is in charge."""
        return self.mode is Mode.AUTO

    @property
    def steering(self) -> Steering:
        """What the parameters allow in turning and leaning."""
        if self._steering is None:
            p = self.parameters
            self._steering = Steering(
                lean_mps2=GRAVITY_MPS2 * math.tan(math.radians(p["ANGLE_MAX"] / 100.0)),
                slew_degps=p["ATC_SLEW_YAW"] / 100.0,
                along_track=bool(p["WP_YAW_BEHAVIOR"]),
            )
        return self._steering

    @property
    def needs_position(self) -> bool:
        """Whether the present mode flies by position."""
        return self.mode in NEED_POSITION

    @property
    def landing(self) -> bool:
        """Whether it is on its last way down."""
        return isinstance(self.guide, Descent) or (isinstance(self.guide, Return | SmartReturn) and self.guide.landing)

    def nearest_rally(self) -> Point | None:
        """The nearest rally point within RALLY_LIMIT_KM."""
        limit_m = self.parameters["RALLY_LIMIT_KM"] * 1000.0
        nearest: Point | None = None
        least_m = limit_m if limit_m > 0.0 else math.inf
        for item in self.lists.rally:
            e, n = self.local(item.x / 1e7, item.y / 1e7)
            distance_m = math.hypot(e - self.body.e, n - self.body.n)
            if distance_m <= least_m and (nearest is None or distance_m < least_m):
                least_m, nearest = distance_m, (e, n, self.up_m(item.frame, item.z))
        return nearest

    def set_mode(self, mode: Mode, *, by_itself: bool = False) -> bool:
        """Change the flight mode; False, with a status text, when it cannot be entered.

        A mode that somebody else than a failsafe asks for while the fence is broken begins a manual recovery.
        """
        before = self.mode
        if mode is before:
            return True
        if self.armed and mode in NEED_POSITION and not self.readiness.navigable:
            self.say(mavlink.MAV_SEVERITY_WARNING, f"Mode change to {mode.title} failed: requires position")
            return False
        if not self._enter(mode):
            self.say(mavlink.MAV_SEVERITY_WARNING, f"Mode change to {mode.title} failed: init failed")
            return False
        if not by_itself:
            self.failsafe.recover()
        self.yaw_fixed_deg = self.roi = self._held = None
        if mode in (Mode.RTL, Mode.SMART_RTL) and self.parameters["WP_YAW_BEHAVIOR"] == FACE_BUT_ON_RETURN:
            self.yaw_fixed_deg = self.reference.heading_deg
        self.prearm.changed()
        self.mode_changed()
        return True

    def _enter(self, mode: Mode) -> bool:
        """Begin with a mode that is not the present one."""
        before, leaving = self.mode, self.guide
        if mode is Mode.SMART_RTL and self.armed and not self.breadcrumbs.active:
            return False
        self.mode = mode
        if mode is Mode.AUTO:
            self.auto_released = self.flying
            if not self.runner.begin():
                self.mode = before
                return False
        elif mode is Mode.SMART_RTL:
            self.guide = SmartReturn(self) if self.flying else None
        else:
            self.guide = guide_for(mode, self) if self.flying else None
        if isinstance(leaving, SmartReturn):
            leaving.leave()
        return True

    def arm(self, *, force: bool = False) -> bool:
        """Start the motors; False, with a status text, when that is refused."""
        if self.armed:
            return True
        reasons = why_not_arm(self, force=force)
        for reason in reasons:
            self.say(mavlink.MAV_SEVERITY_CRITICAL, f"Arm: {reason}")
        if reasons:
            return False
        self.armed = True
        self.speed_mps = None
        self._fast_limits = None
        # home moves to where the drone is armed, as it does on the real autopilot
        if self.readiness.home_known:
            self.set_home((self.body.e, self.body.n, self.body.u))
        self.breadcrumbs.begin(position_ok=self.readiness.position_ok)
        self.fencing.armed()
        if self.in_auto and int(self.parameters["AUTO_OPTIONS"]) & TAKE_OFF_UNASKED:
            self.auto_released = True
        self.say(mavlink.MAV_SEVERITY_INFO, "Arming motors")
        return True

    def disarm(self, *, force: bool = False) -> bool:
        """Stop the motors; in the air only by force."""
        if not self.armed:
            return True
        if self.flying and not force:
            return False
        self.armed = False
        self.falling = self.flying
        self.guide = None
        self.auto_released = False
        self.runner.reset()
        self.fencing.disarmed()
        self.say(mavlink.MAV_SEVERITY_INFO, "Disarming motors")
        return True

    def take_off(self, height_m: float) -> bool:
        """GUIDED take-off to a height in the body's frame [m]."""
        if not self.armed or self.flying or self.mode is not Mode.GUIDED or height_m <= self.body.u:
            return False
        if not isinstance(self.guide, TakeOff):
            self.guide = TakeOff(height_m, self.limits(), self.spool_s)
        return True

    def start_mission(self) -> bool:
        """MISSION_START: let AUTO leave the ground, or enter AUTO in flight."""
        if not self.armed:
            return True
        if self.runner.total == 0 or (not self.in_auto and not self.set_mode(Mode.AUTO)):
            return False
        self.auto_released = True
        return True

    def land_by_mission(self) -> bool:
        """DO_LAND_START: fly the mission from its nearest landing sequence on; False when it has none."""
        nearest: tuple[float, int] | None = None
        e, n, _ = self.believed()
        for seq, item in enumerate(self.lists.mission):
            if item.command != mavlink.MAV_CMD_DO_LAND_START:
                continue
            at = self.local(item.x / 1e7, item.y / 1e7) if item.placed else (e, n)
            distance_m = math.hypot(at[0] - e, at[1] - n)
            if nearest is None or distance_m < nearest[0]:
                nearest = (distance_m, seq)
        if nearest is None:
            self.say(mavlink.MAV_SEVERITY_CRITICAL, "Mode change to AUTO RTL failed: No landing sequence found")
            return False
        return self.runner.select(nearest[1]) and self.set_mode(Mode.AUTO)

    def pause(self) -> bool:
        """DO_PAUSE_CONTINUE 0: hold the mission's leg or the guided flight; False when there is nothing to hold."""
        if self.in_auto:
            return self.runner.pause()
        if self.mode is not Mode.GUIDED:
            return False
        if self.flying and self._held is None:
            self._held = self.guide
            self.guide = Stay(self.body, self.limits())
        return True

    def resume(self) -> bool:
        """DO_PAUSE_CONTINUE 1: go on; False when nothing is held."""
        if self.in_auto:
            return self.runner.resume()
        if self.mode is not Mode.GUIDED:
            return False
        if self._held is not None and self.flying:
            self.guide = self._held
        self._held = None
        return True

    def do(self, item: StoredItem) -> bool:
        """Carry out a DO item at once; False when there is nothing that it could do here."""
        match item.command:
            case mavlink.MAV_CMD_DO_CHANGE_SPEED:
                return self.change_speed(item.param1, item.param2)
            case mavlink.MAV_CMD_DO_FENCE_ENABLE:
                self.fencing.switch(item.param1 == 1)
            case mavlink.MAV_CMD_DO_SET_ROI | mavlink.MAV_CMD_DO_SET_ROI_LOCATION | mavlink.MAV_CMD_DO_SET_ROI_NONE:
                self.look_at(item)
            case mavlink.MAV_CMD_DO_SET_HOME:
                e, n = self.local(item.x / 1e7, item.y / 1e7)
                self.set_home((e, n, self.up_m(item.frame, item.z)) if item.placed else self.believed())
            case _:
                return self.camera.do(item)
        return True

    def look_at(self, item: StoredItem) -> None:
        """Keep turned towards a place until another heading is asked for or the mode changes; none given ends that."""
        self.yaw_fixed_deg = self.roi = None
        if item.placed and item.command != mavlink.MAV_CMD_DO_SET_ROI_NONE:
            self.roi = (*self.local(item.x / 1e7, item.y / 1e7), self.up_m(item.frame, item.z))

    def change_speed(self, kind: float, speed_mps: float) -> bool:
        """DO_CHANGE_SPEED: kinds 0 and 1 level, 2 climb, 3 descent [m/s]."""
        if speed_mps <= 0.0:
            return speed_mps == -1.0
        if kind == 2:
            self.parameters.put("WPNAV_SPEED_UP", speed_mps * 100.0)
        elif kind == 3:
            self.parameters.put("WPNAV_SPEED_DN", speed_mps * 100.0)
        else:
            self.speed_mps = speed_mps
        self.settings_changed()
        return True

    def condition_s(self, item: StoredItem) -> float:
        """Begin a CONDITION item; how many seconds it takes."""
        if item.command == mavlink.MAV_CMD_CONDITION_DELAY:
            return max(item.param1, 0.0)
        if item.command == mavlink.MAV_CMD_CONDITION_YAW:
            return self.turn_to(item.param1, item.param2, item.param3, relative=item.param4 == 1)
        return 0.0

    def turn_to(self, angle_deg: float, rate_degps: float, direction: float, *, relative: bool) -> float:
        """Turn to a heading and keep it until the next waypoint; how many seconds the turn takes."""
        heading = self.reference.heading_deg
        target = heading + angle_deg * (-1.0 if direction < 0 else 1.0) if relative else angle_deg
        self.roi = None
        self.yaw_fixed_deg = target % 360.0
        turn = abs((self.yaw_fixed_deg - heading + 180.0) % 360.0 - 180.0)
        return turn / min(rate_degps or 60.0, 60.0) + 0.5

    def list_changed(self, kind: int) -> None:
        """A list was uploaded or cleared."""
        self.parameters.put("MIS_TOTAL", len(self.lists.mission))
        self.parameters.put("FENCE_TOTAL", len(self.lists.fence.items))
        self.parameters.put("RALLY_TOTAL", len(self.lists.rally))
        if kind == MISSION:
            self.runner.list_changed()
