"""The tables of the shared register's file. What was opened as another kind or version is refused."""

from __future__ import annotations

from poles.register_file import Layout

BUSY_S = 30.0  # longer than a queue of many writers, shorter than an operator's patience

# `changes` is the truth; all else is projected from it. Boxes are looked up in R*Tree columns, which SQLite rounds
# outward to 32-bit floats, and then in the exact columns beside them. Times there count from the register's founding,
# to lose less of them; plan and heights are metres in the register's frame.
TABLES = """
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, utc_s REAL NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE batches (
    seq INTEGER PRIMARY KEY, utc_s REAL NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL, who TEXT NOT NULL
) STRICT;
CREATE TABLE zones (
    id TEXT PRIMARY KEY, batch INTEGER NOT NULL, ovn TEXT NOT NULL, feature BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE intents (
    id TEXT PRIMARY KEY, holder TEXT NOT NULL, priority INTEGER NOT NULL, state TEXT NOT NULL,
    version INTEGER NOT NULL, ovn TEXT NOT NULL, notices INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY, holder TEXT NOT NULL, kinds TEXT NOT NULL, until_s REAL NOT NULL, notices INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE notices (
    subscription TEXT NOT NULL, number INTEGER NOT NULL, holder TEXT NOT NULL, seq INTEGER NOT NULL,
    kind TEXT NOT NULL, entity TEXT NOT NULL, PRIMARY KEY (subscription, number, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_holder ON notices (holder, seq);
CREATE TABLE volumes (
    n INTEGER PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, off_nominal INTEGER NOT NULL, outline BLOB NOT NULL,
    x0 REAL NOT NULL, y0 REAL NOT NULL, z0 REAL NOT NULL, t0 REAL NOT NULL,
    x1 REAL NOT NULL, y1 REAL NOT NULL, z1 REAL NOT NULL, t1 REAL NOT NULL
) STRICT;
CREATE INDEX volumes_owner ON volumes (kind, owner, n);
CREATE VIRTUAL TABLE boxes USING rtree (n, x0, x1, y0, y1, z0, z1, t0, t1);
"""
PROJECTIONS = ("batches", "zones", "intents", "subscriptions", "notices", "volumes", "boxes")
LAYOUT = Layout(0x42434152, 1, TABLES)  # "BCAR" in the file's header
