"""Charted zones of every kind that a format may carry, for property tests: `charted_zones()` and its parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from airspace.charted import ChartedZone, Circle, Corridor, Layer, Restriction, Shape
from airspace.frames import Datum, Height, LatLon
from airspace.reasons import Words
from airspace.schedules import BEGINNING_S, Day, Edge, Period, Schedule, SunEvent
from airspace.volumes import FOREVER_S
from airspace.zone_kinds import ZONE_KINDS

ZHENGZHOU = LatLon(34.7466, 113.6050)

_LETTERS = st.characters(codec="utf-8", categories=("L", "N", "P", "S"))
texts = st.text(_LETTERS, min_size=1, max_size=12)
ids = st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), min_size=1, max_size=7)
words = st.builds(Words, texts, texts)


def places(around: LatLon = ZHENGZHOU, reach_deg: float = 1.0) -> st.SearchStrategy[LatLon]:
    """Positions around one, to a billionth of a degree."""

    def near(middle_deg: float) -> st.SearchStrategy[float]:
        offsets = st.floats(-reach_deg, reach_deg)
        return offsets.map(lambda offset_deg: round(middle_deg + offset_deg, 9))

    return st.builds(LatLon, near(around.lat_deg), near(around.lon_deg))


@st.composite
def polygons(draw: st.DrawFn, around: LatLon = ZHENGZHOU) -> Polygon:
    """Star-shaped outlines of 3 to 12 corners, up to some 10 km across; some with a hole."""
    corners = draw(st.integers(3, 12))
    middle = draw(places(around))
    size_deg = draw(st.floats(0.001, 0.05))
    reaches = draw(st.lists(st.floats(0.5, 1.0), min_size=corners, max_size=corners))
    shell = [_spoke(middle, i / corners, size_deg * reach) for i, reach in enumerate(reaches)]
    least_deg = size_deg * min(reaches) * math.cos(math.pi / corners) * 0.4
    hole = [_spoke(middle, i / 5, least_deg) for i in range(5)]
    return Polygon(shell, [hole] if draw(st.booleans()) else [])


def _spoke(middle: LatLon, turn: float, away_deg: float) -> tuple[float, float]:
    angle = 2 * math.pi * turn
    lon_deg, lat_deg = middle.lon_deg + away_deg * math.cos(angle), middle.lat_deg + away_deg * math.sin(angle)
    return round(lon_deg, 9), round(lat_deg, 9)


@st.composite
def multipolygons(draw: st.DrawFn, around: LatLon = ZHENGZHOU) -> MultiPolygon:
    """Two or three boxes side by side."""
    middle = draw(places(around))
    sides_deg = draw(st.lists(st.floats(0.001, 0.01), min_size=2, max_size=3))
    corners = [(round(middle.lon_deg + 0.02 * i, 9), round(middle.lat_deg, 9)) for i in range(len(sides_deg))]
    return MultiPolygon(
        [
            box(west, south, round(west + side, 9), round(south + side, 9))
            for (west, south), side in zip(corners, sides_deg, strict=True)
        ]
    )


circles = st.builds(Circle, places(), st.floats(1.0, 20_000.0).map(lambda m: round(m, 3)))


@st.composite
def corridors(draw: st.DrawFn, around: LatLon = ZHENGZHOU) -> Corridor:
    """Paths of two to six different places."""
    path = draw(st.lists(places(around, 0.3), min_size=2, max_size=6, unique=True))
    return Corridor(tuple(path), round(draw(st.floats(1.0, 5000.0)), 3))


shapes: st.SearchStrategy[Shape] = st.one_of(polygons(), multipolygons(), circles, corridors())


@st.composite
def layers(draw: st.DrawFn, datums: Sequence[Datum] = tuple(Datum), of: st.SearchStrategy[Shape] = shapes) -> Layer:
    """A shape between two heights over any of these datums; of one datum the ceiling is above the floor."""
    floor_datum, ceiling_datum = draw(st.sampled_from(datums)), draw(st.sampled_from(datums))
    floor_m, ceiling_m = draw(st.integers(0, 2000)), draw(st.integers(2001, 20_000))
    return Layer(draw(of), Height(floor_m / 2, floor_datum), Height(float(ceiling_m), ceiling_datum))


_MICROSECONDS = st.integers(0, int(FOREVER_S) * 1_000_000).map(lambda us: us / 1_000_000)


@st.composite
def windows(draw: st.DrawFn) -> tuple[float, float]:
    """A window of time, open at an end now and then."""
    start_s, end_s = sorted(draw(st.lists(_MICROSECONDS, min_size=2, max_size=2, unique=True)))
    bounds = draw(st.sampled_from([(start_s, end_s), (BEGINNING_S, end_s), (start_s, FOREVER_S)]))
    return bounds if bounds[0] < bounds[1] else (BEGINNING_S, FOREVER_S)


clock_edges = st.builds(Edge, st.integers(0, 86_400).map(float))
sun_edges = st.builds(Edge, st.integers(-43_200, 43_200).map(float), st.sampled_from(SunEvent))
edges = clock_edges | sun_edges | st.builds(Edge, st.floats(0.0, 86_400.0))
periods = st.builds(Period, edges, edges, st.frozensets(st.sampled_from(Day)))
schedules = st.builds(
    Schedule,
    st.lists(windows(), min_size=1, max_size=3).map(tuple) | st.just(((BEGINNING_S, FOREVER_S),)),
    st.lists(periods, max_size=3).map(tuple),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin"]),
    st.frozensets(st.dates(date(2000, 1, 1), date(2099, 12, 31)), max_size=3),
)

_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
extras = st.dictionaries(st.sampled_from(["ed269", "openair", "kml"]), _json, max_size=2)


def charted_zones(
    *,
    zone_ids: st.SearchStrategy[str] = ids,
    kinds: st.SearchStrategy[str] = st.sampled_from(sorted(ZONE_KINDS)),
    of_layers: st.SearchStrategy[Layer] = layers(),
    most_layers: int = 3,
    hours: st.SearchStrategy[Schedule] = schedules,
) -> st.SearchStrategy[ChartedZone]:
    """Zones of one to three layers with hours, restrictions and all else; narrow it to what a format can carry."""
    return st.builds(
        ChartedZone,
        id=zone_ids,
        name=words,
        kind=kinds,
        rule=words,
        layers=st.lists(of_layers, min_size=1, max_size=most_layers).map(tuple),
        restriction=st.sampled_from(Restriction),
        schedule=hours,
        country=st.sampled_from(["", "CHN", "CHE"]),
        authority=st.just("") | texts,
        extra=extras,
    )


def charts(most: int = 4, **given: Any) -> st.SearchStrategy[list[ChartedZone]]:
    """Several zones with ids of their own."""
    return st.lists(charted_zones(**given), max_size=most, unique_by=lambda zone: zone.id)
