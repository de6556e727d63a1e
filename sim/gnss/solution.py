"""What a receiver reports of its solution: the fix, and the vector to the station that corrects it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.gnss.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Fix:
    """What a receiver reports: satellites, eph and epv (dilution x 100), accuracies of one sigma [mm]."""

    satellites: int
    eph: int
    epv: int
    h_acc_mm: int
    v_acc_mm: int


@dataclass(frozen=True, slots=True)
class Rtk:
    """The RTK solution: vector from the station to the drone east, north, up [m], age and accuracy, GPS_RTK's facts.

    `hypotheses` are the sets of integers that are left: one when they are fixed, some number above it while not.
    """

    station: int
    tow_s: float
    satellites: int
    east_m: float
    north_m: float
    up_m: float
    accuracy_m: float
    age_s: float
    hypotheses: int


def fix_of(geometry: Geometry, sigma_m: tuple[float, float, float]) -> Fix:
    """The fix with a place, as its errors [m] and dilutions report it."""
    east, north, up = sigma_m
    level_mm, up_mm = round(1000.0 * math.hypot(east, north)), round(1000.0 * up)
    eph, epv = min(round(100.0 * geometry.hdop), 65534), min(round(100.0 * geometry.vdop), 65534)
    return Fix(geometry.count, eph, epv, level_mm, up_mm)
