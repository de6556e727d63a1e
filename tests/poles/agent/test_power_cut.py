"""What a power cut leaves, a flash that fails, and a line that is of no use."""

import asyncio
import random

from controller.clock import Clock, run, virtual_tempo
from poles.agent import SILENCE_S
from poles.agent.ring import PAGE_BYTES
from poles.protocol import (
    Alarm,
    Hello,
    Level,
    Log,
    Report,
    Reported,
    numbers_of,
)
from sim.flash import SimFlash
from tests.poles.agent.by_hand import Controller, acknowledge, played, playing


class TestPowerCut:
    def test_what_was_synced_comes_under_its_own_boot_before_anything_new(self) -> None:
        async def main(clock: Clock) -> None:
            flash = SimFlash(8 * PAGE_BYTES)
            async with playing(clock, flash=flash) as controller:
                first = await controller.hear(Hello)
                controller.agent.alarm("pole.tilt", True, None, {})
                await asyncio.sleep(7.0)
            began_s = clock.utc_s()
            async with playing(clock, flash=flash, boot=2) as controller:
                hello = await controller.welcome()
                assert hello.boot != first.boot
                assert hello.unsent > 0
                seen: list[tuple[str, int]] = []
                while not seen or seen[-1][0] == first.boot:
                    message = await controller.hear_one_of(Report, Alarm, Reported)
                    seen += [(message.boot, seq) for seq in numbers_of(message)]
                    if message.boot == first.boot:
                        assert isinstance(message, Alarm | Reported) or message.readings[0].at_s <= began_s
                        await acknowledge(controller, message.boot, numbers_of(message)[-1])
                early = [seq for boot, seq in seen if boot == first.boot]
                assert early == list(range(1, len(early) + 1))
                assert len(early) > 6
                assert seen[-1][1] >= 1

        run(main, virtual_tempo())

    def test_nothing_that_was_acknowledged_before_an_orderly_end_is_sent_again(self) -> None:
        async def main(clock: Clock) -> None:
            flash = SimFlash(8 * PAGE_BYTES)
            async with playing(clock, flash=flash) as controller:
                hello = await controller.welcome()
                await controller.hear(Report)
                await acknowledge(controller, hello.boot, controller.agent.unsent)
                await controller.agent.leave("update")
                left = controller.agent.unsent
                await asyncio.sleep(1.0)
            async with playing(clock, flash=flash, boot=2) as controller:
                again = await controller.hear(Hello)
                assert again.unsent == left + 1  # its settings, which each boot reports

        run(main, virtual_tempo())

    def test_a_flash_that_fails_is_told_and_costs_nothing_while_there_is_power(self) -> None:
        async def main(clock: Clock) -> None:
            flash = SimFlash(8 * PAGE_BYTES)
            async with playing(clock, flash=flash) as controller:
                hello = await controller.welcome()
                await controller.hear(Report)
                flash.is_full = True
                before = controller.agent._outbox.last_seq
                await asyncio.sleep(20.0)
                log = await controller.hear(Log)
                assert log.level is Level.ERROR
                assert "No space left" in log.text
                await acknowledge(controller, hello.boot, before)
                controller.heard.clear()
                await controller.hear(Report)
                assert controller.agent.dropped == 0
                flash.is_full = False

        run(main, virtual_tempo())

    def test_a_line_that_takes_nothing_keeps_nobody_busy(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            hello = await controller.welcome()
            turns = 0
            line = controller.agent._conversation._line
            assert line is not None

            def refuse(body: bytes) -> bool:
                nonlocal turns
                turns += 1
                return False

            setattr(line, "send", refuse)  # noqa: B010 - as a full queue does
            again = await controller.hear(Hello)
            assert again.boot == hello.boot
            assert turns < 30

        check()

    def test_silence_ends_a_connection_and_not_the_pole(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            boots = set()
            for _ in range(3):
                boots.add((await controller.welcome()).boot)
                await controller.hear(Report)
                await asyncio.sleep(SILENCE_S + 5.0)
                while not controller.said.empty():
                    controller.said.get_nowait()
            assert len(boots) == 1
            assert random.Random(1).getrandbits(64) == int(boots.pop(), 16)

        check()
