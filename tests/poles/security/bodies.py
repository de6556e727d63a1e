"""Bodies that no honest pole would send: valid messages changed in their bytes or in their structure, bombs, noise."""

from __future__ import annotations

import copy
import math
import random
import struct
from collections.abc import Callable
from typing import Any

import msgspec

from poles.protocol import (
    Accepted,
    Alarm,
    AnyMessage,
    Bye,
    Correction,
    Heard,
    Heartbeat,
    Level,
    Log,
    Observation,
    Progress,
    Report,
    Reported,
    Result,
    Source,
    TimeRequest,
    encode,
)
from poles.protocol.enrolment import Enrol
from tests.poles.raw_pole import hello, reading, report

AT: dict[str, Any] = {"boot": "b1", "after": 0, "seq": 1, "at_s": 1779066000.0, "held_s": 0.0}
VALID: tuple[AnyMessage | Enrol, ...] = (
    hello(),
    report(1),
    Report(boot="b1", after=0, readings=tuple(reading(seq) for seq in range(1, 9))),
    Alarm(**AT, code="dock.stuck", active=True, function="DroneDock", facts={"angle_deg": 41.5}),
    Observation(**AT, heard=(Heard(source=Source.ODID, frame=b"\x0d\x00" * 12, age_s=0.2, rssi_dbm=-71.0),)),
    Reported(**AT, function="LampActuator", version=3, settings={"level": 40, "pattern": ["a", {"b": None}]}),
    Log(**AT, level=Level.WARNING, text="水位传感器无响应"),
    Heartbeat(),
    Accepted(id="c1"),
    Progress(id="c1", share=0.5),
    Result(id="c1", ok=False, code="dock.rain", en="it rains", zh="下雨"),
    Correction(stream="RTCM", number=7, at_s=1779066000.0, frames=(b"\xd3\x00\x04\x4c\xe0\x00\x80\xed\xed\xd6",)),
    TimeRequest(pole_s=12.5),
    Bye(why="reboot", back_s=30.0),
    Enrol(version=1, code="410105-LP-000001", token="ABCD-EFGH", public_key="k" * 40),
)
BODIES = tuple(encode(message) for message in VALID)
TREES: tuple[dict[str, Any], ...] = tuple(msgspec.msgpack.decode(body) for body in BODIES)


def nested(depth: int, rng: random.Random) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if rng.random() < 0.5 else {"x": value}
    return value


def odd_value(rng: random.Random) -> Any:
    return rng.choice(
        (
            None, True, False, 0, -1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 0.0, -0.0, 1e308, -1e308, 5e-324,
            math.nan, math.inf, -math.inf, "", "x" * 65, "x" * 1025, "\x00", "北辰", "\ufffd" * 30, b"", b"\xff" * 1100,
            [], {}, [None] * 300, {"type": "hello"}, {1: 2}, {None: None}, nested(7, rng), nested(9, rng),
            nested(120, rng), msgspec.msgpack.Ext(5, b"x" * 20), msgspec.msgpack.Ext(-1, bytes(12)),
        )
    )  # fmt: skip


def of_structure(rng: random.Random) -> bytes:
    """A valid message with some places of its tree set to odd values, taken away, added or repeated."""
    tree = copy.deepcopy(rng.choice(TREES))
    for _ in range(rng.randint(1, 3)):
        node: Any = tree
        while True:
            places: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not places:
                break
            place = rng.choice(places)
            inner = node[place]
            if isinstance(inner, dict | list) and inner and rng.random() < 0.7:
                node = inner
                continue
            what = rng.random()
            if what < 0.7:
                node[place] = odd_value(rng)
            elif what < 0.85:
                del node[place]
            elif isinstance(node, dict):
                node[rng.choice(("extra", "type", "seq", "after", "boot", "readings"))] = odd_value(rng)
            else:
                node.extend(node[:4])
            break
    return msgspec.msgpack.encode(tree)


def of_bytes(rng: random.Random) -> bytes:
    """A valid message with some bytes changed, cut out, put in, or joined with another's."""
    body = bytearray(rng.choice(BODIES))
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(body) + 1)
        what = rng.randrange(6)
        if what == 0 and place < len(body):
            body[place] ^= 1 << rng.randrange(8)
        elif what == 1 and place < len(body):
            body[place] = rng.choice(b"\x00\x7f\x80\x90\xa0\xc0\xc1\xc4\xc6\xc9\xcb\xcf\xd9\xdb\xdc\xdd\xde\xdf\xff")
        elif what == 2:
            del body[place : place + rng.randint(1, 8)]
        elif what == 3:
            body[place:place] = rng.randbytes(rng.randint(1, 8))
        elif what == 4:
            body = body[:place] + rng.choice(BODIES)[rng.randrange(20) :]
        else:
            del body[place:]
    return bytes(body)


def bomb(rng: random.Random) -> bytes:
    """Few bytes that claim to be much, or many that are nested deep."""
    prefix = rng.choice((b"", b"\x81\xa4type", b"\x82\xa4type\xa6report\xa8readings", b"\x81\xa6values"))
    size = struct.pack(">I", rng.choice((2**32 - 1, 2**31, 2**20)))
    claim = rng.choice((b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9")) + size
    depth = rng.choice((10, 100, 1000, 10_000, 60_000))
    deep = rng.choice((b"\x91", b"\x81\xa1x", b"\xdc\x00\x01", b"\x92\x90"))
    return prefix + rng.choice((claim, claim + bytes(100), (deep * depth)[:65_000]))


def noise(rng: random.Random) -> bytes:
    """Chance."""
    return rng.randbytes(rng.choice((0, 1, 2, 8, 60, 400, 3000)))


def too_long(rng: random.Random) -> bytes:
    """More than 64 KiB, of a valid kind as far as one can see."""
    tree = copy.deepcopy(rng.choice(TREES))
    tree["extra"] = "x" * rng.randint(65_500, 70_000)
    return msgspec.msgpack.encode(tree)


KINDS: dict[str, tuple[Callable[[random.Random], bytes], int]] = {
    "structure": (of_structure, 50),
    "bytes": (of_bytes, 30),
    "noise": (noise, 12),
    "bombs": (bomb, 6),
    "too long": (too_long, 2),
}
"""Name -> maker and its share of all bodies [%]."""


def body_of(rng: random.Random) -> tuple[str, bytes]:
    """The next body, with the name of its kind."""
    (name,) = rng.choices(list(KINDS), [share for _, share in KINDS.values()])
    return name, KINDS[name][0](rng)
