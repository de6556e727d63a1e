"""The gateway's watch in virtual time: what it finds is kept before it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from airspace.reasons import Refused
from controller.clock import Clock, run, virtual_tempo
from poles.gateway import Gateway
from poles.gateway.desired import Status
from poles.gateway.notes import AnyNote, Condition
from poles.gateway.quality import Flag
from poles.gateway.supervision import Supplies
from poles.protocol import Ack, Alarm, Bye, Capability, Desired, Heartbeat, Quality, Reported
from tests.poles.gateway.supervised import AT, HEARTBEAT_S, Scene, beats, in_virtual_time
from tests.poles.raw_pole import CODE, OTHER_CODE, gateway_needs, report


@in_virtual_time
async def test_a_silent_pole_is_kept_then_told_within_its_bound_and_so_is_its_return(scene: Scene) -> None:
    loop = asyncio.get_running_loop()
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        said_s = loop.time()
        await asyncio.sleep(30.0)
        ((told_s, *news),) = scene.journal.news
        assert news == ["raised", "pole.silent", CODE]
        assert HEARTBEAT_S + 0.5 < told_s - said_s <= HEARTBEAT_S + 1.0
        assert [each.what for each in scene.journal.history if isinstance(each.what, Condition)]
        assert gateway.statistics()["poles_silent"] == gateway.statistics()["alarms_open"] == 1
        await pole.say(Heartbeat())
        await asyncio.sleep(1.0)
        assert scene.journal.said() == [("raised", "pole.silent", CODE), ("cleared", "pole.silent", CODE)]
        assert gateway.statistics()["poles_silent"] == gateway.statistics()["alarms_open"] == 0


@in_virtual_time
async def test_a_dead_sensor_behind_a_live_pole_is_told_once(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        await beats(pole, 20)
        assert scene.journal.said() == [("raised", "pole.sensor-silent", CODE)]
        await pole.say(report(1, function="WindSensor", values={}))
        await asyncio.sleep(1.0)
        assert scene.journal.said()[1:] == [("cleared", "pole.sensor-silent", CODE)]
        assert list(gateway.supervision.alarms) == []


@in_virtual_time
async def test_nothing_is_told_that_the_store_has_not(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        scene.journal.open.clear()
        await asyncio.sleep(60.0)
        assert scene.journal.news == []
        assert list(gateway.supervision.alarms) == []
        scene.journal.open.set()
        await asyncio.sleep(1.0)
        assert scene.journal.said() == [("raised", "pole.silent", CODE)]


@in_virtual_time
async def test_time_in_which_the_store_takes_nothing_is_nobodys_silence(scene: Scene) -> None:
    async with scene.gateway(), scene.pole() as pole:
        await scene.welcomed(pole)
        await pole.say(report(1, function="WindSensor", values={}, at_s=scene.clock.utc_s()))
        await asyncio.sleep(0.5)
        scene.journal.open.clear()
        for seq in range(2, 40):
            await pole.say(report(seq, function="WindSensor", values={}, at_s=scene.clock.utc_s()))
            await asyncio.sleep(2.0)
        scene.journal.open.set()
        await asyncio.sleep(2.0)
        assert scene.journal.news == []


@in_virtual_time
async def test_a_store_that_is_slow_makes_nobody_silent(scene: Scene) -> None:
    """What one pole reported waits behind a batch of another for half a minute."""
    functions = (Capability(function="WindSensor", every_s=5.0),)
    async with scene.gateway(), scene.pole() as one, scene.pole(OTHER_CODE) as other:
        await scene.welcomed(one, functions=functions)
        await scene.welcomed(other, OTHER_CODE, functions=functions)
        scene.journal.delay_s = 30.0
        for seq in range(1, 40):
            for pole in (one, other):
                await pole.say(report(seq, function="WindSensor", values={}, at_s=scene.clock.utc_s()))
                await beats(one, 2, every_s=1.0)
        assert scene.journal.news == []


@in_virtual_time
async def test_a_silence_is_told_in_time_though_there_is_always_more_to_keep_than_the_store_takes(scene: Scene) -> None:
    loop = asyncio.get_running_loop()
    scene.journal.notes_delay_s = 0.03
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole, functions=())
        said_s = loop.time()
        while loop.time() < said_s + 20.0:
            for held in (64, None):
                gateway.supervision.flooding(OTHER_CODE, held)
                await asyncio.sleep(0.01)
        told_s = [at_s for at_s, *news in scene.journal.news if news == ["raised", "pole.silent", CODE]]
        assert len(told_s) == 1
        assert HEARTBEAT_S + 0.5 < told_s[0] - said_s <= HEARTBEAT_S + 1.0


@in_virtual_time
async def test_the_clock_is_judged_by_one_message_however_many_came_together(scene: Scene) -> None:
    """The store takes what was said in a quarter of a minute at once."""
    functions = tuple([Capability(function=name, every_s=60.0) for name in ("WindSensor", "LampActuator")])
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole, functions=functions)
        scene.journal.delay_s = 15.0
        await pole.say(report(1, function="WindSensor", values={}, at_s=scene.clock.utc_s()))
        for seq, function, after_s in ((2, "WindSensor", 1.0), (3, "LampActuator", 0.0), (4, "WindSensor", 4.0)):
            await beats(pole, 3, every_s=after_s)
            await pole.say(report(seq, function=function, values={}, at_s=scene.clock.utc_s()))
        await beats(pole, 10)
        assert gateway.latest("WindSensor")[CODE].flags == {}


@in_virtual_time
async def test_one_dead_backhaul_gateway_is_one_alarm_with_its_members(scene: Scene) -> None:
    codes = [f"410105-LP-{number:06d}" for number in range(20)]
    supplies = Supplies(of={code: (f"backhaul:{n % 2}",) for n, code in enumerate(codes)})
    async with scene.gateway(supplies=supplies) as gateway, AsyncExitStack() as stack:
        poles = [await stack.enter_async_context(scene.pole(code)) for code in codes]
        for pole, code in zip(poles, codes, strict=True):
            await scene.welcomed(pole, code, functions=())
        for beat in range(30):
            for number, pole in enumerate(poles):
                if number % 2 or beat < 10:
                    await pole.say(Heartbeat())
            await asyncio.sleep(4.0)
        (alarm,) = gateway.supervision.alarms
        assert (alarm.code, alarm.subject) == ("pole.supply-down", "backhaul:0")
        assert sorted(alarm.members) == codes[::2]
        assert [news for news in scene.journal.said() if news[0] != "changed"] == [
            ("raised", "pole.supply-down", "backhaul:0")
        ]
        assert "10 of its 10 poles" in alarm.text("en")
        for pole in poles[::2]:
            await pole.say(Heartbeat())
        await asyncio.sleep(1.0)
        assert scene.journal.said()[-1] == ("cleared", "pole.supply-down", "backhaul:0")


@in_virtual_time
async def test_a_pole_that_says_bye_is_silent_only_after_the_time_that_it_named(scene: Scene) -> None:
    async with scene.gateway(), scene.pole() as pole:
        await scene.welcomed(pole)
        await pole.say(Bye(why="update", back_s=120.0))
        await asyncio.sleep(124.0)
        assert scene.journal.news == []
        await asyncio.sleep(10.0)
        assert scene.journal.said() == [("raised", "pole.silent", CODE)]


@in_virtual_time
async def test_a_poles_own_alarm_is_in_the_book_until_it_says_that_it_is_over(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        await pole.say(Alarm(**AT, seq=1, code="dock.cover.stuck", active=True, function="WindSensor"))
        await pole.say(Alarm(**AT | {"after": 1}, seq=2, code="invented", active=True, function="not-mine"))
        await asyncio.sleep(1.0)
        assert scene.journal.said() == [
            ("raised", "dock.cover.stuck", CODE),
            ("raised", "pole.unknown-alarm", CODE),
        ]
        unknown = gateway.supervision.alarms.get("pole.unknown-alarm", CODE)
        assert unknown is not None
        assert "invented" in unknown.text("en")
        await pole.say(
            Alarm(**AT | {"after": 2}, seq=3, code="dock.cover.stuck", active=False, function="WindSensor"),
            Alarm(**AT | {"after": 2}, seq=3, code="dock.cover.stuck", active=False, function="WindSensor"),
        )
        await asyncio.sleep(1.0)
        assert scene.journal.said()[2:] == [("cleared", "dock.cover.stuck", CODE)]


@in_virtual_time
async def test_alarms_of_an_earlier_boot_are_over_when_the_new_one_speaks(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        await pole.say(Alarm(**AT, seq=1, code="dock.cover.stuck", active=True))
        await asyncio.sleep(1.0)
        await pole.expect(Ack)
        await scene.welcomed(pole, boot="b2")
        await asyncio.sleep(1.0)
        assert len(gateway.supervision.alarms) == 1  # entries of the earlier boot may still come
        await pole.say(report(1, boot="b2", function="WindSensor", values={}))
        await asyncio.sleep(1.0)
        assert len(gateway.supervision.alarms) == 0


@in_virtual_time
async def test_a_wrong_clock_and_an_implausible_value_are_told_and_flagged(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        for seq in range(1, 6):
            at_s = scene.clock.utc_s() + 3600.0
            values = {"windSpeed": 85.0, "windGust": 85.0, "windDirection": 10.0}
            await pole.say(report(seq, function="WindSensor", values=values, at_s=at_s))
            await asyncio.sleep(2.0)
        assert {news[1] for news in scene.journal.said()} == {"pole.clock-wrong", "pole.implausible"}
        reading = gateway.latest("WindSensor")[CODE]
        assert reading.flags["wind_mean_mps"] == Flag.OUT_OF_RANGE
        assert reading.flags[""] == Flag.CLOCK_WRONG
        assert not reading.usable("wind_mean_mps")
        assert reading.usable("wind_from_deg")


@in_virtual_time
async def test_a_sensor_that_the_pole_calls_broken_is_told(scene: Scene) -> None:
    async with scene.gateway(), scene.pole() as pole:
        await scene.welcomed(pole)
        for seq in range(1, 6):
            await pole.say(report(seq, function="WindSensor", values={}, quality=Quality.BAD))
            await asyncio.sleep(2.0)
        assert ("raised", "pole.sensor-faulty", CODE) in scene.journal.said()


@in_virtual_time
async def test_a_wish_is_sent_repeated_and_answered(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        assert await gateway.supervision.wish(CODE, "LampActuator", {"defaultLightState": 40}, "Li") == 1
        wish = await pole.expect(Desired)
        assert (wish.version, wish.settings) == (1, {"defaultLightState": 40})
        again = await pole.expect(Desired, within_s=10.0)
        assert again == wish
        await pole.say(Reported(**AT, seq=1, function="LampActuator", version=1, settings={"defaultLightState": 40}))
        await asyncio.sleep(1.0)
        assert gateway.supervision.desired.status(CODE, "LampActuator") is Status.MET


@in_virtual_time
async def test_who_acknowledged_an_alarm_is_kept(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        await asyncio.sleep(10.0)
        (alarm,) = gateway.supervision.alarms
        assert await gateway.supervision.acknowledge(alarm.id, "Li") is alarm
        assert await gateway.supervision.acknowledge(99, "Li") is None
    async with scene.gateway() as gateway:
        (alarm,) = gateway.supervision.alarms
        assert alarm.acknowledged_by == "Li"


@in_virtual_time
async def test_a_forgotten_pole_leaves_nothing_open(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        await asyncio.sleep(10.0)
        gateway.supervision.forget(CODE)
        await asyncio.sleep(1.0)
        assert scene.journal.said() == [("raised", "pole.silent", CODE), ("cleared", "pole.silent", CODE)]
        assert gateway.statistics()["poles_watched"] == 0


def test_a_store_that_fails_ends_the_gateway() -> None:
    async def full_disk(notes: Sequence[AnyNote]) -> None:
        raise OSError("no space left")

    async def main(clock: Clock) -> None:
        scene = Scene(clock)
        needs = gateway_needs(clock, scene.journal, keep_notes=full_disk)
        async with Gateway.memory(scene.exchange, **needs), scene.pole() as pole:
            await scene.welcomed(pole)
            await asyncio.sleep(60.0)

    with pytest.raises(BaseExceptionGroup):
        run(main, virtual_tempo())


@in_virtual_time
async def test_a_pole_that_speaks_without_end_is_not_silent(scene: Scene) -> None:
    async with scene.gateway(), scene.pole() as pole:
        await scene.welcomed(pole, functions=())
        await beats(pole, 400, every_s=0.05)
        assert scene.journal.news == []


@in_virtual_time
async def test_when_no_pole_is_heard_the_controllers_own_network_is_to_be_checked_also_after_a_restart(
    scene: Scene,
) -> None:
    codes = [f"410105-LP-{number:06d}" for number in range(6)]
    async with scene.gateway(), AsyncExitStack() as stack:
        for code in codes:
            await scene.welcomed(await stack.enter_async_context(scene.pole(code)), code, functions=())
        await asyncio.sleep(30.0)
    assert [news[:2] for news in scene.journal.said()] == [("raised", "pole.all-silent")]
    async with scene.gateway() as gateway, AsyncExitStack() as stack:
        await asyncio.sleep(200.0)
        assert len(scene.journal.news) == 1
        for code in codes:
            await scene.welcomed(await stack.enter_async_context(scene.pole(code)), code, functions=())
        await asyncio.sleep(1.0)
        assert list(gateway.supervision.alarms) == []
        assert scene.journal.said()[-1][:2] == ("cleared", "pole.all-silent")


@in_virtual_time
async def test_a_wish_that_no_pole_could_take_is_refused_and_not_kept(scene: Scene) -> None:
    async with scene.gateway() as gateway:
        for function, wanted, rule in (
            ("Teapot", {}, "pole.function.unknown"),
            ("WindSensor", {"windSpeed": 3.0}, "pole.settings.none"),
            ("LampActuator", {"defaultLightState": 101.0}, "pole.settings"),
            ("LampActuator", {"defaultLightState": float("nan")}, "pole.settings"),
        ):
            with pytest.raises(Refused) as refused:
                await gateway.supervision.wish(CODE, function, wanted, "Li")
            assert refused.value.reasons[0].rule.code.startswith(rule)
    assert scene.journal.history == []


@in_virtual_time
async def test_a_pole_that_is_sent_away_is_not_missed_before_its_time(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        assert gateway.dismiss(CODE, "maintenance", 60.0)
        assert (await pole.expect(Bye)).back_s == 60.0
        await asyncio.sleep(64.0)
        assert scene.journal.news == []
        await asyncio.sleep(10.0)
        assert scene.journal.said() == [("raised", "pole.silent", CODE)]
        assert not gateway.dismiss(OTHER_CODE, "maintenance", 60.0)


@in_virtual_time
async def test_a_flooder_is_named_until_it_is_calm(scene: Scene) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        gateway.supervision.flooding(CODE, 64)
        await asyncio.sleep(1.0)
        (alarm,) = gateway.supervision.alarms
        assert "64" in alarm.text("en")
        gateway.supervision.flooding(CODE, None)
        await asyncio.sleep(1.0)
        assert scene.journal.said() == [("raised", "pole.flooding", CODE), ("cleared", "pole.flooding", CODE)]


@in_virtual_time
async def test_an_outage_whose_poles_are_all_taken_away_is_over(scene: Scene) -> None:
    codes = [f"P{number}" for number in range(6)]
    supplies = Supplies(of=dict.fromkeys(codes, ("backhaul:0",)))
    async with scene.gateway(supplies=supplies) as gateway, AsyncExitStack() as stack:
        for code in codes:
            await scene.welcomed(await stack.enter_async_context(scene.pole(code)), code)
        stays = await stack.enter_async_context(scene.pole())
        await scene.welcomed(stays)
        await beats(stays, 5)
        assert ("raised", "pole.supply-down", "backhaul:0") in scene.journal.said()
        for code in codes:
            gateway.supervision.forget(code)
        await beats(stays, 1)
        assert scene.journal.said()[-1] == ("cleared", "pole.supply-down", "backhaul:0")
        assert gateway.statistics()["supplies_down"] == 0
