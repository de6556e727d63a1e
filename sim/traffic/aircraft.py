"""Aircraft that nobody here flies: where they are at any time, and who hears of them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

Place = tuple[float, float, float]


class Heard(StrEnum):
    """How an aircraft tells of itself."""

    ADSB = "adsb"
    REMOTE_ID = "remote-id"
    NOTHING = "nothing"


class Kind(StrEnum):
    """What an aircraft is."""

    AEROPLANE = "aeroplane"
    HELICOPTER = "helicopter"
    DRONE = "drone"
    BALLOON = "balloon"


@dataclass(frozen=True, slots=True)
class Aircraft:
    """A scripted flight: it is at the first place of its path at `at_s` of the loop and follows it at `speed_mps`.

    Places are east, north and height above the datum [m]. With `repeats` it flies the path around and around, without
    it is gone at the end; on a path of one place it hangs there. `icao` is its 24-bit address.
    """

    id: str
    path: tuple[Place, ...]
    speed_mps: float
    at_s: float
    repeats: bool = False
    heard: Heard = Heard.ADSB
    kind: Kind = Kind.HELICOPTER
    icao: int = 0
    _along_m: tuple[float, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        closed = (*self.path, self.path[0]) if self.repeats else self.path
        along = [0.0]
        for a, b in pairwise(closed):
            along.append(along[-1] + math.dist(a, b))
        object.__setattr__(self, "path", closed)
        object.__setattr__(self, "_along_m", tuple(along))

    def sighting(self, t_s: float) -> Sighting | None:
        """Where it is at a second of the loop and how it moves; None while it is not in the air."""
        flown_s = t_s - self.at_s
        if flown_s < 0.0:
            return None
        length_m = self._along_m[-1]
        if length_m == 0.0:
            return Sighting(self, self.path[0], (0.0, 0.0, 0.0))
        flown_m = flown_s * self.speed_mps
        if flown_m > length_m and not self.repeats:
            return None
        flown_m %= length_m if self.repeats else math.inf
        leg = min(bisect_right(self._along_m, flown_m), len(self._along_m) - 1) - 1
        leg_m = self._along_m[leg + 1] - self._along_m[leg]
        share = (flown_m - self._along_m[leg]) / leg_m if leg_m > 0.0 else 0.0
        (e0, n0, u0), (e1, n1, u1) = self.path[leg], self.path[leg + 1]
        run = (e1 - e0, n1 - n0, u1 - u0)
        place = (e0 + run[0] * share, n0 + run[1] * share, u0 + run[2] * share)
        pace = self.speed_mps / leg_m if leg_m > 0.0 else 0.0
        return Sighting(self, place, (run[0] * pace, run[1] * pace, run[2] * pace))


@dataclass(frozen=True, slots=True)
class Sighting:
    """An aircraft at one moment: where it is [m] and how it moves [m/s], east, north and up."""

    aircraft: Aircraft
    place: Place
    velocity: Place


class Traffic:
    """All aircraft of a city but its own drones."""

    def __init__(self, aircraft: Iterable[Aircraft] = ()) -> None:
        self._aircraft = {one.id: one for one in aircraft}

    def __bool__(self) -> bool:
        return bool(self._aircraft)

    def add(self, aircraft: Aircraft) -> None:
        """One more; it takes the place of one with its id."""
        self._aircraft[aircraft.id] = aircraft

    def remove(self, id_: str) -> None:
        """One less; nothing when there is none of this id."""
        self._aircraft.pop(id_, None)

    def present(self, t_s: float) -> list[Sighting]:
        """All that are in the air at a second of the loop."""
        sightings = (aircraft.sighting(t_s) for aircraft in self._aircraft.values())
        return [sighting for sighting in sightings if sighting is not None]

    def heard_by(self, place: Place, range_m: float, t_s: float, by: Heard = Heard.ADSB) -> list[Sighting]:
        """Those that a receiver of one kind hears at a place in the world's frame, up to a distance, nearest first."""
        heard = [
            (math.dist(sighting.place, place), sighting)
            for sighting in self.present(t_s)
            if sighting.aircraft.heard is by
        ]
        near = [(away_m, sighting) for away_m, sighting in heard if away_m <= range_m]
        return [sighting for _, sighting in sorted(near, key=lambda row: (row[0], row[1].aircraft.id))]
