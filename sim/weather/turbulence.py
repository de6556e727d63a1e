"""Dryden turbulence near the ground, laid down once along the way that the air drifts.

Scale lengths and intensities are those of MIL-F-8785C 3.7.3.4 (low altitude): with h in feet, L_w = h,
L_u = L_v = h / (0.177 + 0.000823 h)^1.2, sigma_w = 0.1 W20 and
sigma_u = sigma_v = sigma_w / (0.177 + 0.000823 h)^0.4, between 10 and 1000 ft; W20 is the mean wind at 20 ft.
"""

from __future__ import annotations

import math
import random
import struct
from bisect import bisect_right
from functools import cache

import numpy as np
import numpy.typing as npt

FOOT_M = 0.3048
LOWEST_M, HIGHEST_M = 10.0 * FOOT_M, 1000.0 * FOOT_M
REFERENCE_M = 10.0  # where anemometers stand (WMO-No. 8)
W20_M = 20.0 * FOOT_M

NODE_M = 1.5
NODES = 32768  # 49 km: at 10 m/s a gust comes back after 80 minutes
LEVELS_M = (*(LOWEST_M * 2.0**step for step in range(7)), HIGHEST_M)

Array = npt.NDArray[np.float64]
_BOTH_LEVELS = struct.Struct("=6d")
_COMPONENTS = 3
_NODE_BYTES = 8 * _COMPONENTS * len(LEVELS_M)
_LEVEL_BYTES = 8 * _COMPONENTS
_TOP_PAIR = len(LEVELS_M) - 2


def _shape(height_m: float) -> float:
    return 0.177 + 0.000823 * min(max(height_m, LOWEST_M), HIGHEST_M) / FOOT_M


def horizontal_scale_m(height_m: float) -> float:
    """L_u and L_v [m] at a height above ground [m]."""
    return float(min(max(height_m, LOWEST_M), HIGHEST_M) / _shape(height_m) ** 1.2)


def vertical_scale_m(height_m: float) -> float:
    """L_w [m] at a height above ground [m]."""
    return min(max(height_m, LOWEST_M), HIGHEST_M)


def horizontal_intensity(height_m: float) -> float:
    """sigma_u and sigma_v at a height above ground [m], over those at 10 m."""
    return float((_shape(REFERENCE_M) / _shape(height_m)) ** 0.4)


VERTICAL_INTENSITY = float(_shape(REFERENCE_M) ** 0.4)  # sigma_w, the same at all heights, over sigma_u at 10 m


def usual_gust_mps(wind_mps: float, shear_exponent: float = 0.0) -> float:
    """sigma_u [m/s] at 10 m that MIL-F-8785C gives to a mean wind [m/s] at 10 m."""
    w20_mps = wind_mps * float((W20_M / REFERENCE_M) ** shear_exponent)
    return 0.1 * w20_mps / VERTICAL_INTENSITY


def longitudinal_correlation(apart_m: Array, scale_m: float) -> Array:
    """Of u at two places so far apart along the wind: exp(-x / L), the Dryden spectrum's."""
    correlation: Array = np.exp(-apart_m / scale_m)
    return correlation


def lateral_correlation(apart_m: Array, scale_m: float) -> Array:
    """Of v or w at two places so far apart along the wind: (1 - x / 2L) exp(-x / L)."""
    correlation: Array = (1.0 - 0.5 * apart_m / scale_m) * np.exp(-apart_m / scale_m)
    return correlation


class GustField:
    """Gusts along one line, by distance [m] on it and height above ground [m]; the same seed gives the same field.

    In units of sigma_u at 10 m. Correlations at the nodes are exactly Dryden's (circulant embedding of the
    autocovariance, Dietrich and Newsam 1997), linear between; one noise drives all heights, so that a gust reaches from
    the roofs to the street. The line closes after `NODES` nodes. It is laid down when first asked.
    """

    def __init__(self, rng: random.Random) -> None:
        self._seed = rng.getrandbits(64)
        self._table = b""

    def at(self, along_m: float, agl_m: float) -> tuple[float, float, float]:
        """Along the wind (u), to its left (v) and up (w)."""
        if not self._table:
            self._table = _laid_down(self._seed)
        place = along_m / NODE_M
        node = math.floor(place)
        share = place - node
        node %= NODES
        if agl_m <= LOWEST_M:
            level, high = 0, 0.0
        elif agl_m >= HIGHEST_M:
            level, high = _TOP_PAIR, 1.0
        else:
            level = bisect_right(LEVELS_M, agl_m) - 1
            low_m = LEVELS_M[level]
            high = (agl_m - low_m) / (LEVELS_M[level + 1] - low_m)
        offset = level * _LEVEL_BYTES
        u0, v0, w0, u1, v1, w1 = _BOTH_LEVELS.unpack_from(self._table, node * _NODE_BYTES + offset)
        u2, v2, w2, u3, v3, w3 = _BOTH_LEVELS.unpack_from(self._table, (node + 1) % NODES * _NODE_BYTES + offset)
        near, far = 1.0 - share, share
        a, b, c, d = near * (1.0 - high), near * high, far * (1.0 - high), far * high
        return (
            a * u0 + b * u1 + c * u2 + d * u3,
            a * v0 + b * v1 + c * v2 + d * v3,
            a * w0 + b * w1 + c * w2 + d * w3,
        )


def _laid_down(seed: int) -> bytes:
    """The table of a field: nodes, in each its levels, in each u, v and w."""
    noise = np.random.default_rng(seed).standard_normal((_COMPONENTS, NODES))
    waves = np.fft.rfft(noise)
    table = np.empty((NODES, len(LEVELS_M), _COMPONENTS))
    for level, amplitudes in enumerate(_amplitudes()):
        table[:, level] = np.fft.irfft(waves * amplitudes, NODES).T
    return table.tobytes()


@cache
def _amplitudes() -> tuple[Array, ...]:
    """What each level makes of white noise: shape (components, waves), the same for all seeds."""
    step = np.arange(NODES)
    apart_m = np.minimum(step, NODES - step) * NODE_M
    amplitudes = []
    for height_m in LEVELS_M:
        scale_m, intensity = horizontal_scale_m(height_m), horizontal_intensity(height_m)
        covariances = (
            (longitudinal_correlation(apart_m, scale_m), intensity),
            (lateral_correlation(apart_m, scale_m), intensity),
            (lateral_correlation(apart_m, vertical_scale_m(height_m)), VERTICAL_INTENSITY),
        )
        amplitudes.append(np.stack([sigma * _spectrum(covariance) for covariance, sigma in covariances]))
    return tuple(amplitudes)


def _spectrum(covariance: Array) -> Array:
    """Amplitudes that give this covariance at the nodes and, read along straight lines, its variance between them."""
    power = np.maximum(np.fft.rfft(covariance).real, 0.0)
    # lines between nodes are flatter than the nodes: their mean square is 1 - (1 - rho) / 3 of theirs
    flattened = 1.0 - (1.0 - float(covariance[1])) / 3.0
    spectrum: Array = np.sqrt(power / flattened)
    return spectrum
