"""A whole simulated city: what its parts feel of each other, and what fails together."""

from __future__ import annotations

import asyncio
import gc
import math
import random
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.reasons import Refused
from controller.clock import Clock, run, virtual_tempo
from poles.gateway import Gateway
from poles.services.cover import Motor
from poles.services.dock_functions import DockReadings, ForFlight, Reserve
from poles.services.weather import AirReadings, RainReadings, VisibilityReadings, WindReadings
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.city import City
from sim.city_file import (
    CityAircraft,
    CityCell,
    CityDrone,
    CityFile,
    CityFront,
    CityGround,
    CityOrigin,
    CityPoint,
    CityPole,
    CityRainCell,
    CityTerrain,
    CityWeather,
    load_city,
)
from sim.fittings.dock import COVER_TRAVEL_S
from sim.links import memory_link
from sim.pads import CURTAIN_M
from sim.radio.reception import NO_TROUBLE, Trouble
from tests.poles.raw_pole import Store, gateway_needs
from tests.sim.station import Station, airborne, when
from tests.sim.world_parts.ground_files import FRAME, MIDDLE, house, slope

EXAMPLE = Path(__file__).parents[3] / "examples" / "zhengzhou" / "city.yaml"
DOCK, LAMP, FAR_DOCK = "410105-LP-000001", "410105-LP-000002", "410105-LP-000003"


def pole(code: str, east_m: float, *services: str, mains: str = "", network: str = "") -> CityPole:
    at = FRAME.latlon(east_m, 0.0)
    return CityPole(code=code, lat_deg=at.lat_deg, lon_deg=at.lon_deg, services=services, mains=mains, network=network)


FILE = CityFile(
    name="hamlet",
    origin=CityOrigin(lat_deg=MIDDLE.lat_deg, lon_deg=MIDDLE.lon_deg),
    ground=CityGround(amsl_m=108.0, geoid_m=-19.4),
    weather=CityWeather(wind_mps=3.0, gust_mps=0.0),
    drones=(CityDrone(id="a", lat_deg=MIDDLE.lat_deg, lon_deg=MIDDLE.lon_deg),),
    poles=(
        pole(DOCK, 0.0, "weather", "lamp", "dock", mains="west", network="ring"),
        pole(LAMP, 100.0, "weather", "lamp", mains="west", network="star"),
        pole(FAR_DOCK, 2000.0, "weather", "dock", mains="east", network="ring"),
    ),
    cells=(
        CityCell(name="one", lat_deg=MIDDLE.lat_deg, lon_deg=MIDDLE.lon_deg, mains="west", network="ring"),
        CityCell(name="two", lat_deg=MIDDLE.lat_deg, lon_deg=MIDDLE.lon_deg, range_m=1500.0, mains="east"),
    ),
    report_every_s=2.0,
)


@dataclass(frozen=True)
class Reported:
    """The weather that one pole reports, all of its functions."""

    wind_mean_mps: float | None
    wind_from_deg: float | None
    rain_mmph: float | None
    temperature_c: float | None
    visibility_m: float | None


class Town:
    """A running city and the gateway that hears its poles."""

    def __init__(self, city: City, gateway: Gateway) -> None:
        self.city = city
        self.gateway = gateway

    def dock(self, code: str = DOCK) -> DockReadings:
        readings = self.gateway.poles[code].values("DroneDock", DockReadings)
        assert readings is not None
        return readings

    def weather(self, code: str) -> Reported:
        state = self.gateway.poles[code]
        wind, rain = state.values("WindSensor", WindReadings), state.values("PrecipitationSensor", RainReadings)
        air = state.values("AtmosphericSensor", AirReadings)
        visibility = state.values("VisibilitySensor", VisibilityReadings)
        assert wind is not None
        assert rain is not None
        assert air is not None
        assert visibility is not None
        return Reported(
            wind.wind_mean_mps, wind.wind_from_deg, rain.rain_mmph, air.temperature_c, visibility.visibility_m
        )

    def silent_s(self, code: str) -> float:
        """How long nothing was heard of a pole [s]."""
        now_s = asyncio.get_running_loop().time()
        return now_s - self.gateway.poles[code].readings["WindSensor"].taken_s


@asynccontextmanager
async def town(clock: Clock, file: CityFile = FILE, folder: Path = Path(), seed: int = 1) -> AsyncIterator[Town]:
    exchange = Exchange()
    connections = {one.code: MemoryConnection(exchange) for one in file.poles}
    city = City(file, utc_s=clock.utc_s, seed=seed, connections=connections, folder=folder)
    async with Gateway.memory(exchange, **gateway_needs(clock, Store())) as gateway:
        running = asyncio.create_task(city.run())
        await asyncio.sleep(1.0)
        yield Town(city, gateway)
        assert not running.done()  # or something in it broke
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def in_town(file: CityFile = FILE) -> Callable[[Callable[[Town], Coroutine[None, None, None]]], Callable[[], None]]:
    def over(test: Callable[[Town], Coroutine[None, None, None]]) -> Callable[[], None]:
        async def main(clock: Clock) -> None:
            async with town(clock, file) as there:
                await test(there)

        def wrapped() -> None:
            run(main, virtual_tempo())

        wrapped.__name__ = test.__name__
        return wrapped

    return over


async def flying(city: City, drone: str = "a") -> list[object]:
    """Connect to a drone as a ground station does; what it says is collected in the list that is returned."""
    here, there = memory_link(latency_s=0.02, rng=random.Random(1))
    city.attach(drone, there)
    heard: list[object] = []
    parser = mavlink.MAVLink(None)

    async def listen() -> None:
        while True:
            heard.extend(parser.parse_buffer(await here.receive()) or [])

    task = asyncio.create_task(listen())
    heard.append(task)  # kept alive as long as the list
    here.send(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3).pack(mavlink.MAVLink(None, 255, 190)))
    return heard


def heartbeats(heard: list[object]) -> int:
    return sum(isinstance(one, mavlink.MAVLink_heartbeat_message) for one in heard)


# What hangs together fails together


@in_town()
async def test_when_the_mains_of_a_district_fail_its_poles_fall_silent_together_and_come_back(town: Town) -> None:
    assert town.city.districts.mains == ("east", "west")
    town.city.districts.mains_off("west")
    await asyncio.sleep(30.0)
    assert [town.silent_s(code) > 25.0 for code in (DOCK, LAMP, FAR_DOCK)] == [True, True, False]
    assert town.city.radio.quality(1450.0, 0.0, 50.0).loss == pytest.approx(0.45, abs=0.1)  # through "two" alone
    town.city.districts.mains_on("west")
    await asyncio.sleep(15.0)
    assert max(town.silent_s(code) for code in (DOCK, LAMP, FAR_DOCK)) < 5.0
    assert town.city.radio.quality(1450.0, 0.0, 50.0).loss < 0.3


@in_town()
async def test_when_the_network_of_a_district_fails_its_poles_live_on_unheard_and_nothing_is_lost(town: Town) -> None:
    town.city.districts.network_off("ring")
    boots = {code: town.gateway.poles[code].boot for code in town.city.poles}
    await asyncio.sleep(60.0)
    assert [town.silent_s(code) > 50.0 for code in (DOCK, LAMP, FAR_DOCK)] == [True, False, True]
    assert town.city.poles[DOCK].agent.unsent > 20
    town.city.districts.network_on("ring")
    await asyncio.sleep(45.0)
    assert {code: town.gateway.poles[code].boot for code in town.city.poles} == boots
    assert max(town.city.poles[code].agent.unsent for code in (DOCK, FAR_DOCK)) <= 7  # one round of readings


@in_town()
async def test_a_short_gap_of_the_network_goes_unnoticed(town: Town) -> None:
    agent = town.city.poles[DOCK].agent
    town.city.districts.network_off("ring")
    await asyncio.sleep(4.0)
    town.city.districts.network_on("ring")
    await asyncio.sleep(8.0)
    assert agent.connected
    assert agent.unsent < 3


@in_town()
async def test_a_dock_without_mains_stops_where_it_is_and_goes_on_with_them(town: Town) -> None:
    hardware = town.city.poles[FAR_DOCK].hardware
    hardware.drive(Motor.OPEN)
    await asyncio.sleep(COVER_TRAVEL_S / 2)
    town.city.districts.mains_off("east")
    halfway = hardware.opened
    assert 0.3 < halfway < 0.7
    await asyncio.sleep(60.0)
    assert hardware.opened == halfway
    town.city.districts.mains_on("east")
    await asyncio.sleep(COVER_TRAVEL_S)
    assert hardware.opened == 1.0


@in_town()
async def test_two_causes_of_darkness_must_both_end(town: Town) -> None:
    simulated = town.city.poles[DOCK]
    simulated.fail_power()
    town.city.districts.mains_off("west")
    town.city.districts.mains_on("west")
    await asyncio.sleep(20.0)
    assert town.silent_s(DOCK) > 15.0
    simulated.restore_power()
    await asyncio.sleep(10.0)
    assert town.silent_s(DOCK) < 5.0


@in_town()
async def test_what_fails_twice_is_back_after_once_and_unknown_names_are_mistakes(town: Town) -> None:
    districts = town.city.districts
    for _ in range(2):
        districts.mains_off("west")
        districts.network_off("star")
    await asyncio.sleep(30.0)
    assert [town.silent_s(code) > 25.0 for code in (DOCK, LAMP, FAR_DOCK)] == [True, True, False]
    districts.mains_on("west")
    districts.network_on("star")
    await asyncio.sleep(45.0)
    assert max(town.silent_s(code) for code in (DOCK, LAMP, FAR_DOCK)) < 5.0
    for act in (districts.mains_off, districts.mains_on, districts.network_off, districts.network_on):
        with pytest.raises(KeyError):
            act("nowhere")


# Radio


@in_town()
async def test_a_link_that_is_closed_is_forgotten_with_the_next_one(town: Town) -> None:
    def come_and_go() -> weakref.ref[object]:
        here, there = memory_link(rng=random.Random(1))
        town.city.attach("a", there)
        here.close()
        return weakref.ref(there)

    gone = [come_and_go() for _ in range(5)]
    await asyncio.sleep(1.0)
    here, there = memory_link(rng=random.Random(2))
    town.city.attach("a", there)
    gc.collect()
    assert [link() for link in gone] == [None] * 5
    town.city.cut_links("a", True)
    here.send(b"what is sent in an outage of the link that is left")
    assert here.lost == 1


@in_town()
async def test_a_drone_is_heard_through_the_best_cell_and_not_without_any(town: Town) -> None:
    heard = await flying(town.city)
    await asyncio.sleep(10.0)
    first = heartbeats(heard)
    assert first >= 9
    town.city.radio.cell_off("one")
    await asyncio.sleep(10.0)
    assert heartbeats(heard) >= first + 9
    town.city.districts.mains_off("east")
    await asyncio.sleep(10.0)
    dark = heartbeats(heard)
    assert dark <= first + 12
    town.city.radio.cell_on("one")
    await asyncio.sleep(10.0)
    assert heartbeats(heard) >= dark + 8


@in_town(replace(FILE, cells=()))
async def test_trouble_of_a_drones_radio_counts_for_all_its_links_until_it_is_over(town: Town) -> None:
    before = await flying(town.city)
    town.city.set_trouble("a", Trouble(loss=1.0))
    after = await flying(town.city)
    await asyncio.sleep(10.0)
    assert heartbeats(before) == heartbeats(after) == 0
    assert town.city.trouble("a") == Trouble(loss=1.0)
    town.city.set_trouble("a", NO_TROUBLE)
    await asyncio.sleep(10.0)
    assert heartbeats(before) >= 9
    with pytest.raises(KeyError):
        town.city.set_trouble("nobody", NO_TROUBLE)


# Weather and traffic

WET = CityWeather(
    wind_mps=3.0,
    gust_mps=0.0,
    fronts=(CityFront(at_s=60.0, wind_mps=10.0, from_deg=270.0, over_s=60.0, gust_mps=0.0),),
    rain_cells=(
        CityRainCell(
            at_s=120.0,
            lasts_s=400.0,
            lat_deg=MIDDLE.lat_deg,
            lon_deg=MIDDLE.lon_deg,
            radius_m=500.0,
            rain_mmph=20.0,
        ),
    ),
)


@in_town(replace(FILE, weather=WET))
async def test_poles_feel_the_front_and_the_shower_that_pass_over_them(town: Town) -> None:
    await asyncio.sleep(50.0)
    assert town.weather(DOCK).wind_mean_mps == pytest.approx(3.0, abs=0.01)
    assert town.weather(DOCK).rain_mmph == 0.0
    await asyncio.sleep(250.0)
    assert town.weather(DOCK).wind_mean_mps == pytest.approx(10.0, abs=0.1)
    assert town.weather(DOCK).wind_from_deg == pytest.approx(270.0, abs=1.0)
    assert (town.weather(DOCK).rain_mmph or 0.0) > 19.0
    assert (town.weather(DOCK).visibility_m or 0.0) < 5000.0
    assert town.weather(FAR_DOCK).rain_mmph == 0.0
    await asyncio.sleep(300.0)
    assert town.weather(DOCK).rain_mmph == 0.0


@in_town()
async def test_rain_can_be_set_for_all_or_at_one_pole_and_given_back(town: Town) -> None:
    def rain() -> list[float]:
        return [one.hardware.rain_mmph for one in town.city.poles.values() if one.site.has_dock]

    town.city.set_rain(8.0)
    assert rain() == [8.0, 8.0]
    town.city.set_rain(30.0, FAR_DOCK)
    assert rain() == [8.0, 30.0]
    town.city.set_rain(None)
    assert rain() == [0.0, 30.0]
    town.city.set_rain(None, FAR_DOCK)
    assert rain() == [0.0, 0.0]


@in_town()
async def test_cold_reaches_poles_and_batteries(town: Town) -> None:
    full = town.city.drones["a"].autopilot.battery.resistance_ohm
    town.city.set_temperature(-10.0)
    town.city.set_visibility(300.0)
    await asyncio.sleep(15.0)  # the slow quantities are reported every third time
    assert town.weather(DOCK).temperature_c == pytest.approx(-10.0, abs=0.1)
    assert town.weather(DOCK).visibility_m == pytest.approx(300.0)
    assert town.city.drones["a"].autopilot.battery.resistance_ohm > full
    town.city.set_temperature(None)
    assert town.city.drones["a"].autopilot.battery.resistance_ohm == full


HELICOPTER = CityAircraft(
    id="B-7001",
    path=(
        CityPoint(lat_deg=34.76, lon_deg=113.62, agl_m=200.0),
        CityPoint(lat_deg=34.74, lon_deg=113.62, agl_m=200.0),
    ),
    at_s=5.0,
    icao=0x780123,
)


@in_town(replace(FILE, traffic=(HELICOPTER,)))
async def test_a_drone_with_a_receiver_tells_of_aircraft_around_it(town: Town) -> None:
    heard = await flying(town.city)
    await asyncio.sleep(10.0)
    assert not any(isinstance(one, mavlink.MAVLink_adsb_vehicle_message) for one in heard)
    town.city.drones["a"].set_parameter("ADSB_TYPE", 1)
    await asyncio.sleep(10.0)
    told = [one for one in heard if isinstance(one, mavlink.MAVLink_adsb_vehicle_message)]
    assert 8 <= len(told) <= 11
    assert {one.ICAO_address for one in told} == {0x780123}
    assert told[-1].lat < told[0].lat
    assert told[0].altitude == 308_000


# Ground, docks, fleet


def built(folder: Path, east_m: float, top_m: float) -> CityFile:
    """The hamlet with a house."""
    return replace(FILE, buildings=(house(folder, east_m, top_m),))


def test_on_a_slope_poles_and_drones_stand_as_high_as_it_is_there(tmp_path: Path) -> None:
    slope(tmp_path)
    up = FRAME.latlon(1000.0, 0.0)
    drones = (FILE.drones[0], CityDrone(id="b", lat_deg=up.lat_deg, lon_deg=up.lon_deg))
    weather = CityWeather(wind_mps=5.0, from_deg=270.0, gust_mps=0.0, shear_exponent=0.22)
    terrain = CityTerrain(path="slope.tif", heights="ellipsoid")
    file = replace(FILE, terrain=terrain, drones=drones, weather=weather)

    async def main(clock: Clock) -> None:
        async with town(clock, file, tmp_path) as there:
            low, high = there.city.place_of("a")[2], there.city.place_of("b")[2]
            assert high - low == pytest.approx(10.0, abs=0.05)
            assert there.city.poles[FAR_DOCK].site.foot_m - low == pytest.approx(20.0, abs=0.05)
            # 10 m above either ground the wind is the one that the file states
            assert there.city.wind.at((1000.0, 0.0), high + 10.0, 0.0)[0] == pytest.approx(5.0, abs=0.01)
            await asyncio.sleep(30.0)
            assert there.weather(FAR_DOCK).wind_mean_mps == pytest.approx(5.0, abs=0.01)

    run(main, virtual_tempo())


def test_between_the_towers_of_the_example_less_of_the_sky_is_seen() -> None:
    async def main(clock: Clock) -> None:
        file = load_city(EXAMPLE)
        async with town(clock, file, EXAMPLE.parent) as there:
            lines, skyline = there.city.sky.view().lines, there.city.skyline
            assert skyline is not None

            def seen(e_m: float, n_m: float, u_m: float) -> int:
                return sum(
                    line.elevation_deg > skyline.elevation_deg(e_m, n_m, u_m, line.azimuth_deg) for line in lines
                )

            street = (-157.0, -574.0)
            roofs = there.city.ground.buildings
            assert roofs.roof_m(*street) == -math.inf
            beside_a_wall = (-146.5, -554.7)
            assert 0 < seen(*beside_a_wall, 2.0) < seen(*street, 2.0) + 3
            assert seen(1000.0, -1500.0, 2.0) == len(lines)
            assert 2 <= seen(*street, 2.0) <= len(lines) - 4
            assert seen(*street, 100.0) == len(lines)

    run(main, virtual_tempo())


def test_a_drone_that_stands_on_a_roof_is_as_high_as_the_roof(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        async with town(clock, built(tmp_path, 0.0, 25.0), tmp_path) as there:
            assert there.city.place_of("a") == pytest.approx((0.0, 0.0, 25.0), abs=1e-6)
            assert there.city.ground.struck(0.0, 0.0, 20.0) == "house"
            assert there.city.skyline is not None
            assert there.city.sky.skyline is there.city.skyline

    run(main, virtual_tempo())


def test_a_drone_that_flies_into_a_house_of_the_file_breaks_and_one_that_flies_over_it_does_not(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        async with town(clock, replace(built(tmp_path, 80.0, 30.0), cells=()), tmp_path) as there:
            near, far = memory_link(rng=random.Random(1))
            drone = there.city.drones["a"]
            there.city.attach("a", near)
            async with Station(far) as station:
                await asyncio.sleep(90.0)
                await airborne(drone, station, 40.0)
                station.send(to_the_east(80.0, 40.0))
                await when(lambda: there.city.place_of("a")[0] > 79.5)
                assert drone.truth.armed
                assert drone.truth.relative_m > 35.0
                station.send(to_the_east(0.0, 40.0))
                await when(lambda: there.city.place_of("a")[0] < 1.0)
                station.send(to_the_east(0.0, 20.0))
                await when(lambda: drone.truth.relative_m < 20.5)
                station.send(to_the_east(150.0, 20.0))
                await when(lambda: drone.truth.landed, within_s=60.0)
                assert "SIM Hit house" in station.texts()
                assert there.city.place_of("a")[0] == pytest.approx(70.0, abs=2.0)
                assert there.city.place_of("a")[2] == pytest.approx(0.0, abs=0.1)

    run(main, virtual_tempo())


def to_the_east(east_m: float, height_m: float) -> mavlink.MAVLink_set_position_target_local_ned_message:
    only_position = 0b110111111000
    return mavlink.MAVLink_set_position_target_local_ned_message(
        0, 1, 1, mavlink.MAV_FRAME_LOCAL_NED, only_position, 0.0, east_m, -height_m, 0, 0, 0, 0, 0, 0, 0, 0
    )


def test_behind_a_house_a_cell_is_weaker(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        async with town(clock, built(tmp_path, 300.0, 60.0), tmp_path) as there:
            there.city.radio.cell_off("two")
            behind, above = (there.city.radio.quality(1200.0, 0.0, u) for u in (25.0, 300.0))
            assert behind.loss > 0.5
            assert above.loss < 0.05

    run(main, virtual_tempo())


def test_buildings_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        with pytest.raises(Refused):
            async with town(clock, replace(FILE, buildings=("nowhere.geojson",)), tmp_path):
                pass

    run(main, virtual_tempo())


@in_town(
    replace(FILE, drones=(replace(FILE.drones[0], battery_pct=55.0), replace(FILE.drones[0], id="b", lat_deg=34.76)))
)
async def test_drones_have_places_batteries_and_numbers_of_their_own(town: Town) -> None:
    a, b = town.city.drones["a"], town.city.drones["b"]
    assert (a.system_id, b.system_id) == (1, 2)
    assert a.truth.battery == pytest.approx(0.55, abs=0.02)
    assert b.truth.battery > 0.98
    assert math.dist(town.city.place_of("a"), town.city.place_of("b")) == pytest.approx(1109.0, abs=3.0)
    assert town.city.occupied(DOCK)
    assert not town.city.occupied(FAR_DOCK)
    assert town.dock().drone_present
    assert not town.dock(FAR_DOCK).drone_present


def test_the_same_seed_gives_the_same_city_and_another_another() -> None:
    def told(seed: int) -> list[tuple[float, float, float]]:
        found: list[tuple[float, float, float]] = []

        async def main(clock: Clock) -> None:
            weather = replace(FILE.weather, gust_mps=1.0)
            async with town(clock, replace(FILE, weather=weather), seed=seed) as there:
                for _ in range(20):
                    await asyncio.sleep(1.0)
                    now_s = asyncio.get_running_loop().time()
                    found.append(there.city.wind.at((0.0, 0.0), 50.0, now_s))

        run(main, virtual_tempo())
        return found

    assert told(1) == told(1)
    assert told(1) != told(2)


# Docks and who is over them


def test_a_dock_feels_a_drone_on_its_way_up_and_down_and_does_not_close_on_it() -> None:
    async def main(clock: Clock) -> None:
        async with town(clock, replace(FILE, cells=())) as there:
            near, far = memory_link(rng=random.Random(1))
            drone, dock = there.city.drones["a"], there.city.poles[DOCK]
            there.city.attach("a", near)
            seen: list[tuple[float, bool, bool]] = []

            async def look() -> None:
                while True:
                    seen.append((drone.truth.relative_m, not drone.truth.landed, dock.hardware.path_clear))
                    await asyncio.sleep(0.05)

            dock.dock.begin("DroneDock", "reserve", Reserve(flight="f", purpose="launch"))
            dock.dock.begin("DroneDock", "open", ForFlight(flight="f"))
            async with Station(far) as station:
                await asyncio.sleep(90.0)
                looking = asyncio.create_task(look())
                await airborne(drone, station, 20.0)
                assert await station.command(176, 1, 9) == 0  # LAND
                await when(lambda: drone.truth.relative_m < CURTAIN_M - 1.0)
                with pytest.raises(Refused, match="path of the dock's cover"):
                    dock.dock.begin("DroneDock", "close", ForFlight(flight="f"))
                await when(lambda: drone.truth.landed)
            looking.cancel()
            assert all(not clear for height_m, flies, clear in seen if flies and height_m < CURTAIN_M - 0.7)
            assert all(clear for height_m, flies, clear in seen if not flies or height_m > CURTAIN_M + 3.0)
            assert dock.hardware.opened == 1.0
            assert dock.dock.begin("DroneDock", "close", ForFlight(flight="f")) is not None
            await asyncio.sleep(COVER_TRAVEL_S + 1.0)
            assert dock.hardware.opened == 0.0
            assert there.city.poles[FAR_DOCK].hardware.path_clear

    run(main, virtual_tempo())


@in_town()
async def test_a_light_curtain_that_a_parked_drone_blocks_stays_blocked_when_another_has_passed_over_it(
    there: Town,
) -> None:
    dock = there.city.poles[FAR_DOCK]
    for centred in (False, True):
        dock.drone_landed(centred=centred)
        dock.drone_overhead()
        assert not dock.hardware.path_clear
        dock.path_left()
        assert dock.hardware.path_clear is centred
