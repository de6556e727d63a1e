"""Routing ids: a pole may bring one, and must not be able to kill the gateway by it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import zmq
import zmq.asyncio

from poles.keys import new_key_pair
from poles.protocol import Heartbeat, Welcome, encode
from poles.wire.arrivals import Arrivals, first_name
from poles.wire.lines import SocketLine
from poles.wire.sockets import curve_router
from tests.poles.raw_pole import CODE, OTHER_CODE, RawPole, hello
from tests.poles.town import Town, in_town

# What libzmq 4.3.5 does by itself. If this stops failing, the guards in poles/wire/arrivals.py can go.
UNGUARDED = """
import zmq

def client(name=None):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    if name is not None:
        socket.setsockopt(zmq.ROUTING_ID, name)
    socket.connect(address)
    socket.send(b"")
    return socket

router = zmq.Context().socket(zmq.ROUTER)
address = "tcp://127.0.0.1:{}".format(router.bind_to_random_port("tcp://127.0.0.1"))
first = client()
name = router.recv_multipart()[0]
print(name.hex(), flush=True)
liar = client(b"\\0" + (int.from_bytes(name[1:], "big") + 1).to_bytes(4, "big"))
router.recv_multipart()
next_one = client()
router.recv_multipart()
print("alive", flush=True)
"""


def test_libzmq_by_itself_can_be_killed_by_a_name_that_everybody_knows() -> None:
    ended = subprocess.run([sys.executable, "-c", UNGUARDED], capture_output=True, text=True, check=False, timeout=60)
    assert ended.stdout.split() == ["006b8b4567"]
    assert ended.returncode < 0
    assert "Assertion failed" in ended.stderr


def test_where_our_routers_begin_to_count_is_chance() -> None:
    context = zmq.asyncio.Context()
    firsts = []
    for _ in range(5):
        with curve_router(context, new_key_pair(), "poles") as router:
            firsts.append(first_name(router, context))
    context.destroy(linger=0)
    assert len(set(firsts)) == 5
    assert 0x6B8B4567 not in firsts


def name_of(number: int) -> bytes:
    return b"\0" + (number % 2**32).to_bytes(4, "big")


def test_a_name_is_ahead_when_it_was_not_given_yet() -> None:
    arrivals = Arrivals(2**32 - 2)
    for _ in range(3):
        arrivals.accepted(-1, 0.0)
    given = [name_of(2**32 - 2 + n) for n in range(4)]
    assert [arrivals.is_ahead(name) for name in given] == [False] * 4
    assert [arrivals.is_ahead(name_of(n)) for n in (2, 3, 1000, 2**31)] == [True] * 4
    assert not arrivals.is_ahead(b"410105-LP-000001")  # no name of libzmq's
    assert not arrivals.is_ahead(b"")


@in_town
async def test_a_pole_that_bears_a_name_of_tomorrow_is_cut_and_the_gateway_lives_on(town: Town) -> None:
    arrivals = town.gateway._listener._arrivals  # type: ignore[attr-defined]  # it knows what no pole can
    async with town.welcomed(CODE) as bystander:
        tomorrow = name_of(arrivals._first + arrivals._count + 10)
        dealer = town.context.socket(zmq.DEALER)
        dealer.set(zmq.LINGER, 0)
        dealer.set(zmq.ROUTING_ID, tomorrow)
        dealer.set(zmq.RECONNECT_IVL, -1)
        pair = town.keys[OTHER_CODE]
        dealer.curve_publickey, dealer.curve_secretkey = pair.public, pair.secret
        dealer.curve_serverkey = town.server.public
        dealer.connect(town.gateway.address)
        try:
            line = SocketLine(dealer)
            await RawPole(line).say(hello(OTHER_CODE))
            await RawPole(line).expect(Welcome)
            async with asyncio.timeout(2.0):
                while town.gateway.statistics()["connections_cut"] == 0:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.02)
            for _ in range(30):  # the count passes the name
                async with town.welcomed(OTHER_CODE):
                    pass
            await bystander.say(Heartbeat())
            assert await bystander.hear() == Heartbeat()
        finally:
            dealer.close()


@in_town
async def test_a_key_that_connects_all_the_time_is_held_back_and_others_are_not(town: Town) -> None:
    for _ in range(60):
        async with town.welcomed(OTHER_CODE):
            pass
    async with town.pole(OTHER_CODE) as restless:
        restless.line.send(encode(hello(OTHER_CODE)))
        assert await restless.hear(within_s=0.4) is None
    async with town.welcomed(CODE):
        pass


def test_who_says_nothing_for_a_minute_has_to_go() -> None:
    with socket.socket() as idle:
        descriptor = idle.fileno()
        arrivals = Arrivals(0)
        arrivals.accepted(descriptor, 10.0)
        assert arrivals.silent(69.0) == []
        (link,) = arrivals.silent(70.0)
        assert arrivals.silent(200.0) == []
        arrivals.accepted(descriptor, 100.0)
        arrivals.spoke(link)
        assert arrivals.silent(200.0) == []
