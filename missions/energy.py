"""What flying costs: a multirotor's electric power and the energy of a leg, still air or wind.

Momentum theory with Glauert's inflow for forward flight gives the ideal power of the rotors; the figure of merit turns
it into electric power. Parasitic drag is a flat plate's, and what climbing costs is the work against gravity. The air
is the standard atmosphere's at sea level, which is within 2 % of the air at Zhengzhou's height.
"""

from __future__ import annotations

import math
from functools import lru_cache

from missions.site import DroneType

GRAVITY_MPS2 = 9.80665
AIR_DENSITY_KGPM3 = 1.225
SECONDS_PER_HOUR = 3600.0


@lru_cache(maxsize=4096)
def power_w(drone: DroneType, airspeed_mps: float, climb_mps: float = 0.0) -> float:
    """Electric power [W] at a horizontal airspeed and a climb rate [m/s].

    A descent is counted as level flight: what the rotors save by sinking is lost again in their own wake.
    """
    weight_n = drone.mass_kg * GRAVITY_MPS2
    drag_n = 0.5 * AIR_DENSITY_KGPM3 * drone.drag_area_m2 * airspeed_mps**2
    thrust_n = math.hypot(weight_n, drag_n)
    sin_tilt, cos_tilt = drag_n / thrust_n, weight_n / thrust_n
    climb_mps = max(climb_mps, 0.0)
    through_mps = airspeed_mps * sin_tilt + climb_mps * cos_tilt
    along_mps = airspeed_mps * cos_tilt - climb_mps * sin_tilt
    induced_mps = _induced_mps(thrust_n / (2.0 * AIR_DENSITY_KGPM3 * drone.disk_area_m2), along_mps, through_mps)
    return thrust_n * (through_mps + induced_mps) / drone.figure_of_merit + drone.avionics_w


def _induced_mps(hover_squared: float, along_mps: float, through_mps: float) -> float:
    """Glauert: v sqrt(along^2 + (through + v)^2) = v_hover^2, which grows with v, so halving finds its one root."""
    low, high = 0.0, math.sqrt(hover_squared)
    for _ in range(50):
        middle = 0.5 * (low + high)
        if middle * math.hypot(along_mps, through_mps + middle) < hover_squared:
            low = middle
        else:
            high = middle
    return high


def worst_leg_energy_wh(
    drone: DroneType, *, distance_m: float, up_m: float, duration_s: float, wind_mps: float
) -> float:
    """Energy [Wh] of a leg of horizontal length `distance_m` in the costliest wind of at most `wind_mps`.

    That need not be a head wind: a multirotor draws much when the air passes it slowly. Over the airspeed power has
    one valley, so the worst lies at one of the ends of the airspeeds that such winds can make.
    """
    if duration_s <= 0.0:
        return 0.0
    ground_mps = distance_m / duration_s
    airspeeds_mps = (max(ground_mps - wind_mps, 0.0), ground_mps + wind_mps)
    return max(power_w(drone, v, up_m / duration_s) for v in airspeeds_mps) * duration_s / SECONDS_PER_HOUR


def usable_wh(drone: DroneType, reserve_fraction: float) -> float:
    """What a flight may take from a full battery [Wh] when `reserve_fraction` of it must be left at the end."""
    return drone.battery_wh * (1.0 - reserve_fraction)
