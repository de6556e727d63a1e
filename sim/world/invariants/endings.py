"""How flights end: in a known state with a reason, on the ground, with charge left."""

from __future__ import annotations

from collections.abc import Iterator

from airspace.reasons import Words
from controller.events import FlightEnded, Record
from sim.world.invariants.invariant import Broken, Invariant
from sim.world.scene import Scene

FLOOR = 0.2  # of the charge; plans keep 0.3 for wind and waiting
WORKING = ("wind", "gust", "battery", "motor")  # faults that cost more charge than was planned


class EveryFlightEnds(Invariant):
    """At the end of the day every flight is closed, with a reason unless it was completed, and every drone is down."""

    code = "every-flight-ends"
    words = Words("every flight ends in a known state, with a reason", "每次飞行都以已知状态结束并说明原因")

    def heard(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """Each last word."""
        event = record.event
        if isinstance(event, FlightEnded) and not event.completed and not event.reasons:
            yield Broken(event.flight, "ended without a reason", scene.state.flights[event.flight].drone)

    def ended(self, scene: Scene) -> Iterator[Broken]:
        """What is left open or in the air."""
        for flight in scene.open_flights:
            yield Broken(flight.id, f"is still {flight.phase}", flight.drone)
        for sight in scene.sights:
            yield Broken(sight.drone, f"is {'armed' if sight.landed else 'in the air'} in {sight.mode}", sight.drone)


class ChargeAtLanding(Invariant):
    """A drone lands with charge left. Excused: a day with a fault of its battery or motors, or of the wind."""

    code = "charge-at-landing"
    words = Words("a drone lands with charge left", "无人机降落时须有余电")

    def touched_down(self, scene: Scene, drone: str) -> Iterator[Broken]:
        """The true charge on the ground."""
        hurt = any(
            one.fault.name in WORKING and one.fault.target in ("", drone) for one in scene.world.timeline.happened
        )
        battery = scene.world.city.drones[drone].truth.battery
        if battery < FLOOR and not hurt:
            yield Broken(drone, f"landed with {battery:.0%}", drone)
