"""A world under watch: every controller, link and frame of it is looked at by the invariants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from airspace.charted import ChartedZone
from airspace.zones import lay
from controller.clock import Clock
from controller.district import District
from controller.flight.mission_source import Mission
from controller.links.transport import Transport
from sim.timeline import Act
from sim.world.assembly import World, WorldSetup
from sim.world.days.day import Day
from sim.world.scene import Scene
from sim.world.truth import DroneTruth
from sim.world.watch import Watch


class WatchedLine:
    """A controller's end of a link whose frames the watch sees."""

    def __init__(self, line: Transport, sent: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        self._line = line
        self._sent = sent
        self._closed = closed

    def send(self, data: bytes) -> None:
        """Send a frame."""
        self._sent(data)
        self._line.send(data)

    async def receive(self) -> bytes:
        """The next bytes."""
        return await self._line.receive()

    def close(self) -> None:
        """Close the line."""
        self._closed()
        self._line.close()


class WatchedWorld(World):
    """A world with a watch, which knows of a day what cannot be seen: how long it is and what its links are like.

    To be made in a running loop; what callbacks of the loop raise is a breach from then on.
    """

    def __init__(
        self,
        given: WorldSetup,
        clock: Clock,
        day: Day,
        mission: Mission | None = None,
        acts: Mapping[str, Act] | None = None,
    ) -> None:
        super().__init__(given, clock, mission, acts)
        self.watch = Watch(Scene.of(self, day))
        self._open_links: dict[str, int] = {}
        asyncio.get_running_loop().set_exception_handler(self.watch.unhandled)

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[District]:
        """A controller; what it finds in its store is compared with all that was durable before, then it is heard."""
        try:
            async with super().controller() as district:
                self.watch.started(district)
                yield district
        finally:
            self.watch.stopped()

    async def connect(self, address: str) -> Transport:
        """A fresh link, watched."""
        drone = address.removeprefix("memory:")
        line = await super().connect(address)
        self._open_links[drone] = self._open_links.get(drone, 0) + 1
        self.watch.connected(drone, self._open_links[drone])

        def closed() -> None:
            self._open_links[drone] -= 1

        return WatchedLine(line, lambda frame: self.watch.sent(drone, frame), closed)

    def published(self, zones: Iterable[ChartedZone]) -> None:
        """Look at zones that have just been published, too."""
        for charted in zones:
            self.watch.scene.lay(lay(charted, self.site.frame, self.site.ground), self.clock.utc_s())

    def truth(self) -> dict[str, DroneTruth]:
        """How every drone really is now."""
        return {name: DroneTruth(drone.truth.landed, drone.truth.armed) for name, drone in self.city.drones.items()}
