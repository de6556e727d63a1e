from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.index import Box4, Index4D
from tests.airspace.index.boxes4 import EVERYTHING, boxes, index_of, pairs, touching

UNIT: Box4 = (0, 0, 0, 0, 1, 1, 1, 1)
APART: Box4 = (5, 5, 5, 5, 6, 6, 6, 6)


def test_an_empty_index_answers_nothing_and_takes_boxes() -> None:
    index: Index4D[str] = Index4D()
    assert index.query(EVERYTHING) == []
    assert len(index.query_many([EVERYTHING])) == 0
    assert index.nearest(0.0, 0.0, 0.0, 0.0, 3) == []
    index.insert("b", UNIT)
    index.insert("a", UNIT)
    assert index.query(EVERYTHING) == ["a", "b"]


def test_a_key_can_come_back_with_another_box() -> None:
    index: Index4D[str] = Index4D([("a", UNIT)])
    index.remove("a")
    index.insert("a", APART)
    assert index.query(UNIT) == []
    assert index.query((6, 6, 6, 6, 7, 7, 7, 7)) == ["a"]
    assert index.box("a") == APART


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("side", range(8))
def test_boxes_that_share_no_more_than_a_face_touch_and_an_ulp_parts_them(side: int, packed: bool) -> None:
    held: Box4 = (10.0, 20.0, 30.0, 1779066000.0, 11.0, 21.0, 31.0, 1779066001.0)
    index: Index4D[int] = Index4D([(1, held)])
    if packed:
        index.pack()
    axis, far = side % 4, side >= 4
    low, high = list(held[:4]), list(held[4:])
    if far:
        low[axis], high[axis] = held[side], held[side] + 5.0
    else:
        low[axis], high[axis] = held[side] - 5.0, held[side]
    assert index.query((*low, *high)) == [1]  # type: ignore[arg-type]
    if far:
        low[axis] = math.nextafter(low[axis], math.inf)
    else:
        high[axis] = math.nextafter(high[axis], -math.inf)
    assert index.query((*low, *high)) == []  # type: ignore[arg-type]


NO_BOXES: list[tuple[float, ...]] = [
    (0, 0, 0, 0, 1, 1, 1, math.nan),
    (math.nan, 0, 0, 0, 1, 1, 1, 1),
    (0, 0, 0, 0, 1, 1, 1, math.inf),
    (0, -math.inf, 0, 0, 1, 1, 1, 1),
    (2, 0, 0, 0, 1, 1, 1, 1),
    (0, 2, 0, 0, 1, 1, 1, 1),
    (0, 0, 2, 0, 1, 1, 1, 1),
    (0, 0, 0, 2, 1, 1, 1, 1),
    (0, 0, 0, 0, 1, 1, 1, 1.1e15),  # libspatialindex would not return from far beyond this
    (0, 0, 0, 0, 1, 1, 1),
    (),
]


@pytest.mark.parametrize("box", NO_BOXES)
def test_what_is_no_box_is_refused_and_leaves_no_trace(box: Box4) -> None:
    index: Index4D[str] = Index4D()
    with pytest.raises(ValueError, match="a box has"):
        index.insert("a", box)
    with pytest.raises(ValueError, match="a box has"):
        index.query(box)
    if len(box) == 8:
        for many in (index.query_many, index.touching, lambda boxes: index.insert_many(["b", "c"], boxes)):
            with pytest.raises(ValueError, match="a box has"):
                many([UNIT, box])
    assert len(index) == 0
    index.insert("a", UNIT)
    assert list(index) == ["a"]


def test_boxes_of_another_shape_are_refused() -> None:
    index: Index4D[int] = Index4D()
    for wrong in (np.zeros((3, 7)), np.zeros(8), np.zeros((2, 2, 8))):
        with pytest.raises(ValueError, match="shape"):
            index.query_many(wrong)
    with pytest.raises(ValueError, match="2 keys for 1 boxes"):
        index.insert_many([1, 2], [UNIT])


@pytest.mark.parametrize(("keys", "twice"), [(["b", "a"], "a"), (["b", "c", "b"], "b")])
def test_many_boxes_come_in_all_or_not_at_all(keys: list[str], twice: str) -> None:
    index: Index4D[str] = Index4D([("a", UNIT)])
    with pytest.raises(ValueError, match=f"'{twice}' is in the index already"):
        index.insert_many(keys, [UNIT] * len(keys))
    assert list(index) == ["a"]
    assert index.query(EVERYTHING) == ["a"]


@pytest.mark.parametrize("count", [3, 300])
def test_keys_may_be_numbers_names_or_pairs_and_come_back_as_they_were(count: int) -> None:
    numbers = [2**40 + n for n in range(count)]
    assert Index4D((key, UNIT) for key in numbers).query_many([UNIT]).key.dtype == np.int64
    beyond = [2**70 + n for n in range(count)]
    assert Index4D((key, UNIT) for key in beyond).query_many([UNIT]).key.tolist() == beyond
    names = sorted(f"flight-{n}" for n in range(count))
    assert Index4D((key, UNIT) for key in names).query_many([UNIT]).key.tolist() == names
    volumes = [(f"flight-{n // 7}", n % 7) for n in range(count)]
    index = Index4D((key, UNIT) for key in volumes)
    assert index.query_many([UNIT]).key.tolist() == sorted(volumes) == index.query(UNIT)
    assert index.touching([UNIT, APART]) == sorted(volumes)


def test_a_route_is_told_everything_it_touches_once() -> None:
    index: Index4D[int] = Index4D([(3, UNIT), (2, UNIT), (1, APART), (0, (50, 0, 0, 0, 51, 1, 1, 1))])
    assert index.touching([UNIT, (0, 0, 0, 0, 2, 2, 2, 2), APART]) == [1, 2, 3]
    assert index.touching([]) == []


@settings(max_examples=40)
@given(st.dictionaries(st.integers(0, 400), boxes, max_size=60), st.lists(boxes, max_size=8), st.booleans())
def test_a_batch_is_answered_as_its_queries_one_by_one_in_order(
    held: dict[int, Box4], asked: list[Box4], packed: bool
) -> None:
    index = Index4D(held.items())
    if packed:
        index.pack()
    expected = [(number, key) for number, box in enumerate(asked) for key in touching(held, box)]
    assert pairs(index.query_many(np.array(asked).reshape(-1, 8))) == expected
    assert [(number, key) for number, box in enumerate(asked) for key in index.query(box)] == expected


def by_distance(held: dict[int, Box4], x: float, y: float, z: float, at_s: float) -> list[tuple[int, float]]:
    found = []
    for key, box in held.items():
        if box[3] <= at_s <= box[7]:
            outside = [max(box[i] - v, v - box[i + 4], 0.0) for i, v in enumerate((x, y, z))]
            found.append((key, float(np.hypot(np.hypot(outside[0], outside[1]), outside[2]))))
    return sorted(found, key=lambda pair: (pair[1], pair[0]))


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([30.0, 3e3, 3e5, 1e9]),
    st.integers(1, 300),
    st.sampled_from([0, 1, 3, 400]),
)
def test_the_nearest_boxes_of_a_moment_come_in_the_order_of_their_distance(
    seed: int, wide_m: float, count: int, k: int
) -> None:
    chance = np.random.default_rng(seed)
    low = chance.uniform(-wide_m, wide_m, (count, 4)).round(-1)  # so that some are equally far
    low[:, 3] = chance.uniform(0.0, 100.0, count)
    rows = np.hstack([low, low + chance.uniform(0.0, 50.0, (count, 4)).round(-1)])
    index = index_of(rows)
    held: dict[int, Box4] = {number: tuple(row) for number, row in enumerate(rows.tolist())}
    x, y, z = chance.uniform(-wide_m, wide_m, 3).tolist()
    assert index.nearest(x, y, z, 50.0, k) == by_distance(held, x, y, z, 50.0)[:k]


def test_time_is_a_filter_for_the_nearest_and_no_distance() -> None:
    index: Index4D[str] = Index4D([("now", (900, 0, 0, 0, 901, 1, 1, 10)), ("later", (0, 0, 0, 11, 1, 1, 1, 20))])
    assert index.nearest(0.5, 0.5, 0.5, 10.0, 2) == [("now", 899.5)]
    assert index.nearest(0.5, 0.5, 0.5, 11.0, 2) == [("later", 0.0)]
    with pytest.raises(ValueError, match="finite"):
        index.nearest(math.nan, 0.0, 0.0, 0.0, 1)
