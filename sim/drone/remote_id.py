"""Open Drone ID as ArduPilot feeds a transmitter with it (AP_OpenDroneID; ASTM F3411 fields by MAVLink).

What a ground station says of aircraft and operator is echoed to the transmitter on serial port DID_MAVPORT: BASIC_ID,
SYSTEM, SELF_ID and OPERATOR_ID in turn, all of them every 3 s; LOCATION and SYSTEM_UPDATE, which the autopilot fills
itself, every second. DID_ENABLE counts from the next start on. DID_OPTIONS bit 0 lets the transmitter forbid arming.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from poles.heard.accuracy import HORIZONTAL_M, VERTICAL_M, class_of
from sim.drone.uplink import Uplink

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot

DYNAMIC_S, STATIC_S = 1.0, 0.75  # four static messages in turn make 3 s
LOST_S, COMPLAIN_S = 5.0, 5.0
FRESH_S = 3.0  # how old ARM_STATUS and SYSTEM may be at arming
ENFORCE_ARMING = 1  # DID_OPTIONS bit
TURN = ("OPEN_DRONE_ID_BASIC_ID", "OPEN_DRONE_ID_SYSTEM", "OPEN_DRONE_ID_SELF_ID", "OPEN_DRONE_ID_OPERATOR_ID")
UNKNOWN_DIRECTION_CDEG, UNKNOWN_HEIGHT_M, UNKNOWN_TIME_S = 36100, -1000.0, 65535.0
NOBODY = [0] * 20  # an empty id
MOST_SPEED_MPS, MOST_CLIMB_MPS = 254.25, 62.0


class RemoteId:
    """Keeps what the station says, sends it on, and knows why it would forbid arming."""

    def __init__(self, autopilot: Autopilot, utc_s: Callable[[], float], send: Callable[[int, Any], None]) -> None:
        self._autopilot = autopilot
        self._utc_s = utc_s
        self._send = send  # serial port, message
        self._said: dict[str, Any] = {}
        self._enabled = False
        self.restart()

    def restart(self) -> None:
        """Begin anew: DID_ENABLE is read now, what was heard before is forgotten."""
        self._enabled = bool(self._autopilot.parameters["DID_ENABLE"])
        self._said.clear()
        self._arm_status: Any = None
        self._arm_status_s = self._system_s = -math.inf
        self._lost_since_s: float | None = None
        self._operator_told_s = 0.0
        self._dynamic_s = self._static_s = 0.0
        self._turn = 0
        self._start: tuple[float, float, float] | None = None

    @property
    def enabled(self) -> bool:
        """Whether there is anything to do."""
        return self._enabled

    def handle(self, uplink: Uplink, message: Any) -> bool:
        """Deal with one message if it is Open Drone ID's."""
        kind = message.get_type()
        if not kind.startswith("OPEN_DRONE_ID_"):
            return False
        if not self._enabled:
            return True
        now = self._autopilot.now_s
        if kind == "OPEN_DRONE_ID_ARM_STATUS":
            if uplink.number == int(self._autopilot.parameters["DID_MAVPORT"]):
                self._arm_status, self._arm_status_s = message, now
        elif kind == "OPEN_DRONE_ID_SYSTEM_UPDATE":
            self._update(message)
        elif kind in TURN:
            self._said[kind] = message
            if kind == "OPEN_DRONE_ID_SYSTEM":
                self._system_s = now
        return True

    def step(self) -> None:
        """Send what is due and complain of what is missing."""
        if not self._enabled:
            return
        now = self._autopilot.now_s
        if not self._autopilot.armed:
            self._start = None
        elif self._start is None:
            self._start = self._autopilot.believed()
        if now - self._dynamic_s >= DYNAMIC_S - 1e-6:
            self._dynamic_s = now
            self._send_dynamic()
        if now - self._static_s >= STATIC_S - 1e-6:
            self._static_s = now
            message = self._said.get(TURN[self._turn]) or _blank(TURN[self._turn])
            self._turn = (self._turn + 1) % len(TURN)
            self._send(self._port, message)
        self._complain(now)

    def why_not_arm(self) -> str | None:
        """What forbids arming, None when nothing does or DID_OPTIONS does not ask for it."""
        if not int(self._autopilot.parameters["DID_OPTIONS"]) & ENFORCE_ARMING:
            return None
        if not self._enabled:
            return "OpenDroneID: DID_ENABLE must be 1"
        now = self._autopilot.now_s
        basic, system = self._said.get(TURN[0]), self._said.get(TURN[1])
        if basic is None or basic.id_type == mavlink.MAV_ODID_ID_TYPE_NONE:
            return "OpenDroneID: UA_TYPE required in BasicID"
        if system is None or (system.operator_latitude == 0 and system.operator_longitude == 0):
            return "OpenDroneID: operator location must be set"
        if now - self._arm_status_s > FRESH_S:
            return "OpenDroneID: ARM_STATUS not available"
        if now - self._system_s > FRESH_S:
            return "OpenDroneID: SYSTEM not available"
        if self._arm_status.status != mavlink.MAV_ODID_ARM_STATUS_GOOD_TO_ARM:
            return f"OpenDroneID: {self._arm_status.error}"
        return None

    @property
    def _port(self) -> int:
        return int(self._autopilot.parameters["DID_MAVPORT"])

    def _update(self, message: Any) -> None:
        system = self._said.get(TURN[1])
        if system is None:
            return
        for name in ("operator_latitude", "operator_longitude", "operator_altitude_geo", "timestamp"):
            setattr(system, name, getattr(message, name))
        self._system_s = self._autopilot.now_s

    def _complain(self, now: float) -> None:
        say = self._autopilot.say
        if now - self._arm_status_s > LOST_S and now > LOST_S:
            if self._lost_since_s is None or now - self._lost_since_s > COMPLAIN_S:
                self._lost_since_s = now
                say(mavlink.MAV_SEVERITY_WARNING, "ODID: lost transmitter")
        elif self._lost_since_s is not None and now - self._arm_status_s <= LOST_S:
            self._lost_since_s = None
            say(mavlink.MAV_SEVERITY_INFO, "ODID: transmitter OK")
        if now - self._system_s > LOST_S and now - self._operator_told_s > COMPLAIN_S:
            self._operator_told_s = now
            say(mavlink.MAV_SEVERITY_WARNING, "ODID: lost operator location")

    def _send_dynamic(self) -> None:
        if self._autopilot.readiness.home_known:
            self._send(self._port, self.location())
        system = self._said.get(TURN[1]) or _blank(TURN[1])
        self._send(
            self._port,
            mavlink.MAVLink_open_drone_id_system_update_message(
                0, 0, system.operator_latitude, system.operator_longitude, system.operator_altitude_geo,
                system.timestamp,
            ),
        )  # fmt: skip

    def location(self) -> Any:
        """OPEN_DRONE_ID_LOCATION of the drone as its estimator has it."""
        autopilot = self._autopilot
        body, receiver = autopilot.body, autopilot.receiver
        e, n, u = autopilot.believed()
        at = autopilot.frame.latlon(e, n)
        fixed = autopilot.readiness.fixed and receiver.fix_type >= mavlink.GPS_FIX_TYPE_3D_FIX
        status = mavlink.MAV_ODID_STATUS_AIRBORNE if autopilot.armed else mavlink.MAV_ODID_STATUS_GROUND
        if (autopilot.armed and not fixed) or autopilot.falling:
            status = mavlink.MAV_ODID_STATUS_EMERGENCY
        amsl_m = u + autopilot.datum_amsl_m
        speed = min(math.hypot(body.ve, body.vn), MOST_SPEED_MPS)
        climb = min(max(body.vu, -MOST_CLIMB_MPS), MOST_CLIMB_MPS)
        course = math.degrees(math.atan2(body.ve, body.vn)) % 360.0
        fix = receiver.fix
        level = class_of(fix.h_acc_mm / 1000.0, HORIZONTAL_M) if fixed else 0
        height = class_of(fix.v_acc_mm / 1000.0, VERTICAL_M) if fixed else 0
        return mavlink.MAVLink_open_drone_id_location_message(
            0, 0, NOBODY, status, round(course * 100.0) % 36000 if fixed else UNKNOWN_DIRECTION_CDEG,
            round(speed * 100.0), round(climb * 100.0), round(at.lat_deg * 1e7), round(at.lon_deg * 1e7),
            amsl_m, amsl_m, mavlink.MAV_ODID_HEIGHT_REF_OVER_TAKEOFF, u - self._start[2] if self._start else 0.0,
            level, height, 0, 0, round(self._utc_s() % 3600.0, 1) if fixed else UNKNOWN_TIME_S,
            mavlink.MAV_ODID_TIME_ACC_1_0_SECOND,
        )  # fmt: skip


def _blank(kind: str) -> Any:
    """What is sent in the place of something that nobody has said yet."""
    match kind:
        case "OPEN_DRONE_ID_BASIC_ID":
            return mavlink.MAVLink_open_drone_id_basic_id_message(0, 0, NOBODY, 0, 0, NOBODY)
        case "OPEN_DRONE_ID_SYSTEM":
            return mavlink.MAVLink_open_drone_id_system_message(0, 0, NOBODY, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0, 0, 0.0, 0)
        case "OPEN_DRONE_ID_SELF_ID":
            return mavlink.MAVLink_open_drone_id_self_id_message(0, 0, NOBODY, 0, b"")
        case _:
            return mavlink.MAVLink_open_drone_id_operator_id_message(0, 0, NOBODY, 0, b"")
