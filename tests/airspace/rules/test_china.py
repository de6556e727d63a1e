from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.charted import Restriction
from airspace.rules import by_name
from airspace.rules.china import CONTROLLED_KINDS, KMH, SPECIAL_CASES
from airspace.rules.facts import DroneFacts, FlightFacts, MetZone, Purpose
from airspace.rules.findings import Status, Verdict
from airspace.rules.jurisdiction import Ask, Moment, verdict
from tests.airspace.rules.flights import ALL_CLEARED, IN_HENAN, LIGHT_DRONE, shanghai_s

CHINA = by_name("china")
MICRO_DRONE = replace(
    LIGHT_DRONE,
    empty_kg=0.24,
    mtow_kg=0.25,
    height_most_agl_m=50.0,
    speed_most_mps=40 * KMH,
    low_power_radio=True,
    reports_id=False,
)


def judged(facts: FlightFacts = IN_HENAN, **changed: Any) -> Verdict:
    return verdict(CHINA, replace(facts, **changed))


def status(found: Verdict, code: str) -> Status:
    return found.finding(code).status


# -- classes (art. 62) -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "micro"),
        ({"empty_kg": 0.25}, "light"),
        ({"height_most_agl_m": 50.1}, "light"),
        ({"speed_most_mps": 40.1 * KMH}, "light"),
        ({"low_power_radio": False}, "light"),
        ({"manual_takeover": False}, "light"),
        ({"empty_kg": 4.0, "mtow_kg": 7.0}, "light"),
        ({"empty_kg": 4.1, "mtow_kg": 7.0}, "small"),
        ({"empty_kg": 4.0, "mtow_kg": 7.1}, "small"),
        ({"empty_kg": 1.0, "mtow_kg": 2.0, "speed_most_mps": 100 * KMH}, "light"),
        ({"empty_kg": 1.0, "mtow_kg": 2.0, "speed_most_mps": 100.1 * KMH}, "small"),
        ({"empty_kg": 1.0, "mtow_kg": 2.0, "surveillance": False}, "medium"),
        ({"empty_kg": 15.0, "mtow_kg": 25.0}, "small"),
        ({"empty_kg": 15.1, "mtow_kg": 25.0}, "medium"),
        ({"empty_kg": 15.0, "mtow_kg": 25.1}, "medium"),
        ({"empty_kg": 80.0, "mtow_kg": 150.0}, "medium"),
        ({"empty_kg": 80.0, "mtow_kg": 150.1}, "large"),
    ],
)
def test_a_drone_is_of_the_first_class_whose_limits_it_keeps(changed: dict[str, Any], expected: str) -> None:
    assert CHINA.drone_class(replace(MICRO_DRONE, **changed)) == expected


@given(st.floats(0.01, 300.0), st.floats(1.0, 60.0))
def test_with_all_facts_every_drone_has_a_class(mtow_kg: float, speed_mps: float) -> None:
    drone = replace(LIGHT_DRONE, empty_kg=mtow_kg * 0.6, mtow_kg=mtow_kg, speed_most_mps=speed_mps)
    assert CHINA.drone_class(drone) is not None


def test_a_class_that_hangs_on_an_unknown_fact_is_unknown() -> None:
    assert CHINA.drone_class(DroneFacts()) is None
    assert CHINA.drone_class(DroneFacts(mtow_kg=200.0, empty_kg=100.0)) == "large"  # nothing else can change that
    assert CHINA.drone_class(replace(LIGHT_DRONE, speed_most_mps=None)) is None


# -- airspace (art. 19, 20 and 33) -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height_m", "expected"), [(119.9, Status.SATISFIED), (120.0, Status.NEEDED), (300.0, Status.NEEDED)]
)
def test_from_120_metres_true_height_on_the_airspace_is_controlled(height_m: float, expected: Status) -> None:
    found = judged(highest_agl_m=height_m)
    assert status(found, "height") is expected
    assert found.needs_application == (expected is Status.NEEDED)


@pytest.mark.parametrize("kind", CONTROLLED_KINDS)
def test_what_article_19_lists_is_applied_for_even_if_a_chart_asks_nothing(kind: str) -> None:
    found = judged(zones=(MetZone("Z", kind, Restriction.NONE),))
    assert status(found, "zone") is Status.NEEDED
    assert found.needs_application


def test_temporary_controlled_airspace_names_article_20() -> None:
    asked = CHINA.asks("temporary", Restriction.AUTHORISATION)
    assert asked.ask is Ask.AUTHORISATION
    assert "20" in CHINA.asks("temporary", Restriction.NONE).article.en


def test_at_a_hospital_pad_manned_aircraft_go_first() -> None:
    found = judged(zones=(MetZone("pad", "hospital-pad", Restriction.NONE),))
    assert status(found, "zone") is Status.NEEDED
    assert "33" in found.finding("zone").text("en")
    assert not found.needs_application  # it is suitable airspace all the same


def test_an_open_zone_of_an_ordinary_kind_asks_nothing() -> None:
    assert judged(zones=(MetZone("G", "class-g", Restriction.NONE),)).allowed


# -- applying (art. 26 to 31, 61) --------------------------------------------------------------------------------------


def test_low_in_suitable_airspace_with_all_cases_cleared_nobody_needs_to_be_asked() -> None:
    found = judged()
    assert found.allowed
    assert not found.needs_application
    assert found.deadlines == ()


def test_the_five_cases_apply_until_a_named_person_has_cleared_each() -> None:
    found = judged(cleared=())
    assert [one.about for one in found.findings if one.requirement.code.startswith("special.")] == [*SPECIAL_CASES]
    assert all(status(found, f"special.{case}") is Status.NEEDED for case in SPECIAL_CASES)
    assert found.needs_application


@pytest.mark.parametrize("case", SPECIAL_CASES)
def test_one_case_that_is_not_cleared_asks_for_an_application(case: str) -> None:
    found = judged(cleared=tuple(one for one in ALL_CLEARED if one.case != case))
    assert found.needs_application
    needed = {one.requirement.code for one in found.findings if one.status is Status.NEEDED}
    assert needed == {f"special.{case}", "application", "takeoff-confirmation"}


@pytest.mark.parametrize(
    ("case", "fact"),
    [
        ("goods", {"drops": True}),
        ("goods", {"dangerous_goods": True}),
        ("assembly", {"over_assembly": True}),
        ("vehicle", {"from_moving_vehicle": True}),
        ("swarm", {"drones_per_pilot": 2}),
    ],
)
def test_nobody_can_clear_a_case_that_a_known_fact_says_applies(case: str, fact: dict[str, Any]) -> None:
    found = judged(**fact)
    assert status(found, f"special.{case}") is Status.NEEDED
    assert found.needs_application


@pytest.mark.parametrize("drone", [{"empty_kg": 20.0, "mtow_kg": 40.0}, {"empty_kg": 90.0, "mtow_kg": 160.0}])
def test_medium_and_large_always_apply(drone: dict[str, Any]) -> None:
    assert judged(drone=replace(LIGHT_DRONE, **drone)).needs_application


@pytest.mark.parametrize("drone", [{"broadcasts_id": False}, {"reports_id": False}])
def test_what_cannot_identify_itself_always_applies(drone: dict[str, Any]) -> None:
    assert judged(drone=replace(LIGHT_DRONE, **drone)).needs_application


def test_micro_need_not_report_to_the_network_and_stays_in_sight() -> None:
    found = judged(drone=MICRO_DRONE, beyond_sight=False, highest_agl_m=45.0, certified=False, licensed=False)
    assert found.drone_class == "micro"
    assert found.allowed
    assert status(judged(drone=MICRO_DRONE), "in-sight") is Status.FORBIDDEN


def test_an_approved_flight_that_is_confirmed_is_allowed() -> None:
    granted = {"application": "UOM 2026-1", "takeoff-confirmation": "tower 3"}
    found = judged(cleared=(), highest_agl_m=150.0, granted=granted)
    assert found.allowed
    assert found.needs_application


def test_an_approved_flight_still_reports_its_take_off() -> None:
    found = judged(cleared=(), granted={"application": "UOM 2026-1"})
    assert {one.requirement.code for one in found.findings if one.status is not Status.SATISFIED} == {
        "takeoff-confirmation"
    }


@pytest.mark.parametrize(
    ("changed", "needs"),
    [
        ({}, False),
        ({"drops": True}, False),  # spraying is what it is for
        ({"highest_agl_m": 30.1}, True),
        ({"reach_m": 2000.1}, True),
        ({"reach_m": None}, True),
        ({"over_assembly": True}, True),
        ({"drone": replace(LIGHT_DRONE, empty_kg=80.0, mtow_kg=150.1, speed_most_mps=50 * KMH)}, True),
        ({"drone": replace(LIGHT_DRONE, empty_kg=40.0, mtow_kg=90.0, speed_most_mps=50.1 * KMH)}, True),
    ],
)
def test_routine_agricultural_flights_need_no_application(changed: dict[str, Any], needs: bool) -> None:
    field_work = replace(
        IN_HENAN,
        purpose=Purpose.AGRICULTURAL,
        highest_agl_m=30.0,
        reach_m=2000.0,
        drone=replace(LIGHT_DRONE, empty_kg=40.0, mtow_kg=90.0, speed_most_mps=50 * KMH),
    )
    assert judged(field_work, **changed).needs_application == needs


# -- the drone and its people ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"certified": False}, "operating-certificate"),
        ({"insured": False}, "insurance"),
        ({"at_night": True, "lights": False}, "lights"),
        ({"geofence_current": False}, "geofence"),
        ({"drone": replace(LIGHT_DRONE, registered=False)}, "registration"),
        ({"drone": replace(LIGHT_DRONE, empty_kg=10.0, mtow_kg=20.0), "licensed": False}, "licence"),
        ({"drone": replace(LIGHT_DRONE, reports_id=False)}, "network-identification"),
        ({"drone": replace(LIGHT_DRONE, broadcasts_id=False)}, "broadcast-identification"),
    ],
)
def test_each_duty_that_is_not_kept_forbids_the_flight(changed: dict[str, Any], code: str) -> None:
    assert status(judged(**changed), code) is Status.FORBIDDEN


def test_light_drones_need_no_licence_and_no_insurance_for_pleasure() -> None:
    assert judged(licensed=False, insured=False, commercial=False).allowed
    assert status(judged(insured=False, commercial=True), "insurance") is Status.FORBIDDEN


# -- deadlines (art. 20, 26, 29, 30 and 40) ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("takeoff", "apply", "decision"),
    [
        ("2026-05-18 09:00", "2026-05-17 12:00", "2026-05-17 21:00"),
        ("2026-05-18 00:00", "2026-05-17 12:00", "2026-05-17 21:00"),
        ("2026-05-17 23:59:59", "2026-05-16 12:00", "2026-05-16 21:00"),
        ("2027-01-01 00:00", "2026-12-31 12:00", "2026-12-31 21:00"),
        ("2027-01-01 07:59", "2026-12-31 12:00", "2026-12-31 21:00"),  # still 2026 in UTC
        ("2028-03-01 08:00", "2028-02-29 12:00", "2028-02-29 21:00"),
        ("2027-03-01 08:00", "2027-02-28 12:00", "2027-02-28 21:00"),
    ],
)
def test_one_applies_by_noon_of_the_day_before_and_hears_by_nine(takeoff: str, apply: str, decision: str) -> None:
    deadlines = {one.code: one.by_s for one in CHINA.deadlines(Moment.TAKE_OFF, shanghai_s(takeoff))}
    assert deadlines["apply"] == shanghai_s(apply)
    assert deadlines["decision"] == shanghai_s(decision)
    assert deadlines["confirm-takeoff"] == shanghai_s(takeoff) - 3600.0


@given(st.dates(date(2024, 1, 1), date(2099, 12, 31)), st.integers(0, 86_399))
def test_the_day_before_is_the_day_before_whatever_the_hour(day: date, second: int) -> None:
    takeoff_s = shanghai_s(day.isoformat()) + second
    noon_s = shanghai_s(f"{(day - timedelta(days=1)).isoformat()} 12:00")
    assert CHINA.deadline("apply", takeoff_s).by_s == noon_s


def test_the_other_deadlines_are_spans() -> None:
    at_s = shanghai_s("2026-12-31 23:50")
    assert CHINA.deadline("emergency-apply", at_s).by_s == at_s - 30 * 60
    assert CHINA.deadline("emergency-decision", at_s).by_s == at_s - 10 * 60
    assert CHINA.deadline("incident-report", at_s).by_s == at_s + 24 * 3600
    assert CHINA.deadline("publish", at_s).by_s == at_s - 24 * 3600
    assert CHINA.deadline("urgent-publish", at_s).by_s == at_s - 30 * 60


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("2026-05-17 12:00", Status.SATISFIED), ("2026-05-17 12:00:01", Status.FORBIDDEN)],
)
def test_who_asks_after_noon_is_too_late_for_tomorrow(asked: str, expected: Status) -> None:
    found = judged(cleared=(), asked_s=shanghai_s(asked))
    assert found.finding("deadline", "apply").status is expected
    assert [one.code for one in found.deadlines] == ["apply", "decision", "confirm-takeoff"]
    assert "2026-05-17T04:00:00Z" in found.finding("deadline", "apply").text("zh")


def test_what_was_granted_was_in_time() -> None:
    found = judged(cleared=(), asked_s=shanghai_s("2026-05-18 07:30"), granted={"application": "UOM 2026-1"})
    assert found.finding("deadline", "apply").status is Status.SATISFIED
    assert found.finding("deadline", "confirm-takeoff").status is Status.SATISFIED
    late = judged(cleared=(), asked_s=shanghai_s("2026-05-18 08:30"), granted={"application": "UOM 2026-1"})
    assert late.finding("deadline", "confirm-takeoff").status is Status.FORBIDDEN


def test_an_emergency_applies_half_an_hour_before() -> None:
    rescue: dict[str, Any] = {"cleared": (), "purpose": Purpose.EMERGENCY}
    found = judged(asked_s=shanghai_s("2026-05-18 08:30"), **rescue)
    assert [one.code for one in found.deadlines] == ["emergency-apply", "emergency-decision"]
    assert found.finding("deadline", "emergency-apply").status is Status.SATISFIED
    assert status(found, "application") is Status.NEEDED
    late = judged(asked_s=shanghai_s("2026-05-18 08:30:01"), **rescue)
    assert late.finding("deadline", "emergency-apply").status is Status.FORBIDDEN


def test_a_special_emergency_may_apply_at_any_time_and_still_applies() -> None:
    found = judged(cleared=(), purpose=Purpose.SPECIAL_EMERGENCY, asked_s=shanghai_s("2026-05-18 08:59"))
    assert found.deadlines == ()
    assert status(found, "application") is Status.NEEDED


def test_no_priority_lets_a_flight_be_planned_over_another() -> None:
    assert not any(CHINA.may_overlap(own, other) for own in range(10) for other in range(10))
