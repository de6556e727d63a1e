"""Reading a YAML request field by field: every problem becomes one line with file, line, field, rule and remedy."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import yaml

from airspace.reasons import Reason, Rule, Words

SYNTAX = Rule(
    "request.syntax",
    Words("this is not readable YAML: {problem}", "无法解析的 YAML：{problem}"),
    Words("Correct the text here.", "请修正此处文本。"),
)
UNKNOWN = Rule(
    "request.unknown-field",
    Words("there is no field of this name", "不存在此字段"),
    Words("{hint}", "{hint}"),
)
MISSING = Rule(
    "request.missing-field",
    Words("this field is missing", "缺少此字段"),
    Words("Add it: {hint}.", "请补充：{hint}。"),
)
DUPLICATE = Rule(
    "request.duplicate",
    Words("{what} occurs twice, first in line {first}", "{what} 重复出现，首次见第 {first} 行"),
    Words("Keep one of them.", "请只保留一个。"),
)
TYPE = Rule(
    "request.type",
    Words("{found} stands where {wanted} must be", "此处应为{wanted}，实际为{found}"),
    Words("Write {wanted}.", "请填写{wanted}。"),
)
RANGE = Rule(
    "request.range",
    Words("{value} is outside {low:g} to {high:g}", "{value} 超出 {low:g} 至 {high:g} 的范围"),
    Words("Give a value from {low:g} to {high:g}{hint}.", "请填写 {low:g} 至 {high:g} 之间的值{hint}。"),
)
CHOICE = Rule(
    "request.choice",
    Words("{value} is not known here", "此处不支持 {value}"),
    Words("Write one of: {known}{hint}.", "请填写下列之一：{known}{hint}。"),
)
FORMAT = Rule(
    "request.format",
    Words("{value} is not {wanted}", "{value} 不是{wanted}"),
    Words("Write it like {example}.", "写法示例：{example}。"),
)
COUNT = Rule(
    "request.count",
    Words("{count} entries are given, and {low} to {high} are allowed", "给出 {count} 项，允许 {low} 至 {high} 项"),
    Words("Give {low} to {high} entries.", "请给出 {low} 至 {high} 项。"),
)
CONTRADICTION = Rule(
    "request.contradiction",
    Words("{what}", "{what}"),
    Words("{remedy}", "{remedy}"),
)

A_NUMBER = Words("a number", "数字")
AN_INTEGER = Words("a whole number", "整数")
A_TEXT = Words("a text (in quotes when it looks like a number)", "文本（形似数字时请加引号）")
A_MAPPING = Words("a block of fields", "字段块")
A_LIST = Words("a list", "列表")
A_TIME = Words("a time of RFC 3339 with its offset", "带时区偏移的 RFC 3339 时间")

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_INTEGER = re.compile(r"[-+]?\d+")
_SHOWN = 60  # characters of a wrong value that a reason repeats


class Problems:
    """What is wrong with one file, in the order in which it was found."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.reasons: list[Reason] = []

    def add(self, rule: Rule, line: int, path: str, **facts: Any) -> None:
        """One problem at a line (counted from 1) and a field."""
        self.reasons.append(Reason(rule, f"{self.file}:{line} {path}".rstrip(), facts))


def compose(text: str, problems: Problems) -> yaml.Node | None:
    """The text as YAML nodes, which know their lines; None when it is no single YAML document."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(SYNTAX, mark.line + 1 if mark else 1, "", problem=error.problem or error.context or "")
        return None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.add(SYNTAX, line, "", problem=f"character U+{ord(text[error.position]):04X} is not allowed")
        return None
    except RecursionError:
        problems.add(SYNTAX, 1, "", problem="it is nested too deeply")
        return None
    if node is None:
        problems.add(SYNTAX, 1, "", problem="the file is empty")
    return node


class Block:
    """One mapping of a request; each reader takes a field, checks it and returns it, or None after a problem.

    `known` maps every field name of the block to an example of it.
    """

    def __init__(self, node: yaml.Node, path: str, known: dict[str, str], problems: Problems) -> None:
        self.path = path
        self.line = _line(node)
        self._problems = problems
        self._known = known
        self._nodes: dict[str, yaml.Node] = {}
        self.readable = isinstance(node, yaml.MappingNode)
        if not isinstance(node, yaml.MappingNode):
            problems.add(TYPE, self.line, path, found=_kind(node), wanted=A_MAPPING)
            return
        for key, value in node.value:
            self._take(key, value)

    def _take(self, key: yaml.Node, value: yaml.Node) -> None:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
        if name in self._nodes:
            first = _line(self._nodes[name])
            self._problems.add(DUPLICATE, _line(key), self.at(name), what=f"field {name}", first=first)
        elif name not in self._known:
            self._problems.add(UNKNOWN, _line(key), self.at(_short(name)), hint=_nearest(name, self._known))
        else:
            self._nodes[name] = value

    def at(self, name: str) -> str:
        """The full path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Whether the field is given."""
        return name in self._nodes

    def line_of(self, name: str) -> int:
        """The line of a field, or of the block when it is not given."""
        return _line(self._nodes[name]) if name in self._nodes else self.line

    def refuse(self, rule: Rule, name: str, **facts: Any) -> None:
        """Note a problem with a field."""
        self._problems.add(rule, self.line_of(name), self.at(name), **facts)

    def _node(self, name: str, required: bool) -> yaml.Node | None:
        node = self._nodes.get(name)
        if node is None and required and self.readable:
            self.refuse(MISSING, name, hint=f"{name}: {self._known[name]}")
        return node

    def number(
        self, name: str, low: float, high: float, *, required: bool = True, hint: Words | str = ""
    ) -> float | None:
        """A finite number within [low, high]."""
        node = self._node(name, required)
        if node is None:
            return None
        if not (_plain(node) and _NUMBER.fullmatch(node.value)):
            self.refuse(TYPE, name, found=_kind(node), wanted=A_NUMBER)
            return None
        value = float(node.value)
        if not (math.isfinite(value) and low <= value <= high):
            self.refuse(RANGE, name, value=_short(node.value), low=low, high=high, hint=hint)
            return None
        return value

    def integer(self, name: str, low: int, high: int, *, required: bool = True) -> int | None:
        """A whole number within [low, high]."""
        node = self._node(name, required)
        if node is None:
            return None
        if not (_plain(node) and _INTEGER.fullmatch(node.value)):
            self.refuse(TYPE, name, found=_kind(node), wanted=AN_INTEGER)
            return None
        if len(node.value) > 12 or not low <= int(node.value) <= high:
            self.refuse(RANGE, name, value=_short(node.value), low=low, high=high, hint="")
            return None
        return int(node.value)

    def text(self, name: str, pattern: str = r"[^\x00-\x1f]{1,200}", *, required: bool = True) -> str | None:
        """A text that matches a pattern; the block's example shows how it looks."""
        node = self._node(name, required)
        if node is None:
            return None
        if not _is_text(node):
            self.refuse(TYPE, name, found=_kind(node), wanted=A_TEXT)
            return None
        value = str(node.value).strip()
        if not re.fullmatch(pattern, value):
            wanted = Words("of the right form", "规定的格式")
            self.refuse(FORMAT, name, value=_short(value) or '""', wanted=wanted, example=self._known[name])
            return None
        return value

    def choice(self, name: str, known: Sequence[str], hints: dict[str, Words] | None = None) -> str | None:
        """One of some words; `hints` has more to say about some wrong ones."""
        node = self._node(name, True)
        if node is None:
            return None
        value = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
        if value not in known:
            found = _short(value) if value else _kind(node)
            hint = (hints or {}).get(re.sub(r"[^A-Z0-9]", "", value.upper()), "")
            self.refuse(CHOICE, name, value=found, known=", ".join(known), hint=hint)
            return None
        return value

    def time(self, name: str) -> float | None:
        """An instant [s UTC]; always optional."""
        node = self._node(name, False)
        if node is None:
            return None
        value = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None or len(value) < len("2026-05-18T09:00Z"):
            self.refuse(FORMAT, name, value=_short(value) or _kind(node), wanted=A_TIME, example=self._known[name])
            return None
        return at.timestamp()

    def block(self, name: str, known: dict[str, str], *, required: bool = True) -> Block | None:
        """A block within this one; None when it is missing or no block."""
        node = self._node(name, required)
        if node is None:
            return None
        block = Block(node, self.at(name), known, self._problems)
        return block if block.readable else None

    def blocks(self, name: str, known: dict[str, str], low: int, high: int, *, required: bool = True) -> list[Block]:
        """A list of blocks; `low` and `high` bound its length."""
        return [
            Block(node, f"{self.at(name)}[{i}]", known, self._problems)
            for i, node in enumerate(self._list(name, low, high, required))
        ]

    def texts(self, name: str, pattern: str, high: int) -> list[str]:
        """An optional list of texts that match a pattern."""
        found: list[str] = []
        for i, node in enumerate(self._list(name, 0, high, False)):
            path = f"{self.at(name)}[{i}]"
            value = str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""
            if _is_text(node) and re.fullmatch(pattern, value):
                found.append(value)
            else:
                wanted = Words("of the right form", "规定的格式")
                shown = _short(value) or _kind(node)
                self._problems.add(FORMAT, _line(node), path, value=shown, wanted=wanted, example=self._known[name])
        return found

    def _list(self, name: str, low: int, high: int, required: bool) -> list[yaml.Node]:
        node = self._node(name, required)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.refuse(TYPE, name, found=_kind(node), wanted=A_LIST)
            return []
        if not low <= len(node.value) <= high:
            self.refuse(COUNT, name, count=len(node.value), low=low, high=high)
            return []
        return list(node.value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _short(value: str) -> str:
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "…"


def _plain(node: yaml.Node) -> bool:
    """Whether a scalar stands without quotes."""
    return isinstance(node, yaml.ScalarNode) and node.style is None


def _is_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"


def _kind(node: yaml.Node) -> Words | str:
    if isinstance(node, yaml.MappingNode):
        return A_MAPPING
    if isinstance(node, yaml.SequenceNode):
        return A_LIST
    return _short(str(node.value)) or Words("nothing", "空值")


def _nearest(name: str, known: dict[str, str]) -> Words:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return Words(f"Did you mean {close[0]}?", f"是否应为 {close[0]}？")
    fields = ", ".join(known)
    return Words(f"Remove it; the fields here are: {fields}.", f"请删除；此处可用字段：{fields}。")
