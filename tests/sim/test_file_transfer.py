"""MAVLink FTP: there are no files, and whoever asks hears so."""

from __future__ import annotations

import asyncio
import struct

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.file_transfer import HEAD, answer
from tests.sim.station import stage

OPEN_READ_ONLY, TERMINATE, RESET, ACK, NAK = 4, 1, 2, 128, 129


def asked(opcode: int, sequence: int = 7, data: bytes = b"@PARAM/param.pck") -> bytes:
    head = struct.pack("<HBBBBBBI", sequence, 3, opcode, len(data), 0, 0, 0, 0)
    return (head + data).ljust(251, b"\0")


@pytest.mark.parametrize("sequence", [0, 7, 65535])
def test_a_file_is_not_found_and_the_answer_names_what_was_asked(sequence: int) -> None:
    said = answer(asked(OPEN_READ_ONLY, sequence))
    assert said is not None
    assert len(said) == 251
    assert HEAD.unpack_from(said) == ((sequence + 1) % 65536, 3, NAK, 1, OPEN_READ_ONLY, 0, 0, 0)
    assert said[HEAD.size] == 10  # FileNotFound


@pytest.mark.parametrize("opcode", [TERMINATE, RESET])
def test_ending_a_session_is_granted(opcode: int) -> None:
    said = answer(asked(opcode))
    assert said is not None
    assert HEAD.unpack_from(said)[2:5] == (ACK, 0, opcode)


@pytest.mark.parametrize("opcode", [ACK, NAK])
def test_an_answer_is_not_answered(opcode: int) -> None:
    assert answer(asked(opcode)) is None


def test_the_answer_goes_to_who_asked() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            station.send(mavlink.MAVLink_file_transfer_protocol_message(0, 1, 1, list(asked(OPEN_READ_ONLY))))
            await asyncio.sleep(0.5)
            (reply,) = station.of("FILE_TRANSFER_PROTOCOL")
            assert (reply.target_system, reply.target_component) == (255, 190)
            assert bytes(reply.payload)[3] == NAK

    run(main, virtual_tempo())
