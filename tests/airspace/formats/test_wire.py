"""Wire shapes: every problem of a document gets its place, and what passes is what msgspec takes."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType

from airspace.formats.chart import DEEPEST, MOST_REASONS, Chart
from airspace.formats.wire import FORMS, conform

Position = tuple[float, float]


class Disc(Struct, tag_field="kind", tag="disc", forbid_unknown_fields=True):
    centre: Position
    radius: Annotated[float, Meta(gt=0.0)]


class Area(Struct, tag_field="kind", tag="area"):
    ring: Annotated[list[Position], Meta(min_length=3)]


class Thing(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(extra={"form": "prose"})]
    shape: Disc | Area
    unit: Literal["M", "FT"]
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    open: bool = False
    note: str | None = None
    code: Annotated[str, Meta(min_length=2, max_length=4)] | UnsetType = UNSET
    said: str | list[str] | None = None
    more: Any = None
    box: dict[str, Any] | UnsetType = UNSET
    alone: Disc | UnsetType = UNSET


GOOD: dict[str, Any] = {
    "name": "a",
    "shape": {"kind": "disc", "centre": [1, 2.5], "radius": 3},
    "unit": "FT",
    "count": 9,
    "open": True,
    "note": None,
    "code": "abcd",
    "said": ["x"],
    "more": {"a": [1, None, "b", 2.5, True]},
    "box": {"a": {}},
    "alone": {"kind": "disc", "centre": [0, 0], "radius": 1},
}


def problems(value: Any, shape: Any = Thing) -> list[tuple[str, str]]:
    chart = Chart("x")
    read = conform(chart, value, shape, "thing")
    assert (read is None) == bool(chart.reasons)
    for reason in chart.reasons:
        assert reason.text("en").encode()
        assert reason.text("zh").encode()
    return [(reason.rule.code, reason.where.removeprefix("x ")) for reason in chart.reasons]


def test_a_document_of_the_shape_becomes_a_typed_value() -> None:
    read = conform(Chart("x"), GOOD, Thing, "thing")
    assert read is not None
    assert read.shape == Disc((1.0, 2.5), 3.0)
    assert read.count == 9
    assert read.said == ["x"]
    least = conform(Chart("x"), {"name": "a", "unit": "M", "shape": {"kind": "area", "ring": [[0, 0]] * 3}}, Thing, "")
    assert least is not None
    assert least.code is UNSET
    assert least.shape == Area([(0.0, 0.0)] * 3)


@pytest.mark.parametrize(
    ("member", "value", "code", "place"),
    [
        ("name", 3, "chart.shape", "thing.name"),
        ("name", " \t", "chart.shape", "thing.name"),
        ("name", "a\x07", "chart.shape", "thing.name"),
        ("name", "\ud800", "chart.shape", "thing.name"),
        ("name", None, "chart.shape", "thing.name"),
        ("unit", "KM", "chart.value", "thing.unit"),
        ("unit", ["M"], "chart.value", "thing.unit"),
        ("count", 0, "chart.range", "thing.count"),
        ("count", 10, "chart.range", "thing.count"),
        ("count", 5.0, "chart.shape", "thing.count"),
        ("count", True, "chart.shape", "thing.count"),
        ("count", 10**400, "chart.shape", "thing.count"),
        ("open", 1, "chart.shape", "thing.open"),
        ("note", 1, "chart.shape", "thing.note"),
        ("code", "a", "chart.length", "thing.code"),
        ("code", "abcde", "chart.length", "thing.code"),
        ("code", None, "chart.shape", "thing.code"),
        ("said", 3, "chart.shape", "thing.said"),
        ("said", ["a", 3], "chart.shape", "thing.said[1]"),
        ("more", {"a": [math.nan]}, "chart.shape", "thing.more.a[0]"),
        ("more", ["\udc00"], "chart.shape", "thing.more[0]"),
        ("more", {"\udc00": 1}, "chart.shape", "thing.more"),
        ("box", [], "chart.shape", "thing.box"),
        ("box", {"a": math.inf}, "chart.shape", "thing.box.a"),
        ("shape", [], "chart.shape", "thing.shape"),
        ("shape", {}, "chart.value", "thing.shape.kind"),
        ("shape", {"kind": "line"}, "chart.value", "thing.shape.kind"),
        ("shape", {"kind": ["disc"]}, "chart.value", "thing.shape.kind"),
        ("shape", {"kind": "disc", "radius": 1}, "chart.missing", "thing.shape.centre"),
        ("shape", {"kind": "disc", "radius": 0, "centre": [0, 0]}, "chart.range", "thing.shape.radius"),
        ("shape", {"kind": "disc", "radius": "1", "centre": [0, 0]}, "chart.shape", "thing.shape.radius"),
        ("shape", {"kind": "disc", "radius": 1, "centre": [0, 0, 0]}, "outline.position", "thing.shape.centre"),
        ("shape", {"kind": "disc", "radius": 1, "centre": [0, "0"]}, "outline.position", "thing.shape.centre"),
        ("shape", {"kind": "disc", "radius": 1, "centre": [0, 0], "x": 1}, "chart.unknown", "thing.shape.x"),
        ("shape", {"kind": "area", "ring": [[0, 0]]}, "chart.length", "thing.shape.ring"),
        ("shape", {"kind": "area", "ring": {}}, "chart.shape", "thing.shape.ring"),
        ("shape", {"kind": "area", "ring": [[0, 0]] * 3, "\ud800": 1}, "chart.shape", "thing.shape"),
        ("alone", {"kind": "area", "centre": [0, 0], "radius": 1}, "chart.value", "thing.alone.kind"),
        ("colour", 1, "chart.unknown", "thing.colour"),
    ],
)
def test_what_is_not_of_the_shape_is_named_with_its_place(member: str, value: Any, code: str, place: str) -> None:
    assert problems({**GOOD, member: value}) == [(code, place)]


def test_all_problems_are_told_at_once() -> None:
    found = problems({"shape": {"kind": "disc", "centre": 1, "radius": -1}, "unit": 3, "count": "x", "y": 1})
    assert [place for _, place in found] == [
        "thing.y",
        "thing.name",
        "thing.shape.centre",
        "thing.shape.radius",
        "thing.unit",
        "thing.count",
    ]
    assert problems([]) == [("chart.shape", "thing")]


def test_a_tag_that_is_missing_from_a_lone_struct_is_told() -> None:
    assert problems({"centre": [0, 0], "radius": 1}, Disc) == [("chart.value", "thing.kind")]


def test_what_is_too_deep_to_be_written_again_is_refused() -> None:
    deep: Any = 1
    for _ in range(DEEPEST):
        deep = [deep]
    assert problems({**GOOD, "more": deep}) == []
    assert problems({**GOOD, "more": [deep]}) == [("chart.deep", "thing.more")]


def test_a_thousand_problems_are_enough() -> None:
    chart = Chart("x")
    conform(chart, {"kind": "area", "ring": ["x"] * 100_000}, Area, "")
    assert len(chart.reasons) == MOST_REASONS + 1
    assert chart.gives_up("features[7]")
    assert chart.reasons[-1].rule.code == "chart.problems"
    assert not Chart("x").gives_up("")


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("id", ["a", "北 1"], ["", " ", "a\nb", "\u200b"]),
        ("prose", ["a\nb", "\u00a0x"], ["", " \n", "\x1b"]),
        ("country", ["CHN"], ["CN", "chn", "CHN ", "C1N"]),
        ("uri", ["https://a.example/b?c", "urn:x:y", "tel:110"], ["www.example.org", "https://a b", ":x", ""]),
        ("email", ["a@b"], ["a", "a@", "@b", "a b@c", "a@b@c"]),
        ("duration", ["P1D", "PT12H", "P1Y2M3DT4H5M6.5S", "P2W"], ["", "P", "PT", "1D", "P1H", "P1DT", "PT1D"]),
        (
            "date-time",
            ["2026-05-18T09:00:00Z", "2026-05-18t09:00:00.25+08:00"],
            ["2026-05-18", "2026-05-18T09:00Z", "2026-05-18T09:00:00", "2026-05-18 09:00:00Z"],
        ),
        (
            "uuid4",
            ["5e21ed7e-6ee9-4a35-8ba2-5d3c6a6a1d01", "5E21ED7E-6EE9-4A35-8BA2-5D3C6A6A1D01"],
            ["5e21ed7e-6ee9-1a35-8ba2-5d3c6a6a1d01", "5e21ed7e-6ee9-4a35-7ba2-5d3c6a6a1d01", "x", ""],
        ),
    ],
)
def test_a_form_takes_what_it_should_and_nothing_else(form: str, good: list[str], bad: list[str]) -> None:
    is_such, words = FORMS[form]
    assert [text for text in good if not is_such(text)] == []
    assert [text for text in bad if is_such(text)] == []
    assert words.en
    assert words.zh


def test_every_form_is_tested() -> None:
    assert set(FORMS) == {"id", "prose", "country", "uri", "email", "duration", "date-time", "uuid4"}


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.floats(-3, 12) | st.sampled_from(["M", "disc", "area", "a"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*GOOD, "kind", "centre", "radius", "ring"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=120)
@given(st.dictionaries(st.sampled_from([*GOOD]), values, max_size=3))
def test_what_msgspec_refuses_is_refused_and_the_rest_is_what_msgspec_makes_of_it(changed: dict[str, Any]) -> None:
    value = {**GOOD, **changed}
    chart = Chart("x")
    read = conform(chart, value, Thing, "")
    try:
        expected = msgspec.json.decode(json.dumps(value), type=Thing)
    except msgspec.ValidationError:
        assert read is None
        assert chart.reasons
    else:
        # A whole number written as 5.0 and a text of the wrong form pass msgspec alone.
        assert read == expected or chart.reasons
