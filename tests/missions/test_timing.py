"""The expected times are those of a recorded flight: ArduCopter V4.7.0-dev, no wind, a square of 200 m at 10 m/s."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.timing import corner_cost, landing_s, leg_durations_s, takeoff_s
from tests.missions.scenario import DRONE

SQUARE = [(0.0, 0.0, 40.0), (0.0, 200.0, 40.0), (200.0, 200.0, 40.0), (200.0, 0.0, 60.0), (0.0, 0.0, 40.0)]


def test_the_legs_of_the_recorded_square_take_as_long_as_they_did() -> None:
    times = leg_durations_s(SQUARE, [10.0] * 4, [True, False, False, False, True], DRONE)
    assert times == pytest.approx((25.0, 22.75, 22.5, 24.5), abs=1.0)


def test_take_off_and_landing_take_as_long_as_they_did() -> None:
    assert takeoff_s(40.0, DRONE) == pytest.approx(22.25, abs=1.0)
    assert landing_s(40.0, DRONE) == pytest.approx(43.0, abs=1.5)


def test_a_stop_costs_more_than_a_corner_and_a_corner_more_than_none() -> None:
    points = [(0.0, 0.0, 40.0), (200.0, 0.0, 40.0), (400.0, 0.0, 40.0)]
    corner = [(0.0, 0.0, 40.0), (200.0, 0.0, 40.0), (200.0, 200.0, 40.0)]
    straight_s = sum(leg_durations_s(points, [8.0, 8.0], [True, False, True], DRONE))
    corner_s = sum(leg_durations_s(corner, [8.0, 8.0], [True, False, True], DRONE))
    stop_s = sum(leg_durations_s(points, [8.0, 8.0], [True, True, True], DRONE))
    assert straight_s < corner_s < stop_s


def test_corners_cost_from_nothing_to_a_full_stop() -> None:
    assert corner_cost((0, 0, 0), (10, 0, 0), (20, 0, 0)) == 0.0
    assert corner_cost((0, 0, 0), (10, 0, 0), (0, 0, 0)) == pytest.approx(1.0)
    assert corner_cost((0, 0, 0), (10, 0, 0), (10, 10, 0)) == corner_cost((0, 0, 0), (10, 0, 0), (10, -10, 0))
    assert corner_cost((0, 0, 0), (0, 0, 10), (10, 0, 10)) == 1.0


def test_a_steep_leg_is_as_slow_as_its_climb() -> None:
    (climbing_s,) = leg_durations_s([(0, 0, 10), (10, 0, 60)], [8.0], [True, True], DRONE)
    assert climbing_s > 50.0 / DRONE.climb_mps
    (sinking_s,) = leg_durations_s([(0, 0, 60), (0, 0, 10)], [8.0], [True, True], DRONE)
    assert sinking_s > 50.0 / DRONE.descent_mps


def test_a_route_must_say_as_much_as_it_has_legs() -> None:
    with pytest.raises(ValueError, match="one point more"):
        leg_durations_s(SQUARE, [10.0], [True, True], DRONE)


@given(st.floats(0.1, 3000), st.floats(0.5, 15))
def test_no_leg_is_faster_than_its_speed_and_longer_legs_take_longer(length_m: float, speed_mps: float) -> None:
    def leg_s(metres: float) -> float:
        return leg_durations_s([(0, 0, 40), (metres, 0, 40)], [speed_mps], [True, True], DRONE)[0]

    assert leg_s(length_m) >= length_m / speed_mps
    assert leg_s(length_m * 1.1) > leg_s(length_m)
