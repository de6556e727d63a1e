"""What the firmware understands, and what it takes for an entry, is what the protocol's own types say."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from poles.agent import entries
from poles.agent.ring import Kind
from poles.protocol import (
    Ack,
    Bye,
    Command,
    Correction,
    Desired,
    Heartbeat,
    Refusal,
    Time,
    ToPole,
    Welcome,
    decode,
    encode,
)
from tests.poles.firmware.inside import Inside, inside

VECTORS = Path(__file__).resolve().parents[3] / "docs" / "poles-protocol-vectors.json"
BOOT = "0123456789abcdef"
SAID = (
    Welcome(version=1, boot=BOOT, durable_seq=3, window=64, utc_s=1795375320.0),
    Ack(boot=BOOT, durable_seq=2**40, window=1),
    Heartbeat(),
    Command(id="c-1", function="LampActuator", action="override", parameters={"level": 40.0}, expires_s=4e9),
    Command(
        id="指令", function="WindSensor", action="x", parameters={"a": [1, {"b": None}], "c": b"\0"}, expires_s=4e9
    ),
    Desired(function="LampActuator", version=9, settings={"level": 5, "more": {"deep": [[[]]]}}),
    Correction(stream="s", number=7, at_s=1.0, frames=(bytes(range(20)), bytes(6))),
    Time(pole_s=-1e300, received_s=1.0, sent_s=2.0),
    Bye(why="maintenance", back_s=2.5),
    Refusal(code="pole.version", en="no", zh="否", about="hello", versions=(2, 3)),
)
AWKWARD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, -(2**63), 2**64 - 1, 65537, 0.5, float("nan"), float("inf"), -0.0, 1e308, "", "x" * 65,
    "北" * 64, "北" * 65, "y" * 1025, b"", b"12345", bytes(1030), [], {}, [1], {"a": 1}, {"": 1}, {"k" * 65: 1},
    msgspec.msgpack.Ext(5, b"ab"), [[[[[[[[1]]]]]]]], {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}},
)  # fmt: skip


def changed(rng: random.Random) -> bytes:
    """A message with some of its fields changed, left out or added, and then perhaps some of its bytes."""
    fields = msgspec.msgpack.decode(encode(rng.choice(SAID)))
    for _ in range(rng.choice((0, 1, 1, 2))):
        name = rng.choice([*fields, "unknown"])
        match rng.randrange(4):
            case 0:
                fields.pop(name, None)
            case _:
                inner = fields.get(name)
                if isinstance(inner, dict) and rng.random() < 0.7:
                    inner[rng.choice(("level", "pattern", "k" * 65, "", "北"))] = copy.deepcopy(rng.choice(AWKWARD))
                else:
                    fields[name] = copy.deepcopy(rng.choice(AWKWARD))
    body = bytearray(msgspec.msgpack.encode(fields))
    if rng.random() < 0.5:
        for _ in range(rng.choice((1, 1, 2, 5))):
            where = rng.randrange(len(body))
            match rng.randrange(4):
                case 0:
                    body[where] = rng.randrange(256)
                case 1:
                    body[where] ^= 1 << rng.randrange(8)
                case 2:
                    del body[where:]
                    body += b"\xc0"
                case _:
                    body[where:where] = rng.randbytes(rng.choice((1, 2, 9)))
    return bytes(body)


def is_to_pole(body: bytes) -> bool:
    return isinstance(decode(body), get_args(ToPole))


@pytest.fixture
def pole() -> Iterator[Inside]:
    with inside() as harness:
        harness.open()
        yield harness


def test_every_message_to_a_pole_is_understood(pole: Inside) -> None:
    for message in SAID:
        assert pole.hear(encode(message))[0], message


def test_the_vectors_of_the_document_are_judged_as_they_say(pole: Inside) -> None:
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    to_pole = [vector for vector in vectors if vector["direction"] == "to-pole"]
    assert len(to_pole) >= 9
    for vector in to_pole:
        understood, _ = pole.hear(bytes.fromhex(vector["hex"]))
        assert understood == (vector["then"] == "taken"), vector["name"]


def test_what_is_malformed_for_the_types_is_malformed_for_the_firmware(pole: Inside) -> None:
    rng = random.Random(6)
    bodies = [body for body in (changed(rng) for _ in range(15_000)) if body]
    verdicts = [answer[-1] == "1" for answer in pole.ask_each("hear", bodies)]
    wrong = [
        (body.hex(), verdict)
        for body, verdict in zip(bodies, verdicts, strict=True)
        if verdict != is_to_pole(body)
    ]  # fmt: skip
    assert not wrong, wrong[:3]
    assert 2_000 < sum(verdicts) < 13_000


def test_bytes_without_any_sense_do_no_harm(pole: Inside) -> None:
    rng = random.Random(7)
    bodies = [rng.randbytes(rng.randrange(1, 80)) for _ in range(3_000)]
    bodies += [b"\x91" * 60_000, b"\x81" * 60_000, b"\xdd\xff\xff\xff\xff" * 10_000, b"\xdf\x7f\xff\xff\xff" * 9]
    assert {answer[-1] for answer in pole.ask_each("hear", bodies)} == {"0"}


def test_what_no_gateway_would_take_is_no_entry(pole: Inside) -> None:
    rng = random.Random(8)
    bodies = [msgspec.msgpack.encode({"windSpeed": value}) for value in AWKWARD]
    bodies += [msgspec.msgpack.encode(value) for value in AWKWARD]
    for _ in range(2_000):
        body = bytearray(rng.choice(bodies))
        body[rng.randrange(len(body))] = rng.randrange(256)
        bodies.append(bytes(body))
    head = msgspec.msgpack.encode({"function": "WindSensor", "values": 0})[:-1]
    told = {True: 0, False: 0}
    for values, answer in zip(bodies, pole.ask_each("values", bodies), strict=True):
        taken = answer[-1] == "0"
        assert taken == (is_one_item(values) and acceptable(head + values)), values.hex()
        told[taken] += 1
    assert min(told.values()) > 150


def is_one_item(values: bytes) -> bool:
    try:
        msgspec.msgpack.Decoder(msgspec.Raw).decode(values)
    except msgspec.DecodeError:
        return False
    return True


def acceptable(body: bytes) -> bool:
    try:
        return entries.acceptable(Kind.READING, body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def test_a_connection_is_dead_when_what_was_asked_is_not_answered_and_never_before() -> None:
    with inside() as pole:

        def dead_in_s() -> float:
            (told,) = pole.ask("dead")
            return float(told)

        boot = pole.open()
        pole.ask("connect", "10")
        assert dead_in_s() == pytest.approx(30.0, abs=0.5)
        pole.ask("connect", "1")
        assert dead_in_s() == pytest.approx(15.0, abs=0.5)  # the handshake takes its time
        pole.hear(encode(Refusal(code="pole.identity", en="", zh="", about="hello")))
        assert dead_in_s() == math.inf  # nothing is asked before the next hello
        pole.hear(encode(Welcome(version=1, boot=boot, durable_seq=0, window=64, utc_s=1.8e9)))
        assert dead_in_s() == pytest.approx(3.0, abs=0.5)


@pytest.mark.parametrize(("told_s", "least_s", "most_s"), [(10.0, 9.5, 15.0), (1e9, 86399.0, 129600.0)])
def test_a_gateway_is_called_again_when_it_said_and_within_a_day_and_a_half(
    told_s: float, least_s: float, most_s: float
) -> None:
    with inside() as pole:
        pole.open()
        pole.ask("connect", "1")
        pole.hear(encode(Bye(why="maintenance", back_s=told_s)))
        (told,) = pole.ask("back")
        assert least_s <= float(told) <= most_s
