"""The wind at a place, from the nearest stations: how strong, how old, how much they differ.

A flag against a reading works one way only: it may not clear a flight, but it may stop one. A real front of gusts
jumps, and the station that it reaches first disagrees with its neighbours. So a doubted station counts where it tells
of more wind than those that can be believed, and where there is no other, nothing is known.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airspace.frames import LatLon
from missions.plan import Plan
from poles.gateway.quality import UNUSABLE, Flag
from poles.gateway.state import Known, PoleState
from poles.services.weather import WindReadings

NEAREST = 3  # stations that tell the wind at a place
IMPOSSIBLE = Flag.OUT_OF_RANGE | Flag.FAULTY  # no wind at all, and no reason to stop either
MOST_PLACES = 8  # along a route at which the wind is asked for


@dataclass(frozen=True, slots=True)
class WeatherReading:
    """Fresh wind of one pole; it comes from `from_deg`. `doubted`: it may be false, and can only stop a flight."""

    pole: str
    position: LatLon
    wind_mps: float
    gust_mps: float
    from_deg: float
    age_s: float
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class WindNear:
    """The wind by some stations, the strongest counts: `gust_mps` and `wind_mps` are maxima, `age_s` of the oldest.

    `spread_mps` is by how much their gusts differ; `worst` is the station with the strongest gust.
    """

    stations: tuple[WeatherReading, ...]
    worst: WeatherReading
    wind_mps: float
    age_s: float
    spread_mps: float

    @property
    def gust_mps(self) -> float:
        """The strongest gust [m/s]."""
        return self.worst.gust_mps

    @property
    def can_clear(self) -> bool:
        """Whether there is a station among them that can be believed; else it only tells what to be afraid of."""
        return any(not station.doubted for station in self.stations)

    def evidence(self) -> dict[str, Any]:
        """The figures for a log."""
        return {
            "pole": self.worst.pole,
            "gust_mps": round(self.gust_mps, 2),
            "wind_mps": round(self.worst.wind_mps, 2),
            "strongest_mean_mps": round(self.wind_mps, 2),
            "from_deg": round(self.worst.from_deg, 1),
            "age_s": round(self.worst.age_s, 2),
            "oldest_s": round(self.age_s, 2),
            "spread_mps": round(self.spread_mps, 2),
            "poles": [station.pole for station in self.stations],
            "doubted": [station.pole for station in self.stations if station.doubted],
        }


def winds(
    known: Mapping[str, Known], poles: Mapping[str, PoleState], now_s: float, oldest_s: float
) -> list[WeatherReading]:
    """The stations whose wind was taken at the loop's second `oldest_s` or later, by city code.

    Those whose wind cannot be are left out: out of range, or of a sensor that does not work, by its own pole. Other
    flags make a station doubted.
    """
    found = []
    for code, reading in known.items():  # asked every second for each drone in the air
        values = reading.values
        if reading.taken_s < oldest_s or not isinstance(values, WindReadings) or values.wind_mean_mps is None:
            continue
        if code not in poles:
            continue
        gust_mps = values.wind_mean_mps if values.wind_gust_mps is None else values.wind_gust_mps
        against = _against(reading) if reading.flags else Flag(0)
        if against & IMPOSSIBLE:
            continue
        age_s, from_deg = now_s - reading.taken_s, values.wind_from_deg or 0.0
        wind_mps, doubted = values.wind_mean_mps, bool(against & UNUSABLE)
        found.append(WeatherReading(code, poles[code].position, wind_mps, gust_mps, from_deg, age_s, doubted))
    return sorted(found, key=lambda reading: reading.pole)


def _against(reading: Known) -> Flag:
    flags = [reading.flags.get(name, Flag(0)) for name in ("", "wind_mean_mps", "wind_gust_mps")]
    return flags[0] | flags[1] | flags[2]


def stations_near(
    readings: Sequence[WeatherReading], places: Iterable[LatLon], nearest: int = NEAREST
) -> tuple[WeatherReading, ...]:
    """The stations that tell the wind at some places, by city code.

    They are the `nearest` of each place that can be believed, and of the `nearest` of all those doubted ones that tell
    of stronger gusts than these.
    """
    places = list(places)
    sure = _nearest([reading for reading in readings if not reading.doubted], places, nearest)
    gust_mps = max((reading.gust_mps for reading in sure.values()), default=-math.inf)
    of_all = _nearest(readings, places, nearest)
    worse = {code: reading for code, reading in of_all.items() if reading.doubted and reading.gust_mps > gust_mps}
    return tuple(sorted({**sure, **worse}.values(), key=lambda reading: reading.pole))


def _nearest(readings: Sequence[WeatherReading], places: Sequence[LatLon], nearest: int) -> dict[str, WeatherReading]:
    chosen: dict[str, WeatherReading] = {}
    for place in places:
        north = math.cos(math.radians(place.lat_deg))

        def far(reading: WeatherReading, place: LatLon = place, north: float = north) -> tuple[float, str]:
            east = (reading.position.lon_deg - place.lon_deg) * north
            return math.hypot(east, reading.position.lat_deg - place.lat_deg), reading.pole

        for reading in heapq.nsmallest(nearest, readings, key=far):
            chosen[reading.pole] = reading
    return chosen


def wind_near(readings: Sequence[WeatherReading], places: Iterable[LatLon], nearest: int = NEAREST) -> WindNear | None:
    """The wind at some places by `stations_near`; None without any."""
    stations = stations_near(readings, places, nearest)
    if not stations:
        return None
    gusts = [station.gust_mps for station in stations]
    return WindNear(
        stations=stations,
        worst=max(stations, key=lambda station: (station.gust_mps, station.pole)),
        wind_mps=max(station.wind_mps for station in stations),
        age_s=max(station.age_s for station in stations),
        spread_mps=max(gusts) - min(gusts),
    )


def places_of(plan: Plan) -> list[LatLon]:
    """Where a flight asks for the wind: its take-off, its landings, and places along its way, evenly chosen."""
    ends = [(plan.home.lat_deg, plan.home.lon_deg)]
    ends += [(option.place.lat_deg, option.place.lon_deg) for option in plan.landings]
    way = [(leg.end.lat_deg, leg.end.lon_deg) for leg in plan.legs if not leg.branch]
    every = max(math.ceil(len(way) / MOST_PLACES), 1)
    return [LatLon(*at) for at in dict.fromkeys([*ends, *way[::every]])]
