"""An answer about a route in words: what it meets, by how much, with which margins, and what would clear it."""

from __future__ import annotations

from collections.abc import Sequence

from airspace.clearing import Answer
from airspace.conflicts import utc_text
from airspace.ground.clearance import TERRAIN
from airspace.reasons import Lang, Words
from airspace.remedies import Remedy
from airspace.route_conflicts import RouteConflict, depth_words, duration_words, legs_words

FREE = Words("Route {name} is clear", "航线 {name} 无冲突")
BLOCKED = Words("Route {name} is blocked ({count})", "航线 {name} 存在冲突（{count} 处）")
FLOWN = Words("{km:.2f} km in {span}, from {departs} to {ends}", "{km:.2f} 公里，用时 {span}，{departs} 至 {ends}")
ON = Words("on {legs}, grid cell {cell}", "{legs}，北斗网格码 {cell}")
SHIFT = Words("clear of it {depth}", "错开所需：{depth}")
LEAST_CLEARANCE = Words(
    "least height over the ground {metres:.1f} m, on leg {leg}", "最小离地高度 {metres:.1f} 米（第 {leg} 航段）"
)
MARGINS = Words("Margins", "余量")
REMEDIES = Words("What would clear it", "可行的调整")
NO_REMEDY = Words(
    "No change of departure, height or way within the limits clears it.",
    "在限制范围内，调整时间、高度或绕行均无法消除冲突。",
)


def explanation_text(answer: Answer, remedies: Sequence[Remedy] | None, lang: Lang) -> str:
    """The whole answer as lines for a terminal: verdict, conflicts, margins with their terms, remedies.

    None stands for remedies that nobody looked for, of which nothing is said.
    """
    lines = [verdict(answer).text(lang), f"  {flown_words(answer).text(lang)}"]
    for number, conflict in enumerate(answer.conflicts, 1):
        lines += _conflict_lines(number, conflict, lang)
    lines += [f"- {reason.text(lang)}" for reason in answer.too_close]
    terrain = [each for each in answer.clearances if each.clearance.kind == TERRAIN]
    if terrain:
        least = min(terrain, key=lambda each: each.clearance.vertical_m)
        facts = {"metres": least.clearance.vertical_m, "leg": least.leg}
        lines.append(f"  {LEAST_CLEARANCE.text(lang, facts)}")
    lines += ["", MARGINS.text(lang)]
    lines += [f"  {line}" for line in answer.question.margins.text(lang).splitlines()]
    if not answer.free and remedies is not None:
        lines += ["", REMEDIES.text(lang)]
        lines += [f"  {letter(i)}  {remedy.words.text(lang)}" for i, remedy in enumerate(remedies)]
        if not remedies:
            lines.append(f"  {NO_REMEDY.text(lang)}")
    return "\n".join(lines)


def verdict(answer: Answer) -> Words:
    """Whether the route is clear, in one sentence."""
    facts = {"name": answer.route.name, "count": len(answer.conflicts) + len(answer.too_close)}
    template = FREE if answer.free else BLOCKED
    return Words(template.text("en", facts), template.text("zh", facts))


def flown_words(answer: Answer) -> Words:
    """How far, how long and when the route is flown."""
    flown = answer.flown
    facts = {
        "km": flown.length_m / 1000.0,
        "span": duration_words(flown.duration_s),
        "departs": utc_text(answer.route.departs_s),
        "ends": utc_text(answer.route.departs_s + flown.duration_s),
    }
    return Words(FLOWN.text("en", facts), FLOWN.text("zh", facts))


def letter(number: int) -> str:
    """How drawings and lists call the remedy of an index: A, B, C ..."""
    return chr(ord("A") + number)


def _conflict_lines(number: int, conflict: RouteConflict, lang: Lang) -> list[str]:
    on = ON.text(lang, {"legs": legs_words(conflict.legs), "cell": conflict.grid_code or "-"})
    shift = SHIFT.text(lang, {"depth": depth_words(conflict.depth)})
    return [f"{number}. {conflict.reason().text(lang)}", f"     {on}", f"     {shift}"]
