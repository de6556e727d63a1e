"""The analysed run put into the numbers of `summary.json`."""

from __future__ import annotations

from shapely.geometry import Polygon

from airspace.frames import LocalFrame
from airspace.volumes import Volume4D
from controller.report.analysis import FlightAnalysis, RunAnalysis
from controller.report.measures import TargetSeen
from controller.report.progress import Step
from controller.report.run import PoleStory, RunStory, wind_mps
from controller.report.summary import (
    AlarmSummary,
    ConflictSummary,
    FlightSummary,
    GateSummary,
    LegSummary,
    MissionSummary,
    PoleSummary,
    Summary,
    TargetSummary,
    TlogSummary,
)
from missions.plan import PlanVolume


def summarise(run: RunAnalysis, *, wall_s: float | None) -> Summary:
    """The summary of an analysed run; `wall_s` is what the run took on the wall, when the caller knows."""
    story = run.story
    started, counts = story.started, run.flown.counts
    return Summary(
        run=started.run if started else run.folder,
        name=started.name if started else run.folder,
        site=started.site if started else "",
        outcome=story.outcome,
        reasons=story.reasons,
        missions=tuple(_mission(story, request.name, request.source) for request in story.requests),
        flights=tuple(_flight(flight) for flight in run.flights),
        gates=tuple(
            GateSummary(
                flight=flight.id, gate=gate.gate, passed=gate.passed, judged=judged, at_s=at_s,
                evidence=gate.evidence, en=gate.en, zh=gate.zh,
            )
            for flight in story.flights.values()
            for at_s, gate, judged in flight.last_gates()
        ),
        conflicts=tuple(_conflicts(run)),
        poles=tuple(_pole(pole) for _, pole in sorted(story.poles.items())),
        alarms=tuple(
            AlarmSummary(
                at_s=at_s, code=alarm.code, severity=alarm.severity, subject=alarm.subject, flight=alarm.flight,
                en=alarm.en, zh=alarm.zh,
            )
            for at_s, alarm in story.alarms
        ),
        seed=started.seed if started else None,
        tempo=started.tempo if started else "",
        speed=started.speed if started else None,
        started_s=story.start_s,
        ended_s=story.end_s,
        virtual_s=None if story.start_s is None or story.end_s is None else _round(story.end_s - story.start_s, 3),
        wall_s=None if wall_s is None else _round(wall_s, 3),
        controller_starts=story.starts,
        events=story.records,
        events_unreadable=story.unreadable_lines,
        tlog=TlogSummary(
            present=run.has_tlog, records=counts.records, decoded=counts.decoded, broken=counts.broken,
            garbage_bytes=counts.garbage_bytes, torn_bytes=counts.torn_bytes,
        ),
    )  # fmt: skip


def _mission(story: RunStory, name: str, source: str) -> MissionSummary:
    flights = [f for f in story.flights.values() if f.plan is not None and f.plan.name == name]
    title = next((f.plan.title for f in flights if f.plan is not None), "")
    return MissionSummary(name=name, source=source, title=title, flights=tuple(f.id for f in flights))


def _flight(flight: FlightAnalysis) -> FlightSummary:
    story, plan, track = flight.story, flight.plan, flight.track
    wanted = [target for target in flight.targets if target.planned]
    relative = flight.flown.position[:, 3]
    return FlightSummary(
        id=story.id,
        drone=story.drone,
        mission=plan.name,
        completed=story.ended is not None and story.ended.completed,
        landed_on=story.ended.landed_on if story.ended else "",
        landing_planned=story.wished_landing(),
        reasons=story.ended.reasons if story.ended else (),
        takeoff_s=flight.takeoff_s,
        duration_s=_round(flight.airborne[1] - flight.airborne[0], 2) if flight.airborne else None,
        duration_planned_s=_round(_planned_s(flight), 2),
        distance_m=_round(track.length_m, 1) if flight.airborne else None,
        max_relative_m=_round(float(relative.max()), 2) if flight.airborne else None,
        max_cross_track_m=_round(flight.cross.max_m, 3) if flight.cross else None,
        p95_cross_track_m=_round(flight.cross.p95_m, 3) if flight.cross else None,
        min_clearance_m=_round(flight.nearest.clearance_m, 2) if flight.nearest else None,
        min_clearance_zone=flight.nearest.zone if flight.nearest else "",
        min_clearance_planned_m=None if plan.min_clearance_m is None else _round(plan.min_clearance_m, 2),
        outside_reserved_s=None if flight.outside_s is None else _round(flight.outside_s, 2),
        energy_used_wh=_round(flight.energy.used_wh, 2) if flight.energy else None,
        energy_source=flight.energy.source if flight.energy else "",
        energy_planned_wh=_round(plan.energy_wh, 2),
        energy_limit_wh=_round(plan.energy_limit_wh, 2),
        photos=len(story.photos),
        photos_planned=plan.photos_planned,
        targets_seen=sum(target.seen for target in wanted),
        targets_planned=len(wanted),
        targets=tuple(_target(target) for target in flight.targets),
        legs=tuple(_leg(step) for step in flight.steps),
        telemetry_gaps_s=tuple(_round(end_s - start_s, 2) for start_s, end_s in flight.gaps_s),
    )


def _planned_s(flight: FlightAnalysis) -> float:
    """Planned seconds from take-off to landing on the branches that were flown, else of the whole plan."""
    return flight.steps[-1].planned_end_s if flight.airborne and flight.steps else flight.plan.duration_s


def _target(target: TargetSeen) -> TargetSummary:
    nearest_m = target.nearest_photo_m
    return TargetSummary(
        name=target.name,
        planned=target.planned,
        why_not=target.why_not,
        seen=target.seen,
        state=target.state,
        nearest_photo_m=None if nearest_m is None else _round(nearest_m, 2),
        limit_m=target.limit_m,
    )


def _leg(step: Step) -> LegSummary:
    return LegSummary(
        seq=step.seq,
        purposes=tuple(str(purpose) for purpose in step.purposes),
        branch=step.branch,
        length_m=_round(step.length_m, 1),
        speed_mps=_round(step.speed_mps, 2),
        energy_wh=_round(step.energy_wh, 3),
        planned_s=_round(step.planned_s, 2),
        flown_s=None if step.flown_s is None else _round(step.flown_s, 2),
    )


def _pole(pole: PoleStory) -> PoleSummary:
    winds = [wind for _, readings in pole.reports if (wind := wind_mps(readings)) is not None]
    return PoleSummary(
        code=pole.code,
        services=pole.services,
        boots=len(pole.boots),
        reports=len(pole.reports),
        last_heard_s=pole.heard_s,
        max_wind_mps=max(winds, default=None),
        last=pole.last(),
    )


def _conflicts(run: RunAnalysis) -> list[ConflictSummary]:
    entered = [
        ConflictSummary(kind="zone", flight=flight.story.id, other=flight.nearest.zone, at_s=flight.nearest.at_s)
        for flight in run.flights
        if flight.nearest is not None and flight.nearest.clearance_m == 0
    ]
    for first, second in run.story.shared_intents:
        at_s = _overlap_s(run.story.flights[first].volumes, run.story.flights[second].volumes, run.frame)
        if at_s is not None:
            entered.append(ConflictSummary(kind="flights", flight=first, other=second, at_s=at_s))
    return entered


def _overlap_s(mine: tuple[PlanVolume, ...], theirs: tuple[PlanVolume, ...], frame: LocalFrame | None) -> float | None:
    if frame is None:
        return None
    ours = [absolute_volume(volume, frame) for volume in mine]
    other = [absolute_volume(volume, frame) for volume in theirs]
    return min((max(a.start_s, b.start_s) for a in ours for b in other if a.overlaps(b)), default=None)


def absolute_volume(volume: PlanVolume, frame: LocalFrame) -> Volume4D:
    """A reserved volume, whose times are UTC seconds, as a volume that can be compared."""
    return Volume4D(
        outline=Polygon(frame.xy_array(volume.ring_lon_lat_deg)),
        floor_ellipsoidal_m=volume.floor_ellipsoidal_m,
        ceiling_ellipsoidal_m=volume.ceiling_ellipsoidal_m,
        start_s=volume.start_s,
        end_s=volume.end_s,
    )


def _round(value: float, digits: int) -> float:
    return round(float(value), digits)
