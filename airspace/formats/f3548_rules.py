"""The rules of ASTM F3548-21 for intents and constraints of others, beyond the shape of their members.

Those about an intent's volumes and their number are `airspace.intents`' own.
"""

from __future__ import annotations

from airspace.reasons import Rule, Words

WHOSE = Rule(
    "f3548.document",
    Words("this is neither an operational intent nor a constraint", "既不是飞行意图，也不是约束"),
    Words(
        "Give an object with operational_intent, with constraint, or with reference and details, or a list of these.",
        "请给出含 operational_intent、constraint，或同时含 reference 与 details 的对象，或其数组。",
    ),
)
DELETED = Rule(
    "f3548.deleted",
    Words("this says that {id} was deleted, and nothing else", "此消息仅说明 {id} 已被删除"),
    Words("There is nothing to import; remove {id} where it is held.", "无可导入内容；请在本地删除 {id}。"),
)
TEST_DATA = Rule(
    "f3548.test-data",
    Words(
        "this is InterUSS test data: flights relative to each other and to the time of a test",
        "这是 InterUSS 测试数据：航班以相互差异及测试时刻的相对时间描述",
    ),
    Words(
        "Let the test tool resolve it, and import what the USS answers at /uss/v1/operational_intents.",
        "请由测试工具解析后，导入 USS 在 /uss/v1/operational_intents 返回的内容。",
    ),
)
ONE_OUTLINE = Rule(
    "f3548.outline",
    Words("a volume has one outline, and this one has {count}", "每个空域体须有且仅有一个轮廓，此处有 {count} 个"),
    Words("Give outline_circle or outline_polygon.", "请给出 outline_circle 或 outline_polygon。"),
)
VERTEX_TWICE = Rule(
    "f3548.vertex-twice",
    Words("the vertex {place} is there twice", "顶点 {place} 重复出现"),
    Words("Keep one; the last is not to repeat the first.", "请只保留一个；末点不应重复首点。"),
)
NOT_ZULU = Rule(
    "f3548.time",
    Words("{found} is not a time in UTC", "{found} 不是 UTC 时刻"),
    Words("Write it like 2026-05-18T01:00:00Z.", "请写成 2026-05-18T01:00:00Z 的形式。"),
)
OUT_OF_SPAN = Rule(
    "f3548.span",
    Words(
        "the volume lasts from {start} to {end}, beyond the times of its reference",
        "空域体时间为 {start} 至 {end}，超出引用中的时间范围",
    ),
    Words("Correct time_start and time_end of the reference.", "请更正引用中的 time_start 与 time_end。"),
)
SLASH = Rule(
    "f3548.base-url",
    Words("{found} ends with a slash", "{found} 以斜杠结尾"),
    Words("Leave the slash out: paths are put behind it.", "请去掉末尾斜杠：其后将拼接路径。"),
)
CONSTRAINT_VERTICES = Rule(
    "f3548.constraint-vertices",
    Words("the constraint has {found} vertices, and {most} is the most", "约束有 {found} 个顶点，上限为 {most}"),
    Words("Simplify its outlines outward, or divide it.", "请向外简化轮廓，或拆分该约束。"),
)
CONSTRAINT_AREA = Rule(
    "f3548.constraint-area",
    Words(
        "the constraint covers {found:.0f} km², and {most:.0f} is the most",
        "约束面积 {found:.0f} 平方千米，上限为 {most:.0f}",
    ),
    Words("Divide it.", "请拆分该约束。"),
)
CONSTRAINT_DURATION = Rule(
    "f3548.constraint-duration",
    Words(
        "the constraint lasts {found:.1f} h, and {most:.0f} is the most", "约束持续 {found:.1f} 小时，上限为 {most:.0f}"
    ),
    Words("Divide it.", "请拆分该约束。"),
)
EXPORT_REFERENCE = Rule(
    "export.reference",
    Words("nothing says who manages the constraint and where it is found", "未说明约束由谁管理、在何处获取"),
    Words("Give the export a reference.", "请在导出时给出引用信息。"),
)
EXPORT_WINDOW = Rule(
    "export.window",
    Words("the zone is not active at all in the time of the export", "区域在导出时段内均无效"),
    Words("Export another time, or leave the zone out.", "请更换导出时段，或不导出该区域。"),
)
EXPORT_OPEN = Rule(
    "export.open",
    Words("the zone has no end, and a constraint must have one", "区域没有结束时间，而约束必须有"),
    Words("Say between which times it is to be exported.", "请给出导出的起止时间。"),
)
EXPORT_HOLES = Rule(
    "export.holes",
    Words("F3548 has no holes: {count} are filled", "F3548 无法表示孔洞：已填满 {count} 个"),
    Words("Nothing to do: the outline holds more than the zone.", "无需处理：轮廓大于原区域。"),
)
EXPORT_GROUND = Rule(
    "export.ground",
    Words(
        "heights over the ground or the sea become the lowest and the highest ones over the ellipsoid",
        "真高与海拔高已换算为最低与最高椭球高",
    ),
    Words("Nothing to do: the volume holds the whole zone.", "无需处理：空域体包含整个区域。"),
)
EXPORT_ASKS = Rule(
    "export.asks",
    Words(
        "what the zone asks ({restriction}), its name and kind are not part of a constraint",
        "约束不含区域要求（{restriction}）、名称与类别",
    ),
    Words("Give a country, so that it is exported with its geozone.", "请给出国家，以便连同 geozone 导出。"),
)
