"""What a pole says beside its readings: time, alarms, settings, corrections, progress, bye; and how it comes back."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.agent import SEND_AGAIN_S
from poles.agent.conversation import PROMISED, SEND_SELDOM_S
from poles.agent.settings import SettingsStore
from poles.protocol import (
    MAX_SEQ,
    Alarm,
    Bye,
    Correction,
    Desired,
    Heard,
    Heartbeat,
    Hello,
    Level,
    Log,
    Observation,
    Refusal,
    Report,
    Reported,
    Result,
    Source,
    Time,
    TimeRequest,
    numbers_of,
)
from tests.poles.agent.by_hand import Controller, acknowledge, played, playing, welcome
from tests.poles.raw_pole import CODE


class TestTime:
    @staticmethod
    async def _answer(controller: Controller, *, ahead_s: float = 0.0) -> None:
        asked = await controller.hear(TimeRequest)
        now_s = controller.clock.utc_s() + ahead_s
        await controller.say(Time(pole_s=asked.pole_s, received_s=now_s, sent_s=now_s))

    def test_a_pole_asks_the_time_when_it_is_welcomed_and_then_seldom(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            asked: list[float] = []
            while controller.clock.monotonic_s() < 3600.0:
                message = await controller.hear_one_of(TimeRequest, Report)
                if isinstance(message, TimeRequest):
                    asked.append(controller.clock.monotonic_s())
                    now_s = controller.clock.utc_s()
                    await controller.say(Time(pole_s=message.pole_s, received_s=now_s, sent_s=now_s))
                else:
                    await acknowledge(controller, message.boot, numbers_of(message)[-1])
            assert asked[0] == 0.0
            assert 5 <= len(asked) <= 12

        check()

    @pytest.mark.parametrize("wrong_s", [-5 * 3600.0, 7 * 3600.0])
    def test_a_pole_whose_clock_is_wrong_dates_by_the_gateways_time_and_says_so(self, wrong_s: float) -> None:
        async def main(clock: Clock) -> None:
            async with playing(clock, utc_s=lambda: clock.utc_s() + wrong_s) as controller:
                await asyncio.sleep(1.5)  # readings are taken, and nobody answers yet
                await controller.welcome()
                report = await controller.hear(Report)
                for reading in report.readings:
                    assert reading.at_s + reading.held_s == pytest.approx(clock.utc_s(), abs=0.8)  # half the wait
                log = await controller.hear(Log)
                assert log.level is Level.WARNING
                assert float(log.text.split()[5]) == pytest.approx(wrong_s, abs=1.0)

        run(main, virtual_tempo())

    def test_a_clock_that_jumps_takes_neither_dates_nor_deadlines_along(self) -> None:
        jumped_s = 0.0

        async def main(clock: Clock) -> None:
            nonlocal jumped_s
            async with playing(clock, utc_s=lambda: clock.utc_s() + jumped_s) as controller:
                await controller.welcome()
                await self._answer(controller)
                jumped_s = 3 * 3600.0
                await asyncio.sleep(1.0)
                await controller.say(controller.order())
                assert (await controller.hear(Result)).ok
                before = len(controller.heard)
                await asyncio.sleep(6.0)
                await controller.hear(Report)
                reports = [m for m in controller.heard[before:] if isinstance(m, Report)]
                for reading in [reading for report in reports for reading in report.readings]:
                    assert reading.at_s == pytest.approx(clock.utc_s(), abs=15.0)

        run(main, virtual_tempo())

    def test_an_answer_to_another_question_is_no_time(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            asked = await controller.hear(TimeRequest)
            wrong = controller.clock.utc_s() + 3600.0
            await controller.say(Time(pole_s=asked.pole_s - 1.0, received_s=wrong, sent_s=wrong))
            with pytest.raises(TimeoutError):
                await controller.hear(Log, within_s=8.0)

        check()


class TestEntries:
    def test_alarms_observations_and_logs_are_numbered_with_the_readings(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            await controller.hear(Report)
            agent = controller.agent
            heard = Heard(source=Source.ADSB, frame=b"\x8d" * 14, age_s=0.1)
            agent.alarm("pole.tilt", True, None, {"tilt_deg": 9.0})
            agent.observed([heard])
            agent.log(Level.INFO, "x" * 5000)
            alarm, observation, log = (
                await controller.hear(Alarm),
                await controller.hear(Observation),
                await controller.hear(Log),
            )
            assert (alarm.code, alarm.active, alarm.facts) == ("pole.tilt", True, {"tilt_deg": 9.0})
            assert observation.heard == (heard,)
            assert len(log.text) == 1024
            assert (observation.seq, log.seq) == (alarm.seq + 1, alarm.seq + 2)
            assert (observation.after, log.after) == (alarm.seq, observation.seq)

        check()

    def test_what_no_gateway_would_take_does_not_stop_what_follows(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            controller.agent.alarm("", True, None, {})
            controller.agent.alarm("pole.tilt", True, None, {"tilt_deg": float("nan")})
            assert controller.agent.refused_entries == 2
            controller.agent.alarm("pole.tilt", False, None, {})
            assert not (await controller.hear(Alarm)).active

        check()

    def test_a_gateway_that_does_not_know_a_message_gets_the_others(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            controller.agent.observed([Heard(source=Source.ADSB, frame=b"\x8d" * 14, age_s=0.1)])
            controller.agent.log(Level.INFO, "after it")
            await controller.hear(Observation)
            await controller.say(Refusal(code="pole.unknown-message", about="observation"))
            controller.heard.clear()
            log = await controller.hear(Log)
            assert log.text == "after it"
            assert controller.agent.connected
            controller.agent.observed([Heard(source=Source.ADSB, frame=b"\x8d" * 14, age_s=0.1)])
            controller.agent.log(Level.INFO, "the end")
            while log.text != "the end":
                log = await controller.hear(Log)
            assert not [m for m in controller.heard if isinstance(m, Observation)]

        check()

    def test_a_gateway_that_does_not_know_the_question_for_the_time_is_not_asked_again(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            hello = await controller.welcome()
            await controller.hear(TimeRequest)
            await controller.say(Refusal(code="pole.unknown-message", about="time-request"))
            while controller.clock.monotonic_s() < 300.0:
                message = await controller.hear(object)
                assert not isinstance(message, TimeRequest | Hello)
                if isinstance(message, Report):
                    await acknowledge(controller, hello.boot, numbers_of(message)[-1])

        check()

    def test_what_is_not_acknowledged_is_sent_again_ever_more_seldom(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            first = await controller.hear(Report)
            times: list[float] = []
            while len(times) < 5:
                message = await controller.hear_one_of(Report, TimeRequest, Reported, Heartbeat)
                await controller.say(welcome("another"))  # a word, so that the line stays
                if isinstance(message, Report) and message.readings[0].seq == first.readings[0].seq:
                    times.append(controller.clock.monotonic_s())
            gaps = [round(b - a) for a, b in itertools.pairwise(times)]
            assert gaps == sorted(gaps)
            assert SEND_AGAIN_S < max(gaps) <= SEND_SELDOM_S

        check()

    def test_a_promise_is_a_little_longer_than_the_practice(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            hello = await controller.welcome()
            assert hello.heartbeat_s == PROMISED * 5.0
            assert all(one.every_s >= PROMISED * 5.0 for one in hello.functions)
            quiet_s, last_s = 0.0, controller.clock.monotonic_s()
            while controller.clock.monotonic_s() < 120.0:
                message = await controller.hear(object)
                now_s = controller.clock.monotonic_s()
                quiet_s, last_s = max(quiet_s, now_s - last_s), now_s
                await asyncio.sleep(0.9)  # an answer that takes its time
                if isinstance(message, Report):
                    await acknowledge(controller, message.boot, numbers_of(message)[-1])
            assert quiet_s < hello.heartbeat_s

        check()


class TestLastNumber:
    def test_when_the_numbers_are_used_up_the_pole_greets_with_a_new_boot_and_loses_nothing(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            stream = controller.agent._outbox.streams[0]
            stream.last_seq = stream.durable_seq = MAX_SEQ - 10  # as after some thousand billion years
            first = await controller.welcome(MAX_SEQ - 10)
            numbers: list[tuple[str, int]] = []
            hellos = [first.boot]
            while controller.clock.monotonic_s() < 60.0:
                message = await controller.hear_one_of(Report, Reported, Log, Hello)
                if isinstance(message, Hello):
                    hellos.append(message.boot)
                    await controller.say(welcome(message.boot))
                    continue
                assert message.boot in hellos
                numbers += [(message.boot, seq) for seq in numbers_of(message)]
                await acknowledge(controller, message.boot, numbers_of(message)[-1])
            assert len(hellos) == 2
            assert hellos[0] != hellos[1]
            old = [seq for boot, seq in numbers if boot == hellos[0]]
            new = [seq for boot, seq in numbers if boot == hellos[1]]
            assert sorted(set(old)) == list(range(MAX_SEQ - 9, MAX_SEQ + 1))
            assert sorted(set(new)) == list(range(1, max(new) + 1))
            assert controller.agent.dropped == 0

        check()


class TestCorrections:
    def test_frames_are_sent_on_at_once_and_counted(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            controller.agent.corrections([b"\xd3" + bytes(9)])  # nobody listens yet: it is worthless later
            await controller.welcome()
            await controller.hear(Report)
            controller.agent.corrections([b"\xd3" + bytes([n]) * 9 for n in range(20)])
            first, second = await controller.hear(Correction), await controller.hear(Correction)
            assert (first.stream, first.number, len(first.frames)) == (CODE, 2, 16)
            assert (second.number, len(second.frames)) == (3, 4)
            assert first.at_s == controller.clock.utc_s()

        check()

    def test_a_pole_hands_on_what_it_is_to_broadcast(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            heard: list[Correction] = []
            controller.agent.corrections_in = heard.append
            await controller.welcome()
            sent = Correction(stream="elsewhere", number=7, at_s=0.0, frames=(b"\xd3" + bytes(9),))
            await controller.say(sent)
            await asyncio.sleep(0.1)
            assert heard == [sent]

        check()


class TestBye:
    def test_a_gateway_that_says_bye_is_called_again_when_it_wants_and_not_by_all_at_once(self) -> None:
        back: list[float] = []

        def once(boot: int) -> None:
            async def main(clock: Clock) -> None:
                async with playing(clock, boot=boot) as controller:
                    await controller.welcome()
                    await controller.say(Bye(why="update", back_s=60.0))
                    await controller.hear(Hello, within_s=200.0)
                    back.append(clock.monotonic_s())

            run(main, virtual_tempo())

        for boot in range(8):
            once(boot)
        assert all(60.0 <= after_s <= 90.5 for after_s in back)
        assert max(back) - min(back) > 5.0

    def test_a_pole_that_leaves_says_why_and_ends(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            await controller.agent.leave("update", 40.0)
            bye = await controller.hear(Bye)
            assert (bye.why, bye.back_s) == ("update", 40.0)
            assert controller.running is not None
            await asyncio.sleep(1.0)
            assert controller.running.done()
            assert controller.running.exception() is None

        check()

    def test_a_pole_can_leave_while_nobody_listens(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await asyncio.sleep(200.0)
            await controller.agent.leave("shutdown")
            await asyncio.sleep(1.0)
            assert controller.running is not None
            assert controller.running.done()

        check()


class TestSettings:
    def test_settings_are_brought_about_and_reported_once(self, tmp_path: Path) -> None:
        async def main(clock: Clock) -> None:
            async with playing(clock, settings=SettingsStore(tmp_path / "settings")) as controller:
                hello = await controller.welcome()
                first = await controller.hear(Reported)
                assert (first.function, first.version) == ("LampActuator", 0)
                wanted = Desired(function="LampActuator", version=3, settings=other(first.settings))
                for _ in range(3):
                    await controller.say(wanted)
                reported = await controller.hear(Reported)
                assert (reported.version, reported.code) == (3, "")
                assert reported.settings == first.settings | wanted.settings
                while not controller.said.empty() or clock.monotonic_s() < 4.0:
                    repeated = await controller.hear_one_of(Reported, Report)
                    assert not isinstance(repeated, Reported) or repeated.seq <= reported.seq
                await acknowledge(controller, hello.boot, reported.seq)
                await controller.say(wanted)  # the store has it, and the controller asks all the same
                assert (await controller.hear(Reported)).seq > reported.seq

        run(main, virtual_tempo())

    def test_settings_outlive_a_restart_and_an_older_version_does_not_come_back(self, tmp_path: Path) -> None:
        async def main(clock: Clock) -> None:
            async with playing(clock, settings=SettingsStore(tmp_path / "settings")) as controller:
                await controller.welcome()
                first = await controller.hear(Reported)
                await controller.say(Desired(function="LampActuator", version=3, settings=other(first.settings)))
                brought = await controller.hear(Reported)
            async with playing(clock, settings=SettingsStore(tmp_path / "settings"), boot=2) as controller:
                hello = await controller.welcome()
                kept = await controller.hear(Reported)
                assert (kept.version, kept.settings) == (3, brought.settings)
                await acknowledge(controller, hello.boot, kept.seq)
                await controller.say(Desired(function="LampActuator", version=2, settings=first.settings))
                assert (await controller.hear(Reported)).settings == brought.settings

        run(main, virtual_tempo())

    def test_settings_that_the_pole_cannot_have_are_answered_with_the_reason(self) -> None:
        @played
        async def check(controller: Controller) -> None:
            await controller.welcome()
            before = await controller.hear(Reported)
            await controller.say(Desired(function="LampActuator", version=1, settings={"no-such": 1}))
            refused = await controller.hear(Reported)
            assert (refused.version, refused.settings) == (1, before.settings)
            assert refused.code
            assert refused.en
            assert refused.zh
            await controller.say(Desired(function="Nothing", version=1, settings={}))
            absent = await controller.hear(Reported)
            assert (absent.function, absent.code) == ("Nothing", "pole.settings.absent")

        check()

    def test_a_file_that_cannot_be_read_is_as_none(self, tmp_path: Path) -> None:
        (tmp_path / "settings").write_bytes(b"\xc1")
        store = SettingsStore(tmp_path / "settings")
        assert store.is_unreadable
        store.keep("LampActuator", 4, {"x": 1})
        assert SettingsStore(tmp_path / "settings").kept["LampActuator"].version == 4


def other(settings: dict[str, Any]) -> dict[str, Any]:
    """The same settings with another value for each number."""
    changed = {name: value + 1 for name, value in settings.items() if type(value) in (int, float)}
    assert changed, settings
    return changed
