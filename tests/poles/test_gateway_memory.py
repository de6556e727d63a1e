"""The gateway in virtual time, where poles and controller share one process."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence

import pytest

from airspace.reasons import Refused
from controller.clock import Clock, run, virtual_tempo
from poles.gateway import Gateway
from poles.gateway.flow import WAITING_PER_POLE, Said
from poles.protocol import Accepted, Ack, Heartbeat, Quality, Refusal, Report, Result, Welcome, encode
from poles.services.weather import RainReadings
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from tests.poles.raw_pole import (
    CODE,
    OTHER_CODE,
    RawPole,
    Store,
    gateway_needs,
    hello,
    raw_pole,
    reading,
    report,
)

Body = Callable[[Clock, Exchange, Store], Coroutine[None, None, None]]


def in_virtual_time(test: Body) -> Callable[[], None]:
    async def main(clock: Clock) -> None:
        await test(clock, Exchange(), Store())

    def wrapped() -> None:
        run(main, virtual_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@in_virtual_time
async def test_the_pole_is_who_its_line_says(clock: Clock, exchange: Exchange, store: Store) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        assert gateway.address == "memory:"
        await pole.say(hello(OTHER_CODE))
        assert (await pole.expect(Refusal)).code == "pole.identity"
        await pole.say(hello(CODE))
        await pole.expect(Welcome)
        assert set(gateway.poles) == {CODE}


@in_virtual_time
async def test_another_version_is_refused_with_the_ones_that_are_spoken(
    clock: Clock, exchange: Exchange, store: Store
) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        await pole.say(hello(version=2))
        refusal = await pole.expect(Refusal)
        assert (refusal.code, refusal.versions) == ("pole.version", (1,))
        assert "2" in refusal.zh
        assert gateway.statistics()["wrong_version"] == 1
    assert store.told == []


@in_virtual_time
async def test_the_welcome_tells_what_the_store_held_before(clock: Clock, exchange: Exchange, store: Store) -> None:
    stored = {CODE: {"b1": 41}}
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store, stored=stored)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        await pole.say(hello())
        assert (await pole.expect(Welcome)).durable_seq == 41
        await pole.say(report(41), report(44))
        assert (await pole.expect(Ack)).durable_seq == 41
        await pole.say(report(42), report(44, after=42))
        assert (await pole.expect(Ack)).durable_seq == 44
        assert gateway.statistics() | {"duplicate": 1, "early": 1, "dropped_by_poles": 1} == gateway.statistics()
    assert [r.seq for r in store.readings()] == [42, 44]


@in_virtual_time
async def test_a_new_boot_counts_from_one_again_and_an_old_boots_rest_is_still_taken(
    clock: Clock, exchange: Exchange, store: Store
) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        await pole.say(hello(), report(1))
        await pole.expect(Welcome)
        await pole.expect(Ack)
        await pole.say(hello(boot="b2"))
        welcome = await pole.expect(Welcome)
        assert (welcome.boot, welcome.durable_seq) == ("b2", 0)
        await pole.say(report(1, boot="b2"), report(2, boot="b1"))
        acks = {(await pole.expect(Ack)).boot, (await pole.expect(Ack)).boot}
        assert acks == {"b1", "b2"}
        assert gateway.poles[CODE].boot == "b2"
    assert store.durable() == {CODE: {"b1": 2, "b2": 1}}


@in_virtual_time
async def test_a_hello_is_stored_when_it_says_something_new(clock: Clock, exchange: Exchange, store: Store) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)),
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        for message in (hello(), hello(), hello(unsent=3), hello(lat_deg=34.76), hello(lat_deg=34.76, boot="b2")):
            await pole.say(message)
            await pole.expect(Welcome)
    assert store.told == [(CODE, m) for m in (hello(), hello(lat_deg=34.76), hello(lat_deg=34.76, boot="b2"))]


@in_virtual_time
async def test_what_is_known_to_be_wrong_is_stored_without_its_values_and_nobody_uses_it(
    clock: Clock, exchange: Exchange, store: Store
) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        await pole.say(hello())
        await pole.expect(Welcome)
        odd = (
            reading(1, function="LampActuator", values={"pattern": "disco"}),
            reading(2, function="tide", values={"level_m": 2}),
            reading(3, values={"precipitationRate": 1, "snow": 2}),
        )
        await pole.say(Report(boot="b1", after=0, readings=odd))
        assert (await pole.expect(Ack)).durable_seq == 3
        wrong, *others = store.readings()
        assert (wrong.seq, wrong.values, wrong.quality) == (1, {}, Quality.BAD)
        assert others == list(odd[1:])
        assert set(gateway.poles[CODE].readings) == {"PrecipitationSensor"}
        assert gateway.poles[CODE].values("PrecipitationSensor", RainReadings) == RainReadings(rain_mmph=1.0)
        assert gateway.statistics() | {"readings_malformed": 1, "readings_unknown": 1} == gateway.statistics()


@in_virtual_time
async def test_a_late_report_does_not_look_young(clock: Clock, exchange: Exchange, store: Store) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        await asyncio.sleep(100.0)
        await pole.say(hello())
        await pole.expect(Welcome)
        state = gateway.poles[CODE]
        assert "PrecipitationSensor" not in state.readings
        assert state.values("PrecipitationSensor", RainReadings) is None
        await asyncio.sleep(1.0)
        late = {"precipitationRate": 9.0}
        await pole.say(report(1, held_s=2.0), report(2, held_s=60.0, values=late))
        await pole.expect(Ack)
        await asyncio.sleep(5.0)
        state = gateway.poles[CODE]
        assert clock.monotonic_s() - state.readings["PrecipitationSensor"].taken_s == pytest.approx(7.0)
        assert state.readings["PrecipitationSensor"].values == RainReadings(rain_mmph=3.0)
        assert state.silent_s(clock.monotonic_s()) == pytest.approx(5.0)
        await pole.say(Heartbeat())
        assert await pole.hear() == Heartbeat()
        assert gateway.poles[CODE].silent_s(clock.monotonic_s()) == 0.0
        assert len(store.reports()) == 2


@in_virtual_time
async def test_what_a_full_queue_does_not_take_comes_again(clock: Clock, exchange: Exchange, store: Store) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        await pole.say(hello())
        await pole.expect(Welcome)
        await asyncio.sleep(1.0)
        store.open.clear()
        for seq in range(1, WAITING_PER_POLE + 20):
            await pole.say(report(seq))
            await asyncio.sleep(0.01)
        store.open.set()
        assert (await pole.expect(Ack)).durable_seq == 1
        acknowledged = (await pole.expect(Ack)).durable_seq
        assert acknowledged == WAITING_PER_POLE + 1
        await pole.say(report(acknowledged + 5))
        assert (await pole.expect(Ack)).durable_seq == acknowledged
        assert gateway.statistics()["overrun"] == 18
    assert [r.seq for r in store.readings()] == list(range(1, acknowledged + 1))


@in_virtual_time
async def test_until_waits_for_what_a_pole_says_and_no_longer(clock: Clock, exchange: Exchange, store: Store) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
        asyncio.TaskGroup() as tasks,
    ):
        waiting = tasks.create_task(
            gateway.until(CODE, lambda state: "PrecipitationSensor" in state.readings, deadline_s=30.0)
        )
        await asyncio.sleep(3.0)
        await pole.say(hello(), report(1))
        assert await waiting
        assert clock.monotonic_s() == 3.0
        assert not await gateway.until(CODE, lambda state: state.last_seq > 1, deadline_s=4.0)
        assert clock.monotonic_s() == 7.0


@in_virtual_time
async def test_a_wrong_order_never_leaves_the_controller(clock: Clock, exchange: Exchange, store: Store) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        await pole.say(hello())
        await pole.expect(Welcome)
        for service, action in (("LampActuator", "explode"), ("Bell", "ring"), ("DroneDock", "open")):
            outcome = await gateway.command(CODE, service, action)
            assert outcome.text("en").startswith("rejected:")
        assert await pole.hear(within_s=20.0) is None


@in_virtual_time
async def test_a_store_that_fails_ends_the_gateway_and_acknowledges_nothing(
    clock: Clock, exchange: Exchange, store: Store
) -> None:
    async def full_disk(batch: Sequence[Said]) -> None:
        if any(isinstance(said.message, Report) for said in batch):
            raise OSError("no space left")

    async def until_it_fails(pole: RawPole) -> None:
        async with Gateway.memory(exchange, **gateway_needs(clock, store, keep=full_disk)):
            await pole.say(hello())
            await pole.expect(Welcome)
            await pole.say(report(1))
            await asyncio.sleep(60.0)

    async with raw_pole(MemoryConnection(exchange)) as pole:
        with pytest.raises(ExceptionGroup) as failed:
            await until_it_fails(pole)
        assert failed.value.split(OSError)[0] is not None
        assert await pole.hear() is None


@in_virtual_time
async def test_twenty_thousand_damaged_messages_do_not_harm_the_gateway(
    clock: Clock, exchange: Exchange, store: Store
) -> None:
    rng = random.Random(11)
    whole = [encode(m) for m in (hello(), report(1), Heartbeat(), Accepted(id="c"), Result(id="c", ok=True))]
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
        raw_pole(MemoryConnection(exchange), OTHER_CODE) as neighbour,
    ):
        for _ in range(20_000):
            body = bytearray(rng.choice(whole))
            for _ in range(rng.randrange(4)):
                body[rng.randrange(len(body))] = rng.randrange(256)
            await pole.say_raw(bytes(body[: rng.randrange(len(body) + 1)] if rng.random() < 0.2 else body))
            if rng.random() < 0.02:
                await asyncio.sleep(0.1)  # or it would be cut off for the flood
        await neighbour.say(hello(OTHER_CODE), report(1))
        assert (await neighbour.expect(Welcome)).durable_seq == 1  # it was stored with the hello
        assert (await neighbour.expect(Ack)).durable_seq == 1
        assert gateway.statistics()["malformed"] > 1000
    assert set(store.durable()) == {CODE, OTHER_CODE}
    for boot in {message.boot for _, message in store.told}:
        seqs = [reading.seq for message in store.reports() if message.boot == boot for reading in message.readings]
        assert seqs == sorted(set(seqs))


@in_virtual_time
async def test_two_gateways_do_not_listen_at_one_place(clock: Clock, exchange: Exchange, store: Store) -> None:
    async with Gateway.memory(exchange, **gateway_needs(clock, store)):
        with pytest.raises(Refused):
            async with Gateway.memory(exchange, **gateway_needs(clock, store)):
                pass
    async with Gateway.memory(exchange, **gateway_needs(clock, store)):
        pass


@in_virtual_time
async def test_the_latest_readings_of_a_service_are_at_hand_for_all_poles(
    clock: Clock, exchange: Exchange, store: Store
) -> None:
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        raw_pole(MemoryConnection(exchange)) as pole,
    ):
        assert gateway.latest("PrecipitationSensor") == {}
        await pole.say(hello(), report(1), report(2, held_s=50.0), report(3, values={"precipitationRate": 2.0}))
        assert await gateway.until(CODE, lambda state: state.last_seq == 3, deadline_s=5.0)
        assert gateway.latest("PrecipitationSensor")[CODE].values == RainReadings(rain_mmph=2.0)
        assert gateway.latest("PrecipitationSensor")[CODE] is gateway.poles[CODE].readings["PrecipitationSensor"]
        await pole.say(report(4, held_s=50.0))  # taken before what is known
        assert await gateway.until(CODE, lambda state: state.last_seq == 4, deadline_s=5.0)
        assert gateway.latest("PrecipitationSensor")[CODE].values == RainReadings(rain_mmph=2.0)
        assert gateway.latest("DroneDock") == {}
