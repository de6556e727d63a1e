from __future__ import annotations

import ast
import re
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import airspace
from airspace.charted import Restriction
from airspace.reasons import Lang, Words
from airspace.rules import JURISDICTIONS, by_name
from airspace.rules.facts import ClearedCase, DroneFacts, FlightFacts, MetZone, NearObstacle, Purpose
from airspace.rules.findings import Status, all_hold, at_least, at_most, below, either, negated
from airspace.rules.jurisdiction import Ask, Moment, verdict
from airspace.zone_kinds import ZONE_KINDS
from tests.airspace.rules.flights import ALL_CLEARED, GOOD_FLIGHTS

Facts = TypeVar("Facts", FlightFacts, DroneFacts)

NAMES = sorted(JURISDICTIONS)
LANGS: tuple[Lang, ...] = ("en", "zh")
every_one = pytest.mark.parametrize("name", NAMES)

maybe = st.none() | st.booleans()


def some(low: float, high: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(low, high)


drones = st.builds(
    DroneFacts,
    empty_kg=some(0.1, 200.0),
    mtow_kg=some(0.1, 300.0),
    speed_most_mps=some(5.0, 50.0),
    height_most_agl_m=some(10.0, 500.0),
    size_m=some(0.1, 5.0),
    class_mark=st.none() | st.sampled_from(["C0", "C1", "C2", "C3", "C4", "C9"]),
    **dict.fromkeys(
        (
            "low_power_radio",
            "manual_takeover",
            "holds_airspace",
            "surveillance",
            "registered",
            "reports_id",
            "broadcasts_id",
        ),
        maybe,
    ),
)
met_zones = st.builds(
    MetZone,
    st.sampled_from(["A", "B"]),
    st.sampled_from(sorted(ZONE_KINDS)),
    st.sampled_from(Restriction),
    st.sampled_from(["", "permit 7"]),
)
flights = st.builds(
    FlightFacts,
    drone=drones,
    purpose=st.sampled_from(Purpose),
    scenario=st.sampled_from(["", "fixed-facility", "unheard-of"]),
    asked_s=some(1.77e9, 1.78e9),
    takeoff_s=some(1.77e9, 1.78e9),
    highest_agl_m=some(0.0, 300.0),
    zones=st.none() | st.lists(met_zones, max_size=2, unique_by=lambda met: met.id).map(tuple),
    cleared=st.sampled_from([(), ALL_CLEARED[:3], ALL_CLEARED]),
    granted=st.dictionaries(st.sampled_from(["application", "takeoff-confirmation"]), st.sampled_from(["", "no. 5"])),
    visibility_m=some(0.0, 9000.0),
    drones_per_pilot=st.none() | st.integers(1, 3),
    reach_m=some(0.0, 3000.0),
    people_per_km2=some(0.0, 500.0),
    from_people_m=some(0.0, 200.0),
    from_built_up_m=some(0.0, 300.0),
    ground_buffer_m=some(0.0, 200.0),
    obstacle=st.none() | st.builds(NearObstacle, st.floats(5, 50), st.floats(0, 60), st.floats(0, 60)),
    kinetic_energy_j=some(0.0, 50_000.0),
    **dict.fromkeys(
        (
            "beyond_sight",
            "at_night",
            "lights",
            "geofence_current",
            "preplanned_route",
            "hands_over_in_flight",
            "from_moving_vehicle",
            "dangerous_goods",
            "drops",
            "over_assembly",
            "controlled_ground",
            "commercial",
            "certified",
            "insured",
            "licensed",
        ),
        maybe,
    ),
)


# Where one of these is true, nobody's word clears the case that it makes; where it is not known, somebody's word does.
SPEAKS_AGAINST_CLEARING = {"dangerous_goods", "drops", "over_assembly", "from_moving_vehicle", "drones_per_pilot"}


def forgettable(facts: Any) -> list[str]:
    """The facts that somebody may not have given."""
    return [one.name for one in fields(facts) if "None" in str(one.type)]


def forgetful(facts: Facts, lost: str) -> Facts:
    """The same facts without one."""
    nothing: dict[str, Any] = {lost: None}
    return replace(facts, **nothing)


@every_one
def test_a_jurisdiction_is_found_by_its_name(name: str) -> None:
    assert by_name(name).name == name
    with pytest.raises(KeyError):
        by_name("nowhere")


@every_one
def test_a_good_flight_is_allowed(name: str) -> None:
    found = verdict(by_name(name), GOOD_FLIGHTS[name])
    assert found.reasons("flight-1") == ()
    assert found.allowed
    assert not found.needs_application
    assert found.drone_class is not None


@every_one
def test_of_a_flight_of_which_nothing_is_known_nothing_is_satisfied(name: str) -> None:
    found = verdict(by_name(name), FlightFacts())
    assert not found.allowed
    assert found.needs_application
    assert {one.status for one in found.findings} <= {Status.UNKNOWN, Status.NEEDED}


@every_one
@given(flights)
@settings(max_examples=40, deadline=None)
def test_every_finding_names_its_article_and_speaks_both_languages(name: str, facts: FlightFacts) -> None:
    found = verdict(by_name(name), facts)
    for one in found.findings:
        for lang in LANGS:
            article = one.requirement.article.text(lang)
            assert article.strip()
            assert article in one.text(lang)
            assert "{" not in one.text(lang)
        assert one.requirement.remedy.en
        assert one.requirement.remedy.zh
    for reason in found.reasons("flight-1"):
        assert reason.rule.code.startswith("rules.")
        assert all("{" not in reason.text(lang) and "flight-1" in reason.text(lang) for lang in LANGS)
    assert found.allowed == (found.reasons() == ())


@every_one
@given(flights, st.data())
@settings(max_examples=60, deadline=None)
def test_forgetting_a_fact_never_allows_or_satisfies_anything(
    name: str, facts: FlightFacts, data: st.DataObject
) -> None:
    law = by_name(name)
    if data.draw(st.booleans()):
        lost = data.draw(st.sampled_from(forgettable(facts)))
        assume(not (facts.cleared and lost in SPEAKS_AGAINST_CLEARING))
        less = forgetful(facts, lost)
    else:
        lost = data.draw(st.sampled_from(forgettable(facts.drone)))
        less = replace(facts, drone=forgetful(facts.drone, lost))
    before, after = verdict(law, facts), verdict(law, less)
    known = {(one.requirement.code, one.about): one.status for one in before.findings}
    for one in after.findings:
        status = known.get((one.requirement.code, one.about), Status.UNKNOWN)
        if one.status is Status.SATISFIED and lost != "class_mark":
            assert status is Status.SATISFIED, one.text()
    assert after.needs_application >= before.needs_application
    assert after.allowed <= before.allowed


@every_one
@given(flights)
@settings(max_examples=40, deadline=None)
def test_the_same_facts_give_the_same_verdict(name: str, facts: FlightFacts) -> None:
    assert verdict(by_name(name), facts) == verdict(by_name(name), facts)


@every_one
@pytest.mark.parametrize("lost", ["highest_agl_m", "zones", "geofence_current"])
def test_a_good_flight_is_not_allowed_while_a_fact_is_missing(name: str, lost: str) -> None:
    found = verdict(by_name(name), forgetful(GOOD_FLIGHTS[name], lost))
    assert not found.allowed
    assert Status.UNKNOWN in {one.status for one in found.findings}


@every_one
@pytest.mark.parametrize(("kind", "restriction"), [*product(sorted(ZONE_KINDS), Restriction)])
def test_every_kind_of_zone_asks_something_that_is_said(name: str, kind: str, restriction: Restriction) -> None:
    asked = by_name(name).asks(kind, restriction)
    assert all((asked.words.en, asked.words.zh, asked.article.en, asked.article.zh))
    assert (asked.ask is Ask.CLOSED) >= (restriction is Restriction.PROHIBITED)
    weaker = by_name(name).asks(kind, Restriction.NONE)
    assert asked.ask >= weaker.ask  # a chart never makes a kind ask less


@every_one
def test_what_kinds_ask_is_about_kinds_that_exist(name: str) -> None:
    assert set(by_name(name).kind_asks) <= set(ZONE_KINDS)
    assert set(by_name(name).restriction_asks) == set(Restriction)


@every_one
def test_a_closed_zone_forbids_whatever_permission_is_shown(name: str) -> None:
    met = MetZone("P1", "no-fly", Restriction.PROHIBITED, permitted_by="somebody")
    found = verdict(by_name(name), replace(GOOD_FLIGHTS[name], zones=(met,)))
    assert found.finding("zone", "P1").status is Status.FORBIDDEN


@every_one
def test_a_zone_that_asks_is_needed_until_it_is_permitted(name: str) -> None:
    met = MetZone("R1", "other", Restriction.AUTHORISATION)
    facts = replace(GOOD_FLIGHTS[name], zones=(met,))
    assert verdict(by_name(name), facts).finding("zone", "R1").status is Status.NEEDED
    permitted = replace(facts, zones=(replace(met, permitted_by="permit 7"),))
    assert verdict(by_name(name), permitted).finding("zone", "R1").status is Status.SATISFIED


@every_one
def test_priority_never_goes_both_ways(name: str) -> None:
    may = by_name(name).may_overlap
    assert not [pair for pair in product(range(-2, 5), repeat=2) if may(*pair) and may(*reversed(pair))]


@every_one
@given(at_s=st.floats(1.7e9, 1.9e9))
def test_every_deadline_lies_on_the_right_side_of_its_moment(name: str, at_s: float) -> None:
    for moment in Moment:
        for deadline in by_name(name).deadlines(moment, at_s):
            assert (deadline.by_s > at_s) == (moment is Moment.INCIDENT)


@every_one
def test_codes_of_deadlines_and_classes_are_unique(name: str) -> None:
    law = by_name(name)
    for codes in ([rule.code for rule in law.deadline_rules], [one.code for one in law.drone_classes]):
        assert len(set(codes)) == len(codes)
    with pytest.raises(KeyError):
        law.deadline("no-such", 0.0)


@every_one
def test_a_scenario_that_nobody_knows_is_refused(name: str) -> None:
    found = verdict(by_name(name), replace(GOOD_FLIGHTS[name], scenario="unheard-of"))
    assert found.finding("scenario").status is Status.FORBIDDEN
    with pytest.raises(KeyError):
        found.finding("no-such")


def test_the_two_jurisdictions_are_different() -> None:
    china, europe = by_name("china"), by_name("ed269")
    assert not {one.code for one in china.drone_classes} & {one.code for one in europe.drone_classes}
    assert (china.may_overlap(2, 1), europe.may_overlap(2, 1)) == (False, True)
    facts = replace(GOOD_FLIGHTS["ed269"], highest_agl_m=120.0)
    assert verdict(europe, facts).finding("height").status is Status.SATISFIED
    assert verdict(china, facts).finding("height").status is Status.NEEDED
    codes = {one.requirement.code for one in verdict(europe, facts).findings}
    assert not [code for code in codes if code.startswith("special.")]


def test_nobody_outside_the_folder_of_rules_knows_a_country() -> None:
    room = Path(airspace.__file__).parent
    knowing = [
        path
        for path in room.rglob("*.py")
        if path.parent != room / "rules"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(("airspace.rules.china", "airspace.rules.ed269"))
    ]
    assert knowing == []


LAW = re.compile(
    r"Interim Regulations|暂行条例|第[一二三四五六七八九十]+条(?!指令)|Regulation \(EU\) 2019|IB-FS|GB 4[0-9]{4}|CAAC"
)
FRAMES = re.compile(r"GB 4(2590|6750)(-2[0-9]{3})?")  # broadcast identification: the name of a format that is decoded
ROOMS = ("airspace", "missions", "poles", "controller", "sim")


def test_nobody_outside_the_folder_of_rules_words_a_law() -> None:
    house = Path(airspace.__file__).parents[1]
    files = [path for room in ROOMS for path in (house / room).rglob("*.py")]
    assert len(files) > 200
    texts = {path: FRAMES.sub("", path.read_text("utf-8")) for path in files if path.parent.name != "rules"}
    wording = [path for path, text in texts.items() if LAW.search(text)]
    assert wording == []


@every_one
@pytest.mark.parametrize(("kind", "restriction"), [*product(sorted(ZONE_KINDS), Restriction)])
def test_a_chart_that_gives_no_rule_is_completed_and_one_that_does_is_left_alone(
    name: str, kind: str, restriction: Restriction
) -> None:
    law = by_name(name)
    rule = law.rule_of(kind, restriction, ZONE_KINDS[kind])
    article = law.kind_asks.get(kind, law.restriction_asks[restriction]).article
    assert (rule.en, rule.zh) == (f"{ZONE_KINDS[kind].en}, {article.en}", f"{ZONE_KINDS[kind].zh}，{article.zh}")
    own = Words("bylaw 7", "规定 7")
    assert law.rule_of(kind, restriction, own) == own


# -- three values ------------------------------------------------------------------------------------------------------

VALUES = (True, False, None)


@pytest.mark.parametrize(("one", "other"), [*product(VALUES, repeat=2)])
def test_unknown_facts_combine_as_any_fact_would_that_they_may_turn_out_to_be(
    one: bool | None, other: bool | None
) -> None:
    def may_be(fact: bool | None) -> set[bool]:
        return {True, False} if fact is None else {fact}

    for combine, truth in ((all_hold, all), (either, any)):
        ways = {truth(pair) for pair in product(may_be(one), may_be(other))}
        assert may_be(combine(one, other)) == ways
    assert may_be(negated(one)) == {not way for way in may_be(one)}


@given(st.floats(-10.0, 10.0), st.floats(-10.0, 10.0))
def test_limits_include_themselves_but_for_below(value: float, limit: float) -> None:
    assert at_most(value, limit) == (value <= limit)
    assert at_least(value, limit) == (value >= limit)
    assert below(value, limit) == (value < limit)
    assert at_most(None, limit) is at_least(None, limit) is below(None, limit) is None


def test_a_figure_that_is_no_number_keeps_no_limit() -> None:
    nan = float("nan")
    assert not at_most(nan, 1.0)
    assert not at_least(nan, 1.0)
    assert not below(nan, 1.0)


@pytest.mark.parametrize(("who", "why"), [("", "looked"), ("  ", "looked"), ("Wang Fang", "")])
def test_a_case_is_cleared_by_a_named_person_for_a_reason_or_not_at_all(who: str, why: str) -> None:
    with pytest.raises(ValueError, match="named"):
        ClearedCase("relay", who, why)
