"""A plan as tables and one line, in either language."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from airspace.frames import LatLon
from airspace.reasons import Lang
from controller.cli import words
from controller.report import FlightSummary
from missions.plan import Leg, Plan


def leg_length_m(leg: Leg) -> float:
    """The horizontal length of a leg [m]."""
    return LatLon(leg.start.lat_deg, leg.start.lon_deg).distance_m(LatLon(leg.end.lat_deg, leg.end.lon_deg))


def common_legs(plan: Plan) -> list[Leg]:
    """The legs that are flown whatever the landing: those of no branch."""
    return [leg for leg in plan.legs if not leg.branch]


def totals(plan: Plan, lang: Lang) -> str:
    """Length, time, energy, volumes and photos in one line."""
    facts = {
        "km": sum(leg_length_m(leg) for leg in common_legs(plan)) / 1000,
        "minutes": plan.duration_s / 60,
        "wh": plan.energy_wh,
        "limit_wh": plan.energy_limit_wh,
        "volumes": len(plan.volumes),
        "photos": plan.photos_planned,
    }
    return words.TOTALS.text(lang, facts)


def flown_share(plan: Plan, seq: int, lang: Lang) -> tuple[float, str]:
    """How much of the planned time lies behind the start of an item, and the name of the leg that is flown."""
    current = [leg for leg in plan.legs if leg.seq == seq]
    if not current:
        return 0.0, ""
    leg = current[0]
    return leg.start_s / max(
        plan.duration_s, 1.0
    ), f"{words.PURPOSES[leg.purpose.value].text(lang)} {seq}/{len(plan.items)}"


def figures(flight: FlightSummary, lang: Lang) -> str:
    """What a flight came to, in one line."""
    facts = {
        "minutes": (flight.duration_s or 0.0) / 60,
        "km": (flight.distance_m or 0.0) / 1000,
        "wh": flight.energy_used_wh or 0.0,
        "photos": flight.photos,
        "seen": flight.targets_seen,
        "targets": flight.targets_planned,
    }
    return words.FIGURES.text(lang, facts)


def print_plan(plan: Plan, lang: Lang, console: Console) -> None:
    """Legs, totals and checks."""
    table = Table(box=None, padding=(0, 2))
    heads = (words.LEG, words.ITEM, words.PURPOSE, words.BRANCH, words.LENGTH, words.HEIGHT, words.TIME, words.ENERGY)
    for head in heads:
        table.add_column(
            head.text(lang), justify="left" if head in (words.PURPOSE, words.BRANCH) else "right", no_wrap=True
        )
    for number, leg in enumerate(plan.legs, 1):
        table.add_row(
            str(number),
            str(leg.seq),
            words.PURPOSES[leg.purpose.value].text(lang),
            leg.branch,
            f"{leg_length_m(leg):.0f} m",
            f"{leg.end.relative_m:.0f} m",
            f"{leg.start_s:.0f}–{leg.end_s:.0f} s",
            f"{leg.energy_wh:.1f} Wh",
        )
    console.print(table)
    console.print(Text(totals(plan, lang)), soft_wrap=True)
    for check in plan.checks:
        mark = Text("✓ " if check.passed else "✗ ", style="green" if check.passed else "bold red")
        console.print(mark + Text(check.zh if lang == "zh" else check.en), soft_wrap=True)
