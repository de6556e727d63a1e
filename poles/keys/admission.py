"""Whose messages are taken: the keys that may come in and the city codes they stand for, as they are just now.

libzmq asks at the handshake; a gateway asks again for every message, because a key may be revoked while its connection
stands. A key is named by its public half in Z85.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from airspace.reasons import Refused
from poles.keys.register import Change, Register

LOOK_S = 0.2  # a key that is revoked is cut off within a second
CHANGES_AT_ONCE = 5_000


class Admission(Protocol):
    """Who may come in. `codes` is the public key (Z85) of everybody who may -> city code, always as it is now."""

    codes: Mapping[str, str]

    def admits(self, key: str) -> bool:
        """Whether a key may come in, asked at its handshake."""
        ...

    def has_key(self, code: str) -> bool:
        """Whether a pole may come in, with whatever key."""
        ...

    def look(self) -> list[tuple[str, str]]:
        """Take in what has changed; the keys that may not come in any more, each with its pole's city code."""
        ...

    def used(self, key: str) -> None:
        """A pole has come with this key."""
        ...

    async def settle(self) -> None:
        """Write down what follows from use and from time; the next look shows it."""
        ...


class FixedAdmission:
    """The same poles for ever: public key (Z85) -> city code."""

    def __init__(self, allowed: Mapping[bytes, str]) -> None:
        self.codes: Mapping[str, str] = {key.decode(): code for key, code in allowed.items()}
        self._poles = frozenset(allowed.values())

    def admits(self, key: str) -> bool:
        """Whether a key may come in."""
        return key in self.codes

    def has_key(self, code: str) -> bool:
        """Whether a pole may come in."""
        return code in self._poles

    def look(self) -> list[tuple[str, str]]:
        """Nothing changes."""
        return []

    def used(self, key: str) -> None:
        """Nothing is to be proven."""

    async def settle(self) -> None:
        """Nothing is to be written."""


class RegisterAdmission:
    """Whoever the register lets in; follows what this and other processes change in it.

    When the register cannot be used, what was known last holds; `failures` counts how often in a row.
    """

    def __init__(self, register: Register) -> None:
        self._register = register
        self._seen = register.last_change()
        self._codes = register.live()
        self._keys = Counter(self._codes.values())  # how many of each pole
        self._fresh = set(register.unproven())
        self._proven: list[str] = []
        self._gone: list[tuple[str, str]] = []
        self.codes: Mapping[str, str] = self._codes
        self._not_read = self._not_written = 0  # times in a row

    @property
    def failures(self) -> int:
        """How often in a row the register could not be read, or not be written."""
        return max(self._not_read, self._not_written)

    def has_key(self, code: str) -> bool:
        """Whether a pole may come in, with whatever key."""
        return self._keys[code] > 0

    def admits(self, key: str) -> bool:
        """Whether a key may come in; a pole that was let in just now must not wait for the next look."""
        if key not in self._codes:
            self._follow()
        return key in self._codes

    def used(self, key: str) -> None:
        """A pole has come with this key; a new key is proven by that, when it is settled."""
        if key in self._fresh:
            self._fresh.discard(key)
            self._proven.append(key)

    def look(self) -> list[tuple[str, str]]:
        """Take in what has changed; the keys that may not come in any more, each with its pole's city code."""
        self._follow()
        gone, self._gone = self._gone, []
        return gone

    async def settle(self) -> None:
        """Prove the new keys that were used, and let those lapse that nobody used in time.

        In a thread and by another connection: the disk, or another process, may keep a writer waiting for seconds.
        """
        proven, self._proven = self._proven, []
        try:
            if proven or self._register.any_late():
                await asyncio.to_thread(self._write, proven)
            self._not_written = 0
        except Refused:
            self._proven += proven
            self._not_written += 1

    def _write(self, proven: Sequence[str]) -> None:
        with self._register.again() as register:
            register.prove(proven)
            register.lapse()

    def _follow(self) -> None:
        try:
            while self._register.last_change() > self._seen:
                for change in self._register.history(after=self._seen, limit=CHANGES_AT_ONCE):
                    self._take(change)
            self._not_read = 0
        except Refused:
            self._not_read += 1

    def _take(self, change: Change) -> None:
        self._seen = change.seq
        if change.what in ("admitted", "offered"):
            self._keys[change.code] += change.key not in self._codes
            self._codes[change.key] = change.code
            if change.what == "offered":
                self._fresh.add(change.key)
        elif change.what in ("revoked", "lapsed") and self._codes.pop(change.key, ""):
            self._keys[change.code] -= 1
            self._fresh.discard(change.key)
            self._gone.append((change.key, change.code))
