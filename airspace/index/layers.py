"""Boxes by row number, in layers: what came lately in an R*-tree, what came before in packs.

New boxes go to the tree of package `rtree`. When it holds many, its boxes and those of the youngest packs become a new
pack, so that packs grow geometrically with age: there are few of them, and a box is packed anew only a few times in
its life. A removed box is blanked in its pack, or its row forgotten in the tree. The answers do not depend on where
a box lies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rtree.index import Index, Property, RT_Quadratic

from airspace.index.boxes import Box4, Floats, Ints, box_of, faces_of, sides_of
from airspace.index.packed import Lot, Pack

MOST_RECENT = 4096  # entries of the tree, the forgotten ones included
BULK = 256  # as many new boxes at once go straight to a pack
FEW_QUERIES = 16  # that are answered sooner one by one
LARGE_BATCH = 1024  # queries that are worth packing what is recent first
GROWTH = 8  # a pack joins a new one unless it is so many times larger
DROPPED_SHARE = 0.25
FEWEST_DROPPED = 64
MARKS_PER_M, MARKS_PER_S = 1 / 1024, 1 / 2048
MOST_MARKS = 27  # of one box
MARKS_A_ROW = 1 << 20  # two cells may share a number: the tree is asked in vain, no more
RECENT = -1

# Guttman's quadratic split: half the price of an insertion into libspatialindex's R*, and a query costs little more.
# Leaves of 10: at 100,000 boxes twice as fast as rtree's 100.
LEAF_CAPACITY = 10
FILL_FACTOR = 0.4  # libspatialindex takes less than a half for this split
NOTHING = Pack([])


class Layers:
    """Boxes by row; rows are small numbers, given out here and used again after a box is dropped."""

    def __init__(self) -> None:
        self._packs: list[Pack] = []
        self._pack_of = np.empty(0, dtype=np.int32)  # by row: a position in `_packs`, or RECENT
        self._place_of = np.empty(0, dtype=np.int32)  # by row: a place in its pack
        self._rows = 0
        self._free: list[int] = []
        self._recent: dict[int, Box4] = {}
        self._forgotten: list[int] = []  # rows that the tree still answers with
        self._clear_tree()

    def __len__(self) -> int:
        return len(self._recent) + sum(map(len, self._packs))

    @property
    def rows(self) -> int:
        """One more than the greatest row ever given out."""
        return self._rows

    @property
    def dead(self) -> int:
        """How many dropped boxes are still carried along."""
        return len(self._forgotten) + sum(pack.dropped for pack in self._packs)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many boxes each layer holds: the tree first, then the packs from young to old."""
        return (len(self._recent), *(len(pack) for pack in reversed(self._packs)))

    def add(self, box: Box4) -> int:
        """Take one good box and give its row."""
        row = self._new_row()
        self._tree.insert(row, box)
        self._recent[row] = box
        self._pack_of[row] = RECENT
        self._mark(box)
        if len(self._recent) + len(self._forgotten) >= MOST_RECENT:
            self.settle()
        return row

    def add_many(self, sides: Floats) -> Ints:
        """Take good boxes (n, 8) and give their rows."""
        if len(sides) < BULK:
            return np.array([self.add(box_of(row)) for row in sides.tolist()], dtype=np.int64)
        again = self._free[len(self._free) - min(len(sides), len(self._free)) :][::-1]
        del self._free[len(self._free) - len(again) :]
        fresh = np.arange(self._rows, self._rows + len(sides) - len(again))
        rows = np.concatenate([np.array(again, dtype=np.int64), fresh])
        self._rows += len(fresh)
        self._make_room()
        self.settle([(faces_of(sides), rows)])
        return rows

    def drop(self, row: int) -> None:
        """Let go of the box of a row."""
        if row in self._recent:
            del self._recent[row]
            self._forgotten.append(row)
            return
        number = int(self._pack_of[row])
        pack = self._packs[number]
        pack.drop(int(self._place_of[row]))
        self._free.append(row)
        if pack.dropped >= FEWEST_DROPPED and pack.dropped > DROPPED_SHARE * len(pack.rows):
            self._put_pack(number, [pack.living()])

    def sides(self, rows: Ints) -> Floats:
        """The boxes (n, 8) of rows (n,)."""
        sides = np.empty((len(rows), 8))
        for number in np.unique(self._pack_of[rows]).tolist():
            here = self._pack_of[rows] == number
            if number == RECENT:
                sides[here] = [self._recent[row] for row in rows[here].tolist()]
            else:
                sides[here] = sides_of(self._packs[number].faces[self._place_of[rows[here]]])
        return sides

    def touching(self, box: Box4) -> list[int]:
        """The rows of the boxes that touch a good box, in no order."""
        found: list[int] = []
        for pack in self._packs:
            pack.touching(box, found)
        if self._recent and self._may_be_recent(box):
            recent = self._recent
            found.extend(row for row in self._tree.intersection(box) if row in recent)
        return found

    def touching_many(self, boxes: Floats) -> tuple[Ints, Ints]:
        """Pairs (position in `boxes` (n, 8), row) of all that touch, in no order."""
        if len(boxes) <= FEW_QUERIES:
            found = [(n, row) for n, box in enumerate(boxes.tolist()) for row in self.touching(box_of(box))]
            few = np.array(found, dtype=np.int64).reshape(-1, 2)
            return few[:, 0], few[:, 1]
        if self._recent and len(boxes) >= LARGE_BATCH:
            self.settle()
        pairs = [pack.touching_many(boxes) for pack in self._packs]
        if self._recent:
            lows, highs = np.ascontiguousarray(boxes[:, :4]), np.ascontiguousarray(boxes[:, 4:])
            rows, counts = self._tree.intersection_v(lows, highs)
            queries = np.repeat(np.arange(len(boxes)), counts.astype(np.int64))
            alive = ~np.isin(rows, np.array(self._forgotten, dtype=np.int64))
            pairs.append((queries[alive], rows[alive]))
        if len(pairs) == 1:
            return pairs[0]
        none = np.empty(0, dtype=np.int64)
        return np.concatenate([none, *(query for query, _ in pairs)]), np.concatenate(
            [none, *(row for _, row in pairs)]
        )

    def settle(self, fresh: Sequence[Lot] = (), *, everything: bool = False) -> None:
        """Pack what is recent and fresh; packs that are not much larger join, or all of them."""
        parts = list(fresh)
        if everything and not parts and not self._recent and len(self._packs) < 2:
            return
        if self._recent:
            sides = np.array(list(self._recent.values()))
            parts.append((faces_of(sides), np.fromiter(self._recent, dtype=np.int64, count=len(sides))))
        size = sum(len(some) for _, some in parts)
        while self._packs and (everything or len(self._packs[-1]) <= GROWTH * max(size, MOST_RECENT)):
            parts.append(self._packs.pop().living())
            size += len(parts[-1][1])
        self._free.extend(self._forgotten)
        self._forgotten = []
        self._recent = {}
        self._clear_tree()
        if size:
            self._packs.append(NOTHING)
            self._put_pack(len(self._packs) - 1, parts)

    def _put_pack(self, number: int, lots: Sequence[Lot]) -> None:
        pack = self._packs[number] = Pack(lots)
        self._pack_of[pack.rows] = number
        self._place_of[pack.rows] = np.arange(len(pack.rows))

    def _new_row(self) -> int:
        if self._free:
            return self._free.pop()
        self._rows += 1
        self._make_room()
        return self._rows - 1

    def _make_room(self) -> None:
        if self._rows > len(self._pack_of):
            more = self._rows + self._rows // 2 + 64 - len(self._pack_of)
            self._pack_of = np.concatenate([self._pack_of, np.empty(more, dtype=np.int32)])
            self._place_of = np.concatenate([self._place_of, np.empty(more, dtype=np.int32)])

    def _clear_tree(self) -> None:
        properties = Property(
            dimension=4,
            variant=RT_Quadratic,
            leaf_capacity=LEAF_CAPACITY,
            index_capacity=LEAF_CAPACITY,
            fill_factor=FILL_FACTOR,
        )
        self._tree = Index(interleaved=True, properties=properties)
        # Cells of space and time in which something recent may lie: most queries need not ask the tree at all.
        self._marks: set[int] = set()
        self._marked_everywhere = False

    def _may_be_recent(self, box: Box4) -> bool:
        i0, i1, j0, j1, k0, k1 = _mark_range(box)
        if self._marked_everywhere or (i1 - i0) * (j1 - j0) * (k1 - k0) > MOST_MARKS:
            return True
        marks = self._marks
        for k in range(k0, k1):
            for j in range(j0, j1):
                row = (k * MARKS_A_ROW + j) * MARKS_A_ROW
                for i in range(i0, i1):
                    if row + i in marks:
                        return True
        return False

    def _mark(self, box: Box4) -> None:
        i0, i1, j0, j1, k0, k1 = _mark_range(box)
        if (i1 - i0) * (j1 - j0) * (k1 - k0) > MOST_MARKS:
            self._marked_everywhere = True
            return
        marks = self._marks
        for k in range(k0, k1):
            for j in range(j0, j1):
                row = (k * MARKS_A_ROW + j) * MARKS_A_ROW
                for i in range(i0, i1):
                    marks.add(row + i)


def _mark_range(box: Box4) -> tuple[int, int, int, int, int, int]:
    """The half-open ranges of cells that a box touches: cutting off is as good as rounding down, both keep order."""
    x0, y0, _, t0, x1, y1, _, t1 = box
    return (
        int(x0 * MARKS_PER_M),
        int(x1 * MARKS_PER_M) + 1,
        int(y0 * MARKS_PER_M),
        int(y1 * MARKS_PER_M) + 1,
        int(t0 * MARKS_PER_S),
        int(t1 * MARKS_PER_S) + 1,
    )
