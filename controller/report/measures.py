"""How well a flight kept to its plan, in numbers: cross-track, clearance, energy, photos and gaps.

Everything is measured on what the drone said of itself, in the local frame [m] and ellipsoidal heights [m]. Nothing is
claimed about a time in which it was not heard: no straight line is drawn over a gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString, Point, Polygon

from airspace.frames import LocalFrame
from airspace.volumes import Volume4D
from airspace.zones import NO_PERMITS, Zone
from controller.report.flown import Floats, Flown
from controller.report.progress import Step
from controller.streams import STREAMS, Stream
from missions.plan import Plan, PlanVolume

GAP_S = STREAMS[Stream.POSITION].stale_after_s  # older positions than this support no decision, and no claim


@dataclass(frozen=True, slots=True)
class CrossTrack:
    """Horizontal distance of flown positions from the planned legs [m]: the greatest, the 95th percentile, and when."""

    max_m: float
    p95_m: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Nearest:
    """The zone that the flown track came nearest to while it overlapped the zone in height and time."""

    zone: str
    clearance_m: float
    at_s: float


@dataclass(frozen=True, slots=True)
class EnergyUsed:
    """Energy drawn in the air [Wh]; `source` is `counter` (the autopilot's) or `integrated` (volts times amperes)."""

    used_wh: float
    source: str


@dataclass(frozen=True, slots=True)
class TargetSeen:
    """A target and the nearest photo to it [m]; `seen` when that is within `limit_m`."""

    name: str
    lat_deg: float
    lon_deg: float
    planned: bool
    why_not: str
    nearest_photo_m: float | None
    limit_m: float
    flown: bool

    @property
    def seen(self) -> bool:
        """Whether a photo was taken near enough."""
        return self.nearest_photo_m is not None and self.nearest_photo_m <= self.limit_m

    @property
    def state(self) -> str:
        """`seen`, `missed` (planned, flown, not seen), `waiting` (planned, not flown) or `left-out` (of the plan)."""
        if self.seen:
            return "seen"
        return "left-out" if not self.planned else "missed" if self.flown else "waiting"


@dataclass(frozen=True, slots=True)
class Track:
    """Flown positions in the local frame: UTC [s], east and north [m], ellipsoidal height [m]."""

    utc_s: Floats
    xy_m: Floats
    ellipsoidal_m: Floats

    @property
    def length_m(self) -> float:
        """Horizontal way flown [m]."""
        return float(np.hypot(*np.diff(self.xy_m, axis=0).T).sum()) if len(self.xy_m) > 1 else 0.0


def track_of(flown: Flown, frame: LocalFrame, plan: Plan) -> Track:
    """The flown positions; heights are taken from home, whose height the plan knows over the ellipsoid."""
    position = flown.position
    xy_m = frame.xy_array(position[:, 1:3]) if len(position) else np.empty((0, 2))
    return Track(position[:, 0], xy_m, position[:, 3] + plan.home_amsl_m + plan.geoid_m)


def cross_track(track: Track, steps: Sequence[Step]) -> CrossTrack | None:
    """Distance from the nearest of the given steps' legs, in plan; None without positions or legs."""
    corners = [[(x, y) for x, y, _ in step.xyz_m] for step in steps]
    if not corners or not len(track.utc_s):
        return None
    legs = shapely.union_all([LineString(c) if _moves(c) else Point(c[0]) for c in corners])
    away_m = shapely.distance(shapely.points(track.xy_m), legs)
    worst = int(np.argmax(away_m))
    return CrossTrack(float(away_m[worst]), float(np.percentile(away_m, 95)), float(track.utc_s[worst]))


def _moves(corners: Sequence[tuple[float, float]]) -> bool:
    return any(corner != corners[0] for corner in corners)


def nearest_zone(track: Track, zones: Sequence[Zone], permitted: frozenset[str] = NO_PERMITS) -> Nearest | None:
    """The least horizontal distance to a closed zone with a common height and time; 0 inside; None without one.

    A zone that asks for nothing, or for leave that the flight has, does not count.
    """
    if not len(track.utc_s):
        return None
    nearest: Nearest | None = None
    pieces = _pieces(track)
    first_s, last_s = float(track.utc_s[0]), math.nextafter(float(track.utc_s[-1]), math.inf)
    for zone in zones:
        if not zone.closed_to(permitted):
            continue
        for window in zone.windows(first_s, last_s):
            found = _clearance(pieces, zone.volume, window)
            if found is not None and (nearest is None or found[0] < nearest.clearance_m):
                nearest = Nearest(zone.id, *found)
    return nearest


@dataclass(frozen=True, slots=True)
class _Pieces:
    lines: npt.NDArray[np.object_]
    start_s: Floats
    end_s: Floats
    low_m: Floats
    high_m: Floats


def _pieces(track: Track) -> _Pieces:
    """Straight pieces between positions heard in time after each other, and every position as a piece of no length."""
    utc_s, height_m = track.utc_s, track.ellipsoidal_m
    joined = np.flatnonzero(np.diff(utc_s) <= GAP_S)
    first = np.concatenate([joined, np.arange(len(utc_s))])
    second = np.concatenate([joined + 1, np.arange(len(utc_s))])
    ends = np.stack([track.xy_m[first], track.xy_m[second]], axis=1)
    return _Pieces(
        lines=np.asarray(shapely.linestrings(ends), dtype=np.object_),
        start_s=utc_s[first],
        end_s=utc_s[second],
        low_m=np.minimum(height_m[first], height_m[second]),
        high_m=np.maximum(height_m[first], height_m[second]),
    )


def _clearance(pieces: _Pieces, volume: Volume4D, window: tuple[float, float]) -> tuple[float, float] | None:
    start_s, end_s = window
    common = np.flatnonzero(
        (pieces.start_s < end_s)
        & (pieces.end_s >= start_s)
        & (pieces.low_m <= volume.ceiling_ellipsoidal_m)
        & (pieces.high_m >= volume.floor_ellipsoidal_m)
    )
    if not len(common):
        return None
    away_m = shapely.distance(pieces.lines[common], volume.outline)
    least = int(np.argmin(away_m))
    return float(away_m[least]), float(pieces.start_s[common[least]])


def outside_reserved_s(track: Track, volumes: Sequence[PlanVolume], frame: LocalFrame) -> float | None:
    """Seconds in which no single reserved volume held the drone in plan, height and time; None without volumes."""
    if not volumes or len(track.utc_s) < 2:
        return None
    inside = np.zeros(len(track.utc_s), dtype=bool)
    points = shapely.points(track.xy_m)
    for volume in volumes:
        could = (
            (track.utc_s >= volume.start_s)
            & (track.utc_s < volume.end_s)
            & (track.ellipsoidal_m >= volume.floor_ellipsoidal_m)
            & (track.ellipsoidal_m <= volume.ceiling_ellipsoidal_m)
            & ~inside
        )
        outline = Polygon(frame.xy_array(volume.ring_lon_lat_deg))
        inside[could] = shapely.covers(outline, points[could])
    heard_for_s = np.diff(track.utc_s, append=track.utc_s[-1:])
    return float(np.minimum(heard_for_s, GAP_S)[~inside].sum())


def energy_used(flown: Flown, start_s: float, end_s: float) -> EnergyUsed | None:
    """Energy drawn between two times: by the autopilot's counter, else volts times amperes; None: neither is known.

    A counter that falls back (the autopilot was restarted) goes on from where it fell to.
    """
    battery = flown.battery
    before = battery[battery[:, 0] <= start_s][-1:]
    during = battery[(battery[:, 0] > start_s) & (battery[:, 0] <= end_s)]
    rows = np.concatenate([before, during])
    counted = rows[~np.isnan(rows[:, 4])]
    if len(counted) > 1:
        steps_wh = np.diff(counted[:, 4])
        return EnergyUsed(float(steps_wh[steps_wh > 0].sum()), "counter")
    metered = rows[~np.isnan(rows[:, 2]) & ~np.isnan(rows[:, 3])]
    if len(metered) > 1:
        watts = metered[:, 2] * metered[:, 3]
        return EnergyUsed(float(np.trapezoid(watts, metered[:, 0])) / 3600, "integrated")
    return None


def gaps(utc_s: Floats, start_s: float, end_s: float) -> tuple[tuple[float, float], ...]:
    """Spans between two times in which no position was heard for longer than positions stay fresh (UTC seconds)."""
    heard = np.concatenate([[start_s], utc_s[(utc_s > start_s) & (utc_s < end_s)], [end_s]])
    silent = np.flatnonzero(np.diff(heard) > GAP_S)
    return tuple((float(heard[i]), float(heard[i + 1])) for i in silent)


def targets_seen(
    plan: Plan, photos_lon_lat_deg: Sequence[tuple[float, float]], frame: LocalFrame, *, flown: bool
) -> list[TargetSeen]:
    """Each target of the plan with its nearest photo.

    Near enough is the plan's own `max_target_distance_m`; a plan that names none is held to its greatest height above
    home, the ground that a camera with a 90 degree view shows around the point below it.
    """
    limit_m = float(plan.details.get("max_target_distance_m", plan.max_relative_m))
    photos = frame.xy_array(photos_lon_lat_deg) if photos_lon_lat_deg else np.empty((0, 2))
    seen: list[TargetSeen] = []
    for target in plan.targets:
        nearest_m: float | None = None
        lat_deg, lon_deg = target.lat_deg, target.lon_deg
        if len(photos):
            x, y = frame.xy_array([(lon_deg, lat_deg)])[0]
            nearest_m = float(np.hypot(photos[:, 0] - x, photos[:, 1] - y).min())
        facts = (target.name, lat_deg, lon_deg, target.covered, target.why_not)
        seen.append(TargetSeen(*facts, nearest_photo_m=nearest_m, limit_m=limit_m, flown=flown))
    return seen
