"""What the law asks of a route that is checked: the facts that a site and its answer give, all else left unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from airspace.clearing import Answer
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.rules import ClearedCase, DroneFacts, FlightFacts, Jurisdiction, MetZone, Verdict, flies_at_night, verdict
from airspace.rules.jurisdiction import OWN_STEPS
from missions.site import DroneType

BAD_WORD = Rule(
    "law.word",
    Words("{text!r} is not of the form {form}", "{text!r} 不符合格式 {form}"),
    Words("Write it so; known: {known}.", "请按格式填写；可用：{known}。"),
)
CLEAR_FORM = Words("CASE=PERSON: WHY", "情形=姓名: 理由")
GRANTED_FORM = Words("WHAT=REFERENCE", "事项=编号")


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said of a flight: its drone, the cases cleared by name, what was granted under which reference."""

    drone: DroneType | None = None
    cleared: tuple[ClearedCase, ...] = ()
    granted: Mapping[str, str] = field(default_factory=dict)


def read_cleared(texts: Iterable[str], law: Jurisdiction) -> tuple[ClearedCase, ...]:
    """Cases in the form `relay=Li Wei: direct radio only`. Raises `Refused` for another form or case."""
    cleared: list[ClearedCase] = []
    for text in texts:
        case, _, rest = text.partition("=")
        person, _, why = rest.replace("：", ":").partition(":")
        if case not in law.cases or not person.strip() or not why.strip():
            facts = {"text": text, "form": CLEAR_FORM, "known": ", ".join(law.cases) or "-"}
            raise Refused([Reason(BAD_WORD, "--clear", facts)])
        cleared.append(ClearedCase(case, person.strip(), why.strip()))
    return tuple(cleared)


def read_granted(texts: Iterable[str]) -> dict[str, str]:
    """What was granted, in the form `application=ZZ-2026-118`. Raises `Refused` for another form or thing."""
    known = sorted(set(OWN_STEPS.values()))
    granted: dict[str, str] = {}
    for text in texts:
        what, _, reference = text.partition("=")
        if what not in known or not reference.strip():
            facts = {"text": text, "form": GRANTED_FORM, "known": ", ".join(known)}
            raise Refused([Reason(BAD_WORD, "--granted", facts)])
        granted[what] = reference.strip()
    return granted


def law_of(answer: Answer, law: Jurisdiction, said: Said, now_s: float | None) -> Verdict:
    """What a jurisdiction finds about a route that was asked about at a moment [s UTC]; see `flight_facts`."""
    return verdict(law, flight_facts(answer, law, said, now_s))


def flight_facts(answer: Answer, law: Jurisdiction, said: Said, now_s: float | None) -> FlightFacts:
    """The facts that are known of a route; what nobody said stays unknown.

    Nothing is too late for a departure that has passed, which is asked about as an example, nor for one that nobody
    chose (`now_s` is None). Raises `Refused` where nothing is known of the ground.
    """
    flown, airspace = answer.flown, answer.question.airspace
    start_s, end_s = answer.route.departs_s, answer.route.departs_s + flown.duration_s
    met = {zone.charted_id: zone for zone in airspace.zones_met(flown.volumes)}
    permitted = answer.question.permitted
    return FlightFacts(
        drone=DroneFacts() if said.drone is None else drone_facts(said.drone),
        asked_s=now_s if now_s is not None and start_s >= now_s else None,
        takeoff_s=start_s,
        highest_agl_m=_highest_agl_m(answer),
        zones=tuple(
            MetZone(id_, zone.kind, zone.restriction, permitted_by=f"--permit {id_}" if id_ in permitted else "")
            for id_, zone in met.items()
        ),
        cleared=said.cleared,
        granted=said.granted,
        at_night=any(flies_at_night(law, waypoint.position, start_s, end_s) for waypoint in answer.route.waypoints),
        preplanned_route=True,
    )


def drone_facts(drone: DroneType) -> DroneFacts:
    """What an airframe says to the law: the mass that it takes off with, and how fast it flies."""
    return DroneFacts(mtow_kg=drone.mass_kg, speed_most_mps=drone.max_speed_mps)


def _highest_agl_m(answer: Answer) -> float:
    """The greatest height above ground [m] on any leg, wherever on it."""
    airspace = answer.question.airspace
    heights_m = [answer.question.agl_m(waypoint) for waypoint in answer.route.waypoints]
    for leg in answer.flown.legs:
        if not leg.stays:
            ground = airspace.surface.along(airspace.frame, leg.start_xy, leg.end_xy)
            heights_m.append(ground.under(leg.start_ellipsoidal_m, leg.end_ellipsoidal_m).highest()[0])
    return max(heights_m)
