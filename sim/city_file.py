"""The file of a simulated city (YAML), documented in docs/city-file.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml
from msgspec import Meta

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Reason, Refused, Rule, Words
from sim.fittings import SIMULATED
from sim.yaml_file import NO_FILE, Places, read_yaml

MALFORMED = Rule(
    "city.malformed",
    Words("{detail}", "{detail}"),
    Words("Compare it with docs/city-file.md.", "请参照 docs/city-file.md。"),
)
REPEATED = Rule(
    "city.repeated",
    Words("{value} stands here twice", "{value} 重复出现"),
    Words("Give each drone, pole and place its own name.", "请为每架无人机、每根灯杆和每处场地使用唯一标识。"),
)
UNKNOWN_SERVICE = Rule(
    "city.unknown-service",
    Words("no pole offers a service {value}; known: {known}", "灯杆没有服务 {value}；已知服务：{known}"),
    Words("Correct the name or leave it out.", "请更正名称，或将其删除。"),
)

PATH_TOO_SHORT = Rule(
    "city.path-too-short",
    Words("a path needs two places or more, or one and no repeat", "航迹至少需要两个点，或仅一个点且不重复"),
    Words("Give the places in the order in which they are flown.", "请按飞行顺序给出各点。"),
)
OUT_OF_ORDER = Rule(
    "city.fronts-overlap",
    Words(
        "this front begins at {at_s:g} s, before the one above is there at {there_s:g} s",
        "该锋面于 {at_s:g} 秒开始，早于上一锋面完成的 {there_s:g} 秒",
    ),
    Words("Write fronts in the order of time and let each finish.", "请按时间顺序填写，并让前一锋面先完成。"),
)

TOO_FAR = Rule(
    "city.too-far",
    Words("{name} is {away_km:.0f} km from the city's origin", "{name} 距城市原点 {away_km:.0f} 公里"),
    Words(
        "Stay within {most_km:.0f} km, where the city's plane is true to 1 cm in 1 km; check lat_deg and lon_deg.",
        "请保持在 {most_km:.0f} 公里以内（该范围内平面误差每公里不超过 1 厘米），并检查 lat_deg 和 lon_deg。",
    ),
)
FARTHEST_KM = 50.0
LEAST_VISIBILITY_M, MOST_VISIBILITY_M = 10.0, 100_000.0
LEAST_AMSL_M, MOST_AMSL_M = -500.0, 6000.0  # of the ground

Lat = Annotated[float, Meta(ge=-85.0, le=85.0)]
Lon = Annotated[float, Meta(ge=-180.0, le=180.0)]
Name = Annotated[str, Meta(min_length=1, max_length=60)]
WindMps = Annotated[float, Meta(ge=0.0, le=40.0)]
GustMps = Annotated[float, Meta(ge=0.0, le=10.0)]
Bearing = Annotated[float, Meta(ge=0.0, le=360.0)]
Rain = Annotated[float, Meta(ge=0.0, le=200.0)]
Seconds = Annotated[float, Meta(ge=0.0, le=1e6)]
Agl = Annotated[float, Meta(ge=0.0, le=10_000.0)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all parts of the file: unknown fields are errors."""


class CityFront(_Part, frozen=True, kw_only=True):
    """A new mean wind from `at_s` after the start, there `over_s` later; gusts usual for it when none are given."""

    at_s: Seconds
    wind_mps: WindMps
    from_deg: Bearing
    over_s: Seconds = 120.0
    gust_mps: GustMps | None = None


class CityRainCell(_Part, frozen=True, kw_only=True):
    """A shower: its middle at `at_s` after the start, how it moves [m/s], how wide it is and how hard it rains."""

    at_s: Seconds
    lasts_s: Seconds
    lat_deg: Lat
    lon_deg: Lon
    radius_m: Annotated[float, Meta(gt=0.0, le=100_000.0)]
    rain_mmph: Rain
    east_mps: Annotated[float, Meta(ge=-40.0, le=40.0)] = 0.0
    north_mps: Annotated[float, Meta(ge=-40.0, le=40.0)] = 0.0


class CityWeather(_Part, frozen=True, kw_only=True):
    """Mean wind at 10 m [m/s], where it comes from, its gusts' standard deviation at 10 m [m/s], rain [mm/h], the air.

    `temperature_c` is the day's mean at the ground; it is `temperature_swing_c` warmer at three by the sun.
    """

    wind_mps: WindMps = 3.0
    from_deg: Bearing = 70.0
    gust_mps: GustMps = 0.6
    shear_exponent: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.0
    rain_mmph: Rain = 0.0
    temperature_c: Annotated[float, Meta(ge=-40.0, le=50.0)] = 25.0
    temperature_swing_c: Annotated[float, Meta(ge=0.0, le=20.0)] = 0.0
    visibility_m: Annotated[float, Meta(ge=LEAST_VISIBILITY_M, le=MOST_VISIBILITY_M)] = 12_000.0
    pressure_hpa: Annotated[float, Meta(ge=500.0, le=1080.0)] = 1003.0
    fronts: tuple[CityFront, ...] = ()
    rain_cells: tuple[CityRainCell, ...] = ()


class CityDrone(_Part, frozen=True, kw_only=True):
    """A simulated drone, where it stands, what its autopilot is and how full its battery."""

    id: str
    lat_deg: Lat
    lon_deg: Lon
    heading_deg: Annotated[float, Meta(ge=0.0, lt=360.0)] = 0.0
    personality: Literal["ardupilot", "px4"] = "ardupilot"
    battery_pct: Annotated[float, Meta(ge=0.0, le=100.0)] = 100.0


class CityPole(_Part, frozen=True, kw_only=True):
    """A simulated pole: its city code, place and services, and the districts whose mains and network it hangs on."""

    code: str
    lat_deg: Lat
    lon_deg: Lon
    services: tuple[str, ...] = ("weather", "lamp", "dock")
    mains: str = ""
    network: str = ""


class CityCell(_Part, frozen=True, kw_only=True):
    """A radio cell: where its antenna is, how far it reaches over free ground, and the districts it hangs on.

    At `range_m` half of what is sent is lost; `delay_s` is one way.
    """

    name: Name
    lat_deg: Lat
    lon_deg: Lon
    agl_m: Agl = 30.0
    range_m: Annotated[float, Meta(gt=0.0, le=100_000.0)] = 3000.0
    delay_s: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.03
    mains: str = ""
    network: str = ""


class CityPoint(_Part, frozen=True, kw_only=True):
    """A place in the air, its height above the level ground [m]."""

    lat_deg: Lat
    lon_deg: Lon
    agl_m: Agl


class CityAircraft(_Part, frozen=True, kw_only=True):
    """An aircraft that nobody here flies: it enters at `at_s` after the start and follows its path.

    `icao` is its 24-bit address; `heard` says how it tells of itself.
    """

    id: Name
    path: tuple[CityPoint, ...]
    speed_mps: Annotated[float, Meta(gt=0.0, le=340.0)] = 40.0
    at_s: Seconds = 0.0
    repeats: bool = False
    heard: Literal["adsb", "remote-id", "nothing"] = "adsb"
    icao: Annotated[int, Meta(ge=1, le=0xFFFFFF)] = 0x780000
    kind: Literal["aeroplane", "helicopter", "drone", "balloon"] = "helicopter"


class CityPlace(_Part, frozen=True, kw_only=True):
    """Open ground where a drone may land by itself."""

    name: str
    lat_deg: Lat
    lon_deg: Lon


class CityOrigin(_Part, frozen=True, kw_only=True):
    """The middle of the city."""

    lat_deg: Lat
    lon_deg: Lon


class CityGround(_Part, frozen=True, kw_only=True):
    """The level ground [m above mean sea level] and the geoid under it [m above the ellipsoid].

    Where there is a terrain model the level is the datum of the world, and the ground is the model's.
    """

    amsl_m: Annotated[float, Meta(ge=LEAST_AMSL_M, le=MOST_AMSL_M)]
    geoid_m: Annotated[float, Meta(ge=-110.0, le=90.0)]


class CityTerrain(_Part, frozen=True, kw_only=True):
    """A terrain model (`airspace.ground.terrain`), and what its heights count from: sea level or the ellipsoid."""

    path: str
    heights: Literal["geoid", "ellipsoid"] = "geoid"


class CityFile(_Part, frozen=True, kw_only=True):
    """The whole file; `airspace`, `buildings` and `terrain.path` name files beside it.

    `corrections` says how the drones' receivers are corrected: each over its own network, or by what the controller
    sends over the radio. `report_every_s` is the usual interval of the poles' reports, `heartbeat_every_s` that of
    their heartbeats while they hear nothing.
    """

    name: str
    origin: CityOrigin
    ground: CityGround
    airspace: tuple[str, ...] = ()
    buildings: tuple[str, ...] = ()
    terrain: CityTerrain | None = None
    weather: CityWeather = CityWeather()
    drones: tuple[CityDrone, ...] = ()
    poles: tuple[CityPole, ...] = ()
    cells: tuple[CityCell, ...] = ()
    traffic: tuple[CityAircraft, ...] = ()
    open_ground: tuple[CityPlace, ...] = ()
    corrections: Literal["network", "radio"] = "network"
    report_every_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 5.0
    heartbeat_every_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 5.0


def load_city(path: Path) -> CityFile:
    """Read a city file; raises `Refused` with what is wrong in it, by file, line and field."""
    file, places = read_yaml(path, CityFile, MALFORMED)
    if reasons := [*_problems(file, places), *_absent(file, path.parent, places), *_too_far(file, places)]:
        raise Refused(reasons)
    return file


def _absent(file: CityFile, folder: Path, places: Places) -> Iterator[Reason]:
    """Files that the city names and that are not beside it."""
    named = [
        (f"{field}[{n}]", name) for field in ("airspace", "buildings") for n, name in enumerate(getattr(file, field))
    ]
    named += [("terrain.path", file.terrain.path)] if file.terrain is not None else []
    for field, name in named:
        if not (folder / name).exists():
            yield Reason(NO_FILE, places.where(field), {"file": folder / name})


def _too_far(file: CityFile, places: Places) -> Iterator[Reason]:
    for field, stands in (
        ("drones", file.drones),
        ("poles", file.poles),
        ("cells", file.cells),
        ("open_ground", file.open_ground),
    ):
        yield from too_far(file.origin, field, stands, places)


def too_far(
    origin: CityOrigin, field: str, stands: Iterable[CityDrone | CityPole | CityCell | CityPlace], places: Places
) -> Iterator[Reason]:
    """What stands farther from the city's origin than its plane can bear; `field` is the list that it stands in."""
    middle = LatLon(origin.lat_deg, origin.lon_deg)
    for n, one in enumerate(stands):
        away_km = middle.distance_m(LatLon(one.lat_deg, one.lon_deg)) / 1000.0
        if away_km > FARTHEST_KM:
            name = one.id if isinstance(one, CityDrone) else one.code if isinstance(one, CityPole) else one.name
            facts = {"name": name, "away_km": away_km, "most_km": FARTHEST_KM}
            yield Reason(TOO_FAR, places.where(f"{field}[{n}].lat_deg"), facts)


def _problems(file: CityFile, places: Places) -> Iterator[Reason]:
    names = {
        "drones": ("id", [drone.id for drone in file.drones]),
        "poles": ("code", [pole.code for pole in file.poles]),
        "cells": ("name", [cell.name for cell in file.cells]),
        "traffic": ("id", [aircraft.id for aircraft in file.traffic]),
        "open_ground": ("name", [place.name for place in file.open_ground]),
    }
    for field, (member, given) in names.items():
        seen: set[str] = set()
        for n, name in enumerate(given):
            if name in seen:
                yield Reason(REPEATED, places.where(f"{field}[{n}].{member}"), {"value": name})
            seen.add(name)
    for n, pole in enumerate(file.poles):
        for service in sorted(set(pole.services) - set(SIMULATED)):
            facts = {"value": service, "known": ", ".join(sorted(SIMULATED))}
            yield Reason(UNKNOWN_SERVICE, places.where(f"poles[{n}].services"), facts)
    for n, aircraft in enumerate(file.traffic):
        if len(aircraft.path) < (2 if aircraft.repeats else 1):
            yield Reason(PATH_TOO_SHORT, places.where(f"traffic[{n}].path"))
    there_s = 0.0
    for n, front in enumerate(file.weather.fronts):
        if front.at_s < there_s:
            where = places.where(f"weather.fronts[{n}].at_s")
            yield Reason(OUT_OF_ORDER, where, {"at_s": front.at_s, "there_s": there_s})
        there_s = front.at_s + front.over_s


def city_around(name: str, lat_deg: float, lon_deg: float, amsl_m: float) -> CityFile:
    """A small city for a mission made elsewhere: a drone at its home, three poles with weather and lamps around."""
    frame = LocalFrame(LatLon(lat_deg, lon_deg))
    places = [frame.latlon(east_m, north_m) for east_m, north_m in ((60.0, 0.0), (-30.0, 52.0), (-30.0, -52.0))]
    return CityFile(
        name=name,
        origin=CityOrigin(lat_deg=lat_deg, lon_deg=lon_deg),
        ground=CityGround(amsl_m=amsl_m, geoid_m=0.0),
        drones=(CityDrone(id="drone-1", lat_deg=lat_deg, lon_deg=lon_deg),),
        poles=tuple(
            CityPole(
                code=f"410105-LP-{number:06d}",
                lat_deg=place.lat_deg,
                lon_deg=place.lon_deg,
                services=("weather", "lamp"),
            )
            for number, place in enumerate(places, 1)
        ),
    )


def save_city(city: CityFile, path: Path) -> None:
    """Write a city file that `load_city` reads back."""
    path.write_text(yaml.safe_dump(msgspec.to_builtins(city), allow_unicode=True), encoding="utf-8")
