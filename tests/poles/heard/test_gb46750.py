"""Broadcast identification of GB 46750-2025, against a captured frame and against itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import LatLon
from poles.heard import gb46750, radio
from poles.heard.accuracy import HORIZONTAL_M, SPEED_MPS, TIME_S, VERTICAL_M
from poles.heard.drone import Frame, Operator, OperatorPlace, Status, WeightClass
from poles.heard.gb46750 import Category, Identification, decode, encode
from poles.protocol import Source

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "data" / "rid" / "gb46750_and_dji_beacon_vectors.txt"


def vector(number: int) -> bytes:
    if not VECTORS.exists():
        pytest.skip("the captured frames are not here")
    lines = [line for line in VECTORS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return bytes.fromhex(lines[number])


positions = st.builds(LatLon, st.integers(-900000000, 900000000).map(lambda n: n / 1e7),
                      st.integers(-1800000000, 1800000000).map(lambda n: n / 1e7))  # fmt: skip


def maybe(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    return st.none() | numbers


def halves(low_m: int, high_m: int) -> st.SearchStrategy[float | None]:
    return maybe(st.integers(2 * low_m + 1, 2 * high_m).map(lambda n: n / 2.0))


def tenths(most: int) -> st.SearchStrategy[float | None]:
    return maybe(st.integers(0, most).map(lambda n: n / 10.0))


def one_of(bounds: tuple[float, ...]) -> st.SearchStrategy[float | None]:
    return maybe(st.sampled_from(bounds))


said = st.builds(
    Identification,
    product_code=st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", max_size=20),
    real_name_mark=st.text("0123456789ABCDEF", min_size=8, max_size=8),
    category=st.sampled_from(Category),
    weight_class=st.sampled_from(WeightClass),
    operator=st.builds(
        Operator,
        st.none() | positions,
        halves(-1000, 31767),
        st.sampled_from([OperatorPlace.TAKE_OFF, OperatorPlace.STATION]),
    ),
    position=st.none() | positions,
    track_deg=tenths(3599),
    speed_mps=tenths(65534),
    above_takeoff_m=halves(-9000, 23767),
    climb_mps=maybe(st.integers(-126, 127).map(lambda n: n / 2.0)),
    ellipsoidal_m=halves(-1000, 31767),
    pressure_m=halves(-1000, 31767),
    status=st.sampled_from(Status),
    frame=st.sampled_from(Frame),
    horizontal_accuracy_m=one_of(HORIZONTAL_M),
    vertical_accuracy_m=one_of(VERTICAL_M),
    speed_accuracy_mps=one_of(SPEED_MPS),
    at_s=maybe(st.integers(1, 2**48 - 1).map(lambda n: n / 1000.0)),
    time_accuracy_s=one_of(TIME_S),
)


def test_the_captured_packet_says_what_it_is_known_to_say() -> None:
    element = vector(0)
    ((source, packet),) = radio.in_elements(bytes((radio.VENDOR_ELEMENT, len(element))) + element)
    assert source is Source.GB46750
    heard = decode(packet)
    assert heard is not None
    assert heard.product_code == "1581FANLC258U029RTN6"
    assert heard.position == LatLon(30.0675106, 121.1859817)  # longitude came first
    assert heard.operator == Operator(LatLon(30.0675643, 121.1859665), 14.5, OperatorPlace.STATION)
    assert (heard.speed_mps, heard.above_takeoff_m, heard.ellipsoidal_m, heard.pressure_m) == (2.8, 108.0, 121.0, 182.5)
    assert (heard.status, heard.weight_class, heard.at_s) == (Status.AIRBORNE, WeightClass.LIGHT, 1779505147.0)
    assert encode(heard) == packet


@given(said)
def test_what_is_said_is_heard(identification: Identification) -> None:
    assert decode(encode(identification)) == identification


@given(st.binary(max_size=300))
def test_no_bytes_raise(packet: bytes) -> None:
    decode(packet)
    decode(b"\xff\x20" + packet)


@given(said, st.integers(0, 77))
def test_a_packet_that_is_cut_short_is_none(identification: Identification, length: int) -> None:
    assert decode(encode(identification)[:length]) is None


@given(said, st.binary(max_size=20))
def test_what_follows_a_packet_is_not_looked_at(identification: Identification, more: bytes) -> None:
    assert decode(encode(identification) + more) == identification


def test_items_may_be_left_out() -> None:
    position = LatLon(34.7, 113.6)
    content = encode(Identification(position=position))[47:55]
    packet = bytes((0xFF, 0x20, len(content), 0x01, 0x81, 0x00)) + content
    assert decode(packet) == Identification(position=position)


def test_items_of_a_later_minor_version_are_passed_over() -> None:
    packet = bytes((0xFF, 0x2F, 5, 0x01, 0x01, 0x01, 0xFE)) + b"later"
    assert decode(packet) == Identification()


@pytest.mark.parametrize(
    "change",
    [(0, 0xFE), (1, 0x40), (1, 0x00), (2, 0), (2, 201), (2, 40)],
    ids=["no packet", "major version 2", "major version 0", "no content", "too long", "items do not fit"],
)
def test_another_kind_of_packet_is_none(change: tuple[int, int]) -> None:
    packet = bytearray(encode(Identification())) + bytes(200)
    packet[change[0]] = change[1]
    assert decode(bytes(packet)) is None


@pytest.mark.parametrize(("at", "raw"), [(47, b"\xff" * 8), (51, (910000000).to_bytes(4, "little")),
                                         (47, (-1900000000).to_bytes(4, "little", signed=True))])  # fmt: skip
def test_a_place_that_is_none_on_earth_is_not_taken(at: int, raw: bytes) -> None:
    packet = bytearray(encode(Identification(position=LatLon(30.0, 121.0), speed_mps=3.0)))
    packet[at : at + len(raw)] = raw
    heard = decode(bytes(packet))
    assert heard is not None
    assert heard.position is None
    assert heard.speed_mps == 3.0


@pytest.mark.parametrize(
    ("climb_mps", "byte"), [(None, 0xFF), (0.0, 0), (3.0, 6), (-3.0, 0x86), (-0.1, 0), (-99.0, 0xFE), (99.0, 0x7F)]
)
def test_a_climb_has_its_sign_in_the_highest_bit(climb_mps: float | None, byte: int) -> None:
    assert encode(Identification(climb_mps=climb_mps))[6 + 20 + 8 + 3 + 8 + 2 + 8 + 2 + 2 + 2] == byte


def test_tracks_and_speeds_are_rounded_down_as_the_standard_says() -> None:
    heard = gb46750.decode(encode(Identification(track_deg=359.99, speed_mps=2.87)))
    assert heard is not None
    assert (heard.track_deg, heard.speed_mps) == (359.9, 2.8)
