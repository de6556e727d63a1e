"""Who else is in the air: what the poles' receivers heard, as tracks that age out, and how near they come to a flight.

Frames of all poles are put together by transmitter, dated by this controller's clock and not by the poles'. What says
one identity is one track. The drones of the site are known by their identities and left out where they really are:
whoever broadcasts such an identity elsewhere is a stranger like any other, and people are told.

A track is carried on along its course for as long as it counts, and its error grows meanwhile. The nearest approach is
that of two straight courses within the next `AHEAD_S`, both ways: the error is taken off the distance, and a height
that was not said counts as the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from airspace.frames import LatLon, LocalFrame
from poles.gateway.flow import Said
from poles.heard.drone import HeardDrone, Status
from poles.heard.ears import REMEMBERED, Ears
from poles.protocol import Observation, Source

COUNTS_S = 15.0  # GB 46750-2025: once a second; a place that is older says little
AHEAD_S = 60.0
WITHOUT_ACCURACY_M = {Source.ADSB: 100.0}
ACCURACY_M = 30.0  # of identification that does not say any
TURNS_MPS = 5.0  # by so much a known course may be wrong, for each second
FASTEST_MPS = {Source.ADSB: 100.0}
FAST_MPS = 25.0  # of a drone that does not say how it moves
VERTICAL_M = 30.0
ELSEWHERE_M = 100.0  # beyond its error, from where the drone of this identity says it is

Metres = tuple[float, float, float | None]
"""East and north in the site's frame and the ellipsoidal height [m], None when it is not known."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How near another may come before people are told [m]."""

    horizontal_m: float
    vertical_m: float


NEAR = Reach(150.0, 60.0)
NEAR_OF_CREWED = Reach(1500.0, 300.0)  # who broadcasts ADS-B may carry people


@dataclass(frozen=True, slots=True)
class Track:
    """One that was heard: `name` tells it apart, `age_s` is that of its place, `error_m` how wrong that may be by now.

    `at_m` is where it should be now; `velocity_mps` east, north and up, None when it does not say how it moves.
    """

    name: str
    drone: HeardDrone
    at_m: Metres
    velocity_mps: tuple[float, float, float] | None
    age_s: float
    error_m: float

    @property
    def reach(self) -> Reach:
        """What counts as near to it."""
        return NEAR_OF_CREWED if self.drone.source is Source.ADSB else NEAR


@dataclass(frozen=True, slots=True)
class Approach:
    """The nearest approach of a track to a drone: in how many seconds, and how near, its error taken off [m].

    `vertical_m` is None when one of the heights is not known.
    """

    track: Track
    in_s: float
    distance_m: float
    vertical_m: float | None

    @property
    def near(self) -> bool:
        """Whether people must be told."""
        reach = self.track.reach
        high = self.vertical_m is None or self.vertical_m < reach.vertical_m
        return self.distance_m < reach.horizontal_m and high


@dataclass(frozen=True, slots=True)
class Linked:
    """A drone of the site with which there is a link: east and north in the site's frame [m], None while not fresh."""

    at_m: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Impostor:
    """Somebody broadcasts the identity of a drone of the site, so far from where it is [m]."""

    drone: str
    distance_m: float


class TrafficPicture:
    """Everyone heard lately but the site's own drones: `own` says whose an identity is, by the drone's id.

    `linked` tells of such a drone where it is, None without a link: then it cannot be told apart, and is shown. One
    whose link has fallen silent is left out wherever it is heard. `poles` tells where each receiver stands, by city
    code. `utc_s` is the controller's clock and `loop_s` the loop's, by which what was heard is dated.
    """

    def __init__(
        self,
        frame: LocalFrame,
        own: Mapping[str, str],
        linked: Callable[[str], Linked | None],
        poles: Mapping[str, LatLon],
        *,
        utc_s: Callable[[], float],
        loop_s: Callable[[], float],
        ground_ellipsoidal_m: float,
    ) -> None:
        self._frame = frame
        self._own = {identity.strip().upper(): drone for identity, drone in own.items()}
        self._linked = linked
        self._poles = poles
        self._utc_s = utc_s
        self._loop_s = loop_s
        self._ground_m = ground_ellipsoidal_m
        self._ears = Ears()
        self._drones: dict[tuple[Source, str], HeardDrone] = {}  # by how it speaks and its transmitter

    def take(self, batch: Sequence[Said]) -> list[Impostor]:
        """Take in the observations of a batch that is durable; who is heard there under an identity of the site's."""
        impostors: list[Impostor] = []
        for said in batch:
            message = said.message
            if not isinstance(message, Observation) or (near := self._poles.get(said.code)) is None:
                continue
            at_s = self._utc_s() - (self._loop_s() - said.heard_s) - message.held_s
            for heard in message.heard:
                drone = self._ears.take(heard, at_s, near)
                if drone is not None:
                    self._drones[drone.source, drone.transmitter] = drone
                    impostors += self._impostor(drone)
        if len(self._drones) > REMEMBERED:
            self._forget(self._utc_s())
        return impostors

    def tracks(self) -> list[Track]:
        """Everyone whose place is fresh enough to count, by name; the site's own drones are left out."""
        now_s = self._utc_s()
        self._forget(now_s)
        found: dict[str, Track] = {}
        for drone in self._drones.values():
            track = self._track(drone, now_s)
            if track is not None and self._is_own(drone, track):
                continue
            if track is not None and (track.name not in found or track.age_s < found[track.name].age_s):
                found[track.name] = track
        return [found[name] for name in sorted(found)]

    def approaches(self, at_m: Metres, velocity_mps: tuple[float, float, float]) -> list[Approach]:
        """How near each comes to a drone at a place with a velocity [m/s east, north, up], the nearest first."""
        found = [_approach(track, at_m, velocity_mps) for track in self.tracks()]
        return sorted(found, key=lambda approach: (approach.distance_m, approach.track.name))

    def _forget(self, now_s: float) -> None:
        for key in [key for key, drone in self._drones.items() if now_s - drone.heard_s > COUNTS_S]:
            del self._drones[key]
        while len(self._drones) > REMEMBERED:
            del self._drones[next(iter(self._drones))]

    def _whose(self, drone: HeardDrone) -> str:
        """The drone of the site that has this identity, empty when none has."""
        said = [identity.strip().upper() for identity in (drone.id, drone.registration)]
        return next((self._own[identity] for identity in said if identity in self._own), "")

    def _is_own(self, drone: HeardDrone, track: Track) -> bool:
        whose = self._whose(drone)
        linked = self._linked(whose) if whose else None
        return linked is not None and self._apart_m(linked, track) == 0.0

    def _impostor(self, drone: HeardDrone) -> list[Impostor]:
        whose = self._whose(drone)
        linked = self._linked(whose) if whose else None
        track = self._track(drone, self._utc_s()) if linked is not None else None
        apart_m = 0.0 if linked is None or track is None else self._apart_m(linked, track)
        return [Impostor(whose, apart_m)] if apart_m > 0.0 else []

    def _apart_m(self, linked: Linked, track: Track) -> float:
        """How far a track is from the drone whose identity it has, 0 when it may be there."""
        if linked.at_m is None:
            return 0.0
        apart_m = math.dist(linked.at_m, track.at_m[:2])
        return apart_m if apart_m > track.error_m + ELSEWHERE_M else 0.0

    def _track(self, drone: HeardDrone, now_s: float) -> Track | None:
        if drone.position is None or drone.placed_s is None or drone.status is Status.GROUND:
            return None
        age_s = max(now_s - drone.placed_s, 0.0)
        if age_s > COUNTS_S:
            return None
        x_m, y_m = self._frame.xy(drone.position)
        height_m, velocity = self._height_m(drone), _velocity(drone)
        error_m = drone.horizontal_accuracy_m or WITHOUT_ACCURACY_M.get(drone.source, ACCURACY_M)
        if velocity is None:
            error_m += FASTEST_MPS.get(drone.source, FAST_MPS) * age_s
        else:
            x_m, y_m = x_m + velocity[0] * age_s, y_m + velocity[1] * age_s
            height_m = None if height_m is None else height_m + velocity[2] * age_s
            error_m += TURNS_MPS * age_s
        name = drone.id or f"{drone.source.value}:{drone.transmitter}"
        return Track(name, drone, (x_m, y_m, height_m), velocity, age_s, error_m)

    def _height_m(self, drone: HeardDrone) -> float | None:
        """The ellipsoidal height, from what counts on the ground where nothing else is said."""
        if drone.ellipsoidal_m is not None:
            return drone.ellipsoidal_m
        over_m = drone.above_ground_m if drone.above_ground_m is not None else drone.above_takeoff_m
        return None if over_m is None else self._ground_m + over_m


def _velocity(drone: HeardDrone) -> tuple[float, float, float] | None:
    if drone.speed_mps is None or (drone.track_deg is None and drone.speed_mps > 0.0):
        return None
    course = math.radians(drone.track_deg or 0.0)
    return drone.speed_mps * math.sin(course), drone.speed_mps * math.cos(course), drone.climb_mps or 0.0


def _approach(track: Track, at_m: Metres, velocity_mps: tuple[float, float, float]) -> Approach:
    x_m, y_m = track.at_m[0] - at_m[0], track.at_m[1] - at_m[1]
    theirs = track.velocity_mps or (0.0, 0.0, 0.0)
    vx, vy = theirs[0] - velocity_mps[0], theirs[1] - velocity_mps[1]
    square = vx * vx + vy * vy
    in_s = 0.0 if square < 1e-9 else min(max(-(x_m * vx + y_m * vy) / square, 0.0), AHEAD_S)
    distance_m = math.hypot(x_m + vx * in_s, y_m + vy * in_s)
    vertical_m = None
    if track.at_m[2] is not None and at_m[2] is not None:
        now_m = track.at_m[2] - at_m[2]
        then_m = now_m + (theirs[2] - velocity_mps[2]) * in_s
        crossed = (now_m < 0.0) != (then_m < 0.0)
        uncertain_m = track.drone.vertical_accuracy_m or VERTICAL_M
        vertical_m = 0.0 if crossed else max(min(abs(now_m), abs(then_m)) - uncertain_m, 0.0)
    return Approach(track, in_s, max(distance_m - track.error_m, 0.0), vertical_m)
