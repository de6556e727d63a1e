from __future__ import annotations

import pytest

from airspace.frames import LatLon
from airspace.rules import by_name
from airspace.rules.daylight import flies_at_night
from tests.airspace.rules.flights import shanghai_s

ZHENGZHOU = LatLon(34.7466, 113.6050)


def night(name: str, start: str, end: str, place: LatLon = ZHENGZHOU) -> bool:
    return flies_at_night(by_name(name), place, shanghai_s(start), shanghai_s(end))


# Sunset in Zhengzhou on 2026-06-21 is at 19:38, the evening twilight ends at 20:08 (Asia/Shanghai).
@pytest.mark.parametrize(
    ("start", "end", "china", "europe"),
    [
        ("2026-06-21 12:00", "2026-06-21 12:30", False, False),
        ("2026-06-21 19:00", "2026-06-21 19:30", False, False),
        ("2026-06-21 19:30", "2026-06-21 19:50", True, False),
        ("2026-06-21 19:30", "2026-06-21 20:20", True, True),
        ("2026-06-21 23:00", "2026-06-21 23:10", True, True),
        ("2026-06-21 18:00", "2026-06-22 08:00", True, True),
    ],
)
def test_night_is_what_a_jurisdiction_calls_so(start: str, end: str, china: bool, europe: bool) -> None:
    assert night("china", start, end) is china
    assert night("ed269", start, end) is europe


def test_a_moment_is_a_flight_too() -> None:
    at = "2026-06-21 23:00"
    assert night("china", at, at)


def test_under_the_midnight_sun_there_is_no_night() -> None:
    assert not night("china", "2026-06-21 00:00", "2026-06-22 00:00", LatLon(78.2, 15.6))
    assert night("ed269", "2026-12-21 00:00", "2026-12-21 12:00", LatLon(78.2, 15.6))
