"""Faults by name: what can be made to go wrong in a simulated city, and how it is written on a command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Reason, Refused, Rule, Words

UNKNOWN = Rule(
    "inject.unknown",
    Words("there is no fault '{text}'", "没有名为“{text}”的故障"),
    Words("Known faults: {known}.", "可用故障：{known}。"),
)
BAD_VALUE = Rule(
    "inject.value",
    Words("'{value}' is no value for {name}: {allowed}", "“{value}”不是 {name} 的有效值：{allowed}"),
    Words("Write it as in {example}.", "请按 {example} 的格式填写。"),
)


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One row of the table: either words to choose from or a range of numbers."""

    words: Words
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    example: str = ""


FAULTS: dict[str, FaultSpec] = {
    "wind": FaultSpec(
        Words("mean wind [m/s] over the whole city", "全城平均风速 [m/s]"), low=0, high=40, example="wind=18"
    ),
    "rain": FaultSpec(Words("rain [mm/h] on every pole", "各灯杆处降雨 [mm/h]"), low=0, high=200, example="rain=8"),
    "battery": FaultSpec(Words("the drones' charge [%]", "无人机电量 [%]"), low=0, high=100, example="battery=40"),
    "fix": FaultSpec(
        Words("the best fix that the drones get (GPS_FIX_TYPE)", "无人机可获得的最佳定位（GPS_FIX_TYPE）"),
        low=0,
        high=6,
        example="fix=3",
    ),
    "dock": FaultSpec(
        Words(
            "the wished dock is taken before launch, taken in flight, or its cover is stuck",
            "目标机库在起飞前被占、飞行中被占，或舱盖卡住",
        ),
        choices=("taken", "taken-in-flight", "stuck"),
        example="dock=taken",
    ),
    "link": FaultSpec(
        Words("the radio link is lost for good in flight", "飞行中链路永久中断"),
        choices=("lost-in-flight",),
        example="link=lost-in-flight",
    ),
    "pole": FaultSpec(
        Words("the wished dock's pole falls silent", "目标机库所在灯杆失联"), choices=("silent",), example="pole=silent"
    ),
    "zone": FaultSpec(
        Words("a no-fly zone is laid over the route", "在航线上设置禁飞区"), choices=("route",), example="zone=route"
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to inject; `number` is set for faults that take one."""

    name: str
    choice: str = ""
    number: float = 0.0


def parse_fault(text: str) -> Fault:
    """A fault from `name=value`; raises `Refused` with what would be right."""
    name, _, value = text.partition("=")
    spec = FAULTS.get(name)
    if spec is None:
        known = ", ".join(row.example for row in FAULTS.values())
        raise Refused([Reason(UNKNOWN, "--inject", {"text": text, "known": known})])
    if spec.choices:
        if value in spec.choices:
            return Fault(name, choice=value)
        allowed = " | ".join(spec.choices)
    else:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if spec.low <= number <= spec.high:
            return Fault(name, number=number)
        allowed = f"{spec.low:g} … {spec.high:g}"
    facts = {"name": name, "value": value, "allowed": allowed, "example": spec.example}
    raise Refused([Reason(BAD_VALUE, f"--inject {text}", facts)])


def zone_over(line: Sequence[LatLon]) -> dict[str, Any]:
    """A GeoJSON chart with one no-fly block, 100 m square, over the middle of a line's longest stretch."""
    a, b = max(pairwise(line), key=lambda pair: pair[0].distance_m(pair[1]))
    middle = LatLon((a.lat_deg + b.lat_deg) / 2, (a.lon_deg + b.lon_deg) / 2)
    frame = LocalFrame(middle)
    corners = [(-50.0, -50.0), (50.0, -50.0), (50.0, 50.0), (-50.0, 50.0), (-50.0, -50.0)]
    ring = frame.lon_lat_array(corners).tolist()
    properties = {
        "id": "laid-over-the-route",
        "name": "No-fly block over the route",
        "name_zh": "航线上的禁飞区",
        "kind": "no-fly",
        "floor": {"value_m": 0, "datum": "agl"},
        "ceiling": {"value_m": 300, "datum": "agl"},
    }
    feature = {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    return {"type": "FeatureCollection", "features": [feature]}
