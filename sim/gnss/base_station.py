"""A BeiDou reference station: what its antenna receives, as RTCM 3 messages, once a second.

Pseudoranges and phase ranges of B1I and B3I are made from the broadcast ephemerides: light time and the turning of the
earth meanwhile, clocks of satellite and receiver, ionosphere (by frequency, ahead in phase and behind in code),
troposphere, noise. A decoder that knows nothing of this program finds the station's place from them.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from airspace.frames import LatLon
from sim.gnss import msm, rtcm
from sim.gnss.atmosphere import ionosphere_factor, troposphere_factor, zenith_troposphere_m
from sim.gnss.geometry import Line
from sim.gnss.interference import PHASE_DBHZ
from sim.gnss.orbits import EARTH_RATE_RADPS, LIGHT_MPS, WEEK_S, Ephemeris, Vector, bdt_s
from sim.gnss.places import earth_fixed_m
from sim.gnss.sky import Sky

POINT_EVERY_S, RECEIVER_EVERY_S = 5, 10
CODE_NOISE_M, PHASE_NOISE_M = 0.3, 0.002
CLOCK_S = 20e-9  # how well the receiver's clock is steered
RATE_STEP_S = 0.1

CellKey = tuple[int, int]  # satellite and signal


@dataclass(frozen=True, slots=True)
class StationSite:
    """Where a station's antenna is: CGCS2000 degrees, ellipsoidal height, and its place in the world's frame [m]."""

    position: LatLon
    ellipsoidal_m: float
    e_m: float = 0.0
    n_m: float = 0.0
    u_m: float = 0.0


class BaseStationStream:
    """The station's receiver; `epoch` makes the messages of the present second.

    `station` is its number in the messages (0 to 4095), `kind` the MSM it sends: 7, or 4 where bandwidth is dear.
    """

    def __init__(self, site: StationSite, sky: Sky, *, rng: random.Random, station: int = 0, kind: int = 7) -> None:
        self.site = site
        self.station = station
        self.sky = sky
        self._rng = rng
        self._kind = kind
        self._place_m = earth_fixed_m(site.position, site.ellipsoidal_m)
        self._locked_s: dict[int, float] = {}
        self._integers: dict[CellKey, int] = {}
        self._next_ephemeris = 0

    def satellites(self) -> tuple[Line, ...]:
        """What is tracked now, well enough for phases; nothing while the signals are false."""
        site, sky = self.site, self.sky
        if sky.spoofs and sky.spoofing("", site.e_m, site.n_m) is not None:
            return ()
        rise_db = sky.noise_rise_db(site.e_m, site.n_m, site.u_m) if sky.jammers else 0.0
        skyline = sky.skyline
        return tuple(
            one
            for one in sky.view().lines
            if one.cn0_dbhz - rise_db >= PHASE_DBHZ
            and (
                skyline is None
                or one.elevation_deg > skyline.elevation_deg(site.e_m, site.n_m, site.u_m, one.azimuth_deg)
            )
        )

    def epoch(self) -> list[bytes]:
        """The frames of this second, each a whole RTCM message; none when nothing is tracked."""
        t_s = float(round(bdt_s(self.sky.utc_s())))
        lines = self.satellites()
        self._locked_s = {one.prn: self._locked_s.get(one.prn, t_s) for one in lines}
        self._integers = {key: number for key, number in self._integers.items() if key[0] in self._locked_s}
        if not lines:
            return []
        tow_s = round(t_s % WEEK_S)
        ephemerides = self.sky.ephemerides()
        clock_s = CLOCK_S * self._rng.gauss(0.0, 1.0)
        observed = [self._observe(one, ephemerides[one.prn], t_s, clock_s) for one in lines]
        payloads = [msm.message(self._kind, self.station, tow_s * 1000, observed)]
        if tow_s % POINT_EVERY_S == 0:
            payloads.append(rtcm.ReferencePoint(self.station, self._place_m, 0.0).payload())
        if tow_s % RECEIVER_EVERY_S == 0:
            payloads.append(
                rtcm.receiver_and_antenna(
                    self.station, antenna="BEICHENSIM      NONE", receiver="BEICHEN SIM", firmware="1", serial="1"
                )
            )
        self._next_ephemeris = (self._next_ephemeris + 1) % len(lines)
        payloads.append(rtcm.ephemeris(ephemerides[lines[self._next_ephemeris].prn]))
        return [rtcm.frame(payload) for payload in payloads]

    def _observe(self, line: Line, ephemeris: Ephemeris, t_s: float, clock_s: float) -> msm.Observed:
        view = self.sky.view()
        range_m, sent_s = self.range_m(ephemeris, t_s)
        before, _ = self.range_m(ephemeris, t_s - RATE_STEP_S)
        after, _ = self.range_m(ephemeris, t_s + RATE_STEP_S)
        rate_mps = (after - before) / (2.0 * RATE_STEP_S)
        common_m = (
            range_m
            + LIGHT_MPS * (clock_s - ephemeris.clock_s(sent_s))
            + zenith_troposphere_m(self.site.ellipsoidal_m) * troposphere_factor(line.elevation_deg)
        )
        ionosphere_m = view.zenith_ionosphere_m * ionosphere_factor(line.elevation_deg)
        cells = tuple(self._cell(line, signal, common_m, ionosphere_m, rate_mps, t_s) for signal in (msm.B1I, msm.B3I))
        return msm.Observed(line.prn, cells)

    def _cell(
        self, line: Line, signal: int, common_m: float, ionosphere_m: float, rate_mps: float, t_s: float
    ) -> msm.Cell:
        wavelength_m = msm.WAVELENGTHS_M[signal]
        delay_m = ionosphere_m * (wavelength_m / msm.WAVELENGTHS_M[msm.B1I]) ** 2
        code_m = common_m + delay_m + CODE_NOISE_M * self._rng.gauss(0.0, 1.0)
        phase_m = common_m - delay_m + PHASE_NOISE_M * self._rng.gauss(0.0, 1.0)
        # a receiver starts the count of cycles where code and phase agree
        cycles = self._integers.setdefault((line.prn, signal), round((code_m - phase_m) / wavelength_m))
        locked_s = t_s - self._locked_s[line.prn]
        return msm.Cell(signal, code_m, phase_m + cycles * wavelength_m, rate_mps, line.cn0_dbhz, locked_s)

    def range_m(self, ephemeris: Ephemeris, t_s: float) -> tuple[float, float]:
        """Geometric way [m] of what arrives at a BDT, and when it was sent."""
        travel_s = 0.075
        away_m = 0.0
        for _ in range(4):
            away_m = math.dist(self._place_m, _turned(ephemeris.position_m(t_s - travel_s), travel_s))
            travel_s = away_m / LIGHT_MPS
        return away_m, t_s - travel_s


def _turned(position_m: Vector, travel_s: float) -> Vector:
    """An earth-fixed position seen in the axes of a moment later."""
    angle = EARTH_RATE_RADPS * travel_s
    c, s = math.cos(angle), math.sin(angle)
    x, y, z = position_m
    return c * x + s * y, -s * x + c * y, z
