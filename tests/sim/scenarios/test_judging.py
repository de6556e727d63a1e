"""Expectations that are not met: each is told with what was found, on the console, as JSON and as JUnit XML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from defusedxml import ElementTree

from airspace.reasons import Lang
from controller.cli.app import run
from controller.cli.demo import example
from controller.cli.options import Exit
from controller.cli.words import ORDERS
from controller.events import CommandAnswered
from sim.world.scenarios.judging import Judged, judge
from sim.world.scenarios.junit import junit_xml
from sim.world.scenarios.play import Played
from sim.world.scenarios.scenario import load_scenario
from sim.world.scenarios.virtual import play_virtually
from sim.world.truth import DroneTruth

CALM = example("scenarios") / "calm-morning.yaml"
STORM = example("scenarios") / "strong-wind.yaml"


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The calm morning, played once."""
    return play_virtually(load_scenario(CALM), tmp_path_factory.mktemp("calm"))


def judged_otherwise(folder: Path, calm: Played, expect: str) -> Judged:
    """What happened on the calm morning against other expectations."""
    text = CALM.read_text(encoding="utf-8")
    text = text[: text.index("expect:")].replace("hamlet.yaml", str(CALM.parent / "hamlet.yaml"))
    path = folder / "otherwise.yaml"
    path.write_text(text.replace("requests/", f"{CALM.parent}/requests/") + "expect:\n" + expect, encoding="utf-8")
    return judge(load_scenario(path), calm)


@pytest.mark.parametrize(
    ("expect", "expected", "found"),
    [
        ("  missions: {west-east: {outcome: refused}}", "west-east: refused", "completed"),
        (
            "  missions: {west-east: {lands_on: meadow}}",
            "west-east lands on meadow",
            "410105-LP-000003",
        ),
        ("  missions: {west-east: {within_s: 10}}", "west-east within 10 s", "161 s"),
        ("  missions: {west-east: {drone: drone-2}}", "west-east is flown by drone-2", "drone-1"),
        ("  missions: {west-east: {reasons: [flight.lost]}}", "west-east because flight.lost", "nothing"),
        ("  missions: {west-east: {facts: [photos > 999]}}", "west-east: photos > 999", "10"),
        ("  alarms: [link.lost]", "alarm link.lost", "nothing"),
        ("  truth: [frames_lost > 0]", "frames_lost > 0", "0"),
        ("  eventually: [flight.phase phase=holding mission=west-east, run.finished outcome=failed]",
         "run.finished outcome=failed", "0 times"),
        ("  never: [command.answered command=arm outcome=accepted]",
         "never command.answered command=arm outcome=accepted", "1 times"),
    ],
)  # fmt: skip
def test_an_expectation_that_is_not_met_is_told_with_what_was_found(
    tmp_path: Path, calm: Played, expect: str, expected: str, found: str
) -> None:
    judged = judged_otherwise(tmp_path, calm, expect)
    (missed,) = [check for check in judged.checks if not check.held]
    assert not judged.as_expected
    assert (missed.expected.en, missed.found.en) == (expected, found)
    assert missed.expected.zh


def test_a_drone_that_is_not_down_and_a_broken_invariant_are_told(tmp_path: Path, calm: Played) -> None:
    truth, calm.truth = calm.truth, {"drone-1": DroneTruth(landed=False, armed=True)}
    calm.broken = ("kept-apart: drone-1 and drone-2 3.1 m apart",)
    try:
        judged = judged_otherwise(tmp_path, calm, "  missions: {}")
        excused = judged_otherwise(tmp_path, calm, "  invariants: false\n  down: false")
    finally:
        calm.truth, calm.broken = truth, ()
    assert [check.found.en for check in judged.checks if not check.held] == [
        "drone-1",
        "kept-apart: drone-1 and drone-2 3.1 m apart",
    ]
    assert excused.as_expected


def test_junit_has_the_shape_of_its_schema(tmp_path: Path, calm: Played) -> None:
    """Attributes, children and their order as JUnit.xsd of Ant's junitreport asks for them."""
    good = judge(load_scenario(CALM), calm)
    bad = judged_otherwise(tmp_path, calm, "  alarms: [link.lost, battery.low]")
    root = ElementTree.fromstring(junit_xml([good, bad]))
    assert root.tag == "testsuites"
    assert [suite.get("id") for suite in root] == ["0", "1"]
    for suite, judged in zip(root, (good, bad), strict=True):
        assert set(suite.keys()) == {
            "id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "time",
        }  # fmt: skip
        assert suite.get("timestamp") == "2026-05-18T01:00:00"
        tags = [child.tag for child in suite]
        assert tags == ["properties", *["testcase"] * len(judged.checks), "system-out", "system-err"]
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        assert int(suite.get("failures", "")) == len([case for case in cases if case.find("failure") is not None])
        for case in cases:
            assert set(case.keys()) == {"name", "classname", "time"}
        assert "takes off" in (suite.findtext("system-out") or "")
    failure = root[1].find("testcase/failure")
    assert failure is not None
    assert (failure.get("message"), failure.get("type")) == ("nothing", "expectation")


def test_the_command_line_says_what_happened_and_writes_junit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "junit.xml"
    assert run(["sim", "run", str(STORM), "--runs", str(tmp_path / "runs"), "--junit", str(out)]) == Exit.DONE
    said = capsys.readouterr().out
    assert "Strong wind (strong-wind, seed 1)  as expected" in said
    assert "mean wind [m/s]" in said
    assert "scenarios that came as expected: 1 of 1" in said
    assert ElementTree.fromstring(out.read_bytes())[0].get("failures") == "0"


def test_the_command_line_fails_when_one_scenario_does_and_says_how_to_repeat_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        STORM.read_text(encoding="utf-8")
        .replace("wind=18", "wind=2")
        .replace("hamlet.yaml", f"{STORM.parent}/hamlet.yaml")
    )
    path = tmp_path / "mild.yaml"
    path.write_text(text.replace("requests/", f"{STORM.parent}/requests/"), encoding="utf-8")
    options = ["--runs", str(tmp_path / "runs"), "--seed", "7"]
    assert run(["sim", "run", str(path), "--lang", "zh", *options]) == Exit.REFUSED
    said = capsys.readouterr().out
    assert "不符合预期" in said
    assert f"beichen sim run {path} --seed 7" in said
    assert run(["sim", "run", str(path), "--json", *options]) == Exit.REFUSED
    result = json.loads(capsys.readouterr().out)
    assert (result["as_expected"], result["seed"]) == (False, 7)
    assert result["missions"]["west-east"]["outcome"] == "completed"


def test_what_is_no_scenario_is_refused_with_those_that_come_along(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sim", "run", "no-such-thing", "--runs", str(tmp_path)]) == Exit.REFUSED
    said = capsys.readouterr().out
    assert "[scenario.none]" in said
    assert "calm-morning" in said
    assert run(["sim", "run", "calm-morning", "--virtual", "--speed", "5", "--runs", str(tmp_path)]) == Exit.USAGE


def test_a_fault_of_something_that_the_city_does_not_have_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = STORM.read_text(encoding="utf-8").replace("wind=18", "pole:410105-LP-000077=silent")
    text = text.replace("hamlet.yaml", f"{STORM.parent}/hamlet.yaml")
    path = tmp_path / "nowhere.yaml"
    path.write_text(text.replace("requests/", f"{STORM.parent}/requests/"), encoding="utf-8")
    assert run(["sim", "run", str(path), "--runs", str(tmp_path / "runs")]) == Exit.REFUSED
    assert "[inject.no-target]" in capsys.readouterr().out


def test_the_names_of_junit_cases_are_the_same_in_every_language(tmp_path: Path, calm: Played) -> None:
    judged = judged_otherwise(tmp_path, calm, "  alarms: [link.lost]")

    def names(lang: Lang) -> list[str | None]:
        return [case.get("name") for case in ElementTree.fromstring(junit_xml([judged], lang)).iter("testcase")]

    assert names("zh") == names("en")
    assert "alarm link.lost" in names("zh")


def test_outcomes_and_alarms_are_told_in_chinese(tmp_path: Path, calm: Played) -> None:
    said = [check.expected.zh for check in judge(load_scenario(CALM), calm).checks]
    assert any("已完成" in line for line in said)
    judged = judged_otherwise(tmp_path, calm, "  alarms: [link.lost]")
    said = [check.expected.zh for check in judged.checks]
    assert any(line.startswith("告警 link.lost（") and "无消息" in line and "{" not in line for line in said)


def test_every_order_of_a_flight_has_words(calm: Played) -> None:
    orders = [record.event.command for record in calm.records if isinstance(record.event, CommandAnswered)]
    assert len(set(orders)) > 5
    assert all(order in ORDERS or order.startswith(("land at ", "go down to ")) for order in orders)
