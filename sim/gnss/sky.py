"""The sky over a city: which BeiDou satellites are up, what hides them, and what disturbs them.

The geometry is worked out once per 30 s for the middle of the city and shared by all receivers: 15 km away it differs
by less than 0.1 degrees for a satellite of the nearest kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from airspace.frames import LatLon, LocalFrame
from sim.gnss.atmosphere import ionosphere_factor, zenith_ionosphere_m
from sim.gnss.constellation import BDS_3, REFERENCE_BDT_S
from sim.gnss.geometry import Geometry, Line, geometry_of
from sim.gnss.interference import Area, Jammer, Spoof, noise_rise_db
from sim.gnss.orbits import Ephemeris, Orbit, bdt_s
from sim.gnss.places import Axes, earth_fixed_m

EPOCH_S = 30.0
EPHEMERIS_S = 3600.0
MASK_DEG = 10.0


class Skyline(Protocol):
    """What stands in the way of the sky."""

    def elevation_deg(self, e_m: float, n_m: float, u_m: float, azimuth_deg: float, /) -> float:
        """How high the horizon stands [deg] from a place in the world's frame, looking to an azimuth."""


@dataclass(frozen=True, slots=True)
class View:
    """The sky of one 30-second epoch: satellites above the mask, their geometry without obstacles, the ionosphere."""

    bdt_s: float
    lines: tuple[Line, ...]
    geometry: Geometry | None
    zenith_ionosphere_m: float


class Sky:
    """The satellites over a city; `skyline` None is an open sky.

    `utc_s` is the clock of the world, `origin` the middle of its frame, `datum_ellipsoidal_m` the height of its datum
    over the ellipsoid, `mask_deg` the elevation below which receivers use no satellite.
    """

    def __init__(
        self,
        frame: LocalFrame,
        *,
        utc_s: Callable[[], float],
        datum_ellipsoidal_m: float = 0.0,
        skyline: Skyline | None = None,
        mask_deg: float = MASK_DEG,
    ) -> None:
        self.frame = frame
        self.utc_s = utc_s
        self.datum_ellipsoidal_m = datum_ellipsoidal_m
        self.skyline = skyline
        self.jammers: tuple[Jammer, ...] = ()
        self.spoofs: tuple[Spoof, ...] = ()
        self.axes = Axes.at(frame.origin)
        self._origin_m = earth_fixed_m(frame.origin, datum_ellipsoidal_m)
        self._mask_deg = mask_deg
        self._view: View | None = None
        self._ephemerides: dict[int, Ephemeris] = {}
        self._toe_s = math.nan

    # What goes wrong

    def jam(self, area: Area, power_dbm: float = 10.0) -> Jammer:
        """Switch a jammer on in the middle of an area; give it to `clear` to switch it off."""
        jammer = Jammer(area, power_dbm)
        self.jammers += (jammer,)
        return jammer

    def spoof(
        self,
        target: Area | str,
        *,
        drift_mps: float,
        bearing_deg: float,
        climb_mps: float = 0.0,
        coherent: bool = False,
    ) -> Spoof:
        """Make receivers in an area, or the one of this name, believe that they drift that way; `clear` ends it."""
        bearing = math.radians(bearing_deg)
        east, north = drift_mps * math.sin(bearing), drift_mps * math.cos(bearing)
        spoof = Spoof(target, east, north, climb_mps, coherent)
        self.spoofs += (spoof,)
        return spoof

    def clear(self, ended: Jammer | Spoof | None = None) -> None:
        """End one disturbance, or all of them."""
        self.jammers = tuple(jammer for jammer in self.jammers if ended is not None and jammer is not ended)
        self.spoofs = tuple(spoof for spoof in self.spoofs if ended is not None and spoof is not ended)

    def noise_rise_db(self, e_m: float, n_m: float, u_m: float) -> float:
        """By how much the jammers raise the noise at a place [dB]."""
        received = 0.0
        for jammer in self.jammers:
            received += jammer.received_mw(e_m, n_m, u_m)
        return noise_rise_db(received) if received > 0.0 else 0.0

    def spoofing(self, name: str, e_m: float, n_m: float) -> Spoof | None:
        """The false signals that a receiver follows; of several the latest."""
        for spoof in reversed(self.spoofs):
            if spoof.strikes(name, e_m, n_m):
                return spoof
        return None

    # What is up

    def view(self) -> View:
        """The sky of the present epoch."""
        epoch_s = bdt_s(self.utc_s()) // EPOCH_S * EPOCH_S
        if self._view is None or self._view.bdt_s != epoch_s:
            self._view = self._look(epoch_s)
        return self._view

    def ephemerides(self) -> dict[int, Ephemeris]:
        """What the satellites broadcast now, by number: elements for the full hour."""
        toe_s = bdt_s(self.utc_s()) // EPHEMERIS_S * EPHEMERIS_S
        if self._toe_s != toe_s:
            self._ephemerides = {one.prn: one.ephemeris(toe_s, REFERENCE_BDT_S) for one in BDS_3}
            self._toe_s = toe_s
        return self._ephemerides

    def _look(self, epoch_s: float) -> View:
        lines = []
        for prn, ephemeris in self.ephemerides().items():
            x, y, z = ephemeris.position_m(epoch_s)
            line = self._line(prn, ephemeris.orbit, x, y, z)
            if line.elevation_deg >= self._mask_deg:
                lines.append(line)
        origin: LatLon = self.frame.origin
        delay = zenith_ionosphere_m(origin.lat_deg, origin.lon_deg, epoch_s)
        return View(epoch_s, tuple(lines), geometry_of(lines), delay)

    def _line(self, prn: int, orbit: Orbit, x: float, y: float, z: float) -> Line:
        ox, oy, oz = self._origin_m
        east, north, up = self.axes.local(x - ox, y - oy, z - oz)
        away = math.sqrt(east * east + north * north + up * up)
        east, north, up = east / away, north / away, up / away
        elevation = math.degrees(math.asin(up))
        return Line(
            prn,
            math.degrees(math.atan2(east, north)) % 360.0,
            elevation,
            east,
            north,
            up,
            carrier_to_noise_dbhz(elevation, orbit),
            ionosphere_factor(max(elevation, 0.0)),
        )


def carrier_to_noise_dbhz(elevation_deg: float, orbit: Orbit) -> float:
    """C/N0 of B1I [dB-Hz] through a patch antenna under an open sky: 35 at the horizon, 49 overhead, a GEO's 2 less."""
    up = math.sin(math.radians(max(elevation_deg, 0.0)))
    return 35.0 + 14.0 * up - (2.0 if orbit is Orbit.GEO else 0.0)
