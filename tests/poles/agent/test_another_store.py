"""A pole that comes to a store which has less than it was told: restored from a backup, or another district's."""

from __future__ import annotations

import asyncio
import random

import pytest

from airspace.frames import LatLon
from controller.clock import Clock, run, virtual_tempo
from poles.agent import PoleAgent
from poles.agent.entries import of_reading
from poles.agent.outbox import Outbox
from poles.agent.ring import PAGE_BYTES, Kind, Ring
from poles.gateway import Gateway
from poles.protocol import Hello, numbers_of
from poles.services.weather import Weather
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.flash import SimFlash
from tests.poles.raw_pole import CODE, Store, gateway_needs

EARLIER = f"{7:016x}"


def flash_of_an_earlier_boot(count: int, acknowledged: int) -> SimFlash:
    """What a life leaves that ended in order, when so many of its entries were acknowledged."""
    flash = SimFlash(64 * PAGE_BYTES)
    outbox = Outbox(lambda: EARLIER, ring=Ring.open(flash))
    for _ in range(count):
        outbox.put(Kind.READING, 1_779_066_000.0, 5.0, of_reading("WindSensor", {"windSpeed": 3.0}))
    assert outbox.acknowledged(EARLIER, acknowledged)
    outbox.close()
    return flash


@pytest.mark.parametrize(("count", "acknowledged", "stored"), [(10, 5, 0), (10, 5, 3), (200, 150, 0), (10, 5, 7)])
def test_all_that_the_ring_still_has_arrives_once_and_then_what_is_new(
    count: int, acknowledged: int, stored: int
) -> None:
    store = Store()
    early: list[int] = []

    async def main(clock: Clock) -> None:
        exchange = Exchange()
        known = {CODE: {EARLIER: stored}} if stored else {}
        agent = PoleAgent(
            CODE,
            [Weather()],
            MemoryConnection(exchange),
            position=LatLon(34.7, 113.6),
            utc_s=clock.utc_s,
            rng=random.Random(1),
            ring=Ring.open(flash_of_an_earlier_boot(count, acknowledged)),
        )
        async with Gateway.memory(exchange, **gateway_needs(clock, store, stored=known)) as gateway:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(agent.run())
                await asyncio.sleep(33.0)  # between two reports
                running.cancel()
            early.append(gateway.statistics().get("early", 0))
        assert agent.unsent == 0

    run(main, virtual_tempo())
    boots: dict[str, list[int]] = {}
    for _, message in store.told:
        if not isinstance(message, Hello):
            boots.setdefault(message.boot, []).extend(numbers_of(message))
    assert boots.pop(EARLIER) == list(range(max(acknowledged, stored) + 1, count + 1))
    (current,) = boots.values()
    assert current == list(range(1, len(current) + 1))
    assert sum(early) == (-(-(count - acknowledged) // 32) if stored < acknowledged else 0)  # once for each report
