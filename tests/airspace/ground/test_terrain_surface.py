import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from airspace.charted import Circle, Corridor, Shape
from airspace.frames import GEOD, Datum, Ground, Height, LatLon
from airspace.geodesy.geoid import BUILT_IN_ACCURACY_M
from airspace.ground.surface import Surface
from airspace.ground.terrain import Terrain
from airspace.ground.terrain_surface import TerrainSurface, degrees_outline
from airspace.reasons import Refused
from tests.airspace.ground.grounds import FRAME, MIDDLE, NORTH_DEG, WEST_DEG, flat_geoid, height_at, rough, write_dem

HEIGHTS = rough(21)
reaches_m = st.floats(-900.0, 900.0)


@pytest.fixture(scope="module")
def surface(tmp_path_factory: pytest.TempPathFactory) -> TerrainSurface:
    """Heights over a geoid 20 m under the ellipsoid that rises eastwards, for a site whose sea is 0.3 m higher."""
    path = write_dem(tmp_path_factory.mktemp("dem") / "rolling.tif", HEIGHTS)
    geoid = flat_geoid(-20.0, slope_m_per_deg=10.0)
    return TerrainSurface(Terrain.load(path, geoid), geoid.raised(0.3, "the site's sea"))


def true_m(lon_deg: float, lat_deg: float) -> float:
    return height_at(HEIGHTS, lon_deg, lat_deg) - 20.0 + 10.0 * (lon_deg - 113.0)


def test_both_level_and_rolling_ground_are_surfaces(surface: TerrainSurface) -> None:
    surfaces: list[Surface] = [surface, Ground(108.0, -19.4)]
    assert all(isinstance(one.at(MIDDLE), Ground) for one in surfaces)


@given(reaches_m, reaches_m)
def test_the_ground_at_a_place_is_that_of_the_model_over_the_sea_of_the_site(
    surface: TerrainSurface, x_m: float, y_m: float
) -> None:
    place = FRAME.latlon(x_m, y_m)
    ground = surface.at(place)
    assert ground.ellipsoidal_m(Height(0.0, Datum.AGL)) == pytest.approx(true_m(place.lon_deg, place.lat_deg), abs=1e-3)
    assert ground.geoid_m == pytest.approx(-19.7 + 10.0 * (place.lon_deg - 113.0), abs=1e-3)


shapes = st.one_of(
    st.builds(lambda x, y, r: Circle(FRAME.latlon(x, y), r), reaches_m, reaches_m, st.floats(1.0, 80.0)),
    st.builds(
        lambda x, y, dx, dy, w: Corridor((FRAME.latlon(x, y), FRAME.latlon(x + dx, y + dy)), w),
        st.floats(-600.0, 600.0),
        st.floats(-600.0, 600.0),
        st.floats(10.0, 300.0),
        st.floats(10.0, 300.0),
        st.floats(1.0, 50.0),
    ),
    st.builds(lambda x, y, r: square(FRAME.latlon(x, y), r), reaches_m, reaches_m, st.floats(0.00001, 0.001)),
)


def square(place: LatLon, reach_deg: float) -> Shape:
    outline: Polygon = Point(place.lon_deg, place.lat_deg).buffer(reach_deg, cap_style="square")
    return outline


@settings(max_examples=40)
@given(shapes, st.integers(0, 2**32 - 1))
def test_no_height_over_any_datum_under_a_shape_is_below_the_lowest_or_above_the_highest_ground(
    surface: TerrainSurface, shape: Shape, seed: int
) -> None:
    lowest, highest = surface.under(shape)
    outline = degrees_outline(shape)
    west, south, east, north = outline.bounds
    rng = np.random.default_rng(seed)
    for lon_deg, lat_deg in rng.uniform([west, south], [east, north], (40, 2)):
        if not outline.covers(Point(lon_deg, lat_deg)):
            continue
        here = surface.at(LatLon(lat_deg, lon_deg))
        for height in (Height(0.0, Datum.AGL), Height(30.0, Datum.AGL), Height(150.0, Datum.AMSL)):
            between = lowest.ellipsoidal_m(height), here.ellipsoidal_m(height), highest.ellipsoidal_m(height)
            assert between[0] - 1e-3 <= between[1] <= between[2] + 1e-3


ROUNDING_M = 1e-9


@settings(max_examples=30)
@given(shapes)
def test_the_lowest_and_the_highest_ground_are_not_far_from_the_shape(surface: TerrainSurface, shape: Shape) -> None:
    lowest, highest = surface.under(shape)
    near = degrees_outline(shape).buffer(0.001).envelope
    try:
        low_m, high_m = surface.terrain.range_m(near)
    except Refused:  # the shape is inside the model, and what is near it reaches over its edge
        assume(False)
    under_m, over_m = (ground.ellipsoidal_m(Height(0.0, Datum.AGL)) for ground in (lowest, highest))
    assert low_m - ROUNDING_M <= under_m <= over_m <= high_m + ROUNDING_M


@pytest.mark.parametrize("bearing_deg", range(0, 360, 30))
def test_nothing_of_a_circle_or_corridor_is_outside_of_its_outline(bearing_deg: int) -> None:
    circle = Circle(MIDDLE, 3000.0)
    lon_deg, lat_deg, _ = GEOD.fwd(MIDDLE.lon_deg, MIDDLE.lat_deg, bearing_deg, 3000.0)
    assert degrees_outline(circle).covers(Point(lon_deg, lat_deg))
    corridor = Corridor((FRAME.latlon(-4000.0, 0.0), FRAME.latlon(4000.0, 0.0)), 500.0)
    outline = degrees_outline(corridor)
    for x_m in (-4000.0, 0.0, 4000.0):
        place = FRAME.latlon(x_m, 499.9 * math.copysign(1.0, bearing_deg - 180))
        assert outline.covers(Point(place.lon_deg, place.lat_deg))


@settings(max_examples=40)
@given(reaches_m, reaches_m, reaches_m, reaches_m)
def test_the_profile_under_a_leg_is_the_ground_under_every_point_of_it(
    surface: TerrainSurface, x0: float, y0: float, x1: float, y1: float
) -> None:
    profile = surface.along(FRAME, (x0, y0), (x1, y1))
    length_m = math.hypot(x1 - x0, y1 - y0)
    assert profile.along_m[-1] == pytest.approx(length_m)
    for share in np.linspace(0.0, 1.0, 23):
        place = FRAME.latlon(x0 + share * (x1 - x0), y0 + share * (y1 - y0))
        assert profile.height_m(share * length_m) == pytest.approx(true_m(place.lon_deg, place.lat_deg), abs=0.02)


def test_a_long_leg_follows_the_frame_and_not_the_map(tmp_path: Path) -> None:
    """Over 12 km the frame's straight line is 2 m off the map's, which is 0.4 m of height on this slope."""
    heights_m = np.tile(np.linspace(0.0, 40_000.0, 401)[:, np.newaxis], (1, 401)).astype(np.float32) / 10.0
    path = write_dem(tmp_path / "slope.tif", heights_m)
    slope = TerrainSurface(Terrain.load(path, None), flat_geoid(-20.0))
    ends = (-800.0, -9000.0), (12_000.0, -9000.0)
    profile = slope.along(FRAME, *ends)
    middle = FRAME.latlon(5600.0, -9000.0)
    expected_m = height_at(heights_m, middle.lon_deg, middle.lat_deg)
    chord = slope.terrain.along(FRAME.lon_lat_array(ends), [0.0, 12_800.0])
    assert profile.height_m(6400.0) == pytest.approx(expected_m, abs=0.02)
    assert abs(chord.height_m(6400.0) - expected_m) > 0.2


def test_where_the_model_or_the_geoid_ends_the_ground_is_refused(surface: TerrainSurface) -> None:
    with pytest.raises(Refused, match=r"ground\.terrain\.outside"):
        surface.at(LatLon(NORTH_DEG + 0.001, WEST_DEG))
    with pytest.raises(Refused, match=r"ground\.terrain\.outside"):
        surface.under(Circle(LatLon(NORTH_DEG, WEST_DEG), 10.0))
    with pytest.raises(Refused, match=r"geodesy\.geoid\.outside"):
        surface.at(LatLon(60.0, 113.61))


def test_a_polygon_is_its_own_outline() -> None:
    outline = box(113.0, 34.0, 113.1, 34.1)
    assert degrees_outline(outline) is outline
    assert shapely.is_valid(degrees_outline(Circle(MIDDLE, 50.0)))


def test_a_surface_is_as_well_known_as_its_geoid_and_its_terrain_together(surface: TerrainSurface) -> None:
    assert Ground(108.0, -19.4).accuracy_m == 0.0
    stated = surface.geoid.raised(0.0, "stated", 0.1)
    assert TerrainSurface(surface.terrain, stated, 2.0).accuracy_m == pytest.approx(2.1)
    unstated = surface.geoid.raised(0.0, "unstated", None)
    assert TerrainSurface(surface.terrain, unstated).accuracy_m == BUILT_IN_ACCURACY_M
