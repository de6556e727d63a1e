"""YAML files of the simulator: read into structs, with the file, line and field of whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from airspace.reasons import Reason, Refused, Rule, Words
from sim.yaml_words import UNKNOWN_FIELD, field_words, syntax_words

T = TypeVar("T", bound=msgspec.Struct)

NO_FILE = Rule(
    "yaml.no-file",
    Words("there is no file {file}", "没有文件 {file}"),
    Words("Correct the path, or put the file there.", "请更正路径，或将文件放到该处。"),
)
UNREADABLE = Rule(
    "yaml.unreadable",
    Words("it cannot be read: {detail}", "无法读取：{detail}"),
    Words("Give a file that may be read.", "请给出可读取的文件。"),
)
NOT_UTF8 = Rule(
    "yaml.not-utf8",
    Words("it is not UTF-8{looks}", "文件不是 UTF-8 编码{looks}"),
    Words("Save it as UTF-8.", "请另存为 UTF-8 编码。"),
)
REPEATED_KEY = Rule(
    "yaml.repeated-key",
    Words("{key} stands twice, in lines {first} and {again}", "{key} 重复出现于第 {first} 行和第 {again} 行"),
    Words("Keep one of them.", "请只保留其中之一。"),
)
TOO_DEEP = Words("it is nested too deeply", "嵌套过深")

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Places:
    """Where in a YAML file its fields stand; a field is written as `poles[3].services`."""

    def __init__(self, path: Path, root: yaml.Node | None) -> None:
        self._path = path
        self._root = root

    def where(self, field: str) -> str:
        """The file, the line of a field, or of the nearest block around it, and the field."""
        node = self._root
        line = 1 if node is None else node.start_mark.line + 1
        for name, number in _STEP.findall(field):
            node = _inside(node, name, number)
            if node is None:
                break
            line = node.start_mark.line + 1
        return f"{self._path}:{line} {field}".rstrip()


def _inside(node: yaml.Node | None, name: str, number: str) -> yaml.Node | None:
    if number:
        items: list[yaml.Node] = node.value if isinstance(node, yaml.SequenceNode) else []
        return items[int(number)] if int(number) < len(items) else None
    if isinstance(node, yaml.MappingNode):
        pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
        for key, value in pairs:
            if key.value == name:
                return key if isinstance(value, yaml.ScalarNode) else value
    return None


def read_yaml(path: Path, kind: type[T], malformed: Rule) -> tuple[T, Places]:
    """The struct that a file holds, and where its fields stand.

    Raises `Refused` for what cannot be read, for keys that stand twice, and with the rule `malformed`, whose words take
    a `detail`, for what is no such file.
    """
    tree, places = read_tree(path, malformed)
    try:
        return msgspec.convert(tree, kind), places
    except msgspec.ValidationError as error:
        said, _, at = str(error).partition(" - at ")
        field = at.removeprefix("`key` in ").strip("`").removeprefix("$").strip(".")
        detail = field_words(said, field, kind)
        if unknown := UNKNOWN_FIELD.fullmatch(said):
            field = f"{field}.{unknown['name']}".strip(".")
        raise Refused([Reason(malformed, places.where(field), {"detail": detail})]) from None


def read_tree(path: Path, malformed: Rule) -> tuple[Any, Places]:
    """The plain values of a file, and where its fields stand. Raises `Refused` as `read_yaml` does."""
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        places = Places(path, root)
        if repeated := list(_repeated(root, path, set())):
            raise Refused(repeated)
        return yaml.safe_load(text), places
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = str(path) if mark is None else f"{path}:{mark.line + 1}"
        detail = syntax_words(_one_line(error.problem or error))
        raise Refused([Reason(malformed, where, {"detail": detail})]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise Refused([Reason(malformed, str(path), {"detail": syntax_words(_one_line(error))})]) from None
    except RecursionError:
        raise Refused([Reason(malformed, str(path), {"detail": TOO_DEEP})]) from None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Refused([Reason(NO_FILE, str(path), {"file": path})]) from None
    except OSError as error:
        raise Refused([Reason(UNREADABLE, str(path), {"detail": error.strerror or error})]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refused([Reason(NOT_UTF8, f"{path}:{line}", {"looks": _looks_like(data)})]) from None


def _looks_like(data: bytes) -> Words:
    """What the encoding of a text may be that is not UTF-8."""
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return Words("", "")
    return Words("; it looks like GBK", "，疑似 GBK 编码")


def _repeated(node: yaml.Node | None, path: Path, seen: set[int]) -> Iterator[Reason]:
    """Keys that stand twice in one block; `seen` are the blocks that were looked at, which aliases lead to again."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item, path, seen)
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and key.value in first:
            facts = {"key": key.value, "first": first[key.value], "again": line}
            yield Reason(REPEATED_KEY, f"{path}:{line} {key.value}", facts)
        elif isinstance(key, yaml.ScalarNode):
            first[key.value] = line
        yield from _repeated(value, path, seen)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
