"""Delays of the ionosphere and the troposphere on the way from a satellite.

The ionosphere is the eight-parameter Klobuchar model of BDS-SIS-ICD-B1I-3.0, 5.2.4.7, with the parameters that BeiDou
broadcast on 14 March 2023; the troposphere is Saastamoinen's zenith delay for the standard atmosphere with the mapping
1.001 / sqrt(0.002001 + sin^2 elevation) (RTCA DO-229E, A.4.2.4).
"""

from __future__ import annotations

import math

from sim.gnss.orbits import LIGHT_MPS

ALPHA = (3.3528e-08, 6.7055e-08, -1.0133e-06, 1.6093e-06)  # [s / semicircle^n]
BETA = (1.1878e05, 3.2768e04, 7.8643e05, -7.8643e05)  # [s / semicircle^n]
NIGHT_S = 5e-9
NOON_S = 50_400.0
EARTH_M = 6_378_000.0
SHELL_M = 375_000.0


def zenith_ionosphere_m(lat_deg: float, lon_deg: float, bdt_s: float) -> float:
    """Delay of B1I straight up [m] over a place at a BDT."""
    phi = abs(lat_deg) / 180.0
    local_s = (bdt_s + lon_deg * 240.0) % 86400.0
    amplitude = max(ALPHA[0] + phi * (ALPHA[1] + phi * (ALPHA[2] + phi * ALPHA[3])), 0.0)
    period = min(max(BETA[0] + phi * (BETA[1] + phi * (BETA[2] + phi * BETA[3])), 72_000.0), 172_800.0)
    away = local_s - NOON_S
    wave = amplitude * math.cos(2.0 * math.pi * away / period) if abs(away) < period / 4.0 else 0.0
    return (NIGHT_S + wave) * LIGHT_MPS


def ionosphere_factor(elevation_deg: float) -> float:
    """How many times the zenith delay of the ionosphere a satellite at this elevation has (thin shell at 375 km)."""
    across = EARTH_M / (EARTH_M + SHELL_M) * math.cos(math.radians(elevation_deg))
    return 1.0 / math.sqrt(1.0 - across * across)


def zenith_troposphere_m(ellipsoidal_m: float) -> float:
    """Delay of dry and wet air straight up [m] over a height, in the standard atmosphere with 50 % humidity."""
    height = max(ellipsoidal_m, 0.0)
    pressure = 1013.25 * math.pow(1.0 - 2.2557e-5 * height, 5.2568)
    kelvin = 288.16 - 6.5e-3 * height
    vapour = 0.5 * math.exp(-37.2465 + 0.213166 * kelvin - 0.000256908 * kelvin * kelvin)
    return 0.0022768 * pressure + 0.002277 * (1255.0 / kelvin + 0.05) * vapour


def troposphere_factor(elevation_deg: float) -> float:
    """How many times the zenith delay of the troposphere a satellite at this elevation has."""
    s = math.sin(math.radians(elevation_deg))
    return 1.001 / math.sqrt(0.002001 + s * s)
