"""Commands: once each, in their order, with progress, and also across a restart."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from airspace.reasons import Words
from controller.clock import Clock, run, virtual_tempo
from poles.agent.answers import REMEMBERED
from poles.agent.ring import PAGE_BYTES
from poles.protocol import (
    Accepted,
    Progress,
    Result,
)
from poles.services.lamp import Lamp
from sim.flash import SimFlash
from tests.poles.agent.by_hand import Controller, SlowLamp, played, playing


class Tinkering(Lamp):
    """A lamp that takes 8 s and tells how far it is ten times a second."""

    def begin(self, function: str, action: str, parameters: Any) -> Awaitable[None] | None:  # type: ignore[override]
        super().begin(function, action, parameters)
        return self._tinker()

    async def _tinker(self) -> None:
        for tenth in range(80):
            self._voice.progress("LampActuator", tenth / 80, Words("turning", "旋转"))
            await asyncio.sleep(0.1)


class TestCommands:
    def test_progress_is_told_once_a_second_and_answers_who_asks_again(self) -> None:
        async def main(clock: Clock) -> None:
            async with playing(clock, lamp=Tinkering) as controller:
                await controller.welcome()
                await controller.say(controller.order())
                await controller.hear(Accepted)
                shares: list[float] = []
                while len(shares) < 5:
                    progress = await controller.hear(Progress)
                    shares.append(progress.share)
                    assert (progress.en, progress.zh) == ("turning", "旋转")
                assert shares == sorted(shares)
                assert clock.monotonic_s() <= 5.5
                await controller.say(controller.order())
                assert (await controller.hear(Progress)).share == shares[-1]
                assert (await controller.hear(Result)).ok

        run(main, virtual_tempo())

    def test_a_command_is_not_carried_out_again_after_a_restart(self) -> None:
        async def main(clock: Clock) -> None:
            flash = SimFlash(8 * PAGE_BYTES)
            async with playing(clock, flash=flash) as controller:
                await controller.welcome()
                order = controller.order(expires_s=clock.utc_s() + 600.0)
                await controller.say(order)
                result = await controller.hear(Result)
                await asyncio.sleep(2.0)
            async with playing(clock, flash=flash, boot=2) as controller:
                await controller.welcome()
                shown = list(controller.light.shown)
                await controller.say(order)
                assert await controller.hear(Result) == result
                assert controller.light.shown == shown

        run(main, virtual_tempo())

    def test_what_a_power_cut_interrupted_is_answered_so(self) -> None:
        async def main(clock: Clock) -> None:
            flash = SimFlash(8 * PAGE_BYTES)
            async with playing(clock, flash=flash, lamp=SlowLamp) as controller:
                await controller.welcome()
                order = controller.order(expires_s=clock.utc_s() + 600.0)
                await controller.say(order)
                await controller.hear(Accepted)
            async with playing(clock, flash=flash, lamp=SlowLamp, boot=2) as controller:
                await controller.welcome()
                shown = list(controller.light.shown)
                await controller.say(order)
                result = await controller.hear(Result)
                assert (result.ok, result.code) == (False, "pole.command.interrupted")
                assert controller.light.shown == shown

        run(main, virtual_tempo())

    def test_commands_begin_in_the_order_in_which_they_came(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            for n in range(20):
                await controller.say(controller.order(id=f"c{n}"))
            answered = [(await controller.hear(Result)).id for _ in range(20)]
            assert answered == [f"c{n}" for n in range(20)]

        check()

    def test_answers_are_not_remembered_without_end(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            for n in range(REMEMBERED + 10):
                await controller.say(controller.order(id=f"c{n}"))
                await controller.hear(Result)
            assert len(controller.agent._orders._answers) == REMEMBERED

        check()
