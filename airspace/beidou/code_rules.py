"""The rules of BeiDou grid codes: each way in which a code or a position can be wrong, in words, with what to do."""

from __future__ import annotations

from airspace.reasons import Rule, Words

LENGTH = Rule(
    "beidou.length",
    Words("a code of {count} characters ends within a level", "{count} 个字符的编码在层级中间断开"),
    Words("Give a whole code: {lengths} characters.", "请给出完整编码，长度应为 {lengths} 个字符。"),
)
OTHER_LEVEL = Rule(
    "beidou.other-level",
    Words(
        "a code of {count} characters stands among codes of {expected}",
        "{count} 个字符的编码与 {expected} 个字符的编码混在一起",
    ),
    Words("Give codes of one level at a time.", "每次请只给出同一层级的编码。"),
)
LOWER_CASE = Rule(
    "beidou.case",
    Words("character {position} is the small letter {found}", "第 {position} 个字符 {found} 为小写字母"),
    Words("Write codes in capitals: {meant}.", "请使用大写字母：{meant}。"),
)
CHARACTER = Rule(
    "beidou.character",
    Words(
        "character {position} is {found}, which level {level} does not know there",
        "第 {position} 个字符为 {found}，第 {level} 级此处不使用该字符",
    ),
    Words("Use one of {alphabet}.", "请使用 {alphabet} 之一。"),
)
COLUMN = Rule(
    "beidou.column",
    Words("{found} is no column of level 1", "{found} 不是第 1 级的列号"),
    Words("Columns are 01 to 60, eastward from 180°W.", "列号为 01 至 60，自西经 180° 向东计。"),
)
POLAR_CODE = Rule(
    "beidou.polar-code",
    Words("this names a cell of the polar part of the grid", "该编码属于两极区域网格"),
    Words(
        "Use codes between 88°S and 88°N; polar cells are not read.", "请使用南北纬 88° 之间的编码；不支持两极网格。"
    ),
)
NO_LAYER = Rule(
    "beidou.no-layer",
    Words("nothing lies 0 layers below the ellipsoid", "椭球面以下不存在第 0 层"),
    Words("Begin the height with 0 for the layer above the ellipsoid.", "椭球面以上的高度编码应以 0 开头。"),
)
LAYER = Rule(
    "beidou.layer",
    Words("{found} is no height part of level 1", "{found} 不是第 1 级的高度编码"),
    Words("It is 00 to 63.", "取值为 00 至 63。"),
)
NOT_A_NUMBER = Rule(
    "beidou.number",
    Words("{found} is no number of degrees", "{found} 不是有效的度数"),
    Words("Give decimal degrees, such as 113.6254.", "请给出十进制度数，例如 113.6254。"),
)
LONGITUDE = Rule(
    "beidou.longitude",
    Words("longitude {found} is beyond 180 degrees", "经度 {found} 超出 180 度"),
    Words(
        "Give longitudes from -180 to 180; check that latitude comes first.",
        "经度应在 -180 至 180 之间；请检查是否纬度在前。",
    ),
)
POLAR = Rule(
    "beidou.polar",
    Words("latitude {found} is in the polar part of the grid", "纬度 {found} 位于两极区域"),
    Words("Only latitudes within 88 degrees of the equator have a code here.", "此处仅为南北纬 88 度以内的位置编码。"),
)
HEIGHT = Rule(
    "beidou.height",
    Words("a height of {found} m over the ellipsoid has no layer", "大地高 {found} 米没有对应的高度层"),
    Words(
        "Give an ellipsoidal height from {low_m:.0f} to {high_m:.0f} m.",
        "请给出 {low_m:.0f} 至 {high_m:.0f} 米的大地高。",
    ),
)
TOO_MANY_CELLS = Rule(
    "beidou.many",
    Words(
        "a cover by cells of level {level} takes more than {most} cells",
        "用第 {level} 级网格覆盖需要超过 {most} 个网格",
    ),
    Words("Take a coarser level, or allow mixed levels.", "请使用更粗的层级，或允许混合层级。"),
)
