"""`report.html`: the analysed run put on one self-contained page in both languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from airspace.reasons import Lang, Severity, Words
from controller.alarms import ALARMS
from controller.report.analysis import RunAnalysis
from controller.report.figures import EnergyBar, Figure, energy_bar, figures
from controller.report.map_view import map_view
from controller.report.plots import Panel, PlotsView, plots_view
from controller.report.side_view import NEAR_M, SideView, side_view
from controller.report.summary import FlightSummary, Summary
from controller.report.timeline import from_takeoff, local_date_time, local_time, minutes, timeline
from controller.report.words import said, words

_TEMPLATES = "controller.report.templates"


@dataclass(frozen=True, slots=True)
class FlightPage:
    """The parts of the page that belong to one flight."""

    summary: FlightSummary
    figures: list[Figure]
    side: SideView | None
    plots: PlotsView | None
    energy: EnergyBar | None
    checks: list[tuple[str, bool, Words]]


def render(run: RunAnalysis, summary: Summary, *, lang_default: Lang) -> str:
    """The page as one HTML text that needs no other file; its words are in both languages."""
    frame = run.frame
    flights = [
        FlightPage(
            summary=flight_summary,
            figures=figures(flight_summary, run.zones),
            side=side_view(flight, run.zones),
            plots=plots_view(flight, run.story.poles, frame) if frame is not None else None,
            energy=energy_bar(flight_summary),
            checks=[(check.code, check.passed, Words(check.en, check.zh)) for check in flight.plan.checks],
        )
        for flight, flight_summary in zip(run.flights, summary.flights, strict=True)
    ]
    takeoff_s = next((f.takeoff_s for f in summary.flights if f.takeoff_s is not None), None)
    return (
        _environment()
        .get_template("report.html")
        .render(
            lang=lang_default,
            css=Markup(_text("report.css")),
            js=Markup(_text("report.js")),
            summary=summary,
            title=_title(run, summary),
            flights=flights,
            map=map_view(run),
            near_m=f"{NEAR_M:g}",
            lines=timeline(run.story),
            takeoff_s=takeoff_s,
            zones_unreadable=run.zones_unreadable,
            pointers=[flight.plots.pointer if flight.plots else None for flight in flights],
        )
    )


def _title(run: RunAnalysis, summary: Summary) -> Words:
    """The mission's title in both languages where its plan has both."""
    for flight in run.flights:
        title = flight.plan.details.get("title")
        if isinstance(title, dict) and title.get("en") and title.get("zh"):
            return Words(str(title["en"]), str(title["zh"]))
        if flight.plan.title:
            return Words(flight.plan.title, flight.plan.title)
    return Words(summary.name, summary.name)


def _text(name: str) -> str:
    return resources.files(_TEMPLATES).joinpath(name).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("controller.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        t=lambda key, **facts: both(said(key, **facts) if facts else words(key)),
        both=both,
        word=lambda key, fallback="": words(key, fallback),
        words_en_zh=Words,
        label=label,
        local_time=local_time,
        local_date_time=local_date_time,
        from_takeoff=from_takeoff,
        alarm_action=alarm_action,
        severities=list(Severity),
        reason_words=reason_words,
        panel_values=panel_values,
    )
    environment.filters.update(
        minutes=minutes, readable=readable, number=number, difference=difference, compact_json=compact_json
    )
    return environment


def both(text: Words) -> Markup:
    """A text in both languages, of which the page shows one."""
    if text.en == text.zh:
        return escape(text.en)
    return Markup('<span lang="en">{}</span><span lang="zh">{}</span>').format(text.en, text.zh)


def label(text: Words, lang: Lang) -> Markup:
    """An `aria-label` in the page's first language, with both for the script to choose from."""
    return Markup('aria-label="{}" data-en="{}" data-zh="{}"').format(text.text(lang), text.en, text.zh)


def reason_words(reason: Mapping[str, Any]) -> Words:
    """A stored reason as words, without the code in brackets that the page shows apart."""
    code = str(reason.get("code", ""))
    texts: list[str] = []
    for lang, stop in (("en", ". "), ("zh", "。")):
        says, _, remedy = str(reason.get(lang, code)).partition(f"[{code}]")
        says, remedy = says.strip(), remedy.strip()
        texts.append(f"{says.rstrip('.。')}{stop}{remedy}" if says and remedy else says or remedy)
    return Words(*texts)


def alarm_action(code: str) -> Words:
    """The recommended action of an alarm's row; empty for a code that this version does not know."""
    return ALARMS[code].action if code in ALARMS else Words("", "")


def panel_values(panel: Panel) -> list[dict[str, Any]]:
    """What the pointer reads of a panel: the values of each line with their unit and digits."""
    return [{"values": line.values, "unit": line.unit, "digits": line.digits} for line in panel.series]


def number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """A number with its unit, a dash for none."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}{' ' if unit and unit != '%' else ''}{unit}"


def difference(value: float, digits: int = 1) -> str:
    """A number with its sign, and no sign when it rounds to nothing."""
    rounded = round(value, digits)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{abs(rounded):.{digits}f}"


def readable(value: object) -> str:
    """A reading or a piece of evidence as people write it."""
    match value:
        case bool():
            return both(words("yes" if value else "no"))
        case float():
            return f"{value:.7g}" if abs(value) < 1e6 else f"{value:.2f}"
        case [] | () | None | "":
            return "–"
        case list() | tuple():
            return Markup(", ").join(readable(part) for part in value)
        case dict():
            return Markup(", ").join(Markup("{} {}").format(key, readable(part)) for key, part in value.items())
        case _:
            return str(value)


def compact_json(value: object) -> Markup:
    """JSON that is safe inside a script element."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
