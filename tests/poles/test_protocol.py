from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poles.protocol import (
    MAX_BODY_BYTES,
    MAX_DEPTH,
    TYPES,
    Accepted,
    Ack,
    Alarm,
    AnyMessage,
    Bye,
    Command,
    Correction,
    Desired,
    Heard,
    Heartbeat,
    Level,
    Log,
    Observation,
    OfEntries,
    Progress,
    Quality,
    Refusal,
    Report,
    Reported,
    Result,
    Source,
    Time,
    TimeRequest,
    Welcome,
    about,
    decode,
    encode,
    entries_after,
    numbers_of,
)
from tests.poles.raw_pole import hello, reading, report

ENTRY: dict[str, Any] = {"boot": "b1", "after": 3, "seq": 4, "at_s": 1779066000.0, "held_s": 0.5}
FRAME = b"\xd3\x00\x00\x47\xea\x4b"  # an empty one of RTCM 3
ONE_OF_EACH: list[AnyMessage] = [
    hello(),
    Welcome(version=1, boot="b1", durable_seq=7, window=64, utc_s=1779066000.0),
    report(1),
    Report(boot="b2", after=3, readings=(reading(4), reading(6, quality=Quality.SUSPECT))),
    Alarm(**ENTRY, code="dock.stuck", active=True, function="DroneDock", facts={"cover": "stuck"}),
    Observation(**ENTRY, heard=(Heard(source=Source.ADSB, frame=b"\x8d", age_s=0.1, rssi_dbm=-70.0),)),
    Reported(**ENTRY, function="LampActuator", version=3, settings={"defaultLightState": 40.0}),
    Log(**ENTRY, level=Level.WARNING, text="受潮"),
    Ack(boot="b1", durable_seq=1, window=8),
    Heartbeat(),
    Command(id="c1", function="LampActuator", action="override", parameters={"level": 50.0}, expires_s=1779066000.0),
    Accepted(id="c1"),
    Progress(id="c1", share=0.5, en="half way", zh="一半"),
    Result(id="c1", ok=False, code="dock.occupied", en="occupied", zh="占用"),
    Desired(function="LampActuator", version=4, settings={"defaultLightState": 40.0}),
    Correction(stream="zz", number=1, at_s=1779066000.0, frames=(FRAME,)),
    TimeRequest(pole_s=12.5),
    Time(pole_s=12.5, received_s=1779066000.0, sent_s=1779066000.1),
    Bye(why="reboot", back_s=60.0),
    Refusal(code="pole.version", en="no", zh="不", about="hello"),
]
IN_ENTRIES = [message for message in ONE_OF_EACH if isinstance(message, OfEntries)]


def as_map(message: AnyMessage) -> dict[str, Any]:
    """The message as the wire has it."""
    fields: dict[str, Any] = msgspec.msgpack.decode(encode(message))
    return fields


def test_there_is_one_of_each() -> None:
    assert {type(message) for message in ONE_OF_EACH} == set(get_args(AnyMessage))


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_every_message_survives_the_wire(message: AnyMessage) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_unknown_fields_are_ignored(message: AnyMessage) -> None:
    fields = as_map(message) | {"of_version_2": [1, {"x": None}]}
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
    fields = as_map(message)
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
        {"at_s": float("nan")},
        {"at_s": -1.0},
        {"held_s": float("inf")},
        {"held_s": float("nan")},
        {"function": ""},
        {"function": "x" * 65},
        {"values": [1]},
        {"values": {"a": float("nan")}},
        {"values": {"a": [1.0, {"b": float("-inf")}]}},
        {"values": {"a": {1: 2}}},
        {"values": {"a": msgspec.msgpack.Ext(5, b"x")}},
        {"quality": "excellent"},
    ],
    ids=lambda field: "-".join(field),
)
def test_a_reading_with_a_field_out_of_its_range_is_no_message(field: dict[str, object]) -> None:
    fields = as_map(report(1))
    fields["readings"][0] |= field
    assert decode(msgspec.msgpack.encode(fields)) is None


@pytest.mark.parametrize("field", [{"after": -1}, {"boot": ""}, {"boot": "x" * 65}, {"readings": []}, {"readings": 1}])
def test_a_report_with_a_field_out_of_its_range_is_no_message(field: dict[str, object]) -> None:
    assert decode(msgspec.msgpack.encode(as_map(report(1)) | field)) is None


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (ONE_OF_EACH[0], {"lat_deg": float("nan")}),
        (ONE_OF_EACH[0], {"functions": [{"function": "DroneDock", "every_s": float("nan")}]}),
        (ONE_OF_EACH[0], {"heartbeat_s": 0.0}),
        *((message, {"at_s": float("nan")}) for message in ONE_OF_EACH[4:8]),
        *((message, {"seq": 3}) for message in ONE_OF_EACH[4:8]),
        (ONE_OF_EACH[4], {"facts": {"x": float("nan")}}),
        (ONE_OF_EACH[5], {"heard": [{"source": "adsb", "frame": b"x", "age_s": float("nan")}]}),
        (ONE_OF_EACH[5], {"heard": [{"source": "adsb", "frame": b"x", "age_s": 0.0, "rssi_dbm": float("nan")}]}),
        (ONE_OF_EACH[6], {"settings": {"x": float("nan")}}),
        (ONE_OF_EACH[10], {"parameters": {"x": float("nan")}}),
        (ONE_OF_EACH[10], {"expires_s": float("nan")}),
        (ONE_OF_EACH[12], {"share": float("nan")}),
        (ONE_OF_EACH[14], {"settings": {"x": float("nan")}}),
        (ONE_OF_EACH[15], {"at_s": float("nan")}),
        (ONE_OF_EACH[16], {"pole_s": float("nan")}),
        (ONE_OF_EACH[17], {"sent_s": float("nan")}),
        (ONE_OF_EACH[18], {"back_s": float("inf")}),
        (ONE_OF_EACH[1], {"utc_s": float("nan")}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, msgspec.Struct) else repr(value),
)
def test_no_number_that_is_not_finite_and_no_wrong_order_comes_through(
    message: AnyMessage, field: dict[str, object]
) -> None:
    assert decode(msgspec.msgpack.encode(as_map(message))) == message
    assert decode(msgspec.msgpack.encode(as_map(message) | field)) is None


@pytest.mark.parametrize("numbers", [(1, 1), (2, 1), (1, 3, 2)])
def test_readings_whose_numbers_do_not_rise_are_no_message(numbers: tuple[int, ...]) -> None:
    readings = tuple(reading(number) for number in numbers)
    assert decode(encode(Report(boot="b1", after=0, readings=readings))) is None
    assert decode(encode(Report(boot="b1", after=numbers[0], readings=(reading(numbers[0]),)))) is None


@pytest.mark.parametrize("message", IN_ENTRIES, ids=lambda m: type(m).__name__)
def test_of_a_message_only_the_entries_above_a_number_are_left(message: OfEntries) -> None:
    numbers = numbers_of(message)
    assert entries_after(message, numbers[0] - 1) is message
    assert entries_after(message, numbers[-1]) is None
    if len(numbers) > 1:
        rest = entries_after(message, numbers[0])
        assert rest is not None
        assert (numbers_of(rest), rest.after) == (numbers[1:], numbers[0])


def test_a_type_that_is_not_known_can_be_named() -> None:
    assert about(msgspec.msgpack.encode({"type": "of-version-9", "x": 1})) == "of-version-9"
    assert about(encode(hello())) == "hello"
    for body in (b"", b"\xc1", msgspec.msgpack.encode({"type": 5}), b"\x91" * 60_000, bytes(MAX_BODY_BYTES + 1)):
        assert about(body) == ""
    assert {str(type(message).__struct_config__.tag) for message in ONE_OF_EACH} == TYPES


@pytest.mark.parametrize(("depth", "taken"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_values_nest_so_deep_and_no_deeper(depth: int, taken: bool) -> None:
    values: Any = 1.0
    for level in range(depth):
        values = {"x": values} if level % 2 or level == depth - 1 else [values]
    assert (decode(encode(report(1, values=values))) is not None) is taken


def test_an_unknown_message_is_no_message() -> None:
    assert decode(msgspec.msgpack.encode({"type": "of-version-9"})) is None


def test_an_oversized_body_is_no_message() -> None:
    fields = as_map(hello()) | {"padding": "x" * MAX_BODY_BYTES}
    assert decode(msgspec.msgpack.encode(fields)) is None


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a"], ids=["lists", "maps"])
def test_deep_nesting_is_no_message(opening: bytes) -> None:
    nested = opening * 20_000 + b"\xc0"
    body = encode(report(1, values={})).replace(b"\xa6values\x80", b"\xa6values\x81\xa1x" + nested)
    assert len(body) > len(nested)
    assert decode(body) is None
    assert decode(nested) is None
