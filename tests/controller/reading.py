"""What a store holds, read beside whoever writes it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from controller.events import Record
from controller.store import all_records


def read_store(path: Path) -> list[Record]:
    """All records of a store that may be open elsewhere; raises `Refused` when it is damaged."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return all_records(connection, path)
