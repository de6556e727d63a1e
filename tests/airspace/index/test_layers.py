from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from airspace.index import Box4, Index4D, layers
from airspace.index.layers import Layers
from benchmarks import city_day
from tests.airspace.index.boxes4 import EVERYTHING, boxes, index_of, pairs, touching

keys = st.integers(0, 40)
SMALL = {"MOST_RECENT": 6, "BULK": 4, "FEW_QUERIES": 1, "LARGE_BATCH": 3, "FEWEST_DROPPED": 3, "GROWTH": 2}


class IndexMachine(RuleBasedStateMachine):
    """Any sequence of loads, inserts, removals and queries gives what brute force gives, wherever a box may lie."""

    @initialize(held=st.dictionaries(keys, boxes, max_size=40))
    def load(self, held: dict[int, Box4]) -> None:
        self.held = dict(held)
        self.index: Index4D[int] = Index4D(held.items())

    @rule(key=keys, box=boxes)
    def insert(self, key: int, box: Box4) -> None:
        if key in self.held:
            with pytest.raises(ValueError, match="already"):
                self.index.insert(key, box)
        else:
            self.index.insert(key, box)
            self.held[key] = box

    @rule(many=st.dictionaries(keys, boxes, max_size=12))
    def insert_many(self, many: dict[int, Box4]) -> None:
        rows = np.array(list(many.values())).reshape(-1, 8)
        if self.held.keys().isdisjoint(many):
            self.index.insert_many(list(many), rows)
            self.held.update(many)
        else:
            with pytest.raises(ValueError, match="already"):
                self.index.insert_many(list(many), rows)

    @rule(key=keys)
    def remove(self, key: int) -> None:
        if key in self.held:
            self.index.remove(key)
            del self.held[key]
        else:
            with pytest.raises(KeyError):
                self.index.remove(key)

    @rule()
    def pack(self) -> None:
        self.index.pack()
        assert len(self.index.layers) <= 2
        assert self.index.layers[0] == 0

    @rule(box=boxes)
    def query(self, box: Box4) -> None:
        assert self.index.query(box) == touching(self.held, box)

    @rule(many=st.lists(boxes, max_size=6))
    def query_many(self, many: list[Box4]) -> None:
        expected = [(number, key) for number, box in enumerate(many) for key in touching(self.held, box)]
        assert pairs(self.index.query_many(np.array(many).reshape(-1, 8))) == expected

    @invariant()
    def holds_what_was_put_in(self) -> None:
        assert list(self.index) == sorted(self.held)
        assert len(self.index) == len(self.held) == sum(self.index.layers)
        assert all(self.index.box(key) == self.held[key] for key in list(self.held)[:2])
        assert all((key in self.index) == (key in self.held) for key in range(41))


def run_with_small_layers(monkeypatch: pytest.MonkeyPatch, settings_: settings) -> None:
    """Sequences over so small layers that boxes move from one to the next all the time."""
    for name, value in SMALL.items():
        monkeypatch.setattr(layers, name, value)
    run_state_machine_as_test(IndexMachine, settings=settings_)


def test_any_sequence_is_answered_as_brute_force_does(monkeypatch: pytest.MonkeyPatch) -> None:
    run_with_small_layers(monkeypatch, settings(max_examples=25, stateful_step_count=25))


@pytest.mark.soak
def test_long_sequences_are_answered_as_brute_force_does(monkeypatch: pytest.MonkeyPatch) -> None:
    run_with_small_layers(monkeypatch, settings(max_examples=3_000, stateful_step_count=120))
    print("index: 3,000 sequences of up to 120 steps, no answer differed from brute force")  # noqa: T201 - the table's row


def test_new_boxes_move_to_packs_that_grow_with_age_and_few_are_many_boxes() -> None:
    rows = city_day.boxes(25_000, 1)
    index = index_of(rows[:10_000])
    shapes = set()
    for number, row in enumerate(rows[10_000:].tolist(), 10_000):
        index.insert(number, tuple(row))
        shapes.add(index.layers)
    assert max(len(shape) for shape in shapes) <= 4
    assert all(shape[0] < layers.MOST_RECENT for shape in shapes)
    assert len(index) == 25_000
    assert len(index.query(EVERYTHING)) == 25_000


@pytest.mark.parametrize("order", ["first", "last", "every third"])
def test_what_is_dead_never_outweighs_what_lives(order: str) -> None:
    index = index_of(city_day.boxes(3_000, 1))
    for number, row in enumerate(city_day.boxes(1_000, 2).tolist(), 3_000):
        index.insert(number, tuple(row))
    keys = {"first": list(index), "last": list(index)[::-1], "every third": sorted(index, key=lambda key: key % 3)}[
        order
    ]
    for gone, key in enumerate(keys, 1):
        index.remove(key)
        living = 4_000 - gone
        # A quarter of each pack and a constant; the tree is emptied when it has seen as much as it holds.
        assert index.dead <= living / 2 + layers.FEWEST_DROPPED + 1_000
    assert len(index) == 0
    assert index.query(EVERYTHING) == []


def test_rows_are_used_again_so_that_columns_beside_the_index_stay_small() -> None:
    held = Layers()
    for row in city_day.boxes(9_000, 3).tolist():
        held.drop(held.add(tuple(row)))
    assert held.rows <= layers.MOST_RECENT + 1
    assert len(held) == 0


def test_a_large_batch_packs_what_is_recent_and_a_small_one_asks_the_tree() -> None:
    rows = city_day.boxes(2_000, 4)
    index: Index4D[int] = Index4D((number, tuple(row)) for number, row in enumerate(rows[:100].tolist()))
    assert index.layers == (100,)
    few = pairs(index.query_many(rows[:500]))
    assert index.layers == (100,)
    many = pairs(index.query_many(rows))
    assert list(index.layers) == [0, 100]
    assert many[: len(few)] == few


@pytest.mark.parametrize("wide", [False, True])
def test_recent_boxes_are_found_however_large_they_or_the_questions_are(wide: bool) -> None:
    index: Index4D[int] = Index4D([(1, EVERYTHING if wide else (5e4, 5e4, 0, 1e9, 5e4 + 1, 5e4 + 1, 9, 1e9 + 1))])
    assert index.layers == (1,)
    assert index.query(EVERYTHING) == [1]
    assert index.query((5e4, 5e4, 1, 1e9, 5e4, 5e4, 1, 1e9)) == [1]
    assert index.query((0, 0, 1, 0, 1, 1, 1, 0)) == ([1] if wide else [])
