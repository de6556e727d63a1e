"""A day as a value: a city, what is to be flown in it, what goes wrong; written to a file and lived again exactly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from airspace.reasons import Reason, Refused, Rule, Words
from controller.clock import VIRTUAL_START_S
from controller.flight.mission_source import Mission, parse_mission
from sim.city_file import CityFile
from sim.fault_text import parse_fault
from sim.faults import Fault
from sim.links import Quality
from sim.yaml_file import read_yaml

UNREADABLE = Rule(
    "day.unreadable",
    Words("{detail}", "{detail}"),
    Words(
        "Give a file that `beichen sim explore` wrote, unchanged.",
        "请给出由 `beichen sim explore` 写出且未经改动的文件。",
    ),
)

Seconds = Annotated[float, Meta(ge=0.0, le=86400.0)]
Share = Annotated[float, Meta(ge=0.0, le=0.9)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all parts of a day: unknown fields are errors."""


class DayMission(_Part, frozen=True, kw_only=True):
    """A corridor to look along, in CGCS2000 (lat, lon) degrees, asked for `at_s` after the day's start."""

    name: str
    drone: str
    at_s: Seconds
    line: Annotated[tuple[tuple[float, float], ...], Meta(min_length=2)]
    height_agl_m: float
    speed_mps: float
    docks: Annotated[tuple[str, ...], Meta(min_length=1)]
    priority: int = 0


class DayZone(_Part, frozen=True, kw_only=True):
    """A prohibited block: its ring in (lat, lon) degrees, heights above ground, and when it is active.

    Seconds after the day's start; None where it has no beginning or no end.
    """

    id: str
    ring: Annotated[tuple[tuple[float, float], ...], Meta(min_length=3)]
    floor_agl_m: float
    ceiling_agl_m: float
    from_s: float | None = None
    until_s: float | None = None


class Death(_Part, frozen=True, kw_only=True):
    """A SIGKILL of the controller at its `word`-th event of a flight, counted from 1 in one controller's life.

    `kept` says whether the store still has that event; either way nobody was told. Another one starts after `down_s`.
    """

    word: Annotated[int, Meta(ge=1)]
    kept: bool
    down_s: Seconds = 3.0


class DayLink(_Part, frozen=True, kw_only=True):
    """What every radio link of the day is like, in both directions: shares of frames, and seconds.

    Frames arrive `delay_s` later and up to `jitter_s` more, so that jitter lets them overtake each other.
    """

    delay_s: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.02
    jitter_s: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.0
    loss: Share = 0.0
    doubled: Share = 0.0

    @property
    def quality(self) -> Quality:
        """The same as the links take it."""
        return Quality(self.loss, self.delay_s, self.jitter_s, self.doubled)


class Day(_Part, frozen=True, kw_only=True):
    """Everything that is decided before a day begins; the same day gives the same events to the byte.

    `faults` are texts of `sim.fault_text`; `disk_s` is how long the controller's store takes to make events durable.
    """

    beichen_day: int = 1
    seed: int
    minutes: Annotated[float, Meta(gt=0.0, le=1440.0)]
    city: CityFile
    zones: tuple[DayZone, ...] = ()
    missions: tuple[DayMission, ...] = ()
    faults: tuple[str, ...] = ()
    deaths: tuple[Death, ...] = ()
    link: DayLink = DayLink()
    disk_s: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.0

    @property
    def happenings(self) -> tuple[Fault, ...]:
        """The day's faults; raises `Refused` for one that there is none of."""
        return self.happenings_of("day")

    def happenings_of(self, source: str) -> tuple[Fault, ...]:
        """The same; refusals, of all that are wrong, name the file that the day was read from."""
        faults: list[Fault] = []
        problems: list[Reason] = []
        for text in self.faults:
            try:
                faults.append(parse_fault(text, f"{source} faults"))
            except Refused as refused:
                problems += refused.reasons
        if problems:
            raise Refused(problems)
        return tuple(faults)


def mission_of(wish: DayMission) -> Mission:
    """The request that the controller is given."""
    tree = {
        "beichen": 1,
        "name": wish.name,
        "title": {"zh": f"巡检 {wish.name}", "en": f"Inspection {wish.name}"},
        "requested_by": "explore",
        "kind": "corridor",
        "frame": "CGCS2000",
        "line": [{"lat_deg": lat_deg, "lon_deg": lon_deg} for lat_deg, lon_deg in wish.line],
        "height_agl_m": wish.height_agl_m,
        "speed_mps": wish.speed_mps,
        "camera": {"spacing_m": 15, "max_target_distance_m": 30},
        "land": {"dock": wish.docks[0], "alternates": list(wish.docks[1:])},
        "priority": wish.priority,
    }
    return parse_mission(yaml.safe_dump(tree, allow_unicode=True).encode(), f"{wish.name}.yaml")


def chart_of(zones: Sequence[DayZone]) -> dict[str, Any]:
    """The zones as the GeoJSON chart that the controller is given."""
    return {"type": "FeatureCollection", "features": [_feature(zone) for zone in zones]}


def _feature(zone: DayZone) -> dict[str, Any]:
    ring = [[lon_deg, lat_deg] for lat_deg, lon_deg in (*zone.ring, zone.ring[0])]
    properties: dict[str, Any] = {
        "id": zone.id,
        "name": f"Block {zone.id}",
        "name_zh": f"禁飞区 {zone.id}",
        "kind": "no-fly",
        "floor": {"value_m": zone.floor_agl_m, "datum": "agl"},
        "ceiling": {"value_m": zone.ceiling_agl_m, "datum": "agl"},
    }
    hours = {"from": zone.from_s, "to": zone.until_s}
    active = {name: _rfc3339(VIRTUAL_START_S + after_s) for name, after_s in hours.items() if after_s is not None}
    if active:
        properties["active"] = active
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


def _rfc3339(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).isoformat().replace("+00:00", "Z")


def write_day(day: Day, path: Path) -> None:
    """Write a day that `read_day` reads back as the same value."""
    tree = msgspec.to_builtins(day)
    path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False, width=120), encoding="utf-8")


def read_day(path: Path) -> Day:
    """A day from its file; raises `Refused` with what is wrong in it."""
    day, _ = read_yaml(path, Day, UNREADABLE)
    if day.beichen_day != 1:
        raise Refused([Reason(UNREADABLE, str(path), {"detail": f"beichen_day: {day.beichen_day}"})])
    day.happenings_of(str(path))
    known = {drone.id for drone in day.city.drones}
    for wish in day.missions:
        mission_of(wish)
        if wish.drone not in known:
            raise Refused([Reason(UNREADABLE, str(path), {"detail": f"missions: {wish.drone}"})])
    return day
