"""The ten levels of the BeiDou grid, GB/T 39409-2020: how each divides the one above, and how its part of a code reads.

One unit is 1/2048 of a second of arc, the side of the smallest cell: every side of every cell is a whole number of
units, so the grid is counted in integers. Heights are counted in layers as thick as a unit is wide at the ellipsoid.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import NamedTuple

UNITS_PER_DEG = 3600 * 2048
FINEST = 10
COLUMNS_PER_HEMISPHERE = 30  # level 1: 6 degrees of longitude each
ROWS_PER_HEMISPHERE = 22  # level 1: 4 degrees of latitude each, A to V, up to 88 degrees
LIMIT_LAT_DEG = 88
CHARACTERS = "0123456789ABCDEF"
ROW_LETTERS = "ABCDEFGHIJKLMNOPQRSTUV"


class Level(NamedTuple):
    """How a level divides a cell of the level above: so many parts in longitude, in latitude and in height.

    `z_order` levels write their part as one digit, 2 x row + column; the others as a digit of each. `lon_units` and
    `lat_units` are the sides of a cell; `length` is that of a 2D code which ends with this level.
    """

    lon_parts: int
    lat_parts: int
    height_parts: int
    z_order: bool
    lon_units: int
    lat_units: int
    length: int

    @property
    def lon_count(self) -> int:
        """How many cells there are in longitude on each side of Greenwich."""
        return 180 * UNITS_PER_DEG // self.lon_units

    @property
    def lat_count(self) -> int:
        """How many cells there are in latitude on each side of the equator, up to 88 degrees."""
        return LIMIT_LAT_DEG * UNITS_PER_DEG // self.lat_units


def _levels() -> tuple[Level, ...]:
    parts = [(12, 8, 8), (2, 3, 2), (15, 10, 15), (15, 15, 15), (2, 2, 2), *[(8, 8, 8)] * 4]
    lon_units, lat_units = 6 * UNITS_PER_DEG, 4 * UNITS_PER_DEG
    rows = [Level(COLUMNS_PER_HEMISPHERE, ROWS_PER_HEMISPHERE, 64, False, lon_units, lat_units, 4)]
    for number, (lon_parts, lat_parts, height_parts) in enumerate(parts, start=2):
        lon_units, lat_units = lon_units // lon_parts, lat_units // lat_parts
        z_order = number in (3, 6)
        length = rows[-1].length + (1 if z_order else 2)
        rows.append(Level(lon_parts, lat_parts, height_parts, z_order, lon_units, lat_units, length))
    return tuple(rows)


_LEVELS = _levels()


def level_of(number: int) -> Level:
    """The level of a number. Raises ValueError for any but 1 to 10."""
    if not 1 <= number <= FINEST:
        raise ValueError(f"the levels of the grid are 1 to {FINEST}, not {number}")
    return _LEVELS[number - 1]


class HeightForm(Enum):
    """How a number of layers is written. The standard can be read in two ways, which agree from 0 to 1839.59 m.

    The text and its alphabets (15 parts at levels 4 and 5) mean MIXED digits; the worked example of its annex C.14
    cuts the number into BITS instead, with 16 parts there, as every open implementation does.
    """

    MIXED = "mixed"
    BITS = "bits"

    def parts(self, number: int) -> int:
        """Into how many layers a level divides a layer of the one above."""
        parts = level_of(number).height_parts
        return 16 if self is HeightForm.BITS and parts == 15 else parts

    def layers_in(self, number: int) -> int:
        """How many of the finest layers one layer of a level holds. Raises ValueError for any but 1 to 10."""
        level_of(number)
        return _LAYERS_IN[self][number - 1]


def _layers_in(form: HeightForm) -> tuple[int, ...]:
    parts = [form.parts(number) for number in range(2, FINEST + 1)]
    return tuple(math.prod(parts[number - 1 :]) for number in range(1, FINEST + 1))


_LAYERS_IN = {form: _layers_in(form) for form in HeightForm}
