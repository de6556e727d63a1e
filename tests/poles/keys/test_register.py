"""Who may come in, as a file that several processes change at once."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from airspace.reasons import Refused
from controller.clock import run, virtual_tempo
from poles.keys import file, new_key_pair, register
from poles.keys.admission import RegisterAdmission
from poles.keys.pairs import READABLE
from poles.keys.register import KeyState, Register, Source, open_register
from poles.keys.weak import PUBLISHED
from poles.register_file import FOREIGN

CODE, OTHER = "410105-LP-000001", "410105-LP-000002"


class Now:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.s = 1779066000.0

    def __call__(self) -> float:
        return self.s


def key() -> str:
    return new_key_pair().public.decode()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def held(tmp_path: Path, now: Now) -> Iterator[Register]:
    with open_register(tmp_path / "keys" / "poles.db", now) as opened:
        yield opened


def admit(held: Register, code: str = CODE, source: Source = Source.TOKEN) -> str:
    fresh = key()
    held.admit([(code, fresh)], who="Li", source=source)
    return fresh


def settle(admission: RegisterAdmission) -> None:
    run(lambda clock: admission.settle(), virtual_tempo())


def codes_of(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.rule.code for reason in refused.value.reasons]


def test_the_first_key_of_a_pole_is_valid_at_once(held: Register) -> None:
    fresh = admit(held)
    assert held.live() == {fresh: CODE}
    (row,) = held.held(CODE)
    assert (row.state, row.until_s) == (KeyState.VALID, None)


def test_a_further_key_is_new_until_it_is_used_and_then_replaces_the_old_one(held: Register) -> None:
    old, fresh = admit(held), admit(held)
    assert held.live() == {old: CODE, fresh: CODE}
    held.prove([old])  # the valid one proves nothing
    assert len(held.live()) == 2
    held.prove([fresh])
    assert held.live() == {fresh: CODE}
    assert [change.what for change in held.history(CODE)] == ["admitted", "offered", "proven", "revoked"]


def test_a_new_key_that_nobody_uses_lapses_and_the_old_one_stays(held: Register, now: Now) -> None:
    old, fresh = admit(held), admit(held)
    now.s += register.OVERLAP_S - 1
    assert held.lapse() == []
    now.s += 1
    assert held.live() == {old: CODE}
    assert held.lapse() == [fresh]
    held.prove([fresh])
    assert held.live() == {old: CODE}


def test_a_revoked_key_never_comes_back(held: Register) -> None:
    fresh = admit(held)
    assert held.revoke(CODE, who="Wang") == [fresh]
    assert held.live() == {}
    with pytest.raises(Refused) as refused:
        held.admit([(CODE, fresh)], who="Wang", source=Source.FILE)
    assert codes_of(refused) == ["pole.key.burned"]
    with pytest.raises(Refused) as refused:
        held.revoke(CODE, who="Wang")
    assert codes_of(refused) == ["pole.key.none"]


def test_only_one_of_two_keys_can_be_revoked(held: Register) -> None:
    old, fresh = admit(held), admit(held)
    assert held.revoke(CODE, who="Wang", key=fresh) == [fresh]
    assert held.live() == {old: CODE}


def test_all_keys_that_cannot_be_are_named_and_none_is_let_in(held: Register) -> None:
    first = admit(held)
    weak = min(PUBLISHED).decode()
    with pytest.raises(Refused) as refused:
        held.admit([(OTHER, key()), (OTHER, first), (CODE, weak)], who="Li", source=Source.FILE)
    assert codes_of(refused) == ["pole.key.twice", "pole.key.weak"]
    assert held.live() == {first: CODE}


def test_a_key_of_the_site_file_replaces_the_one_that_came_from_there_only(held: Register) -> None:
    by_hand, enrolled = admit(held, source=Source.FILE), admit(held)
    held.prove([enrolled])
    assert held.live() == {enrolled: CODE}
    again = admit(held, source=Source.FILE)
    third = admit(held, source=Source.FILE)
    assert held.live() == {enrolled: CODE, third: CODE}
    assert {by_hand, again}.isdisjoint(held.live())


def test_a_key_of_the_site_file_is_only_offered_where_another_is_valid(held: Register, now: Now) -> None:
    enrolled, by_hand = admit(held), admit(held, source=Source.FILE)
    assert {row.key: row.state for row in held.held(CODE)} == {enrolled: KeyState.VALID, by_hand: KeyState.NEW}
    now.s += register.OVERLAP_S / 2
    other = admit(held, source=Source.FILE)  # the file was changed before the pole came with what it said
    held.prove([other])
    assert held.live() == {other: CODE}
    assert {row.key for row in held.held(CODE) if row.state is KeyState.REVOKED} == {enrolled, by_hand}


def test_a_changed_key_of_the_site_file_is_valid_at_once(held: Register) -> None:
    by_hand, offered = admit(held, source=Source.FILE), admit(held, source=Source.ROTATION)
    changed = admit(held, source=Source.FILE)
    states = {row.key: row.state for row in held.held(CODE)}
    assert states == {by_hand: KeyState.REVOKED, offered: KeyState.NEW, changed: KeyState.VALID}


def test_a_pole_whose_valid_key_was_revoked_is_let_in_with_another_at_once(held: Register) -> None:
    stolen, offered = admit(held), admit(held, source=Source.ROTATION)
    held.revoke(CODE, who="Wang", key=stolen)
    enrolled = admit(held)
    states = {row.key: row.state for row in held.held(CODE)}
    assert states == {stolen: KeyState.REVOKED, offered: KeyState.NEW, enrolled: KeyState.VALID}


def test_the_history_says_who_did_what_and_when(held: Register, now: Now) -> None:
    fresh = admit(held)
    now.s += 60
    held.revoke(CODE, who="Wang")
    admitted, revoked = held.history(CODE)
    assert (admitted.what, admitted.who, admitted.utc_s, admitted.key) == ("admitted", "Li", now.s - 60, fresh)
    assert (revoked.what, revoked.who, revoked.utc_s, revoked.key) == ("revoked", "Wang", now.s, fresh)


def test_a_renewal_is_counted_for_each_time_it_was_asked(held: Register) -> None:
    admit(held)
    held.ask_renewal([CODE], who="Li")
    held.ask_renewal([CODE], who="Li")
    assert held.renewals() == {CODE: 2}
    with pytest.raises(Refused) as refused:
        held.ask_renewal([CODE, OTHER], who="Li")
    assert codes_of(refused) == ["pole.key.none"]
    assert held.renewals() == {CODE: 2}


def test_what_was_written_is_there_when_the_file_is_opened_again(tmp_path: Path, now: Now) -> None:
    path = tmp_path / "keys" / "poles.db"
    with open_register(path, now) as first:
        fresh = admit(first)
    with open_register(path, now) as second:
        assert second.live() == {fresh: CODE}


def test_the_file_and_what_sqlite_puts_beside_it_belong_to_the_owner_alone(held: Register, tmp_path: Path) -> None:
    admit(held)
    folder = tmp_path / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["poles.db", "poles.db-shm", "poles.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(("place", "mode"), [("keys/poles.db", 0o640), ("keys", 0o755)])
def test_a_register_that_others_can_reach_is_refused(tmp_path: Path, now: Now, place: str, mode: int) -> None:
    path = tmp_path / "keys" / "poles.db"
    with open_register(path, now):
        pass
    (tmp_path / place).chmod(mode)
    with pytest.raises(Refused) as refused, open_register(path, now):
        pass
    assert refused.value.reasons[0].rule is READABLE


@pytest.mark.parametrize("content", ["text", "another database"])
def test_a_file_that_is_no_register_is_refused(tmp_path: Path, now: Now, content: str) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    path = folder / "poles.db"
    if content == "text":
        path.write_text("hello\n" * 1000)
    else:
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE t (x)")
        other.close()
    path.chmod(0o600)
    with pytest.raises(Refused) as refused, open_register(path, now):
        pass
    assert refused.value.reasons[0].rule is FOREIGN


class TestAdmission:
    """What a running gateway knows of a register that others change."""

    def test_what_another_process_lets_in_and_revokes_is_seen_at_the_next_look(
        self, held: Register, tmp_path: Path, now: Now
    ) -> None:
        first = admit(held)
        with open_register(tmp_path / "keys" / "poles.db", now) as mine:
            admission = RegisterAdmission(mine)
            assert admission.codes == {first: CODE}
            second = admit(held, OTHER)
            assert admission.look() == []
            assert admission.codes == {first: CODE, second: OTHER}
            held.revoke(CODE, who="Wang")
            assert admission.look() == [(first, CODE)]
            assert admission.codes == {second: OTHER}
            assert admission.look() == []

    def test_a_new_key_is_proven_by_its_use_and_the_old_one_is_gone(self, held: Register) -> None:
        old, fresh = admit(held), admit(held)
        admission = RegisterAdmission(held)
        admission.used(old)
        settle(admission)
        assert admission.look() == []
        admission.used(fresh)
        settle(admission)
        assert admission.look() == [(old, CODE)]
        assert admission.codes == {fresh: CODE}
        assert admission.has_key(CODE)

    def test_a_look_reads_and_never_waits_for_whoever_writes(
        self, held: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file, "BUSY_S", 0.01)
        old, fresh = admit(held), admit(held)
        admission = RegisterAdmission(held)
        with sqlite3.connect(tmp_path / "keys" / "poles.db") as other:
            other.execute("BEGIN IMMEDIATE")
            admission.used(fresh)
            settle(admission)
            assert admission.failures == 1
            assert not admission.admits("a stranger's")
            assert admission.look() == []
            other.rollback()
        settle(admission)
        assert admission.failures == 0
        assert admission.look() == [(old, CODE)]
        other.close()

    def test_a_pole_is_locked_out_with_the_last_of_its_keys(self, held: Register) -> None:
        old, fresh = admit(held), admit(held)
        admission = RegisterAdmission(held)
        assert (admission.has_key(CODE), admission.has_key(OTHER)) == (True, False)
        for gone, left in ((old, True), (fresh, False)):
            held.revoke(CODE, who="Wang", key=gone)
            assert admission.look() == [(gone, CODE)]
            assert admission.has_key(CODE) is left

    def test_a_new_key_that_lapses_is_gone(self, held: Register, now: Now) -> None:
        old, fresh = admit(held), admit(held)
        admission = RegisterAdmission(held)
        now.s += register.OVERLAP_S
        settle(admission)
        assert admission.look() == [(fresh, CODE)]
        assert admission.codes == {old: CODE}

    def test_what_was_known_holds_while_the_register_cannot_be_read(self, tmp_path: Path, now: Now) -> None:
        with open_register(tmp_path / "keys" / "poles.db", now) as mine:
            first = admit(mine)
            admission = RegisterAdmission(mine)
        assert admission.look() == []
        assert admission.failures == 1
        assert admission.codes == {first: CODE}

    def test_ten_thousand_changes_are_taken_in_at_one_look(self, held: Register) -> None:
        admission = RegisterAdmission(held)
        rows = [(f"410105-LP-{n:06d}", f"{n:040d}") for n in range(1, 10_001)]
        held.admit(rows, who="Li", source=Source.FILE)
        admission.look()
        assert len(admission.codes) == 10_000
