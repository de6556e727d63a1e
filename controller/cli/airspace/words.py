"""What `beichen airspace` says, in both languages."""

from __future__ import annotations

from airspace.charted import Restriction
from airspace.frames import Datum
from airspace.reasons import Words

HELP = Words("Charts, zones and questions about the air of a site.", "站点空域：图表、区域与查询。")
HELP_IMPORT = Words(
    "Read charts into the site's register, all of them or none. GeoJSON, ED-269, ED-318, F3548, OpenAir, KML, KMZ.",
    "将图表导入站点登记库，全部成功或全部不导入。支持 GeoJSON、ED-269、ED-318、F3548、OpenAir、KML、KMZ。",
)
HELP_LIST = Words("List the zones of a site.", "列出站点的区域。")
HELP_SHOW = Words(
    "Show one zone: heights, hours, rule and where it was read.", "显示一个区域：高度、时段、规则与来源。"
)
HELP_AT = Words(
    "Ask what holds one place: LAT LON HEIGHT, as 34.7490 113.6260 60agl. Ends 1 where one may not fly.",
    "查询一处：纬度 经度 高度，例如 34.7490 113.6260 60agl。不可飞行时退出码为 1。",
)
HELP_CHECK = Words(
    "Ask whether a route may be flown, leg by leg. Ends 1 when it may not.",
    "逐段检查航线能否飞行。不可飞行时退出码为 1。",
)
HELP_EXPLAIN = Words(
    "Check a route, say what would clear it, and draw it in plan and from the side (.svg or .png).",
    "检查航线，给出可行的修改，并绘制平面图与侧视图（.svg 或 .png）。",
)
HELP_REMOVE = Words("Take zones out of the register.", "从登记库移除区域。")
HELP_EXPORT = Words("Write zones as GeoJSON, ED-269, F3548 or KML.", "将区域导出为 GeoJSON、ED-269、F3548 或 KML。")

ID, NAME, KIND = Words("id", "编号"), Words("name", "名称"), Words("kind", "类别")
ASKS, HEIGHTS, ACTIVE, SOURCE = (
    Words("asks", "要求"),
    Words("heights", "高度"),
    Words("active", "时段"),
    Words("source", "来源"),
)
RULE, LAYER = Words("rule", "规则"), Words("layer", "层")
IMPORTED = Words(
    "{zones} zones of {files} files are in the register {register}",
    "已将 {files} 个文件的 {zones} 个区域导入登记库 {register}",
)
LEFT_OUT = Words("{count} problems; what they concern was left out", "{count} 个问题；相关内容未导入")
REMOVED = Words("{count} zones were taken out", "已移除 {count} 个区域")
WRITTEN = Words("written: {path}", "已写入：{path}")
COUNTED = Words("{count} zones", "{count} 个区域")
ASKS_WORDS = {
    Restriction.PROHIBITED: Words("keep out", "禁止"),
    Restriction.AUTHORISATION: Words("permission", "须许可"),
    Restriction.CONDITIONAL: Words("conditions", "有条件"),
    Restriction.NONE: Words("nothing", "无"),
}
DATUMS = {
    Datum.AGL: Words("above ground", "离地"),
    Datum.AMSL: Words("above sea level", "海拔"),
    Datum.ELLIPSOIDAL: Words("over the ellipsoid", "大地高"),
    Datum.PRESSURE: Words("pressure altitude", "气压高度"),
}

FREE = Words("free at that time", "该时刻可用")
CLOSED = Words("closed at that time", "该时刻不可用")
HERE = Words("here, at this height, now", "此处、此高度、此刻")
OTHERWISE = Words(
    "over or under this place, or at other hours of the next day", "同一地点的其他高度，或 24 小时内其他时段"
)
GROUND_AT = Words(
    "ground {amsl_m:.1f} m above sea level, geoid {geoid_m:+.1f} m",
    "地面海拔 {amsl_m:.1f} 米，大地水准面 {geoid_m:+.1f} 米",
)
UNTIL = Words("until {when}", "至 {when}")
HELD_BY = Words("reserved for {id}", "已为 {id} 预留")
GRID_CODE = Words("BeiDou grid code", "北斗网格位置码")
ASK_EXPLAIN = Words(
    "`beichen airspace explain` looks for what would clear it.", "`beichen airspace explain` 会查找可行的调整。"
)
IMPORTED_FROM = Words("imported", "导入")
IMPORT_OF = Words("{file}, by {who}, SHA-256 {sha256}…", "{file}，责任人 {who}，SHA-256 {sha256}…")
CIRCLE = Words("circle of {radius_m:.0f} m", "圆，半径 {radius_m:.0f} 米")
CORRIDOR = Words("corridor of {points} points, {wide_m:.0f} m wide", "走廊，{points} 点，宽 {wide_m:.0f} 米")
POLYGON = Words("polygon of {corners} corners", "多边形，{corners} 个顶点")
AROUND = Words("{drawn} around {place}", "{drawn}，中心 {place}")
