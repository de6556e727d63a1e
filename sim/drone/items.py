"""Mission, fence and rally items as the autopilot keeps them, and what it makes of them on the way in.

ArduPilot stores less than a ground station sends: frames change, positions of items without one vanish, heights are
kept in centimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.parameters import float32

MISSION, FENCE, RALLY = 0, 1, 2

NAMES: dict[int, str] = {
    16: "WP",
    17: "LoitUnlim",
    18: "LoitTurns",
    19: "LoitTime",
    20: "RTL",
    21: "Land",
    22: "Takeoff",
    82: "SplineWP",
    93: "Delay",
    112: "CondDelay",
    114: "CondDist",
    115: "CondYaw",
    177: "Jump",
    178: "ChangeSpeed",
    179: "SetHome",
    181: "SetRelay",
    183: "SetServo",
    189: "DoLandStart",
    195: "SetROI",
    197: "SetROINone",
    201: "SetROI",
    202: "DigiCamCfg",
    203: "DigiCamCtrl",
    205: "MountControl",
    206: "SetCamTrigDst",
    207: "FenceEnable",
    530: "SetCameraMode",
    1000: "PitchYaw",
    2000: "ImageStartCap",
    2001: "ImageStopCap",
    2500: "VideoStartCap",
    2501: "VideoStopCap",
}
NAV = frozenset({16, 17, 18, 19, 20, 21, 22, 82, 93})
CONDITION = frozenset({112, 114, 115})
POSITIONED = frozenset({16, 17, 18, 19, 21, 22, 82, 179, 189, 195, 201})
FENCE_COMMANDS = frozenset({5001, 5002, 5003, 5004})
RALLY_COMMAND = 5100

# what a frame is stored as; every other frame is refused
_FRAMES = {0: 0, 5: 0, 3: 3, 6: 3, 10: 10, 11: 10}
_FENCE_FRAMES = frozenset({0, 3, 5, 6})


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One item; `x` and `y` are degrees 1e7, `z` metres above what `frame` (0 sea level, 3 home) says."""

    command: int
    frame: int = 0
    param1: float = 0.0
    param2: float = 0.0
    param3: float = 0.0
    param4: float = 0.0
    x: int = 0
    y: int = 0
    z: float = 0.0
    autocontinue: int = 1

    @property
    def placed(self) -> bool:
        """Whether the item names a place (0/0 means here)."""
        return bool(self.x or self.y)

    @property
    def name(self) -> str:
        """What status texts call the command."""
        return NAMES.get(self.command, str(self.command))


def from_message(message: Any) -> StoredItem:
    """The item of a MISSION_ITEM_INT or MISSION_ITEM as it was sent."""
    x, y = message.x, message.y
    if message.get_type() == "MISSION_ITEM":
        x, y = (round(v * 1e7) if math.isfinite(v) and abs(v) < 214.0 else 2**31 - 1 for v in (x, y))
    return StoredItem(
        command=message.command,
        frame=message.frame,
        param1=message.param1,
        param2=message.param2,
        param3=message.param3,
        param4=message.param4,
        x=x,
        y=y,
        z=message.z,
        autocontinue=message.autocontinue,
    )


def keep(item: StoredItem, kind: int) -> StoredItem | int:
    """The item as it is stored, or the MAV_MISSION_RESULT with which it is refused."""
    if kind == FENCE:
        return _keep_fence(item)
    if kind == RALLY:
        return _keep_rally(item)
    if item.command not in NAMES:
        return int(mavlink.MAV_MISSION_UNSUPPORTED)
    for value, result in (
        (item.param1, mavlink.MAV_MISSION_INVALID_PARAM1),
        (item.param2, mavlink.MAV_MISSION_INVALID_PARAM2),
        (item.param3, mavlink.MAV_MISSION_INVALID_PARAM3),
    ):
        if not math.isfinite(value):
            return int(result)
    loiter_time = item.command == mavlink.MAV_CMD_NAV_LOITER_TIME
    heading = item.param4 if math.isfinite(item.param4) else 0.0
    if item.command == mavlink.MAV_CMD_NAV_LAND:
        heading = -1.0 if heading < 0 else 1.0  # only its sign is stored, as a bit
    kept = replace(item, param3=item.param3 or 1.0, param4=heading) if loiter_time else replace(item, param4=heading)
    if item.command not in POSITIONED:
        shoots = item.command == mavlink.MAV_CMD_DO_DIGICAM_CONTROL
        return kept if shoots else replace(kept, frame=0, x=0, y=0, z=0.0)
    if item.frame not in _FRAMES:
        return int(mavlink.MAV_MISSION_UNSUPPORTED_FRAME)
    return _bad_place(item) or replace(kept, frame=_FRAMES[item.frame], z=_centimetres(item.z))


def _keep_fence(item: StoredItem) -> StoredItem | int:
    if item.command not in FENCE_COMMANDS:
        return int(mavlink.MAV_MISSION_UNSUPPORTED)
    if item.frame not in _FENCE_FRAMES:
        return int(mavlink.MAV_MISSION_UNSUPPORTED_FRAME)
    if not math.isfinite(item.param1):
        return int(mavlink.MAV_MISSION_INVALID_PARAM1)
    return _bad_place(item) or StoredItem(
        command=item.command, frame=0, param1=item.param1, x=item.x, y=item.y, autocontinue=0
    )


def _keep_rally(item: StoredItem) -> StoredItem | int:
    if item.command != RALLY_COMMAND:
        return int(mavlink.MAV_MISSION_UNSUPPORTED)
    if item.frame not in _FENCE_FRAMES:
        return int(mavlink.MAV_MISSION_UNSUPPORTED_FRAME)
    frame = 3 if item.frame in (3, 6) else 0
    return _bad_place(item) or replace(item, frame=frame, z=float(int(item.z)))


def _bad_place(item: StoredItem) -> int:
    if abs(item.x) > 900000000:
        return int(mavlink.MAV_MISSION_INVALID_PARAM5_X)
    if abs(item.y) > 1800000000:
        return int(mavlink.MAV_MISSION_INVALID_PARAM6_Y)
    if not math.isfinite(item.z) or abs(item.z) > 83000.0:
        return int(mavlink.MAV_MISSION_INVALID_PARAM7)
    return 0


def _centimetres(z: float) -> float:
    """A height as it comes back from whole centimetres, computed in single precision as the autopilot does."""
    return float32(int(float32(z * 100.0)) / 100.0)
