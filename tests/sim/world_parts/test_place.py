"""Terrain, buildings and the horizon, against brute force and hand-made shapes."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.affinity
from msgspec.structs import replace
from shapely.geometry import LineString, Point, Polygon, box

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.ground.obstacles import parse_obstacles, read_obstacles
from airspace.reasons import Refused
from sim.city_file import CityDrone, CityFile, CityGround, CityOrigin, CityTerrain
from sim.place.buildings import SKIN_M, Buildings, Solid, hidden_by, solids_of
from sim.place.ground import BuiltGround, load_ground
from sim.place.skyline import AZIMUTHS, CitySkyline
from sim.place.terrain import TerrainGrid
from tests.sim.world_parts.ground_files import MIDDLE, slope

KUNMING = Path(__file__).parents[4] / "shared" / "data" / "buildings" / "buildings.wgs84.geojson"


def tower(west: float, south: float, east: float, north: float, top_m: float, name: str = "tower") -> Solid:
    return Solid(name, box(west, south, east, north), top_m, is_roof=True)


def district(seed: int) -> Buildings:
    """Rotated blocks, some in each other's way, one with a courtyard."""
    rng = random.Random(seed)
    solids = [Solid("yard", Polygon(box(0, 0, 90, 90).exterior, [box(25, 25, 60, 60).exterior]), 22.0, True)]
    for number in range(30):
        block = box(-rng.uniform(4, 30), -rng.uniform(4, 30), rng.uniform(4, 30), rng.uniform(4, 30))
        turned = shapely.affinity.rotate(block, rng.uniform(0, 90))
        placed = shapely.affinity.translate(turned, rng.uniform(-300, 300), rng.uniform(-300, 300))
        solids.append(Solid(f"block {number}", placed, rng.uniform(5, 120), True))
    return Buildings(solids)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_roof_over_any_place_is_the_one_that_brute_force_finds(seed: int) -> None:
    buildings, rng = district(seed), random.Random(seed)
    for _ in range(3000):
        e, n, u = rng.uniform(-350, 350), rng.uniform(-350, 350), rng.uniform(0.0, 130.0)
        over = [solid for solid in buildings.solids if shapely.contains_xy(solid.plan, e, n)]
        assert buildings.roof_m(e, n) == max((solid.top_m for solid in over), default=-math.inf)
        assert (buildings.struck(e, n, u) is not None) == any(u < solid.top_m - SKIN_M for solid in over)


def test_a_body_on_the_roof_is_not_inside_and_one_below_it_is() -> None:
    ground = BuiltGround(Buildings([tower(0, 0, 30, 30, 25.0)]))
    assert ground.height_m(15.0, 15.0) == 25.0
    assert ground.struck(15.0, 15.0, 25.0) is None
    assert ground.struck(15.0, 15.0, 24.0) == "tower"
    assert ground.struck(31.0, 15.0, 1.0) is None
    assert ground.height_m(31.0, 15.0) == 0.0
    assert ground.highest_m == 25.0


def test_an_empty_plain_has_no_skyline_and_nothing_to_strike() -> None:
    plain = BuiltGround(Buildings(()))
    assert plain.skyline() is None
    assert plain.height_m(1.0, 2.0) == 0.0
    assert plain.struck(0.0, 0.0, 0.0) is None
    assert plain.highest_m == -math.inf


def geojson(*features: dict[str, object]) -> dict[str, object]:
    return {"type": "FeatureCollection", "features": list(features)}


def test_lines_and_masts_can_be_struck_but_not_landed_on() -> None:
    frame = LocalFrame(MIDDLE)
    a, b, mast = (frame.latlon(*xy) for xy in ((-100.0, 0.0), (100.0, 0.0), (0.0, 200.0)))
    line = {"type": "LineString", "coordinates": [[a.lon_deg, a.lat_deg], [b.lon_deg, b.lat_deg]]}
    reading = parse_obstacles(
        geojson(
            {"type": "Feature", "geometry": line, "properties": {"id": "L", "height": [20.0, 40.0], "half_width": 5.0}},
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [mast.lon_deg, mast.lat_deg]},
                "properties": {"id": "M", "name": "mast", "height": 50.0, "radius": 2.0},
            },
        ),
        "here",
        Ground(100.0, -20.0),
    )
    assert not reading.reasons
    ground = BuiltGround(Buildings(solids_of(frame, reading.obstacles, 80.0)))
    assert ground.struck(0.0, 0.0, 29.0) == "L"
    assert ground.struck(0.0, 0.0, 31.0) is None
    assert ground.struck(90.0, 4.0, 38.0) == "L"
    assert ground.struck(-90.0, 0.0, 22.0) is None
    assert ground.struck(0.5, 200.5, 49.0) == "mast"
    assert ground.height_m(0.0, 0.0) == ground.height_m(0.0, 200.0) == 0.0


def test_a_terrain_grid_is_bilinear_and_goes_on_beyond_its_edge() -> None:
    grid = TerrainGrid(-10.0, -10.0, 10.0, np.array([[0.0, 10.0, 20.0], [0.0, 10.0, 20.0], [30.0, 40.0, 50.0]]))
    assert grid.height_m(-10.0, -10.0) == 0.0
    assert grid.height_m(-5.0, -7.0) == pytest.approx(5.0)
    assert grid.height_m(5.0, 5.0) == pytest.approx(30.0)
    assert grid.height_m(500.0, 500.0) == 50.0
    assert grid.height_m(-500.0, 0.0) == 0.0
    assert grid.highest_m == 50.0
    e, n = np.array([-10.0, 3.3, 7.7, 99.0]), np.array([4.4, -8.8, 9.9, 2.0])
    one_by_one = [grid.height_m(x, y) for x, y in zip(e.tolist(), n.tolist(), strict=True)]
    assert grid.heights_m(e, n).tolist() == pytest.approx(one_by_one)


def city(**given: object) -> CityFile:
    return CityFile(
        name="here",
        origin=CityOrigin(lat_deg=MIDDLE.lat_deg, lon_deg=MIDDLE.lon_deg),
        ground=CityGround(amsl_m=100.0, geoid_m=0.0),
        drones=(CityDrone(id="a", lat_deg=MIDDLE.lat_deg, lon_deg=MIDDLE.lon_deg),),
        **given,  # type: ignore[arg-type]
    )


def test_a_terrain_model_is_laid_over_the_datum(tmp_path: Path) -> None:
    slope(tmp_path)
    ground = load_ground(city(terrain=CityTerrain(path="slope.tif", heights="ellipsoid")), tmp_path)
    middle = ground.height_m(0.0, 0.0)
    # the datum is 100 m above the geoid, which the built-in model puts 20 m or so below the ellipsoid here
    assert 5.0 < middle < 40.0
    assert ground.height_m(500.0, 0.0) - middle == pytest.approx(5.0, abs=0.02)
    assert ground.height_m(-500.0, 300.0) - middle == pytest.approx(-5.0, abs=0.02)


def test_a_terrain_model_that_does_not_cover_the_city_is_refused(tmp_path: Path) -> None:
    slope(tmp_path)
    far = CityDrone(id="b", lat_deg=MIDDLE.lat_deg + 0.2, lon_deg=MIDDLE.lon_deg)
    file = replace(city(terrain=CityTerrain(path="slope.tif", heights="ellipsoid")), drones=(far,))
    with pytest.raises(Refused) as caught:
        load_ground(file, tmp_path)
    assert caught.value.reasons[0].rule.code.startswith("ground.terrain")


def test_bad_buildings_are_refused_with_file_and_feature(tmp_path: Path) -> None:
    bad = '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": null, "properties": {}}]}'
    (tmp_path / "b.geojson").write_text(bad, encoding="utf-8")
    with pytest.raises(Refused) as caught:
        load_ground(city(buildings=("b.geojson",)), tmp_path)
    assert "b.geojson" in caught.value.reasons[0].where


def test_the_horizon_behind_a_wall_is_as_high_as_trigonometry_says() -> None:
    wall = tower(20.0, -1000.0, 25.0, 1000.0, 40.0)
    skyline = CitySkyline(Buildings([wall]))
    assert skyline.elevation_deg(0.0, 0.0, 0.0, 90.0) == pytest.approx(math.degrees(math.atan2(40.0, 20.0)))
    assert skyline.elevation_deg(0.0, 0.0, 0.0, 45.0) == pytest.approx(
        math.degrees(math.atan2(40.0, 20.0 * math.sqrt(2.0)))
    )
    assert skyline.elevation_deg(0.0, 0.0, 0.0, 270.0) == 0.0
    assert skyline.elevation_deg(0.0, 0.0, 20.0, 90.0) == pytest.approx(45.0)
    assert skyline.elevation_deg(0.0, 0.0, 41.0, 90.0) == 0.0
    assert skyline.elevation_deg(22.0, 0.0, 10.0, 180.0) == pytest.approx(90.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_horizon_is_the_one_that_rays_find(seed: int) -> None:
    buildings, rng = district(seed), random.Random(seed)
    skyline = CitySkyline(buildings)
    for _ in range(12):
        e, n, u = (10.0 * rng.randrange(-30, 30), 10.0 * rng.randrange(-30, 30), 10.0 * rng.randrange(0, 8))
        if buildings.struck(e, n, u) is not None:
            continue
        horizon = skyline.horizon_deg(e, n, u)
        for number in range(0, AZIMUTHS, 7):
            bearing = math.radians(number * 360.0 / AZIMUTHS)
            ray = LineString([(e, n), (e + 599.0 * math.sin(bearing), n + 599.0 * math.cos(bearing))])
            highest = 0.0
            for solid in buildings.solids:
                met = shapely.intersection(ray, solid.plan.boundary)
                if not met.is_empty and solid.top_m > u:
                    away = shapely.distance(Point(e, n), met)
                    highest = max(highest, math.degrees(math.atan2(solid.top_m - u, away)))
            assert horizon[number] == pytest.approx(highest, abs=1e-6)


def test_hills_stand_in_the_way_too() -> None:
    heights = np.zeros((201, 201))
    heights[:, 150:] = 100.0  # a plateau from 500 m east on
    skyline = CitySkyline(Buildings(()), TerrainGrid(-1000.0, -1000.0, 10.0, heights))
    assert skyline.elevation_deg(0.0, 0.0, 0.0, 90.0) == pytest.approx(math.degrees(math.atan2(100.0, 500.0)), abs=1.5)
    assert skyline.elevation_deg(0.0, 0.0, 0.0, 270.0) == 0.0


def test_a_house_hides_what_is_behind_it_but_not_what_is_above() -> None:
    hidden = hidden_by(Buildings([tower(40.0, -20.0, 60.0, 20.0, 30.0)]))
    assert hidden((0.0, 0.0, 10.0), (100.0, 0.0, 10.0))
    assert not hidden((0.0, 0.0, 10.0), (100.0, 0.0, 80.0))
    assert not hidden((0.0, 50.0, 10.0), (100.0, 50.0, 10.0))


@pytest.mark.skipif(not KUNMING.exists(), reason="the shared data are not here")
def test_a_real_district_of_kunming_is_read_and_stood_on() -> None:
    reading = read_obstacles(KUNMING, Ground(1890.0, 0.0))
    buildings = Buildings(solids_of(LocalFrame(LatLon(25.0692, 102.7232)), reading.obstacles, 1890.0))
    assert len(buildings.solids) >= 140
    assert 100.0 < buildings.highest_m < 200.0
    for solid in buildings.solids:
        inside = solid.plan.representative_point()
        assert buildings.roof_m(inside.x, inside.y) >= solid.top_m
