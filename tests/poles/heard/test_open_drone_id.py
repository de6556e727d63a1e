"""Open Drone ID and GB 42590-2023, against a captured beacon and against itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import LatLon
from poles.heard import open_drone_id as odid
from poles.heard import radio
from poles.heard.accuracy import HORIZONTAL_M, SPEED_MPS, VERTICAL_M
from poles.heard.drone import Aircraft, Frame, OperatorPlace, Status
from poles.heard.open_drone_id import (
    Authentication,
    BasicId,
    IdKind,
    Location,
    Message,
    OperatorId,
    SelfId,
    System,
    decode,
    encode,
    encode_pack,
)
from poles.protocol import Source
from tests.poles.heard.test_gb46750 import halves, maybe, one_of, positions, vector

LOCATION = Location(Status.AIRBORNE, LatLon(30.0, 121.0), 100.0, 90.0, 50.0, track_deg=90.0, speed_mps=5.0)
capitals = st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=1, max_size=20)
somewhere = st.none() | positions.filter(lambda p: (p.lat_deg, p.lon_deg) != (0.0, 0.0))
slow = st.integers(0, 255).map(lambda n: n / 4.0)
fast = st.integers(1, 254).map(lambda n: 63.75 + n * 0.75)

basic_ids = st.builds(BasicId, st.sampled_from([IdKind.SERIAL, IdKind.REGISTRATION]), st.sampled_from(odid.AIRCRAFT),
                      capitals)  # fmt: skip
locations = st.builds(
    Location,
    status=st.sampled_from([status for status in Status if status is not Status.EMERGENCY_AND_FAILED]),
    position=somewhere,
    pressure_m=halves(-1000, 31767),
    ellipsoidal_m=halves(-1000, 31767),
    height_m=halves(-1000, 31767),
    over_ground=st.booleans(),
    track_deg=maybe(st.integers(0, 359).map(float)),
    speed_mps=maybe(slow | fast),
    climb_mps=maybe(st.integers(-124, 124).map(lambda n: n / 2.0)),
    horizontal_accuracy_m=one_of(HORIZONTAL_M),
    vertical_accuracy_m=one_of(VERTICAL_M),
    pressure_accuracy_m=one_of(VERTICAL_M),
    speed_accuracy_mps=one_of(SPEED_MPS),
    after_hour_s=maybe(st.integers(0, 36000).map(lambda n: n / 10.0)),
    time_accuracy_s=maybe(st.integers(1, 15).map(lambda n: n / 10.0)),
)
systems = st.builds(
    System,
    operator=somewhere,
    operator_is=st.sampled_from([OperatorPlace.TAKE_OFF, OperatorPlace.STATION, OperatorPlace.FIXED]),
    operator_ellipsoidal_m=halves(-1000, 31767),
    frame=st.sampled_from(Frame),
    region=st.integers(0, 7),
    category=st.integers(0, 15),
    grade=st.integers(0, 15),
    area_count=st.integers(0, 65535),
    area_radius_m=st.integers(0, 255).map(lambda n: n * 10.0),
    area_ceiling_m=halves(-1000, 31767),
    area_floor_m=halves(-1000, 31767),
    at_s=maybe(st.integers(1, 2**32 - 1).map(lambda n: float(n + odid.EPOCH_2019_S))),
)
pages = st.builds(
    Authentication, st.integers(0, 15), st.just(0), st.binary(min_size=17, max_size=17), st.integers(0, 15),
    st.integers(0, 255), st.integers(0, 2**32 - 1).map(lambda n: float(n + odid.EPOCH_2019_S)),
) | st.builds(Authentication, st.integers(0, 15), st.integers(1, 15), st.binary(min_size=23, max_size=23))  # fmt: skip
messages: st.SearchStrategy[Message] = st.one_of(
    basic_ids, locations, systems, pages, st.builds(SelfId, st.integers(0, 255), capitals),
    st.builds(OperatorId, st.integers(0, 255), capitals),
)  # fmt: skip


def test_the_captured_beacon_says_what_it_is_known_to_say() -> None:
    ((source, pack),) = radio.in_beacon(vector(1))
    assert source is Source.GB42590
    basic, location, system = decode(pack)
    assert basic == BasicId(IdKind.SERIAL, Aircraft.ROTORCRAFT, "1581F8DBW25B800B3417")
    assert isinstance(location, Location)
    assert location.position == LatLon(30.0602531, 121.1956939)  # latitude came first
    assert (location.track_deg, location.speed_mps, location.height_m) == (172.0, 5.5, 84.5)
    assert isinstance(system, System)
    assert system.operator == LatLon(30.0609279, 121.2004249)
    assert encode_pack((basic, location, system), odid.GB_VERSION) == pack


@given(messages)
def test_what_is_said_is_heard(message: Message) -> None:
    raw = encode(message)
    assert len(raw) == 25
    assert decode(raw) == (message,)


@given(st.lists(messages, min_size=1, max_size=9))
def test_a_pack_holds_up_to_nine_messages(said: list[Message]) -> None:
    pack = encode_pack(said, odid.GB_VERSION)
    assert list(decode(pack)) == said
    assert odid.version_of(pack) == 1


@pytest.mark.parametrize("count", [0, 10])
def test_no_pack_has_fewer_or_more(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 9"):
        encode_pack([LOCATION] * count)
    pack = bytearray(encode_pack([LOCATION] * 9) + encode(LOCATION))
    pack[2] = count
    assert decode(bytes(pack)) == ()


@given(st.binary(max_size=300))
def test_no_bytes_raise(frame: bytes) -> None:
    decode(frame)
    decode(b"\xf2\x19" + frame)
    odid.version_of(frame)


@given(st.integers(0, 9), st.integers(1, 76))
def test_what_is_cut_short_is_no_message(count: int, length: int) -> None:
    assert decode(encode(LOCATION)[: min(length, 24)]) == ()
    assert decode(encode_pack([LOCATION] * 3)[:length]) == ()


def test_messages_of_unknown_types_in_a_pack_are_passed_over() -> None:
    pack = bytearray(encode_pack([LOCATION] * 3))
    pack[3] = 0x72
    assert decode(bytes(pack)) == (LOCATION, LOCATION)


@pytest.mark.parametrize(
    ("said_mps", "heard_mps"), [(5.1, 5.0), (63.75, 63.75), (64.4, 64.5), (254.0, 254.25), (300.0, 254.25)]
)
def test_speeds_are_as_fine_as_the_field(said_mps: float, heard_mps: float) -> None:
    (heard,) = decode(encode(Location(speed_mps=said_mps)))
    assert isinstance(heard, Location)
    assert heard.speed_mps == heard_mps


def test_a_session_is_told_in_hexadecimal() -> None:
    for kind, digits in ((IdKind.UTM, 32), (IdKind.SESSION, 40)):
        said = BasicId(kind, Aircraft.UNDECLARED, "0f" * (digits // 2))
        assert decode(encode(said)) == (said,)


def test_what_a_person_wrote_is_cut_between_letters_and_shown_as_far_as_it_can_be() -> None:
    (heard,) = decode(encode(SelfId(0, "北京市朝阳区巡检")))
    assert heard == SelfId(0, "北京市朝阳区巡"[:7])
    raw = bytearray(encode(SelfId(0, "ok")))
    raw[2:6] = b"o\x07\xffk"
    assert decode(bytes(raw)) == (SelfId(0, "ok"),)


def test_both_states_at_once_are_told_as_the_worse() -> None:
    (heard,) = decode(encode(Location(status=Status.EMERGENCY_AND_FAILED)))
    assert isinstance(heard, Location)
    assert heard.status is Status.EMERGENCY


def test_bluetooth_carries_the_frame_in_service_data() -> None:
    raw = encode(LOCATION)
    content = b"\x16\xfa\xff\x0d\x07" + raw
    advertisement = b"\x02\x01\x06" + bytes((len(content),)) + content
    assert list(radio.in_advertisement(advertisement)) == [(Source.ODID, raw)]
    assert list(radio.in_advertisement(advertisement[:-1])) == []


@given(st.binary(max_size=120))
def test_no_air_raises(air: bytes) -> None:
    list(radio.in_beacon(b"\x80" + air))
    list(radio.in_elements(air))
    list(radio.in_advertisement(air))
