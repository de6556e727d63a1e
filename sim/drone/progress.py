"""How time passes for the autopilot: physics in small steps, everything else several times a second."""

from __future__ import annotations

import math

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.airframe import GRAVITY_MPS2
from sim.drone.autopilot import Autopilot
from sim.drone.failsafe import keep_inside
from sim.drone.guides import TakeOff, Velocity
from sim.drone.modes import Mode
from sim.drone.readiness import why_not_arm

SLOW_STEPS = 5  # every so many steps: wind, power, failsafes, mission, camera
STANDING_S = 1.8  # so long on the ground before it counts as landed
RUNTIME_PUSH_S = 30.0
IDLE_MOTORS_W = 40.0


class Progress:
    """Moves one autopilot on; `step_s` is the length of a physics step [s]."""

    def __init__(self, autopilot: Autopilot, step_s: float) -> None:
        self._autopilot = autopilot
        self._step_s = step_s
        self._steps = 0
        self._idle_since_s: float | None = None
        self._idle_in = Mode.STABILIZE
        self._stands_since_s: float | None = None
        self._flight_s = 0.0
        self._runtime_told_s = 0.0

    def reboot(self) -> None:
        """Begin anew after a restart of the autopilot."""
        self._idle_since_s = self._stands_since_s = None
        self._runtime_told_s = 0.0

    def advance(self, until_s: float) -> None:
        """Move on to a time since boot [s], in steps."""
        autopilot = self._autopilot
        while autopilot.now_s < until_s - 1e-9:
            moving = autopilot.armed or autopilot.falling
            dt = self._step_s if moving else min(until_s - autopilot.now_s, SLOW_STEPS * self._step_s)
            autopilot.now_s += dt
            if moving:
                self._move(dt)
            self._steps += 1
            if not moving or self._steps % SLOW_STEPS == 0:
                self._look(dt if not moving else SLOW_STEPS * self._step_s)

    def _move(self, dt: float) -> None:
        autopilot = self._autopilot
        body, guide, ref = autopilot.body, autopilot.guide, autopilot.reference
        if autopilot.falling:
            speed = -body.vu
            body.fall(dt)
            if body.on_ground:
                self._hit_ground(speed)
            return
        if not autopilot.flying:
            if not isinstance(guide, TakeOff) or (autopilot.in_auto and not autopilot.auto_released):
                return
            if guide.spool_s > 0.0:
                guide.step(ref, body, dt)
                return
            self._leave_ground()
        elif guide is None:
            return
        guide.step(ref, body, dt)
        self._turn_heading(dt)
        sinking = -body.vu
        tilt = GRAVITY_MPS2 * math.tan(math.radians(autopilot.parameters["ANGLE_MAX"] / 100.0))
        error = autopilot.receiver
        body.fly(ref, error.e, error.n, error.u, tilt, dt)
        if body.on_ground and autopilot.landing:
            self._hit_ground(sinking)

    def _leave_ground(self) -> None:
        autopilot = self._autopilot
        body, ref = autopilot.body, autopilot.reference
        autopilot.flying = True
        body.rest()
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
        autopilot.say(mavlink.MAV_SEVERITY_INFO, f"SIM Hit ground at {max(speed_mps, 0.0):.6g} m/s")
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
        elif (
            ref.ve * ref.ve + ref.vn * ref.vn > 1.0
            and autopilot.parameters["WP_YAW_BEHAVIOR"]
            and not autopilot.landing
        ):
            wanted = math.degrees(math.atan2(ref.ve, ref.vn))
        else:
            return
        turn = (wanted - ref.heading_deg + 180.0) % 360.0 - 180.0
        most = autopilot.parameters["ATC_SLEW_YAW"] / 100.0 * dt
        ref.heading_deg = (ref.heading_deg + min(max(turn, -most), most)) % 360.0

    def _look(self, dt: float) -> None:
        autopilot = self._autopilot
        body = autopilot.body
        autopilot.receiver.step(autopilot.now_s)
        fix = autopilot.receiver.fix_type if autopilot.readiness.fixed else 1
        for text in autopilot.readiness.step(autopilot.now_s, fix):
            autopilot.say(mavlink.MAV_SEVERITY_INFO, text)
        if autopilot.home is None and autopilot.readiness.home_known:
            autopilot.set_home((body.e, body.n, body.u))
            autopilot.say(mavlink.MAV_SEVERITY_INFO, f"Field Elevation Set: {autopilot.ground_amsl_m:.0f}m")
        if autopilot.flying:
            body.wind_e, body.wind_n = autopilot.wind.at((body.e, body.n), body.u, autopilot.boot_s + autopilot.now_s)
            autopilot.battery.draw(body.power_w(), dt)
            self._flight_s += dt
            if isinstance(autopilot.guide, Velocity) and autopilot.fence_enabled:
                autopilot.lists.fence.mitigation = 2 if keep_inside(autopilot, autopilot.guide) else 1
        else:
            autopilot.battery.draw(autopilot.airframe.avionics_w + (IDLE_MOTORS_W if autopilot.armed else 0.0), dt)
            self._stand()
        autopilot.failsafe.step()
        autopilot.runner.update()
        autopilot.camera.step()
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
            reason = None if autopilot.armed else why_not_arm(autopilot)
            if reason is not None and autopilot.mode is not Mode.AUTO:
                autopilot.say(mavlink.MAV_SEVERITY_CRITICAL, f"PreArm: {reason}")
