"""What a pole and the enrolment desk say to each other, on a socket of its own: MessagePack maps as everywhere.

The pole makes its key pair itself and connects with it, so the connection proves that it has the secret half; the
desk's public key comes with the firmware. It sends Enrol until it hears Enrolled or a Refusal; the same token with the
same key is answered alike, however often it comes.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from poles.protocol.messages import MAX_BODY_BYTES, Message, Name, Refusal, Text, UtcS, Version

Z85Key = Annotated[str, Meta(min_length=40, max_length=40, description="CURVE public key in Z85 (ZeroMQ RFC 32)")]


class KnownGateway(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that a pole may connect to: its address, as tcp://host:port, and the key that it proves."""

    address: Annotated[Text, Meta(description="tcp://host:port")]
    public_key: Z85Key


class Enrol(Message, frozen=True, kw_only=True, tag="enrol"):
    """A pole asks to be let in under its city code, with its one-time token and the public key of this connection.

    Dashes, spaces and case of the token do not matter.
    """

    version: Version
    code: Annotated[Name, Meta(description="the pole's city code")]
    token: Annotated[
        str, Meta(min_length=1, max_length=64, description="the one-time token; dashes, spaces and case do not matter")
    ]
    public_key: Annotated[Z85Key, Meta(description="public key of this connection, which is to be the pole's")]


class Enrolled(Message, frozen=True, kw_only=True, tag="enrolled"):
    """The pole is let in; it keeps its key and connects to the first of the gateways, to the next if that fails.

    `utc_s` is the controller's clock when it was sent.
    """

    version: Version
    code: Annotated[Name, Meta(description="the city code that was let in")]
    gateways: Annotated[
        tuple[KnownGateway, ...],
        Meta(min_length=1, max_length=8, description="where to connect to, the best one first"),
    ]
    utc_s: Annotated[UtcS, Meta(description="the controller's clock [s UTC] when this was sent")]


class _Versioned(msgspec.Struct):
    type: str
    version: int


_request: msgspec.msgpack.Decoder[Enrol] = msgspec.msgpack.Decoder(Enrol)
_answer: msgspec.msgpack.Decoder[Enrolled | Refusal] = msgspec.msgpack.Decoder(Enrolled | Refusal)
_versioned: msgspec.msgpack.Decoder[_Versioned] = msgspec.msgpack.Decoder(_Versioned)
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def decode_request(body: bytes | memoryview) -> Enrol | int | None:
    """What a pole asked; the version it speaks when the rest cannot be read; None for anything else."""
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        return _request.decode(body)
    except _UNREADABLE:
        pass
    try:
        asked = _versioned.decode(body)
    except _UNREADABLE:
        return None
    return asked.version if asked.type == "enrol" else None


def decode_answer(body: bytes | memoryview) -> Enrolled | Refusal | None:
    """What the desk answered; None for anything else."""
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        return _answer.decode(body)
    except _UNREADABLE:
        return None
