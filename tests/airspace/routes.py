"""Routes over a level ground, random ones from seeds, and the exact body of a flight for the tests of answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from shapely.affinity import rotate
from shapely.geometry import Point, Polygon, box

from airspace.charted import Shape
from airspace.clearing import Question
from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from airspace.ground.profiles import Profile
from airspace.margins import MarginBreakdown, MarginTerm
from airspace.model import Airspace
from airspace.reasons import Words
from airspace.remedies import Limits
from airspace.routes import Route, RouteLeg, Waypoint
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zones import Zone
from tests.airspace.shapes import FRAME, GROUND, GROUND_M, zone

DEPARTS_S = 1779066000.0
LIMITS = Limits(highest_agl_m=120.0)


def place(x_m: float, y_m: float, frame: LocalFrame = FRAME) -> LatLon:
    """The position of a point of the plane [m]."""
    return frame.latlon(x_m, y_m)


def route(
    points: Sequence[tuple[float, float, float]],
    *,
    speed_mps: float = 8.0,
    departs_s: float = DEPARTS_S,
    hold_s: float = 0.0,
    datum: Datum = Datum.AGL,
) -> Route:
    """A route over points (east, north, height over the datum) [m]; it stays at the last for `hold_s`."""
    waypoints = [Waypoint(place(x, y), Height(up, datum)) for x, y, up in points]
    last = waypoints[-1]
    return Route(
        "test",
        departs_s,
        (*waypoints[:-1], Waypoint(last.position, last.height, hold_s=hold_s)),
        speed_mps=speed_mps,
        climb_mps=2.5,
        descend_mps=1.5,
    )


def margins(
    lateral_m: float = 10.0, vertical_m: float = 5.0, time_s: float = 15.0, pace: float = 0.1
) -> MarginBreakdown:
    """Margins of one term each."""
    return MarginBreakdown(
        lateral=(MarginTerm(Words("lateral", "水平"), lateral_m),),
        vertical=(MarginTerm(Words("vertical", "垂直"), vertical_m),),
        time=(MarginTerm(Words("time", "时间"), time_s),),
        pace=pace,
    )


def body_samples(
    legs: Sequence[RouteLeg], room: MarginBreakdown, rng: np.random.Generator, count: int
) -> Iterator[tuple[float, float, float, float]]:
    """Points (x, y, ellipsoidal, s) of the exact body of a flight, many of them on its very edge."""
    for _ in range(count):
        leg = legs[int(rng.integers(len(legs)))]
        x, y, up_m, at_s = leg.at(float(rng.uniform()))
        around = room.at(at_s - legs[0].start_s)
        angle = float(rng.uniform(0.0, 2.0 * math.pi))
        off_m = around.lateral_m * float(rng.choice([0.0, 1.0, rng.uniform()]))
        above_m = around.vertical_m * float(rng.choice([-1.0, 1.0, rng.uniform(-1.0, 1.0)]))
        late_s = around.time_s * float(rng.choice([-1.0, 0.999999, rng.uniform(-1.0, 1.0)]))
        yield x + off_m * math.cos(angle), y + off_m * math.sin(angle), up_m + above_m, at_s + late_s


def closed(
    outline: Polygon,
    low_agl_m: float = 0.0,
    high_agl_m: float = 300.0,
    start_s: float = 0.0,
    end_s: float = FOREVER_S,
) -> Volume4D:
    """A volume between two heights above the level ground."""
    return Volume4D(outline, GROUND_M + low_agl_m, GROUND_M + high_agl_m, start_s, end_s)


def asked(*zones: Zone, room: MarginBreakdown | None = None, **more: object) -> Question:
    """A question against some zones over level ground."""
    return Question(Airspace(FRAME, GROUND, zones), room or margins(), **more)  # type: ignore[arg-type]


def random_zones(rng: np.random.Generator, count: int) -> list[Zone]:
    """Turned boxes and disks between -1500 and 1500 m, with floors and ceilings, some of them for some minutes only."""
    zones = []
    for i in range(count):
        x, y = rng.uniform(-1500.0, 1500.0, 2)
        wide, deep = rng.uniform(20.0, 600.0, 2)
        outline = box(x, y, x + wide, y + deep) if rng.uniform() < 0.7 else Point(x, y).buffer(wide / 2)
        low_m = float(rng.choice([0.0, rng.uniform(0.0, 100.0)]))
        start_s = float(rng.choice([0.0, DEPARTS_S + rng.uniform(-600.0, 600.0)]))
        end_s = FOREVER_S if start_s == 0.0 else start_s + float(rng.uniform(30.0, 600.0))
        held = closed(
            rotate(outline, float(rng.uniform(0, 90))), low_m, low_m + rng.uniform(5.0, 120.0), start_s, end_s
        )
        zones.append(zone(f"Z{i}", held))
    return zones


def random_route(rng: np.random.Generator) -> Route:
    """Three to six places between -1500 and 1500 m, 20 to 110 m above the ground."""
    count = int(rng.integers(3, 7))
    corners = [
        (float(x), float(y), float(z)) for x, y, z in rng.uniform((-1500, -1500, 20), (1500, 1500, 110), (count, 3))
    ]
    return route(corners, departs_s=DEPARTS_S + float(rng.uniform(-300.0, 300.0)))


class Ridge:
    """Ground that rises from the level to `tall_m` [m] at 500 m east and falls again to the level at 1000 m east."""

    def __init__(self, tall_m: float) -> None:
        self._tall_m = tall_m

    def _rise_m(self, x_m: float) -> float:
        return self._tall_m * max(0.0, 1.0 - abs(x_m - 500.0) / 500.0)

    def at(self, position: LatLon) -> Ground:
        return Ground(GROUND.amsl_m + self._rise_m(FRAME.xy(position)[0]), GROUND.geoid_m)

    accuracy_m = 0.0

    def under(self, shape: Shape) -> tuple[Ground, Ground]:
        return GROUND, Ground(GROUND.amsl_m + self._tall_m, GROUND.geoid_m)

    def along(self, frame: LocalFrame, start_xy: tuple[float, float], end_xy: tuple[float, float]) -> Profile:
        shares = np.unique([0.0, 1.0, *self._bends(start_xy[0], end_xy[0])])
        heights = np.array([GROUND_M + self._rise_m(start_xy[0] + t * (end_xy[0] - start_xy[0])) for t in shares])
        middles = (heights[:-1] + heights[1:]) / 2.0
        return Profile(shares * math.dist(start_xy, end_xy), heights[:-1], middles, heights[1:])

    def _bends(self, start_m: float, end_m: float) -> list[float]:
        if start_m == end_m:
            return []
        return [t for t in ((x - start_m) / (end_m - start_m) for x in (0.0, 500.0, 1000.0)) if 0.0 < t < 1.0]
