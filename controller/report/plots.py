"""Plots over time: every series brought to one grid of moments, so that one pointer reads them all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from airspace.frames import LocalFrame
from airspace.reasons import Words
from controller.events import Phase
from controller.report.analysis import FlightAnalysis
from controller.report.axes import Scale, Tick, path, scale_over
from controller.report.flown import Floats
from controller.report.map_view import unbroken
from controller.report.measures import GAP_S
from controller.report.progress import along_plan
from controller.report.run import PoleStory, wind_mps
from controller.report.timeline import from_takeoff, local_time
from controller.report.words import words

MOMENTS = 600
_SLOW_STALE_S = 30.0  # a pole or battery value is drawn on for this long
_MAX_POLES = 6  # as many colours as the eye keeps apart


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel: its values on the grid (for the pointer) and its path."""

    css: str
    name: Words
    unit: str
    digits: int
    values: list[float | None]
    path: str


@dataclass(frozen=True, slots=True)
class Band:
    """A span of time with a name, in per cent of the axis."""

    start_pct: float
    width_pct: float
    css: str
    name: Words


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: a scale, its lines, and spans drawn as a strip along its foot."""

    key: str
    title: Words
    unit: str
    ticks: list[Tick]
    series: list[Series]
    strip: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class PlotsView:
    """All plots of one flight on one axis of time, with what the pointer needs to know."""

    panels: list[Panel]
    phases: list[Band]
    axis: Words
    ticks: list[Tick]
    pointer: dict[str, Any]


def plots_view(flight: FlightAnalysis, poles: dict[str, PoleStory], frame: LocalFrame) -> PlotsView | None:
    """The plots of one flight, from the first word of its telemetry to its end; None without telemetry."""
    position = flight.flown.position
    if len(position) < 2:
        return None
    start_s, end_s = float(position[0, 0]), float(position[-1, 0])
    grid_s = np.linspace(start_s, end_s, min(MOMENTS, max(2, round(end_s - start_s) * 2)))
    x_pct = np.linspace(0.0, 100.0, len(grid_s))
    panels = [
        _height_panel(flight, grid_s, x_pct),
        _panel("speed", "m/s", x_pct, [("flown", words("series.flown"), _on_grid(grid_s, position, 5, GAP_S), 1)]),
        *_battery_panels(flight, grid_s, x_pct),
        _wind_panel(flight, poles, grid_s, x_pct),
        _satellites_panel(flight, grid_s, x_pct),
    ]
    return PlotsView(
        panels=panels,
        phases=_phases(flight, start_s, end_s),
        axis=words("axis.local" if flight.takeoff_s is None else "axis.time"),
        ticks=_time_ticks(Scale(start_s, end_s), flight.takeoff_s),
        pointer=_pointer(flight, frame, grid_s),
    )


def _time_ticks(time: Scale, takeoff_s: float | None) -> list[Tick]:
    """Round times from take-off, or of the clock when there was none."""
    span_s, zero_s = time.high - time.low, takeoff_s or 0.0
    step_s = next((s for s in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800) if span_s / s <= 10), 3600)
    first, last = math.ceil((time.low - zero_s) / step_s), math.floor((time.high - zero_s) / step_s)
    moments = [zero_s + i * step_s for i in range(first, last + 1)]
    return [Tick(time.pct(utc_s), _moment(utc_s, takeoff_s)) for utc_s in moments]


def _moment(utc_s: float, takeoff_s: float | None) -> str:
    return local_time(utc_s) if takeoff_s is None else from_takeoff(utc_s - takeoff_s)


def _on_grid(grid_s: Floats, table: Floats, column: int, stale_s: float) -> Floats:
    """The last value heard at each moment, nan when it is older than `stale_s`."""
    if not len(table):
        return np.full(len(grid_s), np.nan)
    row = np.searchsorted(table[:, 0], grid_s, side="right") - 1
    values: Floats = table[np.maximum(row, 0), column].copy()
    values[(row < 0) | (grid_s - table[np.maximum(row, 0), 0] > stale_s)] = np.nan
    return values


def _series(css: str, name: Words, unit: str, digits: int, values: Floats, scale: Scale, x_pct: Floats) -> Series:
    listed = [None if np.isnan(v) else round(v, digits) for v in values.tolist()]
    y_pct = 100 * (values - scale.low) / (scale.high - scale.low)
    return Series(css, name, unit, digits, listed, path(x_pct, y_pct))


def _panel(
    key: str, unit: str, x_pct: Floats, lines: list[tuple[str, Words, Floats, int]], strip: tuple[Band, ...] = ()
) -> Panel:
    scale = scale_over([values for _, _, values, _ in lines], low=0.0)
    series = [_series(css, name, unit, digits, values, scale, x_pct) for css, name, values, digits in lines]
    return Panel(key, words(f"plot.{key}"), unit, scale.ticks(3), series, strip)


def _height_panel(flight: FlightAnalysis, grid_s: Floats, x_pct: Floats) -> Panel:
    flown = _on_grid(grid_s, flight.flown.position, 3, GAP_S)
    planned = np.full(len(grid_s), np.nan)
    timed = [step for step in flight.steps if step.planned_s > 0]
    if timed and flight.takeoff_s is not None:
        # A landing branch is planned from the moment the hold begins: the hold lasts until the word to land comes.
        starts = np.array([step.planned_start_s for step in timed])
        ends = np.minimum([step.planned_end_s for step in timed], np.append(starts[1:], np.inf))
        times = np.column_stack([starts, ends]).ravel()
        up = np.array([z for step in timed for z in (step.xyz_m[0][2], step.xyz_m[-1][2])])
        planned = np.interp(grid_s - flight.takeoff_s, times, up, left=np.nan, right=np.nan)
    return _panel(
        "height",
        "m",
        x_pct,
        [("flown", words("series.flown"), flown, 1), ("planned", words("series.planned"), planned, 1)],
    )


def _battery_panels(flight: FlightAnalysis, grid_s: Floats, x_pct: Floats) -> list[Panel]:
    battery = flight.flown.battery
    if not len(battery):
        return []
    remaining = _on_grid(grid_s, battery, 1, _SLOW_STALE_S)
    scale = Scale(0.0, 105.0)
    charge = _series("battery", words("plot.battery"), "%", 0, remaining, scale, x_pct)
    watts = _on_grid(grid_s, battery, 2, _SLOW_STALE_S) * _on_grid(grid_s, battery, 3, _SLOW_STALE_S)
    ticks = [Tick(scale.pct(v), f"{v}") for v in (0, 50, 100)]
    return [
        Panel("battery", words("plot.battery"), "%", ticks, [charge]),
        _panel("power", "W", x_pct, [("power", words("plot.power"), watts, 0)]),
    ]


def _wind_panel(flight: FlightAnalysis, poles: dict[str, PoleStory], grid_s: Floats, x_pct: Floats) -> Panel:
    lines = [("flown", words("series.drone"), _on_grid(grid_s, flight.flown.wind, 1, _SLOW_STALE_S), 1)]
    measured = {
        code: sorted((at_s, wind) for at_s, readings in pole.reports if (wind := wind_mps(readings)) is not None)
        for code, pole in sorted(poles.items())
    }
    windy = [(code, rows) for code, rows in measured.items() if rows]
    for number, (code, rows) in enumerate(windy[:_MAX_POLES], 1):
        table = np.array(rows, dtype=np.float64)
        lines.append((f"pole-{number}", Words(code, code), _on_grid(grid_s, table, 1, _SLOW_STALE_S), 1))
    return _panel("wind", "m/s", x_pct, lines)


def _satellites_panel(flight: FlightAnalysis, grid_s: Floats, x_pct: Floats) -> Panel:
    fix = flight.flown.fix
    seen = _on_grid(grid_s, fix, 2, GAP_S * 2)
    strip: list[Band] = []
    for piece in unbroken(fix[:, 0], fix, GAP_S * 2):
        changes = np.flatnonzero(np.diff(piece[:, 1], prepend=-1.0))
        ends = np.append(changes[1:], len(piece) - 1)
        strip += [_fix_band(piece[first], piece[last, 0], grid_s) for first, last in zip(changes, ends, strict=True)]
    return _panel("satellites", "", x_pct, [("flown", words("plot.satellites"), seen, 0)], tuple(strip))


def _fix_band(first: Floats, until_s: float, grid_s: Floats) -> Band:
    span_s = grid_s[-1] - grid_s[0]
    start_s, kind = max(first[0], grid_s[0]), int(first[1])
    quality = "good" if kind >= 6 else "near" if kind == 5 else "fair" if kind >= 3 else "poor"
    start_pct, width_pct = 100 * (start_s - grid_s[0]) / span_s, 100 * (until_s - start_s) / span_s
    return Band(float(start_pct), float(width_pct), quality, words(f"fix.{kind}", str(kind)))


def _phases(flight: FlightAnalysis, start_s: float, end_s: float) -> list[Band]:
    bands: list[Band] = []
    changes = flight.story.phases
    for row, (at_s, phase, _) in enumerate(changes):
        until_s = changes[row + 1][0] if row + 1 < len(changes) else end_s
        left_s, right_s = max(at_s, start_s), min(until_s, end_s)
        if right_s > left_s and phase is not Phase.ENDED:
            span_s = end_s - start_s
            bands.append(
                Band(
                    100 * (left_s - start_s) / span_s,
                    100 * (right_s - left_s) / span_s,
                    phase,
                    words(f"phase.{phase}"),
                )
            )
    return bands


def _pointer(flight: FlightAnalysis, frame: LocalFrame, grid_s: Floats) -> dict[str, Any]:
    """Where the drone was at each moment: on the map (x, y down) and along the plan."""
    position = flight.flown.position
    lon = _on_grid(grid_s, position, 1, GAP_S)
    lat = _on_grid(grid_s, position, 2, GAP_S)
    known = ~np.isnan(lon)
    xy = np.full((len(grid_s), 2), np.nan)
    xy[known] = frame.xy_array(np.column_stack([lon[known], lat[known]]))
    along_m = along_plan(grid_s[known], xy[known], flight.steps)
    along = np.full(len(grid_s), np.nan)
    along[known] = along_m
    return {
        "moments": [_moment(utc_s, flight.takeoff_s) for utc_s in grid_s.tolist()],
        "x": _listed(xy[:, 0]),
        "y": _listed(-xy[:, 1]),
        "along": _listed(along),
        "height": _listed(_on_grid(grid_s, position, 3, GAP_S)),
    }


def _listed(values: Floats) -> list[float | None]:
    return [None if np.isnan(v) else round(v, 1) for v in values.tolist()]
