"""The mission protocol as ArduPilot speaks it, for tests of transfers: it leads uploads and changes what it stores."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.mission_items import PlanKind, from_wire, has_place
from missions.items import Command, Frame
from tests.controller.links.autopilot import ZHENGZHOU, Autopilot

REPEAT_S = 1.0
GIVE_UP_S = 8.0
_FRAMES = {5: 0, 6: 3, 11: 10}


@dataclass
class _Receiving:
    kind: int
    count: int
    seq: int = 0
    heard_s: float = 0.0
    timer: asyncio.TimerHandle | None = None


@dataclass
class MissionStore:
    """Attach to an `Autopilot`; holds three lists of MISSION_ITEM_INT messages."""

    autopilot: Autopilot
    lists: dict[int, list[Any]] = field(default_factory=lambda: {0: [], 1: [], 2: []})
    refuse: dict[int, int] = field(default_factory=dict)  # command -> MAV_MISSION_RESULT
    invalid: set[int] = field(default_factory=set)  # kinds whose whole list fails its validation
    counts_zero: int = 0  # so many REQUEST_LISTs are answered with 0 although there are items
    busy_until_s: float = 0.0
    receiving: _Receiving | None = None

    def __post_init__(self) -> None:
        self.autopilot.on("MISSION_COUNT", self._count)
        self.autopilot.on("MISSION_ITEM_INT", self._item)
        self.autopilot.on("MISSION_REQUEST_LIST", self._list)
        self.autopilot.on("MISSION_REQUEST_INT", self._request)

    def _ack(self, result: int, kind: int) -> None:
        self.autopilot.say(mavlink.MAVLink_mission_ack_message(255, 190, result, kind))

    def _count(self, message: Any) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() < self.busy_until_s:
            self._ack(mavlink.MAV_MISSION_DENIED, message.mission_type)
            return
        self._stop()
        del self.lists[message.mission_type][message.count :]
        if message.count == 0:
            self._ack(mavlink.MAV_MISSION_ACCEPTED, message.mission_type)
            return
        self.receiving = _Receiving(message.mission_type, message.count, heard_s=loop.time())
        self._ask()

    def _ask(self) -> None:
        now = self.receiving
        if now is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() - now.heard_s >= GIVE_UP_S:
            self._stop()
            self._ack(mavlink.MAV_MISSION_OPERATION_CANCELLED, now.kind)
            return
        self.autopilot.say(mavlink.MAVLink_mission_request_message(255, 190, now.seq, now.kind))
        if now.timer is not None:
            now.timer.cancel()
        now.timer = loop.call_later(REPEAT_S, self._ask)

    def _stop(self) -> None:
        if self.receiving is not None and self.receiving.timer is not None:
            self.receiving.timer.cancel()
        self.receiving = None

    def _item(self, message: Any) -> None:
        now = self.receiving
        if now is None or message.mission_type != now.kind:
            self._ack(mavlink.MAV_MISSION_ERROR, message.mission_type)
            return
        if message.seq != now.seq:
            self._ack(mavlink.MAV_MISSION_INVALID_SEQUENCE, now.kind)
            return
        if message.command in self.refuse:
            self._stop()
            self._ack(self.refuse[message.command], now.kind)
            return
        items = self.lists[now.kind]
        items[now.seq : now.seq + 1] = [_as_stored(message)]
        now.seq += 1
        now.heard_s = asyncio.get_running_loop().time()
        if now.seq < now.count:
            self._ask()
            return
        self._stop()
        if now.kind in self.invalid:
            self.autopilot.statustext("Fence validation failed")
            self._ack(mavlink.MAV_MISSION_ERROR, now.kind)
        else:
            self._ack(mavlink.MAV_MISSION_ACCEPTED, now.kind)

    def _list(self, message: Any) -> None:
        if self.receiving is not None:
            self._ack(mavlink.MAV_MISSION_DENIED, message.mission_type)
            return
        count = len(self.lists[message.mission_type])
        if self.counts_zero:
            self.counts_zero -= 1
            count = 0
        self.autopilot.say(mavlink.MAVLink_mission_count_message(255, 190, count, message.mission_type))

    def _request(self, message: Any) -> None:
        items = self.lists[message.mission_type]
        if message.seq >= len(items):
            self.autopilot.say(mavlink.MAVLink_mission_count_message(255, 190, len(items), message.mission_type))
            self._ack(mavlink.MAV_MISSION_INVALID_SEQUENCE, message.mission_type)
            return
        self.autopilot.say(items[message.seq])


def _as_stored(message: Any) -> Any:
    """The item as ArduCopter would give it back."""
    kind, seq = message.mission_type, message.seq
    item = from_wire(message)
    params: list[Any] = [message.param1, message.param2, message.param3, message.param4]
    frame, x, y, z = _FRAMES.get(message.frame, message.frame), message.x, message.y, round(message.z * 100) / 100
    autocontinue = 1
    if kind == PlanKind.MISSION and seq == 0:
        frame, (x, y), z, params = Frame.GLOBAL, ZHENGZHOU, 100.0, [0.0] * 4
    elif kind == PlanKind.FENCE:
        frame, z, autocontinue = 0, 0.0, 0
    elif not has_place(item.command, item.frame):
        frame, x, y = 0, 0, 0
    if item.command == Command.NAV_LOITER_TIME and params[2] == 0:
        params[2] = 1.0
    p1, p2, p3, p4 = params
    return mavlink.MAVLink_mission_item_int_message(
        255, 190, seq, frame, message.command, 0, autocontinue, p1, p2, p3, p4, x, y, z, kind
    )
