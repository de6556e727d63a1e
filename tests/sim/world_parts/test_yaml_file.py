"""YAML files of the simulator: what is wrong is named with file, line and field."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from airspace.reasons import Reason, Refused, Rule, Words
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
        ("x: 1", "y: 1", ":3 parts[0].y"),
        ("title: one", "title: one\nauthor: me", ":2 author"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, old: str, new: str, place: str) -> None:
    assert where(tmp_path, GOOD.replace(old, new)) == place


@pytest.mark.parametrize(
    ("text", "place"), [("a: [", ":1"), ("a: 1\nb: }", ":2"), (b"\xff\xfe", ":1"), ("", ":1"), ("- 1", ":1")]
)
def test_what_is_no_yaml_of_that_kind_is_refused(tmp_path: Path, text: str | bytes, place: str) -> None:
    assert where(tmp_path, text) == place


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        read_yaml(tmp_path / "nowhere.yaml", Outer, BAD)


def reasons_of(tmp_path: Path, data: bytes) -> tuple[Reason, ...]:
    path = tmp_path / "f.yaml"
    path.write_bytes(data)
    with pytest.raises(Refused) as caught:
        read_yaml(path, Outer, BAD)
    return caught.value.reasons


def test_keys_that_stand_twice_are_refused_with_both_lines(tmp_path: Path) -> None:
    twice = GOOD.replace("  - x: 1", "  - x: 1\n    x: 3") + "title: two\n"
    reasons = reasons_of(tmp_path, twice.encode())
    assert [reason.rule.code for reason in reasons] == ["yaml.repeated-key"] * 2
    assert [reason.where.rpartition(":")[2] for reason in reasons] == ["4 x", "9 title"]
    assert "lines 1 and 9" in reasons[1].text("en")
    assert "第 3 行和第 4 行" in reasons[0].text("zh")


def test_what_an_alias_repeats_is_no_repetition(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("title: one\nparts: [&p {x: 1}, *p, *p]\n", encoding="utf-8")
    assert read_yaml(path, Outer, BAD)[0].parts == (Inner(1),) * 3


def test_a_file_in_another_encoding_is_refused_with_what_it_looks_like(tmp_path: Path) -> None:
    (reason,) = reasons_of(tmp_path, "# one\ntitle: 郑州西站".encode("gbk"))
    assert reason.rule.code == "yaml.not-utf8"
    assert reason.where.endswith("f.yaml:2")
    assert "looks like GBK" in reason.text("en")
    assert "疑似 GBK" in reason.text("zh")
    assert "UTF-8" in reason.rule.remedy.zh


def test_a_byte_order_mark_is_no_part_of_the_first_field(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_yaml(path, Outer, BAD)[0].title == "one"


@pytest.mark.parametrize(
    ("text", "zh"),
    [
        ("title: a: b", "多余的冒号"),
        ("title: [a", "缺少逗号或右括号"),
        ("\ttitle: a", "不能用制表符"),
        ("title: 'a", "引号或括号未闭合"),
    ],
)
def test_what_is_no_yaml_is_said_in_both_languages(tmp_path: Path, text: str, zh: str) -> None:
    (reason,) = reasons_of(tmp_path, text.encode())
    assert zh in reason.text("zh")
    assert zh not in reason.text("en")


def test_a_file_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    assert where(tmp_path, "[" * 20_000) == ""
