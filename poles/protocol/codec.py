"""Messages as bytes and back; nothing that comes over the wire raises."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any, get_args

import msgspec

from poles.protocol.messages import (
    MAX_BODY_BYTES,
    MAX_TEXT,
    Alarm,
    AnyMessage,
    Command,
    Correction,
    Desired,
    Entry,
    Hello,
    Observation,
    Progress,
    Report,
    Reported,
    Time,
    TimeRequest,
)

MAX_DEPTH = 8
"""How deep lists and maps may stand in each other in values, facts, settings and parameters."""

TYPES = frozenset(str(kind.__struct_config__.tag) for kind in get_args(AnyMessage))
"""The types of message that are known here."""

_PLAIN = frozenset((str, int, bool, bytes, type(None)))


class _Kind(msgspec.Struct):
    type: str


encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)
_kind_decoder: msgspec.msgpack.Decoder[_Kind] = msgspec.msgpack.Decoder(_Kind)
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def decode(body: bytes | memoryview) -> AnyMessage | None:
    """The message in one frame.

    None when it is too long, not MessagePack, unknown, out of its ranges, not finite, nested too deep, or when its
    entries are not in order.
    """
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        message = _decoder.decode(body)
    except _UNREADABLE:
        return None
    if type(message) is Report:
        return message if _sound_report(message) else None
    return message if _sound(message) else None


def about(body: bytes | memoryview) -> str:
    """The `type` that a body names, empty when even that cannot be read."""
    if len(body) > MAX_BODY_BYTES:
        return ""
    try:
        return _kind_decoder.decode(body).type[:MAX_TEXT]
    except _UNREADABLE:
        return ""


def _sound_report(message: Report) -> bool:
    """As `_sound`, for what comes a thousand times as often as all else."""
    before = message.after
    for reading in message.readings:
        if reading.seq <= before or not isfinite(reading.at_s + reading.held_s):
            return False
        before = reading.seq
        for value in reading.values.values():
            kind = type(value)
            if kind is float:
                if not isfinite(value):
                    return False
            elif kind not in _PLAIN and not _plain_within(value, MAX_DEPTH - 1):
                return False
    return True


def _sound(message: AnyMessage) -> bool:
    """What the types cannot say; a NaN passes every range check of msgspec."""
    match message:
        case Entry():
            return message.seq > message.after and _finite(message.at_s, message.held_s) and _sound_entry(message)
        case Hello():
            every = [capability.every_s for capability in message.functions]
            return _finite(message.lat_deg, message.lon_deg, message.heartbeat_s, *every)
        case Command():
            return _finite(message.expires_s) and _plain(message.parameters.values(), MAX_DEPTH)
        case Desired():
            return _plain(message.settings.values(), MAX_DEPTH)
        case Progress():
            return _finite(message.share)
        case Correction():
            return _finite(message.at_s)
        case TimeRequest():
            return _finite(message.pole_s)
        case Time():
            return _finite(message.pole_s, message.received_s, message.sent_s)
        case _:
            return True


def _sound_entry(message: Entry) -> bool:
    match message:
        case Alarm():
            return _plain(message.facts.values(), MAX_DEPTH)
        case Reported():
            return _plain(message.settings.values(), MAX_DEPTH)
        case Observation():
            return all(_finite(heard.age_s, heard.rssi_dbm or 0.0) for heard in message.heard)
        case _:
            return True


def _finite(*numbers: float) -> bool:
    return all(map(isfinite, numbers))


def _plain(values: Iterable[Any], depth: int) -> bool:
    """Whether all values are of JSON's kinds or bytes, numbers are finite and maps are named by text."""
    for value in values:
        kind = type(value)
        if kind is float:
            if not isfinite(value):
                return False
        elif kind not in _PLAIN and not _plain_within(value, depth - 1):
            return False
    return True


def _plain_within(value: Any, depth: int) -> bool:
    if depth <= 0:
        return False
    if type(value) is dict:
        return all(type(name) is str for name in value) and _plain(value.values(), depth)
    return type(value) is list and _plain(value, depth)
