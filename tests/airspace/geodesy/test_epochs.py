import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import LatLon, LocalFrame
from airspace.geodesy.epochs import (
    AMUR_2020,
    CGCS2000_CASTER,
    EURASIA_2014,
    EURASIA_2020,
    MOTIONS,
    STAND_ALONE_BEIDOU,
    STAND_ALONE_GPS,
    LocalVelocity,
    Motion,
    PositionSource,
    ReferenceFrame,
    accuracy_m,
    decimal_year,
    from_cgcs2000,
    received,
    to_cgcs2000,
)

ZHENGZHOU = LatLon(34.75, 113.65)
FRAME = LocalFrame(ZHENGZHOU)
HEIGHT_M = 100.0

motions = st.sampled_from([*MOTIONS.values(), LocalVelocity(32.0, -12.0, -3.0)])
frames = st.sampled_from(ReferenceFrame)
epochs = st.floats(1990.0, 2050.0)
lats_deg = st.floats(17.0, 54.0)
lons_deg = st.floats(73.0, 135.0)
ellipsoidal_m = st.floats(-100.0, 9000.0)


def moved_mm(lat_deg: float, lon_deg: float, height_m: float) -> tuple[float, float, float]:
    """East, north and up [mm] of a position from Zhengzhou at 100 m."""
    x_m, y_m = FRAME.xy(LatLon(lat_deg, lon_deg))
    return x_m * 1e3, y_m * 1e3, (height_m - HEIGHT_M) * 1e3


def apart_mm(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    plan_m = LatLon(one[0], one[1]).distance_m(LatLon(other[0], other[1]))
    return math.hypot(plan_m, one[2] - other[2]) * 1e3


# The table of facts.md 4.3, worked out there by PROJ without the bias of the origin.
@pytest.mark.parametrize(
    ("motion", "epoch", "east_mm", "north_mm", "up_mm"),
    [
        (EURASIA_2014, 2026.9, -746.0, 216.0, 2.0),
        (replace(EURASIA_2020, origin_mm_per_yr=(0.0, 0.0, 0.0)), 2026.9, -728.0, 210.0, None),
        (replace(AMUR_2020, origin_mm_per_yr=(0.0, 0.0, 0.0)), 2026.9, -791.0, 256.0, None),
        (EURASIA_2014, 2000.0, -6.1, -25.4, 0.9),
    ],
)
def test_zhengzhou_moves_by_what_was_worked_out_before(
    motion: Motion, epoch: float, east_mm: float, north_mm: float, up_mm: float | None
) -> None:
    moved = moved_mm(*to_cgcs2000(ZHENGZHOU.lat_deg, ZHENGZHOU.lon_deg, HEIGHT_M, epoch, motion, motion.frame))
    assert moved[:2] == pytest.approx((east_mm, north_mm), abs=0.5)
    assert up_mm is None or moved[2] == pytest.approx(up_mm, abs=0.5)


@pytest.mark.parametrize(
    ("epoch", "east_mm", "north_mm"),
    [(2010.0, -275.0, 90.0), (2020.0, -550.0, 180.0)],
)
def test_the_plate_alone_carries_zhengzhou_by_what_was_worked_out_before(
    epoch: float, east_mm: float, north_mm: float
) -> None:
    """Both positions go through the change of frame, so that their difference is the motion."""
    then = moved_mm(*to_cgcs2000(34.75, 113.65, HEIGHT_M, epoch, EURASIA_2014, ReferenceFrame.ITRF2014))
    start = moved_mm(*to_cgcs2000(34.75, 113.65, HEIGHT_M, 2000.0, EURASIA_2014, ReferenceFrame.ITRF2014))
    assert (then[0] - start[0], then[1] - start[1]) == pytest.approx((east_mm, north_mm), abs=0.6)


@pytest.mark.parametrize(
    ("motion", "east", "north"),
    [(EURASIA_2014, 27.51, -8.98), (EURASIA_2020, 26.41, -8.33), (AMUR_2020, 28.74, -10.02)],
)
def test_zhengzhou_has_the_velocity_that_the_comment_gives(motion: Motion, east: float, north: float) -> None:
    one, other = (
        moved_mm(*to_cgcs2000(34.75, 113.65, HEIGHT_M, epoch, motion, motion.frame)) for epoch in (2010.0, 2020.0)
    )
    assert [(a - b) / 10.0 for a, b in zip(one, other, strict=True)] == pytest.approx([east, north, 0.0], abs=0.06)


PROJ_PIPELINE = (
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=GRS80"
    " +step +inv +init=ITRF2014:EURA +t_epoch=2000 +step +proj=set +v_4=2000 +omit_inv"
    " +step +init=ITRF2014:ITRF96 +step +inv +proj=cart +ellps=GRS80"
    " +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)


@given(lats_deg, lons_deg, ellipsoidal_m, epochs)
def test_the_steps_are_those_of_the_proj_pipeline(lat: float, lon: float, height_m: float, epoch: float) -> None:
    """ITRF96 has the parameters of ITRF97 without the typing errors of that line of PROJ's file."""
    pipeline = pyproj.Transformer.from_pipeline(PROJ_PIPELINE)
    lon_proj, lat_proj, height_proj, _ = pipeline.transform(lon, lat, height_m, epoch)
    ours = to_cgcs2000(lat, lon, height_m, epoch, EURASIA_2014, ReferenceFrame.ITRF2014)
    assert apart_mm(ours, (lat_proj, lon_proj, height_proj)) < 0.01


@pytest.mark.parametrize(
    ("motion", "source", "target"),
    [(EURASIA_2014, "EPSG:7912", "EPSG:7908"), (EURASIA_2020, "EPSG:9989", "EPSG:7908")],
)
def test_the_change_of_frame_is_that_of_the_epsg_register(motion: Motion, source: str, target: str) -> None:
    lon, lat, height_m, _ = pyproj.Transformer.from_crs(source, target, always_xy=True).transform(
        113.65, 34.75, HEIGHT_M, 2000.0
    )
    ours = to_cgcs2000(34.75, 113.65, HEIGHT_M, 2000.0, motion, motion.frame)
    assert apart_mm(ours, (lat, lon, height_m)) < 0.1  # EPSG rounds to a tenth of a millimetre


def test_the_two_itrfs_differ_by_what_the_epsg_register_says() -> None:
    change = pyproj.Transformer.from_crs("EPSG:9989", "EPSG:7912", always_xy=True)
    lon, lat, height_m, _ = change.transform(113.65, 34.75, HEIGHT_M, 2026.9)
    by_way = to_cgcs2000(lat, lon, height_m, 2026.9, EURASIA_2014, ReferenceFrame.ITRF2014)
    direct = to_cgcs2000(34.75, 113.65, HEIGHT_M, 2026.9, EURASIA_2014, ReferenceFrame.ITRF2020)
    assert apart_mm(by_way, direct) < 0.1
    assert apart_mm(direct, to_cgcs2000(34.75, 113.65, HEIGHT_M, 2026.9, EURASIA_2014, ReferenceFrame.ITRF2014)) > 1.0


def test_proj_on_its_own_moves_nothing_which_is_not_what_we_do() -> None:
    lon, lat, height_m, _ = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4480", always_xy=True).transform(
        113.65, 34.75, HEIGHT_M, 2026.9
    )
    assert (lat, lon, height_m) == pytest.approx((34.75, 113.65, HEIGHT_M), abs=1e-9)
    ours = to_cgcs2000(34.75, 113.65, HEIGHT_M, 2026.9, AMUR_2020)
    assert 800.0 < apart_mm(ours, (lat, lon, height_m)) < 850.0


@given(lats_deg, lons_deg, ellipsoidal_m, epochs, motions, frames)
def test_a_position_comes_back_within_a_hundredth_of_a_millimetre(
    lat: float, lon: float, height_m: float, epoch: float, motion: Motion, frame: ReferenceFrame
) -> None:
    there = to_cgcs2000(lat, lon, height_m, epoch, motion, frame)
    assert apart_mm(from_cgcs2000(*there, epoch, motion, frame), (lat, lon, height_m)) < 0.01


@given(lats_deg, lons_deg, ellipsoidal_m, epochs, st.sampled_from([*MOTIONS.values()]))
def test_the_bias_of_an_origin_lifts_no_ground(
    lat: float, lon: float, height_m: float, epoch: float, motion: Motion
) -> None:
    """What is left is the plate turning on a sphere under an ellipsoid, and what the frames differ by."""
    start = to_cgcs2000(lat, lon, height_m, 2000.0, motion, motion.frame)
    end = to_cgcs2000(lat, lon, height_m, epoch, motion, motion.frame)
    assert abs(end[2] - start[2]) * 1e3 < 0.1 * abs(epoch - 2000.0) + 0.01


def test_a_local_velocity_carries_ground_by_itself() -> None:
    velocity = LocalVelocity(32.0, -12.0, -5.0)
    one, other = (
        moved_mm(*to_cgcs2000(34.75, 113.65, HEIGHT_M, epoch, velocity, ReferenceFrame.ITRF2014))
        for epoch in (2020.0, 2030.0)
    )
    assert [b - a for a, b in zip(one, other, strict=True)] == pytest.approx([-320.0, 120.0, 50.0], abs=0.01)


def test_arrays_give_what_single_positions_give() -> None:
    lat, lon = np.array([30.0, 34.75, 40.0]), np.array([105.0, 113.65, 120.0])
    height_m, epoch = np.array([10.0, 100.0, 1000.0]), np.array([2005.5, 2026.9, 2030.0])
    for turn in (to_cgcs2000, from_cgcs2000):
        together = turn(lat, lon, height_m, epoch, AMUR_2020)
        for i in range(3):
            alone = turn(float(lat[i]), float(lon[i]), float(height_m[i]), float(epoch[i]), AMUR_2020)
            assert tuple(float(part[i]) for part in together) == alone


def test_one_epoch_serves_a_whole_array() -> None:
    lat, lon, height_m = to_cgcs2000(np.full(4, 34.75), np.full(4, 113.65), np.full(4, HEIGHT_M), 2026.9, AMUR_2020)
    assert lat.shape == lon.shape == height_m.shape == (4,)
    assert lat[3] == to_cgcs2000(34.75, 113.65, HEIGHT_M, 2026.9, AMUR_2020)[0]


@pytest.mark.parametrize(
    ("moment", "year"),
    [
        (datetime(2024, 7, 2, tzinfo=UTC), 2024.5),
        (datetime(2023, 7, 2, 12, tzinfo=UTC), 2023.5),
        (datetime(2000, 1, 1, tzinfo=UTC), 2000.0),
        (datetime(2026, 11, 25, 12, tzinfo=UTC), 2026.9),
    ],
)
def test_a_utc_second_is_a_decimal_year(moment: datetime, year: float) -> None:
    assert decimal_year(moment.timestamp()) == pytest.approx(year, abs=1e-9)


@given(st.floats(0.0, 4.0e9), st.floats(1.0, 1.0e8))
def test_decimal_years_rise_with_time(at_s: float, later_s: float) -> None:
    assert decimal_year(at_s) < decimal_year(at_s + later_s)


AUTUMN_2026_S = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("source", [CGCS2000_CASTER, PositionSource(ReferenceFrame.CGCS2000)])
def test_a_position_with_corrections_in_cgcs2000_is_not_moved_a_second_time(source: PositionSource) -> None:
    assert received(34.75, 113.65, HEIGHT_M, AUTUMN_2026_S, source, AMUR_2020) == (34.75, 113.65, HEIGHT_M)


@pytest.mark.parametrize("source", [STAND_ALONE_BEIDOU, STAND_ALONE_GPS])
def test_a_receiver_on_its_own_is_moved_from_today(source: PositionSource) -> None:
    moved = received(34.75, 113.65, HEIGHT_M, AUTUMN_2026_S, source, AMUR_2020)
    assert moved == pytest.approx(to_cgcs2000(34.75, 113.65, HEIGHT_M, 2026.9, AMUR_2020, source.frame), abs=1e-12)
    assert 800.0 < apart_mm(moved, (34.75, 113.65, HEIGHT_M)) < 850.0


def test_a_position_with_corrections_of_another_caster_is_moved_from_the_epoch_of_its_stations() -> None:
    source = PositionSource(ReferenceFrame.ITRF2014, 2010.0)
    for at_s in (AUTUMN_2026_S, AUTUMN_2026_S + 1e8):
        moved = received(34.75, 113.65, HEIGHT_M, at_s, source, EURASIA_2014)
        assert moved == to_cgcs2000(34.75, 113.65, HEIGHT_M, 2010.0, EURASIA_2014, ReferenceFrame.ITRF2014)


def test_the_accuracy_says_what_the_plate_model_leaves() -> None:
    assert accuracy_m(EURASIA_2014, 26.9) == pytest.approx(0.148, abs=0.002)
    assert accuracy_m(AMUR_2020, 26.9) < accuracy_m(EURASIA_2014, 26.9) < accuracy_m(EURASIA_2020, 26.9)
    assert accuracy_m(LocalVelocity(32.0, -12.0), 26.9) < 0.03
    assert accuracy_m(AMUR_2020, -10.0) == accuracy_m(AMUR_2020, 10.0)
    assert accuracy_m(AMUR_2020, 0.0) == 0.01


@pytest.mark.parametrize(("east", "north"), [(31.0, -11.0), (33.0, -13.0)])
@pytest.mark.parametrize("motion", MOTIONS.values(), ids=lambda motion: motion.name)
def test_what_stations_of_central_china_do_is_within_twice_the_stated_residual_of_every_model(
    motion: Motion, east: float, north: float
) -> None:
    seen = to_cgcs2000(34.75, 113.65, HEIGHT_M, 2025.0, LocalVelocity(east, north), ReferenceFrame.ITRF2014)
    modelled = to_cgcs2000(34.75, 113.65, HEIGHT_M, 2025.0, motion, ReferenceFrame.ITRF2014)
    plan_m = LatLon(seen[0], seen[1]).distance_m(LatLon(modelled[0], modelled[1]))
    assert plan_m < 2.0 * accuracy_m(motion, 25.0)
    assert plan_m > 0.5 * accuracy_m(motion, 25.0)
