"""Mission items in the shape that MAVLink and both ground-station file formats share.

Item 0 of an ArduPilot mission is its home and is overwritten by the vehicle, so a list of items here starts at
sequence 1: `items[0]` has sequence number 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Frame(IntEnum):
    """MAV_FRAME values that a mission file may use."""

    GLOBAL = 0  # height above mean sea level
    MISSION = 2  # no position
    GLOBAL_RELATIVE_ALT = 3  # height above home
    GLOBAL_INT = 5
    GLOBAL_RELATIVE_ALT_INT = 6
    GLOBAL_TERRAIN_ALT = 10  # height above the terrain
    GLOBAL_TERRAIN_ALT_INT = 11


class Command(IntEnum):
    """MAV_CMD values that Beichen itself writes or must understand in order to check a mission."""

    NAV_WAYPOINT = 16
    NAV_LOITER_UNLIM = 17
    NAV_LOITER_TURNS = 18
    NAV_LOITER_TIME = 19
    NAV_RETURN_TO_LAUNCH = 20
    NAV_LAND = 21
    NAV_TAKEOFF = 22
    NAV_SPLINE_WAYPOINT = 82
    NAV_DELAY = 93
    CONDITION_DELAY = 112
    CONDITION_YAW = 115
    DO_JUMP = 177
    DO_CHANGE_SPEED = 178
    DO_SET_ROI_LOCATION = 195
    DO_SET_ROI_NONE = 197
    DO_SET_ROI = 201
    DO_DIGICAM_CONFIGURE = 202
    DO_DIGICAM_CONTROL = 203
    DO_MOUNT_CONTROL = 205
    DO_SET_CAM_TRIGG_DIST = 206
    DO_SET_MISSION_CURRENT = 224
    DO_GIMBAL_MANAGER_PITCHYAW = 1000
    IMAGE_START_CAPTURE = 2000
    IMAGE_STOP_CAPTURE = 2001
    VIDEO_START_CAPTURE = 2500
    VIDEO_STOP_CAPTURE = 2501
    SET_CAMERA_MODE = 530
    FENCE_POLYGON_INCLUSION = 5001
    FENCE_POLYGON_EXCLUSION = 5002
    FENCE_CIRCLE_INCLUSION = 5003
    FENCE_CIRCLE_EXCLUSION = 5004
    RALLY_POINT = 5100


@dataclass(frozen=True, slots=True)
class MissionItem:
    """One mission, fence or rally item; `alt_m` counts from what `frame` says [m], positions are degrees."""

    command: int
    frame: int = Frame.GLOBAL_RELATIVE_ALT
    param1: float = 0.0
    param2: float = 0.0
    param3: float = 0.0
    param4: float = 0.0
    lat_deg: float = 0.0
    lon_deg: float = 0.0
    alt_m: float = 0.0
    autocontinue: bool = True

    @property
    def name(self) -> str:
        """The command's name, or its number when Beichen does not know it."""
        try:
            return Command(self.command).name
        except ValueError:
            return f"MAV_CMD {self.command}"
