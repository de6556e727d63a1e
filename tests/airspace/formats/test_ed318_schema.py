"""Whatever the published JSON schemas of ED-318 refuse is refused here too; needs the schemas, which are not ours."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from airspace.formats.ed318 import read_ed318
from tests.airspace.formats.geozone_documents import SQUARE, ed318_document, ed318_layer, ed318_zone

EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "ed318"
pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="the shared data is not here")

MUTANTS = 240
VALUES: list[Any] = [None, True, 0, -1, 3.5, "", "x", "x" * 300, [], {}, [[]], [1, 2], {"type": "Point"}, "PROHIBITED"]


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    """The schemas as published, their formats left to us: jsonschema checks none of them by itself."""
    resources = [
        (f"file:///{path.name}", Resource.from_contents(json.loads(path.read_bytes())))
        for path in (EXAMPLES / "schema").glob("*.json")
    ]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft7Validator({"$ref": "file:///Schema_GeoZones.json"}, registry=registry)


def documents() -> list[dict[str, Any]]:
    """The examples that are valid, and one with every member and kind of geometry."""
    layer = ed318_layer()
    disc = {"type": "Point", "coordinates": [113.6, 34.7], "extent": {"subType": "Circle", "radius": 9}, "layer": layer}
    parts = {"type": "MultiPolygon", "coordinates": [[SQUARE]], "layer": layer}
    ours = ed318_document(
        ed318_zone(), ed318_zone(disc), ed318_zone({"type": "GeometryCollection", "geometries": [disc, parts]})
    )
    return [ours, *(json.loads(path.read_bytes()) for path in sorted(EXAMPLES.glob("Example*.json")))]


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, held in inner:
        yield from places(held, (*way, step))


def mutant(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A member taken out, put in, or given another value."""
    spoiled = copy.deepcopy(document)
    *way, last = chance.choice([place for place in places(document) if place])
    holder: Any = spoiled
    for step in way:
        holder = holder[step]
    match chance.randrange(4):
        case 0:
            del holder[last]
        case 1 if isinstance(holder[last], dict):
            holder[last]["extra"] = chance.choice(VALUES)
        case 2 if isinstance(holder[last], list):
            holder[last] = holder[last] * chance.choice([2, 10])
        case _:
            holder[last] = copy.deepcopy(chance.choice(VALUES))
    return spoiled


def test_the_documents_of_this_test_pass_the_schema_and_the_reader(schema: Draft7Validator) -> None:
    for document in documents():
        assert [error.message for error in schema.iter_errors(document)] == []
        assert read_ed318(json.dumps(document).encode(), "x").reasons == ()


def test_what_the_schema_refuses_is_refused(schema: Draft7Validator) -> None:
    chance, good = random.Random(318), documents()
    refused_by_schema = refused_by_us = 0
    for _ in range(MUTANTS):
        document = mutant(chance.choice(good), chance)
        reasons = read_ed318(json.dumps(document).encode(), "x").reasons
        errors = [error.json_path for error in schema.iter_errors(document)]
        assert reasons or not errors, f"{errors} in {json.dumps(document)}"
        refused_by_schema += bool(errors)
        refused_by_us += bool(reasons)
    assert refused_by_schema > MUTANTS / 3
    assert refused_by_schema < refused_by_us < MUTANTS
