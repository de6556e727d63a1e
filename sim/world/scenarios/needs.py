"""What a scenario needs that only simulated drones have, so that no real autopilot can fly it."""

from __future__ import annotations

from collections.abc import Iterator

from airspace.reasons import Reason, Words
from sim.fault_targets import NEEDS_INSIDE
from sim.fault_text import fault_text
from sim.world.scenarios.scenario import Scenario


def inside_needed(scenario: Scenario) -> list[Reason]:
    """A reason for each fault, expectation and condition of a scenario that needs a simulator's inside.

    Empty for a scenario that a real autopilot can fly: what happens to poles, networks, radio, weather and controller
    happens around it, and what is expected of missions, alarms and events stands in the controller's log.
    """
    return [
        Reason(NEEDS_INSIDE, scenario.places.where(field), {"what": what}) for field, what in _inside_needs(scenario)
    ]


def _inside_needs(scenario: Scenario) -> Iterator[tuple[str, Words]]:
    """The fields of the scenario's file that need it, and what they ask for."""
    for n, fault in enumerate(scenario.faults):
        if fault.inside:
            yield f"faults[{n}]", _same(fault_text(fault))
    for n, check in enumerate(scenario.expected.truth):
        yield f"expect.truth[{n}]", _same(check.text)
    own = bool(scenario.file.fleet)
    for n, drone in enumerate(scenario.city.drones):
        where = f"fleet[{n}]" if own else "world"
        if drone.personality != "ardupilot":
            yield where, Words(f"{drone.id}, a {drone.personality},", f"{drone.id}（{drone.personality}）")
        if drone.battery_pct < 100.0:
            en, zh = f"{drone.id}'s battery of {drone.battery_pct:g} %", f"{drone.id} 的 {drone.battery_pct:g}% 电量"
            yield where, Words(en, zh)
    if scenario.city.terrain is not None:
        yield "world", Words("ground that is not level", "非平坦地形")


def _same(text: str) -> Words:
    return Words(text, text)
