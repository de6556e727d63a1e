from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Point, Polygon, box

from airspace.beidou.cells import Cell3D, block_at, parse_block
from airspace.beidou.cover import inner_cover, mixed_inner_cover, mixed_outer_cover, outer_cover
from airspace.beidou.solids import Solid, solid_around
from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Refused
from airspace.volumes import Volume4D

Cover = Callable[[Solid, int, int], tuple[Cell3D, ...]]
OUTER: list[Cover] = [outer_cover, mixed_outer_cover]
INNER: list[Cover] = [inner_cover, mixed_inner_cover]

# Places where grids go wrong: Zhengzhou, where Greenwich meets the equator, the antimeridian, just under 88 degrees,
# the corner of four columns and rows in the south-west.
CENTRES = [(34.7466, 113.6254), (0.0, 0.0), (10.0, 180.0), (-33.0, -180.0), (87.9, 20.0), (-36.0, -60.0)]


@st.composite
def outlines(draw: st.DrawFn) -> Polygon | MultiPolygon:
    """Stars, rings and pairs, from decimetres to kilometres, in degrees that may run on beyond 180."""
    lat, lon = draw(st.sampled_from(CENTRES))
    size_deg = draw(st.sampled_from([1e-6, 1e-4, 1e-3, 2e-2]))
    angles = sorted(draw(st.sets(st.integers(0, 359), min_size=3, max_size=9)))
    radii = [draw(st.floats(0.2, 1.0)) for _ in angles]
    ring = [(r * np.cos(np.radians(a)), r * np.sin(np.radians(a))) for a, r in zip(angles, radii, strict=True)]
    star = Polygon(ring)
    assume(star.is_valid and star.area > 0.01)
    kind = draw(st.sampled_from(["star", "ring", "pair"]))
    shape: Polygon | MultiPolygon = star
    if kind == "ring":
        shape = star.difference(Point(star.representative_point()).buffer(0.05))
    elif kind == "pair":
        shape = MultiPolygon([star, translate(star, 2.5, 0.5)])
    assume(shape.is_valid and not shape.is_empty and shape.geom_type in ("Polygon", "MultiPolygon"))
    placed: Polygon | MultiPolygon = shapely.transform(shape, lambda xy: xy * size_deg + [lon, lat])
    assume(placed.is_valid and placed.bounds[3] < 88)
    return placed


@st.composite
def solids(draw: st.DrawFn) -> Solid:
    floor_m = draw(st.sampled_from([0.0, -20.0, block_at(1.0, 1.0, 100.0, 6).bounds_m[0]]) | st.floats(-100.0, 500.0))
    thick_m = draw(st.sampled_from([0.0, 3.0, 60.0]) | st.floats(0.0, 120.0))
    return Solid(draw(outlines()), floor_m, floor_m + thick_m)


def east_of_180(lon_deg: float) -> float:
    """The same longitude as a position has it."""
    return lon_deg - 360.0 * round(lon_deg / 360.0) if abs(lon_deg) > 180 else lon_deg


def points_of(solid: Solid, seed: int) -> list[tuple[float, float, float]]:
    """Corners, points of edges and points inside, at the floor, the ceiling and between: (lat, lon, height)."""
    rng = np.random.default_rng(seed)
    outline = solid.outline_lon_lat_deg
    x0, y0, x1, y1 = outline.bounds
    tried = shapely.points(rng.uniform(x0, x1, 60), rng.uniform(y0, y1, 60))
    inside = tried[shapely.covers(outline, tried)]
    on_edges = shapely.line_interpolate_point(outline.boundary, rng.uniform(0, outline.boundary.length, 10))
    corners = shapely.get_coordinates(outline)[:12]
    lon_lat = np.concatenate([corners, shapely.get_coordinates(inside)[:12], shapely.get_coordinates(on_edges)])
    heights = [solid.floor_ellipsoidal_m, solid.ceiling_ellipsoidal_m]
    heights.append(float(rng.uniform(heights[0], heights[1])))
    return [(float(lat), east_of_180(float(lon)), heights[i % 3]) for i, (lon, lat) in enumerate(lon_lat)]


def cover_or_skip(cover: Cover, solid: Solid, level: int, most: int) -> tuple[Cell3D, ...]:
    try:
        return cover(solid, level, most)
    except Refused:
        assume(False)
        raise


@pytest.mark.parametrize("cover", OUTER)
@settings(max_examples=50)
@given(solids(), st.sampled_from([4, 5, 6, 7]), st.integers(0, 99))
def test_every_point_of_a_solid_is_in_its_outer_cover(cover: Cover, solid: Solid, level: int, seed: int) -> None:
    blocks = cover_or_skip(cover, solid, level, 600)
    codes = {block.code for block in blocks}
    levels = {block.level for block in blocks}
    for lat, lon, height in points_of(solid, seed):
        assert any(block_at(lat, lon, height, number).code in codes for number in levels)


@pytest.mark.parametrize("cover", INNER)
@settings(max_examples=50)
@given(solids(), st.sampled_from([5, 6, 7, 8]), st.integers(0, 99))
def test_every_block_of_an_inner_cover_is_in_the_solid(cover: Cover, solid: Solid, level: int, seed: int) -> None:
    blocks = cover_or_skip(cover, solid, level, 600)
    rng = np.random.default_rng(seed)
    for block in blocks[:: max(1, len(blocks) // 20)]:
        west, south, east, north = block.bounds_deg
        low_m, high_m = block.bounds_m
        assert solid.floor_ellipsoidal_m <= low_m
        assert high_m <= solid.ceiling_ellipsoidal_m
        lon, lat = rng.uniform(west, east, 8), rng.uniform(south, north, 8)
        spots = np.concatenate(
            [np.column_stack([lon, lat]), [(west, south), (west, north), (east, south), (east, north)]]
        )
        turns = [
            shapely.covers(solid.outline_lon_lat_deg, shapely.points(spots + np.array([turn, 0.0])))
            for turn in (-360, 0, 360)
        ]
        assert any(turn.all() for turn in turns)


@settings(max_examples=50)
@given(solids(), st.sampled_from([5, 6, 7]))
def test_inner_blocks_are_outer_blocks_and_mixed_ones_do_not_overlap(solid: Solid, level: int) -> None:
    outer = cover_or_skip(outer_cover, solid, level, 600)
    inner = inner_cover(solid, level, 600)
    assert set(inner) <= set(outer)
    assert [block.code for block in outer] == sorted({block.code for block in outer})
    for mixed in (mixed_outer_cover(solid, level, 64), mixed_inner_cover(solid, level, 64)):
        assert len(mixed) <= 64
        codes = {block.code for block in mixed}
        assert not any(block.ancestor(n).code in codes for block in mixed for n in range(1, block.level))


@settings(max_examples=40)
@given(solids())
def test_mixed_covers_of_enough_blocks_are_the_plain_ones_with_what_is_full_left_whole(solid: Solid) -> None:
    plain = {block.code for block in cover_or_skip(outer_cover, solid, 6, 400)}
    inner = {block.code for block in inner_cover(solid, 6, 400)}
    for blocks, expected in ((mixed_outer_cover(solid, 6, 10**6), plain), (mixed_inner_cover(solid, 6, 10**6), inner)):
        held = {block for block in blocks if block.level == 6}
        finer = [block for block in blocks if block.level < 6]
        while finer:
            block = finer.pop()
            if block.level == 6:
                held.add(block)
            else:
                finer.extend(block.children())
        assert {block.code for block in held} == expected


def test_a_cover_may_be_as_close_as_its_number_of_blocks_lets_it() -> None:
    solid = Solid(Point(113.65, 34.75).buffer(0.02), 0.0, 120.0)
    sizes = []
    for most in (4, 16, 64, 256, 1024):
        blocks = mixed_outer_cover(solid, 8, most)
        assert len(blocks) <= most
        sizes.append(sum(volume_of(block) for block in blocks))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] / 4
    inside = [sum(volume_of(block) for block in mixed_inner_cover(solid, 8, most)) for most in (4, 64, 512)]
    assert 0 < inside[0] < inside[1] < inside[2] < sizes[-1]


def volume_of(block: Cell3D) -> float:
    west, south, east, north = block.bounds_deg
    return (east - west) * (north - south) * (block.bounds_m[1] - block.bounds_m[0])


def test_a_cell_as_a_solid_is_covered_by_itself_and_by_what_touches_it() -> None:
    block = parse_block("N049I00B50207407B0")
    solid = Solid(box(*block.bounds_deg), *block.bounds_m)
    assert set(outer_cover(solid, 5)) == {block, *block.neighbours()}
    assert inner_cover(solid, 5) == ()  # not with a grain to spare
    wider = Solid(box(*block.bounds_deg).buffer(1e-8), *block.bounds_m)
    assert inner_cover(wider, 5) == (block,)
    assert mixed_inner_cover(wider, 5) == (block,)


@pytest.mark.parametrize("cover", [*OUTER, *INNER])
def test_a_flat_solid_has_a_cover_and_no_inside(cover: Cover) -> None:
    blocks = cover(Solid(box(113.60, 34.70, 113.61, 34.71), 50.0, 50.0), 5, 2000)
    assert bool(blocks) == (cover in OUTER)


@pytest.mark.parametrize("lon", [179.99, 180.0, -180.0])
def test_a_solid_over_the_antimeridian_is_covered_on_both_sides_of_it(lon: float) -> None:
    blocks = outer_cover(Solid(box(lon, 10.001, lon + 0.02, 10.002), 0.0, 10.0), 4)
    columns = {block.code[2:4] for block in blocks}
    assert columns == {"60", "01"}
    assert (
        columns
        == {block.code[2:4] for block in outer_cover(Solid(box(lon - 360, 10.001, lon - 359.98, 10.002), 0, 10), 4)}
        or lon == -180.0
    )


@pytest.mark.parametrize("cover", [outer_cover, inner_cover])
def test_too_many_blocks_are_refused_by_name(cover: Cover) -> None:
    wide, high = Solid(box(113, 34, 114, 35), 0.0, 500.0), Solid(box(113, 34, 113.0001, 34.0001), 0.0, 90_000.0)
    for solid in (wide, high):
        with pytest.raises(Refused) as refused:
            cover(solid, 7, 1000)
        (reason,) = refused.value.reasons
        assert (reason.rule.code, reason.facts) == ("beidou.many", {"level": 7, "most": 1000})
        assert reason.text("zh")


@pytest.mark.parametrize("cover", [mixed_outer_cover, mixed_inner_cover])
def test_more_blocks_of_level_1_than_allowed_are_refused_by_name(cover: Cover) -> None:
    with pytest.raises(Refused, match=r"beidou\.many"):
        cover(Solid(box(-90, -40, 90, 40), 0.0, 100.0), 8, 100)


@pytest.mark.parametrize("cover", [*OUTER, *INNER])
@pytest.mark.parametrize("level", [0, 11])
def test_there_are_ten_levels(cover: Cover, level: int) -> None:
    with pytest.raises(ValueError, match="levels of the grid"):
        cover(Solid(box(113, 34, 114, 35), 0.0, 500.0), level, 100)


# -- solids ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outline", "floor_m", "ceiling_m", "rule"),
    [
        (box(0, 87, 1, 88), 0, 1, "beidou.polar"),
        (box(0, -89, 1, 0), 0, 1, "beidou.polar"),
        (box(530, 0, 541, 1), 0, 1, "beidou.longitude"),
        (box(0, 0, 1, 1), -7e6, 1, "beidou.height"),
        (box(0, 0, 1, 1), 0, 6e8, "beidou.height"),
    ],
)
def test_a_solid_that_leaves_the_grid_is_refused_by_name(
    outline: Polygon, floor_m: float, ceiling_m: float, rule: str
) -> None:
    with pytest.raises(Refused) as refused:
        Solid(outline, floor_m, ceiling_m)
    assert refused.value.reasons[0].rule.code == rule


@pytest.mark.parametrize(
    ("outline", "floor_m", "ceiling_m"),
    [
        (Polygon(), 0, 1),
        (Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), 0, 1),
        (box(0, 0, 1, 1), 2, 1),
        (box(0, 0, 1, 1), float("nan"), 1),
    ],
)
def test_a_solid_without_a_sense_is_none(outline: Polygon, floor_m: float, ceiling_m: float) -> None:
    with pytest.raises(ValueError, match="a solid"):
        Solid(outline, floor_m, ceiling_m)


@settings(max_examples=40)
@given(
    st.sampled_from([(34.75, 113.65), (0.0, 179.995), (-87.5, -179.99), (60.0, -180.0)]),
    st.floats(-9_000, 9_000),
    st.floats(-9_000, 9_000),
    st.floats(0.5, 4_000),
    st.integers(3, 7),
    st.integers(0, 99),
)
def test_the_solid_around_a_volume_holds_all_of_it(
    origin: tuple[float, float], x_m: float, y_m: float, radius_m: float, corners: int, seed: int
) -> None:
    frame = LocalFrame(LatLon(*origin))
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    outline = Polygon(np.column_stack([x_m + radius_m * np.cos(turns), y_m + radius_m * np.sin(turns)]))
    solid = solid_around(Volume4D(outline, 10.0, 20.0, 0.0, 1.0), frame)
    along = np.random.default_rng(seed).uniform(0, outline.length, 60)
    border = shapely.get_coordinates(shapely.line_interpolate_point(outline.exterior, along))
    for x, y in [*border, *shapely.get_coordinates(outline)]:
        place = frame.latlon(x, y)
        spots = [Point(place.lon_deg + turn, place.lat_deg) for turn in (-360, 0, 360)]
        assert any(solid.outline_lon_lat_deg.contains(spot) for spot in spots)
    back = shapely.transform(solid.outline_lon_lat_deg, frame.xy_array)
    assert back.hausdorff_distance(outline) < 0.05
