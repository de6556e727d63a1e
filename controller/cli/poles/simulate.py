"""`beichen poles simulate`: poles with the real agent over simulated hardware, to try a gateway or to load it."""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import tomli_w
import zmq.asyncio
from cyclopts import Parameter, validators

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Reason, Refused, Rule, Words
from controller.cli.console import TextView, view_of
from controller.cli.options import BadOption, Exit, Output
from controller.cli.poles import words
from controller.cli.poles.asking import line
from controller.cli.sim.parent import until_told_to_end
from controller.cli.sim.site import write_site
from controller.clock import Clock, fresh_seed, run
from controller.config import GatewayConfig, GroundLevel, LoadedSite, Origin, PoleConfig, SiteFile, load_site
from controller.tasks import attended
from poles.keys import KeyPair, load_key_pair, new_key_pair, save_key_pair
from poles.keys.pairs import check_private, pair_of, write_private
from poles.wire.connection import POLES_A_CONTEXT, CurveConnection
from poles.wire.files import allow_files
from sim.pole import PoleSite, SimPole
from sim.wind import Wind

NOT_KEYS = Rule(
    "simulate.keys",
    Words("it does not hold the keys of simulated poles", "其中没有模拟灯杆的密钥"),
    Words("Name a new folder with --into.", "请用 --into 指定新目录。"),
)
NO_SUCH_SHARE = Rule(
    "simulate.share",
    Words("there is no share {share} of {shares}", "共 {shares} 份，没有第 {share} 份"),
    Words("Shares count from 0: `--share 0 2` and `--share 1 2`.", "份数从 0 起计：`--share 0 2` 与 `--share 1 2`。"),
)
KEYS = "keys/simulated.toml"
ORIGIN = LatLon(34.7500, 113.6200)
APART_M = 40.0  # street lamps
IN_A_ROW = 100
ON_ONE_MAINS = 50
DOCK_EVERY, GAS_EVERY = 10, 7
FILES_EACH = 4  # two sockets of ZeroMQ's own, the connection, and one to spare
STARTED_PER_S = 200.0
WIND_MPS, WIND_FROM_DEG, GUST_MPS = 4.0, 240.0, 0.8


def simulate(
    *,
    into: Annotated[
        Path, Parameter(help="Folder of the site file and the keys; what is there is used again. 站点与密钥的目录。")
    ],
    count: Annotated[
        int,
        Parameter(help="Poles of a new folder. 新建目录的灯杆数。", validator=validators.Number(gte=1, lte=100_000)),
    ] = 20,
    listen: Annotated[
        str, Parameter(help="Where the gateway of a new folder listens. 新建目录的网关地址。")
    ] = "tcp://127.0.0.1:7600",
    report_every: Annotated[
        float,
        Parameter(
            help="Seconds between two reports; slow sensors at multiples of it. 报告间隔；慢速传感器按其倍数上报。",
            validator=validators.Number(gte=0.1, lte=3600),
        ),
    ] = 5.0,
    processes: Annotated[
        int, Parameter(help="Processes that share the poles. 进程数。", validator=validators.Number(gte=1, lte=64))
    ] = 1,
    with_parent: Annotated[
        bool, Parameter(help="End when standard input ends. 标准输入结束时退出。", negative="")
    ] = False,
    share: Annotated[
        tuple[int, int],
        Parameter(
            help="Run one share of so many only: 0 2, and 1 2 elsewhere. 仅运行其中一份。",
            validator=validators.Number(gte=0, lte=100_000),
        ),
    ] = (0, 1),
    output: Output = Output(),
) -> int:
    """Run simulated poles until Ctrl-C or SIGTERM. Raises Refused."""
    if not (into / "site.toml").exists():
        make_street(into, count, listen)
    if share[0] >= share[1]:
        raise BadOption([Reason(NO_SUCH_SHARE, "--share", {"share": share[0], "shares": share[1]})])
    place = load_site(into / "site.toml")
    keys = load_keys(into / KEYS)
    part, parts = share[0] * processes, share[1] * processes
    mine = place.file.poles[part::parts]
    own = [pole for pole in mine if pole.code in keys]
    allow_files(len(own), at_each=FILES_EACH)
    address = listen if place.file.gateway is None else dialled(place.file.gateway)
    if output.json:
        line(json.dumps({"site": str(into / "site.toml"), "poles": len(place.file.poles), "address": address}))
    elif isinstance(view := view_of(output.lang, output.json), TextView) and share == (0, 1):
        view.say(words.SIMULATED, count=len(place.file.poles), site=into / "site.toml", address=address)
    shares = [["--share", str(part + n), str(parts)] for n in range(1, processes)]
    with helpers([["--into", str(into), *each, "--report-every", str(report_every)] for each in shares]):
        run(lambda clock: _live(clock, place, own, keys, address, report_every, with_parent))
    return Exit.DONE


def dialled(gateway: GatewayConfig) -> str:
    """Where poles of this machine reach a gateway: what they are told, else what it listens on."""
    return gateway.address or re.sub(r"^tcp://(\*|0\.0\.0\.0):", "tcp://127.0.0.1:", gateway.listen)


@contextmanager
def helpers(shares: list[list[str]]) -> Iterator[None]:
    """More processes that each run a share of the poles, and end with this one."""
    command = [sys.executable, "-m", "controller.cli", "poles", "simulate", "--with-parent", "--json"]
    running = [
        subprocess.Popen([*command, *share], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
        for share in shares
    ]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
            assert process.stdin is not None
            process.stdin.close()


def make_street(into: Path, count: int, listen: str) -> None:
    """A site of so many poles along streets, a gateway for them, and keys for all. Raises Refused."""
    frame = LocalFrame(ORIGIN)
    pairs = {f"410105-LP-{number:06d}": new_key_pair() for number in range(1, count + 1)}
    poles = []
    for n, (code, pair) in enumerate(pairs.items()):
        place = frame.latlon(n % IN_A_ROW * APART_M, n // IN_A_ROW * APART_M)
        poles.append(
            PoleConfig(
                code=code,
                public_key=pair.public.decode(),
                lat_deg=place.lat_deg,
                lon_deg=place.lon_deg,
                services=tuple(_services(n)),
                mains=f"mains-{n // ON_ONE_MAINS + 1}",
            )
        )
    site = SiteFile(
        name=into.name,
        origin=Origin(lat_deg=ORIGIN.lat_deg, lon_deg=ORIGIN.lon_deg),
        ground=GroundLevel(amsl_m=108.0, geoid_m=-19.4),
        airspace=(),
        airspace_is_empty=True,
        gateway=GatewayConfig(listen=listen),
        poles=tuple(poles),
    )
    into.mkdir(parents=True, exist_ok=True)
    save_key_pair(into / GatewayConfig().key, new_key_pair())
    rows = {code: {"public": pair.public.decode(), "secret": pair.secret.decode()} for code, pair in pairs.items()}
    write_private(into / KEYS, tomli_w.dumps(rows))
    write_site(into / "site.toml", site)


def _services(number: int) -> Iterator[str]:
    yield from ("weather", "lamp")
    if number % DOCK_EVERY == 0:
        yield "dock"
    if number % GAS_EVERY == 0:
        yield "gas"


def load_keys(path: Path) -> dict[str, KeyPair]:
    """The keys of the simulated poles, by city code. Raises Refused."""
    check_private(path)
    try:
        rows = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), dict[str, dict[str, str]])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError):
        # the decoder's own words may quote a part of a key
        raise Refused([Reason(NOT_KEYS, str(path))]) from None
    return {code: pair_of(path, row.get("public"), row.get("secret")) for code, row in rows.items()}


async def _live(
    clock: Clock,
    place: LoadedSite,
    own: list[PoleConfig],
    keys: dict[str, KeyPair],
    address: str,
    report_every_s: float,
    with_parent: bool,
) -> None:
    server = load_key_pair(place.path(GatewayConfig().key)).public
    contexts = [zmq.asyncio.Context() for _ in range(0, len(own), POLES_A_CONTEXT)]
    # a boot's name must never come twice: the seed is wider than one run's
    rng = random.Random("-".join(str(fresh_seed()) for _ in range(4)))
    wind = Wind(rng=random.Random(1), gust_mps=GUST_MPS)
    wind.set_mean(WIND_MPS, WIND_FROM_DEG)

    async def run_poles() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number, pole in enumerate(own):
                site = PoleSite(
                    pole.code,
                    LatLon(pole.lat_deg, pole.lon_deg),
                    place.frame.xy(LatLon(pole.lat_deg, pole.lon_deg)),
                    services=pole.services,
                )
                simulated = SimPole(
                    site,
                    wind=wind,
                    connection=CurveConnection(contexts[number // POLES_A_CONTEXT], address, keys[pole.code], server),
                    utc_s=clock.utc_s,
                    rng=random.Random(rng.getrandbits(128)),
                    report_every_s=report_every_s,
                )
                tasks.create_task(simulated.run(), name=pole.code)
                await asyncio.sleep(1.0 / STARTED_PER_S)

    try:
        await attended(until_told_to_end(with_parent), run_poles())
    finally:
        for context in contexts:
            context.destroy(linger=0)
