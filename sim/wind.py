"""The wind over the city: a mean that grows with height and turns with the weather, and Dryden gusts that drift by.

Gusts are laid down in the air and carried by the mean wind (Taylor's frozen turbulence), so two drones at one place and
time feel the same, in whatever order they ask. A front is a new mean with gusts of its own; while it passes, the old
gusts fade into the new. Left out knowingly: the wakes and the shelter of buildings, and thermals.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from sim.weather.turbulence import NODE_M, NODES, REFERENCE_M, GustField, usual_gust_mps

SLOWEST_DRIFT_MPS = 2.0  # gusts change in still air, too
LOWEST_M = 1.0  # the power law is not for the grass
GRADIENT_M = 450.0  # GB 50009-2012, 8.2.1: no friction is felt higher up, over a town
LAID_APART = 0.6180339887498949 * NODE_M * NODES  # trains of gusts begin far from each other on the line


@dataclass(frozen=True, slots=True)
class _Regime:
    """A mean wind from `start_s` on, fully there after `over_s`, with its own train of gusts."""

    start_s: float
    over_s: float
    east_mps: float
    north_mps: float
    gust_mps: float
    before: tuple[float, float, float]  # east, north and gust when it began
    along: tuple[float, float]  # where its gusts go, a unit vector
    drift_mps: float
    offset_m: float


class Wind:
    """Mean wind [m/s] towards east and north at 10 m, with gusts of standard deviation `gust_mps` there.

    `gust_mps` is Dryden's sigma_u at 10 m above ground; `usual_gust_mps` says which goes with a mean. `shear_exponent`
    is the power law's (GB 50009: 0.15 open country, 0.22 town, 0.30 city centre); 0 means no shear. `ground_m` gives
    the terrain's height above the datum [m] at a place, where it is not level.
    """

    def __init__(
        self,
        *,
        rng: random.Random,
        east_mps: float = 0.0,
        north_mps: float = 0.0,
        gust_mps: float = 0.0,
        shear_exponent: float = 0.0,
        ground_m: Callable[[float, float], float] | None = None,
    ) -> None:
        self._gusts = GustField(rng)
        self._shear_exponent = shear_exponent
        self._ground_m = ground_m
        self._regimes: list[_Regime] = []
        self._settled: _Regime | None = None  # the one regime there is, when there is only one
        self._last = self._new_regime(-math.inf, 0.0, east_mps, north_mps, gust_mps)
        self._forget_all_but(self._last)

    def set_mean(self, speed_mps: float, from_deg: float, *, gust_mps: float | None = None) -> None:
        """Set the mean wind now and for good; `from_deg` is where it blows from, clockwise from north.

        Gusts stay as strong as they were last foreseen unless `gust_mps` says otherwise; coming fronts are forgotten.
        """
        east_mps, north_mps = _blowing(speed_mps, from_deg)
        gust_mps = self._last.gust_mps if gust_mps is None else gust_mps
        self._forget_all_but(self._new_regime(-math.inf, 0.0, east_mps, north_mps, gust_mps))

    def set_gusts(self, gust_mps: float) -> None:
        """Make the gusts as strong as asked, now and for good; coming fronts are forgotten."""
        last = self._last
        self._forget_all_but(self._new_regime(-math.inf, 0.0, last.east_mps, last.north_mps, gust_mps))

    def front(
        self, at_s: float, over_s: float, speed_mps: float, from_deg: float, *, gust_mps: float | None = None
    ) -> None:
        """Let the mean turn to another from a loop second on, until `over_s` later; what else was to come is forgotten.

        Without `gust_mps` the gusts are those usual for the new mean.
        """
        east_mps, north_mps = _blowing(speed_mps, from_deg)
        if gust_mps is None:
            gust_mps = usual_gust_mps(speed_mps, self._shear_exponent)
        kept = [regime for regime in self._regimes if regime.start_s < at_s]
        coming = self._new_regime(at_s, over_s, east_mps, north_mps, gust_mps, self.mean_at(at_s), len(kept))
        self._regimes = [*kept, coming]
        self._last = coming
        self._settled = None

    def mean_at(self, t_s: float) -> tuple[float, float, float]:
        """Mean wind towards east and north [m/s] at 10 m and the gusts' standard deviation there, at a loop second."""
        regime = self._regimes[self._number(t_s)]
        share = _share(regime, t_s)
        if share >= 1.0:
            return regime.east_mps, regime.north_mps, regime.gust_mps
        east, north, gust = regime.before
        return (
            east + (regime.east_mps - east) * share,
            north + (regime.north_mps - north) * share,
            gust + (regime.gust_mps - gust) * share,
        )

    def mean_aloft(self, agl_m: float, t_s: float) -> tuple[float, float, float]:
        """`mean_at` with the mean as strong as it is so high above ground [m]; the gusts stay those at 10 m."""
        east, north, gust = self.mean_at(t_s)
        factor = self._profile(agl_m) if self._shear_exponent else 1.0
        return east * factor, north * factor, gust

    def at(self, xy_m: tuple[float, float], height_m: float, t_s: float) -> tuple[float, float, float]:
        """The air's motion [m/s] towards east, north and up at a place [m], a height above the datum and a time."""
        if self._ground_m is not None:
            height_m -= self._ground_m(xy_m[0], xy_m[1])
        regime = self._settled
        if regime is None:
            return self._in_change(xy_m, height_m, t_s)
        factor = self._profile(height_m) if self._shear_exponent else 1.0
        east, north = regime.east_mps * factor, regime.north_mps * factor
        gust_mps = regime.gust_mps
        if gust_mps <= 0.0:
            return east, north, 0.0
        e, n = regime.along
        x, y = xy_m
        # slanted by 45 degrees, so that two abreast feel one gust no longer than two in a row
        place = x * (e - n) + y * (n + e) - regime.drift_mps * t_s + regime.offset_m
        u, v, w = self._gusts.at(place, height_m)
        return east + gust_mps * (u * e - v * n), north + gust_mps * (u * n + v * e), gust_mps * w

    def _in_change(self, xy_m: tuple[float, float], agl_m: float, t_s: float) -> tuple[float, float, float]:
        """`at` while more than one regime is known: trains of gusts fade into each other at constant energy."""
        mean_e, mean_n, gust_mps = self.mean_at(t_s)
        factor = self._profile(agl_m) if self._shear_exponent else 1.0
        moved = [mean_e * factor, mean_n * factor, 0.0]
        if gust_mps <= 0.0:
            return moved[0], moved[1], 0.0
        number = self._number(t_s)
        regime = self._regimes[number]
        share = _share(regime, t_s)
        trains = [(regime, math.sqrt(share))]
        if share < 1.0:
            trains.append((self._regimes[max(number - 1, 0)], math.sqrt(1.0 - share)))
        for train, weight in trains:
            e, n = train.along
            place = xy_m[0] * (e - n) + xy_m[1] * (n + e) - train.drift_mps * t_s + train.offset_m
            u, v, w = self._gusts.at(place, agl_m)
            size = gust_mps * weight
            moved[0] += size * (u * e - v * n)
            moved[1] += size * (u * n + v * e)
            moved[2] += size * w
        return moved[0], moved[1], moved[2]

    def _number(self, t_s: float) -> int:
        return max(bisect_right(self._regimes, t_s, key=lambda regime: regime.start_s) - 1, 0)

    def _profile(self, agl_m: float) -> float:
        return float((min(max(agl_m, LOWEST_M), GRADIENT_M) / REFERENCE_M) ** self._shear_exponent)

    def _forget_all_but(self, regime: _Regime) -> None:
        self._regimes = [regime]
        self._settled = regime
        self._last = regime

    @staticmethod
    def _new_regime(
        start_s: float,
        over_s: float,
        east_mps: float,
        north_mps: float,
        gust_mps: float,
        before: tuple[float, float, float] = (0.0, 0.0, 0.0),
        number: int = 0,
    ) -> _Regime:
        speed = math.hypot(east_mps, north_mps)
        along = (east_mps / speed, north_mps / speed) if speed > 0.0 else (1.0, 0.0)
        drift_mps = max(speed, SLOWEST_DRIFT_MPS)
        return _Regime(start_s, over_s, east_mps, north_mps, gust_mps, before, along, drift_mps, number * LAID_APART)


def _blowing(speed_mps: float, from_deg: float) -> tuple[float, float]:
    return -speed_mps * math.sin(math.radians(from_deg)), -speed_mps * math.cos(math.radians(from_deg))


def _share(regime: _Regime, t_s: float) -> float:
    """How much of a regime is there yet, 0 to 1."""
    since_s = t_s - regime.start_s
    return 1.0 if since_s >= regime.over_s else max(since_s / regime.over_s, 0.0)
