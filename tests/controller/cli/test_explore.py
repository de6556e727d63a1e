"""`beichen sim explore`: days are lived, a failing one is shrunk and written, and its file can be lived again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import controller.cli.sim.explore as verb
from controller.cli.app import run as main
from sim.world.days.day import read_day
from tests.sim.world.planted_bugs import fence_off_by_one_leg

SMALL = ("--seeds", "1", "--first", "3", "--drones", "2", "--poles", "12", "--minutes", "4", "--jobs", "1")


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """The JSON lines of standard output."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_failing_day_is_shrunk_written_and_fails_again_when_it_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verb, "SHRINK_DAYS", 2)
    with pytest.MonkeyPatch.context() as patch:
        fence_off_by_one_leg(patch)
        assert main(["sim", "explore", *SMALL, "--into", str(tmp_path), "--json"]) == 1
        verdict, shrunk, tally = said(capsys)
        assert verdict["verdict"]["breaches"][0]["invariant"] == "holds-its-plan"  # type: ignore[index]
        path = Path(shrunk["shrunk"]["path"])  # type: ignore[index]
        assert tally["tally"]["breaches"] == {"holds-its-plan": 1}  # type: ignore[index]
        assert read_day(path).seed == 3
        assert main(["sim", "explore", "--replay", str(path)]) == 1
        text = capsys.readouterr().out
        assert "holds-its-plan" in text
        assert "the fence does not hold the way" in text
        assert "flight.phase" in text  # the events before it
    assert main(["sim", "explore", "--replay", str(path), "--lang", "zh"]) == 0
    assert "全部不变量成立" in capsys.readouterr().out


def test_a_file_that_is_no_day_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "day.yaml").write_text("hello: 1", encoding="utf-8")
    assert main(["sim", "explore", "--replay", str(tmp_path / "day.yaml")]) == 1
    assert "hello" in "".join(capsys.readouterr())


def test_too_few_poles_for_the_drones_are_refused_with_how_many_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "explore", "--seeds", "1", "--drones", "7", "--poles", "8"]) == 2
    said_then = " ".join("".join(capsys.readouterr()).split())
    assert "[city.too-few-poles]" in said_then
    assert "at least 9 poles" in said_then


@pytest.mark.parametrize(
    "options", [["--jobs", "0"], ["--jobs", "-1"], ["--seeds", "0"], ["--drones", "9", "--poles", "8"]]
)
def test_what_cannot_be_is_bad_usage(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "explore", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--" in err


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["sim", "explore", *SMALL, "--into", str(tmp_path / "file" / "x")]) == 1
    assert "[folder.unwritable]" in capsys.readouterr().out
    monkeypatch.setattr("controller.run.os.access", lambda path, mode: False)
    assert main(["sim", "explore", *SMALL, "--into", str(tmp_path)]) == 1
    assert "Permission denied" in capsys.readouterr().out
