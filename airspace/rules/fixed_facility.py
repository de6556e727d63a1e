"""The CAAC's standard scenario for inspecting fixed facilities (IB-FS-OPS-011, 2024-04-16): its limits."""

from __future__ import annotations

from airspace.reasons import Words
from airspace.rules.facts import FlightFacts, NearObstacle
from airspace.rules.findings import (
    Finding,
    Requirement,
    all_hold,
    at_least,
    at_most,
    either,
    must,
    negated,
)
from airspace.rules.jurisdiction import Check

SCENARIO = Words("IB-FS-OPS-011", "IB-FS-OPS-011《固定设施巡检标准场景》")

MTOW_MOST_KG = 150.0
SIZE_MOST_M = 3.0
ENERGY_MOST_J = 34_000.0
IN_SIGHT_MOST_M = 120.0
BEYOND_SIGHT_MOST_M = 50.0
BESIDE_MOST_M = 40.0
TALL_OBSTACLE_M = 20.0
ABOVE_LOW_M = 40.0  # over the top of an obstacle lower than that
ABOVE_TALL_M = 25.0  # over the top of one as tall or taller
SPARSE_PER_KM2 = 300.0
VISIBILITY_ABOVE_M = 5000.0


def _limit(code: str, asks: Words, remedy: Words) -> Requirement:
    return Requirement(f"fixed-facility.{code}", SCENARIO, asks, remedy)


MTOW = _limit(
    "mtow",
    Words("a take-off mass up to {most:g} kg", "起飞重量不超过 {most:g} 千克"),
    Words("Take a lighter one.", "请使用更轻的航空器。"),
)
SIZE = _limit(
    "size",
    Words("a characteristic size up to {most:g} m", "特征尺寸不超过 {most:g} 米"),
    Words("Take a smaller one.", "请使用更小的航空器。"),
)
ENERGY = _limit(
    "kinetic-energy",
    Words("a typical kinetic energy up to {most:g} J", "典型动能不超过 {most:g} 焦耳"),
    Words("Fly slower, or take a lighter one.", "请降低速度，或使用更轻的航空器。"),
)
HEIGHT = _limit(
    "height",
    Words(
        "up to 120 m in sight, 50 m beyond it, or within 40 m beside and 40 m (over a tall one 25 m) above an obstacle",
        "视距内真高不超过 120 米，超视距不超过 50 米，或在障碍物侧方 40 米、上方 40 米（高障碍物 25 米）以内",
    ),
    Words("Fly lower, closer to the facility, or in sight.", "请降低高度、靠近设施，或改为视距内飞行。"),
)
PEOPLE = _limit(
    "people",
    Words(
        "at most {most:g} people/km2 below, or controlled ground",
        "下方人口密度不超过 {most:g} 人/平方千米，或为受控地面",
    ),
    Words("Move the flight, or control the ground below.", "请调整飞行区域，或管控下方地面。"),
)
BUFFER = _limit(
    "ground-buffer",
    Words("a ground buffer at least as wide as the flight is high", "地面风险缓冲区宽度不小于真高"),
    Words("Widen the buffer, or fly lower.", "请加宽缓冲区，或降低高度。"),
)
PREPLANNED = _limit(
    "route",
    Words("a fixed route that was planned before", "预先规划的固定航线"),
    Words("Plan the route.", "请预先规划航线。"),
)
ONE_EACH = _limit(
    "one-each",
    Words(
        "one pilot for one drone at a time, with no hand-over in flight", "一名操控员同时只操控一架，飞行中不移交控制权"
    ),
    Words("Give each drone a pilot for its whole flight.", "请为每架航空器配备全程操控员。"),
)
STANDING = _limit(
    "station",
    Words("nobody flies it from a moving vehicle", "不在移动的交通工具上操控"),
    Words("Stand still.", "请在固定位置操控。"),
)
VISIBILITY = _limit(
    "visibility",
    Words("more than {most:g} m of visibility where it is flown in sight", "视距内飞行时能见度大于 {most:g} 米"),
    Words("Wait for better weather.", "请等待天气好转。"),
)


def _near(obstacle: NearObstacle | None) -> bool | None:
    if obstacle is None:
        return None
    above_most_m = ABOVE_LOW_M if obstacle.height_agl_m < TALL_OBSTACLE_M else ABOVE_TALL_M
    return all_hold(at_most(obstacle.beside_m, BESIDE_MOST_M), at_most(obstacle.above_m, above_most_m))


def _heights(facts: FlightFacts) -> bool | None:
    beyond = either(at_most(facts.highest_agl_m, BEYOND_SIGHT_MOST_M), _near(facts.obstacle))
    in_sight = all_hold(negated(facts.beyond_sight), at_most(facts.highest_agl_m, IN_SIGHT_MOST_M))
    return either(in_sight, beyond)


def _fixed_facility(facts: FlightFacts, _drone_class: str | None) -> list[Finding]:
    drone = facts.drone
    height_m = facts.highest_agl_m
    buffer = None if height_m is None else at_least(facts.ground_buffer_m, height_m)
    visible = None if facts.visibility_m is None else facts.visibility_m > VISIBILITY_ABOVE_M
    one_drone = None if facts.drones_per_pilot is None else facts.drones_per_pilot == 1
    return [
        must(MTOW, at_most(drone.mtow_kg, MTOW_MOST_KG), most=MTOW_MOST_KG),
        must(SIZE, at_most(drone.size_m, SIZE_MOST_M), most=SIZE_MOST_M),
        must(ENERGY, at_most(facts.kinetic_energy_j, ENERGY_MOST_J), most=ENERGY_MOST_J),
        must(HEIGHT, _heights(facts)),
        must(
            PEOPLE, either(at_most(facts.people_per_km2, SPARSE_PER_KM2), facts.controlled_ground), most=SPARSE_PER_KM2
        ),
        must(BUFFER, buffer),
        must(PREPLANNED, facts.preplanned_route),
        must(ONE_EACH, all_hold(one_drone, negated(facts.hands_over_in_flight))),
        must(STANDING, negated(facts.from_moving_vehicle)),
        must(VISIBILITY, either(facts.beyond_sight, visible), most=VISIBILITY_ABOVE_M),
    ]


FIXED_FACILITY: tuple[Check, ...] = (_fixed_facility,)
