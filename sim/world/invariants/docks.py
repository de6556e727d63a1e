"""The docks' interlocks, by the cover's true place and not by what the dock says."""

from __future__ import annotations

from collections.abc import Iterator

from airspace.frames import LatLon
from airspace.reasons import Words
from sim.pads import CURTAIN_M, ON_PAD_M
from sim.pole import SimPole
from sim.world.invariants.invariant import Broken, Invariant
from sim.world.scene import Scene, Sight

LOW_M = 6.0  # so low over a pad there is no way around the cover
CLIMBING_MPS = 0.3  # who leaves is out of the cover's way above its light curtain
OPEN = 0.99
RAIN_LIMIT_MMPH = 2.5
SUDDEN_S = 30.0  # a fault of the dock this fresh meets a drone that can no longer get away


class CoverOpenUnderDrones(Invariant):
    """A drone is never low over a pad whose cover is not open, nor does it come down on another drone.

    Excused: a cover that was jammed or a pad that was taken less than `SUDDEN_S` ago, and a drone that did not choose
    the place: it comes down by a failsafe of its own or does not know where it is. Neither rain nor a power cut is an
    excuse: an open cover over a reserved pad closes on its holder's order only.
    """

    code = "cover-open-under-drones"
    words = Words(
        "a drone is low over a pad only while its cover is open and the pad is free",
        "舱盖未开或机位被占时无人机不得低空进入",
    )

    def __init__(self) -> None:
        self._taken: dict[str, bool] = {}

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every drone low over a pad."""
        for sight in scene.sights:
            low_m = CURTAIN_M if sight.up_mps > CLIMBING_MPS else LOW_M
            if sight.landed or sight.agl_m > low_m or sight.mode != "AUTO":
                continue
            for pole in docks_under(scene, sight):
                if pole.hardware.opened < OPEN and not sudden(scene, pole.code, sight.drone):
                    share = f"{pole.hardware.opened:.0%} open"
                    yield Broken(pole.code, f"{sight.drone} is {sight.agl_m:.1f} m over it, {share}", sight.drone)
        for pole in scene.docks:
            self._taken[pole.code] = pole.hardware.drone_present

    def touched_down(self, scene: Scene, drone: str) -> Iterator[Broken]:
        """A landing on a pad that was taken at the last look."""
        sight = scene.sight(drone, scene.world.city.drones[drone])
        for pole in docks_under(scene, sight):
            if self._taken.get(pole.code) and sight.mode == "AUTO" and not sudden(scene, pole.code, drone):
                yield Broken(pole.code, f"{drone} landed on a pad that was taken", drone)


class NeverOpensInRain(Invariant):
    """A closed cover does not begin to open while it rains more than the dock stands."""

    code = "never-opens-in-rain"
    words = Words("a dock never opens in rain beyond its limit", "雨量超限时机库不得开启")

    def __init__(self) -> None:
        self._closed_in_rain: dict[str, bool] = {}

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every cover that has left its closed end since the last look."""
        for pole in scene.docks:
            code = pole.code
            raining = pole.hardware.rain_mmph > RAIN_LIMIT_MMPH
            if self._closed_in_rain.get(code) and raining and pole.hardware.opened > 0.0:
                yield Broken(code, f"opens in {pole.hardware.rain_mmph:.1f} mm/h")
            self._closed_in_rain[code] = raining and pole.hardware.opened <= 0.0


def docks_under(scene: Scene, sight: Sight) -> Iterator[SimPole]:
    """The docks on whose pad a drone would come down."""
    for pole in scene.docks:
        x_m, y_m = pole.site.xy_m
        near = abs(x_m - sight.x_m) <= ON_PAD_M and abs(y_m - sight.y_m) <= ON_PAD_M
        if near and pole.site.position.distance_m(_place(scene, sight)) <= ON_PAD_M:
            yield pole


def _place(scene: Scene, sight: Sight) -> LatLon:
    return scene.site.frame.latlon(sight.x_m, sight.y_m)


def sudden(scene: Scene, dock: str, drone: str) -> bool:
    """Whether a fault of a dock came too late for a drone that was on its way down, or the drone is lost itself."""
    since_s = scene.day_s - SUDDEN_S
    fresh = any(
        one.at_s >= since_s and one.fault.name == "dock" and one.fault.target == dock
        for one in scene.world.timeline.happened
    )
    return fresh or bool(scene.excuses(drone))
