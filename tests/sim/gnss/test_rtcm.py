"""The RTCM 3 messages of the stations, read by an independent decoder, and real streams read by our own."""

from __future__ import annotations

import io
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrtcm.rtcmhelpers import calc_crc24q
from pyrtcm.rtcmreader import RTCMReader

from poles.protocol.rtcm import crc_24q, is_frame
from sim.gnss import msm, rtcm
from sim.gnss.constellation import BDS_3, REFERENCE_BDT_S
from sim.gnss.corrections import Corrections
from sim.gnss.msm import B1I, B3I, MILLISECOND_M, Cell, Observed
from sim.gnss.orbits import WEEK_S, Ephemeris, Orbit, bdt_s
from tests.sim.gnss.henan import CAPTURES, NOON_UTC_S

NOW_S = bdt_s(NOON_UTC_S)
FILES = sorted((CAPTURES / "rtcm").glob("*")) if CAPTURES.is_dir() else []


def decoded(payload: bytes) -> Any:
    """A payload in a frame of ours, as pyrtcm reads it."""
    message = RTCMReader.parse(rtcm.frame(payload))
    assert message is not None
    return message


@cache
def messages_of(file: Path) -> list[tuple[bytes, Any]]:
    with io.BytesIO(file.read_bytes()) as stream:
        return [(raw, read) for raw, read in RTCMReader(stream, quitonerror=0) if read is not None]


@given(st.binary(max_size=1023))
def test_checksums_are_those_of_pyrtcm(payload: bytes) -> None:
    framed = rtcm.frame(payload)
    assert crc_24q(framed[:-3]) == calc_crc24q(framed[:-3])
    assert calc_crc24q(framed) == 0
    assert is_frame(framed) is bool(payload)


@given(
    payloads=st.lists(st.binary(min_size=2, max_size=80), max_size=6),
    noise=st.lists(st.binary(max_size=12), min_size=7, max_size=7),
    cut=st.integers(1, 40),
)
def test_frames_are_found_in_any_pieces_and_between_noise(payloads: list[bytes], noise: list[bytes], cut: int) -> None:
    quiet = [part.replace(b"\xd3", b"") for part in noise]
    stream = b"".join(before + rtcm.frame(payload) for before, payload in zip(quiet, payloads, strict=False)) + quiet[6]
    deframer, found = rtcm.Deframer(), list[bytes]()
    for start in range(0, len(stream), cut):
        found += deframer.feed(stream[start : start + cut])
    assert found == payloads


@given(st.binary(max_size=400))
def test_any_bytes_are_taken_without_a_word(data: bytes) -> None:
    taken = Corrections()
    taken.feed(data)
    for kind in (1005, 1006, 1121, 1127):
        taken.feed(rtcm.frame((kind << 4).to_bytes(2, "big") + data[:60]))
    assert taken.messages >= 4


def test_a_frame_with_a_flipped_bit_is_left_out() -> None:
    framed = bytearray(rtcm.frame(b"\x3e\xd0" + bytes(17)))
    framed[9] ^= 1
    assert list(rtcm.Deframer().feed(bytes(framed) + rtcm.frame(b"good"))) == [b"good"]


def test_a_message_may_have_1023_bytes_and_no_more() -> None:
    assert len(rtcm.frame(bytes(1023))) == 1029
    with pytest.raises(ValueError, match="1023"):
        rtcm.frame(bytes(1024))


coordinates = st.floats(-7_000_000.0, 7_000_000.0)


@given(
    st.builds(
        rtcm.ReferencePoint,
        station=st.integers(0, 4095),
        position_m=st.tuples(coordinates, coordinates, coordinates),
        antenna_m=st.none() | st.floats(0.0, 6.0),
    )
)
def test_a_reference_point_is_read_to_a_tenth_of_a_millimetre(point: rtcm.ReferencePoint) -> None:
    read = decoded(point.payload())
    assert read.identity == ("1005" if point.antenna_m is None else "1006")
    assert point.station == read.DF003
    assert pytest.approx(point.position_m, abs=6e-5) == (read.DF025, read.DF026, read.DF027)
    if point.antenna_m is not None:
        assert pytest.approx(point.antenna_m, abs=6e-5) == read.DF028
    again = rtcm.ReferencePoint.read(point.payload())
    assert again.station == point.station
    assert again.position_m == pytest.approx(point.position_m, abs=6e-5)


def test_what_stands_at_the_station_is_told() -> None:
    payload = rtcm.receiver_and_antenna(17, antenna="HX-CGX611A NONE", receiver="UM980", firmware="R4.10", serial="42")
    read = decoded(payload)
    assert (read.identity, read.DF003, read.DF031) == ("1033", 17, 0)
    said = ["".join(getattr(read, f"{field}_{n + 1:02d}") for n in range(length)) for field, length in (
        ("DF030", 15), ("DF033", 2), ("DF228", 5), ("DF230", 5), ("DF232", 2))]  # fmt: skip
    assert said == ["HX-CGX611A NONE", "42", "UM980", "R4.10", "42"]


@pytest.mark.parametrize("satellite", BDS_3, ids=lambda one: f"C{one.prn}")
def test_an_ephemeris_survives_the_wire(satellite: Any) -> None:
    toe_s = NOW_S // 3600.0 * 3600.0
    told = satellite.ephemeris(toe_s, REFERENCE_BDT_S)
    payload = rtcm.ephemeris(told)
    read = decoded(payload)
    assert (read.identity, read.DF488, read.DF489) == ("1042", satellite.prn, int(toe_s // WEEK_S))
    assert (toe_s % WEEK_S, toe_s % WEEK_S, 0) == (read.DF505, read.DF493, read.DF515)
    assert pytest.approx(told.eccentricity, abs=2.0**-33) == read.DF502
    assert pytest.approx(told.sqrt_a, abs=2.0**-19) == read.DF504
    assert read.DF509 * math.pi == pytest.approx(told.inclination_rad, abs=1e-8)
    assert read.DF512 * math.pi == pytest.approx(told.node_rate_radps, abs=1e-12)
    assert pytest.approx(told.a0_s, abs=2.0**-33) == read.DF496
    again = rtcm.read_ephemeris(payload)
    assert again.orbit is satellite.orbit
    for ahead_s in (0.0, 3600.0):
        assert math.dist(again.position_m(toe_s + ahead_s), told.position_m(toe_s + ahead_s)) < 0.5


@pytest.mark.parametrize(
    ("prn", "east_deg", "elements"),
    [
        (1, 144.5, (6493.347337723, 4.603102570400e-4, 9.101733839176e-2, -2.811183080328, 6.233831092658e-9,
                    -2.597370730254, 1.683062668784, -5.073425614255e-9)),
        (5, 58.75, (6493.482421875, 2.530643483624e-3, 9.640972172618e-2, -2.878527702187, 7.111010487844e-9,
                    2.989989841536e-1, -2.644151558863, -5.981677732316e-9)),
    ],
    ids=["C01", "C05"],
)  # fmt: skip
def test_real_geostationary_ephemerides_give_the_longitudes_of_their_satellites(
    prn: int, east_deg: float, elements: tuple[float, ...]
) -> None:
    """As broadcast on 14 March 2023, 00:00 (merged navigation files of DLR and BKG), without their small terms."""
    sqrt_a, eccentricity, inclination, node, node_rate, perigee, mean, difference = elements
    told = Ephemeris(
        prn, Orbit.GEO, 897 * WEEK_S + 172_800.0, sqrt_a, eccentricity, inclination, node, node_rate, perigee, mean,
        difference, 0.0, 0.0,
    )  # fmt: skip
    for minutes in (-60.0, 0.0, 60.0):
        x, y, z = told.position_m(told.toe_s + 60.0 * minutes)
        assert math.degrees(math.atan2(y, x)) == pytest.approx(east_deg, abs=0.3)
        assert abs(math.degrees(math.atan2(z, math.hypot(x, y)))) < 2.0


def observed_example() -> list[Observed]:
    rows = []
    for n, prn in enumerate((19, 23, 38, 59)):
        range_m = 22_000_000.0 + 4_567_891.2345 * n
        rate = -711.25 + 405.5 * n
        cells = tuple(
            Cell(
                signal, range_m + 3.21 * k, range_m - 2.5 + k, rate + 0.0123 * k, 38.0 + n + k / 4, 10.0 ** (n - 1) + k
            )
            for k, signal in enumerate((B1I, B3I) if n != 2 else (B3I,))
        )
        rows.append(Observed(prn, cells))
    return rows


def cells_of(read: Any, kind: int) -> dict[tuple[str, str], tuple[float, float, float, float | None]]:
    """Satellite and signal (RINEX): pseudorange and phase range [m], C/N0, range rate; as pyrtcm reads them."""
    rough = {}
    for n in range(1, read.NSat + 1):
        rate = getattr(read, f"DF399_{n:02d}", None)
        rough[getattr(read, f"PRN_{n:02d}")] = (getattr(read, f"DF397_{n:02d}") + getattr(read, f"DF398_{n:02d}"), rate)
    code, phase, strength = ("DF405", "DF406", "DF408") if kind >= 6 else ("DF400", "DF401", "DF403")
    made = {}
    for n in range(1, read.NCell + 1):
        prn, signal = getattr(read, f"CELLPRN_{n:02d}"), getattr(read, f"CELLSIG_{n:02d}")
        milliseconds, rate = rough[prn]
        made[prn, signal] = (
            (milliseconds + getattr(read, f"{code}_{n:02d}")) * MILLISECOND_M,
            (milliseconds + getattr(read, f"{phase}_{n:02d}")) * MILLISECOND_M,
            getattr(read, f"{strength}_{n:02d}"),
            None if rate is None or kind not in (5, 7) else rate + getattr(read, f"DF404_{n:02d}"),
        )
    return made


@pytest.mark.parametrize("kind", [4, 7])
def test_observations_are_read_as_they_were_made(kind: int) -> None:
    observed = observed_example()
    read = decoded(msm.message(kind, 321, 345_678_000, observed))
    assert read.identity == f"112{kind}"
    assert (read.DF003, read.DF427, read.DF393) == (321, 345_678_000, 0)
    cells = cells_of(read, kind)
    expected = {(f"{one.prn:03d}", {B1I: "2I", B3I: "6I"}[cell.signal]): cell for one in observed for cell in one.cells}
    assert cells.keys() == expected.keys()
    code_m, phase_m = (
        (MILLISECOND_M * 2.0**-29, MILLISECOND_M * 2.0**-31)
        if kind == 7
        else (MILLISECOND_M * 2.0**-24, MILLISECOND_M * 2.0**-29)
    )
    for key, (pseudorange, phase, strength, rate) in cells.items():
        cell = expected[key]
        assert pseudorange == pytest.approx(cell.pseudorange_m, abs=code_m / 2 + 1e-6)
        assert phase == pytest.approx(cell.phase_range_m, abs=phase_m / 2 + 1e-6)
        assert strength == pytest.approx(cell.cn0_dbhz, abs=0.04 if kind == 7 else 0.51)
        if kind == 7:
            assert rate == pytest.approx(cell.rate_mps, abs=6e-5)
    head = msm.read_head(msm.message(kind, 321, 345_678_000, observed, more=True))
    assert (head.kind, head.station, head.tow_ms, head.more) == (kind, 321, 345_678_000, True)
    assert head.satellites == (19, 23, 38, 59)
    assert head.signals == (B1I, B3I)


def test_too_many_cells_other_kinds_and_values_beyond_a_field_are_refused() -> None:
    one = observed_example()[0]
    many = [Observed(prn, one.cells) for prn in range(1, 34)]
    with pytest.raises(ValueError, match="64 cells"):
        msm.message(7, 1, 0, many)
    with pytest.raises(ValueError, match="MSM5"):
        msm.message(5, 1, 0, [one])
    with pytest.raises(ValueError, match="fit"):
        msm.message(7, 4096, 0, [one])


@pytest.mark.parametrize(
    ("lock_s", "coarse", "fine"),
    [(0.0, 0, 0), (0.031, 0, 31), (0.032, 1, 32), (0.064, 2, 64), (0.128, 3, 96), (1.0, 5, 190), (600.0, 15, 484),
     (67_108.863, 15, 703), (67_108.864, 15, 704), (1e9, 15, 704)],
)  # fmt: skip
def test_lock_times_are_told_in_the_steps_of_the_standard(lock_s: float, coarse: int, fine: int) -> None:
    assert msm.lock_indicator(lock_s) == coarse
    assert msm.lock_indicator_fine(lock_s) == fine


@given(st.floats(0.0, 70_000.0), st.floats(0.0, 70_000.0))
def test_a_longer_lock_never_tells_less(first_s: float, second_s: float) -> None:
    shorter, longer = sorted((first_s, second_s))
    assert msm.lock_indicator(shorter) <= msm.lock_indicator(longer)
    assert msm.lock_indicator_fine(shorter) <= msm.lock_indicator_fine(longer)


# Real streams


@pytest.mark.skipif(not FILES, reason="no captures beside the repository")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_in_real_streams_every_frame_is_found_that_pyrtcm_finds(file: Path) -> None:
    """It gives up some that follow a damaged one, so ours may be more; each has its right checksum."""
    found = iter(rtcm.Deframer().feed(file.read_bytes()))
    for raw, _ in messages_of(file):
        assert raw[3:-3] in found  # looks on from where the last one was


@pytest.mark.skipif(not FILES, reason="no captures beside the repository")
def test_real_reference_points_and_headers_are_read_as_pyrtcm_reads_them() -> None:
    points = heads = 0
    for file in FILES:
        for raw, read in messages_of(file):
            payload = raw[3:-3]
            if read.identity in ("1005", "1006"):
                points += 1
                point = rtcm.ReferencePoint.read(payload)
                assert point.station == read.DF003
                assert point.position_m == pytest.approx((read.DF025, read.DF026, read.DF027), abs=1e-6)
            elif msm.FIRST <= int(read.identity) <= msm.LAST:
                heads += 1
                head = msm.read_head(payload)
                assert (head.station, head.tow_ms, head.more) == (read.DF003, read.DF427, bool(read.DF393))
                names = [f"{prn:03d}" for prn in head.satellites]
                assert names == [getattr(read, f"PRN_{n:02d}") for n in range(1, read.NSat + 1)]
    assert points >= 30
    assert heads >= 258


def locked_s(indicator: int) -> float:
    """The shortest lock time that DF407 stands for."""
    if indicator < 64:
        return indicator / 1000.0
    doublings = (indicator - 32) // 32
    return ((indicator - 32 * doublings) << doublings) / 1000.0


@pytest.mark.skipif(not FILES, reason="no captures beside the repository")
def test_real_observations_are_written_again_as_they_were_read() -> None:
    """Every fifth epoch of BeiDou MSM7 of a JAXA station: read by pyrtcm, written by us, read again."""
    numbers = {"2I": B1I, "6I": B3I, "7I": 14}
    compared = 0
    for _, read in messages_of(CAPTURES / "rtcm" / "GMSD7_20121014.rtcm3"):
        if read.identity != "1127" or read.DF427 % 5000:
            continue
        cells = cells_of(read, 7)
        locks = [getattr(read, f"DF407_{n:02d}") for n in range(1, read.NCell + 1)]
        by_satellite: dict[int, list[Cell]] = {}
        for ((prn, signal), (code, phase, strength, rate)), lock in zip(cells.items(), locks, strict=True):
            made = Cell(numbers[signal], code, phase, rate or 0.0, strength, locked_s(lock))
            by_satellite.setdefault(int(prn), []).append(made)
        observed = [Observed(prn, tuple(made)) for prn, made in by_satellite.items()]
        again = decoded(msm.message(7, read.DF003, read.DF427, observed, more=bool(read.DF393)))
        assert [getattr(again, f"DF407_{n:02d}") for n in range(1, again.NCell + 1)] == locks
        for key, values in cells_of(again, 7).items():
            assert values == pytest.approx(cells[key], abs=1e-3)
            compared += 1
    assert compared > 400
