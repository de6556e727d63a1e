"""The story of a run: its events folded into flights, poles, alarms and an outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from controller.events import (
    AlarmRaised,
    AnyEvent,
    CommandAnswered,
    DescentJudged,
    DockReleased,
    DockReserved,
    DockServed,
    FlightEnded,
    FlightKept,
    GateJudged,
    IntentAccepted,
    IntentChanged,
    ItemStarted,
    LandingChosen,
    OffNominal,
    OperatorSaid,
    Phase,
    PhaseChanged,
    PhotoTaken,
    PlanMade,
    PoleNoted,
    PoleSaid,
    PoleSeen,
    PolesForgotten,
    Record,
    RequestAccepted,
    ResponseDecided,
    ResponseProposed,
    RunFinished,
    RunStarted,
    TrafficNear,
    UploadVerified,
    decode_record,
)
from missions.plan import Plan, PlanVolume
from poles.protocol import Report

UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class At:
    """An event and the UTC second at which it was stored."""

    utc_s: float
    event: AnyEvent


@dataclass(slots=True)
class FlightStory:
    """All that the events say of one flight; lists are in the order of the log, times are UTC seconds."""

    id: str
    drone: str = ""
    plan: Plan | None = None
    planned_s: float | None = None
    replans: int = 0
    priority: int | None = None
    volumes: tuple[PlanVolume, ...] = ()
    intent_state: str = ""
    docks: list[str] = field(default_factory=list)
    gates: list[tuple[float, GateJudged]] = field(default_factory=list)
    phases: list[tuple[float, Phase, str]] = field(default_factory=list)
    items: list[tuple[float, int]] = field(default_factory=list)
    photos: list[tuple[float, PhotoTaken]] = field(default_factory=list)
    landings: list[tuple[float, LandingChosen]] = field(default_factory=list)
    commands: list[tuple[float, CommandAnswered]] = field(default_factory=list)
    upload: UploadVerified | None = None
    ended_s: float | None = None
    ended: FlightEnded | None = None

    def phase_s(self, phase: Phase) -> float | None:
        """When the flight first entered a phase, None when it never did."""
        return next((utc_s for utc_s, entered, _ in self.phases if entered is phase), None)

    @property
    def flew(self) -> bool:
        """Whether the flight left the ground, as far as the events say."""
        return self.phase_s(Phase.FLYING) is not None

    def last_gates(self) -> list[tuple[float, GateJudged, int]]:
        """The last judgement of each gate and how often it was judged, in the order of first judgement."""
        last: dict[str, tuple[float, GateJudged, int]] = {}
        for utc_s, gate in self.gates:
            count = last[gate.gate][2] if gate.gate in last else 0
            last[gate.gate] = (utc_s, gate, count + 1)
        return list(last.values())

    def wished_landing(self) -> str:
        """The city code or name of the landing that the plan wishes for: its first dock, else its first landing."""
        landings = self.plan.landings if self.plan is not None else ()
        docks = [option.dock for option in landings if option.dock]
        return docks[0] if docks else next((option.name for option in landings), "")

    def branches(self) -> frozenset[str]:
        """The landing branches that were flown, with the empty name of the common way.

        Until one was flown or chosen, that is the branch of the landing that the plan wishes for.
        """
        if self.plan is None:
            return frozenset({""})
        flown = {""}
        current = {seq for _, seq in self.items}
        flown.update(leg.branch for leg in self.plan.legs if leg.seq in current)
        chosen = [event.landing for _, event in self.landings]
        if self.ended is not None and self.ended.landed_on:
            chosen.append(self.ended.landed_on)
        if len(flown) == 1 and not chosen:
            chosen = [self.wished_landing()]
        for option in self.plan.landings:
            if option.name in chosen or (option.dock and option.dock in chosen):
                flown.update(leg.branch for leg in self.plan.legs if leg.branch in (option.name, option.dock))
        return frozenset(flown)


@dataclass(slots=True)
class PoleStory:
    """One pole: where it is, what it serves, and every report of it as (pole's UTC seconds, readings by service)."""

    code: str
    lat_deg: float | None = None
    lon_deg: float | None = None
    services: tuple[str, ...] = ()
    boots: list[str] = field(default_factory=list)
    heard_s: float | None = None
    reports: list[tuple[float, dict[str, dict[str, Any]]]] = field(default_factory=list)

    def last(self) -> dict[str, dict[str, Any]]:
        """The last reading of each service."""
        merged: dict[str, dict[str, Any]] = {}
        for _, readings in self.reports:
            merged.update(readings)
        return merged


@dataclass(slots=True)
class RunStory:
    """A run as its events tell it; made by `read_run` or `fold`."""

    started: RunStarted | None = None
    finished: RunFinished | None = None
    start_s: float | None = None
    end_s: float | None = None
    starts: int = 0
    records: int = 0
    unreadable_lines: int = 0
    requests: list[RequestAccepted] = field(default_factory=list)
    flights: dict[str, FlightStory] = field(default_factory=dict)
    poles: dict[str, PoleStory] = field(default_factory=dict)
    alarms: list[tuple[float, AlarmRaised]] = field(default_factory=list)
    operator: list[tuple[float, OperatorSaid]] = field(default_factory=list)
    timeline: list[At] = field(default_factory=list)
    shared_intents: list[tuple[str, str]] = field(default_factory=list)  # flights whose intents were live together

    @property
    def outcome(self) -> str:
        """How the run ended, `unfinished` when its last word is missing."""
        return self.finished.outcome if self.finished else UNFINISHED

    @property
    def reasons(self) -> tuple[dict[str, Any], ...]:
        """Why not, over the run and its flights, each once."""
        rows = list(self.finished.reasons) if self.finished else []
        for flight in self.flights.values():
            if flight.ended is not None:
                rows += [reason for reason in flight.ended.reasons if reason not in rows]
        return tuple(rows)

    def flight(self, flight: str) -> FlightStory:
        """The story of one flight, begun when it is new."""
        return self.flights.setdefault(flight, FlightStory(flight))

    def pole(self, code: str) -> PoleStory:
        """The story of one pole, begun when it is new."""
        return self.poles.setdefault(code, PoleStory(code))

    def add(self, record: Record) -> None:
        """Take one more event into the story."""
        self.records += 1
        self.start_s = record.utc_s if self.start_s is None else self.start_s
        self.end_s = record.utc_s
        event = record.event
        if not isinstance(event, PoleSaid | PoleNoted | PhotoTaken | OffNominal):
            self.timeline.append(At(record.utc_s, event))
        match event:
            case RunStarted():
                self.started = self.started or event
                self.starts += 1
            case RequestAccepted():
                self.requests.append(event)
            case OperatorSaid():
                self.operator.append((record.utc_s, event))
            case AlarmRaised():
                self.alarms.append((record.utc_s, event))
            case RunFinished():
                self.finished = event
            case PoleNoted() | PolesForgotten() | ResponseProposed() | ResponseDecided():
                pass  # what was told of the first is an alarm; the others stand in the timeline
            case PoleSeen() | PoleSaid():
                _add_to_pole(self.pole(event.pole), record.utc_s, event)
            case IntentAccepted():
                live = [
                    f.id for f in self.flights.values() if f.intent_state not in ("", "ended") and f.id != event.flight
                ]
                self.shared_intents += [(other, event.flight) for other in live]
                _add_to_flight(self.flight(event.flight), record.utc_s, event)
            case _:
                _add_to_flight(self.flight(event.flight), record.utc_s, event)


def _add_to_pole(pole: PoleStory, utc_s: float, event: PoleSeen | PoleSaid) -> None:
    pole.heard_s = utc_s
    boot = event.boot if isinstance(event, PoleSeen) else event.message.boot
    if boot not in pole.boots:
        pole.boots.append(boot)
    if isinstance(event, PoleSeen):
        pole.lat_deg, pole.lon_deg, pole.services = event.lat_deg, event.lon_deg, event.functions
    elif isinstance(event.message, Report):
        together: dict[float, dict[str, dict[str, Any]]] = {}
        for reading in event.message.readings:
            together.setdefault(reading.at_s, {})[reading.function] = reading.values
        pole.reports += together.items()


def _add_to_flight(flight: FlightStory, utc_s: float, event: AnyEvent) -> None:
    match event:
        case PlanMade():
            flight.replans += flight.plan is not None
            flight.drone, flight.plan, flight.planned_s = event.drone, event.plan, utc_s
        case IntentAccepted():
            flight.priority, flight.volumes, flight.intent_state = event.priority, event.volumes, "accepted"
        case IntentChanged():
            flight.intent_state = event.state.lower()
        case FlightKept() | OffNominal() | DescentJudged() | DockServed() | TrafficNear():
            pass  # the timeline tells these; of the second the track says where the drone really was
        case DockReserved():
            flight.docks.append(event.pole)
        case DockReleased():
            flight.docks = [code for code in flight.docks if code != event.pole]
        case GateJudged():
            flight.gates.append((utc_s, event))
        case PhaseChanged():
            flight.phases.append((utc_s, event.phase, event.detail))
        case ItemStarted():
            flight.items.append((utc_s, event.seq))
        case PhotoTaken():
            flight.photos.append((utc_s, event))
        case LandingChosen():
            flight.landings.append((utc_s, event))
        case CommandAnswered():
            flight.commands.append((utc_s, event))
        case UploadVerified():
            flight.upload = event
        case FlightEnded():
            flight.ended_s, flight.ended = utc_s, event
        case _:
            raise TypeError(f"{type(event).__name__} belongs to no flight")


def fold(records: Iterable[Record]) -> RunStory:
    """The story that the records tell."""
    story = RunStory()
    for record in records:
        story.add(record)
    return story


def read_run(events: Path) -> RunStory:
    """Fold an `events.jsonl`; a missing file gives an empty story, lines that are no record are counted."""
    story = RunStory()
    for record in _records(events):
        if record is None:
            story.unreadable_lines += 1
        else:
            story.add(record)
    return story


def _records(events: Path) -> Iterator[Record | None]:
    if not events.exists():
        return
    with events.open("rb") as lines:
        for line in lines:
            if not line.strip():
                continue
            try:
                yield decode_record(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                yield None


def wind_mps(readings: Mapping[str, Mapping[str, Any]]) -> float | None:
    """The mean wind [m/s] among one report's readings, None when it holds none."""
    value = readings.get("WindSensor", {}).get("windSpeed")
    return float(value) if isinstance(value, int | float) else None
