"""`beichen sim city`: a simulated city on real sockets, and the site file that leads a controller to it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tomli_w
import zmq.asyncio
from cyclopts import Parameter

from airspace.reasons import Words
from controller.cli import words
from controller.cli.console import view_of
from controller.cli.options import Exit, Output, Speed
from controller.clock import Clock, fresh_seed, run, scaled_tempo
from controller.config import (
    GatewayConfig,
    SiteFile,
    TempoConfig,
)
from controller.run import make_folder
from controller.tasks import attended
from poles.connection import CurveConnection
from poles.keys import KeyPair, new_key_pair, save_key_pair
from sim.city import City
from sim.city_file import load_city
from sim.faults import parse_fault
from sim.links import UdpLink
from sim.world import site_file

LOOPBACK = "127.0.0.1"
RECONNECT_MAX_MS = 300  # of the wall: seconds would be minutes in a city that runs faster


def city(
    file: Annotated[Path, Parameter(help="The city (.yaml). 城市文件。")],
    *,
    into: Annotated[Path, Parameter(help="Folder for the site file and keys. 站点文件和密钥的目录。")],
    speed: Speed = 1.0,
    inject: Annotated[tuple[str, ...], Parameter(help="A fault such as wind=18; repeatable. 注入故障。")] = (),
    dock: Annotated[str, Parameter(help="The pole that dock faults happen to. 机库故障所在灯杆。")] = "",
    seed: Annotated[int | None, Parameter(help="The seed of all chance. 随机种子。")] = None,
    with_parent: Annotated[
        bool, Parameter(help="End when standard input ends. 标准输入结束时退出。", negative="")
    ] = False,
    output: Output = Output(),
) -> int:
    """Run a simulated city and write the site file to reach it."""
    loaded, faults = load_city(file), tuple(parse_fault(text) for text in inject)
    tempo = scaled_tempo(speed)

    async def serve(clock: Clock) -> None:
        keys = {pole.code: new_key_pair() for pole in loaded.poles}
        server, listen = new_key_pair(), f"tcp://{LOOPBACK}:{_free_port()}"
        context = zmq.asyncio.Context()
        try:
            connections = {
                code: CurveConnection(context, listen, pair, server.public, RECONNECT_MAX_MS)
                for code, pair in keys.items()
            }
            simulated = City(
                loaded,
                utc_s=clock.utc_s,
                seed=fresh_seed() if seed is None else seed,
                connections=connections,
                wished_dock=dock,
            )
            for fault in faults:
                simulated.inject(fault)
            site = site_file(
                loaded,
                addresses=await _open_links(simulated),
                public_keys={code: pair.public.decode() for code, pair in keys.items()},
                airspace=[str((file.parent / name).absolute()) for name in loaded.airspace],
            )
            pace = TempoConfig(speed=speed, utc_s=tempo.anchor_utc_s, monotonic_s=tempo.anchor_monotonic_s)
            site = msgspec.structs.replace(site, gateway=GatewayConfig(listen=listen), tempo=pace)
            path = _write_site(into, site, server)
            _tell_ready(path, output)
            if with_parent:
                await attended(_until_parent_ends(), simulated.run())
            else:
                await simulated.run()
        finally:
            context.destroy(linger=0)

    run(serve, tempo)
    return Exit.DONE


async def _open_links(simulated: City) -> dict[str, str]:
    """One UDP socket for each drone; drone id -> the address for a site file."""
    addresses = {}
    for name in simulated.drones:
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
    save_key_pair(key, server)
    path = into / "site.toml"
    tree = _without_none(msgspec.to_builtins(site))
    path.write_text(tomli_w.dumps(tree), encoding="utf-8")
    return path


def _without_none(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_none(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, list | tuple):
        return [_without_none(value) for value in tree]
    return tree


def _tell_ready(path: Path, output: Output) -> None:
    if output.json:
        sys.stdout.write(json.dumps({"site": str(path)}) + "\n")
        sys.stdout.flush()
    else:
        view = view_of(output.lang, json=False)
        view.say(words.CITY_READY)
        view.say(Words(f"  beichen fly MISSION --site {path}", f"  beichen fly MISSION --site {path} --lang zh"))


async def _until_parent_ends() -> None:
    """Return when standard input is closed, which the system does when the process at its other end dies."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(descriptor, 4096) and not ended.done():
            ended.set_result(None)

    loop.add_reader(descriptor, readable)
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)
