"""What the drone does by itself: battery, lost ground station, lost satellites, fence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.battery import Battery
from sim.drone.fence import ALT_MAX, breach_names
from sim.drone.guides import Velocity, stopping_speed
from sim.drone.modes import Mode

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot

FAR_OUTSIDE_M = 100.0
BACKUP_M = 20.0  # a fence that was broken is broken again this much further out
CONTINUE_IN_AUTO, CONTINUE_LANDING = 2, 8  # FS_OPTIONS bits
MANUAL_RECOVERY_S = 10.0
RETURN, SMART, BRAKING = (Mode.RTL,), (Mode.SMART_RTL, Mode.RTL), (Mode.BRAKE,)
SMART_OR_LAND = (Mode.SMART_RTL,)
# modes in the order in which they are tried; LAND is tried after all of them
GCS_ACTIONS = {1: RETURN, 2: RETURN, 3: SMART, 4: SMART_OR_LAND, 5: (), 6: RETURN, 7: BRAKING}
BATTERY_ACTIONS = {1: (), 2: RETURN, 3: SMART, 4: SMART_OR_LAND, 6: RETURN, 7: BRAKING}
FENCE_ACTIONS = {1: RETURN, 2: (), 3: SMART, 4: BRAKING, 5: SMART_OR_LAND}


class Failsafe:
    """Watches, several times a second; `critical` is what the heartbeat's system status tells."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot
        self.last_gcs_s: float | None = None
        self.gcs_lost = False
        self.battery_low = False
        self.battery_critical = False
        self._position_lost = False
        self._low_since_s: float | None = None
        self._critical_since_s: float | None = None
        self._fence_beyond_m = 0.0
        self._recovery_until_s = 0.0

    @property
    def critical(self) -> bool:
        """Whether a failsafe is active."""
        return self.gcs_lost or self.battery_low or self.battery_critical

    def gcs_heartbeat(self) -> None:
        """The ground station that counts was heard."""
        self.last_gcs_s = self._autopilot.now_s
        if self.gcs_lost:
            self.gcs_lost = False
            self._say(mavlink.MAV_SEVERITY_WARNING, "GCS Failsafe Cleared")

    def recover(self) -> None:
        """Somebody takes over while the fence is broken: for a while new breaches are not acted on."""
        autopilot = self._autopilot
        if autopilot.lists.fence.breached and autopilot.armed:
            self._recovery_until_s = autopilot.now_s + MANUAL_RECOVERY_S
            self._say(mavlink.MAV_SEVERITY_INFO, "Manual recovery started")

    def step(self) -> None:
        """Look at everything once."""
        self._gcs()
        self._battery()
        if self._autopilot.armed:
            self._position()
            self._fence()

    def _say(self, severity: int, text: str) -> None:
        self._autopilot.say(severity, text)

    def _act(self, modes: tuple[Mode, ...] | None) -> None:
        """Enter the first of the modes that can be entered, or LAND; on the ground the motors stop."""
        autopilot = self._autopilot
        if modes is None or not autopilot.armed or autopilot.mode is Mode.LAND:
            return
        if not autopilot.flying:
            autopilot.disarm()
        elif autopilot.mode not in modes and not any(autopilot.set_mode(mode, by_itself=True) for mode in modes):
            autopilot.set_mode(Mode.LAND, by_itself=True)

    def _gcs(self) -> None:
        autopilot = self._autopilot
        action = int(autopilot.parameters["FS_GCS_ENABLE"])
        if self.last_gcs_s is None or self.gcs_lost or action == 0 or not autopilot.armed:
            return
        if autopilot.now_s - self.last_gcs_s < autopilot.parameters["FS_GCS_TIMEOUT"] - 0.2:
            return
        self.gcs_lost = True
        self._say(mavlink.MAV_SEVERITY_WARNING, "GCS Failsafe")
        options = int(autopilot.parameters["FS_OPTIONS"])
        if autopilot.mode is Mode.AUTO and (options & CONTINUE_IN_AUTO or action == 2):
            return
        if autopilot.landing and options & CONTINUE_LANDING:
            return
        self._act(GCS_ACTIONS.get(action))

    def _battery(self) -> None:
        autopilot, parameter = self._autopilot, self._autopilot.parameters
        battery = autopilot.battery
        left_mah = parameter["BATT_CAPACITY"] * battery.remaining

        def under(volts: float, mah: float) -> bool:
            return (volts > 0.0 and battery.voltage_v < volts) or (mah > 0.0 and left_mah < mah)

        now, wait_s = autopilot.now_s, parameter["BATT_LOW_TIMER"]
        if under(parameter["BATT_CRT_VOLT"], parameter["BATT_CRT_MAH"]):
            self._critical_since_s = now if self._critical_since_s is None else self._critical_since_s
        else:
            self._critical_since_s = None
        if under(parameter["BATT_LOW_VOLT"], parameter["BATT_LOW_MAH"]):
            self._low_since_s = now if self._low_since_s is None else self._low_since_s
        else:
            self._low_since_s = None
        if self._critical_since_s is not None and not self.battery_critical and now - self._critical_since_s >= wait_s:
            self.battery_critical = self.battery_low = True
            self._say(mavlink.MAV_SEVERITY_CRITICAL, f"Battery 1 is critical {_words(battery)}")
            self._battery_action(int(parameter["BATT_FS_CRT_ACT"]))
        elif self._low_since_s is not None and not self.battery_low and now - self._low_since_s >= wait_s:
            self.battery_low = True
            self._say(mavlink.MAV_SEVERITY_WARNING, f"Battery 1 is low {_words(battery)}")
            self._battery_action(int(parameter["BATT_FS_LOW_ACT"]))

    def _battery_action(self, action: int) -> None:
        if not self._autopilot.armed or action == 0:
            return
        self._say(mavlink.MAV_SEVERITY_WARNING, "Battery Failsafe")
        if action == 5:
            self._autopilot.disarm(force=True)
        elif not (self._autopilot.landing and int(self._autopilot.parameters["FS_OPTIONS"]) & CONTINUE_LANDING):
            self._act(BATTERY_ACTIONS.get(action))

    def _position(self) -> None:
        autopilot = self._autopilot
        lost = autopilot.readiness.position_lost
        action, asked = int(autopilot.parameters["FS_EKF_ACTION"]), autopilot.parameters["FS_EKF_THRESH"] > 0.0
        if lost and not self._position_lost and asked and autopilot.flying:
            mode = Mode.ALT_HOLD if action == 2 else Mode.LAND
            if (autopilot.needs_position or action == 3) and action and autopilot.mode is not Mode.LAND:
                self._say(mavlink.MAV_SEVERITY_CRITICAL, f"EKF Failsafe: changed to {mode.title} Mode")
                autopilot.set_mode(mode, by_itself=True)
        self._position_lost = lost

    def _fence(self) -> None:
        autopilot, fence = self._autopilot, self._autopilot.lists.fence
        if not autopilot.fencing.enabled or not autopilot.flying:
            fence.floor_counts = False
            return
        if not fence.floor_counts and not autopilot.landing:
            height_m = autopilot.believed()[2] - autopilot.home_up_m
            fence.floor_counts = (
                height_m >= autopilot.parameters["FENCE_ALT_MIN"] + autopilot.parameters["FENCE_MARGIN"]
            )
        elif autopilot.landing:
            fence.floor_counts = False
        broken, beyond_m = autopilot.fencing.excess()
        if not broken:
            if fence.breached:
                fence.breached = 0
                self._fence_beyond_m = 0.0
                self._say(mavlink.MAV_SEVERITY_NOTICE, "Fence breach cleared")
            return
        fresh = broken & ~fence.breached
        if not fresh and beyond_m < self._fence_beyond_m + BACKUP_M:
            return
        fence.breached = broken
        fence.breach_count += 1
        fence.breach_time_s = autopilot.now_s
        self._fence_beyond_m = beyond_m
        self._say(mavlink.MAV_SEVERITY_NOTICE, f"{breach_names(fresh or broken)} breached")
        action = int(autopilot.parameters["FENCE_ACTION"])
        if action == 0 or autopilot.now_s < self._recovery_until_s:
            return
        self._act(() if beyond_m > FAR_OUTSIDE_M else FENCE_ACTIONS.get(action, RETURN))


def keep_inside(autopilot: Autopilot, guide: Velocity) -> bool:
    """Slow a wished velocity down near the fence so that it can be stopped inside; whether that was needed.

    AVOID_ENABLE bit 0 is the fence; the speed allowed towards an edge is the one from which FENCE_MARGIN can be kept.
    """
    parameter = autopilot.parameters
    if not autopilot.fencing.enabled or not int(parameter["AVOID_ENABLE"]) & 1:
        guide.most_mps = guide.most_up_mps = math.inf
        return False
    e, n, u = autopilot.believed()
    margin, limits = parameter["FENCE_MARGIN"], guide.limits
    room_m = -autopilot.fencing.beyond_m((e, n, u))
    speed = math.hypot(guide.ve, guide.vn)
    guide.most_mps = math.inf
    if speed > 0.0 and -autopilot.fencing.beyond_m((e + guide.ve / speed, n + guide.vn / speed, u)) < room_m:
        guide.most_mps = stopping_speed(max(room_m - margin, 0.0), limits.accel_mps2 * 0.5)
    guide.most_up_mps = math.inf
    if int(parameter["FENCE_TYPE"]) & ALT_MAX:
        ceiling = parameter["FENCE_ALT_MAX"] + autopilot.home_up_m - margin
        guide.most_up_mps = stopping_speed(max(ceiling - u, 0.0), limits.climb_mps2 * 0.5)
    return speed > guide.most_mps or guide.vu > guide.most_up_mps


def _words(battery: Battery) -> str:
    return f"{battery.voltage_v:.2f}V used {battery.consumed_ah * 1000.0:.0f} mAh"
