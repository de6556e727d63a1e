"""The air over the city as receivers on poles hear it."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import LatLon, LocalFrame
from controller.clock import Clock, run, virtual_tempo
from poles.gateway import Gateway
from poles.heard import Ears, HeardDrone
from poles.heard.drone import Status
from poles.protocol import Heard, Observation, Source
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.city import City
from sim.city_file import CityAircraft, CityDrone, CityFile, CityGround, CityOrigin, CityPoint, CityPole
from sim.traffic.aircraft import Aircraft, Sighting
from sim.traffic.broadcast import other_drone, own_drone, transponder
from sim.traffic.hearing import Hearing, share_decoded, strength_dbm
from tests.poles.raw_pole import Store, gateway_needs

HERE = LatLon(34.75, 113.62)
FRAME = LocalFrame(HERE)
CODE = "410105-LP-000001"


@given(st.floats(1.0, 50_000.0), st.floats(1.0, 50_000.0))
def test_the_farther_the_fainter(near_m: float, far_m: float) -> None:
    near_m, far_m = sorted((near_m, far_m))
    near, far = (strength_dbm((away, 0, 0), (0, 0, 0), power_dbm=20.0, hz=2.4e9) for away in (near_m, far_m))
    assert near >= far
    assert share_decoded(near) >= share_decoded(far)


@pytest.mark.parametrize(
    ("rssi_dbm", "share"), [(-40, 0.999), (-86, 0.999), (-89, 0.95), (-91, 0.9), (-94, 0.45), (-97, 0.0), (-120, 0.0)]
)
def test_receivers_decode_as_the_standard_asks(rssi_dbm: float, share: float) -> None:
    assert share_decoded(rssi_dbm) == pytest.approx(share)


def test_a_building_between_costs_most_of_the_range() -> None:
    def heard(away_m: float, hidden: bool) -> float:
        hearing = Hearing(random.Random(1), lambda a, b: hidden)
        return sum(hearing.of_wifi((away_m, 0.0, 50.0), (0.0, 0.0, 10.0)) is not None for _ in range(500)) / 500.0

    assert heard(1500.0, False) > 0.95
    assert heard(1500.0, True) < 0.1
    assert heard(50_000.0, False) == 0.0


def test_what_is_broadcast_is_heard_as_it_is() -> None:
    ears = Ears()
    flight = Aircraft("heli", ((0.0, 0.0, 200.0), (500.0, 0.0, 200.0)), 40.0, 0.0, icao=0x780A1B)
    sighting = flight.sighting(2.0)
    assert isinstance(sighting, Sighting)
    at = FRAME.latlon(sighting.place[0], sighting.place[1])
    spoken = {
        "own": own_drone(
            "d1", at, HERE, ellipsoidal_m=280.0, above_takeoff_m=50.0, velocity=(3.0, 4.0, 1.0), utc_s=1.8e9
        ),
        "other": other_drone(sighting, FRAME, 80.0, 1.8e9),
        "aircraft": transponder(sighting, FRAME, 80.0),
    }
    for name, frames in spoken.items():
        drone: HeardDrone | None = None
        for source, frame in frames:
            drone = ears.take(heard_as(source, frame, name), 1.8e9, HERE)
        assert drone is not None
        assert drone.position is not None
        assert drone.position.distance_m(at) < 5.0
        assert drone.ellipsoidal_m == pytest.approx(280.0, abs=1.0)
        assert drone.status is Status.AIRBORNE
        assert drone.speed_mps == pytest.approx(5.0 if name == "own" else 40.0, abs=0.6)


def observations(store: Store) -> list[Observation]:
    return [message for _, message in store.told if isinstance(message, Observation)]


def heard_as(source: Source, frame: bytes, transmitter: str) -> Heard:
    return Heard(source=source, frame=frame, age_s=0.0, transmitter=transmitter)


def test_poles_of_a_city_hear_what_flies_there() -> None:
    def point(east_m: float, north_m: float, agl_m: float) -> CityPoint:
        at = FRAME.latlon(east_m, north_m)
        return CityPoint(lat_deg=at.lat_deg, lon_deg=at.lon_deg, agl_m=agl_m)

    def flies(id_: str, heard: Any, *path: CityPoint, icao: int) -> CityAircraft:
        return CityAircraft(id=id_, path=path, speed_mps=20.0, repeats=True, heard=heard, icao=icao)

    file = CityFile(
        name="air",
        origin=CityOrigin(lat_deg=HERE.lat_deg, lon_deg=HERE.lon_deg),
        ground=CityGround(amsl_m=100.0, geoid_m=-19.4),
        poles=(CityPole(code=CODE, lat_deg=HERE.lat_deg, lon_deg=HERE.lon_deg, services=("receiver",)),),
        drones=(CityDrone(id="d1", lat_deg=HERE.lat_deg, lon_deg=HERE.lon_deg),),
        traffic=(
            flies("heli", "adsb", point(500.0, 0.0, 150.0), point(900.0, 0.0, 150.0), icao=0x780A1B),
            flies("toy", "remote-id", point(-300.0, 0.0, 60.0), point(-300.0, 300.0, 60.0), icao=2),
            flies("glider", "nothing", point(0.0, 100.0, 90.0), point(0.0, 500.0, 90.0), icao=3),
        ),
    )

    async def main(clock: Clock) -> None:
        store, exchange = Store(), Exchange()
        async with Gateway.memory(exchange, **gateway_needs(clock, store)), asyncio.TaskGroup() as tasks:
            city = City(file, utc_s=clock.utc_s, seed=1, connections={CODE: MemoryConnection(exchange)})
            running = tasks.create_task(city.run())
            await asyncio.sleep(20.0)
            running.cancel()
            truth = {one.aircraft.id: one.place for one in city.traffic.present(asyncio.get_running_loop().time())}
        ears, drones = Ears(), {}
        for observation in observations(store):
            for heard in observation.heard:
                drone = ears.take(heard, observation.at_s, HERE)
                if drone is not None:
                    drones[drone.registration or drone.id] = drone
        assert drones.keys() == {"HELI", "SIMTOY"}  # the drone of the city stands on the ground, the glider is silent
        for name, id_ in (("HELI", "heli"), ("SIMTOY", "toy")):
            at = drones[name].position
            assert at is not None
            e, n, u = truth[id_]
            assert at.distance_m(FRAME.latlon(e, n)) < 45.0  # two seconds of flight
            assert drones[name].ellipsoidal_m == pytest.approx(u + 80.6, abs=1.0)

    run(main, virtual_tempo())


def test_the_citys_own_drones_are_heard_while_they_are_up(monkeypatch: pytest.MonkeyPatch) -> None:
    here: dict[str, Any] = {"lat_deg": HERE.lat_deg, "lon_deg": HERE.lon_deg}
    file = CityFile(
        name="air",
        origin=CityOrigin(**here),
        ground=CityGround(amsl_m=100.0, geoid_m=-19.4),
        poles=(CityPole(code=CODE, **here, services=("receiver",)),),
        drones=(CityDrone(id="d1", **here),),
    )

    async def main(clock: Clock) -> None:
        store, exchange = Store(), Exchange()
        async with Gateway.memory(exchange, **gateway_needs(clock, store)), asyncio.TaskGroup() as tasks:
            city = City(file, utc_s=clock.utc_s, seed=1, connections={CODE: MemoryConnection(exchange)})
            running = tasks.create_task(city.run())
            await asyncio.sleep(30.0)
            assert observations(store) == []
            monkeypatch.setattr("sim.city.is_flying", lambda flown: True)
            await asyncio.sleep(5.0)
            running.cancel()
        last = observations(store)[-1]
        drone = Ears().take(last.heard[-1], last.at_s, HERE)
        assert drone is not None
        assert (drone.id, drone.source) == ("SIMD1", Source.GB46750)
        assert drone.position is not None
        assert drone.position.distance_m(HERE) < 2.0
        assert drone.operator.position == HERE

    run(main, virtual_tempo())
