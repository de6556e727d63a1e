"""Mission items as ArduCopter keeps them, so that what is read back after an upload equals what was planned.

`AP_Mission` keeps only the parameters that its vehicles know; ground stations write more, which would come back as 0
and look like a failed upload. Nothing that changes the flight is dropped here: only what the copter ignores goes.
"""

from __future__ import annotations

from dataclasses import replace

from missions.foreign_commands import PLACED
from missions.items import Command, MissionItem

# Which of the four parameters AP_Mission keeps of a command that a mission here may hold.
KEPT_PARAMETERS: dict[int, tuple[int, ...]] = {
    Command.NAV_WAYPOINT: (1,),
    Command.NAV_LOITER_TURNS: (1, 3, 4),
    Command.NAV_LOITER_TIME: (1, 3, 4),
    Command.NAV_RETURN_TO_LAUNCH: (),
    Command.NAV_LAND: (4,),
    Command.NAV_TAKEOFF: (),  # parameter 1 is kept, but is a pitch for aeroplanes
    Command.NAV_SPLINE_WAYPOINT: (1,),
    Command.NAV_DELAY: (1,),
    Command.CONDITION_DELAY: (1,),
    Command.CONDITION_YAW: (1, 2, 3, 4),
    Command.DO_JUMP: (1, 2),
    Command.DO_CHANGE_SPEED: (1, 2, 3),
    Command.DO_SET_ROI_LOCATION: (1,),
    Command.DO_SET_ROI_NONE: (1,),
    Command.DO_SET_ROI: (1,),
    Command.DO_DIGICAM_CONFIGURE: (1, 2, 3, 4),
    Command.DO_DIGICAM_CONTROL: (1, 2, 3, 4),
    Command.DO_MOUNT_CONTROL: (1, 2, 3),
    Command.DO_SET_CAM_TRIGG_DIST: (1, 3),
    Command.DO_GIMBAL_MANAGER_PITCHYAW: (1, 2, 3, 4),
    Command.IMAGE_START_CAPTURE: (1, 2, 3, 4),
    Command.IMAGE_STOP_CAPTURE: (1,),
    Command.VIDEO_START_CAPTURE: (1,),
    Command.VIDEO_STOP_CAPTURE: (1,),
    Command.SET_CAMERA_MODE: (1, 2),
}
# Their last three fields are kept, as a place or as numbers of another kind.
KEPT_PLACES = PLACED | {
    Command.DO_SET_ROI_LOCATION,
    Command.DO_SET_ROI,
    Command.DO_DIGICAM_CONFIGURE,
    Command.DO_DIGICAM_CONTROL,
    Command.DO_GIMBAL_MANAGER_PITCHYAW,
}


def as_stored(item: MissionItem) -> MissionItem:
    """The item as the vehicle would hold it; the same item when nothing of it is ignored."""
    kept = KEPT_PARAMETERS[item.command]
    p1, p2, p3, p4 = (
        value if number in kept else 0.0
        for number, value in enumerate((item.param1, item.param2, item.param3, item.param4), start=1)
    )
    match item.command:
        case Command.NAV_LOITER_TIME:
            # the turning side is one bit and so is the side on which the loiter is left
            p3, p4 = _side(p3), float(p4 > 0)
        case Command.NAV_LOITER_TURNS:
            p4 = float(p4 > 0)
        case Command.NAV_LAND:
            p4 = _side(p4)
    stored = replace(item, param1=p1, param2=p2, param3=p3, param4=p4)
    if item.command not in KEPT_PLACES:
        stored = replace(stored, lat_deg=0.0, lon_deg=0.0, alt_m=0.0)
    return stored


def _side(value: float) -> float:
    return -1.0 if value < 0 else 1.0
