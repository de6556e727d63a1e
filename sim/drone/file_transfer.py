"""MAVLink FTP on a board without files: every request is answered, and none finds anything.

A client that tries files first, as MAVProxy does for parameters, hears at once that it must ask in the plain way.
Layout of the payload: https://mavlink.io/en/services/ftp.html.
"""

from __future__ import annotations

import struct
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.uplink import Uplink

# sequence, session, opcode, size, opcode that is answered, burst complete, padding, offset
HEAD = struct.Struct("<HBBBBBBI")
PAYLOAD_BYTES = 251
TERMINATE_SESSION, RESET_SESSIONS, ACK, NAK = 1, 2, 128, 129
FILE_NOT_FOUND = 10


def answer(payload: bytes) -> bytes | None:
    """The payload that answers a request's payload; None for what is itself an answer."""
    sequence, session, opcode, *_ = HEAD.unpack_from(payload)
    if opcode in (ACK, NAK):
        return None
    done = opcode in (TERMINATE_SESSION, RESET_SESSIONS)
    head = HEAD.pack((sequence + 1) % 65536, session, ACK if done else NAK, 0 if done else 1, opcode, 0, 0, 0)
    return (head if done else head + bytes([FILE_NOT_FOUND])).ljust(PAYLOAD_BYTES, b"\0")


def handle(uplink: Uplink, message: Any) -> bool:
    """Answer a FILE_TRANSFER_PROTOCOL message; False for any other."""
    if message.get_type() != "FILE_TRANSFER_PROTOCOL":
        return False
    said = answer(bytes(message.payload))
    if said is not None:
        to_system, to_component = message.get_srcSystem(), message.get_srcComponent()
        uplink.send(mavlink.MAVLink_file_transfer_protocol_message(0, to_system, to_component, list(said)))
    return True
