"""What a simulated drone meets outside itself: the air, the ground and what stands on it.

Places are east and north [m] in the world's local frame, heights [m] above the world's datum, which is a height above
sea level that the world names once. Times are seconds of the running loop.
"""

from __future__ import annotations

import math
from typing import Protocol


class Air(Protocol):
    """How the air moves."""

    def at(self, xy_m: tuple[float, float], height_m: float, t_s: float, /) -> tuple[float, float, float]:
        """Velocity of the air [m/s] towards east, north and up at a place, a height above the datum and a time."""


class Ground(Protocol):
    """The surface that a drone stands on, and what it can strike: nothing higher than `highest_m` above the datum."""

    highest_m: float

    def height_m(self, e_m: float, n_m: float, /) -> float:
        """Height above the datum [m] of the surface a drone would land on: terrain, roof or pad."""

    def struck(self, e_m: float, n_m: float, u_m: float, /) -> str | None:
        """What a body at this place is inside of, by name; None in the free air."""


class LevelGround:
    """A plain at the height of the datum with nothing on it."""

    highest_m = -math.inf

    def height_m(self, e_m: float, n_m: float, /) -> float:
        """Zero everywhere."""
        return 0.0

    def struck(self, e_m: float, n_m: float, u_m: float, /) -> str | None:
        """Nothing anywhere."""
        return None
