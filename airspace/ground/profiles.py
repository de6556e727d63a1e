"""Heights along a straight path, exactly: what a bilinear surface is from one cell border to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Pieces of parabolas [m] over the distance along a path [m]: n pieces between n + 1 rising places.

    Within a cell a bilinear surface over a straight line is a parabola; three heights of each, at its start, its middle
    and its end, say all of it.
    """

    along_m: Array
    start_m: Array
    middle_m: Array
    end_m: Array

    @classmethod
    def level(cls, height_m: float, length_m: float) -> Profile:
        """One height all along."""
        height = np.array([height_m])
        return cls(np.array([0.0, length_m]), height, height, height)

    def under(self, start_m: float, end_m: float) -> Profile:
        """How far a straight line from one height to another [m] is above this, from the first place to the last."""
        length_m = self.along_m[-1] - self.along_m[0]
        share = (
            (self.along_m - self.along_m[0]) / length_m if length_m > 0.0 else np.linspace(0.0, 1.0, len(self.along_m))
        )
        line_m = start_m + (end_m - start_m) * share
        middle_m = (line_m[:-1] + line_m[1:]) / 2.0
        return Profile(self.along_m, line_m[:-1] - self.start_m, middle_m - self.middle_m, line_m[1:] - self.end_m)

    def lowest(self) -> tuple[float, float]:
        """The least height [m] and the first place along [m] that has it."""
        bend, slope = self._coefficients()
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = np.where(bend > 0.0, -slope / (2.0 * bend), 0.0)
        turn = np.where((turn > 0.0) & (turn < 1.0), turn, 0.0)
        shares = np.stack([np.zeros_like(turn), turn, np.ones_like(turn)], -1)
        heights_m = np.stack([self.start_m, self.start_m + (slope + bend * turn) * turn, self.end_m], -1)
        piece, which = divmod(int(np.argmin(heights_m)), 3)
        length_m = self.along_m[piece + 1] - self.along_m[piece]
        return float(heights_m[piece, which]), float(self.along_m[piece] + shares[piece, which] * length_m)

    def highest(self) -> tuple[float, float]:
        """The greatest height [m] and the first place along [m] that has it."""
        height_m, along_m = Profile(self.along_m, -self.start_m, -self.middle_m, -self.end_m).lowest()
        return -height_m, along_m

    def height_m(self, along_m: float) -> float:
        """The height [m] at one place along the path [m]."""
        i = int(np.clip(np.searchsorted(self.along_m, along_m, side="right") - 1, 0, len(self.start_m) - 1))
        length_m = self.along_m[i + 1] - self.along_m[i]
        u = (along_m - self.along_m[i]) / length_m if length_m > 0.0 else 0.0
        bend, slope = self._coefficients()
        return float(self.start_m[i] + (slope[i] + bend[i] * u) * u)

    def _coefficients(self) -> tuple[Array, Array]:
        """C and b of each piece a + b u + c u^2, with u from 0 at its start to 1 at its end."""
        bend = 2.0 * (self.start_m + self.end_m - 2.0 * self.middle_m)
        return bend, self.end_m - self.start_m - bend
