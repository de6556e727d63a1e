"""How things look on a sheet: colours that colour-blind people can tell apart, hatches, and a font for Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib import font_manager
from matplotlib.axes import Axes

from airspace.charted import Restriction
from airspace.clearing import Answer
from airspace.reasons import Lang, Words
from airspace.zones import Zone

# Okabe and Ito's palette, made for all common kinds of colour vision; lines differ in dash as well.
BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE, GREY, INK = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
    "#8a8f98",
    "#1f2329",
)
GROUND_FILL, PAPER = "#d9d2c3", "#ffffff"
REMEDY_LOOKS = ((GREEN, (0, (6, 2))), (PURPLE, (0, (2, 2))), (BLUE, (0, (8, 2, 2, 2))), (ORANGE, (0, (4, 1, 1, 1))))

CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Heiti SC",
    "SimHei",
)
PLAIN_FONT = "DejaVu Sans"  # comes with matplotlib
NO_CHINESE_FONT = Words("No Chinese font is installed: labels are in English.", "未安装中文字体，标注使用英文。")


Dash = Literal["-", "--", ":"]


@dataclass(frozen=True, slots=True)
class ZoneLook:
    """How a zone is drawn: colours, line, and how strongly it is filled."""

    face: str
    edge: str
    line: Dash
    alpha: float
    words: Words


MET = ZoneLook(VERMILION, VERMILION, "-", 0.30, Words("zone in the way", "冲突区域"))
CLOSED = ZoneLook(ORANGE, "#9a6a00", "-", 0.18, Words("closed zone, not met", "禁限飞区域（未进入）"))
BY_LEAVE = ZoneLook(SKY, BLUE, "-", 0.18, Words("zone to enter by leave, not met", "需许可区域（未进入）"))
RESERVED = ZoneLook(GREY, INK, ":", 0.25, Words("another flight in the way", "冲突的其他飞行"))
IDLE = ZoneLook("none", GREY, "--", 1.0, Words("zone not active then", "当时未启用的区域"))


def look_of(zone: Zone, answer: Answer) -> ZoneLook:
    """How a zone is drawn for an answer: met, closed, to be entered by leave, or idle while the route is flown."""
    if any(conflict.kind == "zone" and conflict.id == zone.id for conflict in answer.conflicts):
        return MET
    volumes = answer.flown.volumes
    start_s, end_s = min(v.start_s for v in volumes), max(v.end_s for v in volumes)
    if zone.restriction is Restriction.NONE or not zone.active_during(start_s, end_s):
        return IDLE
    return CLOSED if zone.restriction is Restriction.PROHIBITED else BY_LEAVE


def letters_wide(text: str) -> int:
    """How many letters wide a text is; a Chinese character is as wide as two."""
    return sum(1 if ord(character) < 0x2E80 else 2 for character in text)


@dataclass(frozen=True, slots=True)
class Lettering:
    """The language of a sheet, its fonts in order, and whether they can write Chinese."""

    lang: Lang
    fonts: tuple[str, ...]
    chinese: bool

    def write(self, words: Words) -> str:
        """Words as the sheet shows them."""
        return self.plain(words.text(self.lang))

    def plain(self, text: str) -> str:
        """A text without the characters that no font of the sheet has."""
        return text if self.chinese else "".join(c if ord(c) < 0x2E80 else "□" for c in text)


def lettering(lang: Lang, installed: Sequence[str] | None = None) -> Lettering:
    """The lettering for a wished language; English where no Chinese font is installed (as matplotlib finds them)."""
    names = set(installed if installed is not None else font_manager.get_font_names())
    chinese = next((name for name in CHINESE_FONTS if name in names), None)
    if chinese is None:
        return Lettering("en", (PLAIN_FONT,), False)
    return Lettering(lang, (chinese, PLAIN_FONT) if lang == "zh" else (PLAIN_FONT, chinese), True)


def draw_mark(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    """A letter or number in a disc, as the list under the drawings calls what is there."""
    axes.text(
        x,
        y,
        text,
        fontsize=8,
        fontweight="bold",
        color=PAPER,
        ha="center",
        va="center",
        zorder=9,
        bbox={"boxstyle": "circle,pad=0.25", "facecolor": colour, "edgecolor": PAPER, "linewidth": 0.8},
    )
