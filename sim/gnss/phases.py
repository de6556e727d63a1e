"""Carrier phases: which satellites' are locked, since when, and how they slip.

A slip costs the count of cycles of one satellite; it takes part again `JOIN_S` after its phase was locked anew. Slips
come as a Poisson process: once in two hours for a satellite high in an open sky, more often low, in noise and between
buildings.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from sim.gnss.geometry import Line
from sim.gnss.interference import PHASE_DBHZ

JOIN_S = 5.0
LONG_AGO_S = -1e6

SLIPS_PER_S = 1.0 / 7200.0
SLIPS_LOW, LOW_DEG = 8.0, 25.0  # so many times more often below this elevation
SLIPS_BLOCKED, SLIPS_PER_DB = 10.0, 1.0  # added to one, by the share of the sky behind buildings and the rise of noise


class PhaseLocks:
    """The phases that one receiver holds; times are seconds since its power-on."""

    def __init__(self) -> None:
        self.slips_per_s = 0.0
        self._since_s: dict[int, float] = {}
        self._newest_s = LONG_AGO_S
        self._held: tuple[Sequence[Line], list[Line]] = (), []  # of which satellites, and those whose phases are locked

    def track(
        self, lines: Sequence[Line], *, noise_rise_db: float, blocked: float, t_s: float, since_s: float | None = None
    ) -> None:
        """Hold what is strong enough of these satellites, new ones since now or, if given, `since_s`."""
        before, self._since_s = self._since_s, {}
        self._held = (), []
        rate = 0.0
        for one in lines:
            if one.cn0_dbhz - noise_rise_db >= PHASE_DBHZ:
                self._since_s[one.prn] = before.get(one.prn, t_s if since_s is None else since_s)
                rate += _weight(one)
        self.slips_per_s = rate * SLIPS_PER_S * (1.0 + SLIPS_BLOCKED * blocked + SLIPS_PER_DB * noise_rise_db)
        if self._since_s.keys() - before.keys():
            self._newest_s = t_s

    def slip(self, rng: random.Random, lines: Sequence[Line], t_s: float) -> None:
        """One of the satellites jumps by cycles; a low one is the likelier."""
        held = self.held(lines)
        if held:
            self._since_s[rng.choices(held, [_weight(one) for one in held])[0].prn] = t_s
            self._newest_s = t_s

    def lose(self, t_s: float) -> None:
        """All of them begin anew."""
        self._since_s = dict.fromkeys(self._since_s, t_s)
        self._newest_s = t_s

    def restart(self) -> None:
        """Time is counted anew; what is held has been for long."""
        self.lose(LONG_AGO_S)

    def held(self, lines: Sequence[Line]) -> list[Line]:
        """Those of these satellites whose phases are locked."""
        if self._held[0] is not lines:
            self._held = lines, [one for one in lines if one.prn in self._since_s]
        return self._held[1]

    def joined(self, held: list[Line], t_s: float) -> list[Line]:
        """Those of the held ones that have been locked for so long that their cycles are known."""
        if t_s - self._newest_s >= JOIN_S:
            return held
        return [one for one in held if t_s - self._since_s[one.prn] >= JOIN_S]


def _weight(line: Line) -> float:
    return SLIPS_LOW if line.elevation_deg < LOW_DEG else 1.0
