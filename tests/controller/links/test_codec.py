from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.codec import Codec, frame_length, holds_frame
from tests.controller.links.autopilot import ack, heartbeat, position

_PADDING = bytes(300)  # what follows, so that nothing waits for the end of a frame that never was


def _frames(count: int, system: int = 7) -> list[bytes]:
    codec = Codec(source_system=system, source_component=1)
    makers: list[Any] = [heartbeat, position, lambda: ack(400)]
    return [codec.encode(makers[i % 3]()) for i in range(count)]


def test_messages_come_out_as_they_went_in_however_the_bytes_are_cut() -> None:
    stream = b"".join(_frames(30))
    for size in (1, 3, 17, 1000):
        codec = Codec()
        got = [m for at in range(0, len(stream), size) for m in codec.feed(stream[at : at + size])]
        assert [m.get_type() for m in got] == ["HEARTBEAT", "GLOBAL_POSITION_INT", "COMMAND_ACK"] * 10
        assert codec.statistics.frames == 30
        assert codec.statistics.junk_bytes == 0
        assert codec.statistics.lost == 0
        assert codec.statistics.by_type["HEARTBEAT"] == 10


@given(st.binary(max_size=2000))
def test_nothing_on_the_wire_raises_and_every_byte_is_counted(junk: bytes) -> None:
    codec = Codec()
    codec.feed(junk)
    codec.feed(bytes(600))
    counted = codec.statistics.junk_bytes + codec.statistics.frame_bytes
    assert len(junk) + 600 - 300 <= counted <= len(junk) + 600


@given(st.sets(st.integers(0, 19)), st.integers(0, 2**32), st.sampled_from([None, 7]))
def test_damaged_frames_never_take_the_good_ones_with_them(broken: set[int], seed: int, system: int | None) -> None:
    frames = _frames(20)
    rng = random.Random(seed)
    stream = b""
    for i, frame in enumerate(frames):
        if i in broken:
            cut = rng.randrange(1, len(frame))
            stream += frame[:cut]  # the rest of it was lost on the serial line
        else:
            stream += frame
    codec = Codec(system)
    got = codec.feed(stream + _PADDING)
    assert [m.get_seq() for m in got] == [i for i in range(20) if i not in broken]


def test_a_flipped_bit_is_a_bad_checksum_and_no_message() -> None:
    frame = bytearray(_frames(1)[0])
    frame[12] ^= 0x10
    codec = Codec()
    assert codec.feed(bytes(frame) + _PADDING) == []
    assert codec.statistics.bad_crc == 1


def test_other_systems_are_dropped_before_decoding() -> None:
    codec = Codec(system_id=7)
    got = codec.feed(b"".join([*_frames(3, system=200), *_frames(3, system=7)]))
    assert len(got) == 3
    assert {m.get_srcSystem() for m in got} == {7}
    assert codec.statistics.foreign == 3
    assert codec.statistics.frames == 3


def test_a_type_that_the_dialect_lacks_is_counted_and_passed_over() -> None:
    unknown = bytes([0xFD, 3, 0, 0, 0, 7, 1, 0xF0, 0xFF, 0x7F]) + b"abc" + b"\x00\x00"
    codec = Codec()
    assert [m.get_type() for m in codec.feed(unknown + _frames(1)[0])] == ["HEARTBEAT"]
    assert codec.statistics.unknown == 1
    assert codec.statistics.bad_crc == 0


def test_mavlink_1_is_understood() -> None:
    sender = mavlink.MAVLink(None, srcSystem=7, srcComponent=1)
    frame = heartbeat(3).pack(sender, force_mavlink1=True)
    assert frame[0] == 0xFE
    (message,) = Codec(system_id=7).feed(frame)
    assert message.custom_mode == 3  # type: ignore[attr-defined]


def test_signed_frames_are_read() -> None:
    sender = mavlink.MAVLink(None, srcSystem=7, srcComponent=1)
    sender.signing.secret_key = bytes(32)
    sender.signing.sign_outgoing = True
    frame = heartbeat(4).pack(sender)
    assert frame_length(frame) == len(frame)
    codec = Codec()
    assert [m.get_type() for m in codec.feed(frame + _frames(1)[0])] == ["HEARTBEAT", "HEARTBEAT"]


def test_gaps_in_the_sequence_count_as_lost_and_duplicates_do_not() -> None:
    frames = _frames(10)
    codec = Codec()
    codec.feed(b"".join([frames[0], frames[1], frames[1], frames[5], frames[6]]))
    assert codec.statistics.lost == 3


def test_sent_frames_carry_the_ground_station_and_a_running_sequence() -> None:
    codec = Codec()
    sent = [codec.encode(heartbeat()) for _ in range(260)]
    got = Codec().feed(b"".join(sent))
    assert [m.get_seq() for m in got] == [i % 256 for i in range(260)]
    assert {(m.get_srcSystem(), m.get_srcComponent()) for m in got} == {(255, 190)}
    assert codec.statistics.sent == 260


@pytest.mark.parametrize("data", [b"", b"\xfd", b"\xfe\x09", b"hello", bytes(40)])
def test_what_is_no_frame_holds_none(data: bytes) -> None:
    assert not holds_frame(data)


def test_a_whole_frame_is_recognised() -> None:
    frame = _frames(1)[0]
    assert holds_frame(frame)
    assert not holds_frame(frame[:-1])
    assert not holds_frame(frame[:-1] + bytes([frame[-1] ^ 1]))
