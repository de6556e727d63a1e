from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airspace.rules import by_name
from airspace.rules.facts import FlightFacts, NearObstacle
from airspace.rules.findings import Status
from airspace.rules.jurisdiction import verdict
from tests.airspace.rules.flights import IN_HENAN, LIGHT_DRONE

INSPECTION = replace(IN_HENAN, scenario="fixed-facility")


def status(code: str, **changed: Any) -> Status:
    facts: FlightFacts = replace(INSPECTION, **changed)
    return verdict(by_name("china"), facts).finding(f"fixed-facility.{code}").status


def test_an_inspection_within_all_limits_is_allowed() -> None:
    assert verdict(by_name("china"), INSPECTION).allowed


def test_without_the_scenario_its_limits_are_not_asked() -> None:
    codes = {one.requirement.code for one in verdict(by_name("china"), IN_HENAN).findings}
    assert not [code for code in codes if code.startswith("fixed-facility.")]


@pytest.mark.parametrize(
    ("code", "held", "broken"),
    [
        ("mtow", {"drone": replace(LIGHT_DRONE, mtow_kg=150.0)}, {"drone": replace(LIGHT_DRONE, mtow_kg=150.1)}),
        ("size", {"drone": replace(LIGHT_DRONE, size_m=3.0)}, {"drone": replace(LIGHT_DRONE, size_m=3.01)}),
        ("kinetic-energy", {"kinetic_energy_j": 34_000.0}, {"kinetic_energy_j": 34_001.0}),
        ("people", {"people_per_km2": 300.0}, {"people_per_km2": 301.0}),
        ("people", {"people_per_km2": 5000.0, "controlled_ground": True}, {"people_per_km2": 5000.0}),
        ("ground-buffer", {"ground_buffer_m": 60.0}, {"ground_buffer_m": 59.9}),
        ("route", {}, {"preplanned_route": False}),
        ("one-each", {}, {"drones_per_pilot": 2}),
        ("one-each", {}, {"hands_over_in_flight": True}),
        ("station", {}, {"from_moving_vehicle": True}),
        (
            "visibility",
            {"beyond_sight": False, "visibility_m": 5000.1},
            {"beyond_sight": False, "visibility_m": 5000.0},
        ),
        ("visibility", {"beyond_sight": True, "visibility_m": 100.0}, {"beyond_sight": False, "visibility_m": 100.0}),
    ],
)
def test_each_limit_holds_to_its_edge_and_not_beyond(code: str, held: dict[str, Any], broken: dict[str, Any]) -> None:
    assert status(code, **held) is Status.SATISFIED
    assert status(code, **broken) is Status.FORBIDDEN


def beyond(height_m: float, obstacle: NearObstacle | None) -> Status:
    return status("height", highest_agl_m=height_m, beyond_sight=True, obstacle=obstacle)


def test_in_sight_up_to_120_metres_and_beyond_it_up_to_50() -> None:
    far = NearObstacle(10.0, 500.0, 500.0)
    assert status("height", highest_agl_m=120.0, beyond_sight=False, obstacle=far) is Status.SATISFIED
    assert status("height", highest_agl_m=120.1, beyond_sight=False, obstacle=far) is Status.FORBIDDEN
    assert beyond(50.0, far) is Status.SATISFIED
    assert beyond(50.1, far) is Status.FORBIDDEN


@pytest.mark.parametrize(
    ("height_m", "beside_m", "above_m", "expected"),
    [
        (19.9, 40.0, 40.0, Status.SATISFIED),
        (19.9, 40.1, 40.0, Status.FORBIDDEN),
        (19.9, 40.0, 40.1, Status.FORBIDDEN),
        (20.0, 40.0, 25.0, Status.SATISFIED),
        (20.0, 40.0, 25.1, Status.FORBIDDEN),
        (90.0, 40.1, 25.0, Status.FORBIDDEN),
    ],
)
def test_near_an_obstacle_one_may_fly_higher_beyond_sight(
    height_m: float, beside_m: float, above_m: float, expected: Status
) -> None:
    assert beyond(100.0, NearObstacle(height_m, beside_m, above_m)) is expected


def test_higher_beyond_sight_with_no_obstacle_named_cannot_be_judged() -> None:
    assert beyond(80.0, None) is Status.UNKNOWN
    assert beyond(50.0, None) is Status.SATISFIED
