"""Simulated drones in rows, for ground stations to connect to. They are told apart by system ids, 1 and up."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from airspace.frames import LatLon, LocalFrame
from sim.drone import SimDrone
from sim.flight.flock import Flock
from sim.wind import Wind

SPACING_M = 5.0
MOST_DRONES = 250  # system ids of one byte, without those of ground stations


@dataclass(frozen=True, slots=True)
class Site:
    """Where the drones stand: the middle of their rows, and the height of the level ground above the sea [m]."""

    middle: LatLon
    amsl_m: float


class Fleet:
    """Drones of one personality in rows, `SPACING_M` apart; the same seed gives the same drones."""

    def __init__(
        self,
        count: int,
        site: Site,
        *,
        personality: str,
        seed: int,
        utc_s: Callable[[], float],
        warm: bool = True,
    ) -> None:
        wind = Wind(rng=random.Random(f"{seed}/wind"))
        frame, flock = LocalFrame(site.middle), Flock()
        self.drones = [
            SimDrone(
                lat_deg=at.lat_deg,
                lon_deg=at.lon_deg,
                datum_amsl_m=site.amsl_m,
                frame=frame,
                flock=flock,
                system_id=place + 1,
                rng=random.Random(f"{seed}/drone {place + 1}"),
                wind=wind,
                utc_s=utc_s,
                warm=warm,
                personality=personality,
            )
            for place, at in enumerate(rows(site.middle, count))
        ]

    async def run(self) -> None:
        """Let every drone live until cancelled."""
        async with asyncio.TaskGroup() as group:
            for drone in self.drones:
                group.create_task(drone.run(), name=f"drone {drone.system_id}")


def rows(middle: LatLon, count: int) -> Sequence[LatLon]:
    """Places for `count` drones in a square around a middle, `SPACING_M` apart; one alone stands in the middle."""
    frame = LocalFrame(middle)
    width = math.ceil(math.sqrt(count))
    deep = math.ceil(count / width) if width else 0
    return [
        frame.latlon((place % width - (width - 1) / 2.0) * SPACING_M, (place // width - (deep - 1) / 2.0) * SPACING_M)
        for place in range(count)
    ]
