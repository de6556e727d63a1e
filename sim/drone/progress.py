"""How time passes for one autopilot: at each tick it steers, its body moves, and it looks at everything else."""

from __future__ import annotations

import math

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.dynamics import Body
from sim.drone.failsafe import keep_inside
from sim.drone.guides import TakeOff, Velocity
from sim.drone.modes import Mode
from sim.flight.bodies import TICK_S
from sim.flight.kernel import GRAVITY_MPS2

LOOK_S = 0.2  # so often in flight: power, failsafes
STANDING_S = 1.8  # so long on the ground before it counts as landed
RUNTIME_PUSH_S = 30.0
IDLE_MOTORS_W = 40.0
CRASH_ANGLE_COS = math.cos(math.radians(30.0))  # crash_check.cpp: CRASH_CHECK_ANGLE_DEVIATION_DEG
CRASH_S = 2.0  # CRASH_CHECK_TRIGGER_SEC
CRASH_ACCEL_MPS2 = 3.0  # CRASH_CHECK_ACCEL_MAX
CRASH_MPS = 3.0  # what flies into the ground faster than this breaks


class Progress:
    """Moves one autopilot on, tick by tick: `begin`, then the body moves, then `finish`."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot
        self._idle_since_s: float | None = None
        self._idle_in = Mode.STABILIZE
        self._stands_since_s: float | None = None
        self._flight_s = 0.0
        self._runtime_told_s = 0.0
        self._looked_s = 0.0
        self._place = (0.0, 0.0)
        self._tipped_s = self._crashed_s = 0.0
        self._crash_text = ""

    def reboot(self) -> None:
        """Begin anew after a restart of the autopilot."""
        self._idle_since_s = self._stands_since_s = None
        self._runtime_told_s = self._looked_s = self._tipped_s = 0.0

    def begin(self, now_s: float) -> Body | None:
        """Begin a tick that ends at a time since boot [s]: the body that moves in it, or None when it stands still."""
        autopilot = self._autopilot
        autopilot.now_s = autopilot.state_s = now_s
        body, ref, guide = autopilot.body, autopilot.reference, autopilot.guide
        if autopilot.falling:
            body.powered = 0.0
            return self._exposed(body)
        if not autopilot.armed:
            return None
        if not autopilot.flying:
            if not isinstance(guide, TakeOff) or (autopilot.in_auto and not autopilot.auto_released):
                return None
            if guide.spool_s > 0.0:
                guide.step(ref, body, TICK_S)
                return None
            if body.tumble_radps > 0.0:
                self._crash()  # the lift of the motors that are left throws it over where it stands
                return None
            self._leave_ground()
        elif guide is None:
            return None
        body.aim_from(ref)
        guide.step(ref, body, TICK_S)
        self._turn_heading(TICK_S)
        body.aim_to(ref)
        body.lean_mps2 = autopilot.steering.lean_mps2
        error = autopilot.receiver
        body.off_e, body.off_n, body.off_u = error.e, error.n, error.u
        return self._exposed(body)

    def _exposed(self, body: Body) -> Body:
        """The body with the air and the ground at its place."""
        autopilot = self._autopilot
        self._place = e, n = body.e, body.n
        at_s = autopilot.boot_s + autopilot.now_s
        body.wind_e, body.wind_n, body.wind_u = autopilot.wind.at((e, n), body.u, at_s)
        body.floor_u = autopilot.ground.height_m(e, n)
        body.impact_mps = 0.0
        return body

    def finish(self, now_s: float) -> None:
        """End the tick: touching, striking, and all that an autopilot looks at several times a second."""
        autopilot, body = self._autopilot, self._autopilot.body
        if autopilot.flying or autopilot.falling:
            if body.on_ground and (autopilot.falling or autopilot.landing):
                self._hit_ground(body.impact_mps)
            elif body.on_ground and body.impact_mps > CRASH_MPS:
                self._crash()
            elif autopilot.flying:
                self._strike()
                self._crash_check()
        elif self._crash_text and now_s - self._crashed_s >= CRASH_S:
            self._say_crash()
        autopilot.receiver.step(now_s, body.e, body.n, body.u)
        autopilot.watch()
        dt = now_s - self._looked_s
        if dt > LOOK_S - 1e-6 or not autopilot.flying:
            self._looked_s = now_s
            self._look(dt)

    def _strike(self) -> None:
        """What is inside of something has hit it: the motors stop for good and it falls from where it was."""
        autopilot, body = self._autopilot, self._autopilot.body
        if body.u >= autopilot.ground.highest_m:
            return
        what = autopilot.ground.struck(body.e, body.n, body.u)
        if what is None:
            return
        autopilot.say(mavlink.MAV_SEVERITY_CRITICAL, f"SIM Hit {what}")
        body.e, body.n = self._place
        body.ve = body.vn = 0.0
        autopilot.broken = what
        autopilot.disarm(force=True)

    def _crash_check(self) -> None:
        """ArduCopter's: leaning 30 degrees more than wanted without accelerating for two seconds ends the flight."""
        body = self._autopilot.body
        off = body.te * body.ce + body.tn * body.cn + body.tu * body.cu
        if off >= CRASH_ANGLE_COS:
            self._tipped_s = 0.0
            return
        felt = math.sqrt(body.fe * body.fe + body.fn * body.fn + body.fu * body.fu)
        self._tipped_s = self._tipped_s + TICK_S if felt < CRASH_ACCEL_MPS2 else 0.0
        if self._tipped_s >= CRASH_S:
            self._crash_text = _crash_words(off, felt)
            self._say_crash()

    def _crash(self) -> None:
        """It has hit the ground without meaning to: it lies there, and the crash check sees it after its time."""
        autopilot, body = self._autopilot, self._autopilot.body
        self._crash_text = _crash_words(min(body.te * body.ce + body.tn * body.cn + body.tu * body.cu, 0.0), 0.0)
        self._crashed_s = autopilot.now_s
        autopilot.broken = "ground"
        self._hit_ground(body.impact_mps)
        self._stands_since_s = None

    def _say_crash(self) -> None:
        autopilot, text = self._autopilot, self._crash_text
        self._crash_text = ""
        self._tipped_s = 0.0
        if autopilot.armed:
            autopilot.say(mavlink.MAV_SEVERITY_EMERGENCY, text)
            autopilot.disarm(force=True)

    def _leave_ground(self) -> None:
        autopilot = self._autopilot
        body, ref = autopilot.body, autopilot.reference
        autopilot.flying = True
        body.rest()
        body.thrust = GRAVITY_MPS2  # spooled up
        ref.pe, ref.pn, ref.pu = autopilot.believed()
        ref.ve = ref.vn = ref.vu = ref.ae = ref.an = ref.au = 0.0
        ref.heading_deg = body.heading_deg
        self._stands_since_s = None
        at = autopilot.frame.latlon(body.e, body.n)
        for hook in autopilot.on_takeoff:
            hook(at.lat_deg, at.lon_deg)

    def _hit_ground(self, speed_mps: float) -> None:
        autopilot = self._autopilot
        body = autopilot.body
        autopilot.say(mavlink.MAV_SEVERITY_INFO, f"SIM Hit ground at {speed_mps:.6g} m/s")
        body.rest()
        autopilot.flying = autopilot.falling = False
        autopilot.guide = None
        self._stands_since_s = autopilot.now_s
        at = autopilot.frame.latlon(body.e, body.n)
        for hook in autopilot.on_touchdown:
            hook(at.lat_deg, at.lon_deg)

    def _turn_heading(self, dt: float) -> None:
        autopilot = self._autopilot
        ref = autopilot.reference
        if autopilot.yaw_fixed_deg is not None:
            wanted = autopilot.yaw_fixed_deg
        elif ref.ve * ref.ve + ref.vn * ref.vn > 1.0 and autopilot.steering.along_track and not autopilot.landing:
            wanted = math.degrees(math.atan2(ref.ve, ref.vn))
        else:
            return
        turn = (wanted - ref.heading_deg + 180.0) % 360.0 - 180.0
        most = autopilot.steering.slew_degps * dt
        ref.heading_deg = (ref.heading_deg + min(max(turn, -most), most)) % 360.0

    def _look(self, dt: float) -> None:
        autopilot = self._autopilot
        body = autopilot.body
        fix = autopilot.receiver.fix_type if autopilot.readiness.fixed else 1
        for text in autopilot.readiness.step(autopilot.now_s, fix):
            autopilot.say(mavlink.MAV_SEVERITY_INFO, text)
        if autopilot.home is None and autopilot.readiness.home_known:
            autopilot.set_home((body.e, body.n, body.u))
            autopilot.say(mavlink.MAV_SEVERITY_INFO, f"Field Elevation Set: {autopilot.datum_amsl_m + body.u:.0f}m")
        if autopilot.flying:
            autopilot.battery.draw(body.power_w(), dt)
            body.feed(autopilot.battery.volts_share)
            self._flight_s += dt
            if isinstance(autopilot.guide, Velocity) and autopilot.fencing.enabled:
                autopilot.lists.fence.mitigation = 2 if keep_inside(autopilot, autopilot.guide) else 1
        else:
            autopilot.battery.draw(autopilot.airframe.avionics_w + (IDLE_MOTORS_W if autopilot.armed else 0.0), dt)
            self._stand()
        autopilot.guard()
        self._housekeeping()

    def _stand(self) -> None:
        """On the ground: disarm after a landing, or when nothing happens for DISARM_DELAY."""
        autopilot = self._autopilot
        if not autopilot.armed:
            self._idle_since_s = None
            return
        if self._stands_since_s is not None and autopilot.now_s - self._stands_since_s >= STANDING_S:
            self._stands_since_s = None
            autopilot.runner.landed()
            autopilot.disarm()
            return
        released = isinstance(autopilot.guide, TakeOff) and (autopilot.auto_released or not autopilot.in_auto)
        if released or self._stands_since_s is not None:
            self._idle_since_s = None
            return
        if self._idle_since_s is None or self._idle_in != autopilot.mode:
            self._idle_in = autopilot.mode
            self._idle_since_s = autopilot.now_s
        delay = autopilot.parameters["DISARM_DELAY"]
        if delay > 0 and autopilot.now_s - self._idle_since_s >= delay:
            autopilot.disarm()

    def _housekeeping(self) -> None:
        autopilot = self._autopilot
        if autopilot.now_s - self._runtime_told_s >= RUNTIME_PUSH_S:
            self._runtime_told_s = autopilot.now_s
            autopilot.parameters.put("STAT_RUNTIME", autopilot.now_s)
            autopilot.parameters.put("STAT_FLTTIME", self._flight_s)


def _crash_words(cos_off: float, felt_mps2: float) -> str:
    angle_deg = math.degrees(math.acos(min(max(cos_off, -1.0), 1.0)))
    return f"Crash: Disarming: AngErr={angle_deg:.0f}>30, Accel={felt_mps2:.1f}<3.0"
