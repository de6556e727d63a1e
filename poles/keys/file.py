"""The register's file: its tables, how it is opened by several processes, and one transaction at a time.

WAL with `synchronous = FULL`: what was committed outlives a power cut, and a reader never waits for a writer. A writer
takes the write lock before its first read, so that nothing it decided on can change under it. The file is of mode 0600
in a directory of mode 0700: whoever may write to it may let anybody in.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airspace.reasons import Reason, Refused, Rule, Words
from poles.keys.pairs import check_private

BUSY_S = 10.0
APPLICATION_ID = 0x4243504B  # "BCPK" in the file's header
LAYOUT = 1

UNUSABLE = Rule(
    "pole.register.unusable",
    Words("the register of poles cannot be used: {detail}", "灯杆登记库无法使用：{detail}"),
    Words("Look at the disk and who else holds the file, then try again.", "请检查磁盘及占用该文件的程序后重试。"),
)
FOREIGN = Rule(
    "pole.register.foreign",
    Words("this file is no register of poles ({detail})", "该文件不是灯杆登记库（{detail}）"),
    Words("Name another file, or restore a backup.", "请指定其他文件，或恢复备份。"),
)

# `changes` tells what happened, and its number tells other processes that something did; the rest is how things stand.
SCHEMA = """
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, utc_s REAL NOT NULL, what TEXT NOT NULL, code TEXT NOT NULL,
    key TEXT NOT NULL, who TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX changes_code ON changes (code, seq);
CREATE TABLE keys (
    key TEXT PRIMARY KEY, code TEXT NOT NULL, state TEXT NOT NULL, source TEXT NOT NULL, since_s REAL NOT NULL,
    until_s REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_code ON keys (code);
CREATE INDEX keys_until ON keys (until_s) WHERE until_s IS NOT NULL;
CREATE TABLE renewals (code TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (
    code TEXT PRIMARY KEY, salt BLOB NOT NULL, digest BLOB NOT NULL, state TEXT NOT NULL, wrong INTEGER NOT NULL,
    made_s REAL NOT NULL, expires_s REAL NOT NULL, key TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_open ON tokens (expires_s) WHERE state <> 'locked';
CREATE TABLE attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, utc_s REAL NOT NULL, code TEXT NOT NULL, peer TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
CREATE TABLE doors (
    public TEXT PRIMARY KEY, file TEXT NOT NULL, listen TEXT NOT NULL, address TEXT NOT NULL, state TEXT NOT NULL,
    since_s REAL NOT NULL, until_s REAL
) STRICT, WITHOUT ROWID;
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file, which gets its tables if it is new. Raises Refused for one that others can reach."""
    with failures_refused(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    check_private(path)
    with failures_refused(path):
        # one thread at a time uses a connection, but not always the same one
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        with failures_refused(path):
            connection.execute("PRAGMA synchronous = FULL")
            _lay_out(connection, path)
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                raise Refused([Reason(UNUSABLE, str(path), {"detail": "WAL"})])
    except Refused:
        connection.close()
        raise
    return connection


def _lay_out(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables, once among all who open the file at the same time."""
    with transaction(connection):
        held = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        if held == (APPLICATION_ID, LAYOUT):
            return
        if held != (0, 0) or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            detail = f"application {held[0]:#x}, layout {held[1]}"
            raise Refused([Reason(FOREIGN, str(path), {"detail": detail})])
        for statement in SCHEMA.split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {LAYOUT}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything inside happens, or nothing; waits for other writers."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # whatever it was, the transaction may not stay open; it is raised again
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def failures_refused(path: Path) -> Iterator[None]:
    """What SQLite and the file system raise becomes `Refused` with the file's name."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
        raise Refused([Reason(FOREIGN if damaged else UNUSABLE, str(path), {"detail": error})]) from error
    except OSError as error:
        raise Refused([Reason(UNUSABLE, str(path), {"detail": error.strerror or error})]) from error
