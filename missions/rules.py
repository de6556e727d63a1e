"""The rules that a plan must keep, each with what to do when it is broken."""

from __future__ import annotations

from airspace.reasons import Rule, Words

DOCK_UNKNOWN = Rule(
    "plan.dock-unknown",
    Words("{code} is not a dock of site {site}", "{code} 不是站点 {site} 的机巢"),
    Words("Name one of: {known}.", "请选用下列机巢之一：{known}。"),
)
DOCK_NONE = Rule(
    "plan.dock-none",
    Words("no dock that the request names is free", "请求所列机巢均不可用"),
    Words("Wait until one is free, or name another alternate.", "请等待机巢空闲，或增加备降机巢。"),
)
HEIGHT_LIMIT = Rule(
    "plan.height",
    Words(
        "a height of {height_m:g} m above ground is not below the site's limit of {limit_m:g} m",
        "离地高度 {height_m:g} 米未低于站点限高 {limit_m:g} 米",
    ),
    Words("Ask for less than {limit_m:g} m.", "请改为低于 {limit_m:g} 米。"),
)
HEIGHT_HOME = Rule(
    "plan.height-home",
    Words(
        "a height of {height_m:g} m above ground is less than {least_m:g} m above the take-off place",
        "离地高度 {height_m:g} 米不足起飞点以上 {least_m:g} 米",
    ),
    Words("Ask for at least {needed_m:g} m above ground.", "请改为离地至少 {needed_m:g} 米。"),
)
SPEED_LIMIT = Rule(
    "plan.speed",
    Words(
        "{speed_mps:g} m/s is faster than drone type {drone} flies ({limit_mps:g} m/s)",
        "{speed_mps:g} 米/秒超过机型 {drone} 的最大速度（{limit_mps:g} 米/秒）",
    ),
    Words("Ask for at most {limit_mps:g} m/s.", "请改为不超过 {limit_mps:g} 米/秒。"),
)
WIND_LIMIT = Rule(
    "plan.wind",
    Words(
        "a wind of {wind_mps:g} m/s is more than {whose} allows ({limit_mps:g} m/s)",
        "风速 {wind_mps:g} 米/秒超过{whose}允许的 {limit_mps:g} 米/秒",
    ),
    Words("Wait for a wind of at most {limit_mps:g} m/s.", "请等待风速降至 {limit_mps:g} 米/秒以下。"),
)
TOO_EARLY = Rule(
    "plan.too-early",
    Words("take-off at {takeoff} is before {not_before}", "起飞时间 {takeoff} 早于 {not_before}"),
    Words("Take off at {not_before} or later.", "请在 {not_before} 或之后起飞。"),
)
TOO_LATE = Rule(
    "plan.too-late",
    Words(
        "the flight ends at {ends}, after the deadline {deadline}",
        "飞行于 {ends} 结束，晚于截止时间 {deadline}",
    ),
    Words("Take off {late_s:.0f} s earlier, or move the deadline.", "请提前 {late_s:.0f} 秒起飞，或推迟截止时间。"),
)
TOO_FAR = Rule(
    "plan.too-far",
    Words("{place} is {far_km:.0f} km from the take-off place", "{place} 距起飞点 {far_km:.0f} 公里"),
    Words(
        "Correct the position, or plan from a dock within {limit_km:g} km.",
        "请更正位置，或从 {limit_km:g} 公里以内的机巢起飞。",
    ),
)
CLOSED_PLACE = Rule(
    "plan.closed-place",
    Words(
        "{what} lies in or closer than {clearance_m:.1f} m to {zones}",
        "{what}位于 {zones} 内或距其不足 {clearance_m:.1f} 米",
    ),
    Words("Choose a place outside the zone, or another time.", "请选择区域外的地点，或更换时间。"),
)
NO_WAY = Rule(
    "plan.no-way",
    Words("there is no way from {start} to {end}: {zones} closes it", "从{start}到{end}没有可行航路：被 {zones} 阻断"),
    Words(
        "Ask for a clearance of one of them, choose another time, or start and land on the same side.",
        "请申请其中之一的放行、更换时间，或在同侧起降。",
    ),
)
LINE_CLOSED = Rule(
    "plan.line-closed",
    Words(
        "no piece of the line can be surveyed: {zones} covers it or closes the way",
        "线路没有可巡查的区段：被 {zones} 覆盖或阻断",
    ),
    Words("Ask for a clearance, or inspect another line.", "请申请放行，或改巡其他线路。"),
)
NOTHING_SEEN = Rule(
    "plan.nothing-seen",
    Words(
        "none of the {count} targets comes within {reach_m:g} m of the camera",
        "{count} 个目标均不在相机 {reach_m:g} 米范围内",
    ),
    Words(
        "Move the line nearer to the targets, or raise camera.max_target_distance_m.",
        "请使线路靠近目标，或增大 camera.max_target_distance_m。",
    ),
)
NO_OPEN_GROUND = Rule(
    "plan.open-ground",
    Words("no open ground can be reached from the hold point at {place}", "从等待点 {place} 无法到达任何空旷备降地"),
    Words("Add an open-ground point near the dock to the site.", "请在站点机巢附近增加空旷备降地。"),
)
STRANDED = Rule(
    "plan.contingency",
    Words(
        "near {place} no straight way at return height leads to home or open ground: {zones}",
        "在 {place} 附近，返航高度上没有通往起飞点或空旷地的直线航路：{zones}",
    ),
    Words("Add an open-ground point within sight of this place.", "请在该处可直达范围内增加空旷备降地。"),
)
ENERGY = Rule(
    "plan.energy",
    Words(
        "the flight takes {needed_wh:.1f} Wh, and {usable_wh:.1f} Wh may be used ({reserve:.0%} stay in reserve)",
        "飞行需要 {needed_wh:.1f} Wh，可用电量为 {usable_wh:.1f} Wh（保留 {reserve:.0%}）",
    ),
    Words(
        "Split the line in {parts}, use a larger battery, or wait for less wind.",
        "请将线路分为 {parts} 段、使用更大电池，或等待风速减小。",
    ),
)
FENCE_CORNERS = Rule(
    "plan.fence",
    Words(
        "a fence around the flight needs {corners} corners, and the autopilot has room for {limit}",
        "围栏需要 {corners} 个角点，飞控最多容纳 {limit} 个",
    ),
    Words("Split the line, or simplify the zones near it.", "请拆分线路，或简化附近区域的边界。"),
)
FENCE_WRONG = Rule(
    "plan.fence-wrong",
    Words(
        "the fence does not hold the flight with its margins outside all zones", "围栏未能在区域之外包含全部航路及余量"
    ),
    Words("Report this request as a fault of the planner.", "请将此请求作为规划程序缺陷上报。"),
)
TOO_LONG = Rule(
    "plan.items",
    Words("the flight needs {count} {what}, and {limit} are allowed", "飞行需要 {count} 个{what}，上限为 {limit} 个"),
    Words("Split the line.", "请拆分线路。"),
)
