"""A pole over real CURVE through TCP that is cut, slow, or half open."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
import zmq.asyncio

from airspace.frames import LatLon
from controller.clock import Clock, real_tempo, run
from poles.agent import PoleAgent
from poles.gateway import Gateway
from poles.keys import new_key_pair
from poles.protocol import OfEntries
from poles.services.weather import Weather
from poles.wire.connection import CurveConnection
from tests.poles.faults.journal import Journal, judge
from tests.poles.faults.proxy import Proxy, proxied
from tests.poles.raw_pole import CODE, Store, gateway_needs


async def cut(proxy: Proxy) -> None:
    for _ in range(5):
        proxy.cut()
        await asyncio.sleep(0.2)


async def half_open(proxy: Proxy) -> None:
    """The connections stand for ever, and what goes in comes out nowhere; only new ones work."""
    proxy.swallows = True
    await asyncio.sleep(0.5)
    proxy.strand()
    proxy.swallows = False


async def slow(proxy: Proxy) -> None:
    proxy.delay_s = 0.3
    await asyncio.sleep(2.0)
    proxy.delay_s = 0.0


@pytest.mark.parametrize("happens", [cut, half_open, slow])
def test_nothing_is_lost_and_nothing_counted_twice(happens: Callable[[Proxy], Awaitable[None]]) -> None:
    server, pair, store, journal = new_key_pair(), new_key_pair(), Store(), Journal()

    async def main(clock: Clock) -> None:
        needs = gateway_needs(clock, store)
        context = zmq.asyncio.Context()
        async with (
            Gateway.tcp("tcp://127.0.0.1:0", server, {pair.public: CODE}, **needs) as gateway,
            proxied(int(gateway.address.rpartition(":")[2])) as (proxy, port),
        ):
            agent = PoleAgent(
                CODE,
                [Weather()],
                CurveConnection(context, f"tcp://127.0.0.1:{port}", pair, server.public),
                position=LatLon(34.7, 113.6),
                utc_s=clock.utc_s,
                rng=random.Random(1),
                report_every_s=0.05,
                heartbeat_every_s=0.5,
            )
            journal.watch(agent._outbox)
            async with asyncio.timeout(30.0), asyncio.TaskGroup() as tasks:
                running = tasks.create_task(agent.run())
                await told(agent, 20)
                await happens(proxy)
                await told(agent, agent._outbox.last_seq + 20)
                running.cancel()
        context.destroy(linger=0)
        held = [(agent.boot, one.seq) for one in agent._outbox.streams[0].held]
        verdict = judge(journal, [m for _, m in store.told if isinstance(m, OfEntries)], held, set())
        assert verdict.is_clean, verdict
        assert verdict.stored > 40

    run(main, real_tempo())


async def told(agent: PoleAgent, number: int) -> None:
    while agent.acknowledged < number:  # noqa: ASYNC110 - an agent rings no bell for that
        await asyncio.sleep(0.02)
