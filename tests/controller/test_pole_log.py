"""What poles said in the store: in the log's order, as it was said, and found quickly at a start."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import controller.pole_log as pole_log
from controller.clock import Clock, real_tempo, run, virtual_tempo
from controller.events import OperatorSaid, PoleSaid, PoleSeen
from controller.store import Store, open_store, read_store
from poles.gateway.flow import Said
from poles.gateway.ledger import BOOTS_REMEMBERED
from poles.protocol import Alarm, Hello, Level, Log, OfEntries, Report, encode
from tests.poles.raw_pole import CODE, OTHER_CODE, hello, reading, report


def said(message: Hello | OfEntries, code: str = CODE) -> Said:
    return Said(code, message, encode(message))


def alarm(seq: int) -> Alarm:
    return Alarm(boot="b1", after=seq - 1, seq=seq, at_s=1.0, held_s=0.0, code="pole.tilt", active=True)


def log(seq: int) -> Log:
    return Log(boot="b1", after=seq - 1, seq=seq, at_s=1.0, held_s=0.0, level=Level.INFO, text="受潮")


def with_store(path: Path, test: Callable[[Store], Awaitable[Any]], real: bool = False) -> Any:
    async def main(clock: Clock) -> Any:
        async with open_store(path, clock.utc_s, "process") as store:
            return await test(store)

    return run(main, real_tempo() if real else virtual_tempo())


def operator(what: str) -> OperatorSaid:
    return OperatorSaid(run="r", what=what)


@pytest.mark.parametrize("real", [False, True])
def test_events_and_what_poles_said_stand_in_one_log_in_the_order_in_which_they_were_given(
    tmp_path: Path, real: bool
) -> None:
    path = tmp_path / "store.db"
    many = Report(boot="b1", after=2, readings=(reading(3), reading(4)))

    async def body(store: Store) -> None:
        heard: list[int] = []
        store.listen(lambda record: heard.append(record.seq))
        await asyncio.gather(
            store.append(operator("first")),
            store.keep([said(hello()), said(report(1)), said(alarm(2))]),
            store.append(operator("between")),
            store.keep([said(many), said(log(5))]),
        )
        assert heard == list(range(1, 8))
        assert [record.seq for record in store.events()] == [1, 5]
        records = store.read()
        assert [record.seq for record in records] == heard
        assert store.read(after=5) == records[5:]

    with_store(path, body, real)
    events = [record.event for record in read_store(path)]
    assert isinstance(events[1], PoleSeen)
    assert (events[1].pole, events[1].boot) == (CODE, "b1")
    assert events[0] == operator("first")
    assert events[2:4] == [PoleSaid(pole=CODE, message=report(1)), PoleSaid(pole=CODE, message=alarm(2))]
    assert events[5:] == [PoleSaid(pole=CODE, message=many), PoleSaid(pole=CODE, message=log(5))]


def test_a_batch_is_stored_whole_or_not_at_all_and_numbers_have_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def body(store: Store) -> None:
        await store.keep([said(report(1))])
        store._writer.execute(f"PRAGMA max_page_count = {store._writer.execute('PRAGMA page_count').fetchone()[0]}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await store.keep([said(report(number)) for number in range(2, 2000)])
        store._writer.execute("PRAGMA max_page_count = 1000000")
        await store.keep([said(report(number)) for number in range(2, 600)])
        assert store.poles_stored() == {CODE: {"b1": 599}}

    with_store(path, body)
    assert [record.seq for record in read_store(path)] == list(range(1, 600))


def test_a_closed_store_keeps_nothing(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        async with open_store(tmp_path / "store.db", clock.utc_s) as store:
            pass
        with pytest.raises(RuntimeError, match="closed"):
            store.keep([said(report(1))])

    run(main, virtual_tempo())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 12))
def test_what_the_store_holds_of_each_boot_is_the_same_with_any_digest_and_after_any_restart(
    tmp_path_factory: pytest.TempPathFactory, seed: int, digest_every: int, batches: int
) -> None:
    rng, path = random.Random(seed), tmp_path_factory.mktemp("log") / "store.db"
    held: dict[str, dict[str, int]] = {}

    async def body(store: Store) -> None:
        for _ in range(rng.randrange(batches)):
            batch = []
            for _ in range(rng.randrange(1, 30)):
                code, boot = rng.choice((CODE, OTHER_CODE)), rng.choice(("b1", "b2", "b3"))
                last = held.get(code, {}).get(boot, 0)
                message = report(last + rng.randrange(1, 3), boot=boot, after=last)
                held.setdefault(code, {})[boot] = message.readings[0].seq
                batch.append(said(message, code))
            await store.keep(batch)
        assert store.poles_stored() == held

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pole_log, "DIGEST_EVERY", digest_every)
        for _ in range(3):
            with_store(path, body)


def test_a_start_reads_the_digest_and_not_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pole_log, "DIGEST_EVERY", 10)
    path = tmp_path / "store.db"

    async def keep(store: Store) -> None:
        for number in range(1, 25):
            await store.keep([said(report(number))])

    async def look(store: Store) -> None:
        assert store.poles_stored() == {CODE: {"b1": 24}}

    with_store(path, keep)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE said SET body = x'c1' WHERE seq <= 20")  # nobody needs them at a start
    connection.commit()
    connection.close()
    with_store(path, look)


def test_of_a_pole_that_boots_without_end_the_latest_boots_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def body(store: Store) -> None:
        await store.keep([said(report(1, boot=f"b{number}")) for number in range(2 * BOOTS_REMEMBERED)])
        store._poles.digest(2 * BOOTS_REMEMBERED)
        boots = list(store.poles_stored()[CODE])
        assert boots == [f"b{number}" for number in range(BOOTS_REMEMBERED, 2 * BOOTS_REMEMBERED)]

    with_store(path, body)
