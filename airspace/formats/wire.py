"""Documents checked against wire shapes: every problem at once, each at its place, then the shape as a typed value.

A wire shape is a `msgspec.Struct`; its annotations say everything that is checked: members and which are needed, unions
told apart by their tag, lengths, ranges, closed lists of values. `msgspec.convert` alone would stop at the first
problem and name no remedy. A text whose meaning is checked too carries a name of `FORMS`:
`Annotated[str, Meta(extra={"form": "email"})]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
import msgspec.inspect as shapes

from airspace.formats import chart_rules as rules
from airspace.formats.chart import DEEPEST, LIST, NUMBER, OBJECT, TEXT, Chart, finite, is_prose, joined, shown
from airspace.reasons import Rule, Words

T = TypeVar("T")

WHOLE = Words("a whole number", "整数")
TRUTH = Words("true or false", "true 或 false")
NOTHING = Words("null", "null")

LENGTH = Rule(
    "chart.length",
    Words("{count} is a length outside {low} to {high}", "长度 {count} 超出 {low} 至 {high} 的范围"),
    Words("Make it as long as the format allows.", "请调整到格式允许的长度。"),
)
TOO_DEEP = Rule(
    "chart.deep",
    Words("this holds more than {most} values inside each other", "嵌套超过 {most} 层"),
    Words("Make it flatter.", "请减少嵌套层数。"),
)

NO_ENTRIES = Rule(
    "chart.empty",
    Words("the document lists nothing", "文件未列出任何内容"),
    Words("Check that it is the file that was meant.", "请核对文件。"),
)

# What the text of each form must be, and what to call it. RFC 3986 and RFC 5322 are not checked beyond this: nobody is
# called or written to because of a chart, but a text that is plainly something else shows that fields were mixed up.
FORMS: dict[str, tuple[Callable[[str], object], Words]] = {
    "id": (lambda text: text.strip() and text.isprintable(), TEXT),
    "prose": (is_prose, TEXT),
    "country": (
        re.compile(r"[A-Z]{3}").fullmatch,
        Words("an ISO 3166-1 alpha-3 code such as CHN", "ISO 3166-1 三字母代码，例如 CHN"),
    ),
    "uri": (
        re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", re.ASCII).fullmatch,
        Words("an address such as https://example.org", "网址，例如 https://example.org"),
    ),
    "email": (
        re.compile(r"[^@\s]+@[^@\s]+").fullmatch,
        Words("an e-mail address such as uas@example.org", "电子邮箱，例如 uas@example.org"),
    ),
    "duration": (
        re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII).fullmatch,
        Words("an ISO 8601 duration such as P1DT12H", "ISO 8601 时长，例如 P1DT12H"),
    ),
    "date-time": (
        re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII).fullmatch,
        Words("a time such as 2026-05-18T09:00:00+08:00", "时刻，例如 2026-05-18T09:00:00+08:00"),
    ),
    "uuid4": (
        re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE).fullmatch,
        Words("a version 4 UUID", "第 4 版 UUID"),
    ),
}


def conform(chart: Chart, value: Any, shape: type[T], path: str) -> T | None:
    """The value as a wire shape, or None with a reason for everything in it that is not as the shape says."""
    before = len(chart.reasons)
    described: shapes.Type = _described(shape)  # type: ignore[arg-type]  # a type is hashable, mypy's T may be none
    _check(chart, value, described, path)
    return msgspec.convert(value, shape) if len(chart.reasons) == before else None


@lru_cache(maxsize=64)
def _described(shape: Any) -> shapes.Type:
    return shapes.type_info(shape)


def _check(chart: Chart, value: Any, shape: shapes.Type, path: str) -> None:
    _CHECKS[type(shape)](chart, value, shape, path)


def _check_struct(chart: Chart, value: Any, shape: shapes.StructType, path: str) -> None:
    members = chart.object(value, path)
    if members is None:
        return
    fields = shape.fields
    if shape.forbid_unknown_fields:
        known = [field.encode_name for field in fields] + ([shape.tag_field] if shape.tag_field else [])
        chart.known_only(members, known, path)
    for name in members:
        if not _is_encodable(name):
            chart.add(rules.WRONG_SHAPE, path, found=shown(name), expected=TEXT)
    if shape.tag_field is not None and members.get(shape.tag_field) != shape.tag:
        found = shown(members.get(shape.tag_field))
        chart.add(rules.UNKNOWN_VALUE, joined(path, shape.tag_field), found=found, known=str(shape.tag))
    for field in fields:
        at = joined(path, field.encode_name)
        if field.encode_name in members:
            _check(chart, members[field.encode_name], field.type, at)
        elif field.required:
            chart.add(rules.MISSING, at, expected=_expected(field.type))


def _check_union(chart: Chart, value: Any, shape: shapes.UnionType, path: str) -> None:
    fitting = [kind for kind in shape.types if _is_of(value, kind)]
    if len(fitting) == 1:
        _check(chart, value, fitting[0], path)
        return
    if not fitting:
        chart.add(rules.WRONG_SHAPE, path, found=shown(value), expected=_expected(shape))
        return
    structs = [kind for kind in fitting if isinstance(kind, shapes.StructType)]
    field = structs[0].tag_field
    assert field is not None, "a union tells its shapes apart by a tag"
    tag = value.get(field)
    for kind in structs:
        if kind.tag == tag:
            _check(chart, value, kind, path)
            return
    known = ", ".join(str(kind.tag) for kind in structs)
    chart.add(rules.UNKNOWN_VALUE, joined(path, field), found=shown(tag), known=known)


def _check_list(chart: Chart, value: Any, shape: shapes.ListType, path: str) -> None:
    items = chart.list(value, path)
    if items is None:
        return
    _check_length(chart, len(items), shape.min_length, shape.max_length, path)
    check = _CHECKS[type(shape.item_type)]
    for i, item in enumerate(items):
        check(chart, item, shape.item_type, f"{path}[{i}]")
        if chart.is_full:
            return


def _check_pair(chart: Chart, value: Any, shape: shapes.TupleType, path: str) -> None:
    """A position: the one shape of a fixed number of numbers that charts use."""
    if (
        isinstance(value, list | tuple)
        and len(value) == len(shape.item_types)
        and all(finite(number) is not None for number in value)
    ):
        return
    chart.add(rules.POSITION, path, found=shown(value))


def _check_text(chart: Chart, value: Any, shape: shapes.StrType, path: str) -> None:
    if not isinstance(value, str) or not _is_encodable(value):
        chart.add(rules.WRONG_SHAPE, path, found=shown(value), expected=TEXT)
        return
    _check_length(chart, len(value), shape.min_length, shape.max_length, path)


def _check_form(chart: Chart, value: Any, shape: shapes.Metadata, path: str) -> None:
    before = len(chart.reasons)
    _check(chart, value, shape.type, path)
    form = (shape.extra or {}).get("form")
    if form is None or len(chart.reasons) > before:
        return
    is_such, expected = FORMS[form]
    if not is_such(value):
        chart.add(rules.WRONG_SHAPE, path, found=shown(value), expected=expected)


def _check_number(chart: Chart, value: Any, shape: shapes.FloatType | shapes.IntType, path: str) -> None:
    number = finite(value)
    whole = isinstance(shape, shapes.IntType)
    if number is None or (whole and not isinstance(value, int)):
        chart.add(rules.WRONG_SHAPE, path, found=shown(value), expected=WHOLE if whole else NUMBER)
        return
    too_low = (shape.ge is not None and number < shape.ge) or (shape.gt is not None and number <= shape.gt)
    too_high = (shape.le is not None and number > shape.le) or (shape.lt is not None and number >= shape.lt)
    if too_low or too_high:
        low = next((float(end) for end in (shape.ge, shape.gt) if end is not None), float("-inf"))
        high = next((float(end) for end in (shape.le, shape.lt) if end is not None), float("inf"))
        chart.add(rules.OUT_OF_RANGE, path, found=shown(value), low=low, high=high, unit=_expected(shape))


def _check_truth(chart: Chart, value: Any, shape: shapes.BoolType, path: str) -> None:
    if not isinstance(value, bool):
        chart.add(rules.WRONG_SHAPE, path, found=shown(value), expected=TRUTH)


def _check_literal(chart: Chart, value: Any, shape: shapes.LiteralType, path: str) -> None:
    if not (isinstance(value, str) and value in shape.values):
        chart.add(rules.UNKNOWN_VALUE, path, found=shown(value), known=", ".join(map(str, shape.values)))


def _check_nothing(chart: Chart, value: Any, shape: shapes.NoneType, path: str) -> None:
    if value is not None:
        chart.add(rules.WRONG_SHAPE, path, found=shown(value), expected=NOTHING)


def _check_object(chart: Chart, value: Any, shape: shapes.DictType, path: str) -> None:
    if chart.object(value, path) is not None:
        _check_plain(chart, value, shapes.AnyType(), path)


def _check_plain(chart: Chart, value: Any, shape: shapes.AnyType, path: str) -> None:
    """Anything that can be written as JSON again: finite, encodable, not too deep."""
    waiting: list[tuple[Any, str, int]] = [(value, path, 0)]
    while waiting and not chart.is_full:
        inner, at, depth = waiting.pop()
        if depth > DEEPEST:
            chart.add(TOO_DEEP, path, most=DEEPEST)
            return
        if isinstance(inner, Mapping):
            for name in inner:
                if not _is_encodable(name):
                    chart.add(rules.WRONG_SHAPE, at, found=shown(name), expected=TEXT)
            waiting += [(member, joined(at, name), depth + 1) for name, member in inner.items()]
        elif isinstance(inner, list | tuple):
            waiting += [(item, f"{at}[{i}]", depth + 1) for i, item in enumerate(inner)]
        elif isinstance(inner, str):
            if not _is_encodable(inner):
                chart.add(rules.WRONG_SHAPE, at, found=shown(inner), expected=TEXT)
        elif inner is not None and not isinstance(inner, bool) and finite(inner) is None:
            chart.add(rules.WRONG_SHAPE, at, found=shown(inner), expected=NUMBER)


_CHECKS: dict[type[shapes.Type], Callable[[Chart, Any, Any, str], None]] = {
    shapes.StructType: _check_struct,
    shapes.UnionType: _check_union,
    shapes.ListType: _check_list,
    shapes.TupleType: _check_pair,
    shapes.StrType: _check_text,
    shapes.Metadata: _check_form,
    shapes.FloatType: _check_number,
    shapes.IntType: _check_number,
    shapes.BoolType: _check_truth,
    shapes.LiteralType: _check_literal,
    shapes.NoneType: _check_nothing,
    shapes.DictType: _check_object,
    shapes.AnyType: _check_plain,
}


def _check_length(chart: Chart, count: int, least: int | None, most: int | None, path: str) -> None:
    low, high = least or 0, count if most is None else most
    if not low <= count <= high:
        chart.add(LENGTH, path, count=count, low=low, high="∞" if most is None else most)


def _is_of(value: Any, shape: shapes.Type) -> bool:
    """Whether a value is of the JSON kind that a shape describes; what is inside is not looked at."""
    while isinstance(shape, shapes.Metadata):
        shape = shape.type
    match shape:
        case shapes.StructType() | shapes.DictType():
            return isinstance(value, Mapping)
        case shapes.ListType() | shapes.TupleType():
            return isinstance(value, list | tuple)
        case shapes.StrType() | shapes.LiteralType():
            return isinstance(value, str)
        case shapes.NoneType():
            return value is None
        case shapes.BoolType():
            return isinstance(value, bool)
        case _:
            return isinstance(value, int | float) and not isinstance(value, bool)


def _expected(shape: shapes.Type) -> Words:
    """What a shape asks for, in words."""
    match shape:
        case shapes.Metadata():
            form = (shape.extra or {}).get("form")
            return FORMS[form][1] if form else _expected(shape.type)
        case shapes.UnionType():
            parts = [_expected(kind) for kind in shape.types if not isinstance(kind, shapes.NoneType)]
            parts = list(dict.fromkeys(parts))
            return Words(" or ".join(part.en for part in parts), "或".join(part.zh for part in parts))
        case shapes.LiteralType():
            known = ", ".join(map(str, shape.values))
            return Words(f"one of: {known}", f"下列之一：{known}")
        case shapes.StructType() | shapes.DictType():
            return OBJECT
        case shapes.ListType() | shapes.TupleType():
            return LIST
        case shapes.IntType():
            return WHOLE
        case shapes.FloatType():
            return NUMBER
        case shapes.BoolType():
            return TRUTH
        case _:
            return TEXT


def _is_encodable(text: str) -> bool:
    """Whether a text can be written as UTF-8: JSON can spell half of a surrogate pair, which stands for nothing."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
