"""What the drone says of itself: one builder for each message that it can send at a rate.

A builder returns None while there is nothing to say. Positions are the estimator's (truth plus the receiver's error)
but for SIMSTATE, which is the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.airframe import GRAVITY_MPS2
from sim.drone.autopilot import Autopilot
from sim.drone.guides import AlongTrack, Descent, GoTo, TakeOff
from sim.drone.modes import GUIDED_FLAG, Mode, Return
from sim.drone.readiness import sensor_health
from sim.drone.sensors import Sensors

NOT_USED = 65535
FIRMWARE = 0x04070000
CAPABILITIES = 64495
RC_IDLE = (1500, 1500, 1000, 1500, 1800, 1000, 1000, 1800)


def _cm(value: float) -> int:
    return int(min(max(round(value * 100.0), -32768), 32767))


class Telemetry:
    """Builds messages from the state of one autopilot."""

    def __init__(self, autopilot: Autopilot, utc_s: Callable[[], float]) -> None:
        self._autopilot = autopilot
        self._utc_s = utc_s
        self._place_at = -1.0
        self._place = (0.0, 0.0, 0.0, 0.0, 0.0)
        sensors = Sensors(autopilot)
        self.builders: dict[int, Callable[[], Any]] = {
            mavlink.MAVLINK_MSG_ID_HEARTBEAT: self.heartbeat,
            mavlink.MAVLINK_MSG_ID_SYS_STATUS: self.sys_status,
            mavlink.MAVLINK_MSG_ID_SYSTEM_TIME: self.system_time,
            mavlink.MAVLINK_MSG_ID_GPS_RAW_INT: self.gps_raw_int,
            mavlink.MAVLINK_MSG_ID_RAW_IMU: sensors.raw_imu,
            mavlink.MAVLINK_MSG_ID_SCALED_PRESSURE: lambda: sensors.pressure(mavlink.MAVLink_scaled_pressure_message),
            mavlink.MAVLINK_MSG_ID_SCALED_PRESSURE2: lambda: sensors.pressure(mavlink.MAVLink_scaled_pressure2_message),
            mavlink.MAVLINK_MSG_ID_ATTITUDE: self.attitude,
            mavlink.MAVLINK_MSG_ID_ATTITUDE_QUATERNION: self.attitude_quaternion,
            mavlink.MAVLINK_MSG_ID_LOCAL_POSITION_NED: self.local_position_ned,
            mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT: self.global_position_int,
            mavlink.MAVLINK_MSG_ID_SERVO_OUTPUT_RAW: self.servo_output_raw,
            mavlink.MAVLINK_MSG_ID_MISSION_CURRENT: self.mission_current,
            mavlink.MAVLINK_MSG_ID_GPS_GLOBAL_ORIGIN: self.gps_global_origin,
            mavlink.MAVLINK_MSG_ID_NAV_CONTROLLER_OUTPUT: self.nav_controller_output,
            mavlink.MAVLINK_MSG_ID_RC_CHANNELS: self.rc_channels,
            mavlink.MAVLINK_MSG_ID_VFR_HUD: self.vfr_hud,
            mavlink.MAVLINK_MSG_ID_POSITION_TARGET_GLOBAL_INT: self.position_target,
            mavlink.MAVLINK_MSG_ID_SCALED_IMU2: lambda: sensors.scaled_imu(mavlink.MAVLink_scaled_imu2_message),
            mavlink.MAVLINK_MSG_ID_SCALED_IMU3: lambda: sensors.scaled_imu(mavlink.MAVLink_scaled_imu3_message),
            mavlink.MAVLINK_MSG_ID_POWER_STATUS: lambda: mavlink.MAVLink_power_status_message(5000, 0, 0),
            mavlink.MAVLINK_MSG_ID_TERRAIN_REPORT: self.terrain_report,
            mavlink.MAVLINK_MSG_ID_BATTERY_STATUS: self.battery_status,
            mavlink.MAVLINK_MSG_ID_AUTOPILOT_VERSION: self.autopilot_version,
            mavlink.MAVLINK_MSG_ID_MEMINFO: lambda: mavlink.MAVLink_meminfo_message(0, 65535, 524288),
            mavlink.MAVLINK_MSG_ID_FENCE_STATUS: self.fence_status,
            mavlink.MAVLINK_MSG_ID_AHRS: lambda: mavlink.MAVLink_ahrs_message(0.0, 0.0, 0.0, 0.0, 0.0, 0.005, 0.005),
            mavlink.MAVLINK_MSG_ID_SIMSTATE: self.simstate,
            mavlink.MAVLINK_MSG_ID_WIND: self.wind,
            mavlink.MAVLINK_MSG_ID_AHRS2: self.ahrs2,
            mavlink.MAVLINK_MSG_ID_EKF_STATUS_REPORT: self.ekf_status_report,
            mavlink.MAVLINK_MSG_ID_VIBRATION: self.vibration,
            mavlink.MAVLINK_MSG_ID_HOME_POSITION: self.home_position,
            mavlink.MAVLINK_MSG_ID_EXTENDED_SYS_STATE: self.extended_sys_state,
            mavlink.MAVLINK_MSG_ID_ESC_TELEMETRY_1_TO_4: self.esc_telemetry,
        }

    @property
    def _boot_ms(self) -> int:
        return round(self._autopilot.now_s * 1000.0)

    @property
    def _boot_us(self) -> int:
        return round(self._autopilot.now_s * 1e6)

    def _where(self) -> tuple[float, float, float, float, float]:
        """Believed latitude and longitude [deg], and heights above sea level, home and ground [m]."""
        autopilot = self._autopilot
        if self._place_at != autopilot.now_s:
            e, n, u = autopilot.believed()
            at = autopilot.frame.latlon(e, n)
            self._place = (at.lat_deg, at.lon_deg, u + autopilot.ground_amsl_m, u - autopilot.home_up_m, u)
            self._place_at = autopilot.now_s
        return self._place

    def heartbeat(self) -> Any:
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
        return mavlink.MAVLink_heartbeat_message(
            mavlink.MAV_TYPE_QUADROTOR, mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA, flags, autopilot.mode, state, 3
        )

    def sys_status(self) -> Any:
        """SYS_STATUS."""
        battery = self._autopilot.battery
        present, enabled, health = sensor_health(self._autopilot)
        return mavlink.MAVLink_sys_status_message(
            present, enabled, health, 300, round(battery.voltage_v * 1000.0), _cm(battery.current_a),
            battery.remaining_pct, 0, 0, 0, 0, 0, 0,
        )  # fmt: skip

    def system_time(self) -> Any:
        """SYSTEM_TIME: UTC is known once there are satellites."""
        known = self._autopilot.readiness.fixed
        return mavlink.MAVLink_system_time_message(round(self._utc_s() * 1e6) if known else 0, self._boot_ms)

    def gps_raw_int(self) -> Any:
        """GPS_RAW_INT; before the first fix there is no position in it."""
        autopilot, receiver = self._autopilot, self._autopilot.receiver
        body = autopilot.body
        if not autopilot.readiness.fixed or receiver.fix_type < 2:
            kind = receiver.fix_type if autopilot.readiness.fixed else 1
            satellites = receiver.fix.satellites if autopilot.readiness.fixed else 0
            return mavlink.MAVLink_gps_raw_int_message(
                self._boot_us, kind, 0, 0, 0, 65535, 65535, 0, 0, satellites, 0, 0, 0, 0, 0, 0
            )
        lat, lon, amsl, _, _ = self._where()
        fix = receiver.fix
        speed = math.hypot(body.ve, body.vn)
        course = math.degrees(math.atan2(body.ve, body.vn)) % 360.0
        return mavlink.MAVLink_gps_raw_int_message(
            self._boot_us, receiver.fix_type, round(lat * 1e7), round(lon * 1e7), round(amsl * 1000.0), fix.eph,
            fix.epv, round(speed * 100.0), round(course * 100.0) % 36000, fix.satellites, round(amsl * 1000.0),
            fix.h_acc_mm, fix.v_acc_mm, 0, 0, 0,
        )  # fmt: skip

    def attitude(self) -> Any:
        """ATTITUDE."""
        body = self._autopilot.body
        roll, pitch = body.tilt_rad()
        yaw = math.radians((body.heading_deg + 180.0) % 360.0 - 180.0)
        return mavlink.MAVLink_attitude_message(
            self._boot_ms, roll, pitch, yaw, 0.0, 0.0, math.radians(body.turn_degps)
        )

    def attitude_quaternion(self) -> Any:
        """ATTITUDE_QUATERNION."""
        body = self._autopilot.body
        roll, pitch = (angle / 2.0 for angle in body.tilt_rad())
        yaw = math.radians(body.heading_deg) / 2.0
        cr, sr, cp, sp, cy, sy = (
            math.cos(roll), math.sin(roll), math.cos(pitch), math.sin(pitch), math.cos(yaw), math.sin(yaw)
        )  # fmt: skip
        return mavlink.MAVLink_attitude_quaternion_message(
            self._boot_ms,
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            0.0,
            0.0,
            math.radians(body.turn_degps),
        )

    def local_position_ned(self) -> Any:
        """LOCAL_POSITION_NED, from the estimator's origin on; nothing before it is set."""
        autopilot, body = self._autopilot, self._autopilot.body
        if not autopilot.readiness.position_ok:
            return None
        e, n, u = autopilot.believed()
        return mavlink.MAVLink_local_position_ned_message(self._boot_ms, n, e, -u, body.vn, body.ve, -body.vu)

    def global_position_int(self) -> Any:
        """GLOBAL_POSITION_INT; zeros before there is a position."""
        autopilot, body = self._autopilot, self._autopilot.body
        heading = round(body.heading_deg * 100.0) % 36000
        if not autopilot.readiness.fixed:
            return mavlink.MAVLink_global_position_int_message(self._boot_ms, 0, 0, 0, 0, 0, 0, 0, heading)
        lat, lon, amsl, relative, _ = self._where()
        above_home = round(relative * 1000.0) if autopilot.home is not None else 0
        return mavlink.MAVLink_global_position_int_message(
            self._boot_ms, round(lat * 1e7), round(lon * 1e7), round(amsl * 1000.0), above_home,
            _cm(body.vn), _cm(body.ve), _cm(-body.vu), heading,
        )  # fmt: skip

    def servo_output_raw(self) -> Any:
        """SERVO_OUTPUT_RAW: the four motors."""
        autopilot = self._autopilot
        idle = 1100 if autopilot.armed else 1000
        motor = round(1000 + 1000 * autopilot.body.throttle) if autopilot.flying else idle
        return mavlink.MAVLink_servo_output_raw_message(
            self._boot_us % 2**32, 0, motor, motor, motor, motor, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        )

    def mission_current(self) -> Any:
        """MISSION_CURRENT."""
        runner = self._autopilot.runner
        return mavlink.MAVLink_mission_current_message(
            runner.seq, runner.total, runner.wire_state, 1 if self._autopilot.in_auto else 0
        )

    def gps_global_origin(self) -> Any:
        """GPS_GLOBAL_ORIGIN, once it is set."""
        autopilot = self._autopilot
        if not autopilot.readiness.home_known:
            return None
        origin = autopilot.frame.origin
        return mavlink.MAVLink_gps_global_origin_message(
            round(origin.lat_deg * 1e7),
            round(origin.lon_deg * 1e7),
            round(autopilot.ground_amsl_m * 1000.0),
            self._boot_us,
        )

    def _target(self) -> tuple[float, float, float] | None:
        guide = self._autopilot.guide
        if isinstance(guide, AlongTrack):
            return guide.track.leg.end
        if isinstance(guide, GoTo):
            return guide.point
        return None

    def nav_controller_output(self) -> Any:
        """NAV_CONTROLLER_OUTPUT."""
        autopilot, ref = self._autopilot, self._autopilot.reference
        roll, pitch = (math.degrees(angle) for angle in autopilot.body.tilt_rad())
        target = self._target()
        distance, bearing = 0.0, 0.0
        if target is not None:
            de, dn = target[0] - autopilot.body.e, target[1] - autopilot.body.n
            distance, bearing = math.hypot(de, dn), math.degrees(math.atan2(de, dn))
        height_error = ref.pu - autopilot.body.u if autopilot.flying else 0.0
        return mavlink.MAVLink_nav_controller_output_message(
            roll, pitch, round(ref.heading_deg), round(bearing), round(min(distance, 65535.0)), height_error, 0.0, 0.0
        )

    def rc_channels(self) -> Any:
        """RC_CHANNELS: a transmitter at rest."""
        first, others = RC_IDLE, (0,) * 10
        return mavlink.MAVLink_rc_channels_message(*(self._boot_ms, 8, *first, *others, 255))

    def vfr_hud(self) -> Any:
        """VFR_HUD."""
        body = self._autopilot.body
        air = math.hypot(body.ve - body.wind_e, body.vn - body.wind_n) if self._autopilot.flying else 0.0
        return mavlink.MAVLink_vfr_hud_message(
            air, math.hypot(body.ve, body.vn), round(body.heading_deg) % 360, round(100.0 * body.throttle),
            self._where()[2], body.vu,
        )  # fmt: skip

    def position_target(self) -> Any:
        """POSITION_TARGET_GLOBAL_INT, in guided flight only."""
        autopilot, target = self._autopilot, self._target()
        if target is None or not autopilot.flying or autopilot.mode not in (Mode.AUTO, Mode.GUIDED, Mode.RTL):
            return None
        at = autopilot.frame.latlon(target[0], target[1])
        return mavlink.MAVLink_position_target_global_int_message(
            self._boot_ms, 0, 65016, round(at.lat_deg * 1e7), round(at.lon_deg * 1e7),
            target[2] + autopilot.ground_amsl_m, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        )  # fmt: skip

    def terrain_report(self) -> Any:
        """TERRAIN_REPORT: no terrain is loaded."""
        lat, lon, amsl, _, _ = self._where()
        return mavlink.MAVLink_terrain_report_message(round(lat * 1e7), round(lon * 1e7), 0, 0.0, amsl, 504, 0)

    def battery_status(self) -> Any:
        """BATTERY_STATUS: the whole pack in the first cell's field, as a plain power module reports it."""
        battery = self._autopilot.battery
        volts = [round(battery.voltage_v * 1000.0)] + [NOT_USED] * 9
        left = battery.remaining
        state = mavlink.MAV_BATTERY_CHARGE_STATE_OK
        if self._autopilot.failsafe.battery_critical:
            state = mavlink.MAV_BATTERY_CHARGE_STATE_CRITICAL
        elif self._autopilot.failsafe.battery_low:
            state = mavlink.MAV_BATTERY_CHARGE_STATE_LOW
        seconds = round(left * battery.capacity_ah / battery.current_a * 3600.0) if battery.current_a > 1.0 else 0
        return mavlink.MAVLink_battery_status_message(
            0, 0, 0, 32767, volts, _cm(battery.current_a), round(battery.consumed_ah * 1000.0),
            round(battery.consumed_wh * 36.0), battery.remaining_pct, seconds, state, [0, 0, 0, 0], 0, 0,
        )  # fmt: skip

    def autopilot_version(self) -> Any:
        """AUTOPILOT_VERSION."""
        return mavlink.MAVLink_autopilot_version_message(
            CAPABILITIES, FIRMWARE, 0, 0, 0, list(b"2f74ba84"), [0] * 8, [0] * 8, 0, 0, 0, [0] * 18
        )

    def fence_status(self) -> Any:
        """FENCE_STATUS, while the fence is enabled; FENCE_BREACH 2 ceiling, 3 boundary."""
        autopilot, fence = self._autopilot, self._autopilot.lists.fence
        if not autopilot.fence_enabled:
            return None
        kind = 0
        if fence.breached:
            kind = 3 if fence.breached & 6 else 2
        return mavlink.MAVLink_fence_status_message(
            1 if fence.breached else 0, fence.breach_count, kind, round(fence.breach_time_s * 1000.0),
            max(fence.mitigation, 1),
        )  # fmt: skip

    def simstate(self) -> Any:
        """SIMSTATE: the truth."""
        body = self._autopilot.body
        roll, pitch = body.tilt_rad()
        at = self._autopilot.frame.latlon(body.e, body.n)
        yaw = math.radians((body.heading_deg + 180.0) % 360.0 - 180.0)
        return mavlink.MAVLink_simstate_message(
            roll, pitch, yaw, 0.0, 0.0, -GRAVITY_MPS2 - body.au, 0.0, 0.0, math.radians(body.turn_degps),
            round(at.lat_deg * 1e7), round(at.lon_deg * 1e7),
        )  # fmt: skip

    def wind(self) -> Any:
        """WIND as the estimator sees it, in the air: where it comes from [deg] and how fast [m/s]."""
        body = self._autopilot.body
        if not self._autopilot.readiness.position_ok:
            return None
        e, n = (body.wind_e, body.wind_n) if self._autopilot.flying else (0.0, 0.0)
        return mavlink.MAVLink_wind_message(math.degrees(math.atan2(-e, -n)), math.hypot(e, n), 0.0)

    def ahrs2(self) -> Any:
        """AHRS2."""
        lat, lon, amsl, _, _ = self._where()
        roll, pitch = self._autopilot.body.tilt_rad()
        yaw = math.radians((self._autopilot.body.heading_deg + 180.0) % 360.0 - 180.0)
        return mavlink.MAVLink_ahrs2_message(roll, pitch, yaw, amsl, round(lat * 1e7), round(lon * 1e7))

    def ekf_status_report(self) -> Any:
        """EKF_STATUS_REPORT."""
        ready = self._autopilot.readiness
        level = 0.01 if ready.navigable else 0.9
        return mavlink.MAVLink_ekf_status_report_message(ready.ekf_flags, level, level, 0.001, 0.01, 0.0)

    def vibration(self) -> Any:
        """VIBRATION."""
        level = 0.01 if self._autopilot.flying else 0.001
        return mavlink.MAVLink_vibration_message(self._boot_us, level, level, level, 0, 0, 0)

    def home_position(self) -> Any:
        """HOME_POSITION, once home is set."""
        item = self._autopilot.home_item()
        if item is None:
            return None
        nan = math.nan
        return mavlink.MAVLink_home_position_message(
            item.x, item.y, round(item.z * 1000.0), 0.0, 0.0, -0.0, [nan] * 4, 0.0, 0.0, 0.0, self._boot_us
        )

    def extended_sys_state(self) -> Any:
        """EXTENDED_SYS_STATE: on the ground, taking off, in the air, landing."""
        autopilot = self._autopilot
        state = mavlink.MAV_LANDED_STATE_ON_GROUND
        if autopilot.flying or autopilot.falling:
            state = mavlink.MAV_LANDED_STATE_IN_AIR
            guide = autopilot.guide
            if isinstance(guide, TakeOff) and not guide.done:
                state = mavlink.MAV_LANDED_STATE_TAKEOFF
            elif isinstance(guide, Descent) or (isinstance(guide, Return) and guide.landing):
                state = mavlink.MAV_LANDED_STATE_LANDING
        return mavlink.MAVLink_extended_sys_state_message(0, state)

    def esc_telemetry(self) -> Any:
        """ESC_TELEMETRY_1_TO_4."""
        battery = self._autopilot.battery
        volts, amperes = round(battery.voltage_v * 100.0), round(battery.current_a * 25.0)
        rpm = round(6000.0 * math.sqrt(self._autopilot.body.throttle)) if self._autopilot.flying else 0
        return mavlink.MAVLink_esc_telemetry_1_to_4_message(
            [35] * 4, [volts] * 4, [amperes] * 4, [round(battery.consumed_ah * 250.0)] * 4, [rpm] * 4, [0] * 4
        )
