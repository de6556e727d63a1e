"""The file under both registers: whole transactions, one layout, and failures that are named."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from airspace.reasons import Refused
from poles.register_file import BUSY, FAILED, FOREIGN, UNSTORABLE, Layout, connect, failures_refused, transaction

BUSY_S = 10.0
LAYOUT = Layout(0x42435354, 1, "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;")
NEXT_LAYOUT = Layout(0x42435354, 2, LAYOUT.schema)
OTHER_KIND = Layout(0x42435355, 1, LAYOUT.schema)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


@pytest.fixture
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(path, LAYOUT, BUSY_S)) as connection:
        yield connection


def note(connection: sqlite3.Connection, text: str) -> None:
    connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))


def texts(path: Path) -> list[str]:
    with closing(connect(path, LAYOUT, BUSY_S)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY n")]


def test_what_was_committed_is_there_for_others_and_not_before(path: Path, opened: sqlite3.Connection) -> None:
    with transaction(opened):
        note(opened, "one")
        assert texts(path) == []
    assert texts(path) == ["one"]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_whatever_stops_a_transaction_takes_all_of_it_back(
    path: Path, opened: sqlite3.Connection, stop: type[BaseException]
) -> None:
    def stopped() -> None:
        with transaction(opened):
            note(opened, "one")
            raise stop

    with pytest.raises(stop):
        stopped()
    assert not opened.in_transaction
    with transaction(opened):
        note(opened, "two")
    assert texts(path) == ["two"]


def test_a_full_disk_takes_all_of_it_back_and_the_next_transaction_is_sound(
    path: Path, opened: sqlite3.Connection
) -> None:
    pages = opened.execute("PRAGMA page_count").fetchone()[0]
    opened.execute(f"PRAGMA max_page_count = {pages + 2}")

    def too_much() -> None:
        with failures_refused(path, BUSY_S), transaction(opened):
            note(opened, "one")
            note(opened, "x" * 100_000)

    with pytest.raises(Refused) as refused:
        too_much()
    assert refused.value.reasons[0].rule is FAILED
    assert not opened.in_transaction
    with transaction(opened):
        note(opened, "two")
    assert texts(path) == ["two"]


def test_who_reads_in_a_transaction_sees_one_moment_and_stops_no_writer(path: Path, opened: sqlite3.Connection) -> None:
    with closing(connect(path, LAYOUT, 0.0)) as other, transaction(opened, writes=False):
        assert opened.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        with transaction(other):
            note(other, "one")
        assert opened.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    assert opened.execute("SELECT count(*) FROM notes").fetchone() == (1,)


def test_two_writers_are_one_after_the_other_and_who_waits_too_long_is_told(
    path: Path, opened: sqlite3.Connection
) -> None:
    with (
        closing(connect(path, LAYOUT, 0.01)) as other,
        transaction(opened),
        pytest.raises(Refused) as refused,
        failures_refused(path, 0.01),
        transaction(other),
    ):
        pytest.fail("both write")
    (reason,) = refused.value.reasons
    assert (reason.rule, reason.where, reason.facts) == (BUSY, str(path), {"seconds": 0.01})


@pytest.mark.parametrize("layout", [NEXT_LAYOUT, OTHER_KIND])
def test_a_file_of_another_kind_or_version_is_refused_and_left_as_it_was(
    path: Path, opened: sqlite3.Connection, layout: Layout
) -> None:
    note(opened, "one")
    with pytest.raises(Refused) as refused:
        connect(path, layout, BUSY_S)
    (reason,) = refused.value.reasons
    assert reason.rule is FOREIGN
    assert str(reason.facts["detail"]) == f"application {LAYOUT.application_id:#x}, layout {LAYOUT.version}"
    assert texts(path) == ["one"]


def test_another_program_s_database_gets_no_tables_of_ours(path: Path) -> None:
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE t (x)")
    before = path.read_bytes()
    with pytest.raises(Refused) as refused:
        connect(path, LAYOUT, BUSY_S)
    assert refused.value.reasons[0].rule is FOREIGN
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_and_a_folder_that_is_not_there_are_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello\n" * 1000)
    for where, rule in ((text, FOREIGN), (tmp_path / "none" / "notes.db", FAILED)):
        with pytest.raises(Refused) as refused:
            connect(where, LAYOUT, BUSY_S)
        (reason,) = refused.value.reasons
        assert (reason.rule, reason.where) == (rule, str(where))


@pytest.mark.parametrize("text", ["\ud800", 1 << 64])
def test_what_sqlite_cannot_hold_is_refused(path: Path, opened: sqlite3.Connection, text: object) -> None:
    with pytest.raises(Refused) as refused, failures_refused(path, BUSY_S), transaction(opened):
        opened.execute("INSERT INTO notes (text) VALUES (?)", (text,))
    assert refused.value.reasons[0].rule is UNSTORABLE
    assert texts(path) == []


def test_a_commit_waits_for_the_disk(opened: sqlite3.Connection) -> None:
    assert opened.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert opened.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_file_s_mode_is_kept_by_what_sqlite_puts_beside_it(path: Path) -> None:
    path.touch(mode=0o600)
    with closing(connect(path, LAYOUT, BUSY_S)) as connection:
        note(connection, "one")
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def _open_and_write(path: Path, name: str) -> None:
    with closing(connect(path, LAYOUT, BUSY_S)) as connection, transaction(connection):
        note(connection, name)


def test_processes_that_open_a_new_file_at_the_same_time_all_find_its_tables(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    names = [f"process {n}" for n in range(8)]
    workers = [context.Process(target=_open_and_write, args=(path, name)) for name in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30.0)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
    assert sorted(texts(path)) == names
