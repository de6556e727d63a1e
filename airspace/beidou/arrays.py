"""BeiDou grid codes of many places at once: what `code` and `cells` say of one, over numpy arrays, to the character.

Codes of one array have one level and are held as fixed-width bytes; as a key, a 2D code is one integer whose order is
that of the codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from airspace.beidou import code_rules as rules
from airspace.beidou.cells import block_length, layout, parse_block
from airspace.beidou.code import GRAINS_PER_DEG, cell_at, parse_cell, refused
from airspace.beidou.height_code import heights_m, layer_at, layers_at
from airspace.beidou.levels import (
    CHARACTERS,
    COLUMNS_PER_HEMISPHERE,
    FINEST,
    LIMIT_LAT_DEG,
    ROW_LETTERS,
    ROWS_PER_HEMISPHERE,
    UNITS_PER_DEG,
    HeightForm,
    level_of,
)

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.uint8]  # shape (n, characters), ASCII

# So many rows at a time stay in a core's cache from the first operation to the last.
ROWS_AT_ONCE = 8192
_OFF_GRID_DEG = 360.0
_NO_DIGIT = 99
_ASCII_OF_DIGIT = np.frombuffer(CHARACTERS.encode(), dtype=np.uint8)


def _values(alphabet: str) -> Texts:
    """What each ASCII character stands for in an alphabet."""
    table = np.full(256, _NO_DIGIT, dtype=np.uint8)
    table[np.frombuffer(alphabet.encode(), dtype=np.uint8)] = np.arange(len(alphabet))
    return table


_DIGIT_OF_ASCII = _values(CHARACTERS)
_ROW_OF_ASCII = _values(ROW_LETTERS)


@dataclass(frozen=True, slots=True, eq=False)
class CellArray:
    """Cells of one level: `lon_index` and `lat_index` of shape (n,) count as those of `Cell2D` do."""

    level: int
    lon_index: Ints
    lat_index: Ints

    def __len__(self) -> int:
        return len(self.lon_index)

    def codes(self) -> npt.NDArray[np.bytes_]:
        """The 2D codes, shape (n,) of as many bytes as the level takes."""
        length = level_of(self.level).length
        out = np.empty((len(self), length), dtype=np.uint8)
        for rows in _chunks(len(self)):
            _write_plan(out[rows], range(length), self.level, self.lon_index[rows], self.lat_index[rows])
        return out.view(f"S{length}").ravel()

    def keys(self) -> Ints:
        """The codes as integers in the order of the codes, shape (n,).

        The descendants of a cell some levels down have the keys from key x k to (key + 1) x k - 1, with k their number.
        """
        out = np.empty(len(self), dtype=np.int64)
        for rows in _chunks(len(self)):
            digits = _plan_digits(self.level, self.lon_index[rows], self.lat_index[rows])
            key = np.zeros(len(out[rows]), dtype=np.int64)
            for digit, count in digits:
                key = key * count + digit
            out[rows] = key
        return out

    def bounds_units(self) -> Ints:
        """West, south, east and north sides [1/2048 second of arc], shape (n, 4)."""
        size = level_of(self.level)
        west, south = self.lon_index * size.lon_units, self.lat_index * size.lat_units
        return np.column_stack([west, south, west + size.lon_units, south + size.lat_units])

    def centres_deg(self) -> npt.NDArray[np.float64]:
        """Longitude and latitude of the middles [deg], shape (n, 2)."""
        west, south, east, north = self.bounds_units().T
        return np.column_stack([west + east, south + north]) / (2 * UNITS_PER_DEG)


@dataclass(frozen=True, slots=True, eq=False)
class BlockArray:
    """Blocks of one level: cells of the plan, and `below` and `magnitude` of shape (n,) as those of `Layer`."""

    plan: CellArray
    below: Flags
    magnitude: Ints
    form: HeightForm = HeightForm.MIXED

    def __len__(self) -> int:
        return len(self.plan)

    def codes(self) -> npt.NDArray[np.bytes_]:
        """The 3D codes, shape (n,) of as many bytes as the level takes."""
        plan, level = self.plan, self.plan.level
        plan_at, height_at = layout(level)
        length = len(plan_at) + len(height_at)
        out = np.empty((len(self), length), dtype=np.uint8)
        for rows in _chunks(len(self)):
            _write_plan(out[rows], plan_at, level, plan.lon_index[rows], plan.lat_index[rows])
            _write_layer(out[rows], height_at, level, self.form, self.below[rows], self.magnitude[rows])
        return out.view(f"S{length}").ravel()


def cells_at(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, level: int = FINEST) -> CellArray:
    """The cells of a level that hold positions [deg], two arrays of shape (n,), as `cell_at` finds them.

    Raises `Refused` for the first position that has no cell, with its index as the place.
    """
    size = level_of(level)
    lat, lon = np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64)
    lat_grains, lon_grains = _grains(lat), _grains(lon)
    bad = (np.abs(lat_grains) >= LIMIT_LAT_DEG * GRAINS_PER_DEG) | (np.abs(lon_grains) > 180 * GRAINS_PER_DEG)
    if bad.any():
        i = int(np.argmax(bad))
        cell_at(float(lat[i]), float(lon[i]), level, f"[{i}]")
    lon_index, lat_index = np.empty(len(lon), dtype=np.int64), np.empty(len(lat), dtype=np.int64)
    for rows in _chunks(len(lon)):
        x = np.minimum(_units(lon_grains[rows]), 180 * UNITS_PER_DEG - 1) // size.lon_units
        y = _units(lat_grains[rows]) // size.lat_units
        lon_index[rows] = np.where(lon_grains[rows] >= 0, x, -1 - x)
        lat_index[rows] = np.where(lat_grains[rows] >= 0, y, -1 - y)
    return CellArray(level, lon_index, lat_index)


def blocks_at(
    lat_deg: npt.ArrayLike,
    lon_deg: npt.ArrayLike,
    ellipsoidal_m: npt.ArrayLike,
    level: int = FINEST,
    form: HeightForm = HeightForm.MIXED,
) -> BlockArray:
    """The blocks of a level that hold positions [deg] at heights [m], arrays of shape (n,), as `block_at` finds them.

    Raises `Refused` for the first that has no block, with its index as the place.
    """
    plan = cells_at(lat_deg, lon_deg, level)
    heights = np.asarray(ellipsoidal_m, dtype=np.float64)
    low_m, high_m = heights_m(form)
    bad = ~((heights >= low_m) & (heights < high_m))
    if bad.any():
        i = int(np.argmax(bad))
        layer_at(float(heights[i]), level, form, f"[{i}]")
    n = np.empty(len(plan), dtype=np.int64)
    for rows in _chunks(len(plan)):
        n[rows] = layers_at(heights[rows])
    return BlockArray(plan, n < 0, np.abs(n) // form.layers_in(level), form)


def parse_cells(codes: npt.ArrayLike) -> CellArray:
    """The cells of 2D codes of one level, an array of shape (n,) of bytes or text.

    Raises `Refused` for the first that is no code or of another level than the rest, with its index as the place.
    """
    levels = {level_of(number).length: number for number in range(1, FINEST + 1)}
    texts = _texts(codes, min(levels))
    level = _level(codes, texts, levels, parse_cell)
    lon_index, lat_index, good = _read_plan(texts, range(texts.shape[1]), level)
    _refuse_first(codes, texts, good, parse_cell)
    return CellArray(level, lon_index, lat_index)


def parse_blocks(codes: npt.ArrayLike, form: HeightForm = HeightForm.MIXED) -> BlockArray:
    """The blocks of 3D codes of one level, an array of shape (n,) of bytes or text.

    Raises `Refused` for the first that is no code or of another level than the rest, with its index as the place.
    """

    def parse(code: str, where: str) -> object:
        return parse_block(code, form, where)

    levels = {block_length(number): number for number in range(1, FINEST + 1)}
    texts = _texts(codes, min(levels))
    level = _level(codes, texts, levels, parse)
    plan_at, height_at = layout(level)
    lon_index, lat_index, good = _read_plan(texts, plan_at, level)
    below, magnitude, good_height = _read_layer(texts, height_at, level, form)
    _refuse_first(codes, texts, good & good_height, parse)
    return BlockArray(CellArray(level, lon_index, lat_index), below, magnitude, form)


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, count, ROWS_AT_ONCE))


def _grains(degrees: npt.NDArray[np.float64]) -> Ints:
    """Whole 1e-9 degrees, as `cell_at` rounds floats; what is no number or far off comes out off the grid."""
    near = np.where(np.abs(degrees) < _OFF_GRID_DEG, degrees, _OFF_GRID_DEG)
    grains: Ints = np.rint(near * GRAINS_PER_DEG).astype(np.int64)
    return grains


def _units(grains: Ints) -> Ints:
    """Whole units from zero; up to 180 degrees the product stays within 64 bits."""
    units: Ints = np.abs(grains) * (UNITS_PER_DEG // 100) // (GRAINS_PER_DEG // 100)
    return units


def _from_zero(index: Ints) -> npt.NDArray[np.uint32]:
    """How many cells lie between each cell and zero; no level has more than 32 bits of them."""
    return np.where(index >= 0, index, -1 - index).astype(np.uint32)


def _divided(a: npt.NDArray[np.uint32], by: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Quotient and remainder; numpy's own divmod takes four times as long as its division by one number."""
    quotient = a // np.uint32(by)
    return quotient, a - quotient * np.uint32(by)


def _plan_digits(level: int, lon_index: Ints, lat_index: Ints) -> list[tuple[npt.NDArray[np.uint32], int]]:
    """The digits of 2D codes in order, each with how many there are: hemisphere, column, row, then level by level."""
    lon, lat = _from_zero(lon_index), _from_zero(lat_index)
    digits: list[tuple[npt.NDArray[np.uint32], int]] = []
    for number in range(level, 1, -1):
        size = level_of(number)
        lon, a = _divided(lon, size.lon_parts)
        lat, b = _divided(lat, size.lat_parts)
        if size.z_order:
            digits.append((2 * b + a, size.lon_parts * size.lat_parts))
        else:
            digits += [(b, size.lat_parts), (a, size.lon_parts)]
    half = COLUMNS_PER_HEMISPHERE
    column = np.where(lon_index >= 0, half + lon, half - 1 - lon).astype(np.uint32)
    south = (lat_index < 0).astype(np.uint32)
    digits += [(lat, ROWS_PER_HEMISPHERE), (column, 2 * half), (south, 2)]
    return digits[::-1]


def _write_plan(out: Texts, at: Sequence[int], level: int, lon_index: Ints, lat_index: Ints) -> None:
    """Write 2D codes into columns of characters."""
    (south, _), (column, _), (row, _), *rest = _plan_digits(level, lon_index, lat_index)
    tens, ones = _divided(column + 1, 10)
    out[:, at[0]] = np.where(south, ord("S"), ord("N"))
    out[:, at[1]], out[:, at[2]] = ord("0") + tens, ord("0") + ones
    out[:, at[3]] = ord("A") + row
    for place, (digit, _) in zip(at[4:], rest, strict=True):
        out[:, place] = _ASCII_OF_DIGIT[digit]


def _write_layer(out: Texts, at: Sequence[int], level: int, form: HeightForm, below: Flags, magnitude: Ints) -> None:
    """Write height codes into columns of characters."""
    rest = magnitude.astype(np.uint32)
    for number in range(level, 1, -1):
        rest, digit = _divided(rest, form.parts(number))
        out[:, at[number + 1]] = _ASCII_OF_DIGIT[digit]
    tens, ones = _divided(rest, 10)
    out[:, at[0]] = ord("0") + below
    out[:, at[1]], out[:, at[2]] = ord("0") + tens, ord("0") + ones


def _texts(codes: npt.ArrayLike, shortest: int) -> Texts:
    """The characters of codes, shape (n, longest), 0 after the end of a shorter one, 255 for what is not ASCII."""
    array = np.asarray(codes)
    if array.dtype.kind not in "SU" or array.ndim != 1:
        raise TypeError(f"codes come in one row of bytes or text, not as {array.dtype} of shape {array.shape}")
    if not len(array):
        return np.zeros((0, shortest), dtype=np.uint8)
    wide = np.ascontiguousarray(array).view(np.uint8 if array.dtype.kind == "S" else np.uint32).reshape(len(array), -1)
    longest = int(np.max(np.nonzero((wide != 0).any(axis=0))[0], initial=0)) + 1
    used: npt.NDArray[np.uint32] = wide[:, :longest].astype(np.uint32)
    return np.where(used < 128, used, 255).astype(np.uint8)


def _level(codes: npt.ArrayLike, texts: Texts, levels: dict[int, int], parse: Callable[[str, str], object]) -> int:
    """The level of the longest code. Raises `Refused` for it when no level is as long."""
    length = texts.shape[1]
    if length not in levels:
        _refuse_first(codes, texts, texts[:, -1] == 0, parse)
    return levels.get(length, 1)


def _refuse_first(codes: npt.ArrayLike, texts: Texts, good: Flags, parse: Callable[[str, str], object]) -> None:
    """Raise `Refused` for the first code that is not good, as its parser does, or else for being of another level."""
    if good.all():
        return
    i = int(np.argmin(good))
    found = np.asarray(codes)[i]
    code = found.decode("ascii", "replace") if isinstance(found, bytes) else str(found)
    parse(code, f"[{i}]")
    raise refused(rules.OTHER_LEVEL, f"[{i}]", count=len(code), expected=texts.shape[1])


def _read_plan(texts: Texts, at: Sequence[int], level: int) -> tuple[Ints, Ints, Flags]:
    """Indexes in longitude and latitude of 2D codes in columns of characters, and which of them are codes."""
    count = len(texts)
    lon, lat, good = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.bool_)
    for rows in _chunks(count):
        text = texts[rows]
        tens, ones = _DIGIT_OF_ASCII[text[:, at[1]]], _DIGIT_OF_ASCII[text[:, at[2]]]
        column = 10 * tens.astype(np.int64) + ones - 1
        row = _ROW_OF_ASCII[text[:, at[3]]]
        south = text[:, at[0]] == ord("S")
        fine = (south | (text[:, at[0]] == ord("N"))) & (row < ROWS_PER_HEMISPHERE)
        fine &= (tens < 10) & (ones < 10) & (column >= 0) & (column < 2 * COLUMNS_PER_HEMISPHERE)
        east = column >= COLUMNS_PER_HEMISPHERE
        x = np.where(east, column - COLUMNS_PER_HEMISPHERE, COLUMNS_PER_HEMISPHERE - 1 - column)
        y = row.astype(np.int64)
        for number in range(2, level + 1):
            size, first = level_of(number), level_of(number - 1).length
            a = b = _DIGIT_OF_ASCII[text[:, at[first]]]
            if size.z_order:
                a, b = a % 2, b // 2
            else:
                b = _DIGIT_OF_ASCII[text[:, at[first + 1]]]
            fine &= (a < size.lon_parts) & (b < size.lat_parts)
            x, y = x * size.lon_parts + a, y * size.lat_parts + b
        lon[rows], lat[rows] = np.where(east, x, -1 - x), np.where(south, -1 - y, y)
        good[rows] = fine
    return lon, lat, good


def _read_layer(texts: Texts, at: Sequence[int], level: int, form: HeightForm) -> tuple[Flags, Ints, Flags]:
    """Signs and magnitudes of height codes in columns of characters, and which of them are codes."""
    below = texts[:, at[0]] == ord("1")
    tens, ones = _DIGIT_OF_ASCII[texts[:, at[1]]], _DIGIT_OF_ASCII[texts[:, at[2]]]
    magnitude = 10 * tens.astype(np.int64) + ones
    good = (below | (texts[:, at[0]] == ord("0"))) & (tens < 10) & (ones < 10) & (magnitude < form.parts(1))
    for number in range(2, level + 1):
        digit = _DIGIT_OF_ASCII[texts[:, at[number + 1]]]
        good &= digit < form.parts(number)
        magnitude = magnitude * form.parts(number) + digit
    if level == FINEST:
        good &= ~below | (magnitude > 0)
    return below, magnitude, good
