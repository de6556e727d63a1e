"""`beichen sim run`: play scenarios and say whether all came as expected."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from airspace.reasons import Lang, Reason, Refused, Rule, Words
from controller.cli.demo import example
from controller.cli.options import BadOption, Exit, Output, Seed, Speed
from controller.cli.sim.live_stage import play_live
from controller.run import make_folder
from sim.world.junit import junit_xml
from sim.world.scenario import Scenario, load_scenario
from sim.world.scenario_judge import Judged, judge, mission_end
from sim.world.scenario_virtual import play_virtually

HELP = Words("Play scenarios and check what is expected of them.", "运行情景并核对其预期。")
NO_SCENARIO = Rule(
    "scenario.none",
    Words("there is no scenario {value}; those that come along: {known}", "没有情景 {value}；内置情景：{known}"),
    Words(
        "Give a scenario file, a folder of them, or one of these names.", "请给出情景文件、情景文件夹或上述名称之一。"
    ),
)
EMPTY_FOLDER = Rule(
    "scenario.empty-folder",
    Words("there is no scenario in this folder", "该文件夹中没有情景文件"),
    Words("Give a folder with .yaml files of kind: scenario.", "请给出含有 kind: scenario 的 .yaml 文件的文件夹。"),
)
NO_JUNIT = Rule(
    "scenario.no-junit",
    Words("this file cannot be written: {detail}", "无法写入该文件：{detail}"),
    Words("Give --junit a file in a folder that is there.", "请为 --junit 指定已有文件夹中的文件。"),
)
TWO_TEMPOS = Rule(
    "scenario.two-tempos",
    Words("virtual time has no speed", "虚拟时间没有倍速"),
    Words("Leave --virtual or --speed out.", "请去掉 --virtual 或 --speed。"),
)
TITLE = Words("{title} ({name}, seed {seed})", "{title}（{name}，种子 {seed}）")
AS_EXPECTED = Words("as expected", "符合预期")
NOT_SO = Words("not as expected", "不符合预期")
FOUND = Words("{expected}, but: {found}", "{expected}，实际：{found}")
REPLAY = Words("again: {command}", "重现：{command}")
SUMMARY = Words("scenarios that came as expected: {good} of {n}", "{n} 个情景中 {good} 个符合预期")
FOLDER = Words("run folders: {folder}", "运行文件夹：{folder}")


def run_scenarios(
    *scenarios: Annotated[Path, Parameter(help="Files, folders or names; all that come along. 情景文件。")],
    virtual: Annotated[
        bool, Parameter(help="In virtual time, which is the default. 虚拟时间（默认）。", negative="")
    ] = False,
    speed: Speed | None = None,
    seed: Annotated[Seed | None, Parameter(help="Another seed than the scenario's. 随机种子。")] = None,
    junit: Annotated[Path | None, Parameter(help="Write a JUnit XML file. 写出 JUnit XML。")] = None,
    runs: Annotated[Path, Parameter(help="Folder for run folders. 运行文件夹。")] = Path("runs"),
    output: Output = Output(),
) -> int:
    """Play scenarios in virtual time, or with `--speed` over real sockets, and check what is expected of them."""
    if virtual and speed is not None:
        raise BadOption([Reason(TWO_TEMPOS, "--virtual")])
    if junit is not None:
        _writable(junit)
    chosen = [load_scenario(path, seed=seed) for path in found(scenarios)]
    results = []
    for scenario in chosen:
        folder = Path(tempfile.mkdtemp(prefix=f"{scenario.name}-", dir=make_folder(runs)))
        played = (
            play_virtually(scenario, folder, lang=output.lang)
            if speed is None
            else play_live(scenario, folder, speed=speed, lang=output.lang)
        )
        results.append(judge(scenario, played))
        _tell(results[-1], folder, speed, output)
    if junit is not None:
        junit.write_bytes(junit_xml(results, output.lang))
    good = sum(judged.as_expected for judged in results)
    if not output.json:
        Console(highlight=False).print(SUMMARY.text(output.lang, {"good": good, "n": len(results)}))
    return Exit.DONE if good == len(results) else Exit.REFUSED


def found(given: tuple[Path, ...]) -> list[Path]:
    """The scenario files that paths and names mean; all that come along when none is given.

    Raises `Refused` for what is neither a file, a folder nor the name of one.
    """
    own = example("scenarios")
    files: list[Path] = []
    for path in given or (own,):
        if path.is_dir():
            there = _in_folder(path)
            if not there:
                raise Refused([Reason(EMPTY_FOLDER, str(path))])
            files += there
        elif path.is_file():
            files.append(path)
        elif (named := own / f"{path}.yaml").is_file():
            files.append(named)
        else:
            known = ", ".join(file.stem for file in _in_folder(own))
            raise Refused([Reason(NO_SCENARIO, str(path), {"value": str(path), "known": known})])
    return files


def _writable(path: Path) -> None:
    """Raise `Refused` when a file cannot be written; none is left behind that was not there."""
    there = path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise Refused([Reason(NO_JUNIT, f"--junit {path}", {"detail": error.strerror or error})]) from None
    if not there:
        path.unlink()


def _in_folder(folder: Path) -> list[Path]:
    """The scenarios of a folder; its cities and charts are other files."""
    files = sorted(folder.glob("*.yaml"))
    return [file for file in files if "\nkind: scenario" in file.read_text(encoding="utf-8", errors="replace")]


def _command(scenario: Scenario, speed: float | None) -> str:
    pace = "" if speed is None else f" --speed {speed:g}"
    return f"beichen sim run {scenario.path} --seed {scenario.file.world.seed}{pace}"


def _tell(judged: Judged, folder: Path, speed: float | None, output: Output) -> None:
    if output.json:
        sys.stdout.write(json.dumps(as_json(judged, folder, speed), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    lang, console = output.lang, Console(highlight=False, soft_wrap=True)
    scenario = judged.scenario
    verdict, style = (AS_EXPECTED, "bold green") if judged.as_expected else (NOT_SO, "bold red")
    named = TITLE.text(lang, {"title": scenario.title, "name": scenario.name, "seed": scenario.file.world.seed})
    console.print(Text(f"{named}  ", "bold") + Text(verdict.text(lang), style))
    for line in judged.story(lang):
        console.print(Text(f"  {line}", "dim"))
    for check in judged.checks:
        console.print(_check_line(check.expected, check.found, check.held, lang))
    if not judged.as_expected:
        console.print(Text("  " + FOLDER.text(lang, {"folder": folder})))
        console.print(Text("  " + REPLAY.text(lang, {"command": _command(scenario, speed)})))


def _check_line(expected: Words, found: Words, held: bool, lang: Lang) -> Text:
    if held:
        return Text("  ✓ ", "green") + Text(expected.text(lang))
    return Text("  ✗ ", "bold red") + Text(FOUND.text(lang, {"expected": expected, "found": found}))


def as_json(judged: Judged, folder: Path, speed: float | None) -> dict[str, Any]:
    """The result for machines."""
    scenario, played = judged.scenario, judged.played
    ends = {wish.name: mission_end(wish.name, played) for wish in scenario.wishes}
    return {
        "scenario": scenario.name,
        "as_expected": judged.as_expected,
        "seed": scenario.file.world.seed,
        "lasted_s": round(played.lasted_s, 3),
        "missions": {
            name: {"outcome": end.outcome, "landed_on": end.landed_on, "drone": end.drone, "reasons": list(end.reasons)}
            for name, end in ends.items()
        },
        "checks": [
            {"en": check.expected.en, "zh": check.expected.zh, "found": check.found.en, "held": check.held}
            for check in judged.checks
        ],
        "folder": str(folder),
        "again": _command(scenario, speed),
    }
