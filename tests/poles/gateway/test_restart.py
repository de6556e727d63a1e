"""The gateway's watch over a restart: nothing is told twice, and nothing that happened meanwhile is hidden."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from poles.gateway.desired import Status
from poles.gateway.liveness import RETURN_S
from poles.gateway.supervision import Supplies
from poles.gateway.wishes import UNMET_S
from poles.protocol import Capability, Desired
from tests.poles.gateway.supervised import Scene, beats, in_virtual_time
from tests.poles.raw_pole import CODE, OTHER_CODE


@in_virtual_time
async def test_a_restart_tells_nothing_twice_and_hides_no_silence(scene: Scene) -> None:
    async with scene.gateway(), scene.pole(CODE) as one, scene.pole(OTHER_CODE) as other:
        await scene.welcomed(one)
        await scene.welcomed(other, OTHER_CODE, functions=())
        await beats(other, 5)
    assert scene.journal.said() == [("raised", "pole.silent", CODE)]
    async with scene.gateway() as gateway:
        assert gateway.statistics()["poles_silent"] == 1
        await asyncio.sleep(RETURN_S - 1.0)
        assert len(scene.journal.news) == 1
        await asyncio.sleep(10.0)
        assert scene.journal.said()[1:] == [("raised", "pole.silent", OTHER_CODE)]
        async with scene.pole() as one:
            await scene.welcomed(one)
            await asyncio.sleep(1.0)
        assert scene.journal.said()[2:] == [("cleared", "pole.silent", CODE)]


@in_virtual_time
async def test_wishes_survive_a_restart_and_are_sent_at_the_welcome(scene: Scene) -> None:
    async with scene.gateway() as gateway:
        await gateway.supervision.wish(CODE, "LampActuator", {"defaultLightState": 40}, "Li")
        await gateway.supervision.wish(CODE, "LampActuator", {"defaultLightState": 60}, "Li")
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole)
        wish = await pole.expect(Desired)
        assert (wish.version, wish.settings) == (2, {"defaultLightState": 60})
        (difference,) = gateway.supervision.desired.differences()
        assert (difference.pole, difference.status) == (CODE, Status.WAITING)


@in_virtual_time
async def test_a_dead_sensor_and_an_outage_stay_as_they_were_over_a_restart(scene: Scene) -> None:
    codes = [f"410105-LP-{number:06d}" for number in range(3)]
    supplies = Supplies(of=dict.fromkeys(codes, ("cell:7",)))
    async with scene.gateway(supplies=supplies), AsyncExitStack() as stack:
        poles = [await stack.enter_async_context(scene.pole(code)) for code in [*codes, CODE + "x"]]
        for pole, code in zip(poles, [*codes, CODE + "x"], strict=True):
            await scene.welcomed(pole, code)
        await beats(poles[3], 10)
    before = [news for news in scene.journal.said() if news[0] != "changed"]
    assert before == [("raised", "pole.supply-down", "cell:7"), ("raised", "pole.sensor-silent", CODE + "x")]
    async with scene.gateway(supplies=supplies) as gateway, AsyncExitStack() as stack:
        assert sorted(gateway.supervision.outages.open["cell:7"].members) == codes
        for code in [*codes, CODE + "x"]:
            pole = await stack.enter_async_context(scene.pole(code))
            await scene.welcomed(pole, code)
        await asyncio.sleep(1.0)
        assert scene.journal.said()[-1] == ("cleared", "pole.supply-down", "cell:7")
        assert [alarm.code for alarm in gateway.supervision.alarms] == ["pole.sensor-silent"]


@in_virtual_time
async def test_an_unmet_wish_is_told_after_a_restart_though_the_sensor_was_told_silent_before_it(scene: Scene) -> None:
    lamp = (Capability(function="LampActuator", every_s=10.0),)
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole, functions=lamp)
        await beats(pole, 6)
        await gateway.supervision.wish(CODE, "LampActuator", {"defaultLightState": 30.0}, "Li")
        await asyncio.sleep(1.0)
    assert scene.journal.said() == [("raised", "pole.sensor-silent", CODE)]
    async with scene.gateway(), scene.pole() as pole:
        await scene.welcomed(pole, functions=lamp)
        await beats(pole, 100)
    assert scene.journal.said()[1:] == [("raised", "pole.desired-unmet", CODE)]


@in_virtual_time
async def test_nobody_misses_what_was_wished_of_a_pole_that_is_not_here_any_more_also_after_a_restart(
    scene: Scene,
) -> None:
    async with scene.gateway() as gateway, scene.pole() as pole:
        await scene.welcomed(pole, functions=())
        await gateway.supervision.wish(CODE, "LampActuator", {"defaultLightState": 30.0}, "Li")
        gateway.supervision.forget(CODE)
        await asyncio.sleep(2 * UNMET_S)
    async with scene.gateway() as gateway:
        gateway.supervision.forget(CODE)
        await asyncio.sleep(2 * UNMET_S)
        assert scene.journal.news == []
        async with scene.pole() as pole:
            await scene.welcomed(pole, functions=())
            await beats(pole, 100)
    assert scene.journal.said() == [("raised", "pole.desired-unmet", CODE)]
