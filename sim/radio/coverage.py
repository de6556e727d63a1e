"""Radio cells over the city: how well each place is reached, and by which cell.

Path loss grows with 22 log10 of the distance in free sight, with 4 dB of shadow fading (3GPP TR 36.777, urban macro to
aerial vehicles); behind a building it is 20 dB more. What is lost is the share of places at such a distance where
fading eats the margin, so that half is lost at a cell's range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sim.links import Quality

EXPONENT = 2.2
FADING_DB = 4.0
BEHIND_BUILDINGS_DB = 20.0
NEAREST_M = 10.0
NOTHING_LOST = 1e-4  # what is less is none, and all but that much is all

Place = tuple[float, float, float]
NO_RADIO = Quality(loss=1.0)


@dataclass(frozen=True, slots=True)
class Cell:
    """An antenna in the world's frame [m], the distance at which half is lost [m], and its delay [s], one way."""

    name: str
    place: Place
    range_m: float
    delay_s: float


class Radio:
    """The cells of a city; without any, the radio reaches everywhere and loses nothing.

    `hidden` says whether something stands between two places.
    """

    def __init__(self, cells: Iterable[Cell] = (), hidden: Callable[[Place, Place], bool] | None = None) -> None:
        self.cells = {cell.name: cell for cell in cells}
        self._hidden = hidden
        self._off: dict[str, list[str]] = {name: [] for name in self.cells}

    def cell_off(self, name: str, cause: str = "") -> None:
        """A cell falls silent for a cause; it is on again when all its causes are gone. Raises KeyError."""
        if cause not in self._off[name]:
            self._off[name].append(cause)

    def cell_on(self, name: str, cause: str = "") -> None:
        """A cause of a cell's silence is gone. Raises KeyError."""
        if cause in self._off[name]:
            self._off[name].remove(cause)

    def quality(self, e_m: float, n_m: float, u_m: float) -> Quality:
        """How a link carries between a place in the world's frame and the best cell."""
        if not self.cells:
            return Quality()
        best, best_db = self._best((e_m, n_m, u_m))
        loss = faded(best_db)
        return NO_RADIO if best is None or loss >= 1.0 else Quality(loss=loss, delay_s=best.delay_s)

    def margin_db(self, e_m: float, n_m: float, u_m: float) -> float | None:
        """By how much the best cell is received better than at its range [dB], None when none is on.

        Infinite in a city without cells.
        """
        if not self.cells:
            return math.inf
        best, best_db = self._best((e_m, n_m, u_m))
        return None if best is None else best_db

    def _best(self, here: Place) -> tuple[Cell | None, float]:
        """The cell that is received best at a place, and its margin [dB]."""
        free = [(self._margin_db(cell, here), cell) for name, cell in self.cells.items() if not self._off[name]]
        best: Cell | None = None
        best_db = -math.inf
        for margin_db, cell in sorted(free, key=lambda row: -row[0]):
            if margin_db <= best_db:
                break  # in free sight all the others are worse than this one
            if self._hidden is not None and margin_db > -4.0 * FADING_DB and self._hidden(cell.place, here):
                margin_db -= BEHIND_BUILDINGS_DB
            if margin_db > best_db:
                best, best_db = cell, margin_db
        return best, best_db

    @staticmethod
    def _margin_db(cell: Cell, here: Place) -> float:
        away_m = max(math.dist(cell.place, here), NEAREST_M)
        return 10.0 * EXPONENT * math.log10(cell.range_m / away_m)


def faded(margin_db: float) -> float:
    """The share that fading takes when it has this margin [dB]; exactly 0 and 1 at the ends."""
    share = 0.5 * math.erfc(margin_db / (FADING_DB * math.sqrt(2.0)))
    if share < NOTHING_LOST:
        return 0.0
    return 1.0 if share > 1.0 - NOTHING_LOST else share
