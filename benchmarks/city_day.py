"""The seeded city day that the airspace benchmarks ask about: volumes and routes over 100 x 100 km and 24 hours."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString

from airspace.margins import ARC_SEGMENTS, grown
from airspace.volumes import Volume4D

SIDE_M = 100_000.0
DAY_S = 86_400.0
BEGIN_S = 1_779_062_400.0  # 2026-05-18T00:00:00Z
LOWEST_M, HIGHEST_M = 80.0, 200.0  # of floors, ellipsoidal: a plain at 80 m, flights up to 120 m over it
AT_ONCE = 10_000

Boxes = npt.NDArray[np.float64]


def boxes(count: int, seed: int) -> Boxes:
    """Boxes (n, 8): 50-500 m wide either way, 10-60 m thick, 1-30 min long, anywhere in the day."""
    chance = np.random.default_rng(seed)
    low = chance.uniform((0.0, 0.0, LOWEST_M, BEGIN_S), (SIDE_M, SIDE_M, HIGHEST_M, BEGIN_S + DAY_S), (count, 4))
    size = chance.uniform((50.0, 50.0, 10.0, 60.0), (500.0, 500.0, 60.0, 1800.0), (count, 4))
    return np.hstack([low, low + size])


def volumes(count: int, seed: int) -> Iterator[tuple[int, Volume4D]]:
    """Numbered volumes of swept legs, as routes have them: 35 corners each, within the same sizes."""
    for first in range(0, count, AT_ONCE):
        some = boxes(min(AT_ONCE, count - first), seed + first)
        radius = np.minimum(60.0, 0.4 * (some[:, 4:6] - some[:, :2]).min(axis=1))[:, np.newaxis]
        ends = np.stack([some[:, :2] + radius, some[:, 4:6] - radius], axis=1)
        ends[::2, :, 1] = ends[::2, ::-1, 1]  # every other leg leads south
        outlines = shapely.buffer(shapely.linestrings(ends), radius[:, 0], quad_segs=ARC_SEGMENTS)
        for number, (outline, sides) in enumerate(zip(outlines, some.tolist(), strict=True), first):
            yield number, Volume4D(outline, sides[2], sides[6], sides[3], sides[7])


def route(legs: int, seed: int) -> list[Volume4D]:
    """The volumes of a route that wanders over the city at 12 m/s for half a minute a leg, 30 m of margin around."""
    chance = np.random.default_rng(seed)
    x, y = chance.uniform(0.2 * SIDE_M, 0.8 * SIDE_M, 2)
    height_m = chance.uniform(LOWEST_M + 40.0, HIGHEST_M)
    at_s = BEGIN_S + chance.uniform(0.2, 0.8) * DAY_S
    heading = chance.uniform(0.0, 2.0 * math.pi)
    swept = []
    for _ in range(legs):
        heading += chance.normal(0.0, 0.5)
        to = (x + 360.0 * math.sin(heading), y + 360.0 * math.cos(heading))
        outline = grown(LineString([(x, y), to]), 30.0)
        swept.append(Volume4D(outline, height_m - 10.0, height_m + 10.0, at_s - 15.0, at_s + 45.0))
        (x, y), at_s = to, at_s + 30.0
    return swept
