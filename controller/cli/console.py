"""What a person or a machine sees of a run: lines and live bars, or one JSON object a line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Protocol, TextIO

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from airspace.reasons import Lang, Reason, Words
from controller.cli import words
from controller.cli.plan_view import figures, flown_share, totals
from controller.cli.showing import Showing
from controller.district import District
from controller.events import (
    AlarmRaised,
    CommandAnswered,
    DescentJudged,
    FlightEnded,
    GateJudged,
    LandingChosen,
    Phase,
    PhaseChanged,
    PlanMade,
    PoleNoted,
    PoleSaid,
    Record,
    UploadVerified,
    encode,
)
from controller.flight.phases import PHASE_WORDS
from controller.pole_picture import COVER_WORDS
from controller.report import Summary
from controller.streams import STREAMS, Stream

REFRESH_S = 0.25
PIPE_WIDTH = 160  # columns of tables that go to a file or a pipe
SEVERITY_STYLE = {1: "cyan", 2: "yellow", 3: "bold yellow", 4: "bold red"}


class View(Protocol):
    """Where a run shows itself."""

    def record(self, record: Record) -> None:
        """A record became durable."""
        ...

    def refused(self, reasons: Iterable[Reason | dict[str, Any]]) -> None:
        """Something was refused, and why."""
        ...

    def say(self, text: Words, **facts: Any) -> None:
        """A line for people."""
        ...

    def result(self, outcome: str, summary: Summary, folder: str) -> None:
        """The end of a run."""
        ...

    def live(self, district: District) -> AbstractContextManager[object]:
        """Whatever is shown while the run goes on."""
        ...

    async def keep_drawing(self, district: District, showing: Showing) -> None:
        """Draw it until cancelled."""
        ...


class JsonView:
    """One JSON object a line on standard output."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def _line(self, value: Any) -> None:
        self._out.write(msgspec.json.encode(value).decode() + "\n")
        self._out.flush()

    def record(self, record: Record) -> None:
        """The record as it stands in the log."""
        self._out.write(encode(record).decode() + "\n")
        self._out.flush()

    def refused(self, reasons: Iterable[Reason | dict[str, Any]]) -> None:
        """An object with the reasons."""
        self._line({"outcome": "refused", "reasons": [r.as_dict() if isinstance(r, Reason) else r for r in reasons]})

    def say(self, text: Words, **facts: Any) -> None:
        """Machines need no lines for people."""

    def result(self, outcome: str, summary: Summary, folder: str) -> None:
        """An object with the outcome, the folder and the summary."""
        self._line({"outcome": outcome, "folder": folder, "summary": summary})

    def live(self, district: District) -> AbstractContextManager[object]:
        """Nothing more than the records."""
        return nullcontext()

    async def keep_drawing(self, district: District, showing: Showing) -> None:
        """There is no picture."""


class TextView:
    """Lines for people, and on a terminal a live picture below them."""

    def __init__(self, lang: Lang, console: Console | None = None) -> None:
        self.lang = lang
        self.console = console or Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = PIPE_WIDTH
        self._picture: Live | None = None
        self._passed: set[tuple[str, str]] = set()  # gates that were shown to pass

    def record(self, record: Record) -> None:
        """A line for what people want to hear of."""
        line = self._line_of(record)
        if line is not None:
            stamp = (
                f"{int(record.utc_s // 3600 + 8) % 24:02d}:{int(record.utc_s // 60) % 60:02d}:{record.utc_s % 60:04.1f}"
            )
            self.console.print(Text(f"{stamp}  ", style="dim") + line)

    def _line_of(self, record: Record) -> Text | None:
        zh = self.lang == "zh"
        match record.event:
            case PhaseChanged(phase=phase, detail=detail):
                return Text(PHASE_WORDS[phase].text(self.lang) + (f": {detail}" if detail else ""), style="bold")
            case PlanMade(plan=plan):
                return Text(f"{words.PLAN_OF.text(self.lang, {'name': plan.name})}: {totals(plan, self.lang)}")
            case GateJudged() as gate:
                key = (gate.flight, gate.gate)
                if gate.passed and key in self._passed:
                    return None  # judged again just before arming: only news is worth a line
                self._passed.add(key)
                return Text("✓ " if gate.passed else "✗ ", style="green" if gate.passed else "bold red") + Text(
                    gate.zh if zh else gate.en
                )
            case UploadVerified() as upload:
                good = not upload.differences
                counts = f"{upload.mission_items} + {upload.fence_items} + {upload.rally_items}"
                text = f"{counts} 项已回读核对" if zh else f"{counts} items read back and compared"
                return Text("✓ " if good else "✗ ", style="green" if good else "bold red") + Text(text)
            case AlarmRaised() as alarm:
                return Text(f"! {alarm.zh if zh else alarm.en}", style=SEVERITY_STYLE[alarm.severity])
            case CommandAnswered(target=target, command=command, outcome=outcome, detail=detail):
                answer = _said(words.ANSWERS, outcome, self.lang)
                mark = "" if outcome == "accepted" else f" ({answer} {detail})"
                order = order_said(command, self.lang)
                return Text(f"→ {target}: {order}{mark}", style="dim" if outcome == "accepted" else "yellow")
            case LandingChosen(landing=landing):
                return Text(words.LANDS_AT.text(self.lang, {"place": landing}))
            case DescentJudged() as descent:
                return Text("✓ " if descent.passed else "✗ ", style="green" if descent.passed else "bold red") + Text(
                    f"{descent.dock}: {descent.zh if zh else descent.en}"
                )
            case FlightEnded(completed=completed, landed_on=landed_on):
                said = words.LANDED_ON if landed_on else words.NOT_LANDED
                return Text(said.text(self.lang, {"place": landed_on}), style="bold green" if completed else "bold red")
            case _:
                return None

    def refused(self, reasons: Iterable[Reason | dict[str, Any]]) -> None:
        """One line a reason."""
        for reason in reasons:
            line = reason.text(self.lang) if isinstance(reason, Reason) else str(reason[self.lang])
            self.console.print(Text("✗ ", style="bold red") + Text(line), soft_wrap=True)

    def say(self, text: Words, **facts: Any) -> None:
        """A plain line."""
        self.console.print(Text(text.text(self.lang, facts)), soft_wrap=True)

    def result(self, outcome: str, summary: Summary, folder: str) -> None:
        """The outcome and where the report is."""
        style = "bold green" if outcome == "completed" else "bold red"
        self.console.print(Text(words.OUTCOMES[outcome].text(self.lang), style=style))
        for flight in summary.flights:
            if flight.duration_s is not None:
                self.console.print(Text(figures(flight, self.lang)), soft_wrap=True)
        label = words.REPORT_AT.text(self.lang)
        self.console.print(Text(f"{label}: {folder}/report.html"), soft_wrap=True)

    def live(self, district: District) -> AbstractContextManager[object]:
        """The live picture, on a terminal only."""
        if not self.console.is_terminal:
            return nullcontext()
        self._picture = Live(console=self.console, auto_refresh=False, transient=True)
        return self._picture

    async def keep_drawing(self, district: District, showing: Showing) -> None:
        """Draw the picture until cancelled."""
        pause_s = REFRESH_S * (district.clock.tempo.speed or 1.0)
        while True:
            if self._picture is not None:
                showing.show(partial(self._picture.update, self._draw(district), refresh=True))
            await asyncio.sleep(pause_s)

    def _draw(self, district: District) -> Group:
        return Group(self._bars(district), self._poles(district))

    def _bars(self, district: District) -> Table:
        table = Table.grid(padding=(0, 2))
        flight = next(iter(district.state.unfinished()), None)
        link = next(iter(district.links.values()), None) if flight is None else district.links.get(flight.drone)
        planned = 1.0 if flight else 0.0
        done, total = district.upload_progress.get(flight.id, (0, 0)) if flight else (0, 0)
        table.add_row(words.BAR_PLAN.text(self.lang), _bar(planned), "")
        table.add_row(words.BAR_UPLOAD.text(self.lang), _bar(done / total if total else 0.0), f"{done}/{total}")
        state = link.state if link else None
        share, leg = flown_share(flight.plan, state.mission_seq or 0, self.lang) if flight and state else (0.0, "")
        if flight is None or flight.phase in (Phase.PLANNED, Phase.GATES, Phase.UPLOADING):
            share, leg = 0.0, ""
        table.add_row(words.BAR_FLIGHT.text(self.lang), _bar(share), leg)
        if state is not None and state.battery_remaining_pct is not None:
            height = "" if state.relative_m is None else f"{max(state.relative_m, 0.0):.0f} m"
            speed = "" if state.ground_speed_mps is None else f"{state.ground_speed_mps:.1f} m/s"
            facts = f"{state.battery_remaining_pct:.0f} %  {state.mode}  {height}  {speed}"
            table.add_row(words.BAR_BATTERY.text(self.lang), _bar(state.battery_remaining_pct / 100), facts)
        return table

    def _poles(self, district: District) -> Table:
        table = Table(box=None, padding=(0, 2))
        for head in (words.POLE, words.WIND, words.DOCK, words.AGE):
            table.add_column(head.text(self.lang))
        poles = district.poles
        winds = {reading.pole: reading for reading in poles.weather()} if poles else {}
        for pole in poles.codes() if poles else []:
            weather = winds.get(pole)
            dock = poles.dock(pole) if poles else None
            wind = f"{weather.wind_mps:.1f} / {weather.gust_mps:.1f}" if weather else "-"
            cover = COVER_WORDS[dock.cover].text(self.lang) if dock else "-"
            drone = f" + {words.DRONE.text(self.lang)}" if dock and dock.drone_present else ""
            age = weather.age_s if weather else dock.age_s if dock else 0.0
            limit_s = STREAMS[Stream.POLE_WEATHER].stale_after_s
            table.add_row(pole, wind, cover + drone, Text(f"{age:.0f}", style="" if age <= limit_s else "red"))
        return table


def order_said(order: str, lang: Lang) -> str:
    """An order to a drone or a pole in words; one that has none as the log has it."""
    for start, said in (("land at ", words.LAND_AT), ("go down to ", words.GO_DOWN), ("leave ", words.LEAVE)):
        if order.startswith(start):
            return said.text(lang, {"place": order.removeprefix(start)})
    return _said(words.ORDERS, order, lang)


def _said(known: Mapping[str, Words], code: str, lang: Lang) -> str:
    return known[code].text(lang) if code in known else code


def _bar(share: float) -> ProgressBar:
    return ProgressBar(total=1.0, completed=min(max(share, 0.0), 1.0), width=40)


def view_of(lang: Lang, json: bool) -> TextView | JsonView:
    """The view that the options ask for."""
    return JsonView() if json else TextView(lang)


def report_record(record: Record, view: View) -> None:
    """Show a record, but for the steady stream of pole reports on a text console."""
    if isinstance(view, JsonView) or not isinstance(record.event, PoleSaid | PoleNoted):
        view.record(record)
