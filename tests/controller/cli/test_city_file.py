from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from shapely.geometry import LineString, Point

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Reason, Refused
from controller.cli.app import run
from controller.cli.options import Exit
from sim.city_file import load_city, save_city
from sim.place.ground import load_ground

EXAMPLE = Path(__file__).parents[3] / "examples" / "zhengzhou" / "city.yaml"
ABSENT = object()
BESIDE = ("airspace.geojson", "buildings.geojson")  # what the example names


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
    for name in BESIDE:
        (folder / name).touch()
    path = folder / "city.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def refused(path: Path) -> Reason:
    with pytest.raises(Refused) as caught:
        load_city(path)
    (reason,) = caught.value.reasons
    assert reason.rule.code.startswith(("city.", "yaml."))
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
        ("sky", "blue", "sky"),
        ("origin.lat_deg", 95.0, "origin.lat_deg"),
        ("origin.lat_deg", float("nan"), "origin.lat_deg"),
        ("origin.lon_deg", "east", "origin.lon_deg"),
        ("ground.amsl_m", 9000.0, "ground.amsl_m"),
        ("ground.geoid_m", ABSENT, "ground"),
        ("weather.wind_mps", -1.0, "weather.wind_mps"),
        ("weather.gust_mps", 11.0, "weather.gust_mps"),
        ("weather.snow_mmph", 1.0, "weather.snow_mmph"),
        ("drones.0.heading_deg", 360.0, "drones[0].heading_deg"),
        ("drones.0.lat_deg", ABSENT, "drones[0]"),
        ("poles.1.services", "lamp", "poles[1].services"),
        ("poles.1.services", ["lamp", "dcok"], "poles[1].services"),
        ("poles.1.code", "410105-LP-000001", "poles[1].code"),
        ("drones", [{"id": "a", "lat_deg": 34.7, "lon_deg": 113.6}] * 2, "drones[1].id"),
        ("open_ground.2.lon_deg", 200.0, "open_ground[2].lon_deg"),
        ("airspace", "airspace.geojson", "airspace"),
        ("cells.1.name", "west", "cells[1].name"),
        ("cells.0.range_m", 0.0, "cells[0].range_m"),
        ("terrain", {"path": "dem.tif", "heights": "sea"}, "terrain.heights"),
        ("report_every_s", 0.0, "report_every_s"),
        ("corrections", "none", "corrections"),
        ("drones.0.personality", "betaflight", "drones[0].personality"),
        ("drones.0.battery_pct", 101.0, "drones[0].battery_pct"),
        ("weather.fronts", [{"at_s": 60.0, "from_deg": 10.0}], "weather.fronts[0]"),
        (
            "weather.fronts",
            [{"at_s": at_s, "wind_mps": 5.0, "from_deg": 10.0} for at_s in (60.0, 100.0)],
            "weather.fronts[1].at_s",
        ),
        (
            "weather.rain_cells",
            [{"at_s": 0.0, "lasts_s": 9.0, "lat_deg": 34.0, "lon_deg": 113.0, "radius_m": 0.0, "rain_mmph": 9.0}],
            "weather.rain_cells[0].radius_m",
        ),
        ("traffic", [{"id": "B-1", "path": []}], "traffic[0].path"),
        (
            "traffic",
            [{"id": "B-1", "repeats": True, "path": [{"lat_deg": 34.7, "lon_deg": 113.6, "agl_m": 99.0}]}],
            "traffic[0].path",
        ),
        (
            "traffic",
            [{"id": "B-1", "path": [{"lat_deg": 34.7, "lon_deg": 113.6, "agl_m": -1.0}]}],
            "traffic[0].path[0].agl_m",
        ),
    ],
)
def test_a_bad_field_is_named(tmp_path: Path, field: str, value: Any, where: str) -> None:
    path = written(tmp_path, field, value)
    assert re.fullmatch(rf"{re.escape(str(path))}:\d+ ?{re.escape(where)}", refused(path).where)


@pytest.mark.parametrize("data", [None, b"", b"a: [", b"- 1\n", b"\xff\xfe"])
def test_what_is_no_city_is_refused(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "city.yaml"
    if data is not None:
        path.write_bytes(data)
    refused(path)


def test_all_that_is_wrong_with_names_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "poles.1.code", "410105-LP-000001")
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    tree["cells"][1]["name"] = tree["cells"][0]["name"]
    tree["poles"][2]["services"] = ["dcok"]
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    with pytest.raises(Refused) as caught:
        load_city(path)
    assert [reason.rule.code for reason in caught.value.reasons] == [
        "city.repeated", "city.repeated", "city.unknown-service",
    ]  # fmt: skip


def test_files_that_are_not_beside_it_are_all_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "terrain", {"path": "dem.tif"})
    for name in BESIDE:
        (tmp_path / name).unlink()
    with pytest.raises(Refused) as caught:
        load_city(path)
    assert {reason.rule.code for reason in caught.value.reasons} == {"yaml.no-file"}
    fields = [reason.where.partition(" ")[2] for reason in caught.value.reasons]
    assert fields == ["airspace[0]", "buildings[0]", "terrain.path"]


@pytest.mark.parametrize("field", ["drones.0", "poles.2", "cells.0", "open_ground.1"])
def test_what_stands_too_far_from_the_origin_is_refused(tmp_path: Path, field: str) -> None:
    reason = refused(written(tmp_path, f"{field}.lat_deg", 42.0))
    assert reason.rule.code == "city.too-far"
    assert reason.where.endswith(f"{field.replace('.', '[')}].lat_deg")
    assert "50 km" in reason.text("en")
    path = written(tmp_path, f"{field}.lat_deg", 34.7 + 45.0 / 111.0)
    assert load_city(path)


@pytest.mark.parametrize(
    ("field", "value", "en", "zh"),
    [
        ("name", ABSENT, "missing required field `name`", "缺少必填字段 name"),
        ("orgin", {}, "did you mean `origin`?", "未知字段 orgin，是否应为 origin"),
        ("drones.0.batery_pct", 5, "did you mean `battery_pct`?", "是否应为 battery_pct"),
        ("corrections", "none", "allowed: network, radio", "'none' 不在允许的取值之内：network, radio"),
        ("name", 7, "Expected `str`, got `int`", "应为文本，实际为整数"),
        ("origin.lat_deg", 95.0, "Expected `float` <= 85.0", "超出范围：数值应 <= 85.0"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_both_languages(
    tmp_path: Path, field: str, value: Any, en: str, zh: str
) -> None:
    reason = refused(written(tmp_path, field, value))
    assert en in reason.text("en")
    assert zh in reason.text("zh")


def test_a_city_reads_back_as_it_was_written(tmp_path: Path) -> None:
    for name in BESIDE:
        (tmp_path / name).touch()
    save_city(load_city(EXAMPLE), tmp_path / "city.yaml")
    assert load_city(tmp_path / "city.yaml") == load_city(EXAMPLE)


def test_the_example_flies_clear_of_what_is_built_there() -> None:
    """Nothing higher than the low blocks stands within 200 m of the inspection, nor anything near a pole."""
    city = load_city(EXAMPLE)
    frame = LocalFrame(LatLon(city.origin.lat_deg, city.origin.lon_deg))
    buildings = load_ground(city, EXAMPLE.parent).buildings
    request = yaml.safe_load((EXAMPLE.parent / "pipeline.yaml").read_text(encoding="utf-8"))
    line = LineString([frame.xy(LatLon(at["lat_deg"], at["lon_deg"])) for at in request["line"]])
    assert len(buildings.solids) > 100
    assert buildings.highest_m > 90.0
    assert min(solid.plan.distance(line) for solid in buildings.solids if solid.top_m > 30.0) > 200.0
    assert min(solid.plan.distance(line) for solid in buildings.solids) > 50.0
    poles = [Point(frame.xy(LatLon(pole.lat_deg, pole.lon_deg))) for pole in city.poles]
    assert min(solid.plan.distance(pole) for solid in buildings.solids for pole in poles) > 35.0


def test_the_command_line_passes_the_refusal_on(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = written(tmp_path, "weather.wind_mps", "calm")
    assert run(["sim", "city", str(path), "--into", str(tmp_path / "city")]) == Exit.REFUSED
    out, err = capsys.readouterr()
    assert err == ""
    assert re.search(rf"{re.escape(str(path))}:\d+ weather\.wind_mps", out)
    assert not (tmp_path / "city").exists()
