"""`beichen poles show`: all that a running gateway knows of one pole."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from controller.cli.console import SEVERITY_STYLE, TextView, view_of
from controller.cli.options import Exit, Output
from controller.cli.plan import SiteOption
from controller.cli.poles import words
from controller.cli.poles.asking import age, answers_to, in_words
from controller.cli.poles.enrol import Code, known_pole, site_for_poles
from controller.cli.poles.order import show_differences
from controller.cli.poles.values import reading_text, setting_text
from controller.clock import run
from controller.pole_control.messages import FunctionTold, Look, Seen


def show(code: Code, /, *, site: SiteOption = None, output: Output = Output()) -> int:
    """Tell all that is known of one pole."""
    known_pole(site_for_poles(site), code)
    return run(lambda clock: _show(code, site, output))


async def _show(code: str, site: SiteOption, output: Output) -> int:
    view, done = view_of(output.lang, output.json), Exit.REFUSED
    async for answer in answers_to(Look(pole=code), site, output):
        if isinstance(answer, Seen):
            done = Exit.DONE
            if isinstance(view, TextView):
                _print(answer, view)
    return done


def _print(seen: Seen, view: TextView) -> None:
    lang, line = view.lang, seen.line
    style = {"silent": "bold red", "awaited": "yellow", "away": "yellow", "locked-out": "yellow"}.get(
        line.state, "green"
    )
    view.console.print(Text(f"{line.code}  ") + Text(words.POLE_STATES[line.state].text(lang), style=style))
    if seen.lat_deg is not None:
        facts = {"age": age(line.age_s), "firmware": seen.firmware, "boot": seen.boot}
        view.say(words.INTRODUCED, lat=seen.lat_deg, lon=seen.lon_deg, **facts)
    if seen.outage:
        view.say(words.IN_OUTAGE, supply=seen.outage)
    if seen.functions:
        view.console.print(_functions(seen.functions, view))
    for alarm in seen.alarms:
        text = f"! {alarm.id}  {in_words(alarm, lang)} ({age(alarm.age_s)})"
        view.console.print(Text(text, style=SEVERITY_STYLE[alarm.severity]), soft_wrap=True)
    show_differences(seen.differences, view)


def _functions(functions: tuple[FunctionTold, ...], view: TextView) -> Table:
    lang = view.lang
    table = Table(box=None, padding=(0, 1))
    for head in (words.FUNCTION, words.AGE, words.READINGS, words.DOUBTS, words.SETTINGS):
        table.add_column(head.text(lang), overflow="fold")
    for each in functions:
        doubts = [f"{field or '*'}: {', '.join(flags)}" for field, flags in each.flags.items()]
        if each.quality not in ("", "good"):
            doubts.append(each.quality)
        if each.silent:
            doubts.append(words.POLE_STATES["silent"].text(lang))
        values = "  ".join(
            f"{name} {reading_text(each.function, name, value, lang)}" for name, value in each.values.items()
        )
        settings = "  ".join(
            f"{name} {setting_text(each.function, name, value, lang)}" for name, value in each.settings.items()
        )
        cells = (each.function, age(each.age_s), values or "-", "; ".join(doubts), settings)
        table.add_row(*(Text(cell, style="red" if each.silent and n < 2 else "") for n, cell in enumerate(cells)))
    return table
