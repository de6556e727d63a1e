"""The pulse: who is moved when, alone and together."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from controller.clock import Clock, run, virtual_tempo
from controller.virtual_loop import VirtualLoop
from sim.drone import SimDrone
from sim.drone.modes import Mode
from sim.flight.bodies import ARRAYS_FROM
from sim.flight.flock import Flock
from sim.wind import Wind
from tests.sim.station import HOME_AMSL_M, HOME_LAT_DEG, HOME_LON_DEG, airborne, stage, when


class Counted:
    """A member that notes what is done with it and when."""

    def __init__(self, *, active: bool, every_s: float = math.inf) -> None:
        self.active = active
        self.begun: list[float] = []
        self.finished: list[float] = []
        self.served: list[float] = []
        self.failed: Exception | None = None
        self.breaks_at: float = math.inf
        self._every_s = every_s
        self._next_s = every_s

    def begin(self, now_s: float) -> Any:
        self.begun.append(now_s)
        if now_s >= self.breaks_at:
            raise ArithmeticError("planted")

    def finish(self, now_s: float) -> None:
        self.finished.append(now_s)

    def serve(self, now_s: float) -> None:
        self.served.append(now_s)
        while self._next_s <= now_s + 1e-6:
            self._next_s += self._every_s

    def due_s(self) -> float:
        return self._next_s

    def fail(self, error: Exception) -> None:
        self.failed = error


def pulse(main: Callable[[Flock], Any], after: Callable[[], None] = lambda: None) -> None:
    async def started(clock: Clock) -> None:
        await main(Flock())

    run(started, virtual_tempo())
    after()


def test_an_active_member_has_a_tick_every_tenth_of_a_second_on_the_grid() -> None:
    member = Counted(active=True)

    async def main(flock: Flock) -> None:
        flock.join(member)
        await asyncio.sleep(2.05)

    pulse(main)
    assert member.begun == pytest.approx([0.1 * i for i in range(1, 21)])
    assert member.finished == member.begun


def test_an_idle_member_is_looked_after_once_a_second_beside_an_active_one() -> None:
    idle, active = Counted(active=False), Counted(active=True)

    async def main(flock: Flock) -> None:
        flock.join(idle)
        await asyncio.sleep(0.35)
        flock.join(active)
        await asyncio.sleep(3.7)

    pulse(main)
    assert idle.begun == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert active.begun == pytest.approx([0.1 * i for i in range(4, 41)])


def test_a_member_that_becomes_active_has_the_next_tick() -> None:
    member = Counted(active=False)

    async def main(flock: Flock) -> None:
        flock.join(member)
        await asyncio.sleep(5.53)
        member.active = True
        flock.wake(member)
        await asyncio.sleep(0.2)

    pulse(main)
    assert member.begun == pytest.approx([1.0, 2.0, 3.0, 4.0, 5.0, 5.6, 5.7])


def test_what_is_due_between_ticks_is_served_when_it_is_due() -> None:
    member = Counted(active=False, every_s=0.25)

    async def main(flock: Flock) -> None:
        flock.join(member)
        await asyncio.sleep(1.1)

    pulse(main)
    assert member.served == pytest.approx([0.25, 0.5, 0.75, 1.0])  # the last one by the tick of that moment


def test_a_late_beat_does_every_tick_and_serves_at_the_time_that_it_is() -> None:
    member = Counted(active=True)

    async def main(flock: Flock) -> None:
        flock.join(member)
        await asyncio.sleep(0.05)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.jump(1.0)  # the machine was away
        flock.wake(member)  # a message is dealt with before the beat
        await asyncio.sleep(0.1)

    pulse(main)
    assert member.begun == pytest.approx([0.1 * i for i in range(1, 12)])
    assert member.served[:10] == pytest.approx([1.05] * 10)


def test_a_member_that_fails_leaves_alone() -> None:
    bad, good = Counted(active=True), Counted(active=True)
    bad.breaks_at = 0.5

    async def main(flock: Flock) -> None:
        flock.join(bad)
        flock.join(good)
        await asyncio.sleep(1.05)

    pulse(main)
    assert isinstance(bad.failed, ArithmeticError)
    assert bad.begun[-1] == pytest.approx(0.5)
    assert len(bad.finished) == 4
    assert len(good.finished) == 10


def test_an_empty_flock_waits_for_nothing_and_can_be_joined_again() -> None:
    first, second = Counted(active=True), Counted(active=True)

    async def main(flock: Flock) -> None:
        flock.join(first)
        await asyncio.sleep(0.25)
        flock.leave(first)
        await asyncio.sleep(10.0)
        flock.join(second)
        await asyncio.sleep(0.15)

    pulse(main)
    assert len(first.begun) == 2
    assert second.begun == pytest.approx([10.35])


# Drones


Running = tuple[SimDrone, asyncio.Task[None]]


@asynccontextmanager
async def several(
    clock: Clock, count: int, flock: Flock | None
) -> AsyncIterator[list[tuple[SimDrone, asyncio.Task[None]]]]:
    """Warm drones in a gusty wind, by one pulse or each by its own."""
    wind = Wind(rng=random.Random(5), east_mps=4.0, gust_mps=1.5)
    frame = LocalFrame(LatLon(HOME_LAT_DEG, HOME_LON_DEG))
    drones = [
        SimDrone(
            lat_deg=HOME_LAT_DEG,
            lon_deg=HOME_LON_DEG + 1e-4 * number,
            datum_amsl_m=HOME_AMSL_M,
            frame=frame,
            rng=random.Random(number),
            wind=wind,
            utc_s=clock.utc_s,
            warm=True,
            flock=flock,
        )
        for number in range(count)
    ]
    tasks = [asyncio.create_task(drone.run()) for drone in drones]
    await asyncio.sleep(2.0)
    try:
        yield list(zip(drones, tasks, strict=True))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def fly(drone: SimDrone, height_m: float) -> None:
    assert drone.autopilot.set_mode(Mode.GUIDED)
    assert drone.autopilot.arm()
    assert drone.autopilot.take_off(height_m)


def places(count: int, flock: Flock | None, moments: int = 12) -> list[tuple[str, ...]]:
    seen: list[tuple[str, ...]] = []

    async def main(clock: Clock) -> None:
        async with several(clock, count, flock) as drones:
            for number, (drone, _) in enumerate(drones):
                fly(drone, 10.0 + number)
            for _ in range(moments):
                await asyncio.sleep(1.37)
                seen.append(tuple(str(drone.truth) for drone, _ in drones))

    run(main, virtual_tempo())
    return seen


def test_a_pulse_of_many_moves_each_drone_as_its_own_would_to_the_bit() -> None:
    together, apart = places(ARRAYS_FROM + 3, Flock()), places(ARRAYS_FROM + 3, None)
    assert together == apart
    assert len(set(together[-1])) == ARRAYS_FROM + 3


def test_the_place_told_between_two_ticks_is_that_of_the_moment() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station)
            place = mavlink.MAVLink_set_position_target_local_ned_message(
                0, 1, 1, 1, 0b110111000111, 0, 0, 0, 0, 8.0, 0, 0, 0, 0, 0, 0
            )
            station.send(place)
            await asyncio.sleep(2.9)
            await station.command(511, 33, 1e6 / 16.0)  # a rate that never falls on the ticks
            station.send(place)
            await asyncio.sleep(2.0)
            heard = [(m.time_boot_ms / 1000.0, m.lon / 1e7) for m in station.of("GLOBAL_POSITION_INT")][-24:]
            scale = 111_320.0 * math.cos(math.radians(HOME_LAT_DEG))
            speeds = [(b[1] - a[1]) * scale / (b[0] - a[0]) for a, b in pairwise(heard)]
            # 8 m/s and no jumps: a place that stood still between ticks would give 0 and 16
            assert min(speeds) > 6.8
            assert max(speeds) < 9.2

    run(main, virtual_tempo())


def test_one_drone_that_breaks_ends_its_own_run_and_the_others_fly_on() -> None:
    async def main(clock: Clock) -> None:
        async with several(clock, 2, Flock()) as ((bad, ended), (good, goes_on)):
            for drone in (bad, good):
                fly(drone, 15.0)
            await asyncio.sleep(6.0)
            bad.autopilot.reference = None  # type: ignore[assignment] # what a defect would do
            await asyncio.sleep(0.2)
            error = ended.exception()
            assert isinstance(error, ExceptionGroup | AttributeError)
            await when(lambda: good.truth.relative_m > 14.5)
            assert not goes_on.done()

    run(main, virtual_tempo())
