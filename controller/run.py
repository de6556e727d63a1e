"""A run: one command's work from start to end, with its folder of evidence."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airspace.reasons import Lang, Reason, Refused, Rule, Words
from airspace.zones import zones_geojson
from controller.clock import wall_s
from controller.config import DroneConfig
from controller.district import District
from controller.events import AnyEvent, OperatorSaid, PlanMade, Record, RequestAccepted, RunFinished, RunStarted, encode
from controller.flight.conduct import fly, resume
from controller.flight.follow import end, settle_docks
from controller.flight.mission_source import Mission
from controller.report import Summary, write_report
from controller.state import FlightState
from missions.qgc_plan_writer import qgc_plan_text

NO_FOLDER = Rule(
    "folder.unwritable",
    Words("the folder cannot be made: {detail}", "无法创建目录：{detail}"),
    Words(
        "Name a folder that can be written, with --runs or in the site file.",
        "请用 --runs 或在站点文件中指定可写目录。",
    ),
)
CLOSED_BY_HAND = Rule(
    "flight.closed-by-hand",
    Words("closed by a person: {because}", "由人工关闭：{because}"),
    Words("Look for the drone before that airspace is used again.", "再次使用该空域前请先查找该无人机。"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """An open run; its folder is `runs/<time>-<name>`; `began_wall_s` is when this process took it up."""

    id: str
    folder: Path
    began_wall_s: float


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: `completed`, `refused` (nothing flew) or `failed`, with its folder and summary."""

    outcome: str
    reasons: tuple[dict[str, Any], ...]
    folder: Path
    summary: Summary


async def begin(district: District, name: str, runs: Path, *, seed: int | None) -> Run:
    """Open a run in a fresh folder and record its start with the airspace as it was loaded."""
    stamp = district.clock.utc().strftime("%Y%m%dT%H%M%SZ")
    run_id, number = f"{stamp}-{name}", 2
    while (runs / run_id).exists():
        run_id, number = f"{stamp}-{name}-{number}", number + 1
    folder = make_folder(runs / run_id)
    tempo = district.clock.tempo
    await district.record(
        RunStarted(
            run=run_id,
            name=name,
            site=district.site.file.name,
            seed=seed,
            tempo=tempo.name,
            speed=tempo.speed,
            zones=zones_geojson(district.airspace.zones, district.site.frame),
        )
    )
    return Run(run_id, folder, wall_s())


async def fly_mission(
    district: District, mission: Mission, drone: DroneConfig, runs: Path, *, lang: Lang = "en", seed: int | None = None
) -> RunResult:
    """Fly one mission as a run of its own; a refusal is a result, not an error.

    Cancelling it before take-off ends the run; in the air it leaves the run open for `resume_run`, with a report of
    what happened until then.
    """
    run = await begin(district, mission.name, runs, seed=seed)
    try:
        outcome, reasons = await conduct_run(district, run, mission, drone)
    except asyncio.CancelledError:
        write_folder(district, run, lang=lang)
        raise
    return RunResult(outcome, reasons, run.folder, write_folder(district, run, lang=lang))


async def conduct_run(
    district: District, run: Run, mission: Mission, drone: DroneConfig
) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Fly the mission of a run that has begun, and record all of it but the folder: its outcome, with the reasons."""
    await district.record(RequestAccepted(run=run.id, name=mission.name, source=mission.source, text=mission.text))
    try:
        flight = await fly(district, drone, mission, run.id, run.folder)
    except Refused as refused:
        return await _record_end(district, run, "refused", refused.reasons)
    except asyncio.CancelledError:
        await district.record(OperatorSaid(run=run.id, what="stop"))
        if not _open(district, run):
            await _record_end(district, run, "interrupted", ())
        raise
    return await _record_end(district, run, *_outcome(flight))


async def resume_run(
    district: District, flight: FlightState, drone: DroneConfig, runs: Path, *, lang: Lang = "en"
) -> RunResult:
    """Pick up the run of a flight that an earlier controller left open, and finish it.

    When the drone is not heard the flight stays open, and so does its run.
    """
    run = run_of(flight, runs)
    outcome, reasons = await conduct_rest(district, run, flight, drone)
    return RunResult(outcome, reasons, run.folder, write_folder(district, run, lang=lang))


async def conduct_rest(
    district: District, run: Run, flight: FlightState, drone: DroneConfig
) -> tuple[str, tuple[dict[str, Any], ...]]:
    """The rest of a run that an earlier controller left open, recorded but for the folder: its outcome and reasons."""
    try:
        await resume(district, drone, flight, run.folder)
    except Refused as refused:
        if _open(district, run):
            return "failed", tuple(reason.as_dict() for reason in refused.reasons)
        return await _record_end(district, run, "failed", refused.reasons)
    return await _record_end(district, run, *_outcome(flight))


async def close_flight(
    district: District, flight: FlightState, because: str, runs: Path, *, lang: Lang = "en"
) -> RunResult:
    """End a flight on a person's word, without its drone, and finish its run."""
    run = run_of(flight, runs)
    await district.record(OperatorSaid(run=run.id, what=f"close {flight.id}: {because}"))
    await settle_docks(district, flight, "")
    await end(district, flight, "", [Reason(CLOSED_BY_HAND, flight.drone, {"because": because})])
    return await finish(district, run, *_outcome(flight), lang=lang)


def run_of(flight: FlightState, runs: Path) -> Run:
    """The open run that a flight belongs to."""
    return Run(flight.run, make_folder(runs / flight.run), wall_s())


def _open(district: District, run: Run) -> bool:
    return any(flight.run == run.id for flight in district.state.unfinished())


def _outcome(flight: FlightState) -> tuple[str, Sequence[Reason | dict[str, Any]]]:
    return ("completed" if flight.completed else "failed"), flight.reasons


async def finish(
    district: District, run: Run, outcome: str, reasons: Sequence[Reason | dict[str, Any]], *, lang: Lang
) -> RunResult:
    """Record the end, then write everything that the folder holds."""
    outcome, rows = await _record_end(district, run, outcome, reasons)
    return RunResult(outcome, rows, run.folder, write_folder(district, run, lang=lang))


async def _record_end(
    district: District, run: Run, outcome: str, reasons: Sequence[Reason | dict[str, Any]]
) -> tuple[str, tuple[dict[str, Any], ...]]:
    rows = tuple(reason.as_dict() if isinstance(reason, Reason) else reason for reason in reasons)
    await district.record(RunFinished(run=run.id, outcome=outcome, reasons=rows))
    return outcome, rows


def write_folder(district: District, run: Run, *, lang: Lang) -> Summary:
    """Write everything that the run's folder holds, from what the log says of the run so far."""
    records = run_records(district.store.read(district.state.runs[run.id] - 1), run.id)
    with (run.folder / "events.jsonl").open("wb") as file:
        for record in records:
            file.write(encode(record) + b"\n")
    for record in records:
        if isinstance(record.event, PlanMade):
            (run.folder / "plan.plan").write_text(qgc_plan_text(record.event.plan), encoding="utf-8")
    return write_report(run.folder, lang_default=lang, wall_s=wall_s() - run.began_wall_s)


def make_folder(path: Path) -> Path:
    """Make a folder with all above it; raises `Refused` where that cannot be, or where nothing may be written in it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise Refused([Reason(NO_FOLDER, str(path), {"detail": error.strerror or error})]) from None
    return path


def run_records(records: Sequence[Record], run: str) -> list[Record]:
    """The part of the log that belongs to a run: from its start to its finish, without what is another run's."""
    start = next(r.seq for r in records if isinstance(r.event, RunStarted) and r.event.run == run)
    ends = [r.seq for r in records if isinstance(r.event, RunFinished) and r.event.run == run]
    last = ends[-1] if ends else records[-1].seq
    run_of_flight = {r.event.flight: r.event.run for r in records if isinstance(r.event, PlanMade)}

    def of_another(event: AnyEvent) -> bool:
        flight = getattr(event, "flight", "")
        return getattr(event, "run", run) != run or (flight != "" and run_of_flight.get(flight) != run)

    return [record for record in records if start <= record.seq <= last and not of_another(record.event)]
