from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from shapely.geometry import LineString, Point

from airspace.margins import derive_margins
from airspace.model import Airspace
from missions.plan import Leg, Place, PlanVolume, Purpose
from missions.volumes import absolute, check_volumes, least_clearance_m, leg_line, leg_volumes
from tests.missions.scenario import FRAME, GROUND, TAKEOFF_S, square, zone

A, B = FRAME.latlon(0.0, 0.0), FRAME.latlon(300.0, 0.0)
LEG = Leg(
    3,
    Purpose.TRANSIT,
    Place(A.lat_deg, A.lon_deg, 40.0),
    Place(B.lat_deg, B.lon_deg, 45.0),
    100.0,
    140.0,
    8.0,
    3.0,
)
HOME_M = 88.6
MARGINS = derive_margins("rtk-fixed", 0.0)


def test_a_volume_holds_the_leg_with_its_margins_in_plan_height_and_time() -> None:
    (volume,) = leg_volumes([LEG], frame=FRAME, home_ellipsoidal_m=HOME_M, margins=MARGINS)
    space = absolute(volume, FRAME, TAKEOFF_S)
    margins = MARGINS.at(140.0)
    assert space.outline.contains(LineString([(0, 0), (300, 0)]).buffer(margins.lateral_m - 0.01))
    assert space.outline.bounds == pytest.approx((-7.58, -7.58, 307.58, 7.58), abs=0.1)
    assert space.floor_ellipsoidal_m == pytest.approx(HOME_M + 40.0 - margins.vertical_m)
    assert space.ceiling_ellipsoidal_m == pytest.approx(HOME_M + 45.0 + margins.vertical_m)
    assert space.start_s == pytest.approx(TAKEOFF_S + 100.0 - margins.time_s)
    assert space.end_s == pytest.approx(TAKEOFF_S + 140.0 + margins.time_s)


def test_a_branch_that_waits_for_a_word_is_reserved_longer() -> None:
    leg = replace(LEG, branch="dock")
    plain, waiting = (
        leg_volumes([leg], frame=FRAME, home_ellipsoidal_m=HOME_M, margins=MARGINS, wait_s=wait)[0]
        for wait in (None, {"dock": 45.0})
    )
    assert waiting.start_s <= plain.start_s
    assert waiting.end_s >= plain.end_s + 45.0


def test_a_leg_on_the_spot_is_a_point_and_sweeps_a_disk() -> None:
    hold = replace(LEG, end=LEG.start)
    assert isinstance(leg_line(hold, FRAME), Point)
    (volume,) = leg_volumes([hold], frame=FRAME, home_ellipsoidal_m=HOME_M, margins=MARGINS)
    assert absolute(volume, FRAME, 0.0).outline.area > 3.14 * MARGINS.margins.lateral_m**2


def test_volumes_survive_json() -> None:
    volumes = leg_volumes([LEG], frame=FRAME, home_ellipsoidal_m=HOME_M, margins=MARGINS)
    assert msgspec.json.decode(msgspec.json.encode(volumes), type=tuple[PlanVolume, ...]) == volumes


def test_a_zone_is_met_in_place_height_and_time_together() -> None:
    volumes = leg_volumes([LEG], frame=FRAME, home_ellipsoidal_m=HOME_M, margins=MARGINS)
    over = square(FRAME.latlon(150.0, 0.0), 40.0)

    def met(**bounds: float) -> bool:
        return bool(check_volumes(volumes, Airspace(FRAME, GROUND, [zone("A", over, **bounds)]), TAKEOFF_S))

    assert met()
    assert not met(floor_agl_m=60.0)
    assert not met(ceiling_agl_m=30.0)
    assert not met(start_s=TAKEOFF_S + 200.0)
    assert not met(end_s=TAKEOFF_S + 50.0)


def test_clearance_is_to_the_nearest_zone_that_shares_height_and_time() -> None:
    volumes = leg_volumes([LEG], frame=FRAME, home_ellipsoidal_m=HOME_M, margins=MARGINS)
    near = zone("near", square(FRAME.latlon(150.0, 60.0), 40.0), floor_agl_m=100.0)
    far = zone("far", square(FRAME.latlon(150.0, 120.0), 40.0))
    airspace = Airspace(FRAME, GROUND, [near, far])
    assert least_clearance_m([LEG], volumes, airspace, TAKEOFF_S) == pytest.approx(100.0, abs=0.1)
    assert least_clearance_m([LEG], volumes, Airspace(FRAME, GROUND), TAKEOFF_S) is None
