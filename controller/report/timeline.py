"""The events of a run as lines that people read, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from airspace.reasons import Words
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
    OperatorSaid,
    Phase,
    PhaseChanged,
    PlanMade,
    PoleSeen,
    RequestAccepted,
    ResponseDecided,
    ResponseProposed,
    RunFinished,
    RunStarted,
    TrafficNear,
    UploadVerified,
)
from controller.pole_picture import COVER_WORDS
from controller.report.run import RunStory
from controller.report.words import said, words

CHINA = timezone(timedelta(hours=8), "UTC+8")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline: `group` is what a reader filters by, `tone` how it is marked."""

    utc_s: float
    group: str  # key | commands | items | poles
    tone: str  # plain | good | bad | warn
    says: Words
    detail: str = ""


def local_time(utc_s: float) -> str:
    """Clock time in China, to the second."""
    return datetime.fromtimestamp(utc_s, UTC).astimezone(CHINA).strftime("%H:%M:%S")


def local_date_time(utc_s: float) -> str:
    """Date and clock time in China, to the second."""
    return datetime.fromtimestamp(utc_s, UTC).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def minutes(seconds: float) -> str:
    """A length of time as m:ss, or h:mm:ss from an hour on."""
    whole = round(seconds)
    hours, rest = divmod(abs(whole), 3600)
    sign = "−" if whole < 0 else ""
    return f"{sign}{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{sign}{rest // 60}:{rest % 60:02d}"


def from_takeoff(seconds: float) -> str:
    """A moment as seconds from take-off: T+m:ss."""
    text = minutes(seconds)
    return f"T{text}" if text.startswith("−") else f"T+{text}"


def timeline(story: RunStory) -> list[Line]:
    """All lines in the order of the log; pole reports and photos, which come by the hundred, are left out."""
    lines: list[Line] = []
    starts = 0
    for at in story.timeline:
        starts += isinstance(at.event, RunStarted)
        group, tone, says, detail = _line(at.event, first_start=starts == 1)
        lines.append(Line(at.utc_s, group, tone, says, detail))
    return lines


def _line(event: AnyEvent, *, first_start: bool) -> tuple[str, str, Words, str]:
    match event:
        case RunStarted():
            says = said("event.run-started", name=event.name) if first_start else words("event.run-again")
            return "key", "plain" if first_start else "warn", says, ""
        case RequestAccepted():
            return "key", "plain", said("event.request", name=event.name), event.source
        case OperatorSaid():
            return "key", "warn", said("event.operator", what=event.what), ""
        case ResponseProposed():
            facts = {"mission": event.mission, "alarm": event.alarm, "pole": event.subject}
            return "key", "warn", said("event.response", **facts), event.response
        case ResponseDecided():
            says = said("event.response-flown" if event.flown else "event.response-left", by=event.by)
            return "key", "plain", says, event.run or event.response
        case AlarmRaised():
            return "key", "bad" if event.severity >= 3 else "warn", Words(event.en, event.zh), event.code
        case RunFinished():
            outcome = words(f"outcome.{event.outcome}", event.outcome)
            tone = "good" if event.outcome == "completed" else "bad"
            return "key", tone, said("event.finished", outcome=outcome), ""
        case PoleSeen():
            return "poles", "plain", said("event.pole", pole=event.pole), ", ".join(event.functions)
        case DockReserved():
            return "poles", "plain", said("event.dock", pole=event.pole), ""
        case DockReleased():
            return "poles", "plain", said("event.dock-free", pole=event.pole), ""
        case _:
            return _flight_line(event)


def _flight_line(event: AnyEvent) -> tuple[str, str, Words, str]:
    match event:
        case PlanMade():
            facts = {"legs": len(event.plan.legs), "duration": minutes(event.plan.duration_s)}
            return "key", "plain", said("event.plan", **facts), event.drone
        case IntentAccepted():
            return "key", "plain", said("event.intent", volumes=len(event.volumes)), ""
        case IntentChanged():
            state = words(f"intent.{event.state.lower()}", event.state)
            tone = "warn" if event.state.lower() in ("nonconforming", "contingent") else "plain"
            return "key", tone, said("event.intent-state", state=state), ""
        case FlightKept():
            share = "–" if event.inside_share is None else f"{event.inside_share:.1%}"
            facts = {"share": share, "outside": f"{event.outside_s:.0f}", "longest": f"{event.longest_s:.0f}"}
            return "key", "warn" if event.excursions else "plain", said("event.kept", **facts), ""
        case GateJudged():
            says = said("event.gate", gate=event.gate, says=Words(event.en, event.zh))
            return "key", "good" if event.passed else "bad", says, ""
        case CommandAnswered():
            outcome = words(f"command.{event.outcome}", event.outcome)
            says = said("event.command", command=event.command, target=event.target, outcome=outcome)
            return "commands", "plain" if event.outcome == "accepted" else "bad", says, event.detail
        case UploadVerified() if event.differences:
            return "key", "bad", said("event.upload-differs", differences="; ".join(event.differences)), ""
        case UploadVerified():
            counts = {"mission": event.mission_items, "fence": event.fence_items, "rally": event.rally_items}
            return "key", "good", said("event.upload", **counts), ""
        case PhaseChanged():
            tone = "good" if event.phase is Phase.FLYING else "plain"
            return "key", tone, said("event.phase", phase=words(f"phase.{event.phase}")), event.detail
        case ItemStarted():
            return "items", "plain", said("event.item", seq=event.seq), ""
        case LandingChosen():
            tone = "warn" if event.why else "plain"
            return "key", tone, said("event.landing", landing=event.landing), event.why
        case DescentJudged():
            facts = {"dock": event.dock, "height": event.evidence.get("height_m"), "says": Words(event.en, event.zh)}
            return "key", "good" if event.passed else "bad", said("event.descent", **facts), _figures(event.evidence)
        case DockServed():
            charge = "–" if event.charge_pct is None else f"{event.charge_pct:.0f} %"
            facts = {"pole": event.pole, "cover": _cover(event.cover), "charger": _charger(event.charger)}
            tone = "good" if event.cover == "closed" else "warn"
            return "key", tone, said("event.served", charge=charge, **facts), ""
        case TrafficNear():
            facts = {"track": event.track, "source": event.source, "distance": f"{event.distance_m:.0f}"}
            detail = f"±{event.error_m:.0f} m, {event.age_s:.0f} s"
            return "key", "warn", said("event.traffic", seconds=f"{event.in_s:.0f}", **facts), detail
        case FlightEnded():
            says = said("event.ended", place=event.landed_on) if event.landed_on else words("event.ended-never")
            return "key", "good" if event.completed else "bad", says, ""
        case _:
            raise TypeError(f"{type(event).__name__} has no line in the timeline")


def _figures(evidence: dict[str, Any]) -> str:
    """The evidence on one line, without what is not known."""
    return ", ".join(f"{name} {value}" for name, value in evidence.items() if value not in (None, []))


def _cover(cover: str | None) -> Words:
    return COVER_WORDS[cover] if cover is not None else Words("–", "–")


def _charger(charger: str | None) -> Words:
    return words(f"charger.{charger}", charger) if charger is not None else Words("–", "–")
