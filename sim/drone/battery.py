"""A lithium battery: open-circuit voltage over charge, internal resistance, and what has been taken from it."""

from __future__ import annotations

import math
from itertools import pairwise

from sim.drone.airframe import Airframe

# State of charge and open-circuit volts of one cell (typical LiPo discharge at rest).
CELL_CURVE = (
    (0.00, 3.27),
    (0.05, 3.61),
    (0.10, 3.69),
    (0.20, 3.73),
    (0.30, 3.77),
    (0.40, 3.79),
    (0.50, 3.82),
    (0.60, 3.87),
    (0.70, 3.92),
    (0.80, 4.00),
    (0.90, 4.08),
    (1.00, 4.18),
)


def cell_volts(charge: float) -> float:
    """Open-circuit volts of a cell at a state of charge of 0 to 1."""
    if charge <= 0.0:
        return CELL_CURVE[0][1]
    for (c0, v0), (c1, v1) in pairwise(CELL_CURVE):
        if charge <= c1:
            return v0 + (v1 - v0) * (charge - c0) / (c1 - c0)
    return CELL_CURVE[-1][1]


_MEAN_CELL_VOLTS = sum((v0 + v1) / 2.0 * (c1 - c0) for (c0, v0), (c1, v1) in pairwise(CELL_CURVE))


class Battery:
    """The pack of one drone; full when made."""

    def __init__(self, airframe: Airframe) -> None:
        self._cells = airframe.cells
        self._resistance_ohm = airframe.cell_resistance_ohm * airframe.cells
        # so many ampere hours that a slow discharge from full to empty gives the rated energy
        self.capacity_ah = airframe.battery_wh / (airframe.cells * _MEAN_CELL_VOLTS)
        self.remaining = 1.0
        self.voltage_v = airframe.cells * cell_volts(1.0)
        self.current_a = 0.0
        self.consumed_ah = 0.0
        self.consumed_wh = 0.0

    def draw(self, power_w: float, duration_s: float) -> None:
        """Take a power for a time: I from P = I (E - I R)."""
        open_v = self._cells * cell_volts(self.remaining)
        root = open_v * open_v - 4.0 * self._resistance_ohm * power_w
        current = (open_v - math.sqrt(max(root, 0.0))) / (2.0 * self._resistance_ohm)
        self.current_a = current
        self.voltage_v = open_v - current * self._resistance_ohm
        hours = duration_s / 3600.0
        self.consumed_ah += current * hours
        self.consumed_wh += power_w * hours
        self.remaining = max(self.remaining - current * hours / self.capacity_ah, 0.0)

    def set_remaining(self, fraction: float) -> None:
        """Make the battery as charged as it would be with `fraction` of its charge left."""
        if not 0.0 <= fraction <= 1.0:
            raise ValueError(f"a battery cannot be {fraction} full")
        self.remaining = fraction
        self.voltage_v = self._cells * cell_volts(fraction) - self.current_a * self._resistance_ohm

    @property
    def remaining_pct(self) -> int:
        """What is left in whole percent, as the autopilot counts it from the charge taken."""
        return round(100.0 * self.remaining)
