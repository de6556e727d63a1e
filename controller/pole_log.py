"""What poles said, as rows of the store: appended in bulk, and digested so that a start need not read all of it.

Rows are written many to a statement: SQLite then works through them without Python's lock, which a thread that steps
row by row would have to win back for each.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator, Sequence

import msgspec

from controller.events import PoleNoted, Record, event_of
from poles.gateway.flow import Said
from poles.gateway.ledger import BOOTS_REMEMBERED
from poles.gateway.memory import Memory, Remembered, Snapshot
from poles.protocol import Alarm, Hello, OfEntries, Report, Reported
from poles.protocol.entries import last_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS said (
    seq INTEGER PRIMARY KEY,
    utc_s REAL NOT NULL,
    pole TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS pole_boots (
    pole TEXT NOT NULL,
    boot TEXT NOT NULL,
    durable INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (pole, boot)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notable (seq INTEGER PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS pole_memory (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS digested (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL) STRICT;
"""
DIGEST_EVERY = 200_000  # rows; as many are read at most at a start
FOLD_EVERY = 20_000  # of those that a gateway must know, and beside them each pole's last hello
FORGOTTEN_AT_ONCE = 10_000  # rows, so that nobody waits long for the store meanwhile
ROWS_AT_ONCE = 256

Notable = Hello | Alarm | Reported
"""What a gateway that starts must know, beside its own notes: the rows of these are found without reading all.

From time to time they are folded into one snapshot; of those before it only each pole's last Hello stays notable.
"""

_decode = msgspec.msgpack.Decoder(Hello | OfEntries).decode
_decode_notable = msgspec.msgpack.Decoder(Notable).decode
_decode_noted = msgspec.json.Decoder(PoleNoted).decode
_decode_snapshot = msgspec.msgpack.Decoder(Snapshot).decode


def record_of(seq: int, utc_s: float, pole: str, body: bytes) -> Record:
    """A row as a record of the log; raises `msgspec.MsgspecError`."""
    return Record(seq, utc_s, event_of(pole, _decode(body)))


class PoleLog:
    """The writing side, for the thread of the store's writer."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._since: dict[tuple[str, str], tuple[int, int]] = {}  # by pole and boot: durable entry, row
        self._rows, self._digest_at = 0, DIGEST_EVERY
        self._notable, self._fold_at = _unfolded(connection), FOLD_EVERY
        self._forgotten = 0  # the row up to which nothing is left to forget
        for row, pole, boot, durable in _after_digest(connection):
            self._since[pole, boot] = durable, row
            self._rows += 1

    def insert(self, first: int, utc_s: float, batch: Sequence[Said]) -> None:
        """Append a batch as the rows from `first` on, within the writer's transaction."""
        for at in range(0, len(batch), ROWS_AT_ONCE):
            some = batch[at : at + ROWS_AT_ONCE]
            values: list[object] = [first + at, utc_s]
            for said in some:
                values += (said.code, said.body)
            self._connection.execute(_insert_said(len(some)), values)
        notable = [
            row
            for row, said in enumerate(batch, first)
            if type(said.message) is not Report and isinstance(said.message, Notable)
        ]
        if notable:
            self._notable += len(notable)
            self._connection.executemany("INSERT INTO notable VALUES (?)", [(row,) for row in notable])

    def noted(self, last: int, notes: int) -> None:
        """Note that so many notes of the gateway are durable; `last` is the last row that there is."""
        self._notable += notes
        if self._notable >= self._fold_at:
            try:
                self.fold(last)
            except (sqlite3.Error, msgspec.MsgspecError):  # a damaged row is told at a start
                self._fold_at = self._notable + FOLD_EVERY

    def committed(self, first: int, batch: Sequence[Said]) -> None:
        """Note what is durable now; from time to time the digest is brought up to date."""
        since = self._since
        for row, said in enumerate(batch, first):
            message = said.message
            if type(message) is Report:
                since[said.code, message.boot] = message.readings[-1].seq, row
            elif not isinstance(message, Hello):
                since[said.code, message.boot] = last_of(message), row
        self._rows += len(batch)
        if self._rows >= self._digest_at:
            try:
                self.digest(first + len(batch) - 1)
            except sqlite3.Error:  # what was appended is durable all the same
                self._digest_at = self._rows + DIGEST_EVERY

    def digest(self, last: int) -> None:
        """Bring the digest up to the row `last`, in a transaction of its own: without it a start only reads more."""
        values = [value for key, at in self._since.items() for value in (*key, *at)]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            _insert_many(
                self._connection,
                "INSERT INTO pole_boots VALUES",
                "(?,?,?,?)",
                4,
                values,
                "ON CONFLICT DO UPDATE SET durable = excluded.durable, seq = excluded.seq",
            )
            self._connection.execute("INSERT OR REPLACE INTO digested VALUES (1, ?)", (last,))
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._since.clear()
        self._rows, self._digest_at = 0, DIGEST_EVERY

    def fold(self, last: int) -> None:
        """Fold what a gateway must know into the snapshot, in a transaction of its own; `last` is the last row."""
        memory, hellos = Memory(), {}
        for row, each in _remembered(self._connection):
            memory.remember(each)
            if isinstance(each.what, Hello):
                hellos[each.pole] = row
        body = msgspec.msgpack.encode(memory.snapshot())
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute("INSERT OR REPLACE INTO pole_memory VALUES (1, ?, ?)", (last, body))
            self._connection.execute("DELETE FROM notable WHERE seq <= ?", (last,))
            self._connection.executemany("INSERT INTO notable VALUES (?)", [(row,) for row in sorted(hellos.values())])
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        # who folds reads every last hello: so often only that this costs a row no more than a row costs
        self._notable, self._fold_at = 0, max(FOLD_EVERY, len(hellos))
        self._forgotten = 0  # a hello that is not its pole's last any more may go now

    def settle(self, last: int) -> None:
        """Bring digest and snapshot up to the last row that there is, so that all rows up to it may be forgotten."""
        self.digest(last)
        self.fold(last)

    def forget(self, last: int, before_s: float) -> tuple[int, int]:
        """Delete the oldest of what poles said before a UTC second, up to the row `last`, which has been settled.

        How many rows went, and up to which row it has looked; before `last` there is more to do. What a start must know
        stays: which entries are durable, each pole's last Hello, and the fold of the rest.
        """
        connection, after = self._connection, self._forgotten
        reaches = "SELECT seq FROM said WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT 1 OFFSET ?"
        row = connection.execute(reaches, (after, last, FORGOTTEN_AT_ONCE - 1)).fetchone()
        end = row[0] if row else last
        within = "seq > ? AND seq <= ? AND utc_s"
        connection.execute("BEGIN IMMEDIATE")
        gone = sum(
            connection.execute(f"DELETE FROM {rows} AND {within} < ?", (after, end, before_s)).rowcount
            for rows in ("said WHERE seq NOT IN (SELECT seq FROM notable)", "events WHERE kind = 'pole.noted'")
        )
        connection.execute("COMMIT")
        if connection.execute(f"SELECT 1 FROM said WHERE {within} >= ? LIMIT 1", (after, end, before_s)).fetchone():
            return gone, last  # what follows is younger
        self._forgotten = end
        return gone, end


def oldest_s(connection: sqlite3.Connection) -> float | None:
    """The UTC second of the oldest row that may be forgotten, None without any."""
    row = connection.execute(
        "SELECT utc_s FROM said WHERE seq NOT IN (SELECT seq FROM notable) ORDER BY seq LIMIT 1"
    ).fetchone()
    return None if row is None else float(row[0])


def durable_entries(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """City code -> boot -> the highest number of an entry in the store, a pole's boots in the order of their age."""
    newest = """
        SELECT pole, boot, durable FROM (
            SELECT *, row_number() OVER (PARTITION BY pole ORDER BY seq DESC) AS age FROM pole_boots
        ) WHERE age <= ? ORDER BY seq
    """
    stored: dict[str, dict[str, int]] = {}
    for pole, boot, durable in connection.execute(newest, (BOOTS_REMEMBERED,)):
        stored.setdefault(pole, {})[boot] = durable
    for _, pole, boot, durable in _after_digest(connection):
        boots = stored.setdefault(pole, {})
        boots.pop(boot, None)
        boots[boot] = durable
    return stored


def history(connection: sqlite3.Connection) -> list[Remembered]:
    """What a gateway's supervision must know of what happened before it started, in order.

    Raises `msgspec.MsgspecError` when a row is damaged.
    """
    return [each for _, each in _remembered(connection)]


def _remembered(connection: sqlite3.Connection) -> Iterator[tuple[int, Remembered]]:
    rows = """
        SELECT seq, utc_s, pole, body FROM notable JOIN said USING (seq)
        UNION ALL SELECT seq, 0.0, NULL, body FROM pole_memory
        UNION ALL SELECT seq, utc_s, '', body FROM events WHERE kind = 'pole.noted'
            AND seq > (SELECT coalesce(max(seq), 0) FROM pole_memory)
        ORDER BY seq
    """
    for row, utc_s, pole, body in connection.execute(rows).fetchall():
        if pole is None:
            yield row, Remembered(utc_s, "", _decode_snapshot(body))
        else:
            what = _decode_notable(body) if isinstance(body, bytes) else _decode_noted(body).note
            yield row, Remembered(utc_s, pole, what)


def _unfolded(connection: sqlite3.Connection) -> int:
    """How many rows a start must fold itself, each pole's last hello apart."""
    count = """
        WITH folded AS (SELECT coalesce(max(seq), 0) AS seq FROM pole_memory)
        SELECT (SELECT count(*) FROM notable WHERE seq > (SELECT seq FROM folded))
            + (SELECT count(*) FROM events WHERE kind = 'pole.noted' AND seq > (SELECT seq FROM folded))
    """
    return int(connection.execute(count).fetchone()[0])


def _after_digest(connection: sqlite3.Connection) -> Iterator[tuple[int, str, str, int]]:
    """Row, city code, boot and last entry of each message of entries that is not in the digest."""
    (digested,) = connection.execute("SELECT coalesce(max(seq), 0) FROM digested").fetchone()
    for row, pole, body in connection.execute(
        "SELECT seq, pole, body FROM said WHERE seq > ? ORDER BY seq", (digested,)
    ):
        message = _decode(body)
        if not isinstance(message, Hello):
            yield row, pole, message.boot, last_of(message)


@functools.cache
def _insert_said(rows: int) -> str:
    """The statement for so many rows; only what differs between them is bound."""
    return "INSERT INTO said VALUES " + ",".join(f"(?1+{n},?2,?{2 * n + 3},?{2 * n + 4})" for n in range(rows))


def _insert_many(
    connection: sqlite3.Connection, insert: str, row: str, width: int, values: Sequence[object], rest: str
) -> None:
    """Insert rows of `width` values each; statements for 256, 128 ... 1 rows are prepared once."""
    at, rows, left = 0, ROWS_AT_ONCE, len(values) // width
    while left:
        if rows > left:
            rows //= 2
            continue
        end = at + rows * width
        connection.execute(f"{insert} {','.join([row] * rows)} {rest}", values[at:end])
        at, left = end, left - rows
