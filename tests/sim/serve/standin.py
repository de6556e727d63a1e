"""A stand-in for ArduPilot's simulator: its command line and its TCP ports with a simulated drone behind them.

The environment variable STANDIN makes it misbehave: `crash` ends it a while after its start, `late` opens the ports
only after two seconds, `mute` never says a word, `stubborn` does not heed SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from controller.clock import Clock, run, scaled_tempo
from sim.drone import SimDrone
from sim.links import Link, serve_tcp
from sim.wind import Wind

MANNER = os.environ.get("STANDIN", "")
CRASH_S, LATE_S = 1.0, 2.0


def settings(path: Path) -> dict[str, float]:
    """A parameter file as ArduPilot reads it; raises ValueError for a line that is none."""
    pairs = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
    return {name: float(value) for name, value in pairs}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", "-M", choices=["+", "x", "quad"], required=True)
    parser.add_argument("--speedup", "-s", type=float, default=1.0)
    parser.add_argument("--instance", "-I", type=int, default=0)
    parser.add_argument("--sysid", type=int, default=1)
    parser.add_argument("--home", "-O", required=True)
    parser.add_argument("--defaults", required=True)
    return parser.parse_args()


async def main(clock: Clock) -> None:
    asked = arguments()
    lat, lon, amsl, heading = (float(part) for part in asked.home.split(","))
    rng = random.Random(asked.sysid)
    drone = SimDrone(
        lat_deg=lat,
        lon_deg=lon,
        datum_amsl_m=amsl,
        heading_deg=heading,
        system_id=asked.sysid,
        rng=rng,
        wind=Wind(rng=rng),
        utc_s=clock.utc_s,
        warm=True,
    )
    say("Waiting for connection ....")
    began = asyncio.Event()

    def first(link: Link) -> None:
        if MANNER != "mute":
            drone.attach(link)
        began.set()

    def second(link: Link) -> None:
        if MANNER != "mute":
            drone.attach(link)

    if MANNER == "late":
        await asyncio.sleep(LATE_S)
    if MANNER == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    base = 5760 + 10 * asked.instance
    async with await serve_tcp("127.0.0.1", base, first), await serve_tcp("127.0.0.1", base + 2, second):
        if MANNER == "crash":
            asyncio.get_running_loop().call_later(CRASH_S, crash)
        await began.wait()
        say("Smoothing reset at 0.001")
        await drone.run()


def crash() -> None:
    say("ERROR: Floating point exception - aborting")
    os._exit(134)


if __name__ == "__main__":
    options = arguments()
    assert settings(Path(options.defaults))["FRAME_CLASS"] == 1.0, "a vehicle without a frame does not fly"
    say(f"Starting sketch 'ArduCopter' as {os.getpid()}")
    try:
        run(main, scaled_tempo(options.speedup))
    except KeyboardInterrupt:
        sys.exit(0)
