"""A key that is revoked is cut off within a second, from whatever process it was revoked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import zmq.asyncio

from controller.clock import Clock, real_tempo, run, wall_s
from poles.gateway import Gateway
from poles.gateway.commands import Outcome
from poles.keys import KeyPair, new_key_pair
from poles.keys.admission import RegisterAdmission
from poles.keys.register import KeyState, Register, Source, open_register
from poles.protocol import Ack, Heartbeat, Welcome, encode
from poles.wire.connection import CurveConnection
from poles.wire.listener import ENDED_AT_ONCE, LINKS_KEPT, CurveListener
from tests.poles.raw_pole import CODE, OTHER_CODE, RawPole, Store, gateway_needs, hello, raw_pole, report, zmq_context
from tests.poles.security.wiretap import Tapped, Wiretap, wiretap

AT_MOST_S = 1.0
REVOKE = """
import sys
from pathlib import Path
from poles.keys.register import open_register

with open_register(Path(sys.argv[1]), lambda: 0.0) as register:
    register.revoke(sys.argv[2], who="another process")
"""


@dataclass
class City:
    """A gateway that follows a register, and somebody who listens to the wire."""

    context: zmq.asyncio.Context
    gateway: Gateway
    store: Store
    register: Register
    path: Path
    server: KeyPair
    tap: Wiretap

    def admitted(self, code: str = CODE) -> KeyPair:
        pair = new_key_pair()
        self.register.admit([(code, pair.public.decode())], who="Li", source=Source.TOKEN)
        return pair

    def line(self, pair: KeyPair) -> CurveConnection:
        return CurveConnection(self.context, self.tap.address, pair, self.server.public)

    @asynccontextmanager
    async def welcomed(self, pair: KeyPair, code: str = CODE) -> AsyncIterator[RawPole]:
        async with raw_pole(self.line(pair), code) as pole:
            await pole.say(hello(code))
            await pole.expect(Welcome)
            yield pole


def in_city(test: Callable[[City], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    async def main(clock: Clock, folder: Path) -> None:
        path, server, store = folder / "keys" / "poles.db", new_key_pair(), Store()
        with open_register(path, clock.utc_s) as register, open_register(path, clock.utc_s) as followed:
            listener = CurveListener("tcp://127.0.0.1:0", server, RegisterAdmission(followed))
            async with (
                zmq_context() as context,
                Gateway(listener, **gateway_needs(clock, store, retry_s=0.05)) as gateway,
                wiretap(gateway.address) as tap,
            ):
                await test(City(context, gateway, store, register, path, server, tap))

    def wrapped(tmp_path: Path) -> None:
        run(lambda clock: main(clock, tmp_path), real_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


async def ended(*connections: Tapped) -> None:
    async with asyncio.timeout(AT_MOST_S):
        for one in connections:
            await one.end.wait()


@in_city
async def test_a_pole_is_let_in_within_a_second_of_its_enrolment(city: City) -> None:
    begun_s = wall_s()
    async with city.welcomed(city.admitted()):
        assert wall_s() - begun_s < AT_MOST_S


@in_city
async def test_a_revoked_pole_is_cut_off_within_a_second_and_not_a_byte_goes_to_it_after(city: City) -> None:
    pair, neighbour = city.admitted(), city.admitted(OTHER_CODE)
    async with city.welcomed(pair) as pole, city.welcomed(neighbour, OTHER_CODE) as bystander:
        await pole.say(report(1))
        await pole.expect(Ack)
        one = city.tap.connections[0]
        asking = asyncio.create_task(
            city.gateway.command(CODE, "LampActuator", "override", {"level": 0}, deadline_s=1.5)
        )
        await asyncio.sleep(0.2)
        city.register.revoke(CODE, who="Wang")
        await ended(one)
        heard, handshakes = len(one.heard), len(city.tap.connections)
        for seq in range(2, 30):
            pole.line.send(encode(report(seq)))
            await asyncio.sleep(0.02)
        assert len(one.heard) == heard
        # it knocks again, and hears what a stranger hears: greeting, WELCOME and ERROR
        async with asyncio.timeout(5.0):
            while len(city.tap.connections) == handshakes:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        knocks = city.tap.connections[handshakes:]
        assert max(len(knock.heard) for knock in knocks) <= 64 + 170 + 12
        assert (await asking).outcome is Outcome.UNKNOWN
        await bystander.say(Heartbeat())
        assert await bystander.expect(Heartbeat) == Heartbeat()
    assert [reading.seq for reading in city.store.readings()] == [1]
    assert city.gateway.statistics()["connections_cut"] == 1
    assert city.gateway.statistics()["keys_refused"] >= 1


@in_city
async def test_a_revoked_pole_is_not_missed_and_one_with_another_key_is(city: City) -> None:
    stays, goes = city.admitted(), city.admitted(OTHER_CODE)
    async with city.welcomed(stays), city.welcomed(goes, OTHER_CODE):
        supervision = city.gateway.supervision
        assert supervision.statistics()["poles_watched"] == 2
        city.admitted()
        city.register.revoke(CODE, who="Wang", key=stays.public.decode())
        city.register.revoke(OTHER_CODE, who="Wang")
        await ended(*city.tap.connections[:2])
        assert supervision.statistics()["poles_watched"] == 1
        assert list(supervision.liveness.watches) == [CODE]


@in_city
async def test_another_process_may_revoke(city: City) -> None:
    async with city.welcomed(city.admitted()):
        one = city.tap.connections[0]
        revoking = await asyncio.create_subprocess_exec(
            sys.executable, "-c", REVOKE, str(city.path), CODE, stderr=subprocess.PIPE
        )
        _, errors = await revoking.communicate()
        assert (revoking.returncode, errors) == (0, b"")
        await ended(one)


@in_city
async def test_all_connections_of_a_stolen_key_end_with_it(city: City) -> None:
    pair = city.admitted()
    async with city.welcomed(pair), city.welcomed(pair), city.welcomed(pair):
        city.register.revoke(CODE, who="Wang")
        await ended(*city.tap.connections[:3])


class OnlyAsked(Mapping[str, str]):
    """The city codes of keys, one at a time."""

    def __init__(self, codes: Mapping[str, str]) -> None:
        self.codes = codes

    def __getitem__(self, key: str) -> str:
        return self.codes[key]

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("somebody looks through the keys of a whole city")


@in_city
async def test_a_stolen_box_of_keys_is_locked_out_without_a_look_at_everybody_else(city: City) -> None:
    codes = [CODE, *(f"410105-LP-{number:06d}" for number in range(100, 100 + 2 * ENDED_AT_ONCE))]
    pairs = {code: city.admitted(code) for code in codes}
    async with city.welcomed(pairs[CODE]), city.welcomed(pairs[codes[-1]], codes[-1]):
        admission = city.gateway._listener._admission  # type: ignore[attr-defined]  # it knows all keys
        admission.codes = OnlyAsked(admission.codes)
        for code in codes:
            city.register.revoke(code, who="Wang")
        await ended(*city.tap.connections[:2])
        assert city.gateway.supervision.statistics()["poles_watched"] == 0


@in_city
async def test_however_many_connections_a_stolen_key_has_none_is_left(city: City) -> None:
    pair = city.admitted()
    async with city.welcomed(pair), AsyncExitStack() as stack:
        for _ in range(LINKS_KEPT + 2):
            thief = await stack.enter_async_context(raw_pole(city.line(pair)))
            await thief.say(Heartbeat())
            await thief.hear()
        await ended(city.tap.connections[0])  # more than a pole needs
        city.register.revoke(CODE, who="Wang")
        await ended(*city.tap.connections[: LINKS_KEPT + 3])
        await asyncio.sleep(AT_MOST_S / 2)
        outcome = await city.gateway.command(CODE, "LampActuator", "override", {"level": 0}, deadline_s=0.5)
        assert (outcome.outcome, outcome.code) == (Outcome.REJECTED, "pole.command.unreachable")


@in_city
async def test_a_connection_that_had_said_nothing_when_its_key_was_revoked_is_cut_at_its_first_word(city: City) -> None:
    pair = city.admitted()
    async with raw_pole(city.line(pair)) as pole:
        await asyncio.sleep(0.5)  # the handshake is done
        one, heard = city.tap.connections[0], len(city.tap.connections[0].heard)
        assert heard > 64 + 170
        city.register.revoke(CODE, who="Wang")
        await asyncio.sleep(0.5)
        await pole.say(hello())
        await ended(one)
        assert len(one.heard) == heard
    assert city.store.told == []


@in_city
async def test_a_new_key_replaces_the_old_one_when_it_is_used_and_the_old_connection_ends(city: City) -> None:
    old, fresh = city.admitted(), city.admitted()
    async with city.welcomed(old) as before:
        await before.say(report(1))
        await before.expect(Ack)
        assert {held.state for held in city.register.held(CODE)} == {KeyState.VALID, KeyState.NEW}
        async with city.welcomed(fresh) as after:
            await ended(city.tap.connections[0])
            assert city.register.live() == {fresh.public.decode(): CODE}
            await after.say(report(2))
            assert (await after.expect(Ack)).durable_seq == 2
            asking = asyncio.create_task(
                city.gateway.command(CODE, "LampActuator", "override", {"level": 0}, deadline_s=0.3)
            )
            assert await after.hear() is not None
            await asking
    assert [reading.seq for reading in city.store.readings()] == [1, 2]
