"""A 4D box index: it finds the boxes over east, north, height and time that touch a given one.

Boxes are closed in every dimension, so an answer is a set of candidates: half-open time windows and true outlines are
the business of `Volume4D`. The tree is libspatialindex's R*-tree; it answers in tens of microseconds but deletes in a
millisecond, so a removed box is only marked dead and the tree is loaded anew when a tenth of it is dead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

import numpy as np
from rtree.index import Index, Property

# (x0, y0, z0, t0, x1, y1, z1, t1) in [m east, m north, m ellipsoidal, s UTC], lows first.
Box4 = tuple[float, float, float, float, float, float, float, float]

K = TypeVar("K", int, str, tuple[str, int])

LEAF_CAPACITY = 10  # measured: at 100,000 boxes twice as fast as rtree's 100
DEAD_SHARE = 0.1
FEWEST_DEAD = 32  # a small tree is not worth loading anew for every removal


class Index4D(Generic[K]):
    """Boxes by key; keys are unique and sortable, and every answer is sorted by key."""

    def __init__(self, entries: Iterable[tuple[K, Box4]] = ()) -> None:
        self._boxes: dict[K, Box4] = {}
        self._serial_of: dict[K, int] = {}
        self._key_of: dict[int, K] = {}
        self._next_serial = 0
        self._dead = 0
        for key, box in entries:
            self._register(key, box)
        self._tree = self._loaded()

    def __len__(self) -> int:
        return len(self._boxes)

    def __contains__(self, key: object) -> bool:
        return key in self._boxes

    def __iter__(self) -> Iterator[K]:
        return iter(sorted(self._boxes))

    @property
    def dead(self) -> int:
        """How many removed boxes the tree still carries: what slows queries until it is loaded anew."""
        return self._dead

    def insert(self, key: K, box: Box4) -> None:
        """Add one box. Raises ValueError for a key that is there already, and for a box that is none."""
        self._tree.insert(self._register(key, box), box)

    def remove(self, key: K) -> None:
        """Take one box out. Raises KeyError when there is none of that key."""
        del self._boxes[key]
        del self._key_of[self._serial_of.pop(key)]
        self._dead += 1
        if self._dead >= FEWEST_DEAD and self._dead > DEAD_SHARE * len(self._boxes):
            self._tree = self._loaded()

    def query(self, box: Box4) -> list[K]:
        """The keys of all boxes that touch `box`, sorted. Raises ValueError for a box that is none."""
        _check(box)
        key_of = self._key_of
        return sorted(key_of[serial] for serial in self._tree.intersection(box) if serial in key_of)

    def _register(self, key: K, box: Box4) -> int:
        _check(box)
        if key in self._boxes:
            raise ValueError(f"{key!r} is in the index already")
        serial = self._next_serial
        self._next_serial += 1
        self._boxes[key] = box
        self._serial_of[key] = serial
        self._key_of[serial] = key
        return serial

    def _loaded(self) -> Index:
        self._dead = 0
        properties = Property(dimension=4, leaf_capacity=LEAF_CAPACITY, index_capacity=LEAF_CAPACITY)
        if not self._boxes:  # libspatialindex refuses an empty bulk load
            return Index(interleaved=True, properties=properties)
        serials = np.fromiter(self._serial_of.values(), dtype=np.int64, count=len(self._boxes))
        sides = np.array(list(self._boxes.values()), dtype=np.float64)
        lows, highs = np.ascontiguousarray(sides[:, :4]), np.ascontiguousarray(sides[:, 4:])
        return Index((serials, lows, highs), interleaved=True, properties=properties)


def _check(box: Box4) -> None:
    lows, highs = box[:4], box[4:]
    if len(box) != 8 or not all(math.isfinite(side) for side in box):
        raise ValueError(f"a box has eight finite sides, not {box!r}")
    if any(low > high for low, high in zip(lows, highs, strict=True)):
        raise ValueError(f"a box has its lows before its highs, unlike {box!r}")
