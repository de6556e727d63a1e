"""Days are values: made from a seed alone, written to a file and read back the same."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airspace.formats.geojson import read_geojson
from airspace.frames import LatLon
from airspace.reasons import Refused
from controller.clock import VIRTUAL_START_S
from missions.request import Request
from sim.world.days.day import Day, DayMission, chart_of, mission_of, read_day, write_day
from sim.world.days.exploring import DayKind, kinds_of
from sim.world.days.random_day import CLEAR_OF_DOCKS_M, random_day

SEEDS = st.integers(min_value=0, max_value=2**31)


@given(SEEDS)
def test_a_seed_makes_one_day_and_its_file_holds_all_of_it(seed: int) -> None:
    day = random_day(seed)
    assert day == random_day(seed)
    assert msgspec.convert(yaml.safe_load(yaml.safe_dump(msgspec.to_builtins(day))), Day) == day


def test_a_day_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    day = random_day(3)
    write_day(day, tmp_path / "day.yaml")
    assert read_day(tmp_path / "day.yaml") == day
    assert random_day(4) != day


@given(SEEDS)
def test_every_day_can_be_lived(seed: int) -> None:
    day = random_day(seed, drones=4, poles=30, minutes=20.0)
    assert (len(day.city.drones), len(day.city.poles)) == (4, 30)
    docks = {pole.code for pole in day.city.poles if "dock" in pole.services}
    drones = {drone.id for drone in day.city.drones}
    for wish in day.missions:
        request = mission_of(wish).wish
        assert isinstance(request, Request)
        assert set(request.docks) <= docks
        assert wish.drone in drones
        assert wish.at_s <= 20 * 60.0
    districts = {name for pole in day.city.poles for name in (pole.mains, pole.network)}
    assert all(fault.target in {"", *docks, *drones, *districts} for fault in day.happenings)


@given(SEEDS)
def test_blocks_stand_clear_of_docks_and_the_chart_says_when_they_are_active(seed: int) -> None:
    day = random_day(seed)
    reading = read_geojson(msgspec.json.encode(chart_of(day.zones)), "blocks")
    assert not reading.reasons
    assert [zone.id for zone in reading.zones] == [zone.id for zone in day.zones]
    for charted, block in zip(reading.zones, day.zones, strict=True):
        ((start_s, end_s),) = charted.schedule.windows
        if block.from_s is not None and block.until_s is not None:
            assert (start_s, end_s) == (VIRTUAL_START_S + block.from_s, VIRTUAL_START_S + block.until_s)
    assert CLEAR_OF_DOCKS_M > 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"beichen_day": 2}, "beichen_day"),
        ({"missions": [{"name": "x"}]}, "missing required field"),
        ({"surprise": 1}, "surprise"),
        ({"minutes": -1}, "minutes"),
    ],
)
def test_a_file_that_is_no_day_is_refused_with_what_is_wrong(
    tmp_path: Path, change: dict[str, object], word: str
) -> None:
    tree = msgspec.to_builtins(random_day(1)) | change
    (tmp_path / "day.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    with pytest.raises(Refused, match=word):
        read_day(tmp_path / "day.yaml")


def test_an_unknown_fault_or_drone_is_refused(tmp_path: Path) -> None:
    day = random_day(1)
    write_day(msgspec.structs.replace(day, faults=("rain of frogs=1", "wind=500")), tmp_path / "frogs.yaml")
    with pytest.raises(Refused) as refused:
        read_day(tmp_path / "frogs.yaml")
    assert [(one.rule.code, one.where) for one in refused.value.reasons] == [
        ("inject.unknown", f"{tmp_path}/frogs.yaml faults"),
        ("inject.value", f"{tmp_path}/frogs.yaml faults wind=500"),
    ]
    nobody = msgspec.structs.replace(day.missions[0], drone="drone-99")
    write_day(msgspec.structs.replace(day, missions=(nobody,)), tmp_path / "nobody.yaml")
    with pytest.raises(Refused, match="drone-99"):
        read_day(tmp_path / "nobody.yaml")


def test_too_few_poles_for_the_drones_are_refused() -> None:
    with pytest.raises(Refused, match="at least 7 poles"):
        random_day(1, drones=5, poles=6)


def test_days_are_hostile_each_in_its_own_way() -> None:
    kind = DayKind()
    seen = {name for seed in range(120) for name in kinds_of(kind.day(seed))}
    assert seen >= {
        "wind", "gust", "rain", "battery", "fix", "link=lost", "dock=taken", "dock=stuck", "pole=silent",
        "controller=killed", "killed at an event", "timed block", "loss", "jitter or doubles", "slow store",
        "motor", "jam", "spoof", "mains=off", "network=off", "intruder", "temperature",
    }  # fmt: skip
    faults = [fault for seed in range(120) for fault in kind.day(seed).happenings]
    assert any(fault.name == "wind" and fault.detail("over_s") for fault in faults)  # a front
    assert any(fault.name == "battery" and fault.number < 20.0 for fault in faults)


def test_about_one_day_in_six_is_calm_and_no_other_is() -> None:
    days = [random_day(seed, drones=3, poles=24, minutes=10.0) for seed in range(600)]
    calm = [day for day in days if set(kinds_of(day)) <= {"no bad luck", "timed block"}]
    assert 0.12 <= len(calm) / len(days) <= 0.22
    assert sum(bool(day.faults) for day in days) > 0.6 * len(days)


def test_many_missions_wish_to_come_home_and_others_for_a_free_dock() -> None:
    homes = free = wishes = 0
    for seed in range(60):
        day = random_day(seed)
        docks = {(pole.lat_deg, pole.lon_deg): pole.code for pole in day.city.poles if "dock" in pole.services}
        stands = {drone.id: docks[drone.lat_deg, drone.lon_deg] for drone in day.city.drones}
        for wish in day.missions:
            assert len(set(wish.docks)) == len(wish.docks)
            wishes += 1
            homes += wish.docks[0] == stands[wish.drone]
            free += not set(wish.docks) & (set(stands.values()) - {stands[wish.drone]})
    assert 0.3 <= homes / wishes <= 0.6
    assert 0.8 <= free / wishes < 1.0


def test_some_missions_lead_over_the_last_dock_of_another_that_is_asked_for_soon_after() -> None:
    def crosses(one: DayMission, other: DayMission, docks: dict[str, LatLon]) -> bool:
        ends, dock = [LatLon(*place) for place in one.line], docks[other.docks[-1]]
        detour_m = ends[0].distance_m(dock) + dock.distance_m(ends[-1]) - ends[0].distance_m(ends[-1])
        return len(ends) == 2 and detour_m < 1.0 and 0.0 <= other.at_s - one.at_s <= 90.1

    crossed = 0
    for seed in range(40):
        day = random_day(seed)
        docks = {pole.code: LatLon(pole.lat_deg, pole.lon_deg) for pole in day.city.poles}
        pairs = itertools.permutations(day.missions, 2)
        crossed += any(one.drone != other.drone and crosses(one, other, docks) for one, other in pairs)
    assert 8 <= crossed <= 28


def test_a_day_that_is_nowhere_or_not_utf8_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"there is no file .*nowhere\.yaml \[yaml\.no-file\]"):
        read_day(tmp_path / "nowhere.yaml")
    (tmp_path / "gbk.yaml").write_bytes("name: 郑州西站".encode("gbk"))
    with pytest.raises(Refused, match="it looks like GBK"):
        read_day(tmp_path / "gbk.yaml")
