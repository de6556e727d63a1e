"""The outlines of many volumes by row, in little memory: as well-known binary in a few large blocks of bytes.

A geometry object of a swept leg costs three times its coordinates, a bytes object of its own a tenth more and holes in
the heap; a million of either is what a process has no room for. Geometries are made when they are asked for. Only what
has many corners is kept as a geometry, prepared for many tests: making it anew each time would cost more than testing.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPolygon, Polygon

from airspace.index.boxes import Ints

FINE_BYTES = 1024  # some 60 corners; a swept leg has 35
OF_A_BLOCK = 4096  # outlines
LIVING_SHARE = 0.5
NONE, RECENT, FINE = -1, -2, -3  # instead of a block

Geometries = npt.NDArray[np.object_]


class Outlines:
    """Outlines by row, exactly as they came: polygons and multipolygons with any holes."""

    def __init__(self) -> None:
        self._recent: dict[int, bytes] = {}
        self._fine: dict[int, Polygon | MultiPolygon] = {}
        self._blocks: list[bytes | mmap.mmap] = []
        self._living: list[int] = []  # bytes of each block that are still somebody's
        self._block_of = np.empty(0, dtype=np.int32)  # by row, as are these
        self._start_of = np.empty(0, dtype=np.int32)
        self._length_of = np.empty(0, dtype=np.int32)

    def keep(self, rows: Ints, outlines: Iterable[Polygon | MultiPolygon]) -> None:
        """Hold an outline for each row, none of which has one."""
        self.keep_binary(rows, shapely.to_wkb(objects(outlines, len(rows))).tolist())

    def keep_binary(self, rows: Ints, binary: Sequence[bytes]) -> None:
        """Hold outlines that are well-known binary."""
        self._make_room(int(rows.max(initial=-1)))
        for row, outline in zip(rows.tolist(), binary, strict=True):
            if len(outline) < FINE_BYTES:
                self._recent[row] = outline
                self._block_of[row] = RECENT
                if len(self._recent) >= OF_A_BLOCK:
                    self._close_block()
            else:
                self._fine[row] = shapely.from_wkb(outline)
                shapely.prepare(self._fine[row])
                self._block_of[row] = FINE

    def drop(self, row: int) -> None:
        """Let go of the outline of a row."""
        block = int(self._block_of[row])
        self._block_of[row] = NONE
        if block == RECENT:
            del self._recent[row]
        elif block == FINE:
            del self._fine[row]
        else:
            self._living[block] -= int(self._length_of[row])
            if self._living[block] < LIVING_SHARE * len(self._blocks[block]):
                self._fill(block, np.flatnonzero(self._block_of == block))

    def at(self, rows: Ints) -> Geometries:
        """The outlines of rows (n,); each is made once, however often its row comes."""
        once, where = np.unique(rows, return_inverse=True)
        fine = self._block_of[once] == FINE
        made = np.empty(len(once), dtype=np.object_)
        made[fine] = objects(map(self._fine.__getitem__, once[fine].tolist()), int(np.count_nonzero(fine)))
        made[~fine] = shapely.from_wkb(objects(self.binary(once[~fine]), int(np.count_nonzero(~fine))))
        return made[where]

    def binary(self, rows: Ints) -> list[bytes]:
        """The outlines of rows (n,) as well-known binary."""
        columns = (rows, self._block_of[rows], self._start_of[rows], self._length_of[rows])
        found: list[bytes] = []
        for row, block, start, length in zip(*(column.tolist() for column in columns), strict=True):
            if block == RECENT:
                found.append(self._recent[row])
            elif block == FINE:
                found.append(shapely.to_wkb(self._fine[row]))
            else:
                found.append(self._blocks[block][start : start + length])
        return found

    def _close_block(self) -> None:
        rows = np.fromiter(self._recent, dtype=np.int64, count=len(self._recent))
        self._blocks.append(b"")
        self._living.append(0)
        self._fill(len(self._blocks) - 1, rows)
        self._recent = {}

    def _fill(self, block: int, rows: Ints) -> None:
        """Let a block hold the outlines of these rows and nothing else."""
        binary = self.binary(rows)
        ends = np.cumsum([0, *map(len, binary)])
        self._blocks[block] = _mapped(b"".join(binary))
        self._living[block] = len(self._blocks[block])
        self._block_of[rows] = block
        self._start_of[rows] = ends[:-1]
        self._length_of[rows] = np.diff(ends)

    def _make_room(self, row: int) -> None:
        more = row + 1 + row // 2 + 64 - len(self._block_of)
        if row >= len(self._block_of):
            self._block_of = np.concatenate([self._block_of, np.full(more, NONE, dtype=np.int32)])
            self._start_of = np.concatenate([self._start_of, np.zeros(more, dtype=np.int32)])
            self._length_of = np.concatenate([self._length_of, np.zeros(more, dtype=np.int32)])


def objects(values: Iterable[Any], count: int) -> Geometries:
    """An array of `count` objects, never taken apart."""
    return np.fromiter(values, dtype=np.object_, count=count)


def _mapped(block: bytes) -> bytes | mmap.mmap:
    """A block in pages of its own: in the heap, short-lived arrays would leave gaps between blocks that stay."""
    if not block:
        return block
    pages = mmap.mmap(-1, len(block))
    pages[:] = block
    return pages
