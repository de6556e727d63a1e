"""The rules of zone charts: each way in which a file can be wrong, in words, with what to do."""

from __future__ import annotations

from airspace.reasons import Rule, Words

UNREADABLE = Rule(
    "chart.unreadable",
    Words("the file cannot be read: {error}", "文件无法读取：{error}"),
    Words("Give a readable UTF-8 file of at most {most_mb} MB.", "请提供可读的 UTF-8 文件，大小不超过 {most_mb} MB。"),
)
NOT_JSON = Rule(
    "chart.json",
    Words("this is not JSON: {error}", "不是合法的 JSON：{error}"),
    Words(
        "Correct the text here; a JSON checker shows the same place.", "请修正此处文本；JSON 校验工具会指出同一位置。"
    ),
)
REPEATED = Rule(
    "chart.repeated",
    Words("the member {name} is given more than once", "成员 {name} 重复出现"),
    Words("Keep one of them.", "请只保留一个。"),
)
MISSING = Rule(
    "chart.missing",
    Words("this is missing", "缺少此项"),
    Words("Give {expected}.", "请填写：{expected}。"),
)
WRONG_SHAPE = Rule(
    "chart.shape",
    Words("{found} is not {expected}", "{found} 不是{expected}"),
    Words("Give {expected}.", "请填写：{expected}。"),
)
UNKNOWN = Rule(
    "chart.unknown",
    Words("nobody knows this member", "未知成员"),
    Words("Remove it, or use one of: {known}.", "请删除，或使用下列名称之一：{known}。"),
)
FOREIGN_NAME = Rule(
    "chart.foreign",
    Words(
        "this is how other programs say {ours}, and it leaves open {open}", "此为其他软件对 {ours} 的写法，未说明{open}"
    ),
    Words("Write {instead} in its place.", "请改写为 {instead}。"),
)
UNKNOWN_VALUE = Rule(
    "chart.value",
    Words("{found} is not known here", "此处不识别 {found}"),
    Words("Use one of: {known}.", "请使用下列取值之一：{known}。"),
)
OUT_OF_RANGE = Rule(
    "chart.range",
    Words("{found} is outside {low:g} to {high:g}", "{found} 超出 {low:g} 至 {high:g} 的范围"),
    Words("Check the number and its unit: {unit}.", "请核对数值与单位：{unit}。"),
)
FOREIGN_FRAME = Rule(
    "chart.frame",
    Words("{found} is another frame than CGCS2000", "{found} 不是 CGCS2000 坐标系"),
    Words(
        "Transform the chart to CGCS2000 (EPSG:4490) and leave crs out.", "请转换为 CGCS2000（EPSG:4490）并删除 crs。"
    ),
)
ID_TAKEN = Rule(
    "zone.id",
    Words("the id {id} is taken by {first}", "标识 {id} 已被 {first} 使用"),
    Words(
        "Give every zone an id of its own; of zones that are there already, newer charts are imported with --replace.",
        "请为每个区域使用唯一标识；如为已有区域的新版图表，请使用 --replace 导入。",
    ),
)
IDS_DIFFER = Rule(
    "zone.ids-differ",
    Words(
        "the feature's id {feature_id} is not the id {id} of its properties",
        "要素 id {feature_id} 与属性 id {id} 不一致",
    ),
    Words("Make them equal, or keep the one in properties.", "请使两者一致，或只保留属性中的 id。"),
)
UPSIDE_DOWN = Rule(
    "zone.heights",
    Words(
        "the ceiling ({ceiling}) is not above the floor ({floor}) over this ground",
        "上限（{ceiling}）在当地地面上并不高于下限（{floor}）",
    ),
    Words("Swap them, or correct their datums.", "请对调两者，或改正其高程基准。"),
)
FLAT = Rule(
    "zone.flat",
    Words("floor and ceiling are both {floor}: the zone has no height", "上下限均为 {floor}：区域没有高度"),
    Words(
        "Give the ceiling that was meant, above the floor; for the ground upwards the floor is 0 m agl.",
        "请给出高于下限的上限；从地面起的区域，下限为离地 0 米。",
    ),
)
OTHER_GROUND = Rule(
    "zone.ground",
    Words(
        "{found:g} m is not what {height} comes to over this ground ({expected:.2f} m)",
        "{found:g} 米与 {height} 在当地地面上的换算值（{expected:.2f} 米）不符",
    ),
    Words(
        "Leave ellipsoidal_m out, or load the chart with the site that it was made for.",
        "请删除 ellipsoidal_m，或按原站点加载该图。",
    ),
)
TIME_TEXT = Rule(
    "zone.time",
    Words("{found} is not a time with an offset from UTC", "{found} 不是带时区偏移的时刻"),
    Words("Write it like 2026-05-18T09:00:00+08:00.", "请写成 2026-05-18T09:00:00+08:00 的形式。"),
)
TIME_ORDER = Rule(
    "zone.times",
    Words(
        "the zone ends at {end}, which is not after it begins at {start}", "区域结束时刻 {end} 不晚于开始时刻 {start}"
    ),
    Words("Swap them, or correct their offsets from UTC.", "请对调两者，或改正时区偏移。"),
)
POSITION = Rule(
    "outline.position",
    Words("{found} is no position", "{found} 不是有效位置"),
    Words(
        "Write [longitude, latitude] in degrees; heights belong in floor and ceiling.",
        "请写成 [经度, 纬度]（度）；高度请写在 floor 和 ceiling 中。",
    ),
)
RING_SHORT = Rule(
    "outline.short",
    Words("a ring of {count} positions encloses nothing", "{count} 个点的环不能围成区域"),
    Words(
        "Give at least three different corners; in GeoJSON the first is repeated at the end.",
        "至少给出三个不同的顶点；GeoJSON 中须在末尾重复第一个点。",
    ),
)
LINE_SHORT = Rule(
    "outline.line",
    Words("a line of {count} different positions leads nowhere", "{count} 个不同的点不能构成线"),
    Words("Give at least two different positions.", "至少给出两个不同的点。"),
)
OFF_EARTH = Rule(
    "outline.earth",
    Words("{found} is no longitude and latitude in degrees", "{found} 不是有效的经纬度（度）"),
    Words(
        "Give a longitude within 180 and a latitude within 90 degrees.", "经度应在 ±180 度以内，纬度应在 ±90 度以内。"
    ),
)
AROUND_POLE = Rule(
    "outline.pole",
    Words("the ring runs around a pole", "该环绕过极点"),
    Words("Draw a circle, or an outline that leaves the pole out.", "请改用圆形，或不包含极点的轮廓。"),
)
RING_OPEN = Rule(
    "outline.open",
    Words("the ring ends at {last} and began at {first}", "环的终点 {last} 与起点 {first} 不一致"),
    Words("Repeat the first position at the end.", "请在末尾重复第一个点。"),
)
TOO_MANY = Rule(
    "outline.many",
    Words("the outline takes {count} positions, more than {most}", "轮廓需要 {count} 个点，超过 {most} 个"),
    Words("Simplify it outwards, or split the zone.", "请向外简化轮廓，或拆分区域。"),
)
CROSSING = Rule(
    "outline.crossing",
    Words("the outline is not simple: {why}", "轮廓无效：{why}"),
    Words(
        "Redraw it so that rings neither cross nor touch themselves or each other.",
        "请重绘，使各环不自交、不相交、不重叠。",
    ),
)
TOO_SMALL = Rule(
    "outline.small",
    Words(
        "the outline encloses {area_m2:.2f} m², too little to mean anything",
        "轮廓面积仅 {area_m2:.2f} 平方米，没有意义",
    ),
    Words("Check the positions, or draw a circle.", "请核对坐标，或改用圆形。"),
)
RADIUS_UNUSED = Rule(
    "outline.radius",
    Words(
        "a polygon has no radius_m unless it says centre_lon_lat_deg too",
        "多边形仅在同时给出 centre_lon_lat_deg 时才可有 radius_m",
    ),
    Words("Remove radius_m, or draw the circle as a Point.", "请删除 radius_m，或将圆绘制为 Point。"),
)
CIRCLE_DIFFERS = Rule(
    "outline.circle",
    Words(
        "the polygon is not the circle of {radius_m:g} m around {centre}: {place} is {away_m:.1f} m from it",
        "多边形不是以 {centre} 为圆心、{radius_m:g} 米为半径的圆：{place} 距圆心 {away_m:.1f} 米",
    ),
    Words("Draw the circle as a Point with radius_m.", "请将圆绘制为带 radius_m 的 Point。"),
)
TOO_MANY_PROBLEMS = Rule(
    "chart.problems",
    Words("{count} problems so far; the rest of the file was not read", "已发现 {count} 个问题；文件其余部分未读取"),
    Words("Mend these first.", "请先修正上述问题。"),
)
