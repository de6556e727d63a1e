"""The wind over the city: a mean that grows with height, and gusts that drift with it.

A gust component is an Ornstein-Uhlenbeck process, which is the longitudinal form of the Dryden spectrum with time
scale L/U. It is laid down on a grid in time and read where the air that is here now was (frozen turbulence), so two
drones at one place feel the same gust, in whatever order they ask.
"""

from __future__ import annotations

import math
import random
from collections import deque

GRID_S = 0.25
FOLD_S = 60.0  # the drift of a gust over the city is folded into this span so that little of the past is kept
KEPT = int(4 * FOLD_S / GRID_S)


class Wind:
    """Mean wind [m/s] towards east and north at 10 m, with gusts of standard deviation `gust_mps` on each axis.

    `shear_exponent` is the power law's (GB 50009: 0.15 open country, 0.22 town, 0.30 city centre); 0 means no shear.
    """

    def __init__(
        self,
        *,
        rng: random.Random,
        east_mps: float = 0.0,
        north_mps: float = 0.0,
        gust_mps: float = 0.0,
        gust_scale_s: float = 6.0,
        shear_exponent: float = 0.0,
    ) -> None:
        self._rng = rng
        self.east_mps = east_mps
        self.north_mps = north_mps
        self.gust_mps = gust_mps
        self._shear_exponent = shear_exponent
        self._memory = math.exp(-GRID_S / gust_scale_s)
        self._fresh = math.sqrt(1.0 - self._memory**2)
        # unit variance, scaled when read, so that a change of gust_mps needs no new history
        self._first = -KEPT // 2
        self._last_value = (rng.gauss(0.0, 1.0), rng.gauss(0.0, 1.0))
        self._grid: deque[tuple[float, float]] = deque([self._last_value], maxlen=KEPT)

    def set_mean(self, speed_mps: float, from_deg: float) -> None:
        """Set the mean wind from now on; `from_deg` is where it blows from, clockwise from north."""
        self.east_mps = -speed_mps * math.sin(math.radians(from_deg))
        self.north_mps = -speed_mps * math.cos(math.radians(from_deg))

    def at(self, position_xy: tuple[float, float], height_m: float, t_s: float) -> tuple[float, float]:
        """The air's motion [m/s] towards east and north at a place [m east, m north], height above ground and time."""
        factor = 1.0
        if self._shear_exponent and height_m < 1000.0:
            factor = max(height_m, 1.0) / 10.0
            factor = factor**self._shear_exponent
        east, north = self.east_mps * factor, self.north_mps * factor
        if self.gust_mps <= 0.0:
            return east, north
        speed = math.hypot(self.east_mps, self.north_mps)
        behind_s = 0.0
        if speed > 0.5:
            along_m = (position_xy[0] * self.east_mps + position_xy[1] * self.north_mps) / speed
            folded = (along_m / speed) % (2.0 * FOLD_S)
            behind_s = folded if folded <= FOLD_S else 2.0 * FOLD_S - folded
        gust_east, gust_north = self._gust(t_s - behind_s)
        return east + self.gust_mps * gust_east, north + self.gust_mps * gust_north

    def _gust(self, t_s: float) -> tuple[float, float]:
        place = t_s / GRID_S
        index = math.floor(place)
        if index > self._first + len(self._grid) + KEPT:
            # nothing of what is kept reaches so far: begin anew there, and not with all that blew while nobody asked
            # (a loop's clock may begin at the uptime of the machine, times the speed)
            self._first = index - KEPT // 2
            self._last_value = (self._rng.gauss(0.0, 1.0), self._rng.gauss(0.0, 1.0))
            self._grid = deque([self._last_value], maxlen=KEPT)
        while self._first + len(self._grid) <= index + 1:
            if len(self._grid) == KEPT:
                self._first += 1
            e, n = self._last_value
            memory, fresh = self._memory, self._fresh
            self._last_value = (
                e * memory + fresh * self._rng.gauss(0.0, 1.0),
                n * memory + fresh * self._rng.gauss(0.0, 1.0),
            )
            self._grid.append(self._last_value)
        offset = max(index - self._first, 0)
        share = place - index
        e0, n0 = self._grid[offset]
        e1, n1 = self._grid[min(offset + 1, len(self._grid) - 1)]
        return e0 + (e1 - e0) * share, n0 + (n1 - n0) * share
