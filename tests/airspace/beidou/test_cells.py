from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.beidou.cells import Cell3D, block_at, block_length, layout, parse_block
from airspace.beidou.code import Cell2D, cell_at
from airspace.beidou.height_code import Layer, layer_at
from airspace.beidou.levels import FINEST, HeightForm, level_of
from airspace.reasons import Refused
from tests.airspace.beidou.places import cells, forms, heights_m, lats_deg, layers, levels, lons_deg, vectors


@st.composite
def blocks(draw: st.DrawFn, of_level: st.SearchStrategy[int] = levels) -> Cell3D:
    level = st.just(draw(of_level))
    return Cell3D(draw(cells(level)), draw(layers(level)))


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "height_m", "code"),
    [
        (34.7466, 113.6254, 120, "N049I00B50207407B031577605022540"),
        (34.79726, 114.30709, 300, "N050I00050303706C220607041621161"),
        (-34.6037, -58.3816, 25, "S021I0085010760D3000753022210476"),
        (37.7749, -122.4194, 15, "N010J0043030A6027000761247735062"),
    ],
)
def test_published_places_have_their_codes(lat_deg: float, lon_deg: float, height_m: float, code: str) -> None:
    assert block_at(lat_deg, lon_deg, height_m).code == code
    for level in range(1, FINEST + 1):
        assert block_at(lat_deg, lon_deg, height_m, level).code == code[: block_length(level)]


def test_table_1_of_the_standard_weaves_plan_and_height() -> None:
    block = parse_block("N036J0093000780B3010010520430140")
    assert block.plan.code == "N36J93078B3101524314"
    assert block.layer.code == "000000000000"
    assert block.code == "N036J0093000780B3010010520430140"


def test_every_vector_of_the_data_folder_agrees() -> None:
    held = vectors()
    for row in held["agreed"]:
        assert block_at(row["lat"], row["lon"], row["h"]).code == row["code3d"]
    woven = [row for row in held["standard"] if "code3d" in row]
    assert woven
    for row in woven:
        assert parse_block(row["code3d"]).plan.code == row["code2d"]


@given(lats_deg, lons_deg, heights_m, levels, forms)
def test_a_block_is_the_cell_of_the_place_and_the_layer_of_the_height(
    lat_deg: float, lon_deg: float, height_m: float, level: int, form: HeightForm
) -> None:
    block = block_at(lat_deg, lon_deg, height_m, level, form)
    assert block.plan == cell_at(lat_deg, lon_deg, level)
    assert block.layer == layer_at(height_m, level, form)
    assert (block.bounds_deg, block.bounds_m) == (block.plan.bounds_deg, block.layer.bounds_m)


@given(blocks())
def test_a_code_comes_back_as_its_block(block: Cell3D) -> None:
    assert parse_block(block.code, block.layer.form) == block
    assert str(block) == block.code
    assert len(block.code) == block_length(block.level)


@pytest.mark.parametrize("level", range(1, FINEST + 1))
def test_plan_and_height_share_all_characters_of_a_code_between_them(level: int) -> None:
    plan, height = layout(level)
    assert sorted([*plan, *height]) == list(range(block_length(level)))
    assert (len(plan), len(height)) == (level_of(level).length, level + 2)


def test_codes_are_7_to_32_characters_long() -> None:
    assert [block_length(level) for level in range(1, FINEST + 1)] == [7, 10, 12, 15, 18, 20, 23, 26, 29, 32]


@given(blocks(), levels)
def test_an_ancestor_is_a_prefix(block: Cell3D, level: int) -> None:
    if level <= block.level:
        assert block.code.startswith(block.ancestor(level).code)
        assert block.ancestor(level).level == level


@given(blocks(st.sampled_from([1, 2, 5, 6, 9])))
def test_children_are_every_pair_of_a_child_of_the_plan_and_one_of_the_layer(block: Cell3D) -> None:
    children = list(block.children())
    pairs = {(child.plan, child.layer) for child in children}
    assert len(pairs) == len(children) == len(list(block.plan.children())) * len(list(block.layer.children()))
    assert {child.ancestor(block.level) for child in children} == {block}


@given(blocks())
def test_neighbours_are_mutual_and_distinct(block: Cell3D) -> None:
    around = block.neighbours()
    plans, layers_ = len(block.plan.neighbours()) + 1, 1 + sum(block.layer.neighbour(up) is not None for up in (-1, 1))
    assert len(set(around)) == len(around) == plans * layers_ - 1
    assert block not in around
    assert all(block in other.neighbours() for other in around[:6])


def test_a_block_in_the_open_has_26_neighbours() -> None:
    assert len(block_at(34.7466, 113.6254, 120, 7).neighbours()) == 26
    assert block_at(34.7466, 113.6254, 0.5, 7).neighbour(0, 0, -1) == block_at(34.7466, 113.6254, -0.5, 7)


@pytest.mark.parametrize(
    ("code", "rule", "position"),
    [
        ("N049I0", "beidou.length", None),
        ("N49IB52747B357600254", "beidou.character", 3),  # a plan code has a digit of its column where another belongs
        ("N249I00", "beidou.character", 2),
        ("N049I0A", "beidou.character", 7),
        ("N049i00", "beidou.case", 5),
        ("N049I64", "beidou.layer", None),
        ("N061I00", "beidou.column", None),
        ("N049I00C50", "beidou.character", 8),
        ("N049I00B58", "beidou.character", 10),
        ("N049I00B50202", "beidou.length", None),
        ("N000000", "beidou.polar-code", None),
        ("N149I00B50207407B031577605022540"[:-1] + "8", "beidou.character", 32),
        ("N149I00B50200400B000500600000200", "beidou.no-layer", None),
    ],
)
def test_what_is_no_code_is_refused_with_the_place_in_the_woven_code(
    code: str, rule: str, position: int | None
) -> None:
    with pytest.raises(Refused) as refused:
        parse_block(code, where="order.json")
    (reason,) = refused.value.reasons
    assert (reason.rule.code, reason.facts.get("position"), reason.where) == (rule, position, "order.json")


def test_a_block_has_one_level() -> None:
    with pytest.raises(ValueError, match="level 5 goes with no layer of level 6"):
        Cell3D(Cell2D(5, 0, 0), Layer(6, False, 0))
