"""The file of the poles' register: its tables, and that nobody but its owner reaches it.

It is of mode 0600 in a directory of mode 0700: whoever may write to it may let anybody in.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from poles import register_file
from poles.keys.pairs import check_private

BUSY_S = 10.0

# `changes` tells what happened, and its number tells other processes that something did; the rest is how things stand.
TABLES = """
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, utc_s REAL NOT NULL, what TEXT NOT NULL, code TEXT NOT NULL,
    key TEXT NOT NULL, who TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX changes_code ON changes (code, seq);
CREATE TABLE keys (
    key TEXT PRIMARY KEY, code TEXT NOT NULL, state TEXT NOT NULL, source TEXT NOT NULL, since_s REAL NOT NULL,
    until_s REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_code ON keys (code);
CREATE INDEX keys_until ON keys (until_s) WHERE until_s IS NOT NULL;
CREATE TABLE renewals (code TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (
    code TEXT PRIMARY KEY, salt BLOB NOT NULL, digest BLOB NOT NULL, state TEXT NOT NULL, wrong INTEGER NOT NULL,
    made_s REAL NOT NULL, expires_s REAL NOT NULL, key TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_open ON tokens (expires_s) WHERE state <> 'locked';
CREATE TABLE attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, utc_s REAL NOT NULL, code TEXT NOT NULL, peer TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
CREATE TABLE doors (
    public TEXT PRIMARY KEY, file TEXT NOT NULL, listen TEXT NOT NULL, address TEXT NOT NULL, state TEXT NOT NULL,
    since_s REAL NOT NULL, until_s REAL
) STRICT, WITHOUT ROWID;
"""
LAYOUT = register_file.Layout(0x4243504B, 1, TABLES)  # "BCPK" in the file's header


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file, which gets its tables if it is new. Raises Refused for one that others can reach."""
    with failures_refused(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    check_private(path)
    return register_file.connect(path, LAYOUT, BUSY_S)


def failures_refused(path: Path) -> AbstractContextManager[None]:
    """What SQLite and the file system raise becomes `Refused` with the file's name."""
    return register_file.failures_refused(path, BUSY_S)
