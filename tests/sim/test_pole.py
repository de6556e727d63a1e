"""Simulated poles with the real agent and the real gateway, in virtual time."""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from airspace.frames import LatLon
from airspace.reasons import Refused
from controller.clock import Clock, run, scaled_tempo, virtual_tempo
from poles.gateway import Gateway
from poles.gateway.commands import Outcome
from poles.gateway.ingest import GATHER_S
from poles.gateway.state import PoleState
from poles.keys import new_key_pair
from poles.protocol import OfEntries, numbers_of
from poles.services.base_station import BaseStationReadings, Health
from poles.services.cover import Cover, Motor
from poles.services.dock_functions import DockReadings, ForFlight, Reserve
from poles.services.lamp import Pattern
from poles.services.service import NoParameters
from poles.services.weather import WindReadings
from poles.wire.connection import CurveConnection, MemoryConnection
from poles.wire.lines import Exchange
from sim.fittings.dock import COVER_TRAVEL_S, SimDockHardware
from sim.pole import PoleSite, SimPole
from sim.pole_network import PoleNetwork
from sim.wind import Wind
from tests.poles.raw_pole import Store, gateway_needs, zmq_context

CODE = "410105-LP-000001"
SERVICES = ("weather", "lamp", "dock", "base_station")
RESERVE = {"flight": "f1"}


@dataclass
class Street:
    clock: Clock
    gateway: Gateway
    store: Store
    wind: Wind
    poles: dict[str, SimPole]
    networks: dict[str, PoleNetwork]

    @property
    def pole(self) -> SimPole:
        return self.poles[CODE]

    @property
    def state(self) -> PoleState:
        return self.gateway.poles[CODE]

    def dock(self) -> DockReadings:
        readings = self.state.values("DroneDock", DockReadings)
        assert readings is not None
        return readings

    async def until_dock(self, condition: Callable[[DockReadings], bool], deadline_s: float = 20.0) -> bool:
        def holds(state: PoleState) -> bool:
            readings = state.values("DroneDock", DockReadings)
            return readings is not None and condition(readings)

        return await self.gateway.until(CODE, holds, deadline_s=deadline_s)

    async def order(self, action: str, *, deadline_s: float = 30.0) -> str:
        outcome = await self.gateway.command(CODE, "DroneDock", action, RESERVE, until="done", deadline_s=deadline_s)
        return outcome.code or outcome.outcome


@asynccontextmanager
async def street(clock: Clock, count: int = 1, seed: int = 1) -> AsyncIterator[Street]:
    store, wind = Store(), Wind(rng=random.Random(seed), gust_mps=1.0)
    wind.set_mean(6.0, 240.0)
    exchange = Exchange()
    async with Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway:
        codes = [f"410105-LP-{n:06d}" for n in range(1, count + 1)]
        networks = {code: PoleNetwork(MemoryConnection(exchange)) for code in codes}
        poles = {
            code: SimPole(
                PoleSite(
                    code,
                    LatLon(34.75 + n / 1000, 113.6),
                    xy_m=(0.0, 100.0 * n),
                    services=SERVICES if n == 0 else SERVICES[:3],
                ),
                wind=wind,
                connection=networks[code],
                utc_s=clock.utc_s,
                rng=random.Random(seed * 1000 + n),
            )
            for n, code in enumerate(codes)
        }
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(pole.run()) for pole in poles.values()]
            await asyncio.sleep(1.0)
            yield Street(clock, gateway, store, wind, poles, networks)
            for task in running:
                task.cancel()


def on_the_street(test: Callable[[Street], Coroutine[None, None, None]]) -> Callable[[], None]:
    async def main(clock: Clock) -> None:
        async with street(clock) as the_street:
            await test(the_street)

    def wrapped() -> None:
        run(main, virtual_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@on_the_street
async def test_the_station_measures_the_given_wind(street: Street) -> None:
    await asyncio.sleep(600.0)
    weather = street.state.values("WindSensor", WindReadings)
    assert weather is not None
    assert weather.wind_mean_mps == pytest.approx(6.0, abs=0.7)
    assert weather.wind_from_deg == pytest.approx(240.0, abs=8.0)
    assert (weather.wind_gust_mps or 0.0) > (weather.wind_mean_mps or 0.0)
    assert street.clock.monotonic_s() - street.state.readings["WindSensor"].taken_s <= 5.0
    station = street.state.values("BaseStation", BaseStationReadings)
    assert station is not None
    assert station.health is Health.HEALTHY


@on_the_street
async def test_a_landing_from_reservation_to_release(street: Street) -> None:
    assert await street.order("reserve") == Outcome.ACCEPTED
    assert (await street.gateway.command(CODE, "LampActuator", "override", {"pattern": "landing"})).accepted
    assert street.pole.light.pattern is Pattern.LANDING
    before = street.clock.monotonic_s()
    assert await street.order("open") == Outcome.ACCEPTED
    assert street.clock.monotonic_s() - before == COVER_TRAVEL_S
    assert await street.until_dock(lambda dock: dock.ready)
    assert street.dock().reserved_for == "f1"
    street.pole.drone_overhead()
    assert await street.until_dock(lambda dock: not dock.path_clear)
    assert await street.order("close") == "dock.cover.blocked"
    street.pole.drone_landed()
    assert await street.order("close") == Outcome.ACCEPTED
    assert await street.order("release") == Outcome.ACCEPTED
    assert await street.until_dock(lambda dock: dock.cover is Cover.CLOSED and dock.drone_present)
    assert not street.dock().ready


@on_the_street
async def test_a_ready_dock_is_heard_every_second(street: Street) -> None:
    await street.order("reserve")
    await street.order("open")
    oldest = 0.0
    for _ in range(200):
        await asyncio.sleep(0.173)
        oldest = max(oldest, street.clock.monotonic_s() - street.state.readings["DroneDock"].taken_s)
    assert oldest <= 1.0


@on_the_street
async def test_a_taken_dock_is_not_given(street: Street) -> None:
    street.pole.fail_taken()
    assert await street.order("reserve") == "dock.occupied"
    assert await street.until_dock(lambda dock: dock.drone_present)


@on_the_street
async def test_a_jammed_cover_is_reported_and_works_again_after_repair_and_reset(street: Street) -> None:
    await street.order("reserve")
    opening = asyncio.create_task(street.order("open"))
    await asyncio.sleep(COVER_TRAVEL_S / 2)
    street.pole.fail_cover()
    assert await opening == "dock.cover.stuck"
    assert street.pole.hardware.opened == pytest.approx(0.5, abs=0.01)
    assert await street.until_dock(lambda dock: bool(dock.faults))
    street.pole.repair_cover()
    outcome = await street.gateway.command(CODE, "DroneDock", "reset", until="done", deadline_s=20.0)
    assert outcome.accepted
    assert await street.order("open") == Outcome.ACCEPTED


@on_the_street
async def test_a_cover_is_seen_where_it_is_while_its_motor_runs(street: Street) -> None:
    hardware = street.pole.hardware
    await street.order("reserve")
    for order, ends_at, step in (("open", 1.0, 1.0), ("close", 0.0, -1.0)):
        begun_at = hardware.opened
        moving = asyncio.create_task(street.order(order))
        await asyncio.sleep(0.0)
        for second in range(1, int(COVER_TRAVEL_S)):
            await asyncio.sleep(1.0)
            assert hardware.opened == pytest.approx(begun_at + step * second / COVER_TRAVEL_S, abs=0.01)
            switches = hardware.sensors()
            assert (switches.at_open, switches.at_closed) == (False, False)
        assert await moving == Outcome.ACCEPTED
        assert hardware.opened == ends_at


@on_the_street
async def test_a_repair_of_a_cover_that_moves_does_not_set_it_back(street: Street) -> None:
    await street.order("reserve")
    opening = asyncio.create_task(street.order("open"))
    await asyncio.sleep(COVER_TRAVEL_S / 2)
    before = street.clock.monotonic_s()
    street.pole.repair_cover()
    assert street.pole.hardware.opened == pytest.approx(0.5, abs=0.01)
    assert await opening == Outcome.ACCEPTED
    assert street.clock.monotonic_s() - before == pytest.approx(COVER_TRAVEL_S / 2, abs=0.01)


@on_the_street
async def test_a_cover_that_turns_back_takes_as_long_as_it_had_moved(street: Street) -> None:
    await street.order("reserve")
    await street.order("open")
    closing = asyncio.create_task(street.order("close"))
    await asyncio.sleep(2.0)
    street.pole.drone_overhead()
    assert await closing == "dock.cover.turned-back"
    before = street.clock.monotonic_s()
    assert await street.until_dock(lambda dock: dock.cover is Cover.OPEN)
    assert street.clock.monotonic_s() - before == pytest.approx(2.0, abs=GATHER_S + 0.01)


@on_the_street
async def test_a_dock_does_not_open_in_heavy_rain(street: Street) -> None:
    street.pole.set_rain(8.0)
    await street.order("reserve")
    assert await street.order("open") == "dock.rain.over-limit"
    street.pole.set_rain(0.0)
    assert await street.order("open") == Outcome.ACCEPTED


@on_the_street
async def test_a_pole_without_power_is_silent_and_comes_back_with_a_new_boot(street: Street) -> None:
    boot = street.state.boot
    street.pole.fail_power()
    await asyncio.sleep(60.0)
    assert street.state.silent_s(street.clock.monotonic_s()) >= 55.0
    outcome = await street.gateway.command(CODE, "LampActuator", "override", {"pattern": "landing"}, deadline_s=5.0)
    assert not outcome.accepted
    street.pole.restore_power()
    assert await street.gateway.until(CODE, lambda state: state.boot != boot and state.last_seq > 0, deadline_s=5.0)
    assert (await street.gateway.command(CODE, "LampActuator", "override", {"pattern": "landing"})).accepted


@on_the_street
async def test_what_a_pole_synced_survives_its_power_and_comes_under_its_first_boot(street: Street) -> None:
    boot = street.state.boot
    street.networks[CODE].fail()
    await asyncio.sleep(60.0)
    held = street.pole.agent.unsent
    street.pole.fail_power()
    await asyncio.sleep(30.0)
    street.pole.restore_power()
    street.networks[CODE].restore()
    assert street.pole.agent.unsent >= held - 10  # of the last second
    assert await street.gateway.until(CODE, lambda state: state.boot != boot and state.last_seq > 0, deadline_s=30.0)
    of_boot = [numbers_of(m) for c, m in street.store.told if c == CODE and isinstance(m, OfEntries) and m.boot == boot]
    numbers = [number for some in of_boot for number in some]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 60


def rough_hour(seed: int) -> int:
    """Orders, drones, rain and jams at random; at no moment may the motor run towards something in the cover's path.

    Returns how often the motor began to close.
    """

    async def main(_: Clock) -> int:
        rng, hardware, closings = random.Random(seed), SimDockHardware(), 0
        ends: list[asyncio.Future[None]] = []

        def landed(centred: bool) -> None:
            hardware.drone_present, hardware.path_clear = True, centred

        def rains(rain_mmph: float) -> None:
            hardware.rain_mmph = rain_mmph

        def left() -> None:
            hardware.drone_present, hardware.path_clear = False, True

        drive = hardware.drive

        def watched(motor: Motor) -> None:
            nonlocal closings
            closings += motor is Motor.CLOSE
            assert motor is not Motor.CLOSE or hardware.path_clear
            if motor is Motor.OPEN and hardware.path_clear:
                assert hardware.rain_mmph <= 2.5
            drive(motor)

        hardware.drive = watched  # type: ignore[method-assign]
        for _step in range(300):
            rng.choice([hardware.jam, hardware.free, left, left, lambda: landed(True), lambda: landed(False)])()
            rng.choice([lambda: None, lambda: rains(0.0), lambda: rains(9.0)])()
            hardware.sense()
            action = rng.choice(["reserve", "open", "close", "close", "release", "reset"])
            parameters = {"reserve": Reserve(flight="f"), "reset": NoParameters()}.get(action, ForFlight(flight="f"))
            with contextlib.suppress(Refused):
                ends.append(
                    asyncio.ensure_future(hardware.dock.begin("DroneDock", action, parameters) or asyncio.sleep(0))
                )
            await asyncio.sleep(rng.choice([0.0, 0.5, 3.0, 7.0, 20.0]))
            cover = hardware.dock.now().cover
            assert cover is not Cover.CLOSING or hardware.path_clear
            assert cover is not Cover.CLOSED or hardware.opened == 0.0
            assert cover is not Cover.OPEN or hardware.opened == 1.0
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        return closings

    return run(main, virtual_tempo())


def test_in_thirty_rough_hours_no_cover_closes_on_a_drone() -> None:
    assert sum(rough_hour(seed) for seed in range(30)) > 200


def test_a_gateway_that_restarts_is_found_again_and_misses_nothing() -> None:
    async def main(clock: Clock) -> None:
        store = Store()
        exchange = Exchange()
        async with asyncio.TaskGroup() as tasks:
            pole = SimPole(
                PoleSite(CODE, LatLon(34.75, 113.6)),
                wind=Wind(rng=random.Random(1)),
                connection=MemoryConnection(exchange),
                utc_s=clock.utc_s,
                rng=random.Random(2),
            )
            running = tasks.create_task(pole.run())
            for _ in range(4):
                async with Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway:
                    assert await gateway.until(CODE, lambda state: state.last_seq > 0, deadline_s=60.0)
                    await asyncio.sleep(33.3)
                await asyncio.sleep(71.7)
            running.cancel()
        seqs = store.numbers()
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) > 60

    run(main, virtual_tempo())


def day(seed: int) -> str:
    """The digest of some minutes in which poles lose power and docks are ordered about at random."""

    async def main(clock: Clock) -> str:
        rng, told = random.Random(seed), hashlib.sha256()
        async with street(clock, count=5, seed=seed) as the_street:
            for _ in range(40):
                pole = the_street.poles[rng.choice(sorted(the_street.poles))]
                rng.choice([pole.fail_power, pole.restore_power, pole.drone_landed, pole.drone_left])()
                action = rng.choice(["reserve", "open", "close", "release"])
                outcome = await the_street.gateway.command(pole.code, "DroneDock", action, RESERVE, deadline_s=3.0)
                told.update(repr((clock.monotonic_s(), outcome)).encode())
                await asyncio.sleep(rng.uniform(0.0, 10.0))
            told.update(repr(the_street.store.told).encode())
            told.update(repr(the_street.gateway.statistics()).encode())
        return told.hexdigest()

    return run(main, virtual_tempo())


def test_one_seed_gives_one_day_and_another_seed_another() -> None:
    assert day(1) == day(1)
    assert day(1) != day(2)


def test_three_poles_over_curve_at_twenty_times_the_speed() -> None:
    async def main(clock: Clock) -> None:
        server, store = new_key_pair(), Store()
        keys = {f"410105-LP-{n:06d}": new_key_pair() for n in (1, 2, 3)}
        allowed = {pair.public: code for code, pair in keys.items()}
        gateway = Gateway.tcp("tcp://127.0.0.1:0", server, allowed, **gateway_needs(clock, store))
        async with zmq_context() as context, gateway, asyncio.TaskGroup() as tasks:
            poles = [
                SimPole(
                    PoleSite(code, LatLon(34.75, 113.6)),
                    wind=Wind(rng=random.Random(1), east_mps=3.0),
                    connection=CurveConnection(context, gateway.address, pair, server.public),
                    utc_s=clock.utc_s,
                    rng=random.Random(code),
                )
                for code, pair in keys.items()
            ]
            running = [tasks.create_task(pole.run()) for pole in poles]
            for code in keys:
                assert await gateway.until(code, lambda state: len(state.readings) == 8, deadline_s=100.0)
            assert (await gateway.command(CODE, "DroneDock", "reserve", RESERVE, deadline_s=60.0)).accepted
            opened = await gateway.command(CODE, "DroneDock", "open", RESERVE, until="done", deadline_s=60.0)
            assert opened.accepted
            for task in running:
                task.cancel()

    run(main, scaled_tempo(20))
