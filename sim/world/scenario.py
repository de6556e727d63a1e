"""A scenario as a value: read from its file with everything that it names, checked, ready to be played."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from airspace.reasons import Reason, Refused, Rule, Words
from controller.clock import VIRTUAL_START_S
from controller.flight.mission_source import Mission, load_mission, parse_mission, wished_docks
from missions.request import Request
from sim.city_file import CityFile, load_city
from sim.fault_text import parse_fault
from sim.faults import FAULTS, Fault, Target
from sim.generated_city import city_of
from sim.world.expectation import EventPattern, FactCheck, parse_fact, parse_pattern, unknown_alarm
from sim.world.scenario_file import MissionExpectation, MissionPart, ScenarioFile
from sim.yaml_file import Places, read_yaml

MALFORMED = Rule(
    "scenario.malformed",
    Words("{detail}", "{detail}"),
    Words("docs/scenarios.md lists every field.", "docs/scenarios.md 列出全部字段。"),
)
ONE_OF = Rule(
    "scenario.one-of",
    Words("exactly one of {fields} is needed here", "此处必须且只能给出 {fields} 之一"),
    Words("Keep one of them.", "请保留其中之一。"),
)
BAD_TIME = Rule(
    "scenario.time",
    Words("'{value}' is no time with its offset", "“{value}”不是带时区偏移的时间"),
    Words("Write it as in 2026-05-18T09:00:00+08:00.", "请按 2026-05-18T09:00:00+08:00 的格式填写。"),
)
UNKNOWN_NAME = Rule(
    "scenario.unknown-name",
    Words("there is no {kind} {value} here; there are: {known}", "此处没有{kind} {value}；现有：{known}"),
    Words("Name one of these.", "请填写其中之一。"),
)
REPEATED = Rule(
    "scenario.repeated",
    Words("{value} stands here twice", "{value} 重复出现"),
    Words("Give each mission a name of its own.", "请为每个任务使用唯一名称。"),
)
DRONE, MISSION, LANDING = Words("drone", "无人机"), Words("mission", "任务"), Words("landing place", "降落点")


@dataclass(frozen=True, slots=True)
class Wish:
    """A mission of a scenario: what is asked for, of whom and when [s after the start, or after another has ended]."""

    mission: Mission
    drone: str
    at_s: float
    after: str

    @property
    def name(self) -> str:
        """The mission's name, which no other one of the scenario has."""
        return self.mission.name


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected, read and checked: `missions` by name, with the comparisons of their figures."""

    missions: Mapping[str, tuple[MissionExpectation, tuple[FactCheck, ...]]]
    alarms: tuple[str, ...]
    eventually: tuple[EventPattern, ...]
    never: tuple[EventPattern, ...]
    invariants: bool
    down: bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario: its file's contents, the city with all its files, what is flown, what goes wrong, what must come.

    `zones` is a chart of a generated city's no-fly blocks; `starts_s` is the UTC second of its start.
    """

    file: ScenarioFile
    path: Path
    city: CityFile
    zones: dict[str, Any] | None
    starts_s: float
    wishes: tuple[Wish, ...]
    faults: tuple[Fault, ...]
    expected: Expected

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.file.name

    @property
    def title(self) -> Words:
        """What people call it."""
        return Words(self.file.title.en, self.file.title.zh)

    @property
    def wished_dock(self) -> str:
        """The dock that the first mission wishes to land on, "" when it wishes for none."""
        return next((dock for wish in self.wishes for dock in wished_docks(wish.mission)[:1]), "")


def load_scenario(path: Path, *, seed: int | None = None) -> Scenario:
    """Read a scenario, with another seed than its own when one is given.

    Raises `Refused` with the file, line and field of what is wrong: of its form the first, else everything at once.
    """
    file, places = read_yaml(path, ScenarioFile, MALFORMED)
    if seed is not None:
        file = msgspec.structs.replace(file, world=msgspec.structs.replace(file.world, seed=seed))
    problems: list[Reason] = []
    city, zones = _city(file, path, places, problems)
    wishes = tuple(_wishes(file, path, places, problems))
    faults = tuple(_faults(file, places, problems))
    if city is not None and not problems:
        problems += _unknown_names(file, city, wishes, faults, places)
    expected = _expected(file, [wish.name for wish in wishes], places, problems)
    starts_s = _starts_s(file, places, problems)
    if problems or city is None:
        raise Refused(problems)
    return Scenario(file, path, city, zones, starts_s, wishes, faults, expected)


def _city(
    file: ScenarioFile, path: Path, places: Places, problems: list[Reason]
) -> tuple[CityFile | None, dict[str, Any] | None]:
    """The city with the files that it names by absolute paths, and a generated one's chart."""
    world, zones = file.world, None
    if bool(world.city) == (world.generated is not None):
        problems.append(Reason(ONE_OF, places.where("world"), {"fields": "city, generated"}))
        return None, None
    try:
        if world.generated is not None:
            asked, where = world.generated, places.where("world.generated")
            made = city_of(world.seed, asked.drones, asked.poles, asked.aircraft, where=where)
            city, zones = made.file, made.zones
        else:
            city = standing_alone(load_city(path.parent / world.city), (path.parent / world.city).parent)
    except Refused as refused:
        problems += refused.reasons
        return None, None
    changes: dict[str, Any] = {"weather": world.weather} if world.weather is not None else {}
    changes |= {"drones": file.fleet} if file.fleet else {}
    return msgspec.structs.replace(city, **changes), zones


def standing_alone(city: CityFile, folder: Path) -> CityFile:
    """The city with the paths of the files that it names made absolute; they lie beside it in `folder`."""
    beside = {
        name: tuple(str((folder / file).absolute()) for file in getattr(city, name))
        for name in ("airspace", "buildings")
    }
    city = msgspec.structs.replace(city, **beside)
    if city.terrain is None:
        return city
    terrain = msgspec.structs.replace(city.terrain, path=str((folder / city.terrain.path).absolute()))
    return msgspec.structs.replace(city, terrain=terrain)


def _wishes(file: ScenarioFile, path: Path, places: Places, problems: list[Reason]) -> Iterator[Wish]:
    seen: set[str] = set()
    for n, part in enumerate(file.missions):
        where = f"missions[{n}]"
        if bool(part.file) == (part.request is not None):
            problems.append(Reason(ONE_OF, places.where(where), {"fields": "file, request"}))
            continue
        try:
            mission = _mission(part, path, places.where(f"{where}.request"))
        except Refused as refused:
            problems += refused.reasons
            continue
        if mission.name in seen:
            problems.append(Reason(REPEATED, places.where(f"{where}.name"), {"value": mission.name}))
        seen.add(mission.name)
        yield Wish(mission, part.drone, part.at_s, part.after)


def _mission(part: MissionPart, path: Path, where: str) -> Mission:
    if part.request is not None:
        text = yaml.safe_dump(part.request, allow_unicode=True, sort_keys=False)
        mission = parse_mission(text.encode(), where)
    else:
        mission = load_mission(path.parent / part.file)
    if part.name is None:
        return mission
    wish = replace(mission.wish, name=part.name) if isinstance(mission.wish, Request) else mission.wish
    return replace(mission, name=part.name, wish=wish)


def _faults(file: ScenarioFile, places: Places, problems: list[Reason]) -> Iterator[Fault]:
    for n, text in enumerate(file.faults):
        try:
            yield parse_fault(text, places.where(f"faults[{n}]"))
        except Refused as refused:
            problems += refused.reasons


def _unknown_names(
    file: ScenarioFile, city: CityFile, wishes: tuple[Wish, ...], faults: tuple[Fault, ...], places: Places
) -> Iterator[Reason]:
    """Names that the file uses and that neither it nor its city has; the timeline looks at those of other faults."""
    drones, missions = [drone.id for drone in city.drones], [wish.name for wish in wishes]
    landings = [pole.code for pole in city.poles] + [place.name for place in city.open_ground] + [""]

    def unknown(kind: Words, value: str, known: Iterable[str], field: str) -> Iterator[Reason]:
        if value and value not in known:
            facts = {"kind": kind, "value": value, "known": ", ".join(filter(None, known)) or "-"}
            yield Reason(UNKNOWN_NAME, places.where(field), facts)

    for n, wish in enumerate(wishes):
        yield from unknown(DRONE, wish.drone, drones, f"missions[{n}].drone")
        yield from unknown(MISSION, wish.after, missions[:n], f"missions[{n}].after")
    for n, fault in enumerate(faults):
        if FAULTS[fault.name].target is Target.MISSION:
            yield from unknown(MISSION, fault.target, missions, f"faults[{n}]")
    for name, part in file.expect.missions.items():
        field = f"expect.missions.{name}"
        yield from unknown(MISSION, name, missions, field)
        yield from unknown(DRONE, part.drone, drones, f"{field}.drone")
        for place in (part.lands_on,) if isinstance(part.lands_on, str) else part.lands_on or ():
            yield from unknown(LANDING, place, landings, f"{field}.lands_on")


def _expected(file: ScenarioFile, missions: list[str], places: Places, problems: list[Reason]) -> Expected:
    expect = file.expect

    def patterns(field: str, texts: Iterable[str]) -> tuple[EventPattern, ...]:
        read = [parse_pattern(text, places.where(f"expect.{field}[{n}]"), missions) for n, text in enumerate(texts)]
        problems.extend(one for one in read if isinstance(one, Reason))
        return tuple(one for one in read if isinstance(one, EventPattern))

    def facts(name: str, texts: Iterable[str]) -> tuple[FactCheck, ...]:
        field = f"expect.missions.{name}.facts"
        read = [parse_fact(text, places.where(f"{field}[{n}]")) for n, text in enumerate(texts)]
        problems.extend(one for one in read if isinstance(one, Reason))
        return tuple(one for one in read if isinstance(one, FactCheck))

    for n, code in enumerate(expect.alarms):
        reason = unknown_alarm(code, places.where(f"expect.alarms[{n}]"))
        problems.extend([reason] if reason is not None else [])
    return Expected(
        {name: (part, facts(name, part.facts)) for name, part in expect.missions.items()},
        expect.alarms,
        patterns("eventually", expect.eventually),
        patterns("never", expect.never),
        expect.invariants,
        expect.down,
    )


def _starts_s(file: ScenarioFile, places: Places, problems: list[Reason]) -> float:
    text = file.world.starts
    if not text:
        return VIRTUAL_START_S
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        problems.append(Reason(BAD_TIME, places.where("world.starts"), {"value": text}))
        return VIRTUAL_START_S
    return at.timestamp()
