"""How wrong a position is: the law of each kind of fix, as errors of ranges that the geometry carries into the place.

A position error is L (slow s + quick q) + z b: s and q are white vectors that follow first-order Gauss-Markov processes
with the correlation times below, L the geometry's spread, b where a common zenith delay moves the place and z that
delay's error, also Gauss-Markov. So each axis is normal with zero mean, its variance is known, and it fits the reported
dilutions.

Sizes: signal in space 0.6 m (analyses of BDS-3's broadcast ephemerides find 0.5 to 0.7); the broadcast ionosphere
leaves 35 % of the delay; code noise 0.5 m under an open sky; what differential code leaves over short ways 0.35 m;
float ambiguities 0.25 m; phases 10 mm, and 1 mm per km of baseline (receivers of the UM980 class state 8 mm + 1 ppm
level and 15 mm + 1 ppm up). Corrections lose 4 mm/s of age in code and 0.4 mm/s in phase.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.gnss.geometry import Geometry

NO_GPS, NO_FIX, FIX_2D, FIX_3D, DGPS, RTK_FLOAT, RTK_FIXED = range(7)  # GPS_FIX_TYPE

SLOW_S = 1800.0  # orbits, clocks and ionosphere
QUICK_S = 40.0  # noise and multipath, as smoothed in the receiver
SIGNAL_IN_SPACE_M = 0.6
IONOSPHERE_LEFT = 0.35
CODE_M = 0.5
DIFFERENTIAL_M = 0.35
FLOAT_M = 0.25
PHASE_M = 0.010
CODE_AGE_MPS = 0.004
PHASE_AGE_MPS = 0.0004
PER_BASELINE = 1e-6
FLAT_HEIGHT_FACTOR = 3.0  # a fix without a height is so much worse


@dataclass(frozen=True, slots=True)
class Law:
    """The sizes of the errors now: of ranges, slow and quick, and of the delay at the zenith [m], one sigma each."""

    slow_m: float
    quick_m: float
    zenith_m: float

    def sigma_m(self, geometry: Geometry) -> tuple[float, float, float]:
        """One sigma of the position's error east, north and up [m]."""
        ranges = self.slow_m * self.slow_m + self.quick_m * self.quick_m
        ee, ne, nn, ue, un, uu = geometry.spread
        z = self.zenith_m * self.zenith_m
        be, bn, bu = geometry.zenith
        return (
            math.sqrt(ranges * ee * ee + z * be * be),
            math.sqrt(ranges * (ne * ne + nn * nn) + z * bn * bn),
            math.sqrt(ranges * (ue * ue + un * un + uu * uu) + z * bu * bu),
        )


def law_of(
    fix_type: int,
    *,
    zenith_ionosphere_m: float,
    blocked: float = 0.0,
    noise_rise_db: float = 0.0,
    age_s: float = 0.0,
    baseline_m: float = 0.0,
) -> Law:
    """The law of a kind of fix.

    `blocked` is the share of the sky behind buildings, whose facades send the signals again: at a half, code errors are
    three times as large and phase errors twice. `noise_rise_db` is by how much interference raises the noise: errors
    grow with its amplitude. `age_s` and `baseline_m` are those of the corrections.
    """
    noise = math.pow(10.0, noise_rise_db / 20.0)
    code, phase = (1.0 + 4.0 * blocked) * noise, (1.0 + 2.0 * blocked) * noise
    if fix_type == RTK_FIXED:
        return Law(0.0, math.hypot(PHASE_M * phase, PHASE_AGE_MPS * age_s, PER_BASELINE * baseline_m), 0.0)
    if fix_type == RTK_FLOAT:
        return Law(0.0, math.hypot(FLOAT_M * phase, PHASE_AGE_MPS * age_s, PER_BASELINE * baseline_m), 0.0)
    if fix_type == DGPS:
        return Law(0.0, math.hypot(DIFFERENTIAL_M * code, CODE_AGE_MPS * age_s, PER_BASELINE * baseline_m), 0.0)
    worse = FLAT_HEIGHT_FACTOR if fix_type == FIX_2D else 1.0
    return Law(SIGNAL_IN_SPACE_M * worse, CODE_M * code * worse, IONOSPHERE_LEFT * zenith_ionosphere_m)
