"""The messages that carry numbered entries, and the numbers in them."""

from __future__ import annotations

import msgspec

from poles.protocol.messages import Alarm, Log, Observation, Report, Reported

OfEntries = Report | Alarm | Observation | Reported | Log
"""What is stored, once for each number of a boot."""


def numbers_of(message: OfEntries) -> tuple[int, ...]:
    """The numbers of the message's entries, rising."""
    if isinstance(message, Report):
        return tuple([reading.seq for reading in message.readings])
    return (message.seq,)


def last_of(message: OfEntries) -> int:
    """The number of the message's last entry."""
    return message.readings[-1].seq if isinstance(message, Report) else message.seq


def entries_after(message: OfEntries, seq: int) -> OfEntries | None:
    """The message with its entries above a number only, as it came when all are; None when none is."""
    if last_of(message) <= seq:
        return None
    if not isinstance(message, Report) or message.readings[0].seq > seq:
        return message
    rest = tuple([reading for reading in message.readings if reading.seq > seq])
    return msgspec.structs.replace(message, after=seq, readings=rest)
