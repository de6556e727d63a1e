"""The controller's state: a fold over the events, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from airspace.intents import IntentState
from controller.events import (
    Claim,
    DockReleased,
    DockReserved,
    FlightEnded,
    IntentAccepted,
    IntentChanged,
    ItemStarted,
    LandingChosen,
    OffNominal,
    Phase,
    PhaseChanged,
    PhotoTaken,
    PlanMade,
    Record,
    RunStarted,
)
from missions.plan import Plan, PlanVolume


@dataclass(slots=True)
class FlightState:
    """What the log says of one flight."""

    id: str
    run: str
    drone: str
    plan: Plan
    phase: Phase = Phase.PLANNED
    phase_since_s: float = 0.0  # UTC
    intent: IntentState | None = None
    priority: int = 0
    volumes: tuple[PlanVolume, ...] = ()
    off_nominal: tuple[PlanVolume, ...] = ()  # where it may be while it does not keep to these
    docks: dict[str, tuple[float, float]] = field(default_factory=dict)  # city code -> reserved from, to (UTC s)
    landing: str = ""
    landed_on: str = ""
    item: int = 0
    farthest_item: int = 0
    photos: int = 0
    ended: bool = False
    completed: bool = False
    reasons: tuple[dict[str, Any], ...] = ()

    @property
    def takeoff_s(self) -> float:
        """The UTC second of take-off for which its airspace is reserved; the plan's own while it holds none."""
        if not self.volumes:
            return self.plan.takeoff_s
        return self.volumes[0].start_s - self.plan.volumes[0].start_s


@dataclass(slots=True)
class State:
    """Flights and runs."""

    flights: dict[str, FlightState] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)  # run -> number of the record that started it
    last_claim: int = 0  # number of the newest event that gave or took airspace or a dock

    @classmethod
    def fold(cls, records: Iterable[Record]) -> State:
        """The state after these records."""
        state = cls()
        for record in records:
            state.apply(record)
        return state

    def apply(self, record: Record) -> None:
        """Take one more record into account."""
        if isinstance(record.event, Claim):
            self.last_claim = record.seq
        match record.event:
            case RunStarted(run=run):
                self.runs[run] = record.seq
            case PlanMade() as event:
                self.flights[event.flight] = FlightState(event.flight, event.run, event.drone, event.plan)
            case event:
                flight = self.flights.get(getattr(event, "flight", ""))
                if flight is not None:
                    _apply_to_flight(flight, record)

    def unfinished(self) -> list[FlightState]:
        """Flights that nobody has closed, oldest first."""
        return [flight for flight in self.flights.values() if not flight.ended]

    def dock_holders(self, pole: str) -> list[FlightState]:
        """The open flights that hold a slot on a pole's dock."""
        return [flight for flight in self.unfinished() if pole in flight.docks]


def _apply_to_flight(flight: FlightState, record: Record) -> None:
    match record.event:
        case IntentAccepted(priority=priority, volumes=volumes):
            flight.intent, flight.priority, flight.volumes = IntentState.ACCEPTED, priority, volumes
        case IntentChanged(state=state):
            flight.intent = IntentState(state)
            if flight.intent is IntentState.ENDED:
                flight.volumes = ()
            if flight.intent not in (IntentState.NONCONFORMING, IntentState.CONTINGENT):
                flight.off_nominal = ()
        case OffNominal(volumes=volumes):
            flight.off_nominal = volumes
        case DockReserved(pole=pole, start_s=start_s, end_s=end_s):
            flight.docks[pole] = (start_s, end_s)
        case DockReleased(pole=pole):
            flight.docks.pop(pole, None)
        case PhaseChanged(phase=phase):
            flight.phase, flight.phase_since_s = phase, record.utc_s
        case ItemStarted(seq=seq):
            flight.item = seq
            flight.farthest_item = max(flight.farthest_item, seq)
        case PhotoTaken():
            flight.photos += 1
        case LandingChosen(landing=landing):
            flight.landing = landing
        case FlightEnded(completed=completed, landed_on=landed_on, reasons=reasons):
            flight.landed_on = landed_on
            flight.ended, flight.completed, flight.phase = True, completed, Phase.ENDED
            flight.reasons = reasons
            # a reservation that was still being written when the flight was given up ends here too
            flight.volumes, flight.off_nominal, flight.intent = (), (), IntentState.ENDED
            flight.docks.clear()
        case _:
            pass
