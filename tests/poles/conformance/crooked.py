"""The Python agent as a client in the kit's own process, straight or with one fault on its line or inside."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from controller.clock import Clock
from poles.agent.agent import PoleAgent
from poles.agent.ring import SMALLEST_BYTES, Ring
from poles.conformance.findings import Findings
from poles.conformance.kit import CODE, play, prepared
from poles.conformance.scene import TRIALS, Scene, Trial
from poles.conformance.stage import Stage
from poles.conformance.watcher import Watcher
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange, Line
from poles.wire.listener import MemoryListener
from sim.flash import SimFlash
from tests.poles.conformance.under_test import agent_of

Fields = dict[str, Any]
Filter = Callable[[Fields, dict[str, Any]], list[Fields]]
"""What becomes of one message, given what the filter remembers."""


def straight(message: Fields, memory: dict[str, Any]) -> list[Fields]:
    return [message]


@dataclass
class Crooked:
    """A line on which what is said and what is heard is tampered with; `memory` lives as long as the client."""

    line: Line
    says: Filter
    hears: Filter
    memory: dict[str, Any]
    heard: list[bytes] = field(default_factory=list)

    def send(self, body: bytes) -> bool:
        for message in self.says(msgspec.msgpack.decode(body), self.memory):
            self.line.send(msgspec.msgpack.encode(message))
        return True

    async def receive(self) -> bytes:
        while not self.heard:
            body = await self.line.receive()
            try:
                message = msgspec.msgpack.decode(body)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, TypeError):
                return body
            if not isinstance(message, dict):
                return body
            self.heard += [msgspec.msgpack.encode(each) for each in self.hears(message, self.memory)]
        return self.heard.pop(0)

    def close(self) -> None:
        self.line.close()


@dataclass
class CrookedConnection:
    """Opens crooked lines."""

    straight: MemoryConnection
    says: Filter
    hears: Filter
    memory: dict[str, Any] = field(default_factory=dict)

    def open(self, code: str) -> Crooked:
        return Crooked(self.straight.open(code), self.says, self.hears, self.memory)


class InProcess:
    """The agent as a task of the test."""

    can_restart = True

    def __init__(
        self, connection: CrookedConnection, clock: Clock, rng: random.Random, *, with_ring: bool, ends: bool = True
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._rng = rng
        self._flash = SimFlash(SMALLEST_BYTES) if with_ring else None
        self._ends = ends
        self._agent: PoleAgent | None = None
        self._running: asyncio.Task[None] | None = None

    async def start(self, environment: Mapping[str, str]) -> None:
        ring = Ring.open(self._flash) if self._flash is not None else None
        self._agent = agent_of(environment, self._connection, self._clock.utc_s, self._rng, ring)
        self._running = asyncio.create_task(self._agent.run())

    async def kill(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            self._running = None
            if self._flash is not None:
                self._flash.lose_power(self._rng)

    async def stop(self, within_s: float) -> bool:
        assert self._agent is not None
        assert self._running is not None
        if not self._ends:
            await asyncio.sleep(within_s)
            return False
        await self._agent.leave("shutdown")
        await self._running
        self._running = None
        return True


def named(name: str) -> Trial:
    return next(trial for trial in TRIALS if trial.name == name)


async def played(
    clock: Clock,
    trial: Trial,
    *,
    says: Filter = straight,
    hears: Filter = straight,
    with_ring: bool = False,
    ends: bool = True,
    rng: random.Random | None = None,
) -> Findings:
    """What the kit finds when it plays a trial against the agent, in memory."""
    exchange, findings = Exchange(), Findings()

    def watch(gateway_utc_s: Callable[[], float]) -> Watcher:
        return Watcher(findings, CODE, gateway_utc_s, 0.5)

    folder = Path("nowhere")
    connection = CrookedConnection(MemoryConnection(exchange), says, hears)
    client = InProcess(connection, clock, rng or random.Random(7), with_ring=with_ring, ends=ends)
    async with Stage(lambda address: MemoryListener(exchange), "memory:", clock.utc_s, watch) as stage:
        try:
            await play(trial, Scene(stage, client, findings, prepared(trial, folder), folder))
        finally:
            await client.kill()
    return findings
