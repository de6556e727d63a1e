"""The register's file: its tables, how it is opened by many, and one transaction at a time.

WAL with `synchronous = FULL`: what was committed outlives a power cut, and a process that is killed at any instant
leaves a file that opens and no lock, because the kernel drops its locks with it. A writer takes the write lock before
its first read (BEGIN IMMEDIATE), so that nothing it decided on can change under it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airspace.reasons import Reason, Refused, Rule, Words

BUSY_S = 30.0  # longer than a queue of many writers, shorter than an operator's patience
APPLICATION_ID = 0x42434152  # "BCAR" in the file's header
LAYOUT = 1

BUSY = Rule(
    "register.busy",
    Words("the register was busy for {seconds:g} s", "登记库在 {seconds:g} 秒内一直被占用"),
    Words(
        "Try again; if it stays so, look for a program that holds the file.",
        "请重试；如持续出现，请检查占用该文件的程序。",
    ),
)
NOT_A_REGISTER = Rule(
    "register.foreign",
    Words("this file is not a readable register ({detail})", "该文件不是可读的登记库（{detail}）"),
    Words("Name another file, or restore a backup.", "请指定其他文件，或恢复备份。"),
)
FAILED = Rule(
    "register.failed",
    Words("the register cannot be used: {detail}", "登记库无法使用：{detail}"),
    Words("Look at the disk, its space and the permissions, then try again.", "请检查磁盘、剩余空间与权限后重试。"),
)

UNSTORABLE = Rule(
    "register.unstorable",
    Words("this cannot be kept in the register: {detail}", "该内容无法存入登记库：{detail}"),
    Words("Mend it and try again.", "请修正后重试。"),
)

# `changes` is the truth; all else is projected from it. Boxes are looked up in R*Tree columns, which SQLite rounds
# outward to 32-bit floats, and then in the exact columns beside them. Times there count from the register's founding,
# to lose less of them; plan and heights are metres in the register's frame.
SCHEMA = """
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, utc_s REAL NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE batches (
    seq INTEGER PRIMARY KEY, utc_s REAL NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL, who TEXT NOT NULL
) STRICT;
CREATE TABLE zones (
    id TEXT PRIMARY KEY, batch INTEGER NOT NULL, ovn TEXT NOT NULL, feature BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE intents (
    id TEXT PRIMARY KEY, holder TEXT NOT NULL, priority INTEGER NOT NULL, state TEXT NOT NULL,
    version INTEGER NOT NULL, ovn TEXT NOT NULL, notices INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY, holder TEXT NOT NULL, kinds TEXT NOT NULL, until_s REAL NOT NULL, notices INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE notices (
    subscription TEXT NOT NULL, number INTEGER NOT NULL, holder TEXT NOT NULL, seq INTEGER NOT NULL,
    kind TEXT NOT NULL, entity TEXT NOT NULL, PRIMARY KEY (subscription, number, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_holder ON notices (holder, seq);
CREATE TABLE volumes (
    n INTEGER PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, off_nominal INTEGER NOT NULL, outline BLOB NOT NULL,
    x0 REAL NOT NULL, y0 REAL NOT NULL, z0 REAL NOT NULL, t0 REAL NOT NULL,
    x1 REAL NOT NULL, y1 REAL NOT NULL, z1 REAL NOT NULL, t1 REAL NOT NULL
) STRICT;
CREATE INDEX volumes_owner ON volumes (kind, owner, n);
CREATE VIRTUAL TABLE boxes USING rtree (n, x0, x1, y0, y1, z0, z1, t0, t1);
"""
PROJECTIONS = ("batches", "zones", "intents", "subscriptions", "notices", "volumes", "boxes")


def connect(path: Path, busy_s: float) -> sqlite3.Connection:
    """A connection to the file, which gets its tables if it is new. Raises `Refused` for a file that is not ours."""
    with failures_refused(path, busy_s):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        with failures_refused(path, busy_s):
            connection.execute("PRAGMA synchronous = FULL")
            _lay_out(connection, path)
            _use_wal(connection)
    except Refused:
        connection.close()
        raise
    return connection


def _lay_out(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables, once among all who open the file at the same time."""
    if _layout(connection) == (APPLICATION_ID, LAYOUT):
        return
    with transaction(connection):
        held = _layout(connection)
        if held == (APPLICATION_ID, LAYOUT):
            return
        if held != (0, 0) or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            detail = f"application {held[0]:#x}, layout {held[1]}"
            raise Refused([Reason(NOT_A_REGISTER, str(path), {"detail": detail})])
        for statement in SCHEMA.split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {LAYOUT}")


def _layout(connection: sqlite3.Connection) -> tuple[int, int]:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    return int(application), int(connection.execute("PRAGMA user_version").fetchone()[0])


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; the file remembers it. SQLite does not wait where another switches at the same time, so we do."""
    for attempt in range(20):
        try:
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or attempt == 19:
                raise
        with transaction(connection):  # waits for whoever writes
            pass
    raise sqlite3.OperationalError("the file system does not carry WAL")


@contextmanager
def transaction(connection: sqlite3.Connection, *, writes: bool = True) -> Iterator[None]:
    """Everything inside happens, or nothing; reads see one moment. Waits for other writers only when it writes."""
    connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # whatever it was, the transaction may not stay open; it is raised again
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def failures_refused(path: Path, busy_s: float) -> Iterator[None]:
    """What SQLite and the file system raise becomes `Refused` with the file's name."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            reason = Reason(BUSY, str(path), {"seconds": busy_s})
        elif code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            reason = Reason(NOT_A_REGISTER, str(path), {"detail": error})
        else:
            reason = Reason(FAILED, str(path), {"detail": error})
        raise Refused([reason]) from error
    except (UnicodeEncodeError, OverflowError) as error:  # half a character, or a number of more than 64 bits
        raise Refused([Reason(UNSTORABLE, str(path), {"detail": error})]) from error
    except OSError as error:
        raise Refused([Reason(FAILED, str(path), {"detail": error.strerror or error})]) from error
