"""The rules of KML charts: each way in which a file or a placemark can be wrong, in words, with what to do."""

from __future__ import annotations

from airspace.reasons import Rule, Words

NOT_XML = Rule(
    "kml.xml",
    Words("this is not XML: {error}", "不是合法的 XML：{error}"),
    Words(
        "Correct the text here; save the chart again from where it was drawn.", "请修正此处文本，或从绘图软件重新导出。"
    ),
)
UNSAFE = Rule(
    "kml.dtd",
    Words("the file declares a document type or entities", "文件声明了文档类型或实体"),
    Words(
        "Remove <!DOCTYPE ...>: a chart needs none, and they can hide an attack.",
        "请删除 <!DOCTYPE ...>：图中不需要，且可能隐藏攻击。",
    ),
)
TOO_LARGE = Rule(
    "kml.large",
    Words("the chart has more than {most} {what}", "图中的{what}超过 {most}"),
    Words("Split the file.", "请拆分文件。"),
)
BAD_ZIP = Rule(
    "kml.zip",
    Words("the KMZ archive cannot be read: {error}", "KMZ 压缩包无法读取：{error}"),
    Words("Make the KMZ again, or give the KML itself.", "请重新生成 KMZ，或直接提供 KML。"),
)
NO_KML = Rule(
    "kml.archive",
    Words("the archive holds {count} KML files, not one", "压缩包内有 {count} 个 KML 文件，应为一个"),
    Words("Put one KML file into a KMZ.", "每个 KMZ 请只放一个 KML 文件。"),
)
NOT_KML = Rule(
    "kml.root",
    Words("the document is {found}, not kml", "文档根元素是 {found}，不是 kml"),
    Words("Give a KML 2.x document.", "请提供 KML 2.x 文档。"),
)
NO_ZONES = Rule(
    "kml.empty",
    Words("no placemark of the document is a zone", "文档中没有表示区域的地标（Placemark）"),
    Words("Check that the chart was exported with its zones.", "请确认导出的图包含区域。"),
)
UNKNOWN_ELEMENT = Rule(
    "kml.element",
    Words("nobody knows the element {found} here", "此处不识别元素 {found}"),
    Words("Remove it, or use one of: {known}.", "请删除，或使用下列之一：{known}。"),
)
LINKED = Rule(
    "kml.link",
    Words("a network link points to another file, which is not read", "网络链接指向其他文件，不会被读取"),
    Words("Give the linked file itself and remove the link.", "请直接提供所链接的文件，并删除链接。"),
)
CONTAINER_TIME = Rule(
    "kml.folder-time",
    Words("a time is given for a whole {found}", "时间写在整个 {found} 上"),
    Words("Write the TimeSpan into each placemark.", "请将 TimeSpan 写入每个地标。"),
)
TIME_STAMP = Rule(
    "kml.instant",
    Words("a TimeStamp is an instant, not a window", "TimeStamp 是时刻，不是时间段"),
    Words("Write a TimeSpan with begin and end.", "请使用含 begin 与 end 的 TimeSpan。"),
)
TIME = Rule(
    "kml.time",
    Words("{found} is no time in UTC", "{found} 不是 UTC 时刻"),
    Words(
        "Write it like 2026-05-18T01:00:00Z, 2026-05-18T09:00:00+08:00 or 2026-05-18.",
        "请写成 2026-05-18T01:00:00Z、2026-05-18T09:00:00+08:00 或 2026-05-18。",
    ),
)
REPEATED = Rule(
    "kml.repeated",
    Words("{found} is given more than once", "{found} 重复出现"),
    Words("Keep one of them.", "请只保留一个。"),
)
NO_SHAPE = Rule(
    "kml.no-shape",
    Words("the placemark has no outline", "地标没有轮廓"),
    Words("Draw it as a Polygon, or remove the placemark.", "请绘制为 Polygon，或删除该地标。"),
)
NO_ZONE_SHAPE = Rule(
    "kml.geometry",
    Words("a {found} is no outline of a zone", "{found} 不能作为区域轮廓"),
    Words("Draw the zone as a Polygon.", "请将区域绘制为 Polygon。"),
)
MIXED_SHAPES = Rule(
    "kml.shapes",
    Words("the placemark has {found} together", "地标同时含有 {found}"),
    Words(
        "Keep polygons only, or one Point with radius_m, or one LineString with half_width_m.",
        "请只保留多边形，或一个带 radius_m 的 Point，或一个带 half_width_m 的 LineString。",
    ),
)
NO_RADIUS = Rule(
    "kml.point",
    Words("a point without a radius is no zone", "没有半径的点不构成区域"),
    Words(
        "Add radius_m to its ExtendedData, or remove the placemark.",
        "请在 ExtendedData 中补充 radius_m，或删除该地标。",
    ),
)
NO_WIDTH = Rule(
    "kml.line",
    Words("a line without a width is no zone", "没有宽度的线不构成区域"),
    Words(
        "Add half_width_m to its ExtendedData, or draw the zone as a Polygon.",
        "请在 ExtendedData 中补充 half_width_m，或绘制为 Polygon。",
    ),
)
SIZE_UNUSED = Rule(
    "kml.size-unused",
    Words("{found} is given, but the outline is a {kind}", "给出了 {found}，但轮廓是 {kind}"),
    Words(
        "Remove it: radius_m is for a Point, half_width_m for a LineString.",
        "请删除：radius_m 用于 Point，half_width_m 用于 LineString。",
    ),
)
COORDINATES = Rule(
    "kml.coordinates",
    Words(
        "{found} is no longitude,latitude or longitude,latitude,altitude", "{found} 不是“经度,纬度”或“经度,纬度,高度”"
    ),
    Words(
        "Write degrees and metres with commas and no spaces between them.",
        "请以度和米为单位书写，用逗号分隔且不留空格。",
    ),
)
ALTITUDE_MODE = Rule(
    "kml.mode",
    Words("{found} is no altitude mode that a zone can have", "区域不能使用高度模式 {found}"),
    Words(
        "Use relativeToGround, absolute or clampToGround, one for all outlines.",
        "请统一使用 relativeToGround、absolute 或 clampToGround 之一。",
    ),
)
NO_HEIGHT = Rule(
    "kml.height",
    Words("the placemark says nothing of its heights", "地标没有给出高度"),
    Words(
        "Add floor_m, floor_datum, ceiling_m and ceiling_datum to its ExtendedData, or name a ceiling for the import.",
        "请在 ExtendedData 中补充 floor_m、floor_datum、ceiling_m、ceiling_datum，或在导入时指定上限。",
    ),
)
SHEET = Rule(
    "kml.sheet",
    Words(
        "the outline is a sheet {height_m:g} m up, without thickness", "轮廓是位于 {height_m:g} 米高处的薄面，没有厚度"
    ),
    Words(
        "Set extrude to 1 for a zone from the ground up, or add floor_m and ceiling_m to its ExtendedData.",
        "若从地面起算请将 extrude 设为 1，或在 ExtendedData 中补充 floor_m 与 ceiling_m。",
    ),
)
DATA = Rule(
    "kml.data",
    Words("{found} is not {expected}", "{found} 不是{expected}"),
    Words("Give {expected}.", "请填写：{expected}。"),
)
LAYER = Rule(
    "kml.layer",
    Words("the layers of zone {id} are {found}", "区域 {id} 的分层为 {found}"),
    Words(
        "Number the placemarks of one id 1/N to N/N, with equal properties but for shape and heights.",
        "同一 id 的各地标请编号为 1/N 至 N/N，除轮廓与高度外属性须一致。",
    ),
)
