"""Where drones may be: out of forbidden blocks, apart from each other, in the airspace that they hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import shapely
from shapely.geometry import Polygon

from airspace.reasons import Words
from controller.events import Phase
from controller.sharing import ASTRAY
from controller.state import FlightState
from missions.plan import PlanVolume
from sim.world.invariants.invariant import Broken, Invariant
from sim.world.scene import Block, Scene, Sight

APART_M = (
    6.0  # twice the vertical buffer: what is left between two flights when every other term of the margins is used
)
FASTEST_CLOSING_M = 25.0  # between two looks
HEARD_S = 5.0  # a controller has looked at the register and ordered the start of nothing new by then
TOLD_WITHIN_S = 3.0  # the watch looks once a second, at a position that may be a second old
LOW_M = 3.0  # on its last metres a drone is where its dock is


class OutOfBlocks(Invariant):
    """No drone flies in a forbidden block by its own doing.

    Between two looks a drone has flown straight. Excused: a drone that really does not know where it is, that cannot
    fly (motor), one that is blown away by more wind than it was to be planned for, and one that had taken off before
    the block was published, or within `HEARD_S`.
    """

    code = "out-of-blocks"
    words = Words("no drone enters a forbidden block by its own doing", "无人机不得自行进入禁飞区")

    def __init__(self) -> None:
        self._up_since_s: dict[str, float] = {}

    def took_off(self, scene: Scene, drone: str) -> Iterator[Broken]:
        """Remember when a drone left the ground."""
        self._up_since_s[drone] = scene.utc_s
        yield from ()

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every drone in the air against every block."""
        for sight in scene.sights:
            if sight.landed or not scene.blocks:
                continue
            for block in scene.blocks:
                in_time = self._up_since_s.get(sight.drone, scene.utc_s) > block.published_s + HEARD_S
                if in_time and _enters(scene, block, sight) and not excused(scene, sight):
                    yield Broken(sight.drone, f"in {block.id} at {sight.agl_m:.1f} m in {sight.mode}", sight.drone)


def _enters(scene: Scene, block: Block, sight: Sight) -> bool:
    before = scene.before.get(sight.drone)
    if block.holds(sight, scene.utc_s):
        return True
    return before is not None and not before.landed and block.crossed(before, scene.before_s, sight, scene.utc_s)


class KeptApart(Invariant):
    """Two drones in the air are never nearer than `APART_M`, as long as both fly what was reserved for them.

    Excused, and counted: a drone on a way of its own to a refuge (its failsafe flies that, nothing is reserved for it)
    that left its mission for a cause which is known of it, and what excuses a drone from keeping out of blocks.
    """

    code = "kept-apart"
    words = Words("two drones never come closer than {m:g} m", "两架无人机的间距不得小于 {m:g} 米")

    def __init__(self) -> None:
        self._near: set[tuple[str, str]] = set()

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every pair of drones in the air."""
        airborne = [sight for sight in scene.sights if not sight.landed and sight.agl_m > LOW_M]
        near = set()
        for one, other in combinations(airborne, 2):
            far_m = nearest_m(scene, one, other)
            if far_m >= APART_M:
                continue
            pair = one.drone, other.drone
            near.add(pair)
            if not any(_led_astray(scene, s) for s in (one, other)):
                yield Broken(" and ".join(pair), f"{far_m:.1f} m apart at {one.agl_m:.0f} m", one.drone)
            elif pair not in self._near:
                self.excused += 1
        self._near = near


def nearest_m(scene: Scene, one: Sight, other: Sight) -> float:
    """How near two drones came since the last look [m], each flying straight between the two."""
    far_m = one.far_m(other)
    was, other_was = scene.before.get(one.drone), scene.before.get(other.drone)
    if far_m > APART_M + FASTEST_CLOSING_M or was is None or other_was is None or was.landed or other_was.landed:
        return far_m
    start = (was.x_m - other_was.x_m, was.y_m - other_was.y_m, was.agl_m - other_was.agl_m)
    end = (one.x_m - other.x_m, one.y_m - other.y_m, one.agl_m - other.agl_m)
    way = [b - a for a, b in zip(start, end, strict=True)]
    square = way[0] * way[0] + way[1] * way[1] + way[2] * way[2]
    if square == 0.0:
        return far_m
    share = -(start[0] * way[0] + start[1] * way[1] + start[2] * way[2]) / square
    share = min(max(share, 0.0), 1.0)
    return math.hypot(*(a + share * b for a, b in zip(start, way, strict=True)))


def _led_astray(scene: Scene, sight: Sight) -> bool:
    return (sight.mode != "AUTO" and bool(scene.causes.get(sight.drone))) or excused(scene, sight)


class NeverStrikes(Invariant):
    """No drone hits a building, or the ground harder than it can land.

    Excused: one that really does not know where it is, whose motor has failed, or that is blown away by more wind than
    it was to be planned for.
    """

    code = "never-strikes"
    words = Words("no drone hits a building or the ground", "无人机不得撞击建筑物或地面")

    def __init__(self) -> None:
        self._lying: set[str] = set()

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every drone that has struck something since the last look."""
        for name, drone in scene.world.city.drones.items():
            what = drone.autopilot.broken
            if what is None or name in self._lying:
                continue
            self._lying.add(name)
            if scene.excuses(name) or scene.blown(name):
                self.excused += 1
            else:
                yield Broken(name, f"has struck {what}", name)


class InItsAirspace(Invariant):
    """A drone that flies its mission is inside the volumes that its flight holds, at their times.

    Excused: what excuses a drone from keeping out of blocks. One that was led away by its receiver comes back late, and
    stays late: until its flight ends it may be in any of its volumes at another time, as long as everybody is told so.
    """

    code = "in-its-airspace"
    words = Words("a drone on its mission keeps to the airspace that it holds", "执行任务的无人机须保持在所占空域内")

    def __init__(self) -> None:
        self._laid: dict[str, tuple[tuple[PlanVolume, ...], tuple[tuple[PlanVolume, Polygon], ...]]] = {}
        self._led_away: set[str] = set()  # flights

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every drone that flies its mission."""
        for sight in scene.sights:
            flight = scene.flight_of(sight.drone)
            if sight.landed or sight.mode != "AUTO" or flight is None or not flight.volumes:
                continue
            if flight.phase not in (Phase.FLYING, Phase.HOLDING, Phase.LANDING):
                continue
            if "place" in scene.excuses(sight.drone):
                self._led_away.add(flight.id)
            of_now = [held for held in self._held(scene, flight) if held[0].start_s <= scene.utc_s < held[0].end_s]
            if _is_in(sight, of_now) or excused(scene, sight):
                continue
            if flight.id in self._led_away and _is_in(sight, self._late_in(scene, flight)):
                continue
            legs = [volume.leg for volume in flight.volumes if volume.start_s <= scene.utc_s < volume.end_s]
            phase = f"{flight.phase}, item {flight.item}, {scene.utc_s - flight.takeoff_s:.0f} s after take-off"
            yield Broken(flight.id, f"outside at {sight.agl_m:.1f} m, {phase}, legs of now {legs}", sight.drone)

    def _late_in(self, scene: Scene, flight: FlightState) -> Sequence[tuple[PlanVolume, Polygon]]:
        """What it may be in at another time than its own: all, once that is told, and before just what is over now."""
        held = self._held(scene, flight)
        if flight.intent in ASTRAY:
            return held
        return [each for each in held if 0.0 <= scene.utc_s - each[0].end_s < TOLD_WITHIN_S]

    def _held(self, scene: Scene, flight: FlightState) -> Sequence[tuple[PlanVolume, Polygon]]:
        """The volumes of a flight and their outlines in the site's frame, laid once for each reservation."""
        volumes, held = self._laid.get(flight.id, ((), ()))
        if volumes is not flight.volumes:
            volumes, frame = flight.volumes, scene.site.frame
            outlines = [Polygon(frame.xy_array(volume.ring_lon_lat_deg)) for volume in volumes]
            shapely.prepare(outlines)
            held = tuple(zip(volumes, outlines, strict=True))
            self._laid[flight.id] = volumes, held
        return held


def _is_in(sight: Sight, held: Sequence[tuple[PlanVolume, Polygon]]) -> bool:
    return any(
        volume.floor_ellipsoidal_m <= sight.ellipsoidal_m <= volume.ceiling_ellipsoidal_m
        and shapely.intersects_xy(outline, sight.x_m, sight.y_m)
        for volume, outline in held
    )


def excused(scene: Scene, sight: Sight) -> bool:
    """Whether something else than the controller is to blame for where a drone is."""
    return bool(scene.excuses(sight.drone)) or scene.blown(sight.drone)
