"""The generated parts of the protocol's documents: tables, JSON Schema, test vectors.

`python -m poles.protocol.reference --write` writes them into docs/; `--check` ends 1 and names what is not as the
types say. In the Markdown document a generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from airspace.reasons import AlarmSpec
from poles.protocol import enrolment, messages
from poles.protocol.codec import MAX_DEPTH
from poles.protocol.messages import FromPole, ToPole
from poles.protocol.tables import section
from poles.protocol.vectors import vectors
from poles.services import FUNCTIONS, FunctionSpec

DOCS = Path(__file__).resolve().parents[2] / "docs"
DOCUMENT = "poles-protocol.md"
SCHEMA = "poles-protocol.schema.json"
VECTORS = "poles-protocol-vectors.json"
PART = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

PARTS_OF_MESSAGES = (messages.Capability, messages.Reading, messages.Heard)
ENROLMENT = (enrolment.Enrol, enrolment.Enrolled, enrolment.KnownGateway)


def limits() -> Iterator[str]:
    """What no message may exceed."""
    yield from ("| limit | value |", "| --- | --- |")
    for words, value in (
        ("bytes of one body", messages.MAX_BODY_BYTES),
        ("readings in one report", messages.MAX_READINGS),
        ("frames in one observation", messages.MAX_HEARD),
        ("bytes of one heard frame", messages.MAX_FRAME_BYTES),
        ("characters of words and log lines", messages.MAX_TEXT),
        ("maps and arrays in each other below `values`, `facts`, `settings`, `parameters`", MAX_DEPTH),
        ("highest number of an entry", messages.MAX_SEQ),
    ):
        yield f"| {words} | {value} |"


def _messages(kinds: object) -> Iterator[str]:
    for kind in get_args(kinds):
        yield from section(kind, f"#### `{kind.__struct_config__.tag}`")


def _parts() -> Iterator[str]:
    for kind in PARTS_OF_MESSAGES:
        yield from section(kind, f"#### {kind.__name__}")


def _enrolment() -> Iterator[str]:
    for kind in ENROLMENT:
        tag = kind.__struct_config__.tag
        yield from section(kind, f"#### `{tag}`" if tag else f"#### {kind.__name__}")


def functions() -> Iterator[str]:
    """Every function type of the registry: readings, commands, settings, alarms, and the structs inside them."""
    inner: dict[str, type[msgspec.Struct]] = {}
    for spec in FUNCTIONS.values():
        yield from _function(spec)
        for kind in (spec.readings, *spec.commands.values(), *((spec.settings,) if spec.settings else ())):
            inner |= {struct.__name__: struct for struct in _inside(msgspec.inspect.type_info(kind))}
    if inner:
        yield from ("#### Maps inside values", "")
        for name, struct in sorted(inner.items()):
            yield from section(struct, f"##### {name}", with_units=True)


def _function(spec: FunctionSpec) -> Iterator[str]:
    source = "of TALQ 2.7.1" if spec.talq else "TALQ 2.7.1 has no such function"
    yield from section(spec.readings, f"#### `{spec.name}` ({source})", with_units=True)
    for action, parameters in spec.commands.items():
        yield from section(parameters, f"Command `{action}`:", with_units=True)
    if spec.settings is not None:
        yield from section(spec.settings, "Settings:", with_units=True)
    if spec.alarms:
        yield from ("| alarm code | severity | words |", "| --- | --- | --- |")
        yield from (_alarm(code, row) for code, row in spec.alarms.items())
        yield ""


def _alarm(code: str, row: AlarmSpec) -> str:
    return f"| `{code}` | {row.severity.name.lower()} | {row.words.en} · {row.words.zh} |"


def _inside(info: object) -> Iterator[type[msgspec.Struct]]:
    """The structs that stand in a type's fields, however deep."""
    match info:
        case msgspec.inspect.StructType(fields=fields):
            for field in fields:
                for struct in _structs(field.type):
                    yield struct
                    yield from _inside(msgspec.inspect.type_info(struct))


def _structs(type_: Any) -> Iterator[type[msgspec.Struct]]:
    match type_:
        case msgspec.inspect.Metadata(type=inner) | msgspec.inspect.VarTupleType(item_type=inner):
            yield from _structs(inner)
        case msgspec.inspect.UnionType(types=types):
            for each in types:
                yield from _structs(each)
        case msgspec.inspect.StructType(cls=cls):
            yield cls


GENERATED: dict[str, Callable[[], Iterator[str]]] = {
    "limits": limits,
    "from-pole": lambda: _messages(FromPole),
    "to-pole": lambda: _messages(ToPole),
    "parts": _parts,
    "enrolment": _enrolment,
    "functions": functions,
}


def filled(text: str) -> str:
    """The document with its generated parts made anew. Raises KeyError for a part that nothing makes."""

    def made(match: re.Match[str]) -> str:
        lines = "\n".join(GENERATED[match["name"]]()).strip()
        return f"{match[1]}\n{lines}\n\n{match[3]}"

    return PART.sub(made, text)


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of every message and function; bytes stand there in base64, as JSON has none."""
    kinds = [*dict.fromkeys([*get_args(FromPole), *get_args(ToPole)]), enrolment.Enrol, enrolment.Enrolled]
    of_functions: list[type[msgspec.Struct]] = []
    for spec in FUNCTIONS.values():
        of_functions += [spec.readings, *spec.commands.values(), *((spec.settings,) if spec.settings else ())]
    every: list[type[msgspec.Struct]] = list(dict.fromkeys([*kinds, *of_functions]))
    references, components = msgspec.json.schema_components(every, ref_template="#/$defs/{name}")
    where = dict(zip(every, references, strict=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Beichen poles' protocol, version 1",
        "description": "Any message of docs/poles-protocol.md; MessagePack on the wire, bytes as base64 here.",
        "oneOf": [where[kind] for kind in kinds],
        "x-functions": {name: _of_function(spec, where) for name, spec in FUNCTIONS.items()},
        "$defs": {name: _one_line(definition) for name, definition in sorted(components.items())},
    }


def _of_function(spec: FunctionSpec, where: dict[type[msgspec.Struct], dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"talq": spec.talq, "readings": where[spec.readings]}
    found["commands"] = {action: where[kind] for action, kind in spec.commands.items()}
    if spec.settings is not None:
        found["settings"] = where[spec.settings]
    found["alarms"] = {code: row.severity.name.lower() for code, row in spec.alarms.items()}
    return found


def _one_line(definition: dict[str, Any]) -> dict[str, Any]:
    if "description" not in definition:
        return definition
    return definition | {"description": " ".join(str(definition["description"]).split())}


def made(folder: Path) -> dict[Path, str]:
    """Every generated file with the text that it ought to have."""
    document = folder / DOCUMENT
    return {
        document: filled(document.read_text(encoding="utf-8")),
        folder / SCHEMA: _json(schema()),
        folder / VECTORS: _json([vector.as_json() for vector in vectors()]),
    }


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def main(arguments: list[str], folder: Path = DOCS) -> int:
    """Write the files, or say which of them are not as the types say; 1 when there are any."""
    if arguments not in (["--write"], ["--check"]):
        sys.stderr.write("usage: python -m poles.protocol.reference --write | --check\n")
        return 2
    stale = 0
    for path, text in made(folder).items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if arguments == ["--write"]:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.name} written\n")
        else:
            stale += 1
            sys.stdout.write(f"{path.name}: not as the types say; python -m poles.protocol.reference --write\n")
    if arguments == ["--check"] and not stale:
        sys.stdout.write("protocol reference: as the types say\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
