"""`beichen sim ardupilot`: real ArduPilot simulators, started, supervised and given addresses like simulated drones."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import msgspec
from cyclopts import Parameter

from airspace.reasons import Words
from controller.cli import words
from controller.cli.console import view_of
from controller.cli.options import Exit, Output, Speed
from controller.cli.sim.drones import (
    address_of,
    bad_count,
    bad_height,
    bad_ports,
    console_for_people,
    place_of,
    print_endpoints,
    refuse_any,
    tell_machine,
)
from controller.cli.sim.parent import until_told_to_end
from controller.cli.sim.site import write_site
from controller.clock import Clock, Tempo, run, scaled_tempo
from controller.config import SiteFile, TempoConfig
from controller.tasks import attended
from sim.city_file import CityDrone, CityFile, CityGround, CityOrigin
from sim.links import Quality
from sim.serve.ardupilot import ArduPilots, Squadron
from sim.serve.endpoints import LOOPBACK, Doors, Endpoint, Ports
from sim.serve.fleet import Site
from sim.serve.sitl_process import found
from sim.world import site_file

HELP = Words(
    "Start and supervise real ArduPilot simulators (SITL).",
    "启动并监管真实的 ArduPilot 仿真程序（SITL）。",
)
READY = Words(
    "{count} ArduPilot {version} around {at}, at {speed:g} times real time; their folders are in {folder}",
    "{count} 个 ArduPilot {version} 位于 {at}，{speed:g} 倍速；其目录在 {folder}",
)


def ardupilot(
    *,
    binary: Annotated[Path | None, Parameter(help="The program; arducopter on PATH. 程序路径。")] = None,
    count: Annotated[int, Parameter(help="How many. 数量。")] = 1,
    at: Annotated[str, Parameter(help="Where they stand: LAT,LON [deg]. 位置（度）。")] = "34.7466,113.6253",
    amsl: Annotated[float, Parameter(help="Height of the ground above the sea [m]. 地面海拔。")] = 100.0,
    speed: Speed = 1.0,
    folder: Annotated[Path | None, Parameter(help="Where they keep their files. 工作目录。")] = None,
    defaults: Annotated[Path | None, Parameter(help="Parameter file instead of ours. 参数文件。")] = None,
    first: Annotated[int, Parameter(help="SITL's number of the first instance. 首个实例号。")] = 0,
    patience: Annotated[float, Parameter(help="Seconds until each must be heard. 启动时限（秒）。")] = 60.0,
    udp: Annotated[int, Parameter(help="UDP port of the first drone; 0 any free one. 首架 UDP 端口。")] = 14600,
    tcp: Annotated[int, Parameter(help="TCP port of the first drone; 0 any free one. 首架 TCP 端口。")] = 15760,
    gcs: Annotated[str, Parameter(help="HOST:PORT all send to, or none. 地面站地址或 none。")] = f"{LOOPBACK}:14550",
    site: Annotated[Path | None, Parameter(help="Site file to write for a controller. 要写入的站点文件。")] = None,
    with_parent: Annotated[
        bool, Parameter(help="End when standard input ends. 标准输入结束时退出。", negative="")
    ] = False,
    output: Output = Output(),
) -> int:
    """Run ArduPilots until stopped, and end them all then."""
    refuse_any(bad_count(count, first) + bad_ports(count, udp, tcp) + bad_height(amsl))
    program, middle, address = found(binary), place_of(at), address_of(gcs)
    tempo = scaled_tempo(speed)

    async def serve(clock: Clock) -> None:
        with TemporaryDirectory(prefix="beichen-ardupilot-") as own:
            into = own if folder is None else str(folder)
            # the loop's seconds are the simulators' own, patience is counted on the wall
            squadron = Squadron(
                binary=program, folder=Path(into), count=count, site=Site(middle, amsl), speed=speed, first=first,
                defaults=defaults, patience_s=patience * speed,
            )  # fmt: skip
            pilots, doors = ArduPilots(squadron), Doors(Quality(), random.Random(0))
            try:
                endpoints = await doors.open(pilots.drones, Ports(udp, tcp, address))

                async def announce() -> None:
                    await pilots.ready()
                    if site is not None:
                        write_site(site, _site(squadron, endpoints, tempo))
                    if output.json:
                        tell_machine(endpoints, address)
                    else:
                        facts = {"count": count, "version": pilots.drones[0].version, "at": at, "speed": speed}
                        console = console_for_people()
                        console.print(READY.text(output.lang, {**facts, "folder": into}))
                        print_endpoints(endpoints, address, output.lang, console)

                await attended(until_told_to_end(with_parent), pilots.run(), announce())
            finally:
                doors.close()

    run(serve, tempo)
    view_of(output.lang, output.json).say(words.STOPPED_ONLY)
    return Exit.DONE


def _site(squadron: Squadron, endpoints: list[Endpoint], tempo: Tempo) -> SiteFile:
    """A site of these drones and nothing else; its tempo is the simulators'."""
    middle, names = squadron.site.middle, [f"drone-{endpoint.system_id}" for endpoint in endpoints]
    homes = [start.home for start in squadron.starts()]
    city = CityFile(
        name="ArduPilot",
        origin=CityOrigin(lat_deg=middle.lat_deg, lon_deg=middle.lon_deg),
        ground=CityGround(amsl_m=squadron.site.amsl_m, geoid_m=0.0),
        drones=tuple(
            CityDrone(id=name, lat_deg=home.lat_deg, lon_deg=home.lon_deg)
            for name, home in zip(names, homes, strict=True)
        ),
    )
    addresses = {name: f"udpout:{LOOPBACK}:{endpoint.udp}" for name, endpoint in zip(names, endpoints, strict=True)}
    pace = TempoConfig(speed=squadron.speed, utc_s=tempo.anchor_utc_s, monotonic_s=tempo.anchor_monotonic_s)
    plain = site_file(city, addresses=addresses, public_keys={}, airspace=())
    return msgspec.structs.replace(plain, tempo=pace)
