"""Side view: height above home over the distance along the plan, with the zones that the way passes near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from airspace.reasons import Words
from airspace.zones import Zone
from controller.report.analysis import FlightAnalysis
from controller.report.axes import Scale, Tick, path, round_step
from controller.report.flown import Floats
from controller.report.map_view import active_between, heights, kind_class
from controller.report.measures import GAP_S
from controller.report.progress import along_plan

NEAR_M = 250.0  # zones farther from the way than this are left out
_EVERY_M = 10.0


@dataclass(frozen=True, slots=True)
class Passed:
    """A zone beside the way, as a box in per cent of the view; `above` when its floor is higher than the view."""

    left_pct: float
    width_pct: float
    bottom_pct: float
    height_pct: float
    css: str
    name: Words
    reach: Words
    title: Words


@dataclass(frozen=True, slots=True)
class SideView:
    """The side view of one flight: paths in a box of 1000 by 100, axes in per cent."""

    planned: str
    flown: str
    zones: list[Passed]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    along: Scale
    up: Scale


def side_view(flight: FlightAnalysis, zones: tuple[Zone, ...]) -> SideView | None:
    """The side view of a flight's plan, with the flown heights where there are any; None for a plan without a way."""
    steps = flight.steps
    if not steps or steps[-1].along_m + steps[-1].length_m <= 0:
        return None
    way = np.array(_corners(flight))
    length_m = float(way[-1, 0])
    flown_m = flight.track.ellipsoidal_m - flight.plan.home_amsl_m - flight.plan.geoid_m
    top_m = max(float(way[:, 3].max()), float(flown_m.max()) if len(flown_m) else 0.0)
    along, up = Scale(0.0, length_m), Scale(0.0, round_step(1.25 * top_m) if top_m < 20 else 1.35 * top_m)
    takeoff_s = flight.takeoff_s if flight.takeoff_s is not None else flight.plan.takeoff_s
    flown_along = along_plan(flight.track.utc_s, flight.track.xy_m, steps)
    y_flown = np.array(flown_m, copy=True)
    lifted = np.flatnonzero(np.diff(flight.track.utc_s) > GAP_S)
    y_flown[lifted] = np.nan
    return SideView(
        planned=path(_pct(way[:, 0], along), _pct(way[:, 3], up)),
        flown=path(_pct(flown_along, along), _pct(y_flown, up)),
        zones=[
            passed
            for zone in zones
            if active_between(zone, takeoff_s, takeoff_s + flight.plan.duration_s)
            for passed in _passed(zone, way, flight, along, up)
        ],
        x_ticks=_distance_ticks(along),
        y_ticks=up.ticks(4),
        along=along,
        up=up,
    )


def _corners(flight: FlightAnalysis) -> list[tuple[float, float, float, float]]:
    """Rows of metres along the way, east, north, height above home."""
    rows: list[tuple[float, float, float, float]] = []
    for step in flight.steps:
        along_m = step.along_m
        before = step.xyz_m[0]
        for corner in step.xyz_m:
            along_m += float(np.hypot(corner[0] - before[0], corner[1] - before[1]))
            rows.append((along_m, *corner))
            before = corner
    return rows


def _pct(values: Floats, scale: Scale) -> Floats:
    return 100 * (values - scale.low) / (scale.high - scale.low)


def _distance_ticks(along: Scale) -> list[Tick]:
    step_m = round_step(along.high / 7)
    count = int(along.high / step_m)
    if step_m >= 500:
        return [Tick(along.pct(i * step_m), f"{i * step_m / 1000:g} km") for i in range(count + 1)]
    return [Tick(along.pct(i * step_m), f"{i * step_m:g} m") for i in range(count + 1)]


def _passed(zone: Zone, way: Floats, flight: FlightAnalysis, along: Scale, up: Scale) -> list[Passed]:
    """Boxes for each stretch of the way that lies near the zone, cut to what the view shows."""
    base_m = flight.plan.home_amsl_m + flight.plan.geoid_m
    floor_m = max(zone.volume.floor_ellipsoidal_m - base_m, up.low)
    ceiling_m = min(zone.volume.ceiling_ellipsoidal_m - base_m, up.high)
    if ceiling_m <= floor_m:
        return []
    at_m = np.arange(0.0, along.high + _EVERY_M, _EVERY_M)
    points = shapely.points(np.interp(at_m, way[:, 0], way[:, 1]), np.interp(at_m, way[:, 0], way[:, 2]))
    aside_m = shapely.distance(points, zone.volume.outline)
    near = aside_m <= NEAR_M
    edges = np.flatnonzero(np.diff(near.astype(int), prepend=0, append=0))
    reach = heights(zone)
    return [
        Passed(
            left_pct=along.pct(at_m[first]),
            width_pct=min(100.0, along.pct(at_m[last - 1])) - along.pct(at_m[first]),
            bottom_pct=up.pct(floor_m),
            height_pct=up.pct(ceiling_m) - up.pct(floor_m),
            css=f"{kind_class(zone.kind)} {'aside' if aside_m[first:last].min() > 0 else 'crossed'}",
            name=zone.name,
            reach=_reach(reach, float(aside_m[first:last].min())),
            title=Words(f"{zone.name.en}: {reach.en}", f"{zone.name.zh}：{reach.zh}"),
        )
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]


def _reach(heights_of: Words, aside_m: float) -> Words:
    """A zone's heights, and how far beside the way it lies: drawn in one picture it would look as if flown through."""
    if aside_m <= 0.0:
        return heights_of
    return Words(f"{heights_of.en}, {aside_m:.0f} m aside", f"{heights_of.zh}，侧距 {aside_m:.0f} 米")
