"""The watch over a day: every invariant at every occasion, and what is written down when one is broken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from hashlib import sha256

from controller.district import District
from controller.events import PoleReported, PoleSeen, Record, encode
from sim.world.invariants import INVARIANTS, Breach, Broken, Invariant
from sim.world.scene import Scene

LOOK_EVERY_S = 0.5
EVENTS_SHOWN = 20
MOST_BREACHES = 25


class Watch:
    """One day's invariants and their breaches, each (invariant, subject) once; `digest` is of all durable events."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.breaches: list[Breach] = []
        self.digest = sha256()
        self._invariants = [kind() for kind in INVARIANTS]
        self._told: set[tuple[str, str]] = set()
        scene.world.city.on_takeoff.append(self._took_off)
        scene.world.city.on_touchdown.append(self._touched_down)

    async def run(self) -> None:
        """Look twice a second until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Look once at everything."""
        self.scene.look()
        self._ask(lambda invariant: invariant.look(self.scene))

    def started(self, district: District) -> None:
        """A controller has opened its store: compare it with all that was durable before, and listen to it."""
        self._ask(lambda invariant: invariant.restarted(self.scene, district.store.read()))
        district.store.listen(self._heard)

    def connected(self, drone: str, links: int) -> None:
        """A controller opened a link to a drone."""
        self._ask(lambda invariant: invariant.connected(self.scene, drone, links))

    def sent(self, drone: str, frame: bytes) -> None:
        """A controller sent a frame to a drone."""
        self._ask(lambda invariant: invariant.sent(self.scene, drone, frame))

    def ended(self) -> None:
        """The day is over."""
        self.look()
        self._ask(lambda invariant: invariant.ended(self.scene))

    def crashed(self, what: str, detail: str) -> None:
        """A part of the program raised what nobody took."""
        self._write_down("no-crash", Broken(what, detail))

    def _took_off(self, drone: str) -> None:
        self._ask(lambda invariant: invariant.took_off(self.scene, drone))

    def _touched_down(self, drone: str) -> None:
        self._ask(lambda invariant: invariant.touched_down(self.scene, drone))

    def _heard(self, record: Record) -> None:
        self.digest.update(encode(record))
        self.scene.take_in(record)
        if not isinstance(record.event, PoleReported | PoleSeen):
            self._ask(lambda invariant: invariant.heard(self.scene, record))

    def _ask(self, ask: Callable[[Invariant], Iterator[Broken]]) -> None:
        for invariant in self._invariants:
            for broken in ask(invariant):
                self._write_down(invariant.code, broken)

    def _write_down(self, code: str, broken: Broken) -> None:
        if (code, broken.subject) in self._told or len(self.breaches) >= MOST_BREACHES:
            return
        self._told.add((code, broken.subject))
        self.breaches.append(
            Breach(
                invariant=code,
                subject=broken.subject,
                at_s=round(self.scene.day_s, 2),
                detail=broken.detail,
                place=self._place(broken.drone),
                before=tuple(self.scene.recent)[-EVENTS_SHOWN:],
            )
        )

    def _place(self, drone: str) -> str:
        simulated = self.scene.world.city.drones.get(drone)
        if simulated is None:
            return ""
        sight = self.scene.sight(drone, simulated)
        return f"{self.scene.site.frame.latlon(sight.x_m, sight.y_m)} at {sight.agl_m:.1f} m above ground"
