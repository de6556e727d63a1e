"""The 4D index: boxes over east, north, height and time by key; an R*-tree for what is new, packs for the rest."""

from airspace.index.boxes import Box4
from airspace.index.snapshot import Loaded
from airspace.index.tree import Hits, Index4D

__all__ = ["Box4", "Hits", "Index4D", "Loaded"]
