"""Figures of the simulated truth over a scenario: what the world did that no log of the controller tells."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, fields

from sim.links import Passage
from sim.world.assembly import World

LOOK_EVERY_S = 0.5


@dataclass(slots=True)
class Figures:
    """What was counted; a figure is infinite where there was nothing to measure.

    Frames are those of all links in both directions: `slowest_frame_s` is the longest that one was on its way. The
    voltage is the lowest of any drone's pack, `nearest_aircraft_m` the least distance of an aircraft to a drone in the
    air, and `pole_reboots` how often a pole's computer started beyond its first time.
    """

    frames_lost: int = 0
    frames_doubled: int = 0
    frames_overtaken: int = 0
    slowest_frame_s: float = 0.0
    lowest_voltage_v: float = math.inf
    nearest_aircraft_m: float = math.inf
    pole_reboots: int = 0


FIGURES = tuple(one.name for one in fields(Figures))


@dataclass(slots=True)
class Measuring:
    """Looks at a world twice a second and keeps the extremes."""

    world: World
    figures: Figures = field(default_factory=Figures)
    _boots: dict[str, list[str]] = field(default_factory=dict)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Look once."""
        city, figures = self.world.city, self.figures
        present = city.traffic.present(asyncio.get_running_loop().time())
        for drone in city.drones.values():
            body, battery = drone.autopilot.body, drone.autopilot.battery
            figures.lowest_voltage_v = min(figures.lowest_voltage_v, battery.voltage_v)
            if drone.truth.landed:
                continue
            for sighting in present:
                away_m = math.dist(sighting.place, (body.e, body.n, body.u))
                figures.nearest_aircraft_m = min(figures.nearest_aircraft_m, away_m)
        for code, pole in city.poles.items():
            boots = self._boots.setdefault(code, [])
            if pole.agent.boot not in boots:
                boots.append(pole.agent.boot)

    def counted(self) -> Figures:
        """The figures up to now."""
        ways: list[Passage] = self.world.ways()
        self.figures.frames_lost = sum(way.lost for way in ways)
        self.figures.frames_doubled = sum(way.doubled for way in ways)
        self.figures.frames_overtaken = sum(way.overtaken for way in ways)
        self.figures.slowest_frame_s = max((way.slowest_s for way in ways), default=0.0)
        self.figures.pole_reboots = sum(len(boots) - 1 for boots in self._boots.values())
        return self.figures
