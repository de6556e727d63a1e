"""What poles said, as rows of the store: appended in bulk, and digested so that a start need not read all of it.

Rows are written many to a statement: SQLite then works through them without Python's lock, which a thread that steps
row by row would have to win back for each.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec

from controller.events import PoleNoted, Record, event_of
from poles.gateway.flow import Said
from poles.gateway.ledger import BOOTS_REMEMBERED
from poles.gateway.supervision import Remembered
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
CREATE TABLE IF NOT EXISTS digested (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL) STRICT;
"""
DIGEST_EVERY = 200_000  # rows; as many are read at most at a start
ROWS_AT_ONCE = 256

Notable = Hello | Alarm | Reported
"""What a gateway that starts must know, beside its own notes: the rows of these are found without reading all."""

_decode = msgspec.msgpack.Decoder(Hello | OfEntries).decode
_decode_notable = msgspec.msgpack.Decoder(Notable).decode
_decode_noted = msgspec.json.Decoder(PoleNoted).decode


def record_of(seq: int, utc_s: float, pole: str, body: bytes) -> Record:
    """A row as a record of the log; raises `msgspec.MsgspecError`."""
    return Record(seq, utc_s, event_of(pole, _decode(body)))


class PoleLog:
    """The writing side, for the thread of the store's writer."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._since: dict[tuple[str, str], tuple[int, int]] = {}  # by pole and boot: durable entry, row
        self._rows = 0
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
            self._connection.executemany("INSERT INTO notable VALUES (?)", [(row,) for row in notable])

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
        if self._rows >= DIGEST_EVERY:
            with suppress(sqlite3.Error):  # what was appended is durable all the same
                self.digest(first + len(batch) - 1)

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
        self._rows = 0


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
    rows = """
        SELECT seq, utc_s, pole, body FROM notable JOIN said USING (seq)
        UNION ALL SELECT seq, utc_s, '', body FROM events WHERE kind = 'pole.noted'
        ORDER BY seq
    """
    remembered: list[Remembered] = []
    for _, utc_s, pole, body in connection.execute(rows):
        what = _decode_notable(body) if isinstance(body, bytes) else _decode_noted(body).note
        remembered.append(Remembered(utc_s, pole, what))
    return remembered


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
