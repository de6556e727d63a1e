from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from airspace.reasons import Reason, Refused
from controller.cli.app import run
from controller.cli.options import Exit
from sim.city_file import load_city

EXAMPLE = Path(__file__).parents[3] / "examples" / "zhengzhou" / "city.yaml"
ABSENT = object()


def written(folder: Path, field: str, value: Any) -> Path:
    """The example's city with one field changed, added or left out; a field is written as `drones.0.id`."""
    tree = copy.deepcopy(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")))
    *way, last = [int(part) if part.isdigit() else part for part in field.split(".")]
    table: Any = tree
    for part in way:
        table = table[part]
    if value is ABSENT:
        del table[last]
    else:
        table[last] = value
    path = folder / "city.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def refused(path: Path) -> Reason:
    with pytest.raises(Refused) as caught:
        load_city(path)
    (reason,) = caught.value.reasons
    assert reason.rule.code.startswith("city.")
    assert "\n" not in reason.text("en") + reason.text("zh")
    assert reason.text("zh").startswith(str(path))
    return reason


def test_the_example_loads() -> None:
    city = load_city(EXAMPLE)
    assert [drone.id for drone in city.drones] == ["drone-1"]
    assert len(city.poles) == 4


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("name", ABSENT, ""),
        ("name", 7, "name"),
        ("sky", "blue", ""),
        ("origin.lat_deg", 95.0, "origin.lat_deg"),
        ("origin.lat_deg", float("nan"), "origin.lat_deg"),
        ("origin.lon_deg", "east", "origin.lon_deg"),
        ("ground.amsl_m", 9000.0, "ground.amsl_m"),
        ("ground.geoid_m", ABSENT, "ground"),
        ("weather.wind_mps", -1.0, "weather.wind_mps"),
        ("weather.gust_mps", 11.0, "weather.gust_mps"),
        ("weather.snow_mmph", 1.0, "weather"),
        ("drones.0.heading_deg", 360.0, "drones[0].heading_deg"),
        ("drones.0.lat_deg", ABSENT, "drones[0]"),
        ("poles.1.services", "lamp", "poles[1].services"),
        ("poles.1.services", ["lamp", "dcok"], "poles[1].services"),
        ("poles.1.code", "410105-LP-000001", "poles"),
        ("drones", [{"id": "a", "lat_deg": 34.7, "lon_deg": 113.6}] * 2, "drones"),
        ("open_ground.2.lon_deg", 200.0, "open_ground[2].lon_deg"),
        ("airspace", "airspace.geojson", "airspace"),
    ],
)
def test_a_bad_field_is_named(tmp_path: Path, field: str, value: Any, where: str) -> None:
    path = written(tmp_path, field, value)
    assert refused(path).where == (f"{path}: {where}" if where else str(path))


@pytest.mark.parametrize("data", [None, b"", b"a: [", b"- 1\n", b"\xff\xfe"])
def test_what_is_no_city_is_refused(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "city.yaml"
    if data is not None:
        path.write_bytes(data)
    refused(path)


def test_the_command_line_passes_the_refusal_on(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = written(tmp_path, "weather.wind_mps", "calm")
    assert run(["sim", "city", str(path), "--into", str(tmp_path / "city")]) == Exit.REFUSED
    out, err = capsys.readouterr()
    assert err == ""
    assert f"{path}: weather.wind_mps" in out
    assert not (tmp_path / "city").exists()
