"""When a zone is active: validity windows, and in them weekly, daily, sun-bound and holiday periods, expanded lazily."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from airspace.frames import LatLon
from airspace.volumes import FOREVER_S

BEGINNING_S = 0.0  # 1970-01-01: the start of what has no start


class Day(StrEnum):
    """A day that a period names: a day of the week, or a day that the schedule lists as a holiday."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"
    HOLIDAY = "HOL"


class SunEvent(StrEnum):
    """A moment that the sun sets: twilights are civil, 6 degrees under the horizon."""

    MORNING_TWILIGHT = "BMCT"
    SUNRISE = "SR"
    SUNSET = "SS"
    EVENING_TWILIGHT = "EECT"


@dataclass(frozen=True, slots=True)
class Edge:
    """One end of a period: `offset_s` [s] after local midnight, or after (before, when negative) an event of the sun."""

    offset_s: float
    event: SunEvent | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """A part of each of its days; one that ends at or before its start ends on the day after. No days: every day."""

    start: Edge
    end: Edge
    days: frozenset[Day] = frozenset()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Active inside any window [s UTC, half-open] and, where there are periods, inside any of these as well.

    `zone` is the IANA time zone that days and clock times are of. A holiday is its own kind of day: a period for
    Mondays is not active on a Monday that is in `holidays`, unless the period names holidays too or names no days.
    """

    windows: tuple[tuple[float, float], ...] = ((BEGINNING_S, FOREVER_S),)
    periods: tuple[Period, ...] = ()
    zone: str = "UTC"
    holidays: frozenset[date] = field(default_factory=frozenset)

    def active(self, start_s: float, end_s: float, place: LatLon) -> tuple[tuple[float, float], ...]:
        """The windows [s UTC] within [start_s, end_s) in which it is active at a place: in order, merged, half-open."""
        raise NotImplementedError


ALWAYS = Schedule()
