"""Orders to poles: what the pole tells meanwhile, and orders that are given twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.gateway import Gateway
from poles.gateway.commands import Outcome
from poles.protocol import Accepted, Command, Progress, Result, Welcome
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from tests.poles.raw_pole import CODE, RawPole, Store, gateway_needs, hello, raw_pole


def beside_a_pole(talk: Callable[[Gateway, RawPole], Awaitable[None]]) -> None:
    """Let a gateway and a pole talk that it has welcomed, in virtual time."""

    async def main(clock: Clock) -> None:
        exchange = Exchange()
        async with (
            Gateway.memory(exchange, **gateway_needs(clock, Store())) as gateway,
            raw_pole(MemoryConnection(exchange)) as pole,
        ):
            await pole.say(hello())
            await pole.expect(Welcome)
            await talk(gateway, pole)

    run(main, virtual_tempo())


def test_who_ordered_hears_how_far_it_is_and_progress_means_that_it_has_begun() -> None:
    async def talk(gateway: Gateway, pole: RawPole) -> None:
        heard: list[float] = []
        asking = asyncio.create_task(
            gateway.command(CODE, "DroneDock", "reset", until="done", on_progress=lambda told: heard.append(told.share))
        )
        order = await pole.expect(Command)
        for share in (0.25, 0.5, 1.0):
            await pole.say(Progress(id=order.id, share=share))
        await pole.say(Progress(id="another", share=0.1), Result(id=order.id, ok=True))
        assert (await asking).accepted
        assert heard == [0.25, 0.5, 1.0]
        assert gateway.statistics()["answers_late"] == 1

    beside_a_pole(talk)


def test_an_order_under_one_key_is_one_order() -> None:
    async def talk(gateway: Gateway, pole: RawPole) -> None:
        first = asyncio.create_task(gateway.command(CODE, "DroneDock", "reset", key="k1", until="done"))
        again = asyncio.create_task(gateway.command(CODE, "DroneDock", "reset", key="k1", until="done", deadline_s=0.5))
        orders = [await pole.expect(Command), await pole.expect(Command)]
        assert [order.id for order in orders] == ["k1", "k1"]
        await pole.say(Accepted(id="k1"))
        assert (await again).outcome is Outcome.UNKNOWN  # it had less patience
        await pole.say(Result(id="k1", ok=True))
        outcome = await first
        assert (outcome.id, outcome.outcome) == ("k1", Outcome.ACCEPTED)
        assert gateway.statistics()["commands_waiting"] == 0

    beside_a_pole(talk)


@pytest.mark.parametrize(
    ("accepts", "code", "outcome"),
    [
        (False, "dock.reserved", Outcome.REJECTED),
        (True, "dock.cover.turned-back", Outcome.UNKNOWN),
        (False, "pole.command.interrupted", Outcome.UNKNOWN),
    ],
)
def test_only_what_was_never_begun_counts_as_rejected(accepts: bool, code: str, outcome: Outcome) -> None:
    async def talk(gateway: Gateway, pole: RawPole) -> None:
        asking = asyncio.create_task(gateway.command(CODE, "DroneDock", "reset", key="k", until="done"))
        await pole.expect(Command)
        if accepts:
            await pole.say(Accepted(id="k"))
        await pole.say(Result(id="k", ok=False, code=code, en="why", zh="原因"))
        told = await asking
        assert (told.outcome, told.code, told.words.zh) == (outcome, code, "原因")

    beside_a_pole(talk)


@pytest.mark.parametrize(
    ("function", "key", "code"),
    [("DroneDock", "k" * 65, "pole.command.key-long"), ("DroneDock." + "d" * 60, "k", "pole.function.unknown")],
)
def test_an_order_that_no_pole_could_read_is_rejected_and_never_sent(function: str, key: str, code: str) -> None:
    async def talk(gateway: Gateway, pole: RawPole) -> None:
        told = await gateway.command(CODE, function, "reset", key=key)
        assert (told.outcome, told.code) == (Outcome.REJECTED, code)
        assert await pole.hear(within_s=2.0) is None

    beside_a_pole(talk)


def test_another_order_under_the_key_of_an_earlier_one_is_refused_and_never_sent() -> None:
    async def talk(gateway: Gateway, pole: RawPole) -> None:
        first = asyncio.create_task(gateway.command(CODE, "LampActuator", "override", {"level": 60.0}, key="k1"))
        order = await pole.expect(Command)
        other = await gateway.command(CODE, "LampActuator", "override", {"level": 0.0}, key="k1")
        assert (other.outcome, other.code) == (Outcome.REJECTED, "pole.command.key-taken")
        assert order.parameters == {"level": 60.0}
        await pole.say(Result(id="k1", ok=True))
        assert (await first).accepted
        assert gateway.statistics()["commands_waiting"] == 0
        other = await gateway.command(CODE, "LampActuator", "override", {"level": 0.0}, key="k1")
        assert (other.outcome, other.code) == (Outcome.REJECTED, "pole.command.key-taken")
        again = asyncio.create_task(gateway.command(CODE, "LampActuator", "override", {"level": 60.0}, key="k1"))
        assert (await pole.expect(Command)).parameters == {"level": 60.0}
        await pole.say(Result(id="k1", ok=True))
        assert (await again).accepted

    beside_a_pole(talk)
