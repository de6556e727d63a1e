"""Corrections of base stations on their way to the drones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import LatLon
from controller.clock import Clock, run, virtual_tempo
from controller.corrections import FRAGMENT_BYTES, Corrections, rtcm_data
from controller.links.codec import Message
from controller.links.telemetry import DroneState
from poles.protocol import Correction
from sim.drone.corrections_in import CorrectionsIn

NORTH, SOUTH, NO_STATION = "410105-LP-000001", "410105-LP-000002", "410105-LP-000003"
STATIONS = {NORTH: LatLon(34.77, 113.62), SOUTH: LatLon(34.75, 113.62)}


@dataclass
class Drone:
    """A drone at a latitude; what it is sent is put together again as an autopilot does it."""

    lat_deg: float | None = 34.75
    got: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._in = CorrectionsIn(self.got.append)

    @property
    def state(self) -> DroneState:
        return DroneState(lat_deg=self.lat_deg, lon_deg=None if self.lat_deg is None else 113.62)

    def send(self, message: Message) -> None:
        assert self._in.handle(message)


@dataclass
class Bench:
    clock: Clock
    drones: dict[str, Drone] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.corrections = Corrections(STATIONS, lambda: self.drones, self.clock)

    def say(self, pole: str, *frames: bytes, age_s: float = 0.0) -> None:
        at_s = self.clock.utc_s() - age_s
        self.corrections.take(pole, Correction(stream=pole, number=1, at_s=at_s, frames=frames or (pole.encode(),)))


def benched(test: Callable[[Bench], Coroutine[None, None, None]]) -> Callable[[], None]:
    def wrapped() -> None:
        async def main(clock: Clock) -> None:
            await test(Bench(clock))

        run(main, virtual_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@given(st.lists(st.binary(min_size=6, max_size=4 * FRAGMENT_BYTES), min_size=1, max_size=40))
def test_messages_are_put_together_on_board_as_they_were_cut(frames: list[bytes]) -> None:
    got: list[bytes] = []
    board = CorrectionsIn(got.append)
    for sequence, frame in enumerate(frames):
        for message in rtcm_data(frame, sequence):
            board.handle(message)
    assert got == frames


@pytest.mark.parametrize(("size", "pieces"), [(6, 1), (180, 1), (181, 2), (360, 3), (719, 4), (720, 4)])
def test_a_message_takes_as_many_fragments_as_it_must(size: int, pieces: int) -> None:
    messages = list(rtcm_data(bytes(size), 33))
    assert len(messages) == pieces
    assert [message.flags & 1 for message in messages] == [int(pieces > 1)] * pieces
    assert {message.flags >> 3 for message in messages} == {1}


@benched
async def test_each_drone_is_served_by_the_nearest_station(bench: Bench) -> None:
    bench.drones |= {"far": Drone(34.78), "near": Drone(34.74), "nowhere": Drone(None)}
    for _ in range(2):  # at first only one of them was heard
        bench.say(NORTH)
        bench.say(SOUTH)
    assert bench.drones["far"].got[-1] == NORTH.encode()
    assert bench.drones["near"].got[-1] == SOUTH.encode()
    assert (bench.corrections.station_of("far"), bench.corrections.station_of("near")) == (NORTH, SOUTH)
    assert bench.drones["nowhere"].got
    assert bench.corrections.station_of("unknown") == ""


@benched
async def test_a_drone_changes_its_station_only_when_another_is_clearly_nearer(bench: Bench) -> None:
    drone = bench.drones["d"] = Drone(34.755)
    bench.say(SOUTH)
    bench.say(NORTH)
    drone.lat_deg = 34.7605  # a little nearer to the other
    bench.say(NORTH)
    assert drone.got == [SOUTH.encode()]
    drone.lat_deg = 34.765
    bench.say(NORTH)
    bench.say(SOUTH)
    assert drone.got == [SOUTH.encode(), NORTH.encode()]


@benched
async def test_when_a_station_falls_silent_the_next_takes_over(bench: Bench) -> None:
    drone = bench.drones["d"] = Drone(34.75)
    for second in range(20):
        if second < 5:
            bench.say(SOUTH)
        bench.say(NORTH)
        await asyncio.sleep(1.0)
    assert drone.got == [SOUTH.encode()] * 5 + [NORTH.encode()] * 5


@benched
async def test_what_is_old_too_long_or_of_no_station_goes_to_nobody(bench: Bench) -> None:
    drone = bench.drones["d"] = Drone()
    bench.say(SOUTH, age_s=11.0)
    bench.say(NO_STATION)
    bench.say(SOUTH, bytes(721), b"short enough")
    assert drone.got == [b"short enough"]
    assert bench.corrections.counts == {"too_old": 1, "of_no_station": 1, "too_long": 1, "sent": 1}


@benched
async def test_a_drone_that_left_is_forgotten(bench: Bench) -> None:
    bench.drones["d"] = Drone()
    bench.say(SOUTH)
    assert bench.corrections.station_of("d") == SOUTH
    del bench.drones["d"]
    bench.say(SOUTH)
    assert bench.corrections.station_of("d") == ""
