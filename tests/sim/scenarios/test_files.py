"""Scenario files that cannot be taken: each problem with its file, line, field and remedy."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from airspace.reasons import Refused
from controller.cli.demo import example
from sim.city_file import load_city, save_city
from sim.world.scenarios.scenario import Scenario, load_scenario, standing_alone

GOOD = """\
beichen: 1
kind: scenario
name: try
title: {en: Try, zh: 试}
story: {en: One line., zh: 一行。}
world: {city: hamlet.yaml}
missions:
  - {file: requests/west-east.yaml}
faults:
  - wind=5
expect:
  missions:
    west-east: {outcome: completed}
"""


def load(folder: Path, text: str, seed: int | None = None) -> Scenario:
    for name in ("hamlet.yaml", "requests"):
        if not (folder / name).exists():
            (folder / name).symlink_to(example("scenarios") / name)
    path = folder / "try.yaml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path, seed=seed)


def refusals(folder: Path, text: str) -> list[tuple[str, str]]:
    """The code and the place of each problem."""
    with pytest.raises(Refused) as refused:
        load(folder, text)
    for reason in refused.value.reasons:
        assert reason.rule.remedy.en
        assert reason.rule.remedy.zh
    return [(reason.rule.code, reason.where.removeprefix(f"{folder}/")) for reason in refused.value.reasons]


def test_a_good_file_gives_a_scenario(tmp_path: Path) -> None:
    scenario = load(tmp_path, GOOD)
    assert scenario.name == "try"
    assert [wish.name for wish in scenario.wishes] == ["west-east"]
    assert scenario.wished_dock == "410105-LP-000003"
    assert scenario.title.zh == "试"
    assert load(tmp_path, GOOD, seed=9).file.world.seed == 9


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        ("name: try", "name: try\nspeed: 5", "scenario.malformed", "try.yaml:4 speed"),
        ("kind: scenario", "kind: corridor", "scenario.malformed", "try.yaml:2 kind"),
        ("{city: hamlet.yaml}", "{city: hamlet.yaml, sead: 3}", "scenario.malformed", "try.yaml:6 world.sead"),
        ("{city: hamlet.yaml}", "{seed: 3}", "scenario.one-of", "try.yaml:6 world"),
        ("{city: hamlet.yaml}", "{city: hamlet.yaml, starts: noon}", "scenario.time", "try.yaml:6 world.starts"),
        (
            "{city: hamlet.yaml}",
            "{city: hamlet.yaml, generated: {drones: 1, poles: 9}}",
            "scenario.one-of",
            "try.yaml:6 world",
        ),
        (
            "{city: hamlet.yaml}",
            "{generated: {drones: 5, poles: 5}}",
            "city.too-few-poles",
            "try.yaml:6 world.generated",
        ),
        ("{file: requests/west-east.yaml}", "{at_s: 3}", "scenario.one-of", "try.yaml:8 missions[0]"),
        (
            "west-east.yaml}",
            "west-east.yaml, drone: drone-9}",
            "scenario.unknown-name",
            "try.yaml:8 missions[0].drone",
        ),
        ("west-east.yaml}", "west-east.yaml, after: dawn}", "scenario.unknown-name", "try.yaml:8 missions[0].after"),
        ("wind=5", "wind=500", "inject.value", "try.yaml:10 faults[0] wind=500"),
        ("wind=5", "battery:drone-9=40", "inject.no-target", "try.yaml:10 faults[0]"),
        ("wind=5", "motor=1@takeoff:drone-9", "inject.no-target", "try.yaml:10 faults[0]"),
        ("wind=5", "cell=off", "inject.nothing-there", "try.yaml:10 faults[0]"),
        ("wind=5", "wind=5@1200", "scenario.fault-too-late", "try.yaml:10 faults[0]"),
        ("wind=5", "wind=5@takeoff+4000", "scenario.fault-too-late", "try.yaml:10 faults[0]"),
        ("name: try", "name: try\nfleet: []", "scenario.malformed", "try.yaml:4 fleet"),
        (
            "name: try",
            "name: try\nfleet: [{id: drone-1, lat_deg: 42, lon_deg: 113}]",
            "city.too-far",
            "try.yaml:4 fleet[0].lat_deg",
        ),
        ("hamlet.yaml", "nowhere.yaml", "yaml.no-file", "try.yaml:6 world.city"),
        ("requests/west-east.yaml", "nowhere.yaml", "yaml.no-file", "try.yaml:8 missions[0].file"),
        ("wind=5", "zone:dawn=route", "scenario.unknown-name", "try.yaml:10 faults[0]"),
        ("west-east: {", "dawn: {", "scenario.unknown-name", "try.yaml:13 expect.missions.dawn"),
        (
            "{outcome: completed}",
            "{lands_on: moon}",
            "scenario.unknown-name",
            "try.yaml:13 expect.missions.west-east.lands_on",
        ),
        ("{outcome: completed}", "{outcome: fine}", "scenario.malformed", "try.yaml:13"),
        (
            "{outcome: completed}",
            "{facts: [photos are 3]}",
            "scenario.fact",
            "try.yaml:13 expect.missions.west-east.facts[0]",
        ),
        (
            "  missions:\n    west",
            "  alarms: [boom]\n  missions:\n    west",
            "scenario.alarm",
            "try.yaml:12 expect.alarms[0]",
        ),
        (
            "  missions:\n    west",
            "  never: [flight.phase fase=flying]\n  missions:\n    west",
            "scenario.pattern",
            "try.yaml:12 expect.never[0]",
        ),
        (
            "  missions:\n    west",
            "  truth: [photos > 3]\n  missions:\n    west",
            "scenario.fact",
            "try.yaml:12 expect.truth[0]",
        ),
        (
            "  missions:\n    west",
            "  eventually: [boom]\n  missions:\n    west",
            "scenario.pattern",
            "try.yaml:12 expect.eventually[0]",
        ),
    ],
)
def test_a_wrong_field_is_refused_with_its_line(tmp_path: Path, old: str, new: str, code: str, where: str) -> None:
    assert GOOD.count(old) == 1
    ((found_code, found_where),) = refusals(tmp_path, GOOD.replace(old, new))
    assert found_code == code
    assert found_where.startswith(where)


def test_all_problems_of_meaning_are_told_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("wind=5", "storm=5\n  - rain=999").replace(
        "{city: hamlet.yaml}", "{city: hamlet.yaml, starts: x}"
    )
    wrong = wrong.replace("{outcome: completed}", "{facts: [photos >> 3]}")
    codes = [code for code, _ in refusals(tmp_path, wrong)]
    assert sorted(codes) == ["inject.unknown", "inject.value", "scenario.fact", "scenario.time"]


def test_problems_of_names_are_told_beside_those_of_values(tmp_path: Path) -> None:
    wrong = GOOD.replace("wind=5", "storm=5\n  - pole:moon=silent\n  - rain=999").replace(
        "yaml}\nf", "yaml, drone: x}\nf"
    )
    found = sorted(refusals(tmp_path, wrong))
    assert [code for code, _ in found] == [
        "inject.no-target", "inject.unknown", "inject.value", "scenario.unknown-name",
    ]  # fmt: skip
    assert found[0][1].startswith("try.yaml:11 faults[1]")


@pytest.mark.parametrize(
    ("name", "en", "zh"),
    [("hamlet.yaml", "a city file", "城市文件"), ("requests/west-east.yaml", "a request", "巡检请求")],
)
def test_a_file_of_another_kind_is_refused_as_what_it_is(name: str, en: str, zh: str) -> None:
    with pytest.raises(Refused) as refused:
        load_scenario(example("scenarios") / name)
    (reason,) = refused.value.reasons
    assert f"this is {en}, not a scenario" in reason.text("en")
    assert f"这是{zh}，不是情景" in reason.text("zh")


def test_missions_in_a_city_without_drones_are_refused(tmp_path: Path) -> None:
    bare = msgspec.structs.replace(load_city(example("scenarios") / "hamlet.yaml"), drones=())
    save_city(standing_alone(bare, example("scenarios")), tmp_path / "bare.yaml")
    found = refusals(tmp_path, GOOD.replace("hamlet.yaml", "bare.yaml"))
    assert found == [("scenario.no-drone", "try.yaml:8 missions")]
    assert load(
        tmp_path,
        GOOD.replace("hamlet.yaml", "bare.yaml")
        .replace("- {file: requests/west-east.yaml}", "[]")
        .partition("expect")[0],
    )


def test_a_mission_name_may_not_stand_twice(tmp_path: Path) -> None:
    twice = GOOD.replace("  - {file: requests/west-east.yaml}", "  - {file: requests/west-east.yaml}\n" * 2)
    assert [code for code, _ in refusals(tmp_path, twice)] == ["scenario.repeated"]


def test_the_problems_of_an_inline_request_are_told(tmp_path: Path) -> None:
    wrong = GOOD.replace("{file: requests/west-east.yaml}", "{request: {beichen: 1, name: x}}")
    codes = {code for code, _ in refusals(tmp_path, wrong)}
    assert codes == {"request.missing-field"}


def test_a_generated_city_brings_its_zones_and_depends_on_the_seed(tmp_path: Path) -> None:
    text = GOOD.replace("{city: hamlet.yaml}", "{generated: {drones: 3, poles: 24}}")
    one, same, other = load(tmp_path, text), load(tmp_path, text), load(tmp_path, text, seed=2)
    assert len(one.city.drones) == 3
    assert one.zones
    assert one.city == same.city
    assert one.city != other.city


def test_weather_and_fleet_of_a_scenario_replace_the_citys(tmp_path: Path) -> None:
    text = GOOD.replace(
        "{city: hamlet.yaml}",
        "{city: hamlet.yaml, weather: {wind_mps: 6}}\nfleet:\n  - {id: solo, lat_deg: 34.7462, lon_deg: 113.6040}",
    )
    city = load(tmp_path, text).city
    assert city.weather.wind_mps == 6
    assert [drone.id for drone in city.drones] == ["solo"]
