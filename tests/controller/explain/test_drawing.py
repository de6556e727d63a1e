from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib import font_manager
from shapely.geometry import box

from airspace.charted import Restriction
from airspace.clearing import Answer, Question, clear
from airspace.ground.clearance import RequiredClearance
from airspace.intents import IntentState, OperationalIntent
from airspace.model import Airspace
from airspace.reasons import Lang, Refused, Words
from airspace.remedies import Remedy, RemedyKind, remedies
from airspace.volumes import Volume4D
from airspace.zones import Zone
from controller.explain import style
from controller.explain.drawing import draw
from controller.explain.sheet import ROW_LETTERS, _wrapped, sheet_bytes
from controller.explain.style import BY_LEAVE, CLOSED, IDLE, MET, lettering, letters_wide, look_of
from tests.airspace.routes import LIMITS, Ridge, asked, closed, route
from tests.airspace.shapes import FRAME, zone
from tests.controller.explain.answers import example_answer


def texts(svg: bytes) -> str:
    """All that an SVG writes, one line for each text."""
    return "\n".join("".join(text.itertext()) for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"))


@pytest.fixture(scope="module")
def blocked() -> tuple[Answer, tuple[Remedy, ...]]:
    answer = example_answer()
    return answer, remedies(answer, LIMITS)


def test_a_sheet_writes_what_is_met_where_and_what_would_clear_it(blocked: tuple[Answer, tuple[Remedy, ...]]) -> None:
    said = texts(sheet_bytes(*blocked, "svg", "en"))
    for words in ("Example hospital pad", "ZZ-PAD-1", "Interim Regulations art. 33", "500 m", "N", "margins"):
        assert words in said
    for remedy in blocked[1]:
        assert remedy.words.en in said
    assert "height above mean sea level [m]" in said


def test_a_chinese_sheet_is_in_chinese_where_there_is_a_font(blocked: tuple[Answer, tuple[Remedy, ...]]) -> None:
    said = texts(sheet_bytes(*blocked, "svg", "zh"))
    if lettering("zh").chinese:
        assert "示例医院直升机起降点" in said
    else:
        assert style.NO_CHINESE_FONT.en in said


def test_without_a_chinese_font_a_sheet_is_in_english_and_says_so(
    blocked: tuple[Answer, tuple[Remedy, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(font_manager, "get_font_names", lambda: ["DejaVu Sans"])
    said = texts(sheet_bytes(*blocked, "svg", "zh"))
    assert style.NO_CHINESE_FONT.en in said
    assert "Example hospital pad" in said
    assert not any(ord(character) > 0x2E80 for character in said)
    assert lettering("en", ["DejaVu Sans"]).write(Words("厂区 A", "厂区 A")) == "□□ A"


def test_the_same_answer_gives_the_same_file(blocked: tuple[Answer, tuple[Remedy, ...]]) -> None:
    assert sheet_bytes(*blocked, "svg", "en") == sheet_bytes(*blocked, "svg", "en")
    assert sheet_bytes(*blocked, "png", "en") == sheet_bytes(*blocked, "png", "en")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".PNG"])
def test_a_sheet_is_written_in_the_form_that_its_name_says(
    blocked: tuple[Answer, tuple[Remedy, ...]], tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"sheet{suffix}"
    draw(*blocked, path)
    data = path.read_bytes()
    if suffix == ".svg":
        assert ET.fromstring(data).tag.endswith("svg")
    else:
        assert data.startswith(b"\x89PNG")
        assert struct.unpack(">II", data[16:24])[0] == 1260


def test_another_form_is_refused_and_so_is_a_folder_that_is_not_there(
    blocked: tuple[Answer, tuple[Remedy, ...]], tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=r"explain\.format"):
        draw(*blocked, tmp_path / "sheet.pdf")
    with pytest.raises(Refused, match=r"explain\.not-written"):
        draw(*blocked, tmp_path / "none" / "sheet.png")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_kind_of_answer_can_be_drawn(lang: Lang) -> None:
    straight = route([(0, 0, 0), (0, 0, 50), (1000, 0, 50), (1000, 0, 0)], hold_s=10.0)
    wall = closed(box(400, -200, 600, 150), 40.0, 62.5)
    answers = [
        example_answer("clear"),
        example_answer("clear", required=RequiredClearance(30.0, 40.0, 40.0)),
        clear(straight, asked()),
        clear(straight, replace(asked(), airspace=Airspace(FRAME, Ridge(30.0)))),
        clear(straight, asked(zone("A", wall))),
        clear(route([(0, 0, 50), (0, 0, 90)]), asked(zone("A", closed(box(-50, -50, 50, 50))))),
    ]
    for answer in answers:
        assert sheet_bytes(answer, remedies(answer, LIMITS), "svg", lang).startswith(b"<?xml")


def test_another_height_is_drawn_from_the_side() -> None:
    shelf = zone("shelf", closed(box(400, -9000, 600, 9000), 40.0, 62.5))
    answer = clear(route([(0, 0, 50), (1000, 0, 50)]), asked(shelf))
    found = remedies(answer, LIMITS)
    assert {remedy.kind for remedy in found} == {RemedyKind.HIGHER, RemedyKind.LOWER}
    said = texts(sheet_bytes(answer, found, "svg", "en"))
    assert said.splitlines().count("A") == 2  # in the drawing and in the list


def test_an_intent_that_is_met_is_drawn_and_named() -> None:
    crossing = asked().flown(route([(500, -500, 50), (500, 500, 50)]))
    intent = OperationalIntent("other", 0, IntentState.ACCEPTED, crossing.volumes)
    question = asked()
    busy = Question(Airspace(question.airspace.frame, question.airspace.surface, (), [intent]), question.margins)
    answer = clear(route([(0, 0, 50), (1000, 0, 50)]), busy)
    assert "other" in texts(sheet_bytes(answer, (), "svg", "en"))


def test_a_zone_looks_as_what_it_is_to_the_route() -> None:
    def laid(id_: str, held: Volume4D, **changes: object) -> Zone:
        return replace(zone(id_, held), **changes)  # type: ignore[arg-type]

    zones = [
        laid("met", closed(box(400, -100, 600, 100))),
        laid("beside", closed(box(400, 300, 600, 500))),
        laid("past", closed(box(400, -100, 600, 100), end_s=10.0)),
        laid("leave", closed(box(400, 300, 600, 500)), restriction=Restriction.AUTHORISATION),
        laid("named", closed(box(400, -100, 600, 100)), restriction=Restriction.NONE),
    ]
    answer = clear(route([(0, 0, 50), (1000, 0, 50)]), asked(*zones))
    assert [look_of(each, answer) for each in zones] == [MET, CLOSED, IDLE, BY_LEAVE, IDLE]


def test_a_long_sentence_is_broken_into_rows_that_fit() -> None:
    for text in ("clear of it by some metres " * 12, "错开所需的最小移动距离" * 15, "x" * 300):
        rows = _wrapped(text.strip())
        assert "".join(rows).replace(" ", "") == text.replace(" ", "")
        assert all(letters_wide(row) <= ROW_LETTERS for row in rows) or " " not in text.strip()
    assert len(_wrapped("错开所需的最小移动距离" * 15)) == 3
