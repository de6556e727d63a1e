import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.reasons import Refused, Rule
from controller.clock import Clock, run, virtual_tempo
from poles.services import cover, dock
from poles.services.cover import Cover, Motor
from poles.services.dock import Dock, DockSensors
from poles.services.dock_functions import DOCK, DockReadings, ForFlight, Reserve
from poles.services.service import NoParameters

CLOSED = DockSensors(at_open=False, at_closed=True, drone_present=False, path_clear=True, rain_mmph=0.0)


class Bench:
    """A dock on a workbench: the motor is written down, the sensors are moved by hand."""

    def __init__(self, sensors: DockSensors = CLOSED) -> None:
        self.motor: list[Motor] = []
        self.sensors = sensors
        self.dock = Dock(self, sensors, travel_limit_s=15.0)

    def drive(self, motor: Motor) -> None:
        self.motor.append(motor)

    def sense(self, **changes: bool | float | None) -> None:
        self.sensors = dataclasses.replace(self.sensors, **changes)  # type: ignore[arg-type]
        self.dock.sense(self.sensors)

    def reserve(self, flight: str = "f1", **more: object) -> None:
        assert self.dock.begin(DOCK, "reserve", Reserve(flight=flight, **more)) is None  # type: ignore[arg-type]

    def order(self, action: str, flight: str = "f1") -> asyncio.Future[None] | None:
        return self.dock.begin(DOCK, action, ForFlight(flight=flight))  # type: ignore[return-value]

    def opened(self) -> None:
        self.reserve()
        self.order("open")
        self.sense(at_closed=False)
        self.sense(at_open=True)

    def refusal(self, action: str, flight: str = "f1") -> Rule:
        with pytest.raises(Refused) as refused:
            self.order(action, flight)
        return refused.value.reasons[0].rule

    @property
    def now(self) -> DockReadings:
        return self.dock.now()


def in_virtual_time(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    def wrapped() -> None:
        async def main(_: Clock) -> None:
            await test()

        run(main, virtual_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@in_virtual_time
async def test_a_dock_is_ready_when_open_clear_and_healthy() -> None:
    bench = Bench()
    assert bench.now.why_not == ("dock.cover.closed",)
    bench.reserve()
    opened = bench.order("open")
    assert opened is not None
    bench.sense(at_closed=False)
    assert not bench.now.ready
    bench.sense(at_open=True)
    await opened
    assert bench.now.ready
    assert bench.motor == [Motor.OPEN, Motor.STOP]
    bench.sense(path_clear=False)
    assert bench.now.why_not == ("dock.cover.blocked",)
    bench.sense(path_clear=True, drone_present=True)
    assert bench.now.why_not == ("dock.occupied",)


@in_virtual_time
async def test_only_the_flight_that_holds_the_dock_opens_it() -> None:
    bench = Bench()
    assert bench.refusal("open") is dock.NOT_RESERVED
    bench.reserve("f1")
    assert bench.refusal("open", "f2") is dock.NOT_RESERVED
    with pytest.raises(Refused) as refused:
        bench.reserve("f2")
    assert refused.value.reasons[0].rule is dock.RESERVED
    assert bench.refusal("close", "f2") is dock.RESERVED
    assert bench.refusal("release", "f2") is dock.RESERVED
    bench.order("release", "f1")
    bench.reserve("f2")
    assert bench.now.reserved_for == "f2"
    assert bench.motor == []


@in_virtual_time
async def test_a_reservation_lapses_when_nobody_releases_it() -> None:
    bench = Bench()
    bench.reserve("f1", hold_s=100.0)
    await asyncio.sleep(99.0)
    bench.reserve("f1", hold_s=100.0)
    await asyncio.sleep(99.0)
    assert bench.now.reserved_for == "f1"
    await asyncio.sleep(1.0)
    assert bench.now.reserved_for == ""
    bench.reserve("f2")


@in_virtual_time
async def test_an_occupied_dock_is_kept_for_a_launch_and_not_for_a_landing() -> None:
    bench = Bench(dataclasses.replace(CLOSED, drone_present=True))
    with pytest.raises(Refused) as refused:
        bench.reserve("f1")
    assert refused.value.reasons[0].rule is dock.OCCUPIED
    bench.reserve("f1", purpose="launch")
    empty = Bench()
    with pytest.raises(Refused) as refused:
        empty.reserve("f1", purpose="launch")
    assert refused.value.reasons[0].rule is dock.EMPTY


@in_virtual_time
async def test_the_cover_is_not_closed_on_a_drone_and_closes_when_it_is_centred() -> None:
    bench = Bench()
    bench.opened()
    bench.sense(drone_present=True, path_clear=False)
    assert bench.refusal("close") is cover.PATH_BLOCKED
    bench.sense(path_clear=True)
    closed = bench.order("close")
    assert closed is not None
    bench.sense(at_open=False)
    bench.sense(at_closed=True)
    await closed
    assert bench.now.cover is Cover.CLOSED


@in_virtual_time
async def test_a_drone_that_comes_under_a_closing_cover_turns_it_back() -> None:
    bench = Bench()
    bench.opened()
    closing = bench.order("close")
    assert closing is not None
    bench.sense(at_open=False)
    bench.sense(path_clear=False)
    with pytest.raises(Refused) as refused:
        await closing
    assert refused.value.reasons[0].rule is dock.TURNED_BACK
    assert bench.now.cover is Cover.OPENING
    assert bench.motor[-2:] == [Motor.CLOSE, Motor.OPEN]


@in_virtual_time
async def test_the_cover_stays_shut_in_rain_and_when_nobody_knows_how_much_it_rains() -> None:
    bench = Bench()
    bench.reserve()
    bench.sense(rain_mmph=2.5)
    bench.order("open")
    bench.sense(at_closed=False)
    bench.sense(rain_mmph=2.6)
    assert bench.now.cover is Cover.CLOSING
    bench.sense(at_closed=True)
    with pytest.raises(Refused, match=r"2\.6 mm/h of rain is over the dock's limit of 2\.5"):
        bench.order("open")
    bench.sense(rain_mmph=None)
    assert bench.refusal("open") is cover.RAIN_UNKNOWN


@in_virtual_time
async def test_a_cover_that_opened_for_an_obstacle_in_rain_closes_when_the_obstacle_is_gone() -> None:
    bench = Bench()
    bench.opened()
    closing = bench.order("close")
    assert closing is not None
    bench.sense(at_open=False, rain_mmph=9.0)
    covers = []
    for path_clear in (False, True):
        bench.sense(path_clear=path_clear)
        covers.append(bench.now.cover)
    assert covers == [Cover.OPENING, Cover.CLOSING]
    with pytest.raises(Refused):
        await closing


@in_virtual_time
async def test_a_cover_that_does_not_arrive_is_stuck_until_a_reset() -> None:
    bench = Bench()
    bench.reserve()
    opening = bench.order("open")
    assert opening is not None
    bench.sense(at_closed=False)
    with pytest.raises(Refused) as refused:
        await opening
    assert asyncio.get_running_loop().time() == 15.0
    assert refused.value.reasons[0].rule is cover.STUCK
    assert bench.now.faults == ("dock.cover.stuck",)
    assert bench.motor[-1] is Motor.STOP
    assert bench.refusal("open") is cover.STUCK
    assert bench.dock.begin(DOCK, "reset", NoParameters()) is not None
    bench.sense(at_closed=True)
    assert bench.now.cover is Cover.CLOSED
    assert not bench.now.faults


@in_virtual_time
async def test_a_cover_that_turns_back_before_its_switch_lets_go_has_arrived_and_does_not_stick() -> None:
    bench = Bench()
    bench.opened()
    closing = bench.order("close")
    bench.sense(path_clear=False)  # still at the open switch
    assert bench.motor[-3:] == [Motor.CLOSE, Motor.OPEN, Motor.STOP]
    assert closing is not None
    with pytest.raises(Refused):
        await closing
    await asyncio.sleep(20.0)
    assert (bench.now.cover, bench.motor[-1]) == (Cover.OPEN, Motor.STOP)
    bench.sense(path_clear=True)
    bench.order("close")
    bench.sense(at_open=False)
    bench.sense(at_closed=True)
    bench.order("open")
    bench.sense(rain_mmph=90.0)  # still at the closed switch
    assert bench.motor[-3:] == [Motor.OPEN, Motor.CLOSE, Motor.STOP]
    await asyncio.sleep(20.0)
    assert (bench.now.cover, bench.motor[-1]) == (Cover.CLOSED, Motor.STOP)


@in_virtual_time
async def test_switches_that_contradict_each_other_tell_of_no_arrival() -> None:
    bench = Bench(dataclasses.replace(CLOSED, at_open=True))
    reset = bench.order("reset")
    assert bench.motor == [Motor.CLOSE]
    await asyncio.sleep(20.0)
    assert (bench.now.cover, bench.motor[-1]) == (Cover.STUCK, Motor.STOP)
    assert reset is not None
    with pytest.raises(Refused):
        await reset


@in_virtual_time
async def test_a_stuck_dock_is_not_reserved() -> None:
    bench = Bench(dataclasses.replace(CLOSED, at_closed=False))
    with pytest.raises(Refused) as refused:
        bench.reserve()
    assert refused.value.reasons[0].rule is cover.STUCK


@in_virtual_time
async def test_two_orders_to_open_end_together() -> None:
    bench = Bench()
    bench.reserve()
    first, second = bench.order("open"), bench.order("open")
    assert first is not None
    assert second is not None
    bench.sense(at_closed=False)
    bench.sense(at_open=True)
    await asyncio.gather(first, second)
    assert bench.order("open") is None


@in_virtual_time
async def test_a_dock_that_a_flight_counts_on_is_reported_every_second() -> None:
    bench = Bench()
    assert bench.dock.report_every_s(DOCK, 5.0) == 5.0
    bench.reserve()
    assert bench.dock.report_every_s(DOCK, 5.0) == 1.0
    assert bench.dock.report_every_s(DOCK, 0.5) == 0.5


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.none() | st.sampled_from([0.0, 9.0])), max_size=30))
def test_an_open_cover_over_a_reserved_pad_closes_for_nothing_but_an_order(
    felt: list[tuple[bool, bool, float | None]],
) -> None:
    async def main(_: Clock) -> None:
        bench = Bench()
        bench.opened()
        for drone_present, path_clear, rain_mmph in felt:
            bench.sense(drone_present=drone_present, path_clear=path_clear, rain_mmph=rain_mmph)
            with contextlib.suppress(Refused):
                bench.order("close", "another")
            await asyncio.sleep(20.0)
        assert bench.now.cover is Cover.OPEN
        assert Motor.CLOSE not in bench.motor

    run(main, virtual_tempo())
