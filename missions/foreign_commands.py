"""Which commands of another ground station's mission Beichen plans, which it lets pass, and which it refuses, by name.

The numbers are MAV_CMD of MAVLink's common and ardupilotmega dialects. A command that is in none of these tables is
refused too: what is not understood is not flown.
"""

from __future__ import annotations

from airspace.reasons import Rule, Words
from missions.items import Command

# Flown, and moving the drone or keeping it where it is.
NAVIGATION = frozenset(
    {
        Command.NAV_WAYPOINT,
        Command.NAV_LOITER_TURNS,
        Command.NAV_LOITER_TIME,
        Command.NAV_RETURN_TO_LAUNCH,
        Command.NAV_LAND,
        Command.NAV_TAKEOFF,
        Command.NAV_SPLINE_WAYPOINT,
        Command.NAV_DELAY,
    }
)

# Of these the latitude, longitude and height are a place in the world; elsewhere the fields hold other numbers.
PLACED = NAVIGATION - {Command.NAV_RETURN_TO_LAUNCH, Command.NAV_DELAY}

# Obeyed while flying on, without changing where the drone goes.
HARMLESS = frozenset(
    {
        Command.CONDITION_DELAY,
        Command.CONDITION_YAW,
        Command.DO_SET_ROI_LOCATION,
        Command.DO_SET_ROI_NONE,
        Command.DO_SET_ROI,
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

ALLOWED = NAVIGATION | HARMLESS | {Command.DO_JUMP, Command.DO_CHANGE_SPEED}

OTHER_AIRFRAME = Rule(
    "mission.other-airframe",
    Words("item {seq} is {name}, a command for another kind of vehicle", "第 {seq} 项是 {name}，用于其他类型的载具"),
    Words("Plan the mission for a multirotor.", "请为多旋翼规划任务。"),
)
DROPS = Rule(
    "mission.drops",
    Words(
        "item {seq} is {name}: nothing is dropped or sprayed on a patrol",
        "第 {seq} 项是 {name}：巡查飞行不投放、不喷洒",
    ),
    Words("Remove the item; Beichen flies no deliveries.", "请删除该项；北辰不执行投送飞行。"),
)
OUTPUTS = Rule(
    "mission.outputs",
    Words(
        "item {seq} is {name}: nobody can check what an output moves", "第 {seq} 项是 {name}：无法检查该输出会驱动什么"
    ),
    Words("Remove the item; use camera commands for a camera.", "请删除该项；相机请使用相机指令。"),
)
OUT_OF_SIGHT = Rule(
    "mission.gives-away-control",
    Words(
        "item {seq} is {name}: a script or another computer would decide where the drone goes",
        "第 {seq} 项是 {name}：飞行路径将由脚本或其他计算机决定",
    ),
    Words("Replace the item by waypoints.", "请改用航点。"),
)
CHANGES_SAFETY = Rule(
    "mission.changes-safety",
    Words(
        "item {seq} is {name}: it changes home, mode, fence, arming or a parameter during the flight",
        "第 {seq} 项是 {name}：它会在飞行中改变起飞点、模式、围栏、解锁或参数",
    ),
    Words("Remove the item.", "请删除该项。"),
)
NEVER_ENDS = Rule(
    "mission.never-ends",
    Words("item {seq} ({name}) never ends", "第 {seq} 项（{name}）不会结束"),
    Words("Give a time, a number of turns or a number of repeats.", "请给出时间、圈数或重复次数。"),
)
NOT_TIMED = Rule(
    "mission.not-timed",
    Words("item {seq} is {name}: when it ends cannot be planned", "第 {seq} 项是 {name}：无法规划其结束时间"),
    Words("Use NAV_LOITER_TIME or a waypoint's delay.", "请使用 NAV_LOITER_TIME 或航点停留时间。"),
)
UNKNOWN_COMMAND = Rule(
    "mission.unknown-command",
    Words("item {seq} is {name}, which Beichen does not know", "第 {seq} 项是 {name}，北辰不认识该指令"),
    Words("Remove the item, or plan it with commands that are known.", "请删除该项，或改用已知指令规划。"),
)

REFUSED: dict[int, tuple[str, Rule]] = {
    17: ("NAV_LOITER_UNLIM", NEVER_ENDS),
    23: ("NAV_LAND_LOCAL", OTHER_AIRFRAME),
    24: ("NAV_TAKEOFF_LOCAL", OTHER_AIRFRAME),
    30: ("NAV_CONTINUE_AND_CHANGE_ALT", OTHER_AIRFRAME),
    31: ("NAV_LOITER_TO_ALT", OTHER_AIRFRAME),
    32: ("DO_FOLLOW", OUT_OF_SIGHT),
    33: ("DO_FOLLOW_REPOSITION", OUT_OF_SIGHT),
    34: ("DO_ORBIT", OUT_OF_SIGHT),
    83: ("NAV_ALTITUDE_WAIT", OTHER_AIRFRAME),
    84: ("NAV_VTOL_TAKEOFF", OTHER_AIRFRAME),
    85: ("NAV_VTOL_LAND", OTHER_AIRFRAME),
    92: ("NAV_GUIDED_ENABLE", OUT_OF_SIGHT),
    94: ("NAV_PAYLOAD_PLACE", DROPS),
    113: ("CONDITION_CHANGE_ALT", OTHER_AIRFRAME),
    114: ("CONDITION_DISTANCE", NOT_TIMED),
    176: ("DO_SET_MODE", CHANGES_SAFETY),
    179: ("DO_SET_HOME", CHANGES_SAFETY),
    180: ("DO_SET_PARAMETER", CHANGES_SAFETY),
    181: ("DO_SET_RELAY", OUTPUTS),
    182: ("DO_REPEAT_RELAY", OUTPUTS),
    183: ("DO_SET_SERVO", OUTPUTS),
    184: ("DO_REPEAT_SERVO", OUTPUTS),
    185: ("DO_FLIGHTTERMINATION", CHANGES_SAFETY),
    186: ("DO_CHANGE_ALTITUDE", OTHER_AIRFRAME),
    188: ("DO_RETURN_PATH_START", OTHER_AIRFRAME),
    189: ("DO_LAND_START", OTHER_AIRFRAME),
    190: ("DO_RALLY_LAND", OTHER_AIRFRAME),
    191: ("DO_GO_AROUND", OTHER_AIRFRAME),
    192: ("DO_REPOSITION", OUT_OF_SIGHT),
    193: ("DO_PAUSE_CONTINUE", NEVER_ENDS),
    194: ("DO_SET_REVERSE", OTHER_AIRFRAME),
    207: ("DO_FENCE_ENABLE", CHANGES_SAFETY),
    208: ("DO_PARACHUTE", CHANGES_SAFETY),
    209: ("DO_MOTOR_TEST", OUTPUTS),
    210: ("DO_INVERTED_FLIGHT", OTHER_AIRFRAME),
    211: ("DO_GRIPPER", DROPS),
    212: ("DO_AUTOTUNE_ENABLE", CHANGES_SAFETY),
    213: ("NAV_SET_YAW_SPEED", OTHER_AIRFRAME),
    215: ("DO_SET_RESUME_REPEAT_DIST", OTHER_AIRFRAME),
    216: ("DO_SPRAYER", DROPS),
    217: ("DO_SEND_SCRIPT_MESSAGE", OUT_OF_SIGHT),
    218: ("DO_AUX_FUNCTION", CHANGES_SAFETY),
    222: ("DO_GUIDED_LIMITS", OUT_OF_SIGHT),
    223: ("DO_ENGINE_CONTROL", OTHER_AIRFRAME),
    224: ("DO_SET_MISSION_CURRENT", CHANGES_SAFETY),
    400: ("COMPONENT_ARM_DISARM", CHANGES_SAFETY),
    600: ("JUMP_TAG", NOT_TIMED),
    601: ("DO_JUMP_TAG", NOT_TIMED),
    3000: ("DO_VTOL_TRANSITION", OTHER_AIRFRAME),
    42600: ("DO_WINCH", DROPS),
    42702: ("NAV_SCRIPT_TIME", OUT_OF_SIGHT),
    42703: ("NAV_ATTITUDE_TIME", OUT_OF_SIGHT),
}


def name_of(command: int) -> str:
    """The command's name in MAVLink, or its number."""
    if command in REFUSED:
        return REFUSED[command][0]
    try:
        return Command(command).name
    except ValueError:
        return f"MAV_CMD {command}"


def refusal_of(command: int) -> Rule | None:
    """The rule that a command breaks by being in a mission; none for those that are planned or let pass."""
    if command in ALLOWED:
        return None
    return REFUSED.get(command, (name_of(command), UNKNOWN_COMMAND))[1]
