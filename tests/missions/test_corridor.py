from __future__ import annotations

import pytest
from shapely.geometry import LineString, box

from airspace.routing import Barrier, Obstacle, Router
from missions.corridor import Corridor, corridor, forward_or_back, free_pieces, photos, sight
from missions.plan import Purpose

AREA = box(-2000, -2000, 2000, 2000)
LINE = [(0.0, 0.0), (500.0, 0.0), (1000.0, 100.0)]


def router(*boxes: tuple[float, float, float, float]) -> Router:
    return Router([Obstacle(f"Z{i}", box(*b), 10.0) for i, b in enumerate(boxes)], AREA)


def flown(start: tuple[float, float], *boxes: tuple[float, float, float, float]) -> Corridor:
    found = corridor(start, LINE, router(*boxes))
    assert isinstance(found, Corridor)
    return found


def test_a_free_line_is_one_survey_after_one_transit() -> None:
    found = flown((-50.0, 0.0))
    assert [stretch.purpose for stretch in found.stretches] == [Purpose.TRANSIT, Purpose.SURVEY]
    assert found.stretches[1].points == tuple(LINE)
    assert found.left_out == ()


def test_points_that_lie_on_a_straight_line_are_no_waypoints() -> None:
    assert free_pieces([(0.0, 0.0), (100.0, 0.05), (200.0, 0.0)], router()) == [((0.0, 0.0), (200.0, 0.0))]


def test_a_covered_piece_is_flown_around_with_the_camera_off() -> None:
    zone = (200.0, -30.0, 300.0, 30.0)
    found = flown((0.0, 0.0), zone)
    assert [stretch.purpose for stretch in found.stretches] == [Purpose.SURVEY, Purpose.TRANSIT, Purpose.SURVEY]
    for stretch in found.stretches:
        assert stretch.line.distance(box(*zone)) >= 10.0
    before, around, after = found.stretches
    assert before.points[-1] == around.points[0]
    assert around.points[-1] == after.points[0]
    assert before.points[-1][0] == pytest.approx(189.5, abs=0.1)


def test_a_line_that_crosses_itself_keeps_its_order() -> None:
    crossing = [(0.0, 0.0), (400.0, 0.0), (400.0, 200.0), (200.0, 200.0), (200.0, -200.0)]
    assert free_pieces(crossing, router()) == [tuple(crossing)]


def test_a_piece_inside_a_ring_is_left_out() -> None:
    walls = [(400.0, -150.0, 410.0, 150.0), (400.0, 140.0, 600.0, 150.0), (400.0, -150.0, 600.0, -140.0)]
    found = flown((0.0, 0.0), *walls, (590.0, -150.0, 600.0, 150.0))
    assert [stretch.purpose for stretch in found.stretches] == [Purpose.SURVEY, Purpose.TRANSIT, Purpose.SURVEY]
    assert len(found.left_out) == 1
    assert found.left_out[0].bounds[0] > 410.0


def test_a_line_that_is_covered_whole_names_what_covers_it() -> None:
    found = corridor((0.0, -500.0), LINE, router((-50.0, -50.0, 1050.0, 150.0)))
    assert found == Barrier(("Z0",))


def test_a_target_is_seen_from_the_nearest_point_with_the_camera_on() -> None:
    found = flown((0.0, 0.0), (200.0, -30.0, 300.0, 30.0))
    seen = sight((100.0, 12.0), found.surveyed, LINE, router())
    assert (seen.distance_m, seen.kept_off_by) == (12.0, ())
    hidden = sight((250.0, 5.0), found.surveyed, LINE, router((200.0, -30.0, 300.0, 30.0)))
    assert hidden.distance_m > 50.0
    assert hidden.kept_off_by == ("Z0",)


def test_photos_count_the_first_one_of_each_stretch() -> None:
    found = flown((0.0, 0.0), (200.0, -30.0, 300.0, 30.0))
    surveys = [stretch.line.length for stretch in found.stretches if stretch.purpose is Purpose.SURVEY]
    assert photos(found.stretches, 10.0) == sum(1 + int(length // 10.0) for length in surveys)


def test_a_line_is_flown_from_the_end_that_makes_the_flight_shorter() -> None:
    assert forward_or_back((900.0, 90.0), LINE, (0.0, 50.0)) == tuple(reversed(LINE))
    assert forward_or_back((0.0, 50.0), LINE, (900.0, 90.0)) == tuple(LINE)
    assert forward_or_back((500.0, 900.0), [(0.0, 0.0), (1000.0, 0.0)], (500.0, 900.0)) == ((0.0, 0.0), (1000.0, 0.0))


def test_surveyed_is_only_what_the_camera_sees() -> None:
    found = flown((-100.0, 0.0))
    assert found.surveyed.length == pytest.approx(LineString(LINE).length)
