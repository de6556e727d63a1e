from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import airspace, city_day, cube_store
from benchmarks.rows import Row


def test_a_city_day_is_the_same_for_one_seed_and_keeps_to_its_sizes() -> None:
    rows = city_day.boxes(2_000, 3)
    assert np.array_equal(rows, city_day.boxes(2_000, 3))
    assert not np.array_equal(rows, city_day.boxes(2_000, 4))
    sizes = rows[:, 4:] - rows[:, :4]
    assert (sizes.min(axis=0) >= [49.9, 49.9, 9.9, 59.9]).all()
    assert (sizes.max(axis=0) <= [500.1, 500.1, 60.1, 1800.1]).all()
    volumes = [volume for _, volume in city_day.volumes(50, 3)]
    assert all(49.0 <= volume.box[4] - volume.box[0] <= 501.0 for volume in volumes)
    assert [number for number, _ in city_day.volumes(3, 3)] == [0, 1, 2]


def test_the_legs_of_a_route_follow_one_another() -> None:
    legs = city_day.route(20, 5)
    assert len(legs) == 20
    assert all(one.overlaps(next_) for one, next_ in pairwise(legs))


def named(rows: list[Row], begin: str) -> list[Row]:
    return [row for row in rows if row.name.startswith(begin)]


def test_every_figure_of_the_index_stands_beside_its_peer_and_its_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airspace, "QUERIES", 60)
    monkeypatch.setattr(airspace, "SINGLE_QUERIES", 20)
    monkeypatch.setattr(airspace, "LARGE", 400)
    rows = [*airspace.queries(300, 1), *airspace.queries(400, 1), *airspace.changes(300, 50)]
    assert len(named(rows, "one query")) == 3
    assert len(named(rows, "batch")) == 4
    for row in [*named(rows, "one query"), *named(rows, "batch"), *named(rows, "insert"), *named(rows, "remove")]:
        assert row.value > 0.0
        assert row.peer
        assert row.peer_value is not None
        assert row.goal is not None
        assert row.ratio is not None


def test_the_peers_answer_as_the_index_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(city_day, "SIDE_M", 10_000.0)  # a denser city
    held, asked = city_day.boxes(3_000, 1), city_day.boxes(300, 2)
    held[:, 3], held[:, 7] = city_day.BEGIN_S, city_day.BEGIN_S + city_day.DAY_S
    hits = airspace.index_of(held).query_many(asked)
    query, found = airspace.plan_query(airspace.plan_of(held), held, asked)
    assert sorted(zip(query.tolist(), found.tolist(), strict=True)) == list(
        zip(hits.query.tolist(), hits.key.tolist(), strict=True)
    )
    tree = airspace.rtree_of(held)
    assert [sorted(tree.intersection(box)) for box in airspace.as_tuples(asked)] == [
        hits.key[hits.query == number].tolist() for number in range(300)
    ]
    assert len(hits) > 5


def test_without_a_database_the_route_figures_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airspace, "installed", lambda: False)
    rows = list(airspace.clearing(200, 3, 10))
    assert [row.peer for row in rows] == ["", ""]
    assert all("the extra `bench` installs" in row.name for row in rows)


@pytest.mark.soak  # a database server takes its time to start
@pytest.mark.skipif(not cube_store.installed(), reason="needs the extra `bench`")
def test_the_database_gives_the_same_answers() -> None:
    rows = list(airspace.clearing(200, 3, 10))
    assert [row.goal is not None for row in rows] == [False, True]
    assert all(row.peer.startswith("PostgreSQL") for row in rows)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_that_of_a_fresh_process(capsys: pytest.CaptureFixture[str]) -> None:
    airspace.hold(50)
    held_mb, peak_mb = map(float, capsys.readouterr().out.split())
    assert 10.0 < held_mb <= peak_mb
