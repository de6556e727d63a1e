"""Every scenario that comes along, in virtual time; three of them over real sockets as well."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from controller.cli.demo import example
from sim.world.scenario import load_scenario
from sim.world.scenario_judge import judge
from sim.world.scenario_virtual import play_virtually

SCENARIOS = [
    path for path in sorted(example("scenarios").glob("*.yaml")) if "kind: scenario" in path.read_text("utf-8")
]
DOCS = Path(__file__).parents[3] / "docs" / "scenarios.md"
OVER_SOCKETS = ("calm-morning", "dock-taken-in-flight", "controller-killed")
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


def test_three_scenarios_come_as_expected_over_real_sockets_at_five_times_real_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "controller.cli", "sim", "run", "--speed", "5", "--json", "--runs", str(tmp_path)]
    children = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in OVER_SOCKETS]
    try:
        said = {name: child.communicate(timeout=110)[0] for name, child in zip(OVER_SOCKETS, children, strict=True)}
    finally:
        for child in children:
            child.kill()
            child.wait()
    for name, child in zip(OVER_SOCKETS, children, strict=True):
        result = json.loads(said[name].splitlines()[-1])
        assert [check for check in result["checks"] if not check["held"]] == [], name
        assert (result["scenario"], result["as_expected"], child.returncode) == (name, True, 0)


def test_the_same_seed_gives_the_same_log(tmp_path: Path) -> None:
    path = example("scenarios") / "fresh-breeze.yaml"
    logs = []
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        scenario = load_scenario(path, seed=seed)
        logs.append(play_virtually(scenario, tmp_path / folder).records)
    assert logs[0] == logs[1]
    assert logs[0] != logs[2]
