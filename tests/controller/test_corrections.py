"""Corrections of base stations on their way to the drones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

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
from sim.gnss.rtcm import frame

NORTH, SOUTH, NO_STATION = "410105-LP-000001", "410105-LP-000002", "410105-LP-000003"
STATIONS = {NORTH: LatLon(34.77, 113.62), SOUTH: LatLon(34.75, 113.62)}
BROADCASTERS = {"near-north": LatLon(34.769, 113.62), "near-south": LatLon(34.751, 113.62)}


@dataclass
class Drone:
    """A drone at a latitude; what it is sent is put together again as an autopilot does it."""

    lat_deg: float | None = 34.75
    got: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._in = CorrectionsIn(self.got.append)

    @property
    def payloads(self) -> list[bytes]:
        return [framed[3:-3] for framed in self.got]

    @property
    def state(self) -> DroneState:
        return DroneState(lat_deg=self.lat_deg, lon_deg=None if self.lat_deg is None else 113.62)

    def send(self, message: Message) -> None:
        assert self._in.handle(message)


@dataclass
class Bench:
    clock: Clock
    drones: dict[str, Drone] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        self.corrections = Corrections(STATIONS, lambda: self.drones, self.clock, BROADCASTERS)

    def say(self, pole: str, *payloads: bytes, age_s: float = 0.0, frames: tuple[bytes, ...] = ()) -> dict[str, Any]:
        self.number += 1
        frames = frames or tuple(frame(payload) for payload in payloads or (pole.encode(),))
        at_s = self.clock.utc_s() - age_s
        return self.corrections.take(pole, Correction(stream=pole, number=self.number, at_s=at_s, frames=frames))


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
    for sequence, whole in enumerate(frames):
        for message in rtcm_data(whole, sequence):
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
    assert bench.drones["far"].payloads[-1] == NORTH.encode()
    assert bench.drones["near"].payloads[-1] == SOUTH.encode()
    assert bench.drones["nowhere"].payloads


@benched
async def test_a_drone_changes_its_station_only_when_another_is_clearly_nearer(bench: Bench) -> None:
    drone = bench.drones["d"] = Drone(34.755)
    bench.say(SOUTH)
    bench.say(NORTH)
    drone.lat_deg = 34.7605  # a little nearer to the other
    bench.say(NORTH)
    assert drone.payloads == [SOUTH.encode()]
    drone.lat_deg = 34.765
    bench.say(NORTH)
    bench.say(SOUTH)
    assert drone.payloads == [SOUTH.encode(), NORTH.encode()]


@benched
async def test_when_a_station_falls_silent_the_next_takes_over(bench: Bench) -> None:
    drone = bench.drones["d"] = Drone(34.75)
    for second in range(20):
        if second < 5:
            bench.say(SOUTH)
        bench.say(NORTH)
        await asyncio.sleep(1.0)
    assert drone.payloads == [SOUTH.encode()] * 5 + [NORTH.encode()] * 5


@benched
async def test_what_is_not_of_now_too_long_or_of_no_station_goes_to_nobody(bench: Bench) -> None:
    drone = bench.drones["d"] = Drone()
    bench.say(SOUTH, age_s=11.0)
    bench.say(SOUTH, age_s=-3600.0)  # a date in the future would never be old
    bench.say(NO_STATION)
    bench.say(SOUTH, bytes(721), b"short enough")
    assert drone.payloads == [b"short enough"]
    expected = {"not_of_now": 2, "of_no_station": 1, "too_long": 1, "sent": 1}
    assert {name: count for name, count in bench.corrections.counts.items() if count} == expected


GOOD = frame(b"\x3e\xd0 1005")


@pytest.mark.parametrize(
    "broken",
    [
        b"\xd4" + GOOD[1:],
        GOOD[:-1],
        GOOD + b"\x00",
        GOOD[:-1] + bytes([GOOD[-1] ^ 1]),
        GOOD[:5] + bytes([GOOD[5] ^ 0x10]) + GOOD[6:],
        bytes([GOOD[0], GOOD[1] | 0x40]) + GOOD[2:],
        b"$GNGGA,,*00\r\n",
        GOOD + GOOD,
    ],
)
def test_bytes_that_are_no_whole_frame_reach_no_drone_and_what_is_beside_them_does(broken: bytes) -> None:
    async def main(clock: Clock) -> None:
        bench = Bench(clock)
        drone = bench.drones["d"] = Drone()
        assert bench.say(SOUTH, frames=(broken,)) == {}
        assert drone.got == []
        relayed = bench.say(SOUTH, frames=(broken, GOOD))
        assert drone.got == [GOOD]
        assert {each.frames for each in relayed.values()} == {(GOOD,)}
        assert bench.corrections.counts["no_frames"] == 2

    run(main, virtual_tempo())


@benched
async def test_what_comes_again_or_late_goes_to_nobody_and_a_station_that_starts_anew_is_heard(bench: Bench) -> None:
    drone = bench.drones["d"] = Drone()

    def say(number: int, at_s: float, text: bytes) -> None:
        said = Correction(stream=SOUTH, number=number, at_s=at_s, frames=(frame(text),))
        bench.corrections.take(SOUTH, said)

    now_s = bench.clock.utc_s()
    say(5, now_s - 2.0, b"five")
    say(5, now_s - 2.0, b"five again")
    say(4, now_s - 3.0, b"four, late")
    say(6, now_s - 1.0, b"six")
    say(1, now_s, b"one, of a new start")
    assert drone.payloads == [b"five", b"six", b"one, of a new start"]
    assert bench.corrections.counts["again"] == 2


@benched
async def test_poles_that_broadcast_are_sent_the_frames_of_the_station_that_suits_them(bench: Bench) -> None:
    assert set(bench.say(SOUTH)) == {"near-north", "near-south"}  # the only one
    assert set(bench.say(NORTH)) == {"near-north"}
    relayed = bench.say(SOUTH)
    assert set(relayed) == {"near-south"}
    assert (relayed["near-south"].stream, relayed["near-south"].number) == (SOUTH, 3)
    for _ in range(12):
        await asyncio.sleep(1.0)
        bench.say(NORTH)
    assert set(bench.say(NORTH)) == {"near-north", "near-south"}  # the other has fallen silent


@benched
async def test_a_drone_that_left_is_forgotten(bench: Bench) -> None:
    bench.drones["d"] = Drone()
    bench.say(SOUTH)
    assert set(bench.corrections._served) == {"d"}
    del bench.drones["d"]
    bench.say(SOUTH)
    assert not bench.corrections._served
