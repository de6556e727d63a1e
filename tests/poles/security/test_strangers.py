"""Who does not speak CURVE with a known key never gets a byte of data: here are the bytes that it does get."""

from __future__ import annotations

import zmq

from poles.keys import new_key_pair
from poles.protocol import encode
from poles.wire.lines import SocketLine
from tests.poles.raw_pole import RawPole, hello, raw_pole, report
from tests.poles.security.wiretap import converse, wiretap
from tests.poles.town import Town, in_town

SIGNATURE = b"\xff" + bytes(7) + b"\x01\x7f"
# ZMTP 3.1 (ZeroMQ RFC 37): signature, version, mechanism, zeros; it is the same for everybody
GREETING = SIGNATURE + b"\x03\x01" + b"CURVE".ljust(20, b"\0") + bytes(32)


def greeting(mechanism: bytes, version: bytes = b"\x03\x00") -> bytes:
    return b"\xff" + bytes(8) + b"\x7f" + version + mechanism.ljust(20, b"\0") + bytes(32)


READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
PLAIN_HELLO = b"\x04\x12\x05HELLO\x05admin\x06secret"


def frame(body: bytes) -> bytes:
    return bytes([0, len(body)]) + body


def message(*messages: bytes) -> bytes:
    return b"".join(frame(body) for body in messages)


@in_town
async def test_what_speaks_no_zmtp_gets_at_most_the_greeting(town: Town) -> None:
    for said, heard in (
        (b"", SIGNATURE),
        (b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n" + bytes(100), None),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), None),
        (b"\x00" * 64, None),
        (b"\xff" * 64, None),
    ):
        told = await converse(town.gateway.address, said)
        # libzmq says the first ten or eleven bytes before it has heard any
        assert GREETING.startswith(told) if heard is None else told[:10] == heard
    assert town.store.told == []


@in_town
async def test_plain_and_null_connections_get_at_most_the_greeting(town: Town) -> None:
    body = encode(hello())
    for said in (
        (greeting(b"NULL"), READY + message(body)),
        (greeting(b"NULL", b"\x03\x01"), READY + message(body)),
        (greeting(b"PLAIN"), PLAIN_HELLO + message(body)),
        (greeting(b"GSSAPI"), message(body)),
    ):
        # when libzmq closes at once it may not even come to say all of it
        assert GREETING.startswith(await converse(town.gateway.address, *said))
    assert town.store.told == []


@in_town
async def test_versions_of_zmtp_without_security_get_no_byte_of_data(town: Town) -> None:
    body = encode(hello())
    for said in (
        bytes([1, 0]) + frame(body),  # ZMTP 1.0: an anonymous identity, then a message
        b"\xff" + bytes(8) + b"\x7f\x00\x05\x00\x00" + frame(body),  # the same, saying its version
        b"\xff" + bytes(8) + b"\x7f\x01\x05\x00\x00" + frame(body),  # ZMTP 2.0
    ):
        told = await converse(town.gateway.address, said)
        assert GREETING.startswith(told)
        assert len(told) <= 12
    assert town.store.told == []


@in_town
async def test_a_curve_greeting_with_anything_after_it_gets_at_most_the_greeting(town: Town) -> None:
    for said in (READY, b"\x04\xc8\x05HELLO" + bytes(194), b"\x04\xc8\x05HELLO\x01\x00" + bytes(192), bytes(5000)):
        assert GREETING.startswith(await converse(town.gateway.address, greeting(b"CURVE"), said))
    assert town.store.told == []


@in_town
async def test_libzmq_clients_without_curve_hear_no_message(town: Town) -> None:
    for mechanism in ("null", "plain"):
        socket = town.context.socket(zmq.DEALER)
        socket.set(zmq.LINGER, 0)
        if mechanism == "plain":
            socket.plain_username, socket.plain_password = b"admin", b"secret"
        async with wiretap(town.gateway.address) as tap:
            socket.connect(tap.address)
            try:
                await RawPole(SocketLine(socket)).say(hello(), report(1))
                assert await RawPole(SocketLine(socket)).hear(within_s=0.4) is None
            finally:
                socket.close()
            assert tap.connections
            assert {bytes(one.heard) for one in tap.connections} <= {GREETING, SIGNATURE + b"\x03", b""}
    assert town.store.told == []


@in_town
async def test_an_unknown_key_gets_the_handshake_and_a_refusal_of_it_but_no_data(town: Town) -> None:
    """CURVE itself answers a HELLO with a WELCOME before it knows the client's key; then ZAP says no, with ERROR."""
    async with wiretap(town.gateway.address) as tap:
        line = town.line(keys=new_key_pair(), address=tap.address)
        async with raw_pole(line) as stranger:
            await stranger.say(hello(), report(1))
            assert await stranger.hear(within_s=0.5) is None
        first = bytes(tap.connections[0].heard)
    assert first.startswith(GREETING + b"\x04\xa8\x07WELCOME")
    welcome_end = len(GREETING) + 2 + 168
    assert first[welcome_end:] in (b"", b"\x04\x0a\x05ERROR\x03400")
    assert town.store.told == []
    assert town.gateway.statistics()["keys_refused"] >= 1
