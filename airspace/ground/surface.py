"""The ground under a site: level, or as a terrain model and a geoid know it from place to place (`TerrainSurface`)."""

from __future__ import annotations

from typing import Protocol

from airspace.charted import Shape
from airspace.frames import Ground, LatLon, LocalFrame
from airspace.ground.profiles import Profile


class Surface(Protocol):
    """Ground that may rise and fall; `Ground` itself is the level one."""

    @property
    def accuracy_m(self) -> float:
        """What heights over ground or sea laid over it are off by at most, 19 times in 20 [m]."""
        ...

    def at(self, position: LatLon) -> Ground:
        """The ground at one position. Raises `Refused` where nothing is known of it."""
        ...

    def under(self, shape: Shape) -> tuple[Ground, Ground]:
        """The lowest and the highest ground under a shape, by ellipsoidal height. Raises `Refused` as `at` does."""
        ...

    def along(self, frame: LocalFrame, start_xy: tuple[float, float], end_xy: tuple[float, float]) -> Profile:
        """The ground under a straight line in a local frame [m], over the ellipsoid. Raises `Refused` as `at` does."""
        ...
