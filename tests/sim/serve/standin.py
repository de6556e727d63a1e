"""A stand-in for ArduPilot's simulator: its command line and its TCP ports with a simulated drone behind them.

Of ArduPilot's simulator it has the parameters of the wind, which can be set on its second port.

The environment variable STANDIN makes it misbehave: `crash` ends it a while after its start, `late` opens the ports
only after two seconds, `mute` never says a word, `stubborn` does not heed SIGTERM, `dying` ends it in flight,
`cold` boots as long as a real one before it can be armed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, scaled_tempo
from sim.drone import SimDrone
from sim.links import Link, serve_tcp
from sim.wind import Wind

MANNER = os.environ.get("STANDIN", "")
CRASH_S, LATE_S = 1.0, 2.0
FLOWN_S = 8.0


class SimulatorsLink:
    """A link on which the wind can be set: PARAM_SET of SIM_WIND_*, answered with PARAM_VALUE as ArduPilot does."""

    def __init__(self, link: Link, wind: Wind, system_id: int) -> None:
        self._link = link
        self._wind = wind
        self._values: dict[str, float] = {}
        self._parser = mavlink.MAVLink(None)
        self._parser.robust_parsing = True
        self._sender = mavlink.MAVLink(None, system_id, 1)
        self.send, self.close = link.send, link.close

    async def receive(self) -> bytes:
        data = await self._link.receive()
        for message in self._parser.parse_buffer(bytearray(data)) or ():
            if isinstance(message, mavlink.MAVLink_param_set_message) and message.param_id.startswith("SIM_WIND_"):
                self._set(message.param_id, message.param_value)
        return data

    def _set(self, name: str, value: float) -> None:
        values = self._values
        values[name] = value
        speed, from_deg = values.get("SIM_WIND_SPD", 0.0), values.get("SIM_WIND_DIR", 180.0)
        self._wind.set_mean(speed, from_deg, gust_mps=values.get("SIM_WIND_TURB", 0.0))
        say(f"{name} {value:g}")
        kind = mavlink.MAV_PARAM_TYPE_REAL32
        answer = mavlink.MAVLink_param_value_message(name.encode(), value, kind, 1, 65535)
        self.send(bytes(answer.pack(self._sender)))


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
    wind = Wind(rng=rng)
    drone = SimDrone(
        lat_deg=lat,
        lon_deg=lon,
        datum_amsl_m=amsl,
        heading_deg=heading,
        system_id=asked.sysid,
        rng=rng,
        wind=wind,
        utc_s=clock.utc_s,
        warm=MANNER != "cold",
    )
    say("Waiting for connection ....")
    began = asyncio.Event()

    def first(link: Link) -> None:
        if MANNER != "mute":
            drone.attach(link)
        began.set()

    def second(link: Link) -> None:
        if MANNER != "mute":
            drone.attach(SimulatorsLink(link, wind, asked.sysid))

    if MANNER == "dying":
        drone.on_takeoff.append(crash_soon)

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


def crash_soon(lat_deg: float, lon_deg: float) -> None:
    asyncio.get_running_loop().call_later(FLOWN_S, crash)


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
