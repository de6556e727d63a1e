"""A jurisdiction: everything that the law of a place says about drones, as one frozen object.

Nothing outside this folder knows a law. What is the same everywhere (how a limit is compared, that an unknown fact is
no yes, how a deadline is counted) is here; the figures, articles and special checks are data of each jurisdiction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from airspace.charted import Restriction
from airspace.conflicts import utc_text
from airspace.local_time import clock_s, time_zone
from airspace.reasons import Words
from airspace.rules.facts import DroneFacts, FlightFacts, MetZone, Purpose
from airspace.rules.findings import (
    Deadline,
    Finding,
    Requirement,
    Status,
    Verdict,
    all_hold,
    at_most,
    below,
    granted,
    must,
    negated,
)
from airspace.zone_kinds import ZONE_KINDS


@dataclass(frozen=True, slots=True)
class DroneClass:
    """A class of drones: what a drone of it may weigh [kg], do [m/s, m above ground], measure [m], and must be able to.

    A limit of None is none. `abilities` are names of flags of `DroneFacts`.
    """

    code: str
    words: Words
    empty_below_kg: float | None = None
    empty_most_kg: float | None = None
    mtow_below_kg: float | None = None
    mtow_most_kg: float | None = None
    mtow_above_kg: float | None = None
    speed_most_mps: float | None = None
    height_most_agl_m: float | None = None
    size_below_m: float | None = None
    abilities: tuple[str, ...] = ()

    def fits(self, drone: DroneFacts) -> bool | None:
        """Whether a drone is within all limits of the class; None when that hangs on a fact that is not known."""
        above_kg = self.mtow_above_kg
        return all_hold(
            _kept(below, drone.empty_kg, self.empty_below_kg),
            _kept(at_most, drone.empty_kg, self.empty_most_kg),
            _kept(below, drone.mtow_kg, self.mtow_below_kg),
            _kept(at_most, drone.mtow_kg, self.mtow_most_kg),
            True if above_kg is None else None if drone.mtow_kg is None else drone.mtow_kg > above_kg,
            _kept(at_most, drone.speed_most_mps, self.speed_most_mps),
            _kept(at_most, drone.height_most_agl_m, self.height_most_agl_m),
            _kept(below, drone.size_m, self.size_below_m),
            *(getattr(drone, ability) for ability in self.abilities),
        )


def _kept(
    compare: Callable[[float | None, float], bool | None], value: float | None, limit: float | None
) -> bool | None:
    return True if limit is None else compare(value, limit)


class Ask(IntEnum):
    """What a zone asks of whoever would fly in it, the least first."""

    NOTHING = 0
    NOTICE = 1
    AUTHORISATION = 2
    CLOSED = 3


@dataclass(frozen=True, slots=True)
class ZoneAsk:
    """What a zone asks, by which article (or field of its chart), and how long before [s] where the law says so."""

    ask: Ask
    words: Words
    article: Words
    lead_time_s: float | None = None


class Moment(StrEnum):
    """What a deadline is counted from."""

    TAKE_OFF = "take-off"
    EMERGENCY_TAKE_OFF = "emergency-take-off"
    INCIDENT = "incident"
    RESTRICTION = "restriction"
    URGENT_RESTRICTION = "urgent-restriction"


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """How a deadline is counted: a span before the moment [s] (negative: after it), or a clock time some days before.

    `clock_h` is the hour of the jurisdiction's clocks on the day that lies `days_before` the moment's own.
    """

    code: str
    words: Words
    article: Words
    moment: Moment
    before_s: float = 0.0
    days_before: int = 0
    clock_h: float | None = None


# More findings about a flight, given the class of its drone (None while that cannot be told).
Check = Callable[[FlightFacts, str | None], list[Finding]]


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """The law of one place: tables, and the few judgements that no table holds. Ask it through `verdict`.

    `class_by_mark`: the maker declares the class, and its limits bind the drone; otherwise the limits give the class.
    `height_reached` says whether `height_most_agl_m` itself may be flown. It is night while the sun stands lower than
    `night_below_deg` [deg]. `kind_asks` and `restriction_asks` say what a
    zone asks by its kind and by what its chart says; the stronger holds. `exempt` judges whether a flight need not be
    applied for. `scenarios` are sets of checks that a flight may claim to keep. `cases` count as applying until
    somebody clears them by name (`ClearedCase`). `may_overlap(own, other)` says whether
    an intent of one priority may be planned over one of another.
    """

    name: str
    words: Words
    time_zone: str
    drone_classes: tuple[DroneClass, ...]
    class_by_mark: bool
    classing: Requirement
    height_most_agl_m: float
    height_reached: bool
    height: Requirement
    night_below_deg: float
    zone: Requirement
    kind_asks: Mapping[str, ZoneAsk]
    restriction_asks: Mapping[Restriction, ZoneAsk]
    application: Requirement
    exempt: Callable[[FlightFacts, str | None, Jurisdiction], bool | None]
    checks: tuple[Check, ...]
    deadline_rules: tuple[DeadlineRule, ...]
    may_overlap: Callable[[int, int], bool]
    scenario: Requirement
    scenarios: Mapping[str, tuple[Check, ...]] = field(default_factory=dict)
    cases: tuple[str, ...] = ()

    def asks(self, kind: str, restriction: Restriction) -> ZoneAsk:
        """What a zone of a kind with a restriction asks: the stronger of the two; the restriction's if they agree."""
        by_restriction = self.restriction_asks[restriction]
        by_kind = self.kind_asks.get(kind, by_restriction)
        return by_kind if by_kind.ask > by_restriction.ask else by_restriction

    def rule_of(self, kind: str, restriction: Restriction, charted: Words) -> Words:
        """Why a zone is kept out of: as its chart says, or where that says no more than the kind, by which article.

        The article is that about the kind, or where none is, that about the restriction.
        """
        if charted != ZONE_KINDS.get(kind):
            return charted
        article = self.kind_asks.get(kind, self.restriction_asks[restriction]).article
        return Words(f"{charted.en}, {article.en}", f"{charted.zh}，{article.zh}")

    def drone_class(self, drone: DroneFacts) -> str | None:
        """The code of the drone's class; None while it cannot be told, or when its mark is none or not true of it."""
        for one in self.drone_classes:
            if self.class_by_mark:
                if one.code == drone.class_mark:
                    return one.code if one.fits(drone) else None
                continue
            fits = one.fits(drone)
            if fits is None:
                return None
            if fits:
                return one.code
        return None

    def in_height(self, facts: FlightFacts) -> bool | None:
        """Whether the flight stays within the height that nobody needs to be asked for."""
        compare = at_most if self.height_reached else below
        return compare(facts.highest_agl_m, self.height_most_agl_m)

    def in_open_airspace(self, facts: FlightFacts) -> bool | None:
        """Whether the flight stays low enough and out of every zone that somebody must be asked for."""
        if facts.zones is None:
            return all_hold(self.in_height(facts), None)
        free = all(self.asks(met.kind, met.restriction).ask < Ask.AUTHORISATION for met in facts.zones)
        return all_hold(self.in_height(facts), free)

    def deadline(self, code: str, at_s: float) -> Deadline:
        """The deadline of a code, counted from a moment [UTC s] of its kind. Raises KeyError."""
        for rule in self.deadline_rules:
            if rule.code == code:
                return Deadline(rule.code, rule.words, rule.article, self._by_s(rule, at_s))
        raise KeyError(code)

    def deadlines(self, moment: Moment, at_s: float) -> tuple[Deadline, ...]:
        """All deadlines counted from a moment [UTC s] of a kind, in the order of the law."""
        return tuple(self.deadline(rule.code, at_s) for rule in self.deadline_rules if rule.moment is moment)

    def _by_s(self, rule: DeadlineRule, at_s: float) -> float:
        if rule.clock_h is None:
            return at_s - rule.before_s
        zone = time_zone(self.time_zone)
        day = datetime.fromtimestamp(at_s, zone).date() - timedelta(days=rule.days_before)
        return clock_s(day, 3600.0 * rule.clock_h, zone)


TOO_LATE = Requirement(
    "deadline",
    Words("the deadline of each step", "各环节时限"),
    Words("{what} by {by} (UTC)", "{what}：最迟 {by}（UTC）"),
    Words("Depart later.", "请推迟起飞。"),
)


def verdict(jurisdiction: Jurisdiction, facts: FlightFacts) -> Verdict:
    """Everything that a jurisdiction finds about a flight. The same facts give the same verdict; it asks no clock."""
    drone_class = jurisdiction.drone_class(facts.drone)
    exempt = jurisdiction.exempt(facts, drone_class, jurisdiction)
    application = facts.granted.get("application", "")
    findings = [_classed(jurisdiction, facts.drone, drone_class), _height(jurisdiction, facts)]
    findings += _zones(jurisdiction, facts)
    for check in jurisdiction.checks:
        findings += check(facts, drone_class)
    findings += _scenario(jurisdiction, facts, drone_class)
    findings.append(granted(jurisdiction.application, "not needed" if exempt else application))
    deadlines = _deadlines(jurisdiction, facts, not exempt)
    findings += _missed(deadlines, facts)
    return Verdict(jurisdiction.name, drone_class, tuple(findings), not exempt, deadlines)


def _classed(jurisdiction: Jurisdiction, drone: DroneFacts, drone_class: str | None) -> Finding:
    if drone_class is not None:
        return Finding(jurisdiction.classing, Status.SATISFIED, facts={"found": drone_class})
    fits = [one.fits(drone) for one in jurisdiction.drone_classes]
    if jurisdiction.class_by_mark:
        fits = [one.fits(drone) for one in jurisdiction.drone_classes if one.code == drone.class_mark]
    none_fits = drone.class_mark is not None if jurisdiction.class_by_mark and not fits else None not in fits
    return Finding(jurisdiction.classing, Status.FORBIDDEN if none_fits else Status.UNKNOWN, facts={"found": "-"})


def _height(jurisdiction: Jurisdiction, facts: FlightFacts) -> Finding:
    """Above the free height an application is what helps, so one that was granted satisfies it."""
    within = jurisdiction.in_height(facts)
    limit = {"most_m": jurisdiction.height_most_agl_m}
    if within is False:
        return granted(jurisdiction.height, facts.granted.get("application", ""), **limit)
    return must(jurisdiction.height, within, **limit)


def _zones(jurisdiction: Jurisdiction, facts: FlightFacts) -> list[Finding]:
    if facts.zones is None:
        return [Finding(jurisdiction.zone, Status.UNKNOWN, facts={"zone": "?", "asks": UNKNOWN_ZONES})]
    if not facts.zones:
        return [Finding(jurisdiction.zone, Status.SATISFIED, facts={"zone": "-", "asks": NO_ZONES})]
    return [_zone(jurisdiction, met) for met in facts.zones]


UNKNOWN_ZONES = Words("nobody has looked which zones the flight meets", "尚未核对飞行涉及的区域")
NO_ZONES = Words("the flight meets no zone", "飞行不涉及任何区域")


def _zone(jurisdiction: Jurisdiction, met: MetZone) -> Finding:
    asked = jurisdiction.asks(met.kind, met.restriction)
    status = {Ask.NOTHING: Status.SATISFIED, Ask.CLOSED: Status.FORBIDDEN}.get(asked.ask)
    if status is None:
        status = Status.SATISFIED if met.permitted_by.strip() else Status.NEEDED
    requirement = replace(jurisdiction.zone, article=asked.article)
    return Finding(requirement, status, met.id, {"zone": met.id, "asks": asked.words})


def _scenario(jurisdiction: Jurisdiction, facts: FlightFacts, drone_class: str | None) -> list[Finding]:
    if not facts.scenario:
        return []
    checks = jurisdiction.scenarios.get(facts.scenario)
    if checks is None:
        known = ", ".join(sorted(jurisdiction.scenarios)) or "-"
        facts_of_it = {"scenario": facts.scenario, "known": known}
        return [Finding(jurisdiction.scenario, Status.FORBIDDEN, facts=facts_of_it)]
    return [finding for check in checks for finding in check(facts, drone_class)]


def _deadlines(jurisdiction: Jurisdiction, facts: FlightFacts, applies: bool) -> tuple[Deadline, ...]:
    """What follows from the take-off: the steps of an application, and asking for zones that are not permitted yet."""
    if facts.takeoff_s is None:
        return ()
    deadlines: tuple[Deadline, ...] = ()
    if applies and facts.purpose is not Purpose.SPECIAL_EMERGENCY:
        urgent = facts.purpose is Purpose.EMERGENCY
        moment = Moment.EMERGENCY_TAKE_OFF if urgent else Moment.TAKE_OFF
        deadlines = jurisdiction.deadlines(moment, facts.takeoff_s)
    for met in facts.zones or ():
        asked = jurisdiction.asks(met.kind, met.restriction)
        lead_s = asked.lead_time_s if met.lead_time_s is None else met.lead_time_s
        if lead_s is not None and asked.ask in (Ask.NOTICE, Ask.AUTHORISATION) and not met.permitted_by.strip():
            words = Words(f"ask for zone {met.id}", f"就区域 {met.id} 提出申请")
            deadlines += (Deadline(f"{ZONE_STEP}{met.id}", words, asked.article, facts.takeoff_s - lead_s),)
    return deadlines


def _missed(deadlines: tuple[Deadline, ...], facts: FlightFacts) -> list[Finding]:
    """How the flight stands to what it must itself do in time; what was granted was in time."""
    findings: list[Finding] = []
    for deadline in deadlines:
        step = OWN_STEPS.get(deadline.code, "")
        if not step and not deadline.code.startswith(ZONE_STEP):
            continue
        late = None if facts.asked_s is None else facts.asked_s > deadline.by_s
        in_time = True if facts.granted.get(step, "").strip() else negated(late)
        words = {"what": deadline.words, "by": utc_text(deadline.by_s)}
        requirement = replace(TOO_LATE, article=deadline.article)
        findings.append(replace(must(requirement, in_time, **words), about=deadline.code))
    return findings


# The deadlines that bind who flies, by their codes, with what is granted when they are kept.
ZONE_STEP = "zone:"
OWN_STEPS = {"apply": "application", "emergency-apply": "application", "confirm-takeoff": "takeoff-confirmation"}
