"""What the invariants look at: the truth of the simulated city, and the fold of everything that became durable."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import shapely
from shapely.geometry import Polygon

from airspace.frames import LatLon, LocalFrame
from airspace.margins import GUST_SHARE, TWO_SIGMA
from controller.config import LoadedSite
from controller.events import AnyEvent, PoleReported, PoleSeen, Record
from controller.state import FlightState, State
from sim.drone import SimDrone
from sim.timeline import Happening
from sim.world.assembly import World
from sim.world.day import Day, DayZone

AFTERMATH_S = 120.0  # so long after a fault its traces still excuse a drone
LASTING_S = 1e9
WINDS_KEPT = 600  # looks


@dataclass(frozen=True, slots=True)
class Sight:
    """A drone as it really is: metres east and north in the site's frame, ellipsoidal and above the level ground."""

    drone: str
    x_m: float
    y_m: float
    ellipsoidal_m: float
    agl_m: float
    up_mps: float
    armed: bool
    landed: bool
    mode: str
    battery: float

    def far_m(self, other: Sight) -> float:
        """The distance to another drone [m]."""
        return math.dist((self.x_m, self.y_m, self.agl_m), (other.x_m, other.y_m, other.agl_m))


@dataclass(frozen=True, slots=True)
class Block:
    """A zone of the day in the site's frame, laid here anew so that nothing of the controller's is believed."""

    id: str
    outline: Polygon
    floor_ellipsoidal_m: float
    ceiling_ellipsoidal_m: float
    from_s: float  # UTC
    until_s: float

    @classmethod
    def of(cls, zone: DayZone, frame: LocalFrame, ground_ellipsoidal_m: float, start_s: float) -> Block:
        """The zone of a day that starts at UTC second `start_s`."""
        outline = Polygon([frame.xy(LatLon(lat_deg, lon_deg)) for lat_deg, lon_deg in zone.ring])
        shapely.prepare(outline)
        return cls(
            zone.id,
            outline,
            ground_ellipsoidal_m + zone.floor_agl_m,
            ground_ellipsoidal_m + zone.ceiling_agl_m,
            start_s + (-LASTING_S if zone.from_s is None else zone.from_s),
            start_s + (LASTING_S if zone.until_s is None else zone.until_s),
        )

    def holds(self, sight: Sight, utc_s: float) -> bool:
        """Whether a drone is inside while it is active."""
        return (
            self.from_s <= utc_s < self.until_s
            and self.floor_ellipsoidal_m <= sight.ellipsoidal_m <= self.ceiling_ellipsoidal_m
            and bool(shapely.contains_xy(self.outline, sight.x_m, sight.y_m))
        )


@dataclass(slots=True)
class Scene:
    """The world at one look. `sights` are the drones that are armed or off the ground; `state` outlives controllers."""

    world: World
    day: Day
    start_utc_s: float
    blocks: tuple[Block, ...]
    state: State = field(default_factory=State)
    sights: tuple[Sight, ...] = ()
    controlled: bool = False
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=400))  # what was recorded, in words
    _means: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=WINDS_KEPT))
    _winds: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=WINDS_KEPT))

    @classmethod
    def of(cls, world: World, day: Day) -> Scene:
        """The scene of a day that begins now."""
        start_s, site = world.clock.utc_s(), world.site
        ground_m = site.ground.amsl_m + site.ground.geoid_m
        blocks = tuple(Block.of(zone, site.frame, ground_m, start_s) for zone in day.zones)
        return cls(world, day, start_s, blocks)

    @property
    def site(self) -> LoadedSite:
        """The site as the controller has it."""
        return self.world.site

    @property
    def utc_s(self) -> float:
        """Now [s UTC]."""
        return self.world.clock.utc_s()

    @property
    def day_s(self) -> float:
        """Seconds since the day began."""
        return self.utc_s - self.start_utc_s

    def look(self) -> None:
        """Take in where the drones are now, and the wind."""
        self._feel_the_wind()
        self.sights = tuple(
            self.sight(name, drone)
            for name, drone in self.world.city.drones.items()
            if drone.autopilot.armed or drone.autopilot.flying or drone.autopilot.falling
        )

    def sight(self, name: str, drone: SimDrone) -> Sight:
        """One drone as it is now."""
        truth, body = drone.truth, drone.autopilot.body
        ground = self.site.ground
        return Sight(
            name,
            body.e,
            body.n,
            ground.amsl_m + ground.geoid_m + body.u,
            body.u,
            body.vu,
            truth.armed,
            truth.landed,
            truth.mode.name,
            truth.battery,
        )

    def flight_of(self, drone: str) -> FlightState | None:
        """The open flight of a drone, the newest one."""
        return next((flight for flight in reversed(self.open_flights) if flight.drone == drone), None)

    @property
    def open_flights(self) -> list[FlightState]:
        """The flights without a last word, oldest first; counted here, and not by the controller's own rule."""
        return [flight for flight in self.state.flights.values() if not flight.ended]

    def take_in(self, record: Record) -> None:
        """Fold what became durable."""
        self.state.apply(record)
        if not isinstance(record.event, PoleReported | PoleSeen):
            self.recent.append(f"{record.utc_s - self.start_utc_s:8.2f} s  {in_short(record.event)}")

    def excuses(self, drone: str) -> tuple[str, ...]:
        """The faults, now or a little while ago, for which a drone cannot be blamed to be where it is."""
        found = []
        for began, ended_s in _spans(self.world.timeline.happened):
            fault = began.fault
            mine = fault.target in ("", drone)
            if fault.name in EXCUSING and mine and self.day_s <= ended_s + AFTERMATH_S:
                found.append(fault.name)
        return tuple(found)

    def windiest_mps(self, within_s: float) -> float:
        """The strongest true mean wind [m/s] of the last seconds, or what mean its gusts would be usual for."""
        since_s = self.utc_s - within_s
        return max((mps for at_s, mps in self._winds if at_s >= since_s), default=0.0)

    def calmest_mps(self, within_s: float) -> float:
        """The weakest true mean wind [m/s] at 10 m of the last seconds; 0 while the day is younger than that."""
        since_s = self.utc_s - within_s
        if since_s < self.start_utc_s:
            return 0.0
        return min((mps for at_s, mps in self._means if at_s >= since_s), default=0.0)

    def _feel_the_wind(self) -> None:
        east_mps, north_mps, gust_mps = self.world.city.wind.mean_at(asyncio.get_running_loop().time())
        mean_mps = math.hypot(east_mps, north_mps)
        self._means.append((self.utc_s, mean_mps))
        self._winds.append((self.utc_s, max(mean_mps, (mean_mps + TWO_SIGMA * gust_mps) / (1.0 + GUST_SHARE))))


# Faults that a drone's own place may be blamed on: it does not know where it is, or it does not fly as it should.
EXCUSING = frozenset({"fix", "jam", "spoof", "motor"})


def _spans(happened: Sequence[Happening]) -> Iterator[tuple[Happening, float]]:
    """Each fault that began, with the second of the day at which it ended; far away while it lasts."""
    for number, one in enumerate(happened):
        if one.began:
            ends = (other.at_s for other in happened[number + 1 :] if not other.began and other.fault == one.fault)
            yield one, next(ends, LASTING_S)


def in_short(event: AnyEvent) -> str:
    """An event on one line, its long parts left out."""
    shown = []
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if isinstance(value, str | int | float | bool) and value != "" and name not in ("zh", "text"):
            shown.append(f"{name}={value}")
        elif name == "reasons" and value:
            shown.append("because " + "; ".join(str(reason.get("en", "")) for reason in value))
    return f"{event.__struct_config__.tag}: {', '.join(shown)}"
