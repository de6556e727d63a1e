"""What an operator gives us to fly: a request of ours, or a mission file of another ground station."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from airspace.frames import LatLon
from airspace.model import Airspace
from airspace.reasons import Reason, Refused, Rule, Words
from missions.foreign import plan_mission_file
from missions.mission_file import MissionFile, decoded
from missions.plan import Plan
from missions.planning import plan_request
from missions.qgc_plan import looks_like_plan, read_qgc_plan
from missions.request import Request, parse_request
from missions.site import DroneType, Site
from missions.waypoints import looks_like_waypoints, read_waypoints

UNREADABLE = Rule(
    "mission.unreadable",
    Words("cannot be read: {detail}", "无法读取：{detail}"),
    Words("Give the path of a request (.yaml) or of a mission file.", "请给出请求文件（.yaml）或航线文件的路径。"),
)
NO_START = Rule(
    "mission.no-start",
    Words("it is not known where the drone stands", "不知道无人机的停放位置"),
    Words(
        "Connect the drone, or write drones.home in the site file.", "请连接无人机，或在站点文件中填写 drones.home。"
    ),
)


@dataclass(frozen=True, slots=True)
class Mission:
    """A wish that was read and is valid by itself; `text` is the file as it was."""

    name: str
    text: str
    wish: Request | MissionFile

    @property
    def source(self) -> str:
        """`request`, `plan` or `waypoints`."""
        return self.wish.kind if isinstance(self.wish, MissionFile) else "request"


def load_mission(path: Path) -> Mission:
    """Read a request or a mission file, told apart by content; raises `Refused` with everything wrong in it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refused([Reason(UNREADABLE, str(path), {"detail": error.strerror})]) from None
    return parse_mission(data, str(path))


def parse_mission(data: bytes, name: str) -> Mission:
    """A request or a mission file from its bytes; `name` begins the place of every reason."""
    text = decoded(data, name)
    wish: Request | MissionFile
    if looks_like_waypoints(text):
        wish = read_waypoints(data, name)
    elif looks_like_plan(text):
        wish = read_qgc_plan(data, name)
    else:
        wish = parse_request(text, name)
    short = wish.name if isinstance(wish, Request) else Path(name).stem
    return Mission(short, text, wish)


def wished_docks(mission: Mission) -> tuple[str, ...]:
    """The docks on which the mission may end, in the order of the wish; mission files know none."""
    return mission.wish.docks if isinstance(mission.wish, Request) else ()


def plan_mission(
    mission: Mission,
    *,
    site: Site,
    airspace: Airspace,
    drone: DroneType,
    home: LatLon | None,
    home_amsl_m: float,
    docks_free: Sequence[str],
    use_docks: bool = True,
    takeoff_s: float,
    wind_mps: float,
) -> Plan:
    """The plan of a mission; raises `Refused` with every reason why there is none."""
    if isinstance(mission.wish, MissionFile):
        return plan_mission_file(
            mission.wish,
            site=site,
            airspace=airspace,
            drone=drone,
            home=home,
            home_amsl_m=home_amsl_m,
            takeoff_s=takeoff_s,
            wind_mps=wind_mps,
        )
    if home is None:
        raise Refused([Reason(NO_START, mission.name)])
    return plan_request(
        mission.wish,
        site=site,
        airspace=airspace,
        drone=drone,
        home=home,
        home_amsl_m=home_amsl_m,
        docks_free=docks_free,
        use_docks=use_docks,
        takeoff_s=takeoff_s,
        wind_mps=wind_mps,
    )
