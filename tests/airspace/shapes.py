"""Small volumes and zones for the tests of this room."""

from __future__ import annotations

from shapely.geometry import MultiPolygon, Polygon, box

from airspace.charted import Shape
from airspace.frames import Ground, LatLon, LocalFrame
from airspace.ground.profiles import Profile
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.volumes import Volume4D
from airspace.zones import Zone

ZHENGZHOU = LatLon(34.7466, 113.6050)
FRAME = LocalFrame(ZHENGZHOU)
GROUND = Ground(amsl_m=108.0, geoid_m=-19.4)
GROUND_M = 108.0 - 19.4  # ellipsoidal
DAY_S = 1779066000.0

UNKNOWN_GROUND = Rule("test.unknown", Words("nobody knows the ground", "地面未知"), Words("Ask.", "请询问。"))


class UnknownGround:
    """Ground of which nothing is known."""

    def at(self, position: LatLon) -> Ground:
        raise Refused([Reason(UNKNOWN_GROUND)])

    accuracy_m = 0.0

    def under(self, shape: Shape) -> tuple[Ground, Ground]:
        raise Refused([Reason(UNKNOWN_GROUND)])

    def along(self, frame: LocalFrame, start_xy: tuple[float, float], end_xy: tuple[float, float]) -> Profile:
        raise Refused([Reason(UNKNOWN_GROUND)])


def volume(
    outline: Polygon | MultiPolygon | None = None,
    low_m: float = 0.0,
    high_m: float = 100.0,
    start_s: float = 0.0,
    end_s: float = 100.0,
) -> Volume4D:
    """A volume over the square of 100 m east and north of the origin unless told otherwise."""
    return Volume4D(box(0.0, 0.0, 100.0, 100.0) if outline is None else outline, low_m, high_m, start_s, end_s)


def zone(zone_id: str, held: Volume4D, kind: str = "no-fly") -> Zone:
    """A zone that no chart drew."""
    return Zone(zone_id, Words(f"zone {zone_id}", f"区域 {zone_id}"), kind, Words("closed", "禁止进入"), held)
