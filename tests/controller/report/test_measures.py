from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from airspace.charted import Layer, Restriction
from airspace.frames import Datum, Height, LatLon
from airspace.reasons import Words
from airspace.schedules import Day, Edge, Period, Schedule
from airspace.zones import Zone
from controller.report.flown import Flown
from controller.report.map_view import heights
from controller.report.measures import (
    GAP_S,
    Track,
    cross_track,
    energy_used,
    gaps,
    nearest_zone,
    outside_reserved_s,
    targets_seen,
)
from controller.report.progress import Step, along_plan, planned_steps, with_flown_times
from missions.plan import PlanVolume, Purpose
from tests.controller.report.example_plan import DOCK, FRAME, GROUND, plan, zone

BASE_M = GROUND.amsl_m + GROUND.geoid_m


def track(rows: list[tuple[float, float, float, float]]) -> Track:
    """From rows of seconds, east, north and height above home."""
    table = np.array(rows, dtype=np.float64)
    table = table.reshape(-1, 4)
    return Track(table[:, 0], table[:, 1:3], table[:, 3] + BASE_M)


def step(*corners: tuple[float, float]) -> Step:
    xyz = tuple((x, y, 40.0) for x, y in corners)
    return Step(1, "", (Purpose.TRANSIT,), xyz, 0.0, 100.0, 8.0, 1.0, 0.0, 10.0)


def battery(rows: Sequence[tuple[float, ...]]) -> Flown:
    none = np.empty((0, 2))
    return Flown(np.empty((0, 7)), np.array(rows, dtype=np.float64), np.empty((0, 3)), np.empty((0, 3)), none, none)


def test_cross_track_is_the_greatest_distance_from_any_flown_leg() -> None:
    flown = track([(0, 0, 0, 40), (1, 50, 2.5, 40), (2, 100, 0, 40), (3, 101.5, 50, 40)])
    measured = cross_track(flown, [step((0, 0), (100, 0)), step((100, 0), (100, 100))])
    assert measured is not None
    assert measured.max_m == pytest.approx(2.5)
    assert measured.at_s == 1


def test_a_step_without_length_is_a_place_to_be_at() -> None:
    measured = cross_track(track([(0, 3, 4, 40)]), [step((0, 0), (0, 0))])
    assert measured is not None
    assert measured.max_m == pytest.approx(5.0)


def test_cross_track_needs_legs_and_positions() -> None:
    assert cross_track(track([(0, 0, 0, 40)]), []) is None


@settings(deadline=None)
@given(offset_m=st.floats(-80, 80), turn_deg=st.floats(0, 360))
def test_cross_track_of_a_parallel_track_is_the_distance_between_the_lines(offset_m: float, turn_deg: float) -> None:
    east, north = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    rows = [(float(i), 10 * i * east - offset_m * north, 10 * i * north + offset_m * east, 40.0) for i in range(10)]
    measured = cross_track(track(rows), [step((0, 0), (90 * float(east), 90 * float(north)))])
    assert measured is not None
    assert measured.max_m == pytest.approx(abs(offset_m), abs=1e-6)


BLOCK = zone("block", "no-fly", Words("b", "b"), box(40, 30, 60, 50), 60.0, 10.0)
PASSING = [(0.0, 0.0, 0.0, 40.0), (1.0, 50.0, 0.0, 40.0), (2.0, 100.0, 0.0, 40.0)]


def test_clearance_is_measured_from_the_straight_pieces_and_not_only_the_positions() -> None:
    nearest = nearest_zone(track([(0, 0, 0, 40), (1, 100, 0, 40)]), [BLOCK])
    assert nearest is not None
    assert nearest.zone == "block"
    assert nearest.clearance_m == pytest.approx(30.0)


@pytest.mark.parametrize("height_m", [5.0, 65.0])
def test_a_zone_above_or_below_the_track_has_no_clearance(height_m: float) -> None:
    assert nearest_zone(track([(t, x, y, height_m) for t, x, y, _ in PASSING]), [BLOCK]) is None


@pytest.mark.parametrize(("start_s", "end_s", "counts"), [(0, 1, True), (1, 2, True), (3, 9, False), (-9, 0, False)])
def test_a_zone_counts_only_while_it_is_active(start_s: float, end_s: float, counts: bool) -> None:
    timed = replace(BLOCK, volume=replace(BLOCK.volume, start_s=float(start_s), end_s=float(end_s)))
    assert (nearest_zone(track(PASSING), [timed]) is not None) is counts


def test_a_zone_counts_only_in_its_hours() -> None:
    def hours(start_s: float, end_s: float) -> Zone:
        schedule = Schedule(periods=(Period(Edge(start_s), Edge(end_s)),))
        return replace(BLOCK, schedule=schedule, place=LatLon(34.7, 113.6))

    for end_s, counts in ((2.0, True), (0.5, True), (86_400.0, True)):
        assert (nearest_zone(track(PASSING), [hours(0.0, end_s)]) is not None) is counts
    assert nearest_zone(track(PASSING), [hours(3600.0, 7200.0)]) is None
    assert nearest_zone(track([]), [BLOCK]) is None


def test_a_zone_that_is_open_to_the_flight_does_not_count() -> None:
    for restriction, permitted, counts in [
        (Restriction.PROHIBITED, "block", True),
        (Restriction.AUTHORISATION, "other", True),
        (Restriction.AUTHORISATION, "block", False),
        (Restriction.CONDITIONAL, "block", False),
        (Restriction.NONE, "", False),
    ]:
        asked = replace(BLOCK, restriction=restriction)
        assert (nearest_zone(track(PASSING), [asked], frozenset({permitted})) is not None) is counts


def test_the_report_tells_the_hours_and_the_heights_of_a_zone() -> None:
    school = Schedule(periods=(Period(Edge(27_000.0), Edge(61_200.0), frozenset({Day.MON})),), zone="Asia/Shanghai")
    timed = replace(BLOCK, schedule=school)
    assert heights(BLOCK) == Words("10–60 m above ground", "离地 10–60 米")
    assert heights(timed).en == "10–60 m above ground, Mon 07:30 to 17:00 Asia/Shanghai"
    assert heights(timed).zh == "离地 10–60 米，周一 07:30至17:00 Asia/Shanghai"
    assert heights(replace(BLOCK, charted=None)).en == "99–149 m above the ellipsoid"
    assert BLOCK.charted is not None
    level = Layer(BLOCK.charted.layers[0].shape, Height(0.0, Datum.AGL), Height(1981.2, Datum.PRESSURE))
    mixed = replace(BLOCK, charted=replace(BLOCK.charted, layers=(level,)))
    assert heights(mixed) == Words("0 m agl to 1981.2 m pressure", "离地 0 米 至 气压高度 1981.2 米")


def test_a_zone_that_was_crossed_between_two_positions_has_no_clearance_left() -> None:
    nearest = nearest_zone(track([(0, 50, 0, 40), (1, 50, 100, 40)]), [BLOCK])
    assert nearest is not None
    assert nearest.clearance_m == 0


def test_nothing_is_claimed_of_the_way_over_a_gap() -> None:
    nearest = nearest_zone(track([(0, 50, 0, 40), (GAP_S + 1, 50, 100, 40)]), [BLOCK])
    assert nearest is not None
    assert nearest.clearance_m == pytest.approx(30.0)


def test_energy_is_the_growth_of_the_counter_over_the_flight() -> None:
    rows = [(0.0, 100.0, 24.0, 18.0, 1.0), (10.0, 99.0, 24.0, 18.0, 3.0), (20.0, 98.0, 24.0, 18.0, 7.5)]
    used = energy_used(battery(rows), 5.0, 20.0)
    assert used is not None
    assert used.source == "counter"
    assert used.used_wh == pytest.approx(6.5)


def test_a_counter_that_starts_again_goes_on_counting() -> None:
    rows = [(float(t), 99.0, 24.0, 18.0, wh) for t, wh in enumerate([5.0, 9.0, 0.0, 2.0])]
    used = energy_used(battery(rows), 0.0, 3.0)
    assert used is not None
    assert used.used_wh == pytest.approx(6.0)


def test_without_a_counter_energy_is_integrated() -> None:
    rows = [(t, 99.0, 24.0, 15.0, float("nan")) for t in (0.0, 5.0, 30.0, 36.0)]
    used = energy_used(battery(rows), 0.0, 36.0)
    assert used is not None
    assert used.source == "integrated"
    assert used.used_wh == pytest.approx(3.6)


def test_without_any_meter_energy_is_unknown() -> None:
    rows = [(t, 99.0, float("nan"), float("nan"), float("nan")) for t in (0.0, 5.0)]
    assert energy_used(battery(rows), 0.0, 5.0) is None


def test_gaps_are_the_spans_without_a_position_at_both_ends_too() -> None:
    heard = np.array([3.0, 4.0, 5.0, 15.0, 16.0])
    assert gaps(heard, 0.0, 16.5) == ((0.0, 3.0), (5.0, 15.0))


def volume(west_m: float, east_m: float, floor_m: float, start_s: float, end_s: float) -> PlanVolume:
    corners = FRAME.lon_lat_array([(west_m, -20), (east_m, -20), (east_m, 20), (west_m, 20)]).tolist()
    ring = tuple((x, y) for x, y in corners)
    return PlanVolume(ring, BASE_M + floor_m, BASE_M + floor_m + 50, start_s, end_s, 0)


def test_a_flight_inside_its_volumes_was_never_outside() -> None:
    whole = [volume(-20, 120, 0, 0.0, 1.5), volume(-20, 120, 0, 1.0, 9.0)]
    assert outside_reserved_s(track(PASSING), whole, FRAME) == 0
    assert outside_reserved_s(track(PASSING), whole[:1], FRAME) == 0  # the last position lasts no time
    assert outside_reserved_s(track(PASSING), [volume(-20, 120, 0, 0.0, 1.0)], FRAME) == pytest.approx(1.0)
    assert outside_reserved_s(track(PASSING), [], FRAME) is None


def test_one_volume_must_hold_plan_height_and_time_together() -> None:
    right_place, right_height = volume(-20, 120, 80, 0.0, 9.0), volume(300, 400, 0, 0.0, 9.0)
    assert outside_reserved_s(track(PASSING), [right_place, right_height], FRAME) == pytest.approx(2.0)


def test_a_target_is_seen_when_a_photo_was_near_enough() -> None:
    made = plan()
    target = made.targets[0]
    x, y = FRAME.xy_array([(target.lon_deg, target.lat_deg)])[0]

    def photo(away_m: float) -> list[tuple[float, float]]:
        lon_deg, lat_deg = FRAME.lon_lat_array([(x + away_m, y)])[0].tolist()
        return [(lon_deg, lat_deg)]

    assert targets_seen(made, photo(24.9), FRAME, flown=True)[0].state == "seen"
    assert targets_seen(made, photo(25.1), FRAME, flown=True)[0].state == "missed"
    assert targets_seen(made, [], FRAME, flown=False)[0].state == "waiting"
    assert targets_seen(made, [], FRAME, flown=True)[6].state == "left-out"


def test_steps_take_the_time_in_which_their_item_was_current_in_the_air() -> None:
    steps = planned_steps(plan(), FRAME, {"", DOCK})
    assert [s.seq for s in steps] == [1, 3, 5, 6, 7, 8, 10, 11, 14, 15]
    timed = with_flown_times(steps, [(0.0, 1), (130.0, 3), (140.0, 5), (210.0, 0)], (100.0, 230.0))
    assert [s.flown_s for s in timed[:4]] == [30.0, 10.0, 70.0, None]


def test_an_item_flown_again_after_a_jump_back_does_not_change_an_earlier_step() -> None:
    steps = planned_steps(plan(), FRAME, {""})
    timed = with_flown_times(steps, [(0.0, 1), (10.0, 3), (20.0, 1), (50.0, 5)], (0.0, 60.0))
    assert [s.flown_s for s in timed[:3]] == [10.0, 10.0, 10.0]


def test_positions_are_placed_along_the_step_that_was_current() -> None:
    steps = with_flown_times(planned_steps(plan(), FRAME, {""}), [(0.0, 1), (10.0, 3)], (0.0, 30.0))
    along_m = along_plan(np.array([5.0, 20.0, 99.0]), np.array([[0.4, 0.0], [45.0, 22.5], [0.0, 0.0]]), steps)
    assert along_m[0] == 0
    assert along_m[1] == pytest.approx(np.hypot(45, 22.5), abs=0.01)
    assert np.isnan(along_m[2])
