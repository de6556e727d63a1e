"""Keys are renewed while poles report: the poles' own, and the server's, with nothing lost and nothing twice."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import zmq.asyncio

from airspace.frames import LatLon
from airspace.reasons import Refused
from controller.clock import Clock, real_tempo, run
from poles.agent import PoleAgent, conversation
from poles.beside import beside
from poles.gateway import Gateway
from poles.gateway.key_renewal import KeyRenewal
from poles.keys import KeyPair, key_ring, new_key_pair, save_key_pair
from poles.keys.doors import DOOR_THERE, STRANGE_DOOR, DoorState
from poles.keys.key_ring import KeyRing, RingConnection, load_key_ring, new_key_ring
from poles.keys.pairs import READABLE
from poles.keys.register import KeyState, Register, Source, open_register
from poles.protocol.enrolment import KnownGateway
from poles.services.pole_keys import PoleKeys
from poles.services.weather import Weather
from poles.wire.doorway import Doorway
from tests.poles.raw_pole import CODE, OTHER_CODE, Store, gateway_needs, zmq_context

GATEWAY = KnownGateway(address="tcp://127.0.0.1:7600", public_key="G" * 40)
NEXT = KnownGateway(address="tcp://127.0.0.1:7601", public_key="H" * 40)
FIRST, SECOND = "first.key", "second.key"


class TestKeyRing:
    """The pole's file of keys and gateways."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "keys" / "pole.ring"

    def test_a_ring_comes_back_from_a_file_that_only_its_owner_can_read(self, path: Path) -> None:
        ring = new_key_ring(path, new_key_pair(), [GATEWAY])
        ring.renew(3)
        ring.learn([NEXT, GATEWAY])
        again = load_key_ring(path)
        assert (again.pairs, again.gateways, again.renewal) == (ring.pairs, (NEXT, GATEWAY), 3)
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)
        with pytest.raises(Refused) as refused:
            load_key_ring(path)
        assert refused.value.reasons[0].rule is READABLE

    def test_the_old_pair_is_kept_until_a_gateway_has_answered_to_the_new_one(self, path: Path) -> None:
        old = new_key_pair()
        ring = new_key_ring(path, old, [GATEWAY])
        ring.renew(1)
        fresh = ring.newest
        assert [way.pair for way in ring.ways()] == [fresh, old]
        ring.answered(old)
        assert ring.pairs == (fresh, old)
        ring.answered(fresh)
        assert load_key_ring(path).pairs == (fresh,)

    def test_a_renewal_is_done_once_however_often_it_is_asked_for(self, path: Path) -> None:
        ring = new_key_ring(path, new_key_pair(), [GATEWAY])
        ring.renew(1)
        fresh = ring.newest
        ring.renew(1)
        ring.renew(0)
        assert ring.newest == fresh

    def test_a_key_that_never_came_in_gives_way_to_the_next_and_the_known_one_stays(self, path: Path) -> None:
        old = new_key_pair()
        ring = new_key_ring(path, old, [GATEWAY])
        ring.renew(1)
        never = ring.newest
        ring.renew(2)
        assert ring.pairs == (ring.newest, old)
        assert never not in ring.pairs

    @pytest.mark.parametrize(
        "text", ["", "renewal = 0\npairs = []\ngateways = []\n", 'renewal = "x"', "\xff", "pairs = [{public = 'a'}]"]
    )
    def test_a_spoilt_ring_is_refused(self, path: Path, text: str) -> None:
        new_key_ring(path, new_key_pair(), [GATEWAY])
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(Refused) as refused:
            load_key_ring(path)
        assert refused.value.reasons[0].rule is key_ring.NOT_A_RING

    def test_no_secret_is_in_any_repr_or_refusal(self, path: Path) -> None:
        ring = new_key_ring(path, new_key_pair(), [GATEWAY])
        told = repr(ring) + repr(ring.ways()) + repr(ring.pairs)
        assert ring.newest.secret.decode() not in told

    def test_a_ring_that_cannot_be_written_stays_as_it_was(self, path: Path) -> None:
        ring = new_key_ring(path, new_key_pair(), [GATEWAY])
        before = ring.pairs
        path.with_name("pole.ring.new").mkdir()
        with pytest.raises(Refused):
            ring.renew(1)
        assert ring.pairs == before
        assert load_key_ring(path).pairs == before


@dataclass
class City:
    """A gateway with doors, the register behind it, and what was stored."""

    clock: Clock
    context: zmq.asyncio.Context
    gateway: Gateway
    doorway: Doorway
    register: Register
    store: Store
    folder: Path

    def ring(self, code: str = CODE) -> KeyRing:
        """The ring of a pole that has enrolled."""
        pair = new_key_pair()
        self.register.admit([(code, pair.public.decode())], who="Li", source=Source.TOKEN)
        return new_key_ring(self.folder / "pole" / f"{code}.ring", pair, self.doorway.gateways())

    @asynccontextmanager
    async def pole(self, ring: KeyRing, code: str = CODE) -> AsyncIterator[PoleAgent]:
        agent = PoleAgent(
            code,
            [PoleKeys(ring), Weather()],
            RingConnection(self.context, ring),
            position=LatLon(34.75, 113.6),
            utc_s=self.clock.utc_s,
            rng=random.Random(code),
            report_every_s=0.1,
            heartbeat_every_s=0.2,
        )
        async with beside(agent.run()):
            yield agent

    def live(self) -> set[str]:
        return set(self.register.live())

    def once(self, code: str = CODE) -> bool:
        """Whether every number of the pole's boot was stored, in order and once."""
        numbers = [reading.seq for reading in self.store.readings(code)]
        told = [message.seq for who, message in self.store.told if who == code and hasattr(message, "seq")]
        return len(numbers) > 3 and sorted([*numbers, *told]) == list(range(1, len(numbers) + len(told) + 1))

    def new_door(self, term_s: float) -> KeyPair:
        pair = new_key_pair()
        save_key_pair(self.folder / "keys" / SECOND, pair)
        self.register.doors.renew(pair.public.decode(), SECOND, "tcp://127.0.0.1:0", "", term_s=term_s, who="Li")
        return pair


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback a pole need not wait long for a first word that does not come."""
    monkeypatch.setattr(conversation, "FIRST_WORD_S", 1.0)


async def until(condition: Callable[[], bool], within_s: float = 25.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for lies in several objects and a file
            await asyncio.sleep(0.02)


def in_city(test: Callable[[City], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    async def main(clock: Clock, folder: Path) -> None:
        server, store, path = new_key_pair(), Store(), folder / "keys" / "poles.db"
        save_key_pair(folder / "keys" / FIRST, server)
        with open_register(path, clock.utc_s) as register, open_register(path, clock.utc_s) as hand:
            register.doors.found(server.public.decode(), FIRST, "tcp://127.0.0.1:0", "")
            doorway = Doorway(register, folder / "keys")
            async with zmq_context() as context, Gateway(doorway, **gateway_needs(clock, store)) as gateway:
                renewal = KeyRenewal(gateway, register, doorway)
                async with beside(renewal.run()):
                    await test(City(clock, context, gateway, doorway, hand, store, folder))

    def wrapped(tmp_path: Path) -> None:
        run(lambda clock: main(clock, tmp_path), real_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@in_city
async def test_a_pole_makes_a_new_key_when_it_is_asked_and_loses_nothing(city: City) -> None:
    ring = city.ring()
    old = ring.newest
    async with city.pole(ring) as pole:
        await until(lambda: pole.acknowledged > 5)
        city.register.ask_renewal([CODE], who="Li")
        await until(lambda: city.live() == {ring.newest.public.decode()} and ring.newest != old)
        before = pole.acknowledged
        await until(lambda: pole.acknowledged > before + 5)
    assert len(ring.pairs) == 1
    assert city.once()
    states = {held.key: (held.state, held.source) for held in city.register.held(CODE)}
    assert states[old.public.decode()] == (KeyState.REVOKED, Source.TOKEN)
    assert states[ring.newest.public.decode()] == (KeyState.VALID, Source.ROTATION)
    assert [change.what for change in city.register.history(CODE)] == [
        "admitted",
        "asked",
        "offered",
        "proven",
        "revoked",
    ]


@in_city
async def test_a_pole_that_lost_power_between_making_a_key_and_telling_of_it_comes_in_with_the_old_one(
    city: City,
) -> None:
    ring = city.ring()
    old = ring.newest
    ring.renew(1)  # the file has the new pair, and nobody heard of it
    async with city.pole(load_key_ring(city.folder / "pole" / f"{CODE}.ring")) as pole:
        await until(lambda: pole.acknowledged > 3)
        assert city.live() == {old.public.decode()}
        city.register.ask_renewal([CODE], who="Li")
        await until(lambda: city.live() == {ring.newest.public.decode()})
    assert city.once()


@in_city
async def test_no_key_is_taken_from_a_pole_that_was_not_asked(city: City) -> None:
    ring = city.ring()
    old = ring.newest
    ring.renew(1)
    async with city.pole(ring) as pole:
        await until(lambda: "PoleKeys" in city.gateway.poles[CODE].readings if pole.acknowledged else False)
        await asyncio.sleep(1.3)
        assert city.live() == {old.public.decode()}


@in_city
async def test_poles_are_led_to_the_new_door_and_then_the_old_one_is_closed(city: City) -> None:
    rings = {code: city.ring(code) for code in (CODE, OTHER_CODE)}
    first = city.doorway.gateways()[0]
    async with city.pole(rings[CODE]) as pole, city.pole(rings[OTHER_CODE], OTHER_CODE) as other:
        await until(lambda: pole.acknowledged > 3 and other.acknowledged > 3)
        fresh = city.new_door(term_s=3600.0)
        await until(lambda: len(city.doorway.gateways()) == 1 and city.doorway.gateways()[0] != first)
        before = pole.acknowledged, other.acknowledged
        await until(lambda: pole.acknowledged > before[0] + 3 and other.acknowledged > before[1] + 3)
        for ring in rings.values():
            assert ring.gateways[0].public_key == fresh.public.decode()
    assert [door.state for door in city.register.doors.all()] == [DoorState.OPEN, DoorState.CLOSED]
    assert city.once(CODE)
    assert city.once(OTHER_CODE)
    await until(lambda: city.gateway.statistics()["doors"] == 1)
    await asyncio.sleep(0.1)
    host, port = first.address.removeprefix("tcp://").split(":")
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(host, int(port))


@in_city
async def test_an_old_door_closes_when_its_term_is_over_though_a_pole_never_came(city: City) -> None:
    here, away = city.ring(), city.ring(OTHER_CODE)
    async with city.pole(here) as pole:
        await until(lambda: pole.acknowledged > 3)
        city.new_door(term_s=4.0)
        await until(lambda: len(city.doorway.gateways()) == 2)
        await until(lambda: len(city.doorway.gateways()) == 1)
        before = pole.acknowledged
        await until(lambda: pole.acknowledged > before + 3)
    assert city.once()
    assert away.gateways[0] != here.gateways[0]
    details = [change.detail for change in city.register.history() if change.what == "closed"]
    assert details == ["its term is over"]


@in_city
async def test_a_revoked_pole_is_told_as_one_that_may_not_come(city: City) -> None:
    ring = city.ring()
    async with city.pole(ring) as pole:
        await until(lambda: pole.acknowledged > 1)
        assert city.gateway.lets_in(CODE)
        city.register.revoke(CODE, who="Li")
        await until(lambda: not city.gateway.lets_in(CODE))


@in_city
async def test_a_second_renewal_waits_for_the_first(city: City) -> None:
    city.new_door(term_s=3600.0)
    with pytest.raises(Refused) as refused:
        city.register.doors.renew("X" * 40, "third.key", "tcp://127.0.0.1:0", "", term_s=1.0, who="Li")
    assert refused.value.reasons[0].rule is DOOR_THERE


@in_city
async def test_a_door_whose_key_file_is_not_there_stops_nobody(city: City) -> None:
    ring = city.ring()
    async with city.pole(ring) as pole:
        await until(lambda: pole.acknowledged > 1)
        city.register.doors.renew("X" * 40, "nowhere.key", "tcp://127.0.0.1:0", "", term_s=3600.0, who="Li")
        await until(lambda: city.gateway.statistics()["doors_failed"] > 0)
        before = pole.acknowledged
        await until(lambda: pole.acknowledged > before + 3)


@in_city
async def test_a_gateway_does_not_start_with_a_key_that_its_poles_were_never_told_of(city: City) -> None:
    with pytest.raises(Refused) as refused:
        city.register.doors.found("X" * 40, "other.key", "tcp://127.0.0.1:0", "")
    assert refused.value.reasons[0].rule is STRANGE_DOOR


@in_city
async def test_another_process_that_holds_the_register_does_not_hold_up_the_poles(city: City) -> None:
    ring = city.ring()
    old = ring.newest
    async with city.pole(ring) as pole:
        await until(lambda: pole.acknowledged > 1)
        city.register.ask_renewal([CODE], who="Li")
        await until(lambda: ring.newest != old)
        with closing(sqlite3.connect(city.folder / "keys" / "poles.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            stood_s, last_s = 0.0, asyncio.get_running_loop().time()
            for _ in range(150):
                await asyncio.sleep(0.02)
                now_s = asyncio.get_running_loop().time()
                stood_s, last_s = max(stood_s, now_s - last_s), now_s
            assert city.live() == {old.public.decode()}
            other.execute("ROLLBACK")
        await until(lambda: city.live() == {ring.newest.public.decode()})
    assert stood_s < 1.5
