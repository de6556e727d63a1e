"""The packed part of the index: boxes that do not change, in cells of space and time, read in a few contiguous runs.

Boxes of one size class lie in the order of the cell (time, north, east) that holds their low corner; a directory gives
the place where each cell begins. A box that touches a query has its low corner at most the greatest size of its class
before the query, so the candidates are the runs of some neighbouring rows of cells. Height is not indexed: over a
city it tells little, and the comparison that makes answers exact settles it.

Cells are sized so that there are about as many as boxes where most boxes lie. What lies further out falls into the
cells of the edge, and boxes that crowd into few cells become a class of their own with finer cells. The worst case is a
comparison with all the boxes that neither plan nor time tells apart (say, thousands in layers over one spot at one
time), in numpy, at some 10 ns a box.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from airspace.index.boxes import Box4, Floats, Ints, facing

AXES, HIGH_SIDES = (0, 1, 3), (4, 5, 7)  # east, north, time: the sides of a box that are indexed
CELLS_PER_BOX = 4
CELLS_PER_SIZE = np.array([4.0, 1.0, 1.0])  # finer cells along a run cost nothing
SAMPLE = 4096  # boxes that are looked at to choose classes and cells
TYPICAL = 4.0  # a class takes boxes up to so many median sizes
MOST_CLASSES = 12
CROWD = 256  # boxes in one cell that are too many
MOST_RUNS = 64  # of one query in one class; beyond, rows of cells are read as one
SHORT_RUN = 24  # boxes that plain Python compares sooner than numpy is called
CANDIDATES_AT_ONCE = 1 << 20
ALL_EIGHT = np.uint64(0x0101010101010101)  # eight true bytes in a row
FINEST = 1e-6  # cell [m, s]

Three = tuple[float, float, float]
Mask = npt.NDArray[np.bool_]
Lot = tuple[Floats, Ints]  # faces (n, 8) and rows (n,)


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of one class; all threes are (east, north, time)."""

    low: Three  # the outer bounds of its boxes
    high: Three
    reach: Three  # the greatest sizes of its boxes
    origin: Three
    per_unit: Three  # cells per metre and second
    counts: tuple[int, int, int]

    def cells(self, corners: Floats, axis: int) -> Ints:
        """The cell of each coordinate (n,) along one axis; what lies outside is taken for the edge."""
        scaled = (corners - self.origin[axis]) * self.per_unit[axis]
        return np.minimum(np.maximum(scaled, 0), self.counts[axis] - 1).astype(np.int64)

    def numbers(self, corners: Floats) -> Ints:
        """The number of the cell of each corner (3, n), counted in the order time, north, east."""
        nx, ny, _ = self.counts
        x, y, t = (self.cells(coordinates, axis) for axis, coordinates in enumerate(corners))
        return (t * ny + y) * nx + x


@dataclass(frozen=True, slots=True)
class Tract:
    """One class in a pack: its grid and where each cell begins in the pack."""

    grid: Grid
    begins: npt.NDArray[np.int32]  # one more than there are cells
    begins_view: memoryview  # the same: reading one number from it costs a third


class Pack:
    """Boxes of known rows from any number of lots, never added to; a dropped one is blanked where it lies.

    `faces` (n, 8) and `rows` (n,) are in the order of the pack; a place is a position in them.
    """

    def __init__(self, lots: Sequence[Lot]) -> None:
        ends = np.cumsum([0, *(len(rows) for _, rows in lots)]).tolist()
        self.faces = _mapped(8 * ends[-1]).reshape(-1, 8)
        self.rows = _mapped(ends[-1]).view(np.int64)
        self.dropped = 0
        self._tracts: list[Tract] = []
        place = _mapped(ends[-1]).view(np.int64)
        at = 0
        for members, grid, numbers in _classes([faces for faces, _ in lots]):
            begins = np.zeros(math.prod(grid.counts) + 1, dtype=np.int32)
            np.cumsum(np.bincount(numbers, minlength=len(begins) - 1), out=begins[1:])
            begins += at
            place[members[_order(numbers)]] = np.arange(at, at + len(members))
            self._tracts.append(Tract(grid, begins, begins.data))
            at += len(members)
        # Lot by lot to its place, without a copy of them all: memory is what a city of a million volumes is short of.
        for (faces, rows), start, end in zip(lots, ends, ends[1:], strict=False):
            self.faces[place[start:end]] = faces
            self.rows[place[start:end]] = rows
        self._flat = cast("memoryview[float]", self.faces.reshape(-1).data)
        self._rows_view = self.rows.data

    def __len__(self) -> int:
        return len(self.rows) - self.dropped

    def drop(self, place: int) -> None:
        """Let the box at a place touch nothing any more."""
        self._flat[8 * place] = float("nan")
        self.dropped += 1

    def living(self) -> Lot:
        """Faces and rows of the boxes that were not dropped."""
        if not self.dropped:
            return self.faces, self.rows
        alive = ~np.isnan(self.faces[:, 0])
        return self.faces[alive], self.rows[alive]

    def touching(self, box: Box4, found: list[int]) -> None:
        """Append the rows of all boxes that touch `box`, in no order."""
        x0, y0, _, t0, x1, y1, _, t1 = box
        for tract in self._tracts:
            low, high = tract.grid.low, tract.grid.high
            if x0 <= high[0] and x1 >= low[0] and t0 <= high[2] and t1 >= low[2] and y0 <= high[1] and y1 >= low[1]:
                self._touching_in(tract, box, found)

    def _touching_in(self, tract: Tract, box: Box4, found: list[int]) -> None:
        x0, y0, z0, t0, x1, y1, z1, t1 = box
        grid = tract.grid
        reach_x, reach_y, reach_t = grid.reach
        origin_x, origin_y, origin_t = grid.origin
        per_x, per_y, per_t = grid.per_unit
        nx, ny, nt = grid.counts
        # The same arithmetic as `Grid.cells`, without numpy's price per call.
        a = (x0 - reach_x - origin_x) * per_x
        b = (x1 - origin_x) * per_x
        i0 = 0 if a <= 0 else int(a) if a < nx else nx - 1
        i1 = 0 if b <= 0 else int(b) if b < nx else nx - 1
        a = (y0 - reach_y - origin_y) * per_y
        b = (y1 - origin_y) * per_y
        j0 = 0 if a <= 0 else int(a) if a < ny else ny - 1
        j1 = 0 if b <= 0 else int(b) if b < ny else ny - 1
        a = (t0 - reach_t - origin_t) * per_t
        b = (t1 - origin_t) * per_t
        k0 = 0 if a <= 0 else int(a) if a < nt else nt - 1
        k1 = 0 if b <= 0 else int(b) if b < nt else nt - 1
        begins = tract.begins_view
        flat = self._flat
        rows = self._rows_view
        if (j1 - j0 + 1) * (k1 - k0 + 1) > MOST_RUNS:
            self._touching_in_slabs(tract, (i0, j0, k0), (i1, j1, k1), box, found)
            return
        x0, t0 = -x0, -t0
        y0, z0 = -y0, -z0
        for k in range(k0, k1 + 1):
            row = (k * ny + j0) * nx
            for _ in range(j0, j1 + 1):
                start, end = begins[row + i0], begins[row + i1 + 1]
                row += nx
                if end - start > SHORT_RUN:
                    self._compare(start, end, box, found)
                    continue
                for place in range(start, end):
                    f = 8 * place
                    if (
                        flat[f] <= x1
                        and flat[f + 4] <= x0
                        and flat[f + 3] <= t1
                        and flat[f + 7] <= t0
                        and flat[f + 1] <= y1
                        and flat[f + 5] <= y0
                        and flat[f + 2] <= z1
                        and flat[f + 6] <= z0
                    ):
                        found.append(rows[place])

    def _touching_in_slabs(
        self, tract: Tract, low: tuple[int, int, int], high: tuple[int, int, int], box: Box4, found: list[int]
    ) -> None:
        """Read whole slabs of time, or one run of everything between the first cell and the last."""
        nx, ny, _ = tract.grid.counts
        slabs = [(k, k) for k in range(low[2], high[2] + 1)]
        if len(slabs) > MOST_RUNS:
            slabs = [(low[2], high[2])]
        for k0, k1 in slabs:
            start = tract.begins_view[(k0 * ny + low[1]) * nx + low[0]]
            end = tract.begins_view[(k1 * ny + high[1]) * nx + high[0] + 1]
            self._compare(start, end, box, found)

    def _compare(self, start: int, end: int, box: Box4, found: list[int]) -> None:
        x0, y0, z0, t0, x1, y1, z1, t1 = box
        most = np.array([x1, y1, z1, t1, -x0, -y0, -z0, -t0])
        touch = (self.faces[start:end] <= most).view(np.uint64).reshape(-1) == ALL_EIGHT
        found.extend(self.rows[start:end][touch].tolist())

    def touching_many(self, boxes: Floats) -> tuple[Ints, Ints]:
        """Which box (position in `boxes` (n, 8)) touches which row: two arrays of pairs, in no order."""
        most = facing(boxes)
        queries: list[Ints] = [np.empty(0, dtype=np.int64)]
        rows: list[Ints] = [np.empty(0, dtype=np.int64)]
        for tract in self._tracts:
            for query, place in _candidates(tract, boxes):
                touch = (self.faces[place] <= most[query]).view(np.uint64).reshape(-1) == ALL_EIGHT
                queries.append(query[touch])
                rows.append(self.rows[place[touch]])
        return np.concatenate(queries), np.concatenate(rows)


def _candidates(tract: Tract, boxes: Floats) -> Iterator[tuple[Ints, Ints]]:
    """Pairs (position in `boxes`, place) of all that may touch, some at a time."""
    grid = tract.grid
    nx, ny, _ = grid.counts
    x0, y0, t0 = (grid.cells(boxes[:, side] - grid.reach[axis], axis) for axis, side in enumerate(AXES))
    x1, y1, t1 = (grid.cells(boxes[:, side], axis) for axis, side in enumerate(HIGH_SIDES))
    # Of each query: how many runs, where its first begins, how many cells each takes.
    y_runs, t_runs = y1 - y0 + 1, t1 - t0 + 1
    first_cell = (t0 * ny + y0) * nx + x0
    long = x1 - x0 + 1
    many = y_runs * t_runs > MOST_RUNS
    if many.any():
        endless = many & (t_runs > MOST_RUNS)
        long += many * (y1 - y0) * nx + endless * (t1 - t0) * ny * nx
        y_runs[many] = 1
        t_runs[endless] = 1
    runs = y_runs * t_runs
    query = np.repeat(np.arange(len(boxes)), runs)
    nth = np.arange(len(query)) - np.repeat(np.cumsum(runs) - runs, runs)
    k, j = np.divmod(nth, y_runs[query])
    cell = first_cell[query] + (k * ny + j) * nx
    start = tract.begins[cell].astype(np.int64)
    size = tract.begins[cell + long[query]] - start
    some = np.flatnonzero(size)
    yield from _places(query[some], start[some], size[some])


def _places(query: Ints, start: Ints, size: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Every place of the runs [start, start + size) with the query of its run."""
    ends = np.cumsum(size)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(CANDIDATES_AT_ONCE, total, CANDIDATES_AT_ONCE))
    for part in np.split(np.arange(len(size)), cuts) if len(cuts) else [slice(None)]:
        sizes = size[part]
        before = np.cumsum(sizes) - sizes
        place = np.arange(int(sizes.sum())) + np.repeat(start[part] - before, sizes)
        yield np.repeat(query[part], sizes), place


def _classes(lots: Sequence[Floats]) -> Iterator[tuple[Ints, Grid, Ints]]:
    """Members (positions in all lots together), grid and cell numbers of each class; every box is in one."""
    lows, highs = _columns(lots, AXES), _columns(lots, HIGH_SIDES)
    np.negative(highs, out=highs)
    waiting = [np.arange(lows.shape[1])] if lows.size else []
    given = 0
    while waiting:
        members = waiting.pop()
        given += 1
        last = given + len(waiting) >= MOST_CLASSES
        if not last:
            like = _alike(_those(lows, members), _those(highs, members))
            if not like.all():
                waiting.append(members[~like])
                members = members[like]
        corners = _those(lows, members)
        grid = _grid(corners, _those(highs, members))
        numbers = grid.numbers(corners)
        if not last:
            few = np.bincount(numbers)[numbers] <= CROWD
            # Where most are one crowd, finer cells would not part it.
            if not few.all() and 4 * np.count_nonzero(few) >= len(few):
                waiting.append(members[~few])
                members, numbers = members[few], numbers[few]
        yield members, grid, numbers


def _alike(lows: Floats, highs: Floats) -> Mask:
    """Those boxes (sides as (3, n)) that are of a typical size in plan and time; at least one."""
    plan = np.maximum(highs[0] - lows[0], highs[1] - lows[1])
    time = highs[2] - lows[2]
    like: Mask = plan <= TYPICAL * float(np.median(_sample(plan)))
    like &= time <= TYPICAL * float(np.median(_sample(time[like])))
    return like


def _grid(lows: Floats, highs: Floats) -> Grid:
    """Cells for a class (sides as (3, n)): not smaller than its boxes, and not many more than there are boxes."""
    # Axis by axis, which needs a third of the memory; sizes are rounded, perhaps down.
    reach = np.nextafter([(high - low).max() for low, high in zip(lows, highs, strict=True)], np.inf)
    origin, far = np.quantile(_sample(lows), (0.01, 0.99), axis=1)
    extent = far - origin
    edge = np.maximum(reach / CELLS_PER_SIZE, FINEST)
    most = CELLS_PER_BOX * lows.shape[1] + 1
    while (cells := float(np.prod(extent / edge + 1.0))) > most:
        # Along an axis of one cell nothing is saved, so that it may take a few rounds.
        edge = edge * max(1.05, (cells / most) ** (1 / 3))
    counts = (extent / edge).astype(np.int64) + 1
    nx, ny, nt = counts.tolist()
    return Grid(
        _three(lows.min(axis=1)),
        _three(highs.max(axis=1)),
        _three(reach),
        _three(origin),
        _three(1.0 / edge),
        (nx, ny, nt),
    )


def _columns(lots: Sequence[Floats], faces: Sequence[int]) -> Floats:
    """Some faces of all lots, one after the other: (3, n)."""
    ends = np.cumsum([0, *map(len, lots)]).tolist()
    columns = _mapped(len(faces) * ends[-1]).reshape(len(faces), -1)
    for lot, start, end in zip(lots, ends, ends[1:], strict=False):
        for column, face in zip(columns, faces, strict=True):
            column[start:end] = lot[:, face]
    return columns


def _those(values: Floats, members: Ints) -> Floats:
    """The columns of members of (3, n); no copy where that is all of them."""
    return values if len(members) == values.shape[1] else np.take(values, members, axis=1)


def _sample(values: Floats) -> Floats:
    return values[..., :: values.shape[-1] // SAMPLE + 1]


def _order(numbers: Ints) -> Ints:
    """A stable argsort of numbers under 2**32: numpy sorts 16 bits by counting, so twice that is four times as fast."""
    by_low = np.argsort((numbers & 0xFFFF).astype(np.uint16), kind="stable")
    return by_low[np.argsort((numbers >> 16).astype(np.uint16)[by_low], kind="stable")]


def _three(values: Floats) -> Three:
    x, y, t = values.tolist()
    return x, y, t


def _mapped(count: int) -> Floats:
    """Room for numbers in pages of its own, which go back at once; the heap would keep some hundred megabytes."""
    return np.frombuffer(mmap.mmap(-1, 8 * count), dtype=np.float64) if count else np.empty(0)
