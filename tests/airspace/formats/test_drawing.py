"""Edges that are straight in degrees and edges that are geodesics, each drawn as the other; corridors drawn around."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.charted import Corridor
from airspace.formats.drawing import SAME_EDGE_M, along_degrees, along_geodesics, around, coordinates_of, pieces_of
from airspace.frames import GEOD, LatLon, LocalFrame
from airspace.laying import laid_shape, middle_of
from airspace.reasons import Refused

LonLat = tuple[float, float]
WIDE: list[LonLat] = [(113.0, 34.0), (114.0, 34.0), (114.0, 34.5), (113.0, 34.6)]


def off_geodesic_m(start: LonLat, end: LonLat) -> float:
    """How far the middle of an edge in degrees is from the geodesic, looked for along it."""
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    bearing_deg, _, length_m = GEOD.inv(start[0], start[1], end[0], end[1])

    def away_m(along_m: float) -> float:
        lon, lat, _ = GEOD.fwd(start[0], start[1], bearing_deg, along_m)
        return float(GEOD.inv(lon, lat, middle[0], middle[1])[2])

    low_m, high_m = 0.0, length_m
    while high_m - low_m > 1e-3:  # the distance falls and rises once
        third_m = (high_m - low_m) / 3
        if away_m(low_m + third_m) < away_m(high_m - third_m):
            high_m -= third_m
        else:
            low_m += third_m
    return away_m((low_m + high_m) / 2)


def edges(ring: list[LonLat]) -> list[tuple[LonLat, LonLat]]:
    return list(itertools.pairwise([*ring, ring[0]]))


def test_short_edges_and_meridians_stay_as_they_are() -> None:
    small = [(113.0, 34.0), (113.005, 34.0), (113.005, 34.005)]
    assert pieces_of(small) == [1, 1, 1]
    assert along_geodesics(small, pieces_of(small)) == along_degrees(small, pieces_of(small)) == small
    assert pieces_of([(113.0, 34.0), (113.0, 35.0), (113.0, 36.0)]) == [1, 1, 1]


@pytest.mark.parametrize("draw", [along_geodesics, along_degrees])
def test_long_edges_get_points_until_both_ways_of_drawing_them_agree(draw: object) -> None:
    assert callable(draw)
    drawn = draw(WIDE, pieces_of(WIDE))
    assert set(WIDE) <= set(drawn)
    assert max(off_geodesic_m(*edge) for edge in edges(drawn)) <= SAME_EDGE_M * 1.01
    assert max(off_geodesic_m(*edge) for edge in edges(WIDE)) > 100.0


def test_an_edge_over_the_antimeridian_is_a_short_one() -> None:
    ring = [(179.9, -17.0), (-179.9, -17.0), (-179.9, -16.9)]
    assert max(pieces_of(ring)) < 50
    drawn = along_geodesics(ring, pieces_of(ring))
    assert min(abs(lon) for lon, _ in drawn) > 179.8


corners = st.tuples(st.floats(113.0, 114.0), st.floats(-60.0, -59.0))


@settings(max_examples=15)
@given(st.lists(corners, min_size=3, max_size=6, unique=True))
def test_what_was_drawn_once_is_not_drawn_finer_again(ring: list[LonLat]) -> None:
    for draw in (along_geodesics, along_degrees):
        drawn = draw(ring, pieces_of(ring))
        again = np.array(pieces_of(drawn))
        # A longest piece may be a hair over the centimetre, where the middle is not the farthest.
        assert again.max() <= 2
        some = edges(drawn)[:: max(1, len(drawn) // 5)]
        assert max(off_geodesic_m(*edge) for edge in some) <= SAME_EDGE_M * 1.1


def test_a_corridor_is_drawn_around_and_may_enclose_a_hole() -> None:
    loop = Corridor(
        (LatLon(34.7, 113.6), LatLon(34.7, 113.7), LatLon(34.8, 113.7), LatLon(34.8, 113.6), LatLon(34.7, 113.6)), 400.0
    )
    drawn = around(loop, "Z")
    ((outer, hole),) = coordinates_of(drawn)
    assert outer[0] == outer[-1]
    assert len(hole) > 3
    frame = LocalFrame(middle_of(loop))
    assert laid_shape(frame, drawn).buffer(0.05).covers(laid_shape(frame, loop))


def test_a_corridor_too_long_to_draw_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        around(Corridor((LatLon(34.0, 100.0), LatLon(34.0, 120.0), LatLon(34.0, 130.0)), 400.0), "Z")
    assert refused.value.reasons[0].where == "Z"
