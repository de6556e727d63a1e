from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from controller.cli.app import run
from controller.cli.options import Exit
from controller.clock import scaled_tempo
from tests.controller.reading import read_store

EXAMPLE = Path(__file__).parents[3] / "examples" / "zhengzhou"
REQUEST = EXAMPLE / "pipeline.yaml"
ADDRESS = "udp:127.0.0.1:0"

Capture = pytest.CaptureFixture[str]


def quick_site(folder: Path, **changes: Any) -> Path:
    """The example's site with no drone to be heard, twenty times as fast and with five seconds of patience."""
    tree = tomllib.loads((EXAMPLE / "site.toml").read_text(encoding="utf-8"))
    tempo = scaled_tempo(20)
    tree["airspace"] = [str(EXAMPLE / "airspace.geojson")]
    tree["drones"][0]["address"] = ADDRESS
    tree["gates"] |= {"ready_within_s": 5.0, "stated_weather": {"wind_mps": 3.0, "stated_by": "Li Wei"}}
    tree["tempo"] = {
        "speed": tempo.speed,
        "utc_s": tempo.anchor_utc_s,
        "monotonic_s": tempo.anchor_monotonic_s,
    }
    path = folder / "site.toml"
    path.write_text(tomli_w.dumps(tree | changes), encoding="utf-8")
    return path


def said(capsys: Capture, *arguments: Path | str) -> tuple[int, str]:
    code = run([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return code, out


def test_a_drone_that_is_not_heard_is_refused_with_its_address_and_the_run_is_reported(
    capsys: Capture, tmp_path: Path
) -> None:
    site = quick_site(tmp_path)
    code, out = said(capsys, "fly", REQUEST, "--site", site, "--lang", "zh")
    assert code == Exit.REFUSED
    assert "[drone.not-heard]" in out
    assert ADDRESS in out
    assert "已拒绝" in out
    (folder,) = (tmp_path / "runs").iterdir()
    assert {"events.jsonl", "summary.json", "report.html", "flight.tlog"} <= {path.name for path in folder.iterdir()}
    kinds = [str(record.event.__struct_config__.tag) for record in read_store(tmp_path / "beichen.db")]
    assert kinds == ["run.started", "request.accepted", "run.finished"]
    (folder / "report.html").unlink()
    for lang, outcome in (("en", "refused"), ("zh", "已拒绝")):
        code, out = said(capsys, "report", folder, "--lang", lang)
        assert code == Exit.DONE
        assert outcome in out
        assert (folder / "report.html").stat().st_size > 1000
        (folder / "report.html").unlink()
    code, out = said(capsys, "report", folder, "--json")
    assert json.loads(out)["outcome"] == "refused"


def test_as_json_every_line_is_an_object_and_the_last_is_the_outcome(capsys: Capture, tmp_path: Path) -> None:
    code, out = said(capsys, "fly", REQUEST, "--site", quick_site(tmp_path), "--json")
    assert code == Exit.REFUSED
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"]["kind"] for line in lines[:3]] == ["run.started", "request.accepted", "run.finished"]
    assert lines[-2]["reasons"][0]["code"] == "drone.not-heard"
    assert lines[-1]["outcome"] == "refused"
    assert Path(lines[-1]["folder"]).parent == tmp_path / "runs"


def test_two_runs_of_one_second_have_folders_of_their_own(capsys: Capture, tmp_path: Path) -> None:
    for _ in range(2):
        assert said(capsys, "fly", REQUEST, "--site", quick_site(tmp_path), "--runs", tmp_path / "kept")[0] == 1
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_a_drone_that_the_site_does_not_have_is_refused_with_those_that_it_has(capsys: Capture, tmp_path: Path) -> None:
    site = quick_site(tmp_path)
    code, out = said(capsys, "fly", REQUEST, "--site", site, "--drone", "drone-9")
    assert code == Exit.REFUSED
    assert "drone-9" in out
    assert "drone-1" in out
    assert not (tmp_path / "runs").exists()
    code, out = said(capsys, "fly", REQUEST, "--site", quick_site(tmp_path, drones=[]))
    assert code == Exit.REFUSED
    assert "[site.no-drone]" in out


def test_without_a_mission_there_is_nothing_to_do(capsys: Capture, tmp_path: Path) -> None:
    code, out = said(capsys, "fly", "--site", quick_site(tmp_path))
    assert code == Exit.REFUSED
    assert "[fly.nothing]" in out


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"store": "folder/../site.toml"}, "store.damaged"),
        ({"airspace": ["none.geojson"]}, ""),
        ({"gateway": {"key": "keys/none"}}, "key.missing"),
    ],
)
def test_what_the_controller_needs_and_does_not_find_is_refused_by_name(
    capsys: Capture, tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    (tmp_path / "folder").mkdir()
    code, out = said(capsys, "fly", REQUEST, "--site", quick_site(tmp_path, **changes))
    assert code == Exit.REFUSED
    assert out.startswith(f"✗ {tmp_path}")
    assert rule in out


def test_a_folder_that_is_no_run_is_refused(capsys: Capture, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        code, out = said(capsys, "report", folder)
        assert code == Exit.REFUSED
        assert out.startswith(f"✗ {folder}: ")
        assert "[run.missing]" in out


@pytest.mark.parametrize("data", [b"", b'{"seq":1,"utc'])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_run_whose_log_breaks_off_is_still_reported(capsys: Capture, tmp_path: Path, data: bytes, lang: str) -> None:
    (tmp_path / "events.jsonl").write_bytes(data)
    code, out = said(capsys, "report", tmp_path, "--lang", lang)
    assert code == Exit.DONE
    assert ("unfinished" if lang == "en" else "未结束") in out
    assert (tmp_path / "report.html").is_file()


def test_a_console_that_goes_away_does_not_end_the_flight(tmp_path: Path) -> None:
    """`beichen demo --json | head` must not stop the controller: the run goes on to its report."""
    command = [sys.executable, "-m", "controller.cli", "demo", "--speed", "40", "--runs", str(tmp_path), "--json"]
    with subprocess.Popen([*command, "--inject", "battery=40"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == Exit.REFUSED
    (folder,) = tmp_path.glob("*-gas-main-west")
    assert (folder / "report.html").stat().st_size > 1000
    kinds = [json.loads(line)["event"]["kind"] for line in (folder / "events.jsonl").read_text().splitlines()]
    assert kinds[-1] == "run.finished"
    assert "alarm.raised" in kinds


def test_a_terminal_that_cannot_write_chinese_or_marks_still_shows_the_plan(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "controller.cli", "plan", str(REQUEST), "--lang", "zh"]
    for encoding in ("gbk", "ascii"):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert done.returncode == Exit.DONE
        assert done.stdout
