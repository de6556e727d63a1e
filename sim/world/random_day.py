"""Random days: a plausible city, overlapping missions and a heap of bad luck, all from one seed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import msgspec

from airspace.frames import LatLon, LocalFrame
from sim.city_file import CityDrone, CityFile, CityGround, CityOrigin, CityPlace, CityPole, CityWeather
from sim.fault_text import fault_text
from sim.faults import Fault, Moment, Occasion
from sim.world.day import Day, DayLink, DayMission, DayZone, Death

MIDDLE = LatLon(34.7500, 113.6200)
SPACING_M = 110.0  # between poles of the street grid
DOCK_EVERY = 4  # one pole in so many carries a dock
WEATHER_EVERY = 5
POLES_PER_MAINS, POLES_PER_NETWORK = 12, 17
CLEAR_OF_DOCKS_M = 75.0  # a zone nearer than this would close a dock for good
CROSSED = 0.4  # of the days have a mission over an alternate of another
REPORT_EVERY_S = 15.0  # a pole's word is stale after 20 s
FIRST_START_S, LAST_START = 20.0, 0.55  # of the day
# How often each kind of bad luck is drawn, against the others.
SHARES = {
    "wind": 3.0, "front": 1.5, "gust": 1.5, "rain": 3.0, "cold": 0.7, "battery": 1.5, "motor": 0.5, "fix": 1.0,
    "jam": 0.7, "spoof": 0.7, "link": 1.5, "taken": 1.5, "stuck": 1.5, "pole": 1.0, "mains": 0.8, "network": 0.8,
    "intruder": 0.8,
}  # fmt: skip
XY = tuple[float, float]


def least_poles(drones: int) -> int:
    """How many poles a day of so many drones has at least: with a dock for each, and one to land on."""
    return DOCK_EVERY * (drones + 1)


def random_day(seed: int, *, drones: int = 5, poles: int = 50, minutes: float = 30.0) -> Day:
    """The day of a seed; raises ValueError when there are not poles enough for each drone's dock and one to land on."""
    if drones < 1 or poles < least_poles(drones):
        raise ValueError(f"{drones} drones need at least {least_poles(drones)} poles")
    rng = random.Random(f"day {seed}")
    frame = LocalFrame(MIDDLE)
    places = _grid(rng, poles)
    city = _city(rng, frame, places, drones, rng.choice((1.0, 2.0, 3.0, 4.0, 6.0)))
    missions = _missions(rng, frame, city, minutes * 60.0)
    return Day(
        seed=seed,
        minutes=minutes,
        city=city,
        zones=_zones(rng, frame, city, missions, minutes * 60.0),
        missions=missions,
        faults=tuple(fault_text(fault) for fault in _faults(rng, city, missions, minutes * 60.0)),
        deaths=tuple(_death(rng) for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))),
        link=_link(rng),
        disk_s=rng.choice((0.0, 0.0, 0.002, 0.05, 0.4)),
    )


def _grid(rng: random.Random, poles: int) -> list[XY]:
    """Places east and north of the middle [m]: streets with a pole every `SPACING_M`, each a little off."""
    columns = math.ceil(math.sqrt(poles * 1.5))
    rows = math.ceil(poles / columns)
    places = []
    for number in range(poles):
        column, row = number % columns, number // columns
        east_m = (column - (columns - 1) / 2) * SPACING_M + rng.uniform(-12.0, 12.0)
        north_m = (row - (rows - 1) / 2) * SPACING_M + rng.uniform(-12.0, 12.0)
        places.append((round(east_m, 1), round(north_m, 1)))
    return places


def _degrees(frame: LocalFrame, place: XY) -> tuple[float, float]:
    at = frame.latlon(*place)
    return round(at.lat_deg, 7), round(at.lon_deg, 7)


def _city(rng: random.Random, frame: LocalFrame, places: Sequence[XY], drones: int, wind_mps: float) -> CityFile:
    poles = []
    for number, place in enumerate(places):
        services = ["lamp"]
        services += ["dock"] if number % DOCK_EVERY == 0 else []
        services += ["weather"] if number % WEATHER_EVERY == 0 else []
        lat_deg, lon_deg = _degrees(frame, place)
        code = f"410105-LP-{number + 1:06d}"
        hangs_on = {
            "mains": f"mains-{number // POLES_PER_MAINS + 1}",
            "network": f"network-{number // POLES_PER_NETWORK + 1}",
        }
        poles.append(CityPole(code=code, lat_deg=lat_deg, lon_deg=lon_deg, services=tuple(services), **hangs_on))
    docks = [pole for pole in poles if "dock" in pole.services]
    homes = rng.sample(docks, drones)
    grounds = [(place[0] + SPACING_M / 2, place[1] + SPACING_M / 2) for place in places[5::11]]
    return CityFile(
        name="explored",
        report_every_s=REPORT_EVERY_S,
        origin=CityOrigin(lat_deg=MIDDLE.lat_deg, lon_deg=MIDDLE.lon_deg),
        ground=CityGround(amsl_m=108.0, geoid_m=-19.4),
        weather=CityWeather(
            wind_mps=wind_mps,
            from_deg=float(rng.randrange(360)),
            gust_mps=round(wind_mps * rng.uniform(0.1, 0.25), 2),
        ),
        drones=tuple(
            CityDrone(id=f"drone-{number}", lat_deg=home.lat_deg, lon_deg=home.lon_deg)
            for number, home in enumerate(homes, 1)
        ),
        poles=tuple(poles),
        open_ground=tuple(
            CityPlace(name=f"ground-{number}", lat_deg=lat_deg, lon_deg=lon_deg)
            for number, (lat_deg, lon_deg) in enumerate((_degrees(frame, place) for place in grounds), 1)
        ),
    )


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
    docks = [pole for pole in city.poles if "dock" in pole.services]
    spots = [frame.xy(LatLon(pole.lat_deg, pole.lon_deg)) for pole in city.poles]
    missions = []
    for drone in city.drones:
        at_s = rng.uniform(FIRST_START_S, 0.3 * day_s)
        home = frame.xy(LatLon(drone.lat_deg, drone.lon_deg))
        for leg in range(rng.choice((1, 1, 2))):
            line = _line(rng, home, spots)
            end = frame.latlon(*line[-1])
            near = sorted(docks, key=lambda dock: LatLon(dock.lat_deg, dock.lon_deg).distance_m(end))
            wished = rng.sample(near[:5], min(rng.choice((1, 2, 3, 3)), len(docks)))
            missions.append(
                DayMission(
                    name=f"{drone.id}-{leg + 1}",
                    drone=drone.id,
                    at_s=round(at_s, 1),
                    line=tuple(_degrees(frame, place) for place in line),
                    height_agl_m=float(rng.choice((35, 45, 60, 75))),
                    speed_mps=float(rng.choice((6, 8, 10))),
                    docks=tuple(dock.code for dock in wished),
                    priority=rng.choice((0, 0, 0, 10)),
                )
            )
            # mostly after the first flight has ended, sometimes while it still has the drone
            at_s = min(at_s + rng.choice((40.0, 420.0, 600.0)), LAST_START * day_s)
            home = line[-1]
    if rng.random() < CROSSED and len(city.drones) > 1:
        missions = _crossed(rng, frame, city, missions)
    return tuple(sorted(missions, key=lambda mission: (mission.at_s, mission.name)))


def _crossed(rng: random.Random, frame: LocalFrame, city: CityFile, missions: Sequence[DayMission]) -> list[DayMission]:
    """The missions, one of another drone led over the last dock of one of them, shortly before that is asked for."""
    wish = rng.choice(missions)
    other = rng.choice([mission for mission in missions if mission.drone != wish.drone])
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
    """A corridor of two to four poles that lie within a few hundred metres of each other."""
    line = [near]
    for _ in range(rng.choice((2, 2, 3, 4))):
        last = line[-1]
        ahead = [spot for spot in spots if 70.0 < math.dist(spot, last) < 320.0 and spot not in line]
        if ahead:
            line.append(rng.choice(ahead))
    return line[1:] if len(line) > 2 else line


def _link(rng: random.Random) -> DayLink:
    if rng.random() < 0.5:
        return DayLink()
    return DayLink(
        delay_s=rng.choice((0.02, 0.1, 0.3)),
        jitter_s=rng.choice((0.0, 0.0, 0.05, 0.3)),
        loss=rng.choice((0.0, 0.05, 0.1, 0.3)),
        doubled=rng.choice((0.0, 0.0, 0.05)),
    )


def _death(rng: random.Random) -> Death:
    return Death(word=rng.randrange(1, 160), kept=rng.random() < 0.5, down_s=round(rng.choice((1.0, 5.0, 30.0)), 1))


def _faults(rng: random.Random, city: CityFile, missions: Sequence[DayMission], day_s: float) -> list[Fault]:
    made = [_fault(rng, city, missions, day_s) for _ in range(rng.choice((0, 1, 1, 2, 3, 4)))]
    if rng.random() < 0.25:
        made.append(
            Fault(
                "controller",
                choice="killed",
                moment=_moment(rng, rng.choice(missions), day_s),
                for_s=round(rng.choice((2.0, 10.0, 45.0)), 1),
            )
        )
    return made


def _moment(rng: random.Random, wish: DayMission, day_s: float) -> Moment:
    """Mostly while a mission is flown: counted from its drone's take-off, or around when it is asked for."""
    match rng.choice(("take-off", "take-off", "asked for", "any")):
        case "take-off":
            return Moment(round(rng.uniform(0.0, 240.0), 1), Occasion.TAKEOFF, wish.drone)
        case "asked for":
            return Moment(round(max(wish.at_s + rng.uniform(-200.0, 200.0), 1.0), 1))
        case _:
            return Moment(round(rng.uniform(1.0, 0.8 * day_s), 1))


def _fault(rng: random.Random, city: CityFile, missions: Sequence[DayMission], day_s: float) -> Fault:
    """One row of the table of faults, by its share, that strikes a mission: its drone, its docks or its way."""
    wish = rng.choice(missions)
    moment = _moment(rng, wish, day_s)
    for_s = rng.choice((None, round(rng.uniform(10.0, 400.0), 1)))
    match rng.choices(tuple(SHARES), weights=tuple(SHARES.values()))[0]:
        case "wind" | "front" | "gust" | "cold" | "rain" as kind:
            return _weather_fault(rng, kind, wish, moment, for_s)
        case "battery":
            return Fault("battery", target=wish.drone, number=float(rng.randrange(10, 75)), moment=moment)
        case "motor":
            return Fault("motor", target=wish.drone, number=float(rng.randrange(1, 5)), moment=moment)
        case "link":
            return Fault("link", target=wish.drone, choice="lost", moment=moment, for_s=for_s)
        case "fix" | "jam" | "spoof" as kind:
            return _signal_fault(rng, kind, wish, moment, for_s)
        case "intruder":
            speed_mps, bearing_deg = float(rng.choice((10, 30, 60))), float(rng.randrange(360))
            details = (*_over(rng, wish), ("speed_mps", speed_mps), ("bearing_deg", bearing_deg))
            height_m = float(rng.choice((40, 60, 90, 200)))
            lasts_s = round(rng.uniform(100.0, 400.0), 1)
            return Fault("intruder", number=height_m, details=details, moment=moment, for_s=lasts_s)
        case kind:
            return _ground_fault(rng, kind, city, wish, moment, for_s)


def _weather_fault(rng: random.Random, kind: str, wish: DayMission, moment: Moment, for_s: float | None) -> Fault:
    match kind:
        case "wind":
            return Fault("wind", number=round(rng.uniform(4.0, 18.0), 1), moment=moment, for_s=for_s)
        case "front":
            turns = (("from_deg", float(rng.randrange(360))), ("over_s", float(rng.choice((20, 60, 180)))))
            return Fault("wind", number=round(rng.uniform(4.0, 15.0), 1), details=turns, moment=moment, for_s=for_s)
        case "gust":
            return Fault("gust", number=round(rng.uniform(0.5, 3.0), 1), moment=moment, for_s=for_s)
        case "cold":
            return Fault("temperature", number=float(rng.randrange(-25, 5)), moment=moment, for_s=for_s)
        case _:
            return Fault(
                "rain", target=rng.choice(("", rng.choice(wish.docks))), number=8.0, moment=moment, for_s=for_s
            )


def _signal_fault(rng: random.Random, kind: str, wish: DayMission, moment: Moment, for_s: float | None) -> Fault:
    match kind:
        case "fix":
            number = float(rng.choice((3, 4, 5)))
            return Fault("fix", target=wish.drone, number=number, moment=moment, for_s=for_s)
        case "jam":
            details = (*_over(rng, wish), ("radius_m", float(rng.choice((60, 120, 250)))))
            number, lasts_s = float(rng.choice((0, 10, 20))), round(rng.uniform(10.0, 120.0), 1)
            return Fault("jam", number=number, details=details, moment=moment, for_s=lasts_s)
        case _:
            drift, lasts_s = (("bearing_deg", float(rng.randrange(360))),), round(rng.uniform(10.0, 90.0), 1)
            number = float(rng.choice((1, 2, 4)))
            return Fault("spoof", target=wish.drone, number=number, details=drift, moment=moment, for_s=lasts_s)


def _ground_fault(
    rng: random.Random, kind: str, city: CityFile, wish: DayMission, moment: Moment, for_s: float | None
) -> Fault:
    dock = rng.choice((wish.docks[0], rng.choice(wish.docks)))
    pole = next(pole for pole in city.poles if pole.code == dock)
    match kind:
        case "mains":
            return Fault("mains", target=pole.mains, choice="off", moment=moment, for_s=for_s)
        case "network":
            return Fault("network", target=pole.network, choice="off", moment=moment, for_s=for_s)
        case "pole":
            return Fault("pole", target=dock, choice="silent", moment=moment, for_s=for_s)
        case _:
            return Fault("dock", target=dock, choice=kind, moment=moment, for_s=for_s)


def _over(rng: random.Random, wish: DayMission) -> tuple[tuple[str, float], ...]:
    """A place on a mission's line, as the details of a fault have it."""
    lat_deg, lon_deg = rng.choice(wish.line)
    return ("lat_deg", lat_deg), ("lon_deg", lon_deg)
