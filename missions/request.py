"""What is wanted: an inspection request as its file says it, validated, or every reason why it cannot be taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule, Words
from missions.request_fields import CONTRADICTION, DUPLICATE, SYNTAX, Block, Problems, compose

LARGEST_FILE = 1_000_000  # bytes
MOST_POINTS = 200
MOST_PERMITS = 100
ZONE_ID = r"[^\x00-\x1f]{1,200}"
MOST_TARGETS = 500
LONGEST_STEP_M = 20_000.0

CITY_CODE = r"\d{6}-[A-Z]{2}-\d{6}"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

UNREADABLE = Rule(
    "request.unreadable",
    Words("the file cannot be read: {problem}", "无法读取文件：{problem}"),
    Words("Give a UTF-8 text file of at most 1 MB.", "请提供不超过 1 MB 的 UTF-8 文本文件。"),
)

FRAME_HINTS = {
    "WGS84": Words(
        "; WGS 84 of today lies 0.5 to 1 m from CGCS2000, transform the positions first",
        "；当前历元的 WGS 84 与 CGCS2000 相差 0.5 至 1 米，请先转换坐标",
    ),
    "GCJ02": Words(
        "; GCJ-02 (web maps) is off by hundreds of metres, transform the positions first",
        "；GCJ-02（网络地图）偏移可达数百米，请先转换坐标",
    ),
    "BD09": Words(
        "; BD-09 (Baidu maps) is off by hundreds of metres, transform the positions first",
        "；BD-09（百度地图）偏移可达数百米，请先转换坐标",
    ),
}

_REQUEST = {
    "beichen": "1",
    "name": "gas-main-west",
    "title": '{zh: "…", en: "…"}',
    "kind": "corridor",
    "frame": "CGCS2000",
    "line": "[{lat_deg: 34.7466, lon_deg: 113.6050}, …]",
    "targets": '[{name: "M01", lat_deg: 34.7466, lon_deg: 113.6050}, …]',
    "height_agl_m": "45",
    "speed_mps": "8",
    "camera": "{spacing_m: 12, max_target_distance_m: 20}",
    "land": "{dock: 410105-LP-000003, alternates: [410105-LP-000004]}",
    "priority": "10",
    "permits": "[ZZ-SCHOOL-1]",
    "requested_by": '"Pipeline operations"',
    "when": "{not_before: 2026-05-18T09:00:00+08:00}",
    "limits": "{max_wind_mps: 10, reserve_fraction: 0.3}",
}
_TITLE = {"zh": '"燃气干线巡检"', "en": '"Gas main inspection"'}
_POINT = {"lat_deg": "34.7466", "lon_deg": "113.6050"}
_TARGET = {"name": '"M01"', **_POINT}
_CAMERA = {"spacing_m": "12", "overlap": "0.7", "fov_deg": "60", "max_target_distance_m": "20"}
_LAND = {"dock": "410105-LP-000003", "alternates": "410105-LP-000004"}
_WHEN = {"not_before": "2026-05-18T09:00:00+08:00", "deadline": "2026-05-18T10:00:00+08:00"}
_LIMITS = {"max_wind_mps": "10", "reserve_fraction": "0.3"}

SWAPPED = Words("; latitude and longitude may be swapped", "；经纬度可能写反")


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """A named thing to inspect."""

    name: str
    position: LatLon


@dataclass(frozen=True, slots=True)
class Camera:
    """When the camera fires, and how far away a target may be [m, in plan] to count as seen."""

    spacing_m: float
    max_target_distance_m: float


@dataclass(frozen=True, slots=True)
class Request:
    """A corridor inspection. Positions are CGCS2000; times are UTC seconds, None when open; `where` is its file.

    `permitted` are the charted ids of zones that may be entered, because their authority gave leave.
    """

    name: str
    title: Words
    line: tuple[LatLon, ...]
    targets: tuple[RequestTarget, ...]
    height_agl_m: float
    speed_mps: float
    camera: Camera
    dock: str
    alternates: tuple[str, ...]
    requested_by: str
    priority: int = 0
    permitted: frozenset[str] = frozenset()
    not_before_s: float | None = None
    deadline_s: float | None = None
    max_wind_mps: float | None = None
    reserve_fraction: float | None = None
    where: str = ""

    @property
    def docks(self) -> tuple[str, ...]:
        """The docks that it may end on, in order of wish."""
        return (self.dock, *self.alternates)


def read_request(path: Path) -> Request:
    """The request in a YAML file. Raises `Refused` with every problem found."""
    return parse_request(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a small file that a person wrote. Raises `Refused` for what cannot be read as UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refused([Reason(UNREADABLE, str(path), {"problem": error.strerror or "?"})]) from error
    if len(data) > LARGEST_FILE:
        raise Refused([Reason(UNREADABLE, str(path), {"problem": f"{len(data)} B"})])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refused([Reason(UNREADABLE, f"{path}:{line}", {"problem": "not UTF-8"})]) from error


def parse_request(text: str, where: str) -> Request:
    """The request in a YAML text; `where` names its file in reasons. Raises `Refused` with every problem found."""
    problems = Problems(where)
    node = compose(text, problems)
    request = _request(Block(node, "", _REQUEST, problems), where) if node is not None else None
    if problems.reasons or request is None:
        raise Refused(problems.reasons or [Reason(SYNTAX, where, {"problem": "?"})])
    return request


def _request(top: Block, where: str) -> Request | None:
    if not top.readable:
        return None
    top.choice("beichen", ["1"])
    top.choice("kind", ["corridor"])
    top.choice("frame", ["CGCS2000"], FRAME_HINTS)
    name = top.text("name", NAME)
    title = _title(top)
    line = _line(top)
    targets = _targets(top)
    height_agl_m = top.number("height_agl_m", 2.0, 1000.0)
    speed_mps = top.number("speed_mps", 0.5, 30.0)
    camera = _camera(top, height_agl_m)
    dock, alternates = _land(top)
    priority = top.integer("priority", 0, 100, required=False)
    permitted = frozenset(top.texts("permits", ZONE_ID, MOST_PERMITS))
    requested_by = top.text("requested_by")
    not_before_s, deadline_s = _when(top)
    max_wind_mps, reserve_fraction = _limits(top)
    if not (name and title and height_agl_m and speed_mps and camera and dock and requested_by):
        return None
    return Request(
        name=name,
        title=title,
        line=line,
        targets=targets,
        height_agl_m=height_agl_m,
        speed_mps=speed_mps,
        camera=camera,
        dock=dock,
        alternates=alternates,
        requested_by=requested_by,
        priority=priority or 0,
        permitted=permitted,
        not_before_s=not_before_s,
        deadline_s=deadline_s,
        max_wind_mps=max_wind_mps,
        reserve_fraction=reserve_fraction,
        where=where,
    )


def _title(top: Block) -> Words | None:
    block = top.block("title", _TITLE)
    if block is None:
        return None
    zh, en = block.text("zh"), block.text("en")
    return Words(en, zh) if en and zh else None


def _point(block: Block) -> LatLon | None:
    lat_deg = block.number("lat_deg", -90.0, 90.0, hint=SWAPPED)
    lon_deg = block.number("lon_deg", -180.0, 180.0)
    return None if lat_deg is None or lon_deg is None else LatLon(lat_deg, lon_deg)


def _line(top: Block) -> tuple[LatLon, ...]:
    points: list[LatLon] = []
    for block in top.blocks("line", _POINT, 2, MOST_POINTS):
        point = _point(block)
        if point is None:
            continue
        if points and point == points[-1]:
            block.refuse(
                CONTRADICTION,
                "lat_deg",
                what=Words("this point is the one before it again", "该点与前一点重合"),
                remedy=Words("Remove one of the two.", "请删除其中之一。"),
            )
        elif points and point.distance_m(points[-1]) > LONGEST_STEP_M:
            far_km = point.distance_m(points[-1]) / 1000.0
            block.refuse(
                CONTRADICTION,
                "lat_deg",
                what=Words(f"this point is {far_km:.0f} km from the one before it", f"该点距前一点 {far_km:.0f} 公里"),
                remedy=Words("Correct the position; 20 km is the most.", "请更正位置；上限为 20 公里。"),
            )
        points.append(point)
    return tuple(points)


def _targets(top: Block) -> tuple[RequestTarget, ...]:
    targets: list[RequestTarget] = []
    lines: dict[str, int] = {}
    for block in top.blocks("targets", _TARGET, 0, MOST_TARGETS, required=False):
        name, point = block.text("name", r"[^\x00-\x1f]{1,80}"), _point(block)
        if name is None:
            continue
        if name in lines:
            block.refuse(DUPLICATE, "name", what=Words(f"target {name}", f"目标 {name}"), first=lines[name])
        lines.setdefault(name, block.line_of("name"))
        if point is not None:
            targets.append(RequestTarget(name, point))
    return tuple(targets)


def _camera(top: Block, height_agl_m: float | None) -> Camera | None:
    block = top.block("camera", _CAMERA)
    if block is None:
        return None
    reach_m = block.number("max_target_distance_m", 1.0, 500.0)
    if block.has("spacing_m"):
        if block.has("overlap") or block.has("fov_deg"):
            block.refuse(
                CONTRADICTION,
                "spacing_m",
                what=Words(
                    "the spacing is given twice, here and by overlap and fov_deg",
                    "间距重复给出：此处及 overlap、fov_deg",
                ),
                remedy=Words(
                    "Keep spacing_m, or overlap with fov_deg.", "请保留 spacing_m，或保留 overlap 与 fov_deg。"
                ),
            )
        spacing_m = block.number("spacing_m", 1.0, 500.0)
    elif block.has("overlap") or block.has("fov_deg"):
        spacing_m = _spacing_of_overlap(block, height_agl_m)
    else:
        spacing_m = block.number("spacing_m", 1.0, 500.0)
    return Camera(spacing_m, reach_m) if spacing_m and reach_m else None


def _spacing_of_overlap(block: Block, height_agl_m: float | None) -> float | None:
    overlap = block.number("overlap", 0.0, 0.95)
    fov_deg = block.number("fov_deg", 5.0, 150.0)
    if overlap is None or fov_deg is None or height_agl_m is None:
        return None
    spacing_m = 2.0 * height_agl_m * math.tan(math.radians(fov_deg) / 2.0) * (1.0 - overlap)
    if spacing_m < 1.0:
        block.refuse(
            CONTRADICTION,
            "overlap",
            what=Words(
                f"this overlap needs a photo every {spacing_m:.2f} m", f"该重叠率要求每 {spacing_m:.2f} 米拍摄一次"
            ),
            remedy=Words(
                "Ask for less overlap: 1 m between photos is the least.", "请降低重叠率：拍摄间距最小为 1 米。"
            ),
        )
        return None
    return round(spacing_m, 2)


def _land(top: Block) -> tuple[str | None, tuple[str, ...]]:
    block = top.block("land", _LAND)
    if block is None:
        return None, ()
    dock, alternates = block.text("dock", CITY_CODE), block.texts("alternates", CITY_CODE, 8)
    if dock in alternates or len(set(alternates)) < len(alternates):
        again = next(code for code in (dock, *alternates) if code and [dock, *alternates].count(code) > 1)
        block.refuse(DUPLICATE, "alternates", what=Words(f"dock {again}", f"机巢 {again}"), first=block.line_of("dock"))
    return dock, tuple(alternates)


def _when(top: Block) -> tuple[float | None, float | None]:
    block = top.block("when", _WHEN, required=False)
    if block is None:
        return None, None
    not_before_s, deadline_s = block.time("not_before"), block.time("deadline")
    if not_before_s is not None and deadline_s is not None and deadline_s <= not_before_s:
        block.refuse(
            CONTRADICTION,
            "deadline",
            what=Words("the deadline is not after not_before", "截止时间不晚于 not_before"),
            remedy=Words("Give a later deadline.", "请填写更晚的截止时间。"),
        )
    return not_before_s, deadline_s


def _limits(top: Block) -> tuple[float | None, float | None]:
    block = top.block("limits", _LIMITS, required=False)
    if block is None:
        return None, None
    return (
        block.number("max_wind_mps", 0.0, 30.0, required=False),
        block.number("reserve_fraction", 0.1, 0.9, required=False),
    )
