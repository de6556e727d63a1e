"""The key figures at the head of a flight, and its bar of energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airspace.reasons import Words
from airspace.zones import Zone
from controller.report.summary import FlightSummary
from controller.report.timeline import minutes
from controller.report.words import said, words


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure: what it is, its value with unit, a note below it and how to mark it."""

    name: Words
    value: str
    unit: str
    note: Words
    tone: str = ""
    code: bool = False  # the value is a code, not a number


@dataclass(frozen=True, slots=True)
class EnergyBar:
    """Energy used, planned and allowed, in per cent of the bar, with the numbers."""

    used_pct: float
    planned_pct: float
    limit_pct: float
    used_wh: float | None
    planned_wh: float
    limit_wh: float
    source: Words


def figures(flight: FlightSummary, zones: Sequence[Zone]) -> list[Figure]:
    """The figures of one flight; what was not measured is a dash."""
    flown = flight.duration_s is not None
    nothing = Words("", "")
    gap_s = max(flight.telemetry_gaps_s, default=0.0)
    gap_note = said("figure.gaps.longest", value=f"{gap_s:.0f} s") if gap_s else words("figure.gaps.none")
    return [
        _landed(flight),
        Figure(
            words("figure.time"),
            minutes(flight.duration_s) if flight.duration_s is not None else "–",
            "",
            said("figure.planned", value=minutes(flight.duration_planned_s or 0)),
        ),
        Figure(
            words("figure.distance"),
            f"{flight.distance_m / 1000:.2f}" if flight.distance_m is not None else "–",
            "km" if flown else "",
            said("figure.height", value=f"{flight.max_relative_m:.1f} m") if flight.max_relative_m else nothing,
        ),
        Figure(
            words("figure.cross"),
            f"{flight.max_cross_track_m:.2f}" if flight.max_cross_track_m is not None else "–",
            "m" if flight.max_cross_track_m is not None else "",
            said("figure.cross.p95", value=f"{flight.p95_cross_track_m:.2f} m")
            if flight.p95_cross_track_m is not None
            else nothing,
        ),
        _clearance(flight, zones),
        _energy(flight),
        _shown(flight),
        Figure(
            words("figure.gaps"),
            str(len(flight.telemetry_gaps_s)) if flown else "–",
            "",
            gap_note if flown else nothing,
            "warn" if gap_s else "",
        ),
    ]


def _shown(flight: FlightSummary) -> Figure:
    """Targets on photos; for a plan without targets the photos themselves."""
    flown = flight.duration_s is not None
    if not flight.targets_planned:
        note = said("figure.planned", value=flight.photos_planned)
        return Figure(words("figure.photos"), str(flight.photos) if flown else "–", "", note)
    note = said("figure.photos.of", photos=flight.photos, planned=flight.photos_planned)
    if not flown:
        note = said("figure.photos.planned", planned=flight.photos_planned)
    missing = flown and flight.targets_seen < flight.targets_planned
    value = f"{flight.targets_seen if flown else '–'} / {flight.targets_planned}"
    return Figure(words("figure.targets"), value, "", note, "warn" if missing else "")


def _landed(flight: FlightSummary) -> Figure:
    name = words("figure.landed")
    if not flight.landed_on:
        return Figure(name, "–", "", words("figure.not-flown") if flight.duration_s is None else Words("", ""))
    if flight.landing_planned and flight.landed_on != flight.landing_planned:
        note = said("figure.landed.diverted", planned=flight.landing_planned)
        return Figure(name, flight.landed_on, "", note, "warn", code=True)
    return Figure(name, flight.landed_on, "", words("figure.landed.planned"), "good", code=True)


def _clearance(flight: FlightSummary, zones: Sequence[Zone]) -> Figure:
    name = words("figure.clearance")
    if flight.min_clearance_m is None:
        note = words("figure.clearance.none") if flight.duration_s is not None else Words("", "")
        if flight.duration_s is None and flight.min_clearance_planned_m is not None:
            note = said("figure.planned", value=f"{flight.min_clearance_planned_m:.0f} m")
        return Figure(name, "–", "", note)
    zone = next((z.name for z in zones if z.id == flight.min_clearance_zone), None)
    note = said("figure.clearance.to", zone=zone or flight.min_clearance_zone)
    return Figure(name, f"{flight.min_clearance_m:.0f}", "m", note, "bad" if flight.min_clearance_m == 0 else "")


def _energy(flight: FlightSummary) -> Figure:
    planned_wh, limit_wh = flight.energy_planned_wh or 0.0, flight.energy_limit_wh or 0.0
    note = said("figure.energy.of", planned=f"{planned_wh:.1f}", limit=f"{limit_wh:.0f}")
    if flight.energy_used_wh is None:
        return Figure(words("figure.energy"), "–", "", note)
    over = flight.energy_used_wh > limit_wh
    return Figure(words("figure.energy"), f"{flight.energy_used_wh:.1f}", "Wh", note, "bad" if over else "")


def energy_bar(flight: FlightSummary) -> EnergyBar | None:
    """The bar of one flight; None when its plan allows no energy at all."""
    planned_wh, limit_wh, used_wh = flight.energy_planned_wh, flight.energy_limit_wh, flight.energy_used_wh
    if planned_wh is None or not limit_wh:
        return None
    whole_wh = 1.05 * max(limit_wh, planned_wh, used_wh or 0.0)
    return EnergyBar(
        used_pct=100 * (used_wh or 0.0) / whole_wh,
        planned_pct=100 * planned_wh / whole_wh,
        limit_pct=100 * limit_wh / whole_wh,
        used_wh=used_wh,
        planned_wh=planned_wh,
        limit_wh=limit_wh,
        source=words(f"energy.{flight.energy_source}" if flight.energy_source else "energy.unknown"),
    )
