"""What operators read when parameters or settings cannot be."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from airspace.reasons import Refused
from poles.services import FUNCTIONS
from poles.services.malformed import LONGEST_QUOTE, TOLD_MOST, malformed
from poles.services.service import parameters_from_wire, settings_from_wire

CASES = [
    (
        ("LampActuator", "override", {"level": 600}),
        "level must be a number from 0 to 100 %, not 600",
        "level 须为 0 至 100 % 的数，而非 600",
    ),
    (
        ("LampActuator", "override", {"level": math.nan}),
        "level must be a number from 0 to 100 %, not nan",
        "level 须为 0 至 100 % 的数，而非 nan",
    ),
    (
        ("LampActuator", "override", {"pattern": "disco"}),
        "pattern must be one of steady, landing, not disco",
        "pattern 须为 steady、landing 之一，而非 disco",
    ),
    (
        ("DroneDock", "reserve", {}),
        "flight is missing: text of 1 to 64 characters",
        "缺少 flight：1 至 64 个字符的文本",
    ),
    (
        ("LampActuator", "override", {"colour": "red", "level": "full"}),
        "colour is unknown: there are level, pattern; level must be a number from 0 to 100 %, not full",
        "没有 colour：可用 level、pattern；level 须为 0 至 100 % 的数，而非 full",
    ),
    (
        ("PoleKeys", "", {"gateways": [{"address": 5}]}),
        "gateways[0].public_key is missing: text of 40 characters",
        "gateways[0].address 须为 0 至 1024 个字符的文本，而非 5；缺少 gateways[0].public_key：40 个字符的文本",
    ),
    (
        ("PoleKeys", "", {"renewal": -1, "gateways": 5}),
        "not -1; gateways must be a list of at most 8, each an object with address, public_key, not 5",
        "renewal 须为 0 至 9007199254740992 的整数，而非 -1；gateways 须为至多 8 项的列表，每项为含 address、",
    ),
    (
        ("Orientation", "", {"orientationChangedThreshold": {"roll": 1.0, "pitch": -5.0}}),
        "orientationChangedThreshold.pitch must be a number",
        "orientationChangedThreshold.pitch 须为",
    ),
    (
        ("Accelerometer", "", {"impactDetectedAccelerationThreshold": 0}),
        "must be a number above 0 and at most 200 g, not 0",
        "须为大于 0 且不大于 200 g 的数，而非 0",
    ),
    (
        ("DroneDock", "open", {"flight": "F" * 100}),
        f"not {'F' * (LONGEST_QUOTE - 1)}… [",
        f"而非 {'F' * (LONGEST_QUOTE - 1)}… [",
    ),
]


@pytest.mark.parametrize(("asked", "en", "zh"), CASES)
def test_people_read_which_field_what_range_and_unit(asked: tuple[str, str, Any], en: str, zh: str) -> None:
    function, action, raw = asked
    spec = FUNCTIONS[function]
    with pytest.raises(Refused) as refused:
        _ = parameters_from_wire(function, spec, action, raw) if action else settings_from_wire(function, spec, raw)
    (reason,) = refused.value.reasons
    assert en in reason.text("en")
    assert zh in reason.text("zh")


def test_what_needs_no_parameters_takes_none() -> None:
    why = malformed({"now": True}, msgspec.defstruct("Nothing", [], forbid_unknown_fields=True))
    assert why is not None
    assert why.en == "now is unknown: nothing can be given"


def test_only_so_many_problems_are_told_as_a_message_has_room_for() -> None:
    why = malformed({f"{name}" * 60: 1 for name in range(1000)}, FUNCTIONS["LampActuator"].commands["override"])
    assert why is not None
    assert why.en.count("unknown") == TOLD_MOST
    assert len(why.en) < 512


JUNK: list[Any] = [None, True, 5, -5, 55.5, math.inf, math.nan, "", "landing", "x" * 2000, [], [5], [{}], {}]
JUNK += [
    [{"address": "tcp://a:1", "public_key": "k" * 40}],
    {"roll": 1.0, "pitch": 2.0},
    {"roll": math.nan, "pitch": 2.0},
]


@pytest.mark.parametrize(
    "kind",
    [kind for spec in FUNCTIONS.values() for kind in (spec.settings, *spec.commands.values()) if kind is not None],
)
def test_it_says_something_exactly_when_the_values_cannot_be_taken(kind: type[msgspec.Struct]) -> None:
    """Msgspec is the judge; it alone lets pass what is not finite."""
    fields = msgspec.structs.fields(kind)
    for junk in JUNK:
        for field in fields:
            raw = {field.encode_name: junk}
            try:
                msgspec.convert(raw, kind)
                taken = "nan" not in str(junk) and "inf" not in str(junk)
            except msgspec.ValidationError:
                taken = False
            assert (malformed(raw, kind) is None) == taken, raw
