from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from controller.cli.app import language_of, run
from controller.cli.options import Exit
from controller.cli.words import HELP

REPOSITORY = Path(__file__).parents[3]
VERBS = ("demo", "plan", "fly", "report", "sim")


def has_chinese(text: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in text)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--help", "--lang", "zh"], ["--lang=zh", "--help"]])
def test_help_lists_every_verb_in_the_language_asked_for(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(arguments) == Exit.DONE
    out, err = capsys.readouterr()
    assert err == ""
    listed = {line.split()[1] for line in out.splitlines() if line.startswith("│")}
    assert set(VERBS) <= listed
    assert HELP.text(language_of(arguments)) in out
    assert has_chinese(out) is (language_of(arguments) == "zh")


@pytest.mark.parametrize("verb", [["demo"], ["plan"], ["fly"], ["report"], ["sim", "city"]])
def test_each_verb_explains_its_options(capsys: pytest.CaptureFixture[str], verb: list[str]) -> None:
    assert run([*verb, "--help"]) == Exit.DONE
    out, err = capsys.readouterr()
    assert err == ""
    assert "--lang" in out
    assert "--json" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["plan"],
        ["plan", "a.yaml", "--wind", "strong"],
        ["plan", "a.yaml", "--lang", "fr"],
        ["plan", "a.yaml", "--colour"],
        ["report"],
        ["sim", "city"],
        ["sim", "town"],
        ["demo", "--speed", "0"],
        ["demo", "--speed", "nan"],
        ["sim", "city", "a.yaml", "--into", "b", "--speed", "1001"],
        ["demo", "--seed", "one"],
    ],
    ids=" ".join,
)
def test_bad_usage_ends_with_2_and_nothing_on_standard_output(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(arguments) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err


@pytest.mark.parametrize(
    ("arguments", "lang"),
    [
        (["plan", "--lang", "zh"], "zh"),
        (["--lang=zh", "plan"], "zh"),
        (["plan", "--lang", "en"], "en"),
        (["plan", "zh"], "en"),
        (["plan", "--lang"], "en"),
        ([], "en"),
    ],
)
def test_the_language_is_found_wherever_it_stands(arguments: list[str], lang: str) -> None:
    assert language_of(arguments) == lang


def test_the_command_is_a_process_with_the_same_exit_codes() -> None:
    def process(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "controller.cli", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", cwd=REPOSITORY, timeout=60, check=False
        )

    said = process("--help", "--lang", "zh")
    assert (said.returncode, said.stderr) == (0, "")
    assert HELP.zh in said.stdout
    refused = process("plan", "nowhere.yaml", "--lang", "zh")
    assert (refused.returncode, refused.stderr) == (1, "")
    assert "nowhere.yaml" in refused.stdout
    assert has_chinese(refused.stdout)
    assert process("plan").returncode == 2
