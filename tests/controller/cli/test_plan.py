from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from controller.cli.app import run
from controller.cli.options import Exit
from missions.plan import Plan
from missions.qgc_plan import read_qgc_plan
from missions.waypoints import read_waypoints

EXAMPLE = Path(__file__).parents[3] / "examples" / "zhengzhou"
REQUEST, SITE = EXAMPLE / "pipeline.yaml", EXAMPLE / "site.toml"

Capture = pytest.CaptureFixture[str]


def planned(capsys: Capture, *arguments: Path | str) -> tuple[int, str]:
    """The exit code and the output of `beichen plan`, which writes nothing to standard error."""
    code = run(["plan", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert err == ""
    return code, out


def request(folder: Path, **changes: Any) -> Path:
    """The example's request with some fields changed, beside no site file."""
    tree = yaml.safe_load(REQUEST.read_text(encoding="utf-8")) | changes
    path = folder / "request.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def plan_in(text: str) -> Plan:
    return msgspec.json.decode(text, type=Plan)


def test_json_is_the_plan_and_nothing_else(capsys: Capture) -> None:
    code, out = planned(capsys, REQUEST, "--json")
    assert code == Exit.DONE
    plan = plan_in(out)
    assert plan.name == "gas-main-west"
    assert plan.volumes
    assert all(check.passed for check in plan.checks)


SHOWN = {
    "en": ("leg", "survey", "km", "min", "Wh", "volumes", "photos"),
    "zh": ("航段", "巡检", "公里", "分钟", "能量", "空域体", "照片"),
}


@pytest.mark.parametrize(("lang", "words"), SHOWN.items())
def test_legs_time_energy_volumes_and_checks_are_shown(capsys: Capture, lang: str, words: tuple[str, ...]) -> None:
    _, out = planned(capsys, REQUEST, "--json")
    plan = plan_in(out)
    code, out = planned(capsys, REQUEST, "--lang", lang)
    assert code == Exit.DONE
    assert [word for word in words if word not in out] == []
    for check in plan.checks:
        assert (check.zh if lang == "zh" else check.en) in out
    assert f"{plan.energy_wh:.0f}" in out
    assert f"{plan.duration_s / 60:.1f}" in out
    assert sum(line.rstrip().endswith("Wh") for line in out.splitlines()) >= len(plan.legs)


def test_stronger_wind_takes_more_energy_and_too_strong_a_wind_is_refused(capsys: Capture) -> None:
    energy = [plan_in(planned(capsys, REQUEST, "--json", "--wind", wind)[1]).energy_wh for wind in ("0", "9")]
    assert energy[0] < energy[1]
    code, out = planned(capsys, REQUEST, "--wind", "11")
    assert code == Exit.REFUSED
    assert "[plan.wind]" in out


@pytest.mark.parametrize("suffix", [".plan", ".waypoints", ".geojson", ".kml"])
def test_a_plan_is_written_in_the_format_that_its_name_asks_for(capsys: Capture, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"gas{suffix}"
    code, said = planned(capsys, REQUEST, "--json", "--out", out)
    assert code == Exit.DONE
    items = plan_in(said).items
    match suffix:
        case ".plan":
            assert len(read_qgc_plan(out.read_bytes(), "gas.plan").items) == len(items)
        case ".waypoints":
            assert len(read_waypoints(out.read_bytes(), "gas.waypoints").items) == len(items)
        case ".geojson":
            assert json.loads(out.read_text(encoding="utf-8"))["type"] == "FeatureCollection"
        case ".kml":
            assert ET.fromstring(out.read_text(encoding="utf-8").encode()).tag.endswith("kml")


@pytest.mark.parametrize(
    ("name", "code"), [("gas.pdf", "plan.format"), ("gas", "plan.format"), ("none/gas.kml", "file.not-written")]
)
def test_what_cannot_be_written_is_refused(capsys: Capture, tmp_path: Path, name: str, code: str) -> None:
    exit_code, out = planned(capsys, REQUEST, "--out", tmp_path / name)
    assert exit_code == Exit.REFUSED
    assert f"[{code}]" in out
    assert str(tmp_path / name) in out
    assert not (tmp_path / name).exists()


def test_a_request_with_two_problems_gets_two_lines_with_their_places(capsys: Capture, tmp_path: Path) -> None:
    path = request(tmp_path, speed_mps="fast", height_agl_m=-5)
    code, out = planned(capsys, path, "--site", SITE)
    assert code == Exit.REFUSED
    lines = out.splitlines()
    assert len(lines) == 2
    for line, field in zip(sorted(lines), ("height_agl_m", "speed_mps"), strict=True):
        number = path.read_text(encoding="utf-8").splitlines().index(next(_lines_with(path, field))) + 1
        assert line.startswith(f"✗ {path}:{number} {field}: ")


def _lines_with(path: Path, field: str) -> Any:
    return (line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(field))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_refusals_as_json_hold_every_reason_in_both_languages(capsys: Capture, tmp_path: Path, lang: str) -> None:
    code, out = planned(capsys, request(tmp_path, speed_mps="fast", height_agl_m=-5), "--json", "--lang", lang)
    assert code == Exit.REFUSED
    said = json.loads(out)
    assert said["outcome"] == "refused"
    assert len(said["reasons"]) == 2
    assert all(reason["en"] != reason["zh"] and reason["code"] for reason in said["reasons"])


@pytest.mark.parametrize(
    ("data", "place"),
    [(None, ""), (b"line: [\n", ":2"), (b"- a\n- b\n", ""), (b"\xff\xfe\x00\x01", ""), (b"", "")],
)
def test_a_mission_that_is_missing_or_malformed_is_refused_by_its_place(
    capsys: Capture, tmp_path: Path, data: bytes | None, place: str
) -> None:
    path = tmp_path / "request.yaml"
    if data is not None:
        path.write_bytes(data)
    code, out = planned(capsys, path, "--site", SITE)
    assert code == Exit.REFUSED
    assert out.startswith(f"✗ {path}{place}")
    assert len(out.splitlines()) == 1


def test_a_site_that_is_nowhere_is_refused_with_where_one_is(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out = planned(capsys, request(tmp_path))
    assert code == Exit.REFUSED
    assert "[site.missing]" in out
    assert "--site" in out
    code, out = planned(capsys, request(tmp_path), "--site", tmp_path / "other.toml")
    assert code == Exit.REFUSED
    assert "[site.unreadable]" in out


def test_the_site_beside_the_mission_or_here_is_taken(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert planned(capsys, REQUEST, "--json")[0] == Exit.DONE
    monkeypatch.chdir(EXAMPLE)
    assert planned(capsys, request(tmp_path), "--json")[0] == Exit.DONE
