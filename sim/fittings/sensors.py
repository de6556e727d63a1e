"""Simulated sensors: what they measure follows from the weather and from what a test or a scenario does to them."""

from __future__ import annotations

import math
import random

import numpy as np

from poles.services.bridge import Bridge
from poles.services.cell import NetworkCell, NetworkCellReadings, Technology
from poles.services.gas import Gas, GasSensor
from poles.services.manhole import Manhole
from poles.services.meter import Meter, MeterReadings
from poles.services.tunnel import Tunnel
from poles.services.water_level import WaterLevel
from sim.fittings.fitting import Outside
from sim.radio.coverage import faded

CLEAN_PPM = {Gas.CH4: 2.0, Gas.CO: 0.4, Gas.H2S: 0.002}  # what city air holds

CATCHMENT_RATIO = 50.0  # area that drains into the gully, for its own
PUMPED_MMPH = 40.0  # rain that the pumps keep up with

BRIDGE_HZ = 2.1
BRIDGE_RATE_HZ, BRIDGE_SAMPLES = 50.0, 512
TRAFFIC_MPS2 = 0.05  # amplitude that traffic keeps up
WIND_MPS2 = 2e-4  # and the wind, for each (m/s)^2

CLEAR_PER_M = 0.004
SMOKE_RISE_PER_MS, HEAT_RISE_CPS = 0.0005, 1.5  # of a burning car
TUNNEL_WARMER_C = 5.0

MAINS_V, MAINS_SPREAD_V = 230.0, 1.5
LTE_EDGE_DBM = -120.0  # received where half is lost


class GasFitting:
    """Methane, carbon monoxide and hydrogen sulphide in the duct under the pole."""

    every_s = 10.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.service = GasSensor(CLEAN_PPM)
        self._rng = rng
        self._leaks_ppm: dict[Gas, float] = {}

    def leak(self, gas: Gas, ppm: float) -> None:
        """So much of a gas comes on top of clean air from now on; 0 stops the leak."""
        self._leaks_ppm[gas] = ppm

    def sample(self, now_s: float) -> None:
        """Measure each gas, within 2 %."""
        for gas, clean_ppm in CLEAN_PPM.items():
            ppm = clean_ppm + self._leaks_ppm.get(gas, 0.0)
            self.service.observe(gas, round(max(ppm * self._rng.gauss(1.0, 0.02), 0.0), 4))


class WaterLevelFitting:
    """Water in the underpass: it rises while it rains harder than the pumps keep up with, and is pumped out after."""

    every_s = 10.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.service = WaterLevel()
        self.level_m = 0.0
        self._outside = outside
        self._rng = rng
        self._since_s: float | None = None

    def flood(self, level_m: float) -> None:
        """The water stands so high from now on."""
        self.level_m = level_m

    def sample(self, now_s: float) -> None:
        """Let the water rise or fall, and measure it within 5 mm."""
        spent_s = now_s - (now_s if self._since_s is None else self._since_s)
        self._since_s = now_s
        rising_mps = (self._outside.rain_mmph() - PUMPED_MMPH) * CATCHMENT_RATIO / 1000.0 / 3600.0
        self.level_m = max(self.level_m + rising_mps * spent_s, 0.0)
        self.service.observe(round(max(self.level_m + self._rng.gauss(0.0, 0.002), 0.0), 3))


class ManholeFitting:
    """A manhole cover that somebody may move."""

    every_s = 30.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.service = Manhole()
        self._rng = rng
        self._lies_deg = (0.0, 0.0)

    def move(self, roll_deg: float, pitch_deg: float) -> None:
        """The cover lies so from now on, and its sensor wakes up."""
        self._lies_deg = roll_deg, pitch_deg
        self._measure()

    def sample(self, now_s: float) -> None:
        """Measure how it lies, within half a degree."""
        self._measure()

    def _measure(self) -> None:
        roll_deg, pitch_deg = (round(deg + self._rng.gauss(0.0, 0.15), 2) for deg in self._lies_deg)
        self.service.observe(roll_deg, pitch_deg)


class BridgeFitting:
    """A footbridge that traffic and wind keep swinging."""

    every_s = BRIDGE_SAMPLES / BRIDGE_RATE_HZ

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.service = Bridge()
        self._outside = outside
        self._chance = np.random.default_rng(rng.getrandbits(64))
        self._stiffness = 1.0
        self._hit_g = 0.0

    def hit(self, size_g: float) -> None:
        """Something hits the bridge in the next window."""
        self._hit_g = size_g

    def soften(self, share: float) -> None:
        """The bridge has this share of its stiffness from now on."""
        self._stiffness = share

    def sample(self, now_s: float) -> None:
        """Measure one window; the frequency goes with the root of the stiffness."""
        hz = BRIDGE_HZ * math.sqrt(self._stiffness)
        amplitude_g = (TRAFFIC_MPS2 + WIND_MPS2 * self._outside.wind_mps(now_s) ** 2) / 9.80665
        turns = np.arange(BRIDGE_SAMPLES) * (hz / BRIDGE_RATE_HZ) + self._chance.uniform()
        window = self._chance.normal(0.0, 2e-4, (BRIDGE_SAMPLES, 3))
        window[:, 2] += 1.0 + amplitude_g * np.sin(2.0 * math.pi * turns)
        window[BRIDGE_SAMPLES // 2, 0] += self._hit_g
        self._hit_g = 0.0
        self.service.observe([(float(x), float(y), float(z)) for x, y, z in window], BRIDGE_RATE_HZ)


class TunnelFitting:
    """Smoke and heat in a tunnel where something may burn."""

    every_s = 5.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.service = Tunnel()
        self._outside = outside
        self._rng = rng
        self._burning_s: float | None = None

    def burn(self) -> None:
        """Something begins to burn."""
        self._burning_s = 0.0

    def put_out(self) -> None:
        """The fire is out and the fans have cleared the air."""
        self._burning_s = None

    def sample(self, now_s: float) -> None:
        """Measure smoke and heat, which grow while it burns."""
        burning_s = self._burning_s or 0.0
        if self._burning_s is not None:
            self._burning_s += self.every_s
        smoke = (CLEAR_PER_M + SMOKE_RISE_PER_MS * burning_s) * self._rng.gauss(1.0, 0.03)
        self.service.observe_smoke(round(max(smoke, 0.0), 5))
        heat_c = self._outside.temperature_c() + TUNNEL_WARMER_C + min(HEAT_RISE_CPS * burning_s, 600.0)
        self.service.observe_temperature(round(heat_c + self._rng.gauss(0.0, 0.2), 1))


class MeterFitting:
    """The meter in the pole's cabinet, which counts what the pole takes."""

    every_s = 10.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.service = Meter()
        self._outside = outside
        self._rng = rng
        self._energy_kwh = 0.0
        self._since_s: float | None = None

    def door(self, *, open_: bool, leaks: bool = False) -> None:
        """Somebody opens or shuts the cabinet; current may leak to earth in it."""
        self.service.see_cabinet(open_=open_, leaks=leaks)

    def sample(self, now_s: float) -> None:
        """Measure the supply."""
        spent_s = now_s - (now_s if self._since_s is None else self._since_s)
        self._since_s = now_s
        if not self._outside.has_mains():
            self.service.observe(MeterReadings(supply_v=0.0, energy_kwh=round(self._energy_kwh, 4), lost=True))
            return
        power_kw = self._outside.power_kw()
        self._energy_kwh += power_kw * spent_s / 3600.0
        volts = self._rng.gauss(MAINS_V, MAINS_SPREAD_V)
        self.service.observe(
            MeterReadings(
                supply_v=round(volts, 1),
                current_a=round(power_kw * 1000.0 / volts, 3),
                power_kw=round(power_kw, 4),
                energy_kwh=round(self._energy_kwh, 4),
                frequency_hz=round(self._rng.gauss(50.0, 0.01), 3),
            )
        )


class CellFitting:
    """The pole's modem, which hears the city's radio cells."""

    every_s = 10.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.service = NetworkCell()
        self._outside = outside
        self._rng = rng

    def sample(self, now_s: float) -> None:
        """Measure the best cell; without any cell in the city the network is good everywhere."""
        margin_db = self._outside.radio_margin_db()
        if margin_db is None:
            self.service.observe(NetworkCellReadings(loss_pct=100.0))
            return
        near_db = min(margin_db, 60.0)
        self.service.observe(
            NetworkCellReadings(
                cell_id="460-00-1",
                technology=Technology.LTE,
                rsrp_dbm=round(max(LTE_EDGE_DBM + near_db + self._rng.gauss(0.0, 1.0), -156.0), 1),
                sinr_db=round(min(max(near_db / 2.0, -23.0), 40.0), 1),
                delay_s=round(abs(self._rng.gauss(0.045, 0.01)), 4),
                loss_pct=round(100.0 * faded(near_db), 2),
            )
        )
