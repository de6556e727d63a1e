"""What the invariants look at: the truth of the simulated city, and the fold of everything that became durable."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon

from airspace.frames import LatLon, LocalFrame
from airspace.margins import GUST_SHARE, TWO_SIGMA
from airspace.zones import Zone
from controller.config import LoadedSite
from controller.events import AnyEvent, OfPoles, PlanMade, Record
from controller.state import FlightState, State
from sim.drone import SimDrone
from sim.pole import SimPole
from sim.timeline import Happening
from sim.world.assembly import World
from sim.world.days.day import Day, DayZone

LASTING_S = 1e9
PLAIN_FIX = 3  # GPS_FIX_TYPE
LOST_M = 3.0  # a receiver that is further off than this leads its drone astray
LOST_TRACE_S = 30.0  # so long it takes to come back to the way
CUT_TRACE_S = 30.0  # so long after a link is back the drone may still act on its loss
SETTLED_S = 200.0  # a wind that has blown for so long stands in every pole's mean
BLOWN_AFTER_S = 120.0
LOSSY = 0.2  # a link that loses so much is silent for seconds now and then
DAY_OVER_S = 3600.0  # what is still in the air after the day's minutes is down by then
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
    """A zone in the site's frame: a day's is laid here anew, so that nothing of the controller's is believed.

    A scenario's is laid from its chart as the controller lays it; whether a drone is in it is asked here alone.
    """

    id: str
    outline: Polygon | MultiPolygon
    floor_ellipsoidal_m: float
    ceiling_ellipsoidal_m: float
    from_s: float  # UTC
    until_s: float
    published_s: float = -LASTING_S  # UTC second from which on a controller could have known of it

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

    @classmethod
    def of_zone(cls, zone: Zone, start_s: float, end_s: float, published_s: float = -LASTING_S) -> tuple[Block, ...]:
        """A charted zone for each window [s UTC] in which it is active, as laid; none where it forbids nothing."""
        shape = zone.volume
        return tuple(
            cls(zone.id, shape.outline, shape.floor_ellipsoidal_m, shape.ceiling_ellipsoidal_m, *window, published_s)
            for window in (zone.windows(start_s, end_s) if zone.closed_to() else ())
        )

    def holds(self, sight: Sight, utc_s: float) -> bool:
        """Whether a drone is inside while it is active."""
        return (
            self.from_s <= utc_s < self.until_s
            and self.floor_ellipsoidal_m <= sight.ellipsoidal_m <= self.ceiling_ellipsoidal_m
            and bool(shapely.contains_xy(self.outline, sight.x_m, sight.y_m))
        )

    def crossed(self, before: Sight, before_s: float, sight: Sight, utc_s: float) -> bool:
        """Whether the straight way between two looks goes through while it is active."""
        west_m, south_m, east_m, north_m = self.outline.bounds
        if (
            max(before.x_m, sight.x_m) < west_m
            or min(before.x_m, sight.x_m) > east_m
            or max(before.y_m, sight.y_m) < south_m
            or min(before.y_m, sight.y_m) > north_m
        ):
            return False
        shares = _between(before_s, utc_s, self.from_s, self.until_s)
        heights = _between(
            before.ellipsoidal_m, sight.ellipsoidal_m, self.floor_ellipsoidal_m, self.ceiling_ellipsoidal_m
        )
        first, last = max(shares[0], heights[0]), min(shares[1], heights[1])
        if first >= last:
            return False
        x_m, y_m = sight.x_m - before.x_m, sight.y_m - before.y_m
        ends = [(before.x_m + share * x_m, before.y_m + share * y_m) for share in (first, last)]
        return bool(shapely.intersects(self.outline, LineString(ends)))


def _between(start: float, end: float, low: float, high: float) -> tuple[float, float]:
    """The shares of the way from start to end between which it is from low to high; never where first > last."""
    if start == end:
        return (0.0, 1.0) if low <= start <= high else (1.0, 0.0)
    shares = sorted(((low - start) / (end - start), (high - start) / (end - start)))
    return max(shares[0], 0.0), min(shares[1], 1.0)


@dataclass(slots=True)
class Scene:
    """The world at one look. `sights` are the drones that are armed or off the ground; `state` outlives controllers.

    `before` has the sights of the last look, which was at UTC second `before_s`; `controlled` says whether a controller
    runs, and `causes` what was wrong for a drone when it last left its mission.
    """

    world: World
    day: Day
    start_utc_s: float
    blocks: tuple[Block, ...]
    docks: tuple[SimPole, ...]  # the poles that carry one
    state: State = field(default_factory=State)
    sights: tuple[Sight, ...] = ()
    before: dict[str, Sight] = field(default_factory=dict)
    before_s: float = 0.0
    controlled: bool = False
    causes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=400))  # what was recorded, in words
    _means: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=WINDS_KEPT))
    _winds: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=WINDS_KEPT))
    _looked_s: float = 0.0
    _controlled_s: float = -LASTING_S  # since when a controller runs
    _lost_s: dict[str, float] = field(default_factory=dict)  # drone -> when its receiver was far off, last
    _settled_mps: dict[str, float] = field(default_factory=dict)  # flight -> the wind that its plan could know of

    @classmethod
    def of(cls, world: World, day: Day) -> Scene:
        """The scene of a day that begins now."""
        start_s, site = world.clock.utc_s(), world.site
        ground_m = site.ground.amsl_m + site.ground.geoid_m
        blocks = tuple(Block.of(zone, site.frame, ground_m, start_s) for zone in day.zones)
        docks = tuple(pole for pole in world.city.poles.values() if pole.site.has_dock)
        return cls(world, day, start_s, blocks, docks)

    def lay(self, zones: Iterable[Zone], published_s: float = -LASTING_S) -> None:
        """Look at these zones too, published at a UTC second, as far as they are active within the day's minutes."""
        end_s = self.start_utc_s + self.day.minutes * 60.0 + DAY_OVER_S
        for zone in zones:
            self.blocks += Block.of_zone(zone, self.start_utc_s, end_s, published_s)

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
        self.before, self.before_s = {sight.drone: sight for sight in self.sights}, self._looked_s
        self._looked_s = self.utc_s
        self.sights = tuple(
            self.sight(name, drone)
            for name, drone in self.world.city.drones.items()
            if drone.autopilot.armed or drone.autopilot.flying or drone.autopilot.falling
        )
        for sight in self.sights:
            receiver = self.world.city.drones[sight.drone].autopilot.receiver
            if receiver.fix_type < PLAIN_FIX or math.hypot(receiver.e, receiver.n) > LOST_M:
                self._lost_s[sight.drone] = self._looked_s
            before = self.before.get(sight.drone)
            if before is not None and before.mode == "AUTO" and sight.mode != "AUTO":
                self.causes[sight.drone] = self.troubles(sight.drone)
            elif sight.mode == "AUTO":
                self.causes.pop(sight.drone, None)

    def control(self, running: bool) -> None:
        """A controller has begun, or is no more."""
        self.controlled = running
        if running:
            self._controlled_s = self.utc_s

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
        if isinstance(record.event, PlanMade):
            since_s = self.utc_s - SETTLED_S
            winds = (mps for at_s, mps in self._winds if at_s >= since_s)
            self._settled_mps[record.event.flight] = min(winds, default=0.0)
        if not isinstance(record.event, OfPoles):
            self.recent.append(f"{record.utc_s - self.start_utc_s:8.2f} s  {in_short(record.event)}")

    def excuses(self, drone: str) -> tuple[str, ...]:
        """What is wrong with a drone so that it cannot be blamed to be where it is.

        A motor has failed, or its receiver really is, or was a little while ago, more than `LOST_M` off or without a
        place; that of a fault which does no harm to this very receiver excuses nothing.
        """
        found = ["motor"] if self.suffered("motor", drone) else []
        led_away = drone in self.causes and "place" in self.causes[drone]  # and it comes down where it thought best
        if led_away or self.utc_s <= self._lost_s.get(drone, -LASTING_S) + LOST_TRACE_S:
            found.append("place")
        return tuple(found)

    def troubles(self, drone: str) -> tuple[str, ...]:
        """What excuses a drone from its place, and what may have made it leave its mission by itself."""
        found = list(self.excuses(drone))
        found += ["link"] if self.day.link.loss >= LOSSY or self.cut_since(drone, self.day_s - CUT_TRACE_S) else []
        found += ["battery"] if self.suffered("battery", drone) else []
        found += ["wind"] if self.blown(drone) else []
        just_begun = self.utc_s < self._controlled_s + CUT_TRACE_S
        return (*found, *(["controller"] if just_begun or not self.controlled else []))

    def suffered(self, name: str, drone: str, since_s: float = 0.0) -> bool:
        """Whether a fault that cannot be taken back has come to a drone, at or after this second of the day."""
        return any(
            one.began and one.fault.name == name and one.fault.target in ("", drone) and one.at_s >= since_s
            for one in self.world.timeline.happened
        )

    def cut_since(self, drone: str, since_s: float) -> bool:
        """Whether a drone's link was cut at any moment since this second of the day."""
        return any(
            began.fault.name == "link" and began.fault.target in ("", drone) and ended_s >= since_s
            for began, ended_s in _spans(self.world.timeline.happened)
        )

    def blown(self, drone: str, within_s: float = BLOWN_AFTER_S) -> bool:
        """Whether there was, in the last seconds, more wind than a drone's flight had to be planned for."""
        expected_mps = self.expected_mps(drone)
        return expected_mps is not None and self.windiest_mps(within_s) > expected_mps

    def expected_mps(self, drone: str) -> float | None:
        """The wind [m/s] that a drone's flight had to be planned for; None without a flight or with no word of it.

        It is what its plan says, but never less than what really blew all the while before the plan was made.
        """
        flight = self.flight_of(drone)
        planned_mps = None if flight is None else flight.plan.details.get("wind_mps")
        if flight is None or planned_mps is None:
            return None
        return max(float(planned_mps), self._settled_mps.get(flight.id, 0.0))

    @property
    def wind_now_mps(self) -> float:
        """The true mean wind [m/s] of now, or what mean its gusts would be usual for."""
        return self._winds[-1][1]

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
