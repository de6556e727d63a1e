"""Where the weather stations stand, so that of 100,000 only those near a place are looked at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from airspace.frames import LatLon
from poles.gateway.state import Known, PoleState

FEW = 64  # are looked at one by one sooner than found
CELL_M = 150.0
RINGS = (1, 2, 4, 8, 16, 32)  # of cells around a place's own that are looked at, before all are
METRES_PER_DEG = 110_574.0  # of latitude where it is shortest
PLANE_SHARE = 0.95  # of a distance in cells that is at least one on the ground, over a district 300 km high
AGAIN_S = 60.0  # until who has moved is found where it stands now

Cell = tuple[int, int]


class Stations:
    """The stations of one function in a grid, on a plane that is true at the first one's latitude."""

    def __init__(self) -> None:
        self._at: dict[str, LatLon] = {}
        self._cells: dict[Cell, dict[str, None]] = {}
        self._narrow = 1.0  # a degree of longitude, in degrees of latitude
        self._followed_s = -math.inf

    def follow(self, known: Mapping[str, Known], poles: Mapping[str, PoleState], now_s: float) -> None:
        """Take in who has come, gone or moved, at the loop's second `now_s`."""
        if len(known) == len(self._at) and now_s - self._followed_s < AGAIN_S:
            return
        self._followed_s = now_s
        for code in [code for code in self._at if code not in known]:
            self._remove(code)
        for code in known:
            state = poles.get(code)
            if state is not None and self._at.get(code) != state.position:
                self._remove(code)
                self._place(code, state.position)

    def around(self, place: LatLon) -> Iterator[tuple[Iterable[str], float]]:
        """Ever more stations around a place, all in the end, and within how many metres nobody is left out."""
        row, column = self._cell(place)
        for rings in RINGS:
            near: list[str] = []
            for north in range(row - rings, row + rings + 1):
                for east in range(column - rings, column + rings + 1):
                    near += self._cells.get((north, east), ())
            yield near, PLANE_SHARE * rings * CELL_M
        yield self._at, math.inf

    def _cell(self, at: LatLon) -> Cell:
        per_cell = METRES_PER_DEG / CELL_M
        return math.floor(at.lat_deg * per_cell), math.floor(at.lon_deg * self._narrow * per_cell)

    def _place(self, code: str, at: LatLon) -> None:
        if not self._at:
            self._narrow = math.cos(math.radians(at.lat_deg))
        self._at[code] = at
        self._cells.setdefault(self._cell(at), {})[code] = None

    def _remove(self, code: str) -> None:
        at = self._at.pop(code, None)
        if at is not None:
            cell = self._cell(at)
            del self._cells[cell][code]
            if not self._cells[cell]:
                del self._cells[cell]
