"""A plausible city made from a seed: streets in a grid, poles along them, docks far apart, no-fly blocks between."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Reason, Refused, Rule, Words
from sim.city_file import (
    CityAircraft,
    CityCell,
    CityDrone,
    CityFile,
    CityGround,
    CityOrigin,
    CityPlace,
    CityPoint,
    CityPole,
    CityWeather,
)
from sim.weather.turbulence import usual_gust_mps

TOO_FEW_POLES = Rule(
    "city.too-few-poles",
    Words(
        "{poles} poles are too few for {drones} drones: each has a dock of its own, and two are spare",
        "{poles} 根灯杆不足以供 {drones} 架无人机使用：每架需要一处机库，另留两处备用",
    ),
    Words("Ask for at least {docks} poles and one drone.", "请至少设 {docks} 根灯杆和一架无人机。"),
)

ORIGIN = LatLon(34.7500, 113.6200)
BLOCK_M = (200.0, 150.0)  # from street to street, east and north
POLE_EVERY_M = 50.0
KERB_M = 6.0  # poles stand beside the street
SPARE_DOCKS = 2  # more docks than drones, for alternates
ZONE_HALF_M = 25.0
ZONE_FROM_DOCK_M = 90.0
BLOCKS_PER_ZONE = 6
BLOCKS_PER_PARK = 9
STREETS_PER_DISTRICT = 4
CELL_APART_M = 1500.0
OUTSIDE_M = 1000.0  # so far beyond the last street aircraft appear and vanish
FIRST_S = 1800.0
SILENT_SHARE = 0.2
PASSERS_BY: tuple[tuple[Literal["aeroplane", "helicopter", "drone", "balloon"], float, float, float], ...] = (
    ("helicopter", 50.0, 80.0, 300.0),  # speed [m/s], lowest and highest above ground [m]
    ("aeroplane", 80.0, 250.0, 600.0),
    ("drone", 12.0, 30.0, 120.0),
    ("balloon", 4.0, 20.0, 300.0),
)
WEATHER_EVERY = 10  # one pole of so many has a weather station of its own

Xy = tuple[float, float]


@dataclass(frozen=True, slots=True)
class GeneratedCity:
    """The city file, a GeoJSON chart of its no-fly blocks, and its streets from end to end, for missions along them."""

    file: CityFile
    zones: dict[str, Any]
    streets: tuple[tuple[LatLon, LatLon], ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Streets at these distances east and north of the origin [m]."""

    easts: tuple[float, ...]
    norths: tuple[float, ...]

    def streets(self) -> list[tuple[Xy, Xy]]:
        along = [((e, self.norths[0]), (e, self.norths[-1])) for e in self.easts]
        return along + [((self.easts[0], n), (self.easts[-1], n)) for n in self.norths]


def city_of(
    seed: int,
    drones: int,
    poles: int,
    aircraft: int = 0,
    *,
    pole_every_m: float = POLE_EVERY_M,
    poles_per_dock: float = math.inf,
    blocks_per_park: int = BLOCKS_PER_PARK,
    where: str = "",
) -> GeneratedCity:
    """A city with so many drones, each on a dock of its own, and so many poles; the same seed gives the same city.

    So many aircraft of others cross it in its first half hour. Two docks are spare, or more where one of
    `poles_per_dock` poles carries one; the farther apart the poles, the larger the city. The parks are open ground.

    Raises `Refused` when there are fewer poles than drones and two spare docks; `where` is the place of the reason.
    """
    if problems := size_problems(drones, poles, where):
        raise Refused(problems)
    docks = max(drones + SPARE_DOCKS, int(poles / poles_per_dock))
    rng = random.Random(f"{seed}/city")
    frame = LocalFrame(ORIGIN)
    grid = _grid(poles, pole_every_m)
    spots = _spots(grid, poles, pole_every_m)
    at_docks = _far_apart(spots, docks, rng.randrange(len(spots)))
    placed = [frame.latlon(*spot) for spot in spots]
    wind_mps = round(rng.uniform(1.0, 5.0), 1)
    file = CityFile(
        name=f"generated-{seed}",
        origin=CityOrigin(lat_deg=ORIGIN.lat_deg, lon_deg=ORIGIN.lon_deg),
        ground=CityGround(amsl_m=108.0, geoid_m=-19.4),
        weather=CityWeather(
            wind_mps=wind_mps,
            from_deg=round(rng.uniform(0.0, 359.0), 0),
            gust_mps=round(usual_gust_mps(wind_mps), 2),
            temperature_c=round(rng.uniform(-5.0, 32.0), 1),
        ),
        drones=tuple(
            CityDrone(
                id=f"drone-{number}",
                lat_deg=placed[spot].lat_deg,
                lon_deg=placed[spot].lon_deg,
                heading_deg=float(rng.randrange(360)),
            )
            for number, spot in enumerate(at_docks[:drones], 1)
        ),
        poles=tuple(_pole(n, placed[n], grid, spots[n], n in at_docks) for n in range(poles)),
        cells=_cells(frame, grid),
        traffic=tuple(
            _passer_by(random.Random(f"{seed}/aircraft {n}"), n, frame, grid) for n in range(1, aircraft + 1)
        ),
        open_ground=_open_ground(frame, grid, rng, blocks_per_park),
    )
    kept_free = [spots[spot] for spot in at_docks] + [
        frame.xy(LatLon(place.lat_deg, place.lon_deg)) for place in file.open_ground
    ]
    streets = tuple((frame.latlon(*a), frame.latlon(*b)) for a, b in grid.streets())
    return GeneratedCity(file, _zones(frame, grid, kept_free, rng), streets)


def size_problems(drones: int, poles: int, where: str) -> list[Reason]:
    """Why there is no city with so many drones and poles; nothing when there is one."""
    docks = drones + SPARE_DOCKS
    if drones >= 1 and poles >= docks:
        return []
    return [Reason(TOO_FEW_POLES, where, {"drones": drones, "docks": docks, "poles": poles})]


def _grid(poles: int, pole_every_m: float) -> _Grid:
    """As many streets as so many poles want."""
    side = 2
    while _pole_places(side, pole_every_m) < poles:
        side += 1
    east_m, north_m = BLOCK_M
    middle = (side - 1) / 2.0
    return _Grid(tuple((n - middle) * east_m for n in range(side)), tuple((n - middle) * north_m for n in range(side)))


def _pole_places(side: int, pole_every_m: float) -> int:
    a_block = sum(int(length_m // pole_every_m) for length_m in BLOCK_M)
    return side * (side - 1) * a_block


def _spots(grid: _Grid, poles: int, pole_every_m: float) -> list[Xy]:
    """Places beside the streets, spread evenly over the city."""
    every: list[Xy] = []
    for (e0, n0), (e1, n1) in grid.streets():
        length_m = math.dist((e0, n0), (e1, n1))
        ue, un = (e1 - e0) / length_m, (n1 - n0) / length_m
        for number in range(int(length_m // pole_every_m)):
            along_m = (number + 0.5) * pole_every_m
            every.append((e0 + ue * along_m - un * KERB_M, n0 + un * along_m + ue * KERB_M))
    return [every[number * len(every) // poles] for number in range(poles)]


def _far_apart(spots: list[Xy], count: int, first: int) -> list[int]:
    """Spots as far from each other as they come, each the farthest from all before it."""
    chosen = [first]
    nearest = [math.dist(spot, spots[first]) for spot in spots]
    while len(chosen) < count:
        farthest = max(range(len(spots)), key=lambda n: (nearest[n], -n))
        chosen.append(farthest)
        nearest = [min(m, math.dist(spot, spots[farthest])) for m, spot in zip(nearest, spots, strict=True)]
    return chosen


def _pole(number: int, place: LatLon, grid: _Grid, spot: Xy, has_dock: bool) -> CityPole:
    services: tuple[str, ...] = ("lamp",)
    if has_dock:
        services = ("weather", "lamp", "dock")
    elif number % WEATHER_EVERY == 0:
        services = ("weather", "lamp", "base_station") if number == 0 else ("weather", "lamp")
    return CityPole(
        code=f"410105-LP-{number + 1:06d}",
        lat_deg=place.lat_deg,
        lon_deg=place.lon_deg,
        services=services,
        mains=_district(grid, spot, "mains"),
        network=_district(grid, spot, "network"),
    )


def _district(grid: _Grid, spot: Xy, kind: str) -> str:
    """Mains districts are squares of a few blocks, network districts whole columns of them."""
    streets = min(STREETS_PER_DISTRICT, len(grid.easts) // 2)
    column = int((spot[0] - grid.easts[0] + KERB_M) // (streets * BLOCK_M[0]))
    row = int((spot[1] - grid.norths[0] + KERB_M) // (streets * BLOCK_M[1]))
    return f"{kind}-{row + 1}-{column + 1}" if kind == "mains" else f"{kind}-{column + 1}"


def _cells(frame: LocalFrame, grid: _Grid) -> tuple[CityCell, ...]:
    """Radio cells every `CELL_APART_M`, four of them at least, so that one may fail."""
    spots = product(_spread(grid.easts), _spread(grid.norths))
    cells = []
    for number, spot in enumerate(spots, 1):
        place = frame.latlon(*spot)
        cells.append(
            CityCell(
                name=f"cell-{number}",
                lat_deg=place.lat_deg,
                lon_deg=place.lon_deg,
                mains=_district(grid, spot, "mains"),
                network=_district(grid, spot, "network"),
            )
        )
    return tuple(cells)


def _spread(streets: tuple[float, ...]) -> list[float]:
    width_m = streets[-1] - streets[0]
    count = max(2, math.ceil(width_m / CELL_APART_M))
    return [streets[0] + width_m * (n + 0.5) / count for n in range(count)]


def _passer_by(rng: random.Random, number: int, frame: LocalFrame, grid: _Grid) -> CityAircraft:
    """An aircraft on a straight way over the city, from well outside to well outside."""
    kind, speed_mps, low_m, high_m = rng.choice(PASSERS_BY)
    heard: Literal["adsb", "remote-id", "nothing"] = "remote-id" if kind == "drone" else "adsb"
    if kind == "balloon" or rng.random() < SILENT_SHARE:
        heard = "nothing"
    half_m = OUTSIDE_M + max(grid.easts[-1], grid.norths[-1])
    bearing, aside_m = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(-0.4, 0.4) * half_m
    ue, un = math.sin(bearing), math.cos(bearing)
    ends = [frame.latlon(ue * way * half_m + un * aside_m, un * way * half_m - ue * aside_m) for way in (-1.0, 1.0)]
    return CityAircraft(
        id=f"ZZ-{number:03d}",
        path=tuple(
            CityPoint(lat_deg=end.lat_deg, lon_deg=end.lon_deg, agl_m=round(rng.uniform(low_m, high_m))) for end in ends
        ),
        speed_mps=round(speed_mps * rng.uniform(0.8, 1.2), 1),
        at_s=round(rng.uniform(0.0, FIRST_S)),
        heard=heard,
        icao=0x780000 + number,  # in China's block (ICAO Annex 10, volume III)
        kind=kind,
    )


def _block_middles(grid: _Grid) -> list[Xy]:
    east_m, north_m = BLOCK_M
    return [(e + east_m / 2, n + north_m / 2) for e in grid.easts[:-1] for n in grid.norths[:-1]]


def _open_ground(frame: LocalFrame, grid: _Grid, rng: random.Random, blocks_per_park: int) -> tuple[CityPlace, ...]:
    """A park in one block of so many, one at least."""
    middles = _block_middles(grid)
    chosen = sorted(rng.sample(range(len(middles)), max(1, len(middles) // blocks_per_park)))
    places = [frame.latlon(*middles[n]) for n in chosen]
    return tuple(
        CityPlace(name=f"park-{number}", lat_deg=place.lat_deg, lon_deg=place.lon_deg)
        for number, place in enumerate(places, 1)
    )


def _zones(frame: LocalFrame, grid: _Grid, kept_free: list[Xy], rng: random.Random) -> dict[str, Any]:
    """No-fly blocks, 50 m square, in the middle of some blocks, away from docks and open ground."""
    free = [
        middle
        for middle in _block_middles(grid)
        if min(math.dist(middle, place) for place in kept_free) >= ZONE_FROM_DOCK_M
    ]
    wanted = min(len(free), max(1, len(_block_middles(grid)) // BLOCKS_PER_ZONE))
    chosen = [free[n] for n in sorted(rng.sample(range(len(free)), wanted))]
    return {
        "type": "FeatureCollection",
        "features": [_zone(frame, number, middle) for number, middle in enumerate(chosen, 1)],
    }


def _zone(frame: LocalFrame, number: int, middle: Xy) -> dict[str, Any]:
    half = ZONE_HALF_M
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    ring = frame.lon_lat_array([(middle[0] + e, middle[1] + n) for e, n in corners]).round(7).tolist()
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "id": f"no-fly-{number}",
            "name": f"No-fly block {number}",
            "name_zh": f"禁飞街区 {number}",
            "kind": "no-fly",
            "floor": {"value_m": 0, "datum": "agl"},
            "ceiling": {"value_m": 300, "datum": "agl"},
        },
    }
