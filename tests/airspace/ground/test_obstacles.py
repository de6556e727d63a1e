import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import box

from airspace.charted import Circle, Corridor
from airspace.frames import Datum, Ground, LatLon
from airspace.ground.obstacles import Obstacle, ObstacleFields, ObstacleKind, parse_obstacles, read_obstacles
from airspace.ground.terrain import Terrain
from airspace.ground.terrain_surface import TerrainSurface
from tests.airspace.ground.grounds import KUNMING, NORTH_DEG, STEP_DEG, WEST_DEG, flat_geoid, write_dem

GROUND = Ground(amsl_m=108.0, geoid_m=-19.4)
GROUND_M = 108.0 - 19.4
SQUARE = [[[113.61, 34.79], [113.611, 34.79], [113.611, 34.791], [113.61, 34.791], [113.61, 34.79]]]
LINE = [[113.61, 34.79], [113.612, 34.79], [113.614, 34.791]]


def feature(kind: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def parse(
    *features: Any, fields: ObstacleFields | None = None, **members: Any
) -> tuple[tuple[Obstacle, ...], list[str]]:
    """The obstacles of a collection and its reasons as `code where`."""
    document = {"type": "FeatureCollection", "features": [*features], **members}
    reading = parse_obstacles(document, "city.geojson", GROUND, fields or ObstacleFields())
    return reading.obstacles, [f"{reason.rule.code} {reason.where}" for reason in reading.reasons]


def test_polygons_points_and_lines_are_buildings_masts_and_lines() -> None:
    obstacles, reasons = parse(
        feature("Polygon", SQUARE, id=7, name="二七塔", height=63),
        feature("MultiPolygon", [SQUARE], id="wing", height=20.5),
        feature("Point", [113.62, 34.8], id="mast", height=45.0, radius=3.0),
        feature("LineString", LINE, id="line", height=[30.0, 40.0, 35.0], half_width=12.0),
    )
    assert reasons == []
    tower, wing, mast, line = obstacles
    assert (tower.id, tower.name, tower.kind) == ("7", "二七塔", ObstacleKind.BUILDING)
    assert tower.tops_ellipsoidal_m == pytest.approx((GROUND_M + 63.0,))
    assert tower.tall_m == pytest.approx(63.0)
    assert (wing.kind, wing.name) == (ObstacleKind.BUILDING, "")
    assert (mast.kind, mast.shape) == (ObstacleKind.MAST, Circle(LatLon(34.8, 113.62), 3.0))
    assert (line.kind, line.shape) == (
        ObstacleKind.LINE,
        Corridor((LatLon(34.79, 113.61), LatLon(34.79, 113.612), LatLon(34.791, 113.614)), 12.0),
    )
    assert line.tops_ellipsoidal_m == pytest.approx((GROUND_M + 30.0, GROUND_M + 40.0, GROUND_M + 35.0))


def test_sizes_that_a_file_does_not_give_are_taken_from_the_settings() -> None:
    fields = ObstacleFields(default_radius_m=2.0, default_half_width_m=20.0)
    (mast, line), _ = parse(
        feature("Point", [113.62, 34.8], height=45.0), feature("LineString", LINE, height=30.0), fields=fields
    )
    assert isinstance(mast.shape, Circle)
    assert isinstance(line.shape, Corridor)
    assert (mast.shape.radius_m, line.shape.half_width_m) == (2.0, 20.0)
    assert line.tops_ellipsoidal_m == pytest.approx((GROUND_M + 30.0,) * 3)


def test_a_file_with_names_of_its_own_is_read_by_them() -> None:
    fields = ObstacleFields(id="osm_id", name="label", height="H", levels="floors", level_m=3.0)
    (one, other), reasons = parse(
        feature("Polygon", SQUARE, osm_id="a", label="塔", H="63.5", floors=99),
        feature("Polygon", SQUARE, osm_id="b", floors=5),
        fields=fields,
    )
    assert reasons == []
    assert (one.id, one.name) == ("a", "塔")
    assert one.tall_m == pytest.approx(63.5)
    assert other.tall_m == pytest.approx(15.0)


def test_levels_are_no_height_unless_the_settings_say_so() -> None:
    assert parse(feature("Polygon", SQUARE, levels=5)) == (
        (),
        ["chart.missing city.geojson features[0].properties.height"],
    )


@pytest.mark.parametrize(("datum", "top_m"), [(Datum.AMSL, 200.0 - 19.4), (Datum.ELLIPSOIDAL, 200.0)])
def test_tops_over_the_sea_or_the_ellipsoid_do_not_count_from_the_ground(datum: Datum, top_m: float) -> None:
    (tower,), _ = parse(feature("Polygon", SQUARE, height=200.0), fields=ObstacleFields(datum=datum))
    assert tower.tops_ellipsoidal_m == pytest.approx((top_m,))
    assert tower.tall_m == pytest.approx(top_m - GROUND_M)


def test_nothing_is_built_to_a_flight_level() -> None:
    with pytest.raises(ValueError, match="flight level"):
        ObstacleFields(datum=Datum.PRESSURE)


def test_what_has_no_id_is_called_by_its_place_in_the_file() -> None:
    (one, other, third), _ = parse(
        feature("Polygon", SQUARE, height=10.0),
        feature("Polygon", SQUARE, height=10.0) | {"id": 12},
        feature("Polygon", SQUARE, height=10.0, id=True),
    )
    assert (one.id, other.id, third.id) == ("features[0]", "12", "features[2]")


def test_heights_in_positions_are_not_heights_of_tops() -> None:
    raised = [[[*position, 1890.0] for position in SQUARE[0]]]
    (tower,), reasons = parse(feature("Polygon", raised, height=20.0))
    assert reasons == []
    assert tower.tall_m == pytest.approx(20.0)


BAD_FEATURES: list[tuple[Any, str]] = [
    ("tower", "chart.shape city.geojson features[1]"),
    ({"type": "Feature", "properties": {"height": 3}}, "chart.missing city.geojson features[1].geometry"),
    (feature("Polygon", SQUARE), "chart.missing city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height="tall"), "chart.shape city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height=True), "chart.shape city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height="nan"), "chart.shape city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height="1_0"), "chart.shape city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height="12 m"), "chart.shape city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height=0), "chart.range city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height=-3.0), "chart.range city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height=5000), "chart.range city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height=[]), "chart.shape city.geojson features[1].properties.height"),
    (feature("LineString", LINE, height=[3.0, 4.0]), "ground.line.pylons city.geojson features[1].properties.height"),
    (feature("Polygon", SQUARE, height=[3.0, 4.0]), "ground.line.pylons city.geojson features[1].properties.height"),
    (feature("LineString", LINE, height=[3, "x", 4]), "chart.shape city.geojson features[1].properties.height[1]"),
    (
        feature("LineString", [*LINE, [113.65, 34.791]], height=3.0),
        "ground.line.span city.geojson features[1].geometry.coordinates[2]",
    ),
    (feature("LineString", LINE[:1], height=3.0), "outline.line city.geojson features[1].geometry.coordinates"),
    (feature("Polygon", [SQUARE[0][:3]], height=3.0), "outline.short city.geojson features[1].geometry.coordinates[0]"),
    (feature("Polygon", [SQUARE[0][:4]], height=3.0), "outline.open city.geojson features[1].geometry.coordinates[0]"),
    (feature("Point", ["x", 34.8], height=3.0), "outline.position city.geojson features[1].geometry.coordinates"),
    (feature("Point", [113.6, 34.8], height=3, radius="r"), "chart.shape city.geojson features[1].properties.radius_m"),
    (feature("MultiPoint", [[113.6, 34.8]], height=3.0), "chart.value city.geojson features[1].geometry.type"),
    (feature("Polygon", SQUARE, height=3.0, id="a"), "ground.obstacle.id city.geojson features[1].properties.id"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_FEATURES)
def test_a_bad_feature_is_refused_by_name_and_the_good_ones_are_read(bad: Any, reason: str) -> None:
    good = feature("Polygon", SQUARE, height=10.0, id="a")
    obstacles, reasons = parse(good, bad, feature("Polygon", SQUARE, height=10.0, id="z"))
    assert [obstacle.id for obstacle in obstacles] == ["a", "z"]
    assert reasons == [reason]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"type": "Feature"}, "chart.value"),
        ({"type": "FeatureCollection"}, "chart.missing"),
        ({"type": "FeatureCollection", "features": {}}, "chart.shape"),
        ({"type": "FeatureCollection", "features": [], "crs": "EPSG:4610"}, "chart.frame"),
        ({"type": "FeatureCollection", "features": [], "crs": {"properties": {"name": "EPSG:3857"}}}, "chart.frame"),
    ],
)
def test_what_is_no_collection_in_our_frame_gives_nothing_but_reasons(document: dict[str, Any], code: str) -> None:
    reading = parse_obstacles(document, "city.geojson", GROUND)
    assert reading.obstacles == ()
    assert code in [reason.rule.code for reason in reading.reasons]


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4490", "urn:ogc:def:crs:EPSG::4326"])
def test_frames_within_a_metre_of_ours_are_ours(name: str) -> None:
    obstacles, reasons = parse(
        feature("Polygon", SQUARE, height=3.0), crs={"type": "name", "properties": {"name": name}}
    )
    assert (len(obstacles), reasons) == (1, [])


def test_a_file_that_is_no_json_gives_a_reason_and_raises_nothing(tmp_path: Path) -> None:
    path = tmp_path / "city.geojson"
    path.write_text('{"type": "FeatureCollection", "features": [')
    reading = read_obstacles(path, GROUND)
    assert reading.obstacles == ()
    assert [reason.rule.code for reason in reading.reasons] == ["chart.json"]
    assert [reason.rule.code for reason in read_obstacles(tmp_path / "none", GROUND).reasons] == ["chart.unreadable"]


def sloping(tmp_path: Path) -> TerrainSurface:
    """Ground that rises by 10 m with each node eastwards, from 100 m; void at its 50th column."""
    heights_m = np.tile(100.0 + 10.0 * np.arange(61.0), (41, 1)).astype(np.float32)
    heights_m[:, 50] = -9999.0
    path = write_dem(tmp_path / "dem.tif", heights_m, nodata=-9999.0)
    return TerrainSurface(Terrain.load(path, None), flat_geoid(0.0))


def lon(column: float) -> float:
    return WEST_DEG + column * STEP_DEG


SLOPE_LAT = NORTH_DEG - 20.5 * STEP_DEG


def ring_of(west_column: float, east_column: float) -> list[list[list[float]]]:
    ring = box(lon(west_column), SLOPE_LAT, lon(east_column), SLOPE_LAT + 0.0001).exterior.coords
    return [[list(position) for position in ring]]


def test_a_building_on_a_slope_is_as_high_as_on_the_highest_ground_and_stands_on_the_lowest(tmp_path: Path) -> None:
    document = {"type": "FeatureCollection", "features": [feature("Polygon", ring_of(10.2, 12.7), height=30.0)]}
    (tower,) = parse_obstacles(document, "city", sloping(tmp_path)).obstacles
    assert tower.tops_ellipsoidal_m == pytest.approx((100.0 + 130.0 + 30.0,), abs=1e-3)
    assert tower.base_ellipsoidal_m == pytest.approx(200.0, abs=1e-3)
    assert tower.tall_m == pytest.approx(60.0, abs=1e-3)


def test_each_pylon_stands_on_its_own_ground(tmp_path: Path) -> None:
    path = [[lon(10), SLOPE_LAT], [lon(20), SLOPE_LAT]]
    document = {"type": "FeatureCollection", "features": [feature("LineString", path, height=30.0)]}
    (line,) = parse_obstacles(document, "city", sloping(tmp_path)).obstacles
    assert line.tops_ellipsoidal_m == pytest.approx((230.0, 330.0), abs=1e-3)


def test_what_stands_on_a_void_or_outside_of_the_terrain_is_refused_with_its_feature(tmp_path: Path) -> None:
    features = [
        feature("Polygon", ring_of(49.2, 49.7), height=30.0),
        feature("Point", [lon(70), SLOPE_LAT], height=30.0),
        feature("Point", [lon(30), SLOPE_LAT], height=30.0),
    ]
    reading = parse_obstacles({"type": "FeatureCollection", "features": features}, "city", sloping(tmp_path))
    assert [obstacle.id for obstacle in reading.obstacles] == ["features[2]"]
    assert [(reason.rule.code, reason.where) for reason in reading.reasons] == [
        ("ground.terrain.void", "city features[0]"),
        ("ground.terrain.outside", "city features[1]"),
    ]


@pytest.mark.skipif(not KUNMING.exists(), reason="no real buildings on this machine")
@pytest.mark.parametrize("name", ["buildings.wgs84.geojson", "kunming_buildings_raw.geojson"])
def test_every_building_of_kunming_is_read_with_the_height_that_the_file_gives(name: str) -> None:
    path = KUNMING / name
    reading = read_obstacles(path, Ground(1890.0, -35.0))
    given = json.loads(path.read_text("utf-8"))["features"]
    assert reading.reasons == ()
    assert len(reading.obstacles) == len(given) == 140
    for obstacle, row in zip(reading.obstacles, given, strict=True):
        assert obstacle.id == str(row["properties"]["id"])
        assert obstacle.tall_m == pytest.approx(row["properties"]["height"])
