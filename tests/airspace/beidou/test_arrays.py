from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.beidou.arrays import ROWS_AT_ONCE, blocks_at, cells_at, parse_blocks, parse_cells
from airspace.beidou.cells import block_at, parse_block
from airspace.beidou.code import cell_at, parse_cell
from airspace.beidou.levels import HeightForm, level_of
from airspace.reasons import Refused
from tests.airspace.beidou.places import forms, heights_m, lats_deg, levels, lons_deg

# On borders of cells and beside them, as floats have them.
border_lats_deg = st.integers(-87 * 3600, 87 * 3600).map(lambda seconds: seconds / 3600)
border_lons_deg = st.integers(-180 * 3600, 180 * 3600).map(lambda seconds: seconds / 3600)
places = st.lists(
    st.tuples(
        lats_deg | border_lats_deg, lons_deg | border_lons_deg | st.sampled_from([180.0, -180.0, -0.0]), heights_m
    ),
    max_size=40,
)


@given(places, levels)
def test_arrays_of_cells_are_the_cells_one_by_one(rows: list[tuple[float, float, float]], level: int) -> None:
    lat, lon = [row[0] for row in rows], [row[1] for row in rows]
    held = cells_at(lat, lon, level)
    singly = [cell_at(*place, level) for place in zip(lat, lon, strict=True)]
    assert [code.decode() for code in held.codes()] == [cell.code for cell in singly]
    assert [tuple(sides) for sides in held.bounds_units()] == [cell.bounds_units for cell in singly]
    assert [tuple(c) for c in held.centres_deg()] == [(cell.centre.lon_deg, cell.centre.lat_deg) for cell in singly]


@given(places, levels, forms)
def test_arrays_of_blocks_are_the_blocks_one_by_one(
    rows: list[tuple[float, float, float]], level: int, form: HeightForm
) -> None:
    lat, lon, height = ([row[i] for row in rows] for i in range(3))
    codes = blocks_at(lat, lon, height, level, form).codes()
    assert [code.decode() for code in codes] == [block_at(*row, level, form).code for row in rows]


@given(places, levels, forms)
def test_codes_come_back_as_their_cells(rows: list[tuple[float, float, float]], level: int, form: HeightForm) -> None:
    lat, lon, height = ([row[i] for row in rows] for i in range(3))
    held = blocks_at(lat, lon, height, level, form)
    plans, blocks = parse_cells(held.plan.codes()), parse_blocks(held.codes().astype(str), form)
    for plan in (plans, blocks.plan):
        assert (plan.lon_index == held.plan.lon_index).all()
        assert (plan.lat_index == held.plan.lat_index).all()
        assert not rows or plan.level == level
    assert (blocks.below == held.below).all()
    assert (blocks.magnitude == held.magnitude).all()
    assert len(blocks) == len(plans) == len(rows)


@given(places, levels, levels)
def test_keys_are_in_the_order_of_codes_and_those_of_descendants_follow(
    rows: list[tuple[float, float, float]], level: int, finer: int
) -> None:
    lat, lon = [row[0] for row in rows], [row[1] for row in rows]
    level, finer = sorted((level, finer))
    held = cells_at(lat, lon, level)
    keys = held.keys()
    assert [int(i) for i in np.argsort(keys, kind="stable")] == [
        int(i) for i in np.argsort(held.codes(), kind="stable")
    ]
    own, other = level_of(level), level_of(finer)
    count = (own.lon_units // other.lon_units) * (own.lat_units // other.lat_units)
    assert (cells_at(lat, lon, finer).keys() // count == keys).all()


def test_the_first_and_the_last_key_are_those_of_the_first_and_the_last_code() -> None:
    first, last = parse_cells(["N01A0000000000000000"]), parse_cells(["S60VB75E9EE377777777"])
    assert first.keys().tolist() == [0]
    assert last.keys().tolist() == [2 * 60 * 22 * 96 * 6 * 150 * 225 * 4 * 64**4 - 1]


def test_many_rows_are_the_same_as_few() -> None:
    rng = np.random.default_rng(39409)
    count = 2 * ROWS_AT_ONCE + 17
    lat, lon, height = rng.uniform(-87.9, 87.9, count), rng.uniform(-180, 180, count), rng.uniform(-400, 9000, count)
    held = blocks_at(lat, lon, height)
    codes = held.codes()
    some = [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE, count - 1, *rng.integers(0, count, 300)]
    assert [codes[i].decode() for i in some] == [block_at(lat[i], lon[i], height[i]).code for i in some]
    back = parse_blocks(codes)
    assert (back.codes() == codes).all()
    assert (parse_cells(held.plan.codes()).keys() == held.plan.keys()).all()


def test_faces_of_layers_are_the_same_in_arrays_of_any_length() -> None:
    faces = [block_at(30.0, 110.0, h, 7).bounds_m[0] for h in range(-200, 2000, 7)]
    for count in (1, 2, 3, 5, 8, 13, 64, len(faces)):
        codes = blocks_at([30.0] * count, [110.0] * count, faces[:count], 7).codes()
        assert [code.decode() for code in codes] == [block_at(30.0, 110.0, face, 7).code for face in faces[:count]]


@pytest.mark.parametrize(
    ("lat", "lon", "height", "rule"),
    [
        (88.0, 0.0, 0.0, "beidou.polar"),
        (87.9999999999, 0.0, 0.0, "beidou.polar"),
        (-1e30, 0.0, 0.0, "beidou.polar"),
        (0.0, -180.00001, 0.0, "beidou.longitude"),
        (np.nan, 0.0, 0.0, "beidou.number"),
        (0.0, np.inf, 0.0, "beidou.number"),
        (0.0, 0.0, np.nan, "beidou.height"),
        (0.0, 0.0, 6e8, "beidou.height"),
    ],
)
def test_the_first_place_off_the_grid_is_refused_by_name_and_index(
    lat: float, lon: float, height: float, rule: str
) -> None:
    with pytest.raises(Refused) as refused:
        blocks_at([1.0, lat, lat], [1.0, lon, lon], [1.0, height, height], 8)
    assert [(reason.rule.code, reason.where) for reason in refused.value.reasons] == [(rule, "[1]")]


def rule_alone(code: str) -> str:
    try:
        parse_cell(code)
    except Refused as refused:
        return refused.reasons[0].rule.code
    return ""


# Mostly codes of level 1 and 2, with a character changed here and there.
nearly_codes = st.builds(
    lambda code, at, other: code[:at] + other + code[at + 1 :],
    st.sampled_from(["N50J47", "S01V00", "N31AB7", "N50J"]),
    st.integers(0, 5),
    st.sampled_from(["0", "1", "7", "8", "C", "N", "f", "\u00e9", ""]),
)


@settings(max_examples=200)
@given(st.lists(nearly_codes, min_size=1, max_size=4))
def test_codes_are_refused_in_arrays_when_they_are_refused_alone(codes: list[str]) -> None:
    alone = [rule_alone(code) for code in codes]
    if not any(alone) and len({len(code) for code in codes}) == 1:
        assert [code.decode() for code in parse_cells(codes).codes()] == codes
        return
    with pytest.raises(Refused) as refused:
        parse_cells(codes)
    (reason,) = refused.value.reasons
    i = int(reason.where.strip("[]"))
    assert reason.rule.code == alone[i] or (reason.rule.code == "beidou.other-level" and not alone[i])


@pytest.mark.parametrize(
    ("codes", "where", "rule"),
    [
        (["N50J47", "N50JC7", "N50j47"], "[1]", "beidou.character"),
        (["N50J47", "N50j47"], "[1]", "beidou.case"),
        (["N50J47", "N50J"], "[1]", "beidou.other-level"),
        (["N50J", "N50J4"], "[1]", "beidou.length"),
        (["N50J", "N00J"], "[1]", "beidou.polar-code"),
        (["N50J", "N61J"], "[1]", "beidou.column"),
        (["N50J", "X50J"], "[1]", "beidou.character"),
        (["N50J", "N50é"], "[1]", "beidou.character"),
        (["N50Jé"], "[0]", "beidou.length"),
        (["N50J", ""], "[1]", "beidou.length"),
    ],
)
def test_the_first_code_that_is_none_is_refused_by_name_and_index(codes: list[str], where: str, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_cells(codes)
    assert [(reason.rule.code, reason.where) for reason in refused.value.reasons] == [(rule, where)]
    assert refused.value.reasons[0].text("zh")


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("N249I00B50", "beidou.character"),
        ("N049I0AB50", "beidou.character"),
        ("N049I64B50", "beidou.layer"),
        ("N049I00B58", "beidou.character"),
        ("N049I00C50", "beidou.character"),
        ("N049I00", "beidou.other-level"),
    ],
)
def test_woven_codes_are_refused_as_they_are_alone(code: str, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_blocks(["N049I00B50", code])
    assert [(reason.rule.code, reason.where) for reason in refused.value.reasons] == [(rule, "[1]")]
    if rule != "beidou.other-level":
        with pytest.raises(Refused):
            parse_block(code)


def test_no_layer_lies_0_below_the_ellipsoid() -> None:
    with pytest.raises(Refused, match=r"beidou\.no-layer"):
        parse_blocks(["N149I00B50200400B000500600000200"])


def test_nothing_is_nothing() -> None:
    assert len(cells_at([], [])) == len(parse_cells(np.array([], dtype="S20"))) == 0
    assert len(blocks_at([], [], [])) == len(parse_blocks(np.array([], dtype="U32"))) == 0


@pytest.mark.parametrize("codes", [[1, 2], [["N50J"]], "N50J"])
def test_codes_come_as_one_row_of_text(codes: object) -> None:
    with pytest.raises(TypeError, match="one row of bytes or text"):
        parse_cells(codes)  # type: ignore[arg-type]
