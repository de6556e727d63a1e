"""What can be made to go wrong in a simulated city: one table, and the type of one fault on a timeline.

The same rows serve the command line (`--inject`), scenario files and random days; `sim.fault_text` reads and writes
them, `sim.timeline` makes them happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Words
from sim.city_file import LEAST_VISIBILITY_M, MOST_VISIBILITY_M


class Target(StrEnum):
    """What a fault happens to: all there are when none is named, but of docks and poles the wished one.

    `DRONE` is a drone as it is met from outside, its radio; a real autopilot that stands in for one has no `INSIDE`.
    """

    CITY = "city"
    DRONE = "drone"
    INSIDE = "inside of a simulated drone"
    POLE = "pole"
    DOCK = "dock"
    MAINS = "mains district"
    NETWORK = "network district"
    CELL = "cell"
    CONTROLLER = "controller"
    MISSION = "mission"


TARGET_WORDS = {
    Target.CITY: Words("city", "城市"),
    Target.DRONE: Words("drone", "无人机"),
    Target.INSIDE: Words("drone", "无人机"),
    Target.POLE: Words("pole", "灯杆"),
    Target.DOCK: Words("dock", "机库"),
    Target.MAINS: Words("mains district", "供电区"),
    Target.NETWORK: Words("network district", "网络区"),
    Target.CELL: Words("radio cell", "无线小区"),
    Target.CONTROLLER: Words("controller", "控制器"),
    Target.MISSION: Words("mission", "任务"),
}


# Of these there is one, so that a fault names none.
UNTARGETED = frozenset({Target.CITY, Target.CONTROLLER})


@dataclass(frozen=True, slots=True)
class Span:
    """A number's range, and its value when it is not given; None where it must be given or is left alone."""

    low: float
    high: float
    default: float | None = None
    required: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One row of the table: its value is one of `choices`, or a number within `span`.

    `undone` says what it is like after the fault, None for what cannot be taken back.
    """

    words: Words
    target: Target
    example: str
    choices: Mapping[str, Words] = field(default_factory=dict)
    span: Span = Span(0.0, 0.0)
    details: Mapping[str, Span] = field(default_factory=dict)
    undone: Words | None = None


_AS_BEFORE = Words("as before", "恢复原状")
_BACK_ON = Words("back on", "恢复供应")

LAT, LON = Span(-85.0, 85.0, required=True), Span(-180.0, 180.0, required=True)

FAULTS: dict[str, FaultSpec] = {
    "wind": FaultSpec(
        Words("mean wind [m/s]", "平均风速 [m/s]"),
        Target.CITY,
        "wind=18",
        span=Span(0.0, 40.0),
        details={"from_deg": Span(0.0, 360.0), "over_s": Span(0.0, 3600.0, 0.0)},
        undone=_AS_BEFORE,
    ),
    "gust": FaultSpec(
        Words("gusts [m/s, standard deviation]", "阵风 [m/s，标准差]"),
        Target.CITY,
        "gust=3",
        span=Span(0.0, 10.0),
        undone=_AS_BEFORE,
    ),
    "rain": FaultSpec(
        Words("rain [mm/h]", "降雨 [mm/h]"),
        Target.POLE,
        "rain=8",
        span=Span(0.0, 200.0),
        undone=_AS_BEFORE,
    ),
    "temperature": FaultSpec(
        Words("temperature of the air [°C]", "气温 [°C]"),
        Target.CITY,
        "temperature=-12",
        span=Span(-40.0, 50.0),
        undone=_AS_BEFORE,
    ),
    "visibility": FaultSpec(
        Words("how far one sees [m]", "能见度 [m]"),
        Target.CITY,
        "visibility=300",
        span=Span(LEAST_VISIBILITY_M, MOST_VISIBILITY_M),
        undone=_AS_BEFORE,
    ),
    "battery": FaultSpec(Words("battery [%]", "电量 [%]"), Target.INSIDE, "battery=40", span=Span(0.0, 100.0)),
    "motor": FaultSpec(
        Words("motor that stops", "停转的电机"),
        Target.INSIDE,
        "motor:drone-1=1@takeoff+40",
        span=Span(1.0, 4.0, whole=True),
    ),
    "fix": FaultSpec(
        Words("best satellite fix (GPS_FIX_TYPE)", "最佳卫星定位（GPS_FIX_TYPE）"),
        Target.INSIDE,
        "fix=3",
        span=Span(0.0, 6.0, whole=True),
        undone=_AS_BEFORE,
    ),
    "jam": FaultSpec(
        Words("jammer of satellite reception [dBm]", "卫星信号干扰源 [dBm]"),
        Target.CITY,
        "jam=10,lat_deg=34.7470,lon_deg=113.6055@60~60",
        span=Span(-30.0, 50.0),
        details={"lat_deg": LAT, "lon_deg": LON, "radius_m": Span(1.0, 20_000.0, 300.0)},
        undone=_AS_BEFORE,
    ),
    "spoof": FaultSpec(
        Words("false satellite signals, drift [m/s]", "卫星信号欺骗，漂移 [m/s]"),
        Target.INSIDE,
        "spoof:drone-1=2,bearing_deg=90@takeoff+20~60",
        span=Span(0.0, 20.0),
        details={"bearing_deg": Span(0.0, 360.0, 0.0)},
        undone=_AS_BEFORE,
    ),
    "link": FaultSpec(
        Words("radio link", "链路"),
        Target.DRONE,
        "link=lost@takeoff+60",
        choices={"lost": Words("lost", "中断")},
        undone=_AS_BEFORE,
    ),
    "loss": FaultSpec(
        Words("frames lost on the link [%]", "链路丢包率 [%]"),
        Target.DRONE,
        "loss=20",
        span=Span(0.0, 100.0),
        undone=_AS_BEFORE,
    ),
    "delay": FaultSpec(
        Words("delay of the link, one way [s]", "链路单向时延 [s]"),
        Target.DRONE,
        "delay=0.5",
        span=Span(0.0, 10.0),
        undone=_AS_BEFORE,
    ),
    "duplicates": FaultSpec(
        Words("frames that arrive twice [%]", "重复帧 [%]"),
        Target.DRONE,
        "duplicates=10",
        span=Span(0.0, 100.0),
        undone=_AS_BEFORE,
    ),
    "jitter": FaultSpec(
        Words("frames arrive later and out of order by up to [s]", "帧迟到并乱序，至多 [s]"),
        Target.DRONE,
        "jitter=0.2",
        span=Span(0.0, 10.0),
        undone=_AS_BEFORE,
    ),
    "dock": FaultSpec(
        Words("dock", "机库"),
        Target.DOCK,
        "dock=taken",
        choices={
            "taken": Words("taken by a stranger", "被未申报的无人机占用"),
            "stuck": Words("its cover is stuck", "舱盖卡住"),
        },
        undone=Words("free again", "恢复可用"),
    ),
    "pole": FaultSpec(
        Words("pole", "灯杆"),
        Target.POLE,
        "pole=silent",
        choices={"silent": Words("without power", "断电失联")},
        undone=_BACK_ON,
    ),
    "mains": FaultSpec(
        Words("mains", "供电"),
        Target.MAINS,
        "mains=off@120~60",
        choices={"off": Words("off", "停电")},
        undone=_BACK_ON,
    ),
    "network": FaultSpec(
        Words("network of the poles", "灯杆网络"),
        Target.NETWORK,
        "network=off@120~60",
        choices={"off": Words("off", "断网")},
        undone=_BACK_ON,
    ),
    "cell": FaultSpec(
        Words("radio cell", "无线小区"),
        Target.CELL,
        "cell=off@takeoff+20~40",
        choices={"off": Words("off", "停用")},
        undone=_BACK_ON,
    ),
    "intruder": FaultSpec(
        Words("aircraft that crosses, at a height of [m]", "穿越的航空器，离地高度 [m]"),
        Target.CITY,
        "intruder=60,lat_deg=34.7470,lon_deg=113.6055,speed_mps=20@90~120",
        span=Span(5.0, 1000.0),
        details={
            "lat_deg": LAT,
            "lon_deg": LON,
            "speed_mps": Span(0.0, 120.0, 20.0),
            "bearing_deg": Span(0.0, 360.0, 90.0),
            "heard": Span(0.0, 2.0, 1.0, whole=True),
        },
        undone=Words("gone", "离开"),
    ),
    "controller": FaultSpec(
        Words("controller", "控制器"),
        Target.CONTROLLER,
        "controller=killed@takeoff+20~10",
        choices={"killed": Words("killed", "被强行终止")},
        undone=Words("started again", "重新启动"),
    ),
    "zone": FaultSpec(
        Words("no-fly zone, 100 m square", "100 米见方的禁飞区"),
        Target.MISSION,
        "zone=route",
        choices={"route": Words("over the longest stretch of the route", "覆盖航线最长段")},
    ),
}
# The rows that whoever runs the controller makes happen; all others are the simulated city's.
OF_THE_CONTROLLER = frozenset({"controller", "zone"})
# Rows that happen to the whole city and are felt nowhere, or not as they should be, but inside simulated drones.
FELT_INSIDE = frozenset({"temperature", "jam", "intruder"})


class Occasion(StrEnum):
    """What the seconds of a moment count from."""

    START = "start"
    TAKEOFF = "takeoff"
    LANDING = "landing"


OCCASION_WORDS = {
    Occasion.START: Words("{s:g} s after the start", "开始后 {s:g} 秒"),
    Occasion.TAKEOFF: Words("{s:g} s after {drone} takes off", "{drone} 起飞后 {s:g} 秒"),
    Occasion.LANDING: Words("{s:g} s after {drone} lands", "{drone} 降落后 {s:g} 秒"),
}
ANY_DRONE = Words("the first drone", "首架无人机")


@dataclass(frozen=True, slots=True)
class Moment:
    """When a fault begins: seconds after the start, or after a drone (any, when none is named) takes off or lands."""

    after_s: float = 0.0
    occasion: Occasion = Occasion.START
    drone: str = ""

    @property
    def said(self) -> Words:
        """The moment in words."""
        return _filled(OCCASION_WORDS[self.occasion], s=self.after_s, drone=self.drone or ANY_DRONE)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: a row's name, what it happens to, its value (`choice` or `number`), when, and for how long.

    `details` are further numbers by name, in the order of the table; `for_s` is None for what is never taken back.
    """

    name: str
    target: str = ""
    choice: str = ""
    number: float = 0.0
    details: tuple[tuple[str, float], ...] = ()
    moment: Moment = Moment()
    for_s: float | None = None

    @property
    def spec(self) -> FaultSpec:
        """The fault's row of the table."""
        return FAULTS[self.name]

    def detail(self, name: str) -> float | None:
        """A further number, or its default."""
        return dict(self.details).get(name, self.spec.details[name].default)

    @property
    def inside(self) -> bool:
        """Whether it reaches into simulated drones, so that a real autopilot in its own simulator cannot have it."""
        return self.spec.target is Target.INSIDE or self.name in FELT_INSIDE

    @property
    def at_once(self) -> bool:
        """Whether it is there from the start."""
        return self.moment == Moment()

    @property
    def what(self) -> Words:
        """What goes wrong, in words."""
        spec, target = self.spec, f" {self.target}" if self.target else ""
        value = spec.choices.get(self.choice, Words(f"{self.number:g}", f"{self.number:g}"))
        return Words(f"{spec.words.en}{target}: {value.en}", f"{spec.words.zh}{target}：{value.zh}")

    @property
    def said(self) -> Words:
        """The fault in words, with its moment and how long it lasts."""
        lasts = Words("", "") if self.for_s is None else Words(f", for {self.for_s:g} s", f"，持续 {self.for_s:g} 秒")
        what, when = self.what, self.moment.said
        return Words(f"{what.en}, {when.en}{lasts.en}", f"{what.zh}，{when.zh}{lasts.zh}")


def _filled(words: Words, **facts: object) -> Words:
    return Words(words.text("en", facts), words.text("zh", facts))


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
