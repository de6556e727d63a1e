import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poles.protocol import (
    MAX_BODY_BYTES,
    Accepted,
    Ack,
    AnyMessage,
    Command,
    Heartbeat,
    Refusal,
    Result,
    Welcome,
    decode,
    encode,
)
from tests.poles.raw_pole import hello, report

ONE_OF_EACH: list[AnyMessage] = [
    hello(),
    Welcome(version=1, boot="b1", durable_seq=7),
    report(1),
    Ack(boot="b1", durable_seq=1),
    Heartbeat(),
    Command(id="c1", service="lamp", action="on", parameters={"level_pct": 50.0}, expires_s=1779066000.0),
    Accepted(id="c1"),
    Result(id="c1", ok=False, code="dock.occupied", en="occupied", zh="占用"),
    Refusal(code="pole.version", en="no", zh="不"),
]


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_every_message_survives_the_wire(message: AnyMessage) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_unknown_fields_are_ignored(message: AnyMessage) -> None:
    fields = msgspec.to_builtins(message) | {"of_version_2": [1, {"x": None}]}
    assert decode(msgspec.msgpack.encode(fields)) == message


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_decoder_raise(body: bytes) -> None:
    decode(body)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(0, 9), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(ONE_OF_EACH), st.data())
def test_a_message_with_any_field_replaced_is_a_message_or_nothing(message: AnyMessage, data: st.DataObject) -> None:
    fields = msgspec.to_builtins(message)
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(json_like)
    decoded = decode(msgspec.msgpack.encode(fields))
    if decoded is not None:
        assert decode(encode(decoded)) == decoded or "nan" in repr(decoded)


@settings(deadline=None)
@given(st.sampled_from(ONE_OF_EACH), st.integers(0, 10_000), st.integers(0, 255))
def test_a_message_with_a_byte_flipped_never_raises(message: AnyMessage, position: int, byte: int) -> None:
    body = bytearray(encode(message))
    body[position % len(body)] = byte
    decode(bytes(body))


@pytest.mark.parametrize(
    "field",
    [
        {"seq": 0},
        {"seq": -1},
        {"seq": 2**64 - 1},
        {"after": -1},
        {"at_s": float("nan")},
        {"at_s": -1.0},
        {"held_s": float("inf")},
        {"held_s": float("nan")},
        {"boot": ""},
        {"boot": "x" * 65},
        {"readings": [1]},
    ],
    ids=repr,
)
def test_a_field_out_of_its_range_is_no_message(field: dict[str, object]) -> None:
    assert decode(msgspec.msgpack.encode(msgspec.to_builtins(report(1)) | field)) is None


def test_an_unknown_message_is_no_message() -> None:
    assert decode(msgspec.msgpack.encode({"type": "of-version-9"})) is None


def test_an_oversized_body_is_no_message() -> None:
    fields = msgspec.to_builtins(hello()) | {"padding": "x" * MAX_BODY_BYTES}
    assert decode(msgspec.msgpack.encode(fields)) is None


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a"], ids=["lists", "maps"])
def test_deep_nesting_is_no_message(opening: bytes) -> None:
    nested = opening * 20_000 + b"\xc0"
    body = encode(report(1, readings={}))[:-1] + b"\x81\xa7weather\x81\xa1x" + nested
    assert decode(body) is None
    assert decode(nested) is None
