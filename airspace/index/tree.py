"""The 4D box index by key: find the boxes over east, north, height and time that touch a given one.

Boxes are closed in every dimension, so an answer is a set of candidates: half-open time windows and true outlines are
the business of `airspace.volume_set`. Answers are exact for boxes, and the same wherever the layers keep them.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from airspace.index.boxes import FARTHEST, Box4, Floats, Ints, box_of, check_box, checked_boxes
from airspace.index.layers import Layers
from airspace.index.snapshot import Arrays, Loaded, decode_keys, encode_keys, read_snapshot, write_snapshot
from airspace.reasons import Reason

SNAPSHOT_KIND = "index"

K = TypeVar("K", int, str, tuple[str, int])

Corner = tuple[float, float, float, float]

# Around the point that `nearest` asks for: wider until enough is found, in the end everything.
RADII_M = (250.0, 1e3, 4e3, 16e3, 64e3, 2.0 * FARTHEST)


@dataclass(frozen=True, slots=True)
class Hits:
    """Pairs that touch: `query` (n,) is the position of the box that was asked, `key` (n,) whom it touches.

    In the order of the queries, and by key within a query. Keys that are integers of 64 bits come as int64, others as
    objects.
    """

    query: Ints
    key: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.query)


class Index4D(Generic[K]):
    """Boxes by key; keys are unique and sortable, and every answer is sorted by key.

    While a key is in, a *row* stands for it: a small number, for those who keep arrays beside the index.
    """

    def __init__(self, entries: Iterable[tuple[K, Box4]] = ()) -> None:
        self._row_of: dict[K, int] = {}
        self._key_of: npt.NDArray[np.object_] = np.empty(0, dtype=np.object_)
        self._layers = Layers()
        pairs = list(entries)
        self.insert_many([key for key, _ in pairs], [box for _, box in pairs])

    def __len__(self) -> int:
        return len(self._row_of)

    def __contains__(self, key: object) -> bool:
        return key in self._row_of

    def __iter__(self) -> Iterator[K]:
        return iter(sorted(self._row_of))

    @property
    def dead(self) -> int:
        """How many removed boxes are still carried along: never more than a constant and a share of the living."""
        return self._layers.dead

    @property
    def layers(self) -> tuple[int, ...]:
        """How many boxes each layer holds: the tree of what came lately, then the packs from young to old."""
        return self._layers.shape

    def insert(self, key: K, box: Box4) -> None:
        """Add one box. Raises ValueError for a key that is there already, and for a box that is none."""
        check_box(box)
        if key in self._row_of:
            raise ValueError(f"{key!r} is in the index already")
        row = self._layers.add(box)
        self._row_of[key] = row
        self._make_room()
        self._key_of[row] = key

    def insert_many(self, keys: Sequence[K], boxes: npt.ArrayLike) -> None:
        """Add boxes (n, 8), all or none. Raises ValueError for what `insert` would not take, or for unequal lengths."""
        sides = checked_boxes(boxes)
        if len(keys) != len(sides):
            raise ValueError(f"{len(keys)} keys for {len(sides)} boxes")
        rows_of = dict.fromkeys(keys, 0)
        if len(rows_of) < len(keys) or not self._row_of.keys().isdisjoint(rows_of):
            seen = set(self._row_of)
            twice = next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise ValueError(f"{twice!r} is in the index already")
        rows = self._layers.add_many(sides)
        self._make_room()
        self._row_of.update(zip(keys, rows.tolist(), strict=True))
        # Not `= keys`: numpy would take keys that are pairs for two columns.
        self._key_of[rows] = np.fromiter(keys, dtype=np.object_, count=len(keys))

    def pack(self) -> None:
        """Bring all boxes into one layer, for the fastest answers after a load in parts; changes nothing else."""
        self._layers.settle(everything=True)

    def remove(self, key: K) -> None:
        """Take one box out. Raises KeyError when there is none of that key."""
        row = self._row_of.pop(key)
        self._layers.drop(row)
        self._key_of[row] = None

    def row(self, key: K) -> int:
        """The row that stands for a key while it is in. Raises KeyError."""
        return self._row_of[key]

    def box(self, key: K) -> Box4:
        """The box of a key. Raises KeyError."""
        return box_of(self.sides_at(np.array([self._row_of[key]]))[0].tolist())

    def sides_at(self, rows: Ints) -> Floats:
        """The boxes (n, 8) of rows (n,)."""
        return self._layers.sides(rows)

    def query(self, box: Box4) -> list[K]:
        """The keys of all boxes that touch `box`, sorted. Raises ValueError for a box that is none."""
        check_box(box)
        key_of = self._key_of
        return sorted([key_of[row] for row in self._layers.touching(box)])

    def query_many(self, boxes: npt.ArrayLike) -> Hits:
        """Who touches each of the boxes (n, 8). Raises ValueError for the first that is none."""
        return self.hits(*self.rows_touching(boxes))

    def rows_touching(self, boxes: npt.ArrayLike) -> tuple[Ints, Ints]:
        """Pairs (position in `boxes` (n, 8), row) that touch, in no order. Raises ValueError as `query_many` does."""
        return self._layers.touching_many(checked_boxes(boxes))

    def hits(self, query: Ints, row: Ints) -> Hits:
        """Pairs of `rows_touching` with their keys, in order."""
        return _sorted_hits(query, self._key_of[row])

    def touching(self, route: npt.ArrayLike) -> list[K]:
        """The keys of all boxes that touch any of the boxes (n, 8) of a route, sorted, each once."""
        _, row = self.rows_touching(route)
        return sorted(self._key_of[np.unique(row)].tolist())

    def nearest(self, x_m: float, y_m: float, z_m: float, at_s: float, k: int) -> list[tuple[K, float]]:
        """The `k` boxes that are nearest to a point at a moment: (key, distance [m]), nearest first, then by key.

        Only boxes whose time span holds the moment count: time is a filter, no distance. The distance is the straight
        one in metres to the closest point of the box, 0 inside. Fewer than `k` when there are no more.
        """
        check_box((x_m, y_m, z_m, at_s, x_m, y_m, z_m, at_s))
        near: list[tuple[K, float]] = []
        for radius_m in RADII_M:
            lows: Corner = (x_m - radius_m, y_m - radius_m, z_m - radius_m, at_s)
            highs: Corner = (x_m + radius_m, y_m + radius_m, z_m + radius_m, at_s)
            near = self._by_distance(self._layers.touching((*lows, *highs)), np.array([x_m, y_m, z_m]))
            # Not quite up to the radius: what lies on it may be in or out by rounding.
            sure = bisect.bisect_left(near, 0.99 * radius_m, key=itemgetter(1))
            if sure >= k:
                break
        return near[: max(k, 0)]

    def save(self, path: Path, stamp: str = "") -> None:
        """Write a snapshot; `stamp` says which state of the store it shows. Raises OSError."""
        rows = np.fromiter(self._row_of.values(), dtype=np.int64, count=len(self))
        arrays: Arrays = {"keys": encode_keys(list(self._row_of)), "boxes": self.sides_at(rows)}
        write_snapshot(path, SNAPSHOT_KIND, stamp, arrays)

    @classmethod
    def load(cls, path: Path, rebuild: Callable[[], Iterable[tuple[K, Box4]]], stamp: str = "") -> Loaded[Index4D[K]]:
        """The index of a whole snapshot of this stamp; otherwise one of what `rebuild` gives, with the reason."""
        arrays = read_snapshot(path, SNAPSHOT_KIND, stamp)
        if isinstance(arrays, Reason):
            return Loaded(cls(rebuild()), arrays)
        index: Index4D[K] = cls()
        index.insert_many(decode_keys(arrays["keys"]), arrays["boxes"])
        return Loaded(index, None)

    def _by_distance(self, found: list[int], point: Floats) -> list[tuple[K, float]]:
        rows = np.array(found, dtype=np.int64)
        sides = self._layers.sides(rows)
        outside = np.maximum(np.maximum(sides[:, :3] - point, point - sides[:, 4:7]), 0.0)
        distances = np.hypot(np.hypot(outside[:, 0], outside[:, 1]), outside[:, 2])
        return sorted(zip(self._key_of[rows], distances.tolist(), strict=True), key=lambda pair: (pair[1], pair[0]))

    def _make_room(self) -> None:
        if self._layers.rows > len(self._key_of):
            more = self._layers.rows + self._layers.rows // 2 + 64 - len(self._key_of)
            self._key_of = np.concatenate([self._key_of, np.empty(more, dtype=np.object_)])


def _sorted_hits(query: Ints, keys: npt.NDArray[np.object_]) -> Hits:
    if len(keys) and isinstance(keys[0], int):
        try:
            numbers = keys.astype(np.int64)
        except OverflowError:  # a key of more than 64 bits is a key all the same
            pass
        else:
            order = np.lexsort((numbers, query))
            return Hits(query[order], numbers[order])
    order = np.array(
        sorted(range(len(keys)), key=list(zip(query.tolist(), keys, strict=True)).__getitem__), dtype=np.int64
    )
    return Hits(query[order], keys[order])
