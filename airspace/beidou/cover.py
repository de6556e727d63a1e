"""Solids covered by blocks of the BeiDou grid: from outside, so that nothing of the solid is left out, or from inside.

An outer cover has every block that the solid touches, its border included, so that two solids that touch have a block
in common. Blocks are tested a grain of positions (1e-9 degrees) wider than they are: a position that rounds into a
block is counted as in it. An inner cover has only blocks that lie in the solid with that grain to spare.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import translate

from airspace.beidou import code_rules as rules
from airspace.beidou.cells import Cell3D
from airspace.beidou.code import GRAINS_PER_DEG, Cell2D, refused
from airspace.beidou.height_code import Layer, layer_at
from airspace.beidou.levels import FINEST, UNITS_PER_DEG, level_of
from airspace.beidou.solids import Solid

MOST = 1024
MOST_DIVIDED = 1024
GRAIN_DEG = 1.0 / GRAINS_PER_DEG

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def outer_cover(solid: Solid, level: int, most: int = MOST) -> tuple[Cell3D, ...]:
    """Every block of one level that a solid touches, by code.

    Raises `Refused` when there are more than `most`, and ValueError for a level outside 1 to 10.
    """
    layers = list(_touched_layers(solid, level, most))
    plan = _Plan(solid).cover(level, most, len(layers), outer=True)
    return _by_code(Cell3D(cell, layer) for layer in layers for cell in plan)


def inner_cover(solid: Solid, level: int, most: int = MOST) -> tuple[Cell3D, ...]:
    """Every block of one level that lies in a solid, by code; none for a solid that is too thin to hold one.

    Raises `Refused` when there are more than `most`, or when its border alone crosses more, and ValueError for a level
    outside 1 to 10.
    """
    layers = [layer for layer in _touched_layers(solid, level, most, spare=2) if _related(solid, layer)[1]]
    if not layers:
        return ()
    plan = _Plan(solid).cover(level, most, len(layers), outer=False)
    return _by_code(Cell3D(cell, layer) for layer in layers for cell in plan)


def mixed_outer_cover(solid: Solid, finest: int = FINEST, most: int = MOST) -> tuple[Cell3D, ...]:
    """Blocks of levels up to `finest` that together hold all of a solid, by code: large inside, small at its border.

    The largest are divided first, until the next division would make more than `most`. Raises `Refused` when not even
    blocks of level 1 are so few, and ValueError for a level outside 1 to 10.
    """
    level_of(finest)
    plan = _Plan(solid)
    done: list[_Node] = []
    open_ = deque(_roots(solid, plan, most))
    while open_:
        node = open_[0]
        if node.held or node.block.level == finest:
            done.append(open_.popleft())
            continue
        parts = _divided(solid, plan, node)
        if len(done) + len(open_) - 1 + len(parts) > most:
            break
        open_.popleft()
        open_.extend(parts)
    return _by_code(node.block for node in (*done, *open_))


def mixed_inner_cover(solid: Solid, finest: int = FINEST, most: int = MOST) -> tuple[Cell3D, ...]:
    """Blocks of levels up to `finest` that lie in a solid without overlapping, by code: the largest, at most `most`.

    At most `MOST_DIVIDED` blocks of its border are divided in the search. Raises `Refused` when the solid touches more
    than `most` blocks of level 1, and ValueError for a level outside 1 to 10.
    """
    level_of(finest)
    plan = _Plan(solid)
    open_ = deque(_roots(solid, plan, most))
    done: list[Cell3D] = []
    divided = 0
    while open_ and len(done) < most:
        node = open_.popleft()
        if node.held:
            done.append(node.block)
        elif node.block.level < finest and divided < MOST_DIVIDED and _reaches_into(solid, node.block.layer):
            divided += 1
            open_.extend(_divided(solid, plan, node))
    return _by_code(done)


class _Node(NamedTuple):
    """A block that touches the solid, with whether its plan lies in the outline, and whether all of it is held."""

    block: Cell3D
    plan_held: bool
    held: bool


class _Plan:
    """The outline of a solid as cells see it: once on every turn of the earth on which it shows."""

    def __init__(self, solid: Solid) -> None:
        outline = solid.outline_lon_lat_deg
        turned = (translate(outline, turn_deg) if turn_deg else outline for turn_deg in (-360.0, 0.0, 360.0))
        edge_deg = 180.0 + GRAIN_DEG
        self.outlines = [one for one in turned if one.bounds[0] <= edge_deg and one.bounds[2] >= -edge_deg]
        for one in self.outlines:
            shapely.prepare(one)

    def related(self, level: int, lon: Ints, lat: Ints) -> tuple[Flags, Flags]:
        """Which of the cells touch the outline, and which lie in it."""
        west, south, east, north = _sides_deg(level, lon, lat)
        touching, held = np.zeros(len(lon), dtype=np.bool_), np.zeros(len(lon), dtype=np.bool_)
        for outline in self.outlines:
            x0, y0, x1, y1 = outline.bounds
            near = np.nonzero((west <= x1) & (east >= x0) & (south <= y1) & (north >= y0))[0]
            boxes = shapely.box(west[near], south[near], east[near], north[near])
            touching[near] |= shapely.intersects(outline, boxes)
            held[near] |= shapely.covers(outline, boxes)
        return touching, held

    def cover(self, level: int, most: int, layers: int, *, outer: bool) -> list[Cell2D]:
        """The cells of a level that touch the outline, or that lie in it.

        Raises `Refused` when as many in each of some layers are more than `most` blocks.
        """
        held: list[tuple[int, Ints, Ints]] = []
        lon, lat = _all_of_level_1()
        for number in range(1, level + 1):
            if number > 1:
                lon, lat = _parts_of(number, lon, lat)
            touching, inside = self.related(number, lon, lat)
            if inside.any():
                held.append((number, lon[inside], lat[inside]))
            crossing = touching & ~inside
            lon, lat = lon[crossing], lat[crossing]
            if layers * (len(lon) + sum(len(h[1]) * _parts_between(h[0], level) for h in held)) > most:
                raise refused(rules.TOO_MANY_CELLS, "", level=level, most=most)
        cells = [Cell2D(level, int(x), int(y)) for x, y in zip(lon, lat, strict=True)] if outer else []
        for number, x, y in held:
            for finer in range(number + 1, level + 1):
                x, y = _parts_of(finer, x, y)
            cells += [Cell2D(level, int(i), int(j)) for i, j in zip(x, y, strict=True)]
        return cells


def _all_of_level_1() -> tuple[Ints, Ints]:
    size = level_of(1)
    lon, lat = np.meshgrid(np.arange(-size.lon_count, size.lon_count), np.arange(-size.lat_count, size.lat_count))
    return lon.ravel(), lat.ravel()


def _parts_of(level: int, lon: Ints, lat: Ints) -> tuple[Ints, Ints]:
    """The cells of a level that the cells of the level above divide into."""
    size = level_of(level)
    number = np.arange(size.lon_parts * size.lat_parts)
    x = lon[:, None] * size.lon_parts + number % size.lon_parts
    y = lat[:, None] * size.lat_parts + number // size.lon_parts
    return x.ravel(), y.ravel()


def _parts_between(level: int, finer: int) -> int:
    own, other = level_of(level), level_of(finer)
    return (own.lon_units // other.lon_units) * (own.lat_units // other.lat_units)


def _sides_deg(level: int, lon: Ints, lat: Ints) -> tuple[npt.NDArray[np.float64], ...]:
    """West, south, east and north sides [deg], a grain wider, but not beyond the antimeridian."""
    size = level_of(level)
    west, south = lon * size.lon_units, lat * size.lat_units
    return (
        np.maximum(west / UNITS_PER_DEG - GRAIN_DEG, -180.0),
        south / UNITS_PER_DEG - GRAIN_DEG,
        np.minimum((west + size.lon_units) / UNITS_PER_DEG + GRAIN_DEG, 180.0),
        (south + size.lat_units) / UNITS_PER_DEG + GRAIN_DEG,
    )


def _touched_layers(solid: Solid, level: int, most: int, spare: int = 0) -> Iterator[Layer]:
    """The layers of a level that a solid touches, from below. Raises `Refused` for more than `most` and some spare."""
    low, high = layer_at(solid.floor_ellipsoidal_m, level), layer_at(solid.ceiling_ellipsoidal_m, level)
    first = low.index - (low.bounds_m[0] == solid.floor_ellipsoidal_m)  # the layer that ends where the solid begins
    if high.index - first >= most + spare:
        raise refused(rules.TOO_MANY_CELLS, "", level=level, most=most)
    for index in range(first, high.index + 1):
        layer = low.neighbour(index - low.index)
        if layer is not None:
            yield layer


def _related(solid: Solid, layer: Layer) -> tuple[bool, bool]:
    """Whether a layer touches the heights of a solid, and whether it lies in them."""
    (low_m, high_m), floor_m, ceiling_m = layer.bounds_m, solid.floor_ellipsoidal_m, solid.ceiling_ellipsoidal_m
    return low_m <= ceiling_m and floor_m <= high_m, floor_m <= low_m and high_m <= ceiling_m


def _reaches_into(solid: Solid, layer: Layer) -> bool:
    """Whether a layer has more in common with the heights of a solid than a face."""
    low_m, high_m = layer.bounds_m
    return low_m < solid.ceiling_ellipsoidal_m and solid.floor_ellipsoidal_m < high_m


def _roots(solid: Solid, plan: _Plan, most: int) -> Iterator[_Node]:
    """The blocks of level 1 that touch a solid. Raises `Refused` for more than `most`."""
    layers = list(_touched_layers(solid, 1, most))
    lon, lat = _all_of_level_1()
    touching, held = plan.related(1, lon, lat)
    if touching.sum() * len(layers) > most:
        raise refused(rules.TOO_MANY_CELLS, "", level=1, most=most)
    for layer in layers:
        _, holds = _related(solid, layer)
        for i in np.nonzero(touching)[0]:
            block = Cell3D(Cell2D(1, int(lon[i]), int(lat[i])), layer)
            yield _Node(block, bool(held[i]), bool(held[i]) and holds)


def _divided(solid: Solid, plan: _Plan, node: _Node) -> list[_Node]:
    """The blocks of the next level in a block that touch the solid."""
    block, level = node.block, node.block.level + 1
    lon, lat = _parts_of(level, np.array([block.plan.lon_index]), np.array([block.plan.lat_index]))
    if node.plan_held:
        touching = held = np.ones(len(lon), dtype=np.bool_)
    else:
        touching, held = plan.related(level, lon, lat)
    cells = [(Cell2D(level, int(lon[i]), int(lat[i])), bool(held[i])) for i in np.nonzero(touching)[0]]
    nodes: list[_Node] = []
    for layer in block.layer.children():
        touches, holds = _related(solid, layer)
        if touches:
            nodes += [_Node(Cell3D(cell, layer), inside, inside and holds) for cell, inside in cells]
    return nodes


def _by_code(blocks: Iterable[Cell3D]) -> tuple[Cell3D, ...]:
    return tuple(sorted(blocks, key=lambda block: block.code))
