"""The receiver: what it hears it tells once a second, as far as it can."""

from __future__ import annotations

import asyncio

from airspace.frames import LatLon
from poles.heard import adsb, gb46750, open_drone_id
from poles.heard.drone import Aircraft
from poles.heard.open_drone_id import BasicId, IdKind, Location
from poles.protocol import MAX_FRAME_BYTES, MAX_HEARD, Heard, Source
from poles.services.receiver import FUNCTION, Receiver, ReceiverReadings, ReceiverSettings
from tests.poles.test_services import Notes, timed

PACKET = gb46750.encode(gb46750.Identification(product_code="1581F8DBW25B800B3417"))


class Bench:
    def __init__(self, **given: int) -> None:
        self.receiver = Receiver(**given)
        self.notes = Notes(self.receiver)

    def told(self) -> list[Heard]:
        self.notes.heard.clear()
        self.receiver.tell()
        return [heard for together in self.notes.heard for heard in together]

    @property
    def now(self) -> ReceiverReadings:
        readings = self.receiver.readings(FUNCTION)
        assert isinstance(readings, ReceiverReadings)
        return readings


@timed
async def test_a_frame_is_told_with_its_age_and_strength() -> None:
    bench = Bench()
    await asyncio.sleep(10.0)
    bench.receiver.hear(Source.GB46750, PACKET, transmitter="60601f0a0b0c", rssi_dbm=-71.5)
    await asyncio.sleep(0.4)
    (heard,) = bench.told()
    assert (heard.source, heard.frame, heard.transmitter, heard.rssi_dbm) == (
        Source.GB46750,
        PACKET,
        "60601f0a0b0c",
        -71.5,
    )
    assert abs(heard.age_s - 0.4) < 1e-9
    assert bench.told() == []


@timed
async def test_of_one_kind_of_message_the_last_is_told_and_of_different_kinds_each() -> None:
    bench = Bench()
    basic = open_drone_id.encode(BasicId(IdKind.SERIAL, Aircraft.ROTORCRAFT, "S1"))
    here, there = (open_drone_id.encode(Location(position=LatLon(34.7, lon))) for lon in (113.6, 113.7))
    for frame in (here, basic, there):
        bench.receiver.hear(Source.ODID, frame, transmitter="aa")
    bench.receiver.hear(Source.ODID, here, transmitter="bb")
    assert {(heard.transmitter, heard.frame) for heard in bench.told()} == {("aa", basic), ("aa", there), ("bb", here)}


@timed
async def test_even_and_odd_positions_of_an_aircraft_are_both_told() -> None:
    bench = Bench()
    at = LatLon(34.7, 113.6)
    frames = [adsb.encode("780a1b", adsb.position(at, odd=odd, pressure_m=300.0)) for odd in (False, True)]
    frames.append(adsb.encode("780a1b", adsb.Velocity(50.0, 90.0)))
    for frame in frames:
        bench.receiver.hear(Source.ADSB, frame, transmitter="780a1b")
    assert [heard.frame for heard in bench.told()] == frames


@timed
async def test_weak_empty_and_oversized_frames_are_not_told() -> None:
    bench = Bench()
    bench.receiver.apply(FUNCTION, ReceiverSettings(min_rssi_dbm=-90.0))
    bench.receiver.hear(Source.GB46750, PACKET, transmitter="aa", rssi_dbm=-90.5)
    bench.receiver.hear(Source.GB46750, b"", transmitter="bb")
    bench.receiver.hear(Source.GB46750, bytes(MAX_FRAME_BYTES + 1), transmitter="cc")
    assert bench.told() == []
    bench.receiver.hear(Source.GB46750, PACKET, transmitter="aa", rssi_dbm=-90.0)
    bench.receiver.hear(Source.GB46750, PACKET, transmitter="dd")
    assert len(bench.told()) == 2


@timed
async def test_a_flood_is_bounded_counted_and_named_until_a_minute_after_it() -> None:
    bench = Bench(most=2 * MAX_HEARD)
    for n in range(3 * MAX_HEARD):
        bench.receiver.hear(Source.ODID, PACKET, transmitter=f"{n}")
    told = bench.told()
    assert [heard.transmitter for heard in told] == [f"{n}" for n in range(2 * MAX_HEARD)]
    assert [len(together) for together in bench.notes.heard] == [MAX_HEARD, MAX_HEARD]
    assert (bench.now.frames, bench.now.lost, bench.now.transmitters) == (192, 64, 192)
    assert bench.now.by_source == {Source.ODID: 192}
    assert bench.notes.alarms == [(FUNCTION, "receiver.overrun", True)]
    assert bench.notes.facts == [{"lost": 64}]
    await asyncio.sleep(61.0)
    bench.receiver.tell()
    assert bench.notes.alarms[1:] == [(FUNCTION, "receiver.overrun", False)]
    assert (bench.now.frames, bench.now.lost) == (0, 0)
