"""What every reader of a foreign chart gives back: the good zones, and a reason for each thing that is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from airspace.charted import ChartedZone
from airspace.reasons import Reason


@dataclass(frozen=True, slots=True)
class Reading:
    """Zones that can be trusted, and every problem found; whether the good ones may be used alone is not asked here.

    A reader never raises for what a file holds. `where` of each reason names file, feature (or line) and field.
    """

    zones: tuple[ChartedZone, ...]
    reasons: tuple[Reason, ...] = ()


class Ids:
    """The ids given so far in one file, and where."""

    def __init__(self) -> None:
        self._first_at: dict[str, str] = {}
        self._last_number: dict[str, int] = {}

    def taken_at(self, zone_id: str, at: str) -> str | None:
        """Take an id that the file gives; where it was taken before, if it was."""
        first = self._first_at.get(zone_id)
        if first is None:
            self._first_at[zone_id] = at
        return first

    def free(self, wanted: str) -> str:
        """The id that `unused` would take."""
        number = self._last_number.get(wanted, 1)
        while (zone_id := wanted if number == 1 else f"{wanted} ({number})") in self._first_at:
            number += 1
        self._last_number[wanted] = number
        return zone_id

    def unused(self, wanted: str, at: str) -> str:
        """Take an id for a zone that its file only names: the name, with a number in brackets when it is taken."""
        zone_id = self.free(wanted)
        self._first_at[zone_id] = at
        return zone_id
