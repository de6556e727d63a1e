"""Grid codes as keys of solids in a shared store, so that a plain index over texts finds all that may overlap.

A solid is stored under the 3D codes of the blocks that hold it (`blocks`) and, apart from these, of the larger blocks
that those lie in (`above`). Two solids that share a place have blocks there of which one lies in the other or is it,
so one's `blocks` meet the other's `blocks` or `above`: nothing that overlaps is missed. What is found need not overlap;
the exact test decides.

In SQL, with a row (id, code, own) for each block and own = false for those above: look for `code IN (blocks)` of
either kind, and `code IN (above) AND own`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from airspace.beidou.cells import block_length
from airspace.beidou.cover import mixed_outer_cover
from airspace.beidou.solids import Solid

Id = TypeVar("Id", bound=Hashable)

# Blocks of level 6 are 62 m wide and 61 m thick: flights are kept apart by as much.
FINEST_KEY = 6
MOST_KEYS = 64


@dataclass(frozen=True, slots=True)
class Keys:
    """The codes that a solid is stored under and looked for with."""

    blocks: frozenset[str]
    above: frozenset[str]

    def meet(self, other: Keys) -> bool:
        """Whether the two may overlap; certain when not."""
        own = self.blocks | self.above
        return not (own.isdisjoint(other.blocks) and self.blocks.isdisjoint(other.above))


def keys_of(solid: Solid, finest: int = FINEST_KEY, most: int = MOST_KEYS) -> Keys:
    """The keys of a solid: at most `most` blocks of levels up to `finest`, and those above them.

    Solids with other levels and numbers of blocks meet all the same. Raises `Refused` for a solid that touches more
    than `most` blocks of level 1, and ValueError for a level outside 1 to 10.
    """
    blocks = {block.code: block.level for block in mixed_outer_cover(solid, finest, most)}
    above = {code[: block_length(number)] for code, level in blocks.items() for number in range(1, level)}
    return Keys(frozenset(blocks), frozenset(above))


class KeyTable(Generic[Id]):
    """Ids under the keys of their solids, held as a store would hold them."""

    def __init__(self) -> None:
        self._keys_of: dict[Id, Keys] = {}
        self._own: dict[str, set[Id]] = defaultdict(set)
        self._above: dict[str, set[Id]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._keys_of)

    def insert(self, id_: Id, keys: Keys) -> None:
        """Hold an id. Raises ValueError for one that is held already."""
        if id_ in self._keys_of:
            raise ValueError(f"{id_!r} is held already")
        self._keys_of[id_] = keys
        for table, codes in ((self._own, keys.blocks), (self._above, keys.above)):
            for code in codes:
                table[code].add(id_)

    def remove(self, id_: Id) -> None:
        """Let go of an id. Raises KeyError for one that is not held."""
        keys = self._keys_of.pop(id_)
        for table, codes in ((self._own, keys.blocks), (self._above, keys.above)):
            for code in codes:
                table[code].discard(id_)
                if not table[code]:
                    del table[code]

    def candidates(self, keys: Keys) -> set[Id]:
        """The ids whose keys meet these: every one whose solid overlaps, and perhaps others."""
        found: set[Id] = set()
        for code in keys.blocks:
            found |= self._own.get(code, set()) | self._above.get(code, set())
        for code in keys.above:
            found |= self._own.get(code, set())
        return found
