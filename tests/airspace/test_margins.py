from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from airspace.frames import LatLon
from airspace.geodesy.epochs import (
    CGCS2000_CASTER,
    EURASIA_2014,
    STAND_ALONE_BEIDOU,
    STAND_ALONE_GPS,
    PositionSource,
    ReferenceFrame,
    accuracy_m,
    decimal_year,
)
from airspace.margins import (
    FIX_ERRORS_M,
    FRAME_ERRORS_M,
    OLDEST_CORRECTIONS_S,
    Margins,
    derive_margins,
    frame_error_m,
    grown,
    grown_lines,
    swept,
)
from airspace.reasons import Refused
from tests.airspace.shapes import volume

places = st.tuples(st.floats(-2000.0, 2000.0), st.floats(-2000.0, 2000.0))


def test_the_sums_are_the_sums_of_their_terms() -> None:
    breakdown = derive_margins("rtk-fixed", 6.0)
    assert breakdown.margins.lateral_m == pytest.approx(0.05 + 0.0 + 2.0 + 0.5 * 6.0 * 0.7 + 0.5 + 5.0)
    assert breakdown.margins.vertical_m == pytest.approx(0.10 + 2.0 + 0.2 * 6.0 * 0.7 + 0.25 + 3.0)
    assert breakdown.margins.time_s == 15.0
    assert breakdown.at(300.0).time_s == 45.0


def test_every_term_has_a_name_in_both_languages_and_shows_in_the_text() -> None:
    breakdown = derive_margins("3d", 4.0)
    for term in breakdown.lateral + breakdown.vertical + breakdown.time:
        assert term.words.en in breakdown.text("en")
        assert term.words.zh in breakdown.text("zh")
        assert f"{term.value:.2f}" in breakdown.text("en")


def test_a_worse_fix_never_needs_less_room() -> None:
    each = [derive_margins(fix).margins for fix in FIX_ERRORS_M]
    assert each == sorted(each, key=lambda margins: (margins.lateral_m, margins.vertical_m))


def test_a_stand_alone_position_pays_for_the_age_of_its_frame() -> None:
    terms = {term.words.en: term.value for term in derive_margins("3d").lateral}
    assert terms["frame epoch"] >= math.hypot(0.029, 0.010) * 27


ZHENGZHOU = LatLon(34.7466, 113.6050)
IN_2026_S, IN_2030_S = 1796000000.0, 1924991999.0


@pytest.mark.parametrize("source", [STAND_ALONE_BEIDOU, STAND_ALONE_GPS])
def test_the_fixed_frame_error_holds_in_henan_through_2030(source: PositionSource) -> None:
    assert decimal_year(IN_2030_S) == pytest.approx(2031.0, abs=1e-3)
    assert frame_error_m(ZHENGZHOU, IN_2030_S, source) <= FRAME_ERRORS_M["3d"]
    assert frame_error_m(ZHENGZHOU, IN_2030_S, source) > FRAME_ERRORS_M["3d"] - 0.1


def test_positions_of_a_caster_in_cgcs2000_pay_nothing_for_the_frame() -> None:
    assert frame_error_m(ZHENGZHOU, IN_2026_S, CGCS2000_CASTER) == 0.0


def test_positions_that_are_moved_back_pay_for_what_the_model_does_not_know() -> None:
    left_m = frame_error_m(ZHENGZHOU, IN_2026_S, STAND_ALONE_GPS, moved=True)
    assert left_m == pytest.approx(2.0 * accuracy_m(EURASIA_2014, decimal_year(IN_2026_S) - 2000.0))
    whole_m = frame_error_m(ZHENGZHOU, IN_2026_S, STAND_ALONE_GPS)
    assert whole_m - left_m == pytest.approx(math.hypot(0.0275, 0.0090) * 26.9, abs=0.05)


def test_a_caster_of_another_epoch_pays_for_that_epoch_whatever_the_day() -> None:
    source = PositionSource(ReferenceFrame.ITRF2014, 2010.0)
    assert frame_error_m(ZHENGZHOU, IN_2026_S, source) == frame_error_m(ZHENGZHOU, IN_2030_S, source)
    assert frame_error_m(ZHENGZHOU, IN_2026_S, source) < frame_error_m(ZHENGZHOU, IN_2026_S, STAND_ALONE_BEIDOU)


def test_the_frame_error_of_a_flight_can_be_given() -> None:
    terms = {term.words.en: term.value for term in derive_margins("3d", frame_m=0.3).lateral}
    assert terms["frame epoch"] == 0.3


def test_old_corrections_widen_the_room_until_they_hold_no_fix() -> None:
    fresh, old = derive_margins().margins, derive_margins(correction_age_s=40.0).margins
    assert old.lateral_m - fresh.lateral_m == pytest.approx(0.06)
    assert old.vertical_m - fresh.vertical_m == pytest.approx(0.10)
    with pytest.raises(Refused, match=r"margin\.age"):
        derive_margins(correction_age_s=OLDEST_CORRECTIONS_S + 1.0)


def test_heights_known_less_well_need_more_room_above_and_below_only() -> None:
    plain, unsure = derive_margins().margins, derive_margins(datum_m=0.4).margins
    assert unsure.vertical_m - plain.vertical_m == pytest.approx(0.4)
    assert unsure.lateral_m == plain.lateral_m


@given(st.floats(0.0, 15.0), st.floats(0.0, 15.0))
def test_more_wind_never_needs_less_room(one_mps: float, other_mps: float) -> None:
    low, high = (derive_margins(wind_mps=w).margins for w in sorted((one_mps, other_mps)))
    assert low.lateral_m <= high.lateral_m
    assert low.vertical_m <= high.vertical_m


def test_all_that_is_wrong_with_the_terms_is_said_at_once() -> None:
    with pytest.raises(Refused) as refused:
        derive_margins("none", -1.0, path_error_m=math.nan)
    assert [reason.rule.code for reason in refused.value.reasons] == ["margin.range", "margin.range", "margin.fix"]
    assert "rtk-fixed" in str(refused.value)


@given(places, places, st.floats(0.5, 60.0), st.floats(0.0, 1.0), st.floats(0.0, 2 * math.pi), st.floats(0.0, 1.0))
def test_nothing_within_the_margin_of_any_point_of_the_leg_is_outside(
    start: tuple[float, float], end: tuple[float, float], lateral_m: float, along: float, angle: float, off: float
) -> None:
    held = swept(start, end, 50.0, 60.0, 0.0, 10.0, Margins(lateral_m, 3.0, 5.0))
    x_m = start[0] + along * (end[0] - start[0]) + off * lateral_m * math.cos(angle)
    y_m = start[1] + along * (end[1] - start[1]) + off * lateral_m * math.sin(angle)
    assert held.outline.distance(Point(x_m, y_m)) < 1e-6


@given(places, places, st.floats(0.5, 60.0))
def test_a_swept_outline_reaches_at_most_half_a_percent_beyond_the_margin(
    start: tuple[float, float], end: tuple[float, float], lateral_m: float
) -> None:
    held = swept(start, end, 50.0, 60.0, 0.0, 10.0, Margins(lateral_m, 3.0, 5.0))
    for x_m, y_m in held.outline.exterior.coords:
        assert distance_to_leg(start, end, (x_m, y_m)) <= 1.005 * lateral_m + 1e-6


def distance_to_leg(start: tuple[float, float], end: tuple[float, float], at: tuple[float, float]) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length2 = dx * dx + dy * dy
    along = ((at[0] - start[0]) * dx + (at[1] - start[1]) * dy) / length2 if length2 else 0.0
    along = min(1.0, max(0.0, along))
    return math.hypot(at[0] - start[0] - along * dx, at[1] - start[1] - along * dy)


def test_heights_and_times_grow_by_their_margins() -> None:
    held = swept((0.0, 0.0), (100.0, 0.0), 50.0, 60.0, 20.0, 30.0, Margins(5.0, 3.0, 7.0))
    assert (held.floor_ellipsoidal_m, held.ceiling_ellipsoidal_m) == (47.0, 63.0)
    assert (held.start_s, held.end_s) == (13.0, 37.0)


def test_a_leg_of_no_length_sweeps_a_disk() -> None:
    held = swept((5.0, 5.0), (5.0, 5.0), 0.0, 40.0, 0.0, 10.0, Margins(10.0, 3.0, 5.0))
    assert held.outline.area == pytest.approx(math.pi * 100.0, rel=0.01)


def test_a_leg_with_both_ends_outside_conflicts_where_it_crosses() -> None:
    closed = volume(box(40.0, -10.0, 60.0, 10.0))
    margins = Margins(2.0, 1.0, 1.0)
    for end in ((0.0, 0.0), (100.0, 0.0)):
        assert not swept(end, end, 50.0, 50.0, 10.0, 20.0, margins).overlaps(closed)
    assert swept((0.0, 0.0), (100.0, 0.0), 50.0, 50.0, 10.0, 20.0, margins).overlaps(closed)


@given(places, places, st.floats(1.0, 50.0), st.floats(0.0, 50.0), st.floats(0.0, 50.0), st.floats(0.0, 50.0))
def test_more_margin_only_ever_adds_conflicts(
    start: tuple[float, float], end: tuple[float, float], base_m: float, lateral: float, vertical: float, time: float
) -> None:
    closed = volume(box(-300.0, -300.0, 300.0, 300.0), 100.0, 150.0, 100.0, 200.0)
    tight = swept(start, end, 60.0, 80.0, 20.0, 60.0, Margins(base_m, base_m, base_m))
    wide = swept(start, end, 60.0, 80.0, 20.0, 60.0, Margins(base_m + lateral, base_m + vertical, base_m + time))
    assert closed.overlaps(wide) or not closed.overlaps(tight)


@given(st.floats(0.1, 500.0))
def test_a_grown_point_holds_the_whole_circle(radius_m: float) -> None:
    outline = grown(Point(0.0, 0.0), radius_m)
    assert outline.exterior.distance(Point(0.0, 0.0)) >= radius_m * (1 - 1e-12)


@given(st.lists(st.tuples(places, places), min_size=1, max_size=5), st.floats(0.5, 60.0))
def test_many_lines_grow_as_one_by_one(
    lines: list[tuple[tuple[float, float], tuple[float, float]]], by_m: float
) -> None:
    outlines = grown_lines([start for start, _ in lines], [end for _, end in lines], by_m)
    for (start, end), outline in zip(lines, outlines, strict=True):
        line = LineString([start, end]) if math.dist(start, end) > 1e-9 else Point(start)
        assert outline.is_valid
        assert outline.buffer(1e-6).covers(line.buffer(by_m, quad_segs=64))
        assert max(line.distance(Point(corner)) for corner in outline.exterior.coords) <= 1.005 * by_m + 1e-6


def test_a_line_of_no_length_grows_to_a_disk() -> None:
    (disk,) = grown_lines([(5.0, 5.0)], [(5.0, 5.0)], 10.0)
    assert disk.is_valid
    assert disk.area == pytest.approx(math.pi * 100.0, rel=0.01)


def test_a_leg_without_a_lateral_margin_is_refused() -> None:
    with pytest.raises(ValueError, match="sweeps no volume"):
        swept((0.0, 0.0), (1.0, 0.0), 0.0, 1.0, 0.0, 1.0, Margins(0.0, 0.0, 0.0))
