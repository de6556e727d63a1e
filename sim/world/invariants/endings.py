"""How flights end: in a known state with a reason, on the ground, with charge left."""

from __future__ import annotations

from collections.abc import Iterator

from airspace.reasons import Words
from controller.events import FlightEnded, Record
from controller.state import FlightState
from sim.world.invariants.invariant import Broken, Invariant
from sim.world.scene import Scene

FLOOR = 0.2  # of the charge; plans keep 0.3 for wind and waiting
SUDDEN_S = 30.0  # a battery that fails so shortly before take-off was still whole when the gates were asked
LASTING = ("motor", "temperature")
CALM_DISK_S = 0.05  # no store is much slower than this
IN_THE_WAY = frozenset(
    {
        "airspace.intent", "airspace.zone", "drone.held", "dock.held", "pole.refused", "plan.dock-none",
        "plan.contingency", "plan.line-closed", "plan.closed-place", "plan.no-way", "plan.open-ground",
    }
)  # fmt: skip


class EveryFlightEnds(Invariant):
    """At the end of the day every flight is closed, with a reason unless it was completed, and every drone is down."""

    code = "every-flight-ends"
    words = Words("every flight ends in a known state, with a reason", "每次飞行都以已知状态结束并说明原因")

    def heard(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """Each last word."""
        event = record.event
        if isinstance(event, FlightEnded) and not event.completed and not event.reasons:
            yield Broken(event.flight, "ended without a reason", scene.state.flights[event.flight].drone)

    def searched(self, scene: Scene, flight: FlightState, since_s: float) -> Iterator[Broken]:
        """A flight whose drone stood there all the while, with nothing between it and the controller."""
        simulated = scene.world.city.drones[flight.drone]
        down = simulated.truth.landed and not simulated.truth.armed
        if down and not scene.cut_since(flight.drone, since_s):
            yield Broken(flight.id, "closed by a person, though its drone was down and could be heard", flight.drone)

    def ended(self, scene: Scene) -> Iterator[Broken]:
        """What is left open or in the air."""
        for flight in scene.open_flights:
            yield Broken(flight.id, f"is still {flight.phase}", flight.drone)
        for sight in scene.sights:
            yield Broken(sight.drone, f"is {'armed' if sight.landed else 'in the air'} in {sight.mode}", sight.drone)


class ChargeAtLanding(Invariant):
    """A drone lands with charge left.

    Excused: a flight on which its battery failed, one after a motor has failed or the cold has come, and one in more
    wind than it was to be planned for.
    """

    code = "charge-at-landing"
    words = Words("a drone lands with charge left", "无人机降落时须有余电")

    def __init__(self) -> None:
        self._since_s: dict[str, float] = {}
        self._blown: set[str] = set()

    def took_off(self, scene: Scene, drone: str) -> Iterator[Broken]:
        """Remember when a flight began."""
        self._since_s[drone] = scene.day_s
        self._blown.discard(drone)
        yield from ()

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Remember who flies in more wind than was to be planned for."""
        for sight in scene.sights:
            if not sight.landed and sight.drone not in self._blown:
                expected_mps = scene.expected_mps(sight.drone)
                if expected_mps is not None and scene.wind_now_mps > expected_mps:
                    self._blown.add(sight.drone)
        yield from ()

    def touched_down(self, scene: Scene, drone: str) -> Iterator[Broken]:
        """The true charge on the ground."""
        since_s = self._since_s.get(drone, 0.0) - SUDDEN_S
        failed = scene.suffered("battery", drone, since_s) or any(scene.suffered(name, drone) for name in LASTING)
        hurt = failed or drone in self._blown
        battery = scene.world.city.drones[drone].truth.battery
        if battery < FLOOR and not hurt:
            yield Broken(drone, f"landed with {battery:.0%}", drone)


class MissionsAreFlown(Invariant):
    """On a day without bad luck every mission is completed, or something is in its way: airspace, a dock, its drone.

    Somebody is the first, so not all of them can be.
    """

    code = "missions-are-flown"
    words = Words("on a day without bad luck missions are completed", "无意外之日任务须完成")

    def __init__(self) -> None:
        self._outcomes: list[str] = []

    def answered(self, scene: Scene, mission: str, outcome: str, codes: tuple[str, ...]) -> Iterator[Broken]:
        """Each mission's outcome."""
        if bad_luck(scene):
            return
        self._outcomes.append(outcome)
        in_the_way = outcome == "refused" and bool(codes) and IN_THE_WAY.issuperset(codes)
        if outcome != "completed" and not in_the_way:
            yield Broken(mission, f"{outcome}: {', '.join(codes) or 'without a reason'}")

    def ended(self, scene: Scene) -> Iterator[Broken]:
        """Whether anything was flown."""
        if self._outcomes and "completed" not in self._outcomes:
            yield Broken("all missions", f"none of {len(self._outcomes)} was flown")


def bad_luck(scene: Scene) -> bool:
    """Whether anything goes wrong on a day: zones and other flights are no bad luck."""
    day = scene.day
    lossy = day.link.loss > 0.0 or day.link.jitter_s > 0.0 or day.link.doubled > 0.0
    return bool(day.faults or day.deaths) or lossy or day.disk_s > CALM_DISK_S
