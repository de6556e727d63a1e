"""Which poles stand around a pole: the nearest ones with the same function, found through a grid."""

from __future__ import annotations

import math
from collections.abc import Iterator

from airspace.frames import LatLon

NEAREST = 8
WITHIN_M = 5000.0
CELL_M = 500.0
RINGS = 11  # of cells hold all within WITHIN_M, up to 60 degrees of latitude
METRES_PER_DEG = 110_574.0  # of latitude where it is shortest
PLANE_ERROR = 1.03  # more than a distance on the plane of a pole is wrong by, within RINGS and up to 60 degrees


class Neighbours:
    """The poles of one function; who is nearest is found once and again after somebody came, went or moved."""

    def __init__(self) -> None:
        self._places: dict[str, LatLon] = {}
        self._cells: dict[tuple[int, int], dict[str, None]] = {}
        self._nearest: dict[str, tuple[tuple[str, float], ...]] = {}
        self._reach: dict[str, int] = {}  # how many rings were looked at for those
        self._cell_reach: dict[tuple[int, int], int] = {}  # at least that of each pole in it

    def place(self, pole: str, place: LatLon) -> None:
        """Say where a pole stands."""
        if self._places.get(pole) == place:
            return
        self.remove(pole)
        self._places[pole] = place
        self._cells.setdefault(_cell(place), {})[pole] = None
        self._unsettle(_cell(place))

    def __len__(self) -> int:
        return len(self._places)

    def remove(self, pole: str) -> None:
        """Forget a pole."""
        place = self._places.pop(pole, None)
        if place is not None:
            cell = _cell(place)
            del self._cells[cell][pole]
            if not self._cells[cell]:
                del self._cells[cell]
            self._settle_again(pole)
            self._unsettle(cell)

    def nearest(self, pole: str) -> tuple[tuple[str, float], ...]:
        """Up to `NEAREST` poles within `WITHIN_M`, nearest first, with their distances [m]."""
        known = self._nearest.get(pole)
        if known is None:
            known = self._nearest[pole] = self._find(pole)
        return known

    def _find(self, pole: str) -> tuple[tuple[str, float], ...]:
        """Look in rings of cells around the pole's own until nobody nearer can follow."""
        here = self._places[pole]
        cell = _cell(here)
        metres_per_deg = METRES_PER_DEG * math.cos(math.radians(here.lat_deg))  # of longitude
        near: list[tuple[float, str]] = []  # on the plane: the ellipsoid is asked for a few only
        reach_m = math.inf
        for ring in range(RINGS + 1):
            for beside in _ring(*cell, ring):
                for other in self._cells.get(beside, ()):
                    there = self._places[other]
                    north_m = (there.lat_deg - here.lat_deg) * METRES_PER_DEG
                    near.append((math.hypot(north_m, (there.lon_deg - here.lon_deg) * metres_per_deg), other))
            if len(near) > NEAREST:  # the pole itself is among them
                near.sort()
                reach_m = near[NEAREST][0] * PLANE_ERROR
                if reach_m <= ring * CELL_M:
                    break
        self._reach[pole] = ring
        self._cell_reach[cell] = max(ring, self._cell_reach.get(cell, 0))
        found = [(here.distance_m(self._places[other]), other) for plane_m, other in near if plane_m <= reach_m]
        found = sorted(each for each in found if each[1] != pole and each[0] <= WITHIN_M)[:NEAREST]
        return tuple([(other, distance_m) for distance_m, other in found])

    def _unsettle(self, middle: tuple[int, int]) -> None:
        """Somebody came or went: whoever looked as far as there must look again."""
        if not self._cell_reach:  # nobody has looked as yet, as when all come back after a restart
            return
        for ring in range(RINGS + 1):
            for cell in _ring(*middle, ring):
                if self._cell_reach.get(cell, -1) >= ring:
                    self._unsettle_in(cell, ring)

    def _unsettle_in(self, cell: tuple[int, int], ring: int) -> None:
        farthest = -1
        for pole in self._cells.get(cell, ()):
            reach = self._reach.get(pole, -1)
            if reach >= ring:
                self._settle_again(pole)
            elif reach > farthest:
                farthest = reach
        if farthest < 0:
            del self._cell_reach[cell]
        else:
            self._cell_reach[cell] = farthest

    def _settle_again(self, pole: str) -> None:
        self._nearest.pop(pole, None)
        self._reach.pop(pole, None)


def _cell(place: LatLon) -> tuple[int, int]:
    # columns are as wide as a cell at 60 degrees of latitude, and wider towards the equator
    return math.floor(place.lat_deg * METRES_PER_DEG / CELL_M), math.floor(place.lon_deg * METRES_PER_DEG / 2 / CELL_M)


def _ring(row: int, column: int, ring: int) -> Iterator[tuple[int, int]]:
    """The cells at this distance from one."""
    if ring == 0:
        yield row, column
        return
    for step in range(-ring, ring + 1):
        yield row - ring, column + step
        yield row + ring, column + step
    for step in range(1 - ring, ring):
        yield row + step, column - ring
        yield row + step, column + ring
