"""The gateway over real TCP with real CURVE keys."""

import asyncio
import contextlib
import logging
import random

import pytest
import zmq
import zmq.asyncio

from airspace.frames import LatLon
from airspace.reasons import Refused
from poles.agent import PoleAgent
from poles.gateway import Gateway
from poles.gateway.commands import Outcome
from poles.keys import KeyPair, new_key_pair
from poles.protocol import Accepted, Ack, Command, Heartbeat, Hello, Refusal, Report, Result, Welcome
from poles.services.lamp import Lamp, Pattern
from poles.services.weather import Weather
from poles.wire.connection import CurveConnection
from poles.wire.lines import SocketLine
from tests.poles.raw_pole import CODE, OTHER_CODE, RawPole, gateway_needs, hello, raw_pole, report
from tests.poles.town import Town, in_town


@in_town
async def test_a_report_is_acknowledged_when_it_is_stored(town: Town) -> None:
    assert town.gateway.address.startswith("tcp://127.0.0.1:")
    async with town.pole() as pole:
        await pole.say(hello())
        welcome = await pole.expect(Welcome)
        assert (welcome.boot, welcome.durable_seq) == ("b1", 0)
        town.store.open.clear()
        await pole.say(report(1), report(2))
        assert await pole.hear(within_s=0.1) is None
        town.store.open.set()
        while (await pole.expect(Ack)).durable_seq < 2:
            pass
    assert [type(m) for _, m in town.store.told] == [Hello, Report, Report]
    state = town.gateway.poles[CODE]
    assert (state.boot, state.last_seq, state.position) == ("b1", 2, LatLon(34.75, 113.6))


@in_town
async def test_a_report_that_comes_twice_is_counted_once(town: Town) -> None:
    async with town.welcomed() as pole:
        for _ in range(3):
            await pole.say(report(1))
            assert (await pole.expect(Ack)).durable_seq == 1
    assert len(town.store.reports()) == 1
    assert town.gateway.statistics()["duplicate"] == 2


@in_town
async def test_an_unknown_key_gets_nothing(town: Town) -> None:
    async with raw_pole(town.line(keys=new_key_pair())) as stranger:
        await stranger.say(hello(), report(1))
        assert await stranger.hear(within_s=0.5) is None
    assert town.store.told == []
    assert town.gateway.statistics()["keys_refused"] >= 1


@in_town
async def test_a_pole_talks_to_no_gateway_but_its_own(town: Town) -> None:
    async with raw_pole(town.line(server=new_key_pair().public)) as pole:
        await pole.say(hello())
        assert await pole.hear(within_s=0.4) is None
    assert town.store.told == []


@in_town
async def test_a_pole_that_names_anothers_code_is_refused(town: Town) -> None:
    async with town.welcomed(CODE) as victim, town.pole(OTHER_CODE) as liar:
        await liar.say(hello(CODE))
        assert (await liar.expect(Refusal)).code == "pole.identity"
        await liar.say(report(1))
        assert (await liar.expect(Refusal)).code == "pole.hello-first"
        await victim.say(report(1))
        await victim.expect(Ack)
    assert len(town.store.told) == 2
    assert town.gateway.statistics()["anothers_code"] == 1
    assert OTHER_CODE not in town.gateway.poles


@in_town
async def test_a_pole_that_takes_anothers_routing_id_takes_nothing_else(town: Town) -> None:
    async with town.welcomed(CODE) as victim:
        liar = town.context.socket(zmq.DEALER)
        liar.set(zmq.LINGER, 0)
        liar.set(zmq.ROUTING_ID, CODE.encode())
        liar.curve_publickey, liar.curve_secretkey = town.keys[OTHER_CODE].public, town.keys[OTHER_CODE].secret
        liar.curve_serverkey = town.server.public
        liar.connect(town.gateway.address)
        try:
            await RawPole(SocketLine(liar)).say(hello(CODE))
            assert (await RawPole(SocketLine(liar)).expect(Refusal)).code == "pole.identity"
            asking = asyncio.create_task(
                town.gateway.command(CODE, "LampActuator", "override", {"level": 0}, deadline_s=5.0)
            )
            command = await victim.expect(Command)
            await victim.say(Result(id=command.id, ok=True))
            assert (await asking).accepted
            assert await RawPole(SocketLine(liar)).hear(within_s=0.1) is None
        finally:
            liar.close()


@in_town
async def test_a_plain_client_gets_no_message(town: Town) -> None:
    plain = town.context.socket(zmq.DEALER)
    plain.set(zmq.LINGER, 0)
    plain.connect(town.gateway.address)
    try:
        await RawPole(SocketLine(plain)).say(hello())
        assert await RawPole(SocketLine(plain)).hear(within_s=0.4) is None
    finally:
        plain.close()
    assert town.store.told == []


@in_town
async def test_a_bare_tcp_client_gets_the_greeting_of_zmtp_and_no_byte_more(town: Town) -> None:
    host, port = town.gateway.address.removeprefix("tcp://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(5.0):
        heard = await reader.readexactly(10)
    writer.write(b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + bytes(32) + b"\x04\x05\x05READY" * 8)
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        async with asyncio.timeout(0.5):
            while chunk := await reader.read(4096):
                heard += chunk
    writer.close()
    assert heard[:1] == b"\xff"
    assert len(heard) <= 64


@in_town
async def test_a_command_is_accepted_when_the_pole_begins_it(town: Town) -> None:
    async with town.welcomed() as pole, asyncio.TaskGroup() as tasks:
        begun = tasks.create_task(town.gateway.command(CODE, "LampActuator", "override", {"pattern": "landing"}))
        done = tasks.create_task(town.gateway.command(CODE, "LampActuator", "override", {"level": 40}, until="done"))
        first, second = await pole.expect(Command), await pole.expect(Command)
        assert {*first.parameters, *second.parameters} == {"pattern", "level"}
        await pole.say(Accepted(id=first.id), Accepted(id=second.id))
        landing, on = (begun, done) if "pattern" in first.parameters else (done, begun)
        assert (await landing).outcome is Outcome.ACCEPTED
        assert not on.done()
        await pole.say(Result(id=second.id, ok=True))
        assert (await on).accepted


@in_town
async def test_a_command_is_rejected_with_the_poles_reason(town: Town) -> None:
    async with town.welcomed() as pole:
        asking = asyncio.create_task(town.gateway.command(CODE, "DroneDock", "open", {"flight": "f1"}))
        command = await pole.expect(Command)
        await pole.say(Result(id=command.id, ok=False, code="dock.reserved", en="taken by f0", zh="被 f0 预留"))
        outcome = await asking
    assert (outcome.outcome, outcome.code) == (Outcome.REJECTED, "dock.reserved")
    assert outcome.text("en") == "rejected: taken by f0"
    assert "被 f0 预留" in outcome.text("zh")


@in_town
async def test_a_command_to_a_pole_that_says_nothing_is_unknown_and_was_sent_under_one_id(town: Town) -> None:
    async with town.welcomed() as pole:
        outcome = await town.gateway.command(CODE, "LampActuator", "override", {"level": 0}, deadline_s=0.3)
        assert (outcome.outcome, outcome.code) == (Outcome.UNKNOWN, "pole.command.silent")
        heard = [await pole.expect(Command), await pole.expect(Command)]
        assert {command.id for command in heard} == {outcome.id}
        asking = asyncio.create_task(
            town.gateway.command(CODE, "LampActuator", "override", {"level": 0}, deadline_s=0.3, until="done")
        )
        while (command := await pole.expect(Command)).id == outcome.id:
            pass
        await pole.say(Accepted(id=command.id))
        assert (await asking).code == "pole.command.unfinished"
    assert town.gateway.statistics()["commands_waiting"] == 0


@in_town
async def test_a_command_to_a_pole_that_never_came_is_rejected_at_once(town: Town) -> None:
    outcome = await town.gateway.command(CODE, "LampActuator", "override", {"level": 0}, deadline_s=60.0)
    assert (outcome.outcome, outcome.code) == (Outcome.REJECTED, "pole.command.unreachable")


@in_town
async def test_another_pole_cannot_answer_a_command(town: Town) -> None:
    async with town.welcomed(CODE) as pole, town.welcomed(OTHER_CODE) as meddler:
        asking = asyncio.create_task(
            town.gateway.command(CODE, "LampActuator", "override", {"level": 0}, deadline_s=0.4)
        )
        command = await pole.expect(Command)
        await meddler.say(Result(id=command.id, ok=True))
        assert (await asking).outcome is Outcome.UNKNOWN


@in_town
async def test_rubbish_is_counted_and_dropped(town: Town) -> None:
    async with town.welcomed() as pole:
        for body in (b"", b"\xc1", b"\x91" * 60_000, b"\x81\xa4type\xa5hello"):
            await pole.say_raw(body)
        assert isinstance(pole.line, SocketLine)
        await pole.line.socket.send_multipart([b"two", b"frames"])
        await pole.say(Welcome(version=1, boot="b1", durable_seq=9, window=1, utc_s=0.0), Heartbeat())
        assert await pole.hear() == Heartbeat()
    assert town.gateway.statistics()["malformed"] == 6
    assert town.gateway.statistics()["poles"] == 1


@in_town
async def test_an_oversized_message_ends_the_connection_and_harms_nobody_else(town: Town) -> None:
    async with town.welcomed(CODE) as bystander, town.welcomed(OTHER_CODE) as flooder:
        await flooder.say_raw(bytes(200_000))
        await bystander.say(report(1))
        assert (await bystander.expect(Ack)).durable_seq == 1
        await flooder.say(report(1))
        refusal = await flooder.expect(Refusal)
        assert refusal.code == "pole.hello-first"


@in_town
async def test_a_pole_that_does_not_read_stops_nobody(town: Town) -> None:
    async with town.welcomed(CODE) as bystander, town.pole(OTHER_CODE) as deaf:
        assert isinstance(deaf.line, SocketLine)
        deaf.line.socket.set(zmq.RCVHWM, 1)
        await deaf.say(hello(OTHER_CODE))
        for _ in range(3000):
            await deaf.say(Heartbeat())
        await bystander.say(report(1))
        assert (await bystander.expect(Ack)).durable_seq == 1


@in_town
async def test_the_errors_of_the_body_leave_the_gateway_as_they_came(town: Town) -> None:
    other = Gateway.tcp("tcp://127.0.0.1:0", town.server, {}, **gateway_needs(town.clock, town.store))
    with pytest.raises(KeyError, match="mine"):
        async with other:
            raise KeyError("mine")


@in_town
async def test_an_address_in_use_is_refused(town: Town) -> None:
    for address in (town.gateway.address, "ipc:///tmp/plain", "tcp://nowhere.invalid:1"):
        with pytest.raises(Refused) as refused:
            async with Gateway.tcp(address, town.server, {}, **gateway_needs(town.clock, town.store)):
                raise AssertionError("it listens")
        assert refused.value.reasons[0].rule.code == "poles.listen"


def test_no_secret_key_is_ever_logged(caplog: pytest.LogCaptureFixture) -> None:
    secrets: list[KeyPair] = []

    @in_town
    async def talk(town: Town) -> None:
        secrets.extend([town.server, *town.keys.values()])
        async with town.welcomed() as pole, raw_pole(town.line(keys=new_key_pair())) as stranger:
            await stranger.say(hello())
            await pole.say(report(1))
            await pole.expect(Ack)
            await stranger.hear(within_s=0.1)

    with caplog.at_level(logging.DEBUG):
        talk()
    assert "selector" in caplog.text  # that all is logged which is said
    for pair in secrets:
        assert pair.secret.decode() not in caplog.text


class Light:
    pattern = Pattern.STEADY

    def light(self, pattern: Pattern, level_pct: float) -> None:
        self.pattern = pattern


@in_town
async def test_a_restarted_gateway_loses_nothing_that_was_acknowledged_and_counts_nothing_twice(town: Town) -> None:
    """The second gateway knows only what the store holds; reports of the time between arrive late, and once."""
    light = Light()
    first = Gateway.tcp(
        "tcp://127.0.0.1:0",
        town.server,
        {town.keys[CODE].public: CODE},
        **gateway_needs(town.clock, town.store),
    )
    async with asyncio.TaskGroup() as tasks:
        async with first:
            line = CurveConnection(town.context, first.address, town.keys[CODE], town.server.public)
            agent = PoleAgent(
                CODE,
                [Weather(), Lamp(light)],
                line,
                position=LatLon(34.75, 113.6),
                utc_s=town.clock.utc_s,
                rng=random.Random(5),
                report_every_s=0.02,
            )
            running = tasks.create_task(agent.run())
            assert await first.until(CODE, lambda pole: pole.last_seq >= 5, deadline_s=5.0)
        before = len(town.store.readings())
        await asyncio.sleep(0.3)
        assert agent.unsent > 5
        second = Gateway.tcp(
            first.address, town.server, {town.keys[CODE].public: CODE}, **gateway_needs(town.clock, town.store)
        )
        async with second:
            assert await second.until(CODE, lambda pole: pole.last_seq >= before + 20, deadline_s=10.0)
            outcome = await second.command(CODE, "LampActuator", "override", {"pattern": "landing"}, until="done")
            assert outcome.accepted
            assert light.pattern is Pattern.LANDING
            running.cancel()
    seqs = town.store.numbers()
    assert seqs == list(range(1, len(seqs) + 1))
    assert second.statistics()["dropped_by_poles"] == 0
