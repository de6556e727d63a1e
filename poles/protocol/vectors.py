"""Test vectors of the protocol: bodies in hexadecimal, and what a receiver must make of them.

Made from the types, so that they say what the code does; the bad ones are written by hand, byte by byte where it
matters. They are published as docs/poles-protocol-vectors.json.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from poles.protocol import messages
from poles.protocol.codec import MAX_DEPTH, encode
from poles.protocol.enrolment import Enrol, Enrolled, KnownGateway
from poles.protocol.messages import MAX_SEQ, Message

Then = Literal["taken", "dropped", "refused", "refused-version"]
"""What a gateway does: takes it, drops it without an answer, or answers with a Refusal."""

AT_S = 1795375320.25
KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"  # of the manual page zmq_curve(7): nobody's
_EMPTY_RTCM = bytes.fromhex("d3000047ea4b")
_ENTRY: dict[str, Any] = {"boot": "0123456789abcdef", "after": 3, "seq": 4, "at_s": AT_S, "held_s": 0.5}
_HELLO: dict[str, Any] = {
    "type": "hello",
    "version": 1,
    "code": "410105-LP-000001",
    "boot": "0123456789abcdef",
    "firmware": "example/1",
    "functions": [{"function": "WindSensor", "every_s": 60.0}],
    "lat_deg": 34.75,
    "lon_deg": 113.625,
}
_READING: dict[str, Any] = {
    "seq": 1,
    "at_s": AT_S,
    "held_s": 0.0,
    "function": "WindSensor",
    "values": {"windSpeed": 3.5},
}


@dataclass(frozen=True, slots=True)
class Vector:
    """One body; `says` is its content as JSON (bytes as base64) when it can be read."""

    name: str
    direction: Literal["from-pole", "to-pole", "enrolment"]
    then: Then
    body: bytes
    says: Any = None

    def as_json(self) -> dict[str, Any]:
        """The row in the published file."""
        row: dict[str, Any] = {"name": self.name, "direction": self.direction, "then": self.then}
        if self.says is not None:
            row["message"] = self.says
        return row | {"hex": self.body.hex()}


def vectors() -> list[Vector]:
    """All of them: one of each message, edges of ranges, other encodings of the same, and bad ones."""
    return [*_each(), *_edges(), *_encodings(), *_bad(), *_refused()]


def _each() -> Iterator[Vector]:
    for message in _from_pole():
        yield _good(f"{_tag(message)}", "from-pole", message)
    for message in _to_pole():
        yield _good(f"{_tag(message)}", "to-pole", message)
    gateway = KnownGateway(address="tcp://gateway.example:7101", public_key=KEY)
    code = "410105-LP-000001"
    for message in (
        Enrol(version=1, code=code, token="ABCD-EFGH-IJKL-MNOP-QRST-UVWX", public_key=KEY),
        Enrolled(version=1, code=code, gateways=(gateway,), utc_s=AT_S),
    ):
        yield _good(f"{_tag(message)}", "enrolment", message)


def _from_pole() -> Iterator[Message]:
    yield msgspec.convert(_HELLO, messages.Hello)
    yield messages.Report(
        boot="0123456789abcdef",
        after=0,
        readings=(
            messages.Reading(seq=1, at_s=AT_S, held_s=0.25, function="WindSensor", values={"windSpeed": 3.5}),
            messages.Reading(
                seq=3, at_s=AT_S, held_s=0.0, function="LampMonitor", values={}, quality=messages.Quality.BAD
            ),
        ),
    )
    yield messages.Alarm(**_ENTRY, code="lamp.failed", active=True, function="LampMonitor", facts={"hours": 12})
    yield messages.Observation(
        **_ENTRY,
        heard=(
            messages.Heard(
                source=messages.Source.ADSB,
                frame=bytes.fromhex("8d4840d6202cc371c32ce0576098"),
                age_s=0.125,
                rssi_dbm=-70.5,
                transmitter="4840d6",
            ),
        ),
    )
    yield messages.Reported(**_ENTRY, function="LampActuator", version=7, settings={"defaultLightState": 40.0})
    yield messages.Log(**_ENTRY, level=messages.Level.WARNING, text="受潮")
    yield messages.Heartbeat()
    yield messages.Accepted(id="c-1")
    yield messages.Progress(id="c-1", share=0.5, en="opening", zh="正在打开")
    yield messages.Result(id="c-1", ok=True)
    yield messages.Correction(stream="410105-LP-000001", number=9, at_s=AT_S, frames=(_EMPTY_RTCM,))
    yield messages.TimeRequest(pole_s=12.5)
    yield messages.Bye(why="reboot", back_s=30.0)


def _to_pole() -> Iterator[Message]:
    boot = "0123456789abcdef"
    yield messages.Welcome(version=1, boot=boot, durable_seq=0, window=64, utc_s=AT_S)
    yield messages.Ack(boot=boot, durable_seq=4, window=64)
    yield messages.Heartbeat()
    yield messages.Command(
        id="c-1", function="LampActuator", action="override", parameters={"level": 40}, expires_s=AT_S + 10
    )
    yield messages.Desired(function="LampActuator", version=7, settings={"defaultLightState": 40.0})
    yield messages.Correction(stream="410105-LP-000001", number=9, at_s=AT_S, frames=(_EMPTY_RTCM,))
    yield messages.Time(pole_s=12.5, received_s=AT_S, sent_s=AT_S)
    yield messages.Bye(why="maintenance", back_s=5.0)
    yield messages.Refusal(code="pole.version", en="version 9 is not spoken here", zh="不支持协议版本 9", about="hello")


def _edges() -> Iterator[Vector]:
    yield _raw("hello of a pole without functions", "taken", _HELLO | {"functions": []})
    yield _raw("name of 64 characters, Chinese", "taken", _HELLO | {"firmware": "极" * 64})
    yield _raw("highest number of an entry", "taken", _report(after=MAX_SEQ - 1, seq=MAX_SEQ))
    yield _raw("gap: two entries were dropped", "taken", _report(after=4, seq=7))
    yield _raw("values may be empty", "taken", _report(values={}))
    yield _raw("values as deep as they may be", "taken", _report(values=_nested(MAX_DEPTH)))
    yield _raw("values of every kind", "taken", _report(values={"a": None, "b": True, "c": -5, "d": b"\x00", "e": [1]}))


def _encodings() -> Iterator[Vector]:
    yield _raw("unknown fields are ignored", "taken", _HELLO | {"colour": {"is": "green"}})
    for name, value in (
        ("a number that is not finite", struct.pack(">Bd", 0xCB, float("nan"))),
        ("an extension", b"\xd4\x05\x00"),
        ("a text that is not UTF-8", b"\xa1\xff"),
        ("a map named by numbers", b"\x81\x01\x02"),
        ("64 arrays in each other", b"\x91" * 64 + b"\xc0"),
    ):
        body = b"\x82\xa4type\xa9heartbeat\xa6colour" + value
        yield Vector(f"unknown field that holds {name}", "from-pole", "taken", body)
    yield _raw("order of fields does not matter", "taken", dict(reversed(_HELLO.items())))
    yield _raw("whole numbers where floats are asked for", "taken", _HELLO | {"lat_deg": 34, "lon_deg": 113})
    wide = b"\xcf" + (1).to_bytes(8, "big")
    yield _spelled("numbers in the widest encoding", "taken", "version", wide)
    yield _spelled("numbers in 32 bits", "taken", "lat_deg", b"\xca" + struct.pack(">f", 34.75))
    yield _spelled("text with a longer head than it needs", "taken", "boot", b"\xda\x00\x10" + b"0123456789abcdef")
    yield _spelled("arrays with a longer head than they need", "taken", "functions", b"\xdd\x00\x00\x00\x00")


def _bad() -> Iterator[Vector]:
    hello = msgspec.msgpack.encode(_HELLO)
    yield Vector("empty body", "from-pole", "dropped", b"")
    yield Vector("cut short", "from-pole", "dropped", hello[:-1])
    yield Vector("bytes behind the message", "from-pole", "dropped", hello + b"\xc0")
    yield Vector("byte that MessagePack never uses", "from-pole", "dropped", b"\xc1")
    yield Vector("array where a map must be", "from-pole", "dropped", b"\x91\xa9heartbeat")
    yield Vector("no type", "from-pole", "dropped", b"\x80")
    yield Vector("names as bin", "from-pole", "dropped", b"\x81\xc4\x04type\xa9heartbeat")
    yield Vector("name that is a number", "from-pole", "dropped", b"\x82\xa4type\xa9heartbeat\x05\x06")
    yield Vector("text that is not UTF-8", "from-pole", "dropped", b"\x82\xa4type\xa8accepted\xa2id\xa1\xff")
    yield Vector("a hundred thousand arrays promised", "from-pole", "dropped", b"\xdd\x00\x01\x86\xa0")
    yield _raw("field missing", "dropped", {name: value for name, value in _HELLO.items() if name != "boot"})
    yield _raw("text where a number must be", "dropped", _HELLO | {"lat_deg": "34.75"})
    yield _raw("bin where text must be", "dropped", _HELLO | {"code": b"410105-LP-000001"})
    yield _raw("float where a whole number must be", "dropped", _HELLO | {"version": 1.0})
    yield _raw("nil where there is a default", "dropped", _HELLO | {"heartbeat_s": None})
    yield _raw("name of 65 characters", "dropped", _HELLO | {"firmware": "x" * 65})
    yield _raw("latitude out of range", "dropped", _HELLO | {"lat_deg": 90.5})
    yield _raw("latitude that is not a number", "dropped", _HELLO | {"lat_deg": float("nan")})
    yield _raw("infinity in values", "dropped", _report(values={"windSpeed": float("inf")}))
    yield _raw("number 0", "dropped", _report(after=0, seq=0))
    yield _raw("number that does not rise above after", "dropped", _report(after=5, seq=5))
    yield _raw("numbers that do not rise", "dropped", _report(numbers=(2, 2)))
    yield _raw("number beyond the highest", "dropped", _report(after=1, seq=MAX_SEQ + 1))
    yield _raw("report without readings", "dropped", _report(numbers=()))
    yield _raw("values one level too deep", "dropped", _report(values=_nested(MAX_DEPTH + 1)))
    yield _raw("quality that is not known", "dropped", _report(quality="great"))
    yield _raw("values named by numbers", "dropped", _report(values={1: 2}))


def _refused() -> Iterator[Vector]:
    yield _raw("version that is not spoken", "refused-version", _HELLO | {"version": 2})
    yield _raw("type that is not known", "refused", {"type": "weather", "wind": 3})


def _good(name: str, direction: Literal["from-pole", "to-pole", "enrolment"], message: Message) -> Vector:
    says = msgspec.json.decode(msgspec.json.encode(message))
    return Vector(name, direction, "taken", encode(message), says)


def _raw(name: str, then: Then, fields: dict[str, Any]) -> Vector:
    return Vector(name, "from-pole", then, msgspec.msgpack.encode(fields))


def _spelled(name: str, then: Then, field: str, value: bytes) -> Vector:
    """A Hello of which one field is spelled by hand."""
    body = bytes([0x80 | len(_HELLO)])
    for key, other in _HELLO.items():
        body += msgspec.msgpack.encode(key) + (value if key == field else msgspec.msgpack.encode(other))
    return Vector(name, "from-pole", then, body)


def _report(*, after: int = 0, seq: int = 1, numbers: tuple[int, ...] | None = None, **changes: Any) -> dict[str, Any]:
    readings = [_READING | changes | {"seq": number} for number in ((seq,) if numbers is None else numbers)]
    return {"type": "report", "boot": "0123456789abcdef", "after": after, "readings": readings}


def _nested(depth: int) -> dict[str, Any]:
    """Values in which maps stand in each other, the outermost one counted."""
    value: Any = 1
    for _ in range(depth):
        value = {"in": value}
    assert isinstance(value, dict)
    return value


def _tag(message: Message) -> str:
    return str(message.__struct_config__.tag)
