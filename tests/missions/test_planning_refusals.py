from __future__ import annotations

from dataclasses import replace

import pytest
from shapely.geometry import Polygon

from airspace.frames import LatLon
from missions.site import OpenGround
from tests.missions.judging import codes, judged, refusal
from tests.missions.scenario import (
    ALTERNATE,
    DRONE,
    FRAME,
    GROUND,
    HOME,
    PRIMARY,
    SITE,
    TAKEOFF_S,
    changed,
    example,
    plan,
    ring,
    square,
    zone,
)


def test_a_ring_around_the_dock_is_named_as_the_barrier() -> None:
    dock = LatLon(34.7558, 113.6342)
    wall = zone("WALL", ring(dock, 60, 90))
    other = zone("FAR", square(LatLon(34.7600, 113.6100), 100))
    refused = refusal(zones=[wall, other])
    assert codes(refused) == ["plan.no-way"]
    text = refused.reasons[0].text("en")
    assert "block WALL (WALL)" in text
    assert "FAR" not in text
    assert refused.reasons[0].lat_deg == pytest.approx(dock.lat_deg)


def test_a_zone_over_the_dock_or_home_is_refused_by_name() -> None:
    refused = refusal(zones=[zone("D", square(LatLon(34.7558, 113.6342), 40)), zone("H", square(HOME, 40))])
    assert codes(refused) == ["plan.closed-place", "plan.closed-place"]
    assert "the take-off place" in refused.reasons[0].text("en")
    assert "起飞点" in refused.reasons[0].text("zh")
    assert PRIMARY in refused.reasons[1].text("en")


def test_a_low_zone_over_the_dock_is_refused_though_the_route_passes_above() -> None:
    assert codes(refusal(zones=[zone("D", square(LatLon(34.7558, 113.6342), 40), ceiling_agl_m=20)])) == [
        "plan.closed-place"
    ]


def test_a_zone_over_the_whole_line_is_refused_with_its_name() -> None:
    line = [FRAME.xy(point) for point in example().line]
    cover = zone("A", Polygon([*((x, y + 30) for x, y in line), *((x, y - 30) for x, y in reversed(line))]))
    refused = refusal(zones=[cover])
    assert codes(refused) == ["plan.line-closed"]
    assert "block A (A)" in refused.reasons[0].text("en")


def test_a_site_without_open_ground_is_refused() -> None:
    assert codes(refusal(site=replace(SITE, open_ground=()))) == ["plan.open-ground"]


def test_a_place_without_straight_return_is_refused_with_the_zone_and_the_remedy() -> None:
    x, y = FRAME.xy(LatLon(34.7558, 113.6342))
    wall = zone("WALL", Polygon([(x - 50, y - 250), (x - 40, y - 250), (x - 40, y + 150), (x - 50, y + 150)]))
    refused = refusal(zones=[wall])
    assert codes(refused) == ["plan.contingency"]
    text = refused.reasons[0].text("en")
    assert "block WALL (WALL)" in text
    assert "Add an open-ground point" in text
    assert refused.reasons[0].lat_deg == pytest.approx(34.7558, abs=0.001)
    beyond = OpenGround("beyond", LatLon(34.7560, 113.6350))
    judged(plan(zones=[wall], site=replace(SITE, open_ground=(*SITE.open_ground, beyond))), [wall])


@pytest.mark.parametrize(("height_m", "allowed"), [(119.9, True), (120.0, False), (130.0, False)])
def test_the_height_limit_is_kept_strictly(height_m: float, allowed: bool) -> None:
    request = changed(height_agl_m=height_m)
    if allowed:
        made = plan(request)
        assert made.max_relative_m == height_m
        assert made.parameters["FENCE_ALT_MAX"] == 120.0
    else:
        assert codes(refusal(request=request)) == ["plan.height"]


def test_heights_count_from_a_home_above_the_ground() -> None:
    made = plan(home_amsl_m=GROUND.amsl_m + 10.0)
    assert made.items[0].alt_m == 35.0
    assert made.landings[0].place.relative_m == -10.0
    assert made.parameters["RTL_ALT"] == 3500
    assert codes(refusal(home_amsl_m=GROUND.amsl_m + 44.0)) == ["plan.height-home"]


def test_a_battery_that_is_too_small_is_refused_with_the_numbers() -> None:
    refused = refusal(drone=replace(DRONE, battery_wh=50.0))
    assert codes(refused) == ["plan.energy"]
    assert "35.0 Wh may be used" in refused.reasons[0].text("en")
    assert "Split the line in 2" in refused.reasons[0].text("en")


@pytest.mark.parametrize(("wind_mps", "allowed"), [(10.0, True), (10.5, False)])
def test_wind_beyond_the_requests_limit_is_refused(wind_mps: float, allowed: bool) -> None:
    if allowed:
        assert plan(wind_mps=wind_mps).details["wind_mps"] == wind_mps
    else:
        assert codes(refusal(wind_mps=wind_mps)) == ["plan.wind"]


def test_wind_beyond_the_drone_is_refused_as_well() -> None:
    assert codes(refusal(wind_mps=12.5)) == ["plan.wind", "plan.wind"]


def test_a_speed_beyond_the_drone_is_refused() -> None:
    assert codes(refusal(request=changed(speed_mps=16.0))) == ["plan.speed"]


def test_docks_are_used_as_they_are_free() -> None:
    made = plan(docks_free=[ALTERNATE])
    assert [landing.dock for landing in made.landings] == [ALTERNATE, ""]
    assert codes(refusal(docks_free=[])) == ["plan.dock-none"]


def test_unknown_docks_are_refused_by_code() -> None:
    refused = refusal(request=changed(dock="410105-LP-999999"))
    assert codes(refused) == ["plan.dock-unknown"]
    assert "410105-LP-999999" in refused.reasons[0].text("zh")


def test_the_window_of_the_request_is_kept() -> None:
    assert codes(refusal(request=changed(not_before_s=TAKEOFF_S + 1))) == ["plan.too-early"]
    assert codes(refusal(request=changed(deadline_s=TAKEOFF_S + 300))) == ["plan.too-late"]
    assert plan(changed(not_before_s=TAKEOFF_S, deadline_s=TAKEOFF_S + 1200))


def test_a_request_whose_targets_are_all_far_from_its_line_is_refused() -> None:
    far = tuple(replace(target, position=LatLon(34.7600, 113.6200)) for target in example().targets)
    assert codes(refusal(request=changed(targets=far))) == ["plan.nothing-seen"]


def test_a_line_in_another_country_is_refused_at_its_field() -> None:
    line = (example().line[0], LatLon(0.0, 0.0))
    refused = refusal(request=changed(line=line))
    assert codes(refused) == ["plan.too-far"]
    assert refused.reasons[0].where.endswith("pipeline.yaml line[1]")


def test_all_that_can_be_known_at_once_is_said_at_once() -> None:
    request = changed(height_agl_m=150.0, speed_mps=20.0, dock="410105-LP-999999")
    assert codes(refusal(request=request, wind_mps=11.0)) == [
        "plan.height",
        "plan.dock-unknown",
        "plan.wind",
        "plan.speed",
    ]
