"""Scenarios on real autopilots, whose part a stand-in with ArduPilot's command line and ports plays, as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controller.cli.app import run
from controller.cli.demo import example
from controller.cli.options import Exit, Output
from controller.cli.sim.autopilots import RealAutopilots
from controller.cli.sim.result_view import ResultView
from controller.cli.sim.run import sorted_out
from sim.city_file import CityTerrain
from sim.world.scenarios.judging import judge
from sim.world.scenarios.needs import inside_needed
from sim.world.scenarios.play import Played
from sim.world.scenarios.scenario import Scenario, load_scenario
from tests.sim.serve.test_ardupilot import ROOT, binary, free_instance, processes_in

__all__ = ["binary"]
SPEED = 10.0
DRONES = 2  # of the hamlet
SCENARIOS = example("scenarios")
FILES = [path for path in sorted(SCENARIOS.glob("*.yaml")) if "\nkind: scenario" in path.read_text("utf-8")]
NEED_INSIDE = {
    "battery-falls", "cold-morning", "dead-cell", "fix-fades", "gas-alarm", "helicopter", "jammed-valley", "lossy-link",
    "motor-fails", "pole-reboots", "poor-fix", "slow-link", "spoofed", "unruly-link", "weak-battery",
}  # fmt: skip
# a launch that meets a second, a gust that misses the gate, who is first of two: so only in virtual time
HANG_ON_A_MOMENT = {
    "controller-killed-at-upload", "front-at-launch", "gusts-at-the-limit", "two-cross-at-once",
    "zone-at-the-last-moment",
}  # fmt: skip


def flown(binary: Path, runs: Path, name: str, *more: str, drones: int = DRONES) -> tuple[dict[str, Any], int]:
    """A scenario on autopilots by the command line, in a process: the last JSON object it tells, and its exit code."""
    number = ["--first", str(free_instance(drones)), "--speed", f"{SPEED:g}", "--json", "--runs", str(runs)]
    command = [sys.executable, "-m", "controller.cli", "sim", "run", name, "--ardupilot", "--binary", str(binary)]
    child = subprocess.run(
        [*command, *number, *more], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=200, check=False
    )
    return json.loads(child.stdout.splitlines()[-1]), child.returncode


def of(name: str) -> Scenario:
    return load_scenario(SCENARIOS / f"{name}.yaml")


def variant(folder: Path, name: str, old: str, new: str) -> Path:
    """A scenario that comes along, changed, in another folder."""
    text = (SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8")
    assert old in text
    path = folder / f"{name}.yaml"
    text = text.replace(old, new).replace("city: hamlet", f"city: {SCENARIOS}/hamlet")
    path.write_text(text.replace("file: requests", f"file: {SCENARIOS}/requests"), encoding="utf-8")
    return path


@pytest.mark.timeout(150)
def test_a_scenario_comes_as_expected_on_the_autopilot_and_what_was_not_looked_at_is_told(
    binary: Path, tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    result, code = flown(binary, tmp_path / "runs", "dock-taken-in-flight", "--junit", str(junit))
    assert [check for check in result["checks"] if not check["held"]] == []
    assert (result["as_expected"], code) == (True, 0)
    assert result["autopilot"] == "ArduPilot 4.7.0"
    assert result["missions"]["west-east"]["landed_on"] == "410105-LP-000004"
    assert "every drone is down, its motors off" in [check["en"] for check in result["checks"]]
    assert [words["en"] for words in result["not_judged"]] == ["what must always hold holds"]
    assert "--ardupilot --binary" in result["again"]
    text = junit.read_text(encoding="utf-8")
    assert "not looked at here: what must always hold holds" in text
    assert "* dock 410105-LP-000003: taken by a stranger" in text
    assert "SIM_WIND_SPD 2" in (Path(result["folder"]) / "drone-1" / "sitl.log").read_text()
    assert processes_in(tmp_path) == []


@pytest.mark.timeout(150)
def test_an_autopilot_that_dies_in_flight_ends_the_scenario_with_its_last_words(
    binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN", "dying")
    result, code = flown(binary, tmp_path, "calm-morning")
    (reason,) = result["reasons"]
    assert code == Exit.REFUSED
    assert reason["code"] == "demo.city-ended"
    assert "Floating point exception" in reason["en"]
    assert "自行退出" in reason["zh"]
    assert "sitl.log" in reason["zh"]
    assert processes_in(tmp_path) == []


def test_what_an_autopilot_cannot_fly_is_refused_with_all_that_needs_an_inside_before_anything_starts(
    binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["calm-morning", "motor-fails", "unruly-link"]
    assert run(["sim", "run", *names, "--ardupilot", "--binary", str(binary), "--runs", str(tmp_path / "runs")]) == 1
    out = capsys.readouterr().out
    assert out.count("[autopilot.needs-inside]") == 3
    assert "motor-fails.yaml:16 faults[0]: motor:drone-1=1@takeoff+25 needs" in out
    assert "expect.truth[1]: frames_overtaken > 100 needs" in out
    assert not (tmp_path / "runs").exists()
    assert run(["sim", "run", "spoofed", "--ardupilot", "--binary", str(binary), "--lang", "zh"]) == 1
    assert "需要模拟无人机的内部状态" in capsys.readouterr().out


def test_of_a_folder_what_an_autopilot_cannot_fly_is_left_out_and_when_that_is_all_it_is_refused(
    binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calm, fails, real = of("calm-morning"), of("motor-fails"), RealAutopilots(ardupilot=True)
    chosen, left_out = sorted_out([(calm, False), (fails, False)], real)
    assert chosen == [calm]
    assert left_out == [(fails, inside_needed(fails))]
    assert sorted_out([(calm, False), (fails, False)], RealAutopilots()) == ([calm, fails], [])
    variant(tmp_path, "motor-fails", "lasts_s: 3000", "lasts_s: 2000")
    command = ["sim", "run", str(tmp_path), "--ardupilot", "--binary", str(binary), "--runs", str(tmp_path / "runs")]
    assert run(command) == Exit.REFUSED
    assert "[autopilot.needs-inside]" in capsys.readouterr().out


def test_people_are_told_who_flew_what_was_not_looked_at_and_what_was_left_out(
    binary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    view = ResultView(Output(lang="zh"), SPEED, RealAutopilots(ardupilot=True, binary=binary))
    fails, played = of("motor-fails"), Played(0.0, truth={}, autopilot="ArduPilot 4.7.0")
    view.left_out(fails, inside_needed(fails))
    view.result(judge(of("lossy-link"), played), Path("runs"))
    out = capsys.readouterr().out
    assert "未运行" in out
    assert "motor:drone-1=1@takeoff+25 需要模拟无人机的内部状态" in out
    assert "由 ArduPilot 4.7.0 执行" in out
    assert "此处未核对：frames_lost > 500" in out
    assert "此处未核对：不变量全部成立" in out
    assert "此处未核对：所有无人机均已落地停转" not in out
    assert f"--seed 1 --speed 10 --ardupilot --binary {binary}" in out


def test_machines_are_told_what_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    scenario = of("motor-fails")
    ResultView(Output(json=True), SPEED, RealAutopilots(ardupilot=True)).left_out(scenario, inside_needed(scenario))
    told = json.loads(capsys.readouterr().out)
    assert (told["scenario"], [reason["code"] for reason in told["left_out"]]) == (
        "motor-fails",
        ["autopilot.needs-inside"],
    )


def test_it_is_known_which_of_those_that_come_along_need_an_inside() -> None:
    assert {path.stem for path in FILES if inside_needed(load_scenario(path))} == NEED_INSIDE


def test_a_battery_that_is_not_full_another_autopilot_and_hills_need_an_inside(tmp_path: Path) -> None:
    fleet = (
        "fleet:\n"
        "  - {id: drone-1, lat_deg: 34.7464, lon_deg: 113.6045, battery_pct: 40}\n"
        "  - {id: drone-2, lat_deg: 34.7465, lon_deg: 113.6045, personality: px4}\n"
        "missions:"
    )
    scenario = load_scenario(variant(tmp_path, "calm-morning", "missions:\n  - {file", f"{fleet}\n  - {{file"))
    told = [reason.text("en") for reason in inside_needed(scenario)]
    assert len(told) == 2
    assert "fleet[0]: drone-1's battery of 40 %" in told[0]
    assert "fleet[1]: drone-2, a px4" in told[1]
    flat = of("calm-morning")
    hilly = msgspec.structs.replace(flat.city, terrain=CityTerrain(path="hills.tif"))
    (reason,) = inside_needed(replace(flat, city=hilly))
    assert "ground that is not level" in reason.text("en")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--ardupilot", "--virtual"], "scenario.autopilot-in-virtual-time"),
        (["--binary", "arducopter"], "autopilot.not-asked"),
        (["--first", "2"], "autopilot.not-asked"),
    ],
)
def test_options_that_do_not_go_together_are_bad_usage(
    options: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sim", "run", "calm-morning", *options]) == Exit.USAGE
    assert f"[{code}]" in capsys.readouterr().err


def test_a_program_that_is_not_there_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sim", "run", "calm-morning", "--ardupilot", "--binary", str(tmp_path / "none"), "--runs", str(tmp_path)]
    assert run(command) == Exit.REFUSED
    assert "[sitl.no-binary]" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.soak
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem not in NEED_INSIDE | HANG_ON_A_MOMENT], ids=lambda path: path.stem
)
def test_every_scenario_that_needs_no_inside_comes_as_expected_on_the_autopilot(
    path: Path, binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in boots as long as the real one did when it was observed."""
    monkeypatch.setenv("STANDIN", "cold")
    result, _ = flown(binary, tmp_path, str(path), drones=len(load_scenario(path).city.drones))
    assert [check for check in result["checks"] if not check["held"]] == []
