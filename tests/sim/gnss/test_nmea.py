"""The sentences are read by an independent parser as they were meant."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynmeagps.nmeareader import NMEAReader

from sim.gnss import nmea
from sim.gnss.interference import Area
from sim.gnss.laws import FIX_3D, NO_FIX
from tests.sim.gnss.henan import CAPTURES, NOON_UTC_S, Flight, Time, Wall, sky_over

MPS_PER_KNOT = 1852.0 / 3600.0
QUALITIES = {1: 0, 2: 1, 3: 1, 4: 2, 5: 5, 6: 4}
MODES = {1: "N", 2: "A", 3: "A", 4: "D", 5: "F", 6: "R"}


def solution(fix_type: int = 6, *, wall: Wall | None = None, at_least: int = 0) -> nmea.Solution:
    time = Time()
    flight = Flight(time, sky_over(time, wall))
    while len(flight.sky.view().lines) < at_least:
        time.go(1800.0)
    flight.receiver.set_fix(fix_type)
    flight.go(3.2)
    return nmea.solution_of(flight.receiver, (120.0, -340.0, 60.0), (3.0, 4.0), geoid_m=-22.5)


def read(text: str) -> Iterator[Any]:
    for line in text.splitlines(keepends=True):
        assert len(line) <= 120
        message = NMEAReader.parse(line.encode("ascii"), validate=1)
        assert message is not None
        yield message


def by_kind(text: str) -> dict[str, list[Any]]:
    made: dict[str, list[Any]] = {}
    for message in read(text):
        made.setdefault(message.msgID, []).append(message)
    return made


@pytest.mark.parametrize("talker", ["GB", "BD"])
@pytest.mark.parametrize("fix_type", [1, 2, 3, 4, 5, 6])
def test_every_sentence_is_parsed_with_its_talker_and_says_the_fix(fix_type: int, talker: str) -> None:
    said = solution(fix_type)
    messages = by_kind(nmea.sentences(said, talker))
    assert sorted(messages) == ["GGA", "GSA", "GST", "GSV", "RMC", "VTG"]
    assert {message.talker for kind in messages.values() for message in kind} == {talker}
    gga, rmc, vtg, gsa = messages["GGA"][0], messages["RMC"][0], messages["VTG"][0], messages["GSA"][0]
    assert gga.quality == QUALITIES[fix_type]
    assert (rmc.posMode, vtg.posMode) == (MODES[fix_type], MODES[fix_type])
    assert rmc.status == ("A" if fix_type >= 2 else "V")
    assert gsa.navMode == {1: 1, 2: 2}.get(fix_type, 3)


def test_place_time_and_motion_are_told_to_the_millimetre_and_hundredth() -> None:
    said = solution()
    messages = by_kind(nmea.sentences(said))
    gga, rmc, vtg = messages["GGA"][0], messages["RMC"][0], messages["VTG"][0]
    for message in (gga, rmc):
        assert message.lat == pytest.approx(said.lat_deg, abs=1e-8)
        assert message.lon == pytest.approx(said.lon_deg, abs=1e-8)
        assert str(message.time).startswith("04:00:03.2")
    assert str(rmc.date) == "2026-09-23"
    assert gga.alt == pytest.approx(said.amsl_m, abs=6e-4)
    assert said.amsl_m == pytest.approx(90.0 + 60.0 + 22.5, abs=0.1)
    assert gga.sep == -22.5
    assert gga.numSV == len(said.used)
    assert pytest.approx(said.hdop, abs=0.006) == gga.HDOP
    assert gga.diffAge == pytest.approx(1.0)
    assert rmc.spd == pytest.approx(5.0 / MPS_PER_KNOT, abs=1e-3)
    assert rmc.cog == pytest.approx(36.87, abs=0.01)
    assert vtg.sogk == pytest.approx(18.0, abs=1e-3)


def test_more_than_twelve_satellites_take_two_gsa_of_system_4() -> None:
    said = solution(at_least=13)
    messages = by_kind(nmea.sentences(said))["GSA"]
    assert len(messages) == 2
    numbers = [getattr(message, f"svid_{n:02d}") for message in messages for n in range(1, 13)]
    assert [int(number) for number in numbers if number != ""] == list(said.used)
    for message in messages:
        assert int(message.systemId) == 4
        assert pytest.approx((said.pdop, said.hdop, said.vdop), abs=0.006) == (message.PDOP, message.HDOP, message.VDOP)


def test_satellites_in_view_are_listed_and_those_that_are_not_received_have_no_strength() -> None:
    said = solution(wall=Wall(30.0, 150.0, 60.0))
    assert 4 <= len(said.used) < len(said.in_view)
    messages = by_kind(nmea.sentences(said))["GSV"]
    listed = {}
    for number, message in enumerate(messages, 1):
        assert (message.msgNum, message.numMsg, message.numSV) == (number, len(messages), len(said.in_view))
        assert int(message.signalID) == 1
        for n in range(1, 5):
            if getattr(message, f"svid_{n:02d}", "") != "":
                listed[int(getattr(message, f"svid_{n:02d}"))] = (
                    getattr(message, f"elv_{n:02d}"),
                    getattr(message, f"az_{n:02d}"),
                    getattr(message, f"cno_{n:02d}"),
                )
    assert list(listed) == [one.prn for one in said.in_view]
    for one in said.in_view:
        elevation, azimuth, strength = listed[one.prn]
        assert (elevation, azimuth) == (round(one.elevation_deg), round(one.azimuth_deg) % 360)
        assert (strength == "") == (one.prn not in said.used)


def test_accuracies_are_told() -> None:
    said = solution(FIX_3D)
    gst = by_kind(nmea.sentences(said))["GST"][0]
    assert (gst.stdLong, gst.stdLat, gst.stdAlt) == pytest.approx(said.sigma_m, abs=6e-4)
    assert gst.stdMajor >= gst.stdMinor > 0.0


def test_a_jammed_receiver_says_that_it_has_nothing() -> None:
    time = Time()
    flight = Flight(time, sky_over(time))
    flight.go(2.0)
    flight.sky.jam(Area(0.0, 0.0, 200.0))
    flight.go(2.0)
    assert flight.receiver.fix_type == NO_FIX
    said = nmea.solution_of(flight.receiver, flight.place, (0.0, 0.0), geoid_m=-22.5)
    messages = by_kind(nmea.sentences(said))
    assert (messages["GGA"][0].quality, messages["GGA"][0].lat, messages["GGA"][0].numSV) == (0, "", 0)
    assert messages["RMC"][0].status == "V"
    assert all(getattr(messages["GSV"][0], f"cno_{n:02d}") == "" for n in range(1, 5))


@given(
    lat_deg=st.floats(-89.9, 89.9),
    lon_deg=st.floats(-180.0, 180.0),
    utc_s=st.floats(1_500_000_000.0, 2_500_000_000.0),
)
def test_any_place_and_time_come_back(lat_deg: float, lon_deg: float, utc_s: float) -> None:
    said = solution_at(lat_deg, lon_deg, utc_s)
    gga = next(read(nmea.gga(said)))
    assert gga.lat == pytest.approx(lat_deg, abs=1e-8)
    assert gga.lon == pytest.approx(lon_deg, abs=1e-8)
    rmc = next(read(nmea.rmc(said)))
    told_s = rmc.time.hour * 3600 + rmc.time.minute * 60 + rmc.time.second + rmc.time.microsecond / 1e6
    assert abs((told_s - utc_s + 43_200.0) % 86_400.0 - 43_200.0) <= 0.006


def solution_at(lat_deg: float, lon_deg: float, utc_s: float) -> nmea.Solution:
    return nmea.Solution(
        utc_s=utc_s, fix_type=3, lat_deg=lat_deg, lon_deg=lon_deg, amsl_m=80.0, geoid_m=-20.0, east_mps=0.0,
        north_mps=0.0, pdop=1.5, hdop=0.9, vdop=1.2, sigma_m=(0.5, 0.5, 1.0), age_s=None, station=0, in_view=(),
        used=(),
    )  # fmt: skip


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="no captures beside the repository")
def test_our_sentences_have_the_fields_of_a_real_beidou_receiver() -> None:
    """A UM981 and a u-blox F9R: as many fields in each kind of sentence (the number of satellites decides GSV's)."""
    counts: dict[str, set[int]] = {}
    for name in ("pygpsdata-um981.log", "gpsd-ublox-zed-f9r.log"):
        for line in io.BytesIO((CAPTURES / "nmea" / name).read_bytes()):
            if line.startswith(b"$G") and line[3:6] in (b"GGA", b"RMC", b"GSA", b"GST", b"VTG"):
                counts.setdefault(line[3:6].decode(), set()).add(line.count(b","))
    ours = by_fields(nmea.sentences(solution()))
    compared = [kind for kind in ours if kind in counts]
    assert {"GGA", "RMC", "GSA"} <= set(compared)
    for kind in compared:
        assert ours[kind] <= counts[kind], kind


def by_fields(text: str) -> dict[str, set[int]]:
    made: dict[str, set[int]] = {}
    for line in text.splitlines():
        made.setdefault(line[3:6], set()).add(line.count(","))
    return made


def test_the_checksum_is_the_exclusive_or_of_what_is_between_dollar_and_star() -> None:
    assert nmea.sentence("GPGLL,5300.97914,N,00259.98174,E,125926,A").endswith("*28\r\n")


def test_a_moment_that_rounds_to_the_next_day_has_the_next_days_date() -> None:
    said = solution_at(34.0, 113.0, NOON_UTC_S // 86_400.0 * 86_400.0 + 86_399.997)
    rmc = next(read(nmea.rmc(said)))
    assert (str(rmc.time), str(rmc.date)) == ("00:00:00", "2026-09-24")
