from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon, box

from airspace.beidou.cells import parse_block
from airspace.beidou.keys import Keys, KeyTable, keys_of
from airspace.beidou.solids import Solid, solid_around
from airspace.frames import LatLon, LocalFrame
from airspace.volumes import Volume4D

ORIGINS = [(34.75, 113.65), (0.0, 0.0), (12.0, 180.0), (-36.0, -60.0)]


@st.composite
def volumes(draw: st.DrawFn) -> Volume4D:
    """Boxes and corridors within a few kilometres, many of which touch or share a place."""
    x, y = draw(st.integers(-20, 20)) * 100.0, draw(st.integers(-20, 20)) * 100.0
    low_m = draw(st.sampled_from([-30.0, 0.0, 60.0, 120.0, 122.5]))
    high_m = low_m + draw(st.sampled_from([0.0, 60.0, 400.0]))
    if draw(st.booleans()):
        outline: Polygon = box(
            x, y, x + draw(st.sampled_from([0.1, 100.0, 3000.0])), y + draw(st.sampled_from([1.0, 100.0]))
        )
    else:
        turn = draw(st.floats(0, 6.3))
        end = (x + 2000 * np.cos(turn), y + 2000 * np.sin(turn))
        outline = LineString([(x, y), end]).buffer(draw(st.sampled_from([1.0, 50.0])))
    return Volume4D(outline, low_m, high_m, 0.0, 1.0)


budgets = st.tuples(st.integers(1, 8), st.sampled_from([8, 16, 64]))


@settings(max_examples=120)
@given(st.sampled_from(ORIGINS), volumes(), volumes(), budgets, budgets)
def test_volumes_that_overlap_always_share_a_key(
    origin: tuple[float, float],
    one: Volume4D,
    other: Volume4D,
    one_budget: tuple[int, int],
    other_budget: tuple[int, int],
) -> None:
    frame = LocalFrame(LatLon(*origin))
    keys, others = keys_of(solid_around(one, frame), *one_budget), keys_of(solid_around(other, frame), *other_budget)
    assert keys.meet(others) == others.meet(keys)
    assert keys.meet(others) or not one.overlaps(other)


@settings(max_examples=25)
@given(st.lists(volumes(), min_size=1, max_size=6), volumes())
def test_a_table_finds_all_that_overlap_and_what_it_holds_no_more_not(held: list[Volume4D], asked: Volume4D) -> None:
    frame = LocalFrame(LatLon(34.75, 113.65))
    table: KeyTable[int] = KeyTable()
    keys = [keys_of(solid_around(volume, frame)) for volume in held]
    for i, its in enumerate(keys):
        table.insert(i, its)
    wanted = keys_of(solid_around(asked, frame))
    found = table.candidates(wanted)
    assert found >= {i for i, volume in enumerate(held) if volume.overlaps(asked)}
    assert found == {i for i, its in enumerate(keys) if its.meet(wanted)}
    table.remove(0)
    assert table.candidates(wanted) == found - {0}
    assert len(table) == len(held) - 1


@settings(max_examples=50)
@given(st.sampled_from(ORIGINS), volumes(), volumes(), budgets)
def test_sharing_a_key_is_one_block_lying_in_the_other(
    origin: tuple[float, float], one: Volume4D, other: Volume4D, budget: tuple[int, int]
) -> None:
    frame = LocalFrame(LatLon(*origin))
    keys, others = keys_of(solid_around(one, frame), *budget), keys_of(solid_around(other, frame))
    by_prefix = any(a.startswith(b) or b.startswith(a) for a in keys.blocks for b in others.blocks)
    assert keys.meet(others) == by_prefix


def test_far_away_nothing_is_found() -> None:
    frame = LocalFrame(LatLon(34.75, 113.65))
    near = Volume4D(box(0, 0, 100, 100), 0, 50, 0, 1)
    far = [Volume4D(box(900, 0, 1000, 100), 0, 50, 0, 1), Volume4D(box(0, 0, 100, 100), 400, 450, 0, 1)]
    keys = keys_of(solid_around(near, frame))
    assert not any(keys.meet(keys_of(solid_around(volume, frame))) for volume in far)


def test_keys_are_codes_of_blocks_and_of_those_above_them() -> None:
    keys = keys_of(Solid(box(113.62, 34.74, 113.63, 34.75), 50.0, 110.0))
    assert keys.blocks
    above = {
        parse_block(code).ancestor(level).code for code in keys.blocks for level in range(1, parse_block(code).level)
    }
    assert keys.above == above


def test_few_candidates_do_not_overlap() -> None:
    """Among city volumes the keys leave little to the exact test."""
    frame, rng = LocalFrame(LatLon(34.75, 113.65)), np.random.default_rng(3)
    corners = rng.uniform(-5_000, 5_000, (90, 2))
    held = [
        Volume4D(box(x, y, x + w, y + w), low, low + 40, 0, 1)
        for (x, y), w, low in zip(corners, rng.uniform(50, 500, 90), rng.uniform(50, 300, 90), strict=True)
    ]
    keys = [keys_of(solid_around(volume, frame)) for volume in held]
    pairs = [(i, j) for i in range(90) for j in range(i)]
    met = sum(keys[i].meet(keys[j]) for i, j in pairs)
    truly = sum(held[i].overlaps(held[j]) for i, j in pairs)
    assert truly <= met < 4 * truly + 20
    assert met < len(pairs) / 20


def test_an_id_is_held_once() -> None:
    table: KeyTable[str] = KeyTable()
    table.insert("a", Keys(frozenset({"N049I00"}), frozenset()))
    with pytest.raises(ValueError, match="held already"):
        table.insert("a", Keys(frozenset(), frozenset()))
    with pytest.raises(KeyError):
        table.remove("b")


def test_touching_at_the_antimeridian_from_both_sides_shares_a_key() -> None:
    east, west = Solid(box(179.9, 5, 180, 5.1), 0, 100), Solid(box(-180, 5, -179.9, 5.1), 0, 100)
    assert keys_of(east).meet(keys_of(west))
    assert shapely.disjoint(east.outline_lon_lat_deg, west.outline_lon_lat_deg)
