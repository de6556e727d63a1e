"""What `beichen sim run` says: for people what happened and what was expected, for machines one object a scenario."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from airspace.reasons import Lang, Reason, Words
from controller.cli.options import Output
from controller.cli.sim.autopilots import RealAutopilots
from sim.world.scenarios.judging import UNJUDGED, Check, Judged, mission_end
from sim.world.scenarios.scenario import Scenario

TITLE = Words("{title} ({name}, seed {seed})", "{title}（{name}，种子 {seed}）")
AS_EXPECTED = Words("as expected", "符合预期")
NOT_SO = Words("not as expected", "不符合预期")
FOUND = Words("{expected}, but: {found}", "{expected}，实际：{found}")
REPLAY = Words("again: {command}", "重现：{command}")
SUMMARY = Words("scenarios that came as expected: {good} of {n}", "{n} 个情景中 {good} 个符合预期")
FOLDER = Words("run folders: {folder}", "运行文件夹：{folder}")
FLOWN_BY = Words(
    "flown by {autopilot}; how the drones are at the end is its own telemetry",
    "由 {autopilot} 执行；结束时无人机的状态取自其自身遥测",
)
LEFT_OUT = Words("left out", "未运行")


@dataclass(frozen=True, slots=True)
class ResultView:
    """How results are told; `speed` is None in virtual time."""

    output: Output
    speed: float | None
    pilots: RealAutopilots

    def result(self, judged: Judged, folder: Path) -> None:
        """A scenario that was played, with every expectation."""
        if self.output.json:
            _tell_machine(self.as_json(judged, folder))
            return
        lang, console = self.output.lang, Console(highlight=False, soft_wrap=True)
        verdict, style = (AS_EXPECTED, "bold green") if judged.as_expected else (NOT_SO, "bold red")
        console.print(_title(judged.scenario, lang) + Text(verdict.text(lang), style))
        if judged.played.autopilot:
            console.print(Text("  " + FLOWN_BY.text(lang, {"autopilot": judged.played.autopilot}), "dim"))
        for line in judged.story(lang):
            console.print(Text(f"  {line}", "dim"))
        for check in judged.checks:
            console.print(_check_line(check, lang))
        for words in judged.unjudged:
            console.print(Text("  – " + UNJUDGED.text(lang, {"what": words}), "dim"))
        if not judged.as_expected:
            console.print(Text("  " + FOLDER.text(lang, {"folder": folder})))
            console.print(Text("  " + REPLAY.text(lang, {"command": self._command(judged.scenario)})))

    def left_out(self, scenario: Scenario, reasons: Sequence[Reason]) -> None:
        """A scenario of a folder that real autopilots cannot fly."""
        if self.output.json:
            _tell_machine({"scenario": scenario.name, "left_out": [reason.as_dict() for reason in reasons]})
            return
        lang, console = self.output.lang, Console(highlight=False, soft_wrap=True)
        console.print(_title(scenario, lang) + Text(LEFT_OUT.text(lang), "bold yellow"))
        for reason in reasons:
            console.print(Text("  – " + reason.rule.says.text(lang, reason.facts), "dim"))

    def summary(self, results: Sequence[Judged]) -> None:
        """How many came as expected."""
        good = sum(judged.as_expected for judged in results)
        if not self.output.json:
            Console(highlight=False).print(SUMMARY.text(self.output.lang, {"good": good, "n": len(results)}))

    def as_json(self, judged: Judged, folder: Path) -> dict[str, Any]:
        """A result for machines."""
        scenario, played = judged.scenario, judged.played
        ends = {wish.name: mission_end(wish.name, played) for wish in scenario.wishes}
        return {
            "scenario": scenario.name,
            "as_expected": judged.as_expected,
            "seed": scenario.file.world.seed,
            "autopilot": played.autopilot,
            "lasted_s": round(played.lasted_s, 3),
            "missions": {
                name: {
                    "outcome": end.outcome,
                    "landed_on": end.landed_on,
                    "drone": end.drone,
                    "reasons": list(end.reasons),
                }
                for name, end in ends.items()
            },
            "checks": [
                {"en": check.expected.en, "zh": check.expected.zh, "found": check.found.en, "held": check.held}
                for check in judged.checks
            ],
            "not_judged": [{"en": words.en, "zh": words.zh} for words in judged.unjudged],
            "folder": str(folder),
            "again": self._command(scenario),
        }

    def _command(self, scenario: Scenario) -> str:
        pace = [] if self.speed is None else ["--speed", f"{self.speed:g}"]
        seed = ["--seed", str(scenario.file.world.seed)]
        return shlex.join(["beichen", "sim", "run", str(scenario.path), *seed, *pace, *self.pilots.arguments()])


def _title(scenario: Scenario, lang: Lang) -> Text:
    facts = {"title": scenario.title, "name": scenario.name, "seed": scenario.file.world.seed}
    return Text(f"{TITLE.text(lang, facts)}  ", "bold")


def _check_line(check: Check, lang: Lang) -> Text:
    if check.held:
        return Text("  ✓ ", "green") + Text(check.expected.text(lang))
    return Text("  ✗ ", "bold red") + Text(FOUND.text(lang, {"expected": check.expected, "found": check.found}))


def _tell_machine(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()
