"""Long campaigns over the grid: what the properties try a hundred times, tried by the hundred thousand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon

from airspace.beidou.arrays import blocks_at, cells_at, parse_blocks, parse_cells
from airspace.beidou.cells import block_at
from airspace.beidou.cover import mixed_outer_cover
from airspace.beidou.keys import keys_of
from airspace.beidou.levels import FINEST
from airspace.beidou.solids import Solid, solid_around
from airspace.frames import LatLon, LocalFrame
from airspace.volumes import Volume4D

PLACES = 2_000_000
SINGLY = 100_000
PAIRS = 5_000
SOLIDS = 1_000


def row(what: str, count: int, found: int) -> None:
    print(f"| beidou {what} | {count} | {found} differ |")  # noqa: T201 - the table of the campaign


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_two_million_places_come_back_and_are_what_they_are_singly() -> None:
    rng = np.random.default_rng(2020)
    lat, lon = rng.uniform(-88, 88, PLACES), rng.uniform(-180, 180, PLACES)
    seconds = rng.integers(0, 3, PLACES) == 0  # a third of them on borders of cells
    lat, lon = np.where(seconds, np.round(lat * 3600) / 3600, lat), np.where(seconds, np.round(lon * 900) / 900, lon)
    lat = np.clip(lat, -87.9999, 87.9999)
    height = rng.uniform(-11_000, 9_000, PLACES)
    different = 0
    for level in range(1, FINEST + 1):
        held = blocks_at(lat, lon, height, level)
        codes = held.codes()
        different += int((parse_blocks(codes).codes() != codes).sum())
        different += int((parse_cells(held.plan.codes()).keys() != held.plan.keys()).sum())
        some = rng.integers(0, PLACES, SINGLY // FINEST)
        different += sum(
            codes[i].decode() != block_at(float(lat[i]), float(lon[i]), float(height[i]), level).code for i in some
        )
        west, south, east, north = cells_at(lat, lon, level).bounds_units().T / (3600 * 2048)
        grain = 1e-9
        different += int(
            ((lon < west - grain) | (lon > east + grain) | (lat < south - grain) | (lat > north + grain)).sum()
        )
    row("places, each at ten levels", PLACES, different)
    assert different == 0


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_no_pair_of_overlapping_volumes_is_without_a_key_and_no_point_of_a_solid_outside_its_cover() -> None:
    rng = np.random.default_rng(39409)
    missed = 0
    for _ in range(PAIRS):
        frame = LocalFrame(LatLon(float(rng.uniform(-87, 87)), float(rng.choice([180.0, 0.0, rng.uniform(-180, 180)]))))
        one, other = (random_volume(rng) for _ in range(2))
        if one.overlaps(other):
            budgets = [(int(rng.integers(1, 10)), int(rng.choice([8, 32, 128]))) for _ in range(2)]
            keys = [keys_of(solid_around(v, frame), *b) for v, b in zip((one, other), budgets, strict=True)]
            missed += not keys[0].meet(keys[1])
    outside = 0
    for _ in range(SOLIDS):
        volume = random_volume(rng)
        frame = LocalFrame(LatLon(float(rng.uniform(-87, 87)), float(rng.uniform(-179, 179))))
        solid: Solid = solid_around(volume, frame)
        codes = {block.code: block.level for block in mixed_outer_cover(solid, 7, 200)}
        for x, y in shapely.get_coordinates(
            shapely.line_interpolate_point(volume.outline.boundary, rng.uniform(0, 99, 20))
        ):
            place = frame.latlon(x, y)
            at_m = float(rng.uniform(volume.floor_ellipsoidal_m, volume.ceiling_ellipsoidal_m))
            found = {level: block_at(place.lat_deg, place.lon_deg, at_m, level).code for level in set(codes.values())}
            outside += not any(code in codes for code in found.values())
    row("pairs of volumes", PAIRS, missed)
    row("solids, 20 points each", SOLIDS, outside)
    assert missed == outside == 0


def random_volume(rng: np.random.Generator) -> Volume4D:
    angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
    radii = rng.uniform(0.5, 1.0, 7) * rng.choice([1.0, 50.0, 800.0])
    x, y = rng.uniform(-400, 400, 2)
    outline = Polygon(np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)])).buffer(0.5)
    low_m = float(rng.uniform(-50, 300))
    return Volume4D(outline, low_m, low_m + float(rng.choice([0.0, 30.0, 120.0])), 0.0, 1.0)
