"""The registry of services and functions: complete, documented, and true to TALQ where TALQ has a function."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from airspace.reasons import Severity
from poles.services import ALARM_CODES, FUNCTIONS, SERVICES, FunctionSpec, function_spec
from poles.services.service import Parameters, Readings, Settings

TALQ = Path(__file__).resolve().parents[4] / "shared" / "data" / "poles" / "talq_2_7_1_functions.json"
FIELDS = [
    (spec.name, kind, field.encode_name)
    for spec in FUNCTIONS.values()
    for kind in (spec.readings, spec.settings, *spec.commands.values())
    if kind is not None
    for field in msgspec.structs.fields(kind)
]
# What our functions of TALQ's types say beyond TALQ's attributes.
BEYOND_TALQ = {
    "LampActuator": {"pattern", "overridden"},
    "WindSensor": {"sensorHeight"},
    "TextDisplayActuator": {"overridden", "displayFailure"},
}
# TALQ's types of attributes by what we send. TALQ counts wind and rain in whole units; we send what was measured.
SENT_AS = {
    "float": {"AttributeFloat", "AttributeInteger", "AttributeLevelState", "AttributePercent"},
    "bool": {"AttributeBoolean"},
    "Gas": {"AttributeGasName"},
    "Attitude": {"AttributeOrientation"},
    "Tolerance": {"AttributeOrientation"},
    "PositionedText": {"AttributePositionedTextState"},
}


def talq() -> dict[str, Any]:
    if not TALQ.exists():
        pytest.skip("TALQ's functions are not here")
    functions: dict[str, Any] = json.loads(TALQ.read_text("utf-8"))["functions"]
    return functions


def plain(type_: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    """The type of a field without None, and what its annotations say."""
    if isinstance(type_, inspect.UnionType):
        (type_,) = (t for t in type_.types if not isinstance(t, inspect.NoneType))
    if isinstance(type_, inspect.Metadata):
        return type_.type, (type_.extra_json_schema or {}) | (type_.extra or {})
    return type_, {}


def described(kind: type[msgspec.Struct]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each field by its name on the wire: the name of its type, and what its annotations say."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    rows = {}
    for field in info.fields:
        type_, notes = plain(field.type)
        cls = getattr(type_, "cls", None)
        rows[field.encode_name] = (cls.__name__ if cls else type(type_).__name__.removesuffix("Type").lower(), notes)
    return rows


def test_services_and_functions_have_their_names_in_one_shape() -> None:
    assert set(SERVICES) >= {
        "weather", "lamp", "dock", "base_station", "receiver", "camera", "loudspeaker", "display", "sos",
        "charging_point", "cell", "meter", "gas", "water_level", "manhole", "bridge", "tunnel",
    }  # fmt: skip
    assert sum(len(service.functions) for service in SERVICES.values()) == len(FUNCTIONS)
    for name in FUNCTIONS:
        assert re.fullmatch(r"([A-Z][a-z]+)+", name)
        assert not name.endswith("Function")


def test_a_function_is_found_by_its_address() -> None:
    assert function_spec("GasSensor.ch4") is function_spec("GasSensor") is FUNCTIONS["GasSensor"]
    assert function_spec("Bell") is None
    assert function_spec("gas") is None


@pytest.mark.parametrize("spec", FUNCTIONS.values(), ids=lambda spec: spec.name)
def test_every_function_has_its_types(spec: FunctionSpec) -> None:
    assert issubclass(spec.readings, Readings)
    assert spec.slow >= 1.0
    for command, kind in spec.commands.items():
        assert re.fullmatch(r"[a-z]+", command)
        assert issubclass(kind, Parameters)
        assert kind.__struct_config__.forbid_unknown_fields
    if spec.settings is not None:
        assert issubclass(spec.settings, Settings)
        assert spec.settings.__struct_config__.forbid_unknown_fields
        spec.settings()  # each setting has a default


@pytest.mark.parametrize(("function", "kind", "name"), FIELDS, ids=lambda value: getattr(value, "__name__", value))
def test_every_field_is_named_as_on_the_wire_and_described(function: str, kind: type[Any], name: str) -> None:
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]*|[0-9][a-z]+)*", name)
    type_, notes = described(kind)[name]
    assert notes.get("description"), f"{function}.{name} is not described"
    if type_ == "float" and name != "totalPowerFactor":
        assert notes.get("unit"), f"{function}.{name} has no unit"
    assert kind.__doc__


@pytest.mark.parametrize(
    ("code", "row"), ALARM_CODES.items(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_alarm_has_a_severity_and_words(code: str, row: Any) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)+", code)
    assert row.severity in Severity
    for words in (row.words, row.action):
        assert words.en
        assert re.search(r"[\u4e00-\u9fff]", words.zh)
        assert set(re.findall(r"{(\w+)", words.en)) == set(re.findall(r"{(\w+)", words.zh))
    assert "{subject}" in row.words.en


def test_alarm_codes_are_not_shared() -> None:
    assert len(ALARM_CODES) == sum(len(spec.alarms) for spec in FUNCTIONS.values())


@pytest.mark.parametrize("spec", [spec for spec in FUNCTIONS.values() if spec.talq], ids=lambda spec: spec.name)
def test_functions_of_talq_have_talqs_attributes_types_and_units(spec: FunctionSpec) -> None:
    theirs = talq()[f"{spec.name}Function"]["attributes"]
    ours = described(spec.readings) | (described(spec.settings) if spec.settings else {})
    beyond = BEYOND_TALQ.get(spec.name, set())
    assert ours.keys() - theirs.keys() == beyond
    for name in ours.keys() & theirs.keys():
        type_, notes = ours[name]
        assert theirs[name]["type"] in SENT_AS[type_], name
        assert notes.get("unit", "None") == theirs[name]["unit"], name


def test_functions_of_ours_are_none_of_talqs() -> None:
    theirs = talq()
    for spec in FUNCTIONS.values():
        assert (f"{spec.name}Function" in theirs) == spec.talq
