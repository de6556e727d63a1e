"""`beichen poles conform`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from controller.cli.app import run
from poles.conformance import PARAGRAPHS, TRIALS

AGENT = f"{sys.executable} -m tests.poles.conformance.under_test"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["poles", "conform", *arguments]) == 2
    return capsys.readouterr().err


def test_a_client_that_does_as_it_should_ends_0_and_a_ci_server_reads_how(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junit = tmp_path / "junit.xml"
    more = ["--junit", str(junit), "--folder", str(tmp_path / "kept"), "--patience", "2"]
    assert run(["poles", "conform", "--client", AGENT, "--trial", "a-client-that-is-told-to-end", *more]) == 0
    out, err = capsys.readouterr()
    assert "§13.4  pass" in out
    assert "§6.2" not in out  # nobody asked for it
    assert err == "1 of 1: a-client-that-is-told-to-end\n"
    assert str(tmp_path / "kept") in out
    suite = ET.parse(junit).getroot()[0]
    assert int(suite.attrib["tests"]) == len(PARAGRAPHS) == len(suite)
    assert suite.attrib["failures"] == "0"
    assert int(suite.attrib["skipped"]) == sum(case.find("skipped") is not None for case in suite)


def test_a_client_that_does_nothing_ends_1_and_says_the_paragraph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    idle = f"{sys.executable} -c 'import time; time.sleep(60)'"
    more = ["--folder", str(tmp_path), "--patience", "0.05", "--junit", str(tmp_path / "junit.xml")]
    assert run(["poles", "conform", "--client", idle, "--trial", "commands", "--json", *more]) == 1
    found = {row["paragraph"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert found["§4.1"]["verdict"] == "fail"
    assert found["§4.1"]["seen"] == ["commands: no hello came within 1 s"]
    assert found["§6.2"]["verdict"] == "not applicable"
    assert found.keys() <= {
        "§4.1",
        *(each for trial in TRIALS if trial.name == "commands" for each in trial.paragraphs),
    }
    failure = ET.parse(tmp_path / "junit.xml").find(".//failure")
    assert failure is not None
    assert failure.text == "commands: no hello came within 1 s"


def test_what_was_seen_is_told_in_chinese_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    idle = f"{sys.executable} -c 'import time; time.sleep(60)'"
    more = ["--folder", str(tmp_path), "--patience", "0.05", "--lang", "zh"]
    assert run(["poles", "conform", "--client", idle, "--trial", "commands", "--trial", "settings", *more]) == 1
    out, err = capsys.readouterr()
    assert "commands：1 秒内未收到 hello" in out
    assert "试验在此之前已结束" in out
    assert {line.split("：")[0] for line in err.splitlines()} == {"1/2", "2/2"}
    below = [line for line in out.splitlines() if line.startswith("         ")]
    assert below
    assert all(re.search("[\u4e00-\u9fff]", line) for line in below)


def test_what_the_kit_cannot_do_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "conform.one-way" in refused(capsys)
    assert "conform.one-way" in refused(capsys, "--client", "true", "--endpoint", "tcp://127.0.0.1:0")
    assert "conform.no-program" in refused(capsys, "--client", "no-such-program --fast")
    assert "a-power-cut" in refused(capsys, "--client", "true", "--trial", "dance")


def test_a_junit_file_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = str(tmp_path / "no" / "junit.xml")
    more = ["--folder", str(tmp_path / "kept"), "--patience", "0.01", "--junit", nowhere]
    assert run(["poles", "conform", "--client", "true", "--trial", "commands", *more]) == 1
    captured = capsys.readouterr()
    assert "file.not-written" in captured.out
    assert captured.err == ""  # it is told before anything is tried


@pytest.mark.soak
def test_a_client_that_was_started_by_hand_is_led_through_what_needs_no_start(tmp_path: Path) -> None:
    conform = [sys.executable, "-m", "controller.cli", "poles", "conform", "--endpoint", "tcp://127.0.0.1:0", "--json"]
    more = ["--patience", "2", "--folder", str(tmp_path / "kept")]
    with subprocess.Popen([*conform, *more], stdout=subprocess.PIPE, text=True) as kit:
        assert kit.stdout is not None
        told = json.loads(kit.stdout.readline())["environment"]
        own = {"BEICHEN_CAPACITY": "10000", "BEICHEN_RING": str(tmp_path / "ring")}
        with subprocess.Popen(AGENT.split(), env=os.environ | told | own) as client:
            rows = [json.loads(line) for line in kit.stdout]
            client.kill()
    found = {row["paragraph"]: row for row in rows}
    assert [row for row in rows if row["verdict"] == "fail"] == []
    assert kit.returncode == 0
    assert found["§6.2"]["verdict"] == "pass"
    assert found["§5.11"]["verdict"] == found["§13.4"]["verdict"] == "not applicable"
    assert found["§5.11"]["seen"] == ["the kit did not start the client: give --client"]
