"""Two-dimensional BeiDou grid codes (GB/T 39409-2020, section 5): cells of ten levels, named, found and divided.

The grid lies on CGCS2000 longitude and latitude between 88°S and 88°N. From level 2 down numbers grow away from the
equator and from Greenwich, in all four quadrants. A border belongs to the cell that it is nearest to zero in: a cell
holds its side towards the equator and towards Greenwich, and not the others; the equator and Greenwich themselves
belong to the north and to the east. 180 and -180 belong to the last cell on the side that their sign says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from airspace.beidou import code_rules as rules
from airspace.beidou.levels import (
    CHARACTERS,
    COLUMNS_PER_HEMISPHERE,
    FINEST,
    LIMIT_LAT_DEG,
    ROW_LETTERS,
    UNITS_PER_DEG,
    level_of,
)
from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule

# Decimal degrees as a person writes them are often no binary fraction, and 27.9 is a border: floats are rounded to
# this grain first (0.1 mm), and text, Decimal and Fraction are taken exactly.
GRAINS_PER_DEG = 10**9
MOST_DECIMALS = 100
Degrees = float | str | Decimal | Fraction


@dataclass(frozen=True, slots=True)
class Cell2D:
    """One cell: its indexes count cells of its level from Greenwich and the equator, with -1 for the first beyond.

    Raises ValueError for a cell that the grid does not have.
    """

    level: int
    lon_index: int
    lat_index: int

    def __post_init__(self) -> None:
        level = level_of(self.level)
        on_earth = -level.lon_count <= self.lon_index < level.lon_count
        if not (on_earth and -level.lat_count <= self.lat_index < level.lat_count):
            raise ValueError(f"level {self.level} has no cell {self.lon_index}, {self.lat_index}")

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """The cell's code: 4 to 20 characters, the first ones those of the cells that it lies in."""
        return "".join(self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The code in pieces: hemisphere, then one for each level."""
        lon, lat = _from_zero(self.lon_index), _from_zero(self.lat_index)
        pieces: list[str] = []
        for number in range(self.level, 1, -1):
            level = level_of(number)
            lon, a = divmod(lon, level.lon_parts)
            lat, b = divmod(lat, level.lat_parts)
            pieces.append(CHARACTERS[2 * b + a] if level.z_order else CHARACTERS[a] + CHARACTERS[b])
        east = self.lon_index >= 0
        column = COLUMNS_PER_HEMISPHERE + 1 + lon if east else COLUMNS_PER_HEMISPHERE - lon
        pieces += [f"{column:02d}{ROW_LETTERS[lat]}", "N" if self.lat_index >= 0 else "S"]
        return tuple(reversed(pieces))

    @property
    def bounds_units(self) -> tuple[int, int, int, int]:
        """West, south, east and north side [1/2048 second of arc], exactly."""
        level = level_of(self.level)
        west, south = self.lon_index * level.lon_units, self.lat_index * level.lat_units
        return west, south, west + level.lon_units, south + level.lat_units

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """West, south, east and north side [deg], to the nearest float."""
        west, south, east, north = self.bounds_units
        return west / UNITS_PER_DEG, south / UNITS_PER_DEG, east / UNITS_PER_DEG, north / UNITS_PER_DEG

    @property
    def centre(self) -> LatLon:
        """The middle of the cell."""
        west, south, east, north = self.bounds_units
        return LatLon((south + north) / (2 * UNITS_PER_DEG), (west + east) / (2 * UNITS_PER_DEG))

    def holds(self, lat_deg: Degrees, lon_deg: Degrees) -> bool:
        """Whether a position is in the cell, borders decided as the module says. Raises `Refused` as `cell_at` does."""
        return cell_at(lat_deg, lon_deg, self.level) == self

    def ancestor(self, level: int) -> Cell2D:
        """The cell of a coarser level (or its own) that it lies in. Raises ValueError for a finer one."""
        own, other = level_of(self.level), level_of(level)
        if level > self.level:
            raise ValueError(f"level {level} is finer than level {self.level}")
        lon_parts, lat_parts = other.lon_units // own.lon_units, other.lat_units // own.lat_units
        return Cell2D(level, self.lon_index // lon_parts, self.lat_index // lat_parts)

    def children(self) -> Iterator[Cell2D]:
        """The cells of the next level that tile it, west to east and south to north. Raises ValueError at level 10."""
        level = level_of(self.level + 1)
        for lat_index in range(self.lat_index * level.lat_parts, (self.lat_index + 1) * level.lat_parts):
            for lon_index in range(self.lon_index * level.lon_parts, (self.lon_index + 1) * level.lon_parts):
                yield Cell2D(self.level + 1, lon_index, lat_index)

    def neighbour(self, east: int, north: int) -> Cell2D | None:
        """The cell so many cells to the east and north, around the earth; None beyond 88 degrees."""
        level = level_of(self.level)
        lat_index = self.lat_index + north
        if not -level.lat_count <= lat_index < level.lat_count:
            return None
        around = (self.lon_index + east + level.lon_count) % (2 * level.lon_count) - level.lon_count
        return Cell2D(self.level, around, lat_index)

    def neighbours(self) -> tuple[Cell2D, ...]:
        """The cells that touch it at a side or a corner: eight, or five at 88 degrees."""
        steps = [(east, north) for north in (-1, 0, 1) for east in (-1, 0, 1) if east or north]
        around = (self.neighbour(east, north) for east, north in steps)
        return tuple(cell for cell in around if cell is not None)


def _from_zero(index: int) -> int:
    """How many cells lie between a cell and zero; the same number on both sides."""
    return index if index >= 0 else -1 - index


def cell_at(lat_deg: Degrees, lon_deg: Degrees, level: int = FINEST, where: str = "") -> Cell2D:
    """The cell of a level that holds a CGCS2000 position [deg], with exact integers all through.

    Floats are rounded to 1e-9 degrees first; text, Decimal and Fraction are taken as they are. Raises `Refused`, with
    `where` as its place, for what is no number, a longitude beyond 180 and a latitude of 88 or more either way, and
    ValueError for a level outside 1 to 10.
    """
    size = level_of(level)
    lat, lon = _exact(lat_deg, where), _exact(lon_deg, where)
    if abs(lat) >= LIMIT_LAT_DEG:
        raise refused(rules.POLAR, where, found=lat_deg)
    if abs(lon) > 180:
        raise refused(rules.LONGITUDE, where, found=lon_deg)
    x = min(math.floor(abs(lon) * UNITS_PER_DEG), 180 * UNITS_PER_DEG - 1) // size.lon_units
    y = math.floor(abs(lat) * UNITS_PER_DEG) // size.lat_units
    return Cell2D(level, x if lon >= 0 else -1 - x, y if lat >= 0 else -1 - y)


def _exact(degrees: Degrees, where: str) -> Fraction:
    try:
        if isinstance(degrees, float):
            return Fraction(round(degrees * GRAINS_PER_DEG), GRAINS_PER_DEG)
        if isinstance(degrees, Fraction):
            return degrees
        number = Decimal(degrees)
        # 1e999999999 is a number too, but not one whose digits anybody should write out
        if number.adjusted() <= 3 and int(number.as_tuple().exponent) >= -MOST_DECIMALS:
            return Fraction(number)
    except (InvalidOperation, OverflowError, ValueError):
        pass
    raise refused(rules.NOT_A_NUMBER, where, found=repr(degrees)[:40])


def parse_cell(code: str, where: str = "") -> Cell2D:
    """The cell of a 2D code. Raises `Refused`, with `where` as its place, for what is no code or a polar one."""
    lengths = {level_of(number).length: number for number in range(1, FINEST + 1)}
    if code[1:3] == "00" and code[:1] in ("N", "S"):
        raise refused(rules.POLAR_CODE, where)
    if len(code) not in lengths:
        raise refused(rules.LENGTH, where, count=len(code), lengths=", ".join(map(str, lengths)))
    return read_cell(code, range(len(code)), lengths[len(code)], where)


def read_cell(code: str, at: Sequence[int], level: int, where: str) -> Cell2D:
    """The cell of a level whose code stands at some of the characters of a text. Raises `Refused` for another one."""
    north = read_digit(code, at[0], "NS", 1, where) == 0
    column = 10 * read_digit(code, at[1], CHARACTERS[:7], 1, where) + read_digit(code, at[2], CHARACTERS[:10], 1, where)
    if not 1 <= column <= 2 * COLUMNS_PER_HEMISPHERE:
        raise refused(rules.COLUMN, where, found=f"{column:02d}")
    east = column > COLUMNS_PER_HEMISPHERE
    lon = column - COLUMNS_PER_HEMISPHERE - 1 if east else COLUMNS_PER_HEMISPHERE - column
    lat = read_digit(code, at[3], ROW_LETTERS, 1, where)
    for number in range(2, level + 1):
        size = level_of(number)
        first = level_of(number - 1).length
        if size.z_order:
            b, a = divmod(read_digit(code, at[first], CHARACTERS[: 2 * size.lat_parts], number, where), 2)
        else:
            a = read_digit(code, at[first], CHARACTERS[: size.lon_parts], number, where)
            b = read_digit(code, at[first + 1], CHARACTERS[: size.lat_parts], number, where)
        lon, lat = lon * size.lon_parts + a, lat * size.lat_parts + b
    return Cell2D(level, lon if east else -1 - lon, lat if north else -1 - lat)


def read_digit(code: str, at: int, alphabet: str, level: int, where: str) -> int:
    """What the character at an index stands for. Raises `Refused` for one that is not in the alphabet."""
    found = code[at]
    value = alphabet.find(found)
    if value >= 0:
        return value
    if found.upper() in alphabet:
        raise refused(rules.LOWER_CASE, where, position=at + 1, found=found, meant=found.upper())
    raise refused(rules.CHARACTER, where, position=at + 1, found=repr(found), level=level, alphabet=alphabet)


def refused(rule: Rule, where: str, **facts: object) -> Refused:
    """One reason to refuse a code or a position."""
    return Refused([Reason(rule, where, facts)])
