"""The whole way of a report, from a pole's socket into the store and back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import msgspec
import pytest

from benchmarks.mqtt_peer import PUBLISH, packet, publish, size_of
from benchmarks.pole_load import Told
from benchmarks.pole_load import report as wind
from benchmarks.poles import LOAD, Street
from controller.clock import Clock, real_tempo, run, virtual_tempo
from controller.events import PoleSaid
from controller.store import open_store
from poles.gateway import Gateway
from poles.gateway.flow import Said
from poles.gateway.ingest import GATHER_S
from poles.protocol import Ack, Report, Welcome, decode, encode, numbers_of
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from tests.controller.reading import read_store
from tests.poles.raw_pole import CODE, OTHER_CODE, Store, gateway_needs, hello, raw_pole, reading, report


def test_all_that_busy_poles_are_told_is_durable_is_in_the_store_once_and_in_order(tmp_path: Path) -> None:
    path, street = tmp_path / "store.db", Street(12)

    async def main(clock: Clock) -> Told:
        async with (
            open_store(path, clock.utc_s) as store,
            Gateway.tcp(
                "tcp://127.0.0.1:0",
                street.server,
                street.allowed,
                keep=store.keep,
                utc_s=clock.utc_s,
                rng=random.Random(1),
            ) as gateway,
        ):
            process = await asyncio.create_subprocess_exec(
                *LOAD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
            output, _ = await process.communicate(street.load(gateway.address, lasts_s=0.5))
            assert gateway.statistics() | {"poles": 12, "flooding": 0} == gateway.statistics()
        return msgspec.json.decode(output, type=Told)

    told = run(main, real_tempo())
    seen: dict[str, list[int]] = {}
    for record in read_store(path):
        if isinstance(record.event, PoleSaid):
            seen.setdefault(record.event.pole, []).extend(numbers_of(record.event.message))
    assert {code: len(numbers) for code, numbers in seen.items()} == told.durable
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen.values())
    assert len(told.delays_s) == told.sent == sum(told.durable.values()) > 0


class SlowStore(Store):
    """A store that takes its time, and tells how many batches were under way at once."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = 0
        self.most = 0
        self.batches: list[int] = []

    async def __call__(self, batch: Sequence[Said]) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.batches.append(len(batch))
        await asyncio.sleep(1.0)
        await super().__call__(batch)
        self.under_way -= 1


def virtually(test: Callable[[Clock, Exchange], Coroutine[None, None, None]]) -> Callable[[], None]:
    def wrapped() -> None:
        run(lambda clock: test(clock, Exchange()), virtual_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@virtually
async def test_what_comes_while_one_batch_is_stored_is_stored_together(clock: Clock, exchange: Exchange) -> None:
    store = SlowStore()
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)),
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        await pole.say(hello())
        await pole.expect(Welcome)
        for number in range(1, 31):
            await pole.say(report(number))
            await asyncio.sleep(0.1)
        acks = []
        while (heard := await pole.hear()) is not None:
            assert isinstance(heard, Ack)
            acks.append(heard.durable_seq)
    assert [entry.seq for entry in store.readings()] == list(range(1, 31))
    assert store.most == 1
    assert acks == sorted(acks)
    assert acks[-1] == 30
    assert sorted(store.batches)[-2:] == [10, 10]


@virtually
async def test_what_comes_twice_while_it_is_under_way_is_stored_once_and_acknowledged_when_it_is_durable(
    clock: Clock, exchange: Exchange
) -> None:
    store = SlowStore()
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        await pole.say(hello())
        await pole.expect(Welcome)
        said_s = clock.monotonic_s()
        await pole.say(report(1))
        await asyncio.sleep(0.3)
        await pole.say(report(1), Report(boot="b1", after=0, readings=(reading(1), reading(2))))
        assert (await pole.expect(Ack)).durable_seq == 1
        assert clock.monotonic_s() == said_s + 1.0
        assert (await pole.expect(Ack)).durable_seq == 2
        assert gateway.statistics()["duplicate"] == 1
    assert [entry.seq for entry in store.readings()] == [1, 2]


@virtually
async def test_a_pole_that_brings_far_too_much_is_slowed_named_and_cut_off_and_its_neighbour_waits_for_nobody(
    clock: Clock, exchange: Exchange
) -> None:
    store = Store()
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as flooder,
        raw_pole(MemoryConnection(exchange), OTHER_CODE) as neighbour,
    ):
        await flooder.say(hello())
        await neighbour.say(hello(OTHER_CODE))
        window = (await flooder.expect(Welcome)).window
        await neighbour.expect(Welcome)
        heavy = encode(report(1, values={"x": "y" * 40_000}))
        for _ in range(200):
            if not flooder.line.send(heavy):
                break
            await asyncio.sleep(0)
        assert gateway.flooding == (CODE,)
        assert gateway.statistics()["flooded"] > 0
        assert not flooder.line.send(heavy)  # its connection was ended
        await neighbour.say(report(1))
        said_s = clock.monotonic_s()
        assert (await neighbour.expect(Ack)).durable_seq == 1
        assert clock.monotonic_s() <= said_s + GATHER_S
        async with raw_pole(MemoryConnection(exchange)) as again:
            await asyncio.sleep(10.0)
            await again.say(hello())
            assert (await again.expect(Welcome)).window < window
            await asyncio.sleep(30.0)
            assert len(gateway.flooding) == 0
            await again.say(report(2))
            ack = await again.expect(Ack)
            assert (ack.durable_seq, ack.window) == (2, window)


def test_the_loads_reports_are_reports_and_packets_of_mqtt_tell_their_length() -> None:
    message = decode(wind("b1", 7, 1779066000.0))
    assert isinstance(message, Report)
    for size in (0, 5, 127, 128, 16_383, 16_384, 100_000):
        data = packet(PUBLISH, bytes(size))
        assert size_of(data, 0) == (size, len(data) - size)
        assert size_of(data[:1], 0) is None
    assert publish(258, b"payload").endswith(b"\x01\x02payload")


@pytest.mark.parametrize("kept", [0, 3])
def test_a_gateway_that_starts_anew_goes_on_where_the_store_ends(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "store.db"

    async def life(clock: Clock, first: int, last: int) -> None:
        exchange = Exchange()
        async with open_store(path, clock.utc_s) as store:
            needs = gateway_needs(clock, Store(), keep=store.keep, stored=store.poles_stored())
            async with Gateway.memory(exchange, **needs), raw_pole(MemoryConnection(exchange)) as pole:
                await pole.say(hello())
                assert (await pole.expect(Welcome)).durable_seq == first - 1
                await pole.say(*(report(number) for number in range(1, last + 1)))
                while (await pole.expect(Ack)).durable_seq < last:
                    pass

    if kept:
        run(lambda clock: life(clock, 1, kept), virtual_tempo())
    run(lambda clock: life(clock, kept + 1, kept + 4), virtual_tempo())
    messages = [record.event.message for record in read_store(path) if isinstance(record.event, PoleSaid)]
    assert [number for message in messages for number in numbers_of(message)] == list(range(1, kept + 5))
