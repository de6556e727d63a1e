"""A whole system in one process for tests: controller, drones and poles, over memory instead of sockets.

In virtual time the same seed gives the same run to the byte. The controller's code is the one that flies real drones:
only the transports and the gateway's listener differ.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import zmq.asyncio

from airspace.zones import Zone, load_charts, parse_zones
from controller.clock import Clock
from controller.config import (
    DroneConfig,
    Gates,
    GroundLevel,
    LoadedSite,
    OpenGroundConfig,
    Origin,
    PoleConfig,
    SiteFile,
    loaded,
)
from controller.district import District, open_district
from controller.flight.mission_source import Mission, load_mission, wished_docks
from controller.links.transport import Transport
from controller.pole_picture import Poles, recorder
from controller.run import RunResult, fly_mission, resume_run
from controller.site_airspace import site_register
from controller.tasks import attended
from poles.connection import InprocConnection
from poles.gateway import Gateway
from sim.city import City
from sim.city_file import CityFile, load_city
from sim.faults import Fault, parse_fault
from sim.links import memory_link

GATEWAY = "poles"
DEFAULT_GATES = Gates()


@dataclass(frozen=True, slots=True)
class WorldSetup:
    """What a world is made of; `extra_zones` is a GeoJSON FeatureCollection laid over the city's airspace."""

    city: CityFile
    folder: Path  # of the city file: its airspace lies there
    runs: Path
    seed: int = 1
    faults: tuple[Fault, ...] = ()
    extra_zones: dict[str, Any] | None = None
    link_loss: float = 0.0
    gates: Gates = DEFAULT_GATES
    shared: bool = False  # whether the controller tells a register of its flights, and hears of others there


def setup(
    city: Path, runs: Path, *, seed: int = 1, inject: Iterable[str] = (), extra_zones: dict[str, Any] | None = None
) -> WorldSetup:
    """A world from a city file and faults as words; raises `Refused` for wrong ones."""
    faults = tuple(parse_fault(text) for text in inject)
    return WorldSetup(load_city(city), city.parent, runs, seed, faults, extra_zones)


class World:
    """A running city and the means to start a controller in it, stop it and start another."""

    def __init__(self, given: WorldSetup, clock: Clock, mission: Mission) -> None:
        self.given = given
        self.clock = clock
        self.mission = mission
        self.context = zmq.asyncio.Context()
        self.site = site_of(given)
        docks = wished_docks(mission)
        self.city = City(
            given.city,
            utc_s=clock.utc_s,
            seed=given.seed,
            connections={pole.code: InprocConnection(self.context, GATEWAY) for pole in given.city.poles},
            wished_dock=docks[0] if docks else "",
        )
        self._links = 0
        self._starts = 0
        for fault in given.faults:
            self.city.inject(fault)

    def zones(self) -> tuple[Zone, ...]:
        """The city's airspace with the extra zones."""
        site = self.site
        charts = [self.given.folder / name for name in self.given.city.airspace]
        zones = list(load_charts(charts, site.frame, site.ground))
        if self.given.extra_zones is not None:
            zones += parse_zones(self.given.extra_zones, "extra zones", site.frame, site.ground)
        return tuple(zones)

    async def connect(self, address: str) -> Transport:
        """A fresh memory link to the drone that the address names."""
        self._links += 1
        rng = random.Random(f"{self.given.seed}/link {self._links}")
        here, there = memory_link(latency_s=0.02, loss=self.given.link_loss, rng=rng)
        self.city.attach(address.removeprefix("memory:"), there)
        return here

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[District]:
        """A controller with its store and gateway, as long as the context lasts; then start another if you like."""
        self._starts += 1  # command ids must not repeat after a restart, or poles take new orders for old ones
        with ExitStack() as stack:
            register = stack.enter_context(site_register(self.site, self.clock.utc_s)) if self.given.shared else None
            async with (
                open_district(
                    self.site,
                    self.clock,
                    zones=self.zones(),
                    connect=self.connect,
                    durable="process",
                    register=register,
                ) as district,
                self._gateway(district),
            ):
                yield district

    @asynccontextmanager
    async def _gateway(self, district: District) -> AsyncIterator[None]:
        """The city's poles, connected to a district."""
        gateway = Gateway.inproc(
            self.context,
            GATEWAY,
            on_report=recorder(district.record),
            utc_s=self.clock.utc_s,
            rng=random.Random(f"{self.given.seed}/gateway {self._starts}"),
            stored=district.state.poles_stored(),
        )
        async with gateway:
            district.poles = Poles(gateway, self.clock)
            yield

    async def fly(self, district: District) -> RunResult:
        """Fly the world's mission with its first drone."""
        return await fly_mission(
            district, self.mission, self.site.file.drones[0], self.given.runs, seed=self.given.seed
        )

    async def pick_up(self, district: District) -> list[RunResult]:
        """Finish every flight that an earlier controller left open."""
        drones = {drone.id: drone for drone in self.site.file.drones}
        return [
            await resume_run(district, flight, drones[flight.drone], self.given.runs)
            for flight in district.state.unfinished()
        ]


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """The world with its city running; everything simulated ends with the context."""
    try:
        yield world
    finally:
        world.context.destroy(linger=0)


async def fly_once(given: WorldSetup, mission_file: Path, clock: Clock) -> RunResult:
    """One mission in one world from start to report."""
    world = World(given, clock, load_mission(mission_file))
    async with running(world):

        async def controlled() -> RunResult:
            async with world.controller() as district:
                return await world.fly(district)

        return await attended(controlled(), world.city.run())


def site_of(given: WorldSetup) -> LoadedSite:
    """The controller's view of the city in memory."""
    file = site_file(
        given.city,
        addresses={drone.id: f"memory:{drone.id}" for drone in given.city.drones},
        public_keys={},
        airspace=given.city.airspace,
    )
    rest: dict[str, Any] = {"store": str(given.runs / "beichen.db"), "register": str(given.runs / "airspace.db")}
    rest |= {"runs": str(given.runs), "gates": given.gates}
    return loaded(msgspec.structs.replace(file, **rest), given.folder)


def site_file(
    city: CityFile, *, addresses: Mapping[str, str], public_keys: Mapping[str, str], airspace: Sequence[str]
) -> SiteFile:
    """The site file that an operator would write for a city: drone id -> address, city code -> public key (z85)."""
    return SiteFile(
        name=city.name,
        origin=Origin(lat_deg=city.origin.lat_deg, lon_deg=city.origin.lon_deg),
        ground=GroundLevel(amsl_m=city.ground.amsl_m, geoid_m=city.ground.geoid_m),
        airspace=tuple(airspace),
        airspace_is_empty=not airspace,
        drones=tuple(
            DroneConfig(
                id=drone.id,
                address=addresses[drone.id],
                home=Origin(lat_deg=drone.lat_deg, lon_deg=drone.lon_deg),
            )
            for drone in city.drones
        ),
        poles=tuple(
            PoleConfig(
                code=pole.code,
                public_key=public_keys.get(pole.code, ""),
                lat_deg=pole.lat_deg,
                lon_deg=pole.lon_deg,
                services=pole.services,
            )
            for pole in city.poles
        ),
        open_ground=tuple(
            OpenGroundConfig(name=place.name, lat_deg=place.lat_deg, lon_deg=place.lon_deg)
            for place in city.open_ground
        ),
    )
