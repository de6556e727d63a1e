"""A gateway over real TCP with real CURVE keys, and two poles that may talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

import zmq.asyncio

from controller.clock import Clock, real_tempo, run
from poles.gateway import Gateway
from poles.keys import KeyPair, new_key_pair
from poles.protocol import Welcome
from poles.wire.connection import CurveConnection
from tests.poles.raw_pole import CODE, OTHER_CODE, RawPole, Store, gateway_needs, hello, raw_pole, zmq_context


@dataclass
class Town:
    """A gateway on a free port, the keys of two poles, and what was stored."""

    clock: Clock
    context: zmq.asyncio.Context
    gateway: Gateway
    store: Store
    server: KeyPair
    keys: dict[str, KeyPair]

    def line(
        self, code: str = CODE, keys: KeyPair | None = None, server: bytes | None = None, address: str = ""
    ) -> CurveConnection:
        return CurveConnection(
            self.context, address or self.gateway.address, keys or self.keys[code], server or self.server.public
        )

    @asynccontextmanager
    async def pole(self, code: str = CODE) -> AsyncIterator[RawPole]:
        async with raw_pole(self.line(code), code) as pole:
            yield pole

    @asynccontextmanager
    async def welcomed(self, code: str = CODE) -> AsyncIterator[RawPole]:
        """A pole that was welcomed; as §4.2 says, it says hello again when nobody answers.

        What its last connection left behind may be taken after its first hello on this one, another hello too, and then
        that one is answered.
        """
        async with self.pole(code) as pole:
            await pole.say(hello(code))
            if (first := await pole.hear()) is None:
                await pole.say(hello(code))
                first = await pole.hear()
            assert isinstance(first, Welcome), first
            yield pole


def in_town(test: Callable[[Town], Coroutine[None, None, None]]) -> Callable[[], None]:
    async def main(clock: Clock) -> None:
        server, keys, store = new_key_pair(), {CODE: new_key_pair(), OTHER_CODE: new_key_pair()}, Store()
        allowed = {pair.public: code for code, pair in keys.items()}
        gateway = Gateway.tcp("tcp://127.0.0.1:0", server, allowed, **gateway_needs(clock, store, retry_s=0.05))
        async with zmq_context() as context, gateway:
            await test(Town(clock, context, gateway, store, server, keys))

    def wrapped() -> None:
        run(main, real_tempo())

    wrapped.__name__ = test.__name__
    return wrapped
