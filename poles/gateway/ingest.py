"""From the wire into the store: what poles said is judged, made durable in batches, folded and acknowledged.

Each batch is one append, of all that came while the one before was being committed. Nothing is told to a pole, and
nothing shows in the state, before the store has it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from poles.gateway.flow import Flow, Peer, Said
from poles.gateway.ledger import Boot, Ledger, Verdict
from poles.protocol import Hello, OfEntries, Quality, Reading, Report, encode
from poles.services import function_spec

MOST_AT_ONCE = 4096  # messages in one append

Keep = Callable[[Sequence[Said]], Awaitable[object]]
"""Appends a batch to the store, all or nothing and in order; what it returns is done when the batch is durable."""

Typed = tuple[Reading, msgspec.Struct]
"""A reading that the registry understands, and its values."""


class Listener(Protocol):
    """Who is told, in order, once it is durable."""

    def is_news(self, hello: Hello) -> bool:
        """Whether a hello says what the last one did not."""
        ...

    def greeted(self, hello: Hello, heard_s: float) -> None:
        """A pole's hello is durable: it can be welcomed."""
        ...

    def stored(self, said: Said, message: OfEntries, readings: Sequence[Typed]) -> None:
        """New entries of what a pole said are durable, these readings among them understood."""
        ...

    def acknowledge(self, code: str, boot: str, durable_seq: int) -> None:
        """What this pole sent of a boot is judged, and what was to be stored is durable."""
        ...


@dataclass(slots=True)
class _Batch:
    said: list[Said] = field(default_factory=list)
    acts: list[tuple[Said, OfEntries | None, Boot | None, Sequence[Typed]]] = field(default_factory=list)
    owed: dict[tuple[str, str], Boot] = field(default_factory=dict)  # city code and boot of each Ack
    done: asyncio.Future[object] | None = None


class Ingest:
    """The way into the store; `counts` gets what was taken, and what was not and why."""

    def __init__(self, keep: Keep, ledger: Ledger, flow: Flow, listener: Listener, counts: Counter[str]) -> None:
        self._keep = keep
        self._ledger = ledger
        self._flow = flow
        self._listener = listener
        self._counts = counts
        self._work = asyncio.Event()
        self._waited_since_s: float | None = None

    def offer(self, peer: Peer, said: Said) -> bool:
        """Queue what a pole said; False when its pole has too much waiting."""
        if not self._flow.put(peer, said):
            self._counts["overrun"] += 1
            return False
        if not self._work.is_set():
            self._work.set()
        return True

    def held_up_since(self) -> float | None:
        """The loop's second since which a batch waits for the store; None while none does."""
        return self._waited_since_s

    async def run(self) -> None:
        """Store and acknowledge until cancelled; what the store raises ends it."""
        batch: _Batch | None = None
        following: _Batch | None = None
        try:
            while True:
                if batch is None:
                    await self._until_work()
                else:
                    await self._until_durable(batch)
                self._work.clear()
                # the store works on what came meanwhile while what it has done is folded and acknowledged
                following = self._judged(self._flow.take(MOST_AT_ONCE)) if self._flow.ready else None
                if batch is not None:
                    self._finish(batch)
                    self._flow.relieve(asyncio.get_running_loop().time())
                    await asyncio.sleep(0)
                batch, following = following, None
        finally:
            for left in (batch, following):
                if left is not None and left.done is not None:
                    left.done.cancel()

    async def _until_work(self) -> None:
        loop = asyncio.get_running_loop()
        again_s = self._flow.relieve(loop.time())
        if self._flow.ready:
            return
        timer = loop.call_at(again_s, self._work.set) if again_s is not None else None
        try:
            await self._work.wait()
        finally:
            if timer is not None:
                timer.cancel()

    def _judged(self, waiting: list[Said]) -> _Batch:
        batch = _Batch()
        keep, act, owed = batch.said.append, batch.acts.append, batch.owed
        for said in waiting:
            message = said.message
            if type(message) is Hello:
                if self._listener.is_news(message):
                    keep(said)
                act((said, None, None, ()))
                continue
            assert not isinstance(message, Hello)
            code, name = said.code, message.boot
            boot = owed.get((code, name))
            if boot is None:
                boot = owed[code, name] = self._ledger.boot(code, name)
            new = boot.take(message)
            if isinstance(new, Verdict):
                self._counts[new.name.lower()] += 1
                continue
            typed, kept = self._understood(new) if type(new) is Report else ((), new)
            keep(said if kept is message else Said(code, kept, encode(kept), said.heard_s))
            act((said, new, boot, typed))
        if batch.said:
            batch.done = asyncio.ensure_future(self._keep(batch.said))
        return batch

    async def _until_durable(self, batch: _Batch) -> None:
        if batch.done is not None:
            self._waited_since_s = asyncio.get_running_loop().time()
            await batch.done
            self._waited_since_s = None

    def _finish(self, batch: _Batch) -> None:
        listener, entries, dropped = self._listener, 0, 0
        for said, message, boot, typed in batch.acts:
            if message is None or boot is None:
                assert isinstance(said.message, Hello)
                listener.greeted(said.message, said.heard_s)
            else:
                entries += len(message.readings) if type(message) is Report else 1
                dropped += boot.stored(message)
                listener.stored(said, message, typed)
        self._counts["entries"] += entries
        self._counts["dropped_by_poles"] += dropped
        for (code, name), boot in batch.owed.items():
            listener.acknowledge(code, name, boot.durable)

    def _understood(self, message: Report) -> tuple[list[Typed], Report]:
        """The readings that the registry knows, and the message without what it knows to be wrong."""
        typed: list[Typed] = []
        wrong: list[Reading] = []
        for reading in message.readings:
            spec = function_spec(reading.function)
            if spec is None:
                self._counts["readings_unknown"] += 1
                continue
            try:
                typed.append((reading, msgspec.convert(reading.values, spec.readings)))
            except msgspec.ValidationError:
                wrong.append(reading)
        return typed, self._without_values(message, wrong) if wrong else message

    def _without_values(self, message: Report, wrong: list[Reading]) -> Report:
        """That they came is stored, so that no number is missing; what they said can be used by nobody."""
        self._counts["readings_malformed"] += len(wrong)
        numbers = {reading.seq for reading in wrong}
        readings = [
            msgspec.structs.replace(reading, values={}, quality=Quality.BAD) if reading.seq in numbers else reading
            for reading in message.readings
        ]
        return msgspec.structs.replace(message, readings=tuple(readings))
