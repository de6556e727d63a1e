"""What is wrong with a YAML file in two languages, from what its parser and the reader of its fields say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import msgspec
from msgspec import inspect

from airspace.reasons import Words

UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<name>.*)`")
ENUM = re.compile(r"Invalid enum value (?P<value>.*)")
_STEP = re.compile(r"[^.\[\]]+|\[(?:\d+|\.\.\.)\]")

_FIELDS = (
    (re.compile(r"Object missing required field `(?P<name>.*)`"), "缺少必填字段 {name}"),
    (re.compile(r"Expected `(?P<kind>[^`]*)`, got `(?P<got>[^`]*)`"), "应为{kind}，实际为{got}"),
    (re.compile(r"Expected `(?P<kind>[^`]*)` of length (?P<bound>[<>=]+ \d+)"), "{kind}的长度应 {bound}"),
    (re.compile(r"Expected `(?P<kind>[^`]*)` matching regex (?P<bound>.*)"), "{kind}应符合格式 {bound}"),
    (re.compile(r"Expected `(?P<kind>[^`]*)` (?P<bound>[<>=]+ \S+)"), "超出范围：{kind}应 {bound}"),
    (re.compile(r"Expected `(?P<kind>[^`]*)`"), "应为{kind}"),
)
_TYPES = {
    "object": "字段组",
    "array": "列表",
    "str": "文本",
    "int": "整数",
    "float": "数值",
    "bool": "布尔值",
    "null": "空值",
}
_SYNTAX = (
    ("mapping values are not allowed", "此处不能出现“键: 值”（多余的冒号，或上一行缩进有误）"),
    ("could not find expected ':'", "缺少冒号“:”"),
    ("cannot start any token", "存在不能作为开头的字符（缩进须用空格，不能用制表符）"),
    ("expected <block end>", "缩进或层级不一致"),
    ("expected ',' or", "缺少逗号或右括号"),
    ("expected the node content", "缺少内容，或括号多余"),
    ("unexpected end of stream", "引号或括号未闭合"),
    ("undefined alias", "引用了未定义的锚点"),
    ("could not determine a constructor", "不支持该标签"),
    ("special characters are not allowed", "含有不允许的控制字符"),
)


def syntax_words(problem: str) -> Words:
    """What the parser says of a text that is no YAML."""
    zh = next((said for known, said in _SYNTAX if known in problem), problem)
    return Words(problem, f"YAML 语法有误：{zh}")


def field_words(said: str, field: str, kind: type[msgspec.Struct]) -> Words:
    """What msgspec says of a field of a struct, with what is allowed there or what was probably meant."""
    if found := UNKNOWN_FIELD.fullmatch(said):
        known = [name for one in _at(kind, field) if isinstance(one, inspect.StructType) for name in _names(one)]
        near = get_close_matches(found["name"], known, n=1, cutoff=0.6)
        en, zh = (f"; did you mean `{near[0]}`?", f"，是否应为 {near[0]}？") if near else ("", "")
        return Words(said + en, f"未知字段 {found['name']}{zh}")
    if found := ENUM.fullmatch(said):
        allowed = ", ".join(str(value) for one in _at(kind, field) for value in _values(one))
        return Words(f"{said}; allowed: {allowed}", f"{found['value']} 不在允许的取值之内：{allowed}")
    for pattern, zh in _FIELDS:
        if found := pattern.match(said):
            return Words(said, zh.format(**{name: _chinese(name, text) for name, text in found.groupdict().items()}))
    return Words(said, said)


def _chinese(name: str, text: str) -> str:
    if name not in ("kind", "got"):
        return text
    return "或".join(_TYPES.get(one, one) for one in text.split(" | "))


def _at(kind: type[msgspec.Struct], field: str) -> list[inspect.Type]:
    """The types that stand at a field, which is written as `poles[3].services`, of a struct."""
    here = list(_plain([inspect.type_info(kind)]))
    for step in _STEP.findall(field):
        here = list(_plain(inner for one in here for inner in _inside(one, step)))
    return here


def _inside(one: inspect.Type, step: str) -> Iterator[inspect.Type]:
    match one:
        case inspect.StructType():
            yield from (field.type for field in one.fields if field.encode_name == step)
        case inspect.VarTupleType() | inspect.ListType():
            yield one.item_type
        case inspect.DictType():
            yield one.value_type
        case _:
            pass


def _plain(types: Iterable[inspect.Type]) -> Iterator[inspect.Type]:
    """The types without what wraps them: alternatives each by itself."""
    for one in types:
        match one:
            case inspect.UnionType():
                yield from _plain(one.types)
            case inspect.Metadata():
                yield from _plain([one.type])
            case _:
                yield one


def _names(one: inspect.StructType) -> list[str]:
    return [field.encode_name for field in one.fields]


def _values(one: inspect.Type) -> tuple[object, ...]:
    return tuple(one.values) if isinstance(one, inspect.LiteralType) else ()
