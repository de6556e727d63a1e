"""Recorded bytes are worth nothing, and changed ones end the connection (CurveZMQ, ZeroMQ RFC 26)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from poles.protocol import Ack, Hello, Welcome
from tests.poles.raw_pole import hello, raw_pole, report
from tests.poles.security.wiretap import converse, wiretap
from tests.poles.town import Town, in_town

GREETING_BYTES = 64
WELCOME_BYTES = 2 + 168
ERROR = b"\x04\x06\x05ERROR\x00"


@in_town
async def test_a_recorded_session_played_back_gets_no_data_and_changes_nothing(town: Town) -> None:
    """The gateway answers the recorded HELLO with a WELCOME under a fresh key, which the INITIATE does not fit."""
    async with wiretap(town.gateway.address) as tap:
        async with raw_pole(town.line(address=tap.address)) as pole:
            await pole.say(hello(), report(1), report(2))
            await pole.expect(Welcome)
            while (await pole.expect(Ack)).durable_seq < 2:
                pass
        said = bytes(tap.connections[0].said)
    before, counted = list(town.store.told), town.gateway.statistics()
    for parts in (
        [said],
        [said[:GREETING_BYTES], said[GREETING_BYTES:]],
        # greeting, HELLO (2 + 200), INITIATE and messages
        [said[:GREETING_BYTES], said[GREETING_BYTES : GREETING_BYTES + 202], said[GREETING_BYTES + 202 :]],
    ):
        told = await converse(town.gateway.address, *parts)
        assert len(told) <= GREETING_BYTES + WELCOME_BYTES + len(ERROR)
    assert town.store.told == before
    assert town.gateway.statistics() == counted


Spoil = Callable[[bytes, random.Random], bytes]


def repeated(chunk: bytes, rng: random.Random) -> bytes:
    return chunk + chunk


def one_bit_wrong(chunk: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(chunk))
    return chunk[:place] + bytes([chunk[place] ^ 1 << rng.randrange(8)]) + chunk[place + 1 :]


def cut_short(chunk: bytes, rng: random.Random) -> bytes:
    return chunk[: rng.randrange(len(chunk))]


def swallowed(chunk: bytes, rng: random.Random) -> bytes:
    return b""


def in_other_order(chunk: bytes, rng: random.Random) -> bytes:
    half = len(chunk) // 2
    return chunk[half:] + chunk[:half]


@pytest.mark.parametrize("spoil", [repeated, one_bit_wrong, cut_short, swallowed, in_other_order])
@pytest.mark.parametrize("seed", range(3))
def test_whoever_meddles_with_the_wire_can_delay_but_change_nothing(spoil: Spoil, seed: int) -> None:
    """Frames carry rising nonces and an authenticator each; what comes twice, wrong or late ends the connection."""

    @in_town
    async def talk(town: Town) -> None:
        rng = random.Random(seed)
        async with wiretap(town.gateway.address) as tap:
            async with raw_pole(town.line(address=tap.address)) as pole:
                await pole.say(hello())
                await pole.expect(Welcome)
                tap.meddle = lambda chunk: spoil(chunk, rng)
                for seq in (1, 2, 3):
                    await pole.say(report(seq))
                    await asyncio.sleep(0.03)
                tap.meddle = lambda chunk: chunk
            async with raw_pole(town.line(address=tap.address)) as pole:  # what a pole does when it hears nothing
                await pole.say(hello(), report(1), report(2), report(3))
                await pole.expect(Welcome)
                while (await pole.expect(Ack)).durable_seq < 3:
                    pass
        assert [reading.seq for reading in town.store.readings()] == [1, 2, 3]
        assert all(message in (hello(), *map(report, (1, 2, 3))) for _, message in town.store.told)
        assert sum(isinstance(message, Hello) for _, message in town.store.told) == 1

    talk()


@in_town
async def test_what_goes_over_the_wire_cannot_be_read(town: Town) -> None:
    async with wiretap(town.gateway.address) as tap:
        async with raw_pole(town.line(address=tap.address)) as pole:
            await pole.say(hello(firmware="a-name-that-nobody-may-see"), report(1))
            await pole.expect(Welcome)
            await pole.expect(Ack)
        wire = bytes(tap.connections[0].said + tap.connections[0].heard)
    assert len(wire) > 500
    for word in (b"a-name", b"weather", b"410105", b"hello", b"durable", town.keys["410105-LP-000001"].public):
        assert word not in wire
