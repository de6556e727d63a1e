"""From the wire into the store: what poles said is judged, made durable in batches, folded and acknowledged.

Each batch is one append, of all that came while the one before was being committed. Nothing is told to a pole, and
nothing shows in the state, before the store has it.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from msgspec import convert

from poles.gateway.flow import Flow, Peer, Said, Unread
from poles.gateway.ledger import Boot, Ledger, Verdict
from poles.protocol import Hello, OfEntries, Quality, Reading, Report, decode, encode
from poles.services import FUNCTIONS, function_spec

MOST_AT_ONCE = 4096  # messages in one append
MOST_BYTES_AT_ONCE = 1024 * 1024  # and bytes; as objects they can be many times as large
GATHER_S = 0.02  # between two appends; what comes meanwhile shares an fsync, and a pole an Ack for all of its own

Keep = Callable[[Sequence[Said]], Awaitable[object]]
"""Appends a batch to the store, all or nothing and in order; what it returns is done when the batch is durable."""

Typed = tuple[Reading, msgspec.Struct]
"""A reading that the registry understands, and its values."""

NOTHING_TYPED: Sequence[Typed] = ()


class Taken(msgspec.Struct, frozen=True, gc=False):
    """The new entries of one message: when it came [s of the loop], and what is understood of its readings.

    `typed` has the last reading of each function.
    """

    message: OfEntries
    heard_s: float
    typed: Sequence[Typed]


class Follower(Protocol):
    """Who is told, in order, once it is durable."""

    def is_news(self, hello: Hello) -> bool:
        """Whether a hello says what the last one did not."""
        ...

    def greeted(self, hello: Hello, heard_s: float) -> None:
        """A pole's hello is durable: it can be welcomed."""
        ...

    def stored(self, code: str, taken: Sequence[Taken]) -> None:
        """New entries of a pole are durable, in this order."""
        ...

    def acknowledge(self, code: str, boot: str, durable_seq: int) -> None:
        """What this pole sent of a boot is judged, and what was to be stored is durable."""
        ...


@dataclass(slots=True)
class _Owed:
    """An Ack for a boot: the last of its entries in a batch, and how many there are."""

    boot: Boot
    last: int = 0
    count: int = 0


@dataclass(slots=True)
class _Batch:
    said: list[Said] = field(default_factory=list)
    acts: dict[str, list[Taken | tuple[Hello, float]]] = field(default_factory=dict)  # by city code, in order
    owed: dict[tuple[str, str], _Owed] = field(default_factory=dict)  # by city code and boot
    done: asyncio.Future[object] | None = None


class Ingest:
    """The way into the store; `counts` gets what was taken, and what was not and why."""

    def __init__(self, keep: Keep, ledger: Ledger, flow: Flow, listener: Follower, counts: Counter[str]) -> None:
        self._keep = keep
        self._ledger = ledger
        self._flow = flow
        self._listener = listener
        self._counts = counts
        self._kinds = {name: spec.readings for name, spec in FUNCTIONS.items()}
        self._work = asyncio.Event()
        self._next_s = -math.inf  # not before this second of the loop is the next batch taken
        self._waited_since_s: float | None = None

    def offer(self, peer: Peer, said: Unread) -> bool:
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
                following = self._next_batch()
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
        """Wait until something can be served, and what comes with it has had its time to come."""
        loop = asyncio.get_running_loop()
        while not self._flow.ready:
            again_s = self._flow.relieve(loop.time())
            if self._flow.ready:
                break
            timer = loop.call_at(again_s, self._work.set) if again_s is not None else None
            try:
                await self._work.wait()
                self._work.clear()
            finally:
                if timer is not None:
                    timer.cancel()
        early_s = self._next_s - loop.time()
        if early_s > 0.0:
            await asyncio.sleep(early_s)

    def _next_batch(self) -> _Batch | None:
        """What is to be stored next; None when there is nothing, or when more of it is to come first."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._next_s or not self._flow.ready:
            return None
        batch = self._judged(self._flow.take(MOST_AT_ONCE, MOST_BYTES_AT_ONCE))
        self._next_s = now_s if self._flow.ready else now_s + GATHER_S
        return batch

    def _judged(self, waiting: list[Unread]) -> _Batch:
        batch = _Batch()
        keep, all_acts, owed, counts = batch.said.append, batch.acts, batch.owed, self._counts
        for unread in waiting:
            message, code, heard_s = decode(unread.body), unread.code, unread.heard_s
            acts = all_acts.get(code)
            if acts is None:
                acts = all_acts[code] = []
            if not isinstance(message, OfEntries):
                if isinstance(message, Hello):
                    if self._listener.is_news(message):
                        keep(Said(code, message, unread.body, heard_s))
                    acts.append((message, heard_s))
                else:
                    counts["malformed"] += 1
                continue
            name = message.boot
            debt = owed.get((code, name))
            if debt is None:
                debt = owed[code, name] = _Owed(self._ledger.boot(code, name))
            new = debt.boot.take(message)
            if isinstance(new, Verdict):
                counts[new.name.lower()] += 1
                continue
            kept, typed = new, NOTHING_TYPED
            if type(new) is Report:
                debt.count += len(new.readings)
                kept, typed = self._understood(new)
            else:
                debt.count += 1
            debt.last = debt.boot.taken
            keep(Said(code, kept, unread.body if kept is message else encode(kept), heard_s))
            acts.append(Taken(new, heard_s, typed))
        if batch.said:
            batch.done = asyncio.ensure_future(self._keep(batch.said))
        return batch

    async def _until_durable(self, batch: _Batch) -> None:
        if batch.done is not None:
            self._waited_since_s = asyncio.get_running_loop().time()
            await batch.done
            self._waited_since_s = None

    def _finish(self, batch: _Batch) -> None:
        listener, counts = self._listener, self._counts
        for debt in batch.owed.values():
            if debt.count:
                counts["entries"] += debt.count
                counts["dropped_by_poles"] += debt.boot.stored(debt.last, debt.count)
        for code, acts in batch.acts.items():
            run: list[Taken] = []
            for act in acts:
                if type(act) is Taken:
                    run.append(act)
                    continue
                if run:
                    listener.stored(code, run)
                    run = []
                listener.greeted(*act)  # type: ignore[misc]  # a Taken was met above
            if run:
                listener.stored(code, run)
        for (code, name), debt in batch.owed.items():
            listener.acknowledge(code, name, debt.boot.durable)

    def _understood(self, message: Report) -> tuple[Report, Sequence[Typed]]:
        """The message without what the registry knows to be wrong, and the readings that it understands."""
        typed: dict[str, Typed] = {}  # of a function only the last reading says how it is
        wrong: list[Reading] = []
        for reading in message.readings:
            kind = self._kinds.get(reading.function)
            if kind is None:
                spec = function_spec(reading.function)
                if spec is None:
                    self._counts["readings_unknown"] += 1
                    continue
                kind = spec.readings
            try:
                typed[reading.function] = reading, convert(reading.values, kind)
            except msgspec.ValidationError:
                wrong.append(reading)
        return self._without_values(message, wrong) if wrong else message, tuple(typed.values())

    def _without_values(self, message: Report, wrong: list[Reading]) -> Report:
        """That they came is stored, so that no number is missing; what they said can be used by nobody."""
        self._counts["readings_malformed"] += len(wrong)
        numbers = {reading.seq for reading in wrong}
        readings = [
            msgspec.structs.replace(reading, values={}, quality=Quality.BAD) if reading.seq in numbers else reading
            for reading in message.readings
        ]
        return msgspec.structs.replace(message, readings=tuple(readings))
