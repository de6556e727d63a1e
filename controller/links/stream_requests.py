"""Asking an autopilot for the streams of the table, and asking again for those that dry up.

ArduPilot sends nothing but heartbeats until it is asked, and forgets what it was asked when it reboots.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.commands import CommandRequest
from controller.streams import STREAMS, Stream

if TYPE_CHECKING:
    from controller.links.drone import DroneLink

EXTRA_HZ: dict[str, float] = {"HOME_POSITION": 1.0, "EKF_STATUS_REPORT": 1.0, "FENCE_STATUS": 1.0}

FIRST_PAUSE_S = 3.0
LONGEST_PAUSE_S = 60.0

# The REQUEST_DATA_STREAM group that carries a message where SET_MESSAGE_INTERVAL is denied. EXTENDED_SYS_STATE and
# HOME_POSITION are in none.
_GROUPS: dict[str, int] = {
    "SYS_STATUS": mavlink.MAV_DATA_STREAM_EXTENDED_STATUS,
    "GPS_RAW_INT": mavlink.MAV_DATA_STREAM_EXTENDED_STATUS,
    "MISSION_CURRENT": mavlink.MAV_DATA_STREAM_EXTENDED_STATUS,
    "FENCE_STATUS": mavlink.MAV_DATA_STREAM_EXTENDED_STATUS,
    "GLOBAL_POSITION_INT": mavlink.MAV_DATA_STREAM_POSITION,
    "ATTITUDE": mavlink.MAV_DATA_STREAM_EXTRA1,
    "BATTERY_STATUS": mavlink.MAV_DATA_STREAM_EXTRA3,
    "WIND": mavlink.MAV_DATA_STREAM_EXTRA3,
    "EKF_STATUS_REPORT": mavlink.MAV_DATA_STREAM_EXTRA3,
}
_DRONE_STREAMS = {s: spec for s, spec in STREAMS.items() if spec.source == "drone" and spec.mavlink}


@dataclass(slots=True)
class _Turn:
    """When something that does not come may be asked for again."""

    pause_s: float = FIRST_PAUSE_S
    not_before_s: float = 0.0

    def take(self) -> bool:
        """Whether it is time to ask; the next time is then further off."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self.not_before_s:
            return False
        self.not_before_s = now_s + self.pause_s
        self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S)
        return True

    def reset(self) -> None:
        """It came; when it dries up, ask soon."""
        self.pause_s = FIRST_PAUSE_S


class StreamRequests:
    """Keeps the streams of one drone flowing; `denied` names the messages that the autopilot will not send."""

    def __init__(self, link: DroneLink) -> None:
        self._link = link
        self._turns = {stream: _Turn() for stream in _DRONE_STREAMS}
        self._extras = _Turn()
        self.wanted = False
        self.denied: set[str] = set()

    async def start(self) -> None:
        """Ask for every drone stream of the table and for home, estimator and fence.

        Where the drone does not answer, the rest is left to `tend`: nobody shall wait half a minute for a bad link.
        """
        self.wanted = True
        self.denied.clear()
        for turn in (*self._turns.values(), self._extras):
            turn.reset()
            turn.not_before_s = asyncio.get_running_loop().time() + FIRST_PAUSE_S
        rates = {spec.mavlink: spec.rate_hz for spec in _DRONE_STREAMS.values()}
        await self._ask_all(rates | EXTRA_HZ)

    async def tend(self) -> None:
        """Ask again for what does not come although the autopilot is alive, with growing pauses for each."""
        link = self._link
        if not self.wanted or not link.freshness.fresh(Stream.HEARTBEAT):
            return
        rates: dict[str, float] = {}
        for stream, turn in self._turns.items():
            if link.freshness.fresh(stream):
                turn.reset()
            elif turn.take():
                rates[_DRONE_STREAMS[stream].mavlink] = _DRONE_STREAMS[stream].rate_hz
        if link.state.home is not None and link.state.ekf_flags is not None:
            self._extras.reset()
        elif self._extras.take():  # a reboot makes them unknown too
            rates |= EXTRA_HZ
        await self._ask_all(rates)

    async def _ask_all(self, rates: dict[str, float]) -> None:
        for name, rate_hz in rates.items():
            if not await self._ask(name, rate_hz):
                return

    async def _ask(self, name: str, rate_hz: float) -> bool:
        """Ask for one message; False when there was no answer."""
        message_id = getattr(mavlink, f"MAVLINK_MSG_ID_{name}")
        params = (float(message_id), 1e6 / rate_hz, 0.0, 0.0, 0.0, 0.0, 0.0)
        request = CommandRequest(mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, params, retries=2, within_s=1.0)
        outcome = await self._link.commands.run(request)
        if outcome.outcome == "rejected":
            self.denied.add(name)
            group = _GROUPS.get(name)
            if group is not None:
                system, component = self._link.target
                rate = max(1, round(rate_hz))
                self._link.send(mavlink.MAVLink_request_data_stream_message(system, component, group, rate, 1))
        return outcome.outcome != "unknown"
