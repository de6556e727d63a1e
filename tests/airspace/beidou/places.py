"""Places for the tests of the grid: anywhere, and exactly on the borders of cells, in all four quadrants."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from airspace.beidou.code import Cell2D
from airspace.beidou.height_code import Layer, most_layers
from airspace.beidou.levels import FINEST, UNITS_PER_DEG, HeightForm, level_of

VECTORS = Path(__file__).parents[3].parent / "shared" / "data" / "beidou" / "vectors.json"

levels = st.integers(1, FINEST)
forms = st.sampled_from(HeightForm)


def vectors() -> dict[str, Any]:
    """The published codes, where they are at hand."""
    if not VECTORS.exists():
        pytest.skip("the test data is not here")
    held: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))
    return held


@st.composite
def cells(draw: st.DrawFn, of_level: st.SearchStrategy[int] = levels) -> Cell2D:
    """Any cell, often one at Greenwich, the equator, the antimeridian or 88 degrees."""
    level = draw(of_level)
    size = level_of(level)

    def index(count: int) -> int:
        return draw(st.sampled_from([-count, -1, 0, count - 1]) | st.integers(-count, count - 1))

    return Cell2D(level, index(size.lon_count), index(size.lat_count))


@st.composite
def layers(draw: st.DrawFn, of_level: st.SearchStrategy[int] = levels) -> Layer:
    """Any layer, often the lowest or highest or one at the ellipsoid."""
    level, form, below = draw(of_level), draw(forms), draw(st.booleans())
    least = 1 if below and level == FINEST else 0
    count = most_layers(form) // form.layers_in(level)
    magnitude = draw(st.sampled_from([least, count - 1]) | st.integers(least, count - 1))
    return Layer(level, below, magnitude, form)


def borders(limit_deg: int) -> st.SearchStrategy[Fraction]:
    """Degrees on a border of cells of some level and just beside it, up to a limit that is left out."""
    sides = [6 * UNITS_PER_DEG, 4 * UNITS_PER_DEG, *(level_of(number).lon_units for number in range(2, FINEST + 1))]
    off = st.sampled_from([Fraction(0), Fraction(1, 10**9), Fraction(-1, 10**9), Fraction(1, 2 * UNITS_PER_DEG)])

    def at(side: int) -> st.SearchStrategy[Fraction]:
        count = limit_deg * UNITS_PER_DEG // side
        return st.builds(lambda n, d: Fraction(n * side, UNITS_PER_DEG) + d, st.integers(-count, count), off)

    return st.sampled_from(sides).flatmap(at).filter(lambda degrees: abs(degrees) < limit_deg)


lat_fractions = borders(88) | st.fractions(-87, 87, max_denominator=10**9)
lon_fractions = borders(180) | st.fractions(-179, 179, max_denominator=10**9)
lats_deg = st.floats(-88.0, 88.0, exclude_min=True, exclude_max=True).filter(lambda x: abs(round(x, 9)) < 88)
lons_deg = st.floats(-180.0, 180.0)
heights_m = st.floats(-12_000.0, 100_000.0) | st.floats(-5.0, 2000.0)
