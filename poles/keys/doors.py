"""The server's own keys: at which doors the poles may knock while one key gives way to the next.

A door is a server key with the address where it listens. Usually one is open. When the server's key is renewed a new
door is opened on a port of its own, the poles are told of it, and the old door is closed when all have come through
the new one or when its term is over. The secret halves stay in key files; the register has public halves only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from airspace.reasons import Reason, Refused, Rule, Words
from poles.keys.file import failures_refused
from poles.register_file import transaction

STRANGE_DOOR = Rule(
    "pole.door.strange",
    Words(
        "the poles know the server by another key than that of {file}; they were told: {known}",
        "灯杆所知的服务器密钥与 {file} 不同；已告知：{known}",
    ),
    Words(
        "Name that key file again, or enrol the poles anew with a new register.",
        "请改回该密钥文件，或建立新的登记库并重新登记灯杆。",
    ),
)
DOOR_THERE = Rule(
    "pole.door.there",
    Words("the server's key is being renewed already, until {until}", "服务器密钥正在更换中，截止 {until}"),
    Words("Wait until the old door is closed.", "请等待旧入口关闭。"),
)


class DoorState(StrEnum):
    """How a door stands."""

    OPEN = "open"  # the one that poles are sent to
    LEAVING = "leaving"  # still answered, until its term
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Door:
    """A server key: its public half in Z85, its file, where it listens and what address poles are told."""

    public: str
    file: str
    listen: str
    address: str
    state: DoorState
    since_s: float
    until_s: float | None


class Doors:
    """The doors of a register, on its connection; `note` writes into its history within a transaction."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        utc_s: Callable[[], float],
        note: Callable[[str, str, str, str, str], None],
    ) -> None:
        self._path = path
        self._db = connection
        self._utc_s = utc_s
        self._note = note

    def all(self) -> list[Door]:
        """Every door, closed ones too: first the open one, then from the youngest to the oldest."""
        sql = "SELECT * FROM doors ORDER BY state <> 'open', since_s DESC, public"
        with failures_refused(self._path):
            rows = self._db.execute(sql).fetchall()
        return [
            Door(public, file, listen, address, DoorState(state), since_s, until_s)
            for public, file, listen, address, state, since_s, until_s in rows
        ]

    def answered(self) -> list[Door]:
        """The doors at which poles may knock, the open one first."""
        return [door for door in self.all() if door.state is not DoorState.CLOSED]

    def found(self, public: str, file: str, listen: str, address: str) -> list[Door]:
        """The doors to answer for a site whose file names this key; the first one ever is made here.

        The site file may move a door to another address; a key that no pole was told of is refused.
        """
        with failures_refused(self._path), transaction(self._db):
            known = {door.public: door for door in self.all()}
            if not known:
                row = (public, file, listen, address, "open", self._utc_s(), None)
                self._db.execute("INSERT INTO doors VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                self._note("door", "", public, "", "first")
            elif public not in known:
                told = ", ".join(door.file for door in known.values() if door.state is DoorState.OPEN)
                raise Refused([Reason(STRANGE_DOOR, file, {"file": file, "known": told})])
            elif (known[public].listen, known[public].address) != (listen, address):
                sql = "UPDATE doors SET listen = ?, address = ? WHERE public = ? AND state <> 'closed'"
                self._db.execute(sql, (listen, address, public))
        return self.answered()

    def renew(self, public: str, file: str, listen: str, address: str, *, term_s: float, who: str) -> None:
        """Open a new door; the present one is left after `term_s` [s] at the latest. Raises Refused during another."""
        now_s = self._utc_s()
        with failures_refused(self._path), transaction(self._db):
            for door in self.all():
                if door.state is DoorState.LEAVING:
                    raise Refused([Reason(DOOR_THERE, "", {"until": door.until_s})])
            self._db.execute("UPDATE doors SET state = 'leaving', until_s = ? WHERE state = 'open'", (now_s + term_s,))
            row = (public, file, listen, address, "open", now_s, None)
            self._db.execute("INSERT INTO doors VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            self._note("door", "", public, who, "renewed")

    def close_late(self, public: str) -> None:
        """Close a door that is left, if its term is over."""
        for door in self.all():
            if door.public == public and door.until_s is not None and door.until_s <= self._utc_s():
                self.close(public, "its term is over")

    def close(self, public: str, why: str) -> None:
        """Nobody is answered any more at a door that is left."""
        with failures_refused(self._path), transaction(self._db):
            sql = "UPDATE doors SET state = 'closed', until_s = NULL WHERE public = ? AND state = 'leaving'"
            if self._db.execute(sql, (public,)).rowcount:
                self._note("closed", "", public, "", why)
