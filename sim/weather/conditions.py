"""Rain, visibility, temperature, pressure and daylight over the city, as fields in place and time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from airspace.frames import LatLon, LocalFrame
from airspace.sun import DAY_S, SECONDS_PER_DEG
from sim.city_file import CityRainCell, CityWeather

LAPSE_CPM = 0.0065  # standard atmosphere
SCALE_HEIGHT_M = 8400.0
WARMEST_H = 15.0  # by the sun
CONTRAST = 3.0  # minus the logarithm of the 5 % contrast that the meteorological optical range ends at (WMO-No. 8)
DB_PER_NEPER = 4.343
EDGE_MMPH = 0.05  # less is no rain


@dataclass(frozen=True, slots=True)
class Conditions:
    """The air at one place and time, but for its motion."""

    rain_mmph: float
    visibility_m: float
    temperature_c: float
    pressure_hpa: float


class Shower:
    """A rain cell that moves: hardest in its middle, a third of that at its radius, none before and after its time."""

    def __init__(self, given: CityRainCell, frame: LocalFrame) -> None:
        self._given = given
        self._middle = frame.xy(LatLon(given.lat_deg, given.lon_deg))

    def rain_mmph(self, e_m: float, n_m: float, since_start_s: float) -> float:
        """How hard it rains at a place, so many seconds after the city's start."""
        given = self._given
        age_s = since_start_s - given.at_s
        if not 0.0 <= age_s <= given.lasts_s:
            return 0.0
        east_m = e_m - self._middle[0] - given.east_mps * age_s
        north_m = n_m - self._middle[1] - given.north_mps * age_s
        away = (east_m * east_m + north_m * north_m) / (given.radius_m * given.radius_m)
        # it grows and ends within a tenth of its life
        grown = min(1.0, 10.0 * min(age_s, given.lasts_s - age_s) / given.lasts_s) if given.lasts_s > 0.0 else 1.0
        rain = given.rain_mmph * grown * math.exp(-away)
        return rain if rain >= EDGE_MMPH else 0.0


class Weather:
    """All of the weather but the wind.

    `utc_s` is the world's clock, `started_s` says when the city began to run, in seconds of the loop: the file's
    moments count from there. Setting a quantity holds for the whole city and for good; None gives it back to the file.
    """

    def __init__(self, given: CityWeather, frame: LocalFrame, utc_s: Callable[[], float]) -> None:
        self._given = given
        self._origin = frame.origin
        self._utc_s = utc_s
        self._showers = tuple(Shower(cell, frame) for cell in given.rain_cells)
        self._rain_mmph: float | None = None
        self._temperature_c: float | None = None
        self._visibility_m: float | None = None
        self.started_s = 0.0

    @property
    def changes(self) -> bool:
        """Whether it is ever other than it was, but for what is set."""
        return bool(self._showers) or self._given.temperature_swing_c > 0.0

    def set_rain(self, rain_mmph: float | None) -> None:
        """Let it rain so hard everywhere [mm/h]."""
        self._rain_mmph = rain_mmph

    def set_temperature(self, temperature_c: float | None) -> None:
        """Make the air at the datum so warm."""
        self._temperature_c = temperature_c

    def set_visibility(self, visibility_m: float | None) -> None:
        """Let haze or fog leave so much to see where it does not rain [m]."""
        self._visibility_m = visibility_m

    def at(self, e_m: float, n_m: float, u_m: float, t_s: float) -> Conditions:
        """The conditions at a place in the world's frame, at a second of the loop."""
        rain = self.rain_mmph(e_m, n_m, t_s)
        clear_m = self._given.visibility_m if self._visibility_m is None else self._visibility_m
        return Conditions(
            rain_mmph=rain,
            visibility_m=seen_through(rain, clear_m),
            temperature_c=self.temperature_c(u_m),
            pressure_hpa=self._given.pressure_hpa * math.exp(-u_m / SCALE_HEIGHT_M),
        )

    def rain_mmph(self, e_m: float, n_m: float, t_s: float) -> float:
        """How hard it rains at a place: the hardest of the rain everywhere and of all showers over it."""
        if self._rain_mmph is not None:
            return self._rain_mmph
        rain: float = self._given.rain_mmph
        for shower in self._showers:
            rain = max(rain, shower.rain_mmph(e_m, n_m, t_s - self.started_s))
        return rain

    def temperature_c(self, u_m: float) -> float:
        """The temperature of the air at a height above the datum [m]."""
        base = self._temperature_c
        if base is None:
            hour = (self._utc_s() + self._origin.lon_deg * SECONDS_PER_DEG) % DAY_S / 3600.0
            swing = math.cos(math.radians(15.0 * (hour - WARMEST_H)))
            base = self._given.temperature_c + self._given.temperature_swing_c * swing
        return base - LAPSE_CPM * u_m


def seen_through(rain_mmph: float, clear_m: float) -> float:
    """The meteorological optical range [m] in rain, when it is `clear_m` beside it.

    Rain takes 1.076 R^0.67 dB a kilometre from light (Carbonneau and Wisely 1998, recommended by ITU-R P.1814);
    extinctions add up.
    """
    if rain_mmph <= 0.0:
        return clear_m
    per_m = 1.076 * float(rain_mmph**0.67) / DB_PER_NEPER / 1000.0
    return 1.0 / (1.0 / clear_m + per_m / CONTRAST)
