"""What is wrong with settings and parameters, in both languages: the field, what it must be, and in which unit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

import msgspec
from msgspec.inspect import (
    BoolType,
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

from airspace.reasons import Words
from poles.protocol.tables import type_text, units_of
from poles.services.units import SYMBOLS

TOLD_MOST = 4  # problems at once; a message of the protocol has room for so many
LONGEST_QUOTE = 40  # characters of what was given


def malformed(raw: Any, kind: type[msgspec.Struct]) -> Words | None:
    """Why values by their names on the wire are not of a type; None when they are. NaN and infinities never are."""
    found = list(islice(_problems(raw, kind, ""), TOLD_MOST))
    if not found:
        return None
    return Words("; ".join(each.en for each in found), "；".join(each.zh for each in found))


def _problems(raw: Any, kind: type[msgspec.Struct], at: str) -> Iterator[Words]:
    info, annotations, units = _known_of(kind)
    if not isinstance(raw, Mapping):
        yield _must(at.removesuffix("."), info, "", raw)
        return
    known = [field.encode_name for field in info.fields]
    if info.forbid_unknown_fields:
        for name in raw:
            if name not in known:
                yield _unknown(f"{at}{name}", known)
    for field, annotation in zip(info.fields, annotations, strict=True):
        name = field.encode_name
        if name in raw:
            yield from _of_field(raw[name], field, annotation, f"{at}{name}", units[name])
        elif field.required:
            wanted = _wanted(field.type, units[name])
            yield Words(f"{at}{name} is missing: {wanted.en}", f"缺少 {at}{name}：{wanted.zh.lstrip()}")


@cache
def _known_of(kind: type[msgspec.Struct]) -> tuple[StructType, tuple[Any, ...], dict[str, str]]:
    """Fields, annotations and units of a type."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, StructType)
    return info, tuple([field.type for field in msgspec.structs.fields(kind)]), units_of(kind)


def _of_field(value: Any, field: Field, annotation: Any, at: str, unit: str) -> Iterator[Words]:
    try:
        if _finite(msgspec.convert(value, annotation)):
            return
    except msgspec.ValidationError:
        if inner := list(islice(_inside(value, field.type, at), TOLD_MOST)):
            yield from inner
            return
    yield _must(at, field.type, unit, value)


def _inside(value: Any, type_: Type, at: str) -> Iterator[Words]:
    """What is wrong within an object, or within those of a list."""
    for each in _alternatives(type_):
        match each:
            case StructType() if isinstance(value, Mapping):
                yield from _problems(value, each.cls, f"{at}.")
            case VarTupleType() | ListType() if isinstance(value, list | tuple):
                for number, row in enumerate(value):
                    yield from _inside(row, each.item_type, f"{at}[{number}]")


def _finite(value: Any) -> bool:
    # a NaN passes every range check of msgspec
    match value:
        case float():
            return math.isfinite(value)
        case msgspec.Struct():
            return all(_finite(getattr(value, name)) for name in value.__struct_fields__)
        case tuple():
            return all(_finite(each) for each in value)
        case _:
            return True


def _alternatives(type_: Type) -> list[Type]:
    """A type without its notes, or those of a union but None."""
    while isinstance(type_, Metadata):
        type_ = type_.type
    if not isinstance(type_, UnionType):
        return [type_]
    return [each for one in type_.types for each in _alternatives(one) if not isinstance(each, NoneType)]


def _unknown(name: str, known: list[str]) -> Words:
    cut = _quoted(name)
    if not known:
        return Words(f"{cut} is unknown: nothing can be given", f"没有 {cut}：此处不接受任何参数")
    return Words(f"{cut} is unknown: there are {', '.join(known)}", f"没有 {cut}：可用 {'、'.join(known)}")


def _must(at: str, type_: Type, unit: str, value: Any) -> Words:
    wanted, got = _wanted(type_, unit), _quoted(value)
    return Words(f"{at} must be {wanted.en}, not {got}", f"{at} 须为{wanted.zh}，而非 {got}")


def _quoted(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1]}…"


def _wanted(type_: Type, unit: str) -> Words:
    found = [_words_of(each, SYMBOLS.get(unit, unit)) for each in _alternatives(type_)]
    return Words(" or ".join(each.en for each in found), "或".join(each.zh for each in found))


def _words_of(bare: Type, unit: str) -> Words:
    match bare:
        case FloatType():
            return _number(bare, unit, Words("a number", "数"))
        case IntType():
            return _number(bare, unit, Words("a whole number", "整数"))
        case BoolType():
            return Words("true or false", " true 或 false")
        case StrType(max_length=int(most)):
            en, zh = (f"{bare.min_length or 0} to ", f"{bare.min_length or 0} 至 ")
            en, zh = ("", "") if bare.min_length == most else (en, zh)
            return Words(f"text of {en}{most} characters", f" {zh}{most} 个字符的文本")
        case StrType():
            return Words("text", "文本")
        case EnumType() | LiteralType():
            values = [member.value for member in bare.cls] if isinstance(bare, EnumType) else list(bare.values)
            shown = [str(value) for value in values]
            return Words(f"one of {', '.join(shown)}", f" {'、'.join(shown)} 之一")
        case VarTupleType() | ListType():
            inner = _wanted(bare.item_type, unit)
            en, zh = ("a list", "列表")
            if bare.max_length is not None:
                en, zh = (f"a list of at most {bare.max_length}", f"至多 {bare.max_length} 项的列表")
            return Words(f"{en}, each {inner.en}", f"{zh}，每项为{inner.zh}")
        case StructType():
            names = [field.encode_name for field in bare.fields]
            return Words(f"an object with {', '.join(names)}", f"含 {'、'.join(names)} 的对象")
        case _:
            return Words(type_text(bare), f" {type_text(bare)}")


def _number(type_: FloatType | IntType, unit: str, what: Words) -> Words:
    suffix = f" {unit}" if unit else ""
    if type_.ge is not None and type_.le is not None:
        least, most = f"{type_.ge:.16g}", f"{type_.le:.16g}"
        return Words(f"{what.en} from {least} to {most}{suffix}", f" {least} 至 {most}{suffix} 的{what.zh}")
    bounds = (
        (type_.ge, "at least", "不小于"),
        (type_.gt, "above", "大于"),
        (type_.le, "at most", "不大于"),
        (type_.lt, "below", "小于"),
    )
    en = " and ".join(f"{word} {bound:.16g}" for bound, word, _ in bounds if bound is not None)
    zh = " 且".join(f"{word} {bound:.16g}" for bound, _, word in bounds if bound is not None)
    if en:
        return Words(f"{what.en} {en}{suffix}", f"{zh}{suffix} 的{what.zh}")
    return Words(f"{what.en} in {unit}", f"以 {unit} 为单位的{what.zh}") if unit else what
