"""Ids of one file: given ones once, made ones beside them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airspace.formats.reading import Ids


def test_an_id_given_twice_says_where_it_was_first() -> None:
    ids = Ids()
    assert ids.taken_at("A", "line 1") is None
    assert ids.taken_at("A", "line 5") == "line 1"
    assert ids.taken_at("A", "line 9") == "line 1"
    assert ids.taken_at("B", "line 9") is None


def test_an_id_is_taken_also_by_its_own_place() -> None:
    ids = Ids()
    at = "line 1"
    assert [ids.taken_at("A", at), ids.taken_at("A", at)] == [None, at]


def test_a_name_that_comes_again_is_numbered_past_what_is_taken() -> None:
    ids = Ids()
    ids.taken_at("A (2)", "line 1")
    assert [ids.unused("A", "line 2"), ids.unused("A", "line 3"), ids.unused("A", "line 4")] == ["A", "A (3)", "A (4)"]


@given(st.lists(st.sampled_from(["A", "A (2)", "A (3)", "B"]), max_size=30))
def test_made_ids_never_come_twice(names: list[str]) -> None:
    ids = Ids()
    made = [ids.unused(name, "") for name in names]
    assert len(set(made)) == len(made)
    assert all(one.startswith(name) for one, name in zip(made, names, strict=True))


def test_many_equal_names_cost_little_more_than_many_different_ones() -> None:
    ids = Ids()
    assert [ids.unused("A", "") for _ in range(20_000)][-1] == "A (20000)"
