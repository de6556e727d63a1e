"""`beichen poles watch`: the poles of a running gateway, live."""

from __future__ import annotations

import asyncio
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import msgspec
from cyclopts import Parameter, validators
from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from airspace.reasons import Lang
from controller.cli.console import SEVERITY_STYLE, TextView, view_of
from controller.cli.options import Exit, Output
from controller.cli.plan import SiteOption
from controller.cli.poles import words
from controller.cli.poles.asking import age, asked, in_words, line
from controller.cli.poles.enrol import site_for_poles
from controller.cli.poles.order import differing
from controller.clock import run
from controller.config import LoadedSite
from controller.pole_control import Control, control_of
from controller.pole_control.messages import AlarmTold, OutageTold, PoleLine, Survey, Surveyed
from poles.gateway.outages import CONTROLLER

HEADER_LINES = 9
WIDE = 100  # columns of a terminal from which there is room for everything
NUMBER, OLDEST = "123456", "120 min"  # the room of an alarm's number and age
STATE_STYLE = {"silent": "bold red", "awaited": "yellow", "away": "yellow", "locked-out": "yellow", "heard": "green"}


def watch(
    *,
    every: Annotated[
        float,
        Parameter(help="Seconds between two looks. 刷新间隔秒数。", validator=validators.Number(gte=0.1, lte=3600)),
    ] = 1.0,
    most: Annotated[
        int,
        Parameter(
            help="Poles, and alarms, that are looked at: the gravest. 显示的灯杆与告警数。",
            validator=validators.Number(gte=1, lte=1_000_000),
        ),
    ] = 1000,
    once: Annotated[bool, Parameter(help="Show the table once. 只显示一次。", negative="")] = False,
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Show the poles of a running gateway until q, Ctrl-C, or its end. Raises Refused."""
    place = site_for_poles(site)
    return run(lambda clock: _watch(place, every, most, once, output))


async def _watch(place: LoadedSite, every_s: float, most: int, once: bool, output: Output) -> int:
    view = view_of(output.lang, output.json)
    async with control_of(place) as control:
        if once:
            surveyed = await _survey(control, most, output)
            if surveyed is None:
                return Exit.REFUSED
            if isinstance(view, TextView):
                view.console.print(drawn(surveyed, output.lang, most, view.console.width))
            else:
                line(msgspec.json.encode(surveyed).decode())
            return Exit.DONE
        if isinstance(view, TextView) and view.console.is_terminal:
            return await _live(control, every_s, most, view.console, output)
        with suppress(BrokenPipeError):  # whoever read it has seen enough
            return await _changes(control, every_s, most, output)
    return Exit.DONE


async def _survey(control: Control, most: int, output: Output) -> Surveyed | None:
    """How all poles are; None when the gateway refuses to say, which is shown."""
    surveyed = None
    async for answer in asked(control, Survey(most=most), output):
        surveyed = answer if isinstance(answer, Surveyed) else None
    return surveyed


async def _live(control: Control, every_s: float, most: int, console: Console, output: Output) -> int:
    ended = asyncio.Event()
    with _keys(ended), Live(console=console, auto_refresh=False, screen=True) as live:
        while not ended.is_set():
            surveyed = await _survey(control, most, output)
            if surveyed is None:
                return Exit.REFUSED
            rows = max(console.size.height - HEADER_LINES, 4)
            live.update(drawn(surveyed, output.lang, rows, console.width), refresh=True)
            try:
                async with asyncio.timeout(every_s):
                    await ended.wait()
            except TimeoutError:
                continue
    return Exit.DONE


@contextmanager
def _keys(ended: asyncio.Event) -> Iterator[None]:
    """Set `ended` when somebody presses q; the terminal is as before when the context is left."""
    if not sys.stdin.isatty():
        yield
        return
    descriptor, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(descriptor)

    def pressed() -> None:
        if sys.stdin.read(1) in ("q", "Q", ""):
            ended.set()

    try:
        tty.setcbreak(descriptor)
        loop.add_reader(descriptor, pressed)
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def _changes(control: Control, every_s: float, most: int, output: Output) -> int:
    """One line for all that is new, otherwise or over, the first look included."""
    before: dict[str, str] = {}
    while (surveyed := await _survey(control, most, output)) is not None:
        now = dict(_facts(surveyed, output.lang))
        for key, text in changes(before, now, output.lang):
            if output.json:
                line(msgspec.json.encode({"utc_s": surveyed.utc_s, "what": key, "now": text}).decode())
            else:
                line(f"{key}  {text}")
        before = now
        await asyncio.sleep(every_s)
    return Exit.REFUSED


def changes(before: dict[str, str], now: dict[str, str], lang: Lang) -> Iterator[tuple[str, str]]:
    """What differs between two looks: new and changed facts, then those that are over."""
    yield from ((key, text) for key, text in now.items() if before.get(key) != text)
    yield from ((key, words.OVER.text(lang)) for key in before if key not in now)


def _facts(surveyed: Surveyed, lang: Lang) -> Iterator[tuple[str, str]]:
    for pole in surveyed.poles:
        state = words.POLE_STATES[pole.state].text(lang)
        silent = ", ".join(pole.silent_functions)
        yield pole.code, f"{state}; {words.SILENT_FUNCTIONS.text(lang)}: {silent}" if silent else state
    for alarm in surveyed.alarms:
        yield f"! {alarm.id}", _alarm_text(alarm, lang)
    for outage in surveyed.outages:
        yield outage.supply, _outage_text(outage, lang)
    for each in surveyed.differences:
        status = words.STATUSES[each.status].text(lang)
        desired, reported = differing(each, lang)
        yield f"{each.pole} {each.function} {each.setting}", f"{desired} / {reported}: {status}"


def _outage_text(outage: OutageTold, lang: Lang) -> str:
    said = words.NOBODY if outage.supply == CONTROLLER else words.DOWN
    return said.text(lang, {"supply": outage.supply, "members": outage.members})


def _alarm_text(alarm: AlarmTold, lang: Lang) -> str:
    seen = ""
    if alarm.acknowledged_by:
        seen = f" ({words.WAS_ACKNOWLEDGED.text(lang, {'who': alarm.acknowledged_by})})"
    over = "" if alarm.active else f" ({words.OVER.text(lang)})"
    return f"{in_words(alarm, lang)}{over}{seen}"


def drawn(surveyed: Surveyed, lang: Lang, rows: int, width: int) -> Group:
    """The picture of so many columns, with so many lines for alarms and poles together; alarms have a third of them."""
    counts = surveyed.statistics
    known = len(surveyed.poles) + surveyed.more_poles
    facts = {
        "heard": surveyed.heard,
        "known": known,
        "silent": counts["poles_silent"],
        "alarms": counts["alarms_open"],
        "down": counts["supplies_down"],
    }
    alarms, lines = _fitting(surveyed.alarms, lang, max(rows // 3, 1), width)
    poles = surveyed.poles[: max(rows - lines, 1)]
    more = {"poles": known - len(poles), "alarms": len(surveyed.alarms) + surveyed.more_alarms - len(alarms)}
    parts: list[Text | Table] = [Text(words.TOTALS.text(lang, facts), style="bold")]
    parts += [Text(_outage_text(outage, lang), style="bold red") for outage in surveyed.outages[:3]]
    if alarms:
        parts.append(_alarms(alarms, lang))
    parts.append(_poles(poles, lang, wide=width >= WIDE))
    if more["poles"] or more["alarms"]:
        parts.append(Text(words.MORE.text(lang, more), style="dim"))
    return Group(*parts)


def _fitting(alarms: tuple[AlarmTold, ...], lang: Lang, most: int, width: int) -> tuple[tuple[AlarmTold, ...], int]:
    """The first alarms that take so many lines, and how many they take; one in any case."""
    left, lines = width - sum(len(cell) + 1 for cell in (NUMBER, OLDEST)), 0
    for count, alarm in enumerate(alarms):
        takes = -(-cell_len(_alarm_text(alarm, lang)) // max(left, 1))
        if count and lines + takes > most:
            return alarms[:count], lines
        lines += takes
    return alarms, lines


def _alarms(alarms: tuple[AlarmTold, ...], lang: Lang) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, expand=True)
    table.add_column("#", no_wrap=True, justify="right")
    table.add_column(words.AGE.text(lang), no_wrap=True, justify="right")
    table.add_column(words.ALARM.text(lang), overflow="fold", ratio=1)
    for alarm in alarms:
        cells = (str(alarm.id), age(alarm.age_s), _alarm_text(alarm, lang))
        table.add_row(*(Text(cell) for cell in cells), style=SEVERITY_STYLE[alarm.severity])
    return table


def _poles(poles: tuple[PoleLine, ...], lang: Lang, *, wide: bool) -> Table:
    """What names a pole and tells how it is never shrinks; counts of nothing, or of functions in few columns, go."""
    counts = {
        words.FUNCTIONS: [pole.functions if wide else 0 for pole in poles],
        words.DOUBTS: [pole.doubtful for pole in poles],
        words.ALARMS: [pole.alarms for pole in poles],
        words.DIFFER: [pole.differences for pole in poles],
    }
    counts = {head: column for head, column in counts.items() if any(column)}
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, expand=True)
    for head in (words.POLE, words.STATUS, words.AGE, *counts):
        table.add_column(head.text(lang), no_wrap=True)
    table.add_column(words.SILENT_HEAD.text(lang), no_wrap=True, overflow="ellipsis", ratio=1)
    for row, pole in enumerate(poles):
        state = Text(words.POLE_STATES[pole.state].text(lang), style=STATE_STYLE[pole.state])
        cells = [str(column[row] or "") for column in counts.values()]
        silent = Text(", ".join(pole.silent_functions), style="red")
        table.add_row(Text(pole.code), state, age(pole.age_s), *cells, silent)
    return table
