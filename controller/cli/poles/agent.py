"""`beichen poles agent`: be a pole, on a Linux pole."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from controller.cli.console import view_of
from controller.cli.options import Output
from controller.cli.poles import words
from controller.cli.sim.parent import until_told_to_end
from controller.clock import Clock, fresh_seed, run
from controller.tasks import attended
from poles.agent.linux import run_pole
from poles.agent.pole_file import LoadedPole, load_pole


def agent(
    file: Annotated[
        Path, Parameter(help="The pole's file; examples/pole/pole.toml explains each field. 灯杆配置文件。")
    ],
    /,
    *,
    token: Annotated[
        str, Parameter(help="The one-time token, for the first start; - reads it from standard input. 一次性令牌。")
    ] = "",
    output: Output = Output(),
) -> int:
    """Run the agent until Ctrl-C or SIGTERM. Raises Refused."""
    pole = load_pole(file)
    given = sys.stdin.readline().strip() if token == "-" else token
    if given and not pole.keys.exists():  # the answer may take half a minute
        view_of(output.lang, output.json).say(words.ASKS_DESK, address=pole.desk.address, code=pole.file.code)
    return run(lambda clock: _run(clock, pole, given))


async def _run(clock: Clock, pole: LoadedPole, token: str) -> int:
    # a boot's name must never come twice: the seed is wider than one run's
    rng = random.Random("-".join(str(fresh_seed()) for _ in range(4)))
    stop = asyncio.Event()
    await attended(run_pole(pole, token=token, utc_s=clock.utc_s, rng=rng, stop=stop), _tell_when_told(stop))
    return 0


async def _tell_when_told(stop: asyncio.Event) -> None:
    await until_told_to_end(with_parent=False)
    stop.set()
