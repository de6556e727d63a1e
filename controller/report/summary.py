"""`summary.json`: a run in numbers. Every field is explained in `docs/run-folder.md`."""

from __future__ import annotations

from typing import Any

import msgspec


class LegSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One mission item of the plan, planned and flown; `flown_s` is null when it was not seen flown."""

    seq: int
    purposes: tuple[str, ...]
    branch: str
    length_m: float
    speed_mps: float
    energy_wh: float
    planned_s: float
    flown_s: float | None


class TargetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One target: promised by the plan, and shown by a photo or not."""

    name: str
    planned: bool
    why_not: str
    seen: bool
    state: str
    nearest_photo_m: float | None
    limit_m: float


class FlightSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One flight: what was planned, what was flown, and how far apart the two were."""

    id: str
    drone: str
    mission: str
    completed: bool
    landed_on: str
    landing_planned: str
    reasons: tuple[dict[str, Any], ...]
    takeoff_s: float | None
    duration_s: float | None
    duration_planned_s: float | None
    distance_m: float | None
    max_relative_m: float | None
    max_cross_track_m: float | None
    p95_cross_track_m: float | None
    min_clearance_m: float | None
    min_clearance_zone: str
    min_clearance_planned_m: float | None
    outside_reserved_s: float | None
    energy_used_wh: float | None
    energy_source: str
    energy_planned_wh: float | None
    energy_limit_wh: float | None
    photos: int
    photos_planned: int
    targets_seen: int
    targets_planned: int
    targets: tuple[TargetSummary, ...]
    legs: tuple[LegSummary, ...]
    telemetry_gaps_s: tuple[float, ...]


class MissionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One request or mission file and what became of it."""

    name: str
    source: str
    title: str
    flights: tuple[str, ...]


class GateSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The last judgement of one launch gate, with its evidence and how often it was judged."""

    flight: str
    gate: str
    passed: bool
    judged: int
    at_s: float
    evidence: dict[str, Any]
    en: str
    zh: str


class ConflictSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Two things that were in one place at one time: a `zone` flown into, or `flights` with overlapping volumes."""

    kind: str
    flight: str
    other: str
    at_s: float | None


class PoleSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One pole over the run; readings are the last of each service."""

    code: str
    services: tuple[str, ...]
    boots: int
    reports: int
    last_heard_s: float | None
    max_wind_mps: float | None
    last: dict[str, dict[str, Any]]


class AlarmSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm as it was raised."""

    at_s: float
    code: str
    severity: int
    subject: str
    flight: str
    en: str
    zh: str


class TlogSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was readable of `flight.tlog`."""

    present: bool
    records: int
    decoded: int
    broken: int
    garbage_bytes: int
    torn_bytes: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run; all times that end in `at_s` or are called `..._s` of a moment are UTC seconds."""

    run: str
    name: str
    site: str
    outcome: str
    reasons: tuple[dict[str, Any], ...]
    missions: tuple[MissionSummary, ...]
    flights: tuple[FlightSummary, ...]
    gates: tuple[GateSummary, ...]
    conflicts: tuple[ConflictSummary, ...]
    poles: tuple[PoleSummary, ...]
    alarms: tuple[AlarmSummary, ...]
    seed: int | None
    tempo: str
    speed: float | None
    started_s: float | None
    ended_s: float | None
    virtual_s: float | None
    wall_s: float | None
    controller_starts: int
    events: int
    events_unreadable: int
    tlog: TlogSummary
