"""The file of a register that several processes change at once: its tables, one transaction at a time, its failures.

SQLite with WAL and `synchronous = FULL`: what was committed outlives a power cut, a reader never waits for a writer,
and a process that is killed at any instant leaves a file that opens and no lock, because the kernel drops its locks
with it. A writer takes the write lock before its first read (BEGIN IMMEDIATE), so that nothing it decided on can
change under it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from airspace.reasons import Reason, Refused, Rule, Words

LOOKS_AT_WAL = 20

BUSY = Rule(
    "register.busy",
    Words("the register was busy for {seconds:g} s", "登记库在 {seconds:g} 秒内一直被占用"),
    Words(
        "Try again; if it stays so, look for a program that holds the file.",
        "请重试；如持续出现，请检查占用该文件的程序。",
    ),
)
FOREIGN = Rule(
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


@dataclass(frozen=True, slots=True)
class Layout:
    """What a kind of register writes into the file's header, and its tables as SQL without `;` inside statements."""

    application_id: int
    version: int
    schema: str


def connect(path: Path, layout: Layout, busy_s: float) -> sqlite3.Connection:
    """A connection to the file, which gets its tables if it is new. Waits `busy_s` [s] for other writers.

    One thread at a time may use it, not always the same one. Raises `Refused` for a file that is not of this layout.
    """
    with failures_refused(path, busy_s):
        connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        with failures_refused(path, busy_s):
            connection.execute("PRAGMA synchronous = FULL")
            _lay_out(connection, path, layout)
            _use_wal(connection)
    except Refused:
        connection.close()
        raise
    return connection


def _lay_out(connection: sqlite3.Connection, path: Path, layout: Layout) -> None:
    """Make the tables, once among all who open the file at the same time."""
    ours = (layout.application_id, layout.version)
    if _header(connection) == ours:
        return
    with transaction(connection):
        held = _header(connection)
        if held == ours:
            return
        if held != (0, 0) or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            detail = f"application {held[0]:#x}, layout {held[1]}"
            raise Refused([Reason(FOREIGN, str(path), {"detail": detail})])
        for statement in layout.schema.split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {layout.application_id}")
        connection.execute(f"PRAGMA user_version = {layout.version}")


def _header(connection: sqlite3.Connection) -> tuple[int, int]:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    return int(application), int(connection.execute("PRAGMA user_version").fetchone()[0])


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; the file remembers it. SQLite does not wait where another switches at the same time, so we do."""
    for look in range(1, LOOKS_AT_WAL + 1):
        try:
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or look == LOOKS_AT_WAL:
                raise
        with transaction(connection):  # waits for whoever writes
            pass
    raise sqlite3.OperationalError("the file system does not carry WAL")


@contextmanager
def transaction(connection: sqlite3.Connection, *, writes: bool = True) -> Iterator[None]:
    """Everything inside happens, or nothing; reads see one moment. Waits for other writers only when it writes."""
    with connection:  # commits; or rolls back, whatever it was that came
        connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        yield


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
            reason = Reason(FOREIGN, str(path), {"detail": error})
        else:
            reason = Reason(FAILED, str(path), {"detail": error})
        raise Refused([reason]) from error
    except (UnicodeEncodeError, OverflowError) as error:  # half a character, or a number of more than 64 bits
        raise Refused([Reason(UNSTORABLE, str(path), {"detail": error})]) from error
    except OSError as error:
        raise Refused([Reason(FAILED, str(path), {"detail": error.strerror or error})]) from error
