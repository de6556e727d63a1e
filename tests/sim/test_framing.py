"""Frames are made from tables; pymavlink's own encoding is what they are held against, byte for byte."""

from __future__ import annotations

import asyncio
import random
import struct
from typing import Any

import pytest
from pymavlink.dialects.v10 import ardupilotmega as first
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.framing import Framing, form, packed
from sim.drone.streams import ALL
from tests.sim.station import airborne, stage

BOUNDS = {
    "int8_t": (-(2**7), 2**7 - 1),
    "uint8_t": (0, 2**8 - 1),
    "uint8_t_mavlink_version": (0, 2**8 - 1),
    "int16_t": (-(2**15), 2**15 - 1),
    "uint16_t": (0, 2**16 - 1),
    "int32_t": (-(2**31), 2**31 - 1),
    "uint32_t": (0, 2**32 - 1),
    "int64_t": (-(2**63), 2**63 - 1),
    "uint64_t": (0, 2**64 - 1),
}

EVERY = (*ALL, 31, 49, 148, 242, 245)  # those of stream 0, and those that are sent only when they are asked for
# a drone that hovers after its take-off, with no fence enabled, has no target and no fence status
NOTHING_TO_SAY = {
    mavlink.MAVLINK_MSG_ID_POSITION_TARGET_GLOBAL_INT,
    mavlink.MAVLINK_MSG_ID_FENCE_STATUS,
    mavlink.MAVLINK_MSG_ID_GPS_RTK,
}


def number(wire_type: str, rng: random.Random) -> int | float:
    if wire_type in ("float", "double"):
        return rng.choice([0.0, -0.0, float("nan"), float("inf"), rng.uniform(-1e6, 1e6)])
    low, high = BOUNDS[wire_type]
    return rng.choice([0, low, high, rng.randint(low, high)])


def fields(kind: Any, rng: random.Random, share_of_zeros: float) -> list[Any]:
    """Random arguments for the constructor of one message type; zeros at the end are left out on the wire."""
    values: list[Any] = []
    for name, wire_type in zip(kind.fieldnames, kind.fieldtypes, strict=True):
        length = kind.array_lengths[kind.ordered_fieldnames.index(name)]
        zero = rng.random() < share_of_zeros
        if wire_type == "char":
            values.append(b"" if zero and length else rng.randbytes(rng.randint(1, max(length, 1))))
        elif length:
            values.append([0 if zero else number(wire_type, rng) for _ in range(length)])
        else:
            values.append(0 if zero else number(wire_type, rng))
    return values


@pytest.mark.parametrize("share_of_zeros", [0.0, 0.5, 0.95, 1.0])
def test_every_type_of_the_dialect_is_framed_as_pymavlink_does(share_of_zeros: float) -> None:
    rng = random.Random(4)
    theirs, ours = mavlink.MAVLink(None, 7, 1), Framing(7, 1)
    for kind in mavlink.mavlink_map.values():
        message = kind(*fields(kind, rng, share_of_zeros))
        assert ours.frame(packed(message)) == message.pack(theirs), kind.msgname
        theirs.seq = (theirs.seq + 1) % 256
    assert len(mavlink.mavlink_map) > 256  # so that the sequence numbers have gone round


def test_mavlink_1_leaves_out_what_it_does_not_know() -> None:
    rng = random.Random(5)
    theirs, ours = first.MAVLink(None, 7, 1), Framing(7, 1)
    ours.version = 1
    unnumbered = 0
    for kind in mavlink.mavlink_map.values():
        values = fields(kind, rng, 0.3)
        frame = ours.frame(packed(kind(*values)))
        if kind.id > 255:
            assert frame is None
            unnumbered += 1
            continue
        old = first.mavlink_map[kind.id]
        assert frame == old(*values[: len(old.fieldnames)]).pack(theirs), kind.msgname
        theirs.seq = (theirs.seq + 1) % 256
    assert unnumbered > 50


def test_signed_frames_say_so_under_the_checksum() -> None:
    ours, theirs = Framing(7, 1), mavlink.MAVLink(None, 7, 1)
    theirs.signing.secret_key, theirs.signing.sign_outgoing, theirs.signing.timestamp = bytes(range(32)), True, 99
    message = mavlink.MAVLink_heartbeat_message(2, 3, 81, 0, 3, 3)
    expected = message.pack(theirs)
    seen: list[bytes] = []

    def sign(frame: bytes) -> bytes:
        seen.append(frame)
        return expected[-13:]

    ours.sign = sign
    assert ours.frame(packed(message)) == expected
    assert seen == [expected[:-13]]


def test_a_value_that_does_not_fit_is_an_error_and_not_another_value() -> None:
    with pytest.raises(struct.error):
        form(mavlink.MAVLINK_MSG_ID_ATTITUDE).payload(2**32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    with pytest.raises(KeyError):
        form(123456)


def test_all_that_a_drone_says_of_itself_is_what_pymavlink_would_have_said() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            for message_id in EVERY:
                assert await station.command(511, message_id, 250000) == 0
            await airborne(sim, station)
            await asyncio.sleep(2.0)
            packer = mavlink.MAVLink(None, 1, 1)
            kinds = set()
            for _, message in station.heard:
                if message.get_srcSystem() == 1:
                    was = bytes(message.get_msgbuf())
                    packer.seq = message.get_seq()
                    assert message.pack(packer) == was, message.get_type()
                    kinds.add(message.get_msgId())
            assert kinds >= set(EVERY) - NOTHING_TO_SAY

    run(main, virtual_tempo())
