"""A whole system in one process for tests: controller, drones and poles, over memory instead of sockets.

In virtual time the same seed gives the same run to the byte. The controller's code is the one that flies real drones:
only the transports and the gateway's listener differ.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

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
from controller.events import AnyEvent, Record
from controller.flight.mission_source import Mission, load_mission, wished_docks
from controller.links.transport import Transport
from controller.pole_picture import Poles
from controller.pole_watch import gateway_needs
from controller.run import RunResult, begin, conduct_rest, conduct_run, fly_mission, run_of
from controller.site_airspace import site_register
from controller.state import FlightState
from controller.tasks import attended
from poles.gateway import Gateway
from poles.gateway.flow import Said
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.city import City
from sim.city_file import CityFile, load_city
from sim.fault_acts import acts_in
from sim.fault_text import parse_fault
from sim.faults import Fault
from sim.links import MemoryLink, Passage, Quality, memory_link
from sim.timeline import Act, Timeline

T = TypeVar("T")
Outcome = tuple[str, tuple[dict[str, Any], ...]]  # and the reasons

DEFAULT_GATES = Gates()
UNWINDING_S = 0.05
RADIO = Quality(delay_s=0.02)


@dataclass(frozen=True, slots=True)
class WorldSetup:
    """What a world is made of; `extra_zones` is a GeoJSON FeatureCollection laid over the city's airspace."""

    city: CityFile
    folder: Path  # of the city file: its airspace lies there
    runs: Path
    seed: int = 1
    faults: tuple[Fault, ...] = ()
    extra_zones: dict[str, Any] | None = None
    link: Quality = RADIO
    gates: Gates = DEFAULT_GATES
    shared: bool = False  # whether the controller tells a register of its flights, and hears of others there


def setup(
    city: Path, runs: Path, *, seed: int = 1, inject: Iterable[str] = (), extra_zones: dict[str, Any] | None = None
) -> WorldSetup:
    """A world from a city file and faults as words; raises `Refused` for wrong ones."""
    faults = tuple(parse_fault(text) for text in inject)
    return WorldSetup(load_city(city), city.parent, runs, seed, faults, extra_zones)


class Line:
    """A controller's end of a link; dead when the controller is, so that its last cleaning up is not heard."""

    def __init__(self, end: MemoryLink) -> None:
        self._end = end
        self.dead = False

    @property
    def ways(self) -> tuple[Passage, Passage]:
        """What the link carries over, out and in."""
        return self._end.ways

    def send(self, data: bytes) -> None:
        """Send a frame, if there is anybody to send it."""
        if not self.dead:
            self._end.send(data)

    async def receive(self) -> bytes:
        """The next bytes; raises `EOFError` when the link is closed."""
        return await self._end.receive()

    def close(self) -> None:
        """Close the link."""
        self._end.close()


class World:
    """A running city and the means to start a controller in it, stop it and start another."""

    def __init__(
        self,
        given: WorldSetup,
        clock: Clock,
        mission: Mission | None = None,
        acts: Mapping[str, Act] | None = None,
    ) -> None:
        """`mission` is what `fly` flies when it is given none; dock faults without a place happen to its first dock.

        `acts` are the faults that whoever runs the controller makes happen, by name.
        """
        self.given = given
        self.clock = clock
        self.mission = mission
        self.exchange = Exchange()
        self.site = site_of(given)
        self.city = City(
            given.city,
            utc_s=clock.utc_s,
            seed=given.seed,
            folder=given.folder,
            connections={pole.code: MemoryConnection(self.exchange) for pole in given.city.poles},
        )
        self.timeline = Timeline(
            self.city,
            {**acts_in(self.city), **(acts or {})},
            wished_dock=next(iter(wished_docks(mission)), "") if mission is not None else "",
        )
        self.gateway: Gateway | None = None  # of the controller that runs now
        self._lines: list[Line] = []
        self._links = 0
        self._starts = 0
        for fault in given.faults:
            self.timeline.inject(fault)

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
        radio = self.given.link
        here, there = memory_link(
            latency_s=radio.delay_s, jitter_s=radio.jitter_s, loss=radio.loss, doubled=radio.doubled, rng=rng
        )
        self.city.attach(address.removeprefix("memory:"), there)
        self._lines.append(Line(here))
        return self._lines[-1]

    def ways(self) -> list[Passage]:
        """Both directions of every radio link that there has been."""
        return [way for line in self._lines for way in line.ways]

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
        gateway = Gateway.memory(
            self.exchange,
            **gateway_needs(district, self.clock, random.Random(f"{self.given.seed}/gateway {self._starts}")),
        )
        async with gateway:
            district.poles, self.gateway = Poles(gateway, self.clock), gateway
            try:
                yield
            finally:
                self.gateway = None

    async def kill(self, district: District, work: asyncio.Task[Any]) -> None:
        """End a controller's work as SIGKILL would: nothing that it still wants to record, send or order happens."""

        async def never(*events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
            raise asyncio.CancelledError

        async def kept_never(batch: Sequence[Said]) -> None:
            raise asyncio.CancelledError

        setattr(district.store, "append", never)  # noqa: B010 - a method, replaced on purpose
        setattr(district.store, "keep", kept_never)  # noqa: B010 - the same
        if self.gateway is not None:
            setattr(self.gateway, "_send", lambda route, message: False)  # noqa: B010 - the same
        for line in self._lines:
            line.dead = True
        while not work.done():
            work.cancel()
            await asyncio.wait([work], timeout=UNWINDING_S)  # whatever it waits for in its cleaning up

    def configured(self, id_: str = "") -> DroneConfig:
        """A drone as the controller's site file has it, the first when none is named. Raises KeyError."""
        drones = {drone.id: drone for drone in self.site.file.drones}
        return drones[id_ or next(iter(drones))]

    async def fly(self, district: District, mission: Mission | None = None, drone: str = "") -> RunResult:
        """Fly a mission, the world's own when none is given, with a drone, the first when none is named.

        As many at a time as one likes.
        """
        wish = mission or self.mission
        if wish is None:
            raise ValueError("this world has no mission of its own")
        return await fly_mission(district, wish, self.configured(drone), self.given.runs, seed=self.given.seed)

    async def fly_unreported(self, district: District, mission: Mission, drone: str) -> Outcome:
        """Fly a mission as `fly` does, without writing the run's folder: its outcome, with the reasons."""
        run = await begin(district, mission.name, self.given.runs, seed=self.given.seed)
        return await conduct_run(district, run, mission, self.configured(drone))

    async def finish_unreported(self, district: District, flight: FlightState) -> Outcome:
        """Finish a flight that an earlier controller left open, without writing the run's folder."""
        return await conduct_rest(district, run_of(flight, self.given.runs), flight, self.configured(flight.drone))


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """The world with its city running; everything simulated ends with the context."""
    try:
        yield world
    finally:
        world.exchange.stop()


async def controlled(world: World, main: Callable[[District], Awaitable[T]]) -> T:
    """What `main` returns, with a controller in the running city, which ends with it."""

    async def beside() -> T:
        async with world.controller() as district:
            return await main(district)

    async with running(world):
        return await attended(beside(), world.city.run())


async def fly_once(given: WorldSetup, mission_file: Path, clock: Clock) -> RunResult:
    """One mission in one world from start to report."""
    world = World(given, clock, load_mission(mission_file))
    return await controlled(world, world.fly)


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
    return loaded(msgspec.structs.replace(file, **rest), given.folder / "site.toml")


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
