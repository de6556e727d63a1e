from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airspace.charted import Restriction
from airspace.rules import by_name
from airspace.rules.facts import DroneFacts, FlightFacts, MetZone
from airspace.rules.findings import Status, Verdict
from airspace.rules.jurisdiction import Ask, verdict
from tests.airspace.rules.flights import IN_EUROPE

COUNTRY = by_name("ed269")


def judged(**changed: Any) -> Verdict:
    facts: FlightFacts = replace(IN_EUROPE, **changed)
    return verdict(COUNTRY, facts)


def marked(mark: str | None, mtow_kg: float, **more: Any) -> DroneFacts:
    return replace(IN_EUROPE.drone, class_mark=mark, mtow_kg=mtow_kg, **more)


@pytest.mark.parametrize(
    ("drone", "expected"),
    [
        (marked("C0", 0.249), "C0"),
        (marked("C0", 0.25), None),
        (marked("C1", 0.899), "C1"),
        (marked("C1", 0.89, speed_most_mps=19.1), None),
        (marked("C2", 3.99, speed_most_mps=30.0), "C2"),
        (marked("C2", 4.0), None),
        (marked("C3", 24.9, size_m=2.99), "C3"),
        (marked("C3", 24.9, size_m=3.0), None),
        (marked("C4", 24.9, size_m=3.5), "C4"),
        (marked("C4", 25.0), None),
        (marked("C9", 0.1), None),
        (marked(None, 0.1), None),
    ],
)
def test_the_mark_gives_the_class_if_it_is_true_of_the_drone(drone: DroneFacts, expected: str | None) -> None:
    assert COUNTRY.drone_class(drone) == expected


@pytest.mark.parametrize(
    ("drone", "expected"),
    [
        (marked("C0", 0.3), Status.FORBIDDEN),
        (marked("C9", 0.3), Status.FORBIDDEN),
        (marked(None, 0.3), Status.UNKNOWN),
        (marked("C3", 5.0, size_m=None), Status.UNKNOWN),
    ],
)
def test_a_mark_that_is_not_true_is_forbidden_and_none_is_unknown(drone: DroneFacts, expected: Status) -> None:
    assert judged(drone=drone).finding("class").status is expected


@pytest.mark.parametrize(
    "changed",
    [
        {"beyond_sight": True},
        {"highest_agl_m": 120.1},
        {"dangerous_goods": True},
        {"drops": True},
        {"over_assembly": True},
        {"drone": marked("C2", 3.0), "from_people_m": 29.9},
        {"drone": marked("C4", 10.0), "from_built_up_m": 149.9},
        {"over_assembly": None},
    ],
)
def test_what_leaves_the_open_category_is_applied_for(changed: dict[str, Any]) -> None:
    found = judged(**changed)
    assert found.needs_application
    assert found.finding("application").status is Status.NEEDED
    approved = judged(**changed, granted={"application": "authority 12"})
    assert approved.finding("application").status is Status.SATISFIED


@pytest.mark.parametrize(
    "changed",
    [
        {"drone": marked("C0", 0.2, registered=False, broadcasts_id=False), "licensed": False},
        {"drone": marked("C2", 3.0), "from_people_m": 30.0},
        {"drone": marked("C4", 10.0, broadcasts_id=False), "from_built_up_m": 150.0},
        {"at_night": True, "lights": True},
    ],
)
def test_each_subcategory_is_open_at_its_own_distance(changed: dict[str, Any]) -> None:
    assert judged(**changed).allowed


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"at_night": True, "lights": False}, "lights"),
        ({"licensed": False}, "competence"),
        ({"geofence_current": False}, "geofence"),
        ({"drone": marked("C1", 0.8, registered=False)}, "registration"),
        ({"drone": marked("C1", 0.8, broadcasts_id=False)}, "remote-identification"),
    ],
)
def test_each_duty_that_is_not_kept_forbids_the_flight(changed: dict[str, Any], code: str) -> None:
    assert judged(**changed).finding(code).status is Status.FORBIDDEN


def test_zones_ask_by_the_field_of_their_chart_and_not_by_their_kind() -> None:
    assert COUNTRY.asks("airport", Restriction.NONE).ask is Ask.NOTHING
    assert COUNTRY.asks("airport", Restriction.PROHIBITED).ask is Ask.CLOSED
    assert "PROHIBITED" in COUNTRY.asks("airport", Restriction.PROHIBITED).article.en


def test_u_space_asks_for_an_authorisation_and_gliders_for_notice() -> None:
    assert COUNTRY.asks("u-space", Restriction.NONE).ask is Ask.AUTHORISATION
    found = judged(zones=(MetZone("G", "gliding", Restriction.NONE),))
    assert found.finding("zone", "G").status is Status.NEEDED
    assert judged(zones=(MetZone("G", "gliding", Restriction.NONE, "club, 3 May"),)).allowed


def test_an_occurrence_is_reported_within_72_hours() -> None:
    assert COUNTRY.deadline("incident-report", 1000.0).by_s == 1000.0 + 72 * 3600.0


def test_special_operations_go_over_others_and_equals_do_not() -> None:
    assert COUNTRY.may_overlap(9, 0)
    assert not COUNTRY.may_overlap(0, 0)
    assert not COUNTRY.may_overlap(0, 9)


@pytest.mark.parametrize(("before_s", "expected"), [(3600.0, Status.SATISFIED), (3599.0, Status.FORBIDDEN)])
def test_a_zone_that_wants_to_be_asked_before_is_asked_in_time(before_s: float, expected: Status) -> None:
    met = MetZone("LSR1", "geozone", Restriction.AUTHORISATION, lead_time_s=3600.0)
    takeoff_s = IN_EUROPE.takeoff_s or 0.0
    found = judged(zones=(met,), asked_s=takeoff_s - before_s)
    assert [(one.code, one.by_s) for one in found.deadlines] == [("zone:LSR1", takeoff_s - 3600.0)]
    assert found.finding("deadline", "zone:LSR1").status is expected
    permitted = replace(met, permitted_by="tower 5")
    assert judged(zones=(permitted,), asked_s=takeoff_s).allowed


def test_a_jurisdiction_may_lay_down_how_long_before_a_kind_of_zone_is_asked() -> None:
    asked = replace(COUNTRY.kind_asks["gliding"], lead_time_s=900.0)
    strict = replace(COUNTRY, kind_asks={**COUNTRY.kind_asks, "gliding": asked})
    met = MetZone("G", "gliding", Restriction.NONE)
    facts = replace(IN_EUROPE, zones=(met,))
    assert [one.by_s for one in verdict(strict, facts).deadlines] == [(IN_EUROPE.takeoff_s or 0.0) - 900.0]
    assert verdict(COUNTRY, facts).deadlines == ()
    assert verdict(strict, replace(facts, takeoff_s=None)).deadlines == ()
