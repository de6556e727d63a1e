"""What a PX4 says of itself: the messages that differ from ArduCopter's, and those only PX4 sends."""

from __future__ import annotations

import math
from collections.abc import Callable

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.auto import NONE
from sim.drone.autopilot import Autopilot
from sim.drone.framing import Packed, form
from sim.drone.guides import GoTo
from sim.drone.instant import centi
from sim.drone.telemetry import (
    AUTOPILOT_VERSION,
    BATTERY_STATUS,
    HEARTBEAT,
    MISSION_CURRENT,
    NOT_USED,
    SYS_STATUS,
    Telemetry,
)
from sim.px4.commander import Commander
from sim.px4.modes import Px4Mode

ALTITUDE = form(mavlink.MAVLINK_MSG_ID_ALTITUDE)
HIGHRES_IMU = form(mavlink.MAVLINK_MSG_ID_HIGHRES_IMU)
ESTIMATOR_STATUS = form(mavlink.MAVLINK_MSG_ID_ESTIMATOR_STATUS)
WIND_COV = form(mavlink.MAVLINK_MSG_ID_WIND_COV)
ATTITUDE_TARGET = form(mavlink.MAVLINK_MSG_ID_ATTITUDE_TARGET)
LOCAL_TARGET = form(mavlink.MAVLINK_MSG_ID_POSITION_TARGET_LOCAL_NED)
UTM_POSITION = form(mavlink.MAVLINK_MSG_ID_UTM_GLOBAL_POSITION)
ORBIT_STATUS = form(mavlink.MAVLINK_MSG_ID_ORBIT_EXECUTION_STATUS)
PING = form(mavlink.MAVLINK_MSG_ID_PING)

FIRMWARE = 1 << 24 | 13 << 16 | 3 << 8 | mavlink.FIRMWARE_VERSION_TYPE_OFFICIAL
CAPABILITIES = (
    mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_FLOAT
    | mavlink.MAV_PROTOCOL_CAPABILITY_PARAM_FLOAT
    | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_INT
    | mavlink.MAV_PROTOCOL_CAPABILITY_COMMAND_INT
    | mavlink.MAV_PROTOCOL_CAPABILITY_PARAM_ENCODE_BYTEWISE
    | mavlink.MAV_PROTOCOL_CAPABILITY_SET_ATTITUDE_TARGET
    | mavlink.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_LOCAL_NED
    | mavlink.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_GLOBAL_INT
    | mavlink.MAV_PROTOCOL_CAPABILITY_FLIGHT_TERMINATION
    | mavlink.MAV_PROTOCOL_CAPABILITY_MAVLINK2
    | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_FENCE
    | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_RALLY
)
ALWAYS_HEALTHY = (
    mavlink.MAV_SYS_STATUS_SENSOR_3D_GYRO
    | mavlink.MAV_SYS_STATUS_SENSOR_3D_ACCEL
    | mavlink.MAV_SYS_STATUS_SENSOR_3D_MAG
    | mavlink.MAV_SYS_STATUS_SENSOR_ABSOLUTE_PRESSURE
    | mavlink.MAV_SYS_STATUS_SENSOR_BATTERY
)
ESTIMATOR_GOOD, ESTIMATOR_BLIND = 831, 39  # position, velocity and attitude known; attitude and height only
UTM_GROUND, UTM_AIRBORNE = mavlink.UTM_FLIGHT_STATE_GROUND, mavlink.UTM_FLIGHT_STATE_AIRBORNE
UTM_GIVEN = 0b10111111  # UTM_DATA_AVAIL: all but the next waypoint
CELLS = 6
# ArduCopter's own messages, which no PX4 sends
NOT_PX4 = (
    mavlink.MAVLINK_MSG_ID_SIMSTATE,
    mavlink.MAVLINK_MSG_ID_AHRS,
    mavlink.MAVLINK_MSG_ID_AHRS2,
    mavlink.MAVLINK_MSG_ID_WIND,
    mavlink.MAVLINK_MSG_ID_EKF_STATUS_REPORT,
    mavlink.MAVLINK_MSG_ID_MEMINFO,
    mavlink.MAVLINK_MSG_ID_POWER_STATUS,
    mavlink.MAVLINK_MSG_ID_TERRAIN_REPORT,
    mavlink.MAVLINK_MSG_ID_ESC_TELEMETRY_1_TO_4,
    mavlink.MAVLINK_MSG_ID_FENCE_STATUS,
)


class Px4Telemetry(Telemetry):
    """Builds PX4's messages from the state of one autopilot and its commander."""

    def __init__(self, autopilot: Autopilot, commander: Commander, utc_s: Callable[[], float]) -> None:
        super().__init__(autopilot, utc_s)
        self._commander = commander
        self._pings = 0
        for message_id in NOT_PX4:
            self.builders.pop(message_id, None)
        self.builders |= {
            ALTITUDE.id: self.altitude,
            HIGHRES_IMU.id: self.highres_imu,
            ESTIMATOR_STATUS.id: self.estimator_status,
            WIND_COV.id: self.wind_cov,
            ATTITUDE_TARGET.id: self.attitude_target,
            LOCAL_TARGET.id: self.local_target,
            UTM_POSITION.id: self.utm_position,
            ORBIT_STATUS.id: self.orbit_status,
            PING.id: self.ping,
        }

    def heartbeat(self) -> Packed:
        """HEARTBEAT."""
        autopilot, mode = self._autopilot, self._commander.mode
        flags = mode.base_mode | (mavlink.MAV_MODE_FLAG_SAFETY_ARMED if autopilot.armed else 0)
        if not autopilot.readiness.initialised:
            state = mavlink.MAV_STATE_UNINIT
        elif autopilot.failsafe.critical:
            state = mavlink.MAV_STATE_CRITICAL
        else:
            state = mavlink.MAV_STATE_ACTIVE if autopilot.armed else mavlink.MAV_STATE_STANDBY
        return HEARTBEAT, HEARTBEAT.payload(
            mavlink.MAV_TYPE_QUADROTOR, mavlink.MAV_AUTOPILOT_PX4, flags, mode.custom_mode, state, 3
        )

    def sys_status(self) -> Packed:
        """SYS_STATUS."""
        autopilot, battery = self._autopilot, self._autopilot.battery
        present = ALWAYS_HEALTHY | mavlink.MAV_SYS_STATUS_SENSOR_GPS | mavlink.MAV_SYS_STATUS_PREARM_CHECK
        health = ALWAYS_HEALTHY if autopilot.readiness.initialised else 0
        if autopilot.readiness.position_ok:
            health |= mavlink.MAV_SYS_STATUS_SENSOR_GPS
        if autopilot.armed or self._commander.why_not_arm() is None:
            health |= mavlink.MAV_SYS_STATUS_PREARM_CHECK
        return SYS_STATUS, SYS_STATUS.payload(
            present, present, health, 300, round(battery.voltage_v * 1000.0), centi(battery.current_a),
            battery.remaining_pct, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        )  # fmt: skip

    def battery_status(self) -> Packed:
        """BATTERY_STATUS: the same voltage for each of BAT1_N_CELLS cells."""
        battery, failsafe = self._autopilot.battery, self._autopilot.failsafe
        state = mavlink.MAV_BATTERY_CHARGE_STATE_OK
        if failsafe.battery_critical:
            state = mavlink.MAV_BATTERY_CHARGE_STATE_CRITICAL
        elif failsafe.battery_low:
            state = mavlink.MAV_BATTERY_CHARGE_STATE_LOW
        cell = round(battery.voltage_v * 1000.0 / CELLS)
        return BATTERY_STATUS, BATTERY_STATUS.payload(
            0, 0, 0, 32767, *(cell,) * CELLS, *(NOT_USED,) * (10 - CELLS), centi(battery.current_a),
            round(battery.consumed_ah * 1000.0), -1, battery.remaining_pct, 0, state, 0, 0, 0, 0, 0, 0,
        )  # fmt: skip

    def mission_current(self) -> Packed:
        """MISSION_CURRENT, in the numbers of PX4's own list."""
        commander, runner = self._commander, self._autopilot.runner
        state = runner.wire_state if commander.mission else NONE
        flying_it = commander.mode is Px4Mode.MISSION
        return MISSION_CURRENT, MISSION_CURRENT.payload(
            commander.current, len(commander.mission), state, 1 if flying_it else 2
        )

    def autopilot_version(self) -> Packed:
        """AUTOPILOT_VERSION."""
        system = self._autopilot.parameters["MAV_SYSID"]
        return AUTOPILOT_VERSION, AUTOPILOT_VERSION.payload(
            CAPABILITIES, FIRMWARE, FIRMWARE, 0, 0, *(0,) * 8, *(0,) * 16, 0, 0, int(system), *(0,) * 18
        )

    def altitude(self) -> Packed:
        """ALTITUDE: the estimator's heights."""
        autopilot, at = self._autopilot, self._instant.now()
        local = at.up_m - autopilot.origin[2]
        relative = at.up_m - autopilot.home_up_m
        return ALTITUDE, ALTITUDE.payload(at.boot_us, at.amsl_m, at.amsl_m, local, relative, math.nan, math.nan)

    def highres_imu(self) -> Packed:
        """HIGHRES_IMU: specific force and turn rates forward, right and down; the barometer's height."""
        body, at = self._autopilot.body, self._instant.now()
        hpa = 1013.25 * (1.0 - 2.25577e-5 * at.amsl_m) ** 5.25588  # ICAO standard atmosphere
        yaw = math.radians(body.heading_deg)
        return HIGHRES_IMU, HIGHRES_IMU.payload(
            at.boot_us, *body.felt_mps2(), at.roll_rate, at.pitch_rate, at.yaw_rate,
            0.33 * math.cos(yaw), -0.33 * math.sin(yaw), 0.42, hpa, 0.0, at.amsl_m, 35.0, 0b1101111111111, 0,
        )  # fmt: skip

    def estimator_status(self) -> Packed:
        """ESTIMATOR_STATUS."""
        ready, fix = self._autopilot.readiness, self._autopilot.receiver.fix
        flags = ESTIMATOR_GOOD if ready.position_ok else ESTIMATOR_BLIND
        return ESTIMATOR_STATUS, ESTIMATOR_STATUS.payload(
            self._instant.now().boot_us, flags, 0.01, 0.01, 0.01, 0.01, 0.0, 0.0, fix.h_acc_mm / 1000.0,
            fix.v_acc_mm / 1000.0,
        )  # fmt: skip

    def wind_cov(self) -> Packed | None:
        """WIND_COV, while a wind can be felt: in the air."""
        body = self._autopilot.body
        if not self._autopilot.flying:
            return None
        return WIND_COV, WIND_COV.payload(
            self._instant.now().boot_us, body.wind_n, body.wind_e, 0.0, 0.1, 0.1, self._instant.amsl_m, 0.5, 0.5
        )

    def attitude_target(self) -> Packed:
        """ATTITUDE_TARGET: the attitude that is flown, level roll and pitch being what the thrust asks for."""
        at, body = self._instant.now(), self._autopilot.body
        half = at.yaw / 2.0
        thrust = body.throttle if self._autopilot.flying else 0.0
        return ATTITUDE_TARGET, ATTITUDE_TARGET.payload(
            at.boot_ms, 0, math.cos(half), 0.0, 0.0, math.sin(half), 0.0, 0.0, 0.0, thrust, 0.0, 0.0, 0.0
        )

    def local_target(self) -> Packed | None:
        """POSITION_TARGET_LOCAL_NED, while a place is flown to."""
        autopilot, guide = self._autopilot, self._autopilot.guide
        if not isinstance(guide, GoTo) or not autopilot.flying:
            return None
        e, n, u = autopilot.origin
        nan = math.nan
        return LOCAL_TARGET, LOCAL_TARGET.payload(
            self._instant.now().boot_ms, mavlink.MAV_FRAME_LOCAL_NED, 0, guide.point[1] - n, guide.point[0] - e,
            u - guide.point[2], nan, nan, nan, nan, nan, nan, nan, nan,
        )  # fmt: skip

    def utm_position(self) -> Packed | None:
        """UTM_GLOBAL_POSITION, once there is a position."""
        autopilot, body, at = self._autopilot, self._autopilot.body, self._instant.now()
        if not autopilot.readiness.position_ok:
            return None
        relative = round((at.up_m - autopilot.home_up_m) * 1000.0)
        fix = autopilot.receiver.fix
        return UTM_POSITION, UTM_POSITION.payload(
            round(self._utc_s() * 1e6), *(0,) * 18, at.lat_e7, at.lon_e7, round(at.amsl_m * 1000.0), relative,
            centi(body.vn), centi(body.ve), centi(-body.vu), fix.h_acc_mm, fix.v_acc_mm, 100, 0, 0, 0, 0,
            UTM_AIRBORNE if autopilot.flying else UTM_GROUND, UTM_GIVEN,
        )  # fmt: skip

    def orbit_status(self) -> Packed | None:
        """ORBIT_EXECUTION_STATUS, while an orbit is flown."""
        orbit = self._commander.orbit
        if orbit is None:
            return None
        e, n, u = orbit.centre
        at = self._autopilot.frame.latlon(e, n)
        return ORBIT_STATUS, ORBIT_STATUS.payload(
            self._instant.now().boot_us, orbit.radius_m, mavlink.MAV_FRAME_GLOBAL, round(at.lat_deg * 1e7),
            round(at.lon_deg * 1e7), u + self._autopilot.datum_amsl_m,
        )  # fmt: skip

    def ping(self) -> Packed:
        """PING: a question to all, whose answers tell how far they are."""
        self._pings += 1
        return PING, PING.payload(self._instant.now().boot_us, self._pings, 0, 0)
