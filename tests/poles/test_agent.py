"""The pole's side against a controller that a test plays by hand, in virtual time."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from airspace.frames import LatLon
from controller.clock import Clock, run, virtual_tempo
from poles import agent as rules
from poles.agent import HEARTBEAT_S, SEND_AGAIN_S, SILENCE_S, Bell, PoleAgent
from poles.connection import MemoryConnection
from poles.lines import Body, Exchange, MemoryGateway
from poles.protocol import (
    Accepted,
    Ack,
    AnyMessage,
    Command,
    Heartbeat,
    Hello,
    Refusal,
    Report,
    Result,
    Welcome,
    decode,
    encode,
)
from poles.services.lamp import Lamp, Pattern
from poles.services.weather import Weather
from tests.poles.raw_pole import CODE

M = TypeVar("M")


class Light:
    def __init__(self) -> None:
        self.shown: list[Pattern] = []

    def light(self, pattern: Pattern, level_pct: float) -> None:
        self.shown.append(pattern)


class SlowLamp(Lamp):
    """A lamp whose orders take 3 s."""

    def begin(self, action: str, parameters: Any) -> Awaitable[None] | None:
        super().begin(action, parameters)
        return asyncio.sleep(3.0)


@dataclass
class Controller:
    """A gateway that a test plays, a pole's agent that talks to it, and what the pole said beside the heartbeats."""

    clock: Clock
    agent: PoleAgent
    light: Light
    heard: list[AnyMessage] = field(default_factory=list)
    said: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    route: bytes = b""  # of the pole's last word
    lines: MemoryGateway | None = None

    def listen(self, exchange: Exchange) -> None:
        self.lines = exchange.listen(self._take)

    def _take(self, code: str | None, route: bytes, body: Body | None) -> None:
        assert code == CODE
        assert body is not None
        self.route = route
        self.said.put_nowait(bytes(body))

    async def hear(self, kind: type[M], within_s: float = 60.0) -> M:
        """The next message of a kind; others are kept in `heard`."""
        async with asyncio.timeout(within_s):
            while True:
                message = decode(await self.said.get())
                assert message is not None
                if isinstance(message, kind):
                    return message
                self.heard.append(message)

    async def say(self, message: AnyMessage) -> None:
        await self.say_raw(encode(message))

    async def say_raw(self, body: bytes) -> None:
        assert self.lines is not None
        assert self.lines.send(self.route, body)
        await asyncio.sleep(0)

    async def welcome(self, durable_seq: int = 0) -> Hello:
        hello = await self.hear(Hello)
        await self.say(Welcome(version=1, boot=hello.boot, durable_seq=durable_seq))
        return hello

    def order(self, action: str = "landing", **changes: Any) -> Command:
        fields: dict[str, Any] = {"id": "c1", "service": "lamp", "action": action, "parameters": {}}
        return Command(**(fields | {"expires_s": self.clock.utc_s() + 10.0} | changes))


@asynccontextmanager
async def playing(
    clock: Clock, *, lamp: type[Lamp] = Lamp, report_every_s: float = 5.0, heartbeat_every_s: float = HEARTBEAT_S
) -> AsyncIterator[Controller]:
    light = Light()
    exchange = Exchange()
    agent = PoleAgent(
        CODE,
        [Weather(), lamp(light)],
        MemoryConnection(exchange),
        position=LatLon(34.75, 113.6),
        utc_s=clock.utc_s,
        rng=random.Random(1),
        report_every_s=report_every_s,
        heartbeat_every_s=heartbeat_every_s,
    )
    controller = Controller(clock, agent, light)
    controller.listen(exchange)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(agent.run())
        yield controller
        running.cancel()


def played(test: Callable[[Controller], Coroutine[None, None, None]]) -> Callable[[], None]:
    async def main(clock: Clock) -> None:
        async with playing(clock) as controller:
            await test(controller)

    def wrapped() -> None:
        run(main, virtual_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@played
async def test_hello_is_said_until_it_is_answered_and_nothing_before_it(controller: Controller) -> None:
    first, second = await controller.hear(Hello), await controller.hear(Hello)
    assert controller.clock.monotonic_s() == rules.HELLO_AGAIN_S
    assert (first.code, first.services, first.boot) == (CODE, ("weather", "lamp"), second.boot)
    assert controller.heard == []
    assert not controller.agent.connected
    await controller.welcome()
    report = await controller.hear(Report)
    assert (report.seq, report.after, set(report.readings)) == (1, 0, {"weather", "lamp"})


@played
async def test_a_report_is_sent_until_it_is_acknowledged(controller: Controller) -> None:
    hello = await controller.welcome()
    first = await controller.hear(Report)
    again = await controller.hear(Report)
    while again.seq != 1:
        again = await controller.hear(Report)
    assert controller.clock.monotonic_s() >= SEND_AGAIN_S
    assert (again.at_s, again.readings) == (first.at_s, first.readings)
    assert again.held_s >= SEND_AGAIN_S
    held = controller.agent.unsent
    await controller.say(Ack(boot=hello.boot, durable_seq=1))
    await controller.hear(Report)
    assert controller.agent.unsent <= held


def test_a_quiet_pole_sends_heartbeats() -> None:
    async def main(clock: Clock) -> None:
        async with playing(clock, report_every_s=4 * HEARTBEAT_S) as controller:
            hello = await controller.welcome()
            report = await controller.hear(Report)
            await controller.say(Ack(boot=hello.boot, durable_seq=report.seq))
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
                await controller.say(Ack(boot=hello.boot, durable_seq=report.seq))
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
    await controller.say(Ack(boot=boot, durable_seq=(await controller.hear(Report)).seq))
    again = await controller.hear(Hello)
    assert controller.clock.monotonic_s() >= SILENCE_S
    assert again.boot == boot
    assert again.unsent == controller.agent.unsent >= 2
    await controller.say(Welcome(version=1, boot=boot, durable_seq=1))
    assert (await controller.hear(Report)).seq == 2


@played
async def test_reconnects_spread_and_grow_rarer(controller: Controller) -> None:
    times = []
    for _ in range(60):
        await controller.hear(Hello)
        times.append(controller.clock.monotonic_s())
    gaps = [b - a for a, b in itertools.pairwise(times) if b - a > rules.HELLO_AGAIN_S + 0.01]
    assert len(set(gaps)) == len(gaps)
    assert max(gaps) > 5.0
    assert max(gaps) <= rules.RETRY_MAX_S + rules.HELLO_AGAIN_S


@played
async def test_a_gateway_that_knows_nothing_of_the_connection_is_greeted_at_once(controller: Controller) -> None:
    await controller.welcome()
    await controller.hear(Report)
    before = controller.clock.monotonic_s()
    for _ in range(3):
        await controller.say(Refusal(code="pole.hello-first"))
    await controller.welcome()
    assert controller.clock.monotonic_s() == before
    assert (await controller.hear(Report)).seq == 1
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
    assert controller.light.shown == [Pattern.OFF, Pattern.LANDING]


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
            assert controller.light.shown == [Pattern.OFF, Pattern.LANDING]

    run(main, virtual_tempo())


@played
async def test_a_command_after_its_deadline_is_not_carried_out(controller: Controller) -> None:
    await controller.welcome()
    await controller.say(controller.order(expires_s=controller.clock.utc_s() - 2.5))
    result = await controller.hear(Result)
    assert (result.ok, result.code) == (False, "pole.command.expired")
    assert "2.5 s" in result.en
    assert controller.light.shown == [Pattern.OFF]


@played
async def test_a_command_that_the_pole_cannot_do_is_answered_with_the_reason(controller: Controller) -> None:
    await controller.welcome()
    wrong = [
        (controller.order(id="a", service="dock", action="open"), "pole.service.absent"),
        (controller.order(id="b", action="explode"), "pole.action.unknown"),
        (controller.order("on", id="c", parameters={"level_pct": -1}), "pole.action.parameters"),
        (controller.order("on", id="d", parameters={"x" * 5000: 1}), "pole.action.parameters"),
    ]
    for command, code in wrong:
        await controller.say(command)
        assert (await controller.hear(Result)).code == code
    assert controller.light.shown == [Pattern.OFF]


@played
async def test_a_change_is_reported_at_once_and_alone(controller: Controller) -> None:
    await controller.welcome()
    await controller.hear(Report)
    await asyncio.sleep(1.0)
    before = controller.clock.monotonic_s()
    await controller.say(controller.order())
    report = await controller.hear(Report)
    assert controller.clock.monotonic_s() == before
    assert set(report.readings) == {"lamp"}
    assert report.readings["lamp"]["pattern"] == "landing"


@played
async def test_rubbish_from_the_gateway_does_not_stop_the_pole(controller: Controller) -> None:
    await controller.welcome()
    for body in (b"", b"\xc1", b"\x91" * 70_000):
        await controller.say_raw(body)
    await controller.say(Ack(boot="another", durable_seq=99))
    await controller.say(Welcome(version=1, boot="another", durable_seq=99))
    await controller.say(controller.order())
    assert (await controller.hear(Result)).ok


def test_a_pole_of_a_large_city_asks_seldom_and_waits_longer() -> None:
    async def main(clock: Clock) -> None:
        async with playing(clock, report_every_s=900.0, heartbeat_every_s=20.0) as controller:
            await controller.welcome()
            report = await controller.hear(Report)
            await controller.say(Ack(boot=report.boot, durable_seq=report.seq))
            said_s = clock.monotonic_s()
            await controller.hear(Heartbeat)
            assert clock.monotonic_s() - said_s == pytest.approx(20.0)
            await controller.hear(Hello, within_s=200.0)  # on a new line
            assert clock.monotonic_s() - said_s == pytest.approx(60.0, abs=rules.RETRY_MAX_S)

    run(main, virtual_tempo())


@pytest.mark.parametrize(
    ("due_s", "becomes_s", "told", "woken_s"),
    [
        pytest.param(5.0, 5.0, False, 5.0, id="it comes when it was to come"),
        pytest.param(5.0, 9.0, False, 9.0, id="it moved later meanwhile, and nobody said so"),
        pytest.param(5.0, 3.0, True, 3.0, id="it moved earlier, and somebody said so"),
    ],
)
def test_a_bell_wakes_at_the_moment_that_is_due_then(
    due_s: float, becomes_s: float, told: bool, woken_s: float
) -> None:
    async def main(clock: Clock) -> float:
        due = [due_s]
        bell = Bell(lambda: due[0])

        async def move() -> None:
            await asyncio.sleep(1.0)
            due[0] = becomes_s
            if told:
                bell.no_later(becomes_s)

        async with asyncio.TaskGroup() as group:
            group.create_task(move())
            await bell.wait()
            return clock.monotonic_s()

    assert run(main, virtual_tempo()) == woken_s


def test_a_ring_wakes_at_once_and_one_that_nobody_heard_is_remembered() -> None:
    async def main(clock: Clock) -> list[float]:
        bell, woken_s = Bell(lambda: 100.0), list[float]()
        asyncio.get_running_loop().call_later(2.0, bell.ring)
        await bell.wait()
        woken_s.append(clock.monotonic_s())
        bell.ring()
        await asyncio.sleep(3.0)
        await bell.wait()
        woken_s.append(clock.monotonic_s())
        await bell.wait()
        return [*woken_s, clock.monotonic_s()]

    assert run(main, virtual_tempo()) == [2.0, 5.0, 100.0]
