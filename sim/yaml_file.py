"""YAML files of the simulator: read into structs, with the file, line and field of whatever is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from airspace.reasons import Reason, Refused, Rule

T = TypeVar("T", bound=msgspec.Struct)

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

    Raises `Refused` with the rule `malformed`, whose words take a `detail`, for what is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8")
        places = Places(path, yaml.compose(text, Loader=yaml.SafeLoader))
        tree = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = str(path) if mark is None else f"{path}:{mark.line + 1}"
        raise Refused([Reason(malformed, where, {"detail": _one_line(error.problem or error)})]) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused([Reason(malformed, str(path), {"detail": _one_line(error)})]) from None
    except RecursionError:
        raise Refused([Reason(malformed, str(path), {"detail": "it is nested too deeply"})]) from None
    try:
        return msgspec.convert(tree, kind), places
    except msgspec.ValidationError as error:
        what, _, field = str(error).partition(" - at `$")
        raise Refused([Reason(malformed, places.where(field.strip("`.")), {"detail": what})]) from None


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
