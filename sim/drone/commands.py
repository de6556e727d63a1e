"""MAVLink commands: one acknowledgement each, as the real autopilot gives them.

A handler returns a MAV_RESULT; a command without a handler is UNSUPPORTED. Status texts that explain a refusal are
sent before its acknowledgement.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
IN_PROGRESS = mavlink.MAV_RESULT_IN_PROGRESS
PROGRESS_S, FORMAT_S = 1.0, 2.5  # how often progress is told, how long a card takes
MOTORS, SERVOS = 4, 16
LONGEST_TEST_S = 600.0
# RC_OPTION numbers that DO_AUX_FUNCTION can ask for
FENCE_SWITCH = 11
MODE_SWITCHES = {
    4: Mode.RTL, 16: Mode.AUTO, 18: Mode.LAND, 33: Mode.BRAKE, 42: Mode.SMART_RTL, 52: Mode.ACRO, 55: Mode.GUIDED,
    56: Mode.LOITER, 68: Mode.STABILIZE, 69: Mode.POSHOLD, 70: Mode.ALT_HOLD, 72: Mode.CIRCLE,
}  # fmt: skip


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


@dataclass(slots=True)
class Task:
    """A command whose end is acknowledged later: for whom, since when [s since boot]."""

    uplink: Uplink
    command: int
    target: tuple[int, int]
    begun_s: float
    told_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.told_s = self.begun_s

    def acknowledge(self, result: int) -> None:
        """Send a COMMAND_ACK."""
        self.uplink.send(mavlink.MAVLink_command_ack_message(self.command, result, 0, 0, *self.target))


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
            mavlink.MAV_CMD_MISSION_START: self._start_mission,
            mavlink.MAV_CMD_DO_LAND_START: lambda call: _ok(autopilot.land_by_mission()),
            mavlink.MAV_CMD_RUN_PREARM_CHECKS: self._look_before_arming,
            mavlink.MAV_CMD_DO_MOTOR_TEST: self._test_motor,
            mavlink.MAV_CMD_DO_SET_SERVO: lambda call: _ok(MOTORS < call.param1 <= SERVOS),
            mavlink.MAV_CMD_DO_SET_RELAY: lambda call: FAILED,
            mavlink.MAV_CMD_STORAGE_FORMAT: self._format,
            mavlink.MAV_CMD_DO_SET_MISSION_CURRENT: self._set_current,
            mavlink.MAV_CMD_DO_CHANGE_SPEED: self._change_speed,
            mavlink.MAV_CMD_CONDITION_YAW: self._yaw,
            mavlink.MAV_CMD_DO_SET_HOME: self._home,
            mavlink.MAV_CMD_DO_REPOSITION: self._reposition,
            mavlink.MAV_CMD_DO_PAUSE_CONTINUE: self._pause,
            mavlink.MAV_CMD_DO_FENCE_ENABLE: self._fence,
            mavlink.MAV_CMD_DO_FLIGHTTERMINATION: self._terminate,
            mavlink.MAV_CMD_PREFLIGHT_REBOOT_SHUTDOWN: self._restart,
            mavlink.MAV_CMD_PREFLIGHT_CALIBRATION: self._calibrate,
            mavlink.MAV_CMD_DO_AUX_FUNCTION: self._aux_function,
            mavlink.MAV_CMD_DO_SET_CAM_TRIGG_DIST: self._camera,
            mavlink.MAV_CMD_DO_DIGICAM_CONTROL: self._camera,
            mavlink.MAV_CMD_IMAGE_START_CAPTURE: self._camera,
            mavlink.MAV_CMD_IMAGE_STOP_CAPTURE: self._camera,
            mavlink.MAV_CMD_DO_SET_ROI: self._look_at,
            mavlink.MAV_CMD_DO_SET_ROI_LOCATION: self._look_at,
            mavlink.MAV_CMD_DO_SET_ROI_NONE: self._look_at,
        }
        self._needs_int = frozenset({mavlink.MAV_CMD_DO_REPOSITION})
        self._tasks: list[Task] = []
        self._motors_until_s: float | None = None

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
        task = Task(uplink, call.command, (message.get_srcSystem(), message.get_srcComponent()), self._autopilot.now_s)
        if result == IN_PROGRESS:
            if any((t.command, t.target) == (task.command, task.target) for t in self._tasks):
                result = int(mavlink.MAV_RESULT_TEMPORARILY_REJECTED)
            else:
                self._tasks.append(task)
        task.acknowledge(int(result))
        for answer in after:
            uplink.send(answer)
        return True

    @property
    def busy(self) -> bool:
        """Whether something that was begun goes on."""
        return bool(self._tasks) or self._motors_until_s is not None

    def step(self) -> None:
        """Say once a second how what takes long is going, and end it."""
        now = self._autopilot.now_s
        for task in list(self._tasks):
            if now - task.begun_s >= FORMAT_S:
                self._tasks.remove(task)
                task.acknowledge(int(ACCEPTED))
            elif now - task.told_s >= PROGRESS_S - 1e-6:
                task.told_s = now
                task.acknowledge(int(IN_PROGRESS))
        if self._motors_until_s is not None and now >= self._motors_until_s:
            self._motors_until_s = None
            self._autopilot.say(mavlink.MAV_SEVERITY_INFO, "finished motor test")

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
        if call.as_int and (call.frame != mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT or not autopilot.armed):
            return int(DENIED)
        if call.z <= 0.0:
            return int(FAILED)
        return _ok(autopilot.take_off(autopilot.up_m(3, call.z)))

    def _set_current(self, call: Call) -> int:
        return int(ACCEPTED if self._autopilot.runner.select(int(call.param1)) else DENIED)

    def _start_mission(self, call: Call) -> int:
        if call.param1 or call.param2:  # a first and a last item
            return int(DENIED)
        return _ok(self._autopilot.start_mission())

    def _change_speed(self, call: Call) -> int:
        if call.param2 <= 0.0 or not 0 <= call.param1 <= 3:
            return int(DENIED)
        return _ok(self._autopilot.change_speed(call.param1, call.param2))

    def _look_before_arming(self, call: Call) -> int:
        if self._autopilot.armed:
            return int(mavlink.MAV_RESULT_TEMPORARILY_REJECTED)
        self._autopilot.prearm.tell()
        return int(ACCEPTED)

    def _test_motor(self, call: Call) -> int:
        """Turn a motor on the ground; a take-off that was asked for is forgotten."""
        autopilot = self._autopilot
        if autopilot.flying:
            autopilot.say(mavlink.MAV_SEVERITY_CRITICAL, "Motor Test: vehicle not landed")
            return int(FAILED)
        if not 1 <= call.param1 <= MOTORS:
            return int(FAILED)
        autopilot.guide = None
        autopilot.say(mavlink.MAV_SEVERITY_INFO, "starting motor test")
        self._motors_until_s = autopilot.now_s + min(max(call.param4, 0.0), LONGEST_TEST_S)
        return int(ACCEPTED)

    def _format(self, call: Call) -> int:
        if (call.param1, call.param2) != (1, 1):
            return int(UNSUPPORTED)
        return int(FAILED if self._autopilot.armed else IN_PROGRESS)

    def _aux_function(self, call: Call) -> int:
        """What a switch of a transmitter does: param1 the function, param2 its position (0 low, 1 middle, 2 high)."""
        function, position = int(call.param1), int(call.param2)
        if position not in (0, 1, 2):
            return int(DENIED)
        if function == FENCE_SWITCH:
            self._autopilot.fencing.switch(position == 2)
            return int(ACCEPTED)
        mode = MODE_SWITCHES.get(function)
        if mode is None:
            return int(FAILED)
        return self._enter(mode) if position == 2 else int(ACCEPTED)

    def _look_at(self, call: Call) -> int:
        if not _on_earth(call):
            return int(FAILED)
        self._autopilot.look_at(replace(call.item, x=round(call.lat_deg * 1e7)))
        return int(ACCEPTED)

    def _yaw(self, call: Call) -> int:
        if not 0.0 <= call.param1 <= 360.0 or call.param4 not in (0, 1):
            return int(FAILED)
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
        if autopilot.fencing.enabled and autopilot.fencing.excess(place)[0]:
            return int(FAILED)
        limits = autopilot.limits(call.param1) if call.param1 > 0.0 else autopilot.limits()
        autopilot.guide = GoTo(place, limits)
        return int(ACCEPTED)

    def _pause(self, call: Call) -> int:
        autopilot = self._autopilot
        if call.param1 not in (0, 1):
            return int(DENIED)
        done = autopilot.pause() if call.param1 == 0 else autopilot.resume()
        if not done:
            autopilot.say(mavlink.MAV_SEVERITY_INFO, "Failed to pause" if call.param1 == 0 else "Failed to resume")
        return _ok(done)

    def _fence(self, call: Call) -> int:
        if call.param1 not in (0, 1):
            return int(FAILED)
        self._autopilot.fencing.switch(call.param1 == 1)
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
        """Gyros (param1 1), pressure (param3 1), transmitter (param4 1), accelerometers (param5 1, 2 or 4)."""
        autopilot = self._autopilot
        if autopilot.armed:
            autopilot.say(mavlink.MAV_SEVERITY_NOTICE, "Disarm to allow calibration")
            return int(FAILED)
        if call.param3 == 1:
            autopilot.say(mavlink.MAV_SEVERITY_INFO, "Updating barometer calibration")
            autopilot.say(mavlink.MAV_SEVERITY_INFO, "Barometer calibration complete")
        known = 1 in (call.param1, call.param3, call.param4) or call.x_raw in (1, 2, 4)
        return int(ACCEPTED if known else UNSUPPORTED)

    def _camera(self, call: Call) -> int:
        return _ok(self._autopilot.camera.do(call.item))


def _on_earth(call: Call) -> bool:
    return abs(call.lat_deg) <= 90.0 and abs(call.lon_deg) <= 180.0 and abs(call.z) <= HIGHEST_M


def _ok(done: bool) -> int:
    return int(ACCEPTED if done else FAILED)
