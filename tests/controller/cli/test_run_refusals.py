"""`beichen sim run`: what it refuses before anything is played."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.cli.app import run
from controller.cli.options import Exit


def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (tmp_path / "nowhere" / "x.xml", tmp_path):
        assert (
            run(["sim", "run", "calm-morning", "--junit", str(place), "--runs", str(tmp_path / "runs")]) == Exit.REFUSED
        )
        out = capsys.readouterr().out
        assert f"--junit {place}" in "".join(out.split("\n"))
        assert "[scenario.no-junit]" in out
    assert not list(tmp_path.iterdir())


def test_a_report_whose_run_is_refused_leaves_no_file_and_spoils_none(tmp_path: Path) -> None:
    kept = tmp_path / "kept.xml"
    kept.write_text("before", encoding="utf-8")
    for name in ("new.xml", "kept.xml"):
        assert run(["sim", "run", "no-such-scenario", "--junit", str(tmp_path / name)]) == Exit.REFUSED
    assert [path.name for path in tmp_path.iterdir()] == ["kept.xml"]
    assert kept.read_text(encoding="utf-8") == "before"


def test_a_folder_without_scenarios_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "city.yaml").write_text("beichen: 1\nkind: city\n", encoding="utf-8")
    assert run(["sim", "run", str(tmp_path)]) == Exit.REFUSED
    assert "[scenario.empty-folder]" in capsys.readouterr().out


@pytest.mark.parametrize("seed", ["-1", str(2**31)])
@pytest.mark.parametrize("verb", [["run", "calm-morning"], ["city", "x.yaml", "--into", "x"], ["drones"]])
def test_a_seed_has_the_bounds_of_the_scenario_file(
    verb: list[str], seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sim", *verb, "--seed", seed]) == Exit.USAGE
    assert "--seed" in capsys.readouterr().err
