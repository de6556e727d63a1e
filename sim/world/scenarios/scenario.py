"""A scenario as a value: read from its file with everything that it names, checked, ready to be played."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import yaml

from airspace.reasons import Reason, Refused, Rule, Words
from controller.clock import VIRTUAL_START_S
from controller.flight.mission_source import Mission, load_mission, parse_mission, wished_docks
from missions.request import Request
from sim.city_file import CityFile, load_city, too_far
from sim.fault_targets import target_problems, targets_in
from sim.fault_text import parse_fault
from sim.faults import Fault, Target
from sim.generated_city import city_of
from sim.world.scenarios.expectation import FACTS, EventPattern, FactCheck, parse_fact, parse_pattern, unknown_alarm
from sim.world.scenarios.figures import FIGURES
from sim.world.scenarios.file import MissionExpectation, MissionPart, ScenarioFile
from sim.yaml_file import NO_FILE, Places, read_tree, read_yaml

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
TOO_LATE = Rule(
    "scenario.fault-too-late",
    Words(
        "{name} would begin at {at_s:g} s at the soonest, and the scenario is over at {lasts_s:g} s",
        "{name} 最早于 {at_s:g} 秒发生，而情景于 {lasts_s:g} 秒结束",
    ),
    Words(
        "Let it begin earlier, or give world.lasts_s more than {at_s:g}.",
        "请提前发生时刻，或将 world.lasts_s 设为大于 {at_s:g}。",
    ),
)
NO_DRONE = Rule(
    "scenario.no-drone",
    Words("the city has no drone that could fly the missions", "城市中没有可执行任务的无人机"),
    Words("Give the city a drone, or the scenario a fleet.", "请在城市文件中添加无人机，或在情景中填写 fleet。"),
)
OTHER_KIND = Rule(
    "scenario.other-kind",
    Words("this is {kind}, not a scenario", "这是{kind}，不是情景"),
    Words("Give a scenario that names it: docs/scenarios.md.", "请给出引用它的情景文件，见 docs/scenarios.md。"),
)
A_CITY, A_REQUEST, A_DAY = (
    Words("a city file", "城市文件"),
    Words("a request", "巡检请求"),
    Words("a day of explore", "explore 的一天"),
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
    truth: tuple[FactCheck, ...]
    invariants: bool
    down: bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario: its file's contents, the city with all its files, what is flown, what goes wrong, what must come.

    `zones` is a chart of a generated city's no-fly blocks; `starts_s` is the UTC second of its start; `places` tells
    where its file has its fields.
    """

    file: ScenarioFile
    path: Path
    city: CityFile
    zones: dict[str, Any] | None
    starts_s: float
    wishes: tuple[Wish, ...]
    faults: tuple[Fault, ...]
    expected: Expected
    places: Places = field(compare=False, repr=False)

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
        return _wished_dock(self.wishes)


def load_scenario(path: Path, *, seed: int | None = None) -> Scenario:
    """Read a scenario, with another seed than its own when one is given.

    Raises `Refused` with the file, line and field of what is wrong: of its form the first, else everything at once.
    """
    try:
        file, places = read_yaml(path, ScenarioFile, MALFORMED)
    except Refused as refused:
        if any(reason.rule is MALFORMED for reason in refused.reasons):
            _refuse_other_kind(path)
        raise
    if seed is not None:
        file = msgspec.structs.replace(file, world=msgspec.structs.replace(file.world, seed=seed))
    problems: list[Reason] = []
    city, zones = _city(file, path, places, problems)
    wishes = dict(_wishes(file, path, places, problems))
    faults = dict(_faults(file, places, problems))
    if city is not None:
        problems += too_far(city.origin, "fleet", file.fleet, places)
        problems += _unknown_names(file, city, wishes, faults, places)
        problems += _vain_faults(file, city, wishes, faults, places)
    expected = _expected(file, [wish.name for wish in wishes.values()], places, problems)
    starts_s = _starts_s(file, places, problems)
    if problems or city is None:
        raise Refused(problems)
    flown, wrong = tuple(wishes.values()), tuple(faults.values())
    return Scenario(file, path, city, zones, starts_s, flown, wrong, expected, places)


def _refuse_other_kind(path: Path) -> None:
    """Raise `Refused` for a good YAML file of ours that is something else than a scenario."""
    tree, _ = read_tree(path, MALFORMED)
    fields: dict[str, Any] = tree if isinstance(tree, dict) else {}
    kind: Words | None = None
    if "beichen_day" in fields:
        kind = A_DAY
    elif "kind" not in fields and {"origin", "ground"} & fields.keys():
        kind = A_CITY
    elif fields.get("kind") == "corridor" and "world" not in fields:
        kind = A_REQUEST
    if kind is not None:
        raise Refused([Reason(OTHER_KIND, str(path), {"kind": kind})])


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
            beside = path.parent / world.city
            if not beside.is_file():
                raise Refused([Reason(NO_FILE, places.where("world.city"), {"file": beside})])
            city = standing_alone(load_city(beside), beside.parent)
    except Refused as refused:
        problems += refused.reasons
        return None, None
    changes: dict[str, Any] = {"weather": world.weather} if world.weather is not None else {}
    changes |= {"drones": file.fleet} if file.fleet else {}
    charts = tuple(str((path.parent / chart).absolute()) for chart in world.airspace)
    changes |= {"airspace": (*city.airspace, *charts)} if charts else {}
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


def _wishes(file: ScenarioFile, path: Path, places: Places, problems: list[Reason]) -> Iterator[tuple[int, Wish]]:
    """The missions that can be read, by their place in the file."""
    seen: set[str] = set()
    for n, part in enumerate(file.missions):
        where = f"missions[{n}]"
        if bool(part.file) == (part.request is not None):
            problems.append(Reason(ONE_OF, places.where(where), {"fields": "file, request"}))
            continue
        if part.file and not (path.parent / part.file).is_file():
            problems.append(Reason(NO_FILE, places.where(f"{where}.file"), {"file": path.parent / part.file}))
            continue
        try:
            mission = _mission(part, path, places.where(f"{where}.request"))
        except Refused as refused:
            problems += refused.reasons
            continue
        if mission.name in seen:
            problems.append(Reason(REPEATED, places.where(f"{where}.name"), {"value": mission.name}))
        seen.add(mission.name)
        yield n, Wish(mission, part.drone, part.at_s, part.after)


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


def _faults(file: ScenarioFile, places: Places, problems: list[Reason]) -> Iterator[tuple[int, Fault]]:
    """The faults that can be read, by their place in the file."""
    for n, text in enumerate(file.faults):
        try:
            yield n, parse_fault(text, places.where(f"faults[{n}]"))
        except Refused as refused:
            problems += refused.reasons


def _vain_faults(
    file: ScenarioFile, city: CityFile, wishes: Mapping[int, Wish], faults: Mapping[int, Fault], places: Places
) -> Iterator[Reason]:
    """Faults that would find nothing to happen to, or begin only when the scenario is over."""
    wished = _wished_dock(wishes.values())
    if not wished and len(wishes) < len(file.missions):
        wished = next(iter(targets_in(city, Target.DOCK) or ()), "")  # one that could not be read may wish for it
    lasts_s = file.world.lasts_s
    for n, fault in faults.items():
        where = places.where(f"faults[{n}]")
        yield from target_problems(fault, partial(targets_in, city), wished, where)
        if fault.moment.after_s >= lasts_s:
            facts = {"name": fault.name, "at_s": fault.moment.after_s, "lasts_s": lasts_s}
            yield Reason(TOO_LATE, where, facts)


def _wished_dock(wishes: Iterable[Wish]) -> str:
    return next((dock for wish in wishes for dock in wished_docks(wish.mission)[:1]), "")


def _unknown_names(
    file: ScenarioFile, city: CityFile, wishes: Mapping[int, Wish], faults: Mapping[int, Fault], places: Places
) -> Iterator[Reason]:
    """Names that the file uses and that neither it nor its city has; of missions only when all could be read."""
    drones, missions = [drone.id for drone in city.drones], [wish.name for wish in wishes.values()]
    landings = [pole.code for pole in city.poles] + [place.name for place in city.open_ground] + [""]
    all_read = len(wishes) == len(file.missions)

    def unknown(kind: Words, value: str, known: Iterable[str], field: str) -> Iterator[Reason]:
        if value and value not in known and (all_read or kind is not MISSION):
            facts = {"kind": kind, "value": value, "known": ", ".join(filter(None, known)) or "-"}
            yield Reason(UNKNOWN_NAME, places.where(field), facts)

    if file.missions and not drones:
        yield Reason(NO_DRONE, places.where("missions"))
    for n, wish in wishes.items():
        yield from unknown(DRONE, wish.drone, drones, f"missions[{n}].drone")
        yield from unknown(MISSION, wish.after, missions[:n], f"missions[{n}].after")
    for n, fault in faults.items():
        if fault.spec.target is Target.MISSION:
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

    def facts(field: str, texts: Iterable[str], known: tuple[str, ...]) -> tuple[FactCheck, ...]:
        read = [parse_fact(text, places.where(f"{field}[{n}]"), known) for n, text in enumerate(texts)]
        problems.extend(one for one in read if isinstance(one, Reason))
        return tuple(one for one in read if isinstance(one, FactCheck))

    for n, code in enumerate(expect.alarms):
        reason = unknown_alarm(code, places.where(f"expect.alarms[{n}]"))
        problems.extend([reason] if reason is not None else [])
    return Expected(
        {
            name: (part, facts(f"expect.missions.{name}.facts", part.facts, FACTS))
            for name, part in expect.missions.items()
        },
        expect.alarms,
        patterns("eventually", expect.eventually),
        patterns("never", expect.never),
        facts("expect.truth", expect.truth, FIGURES),
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
