"""The published document, schema and vectors say what the types say, and the kit names only what stands there."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from poles.agent.ring import PAGE_BYTES, Kind, records_in
from poles.conformance import PARAGRAPHS, TRIALS
from poles.protocol import MAX_SEQ, VERSIONS, AnyMessage, Hello, about, decode
from poles.protocol.codec import TYPES
from poles.protocol.enrolment import decode_answer, decode_request
from poles.protocol.reference import DOCS, DOCUMENT, GENERATED, SCHEMA, VECTORS, filled, made, main, schema
from poles.protocol.tables import fields_table, units_of
from poles.protocol.vectors import Vector, vectors
from poles.services import FUNCTIONS, function_spec
from poles.services.weather import WIND

TEXT = (DOCS / DOCUMENT).read_text(encoding="utf-8")


def test_the_published_files_are_as_the_types_say() -> None:
    stale = [path.name for path, text in made(DOCS).items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "make them anew: python -m poles.protocol.reference --write"


def test_a_stale_file_is_named_and_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / DOCUMENT).write_text(
        "before\n<!-- generated: limits -->\nold\n<!-- end -->\nbehind\n", encoding="utf-8"
    )
    assert main(["--check"], tmp_path) == 1
    assert f"{DOCUMENT}: not as the types say" in capsys.readouterr().out
    assert main(["--write"], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    written = (tmp_path / DOCUMENT).read_text(encoding="utf-8")
    assert written.startswith("before\n")
    assert written.endswith("behind\n")
    assert "65536" in written
    assert main([], tmp_path) == 2


def test_a_part_that_nothing_makes_is_an_error() -> None:
    with pytest.raises(KeyError):
        filled("<!-- generated: nothing -->\n<!-- end -->")


def test_every_generated_part_stands_in_the_document_once() -> None:
    for name in GENERATED:
        assert TEXT.count(f"<!-- generated: {name} -->") == 1


def test_every_message_field_and_function_is_in_the_document_with_its_meaning() -> None:
    for kind in get_args(AnyMessage):
        assert f"#### `{kind.__struct_config__.tag}`" in TEXT
        for row in fields_table(kind)[2:]:
            assert row in TEXT
            assert not row.endswith("|  |"), f"{kind.__name__}: {row} has no meaning"
    for name in FUNCTIONS:
        assert f"#### `{name}` (" in TEXT


def test_every_paragraph_that_the_kit_names_stands_in_the_document_in_order() -> None:
    written = re.findall(r"^\*\*(§\d+\.\d+)\*\*", TEXT, re.MULTILINE)
    assert len(set(written)) == len(written)
    assert [number for number in written if number in PARAGRAPHS] == list(PARAGRAPHS)
    for trial in TRIALS:
        assert set(trial.paragraphs) <= set(PARAGRAPHS)


def test_every_reference_to_a_paragraph_leads_somewhere() -> None:
    numbers = set(re.findall(r"^\*\*(§\d+\.\d+)\*\*", TEXT, re.MULTILINE))
    sections = set(re.findall(r"^## (§\d+) ", TEXT, re.MULTILINE))
    assert [name for name in re.findall(r"§\d+\.\d+", TEXT) if name not in numbers] == []
    assert [name for name in re.findall(r"§\d+(?![.\d])", TEXT) if name not in sections] == []


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.name)
def test_a_vector_is_taken_or_not_as_it_says(vector: Vector) -> None:
    if vector.direction == "enrolment":
        assert msgspec.json.decode(msgspec.json.encode(decode_request(vector.body) or decode_answer(vector.body))) == (
            vector.says
        )
        return
    message = decode(vector.body)
    match vector.then:
        case "taken":
            assert message is not None
            assert vector.says is None or msgspec.json.decode(msgspec.json.encode(message)) == vector.says
        case "dropped":
            assert message is None
            assert about(vector.body) in ("", *TYPES)
        case "refused":
            assert message is None
            assert about(vector.body) not in ("", *TYPES)
        case "refused-version":
            assert isinstance(message, Hello)
            assert message.version not in VERSIONS


def test_there_is_a_vector_of_each_message_and_the_file_has_them_all() -> None:
    assert {vector.name for vector in vectors() if vector.says is not None} >= TYPES
    published = json.loads((DOCS / VECTORS).read_text(encoding="utf-8"))
    assert [bytes.fromhex(row["hex"]) for row in published] == [vector.body for vector in vectors()]


def _as_json(value: Any) -> Any:
    """A decoded body as JSON has it."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _as_json(inner) for name, inner in value.items()}
        case list():
            return [_as_json(inner) for inner in value]
        case _:
            return value


def test_the_schema_takes_every_good_vector_and_no_body_that_breaks_a_type_or_range() -> None:
    validator = jsonschema.Draft202012Validator(json.loads((DOCS / SCHEMA).read_text(encoding="utf-8")))
    beyond_json = {vector.name for vector in vectors() if vector.name.startswith("unknown field that holds")}
    for vector in vectors():
        if vector.then == "taken" and vector.name not in beyond_json:
            errors = list(validator.iter_errors(_as_json(msgspec.msgpack.decode(vector.body))))
            assert errors == [], vector.name
    # what a schema of JSON can say; order of numbers, depth and finiteness are rules beyond it
    for name in ("field missing", "text where a number must be", "latitude out of range", "name of 65 characters"):
        body = next(vector.body for vector in vectors() if vector.name == name)
        assert not validator.is_valid(_as_json(msgspec.msgpack.decode(body))), name


def test_the_schema_names_the_parts_of_every_function() -> None:
    described = schema()
    for name, spec in FUNCTIONS.items():
        function = described["x-functions"][name]
        assert set(function["commands"]) == set(spec.commands)
        assert ("settings" in function) == (spec.settings is not None)
        definition = described["$defs"][function["readings"]["$ref"].rpartition("/")[2]]
        fields = {field.encode_name for field in msgspec.structs.fields(spec.readings)}
        assert set(definition["properties"]) == fields


def test_the_ring_vectors_of_the_annex_are_what_the_agent_writes() -> None:
    annex = TEXT.partition("### A.5 Vectors")[2].partition("## Annex B")[0]
    bodies = [
        bytes.fromhex("".join(block.split())) for block in re.findall(r"(?:^ {4}[0-9a-f ]+\n)+", annex, re.MULTILINE)
    ]
    image = bytearray(64 * PAGE_BYTES)
    for offset, body in zip((0, 104, 8000), bodies, strict=True):
        image[offset : offset + len(body)] = body
    found = [record for record, pages in records_in(image) if pages == 64]
    assert [(record.kind, record.position, record.seq) for record in found] == [
        (Kind.READING, 0, 1),
        (Kind.MARK, 104, 1),
        (Kind.ALARM, 794432, MAX_SEQ),
    ]
    assert {record.boot for record in found} == {0x0123456789ABCDEF}


def test_units_are_found_by_the_names_on_the_wire() -> None:
    spec = function_spec(WIND)
    assert spec is not None
    units = units_of(spec.readings)
    assert (units["windSpeed"], units["windDirection"]) == ("MetersPerSecond", "Degrees")
