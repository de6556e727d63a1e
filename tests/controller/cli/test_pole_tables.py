"""What `beichen poles watch`, `show` and `desired` draw, without a gateway."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from airspace.reasons import Lang
from controller.cli.console import TextView
from controller.cli.poles import words
from controller.cli.poles.order import show_differences
from controller.cli.poles.values import reading_text, setting_text, value_text
from controller.cli.poles.watch import _facts, drawn
from controller.pole_control.messages import AlarmTold, DifferenceTold, PoleLine, Surveyed

CODES = [f"410105-LP-{number:06d}-Q" for number in range(1, 7)]
STATES = ("silent", "awaited", "away", "locked-out", "heard", "heard")
COUNTERS = {"poles_silent": 1, "alarms_open": 3, "supplies_down": 0}


def alarm(number: int, **changes: Any) -> AlarmTold:
    given: dict[str, Any] = {
        "id": number,
        "code": "sensor.silent",
        "subject": CODES[0],
        "function": "WindSensor",
        "severity": 2,
        "en": f"{CODES[0]} said nothing of WindSensor for 25 s although it promised a reading every 10 s",
        "zh": f"{CODES[0]} 的 WindSensor 已有 25 秒没有读数，而承诺每 10 秒上报一次，请检查传感器与接线后再确认",
        "action_en": "",
        "action_zh": "",
        "age_s": 7100.0,
        "active": False,
        "flapping": False,
        "members": 0,
        "acknowledged_by": "Wang",
    }
    return AlarmTold(**(given | changes))


def difference(**changes: Any) -> DifferenceTold:
    given: dict[str, Any] = {
        "pole": CODES[0],
        "function": "LampActuator",
        "setting": "defaultLightState",
        "desired": 30.0,
        "reported": None,
        "status": "refused",
        "age_s": 5.0,
    }
    return DifferenceTold(**(given | changes))


def surveyed(**counts: int) -> Surveyed:
    """Six poles in all states, with three alarms of numbers of six digits."""
    poles = [
        PoleLine(
            code=code,
            state=state,  # type: ignore[arg-type]
            age_s=None if state == "awaited" else 7100.0,
            functions=26,
            silent_functions=("WindSensor", "TemperatureSensor", "GasSensor.co") if state == "heard" else (),
            doubtful=counts.get("doubtful", 0),
            alarms=counts.get("alarms", 0),
            differences=counts.get("differences", 0),
        )
        for code, state in zip(CODES, STATES, strict=True)
    ]
    return Surveyed(
        utc_s=0.0,
        heard=3,
        poles=tuple(poles),
        more_poles=0,
        alarms=tuple([alarm(number) for number in (123456, 7, 99)]),
        more_alarms=0,
        outages=(),
        differences=(difference(),),
        statistics=COUNTERS,
    )


def printed(told: Surveyed, lang: Lang, width: int, rows: int = 100) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    console.print(drawn(told, lang, rows, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


ALL = {"doubtful": 12, "alarms": 3, "differences": 4}


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("counts", [{}, ALL])
def test_numbers_ages_codes_and_states_are_whole_in_any_terminal(
    lang: Lang, width: int, counts: dict[str, int]
) -> None:
    lines = printed(surveyed(**counts), lang, width)
    assert all(cell_len(line) <= width for line in lines)
    for number in ("123456", "7", "99"):
        assert any(line.split()[:2] == [number, "118"] for line in lines)
    for code, state in zip(CODES, STATES, strict=True):
        (line,) = [line for line in lines if line.startswith(code)]
        assert line.removeprefix(code).lstrip().startswith(words.POLE_STATES[state].text(lang))
        assert ("118 min" in line) == (state != "awaited")
    (heads,) = [line for line in lines if words.STATUS.text(lang) in line.split()]
    assert "…" not in heads


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_word_of_an_alarm_is_cut_off_in_80_columns(lang: Lang) -> None:
    told = surveyed()
    text = "".join("".join(printed(told, lang, 80)).split())
    for each in told.alarms:
        assert "".join((each.zh if lang == "zh" else each.en).split()) in text


def test_what_nobody_counts_takes_no_room() -> None:
    (heads,) = [line for line in printed(surveyed(), "en", 80) if line.startswith("pole ")]
    assert heads.split() == ["pole", "state", "age", "silent"]
    (heads,) = [line for line in printed(surveyed(**ALL), "en", 160) if line.startswith("pole ")]
    assert heads.split() == ["pole", "state", "age", "functions", "doubts", "alarms", "differ", "silent"]


@pytest.mark.parametrize("width", [80, 160])
def test_the_picture_keeps_to_its_lines(width: int) -> None:
    lines = printed(surveyed(), "en", width, rows=9)
    assert len(lines) <= 9 + 4  # totals, two heads, and how many more there are


def test_the_heads_of_differences_say_what_stands_below_them() -> None:
    for lang, head in (("en", "state"), ("zh", "状态")):
        console = Console(width=120, file=io.StringIO())
        show_differences((difference(),), TextView(lang, console))  # type: ignore[arg-type]
        assert isinstance(console.file, io.StringIO)
        assert head in console.file.getvalue().splitlines()[0].split()


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (True, "yes", "是"),
        (False, "no", "否"),
        (None, "-", "-"),
        ("", "-", "-"),
        ([], "-", "-"),
        ({}, "-", "-"),
        (
            ["dock.cover.closed", "dock.pad.taken"],
            "dock.cover.closed, dock.pad.taken",
            "dock.cover.closed, dock.pad.taken",
        ),
        ({"on": True, "at": [1.0, 2.5]}, "on=yes at=1, 2.5", "on=是 at=1, 2.5"),
        (3.14159265, "3.14159", "3.14159"),
        (0, "0", "0"),
    ],
)
def test_a_value_is_written_for_people(value: Any, en: str, zh: str) -> None:
    assert (value_text(value, "en"), value_text(value, "zh")) == (en, zh)


def test_units_are_those_that_people_write() -> None:
    assert reading_text("WindSensor", "windSpeed", 4.25, "en").endswith("4.25 m/s")
    assert setting_text("LampActuator", "defaultLightState", 30.0, "zh") == "30 %"
    assert setting_text("LampActuator", "defaultLightState", None, "zh") == "-"
    assert reading_text("OfTomorrow", "x", 1.5, "en") == "1.5"


def test_the_stream_tells_a_difference_in_the_same_words() -> None:
    facts = dict(_facts(surveyed(), "en"))
    assert facts[f"{CODES[0]} LampActuator defaultLightState"] == "30 % / -: refused by the pole"
