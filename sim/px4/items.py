"""Mission, fence and rally items as PX4 keeps them, and the list that the vehicle flies for them.

What is kept and refused follows `parse_mavlink_mission_item` of PX4 1.13: a command with a place must come in a global
frame, one without in MAV_FRAME_MISSION. PX4's list has no home in it and flies from the ground without a take-off item;
the vehicle's own list begins with home and needs one, so that `flown` builds the second from the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.items import FENCE, MISSION, NAV, RALLY, StoredItem, from_message

CAPACITY = {MISSION: 2000, FENCE: 63, RALLY: 7}
NO_PLACE = mavlink.MAV_FRAME_MISSION
_ABSOLUTE = frozenset({mavlink.MAV_FRAME_GLOBAL, mavlink.MAV_FRAME_GLOBAL_INT})
_RELATIVE = frozenset({mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT, mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT_INT})

WAYPOINT, LAND, TAKEOFF = mavlink.MAV_CMD_NAV_WAYPOINT, mavlink.MAV_CMD_NAV_LAND, mavlink.MAV_CMD_NAV_TAKEOFF
VTOL_TAKEOFF, VTOL_LAND = mavlink.MAV_CMD_NAV_VTOL_TAKEOFF, mavlink.MAV_CMD_NAV_VTOL_LAND
LOITER_TO_ALT = mavlink.MAV_CMD_NAV_LOITER_TO_ALT
FENCE_COMMANDS, RALLY_COMMAND = frozenset({5001, 5002, 5003, 5004}), 5100
MISSION_PLACED = frozenset({16, 17, 19, 21, 22, 31, 80, 84, 85, 195, 201, 301, 302, 4501, 5000})
MISSION_PLAIN = frozenset({
    20, 80, 93, 112, 114, 177, 178, 179, 183, 189, 196, 197, 200, 201, 203, 204, 205, 206, 214, 260, 301, 302, 530, 531,
    532, 1000, 1001, 2000, 2001, 2003, 2500, 2501, 3000,
})  # fmt: skip
ROI_PLACED, ROI_PLAIN = frozenset({0, 3}), frozenset({0, 1, 2})  # MAV_ROI in the two kinds of frame


@dataclass(frozen=True, slots=True)
class FlownList:
    """The vehicle's list and, for each of its items, the seq of PX4's item that it comes from; -1 for none."""

    items: tuple[StoredItem, ...]
    origin: tuple[int, ...]

    def place_of(self, seq: int) -> int:
        """Where the vehicle's list has PX4's item `seq`."""
        return self.origin.index(seq) if seq in self.origin else 0


def parsed(message: Any, kind: int) -> StoredItem | int:
    """The item of MISSION_ITEM_INT or MISSION_ITEM as PX4 keeps it, or the MAV_MISSION_RESULT that refuses it."""
    frame, command = message.frame, message.command
    if frame in _ABSOLUTE or frame in _RELATIVE:
        if command not in MISSION_PLACED and command not in FENCE_COMMANDS and command != RALLY_COMMAND:
            return int(mavlink.MAV_MISSION_UNSUPPORTED)
        if command in (80, 201) and int(_number(message.param1)) not in ROI_PLACED:
            return int(mavlink.MAV_MISSION_INVALID_PARAM1)
        item = replace(from_message(message), frame=0 if frame in _ABSOLUTE else 3)
    elif frame == NO_PLACE:
        if command not in MISSION_PLAIN:
            return int(mavlink.MAV_MISSION_UNSUPPORTED)
        if command in (80, 201) and int(_number(message.param1)) not in ROI_PLAIN:
            return int(mavlink.MAV_MISSION_INVALID_PARAM1)
        # without a place the two numbers are plain parameters, in either form of the message
        x, y = (int(v) if math.isfinite(v) and abs(v) < 2**31 else 0 for v in (message.x, message.y))
        item = replace(from_message(message), x=x, y=y)
    else:
        return int(mavlink.MAV_MISSION_UNSUPPORTED_FRAME)
    if kind == MISSION:
        wrong = command in FENCE_COMMANDS or command == RALLY_COMMAND
    elif kind == FENCE:
        wrong = command not in FENCE_COMMANDS or (command in (5001, 5002) and _number(item.param1) < 2.5)
    else:
        wrong = command != RALLY_COMMAND
    return int(mavlink.MAV_MISSION_ERROR) if wrong else item


def _number(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def wire_frame(item: StoredItem, *, whole: bool) -> int:
    """The frame of an item as PX4 sends it: `whole` for MISSION_ITEM_INT, else for MISSION_ITEM."""
    if item.frame == NO_PLACE or not whole:
        return item.frame
    return int(mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT_INT if item.frame == 3 else mavlink.MAV_FRAME_GLOBAL_INT)


def flown(items: list[StoredItem], autopilot: Autopilot, takeoff_m: float) -> FlownList:
    """The vehicle's list for PX4's: home, a take-off to at least `takeoff_m` above home when there is none, the items.

    A take-off item with a place is a climb and a waypoint, as PX4's navigator flies it.
    """
    home = autopilot.home_item() or StoredItem(WAYPOINT)
    built: list[StoredItem] = [home]
    origin = [-1]

    def add(item: StoredItem, seq: int) -> None:
        built.append(item)
        origin.append(seq)

    first = next((item for item in items if _plain(item).command in NAV), None)
    if first is not None and first.command not in (TAKEOFF, VTOL_TAKEOFF):
        lowest = autopilot.home_up_m + takeoff_m
        up = max(autopilot.up_m(first.frame, first.z), lowest) if first.frame in (0, 3) else lowest
        add(StoredItem(TAKEOFF, frame=3, z=up - autopilot.home_up_m), -1)
    for seq, item in enumerate(items):
        if item.command in (TAKEOFF, VTOL_TAKEOFF):
            add(replace(item, command=TAKEOFF, param4=0.0, x=0, y=0), seq)
            if item.placed and _away_m(item, autopilot) > autopilot.limits().radius_m:
                add(replace(item, command=WAYPOINT, param1=0.0, param4=0.0), seq)
        else:
            add(_plain(item), seq)
    return _with_jumps(built, origin)


def _plain(item: StoredItem) -> StoredItem:
    """An item as the vehicle takes it: numbers only, a command that it flies."""
    command = {VTOL_LAND: LAND, LOITER_TO_ALT: WAYPOINT, VTOL_TAKEOFF: TAKEOFF}.get(item.command, item.command)
    p1, p2, p3, p4 = (_number(v) for v in (item.param1, item.param2, item.param3, item.param4))
    if item.command == LOITER_TO_ALT:
        p1 = 0.0
    return replace(item, command=command, param1=p1, param2=p2, param3=p3, param4=p4, z=_number(item.z))


def _away_m(item: StoredItem, autopilot: Autopilot) -> float:
    e, n = autopilot.local(item.x / 1e7, item.y / 1e7)
    here = autopilot.believed()
    return math.hypot(e - here[0], n - here[1])


def _with_jumps(built: list[StoredItem], origin: list[int]) -> FlownList:
    """Point the jumps at the places that their targets have in the vehicle's list."""
    for place, item in enumerate(built):
        if item.command == mavlink.MAV_CMD_DO_JUMP:
            target = int(item.param1)
            built[place] = replace(item, param1=float(origin.index(target)) if target in origin else 1.0)
    return FlownList(tuple(built), tuple(origin))
