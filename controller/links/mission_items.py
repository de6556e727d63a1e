"""Mission items on the wire: MISSION_ITEM_INT and back."""

from __future__ import annotations

import math
from enum import IntEnum

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.reasons import Words
from missions.items import Command, Frame, MissionItem


class PlanKind(IntEnum):
    """MAV_MISSION_TYPE: which of the three lists of an autopilot is meant."""

    MISSION = 0
    FENCE = 1
    RALLY = 2


FLOAT32_MAX = 3.4028234e38

_NO_NUMBER = Words("its command or frame is no MAVLink number", "其命令或坐标系编号无效")
_NO_FLOAT = Words("one of its numbers does not fit into a MAVLink field", "其中有数值超出 MAVLink 字段范围")
_NO_PLACE = Words("its latitude or longitude is none", "其经纬度无效")

# Commands of our table whose params 5 to 7 are no place. Their params 5 and 6 travel as plain integers in x and y,
# not as 1e-7 degrees, which is how ArduPilot and the ground stations read DO_DIGICAM_CONTROL's "shoot" in param 5.
WITHOUT_PLACE = frozenset(
    {
        Command.NAV_RETURN_TO_LAUNCH,
        Command.NAV_DELAY,
        Command.CONDITION_DELAY,
        Command.CONDITION_YAW,
        Command.DO_JUMP,
        Command.DO_CHANGE_SPEED,
        Command.DO_SET_ROI_NONE,
        Command.DO_DIGICAM_CONFIGURE,
        Command.DO_DIGICAM_CONTROL,
        Command.DO_MOUNT_CONTROL,
        Command.DO_SET_CAM_TRIGG_DIST,
        Command.DO_GIMBAL_MANAGER_PITCHYAW,
        Command.IMAGE_START_CAPTURE,
        Command.IMAGE_STOP_CAPTURE,
        Command.VIDEO_START_CAPTURE,
        Command.VIDEO_STOP_CAPTURE,
        Command.SET_CAMERA_MODE,
    }
)


def has_place(command: int, frame: int) -> bool:
    """Whether an item's params 5 and 6 are latitude and longitude."""
    return command not in WITHOUT_PLACE and frame != Frame.MISSION


def why_unsendable(item: MissionItem) -> Words | None:
    """What keeps an item from being sent at all, None when nothing does."""
    params = (item.param1, item.param2, item.param3, item.param4)
    if not (0 <= item.command <= 65535 and 0 <= item.frame <= 255):
        return _NO_NUMBER
    if any(abs(p) > FLOAT32_MAX for p in params) or not abs(item.alt_m) <= FLOAT32_MAX:
        return _NO_FLOAT
    if has_place(item.command, item.frame):
        return None if abs(item.lat_deg) <= 90 and abs(item.lon_deg) <= 180 else _NO_PLACE
    return None if all(math.isnan(p) or abs(p) < 2**31 for p in (item.lat_deg, item.lon_deg)) else _NO_FLOAT


def to_wire(
    item: MissionItem, seq: int, kind: PlanKind, target: tuple[int, int]
) -> mavlink.MAVLink_mission_item_int_message:
    """The item as the MISSION_ITEM_INT with sequence number `seq`; it must be one that can be sent."""
    scale = 1e7 if has_place(item.command, item.frame) else 1.0
    return mavlink.MAVLink_mission_item_int_message(
        *target,
        seq,
        int(item.frame),
        int(item.command),
        0,
        int(item.autocontinue),
        item.param1,
        item.param2,
        item.param3,
        item.param4,
        _integer(item.lat_deg * scale),
        _integer(item.lon_deg * scale),
        item.alt_m,
        int(kind),
    )


def _integer(value: float) -> int:
    return 0 if math.isnan(value) else round(value)  # NaN in an item without a place asks for nothing


def from_wire(message: mavlink.MAVLink_mission_item_int_message) -> MissionItem:
    """The item that a MISSION_ITEM_INT carries."""
    scale = 1e7 if has_place(message.command, message.frame) else 1.0
    return MissionItem(
        command=message.command,
        frame=message.frame,
        param1=message.param1,
        param2=message.param2,
        param3=message.param3,
        param4=message.param4,
        lat_deg=message.x / scale,
        lon_deg=message.y / scale,
        alt_m=message.z,
        autocontinue=bool(message.autocontinue),
    )
