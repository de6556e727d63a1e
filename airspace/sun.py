"""The sun over a place: its height above the horizon, and when it rises, sets and lights the sky.

The low-precision solar position of Meeus, Astronomical Algorithms (1998), chapters 25 and 28, in the form of the NOAA
solar calculator: 0.01 degrees between 1900 and 2100, so that a rise or set is right within seconds at the latitudes of
China and within two minutes at 60 degrees. Refraction at the horizon is taken as 34', the half disk as 16'.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from airspace.frames import LatLon

DAY_S = 86400.0
J2000_S = 946728000.0  # 2000-01-01T12:00:00Z
CENTURY_S = 36525.0 * DAY_S
SECONDS_PER_DEG = 240.0  # the sky turns 15 degrees an hour
RISE_AND_SET_DEG = -50.0 / 60.0
CIVIL_TWILIGHT_DEG = -6.0
# Each round puts the sun where it is at the moment that the last round found; the third changes little in Henan.
ROUNDS = 3
CLOSE_DEG = 0.0005  # 0.15 s in Henan
LONGEST_DOUBT_S = 0.05


class _Sun(NamedTuple):
    """Where the sun is: declination [rad], and how far it runs ahead of the mean sun [s] (the equation of time)."""

    declination_rad: float
    ahead_s: float


def _sun(at_s: float) -> _Sun:
    t = (at_s - J2000_S) / CENTURY_S
    mean_longitude = math.radians(280.46646 + t * (36000.76983 + 0.0003032 * t))
    anomaly = math.radians(357.52911 + t * (35999.05029 - 0.0001537 * t))
    eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t)
    centre_deg = (
        math.sin(anomaly) * (1.914602 - t * (0.004817 + 0.000014 * t))
        + math.sin(2 * anomaly) * (0.019993 - 0.000101 * t)
        + math.sin(3 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * t)
    apparent = mean_longitude + math.radians(centre_deg - 0.00569 - 0.00478 * math.sin(node))
    mean_obliquity_deg = 23.0 + (26.0 + (21.448 - t * (46.815 + t * (0.00059 - 0.001813 * t))) / 60.0) / 60.0
    obliquity = math.radians(mean_obliquity_deg + 0.00256 * math.cos(node))
    y = math.tan(obliquity / 2) ** 2
    ahead_rad = (
        y * math.sin(2 * mean_longitude)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * y * math.sin(anomaly) * math.cos(2 * mean_longitude)
        - 0.5 * y * y * math.sin(4 * mean_longitude)
        - 1.25 * eccentricity * eccentricity * math.sin(2 * anomaly)
    )
    return _Sun(math.asin(math.sin(obliquity) * math.sin(apparent)), math.degrees(ahead_rad) * SECONDS_PER_DEG)


def elevation_deg(place: LatLon, at_s: float) -> float:
    """The height of the sun's centre over the horizon [deg] at a time [s UTC], without refraction."""
    sun = _sun(at_s)
    hour_angle = math.radians(math.remainder((at_s - _mean_noon_s(place, 0) + sun.ahead_s) / SECONDS_PER_DEG, 360.0))
    lat = math.radians(place.lat_deg)
    sine = math.sin(lat) * math.sin(sun.declination_rad)
    sine += math.cos(lat) * math.cos(sun.declination_rad) * math.cos(hour_angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def rise_s(place: LatLon, near_s: float, height_deg: float = RISE_AND_SET_DEG) -> float:
    """When [s UTC] the sun rises through a height [deg] on the solar day whose mean noon is nearest to `near_s`.

    A solar day lasts from one solar midnight to the next. Where the sun is above the height at midnight already, it
    rises then: polar days are whole days. Where it is below at noon, it rises and sets then: of polar nights nothing is
    day. So days and nights alternate without a gap at every latitude.
    """
    return _crossing_s(place, near_s, height_deg, -1)


def set_s(place: LatLon, near_s: float, height_deg: float = RISE_AND_SET_DEG) -> float:
    """When [s UTC] the sun sets through a height [deg], as `rise_s` says."""
    return _crossing_s(place, near_s, height_deg, 1)


@lru_cache(maxsize=16384)  # whoever asks for one day of a place asks for it again
def _crossing_s(place: LatLon, near_s: float, height_deg: float, side: int) -> float:
    """The crossing between noon and the midnight before it (side -1) or after it (+1)."""
    number = _nearest_day(place, near_s)
    mean_noon_s, beside_s = _mean_noon_s(place, number), _mean_noon_s(place, number + side)
    noon_s = _noon_s(mean_noon_s)
    midnight_s = (noon_s + _noon_s(beside_s)) / 2
    if elevation_deg(place, noon_s) < height_deg:
        return noon_s
    if elevation_deg(place, midnight_s) >= height_deg:
        return midnight_s
    lat, at_s = math.radians(place.lat_deg), (noon_s + midnight_s) / 2
    for _ in range(ROUNDS):
        sun = _sun(at_s)
        cosine = math.sin(math.radians(height_deg)) - math.sin(lat) * math.sin(sun.declination_rad)
        cosine /= math.cos(lat) * math.cos(sun.declination_rad)
        hour_angle_deg = math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
        at_s = mean_noon_s - sun.ahead_s + side * hour_angle_deg * SECONDS_PER_DEG
    if abs(elevation_deg(place, at_s) - height_deg) < CLOSE_DEG and abs(at_s - noon_s) <= abs(midnight_s - noon_s):
        return at_s
    return _bisected_s(place, height_deg, midnight_s, noon_s)


def _bisected_s(place: LatLon, height_deg: float, below_s: float, above_s: float) -> float:
    """The crossing between a moment below a height and one above it: where the sun only grazes it, near the poles."""
    while abs(above_s - below_s) > LONGEST_DOUBT_S:
        middle_s = (below_s + above_s) / 2
        if elevation_deg(place, middle_s) < height_deg:
            below_s = middle_s
        else:
            above_s = middle_s
    return above_s


def _nearest_day(place: LatLon, near_s: float) -> int:
    """The number of the solar day whose mean noon is nearest."""
    # floor(x + 1/2), as round() goes to even: one noon of each pair would be nearest to two days, the other to none
    return math.floor((near_s - _mean_noon_s(place, 0)) / DAY_S + 0.5)


def _mean_noon_s(place: LatLon, number: int) -> float:
    return DAY_S / 2 - place.lon_deg * SECONDS_PER_DEG + number * DAY_S


def _noon_s(mean_noon_s: float) -> float:
    """When the sun is highest, on the solar day of a mean noon."""
    at_s = mean_noon_s - _sun(mean_noon_s).ahead_s
    return mean_noon_s - _sun(at_s).ahead_s
