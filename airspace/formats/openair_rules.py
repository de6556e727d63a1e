"""The rules of OpenAir charts: each way in which a record or a block can be wrong, in words, with what to do."""

from __future__ import annotations

from airspace.reasons import Rule, Words

BINARY = Rule(
    "openair.binary",
    Words("the file holds zero bytes and is no text", "文件含有零字节，不是文本"),
    Words("Save it as UTF-8 text (not UTF-16).", "请另存为 UTF-8 文本（不要用 UTF-16）。"),
)
NO_ZONES = Rule(
    "openair.empty",
    Words("no AC record begins a zone", "没有任何 AC 记录，未定义区域"),
    Words("Check that this is an OpenAir chart.", "请确认这是 OpenAir 文件。"),
)
LONG_LINE = Rule(
    "openair.long",
    Words("the line has {count} characters, more than {most}", "该行有 {count} 个字符，超过 {most} 个"),
    Words("Check that lines end where they should; shorten it.", "请检查换行是否正确，并缩短该行。"),
)
UNKNOWN_RECORD = Rule(
    "openair.record",
    Words("nobody knows the record {found}", "未知记录 {found}"),
    Words(
        "Remove the line, begin it with * to make it a comment, or use one of: {known}.",
        "请删除该行，或以 * 开头改为注释，或使用下列记录之一：{known}。",
    ),
)
ORPHAN = Rule(
    "openair.orphan",
    Words(
        "the record {found} comes before any AC and belongs to no zone",
        "记录 {found} 出现在任何 AC 之前，不属于任何区域",
    ),
    Words("Begin each zone with its AC record.", "每个区域请以 AC 记录开头。"),
)
REPEATED = Rule(
    "openair.repeated",
    Words("{tag} was given before, in line {first}", "{tag} 已在第 {first} 行给出"),
    Words("Keep one of them; begin another zone with AC.", "请只保留一个；新的区域请以 AC 开头。"),
)
MISSING = Rule(
    "openair.missing",
    Words("the zone has no {tag} record", "区域缺少 {tag} 记录"),
    Words("Add {tag}: {expected}.", "请补充 {tag}：{expected}。"),
)
CLASS = Rule(
    "openair.class",
    Words("nobody knows the class or type {found}", "未知的空域类别 {found}"),
    Words("Use one of: {known}.", "请使用下列之一：{known}。"),
)
HEIGHT = Rule(
    "openair.height",
    Words("{found} is no height that a chart can mean here", "{found} 不是有效的高度"),
    Words(
        "Write one height such as 3500ft AMSL, 450m AGL, FL95 or GND; UNL only for AH.",
        "请写一个高度，例如 3500ft AMSL、450m AGL、FL95 或 GND；UNL 只能用于 AH。",
    ),
)
POSITION = Rule(
    "openair.position",
    Words("{found} is no position", "{found} 不是有效位置"),
    Words(
        "Write latitude and longitude such as 34:44:48 N 113:37:31 E or 34:44.8N 113:37.5E.",
        "请写纬度和经度，例如 34:44:48 N 113:37:31 E 或 34:44.8N 113:37.5E。",
    ),
)
VARIABLE = Rule(
    "openair.variable",
    Words("{found} is no variable with a value", "{found} 不是有效的变量赋值"),
    Words(
        "Write V X=position, V D=+ or V D=-, V W=width in nautical miles.",
        "请写成 V X=位置、V D=+ 或 V D=-、V W=宽度（海里）。",
    ),
)
NUMBERS = Rule(
    "openair.numbers",
    Words("{found} is not {expected}", "{found} 不是{expected}"),
    Words("Give {expected}.", "请填写：{expected}。"),
)
NO_CENTRE = Rule(
    "openair.centre",
    Words("no V X= in this zone says where the centre is", "本区域没有用 V X= 给出圆心"),
    Words("Write V X=position before it, in the same zone.", "请在同一区域内、此行之前写 V X=位置。"),
)
NO_WIDTH = Rule(
    "openair.width",
    Words("no V W= in this zone says how wide the airway is", "本区域没有用 V W= 给出航路宽度"),
    Words("Write V W=width in nautical miles before the first DY.", "请在第一个 DY 之前写 V W=宽度（海里）。"),
)
ARC_NOWHERE = Rule(
    "openair.arc",
    Words("the arc ends where it begins", "圆弧的起点与终点相同"),
    Words("Correct its ends; for a whole circle use DC.", "请改正端点；整圆请使用 DC。"),
)
ARC_DIFFERS = Rule(
    "openair.radius",
    Words(
        "the ends of the arc are {start_m:.0f} m and {end_m:.0f} m from its centre, {apart_m:.0f} m apart",
        "圆弧两端到圆心的距离为 {start_m:.0f} 米与 {end_m:.0f} 米，相差 {apart_m:.0f} 米",
    ),
    Words(
        "Correct the centre or the ends; up to {most_m:.0f} m is taken as rounding.",
        "请改正圆心或端点；{most_m:.0f} 米以内视为取整误差。",
    ),
)
ARC_SIZE = Rule(
    "openair.arc-size",
    Words("an arc of {radius_m:.0f} m radius", "圆弧半径为 {radius_m:.0f} 米"),
    Words("Give a radius between {low_m:g} m and {high_m:g} m.", "半径应在 {low_m:g} 米至 {high_m:g} 米之间。"),
)
NO_SHAPE = Rule(
    "openair.no-shape",
    Words("the zone has no outline", "区域没有轮廓"),
    Words("Draw it with DP, DA, DB, DC or DY records.", "请用 DP、DA、DB、DC 或 DY 记录绘制。"),
)
MIXED_SHAPES = Rule(
    "openair.shapes",
    Words("the zone has more than one outline: {found}", "区域含有多个轮廓：{found}"),
    Words("Begin each outline with an AC record of its own.", "每个轮廓请各自以 AC 记录开头。"),
)
ACTIVATION = Rule(
    "openair.times",
    Words("{found} is no activation time", "{found} 不是有效的启用时间"),
    Words(
        "Write UTC intervals such as 2026-05-18T09:00Z/2026-05-18T12:00Z, or NONE alone.",
        "请写 UTC 区间，例如 2026-05-18T09:00Z/2026-05-18T12:00Z，或单独写 NONE。",
    ),
)
ACTIVATION_NONE = Rule(
    "openair.times-none",
    Words("NONE stands beside other activation times", "NONE 与其他启用时间并存"),
    Words("Keep either AA NONE or the intervals.", "请只保留 AA NONE 或各时间区间。"),
)
TOO_MUCH = Rule(
    "openair.much",
    Words("more than {most} {what}; what follows was not read", "超过 {most} {what}；其后内容未读取"),
    Words("Split the file.", "请拆分文件。"),
)
