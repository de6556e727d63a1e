"""Corrections of the poles' base stations, sent on to the drones: RTCM 3 in GPS_RTCM_DATA.

Each drone is served by one base station at a time, the nearest that is heard, for a receiver that mixes two stations
loses its fixed solution. Another one takes over when that falls silent, or when the drone is clearly nearer to it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon
from controller.clock import Clock
from controller.links.codec import Message
from controller.links.telemetry import DroneState
from poles.protocol import Correction

FRAGMENT_BYTES = 180
MOST_FRAGMENTS = 4
SILENT_AFTER_S = 10.0  # a station; RTK receivers use corrections up to 30 s old
TOO_OLD_S = 10.0  # on their way, by the pole's clock
CLEARLY_NEARER = 0.8  # of the distance to the present station


class Served(Protocol):
    """A drone's link, as far as corrections need it."""

    @property
    def state(self) -> DroneState:
        """What the drone last told."""
        ...

    def send(self, message: Message) -> None:
        """Send one message now."""
        ...


@dataclass(slots=True)
class _Service:
    """The station that serves a drone, and the number of the next block."""

    station: str
    sequence: int = 0


class Corrections:
    """Sends on what base stations say; `stations` are the poles that the site has as such, with their places.

    `links` gives the links to the drones that are open now, by drone.
    """

    def __init__(self, stations: Mapping[str, LatLon], links: Callable[[], Mapping[str, Served]], clock: Clock) -> None:
        self._stations = stations
        self._links = links
        self._clock = clock
        self._heard_s: dict[str, float] = {}
        self._served: dict[str, _Service] = {}
        self.counts: Counter[str] = Counter()

    def take(self, pole: str, correction: Correction) -> None:
        """Send a pole's corrections to the drones that it serves; those of other poles and old ones go to nobody."""
        if pole not in self._stations:
            self.counts["of_no_station"] += 1
            return
        if self._clock.utc_s() - correction.at_s > TOO_OLD_S + self._clock.lag_s:
            self.counts["too_old"] += 1
            return
        self._heard_s[pole] = self._clock.monotonic_s()
        links = self._links()
        self._served = {drone: service for drone, service in self._served.items() if drone in links}
        for drone, link in links.items():
            service = self._choose(drone, link.state)
            if service.station == pole:
                self._send(link, service, correction)

    def station_of(self, drone: str) -> str:
        """The pole whose corrections a drone is sent, empty when there is none."""
        service = self._served.get(drone)
        return "" if service is None else service.station

    def _choose(self, drone: str, state: DroneState) -> _Service:
        since_s = self._clock.monotonic_s() - SILENT_AFTER_S - self._clock.lag_s
        heard = [code for code in self._stations if self._heard_s.get(code, -math.inf) >= since_s]
        service = self._served.setdefault(drone, _Service(""))
        if state.lat_deg is None or state.lon_deg is None:
            away_m = dict.fromkeys(heard, 0.0)
        else:
            at = LatLon(state.lat_deg, state.lon_deg)
            away_m = {code: self._stations[code].distance_m(at) for code in heard}
        nearest = min(heard, key=lambda code: (away_m[code], code), default="")
        present_m = away_m.get(service.station)
        if present_m is None or away_m[nearest] < CLEARLY_NEARER * present_m:
            service.station = nearest
        return service

    def _send(self, link: Served, service: _Service, correction: Correction) -> None:
        for frame in correction.frames:
            if len(frame) > MOST_FRAGMENTS * FRAGMENT_BYTES:
                self.counts["too_long"] += 1
                continue
            for message in rtcm_data(frame, service.sequence):
                link.send(message)
            service.sequence += 1
            self.counts["sent"] += 1


def rtcm_data(frame: bytes, sequence: int) -> Iterator[mavlink.MAVLink_gps_rtcm_data_message]:
    """One RTCM message of up to 720 bytes in as many fragments as it takes (MAVLink common, GPS_RTCM_DATA).

    Flag bit 0 says that it was cut, bits 1 and 2 number the fragment, bits 3 to 7 the message. A fragment that is not
    full is the last, so a message that fills its fragments gets an empty one behind it, unless it has all four.
    """
    pieces = [frame[start : start + FRAGMENT_BYTES] for start in range(0, len(frame), FRAGMENT_BYTES)]
    if len(pieces[-1]) == FRAGMENT_BYTES and 1 < len(pieces) < MOST_FRAGMENTS:
        pieces.append(b"")
    cut = int(len(pieces) > 1)
    for number, piece in enumerate(pieces):
        flags = cut | number << 1 | (sequence & 31) << 3
        yield mavlink.MAVLink_gps_rtcm_data_message(flags, len(piece), piece.ljust(FRAGMENT_BYTES, b"\0"))
