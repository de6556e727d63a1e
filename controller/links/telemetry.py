"""What is known of a drone, folded from the messages of its autopilot."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.codec import Message
from controller.links.modes import mode_name
from controller.links.statustexts import StatusText, StatusTexts
from controller.streams import STREAMS, Freshness, Stream

AUTOPILOT_COMPONENT = 1  # MAV_COMP_ID_AUTOPILOT1
TEXTS_KEPT = 40
REBOOT_STEP_MS = 5000  # the autopilot's own clock fell back by more than packets can overtake each other

_UNKNOWN_U16 = 65535
_PREARM = mavlink.MAV_SYS_STATUS_PREARM_CHECK


class Landed(IntEnum):
    """MAV_LANDED_STATE."""

    UNDEFINED = 0
    ON_GROUND = 1
    IN_AIR = 2
    TAKEOFF = 3
    LANDING = 4


class MissionState(IntEnum):
    """MISSION_STATE as MISSION_CURRENT gives it."""

    UNKNOWN = 0
    NO_MISSION = 1
    NOT_STARTED = 2
    ACTIVE = 3
    PAUSED = 4
    COMPLETE = 5


@dataclass(frozen=True, slots=True)
class Home:
    """The autopilot's home, from which its relative heights count."""

    lat_deg: float
    lon_deg: float
    amsl_m: float


@dataclass(slots=True)
class DroneState:
    """The drone as last heard; None means not known (yet).

    Only `Telemetry` writes it, so the one that a link holds changes as messages come; `snapshot` gives one that does
    not. Positions are WGS84 degrees as the autopilot says them, velocities north, east, down [m/s].
    """

    system_id: int | None = None
    heard_s: float | None = None  # loop second of the last message of the autopilot
    heartbeats: int = 0
    boots: int = 0  # how often the autopilot was seen to restart

    vehicle_type: int | None = None
    mode_number: int | None = None
    mode: str = ""
    armed: bool | None = None
    system_status: int | None = None  # MAV_STATE; 5 is critical: a failsafe acts

    lat_deg: float | None = None
    lon_deg: float | None = None
    amsl_m: float | None = None
    relative_m: float | None = None  # above home; None until home is known
    velocity_ned_mps: tuple[float, float, float] | None = None
    heading_deg: float | None = None
    roll_deg: float | None = None
    pitch_deg: float | None = None

    fix_type: int | None = None  # GPS_FIX_TYPE; 3 is 3D, 5 RTK float, 6 RTK fixed
    satellites: int | None = None
    horizontal_accuracy_m: float | None = None

    battery_v: float | None = None
    battery_a: float | None = None
    battery_remaining_pct: float | None = None
    consumed_wh: float | None = None

    prearm_ok: bool | None = None
    ekf_flags: int | None = None
    landed_state: Landed | None = None
    home: Home | None = None

    mission_seq: int | None = None
    mission_total: int | None = None
    mission_state: MissionState | None = None

    wind_mps: float | None = None
    wind_from_deg: float | None = None

    fence_breached: bool | None = None
    fence_breach_type: int | None = None

    texts: deque[StatusText] = field(default_factory=lambda: deque(maxlen=TEXTS_KEPT))

    @property
    def ground_speed_mps(self) -> float | None:
        """The horizontal speed [m/s]."""
        return None if self.velocity_ned_mps is None else math.hypot(*self.velocity_ned_mps[:2])

    @property
    def failsafe(self) -> bool:
        """Whether the autopilot says that a failsafe acts (MAV_STATE_CRITICAL or EMERGENCY)."""
        return self.system_status in (mavlink.MAV_STATE_CRITICAL, mavlink.MAV_STATE_EMERGENCY)

    def snapshot(self) -> DroneState:
        """The state as it is now, for keeping."""
        kept = copy.copy(self)
        kept.texts = self.texts.copy()
        return kept


def is_autopilot_heartbeat(message: Message) -> bool:
    """Whether this heartbeat tells of a flying vehicle: not of its camera or gimbal, nor of a ground station."""
    return (
        isinstance(message, mavlink.MAVLink_heartbeat_message)
        and message.get_srcComponent() == AUTOPILOT_COMPONENT
        and message.autopilot != mavlink.MAV_AUTOPILOT_INVALID
        and message.type != mavlink.MAV_TYPE_GCS
    )


class Telemetry:
    """Folds messages of one system into its `DroneState` and notes which streams they refresh.

    `now` gives loop seconds. Messages of other components than the autopilot change nothing.
    """

    def __init__(self, now: Callable[[], float], lag_s: float = 0.0) -> None:
        self.state = DroneState()
        self.freshness = Freshness(now, lag_s)
        self.new_texts: list[StatusText] = []  # whole texts that nobody took from here yet
        self._now = now
        self._texts = StatusTexts()
        self._boot_ms: int | None = None
        self._battery_status = False
        self._folds: dict[str, Callable[[Any], bool | None]] = {
            "HEARTBEAT": self._heartbeat,
            "SYS_STATUS": self._sys_status,
            "GLOBAL_POSITION_INT": self._position,
            "ATTITUDE": self._attitude,
            "GPS_RAW_INT": self._gnss,
            "BATTERY_STATUS": self._battery,
            "MISSION_CURRENT": self._mission,
            "EXTENDED_SYS_STATE": self._extended,
            "HOME_POSITION": self._home,
            "EKF_STATUS_REPORT": self._ekf,
            "WIND": self._wind,
            "FENCE_STATUS": self._fence,
            "STATUSTEXT": self._statustext,
        }

    def fold(self, message: Message) -> bool:
        """Take one message in; False when it is not the autopilot's."""
        if message.get_srcComponent() != AUTOPILOT_COMPONENT:
            return False
        kind = message.get_type()
        if kind == "HEARTBEAT" and not is_autopilot_heartbeat(message):
            return False
        self.state.heard_s = self._now()
        fold = self._folds.get(kind)
        # a message that told nothing of the vehicle (a second battery, a position that is not known yet) is no news
        if fold is not None and fold(message) is not False:
            stream = STREAM_OF_MESSAGE.get(kind)
            if stream is not None:
                self.freshness.heard(stream)
        return True

    def _heartbeat(self, message: mavlink.MAVLink_heartbeat_message) -> None:
        state = self.state
        state.system_id = message.get_srcSystem()
        state.heartbeats += 1
        state.vehicle_type = message.type
        if state.mode_number != message.custom_mode:
            state.mode_number = message.custom_mode
            state.mode = mode_name(message.custom_mode)
        state.armed = bool(message.base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED)
        state.system_status = message.system_status
        self._say(self._texts.overdue(self._now()))

    def _sys_status(self, message: mavlink.MAVLink_sys_status_message) -> None:
        state = self.state
        # an autopilot that does not report the check at all has not passed it
        state.prearm_ok = bool(
            message.onboard_control_sensors_present & message.onboard_control_sensors_health & _PREARM
        )
        if not self._battery_status:
            state.battery_v = None if message.voltage_battery == _UNKNOWN_U16 else message.voltage_battery / 1e3
            state.battery_a = None if message.current_battery == -1 else message.current_battery / 100
            state.battery_remaining_pct = None if message.battery_remaining < 0 else float(message.battery_remaining)

    def _position(self, message: mavlink.MAVLink_global_position_int_message) -> bool:
        self._booted(message.time_boot_ms)
        if message.lat == 0 and message.lon == 0:
            return False  # what ArduPilot sends before it has a position
        state = self.state
        state.lat_deg = message.lat / 1e7
        state.lon_deg = message.lon / 1e7
        state.amsl_m = message.alt / 1e3
        state.relative_m = None if state.home is None else message.relative_alt / 1e3
        state.velocity_ned_mps = (message.vx / 100, message.vy / 100, message.vz / 100)
        state.heading_deg = None if message.hdg == _UNKNOWN_U16 else message.hdg / 100
        return True

    def _attitude(self, message: mavlink.MAVLink_attitude_message) -> None:
        self._booted(message.time_boot_ms)
        self.state.roll_deg = math.degrees(message.roll)
        self.state.pitch_deg = math.degrees(message.pitch)

    def _gnss(self, message: mavlink.MAVLink_gps_raw_int_message) -> None:
        state = self.state
        state.fix_type = message.fix_type
        state.satellites = None if message.satellites_visible == 255 else message.satellites_visible
        state.horizontal_accuracy_m = message.h_acc / 1e3 if message.h_acc else None

    def _battery(self, message: mavlink.MAVLink_battery_status_message) -> bool:
        if message.id != 0:
            return False
        state = self.state
        self._battery_status = True
        cells_mv = [mv for mv in message.voltages if mv != _UNKNOWN_U16] + [mv for mv in message.voltages_ext if mv]
        state.battery_v = sum(cells_mv) / 1e3 if cells_mv else None
        state.battery_a = None if message.current_battery == -1 else message.current_battery / 100
        state.battery_remaining_pct = None if message.battery_remaining < 0 else float(message.battery_remaining)
        state.consumed_wh = None if message.energy_consumed == -1 else message.energy_consumed * 100 / 3600  # from hJ
        return True

    def _mission(self, message: mavlink.MAVLink_mission_current_message) -> None:
        state = self.state
        state.mission_seq = message.seq
        state.mission_total = None if message.total == _UNKNOWN_U16 else message.total
        try:
            state.mission_state = MissionState(message.mission_state)
        except ValueError:
            state.mission_state = MissionState.UNKNOWN

    def _extended(self, message: mavlink.MAVLink_extended_sys_state_message) -> None:
        try:
            self.state.landed_state = Landed(message.landed_state)
        except ValueError:
            self.state.landed_state = Landed.UNDEFINED

    def _home(self, message: mavlink.MAVLink_home_position_message) -> None:
        if message.latitude or message.longitude:
            self.state.home = Home(message.latitude / 1e7, message.longitude / 1e7, message.altitude / 1e3)

    def _ekf(self, message: mavlink.MAVLink_ekf_status_report_message) -> None:
        self.state.ekf_flags = message.flags

    def _wind(self, message: mavlink.MAVLink_wind_message) -> None:
        if math.isfinite(message.speed) and math.isfinite(message.direction):
            self.state.wind_mps = message.speed
            self.state.wind_from_deg = message.direction % 360.0

    def _fence(self, message: mavlink.MAVLink_fence_status_message) -> None:
        self.state.fence_breached = bool(message.breach_status)
        self.state.fence_breach_type = message.breach_type

    def _statustext(self, message: mavlink.MAVLink_statustext_message) -> None:
        self._say(self._texts.add(message, self._now()))

    def _say(self, texts: list[StatusText]) -> None:
        self.state.texts.extend(texts)
        self.new_texts.extend(texts)

    def _booted(self, boot_ms: int) -> None:
        """Forget what a restart of the autopilot made untrue: home, heights over it, readiness, energy used."""
        last_ms, self._boot_ms = self._boot_ms, boot_ms
        if last_ms is None or boot_ms >= last_ms - REBOOT_STEP_MS:
            return
        state = self.state
        state.boots += 1
        state.home = state.relative_m = state.prearm_ok = state.ekf_flags = state.landed_state = None
        state.consumed_wh = state.mission_state = state.fence_breached = None


STREAM_OF_MESSAGE: dict[str, Stream] = {
    spec.mavlink: stream for stream, spec in STREAMS.items() if spec.source == "drone" and spec.mavlink
}
