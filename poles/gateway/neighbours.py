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


class Neighbours:
    """The poles of one function; who is nearest is found once and again after somebody came, went or moved."""

    def __init__(self) -> None:
        self._places: dict[str, LatLon] = {}
        self._cells: dict[tuple[int, int], dict[str, None]] = {}
        self._nearest: dict[str, tuple[tuple[str, float], ...]] = {}

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
            self._nearest.pop(pole, None)
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
        row, column = _cell(here)
        found: list[tuple[float, str]] = []
        for ring in range(RINGS + 1):
            for cell in _ring(row, column, ring):
                for other in self._cells.get(cell, ()):
                    distance_m = here.distance_m(self._places[other])
                    if other != pole and distance_m <= WITHIN_M:
                        found.append((distance_m, other))
            found = sorted(found)[:NEAREST]
            if len(found) == NEAREST and found[-1][0] <= ring * CELL_M:
                break
        return tuple([(other, distance_m) for distance_m, other in found])

    def _unsettle(self, middle: tuple[int, int]) -> None:
        for ring in range(RINGS + 1):
            for cell in _ring(*middle, ring):
                for pole in self._cells.get(cell, ()):
                    self._nearest.pop(pole, None)


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
