"""The rules of Europe's zone formats, ED-269 and ED-318, beyond the shape of their members."""

from __future__ import annotations

from airspace.reasons import Rule, Words

CLOCK_TEXT = Rule(
    "geozone.clock",
    Words("{found} is not a time of day with an offset from UTC", "{found} 不是带时区偏移的一日内时刻"),
    Words("Write it like 17:00:00Z or 08:30+08:00.", "请写成 17:00:00Z 或 08:30+08:00 的形式。"),
)
TWO_EDGES = Rule(
    "geozone.two-edges",
    Words("a clock time and an event of the sun are both given", "同时给出了时刻和太阳事件"),
    Words("Keep the one that was meant.", "请只保留其中之一。"),
)
OFFSETS = Rule(
    "geozone.offsets",
    Words(
        "offsets from UTC ({offsets}) are mixed in a way that has no one local day",
        "混用了不同的时区偏移（{offsets}），无法确定当地日期",
    ),
    Words("Write all times of the schedule with one offset in whole hours.", "请统一使用同一整小时时区偏移。"),
)
ANY_AND_DAYS = Rule(
    "geozone.days",
    Words("ANY stands beside single days", "ANY 与具体星期同时出现"),
    Words("Keep ANY, or list the days.", "请只保留 ANY，或逐日列出。"),
)
PERMANENT = Rule(
    "geozone.permanent",
    Words("permanent is YES, and {name} bounds the time all the same", "permanent 为 YES，却又给出 {name}"),
    Words("Write NO, or remove {name}.", "请改为 NO，或删除 {name}。"),
)
NEVER = Rule(
    "geozone.never",
    Words("permanent is NO, and nothing says when", "permanent 为 NO，却未说明何时有效"),
    Words(
        "Give startDateTime, endDateTime or schedule, or write YES.",
        "请给出 startDateTime、endDateTime 或 schedule，或改为 YES。",
    ),
)
NOT_AN_AREA = Rule(
    "geozone.geometry",
    Words("a {found} encloses nothing", "{found} 不能围成区域"),
    Words(
        "Draw a Polygon, a MultiPolygon or a Point with extent.", "请使用 Polygon、MultiPolygon 或带 extent 的 Point。"
    ),
)
PARTS = Rule(
    "geozone.parts",
    Words("parts {found} do not add up to {count} geometries", "parts {found} 与 {count} 个几何不符"),
    Words("Remove parts: each geometry is then a layer of its own.", "请删除 parts：每个几何将各成一层。"),
)

# What an export cannot carry, or changes.
EXPORT_COUNTRY = Rule(
    "export.country",
    Words(
        "the zone names no country, which {format} asks for: it is left out",
        "区域未注明国家，而 {format} 必须给出：未导出",
    ),
    Words("Give the country of the chart as the export's country.", "请在导出时指定该图所属国家。"),
)
EXPORT_DATUM = Rule(
    "export.datum",
    Words("{format} has no height over {datum}: the zone is left out", "{format} 无法表示 {datum} 基准的高度：未导出"),
    Words("Give its heights above the ground or above mean sea level.", "请改用真高或海拔高。"),
)
EXPORT_CORRIDOR = Rule(
    "export.corridor",
    Words("{format} has no corridor: it is drawn as a polygon around it", "{format} 无法表示廊带：以外包多边形代替"),
    Words("Nothing to do: the polygon holds the whole corridor.", "无需处理：多边形包含整条廊带。"),
)
EXPORT_SCHEDULE = Rule(
    "export.schedule",
    Words(
        "{format} cannot say this schedule ({why}): the zone is written as active throughout its windows",
        "{format} 无法表示该时间表（{why}）：导出为整个有效期内均有效",
    ),
    Words("Use one offset from UTC, and no holidays.", "请使用单一时区偏移，且不使用节假日。"),
)
EXPORT_EXTRA = Rule(
    "export.extra",
    Words("what only {source} says of the zone is left out", "仅 {source} 能表示的内容未导出"),
    Words("Keep the original file beside this one.", "请保留原始文件。"),
)
EXPORT_IDENTIFIER = Rule(
    "export.identifier",
    Words(
        "{found} is longer than the {most} characters of an identifier",
        "标识 {found} 超过 {most} 个字符",
    ),
    Words("Some readers will refuse it: give the zone a short id.", "部分系统会拒收：请使用较短的标识。"),
)
EXPORT_AUTHORITY = Rule(
    "export.authority",
    Words("nobody is named to ask about the zone", "未注明区域主管机构"),
    Words("Give the export an authority: ED-269 asks for one.", "请在导出时给出主管机构：ED-269 要求填写。"),
)
