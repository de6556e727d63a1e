"""Satellite orbits: elements, the broadcast ephemeris made from them, and positions.

BDS-SIS-ICD-B1I-3.0 (2019), section 5.2.4.12: Kepler's equation in the earth-fixed frame; the elements of a
geostationary satellite are those of a frame tilted by 5 degrees about the x axis, because an orbit in the equator has
no node. Times are BeiDou time (BDT): seconds since 2006-01-01 00:00:00 UTC without leap seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

Vector = tuple[float, float, float]

GRAVITATION_M3PS2 = 3.986004418e14
EARTH_RATE_RADPS = 7.2921150e-5
LIGHT_MPS = 299_792_458.0
GEO_TILT_RAD = math.radians(-5.0)

BDT_START_UTC_S = 1_136_073_600.0  # 2006-01-01 00:00:00 UTC as Unix seconds
BDT_AHEAD_S = 4.0  # leap seconds since then; the last was at the end of 2016
WEEK_S = 604_800.0


def bdt_s(utc_s: float) -> float:
    """BeiDou time [s since 2006-01-01] of a UTC [Unix seconds] after 2016."""
    return utc_s - BDT_START_UTC_S + BDT_AHEAD_S


class Orbit(StrEnum):
    """The three kinds of orbit of BDS-3."""

    GEO = "geostationary"
    IGSO = "inclined geosynchronous"
    MEO = "medium"


@dataclass(frozen=True, slots=True)
class Ephemeris:
    """Elements at `toe_s` [BDT]; angles [rad], those of a GEO in the tilted frame; clock as `a0_s + a1 (t - toe)`.

    `node_rad` is the ICD's Omega 0: the longitude of the ascending node at the start of the week of `toe_s`.
    """

    prn: int
    orbit: Orbit
    toe_s: float
    sqrt_a: float  # [m^1/2]
    eccentricity: float
    inclination_rad: float
    node_rad: float
    node_rate_radps: float
    perigee_rad: float
    mean_anomaly_rad: float
    mean_motion_difference_radps: float
    a0_s: float
    a1: float

    def position_m(self, t_s: float) -> Vector:
        """Earth-fixed position (BDCS) [m] at a BDT."""
        tk = t_s - self.toe_s
        x, y, inclination = self._in_plane(tk)
        if self.orbit is Orbit.GEO:
            node = self.node_rad + self.node_rate_radps * tk - EARTH_RATE_RADPS * (self.toe_s % WEEK_S)
            fixed = _to_axes(x, y, node, inclination)
            return about_z(about_x(fixed, GEO_TILT_RAD), EARTH_RATE_RADPS * tk)
        node = self.node_rad + (self.node_rate_radps - EARTH_RATE_RADPS) * tk - EARTH_RATE_RADPS * (self.toe_s % WEEK_S)
        return _to_axes(x, y, node, inclination)

    def clock_s(self, t_s: float) -> float:
        """How far the satellite's clock is ahead of BDT [s]."""
        return self.a0_s + self.a1 * (t_s - self.toe_s)

    def _in_plane(self, tk: float) -> tuple[float, float, float]:
        a = self.sqrt_a * self.sqrt_a
        motion = math.sqrt(GRAVITATION_M3PS2 / (a * a * a)) + self.mean_motion_difference_radps
        eccentric = kepler(self.mean_anomaly_rad + motion * tk, self.eccentricity)
        e = self.eccentricity
        true = math.atan2(math.sqrt(1.0 - e * e) * math.sin(eccentric), math.cos(eccentric) - e)
        radius = a * (1.0 - e * math.cos(eccentric))
        u = true + self.perigee_rad
        return radius * math.cos(u), radius * math.sin(u), self.inclination_rad


@dataclass(frozen=True, slots=True)
class Satellite:
    """A satellite of the almanac: angles [deg] at the almanac's reference time, the node as an earth-fixed longitude.

    The mean motion is that of the orbit's kind, which the control segment keeps: see `motion_radps`.
    """

    prn: int
    orbit: Orbit
    eccentricity: float
    inclination_deg: float
    node_deg: float
    perigee_deg: float
    mean_anomaly_deg: float

    @property
    def motion_radps(self) -> float:
        """Mean motion from the equator on [rad/s]: once in a sidereal day, or 13 times in nearly seven for a MEO."""
        return MEO_RADPS if self.orbit is Orbit.MEO else EARTH_RATE_RADPS - self.node_rate_radps

    @property
    def node_rate_radps(self) -> float:
        """Drift of the node in space [rad/s] under the flattening of the earth and, for a GEO, none."""
        return NODE_RATES_RADPS[self.orbit]

    def ephemeris(self, toe_s: float, reference_s: float) -> Ephemeris:
        """What the satellite would broadcast at `toe_s` [BDT], from the almanac's reference time [BDT]."""
        passed = toe_s - reference_s
        motion = self.motion_radps
        mean = math.radians(self.mean_anomaly_deg) + motion * passed
        node = math.radians(self.node_deg) + (self.node_rate_radps - EARTH_RATE_RADPS) * passed
        inclination, perigee = math.radians(self.inclination_deg), math.radians(self.perigee_deg)
        if self.orbit is Orbit.GEO:
            inclination, node, perigee = _tilted(inclination, node, perigee)
        sqrt_a = math.sqrt(math.cbrt(GRAVITATION_M3PS2 / (motion * motion)))
        # made up, as large as those of the hydrogen clocks of BDS-3: within a millisecond, drifting by 1e-13
        offset_s, drift = ((self.prn * 37) % 61 - 30) * 1e-5, ((self.prn * 23) % 19 - 9) * 1e-13
        return Ephemeris(
            prn=self.prn,
            orbit=self.orbit,
            toe_s=toe_s,
            sqrt_a=sqrt_a,
            eccentricity=self.eccentricity,
            inclination_rad=inclination,
            node_rad=wrapped(node + EARTH_RATE_RADPS * (toe_s % WEEK_S)),
            node_rate_radps=self.node_rate_radps,
            perigee_rad=wrapped(perigee),
            mean_anomaly_rad=wrapped(mean),
            mean_motion_difference_radps=0.0,
            a0_s=offset_s + drift * passed,
            a1=drift,
        )


# as the satellites of the almanac's source moved from August 2021 to July 2024, alike to 0.003 deg/day
MEO_RADPS = math.radians(670.4528) / 86400.0
NODE_RATES_RADPS = {
    Orbit.GEO: 0.0,
    Orbit.IGSO: math.radians(-0.0100) / 86400.0,
    Orbit.MEO: math.radians(-0.0339) / 86400.0,
}


def kepler(mean_rad: float, eccentricity: float) -> float:
    """Eccentric anomaly [rad] of a mean anomaly [rad], by Newton's method to 1e-13 rad."""
    eccentric = mean_rad
    for _ in range(10):
        step = (eccentric - eccentricity * math.sin(eccentric) - mean_rad) / (1.0 - eccentricity * math.cos(eccentric))
        eccentric -= step
        if abs(step) < 1e-13:
            break
    return eccentric


def wrapped(angle_rad: float) -> float:
    """The same angle from -pi up to pi."""
    return (angle_rad + math.pi) % (2.0 * math.pi) - math.pi


def about_x(v: Vector, angle_rad: float) -> Vector:
    """A vector seen from axes that were turned about x, as the ICD's R_x."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return v[0], c * v[1] + s * v[2], -s * v[1] + c * v[2]


def about_z(v: Vector, angle_rad: float) -> Vector:
    """A vector seen from axes that were turned about z, as the ICD's R_z."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return c * v[0] + s * v[1], -s * v[0] + c * v[1], v[2]


def _to_axes(x: float, y: float, node: float, inclination: float) -> Vector:
    cn, sn, ci, si = math.cos(node), math.sin(node), math.cos(inclination), math.sin(inclination)
    return x * cn - y * ci * sn, x * sn + y * ci * cn, y * si


def _tilted(inclination: float, node: float, perigee: float) -> tuple[float, float, float]:
    """Inclination, node and perigee [rad] of the same orbit in the frame of the GEO ephemeris."""
    si = math.sin(inclination)
    normal = about_x((si * math.sin(node), -si * math.cos(node), math.cos(inclination)), -GEO_TILT_RAD)
    towards = about_x(_to_axes(math.cos(perigee), math.sin(perigee), node, inclination), -GEO_TILT_RAD)
    tilted = math.atan2(math.hypot(normal[0], normal[1]), normal[2])
    ascending = math.atan2(normal[0], -normal[1])
    ca, sa = math.cos(ascending), math.sin(ascending)
    along = towards[0] * ca + towards[1] * sa
    across = (-towards[0] * sa + towards[1] * ca) * math.cos(tilted) + towards[2] * math.sin(tilted)
    return tilted, ascending, math.atan2(across, along)
