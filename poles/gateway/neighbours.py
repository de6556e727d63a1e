"""Which poles stand around a pole: the nearest ones with the same function, found through a grid."""

from __future__ import annotations

import math

from airspace.frames import LatLon

NEAREST = 8
WITHIN_M = 5000.0
CELL_M = 2500.0
METRES_PER_DEG = 111_195.0  # of latitude, on a sphere of 6371 km


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
        here = self._places[pole]
        found: list[tuple[float, str]] = []
        for cell in _around(_cell(here)):
            for other in self._cells.get(cell, ()):
                distance_m = here.distance_m(self._places[other])
                if other != pole and distance_m <= WITHIN_M:
                    found.append((distance_m, other))
        return tuple([(other, distance_m) for distance_m, other in sorted(found)[:NEAREST]])

    def _unsettle(self, middle: tuple[int, int]) -> None:
        for cell in _around(middle):
            for pole in self._cells.get(cell, ()):
                self._nearest.pop(pole, None)


def _cell(place: LatLon) -> tuple[int, int]:
    # columns are as wide as a cell at 60 degrees of latitude, and wider towards the equator
    return math.floor(place.lat_deg * METRES_PER_DEG / CELL_M), math.floor(place.lon_deg * METRES_PER_DEG / 2 / CELL_M)


def _around(cell: tuple[int, int]) -> list[tuple[int, int]]:
    return [(cell[0] + rows, cell[1] + columns) for rows in (-2, -1, 0, 1, 2) for columns in (-2, -1, 0, 1, 2)]
