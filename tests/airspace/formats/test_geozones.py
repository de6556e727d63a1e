"""What ED-269 and ED-318 have in common, where their documents alone do not show it."""

from __future__ import annotations

import pytest

from airspace.charted import Restriction
from airspace.formats.geozones import (
    REASON_KINDS,
    authority_line,
    fixed_offset_s,
    kind_of,
    one_line,
    rule_of,
)
from airspace.schedules import Edge, Period, Schedule
from airspace.zone_kinds import ZONE_KINDS

HOURS = (Period(Edge(3600.0), Edge(7200.0)),)
WINTER, YEAR = (1767225600.0, 1770000000.0), (1767225600.0, 1798761600.0)


@pytest.mark.parametrize(
    ("zone", "window", "offset_s"),
    [
        ("UTC", YEAR, 0.0),
        ("Asia/Shanghai", YEAR, 28_800.0),
        ("Etc/GMT+5", YEAR, -18_000.0),
        ("Asia/Kolkata", YEAR, 19_800.0),
        ("Europe/Berlin", WINTER, 3600.0),
        ("Europe/Berlin", YEAR, None),
        ("Asia/Shanghai", (0.0, 4102444800.0), 28_800.0),  # what was before 2000 is not asked
    ],
)
def test_a_time_zone_has_one_offset_in_a_window_or_none(
    zone: str, window: tuple[float, float], offset_s: float | None
) -> None:
    assert fixed_offset_s(Schedule((window,), HOURS, zone)) == offset_s


def test_one_offset_must_hold_in_all_windows() -> None:
    summer = (1780243200.0, 1781243200.0)
    assert fixed_offset_s(Schedule((WINTER, summer), HOURS, "Europe/Berlin")) is None
    assert fixed_offset_s(Schedule((summer,), HOURS, "Europe/Berlin")) == 7200.0


def test_every_reason_is_a_kind_that_zones_have() -> None:
    assert set(REASON_KINDS.values()) <= set(ZONE_KINDS)
    assert kind_of(reversed(REASON_KINDS)) == "emergency"
    assert kind_of(["SOMETHING"]) == "geozone"


def test_a_line_has_neither_breaks_nor_control_characters_nor_repetitions() -> None:
    assert one_line(" a\r\n\tb\u2028c \x07\u200b ") == "a b c"
    assert authority_line("Tower", None, " ", "Tower", "110\n") == "Tower, 110"
    assert authority_line() == ""


@pytest.mark.parametrize("restriction", Restriction)
def test_a_rule_says_in_both_languages_what_is_asked_why_and_what_the_publisher_says(restriction: Restriction) -> None:
    full = rule_of("ED-269", restriction, ["NOISE", "OTHER"], "after\nten")
    assert full.en.endswith(" (NOISE, OTHER): after ten")
    assert full.zh.endswith("（NOISE、OTHER）：after ten")
    bare = rule_of("ED-269", restriction, (), "")
    assert full.en.startswith(bare.en)
    assert bare.zh.startswith("ED-269 区域，")
