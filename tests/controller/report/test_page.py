from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from string import Formatter

import pytest

from controller.events import Phase
from controller.report import write_report
from controller.report.page import difference, reason_words
from controller.report.words import WORDS, said, words
from missions.plan import Purpose
from tests.controller.report.example_run import (
    Flight,
    flown_events,
    flown_run,
    refused_events,
    tlog,
    unplanned_events,
    write_run,
)

HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>&{{ 7 * 7 }}'
_VOID = {"meta", "input", "br", "img", "link", "hr"}


class Outline(HTMLParser):
    """What a browser would see of the page: open elements in order, scripts, links and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.tags: dict[str, int] = {}
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.text: dict[str, list[str]] = {"en": [], "zh": [], "": []}
        self._languages: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        if values.get("id"):
            self.ids.append(str(values["id"]))
        self.links += [str(values[name]) for name in ("href", "src", "srcset", "action", "data") if values.get(name)]
        self.handlers += [name for name in values if name.startswith("on")]
        if tag not in _VOID:
            self.open.append(tag)
            self._languages.append(str(values.get("lang") or "") if tag in ("span", "tspan") else "")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)
            return
        self._languages.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style") and data.strip():
            language = next((lang for lang in reversed(self._languages) if lang), "")
            self.text[language].append(data.strip())


def page_of(folder: Path) -> tuple[str, Outline]:
    html = (folder / "report.html").read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(html)
    outline.close()
    return html, outline


def hostile_run(folder: Path) -> Path:
    return write_run(folder, flown_events(Flight(), title=HOSTILE), tlog(Flight()))


RUNS = {
    "flown": flown_run,
    "refused": lambda folder: write_run(folder, refused_events()),
    "unplanned": lambda folder: write_run(folder, unplanned_events()),
    "hostile": hostile_run,
    "nothing": lambda folder: folder,
}


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = RUNS[request.param](tmp_path_factory.mktemp(request.param))
    write_report(folder)
    return folder


def test_the_page_needs_nothing_from_outside(run: Path) -> None:
    html, outline = page_of(run)
    assert re.findall(r"(?:https?:|//[a-z])", html) == []
    assert re.findall(r"@import|url\((?!#)", html) == []
    files = {"summary.json", "tracks.geojson", "events.jsonl", "flight.tlog"}
    assert {link for link in outline.links if not link.startswith("#")} <= files


def test_the_page_is_well_formed_and_its_anchors_lead_somewhere(run: Path) -> None:
    _, outline = page_of(run)
    assert outline.unbalanced == []
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)


def test_a_word_is_never_in_one_language_only(run: Path) -> None:
    _, outline = page_of(run)
    assert len(outline.text["en"]) == len(outline.text["zh"]) > 10


def test_nothing_is_left_unfilled(run: Path) -> None:
    _, outline = page_of(run)
    text = " ".join(part for language in outline.text.values() for part in language).replace(HOSTILE, "")
    assert re.findall(r"\{\w*\}|\bNone\b|\bnan\b|Undefined|Words\(|numpy", text) == []


def test_hostile_names_are_shown_and_not_run(tmp_path: Path) -> None:
    write_report(hostile_run(tmp_path))
    html, outline = page_of(tmp_path)
    assert HOSTILE not in html
    assert "&lt;/script&gt;&lt;script&gt;" in html
    assert outline.tags["script"] == 2 + html.count('<div class="panel ')
    assert outline.handlers == []
    assert "img" not in outline.tags


def test_a_refused_run_says_why_first_and_draws_the_plan(tmp_path: Path) -> None:
    write_report(write_run(tmp_path, refused_events()))
    html, _ = page_of(tmp_path)
    assert html.index("measures 18.2 m/s mean wind") < html.index('id="map"')
    assert "实测平均风速 18.2 m/s" in html
    assert 'class="planned"' in html
    assert 'class="flown"' not in html


def test_a_run_without_a_plan_says_why_and_draws_the_zones(tmp_path: Path) -> None:
    write_report(write_run(tmp_path, unplanned_events()))
    html, outline = page_of(tmp_path)
    assert "不接受 WGS84" in html
    assert "zone nofly" in html
    assert "plots" not in outline.ids


def test_the_first_language_is_chosen_by_the_caller(tmp_path: Path) -> None:
    write_report(write_run(tmp_path, refused_events()), lang_default="zh")
    assert '<html lang="zh" data-lang="zh">' in page_of(tmp_path)[0]


def test_a_flown_run_shows_every_part(tmp_path: Path) -> None:
    write_report(flown_run(tmp_path, Flight(silent_s=(200, 230))))
    html, outline = page_of(tmp_path)
    wanted = {"map", "side", "plots", "gates", "alarms", "legs", "energy", "targets", "checks", "poles", "timeline"}
    assert wanted <= set(outline.ids)
    assert html.count('class="flown"') == 2  # the track is not drawn over the gap
    for key in ("height", "speed", "battery", "power", "wind", "satellites"):
        assert f'class="panel {key}"' in html


def test_every_word_is_in_both_languages_with_the_same_facts() -> None:
    for key, text in WORDS.items():
        facts = [{name for _, name, _, _ in Formatter().parse(one) if name} for one in (text.en, text.zh)]
        assert text.en, key
        assert text.zh, key
        assert facts[0] == facts[1], key
        assert text.en != text.zh or not re.search(r"[a-z]{2}", text.en), key


def test_every_key_of_the_templates_has_words_and_every_word_has_a_use() -> None:
    templates = resources.files("controller.report.templates")
    used = "".join(templates.joinpath(name).read_text() for name in ("report.html", "parts.html"))
    used += "".join(path.read_text() for path in (Path(__file__).parents[3] / "controller" / "report").glob("*.py"))
    whole = set(re.findall(r"""\b(?:t|word|words|said)\(f?["']([\w.-]+[\w-])["'][,)]""", used))
    begun = tuple(set(re.findall(r"""\b(?:t|word|words|said)\(f?["']([\w-]+\.)["{]""", used)))
    assert whole <= set(WORDS)
    lists = {f"layer.{key}" for key in re.findall(r'layer\("(\w+)"', used)}
    unused = {key for key in WORDS if key not in whole | lists and not key.startswith(begun)}
    assert {key for key in unused if f'"{key}"' not in used.replace(f'    "{key}": Words', "")} == set()


def test_every_phase_and_purpose_has_words() -> None:
    assert all(words(f"phase.{phase}").zh for phase in Phase)
    assert all(words(f"purpose.{purpose}").zh for purpose in Purpose)


def test_words_without_a_key_are_an_error_unless_a_fallback_is_given() -> None:
    with pytest.raises(KeyError):
        words("no.such.key")
    assert words("no.such.key", "as it came").zh == "as it came"
    assert said("figure.planned", value="7:42").en == "7:42 planned"


def test_a_reason_reads_as_sentences_with_its_code_apart() -> None:
    reason = {
        "code": "gate.closed",
        "en": "pole P measures 18 m/s [gate.closed] Wait.",
        "zh": "实测 18 m/s [gate.closed] 请等待。",
    }
    assert reason_words(reason).en == "pole P measures 18 m/s. Wait."
    assert reason_words(reason).zh == "实测 18 m/s。请等待。"
    assert reason_words({"code": "x", "en": "only this", "zh": "仅此"}).en == "only this"


def test_telemetry_before_a_refusal_is_drawn_over_the_time_of_day_without_a_planned_height(tmp_path: Path) -> None:
    write_report(write_run(tmp_path, refused_events(), tlog(Flight())[:200]))
    html, _ = page_of(tmp_path)
    assert "local time (UTC+8)" in html
    assert "T+0:00" not in html
    height = html[html.index('class="panel height"') : html.index('class="panel speed"')]
    assert '<path class="series planned" d=""/>' in height


@pytest.mark.parametrize(("value", "text"), [(3.04, "+3.0"), (-48.24, "−48.2"), (-0.04, "0.0"), (0.0, "0.0")])
def test_a_difference_has_a_sign_unless_it_is_nothing(value: float, text: str) -> None:
    assert difference(value) == text
