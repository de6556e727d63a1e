"""Every fact that must survive: what is appended to the store before anyone is told that it happened.

State in memory is a fold over these. Times are added by the store; an event itself holds only what happened. `run` and
`flight` are ids that the controller gives; `pole` is a city code.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from missions.plan import Plan, PlanVolume
from poles.gateway.notes import AnyNote
from poles.protocol import Hello, OfEntries


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """The base of all events; the subclass's tag is the `kind` in logs and files."""


class Phase(StrEnum):
    """Where a flight stands; `controller.flight.phases` has the table of allowed changes."""

    PLANNED = "planned"  # reserved, nothing sent to the drone
    GATES = "gates"  # waiting for every gate to pass
    UPLOADING = "uploading"  # mission, fence and rally points are going up and are read back
    ARMING = "arming"  # verified; mode, arm and start commands
    FLYING = "flying"  # on the way
    HOLDING = "holding"  # at the hold point, waiting for a dock
    LANDING = "landing"  # on the last branch
    ENDED = "ended"  # on the ground and disarmed, or given up before take-off


class RunStarted(Event, frozen=True, kw_only=True, tag="run.started"):
    """A run of the command line began; `zones` is the airspace as loaded, as GeoJSON."""

    run: str
    name: str
    site: str
    seed: int | None
    tempo: str  # real | scaled | virtual
    speed: float
    zones: dict[str, Any]


class RequestAccepted(Event, frozen=True, kw_only=True, tag="request.accepted"):
    """A valid request or mission file, by its text."""

    run: str
    name: str
    source: str
    text: str


class PlanMade(Event, frozen=True, kw_only=True, tag="plan.made"):
    """A plan that passed its checks."""

    run: str
    flight: str
    drone: str
    plan: Plan


class IntentAccepted(Event, frozen=True, kw_only=True, tag="intent.accepted"):
    """Airspace that belongs to a flight from now on: absolute volumes (times in UTC seconds)."""

    flight: str
    priority: int
    volumes: tuple[PlanVolume, ...]


class IntentChanged(Event, frozen=True, kw_only=True, tag="intent.changed"):
    """A new F3548 state of a flight's intent; `ended` gives its airspace back."""

    flight: str
    state: str


class OffNominal(Event, frozen=True, kw_only=True, tag="intent.off-nominal"):
    """Where a drone that does not keep to its airspace may be meanwhile: absolute volumes (times in UTC seconds)."""

    flight: str
    volumes: tuple[PlanVolume, ...]


class FlightKept(Event, frozen=True, kw_only=True, tag="flight.kept"):
    """How a flight kept to its airspace, as far as it was seen: the share of time inside (0-1), the times outside [s].

    `inside_share` is None when no time is known; `farthest_m` is the greatest distance [m] to the airspace of a moment.
    """

    flight: str
    inside_share: float | None
    outside_s: float
    longest_s: float
    excursions: int
    farthest_m: float


class DockReserved(Event, frozen=True, kw_only=True, tag="dock.reserved"):
    """A landing slot on a pole's dock belongs to a flight between two times (UTC seconds)."""

    flight: str
    pole: str
    start_s: float
    end_s: float


class DockReleased(Event, frozen=True, kw_only=True, tag="dock.released"):
    """A landing slot is free again."""

    flight: str
    pole: str


class GateJudged(Event, frozen=True, kw_only=True, tag="gate.judged"):
    """One launch gate with the evidence that decided it."""

    flight: str
    gate: str
    passed: bool
    evidence: dict[str, Any]
    en: str
    zh: str


class CommandAnswered(Event, frozen=True, kw_only=True, tag="command.answered"):
    """A command to a drone or a pole and what became of it: accepted, rejected or unknown."""

    flight: str
    target: str
    command: str
    outcome: str
    detail: str = ""


class UploadVerified(Event, frozen=True, kw_only=True, tag="upload.verified"):
    """The drone holds what was planned: read back and compared, item by item."""

    flight: str
    mission_items: int
    fence_items: int
    rally_items: int
    parameters: dict[str, float]
    differences: tuple[str, ...] = ()


class PhaseChanged(Event, frozen=True, kw_only=True, tag="flight.phase"):
    """A flight went from one phase to the next."""

    flight: str
    phase: Phase
    detail: str = ""


class ItemStarted(Event, frozen=True, kw_only=True, tag="flight.item"):
    """The drone's current mission item changed."""

    flight: str
    seq: int


class PhotoTaken(Event, frozen=True, kw_only=True, tag="flight.photo"):
    """The camera fired here (CAMERA_FEEDBACK)."""

    flight: str
    index: int
    lat_deg: float
    lon_deg: float
    relative_m: float


class LandingChosen(Event, frozen=True, kw_only=True, tag="flight.landing"):
    """The landing option that the drone was told to take, and why not the planned one."""

    flight: str
    landing: str
    why: str = ""


class DescentJudged(Event, frozen=True, kw_only=True, tag="flight.descent"):
    """What a drone's descent through the gate above a dock rested on: whether everything held, or what was missing."""

    flight: str
    dock: str
    passed: bool
    evidence: dict[str, Any]
    en: str
    zh: str


class DockServed(Event, frozen=True, kw_only=True, tag="dock.served"):
    """How a dock was left after a landing: the cover, the charger and the charge [%]; None is what is not known."""

    flight: str
    pole: str
    cover: str | None
    charger: str | None
    charge_pct: float | None


class TrafficNear(Event, frozen=True, kw_only=True, tag="flight.traffic"):
    """Another comes near a flight: where it is now by what was heard of it, and the nearest approach to come.

    `error_m` is by how much its place may be wrong, taken off `distance_m` [m]; heights are ellipsoidal, None unknown.
    """

    flight: str
    track: str
    source: str
    lat_deg: float
    lon_deg: float
    ellipsoidal_m: float | None
    age_s: float
    error_m: float
    in_s: float
    distance_m: float
    vertical_m: float | None


class FlightEnded(Event, frozen=True, kw_only=True, tag="flight.ended"):
    """The last word on a flight. `landed_on` is a city code, a landing option's name, or empty when it never flew."""

    flight: str
    completed: bool
    landed_on: str
    reasons: tuple[dict[str, Any], ...] = ()


class PoleSeen(Event, frozen=True, kw_only=True, tag="pole.seen"):
    """A pole said hello."""

    pole: str
    boot: str
    functions: tuple[str, ...]
    lat_deg: float
    lon_deg: float


class PoleSaid(Event, frozen=True, kw_only=True, tag="pole.said"):
    """Entries of a pole's stream: readings, an alarm, what it heard, settings or a line of its log."""

    pole: str
    message: OfEntries


class PoleNoted(Event, frozen=True, kw_only=True, tag="pole.noted"):
    """What the poles' gateway found out, was told by people, or wishes of a pole."""

    note: AnyNote


class PolesForgotten(Event, frozen=True, kw_only=True, tag="poles.forgotten"):
    """From here on what poles said before a UTC second is deleted, by the days that the site keeps it."""

    before_s: float


class AlarmRaised(Event, frozen=True, kw_only=True, tag="alarm.raised"):
    """A row of the alarm table, with its facts."""

    code: str
    subject: str
    severity: int
    en: str
    zh: str
    flight: str = ""


class ResponseProposed(Event, frozen=True, kw_only=True, tag="response.proposed"):
    """An alarm of a pole asks for a mission, by a rule of the site; `automatic` when the rule decides too."""

    response: str
    alarm: str
    subject: str
    mission: str
    drone: str
    automatic: bool


class ResponseDecided(Event, frozen=True, kw_only=True, tag="response.decided"):
    """Who decided on a proposed mission, a person's name or `rule`, and how; `run` is what was begun for it."""

    response: str
    by: str
    flown: bool
    run: str = ""


class OperatorSaid(Event, frozen=True, kw_only=True, tag="operator.said"):
    """A person interrupted or commanded."""

    run: str
    what: str


class RunFinished(Event, frozen=True, kw_only=True, tag="run.finished"):
    """The end of a run: `outcome` is completed, refused, failed or interrupted."""

    run: str
    outcome: str
    reasons: tuple[dict[str, Any], ...] = ()


AnyEvent = (
    RunStarted
    | RequestAccepted
    | PlanMade
    | IntentAccepted
    | IntentChanged
    | OffNominal
    | FlightKept
    | DockReserved
    | DockReleased
    | GateJudged
    | CommandAnswered
    | UploadVerified
    | PhaseChanged
    | ItemStarted
    | PhotoTaken
    | LandingChosen
    | DescentJudged
    | DockServed
    | TrafficNear
    | FlightEnded
    | PoleSeen
    | PoleSaid
    | PoleNoted
    | PolesForgotten
    | AlarmRaised
    | ResponseProposed
    | ResponseDecided
    | OperatorSaid
    | RunFinished
)

# What poles said: kept as they said it, and no part of the folded state.
OfPoles = PoleSeen | PoleSaid

# Events that give or take airspace and docks; whoever reserves must have seen all of them.
Claim = IntentAccepted | IntentChanged | OffNominal | DockReserved | DockReleased | FlightEnded


class Record(msgspec.Struct, frozen=True):
    """An event as the store holds it: its place in the log and the UTC second at which it was appended."""

    seq: int
    utc_s: float
    event: AnyEvent


encode = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(AnyEvent).decode
decode_record = msgspec.json.Decoder(Record).decode


def event_of(pole: str, message: Hello | OfEntries) -> OfPoles:
    """What the log tells of a pole's message."""
    if not isinstance(message, Hello):
        return PoleSaid(pole=pole, message=message)
    return PoleSeen(
        pole=pole,
        boot=message.boot,
        functions=tuple([capability.function for capability in message.functions]),
        lat_deg=message.lat_deg,
        lon_deg=message.lon_deg,
    )
