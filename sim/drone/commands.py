"""MAVLink commands: one acknowledgement each, as the real autopilot gives them.

A handler returns a MAV_RESULT; a command without a handler is UNSUPPORTED. Status texts that explain a refusal are
sent before its acknowledgement.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.guides import GoTo
from sim.drone.items import StoredItem
from sim.drone.modes import Mode
from sim.drone.streams import StreamService
from sim.drone.uplink import Uplink

ACCEPTED, DENIED = mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_DENIED
UNSUPPORTED, FAILED = mavlink.MAV_RESULT_UNSUPPORTED, mavlink.MAV_RESULT_FAILED
HIGHEST_M = 83000.0  # what ArduPilot can store in centimetres
FORCE_ARM, FORCE_DISARM = 2989, 21196


@dataclass(frozen=True, slots=True)
class Call:
    """One command as it came: parameters, place (degrees and metres in `frame`), and the form it had."""

    command: int
    param1: float
    param2: float
    param3: float
    param4: float
    lat_deg: float
    lon_deg: float
    z: float
    frame: int
    as_int: bool
    x_raw: float

    @property
    def item(self) -> StoredItem:
        """The command as a mission item would put it."""
        return StoredItem(
            self.command,
            self.frame,
            self.param1,
            self.param2,
            self.param3,
            self.param4,
            round(self.lat_deg * 1e7) if self.as_int else int(self.x_raw),
            round(self.lon_deg * 1e7),
            self.z,
        )


def _call(message: Any) -> Call:
    # what is not a number counts as not given
    values = (message.param1, message.param2, message.param3, message.param4)
    p1, p2, p3, p4 = (v if math.isfinite(v) else 0.0 for v in values)
    if message.get_type() == "COMMAND_INT":
        lat, lon = message.x / 1e7, message.y / 1e7
        z = message.z if math.isfinite(message.z) else 0.0
        return Call(message.command, p1, p2, p3, p4, lat, lon, z, message.frame, True, message.x)
    five, six, seven = (v if math.isfinite(v) else 0.0 for v in (message.param5, message.param6, message.param7))
    return Call(message.command, p1, p2, p3, p4, five, six, seven, 3, False, five)


class CommandService:
    """Answers COMMAND_LONG and COMMAND_INT."""

    def __init__(self, autopilot: Autopilot, streams: StreamService, reboot: Callable[[], None]) -> None:
        self._autopilot = autopilot
        self._streams = streams
        self._reboot = reboot
        self._handlers: dict[int, Callable[[Call], int]] = {
            mavlink.MAV_CMD_COMPONENT_ARM_DISARM: self._arm,
            mavlink.MAV_CMD_DO_SET_MODE: self._set_mode,
            mavlink.MAV_CMD_NAV_TAKEOFF: self._take_off,
            mavlink.MAV_CMD_NAV_LAND: lambda call: self._enter(Mode.LAND),
            mavlink.MAV_CMD_NAV_LOITER_UNLIM: lambda call: self._enter(Mode.LOITER),
            mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH: lambda call: self._enter(Mode.RTL),
            mavlink.MAV_CMD_MISSION_START: lambda call: _ok(autopilot.start_mission()),
            mavlink.MAV_CMD_DO_SET_MISSION_CURRENT: self._set_current,
            mavlink.MAV_CMD_DO_CHANGE_SPEED: lambda call: _ok(autopilot.change_speed(call.param1, call.param2)),
            mavlink.MAV_CMD_CONDITION_YAW: self._yaw,
            mavlink.MAV_CMD_DO_SET_HOME: self._home,
            mavlink.MAV_CMD_DO_REPOSITION: self._reposition,
            mavlink.MAV_CMD_DO_PAUSE_CONTINUE: self._pause,
            mavlink.MAV_CMD_DO_FENCE_ENABLE: self._fence,
            mavlink.MAV_CMD_DO_FLIGHTTERMINATION: self._terminate,
            mavlink.MAV_CMD_PREFLIGHT_REBOOT_SHUTDOWN: self._restart,
            mavlink.MAV_CMD_PREFLIGHT_CALIBRATION: self._calibrate,
            mavlink.MAV_CMD_DO_AUX_FUNCTION: lambda call: FAILED,
            mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST: self._camera,
            mavlink.MAV_CMD_DO_DIGICAM_CONTROL: self._camera,
            mavlink.MAV_CMD_IMAGE_START_CAPTURE: self._camera,
            mavlink.MAV_CMD_IMAGE_STOP_CAPTURE: self._camera,
            mavlink.MAV_CMD_DO_SET_ROI_LOCATION: self._camera,
            mavlink.MAV_CMD_DO_SET_ROI_NONE: self._camera,
        }
        self._needs_int = frozenset({mavlink.MAV_CMD_DO_REPOSITION})

    def handle(self, uplink: Uplink, message: Any) -> bool:
        """Deal with one message if it is a command."""
        if message.get_type() not in ("COMMAND_LONG", "COMMAND_INT"):
            return False
        call = _call(message)
        # some answers go to the asker's link, before or after the acknowledgement
        after: list[Any] = []
        result = self._streams.command(uplink, call.command, call.param1, call.param2, after)
        if result is None:
            handler = self._handlers.get(call.command)
            usable = handler is not None and (call.as_int or call.command not in self._needs_int)
            result = handler(call) if handler is not None and usable else UNSUPPORTED
        uplink.send(
            mavlink.MAVLink_command_ack_message(
                call.command, result, 0, 0, message.get_srcSystem(), message.get_srcComponent()
            )
        )
        for answer in after:
            uplink.send(answer)
        return True

    def set_mode(self, custom_mode: int) -> int:
        """Change the mode by number, for DO_SET_MODE and the SET_MODE message."""
        try:
            mode = Mode(custom_mode)
        except ValueError:
            self._autopilot.say(mavlink.MAV_SEVERITY_WARNING, f"No such mode {custom_mode}")
            return int(FAILED)
        return self._enter(mode)

    def _enter(self, mode: Mode) -> int:
        return _ok(self._autopilot.set_mode(mode))

    def _arm(self, call: Call) -> int:
        if call.param1 == 1:
            return _ok(self._autopilot.arm(force=call.param2 == FORCE_ARM))
        if call.param1 == 0:
            return _ok(self._autopilot.disarm(force=call.param2 == FORCE_DISARM))
        return int(UNSUPPORTED)

    def _set_mode(self, call: Call) -> int:
        if not int(call.param1) & mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED:
            return int(DENIED)
        return self.set_mode(int(call.param2))

    def _take_off(self, call: Call) -> int:
        autopilot = self._autopilot
        if call.as_int and not autopilot.armed:
            return int(DENIED)
        if call.z <= 0.0:
            return int(FAILED)
        return _ok(autopilot.take_off(autopilot.up_m(3, call.z)))

    def _set_current(self, call: Call) -> int:
        return int(ACCEPTED if self._autopilot.runner.select(int(call.param1)) else DENIED)

    def _yaw(self, call: Call) -> int:
        self._autopilot.turn_to(call.param1, call.param2, call.param3, relative=call.param4 == 1)
        return int(ACCEPTED)

    def _home(self, call: Call) -> int:
        autopilot = self._autopilot
        if not autopilot.readiness.home_known:
            return int(FAILED)
        if call.param1 == 1:
            autopilot.set_home(autopilot.believed())
        else:
            if not _on_earth(call):
                return int(DENIED)
            frame = call.frame if call.as_int else 0
            autopilot.set_home((*autopilot.local(call.lat_deg, call.lon_deg), autopilot.up_m(frame, call.z)))
        return int(ACCEPTED)

    def _reposition(self, call: Call) -> int:
        autopilot = self._autopilot
        if not _on_earth(call):
            return int(DENIED)
        if autopilot.mode is not Mode.GUIDED:
            if not int(call.param2) & mavlink.MAV_DO_REPOSITION_FLAGS_CHANGE_MODE:
                return int(DENIED)
            if not autopilot.set_mode(Mode.GUIDED):
                return int(FAILED)
        if not autopilot.flying:
            return int(FAILED)
        place = (*autopilot.local(call.lat_deg, call.lon_deg), autopilot.up_m(call.frame, call.z))
        if autopilot.fence_enabled and autopilot.fence_excess(place)[0]:
            return int(FAILED)
        limits = autopilot.limits(call.param1) if call.param1 > 0.0 else autopilot.limits()
        autopilot.guide = GoTo(place, limits)
        return int(ACCEPTED)

    def _pause(self, call: Call) -> int:
        if call.param1 == 0 and self._autopilot.flying:
            return self._enter(Mode.BRAKE)
        return int(ACCEPTED)

    def _fence(self, call: Call) -> int:
        if call.param1 not in (0, 1):
            return int(FAILED)
        self._autopilot.fence_switch = call.param1 == 1
        self._autopilot.lists.fence.mitigation = 1 if call.param1 == 1 else 0
        return int(ACCEPTED)

    def _terminate(self, call: Call) -> int:
        return _ok(self._autopilot.disarm(force=True)) if call.param1 == 1 else int(FAILED)

    def _restart(self, call: Call) -> int:
        if call.param1 != 1:
            return int(UNSUPPORTED)
        if self._autopilot.armed:
            return int(FAILED)
        self._reboot()
        return int(ACCEPTED)

    def _calibrate(self, call: Call) -> int:
        if self._autopilot.armed:
            self._autopilot.say(mavlink.MAV_SEVERITY_WARNING, "Disarm to allow calibration")
            return int(FAILED)
        return int(ACCEPTED)

    def _camera(self, call: Call) -> int:
        return _ok(self._autopilot.camera.do(call.item))


def _on_earth(call: Call) -> bool:
    return abs(call.lat_deg) <= 90.0 and abs(call.lon_deg) <= 180.0 and abs(call.z) <= HIGHEST_M


def _ok(done: bool) -> int:
    return int(ACCEPTED if done else FAILED)
