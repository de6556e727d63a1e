from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from airspace.index import Loaded, layers, outlines
from airspace.volume_set import VolumeSet
from airspace.volumes import Volume4D
from benchmarks import city_day

Key = tuple[str, int]

numbers = st.integers(0, 9).map(float)


@st.composite
def volumes(draw: st.DrawFn) -> Volume4D:
    """Volumes that often touch, in every dimension, and have every kind of outline."""
    x, y, wide = draw(numbers), draw(numbers), draw(st.integers(1, 4))
    outline: Polygon | MultiPolygon = draw(
        st.sampled_from(
            [
                box(x, y, x + wide, y + 1),
                Polygon([(x, y), (x + wide, y), (x, y + wide)]),
                Point(x, y).buffer(wide),
                Point(x, y).buffer(wide, quad_segs=50),
                LineString([(x, y), (x + wide, y + 3)]).buffer(0.5),
                box(x, y, x + 6, y + 6).difference(box(x + 1, y + 1, x + 5, y + 5)),
                MultiPolygon([box(x, y, x + 1, y + 1), box(x + wide + 1, y, x + wide + 2, y + 1)]),
            ]
        )
    )
    floor, start = draw(numbers), draw(numbers)
    return Volume4D(outline, floor, floor + draw(st.integers(0, 3)), start, start + draw(st.integers(1, 3)))


keys = st.tuples(st.sampled_from("abc"), st.integers(0, 5))


class SetMachine(RuleBasedStateMachine):
    """Any sequence of puts, removals, snapshots and questions gives what `Volume4D.overlaps` gives one by one."""

    folder: Path

    @initialize(held=st.dictionaries(keys, volumes(), max_size=12))
    def begin(self, held: dict[Key, Volume4D]) -> None:
        self.held = dict(held)
        self.set: VolumeSet[Key] = VolumeSet(held.items())

    @rule(key=keys, volume=volumes())
    def put(self, key: Key, volume: Volume4D) -> None:
        self.set.put(key, volume)
        self.held[key] = volume

    @rule(entries=st.lists(st.tuples(keys, volumes()), max_size=6))
    def put_many(self, entries: list[tuple[Key, Volume4D]]) -> None:
        self.set.put_many(entries)
        self.held.update(entries)

    @rule(key=keys)
    def remove(self, key: Key) -> None:
        if key in self.held:
            self.set.remove(key)
            del self.held[key]
        else:
            with pytest.raises(KeyError):
                self.set.remove(key)
            with pytest.raises(KeyError):
                self.set.get(key)

    @rule()
    def go_through_a_snapshot(self) -> None:
        self.set.save(self.folder / "set", "now")
        loaded: Loaded[VolumeSet[Key]] = VolumeSet.load(self.folder / "set", list, "now")
        assert loaded.reason is None
        self.set = loaded.held

    @rule(asked=st.lists(volumes(), max_size=5))
    def ask(self, asked: list[Volume4D]) -> None:
        expected = [
            (n, key) for n, one in enumerate(asked) for key in sorted(self.held) if self.held[key].overlaps(one)
        ]
        assert self.set.overlapping(asked) == expected

    @invariant()
    def holds_what_was_put_in(self) -> None:
        assert list(self.set) == sorted(self.held)
        assert len(self.set) == len(self.held)
        assert all(self.set.get(key) == volume for key, volume in list(self.held.items())[:2])


def run_with_small_layers(folder: Path, monkeypatch: pytest.MonkeyPatch, settings_: settings) -> None:
    for name, value in {
        "MOST_RECENT": 6,
        "BULK": 4,
        "FEW_QUERIES": 1,
        "LARGE_BATCH": 3,
        "FEWEST_DROPPED": 3,
        "GROWTH": 2,
    }.items():
        monkeypatch.setattr(layers, name, value)
    monkeypatch.setattr(outlines, "OF_A_BLOCK", 5)
    monkeypatch.setattr(SetMachine, "folder", folder, raising=False)
    run_state_machine_as_test(SetMachine, settings=settings_)


def test_any_sequence_is_answered_as_brute_force_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = settings(max_examples=12, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow])
    run_with_small_layers(tmp_path, monkeypatch, few)


@pytest.mark.soak
def test_long_sequences_are_answered_as_brute_force_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = settings(max_examples=1_500, stateful_step_count=100, suppress_health_check=list(HealthCheck))
    run_with_small_layers(tmp_path, monkeypatch, many)
    print("volume set: 1,500 sequences of up to 100 steps, no answer differed from brute force")  # noqa: T201


def unit(x: float, floor: float, start: float) -> Volume4D:
    return Volume4D(box(x, 0, x + 1, 1), floor, floor + 1, start, start + 1)


def test_windows_are_half_open_and_outlines_and_heights_are_closed() -> None:
    held = VolumeSet([("held", unit(0, 0, 0))])
    assert held.overlapping([unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1), unit(0, 0, -1)]) == [(0, "held"), (1, "held")]
    assert held.touching(unit(0, 0, 1).box) == ["held"]  # a box alone does not know which end is open


def test_volumes_whose_boxes_touch_and_whose_outlines_do_not_do_not_overlap() -> None:
    held = VolumeSet([(1, Volume4D(Polygon([(0, 0), (9, 0), (0, 9)]), 0, 1, 0, 1))])
    corner = Volume4D(box(6, 6, 9, 9), 0, 1, 0, 1)
    assert held.touching(corner.box) == [1]
    assert held.overlapping([corner]) == []
    assert held.overlapping([]) == []


def test_a_volume_takes_the_place_of_what_its_key_held() -> None:
    held = VolumeSet([("a", unit(0, 0, 0)), ("b", unit(5, 0, 0)), ("a", unit(9, 0, 0))])
    assert held.overlapping([unit(0, 0, 0), unit(9, 0, 0)]) == [(1, "a")]
    held.put("b", unit(0, 0, 0))
    assert held.overlapping([unit(0, 0, 0), unit(5, 0, 0)]) == [(0, "b")]
    assert "b" in held
    assert "c" not in held


def test_the_nearest_volumes_of_a_moment_come_first() -> None:
    held = VolumeSet([("far", unit(50, 0, 0)), ("near", unit(3, 0, 0)), ("later", unit(0, 0, 7))])
    assert held.nearest(0.0, 0.0, 0.0, 0.5, 2) == [("near", 3.0), ("far", 50.0)]


def test_a_route_through_a_city_is_cleared_as_leg_by_leg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(city_day, "SIDE_M", 20_000.0)  # a denser city
    day = (city_day.BEGIN_S, city_day.BEGIN_S + city_day.DAY_S)
    city = {key: Volume4D(v.outline, 0.0, 300.0, *day) for key, v in city_day.volumes(1_500, 1)}
    held, route = VolumeSet(city.items()), city_day.route(60, 3)
    expected = [(n, key) for n, leg in enumerate(route) for key, v in city.items() if v.overlaps(leg)]
    assert held.overlapping(route) == expected
    assert len(expected) > 5


def test_a_damaged_snapshot_is_told_and_the_store_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "intents.snapshot"
    VolumeSet([("old", unit(0, 0, 0))]).save(path, "event 3")
    path.write_bytes(path.read_bytes()[:-1])
    loaded: Loaded[VolumeSet[str]] = VolumeSet.load(path, lambda: [("stored", unit(1, 1, 1))], "event 3")
    assert list(loaded.held) == ["stored"]
    assert loaded.reason is not None
    assert "damaged" in loaded.reason.text()
