"""What people do to satellite signals: jamming that drowns them and spoofing that replaces them.

A jammer raises the noise that all satellites are received in (Kaplan and Hegarty, 9.2: effective C/N0 = C / (N0 + J /
(Q Rc))), so the weak ones near the horizon go first and then all. Power falls with the square of the distance, up to
the edge of its area, beyond which streets and terrain are taken to hide it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

NOISE_DBM_HZ = -171.0  # thermal noise with a noise figure of 3 dB
CHIP_RATE_HZ = 2.046e6  # B1I
SPREAD = 1.5  # Q of band-limited noise
WAVELENGTH_M = 299_792_458.0 / 1_561.098e6
NEAREST_M = 1.0
CODE_DBHZ = 28.0  # below this a satellite is not tracked
PHASE_DBHZ = 33.0  # below this its carrier phase is no use for centimetres


@dataclass(frozen=True, slots=True)
class Area:
    """A disc on the ground and all heights over it: its middle east and north in the world's frame, and radius [m]."""

    e_m: float
    n_m: float
    radius_m: float

    def holds(self, e_m: float, n_m: float) -> bool:
        """Whether a place is in it."""
        return math.hypot(e_m - self.e_m, n_m - self.n_m) <= self.radius_m


@dataclass(frozen=True, slots=True)
class Jammer:
    """A transmitter in the middle of an area, its radiated power [dBm] and height above the world's datum [m].

    10 dBm (10 mW) is what a jammer for a car's lighter socket has: with nothing between, a receiver has no fix within
    about 1.2 km, no centimetres within 2.3 km, and all its satellites again from 3.4 km. Ten dB reach 3.2 times as far.
    """

    area: Area
    power_dbm: float
    u_m: float = 0.0

    def received_mw(self, e_m: float, n_m: float, u_m: float) -> float:
        """Power [mW] that an isotropic antenna at a place takes in."""
        if not self.area.holds(e_m, n_m):
            return 0.0
        away_m = math.hypot(e_m - self.area.e_m, n_m - self.area.n_m, u_m - self.u_m)
        gain = WAVELENGTH_M / (4.0 * math.pi * max(away_m, NEAREST_M))
        return float(10.0 ** (self.power_dbm / 10.0) * gain * gain)


def noise_rise_db(received_mw: float) -> float:
    """By how much interference of this power raises the noise [dB]."""
    noise_mw = 10.0 ** (NOISE_DBM_HZ / 10.0)
    return 10.0 * math.log10(1.0 + received_mw / (SPREAD * CHIP_RATE_HZ * noise_mw))


@dataclass(frozen=True, slots=True)
class Spoof:
    """False signals over an area or at one receiver (by name): the place they show walks off from the true one.

    The velocity of the walk is in m/s. A `coherent` spoofer's carrier phases are shifted with the place, so that a
    receiver keeps its fixed solution; others break the lock and can be followed only without corrections.
    """

    target: Area | str
    east_mps: float
    north_mps: float
    up_mps: float
    coherent: bool

    def strikes(self, name: str, e_m: float, n_m: float) -> bool:
        """Whether the receiver of this name at this place follows it."""
        if isinstance(self.target, str):
            return self.target == name
        return self.target.holds(e_m, n_m)
