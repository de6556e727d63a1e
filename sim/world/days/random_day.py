"""Random days: a plausible city, overlapping missions and a heap of bad luck, all from one seed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import msgspec

from airspace.frames import LatLon, LocalFrame
from sim.city_file import CityDrone, CityFile, CityWeather
from sim.fault_text import fault_text
from sim.generated_city import city_of
from sim.world.days.bad_luck import random_death, random_faults, random_link
from sim.world.days.day import Day, DayMission, DayZone

POLE_EVERY_M = 100.0
POLES_PER_DOCK = 3.0
BLOCKS_PER_PARK = 3
REPORT_EVERY_S = 15.0  # a pole's word is stale after 20 s
CALM = 1 / 6  # of the days nothing goes wrong
CLEAR_OF_DOCKS_M = 75.0  # a zone nearer than this would close a dock for good
CROSSED = 0.4  # of the days have a mission over an alternate of another
BESIDE_M = 12.0  # so far off the poles lines lead
FIRST_START_S, LAST_START = 20.0, 0.55  # of the day
AFTER_S, TOO_SOON_S = (420.0, 600.0), 40.0  # after a drone's first mission; it still has the drone in the second case
TOO_SOON = 0.2  # of the second missions are asked for then
BACK = 0.5  # of the missions end where they began
ELSEWHERE = 0.25  # of the missions wish for docks that others' drones stand in
HEIGHTS_M = (35, 45, 55, 65, 75, 85, 95)
XY = tuple[float, float]


def random_day(seed: int, *, drones: int = 5, poles: int = 50, minutes: float = 30.0) -> Day:
    """The day of a seed; raises `Refused` when there are not poles enough for each drone's dock and two to spare."""
    rng, day_s = random.Random(f"day {seed}"), minutes * 60.0
    calm = rng.random() < CALM
    made = city_of(
        seed, drones, poles, pole_every_m=POLE_EVERY_M, poles_per_dock=POLES_PER_DOCK, blocks_per_park=BLOCKS_PER_PARK
    )
    city = _city(rng, made.file, calm)
    frame = LocalFrame(LatLon(city.origin.lat_deg, city.origin.lon_deg))
    missions = _missions(rng, frame, city, day_s)
    zones = _zones(rng, frame, city, missions, day_s)
    if calm:
        return Day(seed=seed, minutes=minutes, city=city, zones=zones, missions=missions)
    return Day(
        seed=seed,
        minutes=minutes,
        city=city,
        zones=zones,
        missions=missions,
        faults=tuple(fault_text(fault) for fault in random_faults(rng, city, missions, day_s)),
        deaths=tuple(random_death(rng) for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))),
        link=random_link(rng),
        disk_s=rng.choice((0.0, 0.0, 0.002, 0.05, 0.4)),
    )


def _city(rng: random.Random, made: CityFile, calm: bool) -> CityFile:
    """The generated city in this day's weather; the radio is what the day's links are, without cells."""
    wind_mps = rng.choice((1.0, 2.0, 3.0) if calm else (1.0, 2.0, 3.0, 4.0, 6.0))
    weather = CityWeather(
        wind_mps=wind_mps, from_deg=float(rng.randrange(360)), gust_mps=round(wind_mps * rng.uniform(0.1, 0.25), 2)
    )
    return msgspec.structs.replace(made, name="explored", report_every_s=REPORT_EVERY_S, weather=weather, cells=())


def _degrees(frame: LocalFrame, place: XY) -> tuple[float, float]:
    at = frame.latlon(*place)
    return round(at.lat_deg, 7), round(at.lon_deg, 7)


def _zones(
    rng: random.Random, frame: LocalFrame, city: CityFile, missions: Sequence[DayMission], day_s: float
) -> tuple[DayZone, ...]:
    """Blocks clear of the docks: on corridors or the way to an alternate for a while, or beside docks."""
    zones, dock_of = [], _docks(frame, city)
    docks = list(dock_of.values())
    from_s: float | None
    until_s: float | None
    for number in range(1, rng.choice((1, 2, 3, 4)) + 1):
        wish = rng.choice(missions) if rng.random() < 0.6 else None
        if wish is not None:
            places = [*(frame.xy(LatLon(*place)) for place in wish.line), dock_of[wish.docks[-1]]]
            start = rng.randrange(len(places) - 1)
            share = rng.uniform(0.0, 1.0)
            middle = tuple(a + share * (b - a) for a, b in zip(places[start], places[start + 1], strict=True))
            radius_m, from_s = rng.uniform(15.0, 45.0), max(wish.at_s + rng.uniform(-300.0, 400.0), 0.0)
            until_s = from_s + rng.uniform(60.0, 400.0)
        else:
            near, angle, away_m = rng.choice(docks), rng.uniform(0.0, 2 * math.pi), rng.uniform(110.0, 260.0)
            middle = (near[0] + away_m * math.cos(angle), near[1] + away_m * math.sin(angle))
            radius_m, from_s = rng.uniform(20.0, 60.0), rng.choice((None, rng.uniform(0.0, 0.6) * day_s))
            until_s = None
        radius_m = min(radius_m, min(math.dist(middle, dock) for dock in docks) - CLEAR_OF_DOCKS_M)
        if radius_m < 12.0:
            continue
        zones.append(
            DayZone(
                id=f"block-{number}",
                ring=tuple(_degrees(frame, corner) for corner in _ring(rng, middle, radius_m)),
                floor_agl_m=0.0,
                ceiling_agl_m=float(rng.choice((60, 120, 300))),
                from_s=None if from_s is None else round(from_s, 1),
                until_s=None if until_s is None else round(until_s, 1),
            )
        )
    return tuple(zones)


def _docks(frame: LocalFrame, city: CityFile) -> dict[str, XY]:
    return {pole.code: frame.xy(LatLon(pole.lat_deg, pole.lon_deg)) for pole in city.poles if "dock" in pole.services}


def _ring(rng: random.Random, middle: Sequence[float], radius_m: float) -> list[XY]:
    corners, turn = rng.choice((3, 4, 6)), rng.uniform(0.0, 1.0)
    angles = [2 * math.pi * (k + turn) / corners for k in range(corners)]
    return [(middle[0] + radius_m * math.cos(angle), middle[1] + radius_m * math.sin(angle)) for angle in angles]


def _missions(rng: random.Random, frame: LocalFrame, city: CityFile, day_s: float) -> tuple[DayMission, ...]:
    spots = [frame.xy(LatLon(pole.lat_deg, pole.lon_deg)) for pole in city.poles]
    missions: list[DayMission] = []
    for drone in city.drones:
        at_s, home = rng.uniform(FIRST_START_S, 0.3 * day_s), _home(city, drone)
        start = frame.xy(LatLon(drone.lat_deg, drone.lon_deg))
        for number in range(1, rng.choice((1, 1, 2)) + 1):
            line = _line(rng, start, spots)
            wished = _wished(rng, frame, city, home, line[-1])
            missions.append(
                DayMission(
                    name=f"{drone.id}-{number}",
                    drone=drone.id,
                    at_s=round(at_s, 1),
                    line=tuple(_degrees(frame, place) for place in line),
                    height_agl_m=float(rng.choice(HEIGHTS_M)),
                    speed_mps=float(rng.choice((6, 8, 10))),
                    docks=wished,
                    priority=rng.choice((0, 0, 0, 10)),
                )
            )
            at_s += TOO_SOON_S if rng.random() < TOO_SOON else rng.choice(AFTER_S)
            if at_s > LAST_START * day_s:
                break
            start, home = line[-1], wished[0]
    if rng.random() < CROSSED and len(city.drones) > 1:
        missions = _crossed(rng, frame, city, missions)
    return tuple(sorted(missions, key=lambda mission: (mission.at_s, mission.name)))


def _home(city: CityFile, drone: CityDrone) -> str:
    """The dock in which a drone stands."""
    at = (drone.lat_deg, drone.lon_deg)
    return next(pole.code for pole in city.poles if (pole.lat_deg, pole.lon_deg) == at)


def _wished(rng: random.Random, frame: LocalFrame, city: CityFile, home: str, end: XY) -> tuple[str, ...]:
    """Docks to land on: often the one that the drone comes from, then some near the line's end, mostly free ones."""
    docks, homes = _docks(frame, city), [_home(city, drone) for drone in city.drones]
    free = docks if rng.random() < ELSEWHERE else [code for code in docks if code not in homes]
    near = sorted((code for code in free if code != home), key=lambda code: math.dist(docks[code], end))[:4]
    first = [home] if rng.random() < BACK else []
    return (*first, *rng.sample(near, rng.choice((1, 1, 2)) - (rng.random() < 0.3 and bool(first))))


def _crossed(rng: random.Random, frame: LocalFrame, city: CityFile, missions: Sequence[DayMission]) -> list[DayMission]:
    """The missions, one of another drone led over the last dock of one of them, shortly before that is asked for."""
    firsts = [mission for mission in missions if mission.name == f"{mission.drone}-1"]  # whose drones are there
    wish, other = rng.sample(firsts, 2)
    end, dock = frame.xy(LatLon(*wish.line[-1])), _docks(frame, city)[wish.docks[-1]]
    across = math.atan2(dock[1] - end[1], dock[0] - end[0]) + math.pi / 2 + rng.uniform(-0.5, 0.5)
    reach_m = rng.uniform(50.0, 120.0)
    line = [(dock[0] + side * math.cos(across), dock[1] + side * math.sin(across)) for side in (-reach_m, reach_m)]
    led = msgspec.structs.replace(
        other,
        at_s=round(max(wish.at_s - rng.uniform(5.0, 90.0), 1.0), 1),
        line=tuple(_degrees(frame, place) for place in line),
        height_agl_m=wish.height_agl_m,
        docks=tuple(code for code in other.docks if code not in wish.docks) or other.docks,
    )
    return [led if mission is other else mission for mission in missions]


def _line(rng: random.Random, near: XY, spots: Sequence[XY]) -> list[XY]:
    """A corridor of two or three places beside poles that lie within a few hundred metres of each other."""
    line = [near]
    for _ in range(rng.choice((2, 2, 3))):
        ahead = [spot for spot in spots if 70.0 < math.dist(spot, line[-1]) < 250.0]
        east_m, north_m = rng.choice(ahead)
        line.append((east_m + rng.uniform(-BESIDE_M, BESIDE_M), north_m + rng.uniform(-BESIDE_M, BESIDE_M)))
    return line[1:] if len(line) > 2 else line
