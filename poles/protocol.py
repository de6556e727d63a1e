"""What poles and the controller say to each other: MessagePack maps with a `type`, version 1.

A pole is a ZeroMQ DEALER that connects out to the controller's ROUTER. It says Hello and is told Welcome; from then on
it sends each Report until the Ack that names it, and a Heartbeat when it has nothing to say. Everything is at least
once on the wire; (boot, seq) makes it once in the store. Unknown fields are ignored, so fields can be added.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
from msgspec import Meta

VERSION = 1
MAX_BODY_BYTES = 64 * 1024
MAX_SEQ = 2**63 - 1
MAX_TEXT = 1024

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
UtcS = Annotated[float, Meta(ge=0.0, le=4102444800.0)]
Seconds = Annotated[float, Meta(ge=0.0, le=1e9)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """The base of all messages; the subclass's tag is the `type` on the wire."""


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """A pole's first word on every connection: who it is, since which boot, what it can do and where it stands.

    `boot` names one life of the pole's program: sequence numbers count from 1 in each. `unsent` is the number of
    reports it holds that nobody acknowledged. The position is CGCS2000 degrees.
    """

    version: int
    code: Name
    boot: Name
    firmware: Name
    services: Annotated[tuple[Name, ...], Meta(max_length=64)]
    lat_deg: Annotated[float, Meta(ge=-90.0, le=90.0)]
    lon_deg: Annotated[float, Meta(ge=-180.0, le=180.0)]
    unsent: Seq = 0


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """The answer to Hello: the highest sequence of this boot that is in the store (0 when none is)."""

    version: int
    boot: Name
    durable_seq: Seq


class Report(Message, frozen=True, kw_only=True, tag="report"):
    """Readings by service, all taken at `at_s` (UTC by the pole's clock), `held_s` before they were sent.

    `after` is the sequence number of the report that the pole holds before this one, or what was last acknowledged
    when it holds none before. A report whose `after` is not in the store yet came too early and is not taken;
    a distance of more than 1 between `after` and `seq` tells of reports that the pole had to drop.
    """

    boot: Name
    seq: Annotated[int, Meta(ge=1, le=MAX_SEQ)]
    after: Seq
    at_s: UtcS
    held_s: Seconds
    readings: dict[Name, dict[str, Any]]


class Ack(Message, frozen=True, kw_only=True, tag="ack"):
    """Every report of this boot up to `durable_seq` is in the store and will not be asked for again."""

    boot: Name
    durable_seq: Seq


class Heartbeat(Message, frozen=True, kw_only=True, tag="heartbeat"):
    """Nothing new, but alive; the gateway answers each with its own."""


class Command(Message, frozen=True, kw_only=True, tag="command"):
    """An order to one service, to be begun before `expires_s` (UTC) or not at all, and once per `id` at most."""

    id: Name
    service: Name
    action: Name
    parameters: dict[str, Any]
    expires_s: UtcS


class Accepted(Message, frozen=True, kw_only=True, tag="accepted"):
    """The pole has begun what the command asks."""

    id: Name


class Result(Message, frozen=True, kw_only=True, tag="result"):
    """What became of a command; when it is not ok, the broken rule's code and its words."""

    id: Name
    ok: bool
    code: Text = ""
    en: Text = ""
    zh: Text = ""


class Refusal(Message, frozen=True, kw_only=True, tag="refusal"):
    """The gateway took nothing of what was said; `versions` are those it speaks."""

    code: Name
    en: Text = ""
    zh: Text = ""
    versions: tuple[int, ...] = (VERSION,)


AnyMessage = Hello | Welcome | Report | Ack | Heartbeat | Command | Accepted | Result | Refusal

encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def decode(body: bytes | memoryview) -> AnyMessage | None:
    """The message in one frame, or None when it is too long, not MessagePack, unknown or out of its ranges."""
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        message = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return message if _finite(message) else None


def _finite(message: AnyMessage) -> bool:
    # a NaN passes every range check of msgspec
    match message:
        case Report():
            return math.isfinite(message.at_s) and math.isfinite(message.held_s)
        case Hello():
            return math.isfinite(message.lat_deg) and math.isfinite(message.lon_deg)
        case Command():
            return math.isfinite(message.expires_s)
        case _:
            return True
