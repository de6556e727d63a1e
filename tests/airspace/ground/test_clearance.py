import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPoint, Point, Polygon, box

from airspace.charted import Circle, Corridor
from airspace.frames import Ground, LatLon, LocalFrame
from airspace.ground.clearance import (
    Clearance,
    LaidObstacles,
    RequiredClearance,
    StraightLeg,
    clearances,
    over_swath,
    shortfalls,
)
from airspace.ground.obstacles import Obstacle, ObstacleKind, read_obstacles
from airspace.ground.terrain import Terrain
from airspace.ground.terrain_surface import TerrainSurface
from airspace.reasons import Refused
from tests.airspace.ground.grounds import FRAME, KUNMING, flat_geoid, height_at, rough, write_dem

LEVEL = Ground(amsl_m=108.0, geoid_m=-19.4)
GROUND_M = 88.6
BESIDE_M = 40.0


def building(outline_m: Polygon, top_m: float, name: str = "tower") -> Obstacle:
    """A building drawn in the frame [m]."""
    outline = shapely.transform(outline_m, FRAME.lon_lat_array)
    return Obstacle(name, name, ObstacleKind.BUILDING, outline, (top_m,), GROUND_M)


def mast(x_m: float, y_m: float, radius_m: float, top_m: float) -> Obstacle:
    return Obstacle("mast", "", ObstacleKind.MAST, Circle(FRAME.latlon(x_m, y_m), radius_m), (top_m,), GROUND_M)


def wire(path_m: list[tuple[float, float]], tops_m: list[float], half_width_m: float) -> Obstacle:
    path = Corridor(tuple(FRAME.latlon(*at) for at in path_m), half_width_m)
    return Obstacle("wire", "", ObstacleKind.LINE, path, tuple(tops_m), GROUND_M)


def leg(x0: float, y0: float, x1: float, y1: float, start_m: float, end_m: float) -> StraightLeg:
    return StraightLeg((x0, y0), (x1, y1), start_m, end_m)


def only(obstacle: Obstacle, flown: StraightLeg, beside_m: float = BESIDE_M) -> Clearance | None:
    """How the leg passes the one obstacle, or None when it stays away."""
    found = LaidObstacles(FRAME, [obstacle]).near(flown, beside_m)
    return found[0] if found else None


TOWER = building(box(100.0, -10.0, 120.0, 10.0), 150.0)


def test_over_a_building_the_clearance_is_least_in_its_middle_and_not_at_the_ends_of_the_leg() -> None:
    """Rising: least where the leg comes within the limit beside the wall, 60 m along."""
    found = only(TOWER, leg(0.0, 0.0, 300.0, 0.0, 170.0, 200.0))
    assert found is not None
    assert found.along_m == pytest.approx(60.0, abs=1e-4)
    assert found.vertical_m == pytest.approx(170.0 + 6.0 - 150.0, abs=1e-4)
    assert found.horizontal_m == 0.0
    assert found.place.distance_m(FRAME.latlon(60.0, 0.0)) < 1e-3
    assert (found.over, found.kind, found.name) == ("tower", "building", "tower")


def test_without_a_limit_beside_only_what_is_right_over_the_building_counts() -> None:
    found = only(TOWER, leg(0.0, 0.0, 300.0, 0.0, 170.0, 200.0), beside_m=0.0)
    assert found is not None
    assert found.along_m == pytest.approx(100.0, abs=1e-4)
    assert found.vertical_m == pytest.approx(30.0, abs=1e-4)


def test_over_a_flat_top_the_place_is_right_over_the_building() -> None:
    found = only(TOWER, leg(0.0, 0.0, 300.0, 0.0, 180.0, 180.0))
    assert found is not None
    assert 100.0 <= found.along_m <= 120.0
    assert found.vertical_m == pytest.approx(30.0)


def test_beside_a_building_the_distance_in_plan_is_given_with_the_height_there() -> None:
    found = only(TOWER, leg(0.0, 35.0, 300.0, 35.0, 110.0, 110.0))
    assert found is not None
    assert found.horizontal_m == pytest.approx(25.0, abs=1e-6)
    assert found.vertical_m == pytest.approx(-40.0)


def test_farther_than_the_limit_a_building_is_not_met() -> None:
    assert only(TOWER, leg(0.0, 50.001, 300.0, 50.001, 110.0, 110.0)) is None
    found = only(TOWER, leg(0.0, 50.0, 300.0, 50.0, 110.0, 110.0))
    assert found is not None
    assert found.vertical_m == pytest.approx(-40.0)


def test_a_leg_that_ends_over_a_large_roof_is_measured_there() -> None:
    hall = building(box(-500.0, -500.0, 500.0, 500.0), 120.0)
    found = only(hall, leg(0.0, 0.0, 100.0, 0.0, 180.0, 130.0), beside_m=0.0)
    assert found is not None
    assert (found.along_m, found.vertical_m) == pytest.approx((100.0, 10.0))


def test_over_a_courtyard_the_walls_count_only_within_the_limit() -> None:
    yard = building(box(-200.0, -200.0, 200.0, 200.0).difference(box(-150.0, -150.0, 150.0, 150.0)), 120.0)
    assert only(yard, leg(-50.0, 0.0, 50.0, 0.0, 100.0, 100.0)) is None
    found = only(yard, leg(-120.0, 0.0, 50.0, 0.0, 100.0, 100.0))
    assert found is not None
    assert (found.horizontal_m, found.vertical_m) == pytest.approx((30.0, -20.0), abs=1e-3)


def test_a_climb_on_the_spot_is_a_leg_too() -> None:
    beside = only(TOWER, leg(90.0, 0.0, 90.0, 0.0, GROUND_M, 200.0))
    over = only(TOWER, leg(110.0, 0.0, 110.0, 0.0, 200.0, 152.0))
    assert beside is not None
    assert over is not None
    assert (beside.horizontal_m, beside.vertical_m) == pytest.approx((10.0, GROUND_M - 150.0), abs=1e-6)
    assert (over.horizontal_m, over.vertical_m, over.along_m) == pytest.approx((0.0, 2.0, 0.0))


def test_a_mast_reaches_as_far_as_its_radius() -> None:
    found = only(mast(50.0, 30.0, 5.0, 140.0), leg(0.0, 0.0, 100.0, 0.0, 120.0, 120.0))
    assert found is not None
    assert found.horizontal_m == pytest.approx(25.0, abs=0.01)
    assert found.horizontal_m <= 25.0


def test_across_a_line_the_height_is_that_over_the_chord_between_its_pylons() -> None:
    line = wire([(0.0, -100.0), (0.0, 100.0)], [120.0, 140.0], 0.0)
    found = only(line, leg(-50.0, 20.0, 50.0, 20.0, 150.0, 150.0), beside_m=0.0)
    assert found is not None
    assert found.along_m == pytest.approx(50.0, abs=1e-3)
    assert found.vertical_m == pytest.approx(150.0 - 132.0, abs=1e-4)


def test_along_a_rising_line_its_highest_part_within_the_limit_counts() -> None:
    """A point 30 m beside the line reaches 40 m to both sides of its nearest point within 50 m."""
    line = wire([(0.0, 0.0), (1000.0, 0.0)], [100.0, 200.0], 0.0)
    found = only(line, leg(500.0, 30.0, 500.0, 30.0, 160.0, 160.0), beside_m=50.0)
    assert found is not None
    assert found.vertical_m == pytest.approx(160.0 - 154.0, abs=1e-4)


def test_a_line_swings_as_far_as_its_half_width() -> None:
    line = wire([(0.0, -100.0), (0.0, 100.0)], [130.0, 130.0], 12.0)
    found = only(line, leg(20.0, -50.0, 20.0, 50.0, 120.0, 120.0), beside_m=10.0)
    assert found is not None
    assert (found.horizontal_m, found.vertical_m) == pytest.approx((8.0, -10.0), abs=1e-5)
    assert only(line, leg(22.1, -50.0, 22.1, 50.0, 120.0, 120.0), beside_m=10.0) is None


xs = st.floats(-200.0, 200.0)
tops = st.floats(90.0, 200.0)
legs = st.builds(leg, xs, xs, xs, xs, st.floats(90.0, 250.0), st.floats(90.0, 250.0))
polygons = st.lists(st.tuples(xs, xs), min_size=3, max_size=6, unique=True).map(
    lambda corners: shapely.convex_hull(MultiPoint(corners))
)
buildings = st.builds(
    building,
    polygons.filter(lambda p: isinstance(p, Polygon) and p.area > 1.0 and p.length < 20 * math.sqrt(p.area)),
    tops,
)
masts = st.builds(mast, xs, xs, st.floats(1.0, 20.0), tops)
wires = st.builds(
    lambda ends, heights, width: wire(ends, heights, width),
    st.lists(st.tuples(xs, xs), min_size=2, max_size=2, unique=True).filter(lambda ends: math.dist(*ends) > 1.0),
    st.lists(tops, min_size=2, max_size=2),
    st.floats(0.0, 20.0),
)
STEPS = 801


def sampled(obstacle: Obstacle, flown: StraightLeg, beside_m: float) -> tuple[float, float]:
    """The least height over the obstacle and the least distance in plan, by walking the leg and the obstacle."""
    share = np.linspace(0.0, 1.0, STEPS)
    points = np.outer(1 - share, flown.start_xy) + np.outer(share, flown.end_xy)
    heights_m = flown.start_ellipsoidal_m + share * (flown.end_ellipsoidal_m - flown.start_ellipsoidal_m)
    if isinstance(obstacle.shape, Corridor):
        ends = FRAME.xy_array([(at.lon_deg, at.lat_deg) for at in obstacle.shape.path])
        pieces = np.linspace(0.0, 1.0, 301)
        along = np.outer(1 - pieces, ends[0]) + np.outer(pieces, ends[1])
        tops_m = (1 - pieces) * obstacle.tops_ellipsoidal_m[0] + pieces * obstacle.tops_ellipsoidal_m[1]
        apart_m = (
            np.hypot(*(points[:, np.newaxis] - along[np.newaxis]).transpose(2, 0, 1)) - obstacle.shape.half_width_m
        )
        above_m = heights_m[:, np.newaxis] - tops_m[np.newaxis]
        least_m = np.where(apart_m <= beside_m, above_m, np.inf).min()
        return float(least_m), max(0.0, float(apart_m.min()))
    if isinstance(obstacle.shape, Circle):
        centre = Point(FRAME.xy(obstacle.shape.centre))
        apart_m = np.maximum(0.0, shapely.distance(shapely.points(points), centre) - obstacle.shape.radius_m)
    else:
        plan = shapely.transform(obstacle.shape, FRAME.xy_array)
        apart_m = shapely.distance(shapely.points(points), plan)
    above_m = np.where(apart_m <= beside_m, heights_m - obstacle.tops_ellipsoidal_m[0], np.inf)
    return float(above_m.min()), float(apart_m.min())


@settings(max_examples=100)
@given(st.one_of(buildings, masts, wires), legs, st.sampled_from([0.0, 5.0, 40.0, 150.0]))
def test_nothing_that_dense_samples_find_is_missed_and_nothing_is_made_up(
    obstacle: Obstacle, flown: StraightLeg, beside_m: float
) -> None:
    least_m, nearest_m = sampled(obstacle, flown, beside_m)
    found = only(obstacle, flown, beside_m)
    if found is None:
        assert least_m == math.inf
        return
    assert found.vertical_m <= least_m + 1e-6
    assert found.horizontal_m <= nearest_m + 1e-6
    step_m = flown.length_m / (STEPS - 1) + 2.0  # and the steps along a wire
    around_m, beyond_m = sampled(obstacle, flown, beside_m + step_m)
    rise = abs(flown.end_ellipsoidal_m - flown.start_ellipsoidal_m) / (STEPS - 1)
    wire_rise = abs(obstacle.tops_ellipsoidal_m[-1] - obstacle.tops_ellipsoidal_m[0]) / 300
    assert found.vertical_m >= around_m - rise - wire_rise - 1e-3
    assert found.horizontal_m >= beyond_m - step_m


@given(st.one_of(buildings, masts, wires), legs)
def test_the_least_height_is_that_at_the_place_given(obstacle: Obstacle, flown: StraightLeg) -> None:
    found = only(obstacle, flown)
    if found is None:
        return
    share = found.along_m / flown.length_m if flown.length_m else 0.0
    here_m = flown.start_ellipsoidal_m + share * (flown.end_ellipsoidal_m - flown.start_ellipsoidal_m)
    if not isinstance(obstacle.shape, Corridor) and flown.length_m:
        assert found.vertical_m == pytest.approx(here_m - obstacle.tops_ellipsoidal_m[0], abs=1e-6)
    x_m, y_m = FRAME.xy(found.place)
    way = np.array(flown.start_xy) + share * (np.array(flown.end_xy) - np.array(flown.start_xy))
    assert math.dist((x_m, y_m), way) < 1e-3


@given(st.one_of(buildings, masts, wires), legs)
def test_a_leg_flown_backwards_passes_as_it_does_forwards(obstacle: Obstacle, flown: StraightLeg) -> None:
    back = StraightLeg(flown.end_xy, flown.start_xy, flown.end_ellipsoidal_m, flown.start_ellipsoidal_m)
    one, other = only(obstacle, flown), only(obstacle, back)
    assert (one is None) is (other is None)
    if one is not None and other is not None:
        assert one.vertical_m == pytest.approx(other.vertical_m, abs=1e-5)
        assert one.horizontal_m == pytest.approx(other.horizontal_m, abs=1e-6)


@given(st.one_of(buildings, masts, wires), legs, st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_a_wider_limit_only_ever_lowers_the_clearance(
    obstacle: Obstacle, flown: StraightLeg, beside_m: float, more_m: float
) -> None:
    narrow, wide = only(obstacle, flown, beside_m), only(obstacle, flown, beside_m + more_m)
    if narrow is not None:
        assert wide is not None
        assert wide.vertical_m <= narrow.vertical_m + 1e-6
        assert wide.horizontal_m == narrow.horizontal_m


@settings(max_examples=30)
@given(st.lists(buildings, min_size=1, max_size=12), legs)
def test_many_obstacles_are_found_as_each_alone_is(obstacles: list[Obstacle], flown: StraightLeg) -> None:
    together = LaidObstacles(FRAME, obstacles).near(flown, BESIDE_M)
    alone = [found for found in (only(obstacle, flown) for obstacle in obstacles) if found is not None]
    assert together == alone


# -- over ground -------------------------------------------------------------------------------------------------------

HEIGHTS = rough(31)


@pytest.fixture(scope="module")
def rolling(tmp_path_factory: pytest.TempPathFactory) -> TerrainSurface:
    path = write_dem(tmp_path_factory.mktemp("dem") / "rolling.tif", HEIGHTS)
    return TerrainSurface(Terrain.load(path, flat_geoid(-20.0)), flat_geoid(-20.0))


NOTHING = LaidObstacles(FRAME)


def test_over_level_ground_the_lower_end_is_the_least() -> None:
    (ground,) = clearances(leg(0.0, 0.0, 400.0, 300.0, 200.0, 150.0), LEVEL, NOTHING, BESIDE_M)
    assert (ground.kind, ground.along_m, ground.horizontal_m) == ("terrain", 500.0, 0.0)
    assert ground.vertical_m == pytest.approx(150.0 - GROUND_M)
    assert ground.place.distance_m(FRAME.latlon(400.0, 300.0)) < 1e-3


@settings(max_examples=25)
@given(st.builds(leg, *[st.floats(-900.0, 900.0)] * 4, st.floats(150.0, 400.0), st.floats(150.0, 400.0)))
def test_over_rolling_ground_the_least_height_is_that_of_dense_samples(
    rolling: TerrainSurface, flown: StraightLeg
) -> None:
    (ground,) = clearances(flown, rolling, NOTHING, BESIDE_M)
    share = np.linspace(0.0, 1.0, 600)
    places = FRAME.lon_lat_array(np.outer(1 - share, flown.start_xy) + np.outer(share, flown.end_xy))
    under_m = np.array([height_at(HEIGHTS, lon_deg, lat_deg) - 20.0 for lon_deg, lat_deg in places])
    above_m = flown.start_ellipsoidal_m + share * (flown.end_ellipsoidal_m - flown.start_ellipsoidal_m) - under_m
    steepest = 2.0 * 100.0 / 45.0 + 1.0  # m/m: a cell's rise both ways over its shorter side, and the leg's
    step_m = flown.length_m / 599
    assert above_m.min() - steepest * step_m - 1e-5 <= ground.vertical_m <= above_m.min() + 0.02
    if flown.length_m < 1.0:
        return  # every place of a climb on the spot is as far along
    nearest = np.abs(share * flown.length_m - ground.along_m).argmin()
    assert above_m[nearest] == pytest.approx(ground.vertical_m, abs=steepest * step_m + 0.02)


def test_a_peak_between_the_ends_of_a_leg_is_seen(tmp_path: Path) -> None:
    heights_m = np.full((41, 61), 100.0, dtype=np.float32)
    heights_m[20, 30] = 220.0
    peak = TerrainSurface(Terrain.load(write_dem(tmp_path / "peak.tif", heights_m), None), flat_geoid(-20.0))
    (ground,) = clearances(leg(-800.0, 0.0, 800.0, 0.0, 200.0, 200.0), peak, NOTHING, BESIDE_M)
    assert ground.vertical_m == pytest.approx(-20.0, abs=0.1)
    assert ground.over == "peak.tif"
    assert ground.along_m == pytest.approx(800.0, abs=5.0)


def test_where_no_ground_is_known_no_clearance_is_given(rolling: TerrainSurface) -> None:
    with pytest.raises(Refused, match=r"ground\.terrain\.outside"):
        clearances(leg(0.0, 0.0, 5000.0, 0.0, 300.0, 300.0), rolling, NOTHING, BESIDE_M)


def test_the_ground_comes_first_and_obstacles_from_the_lowest_clearance_up() -> None:
    low = building(box(20.0, -5.0, 30.0, 5.0), 100.0, "low")
    high = building(box(220.0, -5.0, 230.0, 5.0), 140.0, "high")
    far = building(box(220.0, 500.0, 230.0, 510.0), 140.0, "far")
    found = clearances(leg(0.0, 0.0, 300.0, 0.0, 160.0, 160.0), LEVEL, LaidObstacles(FRAME, [low, high, far]), BESIDE_M)
    assert [clearance.over for clearance in found] == ["", "high", "low"]


# -- what is required --------------------------------------------------------------------------------------------------

REQUIRED = RequiredClearance(terrain_m=20.0, above_m=25.0, beside_m=BESIDE_M)


def short(flown: StraightLeg, obstacles: list[Obstacle], required: RequiredClearance = REQUIRED) -> list[str]:
    found = clearances(flown, LEVEL, LaidObstacles(FRAME, obstacles), required.beside_m)
    return [reason.rule.code for reason in shortfalls(found, required, "leg 3")]


def test_a_leg_that_keeps_every_clearance_has_no_shortfall() -> None:
    assert short(leg(0.0, 0.0, 300.0, 0.0, 180.0, 180.0), [TOWER]) == []
    assert short(leg(0.0, 50.0, 300.0, 50.0, 120.0, 120.0), [TOWER]) == []


def test_a_leg_that_is_too_low_or_too_close_is_refused_with_place_and_climb() -> None:
    flown = leg(0.0, 0.0, 300.0, 0.0, 160.0, 160.0)
    found = clearances(flown, LEVEL, LaidObstacles(FRAME, [TOWER]), BESIDE_M)
    (reason,) = shortfalls(found, REQUIRED, "leg 3")
    assert reason.rule.code == "ground.clearance.obstacle"
    assert reason.where == "leg 3"
    assert "10.0 m above the top of tower (building tower)" in reason.text()
    assert "15.0 m higher" in reason.text()
    assert "建筑物" in reason.text("zh")
    assert "高出顶部 10.0 米" in reason.text("zh")
    assert reason.lat_deg is not None
    assert reason.lon_deg is not None
    climbed = StraightLeg(flown.start_xy, flown.end_xy, 175.0, 175.0)
    assert short(climbed, [TOWER]) == []


def test_below_a_top_the_words_say_below() -> None:
    found = clearances(leg(0.0, 0.0, 300.0, 0.0, 120.0, 120.0), LEVEL, LaidObstacles(FRAME, [TOWER]), BESIDE_M)
    (reason,) = shortfalls(found, REQUIRED)
    assert reason.text().startswith("30.0 m below the top of tower")
    assert "低于顶部 30.0 米" in reason.text("zh")


def test_too_low_over_the_ground_is_a_reason_of_its_own() -> None:
    flown = leg(0.0, 300.0, 300.0, 300.0, GROUND_M + 15.0, GROUND_M + 60.0)
    (reason,) = shortfalls(clearances(flown, LEVEL, NOTHING, BESIDE_M), REQUIRED)
    assert reason.rule.code == "ground.clearance.terrain"
    assert "15.0 m above the ground" in reason.text()
    assert "高出地面 15.0 米" in reason.text("zh")
    assert short(leg(0.0, 300.0, 300.0, 300.0, GROUND_M + 20.0, GROUND_M + 60.0), []) == []


@settings(max_examples=80)
@given(st.lists(buildings, max_size=4), legs, st.floats(0.0, 60.0), st.floats(0.0, 60.0), st.floats(0.0, 30.0))
def test_asking_for_more_only_ever_adds_shortfalls(
    obstacles: list[Obstacle], flown: StraightLeg, above_m: float, beside_m: float, more_m: float
) -> None:
    less = short(flown, obstacles, RequiredClearance(10.0, above_m, beside_m))
    more = short(flown, obstacles, RequiredClearance(10.0 + more_m, above_m + more_m, beside_m + more_m))
    assert len(more) >= len(less)


def test_an_obstacle_too_far_from_the_frame_is_refused() -> None:
    away = Obstacle("away", "", ObstacleKind.MAST, Circle(LatLon(22.5, 114.0), 3.0), (100.0,), 50.0)
    with pytest.raises(Refused):
        LaidObstacles(FRAME, [away])


@pytest.mark.skipif(not KUNMING.exists(), reason="no real buildings on this machine")
def test_among_the_buildings_of_kunming_every_leg_is_measured_as_dense_samples_measure_it() -> None:
    surface = Ground(1890.0, -35.0)
    obstacles = read_obstacles(KUNMING / "buildings.wgs84.geojson", surface).obstacles
    frame = LocalFrame(LatLon(25.0694, 102.7236))
    laid = LaidObstacles(frame, obstacles)
    plans = [shapely.transform(obstacle.shape, frame.xy_array) for obstacle in obstacles]
    rng = np.random.default_rng(7)
    met = 0
    for _ in range(12):
        (x0, y0), (x1, y1) = rng.uniform(-600.0, 600.0, (2, 2))
        flown = leg(x0, y0, x1, y1, *rng.uniform(1860.0, 1960.0, 2))
        found = {clearance.over: clearance for clearance in laid.near(flown, BESIDE_M)}
        share = np.linspace(0.0, 1.0, 1001)
        points = shapely.points(np.outer(1 - share, flown.start_xy) + np.outer(share, flown.end_xy))
        heights_m = flown.start_ellipsoidal_m + share * (flown.end_ellipsoidal_m - flown.start_ellipsoidal_m)
        for obstacle, plan in zip(obstacles, plans, strict=True):
            apart_m = shapely.distance(points, plan)
            if (apart_m <= BESIDE_M).any():
                met += 1
                least_m = heights_m[apart_m <= BESIDE_M].min() - obstacle.tops_ellipsoidal_m[0]
                assert least_m - 0.2 <= found[obstacle.id].vertical_m <= least_m + 1e-6
                assert apart_m.min() - 2.0 <= found[obstacle.id].horizontal_m <= apart_m.min() + 1e-6
    assert met > 40


# -- the ground beside a leg -------------------------------------------------------------------------------------------


def hill(tmp_path: Path) -> TerrainSurface:
    heights = rough(41)
    geoid = flat_geoid(-20.0)
    return TerrainSurface(Terrain.load(write_dem(tmp_path / "hill.tif", heights), geoid), geoid)


def test_no_ground_within_reach_of_a_leg_is_much_higher_than_the_swath_says(tmp_path: Path) -> None:
    surface, rng = hill(tmp_path), np.random.default_rng(7)
    for _ in range(25):
        x0, y0, x1, y1 = rng.uniform(-500.0, 500.0, 4)
        flown = leg(x0, y0, x1, y1, *rng.uniform(300.0, 500.0, 2))
        beside_m = float(rng.uniform(1.0, 30.0))
        told = over_swath(flown, surface, FRAME, beside_m)
        seen_m = []
        for share, angle, off in rng.uniform((0, 0, 0), (1, 2 * math.pi, 1), (200, 3)):
            off_m = beside_m * math.sqrt(off)
            x, y = x0 + share * (x1 - x0) + off_m * math.cos(angle), y0 + share * (y1 - y0) + off_m * math.sin(angle)
            ground = surface.at(FRAME.latlon(x, y))
            up_m = flown.start_ellipsoidal_m + share * (flown.end_ellipsoidal_m - flown.start_ellipsoidal_m)
            seen_m.append(up_m - ground.amsl_m - ground.geoid_m)
        # lines 5 m apart miss no more than the slope of the model makes of half of that
        assert told.vertical_m <= min(seen_m) + 2.5
        assert told.vertical_m <= clearances(flown, surface, LaidObstacles(FRAME), 0.0)[0].vertical_m + 1e-6
        assert 0.0 <= told.along_m <= flown.length_m
        assert told.horizontal_m <= beside_m + 1e-9
        # and what it tells of is there: the lowest point of the leg within reach of the place that it names
        shares = np.linspace(0.0, 1.0, 4001)
        places = np.array(flown.start_xy) + shares[:, np.newaxis] * np.subtract(flown.end_xy, flown.start_xy)
        near = np.hypot(*(places - FRAME.xy(told.place)).T) <= beside_m + 0.1
        low_m = (flown.start_ellipsoidal_m + shares * (flown.end_ellipsoidal_m - flown.start_ellipsoidal_m))[near].min()
        there = surface.at(told.place)
        assert told.vertical_m == pytest.approx(low_m - there.amsl_m - there.geoid_m, abs=1.5)


def test_a_swath_of_no_width_is_the_line_itself(tmp_path: Path) -> None:
    surface = hill(tmp_path)
    flown = leg(-300.0, 100.0, 400.0, -250.0, 400.0, 300.0)
    line = clearances(flown, surface, LaidObstacles(FRAME), 0.0)[0]
    swath = over_swath(flown, surface, FRAME, 0.0)
    assert (swath.vertical_m, swath.along_m) == pytest.approx((line.vertical_m, line.along_m), abs=1e-4)


def test_a_climb_on_the_spot_sees_the_ground_on_all_sides_from_its_lower_end(tmp_path: Path) -> None:
    surface = hill(tmp_path)
    up, down = leg(0.0, 0.0, 0.0, 0.0, 300.0, 400.0), leg(0.0, 0.0, 0.0, 0.0, 400.0, 300.0)
    around = [FRAME.latlon(20.0 * math.cos(a), 20.0 * math.sin(a)) for a in np.linspace(0.0, 2 * math.pi, 60)]
    highest_m = max(surface.at(place).amsl_m + surface.at(place).geoid_m for place in around)
    for flown in (up, down):
        assert over_swath(flown, surface, FRAME, 20.0).vertical_m <= 300.0 - highest_m + 1.5
