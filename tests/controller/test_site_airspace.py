from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from shapely.geometry import Point

from airspace.charted import ChartedZone, Circle, Layer
from airspace.frames import Datum, Height, LatLon
from airspace.intents import IntentState, OperationalIntent
from airspace.reasons import Refused, Words
from airspace.volumes import Volume4D
from airspace.zones import parse_zones, zones_geojson
from controller.clock import Clock, run, virtual_tempo
from controller.config import LoadedSite, load_site
from controller.district import open_district
from controller.register.changes import Batch
from controller.register.laying import ZONE_CHARTED
from controller.register.register import Founding, open_register
from controller.site_airspace import held_zones, load_site_airspace, site_register, surface_of
from tests.controller.flight.scene import _no_connection

EXAMPLE = Path(__file__).parents[2] / "examples" / "zhengzhou"
NOW_S = 1779070000.0
HILL = LatLon(34.7500, 113.6200)


def now() -> float:
    return NOW_S


def site_in(folder: Path, head: str = "") -> LoadedSite:
    """The example's site in a folder of its own, with some lines put before its first table."""
    shutil.copy(EXAMPLE / "airspace.geojson", folder)
    text = (EXAMPLE / "site.toml").read_text(encoding="utf-8")
    (folder / "site.toml").write_text(text.replace("[origin]", f"{head}\n[origin]", 1), encoding="utf-8")
    return load_site(folder / "site.toml")


def hill(folder: Path) -> None:
    """A terrain model around the site: flat at 100 m, with one cell of 180 m under the hill."""
    heights = np.full((61, 61), 100.0, dtype=np.float32)
    heights[30, 30] = 180.0
    step = 0.002
    west, north = HILL.lon_deg - 30.5 * step, HILL.lat_deg + 30.5 * step
    with rasterio.open(
        folder / "hill.tif",
        "w",
        driver="GTiff",
        height=61,
        width=61,
        count=1,
        dtype="float32",
        crs="EPSG:4490",
        transform=Affine(step, 0.0, west, 0.0, -step, north),
    ) as file:
        file.write(heights, 1)


def park(zone_id: str = "PARK-1", place: LatLon = HILL) -> ChartedZone:
    words = Words("park", "公园")
    layer = Layer(Circle(place, 50.0), Height(0.0, Datum.AGL), Height(100.0, Datum.AGL))
    return ChartedZone(zone_id, words, "restricted", words, (layer,))


def imported(site: LoadedSite, *zones: ChartedZone) -> None:
    with site_register(site, now) as register:
        register.import_zones(zones, Batch("a file", "0" * 64, "somebody"))


def test_a_site_without_a_register_has_the_zones_of_its_charts(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    here = load_site_airspace(site, now)
    assert "ZZ-PAD-1" in {zone.id for zone in here.airspace.zones}
    assert not (tmp_path / "airspace.db").exists()


def test_zones_of_the_register_stand_beside_those_of_the_charts(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    imported(site, park())
    assert {"ZZ-PAD-1", "PARK-1"} <= {zone.id for zone in load_site_airspace(site, now).airspace.zones}
    assert {"ZZ-PAD-1", "PARK-1"} <= {zone.id for zone in held_zones(site, now)}


def test_a_register_that_was_emptied_is_not_taken_for_one_without_zones(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    (tmp_path / "airspace.db").touch()
    for ask in (load_site_airspace, held_zones):
        with pytest.raises(Refused, match=r"airspace\.db.*empty file"):
            ask(site, now)


def test_one_id_in_a_chart_and_in_the_register_is_refused(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    imported(site, park("ZZ-PAD-1"))
    with pytest.raises(Refused) as refused:
        load_site_airspace(site, now)
    assert [reason.rule for reason in refused.value.reasons] == [ZONE_CHARTED]


def test_a_zone_of_another_continent_does_not_keep_a_site_from_working(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    imported(site, park("FAR-1", LatLon(46.5, 7.0)))
    assert "FAR-1" not in {zone.id for zone in load_site_airspace(site, now).airspace.zones}
    assert "FAR-1" in {zone.id for zone in held_zones(site, now)}


def test_heights_above_ground_follow_the_terrain_where_there_is_a_model(tmp_path: Path) -> None:
    hill(tmp_path)
    site = site_in(tmp_path, '[terrain]\npath = "hill.tif"\n')
    imported(site, park())
    here = load_site_airspace(site, now)
    ground = here.surface.at(HILL)
    assert ground.amsl_m == pytest.approx(180.0, abs=0.01)
    zone = here.airspace.zone("PARK-1")
    assert zone.volume.ceiling_ellipsoidal_m >= ground.ellipsoidal_m(Height(100.0, Datum.AGL)) - 0.01
    level = load_site_airspace(site_in(tmp_path), now).airspace.zone("PARK-1")
    assert level.volume.ceiling_ellipsoidal_m < zone.volume.ceiling_ellipsoidal_m - 50.0


def test_a_zone_over_unknown_ground_is_closed_at_all_heights_and_stops_nothing_else(tmp_path: Path) -> None:
    hill(tmp_path)
    site = site_in(tmp_path, '[terrain]\npath = "hill.tif"\n')
    far = LatLon(HILL.lat_deg + 2.0, HILL.lon_deg)
    imported(site, park("FAR-PARK", far), park())
    held = load_site_airspace(site, now).airspace
    x_m, y_m = held.frame.xy(far)
    for height_m in (-500.0, 100.0, 20_000.0):
        assert [zone.id for zone in held.zones_at(x_m, y_m, height_m, NOW_S)] == ["FAR-PARK"]
    assert held.zone("PARK-1").volume.ceiling_ellipsoidal_m < 400.0
    assert held.zone("FAR-PARK").charted == park("FAR-PARK", far)
    again = parse_zones(zones_geojson(held.zones, held.frame), "run", held.frame, None)
    assert {zone.id: zone.volume for zone in again} == {zone.id: zone.volume for zone in held.zones}

    async def opened(clock: Clock) -> None:
        with site_register(site, now) as register:
            async with open_district(
                site,
                clock,
                zones=(),
                connect=_no_connection,
                durable="process",
                store_path=tmp_path / "store.db",
                register=register,
                surface=surface_of(site),
            ) as district:
                assert {"FAR-PARK", "PARK-1"} <= {zone.id for zone in district.airspace.zones}
                assert not district.raised

    run(opened, virtual_tempo())


def test_a_model_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    site = site_in(tmp_path, '[terrain]\npath = "none.tif"\n')
    with pytest.raises(Refused, match=r"none\.tif"):
        surface_of(site)


def test_obstacles_are_read_whole_or_refused(tmp_path: Path) -> None:
    mast = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [113.61, 34.748]},
        "properties": {"id": "mast-1", "name": "mast", "height": 45.0},
    }
    collection = {"type": "FeatureCollection", "features": [mast]}
    (tmp_path / "masts.geojson").write_text(json.dumps(collection), encoding="utf-8")
    site = site_in(tmp_path, 'obstacles = ["masts.geojson"]')
    (found,) = load_site_airspace(site, now).obstacles.obstacles
    assert found.id == "mast-1"
    assert found.tall_m == pytest.approx(45.0)
    mast["properties"] = {"id": "mast-1", "name": "mast", "height": "tall"}
    (tmp_path / "masts.geojson").write_text(json.dumps(collection), encoding="utf-8")
    with pytest.raises(Refused, match=r"masts\.geojson"):
        load_site_airspace(site, now)


def test_intents_of_a_register_that_was_founded_elsewhere_lie_where_they_were_meant(tmp_path: Path) -> None:
    """A city's register has its origin in the city's middle, 20 km from this site's own."""
    site = site_in(tmp_path)
    elsewhere = LatLon(34.90, 113.75)
    with open_register(tmp_path / "airspace.db", now, founding=Founding(elsewhere, b"s" * 32)) as register:
        x_m, y_m = register.frame.xy(HILL)
        volume = Volume4D(Point(x_m, y_m).buffer(40.0), 100.0, 200.0, NOW_S, NOW_S + 600.0)
        register.reserve([OperationalIntent("other/1", 0, IntentState.ACCEPTED, (volume,))], (), "other")
    (held,) = load_site_airspace(site, now).airspace.intents
    here_m = site.frame.xy(HILL)
    middle = held.volumes[0].outline.centroid
    assert (middle.x, middle.y) == pytest.approx(here_m, abs=0.01)
    assert held.volumes[0].outline.area == pytest.approx(volume.outline.area, rel=1e-4)


@pytest.mark.parametrize("name", ["china", "ed269", "atlantis"])
def test_a_site_names_a_jurisdiction_that_exists(tmp_path: Path, name: str) -> None:
    head = f'jurisdiction = "{name}"'
    if name == "atlantis":
        with pytest.raises(Refused, match="ed269"):
            site_in(tmp_path, head)
    else:
        assert load_site_airspace(site_in(tmp_path, head), now).jurisdiction.name == name
