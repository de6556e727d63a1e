"""The map of a run as shapes in metres: x east, y south (as SVG counts), around the first home."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from shapely.geometry import MultiPolygon, Polygon, box

from airspace.charted import Restriction
from airspace.frames import Height, LocalFrame
from airspace.reasons import Words
from airspace.volumes import FOREVER_S
from airspace.zones import Zone
from controller.report.analysis import FlightAnalysis, RunAnalysis
from controller.report.flown import Floats
from controller.report.measures import GAP_S, TargetSeen
from controller.report.run import PoleStory
from controller.report.timeline import local_date_time
from controller.report.words import said, words
from missions.items import Command, MissionItem

FRAME_SHARE = 0.12  # empty space around the shown route, as a share of its size
ASPECT = 16 / 9
_KIND_CLASSES = {
    "airport": "airport",
    "hospital-pad": "hospital",
    "no-fly": "nofly",
    "military": "nofly",
    "restricted": "restricted",
    "danger": "restricted",
    "temporary": "restricted",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A line or an area: an SVG path in metres, with what it is called."""

    path: str
    css: str = ""
    title: Words | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A symbol of constant size at a place, with a label and a longer title."""

    x: float
    y: float
    css: str
    label: Words
    title: Words


@dataclass(slots=True)
class MapView:
    """All that the map draws; `view` is x, y, width, height of what is shown first [m]."""

    view: tuple[float, float, float, float]
    scale_bar_m: float = 100.0
    grid_m: float = 500.0
    zones: list[Shape] = field(default_factory=list)
    zone_labels: list[Mark] = field(default_factory=list)
    volumes: list[Shape] = field(default_factory=list)
    fences: list[Shape] = field(default_factory=list)
    planned: list[Shape] = field(default_factory=list)
    branches: list[Shape] = field(default_factory=list)
    flown: list[Shape] = field(default_factory=list)
    photos: list[tuple[float, float, int]] = field(default_factory=list)
    targets: list[Mark] = field(default_factory=list)
    poles: list[Mark] = field(default_factory=list)
    rally: list[Mark] = field(default_factory=list)
    ends: list[Mark] = field(default_factory=list)


def map_view(run: RunAnalysis) -> MapView | None:
    """The map of a run; None when nothing in it has a place."""
    frame = run.frame
    if frame is None:
        return None
    shown = _shown_points(run, frame)
    if not len(shown):
        return None
    view = _view(shown)
    drawn = MapView(view, scale_bar_m=_round_down(view[2] / 6), grid_m=_round_down(view[2] / 5))
    in_view = box(view[0], -view[1] - view[3], view[0] + view[2], -view[1])
    for zone in run.zones:
        css = kind_class(zone.kind) + (" aside" if _is_aside(zone, run) else "")
        drawn.zones.append(Shape(_area(zone.volume.outline), css, _zone_title(zone)))
        shown_part = zone.volume.outline.intersection(in_view)
        centre = (zone.volume.outline if shown_part.is_empty else shown_part).representative_point()
        mark = Mark(centre.x, -centre.y, css, zone.name, heights(zone))
        drawn.zone_labels.append(mark)
    for flight in run.flights:
        _add_flight(drawn, flight, frame)
    docks = {option.dock for flight in run.flights for option in flight.plan.landings if option.dock}
    for _, pole in sorted(run.story.poles.items()):
        drawn.poles += _pole_mark(pole, frame, is_dock=pole.code in docks or "dock" in pole.services)
    return drawn


def _add_flight(drawn: MapView, flight: FlightAnalysis, frame: LocalFrame) -> None:
    plan = flight.plan
    for volume in flight.story.volumes or plan.volumes:
        drawn.volumes.append(Shape(_area(Polygon(frame.xy_array(volume.ring_lon_lat_deg)))))
    drawn.fences += [Shape(path) for path in _fence_paths(plan.fence, frame)]
    flown_branches = flight.story.branches()
    for leg in plan.legs:
        ends = frame.xy_array([(p.lon_deg, p.lat_deg) for p in (leg.start, leg.end)])
        target = drawn.planned if leg.branch in flown_branches else drawn.branches
        target.append(Shape(_line(ends)))
    drawn.flown += [Shape(_line(piece)) for piece in unbroken(flight.track.utc_s, flight.track.xy_m)]
    if flight.story.photos:
        at = frame.xy_array([(photo.lon_deg, photo.lat_deg) for _, photo in flight.story.photos])
        drawn.photos += [
            (round(x, 1), round(-y, 1), photo.index)
            for (x, y), (_, photo) in zip(at.tolist(), flight.story.photos, strict=True)
        ]
    for target_seen in flight.targets:
        drawn.targets.append(_target_mark(target_seen, frame))
    for number, item in enumerate((i for i in plan.rally if i.command == Command.RALLY_POINT), 1):
        x, y = frame.xy_array([(item.lon_deg, item.lat_deg)])[0].tolist()
        name = words("mark.rally")
        drawn.rally.append(Mark(x, -y, "rally", Words(f"R{number}", f"R{number}"), name))
    x, y = frame.xy_array([(plan.home.lon_deg, plan.home.lat_deg)])[0].tolist()
    drawn.ends.append(Mark(x, -y, "home", words("mark.home"), words("mark.home")))
    if len(flight.track.xy_m):
        x, y = flight.track.xy_m[-1].tolist()
        place = flight.story.ended.landed_on if flight.story.ended else ""
        title = Words(f"{words('mark.landed').en}: {place}", f"{words('mark.landed').zh}：{place}")
        drawn.ends.append(Mark(x, -y, "landed", words("mark.landed"), title if place else words("mark.landed")))


def _target_mark(target: TargetSeen, frame: LocalFrame) -> Mark:
    x, y = frame.xy_array([(target.lon_deg, target.lat_deg)])[0].tolist()
    state = target.state
    says = words(f"target.{state}")
    title = Words(f"{target.name}: {says.en}", f"{target.name}：{says.zh}")
    return Mark(x, -y, f"target {state}", Words(target.name, target.name), title)


def _pole_mark(pole: PoleStory, frame: LocalFrame, *, is_dock: bool) -> list[Mark]:
    if pole.lat_deg is None or pole.lon_deg is None:
        return []
    x, y = frame.xy_array([(pole.lon_deg, pole.lat_deg)])[0].tolist()
    kind = words("mark.dock" if is_dock else "mark.pole")
    title = Words(f"{pole.code}, {kind.en}", f"{pole.code}，{kind.zh}")
    return [Mark(x, -y, "dock" if is_dock else "pole", Words(pole.code, pole.code), title)]


def _shown_points(run: RunAnalysis, frame: LocalFrame) -> Floats:
    """What the first view must hold: routes, tracks and poles; zones only when there is nothing else."""
    lon_lat: list[tuple[float, float]] = []
    for flight in run.flights:
        for leg in flight.plan.legs:
            lon_lat += [(leg.start.lon_deg, leg.start.lat_deg), (leg.end.lon_deg, leg.end.lat_deg)]
        lon_lat += [(row[1], row[2]) for row in flight.flown.position.tolist()]
    lon_lat += [
        (pole.lon_deg, pole.lat_deg)
        for pole in run.story.poles.values()
        if pole.lon_deg is not None and pole.lat_deg is not None
    ]
    xy = frame.xy_array(lon_lat) if lon_lat else np.empty((0, 2))
    if len(xy) < 2:
        corners = [zone.volume.outline.bounds for zone in run.zones]
        xy = np.concatenate([xy, np.array(corners, dtype=np.float64).reshape(-1, 2)])
    return xy


def _view(points: Floats) -> tuple[float, float, float, float]:
    (left, low), (right, high) = points.min(axis=0), points.max(axis=0)
    margin = FRAME_SHARE * max(right - left, high - low, 200.0)
    width, height = right - left + 2 * margin, high - low + 2 * margin
    wide, tall = max(width, height * ASPECT), max(height, width / ASPECT)
    x, y = (left + right - wide) / 2, (-low - high - tall) / 2
    return (round(float(x), 1), round(float(y), 1), round(float(wide), 1), round(float(tall), 1))


def _round_down(value: float) -> float:
    """The greatest of 1, 2, 5 times a power of ten that is not above the value."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (5, 2, 1) if step * power <= value)


def _is_aside(zone: Zone, run: RunAnalysis) -> bool:
    """Whether the zone concerned no flight of the run: it asks nothing, was not active, or was above all flights."""
    if zone.restriction is Restriction.NONE:
        return True
    start_s, end_s = run.story.start_s, run.story.end_s
    if start_s is not None and end_s is not None and not active_between(zone, start_s, end_s):
        return True
    highest = [f.plan.max_relative_m + f.plan.home_amsl_m + f.plan.geoid_m for f in run.flights]
    return bool(highest) and zone.volume.floor_ellipsoidal_m > max(highest)


def active_between(zone: Zone, start_s: float, end_s: float) -> bool:
    """Whether the zone is active at some time between two UTC seconds, both included."""
    return zone.active_during(start_s, math.nextafter(end_s, math.inf))


def kind_class(kind: str) -> str:
    """The style of a kind of zone."""
    return _KIND_CLASSES.get(kind, "other")


def unbroken(utc_s: Floats, values: Floats, gap_s: float = GAP_S) -> list[Floats]:
    """The values cut at every gap in time that is too long to draw a line over."""
    return [piece for piece in np.split(values, np.flatnonzero(np.diff(utc_s) > gap_s) + 1) if len(piece) > 1]


def _line(xy: Iterable[Sequence[float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {-y:.1f}" for x, y in xy)


def _area(outline: Polygon | MultiPolygon) -> str:
    polygons = outline.geoms if isinstance(outline, MultiPolygon) else [outline]
    rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]
    return "".join(_line(ring.coords) + "Z" for ring in rings)


def _fence_paths(fence: Sequence[MissionItem], frame: LocalFrame) -> list[str]:
    """Polygons of a fence list: runs of vertices whose param1 is the number of vertices."""
    paths: list[str] = []
    at = 0
    while at < len(fence):
        item = fence[at]
        count = int(item.param1)
        if item.command in (Command.FENCE_POLYGON_INCLUSION, Command.FENCE_POLYGON_EXCLUSION) and count >= 3:
            ring = [(vertex.lon_deg, vertex.lat_deg) for vertex in fence[at : at + count]]
            paths.append(_line(frame.xy_array(ring).tolist()) + "Z")
            at += count
        else:
            at += 1
    return paths


def heights(zone: Zone) -> Words:
    """From where to where a zone reaches, as its chart says it, and when it is active if not always."""
    volume, schedule = zone.volume, zone.schedule
    if schedule.periods or len(schedule.windows) > 1:
        hours = Words(en=schedule.words(lang="en"), zh=schedule.words(lang="zh"))
        return said("height.timed", reach=_reach(zone), window=hours)
    if volume.start_s <= 0 and volume.end_s >= FOREVER_S:
        return _reach(zone)
    window = f"{local_date_time(max(volume.start_s, 0.0))[5:16]}–{local_date_time(min(volume.end_s, FOREVER_S))[5:16]}"
    return said("height.timed", reach=_reach(zone), window=window)


def _reach(zone: Zone) -> Words:
    drawn = zone.drawn
    if drawn is None:
        low, high = zone.volume.floor_ellipsoidal_m, zone.volume.ceiling_ellipsoidal_m
        return said("height.ellipsoidal", low=f"{low:.0f}", high=f"{high:.0f}")
    floor, ceiling = drawn.floor, drawn.ceiling
    if floor.datum is ceiling.datum:
        return said(f"height.{floor.datum}", low=f"{floor.value_m:g}", high=f"{ceiling.value_m:g}")
    return said("height.mixed", low=_height(floor), high=_height(ceiling))


def _height(height: Height) -> Words:
    datum = {"agl": "离地", "amsl": "海拔", "ellipsoidal": "椭球高", "pressure": "气压高度"}[height.datum]
    return Words(str(height), f"{datum} {height.value_m:g} 米")


def _zone_title(zone: Zone) -> Words:
    reach = heights(zone)
    return Words(f"{zone.name.en}: {reach.en}. {zone.rule.en}", f"{zone.name.zh}：{reach.zh}。{zone.rule.zh}")
