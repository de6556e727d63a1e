"""What the drone says of itself: one builder for each message that it can send at a rate.

A builder returns None while there is nothing to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.fence import ALT_MAX, CIRCLE, POLYGON
from sim.drone.framing import Packed, form
from sim.drone.guides import TakeOff
from sim.drone.instant import Instant, centi
from sim.drone.modes import GUIDED_FLAG
from sim.drone.navigation import Navigation
from sim.drone.readiness import sensor_health
from sim.drone.sensors import Sensors

Builder: TypeAlias = Callable[[], Packed | None]

HEARTBEAT = form(mavlink.MAVLINK_MSG_ID_HEARTBEAT)
SYS_STATUS = form(mavlink.MAVLINK_MSG_ID_SYS_STATUS)
SYSTEM_TIME = form(mavlink.MAVLINK_MSG_ID_SYSTEM_TIME)
SERVO_OUTPUT_RAW = form(mavlink.MAVLINK_MSG_ID_SERVO_OUTPUT_RAW)
MISSION_CURRENT = form(mavlink.MAVLINK_MSG_ID_MISSION_CURRENT)
RC_CHANNELS = form(mavlink.MAVLINK_MSG_ID_RC_CHANNELS)
POWER_STATUS = form(mavlink.MAVLINK_MSG_ID_POWER_STATUS)
BATTERY_STATUS = form(mavlink.MAVLINK_MSG_ID_BATTERY_STATUS)
AUTOPILOT_VERSION = form(mavlink.MAVLINK_MSG_ID_AUTOPILOT_VERSION)
MEMINFO = form(mavlink.MAVLINK_MSG_ID_MEMINFO)
FENCE_STATUS = form(mavlink.MAVLINK_MSG_ID_FENCE_STATUS)
EKF_STATUS_REPORT = form(mavlink.MAVLINK_MSG_ID_EKF_STATUS_REPORT)
VIBRATION = form(mavlink.MAVLINK_MSG_ID_VIBRATION)
EXTENDED_SYS_STATE = form(mavlink.MAVLINK_MSG_ID_EXTENDED_SYS_STATE)
ESC_TELEMETRY = form(mavlink.MAVLINK_MSG_ID_ESC_TELEMETRY_1_TO_4)

NOT_USED = 65535
FIRMWARE = 0x04070000
CAPABILITIES = 64495
STEADY_POWER = POWER_STATUS.payload(5000, 0, 0)
STEADY_MEMORY = MEMINFO.payload(0, 65535, 524288)


class Telemetry:
    """Builds messages from the state of one autopilot."""

    def __init__(self, autopilot: Autopilot, utc_s: Callable[[], float]) -> None:
        self._autopilot = autopilot
        self._utc_s = utc_s
        self._instant = Instant(autopilot)
        self.navigation = Navigation(autopilot, self._instant)
        self.builders: dict[int, Builder] = {
            HEARTBEAT.id: self.heartbeat,
            SYS_STATUS.id: self.sys_status,
            SYSTEM_TIME.id: self.system_time,
            SERVO_OUTPUT_RAW.id: self.servo_output_raw,
            MISSION_CURRENT.id: self.mission_current,
            RC_CHANNELS.id: self.rc_channels,
            POWER_STATUS.id: lambda: (POWER_STATUS, STEADY_POWER),
            BATTERY_STATUS.id: self.battery_status,
            AUTOPILOT_VERSION.id: self.autopilot_version,
            MEMINFO.id: lambda: (MEMINFO, STEADY_MEMORY),
            FENCE_STATUS.id: self.fence_status,
            EKF_STATUS_REPORT.id: self.ekf_status_report,
            VIBRATION.id: self.vibration,
            EXTENDED_SYS_STATE.id: self.extended_sys_state,
            ESC_TELEMETRY.id: self.esc_telemetry,
            **self.navigation.builders(),
            **Sensors(autopilot, self._instant).builders(),
        }

    def heartbeat(self) -> Packed:
        """HEARTBEAT."""
        autopilot = self._autopilot
        flags = mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED | mavlink.MAV_MODE_FLAG_STABILIZE_ENABLED
        flags |= mavlink.MAV_MODE_FLAG_MANUAL_INPUT_ENABLED
        if autopilot.mode in GUIDED_FLAG:
            flags |= mavlink.MAV_MODE_FLAG_GUIDED_ENABLED
        if autopilot.armed:
            flags |= mavlink.MAV_MODE_FLAG_SAFETY_ARMED
        if not autopilot.readiness.initialised:
            state = mavlink.MAV_STATE_UNINIT if autopilot.now_s < 0.5 else mavlink.MAV_STATE_BOOT
        elif autopilot.failsafe.critical:
            state = mavlink.MAV_STATE_CRITICAL
        else:
            state = mavlink.MAV_STATE_ACTIVE if autopilot.flying else mavlink.MAV_STATE_STANDBY
        return HEARTBEAT, HEARTBEAT.payload(
            mavlink.MAV_TYPE_QUADROTOR, mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA, flags, autopilot.mode, state, 3
        )

    def sys_status(self) -> Packed:
        """SYS_STATUS."""
        battery = self._autopilot.battery
        present, enabled, health = sensor_health(self._autopilot)
        return SYS_STATUS, SYS_STATUS.payload(
            present, enabled, health, 300, round(battery.voltage_v * 1000.0), centi(battery.current_a),
            battery.remaining_pct, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        )  # fmt: skip

    def system_time(self) -> Packed:
        """SYSTEM_TIME: UTC is known once there are satellites."""
        known = self._autopilot.readiness.fixed
        return SYSTEM_TIME, SYSTEM_TIME.payload(round(self._utc_s() * 1e6) if known else 0, self._instant.now().boot_ms)

    def servo_output_raw(self) -> Packed:
        """SERVO_OUTPUT_RAW: the four motors."""
        autopilot = self._autopilot
        idle = 1100 if autopilot.armed else 1000
        motor = round(1000 + 1000 * autopilot.body.throttle) if autopilot.flying else idle
        return SERVO_OUTPUT_RAW, SERVO_OUTPUT_RAW.payload(
            self._instant.now().boot_us % 2**32, 0, motor, motor, motor, motor, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        )

    def mission_current(self) -> Packed:
        """MISSION_CURRENT."""
        runner = self._autopilot.runner
        return MISSION_CURRENT, MISSION_CURRENT.payload(
            runner.seq, runner.total, runner.wire_state, 1 if self._autopilot.in_auto else 0
        )

    def rc_channels(self) -> Packed:
        """RC_CHANNELS."""
        pulses = self._autopilot.transmitter.pulses
        return RC_CHANNELS, RC_CHANNELS.payload(self._instant.now().boot_ms, 8, *pulses, 255)

    def battery_status(self) -> Packed:
        """BATTERY_STATUS: the whole pack in the first cell's field, as a plain power module reports it."""
        battery = self._autopilot.battery
        state = mavlink.MAV_BATTERY_CHARGE_STATE_OK
        if self._autopilot.failsafe.battery_critical:
            state = mavlink.MAV_BATTERY_CHARGE_STATE_CRITICAL
        elif self._autopilot.failsafe.battery_low:
            state = mavlink.MAV_BATTERY_CHARGE_STATE_LOW
        seconds = 0
        if battery.current_a > 1.0:
            seconds = round(battery.remaining * battery.capacity_ah / battery.current_a * 3600.0)
        none = NOT_USED
        return BATTERY_STATUS, BATTERY_STATUS.payload(
            0, 0, 0, 32767, round(battery.voltage_v * 1000.0), none, none, none, none, none, none, none, none, none,
            centi(battery.current_a), round(battery.consumed_ah * 1000.0), round(battery.consumed_wh * 36.0),
            battery.remaining_pct, seconds, state, 0, 0, 0, 0, 0, 0,
        )  # fmt: skip

    def autopilot_version(self) -> Packed:
        """AUTOPILOT_VERSION."""
        return AUTOPILOT_VERSION, AUTOPILOT_VERSION.payload(
            CAPABILITIES, FIRMWARE, 0, 0, 0, *b"2f74ba84", *(0,) * 16, 0, 0, 0, *(0,) * 18
        )

    def fence_status(self) -> Packed | None:
        """FENCE_STATUS, while the fence is enabled; FENCE_BREACH 1 floor, 2 ceiling, 3 boundary."""
        autopilot, fence = self._autopilot, self._autopilot.lists.fence
        if not autopilot.fencing.enabled:
            return None
        kind = 0
        if fence.breached:
            kind = 3 if fence.breached & (CIRCLE | POLYGON) else 2 if fence.breached & ALT_MAX else 1
        return FENCE_STATUS, FENCE_STATUS.payload(
            1 if fence.breached else 0, fence.breach_count, kind, round(fence.breach_time_s * 1000.0),
            max(fence.mitigation, 1),
        )  # fmt: skip

    def ekf_status_report(self) -> Packed:
        """EKF_STATUS_REPORT."""
        ready = self._autopilot.readiness
        level = 0.01 if ready.navigable else 0.9
        return EKF_STATUS_REPORT, EKF_STATUS_REPORT.payload(ready.ekf_flags, level, level, 0.001, 0.01, 0.0, 0.0)

    def vibration(self) -> Packed:
        """VIBRATION."""
        level = 0.01 if self._autopilot.flying else 0.001
        return VIBRATION, VIBRATION.payload(self._instant.now().boot_us, level, level, level, 0, 0, 0)

    def extended_sys_state(self) -> Packed:
        """EXTENDED_SYS_STATE: on the ground, taking off, in the air, landing."""
        autopilot = self._autopilot
        state = mavlink.MAV_LANDED_STATE_ON_GROUND
        if autopilot.flying or autopilot.falling:
            state = mavlink.MAV_LANDED_STATE_IN_AIR
            guide = autopilot.guide
            if isinstance(guide, TakeOff) and not guide.done:
                state = mavlink.MAV_LANDED_STATE_TAKEOFF
            elif autopilot.landing:
                state = mavlink.MAV_LANDED_STATE_LANDING
        return EXTENDED_SYS_STATE, EXTENDED_SYS_STATE.payload(0, state)

    def esc_telemetry(self) -> Packed:
        """ESC_TELEMETRY_1_TO_4."""
        battery = self._autopilot.battery
        volts, amperes = round(battery.voltage_v * 100.0), round(battery.current_a * 25.0)
        charge = round(battery.consumed_ah * 250.0)
        rpm = round(6000.0 * math.sqrt(self._autopilot.body.throttle)) if self._autopilot.flying else 0
        return ESC_TELEMETRY, ESC_TELEMETRY.payload(
            35, 35, 35, 35, volts, volts, volts, volts, amperes, amperes, amperes, amperes,
            charge, charge, charge, charge, rpm, rpm, rpm, rpm, 0, 0, 0, 0,
        )  # fmt: skip
