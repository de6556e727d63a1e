"""QGroundControl's `.plan` files: JSON with a mission, a geofence and rally points.

The format is the one of the QGroundControl developer guide ("Plan File Format"). A survey, corridor or structure scan
is a complex item; what is flown of it are the plain items stored inside it, and a complex item that stores none is
refused, because only QGroundControl computes them. Places are named by path: "mission.items[3].params[4]".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airspace.reasons import Refused, Words
from missions.items import Command, Frame, MissionItem
from missions.mission_file import (
    MAX_FENCE_ITEMS,
    FileHome,
    Findings,
    MissionFile,
    count_items,
    decoded,
    is_on_earth,
    shown,
)
from missions.qgc_plan_rules import (
    BREACH_RETURN,
    COMPLEX_ITEM,
    COMPLEX_STORED,
    DUPLICATE_KEY,
    FENCE_TOO_BIG,
    JUMP_TARGET,
    NOT_JSON,
    NULL_POSITION,
    NULLS,
    POSITION,
    RADIUS,
    UNKNOWN_ITEM_TYPE,
    VERSION,
    VERTICES,
    WRONG_FILE_TYPE,
    WRONG_TYPE,
)

Json = Mapping[str, Any]


def looks_like_plan(text: str) -> bool:
    """Whether the text can only be meant as JSON."""
    return text.lstrip().startswith(("{", "["))


def read_qgc_plan(data: bytes, name: str) -> MissionFile:
    """The mission, fence and rally points of a `.plan` file; raises `Refused` with everything malformed."""
    found = Findings(name)
    document = _document(decoded(data, name), found)
    reader = _Reader(found)
    mission = reader.object(document, "mission", {})
    reader.version(mission, "mission", 2)
    items = list(reader.items(mission.get("items", []), "mission.items"))
    home = reader.home(mission)
    hover = mission.get("hoverSpeed")
    hover_mps = None if hover is None else reader.number(hover, "mission.hoverSpeed", low=0.2, high=100.0)
    fence = tuple(reader.fence(reader.object(document, "geoFence", {})))
    rally = tuple(reader.rally(reader.object(document, "rallyPoints", {})))
    if not found.reasons:
        items = _jumps_by_sequence(items, found)
    if not found.reasons:
        count_items(found, [item for _, _, item in items], " mission.items")
    found.refuse_if_any()
    return MissionFile(
        name=name,
        kind="plan",
        home=home,
        items=tuple(item for _, _, item in items),
        where=tuple(f"{name} {path}" for _, path, _ in items),
        fence=fence,
        rally=rally,
        hover_mps=hover_mps,
        lost=tuple(reader.lost),
    )


def _document(text: str, found: Findings) -> Json:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = dict(pairs)
        if len(names) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            found.add(DUPLICATE_KEY, key=shown(twice))
        return names

    try:
        document = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        found.add(NOT_JSON, f":{error.lineno}", problem=error.msg)
    except (ValueError, RecursionError) as error:
        # integers of thousands of digits, and brackets nested thousands deep
        found.add(NOT_JSON, problem=type(error).__name__)
    found.refuse_if_any()
    if not isinstance(document, dict) or document.get("fileType") != "Plan":
        found.add(WRONG_FILE_TYPE, " fileType")
        raise Refused(found.reasons)
    version = document.get("version")
    if version != 1:
        found.add(VERSION, " version", version=shown(version), known=1)
        raise Refused(found.reasons)
    return document


class _Reader:
    """Walks the document and notes everything wrong in it, so that one reading names all problems."""

    def __init__(self, found: Findings) -> None:
        self.found = found
        self.lost: list[Words] = []

    def no(self, rule: Any, path: str, **facts: Any) -> None:
        self.found.add(rule, f" {path}", **facts)

    def lose(self, words: Words) -> None:
        if words not in self.lost:
            self.lost.append(words)

    def object(self, parent: Json, key: str, default: Json, path: str = "") -> Json:
        value = parent.get(key, default)
        if not isinstance(value, dict):
            self.no(WRONG_TYPE, path + key, wanted=Words("an object", "对象"))
            return default
        return value

    def array(self, value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            self.no(WRONG_TYPE, path, wanted=Words("an array", "数组"))
            return []
        return value

    def version(self, section: Json, path: str, known: int) -> None:
        if section and section.get("version") != known:
            self.no(VERSION, f"{path}.version", version=shown(section.get("version")), known=known)

    def number(self, value: Any, path: str, *, low: float = -1e12, high: float = 1e12) -> float:
        """A finite number within bounds; 0 after noting the problem."""
        good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        if not good:
            self.no(WRONG_TYPE, path, wanted=Words(f"a number from {low:g} to {high:g}", f"{low:g} 至 {high:g} 的数"))
            return 0.0
        return float(value)

    def whole(self, value: Any, path: str, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
            self.no(WRONG_TYPE, path, wanted=Words(f"a whole number from 0 to {high}", f"0 至 {high} 的整数"))
            return 0
        return value

    def position(self, value: Any, path: str, sizes: tuple[int, ...] = (2,)) -> tuple[float, ...]:
        """Latitude, longitude [deg] and whatever follows; zeros after noting the problem."""
        numbers = self.array(value, path)
        if len(numbers) not in sizes:
            self.no(WRONG_TYPE, path, wanted=Words(f"{sizes[0]} numbers", f"{sizes[0]} 个数"))
            return (0.0,) * sizes[0]
        values = tuple(self.number(v, f"{path}[{i}]") for i, v in enumerate(numbers))
        if not is_on_earth(values[0], values[1]):
            self.no(POSITION, path, lat_deg=values[0], lon_deg=values[1])
        return values

    def home(self, mission: Json) -> FileHome | None:
        """The planned home; none when it is not written or stands at 0, 0."""
        value = mission.get("plannedHomePosition")
        if value is None:
            return None
        amsl_known = not (isinstance(value, list) and len(value) == 3 and value[2] is None)
        at = self.position(
            value if amsl_known else value[:2], "mission.plannedHomePosition", (3,) if amsl_known else (2,)
        )
        if at[0] == 0 and at[1] == 0:
            return None
        return FileHome(at[0], at[1], at[2] if amsl_known else None)

    def items(self, values: Any, path: str) -> Iterator[tuple[int | None, str, MissionItem]]:
        """(doJumpId, path, item) of every flown item, those stored inside complex items too."""
        for index, value in enumerate(self.array(values, path)):
            at = f"{path}[{index}]"
            if not isinstance(value, dict):
                self.no(WRONG_TYPE, at, wanted=Words("an object", "对象"))
                continue
            match value.get("type"):
                case "SimpleItem":
                    yield self.item(value, at)
                case "ComplexItem":
                    yield from self.complex(value, at)
                case other:
                    self.no(UNKNOWN_ITEM_TYPE, f"{at}.type", type=shown(other))

    def complex(self, value: Json, path: str) -> Iterator[tuple[int | None, str, MissionItem]]:
        kind = shown(value.get("complexItemType"))
        inside = value.get("TransectStyleComplexItem")
        stored = inside.get("Items") if isinstance(inside, dict) else None
        if not stored:
            self.no(COMPLEX_ITEM, path, kind=kind)
            return
        self.lose(
            replace(COMPLEX_STORED, en=COMPLEX_STORED.en.format(kind=kind), zh=COMPLEX_STORED.zh.format(kind=kind))
        )
        path = f"{path}.TransectStyleComplexItem.Items"
        for index, item in enumerate(self.array(stored, path)):
            if isinstance(item, dict) and item.get("type") == "SimpleItem":
                yield self.item(item, f"{path}[{index}]")
            else:
                self.no(WRONG_TYPE, f"{path}[{index}]", wanted=Words("a simple item", "简单任务项"))

    def item(self, value: Json, path: str) -> tuple[int | None, str, MissionItem]:
        command = self.whole(value.get("command"), f"{path}.command", 65535)
        frame = self.whole(value.get("frame"), f"{path}.frame", 255)
        params = self.array(value.get("params"), f"{path}.params")
        if len(params) != 7:
            self.no(WRONG_TYPE, f"{path}.params", wanted=Words("7 numbers", "7 个数"))
            params = [0] * 7
        # null stands for NaN, "as you like"; ArduCopter refuses NaN and reads 0 as the same wish
        if frame != Frame.MISSION and (params[4] is None) != (params[5] is None):
            self.no(NULL_POSITION, f"{path}.params")
        if any(param is None for param in params):
            self.lose(NULLS)
        numbers = [0.0 if v is None else self.number(v, f"{path}.params[{i}]") for i, v in enumerate(params)]
        param1, param2, param3, param4, lat_deg, lon_deg, alt_m = numbers
        autocontinue = value.get("autoContinue", True)
        if not isinstance(autocontinue, bool):
            self.no(WRONG_TYPE, f"{path}.autoContinue", wanted=Words("true or false", "true 或 false"))
        jump_id = value.get("doJumpId")
        if jump_id is not None:
            jump_id = self.whole(jump_id, f"{path}.doJumpId", 65535)
        item = MissionItem(command, frame, param1, param2, param3, param4, lat_deg, lon_deg, alt_m, bool(autocontinue))
        return jump_id, path, item

    def fence(self, section: Json) -> Iterator[MissionItem]:
        """Polygons and circles as the items that the vehicle stores."""
        if not section:
            return
        total = len(self.found.reasons)
        if section.get("version") == 1:
            # before 2018: one inclusion polygon
            ring = section.get("polygon", [])
            shapes = list(self.polygon({"polygon": ring}, "geoFence")) if ring else []
        else:
            self.version(section, "geoFence", 2)
            if section.get("breachReturn") is not None:
                self.lose(BREACH_RETURN)
            shapes = []
            for i, value in enumerate(self.array(section.get("polygons", []), "geoFence.polygons")):
                shapes += self.polygon(value, f"geoFence.polygons[{i}]")
            for i, value in enumerate(self.array(section.get("circles", []), "geoFence.circles")):
                shapes += self.circle(value, f"geoFence.circles[{i}]")
        if len(shapes) > MAX_FENCE_ITEMS and len(self.found.reasons) == total:
            self.no(FENCE_TOO_BIG, "geoFence", items=len(shapes), most=MAX_FENCE_ITEMS)
        yield from shapes

    def inclusion(self, value: Json, path: str) -> bool:
        inclusion = value.get("inclusion", True)
        if not isinstance(inclusion, bool):
            self.no(WRONG_TYPE, f"{path}.inclusion", wanted=Words("true or false", "true 或 false"))
        return bool(inclusion)

    def polygon(self, value: Any, path: str) -> Iterator[MissionItem]:
        if not isinstance(value, dict):
            self.no(WRONG_TYPE, path, wanted=Words("an object", "对象"))
            return
        corners = self.array(value.get("polygon"), f"{path}.polygon")
        points = [self.position(corner, f"{path}.polygon[{i}]") for i, corner in enumerate(corners)]
        if len(points) > 1 and points[0] == points[-1]:
            points.pop()
        if len(points) < 3:
            self.no(VERTICES, f"{path}.polygon", corners=len(points))
        command = Command.FENCE_POLYGON_INCLUSION if self.inclusion(value, path) else Command.FENCE_POLYGON_EXCLUSION
        for lat_deg, lon_deg in points:
            yield _fence_item(command, float(len(points)), lat_deg, lon_deg)

    def circle(self, value: Any, path: str) -> Iterator[MissionItem]:
        if not isinstance(value, dict):
            self.no(WRONG_TYPE, path, wanted=Words("an object", "对象"))
            return
        circle = self.object(value, "circle", {}, f"{path}.")
        lat_deg, lon_deg = self.position(circle.get("center"), f"{path}.circle.center")
        radius_m = self.number(circle.get("radius"), f"{path}.circle.radius")
        if not radius_m > 0:
            self.no(RADIUS, f"{path}.circle.radius", radius_m=radius_m)
        command = Command.FENCE_CIRCLE_INCLUSION if self.inclusion(value, path) else Command.FENCE_CIRCLE_EXCLUSION
        yield _fence_item(command, radius_m, lat_deg, lon_deg)

    def rally(self, section: Json) -> Iterator[MissionItem]:
        """Rally points: latitude, longitude [deg] and height above home [m]."""
        points = self.array(section.get("points", []), "rallyPoints.points")
        if points:
            self.version(section, "rallyPoints", 2)
        if len(points) > MAX_FENCE_ITEMS:
            self.no(FENCE_TOO_BIG, "rallyPoints.points", items=len(points), most=MAX_FENCE_ITEMS)
        for i, value in enumerate(points):
            lat_deg, lon_deg, relative_m = self.position(value, f"rallyPoints.points[{i}]", (3,))
            yield MissionItem(Command.RALLY_POINT, lat_deg=lat_deg, lon_deg=lon_deg, alt_m=relative_m)


def _fence_item(command: Command, param1: float, lat_deg: float, lon_deg: float) -> MissionItem:
    return MissionItem(command, Frame.GLOBAL, param1, lat_deg=lat_deg, lon_deg=lon_deg, autocontinue=False)


def _jumps_by_sequence(
    items: list[tuple[int | None, str, MissionItem]], found: Findings
) -> list[tuple[int | None, str, MissionItem]]:
    """The items with every DO_JUMP naming its target by sequence, as the vehicle counts, and not by doJumpId."""
    ids = [jump_id for jump_id, _, _ in items]
    done = []
    for jump_id, path, item in items:
        if item.command == Command.DO_JUMP:
            target = int(item.param1)
            if ids.count(target) != 1:
                found.add(JUMP_TARGET, f" {path}.params[0]", target=target)
            else:
                item = replace(item, param1=float(ids.index(target) + 1))
        done.append((jump_id, path, item))
    return done
