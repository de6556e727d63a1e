"""4D boxes: what every part of the index agrees on.

A box is closed on all sides. In the packed part it is eight *faces*, its lows and its negated highs, so that one
comparison per face, all in the same direction, says whether two boxes touch: `faces_of(a) <= facing(b)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# (x0, y0, z0, t0, x1, y1, z1, t1) in [m east, m north, m ellipsoidal, s UTC], lows first.
Box4 = tuple[float, float, float, float, float, float, float, float]

# Of any side [m, s]. Far beyond it, libspatialindex multiplies sides to infinity and never returns.
FARTHEST = 1e15

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def check_box(box: Box4) -> None:
    """Raise ValueError for what is no box: other than eight sides within `FARTHEST`, or a low above its high."""
    if len(box) == 8:
        x0, y0, z0, t0, x1, y1, z1, t1 = box
        # One chain per axis settles order, infinities and NaN; which of them it was is only asked afterwards.
        if (
            -FARTHEST <= x0 <= x1 <= FARTHEST
            and -FARTHEST <= y0 <= y1 <= FARTHEST
            and -FARTHEST <= z0 <= z1 <= FARTHEST
            and -FARTHEST <= t0 <= t1 <= FARTHEST
        ):
            return
        if all(abs(side) <= FARTHEST for side in box):
            raise ValueError(f"a box has its lows before its highs, unlike {box!r}")
    raise ValueError(f"a box has eight finite sides, none beyond {FARTHEST:g}, not {box!r}")


def checked_boxes(boxes: npt.ArrayLike) -> Floats:
    """Boxes as an array (n, 8). Raises ValueError for another shape and for the first row that is no box."""
    sides = np.asarray(boxes, dtype=np.float64)
    if sides.size == 0:
        return sides.reshape(0, 8)
    if sides.ndim != 2 or sides.shape[1] != 8:
        raise ValueError(f"boxes have the shape (n, 8), not {sides.shape}")
    good = (np.abs(sides) <= FARTHEST).all(axis=1) & (sides[:, :4] <= sides[:, 4:]).all(axis=1)
    if not good.all():
        check_box(box_of(sides[int(np.argmin(good))].tolist()))
    return sides


def box_of(sides: Sequence[float]) -> Box4:
    """Eight sides as a box."""
    x0, y0, z0, t0, x1, y1, z1, t1 = sides
    return x0, y0, z0, t0, x1, y1, z1, t1


def faces_of(sides: Floats) -> Floats:
    """Boxes (n, 8) as faces (n, 8): lows, then negated highs."""
    return np.hstack([sides[:, :4], -sides[:, 4:]])


def facing(sides: Floats) -> Floats:
    """What the faces of a box must not exceed to touch each of these boxes (n, 8): highs, then negated lows."""
    return np.hstack([sides[:, 4:], -sides[:, :4]])


def sides_of(faces: Floats) -> Floats:
    """The boxes (n, 8) that faces (n, 8) stand for."""
    return faces_of(faces)  # negating the second half twice leaves it as it was
