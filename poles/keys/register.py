"""Who may come in: the public keys of the poles, one durable register that several processes use at once.

A pole has one valid key, and for a while a new one beside it: the new key is proven by use, then the old one is
revoked; a new key that nobody uses lapses. A key that was revoked or has lapsed never comes back. Everything that
changes is told in `changes`, with who did it and when; a running gateway follows it (`poles.keys.admission`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from airspace.reasons import Reason, Refused, Rule, Words
from poles.keys.doors import Doors
from poles.keys.file import connect, failures_refused
from poles.keys.tokens import Answer, Tokens
from poles.keys.weak import weakness
from poles.register_file import transaction

WEAK = Rule(
    "pole.key.weak",
    Words("the key given for {code} protects nothing: {why}", "为 {code} 提供的密钥不能起保护作用：{why}"),
    Words("Let the pole make a new pair.", "请让灯杆重新生成密钥对。"),
)
TWICE = Rule(
    "pole.key.twice",
    Words("{code} has the key of {other}", "{code} 与 {other} 使用同一密钥"),
    Words("Give every pole its own key.", "请为每根灯杆使用独立的密钥。"),
)
BURNED = Rule(
    "pole.key.burned",
    Words("this key of {code} was revoked, and stays so", "{code} 的该密钥已吊销，不能恢复"),
    Words("Let the pole make a new pair and enrol it again.", "请让灯杆重新生成密钥对并重新登记。"),
)
NO_KEY = Rule(
    "pole.key.none",
    Words("{code} has no such key", "{code} 没有该密钥"),
    Words("`beichen poles list` shows who has one.", "`beichen poles list` 可列出已有密钥的灯杆。"),
)

OVERLAP_S = 7 * 86400.0
_LATE = "SELECT key FROM keys WHERE until_s <= ?"


class KeyState(StrEnum):
    """How a key stands."""

    VALID = "valid"
    NEW = "new"  # let in beside the valid one, and not used yet
    REVOKED = "revoked"


class Source(StrEnum):
    """How a key came into the register."""

    TOKEN = "token"
    ROTATION = "rotation"
    FILE = "file"  # written into the site file by hand


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One key of a pole; `key` is its public half in Z85, `until_s` the UTC second when it lapses, if it may."""

    code: str
    key: str
    state: KeyState
    source: Source
    since_s: float
    until_s: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to a pole's keys or to the server's."""

    seq: int
    utc_s: float
    what: str  # admitted, offered, proven, revoked, lapsed, asked, token, locked, door, closed
    code: str
    key: str
    who: str
    detail: str


class Register:
    """Made by `open_register`; every method is one transaction. `utc_s` is the clock.

    All methods raise Refused when the file cannot be used.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, utc_s: Callable[[], float]) -> None:
        self._path = path
        self._db = connection
        self._utc_s = utc_s
        self.tokens = Tokens(path, connection, utc_s, self._note)
        self.doors = Doors(path, connection, utc_s, self._note)

    @contextmanager
    def again(self) -> Iterator[Register]:
        """The same register by a connection of its own, for another thread. Raises Refused."""
        with open_register(self._path, self._utc_s) as register:
            yield register

    def admit(self, keys: Iterable[tuple[str, str]], *, who: str, source: Source, overlap_s: float = OVERLAP_S) -> None:
        """Let in public keys (code, key), all or none; raises Refused with every one that cannot be.

        A key of a pole that has no valid one is valid at once. A further one is new: it lapses after `overlap_s` [s]
        unless it is used. One that is there already stays as it is. A key from the site file ends those that came from
        there, so that it takes the place of a valid one at once.
        """
        with self._writing():
            reasons = [reason for code, key in keys for reason in self._admit(code, key, who, source, overlap_s)]
            if reasons:
                raise Refused(reasons)

    def _admit(self, code: str, key: str, who: str, source: Source, overlap_s: float) -> Iterator[Reason]:
        if why := weakness(key.encode()):
            yield Reason(WEAK, code, {"code": code, "why": why})
            return
        held = self._one(key)
        if held is not None:
            if held.code != code:
                yield Reason(TWICE, code, {"code": code, "other": held.code})
            elif held.state is KeyState.REVOKED:
                yield Reason(BURNED, code, {"code": code})
            return
        live = self._of(code)
        if source is Source.FILE:
            for old in [old for old in live if old.source is Source.FILE]:
                self._end(old, "revoked", who)
                live.remove(old)
        now_s, further = self._utc_s(), any(old.state is KeyState.VALID for old in live)
        state, until_s = (KeyState.NEW, now_s + overlap_s) if further else (KeyState.VALID, None)
        row = (key, code, state.value, source.value, now_s, until_s)
        self._db.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)", row)
        self._note("offered" if further else "admitted", code, key, who, source.value)

    def enrol(self, code: str, token: str, key: str, peer: str) -> Answer:
        """Let a pole in with its first key, if the token is right; the attempt is recorded either way."""
        with self._writing():
            answer = self.tokens.judge(code, token, key)
            if answer in (Answer.ADMITTED, Answer.AGAIN):
                if list(self._admit(code, key, "", Source.TOKEN, OVERLAP_S)):
                    answer = Answer.REFUSED_KEY
                else:
                    self.tokens.spend(code, key)
            self.tokens.record(code, peer, answer)
        return answer

    def record_attempt(self, code: str, peer: str, outcome: Answer) -> None:
        """Keep that somebody tried to enrol and did not come as far as the token."""
        with self._writing():
            self.tokens.record(code, peer, outcome)

    def prove(self, keys: Iterable[str]) -> None:
        """These keys were used by their poles: a new one becomes the valid one, and what was before is revoked."""
        with self._writing():
            for held in [self._one(key) for key in keys]:
                if held is None or held.state is not KeyState.NEW:
                    continue
                self._db.execute("UPDATE keys SET state = 'valid', until_s = NULL WHERE key = ?", (held.key,))
                self._note("proven", held.code, held.key, "")
                for old in self._of(held.code):
                    if old.key != held.key:
                        self._end(old, "revoked", "", "replaced")

    def revoke(self, code: str, *, who: str, key: str = "") -> list[str]:
        """Lock out a pole, or only one of its keys; the keys that were revoked. Raises Refused when it has none."""
        with self._writing():
            found = [held for held in self._of(code) if key in ("", held.key)]
            if not found and not self.tokens.close(code):
                raise Refused([Reason(NO_KEY, code, {"code": code})])
            for held in found:
                self._end(held, "revoked", who)
            self.tokens.close(code)
            return [held.key for held in found]

    def ask_renewal(self, codes: Iterable[str], *, who: str) -> None:
        """Ask poles to make a new key at their next word; raises Refused with every one that has none to replace."""
        with self._writing():
            wanted = list(codes)
            if reasons := [Reason(NO_KEY, code, {"code": code}) for code in wanted if not self._of(code)]:
                raise Refused(reasons)
            for code in wanted:
                sql = "INSERT INTO renewals VALUES (?, 1) ON CONFLICT (code) DO UPDATE SET number = number + 1"
                self._db.execute(sql, (code,))
                self._note("asked", code, "", who)

    def renewals(self) -> dict[str, int]:
        """How often each pole was asked to renew its key, where it was."""
        with failures_refused(self._path):
            return dict(self._db.execute("SELECT code, number FROM renewals ORDER BY code").fetchall())

    def any_late(self) -> bool:
        """Whether `lapse` would revoke anything now."""
        with failures_refused(self._path):
            return bool(self._db.execute(f"SELECT EXISTS ({_LATE})", (self._utc_s(),)).fetchone()[0])

    def lapse(self) -> list[str]:
        """Revoke new keys that nobody used in time; those keys."""
        if not self.any_late():
            return []
        with self._writing():
            late = self._db.execute(_LATE, (self._utc_s(),)).fetchall()
            found = [held for (key,) in late if (held := self._one(key)) and held.state is KeyState.NEW]
            for held in found:
                self._end(held, "lapsed", "")
        return [held.key for held in found]

    def live(self) -> dict[str, str]:
        """Every key that may come in now -> the city code that it stands for."""
        sql = "SELECT key, code FROM keys WHERE state <> 'revoked' AND (until_s IS NULL OR until_s > ?)"
        with failures_refused(self._path):
            return dict(self._db.execute(sql, (self._utc_s(),)).fetchall())

    def unproven(self) -> list[str]:
        """The new keys that were not used yet."""
        with failures_refused(self._path):
            return [key for (key,) in self._db.execute("SELECT key FROM keys WHERE until_s IS NOT NULL").fetchall()]

    def held(self, code: str | None = None) -> list[HeldKey]:
        """All keys, revoked ones too, in the order of codes and of time."""
        sql = "SELECT code, key, state, source, since_s, until_s FROM keys WHERE ? IN (code, '') ORDER BY code, since_s"
        with failures_refused(self._path):
            return [_held(row) for row in self._db.execute(sql, (code or "",)).fetchall()]

    def history(self, code: str | None = None, after: int = 0, limit: int = -1) -> list[Change]:
        """What happened after a change's number, oldest first; of one pole or of all."""
        sql = "SELECT * FROM changes WHERE seq > ? AND ? IN (code, '') ORDER BY seq LIMIT ?"
        with failures_refused(self._path):
            return [Change(*row) for row in self._db.execute(sql, (after, code or "", limit)).fetchall()]

    def last_change(self) -> int:
        """The number of the latest change; 0 before the first."""
        with failures_refused(self._path):
            return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()[0])

    def _one(self, key: str) -> HeldKey | None:
        sql = "SELECT code, key, state, source, since_s, until_s FROM keys WHERE key = ?"
        row = self._db.execute(sql, (key,)).fetchone()
        return _held(row) if row else None

    def _of(self, code: str) -> list[HeldKey]:
        """The keys of a pole that may come in."""
        sql = "SELECT code, key, state, source, since_s, until_s FROM keys WHERE code = ? AND state <> 'revoked'"
        return [_held(row) for row in self._db.execute(sql, (code,)).fetchall()]

    def _end(self, held: HeldKey, what: str, who: str, detail: str = "") -> None:
        self._db.execute("UPDATE keys SET state = 'revoked', until_s = NULL WHERE key = ?", (held.key,))
        self._note(what, held.code, held.key, who, detail)

    def _note(self, what: str, code: str, key: str, who: str, detail: str = "") -> None:
        sql = "INSERT INTO changes (utc_s, what, code, key, who, detail) VALUES (?, ?, ?, ?, ?, ?)"
        self._db.execute(sql, (self._utc_s(), what, code, key, who, detail))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with failures_refused(self._path), transaction(self._db):
            yield


@contextmanager
def open_register(path: Path, utc_s: Callable[[], float]) -> Iterator[Register]:
    """The register in a file, which is made when there is none. Raises Refused."""
    connection = connect(path)
    try:
        yield Register(path, connection, utc_s)
    finally:
        connection.close()


def _held(row: tuple[str, str, str, str, float, float | None]) -> HeldKey:
    code, key, state, source, since_s, until_s = row
    return HeldKey(code, key, KeyState(state), Source(source), since_s, until_s)
