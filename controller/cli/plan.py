"""`beichen plan`: everything that can be known before a drone moves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from airspace.frames import LatLon
from airspace.model import Airspace
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.zones import zones_geojson
from controller.cli.console import TextView, view_of
from controller.cli.options import Exit, Output, write_file
from controller.cli.plan_view import print_plan
from controller.clock import Clock, run
from controller.config import KNOWN_TYPES, LoadedSite, load_site
from controller.flight.mission_source import Mission, load_mission, plan_mission, wished_docks
from controller.site_airspace import load_site_airspace
from missions.geojson import geojson_text
from missions.kml import kml_text
from missions.plan import Plan
from missions.qgc_plan_writer import qgc_plan_text
from missions.waypoints import waypoints_text

BAD_SUFFIX = Rule(
    "plan.format",
    Words("a plan cannot be written as '{suffix}'", "不能将计划写成 “{suffix}” 格式"),
    Words("Name a file that ends in {known}.", "请使用以 {known} 结尾的文件名。"),
)
NO_SITE = Rule(
    "site.missing",
    Words("there is no site file beside the mission or here", "任务文件旁和当前目录都没有站点文件"),
    Words(
        "Name one with --site; examples/zhengzhou/site.toml is one.",
        "请用 --site 指定；示例见 examples/zhengzhou/site.toml。",
    ),
)

PLANNED_WIND_MPS = 4.0  # where nobody measured it and nobody said otherwise

SiteOption = Annotated[Path | None, Parameter(help="The site file; site.toml beside the mission or here. 站点文件。")]


def site_for(mission: Path, site: Path | None) -> LoadedSite:
    """The site file that was named, or `site.toml` beside the mission or in this folder; raises `Refused`."""
    if site is not None:
        return load_site(site)
    for folder in (mission.parent, Path()):
        if (folder / "site.toml").is_file():
            return load_site(folder / "site.toml")
    raise Refused([Reason(NO_SITE, str(mission))])


def plan(
    mission: Annotated[Path, Parameter(help="A request (.yaml), .plan or .waypoints file. 请求或航线文件。")],
    *,
    site: SiteOption = None,
    wind: Annotated[float, Parameter(help="Mean wind to plan with [m/s]. 规划用平均风速。")] = PLANNED_WIND_MPS,
    out: Annotated[
        Path | None, Parameter(help="Also write it as .plan, .waypoints, .geojson or .kml. 另存为文件。")
    ] = None,
    output: Output = Output(),
) -> int:
    """Plan a request or a mission file without flying it."""
    wish, place = load_mission(mission), site_for(mission, site)
    if out is not None and out.suffix not in WRITERS:
        facts = {"suffix": out.suffix, "known": ", ".join(WRITERS)}
        raise Refused([Reason(BAD_SUFFIX, str(out), facts)])
    made, airspace = run(lambda clock: _planned_here(clock, wish, place, wind))
    view = view_of(output.lang, output.json)
    if isinstance(view, TextView):
        print_plan(made, output.lang, view.console)
    else:
        print(msgspec.json.encode(made).decode())  # noqa: T201 - the verb's own output
    if out is not None:
        write_file(out, WRITERS[out.suffix](made, airspace).encode())
    return Exit.DONE


async def _planned_here(clock: Clock, wish: Mission, place: LoadedSite, wind_mps: float) -> tuple[Plan, Airspace]:
    airspace = load_site_airspace(place, clock.utc_s).airspace
    return await planned(clock, wish, place, airspace, wind_mps=wind_mps), airspace


async def planned(clock: Clock, wish: Mission, place: LoadedSite, airspace: Airspace, *, wind_mps: float) -> Plan:
    """A mission planned for a minute from now, with the site's first drone where it is said to stand."""
    drone = next(iter(place.file.drones), None)
    stand = drone.home if drone is not None else None
    return plan_mission(
        wish,
        site=place.site,
        airspace=airspace,
        drone=place.drone_type(drone) if drone is not None else KNOWN_TYPES["quad-4kg"],
        home=None if stand is None else LatLon(stand.lat_deg, stand.lon_deg),
        home_amsl_m=place.ground.amsl_m,
        docks_free=wished_docks(wish),
        takeoff_s=clock.utc_s() + 60,
        wind_mps=wind_mps,
    )


def _geojson(plan: Plan, airspace: Airspace) -> str:
    return geojson_text(plan, zones_geojson(airspace.zones, airspace.frame))


WRITERS = {
    ".plan": lambda plan, airspace: qgc_plan_text(plan),
    ".waypoints": lambda plan, airspace: waypoints_text(plan),
    ".geojson": _geojson,
    ".kml": lambda plan, airspace: kml_text(plan),
}
