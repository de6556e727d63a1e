from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box

from airspace.index import outlines
from airspace.index.outlines import Outlines


def outline(number: int) -> Polygon | MultiPolygon:
    """A few kinds of outline: plain, with a hole, of two parts, with many corners; no two alike."""
    x = number / 3.0
    disk: Polygon = Point(x, 1779.1).buffer(2.0 + number)
    kinds = [
        box(x, 0.0, x + 1.0, 1.0 / 3.0),
        disk.difference(Point(x, 1779.1).buffer(1.0)),
        MultiPolygon([box(x, 0.0, x + 1.0, 1.0), box(x + 2.0, 0.0, x + 3.0, 1.0)]),
        Point(x, 0.0).buffer(5.0, quad_segs=100),
    ]
    kind: Polygon | MultiPolygon = kinds[number % len(kinds)]
    return kind


def test_outlines_come_back_exactly_whatever_is_dropped_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "OF_A_BLOCK", 7)
    chance = np.random.default_rng(4)
    store = Outlines()
    held: dict[int, Polygon | MultiPolygon] = {}
    for number in range(400):
        row = int(chance.integers(0, 60))
        if row in held:
            store.drop(row)
            del held[row]
        else:
            store.keep(np.array([row]), [outline(number)])
            held[row] = outline(number)
        if number % 20 == 0:
            rows = np.array([*held, *held])
            assert all(
                made.equals_exact(held[row], 0.0) for made, row in zip(store.at(rows), rows.tolist(), strict=True)
            )
            assert store.binary(rows) == [shapely.to_wkb(held[row]) for row in rows.tolist()]
    living = sum(len(shapely.to_wkb(kept)) for kept in held.values())
    assert sum(map(len, store._blocks)) <= 2 * living + 7 * outlines.FINE_BYTES


def test_an_outline_is_made_once_for_a_question_and_a_fine_one_once_for_all() -> None:
    store = Outlines()
    store.keep(np.arange(4), map(outline, range(4)))
    made = store.at(np.array([0, 3, 0, 3]))
    assert made[0] is made[2]
    assert made[1] is made[3] is store.at(np.array([3]))[0]
    assert shapely.is_prepared(made[1])
    assert len(store.at(np.empty(0, dtype=np.int64))) == 0


def test_a_dropped_row_can_be_kept_again() -> None:
    store = Outlines()
    for number in (0, 3, 1):
        store.keep(np.array([70]), [outline(number)])
        assert store.at(np.array([70]))[0].equals(outline(number))
        store.drop(70)
