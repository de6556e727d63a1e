from __future__ import annotations

import math
from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.beidou.height_code import Layer, faces_m, heights_m, layer_at, layers_at, most_layers, parse_layer
from airspace.beidou.levels import FINEST, HeightForm
from airspace.reasons import Refused
from tests.airspace.beidou.places import forms, layers, levels, vectors
from tests.airspace.beidou.places import heights_m as heights


def face_by_the_formula_m(n: int) -> Decimal:
    """H(n) of annex C in forty digits."""
    with localcontext(prec=40):
        t0, r0 = Decimal(math.pi) / 180, Decimal(6378137)
        return ((1 + t0).ln() * n / (3600 * 2048)).exp() * r0 - r0


# Height [m], mixed digits, bits: computed with exact arithmetic and by npm beidou-grid-location-codec 1.1.17 (bits).
KNOWN = [
    (0, "000000000000", "000000000000"),
    (60, "000000007650", "000000007650"),
    (120, "000000017520", "000000017520"),
    (123.7, "000000100107", "000000100107"),
    (300, "000000207111", "000000207111"),
    (1800, "000000E12654", "000000E12654"),
    (1839, "000000E17730", "000000E17730"),
    (1840, "000001000033", "000000F00033"),
    (2000, "000001104731", "000001004731"),
    (8848.86, "000004C01646", "000004801646"),
    (-1, "100000000103", "100000000103"),
    (-100, "100000015031", "100000015031"),
]


@pytest.mark.parametrize(("height_m", "mixed", "bits"), KNOWN)
def test_known_heights_have_their_codes_in_both_forms(height_m: float, mixed: str, bits: str) -> None:
    assert layer_at(height_m).code == mixed
    assert layer_at(height_m, form=HeightForm.BITS).code == bits


def test_every_height_of_the_data_folder_agrees() -> None:
    rows = vectors()["height"]
    assert len(rows) >= 10
    for row in rows:
        assert layer_at(row["h"]).code == row["mixed"]
        assert layer_at(row["h"], form=HeightForm.BITS).code == row["bits"]


@given(st.floats(0.0, 1839.58))
def test_both_forms_agree_where_cities_fly(height_m: float) -> None:
    assert layer_at(height_m).code == layer_at(height_m, form=HeightForm.BITS).code


@pytest.mark.parametrize(
    ("level", "thick_m"),
    [(4, 1839.585), (5, 122.6225), (6, 61.3110), (7, 7.66384), (8, 0.957979), (9, 0.119747), (10, 0.0149684)],
)
def test_layers_at_the_ellipsoid_are_as_thick_as_the_standard_says(level: int, thick_m: float) -> None:
    low_m, high_m = layer_at(0.0, level).bounds_m
    assert low_m == 0.0
    assert high_m == pytest.approx(thick_m, rel=1e-5)


@given(st.integers(-(10**7), 10**9))
def test_faces_are_where_the_formula_puts_them_within_a_micrometre(n: int) -> None:
    exact = face_by_the_formula_m(n)
    off_m = abs(Decimal(float(faces_m([n])[0])) - exact)
    assert off_m < Decimal("1e-6") * (1 + abs(exact) / 10**6)


@given(heights, levels, forms)
def test_a_height_is_in_its_layer(height_m: float, level: int, form: HeightForm) -> None:
    layer = layer_at(height_m, level, form)
    low_m, high_m = layer.bounds_m
    assert low_m <= height_m < high_m
    assert layer == layer_at(height_m, FINEST, form).ancestor(level)


@given(layers())
def test_a_face_is_in_the_layer_above_it(layer: Layer) -> None:
    low_m, high_m = layer.bounds_m
    assert layer_at(low_m, layer.level, layer.form) == layer
    above = layer.neighbour(1)
    if above is not None:
        assert above.bounds_m[0] == high_m
        assert layer_at(high_m, layer.level, layer.form) == above
        assert layer_at(math.nextafter(high_m, -math.inf), layer.level, layer.form) == layer


@given(layers())
def test_a_code_comes_back_as_its_layer(layer: Layer) -> None:
    assert parse_layer(layer.code, layer.form) == layer
    assert str(layer) == layer.code
    assert len(layer.code) == layer.level + 2


@given(layers(), levels)
def test_an_ancestor_is_a_prefix_and_holds_the_layer(layer: Layer, level: int) -> None:
    if level > layer.level:
        with pytest.raises(ValueError, match="finer"):
            layer.ancestor(level)
        return
    above = layer.ancestor(level)
    assert layer.code.startswith(above.code)
    assert above.finest[0] <= layer.finest[0] < layer.finest[1] <= above.finest[1]


@given(layers(st.integers(1, FINEST - 1)))
def test_children_tile_their_parent_exactly(layer: Layer) -> None:
    children = sorted(layer.children(), key=lambda child: child.finest)
    assert {child.ancestor(layer.level) for child in children} == {layer}
    assert (children[0].finest[0], children[-1].finest[1]) == layer.finest
    assert all(one.finest[1] == other.finest[0] for one, other in pairwise(children))


@given(layers(), st.integers(-3, 3))
def test_the_way_back_leads_back_through_the_ellipsoid_too(layer: Layer, up: int) -> None:
    other = layer.neighbour(up)
    if other is not None:
        assert other.neighbour(-up) == layer
        assert other.index == layer.index + up


@pytest.mark.parametrize("level", range(1, FINEST + 1))
def test_the_layers_at_the_ellipsoid_meet_there(level: int) -> None:
    above, below = layer_at(0.0, level), layer_at(-1e-9, level)
    assert above.neighbour(-1) == below
    assert (above.index, below.index) == (0, -1)
    assert below.bounds_m[1] == above.bounds_m[0] == 0.0
    assert below.code[0] == "1"


@pytest.mark.parametrize("form", HeightForm)
def test_beyond_the_highest_and_lowest_layer_there_is_none(form: HeightForm) -> None:
    low_m, high_m = heights_m(form)
    assert layer_at(low_m, form=form).neighbour(-1) is None
    highest = layer_at(math.nextafter(high_m, 0.0), form=form)
    assert highest.neighbour(1) is None
    assert highest.magnitude == most_layers(form) - 1
    for height_m in (high_m, math.nextafter(low_m, -math.inf), math.inf, math.nan):
        with pytest.raises(Refused) as refused:
            layer_at(height_m, 5, form, "plan.json height")
        (reason,) = refused.value.reasons
        assert (reason.rule.code, reason.where) == ("beidou.height", "plan.json height")
        assert f"{high_m:.0f}" in reason.text("zh")


@given(st.lists(st.integers(1 - most_layers(HeightForm.MIXED), most_layers(HeightForm.MIXED) - 1), max_size=70))
def test_faces_of_arrays_of_any_length_come_back_as_their_layers(numbers: list[int]) -> None:
    n = np.array(numbers, dtype=np.int64)
    faces = faces_m(n)
    assert (layers_at(faces) == n).all()
    assert [layer_at(float(face)).finest[0] for face in faces] == numbers


@pytest.mark.parametrize(
    ("code", "rule", "position"),
    [
        ("", "beidou.length", None),
        ("00", "beidou.length", None),
        ("0000000000000", "beidou.length", None),
        ("200", "beidou.character", 1),
        ("0A0", "beidou.character", 2),
        ("064", "beidou.layer", None),
        ("0008", "beidou.character", 4),
        ("00002", "beidou.character", 5),
        ("00000F", "beidou.character", 6),
        ("000000F", "beidou.character", 7),
        ("000000e", "beidou.case", 7),
        ("00000002", "beidou.character", 8),
        ("000000000008", "beidou.character", 12),
        ("100000000000", "beidou.no-layer", None),
    ],
)
def test_what_is_no_height_code_is_refused_with_the_place_of_the_fault(
    code: str, rule: str, position: int | None
) -> None:
    with pytest.raises(Refused) as refused:
        parse_layer(code, where="plan.json height")
    (reason,) = refused.value.reasons
    assert (reason.rule.code, reason.facts.get("position")) == (rule, position)
    assert reason.where == "plan.json height"
    assert reason.text("en")
    assert reason.text("zh")


def test_only_bits_know_the_digit_f() -> None:
    assert parse_layer("000000F00033", HeightForm.BITS).bounds_m[0] == pytest.approx(1840, abs=0.02)


def test_a_layer_that_no_code_can_write_does_not_exist() -> None:
    for layer in [(1, False, 64), (10, True, 0), (5, False, -1), (10, False, most_layers(HeightForm.MIXED))]:
        with pytest.raises(ValueError, match="has no layer"):
            Layer(*layer)
