from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from shapely.geometry import box

from airspace.charted import Restriction
from airspace.clearing import Answer, Question, clear
from airspace.model import Airspace
from airspace.reasons import Refused
from airspace.rules import MetZone, Status, by_name
from controller.config import KNOWN_TYPES
from controller.law import Said, drone_facts, flight_facts, law_of, read_cleared, read_granted
from tests.airspace.routes import DEPARTS_S, Ridge, closed, margins, route
from tests.airspace.shapes import FRAME, GROUND, zone

CHINA, EUROPE = by_name("china"), by_name("ed269")
ACROSS = box(400.0, -100.0, 600.0, 100.0)
NIGHT_S = 12 * 3600.0  # after the morning's departure


def answer(*zones: Any, top_m: float = 50.0, ground: Any = GROUND, **more: Any) -> Answer:
    asking = route([(0, 0, top_m), (1000, 0, top_m)])
    return clear(asking, Question(Airspace(FRAME, ground, zones, jurisdiction=CHINA), margins(), **more))


def status(found: Answer, code: str, said: Said = Said(), now_s: float = 0.0) -> Status:
    return law_of(found, CHINA, said, now_s).finding(code).status


def test_what_nobody_said_is_unknown_and_never_satisfied() -> None:
    facts = flight_facts(answer(), CHINA, Said(), DEPARTS_S + 1.0)
    assert (facts.drone.mtow_kg, facts.beyond_sight, facts.licensed, facts.over_assembly) == (None, None, None, None)
    found = law_of(answer(), CHINA, Said(), DEPARTS_S + 1.0)
    assert not found.allowed
    assert {one.requirement.code for one in found.findings if one.status is Status.SATISFIED} == {
        "height",
        "zone",
        "lights",
    }


def test_every_zone_that_is_met_is_told_with_what_it_asks_and_leave_opens_it() -> None:
    asks = replace(zone("ASKS", closed(ACROSS)), restriction=Restriction.AUTHORISATION)
    free = replace(zone("FREE", closed(ACROSS), "gliding"), restriction=Restriction.NONE)
    idle = zone("LATER", closed(ACROSS, start_s=DEPARTS_S + 86_400.0))
    away = zone("AWAY", closed(box(5000.0, 0.0, 5100.0, 100.0)))
    met = flight_facts(answer(asks, free, idle, away, permitted=frozenset({"ASKS"})), CHINA, Said(), 0.0).zones
    assert met == (
        MetZone("ASKS", "no-fly", Restriction.AUTHORISATION, "--permit ASKS"),
        MetZone("FREE", "gliding", Restriction.NONE),
    )
    assert flight_facts(answer(away), CHINA, Said(), 0.0).zones == ()


def test_a_zone_that_asks_for_leave_needs_it_and_a_closed_one_forbids() -> None:
    asks = replace(zone("Z", closed(ACROSS), "restricted"), restriction=Restriction.AUTHORISATION)
    assert status(answer(asks), "zone") is Status.NEEDED
    assert status(answer(asks, permitted=frozenset({"Z"})), "zone") is Status.SATISFIED
    assert status(answer(zone("Z", closed(ACROSS))), "zone") is Status.FORBIDDEN


@pytest.mark.parametrize(("top_m", "expected"), [(119.9, Status.SATISFIED), (120.1, Status.NEEDED)])
def test_the_height_is_the_greatest_over_the_ground_on_any_leg(top_m: float, expected: Status) -> None:
    assert status(answer(top_m=top_m), "height") is expected


def test_a_valley_between_two_places_counts() -> None:
    level = flight_facts(answer(top_m=100.0), CHINA, Said(), 0.0).highest_agl_m
    valley = flight_facts(answer(top_m=100.0, ground=Ridge(-40.0)), CHINA, Said(), 0.0).highest_agl_m
    assert level == pytest.approx(100.0)
    assert valley == pytest.approx(140.0)


def test_night_is_found_from_place_and_time() -> None:
    by_day = answer()
    late = clear(by_day.route.departing(DEPARTS_S + NIGHT_S), by_day.question)
    assert [flight_facts(one, CHINA, Said(), 0.0).at_night for one in (by_day, late)] == [False, True]
    assert status(late, "lights") is Status.UNKNOWN


def test_a_deadline_that_has_passed_forbids_but_not_for_a_departure_that_lies_behind() -> None:
    def codes(now_s: float, said: Said = Said()) -> dict[str, Status]:
        return {one.about: one.status for one in law_of(answer(), CHINA, said, now_s).findings if one.about}

    in_time, late, past = (codes(DEPARTS_S + after_s) for after_s in (-2 * 86_400.0, -1800.0, 10.0))
    assert [one["apply"] for one in (in_time, late, past)] == [Status.SATISFIED, Status.FORBIDDEN, Status.UNKNOWN]
    (unchosen,) = (one for one in law_of(answer(), CHINA, Said(), None).findings if one.about == "apply")
    assert unchosen.status is Status.UNKNOWN
    given = Said(granted={"application": "ZZ-1", "takeoff-confirmation": "ZZ-2"})
    assert codes(DEPARTS_S - 1800.0, given)["apply"] is Status.SATISFIED


def test_a_case_is_cleared_only_by_a_name_and_a_reason() -> None:
    (case,) = read_cleared(["relay=Li Wei: direct radio only"], CHINA)
    assert (case.case, case.cleared_by, case.why) == ("relay", "Li Wei", "direct radio only")
    assert read_cleared(["swarm=李伟：单机"], CHINA)[0].cleared_by == "李伟"
    assert law_of(answer(), CHINA, Said(cleared=(case,)), 0.0).finding("special.relay").status is Status.SATISFIED
    for text in ("relay", "relay=Li Wei", "relay=: why", "relay=Li Wei: ", "weather=Li Wei: fine", ""):
        with pytest.raises(Refused) as refused:
            read_cleared([text], CHINA)
        (reason,) = refused.value.reasons
        assert (reason.rule.code, reason.where) == ("law.word", "--clear")
        assert "relay" in reason.text("en")
    with pytest.raises(Refused):
        read_cleared(["relay=Li Wei: direct radio only"], EUROPE)


def test_what_was_granted_names_its_reference() -> None:
    assert read_granted(["application=ZZ-2026-118"]) == {"application": "ZZ-2026-118"}
    for text in ("application", "application= ", "leave=ZZ-1"):
        with pytest.raises(Refused, match="takeoff-confirmation"):
            read_granted([text])


def test_an_airframe_says_its_mass_and_speed_and_nothing_more() -> None:
    facts = drone_facts(KNOWN_TYPES["quad-4kg"])
    assert (facts.mtow_kg, facts.speed_most_mps) == (4.2, 15.0)
    assert (facts.empty_kg, facts.registered, facts.broadcasts_id) == (None, None, None)
