"""What a PX4 streams: on every link at once, at the rates of its normal mode (mavlink_main.cpp), whoever listens.

The commands that ask for messages are answered as PX4 does: a rate of 0 restores the default, an unknown message is
FAILED, and REQUEST_MESSAGE for what cannot be sent is DENIED. REQUEST_DATA_STREAM is not heard.
"""

from __future__ import annotations

import math
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.streams import StreamService
from sim.drone.uplink import Uplink

# message id -> messages a second
DEFAULT_HZ: dict[int, float] = {
    mavlink.MAVLINK_MSG_ID_HEARTBEAT: 1.0,
    mavlink.MAVLINK_MSG_ID_ALTITUDE: 1.0,
    mavlink.MAVLINK_MSG_ID_ATTITUDE: 15.0,
    mavlink.MAVLINK_MSG_ID_ATTITUDE_QUATERNION: 10.0,
    mavlink.MAVLINK_MSG_ID_ATTITUDE_TARGET: 2.0,
    mavlink.MAVLINK_MSG_ID_BATTERY_STATUS: 0.5,
    mavlink.MAVLINK_MSG_ID_ESTIMATOR_STATUS: 0.5,
    mavlink.MAVLINK_MSG_ID_EXTENDED_SYS_STATE: 1.0,
    mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT: 5.0,
    mavlink.MAVLINK_MSG_ID_GPS_RAW_INT: 1.0,
    mavlink.MAVLINK_MSG_ID_HOME_POSITION: 0.5,
    mavlink.MAVLINK_MSG_ID_LOCAL_POSITION_NED: 1.0,
    mavlink.MAVLINK_MSG_ID_MISSION_CURRENT: 1.0,
    mavlink.MAVLINK_MSG_ID_NAV_CONTROLLER_OUTPUT: 1.0,
    mavlink.MAVLINK_MSG_ID_ORBIT_EXECUTION_STATUS: 2.0,
    mavlink.MAVLINK_MSG_ID_PING: 0.1,
    mavlink.MAVLINK_MSG_ID_POSITION_TARGET_GLOBAL_INT: 1.0,
    mavlink.MAVLINK_MSG_ID_POSITION_TARGET_LOCAL_NED: 1.5,
    mavlink.MAVLINK_MSG_ID_RC_CHANNELS: 5.0,
    mavlink.MAVLINK_MSG_ID_SERVO_OUTPUT_RAW: 1.0,
    mavlink.MAVLINK_MSG_ID_SYS_STATUS: 1.0,
    mavlink.MAVLINK_MSG_ID_SYSTEM_TIME: 1.0,
    mavlink.MAVLINK_MSG_ID_UTM_GLOBAL_POSITION: 0.5,
    mavlink.MAVLINK_MSG_ID_VFR_HUD: 4.0,
    mavlink.MAVLINK_MSG_ID_VIBRATION: 0.1,
    mavlink.MAVLINK_MSG_ID_WIND_COV: 0.5,
}
FASTEST_HZ = 250.0
ACCEPTED, FAILED, DENIED = mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_FAILED, mavlink.MAV_RESULT_DENIED


class Px4Streams(StreamService):
    """Sends what is due on each link, and answers the commands that ask for messages."""

    def add(self, uplink: Uplink) -> None:
        """Begin with a link: everything flows, status texts too."""
        super().add(uplink)
        uplink.spoken = True
        rates = self._links[uplink]
        rates.set(mavlink.MAVLINK_MSG_ID_TIMESYNC, None, self._now_s())
        for message_id, hz in DEFAULT_HZ.items():
            rates.set(message_id, 1.0 / hz, self._now_s())

    def request(self, uplink: Uplink, stream: int, rate_hz: int, start: bool) -> None:
        """REQUEST_DATA_STREAM is not heard."""

    def _set_interval(self, uplink: Uplink, message_id: int, interval_us: float) -> int:
        rates = self._links.get(uplink)
        if not self._known(message_id) or rates is None or not math.isfinite(interval_us):
            return int(FAILED)
        interval: float | None = interval_us / 1e6
        if interval_us == 0.0:
            default_hz = DEFAULT_HZ.get(message_id)
            interval = 1.0 / default_hz if default_hz else None
        elif interval_us < 0.0:
            interval = None
        else:
            interval = max(interval_us / 1e6, 1.0 / FASTEST_HZ)
        rates.set(message_id, interval, self._now_s())
        return int(ACCEPTED)

    def _get_interval(self, uplink: Uplink, message_id: int) -> int:
        rates = self._links.get(uplink)
        interval = rates.interval_s.get(message_id) if rates is not None else None
        known_us = 0 if not self._known(message_id) else -1 if interval is None else round(interval * 1e6)
        uplink.send(mavlink.MAVLink_message_interval_message(message_id & 0xFFFF, known_us))
        return int(ACCEPTED)

    def _once(self, message_id: int, after: list[Any]) -> int:
        message = self._build(message_id) if message_id in self._telemetry.builders else None
        if message is None:
            return int(DENIED)
        after.append(message)
        return int(ACCEPTED)
