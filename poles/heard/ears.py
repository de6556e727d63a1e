"""What a receiver, or many, heard, put together: frames of one transmitter become one drone.

Transmitters tell their identity, place and operator in turn, and ADS-B needs two messages for a place. `Ears` keeps
what each said lately. It is pure: times are handed in, and the same frames give the same drones.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from airspace.frames import LatLon
from poles.heard import adsb, cpr, gb46750, open_drone_id
from poles.heard.cpr import Cpr
from poles.heard.drone import Aircraft, Frame, HeardDrone, Status
from poles.protocol import Heard, Source

FORGET_S = 60.0  # after so long without a frame a transmitter that comes back is a new one
REMEMBERED = 4096
PAIR_WITHIN_S = 10.0  # an even and an odd position (DO-260B, 2.2.10.3.1); 25 s on the surface when slow
NEAR_WITHIN_S = 30.0  # a last place that still tells the zone
HEARING_M = 500_000.0  # no receiver near the ground hears farther
HOUR_S = 3600.0


@dataclass(slots=True)
class _Track:
    drone: HeardDrone
    halves: dict[bool, tuple[float, Cpr]] = field(default_factory=dict)
    pressure_m: float | None = None
    over_pressure_m: float | None = None


class Ears:
    """Puts frames together; `remembered` transmitters at most, the longest unheard forgotten first."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._tracks: OrderedDict[tuple[Source, str], _Track] = OrderedDict()
        self._remembered = remembered

    def __len__(self) -> int:
        return len(self._tracks)

    def take(self, heard: Heard, at_s: float, near: LatLon) -> HeardDrone | None:
        """What is known of a frame's transmitter after it; None when the frame says nothing that can be used.

        `at_s` is the UTC second of the observation, by one clock for all receivers; `near` the place of this one. Of a
        frame that is older than what was heard of its transmitter nothing is taken.
        """
        said_s = at_s - heard.age_s
        match heard.source:
            case Source.ADSB:
                return self._squitter(heard, said_s, near)
            case Source.GB46750:
                return self._identification(heard, said_s)
            case Source.GB42590 | Source.ODID:
                return self._messages(heard, said_s)

    def _squitter(self, heard: Heard, at_s: float, near: LatLon) -> HeardDrone | None:
        squitter = adsb.decode(heard.frame)
        track = None if squitter is None else self._track(heard, squitter.icao, at_s)
        if squitter is None or track is None:
            return None
        drone = replace(track.drone, id=squitter.icao)
        match squitter.content:
            case adsb.Identification(callsign, aircraft):
                drone = replace(drone, registration=callsign, aircraft=aircraft)
            case adsb.Position() as said:
                drone = _placed(track, drone, said, at_s, near)
            case adsb.Velocity() as moving:
                track.over_pressure_m = moving.ellipsoidal_over_pressure_m
                drone = replace(
                    drone, speed_mps=moving.speed_mps, track_deg=moving.track_deg, climb_mps=moving.climb_mps
                )
            case adsb.Emergency(status):
                over = status is Status.UNDECLARED and drone.status is Status.EMERGENCY
                state = Status.GROUND if drone.above_ground_m == 0.0 else Status.AIRBORNE
                if over or status is Status.EMERGENCY:
                    drone = replace(drone, status=state if over else status)
            case adsb.Accuracy(bound):
                drone = replace(drone, horizontal_accuracy_m=bound)
        if drone.ellipsoidal_m is None or track.pressure_m is not None:
            drone = replace(drone, ellipsoidal_m=_sum(track.pressure_m, track.over_pressure_m))
        return self._keep(track, drone, heard, at_s)

    def _identification(self, heard: Heard, at_s: float) -> HeardDrone | None:
        said = gb46750.decode(heard.frame)
        name = heard.transmitter or (said.product_code if said else "")
        if said is None or not name:
            return None
        track = self._track(heard, name, at_s)
        if track is None:
            return None
        drone = replace(
            track.drone,
            id=said.product_code,
            registration=said.real_name_mark,
            aircraft=Aircraft.UNMANNED,
            weight_class=said.weight_class,
            status=said.status,
            frame=said.frame or Frame.WGS84,
            ellipsoidal_m=said.ellipsoidal_m,
            pressure_m=said.pressure_m,
            above_takeoff_m=said.above_takeoff_m,
            track_deg=said.track_deg,
            speed_mps=said.speed_mps,
            climb_mps=said.climb_mps,
            horizontal_accuracy_m=said.horizontal_accuracy_m,
            vertical_accuracy_m=said.vertical_accuracy_m,
            speed_accuracy_mps=said.speed_accuracy_mps,
            said_s=said.at_s,
            operator=said.operator,
        )
        return self._keep(track, _at(drone, said.position, at_s), heard, at_s)

    def _messages(self, heard: Heard, at_s: float) -> HeardDrone | None:
        messages = open_drone_id.decode(heard.frame)
        names = [message.id for message in messages if isinstance(message, open_drone_id.BasicId) and message.id]
        name = heard.transmitter or (names[0] if names else "")
        if not messages or not name:
            return None
        track = self._track(heard, name, at_s)
        if track is None:
            return None
        drone = track.drone
        for message in messages:
            drone = _told(drone, message, at_s)
        return self._keep(track, drone, heard, at_s)

    def _track(self, heard: Heard, name: str, at_s: float) -> _Track | None:
        """What is known of a transmitter so far; None when it was heard later than this."""
        key = heard.source, name
        track = self._tracks.get(key)
        if track is not None and at_s < track.drone.heard_s:
            return None
        if track is None or at_s > track.drone.heard_s + FORGET_S:
            transmitter = heard.transmitter or name
            track = _Track(HeardDrone(source=heard.source, transmitter=transmitter, heard_s=at_s))
            self._tracks[key] = track
        self._tracks.move_to_end(key)
        while len(self._tracks) > self._remembered:
            self._tracks.popitem(last=False)
        return track

    @staticmethod
    def _keep(track: _Track, drone: HeardDrone, heard: Heard, at_s: float) -> HeardDrone:
        track.drone = replace(drone, heard_s=at_s, rssi_dbm=heard.rssi_dbm)
        return track.drone


def _placed(track: _Track, drone: HeardDrone, said: adsb.Position, at_s: float, near: LatLon) -> HeardDrone:
    surface = said.cpr.surface
    track.halves[said.cpr.odd] = (at_s, said.cpr)
    position = _position(track, drone, said.cpr, at_s, near)
    if surface:
        drone = replace(drone, speed_mps=said.speed_mps, track_deg=said.track_deg, above_ground_m=0.0)
        track.pressure_m = None
    else:
        track.pressure_m = said.pressure_m if said.ellipsoidal_m is None else track.pressure_m
        drone = replace(drone, pressure_m=track.pressure_m, above_ground_m=None)
        if said.ellipsoidal_m is not None:
            track.pressure_m = None
            drone = replace(drone, ellipsoidal_m=said.ellipsoidal_m)
    if drone.status in (Status.UNDECLARED, Status.GROUND, Status.AIRBORNE):
        drone = replace(drone, status=Status.GROUND if surface else Status.AIRBORNE)
    return _at(drone, position, at_s)


def _position(track: _Track, drone: HeardDrone, said: Cpr, at_s: float, near: LatLon) -> LatLon | None:
    """By a pair of messages when there is one, else by the last place; only what a receiver here can have heard."""
    other = track.halves.get(not said.odd)
    if other is not None and abs(at_s - other[0]) <= PAIR_WITHIN_S and other[1].surface == said.surface:
        even, odd = (other[1], said) if said.odd else (said, other[1])
        position = cpr.from_pair(even, odd, newest=said, near=near)
    elif drone.position is not None and drone.placed_s is not None and at_s - drone.placed_s <= NEAR_WITHIN_S:
        position = cpr.from_near(said, drone.position)
    else:
        return None
    return position if position is not None and position.distance_m(near) <= HEARING_M else None


def _told(drone: HeardDrone, message: open_drone_id.Message, at_s: float) -> HeardDrone:
    match message:
        case open_drone_id.BasicId(kind, aircraft, id_):
            if kind is open_drone_id.IdKind.REGISTRATION:
                return replace(drone, registration=id_, aircraft=aircraft)
            return replace(drone, id=id_ or drone.id, aircraft=aircraft)
        case open_drone_id.Location():
            return _moved(drone, message, at_s)
        case open_drone_id.SelfId(_, text):
            return replace(drone, text=text)
        case open_drone_id.System():
            where = replace(
                drone.operator,
                position=message.operator,
                ellipsoidal_m=message.operator_ellipsoidal_m,
                where=message.operator_is,
            )
            return replace(drone, operator=where, frame=message.frame)
        case open_drone_id.OperatorId(_, id_):
            return replace(drone, operator=replace(drone.operator, id=id_))
        case open_drone_id.Authentication():
            return drone


def _moved(drone: HeardDrone, said: open_drone_id.Location, at_s: float) -> HeardDrone:
    drone = replace(
        drone,
        status=said.status,
        ellipsoidal_m=said.ellipsoidal_m,
        pressure_m=said.pressure_m,
        above_takeoff_m=None if said.over_ground else said.height_m,
        above_ground_m=said.height_m if said.over_ground else None,
        track_deg=said.track_deg,
        speed_mps=said.speed_mps,
        climb_mps=said.climb_mps,
        horizontal_accuracy_m=said.horizontal_accuracy_m,
        vertical_accuracy_m=said.vertical_accuracy_m,
        speed_accuracy_mps=said.speed_accuracy_mps,
        said_s=None if said.after_hour_s is None else in_hour_of(at_s, said.after_hour_s),
    )
    return _at(drone, said.position, at_s)


def in_hour_of(at_s: float, after_hour_s: float) -> float:
    """The UTC second nearest to another that lies so many seconds after a full hour."""
    hours = math.floor((at_s - after_hour_s) / HOUR_S + 0.5)
    return hours * HOUR_S + after_hour_s


def _at(drone: HeardDrone, position: LatLon | None, at_s: float) -> HeardDrone:
    """The drone at a new position; at its last one when it does not say any."""
    return drone if position is None else replace(drone, position=position, placed_s=at_s)


def _sum(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b
