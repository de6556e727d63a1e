from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.index import packed
from airspace.index.boxes import Floats, box_of, faces_of
from airspace.index.packed import Pack
from benchmarks import city_day
from tests.airspace.index.boxes4 import boxes, brute_pairs


def pack_of(rows: Floats) -> Pack:
    return Pack([(faces_of(rows), np.arange(len(rows)))])


def agrees(pack: Pack, held: Floats, asked: Floats) -> None:
    """A batch and single queries both find what brute force finds."""
    expected = brute_pairs(held, asked)
    query, row = pack.touching_many(asked)
    assert len(query) == len(expected)
    assert set(zip(query.tolist(), row.tolist(), strict=True)) == expected
    one_by_one: list[tuple[int, int]] = []
    for number, box in enumerate(asked.tolist()):
        found: list[int] = []
        pack.touching(box_of(box), found)
        one_by_one += [(number, row) for row in found]
    assert len(one_by_one) == len(expected)
    assert set(one_by_one) == expected


def compared(pack: Pack, asked: Floats) -> int:
    """How many boxes a batch looks at."""
    return sum(len(place) for tract in pack._tracts for _, place in packed._candidates(tract, asked))


def many(count: int, seed: int, spread: float, size: float) -> Floats:
    chance = np.random.default_rng(seed)
    low = chance.uniform(0.0, spread, (count, 4))
    return np.hstack([low, low + chance.uniform(0.0, size, (count, 4))])


def in_one_place(count: int) -> Floats:
    return np.tile([[5e4, 5e4, 100.0, 1e9, 5e4 + 200, 5e4 + 200, 130.0, 1e9 + 900]], (count, 1))


def one_giant(count: int) -> Floats:
    rows = city_day.boxes(count, 1)
    rows[0] = [-1e8, -1e8, -1e4, 0.0, 1e8, 1e8, 1e5, 4.1e9]
    return rows


def forever_valid(count: int) -> Floats:
    rows = city_day.boxes(count, 1)
    rows[::2, 3], rows[::2, 7] = 0.0, 4102444800.0
    return rows


def points(count: int) -> Floats:
    rows = city_day.boxes(count, 1)
    rows[:, 4:] = rows[:, :4]
    return rows


def two_cities_and_a_village(count: int) -> Floats:
    rows = city_day.boxes(count, 1)
    rows[: count // 2, [0, 4]] += 3e6
    half = rows[: count // 4]
    half[:, :4] = half[:, :4].min(axis=0) + (half[:, :4] - half[:, :4].min(axis=0)) / 1e3
    half[:, 4:] = half[:, :4] + 0.3
    return rows


def flat_and_long(count: int) -> Floats:
    rows = city_day.boxes(count, 1)
    rows[::3, 4] += 5e4
    rows[1::3, 5] += 5e4
    rows[:, 6] = rows[:, 2]
    return rows


SKEWED = [in_one_place, one_giant, forever_valid, points, two_cities_and_a_village, flat_and_long]


@pytest.mark.parametrize("rows", SKEWED)
def test_answers_are_exact_however_boxes_are_spread(rows: object) -> None:
    assert callable(rows)
    held: Floats = rows(3_000)
    chance = np.random.default_rng(5)
    near = held[chance.integers(0, len(held), 30)]
    near = np.hstack([near[:, :4] - 20.0, near[:, :4] + 20.0])
    wide = np.array([[-1e15] * 4 + [1e15] * 4, [0.0, 0.0, 0.0, 0.0, 1e5, 1e5, 1e4, 1e10]])
    agrees(pack_of(held), held, np.vstack([near, city_day.boxes(30, 6), wide]))


@pytest.mark.parametrize("rows", [one_giant, forever_valid, points, two_cities_and_a_village])
def test_no_skew_makes_a_small_question_look_at_many_boxes(rows: object) -> None:
    assert callable(rows)
    held: Floats = rows(40_000)
    low = held[:: len(held) // 200, :4]
    asked = np.hstack([low, low + 1.0])
    pack = pack_of(held)
    answers = len(pack.touching_many(asked)[0])
    # What half of all is at any time is looked at by plan alone: some more of it, never a share of everything.
    assert compared(pack, asked) <= 40 * answers + 400 * len(asked)
    assert compared(pack, asked) < 0.02 * len(held) * len(asked)


def test_the_worst_case_is_a_look_at_all_that_plan_and_time_do_not_tell_apart() -> None:
    held = in_one_place(20_000)
    held[:, 2] += np.arange(20_000)
    held[:, 6] += np.arange(20_000)
    pack, asked = pack_of(held), held[:3]
    assert compared(pack, asked) == 3 * 20_000
    agrees(pack, held, asked)


@settings(max_examples=60)
@given(st.lists(boxes, max_size=80), st.lists(boxes, max_size=6))
def test_faces_that_touch_are_found_at_any_magnitude(
    held: list[tuple[float, ...]], asked: list[tuple[float, ...]]
) -> None:
    rows = np.array(held, dtype=np.float64).reshape(-1, 8)
    agrees(pack_of(rows), rows, np.array(asked, dtype=np.float64).reshape(-1, 8))


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 2_000),
    st.sampled_from([1e-3, 1.0, 1e3, 1e6]),
    st.sampled_from([0.0, 1.0, 1e3]),
    st.sampled_from([1.0, 1e3, 1e7]),
)
def test_answers_are_exact_for_any_size_against_any_spread(
    seed: int, count: int, spread: float, size: float, question: float
) -> None:
    held = many(count, seed, spread, size)
    agrees(pack_of(held), held, many(12, seed + 1, spread, question) - question / 2)


def test_a_dropped_box_touches_nothing_and_is_left_behind_by_the_next_pack() -> None:
    held = city_day.boxes(500, 1)
    pack = pack_of(held)
    for place in np.flatnonzero(pack.rows % 2).tolist():
        pack.drop(place)
    assert len(pack) == 250
    kept = held.copy()
    kept[1::2] = 1e14  # where no question comes
    agrees(pack, kept, city_day.boxes(40, 2))
    again = Pack([pack.living(), (faces_of(held[1:2]), np.array([1]))])
    assert sorted(again.rows.tolist()) == sorted([*range(0, 500, 2), 1])
    kept[1] = held[1]
    agrees(again, kept, city_day.boxes(40, 2))


def test_a_batch_with_more_candidates_than_fit_is_answered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    held, asked = city_day.boxes(2_000, 1), city_day.boxes(50, 2)
    asked[::5] = [-1e9] * 4 + [1e10] * 4
    whole = pack_of(held).touching_many(asked)
    monkeypatch.setattr(packed, "CANDIDATES_AT_ONCE", 700)
    agrees(pack_of(held), held, asked)
    assert len(whole[0]) >= 10 * 2_000


def test_the_order_of_numbers_is_the_stable_one() -> None:
    numbers = np.random.default_rng(3).integers(0, 2**32, 5_000) // np.array([1, 2**20] * 2_500)
    assert packed._order(numbers).tolist() == np.argsort(numbers, kind="stable").tolist()
