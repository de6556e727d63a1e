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
    31: "LoitAltitude",
    82: "SplineWP",
    84: "VTOLTakeoff",
    85: "VTOLLand",
    93: "Delay",
    112: "CondDelay",
    114: "CondDist",
    115: "CondYaw",
    177: "Jump",
    178: "ChangeSpeed",
    179: "SetHome",
    181: "SetRelay",
    182: "RepeatRelay",
    183: "SetServo",
    184: "RepeatServo",
    189: "DoLandStart",
    195: "SetROI",
    197: "SetROINone",
    201: "SetROI",
    202: "DigiCamCfg",
    203: "DigiCamCtrl",
    205: "MountControl",
    206: "SetCamTrigDst",
    207: "FenceEnable",
    208: "Parachute",
    211: "Gripper",
    216: "Sprayer",
    218: "AuxFunction",
    222: "GuidedLimits",
    223: "EngineControl",
    531: "SetCamZoom",
    532: "SetCamFocus",
    534: "SetCamSource",
    600: "JumpTag",
    601: "DoJumpTag",
    1000: "PitchYaw",
    2000: "ImageStartCap",
    2001: "ImageStopCap",
    2500: "VideoStartCap",
    2501: "VideoStopCap",
}
TAKEOFFS, LANDS = frozenset({22, 84}), frozenset({21, 85})
NAV = frozenset({16, 17, 18, 19, 20, 31, 82, 93}) | TAKEOFFS | LANDS
CONDITION = frozenset({112, 114, 115})
POSITIONED = frozenset({16, 17, 18, 19, 31, 82, 179, 189, 195, 201}) | TAKEOFFS | LANDS
HEADING_MAY_BE_MISSING = TAKEOFFS | LANDS | {16}

# What of params 1 to 4 AP_Mission keeps: "f" a number, "i" a whole number, "." nothing.
_KEPT: dict[int, str] = {
    16: "i...", 17: "..i.", 18: "i.i.", 19: "i...", 20: "....", 21: "i...", 22: "i...", 31: ".i..", 82: "i...",
    84: "....", 85: "i...", 93: "fiii", 112: "f...", 114: "f...", 115: "ffii", 177: "ii..", 178: "iff.", 179: "i...",
    181: "ii..", 182: "iif.", 183: "ii..", 184: "iiif", 189: "....", 195: "....", 197: "....", 201: "i...",
    202: "ffff", 203: "iiii", 205: "fff.", 206: "f.i.", 207: "i...", 208: "i...", 211: "ii..", 216: "i...",
    218: "ii..", 222: "ifff", 223: "iif.", 531: "if..", 532: "if..", 534: "iii.", 600: "i...", 601: "ii..",
    1000: "ffff", 2000: "ifii", 2001: "i...", 2500: "if..", 2501: "i...",
}  # fmt: skip
# commands whose x, y and z are plain numbers
_PLAIN: dict[int, str] = {202: "xyz", 203: "xy", 1000: "xz"}
FENCE_COMMANDS = frozenset({5000, 5001, 5002, 5003, 5004})
RALLY_COMMAND = 5100
LOITER_TO_ALT = 31

# what a frame is stored as; every other frame is refused
_FRAMES = {0: 0, 2: 0, 5: 0, 3: 3, 6: 3, 10: 10, 11: 10}
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
        scale = 1.0 if message.command in _PLAIN else 1e7
        x, y = (round(v * scale) if abs(v) * scale < 2**31 else 2**31 - 1 for v in (x, y))
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


def degrees(item: StoredItem) -> tuple[float, float]:
    """The item's x and y as a MISSION_ITEM carries them."""
    return (float(item.x), float(item.y)) if item.command in _PLAIN else (item.x / 1e7, item.y / 1e7)


def keep(item: StoredItem, kind: int) -> StoredItem | int:
    """The item as it is stored, or the MAV_MISSION_RESULT with which it is refused."""
    if kind == FENCE:
        return _keep_fence(item)
    if kind == RALLY:
        return _keep_rally(item)
    if item.command not in NAMES:
        return int(mavlink.MAV_MISSION_UNSUPPORTED)
    bad = _bad_number(item)
    if bad:
        return bad
    kept = _kept(item)
    if item.command not in POSITIONED:
        plain = _PLAIN.get(item.command, "")
        x, y, z = (v if name in plain else 0 for name, v in (("x", item.x), ("y", item.y), ("z", item.z)))
        return replace(kept, frame=0, x=int(x), y=int(y), z=float(z) if math.isfinite(z) else 0.0)
    bad = _bad_place(item)
    if bad:
        return bad
    if item.frame not in _FRAMES:
        return int(mavlink.MAV_MISSION_UNSUPPORTED_FRAME)
    return replace(kept, frame=_FRAMES[item.frame], z=_centimetres(item.z))


def _bad_number(item: StoredItem) -> int:
    """The MAV_MISSION_RESULT of the first param that is no number; 0 when all are, or may be missing."""
    heading_free = item.command in HEADING_MAY_BE_MISSING and math.isnan(item.param4)
    for value, result in (
        (item.param1, mavlink.MAV_MISSION_INVALID_PARAM1),
        (item.param2, mavlink.MAV_MISSION_INVALID_PARAM2),
        (item.param3, mavlink.MAV_MISSION_INVALID_PARAM3),
        (0.0 if heading_free else item.param4, mavlink.MAV_MISSION_INVALID_PARAM4),
    ):
        if not math.isfinite(value):
            return int(result)
    return 0


def _kept(item: StoredItem) -> StoredItem:
    """The item with what the store has room for; a turn's direction and a landing's heading are kept as one bit."""
    form = _KEPT[item.command]
    values = (item.param1, item.param2, item.param3, item.param4)
    p1, p2, p3, p4 = (_cut(value, kind) for value, kind in zip(values, form, strict=True))
    if item.command in (mavlink.MAV_CMD_NAV_LOITER_TIME, mavlink.MAV_CMD_NAV_LOITER_TURNS, LOITER_TO_ALT):
        p4 = 1.0 if item.param4 > 0.0 else 0.0
    if item.command == mavlink.MAV_CMD_NAV_LOITER_TIME:
        p3 = -1.0 if item.param3 < 0.0 else 1.0
    if item.command == mavlink.MAV_CMD_NAV_LAND:
        p4 = -1.0 if item.param4 < 0.0 else 1.0
    return replace(item, param1=p1, param2=p2, param3=p3, param4=p4, autocontinue=1)


def _cut(value: float, kind: str) -> float:
    if kind == "f":
        return value
    return float(int(min(max(value, -32768.0), 65535.0))) if kind == "i" else 0.0


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
    if not math.isfinite(item.z) or abs(item.z) >= 83000.0:
        return int(mavlink.MAV_MISSION_INVALID_PARAM7)
    return 0


def _centimetres(z: float) -> float:
    """A height as it comes back from whole centimetres, computed in single precision as the autopilot does."""
    return float32(int(float32(z * 100.0)) / 100.0)
