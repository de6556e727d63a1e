"""Accuracy classes of broadcast identifications."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poles.heard.accuracy import HORIZONTAL_M, SPEED_MPS, TIME_S, VERTICAL_M, bound_of, class_of


@pytest.mark.parametrize(
    ("accuracy_m", "level", "height"),
    [(0.99, 12, 6), (1.0, 11, 5), (9.9, 10, 4), (44.0, 8, 2), (149.0, 7, 1), (18519.0, 1, 0), (-1, 0, 0), (None, 0, 0)],
)
def test_accuracies_have_classes(accuracy_m: float | None, level: int, height: int) -> None:
    assert class_of(accuracy_m, HORIZONTAL_M) == level
    assert class_of(accuracy_m, VERTICAL_M) == height


@given(st.floats(0.0, 1e5), st.sampled_from([HORIZONTAL_M, VERTICAL_M, SPEED_MPS, TIME_S]))
def test_a_class_promises_no_more_than_is_kept(accuracy: float, bounds: tuple[float, ...]) -> None:
    bound = bound_of(class_of(accuracy, bounds), bounds)
    assert bound is None or accuracy < bound
    assert bound is not None or accuracy >= bounds[0]


@pytest.mark.parametrize("number", [-1, 0, 13, 255])
def test_numbers_that_are_no_class_promise_nothing(number: int) -> None:
    assert bound_of(number, HORIZONTAL_M) is None
