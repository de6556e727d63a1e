"""What a mission file of another ground station can have that Beichen does not fly, beside its commands."""

from __future__ import annotations

from airspace.reasons import Rule, Words

FRAME = Rule(
    "mission.frame",
    Words(
        "item {seq} ({name}) has frame {frame}, which says no height that is known",
        "第 {seq} 项（{name}）的坐标系 {frame} 没有已知的高度基准",
    ),
    Words("Use heights above home (3) or above mean sea level (0).", "请使用相对起飞点的高度（3）或海拔高度（0）。"),
)
TERRAIN = Rule(
    "mission.terrain-height",
    Words(
        "item {seq} ({name}) counts its height from the terrain, and there is no terrain model",
        "第 {seq} 项（{name}）的高度相对地形，而系统没有地形模型",
    ),
    Words("Plan with heights above home.", "请使用相对起飞点的高度规划。"),
)
VALUE = Rule(
    "mission.value",
    Words(
        "item {seq} ({name}): {what} is {value}, it must be {wanted}",
        "第 {seq} 项（{name}）：{what}为 {value}，应为{wanted}",
    ),
    Words("Correct the item in the ground station.", "请在地面站中改正该项。"),
)
AUTOCONTINUE = Rule(
    "mission.autocontinue",
    Words(
        "item {seq} ({name}) says not to go on by itself, but ArduCopter always goes on",
        "第 {seq} 项（{name}）要求不自动继续，但 ArduCopter 总会继续",
    ),
    Words("Set autocontinue, or give a delay.", "请设置自动继续，或给出停留时间。"),
)
NO_POSITION = Rule(
    "mission.no-position",
    Words(
        "item {seq} ({name}) has no position: latitude and longitude are 0", "第 {seq} 项（{name}）没有位置：经纬度为 0"
    ),
    Words("Give the position.", "请给出位置。"),
)
TOO_FAR = Rule(
    "mission.too-far",
    Words(
        "item {seq} ({name}) lies {km:.0f} km from the take-off place, more than {most_km:.0f} km",
        "第 {seq} 项（{name}）距起飞点 {km:.0f} 公里，超过 {most_km:.0f} 公里",
    ),
    Words("Check the position; plan from a take-off place nearby.", "请检查位置；或改用附近的起飞点。"),
)
HEIGHT_ZERO = Rule(
    "mission.height-zero",
    Words(
        "item {seq} ({name}) has height 0, for which ArduCopter keeps the height of the item before",
        "第 {seq} 项（{name}）的高度为 0，ArduCopter 会沿用前一项的高度",
    ),
    Words("Write the height that is meant.", "请写明所需高度。"),
)
BELOW_GROUND = Rule(
    "mission.below-ground",
    Words(
        "item {seq} ({name}) is {agl_m:.1f} m above ground, that is at or below it",
        "第 {seq} 项（{name}）离地 {agl_m:.1f} 米，在地面或地面以下",
    ),
    Words(
        "Give a height above the ground; check whether it was meant from home or from sea level.",
        "请给出高于地面的高度；并检查高度基准是起飞点还是海平面。",
    ),
)
TOO_HIGH = Rule(
    "mission.too-high",
    Words(
        "item {seq} ({name}) is {agl_m:.1f} m above ground, not under {most_m:g} m",
        "第 {seq} 项（{name}）离地 {agl_m:.1f} 米；必须低于 {most_m:g} 米",
    ),
    Words("Lower the item.", "请降低该项高度。"),
)
TOO_FAST = Rule(
    "mission.too-fast",
    Words(
        "item {seq} ({name}) asks for {speed_mps:g} m/s, the drone flies at most {most_mps:g} m/s",
        "第 {seq} 项（{name}）要求 {speed_mps:g} 米/秒，无人机最大 {most_mps:g} 米/秒",
    ),
    Words("Ask for less.", "请降低速度。"),
)
PLAN_TOO_FAST = Rule(
    "mission.plan-too-fast",
    Words(
        "the plan flies at {speed_mps:g} m/s, the drone at most at {most_mps:g} m/s",
        "计划速度为 {speed_mps:g} 米/秒，无人机最大 {most_mps:g} 米/秒",
    ),
    Words("Set a lower hover speed in the plan.", "请在计划中降低悬停速度。"),
)
VERTICAL_SPEED = Rule(
    "mission.vertical-speed",
    Words(
        "item {seq} ({name}) changes the climb or descent speed, which is not planned",
        "第 {seq} 项（{name}）改变升降速度，无法规划",
    ),
    Words("Remove the item.", "请删除该项。"),
)
SPEED_AFTER_DELAY = Rule(
    "mission.speed-after-condition",
    Words(
        "item {seq} ({name}) waits for a condition, so where the speed changes cannot be planned",
        "第 {seq} 项（{name}）要等待条件，无法规划变速位置",
    ),
    Words("Put the speed change right after a waypoint.", "请把变速指令放在航点之后。"),
)
JUMP_TARGET = Rule(
    "mission.jump-target",
    Words(
        "item {seq} ({name}) jumps to item {target}, but the mission has items 1 to {last}",
        "第 {seq} 项（{name}）跳转到第 {target} 项，但任务只有第 1 至 {last} 项",
    ),
    Words("Choose an item of the mission.", "请选择任务中的一项。"),
)
NO_TAKEOFF = Rule(
    "mission.no-takeoff",
    Words("item {seq} ({name}) is to be flown before any take-off", "第 {seq} 项（{name}）在起飞之前就要飞行"),
    Words("Begin the mission with NAV_TAKEOFF.", "请以 NAV_TAKEOFF 开始任务。"),
)
NOTHING_FLOWN = Rule(
    "mission.nothing-flown",
    Words("the mission never takes off", "任务没有起飞"),
    Words("Begin the mission with NAV_TAKEOFF.", "请以 NAV_TAKEOFF 开始任务。"),
)
SECOND_TAKEOFF = Rule(
    "mission.second-takeoff",
    Words("item {seq} ({name}) takes off while the drone is in the air", "第 {seq} 项（{name}）在空中再次起飞"),
    Words("Use a waypoint to climb.", "请用航点爬升。"),
)
NO_END = Rule(
    "mission.no-end",
    Words(
        "after item {seq} ({name}) the mission ends in the air: the drone would hover until the battery is empty",
        "第 {seq} 项（{name}）之后任务在空中结束：无人机会悬停至电量耗尽",
    ),
    Words("End the mission with NAV_RETURN_TO_LAUNCH or NAV_LAND.", "请以 NAV_RETURN_TO_LAUNCH 或 NAV_LAND 结束任务。"),
)
AFTER_LANDING = Rule(
    "mission.after-landing",
    Words(
        "item {seq} ({name}) comes after the landing and would need to arm again",
        "第 {seq} 项（{name}）在降落之后，需要再次解锁",
    ),
    Words("Make a second mission of what follows the landing.", "请将降落之后的部分另做一个任务。"),
)
TOO_LONG = Rule(
    "mission.too-long",
    Words(
        "by item {seq} ({name}) the route has more than {most} pieces, repeats counted",
        "到第 {seq} 项（{name}）为止，计入重复的航段超过 {most} 段",
    ),
    Words("Repeat less, or split the mission.", "请减少重复，或拆分任务。"),
)
SPLINE_BEFORE = Rule(
    "mission.spline",
    Words(
        "item {seq} ({name}) is followed by {next}, for which ArduCopter's curve is not defined",
        "第 {seq} 项（{name}）之后是 {next}，此时 ArduCopter 的曲线没有定义",
    ),
    Words(
        "Put a plain waypoint between the two, or give the spline waypoint a delay.",
        "请在两项之间加普通航点，或给样条航点加停留时间。",
    ),
)
CIRCLE_AT_CENTRE = Rule(
    "mission.circle-centre",
    Words(
        "item {seq} ({name}) begins at the centre of its circle: which way the drone leaves depends on its heading",
        "第 {seq} 项（{name}）从圆心开始：无人机的飞出方向取决于航向",
    ),
    Words("Put a waypoint on the circle before it.", "请在该项之前加一个位于圆上的航点。"),
)
CIRCLE_CLIMBS = Rule(
    "mission.circle-climbs",
    Words(
        "item {seq} ({name}) begins its circle at {from_m:.1f} m and flies it at {to_m:.1f} m",
        "第 {seq} 项（{name}）从 {from_m:.1f} 米开始绕圈，绕圈高度却为 {to_m:.1f} 米",
    ),
    Words("Put a waypoint at the circle's height before it.", "请在该项之前加一个与绕圈同高的航点。"),
)
NO_HOME = Rule(
    "mission.no-home",
    Words("neither the file nor the drone says where the take-off is", "文件和无人机都没有给出起飞位置"),
    Words("Set the planned home, or connect the drone.", "请设置计划起飞点，或连接无人机。"),
)
NO_HOME_HEIGHT = Rule(
    "mission.no-home-height",
    Words("neither the file nor the drone says how high the take-off place lies", "文件和无人机都没有给出起飞点的海拔"),
    Words("Save the plan with a home altitude, or connect the drone.", "请在计划中保存起飞点海拔，或连接无人机。"),
)
RETURN_ELSEWHERE = Rule(
    "mission.return-elsewhere",
    Words(
        "the mission ends with a return home, but from parts of the route the straight way home enters a zone",
        "任务以返航结束，但部分航段直线返航会进入禁飞区域",
    ),
    Words("End with NAV_LAND, or move the route.", "请改用 NAV_LAND 结束，或调整航线。"),
)
FENCE_SHAPE = Rule(
    "mission.fence-shape",
    Words("the file's fence leaves no place to fly, or crosses itself", "文件中的围栏没有可飞区域，或自相交叉"),
    Words("Draw the fence again.", "请重新绘制围栏。"),
)
OUTSIDE_FENCE = Rule(
    "mission.outside-fence",
    Words(
        "item {seq} ({name}) is flown outside the file's fence or within {margin_m:.1f} m of its edge",
        "第 {seq} 项（{name}）的航段在文件围栏之外，或距其边缘不足 {margin_m:.1f} 米",
    ),
    Words("Widen the fence, or move the route.", "请扩大围栏，或调整航线。"),
)
RETURN_OUTSIDE_FENCE = Rule(
    "mission.return-outside-fence",
    Words(
        "a straight way back to home or a rally point leaves the file's fence",
        "返回起飞点或备降点的直线超出文件中的围栏",
    ),
    Words("Widen the fence, or put rally points inside it.", "请扩大围栏，或在围栏内设置备降点。"),
)
RALLY_BLOCKED = Rule(
    "mission.rally-blocked",
    Words(
        "a return may choose {points}, and the straight way there enters a zone from part of the route",
        "返航可能选择 {points}，而部分航段到该处的直线会进入禁飞区域",
    ),
    Words(
        "Move or remove these points, or remove all to let Beichen choose.",
        "请移动或删除这些点；或全部删除，由北辰选择。",
    ),
)
RALLY_HEIGHT = Rule(
    "mission.rally-height",
    Words(
        "rally point {number} has height {relative_m:g} m; it must be above 0 and under {most_m:g} m",
        "备降点 {number} 的高度为 {relative_m:g} 米；应大于 0 且低于 {most_m:g} 米",
    ),
    Words("Correct its height.", "请改正其高度。"),
)
