"""Where drones may be: out of forbidden blocks, apart from each other, in the airspace that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import shapely
from shapely.geometry import Polygon

from airspace.reasons import Words
from controller.events import Phase
from controller.state import FlightState
from missions.plan import PlanVolume
from sim.world.invariants.invariant import Broken, Invariant
from sim.world.scene import Scene, Sight

APART_M = (
    6.0  # twice the vertical buffer: what is left between two flights when every other term of the margins is used
)
BLOWN_AFTER_S = 120.0
LOW_M = 3.0  # on its last metres a drone is where its dock is


class OutOfBlocks(Invariant):
    """No drone flies in a forbidden block by its own doing.

    Excused: a drone that cannot know where it is (fix, jam, spoof), that cannot fly (motor), and one that is blown away
    by more wind than it was planned for.
    """

    code = "out-of-blocks"
    words = Words("no drone enters a forbidden block by its own doing", "无人机不得自行进入禁飞区")

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every drone in the air against every block."""
        for sight in scene.sights:
            if sight.landed or not scene.blocks:
                continue
            for block in scene.blocks:
                if block.holds(sight, scene.utc_s) and not excused(scene, sight):
                    yield Broken(sight.drone, f"in {block.id} at {sight.agl_m:.1f} m in {sight.mode}", sight.drone)


class KeptApart(Invariant):
    """Two drones in the air are never nearer than `APART_M`, as long as both fly what was reserved for them.

    Excused: a drone on a way of its own to a refuge (its failsafe flies that, nothing is reserved for it), and what
    excuses a drone from keeping out of blocks.
    """

    code = "kept-apart"
    words = Words("two drones never come closer than {m:g} m", "两架无人机的间距不得小于 {m:g} 米")

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every pair of drones in the air."""
        airborne = [sight for sight in scene.sights if not sight.landed and sight.agl_m > LOW_M]
        for one, other in combinations(airborne, 2):
            far_m = one.far_m(other)
            if far_m < APART_M and not any(s.mode != "AUTO" or excused(scene, s) for s in (one, other)):
                yield Broken(f"{one.drone} and {other.drone}", f"{far_m:.1f} m apart at {one.agl_m:.0f} m", one.drone)


class InItsAirspace(Invariant):
    """A drone that flies its mission is inside the volumes that its flight holds, at their times.

    Excused: what excuses a drone from keeping out of blocks.
    """

    code = "in-its-airspace"
    words = Words("a drone on its mission keeps to the airspace that it holds", "执行任务的无人机须保持在所占空域内")

    def __init__(self) -> None:
        self._laid: dict[str, tuple[tuple[PlanVolume, ...], tuple[Polygon, ...]]] = {}

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every drone that flies its mission."""
        for sight in scene.sights:
            flight = scene.flight_of(sight.drone)
            if sight.landed or sight.mode != "AUTO" or flight is None or not flight.volumes:
                continue
            if flight.phase not in (Phase.FLYING, Phase.HOLDING, Phase.LANDING):
                continue
            if not self._inside(scene, sight, flight) and not excused(scene, sight):
                legs = [volume.leg for volume in flight.volumes if volume.start_s <= scene.utc_s < volume.end_s]
                phase = f"{flight.phase}, item {flight.item}, {scene.utc_s - flight.takeoff_s:.0f} s after take-off"
                yield Broken(flight.id, f"outside at {sight.agl_m:.1f} m, {phase}, legs of now {legs}", sight.drone)

    def _inside(self, scene: Scene, sight: Sight, flight: FlightState) -> bool:
        """Whether a drone is in one of its flight's volumes; outlines are laid once for each reservation."""
        volumes, outlines = self._laid.get(flight.id, ((), ()))
        if volumes is not flight.volumes:
            volumes, frame = flight.volumes, scene.site.frame
            outlines = tuple(Polygon(frame.xy_array(volume.ring_lon_lat_deg)) for volume in volumes)
            shapely.prepare(list(outlines))
            self._laid[flight.id] = volumes, outlines
        return any(
            volume.start_s <= scene.utc_s < volume.end_s
            and volume.floor_ellipsoidal_m <= sight.ellipsoidal_m <= volume.ceiling_ellipsoidal_m
            and shapely.intersects_xy(outline, sight.x_m, sight.y_m)
            for volume, outline in zip(volumes, outlines, strict=True)
        )


def excused(scene: Scene, sight: Sight) -> bool:
    """Whether a fault is to blame for where a drone is."""
    if scene.excuses(sight.drone):
        return True
    flight = scene.flight_of(sight.drone)
    planned_mps = None if flight is None else flight.plan.details.get("wind_mps")
    return planned_mps is not None and scene.windiest_mps(BLOWN_AFTER_S) > float(planned_mps)
