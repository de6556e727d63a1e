"""Bad luck: what goes wrong on a random day, drawn so that most of it strikes a mission."""

from __future__ import annotations

import random
from collections.abc import Sequence

from sim.city_file import CityFile
from sim.faults import Fault, Moment, Occasion
from sim.world.days.day import DayLink, DayMission, Death

FOR_GOOD = 0.3  # of the faults that may end do not
# How often each kind of bad luck is drawn, against the others.
SHARES = {
    "wind": 3.0, "front": 1.5, "gust": 1.5, "rain": 3.0, "cold": 0.7, "battery": 1.5, "motor": 0.5, "fix": 1.0,
    "jam": 0.7, "spoof": 0.7, "link": 1.5, "taken": 1.5, "stuck": 1.5, "pole": 1.0, "mains": 0.8, "network": 0.8,
    "intruder": 0.8,
}  # fmt: skip


def random_link(rng: random.Random) -> DayLink:
    """What the radio is like: every other day it is good."""
    if rng.random() < 0.5:
        return DayLink()
    return DayLink(
        delay_s=rng.choice((0.02, 0.1, 0.3)),
        jitter_s=rng.choice((0.0, 0.0, 0.05, 0.3)),
        loss=rng.choice((0.0, 0.05, 0.1, 0.3)),
        doubled=rng.choice((0.0, 0.0, 0.05)),
    )


def random_death(rng: random.Random) -> Death:
    """When a controller dies, and how long there is none."""
    return Death(word=rng.randrange(1, 160), kept=rng.random() < 0.5, down_s=round(rng.choice((1.0, 5.0, 30.0)), 1))


def random_faults(rng: random.Random, city: CityFile, missions: Sequence[DayMission], day_s: float) -> list[Fault]:
    """A few faults, most of them where and when they hurt a mission."""
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
    for_s = None if rng.random() < FOR_GOOD else round(rng.uniform(10.0, 400.0), 1)
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
            return Fault("wind", number=round(rng.uniform(4.0, 16.0), 1), moment=moment, for_s=for_s)
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
