"""Zones as charts publish them: shapes in degrees, heights over a datum, a schedule, before any local frame.

Importers make these, exporters write them, and `airspace.zones.lay` turns them into the volumes that decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shapely.geometry import MultiPolygon, Polygon

from airspace.frames import Datum, Height, LatLon
from airspace.reasons import Words
from airspace.schedules import ALWAYS, Schedule


class Restriction(StrEnum):
    """What a zone asks of whoever would fly in it (the four of ED-269 and ED-318)."""

    PROHIBITED = "prohibited"
    AUTHORISATION = "authorisation"
    CONDITIONAL = "conditional"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Circle:
    """A centre and a radius [m]."""

    centre: LatLon
    radius_m: float


@dataclass(frozen=True, slots=True)
class Corridor:
    """All that is within `half_width_m` [m] of a path of geodesics."""

    path: tuple[LatLon, ...]
    half_width_m: float


# The ceiling of what has none: above all that this program knows.
UNLIMITED = Height(30_000.0, Datum.AMSL)

# Polygons hold (longitude, latitude) in CGCS2000 degrees; what crosses the antimeridian is split there.
Shape = Polygon | MultiPolygon | Circle | Corridor


@dataclass(frozen=True, slots=True)
class Layer:
    """One shape between two heights; a zone may have several, as a stepped control area has."""

    shape: Shape
    floor: Height
    ceiling: Height


@dataclass(frozen=True, slots=True)
class Source:
    """Where a zone was read: file, feature (or line) in it, format."""

    file: str
    feature: str
    format: str


@dataclass(frozen=True, slots=True)
class ChartedZone:
    """One zone of a chart. `kind` is a key of `ZONE_KINDS`; `country` is an ISO 3166-1 alpha-3 code or empty.

    `authority` says in one line who is to be asked about the zone and how they are reached, or is empty. Ids, names and
    rules hold something visible; an id has one line of printable characters. `extra` keeps, under the name of its
    format, what only that format can say, as plain JSON: the way back needs it.
    """

    id: str
    name: Words
    kind: str
    rule: Words
    layers: tuple[Layer, ...]
    restriction: Restriction = Restriction.PROHIBITED
    schedule: Schedule = ALWAYS
    country: str = ""
    authority: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    source: Source | None = field(default=None, compare=False)

    @property
    def laid_ids(self) -> tuple[str, ...]:
        """The ids of its layers once laid: its own, then ID#2, ID#3 ...; no other zone may have one of them."""
        return (self.id, *(f"{self.id}#{number}" for number in range(2, len(self.layers) + 1)))
