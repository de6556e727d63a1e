"""The same mission as a recorded flight of the real autopilot: times, heights and corners must be near."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from controller.clock import Clock, run, virtual_tempo
from sim.drone.items import StoredItem
from tests.sim.station import HOME, RTL, begun, stage, waypoint, when

RECORDING = Path(__file__).parents[2].parent / "shared" / "data" / "ardupilot" / "square-calm.tlog"


@dataclass(slots=True)
class Flight:
    """Seconds since arming of what happened, and the track [m east, north, above home]."""

    reached_s: dict[int, float] = field(default_factory=dict)
    ground_s: float = 0.0
    disarmed_s: float = 0.0
    track: list[tuple[float, float, float, float]] = field(default_factory=list)

    def corner_miss_m(self, e: float, n: float) -> float:
        return min(math.hypot(a - e, b - n) for _, a, b, _ in self.track)


def recorded() -> Flight:
    """A .tlog is a time stamp of 8 bytes and a frame, again and again; the boot time inside the frames is used."""
    data = RECORDING.read_bytes()
    parser = mavlink.MAVLink(None)
    flight, armed_s, boot_s, frame = Flight(), None, 0.0, None
    place = 0
    while place + 20 < len(data):
        place += 8
        size = data[place + 1] + (12 if data[place] == 0xFD else 8)
        message: Any = parser.decode(bytearray(data[place : place + size]))
        place += size
        kind = message.get_type()
        if kind == "GLOBAL_POSITION_INT":
            boot_s = message.time_boot_ms / 1000.0
        if kind == "HOME_POSITION":
            frame = LocalFrame(LatLon(message.latitude / 1e7, message.longitude / 1e7))
        if kind == "STATUSTEXT" and message.text == "Arming motors":
            armed_s = boot_s
        if armed_s is None or frame is None:
            continue
        if kind == "GLOBAL_POSITION_INT":
            e, n = frame.xy(LatLon(message.lat / 1e7, message.lon / 1e7))
            flight.track.append((boot_s - armed_s, e, n, message.relative_alt / 1000.0))
        elif kind == "MISSION_ITEM_REACHED":
            flight.reached_s[message.seq] = boot_s - armed_s
        elif kind == "STATUSTEXT" and message.text.startswith("SIM Hit ground"):
            flight.ground_s = boot_s - armed_s
        elif kind == "STATUSTEXT" and message.text == "Disarming motors":
            flight.disarmed_s = boot_s - armed_s
    return flight


def simulated() -> Flight:
    items = [
        HOME,
        StoredItem(22, 3, z=40.0),
        waypoint(0, 200, 40),
        waypoint(200, 200, 40),
        waypoint(200, 0, 60),
        waypoint(0, 0, 40, param1=5.0),
        RTL,
    ]

    async def main(clock: Clock) -> Flight:
        flight = Flight()
        async with stage(clock) as (sim, station):
            await begun(station, items)
            armed_s = next(t for t, m in station.heard if m.get_type() == "STATUSTEXT" and m.text == "Arming motors")

            async def watch() -> None:
                while True:
                    body = sim.autopilot.body
                    flight.track.append((clock.monotonic_s() - armed_s, body.e, body.n, body.u))
                    await asyncio.sleep(0.25)

            watching = asyncio.create_task(watch())
            await when(lambda: not sim.truth.armed)
            watching.cancel()
            await asyncio.sleep(0.5)
            for t, m in station.heard:
                if m.get_type() == "MISSION_ITEM_REACHED":
                    flight.reached_s[m.seq] = t - armed_s
                elif m.get_type() == "STATUSTEXT" and m.text.startswith("SIM Hit"):
                    flight.ground_s = t - armed_s
                elif m.get_type() == "STATUSTEXT" and m.text == "Disarming motors":
                    flight.disarmed_s = t - armed_s
        return flight

    return run(main, virtual_tempo())


@pytest.mark.skipif(not RECORDING.exists(), reason="the recording is not here")
def test_the_square_is_flown_as_the_real_autopilot_flew_it() -> None:
    real, ours = recorded(), simulated()
    assert ours.ground_s == pytest.approx(real.ground_s, rel=0.03)
    assert ours.disarmed_s == pytest.approx(real.disarmed_s, rel=0.03)
    assert ours.reached_s.keys() == real.reached_s.keys()
    seqs = sorted(real.reached_s)
    for before, seq in zip([0, *seqs], seqs, strict=False):
        real_s = real.reached_s[seq] - real.reached_s.get(before, 0.0)
        ours_s = ours.reached_s[seq] - ours.reached_s.get(before, 0.0)
        assert ours_s == pytest.approx(real_s, rel=0.06), f"item {seq}"
    for corner in ((0.0, 200.0), (200.0, 200.0), (200.0, 0.0)):
        assert ours.corner_miss_m(*corner) < real.corner_miss_m(*corner) + 1.5
    # where the real one was at a time that we shift by the leg's beginning, ours is within a few metres
    for seq in (2, 3, 4):
        for share in (0.25, 0.5, 0.75):

            def at(flight: Flight, seq: int = seq, share: float = share) -> tuple[float, float, float]:
                a, b = flight.reached_s[seq - 1], flight.reached_s[seq]
                t = a + (b - a) * share
                return min(flight.track, key=lambda row: abs(row[0] - t))[1:]

            assert math.dist(at(real), at(ours)) < 8.0, (seq, share)
