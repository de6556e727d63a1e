"""Test stands for other people's tests: a drone, a pole, a city or a whole system, each from a seed and in its tempo.

A stand is made without a running loop; its `run(main)` makes the loop, the thing and everything around it, gives the
thing to `main` and returns what `main` returns. In virtual time (no `speed`) the same seed gives the same run.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from airspace.frames import LatLon
from controller.clock import Clock, run, scaled_tempo, virtual_tempo
from controller.district import District
from controller.flight.mission_source import load_mission
from controller.run import RunResult
from controller.tasks import attended
from poles.gateway import Gateway
from poles.gateway.flow import Said
from poles.protocol import Reading, Report
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.city import City
from sim.city_file import CityFile, load_city
from sim.drone import SimDrone
from sim.fault_acts import acts_in
from sim.fault_text import parse_fault
from sim.generated_city import city_of
from sim.links import MemoryLink, memory_link
from sim.pole import PoleSite, SimPole
from sim.timeline import Timeline
from sim.wind import Wind
from sim.world.assembly import World, WorldSetup, controlled
from sim.world.scenarios.judging import Judged, judge
from sim.world.scenarios.scenario import load_scenario
from sim.world.scenarios.virtual import play_virtually

T = TypeVar("T")

PLACE = LatLon(34.7500, 113.6200)
AMSL_M = 108.0
POLE = "410105-LP-000001"
DRONES, POLES = 2, 12  # of a city that nobody described
LATENCY_S = 0.02


class Stand:
    """What all stands have: a seed, and a tempo: virtual, or `speed` times as fast as the wall clock, for sockets."""

    def __init__(self, seed: int = 1, speed: float | None = None) -> None:
        self.seed = seed
        self.speed = speed

    def rng(self, name: str) -> random.Random:
        """Chance for one part of the test, from the stand's seed."""
        return random.Random(f"{self.seed}/{name}")

    def _run(self, main: Callable[[Clock], Any]) -> Any:
        return run(main, virtual_tempo() if self.speed is None else scaled_tempo(self.speed))


class DroneStand(Stand):
    """One simulated drone on level ground, in a light wind."""

    def link(self, drone: SimDrone) -> MemoryLink:
        """A fresh MAVLink link to the drone: `send(bytes)`, `await receive()`. To be called while it runs."""
        here, there = memory_link(latency_s=LATENCY_S, rng=self.rng("link"))
        drone.attach(there)
        return here

    def run(self, main: Callable[[SimDrone], Awaitable[T]], *, wind_mps: float = 2.0, from_deg: float = 70.0) -> T:
        """Run `main` beside a drone that has just been switched on."""

        async def beside(clock: Clock) -> T:
            wind = Wind(rng=self.rng("wind"), gust_mps=0.1 * wind_mps)
            wind.set_mean(wind_mps, from_deg)
            drone = SimDrone(
                lat_deg=PLACE.lat_deg,
                lon_deg=PLACE.lon_deg,
                datum_amsl_m=AMSL_M,
                rng=self.rng("drone"),
                wind=wind,
                utc_s=clock.utc_s,
            )
            return await attended(_awaited(main(drone)), drone.run())

        return self._run(beside)  # type: ignore[no-any-return]


class PoleStand(Stand):
    """One simulated pole with all services, connected to a gateway that keeps what it measures in `readings`."""

    def __init__(self, seed: int = 1, speed: float | None = None) -> None:
        super().__init__(seed, speed)
        self.readings: list[Reading] = []

    def run(self, main: Callable[[SimPole, Gateway], Awaitable[T]]) -> T:
        """Run `main` beside the pole and the gateway that it reports to."""

        async def beside(clock: Clock) -> T:
            exchange = Exchange()
            site = PoleSite(POLE, PLACE, services=("weather", "lamp", "dock", "base_station"))
            wind = Wind(rng=self.rng("wind"), east_mps=2.0, gust_mps=0.2)
            connection = MemoryConnection(exchange)
            pole = SimPole(site, wind=wind, connection=connection, utc_s=clock.utc_s, rng=self.rng("pole"))
            gateway = Gateway.memory(exchange, keep=self._keep, utc_s=clock.utc_s, rng=self.rng("gateway"), stored={})
            try:
                async with gateway:
                    return await attended(_awaited(main(pole, gateway)), pole.run())
            finally:
                exchange.stop()

        return self._run(beside)  # type: ignore[no-any-return]

    async def _keep(self, batch: Sequence[Said]) -> None:
        for said in batch:
            if isinstance(said.message, Report):
                self.readings += said.message.readings


class CityStand(Stand):
    """A city from a file, or a generated one, without a controller."""

    def __init__(
        self,
        seed: int = 1,
        speed: float | None = None,
        city: Path | None = None,
        drones: int = DRONES,
        poles: int = POLES,
    ) -> None:
        super().__init__(seed, speed)
        self.file: CityFile = load_city(city) if city is not None else city_of(seed, drones, poles).file
        self.folder = city.parent if city is not None else Path()

    def run(self, main: Callable[[City], Awaitable[T]], *, faults: Iterable[str] = ()) -> T:
        """Run `main` beside the city; raises `Refused` for faults that it does not have."""

        async def beside(clock: Clock) -> T:
            exchange = Exchange()
            city = City(
                self.file,
                utc_s=clock.utc_s,
                seed=self.seed,
                folder=self.folder,
                connections={pole.code: MemoryConnection(exchange) for pole in self.file.poles},
            )
            timeline = Timeline(city, acts_in(city))
            for text in faults:
                timeline.inject(parse_fault(text, "faults"))
            try:
                return await attended(_awaited(main(city)), city.run())
            finally:
                exchange.stop()

        return self._run(beside)  # type: ignore[no-any-return]


class WorldStand(CityStand):
    """The whole system: a city and the real controller; what it keeps goes to `runs`."""

    def __init__(self, runs: Path, **given: Any) -> None:
        super().__init__(**given)
        self.runs = runs

    def fly(self, mission: Path, *, faults: Iterable[str] = (), drone: str = "") -> RunResult:
        """Fly a request or a mission file from start to report."""

        async def main(world: World, district: District) -> RunResult:
            return await world.fly(district, load_mission(mission), drone)

        return self.control(main, faults=faults)

    def control(self, main: Callable[[World, District], Awaitable[T]], *, faults: Iterable[str] = ()) -> T:
        """Run `main` beside the city with a controller of its own."""

        async def beside(clock: Clock) -> T:
            given = WorldSetup(
                self.file, self.folder, self.runs, self.seed, tuple(parse_fault(text, "faults") for text in faults)
            )
            world = World(given, clock)

            return await controlled(world, partial(main, world))

        return self._run(beside)  # type: ignore[no-any-return]

    def play(self, scenario: Path) -> Judged:
        """Play a scenario file with the stand's seed, in virtual time."""
        loaded = load_scenario(scenario, seed=self.seed)
        return judge(loaded, play_virtually(loaded, self.runs))


async def _awaited(work: Awaitable[T]) -> T:
    return await asyncio.ensure_future(work)
