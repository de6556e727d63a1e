"""The example's plan flown by the simulated ArduCopter, without a word from anybody, under the fence that it made."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from airspace.frames import LatLon
from controller.clock import Clock, run, virtual_tempo
from missions.items import MissionItem
from missions.plan import Leg, Plan
from sim.drone import SimDrone
from sim.drone.items import StoredItem
from sim.links import memory_link
from sim.wind import Wind
from tests.missions.scenario import GROUND, HOME, plan, square, zone
from tests.sim.station import HOME as HOME_ITEM
from tests.sim.station import Station, begun, when

ON_THE_ROUTE = LatLon(34.75166, 113.62115)


@dataclass
class Flight:
    lasted_s: float
    used_wh: float
    landed: LatLon
    texts: list[str]
    photos: int


def stored(items: tuple[MissionItem, ...]) -> list[StoredItem]:
    return [
        StoredItem(
            item.command,
            item.frame,
            item.param1,
            item.param2,
            item.param3,
            item.param4,
            round(item.lat_deg * 1e7),
            round(item.lon_deg * 1e7),
            item.alt_m,
        )
        for item in items
    ]


@asynccontextmanager
async def staged(clock: Clock) -> AsyncIterator[tuple[SimDrone, Station]]:
    """A drone that is ready at home, and a ground station."""
    near, far = memory_link(rng=random.Random(1))
    sim = SimDrone(
        lat_deg=HOME.lat_deg,
        lon_deg=HOME.lon_deg,
        datum_amsl_m=GROUND.amsl_m,
        rng=random.Random(1),
        wind=Wind(rng=random.Random(2)),
        utc_s=clock.utc_s,
        warm=True,
    )
    sim.attach(near)
    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(sim.run())
        async with Station(far) as station:
            await asyncio.sleep(1.05)
            yield sim, station
        living.cancel()


def flown(made: Plan) -> Flight:
    async def main(clock: Clock) -> Flight:
        async with staged(clock) as (sim, station):
            for name, value in {**made.parameters, "FENCE_ENABLE": 1.0}.items():
                await station.set_parameter(name, value)
            assert await station.upload(stored(made.fence), 1) == 0
            assert await station.upload(stored(made.rally), 2) == 0
            await begun(station, [HOME_ITEM, *stored(made.items)])
            started_s, before_wh = clock.monotonic_s(), sim.autopilot.battery.consumed_wh
            await when(lambda: not sim.truth.armed, 1200.0)
            return Flight(
                clock.monotonic_s() - started_s,
                sim.autopilot.battery.consumed_wh - before_wh,
                LatLon(sim.truth.lat_deg, sim.truth.lon_deg),
                station.texts(),
                len(station.of("CAMERA_FEEDBACK")),
            )

    return run(main, virtual_tempo())


def without_a_word(made: Plan) -> list[Leg]:
    open_ground = next(landing.name for landing in made.landings if not landing.dock)
    return [leg for leg in made.legs if leg.branch in ("", open_ground)]


def as_planned(made: Plan) -> None:
    flight = flown(made)
    legs = without_a_word(made)
    field = next(landing.place for landing in made.landings if not landing.dock)
    assert flight.landed.distance_m(LatLon(field.lat_deg, field.lon_deg)) < 2.0
    assert not [text for text in flight.texts if "fence" in text.lower() and "breach" in text.lower()]
    assert flight.lasted_s == pytest.approx(max(leg.end_s for leg in legs), rel=0.03)
    assert flight.used_wh == pytest.approx(sum(leg.energy_wh for leg in legs), rel=0.05)
    # The camera looks at the distance in steps, so its spacing is a little more than asked.
    assert flight.photos == pytest.approx(made.photos_planned, rel=0.05)


def test_the_plan_is_flown_in_the_time_and_with_the_energy_that_it_says() -> None:
    as_planned(plan())


def test_a_plan_around_a_zone_is_flown_inside_its_own_fence() -> None:
    as_planned(plan(zones=[zone("A", square(ON_THE_ROUTE, 120))]))
