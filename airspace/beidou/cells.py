"""Three-dimensional BeiDou grid codes (GB/T 39409-2020, section 7): a cell of the plan times a layer of height.

The code weaves the two: hemisphere letter and height sign, then for each level its part of the plan and its part of
the height, 7 to 32 characters in all. A code that begins with another names a place within that other's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product

from airspace.beidou import code_rules as rules
from airspace.beidou.code import Cell2D, Degrees, cell_at, read_cell, refused
from airspace.beidou.height_code import Layer, height_length, layer_at, read_layer
from airspace.beidou.levels import FINEST, HeightForm, level_of


@dataclass(frozen=True, slots=True)
class Cell3D:
    """A block of airspace: a cell of the plan between the faces of a layer. Raises ValueError for two levels."""

    plan: Cell2D
    layer: Layer

    def __post_init__(self) -> None:
        if self.plan.level != self.layer.level:
            raise ValueError(f"a plan of level {self.plan.level} goes with no layer of level {self.layer.level}")

    def __str__(self) -> str:
        return self.code

    @property
    def level(self) -> int:
        """The level of both."""
        return self.plan.level

    @property
    def code(self) -> str:
        """The block's code: 7 to 32 characters."""
        return "".join(chain.from_iterable(zip(self.plan.parts, self.layer.parts, strict=True)))

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """West, south, east and north side [deg]."""
        return self.plan.bounds_deg

    @property
    def bounds_m(self) -> tuple[float, float]:
        """Lower and upper face [m, ellipsoidal]."""
        return self.layer.bounds_m

    def ancestor(self, level: int) -> Cell3D:
        """The block of a coarser level (or its own) that it lies in. Raises ValueError for a finer one."""
        return Cell3D(self.plan.ancestor(level), self.layer.ancestor(level))

    def children(self) -> Iterator[Cell3D]:
        """The blocks of the next level that tile it. Raises ValueError at level 10."""
        for layer in self.layer.children():
            for plan in self.plan.children():
                yield Cell3D(plan, layer)

    def neighbour(self, east: int, north: int, up: int) -> Cell3D | None:
        """The block so many blocks to the east, north and above; None beyond the grid."""
        plan, layer = self.plan.neighbour(east, north), self.layer.neighbour(up)
        return None if plan is None or layer is None else Cell3D(plan, layer)

    def neighbours(self) -> tuple[Cell3D, ...]:
        """The blocks that touch it at a face, an edge or a corner: 26, or fewer at the ends of the grid."""
        steps = (step for step in product((-1, 0, 1), repeat=3) if any(step))
        around = (self.neighbour(east, north, up) for up, north, east in steps)
        return tuple(cell for cell in around if cell is not None)


def block_at(
    lat_deg: Degrees,
    lon_deg: Degrees,
    ellipsoidal_m: float,
    level: int = FINEST,
    form: HeightForm = HeightForm.MIXED,
    where: str = "",
) -> Cell3D:
    """The block of a level that holds a CGCS2000 position [deg] at an ellipsoidal height [m].

    Raises `Refused` as `cell_at` and `layer_at` do, and ValueError for a level outside 1 to 10.
    """
    return Cell3D(cell_at(lat_deg, lon_deg, level, where), layer_at(ellipsoidal_m, level, form, where))


def parse_block(code: str, form: HeightForm = HeightForm.MIXED, where: str = "") -> Cell3D:
    """The block of a 3D code. Raises `Refused`, with `where` as its place, for what is no code or a polar one."""
    lengths = {block_length(number): number for number in range(1, FINEST + 1)}
    if code[2:4] == "00" and code[:1] in ("N", "S"):
        raise refused(rules.POLAR_CODE, where)
    if len(code) not in lengths:
        raise refused(rules.LENGTH, where, count=len(code), lengths=", ".join(map(str, lengths)))
    level = lengths[len(code)]
    plan_at, height_at = layout(level)
    return Cell3D(read_cell(code, plan_at, level, where), read_layer(code, height_at, level, form, where))


def block_length(level: int) -> int:
    """How many characters a 3D code has that ends with a level."""
    return level_of(level).length + height_length(level)


def layout(level: int) -> tuple[list[int], list[int]]:
    """Which characters of a 3D code are those of the plan, and which those of the height."""
    plan, layer = [0], [1]
    for number in range(1, level + 1):
        plan_length = level_of(number).length - (level_of(number - 1).length if number > 1 else 1)
        start = len(plan) + len(layer)
        plan += range(start, start + plan_length)
        start += plan_length
        layer += range(start, start + height_length(number) - len(layer))
    return plan, layer
