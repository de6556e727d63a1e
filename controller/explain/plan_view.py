"""The route from above: zones in view, the line with its margins, what it meets, ways round, scale and north."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from airspace.clearing import Answer
from airspace.remedies import Remedy
from airspace.routes import legs_of
from airspace.zones import Zone
from controller.explain.style import (
    BLUE,
    GREY,
    IDLE,
    INK,
    MET,
    PAPER,
    REMEDY_LOOKS,
    RESERVED,
    SKY,
    Dash,
    Lettering,
    draw_mark,
    letters_wide,
    look_of,
)
from controller.explain.text import letter
from controller.report.axes import round_step

Bounds = tuple[float, float, float, float]

AIR_SHARE = 0.10  # of the view, around what must be seen
LEAST_VIEW_M = 400.0
MOST_NAMES = 14
CHARACTER, NAME_HIGH = 0.0052, 0.042  # of a name, as shares of the view
WORTH_SEEING = 0.012  # half the width that names leave free beside lines, as a share of the view
TICKS = 4


def draw_plan(axes: Axes, answer: Answer, remedies: Sequence[Remedy], letters: Lettering, shape: float) -> None:
    """Draw the plan view on axes that are `shape` times as wide as they are high."""
    ways = [_line(answer, remedy) for remedy in remedies]
    bounds = _view(answer, ways, shape)
    _frame(axes, answer, bounds)
    zones = [zone for zone in answer.question.airspace.zones if zone.volume.outline.intersects(box(*bounds))]
    for zone in zones:
        look = look_of(zone, answer)
        _fill(axes, zone.volume.outline, face=look.face, edge=look.edge, alpha=look.alpha, line=look.line)
    _draw_intents(axes, answer)
    swept = shapely.union_all([piece.volume.outline for piece in answer.flown.pieces])
    _fill(axes, swept, face=SKY, edge=SKY, alpha=0.35, order=3)
    _draw_route(axes, answer)
    for conflict in answer.conflicts:
        _hatch(axes, conflict.overlap)
    marks = [_draw_way(axes, i, way, answer) for i, way in enumerate(ways)]
    for number, conflict in enumerate(answer.conflicts, 1):
        x, y = answer.question.airspace.frame.xy(conflict.place)
        draw_mark(axes, x, y, str(number), MET.edge)
        marks.append(Point(x, y))
    room_m = WORTH_SEEING * (bounds[2] - bounds[0])
    lines = shapely.union_all([swept, *ways]).buffer(room_m / 2)
    taken = [*_polygons(lines), *(mark.buffer(room_m) for mark in marks if mark is not None)]
    _name_zones(axes, zones, answer, letters, taken)
    _draw_scale(axes, bounds)


def _view(answer: Answer, ways: Sequence[LineString], shape: float) -> Bounds:
    """West, south, east and north [m] of what is shown: the route, its ways round and some air, in the given shape."""
    seen = shapely.union_all([*(piece.volume.outline for piece in answer.flown.pieces), *ways])
    west, south, east, north = seen.bounds
    wide = max((east - west) * (1 + 2 * AIR_SHARE), LEAST_VIEW_M)
    high = max((north - south) * (1 + 2 * AIR_SHARE), LEAST_VIEW_M)
    wide, high = max(wide, high * shape), max(high, wide / shape)
    x, y = (west + east) / 2, (south + north) / 2
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _line(answer: Answer, remedy: Remedy) -> LineString:
    airspace = answer.question.airspace
    legs = legs_of(remedy.route, airspace.frame, airspace.surface)
    points = [legs[0].start_xy, *(leg.end_xy for leg in legs)]
    return LineString(points)


def _draw_intents(axes: Axes, answer: Answer) -> None:
    met = {conflict.id for conflict in answer.conflicts if conflict.kind == "intent"}
    for intent in answer.question.airspace.intents:
        if intent.id in met:
            outline = shapely.union_all([volume.outline for volume in intent.volumes])
            _fill(axes, outline, face=RESERVED.face, edge=RESERVED.edge, alpha=RESERVED.alpha, line=RESERVED.line)


def _draw_route(axes: Axes, answer: Answer) -> None:
    frame = answer.question.airspace.frame
    legs = answer.flown.legs
    xs = [legs[0].start_xy[0], *(leg.end_xy[0] for leg in legs)]
    ys = [legs[0].start_xy[1], *(leg.end_xy[1] for leg in legs)]
    axes.plot(xs, ys, color=BLUE, linewidth=1.8, zorder=5, solid_capstyle="round")
    numbers: dict[tuple[float, float], list[str]] = {}
    for number, waypoint in enumerate(answer.route.waypoints):
        numbers.setdefault(frame.xy(waypoint.position), []).append(str(number))
    for (x, y), names in numbers.items():
        axes.plot([x], [y], marker="o", markersize=4.5, color=PAPER, markeredgecolor=BLUE, zorder=6)
        axes.annotate(
            ", ".join(names),
            (x, y),
            xytext=(0, -11),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=BLUE,
            zorder=8,
        )


def _draw_way(axes: Axes, index: int, way: LineString, answer: Answer) -> Point | None:
    """A way round, dashed where it leaves the route, and where its letter stands; None for one that never does."""
    legs = answer.flown.legs
    asked = LineString([legs[0].start_xy, *(leg.end_xy for leg in legs)])
    parts = [part for part in shapely.get_parts(way.difference(asked.buffer(1.0))) if part.length > 0.0]
    if not parts:
        return None
    colour, dash = REMEDY_LOOKS[index % len(REMEDY_LOOKS)]
    for part in parts:
        axes.plot(*part.xy, color=colour, linewidth=1.8, linestyle=dash, zorder=6)
    longest = max(parts, key=lambda part: float(part.length))
    middle: Point = longest.interpolate(0.35 + 0.3 * (index % 2), normalized=True)
    draw_mark(axes, middle.x, middle.y, letter(index), colour)
    return middle


def _fill(
    axes: Axes, shape: BaseGeometry, *, face: str, edge: str, alpha: float, line: Dash = "-", order: float = 1
) -> None:
    for part in _polygons(shape):
        outline = _outline(part)
        if face != "none":
            axes.add_patch(PathPatch(outline, facecolor=face, edgecolor="none", alpha=alpha, zorder=order))
        axes.add_patch(
            PathPatch(outline, facecolor="none", edgecolor=edge, linewidth=0.9, linestyle=line, zorder=order + 0.1)
        )


def _hatch(axes: Axes, shape: BaseGeometry) -> None:
    for part in _polygons(shape):
        axes.add_patch(
            PathPatch(
                _outline(part), facecolor=(MET.face, 0.45), edgecolor=MET.edge, hatch="/////", linewidth=1.2, zorder=5.5
            )
        )


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    parts: list[BaseGeometry] = list(shapely.get_parts(shape))
    inner = [part for multi in parts if isinstance(multi, MultiPolygon) for part in multi.geoms]
    return [part for part in [*parts, *inner] if isinstance(part, Polygon)]


def _outline(part: Polygon) -> Outline:
    rings = [part.exterior, *part.interiors]
    return Outline.make_compound_path(*(Outline(shapely.get_coordinates(ring), closed=True) for ring in rings))


def _name_zones(axes: Axes, zones: Sequence[Zone], answer: Answer, letters: Lettering, taken: list[Polygon]) -> None:
    """Names of zones in or beside their visible parts, where they hide least: those that are met come first."""
    met = {conflict.id for conflict in answer.conflicts}
    west, south, east, north = _limits(axes)
    view = box(west, south, east, north)
    shown = [(zone, zone.volume.outline.intersection(view)) for zone in zones]
    shown.sort(key=lambda pair: (pair[0].id not in met, -pair[1].area))
    for zone, part in shown[:MOST_NAMES]:
        name, id_ = letters.write(zone.name), letters.plain(zone.id)
        wide = CHARACTER * (east - west) * max(letters_wide(name), letters_wide(id_))
        place = _least_hidden(part, view, (wide, NAME_HIGH * (north - south)), taken)
        taken.append(place)
        axes.text(
            place.centroid.x,
            place.centroid.y,
            f"{name}\n{id_}",
            fontsize=6.5,
            ha="center",
            va="center",
            color=GREY if look_of(zone, answer) is IDLE else INK,
            zorder=7,
            bbox={"facecolor": PAPER, "alpha": 0.6, "edgecolor": "none", "pad": 0.6},
        )


def _least_hidden(part: BaseGeometry, view: Polygon, size: tuple[float, float], taken: Sequence[Polygon]) -> Polygon:
    """Of the places in, above, below and beside a shape the box of a size that covers least of what is taken."""
    wide, high = size
    inside = shapely.point_on_surface(part)
    west, south, east, north = part.bounds
    x, y = (west + east) / 2, (south + north) / 2
    places = [
        (inside.x, inside.y),
        (x, north + 0.6 * high),
        (x, south - 0.6 * high),
        (east + 0.55 * wide, y),
        (west - 0.55 * wide, y),
        *((inside.x + dx * wide, inside.y + dy * high) for dx in (-1.0, 1.0) for dy in (-2.0, 2.0)),
    ]
    boxes: list[Polygon] = [box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2) for x, y in places]

    def hidden(rank: int) -> float:
        covered = sum(boxes[rank].intersection(other).area for other in taken)
        outside = boxes[rank].area - boxes[rank].intersection(view).area
        return float(covered + 5.0 * outside + 0.02 * rank * boxes[rank].area)

    return boxes[min(range(len(boxes)), key=hidden)]


def _limits(axes: Axes) -> Bounds:
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    return west, south, east, north


def _frame(axes: Axes, answer: Answer, bounds: Bounds) -> None:
    """Limits, and degrees of longitude and latitude along the lower and the left edge."""
    west, south, east, north = bounds
    frame = answer.question.airspace.frame
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect("equal")
    xs = [west + (i + 0.5) * (east - west) / TICKS for i in range(TICKS)]
    ys = [south + (i + 0.5) * (north - south) / TICKS for i in range(TICKS)]
    axes.set_xticks(xs, [f"{frame.latlon(x, south).lon_deg:.4f}°E" for x in xs], fontsize=7)
    axes.set_yticks(ys, [f"{frame.latlon(west, y).lat_deg:.4f}°N" for y in ys], fontsize=7)
    axes.tick_params(length=3, color=GREY, labelcolor=INK)
    for side in axes.spines.values():
        side.set_color(GREY)


def _draw_scale(axes: Axes, bounds: Bounds) -> None:
    """A scale bar in the lower left corner, and north in the upper right."""
    west, south, east, north = bounds
    wide, high = east - west, north - south
    length_m = round_step(wide / 8)
    x, y = west + 0.03 * wide, south + 0.05 * high
    axes.plot([x, x + length_m], [y, y], color=INK, linewidth=3, solid_capstyle="butt", zorder=9)
    text = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    axes.text(x + length_m / 2, y + 0.015 * high, text, ha="center", va="bottom", fontsize=7.5, color=INK, zorder=9)
    x, y = east - 0.035 * wide, north - 0.13 * high
    axes.annotate(
        "N",
        xy=(x, y + 0.10 * high),
        xytext=(x, y),
        ha="center",
        va="center",
        fontsize=9,
        fontweight="bold",
        color=INK,
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.4},
        zorder=9,
    )
