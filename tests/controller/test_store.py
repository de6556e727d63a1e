from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from airspace.reasons import Refused
from controller.clock import Clock, Tempo, real_tempo, run, virtual_tempo
from controller.events import DockReleased, DockReserved, ItemStarted, OperatorSaid, PhotoTaken, Record
from controller.store import ClaimsChangedError, Store, StoreFailedError, open_store
from tests.controller.reading import read_store

REPOSITORY = Path(__file__).parents[2]
TEMPOS = [pytest.param(real_tempo, id="real"), pytest.param(virtual_tempo, id="virtual")]


def with_store(path: Path, test: Callable[[Store], Awaitable[Any]], tempo: Tempo | None = None) -> Any:
    """Run a test body with an open store."""

    async def main(clock: Clock) -> Any:
        async with open_store(path, clock.utc_s) as store:
            return await test(store)

    return run(main, tempo or virtual_tempo())


def said(what: str) -> OperatorSaid:
    return OperatorSaid(run="r", what=what)


def claim(flight: str) -> DockReserved:
    return DockReserved(flight=flight, pole="P", start_s=0.0, end_s=1.0)


def words(records: list[Record]) -> list[str]:
    return [record.event.what for record in records if isinstance(record.event, OperatorSaid)]


def rows_of(path: Path) -> list[tuple[int, str]]:
    """What any other program finds in the file."""
    connection = sqlite3.connect(path)
    try:
        return [(int(seq), str(kind)) for seq, kind in connection.execute("SELECT seq, kind FROM events ORDER BY seq")]
    finally:
        connection.close()


@pytest.mark.parametrize("tempo", TEMPOS)
def test_what_append_returned_is_in_the_file_for_everyone(tmp_path: Path, tempo: Callable[[], Tempo]) -> None:
    path = tmp_path / "store.db"

    async def body(store: Store) -> None:
        for number in range(1, 6):
            (record,) = await store.append(said(str(number)))
            assert record.seq == number
            assert rows_of(path)[-1] == (number, "operator.said")
            assert read_store(path)[-1] == record

    with_store(path, body, tempo())
    assert words(read_store(path)) == ["1", "2", "3", "4", "5"]


def test_records_are_stamped_with_the_clock_and_read_back_as_they_were(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        await asyncio.sleep(2.5)
        records = await store.append(said("a"), claim("f"))
        assert [record.utc_s for record in records] == [1779066002.5] * 2
        assert store.read() == list(records)
        assert store.read(after=records[0].seq) == [records[1]]

    with_store(tmp_path / "store.db", body)


def test_listeners_hear_each_record_in_order_once_it_is_durable_and_before_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def body(store: Store) -> None:
        heard: list[tuple[str, int]] = []

        def listener(name: str) -> Callable[[Record], None]:
            def hear(record: Record) -> None:
                assert record.seq in {seq for seq, _ in rows_of(path)}
                heard.append((name, record.seq))

            return hear

        store.listen(listener("first"))
        store.listen(listener("second"))
        await store.append(said("a"), said("b"))
        assert heard == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]
        await asyncio.gather(*(store.append(said(str(n))) for n in range(20)))
        assert [seq for name, seq in heard if name == "first"] == list(range(1, 23))

    with_store(path, body)


def test_events_that_wait_together_keep_the_order_in_which_they_were_appended(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        records = await asyncio.gather(*(store.append(said(f"{n}a"), said(f"{n}b")) for n in range(50)))
        assert [r.seq for pair in records for r in pair] == list(range(1, 101))
        assert words(store.read()) == [f"{n}{letter}" for n in range(50) for letter in "ab"]

    with_store(tmp_path / "store.db", body, real_tempo())


def test_a_claim_that_somebody_made_meanwhile_stops_the_whole_append(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        (first,) = await store.append(claim("one"))
        await store.append(said("no claim"), claims_seen=first.seq)
        await store.append(claim("two"), claims_seen=first.seq)
        with pytest.raises(ClaimsChangedError):
            await store.append(said("lost"), claim("three"), said("lost"), claims_seen=first.seq)
        assert [r.event.flight for r in store.read() if isinstance(r.event, DockReserved)] == ["one", "two"]
        assert words(store.read()) == ["no claim"]

    with_store(tmp_path / "store.db", body)


@pytest.mark.parametrize("tempo", TEMPOS)
def test_of_two_who_reserve_at_once_after_the_same_look_one_wins(tmp_path: Path, tempo: Callable[[], Tempo]) -> None:
    async def body(store: Store) -> None:
        for start in range(0, 40, 2):
            seen = store.read()[-1].seq if start else 0
            names = [f"f{start}", f"f{start + 1}"]
            outcomes = await asyncio.gather(
                *(store.append(claim(name), claims_seen=seen) for name in names), return_exceptions=True
            )
            assert [type(outcome) for outcome in outcomes] == [tuple, ClaimsChangedError]
        await store.append(DockReleased(flight="f0", pole="P"))
        with pytest.raises(ClaimsChangedError):
            await store.append(claim("late"), claims_seen=seen + 1)

    with_store(tmp_path / "store.db", body, tempo())


def test_a_second_controller_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def body(store: Store) -> None:
        with pytest.raises(Refused) as refused:
            async with open_store(path, lambda: 0.0):
                pytest.fail("two controllers hold one store")
        assert refused.value.reasons[0].rule.code == "store.in-use"
        assert str(path) in refused.value.reasons[0].text("zh")
        await store.append(said("still here"))

    with_store(path, body)
    with_store(path, lambda store: store.append(said("after it was closed")))
    assert words(read_store(path)) == ["still here", "after it was closed"]


def _no_database(path: Path) -> None:
    path.write_bytes(b"this is a letter, not a database\n" * 400)


def _another_programs(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE events (id INTEGER)")
    connection.close()


def _unknown_event(path: Path) -> None:
    with_store(path, lambda store: store.append(said("a")))
    connection = sqlite3.connect(path)
    connection.execute("""INSERT INTO events VALUES (2, 0.0, 'new', '{"kind":"of.a.later.version"}')""")
    connection.commit()
    connection.close()


def _cut_short(path: Path) -> None:
    with_store(path, lambda store: store.append(*(said("word " * 200) for _ in range(100))))
    path.write_bytes(path.read_bytes()[: 3 * 4096])


@pytest.mark.parametrize("damage", [_no_database, _another_programs, _unknown_event, _cut_short, Path.mkdir])
def test_a_file_that_is_no_store_is_refused_with_what_to_do(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "store.db"
    damage(path)

    async def reading(store: Store) -> None:
        store.read()

    with pytest.raises(Refused) as refused:
        with_store(path, reading)
    (reason,) = refused.value.reasons
    assert (reason.rule.code, reason.where) == ("store.damaged", str(path))


def test_a_store_that_has_no_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused) as refused:
        with_store(tmp_path / "file" / "store.db", lambda store: store.append(said("a")))
    assert refused.value.reasons[0].rule.code == "store.cannot-write"


def test_an_event_that_could_not_be_read_back_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    nowhere = PhotoTaken(flight="f", index=1, lat_deg=float("nan"), lon_deg=0.0, relative_m=0.0)

    async def body(store: Store) -> None:
        with pytest.raises(ValueError, match="PhotoTaken cannot be stored"):
            await store.append(said("lost"), nowhere)
        await store.append(said("kept"))

    with_store(path, body)
    assert words(read_store(path)) == ["kept"]


@pytest.mark.parametrize("tempo", TEMPOS)
def test_an_appender_that_is_cancelled_neither_loses_nor_reorders_the_others(
    tmp_path: Path, tempo: Callable[[], Tempo]
) -> None:
    async def body(store: Store) -> None:
        heard: list[int] = []
        store.listen(lambda record: heard.append(record.seq))
        tasks = [asyncio.ensure_future(store.append(said(str(n)))) for n in range(30)]
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        await store.append(said("last"))
        kept = words(store.read())
        assert [n for n in kept if n != "last"] == sorted((n for n in kept if n != "last"), key=int)
        assert {str(n) for n in range(30) if n % 3} <= set(kept)
        assert heard == list(range(1, len(kept) + 1))
        for n, outcome in enumerate(done):
            if isinstance(outcome, tuple):
                assert outcome[0].event == said(str(n))

    with_store(tmp_path / "store.db", body, tempo())


@pytest.mark.parametrize("tempo", TEMPOS)
def test_closing_writes_what_still_waits(tmp_path: Path, tempo: Callable[[], Tempo]) -> None:
    path = tmp_path / "store.db"
    waiting: list[asyncio.Task[Any]] = []

    async def main(clock: Clock) -> None:
        async with open_store(path, clock.utc_s) as store:
            waiting.extend(asyncio.ensure_future(store.append(said(str(n)))) for n in range(25))
            await asyncio.sleep(0)
        assert len(await asyncio.gather(*waiting)) == 25
        with pytest.raises(RuntimeError, match="closed"):
            await store.append(said("too late"))

    run(main, tempo())
    assert words(read_store(path)) == [str(n) for n in range(25)]


def test_nobody_waits_for_ever_when_the_writer_fails(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    def fails(record: Record) -> None:
        raise KeyError("a listener's own mistake")

    async def body(store: Store) -> None:
        store.listen(fails)
        outcomes = await asyncio.gather(*(store.append(said(str(n))) for n in range(3)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreFailedError}
        with pytest.raises(RuntimeError):
            await store.append(said("afterwards"))

    with pytest.raises(KeyError):
        with_store(path, body)
    assert words(read_store(path)) == ["0", "1", "2"]


def test_a_full_disk_fails_the_append_and_later_ones_go_on(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def body(store: Store) -> None:
        await store.append(said("before"))
        store._writer.execute("PRAGMA max_page_count = 4")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await store.append(said("x" * 40_000), ItemStarted(flight="f", seq=1))
        store._writer.execute("PRAGMA max_page_count = 1000000")
        await store.append(said("after"))

    with_store(path, body)
    assert words(read_store(path)) == ["before", "after"]


def killed_store(path: Path, rng: random.Random, process: subprocess.Popen[str]) -> int:
    """Kill the writing process after a random number of acknowledgements; the highest and how many there were."""
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(rng.randrange(1, 400))]
    try:
        process.wait(timeout=rng.uniform(0.0005, 0.02))
    except subprocess.TimeoutExpired:
        process.kill()
    rest, _ = process.communicate()
    acknowledged += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    events = [record.event for record in read_store(path)]
    reserved = [event.flight for event in events if isinstance(event, DockReserved)]
    released = [event.flight for event in events if isinstance(event, DockReleased)]
    assert set(map(str, acknowledged)) <= set(reserved)
    assert reserved == released
    assert len(set(reserved)) == len(reserved)
    (again,) = with_store(path, lambda store: store.append(said("open again")))
    assert again.seq == len(events) + 1
    return len(acknowledged)


def killed_stores(folder: Path, count: int, seed: int) -> None:
    rng = random.Random(seed)
    paths = [folder / f"{seed}-{number}.db" for number in range(count)]
    command = [sys.executable, "-m", "tests.controller.appending_process"]
    with ExitStack() as running:
        processes = []
        for path in paths:
            process = subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
            running.enter_context(process)
            running.callback(process.kill)
            processes.append(process)
        counts = [killed_store(path, rng, process) for path, process in zip(paths, processes, strict=True)]
    assert all(counts)


def test_a_process_killed_while_appending_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    killed_stores(tmp_path, 10, seed=20)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_hundreds_of_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for seed in range(50):
        killed_stores(tmp_path, 10, seed)
