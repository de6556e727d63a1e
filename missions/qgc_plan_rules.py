"""What a `.plan` file can have wrong, and what reading one does not keep."""

from __future__ import annotations

from airspace.reasons import Rule, Words

AGAIN = Words("Save the plan again from QGroundControl.", "请从 QGroundControl 重新保存计划。")

NOT_JSON = Rule("qgc-plan.json", Words("the file is not JSON: {problem}", "文件不是 JSON：{problem}"), AGAIN)
DUPLICATE_KEY = Rule(
    "qgc-plan.duplicate-key",
    Words("the key '{key}' stands twice in one object", "同一对象中键“{key}”出现两次"),
    Words("Keep one of the two.", "请只保留一个。"),
)
WRONG_FILE_TYPE = Rule(
    "qgc-plan.file-type",
    Words(
        "the JSON is not a QGroundControl plan (fileType must be 'Plan')",
        "该 JSON 不是 QGroundControl 计划（fileType 应为“Plan”）",
    ),
    Words("Save the mission from QGroundControl as a .plan file.", "请从 QGroundControl 将任务存为 .plan 文件。"),
)
VERSION = Rule(
    "qgc-plan.version",
    Words("version {version} of this part is not known, only {known}", "不认识该部分的版本 {version}，只支持 {known}"),
    Words(
        "Open the plan in a current QGroundControl and save it again.", "请用新版 QGroundControl 打开计划并重新保存。"
    ),
)
WRONG_TYPE = Rule("qgc-plan.value", Words("this must be {wanted}", "此处应为{wanted}"), AGAIN)
POSITION = Rule(
    "qgc-plan.position",
    Words("{lat_deg}, {lon_deg} is no place on the Earth", "{lat_deg}, {lon_deg} 不是地球上的位置"),
    Words(
        "Latitude comes first (-90 to 90), then longitude (-180 to 180).",
        "先纬度（-90 至 90），后经度（-180 至 180）。",
    ),
)
NULL_POSITION = Rule(
    "qgc-plan.null-position",
    Words("one of latitude and longitude is null", "纬度与经度中有一个为 null"),
    Words("Give both, or neither for 'where the drone is'.", "请同时给出两者；若指“无人机当前位置”，则两者都不给。"),
)
UNKNOWN_ITEM_TYPE = Rule(
    "qgc-plan.item-type",
    Words("an item of type '{type}' is not known", "不认识类型为“{type}”的任务项"),
    AGAIN,
)
COMPLEX_ITEM = Rule(
    "qgc-plan.complex-item",
    Words(
        "the complex item '{kind}' does not store the items to be flown, so they cannot be checked",
        "复合项“{kind}”没有保存实际飞行的任务项，无法检查",
    ),
    Words(
        "In QGroundControl, save the mission items to the drone, download them and save that plan.",
        "请在 QGroundControl 中将任务上传到无人机后再下载，并保存该计划。",
    ),
)
JUMP_TARGET = Rule(
    "qgc-plan.jump-target",
    Words(
        "DO_JUMP goes to doJumpId {target}, which not exactly one item has",
        "DO_JUMP 的目标 doJumpId {target} 并非恰好属于一个任务项",
    ),
    Words("Choose the jump's target again in QGroundControl.", "请在 QGroundControl 中重新选择跳转目标。"),
)
VERTICES = Rule(
    "qgc-plan.fence-corners",
    Words("a fence polygon needs 3 corners, this has {corners}", "围栏多边形至少要 3 个角点，此处有 {corners} 个"),
    Words("Draw the fence again.", "请重新绘制围栏。"),
)
RADIUS = Rule(
    "qgc-plan.fence-radius",
    Words("a fence circle needs a radius above 0 m, this has {radius_m}", "围栏圆的半径应大于 0 米，此处为 {radius_m}"),
    Words("Draw the circle again.", "请重新绘制圆。"),
)
FENCE_TOO_BIG = Rule(
    "qgc-plan.fence-too-big",
    Words("{items} points, the drone stores {most}", "有 {items} 个点，无人机最多存 {most} 个"),
    Words("Draw it with fewer points.", "请减少点数。"),
)

COMPLEX_STORED = Words(
    "the {kind} area and its settings: only its flown items are kept", "{kind} 的区域与设置：只保留实际飞行的任务项"
)
NULLS = Words(
    "null parameters: kept as 0, which ArduCopter takes for the same", "空参数：按 0 保存，ArduCopter 视为相同"
)
BREACH_RETURN = Words("the breach return point, which ArduCopter does not use", "越界返回点：ArduCopter 不使用")
