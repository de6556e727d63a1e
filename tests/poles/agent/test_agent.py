"""The pole's side against a controller that a test plays by hand, in virtual time."""

import asyncio
import itertools

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.agent import HEARTBEAT_S, SEND_AGAIN_S, SILENCE_S
from poles.agent import agent as retrying
from poles.agent import conversation as rules
from poles.protocol import Accepted, Heartbeat, Hello, Refusal, Report, Reported, Result, numbers_of
from poles.services.lamp import Pattern
from tests.poles.agent.by_hand import FUNCTIONS, Controller, SlowLamp, ack, functions, played, playing, welcome
from tests.poles.raw_pole import CODE


@played
async def test_hello_is_said_until_it_is_answered_and_nothing_before_it(controller: Controller) -> None:
    first, second = await controller.hear(Hello), await controller.hear(Hello)
    assert controller.clock.monotonic_s() == rules.HELLO_AGAIN_S
    assert (first.code, first.boot) == (CODE, second.boot)
    assert [capability.function for capability in first.functions] == FUNCTIONS
    assert controller.heard == []
    assert not controller.agent.connected
    await controller.welcome()
    report = await controller.hear(Report)
    assert (numbers_of(report), report.after, functions(report)) == ((2, 3, 4, 5, 6, 7), 1, set(FUNCTIONS))
    assert [m.seq for m in controller.heard if isinstance(m, Reported)] == [1]  # the lamp's settings


@played
async def test_a_report_is_sent_until_it_is_acknowledged(controller: Controller) -> None:
    hello = await controller.welcome()
    first = await controller.hear(Report)
    again = await controller.hear(Report)
    while numbers_of(again)[0] != 2:
        again = await controller.hear(Report)
    assert controller.clock.monotonic_s() >= SEND_AGAIN_S
    assert [(r.at_s, r.values) for r in again.readings[: len(FUNCTIONS)]] == [
        (r.at_s, r.values) for r in first.readings
    ]
    assert again.readings[0].held_s >= SEND_AGAIN_S
    held = controller.agent.unsent
    await controller.say(ack(hello.boot, numbers_of(first)[-1]))
    await controller.hear(Report)
    assert controller.agent.unsent <= held


def test_a_quiet_pole_sends_heartbeats() -> None:
    async def main(clock: Clock) -> None:
        async with playing(clock, report_every_s=4 * HEARTBEAT_S) as controller:
            hello = await controller.welcome()
            report = await controller.hear(Report)
            await controller.say(ack(hello.boot, numbers_of(report)[-1]))
            for _ in range(3):
                await controller.hear(Heartbeat, within_s=HEARTBEAT_S + 0.1)
                await controller.say(Heartbeat())

    run(main, virtual_tempo())


def test_a_pole_whose_reports_are_answered_needs_no_heartbeats_and_one_whose_report_is_not_asks() -> None:
    async def main(clock: Clock) -> None:
        async with playing(clock, report_every_s=HEARTBEAT_S) as controller:
            hello = await controller.welcome()
            for _ in range(5):
                report = await controller.hear(Report)
                await controller.say(ack(hello.boot, numbers_of(report)[-1]))
            assert not [message for message in controller.heard if isinstance(message, Heartbeat)]
            await controller.hear(Report)
        async with playing(clock, report_every_s=4 * HEARTBEAT_S) as controller:
            await controller.welcome()
            await controller.hear(Report)
            await controller.hear(Heartbeat, within_s=HEARTBEAT_S + 0.1)

    run(main, virtual_tempo())


@played
async def test_a_gateway_that_falls_silent_gets_a_new_connection_and_all_that_it_did_not_acknowledge(
    controller: Controller,
) -> None:
    boot = (await controller.welcome()).boot
    await controller.say(ack(boot, numbers_of(await controller.hear(Report))[-1]))
    again = await controller.hear(Hello)
    assert controller.clock.monotonic_s() >= SILENCE_S
    assert again.boot == boot
    assert again.unsent == controller.agent.unsent >= 2
    await controller.say(welcome(boot, 7))
    assert numbers_of(await controller.hear(Report))[0] == 8


@played
async def test_reconnects_spread_and_grow_rarer(controller: Controller) -> None:
    times = []
    for _ in range(60):
        await controller.hear(Hello)
        times.append(controller.clock.monotonic_s())
    gaps = [b - a for a, b in itertools.pairwise(times) if b - a > rules.HELLO_AGAIN_S + 0.01]
    assert len(set(gaps)) == len(gaps)
    assert max(gaps) > 5.0
    assert max(gaps) <= retrying.RETRY_MAX_S + rules.HELLO_AGAIN_S


@played
async def test_a_gateway_that_knows_nothing_of_the_connection_is_greeted_at_once(controller: Controller) -> None:
    await controller.welcome()
    await controller.hear(Report)
    before = controller.clock.monotonic_s()
    for _ in range(3):
        await controller.say(Refusal(code="pole.hello-first"))
    await controller.welcome()
    assert controller.clock.monotonic_s() == before
    assert numbers_of(await controller.hear(Report))[0] == 2
    assert not [m for m in controller.heard if isinstance(m, Hello)]


@played
async def test_a_refused_pole_remembers_why(controller: Controller) -> None:
    await controller.hear(Hello)
    await controller.say(Refusal(code="pole.identity", en="not yours"))
    await controller.hear(Hello)
    assert controller.agent.refusal == Refusal(code="pole.identity", en="not yours")
    await controller.welcome()
    await controller.hear(Report)
    assert controller.agent.refusal is None


@played
async def test_a_command_is_carried_out_once_however_often_it_comes(controller: Controller) -> None:
    await controller.welcome()
    for _ in range(3):
        await controller.say(controller.order())
        assert await controller.hear(Result) == Result(id="c1", ok=True)
    assert controller.light.shown == [Pattern.STEADY, Pattern.LANDING]


def test_a_slow_command_is_accepted_first_and_answered_when_it_is_done() -> None:
    async def main(clock: Clock) -> None:
        async with playing(clock, lamp=SlowLamp) as controller:
            await controller.welcome()
            await controller.say(controller.order())
            await controller.hear(Accepted)
            await controller.say(controller.order())
            await controller.hear(Accepted)
            before = clock.monotonic_s()
            assert (await controller.hear(Result)).ok
            assert clock.monotonic_s() == before + 3.0
            await controller.say(controller.order())
            assert (await controller.hear(Result)).ok
            assert controller.light.shown == [Pattern.STEADY, Pattern.LANDING]

    run(main, virtual_tempo())


@played
async def test_a_command_after_its_deadline_is_not_carried_out(controller: Controller) -> None:
    await controller.welcome()
    await controller.say(controller.order(expires_s=controller.clock.utc_s() - 2.5))
    result = await controller.hear(Result)
    assert (result.ok, result.code) == (False, "pole.command.expired")
    assert "2.5 s" in result.en
    assert controller.light.shown == [Pattern.STEADY]


@played
async def test_a_command_that_the_pole_cannot_do_is_answered_with_the_reason(controller: Controller) -> None:
    await controller.welcome()
    wrong = [
        (controller.order(id="a", function="DroneDock", action="open"), "pole.function.absent"),
        (controller.order(id="b", action="explode"), "pole.action.unknown"),
        (controller.order(id="c", parameters={"level": -1}), "pole.action.parameters"),
        (controller.order(id="d", parameters={"x" * 5000: 1}), "pole.action.parameters"),
    ]
    for command, code in wrong:
        await controller.say(command)
        assert (await controller.hear(Result)).code == code
    assert controller.light.shown == [Pattern.STEADY]


@played
async def test_a_change_is_reported_at_once_and_alone(controller: Controller) -> None:
    await controller.welcome()
    await controller.hear(Report)
    await asyncio.sleep(1.0)
    before = controller.clock.monotonic_s()
    await controller.say(controller.order())
    report = await controller.hear(Report)
    assert controller.clock.monotonic_s() == before
    (lamp,) = report.readings
    assert (lamp.function, lamp.values["pattern"]) == ("LampActuator", "landing")


@played
async def test_rubbish_from_the_gateway_does_not_stop_the_pole(controller: Controller) -> None:
    await controller.welcome()
    for body in (b"", b"\xc1", b"\x91" * 70_000):
        await controller.say_raw(body)
    await controller.say(ack("another", 99))
    await controller.say(welcome("another", 99))
    await controller.say(controller.order())
    assert (await controller.hear(Result)).ok


def test_a_pole_of_a_large_city_asks_seldom_and_waits_longer() -> None:
    async def main(clock: Clock) -> None:
        async with playing(clock, report_every_s=900.0, heartbeat_every_s=20.0) as controller:
            await controller.welcome()
            report = await controller.hear(Report)
            await controller.say(ack(report.boot, numbers_of(report)[-1]))
            said_s = clock.monotonic_s()
            await controller.hear(Heartbeat)
            assert clock.monotonic_s() - said_s == pytest.approx(20.0)
            await controller.hear(Hello, within_s=200.0)  # on a new line
            assert clock.monotonic_s() - said_s == pytest.approx(60.0, abs=retrying.RETRY_MAX_S)

    run(main, virtual_tempo())
