"""A sky over Zhengzhou with a clock that is set by hand, and receivers under it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path

from airspace.frames import LatLon, LocalFrame
from sim.gnss.base_station import BaseStationStream, StationSite
from sim.gnss.receiver import Receiver
from sim.gnss.sky import Sky, Skyline

CAPTURES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "gnss"
ZHENGZHOU = LatLon(34.75, 113.66)
NOON_UTC_S = 1_790_136_000.0  # 2026-09-23 04:00 UTC, 12:00 in Henan


@dataclass
class Time:
    """Seconds that a test counts itself: UTC, and those since a receiver's power-on."""

    utc_s: float = NOON_UTC_S
    passed_s: float = 0.0

    def go(self, seconds: float) -> None:
        self.utc_s += seconds
        self.passed_s += seconds


class Wall:
    """A facade that hides the sky from one azimuth to another up to an elevation [deg]."""

    def __init__(self, first_deg: float, last_deg: float, elevation_deg: float) -> None:
        self.first_deg, self.last_deg, self.elevation = first_deg, last_deg, elevation_deg

    def elevation_deg(self, e_m: float, n_m: float, u_m: float, azimuth_deg: float) -> float:
        return self.elevation if self.first_deg <= azimuth_deg % 360.0 <= self.last_deg else 0.0


def sky_over(time: Time, skyline: Skyline | None = None) -> Sky:
    """The sky of a test's time over Zhengzhou, 90 m above the ellipsoid."""
    return Sky(LocalFrame(ZHENGZHOU), utc_s=lambda: time.utc_s, datum_ellipsoidal_m=90.0, skyline=skyline)


class Flight:
    """A receiver that is carried, step by step; `corrected` gives it a base station's messages once a second."""

    def __init__(self, time: Time, sky: Sky, *, seed: int = 1, network: bool = True, name: str = "") -> None:
        self.time, self.sky = time, sky
        self.receiver = Receiver(random.Random(seed), sky, name=name, network_corrections=network)
        self.place = (0.0, 0.0, 50.0)
        self.station: BaseStationStream | None = None
        self.fixes: list[tuple[float, int]] = []

    def corrected_from(self, e_m: float, n_m: float, *, kind: int = 7, station: int = 7) -> BaseStationStream:
        position = self.sky.frame.latlon(e_m, n_m)
        site = StationSite(position, 100.0, e_m, n_m, 10.0)
        self.station = BaseStationStream(site, self.sky, rng=random.Random(99), station=station, kind=kind)
        return self.station

    def go(self, seconds: float, step_s: float = 0.2) -> int:
        """Move on so far; the kind of fix at the end."""
        for _ in range(round(seconds / step_s)):
            self.time.go(step_s)
            now_s = self.time.passed_s
            if self.station is not None and math.floor(now_s) != math.floor(now_s - step_s):
                for frame in self.station.epoch():
                    self.receiver.corrections(frame)
            self.receiver.step(now_s, *self.place)
            if not self.fixes or self.fixes[-1][1] != self.receiver.fix_type:
                self.fixes.append((now_s, self.receiver.fix_type))
        return self.receiver.fix_type
