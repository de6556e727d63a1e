"""The event store: what was appended here happened, and survives a kill at any instant.

One narrow interface: `append` for events, `keep` for what poles said, and `read`. Behind it is an SQLite file with a
single writer, in a thread of its own, which commits everything that waits in one transaction. In virtual tempo the loop
runs that work inline.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import msgspec

from airspace.reasons import Reason, Refused, Rule, Words
from controller import pole_log
from controller.events import (
    AnyEvent,
    Claim,
    PoleNoted,
    Record,
    decode_event,
    encode,
    event_of,
)
from controller.pole_log import PoleLog, durable_entries, history, oldest_s, record_of
from poles.gateway.flow import Said
from poles.gateway.memory import Remembered

CLAIMS = tuple(str(kind.__struct_config__.tag) for kind in get_args(Claim))

IN_USE = Rule(
    "store.in-use",
    Words("another controller has this store open", "另一个控制器正在使用该数据库"),
    Words("Stop it first, or give this run a store of its own.", "请先停止它，或为本次运行指定其他数据库。"),
)
NOT_A_STORE = Rule(
    "store.damaged",
    Words("this file is not a readable event store ({detail})", "该文件不是可读的事件库（{detail}）"),
    Words("Move it away and start again, or restore a backup.", "请移走该文件后重新开始，或恢复备份。"),
)
CANNOT_WRITE = Rule(
    "store.cannot-write",
    Words("the store cannot be written here: {detail}", "无法在此处写入事件库：{detail}"),
    Words("Name a place that this user may write to.", "请指定当前用户可写的位置。"),
)

# One log in two tables that share their numbers: what the controller decided and saw, and what poles said.
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY,
    utc_s REAL NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events_kind ON events (kind, seq);
"""
OF_EVENTS = "SELECT seq, utc_s, NULL, body FROM events WHERE seq > :after ORDER BY seq"
OF_ALL = """
SELECT seq, utc_s, NULL, body FROM events WHERE seq > :after
UNION ALL SELECT seq, utc_s, pole, body FROM said WHERE seq > :after
ORDER BY seq
"""


class ClaimsChangedError(Exception):
    """Somebody else reserved or released since the caller looked: look again and decide again."""


class StoreFailedError(RuntimeError):
    """The store takes nothing any more: its writer ended with the error that caused this one."""


@dataclass(slots=True)
class _Events:
    events: tuple[tuple[AnyEvent, str], ...]  # with the body that is written
    claims_seen: int | None
    done: asyncio.Future[tuple[Record, ...]]


@dataclass(slots=True)
class _Words:
    """A batch of what poles said."""

    batch: Sequence[Said]
    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Looked:
    """How many rows went, the row that was looked up to, and the one to go on to."""

    gone: int
    upto: int
    last: int


@dataclass(slots=True)
class _Forget:
    """Delete some of what poles said before a UTC second, up to a row (0: the last one there is)."""

    before_s: float
    last: int
    done: asyncio.Future[_Looked]


_Pending = _Events | _Words | _Forget


@dataclass(frozen=True, slots=True)
class _Written:
    """What became of one pending: the number of its first record, and the second of all."""

    first: int
    utc_s: float


class Store:
    """An append-only log of events in one SQLite file; made by `open_store`."""

    def __init__(
        self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection, utc_s: Callable[[], float]
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._utc_s = utc_s
        self._queue: asyncio.Queue[_Pending | None] = asyncio.Queue()
        self._listeners: list[Callable[[Record], None]] = []
        self._listeners_to_poles: list[Callable[[Record], None]] = []
        self._closed = False
        self._poles = PoleLog(writer)
        self._last = _last_number(writer)

    def append(self, *events: AnyEvent, claims_seen: int | None = None) -> asyncio.Future[tuple[Record, ...]]:
        """Store events all or none; the future gives them with their places once they are durable.

        Raises `ValueError` at once for an event that could not be read back, as one with a number that is not finite.
        The future raises `ClaimsChangedError` when `claims_seen` is given and a claim with a higher number stands in
        the log.
        """
        if self._closed:
            raise RuntimeError("the store is closed")
        bodies = tuple((event, _body(event)) for event in events)
        done: asyncio.Future[tuple[Record, ...]] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Events(bodies, claims_seen, done))
        return done

    def keep(self, batch: Sequence[Said]) -> asyncio.Future[None]:
        """Store what poles said, all or nothing and in this order; the future is done when it is durable."""
        if self._closed:
            raise RuntimeError("the store is closed")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Words(batch, done))
        return done

    async def forget_poles(self, before_s: float) -> int:
        """Delete what poles said before a UTC second but what a start must know, in small parts; how many rows went."""
        total, last = 0, 0
        while True:
            if self._closed:
                raise RuntimeError("the store is closed")
            done: asyncio.Future[_Looked] = asyncio.get_running_loop().create_future()
            self._queue.put_nowait(_Forget(before_s, last, done))
            looked = await done
            total, last = total + looked.gone, looked.last
            if looked.upto >= last:
                return total

    def poles_since_s(self) -> float | None:
        """The UTC second of the oldest of what poles said that may be forgotten, None without any."""
        return oldest_s(self._reader)

    def listen(self, listener: Callable[[Record], None], *, to_poles: bool = True) -> None:
        """Call `listener` with every record from now on, in order, once it is durable and before `append` returns.

        Without `to_poles` it does not hear what poles said, which is most of all.
        """
        self._listeners.append(listener)
        if to_poles:
            self._listeners_to_poles.append(listener)

    def read(self, after: int = 0) -> list[Record]:
        """All records with a number above `after`, in order; raises `Refused` when the file is damaged."""
        return all_records(self._reader, self._path, after)

    def events(self) -> list[Record]:
        """The records of all but what poles said, in order; raises `Refused` when the file is damaged."""
        return _all_rows(self._reader, OF_EVENTS, 0, self._path)

    def poles_stored(self) -> dict[str, dict[str, int]]:
        """City code -> boot -> the highest number of an entry in the store; read from a digest, not from all of it."""
        return durable_entries(self._reader)

    def pole_history(self) -> list[Remembered]:
        """What the poles' gateway noted, and of what poles said what it must remember; raises `Refused` as `read`."""
        try:
            return history(self._reader)
        except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            raise Refused([Reason(NOT_A_STORE, str(self._path), {"detail": error})]) from None

    async def _write_until_closed(self) -> None:
        """The writer; whoever waits for it hears when it fails, and nobody waits for ever."""
        batch: list[_Pending] = []
        try:
            await self._write_batches(batch)
        except Exception as error:  # whatever it was, nobody may wait for ever; it is raised again below
            self._closed = True
            while not self._queue.empty():
                batch += [pending for pending in (self._queue.get_nowait(),) if pending is not None]
            for pending in batch:
                if not pending.done.done():
                    failure = StoreFailedError("the store's writer failed")
                    failure.__cause__ = error
                    pending.done.set_exception(failure)
            raise

    async def _write_batches(self, batch: list[_Pending]) -> None:
        """Take all that waits into `batch`, commit it in one transaction, tell everyone, until closed."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="store") as thread:
            last = False
            while not last:
                waiting = [await self._queue.get()]
                while not self._queue.empty():
                    waiting.append(self._queue.get_nowait())
                last = None in waiting
                batch[:] = [pending for pending in waiting if pending is not None]
                try:
                    results = await loop.run_in_executor(thread, self._write, batch)
                except sqlite3.Error as error:
                    results = [error] * len(batch)
                self._deliver(batch, results)

    def _deliver(self, batch: list[_Pending], results: list[_Written | _Looked | Exception]) -> None:
        for pending, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                if not pending.done.cancelled():
                    pending.done.set_exception(result)
            elif isinstance(result, _Looked):
                if isinstance(pending, _Forget) and not pending.done.cancelled():
                    pending.done.set_result(result)
            elif isinstance(pending, _Words):
                if self._listeners_to_poles:
                    for seq, said in enumerate(pending.batch, result.first):
                        self._tell(
                            Record(seq, result.utc_s, event_of(said.code, said.message)), self._listeners_to_poles
                        )
                if not pending.done.cancelled():
                    pending.done.set_result(None)
            elif isinstance(pending, _Events):
                events = enumerate(pending.events, result.first)
                records = tuple([Record(seq, result.utc_s, event) for seq, (event, _) in events])
                for record in records:
                    self._tell(record, self._listeners)
                if not pending.done.cancelled():
                    pending.done.set_result(records)

    def _tell(self, record: Record, listeners: Iterable[Callable[[Record], None]]) -> None:
        for listener in listeners:
            listener(record)

    def _write(self, batch: list[_Pending]) -> list[_Written | _Looked | Exception]:
        results: list[_Written | _Looked | Exception] = []
        connection, last = self._writer, self._last
        connection.execute("BEGIN IMMEDIATE")
        try:
            for pending in batch:
                written = _Written(last + 1, round(self._utc_s(), 6))
                if isinstance(pending, _Words):
                    self._poles.insert(written.first, written.utc_s, pending.batch)
                    last += len(pending.batch)
                elif isinstance(pending, _Forget):
                    pass  # in a transaction of its own
                elif pending.claims_seen is not None and _last_claim(connection) > pending.claims_seen:
                    results.append(ClaimsChangedError())
                    continue
                else:
                    for event, body in pending.events:
                        last += 1
                        row = last, written.utc_s, str(event.__struct_config__.tag), body
                        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", row)
                results.append(written)
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:  # a full disk has rolled back already
                connection.execute("ROLLBACK")
            raise
        self._last = last
        notes = 0
        for pending, result in zip(batch, results, strict=True):
            if isinstance(pending, _Words) and isinstance(result, _Written):
                self._poles.committed(result.first, pending.batch)
            elif isinstance(pending, _Events) and isinstance(result, _Written):
                notes += sum(isinstance(event, PoleNoted) for event, _ in pending.events)
        self._poles.noted(last, notes)
        return [
            self._forget(pending) if isinstance(pending, _Forget) else result
            for pending, result in zip(batch, results, strict=True)
        ]

    def _forget(self, pending: _Forget) -> _Looked | Exception:
        last = pending.last or self._last
        try:
            if not pending.last:
                self._poles.settle(last)
            return _Looked(*self._poles.forget(last, pending.before_s), last)
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            return error


def _body(event: AnyEvent) -> str:
    """The event as it is written; a store that took what it cannot read would never open again."""
    try:
        body = encode(event)
        decode_event(body)
    except (TypeError, msgspec.MsgspecError) as error:
        raise ValueError(f"{type(event).__name__} cannot be stored: {error}") from error
    return body.decode()


def _last_claim(connection: sqlite3.Connection) -> int:
    marks = ",".join("?" * len(CLAIMS))
    row = connection.execute(f"SELECT max(seq) FROM events WHERE kind IN ({marks})", CLAIMS).fetchone()
    return int(row[0] or 0)


def _last_number(connection: sqlite3.Connection) -> int:
    tables = ("events", "said", "digested")  # the last when much was forgotten
    newest = ", ".join(f"(SELECT coalesce(max(seq), 0) FROM {table})" for table in tables)
    query = f"SELECT max({newest})"
    return int(connection.execute(query).fetchone()[0])


def _rows(connection: sqlite3.Connection, query: str, after: int) -> Iterator[Record]:
    for seq, utc_s, pole, body in connection.execute(query, {"after": after}):
        yield Record(seq, utc_s, decode_event(body)) if pole is None else record_of(seq, utc_s, pole, body)


def _all_rows(connection: sqlite3.Connection, query: str, after: int, path: Path) -> list[Record]:
    try:
        return list(_rows(connection, query, after))
    except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
        raise Refused([Reason(NOT_A_STORE, str(path), {"detail": error})]) from None


def all_records(connection: sqlite3.Connection, path: Path, after: int = 0) -> list[Record]:
    """All records with a number above `after` in a store's file, in order; raises `Refused` when it is damaged."""
    return _all_rows(connection, OF_ALL, after, path)


@asynccontextmanager
async def open_store(
    path: Path, utc_s: Callable[[], float], durable: Literal["power", "process"] = "power"
) -> AsyncIterator[Store]:
    """Open or create the store at `path` for one controller, and write out everything that waits when leaving.

    `durable` says what a commit outlives: a power cut, or only the death of this process. Raises `Refused` when another
    controller holds the store or the file is not one.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused([Reason(CANNOT_WRITE, str(path), {"detail": error.strerror})]) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused([Reason(IN_USE, str(path))]) from None
        with closing(_connect(path, durable)) as writer, closing(_connect(path, durable)) as reader:
            try:
                store = Store(path, writer, reader, utc_s)
            except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
                raise Refused([Reason(NOT_A_STORE, str(path), {"detail": error})]) from None
            writing = asyncio.create_task(store._write_until_closed(), name="store writer")
            try:
                yield store
            finally:
                store._closed = True
                store._queue.put_nowait(None)
                await writing
    finally:
        os.close(lock)


def _connect(path: Path, durable: str) -> sqlite3.Connection:
    try:
        # The writing connection is made here and used in the writer's thread only.
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.DatabaseError as error:
        raise Refused([Reason(NOT_A_STORE, str(path), {"detail": error})]) from None
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable == 'power' else 'NORMAL'}")
        connection.executescript(SCHEMA + pole_log.SCHEMA)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise Refused([Reason(NOT_A_STORE, str(path), {"detail": error})]) from None
    return connection
