"""A small chart, and ways to spoil it."""

from __future__ import annotations

import copy
from typing import Any

SQUARE = [[113.60, 34.74], [113.61, 34.74], [113.61, 34.75], [113.60, 34.75], [113.60, 34.74]]
HOLE = [[113.603, 34.743], [113.603, 34.747], [113.607, 34.747], [113.607, 34.743], [113.603, 34.743]]
GONE = object()  # as a value of `spoiled`: take the member out


def block(**properties: Any) -> dict[str, Any]:
    """A prohibited square of about a kilometre, from the ground to 120 m above it."""
    given = {
        "id": "B",
        "name": "Block",
        "name_zh": "街区",
        "kind": "no-fly",
        "floor": {"value_m": 0, "datum": "agl"},
        "ceiling": {"value_m": 120, "datum": "agl"},
        "active": {"from": "2026-05-18T09:00:00+08:00", "to": "2026-05-18T12:00:00+08:00"},
    }
    shape = {"type": "Polygon", "coordinates": [copy.deepcopy(SQUARE)]}
    return {"type": "Feature", "geometry": shape, "properties": {**given, **properties}}


def pad(**properties: Any) -> dict[str, Any]:
    """A hospital pad of 150 m around a point."""
    given = {
        "id": "P",
        "name": "Pad",
        "kind": "hospital-pad",
        "floor": {"value_m": 0, "datum": "agl"},
        "ceiling": {"value_m": 250, "datum": "amsl"},
        "radius_m": 150,
    }
    point = {"type": "Point", "coordinates": [113.62, 34.75]}
    return {"type": "Feature", "geometry": point, "properties": {**given, **properties}}


def chart(*features: Any) -> dict[str, Any]:
    """A collection of features; the block and the pad when none are given."""
    return {"type": "FeatureCollection", "features": [*features] or [block(), pad()]}


def spoiled(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a document with another value (or `GONE`) at a path such as `features.0.properties.id`."""
    bad = copy.deepcopy(document)
    *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
    inner: Any = bad
    for step in way:
        inner = inner[step]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return bad
