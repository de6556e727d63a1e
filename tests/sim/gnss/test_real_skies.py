"""Real receivers saw the satellites of BDS-3 where the model has them at that time and place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pynmeagps.nmeareader import NMEAReader

from airspace.frames import LatLon
from sim.gnss.constellation import BDS_3, REFERENCE_BDT_S
from sim.gnss.orbits import bdt_s
from sim.gnss.places import Axes, earth_fixed_m
from tests.sim.gnss.henan import CAPTURES

BY_NUMBER = {one.prn: one for one in BDS_3}


def sentences(name: str) -> Iterator[Any]:
    """The sentences of a log, which may have other things between them."""
    for line in (CAPTURES / "nmea" / name).read_bytes().splitlines(keepends=True):
        begin = line.find(b"$")
        if begin >= 0 and line[begin + 3 : begin + 6] in (b"RMC", b"GSV"):
            yield NMEAReader.parse(line[begin:], validate=0)


def first_seen(name: str) -> Iterator[tuple[int, float, float, float, LatLon]]:
    """Each satellite of BDS-3 once: number, elevation and azimuth [deg] as told, UTC and place of the receiver."""
    utc_s, place, told = math.nan, LatLon(0.0, 0.0), set[int]()
    for message in sentences(name):
        if message.msgID == "RMC" and message.status == "A" and message.date != "":
            utc_s = datetime.combine(message.date, message.time, UTC).timestamp()
            place = LatLon(message.lat, message.lon)
        elif message.msgID == "GSV" and message.talker in ("GB", "BD") and not math.isnan(utc_s):
            for n in range(1, 5):
                number = str(getattr(message, f"svid_{n:02d}", ""))
                elevation = getattr(message, f"elv_{n:02d}", "")
                if number.isdigit() and elevation != "" and int(number) in BY_NUMBER.keys() - told:
                    told.add(int(number))
                    yield int(number), float(elevation), float(getattr(message, f"az_{n:02d}")), utc_s, place


def direction(elevation_deg: float, azimuth_deg: float) -> tuple[float, float, float]:
    elevation, azimuth = math.radians(elevation_deg), math.radians(azimuth_deg)
    return (
        math.cos(elevation) * math.sin(azimuth),
        math.cos(elevation) * math.cos(azimuth),
        math.sin(elevation),
    )


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="no captures beside the repository")
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("gpsd-ublox-neo-m9n-nmea.log", 5),  # California, July 2020
        ("gpsd-ublox-zed-f9r.log", 10),  # Turin, April 2025
        ("gpsd-ublox-zed-f9t-ubx_nmea_l5.log", 7),  # Oregon, July 2025
        ("gpsd-quectel-l76k-nmea.log", 2),  # Seattle, August 2026
    ],
)
def test_satellites_stand_where_real_receivers_saw_them(name: str, least: int) -> None:
    apart_deg = []
    for prn, elevation_deg, azimuth_deg, utc_s, place in first_seen(name):
        t_s, here = bdt_s(utc_s), earth_fixed_m(place, 100.0)
        there = BY_NUMBER[prn].ephemeris(t_s, REFERENCE_BDT_S).position_m(t_s)
        modelled = Axes.at(place).local(there[0] - here[0], there[1] - here[1], there[2] - here[2])
        seen = direction(elevation_deg, azimuth_deg)
        cosine = math.fsum(a * b for a, b in zip(modelled, seen, strict=True)) / math.hypot(*modelled)
        apart_deg.append(math.degrees(math.acos(min(cosine, 1.0))))
    assert len(apart_deg) >= least
    assert max(apart_deg) < 7.0
    assert sorted(apart_deg)[(len(apart_deg) - 1) // 2] < 3.5
