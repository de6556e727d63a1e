"""The example airspace near Zhengzhou, and the gas main that the example mission follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shapely.geometry import LineString

from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from airspace.margins import Margins, derive_margins, swept
from airspace.model import Airspace
from airspace.zones import load_charts, parse_zones, zones_geojson
from tests.airspace.shapes import DAY_S

CHART = Path(__file__).parents[2] / "examples" / "zhengzhou" / "airspace.geojson"
WEST, EAST = LatLon(34.7466, 113.6050), LatLon(34.7552, 113.6330)
FRAME = LocalFrame(WEST)
GROUND = Ground(108.0, -19.4)
LINE = LineString([FRAME.xy(WEST), FRAME.xy(EAST)])
HEIGHT_M = GROUND.ellipsoidal_m(Height(45.0, Datum.AGL))


@pytest.fixture(scope="module")
def site() -> Airspace:
    return Airspace(FRAME, GROUND, load_charts([CHART], FRAME, GROUND))


def test_every_zone_is_named_in_both_languages(site: Airspace) -> None:
    assert len(site.zones) >= 3
    assert {"airport", "hospital-pad", "no-fly"} <= {zone.kind for zone in site.zones}
    for zone in site.zones:
        assert zone.name.en.startswith("Example")
        assert zone.name.zh.startswith("示例")


def test_the_main_passes_near_the_block_and_the_pad_and_through_neither(site: Airspace) -> None:
    for zone_id in ("ZZ-BLOCK-1", "ZZ-PAD-1"):
        assert 150.0 < site.zone(zone_id).volume.outline.distance(LINE) < 400.0


@pytest.mark.parametrize(("hour", "through"), [(0.0, []), (9.0, ["ZZ-EVENT-1"]), (13.0, [])])
def test_the_main_may_be_flown_but_for_the_evening_of_the_event(
    site: Airspace, hour: float, through: list[str]
) -> None:
    margins = derive_margins("rtk-fixed", 8.0).at(400.0)
    start_s = DAY_S + hour * 3600.0 + 60.0
    leg = swept(LINE.coords[0], LINE.coords[-1], HEIGHT_M, HEIGHT_M, start_s, start_s + 400.0, margins)
    assert [conflict.other_id for conflict in site.conflicts([leg])] == through


@pytest.mark.parametrize(
    ("day", "hour", "closed"),
    [(0, 9.0, True), (0, 17.49, True), (0, 17.5, False), (0, 7.4, False), (5, 9.0, False), (32, 9.0, False)],
)
def test_the_school_is_closed_in_school_hours_to_whoever_has_no_leave(
    site: Airspace, day: int, hour: float, closed: bool
) -> None:
    school = site.zone("ZZ-SCHOOL-1")
    assert school.volume.outline.distance(LINE) > 1000.0
    x_m, y_m = school.volume.outline.centroid.coords[0]
    monday_s = DAY_S - 9 * 3600.0
    at_s = monday_s + day * 86_400.0 + hour * 3600.0
    above = swept((x_m - 500, y_m), (x_m + 500, y_m), HEIGHT_M, HEIGHT_M, at_s, at_s + 30.0, Margins(10.0, 5.0, 0.0))
    found = site.conflicts([above])
    assert [conflict.other_id for conflict in found] == (["ZZ-SCHOOL-1"] if closed else [])
    assert site.conflicts([above], permitted=frozenset({"ZZ-SCHOOL-1"})) == []
    for conflict in found:
        assert "Example district education office" in conflict.reason().text("en")
        assert "come after 2026-05-18T09:30:00Z" in conflict.reason().text("en")


def test_the_shelf_begins_above_the_main(site: Airspace) -> None:
    shelf = site.zone("ZZ-SHELF-1").volume
    assert shelf.outline.intersects(LINE)
    assert GROUND.agl_m(shelf.floor_ellipsoidal_m) == pytest.approx(142.0)


def test_the_example_comes_back_equal_from_its_own_geojson(site: Airspace) -> None:
    out = zones_geojson(site.zones, FRAME)
    again = json.loads(json.dumps(out))
    assert again == out
    assert parse_zones(again, "events.jsonl", FRAME, GROUND) == site.zones
    assert parse_zones(again, "events.jsonl", FRAME, None) == site.zones
