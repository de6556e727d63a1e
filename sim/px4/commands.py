"""MAVLink commands as PX4 answers them (Commander.cpp, mavlink_receiver.cpp of PX4 1.13).

A command must be for this system and for its autopilot or all components; others get no answer. What a mode or a
position forbids is TEMPORARILY_REJECTED, a command that PX4 does not know UNSUPPORTED. A calibration is accepted and
then tells its progress in status texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.items import StoredItem
from sim.drone.streams import StreamService
from sim.drone.trajectory import Point
from sim.drone.uplink import Uplink
from sim.px4.commander import CRITICAL, INFO, Commander
from sim.px4.modes import Px4Mode, asked_for

ACCEPTED, DENIED = int(mavlink.MAV_RESULT_ACCEPTED), int(mavlink.MAV_RESULT_DENIED)
REJECTED = int(mavlink.MAV_RESULT_TEMPORARILY_REJECTED)
UNSUPPORTED, FAILED = int(mavlink.MAV_RESULT_UNSUPPORTED), int(mavlink.MAV_RESULT_FAILED)
FORCE = 21196  # both ways
UNSET_INT = 2**31 - 1  # a coordinate of a COMMAND_INT that is not given
COMPONENT = int(mavlink.MAV_COMP_ID_AUTOPILOT1)
TO_ALL_OR_ME = frozenset({mavlink.MAV_CMD_REQUEST_AUTOPILOT_CAPABILITIES, mavlink.MAV_CMD_REQUEST_PROTOCOL_VERSION})
CAMERA = frozenset({
    mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST, mavlink.MAV_CMD_DO_DIGICAM_CONTROL, mavlink.MAV_CMD_IMAGE_START_CAPTURE,
    mavlink.MAV_CMD_IMAGE_STOP_CAPTURE, mavlink.MAV_CMD_DO_SET_ROI_LOCATION, mavlink.MAV_CMD_DO_SET_ROI_NONE,
    mavlink.MAV_CMD_DO_SET_ROI,
})  # fmt: skip


class Call:
    """One command as it came; what is not given is not a number."""

    __slots__ = ("as_int", "command", "lat_deg", "lon_deg", "p", "z")

    def __init__(self, message: Any) -> None:
        self.command: int = message.command
        self.p: tuple[float, ...] = (message.param1, message.param2, message.param3, message.param4)
        self.as_int = message.get_type() == "COMMAND_INT"
        if self.as_int:
            self.lat_deg, self.lon_deg = (math.nan if v == UNSET_INT else v / 1e7 for v in (message.x, message.y))
            self.z: float = message.z
        else:
            self.lat_deg, self.lon_deg, self.z = message.param5, message.param6, message.param7

    def number(self, place: int) -> float:
        """A parameter, 0 when it is not given."""
        value = self.p[place]
        return value if math.isfinite(value) else 0.0

    @property
    def item(self) -> StoredItem:
        """The command as a mission item would put it."""
        lat, lon, z = (v if math.isfinite(v) else 0.0 for v in (self.lat_deg, self.lon_deg, self.z))
        p1, p2, p3, p4 = (self.number(place) for place in range(4))
        # a camera's param5 is a plain number
        x = int(lat) if self.command in CAMERA and not self.as_int else round(lat * 1e7)
        return StoredItem(self.command, 0, p1, p2, p3, p4, x, round(lon * 1e7), z)


class Px4Commands:
    """Answers COMMAND_LONG and COMMAND_INT."""

    def __init__(
        self, autopilot: Autopilot, commander: Commander, streams: StreamService, reboot: Callable[[], None]
    ) -> None:
        self._autopilot = autopilot
        self._commander = commander
        self._streams = streams
        self._reboot = reboot
        self._handlers: dict[int, Callable[[Call], int]] = {
            mavlink.MAV_CMD_COMPONENT_ARM_DISARM: self._arm,
            mavlink.MAV_CMD_DO_SET_MODE: self._set_mode,
            mavlink.MAV_CMD_NAV_TAKEOFF: self._take_off,
            mavlink.MAV_CMD_NAV_LAND: lambda call: self._switch(
                Px4Mode.LAND, "Landing at current position", "Landing denied! Please land manually"
            ),
            mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH: lambda call: self._switch(
                Px4Mode.RTL, "Returning to launch", "Return to launch denied"
            ),
            mavlink.MAV_CMD_MISSION_START: self._start_mission,
            mavlink.MAV_CMD_DO_REPOSITION: self._reposition,
            mavlink.MAV_CMD_DO_ORBIT: self._orbit,
            mavlink.MAV_CMD_DO_CHANGE_SPEED: self._change_speed,
            mavlink.MAV_CMD_DO_SET_HOME: self._home,
            mavlink.MAV_CMD_DO_FLIGHTTERMINATION: self._terminate,
            mavlink.MAV_CMD_PREFLIGHT_REBOOT_SHUTDOWN: self._restart,
            mavlink.MAV_CMD_PREFLIGHT_CALIBRATION: self._calibrate,
            mavlink.MAV_CMD_PREFLIGHT_STORAGE: lambda call: REJECTED if autopilot.armed else ACCEPTED,
            mavlink.MAV_CMD_DO_MOTOR_TEST: lambda call: DENIED,
            **dict.fromkeys(CAMERA, self._camera),
        }

    def handle(self, uplink: Uplink, message: Any) -> bool:
        """Deal with one message if it is a command."""
        if message.get_type() not in ("COMMAND_LONG", "COMMAND_INT"):
            return False
        call = Call(message)
        if message.target_system == 0 and call.command not in TO_ALL_OR_ME:
            return True
        if message.target_component not in (0, COMPONENT):
            return True
        after: list[Any] = []
        result = self._streams.command(uplink, call.command, call.number(0), call.p[1], after)
        if result is None:
            handler = self._handlers.get(call.command)
            result = handler(call) if handler is not None else UNSUPPORTED
        source = (message.get_srcSystem(), message.get_srcComponent())
        uplink.send(mavlink.MAVLink_command_ack_message(call.command, result, 0, 0, *source))
        for answer in after:
            uplink.send(answer)
        return True

    def set_mode(self, base_mode: int, main: int, sub: int) -> int:
        """Change the mode, for DO_SET_MODE and the SET_MODE message."""
        mode = asked_for(base_mode, main, sub)
        if mode is None:
            if main == 4:
                self._commander.say(CRITICAL, "Unsupported auto mode")
            return REJECTED
        return ACCEPTED if self._commander.enter(mode) else REJECTED

    def _set_mode(self, call: Call) -> int:
        return self.set_mode(int(call.number(0)), int(call.number(1)), int(call.number(2)))

    def _arm(self, call: Call) -> int:
        wish, force = round(call.number(0)), round(call.number(1)) == FORCE
        if wish not in (0, 1):
            self._commander.say(CRITICAL, f"Unsupported ARM_DISARM param: {call.number(0):.3f}")
            return UNSUPPORTED
        act = self._commander.arm if wish == 1 else self._commander.disarm
        return ACCEPTED if act("external command", force=force) else REJECTED

    def _switch(self, mode: Px4Mode, done: str, denied: str) -> int:
        if self._commander.enter(mode):
            self._commander.say(INFO, done)
            return ACCEPTED
        self._commander.say(CRITICAL, denied)
        return REJECTED

    def _take_off(self, call: Call) -> int:
        if self._commander.take_off(call.z):
            return ACCEPTED
        self._commander.say(CRITICAL, "Takeoff denied! Please disarm and retry")
        return REJECTED

    def _start_mission(self, call: Call) -> int:
        started = self._commander.start_mission(int(call.number(0)))
        if started is None:
            return DENIED
        return ACCEPTED if started else REJECTED

    def _place(self, call: Call) -> Point:
        """The place that a command names, here and at this height where it names none; heights are above the sea."""
        autopilot = self._autopilot
        e, n, u = autopilot.believed()
        if math.isfinite(call.lat_deg) and math.isfinite(call.lon_deg):
            e, n = autopilot.local(call.lat_deg, call.lon_deg)
        return e, n, autopilot.up_m(0, call.z) if math.isfinite(call.z) else u

    def _reposition(self, call: Call) -> int:
        if abs(call.lat_deg) > 90.0 or abs(call.lon_deg) > 180.0:
            return DENIED
        wants_change = int(call.number(1)) & mavlink.MAV_DO_REPOSITION_FLAGS_CHANGE_MODE
        if wants_change and not self._commander.enter(Px4Mode.LOITER):
            self._commander.say(CRITICAL, "Reposition command rejected")
            return REJECTED
        heading = math.degrees(call.p[3]) if math.isfinite(call.p[3]) else None  # MAVLink: radians, NaN for none
        self._commander.reposition(self._place(call), call.number(0), heading)
        return ACCEPTED

    def _orbit(self, call: Call) -> int:
        if abs(call.lat_deg) > 90.0 or abs(call.lon_deg) > 180.0:
            return DENIED
        if self._commander.circle(self._place(call), call.number(0), call.number(1)):
            return ACCEPTED
        self._commander.say(CRITICAL, "Orbit command rejected")
        return REJECTED

    def _change_speed(self, call: Call) -> int:
        return ACCEPTED if self._autopilot.change_speed(call.number(0), call.number(1)) else DENIED

    def _home(self, call: Call) -> int:
        autopilot = self._autopilot
        if not autopilot.readiness.home_known:
            return REJECTED
        if call.number(0) > 0.5:
            autopilot.set_home(autopilot.believed())
        elif all(math.isfinite(v) for v in (call.lat_deg, call.lon_deg, call.z)):
            autopilot.set_home(self._place(call))
        else:
            return DENIED
        return ACCEPTED

    def _terminate(self, call: Call) -> int:
        if call.number(0) > 0.5:
            self._autopilot.disarm(force=True)
        return ACCEPTED

    def _restart(self, call: Call) -> int:
        wish = int(call.number(0))
        if wish == 0:
            return ACCEPTED
        if wish not in (1, 3) or self._autopilot.armed:
            return DENIED
        self._reboot()
        return ACCEPTED

    def _calibrate(self, call: Call) -> int:
        return REJECTED if self._autopilot.armed else ACCEPTED

    def _camera(self, call: Call) -> int:
        return ACCEPTED if self._autopilot.camera.do(call.item) else FAILED
