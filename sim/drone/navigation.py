"""What the drone says of where it is, how it moves and where it is going.

Positions are the estimator's (truth plus the receiver's error) but for SIMSTATE, which is the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.fence import METRES_PER_DEG
from sim.drone.framing import Packed, form
from sim.drone.guides import AlongTrack, GoTo
from sim.drone.instant import Instant, centi
from sim.drone.modes import Mode
from sim.drone.terrain import TERRAIN_REQUEST, TerrainRequests

GPS_RAW_INT = form(mavlink.MAVLINK_MSG_ID_GPS_RAW_INT)
GPS_RTK = form(mavlink.MAVLINK_MSG_ID_GPS_RTK)
ATTITUDE = form(mavlink.MAVLINK_MSG_ID_ATTITUDE)
ATTITUDE_QUATERNION = form(mavlink.MAVLINK_MSG_ID_ATTITUDE_QUATERNION)
LOCAL_POSITION_NED = form(mavlink.MAVLINK_MSG_ID_LOCAL_POSITION_NED)
GLOBAL_POSITION_INT = form(mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT)
GPS_GLOBAL_ORIGIN = form(mavlink.MAVLINK_MSG_ID_GPS_GLOBAL_ORIGIN)
NAV_CONTROLLER_OUTPUT = form(mavlink.MAVLINK_MSG_ID_NAV_CONTROLLER_OUTPUT)
VFR_HUD = form(mavlink.MAVLINK_MSG_ID_VFR_HUD)
POSITION_TARGET = form(mavlink.MAVLINK_MSG_ID_POSITION_TARGET_GLOBAL_INT)
TERRAIN_REPORT = form(mavlink.MAVLINK_MSG_ID_TERRAIN_REPORT)
AHRS, AHRS2 = form(mavlink.MAVLINK_MSG_ID_AHRS), form(mavlink.MAVLINK_MSG_ID_AHRS2)
SIMSTATE = form(mavlink.MAVLINK_MSG_ID_SIMSTATE)
WIND = form(mavlink.MAVLINK_MSG_ID_WIND)
HOME_POSITION = form(mavlink.MAVLINK_MSG_ID_HOME_POSITION)

# nothing drifts in these gyroscopes, and the estimator's errors are small
AHRS_AT_REST = AHRS.payload(0.0, 0.0, 0.0, 0.0, 0.0, 0.005, 0.005)


class Navigation:
    """Builds the messages of position, attitude, speed and target."""

    def __init__(self, autopilot: Autopilot, instant: Instant) -> None:
        self._autopilot = autopilot
        self._instant = instant
        self._aim: tuple[float, float, float] | None = None  # the target that was told last, and in degrees
        self._aim_e7 = (0, 0)

    def builders(self) -> dict[int, Callable[[], Packed | None]]:
        """One builder for each message type."""
        return {
            GPS_RAW_INT.id: self.gps_raw_int,
            ATTITUDE.id: self.attitude,
            ATTITUDE_QUATERNION.id: self.attitude_quaternion,
            LOCAL_POSITION_NED.id: self.local_position_ned,
            GLOBAL_POSITION_INT.id: self.global_position_int,
            GPS_GLOBAL_ORIGIN.id: self.gps_global_origin,
            NAV_CONTROLLER_OUTPUT.id: self.nav_controller_output,
            VFR_HUD.id: self.vfr_hud,
            POSITION_TARGET.id: self.position_target,
            TERRAIN_REPORT.id: self.terrain_report,
            TERRAIN_REQUEST.id: TerrainRequests(self._autopilot, self._instant).request,
            GPS_RTK.id: self.gps_rtk,
            AHRS.id: lambda: (AHRS, AHRS_AT_REST),
            AHRS2.id: self.ahrs2,
            SIMSTATE.id: self.simstate,
            WIND.id: self.wind,
            HOME_POSITION.id: self.home_position,
        }

    def gps_raw_int(self) -> Packed:
        """GPS_RAW_INT: the receiver's own position, not the estimator's; before the first fix there is none in it."""
        autopilot, receiver, at = self._autopilot, self._autopilot.receiver, self._instant.now()
        body = autopilot.body
        if not autopilot.readiness.fixed or receiver.fix_type < 2:
            kind = receiver.fix_type if autopilot.readiness.fixed else 1
            satellites = receiver.fix.satellites if autopilot.readiness.fixed else 0
            return GPS_RAW_INT, GPS_RAW_INT.payload(
                at.boot_us, kind, 0, 0, 0, 65535, 65535, 0, 0, satellites, 0, 0, 0, 0, 0, 0
            )
        fix = receiver.fix
        raw_e, raw_n, raw_u = receiver.raw_m
        lat_e7 = at.lat_e7 + round((raw_n - receiver.n) / METRES_PER_DEG * 1e7)
        lon_scale_m = METRES_PER_DEG * math.cos(math.radians(at.lat_e7 / 1e7))
        lon_e7 = at.lon_e7 + round((raw_e - receiver.e) / lon_scale_m * 1e7)
        amsl_mm = round((autopilot.datum_amsl_m + body.u + raw_u) * 1000.0)
        course = math.degrees(math.atan2(body.ve, body.vn)) % 360.0
        return GPS_RAW_INT, GPS_RAW_INT.payload(
            at.boot_us, receiver.fix_type, lat_e7, lon_e7, amsl_mm, fix.eph, fix.epv,
            round(math.hypot(body.ve, body.vn) * 100.0), round(course * 100.0) % 36000, fix.satellites, amsl_mm,
            fix.h_acc_mm, fix.v_acc_mm, 0, 0, 0,
        )  # fmt: skip

    def gps_rtk(self) -> Packed | None:
        """GPS_RTK: the vector from the base station, north, east and down; nothing without a station that is known."""
        rtk = self._autopilot.receiver.rtk()
        if rtk is None or not self._autopilot.readiness.fixed:
            return None
        at = self._instant.now()
        north, east, down = (round(v * 1000.0) for v in (rtk.north_m, rtk.east_m, -rtk.up_m))
        health = 1 if self._autopilot.receiver.fix_type == mavlink.GPS_FIX_TYPE_RTK_FIXED else 0
        return GPS_RTK, GPS_RTK.payload(
            at.boot_ms, 0, 0, round(rtk.tow_s * 1000.0), health, 1, rtk.satellites,
            mavlink.RTK_BASELINE_COORDINATE_SYSTEM_NED, north, east, down, round(rtk.accuracy_m * 1000.0),
            rtk.hypotheses,
        )  # fmt: skip

    def attitude(self) -> Packed:
        """ATTITUDE."""
        at = self._instant.now()
        return ATTITUDE, ATTITUDE.payload(
            at.boot_ms, at.roll, at.pitch, at.yaw, at.roll_rate, at.pitch_rate, at.yaw_rate
        )

    def attitude_quaternion(self) -> Packed:
        """ATTITUDE_QUATERNION."""
        at = self._instant.now()
        roll, pitch, yaw = at.roll / 2.0, at.pitch / 2.0, math.radians(self._autopilot.body.heading_deg) / 2.0
        cr, sr, cp, sp, cy, sy = (
            math.cos(roll), math.sin(roll), math.cos(pitch), math.sin(pitch), math.cos(yaw), math.sin(yaw)
        )  # fmt: skip
        return ATTITUDE_QUATERNION, ATTITUDE_QUATERNION.payload(
            at.boot_ms,
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            0.0,
            0.0,
            at.yaw_rate,
            0.0,
            0.0,
            0.0,
            0.0,
        )

    def local_position_ned(self) -> Packed | None:
        """LOCAL_POSITION_NED, from the estimator's origin on; nothing before it is set."""
        body = self._autopilot.body
        if not self._autopilot.readiness.position_ok:
            return None
        at = self._instant.now()
        e, n, u = self._autopilot.origin
        return LOCAL_POSITION_NED, LOCAL_POSITION_NED.payload(
            at.boot_ms, at.north_m - n, at.east_m - e, u - at.up_m, body.vn, body.ve, -body.vu
        )

    def global_position_int(self) -> Packed:
        """GLOBAL_POSITION_INT; zeros before there is a position."""
        autopilot, body, at = self._autopilot, self._autopilot.body, self._instant.now()
        heading = round(body.heading_deg * 100.0) % 36000
        if not autopilot.readiness.fixed:
            return GLOBAL_POSITION_INT, GLOBAL_POSITION_INT.payload(at.boot_ms, 0, 0, 0, 0, 0, 0, 0, heading)
        above_home = round((at.up_m - autopilot.home_up_m) * 1000.0) if autopilot.home is not None else 0
        return GLOBAL_POSITION_INT, GLOBAL_POSITION_INT.payload(
            at.boot_ms, at.lat_e7, at.lon_e7, round(at.amsl_m * 1000.0), above_home,
            centi(body.vn), centi(body.ve), centi(-body.vu), heading,
        )  # fmt: skip

    def gps_global_origin(self) -> Packed | None:
        """GPS_GLOBAL_ORIGIN, once it is set."""
        autopilot = self._autopilot
        if not autopilot.readiness.home_known:
            return None
        origin = autopilot.frame.latlon(autopilot.origin[0], autopilot.origin[1])
        return GPS_GLOBAL_ORIGIN, GPS_GLOBAL_ORIGIN.payload(
            round(origin.lat_deg * 1e7),
            round(origin.lon_deg * 1e7),
            round((autopilot.datum_amsl_m + autopilot.origin[2]) * 1000.0),
            self._instant.now().boot_us,
        )

    def _target(self) -> tuple[float, float, float] | None:
        guide = self._autopilot.guide
        if isinstance(guide, AlongTrack):
            return guide.track.leg.end
        if isinstance(guide, GoTo):
            return guide.point
        return None

    def nav_controller_output(self) -> Packed:
        """NAV_CONTROLLER_OUTPUT."""
        autopilot, ref, at = self._autopilot, self._autopilot.reference, self._instant.now()
        target = self._target()
        distance, bearing = 0.0, 0.0
        if target is not None:
            de, dn = target[0] - autopilot.body.e, target[1] - autopilot.body.n
            distance, bearing = math.hypot(de, dn), math.degrees(math.atan2(de, dn))
        height_error = ref.pu - autopilot.body.u if autopilot.flying else 0.0
        return NAV_CONTROLLER_OUTPUT, NAV_CONTROLLER_OUTPUT.payload(
            math.degrees(at.roll), math.degrees(at.pitch), round(ref.heading_deg), round(bearing),
            round(min(distance, 65535.0)), height_error, 0.0, 0.0,
        )  # fmt: skip

    def vfr_hud(self) -> Packed:
        """VFR_HUD."""
        body = self._autopilot.body
        air = math.hypot(body.ve - body.wind_e, body.vn - body.wind_n) if self._autopilot.flying else 0.0
        return VFR_HUD, VFR_HUD.payload(
            air, math.hypot(body.ve, body.vn), round(body.heading_deg) % 360, round(100.0 * body.throttle),
            self._instant.now().amsl_m, body.vu,
        )  # fmt: skip

    def position_target(self) -> Packed | None:
        """POSITION_TARGET_GLOBAL_INT, in guided flight only."""
        autopilot, target = self._autopilot, self._target()
        if target is None or not autopilot.flying or autopilot.mode not in (Mode.AUTO, Mode.GUIDED, Mode.RTL):
            return None
        if target != self._aim:  # the way to degrees is long, and a target stays for many messages
            at = autopilot.frame.latlon(target[0], target[1])
            self._aim, self._aim_e7 = target, (round(at.lat_deg * 1e7), round(at.lon_deg * 1e7))
        return POSITION_TARGET, POSITION_TARGET.payload(
            self._instant.now().boot_ms, 0, 65016, *self._aim_e7,
            target[2] + autopilot.datum_amsl_m, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        )  # fmt: skip

    def terrain_report(self) -> Packed:
        """TERRAIN_REPORT: no terrain is loaded."""
        at = self._instant.now()
        return TERRAIN_REPORT, TERRAIN_REPORT.payload(at.lat_e7, at.lon_e7, 0, 0.0, at.amsl_m, 504, 0)

    def simstate(self) -> Packed:
        """SIMSTATE: the truth."""
        body, at = self._autopilot.body, self._instant.now()
        true = self._autopilot.frame.latlon(body.e, body.n)
        return SIMSTATE, SIMSTATE.payload(
            at.roll, at.pitch, at.yaw, *at.felt_mps2, at.roll_rate, at.pitch_rate, at.yaw_rate,
            round(true.lat_deg * 1e7), round(true.lon_deg * 1e7),
        )  # fmt: skip

    def wind(self) -> Packed | None:
        """WIND as the estimator sees it, in the air: where it comes from [deg] and how fast [m/s]."""
        body = self._autopilot.body
        if not self._autopilot.readiness.position_ok:
            return None
        e, n = (body.wind_e, body.wind_n) if self._autopilot.flying else (0.0, 0.0)
        return WIND, WIND.payload(math.degrees(math.atan2(-e, -n)), math.hypot(e, n), 0.0)

    def ahrs2(self) -> Packed:
        """AHRS2."""
        at = self._instant.now()
        return AHRS2, AHRS2.payload(at.roll, at.pitch, at.yaw, at.amsl_m, at.lat_e7, at.lon_e7)

    def home_position(self) -> Packed | None:
        """HOME_POSITION, once home is set."""
        item = self._autopilot.home_item()
        if item is None:
            return None
        nan = math.nan
        return HOME_POSITION, HOME_POSITION.payload(
            item.x, item.y, round(item.z * 1000.0), 0.0, 0.0, -0.0, nan, nan, nan, nan, 0.0, 0.0, 0.0,
            self._instant.now().boot_us,
        )  # fmt: skip
