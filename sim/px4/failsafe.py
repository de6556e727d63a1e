"""What a PX4 vehicle does by itself: battery, lost data link, lost setpoints, fence, lost position.

Thresholds and actions are PX4's parameters; the action of a failsafe is entering a mode, and LAND when that cannot be
entered. It takes the place of the autopilot's own failsafes.
"""

from __future__ import annotations

import math

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.failsafe import Failsafe
from sim.px4.commander import Commander
from sim.px4.modes import Px4Mode
from sim.px4.parameters import Px4Parameters

CRITICAL, INFO, EMERGENCY = mavlink.MAV_SEVERITY_CRITICAL, mavlink.MAV_SEVERITY_INFO, mavlink.MAV_SEVERITY_EMERGENCY
TERMINATE = "terminate"
LINK_ACTIONS: dict[int, Px4Mode | str] = {
    1: Px4Mode.LOITER, 2: Px4Mode.RTL, 3: Px4Mode.LAND, 5: TERMINATE, 6: TERMINATE,
}  # fmt: skip
OFFBOARD_ACTIONS: dict[int, Px4Mode | str] = {
    0: Px4Mode.LAND, 1: Px4Mode.LOITER, 2: Px4Mode.RTL, 3: TERMINATE, 4: TERMINATE,
}  # fmt: skip
FENCE_ACTIONS: dict[int, Px4Mode | str] = {2: Px4Mode.LOITER, 3: Px4Mode.RTL, 4: TERMINATE, 5: Px4Mode.LAND}
LOW_ACTS_LAND, LOW_ACTS_RETURN_THEN_LAND = 2, 3
FENCE_CLEAR_MODES = frozenset({Px4Mode.RTL, Px4Mode.LAND})


class Px4Failsafe(Failsafe):
    """Watches, several times a second; `offboard_at_s` is when the last setpoint came [s since boot]."""

    def __init__(self, autopilot: Autopilot, commander: Commander, parameters: Px4Parameters) -> None:
        super().__init__(autopilot)
        self._vehicle = autopilot
        self._commander = commander
        self._settings = parameters
        self.offboard_at_s = -math.inf
        self._battery_told = 0
        self._outside = False
        self._offboard_lost = False
        commander.offboard_fresh = self._offboard_fresh

    @property
    def critical(self) -> bool:
        """Whether a failsafe is active."""
        return self.gcs_lost or self.battery_critical or self._offboard_lost or self._outside

    def gcs_heartbeat(self) -> None:
        """A ground station was heard."""
        self.last_gcs_s = self._vehicle.now_s
        if self.gcs_lost:
            self.gcs_lost = False
            self._tell(INFO, "Data link regained")

    def step(self) -> None:
        """Look at everything once."""
        self._link()
        self._charge()
        if self._vehicle.armed:
            self._position()
            self._setpoints()
            self._area()
        self._commander.look()

    def _tell(self, severity: int, text: str) -> None:
        self._commander.say(severity, text)

    def _do(self, action: Px4Mode | str | None) -> None:
        autopilot, commander = self._vehicle, self._commander
        if action is None or not autopilot.armed or commander.mode is Px4Mode.LAND:
            return
        if action == TERMINATE:
            autopilot.disarm(force=True)
        elif isinstance(action, Px4Mode) and autopilot.flying and not commander.enter(action):
            commander.enter(Px4Mode.LAND)

    def _link(self) -> None:
        autopilot = self._vehicle
        if self.last_gcs_s is None or self.gcs_lost:
            return
        if autopilot.now_s - self.last_gcs_s < self._settings["COM_DL_LOSS_T"]:
            return
        self.gcs_lost = True
        self._tell(CRITICAL, "Data link lost")
        if autopilot.flying and (action := LINK_ACTIONS.get(int(self._settings["NAV_DLL_ACT"]))) is not None:
            self._tell(CRITICAL, "Failsafe enabled: no datalink")
            self._do(action)

    def _charge(self) -> None:
        left, parameter = self._vehicle.battery.remaining, self._settings
        level = sum(left < parameter[name] for name in ("BAT_LOW_THR", "BAT_CRIT_THR", "BAT_EMERGEN_THR"))
        if level <= self._battery_told:
            return
        self._battery_told = level
        self.battery_low, self.battery_critical = True, level >= 2
        action = int(parameter["COM_LOW_BAT_ACT"])
        if level == 1:
            self._tell(CRITICAL, "Low battery level! Return advised")
        elif level == 2:
            act = {LOW_ACTS_LAND: Px4Mode.LAND, LOW_ACTS_RETURN_THEN_LAND: Px4Mode.RTL}.get(action)
            done = {Px4Mode.LAND: "landing now", Px4Mode.RTL: "returning to launch"}
            self._tell(CRITICAL, f"Critical battery level! {done[act].capitalize() if act else 'Return now advised'}")
            self._do(act)
        else:
            act = Px4Mode.LAND if action in (LOW_ACTS_LAND, LOW_ACTS_RETURN_THEN_LAND) else None
            self._tell(EMERGENCY, f"Dangerous battery level! {'Landing immediately' if act else 'Please land'}")
            self._do(act)

    def _offboard_fresh(self) -> bool:
        return self._vehicle.now_s - self.offboard_at_s <= self._settings["COM_OF_LOSS_T"]

    def _setpoints(self) -> None:
        lost = self._commander.mode is Px4Mode.OFFBOARD and not self._offboard_fresh()
        if lost and not self._offboard_lost:
            self._tell(CRITICAL, "Failsafe enabled: no offboard")
            self._do(OFFBOARD_ACTIONS.get(int(self._settings["COM_OBL_ACT"])))
        self._offboard_lost = lost and self._vehicle.flying

    def _area(self) -> None:
        autopilot, fence = self._vehicle, self._vehicle.lists.fence
        outside = autopilot.flying and self._commander.outside_fence(autopilot.believed())
        if outside and not self._outside:
            fence.breach_count += 1
            fence.breach_time_s = autopilot.now_s
            self._tell(CRITICAL, "Geofence violation")
            if self._commander.mode not in FENCE_CLEAR_MODES:
                self._do(FENCE_ACTIONS.get(int(self._settings["GF_ACTION"])))
        self._outside = outside
        fence.breached = 4 if outside else 0
