"""What poles said in the store: in the log's order, as it was said, and found quickly at a start."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import controller.pole_log as pole_log
from controller.clock import Clock, real_tempo, run, virtual_tempo
from controller.events import OperatorSaid, PoleNoted, PoleSaid, PoleSeen
from controller.store import Store, open_store
from poles.gateway.flow import Said
from poles.gateway.ledger import BOOTS_REMEMBERED
from poles.gateway.memory import Memory, Remembered
from poles.gateway.notes import Acknowledged, AnyNote, Condition, Wished
from poles.protocol import Alarm, Capability, Hello, Level, Log, OfEntries, Report, Reported, encode
from tests.controller.reading import read_store
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


CODES = (CODE, OTHER_CODE)
KINDS = ("lamp.failed", "sos.called", "pole.tilt", "pole.silent", "supply.down")


def something(rng: random.Random, seq: int) -> Said | AnyNote:
    """What a gateway must know, at random: hellos, alarms, settings and its own notes."""
    code, function = rng.choice(CODES), rng.choice(("LampActuator", "SosButton"))
    head: dict[str, Any] = {"boot": "b1", "after": seq - 1, "seq": seq, "at_s": 1.0, "held_s": 0.0}
    match rng.randrange(7):
        case 0:
            functions = tuple(
                Capability(function=each, every_s=60.0)
                for each in rng.sample(("LampActuator", "SosButton"), rng.randrange(3))
            )
            return said(hello(code, functions=functions, firmware=f"v{rng.randrange(9)}"), code)
        case 1 | 2:
            kind, active = rng.choice(KINDS[:3]), rng.random() < 0.6
            return said(Alarm(**head, code=kind, active=active, function=rng.choice((None, function))), code)
        case 3:
            settings = {"defaultLightState": rng.randrange(3)}
            refused: dict[str, Any] = {"code": "x.y", "en": "no", "zh": "不"} if rng.random() < 0.5 else {}
            version = rng.randrange(4)
            return said(Reported(**head, function=function, version=version, settings=settings, **refused), code)
        case 4:
            supply, members = rng.choice((("mains:a", CODES), (code, ())))
            kind = "supply.down" if members else "pole.silent"
            absorbs = tuple(("pole.silent", each, "") for each in members)
            return Condition(code=kind, subject=supply, active=rng.random() < 0.5, joined=members, absorbs=absorbs)
        case 5:
            return Acknowledged(code=rng.choice(KINDS), subject=code, function=rng.choice(("", function)), who="Li")
        case _:
            settings = {"defaultLightState": rng.randrange(3)}
            return Wished(pole=code, function=function, version=rng.randrange(4), settings=settings, by="Li")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_what_a_gateway_must_know_is_the_same_with_any_folding_and_after_any_restart(
    tmp_path_factory: pytest.TempPathFactory, seed: int, fold_every: int
) -> None:
    rng, path = random.Random(seed), tmp_path_factory.mktemp("log") / "store.db"
    all_of_it, at_s = Memory(), 1.7e9

    async def body(store: Store) -> None:
        nonlocal at_s
        setattr(store, "_utc_s", lambda: at_s)  # noqa: B010 - the store's clock
        for _ in range(rng.randrange(40)):
            at_s += rng.choice((0.5, 30.0, 700.0))
            what = something(rng, 1)
            if isinstance(what, Said):
                await store.keep([what])
                assert isinstance(what.message, Hello | Alarm | Reported)
                all_of_it.remember(Remembered(at_s, what.code, what.message))
            else:
                await store.append(PoleNoted(note=what))
                all_of_it.remember(Remembered(at_s, "", what))

    async def look(store: Store) -> None:
        held = Memory()
        for each in store.pole_history():
            held.remember(each)
        for memory in (held, all_of_it):
            memory.alarms.advance(at_s)
        assert held.snapshot().functions == all_of_it.snapshot().functions
        ours, theirs = held.alarms.kept(at_s), all_of_it.alarms.kept(at_s)
        assert (ours.alarms, ours.last_id) == (theirs.alarms, theirs.last_id)
        assert sorted(ours.began) == sorted(theirs.began)
        assert held.functions == all_of_it.functions

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pole_log, "FOLD_EVERY", fold_every)
        for _ in range(3):
            with_store(path, body)
            with_store(path, look)


@pytest.mark.parametrize("rounds", [1, 50])  # in one life of the controller
def test_what_a_start_reads_does_not_grow_with_what_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    monkeypatch.setattr(pole_log, "FOLD_EVERY", 20)
    path = tmp_path / "store.db"
    read: list[int] = []

    async def happens(store: Store) -> None:
        for number in range(rounds):
            await store.keep([said(hello(code, firmware=f"v{number}"), code) for code in CODES])
            await store.keep([said(alarm(2 * number + 1)), said(msgspec.structs.replace(alarm(2), active=False))])
            await store.append(PoleNoted(note=Condition(code="pole.silent", subject=CODE, active=bool(number % 2))))
        read.append(len(store.pole_history()))

    for _ in range(150 // rounds):
        with_store(path, happens)
    assert max(read) <= 20 + 2 * len(CODES) + 5


def forgetful(path: Path, before_s: float) -> int:
    async def body(store: Store) -> int:
        return await store.forget_poles(before_s)

    forgotten: int = with_store(path, body)
    return forgotten


def test_what_is_forgotten_leaves_a_start_all_that_it_must_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pole_log, "FORGOTTEN_AT_ONCE", 7)
    path = tmp_path / "store.db"
    at_s = 1000.0

    async def happens(store: Store) -> None:
        nonlocal at_s
        setattr(store, "_utc_s", lambda: at_s)  # noqa: B010 - the store's clock
        await store.append(operator("first"))
        await store.keep([said(hello()), said(alarm(1)), *[said(report(number)) for number in range(2, 50)]])
        await store.append(PoleNoted(note=Condition(code="pole.silent", subject=OTHER_CODE, active=True)))
        at_s = 2000.0
        await store.keep([said(report(number)) for number in range(50, 60)])

    async def look(store: Store) -> tuple[Any, ...]:
        memory = Memory()
        for each in store.pole_history():
            memory.remember(each)
        return memory.snapshot(), memory.functions, store.poles_stored(), store.poles_since_s()

    with_store(path, happens)
    snapshot, functions, durable, oldest_s = with_store(path, look)
    assert [each.code for each in snapshot.alarms.alarms] == ["pole.unknown-alarm", "pole.silent"]
    assert oldest_s == 1000.0
    assert forgetful(path, 500.0) == 0
    assert forgetful(path, 1500.0) == 50  # an alarm, 48 reports and a note; the hello stays
    assert forgetful(path, 1500.0) == 0
    assert with_store(path, look) == (snapshot, functions, durable, 2000.0)
    kinds = [type(record.event).__name__ for record in read_store(path)]
    assert kinds == ["OperatorSaid", "PoleSeen", *["PoleSaid"] * 10]
    last = read_store(path)[-1].seq
    assert forgetful(path, 3000.0) == 10
    assert with_store(path, look)[:3] == (snapshot, functions, durable)

    async def goes_on(store: Store) -> None:
        (record,) = await store.append(operator("later"))
        assert record.seq == last + 1  # no number is given twice

    with_store(path, goes_on)


def test_what_comes_while_old_rows_go_is_stored_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pole_log, "FORGOTTEN_AT_ONCE", 5)
    path = tmp_path / "store.db"

    async def body(store: Store) -> None:
        await store.keep([said(report(number)) for number in range(1, 100)])
        going = asyncio.create_task(store.forget_poles(4e9))
        for number in range(100, 130):
            await store.keep([said(report(number)), said(alarm(number + 1000))])
            if number % 10 == 0:
                await store.append(PoleNoted(note=Condition(code="pole.silent", subject=CODE, active=True)))
        assert await going >= 99
        assert store.poles_stored() == {CODE: {"b1": 1129}}
        memory = Memory()
        for each in store.pole_history():
            memory.remember(each)
        assert {each.code for each in memory.alarms} == {"pole.unknown-alarm", "pole.silent"}

    with_store(path, body)


def test_of_a_pole_that_boots_without_end_the_latest_boots_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "store.db"

    async def body(store: Store) -> None:
        await store.keep([said(report(1, boot=f"b{number}")) for number in range(2 * BOOTS_REMEMBERED)])
        store._poles.digest(2 * BOOTS_REMEMBERED)
        boots = list(store.poles_stored()[CODE])
        assert boots == [f"b{number}" for number in range(BOOTS_REMEMBERED, 2 * BOOTS_REMEMBERED)]

    with_store(path, body)


def test_a_fold_that_fails_is_not_begun_again_with_every_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pole_log, "FOLD_EVERY", 20)
    begun: list[int] = []

    def damaged(self: pole_log.PoleLog, last: int) -> None:
        begun.append(last)
        raise msgspec.DecodeError("a worn cell")

    monkeypatch.setattr(pole_log.PoleLog, "fold", damaged)

    async def body(store: Store) -> None:
        for number in range(1, 101):
            await store.keep([said(alarm(number))])

    with_store(tmp_path / "store.db", body)
    assert len(begun) == 5


def test_a_hello_that_is_not_the_last_any_more_can_be_forgotten(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        await store.keep([said(hello(boot="b1")), said(report(1))])
        assert await store.forget_poles(4e9) == 1  # the hello stays
        await store.keep([said(hello(boot="b2"))])
        assert await store.forget_poles(4e9) == 1
        assert [each.what.boot for each in store.pole_history() if isinstance(each.what, Hello)] == ["b2"]

    with_store(tmp_path / "store.db", body)
