"""Plans as KML."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from airspace.formats.kml_elements import NAMESPACE
from missions.items import Command, MissionItem
from missions.kml import kml_text
from missions.plan import LandingOption, Plan, Target
from tests.missions.foreign_scenario import GROUND, RTL, TAKEOFF, item, mission, plan, waypoint

KML = f"{{{NAMESPACE}}}"


@pytest.fixture(name="made", scope="module")
def made_fixture() -> Plan:
    rally = item(Command.RALLY_POINT, 10, 90, 30)
    return plan(mission(TAKEOFF, waypoint(100, 0), waypoint(100, 80), RTL, rally=(rally,)))


def root(made: Plan) -> ET.Element:
    return ET.fromstring(kml_text(made).encode())


def places(document: ET.Element) -> dict[str, ET.Element]:
    return {mark.findtext(f"{KML}name", ""): mark for mark in document.iter(f"{KML}Placemark")}


def coordinates(mark: ET.Element) -> list[list[float]]:
    text = next(mark.iter(f"{KML}coordinates")).text or ""
    return [[float(number) for number in position.split(",")] for position in text.split()]


def test_altitudes_are_absolute_metres_above_sea_level(made: Plan) -> None:
    marks = places(root(made))
    assert coordinates(marks["home"])[0][2] == GROUND.amsl_m
    assert coordinates(marks["rally 1"])[0][2] == GROUND.amsl_m + 30
    climb = marks["1 climb"]
    assert [position[2] for position in coordinates(climb)] == [GROUND.amsl_m, GROUND.amsl_m + 30]
    assert climb.findtext(f".//{KML}altitudeMode") == "absolute"


def test_every_leg_is_a_line_with_its_time(made: Plan) -> None:
    lines = list(root(made).iter(f"{KML}LineString"))
    assert len(lines) == len(made.legs)
    first = places(root(made))["1 climb"]
    assert first.findtext(f"{KML}TimeSpan/{KML}begin") == "2026-05-18T01:00:00.000Z"


def test_a_volume_is_its_floor_and_its_ceiling(made: Plan) -> None:
    mark = places(root(made))["volume of leg 1"]
    floor, ceiling = (ring.text or "" for ring in mark.iter(f"{KML}coordinates"))
    low_m, high_m = (float(text.split()[0].split(",")[2]) for text in (floor, ceiling))
    volume = made.volumes[1]
    assert low_m == pytest.approx(volume.floor_ellipsoidal_m - GROUND.geoid_m, abs=0.01)
    assert high_m == pytest.approx(volume.ceiling_ellipsoidal_m - GROUND.geoid_m, abs=0.01)


def test_rings_are_closed(made: Plan) -> None:
    for ring in root(made).iter(f"{KML}LinearRing"):
        positions = (ring.findtext(f"{KML}coordinates") or "").split()
        assert positions[0] == positions[-1]
        assert len(positions) >= 4


def test_every_style_that_is_used_is_there(made: Plan) -> None:
    document = root(made)
    styles = {f"#{style.get('id')}" for style in document.iter(f"{KML}Style")}
    assert {mark.findtext(f"{KML}styleUrl", "#hold") for mark in document.iter(f"{KML}Placemark")} <= styles


def test_branches_have_folders_of_their_own(made: Plan) -> None:
    branched = replace(made, legs=(*made.legs[:-1], replace(made.legs[-1], branch="410105-LP-000003")))
    names = [folder.findtext(f"{KML}name") for folder in root(branched).iter(f"{KML}Folder")]
    assert names == ["places", "route", "route to 410105-LP-000003", "volumes", "fence"]


def test_names_that_xml_cannot_hold_are_written_without_the_offending_characters(made: Plan) -> None:
    odd = Target("<阀井> & \x00\x0bvalve\ud800", 34.75, 113.62, covered=False, why_not="far")
    marks = places(root(replace(made, title="a\x1bb & <c>", targets=(odd,))))
    assert marks["<阀井> & valve"].findtext(f"{KML}description") == "far"


def test_landings_and_fence_circles_are_places(made: Plan) -> None:
    circle = MissionItem(Command.FENCE_CIRCLE_EXCLUSION, 0, 50.0, lat_deg=34.76, lon_deg=113.63)
    dock = LandingOption("dock", 2, 3, made.home, dock="410105-LP-000003")
    marks = places(root(replace(made, fence=(*made.fence, circle), landings=(dock,))))
    assert marks["landing dock"].findtext(f"{KML}description") == "410105-LP-000003"
    assert marks["exclusion"].findtext(f"{KML}description") == "circle of 50 m"
