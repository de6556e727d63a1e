"""The wind at a place, from the nearest stations that can be believed: how strong, how old, how much they differ."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airspace.frames import LatLon
from missions.plan import Plan
from poles.gateway.state import PoleState, Reading
from poles.services.weather import WindReadings

NEAREST = 3  # stations that tell the wind at a place
MOST_PLACES = 8  # along a route at which the wind is asked for


@dataclass(frozen=True, slots=True)
class WeatherReading:
    """Fresh and plausible wind of one pole; it comes from `from_deg`."""

    pole: str
    position: LatLon
    wind_mps: float
    gust_mps: float
    from_deg: float
    age_s: float


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
        }


def believed(
    known: Mapping[str, Reading], poles: Mapping[str, PoleState], now_s: float, oldest_s: float, over_mps: float = -1.0
) -> list[WeatherReading]:
    """The stations whose wind was taken at the loop's second `oldest_s` or later and is not flagged, by city code.

    Those with gusts up to `over_mps` are left out.
    """
    found = []
    for code, reading in known.items():  # asked every second for each drone in the air
        values = reading.values
        if reading.taken_s < oldest_s or not isinstance(values, WindReadings) or values.wind_mean_mps is None:
            continue
        gust_mps = values.wind_mean_mps if values.wind_gust_mps is None else values.wind_gust_mps
        if gust_mps <= over_mps or code not in poles:
            continue
        if reading.flags and not (reading.usable("wind_mean_mps") and reading.usable("wind_gust_mps")):
            continue
        age_s, from_deg = now_s - reading.taken_s, values.wind_from_deg or 0.0
        found.append(WeatherReading(code, poles[code].position, values.wind_mean_mps, gust_mps, from_deg, age_s))
    return sorted(found, key=lambda reading: reading.pole)


def wind_near(readings: Sequence[WeatherReading], places: Iterable[LatLon], nearest: int = NEAREST) -> WindNear | None:
    """The wind by the `nearest` stations of each place; None without any station."""
    chosen: dict[str, WeatherReading] = {}
    for place in places:
        north = math.cos(math.radians(place.lat_deg))

        def far(reading: WeatherReading, place: LatLon = place, north: float = north) -> tuple[float, str]:
            east = (reading.position.lon_deg - place.lon_deg) * north
            return math.hypot(east, reading.position.lat_deg - place.lat_deg), reading.pole

        for reading in heapq.nsmallest(nearest, readings, key=far):
            chosen[reading.pole] = reading
    stations = tuple(sorted(chosen.values(), key=lambda reading: reading.pole))
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
