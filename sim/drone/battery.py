"""A lithium battery: open-circuit voltage over charge, internal resistance, cold, and what has been taken from it.

Cold raises the resistance by Boltzmann's law; its constant is one measured on a LiPo pack in flight use from 0 to
30 degrees (R = 1.1e-6 exp(3131 / T), rcex.cz/?p=3589). What charge a cold cell still gives is a curve typical of cell
makers' data sheets at a slow discharge; how the resistance shortens a fast one comes out of the voltage. The pack has
the temperature that it is given: heating by its own current is left out, which is on the safe side.
"""

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


_MEAN_CELL_VOLTS = math.fsum((v0 + v1) / 2.0 * (c1 - c0) for (c0, v0), (c1, v1) in pairwise(CELL_CURVE))

WARM_C = 25.0  # capacity and resistance are stated for this temperature
RESISTANCE_K = 3131.0
ZERO_K = 273.15
# Temperature [C] and the share of the charge that a cell gives at it.
COLD_CURVE = ((-30.0, 0.50), (-20.0, 0.70), (-10.0, 0.82), (0.0, 0.91), (10.0, 0.97), (WARM_C, 1.00))


def resistance_factor(temperature_c: float) -> float:
    """How many times its resistance at 25 degrees a cell has; warmer than that it counts as 25."""
    kelvin = min(temperature_c, WARM_C) + ZERO_K
    return math.exp(RESISTANCE_K * (1.0 / kelvin - 1.0 / (WARM_C + ZERO_K)))


def usable_share(temperature_c: float) -> float:
    """The share of its charge that a cell gives at a temperature, 1 from 25 degrees on."""
    if temperature_c <= COLD_CURVE[0][0]:
        return COLD_CURVE[0][1]
    for (t0, s0), (t1, s1) in pairwise(COLD_CURVE):
        if temperature_c <= t1:
            return s0 + (s1 - s0) * (temperature_c - t0) / (t1 - t0)
    return 1.0


class Battery:
    """The pack of one drone; full and warm when made.

    `remaining` is the share of the charge that it can give at its temperature, which an autopilot that counts what
    was taken (`remaining_pct`) does not know. `overloaded` says that more power was asked than it can give at all.
    """

    def __init__(self, airframe: Airframe) -> None:
        self._cells = airframe.cells
        self._warm_ohm = airframe.cell_resistance_ohm * airframe.cells
        # so many ampere hours that a slow discharge from full to empty gives the rated energy
        self.capacity_ah = airframe.battery_wh / (airframe.cells * _MEAN_CELL_VOLTS)
        self.temperature_c = WARM_C
        self.resistance_ohm = self._warm_ohm
        self._usable_ah = self.capacity_ah
        self._used_ah = 0.0
        self.voltage_v = airframe.cells * cell_volts(1.0)
        self.current_a = 0.0
        self.consumed_ah = 0.0
        self.consumed_wh = 0.0
        self.overloaded = False

    @property
    def remaining(self) -> float:
        """What is left, 0 to 1."""
        return max(1.0 - self._used_ah / self._usable_ah, 0.0)

    @property
    def open_circuit_v(self) -> float:
        """The voltage without a load."""
        return self._cells * cell_volts(self.remaining)

    def draw(self, power_w: float, duration_s: float) -> None:
        """Take a power for a time: I from P = I (E - I R), at most the I = E / 2R that gives the most."""
        open_v = self.open_circuit_v
        root = open_v * open_v - 4.0 * self.resistance_ohm * power_w
        self.overloaded = root < 0.0
        if self.overloaded:
            current = open_v / (2.0 * self.resistance_ohm)
        else:
            current = 2.0 * power_w / (open_v + math.sqrt(root))
        self.current_a = current
        self.voltage_v = open_v - current * self.resistance_ohm
        hours = duration_s / 3600.0
        self.consumed_ah += current * hours
        self.consumed_wh += self.voltage_v * current * hours
        self._used_ah += current * hours

    def charge(self, power_w: float, duration_s: float) -> None:
        """Take in a power for a time, until it is full."""
        self._used_ah = max(self._used_ah - power_w / self.open_circuit_v * duration_s / 3600.0, 0.0)
        self.voltage_v = self.open_circuit_v - self.current_a * self.resistance_ohm

    def set_remaining(self, fraction: float) -> None:
        """Make the battery as charged as it would be with `fraction` of its charge left."""
        if not 0.0 <= fraction <= 1.0:
            raise ValueError(f"a battery cannot be {fraction} full")
        self._used_ah = (1.0 - fraction) * self._usable_ah
        self.voltage_v = self.open_circuit_v - self.current_a * self.resistance_ohm

    def set_temperature(self, temperature_c: float) -> None:
        """Make the pack so warm [C]: cold takes charge and adds resistance, and warmth gives both back."""
        self.temperature_c = temperature_c
        self.resistance_ohm = self._warm_ohm * resistance_factor(temperature_c)
        self._usable_ah = self.capacity_ah * usable_share(temperature_c)
        self.voltage_v = self.open_circuit_v - self.current_a * self.resistance_ohm

    @property
    def volts_share(self) -> float:
        """The voltage now as a share of a full pack's at rest; 0 when it gives no more."""
        return self.voltage_v / (self._cells * CELL_CURVE[-1][1]) if self.remaining > 0.0 else 0.0

    @property
    def remaining_pct(self) -> int:
        """What is left in whole percent, as the autopilot counts it from the charge taken."""
        return round(100.0 * max(1.0 - self._used_ah / self.capacity_ah, 0.0))
