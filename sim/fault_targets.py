"""What there is in a city for a fault to happen to, and what is wrong with a fault that finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from airspace.reasons import Reason, Rule, Words
from sim.city_file import CityCell, CityFile, CityPole
from sim.faults import TARGET_WORDS, Fault, Target

NO_TARGET = Rule(
    "inject.no-target",
    Words("there is no {kind} {value} here to go wrong; there are: {known}", "此处没有{kind} {value}；现有：{known}"),
    Words("Name one of these.", "请指定其中之一。"),
)
UNNAMED = Rule(
    "inject.unnamed",
    Words(
        "{name} names no {kind}, and no request here wishes to land on one; there are: {known}",
        "{name} 未指定{kind}，且此处没有请求指定降落机库；现有：{known}",
    ),
    Words("Name one of these, as in {name}:NAME=...", "请指定其中之一，例如 {name}:名称=..."),
)
NOTHING_THERE = Rule(
    "inject.nothing-there",
    Words("{name} would change nothing: the city has no {kind}", "{name} 不会产生任何影响：城市中没有{kind}"),
    Words(
        "Leave the fault out, or give the city one: docs/city-file.md.", "请删除该故障，或按 docs/city-file.md 补充。"
    ),
)

NEEDS_INSIDE = Rule(
    "autopilot.needs-inside",
    Words(
        "{what} needs the inside of a simulated drone, and a real autopilot flies in its own simulator",
        "{what} 需要模拟无人机的内部状态，而真实自驾仪在其自身的仿真中飞行",
    ),
    Words("Leave it out, or fly simulated drones: no --ardupilot.", "请将其删除，或去掉 --ardupilot 改用模拟无人机。"),
)


def targets_in(city: CityFile, kind: Target) -> list[str] | None:
    """The names of what a fault of this kind can happen to in a city; None where it needs no name."""
    hanging: list[CityPole | CityCell] = [*city.poles, *city.cells]
    match kind:
        case Target.DRONE | Target.INSIDE:
            return [drone.id for drone in city.drones]
        case Target.POLE:
            return [pole.code for pole in city.poles]
        case Target.DOCK:
            return [pole.code for pole in city.poles if "dock" in pole.services]
        case Target.MAINS:
            return sorted({one.mains for one in hanging if one.mains})
        case Target.NETWORK:
            return sorted({one.network for one in hanging if one.network})
        case Target.CELL:
            return [cell.name for cell in city.cells]
        case _:
            return None


def struck(fault: Fault, wished_dock: str) -> str:
    """What a fault happens to by name, "" for all there are; docks and poles that are not named are the wished one."""
    return fault.target or (wished_dock if fault.name in ("dock", "pole") else "")


def target_problems(
    fault: Fault, targets: Callable[[Target], Sequence[str] | None], wished_dock: str, where: str
) -> Iterator[Reason]:
    """Why a fault cannot happen here: names that nothing has, none where one is needed, nothing for it to strike."""
    kind, name = fault.spec.target, struck(fault, wished_dock)
    known = targets(kind)
    facts = {"name": fault.name, "kind": TARGET_WORDS[kind], "value": name, "known": ", ".join(known or ()) or "-"}
    if known is not None and name not in known:
        if name:
            yield Reason(NO_TARGET, where, facts)
        elif not known:
            yield Reason(NOTHING_THERE, where, facts)
        elif fault.name in ("dock", "pole"):
            yield Reason(UNNAMED, where, facts)
    drones, drone = targets(Target.DRONE), fault.moment.drone
    if drone and drones is not None and drone not in drones:
        facts = {"kind": TARGET_WORDS[Target.DRONE], "value": drone, "known": ", ".join(drones) or "-"}
        yield Reason(NO_TARGET, where, facts)
