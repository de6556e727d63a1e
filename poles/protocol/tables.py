"""The tables of docs/poles-protocol.md, made from the types themselves and their descriptions."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import msgspec
from msgspec.inspect import (
    AnyType,
    BoolType,
    BytesType,
    DictType,
    EnumType,
    Field,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
)

from poles.protocol.messages import MAX_SEQ

_NUMBERS = {MAX_SEQ: "2^63-1", 2**53: "2^53"}


def fields_table(kind: type[msgspec.Struct], *, with_units: bool = False) -> list[str]:
    """The fields of a struct as lines of a Markdown table, with a column for units where they are of the registry."""
    head = ["field", "type", *(["unit"] if with_units else []), "default", "meaning"]
    rows = [head, ["---"] * len(head)]
    for field in _struct(kind).fields:
        bare, notes, unit = _bare(field.type)
        row = [f"`{field.encode_name}`", type_text(bare), *([unit] if with_units else []), _default(field), notes]
        rows.append(row)
    return [f"| {' | '.join(row)} |" for row in rows]


def units_of(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The unit of each field by its name on the wire, empty where it has none."""
    return {field.encode_name: _bare(field.type)[2] for field in _struct(kind).fields}


def type_text(type_: Type) -> str:
    """A type as the tables write it: its MessagePack kind, its range, and what stands in it."""
    bare, _, _ = _bare(type_)
    match bare:
        case AnyType():
            return "any"
        case BoolType():
            return "bool"
        case NoneType():
            return "nil"
        case IntType() | FloatType():
            return f"{'int' if isinstance(bare, IntType) else 'float'}{_range(bare)}"
        case StrType():
            return f"str{_length(bare.min_length, bare.max_length, ' characters')}"
        case BytesType():
            return f"bin{_length(bare.min_length, bare.max_length, ' bytes')}"
        case VarTupleType() | ListType():
            inner = type_text(bare.item_type)
            return f"array{_length(bare.min_length, bare.max_length, '')} of {inner}"
        case DictType():
            return f"map of {type_text(bare.key_type)} to {type_text(bare.value_type)}"
        case EnumType():
            return _one_of(member.value for member in bare.cls)
        case LiteralType():
            return _one_of(bare.values)
        case UnionType():
            return " or ".join(type_text(each) for each in bare.types)
        case StructType():
            return bare.cls.__name__
        case _:
            raise TypeError(f"no words for {bare!r}")


def purpose(kind: type) -> str:
    """The docstring of a type as one paragraph for each of its own."""
    text = inspect.getdoc(kind) or ""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _struct(kind: type[msgspec.Struct]) -> StructType:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, StructType)
    return info


def _bare(type_: Type) -> tuple[Type, str, str]:
    """A type without its notes, the notes, and the unit."""
    notes, unit = "", ""
    if isinstance(type_, Metadata):
        notes = str((type_.extra_json_schema or {}).get("description", ""))
        unit = str((type_.extra or {}).get("unit", ""))
        inner, inner_notes, inner_unit = _bare(type_.type)
        return inner, notes or inner_notes, unit or inner_unit
    if isinstance(type_, UnionType):
        for each in type_.types:
            _, each_notes, each_unit = _bare(each)
            notes, unit = notes or each_notes, unit or each_unit
    return type_, notes, unit


def _default(field: Field) -> str:
    if field.required:
        return "required"
    default: Any = field.default
    if default is msgspec.NODEFAULT:
        default = field.default_factory()
    if isinstance(default, Enum):
        default = default.value
    return "nil" if default is None else _written(default)


def _range(type_: IntType | FloatType) -> str:
    parts = [
        f"{sign} {_number(bound)}"
        for sign, bound in ((">", type_.gt), ("≥", type_.ge), ("<", type_.lt), ("≤", type_.le))
        if bound is not None
    ]
    return "".join(f" {part}" for part in [", ".join(parts)] if part)


def _number(bound: float) -> str:
    return _NUMBERS.get(int(bound), f"{int(bound)}" if float(bound).is_integer() else f"{bound:g}")


def _length(least: int | None, most: int | None, what: str) -> str:
    if least is None and most is None:
        return ""
    if least == most:
        return f" of {least}{what}"
    return f" {least or 0}…{most}{what}" if most is not None else f" ≥ {least}{what}"


def _one_of(values: Iterable[Any]) -> str:
    return " / ".join(_written(value) for value in values)


def _written(value: Any) -> str:
    return f"`{msgspec.json.encode(value).decode()}`"


def section(kind: type[msgspec.Struct], heading: str, *, with_units: bool = False) -> Iterator[str]:
    """One type: heading, purpose, fields."""
    yield from (heading, "", purpose(kind), "")
    if _struct(kind).fields:
        yield from (*fields_table(kind, with_units=with_units), "")
    else:
        yield from ("No fields.", "")
