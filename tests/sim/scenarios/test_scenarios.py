"""Every scenario that comes along, in virtual time; three of them over real sockets as well."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from controller.cli.demo import example
from sim.world.scenarios.judging import Judged, judge
from sim.world.scenarios.scenario import Scenario, load_scenario
from sim.world.scenarios.virtual import play_virtually
from sim.world.watched import WatchedWorld

SCENARIOS = [
    path for path in sorted(example("scenarios").glob("*.yaml")) if "kind: scenario" in path.read_text("utf-8")
]
DOCS = Path(__file__).parents[3] / "docs" / "scenarios.md"
OVER_SOCKETS = ("calm-morning", "dock-taken-in-flight", "controller-killed")
NEEDED = ("cold-morning", "pole-reboots", "unruly-link")
LEAST = 25


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_comes_as_expected(path: Path, tmp_path: Path) -> None:
    scenario = load_scenario(path)
    judged = judge(scenario, play_virtually(scenario, tmp_path))
    assert scenario.name == path.stem
    assert scenario.file.expect.missions  # something is expected of it
    not_so = [f"{check.expected.en}, but: {check.found.en}" for check in judged.checks if not check.held]
    assert not not_so, "\n".join([*not_so, *judged.story("en")])


def test_there_are_enough_of_them_and_each_has_a_story_of_two_lines_in_both_languages() -> None:
    assert len(SCENARIOS) >= LEAST
    titles = set()
    for path in SCENARIOS:
        file = load_scenario(path).file
        titles |= {file.title.en, file.title.zh}
        for story in (file.story.en, file.story.zh):
            assert 1 <= len(story.strip().splitlines()) <= 3, path.name
    assert len(titles) == 2 * len(SCENARIOS)


def test_the_page_about_scenarios_tells_the_story_of_each() -> None:
    page = DOCS.read_text(encoding="utf-8")
    for path in SCENARIOS:
        story = " ".join(load_scenario(path).file.story.en.split())
        assert f"[{path.stem}](../examples/scenarios/{path.name}) | {story} |" in page


@pytest.mark.timeout(360)
def test_three_scenarios_come_as_expected_over_real_sockets_at_five_times_real_time(tmp_path: Path) -> None:
    """One after the other: a world that keeps real time must not wait for another one's share of the processor."""
    command = [sys.executable, "-m", "controller.cli", "sim", "run", "--speed", "5", "--json", "--runs", str(tmp_path)]
    for name in OVER_SOCKETS:
        child = subprocess.run([*command, name], stdout=subprocess.PIPE, text=True, timeout=110, check=False)
        result = json.loads(child.stdout.splitlines()[-1])
        assert [check for check in result["checks"] if not check["held"]] == [], name
        assert (result["scenario"], result["as_expected"], child.returncode) == (name, True, 0)


@pytest.mark.parametrize("name", NEEDED)
def test_a_scenario_does_not_come_as_expected_without_its_faults(name: str, tmp_path: Path) -> None:
    assert not without_faults(load_scenario(example("scenarios") / f"{name}.yaml"), tmp_path).as_expected


@pytest.mark.soak
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_each_scenario_that_has_faults_needs_them(path: Path, tmp_path: Path) -> None:
    scenario = load_scenario(path)
    if scenario.faults:
        assert not without_faults(scenario, tmp_path).as_expected


def without_faults(scenario: Scenario, runs: Path) -> Judged:
    """The scenario with all its expectations, and nothing that goes wrong."""
    calm = replace(scenario, faults=())
    return judge(calm, play_virtually(calm, runs))


def test_by_day_the_night_shift_is_flown_as_a_whole(tmp_path: Path) -> None:
    night = load_scenario(example("scenarios") / "night-shift.yaml")
    noon = replace(night, starts_s=night.starts_s - 11 * 3600.0)
    missed = [check.expected.en for check in judge(noon, play_virtually(noon, tmp_path)).checks if not check.held]
    assert missed == ["west-east: refused", "west-east lands on -", "west-east because plan.closed-place"]


def test_a_drone_in_a_block_that_its_controller_does_not_see_breaks_the_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = WatchedWorld.zones
    looks = count()
    monkeypatch.setattr(WatchedWorld, "zones", lambda self: seen(self) if next(looks) == 0 else ())
    (tmp_path / "runs").mkdir()
    played = play_virtually(load_scenario(example("scenarios") / "night-shift.yaml"), tmp_path / "runs")
    assert [one.split(":")[0] for one in played.broken or () if "QUIET-1" in one] == [
        "reservations-apart",
        "out-of-blocks",
    ]


def test_the_same_seed_gives_the_same_log(tmp_path: Path) -> None:
    path = example("scenarios") / "fresh-breeze.yaml"
    logs = []
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        scenario = load_scenario(path, seed=seed)
        logs.append(play_virtually(scenario, tmp_path / folder).records)
    assert logs[0] == logs[1]
    assert logs[0] != logs[2]
