"""What a route meets, told once for each zone or intent: who, where, when, by how much, under which rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from airspace.conflicts import Conflict
from airspace.frames import LatLon
from airspace.reasons import Reason, Words
from airspace.routes import RouteLeg, RoutePiece
from airspace.routing import PointXY
from airspace.shifts import (
    Depth,
    forbidden_heights,
    forbidden_times,
    in_height,
    in_plan,
    in_time,
    least_plan_shift,
    least_shift,
)
from airspace.volumes import Volume4D

COMPASS = (
    Words("north", "北"),
    Words("north-east", "东北"),
    Words("east", "东"),
    Words("south-east", "东南"),
    Words("south", "南"),
    Words("south-west", "西南"),
    Words("west", "西"),
    Words("north-west", "西北"),
)


@dataclass(frozen=True, slots=True)
class RouteConflict:
    """One zone or intent that a route enters, over all the legs that do.

    `legs` are the numbers of the waypoints that these legs lead to. `overlap` is the shared outline in the local frame
    [m], heights are ellipsoidal [m] and times UTC [s], each from the least to the greatest of the shared parts;
    `place` is in the first of these and `grid_code` its BeiDou grid location code. `details` are the pairs of volumes.
    """

    kind: Literal["zone", "intent"]
    id: str
    name: Words
    rule: Words
    legs: tuple[int, ...]
    overlap: BaseGeometry
    floor_ellipsoidal_m: float
    ceiling_ellipsoidal_m: float
    start_s: float
    end_s: float
    place: LatLon
    grid_code: str
    depth: Depth
    details: tuple[Conflict, ...]

    def reason(self, where: str = "") -> Reason:
        """The conflict as a refusal, over all of its heights and times."""
        whole = replace(
            self.details[0],
            overlap=self.overlap,
            floor_ellipsoidal_m=self.floor_ellipsoidal_m,
            ceiling_ellipsoidal_m=self.ceiling_ellipsoidal_m,
            start_s=self.start_s,
            end_s=self.end_s,
            place=self.place,
        )
        return whole.reason(where)


def depth_of(pieces: Sequence[RoutePiece], others: Sequence[Volume4D], lateral_m: float, horizon_s: float) -> Depth:
    """The least shifts that separate a route from volumes, one axis at a time, all of its pieces counted.

    `others` are the volumes within `horizon_s` [s] of the route: a shift in time beyond the horizon is not known.
    """
    own = [piece.volume for piece in pieces]
    plan, height, time = in_plan(own, others), in_height(own, others), in_time(own, others)
    lines, outlines = _bound(pieces, others, height & time)
    plan_m, bearing_deg = least_plan_shift(lines, outlines, lateral_m)
    heights = forbidden_heights(own, others, plan & time)
    times = forbidden_times(own, others, plan & height)
    earlier_s, later_s = (least_shift(times, sign, closed=False) for sign in (-1, 1))
    return Depth(
        plan_m=plan_m,
        bearing_deg=bearing_deg,
        up_m=least_shift(heights, 1, closed=True),
        down_m=least_shift(heights, -1, closed=True),
        earlier_s=earlier_s if earlier_s < horizon_s else None,
        later_s=later_s if later_s < horizon_s else None,
    )


def _bound(
    pieces: Sequence[RoutePiece], others: Sequence[Volume4D], together: npt.NDArray[np.bool_]
) -> tuple[list[LineString | Point], list[Polygon | MultiPolygon]]:
    """The lines that must be kept apart from an outline, each with that outline.

    Pieces of one leg that follow each other are one line, since the leg is straight.
    """
    runs: list[tuple[int, int, int]] = []  # first piece, last piece, other
    for j, i in np.argwhere(together.T).tolist():
        if runs and runs[-1][1:] == (i - 1, j) and pieces[i].leg == pieces[i - 1].leg:
            runs[-1] = (runs[-1][0], i, j)
        else:
            runs.append((i, i, j))
    lines = [_line(pieces[first].start_xy, pieces[last].end_xy) for first, last, _ in runs]
    return lines, [others[j].outline for _, _, j in runs]


def _line(start_xy: PointXY, end_xy: PointXY) -> LineString | Point:
    return Point(start_xy) if start_xy == end_xy else LineString([start_xy, end_xy])


def route_conflict(
    first: Conflict,
    details: Sequence[Conflict],
    *,
    legs: Sequence[RouteLeg],
    pieces: Sequence[RoutePiece],
    grid_code: str,
    depth: Depth,
) -> RouteConflict:
    """One conflict of a route out of the pairs of its pieces with one zone or intent, `first` of which comes first."""
    return RouteConflict(
        kind=first.other_kind,
        id=first.other_id,
        name=first.name,
        rule=first.rule,
        legs=tuple(sorted({legs[pieces[detail.volume].leg].number for detail in details})),
        overlap=shapely.union_all([detail.overlap for detail in details]),
        floor_ellipsoidal_m=min(detail.floor_ellipsoidal_m for detail in details),
        ceiling_ellipsoidal_m=max(detail.ceiling_ellipsoidal_m for detail in details),
        start_s=min(detail.start_s for detail in details),
        end_s=max(detail.end_s for detail in details),
        place=first.place,
        grid_code=grid_code,
        depth=depth,
        details=tuple(sorted(details, key=lambda detail: detail.volume)),
    )


def depth_words(depth: Depth) -> Words:
    """By how much a route conflicts, in words: the least shift along each axis that would clear it."""
    towards = COMPASS[round(depth.bearing_deg / 45.0) % 8]
    ways = [Words(f"{depth.plan_m:.0f} m {towards.en}", f"向{towards.zh} {depth.plan_m:.0f} 米")]
    if depth.height_m is not None:
        how = Words("higher", "升高") if depth.height_m == depth.up_m else Words("lower", "降低")
        ways.append(Words(f"{depth.height_m:.1f} m {how.en}", f"{how.zh} {depth.height_m:.1f} 米"))
    if depth.time_s is not None:
        how = Words("later", "推迟") if depth.time_s == depth.later_s else Words("earlier", "提前")
        span = duration_words(depth.time_s)
        ways.append(Words(f"{span.en} {how.en}", f"{how.zh} {span.zh}"))
    return Words(" or ".join(way.en for way in ways), "或".join(way.zh for way in ways))


def duration_words(seconds: float) -> Words:
    """A span of time in hours, minutes and seconds, rounded up to the second."""
    whole = int(-(-seconds // 1))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = [(hours, "h", "小时"), (minutes, "min", "分"), (rest, "s", "秒")]
    shown = [part for part in parts if part[0]] or [parts[2]]
    return Words(" ".join(f"{n} {en}" for n, en, _ in shown), " ".join(f"{n} {zh}" for n, _, zh in shown))


def legs_words(numbers: Sequence[int]) -> Words:
    """The legs of a conflict as people count them: by the waypoint that each leads to."""
    shown = runs_text(numbers)
    return Words(f"leg {shown}" if len(numbers) == 1 else f"legs {shown}", f"第 {shown} 航段")


def runs_text(numbers: Sequence[int]) -> str:
    """Rising numbers with runs written as ranges: 1, 3-5."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)
