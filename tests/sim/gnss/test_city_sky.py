"""The drones and stations of a city have one sky, with its buildings, and are corrected as its file says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.city import City
from sim.city_file import CityDrone, CityFile, CityGround, CityOrigin, CityPole, load_city
from tests.sim.gnss.henan import ZHENGZHOU

ZHENGZHOU_CITY = Path(__file__).resolve().parents[3] / "examples" / "zhengzhou" / "city.yaml"


def small_city(corrections: Literal["network", "radio"]) -> CityFile:
    lat_deg, lon_deg = ZHENGZHOU.lat_deg, ZHENGZHOU.lon_deg
    return CityFile(
        name="crossing",
        origin=CityOrigin(lat_deg=lat_deg, lon_deg=lon_deg),
        ground=CityGround(amsl_m=110.0, geoid_m=-20.0),
        drones=tuple(CityDrone(id=f"drone-{n}", lat_deg=lat_deg + n * 1e-3, lon_deg=lon_deg) for n in (1, 2)),
        poles=(CityPole(code="410105-LP-000001", lat_deg=lat_deg, lon_deg=lon_deg, services=("base_station",)),),
        corrections=corrections,
    )


def made(file: CityFile, clock: Clock, folder: Path = Path()) -> City:
    exchange = Exchange()
    connections = {pole.code: MemoryConnection(exchange) for pole in file.poles}
    return City(file, utc_s=clock.utc_s, seed=1, connections=connections, folder=folder)


def test_drones_of_a_city_share_its_sky_and_are_known_there_by_their_names() -> None:
    async def main(clock: Clock) -> None:
        city = made(small_city("network"), clock)
        receivers = [drone.autopilot.receiver for drone in city.drones.values()]
        assert all(receiver.sky is city.sky for receiver in receivers)
        assert [receiver.name for receiver in receivers] == list(city.drones)
        assert city.sky.datum_ellipsoidal_m == 90.0
        assert city.sky.skyline is None

    run(main, virtual_tempo())


@pytest.mark.parametrize(("corrections", "fix_type"), [("network", 6), ("radio", 3)])
def test_the_file_says_how_receivers_are_corrected(corrections: Literal["network", "radio"], fix_type: int) -> None:
    async def main(clock: Clock) -> None:
        city = made(small_city(corrections), clock)
        for drone in city.drones.values():
            receiver, body = drone.autopilot.receiver, drone.autopilot.body
            for step in range(20):
                receiver.step(step * 0.2, body.e, body.n, body.u)
            assert receiver.fix_type == fix_type

    run(main, virtual_tempo())


def test_the_towers_of_the_example_city_hide_satellites_in_the_street_between_them() -> None:
    async def main(clock: Clock) -> None:
        city = made(load_city(ZHENGZHOU_CITY), clock, ZHENGZHOU_CITY.parent)
        assert city.skyline is not None
        towers = [solid for solid in city.ground.buildings.solids if solid.highest_m > 60.0]
        assert towers
        receiver = next(iter(city.drones.values())).autopilot.receiver
        fewest = len(city.sky.view().lines)
        for number, tower in enumerate(towers):
            west, south, east, north = tower.plan.bounds
            for place in ((west - 8.0, (south + north) / 2.0), ((west + east) / 2.0, north + 8.0)):
                receiver.restart()
                receiver.step(float(number), *place, 2.0)
                fewest = min(fewest, len(receiver.lines))
        assert fewest <= len(city.sky.view().lines) - 3

    run(main, virtual_tempo())
