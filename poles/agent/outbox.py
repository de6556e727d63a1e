"""The pole's memory of what is not acknowledged: bounded, oldest dropped first, and every drop told.

Entries stand in streams, one for each boot; what earlier boots left in the ring is sent before what is new. Where there
is a ring, it holds the bodies and they survive a power cut; where there is none, or it fails, memory holds them.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from poles.agent import entries
from poles.agent.ring import ENTRIES, Kind, Record, Ring
from poles.protocol import MAX_SEQ

CAPACITY = 10_000
WINDOW = 32  # until a gateway names one
IN_ONE_REPORT = 32
REPORT_BYTES = 32 * 1024  # of the bodies in one report, but for one that is longer alone
MARK_EVERY = 256  # acknowledged entries
LATEST_S = 4102444800.0  # UTC: what the wire takes as a date
LONGEST_S = 1e9  # and as how long an entry was held


@dataclass(frozen=True, slots=True)
class Held:
    """One entry that waits: its `body`, or where the ring has it; taken at UTC `at_s`, monotonic second `taken_s`."""

    seq: int
    kind: Kind
    at_s: float
    taken_s: float
    place: int  # -1: not in the ring
    body: bytes | None


class Stream:
    """The entries of one boot, oldest first; those that are under way are the first `sent` of them."""

    def __init__(self, boot: str, durable_seq: int = 0) -> None:
        self.boot = boot
        self.held: deque[Held] = deque()
        self.sent = 0
        self.durable_seq = durable_seq
        self.last_seq = durable_seq
        self.dropped = 0

    @property
    def after(self) -> int:
        """The number before the oldest that is held: what came up to it is acknowledged, or dropped."""
        return self.held[0].seq - 1 if self.held else self.last_seq

    def forget(self, durable_seq: int) -> int:
        """Let go of what is in the store; returns how many entries that were."""
        self.durable_seq = durable_seq
        gone = 0
        while self.held and self.held[0].seq <= durable_seq:
            self.held.popleft()
            gone += 1
        self.sent = max(self.sent - gone, 0)
        return gone

    def drop(self, index: int = 0) -> Held:
        """Let go of an entry that nobody acknowledged."""
        held = self.held[index]
        del self.held[index]
        self.sent -= index < self.sent
        self.dropped += 1
        return held


class Outbox:
    """What the pole has to say, numbered by boot.

    At most `capacity` entries are held in memory beside those in the ring, and at most `window` are under way at once.
    `name_boot` makes the name of this boot, whose numbers go on behind `behind`, and of the next should they run out;
    with a ring a name is 16 hexadecimal digits. `on_fault` hears of a ring that fails.
    """

    def __init__(
        self,
        name_boot: Callable[[], str],
        *,
        behind: int = 0,
        capacity: int = CAPACITY,
        ring: Ring | None = None,
        on_fault: Callable[[OSError], None] = lambda error: None,
    ) -> None:
        self._name_boot = name_boot
        self.window = WINDOW
        self._capacity = capacity
        self._ring = ring
        self._on_fault = on_fault
        self._in_memory = 0
        self._unmarked = 0
        self._not_understood: dict[Kind, None] = {}
        self._current = Stream(name_boot(), behind)
        self._streams = deque([*_left_by_earlier_boots(ring), self._current])
        self._count = sum(len(stream.held) for stream in self._streams)

    def __len__(self) -> int:
        return self._count

    @property
    def boot(self) -> str:
        """The name of the current boot."""
        return self._current.boot

    @property
    def streams(self) -> tuple[Stream, ...]:
        """What is held, by boot, in the order in which it is sent."""
        return tuple(self._streams)

    @property
    def after(self) -> int:
        """The number before the oldest entry held of this boot."""
        return self._current.after

    @property
    def last_seq(self) -> int:
        """The number of this boot's last entry."""
        return self._current.last_seq

    @property
    def durable_seq(self) -> int:
        """Entries of this boot up to here are acknowledged."""
        return self._current.durable_seq

    @property
    def dropped(self) -> int:
        """Entries of this boot that went before they were known to be durable."""
        return self._current.dropped

    @property
    def under_way(self) -> bool:
        """Whether something was sent that is not acknowledged."""
        return self._streams[0].sent > 0

    @property
    def more(self) -> bool:
        """Whether something waits that is not under way."""
        return len(self._streams[0].held) > self._streams[0].sent

    @property
    def earlier(self) -> int:
        """How many entries of earlier boots wait."""
        return self._count - len(self._current.held)

    def put(self, kind: Kind, at_s: float, taken_s: float, body: bytes) -> int:
        """Hold an entry taken at UTC `at_s` and monotonic second `taken_s`; the oldest go for want of room.

        Returns its number.
        """
        if self._current.last_seq == MAX_SEQ:
            self._current = Stream(self._name_boot())
            self._streams.append(self._current)
            self._pass_on()
        stream = self._current
        stream.last_seq += 1
        place = self._keep(kind, stream.last_seq, at_s, taken_s, body)
        in_ring = place >= 0
        stream.held.append(Held(stream.last_seq, kind, at_s, taken_s, place, None if in_ring else body))
        self._count += 1
        self._in_memory += not in_ring
        self._make_room()
        return stream.last_seq

    def welcomed(self, boot: str, durable_seq: int) -> None:
        """A gateway that has everything of a boot up to here begins to listen: all else is to be sent (again)."""
        for stream in self._streams:
            if stream.boot == boot:
                self._forget(stream, min(durable_seq, stream.last_seq))
        self.send_again()
        self._pass_on()

    def acknowledged(self, boot: str, durable_seq: int) -> bool:
        """Forget what the store holds; False when the acknowledgement brought nothing new.

        Of an earlier boot the store may hold more than this pole remembers, what a power cut took from the ring; or
        less than another one acknowledged: then the rest is sent again, behind what this one has (§5.11).
        """
        for stream in self._streams:
            if stream.boot != boot:
                continue
            is_earlier = stream is not self._current
            up_to = min(durable_seq, stream.last_seq) if is_earlier else durable_seq
            if stream.durable_seq < up_to <= stream.last_seq:
                self._forget(stream, up_to)
                self._pass_on()
                return True
            if is_earlier and up_to < stream.durable_seq:
                stream.durable_seq, stream.sent = up_to, 0
                return True
        return False

    def not_understood(self, type_: str) -> None:
        """The gateway does not know messages of this type: their entries are dropped, for the others' sake."""
        kind = entries.KINDS.get(type_)
        if kind is None:
            return
        self._not_understood[kind] = None
        for stream in self._streams:
            for index in reversed(range(len(stream.held))):
                if stream.held[index].kind is kind:
                    self._dropped(stream, index)
        self.send_again()
        self._pass_on()

    def new_listener(self) -> None:
        """On a new connection everything may be understood."""
        self._not_understood.clear()

    def send_again(self) -> None:
        """What was under way is taken for lost."""
        for stream in self._streams:
            stream.sent = 0

    def due(
        self, now_s: float, utc_s: float, dated: Callable[[float, float], float] = lambda at_s, taken_s: at_s
    ) -> Iterator[bytes]:
        """The messages to send now, each marked as under way; `now_s` is the monotonic second and `utc_s` its UTC.

        `dated` dates the entries of this boot anew, given what they were dated and their monotonic second.
        """
        self._pass_on()
        stream = self._streams[0]
        after = stream.held[stream.sent - 1].seq if stream.sent else stream.durable_seq
        together: list[tuple[bytes, entries.Numbers]] = []
        length = 0
        for held, body in self._readable(stream):
            is_reading = held.kind is Kind.READING
            if together and not (is_reading and len(together) < IN_ONE_REPORT and length + len(body) <= REPORT_BYTES):
                yield entries.report(stream.boot, after, together)
                after, together, length = together[-1][1][0], [], 0
            if stream is self._current:
                at_s, held_s = dated(held.at_s, held.taken_s), now_s - held.taken_s
            else:
                at_s, held_s = held.at_s, utc_s - held.at_s
            numbers = held.seq, _within(at_s, LATEST_S), _within(held_s, LONGEST_S)
            if is_reading:
                together.append((body, numbers))
                length += len(body)
            else:
                yield entries.message(held.kind, body, stream.boot, after, numbers)
                after = held.seq
        if together:
            yield entries.report(stream.boot, after, together)
        if stream is not self._current and not stream.held:  # the ring gave nothing of it back
            yield from self.due(now_s, utc_s, dated)

    def close(self) -> None:
        """Note in the ring what is acknowledged: an orderly end. Raises OSError."""
        if self._ring is not None:
            for stream in self._streams:
                self._mark(stream)

    def _readable(self, stream: Stream) -> Iterator[tuple[Held, bytes]]:
        """What may be sent now, each marked as under way; what the ring cannot give back is dropped."""
        while stream.sent < min(self.window, len(stream.held)):
            held = stream.held[stream.sent]
            body = held.body if held.body is not None else self._read(held)
            if body is None or held.kind in self._not_understood:
                self._dropped(stream, stream.sent)
                continue
            stream.sent += 1
            yield held, body

    def _read(self, held: Held) -> bytes | None:
        record = self._ring.read(held.place) if self._ring is not None else None
        return record.body if record is not None and record.seq == held.seq else None

    def _keep(self, kind: Kind, seq: int, at_s: float, taken_s: float, body: bytes) -> int:
        if self._ring is None:
            return -1
        try:
            return self._ring.append(kind, int(self.boot, 16), seq, at_s, taken_s, body)
        except OSError as error:
            self._on_fault(error)
            return -1

    def _make_room(self) -> None:
        floor = self._ring.floor if self._ring is not None else 0
        self._pass_on()
        while (held := self._streams[0].held) and 0 <= held[0].place < floor:
            self._dropped(self._streams[0], 0)
            self._pass_on()
        while self._in_memory > self._capacity:
            self._dropped(*self._oldest_in_memory())
            self._pass_on()

    def _oldest_in_memory(self) -> tuple[Stream, int]:
        return next(
            (stream, index)
            for stream in self._streams
            for index, held in enumerate(stream.held)
            if held.body is not None
        )

    def _oldest_held(self) -> list[Held]:
        return [stream.held[0] for stream in self._streams if stream.held]

    def _dropped(self, stream: Stream, index: int) -> None:
        held = stream.drop(index)
        self._count -= 1
        self._in_memory -= held.body is not None

    def _forget(self, stream: Stream, durable_seq: int) -> None:
        self._in_memory -= sum(
            1
            for held in itertools.takewhile(lambda held: held.seq <= durable_seq, stream.held)
            if held.body is not None
        )
        gone = stream.forget(durable_seq)
        self._count -= gone
        self._unmarked += gone
        if self._ring is not None and self._unmarked >= MARK_EVERY:
            self._try_mark(stream)

    def _pass_on(self) -> None:
        """Go on to the next boot when nothing of an earlier one is left."""
        while len(self._streams) > 1 and not self._streams[0].held:
            self._try_mark(self._streams.popleft())

    def _try_mark(self, stream: Stream) -> None:
        try:
            self._mark(stream)
        except OSError as error:
            self._on_fault(error)

    def _mark(self, stream: Stream) -> None:
        """Note what is acknowledged, unless that costs an entry: without the mark some are sent twice, that is all."""
        if self._ring is None or not stream.durable_seq:
            return
        if all(held.place < 0 or held.place >= self._ring.floor_after(0) for held in self._oldest_held()):
            self._ring.append(Kind.MARK, int(stream.boot, 16), stream.durable_seq, 0.0, 0.0)
            self._unmarked = 0


def _within(seconds: float, most: float) -> float:
    """What the wire takes: a pole without a calendar may have dated entries of an earlier boot by anything."""
    return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), most)


def _left_by_earlier_boots(ring: Ring | None) -> list[Stream]:
    """What was not acknowledged when the pole went down, oldest boot first."""
    if ring is None:
        return []
    durable: dict[int, int] = {}
    for record in ring.found:
        if record.kind == Kind.MARK:
            durable[record.boot] = max(durable.get(record.boot, 0), record.seq)
    streams: dict[int, Stream] = {}
    for record in ring.found:
        if record.kind in ENTRIES and record.seq > durable.get(record.boot, 0):
            stream = streams.get(record.boot)
            if stream is None:
                stream = streams[record.boot] = Stream(f"{record.boot:016x}", durable.get(record.boot, 0))
            _recall(stream, record)
    return list(streams.values())


def _recall(stream: Stream, record: Record) -> None:
    if record.seq > stream.last_seq:  # numbers rise in a boot; a record that says otherwise is not ours
        stream.held.append(Held(record.seq, Kind(record.kind), record.at_s, record.taken_s, record.position, None))
        stream.last_seq = record.seq
