"""What docks feel of drones: who stands on them, and who is in the path of their covers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping

from sim.drone import SimDrone
from sim.drone.battery import Battery
from sim.flown import Flown
from sim.pole import SimPole
from sim.radio.coverage import Place

ON_PAD_M = 1.5
CURTAIN_M = 3.0  # so far above a pad a drone is in the cover's path
CURTAIN_EVERY_S = (0.1, 1.0)  # looked at, the nearer the ground the oftener
FASTEST_DOWN_MPS = 5.0


class Pads:
    """The docks of a city's poles; who stands on one at the beginning is felt at once.

    `place_of` gives where a drone really is [m in the city's frame]; `batteries` are those that docks can charge, of
    the others in `flown`, real autopilots, they learn nothing.
    """

    def __init__(
        self,
        poles: Mapping[str, SimPole],
        flown: Mapping[str, Flown],
        batteries: Mapping[str, Battery],
        place_of: Callable[[str], Place],
    ) -> None:
        self.docks = {code: pole for code, pole in poles.items() if pole.site.has_dock}
        self._highest_foot_m = max((pole.site.foot_m for pole in self.docks.values()), default=0.0)
        self._flown = flown
        self._batteries = batteries
        self._place_of = place_of
        self._in_curtain: list[str] = []  # docks over whose pads a drone is low
        for drone in flown:
            self._touch(drone, self._landing(drone))

    def occupied(self, dock: str) -> bool:
        """Whether a drone really stands on a dock."""
        return any(drone.truth.landed and self._on_pad(name, self.docks[dock]) for name, drone in self._flown.items())

    def left(self, drone: str) -> None:
        """A drone took off."""
        self._touch(drone, SimPole.drone_left)
        self._look_at_curtains()

    def reached(self, drone: str) -> None:
        """A drone touched down."""
        self._look_at_curtains()
        self._touch(drone, self._landing(drone))

    async def watch_curtains(self) -> None:
        """Docks feel a drone in the path of their cover on its way down or up, until cancelled."""
        soonest_s, latest_s = CURTAIN_EVERY_S
        while True:
            low_m = self._look_at_curtains()
            await asyncio.sleep(min(max((low_m - CURTAIN_M) / FASTEST_DOWN_MPS, soonest_s), latest_s))

    def _look_at_curtains(self) -> float:
        """Tell docks of drones low over their pads; the least height of a flying drone above any dock's foot [m]."""
        low_m, inside = math.inf, []
        for name, flown in self._flown.items():
            if not is_flying(flown):
                continue
            height_m = self._place_of(name)[2] - self._highest_foot_m
            low_m = min(low_m, height_m)
            if height_m < CURTAIN_M:
                inside += [code for code, pole in self.docks.items() if self._in_path(name, pole)]
        for code in self._in_curtain:
            if code not in inside:
                self.docks[code].path_left()
        for code in inside:
            if code not in self._in_curtain:
                self.docks[code].drone_overhead()
        self._in_curtain = inside
        return low_m

    def _landing(self, drone: str) -> Callable[[SimPole], None]:
        """What a dock feels of a drone that lands on it."""
        battery = self._batteries.get(drone)
        return lambda pole: pole.drone_landed(battery=battery)

    def _touch(self, drone: str, act: Callable[[SimPole], None]) -> None:
        """Tell the dock under a drone, if there is one."""
        for pole in self.docks.values():
            if self._on_pad(drone, pole):
                act(pole)

    def _on_pad(self, drone: str, pole: SimPole) -> bool:
        e, n, _ = self._place_of(drone)
        return math.dist((e, n), pole.site.xy_m) <= ON_PAD_M

    def _in_path(self, drone: str, pole: SimPole) -> bool:
        return self._place_of(drone)[2] - pole.site.foot_m < CURTAIN_M and self._on_pad(drone, pole)


def is_flying(flown: Flown) -> bool:
    """Whether a drone is in the air, or about to be: as its autopilot believes where that can be asked."""
    return flown.autopilot.flying if isinstance(flown, SimDrone) else not flown.truth.landed
