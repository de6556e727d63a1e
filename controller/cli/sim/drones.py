"""`beichen sim drones`: simulated drones at the addresses that QGroundControl, MAVProxy, dronekit and MAVSDK know."""

from __future__ import annotations

import json
import math
import random
import sys
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from airspace.frames import LatLon
from airspace.reasons import Lang, Reason, Rule, Words
from controller.cli import words
from controller.cli.console import PIPE_WIDTH, view_of
from controller.cli.options import BadOption, Exit, Output, Seed, Speed
from controller.cli.sim.parent import until_told_to_end
from controller.clock import Clock, fresh_seed, run, scaled_tempo
from controller.tasks import attended
from sim.city_file import LEAST_AMSL_M, MOST_AMSL_M
from sim.links import Quality
from sim.serve.endpoints import LOOPBACK, TCP_STRIDE, Doors, Endpoint, Ports
from sim.serve.fleet import MOST_DRONES, SPACING_M, Fleet, Site

HELP = Words(
    "Serve simulated drones to QGroundControl, MAVProxy, dronekit and MAVSDK.",
    "提供模拟无人机，供 QGroundControl、MAVProxy、dronekit 和 MAVSDK 连接。",
)
BAD_PLACE = Rule(
    "serve.bad-place",
    Words("{value} is no place that drones can stand at", "{value} 不是无人机可停放的位置"),
    Words(
        "Give latitude (-85 to 85) and longitude in degrees, such as 34.7466,113.6253.",
        "请以度给出纬度（-85 至 85）和经度，例如 34.7466,113.6253。",
    ),
)
BAD_ADDRESS = Rule(
    "serve.bad-address",
    Words("{value} is no address: a host, a colon and a port are needed", "{value} 不是有效地址：需要“主机:端口”"),
    Words("Give it such as 127.0.0.1:14550, or none.", "请写成 127.0.0.1:14550 的形式，或写 none。"),
)
BAD_COUNT = Rule(
    "serve.bad-count",
    Words("{value} drones cannot be told apart: 1 to {most} can", "无法区分 {value} 架无人机：可为 1 至 {most} 架"),
    Words("Choose another --count.", "请更改 --count。"),
)
BAD_PORT = Rule(
    "serve.bad-port",
    Words(
        "{count} drones from port {first} on need ports up to {last}",
        "{count} 架无人机自端口 {first} 起需用到端口 {last}",
    ),
    Words("Ports lie between 1 and 65535; 0 takes any free one.", "端口须在 1 至 65535 之间；0 为任意空闲端口。"),
)
BAD_AMSL = Rule(
    "serve.bad-amsl",
    Words("no ground lies {value:g} m above the sea", "没有海拔 {value:g} m 的地面"),
    Words("Give a height between {least:g} and {most:g} m.", "请给出 {least:g} 至 {most:g} m 之间的海拔。"),
)
BAD_LOSS = Rule(
    "serve.bad-loss",
    Words("a share of {value:g} cannot be lost", "丢包率 {value:g} 不成立"),
    Words("Give a share between 0 and 1.", "丢包率须在 0 至 1 之间。"),
)
BAD_DELAY = Rule(
    "serve.bad-delay",
    Words("nothing arrives {value:g} s late", "时延 {value:g} s 不成立"),
    Words("Give a number of seconds that is not negative.", "时延须为非负秒数。"),
)
READY = Words(
    "Simulated drones: {count} ({personality}), {spacing:g} m apart around {at}, at {speed:g} times real time",
    "{count} 架模拟无人机（{personality}），以 {at} 为中心，间距 {spacing:g} m，{speed:g} 倍速",
)
HEADS = (Words("drone", "无人机"), Words("system id", "系统号"), Words("TCP", "TCP"), Words("UDP", "UDP"))
QGC = Words(
    "QGroundControl: nothing to set up, all drones send to udp {gcs}",
    "QGroundControl：无需设置，所有无人机都向 udp {gcs} 发送",
)
CONNECT = Words("Connect to drone {id} with", "连接无人机 {id}：")
MOST_LAT_DEG = 85.0
MOST_PORT = 65535
HOW_TO_END = Words("Ctrl-C ends it.", "按 Ctrl-C 结束。")


def drones(
    *,
    count: Annotated[int, Parameter(help="How many. 数量。")] = 1,
    autopilot: Annotated[Literal["ardupilot", "px4"], Parameter(help="How they answer. 应答方式。")] = "ardupilot",
    at: Annotated[str, Parameter(help="Where they stand: LAT,LON [deg]. 位置（度）。")] = "34.7466,113.6253",
    amsl: Annotated[float, Parameter(help="Height of the ground above the sea [m]. 地面海拔。")] = 100.0,
    speed: Speed = 1.0,
    udp: Annotated[int, Parameter(help="UDP port of the first drone; 0 any free one. 首架 UDP 端口。")] = 14600,
    tcp: Annotated[int, Parameter(help="TCP port of the first drone; 0 any free one. 首架 TCP 端口。")] = 5760,
    gcs: Annotated[str, Parameter(help="HOST:PORT all send to, or none. 地面站地址或 none。")] = f"{LOOPBACK}:14550",
    link_loss: Annotated[float, Parameter(help="Share of datagrams lost, 0 to 1. 丢包率。")] = 0.0,
    link_delay: Annotated[float, Parameter(help="Delay of the radio [s]. 链路时延。")] = 0.0,
    cold: Annotated[bool, Parameter(help="Start with the boot, not ready to arm. 从上电开始。", negative="")] = False,
    seed: Seed | None = None,
    with_parent: Annotated[
        bool, Parameter(help="End when standard input ends. 标准输入结束时退出。", negative="")
    ] = False,
    output: Output = Output(),
) -> int:
    """Serve drones until stopped."""
    refuse_any(bad_count(count) + bad_ports(count, udp, tcp) + bad_height(amsl) + _bad_radio(link_loss, link_delay))
    middle, address, quality = place_of(at), address_of(gcs), Quality(loss=link_loss, delay_s=link_delay)

    async def serve(clock: Clock) -> None:
        chance = fresh_seed() if seed is None else seed
        site = Site(middle, amsl)
        fleet = Fleet(count, site, personality=autopilot, seed=chance, utc_s=clock.utc_s, warm=not cold)
        doors = Doors(quality, random.Random(f"{chance}/links"))
        endpoints = await doors.open(fleet.drones, Ports(udp, tcp, address))

        async def announce() -> None:
            if output.json:
                tell_machine(endpoints, address)
                return
            facts = {"count": count, "personality": autopilot, "at": at, "speed": speed, "spacing": SPACING_M}
            console = console_for_people()
            console.print(READY.text(output.lang, facts))
            print_endpoints(endpoints, address, output.lang, console)

        try:
            await attended(until_told_to_end(with_parent), announce(), fleet.run())
        finally:
            doors.close()

    run(serve, scaled_tempo(speed))
    view_of(output.lang, output.json).say(words.STOPPED_ONLY)
    return Exit.DONE


def refuse_any(problems: list[Reason]) -> None:
    """Raise `BadOption` with all problems when there are any."""
    if problems:
        raise BadOption(problems)


def bad_count(count: int, first: int = 0) -> list[Reason]:
    """What is wrong with a number of drones, numbered from `first` on."""
    if count >= 1 and first >= 0 and first + count <= MOST_DRONES:
        return []
    return [Reason(BAD_COUNT, "--count", {"value": first + count, "most": MOST_DRONES})]


def bad_ports(count: int, udp: int, tcp: int) -> list[Reason]:
    """What is wrong with the first drone's ports, when `count` drones need theirs after it."""
    problems = []
    for option, first, stride in (("--udp", udp, 1), ("--tcp", tcp, TCP_STRIDE)):
        last = first + stride * (count - 1) if first else 0
        if not 0 <= min(first, last) <= max(first, last) <= MOST_PORT:
            problems.append(Reason(BAD_PORT, option, {"count": count, "first": first, "last": last}))
    return problems


def bad_height(amsl_m: float) -> list[Reason]:
    """What is wrong with a height of the ground; city files have the same bounds."""
    if LEAST_AMSL_M <= amsl_m <= MOST_AMSL_M:
        return []
    return [Reason(BAD_AMSL, "--amsl", {"value": amsl_m, "least": LEAST_AMSL_M, "most": MOST_AMSL_M})]


def _bad_radio(loss: float, delay_s: float) -> list[Reason]:
    problems = [] if 0.0 <= loss <= 1.0 else [Reason(BAD_LOSS, "--link-loss", {"value": loss})]
    if not (math.isfinite(delay_s) and delay_s >= 0.0):
        problems.append(Reason(BAD_DELAY, "--link-delay", {"value": delay_s}))
    return problems


def place_of(text: str) -> LatLon:
    """The place that LAT,LON names; raises `BadOption` for anything else."""
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise BadOption([Reason(BAD_PLACE, "--at", {"value": text})]) from None
    if not (abs(lat) <= MOST_LAT_DEG and abs(lon) <= 180.0):
        raise BadOption([Reason(BAD_PLACE, "--at", {"value": text})])
    return LatLon(lat, lon)


def address_of(text: str) -> tuple[str, int] | None:
    """The address that HOST:PORT names, None for none; raises `BadOption` for anything else."""
    if text == "none":
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= MOST_PORT:
        raise BadOption([Reason(BAD_ADDRESS, "--gcs", {"value": text})])
    return host, int(port)


def tell_machine(endpoints: list[Endpoint], gcs: tuple[str, int] | None) -> None:
    """One line of JSON with the addresses."""
    rows = [{"id": each.system_id, "udp": each.udp, "tcp": each.tcp} for each in endpoints]
    sys.stdout.write(json.dumps({"drones": rows, "gcs": f"{gcs[0]}:{gcs[1]}" if gcs else None}) + "\n")
    sys.stdout.flush()


def console_for_people() -> Console:
    """Standard output; a pipe or a file is as wide as a table needs."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def print_endpoints(endpoints: list[Endpoint], gcs: tuple[str, int] | None, lang: Lang, console: Console) -> None:
    """A table of the addresses and a line to copy for each client."""
    table = Table(box=None, padding=(0, 2))
    for head in HEADS:
        table.add_column(head.text(lang))
    for each in endpoints:
        tcp = f"tcp:{LOOPBACK}:{each.tcp}" if each.tcp else "-"
        udp = f"udpout:{LOOPBACK}:{each.udp}" if each.udp else "-"
        table.add_row(f"drone-{each.system_id}", str(each.system_id), tcp, udp)
    console.print(table)
    if gcs is not None:
        console.print(QGC.text(lang, {"gcs": f"{gcs[0]}:{gcs[1]}"}))
    first = endpoints[0]
    if first.tcp:
        at = f"{LOOPBACK}:{first.tcp}"
        console.print(CONNECT.text(lang, {"id": first.system_id}))
        console.print(f"  mavproxy.py --master tcp:{at}", markup=False)
        console.print(f'  dronekit.connect("tcp:{at}", wait_ready=True)', markup=False)
        console.print(f'  await mavsdk.add_any_connection("tcpout://{at}")', markup=False)
        console.print(f'  mavutil.mavlink_connection("tcp:{at}")', markup=False)
    console.print(HOW_TO_END.text(lang))
    sys.stdout.flush()
