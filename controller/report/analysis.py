"""A run folder, analysed: the story, the telemetry and the measures of each flight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Refused
from airspace.zones import Zone, parse_zones
from controller.events import Phase
from controller.report.flown import Flown, read_flown
from controller.report.measures import (
    CrossTrack,
    EnergyUsed,
    Nearest,
    TargetSeen,
    Track,
    cross_track,
    energy_used,
    gaps,
    nearest_zone,
    outside_reserved_s,
    targets_seen,
    track_of,
)
from controller.report.progress import Step, planned_steps, with_flown_times
from controller.report.run import FlightStory, RunStory, read_run
from missions.plan import Plan

EVENTS_FILE = "events.jsonl"
TLOG_FILE = "flight.tlog"


@dataclass(frozen=True, slots=True)
class FlightAnalysis:
    """One flight with its plan, its telemetry and the measures; fields are empty or None where nothing was flown."""

    story: FlightStory
    plan: Plan
    steps: tuple[Step, ...]
    flown: Flown
    track: Track  # in the air only
    airborne: tuple[float, float] | None
    cross: CrossTrack | None
    nearest: Nearest | None
    energy: EnergyUsed | None
    gaps_s: tuple[tuple[float, float], ...]
    outside_s: float | None
    targets: tuple[TargetSeen, ...]

    @property
    def takeoff_s(self) -> float | None:
        """When it left the ground: by telemetry, else by the events; None when it never did."""
        return self.airborne[0] if self.airborne else self.story.phase_s(Phase.FLYING)


@dataclass(frozen=True, slots=True)
class RunAnalysis:
    """Everything that the report shows of one run folder."""

    folder: str
    story: RunStory
    frame: LocalFrame | None
    zones: tuple[Zone, ...]
    zones_unreadable: str
    flights: tuple[FlightAnalysis, ...]
    flown: Flown
    has_tlog: bool


def analyse(run_folder: Path) -> RunAnalysis:
    """Read and measure a run folder; what is missing or damaged in it is left out and counted, never raised."""
    story = read_run(run_folder / EVENTS_FILE)
    tlog = run_folder / TLOG_FILE
    flown = read_flown(tlog)
    frame = _frame(story)
    zones: tuple[Zone, ...] = ()
    unreadable = ""
    if frame is not None and story.started is not None and story.started.zones:
        try:
            zones = parse_zones(story.started.zones, "run.started zones", frame, None)
        except Refused as refused:
            unreadable = str(refused)
    flights = tuple(
        _analyse_flight(flight, flight.plan, flown, frame, zones)
        for flight in story.flights.values()
        if flight.plan is not None and frame is not None
    )
    return RunAnalysis(
        folder=run_folder.name,
        story=story,
        frame=frame,
        zones=zones,
        zones_unreadable=unreadable,
        flights=flights,
        flown=flown,
        has_tlog=tlog.exists(),
    )


def _frame(story: RunStory) -> LocalFrame | None:
    """A local frame at the first home, else the first pole, else the first corner of the first zone."""
    for flight in story.flights.values():
        if flight.plan is not None:
            return LocalFrame(LatLon(flight.plan.home.lat_deg, flight.plan.home.lon_deg))
    for pole in story.poles.values():
        if pole.lat_deg is not None and pole.lon_deg is not None:
            return LocalFrame(LatLon(pole.lat_deg, pole.lon_deg))
    corner = _first_corner(story.started.zones) if story.started is not None else None
    return LocalFrame(corner) if corner is not None else None


def _first_corner(zones: Mapping[str, Any]) -> LatLon | None:
    for feature in zones.get("features", []):
        corner = feature.get("geometry", {}).get("coordinates")
        while isinstance(corner, list) and corner and isinstance(corner[0], list):
            corner = corner[0]
        if isinstance(corner, list) and len(corner) >= 2:
            return LatLon(float(corner[1]), float(corner[0]))
    return None


def _analyse_flight(
    story: FlightStory, plan: Plan, telemetry: Flown, frame: LocalFrame, zones: tuple[Zone, ...]
) -> FlightAnalysis:
    start_s = story.planned_s or 0.0
    end_s = story.ended_s if story.ended_s is not None else float("inf")
    flown = telemetry.between(start_s, end_s)
    airborne = flown.airborne()
    in_air = flown.between(*airborne) if airborne else flown.between(0.0, -1.0)
    track = track_of(in_air, frame, plan)
    current = [(float(at_s), int(seq)) for at_s, seq in flown.current] or story.items
    steps = with_flown_times(planned_steps(plan, frame, story.branches()), current, airborne)
    photos = [(photo.lon_deg, photo.lat_deg) for _, photo in story.photos]
    return FlightAnalysis(
        story=story,
        plan=plan,
        steps=tuple(steps),
        flown=flown,
        track=track,
        airborne=airborne,
        cross=cross_track(track, steps),
        nearest=nearest_zone(track, zones, plan.permitted),
        energy=energy_used(flown, *airborne) if airborne else None,
        gaps_s=gaps(flown.position[:, 0], *airborne) if airborne else (),
        outside_s=outside_reserved_s(track, story.volumes, frame),
        targets=tuple(targets_seen(plan, photos, frame, flown=airborne is not None or story.flew)),
    )
