from itertools import pairwise
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from airspace.frames import LatLon
from airspace.geodesy.geoid import Geoid
from airspace.ground import terrain as terrain_module
from airspace.ground.terrain import Terrain
from airspace.reasons import Refused
from tests.airspace.ground.grounds import (
    CANBERRA,
    EGM96,
    NORTH_DEG,
    STEP_DEG,
    WEST_DEG,
    Heights,
    flat_geoid,
    height_at,
    rough,
    write_dem,
)

HEIGHTS = rough(11)
SOUTH_DEG, EAST_DEG = NORTH_DEG - 40 * STEP_DEG, WEST_DEG + 60 * STEP_DEG
lons_deg = st.floats(WEST_DEG, EAST_DEG)
lats_deg = st.floats(SOUTH_DEG, NORTH_DEG)
places = st.tuples(lons_deg, lats_deg)
nodes = st.tuples(st.integers(0, 60), st.integers(0, 40)).map(
    lambda node: (WEST_DEG + node[0] * STEP_DEG, NORTH_DEG - node[1] * STEP_DEG)
)


@pytest.fixture(scope="module")
def rolling(tmp_path_factory: pytest.TempPathFactory) -> Terrain:
    """The model of `HEIGHTS`, over the ellipsoid."""
    return Terrain.load(write_dem(tmp_path_factory.mktemp("dem") / "rolling.tif", HEIGHTS), None)


def refusal(terrain: Terrain, lon_deg: float, lat_deg: float) -> str:
    with pytest.raises(Refused) as refused:
        terrain.ellipsoidal_m(LatLon(lat_deg, lon_deg))
    (reason,) = refused.value.reasons
    assert reason.lat_deg == pytest.approx(lat_deg)
    assert reason.lon_deg == pytest.approx(lon_deg)
    return reason.rule.code


@given(places | nodes)
def test_a_height_is_bilinear_between_the_nodes(rolling: Terrain, place: tuple[float, float]) -> None:
    assert rolling.ellipsoidal_m(LatLon(place[1], place[0])) == pytest.approx(height_at(HEIGHTS, *place), abs=1e-4)


@given(st.lists(places | nodes, min_size=2, max_size=4, unique=True))
@settings(max_examples=40)
def test_the_extremes_along_a_path_are_never_missed_and_never_made_up(
    rolling: Terrain, path: list[tuple[float, float]]
) -> None:
    along_m = np.arange(len(path)) * 1000.0
    profile = rolling.along(path, along_m)
    share = np.linspace(0.0, 1.0, 1500)
    samples = np.concatenate([np.outer(1 - share, a) + np.outer(share, b) for a, b in pairwise(path)])
    heights_m = np.array(
        [height_at(HEIGHTS, lon, lat) for lon, lat in samples.clip([WEST_DEG, SOUTH_DEG], [EAST_DEG, NORTH_DEG])]
    )
    steepest_m = 100.0 * 2.0 * (60 / 1500)  # a cell's rise times the cells in a step
    low_m, low_at_m = profile.lowest()
    high_m, high_at_m = profile.highest()
    assert heights_m.min() - steepest_m <= low_m <= heights_m.min() + 1e-3
    assert heights_m.max() - 1e-3 <= high_m <= heights_m.max() + steepest_m
    for at_m, height_m in ((low_at_m, low_m), (high_at_m, high_m)):
        lon_deg, lat_deg = (np.interp(at_m, along_m, [place[i] for place in path]) for i in (0, 1))
        assert height_at(HEIGHTS, lon_deg, lat_deg) == pytest.approx(height_m, abs=0.01)


def test_a_ridge_narrower_than_any_step_of_samples_is_found(tmp_path: Path) -> None:
    heights_m = np.zeros((401, 401), dtype=np.float32)
    heights_m[200, 200] = 100.0
    terrain = Terrain.load(write_dem(tmp_path / "needle.tif", heights_m), None)
    row_deg, column_deg = NORTH_DEG - 200 * STEP_DEG, WEST_DEG + 200 * STEP_DEG
    profile = terrain.along([(WEST_DEG, row_deg), (WEST_DEG + 400 * STEP_DEG, row_deg)], [0.0, 400.0])
    assert profile.highest() == pytest.approx((100.0, 200.0), abs=1e-6)
    beside = terrain.along(
        [(column_deg + 0.9 * STEP_DEG, NORTH_DEG), (column_deg + 0.9 * STEP_DEG, row_deg)], [0.0, 1.0]
    )
    assert beside.highest()[0] == pytest.approx(10.0, abs=1e-4)


def test_along_a_diagonal_of_a_saddle_the_middle_is_the_extreme(tmp_path: Path) -> None:
    saddle = np.array([[0.0, 100.0], [100.0, 0.0]], dtype=np.float32)
    terrain = Terrain.load(write_dem(tmp_path / "saddle.tif", saddle), None)
    south, east = NORTH_DEG - STEP_DEG, WEST_DEG + STEP_DEG
    rising = terrain.along([(WEST_DEG, NORTH_DEG), (east, south)], [0.0, 10.0])
    falling = terrain.along([(WEST_DEG, south), (east, NORTH_DEG)], [0.0, 10.0])
    assert rising.highest() == pytest.approx((50.0, 5.0), abs=1e-4)
    assert falling.lowest() == pytest.approx((50.0, 5.0), abs=1e-4)


def test_a_path_of_one_place_twice_has_its_height(rolling: Terrain) -> None:
    place = (WEST_DEG + 3.3 * STEP_DEG, NORTH_DEG - 7.7 * STEP_DEG)
    profile = rolling.along([place, place], [0.0, 0.0])
    assert profile.lowest()[0] == profile.highest()[0] == pytest.approx(height_at(HEIGHTS, *place), abs=1e-4)


def touched_range_m(heights_m: Heights, outline: Polygon | MultiPolygon) -> tuple[float, float]:
    """Cell by cell, with shapely."""
    touched: list[float] = []
    for i in range(heights_m.shape[0] - 1):
        for j in range(heights_m.shape[1] - 1):
            west, north = WEST_DEG + j * STEP_DEG, NORTH_DEG - i * STEP_DEG
            if outline.intersects(box(west, north - STEP_DEG, west + STEP_DEG, north)):
                touched += heights_m[i : i + 2, j : j + 2].ravel().tolist()
    return min(touched), max(touched)


inner_nodes = st.tuples(st.floats(3.0, 57.0), st.floats(3.0, 37.0)).map(
    lambda node: (WEST_DEG + node[0] * STEP_DEG, NORTH_DEG - node[1] * STEP_DEG)
)


@given(st.lists(inner_nodes, min_size=3, max_size=5, unique=True))
@settings(max_examples=15)
def test_the_range_under_an_outline_is_that_of_all_cells_it_touches(
    rolling: Terrain, corners: list[tuple[float, float]]
) -> None:
    outline = shapely.convex_hull(Polygon(corners))
    if not isinstance(outline, Polygon) or outline.area == 0.0:
        return
    low_m, high_m = rolling.range_m(outline)
    least_m, most_m = touched_range_m(HEIGHTS, outline)
    assert low_m <= least_m + 1e-4
    assert high_m >= most_m - 1e-4
    wider_least_m, wider_most_m = touched_range_m(HEIGHTS, outline.buffer(0.05 * STEP_DEG, join_style="mitre"))
    assert low_m >= wider_least_m - 1e-4
    assert high_m <= wider_most_m + 1e-4


def test_the_range_under_an_outline_within_one_cell_is_that_of_its_corners(rolling: Terrain) -> None:
    west, north = WEST_DEG + 10.4 * STEP_DEG, NORTH_DEG - 20.4 * STEP_DEG
    tiny = box(west, north - 0.1 * STEP_DEG, west + 0.1 * STEP_DEG, north)
    corners = HEIGHTS[20:22, 10:12]
    assert rolling.range_m(tiny) == pytest.approx((corners.min(), corners.max()), abs=1e-4)


def test_a_hole_and_the_gap_between_two_parts_are_not_under_an_outline(tmp_path: Path) -> None:
    heights_m = np.full((41, 61), 100.0, dtype=np.float32)
    heights_m[20, 15] = 900.0
    heights_m[20, 45] = 0.0
    terrain = Terrain.load(write_dem(tmp_path / "dem.tif", heights_m), None)

    def around(column: float, reach: float) -> Polygon:
        lon, lat = WEST_DEG + column * STEP_DEG, NORTH_DEG - 20 * STEP_DEG
        return Polygon(Point(lon, lat).buffer(reach * STEP_DEG, cap_style="square").exterior)

    ring = around(15, 8).difference(around(15, 3))
    assert terrain.range_m(ring) == (100.0, 100.0)
    assert terrain.range_m(MultiPolygon([around(5, 2), around(55, 2)])) == (100.0, 100.0)
    assert terrain.range_m(MultiPolygon([around(15, 2), around(45, 2)])) == (0.0, 900.0)


def test_an_outline_larger_than_a_block_is_seen_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terrain_module, "BLOCK", 16)
    monkeypatch.setattr(terrain_module, "MOST_BLOCKS", 3)
    terrain = Terrain.load(write_dem(tmp_path / "dem.tif", HEIGHTS), None)
    assert terrain.range_m(box(WEST_DEG + 1e-5, SOUTH_DEG + 1e-5, EAST_DEG - 1e-5, NORTH_DEG - 1e-5)) == pytest.approx(
        (float(HEIGHTS.min()), float(HEIGHTS.max())), abs=1e-4
    )
    rng = np.random.default_rng(5)
    there = rng.uniform([WEST_DEG, SOUTH_DEG], [EAST_DEG, NORTH_DEG], (300, 2))
    assert terrain.heights_m(there) == pytest.approx([height_at(HEIGHTS, *place) for place in there], abs=1e-4)


@pytest.mark.parametrize(
    "place", [(WEST_DEG - 1e-5, 34.79), (EAST_DEG + 1e-5, 34.79), (113.61, NORTH_DEG + 1e-5), (0.0, 0.0)]
)
def test_a_place_outside_of_the_model_is_refused(rolling: Terrain, place: tuple[float, float]) -> None:
    assert refusal(rolling, *place) == "ground.terrain.outside"


def test_a_path_or_an_outline_that_leaves_the_model_is_refused(rolling: Terrain) -> None:
    with pytest.raises(Refused, match=r"ground\.terrain\.outside"):
        rolling.along([(113.61, 34.79), (113.61, NORTH_DEG + 0.01)], [0.0, 1.0])
    with pytest.raises(Refused, match=r"ground\.terrain\.outside"):
        rolling.range_m(box(113.61, 34.79, EAST_DEG + 0.01, 34.795))


def test_no_number_is_no_place(rolling: Terrain) -> None:
    with pytest.raises(Refused, match=r"ground\.terrain\.outside"):
        rolling.heights_m([(113.61, 34.79), (float("nan"), 34.79)])
    with pytest.raises(Refused, match=r"ground\.terrain\.outside"):
        rolling.along([(113.61, 34.79), (113.61, float("inf"))], [0.0, 1.0])


def test_a_void_is_refused_on_the_way_and_under_an_outline_but_not_beside(tmp_path: Path) -> None:
    heights_m = HEIGHTS.copy()
    heights_m[20, 30] = -9999.0
    terrain = Terrain.load(write_dem(tmp_path / "holed.tif", heights_m, nodata=-9999.0), None)
    lon, lat = WEST_DEG + 30 * STEP_DEG, NORTH_DEG - 20 * STEP_DEG
    assert refusal(terrain, lon + 0.4 * STEP_DEG, lat - 0.4 * STEP_DEG) == "ground.terrain.void"
    for offset in (-0.6, 0.6):
        with pytest.raises(Refused, match=r"ground\.terrain\.void"):
            terrain.along([(WEST_DEG, lat + offset * STEP_DEG), (EAST_DEG, lat + offset * STEP_DEG)], [0.0, 1.0])
        with pytest.raises(Refused, match=r"ground\.terrain\.void"):
            terrain.range_m(box(lon + offset * STEP_DEG, lat, lon + (offset + 0.1) * STEP_DEG, lat + STEP_DEG))
    assert (
        terrain.along([(WEST_DEG, lat + 1.1 * STEP_DEG), (EAST_DEG, lat + 1.1 * STEP_DEG)], [0.0, 1.0]).lowest()[0]
        > 80.0
    )
    assert terrain.range_m(box(lon + 1.1 * STEP_DEG, lat, lon + 2 * STEP_DEG, lat + STEP_DEG))[0] > 80.0


def test_heights_over_a_geoid_become_heights_over_the_ellipsoid_and_keep_its_slope(tmp_path: Path) -> None:
    flat = np.full((41, 61), 100.0, dtype=np.float32)
    path = write_dem(tmp_path / "dem.tif", flat)
    terrain = Terrain.load(path, flat_geoid(-20.0, slope_m_per_deg=10.0))
    assert terrain.ellipsoidal_m(LatLon(34.79, 113.61)) == pytest.approx(80.0 + 6.1, abs=1e-3)
    profile = terrain.along([(WEST_DEG, 34.79), (EAST_DEG, 34.79)], [0.0, 1.0])
    assert profile.lowest() == pytest.approx((86.0, 0.0), abs=1e-3)
    assert profile.highest() == pytest.approx((86.3, 1.0), abs=1e-3)
    assert terrain.range_m(box(WEST_DEG + 1e-5, 34.785, EAST_DEG - 1e-5, 34.79)) == pytest.approx(
        (86.0, 86.3), abs=1e-3
    )


def test_a_model_in_gauss_kruger_metres_is_read_where_its_projection_puts_it(tmp_path: Path) -> None:
    heights_m = rough(12)
    to_plane = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4547", always_xy=True)
    x0, y0 = to_plane.transform(113.6, 34.8)
    path = write_dem(tmp_path / "plane.tif", heights_m, west=x0, north=y0, step=30.0, crs="EPSG:4547")
    terrain = Terrain.load(path, None)
    x, y = x0 + 30.0 * 10.25, y0 - 30.0 * 20.75
    lon_deg, lat_deg = to_plane.transform(x, y, direction="INVERSE")
    four = heights_m[20:22, 10:12].astype(float)
    expected = (four[0] * 0.25 + four[1] * 0.75) @ [0.75, 0.25]
    assert terrain.ellipsoidal_m(LatLon(lat_deg, lon_deg)) == pytest.approx(expected, abs=1e-3)
    ring = [
        to_plane.transform(x0 + dx, y0 - dy, direction="INVERSE") for dx, dy in ((35, 35), (1750, 35), (1750, 1150))
    ]
    low_m, high_m = terrain.range_m(Polygon(ring))
    assert heights_m.min() <= low_m < high_m <= heights_m.max()
    assert high_m - low_m > 90.0


def test_the_same_questions_are_answered_from_memory(tmp_path: Path) -> None:
    path = write_dem(tmp_path / "dem.tif", HEIGHTS)
    terrain = Terrain.load(path, None)
    first = terrain.ellipsoidal_m(LatLon(34.79, 113.61))
    path.unlink()
    assert terrain.ellipsoidal_m(LatLon(34.79, 113.61)) == first


@pytest.fixture(scope="module")
def canberra() -> Terrain:
    """The SRTM tile around the CMAC airfield, which ArduPilot's simulator calls 584 m above the sea."""
    if not (CANBERRA.exists() and EGM96.exists()):
        pytest.skip("no real tile on this machine")
    return Terrain.load(CANBERRA, Geoid.load(EGM96))


def test_the_airfield_is_as_high_as_everybody_says(canberra: Terrain) -> None:
    assert canberra.ellipsoidal_m(LatLon(-35.363261, 149.165230)) == pytest.approx(584.0 + 19.4, abs=2.0)


def test_the_border_of_the_tile_is_in_it_and_nothing_beyond(canberra: Terrain) -> None:
    for place in (LatLon(-35.0, 149.0), LatLon(-36.0, 150.0), LatLon(-35.0, 150.0), LatLon(-36.0, 149.0)):
        assert 100.0 < canberra.ellipsoidal_m(place) < 1500.0
    assert refusal(canberra, 150.0001, -35.5) == "ground.terrain.outside"


@settings(max_examples=15)
@given(st.tuples(st.floats(149.0, 150.0), st.floats(-36.0, -35.0)), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_the_extremes_along_a_leg_are_those_of_dense_samples(
    canberra: Terrain, start: tuple[float, float], east: float, north: float
) -> None:
    end = float(np.clip(start[0] + east, 149.0, 150.0)), float(np.clip(start[1] + north, -36.0, -35.0))
    profile = canberra.along([start, end], [0.0, 1.0])
    share = np.linspace(0.0, 1.0, 20_000)[:, np.newaxis]
    heights_m = canberra.heights_m(np.array(start) * (1 - share) + np.array(end) * share)
    assert heights_m.min() - 0.1 <= profile.lowest()[0] <= heights_m.min() + 2e-3
    assert heights_m.max() - 2e-3 <= profile.highest()[0] <= heights_m.max() + 0.1
