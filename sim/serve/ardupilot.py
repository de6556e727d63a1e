"""Several real ArduPilots, started and supervised together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from airspace.reasons import Refused
from sim.serve.fleet import Site, rows
from sim.serve.sitl_drone import SitlDrone
from sim.serve.sitl_process import Start


@dataclass(frozen=True, slots=True)
class Squadron:
    """How a number of instances are started: in rows around a site, each in a folder of its own."""

    binary: Path
    folder: Path
    count: int
    site: Site
    speed: float = 1.0
    first: int = 0  # SITL's number of the first instance
    defaults: Path | None = None
    patience_s: float = 60.0

    def starts(self) -> list[Start]:
        """One start for each instance."""
        return [
            Start(
                binary=self.binary,
                folder=self.folder / f"ardupilot-{number}",
                number=number,
                home=place,
                amsl_m=self.site.amsl_m,
                speed=self.speed,
                defaults=self.defaults,
            )
            for number, place in enumerate(rows(self.site.middle, self.count), self.first)
        ]


class ArduPilots:
    """The instances of a squadron; `run` lives until cancelled and ends them all, whatever happens.

    One instance that fails ends all of them: `run` raises the `Refused` that says why.
    """

    def __init__(self, squadron: Squadron) -> None:
        self.starts: Sequence[Start] = squadron.starts()
        self.drones = [SitlDrone(start, patience_s=squadron.patience_s) for start in self.starts]

    async def ready(self) -> None:
        """Return when every instance was heard and has told its version."""
        for drone in self.drones:
            await drone.ready.wait()

    async def run(self) -> None:
        """Run every instance."""
        try:
            async with asyncio.TaskGroup() as group:
                for drone in self.drones:
                    group.create_task(drone.run(), name=f"ArduPilot {drone.system_id}")
        except* Refused as refusals:
            raise Refused([reason for error in _refusals(refusals) for reason in error.reasons]) from None


def _refusals(group: BaseExceptionGroup[Refused]) -> list[Refused]:
    found: list[Refused] = []
    for error in group.exceptions:
        found += _refusals(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
