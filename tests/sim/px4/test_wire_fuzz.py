"""Whatever comes over a link, the PX4 goes on living and its state stays one that it can be in."""

from __future__ import annotations

import asyncio
import math
import random

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone import SimDrone
from sim.px4.items import CAPACITY
from sim.px4.modes import Px4Mode
from tests.sim.px4.scene import commander, play
from tests.sim.station import Station
from tests.sim.test_wire_fuzz import mangled, something


def check(sim: SimDrone) -> None:
    truth, autopilot, boss = sim.truth, sim.autopilot, commander(sim)
    assert all(math.isfinite(v) for v in (truth.lat_deg, truth.lon_deg, truth.relative_m, truth.heading_deg))
    assert boss.mode in Px4Mode
    assert len(boss.mission) <= CAPACITY[0]
    assert len(boss.flight.origin) == len(boss.flight.items)
    assert 0 <= boss.current <= max(len(boss.mission) - 1, 0)
    assert 0.0 <= truth.battery <= 1.0
    assert autopilot.armed or not autopilot.flying or autopilot.falling


@pytest.mark.parametrize("seed", range(6))
def test_nonsense_neither_stops_nor_bends_it(seed: int) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        chance = random.Random(seed)
        for step in range(600):
            if chance.random() < 0.2:
                station.link.send(mangled(chance, station))
            else:
                station.send(something(chance))
            if step % 5 == 0:
                await asyncio.sleep(chance.choice([0.02, 0.3]))
                check(sim)
        for _ in range(20):  # a scrap may still hold the reader up for a frame or two
            station.send(mavlink.MAVLink_command_long_message(1, 1, 42999, 0, 0, 0, 0, 0, 0, 0, 0))
            await asyncio.sleep(0.5)
        last = station.of("COMMAND_ACK")[-1]
        assert (last.command, last.result) == (42999, mavlink.MAV_RESULT_UNSUPPORTED)

    play(scene)
