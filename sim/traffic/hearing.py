"""How well a receiver on a pole hears transmitters: strength by distance, and what share of frames that leaves.

Free-space loss (ITU-R P.525) with 4 dB of fading, 20 dB more behind buildings. Broadcasts are decoded as GB 46750-2025
asks of receivers: 99.9 % at -86 dBm, 95 % at -89, 90 % at -91; below that the share falls to nothing within 6 dB more.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable

from sim.radio.coverage import BEHIND_BUILDINGS_DB, FADING_DB, NEAREST_M
from sim.traffic.aircraft import Place

WIFI_DBM, WIFI_HZ = 20.0, 2.437e9
SQUITTER_DBM, SQUITTER_HZ = 51.0, 1.09e9  # 125 W
SPEED_OF_LIGHT_MPS = 299_792_458.0
WEAKEST_DBM = -97.0
_SHARES = ((WEAKEST_DBM, 0.0), (-91.0, 0.90), (-89.0, 0.95), (-86.0, 0.999), (math.inf, 0.999))


def strength_dbm(from_: Place, to: Place, *, power_dbm: float, hz: float) -> float:
    """What arrives in free sight."""
    away_m = max(math.dist(from_, to), NEAREST_M)
    return power_dbm - 20.0 * math.log10(4.0 * math.pi * away_m * hz / SPEED_OF_LIGHT_MPS)


def share_decoded(rssi_dbm: float) -> float:
    """The share of frames of this strength that a receiver decodes."""
    if rssi_dbm <= WEAKEST_DBM:
        return 0.0
    above = bisect_right(_SHARES, (rssi_dbm, math.inf))
    (low_dbm, low), (high_dbm, high) = _SHARES[above - 1], _SHARES[above]
    return low if math.isinf(high_dbm) else low + (high - low) * (rssi_dbm - low_dbm) / (high_dbm - low_dbm)


class Hearing:
    """Whether frames arrive; `hidden` says whether something stands between two places."""

    def __init__(self, rng: random.Random, hidden: Callable[[Place, Place], bool] | None = None) -> None:
        self._rng = rng
        self._hidden = hidden

    def of_wifi(self, from_: Place, to: Place) -> float | None:
        """The strength [dBm] with which a broadcast arrives, None when it does not."""
        return self._arrives(from_, to, strength_dbm(from_, to, power_dbm=WIFI_DBM, hz=WIFI_HZ))

    def of_squitter(self, from_: Place, to: Place) -> float | None:
        """The strength [dBm] with which a transponder arrives, None when it does not."""
        return self._arrives(from_, to, strength_dbm(from_, to, power_dbm=SQUITTER_DBM, hz=SQUITTER_HZ))

    def _arrives(self, from_: Place, to: Place, rssi_dbm: float) -> float | None:
        if rssi_dbm < WEAKEST_DBM - 4.0 * FADING_DB:
            return None
        if self._hidden is not None and self._hidden(from_, to):
            rssi_dbm -= BEHIND_BUILDINGS_DB
        rssi_dbm += self._rng.gauss(0.0, FADING_DB)
        return round(rssi_dbm, 1) if self._rng.random() < share_decoded(rssi_dbm) else None
