"""A mission file of another ground station as values, before anyone asks whether it may be flown.

The readers in `missions.qgc_plan` and `missions.waypoints` make these; `missions.foreign` plans them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from airspace.reasons import Reason, Refused, Rule, Words
from missions.items import MissionItem

MAX_FILE_BYTES = 4_000_000
MAX_ITEMS = 650  # what ArduCopter V4.7 accepts: "Only 650 items are supported"
MAX_FENCE_ITEMS = 70  # likewise for the fence and for rally points


@dataclass(frozen=True, slots=True)
class FileHome:
    """Where the file expects to take off: degrees as written, and the height above mean sea level [m] if it is said."""

    lat_deg: float
    lon_deg: float
    amsl_m: float | None


@dataclass(frozen=True, slots=True)
class MissionFile:
    """One mission file: `items[0]` is mission sequence 1 and `where[0]` its place in the file.

    `fence` and `rally` are empty when the file has none. `hover_mps` is the speed [m/s] that a plan is drawn for.
    `lost` names what the file said that these values do not keep.
    """

    name: str
    kind: Literal["plan", "waypoints"]
    home: FileHome | None
    items: tuple[MissionItem, ...]
    where: tuple[str, ...]
    fence: tuple[MissionItem, ...] = ()
    rally: tuple[MissionItem, ...] = ()
    hover_mps: float | None = None
    lost: tuple[Words, ...] = ()


@dataclass(slots=True)
class Findings:
    """What is wrong with a file so far, by place; `name` is the file's."""

    name: str
    reasons: list[Reason] = field(default_factory=list)

    def add(self, rule: Rule, where: str = "", **facts: Any) -> None:
        """One more broken rule at `where` inside the file (":12" for a line, "mission.items[3]" for a path)."""
        place = f"{self.name}{where}" if where.startswith(":") else f"{self.name} {where.strip()}".rstrip()
        self.reasons.append(Reason(rule, where=place, facts=facts))

    def refuse_if_any(self) -> None:
        """Raise `Refused` with everything found, when anything was."""
        if self.reasons:
            raise Refused(self.reasons)


def is_on_earth(lat_deg: float, lon_deg: float) -> bool:
    """Whether the numbers are finite and within the ranges of latitude and longitude."""
    return math.isfinite(lat_deg) and math.isfinite(lon_deg) and abs(lat_deg) <= 90 and abs(lon_deg) <= 180


def shown(value: object, most: int = 40) -> str:
    """What a file holds where something else was expected, fit to stand in a line of text."""
    text = " ".join(str(value).split())
    return "".join(c for c in text if c.isprintable())[:most]


def decoded(data: bytes, name: str) -> str:
    """The text of a file; raises `Refused` when it is too long or not UTF-8."""
    found = Findings(name)
    if len(data) > MAX_FILE_BYTES:
        found.add(TOO_LONG, bytes=len(data), most=MAX_FILE_BYTES)
    found.refuse_if_any()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line_number = data.count(b"\n", 0, error.start) + 1
        found.add(NOT_TEXT, f":{line_number}", byte=error.start)
        raise Refused(found.reasons) from None


def count_items(found: Findings, items: Sequence[MissionItem], where: str = "") -> None:
    """Note a mission that has no items or more than the vehicle stores."""
    if not items:
        found.add(NO_ITEMS, where)
    elif len(items) > MAX_ITEMS:
        found.add(TOO_MANY_ITEMS, where, items=len(items), most=MAX_ITEMS)


TOO_LONG = Rule(
    "file.too-long",
    Words("the file has {bytes} bytes, more than {most}", "文件有 {bytes} 字节，超过 {most}"),
    Words("Split the mission into several files.", "请把任务拆成多个文件。"),
)
NOT_TEXT = Rule(
    "file.not-text",
    Words("byte {byte} is not UTF-8 text", "第 {byte} 字节不是 UTF-8 文本"),
    Words("Save the mission again from the ground station.", "请从地面站重新保存任务。"),
)
NO_ITEMS = Rule(
    "mission.empty",
    Words("the file has no mission items", "文件中没有任务项"),
    Words("Plan a mission in the ground station and save it again.", "请在地面站中规划任务后重新保存。"),
)
TOO_MANY_ITEMS = Rule(
    "mission.too-many-items",
    Words("{items} mission items, the drone stores {most}", "任务有 {items} 项，无人机最多存 {most} 项"),
    Words("Split the mission.", "请拆分任务。"),
)
UNKNOWN_FORMAT = Rule(
    "file.unknown-format",
    Words(
        "this is neither a QGroundControl .plan nor a QGC WPL 110 mission",
        "该文件既不是 QGroundControl .plan，也不是 QGC WPL 110 任务",
    ),
    Words(
        "Save the mission from QGroundControl or Mission Planner.", "请从 QGroundControl 或 Mission Planner 保存任务。"
    ),
)
FENCE_FILE = Rule(
    "file.is-fence",
    Words("this is a geofence, not a mission", "这是地理围栏，不是任务"),
    Words(
        "Give the mission file; put a fence into a .plan beside its mission.",
        "请提供任务文件；围栏可与任务一起放入 .plan。",
    ),
)
RALLY_FILE = Rule(
    "file.is-rally",
    Words("this is a list of rally points, not a mission", "这是备降点列表，不是任务"),
    Words(
        "Give the mission file; put rally points into a .plan beside its mission.",
        "请提供任务文件；备降点可与任务一起放入 .plan。",
    ),
)
