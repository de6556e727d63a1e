"""A receiver's sentences: NMEA 0183 version 4.11 with BeiDou's talker GB, or BD as older Chinese receivers have it.

GGA, RMC, GSA, GSV, GST and VTG; BeiDou is system 4 in GSA, B1I signal 1 in GSV, satellite numbers are the PRNs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sim.gnss.geometry import Line
from sim.gnss.laws import DGPS, FIX_2D, RTK_FIXED, RTK_FLOAT
from sim.gnss.receiver import Receiver

SYSTEM, SIGNAL = 4, 1
PER_GSV = 4
IN_GSA = 12
MPS_PER_KNOT = 1852.0 / 3600.0

# GPS_FIX_TYPE: GGA's quality, the mode of RMC and VTG
QUALITIES = {DGPS: (2, "D"), RTK_FLOAT: (5, "F"), RTK_FIXED: (4, "R")}


@dataclass(frozen=True, slots=True)
class Solution:
    """What one epoch of sentences says. Positions are CGCS2000 degrees, `geoid_m` the geoid over the ellipsoid.

    `sigma_m` are east, north, up; `age_s` None without corrections; `in_view` all satellites over the mask, `used` the
    numbers of those in the solution.
    """

    utc_s: float
    fix_type: int
    lat_deg: float
    lon_deg: float
    amsl_m: float
    geoid_m: float
    east_mps: float
    north_mps: float
    pdop: float
    hdop: float
    vdop: float
    sigma_m: tuple[float, float, float]
    age_s: float | None
    station: int
    in_view: tuple[Line, ...]
    used: tuple[int, ...]
    noise_rise_db: float = 0.0

    @property
    def fixed(self) -> bool:
        """Whether there is a position."""
        return self.fix_type >= FIX_2D


def solution_of(
    receiver: Receiver, place: tuple[float, float, float], velocity_mps: tuple[float, float], *, geoid_m: float
) -> Solution:
    """What a receiver says at a true place, east, north, up in the world's frame, moving east and north."""
    sky, geometry = receiver.sky, receiver.geometry
    raw_e, raw_n, raw_u = receiver.raw_m
    at = sky.frame.latlon(place[0] + raw_e, place[1] + raw_n)
    age_s = receiver.age_s() if receiver.fix_type >= DGPS else None
    observation = receiver.received.observation
    return Solution(
        utc_s=sky.utc_s(),
        fix_type=receiver.fix_type,
        lat_deg=at.lat_deg,
        lon_deg=at.lon_deg,
        amsl_m=sky.datum_ellipsoidal_m + place[2] + raw_u - geoid_m,
        geoid_m=geoid_m,
        east_mps=velocity_mps[0],
        north_mps=velocity_mps[1],
        pdop=geometry.pdop if geometry else 99.99,
        hdop=geometry.hdop if geometry else 99.99,
        vdop=geometry.vdop if geometry else 99.99,
        sigma_m=receiver.sigma_m,
        age_s=age_s,
        station=observation.station if observation else 0,
        in_view=sky.view().lines,
        used=tuple(one.prn for one in receiver.lines),
        noise_rise_db=receiver.noise_rise_db,
    )


def sentence(body: str) -> str:
    """A sentence with its dollar sign, checksum and line end."""
    check = 0
    for byte in body.encode("ascii"):
        check ^= byte
    return f"${body}*{check:02X}\r\n"


def sentences(said: Solution, talker: str = "GB") -> str:
    """All sentences of one epoch in the usual order."""
    return "".join((gga(said, talker), rmc(said, talker), vtg(said, talker), gsa(said, talker), gst(said, talker),
                    *gsv(said, talker)))  # fmt: skip


def gga(said: Solution, talker: str = "GB") -> str:
    """Time, place, kind of fix, heights and age of corrections."""
    quality = QUALITIES.get(said.fix_type, (1, "A"))[0] if said.fixed else 0
    age, station = "", ""
    if quality >= 2 and said.age_s is not None:
        age, station = f"{said.age_s:.1f}", f"{said.station:04d}"
    if not said.fixed:
        return sentence(f"{talker}GGA,{_clock(said.utc_s)},,,,,0,{len(said.used):02d},,,M,,M,,")
    return sentence(
        f"{talker}GGA,{_clock(said.utc_s)},{_place(said)},{quality},{len(said.used):02d},{said.hdop:.2f},"
        f"{said.amsl_m:.3f},M,{said.geoid_m:.3f},M,{age},{station}"
    )


def rmc(said: Solution, talker: str = "GB") -> str:
    """The least that is recommended: time, place, speed, course, date, mode."""
    date = datetime.fromtimestamp(_hundredths(said.utc_s) // 100, UTC).strftime("%d%m%y")
    if not said.fixed:
        return sentence(f"{talker}RMC,{_clock(said.utc_s)},V,,,,,,,{date},,,N,V")
    speed, course = _motion(said)
    return sentence(
        f"{talker}RMC,{_clock(said.utc_s)},A,{_place(said)},{speed / MPS_PER_KNOT:.3f},{course:.2f},{date},,,"
        f"{_mode(said)},V"
    )


def vtg(said: Solution, talker: str = "GB") -> str:
    """Course and speed over ground."""
    if not said.fixed:
        return sentence(f"{talker}VTG,,T,,M,,N,,K,N")
    speed, course = _motion(said)
    return sentence(f"{talker}VTG,{course:.2f},T,,M,{speed / MPS_PER_KNOT:.3f},N,{speed * 3.6:.3f},K,{_mode(said)}")


def gsa(said: Solution, talker: str = "GB") -> str:
    """The satellites of the solution and its dilutions; more than twelve take a second sentence."""
    dimension = 1 if not said.fixed else 2 if said.fix_type == FIX_2D else 3
    used = said.used if said.fixed else ()
    parts = [used[start : start + IN_GSA] for start in range(0, max(len(used), 1), IN_GSA)]
    return "".join(
        sentence(f"{talker}GSA,A,{dimension},{_filled(part)},{said.pdop:.2f},{said.hdop:.2f},{said.vdop:.2f},{SYSTEM}")
        for part in parts
    )


def gst(said: Solution, talker: str = "GB") -> str:
    """One sigma of the errors: of the range residuals, of the ellipse and of each axis."""
    if not said.fixed:
        return sentence(f"{talker}GST,{_clock(said.utc_s)},,,,,,,")
    east, north, up = said.sigma_m
    major, minor, bearing = (east, north, 90.0) if east > north else (north, east, 0.0)
    rms = math.hypot(east, north, up) / max(said.pdop, 0.1)
    return sentence(
        f"{talker}GST,{_clock(said.utc_s)},{rms:.3f},{major:.3f},{minor:.3f},{bearing:.1f},"
        f"{north:.3f},{east:.3f},{up:.3f}"
    )


def gsv(said: Solution, talker: str = "GB") -> list[str]:
    """The satellites in view: number, elevation, azimuth and C/N0, which is empty for one that is not received."""
    seen = said.in_view
    total = max((len(seen) + PER_GSV - 1) // PER_GSV, 1)
    made = []
    for number in range(total):
        part = seen[number * PER_GSV : (number + 1) * PER_GSV]
        blocks = "".join(
            f",{one.prn:02d},{round(one.elevation_deg):02d},{round(one.azimuth_deg) % 360:03d},{_strength(said, one)}"
            for one in part
        )
        made.append(sentence(f"{talker}GSV,{total},{number + 1},{len(seen):02d}{blocks},{SIGNAL}"))
    return made


def _strength(said: Solution, one: Line) -> str:
    return f"{round(one.cn0_dbhz - said.noise_rise_db):02d}" if one.prn in said.used else ""


def _filled(numbers: Sequence[int]) -> str:
    return ",".join([f"{number:02d}" for number in numbers] + [""] * (IN_GSA - len(numbers)))


def _mode(said: Solution) -> str:
    return QUALITIES.get(said.fix_type, (1, "A"))[1]


def _motion(said: Solution) -> tuple[float, float]:
    speed = math.hypot(said.east_mps, said.north_mps)
    return speed, math.degrees(math.atan2(said.east_mps, said.north_mps)) % 360.0


def _hundredths(utc_s: float) -> int:
    return round(utc_s * 100.0)


def _clock(utc_s: float) -> str:
    whole, hundredths = divmod(_hundredths(utc_s), 100)
    return datetime.fromtimestamp(whole, UTC).strftime("%H%M%S") + f".{hundredths:02d}"


def _place(said: Solution) -> str:
    lat, lon = _degrees(said.lat_deg, 2), _degrees(said.lon_deg, 3)
    return f"{lat},{'N' if said.lat_deg >= 0.0 else 'S'},{lon},{'E' if said.lon_deg >= 0.0 else 'W'}"


def _degrees(value_deg: float, width: int) -> str:
    """Whole degrees and minutes with seven places: 0.2 mm."""
    units = round(abs(value_deg) * 60.0 * 1e7)
    degrees, minutes = divmod(units, 60 * 10**7)
    return f"{degrees:0{width}d}{minutes // 10**7:02d}.{minutes % 10**7:07d}"
