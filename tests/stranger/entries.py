"""What must not be lost: the entries of a pole, its clock, and what of them is to be said next (§5, §8)."""

import json
import os
import secrets
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.stranger.wire import Body

HIGHEST, LAST_UTC_S, LONGEST_S = 2**63 - 1, 4102444800.0, 1e9


class Clock:
    """UTC by the calendar, or by the gateway where the calendar is wrong (§8.2)."""

    def __init__(self) -> None:
        """Believe the calendar until the gateway says otherwise."""
        self.offset_s = time.time() - time.monotonic()

    def utc_s(self, at_s: float | None = None) -> float:
        """UTC now, or at another moment of the monotonic clock."""
        return (time.monotonic() if at_s is None else at_s) + self.offset_s

    def heard(self, asked_s: float, received_s: float, sent_s: float) -> None:
        """Judge the calendar by the gateway's stamps (§8.1)."""
        now_s, calendar_s = time.monotonic(), time.time() - time.monotonic()
        offset_s = ((received_s - asked_s) + (sent_s - now_s)) / 2
        wrong_s = abs(now_s - asked_s - (sent_s - received_s)) / 2
        best_s = offset_s if abs(calendar_s - offset_s) > 1 + wrong_s else calendar_s
        if abs(best_s - self.offset_s) > 0.5:  # at_s of what is held does not shiver (§5.10)
            self.offset_s = best_s


@dataclass
class Entry:
    """One entry that is held; `taken_s` by the monotonic clock, None when another life of the program took it."""

    boot: str
    seq: int
    kind: str  # type of its message
    body: Body
    at_s: float
    taken_s: float | None


class Entries:
    """All entries held, oldest first, the first `sent` of them under way; a file keeps them over restarts."""

    def __init__(self, clock: Clock, capacity: int, ring: str | None) -> None:
        """Take what earlier boots left, and begin a new one."""
        self.clock, self.capacity, self.sent, self.boot, self.last = clock, capacity, 0, "", 0
        self.held: list[Entry] = []
        self.acked: dict[str, int] = {}
        self.ring, self.lines = Path(ring) if ring else None, ""
        for line in self.ring.read_bytes().splitlines() if self.ring and self.ring.exists() else []:
            if line[:8] == b"%08x" % zlib.crc32(line[8:]):
                boot, seq, kind, body, at_s = json.loads(line[8:])
                self.acked.setdefault(boot, 0)
                if kind == "mark":
                    self.acknowledge(boot, seq)
                else:
                    self.held.append(Entry(boot, seq, kind, body, at_s, None))
        self.acked = {boot: seq for boot, seq in self.acked.items() if any(e.boot == boot for e in self.held)}
        self.held = self.held[-capacity:]
        self.begin()
        self._write_anew()

    def begin(self) -> None:
        """Begin a new boot (§5.2)."""
        self.boot, self.last, self.dropped = secrets.token_hex(8), 0, 0
        self.acked[self.boot] = 0

    def _keep(self, *record: object) -> None:
        line = json.dumps(record).encode("ascii")
        self.lines += f"{zlib.crc32(line):08x}{line.decode('ascii')}\n" if self.ring else ""

    def _write_anew(self) -> None:
        for boot, seq in self.acked.items():
            self._keep(boot, seq, "mark", None, 0.0)
        for entry in self.held:
            self._keep(entry.boot, entry.seq, entry.kind, entry.body, entry.at_s)
        if self.ring:
            self.sync(self.ring.with_name(f"{self.ring.name}.new"))
            self.ring.with_name(f"{self.ring.name}.new").replace(self.ring)

    def sync(self, path: Path | None = None) -> None:
        """Bring to the disk what came about since the last time."""
        if self.ring and self.lines:
            file = os.open(path or self.ring, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if path else os.O_APPEND), 0o600)
            os.write(file, b"\n" * (not path) + self.lines.encode("ascii"))  # a torn line before it ends here
            os.fsync(file)
            grown, self.lines = os.fstat(file).st_size > 4 << 20, ""
            os.close(file)
            if grown and not path:
                self._write_anew()

    def add(self, kind: str, body: Body) -> Entry:
        """Number an entry and hold it; the oldest one goes where there is no room (§5.12)."""
        if self.last == HIGHEST:
            self.begin()
        self.last += 1
        entry = Entry(self.boot, self.last, kind, body, self.clock.utc_s(), time.monotonic())
        self.held.append(entry)
        self._keep(entry.boot, entry.seq, kind, body, entry.at_s)
        while len(self.held) > self.capacity:
            self.dropped += self.held.pop(0).boot == self.boot
            self.sent = max(0, self.sent - 1)
        return entry

    def drop_kind(self, kind: str) -> None:
        """Give up entries that the controller does not know; the rest is sent again (§9.3)."""
        self.dropped += sum(entry.kind == kind and entry.boot == self.boot for entry in self.held)
        self.held = [entry for entry in self.held if entry.kind != kind]
        self.sent = 0

    def acknowledge(self, boot: str, durable: int) -> bool:
        """Forget what is durable: whether that was news (§5.8)."""
        if boot not in self.acked or (boot == self.boot and durable > self.last):
            return False
        known = self.acked[boot]
        less = durable < known and boot != self.boot  # this controller lost some, or is another one (§5.11)
        news = durable > known or less
        if news:
            self.acked[boot] = durable
            self._keep(boot, durable, "mark", None, 0.0)
        self.sent = 0 if less else self.sent
        kept = [entry for entry in self.held if entry.boot != boot or entry.seq > durable]
        self.sent, self.held = max(0, self.sent - len(self.held) + len(kept)), kept
        return news

    def welcome(self, durable: int) -> None:
        """Begin again with what the controller has of this boot (§4.4)."""
        durable = min(durable, self.last)
        self.acknowledge(self.boot, durable)
        self.acked[self.boot], self.sent = durable, 0

    def before_oldest(self) -> int:
        """The number before the oldest entry held of this boot, for Hello (§5.13)."""
        return next((entry.seq - 1 for entry in self.held if entry.boot == self.boot), self.last)

    def messages(self, limit: int) -> Iterator[Body]:
        """What is to be sent next, until `limit` are under way; who asks for another has sent it (§5.4 to §5.11)."""
        while self.sent < min(limit, len(self.held)) and self.held[self.sent].boot == self.held[0].boot:
            first, batch = self.held[self.sent], self.held[self.sent : min(limit, self.sent + 32)]
            alike = [entry.kind == "report" and entry.boot == first.boot for entry in batch] + [False]
            count = max(1, alike.index(False))
            after = self.held[self.sent - 1].seq if self.sent else self.acked[first.boot]
            stated = [self._stated(entry) for entry in batch[:count]]
            content: Body = {"readings": stated} if first.kind == "report" else stated[0]
            yield {"type": first.kind, "boot": first.boot, "after": after, **content}
            self.sent += count

    def _stated(self, entry: Entry) -> Body:
        at_s = entry.at_s if entry.taken_s is None else self.clock.utc_s(entry.taken_s)
        held_s = self.clock.utc_s() - at_s
        times = {"at_s": min(max(at_s, 0.0), LAST_UTC_S), "held_s": min(max(held_s, 0.0), LONGEST_S)}
        return {"seq": entry.seq, **times, **entry.body}
