from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from airspace.index import FEWEST_DEAD, Box4, Index4D

# Few different sides, so that boxes often touch, coincide and have no thickness; some are where UTC seconds are.
sides = st.sampled_from([0.0, 1.0, 1.0 + 1e-9, 2.5, 7.0, 1779066000.0, 1779066000.25]) | st.floats(-1e6, 1e6)
spans = st.tuples(sides, sides).map(lambda pair: (min(pair), max(pair)))
boxes = st.tuples(spans, spans, spans, spans).map(lambda four: (*(low for low, _ in four), *(high for _, high in four)))
keys = st.integers(0, 40)


def touching(held: dict[int, Box4], asked: Box4) -> list[int]:
    """Brute force over everything."""
    return sorted(
        key for key, box in held.items() if all(box[i] <= asked[i + 4] and asked[i] <= box[i + 4] for i in range(4))
    )


class IndexMachine(RuleBasedStateMachine):
    """Any sequence of loads, inserts, removals and queries gives what brute force gives."""

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

    @rule(key=keys)
    def remove(self, key: int) -> None:
        if key in self.held:
            self.index.remove(key)
            del self.held[key]
        else:
            with pytest.raises(KeyError):
                self.index.remove(key)

    @rule(box=boxes)
    def query(self, box: Box4) -> None:
        assert self.index.query(box) == touching(self.held, box)

    @invariant()
    def holds_what_was_put_in(self) -> None:
        assert list(self.index) == sorted(self.held)
        assert len(self.index) == len(self.held)
        assert all((key in self.index) == (key in self.held) for key in range(41))


IndexMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnySequence = IndexMachine.TestCase


@settings(max_examples=20, deadline=None)
@given(st.lists(boxes, min_size=2 * FEWEST_DEAD, max_size=3 * FEWEST_DEAD), boxes)
def test_answers_stay_right_when_enough_is_dead_for_a_new_tree(all_boxes: list[Box4], asked: Box4) -> None:
    held = dict(enumerate(all_boxes))
    index = Index4D(held.items())
    for key in range(FEWEST_DEAD + 10):
        index.remove(key)
        del held[key]
    assert index.query(asked) == touching(held, asked)
    for key in list(held):
        index.remove(key)
    assert index.query(asked) == []
    assert len(index) == 0


def test_an_empty_index_answers_nothing_and_takes_boxes() -> None:
    index: Index4D[str] = Index4D()
    everything: Box4 = (-1e9,) * 4 + (1e9,) * 4
    assert index.query(everything) == []
    index.insert("b", (0, 0, 0, 0, 1, 1, 1, 1))
    index.insert("a", (0, 0, 0, 0, 1, 1, 1, 1))
    assert index.query(everything) == ["a", "b"]


def test_a_key_can_come_back_with_another_box() -> None:
    index: Index4D[str] = Index4D([("a", (0, 0, 0, 0, 1, 1, 1, 1))])
    index.remove("a")
    index.insert("a", (5, 5, 5, 5, 6, 6, 6, 6))
    assert index.query((0, 0, 0, 0, 1, 1, 1, 1)) == []
    assert index.query((6, 6, 6, 6, 7, 7, 7, 7)) == ["a"]


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 0, 0, 1, 1, 1, math.nan),
        (0, 0, 0, 0, 1, 1, 1, math.inf),
        (0, 0, 0, 2, 1, 1, 1, 1),
        (0, 0, 0, 0, 1, 1, 1),
    ],
)
def test_what_is_no_box_is_refused_and_leaves_no_trace(box: Box4) -> None:
    index: Index4D[str] = Index4D()
    with pytest.raises(ValueError, match="a box has"):
        index.insert("a", box)
    with pytest.raises(ValueError, match="a box has"):
        index.query(box)
    assert len(index) == 0
    index.insert("a", (0, 0, 0, 0, 1, 1, 1, 1))
