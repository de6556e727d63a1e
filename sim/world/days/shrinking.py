"""A failing day made short: everything that the failure does not need is taken out, piece by piece.

Delta debugging (Zeller and Hildebrandt, 2002, ddmin by complements) over each list of a day, then the conditions and
the length. What must stay is that the same invariant is broken. Deterministic: the same day becomes the same short one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from sim.city_file import CityFile
from sim.world.days.day import Day, DayLink
from sim.world.days.living import Verdict

ROOM_S = 90.0  # after the first breach, so that what follows from it is seen
LEAST_MINUTES = 1.0

T = TypeVar("T")


@dataclass(slots=True)
class Shrinker:
    """`live` lives a day; `code` is the invariant that must stay broken; at most `tries` days are lived."""

    live: Callable[[Day], Verdict]
    code: str
    tries: int = 60
    lived: int = 0
    _day: Day = field(init=False)
    _verdict: Verdict = field(init=False)

    def shrink(self, day: Day, verdict: Verdict) -> tuple[Day, Verdict]:
        """The shortest day that was found, with its verdict; `day` itself where nothing can go."""
        self._day, self._verdict = day, verdict
        before = None
        while before != self._day and self.lived < self.tries:
            before = self._day
            self._shorten()
            self._list(self._day.faults, lambda day, kept: msgspec.structs.replace(day, faults=kept))
            self._list(self._day.deaths, lambda day, kept: msgspec.structs.replace(day, deaths=kept))
            self._list(self._day.missions, lambda day, kept: msgspec.structs.replace(day, missions=kept))
            self._list(self._day.zones, lambda day, kept: msgspec.structs.replace(day, zones=kept))
            self._still(msgspec.structs.replace(self._day, link=DayLink()))
            self._still(msgspec.structs.replace(self._day, disk_s=0.0))
            self._list(self._day.city.drones, _with_drones)
            self._list(self._day.city.poles, _with_poles)
        return self._day, self._verdict

    def _still(self, candidate: Day) -> bool:
        """Whether a day still breaks the invariant; it is kept then."""
        if candidate == self._day:
            return True
        if self.lived >= self.tries or not _sound(candidate):
            return False
        self.lived += 1
        verdict = self.live(candidate)
        if self.code not in verdict.broken:
            return False
        self._day, self._verdict = candidate, verdict
        return True

    def _shorten(self) -> None:
        """End the day a little after the first breach, and ask for nothing later."""
        first_s = min(breach.at_s for breach in self._verdict.breaches if breach.invariant == self.code)
        minutes = max(round((first_s + ROOM_S) / 60.0, 1), LEAST_MINUTES)
        if minutes < self._day.minutes:
            asked = tuple(mission for mission in self._day.missions if mission.at_s <= first_s)
            if not self._still(msgspec.structs.replace(self._day, minutes=minutes, missions=asked)):
                self._still(msgspec.structs.replace(self._day, minutes=minutes))

    def _list(self, items: Sequence[T], without: Callable[[Day, tuple[T, ...]], Day]) -> None:
        """Leave out as many items as can go: halves first, then smaller parts, at last one by one."""
        kept, parts = tuple(items), 1
        while kept:
            size = -(-len(kept) // parts)
            for start in range(0, len(kept), size):
                fewer = kept[:start] + kept[start + size :]
                if self._still(without(self._day, fewer)):
                    kept, parts = fewer, max(parts - 1, 1)
                    break
            else:
                if size == 1:
                    return
                parts = min(parts * 2, len(kept))


def _with_drones(day: Day, kept: tuple[object, ...]) -> Day:
    return _with_city(day, msgspec.structs.replace(day.city, drones=kept))


def _with_poles(day: Day, kept: tuple[object, ...]) -> Day:
    return _with_city(day, msgspec.structs.replace(day.city, poles=kept))


def _with_city(day: Day, city: CityFile) -> Day:
    return msgspec.structs.replace(day, city=city)


def _sound(day: Day) -> bool:
    """Whether a day still has what its missions and faults name."""
    drones = {drone.id for drone in day.city.drones}
    poles = {pole.code for pole in day.city.poles}
    docks = {pole.code for pole in day.city.poles if "dock" in pole.services}
    named = {name for fault in day.happenings for name in (fault.target, fault.moment.drone) if name}
    wishes = all(mission.drone in drones and set(mission.docks) <= docks for mission in day.missions)
    return bool(drones) and wishes and named <= drones | poles
