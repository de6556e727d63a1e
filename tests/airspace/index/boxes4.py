"""Boxes to try an index with, and what brute force says about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from airspace.index import Box4, Hits, Index4D
from airspace.index.boxes import Floats

K = TypeVar("K", int, str, tuple[str, int])

# Few different sides, so that boxes often touch, coincide and have no thickness; some are where UTC seconds are, some
# are as far out as a box may be, where differences are rounded.
sides = (
    st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-9, 2.5, 7.0, 1779066000.0, 1779066000.25, -1e9, 1e-9, -1e15, 1e15])
    | st.floats(-1e6, 1e6)
    | st.floats(-1e15, 1e15)
)
spans = st.tuples(sides, sides).map(lambda pair: (min(pair), max(pair)))
boxes = st.tuples(spans, spans, spans, spans).map(lambda four: (*(low for low, _ in four), *(high for _, high in four)))

EVERYTHING: Box4 = (-1e15, -1e15, -1e15, -1e15, 1e15, 1e15, 1e15, 1e15)


def touch(a: Box4, b: Box4) -> bool:
    """Whether two closed boxes touch."""
    return all(a[i] <= b[i + 4] and b[i] <= a[i + 4] for i in range(4))


def touching(held: Mapping[K, Box4], asked: Box4) -> list[K]:
    """Brute force over everything."""
    return sorted(key for key, box in held.items() if touch(box, asked))


def pairs(hits: Hits) -> list[tuple[int, object]]:
    """Hits as plain pairs."""
    return list(zip(hits.query.tolist(), hits.key.tolist(), strict=True))


def brute_pairs(held: Floats, asked: Floats) -> set[tuple[int, int]]:
    """Pairs (position in `asked`, position in `held`) of all that touch."""
    found: set[tuple[int, int]] = set()
    for number, box in enumerate(asked):
        meets = (held[:, :4] <= box[4:]).all(axis=1) & (box[:4] <= held[:, 4:]).all(axis=1)
        found.update((number, int(row)) for row in np.flatnonzero(meets))
    return found


def index_of(held: Floats) -> Index4D[int]:
    """An index of boxes by their number."""
    index: Index4D[int] = Index4D()
    index.insert_many(range(len(held)), held)
    return index
