from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.beidou.code import Cell2D, Degrees, cell_at, parse_cell
from airspace.beidou.levels import FINEST, UNITS_PER_DEG, level_of
from airspace.reasons import Refused
from tests.airspace.beidou.places import (
    borders,
    cells,
    lat_fractions,
    lats_deg,
    levels,
    lon_fractions,
    lons_deg,
    vectors,
)

LENGTHS = [4, 6, 7, 9, 11, 12, 14, 16, 18, 20]


def dms(degrees: int, minutes: int, seconds: str) -> Fraction:
    return degrees + Fraction(minutes, 60) + Fraction(Decimal(seconds)) / 3600


def by_the_book(lat: Fraction, lon: Fraction) -> str:
    """Level 10 by dividing degrees, minutes and seconds as section 5 of the standard tells it, with exact fractions."""
    x, y = abs(lon), abs(lat)
    column = 31 + int(x // 6) if lon >= 0 else 30 - int(x // 6)
    code = f"{'N' if lat >= 0 else 'S'}{column:02d}{'ABCDEFGHIJKLMNOPQRSTUV'[int(y // 4)]}"
    x, y = x % 6, y % 4
    minute, second = Fraction(1, 60), Fraction(1, 3600)
    sizes = [(30 * minute, 30 * minute), (15 * minute, 10 * minute), (minute, minute), (4 * second, 4 * second)]
    sizes += [(2 * second, 2 * second), *((second / n, second / n) for n in (4, 32, 256, 2048))]
    for number, (width, height) in enumerate(sizes, start=2):
        a, b = int(x // width), int(y // height)
        x, y = x % width, y % height
        code += f"{2 * b + a}" if number in (3, 6) else f"{a:X}{b:X}"
    return code


# -- what the standard prints ------------------------------------------------------------------------------------------


def test_the_example_of_annex_b_has_its_codes_at_every_level() -> None:
    lat, lon = dms(39, 59, "35.38"), dms(116, 18, "45.37")
    codes = ["N50J", "N50J47", "N50J475", "N50J47539", "N50J47539B8", "N50J47539B82", "N50J47539B8255"]
    codes += ["N50J47539B825534", "N50J47539B82553461", "N50J47539B8255346152"]
    assert [cell_at(lat, lon, level).code for level in range(1, 11)] == codes


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (dms(39, 59, "56.1444"), dms(116, 19, "14.3184"), "N50J475493E"),
        (dms(39, 59, "59.7012"), dms(116, 19, "5.9808"), "N50J475491E"),
        (dms(39, 59, "56.5260"), dms(116, 19, "9.3540"), "N50J475492E"),
        (39.910278, 116.315222, "N50J47534"),
        (34.7466, 113.6254, "N49IB52747B357600254"),
        (34.79726, 114.30709, "N50I053376C260046216"),
        (-34.6037, -58.3816, "S21I85176D3075022147"),
        (37.7749, -122.4194, "N10J433A627076247306"),
    ],
)
def test_published_places_have_their_codes(lat: Degrees, lon: Degrees, code: str) -> None:
    assert cell_at(lat, lon, 1 + LENGTHS.index(len(code))).code == code
    assert parse_cell(code).holds(lat, lon)


def test_every_vector_of_the_data_folder_agrees() -> None:
    held = vectors()
    agreed = [(row["lat"], row["lon"], row["code2d"]) for row in held["agreed"]]
    assert len(agreed) >= 3
    assert [cell_at(lat, lon).code for lat, lon, _ in agreed] == [code for _, _, code in agreed]
    for row in held["standard"]:
        for code in [row.get("code"), row.get("code2d"), *row.get("codes_by_level", {}).values()]:
            assert code is None or parse_cell(code).code == code


# -- every place has one cell ------------------------------------------------------------------------------------------


@given(lat_fractions, lon_fractions)
def test_exact_places_have_the_code_that_division_by_hand_gives(lat: Fraction, lon: Fraction) -> None:
    assert cell_at(lat, lon).code == by_the_book(lat, lon)


@given(lats_deg, lons_deg, levels)
def test_a_float_is_what_its_nine_decimals_say(lat_deg: float, lon_deg: float, level: int) -> None:
    cell = cell_at(lat_deg, lon_deg, level)
    assert cell == cell_at(f"{lat_deg:.9f}", f"{lon_deg:.9f}", level)
    west, south, east, north = (Fraction(side, UNITS_PER_DEG) for side in cell.bounds_units)
    grain = Fraction(1, 10**9)
    assert west - grain <= Fraction(lon_deg) <= east + grain
    assert south - grain <= Fraction(lat_deg) <= north + grain


@pytest.mark.parametrize("lat", ["27.9", "-27.9"])
@pytest.mark.parametrize("lon", ["86.9", "-86.9"])
def test_decimals_on_a_border_are_on_it_as_text_as_decimal_and_as_float(lat: str, lon: str) -> None:
    codes = {cell_at(lat, lon).code, cell_at(Decimal(lat), Decimal(lon)).code, cell_at(float(lat), float(lon)).code}
    hemisphere, column = "N" if lat == "27.9" else "S", 45 if lon == "86.9" else 16
    assert codes == {f"{hemisphere}{column}G5759400000000000"}


@given(cells(), st.sampled_from(["inner", "middle"]), st.sampled_from(["inner", "middle"]))
def test_a_cell_holds_its_middle_and_its_sides_towards_zero(cell: Cell2D, lon_place: str, lat_place: str) -> None:
    west, south, east, north = cell.bounds_units

    def pick(low: int, high: int, place: str) -> Fraction:
        if place == "middle":
            return Fraction(low + high, 2 * UNITS_PER_DEG)
        return Fraction(low if low >= 0 else high, UNITS_PER_DEG)

    lat, lon = pick(south, north, lat_place), pick(west, east, lon_place)
    beyond_greenwich, beyond_equator = lon == 0 and cell.lon_index < 0, lat == 0 and cell.lat_index < 0
    assert cell.holds(lat, lon) == (not beyond_greenwich and not beyond_equator)


@given(cells())
def test_a_cell_does_not_hold_its_sides_away_from_zero(cell: Cell2D) -> None:
    west, south, east, north = (Fraction(side, UNITS_PER_DEG) for side in cell.bounds_units)
    outer_lon, outer_lat = (east if cell.lon_index >= 0 else west), (north if cell.lat_index >= 0 else south)
    if abs(outer_lon) < 180:
        assert not cell.holds((south + north) / 2, outer_lon)
    if abs(outer_lat) < 88:
        assert not cell.holds(outer_lat, (west + east) / 2)


@pytest.mark.parametrize("zero", [0.0, -0.0, "0", "-0.0", Decimal(0), -1e-12])
def test_greenwich_is_east_and_the_equator_is_north(zero: Degrees) -> None:
    assert cell_at(zero, zero).code == "N31A0000000000000000"


@given(borders(88), levels)
def test_the_antimeridian_belongs_to_the_last_cell_of_the_side_that_its_sign_says(lat: Fraction, level: int) -> None:
    east, west = cell_at(lat, 180, level), cell_at(lat, -180, level)
    assert east.code[1:3] == "60"
    assert west.code[1:3] == "01"
    assert east.neighbour(1, 0) == west
    assert east.bounds_deg[2] == 180.0
    assert west.bounds_deg[0] == -180.0


@pytest.mark.parametrize(("lon", "column"), [(-6, "29"), (-12, "28"), (-5, "30"), (6, "32"), (0, "31"), (-180, "01")])
def test_a_column_border_of_level_1_has_its_own_column_on_both_sides_of_greenwich(lon: int, column: str) -> None:
    assert cell_at(0, lon, 1).code == f"N{column}A"


# -- codes and back ----------------------------------------------------------------------------------------------------


@given(cells())
def test_a_code_comes_back_as_its_cell(cell: Cell2D) -> None:
    assert parse_cell(cell.code) == cell
    assert str(cell) == cell.code
    assert len(cell.code) == LENGTHS[cell.level - 1] == level_of(cell.level).length


@given(cells())
def test_the_middle_of_a_cell_comes_back_as_its_cell(cell: Cell2D) -> None:
    assert cell_at(cell.centre.lat_deg, cell.centre.lon_deg, cell.level) == cell


@given(cells(), cells())
def test_two_cells_have_two_codes(one: Cell2D, other: Cell2D) -> None:
    assert (one.code == other.code) == (one == other)


# -- the tree ----------------------------------------------------------------------------------------------------------


@given(cells(), levels)
def test_an_ancestor_is_a_prefix_and_holds_the_cell(cell: Cell2D, level: int) -> None:
    if level > cell.level:
        with pytest.raises(ValueError, match="finer"):
            cell.ancestor(level)
        return
    above = cell.ancestor(level)
    assert cell.code.startswith(above.code)
    assert len(above.code) == LENGTHS[level - 1]
    west, south, east, north = cell.bounds_units
    x0, y0, x1, y1 = above.bounds_units
    assert x0 <= west < east <= x1
    assert y0 <= south < north <= y1


@given(cells(st.integers(1, FINEST - 1)))
def test_children_tile_their_parent_exactly(cell: Cell2D) -> None:
    children = list(cell.children())
    assert {child.ancestor(cell.level) for child in children} == {cell}
    sides = [child.bounds_units for child in children]
    west, south, east, north = cell.bounds_units
    assert len(set(sides)) == len(children)
    assert sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in sides) == (east - west) * (north - south)
    assert (min(s[0] for s in sides), max(s[2] for s in sides)) == (west, east)
    assert (min(s[1] for s in sides), max(s[3] for s in sides)) == (south, north)
    suffixes = {child.code[len(cell.code) :] for child in children}
    assert len(suffixes) == len(children)


def test_the_finest_cell_has_no_children() -> None:
    with pytest.raises(ValueError, match="levels of the grid"):
        next(cell_at(1.0, 1.0).children())


# -- neighbours --------------------------------------------------------------------------------------------------------


@given(cells())
def test_neighbours_are_mutual_and_distinct(cell: Cell2D) -> None:
    around = cell.neighbours()
    rows = {cell.lat_index + north for north in (-1, 0, 1)}
    held = [row for row in rows if -level_of(cell.level).lat_count <= row < level_of(cell.level).lat_count]
    assert len(set(around)) == len(around) == 3 * len(held) - 1
    assert all(cell in other.neighbours() for other in around)


@given(cells(), st.integers(-3, 3), st.integers(-3, 3))
def test_the_way_back_leads_back(cell: Cell2D, east: int, north: int) -> None:
    other = cell.neighbour(east, north)
    if other is not None:
        assert other.neighbour(-east, -north) == cell


@given(cells())
def test_the_next_cell_east_begins_where_this_one_ends(cell: Cell2D) -> None:
    other = cell.neighbour(1, 0)
    assert other is not None
    turn = 360 * UNITS_PER_DEG
    assert (other.bounds_units[0] - cell.bounds_units[2]) % turn == 0
    assert other.bounds_units[1::2] == cell.bounds_units[1::2]


@pytest.mark.parametrize(
    ("code", "east", "north", "other"),
    [
        ("N31A00", -1, 0, "N30A00"),  # over Greenwich
        ("N31A00", 0, -1, "S31A00"),  # over the equator
        ("N31A00", -1, -1, "S30A00"),
        ("N60A00", 12, 0, "N01AB0"),  # over the antimeridian
        ("N31AB0", 1, 0, "N32A00"),  # into the next column
        ("N31A07", 0, 1, "N31B00"),  # into the next row
        ("N50J47539B8255346152", 0, 1, "N50J47539B8255346153"),
    ],
)
def test_neighbours_cross_the_borders_of_coarser_cells(code: str, east: int, north: int, other: str) -> None:
    assert str(parse_cell(code).neighbour(east, north)) == other


@pytest.mark.parametrize("code", ["N31V07", "S31V07"])
def test_there_is_nothing_beyond_88_degrees(code: str) -> None:
    cell = parse_cell(code)
    assert cell.neighbour(0, 1 if code[0] == "N" else -1) is None
    assert len(cell.neighbours()) == 5


# -- refusals ----------------------------------------------------------------------------------------------------------


def refusals() -> Iterator[tuple[str, str, dict[str, object]]]:
    yield "", "beidou.length", {"count": 0}
    yield "N50", "beidou.length", {"count": 3}
    yield "N50J4", "beidou.length", {"count": 5}
    yield "N50J47539B82553461520", "beidou.length", {"count": 21}
    yield "X50J", "beidou.character", {"position": 1, "found": "'X'", "alphabet": "NS"}
    yield "n50J", "beidou.case", {"position": 1, "meant": "N"}
    yield "N50j47", "beidou.case", {"position": 4, "meant": "J"}
    yield "N50J47539b8", "beidou.case", {"position": 10, "meant": "B"}
    yield "N61J", "beidou.column", {"found": "61"}
    yield "N70J", "beidou.character", {"position": 2, "alphabet": "0123456"}
    yield "N00J", "beidou.polar-code", {}
    yield "N000P12", "beidou.polar-code", {}
    yield "S000", "beidou.polar-code", {}
    yield "N50W", "beidou.character", {"position": 4, "level": 1}
    yield "N50JC7", "beidou.character", {"position": 5, "level": 2, "alphabet": "0123456789AB"}
    yield "N50J48", "beidou.character", {"position": 6, "level": 2, "alphabet": "01234567"}
    yield "N50J476", "beidou.character", {"position": 7, "level": 3, "alphabet": "012345"}
    yield "N50J475F9", "beidou.character", {"position": 8, "level": 4, "alphabet": "0123456789ABCDE"}
    yield "N50J4753A", "beidou.character", {"position": 9, "level": 4, "alphabet": "0123456789"}
    yield "N50J47539BF", "beidou.character", {"position": 11, "level": 5}
    yield "N50J47539B84", "beidou.character", {"position": 12, "level": 6, "alphabet": "0123"}
    yield "N50J47539B8285", "beidou.character", {"position": 13, "level": 7, "alphabet": "01234567"}
    yield "N50J 7", "beidou.character", {"position": 5, "found": "' '"}
    yield "N５0J", "beidou.character", {"position": 2}
    yield "N5²J", "beidou.character", {"position": 3}


@pytest.mark.parametrize(("code", "rule", "facts"), list(refusals()))
def test_what_is_no_code_is_refused_with_the_place_of_the_fault(code: str, rule: str, facts: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        parse_cell(code, "request.json place")
    (reason,) = refused.value.reasons
    assert reason.rule.code == rule
    assert reason.where == "request.json place"
    assert facts.items() <= reason.facts.items()
    assert reason.text("en")
    assert reason.text("zh")


@given(st.text(alphabet="NS0123456789ABCDEFabcdefjJVW ", max_size=22))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    try:
        cell = parse_cell(text)
    except Refused:
        return
    assert cell.code == text


@pytest.mark.parametrize(
    ("lat", "lon", "rule"),
    [
        (88, 0, "beidou.polar"),
        (-88.0, 0, "beidou.polar"),
        (87.9999999999, 0, "beidou.polar"),  # rounds to 88
        (90, 0, "beidou.polar"),
        (113.6, 34.7, "beidou.polar"),  # longitude first
        (0, 180.000000001, "beidou.longitude"),
        (0, "-180.0000000000001", "beidou.longitude"),
        (0, 360, "beidou.longitude"),
        (float("nan"), 0, "beidou.number"),
        (0, float("inf"), "beidou.number"),
        ("NaN", 0, "beidou.number"),
        (Decimal("Infinity"), 0, "beidou.number"),
        ("34.7N", 0, "beidou.number"),
        ("", 0, "beidou.number"),
        ("1e999999999", 0, "beidou.number"),
        ("1e-999999999", 0, "beidou.number"),
    ],
)
def test_a_place_off_the_grid_is_refused_by_name(lat: Degrees, lon: Degrees, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        cell_at(lat, lon, where="request.json place")
    (reason,) = refused.value.reasons
    assert (reason.rule.code, reason.where) == (rule, "request.json place")
    assert reason.text("en")
    assert reason.text("zh")


@pytest.mark.parametrize("level", [0, -1, 11])
def test_there_are_ten_levels(level: int) -> None:
    with pytest.raises(ValueError, match="levels of the grid are 1 to 10"):
        cell_at(1.0, 1.0, level)


@pytest.mark.parametrize(("lon_index", "lat_index"), [(30, 0), (-31, 0), (0, 22), (0, -23)])
def test_a_cell_off_the_earth_does_not_exist(lon_index: int, lat_index: int) -> None:
    with pytest.raises(ValueError, match="has no cell"):
        Cell2D(1, lon_index, lat_index)
