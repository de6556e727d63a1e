"""`beichen demo`: a simulated city in a process of its own, and the controller flying an inspection in it."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from airspace.reasons import Reason, Refused, Rule, Words
from controller.cli import words
from controller.cli.city_process import city_process
from controller.cli.console import view_of
from controller.cli.fly import drone_of, exit_code, operate, tempo_of
from controller.cli.options import Exit, Output, Seed, Speed
from controller.clock import fresh_seed, run
from controller.config import LoadedSite, load_site
from controller.flight.mission_source import Mission, load_mission, wished_docks
from controller.run import make_folder
from missions.mission_file import MissionFile
from missions.request import Request
from sim.city_file import city_around, save_city
from sim.fault_text import parse_fault
from sim.faults import zone_over

NO_LINE = Rule(
    "demo.no-line",
    Words("zone=route needs a request with a line", "zone=route 需要带有线路的请求"),
    Words("Use it with a corridor request.", "请与走廊类请求一起使用。"),
)


def demo(
    mission: Annotated[
        Path | None, Parameter(help="Another request, or a mission file to fly where it was made. 其他任务文件。")
    ] = None,
    *,
    city: Annotated[Path | None, Parameter(help="Another city file. 其他城市文件。")] = None,
    speed: Speed = 10.0,
    runs: Annotated[Path, Parameter(help="Folder for run folders. 运行文件夹。")] = Path("runs"),
    inject: Annotated[tuple[str, ...], Parameter(help="A fault: wind=18, dock=taken, zone=route ... 注入故障。")] = (),
    seed: Seed | None = None,
    output: Output = Output(),
) -> int:
    """Simulate a city and fly one inspection in it, end to end."""
    faults = [parse_fault(text) for text in inject]
    wish = load_mission(mission or example() / "pipeline.yaml")
    folder = Path(tempfile.mkdtemp(prefix="demo-city-", dir=make_folder(runs)))
    docks = wished_docks(wish)
    arguments = [str(city or _city_for(wish, folder)), "--into", str(folder), "--speed", str(speed)]
    arguments += ["--dock", docks[0]] if docks else []
    seed = fresh_seed() if seed is None else seed
    arguments += ["--seed", str(seed)]
    for text, fault in zip(inject, faults, strict=True):
        arguments += ["--inject", text] if fault.name != "zone" else []
    with city_process(arguments) as simulated:
        place = load_site(simulated.site)
        if any(fault.name == "zone" for fault in faults):
            place = _with_zone_over(place, wish, folder)
        view = view_of(output.lang, output.json)
        drone = drone_of(place, "")
        try:
            results = run(lambda clock: operate(clock, place, drone, wish, runs, view, output, seed), tempo_of(place))
        except KeyboardInterrupt:
            view.say(words.STOPPED_DEMO, runs=runs)
            return Exit.REFUSED
    return exit_code(results)


def _city_for(wish: Mission, folder: Path) -> Path:
    """The example's city, or for a mission file with a home a small one around that home."""
    home = wish.wish.home if isinstance(wish.wish, MissionFile) else None
    if home is None:
        return example() / "city.yaml"
    path = folder / "city.yaml"
    save_city(city_around("elsewhere", home.lat_deg, home.lon_deg, home.amsl_m or 100.0), path)
    return path


def example(name: str = "zhengzhou") -> Path:
    """The folder of an example: in the source tree, or where an installed wheel puts it."""
    here = Path(__file__).parents[2] / "examples" / name
    return here if here.is_dir() else Path(sys.prefix) / "share" / "beichen" / "examples" / name


def _with_zone_over(place: LoadedSite, wish: Mission, folder: Path) -> LoadedSite:
    """The site with a no-fly zone laid over the middle of the request's line."""
    if not isinstance(wish.wish, Request):
        raise Refused([Reason(NO_LINE, wish.name)])
    path = folder / "zone-over-route.geojson"
    path.write_text(json.dumps(zone_over(wish.wish.line)), encoding="utf-8")
    airspace = (*place.file.airspace, str(path.absolute()))
    return replace(place, file=msgspec.structs.replace(place.file, airspace=airspace))
