"""What one pole cannot do, whatever it says: go unnamed, fill the memory, hush its own silence, come back unasked."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from poles.gateway import Gateway
from poles.gateway.flow import BURST_BYTES, MESSAGE_COSTS_BYTES, WAITING_BYTES
from poles.protocol import BACK_MAX_S, Ack, Bye, Capability, Heartbeat, Quality, Report, Welcome, encode
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Take
from poles.wire.listener import Gone, MemoryListener
from tests.poles.gateway.supervised import HEARTBEAT_S, WIND, Scene, in_virtual_time
from tests.poles.raw_pole import CODE, RawPole, Store, gateway_needs, hello, raw_pole, reading, report
from tests.poles.security.test_fuzz import memory_bytes


class Revoking(MemoryListener):
    """A memory listener at which a test may revoke keys."""

    gone: Gone

    def open(self, take: Take, gone: Gone) -> None:
        super().open(take, gone)
        self.gone = gone


async def says_of(pole: RawPole, first: int, functions: list[str], quality: Quality = Quality.GOOD) -> None:
    """One report with a reading of each of these functions."""
    numbered = enumerate(functions, first)
    said = [reading(seq, function=name, values={"windMean": 1.0}, quality=quality) for seq, name in numbered]
    await pole.say(Report(boot="b1", after=first - 1, readings=tuple(said)))
    await pole.expect(Ack)


@pytest.mark.parametrize("body", [b"", encode(Heartbeat())])
def test_who_says_little_without_end_is_named_all_the_same(body: bytes) -> None:
    @in_virtual_time
    async def talk(scene: Scene) -> None:
        async with scene.gateway() as gateway, scene.pole() as pole:
            await scene.welcomed(pole)
            for number in range(BURST_BYTES // MESSAGE_COSTS_BYTES + 1):
                await pole.say_raw(body)
                if number % 100 == 0:
                    await asyncio.sleep(0.0)
            await asyncio.sleep(0.0)
            assert gateway.flooding == (CODE,)

    talk()


@in_virtual_time
async def test_sixteen_poles_that_mean_ill_fill_no_memory_and_hold_up_no_neighbour(scene: Scene) -> None:
    """Each body is legal, and as objects it is sixty times as large."""
    heavy = encode(report(1, values={"x": [[]] * 60_000}))
    store, codes = Store(), [f"410105-LP-9{number:05d}" for number in range(16)]
    needs = gateway_needs(scene.clock, store)
    async with Gateway.memory(scene.exchange, **needs) as gateway, scene.pole() as neighbour, AsyncExitStack() as all_:
        lines = [await all_.enter_async_context(raw_pole(MemoryConnection(scene.exchange), code)) for code in codes]
        for pole, code in zip(lines, codes, strict=True):
            await pole.say(hello(code))
            await pole.expect(Welcome)
        await neighbour.say(hello())
        await neighbour.expect(Welcome)
        await asyncio.sleep(1.0)
        store.open.clear()
        before = memory_bytes()
        for _ in range(200):
            for pole in lines:
                pole.line.send(heavy)
            await asyncio.sleep(0.0)
        await asyncio.sleep(1.0)
        assert gateway.flooding == tuple(codes)
        assert memory_bytes() - before < 4 * WAITING_BYTES
        await neighbour.say(report(1))
        store.open.set()
        assert (await neighbour.expect(Ack, within_s=0.1)).durable_seq == 1


@in_virtual_time
async def test_functions_that_a_pole_never_declared_are_stored_and_not_remembered(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        await says_of(pole, 1, [f"WindSensor.{number}" for number in range(50)])
        await says_of(pole, 51, ["WindSensor"])
        assert len(scene.journal.readings()) == 51
        assert list(gateway.poles[CODE].readings) == ["WindSensor"]
        assert gateway.latest("WindSensor.7") == {}
        assert gateway.statistics()["readings_undeclared"] == 50


@in_virtual_time
async def test_nobody_fills_the_book_with_broken_sensors_that_it_does_not_have(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        names = ["WindSensor", *[f"Sensor.{number}" for number in range(50)]]
        for again in range(4):
            await says_of(pole, 1 + again * len(names), names, Quality.BAD)
        await asyncio.sleep(1.0)
        faulty = [alarm.function for alarm in gateway.supervision.alarms if alarm.code == "pole.sensor-faulty"]
        assert faulty == ["WindSensor"]


@in_virtual_time
async def test_what_a_pole_does_not_have_any_more_is_forgotten_and_its_doubts_are_over(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        for seq in range(1, 5):
            await says_of(pole, seq, ["WindSensor"], Quality.BAD)
        await asyncio.sleep(1.0)
        assert [alarm.code for alarm in gateway.supervision.alarms] == ["pole.sensor-faulty"]
        await scene.welcomed(pole, functions=(Capability(function="WindSensor.1", every_s=10.0),))
        await asyncio.sleep(1.0)
        assert list(gateway.supervision.alarms) == []
        assert gateway.poles[CODE].readings == {}
        assert gateway.latest("WindSensor") == {}


@in_virtual_time
async def test_a_bye_hushes_a_pole_for_a_day_at_most(scene: Scene) -> None:
    async with scene.gateway(), scene.pole() as pole:
        await scene.welcomed(pole)
        await pole.say(Bye(why="gone fishing", back_s=1e9))
        await asyncio.sleep(BACK_MAX_S - 1.0)
        assert scene.journal.news == []
        await asyncio.sleep(2 * HEARTBEAT_S + 2.0)
        assert scene.journal.said() == [("raised", "pole.silent", CODE)]


@in_virtual_time
async def test_what_is_still_on_its_way_to_the_store_does_not_bring_a_revoked_pole_back(scene: Scene) -> None:
    listener = Revoking(scene.exchange)
    needs = gateway_needs(
        scene.clock,
        scene.journal,
        keep=scene.journal.keep,
        keep_notes=scene.journal.keep_notes,
        tell_alarms=scene.journal.tell,
    )
    async with Gateway(listener, **needs) as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        scene.journal.delay_s = 0.5
        await pole.say(hello(boot="b2", heartbeat_s=HEARTBEAT_S, functions=(WIND,)))
        await pole.say(report(1, boot="b2", function="WindSensor", values={"windMean": 1.0}))
        await asyncio.sleep(0.1)
        listener.gone(CODE, [], True)
        await asyncio.sleep(5.0)
        assert gateway.statistics()["hellos"] == 2
        assert gateway.statistics()["poles_watched"] == 0
        assert gateway.poles[CODE].readings == {}
        await asyncio.sleep(60.0)
        assert scene.journal.news == []
        # with a new key it is a pole as before
        scene.journal.delay_s = 0.0
        await scene.welcomed(pole, boot="b3")
        assert gateway.statistics()["poles_watched"] == 1
