"""YAML files of the simulator: what is wrong is named with file, line and field."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from airspace.reasons import Refused, Rule, Words
from sim.yaml_file import read_yaml

BAD = Rule("test.bad", Words("{detail}", "{detail}"), Words("", ""))


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    x: int
    names: tuple[str, ...] = ()


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    parts: tuple[Inner, ...] = ()


GOOD = """title: one
parts:
  - x: 1
  - x: 2
    names:
      - a
      - b
"""


def where(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "f.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Refused) as caught:
        read_yaml(path, Outer, BAD)
    (reason,) = caught.value.reasons
    assert "\n" not in reason.text()
    return reason.where.removeprefix(str(path))


def test_what_is_good_is_read_and_its_fields_have_lines(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(GOOD, encoding="utf-8")
    outer, places = read_yaml(path, Outer, BAD)
    assert outer == Outer("one", (Inner(1), Inner(2, ("a", "b"))))
    fields = {"title": 1, "parts[0].x": 3, "parts[1].x": 4, "parts[1].names[1]": 7, "parts[9].x": 3, "nothing": 1}
    assert {field: places.where(field) for field in fields} == {
        field: f"{path}:{line} {field}" for field, line in fields.items()
    }


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("x: 2", "x: two", ":4 parts[1].x"),
        ("- b", "- {}", ":7 parts[1].names[1]"),
        ("title: one", "title: 1", ":1 title"),
        ("x: 1", "y: 1", ":3 parts[0]"),
        ("title: one", "title: one\nauthor: me", ":1"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, old: str, new: str, place: str) -> None:
    assert where(tmp_path, GOOD.replace(old, new)) == place


@pytest.mark.parametrize(
    ("text", "place"), [("a: [", ":1"), ("a: 1\nb: }", ":2"), (b"\xff\xfe", ""), ("", ":1"), ("- 1", ":1")]
)
def test_what_is_no_yaml_of_that_kind_is_refused(tmp_path: Path, text: str | bytes, place: str) -> None:
    assert where(tmp_path, text) == place


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        read_yaml(tmp_path / "nowhere.yaml", Outer, BAD)


def test_a_file_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    assert where(tmp_path, "[" * 20_000) == ""
