"""`beichen sim city`: a simulated city on real sockets, and the site file that leads a controller to it."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import zmq.asyncio
from cyclopts import Parameter

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Words
from controller.cli import words
from controller.cli.console import view_of
from controller.cli.options import Exit, Output, Seed, Speed
from controller.cli.sim.autopilots import RealAutopilots
from controller.cli.sim.drones import bad_count, refuse_any
from controller.cli.sim.parent import until_told_to_end
from controller.cli.sim.site import write_site
from controller.clock import Clock, fresh_seed, run, scaled_tempo
from controller.config import (
    GatewayConfig,
    SiteFile,
    TempoConfig,
)
from controller.run import make_folder
from controller.tasks import attended
from poles.keys import KeyPair, new_key_pair, save_key_pair
from poles.wire.connection import CurveConnection
from sim.city import City
from sim.city_file import CityFile, load_city
from sim.fault_acts import acts_in
from sim.fault_targets import NEEDS_INSIDE
from sim.fault_text import fault_text, parse_fault
from sim.faults import Fault
from sim.links import UdpLink
from sim.serve.sitl_drone import SitlDrone
from sim.serve.sitl_process import Start
from sim.timeline import Timeline
from sim.world import site_file

LOOPBACK = "127.0.0.1"
TELL_EVERY_S = 0.5
PATIENCE_S = 60.0  # of the wall, until a real autopilot must be heard
RECONNECT_MAX_MS = 300  # of the wall: seconds would be minutes in a city that runs faster


def city(
    file: Annotated[Path, Parameter(help="The city (.yaml). 城市文件。")],
    *,
    into: Annotated[Path, Parameter(help="Folder for the site file and keys. 站点文件和密钥的目录。")],
    speed: Speed = 1.0,
    inject: Annotated[tuple[str, ...], Parameter(help="A fault such as wind=18; repeatable. 注入故障。")] = (),
    dock: Annotated[str, Parameter(help="The pole that dock faults happen to. 机库故障所在灯杆。")] = "",
    seed: Seed | None = None,
    starts: Annotated[
        datetime | None, Parameter(help="When its day begins, as 2026-05-18T22:00:00+08:00; now. 模拟开始时间。")
    ] = None,
    pilots: RealAutopilots = RealAutopilots(),
    with_parent: Annotated[
        bool, Parameter(help="End when standard input ends. 标准输入结束时退出。", negative="")
    ] = False,
    output: Output = Output(),
) -> int:
    """Run a simulated city and write the site file to reach it."""
    program = pilots.program()
    loaded, faults = load_city(file), tuple(parse_fault(text) for text in inject)
    if program is not None:
        _refuse_inside(faults)
    tempo = scaled_tempo(speed, None if starts is None else starts.timestamp())

    async def serve(clock: Clock) -> None:
        autopilots = {} if program is None else _autopilots(program, loaded, into, speed, pilots.first or 0)
        keys = {pole.code: new_key_pair() for pole in loaded.poles}
        server, listen = new_key_pair(), f"tcp://{LOOPBACK}:{_free_port()}"
        context = zmq.asyncio.Context()

        async def live() -> None:
            for pilot in autopilots.values():  # the day begins when they have started
                await pilot.ready.wait()
            simulated = City(
                loaded,
                utc_s=clock.utc_s,
                seed=fresh_seed() if seed is None else seed,
                connections={
                    code: CurveConnection(context, listen, pair, server.public, RECONNECT_MAX_MS)
                    for code, pair in keys.items()
                },
                folder=file.parent,
                autopilots=autopilots,
            )
            timeline, began_utc_s = Timeline(simulated, acts_in(simulated), wished_dock=dock), clock.utc_s()
            for fault in faults:
                timeline.inject(fault)
            site = site_file(
                loaded,
                addresses=await _open_links(simulated),
                public_keys={code: pair.public.decode() for code, pair in keys.items()},
                airspace=[str((file.parent / name).absolute()) for name in loaded.airspace],
            )
            pace = TempoConfig(speed=speed, utc_s=tempo.anchor_utc_s, monotonic_s=tempo.anchor_monotonic_s)
            site = msgspec.structs.replace(site, gateway=GatewayConfig(listen=listen), tempo=pace)
            _tell_ready(
                _write_site(into, site, server), {name: pilot.version for name, pilot in autopilots.items()}, output
            )
            telling = [_tell_of(simulated, timeline, began_utc_s)] if output.json else []
            await attended(simulated.run(), *telling)

        try:
            runs = [pilot.run() for pilot in autopilots.values()]
            await attended(until_told_to_end(with_parent), *runs, live())
        finally:
            context.destroy(linger=0)

    run(serve, tempo)
    view_of(output.lang, output.json).say(words.STOPPED_ONLY)
    return Exit.DONE


def _refuse_inside(faults: Sequence[Fault]) -> None:
    """Raise `Refused` for faults that no real autopilot can have."""
    problems = [
        Reason(NEEDS_INSIDE, f"--inject {fault_text(fault)}", {"what": fault_text(fault)})
        for fault in faults
        if fault.inside
    ]
    if problems:
        raise Refused(problems)


def _autopilots(program: Path, loaded: CityFile, into: Path, speed: float, first: int) -> dict[str, SitlDrone]:
    """A real autopilot where each drone of the city stands, its files in a folder beside the site file."""
    refuse_any(bad_count(len(loaded.drones), first))
    return {
        drone.id: SitlDrone(
            Start(
                binary=program,
                folder=into / drone.id,
                number=number,
                home=LatLon(drone.lat_deg, drone.lon_deg),
                amsl_m=loaded.ground.amsl_m,
                heading_deg=drone.heading_deg,
                speed=speed,
            ),
            patience_s=PATIENCE_S * speed,
        )
        for number, drone in enumerate(loaded.drones, first)
    }


async def _open_links(simulated: City) -> dict[str, str]:
    """One UDP socket for each drone; drone id -> the address for a site file."""
    addresses = {}
    for name in simulated.flown:
        link = await UdpLink.listen(LOOPBACK, 0)
        simulated.attach(name, link)
        addresses[name] = f"udpout:{link.address[0]}:{link.address[1]}"
    return addresses


def _free_port() -> int:
    """A port that is free now; the controller binds it later, poles keep trying until then."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _write_site(into: Path, site: SiteFile, server: KeyPair) -> Path:
    key = make_folder(into) / GatewayConfig().key
    key.unlink(missing_ok=True)
    for suffix in ("", "-wal", "-shm"):  # another city's poles are not let in
        (into / f"{GatewayConfig().register}{suffix}").unlink(missing_ok=True)
    save_key_pair(key, server)
    path = into / "site.toml"
    write_site(path, site)
    return path


def _tell_ready(path: Path, autopilots: Mapping[str, str], output: Output) -> None:
    if output.json:
        _tell_machine({"site": str(path), "autopilots": autopilots})
    else:
        view = view_of(output.lang, json=False)
        view.say(words.CITY_READY)
        view.say(Words(f"  beichen fly MISSION --site {path}", f"  beichen fly MISSION --site {path} --lang zh"))


async def _tell_of(simulated: City, timeline: Timeline, began_utc_s: float) -> None:
    """Tell machines, until cancelled, of each drone that lands, takes off, arms or disarms, and of each fault."""
    told: dict[str, dict[str, object]] = {}
    faults = 0
    while True:
        for name, flown in simulated.flown.items():
            truth = flown.truth
            how: dict[str, object] = {"drone": name, "landed": truth.landed, "armed": truth.armed}
            if told.get(name) != how:
                told[name] = how
                _tell_machine(how)
        for one in timeline.happened[faults:]:
            when = {"utc_s": began_utc_s + one.at_s, "began": one.began}
            _tell_machine({"fault": fault_text(one.fault), **when})
        faults = len(timeline.happened)
        await asyncio.sleep(TELL_EVERY_S)


def _tell_machine(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
