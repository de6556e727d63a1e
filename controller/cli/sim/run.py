"""`beichen sim run`: play scenarios and say whether all came as expected."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from airspace.reasons import Reason, Refused, Rule, Words
from controller.cli.demo import example
from controller.cli.options import BadOption, Exit, Output, Seed, Speed
from controller.cli.sim.autopilots import RealAutopilots
from controller.cli.sim.live_stage import play_live
from controller.cli.sim.result_view import ResultView
from controller.run import make_folder
from sim.world.scenarios.judging import judge
from sim.world.scenarios.junit import junit_xml
from sim.world.scenarios.needs import inside_needed
from sim.world.scenarios.scenario import Scenario, load_scenario
from sim.world.scenarios.virtual import play_virtually

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
TWO_WORLDS = Rule(
    "scenario.autopilot-in-virtual-time",
    Words("a real autopilot keeps time by itself, it has no virtual time", "真实自驾仪自行计时，没有虚拟时间"),
    Words("Leave --virtual or --ardupilot out.", "请去掉 --virtual 或 --ardupilot。"),
)


def run_scenarios(
    *scenarios: Annotated[Path, Parameter(help="Files, folders or names; all that come along. 情景文件。")],
    virtual: Annotated[
        bool, Parameter(help="In virtual time, which is the default. 虚拟时间（默认）。", negative="")
    ] = False,
    speed: Speed | None = None,
    seed: Annotated[Seed | None, Parameter(help="Another seed than the scenario's. 随机种子。")] = None,
    pilots: RealAutopilots = RealAutopilots(),
    junit: Annotated[Path | None, Parameter(help="Write a JUnit XML file. 写出 JUnit XML。")] = None,
    runs: Annotated[Path, Parameter(help="Folder for run folders. 运行文件夹。")] = Path("runs"),
    output: Output = Output(),
) -> int:
    """Play scenarios in virtual time, or with `--speed` or `--ardupilot` over real sockets, and check what came."""
    if virtual and speed is not None:
        raise BadOption([Reason(TWO_TEMPOS, "--virtual")])
    if virtual and pilots.ardupilot:
        raise BadOption([Reason(TWO_WORLDS, "--virtual")])
    pilots.program()
    if junit is not None:
        _writable(junit)
    loaded = [(load_scenario(path, seed=seed), named) for path, named in found(scenarios)]
    chosen, left_out = sorted_out(loaded, pilots)
    if pilots.ardupilot and speed is None:
        speed = 1.0
    view = ResultView(output, speed, pilots)
    for scenario, reasons in left_out:
        view.left_out(scenario, reasons)
    results = []
    for scenario in chosen:
        folder = Path(tempfile.mkdtemp(prefix=f"{scenario.name}-", dir=make_folder(runs)))
        played = (
            play_virtually(scenario, folder, lang=output.lang)
            if speed is None
            else play_live(scenario, folder, speed=speed, lang=output.lang, pilots=pilots)
        )
        results.append(judge(scenario, played))
        view.result(results[-1], folder)
    if junit is not None:
        junit.write_bytes(junit_xml(results, output.lang))
    view.summary(results)
    return Exit.DONE if all(judged.as_expected for judged in results) else Exit.REFUSED


def sorted_out(
    scenarios: Sequence[tuple[Scenario, bool]], pilots: RealAutopilots
) -> tuple[list[Scenario], list[tuple[Scenario, list[Reason]]]]:
    """The scenarios that are played, and those of folders that real autopilots cannot fly, with the reasons.

    Raises `Refused` for scenarios that were named one by one and cannot be flown, and when none is left.
    """
    if not pilots.ardupilot:
        return [scenario for scenario, _ in scenarios], []
    needs = [(scenario, named, inside_needed(scenario)) for scenario, named in scenarios]
    chosen = [scenario for scenario, _, reasons in needs if not reasons]
    refused = [reason for _, named, reasons in needs if named or not chosen for reason in reasons]
    if refused:
        raise Refused(refused)
    return chosen, [(scenario, reasons) for scenario, _, reasons in needs if reasons]


def found(given: tuple[Path, ...]) -> list[tuple[Path, bool]]:
    """The scenario files that paths and names mean, and whether each was named; all that come along by default.

    Raises `Refused` for what is neither a file, a folder nor the name of one.
    """
    own = example("scenarios")
    files: list[tuple[Path, bool]] = []
    for path in given or (own,):
        if path.is_dir():
            there = _in_folder(path)
            if not there:
                raise Refused([Reason(EMPTY_FOLDER, str(path))])
            files += [(file, False) for file in there]
        elif path.is_file():
            files.append((path, True))
        elif (named := own / f"{path}.yaml").is_file():
            files.append((named, True))
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
