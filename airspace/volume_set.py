"""Many 4D volumes by key, asked with volumes and answered exactly.

A box index gives candidates; half-open times and true outlines then decide, many pairs at once, as
`Volume4D.overlaps` decides for one pair. Volumes are kept as columns of numbers and bytes, not as objects: a swept leg
takes some 800 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Generic

import numpy as np
import shapely

from airspace.index import Box4, Index4D, Loaded
from airspace.index.boxes import Floats, Ints
from airspace.index.outlines import Geometries, Outlines, objects
from airspace.index.snapshot import Arrays, decode_keys, encode_keys, read_snapshot, write_snapshot
from airspace.index.tree import K
from airspace.reasons import Reason
from airspace.volumes import Volume4D

AT_ONCE = 8_192  # volumes that are taken in at a time
SNAPSHOT_KIND = "volumes"
START, END = 3, 7  # sides of a box


class VolumeSet(Generic[K]):
    """Volumes by key in one local frame; every answer is sorted by key."""

    def __init__(self, entries: Iterable[tuple[K, Volume4D]] = ()) -> None:
        self._index: Index4D[K] = Index4D()
        self._outlines = Outlines()  # by row of the index
        self.put_many(entries)
        self._index.pack()

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, key: object) -> bool:
        return key in self._index

    def __iter__(self) -> Iterator[K]:
        return iter(self._index)

    def put(self, key: K, volume: Volume4D) -> None:
        """Hold a volume, in place of what its key held before."""
        box = volume.box
        if key in self._index:
            self.remove(key)
        self._index.insert(key, box)
        self._outlines.keep(self._rows([key], 1), [volume.outline])

    def put_many(self, entries: Iterable[tuple[K, Volume4D]]) -> None:
        """Hold volumes, each in place of what its key held before; of two with one key the later stays."""
        rest = iter(entries)
        while some := dict(islice(rest, AT_ONCE)):
            for key in some:
                if key in self._index:
                    self.remove(key)
            boxes, outlines = _columns(list(some.values()))
            self._index.insert_many(list(some), boxes)
            self._outlines.keep(self._rows(some, len(some)), outlines)

    def remove(self, key: K) -> None:
        """Give up a volume. Raises KeyError when there is none of that key."""
        row = self._index.row(key)
        self._index.remove(key)
        self._outlines.drop(row)

    def get(self, key: K) -> Volume4D:
        """The volume of a key. Raises KeyError."""
        _, _, floor_m, start_s, _, _, ceiling_m, end_s = self._index.box(key)
        return Volume4D(self._outlines.at(self._rows([key], 1))[0], floor_m, ceiling_m, start_s, end_s)

    def overlapping(self, volumes: Sequence[Volume4D]) -> list[tuple[int, K]]:
        """Who shares a place at a time with which of `volumes`: pairs (position, key), sorted.

        The same pairs as `Volume4D.overlaps` finds one by one: touching outlines and heights overlap, a window that
        begins when another ends does not.
        """
        if not volumes:
            return []
        boxes, asked = _columns(volumes)
        query, row = self._index.rows_touching(boxes)
        sides = self._index.sides_at(row)
        together = (sides[:, START] < boxes[query, END]) & (boxes[query, START] < sides[:, END])
        query, row = query[together], row[together]
        meeting = shapely.intersects(self._outlines.at(row), asked[query])
        hits = self._index.hits(query[meeting], row[meeting])
        return list(zip(hits.query.tolist(), hits.key.tolist(), strict=True))

    def touching(self, box: Box4) -> list[K]:
        """The keys of all volumes whose boxes touch a closed box, sorted. Raises ValueError for a box that is none."""
        return self._index.query(box)

    def nearest(self, x_m: float, y_m: float, z_m: float, at_s: float, k: int) -> list[tuple[K, float]]:
        """The `k` volumes whose boxes are nearest to a point at a moment, as `Index4D.nearest` tells."""
        return self._index.nearest(x_m, y_m, z_m, at_s, k)

    def save(self, path: Path, stamp: str = "") -> None:
        """Write a snapshot; `stamp` says which state of the store it shows. Raises OSError."""
        keys = list(self)
        rows = self._rows(keys, len(keys))
        binary = self._outlines.binary(rows)
        lengths = np.fromiter(map(len, binary), dtype=np.int64, count=len(binary))
        outlines = np.frombuffer(b"".join(binary), dtype=np.uint8)
        boxes = self._index.sides_at(rows)
        arrays: Arrays = {"keys": encode_keys(keys), "boxes": boxes, "lengths": lengths, "outlines": outlines}
        write_snapshot(path, SNAPSHOT_KIND, stamp, arrays)

    @classmethod
    def load(
        cls, path: Path, rebuild: Callable[[], Iterable[tuple[K, Volume4D]]], stamp: str = ""
    ) -> Loaded[VolumeSet[K]]:
        """The volumes of a whole snapshot of this stamp; otherwise those that `rebuild` gives, with the reason."""
        arrays = read_snapshot(path, SNAPSHOT_KIND, stamp)
        if isinstance(arrays, Reason):
            return Loaded(cls(rebuild()), arrays)
        volumes: VolumeSet[K] = cls()
        keys: list[K] = decode_keys(arrays["keys"])
        ends: list[int] = np.cumsum(arrays["lengths"]).tolist()
        text = arrays["outlines"].tobytes()
        binary = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        volumes._index.insert_many(keys, arrays["boxes"])
        volumes._outlines.keep_binary(volumes._rows(keys, len(keys)), binary)
        return Loaded(volumes, None)

    def _rows(self, keys: Iterable[K], count: int) -> Ints:
        return np.fromiter(map(self._index.row, keys), dtype=np.int64, count=count)


def _columns(volumes: Sequence[Volume4D]) -> tuple[Floats, Geometries]:
    """The boxes (n, 8) and the outlines (n,) of volumes; many times as fast as asking each for its box."""
    outlines = objects((volume.outline for volume in volumes), len(volumes))
    ends = [(v.floor_ellipsoidal_m, v.start_s, v.ceiling_ellipsoidal_m, v.end_s) for v in volumes]
    bounds, heights_and_times = shapely.bounds(outlines), np.array(ends)
    return np.hstack([bounds[:, :2], heights_and_times[:, :2], bounds[:, 2:], heights_and_times[:, 2:]]), outlines
