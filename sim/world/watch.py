"""The watch over a day: every invariant at every occasion, and what is written down when one is broken."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from controller.district import District
from controller.events import OfPoles, Record, encode
from controller.state import FlightState
from sim.world.invariants import INVARIANTS, Breach, Broken, Invariant
from sim.world.scene import Scene

LOOK_EVERY_S = 0.5
EVENTS_SHOWN = 20
OCCASIONS = (
    "look", "heard", "reported", "took_off", "touched_down", "sent", "connected", "restarted", "answered", "searched",
    "ended",
)  # fmt: skip
MOST_BREACHES = 25


class Watch:
    """One day's invariants and their breaches, each (invariant, subject) once; `digest` is of all durable events."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.breaches: list[Breach] = []
        self.digest = sha256()
        self._invariants = invariants = [kind() for kind in INVARIANTS]
        # by occasion, those that do something then: most do nothing at most occasions
        self._asked = {
            occasion: [
                (one, getattr(one, occasion))
                for one in invariants
                if getattr(type(one), occasion) is not getattr(Invariant, occasion)
            ]
            for occasion in OCCASIONS
        }
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
        self._ask("look")

    def started(self, district: District) -> None:
        """A controller has opened its store: compare it with all that was durable before, and listen to it."""
        self.scene.control(True)
        self._ask("restarted", district.store.read())
        district.store.listen(self._heard)

    def stopped(self) -> None:
        """The controller is no more."""
        self.scene.control(False)

    def connected(self, drone: str, links: int) -> None:
        """A controller opened a link to a drone."""
        self._ask("connected", drone, links)

    def sent(self, drone: str, frame: bytes) -> None:
        """A controller sent a frame to a drone."""
        self._ask("sent", drone, frame)

    def answered(self, mission: str, outcome: str, reasons: Sequence[Mapping[str, Any]]) -> None:
        """A person has the outcome of a mission, and asks no more."""
        self._ask("answered", mission, outcome, tuple(str(reason["code"]) for reason in reasons))

    def searched(self, flight: FlightState, since_s: float) -> None:
        """A person closes a flight that no controller could close since this second of the day."""
        self._ask("searched", flight, since_s)

    @property
    def excused(self) -> dict[str, int]:
        """How often an invariant did not hold for a cause that is nobody's fault, by its code."""
        return {invariant.code: invariant.excused for invariant in self._invariants if invariant.excused}

    def ended(self) -> None:
        """The day is over."""
        self.look()
        self._ask("ended")

    def crashed(self, what: str, detail: str) -> None:
        """A part of the program raised what nobody took."""
        self._write_down("no-crash", Broken(what, detail))

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what a callback of the loop raised, or a task that nobody awaits: that is a crash, too."""
        error = context.get("exception")
        if error is None:
            loop.default_exception_handler(context)
        else:
            self.crashed(type(error).__name__, "".join(traceback.format_exception(error)[-4:]))

    def _took_off(self, drone: str) -> None:
        self._ask("took_off", drone)

    def _touched_down(self, drone: str) -> None:
        self._ask("touched_down", drone)

    def _heard(self, record: Record) -> None:
        self.digest.update(encode(record))
        self.scene.take_in(record)
        self._ask("reported" if isinstance(record.event, OfPoles) else "heard", record)

    def _ask(self, occasion: str, *facts: Any) -> None:
        for invariant, ask in self._asked[occasion]:
            for broken in ask(self.scene, *facts):
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
