"""Bodies of the poles' protocol (§3): MessagePack, and what docs/poles-protocol.schema.json says of messages."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import msgpack

Body = dict[str, Any]

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "poles-protocol.schema.json").read_text("utf-8"))
RULES: dict[str, Body] = SCHEMA["$defs"]
MESSAGES: dict[str, Body] = {
    rule["properties"]["type"]["enum"][0]: rule
    for rule in (RULES[entry["$ref"].rpartition("/")[2]] for entry in SCHEMA["oneOf"])
}
MOST_BYTES, DEEPEST, ENDLESS = 65536, 8, 2**64
UNITS = {"object": dict, "array": list, "boolean": bool, "null": type(None), "integer": int}


class Malformed(ValueError):
    """A body that must be dropped without an answer (§3.7)."""


class UnknownType(ValueError):
    """A message of a type that is not in the schema (§9.3, §9.4)."""


def holds(v: object, rule: Body) -> bool:
    """Whether a value is right by a rule of the schema; kinds are those of MessagePack (§3.2), not of JSON."""
    if "$ref" in rule:
        return holds(v, RULES[rule["$ref"].rpartition("/")[2]])
    if "anyOf" in rule:
        return any(holds(v, other) for other in rule["anyOf"])
    if "enum" in rule:
        return any(type(v) is type(known) and v == known for known in rule["enum"])
    if rule.get("type") == "string":
        binary = "contentEncoding" in rule
        size = 4 * math.ceil(len(v) / 3) if binary and isinstance(v, bytes) else len(v) if isinstance(v, str) else -1
        return (binary or readable(v)) and rule.get("minLength", 0) <= size <= rule.get("maxLength", ENDLESS)
    if rule.get("type") == "number" or type(v) is int:
        kinds = {"number": (int, float), "integer": (int,)}.get(rule.get("type", "number"), ())
        if type(v) not in kinds or not math.isfinite(v):  # type: ignore[arg-type]
            return False
        low, high = rule.get("minimum", -math.inf), rule.get("maximum", math.inf)
        return bool(low <= v <= high and v > rule.get("exclusiveMinimum", -math.inf))
    if type(v) is not UNITS.get(rule.get("type", ""), type(v)):
        return False
    if isinstance(v, list):
        few = rule.get("minItems", 0) <= len(v) <= rule.get("maxItems", ENDLESS)
        return few and all(holds(item, rule.get("items", {})) for item in v)
    return not isinstance(v, dict) or whole(v, rule)


def whole(v: Body, rule: Body) -> bool:
    """Whether a map has what it must, and nothing wrong."""
    fields, others = rule.get("properties"), rule.get("additionalProperties", True)
    if fields is None:  # open (§3.6)
        return plain(v, DEEPEST) and all(holds(name, {"type": "string"} | rule.get("propertyNames", {})) for name in v)
    known = all(holds(v[name], field) for name, field in fields.items() if name in v)
    return known and v.keys() >= set(rule.get("required", [])) and (others is not False or v.keys() <= fields.keys())


def readable(v: object) -> bool:
    """Whether it is a text that was UTF-8."""
    return isinstance(v, str) and not any("\ud800" <= letter <= "\udfff" for letter in v)


def plain(v: object, room: int) -> bool:
    """Whether an open value (§3.6) holds nothing strange and is not deeper than `room`."""
    if isinstance(v, dict | list):
        names = all(map(readable, v)) if isinstance(v, dict) else True
        return room > 0 and names and all(plain(i, room - 1) for i in (v.values() if isinstance(v, dict) else v))
    return v is None or type(v) in (bool, bytes, int) or readable(v) or (type(v) is float and math.isfinite(v))


def checked(message: object) -> Body:
    """The message, if the schema lets it pass and its numbers rise (§5.4)."""
    if not isinstance(message, dict) or not isinstance(kind := message.get("type"), str):
        raise Malformed("not a map with a type")
    if kind not in MESSAGES:
        raise UnknownType(kind)
    if not holds(message, MESSAGES[kind]):
        raise Malformed(kind)
    if kind != "hello" and "after" in message:
        numbers = [message["after"], *(entry["seq"] for entry in message.get("readings", [message]))]
        if any(a >= b for a, b in itertools.pairwise(numbers)):
            raise Malformed("numbers do not rise")
    return message


def encode(message: Body) -> bytes:
    """The body of a message, looked at before it is said (§3.7)."""
    body: bytes = msgpack.packb(checked(message))
    if len(body) > MOST_BYTES:
        raise Malformed("too long")
    return body


def _map(pairs: list[tuple[object, object]]) -> object:
    fine = all(map(readable, (name for name, _ in pairs))) and len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs) if fine else object()  # what no rule lets pass


def decode(body: bytes) -> Body:
    """The message in a body; raises Malformed or UnknownType."""
    if len(body) > MOST_BYTES:
        raise Malformed("too long")
    lenient = {"strict_map_key": False, "unicode_errors": "surrogateescape", "ext_hook": lambda code, data: object()}
    try:
        message = msgpack.unpackb(body, object_pairs_hook=_map, **lenient)  # type: ignore[attr-defined]
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise Malformed(str(error)) from None
    return checked(message)
