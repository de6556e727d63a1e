"""Plans as GeoJSON."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from airspace.zones import zones_geojson
from missions.geojson import geojson_text, plan_geojson, rfc3339
from missions.items import Command, MissionItem
from missions.plan import Plan, Target
from tests.missions.foreign_scenario import (
    FRAME,
    GROUND,
    HOME,
    RTL,
    TAKEOFF,
    block,
    item,
    mission,
    plan,
    waypoint,
)


@pytest.fixture(name="made", scope="module")
def made_fixture() -> Plan:
    rally = item(Command.RALLY_POINT, 10, 90, 30)
    return plan(mission(TAKEOFF, waypoint(100, 0), waypoint(100, 80), RTL, rally=(rally,)))


def features(document: dict[str, Any], what: str) -> list[dict[str, Any]]:
    return [feature for feature in document["features"] if feature["properties"]["feature"] == what]


def test_everything_of_a_plan_is_a_feature(made: Plan) -> None:
    document = json.loads(geojson_text(made))
    assert document["type"] == "FeatureCollection"
    counts = {what: len(features(document, what)) for what in ("home", "leg", "volume", "landing", "rally", "fence")}
    assert counts == {
        "home": 1,
        "leg": len(made.legs),
        "volume": len(made.volumes),
        "landing": 1,
        "rally": 1,
        "fence": 1,
    }


def test_positions_are_longitude_latitude_and_height_over_the_ellipsoid(made: Plan) -> None:
    (home,) = features(plan_geojson(made), "home")
    assert home["geometry"]["coordinates"] == [HOME.lon_deg, HOME.lat_deg, round(GROUND.amsl_m + GROUND.geoid_m, 3)]
    climb = features(plan_geojson(made), "leg")[0]
    heights = [position[2] for position in climb["geometry"]["coordinates"]]
    assert heights[1] - heights[0] == pytest.approx(30.0)


def test_legs_carry_their_times_in_utc(made: Plan) -> None:
    legs = features(plan_geojson(made), "leg")
    assert legs[0]["properties"]["start"] == "2026-05-18T01:00:00.000Z" == rfc3339(made.takeoff_s)
    assert all(a["properties"]["end"] == b["properties"]["start"] for a, b in pairwise(legs))


def test_rings_are_closed_and_run_against_the_clock(made: Plan) -> None:
    document = plan_geojson(made)
    for feature in (*features(document, "volume"), *features(document, "fence")):
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        assert sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring)) > 0


def test_zones_are_drawn_with_the_plan_and_keep_their_own_properties(made: Plan) -> None:
    zones = zones_geojson([block("z", 400, 400, 20)], FRAME)
    (zone,) = features(plan_geojson(made, zones), "zone")
    assert zone["properties"]["id"] == "z"
    assert "feature" not in zones["features"][0]["properties"]


def test_targets_say_whether_the_camera_sees_them(made: Plan) -> None:
    seen, hidden = Target("one", 34.75, 113.62, covered=True), Target("二", 34.76, 113.62, covered=False, why_not="far")
    changed = replace(made, targets=(seen, hidden))
    assert [f["properties"]["covered"] for f in features(plan_geojson(changed), "target")] == [True, False]
    assert "二" in geojson_text(changed)


def test_a_fence_circle_is_its_centre_and_radius(made: Plan) -> None:
    circle = MissionItem(Command.FENCE_CIRCLE_EXCLUSION, 0, 50.0, lat_deg=34.76, lon_deg=113.63)
    changed = replace(made, fence=(circle, *made.fence, circle))
    found = features(plan_geojson(changed), "fence")
    assert [f["geometry"]["type"] for f in found] == ["Point", "Polygon", "Point"]
    assert found[0]["properties"] == {"feature": "fence", "inclusion": False, "radius_m": 50.0}
