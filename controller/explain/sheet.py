"""One sheet: the plan view over the side view, with a legend and the list of conflicts and remedies under them."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from airspace.clearing import Answer
from airspace.conflicts import utc_text
from airspace.reasons import Lang, Words
from airspace.remedies import Remedy
from airspace.route_conflicts import RouteConflict, depth_words, legs_words
from controller.explain.plan_view import draw_plan
from controller.explain.side_view import draw_side
from controller.explain.style import (
    BLUE,
    BY_LEAVE,
    CLOSED,
    GREY,
    IDLE,
    INK,
    MET,
    NO_CHINESE_FONT,
    REMEDY_LOOKS,
    RESERVED,
    SKY,
    Lettering,
    ZoneLook,
    lettering,
    letters_wide,
)
from controller.explain.text import NO_REMEDY, REMEDIES, flown_words, letter, verdict

WIDE_IN, PLAN_IN, SIDE_IN, LINE_IN, INDENT_IN = 10.5, 5.6, 3.0, 0.19, 0.25
DPI = 120
ROUTE = Words("route", "航线")
ROOM = Words("margins", "余量")
SHARED = Words("where they overlap", "重叠部分")
ENTERS = Words(
    "{name} ({id}): {rule}; {legs}, {start} to {end}; clear of it {depth}",
    "{name}（{id}）：{rule}；{legs}，{start} 至 {end}；错开所需：{depth}",
)
ROW_LETTERS = 138  # in a row of the list


def sheet_bytes(answer: Answer, remedies: Sequence[Remedy], form: str, lang: Lang) -> bytes:
    """The sheet as bytes of a `png` or `svg` file; text of an SVG is text."""
    letters = lettering(lang)
    settings: dict[Any, Any] = {
        "font.family": list(letters.fonts),
        "svg.fonttype": "none",
        "svg.hashsalt": "beichen",  # ids in an SVG are made of this, not of chance
        "hatch.linewidth": 0.8,
    }
    with mpl.rc_context(settings):
        figure = _figure(answer, remedies, letters)
        canvas = FigureCanvasSVG(figure) if form == "svg" else FigureCanvasAgg(figure)
        out = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        canvas.print_figure(out, format=form, dpi=DPI, metadata=metadata, facecolor="white")
    return out.getvalue()


def _figure(answer: Answer, remedies: Sequence[Remedy], letters: Lettering) -> Figure:
    """The figure, laid out in inches from the top: title, plan, side, legend, list."""
    rows = _rows(answer, remedies, letters)
    list_in = 0.35 + LINE_IN * len(rows)
    heights = {"title": 0.7, "plan": PLAN_IN, "gap": 0.45, "side": SIDE_IN, "legend": 0.95, "list": list_in}
    total_in = sum(heights.values())
    figure = Figure(figsize=(WIDE_IN, total_in), dpi=DPI)
    left, wide = 0.85 / WIDE_IN, (WIDE_IN - 1.05) / WIDE_IN
    top = total_in - heights["title"]
    plan = figure.add_axes((left, (top - PLAN_IN) / total_in, wide, PLAN_IN / total_in))
    side_in = top - PLAN_IN - heights["gap"] - SIDE_IN
    side = figure.add_axes((left, side_in / total_in, wide, SIDE_IN / total_in))
    draw_plan(plan, answer, remedies, letters, (WIDE_IN - 1.05) / PLAN_IN)
    draw_side(side, answer, remedies, letters)
    colour = INK if answer.free else MET.edge
    figure.text(left, 1 - 0.30 / total_in, letters.write(verdict(answer)), fontsize=13, fontweight="bold", color=colour)
    figure.text(left, 1 - 0.55 / total_in, letters.write(flown_words(answer)), fontsize=8.5, color=INK)
    _draw_legend(figure, letters, left, (side_in - 0.42) / total_in)
    for i, row in enumerate(rows):
        y = (list_in - 0.1 - LINE_IN * (i + 0.5)) / total_in
        figure.text(left, y, row.mark, fontsize=8.5, fontweight="bold", color=row.colour, va="center")
        figure.text(left + INDENT_IN / WIDE_IN, y, row.text, fontsize=7.8, color=INK, va="center")
    return figure


def _draw_legend(figure: Figure, letters: Lettering, x: float, y: float) -> None:
    handles: list[Artist] = [
        Line2D([], [], color=BLUE, linewidth=1.8, label=letters.write(ROUTE)),
        Patch(facecolor=SKY, alpha=0.4, label=letters.write(ROOM)),
        Patch(facecolor="none", edgecolor=MET.edge, hatch="/////", label=letters.write(SHARED)),
        *(_zone_handle(look, letters) for look in (MET, RESERVED, CLOSED, BY_LEAVE, IDLE)),
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(x, y),
        ncols=4,
        fontsize=7.5,
        frameon=False,
        borderaxespad=0.0,
        handlelength=2.2,
    )


def _zone_handle(look: ZoneLook, letters: Lettering) -> Patch:
    face = "none" if look.face == "none" else (look.face, look.alpha)
    return Patch(facecolor=face, edgecolor=look.edge, linestyle=look.line, label=letters.write(look.words))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the list under the drawings: what marks it in them, in which colour, and its text."""

    mark: str
    colour: str
    text: str


def _rows(answer: Answer, remedies: Sequence[Remedy], letters: Lettering) -> list[_Row]:
    items = [_Row(str(i), MET.edge, letters.write(_told(c))) for i, c in enumerate(answer.conflicts, 1)]
    items += [_Row("!", MET.edge, letters.plain(reason.text(letters.lang))) for reason in answer.too_close]
    if not answer.free:
        items.append(_Row("", INK, letters.write(REMEDIES if remedies else NO_REMEDY)))
    for i, remedy in enumerate(remedies):
        items.append(_Row(letter(i), REMEDY_LOOKS[i % len(REMEDY_LOOKS)][0], letters.write(remedy.words)))
    if not letters.chinese:
        items.append(_Row("", GREY, letters.write(NO_CHINESE_FONT)))
    rows: list[_Row] = []
    for item in items:
        lines = _wrapped(item.text)
        rows += [_Row(item.mark if i == 0 else "", item.colour, line) for i, line in enumerate(lines)]
    return rows


def _wrapped(text: str) -> list[str]:
    """A text in rows of the list: broken at spaces and between Chinese characters."""
    rows = [""]
    for part in re.findall(r"[^\s\u2e80-\uffff]+\s*|[\u2e80-\uffff]\s*", text):
        if rows[-1] and letters_wide(rows[-1] + part.rstrip()) > ROW_LETTERS:
            rows.append("")
        rows[-1] += part
    return [row.rstrip() for row in rows]


def _told(conflict: RouteConflict) -> Words:
    """A conflict in one sentence, as short as a drawing allows."""
    facts = {
        "name": conflict.name,
        "id": conflict.id,
        "rule": conflict.rule,
        "legs": legs_words(conflict.legs),
        "start": utc_text(conflict.start_s),
        "end": utc_text(conflict.end_s),
        "depth": depth_words(conflict.depth),
    }
    return Words(ENTERS.text("en", facts), ENTERS.text("zh", facts))
