"""One-time tokens: what lets a pole bring its first key.

A token has 120 bits from the system's source of keys and is shown once; the register holds a salted hash. Against so
many bits there is nothing to try, so the hash need not be slow (NIST SP 800-63B, 5.1.2.2 asks that of secrets of less
than 112 bits). Who offers wrong tokens for a code closes its token after `WRONG_MOST` of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from poles.keys.file import failures_refused
from poles.register_file import transaction

TOKEN_BYTES = 15
SALT_BYTES = 16
VALID_S = 86400.0
WRONG_MOST = 5
ATTEMPTS_KEPT = 10_000

Note = Callable[[str, str, str, str, str], None]


class Answer(StrEnum):
    """What became of an attempt to enrol."""

    ADMITTED = "admitted"
    AGAIN = "again"  # the same key with the same token: the first answer was lost
    WRONG = "wrong-token"
    USED = "used-token"
    NONE = "no-token"
    EXPIRED = "expired"
    LOCKED = "locked"
    NOT_ITS_KEY = "not-its-key"  # the key is not that of the connection
    REFUSED_KEY = "refused-key"  # weak, revoked or another pole's
    MALFORMED = "malformed"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to enrol, without what was offered; `peer` is the address that it came from."""

    utc_s: float
    code: str
    peer: str
    outcome: str


@dataclass(frozen=True, slots=True)
class OpenToken:
    """That a pole may enrol: `state` is open, used or locked."""

    code: str
    state: str
    made_s: float
    expires_s: float
    wrong: int


class Tokens:
    """The tokens of a register, on its connection; `note` writes into its history within a transaction."""

    def __init__(self, path: Path, connection: sqlite3.Connection, utc_s: Callable[[], float], note: Note) -> None:
        self._path = path
        self._db = connection
        self._utc_s = utc_s
        self._note = note

    def issue(self, code: str, *, who: str, valid_s: float = VALID_S) -> str:
        """A new token for a pole, in place of any that it had; nobody can be told it again."""
        raw, salt, now_s = secrets.token_bytes(TOKEN_BYTES), secrets.token_bytes(SALT_BYTES), self._utc_s()
        text = base64.b32encode(raw).decode()
        token = "-".join(text[i : i + 4] for i in range(0, len(text), 4))
        row = (code, salt, _digest(salt, token), now_s, now_s + valid_s)
        with failures_refused(self._path), transaction(self._db):
            self._db.execute("REPLACE INTO tokens VALUES (?, ?, ?, 'open', 0, ?, ?, NULL)", row)
            self._note("token", code, "", who, "")
        return token

    def any_open(self) -> bool:
        """Whether anybody may enrol now; while nobody may, nobody need be listened to."""
        sql = "SELECT 1 FROM tokens WHERE state <> 'locked' AND expires_s > ? LIMIT 1"
        with failures_refused(self._path):
            return self._db.execute(sql, (self._utc_s(),)).fetchone() is not None

    def outstanding(self) -> list[OpenToken]:
        """The tokens that were not used, also those that are locked or too old."""
        sql = "SELECT code, state, made_s, expires_s, wrong FROM tokens WHERE state <> 'used' ORDER BY code"
        with failures_refused(self._path):
            return [OpenToken(*row) for row in self._db.execute(sql).fetchall()]

    def judge(self, code: str, token: str, key: str) -> Answer:
        """What is to be said to who offers a token for a code; wrong ones are counted. Within a transaction."""
        sql = "SELECT salt, digest, state, wrong, expires_s, key FROM tokens WHERE code = ?"
        row = self._db.execute(sql, (code,)).fetchone()
        if row is None:
            return Answer.NONE
        salt, digest, state, wrong, expires_s, used_by = row
        if state == "locked":
            return Answer.LOCKED
        if not hmac.compare_digest(digest, _digest(salt, token)):
            self._db.execute("UPDATE tokens SET wrong = wrong + 1 WHERE code = ?", (code,))
            if wrong + 1 >= WRONG_MOST and state == "open":
                self._db.execute("UPDATE tokens SET state = 'locked' WHERE code = ?", (code,))
                self._note("locked", code, "", "", f"{WRONG_MOST} wrong tokens")
            return Answer.WRONG
        if self._utc_s() >= expires_s:
            return Answer.EXPIRED
        if state == "used":
            return Answer.AGAIN if used_by == key else Answer.USED
        return Answer.ADMITTED

    def spend(self, code: str, key: str) -> None:
        """The token of a code was used by a key. Within a transaction."""
        self._db.execute("UPDATE tokens SET state = 'used', key = ? WHERE code = ?", (key, code))

    def close(self, code: str) -> bool:
        """Take a code's open token away; whether there was one. Within a transaction."""
        return self._db.execute("DELETE FROM tokens WHERE code = ? AND state = 'open'", (code,)).rowcount > 0

    def record(self, code: str, peer: str, outcome: Answer) -> None:
        """Keep that somebody tried, and forget the oldest beyond `ATTEMPTS_KEPT`. Within a transaction."""
        sql = "INSERT INTO attempts (utc_s, code, peer, outcome) VALUES (?, ?, ?, ?)"
        seq = self._db.execute(sql, (self._utc_s(), code, peer, outcome.value)).lastrowid or 0
        self._db.execute("DELETE FROM attempts WHERE seq <= ?", (seq - ATTEMPTS_KEPT,))

    def attempts(self, code: str | None = None) -> list[Attempt]:
        """Who tried to enrol, oldest first; for one code or for all."""
        sql = "SELECT utc_s, code, peer, outcome FROM attempts WHERE ? IN (code, '') ORDER BY seq"
        with failures_refused(self._path):
            return [Attempt(*row) for row in self._db.execute(sql, (code or "",)).fetchall()]


def _digest(salt: bytes, token: str) -> bytes:
    """The salted hash of a token as it is typed: case, dashes and spaces do not matter."""
    plain = "".join(character for character in token.upper() if character.isalnum())
    return hashlib.sha256(salt + plain.encode()).digest()
