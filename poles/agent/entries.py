"""Entries as the pole keeps them, and the messages that carry them: numbers and times are added when they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from airspace.reasons import Reason
from poles.agent.ring import Kind
from poles.protocol import MAX_TEXT, Heard, Level, Quality, decode, encode

_TYPES = {Kind.ALARM: "alarm", Kind.OBSERVATION: "observation", Kind.REPORTED: "reported", Kind.LOG: "log"}
KINDS = {"report": Kind.READING, **{type_: kind for kind, type_ in _TYPES.items()}}
_fields = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
Numbers = tuple[int, float, float]
"""An entry's seq, at_s and held_s."""


def of_reading(function: str, values: Mapping[str, Any], quality: Quality = Quality.GOOD) -> bytes:
    """The body of a reading; the function's `values` are named as on the wire."""
    fields: dict[str, Any] = {"function": function, "values": values}
    if quality is not Quality.GOOD:
        fields["quality"] = quality
    return encode(fields)


def of_alarm(code: str, active: bool, function: str | None, facts: Mapping[str, Any]) -> bytes:
    """The body of an alarm's beginning or end."""
    fields: dict[str, Any] = {"code": code, "active": active}
    if function is not None:
        fields["function"] = function
    if facts:
        fields["facts"] = facts
    return encode(fields)


def of_observation(heard: Sequence[Heard]) -> bytes:
    """The body of what a receiver heard."""
    return encode({"heard": heard})


def of_reported(function: str, version: int, settings: Mapping[str, Any], refused: Reason | None) -> bytes:
    """The body of the settings in force, and of why those of this version are not."""
    fields: dict[str, Any] = {"function": function, "version": version, "settings": settings}
    if refused is not None:
        words = {"en": refused.text("en")[:MAX_TEXT], "zh": refused.text("zh")[:MAX_TEXT]}
        fields |= {"code": refused.rule.code, **words}
    return encode(fields)


def of_log(level: Level, text: str) -> bytes:
    """The body of a line of the log."""
    return encode({"level": level, "text": text[:MAX_TEXT]})


def message(kind: Kind, body: bytes, boot: str, after: int, numbers: Numbers) -> bytes:
    """The message of one entry that is not a reading."""
    return encode({"type": _TYPES[kind], "boot": boot, "after": after, **_entry(body, numbers)})


def report(boot: str, after: int, readings: Iterable[tuple[bytes, Numbers]]) -> bytes:
    """The message of readings in order, given as bodies with their numbers."""
    together = [_entry(body, numbers) for body, numbers in readings]
    return encode({"type": "report", "boot": boot, "after": after, "readings": together})


def acceptable(kind: Kind, body: bytes) -> bool:
    """Whether a gateway that keeps the protocol will take it: what it would refuse must never head the queue."""
    numbers = (1, 0.0, 0.0)
    whole = report("b", 0, [(body, numbers)]) if kind is Kind.READING else message(kind, body, "b", 0, numbers)
    return decode(whole) is not None


def _entry(body: bytes, numbers: Numbers) -> dict[str, Any]:
    seq, at_s, held_s = numbers
    return {"seq": seq, "at_s": at_s, "held_s": held_s, **_fields.decode(body)}
