"""The route from the side: height over distance, with ground, obstacles, zones that it crosses, margins, conflicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from shapely.geometry import LineString, Point

from airspace.clearing import Answer
from airspace.ground.clearance import TERRAIN
from airspace.reasons import Words
from airspace.remedies import Remedy
from airspace.routes import RouteLeg
from airspace.volumes import Volume4D
from controller.explain.style import (
    BLUE,
    GREY,
    GROUND_FILL,
    INK,
    MET,
    PAPER,
    REMEDY_LOOKS,
    RESERVED,
    SKY,
    Lettering,
    ZoneLook,
    draw_mark,
    look_of,
)
from controller.explain.text import letter

HEADROOM_SHARE = 0.45  # of the height of the route over the lowest ground, above its top
LEAST_HEADROOM_M = 30.0
BELOW_M = 10.0
DISTANCE = Words("distance along the route [m]", "沿航线距离 [米]")
HEIGHT = Words("height above mean sea level [m]", "海拔高度 [米]")


@dataclass(frozen=True, slots=True)
class _Scene:
    """A route unrolled: legs with the distance [m] at which each begins, and what is taken off ellipsoidal heights."""

    answer: Answer
    legs: tuple[RouteLeg, ...]
    starts_m: tuple[float, ...]
    geoid_m: float
    low_m: float
    high_m: float

    @property
    def length_m(self) -> float:
        return self.starts_m[-1] + self.legs[-1].length_m

    @property
    def air_m(self) -> float:
        """How far the view reaches beyond both ends [m]."""
        return max(0.015 * self.length_m, 1.0)

    def up(self, ellipsoidal_m: float) -> float:
        """A height over the ellipsoid as the view counts it, within what it shows."""
        return min(max(ellipsoidal_m - self.geoid_m, self.low_m), self.high_m)


def draw_side(axes: Axes, answer: Answer, remedies: Sequence[Remedy], letters: Lettering) -> None:
    """Draw the side view on axes."""
    scene = _scene(answer)
    _draw_ground(axes, scene)
    _draw_volumes(axes, scene, letters)
    _draw_margins(axes, scene)
    _draw_conflicts(axes, scene)
    _draw_obstacles(axes, scene, letters)
    _draw_heights(axes, scene, remedies)
    _draw_legs(axes, scene)
    axes.set_xlim(-scene.air_m, scene.length_m + scene.air_m)
    axes.set_ylim(scene.low_m, scene.high_m)
    axes.set_xlabel(letters.write(DISTANCE), fontsize=8)
    axes.set_ylabel(letters.write(HEIGHT), fontsize=8)
    axes.tick_params(labelsize=7, length=3, color=GREY, labelcolor=INK)
    axes.grid(visible=True, color="#e6e6e6", linewidth=0.6, zorder=0)
    for side in axes.spines.values():
        side.set_color(GREY)


def _scene(answer: Answer) -> _Scene:
    legs, surface = answer.flown.legs, answer.question.airspace.surface
    geoid_m = surface.at(answer.route.waypoints[0].position).geoid_m
    starts_m = (0.0, *accumulate(leg.length_m for leg in legs))[: len(legs)]
    grounds = [height_m for _, height_m in _ground(answer, legs, starts_m)]
    top_m = max(max(leg.start_ellipsoidal_m, leg.end_ellipsoidal_m) for leg in legs)
    bottom_m = min(min(leg.start_ellipsoidal_m, leg.end_ellipsoidal_m) for leg in legs)
    low_m = min(*grounds, bottom_m) - BELOW_M
    high_m = top_m + max(LEAST_HEADROOM_M, HEADROOM_SHARE * (top_m - min(grounds)))
    return _Scene(answer, legs, starts_m, geoid_m, low_m - geoid_m, high_m - geoid_m)


def _ground(answer: Answer, legs: Sequence[RouteLeg], starts_m: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Distance along the route and height over the ellipsoid [m] of the ground under it."""
    airspace = answer.question.airspace
    for leg, start_m in zip(legs, starts_m, strict=True):
        profile = airspace.surface.along(airspace.frame, leg.start_xy, leg.end_xy)
        for along_m, height_m in zip(profile.along_m[:-1], profile.start_m, strict=True):
            yield start_m + float(along_m), float(height_m)
        yield start_m + leg.length_m, float(profile.end_m[-1])


def _draw_ground(axes: Axes, scene: _Scene) -> None:
    points = list(_ground(scene.answer, scene.legs, scene.starts_m))
    along = [-scene.air_m, *(point[0] for point in points), scene.length_m + scene.air_m]
    heights = [scene.up(height_m) for height_m in (points[0][1], *(point[1] for point in points), points[-1][1])]
    axes.fill_between(along, scene.low_m, heights, facecolor=GROUND_FILL, edgecolor=INK, linewidth=0.8, zorder=3)


def _draw_volumes(axes: Axes, scene: _Scene, letters: Lettering) -> None:
    """What the route passes through in plan, at its heights: zones, and the flights that are in its way."""
    answer = scene.answer
    for zone in answer.question.airspace.zones:
        _draw_volume(axes, scene, zone.volume, look_of(zone, answer), letters.plain(zone.id))
    for conflict in answer.conflicts:
        if conflict.kind == "intent":
            for other in {id(detail.other): detail.other for detail in conflict.details}.values():
                _draw_volume(axes, scene, other, RESERVED, letters.plain(conflict.id))


def _stretches(scene: _Scene, volume: Volume4D) -> list[tuple[float, float]]:
    """Where along the route the lateral margin reaches into a volume [m], merged from leg to leg."""
    reach = volume.outline.buffer(scene.answer.question.margins.margins.lateral_m)
    found: list[tuple[float, float]] = []
    for leg, start_m in zip(scene.legs, scene.starts_m, strict=True):
        line = LineString([leg.start_xy, leg.end_xy])
        for part in shapely.get_parts(line.intersection(reach)):
            ends = [start_m + line.project(Point(corner)) for corner in shapely.get_coordinates(part)]
            if not ends:
                continue
            first, last = min(ends), max(ends)
            if found and first - found[-1][1] < 1.0:
                found[-1] = (found[-1][0], last)
            else:
                found.append((first, last))
    return found


def _draw_volume(axes: Axes, scene: _Scene, volume: Volume4D, look: ZoneLook, name: str) -> None:
    low_m, high_m = scene.up(volume.floor_ellipsoidal_m), scene.up(volume.ceiling_ellipsoidal_m)
    if high_m <= low_m:
        return
    high = scene.high_m - scene.low_m
    floats = low_m > scene.low_m + 0.2 * high  # its name stands below it, clear of the route
    name_m = low_m - 0.01 * high if floats else high_m - 0.02 * high
    for first_m, last_m in _stretches(scene, volume):
        size = (max(last_m - first_m, 1.0), high_m - low_m)
        face = "none" if look.face == "none" else (look.face, look.alpha)
        axes.add_patch(Rectangle((first_m, low_m), *size, facecolor=face, edgecolor="none", zorder=1))
        border = Rectangle((first_m, low_m), *size, facecolor="none", edgecolor=look.edge, linewidth=0.9, zorder=1.1)
        border.set_linestyle(look.line)
        axes.add_patch(border)
        axes.text(
            (first_m + last_m) / 2,
            name_m,
            name,
            fontsize=6.5,
            ha="center",
            va="top",
            color=GREY if look.face == "none" else INK,
            zorder=6,
            clip_on=True,
        )


def _draw_margins(axes: Axes, scene: _Scene) -> None:
    room_m = scene.answer.question.margins.margins.vertical_m
    for leg, start_m in zip(scene.legs, scene.starts_m, strict=True):
        along = [start_m, start_m + leg.length_m]
        low = [scene.up(leg.start_ellipsoidal_m - room_m), scene.up(leg.end_ellipsoidal_m - room_m)]
        high = [scene.up(leg.start_ellipsoidal_m + room_m), scene.up(leg.end_ellipsoidal_m + room_m)]
        axes.fill_between(along, low, high, facecolor=SKY, edgecolor="none", alpha=0.4, zorder=2)


def _draw_conflicts(axes: Axes, scene: _Scene) -> None:
    for number, conflict in enumerate(scene.answer.conflicts, 1):
        seen: list[tuple[float, float]] = []
        for detail in conflict.details:
            piece = scene.answer.flown.pieces[detail.volume]
            leg, start_m = scene.legs[piece.leg], scene.starts_m[piece.leg]
            line = LineString([leg.start_xy, leg.end_xy])
            ends = [line.project(Point(corner)) for corner in shapely.get_coordinates(detail.overlap)]
            first_m, last_m = start_m + min(ends), start_m + max(ends)
            low_m, high_m = scene.up(detail.floor_ellipsoidal_m), scene.up(detail.ceiling_ellipsoidal_m)
            axes.add_patch(
                Rectangle(
                    (first_m, low_m),
                    max(last_m - first_m, 1.0),
                    high_m - low_m,
                    facecolor=(MET.face, 0.35),
                    edgecolor=MET.edge,
                    hatch="/////",
                    linewidth=0.0,
                    zorder=4,
                )
            )
            seen.append(((first_m + last_m) / 2, high_m))
        x, y = seen[len(seen) // 2]
        draw_mark(axes, x, y, str(number), MET.edge)


def _draw_obstacles(axes: Axes, scene: _Scene, letters: Lettering) -> None:
    """What stands under or beside the legs, as a stem up to its top where the leg is closest above it."""
    for passed in scene.answer.clearances:
        clearance = passed.clearance
        if clearance.kind == TERRAIN:
            continue
        index = next(i for i, leg in enumerate(scene.legs) if leg.number == passed.leg)
        leg, x = scene.legs[index], scene.starts_m[index] + clearance.along_m
        share = clearance.along_m / leg.length_m if leg.length_m > 0.0 else 0.0
        top_m = scene.up(leg.at(share)[2] - clearance.vertical_m)
        axes.plot([x, x], [scene.low_m, top_m], color=INK, linewidth=2.2, zorder=3.5, solid_capstyle="butt")
        name = letters.plain(clearance.name or clearance.over)
        axes.text(x, top_m, name, fontsize=6, ha="center", va="bottom", color=INK, zorder=6, clip_on=True)


def _draw_heights(axes: Axes, scene: _Scene, remedies: Sequence[Remedy]) -> None:
    """Remedies that fly the same line at another height, dashed; a way round has other distances and is left out."""
    asked = [waypoint.position for waypoint in scene.answer.route.waypoints]
    for index, remedy in enumerate(remedies):
        if not remedy.raise_m or [waypoint.position for waypoint in remedy.route.waypoints] != asked:
            continue
        colour, dash = REMEDY_LOOKS[index % len(REMEDY_LOOKS)]
        flown = scene.answer.question.flown(remedy.route)
        along = [0.0, *accumulate(leg.length_m for leg in flown.legs)]
        heights = [scene.up(m) for m in (flown.legs[0].start_ellipsoidal_m, *(x.end_ellipsoidal_m for x in flown.legs))]
        axes.plot(along, heights, color=colour, linewidth=1.6, linestyle=dash, zorder=5)
        at_m = scene.length_m * (0.08 + 0.07 * index)
        draw_mark(axes, at_m, float(np.interp(at_m, along, heights)), letter(index), colour)


def _draw_legs(axes: Axes, scene: _Scene) -> None:
    legs = scene.legs
    along = [*scene.starts_m, scene.length_m]
    heights = [scene.up(legs[0].start_ellipsoidal_m), *(scene.up(leg.end_ellipsoidal_m) for leg in legs)]
    axes.plot(along, heights, color=BLUE, linewidth=1.8, zorder=5)
    marks = {0: (0.0, heights[0]), **{leg.number: (along[i + 1], heights[i + 1]) for i, leg in enumerate(legs)}}
    for number, (x, y) in marks.items():
        axes.plot([x], [y], marker="o", markersize=4.5, color=PAPER, markeredgecolor=BLUE, zorder=6, clip_on=False)
        axes.annotate(
            str(number),
            (x, y),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=BLUE,
            zorder=8,
        )
