from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from airspace.volumes import HIGHEST_M, Volume4D
from tests.airspace.shapes import volume

Cell = tuple[int, int]
cells = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)
spans = st.tuples(st.integers(0, 6), st.integers(0, 3))


@st.composite
def lattice_volumes(draw: st.DrawFn) -> tuple[Volume4D, set[Cell], range, range]:
    """A volume of whole unit cells, with its cells, its closed heights and its half-open seconds."""
    plan = draw(cells)
    low, thick = draw(spans)
    start, lasts = draw(spans)
    outline = shapely.union_all([box(x, y, x + 1, y + 1) for x, y in plan])
    lasts += 1
    held = Volume4D(outline, low, low + thick, start, start + lasts)
    return held, plan, range(low, low + thick + 1), range(start, start + lasts)


def lattice_points(plan: set[Cell]) -> set[Cell]:
    """Corners, edge middles and centres of closed cells, in half units: two sets of cells meet in one of them."""
    return {(2 * x + dx, 2 * y + dy) for x, y in plan for dx, dy in product((0, 1, 2), repeat=2)}


@settings(max_examples=300)
@given(lattice_volumes(), lattice_volumes())
def test_overlap_is_what_an_exact_lattice_says(
    one: tuple[Volume4D, set[Cell], range, range], other: tuple[Volume4D, set[Cell], range, range]
) -> None:
    a, a_cells, a_heights, a_times = one
    b, b_cells, b_heights, b_times = other
    meets = (
        bool(lattice_points(a_cells) & lattice_points(b_cells))
        and bool(set(a_heights) & set(b_heights))
        and bool(set(a_times) & set(b_times))
    )
    assert a.overlaps(b) == meets
    assert b.overlaps(a) == meets


corners = st.floats(-50.0, 50.0, allow_subnormal=False)


@st.composite
def star_volumes(draw: st.DrawFn) -> tuple[Volume4D, list[tuple[float, float]]]:
    """A volume over a star-shaped outline with real corners, and the ring of it."""
    x_m, y_m = draw(corners), draw(corners)
    radii = draw(st.lists(st.floats(5.0, 60.0), min_size=3, max_size=9))
    ring = [
        (x_m + r * math.cos(2 * math.pi * i / len(radii)), y_m + r * math.sin(2 * math.pi * i / len(radii)))
        for i, r in enumerate(radii)
    ]
    low_m, start_s = draw(st.floats(0.0, 60.0)), draw(st.floats(0.0, 60.0))
    thick_m, lasts_s = draw(st.floats(1.0, 60.0)), draw(st.floats(1.0, 60.0))
    return Volume4D(Polygon(ring), low_m, low_m + thick_m, start_s, start_s + lasts_s), ring


def is_inside(ring: list[tuple[float, float]], x: float, y: float) -> bool:
    """Ray casting, sharing nothing with the geometry library."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            crossings += 1
    return crossings % 2 == 1


def samples(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * (i + 0.5) / count for i in range(count)]


@settings(max_examples=60, deadline=None)
@given(star_volumes(), star_volumes())
def test_no_overlap_that_dense_sampling_finds_is_missed(
    one: tuple[Volume4D, list[tuple[float, float]]], other: tuple[Volume4D, list[tuple[float, float]]]
) -> None:
    (a, a_ring), (b, b_ring) = one, other
    in_both = any(
        is_inside(a_ring, x, y) and is_inside(b_ring, x, y) for x, y in product(samples(-110, 110, 45), repeat=2)
    )
    heights = [
        h for h in samples(0, 120, 240) if all(v.floor_ellipsoidal_m <= h <= v.ceiling_ellipsoidal_m for v in (a, b))
    ]
    times = [t for t in samples(0, 120, 240) if all(v.start_s <= t < v.end_s for v in (a, b))]
    assert a.overlaps(b) == b.overlaps(a)
    if in_both and heights and times:
        assert a.overlaps(b)
    big = a.outline.intersection(b.outline).buffer(-5.0)  # holds a sample: they are 4.9 m apart
    if not big.is_empty:
        assert in_both


def test_a_window_that_begins_when_another_ends_does_not_overlap() -> None:
    first, second = volume(start_s=0.0, end_s=50.0), volume(start_s=50.0, end_s=100.0)
    assert not first.overlaps(second)
    assert first.overlaps(volume(start_s=math.nextafter(50.0, 0.0), end_s=100.0))


def test_the_end_is_outside_and_the_start_inside() -> None:
    held = volume(start_s=10.0, end_s=20.0)
    assert held.contains(50.0, 50.0, 50.0, 10.0)
    assert not held.contains(50.0, 50.0, 50.0, 20.0)


def test_touching_outlines_and_heights_overlap() -> None:
    assert volume().overlaps(volume(box(100.0, 100.0, 200.0, 200.0)))
    assert volume(low_m=0.0, high_m=50.0).overlaps(volume(low_m=50.0, high_m=90.0))


def test_what_lies_in_a_hole_does_not_overlap() -> None:
    ring = Polygon(box(0, 0, 100, 100).exterior, [box(20, 20, 80, 80).exterior])
    assert not volume(ring).overlaps(volume(box(30, 30, 70, 70)))
    assert volume(ring).overlaps(volume(box(30, 30, 85, 70)))
    assert not volume(ring).contains(50.0, 50.0, 50.0, 50.0)
    assert volume(ring).contains(20.0, 50.0, 50.0, 50.0)


def test_parts_of_one_volume_are_one_volume() -> None:
    two = volume(MultiPolygon([box(0, 0, 10, 10), box(50, 50, 60, 60)]))
    assert two.overlaps(volume(box(55, 55, 56, 56)))
    assert not two.overlaps(volume(box(20, 20, 40, 40)))


@pytest.mark.parametrize(
    "change",
    [
        {"floor_ellipsoidal_m": math.nan},
        {"ceiling_ellipsoidal_m": math.inf},
        {"start_s": math.nan},
        {"floor_ellipsoidal_m": 101.0},
        {"start_s": 101.0},
        {"start_s": 100.0},
        {"outline": Polygon()},
        {"outline": Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])},
    ],
)
def test_what_would_overlap_nothing_by_accident_is_no_volume(change: dict[str, float | Polygon]) -> None:
    with pytest.raises(ValueError, match="a volume"):
        replace(volume(), **change)  # type: ignore[arg-type]


def test_the_box_holds_the_volume_lows_first() -> None:
    assert volume(box(1, 2, 3, 4), 5, 6, 7, 8).box == (1, 2, 5, 7, 3, 4, 6, 8)


def test_a_volume_lies_within_a_thousand_kilometres_of_the_ellipsoid() -> None:
    for low_m, high_m in ((0.0, 2e15), (-2e15, 0.0), (0.0, 1.1 * HIGHEST_M)):
        with pytest.raises(ValueError, match="of the ellipsoid"):
            Volume4D(box(0, 0, 10, 10), low_m, high_m, 0.0, 1.0)
    assert Volume4D(box(0, 0, 10, 10), -HIGHEST_M, HIGHEST_M, 0.0, 1.0).ceiling_ellipsoidal_m == HIGHEST_M
