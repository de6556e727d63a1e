"""A drone on UDP at a multiple of real time, for tests that need another process: `python -m ... PORT SPEED`."""

from __future__ import annotations

import asyncio
import random
import sys

from controller.clock import Clock, run, scaled_tempo
from sim.drone import SimDrone
from sim.links import UdpLink
from sim.wind import Wind
from tests.sim.station import HOME_AMSL_M, HOME_LAT_DEG, HOME_LON_DEG


async def main(clock: Clock) -> None:
    """Send to the port until killed."""
    rng = random.Random(1)
    drone = SimDrone(
        lat_deg=HOME_LAT_DEG,
        lon_deg=HOME_LON_DEG,
        amsl_m=HOME_AMSL_M,
        rng=rng,
        wind=Wind(rng=rng),
        utc_s=clock.utc_s,
        warm=True,
    )
    drone.attach(await UdpLink.to("127.0.0.1", int(sys.argv[1])))
    await drone.run()


if __name__ == "__main__":
    try:
        run(main, scaled_tempo(float(sys.argv[2])))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(0)
