"""Corrections of the poles' base stations, sent on to drones, as RTCM 3 in GPS_RTCM_DATA, and to poles that broadcast.

Each drone and each such pole is served by one base station at a time, the nearest that is heard, for a receiver that
mixes two stations loses its fixed solution. Another one takes over when that falls silent, or when the drone is clearly
nearer to it. Only what a receiver can use goes out: whole frames with a right checksum, of now, in their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon
from controller.clock import Clock
from controller.links.codec import Message
from controller.links.telemetry import DroneState
from poles.protocol import Correction
from poles.protocol.rtcm import is_frame

FRAGMENT_BYTES = 180
MOST_FRAGMENTS = 4
SILENT_AFTER_S = 10.0  # a station; RTK receivers use corrections up to 30 s old
TOO_OLD_S = 10.0  # on their way, by the pole's clock; one that is fast by as much dates nothing
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
    """The station that serves a drone or a pole, and the number of the next block for a drone."""

    station: str
    sequence: int = 0


@dataclass(slots=True)
class _Heard:
    """The last that came of a station."""

    heard_s: float
    number: int
    at_s: float


class Corrections:
    """Sends on what base stations say; `stations` are the poles that the site has as such, with their places.

    `links` gives the links to the drones that are open now, by drone; `broadcasters` are the poles that broadcast.
    """

    def __init__(
        self,
        stations: Mapping[str, LatLon],
        links: Callable[[], Mapping[str, Served]],
        clock: Clock,
        broadcasters: Mapping[str, LatLon] | None = None,
    ) -> None:
        self._stations = stations
        self._links = links
        self._clock = clock
        self._broadcasters = broadcasters or {}
        self._heard: dict[str, _Heard] = {}
        self._served: dict[str, _Service] = {}
        self._relayed = {code: _Service("") for code in self._broadcasters}
        self.counts: Counter[str] = Counter()

    def take(self, pole: str, correction: Correction) -> dict[str, Correction]:
        """Send a pole's corrections to the drones that it serves; what is to go to which poles, by city code.

        Those of other poles and what no receiver can use go to nobody, and are counted.
        """
        if pole not in self._stations:
            self.counts["of_no_station"] += 1
            return {}
        if abs(self._clock.utc_s() - correction.at_s) > TOO_OLD_S + self._clock.lag_s:
            self.counts["not_of_now"] += 1
            return {}
        last = self._heard.get(pole)
        if last is not None and correction.number <= last.number and correction.at_s <= last.at_s:
            self.counts["again"] += 1
            return {}
        frames = tuple([frame for frame in correction.frames if is_frame(frame)])
        self.counts["no_frames"] += len(correction.frames) - len(frames)
        if not frames:
            return {}
        # a lower number of a later date: the station has started anew
        self._heard[pole] = _Heard(self._clock.monotonic_s(), correction.number, correction.at_s)
        self._to_drones(pole, frames)
        whole = msgspec.structs.replace(correction, stream=pole, frames=frames)
        served = [code for code, at in self._broadcasters.items() if self._serves(pole, self._relayed[code], at)]
        return {code: whole for code in served if code != pole}  # who makes them has them

    def _to_drones(self, pole: str, frames: tuple[bytes, ...]) -> None:
        links = self._links()
        self._served = {drone: service for drone, service in self._served.items() if drone in links}
        for drone, link in links.items():
            service = self._served.setdefault(drone, _Service(""))
            lat_deg, lon_deg = link.state.lat_deg, link.state.lon_deg
            at = None if lat_deg is None or lon_deg is None else LatLon(lat_deg, lon_deg)
            if self._serves(pole, service, at):
                self._send(link, service, frames)

    def _serves(self, pole: str, service: _Service, at: LatLon | None) -> bool:
        """Whether this station is the one for a place, None where that is not known; settles who is."""
        since_s = self._clock.monotonic_s() - SILENT_AFTER_S - self._clock.lag_s
        heard = [code for code in self._stations if code in self._heard and self._heard[code].heard_s >= since_s]
        away_m = {code: 0.0 if at is None else self._stations[code].distance_m(at) for code in heard}
        nearest = min(heard, key=lambda code: (away_m[code], code), default="")
        present_m = away_m.get(service.station)
        if present_m is None or away_m[nearest] < CLEARLY_NEARER * present_m:
            service.station = nearest
        return service.station == pole

    def _send(self, link: Served, service: _Service, frames: tuple[bytes, ...]) -> None:
        for frame in frames:
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
