"""Which links a frame is passed on to: the autopilot is the router between the stations that speak to it.

As in ArduPilot's MAVLink_routing: who was heard on which link is remembered; a frame for another system goes to the
links on which that system was heard, one for all goes to every link on which anybody was heard, and heartbeats go to
every other link. What concerns one link alone is never passed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.uplink import Uplink

NEVER_PASSED_ON = frozenset(
    {mavlink.MAVLINK_MSG_ID_RADIO, mavlink.MAVLINK_MSG_ID_RADIO_STATUS, mavlink.MAVLINK_MSG_ID_SETUP_SIGNING}
)


class Routes:
    """Who has been heard where."""

    def __init__(self, system_id: int) -> None:
        self._system_id = system_id
        self._heard: dict[Uplink, set[tuple[int, int]]] = {}

    def forget(self, uplink: Uplink) -> None:
        """The link is gone."""
        self._heard.pop(uplink, None)

    def learn(self, uplink: Uplink, message: Any) -> None:
        """Somebody spoke on a link."""
        self._heard.setdefault(uplink, set()).add((message.get_srcSystem(), message.get_srcComponent()))

    def onward(self, uplink: Uplink, message: Any, uplinks: Sequence[Uplink]) -> list[Uplink]:
        """The links that a message from `uplink` is passed on to."""
        target = getattr(message, "target_system", 0)
        if target == self._system_id or message.get_msgId() in NEVER_PASSED_ON:
            return []
        if message.get_msgId() == mavlink.MAVLINK_MSG_ID_HEARTBEAT:
            source = (message.get_srcSystem(), message.get_srcComponent())
            return [other for other in uplinks if other is not uplink and source not in self._heard.get(other, ())]
        if target == 0:
            return [other for other in uplinks if other is not uplink and self._heard.get(other)]
        return [
            other
            for other in uplinks
            if other is not uplink and any(system == target for system, _ in self._heard.get(other, ()))
        ]
