"""Whatever comes in, nothing raises, nothing grows, and what is refused changes nothing."""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter
from pathlib import Path

import pytest

from controller.clock import Clock, cpu_s, run, virtual_tempo
from poles.gateway import Gateway
from poles.gateway.ingest import GATHER_S
from poles.protocol import Ack, Hello, Refusal, Welcome, about, decode, encode, numbers_of
from poles.protocol.enrolment import Enrol, decode_answer, decode_request
from poles.wire.lines import Exchange, Line
from tests.poles.raw_pole import CODE, OTHER_CODE, Store, gateway_needs, hello, report
from tests.poles.security.bodies import BODIES, VALID, body_of
from tests.poles.town import Town, in_town

AT_ONCE = 100
PAGE_BYTES = 4096


def memory_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def picture(gateway: Gateway, store: Store) -> object:
    """Everything that a refused message must not change."""
    poles = {code: (state.boot, state.last_seq, dict(state.readings)) for code, state in gateway.poles.items()}
    return poles, len(store.told)


async def emptied(line: Line) -> list[object]:
    """What the gateway has said until now."""
    heard: list[object] = []
    while True:
        try:
            async with asyncio.timeout(2 * GATHER_S):
                heard.append(decode(await line.receive()))
        except TimeoutError:
            return heard


def campaign(bodies: int, seed: int) -> tuple[Counter[str], Counter[str], list[int]]:
    """Send so many bodies to a gateway as a pole that was welcomed; counts by kind, those refused, and the memory."""
    sent: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    memory: list[int] = []

    async def main(clock: Clock) -> None:
        rng, store, exchange = random.Random(seed), Store(), Exchange()
        async with Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway:
            bystander, fuzzer = exchange.call(OTHER_CODE), exchange.call(CODE)
            for line, code in ((bystander, OTHER_CODE), (fuzzer, CODE)):
                line.send(encode(hello(code)))
                assert [type(word) for word in await emptied(line)] == [Welcome]
            for _ in range(bodies // AT_ONCE):
                await refused_ones(fuzzer, gateway, store, rng)
                if sent.total() % (bodies // 10) == 0:
                    memory.append(memory_bytes())
            bystander.send(encode(report(1)))
            assert [word.durable_seq for word in await emptied(bystander) if isinstance(word, Ack)] == [1]
            assert gateway.poles.keys() == {CODE, OTHER_CODE}

    async def refused_ones(fuzzer: Line, gateway: Gateway, store: Store, rng: random.Random) -> None:
        before = picture(gateway, store)
        for _ in range(AT_ONCE):
            name, body = body_of(rng)
            sent[name] += 1
            named, asked = about(body), decode_request(body)
            assert isinstance(named, str)
            assert asked is None or isinstance(asked, Enrol | int)
            decode_answer(body)
            if decode(body) is None:
                refused[name] += 1
                fuzzer.send(body)
        assert all(isinstance(word, Refusal) for word in await emptied(fuzzer))
        assert picture(gateway, store) == before

    run(main, virtual_tempo())
    return sent, refused, memory


def test_ten_thousand_bodies_raise_nothing_and_change_nothing() -> None:
    sent, refused, _ = campaign(10_000, seed=1)
    assert sent.total() == 10_000
    assert refused["too long"] == sent["too long"]
    assert refused["bombs"] == sent["bombs"]
    assert refused["structure"] > sent["structure"] / 3


@pytest.mark.soak
def test_a_million_bodies_raise_nothing_change_nothing_and_leave_nothing_behind() -> None:
    begun_s = cpu_s()
    sent, refused, memory = campaign(1_000_000, seed=2)
    taken_s = cpu_s() - begun_s
    rows = [f"{name:12}{sent[name]:>10}{refused[name]:>10}" for name in sorted(sent)]
    rows.append(f"{'all':12}{sent.total():>10}{refused.total():>10}   in {taken_s:.0f} s of CPU, making them included")
    rows.append("memory [MiB] " + " ".join(f"{used / 2**20:.1f}" for used in memory))
    print("", f"{'kind':12}{'sent':>10}{'refused':>10}", *rows, sep="\n")  # noqa: T201 - the soak's table
    assert sent.total() == 1_000_000
    assert max(memory[1:]) - memory[0] < 4 * 2**20


def test_what_is_understood_is_stored_once_whatever_order_and_shape_it_comes_in() -> None:
    """Mutants that still are messages may say anything of their own pole, but each number of a boot is stored once."""

    async def main(clock: Clock) -> None:
        rng, store, exchange = random.Random(3), Store(), Exchange()
        async with Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway:
            fuzzer = exchange.call(CODE)
            for n in range(6_000):
                if n % 50 == 0:
                    fuzzer.send(encode(hello()))
                _, body = body_of(rng)
                if decode(body) is not None:
                    fuzzer.send(body)
                    await emptied(fuzzer)
            assert gateway.statistics()["entries"] > 0
        numbers: Counter[tuple[str, int]] = Counter()
        for code, message in store.told:
            assert code == CODE
            if not isinstance(message, Hello):
                numbers.update((message.boot, seq) for seq in numbers_of(message))
        assert numbers
        assert set(numbers.values()) == {1}

    run(main, virtual_tempo())


def test_the_messages_that_are_mutated_are_valid_themselves() -> None:
    for message, body in zip(VALID, BODIES, strict=True):
        assert (decode_request(body) if isinstance(message, Enrol) else decode(body)) == message


@in_town
async def test_over_a_real_connection_rubbish_costs_its_sender_the_connection_at_most(town: Town) -> None:
    rng = random.Random(4)
    async with town.welcomed(OTHER_CODE) as bystander:
        for _ in range(30):
            async with town.welcomed(CODE) as fuzzer:
                for _ in range(50):
                    fuzzer.line.send(body_of(rng)[1])
                await asyncio.sleep(0)
        await bystander.say(report(1))
        assert await bystander.expect(Ack) is not None
    assert town.gateway.poles.keys() == {CODE, OTHER_CODE}
    assert town.gateway.statistics()["malformed"] > 100
