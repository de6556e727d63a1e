"""The satellite receiver: what it says of itself, and how wrong the position is that the drone believes.

The error is a first-order Gauss-Markov process for each axis, smoothed by the filter that fuses it with the inertial
sensors; its size depends on the fix (RTK fixed 1 cm, float 15 cm, plain 3D 1.2 m; heights 1.6 times worse).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

UPDATE_S = 0.2
CORRELATION_S = 40.0
FILTER_S = 3.0
HEIGHT_FACTOR = 1.6


@dataclass(frozen=True, slots=True)
class Fix:
    """What a receiver reports at one kind of fix: satellites, eph and epv [cm/100], accuracies [mm], error [m]."""

    satellites: int
    eph: int
    epv: int
    h_acc_mm: int
    v_acc_mm: int
    error_m: float


NO_FIX = Fix(3, 65535, 65535, 0, 0, 0.0)
FIXES: dict[int, Fix] = {
    0: Fix(0, 65535, 65535, 0, 0, 0.0),
    1: NO_FIX,
    2: Fix(4, 400, 900, 8000, 20000, 6.0),
    3: Fix(10, 121, 200, 1500, 2400, 1.2),
    4: Fix(10, 121, 200, 900, 1500, 0.7),
    5: Fix(10, 121, 200, 400, 600, 0.15),
    6: Fix(10, 121, 200, 300, 300, 0.010),
}


class Receiver:
    """A receiver with its fix and the error [m] of the fused position, east, north and up."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.fix_type = 1
        self.e = self.n = self.u = 0.0
        self._raw = [0.0, 0.0, 0.0]
        self._keep = math.exp(-UPDATE_S / CORRELATION_S)
        self._due_s = 0.0

    @property
    def fix(self) -> Fix:
        """What goes with the present kind of fix."""
        return FIXES[self.fix_type]

    def set_fix(self, fix_type: int) -> None:
        """Change the kind of fix: GPS_FIX_TYPE 0 to 6."""
        if fix_type not in FIXES:
            raise ValueError(f"{fix_type} is no GPS_FIX_TYPE of this receiver (0 to 6)")
        self.fix_type = fix_type

    def restart(self) -> None:
        """Begin to count time anew."""
        self._due_s = 0.0

    def step(self, t_s: float) -> None:
        """Move the error on to a time [s]."""
        if t_s < self._due_s:
            return
        self._due_s = t_s + UPDATE_S
        sigma = self.fix.error_m
        fresh = sigma * math.sqrt(1.0 - self._keep**2)
        raw = self._raw
        for axis, factor in ((0, 1.0), (1, 1.0), (2, HEIGHT_FACTOR)):
            raw[axis] = raw[axis] * self._keep + factor * fresh * self._rng.gauss(0.0, 1.0)
        share = UPDATE_S / FILTER_S
        self.e += (raw[0] - self.e) * share
        self.n += (raw[1] - self.n) * share
        self.u += (raw[2] - self.u) * share
