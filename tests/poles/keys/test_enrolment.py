"""Enrolment over real TCP: a pole brings its own key with a one-time token."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
import zmq.asyncio

from airspace.reasons import Reason, Refused
from controller.clock import Clock, real_tempo, run
from poles.keys import KeyPair, new_key_pair, save_key_pair, tokens
from poles.keys.desk import BAD_KEY, EnrolmentDesk, open_desk
from poles.keys.enrolling import enrol, enrolled
from poles.keys.paces import Pace, Paces
from poles.keys.register import Register, Source, open_register
from poles.protocol import VERSION, Refusal, encode
from poles.protocol.enrolment import Enrol, Enrolled, KnownGateway, decode_answer
from poles.wire.connection import CurveConnection
from tests.poles.raw_pole import CODE, OTHER_CODE, zmq_context

GATEWAY = KnownGateway(address="tcp://192.0.2.1:7600", public_key="G" * 40)
WIDE = Pace(at_once=1000.0, per_s=1000.0)


@dataclass
class Office:
    """An open desk, the register behind it, and the operator's hand on it."""

    context: zmq.asyncio.Context
    desk: EnrolmentDesk
    register: Register
    server: KeyPair
    folder: Path

    def token(self, code: str = CODE, valid_s: float = 60.0) -> str:
        return self.register.tokens.issue(code, who="Li", valid_s=valid_s)

    async def enrol(self, token: str, code: str = CODE, pair: KeyPair | None = None, within_s: float = 5.0) -> Enrolled:
        desk = KnownGateway(address=self.desk.address, public_key=self.server.public.decode())
        return await enrol(self.context, desk, code, token, pair or new_key_pair(), within_s=within_s)

    async def refusal(self, token: str, code: str = CODE, pair: KeyPair | None = None) -> str:
        with pytest.raises(Refused) as refused:
            await self.enrol(token, code, pair)
        return refused.value.reasons[0].text("en")

    async def answer(
        self, body: bytes, pair: KeyPair | None = None, within_s: float = 5.0
    ) -> Enrolled | Refusal | None:
        line = CurveConnection(self.context, self.desk.address, pair or new_key_pair(), self.server.public).open(CODE)
        try:
            line.send(body)
            async with asyncio.timeout(within_s):
                return decode_answer(await line.receive())
        except TimeoutError:
            return None
        finally:
            line.close()


@asynccontextmanager
async def office(clock: Clock, folder: Path, paces: Paces) -> AsyncIterator[Office]:
    path, server = folder / "keys" / "poles.db", new_key_pair()
    with open_register(path, clock.utc_s) as register:
        async with (
            zmq_context() as context,
            open_desk(
                "tcp://127.0.0.1:0", server, path, lambda: (GATEWAY,), utc_s=clock.utc_s, paces=paces, connection_s=0.5
            ) as desk,
        ):
            yield Office(context, desk, register, server, folder)


def in_office(
    test: Callable[[Office], Coroutine[None, None, None]], peer: Pace = WIDE, desk: Pace = WIDE
) -> Callable[[Path], None]:
    async def main(clock: Clock, folder: Path) -> None:
        async with office(clock, folder, Paces(peer, desk)) as open_office:
            await test(open_office)

    def wrapped(tmp_path: Path) -> None:
        run(lambda clock: main(clock, tmp_path), real_tempo())

    wrapped.__name__ = test.__name__
    return wrapped


@in_office
async def test_a_pole_with_its_token_is_let_in_with_the_key_it_made(office: Office) -> None:
    pair = new_key_pair()
    answer = await office.enrol(office.token(), pair=pair)
    assert answer.gateways == (GATEWAY,)
    assert office.register.live() == {pair.public.decode(): CODE}
    (key,) = office.register.held(CODE)
    assert key.source is Source.TOKEN


@in_office
async def test_a_token_may_be_typed_in_small_letters_and_without_dashes(office: Office) -> None:
    token = office.token()
    assert len(token.replace("-", "")) == 24
    await office.enrol(token.lower().replace("-", " "))
    assert len(office.register.live()) == 1


@in_office
async def test_a_pole_that_did_not_hear_the_answer_asks_again_and_is_told_again(office: Office) -> None:
    token, pair = office.token(), new_key_pair()
    first = await office.enrol(token, pair=pair)
    second = await office.enrol(token, pair=pair)
    assert (first.code, first.gateways) == (second.code, second.gateways)
    assert len(office.register.held()) == 1


@in_office
async def test_a_token_lets_in_one_key_only(office: Office) -> None:
    token = office.token()
    await office.enrol(token)
    assert "pole.enrol.declined" in await office.refusal(token)
    assert len(office.register.live()) == 1


@in_office
async def test_a_token_is_for_its_own_code_and_its_own_time_only(office: Office) -> None:
    late, token = office.token(OTHER_CODE, valid_s=0.0), office.token()
    assert "pole.enrol.declined" in await office.refusal(token, OTHER_CODE)
    assert "pole.enrol.declined" in await office.refusal(late, OTHER_CODE)
    assert "pole.enrol.declined" in await office.refusal(token, "410105-LP-000009")
    assert office.register.live() == {}
    outcomes = [attempt.outcome for attempt in office.register.tokens.attempts()]
    assert outcomes == ["wrong-token", "expired", "no-token"]


@in_office
async def test_refusals_do_not_tell_what_was_wrong(office: Office) -> None:
    office.token()
    told = {(await office.refusal("AAAA", code)).replace(code, "CODE") for code in (CODE, OTHER_CODE)}
    assert len(told) == 1


@in_office
async def test_a_newer_token_takes_the_place_of_an_older_one(office: Office) -> None:
    older, newer = office.token(), office.token()
    await office.refusal(older)
    await office.enrol(newer)


@in_office
async def test_some_wrong_tokens_close_the_token(office: Office) -> None:
    token = office.token()
    office.token(OTHER_CODE)  # somebody else is expected, so the desk listens
    for n in range(tokens.WRONG_MOST):
        await office.refusal(f"WRONG{n}")
    assert "pole.enrol.declined" in await office.refusal(token)
    assert office.register.live() == {}
    assert [token.state for token in office.register.tokens.outstanding()] == ["locked", "open"]
    assert office.register.history(CODE)[-1].what == "locked"


@in_office
async def test_every_attempt_is_recorded_without_token_and_key(office: Office) -> None:
    token, pair = office.token(), new_key_pair()
    await office.refusal("WRONG-TOKEN", pair=pair)
    await office.enrol(token, pair=pair)
    attempts = office.register.tokens.attempts(CODE)
    assert [(attempt.outcome, attempt.peer) for attempt in attempts] == [
        ("wrong-token", "127.0.0.1"),
        ("admitted", "127.0.0.1"),
    ]
    told = repr(attempts) + repr(office.register.history())
    for secret in (token, "WRONG-TOKEN", pair.secret.decode()):
        assert secret not in told


@in_office
async def test_a_pole_can_enrol_no_key_but_that_of_its_own_connection(office: Office) -> None:
    token, other = office.token(), new_key_pair()
    request = Enrol(version=1, code=CODE, token=token, public_key=other.public.decode())
    answer = await office.answer(encode(request))
    assert isinstance(answer, Refusal)
    assert answer.code == "pole.enrol.key"
    assert office.register.live() == {}


@in_office
async def test_a_key_that_was_revoked_cannot_enrol_again(office: Office) -> None:
    pair = new_key_pair()
    await office.enrol(office.token(), pair=pair)
    office.register.revoke(CODE, who="Wang")
    assert "pole.enrol.refused-key" in await office.refusal(office.token(), pair=pair)


@in_office
async def test_a_pole_that_enrols_anew_comes_in_beside_its_old_key(office: Office) -> None:
    await office.enrol(office.token())
    await office.enrol(office.token())
    assert sorted(key.state for key in office.register.held(CODE)) == ["new", "valid"]


@in_office
async def test_a_wrong_version_is_refused_with_those_that_are_spoken(office: Office) -> None:
    office.token()
    for body in (
        encode(Enrol(version=9, code=CODE, token="T", public_key="k" * 40)),
        msgspec.msgpack.encode({"type": "enrol", "version": 9, "of": "the future"}),
    ):
        answer = await office.answer(body)
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.versions) == ("pole.enrol.version", (1,))


@in_office
async def test_rubbish_is_refused_and_counted(office: Office) -> None:
    office.token()
    for body in (b"", b"\xc1", b"\x91" * 900, msgspec.msgpack.encode({"type": "hello"})):
        answer = await office.answer(body)
        assert isinstance(answer, Refusal)
        assert answer.code == "pole.enrol.malformed"
    assert await office.answer(bytes(1025), within_s=0.5) is None  # libzmq ends the connection
    assert office.desk.statistics() == {"malformed": 4}


@in_office
async def test_while_no_token_is_open_nobody_is_listened_to(office: Office) -> None:
    with pytest.raises(Refused) as refused:
        await office.enrol("TOKEN", within_s=0.5)
    assert refused.value.reasons[0].rule.code == "pole.enrol.silent"
    assert office.desk.statistics() == {}
    await office.enrol(office.token())


@in_office
async def test_a_pole_that_loses_power_while_it_enrols_goes_on_with_the_same_key(office: Office) -> None:
    desk = KnownGateway(address=office.desk.address, public_key=office.server.public.decode())
    ring = office.folder / "pole" / "pole.ring"
    token = office.token()
    kept = ring.with_name("pole.ring.enrolling")
    pair = new_key_pair()
    save_key_pair(kept, pair)  # the answer never came, and the power went
    await office.enrol(token, pair=pair)
    made = await enrolled(office.context, ring, desk, CODE, token, within_s=5.0)
    assert made.pairs == (pair,)
    assert made.gateways == (GATEWAY,)
    assert not kept.exists()
    assert list(office.register.live()) == [pair.public.decode()]
    again = await enrolled(office.context, ring, desk, CODE, "not needed any more", within_s=5.0)
    assert again.pairs == made.pairs


@in_office
async def test_a_refused_pole_keeps_its_pair_for_the_next_token(office: Office) -> None:
    desk = KnownGateway(address=office.desk.address, public_key=office.server.public.decode())
    ring = office.folder / "pole" / "pole.ring"
    office.token()
    with pytest.raises(Refused):
        await enrolled(office.context, ring, desk, CODE, "WRONG", within_s=5.0)
    assert not ring.exists()
    made = await enrolled(office.context, ring, desk, CODE, office.token(), within_s=5.0)
    assert list(office.register.live()) == [made.newest.public.decode()]


@in_office
async def test_a_pole_speaks_to_no_desk_but_the_one_whose_key_it_has(office: Office) -> None:
    office.token()
    desk = KnownGateway(address=office.desk.address, public_key=new_key_pair().public.decode())
    with pytest.raises(Refused):
        await enrol(office.context, desk, CODE, "TOKEN", new_key_pair(), within_s=0.5)
    assert office.register.tokens.attempts() == []


@in_office
async def test_a_register_that_fails_for_a_while_ends_no_desk(office: Office) -> None:
    pair = new_key_pair()
    request = Enrol(version=VERSION, code=CODE, token=office.token(), public_key=pair.public.decode())
    locked = Refused([Reason(BAD_KEY)])  # what SQLite says of a file that another process holds, too, leaves as Refused
    with patch.object(Register, "enrol", side_effect=locked):
        assert await office.answer(encode(request), pair, within_s=0.5) is None
    assert office.desk.statistics() == {"register-failed": 1}
    assert isinstance(await office.answer(encode(request), pair), Enrolled)


@in_office
async def test_a_connection_that_leads_to_nothing_is_ended_after_a_while(office: Office) -> None:
    token = office.token()
    host, port = office.desk.address.removeprefix("tcp://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(2.0):
        assert (await reader.read()).startswith(b"\xff")
    writer.close()
    await office.enrol(token)


@in_office
async def test_a_crowd_of_idle_connections_keeps_nobody_out(office: Office) -> None:
    token = office.token()
    host, port = office.desk.address.removeprefix("tcp://").split(":")
    idle = [await asyncio.open_connection(host, int(port)) for _ in range(300)]
    await office.enrol(token)
    async with asyncio.timeout(3.0):
        for reader, writer in idle:
            await reader.read()
            writer.close()


async def _too_many(office: Office) -> None:
    token = office.token()
    said = [await office.refusal(f"WRONG{n}", OTHER_CODE) for n in range(5)]
    assert ["pole.enrol.slower" in text for text in said] == [False, False, False, True, True]
    assert "pole.enrol.slower" in await office.refusal(token)
    assert len(office.register.tokens.attempts()) == 3
    assert office.desk.statistics() == {"no-token": 3, "too-many": 3}


test_an_address_that_tries_too_often_is_not_looked_at = in_office(_too_many, peer=Pace(at_once=3.0, per_s=0.001))
test_all_addresses_together_are_held_back_too = in_office(_too_many, desk=Pace(at_once=3.0, per_s=0.001))


def test_attempts_come_back_with_time_and_addresses_do_not_harm_each_other() -> None:
    paces = Paces(Pace(at_once=2.0, per_s=0.5), Pace(at_once=100.0, per_s=10.0))
    assert [paces.takes("a", 0.0) for _ in range(3)] == [True, True, False]
    assert paces.takes("b", 0.0)
    assert not paces.takes("a", 1.9)
    assert paces.takes("a", 4.0)


def test_no_token_and_no_secret_is_ever_logged(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    secrets: list[str] = []

    async def talk(office: Office) -> None:
        token, pair = office.token(), new_key_pair()
        await office.refusal("WRONG-TOKEN", pair=pair)
        await office.enrol(token, pair=pair)
        secrets.extend([token, "WRONG-TOKEN", pair.secret.decode(), office.server.secret.decode()])

    with caplog.at_level(logging.DEBUG):
        in_office(talk)(tmp_path)
    assert "selector" in caplog.text  # that all is logged which is said
    for secret in secrets:
        assert secret not in caplog.text
    held = b"".join(file.read_bytes() for file in sorted((tmp_path / "keys").iterdir()))
    for secret in secrets:
        assert secret.encode() not in held
