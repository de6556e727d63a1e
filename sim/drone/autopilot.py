"""The simulated autopilot: one vehicle's state and what its services share. It knows time only as it is told.

`Progress` moves it on; messages are handled when they arrive, between two steps.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from sim.drone.airframe import Airframe
from sim.drone.auto import MissionRunner
from sim.drone.battery import Battery
from sim.drone.camera import Camera
from sim.drone.dynamics import Body, Reference
from sim.drone.failsafe import Failsafe
from sim.drone.fence import CIRCLE, METRES_PER_DEG, POLYGON
from sim.drone.gnss import Receiver
from sim.drone.guides import Descent, Guide, TakeOff
from sim.drone.items import MISSION, StoredItem
from sim.drone.mission_transfer import Lists
from sim.drone.modes import NEED_POSITION, Mode, Return, guide_for
from sim.drone.parameters import Parameters
from sim.drone.readiness import Readiness, why_not_arm
from sim.drone.trajectory import Limits, Point
from sim.wind import Wind

SPOOL_S = 2.4  # from the order to take off until the ground is left


class Autopilot:
    """State of one ArduCopter and the acts that change it."""

    def __init__(
        self,
        *,
        start: LatLon,
        amsl_m: float,
        heading_deg: float,
        system_id: int,
        airframe: Airframe,
        rng: random.Random,
        wind: Wind,
        warm: bool,
    ) -> None:
        self.airframe = airframe
        self.wind = wind
        self.rng = rng
        self.frame = LocalFrame(start)
        self.ground_amsl_m = amsl_m
        self.body = Body(airframe, heading_deg)
        self.reference = Reference()
        self.reference.heading_deg = heading_deg
        self.battery = Battery(airframe)
        self.receiver = Receiver(rng)
        self.readiness = Readiness(warm)
        self.parameters = Parameters(airframe, system_id, self.battery.capacity_ah)
        self.lists = Lists()
        self.camera = Camera(self)
        self.failsafe = Failsafe(self)
        self.runner = MissionRunner(self)
        self.boot_s = 0.0  # when it was powered, in the seconds of the wind
        self.now_s = 0.0  # since boot
        self.mode = Mode.STABILIZE
        self.armed = False
        self.flying = False
        self.falling = False
        self.auto_released = False  # MISSION_START was given
        self.guide: Guide | None = None
        self.home: Point | None = None  # east, north, up [m]
        self.fence_switch: bool | None = None  # DO_FENCE_ENABLE, until the parameter changes
        self.speed_mps: float | None = None  # DO_CHANGE_SPEED
        self.yaw_fixed_deg: float | None = None  # CONDITION_YAW
        self.spool_s = SPOOL_S
        self.say: Callable[[int, str], None] = lambda severity, text: None
        self.home_changed: Callable[[], None] = lambda: None
        self.mode_changed: Callable[[], None] = lambda: None
        self.on_takeoff: list[Callable[[float, float], None]] = []
        self.on_touchdown: list[Callable[[float, float], None]] = []
        self._fast_limits: Limits | None = None

    def reboot(self) -> None:
        """Start anew on the ground: lists and parameters stay, all else begins from power-on."""
        self.now_s = 0.0
        self.readiness = Readiness(warm=False)
        self.receiver.restart()
        self.failsafe = Failsafe(self)
        self.runner = MissionRunner(self)
        self.mode = Mode.STABILIZE
        self.guide = self.home = self.fence_switch = self.speed_mps = self.yaw_fixed_deg = None
        self._fast_limits = None

    # Places

    def local(self, lat_deg: float, lon_deg: float) -> tuple[float, float]:
        """East and north [m] of a position; one beyond the local frame is put where a flat earth has it."""
        try:
            return self.frame.xy(LatLon(lat_deg, lon_deg))
        except ValueError:
            origin = self.frame.origin
            east_deg = (lon_deg - origin.lon_deg) * math.cos(math.radians(origin.lat_deg))
            return east_deg * METRES_PER_DEG, (lat_deg - origin.lat_deg) * METRES_PER_DEG

    @property
    def home_up_m(self) -> float:
        """Home's height in the body's frame [m]."""
        return self.home[2] if self.home else 0.0

    def up_m(self, frame: int, z: float) -> float:
        """A height in a MAV_FRAME (0 and 5 sea level, else home) in the body's frame [m]."""
        return z - self.ground_amsl_m if frame in (0, 5) else z + self.home_up_m

    def believed(self) -> Point:
        """Where the estimator says the drone is: east, north, up [m]."""
        return self.body.e + self.receiver.e, self.body.n + self.receiver.n, self.body.u + self.receiver.u

    def home_item(self) -> StoredItem | None:
        """Home as mission item 0."""
        if self.home is None:
            return None
        at = self.frame.latlon(self.home[0], self.home[1])
        amsl = self.ground_amsl_m + self.home[2]
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
        self._fast_limits = None
        if name == "FENCE_ENABLE":
            self.fence_switch = None
        if name in ("", "WPNAV_SPEED") and self.in_auto and self.flying:
            self.runner.speed_changed()

    @property
    def in_auto(self) -> bool:
        """Whether the mission is in charge."""
        return self.mode is Mode.AUTO

    @property
    def needs_position(self) -> bool:
        """Whether the present mode flies by position."""
        return self.mode in NEED_POSITION

    @property
    def landing(self) -> bool:
        """Whether it is on its last way down."""
        return isinstance(self.guide, Descent) or (isinstance(self.guide, Return) and self.guide.landing)

    @property
    def fence_enabled(self) -> bool:
        """Whether the fence is watched."""
        return bool(self.parameters["FENCE_ENABLE"]) if self.fence_switch is None else self.fence_switch

    def fence_excess(self, place: Point | None = None) -> tuple[int, float]:
        """What kinds of fence a place (the drone's own when None) breaks and how far outside [m] it is."""
        e, n, u = place or self.believed()
        at = self.frame.latlon(e, n)
        home = self.home or (0.0, 0.0, 0.0)
        p = self.parameters
        return self.lists.fence.excess(
            int(p["FENCE_TYPE"]),
            at.lat_deg,
            at.lon_deg,
            u - home[2],
            math.hypot(e - home[0], n - home[1]),
            p["FENCE_ALT_MAX"],
            p["FENCE_RADIUS"],
        )

    def fence_beyond(self, place: Point) -> float:
        """How far [m] a place is outside the fence's sides; negative inside."""
        e, n, _ = place
        home = self.home or (0.0, 0.0, 0.0)
        kinds = int(self.parameters["FENCE_TYPE"])
        beyond = math.hypot(e - home[0], n - home[1]) - self.parameters["FENCE_RADIUS"] if kinds & CIRCLE else -math.inf
        if kinds & POLYGON:
            at = self.frame.latlon(e, n)
            beyond = max(beyond, self.lists.fence.outside_m(at.lat_deg, at.lon_deg))
        return beyond

    def set_mode(self, mode: Mode) -> bool:
        """Change the flight mode; False, with a status text, when it cannot be entered."""
        if self.armed and mode in NEED_POSITION and not self.readiness.navigable:
            self.say(mavlink.MAV_SEVERITY_WARNING, f"Mode change to {mode.name} failed: requires position")
            return False
        before, self.mode = self.mode, mode
        if mode is Mode.AUTO:
            if before is Mode.AUTO:
                return True
            self.auto_released = self.flying
            if not self.runner.begin():
                self.mode = before
                self.say(mavlink.MAV_SEVERITY_WARNING, "Mode change to AUTO failed: init failed")
                return False
        elif before is not mode:
            if self.lists.fence.breached and self.armed and mode is not Mode.LAND and mode is not Mode.RTL:
                self.say(mavlink.MAV_SEVERITY_INFO, "Manual recovery started")
            self.guide = guide_for(mode, self) if self.flying else None
        if before is not mode:
            self.yaw_fixed_deg = None
            self.mode_changed()
        return True

    def arm(self, *, force: bool = False) -> bool:
        """Start the motors; False, with a status text, when that is refused."""
        if self.armed:
            return True
        reason = None if force and self.readiness.initialised else why_not_arm(self)
        if reason is not None:
            self.say(mavlink.MAV_SEVERITY_CRITICAL, f"Arm: {reason}")
            return False
        self.armed = True
        self.speed_mps = None
        self._fast_limits = None
        # home moves to where the drone is armed, as it does on the real autopilot
        if self.readiness.home_known:
            self.set_home((self.body.e, self.body.n, self.body.u))
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

    def do(self, item: StoredItem) -> bool:
        """Carry out a DO item at once; False when there is nothing that it could do here."""
        match item.command:
            case mavlink.MAV_CMD_DO_CHANGE_SPEED:
                return self.change_speed(item.param1, item.param2)
            case mavlink.MAV_CMD_DO_FENCE_ENABLE:
                self.fence_switch = item.param1 == 1
            case mavlink.MAV_CMD_DO_SET_HOME:
                e, n = self.local(item.x / 1e7, item.y / 1e7)
                self.set_home((e, n, self.up_m(item.frame, item.z)) if item.placed else self.believed())
            case _:
                return self.camera.do(item)
        return True

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
