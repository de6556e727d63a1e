"""The short way from frame to message gives what pymavlink's own decoder gives, attribute by attribute."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.decoding import checksum_right, decoded
from tests.sim.test_framing import fields

KINDS = list(mavlink.mavlink_map.values())


def packer(*, signed: bool = False) -> mavlink.MAVLink:
    maker = mavlink.MAVLink(None, srcSystem=9, srcComponent=7)
    maker.seq = 200
    if signed:
        maker.signing.secret_key, maker.signing.sign_outgoing = bytes(32), True
    return maker


def told(message: Any) -> dict[str, str]:
    """Everything that a message object holds; texts, so that not-a-number equals itself."""
    values = {name: repr(value) for name, value in vars(message).items() if name != "_header"}
    return values | {f"header {name}": repr(value) for name, value in vars(message.get_header()).items()}


@pytest.mark.parametrize("first_version", [False, True])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("share_of_zeros", [0.0, 0.9])
def test_every_type_is_decoded_as_pymavlink_does(first_version: bool, signed: bool, share_of_zeros: float) -> None:
    rng, maker, reader = random.Random(3), packer(signed=signed and not first_version), mavlink.MAVLink(None)
    for kind in KINDS:
        if first_version and kind.id > 255:
            continue
        frame = kind(*fields(kind, rng, share_of_zeros)).pack(maker, force_mavlink1=first_version)
        ours = decoded(bytearray(frame), kind)
        assert type(ours) is kind
        assert told(ours) == told(reader.decode(bytearray(frame))), kind.msgname


def test_fields_of_a_newer_dialect_are_passed_over() -> None:
    kind = mavlink.MAVLink_attitude_message
    frame = bytearray(kind(1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6).pack(packer()))
    frame[1] += 4
    frame[-2:-2] = b"more"
    frame[-2:] = mavlink.x25crc(bytes(frame[1:-2]) + bytes((kind.crc_extra,))).crc.to_bytes(2, "little")
    message = decoded(frame, kind)
    assert isinstance(message, kind)
    assert message.yawspeed == pytest.approx(0.6)


def test_one_wrong_bit_anywhere_is_noticed() -> None:
    for kind in (mavlink.MAVLink_attitude_message, mavlink.MAVLink_statustext_message):
        frame = kind(*fields(kind, random.Random(1), 0.0)).pack(packer())
        assert checksum_right(frame, kind.crc_extra)
        for bit in (*range(24, 56), *range(80, 8 * len(frame))):  # not length, signature flag and type
            damaged = bytearray(frame)
            damaged[bit // 8] ^= 1 << bit % 8
            assert decoded(damaged, kind) is None
