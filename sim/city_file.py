"""The file of a simulated city (YAML): ground, weather, drones, poles and open ground."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Reason, Refused, Rule, Words
from poles.services import SERVICES

MALFORMED = Rule(
    "city.malformed",
    Words("{detail}", "{detail}"),
    Words("Compare it with examples/zhengzhou/city.yaml.", "请参照 examples/zhengzhou/city.yaml。"),
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

Lat = Annotated[float, Meta(ge=-85.0, le=85.0)]
Lon = Annotated[float, Meta(ge=-180.0, le=180.0)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all parts of the file: unknown fields are errors."""


class CityWeather(_Part, frozen=True, kw_only=True):
    """Mean wind at 10 m [m/s], where it comes from, its gusts' standard deviation [m/s], and rain [mm/h]."""

    wind_mps: Annotated[float, Meta(ge=0.0, le=40.0)] = 3.0
    from_deg: Annotated[float, Meta(ge=0.0, le=360.0)] = 70.0
    gust_mps: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.6
    rain_mmph: Annotated[float, Meta(ge=0.0, le=200.0)] = 0.0


class CityDrone(_Part, frozen=True, kw_only=True):
    """A simulated drone and where it stands."""

    id: str
    lat_deg: Lat
    lon_deg: Lon
    heading_deg: Annotated[float, Meta(ge=0.0, lt=360.0)] = 0.0


class CityPole(_Part, frozen=True, kw_only=True):
    """A simulated pole: its city code, place and services."""

    code: str
    lat_deg: Lat
    lon_deg: Lon
    services: tuple[str, ...] = ("weather", "lamp", "dock")


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
    """The level ground [m above mean sea level] and the geoid under it [m above the ellipsoid]."""

    amsl_m: Annotated[float, Meta(ge=-500.0, le=6000.0)]
    geoid_m: Annotated[float, Meta(ge=-110.0, le=90.0)]


class CityFile(_Part, frozen=True, kw_only=True):
    """The whole file; `airspace` names GeoJSON files beside it."""

    name: str
    origin: CityOrigin
    ground: CityGround
    airspace: tuple[str, ...] = ()
    weather: CityWeather = CityWeather()
    drones: tuple[CityDrone, ...] = ()
    poles: tuple[CityPole, ...] = ()
    open_ground: tuple[CityPlace, ...] = ()


def load_city(path: Path) -> CityFile:
    """Read a city file; raises `Refused` with what is wrong in it."""
    try:
        file = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), CityFile)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        detail = " ".join(str(error).split())
        raise Refused([Reason(MALFORMED, str(path), {"detail": detail})]) from None
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        place = f"{path}: {where.strip('`.')}" if where else str(path)
        raise Refused([Reason(MALFORMED, place, {"detail": what})]) from None
    if reasons := list(_problems(file, str(path))):
        raise Refused(reasons)
    return file


def _problems(file: CityFile, where: str) -> Iterator[Reason]:
    names = {
        "drones": [drone.id for drone in file.drones],
        "poles": [pole.code for pole in file.poles],
        "open_ground": [place.name for place in file.open_ground],
    }
    for field, given in names.items():
        for twice in sorted({name for name in given if given.count(name) > 1}):
            yield Reason(REPEATED, f"{where}: {field}", {"value": twice})
    for n, pole in enumerate(file.poles):
        for service in sorted(set(pole.services) - SERVICES.keys()):
            facts = {"value": service, "known": ", ".join(sorted(SERVICES))}
            yield Reason(UNKNOWN_SERVICE, f"{where}: poles[{n}].services", facts)


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
