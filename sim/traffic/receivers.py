"""Receivers on poles, and what is in the air for them to hear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

from airspace.frames import LocalFrame
from poles.protocol import Source
from poles.services.receiver import Receiver
from sim.pole import SimPole
from sim.traffic.aircraft import Heard, Place, Sighting
from sim.traffic.broadcast import Frames, address_of, other_drone, transponder
from sim.traffic.hearing import Hearing

SPOKEN_EVERY_S = 1.0

Spoken = tuple[Place, str, Frames]
"""Where a transmitter is, its address, and the frames of one second."""


def ears_of(poles: Iterable[SimPole]) -> list[tuple[Place, Receiver]]:
    """The receivers of some poles, and where their antennas are."""
    ears = []
    for pole in poles:
        fitting = pole.fittings.get("receiver")
        if fitting is not None and isinstance(fitting.service, Receiver):
            head = (*pole.site.xy_m, pole.site.foot_m + pole.site.head_agl_m)
            ears.append((head, fitting.service))
    return ears


def aircraft_speak(
    sightings: Iterable[Sighting], frame: LocalFrame, datum_ellipsoidal_m: float, utc_s: float
) -> Iterator[Spoken]:
    """What aircraft that nobody here flies say of themselves; some say nothing."""
    for sighting in sightings:
        aircraft = sighting.aircraft
        if aircraft.heard is Heard.ADSB:
            frames = transponder(sighting, frame, datum_ellipsoidal_m)
            yield sighting.place, f"{aircraft.icao:06x}", frames
        elif aircraft.heard is Heard.REMOTE_ID:
            frames = other_drone(sighting, frame, datum_ellipsoidal_m, utc_s)
            yield sighting.place, address_of(aircraft.id), frames


async def listen(
    ears: Iterable[tuple[Place, Receiver]], hearing: Hearing, spoken: Callable[[float], Iterable[Spoken]]
) -> None:
    """Let every receiver hear, once a second, what is in the air then, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        air = list(spoken(loop.time()))
        for head, receiver in ears:
            for place, transmitter, frames in air:
                for source, frame in frames:
                    arrives = hearing.of_squitter if source is Source.ADSB else hearing.of_wifi
                    rssi_dbm = arrives(place, head)
                    if rssi_dbm is not None:
                        receiver.hear(source, frame, transmitter=transmitter, rssi_dbm=rssi_dbm)
        await asyncio.sleep(SPOKEN_EVERY_S)
