"""Epochs: positions in WGS 84, BDCS or ITRF at some date, and the same in CGCS2000, which stands still at 2000.0.

CGCS2000 is ITRF97 at epoch 2000.0 (GB 22021-2008). Eurasia has moved on since: a position measured in Henan in 2026 is
0.8 m away from the CGCS2000 position of the same ground. PROJ knows only a null transformation between the two
(accuracy unknown), so the two steps are done here:

1. the ground's motion between the epoch of the coordinates and 2000.0, by a plate model or a local velocity;
2. the frame, from the ITRF of the coordinates to ITRF97 at 2000.0: 26 mm in Henan, of which 1 mm is height.

Both are first-order in rotation and time; what they leave out is below a micrometre over 50 years. The ellipsoid of
CGCS2000 serves all frames: that of WGS 84 is 0.1 mm flatter. Motion of the ground that is not the plate's (subsidence,
earthquakes) is not in any of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import overload

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from airspace.frames import INVERSE_FLATTENING, SEMI_MAJOR_M

CGCS2000_EPOCH = 2000.0

Array = npt.NDArray[np.float64]

_RADIANS_PER_MAS = math.radians(1.0 / 3.6e6)

_GEOCENTRIC = Transformer.from_pipeline(
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad"
    f" +step +proj=cart +a={SEMI_MAJOR_M} +rf={INVERSE_FLATTENING}"
)


class ReferenceFrame(StrEnum):
    """The frame that coordinates are in.

    WGS84 is taken as ITRF2020, which its realisation G2296 follows within a centimetre (NGA, January 2024). BDCS, in
    which a BeiDou receiver finds itself without corrections, is taken as ITRF2014, to which its first realisation is
    aligned within a centimetre (Wu et al. 2021, doi 10.1061/(ASCE)SU.1943-5428.0000347).
    """

    CGCS2000 = "cgcs2000"
    ITRF2014 = "itrf2014"
    ITRF2020 = "itrf2020"
    WGS84 = "wgs84"
    BDCS = "bdcs"


_REALISED_AS: Mapping[ReferenceFrame, ReferenceFrame] = {
    ReferenceFrame.WGS84: ReferenceFrame.ITRF2020,
    ReferenceFrame.BDCS: ReferenceFrame.ITRF2014,
}


@dataclass(frozen=True, slots=True)
class FrameChange:
    """A time-dependent Helmert change of frame in the position-vector convention (EPSG method 1053).

    Between the ITRFs used here nothing turns but about z. Translation [mm], scale [ppb] and rotation about z [mas] hold
    at `epoch`; their rates are by the year.
    """

    epoch: float
    translation_mm: tuple[float, float, float]
    scale_ppb: float = 0.0
    rotation_z_mas: float = 0.0
    translation_mm_per_yr: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale_ppb_per_yr: float = 0.0
    rotation_z_mas_per_yr: float = 0.0

    def at(self, xyz_m: Array, epoch: float | Array) -> Array:
        """What is added to geocentric coordinates, shape (..., 3) [m], of the given epoch."""
        years = np.asarray(epoch - self.epoch)[..., np.newaxis]
        shift_m = (np.array(self.translation_mm) + np.array(self.translation_mm_per_yr) * years) / 1e3
        scale = (self.scale_ppb + self.scale_ppb_per_yr * years) / 1e9
        rotation = (self.rotation_z_mas + self.rotation_z_mas_per_yr * years) * _RADIANS_PER_MAS
        turned_m = np.stack([-xyz_m[..., 1], xyz_m[..., 0], np.zeros_like(xyz_m[..., 2])], -1)
        added_m: Array = shift_m + scale * xyz_m + rotation * turned_m
        return added_m


# To ITRF97, which CGCS2000 is at 2000.0. IGN, Transfo-ITRF2014_ITRFs.txt and Transfo-ITRF2020_ITRFs.txt.
_TO_ITRF97: Mapping[ReferenceFrame, FrameChange] = {
    ReferenceFrame.ITRF2014: FrameChange(2010.0, (7.4, -0.5, -62.8), 3.80, 0.26, (0.1, -0.5, -3.3), 0.12, 0.02),
    ReferenceFrame.ITRF2020: FrameChange(2015.0, (6.5, -3.9, -77.9), 3.98, 0.36, (0.1, -0.6, -3.1), 0.12, 0.02),
}
_ITRF2020_TO_2014 = FrameChange(2015.0, (-1.4, -0.9, 1.4), -0.42, 0.0, (0.0, -0.1, 0.2))


@dataclass(frozen=True, slots=True)
class PlateMotion:
    """How a plate moves in a frame: rotation about the geocentre [mas/yr] and the bias of the frame's origin [mm/yr].

    The bias belongs to the horizontal velocity; what it would add to the vertical one is to be dropped (Altamimi et al.
    2023). `residual_mm_per_yr` is what stations in central China were seen to move beside the model, one standard
    deviation in plan: the deforming blocks of eastern Asia do not quite follow any plate.
    """

    name: str
    frame: ReferenceFrame
    rotation_mas_per_yr: tuple[float, float, float]
    origin_mm_per_yr: tuple[float, float, float] = (0.0, 0.0, 0.0)
    residual_mm_per_yr: float = 5.5

    def velocity_m_per_yr(self, xyz_m: Array) -> Array:
        """The velocity of ground at geocentric coordinates, shape (..., 3) [m]."""
        turning = np.cross(np.array(self.rotation_mas_per_yr) * _RADIANS_PER_MAS, xyz_m)
        bias = np.array(self.origin_mm_per_yr) / 1e3
        up = _directions(xyz_m)[2]
        velocity: Array = turning + bias - (up @ bias)[..., np.newaxis] * up
        return velocity


@dataclass(frozen=True, slots=True)
class LocalVelocity:
    """How the ground of one district moves in ITRF2014 [mm/yr], as a reference station there has it."""

    east_mm_per_yr: float
    north_mm_per_yr: float
    up_mm_per_yr: float = 0.0
    residual_mm_per_yr: float = 1.0
    name: str = "local velocity"
    frame: ReferenceFrame = ReferenceFrame.ITRF2014

    def velocity_m_per_yr(self, xyz_m: Array) -> Array:
        """The velocity of ground at geocentric coordinates, shape (..., 3) [m]."""
        east, north, up = _directions(xyz_m)
        moved: Array = self.east_mm_per_yr * east + self.north_mm_per_yr * north + self.up_mm_per_yr * up
        return moved / 1e3


Motion = PlateMotion | LocalVelocity


def _directions(xyz_m: Array) -> tuple[Array, Array, Array]:
    """East, north and up at geocentric coordinates as unit vectors, shape (..., 3) each."""
    lon_deg, lat_deg, _ = _GEOCENTRIC.transform(xyz_m[..., 0], xyz_m[..., 1], xyz_m[..., 2], direction="INVERSE")
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], -1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    return east, np.cross(up, east), up


# Altamimi et al. 2017, doi 10.1093/gji/ggx136 (no bias of the origin: it was not significant) and Altamimi et al. 2023,
# doi 10.1029/2023GL106373. In Zhengzhou the three give 27.5, 26.4 and 28.7 mm a year east, 9.0, 8.3 and 10.0 south;
# stations of central China are seen to move 31 to 33 east and 11 to 13 south.
EURASIA_2014 = PlateMotion("EURA 2014", ReferenceFrame.ITRF2014, (-0.085, -0.531, 0.770))
EURASIA_2020 = PlateMotion("EURA 2020", ReferenceFrame.ITRF2020, (-0.085, -0.519, 0.753), (0.37, 0.35, 0.74), 6.5)
AMUR_2020 = PlateMotion("AMUR 2020", ReferenceFrame.ITRF2020, (-0.131, -0.551, 0.837), (0.37, 0.35, 0.74), 4.0)
MOTIONS: Mapping[str, PlateMotion] = {motion.name: motion for motion in (EURASIA_2014, EURASIA_2020, AMUR_2020)}

# How far apart two realisations of one frame lie, one standard deviation in plan.
REALISATION_M = 0.01


def accuracy_m(motion: Motion, years: float) -> float:
    """One standard deviation in plan [m] of a position carried over so many years, receiver errors not included.

    0.15 m for EURA 2014 over 26.9 years: the plate explains five sixths of the ground's motion, and this is the rest.
    """
    return math.hypot(REALISATION_M, motion.residual_mm_per_yr / 1e3 * abs(years))


def decimal_year(at_s: float) -> float:
    """UTC seconds as a decimal year, 2024.5 being the middle of 2024 whether or not that is a leap year."""
    year = datetime.fromtimestamp(at_s, UTC).year
    start_s = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    end_s = datetime(year + 1, 1, 1, tzinfo=UTC).timestamp()
    return year + (at_s - start_s) / (end_s - start_s)


@dataclass(frozen=True, slots=True)
class PositionSource:
    """What the numbers of a receiver mean: their frame, and the epoch of the ground they describe.

    `epoch` None is the moment of the measurement, as of a receiver on its own. With corrections, a receiver gives what
    the caster's reference stations are in: their frame, at their epoch, whenever it is measured.
    """

    frame: ReferenceFrame
    epoch: float | None = None


STAND_ALONE_BEIDOU = PositionSource(ReferenceFrame.BDCS)
STAND_ALONE_GPS = PositionSource(ReferenceFrame.WGS84)
CGCS2000_CASTER = PositionSource(ReferenceFrame.CGCS2000, CGCS2000_EPOCH)


@overload
def to_cgcs2000(
    lat_deg: float, lon_deg: float, ellipsoidal_m: float, epoch: float, motion: Motion, frame: ReferenceFrame = ...
) -> tuple[float, float, float]: ...


@overload
def to_cgcs2000(
    lat_deg: Array,
    lon_deg: Array,
    ellipsoidal_m: Array,
    epoch: float | Array,
    motion: Motion,
    frame: ReferenceFrame = ...,
) -> tuple[Array, Array, Array]: ...


def to_cgcs2000(
    lat_deg: float | Array,
    lon_deg: float | Array,
    ellipsoidal_m: float | Array,
    epoch: float | Array,
    motion: Motion,
    frame: ReferenceFrame = ReferenceFrame.WGS84,
) -> tuple[float | Array, float | Array, float | Array]:
    """Latitude, longitude [deg] and height [m] in CGCS2000 of a position in `frame` at `epoch` (a decimal year).

    Coordinates in CGCS2000 pass unchanged, whatever the epoch. `accuracy_m` says how well the motion is known.
    """
    return _moved(lat_deg, lon_deg, ellipsoidal_m, epoch, motion, frame, back=False)


@overload
def from_cgcs2000(
    lat_deg: float, lon_deg: float, ellipsoidal_m: float, epoch: float, motion: Motion, frame: ReferenceFrame = ...
) -> tuple[float, float, float]: ...


@overload
def from_cgcs2000(
    lat_deg: Array,
    lon_deg: Array,
    ellipsoidal_m: Array,
    epoch: float | Array,
    motion: Motion,
    frame: ReferenceFrame = ...,
) -> tuple[Array, Array, Array]: ...


def from_cgcs2000(
    lat_deg: float | Array,
    lon_deg: float | Array,
    ellipsoidal_m: float | Array,
    epoch: float | Array,
    motion: Motion,
    frame: ReferenceFrame = ReferenceFrame.WGS84,
) -> tuple[float | Array, float | Array, float | Array]:
    """Latitude, longitude [deg] and height [m] in `frame` at `epoch` of a position in CGCS2000: the way back."""
    return _moved(lat_deg, lon_deg, ellipsoidal_m, epoch, motion, frame, back=True)


def received(
    lat_deg: float, lon_deg: float, ellipsoidal_m: float, at_s: float, source: PositionSource, motion: Motion
) -> tuple[float, float, float]:
    """A receiver's position at UTC second `at_s` in CGCS2000, moved once if at all.

    What comes from a CGCS2000 caster is returned as it is; what comes from another caster is moved from the epoch of
    its stations, and only a position without corrections from today.
    """
    epoch = decimal_year(at_s) if source.epoch is None else source.epoch
    return to_cgcs2000(lat_deg, lon_deg, ellipsoidal_m, epoch, motion, source.frame)


def _moved(
    lat_deg: float | Array,
    lon_deg: float | Array,
    ellipsoidal_m: float | Array,
    epoch: float | Array,
    motion: Motion,
    frame: ReferenceFrame,
    *,
    back: bool,
) -> tuple[float | Array, float | Array, float | Array]:
    if frame is ReferenceFrame.CGCS2000:
        return lat_deg, lon_deg, ellipsoidal_m
    lon, lat, height = np.broadcast_arrays(lon_deg, lat_deg, ellipsoidal_m)
    xyz_m = np.stack(_GEOCENTRIC.transform(lon, lat, height), -1)
    itrf = _REALISED_AS.get(frame, frame)
    years = np.asarray(CGCS2000_EPOCH - epoch)
    if back:
        xyz_m = xyz_m - _TO_ITRF97[motion.frame].at(xyz_m, CGCS2000_EPOCH)
        xyz_m = xyz_m - motion.velocity_m_per_yr(xyz_m) * years[..., np.newaxis]
        xyz_m = _between_itrfs(xyz_m, epoch, motion.frame, itrf)
    else:
        xyz_m = _between_itrfs(xyz_m, epoch, itrf, motion.frame)
        xyz_m = xyz_m + motion.velocity_m_per_yr(xyz_m) * years[..., np.newaxis]
        xyz_m = xyz_m + _TO_ITRF97[motion.frame].at(xyz_m, CGCS2000_EPOCH)
    lon, lat, height = _GEOCENTRIC.transform(xyz_m[..., 0], xyz_m[..., 1], xyz_m[..., 2], direction="INVERSE")
    if xyz_m.ndim == 1:
        return float(lat), float(lon), float(height)
    return lat, lon, height


def _between_itrfs(xyz_m: Array, epoch: float | Array, source: ReferenceFrame, target: ReferenceFrame) -> Array:
    if source is target:
        return xyz_m
    change_m = _ITRF2020_TO_2014.at(xyz_m, epoch)
    return xyz_m + change_m if source is ReferenceFrame.ITRF2020 else xyz_m - change_m
