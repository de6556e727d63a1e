"""BeiDou height codes (GB/T 39409-2020, section 6 and annex C): layers of ellipsoidal height on ten levels.

Layer n of the finest begins at the height H(n) = r0 (1 + t0)^(n t/t0) - r0, with t0 a degree in radians, t 1/2048 of a
second of arc and r0 the semi-major axis: layers are as thick as cells are wide and grow with height. Below the
ellipsoid n is negative and the code writes its magnitude, so coarser layers there hold magnitudes 0-7, 8-15, ... and
the one nearest to the ellipsoid holds one finest layer less than its twin above.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from airspace.beidou import code_rules as rules
from airspace.beidou.code import read_digit, refused
from airspace.beidou.levels import CHARACTERS, FINEST, UNITS_PER_DEG, HeightForm
from airspace.frames import SEMI_MAJOR_M

DEGREE_RAD = math.pi / 180.0
_LOG_STEP = math.log1p(DEGREE_RAD) / UNITS_PER_DEG


def faces_m(layers: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The lower face [m, ellipsoidal] of each finest layer of an array of numbers."""
    return np.asarray(np.expm1(np.asarray(layers, dtype=np.float64) * _LOG_STEP) * SEMI_MAJOR_M, dtype=np.float64)


def layers_at(heights_m: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The finest layer of each height [m, ellipsoidal] of an array: the n with faces_m(n) <= height < faces_m(n + 1).

    Heights must be finite and over -r0.
    """
    heights = np.asarray(heights_m, dtype=np.float64)
    n = np.floor(np.log1p(heights / SEMI_MAJOR_M) / _LOG_STEP).astype(np.int64)
    # A logarithm rounds: a height on a face, or a hair beside it, may have come out one layer off.
    n -= faces_m(n) > heights
    n += faces_m(n + 1) <= heights
    return n


def height_length(level: int) -> int:
    """How many characters a height code has that ends with a level: the sign, two for level 1, one for each other."""
    return level + 2


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of ellipsoidal height: `magnitude` counts layers of its level away from the ellipsoid, above or below.

    Raises ValueError for a layer that the grid does not have.
    """

    level: int
    below: bool
    magnitude: int
    form: HeightForm = HeightForm.MIXED

    def __post_init__(self) -> None:
        least = _least_below(self.level) if self.below else 0
        if not least <= self.magnitude < most_layers(self.form) // self.form.layers_in(self.level):
            raise ValueError(f"level {self.level} has no layer {self.magnitude} {'below' if self.below else 'above'}")

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """The layer's code: 3 to 12 characters, the first ones those of the layers that it lies in."""
        return "".join(self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The code in pieces: sign, then one for each level."""
        rest = self.magnitude
        pieces: list[str] = []
        for number in range(self.level, 1, -1):
            rest, digit = divmod(rest, self.form.parts(number))
            pieces.append(CHARACTERS[digit])
        pieces += [f"{rest:02d}", "1" if self.below else "0"]
        return tuple(reversed(pieces))

    @property
    def finest(self) -> tuple[int, int]:
        """The finest layers that it holds: the lowest, and the one after the highest."""
        size = self.form.layers_in(self.level)
        if not self.below:
            return self.magnitude * size, (self.magnitude + 1) * size
        return 1 - (self.magnitude + 1) * size, min(1 - self.magnitude * size, 0)

    @property
    def bounds_m(self) -> tuple[float, float]:
        """Lower and upper face [m, ellipsoidal]; a height on a face is in the layer above it."""
        low_m, high_m = faces_m(self.finest)
        return float(low_m), float(high_m)

    def ancestor(self, level: int) -> Layer:
        """The layer of a coarser level (or its own) that it lies in. Raises ValueError for a finer one."""
        if level > self.level:
            raise ValueError(f"level {level} is finer than level {self.level}")
        parts = self.form.layers_in(level) // self.form.layers_in(self.level)
        return Layer(level, self.below, self.magnitude // parts, self.form)

    def children(self) -> Iterator[Layer]:
        """The layers of the next level that tile it, away from the ellipsoid. Raises ValueError at level 10."""
        parts = self.form.parts(self.level + 1)
        for magnitude in range(self.magnitude * parts, (self.magnitude + 1) * parts):
            if not self.below or magnitude >= _least_below(self.level + 1):
                yield Layer(self.level + 1, self.below, magnitude, self.form)

    @property
    def index(self) -> int:
        """Its number among the layers of its level, upwards without a gap: 0 the first above the ellipsoid."""
        return _least_below(self.level) - 1 - self.magnitude if self.below else self.magnitude

    def neighbour(self, up: int) -> Layer | None:
        """The layer so many layers higher; None beyond the last."""
        index = self.index + up
        magnitude = _least_below(self.level) - 1 - index if index < 0 else index
        if magnitude >= most_layers(self.form) // self.form.layers_in(self.level):
            return None
        return Layer(self.level, index < 0, magnitude, self.form)


def _least_below(level: int) -> int:
    """The magnitude of the layer right below the ellipsoid: the finest layers count from 1 there."""
    return 1 if level == FINEST else 0


def most_layers(form: HeightForm) -> int:
    """How many of the finest layers a height code can count, either way."""
    return form.parts(1) * form.layers_in(1)


def heights_m(form: HeightForm) -> tuple[float, float]:
    """The lowest height [m, ellipsoidal] that has a layer, and the least one above all layers."""
    most = most_layers(form)
    low_m, high_m = faces_m([1 - most, most])
    return float(low_m), float(high_m)


def layer_at(ellipsoidal_m: float, level: int = FINEST, form: HeightForm = HeightForm.MIXED, where: str = "") -> Layer:
    """The layer of a level that holds an ellipsoidal height [m] in CGCS2000.

    Raises `Refused`, with `where` as its place, for a height that has no layer (6,302 km down, 528,680 km up), and
    ValueError for a level outside 1 to 10.
    """
    size = form.layers_in(level)
    low_m, high_m = heights_m(form)
    if not low_m <= ellipsoidal_m < high_m:
        raise refused(rules.HEIGHT, where, found=ellipsoidal_m, low_m=low_m, high_m=high_m)
    n = int(layers_at([ellipsoidal_m])[0])
    return Layer(level, n < 0, abs(n) // size, form)


def parse_layer(code: str, form: HeightForm = HeightForm.MIXED, where: str = "") -> Layer:
    """The layer of a height code. Raises `Refused`, with `where` as its place, for what is no code."""
    level = len(code) - height_length(0)
    if not 1 <= level <= FINEST:
        lengths = f"{height_length(1)}-{height_length(FINEST)}"
        raise refused(rules.LENGTH, where, count=len(code), lengths=lengths)
    return read_layer(code, range(len(code)), level, form, where)


def read_layer(code: str, at: Sequence[int], level: int, form: HeightForm, where: str) -> Layer:
    """The layer of a level whose code stands at some of the characters of a text. Raises `Refused` for another one."""
    below = read_digit(code, at[0], "01", 1, where) == 1
    tens, ones = (read_digit(code, at[i], CHARACTERS[:10], 1, where) for i in (1, 2))
    magnitude = 10 * tens + ones
    if magnitude >= form.parts(1):
        raise refused(rules.LAYER, where, found=f"{magnitude:02d}")
    for number in range(2, level + 1):
        parts = form.parts(number)
        magnitude = magnitude * parts + read_digit(code, at[number + 1], CHARACTERS[:parts], number, where)
    if below and level == FINEST and magnitude == 0:
        raise refused(rules.NO_LAYER, where)
    return Layer(level, below, magnitude, form)
